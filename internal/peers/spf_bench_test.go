package peers_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"

	peer "blitiri.com.ar/go/spf"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/spf"
)

// ranges writes n ip4 terms of a network. Each tenth starts a string of its own.
func ranges(net string, n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 && i%10 == 0 {
			b.WriteString(`" "`)
		}
		fmt.Fprintf(&b, " ip4:%s.%d.0/24", net, i)
	}
	return b.String()
}

// spfCases are records as domains have them, each with a client.
var spfCases = []struct {
	name, domain, ip string
	want             spf.Result
}{
	{"ip4, first of one", "one.example", "198.51.100.7", spf.Pass},
	{"ip4, none of one", "one.example", "203.0.113.7", spf.Fail},
	{"forty ip4, the last", "forty.example", "10.1.39.7", spf.Pass},
	{"forty ip4, none", "forty.example", "203.0.113.7", spf.SoftFail},
	{"ip6 of a mixed record", "mixed.example", "2001:db8:4000::7", spf.Pass},
	{"a", "a.example", "192.0.2.1", spf.Pass},
	{"mx of two hosts, the second", "mx.example", "192.0.2.12", spf.Pass},
	{"a mx ip4 and an include", "shop.example", "198.51.100.7", spf.Pass},
	{"a tree like Google's, first block", "google.example", "10.2.0.7", spf.Pass},
	{"a tree like Google's, last block", "google.example", "10.4.9.7", spf.Pass},
	{"a tree like Google's, none", "google.example", "203.0.113.7", spf.SoftFail},
	{"three services, the third", "services.example", "10.7.3.7", spf.Pass},
	{"three services, none", "services.example", "203.0.113.7", spf.Fail},
	{"redirect", "redirect.example", "10.2.5.7", spf.Pass},
	{"exactly ten lookups", "ten.example", "203.0.113.7", spf.SoftFail},
	{"eleven lookups", "eleven.example", "203.0.113.7", spf.PermError},
	{"macros in an include", "macro.example", "192.0.2.99", spf.Pass},
	{"exists by address and local part", "exists.example", "192.0.2.99", spf.Pass},
	{"ptr", "ptr.example", "192.0.2.99", spf.Pass},
	{"all of it, with exp", "exp.example", "203.0.113.7", spf.Fail},
}

var spfZone = `
one.example. TXT "v=spf1 ip4:198.51.100.0/24 -all"
forty.example. TXT "v=spf1` + ranges("10.1", 40) + ` ~all"
mixed.example. TXT "v=spf1 ip4:198.51.100.0/24 ip4:198.51.101.0/24 ip6:2001:db8:1::/48 ip6:2001:db8:2::/48 ip6:2001:db8:4000::/36 -all"
a.example. TXT "v=spf1 a -all"
a.example. A 192.0.2.1
mx.example. TXT "v=spf1 mx -all"
mx.example. MX 10 mx1.example.
mx.example. MX 20 mx2.example.
mx1.example. A 192.0.2.11
mx2.example. A 192.0.2.12
shop.example. TXT "v=spf1 a mx ip4:198.51.100.0/24 include:_spf.google.example ~all"
shop.example. A 192.0.2.1
shop.example. MX 10 mx1.example.
google.example. TXT "v=spf1 include:_spf.google.example ~all"
_spf.google.example. TXT "v=spf1 include:_netblocks.google.example include:_netblocks2.google.example include:_netblocks3.google.example ~all"
_netblocks.google.example. TXT "v=spf1` + ranges("10.2", 11) + ` ~all"
_netblocks2.google.example. TXT "v=spf1 ip6:2001:db8:4000::/36 ip6:2001:db8:5000::/36 ip6:2001:db8:6000::/36 ~all"
_netblocks3.google.example. TXT "v=spf1` + ranges("10.4", 10) + ` ~all"
services.example. TXT "v=spf1 include:_spf.google.example include:mail.desk.example include:bulk.example -all"
mail.desk.example. TXT "v=spf1` + ranges("10.6", 8) + ` ~all"
bulk.example. TXT "v=spf1` + ranges("10.7", 12) + ` ~all"
redirect.example. TXT "v=spf1 redirect=_spf.google.example"
ten.example. TXT "v=spf1 a mx include:_spf.google.example include:mail.desk.example include:bulk.example a:mx1.example ~all"
ten.example. A 192.0.2.1
ten.example. MX 10 mx1.example.
eleven.example. TXT "v=spf1 a mx include:_spf.google.example include:mail.desk.example include:bulk.example a:mx1.example a:mx2.example a:mx2.example ~all"
eleven.example. A 192.0.2.1
eleven.example. MX 10 mx1.example.
macro.example. TXT "v=spf1 include:%{ir}.%{v}._spf.%{d} -all"
99.2.0.192.in-addr._spf.macro.example. TXT "v=spf1 +all"
exists.example. TXT "v=spf1 exists:%{i}.%{l1r-}._spf.%{d2} -all"
192.0.2.99.postmaster._spf.exists.example. A 127.0.0.2
ptr.example. TXT "v=spf1 ptr -all"
99.2.0.192.in-addr.arpa. PTR out.ptr.example.
out.ptr.example. A 192.0.2.99
exp.example. TXT "v=spf1 a mx include:_spf.google.example -all exp=why.%{d}"
exp.example. A 192.0.2.1
exp.example. MX 10 mx1.example.
why.exp.example. TXT "%{i} may not send for %{d}, see https://%{d}/why?s=%{S}"
`

// memory answers from what was made beforehand, ours as theirs.
type memory struct {
	answers map[dnsx.Question]*dnsx.Answer
	txt     map[string][]string
	mx      map[string][]*net.MX
	ips     map[string][]net.IPAddr
	names   map[string][]string
}

func newMemory(tb testing.TB) *memory {
	m := &memory{map[dnsx.Question]*dnsx.Answer{}, map[string][]string{}, map[string][]*net.MX{}, map[string][]net.IPAddr{}, map[string][]string{}}
	for line := range strings.Lines(strings.TrimSpace(spfZone)) {
		rr, err := dnsx.ParseRR(strings.TrimSpace(line))
		require.NoError(tb, err)
		q := dnsx.Q(rr.Name, rr.Type)
		if m.answers[q] == nil {
			m.answers[q] = &dnsx.Answer{Question: q}
		}
		m.answers[q].Records = append(m.answers[q].Records, rr)
		switch rr.Type {
		case dnsx.TypeTXT:
			m.txt[rr.Name] = append(m.txt[rr.Name], rr.Text())
		case dnsx.TypeMX:
			pref, host, _ := rr.MX()
			m.mx[rr.Name] = append(m.mx[rr.Name], &net.MX{Pref: pref, Host: host})
		case dnsx.TypeA:
			addr, _ := rr.Addr()
			m.ips[rr.Name] = append(m.ips[rr.Name], net.IPAddr{IP: addr.AsSlice()})
		case dnsx.TypePTR:
			host, _ := rr.Target()
			m.names["192.0.2.99"] = append(m.names["192.0.2.99"], host)
		}
	}
	return m
}

var (
	nobody     = &dnsx.Answer{RCode: dnsx.NXDomain}
	errNobody  = &net.DNSError{Err: "no such host", IsNotFound: true}
	_          = dnsx.BulkResolver(&memory{})
	_          = peer.DNSResolver(&memory{})
	background = context.Background()
)

func (m *memory) Resolve(ctx context.Context, q dnsx.Question) (*dnsx.Answer, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if a := m.answers[q]; a != nil {
		return a, nil
	}
	return nobody, nil
}

// ResolveAll is what dnsx.Cache has too.
func (m *memory) ResolveAll(ctx context.Context, qs []dnsx.Question) []dnsx.Reply {
	replies := make([]dnsx.Reply, len(qs))
	for i, q := range qs {
		replies[i] = dnsx.ReplyOf(q)(m.Resolve(ctx, q))
	}
	return replies
}

func (m *memory) LookupTXT(ctx context.Context, name string) ([]string, error) {
	return theirs(ctx, m.txt, name)
}

func (m *memory) LookupMX(ctx context.Context, name string) ([]*net.MX, error) {
	return theirs(ctx, m.mx, name)
}

func (m *memory) LookupIPAddr(ctx context.Context, name string) ([]net.IPAddr, error) {
	return theirs(ctx, m.ips, name)
}

func (m *memory) LookupAddr(ctx context.Context, addr string) ([]string, error) {
	return theirs(ctx, m.names, addr)
}

func theirs[T any](ctx context.Context, all map[string][]T, name string) ([]T, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if found := all[name]; found != nil {
		return found, nil
	}
	return nil, errNobody
}

// Both come to the same results on the records of the benchmark.
func TestSPFPeersAgree(t *testing.T) {
	m := newMemory(t)
	for _, c := range spfCases {
		got, err := spf.CheckHost(t.Context(), m, spf.Session{IP: netip.MustParseAddr(c.ip), MailFrom: "postmaster@" + c.domain, Helo: "out.example"})
		require.NoError(t, err)
		require.Equal(t, c.want, got.Result, "%s: %v", c.name, got.Problem)
		result, _ := peer.CheckHostWithSender(net.ParseIP(c.ip), "out.example", "postmaster@"+c.domain, peer.WithResolver(m))
		require.Equal(t, string(c.want), string(result), c.name)
	}
}

func BenchmarkSPF(b *testing.B) {
	m := newMemory(b)
	var kept spf.Checker
	run := func(check func(context.Context, dnsx.Resolver, spf.Session) (spf.Verdict, error), domain, ip string) func(*testing.B) {
		s := spf.Session{IP: netip.MustParseAddr(ip), MailFrom: "postmaster@" + domain, Helo: "out.example"}
		return func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := check(background, m, s); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	for _, c := range spfCases {
		name := strings.ReplaceAll(c.name, " ", "-")
		b.Run(name+"/kept", run(kept.CheckHost, c.domain, c.ip))
		b.Run(name+"/cold", run(spf.CheckHost, c.domain, c.ip))
		b.Run(name+"/blitiri", func(b *testing.B) {
			ip, from := net.ParseIP(c.ip), "postmaster@"+c.domain
			b.ReportAllocs()
			for b.Loop() {
				if r, _ := peer.CheckHostWithSender(ip, "out.example", from, peer.WithResolver(m)); string(r) != string(c.want) {
					b.Fatal(r)
				}
			}
		})
	}
}
