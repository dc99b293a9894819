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

// writeText writes one report for a person: what a manager asks first, then what
// is wrong and how to mend it, then what is there, then what could not be known.
func writeText(w io.Writer, r *check.Report, o Options) error {
	p := &printer{opts: o}
	p.head(r)
	p.answers(r)
	p.sections(r)
	p.findings(r)
	p.repairs(r)
	p.overview(r)
	if r.Role == nil || !r.Role.Short {
		p.notes(r)
	}
	p.parts(r)
	p.unknowns(r)
	p.questions(r)
	p.tail(r)
	_, err := io.WriteString(w, p.b.String())
	return err
}

// printer collects the lines of one report. Everything that others published
// goes through Clean on its way into a line.
type printer struct {
	b    strings.Builder
	opts Options
}

func (p *printer) text(t check.Text) string {
	s, _ := p.opts.Lang.Text(t)
	return Clean(s)
}

func (p *printer) label(s string) string {
	s, _ = p.opts.Lang.Title(s)
	return s
}

// title is a rule's title in the language, by the rule's id.
func (p *printer) title(r *check.Result) string {
	if s, ok := p.opts.Lang.Title(r.ID); ok {
		return s
	}
	return Clean(r.Title)
}

func (p *printer) line(s string) { p.b.WriteString(strings.TrimRight(s, " ") + "\n") }

// block writes a text under a first line's beginning, its other lines indented as deep.
func (p *printer) block(first, text string, ink ink) {
	indent := columns(stripInk(first))
	for i, l := range wrap(text, p.opts.Width-indent) {
		if i > 0 {
			first = strings.Repeat(" ", indent)
		}
		p.line(first + p.ink(ink, l))
	}
}

func (p *printer) heading(s string) { p.line("\n" + p.ink(bold, p.label(s))) }

func (p *printer) head(r *check.Report) {
	first := p.ink(bold, Clean(r.Target))
	switch {
	case r.Role == nil:
		p.line(first)
	case r.Role.Word == "unknown":
		p.block(first+"  ", p.text(r.Role.Why), dim)
	default:
		p.block(first+"  ", p.label(r.Role.Word)+": "+p.text(r.Role.Why), dim)
	}
}

func (p *printer) answers(r *check.Report) {
	if len(r.Answers) > 0 && (r.Role == nil || !r.Role.Short) {
		p.line("")
	}
	wide, verdict := 0, 0
	for _, a := range r.Answers {
		wide = max(wide, columns(p.text(a.Question)))
		verdict = max(verdict, columns(p.label(a.Answer)))
	}
	for _, a := range r.Answers {
		ink := inkOf(a.Outcome, 0)
		first := "  " + p.mark(a.Outcome) + " " + pad(p.text(a.Question), wide) + "  "
		if r.Role != nil && r.Role.Short {
			p.block(first+p.ink(ink, p.label(a.Answer))+": ", p.text(a.Text), plain)
			continue
		}
		if p.opts.Width >= wide+60 {
			p.block(first+p.ink(ink, pad(p.label(a.Answer), verdict))+"  ", p.text(a.Text), plain)
			continue
		}
		if p.opts.Width >= wide+6+verdict {
			p.line(first + p.ink(ink, p.label(a.Answer)))
		} else {
			p.block("  "+p.mark(a.Outcome)+" ", p.text(a.Question)+" "+p.label(a.Answer), plain)
		}
		p.block("      ", p.text(a.Text), plain)
	}
}

// findings writes what failed, the gravest first.
func (p *printer) findings(r *check.Report) {
	failed := pick(r.Results, check.Fail)
	slices.SortStableFunc(failed, func(a, b *check.Result) int { return cmp.Compare(b.Severity, a.Severity) })
	if len(failed) == 0 {
		return
	}
	p.heading("What to mend")
	wide := 0
	for _, s := range check.Severities() {
		wide = max(wide, columns(p.label(s.String())))
	}
	for i, res := range failed {
		if i > 0 {
			p.line("")
		}
		first := "  " + p.ink(inkOf(check.Fail, res.Severity), pad(p.label(res.Severity.String()), wide)) + "  "
		p.block(first, p.title(res)+"  ["+res.ID+"]", bold)
		indent := strings.Repeat(" ", wide+4)
		for i, f := range res.Findings {
			if i+1 < min(len(res.Findings), findingsShown) && sameFix(f.Fix, res.Findings[i+1].Fix) {
				f.Fix = nil // said once, for all of them
			}
			p.finding(indent, res, f)
		}
	}
}

// findingsShown bounds the findings of one rule in text; the other formats have all.
const findingsShown = 5

func sameFix(a, b *check.Fix) bool {
	return a != nil && b != nil && a.Summary.String() == b.Summary.String()
}

func (p *printer) finding(indent string, res *check.Result, f check.Finding) {
	switch i := slices.IndexFunc(res.Findings, func(o check.Finding) bool { return o.Subject == f.Subject && o.Detail.String() == f.Detail.String() }); {
	case i == findingsShown:
		p.line(indent + fmt.Sprintf(p.label("… and %d more"), len(res.Findings)-findingsShown))
		return
	case i > findingsShown:
		return
	}
	subject := Clean(f.Subject)
	if detail := p.text(f.Detail); strings.Contains(detail, subject) {
		p.block(indent, detail, plain)
	} else {
		p.block(indent, subject+": "+detail, plain)
	}
	for _, e := range f.Evidence {
		p.evidence(indent, e)
	}
	if f.Fix != nil {
		p.block(indent+p.ink(green, "→ "), p.text(f.Fix.Summary), plain)
	}
}

// evidence is set apart by a rule, so that it is told from our own words without colour.
func (p *printer) evidence(indent string, e check.Evidence) {
	for _, l := range wrap(Clean(e.Source+"  "+clip(e.Text)), p.opts.Width-len(indent)-2) {
		p.line(indent + p.ink(dim, "│ "+l))
	}
}

// evidenceShown bounds the octets of one piece of evidence in text.
const evidenceShown = 300

func clip(s string) string {
	if len(s) <= evidenceShown {
		return s
	}
	end := evidenceShown
	for end > evidenceShown-utf8.UTFMax && !utf8.RuneStart(s[end]) {
		end-- // not inside of a character
	}
	return fmt.Sprintf("%s… (%d octets)", s[:end], len(s))
}

// repairs writes one change a name, judged again before it came here.
func (p *printer) repairs(r *check.Report) {
	if len(r.Repairs) == 0 {
		return
	}
	p.heading("To publish")
	for _, rep := range r.Repairs {
		p.block("  ", Clean(rep.Name+"  "+rep.Type), bold)
		for _, old := range rep.Old { // never wrapped: values are copied from here
			p.line("    " + p.ink(red, "- "+Clean(old)))
		}
		for _, to := range rep.New {
			p.line("    " + p.ink(green, "+ "+Clean(to)))
		}
		p.block("    "+p.label("cures")+" ", strings.Join(rep.Cures, ", "), dim)
	}
}

// overview writes a line for each area: what is there, and how it fared.
func (p *printer) overview(r *check.Report) {
	if len(r.Overview) == 0 {
		return
	}
	short := r.Role != nil && r.Role.Short
	switch {
	case !short:
		p.heading("What is there")
	case r.Summary.Fail > 0:
		p.line("")
	}
	wide := 0
	for _, o := range r.Overview {
		wide = max(wide, columns(p.label(o.Title)))
	}
	for _, o := range r.Overview {
		worst := areaOutcome(r, o.Area)
		p.block("  "+p.mark(worst)+" "+pad(p.label(o.Title), wide)+"  ", p.text(o.Text), plain)
		for _, m := range r.Measures {
			if m.Limit != nil && strings.HasPrefix(m.Name, o.Area+"_") && !short {
				p.line(strings.Repeat(" ", wide+6) + p.bar(m))
			}
		}
	}
}

// areaOutcome sums up an area: fail where a rule above low severity does, note where
// one of low severity does, unknown where more rules are than could be judged.
func areaOutcome(r *check.Report, area string) check.Outcome {
	judged, unknown, low := 0, 0, false
	for i := range r.Results {
		res := &r.Results[i]
		if !strings.HasPrefix(res.ID, area+".") {
			continue
		}
		switch res.Outcome {
		case check.Fail:
			if res.Severity > check.Low {
				return check.Fail
			}
			judged, low = judged+1, true
		case check.Pass, check.Note:
			judged++
		case check.Unknown:
			unknown++
		}
	}
	switch {
	case unknown > judged:
		return check.Unknown
	case low:
		return check.Note
	case judged > 0:
		return check.Pass
	}
	return check.NotApplicable
}

func (p *printer) bar(m check.Measure) string {
	cells := 20
	if p.opts.Width < 70 {
		cells = 8
	}
	share := min(max(m.Value / *m.Limit, 0), 1)
	full := int(share*float64(cells) + 0.5)
	return p.cells(inkOf(m.Outcome, 0), full, cells) + "  " + p.text(m.Words()) + "  " + Clean(m.Subject)
}

// notes writes what is worth knowing and needs no mending.
func (p *printer) notes(r *check.Report) {
	notes := pick(r.Results, check.Note)
	if len(notes) == 0 {
		return
	}
	p.heading("Good to know")
	for _, res := range notes {
		detail := p.title(res)
		if len(res.Findings) > 0 {
			detail = p.text(res.Findings[0].Detail)
		}
		p.block("  · ", detail+"  ["+res.ID+"]", plain)
	}
}

func (p *printer) tail(r *check.Report) {
	if r.Role != nil && r.Role.Short && r.Summary.Fail == 0 {
		return
	}
	s := r.Summary
	if p.opts.Lint { // each finding has a number and a severity there
		s.Critical, s.High, s.Medium, s.Low = counts(r)
	}
	var parts []string
	for _, c := range []struct {
		n    int
		word string
	}{{s.Critical, "critical"}, {s.High, "high"}, {s.Medium, "medium"}, {s.Low, "low"}} {
		if c.n > 0 {
			parts = append(parts, strconv.Itoa(c.n)+" "+p.label(c.word))
		}
	}
	found := p.label("nothing to mend was found")
	if len(parts) > 0 {
		found = p.label("to mend:") + " " + strings.Join(parts, ", ")
	}
	p.line("")
	p.block("  ", found+" · "+fmt.Sprintf(p.label(outcomes(s)), s.Pass+s.Note, s.Unknown, s.NotApplicable), dim)
}

// counts has the findings of what failed, by their severity.
func counts(r *check.Report) (critical, high, medium, low int) {
	by := map[check.Severity]int{}
	for _, res := range pick(r.Results, check.Fail) {
		for _, f := range res.Findings {
			by[f.Severity]++
		}
	}
	return by[check.Critical], by[check.High], by[check.Medium], by[check.Low]
}

// outcomes is the format of the numbers of rules.
func outcomes(s check.Summary) string {
	return plural(s.Pass+s.Note, "%d rule passed", "%d rules passed") + ", %d unknown, " + plural(s.NotApplicable, "%d does not apply", "%d do not apply")
}

// plural picks the format of a number.
func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

func pick(results []check.Result, o check.Outcome) []*check.Result {
	var picked []*check.Result
	for i := range results {
		if results[i].Outcome == o {
			picked = append(picked, &results[i])
		}
	}
	return picked
}
