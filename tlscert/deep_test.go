package tlscert_test

import (
	"crypto/tls"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/tlscert"
)

// deep looks at one server in all ways. It stands on loopback.
func deep(t *testing.T, name string, serve func(net.Conn)) tlscert.Endpoint {
	t.Helper()
	port := listen(t, map[string]func(net.Conn){"127.0.0.2": serve})
	f, err := tlscert.Discover(t.Context(), dnstest.Must(""), "acme.example", tlscert.Options{
		Deep: true, Budget: time.Minute, Prober: &tlscert.Prober{AllowPrivate: loopback, Timeout: time.Minute},
		Hosts: []tlscert.Host{{Name: name, Port: port, Protocol: tlscert.HTTPS, Addrs: []netip.Addr{netip.MustParseAddr("127.0.0.2")}}},
	})
	require.NoError(t, err)
	return f.Hosts[0].Endpoints[0]
}

// toldOf is the tries without what the sessions hold, in which only the version and
// the suite tell more.
func toldOf(tries []tlscert.Try) []tlscert.Try {
	for i := range tries {
		if s := tries[i].TLS; s != nil {
			tries[i].TLS = &tlscert.Session{Version: s.Version}
			if tries[i].WeakSuites {
				tries[i].TLS.CipherSuite = s.CipherSuite
			}
		}
		if f := tries[i].Failure; f != nil {
			f.Detail = ""
		}
	}
	return tries
}

func TestDeep(t *testing.T) {
	refused := &tlscert.Failure{Stage: tlscert.Handshake, Kind: tlscert.KindAlert}
	cert := []tls.Certificate{newServer(words("key", "rsa2048")).Certificate}
	t.Run("a server of today", func(t *testing.T) {
		e := deep(t, "acme.example", serveTLS(&tls.Config{Certificates: cert}))
		assert.Nil(t, e.Failure)
		assert.Equal(t, []tlscert.Try{
			{Version: "TLS 1.0", Failure: refused},
			{Version: "TLS 1.1", Failure: refused},
			{WeakSuites: true, Failure: refused},
			{NoSNI: true, TLS: &tlscert.Session{Version: "TLS 1.3"}},
		}, toldOf(e.Tries))
	})
	t.Run("a server that takes anything", func(t *testing.T) {
		var suites []uint16
		for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
			suites = append(suites, s.ID)
		}
		e := deep(t, "acme.example", serveTLS(&tls.Config{Certificates: cert, MinVersion: tls.VersionTLS10, CipherSuites: suites}))
		assert.Equal(t, "TLS 1.3", e.TLS.Version)
		require.Len(t, e.Tries, 4)
		suite := e.Tries[2].TLS.CipherSuite
		assert.Regexp(t, "RC4|3DES", suite)
		assert.Equal(t, []tlscert.Try{
			{Version: "TLS 1.0", TLS: &tlscert.Session{Version: "TLS 1.0"}},
			{Version: "TLS 1.1", TLS: &tlscert.Session{Version: "TLS 1.1"}},
			{WeakSuites: true, TLS: &tlscert.Session{Version: "TLS 1.2", CipherSuite: suite}},
			{NoSNI: true, TLS: &tlscert.Session{Version: "TLS 1.3"}},
		}, toldOf(e.Tries))
	})
	t.Run("another certificate without a server name", func(t *testing.T) {
		other := newServer(words("names", "other.example")).Certificate
		e := deep(t, "acme.example", serveTLS(&tls.Config{GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
			if h.ServerName == "acme.example" {
				return &cert[0], nil
			}
			return &other, nil
		}}))
		assert.Equal(t, cert[0].Certificate, e.TLS.Chain)
		assert.Equal(t, other.Certificate, e.Tries[3].TLS.Chain)
	})
	t.Run("an address has no server name in the first place", func(t *testing.T) {
		e := deep(t, "127.0.0.2", serveTLS(&tls.Config{Certificates: cert, GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			assert.Empty(t, h.ServerName)
			return nil, nil
		}}))
		assert.Len(t, e.Tries, 3)
	})
	t.Run("who speaks no TLS is not asked again", func(t *testing.T) {
		e := deep(t, "acme.example", func(c net.Conn) { c.Write([]byte("220 mx.acme.example ESMTP\r\n")) })
		assert.NotNil(t, e.Failure)
		assert.Nil(t, e.Tries)
	})
	t.Run("a handshake that fails is tried otherwise", func(t *testing.T) {
		e := deep(t, "acme.example", serveTLS(&tls.Config{}))
		assert.Equal(t, tlscert.KindAlert, e.Failure.Kind)
		assert.Len(t, e.Tries, 4)
	})
}

// TestDeepOverSTARTTLS: each try begins at the beginning.
func TestDeepOverSTARTTLS(t *testing.T) {
	s := newStage("S: 220 mx\nC: EHLO mailcheck.invalid\nS: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\nTLS\nC: QUIT")
	f, err := tlscert.Discover(t.Context(), dnstest.Must(""), "acme.example", tlscert.Options{
		Deep: true, Budget: time.Minute, Prober: s.prober(), Hosts: []tlscert.Host{{Name: "mx.acme.example", Port: 25, Addrs: []netip.Addr{somewhere}}},
	})
	require.NoError(t, err)
	e := f.Hosts[0].Endpoints[0]
	s.end() // refused handshakes end without QUIT
	assert.Equal(t, "TLS 1.3", e.TLS.Version)
	assert.Equal(t, []string{"STARTTLS"}, e.Capabilities)
	require.Len(t, e.Tries, 4)
	assert.Equal(t, "TLS 1.3", e.Tries[3].TLS.Version)
}
