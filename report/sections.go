package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mailcheck-go/mailcheck/check"
)

// sections writes the list that the target is held against: the totals of its parts,
// then a line for each line of it. Lines that were not judged are left out.
func (p *printer) sections(r *check.Report) {
	list := judgedSections(r)
	if len(list) == 0 {
		return
	}
	p.heading("In short")
	wide := 0
	for _, s := range list {
		wide = max(wide, columns(p.phrase(s.Title)))
	}
	wide = min(wide, p.opts.Width/2)
	for _, s := range list {
		p.line("  " + pad(cut(p.phrase(s.Title), wide), wide) + "  " + p.tally(r, s))
	}
	words := lineWords(p)
	for _, s := range list {
		p.heading(p.phrase(s.Title))
		for _, l := range s.Lines {
			p.sectionLine(r, l, words)
		}
	}
	for _, s := range list {
		if slices.ContainsFunc(s.Lines, func(l check.Line) bool { return p.word(r, l) == "pending" }) {
			p.line("")
			p.block("  ", p.label("pending")+": "+p.label("no interface shows it, and a person has to answer"), dim)
			break
		}
	}
}

// phrase is a title in the language.
func (p *printer) phrase(s string) string { return Clean(p.label(s)) }

func judgedSections(r *check.Report) []check.Section {
	var list []check.Section
	for _, s := range r.Sections {
		lines := slices.DeleteFunc(slices.Clone(s.Lines), func(l check.Line) bool { return l.Outcome(r.Results) == "" })
		if len(lines) > 0 {
			list = append(list, check.Section{Title: s.Title, Lines: lines})
		}
	}
	return list
}

// tally is a bar of a section, and its counts: fine, to mend, not known.
func (p *printer) tally(r *check.Report, s check.Section) string {
	var fine, bad, open int
	for _, l := range s.Lines {
		switch l.Outcome(r.Results) {
		case check.Pass, check.Note:
			fine++
		case check.Fail:
			bad++
		case check.Unknown:
			open++
		}
	}
	cells := min(max(p.opts.Width/5, 8), 24)
	of := fine + bad + open
	bar, used := "", 0
	for i, part := range []struct {
		n    int
		ink  ink
		cell string
	}{{fine, green, "█"}, {bad, red, "▒"}, {open, magenta, "░"}} {
		if of == 0 || part.n == 0 {
			continue
		}
		n := (part.n*cells + of/2) / of
		n = max(n, 1)
		if n = min(n, cells-used); i == 2 {
			n = cells - used
		}
		bar += p.ink(part.ink, strings.Repeat(part.cell, n))
		used += n
	}
	bar += strings.Repeat(" ", max(0, cells-used))
	for _, c := range []struct {
		n       int
		outcome check.Outcome
	}{{fine, check.Pass}, {bad, check.Fail}, {open, check.Unknown}} {
		if c.n == 0 {
			bar += "      "
			continue
		}
		bar += "  " + p.mark(c.outcome) + fmt.Sprintf("%3d", c.n)
	}
	return bar
}

// lineWords is the width of the column of words.
func lineWords(p *printer) int {
	wide := 0
	for _, w := range []string{"critical", "high", "medium", "low", "pending", "unknown", "attested"} {
		wide = max(wide, columns(p.label(w)))
	}
	return wide
}

// word says in one what became of a line: how grave what fails is, what is missing,
// or whose word a pass rests on.
func (p *printer) word(r *check.Report, l check.Line) string {
	var of []*check.Result
	for i := range r.Results {
		if slices.Contains(l.Rules, r.Results[i].ID) {
			of = append(of, &r.Results[i])
		}
	}
	switch outcome := l.Outcome(r.Results); outcome {
	case check.Fail:
		var worst check.Severity
		for _, res := range of {
			if res.Outcome == check.Fail {
				worst = max(worst, res.Severity)
			}
		}
		return worst.String()
	case check.Unknown:
		for _, res := range of {
			if res.Outcome == check.Unknown && slices.ContainsFunc(res.Gaps, func(g check.Gap) bool { return g.Why != check.Person }) {
				return "unknown"
			}
		}
		return "pending"
	case check.Pass, check.NotApplicable:
		for _, res := range of {
			if res.Attested != nil {
				return "attested"
			}
		}
	}
	return ""
}

func (p *printer) sectionLine(r *check.Report, l check.Line, wide int) {
	outcome, word := l.Outcome(r.Results), p.word(r, l)
	mark, ink := p.mark(outcome), inkOf(outcome, 0)
	text := plain
	switch outcome {
	case check.NotApplicable:
		mark, ink, text = p.ink(dim, "–"), dim, dim
	case check.Fail:
		severity, _ := check.ParseSeverity(word)
		ink = inkOf(outcome, severity)
		mark = p.ink(ink, "✗")
	}
	number := ""
	if l.Number > 0 {
		number = strconv.Itoa(l.Number)
	}
	title := p.phrase(l.Title)
	for i := range r.Results {
		if a := r.Results[i].Attested; a != nil && slices.Contains(l.Rules, r.Results[i].ID) {
			title += fmt.Sprintf(p.label(" (%s, until %s)"), Clean(a.By), a.Until.Format(time.DateOnly))
			break
		}
	}
	p.block("  "+mark+" "+p.ink(dim, fmt.Sprintf("%3s", number))+"  "+p.ink(ink, pad(p.label(word), wide))+"  ", title, text)
}

// questions are what a person has to answer.
func (p *printer) questions(r *check.Report) {
	var asked []*check.Result
	for _, res := range pick(r.Results, check.Unknown) {
		if slices.ContainsFunc(res.Gaps, func(g check.Gap) bool { return g.Why == check.Person }) {
			asked = append(asked, res)
		}
	}
	if len(asked) == 0 {
		return
	}
	p.heading("Questions for a person")
	for _, res := range asked {
		for _, g := range res.Gaps {
			if g.Why == check.Person {
				p.block("  "+p.ink(magenta, "? "), p.text(g.Words())+" ["+res.ID+"]", plain)
			}
		}
	}
}

// domainsShown bounds the lines on domains; the other formats have all.
const domainsShown = 50

// parts writes the reports in a report: those of domains as a line each, the worst
// first, and those of hosts as a table of certificates.
func (p *printer) parts(r *check.Report) {
	var domains, hosts []*check.Report
	for _, sub := range r.Reports {
		if sub.Role != nil {
			domains = append(domains, sub)
		} else {
			hosts = append(hosts, sub)
		}
	}
	if len(domains) > 0 {
		p.heading("Domains")
		p.domains(domains)
	}
	if len(hosts) > 0 {
		p.heading("Certificates")
		p.hostTable(hosts)
	}
}

func (p *printer) domains(all []*check.Report) {
	slices.SortStableFunc(all, func(a, b *check.Report) int {
		return cmp.Or(cmp.Compare(b.Summary.Critical, a.Summary.Critical), cmp.Compare(b.Summary.High, a.Summary.High),
			cmp.Compare(b.Summary.Medium, a.Summary.Medium), cmp.Compare(b.Summary.Unknown, a.Summary.Unknown))
	})
	more := 0
	if len(all) > domainsShown {
		all, more = all[:domainsShown], len(all)-domainsShown
	}
	p.table(all, true)
	if more > 0 {
		p.line("    " + fmt.Sprintf(p.label("… and %d more"), more))
	}
	p.block("    ", p.label("What to publish, a domain: mailcheck domain NAME"), dim)
}

// worstFindings writes what fails at high severity or above, at most three lines.
func (p *printer) worstFindings(r *check.Report) {
	failed := slices.DeleteFunc(pick(r.Results, check.Fail), func(res *check.Result) bool { return res.Severity < check.High })
	slices.SortStableFunc(failed, func(a, b *check.Result) int { return cmp.Compare(b.Severity, a.Severity) })
	wide := max(columns(p.label("critical")), columns(p.label("high")))
	for i, res := range failed {
		if i == 3 {
			p.line("        " + fmt.Sprintf(p.label("… and %d more"), len(failed)-i))
			return
		}
		p.block("        "+p.ink(inkOf(check.Fail, res.Severity), pad(p.label(res.Severity.String()), wide))+"  ", p.title(res)+" ["+res.ID+"]", plain)
	}
}
