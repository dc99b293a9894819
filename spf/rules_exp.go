package spf

import (
	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

// explanation is what an exp leads to.
type explanation struct {
	node *Node // whose record has it
	why  check.Text
	text []dnsx.RR
	gaps []check.Gap
}

// broken reports that receivers do as if there were no exp (RFC 7208, 6.2).
func (e *explanation) broken() bool { return e.why.Format != "" }

// explain looks at the exp that holds for the domain: that of the record at the end of
// the redirects, and none that is included (RFC 7208, 6.2).
func (w *walk) explain() {
	n := w.a.last()
	if n.Record == nil || n.Record.Exp.IsZero() || n.Record.All() < 0 && !n.Record.Redirect.IsZero() {
		return
	}
	e := &explanation{node: n}
	w.a.exp = e
	name, err := target(n.Record.Exp, n.Name)
	switch {
	case err == errMessage:
		e.gaps = []check.Gap{unknownTarget(n, nameExp+"="+n.Record.Exp.Raw, err)}
		return
	case err != nil:
		e.why = check.Textf("it leads to no domain name")
		return
	}
	r := w.reply(dnsx.Q(name, dnsx.TypeTXT))
	if err := r.Err(); err != nil {
		e.gaps = []check.Gap{check.GapOf("", err)}
		return
	}
	e.text = r.records[:min(len(r.records), maxFindings)]
	switch {
	case !r.Answer.Exists():
		e.why = check.Textf("%s does not exist", name)
	case len(r.records) == 0:
		e.why = check.Textf("%s has no TXT record", name)
	case len(r.records) > 1:
		e.why = check.Textf("%s has %d TXT records, and only a single one counts", name, len(r.records))
	default:
		e.why = brokenExplanation(name, r.records[0].Text())
	}
}

// brokenExplanation says what is wrong with a text, nothing for a good one.
func brokenExplanation(name, text string) check.Text {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' {
			return check.Textf("the text at %s has the octet %#02x, and only ASCII text fits into an SMTP reply", name, c)
		}
	}
	m := MacroString{Raw: text}
	if problem := m.parse(text, true); problem != nil {
		return check.Textf("the text at %s cannot be expanded: %s", name, problem.reason)
	}
	if text == "" {
		return check.Textf("the text at %s is empty", name)
	}
	return check.Text{}
}

func expBroken() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "spf.exp-broken",
			Severity: check.Low,
			Title:    "The explanation behind exp cannot be used",
			Text: "Receivers that refuse mail because of SPF can tell the sender why, in the text that exp leads to. " +
				"It has to be exactly one TXT record of ASCII text with valid macros; otherwise receivers do as if there were no exp. " +
				"Who passes does not change by it.",
			Fix:   "Publish one TXT record at that name, or remove exp.",
			Cite:  []check.Cite{check.RFC(7208, "6.2"), check.RFC(7208, "7.1")},
			Since: since,
		},
		Applies: hasRecord,
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			e := a.exp
			if e == nil {
				return nil, a.policyGaps()
			}
			if !e.broken() {
				return nil, e.gaps
			}
			f := a.finding(e.node, e.node.places.exp, check.Textf("exp=%s: %s", clip(e.node.Record.Exp.Raw), e.why))
			for _, rr := range e.text {
				f.Evidence = append(f.Evidence, check.Evidence{Source: "TXT " + rr.Name, Text: rr.Text()})
			}
			f.Fix = a.fix(e.node, check.Textf("Publish one TXT record at that name, or remove exp"))
			if !e.node.Record.fails() {
				f.Severity = check.Info // nobody is ever told
			}
			return []check.Finding{f}, nil
		},
	}
}

// fails reports whether a term of the record itself gives fail: only then is exp looked
// at (RFC 7208, 6.2).
func (r *Record) fails() bool {
	for _, d := range r.live() {
		if d.Qualifier == Fail {
			return true
		}
	}
	return false
}

func macroLocalpart() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "spf.macro-localpart",
			Severity: check.Low,
			Title:    "The SPF record asks about the part of the address in front of @",
			Text: "With %{l} or %{s} the name to look up is different for every sender's address, so caches help neither resolvers nor receivers. " +
				"Such a term never matches an address with other than ASCII characters in front of @.",
			Fix:   "Use terms that are the same for all senders, unless each address is meant to have a policy of its own.",
			Cite:  []check.Cite{check.RFC(7208, "7.3"), check.RFC(8616, "4")},
			Since: since,
		},
		Applies: hasRecord,
		Check: perNode(func(a *Analysis, n *Node) []check.Finding {
			for i := range n.terms {
				if t := &n.terms[i]; n.spec(t).hasLocal() {
					return []check.Finding{a.finding(n, t.at, check.Textf("%s has %%{l} or %%{s}", clip(t.text)))}
				}
			}
			return nil
		}),
	}
}

func (m MacroString) hasLocal() bool { return m.has('l') || m.has('s') }

func type99() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "spf.type99",
			Severity: check.Low,
			Title:    "A record of the obsolete type SPF (99) is present",
			Text: "SPF is published as TXT only. Its own record type was given up in 2014, and receivers no longer ask for it. " +
				"Somebody who changes the policy may change the wrong record, and old software may still read an outdated one.",
			Fix:   "Delete the record of type SPF. What still holds of it belongs in the TXT record.",
			Cite:  []check.Cite{check.RFC(7208, "3.1")},
			Since: since,
		},
		// Few ask for it, and most reports need no line about that.
		Applies: func(a *Analysis) (bool, []check.Gap) {
			return !a.NoDomain && (a.type99.Answer != nil || a.type99.Failure != nil), nil
		},
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			if err := a.type99.Err(); err != nil {
				return nil, []check.Gap{check.GapOf("", err)}
			}
			records := answers(a.type99)
			if len(records) == 0 {
				return nil, nil
			}
			owner := a.type99.Answer.Owner()
			change := check.Change{Name: owner, Type: "SPF"}
			f := check.Finding{Subject: a.Domain, Detail: check.Textf("%d records of type SPF stand at %s", len(records), owner)}
			same := true
			for _, rr := range records[:min(len(records), maxFindings)] {
				f.Evidence = append(f.Evidence, check.Evidence{Source: "SPF " + owner, Text: rr.Text()})
				same = same && rr.Text() == a.Text
				change.Old = append(change.Old, rr.DataText())
			}
			switch {
			case a.Unread != nil:
			case len(a.Texts) == 0:
				f.Detail = check.Textf("an SPF record stands at %s as type SPF, and none as TXT: receivers find none", owner)
				f.Fix = &check.Fix{Summary: check.Textf("Publish the record as TXT, then delete the one of type SPF")}
				return []check.Finding{f}, nil
			case len(a.Texts) == 1 && !same:
				f.Detail = check.Textf("a record of type SPF stands at %s, and says something else than the TXT record", owner)
			case same:
				f.Detail = check.Textf("a record of type SPF stands at %s beside the same text as TXT", owner)
			}
			f.Fix = &check.Fix{Summary: check.Textf("Delete the record of type SPF"), Changes: []check.Change{change}}
			return []check.Finding{f}, nil
		},
	}
}
