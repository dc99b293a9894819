package mailcheck_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/mailcheck-go/mailcheck"
	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
)

// A repair is shown only with what it cures when everything is judged again.
func TestRepairs(t *testing.T) {
	tests := []struct {
		name, zone string
		want       []check.Repair
	}{
		{
			"a parked domain is shut, its reports are kept",
			"acme.example. MX 0 .\nacme.example. TXT \"v=spf1 ~all\"\n_dmarc.acme.example. TXT \"v=DMARC1; p=none; rua=mailto:d@acme.example\"\n",
			[]check.Repair{
				{Change: check.Change{Name: "acme.example", Type: "TXT", Old: []string{"v=spf1 ~all"}, New: []string{"v=spf1 -all"}}, Cures: []string{"spf.nonsending-not-empty"}},
				{Change: check.Change{Name: "_dmarc.acme.example", Type: "TXT", Old: []string{"v=DMARC1; p=none; rua=mailto:d@acme.example"}, New: []string{"v=DMARC1; p=reject; sp=reject; np=reject; rua=mailto:d@acme.example"}}, Cures: []string{"dmarc.parked-weak"}},
			},
		},
		{
			"two faults of one record are cured by one record",
			"acme.example. MX 10 mx.acme.example.\nmx.acme.example. A 185.12.80.1\nacme.example. TXT \"v=spf1 mx ipv4:185.12.80.2 mx +all\"\n_dmarc.acme.example. TXT \"v=DMARC1; p=reject\"\n",
			[]check.Repair{
				{
					Change: check.Change{Name: "acme.example", Type: "TXT", Old: []string{"v=spf1 mx ipv4:185.12.80.2 mx +all"}, New: []string{"v=spf1 mx ip4:185.12.80.2 ~all"}},
					Cures:  []string{"spf.unknown-mechanism", "spf.all-pass", "spf.duplicate-term"},
				},
				{Change: check.Change{Name: "mx.acme.example", Type: "TXT", New: []string{"v=spf1 a -all"}}, Cures: []string{"spf.helo-missing"}},
			},
		},
		{
			"a domain that is gone, and an explanation that nobody gets",
			"acme.example. MX 10 mx.other.example.\nacme.example. TXT \"v=spf1 ip4:185.12.80.2 include:_spf.gone.example -all exp=why.acme.example\"\n_dmarc.acme.example. TXT \"v=DMARC1; p=reject\"\nmx.other.example. A 185.12.80.1\n",
			[]check.Repair{
				{
					Change: check.Change{Name: "acme.example", Type: "TXT", Old: []string{"v=spf1 ip4:185.12.80.2 include:_spf.gone.example -all exp=why.acme.example"}, New: []string{"v=spf1 ip4:185.12.80.2 -all"}},
					Cures:  []string{"spf.include-unregistered", "spf.include-none", "spf.exp-broken"},
				},
			},
		},
		{
			"an include that another brings goes, but not one that its service looks for",
			"acme.example. MX 10 mx.other.example.\nacme.example. TXT \"v=spf1 include:_spf.acme.example include:mail.zendesk.com include:_spf.more.example -all\"\n" +
				"_spf.acme.example. TXT \"v=spf1 include:mail.zendesk.com include:_spf.more.example -all\"\n_dmarc.acme.example. TXT \"v=DMARC1; p=reject\"\n" +
				"mail.zendesk.com. TXT \"v=spf1 ip4:192.161.144.0/20 -all\"\n_spf.more.example. TXT \"v=spf1 ip4:185.12.80.0/24 -all\"\nmx.other.example. A 185.12.80.1\n",
			[]check.Repair{
				{
					Change: check.Change{Name: "acme.example", Type: "TXT", Old: []string{"v=spf1 include:_spf.acme.example include:mail.zendesk.com include:_spf.more.example -all"}, New: []string{"v=spf1 include:_spf.acme.example include:mail.zendesk.com -all"}},
					Cures:  []string{"spf.include-twice"},
				},
				{
					Change: check.Change{Name: "zendesk1._domainkey.acme.example", Type: "CNAME", New: []string{"zendesk1._domainkey.zendesk.com"}},
					Cures:  []string{"dkim.no-domainkey-node", "provider.dkim-missing"},
				},
				{
					Change: check.Change{Name: "zendesk2._domainkey.acme.example", Type: "CNAME", New: []string{"zendesk2._domainkey.zendesk.com"}},
					Cures:  []string{"dkim.no-domainkey-node"},
				},
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rep := mailcheck.Judge(discover(t, dnstest.Must(tt.zone), "acme.example"), mailcheck.Settings{})
			assert.Equal(t, tt.want, rep.Repairs)
		})
	}
}
