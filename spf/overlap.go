package spf

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// Overlap says that a range lies in another that passes too.
type Overlap struct {
	Inner, Outer int // indices into Authorized; Outer is the widest, of equal ones the first
}

// overlap measures the authorised ranges and finds those that lie in others.
func (a *Analysis) overlap() {
	apart := make(addrSet, 0, len(a.Authorized))
	outer := 0
	for _, i := range a.byAddress() {
		e := extentOf(a.Authorized[i].Prefix)
		if n := len(apart); n > 0 && apart[n-1].holds(e) {
			a.Overlaps = append(a.Overlaps, Overlap{i, outer})
			continue
		}
		apart, outer = append(apart, e), i
	}
	space := apart.space()
	a.IPv4, a.IPv6 = space.IPv4, space.IPv6
}

// byAddress are the indices of Authorized by where the ranges start, the widest first.
func (a *Analysis) byAddress() []int {
	const index = 26 // bits: more than maxSources needs
	var four []uint64
	var six []int
	for i := range a.Authorized {
		if p := a.Authorized[i].Prefix; p.Addr().Is4() {
			b := p.Addr().As4() // with its length and index one number, which is sorted fast
			four = append(four, uint64(binary.BigEndian.Uint32(b[:]))<<32|uint64(p.Bits())<<index|uint64(i))
		} else {
			six = append(six, i)
		}
	}
	slices.Sort(four)
	slices.SortFunc(six, func(i, j int) int {
		p, q := a.Authorized[i].Prefix, a.Authorized[j].Prefix
		return cmp.Or(p.Addr().Compare(q.Addr()), p.Bits()-q.Bits(), i-j)
	})
	all := make([]int, 0, len(a.Authorized))
	for _, key := range four {
		all = append(all, int(key&(1<<index-1)))
	}
	return append(all, six...)
}
