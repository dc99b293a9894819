package wire

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseServer(t *testing.T) {
	const forms = ": want IP, IP:port, [IPv6]:port, tcp://IP, tls://IP#name or https://host/path#IP"
	addr := netip.MustParseAddrPort
	tests := []struct {
		in   string
		want Server
		text string // as it is written
		err  string
	}{
		{in: "192.0.2.53", want: Server{Addr: addr("192.0.2.53:53")}, text: "192.0.2.53:53"},
		{in: "192.0.2.53:5353", want: Server{Addr: addr("192.0.2.53:5353")}, text: "192.0.2.53:5353"},
		{in: "2001:db8::53", want: Server{Addr: addr("[2001:db8::53]:53")}, text: "[2001:db8::53]:53"},
		{in: "[2001:db8::53]", want: Server{Addr: addr("[2001:db8::53]:53")}, text: "[2001:db8::53]:53"},
		{in: "[2001:db8::53]:5353", want: Server{Addr: addr("[2001:db8::53]:5353")}, text: "[2001:db8::53]:5353"},
		{in: "fe80::1%eth0", want: Server{Addr: addr("[fe80::1%eth0]:53")}, text: "[fe80::1%eth0]:53"},
		{in: "[fe80::1%eth0]:5353", want: Server{Addr: addr("[fe80::1%eth0]:5353")}, text: "[fe80::1%eth0]:5353"},
		{in: "::ffff:192.0.2.53", want: Server{Addr: addr("192.0.2.53:53")}, text: "192.0.2.53:53"},
		{in: "tcp://192.0.2.53", want: Server{Addr: addr("192.0.2.53:53"), Proto: "tcp"}, text: "tcp://192.0.2.53:53"},
		{in: "TCP://[2001:db8::53]:5353", want: Server{Addr: addr("[2001:db8::53]:5353"), Proto: "tcp"}, text: "tcp://[2001:db8::53]:5353"},
		{in: "tls://192.0.2.53#DNS.example", want: Server{Addr: addr("192.0.2.53:853"), Proto: "tls", Name: "dns.example"}, text: "tls://192.0.2.53:853#dns.example"},
		{in: "tls://[2001:db8::53]:8853#dns.example", want: Server{Addr: addr("[2001:db8::53]:8853"), Proto: "tls", Name: "dns.example"}, text: "tls://[2001:db8::53]:8853#dns.example"},
		{in: "tls://192.0.2.53", want: Server{Addr: addr("192.0.2.53:853"), Proto: "tls"}, text: "tls://192.0.2.53:853"},
		{
			in:   "https://dns.example/dns-query#192.0.2.53",
			want: Server{Addr: addr("192.0.2.53:443"), Proto: "https", Name: "dns.example", Path: "/dns-query"},
			text: "https://dns.example/dns-query#192.0.2.53",
		},
		{
			in:   "HTTPS://DNS.example:8443#2001:db8::53",
			want: Server{Addr: addr("[2001:db8::53]:8443"), Proto: "https", Name: "dns.example", Path: "/dns-query"},
			text: "https://dns.example:8443/dns-query#2001:db8::53",
		},
		{
			in:   "https://dns.example/a/b%20c{?dns}#[2001:db8::53]",
			want: Server{Addr: addr("[2001:db8::53]:443"), Proto: "https", Name: "dns.example", Path: "/a/b%20c{?dns}"},
			text: "https://dns.example/a/b%20c{?dns}#2001:db8::53",
		},
		{in: "udp://192.0.2.53", err: `unknown scheme "udp"`},
		{in: "dns.example", err: `"dns.example" is no IP address`},
		{in: "dns.example:53", err: `"dns.example" is no IP address`},
		{in: "", err: `"" is no IP address`},
		{in: "192.0.2.53:", err: `"" is no port`},
		{in: "192.0.2.53:0", err: `"0" is no port`},
		{in: "192.0.2.53:65536", err: `"65536" is no port`},
		{in: "[192.0.2.53]:53", err: `brackets are for an IPv6 address`},
		{in: "[2001:db8::53", err: `brackets are for an IPv6 address`},
		{in: "192.0.2.53,192.0.2.54", err: `"192.0.2.53,192.0.2.54" is no IP address`},
		{in: "tcp://192.0.2.53#dns.example", err: `a name is for tls and https`},
		{in: "tls://dns.example#dns.example", err: `"dns.example" is no IP address`},
		{in: "tls://192.0.2.53#", err: `"" is no domain name: it is empty at octet 0`},
		{in: "https://dns.example/dns-query", err: `the address is missing`},
		{in: "https://dns.example/dns-query#dns.example", err: `"dns.example" is no IP address`},
		{in: "https://[::1]/dns-query#::1", err: `"::1" is no host name`},
		{in: "https:///dns-query#192.0.2.53", err: `"" is no domain name: it is empty at octet 0`},
		{in: "https://dns.example:0/#192.0.2.53", err: `"0" is no port`},
		{in: "https://dns.example/%zz#192.0.2.53", err: `"dns.example/%zz" is no host and path`},
		{in: "https://dns.example/?dns=x#192.0.2.53", err: `a user or query has no place in it`},
		{in: "https://me@dns.example/#192.0.2.53", err: `a user or query has no place in it`},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			s, err := ParseServer(tt.in)
			if tt.err != "" {
				require.EqualError(t, err, fmt.Sprintf("wire: name server %q: ", tt.in)+tt.err+forms)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tt.want, s)
			assert.Equal(t, tt.text, s.String())
			again, err := ParseServer(s.String())
			require.NoError(t, err)
			assert.Equal(t, s, again)
		})
	}
}

func FuzzParseServer(f *testing.F) {
	for _, s := range []string{"192.0.2.53", "[::1%a]:5", "tls://192.0.2.53#a", "https://a:1/b%20{?dns}#::1", "tcp://::1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseServer(text)
		if err != nil {
			return
		}
		again, err := ParseServer(s.String())
		require.NoError(t, err)
		assert.Equal(t, s, again)
	})
}

func TestResolvConf(t *testing.T) {
	servers := func(addrs ...string) []Server {
		var all []Server
		for _, addr := range addrs {
			s, err := ParseServer(addr)
			require.NoError(t, err)
			all = append(all, s)
		}
		return all
	}
	tests := []struct {
		name, text string
		want       *Client
	}{
		{name: "one server", text: "nameserver 192.0.2.53\n", want: &Client{Servers: servers("192.0.2.53")}},
		{name: "no newline at the end, tabs, carriage return", text: "nameserver\t192.0.2.53\r\nnameserver 2001:db8::53", want: &Client{Servers: servers("192.0.2.53", "2001:db8::53")}},
		{name: "an address with a zone", text: "nameserver fe80::1%eth0\n", want: &Client{Servers: servers("fe80::1%eth0")}},
		{
			name: "three at most",
			text: "nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\nnameserver 192.0.2.4\n",
			want: &Client{Servers: servers("192.0.2.1", "192.0.2.2", "192.0.2.3")},
		},
		{
			name: "comments, search lists and what is unknown are passed over",
			text: "# nameserver 192.0.2.1\n; nameserver 192.0.2.2\n#nameserver 192.0.2.3\nsearch acme.example\n" +
				"options ndots:5 rotate edns0\nnameserver\nsortlist 192.0.2.0\nnameserver 192.0.2.4 # the one\n",
			want: &Client{Servers: servers("192.0.2.4")},
		},
		{
			name: "what is no address is passed over",
			text: "nameserver dns.example\nnameserver 192.0.2.300\nnameserver 192.0.2.4\n",
			want: &Client{Servers: servers("192.0.2.4")},
		},
		{
			name: "options, one attempt asking every server",
			text: "options timeout:3 trust-ad\nnameserver 192.0.2.1\nnameserver 192.0.2.2\noptions attempts:4\n",
			want: &Client{Servers: servers("192.0.2.1", "192.0.2.2"), TrustAD: TrustAlways, Timeout: 3 * time.Second, Tries: 8},
		},
		{
			name: "options are cut to their bounds",
			text: "options timeout:99 attempts:99\nnameserver 192.0.2.1\n",
			want: &Client{Servers: servers("192.0.2.1"), Timeout: 30 * time.Second, Tries: 5},
		},
		{
			name: "options that are no numbers leave the defaults",
			text: "options timeout:0 timeout:-1 timeout:x timeout attempts:\nnameserver 192.0.2.1\n",
			want: &Client{Servers: servers("192.0.2.1")},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "resolv.conf")
			require.NoError(t, os.WriteFile(path, []byte(tt.text), 0o600))
			c, err := fromFile(path)
			require.NoError(t, err)
			assert.Equal(t, tt.want, c)
		})
	}
}

func TestResolvConfWithoutServer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "resolv.conf")
	_, err := fromFile(path)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.EqualError(t, err, "wire: the system names no name server (open "+path+": no such file or directory): give one with --resolver")

	require.NoError(t, os.WriteFile(path, []byte("search acme.example\nnameserver dns.example\n"), 0o600))
	_, err = fromFile(path)
	require.EqualError(t, err, "wire: no nameserver line with an IP address in "+path+": give one with --resolver")
}

func TestDefaults(t *testing.T) {
	three := make([]Server, 3)
	tests := []struct {
		name           string
		c              *Client
		tries          int
		timeout, total time.Duration
	}{
		{name: "one server", c: &Client{Servers: three[:1]}, tries: 2, timeout: 2 * time.Second, total: 4 * time.Second},
		{name: "three servers", c: &Client{Servers: three}, tries: 3, timeout: 2 * time.Second, total: 6 * time.Second},
		{name: "tries and timeout make the total", c: &Client{Tries: 5, Timeout: time.Second}, tries: 5, timeout: time.Second, total: 5 * time.Second},
		{name: "unless it is given", c: &Client{Total: time.Minute}, tries: 2, timeout: 2 * time.Second, total: time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, []any{tt.tries, tt.timeout, tt.total}, []any{tt.c.tries(), tt.c.timeout(), tt.c.total()})
		})
	}
}

func TestTrusts(t *testing.T) {
	for addr, loopback := range map[string]bool{"127.0.0.53": true, "::1": true, "::ffff:127.0.0.1": true, "192.0.2.53": false} {
		s, err := ParseServer(addr)
		require.NoError(t, err)
		got := []bool{}
		for _, trust := range []TrustAD{TrustLoopback, TrustAlways, TrustNever} {
			got = append(got, (&Client{TrustAD: trust}).trusts(s))
		}
		assert.Equal(t, []bool{loopback, true, false}, got, addr)
	}
}
