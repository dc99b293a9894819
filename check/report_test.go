package check_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/check"
)

func result(outcome check.Outcome, severity check.Severity, why ...check.Why) check.Result {
	res := check.Result{ID: "spf.x", Outcome: outcome, Severity: severity}
	for _, w := range why {
		res.Gaps = append(res.Gaps, check.Gap{Subject: "x", Why: w})
	}
	return res
}

func TestReport_Count(t *testing.T) {
	inner := &check.Report{Results: []check.Result{
		result(check.Fail, check.Critical), result(check.Fail, check.Medium), result(check.Pass, check.Low), result(check.NotApplicable, check.High),
	}}
	middle := &check.Report{
		Results: []check.Result{result(check.Fail, check.Low), result(check.Unknown, check.Critical, check.Failed)},
		Reports: []*check.Report{inner},
	}
	r := &check.Report{
		Results: []check.Result{
			result(check.Pass, check.Critical), result(check.Fail, check.High), result(check.Fail, check.High), result(check.Note, check.Info),
		},
		Reports: []*check.Report{middle, {}},
	}
	for range 2 { // to count again changes nothing
		r.Count()
		assert.Equal(t, check.Summary{Pass: 1, Fail: 2, NotApplicable: 1, Critical: 1, Medium: 1}, inner.Summary)
		assert.Equal(t, check.Summary{Pass: 1, Fail: 3, NotApplicable: 1, Unknown: 1, Critical: 1, Medium: 1, Low: 1}, middle.Summary)
		assert.Equal(t, check.Summary{
			Pass: 2, Fail: 5, Note: 1, NotApplicable: 1, Unknown: 1, Critical: 1, High: 2, Medium: 1, Low: 1,
		}, r.Summary)
	}
}

func TestReport_Status(t *testing.T) {
	tests := []struct {
		name    string
		results []check.Result
		failOn  check.Severity
		want    check.Status
		strict  check.Status
	}{
		{name: "nothing", failOn: check.High, want: check.Clean, strict: check.Clean},
		{
			name: "what passes, does not apply or informs", failOn: check.Info, want: check.Clean, strict: check.Clean,
			results: []check.Result{result(check.Pass, check.Critical), result(check.NotApplicable, check.Critical), result(check.Note, check.Info)},
		},
		{name: "a fail at the severity", results: []check.Result{result(check.Fail, check.High)}, failOn: check.High, want: check.Found, strict: check.Found},
		{name: "a fail above it", results: []check.Result{result(check.Fail, check.Critical)}, failOn: check.High, want: check.Found, strict: check.Found},
		{name: "a fail below it", results: []check.Result{result(check.Fail, check.Medium)}, failOn: check.High, want: check.Clean, strict: check.Clean},
		{
			name: "a question failed", results: []check.Result{result(check.Unknown, check.High, check.Failed)},
			failOn: check.High, want: check.NotKnown, strict: check.NotKnown,
		},
		{
			name: "a question failed, below the severity", results: []check.Result{result(check.Unknown, check.Medium, check.Failed)},
			failOn: check.High, want: check.Clean, strict: check.Clean,
		},
		{
			name: "what nobody asked counts only strictly", failOn: check.High, want: check.Clean, strict: check.NotKnown,
			results: []check.Result{
				result(check.Unknown, check.High, check.NotAsked), result(check.Unknown, check.High, check.Person),
				result(check.Unknown, check.High, check.Undecidable), result(check.Unknown, check.High, check.Limit),
			},
		},
		{
			name: "one failed question among others", results: []check.Result{result(check.Unknown, check.High, check.Person, check.Failed)},
			failOn: check.High, want: check.NotKnown, strict: check.NotKnown,
		},
		{
			name: "a fail goes before an unknown", failOn: check.High, want: check.Found, strict: check.Found,
			results: []check.Result{result(check.Unknown, check.High, check.Failed), result(check.Fail, check.High), result(check.Unknown, check.High, check.Failed)},
		},
		{
			name: "a fail below the severity, with a gap, is judged", results: []check.Result{result(check.Fail, check.Low, check.Failed)},
			failOn: check.High, want: check.Clean, strict: check.Clean,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := &check.Report{Results: tt.results}
			for _, r := range []*check.Report{
				r,
				{Reports: []*check.Report{{}, {Reports: []*check.Report{r}}, {Results: []check.Result{result(check.Pass, check.High)}}}},
			} {
				assert.Equal(t, tt.want, r.Status(tt.failOn, false))
				assert.Equal(t, tt.strict, r.Status(tt.failOn, true))
			}
		})
	}
	both := &check.Report{
		Results: []check.Result{result(check.Unknown, check.High, check.Failed)},
		Reports: []*check.Report{{Results: []check.Result{result(check.Fail, check.High)}}, {}},
	}
	assert.Equal(t, check.Found, both.Status(check.High, false), "the worst of all reports, not the last")
}

func TestMeasure_Text(t *testing.T) {
	limit := func(v float64) *float64 { return &v }
	tests := []struct {
		measure check.Measure
		want    string
	}{
		{check.Measure{Value: 7}, "7"},
		{check.Measure{Value: 7, Limit: limit(10)}, "7 of 10"},
		{check.Measure{Value: 0.25, Limit: limit(1)}, "0.25 of 1"},
		{check.Measure{Value: 2048, Unit: "bytes", Limit: limit(102400)}, "2048 of 102400 bytes"},
		{check.Measure{Value: 5*86400 + 86399, Unit: "seconds", Limit: limit(90 * 86400)}, "5 of 90 days"},
		{check.Measure{Value: -1, Unit: "seconds", Limit: limit(90 * 86400)}, "-1 of 90 days"},
		{check.Measure{Value: 86400, Unit: "seconds", Limit: limit(2*86400 - 1)}, "86400 of 172799 seconds"},
		{check.Measure{Value: 1e15, Unit: "seconds"}, "1000000000000000 seconds"},
	}
	for _, tt := range tests {
		assert.Equal(t, tt.want, tt.measure.Text())
	}
}

// Every field of a report comes back from JSON.
func TestReport_JSON(t *testing.T) {
	limit := 10.0
	in := &check.Report{
		Schema: check.ReportSchema, Tool: "mailcheck v0.1.0", Target: "acme.example", At: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC),
		Role: &check.Role{Word: "sends", Given: true, Why: check.Textf("%s", "it has MX"), Evidence: []check.Evidence{{Source: "MX", Text: "10 mx"}}, Short: true},
		Answers: []check.Answer{{
			ID: "forge", Question: check.Textf("%s", "Can it?"), Answer: "no", Outcome: check.Pass, Text: check.Textf("%s", "It cannot."), Rules: []string{"spf.x"},
		}},
		Overview: []check.Overview{{Area: "spf", Title: "SPF", Text: check.Textf("%s", "one record")}},
		Results:  []check.Result{result(check.Unknown, check.High, check.Limit)},
		Repairs:  []check.Repair{{Change: check.Change{Name: "acme.example", Type: "TXT", Old: []string{"a"}, New: []string{"b"}}, Cures: []string{"spf.x"}}},
		Measures: []check.Measure{{Name: "spf_lookups", Subject: "acme.example", Value: 7, Limit: &limit, Outcome: check.Pass}},
		Reports:  []*check.Report{{Target: "b.example"}},
	}
	in.Count()
	text, err := json.Marshal(in)
	require.NoError(t, err)
	var out *check.Report
	require.NoError(t, json.Unmarshal(text, &out))
	assert.Equal(t, in, out)
}

func TestLineOutcome(t *testing.T) {
	results := []check.Result{
		{ID: "a.pass", Outcome: check.Pass},
		{ID: "a.fail", Outcome: check.Fail},
		{ID: "a.unknown", Outcome: check.Unknown},
		{ID: "a.note", Outcome: check.Note},
		{ID: "a.not", Outcome: check.NotApplicable},
	}
	for _, tt := range []struct {
		name  string
		rules []string
		want  check.Outcome
	}{
		{"not judged", []string{"a.other"}, ""},
		{"one", []string{"a.pass"}, check.Pass},
		{"what fails is worst", []string{"a.unknown", "a.fail", "a.pass"}, check.Fail},
		{"what is not known comes next", []string{"a.pass", "a.unknown", "a.note"}, check.Unknown},
		{"notes before what passes", []string{"a.note", "a.pass"}, check.Note},
		{"what applies counts", []string{"a.not", "a.pass"}, check.Pass},
	} {
		assert.Equal(t, tt.want, check.Line{Rules: tt.rules}.Outcome(results), tt.name)
	}
}

func TestSelected(t *testing.T) {
	for _, tt := range []struct {
		only, skip []string
		want       bool
	}{
		{nil, nil, true},
		{[]string{"spf.*"}, nil, true},
		{[]string{"spf.missing"}, nil, true},
		{[]string{"dmarc.*"}, nil, false},
		{nil, []string{"spf.*"}, false},
		{[]string{"spf.*"}, []string{"spf.missing"}, false},
		{nil, []string{"spf2.*", "spf.miss"}, true},
	} {
		assert.Equal(t, tt.want, check.Selected("spf.missing", tt.only, tt.skip), "%v %v", tt.only, tt.skip)
	}
}
