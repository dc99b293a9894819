package spf

import "slices"

// Overlap says that a range lies in another that passes too.
type Overlap struct {
	Inner, Outer int // indices into Authorized; Outer is the widest, of equal ones the first
}

// overlap measures the authorised ranges and finds those that lie in others.
func (a *Analysis) overlap() {
	all := make(parcels, len(a.Authorized))
	for i := range a.Authorized {
		all[i] = parcel{extentOf(a.Authorized[i].Prefix), i}
	}
	slices.SortFunc(all, func(x, y parcel) int {
		if c := x.first.Compare(y.first); c != 0 {
			return c
		}
		if c := y.last.Compare(x.last); c != 0 {
			return c
		}
		return x.of - y.of
	})
	var apart addrSet
	outer := 0
	for _, p := range all {
		if n := len(apart); n > 0 && apart[n-1].holds(p.extent) {
			a.Overlaps = append(a.Overlaps, Overlap{p.of, outer})
			continue
		}
		apart, outer = append(apart, p.extent), p.of
	}
	space := apart.space()
	a.IPv4, a.IPv6 = space.IPv4, space.IPv6
}
