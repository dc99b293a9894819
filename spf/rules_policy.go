package spf

import (
	"slices"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
)

func allPass() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "spf.all-pass",
			Severity: check.Critical,
			Title:    "The SPF record lets everybody send as this domain",
			Text: "+all, or ranges that hold every address together, say that every server in the world may send as this domain. " +
				"Anybody can send mail that SPF and DMARC authenticate as yours.",
			Fix:   "Replace +all, or all without a sign, by ~all or -all; name the servers that send instead of all addresses.",
			Cite:  []check.Cite{check.RFC(7208, "5.1"), check.RFC(7208, "4.6.2")},
			Since: since,
		},
		Applies: hasRecord,
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			var found []check.Finding
			gaps := a.policyGaps()
			for _, n := range a.Policy {
				for _, o := range n.opened {
					if !a.lets(o) {
						continue
					}
					f := a.finding(n, o.at, check.Textf("%q: %s", clip(o.Term), o.Text))
					f.Fix = a.fix(n, check.Textf("Name the servers that send, and end the record in ~all or -all"))
					found = append(found, f)
				}
				gaps = append(gaps, n.openGaps()...)
			}
			return found, gaps
		},
	}
}

// lets reports that the opening is one for the domain itself.
func (a *Analysis) lets(o Opening) bool {
	return slices.ContainsFunc(a.Open, func(have Opening) bool { return have.Name == o.Name && have.Term == o.Term })
}

// openGaps are the missing answers that decide whether a term of the record passes
// everybody: those to exists, and to a/0 and mx/0.
func (n *Node) openGaps() []check.Gap {
	var gaps []check.Gap
	for _, g := range n.gaps {
		d := g.directive
		network := d.Mechanism == A || d.Mechanism == MX
		if d.Qualifier == Pass && g.Why != check.Undecidable && (d.Mechanism == Exists || network && (d.Bits4 == 0 || d.Bits6 == 0)) {
			gaps = append(gaps, g.Gap)
		}
	}
	return gaps
}

// last is the record whose all decides, or would: the end of the redirects.
func (a *Analysis) last() *Node { return a.Policy[len(a.Policy)-1] }

// allPlace is where the record's all stands; zero where there is none.
func (n *Node) allPlace() place {
	if i := n.Record.All(); i >= 0 {
		return n.places.directives[i]
	}
	return place{}
}

// ends makes a body that looks at the all that holds in the end.
func ends(all Result, detail, summary string) func(*Analysis) ([]check.Finding, []check.Gap) {
	return func(a *Analysis) ([]check.Finding, []check.Gap) {
		if a.All != all {
			return nil, a.policyGaps()
		}
		f := a.finding(a.last(), a.last().allPlace(), check.Textf(detail))
		f.Fix = a.fix(a.last(), check.Textf(summary))
		return []check.Finding{f}, nil
	}
}

func allNeutral() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "spf.all-neutral",
			Severity: check.Medium,
			Title:    "?all says nothing about other senders",
			Text: "Receivers have to treat mail from servers that the record does not name as if there were no SPF record. " +
				"The record vouches for senders, but keeps nobody from using the domain.",
			Fix:   "End the record in ~all, or in -all.",
			Cite:  []check.Cite{check.RFC(7208, "2.6.2"), check.RFC(7208, "8.2")},
			Since: since,
		},
		Applies: hasRecord,
		Check:   ends(Neutral, "the record ends in ?all", "Write ~all instead of ?all"),
	}
}

func allSoft() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "spf.all-soft",
			Severity: check.Info,
			Title:    "The SPF record ends in ~all",
			Text: "Receivers should not refuse mail from other servers on this alone. Together with a DMARC policy of quarantine or reject " +
				"that is good practice: forwarded mail with a valid DKIM signature still arrives. A domain that sends no mail should say -all.",
			Fix:   "Nothing is to be done for a domain that sends mail.",
			Cite:  []check.Cite{check.RFC(7208, "8.5"), {Doc: "RFC 9989", Section: "7.1"}},
			Since: since,
		},
		Applies: hasRecord,
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			if a.All != SoftFail {
				return nil, a.policyGaps()
			}
			return []check.Finding{a.finding(a.last(), a.last().allPlace(), check.Textf("the record ends in ~all"))}, nil
		},
	}
}

func noAll() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "spf.no-all",
			Severity: check.Medium,
			Title:    "The SPF record has neither all nor redirect",
			Text: "Without either, the record ends as if in ?all: receivers have to treat mail from servers that it does not name " +
				"as if there were no SPF record.",
			Fix:   "End the record in ~all, or in -all.",
			Cite:  []check.Cite{check.RFC(7208, "4.7")},
			Since: since,
		},
		Applies: hasRecord,
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			n := a.last()
			if n.Record == nil || n.Record.All() >= 0 || !n.Record.Redirect.IsZero() || n.hidesEnd() {
				return nil, a.policyGaps()
			}
			f := a.finding(n, place{}, check.Textf("the record ends without all and without redirect"))
			f.Fix = a.fix(n, check.Textf("Add ~all at the end"))
			return []check.Finding{f}, nil
		},
	}
}

// hidesEnd reports whether a fault may have swallowed the all or the redirect of a
// record.
func (n *Node) hidesEnd() bool {
	for _, f := range n.Record.Faults {
		name := strings.TrimLeftFunc(f.Term, func(c rune) bool { return c >= 0x80 || !isAlpha(byte(c)) })
		name = strings.TrimRight(name[:nameLength(name)], ".-_")
		if endsInAll(f.Term) || mechanismOf(name) == All || strings.EqualFold(name, nameRedirect) {
			return true
		}
	}
	if slices.ContainsFunc(n.terms, func(t nodeTerm) bool { return endsInAll(t.text) }) {
		return true
	}
	ends := func(term string) bool {
		t, _ := parseDefined(term)
		return t.modifier.Name == "" && t.directive.Mechanism == All || t.modifier.Name == nameRedirect
	}
	return slices.ContainsFunc(n.glued, func(g glue) bool { return ends(g.right) }) ||
		slices.ContainsFunc(n.pasted, func(r restart) bool { return r.glued() && r.term != "" && ends(r.term) })
}

func termsAfterAll() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "spf.terms-after-all",
			Severity: check.Low,
			Title:    "Terms behind all are never evaluated",
			Text:     "all matches every client, so evaluation ends there. A sender that is named behind it is not authorised.",
			Fix:      "Move the terms in front of all, or delete them.",
			Cite:     []check.Cite{check.RFC(7208, "5.1")},
			Since:    since,
		},
		Applies: hasRecord,
		Check: perNode(func(a *Analysis, n *Node) []check.Finding {
			i := n.Record.All()
			if i < 0 || i == len(n.Record.Directives)-1 || n.restarted(i) {
				return nil
			}
			after := n.Record.Directives[i+1:]
			at := place{n.places.directives[i+1].start, n.places.directives[len(n.places.directives)-1].end}
			f := a.finding(n, at, check.Textf("%d terms stand behind %s, the first is %s", len(after), n.Record.Directives[i].String(), clip(after[0].String())))
			if len(after) == 1 {
				f.Detail = check.Textf("1 term stands behind %s: %s", n.Record.Directives[i].String(), clip(after[0].String()))
			}
			f.Fix = a.fix(n, check.Textf("Move in front of all what still sends, and delete the rest"))
			return []check.Finding{f}
		}),
	}
}

func redirectIgnored() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "spf.redirect-ignored",
			Severity: check.Medium,
			Title:    "redirect is ignored, because the record has all",
			Text:     "Receivers never use the redirect of a record that has all anywhere in it. Senders that only the other record names are not authorised.",
			Fix:      "Keep either all or redirect; to add the other record's senders, include it.",
			Cite:     []check.Cite{check.RFC(7208, "5.1"), check.RFC(7208, "6.1")},
			Since:    since,
		},
		Applies: hasRecord,
		Check: perNode(func(a *Analysis, n *Node) []check.Finding {
			if n.Record.All() < 0 || n.Record.Redirect.IsZero() {
				return nil
			}
			f := a.finding(n, n.places.redirect, check.Textf("redirect=%s has no effect", clip(n.Record.Redirect.Raw)))
			f.Fix = a.fix(n, check.Textf("Remove redirect, or include %s in front of all", clip(n.Record.Redirect.Raw)))
			return []check.Finding{f}
		}),
	}
}
