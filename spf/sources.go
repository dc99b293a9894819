package spf

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"net/netip"
	"slices"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

// Source is an address range that gets a pass.
type Source struct {
	Prefix netip.Prefix // masked: no bits behind its length
	Name   string       // whose record brought it
	Term   string       // the term there: ip4, ip6, a or mx
	// Path are the includes and redirects that lead from the domain's record to that of
	// Name, each with the record that it stands in; empty where Name is the domain. All
	// sources of a record share it.
	Path []Step
}

// maxSources bounds Analysis.Authorized.
const maxSources = 20_000

// authorized collects the ranges that the domain passes.
func (w *walk) authorized() {
	ranges := 0
	for _, n := range w.a.order {
		if n.Record != nil {
			ranges += len(n.Record.Directives)
		}
	}
	w.a.Authorized = make([]Source, 0, min(ranges, maxSources))
	w.authorize(w.a.root, nil)
}

// authorize collects the ranges that a record passes, and those of the records that
// it leads to.
func (w *walk) authorize(n *Node, path []Step) {
	if n == nil || n.ranged {
		return
	}
	n.ranged = true
	var asked map[string]bool // terms for addresses
	for i := range n.terms {
		t := &n.terms[i]
		switch d := t.directive; {
		case t.link != nil:
			if t.link.Redirect || t.link.Qualifier == Pass {
				w.authorize(t.link.node, below(path, n, t.text))
			}
		case d.Qualifier == Pass:
			if asked[t.text] {
				continue // the same again brings nothing, however many addresses it has
			}
			if d.Mechanism == A || d.Mechanism == MX {
				if asked == nil {
					asked = map[string]bool{}
				}
				asked[t.text] = true
			}
			w.ranges(n, t, Source{Name: n.Name, Term: t.text, Path: path})
		}
	}
}

// below is the path to what a term of a record leads to.
func below(path []Step, n *Node, term string) []Step {
	return append(path[:len(path):len(path)], Step{Name: n.Name, Term: term})
}

// ranges adds those of one term.
func (w *walk) ranges(n *Node, t *nodeTerm, s Source) {
	switch d := t.directive; d.Mechanism {
	case IP4, IP6:
		s.Prefix = d.Prefix.Masked()
		w.pass(n, t, s)
	case A, MX:
		name, err := target(d.Domain, n.Name)
		if err != nil {
			return
		}
		hosts := []string{name}
		if d.Mechanism == MX {
			hosts = w.reply(dnsx.Q(name, dnsx.TypeMX)).hosts
		}
		for _, host := range hosts {
			w.passHost(n, t, host, dnsx.TypeA, int(d.Bits4), s)
			w.passHost(n, t, host, dnsx.TypeAAAA, int(d.Bits6), s)
		}
	}
}

func (w *walk) passHost(n *Node, t *nodeTerm, host string, typ dnsx.Type, bits int, s Source) {
	for _, rr := range w.reply(dnsx.Q(host, typ)).records {
		addr, ok := rr.Addr()
		if s.Prefix = netip.PrefixFrom(addr, bits).Masked(); ok && !w.pass(n, t, s) {
			return
		}
	}
}

// pass adds one range, or where there is no more room a gap.
func (w *walk) pass(n *Node, t *nodeTerm, s Source) bool {
	if len(w.a.Authorized) < maxSources {
		w.a.Authorized = append(w.a.Authorized, s)
		return true
	}
	if !w.full {
		w.full = true
		w.addressGap(n, t, check.Gap{
			Subject: "addresses of " + w.a.Domain, Why: check.Limit,
			Cause: fmt.Errorf("the record passes more than %d ranges", maxSources),
		})
	}
	return false
}

// Space is how much the ranges of a set hold together, each address counted once.
type Space struct {
	IPv4 uint64 // addresses
	IPv6 uint64 // networks of 64 bits, also those held in part; math.MaxUint64 if it is all of them
}

// SpaceOf measures ranges.
func SpaceOf(sources []Source) Space { return sweep(sources, nil) }

// span is a range in the order of sweep: IPv4 first, as ::ffff:0:0/96, each before
// those that lie in it.
type span struct {
	hi, lo uint64
	bits   uint8 // of 128
	is4    bool
	index  int32 // into the sources
}

func compareSpans(a, b span) int {
	switch {
	case a.hi != b.hi:
		return cmp.Compare(a.hi, b.hi)
	case a.lo != b.lo:
		return cmp.Compare(a.lo, b.lo)
	case a.bits != b.bits:
		return int(a.bits) - int(b.bits)
	}
	return int(a.index) - int(b.index)
}

func (s *span) holds(o *span) bool {
	if s.bits > o.bits || s.is4 != o.is4 {
		return false
	}
	if s.bits <= 64 {
		return (s.hi^o.hi)>>(64-s.bits) == 0
	}
	return s.hi == o.hi && (s.lo^o.lo)>>(128-s.bits) == 0
}

// spansOf sorts ranges. Most are IPv4, whose keys are numbers: address, length, index.
func spansOf(sources []Source, room []span) []span {
	var keyRoom [128]uint64
	keys := keyRoom[:0]
	var sixRoom [32]span
	six := sixRoom[:0]
	for i := range sources {
		p := sources[i].Prefix
		switch addr := p.Addr(); {
		case !p.IsValid():
		case addr.Is4():
			b := addr.As4()
			keys = append(keys, uint64(binary.BigEndian.Uint32(b[:]))<<32|uint64(p.Bits())<<26|uint64(i))
		default:
			b := addr.As16()
			six = append(six, span{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:]), uint8(p.Bits()), false, int32(i)})
		}
	}
	slices.Sort(keys)
	slices.SortFunc(six, compareSpans)
	for _, key := range keys {
		const mapped, mask = 0xffff << 32, 1<<26 - 1
		room = append(room, span{0, mapped | key>>32, 96 + uint8(key&(1<<32-1)>>26), true, int32(key & mask)})
	}
	return append(room, six...)
}

// sweep measures ranges. To nested, if it is there, it says of each that lies in
// another which: the widest, and the first in the order of evaluation.
func sweep(sources []Source, nested func(inner, widest, first int32)) (total Space) {
	var room [128]span
	spans := spansOf(sources, room[:0])
	type level struct {
		*span
		first int32 // the least index of it and those around it
	}
	var stack [130]level // one for each length, those around the range at hand
	depth := 0
	var last uint64 // the network of 64 bits that was counted last
	for i := range spans {
		s := &spans[i]
		for depth > 0 && !stack[depth-1].holds(s) {
			depth--
		}
		if depth == 0 {
			total.count(s, last)
			last = s.hi
			stack[0], depth = level{s, s.index}, 1
			continue
		}
		around := stack[depth-1]
		if nested != nil {
			nested(s.index, stack[0].index, around.first)
		}
		if around.bits < s.bits {
			stack[depth], depth = level{s, min(around.first, s.index)}, depth+1
		}
	}
	return total
}

// count adds a range that lies in no other; last is the network of 64 bits before it.
func (t *Space) count(s *span, last uint64) {
	switch {
	case s.is4:
		t.IPv4 += 1 << (128 - s.bits)
	case s.bits <= 64:
		n := t.IPv6 + 1<<(64-s.bits)
		if n <= t.IPv6 { // all 2^64
			n = math.MaxUint64
		}
		t.IPv6 = n
	case t.IPv6 == 0 || s.hi != last:
		t.IPv6++
	}
}
