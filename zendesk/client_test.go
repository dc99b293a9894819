package zendesk_test

import (
	"context"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/zendesk"
	"github.com/mailcheck-go/mailcheck/zendesk/zendesktest"
)

func TestOrigin(t *testing.T) {
	tests := []struct{ name, account, want string }{
		{"a subdomain", "acme", "https://acme.zendesk.com"},
		{"in capitals", " Acme-2 ", "https://acme-2.zendesk.com"},
		{"a host", "Acme.Zendesk.com", "https://acme.zendesk.com"},
		{"a host and a slash", "acme.zendesk.com/", "https://acme.zendesk.com"},
		{"a URL out of the browser", "https://ACME.zendesk.com/admin/home?x=1#y", "https://acme.zendesk.com"},
		{"the default port", "https://acme.zendesk.com:443", "https://acme.zendesk.com"},
		{"another port", "https://acme.zendesk.com:8443/", "https://acme.zendesk.com:8443"},
		{"another host, as a URL", "https://desk.acme.example", "https://desk.acme.example"},
		{"loopback in plain", "http://127.0.0.1:8080", "http://127.0.0.1:8080"},
		{"loopback of IPv6", "http://[::1]:80/", "http://[::1]"},
		{"localhost", "http://localhost:8080", "http://localhost:8080"},

		{"plain http", "http://acme.zendesk.com", "zendesk: plain http is for loopback only, and acme.zendesk.com is not"},
		{"plain http to what only looks like loopback", "http://localhost.evil.example", "zendesk: plain http is for loopback only, and localhost.evil.example is not"},
		{"another host", "desk.acme.example", "zendesk: that host is not below zendesk.com: write it as a URL, https://…, if it shall get the credentials"},
		{"a host that ends alike", "evil-zendesk.com", "zendesk: that host is not below zendesk.com: write it as a URL, https://…, if it shall get the credentials"},
		{"two labels", "a.b.zendesk.com", "zendesk: that is no subdomain: want letters, digits and hyphens, as in acme of acme.zendesk.com"},
		{"a path in the subdomain", "acme/../x", "zendesk: that host is not below zendesk.com: write it as a URL, https://…, if it shall get the credentials"},
		{"credentials in the host", "u:s3cr3t@acme", "zendesk: that is no subdomain: want letters, digits and hyphens, as in acme of acme.zendesk.com"},
		{"credentials in the URL", "https://u:s3cr3t@acme.zendesk.com", "zendesk: a URL may not hold credentials"},
		{"a URL that is none", "https://u:s3cr3t@%zz", "zendesk: that URL cannot be read"},
		{"another scheme", "ftp://acme.zendesk.com", "zendesk: want a URL with https"},
		{"no host", "https://", "zendesk: that URL has no host"},
		{"nothing", "", "zendesk: that is no subdomain: want letters, digits and hyphens, as in acme of acme.zendesk.com"},
		{"a hyphen first", "-acme", "zendesk: that is no subdomain: want letters, digits and hyphens, as in acme of acme.zendesk.com"},
		{"too long", strings.Repeat("a", 64), "zendesk: that is no subdomain: want letters, digits and hyphens, as in acme of acme.zendesk.com"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := zendesk.NewClient(tt.account, zendesk.OAuthToken("t"), zendesk.ClientOptions{})
			got := ""
			if err != nil {
				got = err.Error()
				assert.NotContains(t, got, "s3cr3t")
			} else {
				got = c.Origin()
			}
			assert.Equal(t, tt.want, got)
		})
	}
	_, err := zendesk.NewClient("acme", zendesk.Credentials{}, zendesk.ClientOptions{})
	assert.EqualError(t, err, "zendesk: no credentials")
}

// recorder is another host: it counts who comes, and who brings credentials.
func recorder(t *testing.T) (link string, came, withSecret *atomic.Int64) {
	came, withSecret = new(atomic.Int64), new(atomic.Int64)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		came.Add(1)
		if r.Header.Get("Authorization") != "" || strings.Contains(r.URL.String(), "acme-") {
			withSecret.Add(1)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL, came, withSecret
}

// Over real sockets: neither a redirect nor a link makes the client go elsewhere.
func TestNobodyElseIsAsked(t *testing.T) {
	link, came, withSecret := recorder(t)
	s := zendesktest.NewServer(zendesktest.Acme())
	defer s.Close()
	s.Fail("/api/v2/brands", zendesktest.RedirectTo(link+"/api/v2/brands"))
	s.Fail("/api/v2/sessions", zendesktest.Fault{Next: link + "/api/v2/sessions"})
	s.Fail("/oauth/tokens", zendesktest.Fault{Times: 1, Status: http.StatusTemporaryRedirect, Header: map[string]string{"Location": link + "/oauth/tokens"}})
	for range 2 { // the first time the token's request is redirected
		c, err := zendesk.NewClient(s.URL, zendesk.OAuthClient("acme-client", "acme-secret"), zendesk.ClientOptions{PerMinute: 100_000})
		require.NoError(t, err)
		f, err := zendesk.Discover(t.Context(), c, zendesk.Options{})
		require.NoError(t, err)
		if first := f.Endpoints[zendesk.EndpointMe]; first.State != zendesk.StateOK {
			assert.Equal(t, zendesk.FailureRedirect, first.Failure.Kind)
			assert.Equal(t, strings.TrimPrefix(link, "http://"), first.Failure.Host)
			continue
		}
		assert.Equal(t, zendesk.FailureRedirect, f.Endpoints[zendesk.EndpointBrands].Failure.Kind)
		assert.Equal(t, zendesk.FailureForeignLink, f.Endpoints[zendesk.EndpointSessions].Failure.Kind)
	}
	assert.Zero(t, came.Load())
	assert.Zero(t, withSecret.Load())
	assert.Greater(t, len(s.Requests()), 30)
}

func TestTLS(t *testing.T) {
	s, h := zendesktest.NewTLSServer(zendesktest.Acme())
	defer s.Close()
	roots := x509.NewCertPool()
	roots.AddCert(h.Certificate())
	discover := func(o zendesk.ClientOptions) *zendesk.Facts {
		o.PerMinute = 100_000
		c, err := zendesk.NewClient(s.URL, zendesk.OAuthToken("acme-token"), o)
		require.NoError(t, err)
		f, err := zendesk.Discover(t.Context(), c, zendesk.Options{})
		require.NoError(t, err)
		return f
	}
	trusted := discover(zendesk.ClientOptions{Roots: roots})
	assert.Equal(t, zendesk.StateOK, trusted.Endpoints[zendesk.EndpointMe].State)
	assert.Len(t, trusted.Brands, 3)
	before := len(s.Requests())
	f := discover(zendesk.ClientOptions{})
	assert.Equal(t, zendesk.FailureTLS, f.Endpoints[zendesk.EndpointMe].Failure.Kind)
	assert.Equal(t, 1, f.Endpoints[zendesk.EndpointMe].Failure.Tries, "the same certificate comes again")
	assert.Len(t, s.Requests(), before, "nobody was told a secret")
}

type dialer func(ctx context.Context, network, address string) (net.Conn, error)

func (d dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return d(ctx, network, address)
}

// No proxy is used unless the caller chooses one, whatever the environment has.
func TestProxy(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://proxy.example:3128")
	t.Setenv("HTTPS_PROXY", "http://proxy.example:3128")
	var dialed []string
	refuse := dialer(func(_ context.Context, _, address string) (net.Conn, error) {
		dialed = append(dialed, address)
		return nil, net.ErrClosed
	})
	for _, proxy := range []func(*http.Request) (*url.URL, error){nil, http.ProxyFromEnvironment} {
		c, err := zendesk.NewClient("acme", zendesk.OAuthToken("acme-token"), zendesk.ClientOptions{Dialer: refuse, Proxy: proxy, Tries: 1})
		require.NoError(t, err)
		_, err = zendesk.Discover(t.Context(), c, zendesk.Options{})
		require.NoError(t, err)
	}
	assert.Equal(t, []string{"acme.zendesk.com:443", "proxy.example:3128"}, dialed)
}
