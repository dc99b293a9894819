package spf

import (
	"cmp"
	"strconv"
	"time"

	"github.com/mailcheck-go/mailcheck/dnsx"
)

// value is what a macro letter stands for in the record of the frame (RFC 7208, 7.2).
func (f *frame) value(letter byte) string {
	e := f.e
	switch letter {
	case 's':
		return e.sender
	case 'l':
		return e.local
	case 'o':
		return e.domain
	case 'd':
		return plainName(f.name)
	case 'i':
		return e.dotted()
	case 'p':
		return e.clientName(f.name)
	case 'v':
		if e.ip.Is4() {
			return "in-addr"
		}
		return "ip6"
	case 'h':
		return e.session.Helo[:min(len(e.session.Helo), maxLocal)]
	case 'c':
		return e.ip.String()
	case 'r':
		return cmp.Or(e.session.Receiver, "unknown")
	}
	now := e.session.Time // t
	if now.IsZero() {
		now = time.Now()
	}
	return strconv.FormatInt(now.Unix(), 10)
}

// dotted is %{i} (RFC 7208, 7.3). Names have no case; in explanations the test suite
// wants upper case.
func (e *evaluation) dotted() string {
	if e.ip.Is4() {
		return e.ip.String()
	}
	var b [63]byte
	for i, c := range e.ip.As16() {
		b[4*i], b[4*i+2] = upperHex[c>>4], upperHex[c&15]
		b[4*i+1] = '.'
		if i < 15 {
			b[4*i+3] = '.'
		}
	}
	return string(b[:])
}

// explain returns what the record of f says about a fail. Whatever goes wrong, it is
// as if it said nothing (RFC 7208, 6.2).
func (e *evaluation) explain(f *frame) string {
	exp := f.prog.exp
	if exp == nil || exp.local && e.mute {
		return ""
	}
	name, err := f.target(exp)
	if err != nil {
		return ""
	}
	a, err := e.resolve(dnsx.Q(name, dnsx.TypeTXT))
	if err != nil || a.RCode != dnsx.NoError || len(a.Records) != 1 {
		return ""
	}
	text, ok := parseExplanation(a.Records[0].Text())
	if !ok {
		return ""
	}
	return text.explanation(f)
}

// explanation expands the text, and refuses what may not stand in an SMTP reply: what
// a client gave as its name may hold line breaks.
func (m MacroString) explanation(v values) string {
	var room [MaxExplanation]byte
	b := room[:0]
	for i := range m.Parts {
		if p := &m.Parts[i]; p.Letter == 0 {
			b = append(b, p.Literal...)
		} else {
			b = p.append(b, v.value(p.Letter))
		}
		if len(b) > MaxExplanation {
			break
		}
	}
	b = b[:min(len(b), MaxExplanation)]
	for _, c := range b {
		if c < ' ' || c > '~' {
			return ""
		}
	}
	return string(b)
}
