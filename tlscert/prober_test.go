package tlscert_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/tlscert"
)

// gauge counts who is connected, at each address and in all.
type gauge struct {
	tlscert.Dialer
	mu   sync.Mutex
	open map[string]int
	most map[string]int
}

func (g *gauge) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	addr := netip.MustParseAddrPort(address).Addr().String()
	g.count(addr, 1)
	conn, err := g.Dialer.DialContext(ctx, network, address)
	return &gauged{Conn: conn, leave: sync.OnceFunc(func() { g.count(addr, -1) })}, err
}

func (g *gauge) count(addr string, n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open == nil {
		g.open, g.most = map[string]int{}, map[string]int{}
	}
	for _, key := range []string{addr, "all"} {
		g.open[key] += n
		g.most[key] = max(g.most[key], g.open[key])
	}
}

type gauged struct {
	net.Conn
	leave func()
}

func (c *gauged) Close() error {
	c.leave()
	return c.Conn.Close()
}

// TestPlacesAreShared: two jobs of one Prober keep its bounds together. Waiting for a
// place costs nobody the time of a stage.
func TestPlacesAreShared(t *testing.T) {
	tests := []struct {
		name      string
		all, each int // 0: the default
		most      map[string]int
		took      time.Duration
	}{
		{"the defaults", 0, 0, map[string]int{"192.0.2.1": 4, "192.0.2.2": 4, "all": 8}, 15 * time.Second},
		{"one at each address", 0, 1, map[string]int{"192.0.2.1": 1, "192.0.2.2": 1, "all": 2}, 60 * time.Second},
		{"five in all", 5, 4, map[string]int{"192.0.2.1": 4, "192.0.2.2": 4, "all": 5}, 24 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				silent := newStage("SILENT")
				dialer := &gauge{Dialer: silent}
				p := &tlscert.Prober{Dialer: dialer, AllowPrivate: allowed, Timeout: 3 * time.Second, MaxOpen: tt.all, MaxPerAddr: tt.each}
				start := time.Now()
				var wg sync.WaitGroup
				for job := range 2 {
					o := tlscert.Options{Prober: p, Budget: 2 * time.Minute}
					var zone strings.Builder
					for i := range 10 {
						name := fmt.Sprintf("h%d.j%d.example", i, job)
						fmt.Fprintf(&zone, "%s. A 192.0.2.1\n%s. A 192.0.2.2\n", name, name)
						o.Hosts = append(o.Hosts, tlscert.Host{Name: name})
					}
					r := dnstest.Must(zone.String())
					wg.Go(func() {
						f, err := tlscert.Discover(t.Context(), r, "acme.example", o)
						assert.NoError(t, err)
						for _, h := range f.Hosts {
							assert.Equal(t, []string{"192.0.2.1 handshake timeout", "192.0.2.2 handshake timeout"}, outcomes(h))
						}
					})
				}
				wg.Wait()
				silent.end()
				if tt.all == 0 {
					assert.Equal(t, tt.most, dialer.most)
					assert.Equal(t, tt.took, time.Since(start))
				} else { // who of the two addresses has the odd place is chance
					assert.LessOrEqual(t, dialer.most["all"], tt.all)
					assert.LessOrEqual(t, time.Since(start), 40*3*time.Second/4)
				}
			})
		})
	}
}

// TestWaitingForAPlaceEndsWithTheJob: and leaves it to others.
func TestWaitingForAPlaceEndsWithTheJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		silent := newStage("SILENT", "TLS")
		p := &tlscert.Prober{Dialer: silent, AllowPrivate: allowed, Timeout: 10 * time.Second, MaxPerAddr: 1}
		host := tlscert.Host{Name: "acme.example", Addrs: []netip.Addr{somewhere}}
		var wg sync.WaitGroup
		wg.Go(func() {
			e, err := p.Probe(t.Context(), host, somewhere)
			assert.NoError(t, err)
			assert.Equal(t, &tlscert.Failure{Stage: tlscert.Handshake, Kind: tlscert.KindTimeout}, e.Failure)
		})
		synctest.Wait()
		f, err := tlscert.Discover(t.Context(), dnstest.Must(""), "acme.example", tlscert.Options{Prober: p, Budget: time.Second, Hosts: []tlscert.Host{host}})
		require.NoError(t, err)
		assert.Equal(t, []string{"192.0.2.1 connect budget"}, outcomes(f.Hosts[0]))

		// The same address in its other form waits in the same line.
		e, err := p.Probe(t.Context(), host, netip.AddrFrom16(somewhere.As16()))
		require.NoError(t, err)
		assert.NotNil(t, e.TLS)
		wg.Wait()
		silent.end()
	})
}

// TestManyNamesAtOneAddress: each of many names has its time at an address that
// answers, however long the line is. Names at a silent one run out of theirs (below).
func TestManyNamesAtOneAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newStage("S: 554 no mail here")
		p := &tlscert.Prober{Dialer: slow{server, 700 * time.Millisecond}, AllowPrivate: allowed, Timeout: 2 * time.Second}
		host := tlscert.Host{Name: "mx.acme.example", Port: 25, Addrs: []netip.Addr{somewhere}}
		start := time.Now()
		seen := make([][]string, 100)
		var wg sync.WaitGroup
		for i := range seen {
			wg.Go(func() {
				o := tlscert.Options{Prober: p, Budget: 3 * time.Second, Hosts: []tlscert.Host{host}}
				f, err := tlscert.Discover(t.Context(), dnstest.Must(""), "acme.example", o)
				assert.NoError(t, err)
				seen[i] = outcomes(f.Hosts[0])
			})
		}
		wg.Wait()
		server.end()
		for _, got := range seen {
			assert.Equal(t, []string{"192.0.2.1 greeting rejected"}, got)
		}
		assert.Equal(t, 25*1400*time.Millisecond, time.Since(start), "four at once: eleven budgets")
	})
}

func TestProbeWantsAHost(t *testing.T) {
	var name *dnsx.NameError
	_, err := new(tlscert.Prober).Probe(t.Context(), tlscert.Host{Name: "a..b"}, somewhere)
	require.ErrorAs(t, err, &name)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	e, err := new(tlscert.Prober).Probe(ctx, tlscert.Host{Name: "a.example", Given: true}, somewhere)
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, &tlscert.Failure{Stage: tlscert.Connect, Kind: tlscert.KindCanceled}, e.Failure)
}

// TestCancelEndsEveryStage: whatever is waited for.
func TestCancelEndsEveryStage(t *testing.T) {
	tests := []struct {
		script script
		stage  tlscert.StageName
	}{
		{"SILENT", tlscert.Greeting},
		{"S: 220 mx\nSILENT", tlscert.StartTLS},
		{"S: 220 mx\nC: EHLO mailcheck.invalid\nS: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\nSILENT", tlscert.Handshake},
	}
	for _, tt := range tests {
		t.Run(string(tt.stage), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(tt.script)
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(time.Second, cancel)
				start := time.Now()
				e, err := s.prober().Probe(ctx, tlscert.Host{Name: "mx.acme.example", Port: 25}, somewhere)
				require.ErrorIs(t, err, context.Canceled)
				assert.Equal(t, &tlscert.Failure{Stage: tt.stage, Kind: tlscert.KindCanceled}, e.Failure)
				assert.Equal(t, time.Second, time.Since(start))
				s.end()
			})
		})
	}
}

// TestTarpitsCostOneDeadline: ten of two hundred hosts say nothing, and the run takes
// as long as one of them.
func TestTarpitsCostOneDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, good := world{}, newServer(words())
		o := w.options("")
		o.Prober.Timeout = 5 * time.Second
		for i := range 200 {
			addr := netip.MustParseAddr(fmt.Sprintf("192.0.2.%d", i+1))
			if w[addr] = good; i%20 == 0 {
				w[addr] = server{fault: "silent"}
			}
			o.Hosts = append(o.Hosts, tlscert.Host{Name: "acme.example", Port: uint16(i + 1), Protocol: tlscert.HTTPS, Addrs: []netip.Addr{addr}})
		}
		start := time.Now()
		f, err := tlscert.Discover(t.Context(), dnstest.Must(""), "acme.example", o)
		require.NoError(t, err)
		assert.Equal(t, 5*time.Second, time.Since(start))
		silent := 0
		for _, h := range f.Hosts {
			if e := h.Endpoints[0]; e.Failure != nil {
				assert.Equal(t, &tlscert.Failure{Stage: tlscert.Handshake, Kind: tlscert.KindTimeout}, e.Failure)
				silent++
			}
		}
		assert.Equal(t, 10, silent)
	})
}

// TestServerNameIsAskedFor: and is what the certificate has to be valid for.
func TestServerNameIsAskedFor(t *testing.T) {
	s := newStage("TLS")
	var asked string
	s.config.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		asked = h.ServerName
		return nil, nil
	}
	for _, tt := range []struct {
		host tlscert.Host
		want string
	}{
		{tlscert.Host{Name: "acme.helpdesk.example"}, "acme.helpdesk.example"},
		{tlscert.Host{Name: "acme.helpdesk.example", ServerName: "Help.Acme.Example."}, "help.acme.example"},
		{tlscert.Host{Name: "192.0.2.1"}, ""},
		{tlscert.Host{Name: "2001:db8::1"}, ""},
		{tlscert.Host{Name: "192.0.2.1", ServerName: "acme.example"}, "acme.example"},
	} {
		_, err := s.prober().Probe(t.Context(), tt.host, somewhere)
		require.NoError(t, err)
		s.end()
		assert.Equal(t, tt.want, asked)
	}
}

// TestNoStapleIsNoAnswer: neither in the facts nor in what is saved of them.
func TestNoStapleIsNoAnswer(t *testing.T) {
	s := newStage("TLS")
	e, err := s.prober().Probe(t.Context(), tlscert.Host{Name: "acme.example"}, somewhere)
	require.NoError(t, err)
	s.end()
	assert.Nil(t, e.TLS.OCSP)
	data, err := json.Marshal(e)
	require.NoError(t, err)
	assert.NotContains(t, string(data), `"ocsp"`)
}
