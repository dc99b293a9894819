package check

import (
	"math"
	"slices"
	"strconv"
	"time"
)

// ReportSchema is the value of Report.Schema. Within it fields are only added.
const ReportSchema = "mailcheck/report/v1"

// Report is the answer for one target, or the frame around several.
type Report struct {
	Schema   string     `json:"schema"`
	Tool     string     `json:"tool,omitempty"` // "mailcheck v0.1.0"
	Target   string     `json:"target,omitempty"`
	At       time.Time  `json:"at,omitzero"` // when it is judged for
	Role     *Role      `json:"role,omitempty"`
	Answers  []Answer   `json:"answers,omitempty"`
	Overview []Overview `json:"overview,omitempty"`
	Results  []Result   `json:"results,omitempty"`
	Sections []Section  `json:"sections,omitempty"` // a list that the target is held against
	Repairs  []Repair   `json:"repairs,omitempty"`
	Measures []Measure  `json:"measures,omitempty"`
	Reports  []*Report  `json:"reports,omitempty"`
	Summary  Summary    `json:"summary"`
}

// Role is what the target is used for; it decides what can be asked of it.
type Role struct {
	Word     string     `json:"word"`  // "sends", "receives", "parked", "unknown"
	Given    bool       `json:"given"` // the operator said so
	Why      Text       `json:"why"`
	Evidence []Evidence `json:"evidence,omitempty"`
	Short    bool       `json:"short,omitempty"` // a short answer serves: nothing is expected to happen here
}

// Answer is one question of the headline, with the results it rests on.
type Answer struct {
	ID       string     `json:"id"` // stable: "forge", "own-mail", "certificates", "authorized:zendesk"
	Question Text       `json:"question"`
	Answer   string     `json:"answer"`  // "yes", "no" or "unknown"
	Outcome  Outcome    `json:"outcome"` // whether that is good: pass, fail, note or unknown
	Text     Text       `json:"text"`
	Rules    []string   `json:"rules,omitempty"`    // ids
	Evidence []Evidence `json:"evidence,omitempty"` // what it rests on, in words of others
}

// Overview is one line about what an area holds, whatever is right or wrong with it.
type Overview struct {
	Area  string `json:"area"`  // the first part of rule ids: "spf"
	Title string `json:"title"` // "SPF"
	Text  Text   `json:"text"`
}

// Section is a part of a list that somebody publishes, best practices say, with the
// rules that judge its lines.
type Section struct {
	Title string `json:"title"`
	Lines []Line `json:"lines"`
}

// Line is what a list asks for at one place.
type Line struct {
	Number int      `json:"number,omitempty"` // in the list; 0: it is not on it
	Title  string   `json:"title"`            // what is asked for
	Rules  []string `json:"rules"`            // ids of the results that decide it
}

// Outcome is that of the line: what fails counts most, then what is not known, then
// notes; "" where none of its rules was judged.
func (l Line) Outcome(results []Result) Outcome {
	order := []Outcome{"", NotApplicable, Pass, Note, Unknown, Fail}
	var worst Outcome
	for i := range results {
		if slices.Contains(l.Rules, results[i].ID) && slices.Index(order, results[i].Outcome) > slices.Index(order, worst) {
			worst = results[i].Outcome
		}
	}
	return worst
}

// Repair is one change that cures all computable findings at one RRset. It was
// judged again before it was written here.
type Repair struct {
	Change
	Cures []string `json:"cures"` // rule ids that no longer fail, or no longer at this name
}

// Measure is a number for bars, metrics, performance data and calendars. These read
// its name as that of a Prometheus metric: the area first, the base unit last, as in
// spf_lookups and cert_left_seconds; a moment ends in _timestamp_seconds and counts
// from 1970, and _info stands for Labels.
type Measure struct {
	Name    string   `json:"name"`
	Subject string   `json:"subject"`
	Unit    string   `json:"unit,omitempty"` // "seconds", "bytes", "ratio" (0 to 1); empty for a count
	Value   float64  `json:"value"`
	Limit   *float64 `json:"limit,omitempty"` // the most that the value can or may be, where there is one
	// Warn and Crit are where the rules begin to find the value of medium and of high
	// severity: above them, and where it is Falling below them.
	Warn    *float64 `json:"warn,omitempty"`
	Crit    *float64 `json:"crit,omitempty"`
	Falling bool     `json:"falling,omitempty"`
	Outcome Outcome  `json:"outcome,omitempty"` // how the rules judge the value
	// Labels are what the subject has in words, such as its issuer. The name then ends
	// in _info, and the value is 1.
	Labels map[string]string `json:"labels,omitempty"`
}

// Text writes value, limit and unit: "7 of 10", "5 of 90 days".
func (m Measure) Text() string { return m.Words().String() }

// Words is Text, to be worded in another language.
func (m Measure) Words() Text {
	number := func(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
	unit := m.Unit
	if m.Unit == "seconds" && m.Limit != nil && *m.Limit >= 2*86400 {
		number = func(v float64) string { return strconv.FormatFloat(math.Floor(v/86400), 'f', 0, 64) }
		unit = "days"
	}
	text := Textf("%s", number(m.Value))
	if m.Limit != nil {
		text = Textf("%s of %s", number(m.Value), number(*m.Limit))
	}
	switch unit {
	case "":
		return text
	case "days":
		return Textf("%s days", text)
	}
	return Textf("%s %s", text, unit)
}

// Summary counts results, nested reports included.
type Summary struct {
	Pass          int `json:"pass"`
	Fail          int `json:"fail"`
	Note          int `json:"note"`
	NotApplicable int `json:"not_applicable"`
	Unknown       int `json:"unknown"`
	Critical      int `json:"critical"` // of the failed results
	High          int `json:"high"`
	Medium        int `json:"medium"`
	Low           int `json:"low"`
}

// Count fills r.Summary, and those of the nested reports.
func (r *Report) Count() {
	r.Summary = Summary{}
	for i := range r.Results {
		r.Summary.add(&r.Results[i])
	}
	for _, sub := range r.Reports {
		sub.Count()
		r.Summary.merge(sub.Summary)
	}
}

func (s *Summary) add(res *Result) {
	switch res.Outcome {
	case Pass:
		s.Pass++
	case Note:
		s.Note++
	case NotApplicable:
		s.NotApplicable++
	case Unknown:
		s.Unknown++
	case Fail:
		s.Fail++
		switch res.Severity {
		case Critical:
			s.Critical++
		case High:
			s.High++
		case Medium:
			s.Medium++
		case Low:
			s.Low++
		}
	}
}

func (s *Summary) merge(o Summary) {
	s.Pass += o.Pass
	s.Fail += o.Fail
	s.Note += o.Note
	s.NotApplicable += o.NotApplicable
	s.Unknown += o.Unknown
	s.Critical += o.Critical
	s.High += o.High
	s.Medium += o.Medium
	s.Low += o.Low
}

// Status is what a report means for whoever has to act on it: a command's exit
// status, a CI gate.
type Status int

const (
	Clean    Status = iota // nothing at or above the severity, and all of it is known
	NotKnown               // nothing found, but a rule at or above it could not be judged
	Found                  // at least one result fails at or above it
)

// Status judges the report and those nested in it at one severity. Without
// strict only a question that failed makes NotKnown; with it every gap does.
func (r *Report) Status(failOn Severity, strict bool) Status {
	status := Clean
	for i := range r.Results {
		res := &r.Results[i]
		if res.Severity < failOn {
			continue
		}
		switch {
		case res.Outcome == Fail:
			return Found
		case res.Outcome == Unknown && (strict || res.askedInVain()):
			status = NotKnown
		}
	}
	for _, sub := range r.Reports {
		status = max(status, sub.Status(failOn, strict))
	}
	return status
}

func (res *Result) askedInVain() bool {
	for _, g := range res.Gaps {
		if g.Why == Failed {
			return true
		}
	}
	return false
}
