package cli

import (
	"math"
	"strconv"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/report"
	"github.com/mailcheck-go/mailcheck/spf"
)

// The colours of drawings, as ANSI graphic renditions (ECMA-48, 8.3.117). They mean what
// they mean in a report: what is not known is magenta.
const (
	boldInk    = "1"
	dimInk     = "2"
	redInk     = "31"
	greenInk   = "32"
	yellowInk  = "33"
	magentaInk = "35"
	cyanInk    = "36"
)

// drawing is text for a terminal, in the language of the reader. What is put into it is
// cleaned, for it comes out of the DNS.
type drawing struct {
	strings.Builder
	tr    check.Translation
	color bool
	width int
	piped bool // it is written to no terminal
	whole bool // fit cuts nothing
}

func (d *drawing) text(t check.Text) string {
	s, _ := d.tr.Text(t)
	return report.Clean(s)
}

func (d *drawing) say(format string, args ...any) string { return d.text(check.Textf(format, args...)) }

// plural picks the phrase that goes with a number.
func (d *drawing) plural(n int, one, many string) string {
	if n == 1 {
		return d.say(one)
	}
	return d.say(many)
}

// label is a phrase, or a format whose arguments are clean.
func (d *drawing) label(s string) string {
	s, _ = d.tr.Title(s)
	return s
}

// gapText says what is not known, and why.
func gapText(g check.Gap) check.Text {
	subject := g.About()
	switch {
	case g.Why == check.NotAsked:
		return check.Textf("%s was not asked", subject)
	case g.Cause == nil:
		return subject
	case strings.HasPrefix(g.Cause.Error(), g.Subject):
		return g.Words()
	}
	if term, in, ok := strings.Cut(g.Subject, " in the record of "); ok {
		subject = check.Textf("%s in the record of %s", short(term), in)
	}
	return check.Textf("%s: %s", subject, g.Words())
}

// ink colours a text that is clean already.
func (d *drawing) ink(ink, s string) string {
	if !d.color || s == "" || ink == "" {
		return s
	}
	return "\x1b[" + ink + "m" + s + "\x1b[0m"
}

// fit cleans a text and cuts it to a number of columns; what is cut shows as "…".
func (d *drawing) fit(s string, columns int) string {
	s = report.Clean(s)
	if d.whole {
		return s
	}
	n, used := max(columns, 8), 0
	if len(s) <= n || report.Columns(s) <= n {
		return s
	}
	for i, r := range s {
		if used += report.Columns(string(r)); used >= n {
			return s[:i] + "…"
		}
	}
	return s
}

// para writes a text behind a lead of so many columns, and folds it there.
func (d *drawing) para(lead string, indent int, ink, text string) {
	for i, line := range report.Wrap(report.Clean(text), max(d.width-indent, 20)) {
		if i > 0 {
			lead = strings.Repeat(" ", indent)
		}
		d.WriteString(lead + d.ink(ink, line) + "\n")
	}
}

// headline begins a drawing: whom it is about and, in colours, what is to be said first.
func (d *drawing) headline(domain, sum string) {
	domain = d.fit(domain, d.width)
	gap := "  "
	if report.Columns(domain)+2+report.Columns(stripInk(sum)) > d.width {
		gap = "\n  "
	}
	d.WriteString(d.ink(boldInk, domain) + gap + sum + "\n")
}

func (d *drawing) head(s string) { d.WriteString("\n" + d.ink(boldInk, s) + "\n") }

// fault is what stands against a record as a whole.
func (d *drawing) fault(t check.Text) {
	if !t.IsZero() {
		d.para(d.ink(redInk, "✗")+" ", 2, "", d.text(t))
	}
}

const (
	barCells  = 16
	sumsCells = 10 // of a bar beside a name
)

// bar is a bar for 2^n addresses of 2^of, whose length goes with the logarithm. Every
// number shows; less than 0 stands for none.
func (d *drawing) bar(n, of float64, cells int, ink string) string {
	full := 0
	if n >= 0 {
		full = max(int(math.Round(n/of*float64(cells))), 1)
	}
	return d.cells(ink, full, cells)
}

func (d *drawing) cells(ink string, full, cells int) string {
	filled, rest := report.Bar(full, cells)
	return d.ink(ink, filled) + d.ink(dimInk, rest)
}

// lookupsBar has a cell for each lookup that receivers make.
func (d *drawing) lookupsBar(n int) string { return d.cells(lookupsInk(n), n, spf.MaxLookups) }

// lookupsInk is red past the limit, yellow near it, as in the rules spf.lookup-limit and
// spf.lookup-near-limit.
func lookupsInk(n int) string {
	switch {
	case n > spf.MaxLookups:
		return redInk
	case n >= spf.MaxLookups-2:
		return yellowInk
	}
	return greenInk
}

// bitsOf is the logarithm to the base 2; less than 0 for 0.
func bitsOf(n uint64) float64 {
	if n == 0 {
		return -1
	}
	return math.Log2(float64(n))
}

// unknowns lists what is not known.
func (d *drawing) unknowns(lines []check.Text, all bool) {
	if len(lines) > 0 {
		d.head(d.label("What could not be known"))
	}
	for i, line := range lines {
		if i == 10 && !all {
			d.WriteString("  " + d.say("… and %d more (--all)", len(lines)-i) + "\n")
			break
		}
		text := d.text(line)
		if !all {
			text = d.fit(text, 2*(d.width-4)) // a macro may fill the screen
		}
		d.para("  "+d.ink(magentaInk, "?")+" ", 4, "", text)
	}
}

// thousands writes a number with commas.
func thousands(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// spaceText is how many addresses there are, in words.
func spaceText(s spf.Space) check.Text {
	v4, v6 := check.Textf("%s IPv4 addresses", thousands(s.IPv4)), check.Textf("%s IPv6 /64s", thousands(s.IPv6))
	if s.IPv4 == 1 {
		v4 = check.Textf("1 IPv4 address")
	}
	if s.IPv6 == 1 {
		v6 = check.Textf("1 IPv6 /64")
	}
	switch {
	case s.IPv6 == 0:
		return v4
	case s.IPv4 == 0:
		return v6
	}
	return check.Textf("%s, %s", v4, v6)
}

// boundText says how sure a number is that stands behind it.
func boundText(t check.Text, more, fewer bool) check.Text {
	switch {
	case more && fewer:
		return check.Textf("about %s", t)
	case more:
		return check.Textf("at least %s", t)
	case fewer:
		return check.Textf("at most %s", t)
	}
	return t
}

// voidsText says for whom too many lookups find nothing, if there are too many.
func voidsText(v4, v6 int) check.Text {
	const many = spf.MaxVoids
	switch {
	case v4 > many && v6 > many:
		return check.Textf("permerror at many receivers, which stop where more than %d lookups find nothing: %d do", many, max(v4, v6))
	case v4 > many:
		return check.Textf("permerror for IPv4 clients at many receivers, which stop where more than %d lookups find nothing: %d do", many, v4)
	case v6 > many:
		return check.Textf("permerror for IPv6 clients at many receivers, which stop where more than %d lookups find nothing: %d do", many, v6)
	}
	return check.Text{}
}

// padLeft fills a text with blanks in front of it.
func padLeft(s string, n int) string {
	return strings.Repeat(" ", max(0, n-report.Columns(s))) + s
}

// stripInk takes the colours out again.
func stripInk(s string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(s, "\x1b")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		_, s, _ = strings.Cut(rest, "m")
	}
}

// stepsText is a way through records.
func stepsText(path []spf.Step) string {
	terms := make([]string, len(path))
	for i, s := range path {
		terms[i] = s.Term
	}
	return strings.Join(terms, " › ")
}
