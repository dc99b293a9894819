package fetch_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/internal/fetch"
)

func TestGet(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/five", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept") == "text/plain" && r.UserAgent() == fetch.UserAgent && r.Header.Get("Accept-Encoding") == "" {
			_, _ = io.WriteString(w, "12345")
		}
	})
	mux.HandleFunc("/six", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "123456") })
	mux.HandleFunc("/away", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/five", http.StatusFound) })
	mux.HandleFunc("/cut", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "10")
		_, _ = io.WriteString(w, "123")
	})
	plain := httptest.NewServer(mux)
	defer plain.Close()
	secure := httptest.NewTLSServer(mux)
	defer secure.Close()
	roots := x509.NewCertPool()
	roots.AddCert(secure.Certificate())
	at := func(s *httptest.Server) netip.AddrPort { return netip.MustParseAddrPort(s.Listener.Addr().String()) }
	nobody := netip.MustParseAddrPort("127.0.0.1:1")

	tests := []struct {
		name   string
		path   string
		server *httptest.Server
		addrs  []netip.AddrPort
		tls    *tls.Config
		status int
		body   string
		more   bool
		stage  fetch.Stage
		err    bool
	}{
		{name: "as much as may be", path: "/five", server: plain, status: 200, body: "12345"},
		{name: "more", path: "/six", server: plain, status: 200, body: "12345", more: true},
		{name: "over TLS", path: "/five", server: secure, tls: &tls.Config{RootCAs: roots, ServerName: "example.com"}, status: 200, body: "12345"},
		{name: "a redirect is not followed", path: "/away", server: plain, status: 302},
		{name: "only status 200 has a body", path: "/none", server: plain, status: 404},
		{name: "the second address", path: "/five", server: plain, addrs: []netip.AddrPort{nobody, at(plain)}, status: 200, body: "12345"},
		{name: "nobody there", path: "/five", server: plain, addrs: []netip.AddrPort{nobody}, err: true, stage: fetch.Connect},
		{name: "not to be trusted", path: "/five", server: plain, addrs: []netip.AddrPort{at(plain)}, tls: &tls.Config{ServerName: "example.com"}, err: true, stage: fetch.Handshake},
		{name: "what came stays", path: "/cut", server: plain, status: 200, body: "123", err: true, stage: fetch.Exchange},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.addrs == nil {
				tt.addrs = []netip.AddrPort{at(tt.server)}
			}
			got, err := fetch.Get(t.Context(), fetch.Request{
				URL: tt.server.URL + tt.path, Addrs: tt.addrs, Dialer: new(net.Dialer), TLS: tt.tls, Accept: "text/plain", Max: 5,
			})
			var failed *fetch.Error
			require.Equal(t, tt.err, errors.As(err, &failed), "%v", err)
			if tt.err {
				assert.Equal(t, tt.stage, failed.Stage)
				assert.Equal(t, failed.Err.Error(), err.Error())
			}
			assert.Equal(t, tt.status, got.Status)
			assert.Equal(t, tt.body, string(got.Body))
			assert.Equal(t, tt.more, got.Truncated)
			assert.Equal(t, tt.addrs[len(tt.addrs)-1].String(), got.Server)
		})
	}
}

func TestGetEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}))
	defer server.Close()
	addr := netip.MustParseAddrPort(strings.TrimPrefix(server.URL, "http://"))
	_, err := fetch.Get(ctx, fetch.Request{URL: server.URL, Addrs: []netip.AddrPort{addr}, Dialer: new(net.Dialer), Max: 5})
	assert.ErrorIs(t, err, context.Canceled)
}
