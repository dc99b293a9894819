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
}

// String writes the address as ParseServer reads it: "192.0.2.53:53".
func (s Server) String() string { return s.Addr.String() }

// ParseServer reads an address with or without a port, 53 if absent:
// "192.0.2.53", "192.0.2.53:5353", "2001:db8::53", "[fe80::1%eth0]:53".
func ParseServer(s string) (Server, error) {
	const forms = "want IP, IP:port or [IPv6]:port"
	if scheme, _, ok := strings.Cut(s, "://"); ok {
		switch strings.ToLower(scheme) {
		case "tls":
			return Server{}, fmt.Errorf("wire: name server %q: this version does not speak DNS over TLS: %s", s, forms)
		case "https":
			return Server{}, fmt.Errorf("wire: name server %q: this version does not speak DNS over HTTPS: %s", s, forms)
		}
		return Server{}, fmt.Errorf("wire: name server %q: unknown scheme %q: %s", s, scheme, forms)
	}
	addr, port := s, uint16(defaultPort)
	if host, digits, ok := splitPort(s); ok {
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
	return Server{Addr: netip.AddrPortFrom(ip.Unmap(), port)}, nil
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
