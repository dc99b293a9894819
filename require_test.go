package mailcheck_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck"
	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/provider"
)

// Whoever asks by which term a service is authorised is answered on success too.
func TestRequiredServices(t *testing.T) {
	type answer struct {
		id, answer, text string
		outcome          check.Outcome
		way              []check.Evidence
	}
	tests := []struct {
		name, zone string
		want       answer
	}{
		{
			"named in the record", `acme.example. TXT "v=spf1 include:mail.zendesk.com -all"`,
			answer{"authorized:zendesk", "yes", "By include:mail.zendesk.com in the record of acme.example.", check.Pass, []check.Evidence{
				{Source: "TXT acme.example", Text: "include:mail.zendesk.com"},
			}},
		},
		{
			"by way of another record", `acme.example. TXT "v=spf1 include:_spf.acme.example -all"
_spf.acme.example. TXT "v=spf1 include:mail.zendesk.com -all"`,
			answer{
				"authorized:zendesk", "yes", "By include:_spf.acme.example in the record of acme.example, include:mail.zendesk.com in the record of _spf.acme.example; " +
					"its own check looks for the include in the domain's own record.", check.Note, []check.Evidence{
					{Source: "TXT acme.example", Text: "include:_spf.acme.example"}, {Source: "TXT _spf.acme.example", Text: "include:mail.zendesk.com"},
				},
			},
		},
		{
			"in the record, behind another that names it too", `acme.example. TXT "v=spf1 include:_spf.acme.example include:mail.zendesk.com -all"
_spf.acme.example. TXT "v=spf1 include:mail.zendesk.com -all"`,
			answer{
				"authorized:zendesk", "yes", "By include:_spf.acme.example in the record of acme.example, include:mail.zendesk.com in the record of _spf.acme.example.", check.Pass, []check.Evidence{
					{Source: "TXT acme.example", Text: "include:_spf.acme.example"}, {Source: "TXT _spf.acme.example", Text: "include:mail.zendesk.com"},
				},
			},
		},
		{
			"by its addresses", `acme.example. TXT "v=spf1 ip4:203.0.113.0/25 ip4:203.0.113.128/25 ip4:198.51.100.1 -all"`,
			answer{
				"authorized:zendesk", "yes", "By its addresses: ip4:203.0.113.0/25 in the record of acme.example, ip4:203.0.113.128/25 in the record of acme.example; " +
					"its own check looks for include:mail.zendesk.com.", check.Note, []check.Evidence{
					{Source: "TXT acme.example", Text: "ip4:203.0.113.0/25"}, {Source: "TXT acme.example", Text: "ip4:203.0.113.128/25"},
				},
			},
		},
		{
			"not at all", `acme.example. TXT "v=spf1 ip4:198.51.100.1 -all"`,
			answer{"authorized:zendesk", "no", "No term of the SPF record names it, and none passes its addresses.", check.Fail, nil},
		},
		{
			"not known", `acme.example. TXT !timeout
acme.example. A 198.51.100.1`,
			answer{"authorized:zendesk", "unknown", "TXT acme.example timed out at dnstest.", check.Unknown, nil},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := mailcheck.Checker{Offline: true, Resolver: dnstest.Must(tt.zone + `
mail.zendesk.com. TXT "v=spf1 ip4:203.0.113.0/24 -all"`)}
			f, err := c.Discover(t.Context(), mailcheck.Target{Domain: "acme.example", Require: []string{"zendesk"}})
			require.NoError(t, err)
			for _, s := range []mailcheck.Settings{{}, {Require: []string{"zendesk", "zendesk"}}} {
				answers := mailcheck.Judge(f, s).Answers
				last := answers[len(answers)-1]
				got := answer{last.ID, last.Answer, last.Text.String(), last.Outcome, last.Evidence}
				assert.Equal(t, tt.want, got)
				assert.Len(t, answers, 4, "a service is answered for once")
			}
		})
	}
}

// The record that lets in what is required also cures what else can be cured.
func TestRequiredServiceIsRepaired(t *testing.T) {
	const others = `
mail.zendesk.com. TXT "v=spf1 ip4:203.0.113.0/24 -all"
sendgrid.net. TXT "v=spf1 ip4:198.51.100.0/24 -all"
`
	tests := []struct{ name, record, want, cures string }{
		{"in front of the all", "v=spf1 ip4:192.88.99.1 ~all", "v=spf1 ip4:192.88.99.1 include:mail.zendesk.com include:sendgrid.net ~all", "provider.not-authorized"},
		{"beside a fault", "v=spf1 ipv4:185.12.80.1 -all", "v=spf1 ip4:185.12.80.1 include:mail.zendesk.com include:sendgrid.net -all", "spf.unknown-mechanism"},
		{"in front of what is in the way", "v=spf1 -ip4:203.0.113.0/24 ?include:sendgrid.net -all", "v=spf1 include:mail.zendesk.com include:sendgrid.net -ip4:203.0.113.0/24 -all", "provider.not-authorized"},
		{"an error in which all are named", "v=spf1 include:mail.zendesk.com include:sendgrid.net ipv4:185.12.80.1 -all", "v=spf1 include:mail.zendesk.com include:sendgrid.net ip4:185.12.80.1 -all", "provider.not-authorized"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := mailcheck.Checker{Offline: true, Resolver: dnstest.Must(others + `acme.example. TXT "` + tt.record + `"`)}
			target := mailcheck.Target{Domain: "acme.example", Require: []string{"zendesk", "sendgrid"}}
			r, err := c.Check(t.Context(), target, mailcheck.Settings{Only: []string{"spf.*", "provider.not-authorized"}})
			require.NoError(t, err)
			require.Len(t, r.Repairs, 1)
			assert.Equal(t, []string{tt.want}, r.Repairs[0].New)
			assert.Contains(t, r.Repairs[0].Cures, tt.cures)
		})
	}
}

// A provider of the caller's own data with what is no name takes nothing from the rest.
func TestRequiredServiceWithoutNames(t *testing.T) {
	set, err := provider.Load([]byte(`[{"id": "own", "name": "Own", "kinds": ["mail"], "confidence": "high", "sources": ["https://example.com"], "spf": ["a..b", "own.example"]}]`))
	require.NoError(t, err)
	c := mailcheck.Checker{Resolver: dnstest.Must(`acme.example. TXT "v=spf1 include:own.example -all"` + "\n" + `own.example. TXT "v=spf1 ip4:192.0.2.1 -all"`), Providers: set}
	f, err := c.Discover(t.Context(), mailcheck.Target{Domain: "acme.example", Require: []string{"own"}})
	require.NoError(t, err)
	require.NotNil(t, f.SPF)
	assert.Len(t, f.SPF.Replies, 2)
}
