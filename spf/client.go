package spf

import (
	"strings"

	"github.com/mailcheck-go/mailcheck/dnsx"
)

// maxPTR is how many names of a client are looked at (RFC 7208, 4.6.4).
const maxPTR = mxHosts

// client has the names of the client, once they were asked for. Which of them are
// true is found out as far as somebody wants to know.
type client struct {
	asked bool
	void  bool // an answer said that there are none
	names []clientName
}

type clientName struct {
	name   string
	tested bool
	valid  bool // one of its addresses is the client's
}

// lookUp asks for the names of the client. An error is as if there were none
// (RFC 7208, 5.5 and 7.3).
func (e *evaluation) lookUp() {
	c := &e.client
	if c.asked {
		return
	}
	c.asked = true
	a, err := e.resolve(dnsx.Q(e.reverseName(), dnsx.TypePTR))
	if err != nil {
		return
	}
	c.void = len(a.Records) == 0
	for _, rr := range a.Records {
		if name, ok := rr.Target(); ok && len(c.names) < maxPTR {
			c.names = append(c.names, clientName{name: name})
		}
	}
}

// validate finds out about the names at and below parent, side by side, and returns
// how many have no address.
func (e *evaluation) validate(parent string) (voids int) {
	qs := e.room(len(e.client.names))
	for _, n := range e.client.names {
		if !n.tested && dnsx.Below(n.name, parent) {
			qs = append(qs, dnsx.Q(n.name, e.family))
		}
	}
	replies := e.askAll(qs)
	for i := range e.client.names {
		n := &e.client.names[i]
		if n.tested || !dnsx.Below(n.name, parent) {
			continue
		}
		n.tested = true
		if reply := replies[0]; reply.Answer != nil { // an error makes that name none (RFC 7208, 5.5)
			n.valid = e.among(reply.Answer, &Directive{Bits4: 32, Bits6: 128})
			if reply.Absent() {
				voids++
			}
		}
		replies = replies[1:]
	}
	return voids
}

// clientBelow evaluates ptr (RFC 7208, 5.5). The sentence there that asks whether the
// target is below a validated name has the two the wrong way round; the text before it
// and the example after it say what is meant. Only names that can match are validated.
func (e *evaluation) clientBelow(parent string) (matched bool, result Result) {
	e.lookUp()
	if e.client.void {
		e.voids++
		return false, e.voidLimit()
	}
	voids := e.validate(parent)
	for _, n := range e.client.names {
		if n.valid && dnsx.Below(n.name, parent) {
			return true, ""
		}
	}
	return false, e.voidBelow(voids)
}

// clientName is %{p}: the domain itself, or else a name below it, or else any
// (RFC 7208, 7.3). Names whose labels hold dots or odd octets are passed over: a
// macro cannot write them.
func (e *evaluation) clientName(domain string) string {
	e.lookUp()
	for _, parent := range []string{domain, "."} {
		e.voidHosts += e.validate(parent)
		best := ""
		for _, n := range e.client.names {
			if !n.valid || !dnsx.Below(n.name, parent) || strings.IndexByte(n.name, '\\') >= 0 {
				continue
			}
			if n.name == domain {
				return n.name
			}
			if best == "" {
				best = n.name
			}
		}
		if best != "" {
			return best
		}
	}
	return "unknown"
}

// reverseName is where the names of the client stand (RFC 1035, 3.5; RFC 3596, 2.5).
func (e *evaluation) reverseName() string {
	var room [73]byte
	b := room[:0]
	if e.ip.Is4() {
		a := e.ip.As4()
		for i := 3; i >= 0; i-- {
			b = append(appendDecimal(b, a[i]), '.')
		}
		return string(append(b, "in-addr.arpa"...))
	}
	a := e.ip.As16()
	for i := 15; i >= 0; i-- {
		b = append(b, lowerHex[a[i]&15], '.', lowerHex[a[i]>>4], '.')
	}
	return string(append(b, "ip6.arpa"...))
}

// The digits of IPv6 addresses in names and in explanations.
const (
	lowerHex = "0123456789abcdef"
	upperHex = "0123456789ABCDEF"
)

func appendDecimal(b []byte, n byte) []byte {
	if n >= 100 {
		b = append(b, '0'+n/100)
	}
	if n >= 10 {
		b = append(b, '0'+n/10%10)
	}
	return append(b, '0'+n%10)
}
