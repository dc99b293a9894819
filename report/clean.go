package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// Clean makes a text safe for a terminal and for a log line: control characters
// (C0, C1, DEL), the marks that turn the direction of writing or have no width,
// line separators and octets that are no UTF-8 become \xNN, one for each octet.
func Clean(s string) string {
	if harmless(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 || hidden(r) {
			for _, octet := range []byte(s[i : i+size]) {
				fmt.Fprintf(&b, `\x%02x`, octet)
			}
		} else {
			b.WriteString(s[i : i+size])
		}
		i += size
	}
	return b.String()
}

func harmless(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

// hidden: Cc has the controls; Cf the bidirectional marks, zero-width joiners,
// soft hyphen, byte order mark and tags; Zl and Zp end a line for some readers;
// the fillers and the variation selectors draw nothing.
func hidden(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co, unicode.Cs, unicode.Variation_Selector) ||
		r == 0x034f || r == 0x115f || r == 0x1160 || r == 0x17b4 || r == 0x17b5 || r == 0x3164 || r == 0xffa0
}

// columns is the number of terminal columns that a text takes.
func columns(s string) int {
	n := 0
	for _, r := range s {
		n += runeColumns(r)
	}
	return n
}

func runeColumns(r rune) int {
	if r < 0x300 {
		return 1
	}
	if unicode.In(r, unicode.Mn, unicode.Me) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// pad fills a text with blanks to a number of columns.
func pad(s string, n int) string {
	return s + strings.Repeat(" ", max(0, n-columns(s)))
}

// Pad fills a text with blanks to a number of columns of a terminal, where characters of
// East Asian scripts take two.
func Pad(s string, n int) string { return pad(s, n) }

// Columns is the number of columns of a terminal that a text takes.
func Columns(s string) int { return columns(s) }

// Wrap breaks a text into lines of at most n columns of a terminal: at blanks and beside
// wide characters, and inside a word only where it is longer than a line.
func Wrap(s string, n int) []string { return wrap(s, n) }

// wrap breaks a text into lines of at most n columns: at blanks, beside wide
// characters (but not before closing punctuation), and inside a word only where
// it is longer than a line.
func wrap(s string, n int) []string {
	var lines []string
	var line strings.Builder
	used := 0
	flush := func() {
		lines = append(lines, line.String())
		line.Reset()
		used = 0
	}
	for _, a := range atoms(s) {
		gap := 0
		if a.blank && used > 0 {
			gap = 1
		}
		if used > 0 && used+gap+columns(a.text) > n {
			flush()
			gap = 0
		}
		line.WriteString(strings.Repeat(" ", gap))
		used += gap
		for _, r := range a.text {
			if used > 0 && used+runeColumns(r) > n {
				flush()
			}
			line.WriteRune(r)
			used += runeColumns(r)
		}
	}
	if used > 0 || len(lines) == 0 {
		flush()
	}
	return lines
}

// atom is a piece of text that stays together; blank says that a blank stood before it.
type atom struct {
	text  string
	blank bool
}

func atoms(s string) []atom {
	var all []atom
	glue := false // whether the next character belongs to the last atom
	blank := false
	for _, r := range s {
		wide := runeColumns(r) == 2
		switch {
		case r == ' ':
			glue, blank = false, true
			continue
		case len(all) > 0 && !blank && (glue && !wide || strings.ContainsRune("、。，．」』）】：；！？ー", r)):
			all[len(all)-1].text += string(r)
		default:
			all = append(all, atom{string(r), blank})
		}
		glue, blank = !wide, false
	}
	return all
}
