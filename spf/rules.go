package spf

import (
	"cmp"
	"slices"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

const since = "v0.1.0"

// maxFindings bounds what one rule says about one domain, and what is kept of a kind to say.
const maxFindings = 20

// Rules judge an Analysis. Each finds at most 20 things, and names at most 100 gaps and in
// one more that there are others.
func Rules(s Settings) []check.Rule[*Analysis] {
	s.NearLimit = cmp.Or(s.NearLimit, 8)
	s.BroadIPv4 = cmp.Or(s.BroadIPv4, 16)
	s.BroadIPv6 = cmp.Or(s.BroadIPv6, 32)
	s.BroadIncludeIPv4 = cmp.Or(s.BroadIncludeIPv4, 12)
	s.BroadIncludeIPv6 = cmp.Or(s.BroadIncludeIPv6, 28)
	s.RecordSize = cmp.Or(s.RecordSize, 450)
	if s.PublicSuffix == nil {
		s.PublicSuffix = topLevel
	}
	rules := []check.Rule[*Analysis]{
		missing(), multiple(), versionToken(), versionAgain(), leadingSpace(),
		syntax(), unknownMechanism(), badIP(), domainSpec(), macroSyntax(), macroExpOnly(),
		duplicateModifier(), tabSeparator(), stringJoin(), stringLength(), mechanismAsModifier(), unknownModifier(),
		lookupLimit(), lookupNearLimit(s.NearLimit), voidLookups(), voidLookup(s.PublicSuffix), mxTooMany(),
		includeUnregistered(s.PublicSuffix), includeNone(s.PublicSuffix), redirectNone(s.PublicSuffix), includePermerror(), includeLoop(), includeSelf(),
		allPass(), includePassAll(), allNeutral(), noAll(), allSoft(),
		ptr(), macroP(), macroLocalpart(), expBroken(), termsAfterAll(), redirectIgnored(), duplicateTerm(),
		includeTwice(), shadowedTerm(), overlap(), hostBits(),
		broadRange(s.BroadIPv4, s.BroadIPv6), includeBroad(s.BroadIncludeIPv4, s.BroadIncludeIPv6), privateIP(), recordSize(s.RecordSize), spf2(), type99(),
	}
	for i := range rules {
		rules[i].Check = bounded(rules[i].Check)
	}
	return rules
}

// hasRecord is the Applies of rules about what the domain's record says. A redirect
// whose target is not known leaves the rule applicable; see policyGaps.
func hasRecord(a *Analysis) (bool, []check.Gap) { return a.Record != nil, a.Unread }

// policyGaps say which record on the way of redirect is not known.
func (a *Analysis) policyGaps() []check.Gap {
	last := a.Policy[len(a.Policy)-1]
	if last.Unread != nil {
		return last.Unread
	}
	if l := last.redirect(); l != nil && l.node == nil && !l.malformed {
		return []check.Gap{l.gap(last)}
	}
	return nil
}

// gap says that the target of a link is not known, because it has none.
func (l *link) gap(in *Node) check.Gap {
	term := Include.String() + ":" + l.Spec
	if l.Redirect {
		term = nameRedirect + "=" + l.Spec
	}
	if l.Target != "" {
		return check.Gap{Subject: dnsx.Q(l.Target, dnsx.TypeTXT).String(), Why: check.Limit}
	}
	return unknownTarget(in, term, errMessage)
}

// linkGaps say which records behind the includes (or redirects) of Policy are not
// known.
func (a *Analysis) linkGaps(redirect bool) []check.Gap {
	var gaps []check.Gap
	for _, n := range a.Policy {
		for i := range n.terms {
			switch l := n.terms[i].link; {
			case l == nil || l.Redirect != redirect || l.malformed:
			case l.node == nil:
				gaps = append(gaps, l.gap(n))
			default:
				gaps = append(gaps, l.node.Unread...)
			}
		}
	}
	return gaps
}

// few makes findings of the first of n things that are worth one. More than maxFindings are
// not looked for, as records may have thousands.
func few(n int, look func(i int) (check.Finding, bool)) (found []check.Finding) {
	for i := 0; i < n && len(found) < maxFindings; i++ {
		if f, ok := look(i); ok {
			found = append(found, f)
		}
	}
	return found
}

// perNode makes a body that looks at each record of Policy on its own.
func perNode(look func(a *Analysis, n *Node) []check.Finding) func(*Analysis) ([]check.Finding, []check.Gap) {
	return func(a *Analysis) ([]check.Finding, []check.Gap) {
		var found []check.Finding
		for _, n := range a.Policy {
			if n.Record != nil {
				found = append(found, look(a, n)...)
			}
		}
		return found, a.policyGaps()
	}
}

// terms makes findings of terms of Policy's records that can be reached.
func (a *Analysis) terms(look func(n *Node, t *nodeTerm) (check.Finding, bool)) (found []check.Finding) {
	for _, n := range a.Policy {
		found = append(found, few(len(n.terms), func(i int) (check.Finding, bool) { return look(n, &n.terms[i]) })...)
	}
	return found
}

// perTerm makes a body that looks at each of terms on its own.
func perTerm(look func(a *Analysis, n *Node, t *nodeTerm) (check.Finding, bool)) func(*Analysis) ([]check.Finding, []check.Gap) {
	return func(a *Analysis) ([]check.Finding, []check.Gap) {
		return a.terms(func(n *Node, t *nodeTerm) (check.Finding, bool) { return look(a, n, t) }), a.policyGaps()
	}
}

// withGaps adds gaps to those of a body.
func withGaps(body func(*Analysis) ([]check.Finding, []check.Gap), more func(*Analysis) []check.Gap) func(*Analysis) ([]check.Finding, []check.Gap) {
	return func(a *Analysis) ([]check.Finding, []check.Gap) {
		found, gaps := body(a)
		return found, slices.Concat(gaps, more(a))
	}
}

// bounded bounds the findings and the gaps of a body.
func bounded(body func(*Analysis) ([]check.Finding, []check.Gap)) func(*Analysis) ([]check.Finding, []check.Gap) {
	return func(a *Analysis) ([]check.Finding, []check.Gap) {
		found, gaps := body(a)
		if more := len(gaps) - maxGaps; more > 0 {
			gaps = append(gaps[:maxGaps:maxGaps], limitGap("SPF of "+a.Domain, "%d more are left out", more))
		}
		return found[:min(len(found), maxFindings)], gaps
	}
}

// limitGap is what a bound of this package leaves open.
func limitGap(subject, cause string, n int) check.Gap {
	return check.Gap{Subject: subject, Why: check.Limit, Cause: check.Errorf(cause, n)}
}

// finding is one about a record of Policy, with the record as evidence, in which a term is
// marked; the zero place stands for all of it.
func (a *Analysis) finding(n *Node, at place, detail check.Text) check.Finding {
	f := check.Finding{Subject: n.Name, Detail: detail, Evidence: n.evidence()}
	if len(f.Evidence) == 1 {
		f.Evidence[0].Start, f.Evidence[0].End = at.start, at.end
	}
	return f
}

func (n *Node) evidence() []check.Evidence {
	var all []check.Evidence
	for _, txt := range n.Texts[:min(len(n.Texts), maxFindings)] {
		all = append(all, check.Evidence{Source: "TXT " + n.Owner, Text: txt})
	}
	return all
}

// fix has the repaired record where there is one, and the finding is about the
// domain's own.
func (a *Analysis) fix(n *Node, summary check.Text) *check.Fix {
	f := &check.Fix{Summary: summary}
	if n.Name == a.Domain {
		f.Changes = Repair(a)
	}
	return f
}

// faults makes findings of the faults of a kind, except where the join of strings
// explains them.
func (a *Analysis) faults(n *Node, kind Fault, summary check.Text) []check.Finding {
	return few(len(n.Record.Faults), func(i int) (f check.Finding, ok bool) {
		fault := n.Record.Faults[i]
		if fault.Kind != kind || n.isGlued(fault.Offset) {
			return f, false
		}
		at := place{fault.Offset, fault.Offset + len(fault.Term)}
		f = a.finding(n, at, check.Textf("octet %d, %q: %s", fault.Offset, clip(fault.Term), fault.Text()))
		f.Fix = a.fix(n, summary)
		if _, right, ok := blankMissing(fault.Term); ok {
			f.Detail = check.Textf("octet %d, %q: is a blank missing in front of %s?", fault.Offset, clip(fault.Term), right)
			f.Fix = a.fix(n, check.Textf("Put a blank in front of %s", right))
		}
		return f, true
	})
}

// isGlued reports whether the term at an offset is two that ran together.
func (n *Node) isGlued(offset int) bool {
	return slices.ContainsFunc(n.glued, func(g glue) bool { return g.offset == offset }) ||
		slices.ContainsFunc(n.pasted, func(r restart) bool { return r.offset == offset })
}
