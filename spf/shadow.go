package spf

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
)

// part is a range that gives its clients a result, as far as no range before it does.
type part struct {
	prefix netip.Prefix
	result Result
	at     int // its place in the order of evaluation
}

func (p *part) holds(q netip.Prefix) bool {
	return p.prefix.Bits() <= q.Bits() && p.prefix.Contains(q.Addr())
}

// cover are those of some ranges, in the order of evaluation, that leave nobody in a range
// to a term behind them: the first that holds it whole, or else as many as hold it
// together, if it can be such as give the wanted result.
func cover(parts []part, p netip.Prefix, want Result) []part {
	for i := range parts {
		if parts[i].holds(p) {
			return parts[i : i+1]
		}
	}
	same := slices.DeleteFunc(slices.Clone(parts), func(b part) bool { return b.result != want })
	for _, by := range [][]part{same, parts} {
		if len(by) > 1 && len(addrSet{extentOf(p)}.minus(union(by))) == 0 {
			return by
		}
	}
	return nil
}

func union(parts []part) addrSet {
	extents := make([]extent, len(parts))
	for i := range parts {
		extents[i] = extentOf(parts[i].prefix)
	}
	return setOf(extents)
}

// resultOf is what some ranges give; "" where not all give the same.
func resultOf(parts []part) Result {
	for i := range parts {
		if parts[i].result != parts[0].result {
			return ""
		}
	}
	return parts[0].result
}

// claim is a term of a record of Policy, with the ranges that it brings.
type claim struct {
	*nodeTerm
	node     *Node
	index    int // of the term
	policy   int // of the node
	from, to int // of Authorized

	by     []string // terms of Policy that match all its clients
	result Result   // that these give; "" where not all give the same
	static bool     // it, and these, are ranges and not names
}

// wanted reports that the term includes a name whose include is to stay.
func (c *claim) wanted(keep []string) bool {
	return c.link != nil && matchesAny(keep, c.link.Target)
}

// lookups is how many the term costs.
func (c *claim) lookups() int {
	if c.cost == nil {
		return 0
	}
	return c.cost.Lookups
}

func (c *claim) detail() check.Text {
	by := strings.Join(c.by, ", ")
	if c.result == "" {
		return check.Textf("%s never decides: its clients are matched before by %s", clip(c.text), by)
	}
	if c.result != c.directive.Qualifier {
		return check.Textf("%s never decides: its clients are matched before by %s, and get %s", clip(c.text), by, string(c.result))
	}
	if n := c.lookups(); n > 0 {
		return check.Textf("%s costs lookups (%d) and never decides: its clients are matched before by %s", clip(c.text), n, by)
	}
	return check.Textf("%s never decides: its clients are matched before by %s", clip(c.text), by)
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

// claims are the terms of Policy other than all, in the order of evaluation. A record that
// is included too is not among them: there its terms may decide.
func (a *Analysis) claims() []claim {
	var all []claim
	next := 0
	for k, n := range a.Policy {
		if k > 0 && a.leads(n) > 1 {
			break
		}
		for i := range n.terms {
			t := &n.terms[i]
			d := t.directive
			if d == nil || d.Mechanism == All {
				continue
			}
			c := claim{nodeTerm: t, node: n, index: i, policy: k, from: next, static: d.Mechanism == IP4 || d.Mechanism == IP6}
			for d.Qualifier == Pass && next < len(a.Authorized) && a.Authorized[next].top(k) == t.text {
				next++
			}
			c.to = next
			all = append(all, c)
		}
	}
	return all
}

// leads counts the terms that lead to a record.
func (a *Analysis) leads(to *Node) (count int) {
	for i := range a.Links {
		if a.Links[i].Target == to.Name {
			count++
		}
	}
	return count
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
// Whether the bounds of the search let all be found is beside them.
func (a *Analysis) shadows() (found []claim, whole bool) {
	if len(a.Overlaps) == 0 && !a.takes() {
		return nil, true
	}
	s := shadowing{a: a, claims: a.claims(), within: a.within(), sure: map[*Node]bool{}, work: maxShadowWork}
	s.others, whole = otherwise(s.claims)
	repeats := repeats(s.claims)
	for i := range s.claims {
		c := &s.claims[i]
		if s.before(i) && !repeats[c.directive] && !c.wanted(a.Keep) && len(found) < maxFindings {
			found = append(found, *c)
		}
	}
	return found, whole && s.work >= 0
}

// within has for each range the overlap that it is the inner one of.
func (a *Analysis) within() map[int]Overlap {
	all := make(map[int]Overlap, len(a.Overlaps))
	for _, o := range a.Overlaps {
		all[o.Inner] = o
	}
	return all
}

// shadowing looks for terms whose clients earlier terms match.
type shadowing struct {
	a      *Analysis
	claims []claim
	others []int // claims of ranges that give something else than a pass
	within map[int]Overlap
	sure   map[*Node]bool
	work   int // ranges that may still be looked at
}

// maxShadowWork bounds what records cost that name ranges within ranges by the thousand.
const maxShadowWork = 1 << 18

// before reports that earlier terms match all clients of a claim, and notes which.
func (s *shadowing) before(at int) bool {
	c := &s.claims[at]
	d := c.directive
	if d.Qualifier != Pass {
		return slices.Contains(s.others, at) && s.decided(c, d.Prefix.Masked(), s.earlier(at))
	}
	if c.from == c.to || !c.known(s.sure) {
		return false
	}
	for i := c.from; i < c.to; i++ {
		if !s.decided(c, s.a.Authorized[i].Prefix, s.around(at, i)) {
			return false
		}
	}
	return true
}

// decided notes the terms that match all clients of one range of a claim.
func (s *shadowing) decided(c *claim, p netip.Prefix, parts []part) bool {
	by := cover(parts, p, c.directive.Qualifier)
	if len(by) == 0 {
		return false
	}
	result := resultOf(by)
	if len(c.by) > 0 && result != c.result {
		result = ""
	}
	c.result = result
	for _, b := range by {
		one := &s.claims[b.at]
		c.add(clip(one.text), one.directive.Prefix.IsValid())
	}
	return true
}

// around are the ranges before a claim that meet one of its own: those that hold it and
// those that lie in it, for no others meet it.
func (s *shadowing) around(at, source int) []part {
	var parts []part
	from := s.claims[at].from
	p := s.a.Authorized[source].Prefix
	if o, ok := s.within[source]; ok && o.First < from {
		parts = s.passing(parts, o.First)
	}
	inner := s.a.Overlaps
	first, _ := slices.BinarySearchFunc(inner, p, func(o Overlap, p netip.Prefix) int {
		return s.a.Authorized[o.Inner].Prefix.Compare(p)
	})
	for _, o := range inner[first:] {
		if s.work--; s.work < 0 || len(parts) > 0 && parts[0].holds(p) || !p.Contains(s.a.Authorized[o.Inner].Prefix.Addr()) {
			break
		}
		if o.Inner < from {
			parts = s.passing(parts, o.Inner)
		}
	}
	for _, i := range s.others {
		if o := &s.claims[i]; i < at && o.directive.Prefix.Overlaps(p) {
			parts = append(parts, part{o.directive.Prefix, o.directive.Qualifier, i})
		}
	}
	slices.SortStableFunc(parts, func(x, y part) int { return x.at - y.at })
	return parts
}

// earlier are the ranges before a claim that gives something else than a pass.
func (s *shadowing) earlier(at int) []part {
	var parts []part
	c := &s.claims[at]
	for i := range s.a.Authorized[:c.from] {
		if s.work--; s.work < 0 {
			break
		}
		if s.a.Authorized[i].Prefix.Overlaps(c.directive.Prefix) {
			parts = s.passing(parts, i)
		}
	}
	for _, i := range s.others {
		if o := &s.claims[i]; i < at && o.directive.Prefix.Overlaps(c.directive.Prefix) {
			parts = append(parts, part{o.directive.Prefix, o.directive.Qualifier, i})
		}
	}
	slices.SortStableFunc(parts, func(x, y part) int { return x.at - y.at })
	return parts
}

// passing adds a range that passes, if it is sure to decide for its clients.
func (s *shadowing) passing(parts []part, source int) []part {
	at, ok := s.a.brings(source, s.claims)
	if !ok {
		return parts
	}
	return append(parts, part{s.a.Authorized[source].Prefix, Pass, at})
}

// brings is the claim that brings a range, if the range is sure to decide for its
// clients.
func (a *Analysis) brings(source int, claims []claim) (at int, ok bool) {
	at, _ = slices.BinarySearchFunc(claims, source, func(c claim, source int) int {
		if c.to <= source {
			return -1
		}
		return 1
	})
	if at == len(claims) || source < claims[at].from {
		return 0, false
	}
	s := &a.Authorized[source]
	if by := &claims[at]; by.directive.Mechanism == Include {
		for _, step := range s.Path[by.policy+1:] {
			if !a.Nodes[step.Name].plain() {
				return 0, false
			}
		}
		return at, a.Nodes[s.Name].plain()
	}
	return at, true
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
	if c.link != nil {
		return c.cost.Node != nil && c.cost.Node.known(sure)
	}
	return !c.open
}

func (n *Node) known(sure map[*Node]bool) bool {
	if yes, ok := sure[n]; ok {
		return yes
	}
	sure[n] = false // where it leads back to itself
	if !n.Valid() || n.open != nil || len(n.gaps) > 0 {
		return false
	}
	for i := range n.terms {
		t := &n.terms[i]
		exists := t.directive != nil && t.directive.Mechanism == Exists
		open := t.cost != nil && t.cost.Open
		if exists || open || t.link != nil && (t.cost.Node == nil || !t.cost.Node.known(sure)) {
			return false
		}
	}
	sure[n] = true
	return true
}

// takes reports that a range of Policy gives something else than a pass.
func (a *Analysis) takes() bool {
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
func otherwise(claims []claim) (all []int, whole bool) {
	const most = 100 // each is compared with all that pass
	for i := range claims {
		if d := claims[i].directive; d.Qualifier != Pass && d.Prefix.IsValid() {
			if len(all) == most {
				return all, false
			}
			all = append(all, i)
		}
	}
	return all, true
}

// repeats are the terms that stand in their record before.
func repeats(claims []claim) map[*Directive]bool {
	type place struct {
		policy int
		key    termKey
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
			if needless = ok && (o.Outer < c.from || o.Outer >= c.to); needless {
				var by int
				if by, needless = a.brings(o.Outer, claims); needless {
					c.add(clip(claims[by].text), claims[by].directive.Prefix.IsValid())
				}
			}
			later = later || o.First >= c.from
		}
		if needless && later && !repeats[c.directive] && !c.wanted(a.Keep) && len(found) < maxFindings {
			found = append(found, *c)
		}
	}
	return found
}
