package spf

import "iter"

// Cost is what one term costs at worst a client that no term matches: the term itself,
// and all that it leads to.
type Cost struct {
	Term      string
	Directive *Directive // nil: the redirect
	Lookups   int        // at least 1; 2 and more with %{p} or with what an include leads to
	Voids     Voids
	Target    string // of an include or redirect; "" where it depends on the message or is no name
	Loop      bool   // Target is a record on the way here
	Node      *Node  // Target's; nil where there is none, for a Loop, and beyond MaxNames
	// Open reports that the lookups may be more: a record behind the term is not known.
	Open bool
}

// asks reports whether the term costs a lookup (RFC 7208, 4.6.4).
func (d *Directive) asks() bool {
	return d.Mechanism != All && d.Mechanism != IP4 && d.Mechanism != IP6
}

// spend counts one lookup for a term, one more where it asks for the names of the
// client with %{p} (RFC 7208, 4.6.4), and those of what it leads to.
func (n *Node) spend(c *Cost, spec MacroString) {
	c.Lookups++
	if spec.has('p') {
		c.Lookups++
	}
	c.Lookups = min(c.Lookups, maxCount)
	n.Lookups = min(n.Lookups+c.Lookups, maxCount)
	n.Voids.add(c.Voids)
}

// Visit is one term of the tree, as a receiver comes to it whose client no term before
// matches.
type Visit struct {
	Cost          // of a term that asks nobody only Term and Directive are set
	Path   []Step // the includes and redirects that lead to the record; shared, as of a Source
	Name   string // whose record the term stands in
	Again  bool   // the terms of Node were visited before, and are not again
	Before int    // lookups that the evaluation has cost when it comes to the term
	// Spent are those when the term and all that it leads to is done: what a client costs
	// at worst that the term matches.
	Spent      int
	SpentVoids Voids // likewise

	at place
}

// OverLimit reports whether the limit of lookups is passed at this term itself, or within
// the repetition that it starts: receivers stop there (RFC 7208, 4.6.4).
func (v *Visit) OverLimit() bool {
	cost := v.Lookups
	if !v.Again {
		cost = v.own()
	}
	return v.Before <= MaxLookups && v.Before+cost > MaxLookups
}

// Walk goes through the tree as a receiver does for a client that no term matches:
// every term that can be reached, those of a record that several terms lead to only
// once.
func (a *Analysis) Walk() iter.Seq[Visit] {
	return func(yield func(Visit) bool) {
		t := tour{yield: yield, seen: map[*Node]bool{}}
		t.record(a.root, nil)
	}
}

// tour is a Walk on its way.
type tour struct {
	yield func(Visit) bool
	seen  map[*Node]bool
	spent int
	voids Voids
}

func (t *tour) record(n *Node, path []Step) bool {
	t.seen[n] = true
	for i := range n.terms {
		if !t.term(n, path, &n.terms[i]) {
			return false
		}
	}
	return true
}

func (t *tour) term(n *Node, path []Step, at *nodeTerm) bool {
	c := Cost{Term: at.text, Directive: at.directive}
	if at.cost != nil {
		c = *at.cost
	}
	v := Visit{
		Cost: c, at: at.at, Path: path, Name: n.Name, Again: c.Node != nil && t.seen[c.Node],
		Before: t.spent, Spent: min(t.spent+c.Lookups, maxCount), SpentVoids: t.voids,
	}
	v.SpentVoids.add(c.Voids)
	if !t.yield(v) {
		return false
	}
	if c.Node != nil && !v.Again {
		t.spent += v.own()
		if !t.record(c.Node, below(path, n, c.Term)) {
			return false
		}
	}
	t.spent, t.voids = v.Spent, v.SpentVoids
	return true
}

// own is what the term costs without what it leads to.
func (c *Cost) own() int {
	if c.Node != nil {
		return c.Lookups - c.Node.Lookups
	}
	return c.Lookups
}

// Margin is how many lookups are left of MaxLookups at worst; below 0 it is passed, as it
// is by whoever follows a loop.
func (a *Analysis) Margin() int {
	margin := MaxLookups - a.Lookups
	if len(a.circles) > 0 {
		return min(margin, -1)
	}
	return margin
}
