package tlscert_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/tlscert"
)

func TestMain(m *testing.M) {
	if os.Getenv(serveEnv) != "" {
		serveBench()
		return
	}
	goleak.VerifyTestMain(m)
}

func TestDiscoverWantsNames(t *testing.T) {
	var name *dnsx.NameError
	_, err := tlscert.Discover(t.Context(), dnstest.Must(""), "acme..example", tlscert.Options{})
	require.ErrorAs(t, err, &name)
	r := dnstest.Must("")
	_, err = tlscert.Discover(t.Context(), r, "acme.example", tlscert.Options{Hosts: []tlscert.Host{{Name: "acme.example"}, {Name: "help..example"}}})
	require.ErrorAs(t, err, &name)
	assert.Empty(t, r.Asked(), "a bad host is found before anybody is asked")
	var host *tlscert.HostError
	_, err = tlscert.Discover(t.Context(), r, "acme.example", tlscert.Options{Hosts: []tlscert.Host{{Name: "acme.example", Protocol: "gopher"}}})
	require.ErrorAs(t, err, &host)
	_, err = tlscert.Discover(t.Context(), r, "acme.example", tlscert.Options{Hosts: []tlscert.Host{{Name: "acme.example", ServerName: "a..b"}}})
	require.ErrorAs(t, err, &name)
	assert.Empty(t, r.Asked())
	assert.Nil(t, tlscert.Questions("acme..example", tlscert.Options{}))
	assert.Nil(t, tlscert.Questions("acme.example", tlscert.Options{Hosts: []tlscert.Host{{Name: "help..example"}}}))
}

// outcomes is what became of a host's addresses, in words.
func outcomes(h tlscert.HostFacts) []string {
	var words []string
	for _, e := range h.Endpoints {
		switch {
		case e.TLS != nil && e.Failure == nil:
			words = append(words, e.Addr.String()+" ok")
		case e.TLS == nil && e.Failure != nil:
			words = append(words, fmt.Sprintf("%s %s %s", e.Addr, e.Failure.Stage, e.Failure.Kind))
		default:
			words = append(words, "both or neither")
		}
	}
	return words
}

func TestDiscoverFailures(t *testing.T) {
	const lines = `
		192.0.2.1
		192.0.2.2 timeout
		192.0.2.3 refused
		192.0.2.4 no-route
		192.0.2.5 reset
		192.0.2.6 plain
	`
	// 192.0.2.7 is in no line: the dialer's error is none that is known.
	w := parseWorld("acme.example", lines)
	zone := "acme.example. A 10.0.0.1\nacme.example. AAAA ::1\nacme.example. A 198.51.100.1\nacme.example. A 192.0.2.7\n"
	for a := range w {
		zone += "acme.example. A " + a.String() + "\n"
	}
	f, err := tlscert.Discover(t.Context(), dnstest.Must(zone), "acme.example", w.options(""))
	require.NoError(t, err)
	assert.Equal(t, []string{
		"10.0.0.1 connect not-public",
		"192.0.2.1 ok",
		"192.0.2.2 connect timeout",
		"192.0.2.3 connect refused",
		"192.0.2.4 connect no-route",
		"192.0.2.5 handshake closed",
		"192.0.2.6 handshake not-tls",
		"192.0.2.7 connect network",
		"198.51.100.1 connect not-public",
		"::1 connect not-public",
	}, outcomes(f.Hosts[0]))
}

// TestDiscoverTakesSixteen: which addresses of many are dialled depends on the
// addresses alone.
func TestDiscoverTakesSixteen(t *testing.T) {
	tests := []struct {
		name         string
		v4, v6       int
		want4, want6 int
		limited      bool
	}{
		{"all of few", 3, 2, 3, 2, false},
		{"all of sixteen", 16, 0, 16, 0, false},
		{"sixteen of one family", 17, 0, 16, 0, true},
		{"half of each", 12, 12, 8, 8, true},
		{"what one family leaves free", 20, 3, 13, 3, true},
		{"what the other leaves free", 1, 20, 1, 15, true},
	}
	for _, tt := range tests {
		for _, last := range []dnsx.Type{dnsx.TypeA, dnsx.TypeAAAA} {
			t.Run(fmt.Sprintf("%s, %s last", tt.name, last), func(t *testing.T) {
				var zone strings.Builder
				var want []string
				for i := range tt.v4 {
					fmt.Fprintf(&zone, "acme.example. A 192.0.2.%d\n", i+1)
					if i < tt.want4 {
						want = append(want, fmt.Sprintf("192.0.2.%d connect refused", i+1))
					}
				}
				for i := range tt.v6 {
					fmt.Fprintf(&zone, "acme.example. AAAA 2001:db8::%x\n", i+1)
					if i < tt.want6 {
						want = append(want, fmt.Sprintf("2001:db8::%x connect refused", i+1))
					}
				}
				o := world{}.options("")
				o.Prober.Dialer = refuser{}
				f, err := tlscert.Discover(t.Context(), ordered{dnstest.Must(zone.String()), last}, "acme.example", o)
				require.NoError(t, err)
				assert.Equal(t, want, outcomes(f.Hosts[0]))
				assert.Equal(t, tt.limited, f.Hosts[0].Limited)
			})
		}
	}
}

// refuser connects to nobody.
type refuser struct{}

func (refuser) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	ap := netip.MustParseAddrPort(address)
	return world{ap.Addr(): {fault: "refused"}}.DialContext(ctx, network, address)
}

// ordered answers questions of one type after all others.
type ordered struct {
	*dnstest.Resolver
	last dnsx.Type
}

func (r ordered) ResolveEach(ctx context.Context, qs []dnsx.Question, each func(int, dnsx.Reply)) {
	for _, now := range []bool{false, true} {
		for i, q := range qs {
			if (q.Type == r.last) == now {
				each(i, dnsx.ReplyOf(q)(r.Resolve(ctx, q)))
			}
		}
	}
}

func TestDiscoverHosts(t *testing.T) {
	addr := netip.MustParseAddr("192.0.2.10")
	tests := []struct {
		name  string
		hosts []tlscert.Host
		want  []tlscert.HostFacts
		asked int
	}{
		{"none: the domain", nil, []tlscert.HostFacts{{Name: "acme.example", Port: 443, Why: "the domain itself"}}, 2},
		{
			"one spelling",
			[]tlscert.Host{{Name: "Help.Acme.Example.", Port: 8443, Why: "x"}},
			[]tlscert.HostFacts{{Name: "help.acme.example", Port: 8443, Why: "x"}},
			2,
		},
		{
			"named twice, once by the operator",
			[]tlscert.Host{{Name: "a.example", Why: "x"}, {Name: "A.example", Port: 443, Why: "given", Given: true}},
			[]tlscert.HostFacts{{Name: "a.example", Port: 443, Why: "x", Given: true}},
			2,
		},
		{
			"named twice, by somebody's data with another address",
			[]tlscert.Host{{Name: "a.example", Given: true}, {Name: "a.example", Addrs: []netip.Addr{addr}}},
			[]tlscert.HostFacts{{Name: "a.example", Port: 443, Given: true}, {Name: "a.example", Port: 443, Addrs: []netip.Addr{addr}}},
			2,
		},
		{
			"a protocol has its port",
			[]tlscert.Host{{Name: "a.example", Protocol: tlscert.SMTP}, {Name: "a.example", Protocol: tlscert.IMAP}, {Name: "a.example", Protocol: tlscert.POP3}, {Name: "a.example", Protocol: tlscert.TLS}},
			[]tlscert.HostFacts{{Name: "a.example", Port: 25, Protocol: tlscert.SMTP}, {Name: "a.example", Port: 143, Protocol: tlscert.IMAP}, {Name: "a.example", Port: 110, Protocol: tlscert.POP3}, {Name: "a.example", Port: 443, Protocol: tlscert.TLS}},
			2,
		},
		{
			"the server name is the host's own where it is not another",
			[]tlscert.Host{{Name: "a.example", ServerName: "A.example."}, {Name: "a.example"}, {Name: "a.example", ServerName: "B.example."}},
			[]tlscert.HostFacts{{Name: "a.example", Port: 443}, {Name: "a.example", Port: 443, ServerName: "b.example"}},
			2,
		},
		{
			"name and port are two things",
			[]tlscert.Host{{Name: "h1", Port: 443}, {Name: "h14", Port: 43}},
			[]tlscert.HostFacts{{Name: "h1", Port: 443}, {Name: "h14", Port: 43, Protocol: tlscert.TLS}},
			4,
		},
		{
			"an address is not asked for",
			[]tlscert.Host{{Name: "192.0.2.10"}},
			[]tlscert.HostFacts{{Name: "192.0.2.10", Port: 443, Addrs: []netip.Addr{addr}}},
			0,
		},
		{
			"nor is a host with addresses",
			[]tlscert.Host{{Name: "a.example", Addrs: []netip.Addr{addr}}},
			[]tlscert.HostFacts{{Name: "a.example", Port: 443, Addrs: []netip.Addr{addr}}},
			0,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := dnstest.Must("")
			o := world{}.options("")
			o.Prober.Dialer, o.Hosts = refuser{}, tt.hosts
			f, err := tlscert.Discover(t.Context(), r, "acme.example", o)
			require.NoError(t, err)
			for i := range f.Hosts {
				assert.Len(t, f.Hosts[i].Endpoints, len(f.Hosts[i].Addrs))
				f.Hosts[i].Endpoints, f.Hosts[i].A, f.Hosts[i].AAAA = nil, dnsx.Reply{}, dnsx.Reply{}
				tt.want[i].Protocol = cmp.Or(tt.want[i].Protocol, tlscert.HTTPS)
			}
			assert.Equal(t, tt.want, f.Hosts)
			assert.ElementsMatch(t, tlscert.Questions("acme.example", o), r.Asked())
			assert.Len(t, r.Asked(), tt.asked)
		})
	}
}

// TestGuard: an address out of data is not dialled whatever the dialer thinks of
// it, and one that the operator named is.
func TestGuard(t *testing.T) {
	r := dnstest.Must("acme.example. A 10.0.0.1")
	for _, given := range []bool{false, true} {
		dialed := &counter{}
		_, err := tlscert.Discover(t.Context(), r, "acme.example", tlscert.Options{
			Hosts: []tlscert.Host{{Name: "acme.example", Given: given}}, Prober: &tlscert.Prober{Dialer: dialed},
		})
		require.NoError(t, err)
		assert.Equal(t, given, dialed.n.Load() == 1)
	}
}

type counter struct {
	n   atomic.Int32
	why string
}

func (c *counter) DialContext(context.Context, string, string) (net.Conn, error) {
	c.n.Add(1)
	return nil, told(c.why)
}

// told is an error that says itself what it leaves unknown.
type told string

func (told) Error() string                   { return "an error" }
func (why told) Gap() (subject, word string) { return "", string(why) }

func TestOfflineIsNotAsked(t *testing.T) {
	for why, kind := range map[string]tlscert.FailureKind{"not-asked": tlscert.KindNotAsked, "failed": tlscert.KindNetwork} {
		o := world{}.options("")
		o.Prober.Dialer = &counter{why: why}
		f, err := tlscert.Discover(t.Context(), dnstest.Must("acme.example. A 192.0.2.10"), "acme.example", o)
		require.NoError(t, err)
		assert.Equal(t, &tlscert.Failure{Stage: tlscert.Connect, Kind: kind, Detail: "an error"}, f.Hosts[0].Endpoints[0].Failure)
	}
}

// silentHosts are n hosts that accept a connection and never say a word.
func silentHosts(n int) (*dnstest.Resolver, tlscert.Options) {
	w := world{}
	var zone, hosts strings.Builder
	for i := range n {
		addr := netip.MustParseAddr(fmt.Sprintf("2001:db8::%x", i+1))
		fmt.Fprintf(&zone, "h%d.acme.example. AAAA %s\n", i, addr)
		fmt.Fprintf(&hosts, " h%d.acme.example", i)
		w[addr] = server{fault: "silent"}
	}
	return dnstest.Must(zone.String()), w.options("hosts" + hosts.String())
}

func TestSilentHostsCostOneTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, o := silentHosts(200)
		o.Prober.Timeout = 3 * time.Second
		start := time.Now()
		f, err := tlscert.Discover(t.Context(), r, "acme.example", o)
		require.NoError(t, err)
		assert.Equal(t, 3*time.Second, time.Since(start))
		for i, h := range f.Hosts {
			assert.Equal(t, []string{fmt.Sprintf("2001:db8::%x handshake timeout", i+1)}, outcomes(h))
		}
	})
}

// TestDialsAreBounded: 256 at once; who is left when the time is over was not dialled.
func TestDialsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, o := silentHosts(300)
		o.Budget, o.Prober.Timeout = 2*time.Second, 3*time.Second
		f, err := tlscert.Discover(t.Context(), r, "acme.example", o)
		require.NoError(t, err)
		stages := map[tlscert.StageName]int{}
		for _, h := range f.Hosts {
			assert.Equal(t, tlscert.KindBudget, h.Endpoints[0].Failure.Kind)
			stages[h.Endpoints[0].Failure.Stage]++
		}
		assert.Equal(t, map[tlscert.StageName]int{tlscert.Handshake: 256, tlscert.Connect: 44}, stages)
	})
}

func TestBudgetIsNoError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, o := silentHosts(2)
		o.Budget = time.Second
		start := time.Now()
		f, err := tlscert.Discover(t.Context(), r, "acme.example", o)
		require.NoError(t, err)
		assert.Equal(t, time.Second, time.Since(start))
		assert.Equal(t, []string{"2001:db8::1 handshake budget"}, outcomes(f.Hosts[0]))
	})
}

func TestCallerGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, o := silentHosts(2)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		f, err := tlscert.Discover(ctx, r, "acme.example", o)
		require.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, []string{"2001:db8::1 handshake canceled"}, outcomes(f.Hosts[0]), "the facts so far come back")
	})
}

// TestSlowAnswerDelaysNobody: an address is dialled while the other family's
// question still hangs.
func TestSlowAnswerDelaysNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := parseWorld("acme.example", "192.0.2.10")
		zone := dnstest.Must("acme.example. A 192.0.2.10")
		r := dnsx.ResolverFunc(func(ctx context.Context, q dnsx.Question) (*dnsx.Answer, error) {
			if q.Type == dnsx.TypeAAAA {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return zone.Resolve(ctx, q)
		})
		f, err := tlscert.Discover(t.Context(), r, "acme.example", w.options(""))
		require.NoError(t, err)
		assert.Equal(t, []string{"192.0.2.10 ok"}, outcomes(f.Hosts[0]))
		assert.Equal(t, dnsx.KindBudget, f.Hosts[0].AAAA.Failure.Kind)
	})
}

func TestFactsRoundTrip(t *testing.T) {
	w := parseWorld("acme.example", "192.0.2.1\n2001:db8::1 timeout")
	f, err := tlscert.Discover(t.Context(), dnstest.Must("acme.example. A 192.0.2.1\nacme.example. AAAA 2001:db8::1"), "acme.example", w.options("hosts acme.example 192.0.2.1:8443"))
	require.NoError(t, err)
	data, err := json.Marshal(f)
	require.NoError(t, err)
	var again *tlscert.Facts
	require.NoError(t, json.Unmarshal(data, &again))
	assert.Equal(t, f, again)
}

func TestFailureText(t *testing.T) {
	tests := []struct {
		failure tlscert.Failure
		want    string
	}{
		{tlscert.Failure{Stage: tlscert.Connect, Kind: tlscert.KindTimeout}, "connecting timed out"},
		{tlscert.Failure{Stage: tlscert.Handshake, Kind: tlscert.KindTimeout}, "the handshake timed out"},
		{tlscert.Failure{Stage: tlscert.Connect, Kind: tlscert.KindNetwork, Detail: "no buffer space"}, "connecting failed: no buffer space"},
		{tlscert.Failure{Stage: tlscert.Handshake, Kind: tlscert.KindProtocol, Detail: "bad record MAC"}, "the handshake failed: bad record MAC"},
		{tlscert.Failure{Stage: tlscert.Handshake, Kind: tlscert.KindAlert, Detail: "handshake failure"}, "the server refused the handshake: handshake failure"},
		{tlscert.Failure{Stage: tlscert.Handshake, Kind: tlscert.KindLimit}, "the server sent more than 100 KB in the handshake"},
		{tlscert.Failure{Stage: "starttls", Kind: "of a later release"}, "the starttls failed"},
	}
	for _, tt := range tests {
		assert.EqualError(t, &tt.failure, tt.want)
	}
}

func TestParseHost(t *testing.T) {
	ip := func(s string, port uint16, p tlscert.Protocol) tlscert.Host {
		return tlscert.Host{Name: s, Port: port, Protocol: p, Addrs: []netip.Addr{netip.MustParseAddr(s)}}
	}
	tests := []struct {
		text string
		want tlscert.Host
	}{
		{"acme.example", tlscert.Host{Name: "acme.example", Port: 443, Protocol: tlscert.HTTPS}},
		{"Acme.Example.:8443", tlscert.Host{Name: "acme.example", Port: 8443, Protocol: tlscert.HTTPS}},
		{"mx.acme.example:25", tlscert.Host{Name: "mx.acme.example", Port: 25, Protocol: tlscert.SMTP}},
		{"mx.acme.example:587", tlscert.Host{Name: "mx.acme.example", Port: 587, Protocol: tlscert.SMTP}},
		{"mx.acme.example:143", tlscert.Host{Name: "mx.acme.example", Port: 143, Protocol: tlscert.IMAP}},
		{"mx.acme.example:110", tlscert.Host{Name: "mx.acme.example", Port: 110, Protocol: tlscert.POP3}},
		{"mx.acme.example:465", tlscert.Host{Name: "mx.acme.example", Port: 465, Protocol: tlscert.TLS}},
		{"mx.acme.example:10443", tlscert.Host{Name: "mx.acme.example", Port: 10443, Protocol: tlscert.TLS}},
		{"192.0.2.1", ip("192.0.2.1", 443, tlscert.HTTPS)},
		{"192.0.2.1:993", ip("192.0.2.1", 993, tlscert.TLS)},
		{"2001:db8::1", ip("2001:db8::1", 443, tlscert.HTTPS)},
		{"[2001:DB8::1]", ip("2001:db8::1", 443, tlscert.HTTPS)},
		{"[2001:db8::1]:993", ip("2001:db8::1", 993, tlscert.TLS)},
	}
	for _, tt := range tests {
		got, err := tlscert.ParseHost(tt.text)
		require.NoError(t, err, tt.text)
		assert.Equal(t, tt.want, got, tt.text)
	}
	_, err := tlscert.ParseHost("acme.example:0")
	require.EqualError(t, err, `"acme.example:0" is no host: the port is no number from 1 to 65535`)
	for _, text := range []string{"acme.example:65536", "acme.example:https", "acme.example:", "[2001:db8::1]x", "https://acme.example/", "", ":443", "a..example"} {
		_, err := tlscert.ParseHost(text)
		var host *tlscert.HostError
		var name *dnsx.NameError
		assert.True(t, errors.As(err, &host) || errors.As(err, &name), "%q: %v", text, err)
	}
}
