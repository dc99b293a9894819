package report_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/report"
)

const day = 24 * time.Hour

var morning = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// host is the report of one host with a certificate.
func host(target, issuer string, left, lifetime time.Duration, o check.Outcome, failed ...check.Result) *check.Report {
	end := float64(morning.Add(left).Unix())
	r := &check.Report{
		Schema: check.ReportSchema, Tool: "mailcheck v0.0.0", Target: target, At: morning,
		Results: append([]check.Result{{ID: "cert.chain-order", Outcome: check.Pass, Severity: check.Low, Title: "Chain is out of order"}}, failed...),
		Measures: []check.Measure{
			{Name: "cert_not_before_timestamp_seconds", Subject: target, Unit: "seconds", Value: end - lifetime.Seconds()},
			{Name: "cert_not_after_timestamp_seconds", Subject: target, Unit: "seconds", Value: end},
			{
				Name: "cert_left_seconds", Subject: target, Unit: "seconds", Value: max(left, 0).Seconds(), Limit: ptr(lifetime.Seconds()),
				Warn: ptr(lifetime.Seconds() / 3), Crit: ptr(lifetime.Seconds() / 6), Falling: true, Outcome: o,
			},
			{Name: "cert_lifetime_remaining_ratio", Subject: target, Unit: "ratio", Value: max(left, 0).Seconds() / lifetime.Seconds()},
			{Name: "cert_addresses", Subject: target, Value: 2},
			{Name: "cert_addresses_seen", Subject: target, Value: 2},
			{Name: "cert_info", Subject: target, Value: 1, Labels: map[string]string{"issuer": issuer}},
		},
	}
	r.Count()
	return r
}

func failed(id string, s check.Severity, title, subject, detail string) check.Result {
	return check.Result{ID: id, Outcome: check.Fail, Severity: s, Title: title, Findings: []check.Finding{{Subject: subject, Severity: s, Detail: check.Textf("%s", detail)}}}
}

// certs is what a run over many hosts gives.
func certs() *check.Report {
	expired := host("old.acme.example", "DigiCert Global G2 TLS RSA SHA256 2020 CA1", -3*day, 397*day, check.Fail,
		failed("cert.expired", check.Critical, "Certificate is expired", "old.acme.example", "the certificate at all addresses expired on 2026-11-19, 3 days ago"))
	soon := host("help.acme.example", "Let's Encrypt R13", 11*day, 90*day, check.Fail,
		failed("cert.expiring", check.High, "Certificate expires soon", "help.acme.example", "the certificate at 192.0.2.1 and 192.0.2.2 expires in 11 days, on 2026-12-03; 12% of its lifetime of 90 days is left"))
	partly := host("half.acme.example", "Let's Encrypt R12", 70*day, 90*day, check.Pass, check.Result{
		ID: "cert.expired", Outcome: check.Unknown, Severity: check.Critical, Title: "Certificate is expired",
		Gaps: []check.Gap{{Subject: "half.acme.example:443 at 2001:db8::9", Why: check.Failed, Cause: errors.New("connection refused")}},
	})
	partly.Measures[5].Value = 1
	soon.Measures[4].Value = 4
	mismatch := host("mail.acme.example:465", "Sectigo Public Server Authentication CA DV R36", 150*day, 199*day, check.Pass,
		failed("cert.name-mismatch", check.High, "Certificate is for other names", "mail.acme.example:465", "the certificate is for www.acme.example"),
		failed("cert.rsa-small", check.Low, "RSA key is small", "mail.acme.example:465", "2048 bits"))
	silent := &check.Report{Target: "gone.acme.example", At: morning, Results: []check.Result{{
		ID: "cert.expired", Outcome: check.Unknown, Severity: check.Critical, Title: "Certificate is expired",
		Gaps: []check.Gap{{Subject: "gone.acme.example:443 at 192.0.2.9", Why: check.Failed, Cause: errors.New("connecting timed out")}},
	}}}
	missing := &check.Report{Target: "typo.acme.example", At: morning, Results: []check.Result{
		failed("cert.no-address", check.High, "Host has no address", "typo.acme.example", "typo.acme.example does not exist (NXDOMAIN)"),
	}}
	frame := &check.Report{Reports: []*check.Report{
		host("www.acme.example", "Let's Encrypt E7", 61*day, 90*day, check.Pass),
		silent, expired,
		host("short.acme.example", "Let's Encrypt YE1", 4*day+13*time.Hour, 6*day+16*time.Hour, check.Pass),
		host("hour.acme.example", "step-ca", 17*time.Hour, 24*time.Hour, check.Pass),
		mismatch, soon,
		host("support.acme.example", "Google Trust Services WE1", 24*day, 90*day, check.Note,
			failed("cert.expiring", check.Medium, "Certificate expires soon", "support.acme.example", "the certificate at all addresses expires in 24 days")),
		missing, partly,
		host("a-very-long-name-of-a-branch-office-in-the-north.helpcenter.acme.example:8443", "認証局株式会社 TLS CA 1", 188*day, 199*day, check.Pass),
	}}
	for _, r := range frame.Reports {
		r.Count()
	}
	return frame
}

func TestHostsTable(t *testing.T) {
	short := certs()
	short.Reports = short.Reports[:10] // without the long name
	tests := []struct {
		name   string
		report *check.Report
		opts   report.Options
	}{
		{"hosts-40", short, report.Options{Width: 40}},
		{"hosts-80", short, report.Options{}},
		{"hosts-160", short, report.Options{Width: 160, Color: true}},
		{"hosts-long", certs(), report.Options{}},
		{"hosts-long-160", certs(), report.Options{Width: 160}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.opts.Hosts = true
			var b strings.Builder
			require.NoError(t, report.Write(&b, "text", tt.report, tt.opts))
			golden(t, "testdata/"+tt.name+".text.golden", []byte(b.String()))
		})
	}
}

func TestHostsTable_fits(t *testing.T) {
	for width := 40; width <= 160; width++ {
		var b strings.Builder
		require.NoError(t, report.Write(&b, "text", certs(), report.Options{Width: width, Hosts: true}))
		for line := range strings.Lines(b.String()) {
			line = strings.TrimSuffix(line, "\n")
			wide := len([]rune(line))
			for _, r := range line {
				if r >= 0x3000 {
					wide++
				}
			}
			assert.LessOrEqual(t, wide, width, line)
		}
	}
}

func TestHostsTable_oneHost(t *testing.T) {
	var table, whole strings.Builder
	one := &check.Report{Reports: certs().Reports[:1]}
	require.NoError(t, report.Write(&table, "text", one, report.Options{Hosts: true}))
	require.NoError(t, report.Write(&whole, "text", one, report.Options{}))
	assert.Equal(t, whole.String(), table.String(), "one host has its whole report")
}

func TestHostsTable_bounds(t *testing.T) {
	var many []check.Result
	for _, id := range []string{"cert.a", "cert.b", "cert.c", "cert.d", "cert.e"} {
		many = append(many, failed(id, check.Low, "A rule", "a.example", "x"))
	}
	frame := &check.Report{Reports: []*check.Report{
		host("a.example", "CA", 60*day, 90*day, check.Pass, many...),
		{Target: "b.example"}, // nothing is known, and not why
		{Target: "c.example", Measures: []check.Measure{{Name: "cert_left_seconds", Subject: "c.example", Limit: ptr(0.0)}}},
	}}
	var b strings.Builder
	require.NoError(t, report.Write(&b, "text", frame, report.Options{Hosts: true}))
	assert.Equal(t, `    host       addr  issuer            left  expires
  ! a.example     2  CA      █████░░░  60 d  2027-01-21
      low       A rule [cert.a]
      low       A rule [cert.b]
      low       A rule [cert.c]
      … and 2 more

  ? b.example  no certificate was seen
  ? c.example  no certificate was seen

  3 hosts · 2 not known · 1 fine
`, b.String())
}
