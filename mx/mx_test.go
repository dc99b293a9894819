package mx_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/mx"
)

func TestDiscoverAsksWhatFollows(t *testing.T) {
	const apex = "MX acme.example"
	tests := []struct {
		name string
		zone string
		want string // what is asked after the records, in its order
	}{
		{"no domain, no more", "", ""},
		{"a failure leads nowhere", "acme.example. MX !servfail", ""},
		{"a null MX has no host", "acme.example. MX 0 .", ""},
		{"an address has no address", "acme.example. MX 10 192.0.2.1.", ""},
		{"the domain's own addresses count where there is no MX", "acme.example. TXT x", "A acme.example, AAAA acme.example"},
		{
			"each host once", "acme.example. MX 20 mx.acme.example.\nacme.example. MX 10 mx.acme.example.",
			"A mx.acme.example, AAAA mx.acme.example, TXT mx.acme.example",
		},
		{"a host that is the domain itself", "acme.example. MX 10 acme.example.", "A acme.example, AAAA acme.example"},
		{
			"TXT of the owner's own hosts", "acme.example. MX 10 mx.other.example.\nacme.example. MX 20 mx.acme.example.",
			"A mx.other.example, AAAA mx.other.example, A mx.acme.example, AAAA mx.acme.example, TXT mx.acme.example, NS other.example",
		},
		{
			"the name above a host of others that does not exist", "acme.example. MX 10 a.gone.example.\nacme.example. MX 20 b.gone.example.",
			"A a.gone.example, AAAA a.gone.example, A b.gone.example, AAAA b.gone.example, NS gone.example",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := dnstest.Must(tt.zone)
			bulk := &inOrder{r, nil}
			_, err := mx.Discover(t.Context(), bulk, "ACME.example.", mx.Options{})
			require.NoError(t, err)
			want := []string{apex}
			if tt.want != "" {
				want = append(want, strings.Split(tt.want, ", ")...)
			}
			assert.Equal(t, want, bulk.asked)
		})
	}
}

// inOrder notes the questions in the order in which they are put.
type inOrder struct {
	dnsx.Resolver
	asked []string
}

func (r *inOrder) ResolveAll(ctx context.Context, qs []dnsx.Question) []dnsx.Reply {
	var replies []dnsx.Reply
	for _, q := range qs {
		r.asked = append(r.asked, q.String())
		replies = append(replies, dnsx.ReplyOf(q)(r.Resolve(ctx, q)))
	}
	return replies
}

func TestDiscoverBoundsHosts(t *testing.T) {
	var zone strings.Builder
	for i := range 30 {
		fmt.Fprintf(&zone, "acme.example. MX %d mx%d.acme.example.\n", 100-i, i)
	}
	f, err := mx.Discover(t.Context(), dnstest.Must(zone.String()), "acme.example", mx.Options{})
	require.NoError(t, err)
	require.Len(t, f.Hosts, mx.MaxHosts)
	assert.Equal(t, "mx29.acme.example", f.Hosts[0].Name, "the most preferred first")
	assert.Equal(t, mx.Unknown, mx.Analyze(f).Receives)
}

func TestDiscoverErrors(t *testing.T) {
	_, err := mx.Discover(t.Context(), dnstest.Must(""), "acme..example", mx.Options{})
	var name *dnsx.NameError
	require.ErrorAs(t, err, &name)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f, err := mx.Discover(ctx, dnstest.Must(""), "acme.example", mx.Options{})
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, dnsx.KindCanceled, f.MX.Failure.Kind)
	for _, res := range check.Apply(mx.Analyze(f), mx.Rules(mx.Settings{})) {
		assert.Equal(t, check.Unknown, res.Outcome, res.ID)
	}
}

func TestQuestions(t *testing.T) {
	assert.Equal(t, []dnsx.Question{dnsx.Q("acme.example", dnsx.TypeMX)}, mx.Questions("Acme.Example", mx.Options{}))
	assert.Nil(t, mx.Questions("", mx.Options{}))
}

func TestAnalyzeReceives(t *testing.T) {
	const host = "mx1.acme.example. A 192.0.2.1\n"
	tests := []struct {
		name, zone     string
		receives       mx.Receives
		null, implicit bool
		hosts          []string
	}{
		{name: "a host", zone: "acme.example. MX 10 mx1.acme.example.\n" + host, receives: mx.Yes, hosts: []string{"mx1.acme.example"}},
		{name: "in order of preference", zone: "acme.example. MX 20 a.acme.example.\nacme.example. MX 10 mx1.acme.example.\n" + host, receives: mx.Yes, hosts: []string{"mx1.acme.example", "a.acme.example"}},
		{name: "a null MX", zone: "acme.example. MX 0 .", receives: mx.No, null: true},
		{name: "a null MX beside a host", zone: "acme.example. MX 0 .\nacme.example. MX 10 mx1.acme.example.\n" + host, receives: mx.Yes, hosts: []string{"mx1.acme.example"}},
		{name: "the domain's own address", zone: "acme.example. A 192.0.2.1", receives: mx.Yes, implicit: true, hosts: []string{"acme.example"}},
		{name: "no address at all", zone: "acme.example. TXT x", receives: mx.No},
		{name: "the domain's own address timed out", zone: "acme.example. TXT x\nacme.example. AAAA !timeout", receives: mx.Unknown},
		{name: "no domain", zone: "", receives: mx.No},
		{name: "no host with an address", zone: "acme.example. MX 10 mx1.acme.example.", receives: mx.No, hosts: []string{"mx1.acme.example"}},
		{name: "a host timed out", zone: "acme.example. MX 10 mx1.acme.example.\nmx1.acme.example. * !timeout", receives: mx.Unknown, hosts: []string{"mx1.acme.example"}},
		{name: "an address in place of a host", zone: "acme.example. MX 10 192.0.2.1.", receives: mx.Unknown},
		{name: "the records timed out", zone: "acme.example. MX !timeout", receives: mx.Unknown},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := analyze(t, tt.zone)
			var hosts []string
			for _, h := range a.Hosts {
				hosts = append(hosts, h.Name)
			}
			assert.Equal(t, tt.receives, a.Receives)
			assert.Equal(t, tt.null, a.Null, "null")
			assert.Equal(t, tt.implicit, a.Implicit, "implicit")
			assert.Equal(t, tt.hosts, hosts)
		})
	}
}

func TestAnalyzeTakesAnyFacts(t *testing.T) {
	rr := func(line string) dnsx.RR {
		rr, err := dnsx.ParseRR(line)
		require.NoError(t, err)
		return rr
	}
	reply := func(q dnsx.Question, rrs ...dnsx.RR) dnsx.Reply {
		return dnsx.Reply{Question: q, Answer: &dnsx.Answer{Question: q, Records: rrs}}
	}
	good := rr("acme.example. MX 10 mx.acme.example.")
	asked := reply(dnsx.Q("acme.example", dnsx.TypeMX), rr("other.example. MX 10 mx.other.example."), rr("acme.example. A 192.0.2.1"), good,
		dnsx.RR{Name: "acme.example", Type: dnsx.TypeMX, Data: []byte{0}}, good)
	address := func(owner string) dnsx.Reply {
		return reply(dnsx.Q("mx.acme.example", dnsx.TypeA), rr(owner+". A 192.0.2.1"), rr(owner+". AAAA ::1"))
	}
	var flood []mx.HostFacts
	for i := range 1000 {
		flood = append(flood, mx.HostFacts{Name: fmt.Sprint(i)})
	}
	tests := []struct {
		name    string
		facts   *mx.Facts
		records int
		addrs   int // of the first host
		unread  int // the gaps of the first host
	}{
		{name: "nil"},
		{name: "zero", facts: &mx.Facts{}},
		{name: "no reply", facts: &mx.Facts{Domain: "acme.example"}},
		{name: "an answer to another question", facts: &mx.Facts{Domain: "acme.example", MX: reply(dnsx.Q("acme.example", dnsx.TypeA), good)}},
		{name: "hosts were not asked", facts: &mx.Facts{Domain: "acme.example", MX: asked}, records: 1, unread: 2},
		{name: "hosts that no record names", facts: &mx.Facts{Domain: "acme.example", MX: asked, Hosts: flood}, records: 1, unread: 2},
		{
			name: "records of another type", records: 1, addrs: 1, unread: 1,
			facts: &mx.Facts{Domain: "acme.example", MX: asked, Hosts: []mx.HostFacts{{Name: "mx.acme.example", A: address("mx.acme.example")}}},
		},
		{
			name: "records of another name", records: 1, unread: 1,
			facts: &mx.Facts{Domain: "acme.example", MX: asked, Hosts: []mx.HostFacts{{Name: "mx.acme.example", A: address("other.example")}}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := mx.Analyze(tt.facts)
			assert.Len(t, a.Records, tt.records)
			if tt.records > 0 {
				assert.Len(t, a.Hosts[0].Addrs, tt.addrs)
				assert.Len(t, a.Hosts[0].Unread, tt.unread)
			}
			check.Apply(a, mx.Rules(mx.Settings{})) // does not panic
		})
	}
}

// What a host deep below a registered name needs is the zone that denies it.
func TestDanglingByTheZoneThatDenies(t *testing.T) {
	tests := []struct {
		zone string // whose SOA record comes with the denial of mail.gone.example
		want check.Outcome
	}{
		{"example", check.Fail},
		{".", check.Fail},
		{"gone.example", check.Pass},
		{"mail.gone.example", check.Pass},
		{"", check.Unknown},
	}
	for _, tt := range tests {
		t.Run(tt.zone, func(t *testing.T) {
			r := dnsx.ResolverFunc(func(ctx context.Context, q dnsx.Question) (*dnsx.Answer, error) {
				a, err := dnstest.Must("acme.example. MX 10 mx.mail.gone.example.").Resolve(ctx, q)
				if err == nil && a.RCode == dnsx.NXDomain && tt.zone != "" {
					soa, err := dnsx.ParseRR(tt.zone + " SOA ns.example. hostmaster.example. 1 2 3 4 5")
					require.NoError(t, err)
					a.Authority = []dnsx.RR{soa}
				}
				return a, err
			})
			results, err := mx.Check(t.Context(), r, "acme.example", mx.Options{}, mx.Settings{})
			require.NoError(t, err)
			for _, res := range results {
				if res.ID == "mx.dangling" {
					assert.Equal(t, tt.want, res.Outcome)
				}
			}
		})
	}
}

func TestRepair(t *testing.T) {
	tests := []struct {
		name     string
		records  []string
		old, new []string // nil for no repair
	}{
		{name: "no records"},
		{name: "nothing is wrong", records: []string{"10 a.example.", "20 b.example."}},
		{name: "a null MX as it should be", records: []string{"0 ."}},
		{name: "whether the null MX is meant is for its owner to say", records: []string{"0 .", "10 a.example."}},
		{name: "a null MX with another preference", records: []string{"10 ."}, old: []string{"10 ."}, new: []string{"0 ."}},
		{name: "two null MX", records: []string{"10 .", "20 ."}, old: []string{"10 .", "20 ."}, new: []string{"0 ."}},
		{name: "two null MX, one as it should be", records: []string{"0 .", "20 ."}, old: []string{"20 ."}},
		{
			name: "the most preferred record of a host stays", records: []string{"30 a.example.", "10 a.example.", "20 b.example.", "40 a.example."},
			old: []string{"30 a.example.", "40 a.example."},
		},
		{name: "hosts listed twice beside null MX", records: []string{"0 .", "5 .", "10 a.example.", "20 a.example."}, old: []string{"20 a.example."}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			zone := ""
			for _, data := range tt.records {
				zone += "acme.example. MX " + data + "\n"
			}
			var want []check.Change
			if tt.old != nil {
				want = []check.Change{{Name: "acme.example", Type: "MX", Old: tt.old, New: tt.new}}
			}
			assert.Equal(t, want, mx.Repair(analyze(t, zone)))
		})
	}
	assert.Nil(t, mx.Repair(nil))
}

func analyze(t *testing.T, zone string) *mx.Analysis {
	t.Helper()
	f, err := mx.Discover(t.Context(), dnstest.Must(zone), "acme.example", mx.Options{})
	require.NoError(t, err)
	return mx.Analyze(f)
}

func BenchmarkAnalyze(b *testing.B) {
	r := dnstest.Must(`
acme.example. MX 1 aspmx.l.google.com.
acme.example. MX 5 alt1.aspmx.l.google.com.
acme.example. MX 5 alt2.aspmx.l.google.com.
*.l.google.com. A 142.250.27.26
*.l.google.com. AAAA 2a00:1450:4025:401::1a
`)
	f, err := mx.Discover(b.Context(), r, "acme.example", mx.Options{})
	require.NoError(b, err)
	rules := mx.Rules(mx.Settings{})
	b.ReportAllocs()
	for b.Loop() {
		check.Apply(mx.Analyze(f), rules)
	}
}

// Servers turn the order of addresses from answer to answer.
func TestAnalyze_addressesAreSorted(t *testing.T) {
	r := dnstest.Must(`
acme.example. MX 10 mx.acme.example.
mx.acme.example. A 198.51.100.1
mx.acme.example. A 192.0.2.1
mx.acme.example. AAAA 2001:db8::2
mx.acme.example. AAAA 2001:db8::1
`)
	f, err := mx.Discover(t.Context(), r, "acme.example", mx.Options{})
	require.NoError(t, err)
	assert.Equal(t, "[192.0.2.1 198.51.100.1 2001:db8::1 2001:db8::2]", fmt.Sprint(mx.Analyze(f).Hosts[0].Addrs))
}
