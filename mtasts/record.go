package mtasts

import (
	"errors"
	"fmt"
	"strings"
)

const version = "v=STSv1"

// ErrNotMTASTS means that a text does not even mean to be an MTA-STS record.
var ErrNotMTASTS = errors.New("mtasts: not an MTA-STS record")

// Record is an MTA-STS record (RFC 8461, 3.1).
type Record struct {
	ID         string  // 1 to 32 letters and digits; another one tells senders to fetch the policy anew
	Extensions []Field // fields that RFC 8461 does not know; senders ignore them
}

// Field is one field of a record or of a policy.
type Field struct{ Name, Value string }

// SyntaxError says where a record or a policy departs from the grammar of
// RFC 8461, 3.1 or 3.2.
type SyntaxError struct {
	Offset int    // octets into the text
	Term   string // what stands there: a field of a record, a line of a policy; may be empty
	Reason string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("mtasts: octet %d, %q: %s", e.Offset, e.Term, e.Reason)
}

// String writes the record with one blank behind each semicolon.
func (r *Record) String() string {
	var b strings.Builder
	b.WriteString(version)
	if r.ID != "" {
		b.WriteString("; id=" + r.ID)
	}
	for _, f := range r.Extensions {
		b.WriteString("; " + f.Name + "=" + f.Value)
	}
	return b.String()
}

// Parse reads the text of one TXT record, its strings joined. It returns
// ErrNotMTASTS where the text does not start with the version in any spelling,
// and the record as far as it can be read with a *SyntaxError, the first one,
// where it breaks the grammar. Of a field that occurs twice the first counts,
// and that is no error (RFC 8461, 3.2).
//
// A blank between version and semicolon is grammatical. Beside other TXT records
// it costs the record all the same; see [Analyze].
func Parse(txt string) (*Record, error) {
	rec, faults := parse(txt)
	if rec == nil {
		return nil, ErrNotMTASTS
	}
	return rec, firstError(faults)
}

// fault is a SyntaxError that one rule speaks of.
type fault struct {
	*SyntaxError
	rule      string
	small     bool // few readers mind
	tolerated bool // readers have to accept it
}

// grave reports that readers stop at the fault.
func (f fault) grave() bool { return !f.small && !f.tolerated }

const (
	ruleSyntax       = "mtasts.record-syntax"
	ruleIDMissing    = "mtasts.id-missing"
	ruleIDInvalid    = "mtasts.id-invalid"
	ruleDuplicate    = "mtasts.duplicate-field"
	rulePolicySyntax = "mtasts.policy-syntax"
	ruleVersion      = "mtasts.version"
	ruleMode         = "mtasts.mode-invalid"
	ruleMaxAge       = "mtasts.max-age-invalid"
	ruleMXMissing    = "mtasts.mx-missing"
	ruleMXPattern    = "mtasts.mx-pattern"
)

// collector gathers faults while a text is read: the first for each rule. Of
// thousands in a hostile text nobody reads the rest.
type collector struct {
	faults []fault
	counts map[kind]int
}

type kind struct {
	rule  string
	grave bool
}

func (c *collector) add(f fault) {
	if c.counts == nil {
		c.counts = map[kind]int{}
	}
	k := kind{f.rule, f.grave()}
	if c.counts[k]++; c.counts[k] <= maxFindings {
		c.faults = append(c.faults, f)
	}
}

func (c *collector) fail(rule string, at int, term, reason string) {
	c.add(fault{SyntaxError: &SyntaxError{at, term, reason}, rule: rule})
}

func (c *collector) low(rule string, at int, term, reason string) {
	c.add(fault{SyntaxError: &SyntaxError{at, term, reason}, rule: rule, small: true})
}

func (c *collector) tolerate(rule string, at int, term, reason string) {
	c.add(fault{SyntaxError: &SyntaxError{at, term, reason}, rule: rule, tolerated: true})
}

func firstError(faults []fault) error {
	for _, f := range faults {
		if !f.tolerated {
			return f.SyntaxError
		}
	}
	return nil
}

// parse returns the faults, in the order of the text. The record is nil where
// the text means to be something else.
func parse(txt string) (*Record, []fault) {
	end, ok := findVersion(txt)
	if !ok {
		return nil, nil
	}
	p := &recordParser{txt: txt, seen: map[string]bool{}}
	if txt[:end] != version {
		p.fail(ruleSyntax, 0, txt[:end], "a record has to start with "+version+", to the letter")
	}
	p.fields(end)
	if !p.seen["id"] {
		p.fail(ruleIDMissing, len(txt), "", "there is no id=")
	}
	return &p.rec, p.faults
}

// findVersion returns the end of the version at the start of txt, however it is
// spelled: in any case, with blanks or quotes in front or between.
func findVersion(txt string) (end int, ok bool) {
	if strings.HasPrefix(txt, version+";") {
		return len(version), true
	}
	n := 0
	for i := 0; i < len(txt) && n < len(version); i++ {
		switch c := txt[i]; {
		case lower(c) == lower(version[n]):
			n++
			end = i + 1
		case isAlnum(c) || c == '=' || c == ';':
			return 0, false
		}
	}
	if n < len(version) || end < len(txt) && isDigit(txt[end]) { // v=STSv10 is another version
		return 0, false
	}
	return end, true
}

type recordParser struct {
	collector
	txt  string
	rec  Record
	seen map[string]bool // names of fields so far
}

// fields reads 1*(sts-field-delim sts-field) [sts-field-delim] from the octet
// behind the version.
func (p *recordParser) fields(at int) {
	rest := strings.TrimLeft(p.txt[at:], wsp)
	if rest == "" {
		return
	}
	if at = len(p.txt) - len(rest); rest[0] == ';' {
		at, rest = at+1, rest[1:]
	} else {
		p.fail(ruleSyntax, at, "", "a semicolon has to stand behind the version")
	}
	for more := true; more; {
		var piece string
		piece, rest, more = strings.Cut(rest, ";")
		start, term := trim(at, piece)
		switch {
		case term != "":
			p.field(start, term)
			if end := start + len(term); !more && end < len(p.txt) {
				p.fail(ruleSyntax, end, p.txt[end:], "a blank at the end")
			}
		case more:
			p.fail(ruleSyntax, start, "", "an empty field")
		}
		at += len(piece) + 1
	}
}

func (p *recordParser) field(at int, term string) {
	key, value, ok := strings.Cut(term, "=")
	name := strings.TrimRight(key, wsp)
	if ok && name == "id" && (name != key || value != strings.TrimLeft(value, wsp)) {
		p.fail(ruleSyntax, at, term, `no blank may stand beside the "="`) // and it hides nothing
		key, value = name, strings.TrimLeft(value, wsp)
	}
	switch {
	case !ok:
		p.fail(ruleSyntax, at, term, "not of the form name=value")
	case p.seen[key]:
		p.tolerate(ruleDuplicate, at, term, "the field stands before this already; only its first value counts")
	case key == "id":
		p.seen[key] = true
		p.id(at, term, value)
	case !isExtName(key):
		p.fail(ruleSyntax, at, term, `a field's name has 1 to 32 letters, digits, "_", "-" and ".", and starts with a letter or digit`)
	case !isExtValue(value):
		p.fail(ruleSyntax, at, term, `a field's value is printable ASCII without "=", and not empty`)
	default:
		p.seen[key] = true
		p.rec.Extensions = append(p.rec.Extensions, Field{key, value})
	}
}

func (p *recordParser) id(at int, term, id string) {
	p.rec.ID = id
	switch {
	case id == "":
		p.fail(ruleIDMissing, at, term, "id= is empty")
	case strings.IndexFunc(id, notAlnum) >= 0:
		p.fail(ruleIDInvalid, at, term, "an id has letters and digits only")
	case len(id) > maxID:
		p.fail(ruleIDInvalid, at, term, "an id has at most 32 octets")
	}
}

const (
	maxID = 32
	wsp   = " \t"
)

// trim cuts the blanks around a piece, and returns where the rest starts.
func trim(at int, piece string) (int, string) {
	right := strings.TrimLeft(piece, wsp)
	return at + len(piece) - len(right), strings.TrimRight(right, wsp)
}

func isExtName(s string) bool {
	if s == "" || len(s) > 32 || !isAlnum(s[0]) {
		return false
	}
	for _, c := range []byte(s) {
		if !isAlnum(c) && c != '_' && c != '-' && c != '.' {
			return false
		}
	}
	return true
}

func isExtValue(s string) bool {
	for _, c := range []byte(s) {
		if c <= ' ' || c >= 0x7f || c == '=' || c == ';' {
			return false
		}
	}
	return s != ""
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isAlnum(c byte) bool { c = lower(c); return isDigit(c) || 'a' <= c && c <= 'z' }

func notAlnum(r rune) bool { return r >= 0x80 || !isAlnum(byte(r)) }
