package report_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/report"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(file, got, 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got), "%s: read the difference, then run with -update", file)
}

func ptr[T any](v T) *T { return &v }

// sample has one of everything.
func sample() *check.Report {
	r := &check.Report{
		Schema: check.ReportSchema, Tool: "mailcheck v0.0.0", Target: "acme.example",
		At:   time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC),
		Role: &check.Role{Word: "sends", Why: check.Textf("its SPF record names %d senders", 2)},
		Answers: []check.Answer{
			{ID: "forge", Question: check.Textf("Can others forge this domain?"), Answer: "yes", Outcome: check.Fail, Text: check.Textf("DMARC asks receivers to do nothing about mail that fails (p=none)."), Rules: []string{"dmarc.p-none"}},
			{ID: "own-mail", Question: check.Textf("Will your own mail pass?"), Answer: "unknown", Outcome: check.Unknown, Text: check.Textf("The SPF record of mail.zendesk.com could not be read.")},
		},
		Overview: []check.Overview{
			{Area: "spf", Title: "SPF", Text: check.Textf("%d of 10 lookups, ends in %s; Zendesk, Microsoft 365", 3, "-all")},
			{Area: "dmarc", Title: "DMARC", Text: check.Textf("p=none, reports to dmarc@acme.example")},
		},
		Results: []check.Result{
			{ID: "spf.missing", Outcome: check.Pass, Severity: check.High, Title: "No SPF record", Cite: []check.Cite{check.RFC(7208, "4.5")}},
			{ID: "spf.lookup-limit", Outcome: check.Unknown, Severity: check.Critical, Title: "Too many lookups", Reason: check.Textf("x"), Cite: []check.Cite{check.RFC(7208, "4.6.4")}, Gaps: []check.Gap{{Subject: "TXT mail.zendesk.com", Why: check.Failed, Cause: errors.New("TXT mail.zendesk.com timed out at 192.0.2.53:53")}}},
			{ID: "spf.void-lookups", Outcome: check.Unknown, Severity: check.High, Title: "Void lookups", Cite: []check.Cite{check.RFC(7208, "4.6.4")}, Gaps: []check.Gap{{Subject: "TXT mail.zendesk.com", Why: check.Failed, Cause: errors.New("TXT mail.zendesk.com timed out at 192.0.2.53:53")}, {Subject: "A mx.acme.example", Why: check.NotAsked}}},
			{ID: "dmarc.p-none", Outcome: check.Fail, Severity: check.Medium, Title: "p=none asks receivers to do nothing", Cite: []check.Cite{check.RFC(9989, "4.7")}, Findings: []check.Finding{{
				Subject: "_dmarc.acme.example", Severity: check.Medium, Detail: check.Textf("the policy is none since nobody changed it"),
				Evidence: []check.Evidence{{Source: "TXT _dmarc.acme.example", Text: "v=DMARC1; p=none; rua=mailto:dmarc@acme.example"}},
				Fix:      &check.Fix{Summary: check.Textf("Review the reports, then move to quarantine or reject.")},
			}}},
			{ID: "mx.no-ipv6", Outcome: check.Note, Severity: check.Info, Title: "No IPv6", Cite: []check.Cite{check.RFC(5321, "5.1")}, Findings: []check.Finding{{Subject: "acme.example", Severity: check.Info, Detail: check.Textf("no MX host has an IPv6 address")}}},
			{ID: "mx.null", Outcome: check.NotApplicable, Severity: check.Info, Title: "Null MX", Cite: []check.Cite{check.RFC(7505, "3")}},
		},
		Repairs:  []check.Repair{{Change: check.Change{Name: "_dmarc.acme.example", Type: "TXT", Old: []string{"v=DMARC1; p=none"}, New: []string{"v=DMARC1; p=none; rua=mailto:dmarc@acme.example"}}, Cures: []string{"dmarc.rua-missing"}}},
		Measures: []check.Measure{{Name: "spf_lookups", Subject: "acme.example", Value: 3, Limit: ptr(10.0), Outcome: check.Pass}},
	}
	r.Count()
	return r
}

// deadServer is a report in which every question failed in the same way.
func deadServer() *check.Report {
	r := &check.Report{Target: "acme.example"}
	for _, q := range []string{"SOA acme.example", "MX acme.example", "TXT acme.example", "TXT _dmarc.acme.example", "TXT _mta-sts.acme.example"} {
		gap := check.Gap{Subject: q, Why: check.Failed, Cause: errors.New(q + " timed out at 192.0.2.53:53")}
		r.Results = append(r.Results, check.Result{ID: "a." + strings.ToLower(q[:2]), Outcome: check.Unknown, Severity: check.High, Title: "A rule", Gaps: []check.Gap{gap}})
	}
	r.Results = append(r.Results, check.Result{ID: "b.other", Outcome: check.Unknown, Severity: check.High, Title: "A rule", Gaps: []check.Gap{{Subject: "TXT x.example", Why: check.Failed, Cause: errors.New("TXT x.example got SERVFAIL at 192.0.2.53:53")}}})
	r.Count()
	return r
}

// hostile is a report in which everything that comes from outside is an attack
// on the terminal, the file or the reader.
func hostile() *check.Report {
	const evil = "a\x1b[2J\x1b]0;owned\x07\r\nfake line\t\x00\x7f\u0085\u202e\u2066\u200b\u200d\ufeff\xff\xfe%s%n<script>|`$(id)`\u2028end"
	r := sample()
	r.Target = evil
	r.Role.Why = check.Textf("because of %s", evil)
	r.Answers[0].Text = check.Textf("answer %s", evil)
	r.Overview[0].Text = check.Textf("overview %s", evil)
	r.Results[1].Gaps[0] = check.Gap{Subject: evil, Why: check.Failed, Cause: errors.New("cause " + evil)}
	f := &r.Results[3].Findings[0]
	f.Subject, f.Detail = evil, check.Textf("detail %s", evil)
	f.Evidence[0] = check.Evidence{Source: evil, Text: evil}
	f.Fix.Summary = check.Textf("do %s", evil)
	r.Results[4].Findings[0].Detail = check.Textf("note %s", evil)
	r.Repairs[0].Change = check.Change{Name: evil, Type: "TXT", Old: []string{evil}, New: []string{evil}}
	r.Measures[0].Subject = evil
	end := float64(r.At.Unix() + 86400)
	r.Measures = append(r.Measures,
		check.Measure{Name: "cert_not_after_timestamp_seconds", Subject: evil, Unit: "seconds", Value: end},
		check.Measure{Name: "cert_left_seconds", Subject: evil, Unit: "seconds", Value: 86400, Limit: ptr(90 * 86400.0), Warn: ptr(30 * 86400.0), Crit: ptr(15 * 86400.0), Falling: true, Outcome: check.Fail},
		check.Measure{Name: "cert_info", Subject: evil, Value: 1, Labels: map[string]string{"issuer": evil, "bad label}": "x", "target": "forged"}},
		check.Measure{Name: "bad name{}", Subject: "a", Value: 1},
		check.Measure{Name: "spf_lookups", Subject: strings.Repeat("long ", 100) + "'=", Value: 1},
		check.Measure{Name: "cert_not_after_timestamp_seconds", Subject: "y10k.example", Unit: "seconds", Value: 1e18},
	)
	return r
}

// accountOf is a report with a list, the reports of two domains and a host, and
// questions to a person.
func accountOf(domain *check.Report) *check.Report {
	person := check.Gap{Subject: "attestation desk.reviewed", Why: check.Person, Cause: errors.New("Has somebody looked?")}
	r := &check.Report{
		Schema: check.ReportSchema, Target: "acme.desk.example", At: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC),
		Sections: []check.Section{
			{Title: "Access", Lines: []check.Line{
				{Number: 7, Title: "Two factors are asked for", Rules: []string{"desk.two-factor"}},
				{Number: 12, Title: "Somebody reviews what is installed, and who asked for it, once a year", Rules: []string{"desk.reviewed"}},
				{Number: 13, Title: "Nobody judged this", Rules: []string{"desk.other"}},
			}},
			{Title: "Data and what becomes of it", Lines: []check.Line{
				{Number: 101, Title: "It is deleted", Rules: []string{"desk.deleted"}},
				{Title: "It is kept", Rules: []string{"desk.kept", "desk.deleted"}},
				{Title: "It is not there", Rules: []string{"desk.none"}},
				{Title: "Who sees it", Rules: []string{"desk.seen"}},
			}},
			{Title: "Not judged", Lines: []check.Line{{Title: "Nothing", Rules: []string{"desk.other"}}}},
		},
		Results: []check.Result{
			{ID: "desk.two-factor", Outcome: check.Fail, Severity: check.Critical, Title: "No second factor", Findings: []check.Finding{
				{Subject: "acme.desk.example", Severity: check.Critical, Detail: check.Textf("it is off"), Fix: &check.Fix{Summary: check.Textf("Turn it on.")}},
				{Subject: "shop.desk.example", Severity: check.Critical, Detail: check.Textf("it is off too"), Fix: &check.Fix{Summary: check.Textf("Turn it on.")}},
			}},
			{ID: "desk.reviewed", Outcome: check.Unknown, Severity: check.Low, Title: "Nobody reviews", Gaps: []check.Gap{person}},
			{ID: "desk.deleted", Outcome: check.Pass, Attested: &check.Attested{By: "Ada", Until: time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)}},
			{ID: "desk.kept", Outcome: check.Note},
			{ID: "desk.none", Outcome: check.NotApplicable},
			{ID: "desk.seen", Outcome: check.Unknown, Severity: check.High, Title: "All see it", Gaps: []check.Gap{
				{Subject: "GET /seen", Why: check.NotShown, Cause: errors.New("this was refused to the credentials: it needs the role admin")},
			}},
		},
		Reports: append([]*check.Report{domain}, certs().Reports[:2]...),
	}
	r.Count()
	return r
}

func TestGolden(t *testing.T) {
	ja := check.Translation{"dmarc.p-none": "p=none は受信側に何も求めません（レポートを確認してから、quarantine または reject に変更してください）", "What to mend": "直すべき点", "medium": "中"}
	parked := &check.Report{
		Target: "parked.example", Role: &check.Role{Word: "parked", Why: check.Textf("a null MX and v=spf1 -all"), Short: true},
		Answers:  []check.Answer{{Question: check.Textf("Can others forge this domain?"), Answer: "no", Outcome: check.Pass, Text: check.Textf("DMARC rejects everything.")}},
		Overview: []check.Overview{{Area: "spf", Title: "SPF", Text: check.Textf("v=spf1 -all")}},
	}
	tests := []struct {
		name, format string
		report       *check.Report
		opts         report.Options
	}{
		{"sample", "text", sample(), report.Options{}},
		{"sample-wide", "text", sample(), report.Options{Width: 160, Color: true}},
		{"sample-ja", "text", sample(), report.Options{Lang: ja, Width: 60}},
		{"parked", "text", parked, report.Options{}},
		{"several", "text", &check.Report{Reports: []*check.Report{sample(), parked}}, report.Options{}},
		{"sample", "json", sample(), report.Options{}},
		{"several", "ndjson", &check.Report{Reports: []*check.Report{sample(), parked}}, report.Options{}},
		{"dead-server", "text", deadServer(), report.Options{}},
		{"hostile", "text", hostile(), report.Options{}},
		{"hostile", "json", hostile(), report.Options{}},
		{"hostile", "nagios", hostile(), report.Options{What: "domain"}},
		{"hostile", "prometheus", hostile(), report.Options{}},
		{"hostile", "ics", hostile(), report.Options{}},
		{"account", "text", accountOf(sample()), report.Options{}},
		{"account-narrow", "text", accountOf(sample()), report.Options{Width: 40, Lang: check.Translation{"Data and what becomes of it": "データとその行方、保存と削除", "It is kept": "保存されています（期限と理由を記録してください）", "pending": "要回答", "critical": "緊急"}}},
		{"account", "prometheus", accountOf(sample()), report.Options{What: "account"}},
		{"account", "nagios", accountOf(sample()), report.Options{What: "account"}},
		{"hostile-account", "text", hostileAccount(), report.Options{}},
		{"hostile-hosts", "text", &check.Report{Reports: []*check.Report{hostile(), hostile()}}, report.Options{Hosts: true}},
		{"sample", "nagios", sample(), report.Options{What: "domain"}},
		{"sample", "prometheus", sample(), report.Options{}},
		{"dead-server", "nagios", deadServer(), report.Options{What: "domain"}},
		{"hosts", "nagios", certs(), report.Options{What: "cert"}},
		{"hosts", "prometheus", certs(), report.Options{What: "cert"}},
		{"hosts", "ics", certs(), report.Options{}},
		{"nothing", "nagios", &check.Report{Reports: []*check.Report{{Target: "acme.example"}}}, report.Options{}},
		{"nothing", "prometheus", &check.Report{Reports: []*check.Report{{Target: "acme.example"}}}, report.Options{}},
		{"nothing", "ics", &check.Report{Reports: []*check.Report{{Target: "acme.example"}}}, report.Options{}},
	}
	for _, tt := range tests {
		t.Run(tt.name+"."+tt.format, func(t *testing.T) {
			var got bytes.Buffer
			require.NoError(t, report.Write(&got, tt.format, tt.report, tt.opts))
			golden(t, "testdata/"+tt.name+"."+tt.format+".golden", got.Bytes())
		})
	}
}

func hostileAccount() *check.Report {
	r := accountOf(hostile())
	evil := r.Reports[0].Target
	r.Target, r.Sections[0].Title, r.Sections[0].Lines[0].Title = evil, evil, evil
	r.Results[1].Gaps[0].Cause = errors.New(evil)
	r.Results[2].Attested.By = evil
	return r
}

func TestHostileTextIsHarmless(t *testing.T) {
	var got bytes.Buffer
	require.NoError(t, report.Write(&got, "text", hostile(), report.Options{}))
	require.NoError(t, report.Write(&got, "text", hostileAccount(), report.Options{}))
	for line := range strings.Lines(got.String()) {
		line = strings.TrimSuffix(line, "\n")
		assert.Equal(t, line, report.Clean(line), "something of this line would act on a terminal")
		assert.NotRegexp(t, `^(fake|end)`, line, "a value began a line")
	}
}

func TestJSONReadsBack(t *testing.T) {
	var first, second bytes.Buffer
	require.NoError(t, report.Write(&first, "json", sample(), report.Options{}))
	var again check.Report
	require.NoError(t, json.Unmarshal(first.Bytes(), &again))
	require.NoError(t, report.Write(&second, "json", &again, report.Options{}))
	assert.Equal(t, first.String(), second.String())
}

func TestClean(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"plain text stays", "v=spf1 -all ✓ 日本語 é", "v=spf1 -all ✓ 日本語 é"},
		{"C0 and DEL", "a\x1b[0m\x7f\n", `a\x1b[0m\x7f\x0a`},
		{"C1 by its octets", "\u009b", `\xc2\x9b`},
		{"bidirectional marks", "\u202e\u2066", `\xe2\x80\xae\xe2\x81\xa6`},
		{"no width", "a\u200b\ufeffb", `a\xe2\x80\x8b\xef\xbb\xbfb`},
		{"no UTF-8", "\xff\xc3", `\xff\xc3`},
		{"a replacement character that was published", "\ufffd", "\ufffd"},
		{"tag characters", "\U000e0041", `\xf3\xa0\x81\x81`},
	}
	for _, tt := range tests {
		assert.Equal(t, tt.want, report.Clean(tt.in), tt.name)
	}
}

func TestUnknownFormat(t *testing.T) {
	require.ErrorContains(t, report.Write(nil, "xml", sample(), report.Options{}), "text, json, ndjson")
}

func FuzzTextIsHarmless(f *testing.F) {
	f.Add("a\x1b[2J", 80)
	f.Add(strings.Repeat("漢", 100)+"\xff", 40)
	f.Fuzz(func(t *testing.T, s string, width int) {
		r := sample()
		r.Results[3].Findings[0].Evidence[0].Text = s
		r.Results[3].Findings[0].Subject = s
		var got bytes.Buffer
		require.NoError(t, report.Write(&got, "text", r, report.Options{Width: min(width, 500)}))
		for line := range strings.Lines(got.String()) {
			line = strings.TrimSuffix(line, "\n")
			if line != report.Clean(line) {
				t.Errorf("%q is not harmless", line)
			}
		}
	})
}

// A short report says in a line what nobody asked, and a fault of low severity is no
// check mark.
func TestShortReport(t *testing.T) {
	r := &check.Report{
		Target: "parked.example", Role: &check.Role{Word: "parked", Why: check.Textf("nothing names a sender"), Short: true},
		Overview: []check.Overview{{Area: "spf", Title: "SPF", Text: check.Textf("no record")}},
		Results: []check.Result{
			{ID: "spf.missing", Outcome: check.Fail, Severity: check.Low, Title: "No SPF record", Findings: []check.Finding{{Subject: "parked.example", Detail: check.Textf("no record")}}},
			{ID: "spf.multiple", Outcome: check.Pass, Severity: check.High},
			{ID: "dmarc.missing", Outcome: check.Unknown, Severity: check.High, Gaps: []check.Gap{{Subject: "TXT _dmarc.example", Why: check.NotAsked}, {Subject: "TXT _dmarc.test", Why: check.NotAsked}}},
		},
	}
	r.Count()
	write := func() string {
		var b strings.Builder
		require.NoError(t, report.Write(&b, "text", r, report.Options{}))
		return b.String()
	}
	assert.Contains(t, write(), "\n\n  ! SPF  no record\n  ? TXT _dmarc.example and 1 more were not asked: dmarc.missing\n")
	r.Results[2].Gaps[0].Why = check.Failed
	assert.Contains(t, write(), "What could not be known", "a question that failed is told at length")
	r.Results[2].Gaps = nil
	assert.NotPanics(t, func() { write() })
}

func TestNarrowText(t *testing.T) {
	var b strings.Builder
	require.NoError(t, report.Write(&b, "text", sample(), report.Options{Width: 40}))
	head, _, _ := strings.Cut(b.String(), "What to mend")
	for _, line := range strings.Split(head, "\n") {
		assert.LessOrEqual(t, len([]rune(line)), 40, line)
	}
}
