package wire

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/mailcheck-go/mailcheck/dnsx"
)

// The ports of DNS (RFC 1035, 4.2), DNS over TLS (RFC 7858, 3.1) and HTTPS.
const (
	defaultPort = 53
	tlsPort     = 853
	httpsPort   = 443
)

const (
	protoUDP   = "udp"
	protoTCP   = "tcp"
	protoTLS   = "tls"
	protoHTTPS = "https"
)

// Server is one recursive name server. Write it with field names: more of them may
// come.
type Server struct {
	// Addr is what is dialled, whatever the protocol: no name is looked up.
	Addr netip.AddrPort

	// Proto is "udp", which is meant where it is empty, "tcp", "tls" (RFC 7858) or
	// "https" (RFC 8484). An answer that does not fit into UDP comes over TCP.
	Proto string

	// Name is the server's name over tls and https: its certificate has to be valid
	// for it. Over tls it may be empty; then it has to be valid for the address.
	Name string

	// Path is the path over https, empty is "/dns-query". Questions are put with POST,
	// or with GET where the path ends in "{?dns}".
	Path string
}

// String writes the server as ParseServer reads it.
func (s Server) String() string {
	switch s.Proto {
	case protoTCP:
		return "tcp://" + s.Addr.String()
	case protoTLS:
		if s.Name == "" {
			return "tls://" + s.Addr.String()
		}
		return "tls://" + s.Addr.String() + "#" + s.Name
	case protoHTTPS:
		return s.url() + "#" + s.Addr.Addr().String()
	}
	return s.Addr.String()
}

// url is the URI template of an https server.
func (s Server) url() string {
	host := s.Name
	if s.Addr.Port() != httpsPort {
		host += ":" + strconv.Itoa(int(s.Addr.Port()))
	}
	return "https://" + host + cmp.Or(s.Path, defaultPath)
}

const (
	defaultPath = "/dns-query"
	getSuffix   = "{?dns}" // RFC 8484, 4.1
)

// ParseServer reads how a server is reached:
//
//	192.0.2.53, 2001:db8::53           UDP, and TCP for what does not fit
//	192.0.2.53:5353, [fe80::1%eth0]:53 with a port, 53 if absent
//	tcp://192.0.2.53                   TCP alone
//	tls://192.0.2.53#dns.example       DNS over TLS, port 853 if absent; without a name, the certificate is for the address
//	https://dns.example/dns-query#192.0.2.53
//	                                   DNS over HTTPS at that address, port 443 if absent; the path may end in {?dns}
func ParseServer(s string) (Server, error) {
	const forms = "want IP, IP:port, [IPv6]:port, tcp://IP, tls://IP#name or https://host/path#IP"
	server, err := parseServer(s)
	if err != nil {
		return Server{}, fmt.Errorf("wire: name server %q: %w: %s", s, err, forms)
	}
	return server, nil
}

func parseServer(s string) (server Server, err error) {
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok {
		server.Addr, err = parseAddr(s, defaultPort)
		return server, err
	}
	rest, fragment, marked := strings.Cut(rest, "#")
	switch server.Proto = strings.ToLower(scheme); server.Proto {
	case protoTCP:
		if marked {
			return server, errors.New("a name is for tls and https")
		}
		server.Addr, err = parseAddr(rest, defaultPort)
		return server, err
	case protoTLS:
		if marked {
			if server.Name, err = parseHost(fragment); err != nil {
				return server, err
			}
		}
		server.Addr, err = parseAddr(rest, tlsPort)
		return server, err
	case protoHTTPS:
		return parseURL(server, rest, fragment)
	}
	return server, fmt.Errorf("unknown scheme %q", scheme)
}

// parseURL reads what stands behind https://, and the address behind the #.
func parseURL(server Server, rest, fragment string) (Server, error) {
	rest, get := strings.CutSuffix(rest, getSuffix)
	u, err := url.Parse("https://" + rest)
	switch {
	case err != nil:
		return server, fmt.Errorf("%q is no host and path", rest)
	case u.User != nil || u.RawQuery != "" || u.ForceQuery:
		return server, errors.New("a user or query has no place in it")
	case fragment == "":
		return server, errors.New("the address is missing")
	}
	if server.Name, err = parseHost(u.Hostname()); err != nil {
		return server, err
	}
	port := uint64(httpsPort)
	if p := u.Port(); p != "" {
		if port, err = strconv.ParseUint(p, 10, 16); err != nil || port == 0 {
			return server, fmt.Errorf("%q is no port", p)
		}
	}
	ip, err := netip.ParseAddr(strings.Trim(fragment, "[]"))
	if err != nil {
		return server, fmt.Errorf("%q is no IP address", fragment)
	}
	server.Addr = netip.AddrPortFrom(ip.Unmap(), uint16(port))
	if server.Path = u.EscapedPath(); server.Path == "" {
		server.Path = defaultPath
	}
	if get {
		server.Path += getSuffix
	}
	return server, nil
}

// parseHost reads the name of a server, for which there can be a certificate.
func parseHost(s string) (string, error) {
	name, err := dnsx.ParseName(s)
	if err != nil {
		return "", err
	}
	other := func(r rune) bool {
		return r != '-' && r != '.' && r != '_' && (r < 'a' || r > 'z') && (r < '0' || r > '9')
	}
	if name == "." || strings.ContainsFunc(name, other) {
		return "", fmt.Errorf("%q is no host name", s)
	}
	return name, nil
}

func parseAddr(s string, port uint16) (netip.AddrPort, error) {
	addr := s
	if host, digits, ok := splitPort(s); ok {
		n, err := strconv.ParseUint(digits, 10, 16)
		if err != nil || n == 0 {
			return netip.AddrPort{}, fmt.Errorf("%q is no port", digits)
		}
		addr, port = host, uint16(n)
	}
	if inner, ok := strings.CutPrefix(addr, "["); ok {
		if addr, ok = strings.CutSuffix(inner, "]"); !ok || !strings.Contains(addr, ":") {
			return netip.AddrPort{}, errors.New("brackets are for an IPv6 address")
		}
	}
	ip, err := netip.ParseAddr(addr)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("%q is no IP address", addr)
	}
	return netip.AddrPortFrom(ip.Unmap(), port), nil
}

// splitPort cuts the port from IP:port and [IPv6]:port. A bare IPv6 address has none.
func splitPort(s string) (host, port string, ok bool) {
	colon := strings.LastIndexByte(s, ':')
	if colon < 0 {
		return "", "", false
	}
	host, port = s[:colon], s[colon+1:]
	return host, port, strings.HasSuffix(host, "]") || !strings.Contains(host, ":")
}
