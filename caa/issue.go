package caa

import (
	"net/url"
	"strings"
)

// Issue is the value of a property that names a CA: issue and issuewild (RFC 8659,
// 4.2 and 4.3), issuemail (RFC 9495, 3) and issuevmc.
type Issue struct {
	Issuer string  // the CA's domain name, in lower case; "" for nobody
	Params []Param // what the CA makes of them is its own affair, but for those of RFC 8657
}

// Param is one tag=value of an Issue.
type Param struct{ Tag, Value string }

// Parameters of RFC 8657. Other CAs than those that say so may ignore them.
const (
	accountURI        = "accounturi"
	validationMethods = "validationmethods"
)

// ParseIssue reads the value of a property that names a CA. What could be read comes
// back with a *SyntaxError, the first one, where it breaks the grammar; CAs then
// have to act as if nobody were named, whatever Issuer holds (RFC 8659, 4.2).
//
// "" and ";" are well-formed and name nobody. A semicolon behind the last parameter
// is malformed, one behind the CA's name alone is not.
func ParseIssue(value string) (*Issue, error) {
	p := &issueParser{}
	head, rest, more := strings.Cut(value, ";")
	at, name := trim(0, head)
	p.issue.Issuer = lower(name)
	if name != "" {
		p.domain(at, name)
	}
	if at = len(head) + 1; strings.Trim(rest, wsp) == "" {
		more = false
	}
	for more {
		var piece string
		piece, rest, more = strings.Cut(rest, ";")
		p.param(trim(at, piece))
		at += len(piece) + 1
	}
	if p.err != nil {
		return &p.issue, p.err
	}
	return &p.issue, nil
}

// String writes the value with one blank behind each semicolon; ";" for nobody.
func (i *Issue) String() string {
	if i.Issuer == "" && len(i.Params) == 0 {
		return ";"
	}
	var b strings.Builder
	b.WriteString(i.Issuer)
	for _, p := range i.Params {
		b.WriteString("; " + p.Tag + "=" + p.Value)
	}
	return b.String()
}

// Values returns the values of the parameters with a tag. The case of the tag is
// ignored, as a reader would; no standard says, and not every CA does.
func (i *Issue) Values(tag string) []string {
	var values []string
	for _, p := range i.Params {
		if strings.EqualFold(p.Tag, tag) {
			values = append(values, p.Value)
		}
	}
	return values
}

type issueParser struct {
	issue Issue
	err   *SyntaxError // the first
}

func (p *issueParser) fail(at int, term, reason string) {
	if p.err == nil {
		p.err = &SyntaxError{Offset: at, Term: term, Reason: reason}
	}
}

// domain reads label *("." label).
func (p *issueParser) domain(at int, name string) {
	if bare, dot := strings.CutSuffix(name, "."); dot && isDomain(bare) {
		p.fail(at+len(bare), ".", "no dot may stand at the end of the CA's name")
		return
	}
	if !isDomain(name) {
		p.fail(at, name, "not the domain name of a CA")
	}
}

// param reads tag *WSP "=" *WSP value.
func (p *issueParser) param(at int, term string) {
	if term == "" {
		p.fail(at, "", "a parameter has to stand behind the semicolon")
		return
	}
	tag, value, ok := strings.Cut(term, "=")
	tag, value = strings.TrimRight(tag, wsp), strings.TrimLeft(value, wsp)
	switch bad := badOctet(value); {
	case !ok:
		p.fail(at, term, "not of the form tag=value")
	case !isLabel(tag):
		p.fail(at, tag, "a parameter's tag has letters, digits and, inside, hyphens")
	case bad >= 0:
		p.fail(at+len(term)-len(value)+bad, value[bad:], "a parameter's value has neither blanks nor anything that is not printable ASCII")
	default:
		p.issue.Params = append(p.issue.Params, Param{tag, value})
	}
}

func isDomain(name string) bool {
	for label := range strings.SplitSeq(name, ".") {
		if !isLabel(label) {
			return false
		}
	}
	return true
}

// isLabel matches (ALPHA / DIGIT) *( *("-") (ALPHA / DIGIT)).
func isLabel(s string) bool {
	return s != "" && strings.Trim(lower(s), letdig+"-") == "" && s[0] != '-' && s[len(s)-1] != '-'
}

func isMethods(list string) bool {
	for label := range strings.SplitSeq(list, ",") {
		if label == "" || strings.Trim(lower(label), letdig+"-") != "" {
			return false
		}
	}
	return true
}

func isURI(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme != "" && (u.Host != "" || u.Opaque != "" || u.Path != "")
}

// badOctet returns the offset of the first octet that no parameter's value may have, -1 if none.
func badOctet(s string) int {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f {
			return i
		}
	}
	return -1
}

const (
	wsp    = " \t"
	letdig = "abcdefghijklmnopqrstuvwxyz0123456789"
)

// lower is strings.ToLower for ASCII alone; all other octets stay as they are.
func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] += 'a' - 'A'
		}
	}
	return string(b)
}

// trim cuts the blanks around a piece, and returns where the rest starts.
func trim(at int, piece string) (int, string) {
	right := strings.TrimLeft(piece, wsp)
	return at + len(piece) - len(right), strings.TrimRight(right, wsp)
}
