package spf_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/spf"
)

// passLikeCheckHost holds who may send by the analysis of a made-up zone against what a
// receiver says of each client. What is not known may only add where More says so, and only
// take away where Fewer does.
func passLikeCheckHost(t *testing.T, seed uint64) (exact int) {
	t.Helper()
	w := &wood{Rand: rand.New(rand.NewPCG(seed, 11)), wild: seed%2 == 0, odd: seed%5 < 2, names: 2 + int(seed%6)}
	zone := w.zone()
	r := dnstest.Must(zone)
	facts, err := spf.Discover(context.Background(), r, "acme.example", spf.Options{})
	require.NoError(t, err)
	a := spf.Analyze(facts)
	for _, ip := range clients() {
		v, err := spf.CheckHost(context.Background(), r, spf.Session{IP: ip, MailFrom: "user@acme.example", Helo: "helo.example"})
		require.NoError(t, err)
		if v.Result == spf.TempError {
			continue
		}
		passes, said := v.Result == spf.Pass, a.Passes(ip)
		if passes && !said && !a.More || !passes && said && !a.Fewer {
			t.Fatalf("seed %d: %s gets %s (%v), and the analysis says %v\n%s", seed, ip, v.Result, v.Problem, said, zone)
		}
	}
	if a.Exact() {
		return 1
	}
	return 0
}

func TestWhoMaySendIsWhoPasses(t *testing.T) {
	exact := 0
	for seed := range uint64(200) {
		exact += passLikeCheckHost(t, seed)
	}
	require.Greater(t, exact, 40)
}

func TestWhoMaySend(t *testing.T) {
	const others = `
s.example. TXT "v=spf1 ip4:192.0.2.200 -all"
everybody.example. TXT "v=spf1 +all"
halves.example. TXT "v=spf1 ip4:0.0.0.0/1 ip4:128.0.0.0/1 -all"
bad.example. TXT "v=spf1 ip4:1.2.3 -all"
h.example. A 192.0.2.1
h.example. AAAA 2001:db8::1
four.example. A 192.0.2.1
`
	mx := ""
	for i := range 11 {
		mx += fmt.Sprintf("acme.example. MX %d h.example.\n", i)
	}
	const v4, v6 = "4294967296", "18446744073709551615"
	tests := []struct{ name, txt, more, want string }{
		{"nobody", "-all", "", "0 0"},
		{"+all", "+all", "", v4 + " " + v6},
		{"behind an exception", "-ip4:192.0.2.0/24 all", "", "4294967040 " + v6},
		{"an include of +all", "include:everybody.example -all", "", v4 + " " + v6},
		{"a redirect to +all", "redirect=everybody.example", "", v4 + " " + v6},
		{"exists of what is there", "exists:h.example -all", "", v4 + " " + v6},
		{"halves", "include:halves.example -all", "", v4 + " 0"},
		{"what an earlier term takes out", "-ip4:192.0.2.0/25 ip4:192.0.2.0/24 -all", "", "128 0"},
		{"and an include", "-ip4:192.0.2.200 include:s.example -all", "", "0 0"},
		{"and ~", "~ip4:192.0.2.0/24 ip4:192.0.2.7 -all", "", "0 0"},
		{"what a later term would take out", "ip4:192.0.2.0/24 -ip4:192.0.2.0/25 -all", "", "256 0"},
		{"half a network of IPv6", "-ip6:2001:db8::/65 ip6:2001:db8::/63 -all", "", "0 2"},
		{"behind an include in error", "ip4:192.0.2.1 include:bad.example ip4:192.0.2.2 -all", "", "1 0"},
		{"behind a loop", "ip4:192.0.2.1 include:acme.example ip4:192.0.2.2 -all", "", "1 0"},
		{"an mx of eleven hosts", "mx ip4:192.0.2.2 -all", mx, "0 0"},
		{"a fault", "ip4:192.0.2.2 ip4:1.2.3 -all", "", "0 0"},
		{"ten lookups", "a:h.example a:h.example a:h.example a:h.example a:h.example a:h.example a:h.example a:h.example a:h.example a:h.example ip4:192.0.2.2 -all", "", "2 1"},
		{"the eleventh", "a:h.example a:h.example a:h.example a:h.example a:h.example a:h.example a:h.example a:h.example a:h.example a:h.example a:h.example ip4:192.0.2.2 -all", "", "1 1"},
		{"two void lookups", "a:x1.example a:x2.example ip4:192.0.2.9 -all", "", "1 0"},
		{"three", "a:x1.example a:x2.example a:x3.example ip4:192.0.2.9 -all", "", "0 0"},
		{"three for IPv6 clients", "a:four.example a:four.example a:four.example ip4:192.0.2.9 ip6:2001:db8::/64 -all", "", "2 0"},
		{"who may come by a macro", "ip4:192.0.2.9 exists:%{i}.x.example -all", "", "1 0 or more"},
		{"whom a macro may take out", "-exists:%{i}.x.example ip4:192.0.2.9 -all", "", "1 0 or fewer"},
		{"macros that may find nothing", "exists:%{i}.x.example exists:%{i}.y.example exists:%{i}.z.example ip4:192.0.2.9 -all", "", "1 0 or more or fewer"},
		{"whom an include may not neglect", "~include:macro.example ip4:192.0.2.9 -all", "macro.example. TXT \"v=spf1 ptr -all\"", "1 0 or more or fewer"},
		{"no answer", "ip4:192.0.2.9 include:slow.example -all", "slow.example. TXT !timeout", "1 0 or more"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := spf.Analyze(factsOf(t, others+`acme.example. TXT "v=spf1 `+tt.txt+"\"\n"+tt.more))
			got := fmt.Sprint(a.IPv4, " ", a.IPv6)
			if a.More {
				got += " or more"
			}
			if a.Fewer {
				got += " or fewer"
			}
			assert.Equal(t, tt.want, got)
		})
	}
}
