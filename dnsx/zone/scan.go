package zone

import (
	"errors"
	"strings"
)

// maxString is what a character-string holds (RFC 1035, 3.3), in octets.
const maxString = 255

// entry is one logical line of a master file: up to the first end of line outside
// of parentheses (RFC 1035, 5.1).
type entry struct {
	line int    // of its first character
	text string // with comments and the newline
	long bool   // a string in it has over 255 octets
}

// scanner cuts a master file into entries. Its text ends in a newline.
type scanner struct {
	text string
	line int // where text begins, from 1
}

// next returns the next entry, and false after the last one. With an error the
// entry says the line.
func (s *scanner) next() (e entry, ok bool, err error) {
	e.line = s.line
	quoted, comment := false, false
	open, opened := 0, 0 // parentheses, and the line of the outermost
	octets := 0          // of the string at hand
	for i := 0; i < len(s.text); i++ {
		c := s.text[i]
		switch {
		case c == '\n' && quoted:
			return entry{line: s.line}, false, errors.New("a quote that does not end on its line")
		case c == '\n':
			s.line++
			comment, octets = false, 0
			if open == 0 {
				e.text, s.text = s.text[:i+1], s.text[i+1:]
				return e, true, nil
			}
		case comment:
		case c == '"':
			quoted, octets = !quoted, 0
		case c == '\\':
			octets++
			i += escaped(s.text[i:])
		case quoted:
			octets++
		case c == ';':
			comment = true
		case c == '(':
			if open++; open == 1 {
				opened = s.line
			}
			octets = 0
		case c == ')':
			if open--; open < 0 {
				return entry{line: s.line}, false, errors.New("a closing parenthesis without an opening one")
			}
			octets = 0
		case space(c):
			octets = 0
		default:
			octets++
		}
		e.long = e.long || octets > maxString
	}
	if open > 0 {
		return entry{line: opened}, false, errors.New("a parenthesis that is never closed")
	}
	return e, false, nil
}

// escaped is the number of octets that belong to the backslash before them.
func escaped(s string) int {
	digit := func(c byte) bool { return '0' <= c && c <= '9' }
	switch {
	case len(s) < 2 || s[1] == '\n':
		return 0
	case len(s) > 3 && digit(s[1]) && digit(s[2]) && digit(s[3]):
		return 3
	}
	return 1
}

func space(c byte) bool { return c == ' ' || c == '\t' || c == '\r' }

// blank reports whether there is nothing but a comment.
func (e entry) blank() bool {
	s := strings.TrimLeft(e.text, " \t\r\n")
	return s == "" || s[0] == ';'
}

// words returns the first words of the entry, without quotes, comments and
// parentheses, and where the last one ends.
func (e entry) words(most int) (words []string, end int) {
	for i := 0; i < len(e.text) && len(words) < most; {
		c := e.text[i]
		if space(c) || c == '\n' || c == '(' || c == ')' {
			i++
			continue
		}
		if c == ';' {
			i += strings.IndexByte(e.text[i:], '\n')
			continue
		}
		stop := " \t\r\n;()\""
		if c == '"' {
			stop = "\""
			i++
		}
		start := i
		for ; strings.IndexByte(stop, e.text[i]) < 0; i++ {
			if e.text[i] == '\\' {
				i += escaped(e.text[i:])
			}
		}
		words = append(words, e.text[start:i])
		if c == '"' {
			i++
		}
		end = i
	}
	return words, end
}
