package spf

import (
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/mailcheck-go/mailcheck/dnsx"
)

// program is a record to be evaluated: what can be known without a message is done
// beforehand. One that is kept is for all clients; one for a single client has none of
// the terms that are known to leave that one alone.
type program struct {
	text     string
	fault    *SyntaxError  // not nil where the record is broken, and nobody evaluates it
	code     []instruction // the directives up to all
	redirect *instruction  // nil where there is none
	exp      *instruction
}

// instruction is a directive, or the domain-spec of a modifier, which is no Mechanism.
type instruction struct {
	Directive
	destination
	place
}

// destination is the name that a term leads to, as far as it is the same for every
// message and domain.
type destination struct {
	name  string // "" where it is the domain's own, is none, or has macros
	names bool   // %{p} is in it, which asks for the names of the client
	local bool   // %{s} or %{l} is in it
}

// compile reads a text of which IsRecord holds, for one client or, if that is the zero
// Addr, for all. The grammar of the whole is looked at either way (RFC 7208, 4.6).
func compile(text string, client netip.Addr) program {
	p := parser{compiling: true, compiler: compiler{client: client}}
	p.read(text)
	if len(p.rec.Faults) > 0 {
		return program{text: text, fault: p.rec.Faults[0]}
	}
	prog := program{text: text, code: p.compiler.code}
	if spec := p.rec.Redirect; !spec.IsZero() && !p.compiler.done {
		prog.redirect = &instruction{Directive{Domain: spec}, lead(spec), p.places.redirect}
	}
	if spec := p.rec.Exp; !spec.IsZero() {
		prog.exp = &instruction{Directive{Domain: spec}, lead(spec), p.places.exp}
	}
	return prog
}

// compiler gathers the instructions of a program.
type compiler struct {
	client netip.Addr
	code   []instruction
	terms  int  // at most so many are to come
	asking int  // directives that ask the DNS
	done   bool // what follows is not reached
}

// add takes a directive unless it is not reached, or known not to match.
func (c *compiler) add(d *Directive, at place) {
	c.terms--
	if c.done {
		return
	}
	switch d.Mechanism {
	case All: // RFC 7208, 5.1
		c.done = true
	case IP4, IP6:
		if c.done = d.Prefix.Contains(c.client); c.client.IsValid() && !c.done {
			return
		}
	default:
		c.asking++
		c.done = c.asking > MaxLookups // and this one is an error (RFC 7208, 4.6.4)
	}
	if c.code == nil {
		c.code = make([]instruction, 0, c.room())
	}
	c.code = append(c.code, instruction{*d, lead(d.Domain), at})
}

// room is for the first instruction and as many as will follow it, as far as one can
// tell: most terms are addresses, of which few are left for one client.
func (c *compiler) room() int {
	switch {
	case c.done:
		return 1
	case c.client.IsValid():
		return 1 + min(c.terms, 3)
	}
	return 1 + min(c.terms, 63)
}

func lead(spec MacroString) destination {
	if spec.IsZero() {
		return destination{}
	}
	to := destination{names: spec.has('p'), local: spec.has('s') || spec.has('l')}
	if !slices.ContainsFunc(spec.Parts, func(p Macro) bool { return p.Letter != 0 }) {
		to.name, _ = spec.name(nil)
	}
	return to
}

// size estimates the memory that keeping the program costs.
func (p *program) size() int {
	const fixed, each, macro = 700, 150, 250 // as slices grow
	return fixed + 2*len(p.text) + each*cap(p.code) + macro*strings.Count(p.text, "%")
}

// programs keeps programs by the RDATA of their records, in two generations: when
// the young ones fill half of the room, they become the old, and those that were old
// and not used since go. The zero value works.
type programs struct {
	mu         sync.RWMutex
	young, old map[string]*program
	bytes      int // of young
}

// get returns the program of an SPF record.
func (s *programs) get(rr dnsx.RR, most int) *program {
	s.mu.RLock()
	prog := s.young[string(rr.Data)]
	young := prog != nil
	if !young {
		prog = s.old[string(rr.Data)]
	}
	s.mu.RUnlock()
	if young {
		return prog
	}
	if prog == nil {
		made := compile(textOf(rr.Data), netip.Addr{})
		prog = &made
	}
	s.put(string(rr.Data), prog, most/2)
	return prog
}

func (s *programs) put(key string, prog *program, most int) {
	size := prog.size() + len(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if size > most || s.young[key] != nil {
		return
	}
	if s.bytes+size > most || s.young == nil {
		s.old, s.young, s.bytes = s.young, map[string]*program{}, 0
	}
	s.young[key] = prog
	s.bytes += size
}

// textOf joins the strings of a TXT record's RDATA, which isRecordData took for an
// SPF record.
func textOf(data []byte) string {
	if n := int(data[0]); 1+n == len(data) {
		return string(data[1:])
	}
	var text strings.Builder
	text.Grow(len(data))
	for len(data) > 0 {
		n := int(data[0])
		text.Write(data[1 : 1+n])
		data = data[1+n:]
	}
	return text.String()
}

// isRecordData is IsRecord of the text of a TXT record's RDATA, which it does not
// put together.
func isRecordData(data []byte) bool {
	var start [len(version) + 1]byte
	have := 0
	for len(data) > 0 {
		n := int(data[0])
		if 1+n > len(data) {
			return false // broken, as it is to dnsx.RR.TXT
		}
		have += copy(start[have:], data[1:1+n])
		data = data[1+n:]
	}
	return isRecord(start[:have])
}
