package spf

import (
	"bytes"
	"cmp"
	"net/netip"
	"slices"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

// directive evaluates one; "" means that it does not match (RFC 7208, 4.6.2).
func (e *evaluation) directive(f *frame) Result {
	d := f.at
	var matched bool
	var result Result
	switch d.Mechanism {
	case All:
		matched = true
	case IP4, IP6:
		matched = d.Prefix.Contains(e.ip)
	default:
		matched, result = e.match(f)
	}
	if matched && result == "" {
		result = d.Qualifier
		f.note("match")
	} else if e.session.Trace {
		f.note(cmp.Or(string(result), "no match"))
	}
	return result
}

// match evaluates a mechanism that asks the DNS; a result that is not "" is an error
// that ends the evaluation (RFC 7208, 5).
func (e *evaluation) match(f *frame) (matched bool, result Result) {
	d := f.at
	if !e.spend(d) {
		return false, PermError
	}
	if d.local && e.mute { // RFC 8616, 4
		return false, ""
	}
	name, err := f.target(d)
	if err != nil {
		if d.Mechanism == Include { // none, for check_host (RFC 7208, 4.3 and 5.2)
			return false, e.fail(ProblemName, check.Textf("it leads to what is no domain name: %s", err.Error()))
		}
		return false, "" // RFC 7208, 4.8 leaves it open; such a name can have no records
	}
	switch d.Mechanism {
	case Include:
		return e.include(name)
	case A:
		return e.address(&d.Directive, name)
	case MX:
		return e.exchanges(&d.Directive, name)
	case PTR:
		return e.clientBelow(name)
	default: // Exists; A whatever the client's family is (RFC 7208, 5.7)
		a := e.ask(name, dnsx.TypeA)
		if a == nil {
			return false, TempError
		}
		return len(a.Records) > 0, e.void(a)
	}
}

// target is the name that a term leads to (RFC 7208, 4.8). The error is a
// *dnsx.NameError.
func (f *frame) target(s *instruction) (string, error) {
	switch {
	case s.Domain.IsZero():
		return f.name, nil
	case s.name != "":
		return s.name, nil
	}
	return s.Domain.name(f)
}

// spend counts a term that asks the DNS; false means that the limit is passed
// (RFC 7208, 4.6.4).
func (e *evaluation) spend(s *instruction) bool {
	e.lookups++
	if s.names {
		e.lookups++
	}
	if e.lookups <= MaxLookups {
		return true
	}
	e.fail(ProblemLookups, check.Textf("it is past the limit of %d lookups", MaxLookups))
	return false
}

// void counts an answer without records; the result is not "" where that is one too
// many (RFC 7208, 4.6.4).
func (e *evaluation) void(a *dnsx.Answer) Result {
	if len(a.Records) > 0 {
		return ""
	}
	e.voids++
	return e.voidLimit()
}

// voidBelow counts n address lookups below a term that found nothing; the result is not
// "" where they count and are too many.
func (e *evaluation) voidBelow(n int) Result {
	e.voidHosts += n
	if n == 0 || !e.countHosts {
		return ""
	}
	return e.voidLimit()
}

func (e *evaluation) voidLimit() Result {
	have := e.voids
	if e.countHosts {
		have += e.voidHosts
	}
	if e.maxVoids < 0 || have <= e.maxVoids {
		return ""
	}
	return e.fail(ProblemVoids, check.Textf("it is past the limit of %d lookups that find nothing", e.maxVoids))
}

// include evaluates another record, of which only a pass counts (RFC 7208, 5.2).
func (e *evaluation) include(name string) (matched bool, result Result) {
	depth := e.depth
	switch result, _ = e.check(name); result {
	case Pass:
		return true, ""
	case None:
		return false, PermError
	case TempError, PermError:
		return false, result
	}
	e.depth = depth
	return false, ""
}

// address evaluates a (RFC 7208, 5.3).
func (e *evaluation) address(d *Directive, name string) (matched bool, result Result) {
	a := e.ask(name, e.family)
	if a == nil {
		return false, TempError
	}
	return e.among(a, d), e.void(a)
}

// among reports whether the client is in one of the answer's networks.
func (e *evaluation) among(a *dnsx.Answer, d *Directive) bool {
	bits := int(d.Bits4)
	if e.family == dnsx.TypeAAAA {
		bits = int(d.Bits6)
	}
	for _, rr := range a.Records {
		if addr, ok := rr.Addr(); ok && netip.PrefixFrom(addr, bits).Contains(e.ip) {
			return true
		}
	}
	return false
}

// exchanges evaluates mx (RFC 7208, 5.4). The hosts are asked for side by side; what
// comes of it is what would come of it if they were asked one after the other, in the
// order of preference: the first that matches or fails decides.
func (e *evaluation) exchanges(d *Directive, name string) (matched bool, result Result) {
	mx := e.ask(name, dnsx.TypeMX)
	if mx == nil {
		return false, TempError
	}
	if result := e.void(mx); result != "" {
		return false, result
	}
	if n := len(mx.Records); n > mxHosts {
		return false, e.fail(ProblemHosts, check.Textf("it has %d hosts, %d over the limit", n, n-mxHosts))
	}
	for _, reply := range e.askAll(e.hosts(mx.Records)) {
		switch {
		case reply.Answer == nil:
			return false, e.failed(reply.Err())
		case e.among(reply.Answer, d):
			return true, ""
		case reply.Absent():
			if result := e.voidBelow(1); result != "" {
				return false, result
			}
		}
	}
	return false, ""
}

// hosts returns the questions for the addresses of mail hosts, by preference; those
// that are preferred alike are in the order of the answer.
func (e *evaluation) hosts(records []dnsx.RR) []dnsx.Question {
	qs := e.room(len(records))
	for _, rr := range byPreference(records) {
		if _, host, ok := rr.MX(); ok && host != "." {
			qs = append(qs, dnsx.Q(host, e.family))
		}
	}
	return qs
}

// byPreference sorts MX records; where they are sorted nothing is copied.
func byPreference(records []dnsx.RR) []dnsx.RR {
	compare := func(a, b dnsx.RR) int { // the first two octets (RFC 1035, 3.3.9)
		return bytes.Compare(a.Data[:min(2, len(a.Data))], b.Data[:min(2, len(b.Data))])
	}
	if slices.IsSortedFunc(records, compare) {
		return records
	}
	records = slices.Clone(records) // the answer is the resolver's
	slices.SortStableFunc(records, compare)
	return records
}

// room is for n questions that askAll is to put.
func (e *evaluation) room(n int) []dnsx.Question {
	if n <= len(e.question) {
		return e.question[:0]
	}
	return make([]dnsx.Question, 0, n)
}

// askAll puts questions side by side.
func (e *evaluation) askAll(qs []dnsx.Question) []dnsx.Reply {
	switch len(qs) {
	case 0:
		return nil
	case 1:
		e.reply[0] = dnsx.ReplyOf(qs[0])(e.resolve(qs[0]))
		return e.reply[:]
	}
	return dnsx.Ask(e.ctx, e.resolver, qs...)
}
