package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
)

// The statuses of the Monitoring Plugins Development Guidelines, which are the exit
// statuses of a plugin too.
const (
	NagiosOK       = 0
	NagiosWarning  = 1
	NagiosCritical = 2
	NagiosUnknown  = 3
)

// nagiosStatuses has them from bad to good: what is proven outranks what is not known.
var nagiosStatuses = []struct {
	status     int
	word, many string
}{
	{NagiosCritical, "CRITICAL", "critical"},
	{NagiosWarning, "WARNING", "warning"},
	{NagiosUnknown, "UNKNOWN", "unknown"},
	{NagiosOK, "OK", "ok"},
}

func nagiosRank(status int) int {
	for i, s := range nagiosStatuses {
		if s.status == status {
			return i
		}
	}
	return len(nagiosStatuses)
}

// NagiosStatus is what a report and those in it mean to Nagios: CRITICAL where a rule
// fails at high severity or above, WARNING at medium; UNKNOWN where nothing of that is
// proven and a rule at medium or above could not be judged because a question failed,
// or nothing was judged at all.
func NagiosStatus(r *check.Report) int {
	if len(r.Results) == 0 && len(r.Reports) == 0 {
		return NagiosUnknown
	}
	switch {
	case r.Status(check.High, false) == check.Found:
		return NagiosCritical
	case r.Status(check.Medium, false) == check.Found:
		return NagiosWarning
	case r.Status(check.Medium, false) == check.NotKnown:
		return NagiosUnknown
	}
	for _, sub := range r.Reports {
		if NagiosStatus(sub) == NagiosUnknown {
			return NagiosUnknown
		}
	}
	return NagiosOK
}

// NagiosProblem is the output of a plugin that could not check anything.
func NagiosProblem(what, problem string) string {
	return nagiosHead(what, "UNKNOWN") + nagiosText(problem) + "\n"
}

func nagiosHead(what, word string) string {
	return strings.TrimSpace("MAILCHECK "+strings.ToUpper(nagiosText(what))) + " " + word + " - "
}

// nagiosText makes a text safe for plugin output, where a bar begins performance data
// and a line's end ends what most interfaces show.
func nagiosText(s string) string { return strings.ReplaceAll(Clean(s), "|", `\x7c`) }

// writeNagios writes the status line with all performance data, and a line for each
// thing to mend or not known, the worst target first.
func writeNagios(w io.Writer, frame *check.Report, o Options) error {
	p := &printer{opts: o}
	reports := slices.Clone(frame.Reports)
	slices.SortStableFunc(reports, func(a, b *check.Report) int {
		return cmp.Compare(nagiosRank(NagiosStatus(a)), nagiosRank(NagiosStatus(b)))
	})
	status := nagiosStatuses[nagiosRank(NagiosStatus(frame))]
	line := nagiosHead(o.What, status.word)
	switch len(reports) {
	case 0:
		line += "nothing was checked"
	case 1:
		line += p.nagiosTarget(reports[0])
	default:
		line += nagiosCounts(reports) + "; " + p.nagiosTarget(reports[0])
	}
	if data := nagiosData(frame.Reports); len(data) > 0 { // in the order of the command line, which stays
		line += "|" + strings.Join(data, " ")
	}
	lines := []string{line}
	for _, r := range reports {
		lines = append(lines, p.nagiosLines(r)...)
	}
	// Nagios reads 8 KB of output.
	if rest := len(lines) - nagiosLinesShown; rest > 0 {
		lines = append(lines[:nagiosLinesShown], fmt.Sprintf("... and %d more", rest))
	}
	_, err := io.WriteString(w, strings.Join(lines, "\n")+"\n")
	return err
}

const nagiosLinesShown = 25

func nagiosCounts(reports []*check.Report) string {
	var parts []string
	for _, s := range nagiosStatuses {
		n := 0
		for _, r := range reports {
			if NagiosStatus(r) == s.status {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, strconv.Itoa(n)+" "+s.many)
		}
	}
	return strings.Join(parts, ", ")
}

// nagiosTarget says in a part of a line how a target fares.
func (p *printer) nagiosTarget(r *check.Report) string {
	lines := p.nagiosLines(r)
	if len(lines) > 0 {
		_, text, _ := strings.Cut(lines[0], ": ")
		if len(lines) > 1 {
			text += fmt.Sprintf(" (and %d more)", len(lines)-1)
		}
		return text
	}
	if len(r.Results) == 0 {
		return nagiosText(clip(r.Target)) + ": nothing was judged"
	}
	first := -1
	for i, m := range r.Measures {
		if m.Falling && m.Limit != nil && *m.Limit > 0 && (first < 0 || m.Value / *m.Limit < r.Measures[first].Value / *r.Measures[first].Limit) {
			first = i
		}
	}
	s := nagiosText(clip(r.Target)) + ": "
	if first < 0 {
		return s + fmt.Sprintf(plural(r.Summary.Pass+r.Summary.Note, "%d rule passed", "%d rules passed"), r.Summary.Pass+r.Summary.Note)
	}
	m := r.Measures[first]
	if m.Subject != r.Target {
		s = nagiosText(clip(m.Subject)) + ": "
	}
	left, of := spans(m.Value, *m.Limit)
	return s + fmt.Sprintf("%s left (%d %% of %s)", left, int(100*m.Value / *m.Limit), of)
}

// spans writes two numbers of seconds in days, and less than two of them in hours.
func spans(value, of float64) (string, string) {
	unit, seconds := " d", 86400.0
	if of < 2*seconds {
		unit, seconds = " h", 3600
	}
	write := func(v float64) string { return strconv.FormatFloat(float64(int64(v/seconds)), 'f', -1, 64) + unit }
	return write(value), write(of)
}

// nagiosLines are what made the status of a report other than OK, the gravest first:
// "WARNING: help.acme.example: the certificate … [cert.expiring]".
func (p *printer) nagiosLines(r *check.Report) []string {
	var lines []string
	for _, res := range gravest(r) {
		word := "WARNING"
		if res.Severity >= check.High {
			word = "CRITICAL"
		}
		for _, f := range res.Findings {
			text := p.text(f.Detail)
			if subject := Clean(clip(f.Subject)); !strings.Contains(text, subject) {
				text = subject + ": " + text
			}
			if target := Clean(clip(r.Target)); !strings.Contains(text, target) {
				text = target + ": " + text
			}
			lines = append(lines, word+": "+nagiosText(clip(text))+" ["+res.ID+"]")
		}
	}
	for _, g := range groupGaps(unanswered(r)) {
		if g.Why == check.Failed {
			lines = append(lines, "UNKNOWN: "+nagiosText(clip(Clean(r.Target)+": "+p.gapText(g)))+" ["+rulesOf(g)+"]")
		}
	}
	return lines
}

func rulesOf(g *gapGroup) string {
	if len(g.rules) == 1 {
		return g.rules[0]
	}
	return strconv.Itoa(len(g.rules)) + " rules"
}

// gravest are the results that fail at medium severity or above, the gravest first.
func gravest(r *check.Report) []*check.Result {
	failed := slices.DeleteFunc(pick(r.Results, check.Fail), func(res *check.Result) bool { return res.Severity < check.Medium })
	slices.SortStableFunc(failed, func(a, b *check.Result) int { return cmp.Compare(b.Severity, a.Severity) })
	return failed
}

// unanswered are the results of medium severity or above that are unknown because a
// question failed.
func unanswered(r *check.Report) []*check.Result {
	return slices.DeleteFunc(pick(r.Results, check.Unknown), func(res *check.Result) bool {
		return res.Severity < check.Medium || !slices.ContainsFunc(res.Gaps, func(g check.Gap) bool { return g.Why == check.Failed })
	})
}

// nagiosData are the measures as performance data: 'label'=value[unit];warn;crit;min;max.
// Of several targets only those with a limit are told, since Nagios reads 8 KB in all.
// A label stays the same when other targets come and go beside it.
func nagiosData(reports []*check.Report) []string {
	var data []string
	units := map[string]string{"seconds": "s", "bytes": "B"}
	told := map[string]bool{}
	for _, r := range reports {
		for _, m := range r.Measures {
			if isMoment(m) || isInfo(m) || !finite(m) || len(reports) > 1 && m.Limit == nil {
				continue
			}
			label := m.Name
			if len(reports) > 1 || m.Subject != r.Target {
				label = m.Subject + " " + m.Name
			}
			if label = nagiosLabel(label); told[label] {
				continue
			}
			told[label] = true
			bound := func(v *float64) string {
				switch {
				case v == nil:
					return ""
				case m.Falling:
					return number(*v) + ":" // the range whose outside is bad
				}
				return number(*v)
			}
			limit := ""
			if m.Limit != nil {
				limit = number(*m.Limit)
			}
			s := label + "=" + number(m.Value) + units[m.Unit] + ";" + bound(m.Warn) + ";" + bound(m.Crit) + ";0;" + limit
			data = append(data, strings.TrimRight(s, ";"))
		}
	}
	return data
}

// nagiosLabel quotes a label. It may hold neither a quote nor an equals sign.
func nagiosLabel(s string) string {
	return "'" + strings.NewReplacer("'", "_", "=", "_").Replace(nagiosText(clip(s))) + "'"
}
