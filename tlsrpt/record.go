package tlsrpt

import (
	"errors"
	"fmt"
	"strings"
)

const version = "v=TLSRPTv1"

// ErrNotTLSRPT means that a text does not even mean to be a TLS-RPT record.
var ErrNotTLSRPT = errors.New("tlsrpt: not a TLS-RPT record")

// Record is a TLS-RPT record (RFC 8460, 3).
type Record struct {
	RUA        []string // where reports go: mailto: and https: URIs, as published
	Extensions []Field  // fields that RFC 8460 does not know; senders ignore them
}

// Field is one name=value of a record.
type Field struct{ Name, Value string }

// SyntaxError says where a record departs from the grammar of RFC 8460, 3.
type SyntaxError struct {
	Offset int    // octets into the text
	Term   string // what stands there; may be empty
	Reason string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("tlsrpt: octet %d, %q: %s", e.Offset, e.Term, e.Reason)
}

// String writes the record with one blank behind each semicolon.
func (r *Record) String() string {
	var b strings.Builder
	b.WriteString(version)
	if len(r.RUA) > 0 {
		b.WriteString("; rua=" + strings.Join(r.RUA, ","))
	}
	for _, f := range r.Extensions {
		b.WriteString("; " + f.Name + "=" + f.Value)
	}
	return b.String()
}

// Parse reads the text of one TXT record, its strings joined. It returns
// ErrNotTLSRPT where the text does not start with the version in any spelling,
// and the record as far as it can be read with a *SyntaxError, the first one,
// where it breaks the grammar. Schemes that nobody delivers to are no fault of
// grammar.
//
// A blank between version and semicolon is grammatical. Beside other TXT records
// it costs the record all the same; see [Analyze].
func Parse(txt string) (*Record, error) {
	rec, faults := parse(txt)
	if rec == nil {
		return nil, ErrNotTLSRPT
	}
	if len(faults) > 0 {
		return rec, faults[0].SyntaxError
	}
	return rec, nil
}

// fault is a SyntaxError that one rule speaks of: tlsrpt.syntax, or the one
// about a missing rua or about a URI that it lists.
type fault struct {
	*SyntaxError
	rule string
}

const (
	ruleSyntax     = "tlsrpt.syntax"
	ruleRUAMissing = "tlsrpt.rua-missing"
	ruleRUAScheme  = "tlsrpt.rua-scheme"
	ruleUnencoded  = "tlsrpt.rua-unencoded"
)

// parse returns the faults, in the order of the text. The record is nil where
// the text means to be something else.
func parse(txt string) (*Record, []fault) {
	end, ok := findVersion(txt)
	if !ok {
		return nil, nil
	}
	p := &parser{txt: txt}
	if txt[:end] != version {
		p.fail(0, txt[:end], "a record has to start with "+version+", to the letter")
	}
	p.fields(end)
	if len(p.rec.RUA) == 0 && !p.sawRUA {
		p.fault(ruleRUAMissing, len(txt), "", "there is no rua=")
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
	if n < len(version) || end < len(txt) && isDigit(txt[end]) { // v=TLSRPTv10 is another version
		return 0, false
	}
	return end, true
}

type parser struct {
	txt    string
	rec    Record
	sawRUA bool // even an empty one
	faults []fault
	counts map[string]int // of faults, by rule
}

func (p *parser) fail(at int, term, reason string) { p.fault(ruleSyntax, at, term, reason) }

// fault notes the first faults for each rule; of thousands in a hostile record
// nobody reads the rest.
func (p *parser) fault(rule string, at int, term, reason string) {
	if p.counts == nil {
		p.counts = map[string]int{}
	}
	if p.counts[rule]++; p.counts[rule] > maxFindings {
		return
	}
	p.faults = append(p.faults, fault{&SyntaxError{Offset: at, Term: term, Reason: reason}, rule})
}

// fields reads 1*(field-delim tlsrpt-field) [field-delim] from the octet behind
// the version.
func (p *parser) fields(at int) {
	rest := strings.TrimLeft(p.txt[at:], wsp)
	if rest == "" {
		return
	}
	if at = len(p.txt) - len(rest); rest[0] == ';' {
		at, rest = at+1, rest[1:]
	} else {
		p.fail(at, "", "a semicolon has to stand behind the version")
	}
	for more := true; more; {
		var piece string
		piece, rest, more = strings.Cut(rest, ";")
		start, term := trim(at, piece)
		switch {
		case term != "":
			p.field(start, term)
			if end := start + len(term); !more && end < len(p.txt) {
				p.fail(end, p.txt[end:], "a blank at the end")
			}
		case more:
			p.fail(start, "", "an empty field")
		}
		at += len(piece) + 1
	}
}

func (p *parser) field(at int, term string) {
	name, value, ok := strings.Cut(term, "=")
	switch {
	case ok && strings.TrimRight(name, wsp) == "rua":
		p.rua(at, term, value)
	case isReportURI(term): // whatever the "=" in it
		p.fail(at, term, "a URI where a field has to stand; URIs are separated by commas")
		p.uris(at, term)
	case !ok:
		p.fail(at, term, "not of the form name=value")
	case !isExtName(name):
		p.fail(at, term, `a field's name has 1 to 32 letters, digits, "_", "-" and ".", and starts with a letter or digit`)
	case !isExtValue(value):
		p.fail(at, term, `a field's value is printable ASCII without "=", and not empty`)
	default:
		p.rec.Extensions = append(p.rec.Extensions, Field{name, value})
	}
}

// rua reads the list of URIs. Blanks around the "=" and a second list are faults
// that hide nothing, so their URIs count.
func (p *parser) rua(at int, term, value string) {
	if p.sawRUA {
		p.fail(at, term, "a second rua=; senders differ in which one they use")
	}
	p.sawRUA = true
	if !strings.HasPrefix(term, "rua=") || value != strings.TrimLeft(value, wsp) {
		p.fail(at, term, `no blank may stand beside the "="`)
	}
	if strings.Trim(value, wsp) == "" {
		p.fault(ruleRUAMissing, at, term, "rua= is empty")
		return
	}
	p.uris(at+len(term)-len(value), value)
}

// uris reads tlsrpt-uri *(*WSP "," *WSP tlsrpt-uri).
func (p *parser) uris(at int, list string) {
	for more := true; more; {
		var piece string
		piece, list, more = strings.Cut(list, ",")
		p.uri(trim(at, piece))
		at += len(piece) + 1
	}
}

func (p *parser) uri(at int, uri string) {
	if uri == "" {
		p.fail(at, uri, "an empty URI")
		return
	}
	previous := ""
	if n := len(p.rec.RUA); n > 0 {
		previous = p.rec.RUA[n-1]
	}
	p.rec.RUA = append(p.rec.RUA, uri)
	if bad := badOctet(uri); bad >= 0 {
		p.fail(at+bad, uri, "an octet that no URI may have here (RFC 3986, 2)")
	}
	if strings.Contains(uri, "!") {
		p.fault(ruleUnencoded, at, uri, "an exclamation mark has to be written as %21")
	}
	scheme, rest := splitScheme(uri)
	switch {
	case scheme == "" && continues(previous, uri):
		if n := len(p.faults); n > 0 && p.faults[n-1].Reason == noAddress { // it is here
			p.faults = p.faults[:n-1]
		}
		p.fault(ruleUnencoded, at, uri, "the comma in front of this belongs to the URI and has to be written as %2C")
	case scheme == "":
		p.fault(ruleRUAScheme, at, uri, "no URI: it has no scheme")
	case scheme == "mailto" && !isMailbox(rest):
		p.fail(at, uri, noAddress)
	case scheme == "https" && !hasHost(rest):
		p.fail(at, uri, "an https: URI without a host")
	}
}

const noAddress = "a mailto: URI without an address"

// continues reports whether a piece without a scheme can only be what an
// unencoded comma cut off the URI before it.
func continues(previous, piece string) bool {
	switch scheme, rest := splitScheme(previous); scheme {
	case "mailto":
		return !strings.Contains(rest, "@")
	case "https":
		return !strings.Contains(piece, "@")
	}
	return false
}

const wsp = " \t"

// trim cuts the blanks around a piece, and returns where the rest starts.
func trim(at int, piece string) (int, string) {
	right := strings.TrimLeft(piece, wsp)
	return at + len(piece) - len(right), strings.TrimRight(right, wsp)
}

// splitScheme cuts a URI behind its scheme, which is returned in lower case
// (RFC 3986, 3.1); the scheme is "" where there is none.
func splitScheme(uri string) (scheme, rest string) {
	scheme, rest, ok := strings.Cut(uri, ":")
	if !ok || scheme == "" || isDigit(scheme[0]) {
		return "", uri
	}
	for _, c := range []byte(scheme) {
		if !isAlnum(c) && strings.IndexByte("+-.", c) < 0 {
			return "", uri
		}
	}
	return strings.ToLower(scheme), rest
}

func isReportURI(s string) bool {
	scheme, _ := splitScheme(s)
	return scheme == "mailto" || scheme == "https"
}

func isMailbox(s string) bool {
	s, _, _ = strings.Cut(s, "?")
	local, domain, ok := strings.Cut(s, "@")
	return ok && local != "" && domain != ""
}

func hasHost(rest string) bool {
	authority, ok := strings.CutPrefix(rest, "//")
	return ok && authority != "" && strings.IndexByte("/?#:", authority[0]) < 0
}

// badOctet returns the offset of the first octet that RFC 3986 keeps out of every
// URI, or of a "%" without two hexadecimal digits; -1 if there is none.
func badOctet(uri string) int {
	for i := range len(uri) {
		switch c := uri[i]; {
		case c <= ' ', c >= 0x7f, strings.IndexByte("\"<>\\^`{|}", c) >= 0:
			return i
		case c == '%' && (i+2 >= len(uri) || !isHex(uri[i+1]) || !isHex(uri[i+2])):
			return i
		}
	}
	return -1
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

func isHex(c byte) bool { c = lower(c); return isDigit(c) || 'a' <= c && c <= 'f' }

func isAlnum(c byte) bool { c = lower(c); return isDigit(c) || 'a' <= c && c <= 'z' }
