package spf

// Overlap says that a range lies in another that passes too.
type Overlap struct {
	Inner, Outer int // indices into Authorized
	// First is the range, of those that hold the inner one, that is evaluated first. Where
	// it is less than Inner, the inner range never decides anything.
	First int
}

// overlap measures the authorised ranges and finds those that lie in others.
func (a *Analysis) overlap() {
	space := sweep(a.Authorized, func(inner, widest, first int32) {
		a.Overlaps = append(a.Overlaps, Overlap{int(inner), int(widest), int(first)})
	})
	a.IPv4, a.IPv6 = space.IPv4, space.IPv6
}
