package report

import (
	"io"
	"strconv"

	"github.com/mailcheck-go/mailcheck/check"
)

// writeTable sums up several reports: a line each, its headline answers as marks.
func writeTable(w io.Writer, reports []*check.Report, o Options) error {
	p := &printer{opts: o}
	if len(reports) == 0 {
		return nil
	}
	p.line("")
	p.table(reports, false)
	_, err := io.WriteString(w, p.b.String())
	return err
}

// table writes the lines, and with what is worst of each where that is wanted.
func (p *printer) table(reports []*check.Report, findings bool) {
	wide, answers := 0, 4
	for _, r := range reports {
		answers = max(answers, len(r.Answers))
		wide = max(wide, min(columns(Clean(r.Target)), p.opts.Width/2))
	}
	for _, r := range reports {
		s := "  "
		for _, a := range r.Answers {
			s += p.mark(a.Outcome)
		}
		s = pad(s, 2+answers+len(s)-len(stripInk(s)))
		s += "  " + pad(Clean(r.Target), wide)
		for _, c := range []struct {
			n        int
			severity check.Severity
		}{{r.Summary.Critical, check.Critical}, {r.Summary.High, check.High}, {r.Summary.Medium, check.Medium}, {r.Summary.Low, check.Low}} {
			if c.n > 0 {
				s += "  " + p.ink(inkOf(check.Fail, c.severity), strconv.Itoa(c.n)+" "+p.label(c.severity.String()))
			}
		}
		if r.Summary.Unknown > 0 {
			s += "  " + p.ink(magenta, strconv.Itoa(r.Summary.Unknown)+" "+p.label("unknown"))
		}
		p.line(s)
		if findings {
			p.worstFindings(r)
		}
	}
}
