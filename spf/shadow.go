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

// set is the ranges that a term names, as far as they are known.
func (c *claim) set(a *Analysis) addrSet {
	if c.directive.Prefix.IsValid() {
		return addrSet{extentOf(c.directive.Prefix)}
	}
	var extents []extent
	for i := range a.Authorized[c.from:c.to] {
		extents = append(extents, extentOf(a.Authorized[c.from+i].Prefix))
	}
	return setOf(extents)
}

// shadows are the terms of Policy that match nobody whom no earlier term matches, and
// whether the bounds of this package let all be found. Those that stand there twice are
// spf.duplicate-term's.
func (a *Analysis) shadows() (found []claim, whole bool) {
	if len(a.Overlaps) == 0 && !a.takes() {
		return nil, true
	}
	claims := a.claims()
	s := survey{matcher: newMatcher(a), each: true}
	all := a.deciders(s.of(a.root, everybody), claims)
	repeats, sure := repeats(claims), map[*Node]bool{}
	for i := range claims {
		c := &claims[i]
		if repeats[c.directive] || c.wanted(a.Keep) || !c.known(sure) {
			continue
		}
		set := c.set(a)
		by := all.and(set)
		decides := slices.ContainsFunc(by, func(p parcel) bool { return p.of < 0 || p.of >= i })
		if len(by) > 0 && !decides && len(found) < maxFindings {
			c.before(a, claims, set, by)
			found = append(found, *c)
		}
	}
	return found, !s.full
}

// before notes the terms that match the clients of a claim before it: the one that holds them
// all, or else each that decides for some.
func (c *claim) before(a *Analysis, claims []claim, set addrSet, by parcels) {
	owners := by.owners()
	for _, i := range owners {
		if len(set.minus(claims[i].set(a))) == 0 {
			owners = []int{i}
			break
		}
	}
	c.result = claims[owners[0]].directive.Qualifier
	for _, i := range owners {
		one := &claims[i]
		c.add(clip(one.text), one.directive.Prefix.IsValid())
		if one.directive.Qualifier != c.result {
			c.result = ""
		}
	}
}

// deciders is which claim decides for whom; -1 where none does.
func (a *Analysis) deciders(all []share, claims []claim) parcels {
	index := make(map[Step]int, len(claims))
	for i := range claims {
		at := Step{claims[i].node.Name, claims[i].text}
		if _, again := index[at]; !again {
			index[at] = i
		}
	}
	var who parcels
	for i := range all {
		s, of := &all[i], -1
		if s.result != "" && s.result != PermError && s.result != None {
			at := 0
			for at < len(s.path)-1 && strings.HasPrefix(s.path[at].Term, nameRedirect+"=") {
				at++
			}
			if claim, ok := index[s.path[at]]; ok {
				of = claim
			}
		}
		for _, e := range s.set {
			who = append(who, parcel{e, of})
		}
	}
	slices.SortFunc(who, compareParcels)
	return who
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

// needless are the terms of Policy whose clients later terms would pass, and whether the
// bounds of this package let all be found. Where a term says something else than a pass,
// that may be why the order is as it is.
func (a *Analysis) needless() (found []claim, whole bool) {
	if len(a.Overlaps) == 0 {
		return nil, true
	}
	claims := a.claims()
	if slices.ContainsFunc(claims, func(c claim) bool { return c.directive.Qualifier != Pass }) {
		return nil, true
	}
	repeats, sure, within := repeats(claims), map[*Node]bool{}, a.within()
	s := survey{matcher: newMatcher(a), each: true}
	for i := range claims {
		c := &claims[i]
		if repeats[c.directive] || c.wanted(a.Keep) || !c.known(sure) || !c.held(within) || len(found) == maxFindings {
			continue
		}
		s.without = c.nodeTerm
		all := s.of(a.root, c.set(a))
		if slices.ContainsFunc(all, func(s share) bool { return s.result != Pass || s.doubt }) {
			continue
		}
		owners := a.deciders(all, claims).owners()
		if later := owners[len(owners)-1] > i; !later || owners[0] < 0 {
			continue
		}
		for _, by := range owners {
			c.add(clip(claims[by].text), claims[by].directive.Prefix.IsValid())
		}
		found = append(found, *c)
	}
	return found, !s.full
}

// held reports that each range of a claim lies in one of another.
func (c *claim) held(within map[int]Overlap) bool {
	for i := c.from; i < c.to; i++ {
		if o, ok := within[i]; !ok || o.Outer >= c.from && o.Outer < c.to {
			return false
		}
	}
	return c.from < c.to
}

// within has for each range the overlap that it is the inner one of.
func (a *Analysis) within() map[int]Overlap {
	all := make(map[int]Overlap, len(a.Overlaps))
	for _, o := range a.Overlaps {
		all[o.Inner] = o
	}
	return all
}
