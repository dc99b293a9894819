package spf

import (
	"slices"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
)

func shadowedTerm() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "spf.shadowed-term",
			Severity: check.Medium,
			Title:    "A term of the SPF record can never match",
			Text: "Terms are tried in order, and the first that matches decides. Earlier terms match every client that this one names: " +
				"it adds nobody, and where it asks the DNS it costs lookups. Where it says something else than they do, as an exception behind the rule, " +
				"what it says is never done.",
			Fix:   "Delete the term, or move an exception in front of the term that it is an exception from.",
			Cite:  []check.Cite{check.RFC(7208, "4.6.2"), check.RFC(7208, "4.6.4")},
			Since: since,
		},
		Applies: hasRecord,
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			var found []check.Finding
			for _, c := range a.shadows() {
				f := a.finding(c.node, c.detail())
				switch {
				case c.result != c.directive.Qualifier:
					f.Fix = fixText(check.Textf("Move %s in front of %s, or delete it", clip(c.term()), clip(c.by[0])))
				case c.cost() > 0 || c.static:
					f.Severity = check.Low
					f.Fix = fixText(check.Textf("Delete %s", clip(c.term())))
				default:
					f.Severity = check.Info // what others publish, or a host's address, may change
				}
				found = append(found, f)
			}
			return found, a.answerGaps()
		},
	}
}

func overlap() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "spf.overlap",
			Severity: check.Info,
			Title:    "A later term of the SPF record passes the same clients too",
			Text: "All clients that the term passes, terms behind it would pass as well. That does no harm, " +
				"but the term has to be kept up to date, and where it asks the DNS it costs lookups.",
			Fix:   "Delete the term, if the other is there to stay.",
			Cite:  []check.Cite{check.RFC(7208, "4.6.2"), check.RFC(7208, "10.1.1")},
			Since: since,
		},
		Applies: hasRecord,
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			var found []check.Finding
			for _, c := range a.needless() {
				detail := check.Textf("%s: all it passes is passed by %s too", clip(c.term()), strings.Join(c.by, ", "))
				if n := c.cost(); n > 0 {
					detail = check.Textf("%s costs lookups (%d), and all it passes is passed by %s too", clip(c.term()), n, strings.Join(c.by, ", "))
				}
				found = append(found, a.finding(c.node, detail))
			}
			return found, a.answerGaps()
		},
	}
}

// fixText is a fix that leaves the choice to whoever reads it.
func fixText(summary check.Text) *check.Fix { return &check.Fix{Summary: summary} }

// answerGaps are those that an answer would have closed: a term whose name depends on
// the message is never shown to be needless.
func (a *Analysis) answerGaps() []check.Gap {
	var gaps []check.Gap
	for _, all := range [][]check.Gap{a.Gaps, a.AddressGaps} {
		for _, g := range all {
			if unanswered(g) {
				gaps = append(gaps, g)
			}
		}
	}
	return append(gaps, a.policyGaps()...)
}

// claim is a term of a record of Policy, with the ranges that it brings.
type claim struct {
	node      *Node
	directive *Directive
	index     int // of the directive
	policy    int // of the node
	from, to  int // of Authorized

	by     []string // terms of Policy that match all its clients
	result Result   // that these give
	static bool     // it, and these, are ranges and not names
}

func (c *claim) term() string { return c.node.term(c.index) }

// cost is the lookups that the term costs.
func (c *claim) cost() int {
	for i := range c.node.Costs {
		if c.node.Costs[i].Directive == c.directive {
			return c.node.Costs[i].Lookups
		}
	}
	return 0
}

func (c *claim) detail() check.Text {
	by := strings.Join(c.by, ", ")
	if c.result != c.directive.Qualifier {
		return check.Textf("%s never decides: its clients are matched before by %s, and get %s", clip(c.term()), by, string(c.result))
	}
	if n := c.cost(); n > 0 {
		return check.Textf("%s costs lookups (%d) and never decides: its clients are matched before by %s", clip(c.term()), n, by)
	}
	return check.Textf("%s never decides: its clients are matched before by %s", clip(c.term()), by)
}

// add notes a term that matches clients of the claim.
func (c *claim) add(by string, static bool) {
	const shown = 3
	c.static = c.static && static
	switch {
	case slices.Contains(c.by, by):
	case len(c.by) < shown:
		c.by = append(c.by, by)
	case len(c.by) == shown:
		c.by = append(c.by, "…")
	}
}

// claims are the terms of Policy other than all, in the order of evaluation.
func (a *Analysis) claims() []claim {
	var all []claim
	next := 0
	for k, n := range a.Policy {
		if n.Record == nil {
			break
		}
		live := n.Record.live()
		for i := range live {
			d := &live[i]
			if d.Mechanism == All {
				continue
			}
			c := claim{node: n, directive: d, index: i, policy: k, from: next, static: d.Mechanism == IP4 || d.Mechanism == IP6}
			for d.Qualifier == Pass && next < len(a.Authorized) && a.Authorized[next].top(k) == n.term(i) {
				next++
			}
			c.to = next
			all = append(all, c)
		}
	}
	return all
}

// top is the term of a record of Policy that brings a range; "" where a record further
// on the way of redirect does. Policy says which record by its index.
func (s *Source) top(policy int) string {
	switch {
	case len(s.Path) < policy:
		return ""
	case len(s.Path) == policy:
		return s.Term
	}
	return s.Path[policy].Term
}

// shadows are the terms of Policy that match nobody whom no earlier term matches.
// Those that stand there twice are spf.duplicate-term's.
func (a *Analysis) shadows() []claim {
	if len(a.Overlaps) == 0 && !a.excepts() {
		return nil
	}
	claims := a.claims()
	others := otherwise(claims)
	repeats := repeats(claims)
	within := a.within()
	sure := map[*Node]bool{}
	var found []claim
	for i := range claims {
		c := &claims[i]
		if !a.passedBefore(c, claims, within, sure) && !a.rangeBefore(c, claims[:i], others) {
			continue
		}
		if !repeats[c.directive] && len(found) < maxFindings {
			found = append(found, *c)
		}
	}
	return found
}

// within has for each range the overlap that it is the inner one of.
func (a *Analysis) within() map[int]Overlap {
	all := make(map[int]Overlap, len(a.Overlaps))
	for _, o := range a.Overlaps {
		all[o.Inner] = o
	}
	return all
}

// passedBefore reports that all ranges of a term lie in those of earlier terms.
func (a *Analysis) passedBefore(c *claim, claims []claim, within map[int]Overlap, sure map[*Node]bool) bool {
	if c.from == c.to || !c.known(sure) {
		return false
	}
	c.result = Pass
	for i := c.from; i < c.to; i++ {
		o, ok := within[i]
		if !ok || o.First >= c.from || !a.passes(o.First, claims, c) {
			c.by = nil
			return false
		}
	}
	return true
}

// passes notes the term that brings a range, if it is sure to decide for its clients.
func (a *Analysis) passes(source int, claims []claim, c *claim) bool {
	s := &a.Authorized[source]
	at, _ := slices.BinarySearchFunc(claims, source, func(c claim, source int) int {
		if c.to <= source {
			return -1
		}
		return 1
	})
	if at == len(claims) || source < claims[at].from {
		return false
	}
	by := &claims[at]
	if by.directive.Mechanism == Include {
		for _, step := range s.Path[by.policy+1:] {
			if !a.Nodes[step.Name].plain() {
				return false
			}
		}
		if !a.Nodes[s.Name].plain() {
			return false
		}
	}
	c.add(clip(by.term()), by.directive.Mechanism == IP4 || by.directive.Mechanism == IP6)
	return true
}

// plain reports that a record passes whomever one of its terms names: no term takes
// anybody out again, and none is in error.
func (n *Node) plain() bool {
	if n == nil || !n.Valid() || n.broken != nil {
		return false
	}
	for _, d := range n.Record.live() {
		if d.Mechanism != All && d.Qualifier != Pass {
			return false
		}
	}
	return true
}

// known reports that a term passes nobody but those of the ranges that it brings.
func (c *claim) known(sure map[*Node]bool) bool {
	if c.directive.Mechanism == Include {
		for i := range c.node.Costs {
			if t := &c.node.Costs[i]; t.Directive == c.directive {
				return t.Node != nil && t.Node.known(sure)
			}
		}
		return false
	}
	return !slices.ContainsFunc(c.node.gaps, func(g termGap) bool { return g.directive == c.directive })
}

func (n *Node) known(sure map[*Node]bool) bool {
	if yes, ok := sure[n]; ok {
		return yes
	}
	sure[n] = false // where it leads back to itself
	if !n.Valid() || n.open != nil || len(n.gaps) > 0 {
		return false
	}
	for i := range n.Costs {
		c := &n.Costs[i]
		exists := c.Directive != nil && c.Directive.Mechanism == Exists
		link := c.Directive == nil || c.Directive.Mechanism == Include
		if exists || c.Open || link && (c.Node == nil || !c.Node.known(sure)) {
			return false
		}
	}
	sure[n] = true
	return true
}

// excepts reports that a range of Policy gives something else than a pass.
func (a *Analysis) excepts() bool {
	for _, n := range a.Policy {
		if n.Record == nil {
			continue
		}
		live := n.Record.live()
		for i := range live {
			if d := &live[i]; d.Qualifier != Pass && d.Prefix.IsValid() {
				return true
			}
		}
	}
	return false
}

// otherwise are the ranges of Policy that give something else than a pass, by their
// index in claims.
func otherwise(claims []claim) []int {
	const most = 100 // each is compared with all that pass
	var all []int
	for i := range claims {
		if d := claims[i].directive; d.Qualifier != Pass && d.Prefix.IsValid() && len(all) < most {
			all = append(all, i)
		}
	}
	return all
}

// rangeBefore reports that an ip4 or ip6 lies in an earlier range, where one of the two
// gives something else than a pass.
func (a *Analysis) rangeBefore(c *claim, before []claim, others []int) bool {
	d := c.directive
	if !d.Prefix.IsValid() {
		return false
	}
	for _, i := range others {
		if i >= len(before) {
			break
		}
		if by := &before[i]; holds(by.directive, d) {
			c.by, c.result = []string{clip(by.term())}, by.directive.Qualifier
			return true
		}
	}
	if d.Qualifier == Pass || !slices.Contains(others, len(before)) {
		return false
	}
	for i := range a.Authorized[:c.from] {
		p := a.Authorized[i].Prefix
		if p.Bits() <= d.Prefix.Bits() && p.Contains(d.Prefix.Addr()) && a.passes(i, before, c) {
			c.result = Pass
			return true
		}
	}
	return false
}

func holds(wide, narrow *Directive) bool {
	return wide.Prefix.Bits() <= narrow.Prefix.Bits() && wide.Prefix.Contains(narrow.Prefix.Addr())
}

// repeats are the terms that stand in their record before.
func repeats(claims []claim) map[*Directive]bool {
	type place struct {
		policy int
		key    string
	}
	all := map[*Directive]bool{}
	seen := make(map[place]bool, len(claims))
	for i := range claims {
		c := &claims[i]
		at := place{c.policy, c.directive.key(c.node.Name)}
		all[c.directive] = seen[at]
		seen[at] = true
	}
	return all
}

// needless are the terms of Policy whose clients later terms would pass. Where a term
// says something else than a pass, that may be why the order is as it is.
func (a *Analysis) needless() []claim {
	if len(a.Overlaps) == 0 {
		return nil
	}
	claims := a.claims()
	if slices.ContainsFunc(claims, func(c claim) bool { return c.directive.Qualifier != Pass }) {
		return nil
	}
	repeats := repeats(claims)
	within := a.within()
	sure := map[*Node]bool{}
	var found []claim
	for i := range claims {
		c := &claims[i]
		needless := c.from < c.to && c.known(sure)
		later := false
		for j := c.from; j < c.to && needless; j++ {
			o, ok := within[j]
			needless = ok && (o.Outer < c.from || o.Outer >= c.to) && a.passes(o.Outer, claims, c)
			later = later || o.First >= c.from
		}
		if needless && later && !repeats[c.directive] && len(found) < maxFindings {
			found = append(found, *c)
		}
	}
	return found
}
