package report_test

import (
	"bytes"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/report"
)

func write(t testing.TB, format string, r *check.Report) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, report.Write(&b, format, r, report.Options{What: "cert"}))
	return b.String()
}

func TestNagiosStatus(t *testing.T) {
	unknown := func(s check.Severity, why check.Why) check.Result {
		return check.Result{ID: "a.b", Outcome: check.Unknown, Severity: s, Gaps: []check.Gap{{Subject: "A acme.example", Why: why}}}
	}
	of := func(results ...check.Result) *check.Report { return &check.Report{Results: results} }
	pass := check.Result{ID: "a.c", Outcome: check.Pass, Severity: check.Critical}
	fail := func(s check.Severity) check.Result { return failed("a.d", s, "", "", "") }
	tests := []struct {
		name   string
		report *check.Report
		want   int
	}{
		{"all is well", of(pass), report.NagiosOK},
		{"low severity is no matter for the night", of(pass, fail(check.Low)), report.NagiosOK},
		{"medium", of(pass, fail(check.Medium)), report.NagiosWarning},
		{"high", of(fail(check.Medium), fail(check.High)), report.NagiosCritical},
		{"a question failed", of(pass, unknown(check.Medium, check.Failed)), report.NagiosUnknown},
		{"one that only a rule of low severity needed", of(pass, unknown(check.Low, check.Failed)), report.NagiosOK},
		{"nobody asked", of(pass, unknown(check.High, check.NotAsked)), report.NagiosOK},
		{"what is proven outranks what is not known", of(unknown(check.Critical, check.Failed), fail(check.Medium)), report.NagiosWarning},
		{"nothing was judged", of(), report.NagiosUnknown},
		{"the worst of several", &check.Report{Reports: []*check.Report{of(pass), of(unknown(check.High, check.Failed)), of(fail(check.High))}}, report.NagiosCritical},
		{"one of several was not judged", &check.Report{Reports: []*check.Report{of(pass), of()}}, report.NagiosUnknown},
		{"none at all", &check.Report{}, report.NagiosUnknown},
	}
	for _, tt := range tests {
		assert.Equal(t, tt.want, report.NagiosStatus(tt.report), tt.name)
	}
}

func TestNagiosLine(t *testing.T) {
	fine := certs().Reports[0]
	tests := []struct {
		name   string
		report *check.Report
		want   string
	}{
		{
			"what is left", fine,
			"MAILCHECK CERT OK - www.acme.example: 61 d left (67 % of 90 d)|'cert_left_seconds'=5270400s;2592000:;1296000:;0;7776000 'cert_lifetime_remaining_ratio'=0.6777777777777778;;;0 'cert_addresses'=2;;;0 'cert_addresses_seen'=2;;;0\n",
		},
		{
			"the same host twice has its data once", &check.Report{Reports: []*check.Report{fine, fine}},
			"MAILCHECK CERT OK - 2 ok; www.acme.example: 61 d left (67 % of 90 d)|'www.acme.example cert_left_seconds'=5270400s;2592000:;1296000:;0;7776000\n",
		},
		{"nothing to measure", &check.Report{Target: "a.example", Results: []check.Result{{Outcome: check.Pass}}, Summary: check.Summary{Pass: 1}}, "MAILCHECK CERT OK - a.example: 1 rule passed\n"},
	}
	for _, tt := range tests {
		assert.Equal(t, tt.want, write(t, "nagios", tt.report), tt.name)
	}
	assert.Equal(t, "MAILCHECK CERT UNKNOWN - no such file: a\\x7cb\\x0a\n", report.NagiosProblem("cert", "no such file: a|b\n"))
}

// Only our own bar and our own line ends stand in the output.
func TestHostileNagiosIsHarmless(t *testing.T) {
	got := write(t, "nagios", hostile())
	assert.Equal(t, 1, strings.Count(got, "|"))
	for i, line := range strings.Split(strings.TrimSuffix(got, "\n"), "\n") {
		assert.Equal(t, line, report.Clean(line))
		assert.Regexp(t, `^(MAILCHECK|CRITICAL: |WARNING: |UNKNOWN: )`, line)
		assert.Equal(t, i == 0, strings.Contains(line, "|"))
	}
}

func TestNagiosIsBounded(t *testing.T) {
	var many check.Report
	for range 100 {
		many.Reports = append(many.Reports, certs().Reports[2])
	}
	lines := strings.Split(strings.TrimSuffix(write(t, "nagios", &many), "\n"), "\n")
	assert.Len(t, lines, 26)
	assert.Equal(t, "... and 76 more", lines[25])
}

// A number that is none, and a name that is none, leave no sample: never a false 0.
func TestPrometheusLeavesOut(t *testing.T) {
	got := write(t, "prometheus", &check.Report{Target: "a.example", Measures: []check.Measure{
		{Name: "a_ratio", Value: math.NaN()},
		{Name: "b_ratio", Value: math.Inf(1)},
		{Name: "C", Value: 1},
		{Name: "", Value: 1},
	}})
	assert.NotContains(t, got, "ratio")
	assert.NotContains(t, got, "last_run", "the time of the run is not known")
	for line := range strings.Lines(got) {
		assert.Regexp(t, `^(# |mailcheck_check_results\{)`, line)
	}
}

// A run in which a question failed is a run, and no success.
func TestPrometheusSuccess(t *testing.T) {
	r := sample()
	assert.NotContains(t, write(t, "prometheus", r), "last_success")
	for i := range r.Results {
		r.Results[i].Gaps = nil
	}
	assert.Contains(t, write(t, "prometheus", r), "mailcheck_check_last_success_timestamp_seconds{command=\"cert\",target=\"acme.example\"} 1795341600\n")
}

// Of samples with the same labels there is one: the format knows no second.
func TestPrometheusSeriesAreUnique(t *testing.T) {
	seen := map[string]bool{}
	for line := range strings.Lines(write(t, "prometheus", &check.Report{Reports: append(certs().Reports, certs().Reports...)})) {
		series := line[:strings.LastIndex(line, " ")]
		assert.False(t, seen[series], series)
		seen[series] = true
	}
}

func TestICSLines(t *testing.T) {
	r := host(strings.Repeat("ねこ;", 40)+"\xff", "a, b; c\\d\ne", 9*day, 90*day, check.Fail)
	for _, rep := range []*check.Report{r, hostile(), {}} {
		got := write(t, "ics", rep)
		require.True(t, strings.HasSuffix(got, "\r\n"))
		lines := strings.Split(strings.TrimSuffix(got, "\r\n"), "\r\n")
		for _, line := range lines {
			assert.LessOrEqual(t, len(line), 75, line)
			assert.True(t, utf8.ValidString(line), "%q", line)
			assert.NotContains(t, line, "\n")
			assert.Regexp(t, `^( |[A-Z-]+[:;])`, line)
		}
	}
	got := strings.ReplaceAll(write(t, "ics", r), "\r\n ", "")
	assert.Contains(t, got, `Issued by a\, b\; c\\d\\x0ae.`)
}

// A renewal moves the event: its UID stays, its SEQUENCE grows.
func TestICSRenewal(t *testing.T) {
	field := func(r *check.Report, name string) string {
		_, rest, found := strings.Cut(write(t, "ics", r), "\r\n"+name+":")
		require.True(t, found)
		value, _, _ := strings.Cut(rest, "\r\n")
		return value
	}
	before := host("help.acme.example", "R12", 9*day, 90*day, check.Fail)
	after := host("help.acme.example", "R13", 89*day, 90*day, check.Pass)
	after.At = after.At.Add(time.Hour)
	assert.Equal(t, field(before, "UID"), field(after, "UID"))
	assert.Greater(t, field(after, "SEQUENCE"), field(before, "SEQUENCE"))
	assert.Equal(t, "20261201T100000Z", field(before, "DTSTART"))
	assert.Equal(t, "20270219T100000Z", field(after, "DTSTART"))
}

// Where the issuer says when to renew, that is the time, not ours.
func TestICSRenewalWindow(t *testing.T) {
	r := host("help.acme.example", "R13", 60*day, 90*day, check.Pass)
	window := float64(morning.Add(29 * day).Unix())
	r.Measures = append(r.Measures, check.Measure{Name: "cert_renewal_window_start_timestamp_seconds", Subject: "help.acme.example", Value: window})
	got := write(t, "ics", r)
	assert.Equal(t, 2, strings.Count(got, "BEGIN:VEVENT"))
	assert.Contains(t, got, "DTSTART:20261221T100000Z\r\nSUMMARY:Renew the certificate of help.acme.example\r\n")
}

var sampleLine = regexp.MustCompile(`^mailcheck_[a-z0-9_]+\{([a-z_]+="([^"\\]|\\[\\"n])*",?)*\} [0-9.]+\n$`)

// Whatever others publish, each format keeps its shape.
func FuzzFormats(f *testing.F) {
	f.Add("help.acme.example", "Let's Encrypt")
	f.Add("a|b'=\n\r\x00\"\\", "\xff;,\u2028")
	f.Add(strings.Repeat("猫", 200), strings.Repeat("\U0001f512", 90))
	f.Fuzz(func(t *testing.T, target, issuer string) {
		r := host(target, issuer, 9*day, 90*day, check.Fail, failed("cert.expiring", check.High, "Certificate expires soon", target, issuer))
		frame := &check.Report{Reports: []*check.Report{r, hostile()}}
		nagios := write(t, "nagios", frame)
		if strings.Count(nagios, "|") != 1 {
			t.Errorf("%q has more than our bar", nagios)
		}
		for line := range strings.Lines(nagios) {
			if line = strings.TrimSuffix(line, "\n"); line != report.Clean(line) {
				t.Errorf("%q would act on a terminal", line)
			}
		}
		for line := range strings.Lines(write(t, "prometheus", frame)) {
			if !strings.HasPrefix(line, "# ") && !sampleLine.MatchString(line) {
				t.Errorf("%q is no sample", line)
			}
		}
		ics := write(t, "ics", frame)
		for _, line := range strings.Split(strings.TrimSuffix(ics, "\r\n"), "\r\n") {
			if len(line) > 75 || !utf8.ValidString(line) || strings.ContainsAny(line, "\r\n") {
				t.Errorf("%q is no content line", line)
			}
		}
		var table strings.Builder
		if err := report.Write(&table, "text", frame, report.Options{Hosts: true, Width: 60}); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(table.String()) {
			if line = strings.TrimSuffix(line, "\n"); line != report.Clean(line) {
				t.Errorf("%q would act on a terminal", line)
			}
		}
	})
}
