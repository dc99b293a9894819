package spf

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
)

// ErrNotSPF means that a text is no SPF record: it does not start with "v=spf1"
// followed by a blank or nothing (RFC 7208, 4.5).
var ErrNotSPF = errors.New("spf: not an SPF record")

// Result is what an evaluation comes to (RFC 7208, 2.6), in the words of RFC 8601.
type Result string

// The results. A directive's qualifier is one of the first four.
const (
	Pass      Result = "pass"
	Fail      Result = "fail"
	SoftFail  Result = "softfail"
	Neutral   Result = "neutral"
	None      Result = "none"
	TempError Result = "temperror"
	PermError Result = "permerror"
)

// Mechanism is what a directive tests for (RFC 7208, 5).
type Mechanism uint8

// The mechanisms, there are no others.
const (
	All Mechanism = iota + 1
	Include
	A
	MX
	PTR
	IP4
	IP6
	Exists
)

var mechanismNames = [...]string{All: "all", Include: "include", A: "a", MX: "mx", PTR: "ptr", IP4: "ip4", IP6: "ip6", Exists: "exists"}

// String is the mechanism's name in a record.
func (m Mechanism) String() string {
	if int(m) < len(mechanismNames) {
		return mechanismNames[m]
	}
	return fmt.Sprintf("mechanism(%d)", uint8(m))
}

func mechanismOf(name string) Mechanism {
	m := Mechanism(0)
	switch len(name) {
	case 1:
		m = A
	case 2:
		m = MX
	case 3:
		switch name[0] | 0x20 {
		case 'a':
			m = All
		case 'p':
			m = PTR
		case 'i':
			m = IP4
			if name[2] == '6' {
				m = IP6
			}
		}
	case 6:
		m = Exists
	case 7:
		m = Include
	}
	if m != 0 && strings.EqualFold(name, mechanismNames[m]) {
		return m
	}
	return 0
}

// Record is an SPF record (RFC 7208, 4.6.1).
type Record struct {
	Directives []Directive
	Redirect   MacroString // redirect; zero where absent
	Exp        MacroString // exp; zero where absent
	Modifiers  []Modifier  // those that RFC 7208 does not define, in their order; they are ignored

	// Faults are the places where the text breaks the grammar, in its order; a
	// term has at most one. Any fault voids the whole record (RFC 7208, 4.6). Terms
	// that have one are not in the record, except that those that were set apart by
	// something else than a blank are.
	Faults []*SyntaxError
}

// Directive is a mechanism and what its match means (RFC 7208, 4.6.2).
type Directive struct {
	Qualifier Result // Pass, Fail, SoftFail or Neutral
	Mechanism Mechanism
	Bits4     uint8        // of A and MX: IPv4 prefix length; 32 where absent
	Bits6     uint8        // of A and MX: IPv6 prefix length; 128 where absent
	Prefix    netip.Prefix // of IP4 and IP6; as published, bits behind its length may be set
	Domain    MacroString  // of Include, A, MX, PTR and Exists; zero where the domain itself is meant
}

// Modifier is one name=value of a record (RFC 7208, 6).
type Modifier struct {
	Name  string
	Value MacroString
}

// All returns the place of the first all in r.Directives, which is the last
// directive that is evaluated (RFC 7208, 5.1); -1 where there is none.
func (r *Record) All() int {
	for i := range r.Directives {
		if r.Directives[i].Mechanism == All {
			return i
		}
	}
	return -1
}

// live returns the directives that can be reached, an all being the last.
func (r *Record) live() []Directive {
	if i := r.All(); i >= 0 {
		return r.Directives[:i+1]
	}
	return r.Directives
}

// String writes the record in lower case as far as that means the same, with
// modifiers behind all directives and without what is the default.
func (r *Record) String() string {
	b := make([]byte, 0, 256)
	b = append(b, version...)
	for i := range r.Directives {
		b = r.Directives[i].append(append(b, ' '))
	}
	put := func(name string, value MacroString) {
		b = append(append(append(append(b, ' '), name...), '='), value.Raw...)
	}
	if !r.Redirect.IsZero() {
		put("redirect", r.Redirect)
	}
	if !r.Exp.IsZero() {
		put("exp", r.Exp)
	}
	for _, m := range r.Modifiers {
		put(m.Name, m.Value)
	}
	return string(b)
}

// String writes the directive as it stands in a record, without what is the default.
func (d Directive) String() string {
	var room [80]byte // most are shorter, and a record of 20 is written several times
	return string(d.append(room[:0]))
}

func (d *Directive) append(b []byte) []byte {
	switch d.Qualifier {
	case Fail:
		b = append(b, '-')
	case SoftFail:
		b = append(b, '~')
	case Neutral:
		b = append(b, '?')
	}
	b = append(b, d.Mechanism.String()...)
	switch d.Mechanism {
	case IP4, IP6:
		b = d.Prefix.Addr().AppendTo(append(b, ':'))
		if d.Prefix.Bits() != d.Prefix.Addr().BitLen() {
			b = strconv.AppendInt(append(b, '/'), int64(d.Prefix.Bits()), 10)
		}
		return b
	}
	if !d.Domain.IsZero() {
		b = append(append(b, ':'), d.Domain.Raw...)
	}
	if d.Mechanism == A || d.Mechanism == MX {
		if d.Bits4 != 32 {
			b = strconv.AppendUint(append(b, '/'), uint64(d.Bits4), 10)
		}
		if d.Bits6 != 128 {
			b = strconv.AppendUint(append(b, "//"...), uint64(d.Bits6), 10)
		}
	}
	return b
}

// Fault is a kind of SyntaxError.
type Fault string

// Each kind has a rule of its own; the first is for the rest.
const (
	FaultSyntax      Fault = "syntax"             // not of the form of a term, or an argument too many or too few
	FaultSeparator   Fault = "separator"          // something else than a blank between two terms
	FaultMechanism   Fault = "unknown-mechanism"  // a mechanism that does not exist
	FaultIP          Fault = "ip"                 // no address, or no prefix length
	FaultMacro       Fault = "macro"              // a percent sign that starts no macro
	FaultMacroLetter Fault = "macro-letter"       // a letter that only the text of an explanation may have
	FaultDomain      Fault = "domain-spec"        // no name with at least two labels, of which the last is no number
	FaultDuplicate   Fault = "duplicate-modifier" // redirect or exp for the second time
)

// SyntaxError says where a record departs from the grammar of RFC 7208, 12.
type SyntaxError struct {
	Kind   Fault
	Offset int    // octets into the text, of the term
	Term   string // the whole term
	Reason string

	text check.Text // Reason, where Parse made it
}

// newFault is one of a term whose place is set later.
func newFault(kind Fault, reason check.Text) *SyntaxError {
	return &SyntaxError{Kind: kind, Reason: reason.String(), text: reason}
}

// in sets the place.
func (e *SyntaxError) in(term string, offset int) *SyntaxError {
	e.Term, e.Offset = term, offset
	return e
}

// Text is Reason, to be worded in another language.
func (e *SyntaxError) Text() check.Text {
	if e.text.IsZero() {
		return check.Textf("%s", e.Reason)
	}
	return e.text
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("spf: octet %d, %q: %s", e.Offset, clip(e.Term), e.Reason)
}

func clip(s string) string {
	const most = 60
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
