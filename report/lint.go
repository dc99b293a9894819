package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/mailcheck-go/mailcheck/check"
)

// writeLint writes the report of one record as compilers do: the record with a line under
// each place that a finding is about, the findings in the order of the places, and the
// record that would be right.
func writeLint(w io.Writer, r *check.Report, o Options) error {
	p := &printer{opts: o}
	p.line(p.ink(bold, Clean(r.Target)))
	p.answers(r)
	found := placed(r)
	records := sources(found)
	for _, e := range records {
		p.excerpt(e, found, len(records) > 1)
	}
	for _, f := range found {
		p.lintFinding(f)
	}
	p.ready(r)
	p.overview(r)
	p.notes(r)
	p.unasked(r)
	p.tail(r)
	_, err := io.WriteString(w, p.b.String())
	return err
}

// unasked says in a sentence what needs an answer that nobody asked for, where Ask says
// how to, and all else that could not be known.
func (p *printer) unasked(r *check.Report) {
	if p.opts.Ask.IsZero() {
		p.unknowns(r)
		return
	}
	rest, left := *r, 0
	rest.Results = slices.DeleteFunc(slices.Clone(r.Results), func(res check.Result) bool {
		has := func(why check.Why) bool {
			return slices.ContainsFunc(res.Gaps, func(g check.Gap) bool { return g.Why == why })
		}
		open := res.Outcome == check.Unknown && has(check.NotAsked) && !has(check.Failed)
		if open {
			left++
		}
		return open
	})
	p.unknowns(&rest)
	if left > 0 {
		p.line("")
		p.block("  "+p.ink(magenta, "? "), fmt.Sprintf(p.label(plural(left, "%d rule needs the DNS, which was not asked.", "%d rules need the DNS, which was not asked.")), left)+" "+p.text(p.opts.Ask), plain)
	}
}

// placedFinding is a finding with its number in the text.
type placedFinding struct {
	*check.Finding
	res    *check.Result
	number int
}

// lintShown bounds the findings in text; the other formats have all.
const lintShown = 40

// placed are the findings of what failed, in the order of the places in the records, and
// those without a place behind them, the gravest first.
func placed(r *check.Report) []placedFinding {
	var all []placedFinding
	for _, res := range pick(r.Results, check.Fail) {
		for i := range res.Findings {
			all = append(all, placedFinding{Finding: &res.Findings[i], res: res})
		}
	}
	slices.SortStableFunc(all, func(a, b placedFinding) int {
		ea, eb := a.place(), b.place()
		switch {
		case (ea == nil) != (eb == nil):
			return boolInt(ea == nil) - boolInt(eb == nil)
		case ea == nil || ea.Text != eb.Text:
			return cmp.Compare(b.Severity, a.Severity)
		}
		return cmp.Or(cmp.Compare(ea.Start, eb.Start), cmp.Compare(b.Severity, a.Severity))
	})
	for i := range all {
		all[i].number = i + 1
	}
	return all[:min(len(all), lintShown)]
}

// place is the evidence that says where the finding is, nil where none does.
func (f *placedFinding) place() *check.Evidence {
	for i := range f.Evidence {
		if e := &f.Evidence[i]; e.End > e.Start && e.End <= len(e.Text) {
			return e
		}
	}
	return nil
}

// sources are the records with places, and those that findings without a place are about.
func sources(found []placedFinding) []check.Evidence {
	var all []check.Evidence
	for _, f := range found {
		for _, e := range f.Evidence {
			if !slices.ContainsFunc(all, func(s check.Evidence) bool { return s.Source == e.Source && s.Text == e.Text }) {
				all = append(all, e)
			}
		}
	}
	return all
}

// excerpt writes a record, folded to the width, with the numbers of the findings under
// their places.
func (p *printer) excerpt(s check.Evidence, found []placedFinding, named bool) {
	p.line("")
	if named {
		p.line("  " + p.ink(dim, Clean(s.Source)))
	}
	for _, line := range fold(s.Text, p.opts.Width-4) {
		p.line("  " + p.ink(dim, "│") + " " + line.text())
		carets, labels := []byte{}, ""
		for _, f := range found {
			if e := f.place(); e == nil || e.Text != s.Text || e.Source != s.Source {
				continue
			} else if from, to := line.columns(e.Start, e.End); to > from {
				carets = append(carets, strings.Repeat(" ", max(0, to-len(carets)))...)
				copy(carets[from:to], strings.Repeat("^", to-from))
				labels = numbered(labels, from, f.number)
			}
		}
		if len(carets) > 0 {
			p.line("    " + p.ink(red, string(carets)))
			p.line("    " + p.ink(red, labels))
		}
	}
}

// numbered writes a number at a column, or behind what stands there.
func numbered(line string, at, number int) string {
	n := strconv.Itoa(number)
	switch {
	case len(line) > at:
		return line + "," + n
	default:
		return line + strings.Repeat(" ", at-len(line)) + n
	}
}

// cell is a character of a record as it is shown.
type cell struct {
	shown string
	at    int // octets into the record
}

type cells []cell

func (l cells) text() string {
	var b strings.Builder
	for _, c := range l {
		b.WriteString(c.shown)
	}
	return b.String()
}

// columns are those of a line that show some octets of the record.
func (l cells) columns(start, end int) (from, to int) {
	at := 0
	for _, c := range l {
		wide := columns(c.shown)
		if c.at >= start && c.at < end {
			if to == 0 {
				from = at
			}
			to = at + wide
		}
		at += wide
	}
	return from, to
}

// fold breaks a record into lines of at most n columns, at blanks where there are any.
func fold(s string, n int) []cells {
	var lines []cells
	var line cells
	used, blank := 0, -1 // blank: behind the last one in line
	for i := 0; i < len(s); {
		_, size := utf8.DecodeRuneInString(s[i:])
		c := cell{Clean(s[i : i+size]), i}
		if wide := columns(c.shown); used+wide > n && used > 0 && c.shown != " " {
			at := len(line)
			if blank > 0 {
				at = blank
			}
			lines = append(lines, line[:at:at])
			line = slices.Clone(line[at:])
			used, blank = columns(line.text()), -1
		}
		line = append(line, c)
		used += columns(c.shown)
		if c.shown == " " {
			blank = len(line)
		}
		i += size
	}
	return append(lines, line)
}

func (p *printer) lintFinding(f placedFinding) {
	p.line("")
	first := "  " + p.ink(red, fmt.Sprintf("%2d", f.number)) + "  "
	if f.place() == nil {
		first = "      "
	}
	severity := p.ink(inkOf(check.Fail, f.Severity), p.label(f.Severity.String()))
	p.block(first+severity+"  ", p.title(f.res)+"  ["+f.res.ID+"]", bold)
	p.block("      ", p.text(f.Detail), plain)
	if f.Fix != nil {
		p.block("      "+p.ink(green, "→ "), p.text(f.Fix.Summary), plain)
	}
}

// ready writes the record that would be right as it goes into a zone file or a form, with
// its name where one belongs elsewhere, as that of a mail host does.
func (p *printer) ready(r *check.Report) {
	if len(r.Repairs) == 0 {
		return
	}
	p.heading("To publish")
	named := slices.ContainsFunc(r.Repairs, func(rep check.Repair) bool {
		return rep.Name != r.Target && !strings.HasSuffix(rep.Name, ".invalid") // nobody's (RFC 2606): the input names no owner
	})
	for _, rep := range r.Repairs {
		if named {
			p.line("  " + p.ink(bold, Clean(rep.Name)) + " " + Clean(rep.Type))
		}
		if len(rep.New) == 0 {
			p.line("    " + p.ink(red, "- "+Clean(rep.Type)))
		}
		for _, to := range rep.New { // never wrapped: values are copied from here
			for _, s := range charStrings(to) {
				p.line("    " + p.ink(green, s))
			}
		}
		p.block("    "+p.label("cures")+" ", strings.Join(rep.Cures, ", "), dim)
	}
}

// charStrings cuts a text into quoted strings of at most 255 octets (RFC 1035, 3.3), at
// blanks where there are any.
func charStrings(text string) []string {
	const most = 255
	quote := strings.NewReplacer(`\`, `\\`, `"`, `\"`)
	var all []string
	for len(text) > most {
		at := strings.LastIndexByte(text[:most], ' ') + 1
		if at == 0 {
			at = most
		}
		all = append(all, `"`+quote.Replace(text[:at])+`"`)
		text = text[at:]
	}
	return append(all, `"`+quote.Replace(text)+`"`)
}
