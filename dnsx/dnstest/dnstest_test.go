package dnstest_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
)

const world = `
; the world of the tests
acme.example.            MX    10 mx.acme.example.
acme.example.            60 IN MX 20 mx2.acme.example.
acme.example.            TXT   "v=spf1 -all"
a.b.deep.acme.example.   A     192.0.2.1
www.acme.example.        CNAME acme.example.
far.acme.example.        CNAME www.acme.example.
out.acme.example.        CNAME nowhere.example.
late.acme.example.       CNAME slow.acme.example.
loop.acme.example.       CNAME pool.acme.example.
pool.acme.example.       CNAME loop.acme.example.
broken.acme.example.     CNAME \# 1 ff
*.shop.acme.example.     MX    10 mx.acme.example.
real.shop.acme.example.  A     192.0.2.2
*.moved.acme.example.    CNAME acme.example.
slow.acme.example.       TXT   !timeout
slow.acme.example.       A     192.0.2.3
refusing.acme.example.   *     !refused
half.acme.example.       MX    !servfail
net.acme.example.        A     !network
bad.acme.example.        A     !malformed
budget.acme.example.     A     !budget
offline.acme.example.    A     !not-asked
`

func TestResolver(t *testing.T) {
	tests := []struct {
		name   string
		q      dnsx.Question
		want   []string // records
		chain  []string
		denied dnsx.RCode // of an answer without records
		kind   dnsx.Kind  // of a failure
		rcode  dnsx.RCode // of a failure
	}{
		{
			name: "records", q: dnsx.Q("acme.example", dnsx.TypeMX),
			want: []string{"acme.example. 0 IN MX 10 mx.acme.example.", "acme.example. 60 IN MX 20 mx2.acme.example."},
		},
		{name: "no such type", q: dnsx.Q("acme.example", dnsx.TypeA)},
		{name: "a name above a record", q: dnsx.Q("deep.acme.example", dnsx.TypeA)},
		{name: "the root", q: dnsx.Q(".", dnsx.TypeNS)},
		{name: "no such name", q: dnsx.Q("none.acme.example", dnsx.TypeA), denied: dnsx.NXDomain},
		{name: "a name below a record", q: dnsx.Q("x.a.b.deep.acme.example", dnsx.TypeA), denied: dnsx.NXDomain},
		{
			name: "an alias", q: dnsx.Q("far.acme.example", dnsx.TypeTXT), want: []string{`acme.example. 0 IN TXT "v=spf1 -all"`},
			chain: []string{"far.acme.example. 0 IN CNAME www.acme.example.", "www.acme.example. 0 IN CNAME acme.example."},
		},
		{
			name: "the alias itself", q: dnsx.Q("far.acme.example", dnsx.TypeCNAME),
			want: []string{"far.acme.example. 0 IN CNAME www.acme.example."},
		},
		{
			name: "an alias to a name without the type", q: dnsx.Q("www.acme.example", dnsx.TypeA),
			chain: []string{"www.acme.example. 0 IN CNAME acme.example."},
		},
		{
			name: "an alias to nowhere", q: dnsx.Q("out.acme.example", dnsx.TypeA), denied: dnsx.NXDomain,
			chain: []string{"out.acme.example. 0 IN CNAME nowhere.example."},
		},
		{
			name: "an alias to a fault", q: dnsx.Q("late.acme.example", dnsx.TypeTXT), kind: dnsx.KindTimeout,
			chain: []string{"late.acme.example. 0 IN CNAME slow.acme.example."},
		},
		{
			name: "an unreadable alias", q: dnsx.Q("broken.acme.example", dnsx.TypeA), denied: dnsx.NXDomain,
			chain: []string{`broken.acme.example. 0 IN CNAME \# 1 ff`},
		},
		{name: "a wildcard", q: dnsx.Q("x.shop.acme.example", dnsx.TypeMX), want: []string{"x.shop.acme.example. 0 IN MX 10 mx.acme.example."}},
		{name: "a wildcard for two labels", q: dnsx.Q("y.x.shop.acme.example", dnsx.TypeMX), want: []string{"y.x.shop.acme.example. 0 IN MX 10 mx.acme.example."}},
		{name: "a wildcard without the type", q: dnsx.Q("x.shop.acme.example", dnsx.TypeA)},
		{name: "a wildcard by its own name", q: dnsx.Q("*.shop.acme.example", dnsx.TypeMX), want: []string{"*.shop.acme.example. 0 IN MX 10 mx.acme.example."}},
		{name: "a name beside a wildcard", q: dnsx.Q("real.shop.acme.example", dnsx.TypeMX)},
		{
			name: "below a name beside a wildcard: not the closest encloser's (RFC 4592, 3.3.1)",
			q:    dnsx.Q("x.real.shop.acme.example", dnsx.TypeMX), denied: dnsx.NXDomain,
		},
		{
			name: "an alias that is a wildcard", q: dnsx.Q("x.moved.acme.example", dnsx.TypeTXT), want: []string{`acme.example. 0 IN TXT "v=spf1 -all"`},
			chain: []string{"x.moved.acme.example. 0 IN CNAME acme.example."},
		},
		{name: "a time-out", q: dnsx.Q("slow.acme.example", dnsx.TypeTXT), kind: dnsx.KindTimeout},
		{name: "another type beside a fault", q: dnsx.Q("slow.acme.example", dnsx.TypeA), want: []string{"slow.acme.example. 0 IN A 192.0.2.3"}},
		{name: "a fault for all types", q: dnsx.Q("refusing.acme.example", dnsx.TypeSOA), kind: dnsx.KindRCode, rcode: dnsx.Refused},
		{name: "SERVFAIL", q: dnsx.Q("half.acme.example", dnsx.TypeMX), kind: dnsx.KindRCode, rcode: dnsx.ServFail},
		{name: "a fault makes no name", q: dnsx.Q("half.acme.example", dnsx.TypeA), denied: dnsx.NXDomain},
		{name: "network", q: dnsx.Q("net.acme.example", dnsx.TypeA), kind: dnsx.KindNetwork},
		{name: "malformed", q: dnsx.Q("bad.acme.example", dnsx.TypeA), kind: dnsx.KindMalformed},
		{name: "budget", q: dnsx.Q("budget.acme.example", dnsx.TypeA), kind: dnsx.KindBudget},
		{name: "not asked", q: dnsx.Q("offline.acme.example", dnsx.TypeA), kind: dnsx.KindNotAsked},
	}
	r := dnstest.Must(world)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			reply := dnsx.ReplyOf(tt.q)(r.Resolve(t.Context(), tt.q))
			assert.Equal(t, tt.chain, lines(reply.Chain()))
			assert.Equal(t, tt.want, lines(reply.Records()))
			if tt.kind != "" {
				require.NotNil(t, reply.Failure)
				reply.Failure.Chain = nil
				assert.Equal(t, &dnsx.Failure{Question: tt.q, Kind: tt.kind, RCode: tt.rcode, Server: "dnstest", Tries: 1}, reply.Failure)
				return
			}
			require.NoError(t, reply.Err())
			assert.Equal(t, tt.denied, reply.Answer.RCode)
			assert.Equal(t, tt.q, reply.Answer.Question)
		})
	}
}

func TestResolver_chain(t *testing.T) {
	_, err := dnstest.Must(world).Resolve(t.Context(), dnsx.Q("loop.acme.example", dnsx.TypeA))
	var f *dnsx.Failure
	require.ErrorAs(t, err, &f)
	assert.Equal(t, dnsx.KindChain, f.Kind)
	assert.Len(t, f.Chain, dnsx.MaxChain)

	long := ""
	for i := range dnsx.MaxChain {
		long += fmt.Sprintf("%d.example. CNAME %d.example.\n", i, i+1)
	}
	long += fmt.Sprintf("%d.example. A 192.0.2.1\n", dnsx.MaxChain)
	a, err := dnstest.Must(long).Resolve(t.Context(), dnsx.Q("0.example", dnsx.TypeA))
	require.NoError(t, err)
	assert.Len(t, a.Chain, dnsx.MaxChain)
	assert.Len(t, a.Records, 1)
}

// The owner * is for the names that no line speaks of.
func TestResolver_faultElsewhere(t *testing.T) {
	r := dnstest.Must(`
		acme.example.         A    192.0.2.1
		*.wild.acme.example.  A    192.0.2.1
		slow.acme.example.    TXT  !timeout
		*                     A    !servfail
		*                     *    !not-asked
	`)
	tests := []struct {
		q    dnsx.Question
		want dnsx.Kind
	}{
		{dnsx.Q("other.example", dnsx.TypeA), dnsx.KindRCode},
		{dnsx.Q("other.example", dnsx.TypeTXT), dnsx.KindNotAsked},
		{dnsx.Q("none.acme.example", dnsx.TypeTXT), dnsx.KindNotAsked},
		{dnsx.Q("acme.example", dnsx.TypeTXT), ""},
		{dnsx.Q("x.wild.acme.example", dnsx.TypeTXT), ""},
		{dnsx.Q("slow.acme.example", dnsx.TypeTXT), dnsx.KindTimeout},
		{dnsx.Q("slow.acme.example", dnsx.TypeA), ""},
	}
	for _, tt := range tests {
		var kind dnsx.Kind
		if reply := dnsx.ReplyOf(tt.q)(r.Resolve(t.Context(), tt.q)); reply.Failure != nil {
			kind = reply.Failure.Kind
		}
		assert.Equal(t, tt.want, kind, tt.q)
	}
}

func TestResolver_asked(t *testing.T) {
	r := dnstest.Must(world)
	assert.Empty(t, r.Asked())
	want := []dnsx.Question{dnsx.Q("acme.example", dnsx.TypeMX), dnsx.Q("slow.acme.example", dnsx.TypeTXT), dnsx.Q("acme.example", dnsx.TypeMX)}
	for _, q := range want {
		r.Resolve(t.Context(), q)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := r.Resolve(ctx, want[0])
	assert.Equal(t, context.Canceled, err)
	assert.Equal(t, want, r.Asked())

	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() { r.Resolve(t.Context(), want[0]) })
	}
	wg.Wait()
	assert.Len(t, r.Asked(), 53)
}

func TestListing(t *testing.T) {
	r := dnstest.Must(world)
	_, ok := dnsx.Resolver(r).(dnsx.Lister)
	assert.False(t, ok)
	for below, want := range map[string][]string{
		"shop.acme.example":   {"*.shop.acme.example", "real.shop.acme.example"},
		"slow.acme.example":   {"slow.acme.example"},
		"b.deep.acme.example": {"a.b.deep.acme.example"},
		"other.example":       nil,
	} {
		got, err := r.Listing().Names(below)
		assert.NoError(t, err)
		assert.Equal(t, want, got, below)
	}
	got, err := r.Listing().Names(".")
	assert.NoError(t, err)
	assert.Len(t, got, 13)
}

func TestParse_faults(t *testing.T) {
	for _, tt := range []struct{ lines, want string }{
		{"\n; fine\nacme.example. TXT", `dnstest: line 3: want data at octet 17 of "acme.example. TXT"`},
		{"acme.example. TXT !gone", "dnstest: line 1: no such fault: !gone"},
		{"acme..example. TXT !timeout", `dnstest: line 1: "acme..example." is no domain name: an empty label at octet 5`},
		{"acme.example. TEXT !timeout", `dnstest: line 1: dnsx: "TEXT" is no RR type`},
	} {
		_, err := dnstest.Parse(tt.lines)
		assert.EqualError(t, err, tt.want)
		assert.Panics(t, func() { dnstest.Must(tt.lines) })
	}
}

func lines(rrs []dnsx.RR) []string {
	var all []string
	for _, rr := range rrs {
		all = append(all, rr.String())
	}
	return all
}

func ExampleMust() {
	r := dnstest.Must(`
		acme.example.        TXT "v=spf1 include:_spf.acme.example -all"
		_spf.acme.example.   TXT !timeout
	`)
	for _, name := range []string{"acme.example", "_spf.acme.example", "other.example"} {
		reply := dnsx.Ask(context.Background(), r, dnsx.Q(name, dnsx.TypeTXT))[0]
		fmt.Println(name, len(reply.Records()), reply.Absent(), reply.Err())
	}
	// Output:
	// acme.example 1 false <nil>
	// _spf.acme.example 0 false TXT _spf.acme.example timed out at dnstest
	// other.example 0 true <nil>
}
