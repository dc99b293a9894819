package spf

import (
	"container/heap"
	"net/netip"
	"slices"
)

// parcel is addresses and whose they are.
type parcel struct {
	extent
	of int // an index
}

// parcels are ascending, and none overlaps another.
type parcels []parcel

func compareParcels(a, b parcel) int { return a.first.Compare(b.first) }

// firsts cuts ranges of one family up by which of them is the first to hold an address. They
// are at most twice as many as the ranges.
func firsts(ranges []extent) (all parcels) {
	order := make(parcels, len(ranges))
	for i, e := range ranges {
		order[i] = parcel{e, i}
	}
	slices.SortFunc(order, compareParcels)
	var around indices // that hold at, or did
	for at := (netip.Addr{}); ; {
		for len(around) > 0 && ranges[around[0]].last.Less(at) {
			heap.Pop(&around)
		}
		if len(around) == 0 {
			if len(order) == 0 {
				return all
			}
			at = order[0].first
		}
		for ; len(order) > 0 && order[0].first == at; order = order[1:] {
			heap.Push(&around, order[0].of)
		}
		next := parcel{extent{at, ranges[around[0]].last}, around[0]}
		if len(order) > 0 && !next.last.Less(order[0].first) {
			next.last = order[0].first.Prev()
		}
		if n := len(all); n > 0 && all[n-1].of == next.of && reaches(all[n-1].extent, at) {
			all[n-1].last = next.last
		} else {
			all = append(all, next)
		}
		if at = next.last.Next(); !at.IsValid() {
			return all
		}
	}
}

// indices is a heap, the least in front.
type indices []int

func (h indices) Len() int           { return len(h) }
func (h indices) Less(i, j int) bool { return h[i] < h[j] }
func (h indices) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *indices) Push(x any)        { *h = append(*h, x.(int)) }
func (h *indices) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

// and is the parcels as far as they have addresses of a set.
func (all parcels) and(set addrSet) (some parcels) {
	for _, e := range set {
		i, _ := slices.BinarySearchFunc(all, e.first, func(p parcel, first netip.Addr) int { return p.last.Compare(first) })
		for ; i < len(all) && !e.last.Less(all[i].first); i++ {
			p := all[i]
			if p.first.Less(e.first) {
				p.first = e.first
			}
			if e.last.Less(p.last) {
				p.last = e.last
			}
			some = append(some, p)
		}
	}
	return some
}

// by gives all parcels that are alike in something to the first whose it is.
func (all parcels) by(kind func(int) Result) {
	first := map[Result]int{}
	for i := range all {
		k := kind(all[i].of)
		if have, ok := first[k]; !ok || all[i].of < have {
			first[k] = all[i].of
		}
	}
	for i := range all {
		all[i].of = first[kind(all[i].of)]
	}
}

// owners are whose the parcels are, ascending.
func (all parcels) owners() (some []int) {
	for i := range all {
		some = append(some, all[i].of)
	}
	slices.Sort(some)
	return slices.Compact(some)
}
