package spf

import (
	"encoding/binary"
	"math"
)

// passes finds out who gets a pass, where the ranges alone do not say it: in the order of
// evaluation, without those whom terms of other qualifiers take before (RFC 7208, 4.6.2) and
// whom the limits stop (4.6.4). It returns what everybody gets; nil where nobody had to look.
func (w *walk) passes() []share {
	a := w.a
	if w.plain() {
		return nil
	}
	if a.Unread != nil {
		a.More = true
		return nil
	}
	s := survey{matcher: w.matcher()}
	all := s.of(a.root, everybody)
	if s.full { // the ranges of Authorized stand for what is not known
		a.More, a.Fewer = true, true
		return all
	}
	a.pass = passOf(all)
	for i := range all {
		if one := &all[i]; one.result == Pass && (one.doubt || one.voids+one.maybe > MaxVoids) {
			a.Fewer = true
		}
	}
	space := a.pass.space()
	a.IPv4, a.IPv6, a.More = space.IPv4, space.IPv6, s.more
	return all
}

// passOf is everybody who gets a pass; never nil.
func passOf(all []share) addrSet {
	extents := []extent{}
	for i := range all {
		if all[i].result == Pass {
			extents = append(extents, all[i].set...)
		}
	}
	return setOf(extents)
}

// plain reports that Authorized is all: each of its ranges passes, and nothing else.
func (w *walk) plain() bool {
	a := w.a
	if len(a.PermErrors)+len(a.Gaps)+len(a.AddressGaps) > 0 || a.Record == nil || a.Voids.Terms() > MaxVoids {
		return false
	}
	for _, n := range a.order {
		for i := range n.terms {
			d := n.terms[i].directive
			if d != nil && (d.Mechanism == Exists || (d.Qualifier == Pass) == (d.Mechanism == All)) {
				return false
			}
		}
	}
	return true
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
	return setOf(extentsOf(sources)).and(a.pass).space()
}

// Exact reports that IPv4 and IPv6 are no bounds.
func (a *Analysis) Exact() bool { return !a.More && !a.Fewer }

// Everybody reports that every IPv4 address gets a pass.
func (a *Analysis) Everybody() bool { return a.IPv4 == 1<<32 }
