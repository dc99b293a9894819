package spf

import (
	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

// addresses says of a term other than include what it finds: which of its lookups
// are void, whether it can match anybody, and whether it matches everybody.
func (w *walk) addresses(n *Node, t *nodeTerm) {
	d, c := t.directive, t.cost
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
		w.addressGap(n, t, unknownTarget(n, t.text, err))
	}
	switch {
	case err != nil:
	case d.Mechanism == A:
		c.Voids = w.host(n, t, name)
	case d.Mechanism == MX:
		c.Voids = w.mailHosts(n, t, name)
	case d.Mechanism == Exists:
		c.Voids = w.exists(n, t, name)
	}
	n.spend(c, d.Domain)
}

var errClient = check.Errorf("it depends on the client")

// host evaluates an a term.
func (w *walk) host(n *Node, t *nodeTerm, name string) Voids {
	r4, r6 := w.reply(dnsx.Q(name, dnsx.TypeA)), w.reply(dnsx.Q(name, dnsx.TypeAAAA))
	missed4, missed6 := w.missed(n, t, r4), w.missed(n, t, r6)
	if r4.Absent() && r6.Absent() {
		n.deadTerm(t, check.Textf("%s has no address", name))
	}
	n.finds(t, len(r4.records) > 0, len(r6.records) > 0)
	return Voids{IPv4: count(r4.Absent()), IPv6: count(r6.Absent()), Open4: count(missed4), Open6: count(missed6)}
}

// mailHosts evaluates an mx term (RFC 7208, 5.4).
func (w *walk) mailHosts(n *Node, t *nodeTerm, name string) (v Voids) {
	mx := w.reply(dnsx.Q(name, dnsx.TypeMX))
	switch {
	case w.missed(n, t, mx):
		return Voids{Open4: mxHosts, Open6: mxHosts}
	case mx.Absent():
		n.deadTerm(t, check.Textf("%s has no MX record", name))
		return Voids{IPv4: 1, IPv6: 1}
	case len(mx.records) > mxHosts:
		if len(n.manyMX) < maxFindings {
			n.manyMX = append(n.manyMX, manyMX{t, name, len(mx.records)})
		}
		n.breaks(ProblemHosts, check.Textf("%s in the record of %s leads to %d hosts", t.text, n.Name, len(mx.records)))
	}
	missed, has4, has6 := false, false, false
	for _, host := range mx.hosts {
		r4, r6 := w.reply(dnsx.Q(host, dnsx.TypeA)), w.reply(dnsx.Q(host, dnsx.TypeAAAA))
		missed4, missed6 := w.missed(n, t, r4), w.missed(n, t, r6)
		missed = missed || missed4 || missed6
		has4, has6 = has4 || len(r4.records) > 0, has6 || len(r6.records) > 0
		v.add(Voids{Hosts4: count(r4.Absent()), Hosts6: count(r6.Absent()), Open4: count(missed4), Open6: count(missed6)})
	}
	switch {
	case missed || has4 || has6:
	case len(mx.hosts) == 0:
		n.deadTerm(t, check.Textf("%s takes no mail: its MX record names no host", name))
	default:
		n.deadTerm(t, check.Textf("no MX host of %s has an address", name))
	}
	n.finds(t, has4, has6)
	return v
}

// exists evaluates an exists term whose name is the same for every message.
func (w *walk) exists(n *Node, t *nodeTerm, name string) Voids {
	r := w.reply(dnsx.Q(name, dnsx.TypeA))
	switch {
	case w.missed(n, t, r):
		return Voids{Open4: 1, Open6: 1}
	case r.Absent():
		n.deadTerm(t, check.Textf("%s has no A record", name))
		return Voids{IPv4: 1, IPv6: 1}
	case t.directive.Qualifier == Pass:
		n.opens(t, check.Textf("it passes every address, because %s has an A record for every sender", name))
	}
	return Voids{}
}

// finds notes that a or mx has an address, of which a/0 and a//0 make all.
func (n *Node) finds(t *nodeTerm, has4, has6 bool) {
	t.found = has4 || has6
	d := t.directive
	if d.Qualifier != Pass {
		return
	}
	if d.Bits4 == 0 && has4 {
		n.opens(t, passesEvery(false))
	}
	if d.Bits6 == 0 && has6 {
		n.opens(t, passesEvery(true))
	}
}

// missed reports that no answer came, and notes it.
func (w *walk) missed(n *Node, t *nodeTerm, r *reply) bool {
	err := r.Err()
	if err == nil {
		return false
	}
	w.addressGap(n, t, check.GapOf("", err))
	return true
}

func (n *Node) deadTerm(t *nodeTerm, why check.Text) {
	if len(n.dead) < maxFindings {
		n.dead = append(n.dead, deadTerm{t, why})
	}
}

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}
