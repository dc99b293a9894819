package spf

import (
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
)

// mark notes in the evidence of a finding which term of the record it is about: the last
// that one of the detail's arguments names, or else its own words, such as ~all.
func (n *Node) mark(f *check.Finding) {
	if len(n.Texts) != 1 || len(f.Evidence) != 1 {
		return
	}
	var names []string
	for _, arg := range f.Detail.Args {
		if s, ok := arg.(string); ok && s != "" {
			names = append(names, s)
		}
	}
	for word := range strings.FieldsSeq(f.Detail.Format) {
		if _, body := cutQualifier(word); body != word { // ~all, and no English
			names = append(names, word)
		}
	}
	for _, name := range names {
		if strings.IndexByte(name, ' ') >= 0 {
			continue // no term has one
		}
		if start, end := placeOf(n.Texts[0], name); end > 0 {
			f.Evidence[0].Start, f.Evidence[0].End = start, end
			return
		}
	}
}

// directivePlace is the place of a directive of a record without faults in its text.
func directivePlace(text string, i int) (start, end int) {
	for at := len(version); at < len(text); {
		if text[at] == ' ' {
			at++
			continue
		}
		n := strings.IndexByte(text[at:], ' ')
		if n < 0 {
			n = len(text) - at
		}
		if t, fault := parseTerm(text[at : at+n]); fault == nil && t.modifier.Name == "" {
			if i--; i < 0 {
				return at, at + n
			}
		}
		at += n
	}
	return 0, 0
}

// markDirectives notes in the evidence of a finding the directives from one to another.
func (n *Node) markDirectives(f *check.Finding, from, to int) {
	if len(n.Texts) != 1 || len(f.Evidence) != 1 || !n.Valid() {
		return
	}
	start, _ := directivePlace(n.Texts[0], from)
	if _, end := directivePlace(n.Texts[0], to); end > start {
		f.Evidence[0].Start, f.Evidence[0].End = start, end
	}
}

// placeOf finds the last term of a text that goes by a name: as published or as String
// writes it, or the domain in it, or the name of a modifier.
func placeOf(text, name string) (start, end int) {
	for at := len(version); at < len(text); {
		if text[at] == ' ' {
			at++
			continue
		}
		n := strings.IndexByte(text[at:], ' ')
		if n < 0 {
			n = len(text) - at
		}
		if goesBy(text[at:at+n], name) {
			start, end = at, at+n
		}
		at += n
	}
	return start, end
}

func goesBy(term, name string) bool {
	if strings.EqualFold(term, name) || clip(term) == name {
		return true
	}
	if i := strings.IndexAny(term, ":="); i >= 0 && (strings.EqualFold(term[i+1:], name) || term[i] == '=' && strings.EqualFold(term[:i], name)) {
		return true
	}
	_, a := cutQualifier(term)
	_, b := cutQualifier(name)
	if a == "" || b == "" || a[0]|0x20 != b[0]|0x20 { // not the same mechanism
		return false
	}
	t, fault := parseTerm(term)
	return fault == nil && t.directive.Mechanism != 0 && t.modifier.Name == "" && clip(t.directive.String()) == clip(name)
}
