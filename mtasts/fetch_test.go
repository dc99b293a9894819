package mtasts_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/internal/dial"
	"github.com/mailcheck-go/mailcheck/mtasts"
)

const (
	policyURL = "https://mta-sts.acme.example/.well-known/mta-sts.txt"
	fetchZone = `
_mta-sts.acme.example. TXT "v=STSv1; id=1"
mta-sts.acme.example. A 127.0.0.1
`
	goodPolicy = "version: STSv1\r\nmode: enforce\r\nmx: mx.acme.example\r\nmax_age: 604800\r\n"
)

// authority is a certification authority of one test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	ca := &authority{}
	ca.cert, ca.key = ca.sign(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "test CA"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	})
	return ca
}

func (ca *authority) sign(t *testing.T, cert *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	cert.SerialNumber = big.NewInt(1)
	cert.NotBefore = time.Now().Add(-time.Hour)
	parent, signer := ca.cert, ca.key
	if parent == nil {
		parent, signer = cert, key
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, parent, key.Public(), signer)
	require.NoError(t, err)
	cert, err = x509.ParseCertificate(der)
	require.NoError(t, err)
	return cert, key
}

func (ca *authority) roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	return pool
}

// serve starts a server on loopback, which has a certificate for name.
func (ca *authority) serve(t *testing.T, name string, notAfter time.Time, h http.HandlerFunc, edit ...func(*tls.Config)) *httptest.Server {
	t.Helper()
	leaf, key := ca.sign(t, &x509.Certificate{DNSNames: []string{name}, NotAfter: notAfter})
	s := httptest.NewUnstartedServer(h)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{leaf.Raw}, PrivateKey: key}}}
	for _, e := range edit {
		e(s.TLS)
	}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

type dialerFunc func(ctx context.Context, address string) (net.Conn, error)

func (d dialerFunc) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if network != "tcp" {
		return nil, net.UnknownNetworkError(network)
	}
	return d(ctx, address)
}

// to dials one listener, whatever the address.
func to(l net.Listener) dialerFunc {
	return func(ctx context.Context, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", l.Addr().String())
	}
}

func fetch(t *testing.T, zone string, o mtasts.Options) *mtasts.Fetch {
	t.Helper()
	f, err := mtasts.Discover(t.Context(), dnstest.Must(zone), "acme.example", o)
	require.NoError(t, err)
	require.NotNil(t, f.Policy)

	written, err := json.Marshal(f)
	require.NoError(t, err)
	var again mtasts.Facts
	require.NoError(t, json.Unmarshal(written, &again))
	assert.Equal(t, f.Policy, again.Policy, "facts survive JSON")

	assert.Equal(t, policyURL, f.Policy.URL)
	assert.WithinDuration(t, time.Now(), f.Policy.At, time.Minute)
	f.Policy.URL, f.Policy.At = "", time.Time{}
	return f.Policy
}

func TestFetchResponse(t *testing.T) {
	ca := newAuthority(t)
	page := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			_, _ = io.WriteString(w, body)
		}
	}
	redirect := func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://127.0.0.1/elsewhere", http.StatusMovedPermanently)
	}
	fits, larger := strings.Repeat("a", mtasts.MaxPolicy), strings.Repeat("a", mtasts.MaxPolicy+1)
	tests := []struct {
		name   string
		handle http.HandlerFunc
		want   mtasts.Fetch
	}{
		{"a policy", page(goodPolicy), mtasts.Fetch{Status: 200, ContentType: "text/plain", Body: goodPolicy}},
		{"the largest that is read", page(fits), mtasts.Fetch{Status: 200, ContentType: "text/plain", Body: fits}},
		{"one octet more", page(larger), mtasts.Fetch{Status: 200, ContentType: "text/plain", Body: fits, Truncated: true}},
		{"octets that are not UTF-8", page("a\xff\xfeb"), mtasts.Fetch{Status: 200, ContentType: "text/plain", Body: "a\uFFFDb"}},
		{"a redirect is not followed", redirect, mtasts.Fetch{Status: 301, ContentType: "text/html; charset=utf-8", Location: "https://127.0.0.1/elsewhere"}},
		{"an error page is not kept", http.NotFound, mtasts.Fetch{Status: 404, ContentType: "text/plain; charset=utf-8"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var asked []string
			s := ca.serve(t, "mta-sts.acme.example", time.Now().Add(time.Hour), func(w http.ResponseWriter, r *http.Request) {
				asked = append(asked, fmt.Sprint(r.TLS.ServerName, " ", r.Method, " ", r.Host, r.URL))
				tt.handle(w, r)
			})
			got := fetch(t, fetchZone, mtasts.Options{Dialer: to(s.Listener), Roots: ca.roots()})
			tt.want.Server = "127.0.0.1:443"
			assert.Equal(t, &tt.want, got)
			assert.Equal(t, []string{"mta-sts.acme.example GET mta-sts.acme.example/.well-known/mta-sts.txt"}, asked)
		})
	}
}

func TestFetchFailure(t *testing.T) {
	ca := newAuthority(t)
	ok := func(http.ResponseWriter, *http.Request) {}
	later := time.Now().Add(time.Hour)
	good := ca.serve(t, "mta-sts.acme.example", later, ok)
	refusing := ca.serve(t, "mta-sts.acme.example", later, ok, func(c *tls.Config) {
		c.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return nil, errors.New("no such host") }
	})
	old := ca.serve(t, "mta-sts.acme.example", later, ok, func(c *tls.Config) {
		c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	})
	plain := httptest.NewServer(http.HandlerFunc(ok))
	t.Cleanup(plain.Close)
	hangup := ca.serve(t, "mta-sts.acme.example", later, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	halfway := ca.serve(t, "mta-sts.acme.example", later, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "version: STSv1\n")
	})
	closing, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { closing.Close() })
	go func() {
		for conn, err := closing.Accept(); err == nil; conn, err = closing.Accept() {
			conn.Close()
		}
	}()
	tests := []struct {
		name   string
		dialer mtasts.Dialer
		roots  *x509.CertPool
		kind   mtasts.FailureKind
		detail string
	}{
		{"nobody trusts the certificate", to(good.Listener), x509.NewCertPool(), mtasts.FailureCertificate, "unknown authority"},
		{"the certificate names another host", to(ca.serve(t, "www.acme.example", later, ok).Listener), nil, mtasts.FailureCertificate, "www.acme.example"},
		{"a wildcard does not reach two labels down", to(ca.serve(t, "*.example", later, ok).Listener), nil, mtasts.FailureCertificate, "*.example"},
		{"the certificate has expired", to(ca.serve(t, "mta-sts.acme.example", time.Now().Add(-time.Minute), ok).Listener), nil, mtasts.FailureCertificate, "expired"},
		{"the host refuses the handshake", to(refusing.Listener), nil, mtasts.FailureTLS, "remote error: tls: internal error"},
		{"the host speaks no TLS", to(plain.Listener), nil, mtasts.FailureTLS, "does not look like a TLS handshake"},
		{"the host hangs up at once", to(closing), nil, mtasts.FailureNetwork, ""},
		{"the host is too old", to(old.Listener), nil, mtasts.FailureTLS, "protocol version"},
		{"the host hangs up in place of an answer", to(hangup.Listener), nil, mtasts.FailureNetwork, "EOF"},
		{"the host hangs up amid the answer", to(halfway.Listener), nil, mtasts.FailureNetwork, "unexpected EOF"},
		{"the address is not public", &dial.Dialer{}, nil, mtasts.FailureNotDialed, "address is not public"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.roots == nil {
				tt.roots = ca.roots()
			}
			got := fetch(t, fetchZone, mtasts.Options{Dialer: tt.dialer, Roots: tt.roots}).Failure
			require.NotNil(t, got)
			assert.Equal(t, tt.kind, got.Kind)
			assert.Contains(t, got.Error(), tt.detail)
		})
	}
}

func TestFetchTriesAllAddresses(t *testing.T) {
	ca := newAuthority(t)
	s := ca.serve(t, "mta-sts.acme.example", time.Now().Add(time.Hour), func(http.ResponseWriter, *http.Request) {})
	var tried []string
	dialer := dialerFunc(func(ctx context.Context, address string) (net.Conn, error) {
		if tried = append(tried, address); len(tried) < 3 {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
		}
		return to(s.Listener)(ctx, address)
	})
	const zone = fetchZone + `
mta-sts.acme.example. A 127.0.0.2
mta-sts.acme.example. AAAA ::1
`
	got := fetch(t, zone, mtasts.Options{Dialer: dialer, Roots: ca.roots()})
	assert.Equal(t, []string{"127.0.0.1:443", "127.0.0.2:443", "[::1]:443"}, tried)
	assert.Equal(t, &mtasts.Fetch{Server: "[::1]:443", Status: 200}, got)
}

func TestFetchSilence(t *testing.T) {
	silent := func(ctx context.Context, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: ctx.Err()}
	}
	mute := func(context.Context, string) (net.Conn, error) {
		conn, _ := net.Pipe() // nobody reads from it
		return conn, nil
	}
	tests := []struct {
		name   string
		dialer dialerFunc
		kind   mtasts.FailureKind
		text   string
	}{
		{"no connection", silent, mtasts.FailureNetwork, "dial tcp: context deadline exceeded"},
		{"no handshake", mute, mtasts.FailureBudget, "the policy had not come when the time was over"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				f, err := mtasts.Discover(t.Context(), dnstest.Must(fetchZone), "acme.example", mtasts.Options{Dialer: tt.dialer, Budget: time.Minute})
				require.NoError(t, err, "the budget is no error")
				assert.Equal(t, time.Minute, time.Since(start))
				assert.Equal(t, tt.kind, f.Policy.Failure.Kind)
				assert.Equal(t, tt.text, f.Policy.Failure.Error())
				assert.Equal(t, []check.Gap{check.GapOf(policyURL, f.Policy.Failure)}, mtasts.Analyze(f).PolicyUnread)
			})
		})
	}
}

func TestFetchAtAnotherTime(t *testing.T) {
	ca := newAuthority(t)
	s := ca.serve(t, "mta-sts.acme.example", time.Now().Add(time.Hour), func(http.ResponseWriter, *http.Request) {})
	later := time.Now().Add(24 * time.Hour)
	o := mtasts.Options{Dialer: to(s.Listener), Roots: ca.roots(), Now: func() time.Time { return later }}
	f, err := mtasts.Discover(t.Context(), dnstest.Must(fetchZone), "acme.example", o)
	require.NoError(t, err)
	assert.True(t, later.Equal(f.Policy.At))
	assert.Equal(t, mtasts.FailureCertificate, f.Policy.Failure.Kind)
}

func TestFetchCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	giveUp := dialerFunc(func(ctx context.Context, _ string) (net.Conn, error) {
		cancel()
		return nil, ctx.Err()
	})
	f, err := mtasts.Discover(ctx, dnstest.Must(fetchZone), "acme.example", mtasts.Options{Dialer: giveUp})
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, "the policy was given up", f.Policy.Failure.Error())
}
