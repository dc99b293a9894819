package spf

import (
	"errors"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

// addresses says of a term other than include what it finds: which of its lookups
// are void, whether it can match anybody, and whether it matches everybody.
func (w *walk) addresses(n *Node, d *Directive, term string) {
	c := Cost{Term: term, Directive: d}
	name, err := target(d.Domain, n.Name)
	if d.Mechanism == PTR {
		err = errClient
	}
	if err != nil {
		open := 1
		if d.Mechanism == MX {
			open = mxHosts
		}
		c.Voids = Voids{Open4: open, Open6: open}
		w.addressGap(n, d, unknownTarget(n, term, err))
	}
	switch {
	case err != nil:
	case d.Mechanism == A:
		c.Voids = w.host(n, d, name, term)
	case d.Mechanism == MX:
		c.Voids = w.mailHosts(n, d, name, term)
	case d.Mechanism == Exists:
		c.Voids = w.exists(n, d, name, term)
	}
	n.spend(c, d.Domain)
}

var errClient = errors.New("it depends on the client")

// host evaluates an a term.
func (w *walk) host(n *Node, d *Directive, name, term string) Voids {
	r4, r6 := w.reply(dnsx.Q(name, dnsx.TypeA)), w.reply(dnsx.Q(name, dnsx.TypeAAAA))
	missed4, missed6 := w.missed(n, d, r4), w.missed(n, d, r6)
	if r4.Absent() && r6.Absent() {
		n.deadTerm(d, check.Textf("%s has no address", name))
	}
	n.finds(d, term, len(r4.records) > 0, len(r6.records) > 0)
	return Voids{IPv4: count(r4.Absent()), IPv6: count(r6.Absent()), Open4: count(missed4), Open6: count(missed6)}
}

// mailHosts evaluates an mx term (RFC 7208, 5.4).
func (w *walk) mailHosts(n *Node, d *Directive, name, term string) (v Voids) {
	mx := w.reply(dnsx.Q(name, dnsx.TypeMX))
	switch {
	case w.missed(n, d, mx):
		return Voids{Open4: mxHosts, Open6: mxHosts}
	case mx.Absent():
		n.deadTerm(d, check.Textf("%s has no MX record", name))
		return Voids{IPv4: 1, IPv6: 1}
	case len(mx.records) > mxHosts:
		if len(n.manyMX) < maxFindings {
			n.manyMX = append(n.manyMX, manyMX{d, name, len(mx.records)})
		}
		n.breaks(check.Textf("%s in the record of %s leads to %d hosts", term, n.Name, len(mx.records)))
	}
	missed, has4, has6 := false, false, false
	for _, host := range mx.hosts {
		r4, r6 := w.reply(dnsx.Q(host, dnsx.TypeA)), w.reply(dnsx.Q(host, dnsx.TypeAAAA))
		missed4, missed6 := w.missed(n, d, r4), w.missed(n, d, r6)
		missed = missed || missed4 || missed6
		has4, has6 = has4 || len(r4.records) > 0, has6 || len(r6.records) > 0
		v.add(Voids{Hosts4: count(r4.Absent()), Hosts6: count(r6.Absent()), Open4: count(missed4), Open6: count(missed6)})
	}
	switch {
	case missed || has4 || has6:
	case len(mx.hosts) == 0:
		n.deadTerm(d, check.Textf("%s takes no mail: its MX record names no host", name))
	default:
		n.deadTerm(d, check.Textf("no MX host of %s has an address", name))
	}
	n.finds(d, term, has4, has6)
	return v
}

// exists evaluates an exists term whose name is the same for every message.
func (w *walk) exists(n *Node, d *Directive, name, term string) Voids {
	r := w.reply(dnsx.Q(name, dnsx.TypeA))
	switch {
	case w.missed(n, d, r):
		return Voids{Open4: 1, Open6: 1}
	case r.Absent():
		n.deadTerm(d, check.Textf("%s has no A record", name))
		return Voids{IPv4: 1, IPv6: 1}
	case d.Qualifier == Pass:
		n.opens(term, check.Textf("it passes every address, because %s has an A record whoever sends", name))
	}
	return Voids{}
}

// finds notes that a or mx has an address, of which a/0 and a//0 make all.
func (n *Node) finds(d *Directive, term string, has4, has6 bool) {
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
		n.opens(term, everyAddress(false))
	}
	if d.Bits6 == 0 && has6 {
		n.opens(term, everyAddress(true))
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
