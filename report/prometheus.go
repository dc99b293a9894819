package report

import (
	"io"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
)

// writePrometheus writes the reports in Prometheus' text format, version 0.0.4, for
// the textfile collector of node_exporter. Every series is a gauge that is keyed by
// its target and subject, so that a renewed certificate goes on in the same series,
// and by what was checked: where two of node_exporter's files have the same series, it
// tells of neither. What is not known has no series.
func writePrometheus(w io.Writer, frame *check.Report, o Options) error {
	e := exposition{}
	for _, r := range frame.Reports {
		of := []label{{"target", r.Target}}
		if o.What != "" {
			of = []label{{"command", o.What}, {"target", r.Target}}
		}
		e.report(r, of)
	}
	_, err := io.WriteString(w, e.String())
	return err
}

// exposition has the metrics by name.
type exposition map[string]*metric

type metric struct {
	help   string
	lines  []string
	series map[string]bool // labels that it has already
}

const metricPrefix = "mailcheck_"

// label is a name and a value.
type label struct{ name, value string }

// add takes a sample. Of two with the same labels the first stays: the format
// knows no second.
func (e exposition) add(name, help string, value float64, labels ...label) {
	m := e[name]
	if m == nil {
		m = &metric{help: help, series: map[string]bool{}}
		e[name] = m
	}
	var parts []string
	for _, l := range labels {
		parts = append(parts, l.name+`="`+labelValue(l.value)+`"`)
	}
	key := strings.Join(parts, ",")
	if !m.series[key] {
		m.series[key] = true
		m.lines = append(m.lines, metricPrefix+name+"{"+key+"} "+number(value))
	}
}

// report takes a report, whose samples all have the labels of.
func (e exposition) report(r *check.Report, of []label) {
	add := func(name, help string, value float64, labels ...label) {
		e.add(name, help, value, slices.Concat(of, labels)...)
	}
	if !r.At.IsZero() {
		at := float64(r.At.Unix())
		add("check_last_run_timestamp_seconds", "When the target was checked.", at)
		if len(r.Results) > 0 && len(unanswered(r)) == 0 {
			add("check_last_success_timestamp_seconds", "When the target was checked; absent where a question failed that a rule of medium severity or above needed.", at)
		}
	}
	if version := strings.TrimPrefix(r.Tool, "mailcheck "); version != "" {
		add("build_info", "The release of mailcheck that checked the target.", 1, label{"version", version})
	}
	e.results(r, of)
	for _, a := range r.Answers {
		if v, known := map[check.Outcome]float64{check.Pass: 1, check.Note: 1, check.Fail: 0}[a.Outcome]; known {
			add("answer_ok", "Whether a question of the report's headline has a good answer (1) or a bad one (0); absent where it is not known.", v, label{"answer", a.ID})
		}
	}
	for _, m := range r.Measures {
		e.measure(m, of)
	}
}

// results counts them, zeros too so that a series does not begin with its first fault.
func (e exposition) results(r *check.Report, of []label) {
	type kind struct {
		check.Severity
		check.Outcome
	}
	n := map[kind]int{}
	for _, res := range r.Results {
		n[kind{res.Severity, res.Outcome}]++
	}
	for _, s := range check.Severities() {
		for _, o := range []check.Outcome{check.Pass, check.Fail, check.Note, check.NotApplicable, check.Unknown} {
			if s == check.Info && o == check.Fail || s != check.Info && o == check.Note {
				continue // there is no such thing
			}
			e.add("check_results", "Rules by severity and outcome.", float64(n[kind{s, o}]),
				slices.Concat(of, []label{{"severity", s.String()}, {"outcome", string(o)}})...)
		}
	}
	for _, res := range pick(r.Results, check.Fail) {
		e.add("check_failed", "A rule that fails, 1; absent where it does not.", 1,
			slices.Concat(of, []label{{"check", res.ID}, {"severity", res.Severity.String()}})...)
	}
}

var metricName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

func (e exposition) measure(m check.Measure, of []label) {
	if !metricName.MatchString(m.Name) || !finite(m) {
		return
	}
	labels := slices.Concat(of, []label{{"subject", m.Subject}})
	for _, name := range slices.Sorted(maps.Keys(m.Labels)) {
		if metricName.MatchString(name) && !slices.Contains([]string{"command", "target", "subject"}, name) {
			labels = append(labels, label{name, m.Labels[name]})
		}
	}
	help := "The measure " + m.Name + " of the subject; docs/json.md says what it is."
	e.add(m.Name, help, m.Value, labels...)
}

// String writes the metrics in the order of their names.
func (e exposition) String() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(e)) {
		m := e[name]
		b.WriteString("# HELP " + metricPrefix + name + " " + m.help + "\n# TYPE " + metricPrefix + name + " gauge\n")
		for _, line := range m.lines {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}

// labelValue escapes backslash, quote and line feed, as the text format wants it.
// Clean leaves no line feed.
func labelValue(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(Clean(clip(s)))
}

func isMoment(m check.Measure) bool { return strings.HasSuffix(m.Name, "_timestamp_seconds") }

func isInfo(m check.Measure) bool { return strings.HasSuffix(m.Name, "_info") }

func finite(m check.Measure) bool { return !math.IsNaN(m.Value) && !math.IsInf(m.Value, 0) }

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
