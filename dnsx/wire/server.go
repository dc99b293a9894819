package wire

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

const defaultPort = 53

// Server is one recursive name server. Write it with field names: how it is
// reached may get fields of its own.
type Server struct {
	Addr netip.AddrPort

	// Proto is "udp" or "tcp"; empty is udp. What does not fit there comes over TCP.
	Proto string
}

// String writes the server as ParseServer reads it: "192.0.2.53:53", "tcp://192.0.2.53:53".
func (s Server) String() string {
	if s.Proto == protoTCP {
		return "tcp://" + s.Addr.String()
	}
	return s.Addr.String()
}

// ParseServer reads an address with or without a port, 53 if absent:
// "192.0.2.53", "192.0.2.53:5353", "2001:db8::53", "[fe80::1%eth0]:53"; with
// "tcp://" in front, nothing is sent there over UDP.
func ParseServer(s string) (Server, error) {
	const forms = "want IP, IP:port or [IPv6]:port"
	var server Server
	addr := s
	if scheme, rest, ok := strings.Cut(s, "://"); ok {
		switch strings.ToLower(scheme) {
		case protoTCP:
			server.Proto, addr = protoTCP, rest
		case "tls":
			return Server{}, fmt.Errorf("wire: name server %q: this version does not speak DNS over TLS: %s", s, forms)
		case "https":
			return Server{}, fmt.Errorf("wire: name server %q: this version does not speak DNS over HTTPS: %s", s, forms)
		default:
			return Server{}, fmt.Errorf("wire: name server %q: unknown scheme %q: %s", s, scheme, forms)
		}
	}
	port := uint16(defaultPort)
	if host, digits, ok := splitPort(addr); ok {
		n, err := strconv.ParseUint(digits, 10, 16)
		if err != nil || n == 0 {
			return Server{}, fmt.Errorf("wire: name server %q: %q is no port: %s", s, digits, forms)
		}
		addr, port = host, uint16(n)
	}
	if inner, ok := strings.CutPrefix(addr, "["); ok {
		if addr, ok = strings.CutSuffix(inner, "]"); !ok || !strings.Contains(addr, ":") {
			return Server{}, fmt.Errorf("wire: name server %q: brackets are for an IPv6 address: %s", s, forms)
		}
	}
	ip, err := netip.ParseAddr(addr)
	if err != nil {
		return Server{}, fmt.Errorf("wire: name server %q: %q is no IP address: %s", s, addr, forms)
	}
	server.Addr = netip.AddrPortFrom(ip.Unmap(), port)
	return server, nil
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
