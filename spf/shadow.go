package spf

import (
	"slices"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
)

// claim is a term of a record of Policy, with the ranges that it brings.
type claim struct {
	*nodeTerm
	node     *Node
	index    int  // of the term
	from, to int  // of Authorized
	repeats  bool // an earlier term of the record is the same

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

// claims are the terms of Policy other than all, in the order of evaluation. A record that
// is included too is not among them: there its terms may decide.
type claims struct {
	a     *Analysis
	all   []claim
	first map[Step]int // of those with the same text in a record
}

func (a *Analysis) claims() *claims {
	cs := &claims{a: a, first: map[Step]int{}}
	next := 0
	for k, n := range a.Policy {
		if k > 0 && a.leads(n) > 1 {
			break
		}
		seen := map[termKey]bool{}
		for i := range n.terms {
			t := &n.terms[i]
			d := t.directive
			if d == nil || d.Mechanism == All {
				continue
			}
			c := claim{nodeTerm: t, node: n, index: i, from: next, static: d.Mechanism == IP4 || d.Mechanism == IP6}
			for d.Qualifier == Pass && next < len(a.Authorized) && a.Authorized[next].top(k) == t.text {
				next++
			}
			c.to = next
			key := d.key(n.Name)
			c.repeats, seen[key] = seen[key], true
			if !c.repeats {
				cs.first[Step{n.Name, t.text}] = len(cs.all)
			}
			cs.all = append(cs.all, c)
		}
	}
	return cs
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

// set is the ranges that a term names, as far as they are known.
func (cs *claims) set(c *claim) addrSet {
	if c.directive.Prefix.IsValid() {
		return addrSet{extentOf(c.directive.Prefix)}
	}
	return setOf(extentsOf(cs.a.Authorized[c.from:c.to]))
}

// deciders is which claim decides for whom; -1 where none does.
func (cs *claims) deciders(shares []share) parcels {
	var who parcels
	for i := range shares {
		s, of := &shares[i], -1
		if s.result != "" && s.result != PermError && s.result != None {
			at := 0
			for at < len(s.path)-1 && strings.HasPrefix(s.path[at].Term, nameRedirect+"=") {
				at++
			}
			if first, ok := cs.first[s.path[at]]; ok {
				of = first
			}
		}
		for _, e := range s.set {
			who = append(who, parcel{e, of})
		}
	}
	slices.SortFunc(who, compareParcels)
	return who
}

// redundancy is the terms of Policy that change nothing for anybody. Those that stand there
// twice are spf.duplicate-term's.
type redundancy struct {
	shadows  []claim // they match nobody whom no earlier term matches
	needless []claim // later terms would pass all their clients
	whole    bool    // the bounds of this package let all be found
}

// redundant finds terms that change nothing. It looks only where ranges lie in others or
// are taken out.
func (a *Analysis) redundant() redundancy {
	r := redundancy{whole: true}
	if len(a.Overlaps) == 0 && !a.takes() {
		return r
	}
	cs, sure := a.claims(), map[*Node]bool{}
	s := survey{matcher: newMatcher(a), each: true}
	who, within := cs.deciders(s.of(a.root, everybody)), a.within()
	// Where a term says something else than a pass, that may be why the order is as it is.
	ordered := slices.ContainsFunc(cs.all, func(c claim) bool { return c.directive.Qualifier != Pass })
	for i := range cs.all {
		c := &cs.all[i]
		if c.repeats || c.wanted(a.Keep) || !c.known(sure) {
			continue
		}
		set := cs.set(c)
		by := who.and(set).owners()
		switch {
		case len(by) > 0 && by[0] >= 0 && by[len(by)-1] < i:
			if len(r.shadows) < maxFindings {
				r.shadows = append(r.shadows, cs.shadowed(*c, set, by))
			}
		case !ordered && slices.Contains(by, i) && c.held(within) && len(r.needless) < maxFindings:
			s.without = c.nodeTerm
			others := s.of(a.root, set)
			by := cs.deciders(others).owners()
			if by[0] >= 0 && !slices.ContainsFunc(others, func(s share) bool { return s.result != Pass || s.doubt }) {
				r.needless = append(r.needless, cs.by(*c, by))
			}
		}
	}
	r.whole = !s.full
	return r
}

// shadowed notes the terms that match the clients of a claim before it: the one that holds
// them all, or else each that decides for some.
func (cs *claims) shadowed(c claim, set addrSet, by []int) claim {
	for _, i := range by {
		if len(set.minus(cs.set(&cs.all[i]))) == 0 {
			by = []int{i}
			break
		}
	}
	c.result = cs.all[by[0]].directive.Qualifier
	for _, i := range by {
		if cs.all[i].directive.Qualifier != c.result {
			c.result = ""
		}
	}
	return cs.by(c, by)
}

// by notes terms that match the clients of a claim.
func (cs *claims) by(c claim, others []int) claim {
	const shown = 3
	for n, i := range others {
		one := &cs.all[i]
		c.static = c.static && one.directive.Prefix.IsValid()
		switch {
		case n < shown:
			c.by = append(c.by, clip(one.text))
		case n == shown:
			c.by = append(c.by, "…")
		}
	}
	return c
}

// held reports that each range of a claim lies in one of another.
func (c *claim) held(within map[int]int) bool {
	for i := c.from; i < c.to; i++ {
		if outer, ok := within[i]; !ok || outer >= c.from && outer < c.to {
			return false
		}
	}
	return c.from < c.to
}

// within has for each range the widest of those that it lies in.
func (a *Analysis) within() map[int]int {
	all := make(map[int]int, len(a.Overlaps))
	for _, o := range a.Overlaps {
		all[o.Inner] = o.Outer
	}
	return all
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
