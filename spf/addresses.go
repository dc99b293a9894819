package spf

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

// addresses says of a term other than include what it finds: which of its lookups
// are void, whether it can match anybody, and whether it matches everybody.
func (w *walk) addresses(n *Node, d *Directive) {
	name, err := target(d.Domain, n.Name)
	if d.Mechanism == PTR {
		err = errClient
	}
	if err != nil {
		open := 1
		if d.Mechanism == MX {
			open = mxHosts
		}
		n.Voids.add(Voids{Open4: open, Open6: open})
		w.addressGap(n, d, unknownTarget(n, d.String(), err))
		return
	}
	switch d.Mechanism {
	case A:
		w.host(n, d, name)
	case MX:
		w.mailHosts(n, d, name)
	case Exists:
		w.exists(n, d, name)
	}
}

var errClient = errors.New("it depends on the client")

// host evaluates an a term.
func (w *walk) host(n *Node, d *Directive, name string) {
	r4, r6 := w.reply(dnsx.Q(name, dnsx.TypeA)), w.reply(dnsx.Q(name, dnsx.TypeAAAA))
	missed4, missed6 := w.missed(n, d, r4), w.missed(n, d, r6)
	n.Voids.add(Voids{IPv4: count(r4.Absent()), IPv6: count(r6.Absent()), Open4: count(missed4), Open6: count(missed6)})
	if r4.Absent() && r6.Absent() {
		n.deadTerm(d, check.Textf("%s has no address", name))
	}
	n.finds(d, len(r4.records) > 0, len(r6.records) > 0)
}

// mailHosts evaluates an mx term (RFC 7208, 5.4).
func (w *walk) mailHosts(n *Node, d *Directive, name string) {
	mx := w.reply(dnsx.Q(name, dnsx.TypeMX))
	switch {
	case w.missed(n, d, mx):
		n.Voids.add(Voids{Open4: mxHosts, Open6: mxHosts})
		return
	case mx.Absent():
		n.Voids.add(Voids{IPv4: 1, IPv6: 1})
		n.deadTerm(d, check.Textf("%s has no MX record", name))
		return
	case len(mx.records) > mxHosts:
		if len(n.manyMX) < maxFindings {
			n.manyMX = append(n.manyMX, manyMX{d, name, len(mx.records)})
		}
		n.breaks(check.Textf("%s in the record of %s leads to %d hosts", d.String(), n.Name, len(mx.records)))
	}
	var v Voids
	missed, has4, has6 := false, false, false
	for _, host := range mx.hosts {
		r4, r6 := w.reply(dnsx.Q(host, dnsx.TypeA)), w.reply(dnsx.Q(host, dnsx.TypeAAAA))
		missed4, missed6 := w.missed(n, d, r4), w.missed(n, d, r6)
		missed = missed || missed4 || missed6
		has4, has6 = has4 || len(r4.records) > 0, has6 || len(r6.records) > 0
		v.add(Voids{Hosts4: count(r4.Absent()), Hosts6: count(r6.Absent()), Open4: count(missed4), Open6: count(missed6)})
	}
	n.Voids.add(v)
	switch {
	case missed || has4 || has6:
	case len(mx.hosts) == 0:
		n.deadTerm(d, check.Textf("%s takes no mail: its MX record names no host", name))
	default:
		n.deadTerm(d, check.Textf("no MX host of %s has an address", name))
	}
	n.finds(d, has4, has6)
}

// exists evaluates an exists term whose name is the same for every message.
func (w *walk) exists(n *Node, d *Directive, name string) {
	r := w.reply(dnsx.Q(name, dnsx.TypeA))
	switch {
	case w.missed(n, d, r):
		n.Voids.add(Voids{Open4: 1, Open6: 1})
	case r.Absent():
		n.Voids.add(Voids{IPv4: 1, IPv6: 1})
		n.deadTerm(d, check.Textf("%s has no A record", name))
	case d.Qualifier == Pass:
		n.opens(d, check.Textf("it passes every address, because %s has an A record whoever sends", name))
	}
}

// finds notes that a or mx has an address, of which a/0 and a//0 make all.
func (n *Node) finds(d *Directive, has4, has6 bool) {
	if has4 || has6 {
		if n.found == nil {
			n.found = map[*Directive]bool{}
		}
		n.found[d] = true
	}
	if d.Qualifier != Pass {
		return
	}
	if d.Bits4 == 0 && has4 {
		n.opens(d, everyAddress(false))
	}
	if d.Bits6 == 0 && has6 {
		n.opens(d, everyAddress(true))
	}
}

// missed reports that no answer came, and notes it.
func (w *walk) missed(n *Node, d *Directive, r *reply) bool {
	err := r.Err()
	if err == nil {
		return false
	}
	w.addressGap(n, d, check.GapOf("", err))
	return true
}

func (n *Node) deadTerm(d *Directive, why check.Text) {
	if len(n.dead) < maxFindings {
		n.dead = append(n.dead, deadTerm{d, why})
	}
}

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// maxSources bounds Analysis.Authorized.
const maxSources = 20_000

// authorize collects the ranges that a record passes, and those of the records that
// it leads to.
func (w *walk) authorize(n *Node, seen map[*Node]bool) {
	if n == nil || seen[n] || n.Record == nil {
		return
	}
	seen[n] = true
	w.a.Authorized = slices.Grow(w.a.Authorized, len(n.Record.Directives))
	links := n.links
	terms := map[string]bool{} // that asked for addresses
	live := n.Record.live()
	for i := range live {
		switch d := &live[i]; {
		case d.Mechanism == Include:
			if d.Qualifier == Pass {
				w.authorize(links[0].node, seen)
			}
			links = links[1:]
		case d.Qualifier == Pass:
			w.ranges(n, d, terms)
		}
	}
	if len(links) > 0 { // the redirect
		w.authorize(links[0].node, seen)
	}
}

// ranges adds those of one term. The same term again brings nothing, however many
// addresses it has.
func (w *walk) ranges(n *Node, d *Directive, terms map[string]bool) {
	term := d.String()
	switch d.Mechanism {
	case IP4, IP6:
		w.pass(n, d, Source{d.Prefix.Masked(), n.Name, term})
	case A, MX:
		name, err := target(d.Domain, n.Name)
		if err != nil || terms[term] {
			return
		}
		terms[term] = true
		hosts := []string{name}
		if d.Mechanism == MX {
			hosts = w.reply(dnsx.Q(name, dnsx.TypeMX)).hosts
		}
		for _, host := range hosts {
			w.passHost(n, d, host, dnsx.TypeA, int(d.Bits4), term)
			w.passHost(n, d, host, dnsx.TypeAAAA, int(d.Bits6), term)
		}
	}
}

func (w *walk) passHost(n *Node, d *Directive, host string, t dnsx.Type, bits int, term string) {
	for _, rr := range w.reply(dnsx.Q(host, t)).records {
		if addr, ok := rr.Addr(); ok && !w.pass(n, d, Source{netip.PrefixFrom(addr, bits).Masked(), n.Name, term}) {
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
