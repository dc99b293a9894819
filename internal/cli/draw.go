package cli

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/mailcheck-go/mailcheck/report"
)

// The colours of drawings, as ANSI graphic renditions (ECMA-48, 8.3.117).
const (
	boldInk   = "1"
	dimInk    = "2"
	redInk    = "31"
	greenInk  = "32"
	yellowInk = "33"
	cyanInk   = "36"
)

// drawing is text for a terminal. What is put into it is cleaned, for it comes out of
// the DNS.
type drawing struct {
	strings.Builder
	color bool
	width int
}

// drawing is made for the terminal, or for 80 columns where there is none.
func (a *app) drawing(noColor bool) *drawing {
	var opts report.Options
	a.terminal(&output{noColor: noColor}, &opts)
	d := &drawing{color: opts.Color, width: opts.Width}
	if d.width == 0 {
		d.width = 80
	}
	return d
}

// ink colours a text that is clean already.
func (d *drawing) ink(ink, s string) string {
	if !d.color || s == "" {
		return s
	}
	return "\x1b[" + ink + "m" + s + "\x1b[0m"
}

// fit cleans a text and cuts it to a number of columns; what is cut shows as "…".
func (d *drawing) fit(s string, columns int) string {
	s = report.Clean(s)
	if n := max(columns, 8); utf8.RuneCountInString(s) > n {
		return string([]rune(s)[:n-1]) + "…"
	}
	return s
}

const barCells = 16

// bar is a bar for 2^n addresses of 2^of, whose length goes with the logarithm. Every
// number shows; less than 0 stands for none.
func (d *drawing) bar(n, of float64, ink string) string {
	full := 0
	if n >= 0 {
		full = min(max(int(math.Round(n/of*barCells)), 1), barCells)
	}
	return d.ink(ink, strings.Repeat("█", full)) + d.ink(dimInk, strings.Repeat("░", barCells-full))
}

// bitsOf is the logarithm to the base 2; less than 0 for 0.
func bitsOf(n uint64) float64 {
	if n == 0 {
		return -1
	}
	return math.Log2(float64(n))
}

// unknowns lists what is not known.
func (d *drawing) unknowns(lines []string, all bool) {
	if len(lines) > 0 {
		d.WriteString("\nnot known:\n")
	}
	for i, line := range lines {
		if i == 10 && !all {
			fmt.Fprintf(d, "  … and %d more (--all)\n", len(lines)-i)
			break
		}
		d.WriteString("  ")
		d.wrapped(d.ink(yellowInk, "?"), line, 4)
	}
}

// wrapped writes a mark of one column and a text, folded at blanks and indented.
func (d *drawing) wrapped(mark, text string, indent int) {
	d.WriteString(mark + " ")
	used := indent
	for word := range strings.FieldsSeq(report.Clean(text)) {
		n := utf8.RuneCountInString(word)
		switch {
		case used > indent && used+1+n > d.width:
			d.WriteString("\n" + strings.Repeat(" ", indent))
			used = indent
		case used > indent:
			d.WriteByte(' ')
			used++
		}
		word = d.fit(word, d.width-indent)
		d.WriteString(word)
		used += utf8.RuneCountInString(word)
	}
	d.WriteByte('\n')
}

// thousands writes a number with commas.
func thousands(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func padded(s string, n int) string {
	return s + strings.Repeat(" ", max(0, n-utf8.RuneCountInString(s)))
}

func numbered(n uint64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%s %s", thousands(n), many)
}

// stripInk takes the colours out again.
func stripInk(s string) string {
	for {
		from := strings.IndexByte(s, 0x1b)
		if from < 0 {
			return s
		}
		s = s[:from] + s[from+strings.IndexByte(s[from:], 'm')+1:]
	}
}
