package spf

import (
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
)

const version = "v=spf1"

// IsRecord reports whether receivers take a text for an SPF record: it starts with
// "v=spf1", in any case, followed by a blank or nothing (RFC 7208, 4.5).
func IsRecord(txt string) bool { return isRecord(txt) }

func isRecord[T string | []byte](txt T) bool {
	if len(txt) < len(version) || len(txt) > len(version) && txt[len(version)] != ' ' {
		return false
	}
	for i := range len(version) {
		if c := txt[i]; c != version[i] && (!isAlpha(c) || c|0x20 != version[i]) {
			return false
		}
	}
	return true
}

// Parse reads the text of one TXT record, its strings joined with nothing between
// (RFC 7208, 3.3). It returns ErrNotSPF where IsRecord does not hold, and the
// record as far as it can be read with a *SyntaxError, the first of its faults,
// where the text breaks the grammar of section 12.
//
// What a receiver only finds out later is no fault of grammar: a name that does
// not exist, or a limit that is passed.
func Parse(txt string) (*Record, error) {
	if !IsRecord(txt) {
		return nil, ErrNotSPF
	}
	r := parse(txt)
	if len(r.Faults) > 0 {
		return r, r.Faults[0]
	}
	return r, nil
}

// parse reads a text of which IsRecord holds.
func parse(txt string) *Record {
	p := parser{}
	p.read(txt)
	rec := p.rec // without what else the parser holds
	return &rec
}

func (p *parser) read(txt string) {
	switch n := strings.Count(txt, " "); {
	case n == 0:
	case p.compiling:
		p.compiler.terms = n
	default:
		p.rec.Directives = make([]Directive, 0, min(n, 64))
	}
	for at := len(version); at < len(txt) && !p.broken(); {
		if txt[at] == ' ' {
			at++
			continue
		}
		end := strings.IndexByte(txt[at:], ' ')
		if end < 0 {
			end = len(txt) - at
		}
		p.token(at, txt[at:at+end])
		at += end
	}
	if len(p.rec.Directives) == 0 {
		p.rec.Directives = nil
	}
}

// maxFaults bounds what is kept of a text that is anything but a record.
const maxFaults = 100

type parser struct {
	rec  Record
	term term // the one that is being read

	compiling bool // the directives go into compiler, not into rec
	compiler  compiler

	placing bool // places are wanted of all terms; of redirect and exp they are always kept
	places  places
}

// place is where a term stands in the text of a record; zero where that is not known.
type place struct{ start, end int }

// places are those of the terms of a Record, in their order there.
type places struct {
	directives, modifiers []place
	redirect, exp         place
}

// broken reports that the rest does not matter: one fault is enough for an evaluation.
func (p *parser) broken() bool { return p.compiling && len(p.rec.Faults) > 0 }

func (p *parser) fail(f *SyntaxError) {
	if len(p.rec.Faults) < maxFaults {
		p.rec.Faults = append(p.rec.Faults, f)
	}
}

// token reads what stands between two blanks: one term, or several that were set
// apart by something else.
func (p *parser) token(at int, text string) {
	fault := p.term.parse(text)
	if fault == nil {
		p.add(&p.term, at, text)
		return
	}
	fault.in(text, at)
	pieces, sep := pieces(text)
	if sep == "" {
		p.fail(fault)
		return
	}
	p.fail(newFault(FaultSeparator, check.Textf("terms are separated by blanks alone, and here stands %s", check.Textf(sep))).in(text, at))
	if p.broken() {
		return
	}
	for i := range pieces {
		p.add(&pieces[i], at, text)
	}
}

// add puts a term into the record.
func (p *parser) add(t *term, at int, text string) {
	where := place{at, at + len(text)}
	again := func() {
		p.fail(newFault(FaultDuplicate, check.Textf("%s may stand in a record once", t.modifier.Name)).in(text, at))
	}
	switch {
	case t.modifier.Name == "" && p.compiling:
		p.compiler.add(&t.directive, where)
	case t.modifier.Name == "":
		p.rec.Directives = append(p.rec.Directives, t.directive)
		if p.placing {
			p.places.directives = append(p.places.directives, where)
		}
	case t.modifier.Name == nameRedirect:
		if !p.rec.Redirect.IsZero() {
			again()
			return
		}
		p.rec.Redirect = t.modifier.Value
		p.places.redirect = where
	case t.modifier.Name == nameExp:
		if !p.rec.Exp.IsZero() {
			again()
			return
		}
		p.rec.Exp = t.modifier.Value
		p.places.exp = where
	case !p.compiling:
		p.rec.Modifiers = append(p.rec.Modifiers, t.modifier)
		if p.placing {
			p.places.modifiers = append(p.places.modifiers, where)
		}
	}
}

// The modifiers that RFC 7208, 6 defines.
const (
	nameRedirect = "redirect"
	nameExp      = "exp"
)

// term is a directive, or where it has a name a modifier; that of redirect and exp
// is in lower case.
type term struct {
	directive Directive
	modifier  Modifier
}

// parseTerm reads one term (RFC 7208, 4.6.1). Of a fault it sets kind and reason.
func parseTerm(text string) (t term, fault *SyntaxError) {
	fault = t.parse(text)
	return t, fault
}

// parse is parseTerm into a term that may have been used before: records are long,
// and copies are what parsing them would cost most.
func (t *term) parse(text string) *SyntaxError {
	t.modifier = Modifier{}
	bad := func(reason check.Text) *SyntaxError { return newFault(FaultSyntax, reason) }
	qualifier, body := cutQualifier(text)
	n := nameLength(body)
	name, arg := body[:n], body[n:]
	switch {
	case n == 0 && body == "":
		return bad(check.Textf("a qualifier has to stand right before its mechanism, with no blank between"))
	case n == 0:
		if c := body[0]; notVisible(body[:1]) >= 0 {
			return bad(octetReason(c))
		}
		return bad(check.Textf("a term starts with the name of a mechanism or modifier"))
	case arg == "" || arg[0] == ':' || arg[0] == '/':
		return t.parseDirective(qualifier, name, arg)
	case arg[0] != '=':
		if notVisible(arg[:1]) >= 0 {
			return bad(octetReason(arg[0]))
		}
		return bad(check.Textf("%q may not stand in the name of a mechanism or modifier", arg[:1]))
	case len(body) != len(text):
		return bad(check.Textf("a modifier takes no qualifier"))
	}
	return t.parseModifier(name, arg[1:])
}

func cutQualifier(text string) (Result, string) {
	switch text[0] {
	case '+':
		return Pass, text[1:]
	case '-':
		return Fail, text[1:]
	case '~':
		return SoftFail, text[1:]
	case '?':
		return Neutral, text[1:]
	}
	return Pass, text
}

// nameLength is the length of the name at the start of s: a letter, then letters,
// digits, hyphens, underscores and dots.
func nameLength(s string) int {
	if s == "" || !isAlpha(s[0]) {
		return 0
	}
	for i := 1; i < len(s); i++ {
		if c := s[i]; !isAlpha(c) && !isDigit(c) && c != '-' && c != '_' && c != '.' {
			return i
		}
	}
	return len(s)
}

func (t *term) parseModifier(name, value string) *SyntaxError {
	var problem *macroProblem
	m := Modifier{Name: name}
	switch {
	case strings.EqualFold(name, nameRedirect):
		m.Name = nameRedirect
		m.Value, problem = parseDomain(value)
	case strings.EqualFold(name, nameExp):
		m.Name = nameExp
		m.Value, problem = parseDomain(value)
	default:
		m.Value, problem = parseMacros(value, true)
	}
	if problem != nil {
		return newFault(problem.kind, problem.reason)
	}
	t.modifier = m
	return nil
}

// parseDirective reads a mechanism of which arg is all that follows the name: it is
// empty, or starts with a colon or slash.
func (t *term) parseDirective(qualifier Result, name, arg string) *SyntaxError {
	d := &t.directive
	*d = Directive{Qualifier: qualifier, Mechanism: mechanismOf(name)}
	switch d.Mechanism {
	case All:
		if arg != "" {
			return newFault(FaultSyntax, check.Textf("all takes no argument"))
		}
	case IP4, IP6:
		return d.network(arg)
	case A, MX:
		return d.host(arg)
	case PTR:
		if arg != "" {
			return d.target(arg)
		}
	case Include, Exists:
		return d.target(arg)
	default:
		return newFault(FaultMechanism, unknownReason(name, arg))
	}
	return nil
}

func unknownReason(name, arg string) check.Text {
	for _, modifier := range []string{nameRedirect, nameExp} {
		if strings.EqualFold(name, modifier) {
			return check.Textf("%s is a modifier: write %s=%s", modifier, modifier, strings.TrimLeft(arg, ":/"))
		}
	}
	return check.Textf("there is no mechanism %q", clip(name))
}

// target reads ":" domain-spec.
func (d *Directive) target(arg string) *SyntaxError {
	if arg == "" || arg[0] != ':' {
		if arg == "" {
			return newFault(FaultSyntax, check.Textf("%s needs a colon and a domain name", d.Mechanism.String()))
		}
		return newFault(FaultSyntax, check.Textf("%s takes no prefix length", d.Mechanism.String()))
	}
	var problem *macroProblem
	if d.Domain, problem = parseDomain(arg[1:]); problem != nil {
		return newFault(problem.kind, problem.reason)
	}
	return nil
}

// host reads [ ":" domain-spec ] [ dual-cidr-length ]. A domain-spec cannot end in a
// slash and digits, so lengths are cut off the end.
func (d *Directive) host(arg string) *SyntaxError {
	d.Bits4, d.Bits6 = 32, 128
	rest, digits := cutDigits(arg)
	if cut, ok := strings.CutSuffix(rest, "//"); ok && digits != "" {
		if !number(digits, 128, &d.Bits6) {
			return badLength(digits, 128)
		}
		arg = cut
		rest, digits = cutDigits(arg)
	}
	if cut, ok := strings.CutSuffix(rest, "/"); ok && digits != "" {
		if !number(digits, 32, &d.Bits4) {
			return badLength(digits, 32)
		}
		arg = cut
	}
	switch {
	case arg == "":
		return nil
	case arg[0] == '/':
		return newFault(FaultIP, check.Textf("prefix lengths have the form /24, //64 or /24//64"))
	}
	fault := d.target(arg)
	if fault != nil && fault.Kind == FaultDomain && strings.IndexByte(arg[strings.LastIndexByte(arg, '.')+1:], '/') >= 0 {
		return newFault(FaultIP, check.Textf("prefix lengths have the form /24, //64 or /24//64"))
	}
	return fault
}

// otherSeparators are what people put between terms, as they stand in a reason.
var otherSeparators = []struct{ sep, name string }{
	{"\t", "a tab"},
	{"\r", "a line break"},
	{"\n", "a line break"},
	{"\u00a0", "a no-break space"},
	{",", "a comma"},
	{";", "a semicolon"},
}

// maxPieces bounds them: what has more nobody wrote by hand.
const maxPieces = 1000

// pieces splits a token that is no term at what may have been meant to separate
// terms. It returns nothing unless every piece is a term that RFC 7208 defines.
func pieces(text string) (terms []term, sep string) {
	for _, o := range otherSeparators {
		if strings.Contains(text, o.sep) {
			sep = o.name
			break
		}
	}
	if sep == "" {
		return nil, ""
	}
	for _, o := range otherSeparators {
		text = strings.ReplaceAll(text, o.sep, " ")
	}
	for piece := range strings.FieldsSeq(text) {
		t, ok := parseDefined(piece)
		if !ok || len(terms) == maxPieces {
			return nil, ""
		}
		terms = append(terms, t)
	}
	return terms, sep
}

// parseDefined reads a term that RFC 7208 defines and that has no fault.
func parseDefined(text string) (t term, ok bool) {
	t, fault := parseTerm(text)
	return t, fault == nil && (t.modifier.Name == "" || t.modifier.Name == nameRedirect || t.modifier.Name == nameExp)
}

// octetReason says what an octet that may not stand in a record is.
func octetReason(c byte) check.Text {
	switch {
	case c == '\t':
		return check.Textf("a tab may not stand in a record")
	case c >= 0x80:
		return check.Textf("a character that is not ASCII; names have to be written as A-labels (xn--…)")
	}
	return check.Textf("the control character %#02x may not stand in a record", c)
}
