package spf

import (
	"slices"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
)

// MacroString is a text that may hold macros (RFC 7208, 7).
type MacroString struct {
	Raw   string  // as published
	Parts []Macro // in their order; nil where there is no percent sign, and Raw stands for itself
}

// Macro is one part of a MacroString: a literal, or a macro to be expanded.
type Macro struct {
	Literal string // where Letter is 0; %%, %_ and %- stand here as what they mean
	Letter  byte   // s l o d i p v h, in explanations also c r t: lower case
	Escape  bool   // the letter was upper case: the value is to be URL-escaped
	Reverse bool   // r
	Keep    int    // how many right-hand parts; 0 means all of them
	Delims  string // where the value is split; "." if none is named
}

// IsZero reports whether there is nothing.
func (m MacroString) IsZero() bool { return m.Raw == "" }

// String returns the text as published.
func (m MacroString) String() string { return m.Raw }

// has reports whether a macro of the letter is in the text.
func (m MacroString) has(letter byte) bool {
	return slices.ContainsFunc(m.Parts, func(p Macro) bool { return p.Letter == letter })
}

// static reports whether the text is the same for every message to be checked
// against one domain: %{d} is the only letter in it.
func (m MacroString) static() bool {
	return !slices.ContainsFunc(m.Parts, func(p Macro) bool { return p.Letter != 0 && p.Letter != 'd' })
}

// macroProblem is what is wrong with a macro-string.
type macroProblem struct {
	kind   Fault
	reason check.Text
}

// parseMacros reads a macro-string (RFC 7208, 7.1). Where expOnly is false, the
// letters c, r and t are a fault: section 7.2 allows them in the text of an
// explanation only, which the grammar does not say and the test suite demands.
func parseMacros(s string, expOnly bool) (MacroString, *macroProblem) {
	m := MacroString{Raw: s}
	if at := notVisible(s); at >= 0 {
		return m, &macroProblem{FaultSyntax, octetReason(s[at])}
	}
	if strings.IndexByte(s, '%') < 0 {
		return m, nil
	}
	problem := m.parse(s, expOnly)
	return m, problem
}

// parse reads s into m.Parts, as far as it can be read.
func (m *MacroString) parse(s string, expOnly bool) *macroProblem {
	m.Parts = make([]Macro, 0, min(2*strings.Count(s, "%")+1, 16))
	for len(s) > 0 {
		i := strings.IndexByte(s, '%')
		if i < 0 {
			i = len(s)
		}
		if i > 0 {
			m.Parts = append(m.Parts, Macro{Literal: s[:i]})
			s = s[i:]
			continue
		}
		part, size, problem := parseMacro(s, expOnly)
		if problem != nil {
			return problem
		}
		m.Parts = append(m.Parts, part)
		s = s[size:]
	}
	return nil
}

// parseExplanation reads the text that exp leads to, in which blanks may stand
// (RFC 7208, 7.1: explain-string).
func parseExplanation(s string) (m MacroString, ok bool) {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' {
			return MacroString{}, false
		}
	}
	m.Raw = s
	return m, s != "" && m.parse(s, true) == nil
}

// parseMacro reads the macro-expand at the start of s, which is a percent sign.
func parseMacro(s string, expOnly bool) (m Macro, size int, problem *macroProblem) {
	bad := func(reason check.Text) (Macro, int, *macroProblem) {
		return Macro{}, 0, &macroProblem{FaultMacro, reason}
	}
	if len(s) < 2 {
		return bad(check.Textf("a percent sign alone is no macro; write %% for the sign itself"))
	}
	switch s[1] {
	case '%':
		return Macro{Literal: "%"}, 2, nil
	case '_':
		return Macro{Literal: " "}, 2, nil
	case '-':
		return Macro{Literal: "%20"}, 2, nil
	case '{':
	default:
		return bad(check.Textf("a percent sign has to be followed by {, %, _ or -"))
	}
	end := strings.IndexByte(s, '}')
	if end < 3 {
		return bad(check.Textf("a macro has the form %{letter}"))
	}
	letter, rest := s[2], s[3:end]
	m = Macro{Letter: letter | 0x20, Escape: letter < 'a', Delims: "."}
	switch {
	case !isAlpha(letter) || strings.IndexByte("slodiphcrtv", m.Letter) < 0:
		return bad(check.Textf("there is no macro letter %s", s[2:3]))
	case strings.IndexByte("crt", m.Letter) >= 0 && !expOnly:
		return Macro{}, 0, &macroProblem{FaultMacroLetter, check.Textf("the macro letters c, r and t may stand in the text of an explanation only")}
	}
	digits := 0
	for digits < len(rest) && isDigit(rest[digits]) {
		m.Keep = min(10*m.Keep+int(rest[digits]-'0'), 1000) // no name has more labels
		digits++
	}
	if digits > 0 && m.Keep == 0 {
		return bad(check.Textf("the number of parts may not be 0"))
	}
	rest = rest[digits:]
	if rest != "" && rest[0]|0x20 == 'r' {
		m.Reverse = true
		rest = rest[1:]
	}
	if rest != "" {
		if strings.Trim(rest, ".-+,/_=") != "" {
			return bad(check.Textf("behind a macro letter may stand digits, r and the delimiters . - + , / _ ="))
		}
		m.Delims = rest
	}
	return m, end + 1, nil
}

// parseDomain reads a domain-spec: a macro-string that ends in a macro, or in a
// dot and a top label, behind which one more dot may stand (RFC 7208, 7.1).
func parseDomain(s string) (MacroString, *macroProblem) {
	bad := func(m MacroString, reason check.Text) (MacroString, *macroProblem) {
		return m, &macroProblem{FaultDomain, reason}
	}
	if s == "" {
		return bad(MacroString{}, check.Textf("there is no domain name behind the sign"))
	}
	m, problem := parseMacros(s, false)
	if problem != nil {
		return m, problem
	}
	tail := s
	if n := len(m.Parts); n > 0 {
		if s[len(s)-1] == '}' && m.Parts[n-1].Letter != 0 || endsInSign(s, m.Parts) {
			return m, nil
		}
		tail = m.Parts[n-1].Literal
	}
	tail = strings.TrimSuffix(tail, ".")
	dot := strings.LastIndexByte(tail, '.')
	if dot < 0 {
		return bad(m, check.Textf("a domain name has at least two labels"))
	}
	if top := tail[dot+1:]; !isTopLabel(top) {
		return bad(m, check.Textf("the name does not end in a top-level domain: letters, digits and hyphens, and not digits alone"))
	}
	return m, nil
}

// endsInSign reports whether s ends in %%, %_ or %-, the macros that parse to a
// literal.
func endsInSign(s string, parts []Macro) bool {
	last := parts[len(parts)-1]
	return last.Letter == 0 && len(s) >= 2 && s[len(s)-2] == '%' && (last.Literal == "%" || last.Literal == " " || last.Literal == "%20")
}

// isTopLabel is the toplabel of RFC 7208, 7.1.
func isTopLabel(s string) bool {
	if s == "" || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	digits := true
	for _, c := range []byte(s) {
		if !isAlpha(c) && !isDigit(c) && c != '-' {
			return false
		}
		digits = digits && isDigit(c)
	}
	return !digits
}

func isAlpha(c byte) bool { c |= 0x20; return 'a' <= c && c <= 'z' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// notVisible returns the offset of the first octet that is no visible ASCII, or -1.
func notVisible(s string) int {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f {
			return i
		}
	}
	return -1
}
