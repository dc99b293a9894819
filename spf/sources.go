package spf

import (
	"net/netip"

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
			Cause: check.Errorf("the record passes more than %d ranges", maxSources),
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
func SpaceOf(sources []Source) Space { return setOf(extentsOf(sources)).space() }

func extentsOf(sources []Source) []extent {
	all := make([]extent, 0, len(sources))
	for i := range sources {
		if sources[i].Prefix.IsValid() {
			all = append(all, extentOf(sources[i].Prefix))
		}
	}
	return all
}
