package mailcheck_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck"
	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/tlscert"
)

// mailServer is a network in which every address has a mail server at port 25, or is
// silent.
type mailServer struct {
	greeting string // "" is silence
	starttls bool
	cert     tls.Certificate
}

func (s *mailServer) DialContext(_ context.Context, _, addr string) (net.Conn, error) {
	if s.greeting == "" || !strings.HasSuffix(addr, ":25") {
		return nil, os.ErrDeadlineExceeded
	}
	client, server := net.Pipe()
	go func() {
		defer server.Close()
		r := bufio.NewReader(server)
		fmt.Fprint(server, s.greeting+"\r\n")
		for {
			line, err := r.ReadString('\n')
			switch {
			case err != nil:
				return
			case strings.HasPrefix(line, "EHLO") && s.starttls:
				fmt.Fprint(server, "250-mx.acme.example\r\n250 STARTTLS\r\n")
			case strings.HasPrefix(line, "EHLO"):
				fmt.Fprint(server, "250 mx.acme.example\r\n")
			case strings.HasPrefix(line, "STARTTLS"):
				fmt.Fprint(server, "220 go ahead\r\n")
				if conn := tls.Server(server, &tls.Config{Certificates: []tls.Certificate{s.cert}}); conn.Handshake() == nil {
					_, _ = conn.Read(make([]byte, 100))
				}
				return
			default:
				return
			}
		}
	}()
	return client, nil
}

// certFor is a self-signed certificate with so many of 90 days left.
func certFor(t *testing.T, name string, days int) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	end := clock().AddDate(0, 0, days)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name, Organization: []string{"Let's Encrypt"}}, DNSNames: []string{name},
		NotBefore: end.AddDate(0, 0, -90), NotAfter: end, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// TestMXCertificates: the certificates of a domain's MX hosts stand in its report, and
// what they are judged by is what mail needs.
func TestMXCertificates(t *testing.T) {
	tests := []struct {
		name   string
		server mailServer
		want   map[string]check.Outcome
		fail   check.Status // at high severity
	}{
		{
			"another name, expired and not trusted",
			mailServer{"220 mx.acme.example ESMTP", true, certFor(t, "other.example", -1)},
			map[string]check.Outcome{
				"smtp.no-starttls": check.Pass, "smtp.cert-name": check.Fail, "smtp.cert-untrusted": check.Fail, "smtp.cert-expired": check.Fail,
				"smtp.banner-name": check.Pass, "smtp.tls-no-13": check.Pass, "smtp.tls-old": check.Unknown,
				"cert.expired": check.NotApplicable, "cert.name-mismatch": check.NotApplicable, "cert.self-signed": check.NotApplicable,
			},
			check.Clean,
		},
		{
			"near its end",
			mailServer{"220 mx.acme.example ESMTP", true, certFor(t, "mx.acme.example", 9)},
			map[string]check.Outcome{"smtp.cert-name": check.Pass, "smtp.cert-expired": check.Pass, "smtp.cert-untrusted": check.Fail, "cert.expiring": check.Fail},
			check.Clean,
		},
		{
			"no STARTTLS",
			mailServer{"220 mx.acme.example ESMTP", false, tls.Certificate{}},
			map[string]check.Outcome{"smtp.no-starttls": check.Fail, "smtp.cert-name": check.NotApplicable, "smtp.cert-expired": check.NotApplicable},
			check.Found,
		},
		{
			"a network without port 25",
			mailServer{},
			map[string]check.Outcome{"smtp.no-starttls": check.Unknown, "smtp.cert-name": check.Unknown, "smtp.cert-expired": check.Unknown, "cert.expiring": check.Unknown},
			check.Clean,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := mailcheck.Checker{
				Resolver: dnstest.Must(`
acme.example. MX 10 mx.acme.example.
acme.example. TXT "v=spf1 mx -all"
mx.acme.example. A 185.12.80.1
mx.acme.example. A 185.12.80.2
_dmarc.acme.example. TXT "v=DMARC1; p=reject"
`),
				Now: clock, Prober: &tlscert.Prober{Dialer: &tt.server},
			}
			rep, err := c.Check(t.Context(), mailcheck.Target{Domain: "acme.example"}, mailcheck.Settings{Only: []string{"smtp.*", "cert.*"}})
			require.NoError(t, err)
			got := map[string]check.Outcome{}
			for _, res := range rep.Results {
				if _, ok := tt.want[res.ID]; ok {
					got[res.ID] = res.Outcome
				}
				for _, g := range res.Gaps {
					if tt.server.greeting == "" && strings.HasPrefix(g.Subject, "mx.acme.example:25 at") {
						assert.Equal(t, check.NotAsked, g.Why, "%s: that nobody there answers may be our own network's doing", res.ID)
					}
				}
			}
			assert.Equal(t, tt.want, got)
			assert.Equal(t, tt.fail, rep.Status(check.High, false))

			c.SkipMX = true
			facts, err := c.Discover(t.Context(), mailcheck.Target{Domain: "acme.example"})
			require.NoError(t, err)
			assert.Empty(t, facts.TLSCert.Hosts)
		})
	}
}

// TestWillItRenew: an alias of a help desk, whose next certificate depends on the
// alias and on CAA, and on nothing that its certificate of today shows.
func TestWillItRenew(t *testing.T) {
	tests := []struct{ name, zone, page, fails string }{
		{"it will", "help.acme.example. CNAME acme.zendesk.com.\nacme.zendesk.com. A 185.12.80.1\nacme.example. CAA 0 issue \"letsencrypt.org\"", "HTTP/1.1 200 OK", ""},
		{"nobody restricts it", "help.acme.example. CNAME acme.zendesk.com.\nacme.zendesk.com. A 185.12.80.1", "HTTP/1.1 200 OK", ""},
		{"CAA of the domain forbids it", "help.acme.example. CNAME acme.zendesk.com.\nacme.zendesk.com. A 185.12.80.1\nacme.example. CAA 0 issue \"digicert.com\"", "HTTP/1.1 200 OK", "caa.renewal-blocked"},
		{"CAA at the alias's end counts first", "help.acme.example. CNAME acme.zendesk.com.\nacme.zendesk.com. A 185.12.80.1\nacme.zendesk.com. CAA 0 issue \"letsencrypt.org\"\nacme.example. CAA 0 issue \"digicert.com\"", "HTTP/1.1 200 OK", ""},
		{"the mapping was removed", "help.acme.example. CNAME acme.zendesk.com.\nacme.zendesk.com. A 185.12.80.1", "HTTP/1.1 301 Moved\r\nLocation: https://acme.zendesk.com/hc", "provider.host-unmapped"},
		{"nobody has the target any more", "help.acme.example. CNAME gone.zendesk.com.\nzendesk.com. A 185.12.80.1", "", "provider.host-dangling"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cert := certFor(t, "help.acme.example", 60)
			c := mailcheck.Checker{
				Resolver: dnstest.Must(tt.zone), Now: clock,
				Prober: &tlscert.Prober{Dialer: dialFunc(func() net.Conn {
					client, server := net.Pipe()
					go func() {
						defer server.Close()
						conn := tls.Server(server, &tls.Config{Certificates: []tls.Certificate{cert}})
						if _, err := conn.Read(make([]byte, 4096)); err == nil {
							fmt.Fprint(conn, tt.page+"\r\nContent-Length: 0\r\n\r\n")
						}
					}()
					return client
				})},
			}
			rules := []string{"caa.renewal-blocked", "provider.host-unmapped", "provider.host-dangling"}
			rep, err := c.CheckHost(t.Context(), tlscert.Host{Name: "help.acme.example", Given: true}, mailcheck.Settings{Only: rules})
			require.NoError(t, err)
			failed := ""
			for _, res := range rep.Results {
				if res.Outcome == check.Fail {
					failed += res.ID
				}
				assert.Contains(t, []check.Outcome{check.Pass, check.Fail}, res.Outcome, res.ID)
			}
			assert.Equal(t, tt.fails, failed)
		})
	}
}

type dialFunc func() net.Conn

func (f dialFunc) DialContext(context.Context, string, string) (net.Conn, error) { return f(), nil }
