package tlscert_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/tlscert"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

// listen serves TCP on a port that is the same at several addresses of 127.0.0.0/8.
func listen(tb testing.TB, servers map[string]func(net.Conn)) (port uint16) {
	tb.Helper()
	addrs := slices.Sorted(maps.Keys(servers))
	var wg sync.WaitGroup
	tb.Cleanup(wg.Wait)
	var listeners []net.Listener
	for attempt := 0; len(listeners) < len(addrs); attempt++ {
		require.Less(tb, attempt, 50, "no port is free at all addresses")
		for _, l := range listeners {
			l.Close()
		}
		listeners, port = nil, 0
		for _, a := range addrs {
			l, err := net.Listen("tcp", fmt.Sprintf("%s:%d", a, port))
			if err != nil {
				break
			}
			listeners = append(listeners, l)
			port = netip.MustParseAddrPort(l.Addr().String()).Port()
		}
	}
	for i, l := range listeners {
		tb.Cleanup(func() { l.Close() })
		wg.Go(func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				wg.Go(func() {
					defer conn.Close()
					servers[addrs[i]](conn)
				})
			}
		})
	}
	return port
}

// serveTLS shakes hands and waits until the client goes.
func serveTLS(c *tls.Config) func(net.Conn) {
	return func(conn net.Conn) {
		s := tls.Server(conn, c)
		if s.Handshake() == nil {
			io.Copy(io.Discard, s)
		}
	}
}

func words(kv ...string) map[string]string {
	w := map[string]string{"names": "acme.example", "lifetime": "90d", "left": "60d", "key": "p256", "issuer": "public", "chain": "leaf,issuer", "scts": "3"}
	for i := 0; i < len(kv); i += 2 {
		w[kv[i]] = kv[i+1]
	}
	return w
}

func TestRealServers(t *testing.T) {
	good := newServer(words())
	good.OCSPStaple, good.SignedCertificateTimestamps = []byte("a staple"), [][]byte{[]byte("one"), []byte("two")}
	config := func(s server) *tls.Config {
		return &tls.Config{Certificates: []tls.Certificate{s.Certificate}, NextProtos: []string{"http/1.1"}}
	}
	old := config(newServer(words()))
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS10
	long := newServer(words())
	for range 400 {
		long.Certificate.Certificate = append(long.Certificate.Certificate, testPKI().stranger.cert.Raw)
	}
	picky := config(good)
	picky.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return nil, fmt.Errorf("not for you") }

	servers := map[string]func(net.Conn){
		"127.0.0.2":  serveTLS(config(good)),
		"127.0.0.3":  serveTLS(config(newServer(words("left", "-3d")))),
		"127.0.0.4":  serveTLS(config(newServer(words("names", "other.example")))),
		"127.0.0.5":  serveTLS(config(newServer(words("chain", "leaf")))),
		"127.0.0.6":  serveTLS(config(newServer(words("issuer", "self")))),
		"127.0.0.7":  serveTLS(old),
		"127.0.0.8":  serveTLS(config(long)),
		"127.0.0.9":  serveTLS(picky),
		"127.0.0.11": func(c net.Conn) { fmt.Fprint(c, "220 mx.acme.example ESMTP\r\n"); io.Copy(io.Discard, c) },
		"127.0.0.12": func(c net.Conn) { c.Write(bytes.Repeat([]byte("garbage!"), 128<<10)) },
		"127.0.0.13": func(c net.Conn) { // records of a handshake, and nothing that belongs in one
			record := append([]byte{22, 3, 3, 64, 0, 2, 4, 0, 0}, make([]byte, 16380)...)
			for range 64 {
				c.Write(record)
			}
		},
		"127.0.0.14": func(net.Conn) {},
	}
	port := listen(t, servers)

	var zone strings.Builder
	for a := range servers {
		fmt.Fprintf(&zone, "acme.example. A %s\n", a)
	}
	zone.WriteString("acme.example. A 127.0.0.15\n") // nobody listens
	f, err := tlscert.Discover(t.Context(), dnstest.Must(zone.String()), "acme.example", tlscert.Options{
		Hosts:  []tlscert.Host{{Name: "acme.example", Port: port, Protocol: tlscert.HTTPS}},
		Prober: &tlscert.Prober{AllowPrivate: loopback, Timeout: time.Minute},
		Budget: time.Minute, Now: func() time.Time { return now },
	})
	require.NoError(t, err)
	h := f.Hosts[0]
	assert.Equal(t, []string{
		"127.0.0.2 ok", "127.0.0.3 ok", "127.0.0.4 ok", "127.0.0.5 ok", "127.0.0.6 ok", "127.0.0.7 ok",
		"127.0.0.8 handshake limit", "127.0.0.9 handshake alert", "127.0.0.11 handshake not-tls",
		"127.0.0.12 handshake not-tls", "127.0.0.13 handshake protocol", "127.0.0.14 handshake closed", "127.0.0.15 connect refused",
	}, outcomes(h))
	assert.Equal(t, &tlscert.Session{
		Version: "TLS 1.3", CipherSuite: "TLS_AES_128_GCM_SHA256", Group: "X25519MLKEM768", ALPN: "http/1.1",
		Chain: good.Certificate.Certificate, OCSP: []byte("a staple"), SCTs: [][]byte{[]byte("one"), []byte("two")},
	}, h.Endpoints[0].TLS)
	assert.Equal(t, "TLS 1.0", h.Endpoints[5].TLS.Version)

	failed := map[string]int{} // by rule: findings
	for _, r := range check.Apply(tlscert.Analyze(f), tlscert.Rules(tlscert.Settings{Roots: testPKI().roots})) {
		if r.Outcome == check.Fail {
			failed[r.ID] = len(r.Findings)
		} else {
			assert.NotEqual(t, check.Pass, r.Outcome, r.ID)
		}
	}
	assert.Equal(t, map[string]int{
		"cert.expired": 1, "cert.name-mismatch": 1, "cert.chain-incomplete": 1, "cert.self-signed": 1,
		"cert.addresses-differ": 5, "cert.staple-invalid": 1, "tls.version-old": 1,
	}, failed)
}

func TestTarpit(t *testing.T) {
	port := listen(t, map[string]func(net.Conn){"127.0.0.2": func(c net.Conn) { io.Copy(io.Discard, c) }})
	f, err := tlscert.Discover(t.Context(), dnstest.Must("acme.example. A 127.0.0.2"), "acme.example", tlscert.Options{
		Hosts: []tlscert.Host{{Name: "acme.example", Port: port}}, Prober: &tlscert.Prober{AllowPrivate: loopback, Timeout: 50 * time.Millisecond},
	})
	require.NoError(t, err)
	assert.Equal(t, tlscert.KindTimeout, f.Hosts[0].Endpoints[0].Failure.Kind)
}

func TestLoopbackNeedsPermission(t *testing.T) {
	var reached atomic.Bool
	port := listen(t, map[string]func(net.Conn){"127.0.0.2": func(net.Conn) { reached.Store(true) }})
	r := dnstest.Must("acme.example. A 127.0.0.2")
	o := tlscert.Options{Hosts: []tlscert.Host{{Name: "acme.example", Port: port}}}
	f, err := tlscert.Discover(t.Context(), r, "acme.example", o)
	require.NoError(t, err)
	assert.Equal(t, []string{"127.0.0.2 connect not-public"}, outcomes(f.Hosts[0]))
	assert.False(t, reached.Load())

	o.Hosts[0].Given = true
	f, err = tlscert.Discover(t.Context(), r, "acme.example", o)
	require.NoError(t, err)
	assert.Equal(t, []string{"127.0.0.2 handshake closed"}, outcomes(f.Hosts[0]), "what the operator named is dialled as named")
}

// TestIPv6Literal: an address with colons and a port is one host, and is not asked for.
func TestIPv6Literal(t *testing.T) {
	w := parseWorld("2001:db8::1", "2001:db8::1")
	r := dnstest.Must("")
	f, err := tlscert.Discover(t.Context(), r, "acme.example", w.options("hosts [2001:db8::1]:993"))
	require.NoError(t, err)
	assert.Empty(t, r.Asked())
	assert.Equal(t, []string{"2001:db8::1 ok"}, outcomes(f.Hosts[0]))
	for _, r := range check.Apply(tlscert.Analyze(f), tlscert.Rules(tlscert.Settings{Roots: testPKI().roots})) {
		assert.NotEqual(t, check.Fail, r.Outcome, r.ID)
	}
}

// TestLastDay: a certificate whose days left round to none, and one just gone.
func TestLastDay(t *testing.T) {
	for left, want := range map[string]string{"5h": "cert.expiring", "1h": "cert.expiring", "-1h": "cert.expired"} {
		w := parseWorld("acme.example", "192.0.2.1 left="+left)
		f, err := tlscert.Discover(t.Context(), dnstest.Must("acme.example. A 192.0.2.1"), "acme.example", w.options(""))
		require.NoError(t, err)
		var failed []string
		for _, r := range check.Apply(tlscert.Analyze(f), tlscert.Rules(tlscert.Settings{Roots: testPKI().roots})) {
			if r.Outcome == check.Fail {
				failed = append(failed, r.ID)
			}
		}
		assert.Equal(t, []string{want}, failed, left)
	}
}
