package tlscert_test

import (
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/tlscert"
)

// request is what is asked for, in script.
const request = "TLS\nC: HEAD / HTTP/1.1\nC: Host: acme.example\nC: User-Agent: mailcheck\nC: Accept: */*\nC: Connection: close\nC:\n"

func TestHTTP(t *testing.T) {
	failed := func(kind tlscert.FailureKind) *tlscert.HTTPAnswer {
		return &tlscert.HTTPAnswer{Failure: &tlscert.Failure{Stage: tlscert.Request, Kind: kind}}
	}
	tests := []struct {
		name   string
		answer script
		want   *tlscert.HTTPAnswer
	}{
		{
			"a page", "S: HTTP/1.1 200 OK\nS: Content-Length: 5\nS: Strict-Transport-Security: max-age=31536000; includeSubDomains\nS: strict-transport-security: max-age=0\nS: \n",
			&tlscert.HTTPAnswer{Status: 200, HSTS: "max-age=31536000; includeSubDomains"},
		},
		{"a redirect", "S: HTTP/1.1 301 Moved\nS: Location: https://acme.helpdesk.example/hc\nS: \n", &tlscert.HTTPAnswer{Status: 301, Location: "https://acme.helpdesk.example/hc"}},
		{"HTTP/1.0", "S: HTTP/1.0 404 Not Found\nS: \n", &tlscert.HTTPAnswer{Status: 404}},
		{"hints first", "S: HTTP/1.1 103 Early Hints\nS: Location: /no\nS: \nS: HTTP/1.1 204 No Content\nS: \n", &tlscert.HTTPAnswer{Status: 204}},
		{"odd octets", "S: HTTP/1.1 302 Found\nS: Location: /\\e\nS: \n", &tlscert.HTTPAnswer{Status: 302, Location: "/\uFFFD"}},
		{"a long location", "S: HTTP/1.1 302 Found\nS: Location: /" + script(strings.Repeat("x", 5000)) + "\nS: \n", &tlscert.HTTPAnswer{Status: 302, Location: "/" + strings.Repeat("x", 4095) + "…"}},
		{"nothing", "SILENT", failed(tlscert.KindTimeout)},
		{"a hang-up", "C: never", failed(tlscert.KindClosed)},
		{"an answer octet by octet", "DRIP: HTTP/1.1 200 ", failed(tlscert.KindTimeout)},
		{"headers without end", "S: HTTP/1.1 200 OK\n" + `FLOOD: X: y\r\n`, failed(tlscert.KindLimit)},
		{"a header without end", "S: HTTP/1.1 200 OK\nFLOOD: X: y", failed(tlscert.KindLimit)},
		{"no HTTP", "S: 220 mx.acme.example ESMTP", failed(tlscert.KindProtocol)},
		{"hints without end", `FLOOD: HTTP/1.1 100 Continue\r\n\r\n`, failed(tlscert.KindProtocol)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				play := request + tt.answer
				if tt.answer == "C: never" {
					play = request
				}
				s := newStage(play)
				s.config.NextProtos = []string{"h2", "http/1.1"}
				e, err := s.prober().Probe(t.Context(), tlscert.Host{Name: "acme.example", HTTP: true}, somewhere)
				require.NoError(t, err)
				assert.Empty(t, s.end())
				require.NotNil(t, e.TLS)
				assert.Equal(t, "http/1.1", e.TLS.ALPN, "nothing else was offered")
				assert.Nil(t, e.Failure, "what HTTP does is no matter of the handshake")
				if e.HTTP.Failure != nil {
					e.HTTP.Failure.Detail = ""
				}
				assert.Equal(t, tt.want, e.HTTP)
				want := []tlscert.StageName{tlscert.Connect, tlscert.Handshake, tlscert.Request}
				if tt.want.Failure != nil {
					want = want[:2]
				}
				assert.Equal(t, want, names(e.Stages))
			})
		})
	}
}

func TestHTTPHostHeader(t *testing.T) {
	tests := []struct {
		host tlscert.Host
		want string
	}{
		{tlscert.Host{Name: "acme.example", Port: 8443}, "acme.example:8443"},
		{tlscert.Host{Name: "192.0.2.1", ServerName: "acme.example"}, "acme.example"},
		{tlscert.Host{Name: "192.0.2.1"}, "192.0.2.1"},
		{tlscert.Host{Name: "2001:db8::1", Port: 8443}, "[2001:db8::1]:8443"},
	}
	for _, tt := range tests {
		s := newStage("TLS\nC: HEAD / HTTP/1.1\nC: Host: " + script(tt.want) + "\nDEAF\nS: HTTP/1.1 200 OK\nS: \n")
		tt.host.HTTP = true
		_, err := s.prober().Probe(t.Context(), tt.host, somewhere)
		require.NoError(t, err)
		assert.Empty(t, s.end())
	}
}

// TestHTTPIsAskedOnce: of all addresses one is asked for the page, and none whose
// handshake failed; without HTTP none is, and what speaks no HTTP never.
func TestHTTPIsAskedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		page := script(request + "S: HTTP/1.1 200 OK\nS: \n")
		s := newStage("DEAF\nS: no TLS", page, "TLS")
		o := tlscert.Options{Prober: s.prober(), Hosts: []tlscert.Host{{Name: "acme.example", HTTP: true, Addrs: []netip.Addr{
			netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("192.0.2.3"),
		}}}}
		o.Prober.MaxOpen = 1
		f, err := tlscert.Discover(t.Context(), dnstest.Must(""), "acme.example", o)
		require.NoError(t, err)
		var answers []int
		for _, e := range f.Hosts[0].Endpoints {
			if e.HTTP != nil {
				answers = append(answers, e.HTTP.Status)
			}
		}
		assert.Equal(t, []int{200}, answers)
		assert.Empty(t, s.end())
	})
	for _, h := range []tlscert.Host{{Name: "acme.example"}, {Name: "acme.example", Port: 993, HTTP: true}} {
		s := newStage("TLS")
		e, err := s.prober().Probe(t.Context(), h, somewhere)
		require.NoError(t, err)
		assert.Nil(t, e.HTTP)
		s.end()
	}
}
