package tlscert_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/tlscert"
)

// follow discovers a host whose certificate names the URLs as its distribution points.
func follow(t *testing.T, zone string, f *tlscert.Fetcher, crls ...string) *tlscert.Facts {
	t.Helper()
	w := parseWorld("acme.example", "192.0.2.10 aia=none crl="+strings.Join(crls, ","))
	o := w.options("")
	o.Fetcher, o.Budget = f, time.Minute
	facts, err := tlscert.Discover(t.Context(), dnstest.Must("acme.example. A 192.0.2.10\n"+zone), "acme.example", o)
	require.NoError(t, err)
	return facts
}

func short(got tlscert.Fetched) string {
	if f := got.Failure; f != nil {
		return strings.TrimSpace(fmt.Sprintf("%s %s %s", f.Stage, f.Kind, f.Detail))
	}
	return fmt.Sprintf("%d, %d octets", got.Status, len(got.Body))
}

// Whoever issued a certificate, or made one up, chooses what we fetch and what comes
// back. The servers are real ones on loopback.
func TestHostileServers(t *testing.T) {
	stop := make(chan struct{})
	hang := func(r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-stop:
		}
	}
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	_, err := z.Write(make([]byte, 10<<20))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	handlers := map[string]http.HandlerFunc{
		"/ok":     func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") },
		"/none":   func(http.ResponseWriter, *http.Request) {},
		"/silent": func(_ http.ResponseWriter, r *http.Request) { hang(r) },
		"/slow": func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "x")
			w.(http.Flusher).Flush()
			hang(r)
		},
		"/cut": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, "only this")
		},
		"/endless": func(w http.ResponseWriter, _ *http.Request) {
			for b := make([]byte, 64<<10); ; {
				if _, err := w.Write(b); err != nil {
					return
				}
			}
		},
		"/max": func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, tlscert.MaxCRL)) },
		"/header": func(w http.ResponseWriter, _ *http.Request) {
			for i := range 1000 {
				w.Header().Set(fmt.Sprint("X-", i), strings.Repeat("x", 1000))
			}
		},
		"/bomb": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(bomb.Bytes())
		},
		"/cookie": func(w http.ResponseWriter, r *http.Request) {
			if _, err := r.Cookie("a"); err == nil {
				w.WriteHeader(http.StatusTeapot)
				return
			}
			http.SetCookie(w, &http.Cookie{Name: "a", Value: "b", Path: "/"})
			http.Redirect(w, r, "/cookie/again", http.StatusFound)
		},
		"/cookie/again": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/ok", http.StatusFound) },
		"/ring":         func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/ring", http.StatusFound) },
		"/gone":         func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) },
		"/to": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.Query().Get("to"), http.StatusMovedPermanently)
		},
	}
	mux := http.NewServeMux()
	for path, h := range handlers {
		mux.HandleFunc(path, h)
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(stop) })
	second := httptest.NewUnstartedServer(mux)
	second.Listener.Close()
	second.Listener, err = net.Listen("tcp", "127.0.0.2:0")
	require.NoError(t, err)
	second.Start()
	t.Cleanup(second.Close)
	secure := httptest.NewUnstartedServer(mux)
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // it says that nobody trusts it
	secure.StartTLS()
	t.Cleanup(secure.Close)
	banner, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { banner.Close() })
	go func() {
		for {
			conn, err := banner.Accept()
			if err != nil {
				return
			}
			io.WriteString(conn, "220 mail.example ESMTP\r\n")
			_ = conn.(*net.TCPConn).CloseWrite()
			io.Copy(io.Discard, conn)
			conn.Close()
		}
	}()
	port := func(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }
	base := fmt.Sprintf("http://crl.example:%d", port(server.Listener))

	const zone = `
		crl.example.     A 127.0.0.1
		two.example.     A 127.0.0.1
		two.example.     A 127.0.0.2
		private.example. A 10.1.2.3
		mapped.example.  AAAA ::ffff:10.1.2.3
		broken.example.  * !servfail
		empty.example.   TXT "no address"`
	tests := []struct{ name, link, want string }{
		{"an answer", base + "/ok", "200, 2 octets"},
		{"nothing in it", base + "/none", "200, 0 octets"},
		{"as much as is read", base + "/max", "200, 1048576 octets"},
		{"without an end", base + "/endless", "request limit more than 1024 KB"},
		{"a gzip bomb is not opened", base + "/bomb", fmt.Sprintf("200, %d octets", bomb.Len())},
		{"a huge head", base + "/header", "request protocol"},
		{"no answer", base + "/silent", "request timeout"},
		{"an answer without an end in time", base + "/slow", "request timeout"},
		{"cut short", base + "/cut", "request closed"},
		{"gone", base + "/gone", "410, 0 octets"},
		{"cookies are not kept", base + "/cookie", "200, 2 octets"},
		{"no HTTP", fmt.Sprintf("http://crl.example:%d/", port(banner)), "request protocol"},
		{"nobody there", "http://127.0.0.1:1/", "connect refused"},
		{"the second address answers", fmt.Sprintf("http://two.example:%d/ok", port(second.Listener)), "200, 2 octets"},
		{"a private address", "http://10.1.2.3/", "connect not-public private"},
		{"a name with a private address", "http://private.example/", "connect not-public private"},
		{"a name with a private address in another form", "http://mapped.example/", "connect not-public private"},
		{"a port that is none of the web", "http://1.1.1.1:22/", "connect not-asked port 22 is neither 80 nor 443"},
		{"no such name", "http://no-such-name.example/", "resolve network no-such-name.example has no address"},
		{"no address", "http://empty.example/", "resolve network empty.example has no address"},
		{"the lookup fails", "http://broken.example/", "resolve network"},
		{"a name that is none", "http://a..example/", "resolve not-asked"},
		{"a user", "http://root@crl.example/", "request not-asked the URL is none of a web server"},
		{"redirected", base + "/to?to=/ok", "200, 2 octets"},
		{"redirected in a ring", base + "/ring", "request limit more than 3 redirects"},
		{"redirected to a private address", base + "/to?to=http://10.1.2.3/", "connect not-public private"},
		{"redirected to the metadata of a cloud", base + "/to?to=http://169.254.169.254/latest/", "connect not-public link-local"},
		{"redirected to another port", base + "/to?to=http://1.1.1.1:25/", "connect not-asked port 25 is neither 80 nor 443"},
		{"redirected to a file", base + "/to?to=file:///etc/passwd", "request not-asked the URL is none of a web server"},
		{"redirected to a server that nobody vouches for", base + "/to?to=" + secure.URL + "/ok", "handshake protocol"},
	}
	// Four seconds are plenty for loopback and for the two that have to run into them.
	f := &tlscert.Fetcher{AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Timeout: 4 * time.Second, Roots: testPKI().roots}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			facts := follow(t, zone, f, tt.link)
			require.Len(t, facts.Fetched, 1)
			got := facts.Fetched[0]
			assert.Equal(t, tt.link, got.URL)
			assert.Equal(t, tlscert.FetchCRL, got.Kind)
			assert.Regexp(t, "^"+tt.want, short(got))
			result := check.Apply(tlscert.Analyze(facts), tlscert.Rules(tlscert.Settings{Roots: testPKI().roots}))
			for _, r := range result {
				if r.ID == "cert.revoked" {
					assert.Equal(t, check.Unknown, r.Outcome, "none of this is good")
				}
			}
		})
	}
}

// Two lists of a certificate are looked at, others than web servers' are not, and what
// two hosts' certificates point to is fetched once.
func TestFollow(t *testing.T) {
	w := parseWorld("acme.example", `
		192.0.2.10 crl=ldap://ca.example/1,http://ca.example/1.crl,http://ca.example/1.crl,http://ca.example/2.crl,http://ca.example/3.crl ocsp=http://ca.example/ocsp chain=leaf
		192.0.2.11 crl=http://ca.example/1.crl ocsp=http://ca.example/ocsp staple=status:good
		192.0.2.12 crl=http://ca.example/1.crl left=-1d
		192.0.2.13 issuer=self crl=http://ca.example/9.crl`)
	web := parseWeb(w, `
		http://ca.example/1.crl crl
		http://ca.example/2.crl crl
		http://ca.example/ocsp/ ocsp
		http://ca.example/Public-CA.cer issuer form=p7c`)
	o := w.options("")
	o.Fetcher = web.fetcher()
	zone := "acme.example. A 192.0.2.10\nacme.example. A 192.0.2.11\nacme.example. A 192.0.2.12\nacme.example. A 192.0.2.13\nca.example. A 192.0.2.80"
	f, err := tlscert.Discover(t.Context(), dnstest.Must(zone), "acme.example", o)
	require.NoError(t, err)
	var got []string
	for _, x := range f.Fetched {
		link, _, _ := strings.Cut(x.URL, "/ocsp/")
		got = append(got, fmt.Sprint(x.Kind, " ", link, " ", x.Status))
	}
	assert.Equal(t, []string{
		"crl http://ca.example/1.crl 200", "crl http://ca.example/2.crl 200", "issuer http://ca.example/Public-CA.cer 200", "ocsp http://ca.example 200",
	}, got)
	for link, n := range web.asked {
		assert.Equal(t, 1, n, link)
	}
	// The next domain finds all that is shared, and the analysis what each leaf names.
	_, err = tlscert.Discover(t.Context(), dnstest.Must(zone), "acme.example", o)
	require.NoError(t, err)
	for link, n := range web.asked {
		assert.Equal(t, 1, n, link)
	}
	states := map[string][]string{}
	for _, l := range tlscert.Analyze(f).Hosts[0].Leaves {
		for _, r := range l.Revocation {
			states[l.Addrs[0].String()] = append(states[l.Addrs[0].String()], r.Source+" "+string(r.State))
		}
	}
	assert.Equal(t, map[string][]string{
		"192.0.2.10": {"CRL http://ca.example/1.crl good", "CRL http://ca.example/2.crl good", "OCSP http://ca.example/ocsp good"},
		"192.0.2.11": {"the stapled OCSP response good", "CRL http://ca.example/1.crl good"},
		"192.0.2.12": {"CRL http://ca.example/1.crl good"},
	}, states)
}

// The caller's time ends the fetching too; what was seen comes back.
func TestFollowEndsWithTheCaller(t *testing.T) {
	w := parseWorld("acme.example", "192.0.2.10 crl=http://ca.example/1.crl aia=none")
	ctx, cancel := context.WithCancel(t.Context())
	o := w.options("")
	o.Fetcher = &tlscert.Fetcher{Dialer: dialFunc(func(ctx context.Context) (net.Conn, error) {
		cancel()
		<-ctx.Done()
		return nil, ctx.Err()
	})}
	f, err := tlscert.Discover(ctx, dnstest.Must("acme.example. A 192.0.2.10\nca.example. A 192.0.2.80"), "acme.example", o)
	require.ErrorIs(t, err, context.Canceled)
	require.NotNil(t, f.Hosts[0].Endpoints[0].TLS)
	assert.Equal(t, &tlscert.Failure{Stage: tlscert.Request, Kind: tlscert.KindCanceled}, f.Fetched[0].Failure)
}

type dialFunc func(context.Context) (net.Conn, error)

func (f dialFunc) DialContext(ctx context.Context, _, _ string) (net.Conn, error) { return f(ctx) }

func TestNextCheck(t *testing.T) {
	const zone = "acme.example. A 192.0.2.10\nacme-v02.api.letsencrypt.org. A 192.0.2.80"
	const window = `
		https://acme-v02.api.letsencrypt.org/directory directory at=https://acme-v02.api.letsencrypt.org/ari
		https://acme-v02.api.letsencrypt.org/ari/ window start=29d end=31d retry=`
	tests := []struct {
		name, tls, web string
		want           time.Duration
	}{
		{"a long one: a day", "192.0.2.10", "", day},
		{"a short one: a twentieth of its life", "192.0.2.10 lifetime=6d left=5d", "", 6 * day / 20},
		{"what the authority asks for", "192.0.2.10 issuer=encrypt", window + "21600", 6 * time.Hour},
		{"a minute at least", "192.0.2.10 issuer=encrypt", window + "1", time.Minute},
		{"nobody there: a day", "192.0.2.10 refused", "", day},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := parseWorld("acme.example", tt.tls)
			o := w.options("")
			o.Fetcher = parseWeb(w, tt.web).fetcher()
			f, err := tlscert.Discover(t.Context(), dnstest.Must(zone), "acme.example", o)
			require.NoError(t, err)
			assert.Equal(t, tt.want, tlscert.Analyze(f).NextCheck().Sub(now))
		})
	}
	assert.True(t, tlscert.Analyze(nil).NextCheck().IsZero())
}

// Facts may come from anybody: what they hold in the place of an answer is bounded, and
// nothing of it is good.
func TestHostileFetched(t *testing.T) {
	w := parseWorld("acme.example", "192.0.2.10 issuer=encrypt crl=http://ca.example/1.crl ocsp=http://ca.example/ocsp")
	f, err := tlscert.Discover(t.Context(), dnstest.Must("acme.example. A 192.0.2.10"), "acme.example", w.options(""))
	require.NoError(t, err)
	served := f.Hosts[0].Endpoints[0]
	served.TLS.OCSP = make([]byte, 90<<10)
	for range 100 {
		f.Hosts[0].Endpoints = append(f.Hosts[0].Endpoints, served)
	}
	for i := range 5000 {
		f.Fetched = append(f.Fetched, tlscert.Fetched{Kind: tlscert.FetchKind(fmt.Sprint("kind ", i%7)), URL: fmt.Sprint(i), Status: -i})
	}
	for _, kind := range []tlscert.FetchKind{tlscert.FetchCRL, tlscert.FetchOCSP, tlscert.FetchIssuer, tlscert.FetchDirectory, tlscert.FetchRenewal} {
		f.Fetched = append([]tlscert.Fetched{
			{Kind: kind, URL: "http://ca.example/1.crl", Status: 200, Body: make([]byte, 2<<20)},
			{Kind: kind, URL: "https://acme-v02.api.letsencrypt.org/directory", Status: 200, Failure: &tlscert.Failure{}},
		}, f.Fetched...)
	}
	outcomes := map[string]check.Outcome{}
	for _, r := range check.Apply(tlscert.Analyze(f), tlscert.Rules(tlscert.Settings{Roots: testPKI().roots})) {
		outcomes[r.ID] = r.Outcome
	}
	for _, id := range []string{"cert.revoked", "cert.staple-invalid", "cert.ari-now", "cert.ari-revocation"} {
		assert.Equal(t, check.Unknown, outcomes[id], id)
	}
}
