package spf

import (
	"math"
	"slices"

	"github.com/mailcheck-go/mailcheck/check"
)

func passesEvery(ipv6 bool) check.Text { return check.Textf("it passes %s", everyAddress(ipv6)) }

func everyAddress(ipv6 bool) check.Text {
	if ipv6 {
		return check.Textf("every IPv6 address")
	}
	return check.Textf("every IPv4 address")
}

// opens notes a term that passes all addresses, at least of one family.
func (n *Node) opens(t *nodeTerm, whom check.Text) {
	o := Opening{Name: n.Name, Term: t.text, Text: whom, at: t.at}
	if n.open == nil {
		n.open = &o
	}
	if len(n.opened) < maxFindings {
		n.opened = append(n.opened, o)
	}
}

// opens reports whether everybody whom the record at the link's end passes is
// everybody, and gets a pass here.
func (l *link) opens() bool {
	return l.node != nil && !l.loop && l.node.open != nil && l.node.Valid() && (l.Redirect || l.Qualifier == Pass)
}

// openings fills in Open. The walk has noted in each node what passes all addresses; what
// earlier terms leave nobody to goes. All is what the domain gives everybody, if that had to
// be looked at.
func (w *walk) openings(all []share) {
	a := w.a
	if slices.ContainsFunc(a.order, (*Node).excepts) {
		w.narrow()
	} else {
		all = nil
	}
	for _, n := range a.Policy {
		a.Open = append(a.Open, n.opened...)
		for i := range n.terms {
			if l := n.terms[i].link; l != nil && !l.Redirect && l.opens() {
				a.Open = append(a.Open, *l.node.open)
			}
		}
	}
	if all != nil {
		a.Open = slices.DeleteFunc(a.Open, func(o Opening) bool { return !lets(all, o) })
	}
	if len(a.Open) == 0 && (a.IPv4 == 1<<32 || a.IPv6 == math.MaxUint64) {
		w.together()
	}
}

// excepts reports a term other than all that may give something else than a pass.
func (n *Node) excepts() bool {
	return slices.ContainsFunc(n.terms, func(t nodeTerm) bool {
		return t.directive != nil && t.directive.Qualifier != Pass && t.directive.Mechanism != All
	})
}

// narrow drops from the openings of each record those that its earlier terms leave nobody
// to.
func (w *walk) narrow() {
	noted := map[Step]*Opening{}
	for _, n := range w.a.order {
		for _, o := range n.opened {
			noted[o.step()] = &o
		}
	}
	s := survey{matcher: w.matcher()}
	for _, n := range w.a.order {
		if n.open == nil {
			continue
		}
		all := s.of(n, everybody)
		n.opened = slices.DeleteFunc(n.opened, func(o Opening) bool { return !lets(all, o) })
		if s.full {
			continue
		}
		n.open = nil
		for i := range all {
			if one := &all[i]; n.open == nil && one.result == Pass {
				n.open = noted[one.path[len(one.path)-1]]
			}
		}
	}
}

func (o *Opening) step() Step { return Step{o.Name, o.Term} }

// lets reports that a term passes somebody, or that this is not known: behind an error it
// does so as soon as that is mended.
func lets(all []share, o Opening) bool {
	return slices.ContainsFunc(all, func(s share) bool {
		return s.result == "" || s.result == PermError || s.result == Pass && s.path[len(s.path)-1] == o.step()
	})
}

// together notes in Open that ranges which are not all addresses are so together: those of
// a record that is included, or else all of them.
func (w *walk) together() {
	a, n := w.a, w.wholeInclude()
	if n == nil {
		n = a.last()
	}
	n.opens(&nodeTerm{text: clip(n.Texts[0])}, check.Textf("its ranges together pass %s", everyAddress(a.IPv4 < 1<<32)))
	a.Open = append(a.Open, *n.open)
}

// wholeInclude is the first record that an include of Policy leads to and that passes all
// addresses of a family; nil where none does.
func (w *walk) wholeInclude() *Node {
	s := survey{matcher: w.matcher()}
	for _, n := range w.a.Policy {
		for i := range n.terms {
			l := n.terms[i].link
			if l != nil && !l.Redirect && l.Qualifier == Pass && l.node != nil && !l.loop && passOf(s.of(l.node, everybody)).wholeFamily() {
				return l.node
			}
		}
	}
	return nil
}
