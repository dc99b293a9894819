package mailcheck_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
)

// A cache that checks share keeps what other domains may ask for too, and drops a
// domain's own names when its check ends.
func TestDiscover_sharedCache(t *testing.T) {
	world := dnstest.Must(`
acme.example.       TXT "v=spf1 include:_spf.mail.example include:_spf.acme.example -all"
acme.example.       MX  10 mx.mail.example.
_spf.acme.example.  TXT "v=spf1 ip4:203.0.113.1 -all"
other.example.      TXT "v=spf1 include:_spf.mail.example -all"
_spf.mail.example.  TXT "v=spf1 ip4:192.0.2.0/24 -all"
mx.mail.example.    A   192.0.2.1`)
	c := mailcheck.Checker{Resolver: &dnsx.Cache{Next: world}, Offline: true}
	for _, domain := range []string{"acme.example", "other.example", "acme.example"} {
		f, err := c.Discover(t.Context(), mailcheck.Target{Domain: domain})
		require.NoError(t, err)
		assert.NotEmpty(t, f.SPF)
	}
	asked := map[dnsx.Question]int{}
	for _, q := range world.Asked() {
		asked[q]++
	}
	for q, want := range map[dnsx.Question]int{
		dnsx.Q("acme.example", dnsx.TypeTXT):      2,
		dnsx.Q("_spf.acme.example", dnsx.TypeTXT): 2,
		dnsx.Q("_spf.mail.example", dnsx.TypeTXT): 1,
		dnsx.Q("mx.mail.example", dnsx.TypeA):     1,
		dnsx.Q(".", dnsx.TypeNS):                  1,
	} {
		assert.Equal(t, want, asked[q], "%s", q)
	}
}

// BenchmarkDiscover is what a check costs of many that share a cache: all that the
// domain names is asked anew, and what it shares with others is kept.
func BenchmarkDiscover(b *testing.B) {
	world := dnstest.Must(`
acme.example.                       SOA ns.acme.example. hostmaster.acme.example. 1 7200 3600 1209600 3600
acme.example.                       MX  10 mx.mail.example.
acme.example.                       TXT "v=spf1 include:_spf.mail.example -all"
s1._domainkey.acme.example.         TXT "v=DKIM1; p="
_dmarc.acme.example.                TXT "v=DMARC1; p=reject; rua=mailto:d@acme.example"
parked.example.                     SOA ns.parked.example. hostmaster.parked.example. 1 7200 3600 1209600 3600
_spf.mail.example.                  TXT "v=spf1 ip4:192.0.2.0/24 -all"
mx.mail.example.                    A   192.0.2.1`)
	next := dnsx.ResolverFunc(world.Resolve) // without the list of names
	for _, bench := range []struct {
		name  string
		cache *dnsx.Cache
	}{
		{"all", &dnsx.Cache{Next: next}},
		{"cuts", &dnsx.Cache{Next: next, CutAfter: 2, ParentsFirst: true}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			c := mailcheck.Checker{Resolver: bench.cache, Offline: true}
			b.ReportAllocs()
			for b.Loop() {
				for _, domain := range []string{"acme.example", "parked.example"} {
					if _, err := c.Discover(b.Context(), mailcheck.Target{Domain: domain}); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

// Records of the obsolete type SPF are asked for where all is wanted that can be known,
// and of zone files; other domains pay nothing for them.
func TestDiscover_type99(t *testing.T) {
	const zone = "acme.example. A 192.0.2.1"
	q := dnsx.Q("acme.example", dnsx.TypeSPF)
	for name, tt := range map[string]struct {
		deep, listed, want bool
	}{
		"of name servers": {}, "deep": {deep: true, want: true}, "of a zone file": {listed: true, want: true},
	} {
		r := dnstest.Must(zone)
		c := mailcheck.Checker{Resolver: r, Offline: true, Deep: tt.deep}
		if tt.listed {
			c.Resolver = r.Listing()
		}
		_, err := c.Discover(t.Context(), mailcheck.Target{Domain: "acme.example"})
		require.NoError(t, err)
		assert.Equal(t, tt.want, slices.Contains(r.Asked(), q), name)
	}
}
