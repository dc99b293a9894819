package spf

import (
	"iter"
	"strings"
	"sync"

	"github.com/mailcheck-go/mailcheck/dnsx"
)

// program is a record to be evaluated. Where it is kept, what does not depend on the
// message is done beforehand, else when it is needed.
type program struct {
	text          string
	rec           *Record
	targets       []destination // of rec.Directives; nil where nothing is done
	places        []place       // of the terms, as far as they are no modifiers
	redirect, exp destination
}

// destination is the name that a term leads to, as far as it is the same for every
// message and domain.
type destination struct {
	name  string // "" where it is the domain's own, is none, or has macros
	own   bool   // the term names none, and means the domain
	macro bool   // it has to be expanded each time
	names bool   // %{p} is in it, which asks for the names of the client
	local bool   // %{s} or %{l} is in it
}

// place is where a term stands in the text of a record.
type place struct{ start, end int }

func compile(text string, keep bool) *program {
	prog := &program{text: text, rec: parse(text)}
	if len(prog.rec.Faults) > 0 { // nobody will evaluate it
		return prog
	}
	prog.redirect, prog.exp = lead(prog.rec.Redirect), lead(prog.rec.Exp)
	if keep {
		prog.targets = make([]destination, len(prog.rec.Directives))
		for i := range prog.targets {
			prog.targets[i] = leadOf(&prog.rec.Directives[i])
		}
		prog.places = make([]place, 0, len(prog.rec.Directives))
		for at := range terms(text) {
			if !isModifier(text[at.start:at.end]) {
				prog.places = append(prog.places, at)
			}
		}
	}
	return prog
}

// terms yields what stands between blanks.
func terms(text string) iter.Seq[place] {
	return func(yield func(place) bool) {
		for at := len(version); at < len(text); {
			end := strings.IndexByte(text[at:], ' ')
			if end < 0 {
				end = len(text) - at
			}
			if end > 0 && !yield(place{at, at + end}) {
				return
			}
			at += end + 1
		}
	}
}

// isModifier tells of a term without fault whether it is one (RFC 7208, 4.6.1).
func isModifier(term string) bool {
	n := nameLength(term)
	return n < len(term) && term[n] == '='
}

// target is where a directive leads.
func (p *program) target(i int) destination {
	if p.targets != nil {
		return p.targets[i]
	}
	return leadOf(&p.rec.Directives[i])
}

// place is where a directive stands, or where its index is atRedirect that modifier.
func (p *program) place(i int) place {
	if i >= 0 && p.places != nil {
		return p.places[i]
	}
	for at := range terms(p.text) {
		switch term := p.text[at.start:at.end]; {
		case !isModifier(term):
			if i == 0 {
				return at
			}
			if i > 0 {
				i--
			}
		case i == atRedirect:
			if _, ok := cutFold(term, nameRedirect+"="); ok {
				return at
			}
		}
	}
	return place{}
}

func leadOf(d *Directive) destination {
	switch d.Mechanism {
	case All, IP4, IP6:
		return destination{}
	}
	return lead(d.Domain)
}

func lead(spec MacroString) destination {
	if spec.IsZero() {
		return destination{own: true}
	}
	to := destination{names: spec.has('p'), local: spec.has('s') || spec.has('l')}
	for i := range spec.Parts {
		to.macro = to.macro || spec.Parts[i].Letter != 0
	}
	if !to.macro {
		to.name, _ = spec.name(nil)
	}
	return to
}

// size estimates the memory that keeping the program costs.
func (p *program) size() int {
	const fixed, directive, modifier, macro, fault = 700, 250, 200, 250, 200 // as slices grow
	return fixed + 2*len(p.text) + directive*len(p.rec.Directives) + modifier*len(p.rec.Modifiers) +
		macro*strings.Count(p.text, "%") + fault*len(p.rec.Faults)
}

// programs keeps programs by the RDATA of their records, in two generations: when
// the young ones fill half of the room, they become the old, and those that were old
// and not used since go. The zero value works.
type programs struct {
	mu         sync.RWMutex
	young, old map[string]*program
	bytes      int // of young
}

// get returns the program of an SPF record, from what is kept if there is a store.
func (s *programs) get(rr dnsx.RR, most int) *program {
	if s == nil {
		return compile(textOf(rr.Data), false)
	}
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
		prog = compile(textOf(rr.Data), true)
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
	text := make([]byte, 0, len(data))
	for len(data) > 0 {
		n := int(data[0])
		text = append(text, data[1:1+n]...)
		data = data[1+n:]
	}
	return string(text)
}

// isRecordData is IsRecord of the text of a TXT record's RDATA, which it does not
// put together.
func isRecordData(data []byte) bool {
	var room [len(version) + 1]byte
	start := room[:0]
	for d := data; len(d) > 0; {
		n := int(d[0])
		if 1+n > len(d) {
			return false // broken, as it is to dnsx.RR.TXT
		}
		start = append(start, d[1:1+min(n, cap(start)-len(start))]...)
		d = d[1+n:]
	}
	return IsRecord(string(start))
}
