package spf

import (
	"slices"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

func includeNone(publicSuffix func(string) (string, bool)) check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "spf.include-none",
			Severity: check.Critical,
			Title:    "An included name has no SPF record",
			Text: "Receivers that reach the include stop with a permanent error: mail that no term before it matches fails SPF. " +
				"A name that can be registered lets a stranger publish a record there, and send as you.",
			Fix:   "Remove the include, or correct its name.",
			Cite:  []check.Cite{check.RFC(7208, "5.2")},
			Since: since,
		},
		Applies: hasRecord,
		Check:   withGaps(linksToNothing(false, publicSuffix), func(a *Analysis) []check.Gap { return a.linkGaps(false) }),
	}
}

func redirectNone(publicSuffix func(string) (string, bool)) check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "spf.redirect-none",
			Severity: check.Critical,
			Title:    "The name behind redirect has no SPF record",
			Text: "redirect hands the decision to the record of another name. That name has none, " +
				"so receivers stop with a permanent error for all mail that no term before it matches.",
			Fix:   "Publish the record at that name, or replace redirect by the terms that are meant.",
			Cite:  []check.Cite{check.RFC(7208, "6.1")},
			Since: since,
		},
		Applies: hasRecord,
		Check:   linksToNothing(true, publicSuffix),
	}
}

// linksToNothing makes a body that finds the includes, or the redirect, of Policy whose
// target has no SPF record.
func linksToNothing(redirect bool, publicSuffix func(string) (string, bool)) func(*Analysis) ([]check.Finding, []check.Gap) {
	return perTerm(func(a *Analysis, n *Node, t *nodeTerm) (f check.Finding, ok bool) {
		l := t.link
		if l == nil || l.Redirect != redirect || l.node == nil || !l.node.absent() || n.ranInto(l) {
			return f, false
		}
		f = a.finding(n, t.at, check.Textf("%s %s", l.Target, l.node.noRecord()))
		if !redirect {
			f.Fix = a.fix(n, check.Textf("Remove the include of %s, or correct its name", l.Target))
		}
		a.milder(&f, n.Name, l.Target, publicSuffix)
		return f, true
	})
}

// ranInto reports whether a link's name is one that another term ran into: that is
// spf.string-join.
func (n *Node) ranInto(l *link) bool {
	return slices.ContainsFunc(n.glued, func(g glue) bool { return strings.HasSuffix(g.token, l.Spec) })
}

// noRecord says in which way a name has no SPF record.
func (n *Node) noRecord() check.Text {
	switch {
	case dnsx.Parent(n.Name) == ".":
		return check.Textf("has one label alone, and receivers look for no record there")
	case n.noName:
		return check.Textf("does not exist")
	case n.others == 0:
		return check.Textf("has no TXT record")
	case len(n.misses) > 0:
		return check.Textf("has no SPF record: %q does not start with %s and a blank", clip(n.misses[0].text), version)
	}
	return check.Textf("has TXT records (%d), but none of them is an SPF record", n.others)
}

func includePermerror() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "spf.include-permerror",
			Severity: check.Critical,
			Title:    "An included SPF record is broken",
			Text: "A permanent error in an included record is one of the record that includes it. " +
				"Mail that no term before the include matches fails SPF.",
			Fix:   "Ask the publisher of the included record to mend it, or remove the include.",
			Cite:  []check.Cite{check.RFC(7208, "5.2")},
			Since: since,
		},
		Applies: hasRecord,
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			return a.terms(func(n *Node, t *nodeTerm) (f check.Finding, ok bool) {
				l := t.link
				if l == nil || l.Redirect || l.node == nil || l.loop || l.node.broken == nil {
					return f, false
				}
				broken := l.node.broken
				return a.behind(n, t.at, broken.Name, check.Textf("include:%s: %s", l.Target, broken.Text)), true
			}), a.Gaps
		},
	}
}

func includeLoop() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "spf.include-loop",
			Severity: check.Critical,
			Title:    "include and redirect run in a circle",
			Text: "Receivers follow the circle until they pass the limit of 10 lookups, and stop with a permanent error. " +
				"Mail that no term before it matches fails SPF.",
			Fix:   "Remove one of the terms that close the circle.",
			Cite:  []check.Cite{check.RFC(7208, "4.6.4")},
			Since: since,
		},
		Applies: hasRecord,
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			var found []check.Finding
			for _, c := range a.circles {
				if a.self(c) {
					continue
				}
				f := check.Finding{Subject: a.Domain, Detail: check.Textf("each leads to the next: %s", c)}
				for _, name := range c[:min(len(c), maxFindings)] {
					f.Evidence = append(f.Evidence, a.Nodes[name].evidence()...)
				}
				found = append(found, f)
			}
			return found, a.Gaps
		},
	}
}

// self reports whether a circle is a record of Policy that names itself.
func (a *Analysis) self(c circle) bool {
	return len(c) == 1 && slices.ContainsFunc(a.Policy, func(n *Node) bool { return n.Name == c[0] })
}

func includeSelf() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "spf.include-self",
			Severity: check.Critical,
			Title:    "The SPF record includes itself",
			Text: "Receivers that reach this term follow it again and again, until they pass the limit of 10 lookups and stop with a permanent error. " +
				"The term can never add a sender.",
			Fix:   "Remove the term.",
			Cite:  []check.Cite{check.RFC(7208, "5.2"), check.RFC(7208, "4.6.4")},
			Since: since,
		},
		Applies: hasRecord,
		Check: perNode(func(a *Analysis, n *Node) []check.Finding {
			for i := range n.terms {
				if l := n.terms[i].link; l != nil && l.loop && l.Target == n.Name {
					f := a.finding(n, n.terms[i].at, check.Textf("the record of %s leads back to itself", n.Name))
					f.Fix = a.fix(n, check.Textf("Remove the term"))
					return []check.Finding{f}
				}
			}
			return nil
		}),
	}
}

func includePassAll() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "spf.include-pass-all",
			Severity: check.Critical,
			Title:    "An included SPF record lets everybody send as this domain",
			Text: "Every client that the included record passes, passes here. It passes every address, so anybody can send mail " +
				"that SPF and DMARC authenticate as this domain's.",
			Fix:   "Remove the include, and ask its publisher which one is right.",
			Cite:  []check.Cite{check.RFC(7208, "5.2")},
			Since: since,
		},
		Applies: hasRecord,
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			found := a.terms(func(n *Node, t *nodeTerm) (f check.Finding, ok bool) {
				l := t.link
				if l == nil || l.Redirect || !l.opens() || !a.lets(*l.node.open) {
					return f, false
				}
				open := l.node.open
				return a.behind(n, t.at, open.Name, check.Textf("include:%s: %q in the record of %s: %s", l.Target, clip(open.Term), open.Name, open.Text)), true
			})
			gaps := slices.Clone(a.Gaps)
			for _, n := range a.order {
				gaps = append(gaps, n.openGaps()...)
			}
			return found, gaps
		},
	}
}

// behind is a finding about an include that tells what the record of another name says,
// which is evidence too.
func (a *Analysis) behind(n *Node, at place, name string, detail check.Text) check.Finding {
	f := a.finding(n, at, detail)
	if other := a.Nodes[name]; other != nil {
		f.Evidence = append(f.Evidence, other.evidence()...)
	}
	return f
}
