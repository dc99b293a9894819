package spf

import (
	"net/netip"
	"slices"

	"github.com/mailcheck-go/mailcheck/dnsx"
)

// Decision is what a record gives the clients of some ranges.
type Decision struct {
	Shares []Share // each client is in one of them
	// Open are the terms of which it is not known whom they match: macros, ptr, answers
	// that are missing.
	Open []Step
	// Full reports that the bounds of this package were reached: shares without a result
	// are not decided.
	Full bool
}

// Share is clients that get the same result by the same term.
type Share struct {
	Result Result // "" where it is not known
	// Path leads from the domain's record to the term that decides, which is its last
	// step; the term is "" where none matched (RFC 7208, 4.7).
	Path []Step
	// Open reports that the result holds only if no term of Decision.Open decides before.
	Open     bool
	Prefixes []netip.Prefix // ascending
}

// Decide evaluates the record for all clients of some ranges at once, as check_host does
// for one (RFC 7208, 4.6): the first term that matches decides, and of an include only
// a pass matches (5.2). Limits of lookups are not counted; PermErrors has them, and
// where it has a reason, receivers may take nothing from the record at all. It is bounded
// in what it looks at: at most a few million ranges.
func (a *Analysis) Decide(prefixes []netip.Prefix) Decision {
	extents := make([]extent, 0, len(prefixes))
	for _, p := range prefixes {
		if p.IsValid() {
			extents = append(extents, extentOf(p))
		}
	}
	e := newDecider(a, setOf(extents))
	var d Decision
	for _, s := range e.node(a.root).shares {
		if len(s.Path) == 0 {
			s.Path = []Step{{Name: a.Domain}}
		}
		s.Prefixes, _ = s.set.prefixes(maxFlattenWork)
		d.Shares = append(d.Shares, s.Share)
	}
	d.Open, d.Full = e.open, e.full
	return d
}

// decider finds out what records give a set of clients. What a record gives does not depend
// on the way to it, so each is evaluated once, for all of them.
type decider struct {
	f       *flattener
	clients addrSet
	nodes   map[*Node]*verdicts
	open    []Step
	full    bool
}

func newDecider(a *Analysis, clients addrSet) *decider {
	return &decider{f: newFlattener(a, &FlattenOptions{}), clients: clients, nodes: map[*Node]*verdicts{}}
}

// verdicts are what a record gives the clients.
type verdicts struct{ shares []share }

type share struct {
	Share
	set addrSet
}

// rest is the clients for whom no term has decided yet: those of whom that is sure, and
// those for whom an open term may have.
type rest struct{ sure, unsure addrSet }

func (r *rest) empty() bool { return len(r.sure)+len(r.unsure) == 0 }

// take is what a set and the rest have in common, and leaves the rest without it.
func (r *rest) take(set addrSet) rest {
	got := rest{r.sure.and(set), r.unsure.and(set)}
	r.sure, r.unsure = r.sure.minus(set), r.unsure.minus(set)
	return got
}

// add gives clients a result; open says that it is not sure.
func (v *verdicts) add(got rest, result Result, path []Step, open bool) {
	if open {
		got = rest{unsure: got.sure.or(got.unsure)}
	}
	if len(got.sure) > 0 {
		v.shares = append(v.shares, share{Share{Result: result, Path: path}, got.sure})
	}
	if len(got.unsure) > 0 {
		v.shares = append(v.shares, share{Share{Result: result, Path: path, Open: true}, got.unsure})
	}
}

func (e *decider) node(n *Node) *verdicts {
	if v := e.nodes[n]; v != nil {
		return v
	}
	e.nodes[n] = &verdicts{[]share{{Share{Result: PermError}, e.clients}}} // a circle, until it is known
	v := &verdicts{}
	left := rest{sure: e.clients}
	switch {
	case n.Unread != nil:
		v.add(left, "", nil, true)
	case len(n.Texts) == 0:
		v.add(left, None, nil, false)
	case !n.Valid():
		v.add(left, PermError, nil, false)
	default:
		e.record(v, n, left)
	}
	e.nodes[n] = v
	return v
}

func (e *decider) record(v *verdicts, n *Node, left rest) {
	for i := range n.terms {
		if left.empty() {
			return
		}
		if e.full = e.full || !e.f.spend(1+len(left.sure)+len(left.unsure)); e.full {
			break
		}
		t := &n.terms[i]
		at := Step{n.Name, t.text}
		switch {
		case t.directive == nil:
			e.redirect(v, left, t.link, at)
			return
		case t.link != nil:
			e.include(v, &left, t.link, t.directive.Qualifier, at)
		default:
			set, known := e.matches(n, t)
			v.add(left.take(set), t.directive.Qualifier, []Step{at}, false)
			if !known {
				e.opens(&left, at)
			}
		}
	}
	if e.full {
		v.add(left, "", nil, true)
		return
	}
	v.add(left, Neutral, []Step{{Name: n.Name}}, false)
}

// redirect gives what the record at its end gives (RFC 7208, 6.1).
func (e *decider) redirect(v *verdicts, left rest, l *link, at Step) {
	if l.node == nil {
		e.opens(&left, at)
		v.add(left, "", []Step{at}, true)
		return
	}
	for _, s := range e.node(l.node).shares {
		if s.Result == None {
			s.Result = PermError
		}
		v.add(left.take(s.set), s.Result, e.behind(at, s.Path), s.Open)
	}
}

// include goes by what the included record gives (RFC 7208, 5.2).
func (e *decider) include(v *verdicts, left *rest, l *link, q Result, at Step) {
	if l.node == nil {
		e.opens(left, at)
		return
	}
	var next rest
	for _, s := range e.node(l.node).shares {
		if e.full = e.full || !e.f.spend(len(left.sure)+len(left.unsure)+len(s.set)); e.full {
			break
		}
		got := left.take(s.set)
		switch s.Result {
		case Pass:
			v.add(got, q, e.behind(at, s.Path), s.Open)
			continue
		case None, PermError:
			v.add(got, PermError, e.behind(at, s.Path), s.Open)
			continue
		case "":
			if !got.empty() {
				e.opens(&got, at)
			}
		}
		if s.Open {
			got = rest{unsure: got.sure.or(got.unsure)}
		}
		next.sure, next.unsure = next.sure.or(got.sure), next.unsure.or(got.unsure)
	}
	left.sure, left.unsure = next.sure.or(left.sure), next.unsure.or(left.unsure)
}

func (e *decider) behind(at Step, path []Step) []Step {
	return append([]Step{at}, path...)
}

// opens notes a term that may decide for all who are left.
func (e *decider) opens(left *rest, at Step) {
	left.sure, left.unsure = nil, left.sure.or(left.unsure)
	if len(e.open) < maxGaps && !slices.Contains(e.open, at) {
		e.open = append(e.open, at)
	}
}

// matches says whom a term other than include matches, and whether that is all.
func (e *decider) matches(n *Node, t *nodeTerm) (set addrSet, known bool) {
	if t.directive.Mechanism != Exists {
		m := e.f.term(n, t)
		return m.set, m.kept == nil
	}
	name, err := target(t.directive.Domain, n.Name)
	if err != nil {
		return nil, false
	}
	r := e.f.w.reply(dnsx.Q(name, dnsx.TypeA))
	if len(r.records) > 0 {
		return everybody, true
	}
	return nil, r.Err() == nil
}

// keepOpen drops from the openings of each record those that its earlier terms leave
// nobody to. It returns what the domain's gives everybody; nil where nothing is in front.
func (a *Analysis) keepOpen() []share {
	excepts := func(t nodeTerm) bool {
		return t.directive != nil && t.directive.Qualifier != Pass && t.directive.Mechanism != All
	}
	opens, takes := false, false
	for _, n := range a.order {
		opens = opens || n.open != nil
		takes = takes || slices.ContainsFunc(n.terms, excepts)
	}
	if !opens || !takes {
		return nil
	}
	e := newDecider(a, everybody)
	all := map[Step]*Opening{}
	for _, n := range a.order {
		for i := range n.opened {
			o := n.opened[i]
			all[Step{o.Name, o.Term}] = &o
		}
	}
	for _, n := range a.order {
		if n.open == nil {
			continue
		}
		shares := e.node(n).shares
		n.opened = slices.DeleteFunc(n.opened, func(o Opening) bool { return !lets(shares, Step{o.Name, o.Term}) })
		if !e.full {
			n.open = nil
		}
		for _, s := range shares {
			if o := all[last(s.Path)]; o != nil && s.Result == Pass && n.open == nil {
				n.open = o
			}
		}
	}
	return e.node(a.root).shares
}

// lets reports that a term passes somebody, or that this is not known.
func lets(shares []share, at Step) bool {
	return slices.ContainsFunc(shares, func(s share) bool { return s.Result == "" || s.Result == Pass && last(s.Path) == at })
}

func last(path []Step) (s Step) {
	if len(path) > 0 {
		s = path[len(path)-1]
	}
	return s
}
