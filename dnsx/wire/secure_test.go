package wire_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/wire"
)

// serveHTTPS starts a server over HTTP/2. Its certificate is for example.com and 127.0.0.1.
func serveHTTPS(t *testing.T, handle http.HandlerFunc) (wire.Server, *httptest.Server, *x509.CertPool) {
	t.Helper()
	s := httptest.NewUnstartedServer(handle)
	s.EnableHTTP2 = true
	s.Config.ErrorLog = quiet
	s.StartTLS()
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	addr := netip.MustParseAddrPort(s.Listener.Addr().String())
	return wire.Server{Addr: addr, Proto: "https", Name: "example.com"}, s, roots
}

// serveTLS starts a server for DNS over TLS with the same certificate.
func serveTLS(t *testing.T, handle dns.HandlerFunc) (wire.Server, *x509.CertPool) {
	t.Helper()
	_, https, roots := serveHTTPS(t, nil)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: https.TLS.Certificates})
	require.NoError(t, err)
	t.Cleanup(run(&dns.Server{Listener: l, Handler: handle}))
	return wire.Server{Addr: netip.MustParseAddrPort(l.Addr().String()), Proto: "tls", Name: "example.com"}, roots
}

func TestTLS(t *testing.T) {
	server, roots := serveTLS(t, func(w dns.ResponseWriter, query *dns.Msg) {
		m := echo(query)
		m.AuthenticatedData = true
		w.WriteMsg(m)
	})
	tests := []struct {
		name   string
		server string // its name
		roots  *x509.CertPool
		trust  wire.TrustAD
		fail   string
	}{
		{name: "the certificate is for the name", server: "example.com", roots: roots},
		{name: "or for the address", roots: roots},
		{
			name: "not for another name", server: "other.example", roots: roots,
			fail: ", not other.example",
		},
		{
			name: "not from another authority", server: "example.com", roots: x509.NewCertPool(),
			fail: "signed by unknown authority",
		},
		{name: "TLS alone makes no server trusted", server: "example.com", roots: roots, trust: wire.TrustNever},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := server
			server.Name = tt.server
			c := closing(t, &wire.Client{Servers: []wire.Server{server}, RootCAs: tt.roots, Timeout: forever, TrustAD: tt.trust})
			for _, r := range c.ResolveAll(t.Context(), many(20)) {
				if tt.fail != "" {
					assert.Equal(t, dnsx.KindNetwork, r.Failure.Kind)
					assert.Regexp(t, "^tls: failed to verify certificate: x509: .*"+tt.fail+"$", r.Failure.Detail)
					continue
				}
				require.NoError(t, r.Err())
				assert.Equal(t, []any{"tls", server.String(), tt.trust != wire.TrustNever}, []any{r.Answer.Proto, r.Answer.Server, r.Answer.AD})
			}
		})
	}
}

// answerHTTPS is a server as RFC 8484 has it. It hands each query to reply, whose
// octets it sends.
func answerHTTPS(t *testing.T, header http.Header, reply func(query *dns.Msg) []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var b []byte
		var err error
		switch r.Method {
		case http.MethodGet:
			b, err = base64.RawURLEncoding.DecodeString(r.URL.Query().Get("dns"))
		case http.MethodPost:
			assert.Equal(t, "application/dns-message", r.Header.Get("Content-Type"))
			b, err = io.ReadAll(r.Body)
		}
		query := new(dns.Msg)
		if err != nil { // the client has gone
			return
		}
		if !assert.NoError(t, query.Unpack(b)) {
			return
		}
		assert.Equal(t, []any{"HTTP/2.0", "/dns-query", "example.com:" + port(r.Context().Value(http.LocalAddrContextKey).(net.Addr)), "", ""},
			[]any{r.Proto, r.URL.Path, r.Host, r.Header.Get("Cookie"), r.Header.Get("User-Agent")})
		assert.Zero(t, query.Id, "so that a cache can know the query again")
		assert.Zero(t, len(b)%128, "the length tells nothing")
		w.Header().Set("Content-Type", "application/dns-message")
		w.Header().Set("Set-Cookie", "a=b")
		for name, values := range header {
			w.Header()[name] = values
		}
		w.Write(reply(query))
	}
}

func port(addr net.Addr) string {
	_, port, _ := net.SplitHostPort(addr.String())
	return port
}

func TestHTTPS(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1") // which nobody may ask
	right := func(query *dns.Msg) []byte { return pack(right.to(query)) }
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "/dns-query")
			w.Header().Set("Content-Type", "application/dns-message")
			w.WriteHeader(code)
		}
	}
	tests := []struct {
		name   string
		path   string
		handle http.HandlerFunc
		fail   *dnsx.Failure // Question, Server and Tries are filled in
		ttl    uint32
	}{
		{name: "POST", handle: answerHTTPS(t, nil, right), ttl: 60},
		{name: "GET", path: "/dns-query{?dns}", handle: answerHTTPS(t, nil, right), ttl: 60},
		{name: "an answer from a cache on the way", handle: answerHTTPS(t, http.Header{"Age": {"50"}}, right), ttl: 10},
		{name: "older than it may become", handle: answerHTTPS(t, http.Header{"Age": {"500"}}, right)},
		{
			name:   "parameters of the media type",
			handle: answerHTTPS(t, http.Header{"Content-Type": {"Application/DNS-message; a=b"}}, right), ttl: 60,
		},
		{name: "no redirect is followed", handle: status(302), fail: &dnsx.Failure{Kind: dnsx.KindNetwork, Detail: "https: status 302"}},
		{name: "an error of the server", handle: status(503), fail: &dnsx.Failure{Kind: dnsx.KindNetwork, Detail: "https: status 503"}},
		{
			name: "another media type", handle: answerHTTPS(t, http.Header{"Content-Type": {"text/html"}}, right),
			fail: &dnsx.Failure{Kind: dnsx.KindNetwork, Detail: `https: media type "text/html"`},
		},
		{
			name: "more than a message", handle: answerHTTPS(t, nil, func(*dns.Msg) []byte { return make([]byte, 1<<20) }),
			fail: &dnsx.Failure{Kind: dnsx.KindNetwork, Detail: "https: a reply of over 65535 octets"},
		},
		{
			name: "nothing", handle: answerHTTPS(t, nil, func(*dns.Msg) []byte { return nil }),
			fail: &dnsx.Failure{Kind: dnsx.KindMalformed, Detail: "a header that is cut off at octet 0"},
		},
		{
			name: "a reply to another question",
			handle: answerHTTPS(t, nil, func(query *dns.Msg) []byte {
				query.Question[0].Name = "b.example."
				return right(query)
			}),
			fail: &dnsx.Failure{Kind: dnsx.KindNetwork, Detail: "https: a reply that cannot be used"},
		},
		{
			name:   "SERVFAIL",
			handle: answerHTTPS(t, nil, func(query *dns.Msg) []byte { return pack(response{rcode: dns.RcodeServerFailure}.to(query)) }),
			fail:   &dnsx.Failure{Kind: dnsx.KindRCode, RCode: dnsx.ServFail},
		},
		{
			name:   "an answer that is cut short",
			handle: answerHTTPS(t, nil, func(query *dns.Msg) []byte { return pack(response{tc: true}.to(query)) }),
			fail:   &dnsx.Failure{Kind: dnsx.KindMalformed, Detail: "an answer cut short over https at octet 2"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server, _, roots := serveHTTPS(t, tt.handle)
			server.Path = tt.path
			c := closing(t, &wire.Client{Servers: []wire.Server{server}, RootCAs: roots, Timeout: forever})
			for range 2 {
				a, err := c.Resolve(t.Context(), question)
				if tt.fail != nil {
					tt.fail.Question, tt.fail.Server, tt.fail.Tries = question, server.String(), 2
					assert.Equal(t, *tt.fail, outcome(a, err))
					continue
				}
				require.NoError(t, err)
				assert.Equal(t, []any{"https", server.String(), tt.ttl}, []any{a.Proto, a.Server, a.Records[0].TTL})
			}
		})
	}
}

func TestHTTPSCarriesManyQuestions(t *testing.T) {
	server, _, roots := serveHTTPS(t, answerHTTPS(t, nil, func(query *dns.Msg) []byte { return pack(echo(query)) }))
	c := closing(t, &wire.Client{Servers: []wire.Server{server}, RootCAs: roots, Timeout: forever})
	for i, r := range c.ResolveAll(t.Context(), many(300)) {
		require.NoError(t, r.Err())
		assert.Equal(t, many(300)[i].Name, r.Records()[0].Name)
	}
}
