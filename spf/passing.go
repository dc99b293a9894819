package spf

import (
	"encoding/binary"
	"math"
	"net/netip"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

// passing finds out who gets a pass, exactly: in the order of evaluation, with what terms
// of other qualifiers take out before (RFC 7208, 4.6.2) and up to where an error stops the
// evaluation (4.6.4). The families are evaluated one after the other, because other lookups
// of theirs are void.
type passing struct {
	w       *walk
	v6      bool
	depth   int // includes and redirects around
	inside  int // includes around, of which a match is no pass
	pass    []extent
	more    bool // what is not known may pass others
	fewer   bool // or not all of these
	work    int
	tooMuch bool
}

// band is clients for whom the evaluation has cost the same so far.
type band struct {
	set                  addrSet
	lookups, voids, open int  // open: lookups that may be void
	unsure               bool // it is not known whether a term before matches them
}

// passes fills in who may send, where the ranges alone do not say it.
func (w *walk) passes() {
	a := w.a
	if w.plain() {
		return
	}
	if a.Unread != nil {
		a.More = true
		return
	}
	p := passing{w: w}
	for i := range everybody {
		p.v6 = i == 1
		yes, _ := p.record(a.root, []band{{set: everybody[i : i+1]}})
		for _, b := range yes {
			p.fewer = p.fewer || b.unsure || b.voids+b.open > MaxVoids
			p.pass = append(p.pass, b.set...)
		}
	}
	if p.tooMuch { // the ranges of Authorized stand for what is not known
		a.More, a.Fewer = true, true
		return
	}
	a.pass = setOf(p.pass)
	if a.pass == nil {
		a.pass = addrSet{}
	}
	space := a.pass.space()
	a.IPv4, a.IPv6, a.More, a.Fewer = space.IPv4, space.IPv6, p.more, p.fewer
}

// unions notes in Open that ranges which are not all addresses are so together: those of a
// record that is included, or else all of them.
func (w *walk) unions() {
	a := w.a
	if len(a.Open) > 0 || a.IPv4 < 1<<32 && a.IPv6 < math.MaxUint64 {
		return
	}
	whole := func(n *Node) bool {
		p := passing{w: w}
		for i := range everybody {
			p.v6 = i == 1
			yes, _ := p.record(n, []band{{set: everybody[i : i+1]}})
			for _, b := range yes {
				p.pass = append(p.pass, b.set...)
			}
		}
		return setOf(p.pass).wholeFamily()
	}
	open := func(n *Node) {
		n.opens(&nodeTerm{text: clip(n.Texts[0])}, check.Textf("its ranges together pass %s", everyAddress(a.IPv4 < 1<<32)))
		a.Open = append(a.Open, *n.open)
	}
	for _, n := range a.Policy {
		for i := range n.terms {
			if l := n.terms[i].link; l != nil && !l.Redirect && l.Qualifier == Pass && l.node != nil && !l.loop && whole(l.node) {
				open(l.node)
				return
			}
		}
	}
	open(a.last())
}

// plain reports that Authorized is all: each of its ranges passes, and nothing else.
func (w *walk) plain() bool {
	a := w.a
	if len(a.PermErrors)+len(a.Open)+len(a.Gaps)+len(a.AddressGaps) > 0 || a.Record == nil || a.Voids.Terms() > MaxVoids {
		return false
	}
	for _, n := range a.order {
		if n.Record == nil {
			continue
		}
		for i := range n.terms {
			if d := n.terms[i].directive; d != nil && (d.Qualifier == Pass) == (d.Mechanism == All) {
				return false
			}
		}
	}
	return true
}

// record says whom a record passes, and to whom it gives another result that is no error.
func (p *passing) record(n *Node, in []band) (pass, other []band) {
	if !n.Valid() {
		return nil, nil
	}
	give := func(q Result, some []band) {
		if q == Pass {
			pass = append(pass, some...)
		} else {
			other = append(other, some...)
		}
	}
	for i := 0; i < len(n.terms) && len(in) > 0; i++ {
		t := &n.terms[i]
		d := t.directive
		var matched []band
		switch {
		case d == nil: // the redirect
			yes, no := p.include(t.link, Pass, p.spend(in, t.cost.own(), 0, 0))
			give(Pass, yes)
			if t.link.node != nil && t.link.node.Unread == nil {
				give(Neutral, no)
			}
			return pass, other
		case d.Mechanism == All:
			give(d.Qualifier, in)
			return pass, other
		case d.Prefix.IsValid():
			run := []extent{extentOf(d.Prefix)}
			for ; i+1 < len(n.terms) && n.terms[i+1].rangeLike(d); i++ {
				run = append(run, extentOf(n.terms[i+1].directive.Prefix))
			}
			matched, in = p.split(in, setOf(run))
		case d.Mechanism == Include:
			matched, in = p.include(t.link, d.Qualifier, p.spend(in, t.cost.own(), 0, 0))
		default:
			matched, in = p.term(n, d, t.cost, in)
		}
		give(d.Qualifier, matched)
	}
	give(Neutral, in)
	return pass, other
}

// rangeLike reports a range that passes too, or does not either.
func (t *nodeTerm) rangeLike(d *Directive) bool {
	return t.directive != nil && t.directive.Prefix.IsValid() && (t.directive.Qualifier == Pass) == (d.Qualifier == Pass)
}

// include evaluates what an include or redirect leads to.
func (p *passing) include(l *link, q Result, in []band) (pass, other []band) {
	switch {
	case l.loop || l.malformed || len(in) == 0:
		return nil, nil // whom nothing has matched comes back here until the limit is passed
	case l.Target == "": // what it leads to may be an error
		in = p.unknown(q, in)
		for i := range in {
			in[i].unsure = true
		}
		return nil, in
	case l.node == nil || l.node.Unread != nil:
		return nil, p.unknown(q, in)
	}
	p.depth++
	defer func() { p.depth-- }()
	if q != Pass {
		p.inside++
		defer func() { p.inside-- }()
	}
	return p.record(l.node, in)
}

// unknown is a term of which it is not known whom it matches.
func (p *passing) unknown(q Result, in []band) []band {
	// Whom it takes out of an included record goes on behind the include, and may do so with
	// fewer lookups than the others.
	p.more = p.more || len(in) > 0 && (q == Pass || p.depth > 0)
	if q != Pass || p.inside > 0 {
		for i := range in {
			in[i].unsure = true
		}
	}
	return in
}

// term evaluates a, mx, exists and ptr.
func (p *passing) term(n *Node, d *Directive, c *Cost, in []band) (matched, rest []band) {
	voids, open := c.Voids.IPv4, c.Voids.Open4
	if p.v6 {
		voids, open = c.Voids.IPv6, c.Voids.Open6
	}
	in = p.spend(in, c.own(), voids, min(open, 1))
	name, err := target(d.Domain, n.Name)
	if err != nil || d.Mechanism == PTR {
		in = p.unknown(d.Qualifier, in)
		for i := range in {
			in[i].unsure = in[i].unsure || d.Mechanism == MX // of too many hosts, it may be
		}
		return nil, in
	}
	hosts := []string{name}
	switch r := p.w.reply(dnsx.Q(name, dnsx.TypeA)); d.Mechanism {
	case Exists:
		switch {
		case r.Err() != nil:
			return nil, p.unknown(d.Qualifier, in)
		case len(r.records) > 0:
			return in, nil
		}
		return nil, in
	case MX:
		mx := p.w.reply(dnsx.Q(name, dnsx.TypeMX))
		if mx.Err() != nil {
			return nil, p.unknown(d.Qualifier, in)
		}
		if hosts = mx.hosts; len(mx.records) > mxHosts {
			return nil, nil
		}
	}
	var all []extent
	for _, host := range hosts {
		q, bits := dnsx.Q(host, dnsx.TypeA), d.Bits4
		if p.v6 {
			q, bits = dnsx.Q(host, dnsx.TypeAAAA), d.Bits6
		}
		r := p.w.reply(q)
		if r.Err() != nil {
			in = p.unknown(d.Qualifier, in)
		}
		for _, rr := range r.records {
			if addr, ok := rr.Addr(); ok {
				all = append(all, extentOf(netip.PrefixFrom(addr, int(bits))))
			}
		}
	}
	return p.split(in, setOf(all))
}

// spend counts lookups, and drops whom the limits stop.
func (p *passing) spend(in []band, lookups, voids, open int) []band {
	var left []band
	for _, b := range in {
		b.lookups, b.voids, b.open = b.lookups+lookups, b.voids+voids, min(b.open+open, MaxVoids+1)
		if b.lookups <= MaxLookups && b.voids <= MaxVoids {
			left = append(left, b)
		}
	}
	return left
}

// split takes those apart whom a set matches.
func (p *passing) split(in []band, set addrSet) (matched, rest []band) {
	for _, b := range in {
		if p.work += len(b.set) + len(set); p.work > maxFlattenWork {
			p.tooMuch = true
			return nil, nil
		}
		out := b.set.minus(set)
		if hit := b.set.minus(out); len(hit) > 0 {
			m := b
			m.set = hit
			matched = append(matched, m)
		}
		if b.set = out; len(out) > 0 {
			rest = append(rest, b)
		}
	}
	return matched, rest
}

// space measures a set.
func (a addrSet) space() (s Space) {
	last := uint64(math.MaxUint64) // the network of 64 bits that was counted last
	for i, e := range a {
		if e.first.Is4() {
			first, end := e.first.As4(), e.last.As4()
			s.IPv4 += uint64(binary.BigEndian.Uint32(end[:])) - uint64(binary.BigEndian.Uint32(first[:])) + 1
			continue
		}
		first, end := e.first.As16(), e.last.As16()
		from, to := binary.BigEndian.Uint64(first[:8]), binary.BigEndian.Uint64(end[:8])
		n := to - from
		if counted := i > 0 && a[i-1].first.Is6() && from == last; !counted && n < math.MaxUint64 {
			n++
		}
		s.IPv6, last = s.IPv6+n, to
	}
	return s
}

// SpaceOf measures what of some ranges gets a pass.
func (a *Analysis) SpaceOf(sources []Source) Space {
	if a.pass == nil {
		return SpaceOf(sources)
	}
	all := make([]extent, 0, len(sources))
	for i := range sources {
		all = append(all, extentOf(sources[i].Prefix))
	}
	set := setOf(all)
	return set.minus(set.minus(a.pass)).space()
}

// Exact reports that IPv4 and IPv6 are no bounds.
func (a *Analysis) Exact() bool { return !a.More && !a.Fewer }

// Everybody reports that every IPv4 address gets a pass.
func (a *Analysis) Everybody() bool { return a.IPv4 == 1<<32 }
