package spf_test

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/spf"
)

func decide(t *testing.T, zone string, prefixes ...string) spf.Decision {
	t.Helper()
	f, err := spf.Discover(context.Background(), dnstest.Must(zone), "acme.example", spf.Options{})
	require.NoError(t, err)
	var all []netip.Prefix
	for _, p := range prefixes {
		all = append(all, netip.MustParsePrefix(p))
	}
	return spf.Analyze(f).Decide(all)
}

func acme(term string) spf.Step { return spf.Step{Name: "acme.example", Term: term} }

func stepB(term string) spf.Step { return spf.Step{Name: "b.example", Term: term} }

// RFC 7208, 5: an IPv4-mapped address is one of IPv4, to Decide as to CheckHost.
func TestDecideMapped(t *testing.T) {
	const zone = `acme.example. TXT "v=spf1 ip4:192.0.2.0/24 ip6:::ffff:0:0/96 -all"`
	for _, p := range []string{"::ffff:192.0.2.0/120", "192.0.2.0/24"} {
		want := spf.Decision{Shares: []spf.Share{shareOf(spf.Pass, false, "192.0.2.0/24", acme("ip4:192.0.2.0/24"))}}
		assert.Equal(t, want, decide(t, zone, p), p)
	}
	client := netip.MustParseAddr("::ffff:192.0.2.1")
	v, err := spf.CheckHost(context.Background(), dnstest.Must(zone), spf.Session{IP: client, MailFrom: "acme.example"})
	require.NoError(t, err)
	assert.Equal(t, "ip4:192.0.2.0/24", v.Mechanism)
}

func shareOf(r spf.Result, open bool, prefix string, path ...spf.Step) spf.Share {
	return spf.Share{Result: r, Path: path, Open: open, Prefixes: []netip.Prefix{netip.MustParsePrefix(prefix)}}
}

func TestDecide(t *testing.T) {
	const all = "192.0.2.0/24"
	tests := []struct {
		name, zone string
		want       spf.Decision
	}{
		{
			"the first term that matches decides", `acme.example. TXT "v=spf1 ip4:192.0.2.0/25 -ip4:192.0.0.0/16 +all"`,
			spf.Decision{Shares: []spf.Share{shareOf(spf.Pass, false, "192.0.2.0/25", acme("ip4:192.0.2.0/25")), shareOf(spf.Fail, false, "192.0.2.128/25", acme("-ip4:192.0.0.0/16"))}},
		},
		{
			"a fail in an include is no match", "acme.example. TXT \"v=spf1 include:b.example ?all\"\nb.example. TXT \"v=spf1 -ip4:192.0.2.0/25 ip4:192.0.2.0/24 -all\"",
			spf.Decision{Shares: []spf.Share{shareOf(spf.Pass, false, "192.0.2.128/25", acme("include:b.example"), stepB("ip4:192.0.2.0/24")), shareOf(spf.Neutral, false, "192.0.2.0/25", acme("?all"))}},
		},
		{
			"no record behind an include", `acme.example. TXT "v=spf1 include:b.example ?all"`,
			spf.Decision{Shares: []spf.Share{shareOf(spf.PermError, false, all, acme("include:b.example"))}},
		},
		{
			"no term matches", `acme.example. TXT "v=spf1 ip4:198.51.100.1"`,
			spf.Decision{Shares: []spf.Share{shareOf(spf.Neutral, false, all, acme(""))}},
		},
		{
			"an open term before", `acme.example. TXT "v=spf1 -ptr ip4:192.0.2.0/24 -all"`,
			spf.Decision{Shares: []spf.Share{shareOf(spf.Pass, true, all, acme("ip4:192.0.2.0/24"))}, Open: []spf.Step{acme("-ptr")}},
		},
		{
			"an answer is missing", "acme.example. TXT \"v=spf1 include:b.example -all\"\nb.example. TXT !timeout",
			spf.Decision{Shares: []spf.Share{shareOf(spf.Fail, true, all, acme("-all"))}, Open: []spf.Step{acme("include:b.example")}},
		},
		{
			"redirect", "acme.example. TXT \"v=spf1 redirect=b.example\"\nb.example. TXT \"v=spf1 ip4:192.0.2.0/24 -all\"",
			spf.Decision{Shares: []spf.Share{shareOf(spf.Pass, false, all, acme("redirect=b.example"), stepB("ip4:192.0.2.0/24"))}},
		},
		{
			"no record", `acme.example. A 192.0.2.1`,
			spf.Decision{Shares: []spf.Share{shareOf(spf.None, false, all, acme(""))}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { assert.Equal(t, tt.want, decide(t, tt.zone, all)) })
	}
	assert.Equal(t, spf.Decision{}, decide(t, `acme.example. TXT "v=spf1 -all"`), "nobody asked for")
	assert.Empty(t, spf.Analyze(nil).Decide(nil).Shares, "no facts")
}

// The limits of RFC 7208, 4.6.4 count for each client alone.
func TestDecide_limits(t *testing.T) {
	circle := []spf.Step{acme("include:a.example")}
	for range 5 {
		circle = append(circle, spf.Step{Name: "a.example", Term: "include:b.example"}, stepB("include:a.example"))
	}
	tests := []struct {
		name, zone string
		want       spf.Decision
	}{
		{
			"an a", "acme.example. TXT \"v=spf1 a:b.example -all\"\nb.example. A 192.0.2.0",
			spf.Decision{Shares: []spf.Share{
				shareOf(spf.Pass, false, "192.0.2.0/32", acme("a:b.example")),
				shareOf(spf.Fail, false, "192.0.2.1/32", acme("-all")),
			}},
		},
		{
			"the eleventh lookup", "acme.example. TXT \"v=spf1 ip4:192.0.2.1" + strings.Repeat(" a:b.example", 11) + " +all\"\nb.example. A 198.51.100.1",
			spf.Decision{Shares: []spf.Share{
				shareOf(spf.Pass, false, "192.0.2.1/32", acme("ip4:192.0.2.1")), shareOf(spf.PermError, false, "192.0.2.0/32", acme("a:b.example")),
			}},
		},
		{
			"the third void lookup", `acme.example. TXT "v=spf1 a:x.example a:y.example a:z.example +all"`,
			spf.Decision{Shares: []spf.Share{shareOf(spf.PermError, false, "192.0.2.0/31", acme("a:z.example"))}},
		},
		{
			// b is first come to from within the circle, and there it ends in an error for whoever
			// is still in it.
			"a circle that some leave", "acme.example. TXT \"v=spf1 include:a.example include:b.example ?all\"\n" +
				"a.example. TXT \"v=spf1 -ip4:192.0.2.1 include:b.example\"\nb.example. TXT \"v=spf1 include:a.example\"",
			spf.Decision{Shares: []spf.Share{
				shareOf(spf.PermError, false, "192.0.2.0/32", circle...), shareOf(spf.Neutral, false, "192.0.2.1/32", acme("?all")),
			}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { assert.Equal(t, tt.want, decide(t, tt.zone, "192.0.2.0/31")) })
	}
	got := decide(t, `acme.example. TXT "v=spf1 -all"`, "192.0.2.0/31", "2001:db8::/32")
	assert.Len(t, got.Shares, 1, "both families come to the same term")
}

// decidedLikeCheckHost holds the decision of a made-up zone against check_host for each client.
func decidedLikeCheckHost(t *testing.T, seed uint64) (sure int) {
	t.Helper()
	w := &wood{Rand: rand.New(rand.NewPCG(seed, 11)), wild: seed%3 == 0, odd: seed%5 == 1, names: 2 + int(seed%6)}
	zone := w.zone()
	r := dnstest.Must(zone)
	facts, err := spf.Discover(context.Background(), r, "acme.example", spf.Options{})
	require.NoError(t, err)
	d := spf.Analyze(facts).Decide([]netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")})
	require.False(t, d.Full)
	for _, ip := range clients() {
		var got []spf.Share
		for _, s := range d.Shares {
			for _, p := range s.Prefixes {
				if p.Contains(ip) {
					got = append(got, s)
				}
			}
		}
		require.Len(t, got, 1, "seed %d, %s\n%s", seed, ip, zone)
		if got[0].Open {
			require.NotEmpty(t, d.Open)
			continue
		}
		sure++
		v, err := spf.CheckHost(context.Background(), r, spf.Session{IP: ip, MailFrom: "user@acme.example", Helo: "helo.example"})
		require.NoError(t, err)
		require.Equal(t, v.Result, got[0].Result, "seed %d, %s by %v (%v)\n%s", seed, ip, got[0].Path, v.Problem, zone)
	}
	return sure
}

func TestDecideIsCheckHost(t *testing.T) {
	sure := 0
	for seed := range uint64(200) {
		sure += decidedLikeCheckHost(t, seed)
	}
	require.Greater(t, sure, 10_000)
}

func FuzzDecide(f *testing.F) {
	for seed := range uint64(6) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) { decidedLikeCheckHost(t, seed) })
}
