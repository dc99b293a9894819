package spf

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"

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
	w.authorize(w.a.root, nil, map[*Node]bool{})
}

// authorize collects the ranges that a record passes, and those of the records that
// it leads to.
func (w *walk) authorize(n *Node, path []Step, seen map[*Node]bool) {
	if n == nil || seen[n] || n.Record == nil {
		return
	}
	seen[n] = true
	links := n.links
	var asked map[string]bool // terms for addresses
	live, text := n.Record.live(), n.text
	for i := range live {
		var term string
		term, text, _ = strings.Cut(text, " ")
		switch d := &live[i]; {
		case d.Mechanism == Include:
			if d.Qualifier == Pass {
				w.authorize(links[0].node, below(path, n, term), seen)
			}
			links = links[1:]
		case d.Qualifier == Pass:
			if asked[term] {
				continue // the same again brings nothing, however many addresses it has
			}
			if d.Mechanism == A || d.Mechanism == MX {
				if asked == nil {
					asked = map[string]bool{}
				}
				asked[term] = true
			}
			w.ranges(d, Source{Name: n.Name, Term: term, Path: path}, n)
		}
	}
	if len(links) > 0 { // the redirect
		w.authorize(links[0].node, below(path, n, nameRedirect+"="+links[0].Spec), seen)
	}
}

// below is the path to what a term of a record leads to.
func below(path []Step, n *Node, term string) []Step {
	return append(path[:len(path):len(path)], Step{Name: n.Name, Term: term})
}

// ranges adds those of one term.
func (w *walk) ranges(d *Directive, s Source, n *Node) {
	switch d.Mechanism {
	case IP4, IP6:
		s.Prefix = d.Prefix.Masked()
		w.pass(n, d, s)
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
			w.passHost(n, d, host, dnsx.TypeA, int(d.Bits4), s)
			w.passHost(n, d, host, dnsx.TypeAAAA, int(d.Bits6), s)
		}
	}
}

func (w *walk) passHost(n *Node, d *Directive, host string, t dnsx.Type, bits int, s Source) {
	for _, rr := range w.reply(dnsx.Q(host, t)).records {
		addr, ok := rr.Addr()
		if s.Prefix = netip.PrefixFrom(addr, bits).Masked(); ok && !w.pass(n, d, s) {
			return
		}
	}
}

// pass adds one range, or where there is no more room a gap.
func (w *walk) pass(n *Node, d *Directive, s Source) bool {
	if len(w.a.Authorized) < maxSources {
		w.a.Authorized = append(w.a.Authorized, s)
		return true
	}
	if !w.full {
		w.full = true
		w.addressGap(n, d, check.Gap{
			Subject: "addresses of " + w.a.Domain, Why: check.Limit,
			Cause: fmt.Errorf("the record passes more than %d ranges", maxSources),
		})
	}
	return false
}

// countIPv4 counts the addresses of all ranges, each once.
func countIPv4(sources []Source) uint64 {
	type span struct{ first, last uint64 }
	var spans []span
	for _, s := range sources {
		if s.Prefix.Addr().Is4() && s.Prefix.IsValid() {
			b := s.Prefix.Addr().As4()
			first := uint64(binary.BigEndian.Uint32(b[:]))
			spans = append(spans, span{first, first + 1<<(32-s.Prefix.Bits()) - 1})
		}
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.first, b.first) })
	var n, next uint64 // next: the first address that is not counted yet
	for _, s := range spans {
		if s.last >= next {
			n += s.last + 1 - max(s.first, next)
			next = s.last + 1
		}
	}
	return n
}
