package spf

import (
	"net/netip"
	"slices"
)

// extent is all addresses of one family from first to last.
type extent struct{ first, last netip.Addr }

// addrSet is addresses of both families: extents in ascending order, IPv4 before IPv6, none of them
// touching the next, so that equal sets are equal slices.
type addrSet []extent

// everybody is the set of all clients.
var everybody = addrSet{
	{netip.IPv4Unspecified(), netip.AddrFrom4([4]byte{255, 255, 255, 255})},
	extentOf(netip.PrefixFrom(netip.IPv6Unspecified(), 0)),
}

// extentOf returns the addresses of a prefix. What stands behind its length counts for
// nothing (RFC 7208, 5.6).
func extentOf(p netip.Prefix) extent {
	p = p.Masked()
	if p.Addr().Is4() {
		last := p.Addr().As4()
		fill(last[:], p.Bits())
		return extent{p.Addr(), netip.AddrFrom4(last)}
	}
	last := p.Addr().As16()
	fill(last[:], p.Bits())
	return extent{p.Addr(), netip.AddrFrom16(last)}
}

// fill sets all bits behind the first n.
func fill(b []byte, n int) {
	for i := n / 8; i < len(b); i++ {
		b[i] |= 0xff >> max(n-i*8, 0)
	}
}

// holds reports that another extent lies in this one.
func (e extent) holds(o extent) bool {
	return e.first.BitLen() == o.first.BitLen() && !o.first.Less(e.first) && !e.last.Less(o.last)
}

// setOf sorts extents and joins those that overlap or touch. It takes over its argument.
func setOf(extents []extent) addrSet {
	slices.SortFunc(extents, func(a, b extent) int { return a.first.Compare(b.first) })
	set := extents[:0]
	for _, s := range extents {
		if n := len(set); n > 0 && reaches(set[n-1], s.first) {
			if set[n-1].last.Less(s.last) {
				set[n-1].last = s.last
			}
			continue
		}
		set = append(set, s)
	}
	return addrSet(set)
}

// reaches reports whether an address that is not before s is in it, or right behind it.
func reaches(s extent, addr netip.Addr) bool {
	if s.last.BitLen() != addr.BitLen() {
		return false
	}
	return !s.last.Less(addr) || s.last.Next() == addr
}

func (a addrSet) or(b addrSet) addrSet {
	switch {
	case len(b) == 0:
		return a
	case len(a) == 0:
		return b
	}
	return setOf(append(append(make([]extent, 0, len(a)+len(b)), a...), b...))
}

func (a addrSet) minus(b addrSet) addrSet {
	if !a.meets(b) {
		return a
	}
	var left addrSet
	for _, s := range a {
		for len(b) > 0 && b[0].last.Less(s.first) {
			b = b[1:]
		}
		rest, whole := s, true
		for _, cut := range b {
			if rest.last.Less(cut.first) {
				break
			}
			if rest.first.Less(cut.first) {
				left = append(left, extent{rest.first, cut.first.Prev()})
			}
			if !cut.last.Less(rest.last) {
				whole = false
				break
			}
			rest.first = cut.last.Next()
		}
		if whole {
			left = append(left, rest)
		}
	}
	return left
}

// and is the addresses that are in both.
func (a addrSet) and(b addrSet) addrSet {
	var both addrSet
	for len(a) > 0 && len(b) > 0 {
		first, last := a[0].first, a[0].last
		if first.Less(b[0].first) {
			first = b[0].first
		}
		if b[0].last.Less(last) {
			last = b[0].last
		}
		if !last.Less(first) && first.BitLen() == last.BitLen() {
			both = append(both, extent{first, last})
		}
		if a[0].last.Less(b[0].last) {
			a = a[1:]
		} else {
			b = b[1:]
		}
	}
	return both
}

// meets reports whether an address is in both.
func (a addrSet) meets(b addrSet) bool {
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].last.Less(b[0].first):
			a = a[1:]
		case b[0].last.Less(a[0].first):
			b = b[1:]
		default:
			return true
		}
	}
	return false
}

// families cuts a set in IPv4 and IPv6.
func (a addrSet) families() (four, six addrSet) {
	at := slices.IndexFunc(a, func(s extent) bool { return s.first.Is6() })
	if at < 0 {
		return a, nil
	}
	return a[:at], a[at:]
}

// touches reports whether an address of an extent is in the set.
func (a addrSet) touches(e extent) bool {
	i, _ := slices.BinarySearchFunc(a, e.first, func(s extent, first netip.Addr) int { return s.last.Compare(first) })
	return i < len(a) && !e.last.Less(a[i].first)
}

// wholeFamily reports that all addresses of one family are in the set.
func (a addrSet) wholeFamily() bool {
	return slices.ContainsFunc(a, func(s extent) bool { return s == everybody[0] || s == everybody[1] })
}

// prefixes is the shortest list of prefixes for the set, in ascending order. It is not ok
// where that has more than most.
func (a addrSet) prefixes(most int) (all []netip.Prefix, ok bool) {
	for _, s := range a {
		for at := s.first; ; {
			if len(all) == most {
				return all, false
			}
			p, last := widest(at, s.last)
			all = append(all, p)
			if last == s.last {
				break
			}
			at = last.Next()
		}
	}
	return all, true
}

// widest returns the largest prefix that starts at first and does not go beyond last,
// and its own last address.
func widest(first, last netip.Addr) (netip.Prefix, netip.Addr) {
	bits := first.BitLen()
	p, end := netip.PrefixFrom(first, bits), first
	for bits > 0 {
		bits--
		wider := netip.PrefixFrom(first, bits)
		s := extentOf(wider)
		if s.first != first || last.Less(s.last) {
			break
		}
		p, end = wider, s.last
	}
	return p, end
}
