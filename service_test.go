package mailcheck_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck"
	"github.com/mailcheck-go/mailcheck/dmarc"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/provider"
)

// How a domain stands with Zendesk, which wants its include itself and two DKIM
// records, and sends from two ranges.
func TestUseOf(t *testing.T) {
	const others = `
mail.zendesk.com. TXT "v=spf1 ip4:203.0.113.0/24 ip6:2001:db8::/32 -all"
zendesk1._domainkey.zendesk.com. TXT "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
`
	tests := []struct {
		name, zone string
		want       string // include, coverage, states of the keys, policy
	}{
		{"nothing", `acme.example. A 192.0.2.1`, "- none absent absent off"},
		{"no such domain", ``, "- none absent absent off gone"},
		{"the include itself", `acme.example. TXT "v=spf1 include:mail.zendesk.com -all"`, "own all absent absent off"},
		{"in another's record", `acme.example. TXT "v=spf1 include:_spf.acme.example -all"
_spf.acme.example. TXT "v=spf1 include:mail.zendesk.com -all"`, "_spf.acme.example all absent absent off"},
		{"its ranges, in pieces", `acme.example. TXT "v=spf1 ip4:203.0.113.0/25 ip4:203.0.113.128/25 ip6:2001:d00::/24 -all"`, "- all absent absent off"},
		{"a part of its ranges", `acme.example. TXT "v=spf1 ip4:203.0.113.0/25 -all"`, "- some absent absent off"},
		{"a record that is in error", `acme.example. TXT "v=spf1 include:mail.zendesk.com include:acme.example -all"`, "own none absent absent off error"},
		{"a part that did not answer", `acme.example. TXT "v=spf1 include:_spf.acme.example -all"
_spf.acme.example. TXT !timeout`, "- unknown absent absent off"},
		{"no answer at all", `* * !timeout`, "- unknown unknown unknown "},
		{"its key, and another's", `acme.example. A 192.0.2.1
zendesk1._domainkey.acme.example. CNAME zendesk1._domainkey.zendesk.com.
zendesk2._domainkey.acme.example. TXT "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
_dmarc.acme.example. TXT "v=DMARC1; p=reject"`, "- none usable other reject"},
		{"an end with nothing there", `acme.example. A 192.0.2.1
zendesk1._domainkey.acme.example. CNAME zendesk3._domainkey.zendesk.com.
zendesk2._domainkey.acme.example. CNAME zendesk2._domainkey.zendesk.com.
zendesk2._domainkey.zendesk.com. TXT "v=DKIM1; p="`, "- none dangling broken off"},
	}
	p := provider.Builtin().Get("zendesk")
	from := []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("2001:db8::/32")}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := mailcheck.Checker{Resolver: dnstest.Must(others + tt.zone), Offline: true}
			f, err := c.Discover(t.Context(), mailcheck.Target{Domain: "acme.example"})
			require.NoError(t, err)
			u := mailcheck.UseOf(f, p, from)
			got := []string{"-", string(u.Covered)}
			switch {
			case u.Literal:
				got[0] = "own"
			case u.Include != "":
				got[0] = u.In
			}
			for _, k := range u.Keys {
				got = append(got, string(k.State))
				assert.Equal(t, k.State == mailcheck.KeyUnknown, len(k.Gaps) > 0)
			}
			policy := string(u.Policy)
			if u.Policy == dmarc.Off {
				policy = "off"
			}
			got = append(got, policy)
			if u.NoDomain {
				got = append(got, "gone")
			}
			if !u.SPFError.IsZero() {
				got = append(got, "error")
			}
			assert.Equal(t, tt.want, strings.Join(got, " "))
			assert.Equal(t, u.Covered == mailcheck.CoveredUnknown, len(u.SPFGaps) > 0)
			assert.Equal(t, u.Policy == "", len(u.DMARCGaps) > 0)
		})
	}
}

func TestFurtherQuestions(t *testing.T) {
	c := mailcheck.Checker{Resolver: dnstest.Must(`zendeskverification.acme.example. TXT "0123"`), Offline: true}
	f, err := c.Discover(t.Context(), mailcheck.Target{Domain: "acme.example", Ask: []dnsx.Question{dnsx.Q("zendeskverification.acme.example", dnsx.TypeTXT)}})
	require.NoError(t, err)
	require.Len(t, f.DNS.Asked, 1)
	assert.Equal(t, "0123", f.DNS.Asked[0].Records()[0].Text())
}
