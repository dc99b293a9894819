package dial

import (
	"encoding/binary"
	"net/netip"
)

// Public reports whether an address is a global unicast address that anybody on
// the internet may mean: what somebody else's data may make us connect to.
func Public(a netip.Addr) bool { return Why(a) == "" }

// Why says in a few words why an address is not public, "" where it is. An IPv6
// address that stands for an IPv4 address (mapped, NAT64, 6to4, Teredo) is
// judged by that one.
func Why(a netip.Addr) string {
	switch {
	case !a.IsValid():
		return "no address"
	case a.Zone() != "":
		return "has a zone"
	}
	a = a.Unmap()
	if a.Is4() {
		return within(a, special4)
	}
	if inner := carried(a); inner != nil {
		for _, a4 := range inner {
			if why := within(a4, special4); why != "" {
				return why + " inside of an IPv6 address"
			}
		}
		return ""
	}
	if why := within(a, special6); why != "" {
		return why
	}
	if !globalUnicast.Contains(a) {
		return "outside of 2000::/3"
	}
	return ""
}

var (
	globalUnicast = netip.MustParsePrefix("2000::/3") // RFC 4291, 2.4; IANA has given out nothing else
	nat64         = netip.MustParsePrefix("64:ff9b::/96")
	sixToFour     = netip.MustParsePrefix("2002::/16")
	teredo        = netip.MustParsePrefix("2001::/32")
)

// carried returns the IPv4 addresses inside of an IPv6 address to which a
// translator or relay would send the packets.
func carried(a netip.Addr) []netip.Addr {
	b := a.As16()
	switch {
	case nat64.Contains(a): // RFC 6052, 2.1
		return []netip.Addr{netip.AddrFrom4([4]byte(b[12:]))}
	case sixToFour.Contains(a): // RFC 3056, 2
		return []netip.Addr{netip.AddrFrom4([4]byte(b[2:]))}
	case teredo.Contains(a): // RFC 4380, 4: the server, and the client with all bits inverted
		var client [4]byte
		binary.BigEndian.PutUint32(client[:], ^binary.BigEndian.Uint32(b[12:]))
		return []netip.Addr{netip.AddrFrom4([4]byte(b[4:])), netip.AddrFrom4(client)}
	}
	return nil
}

type block struct {
	netip.Prefix
	why string
}

func within(a netip.Addr, blocks []block) string {
	for _, b := range blocks {
		if b.Contains(a) {
			return b.why
		}
	}
	return ""
}

// special4 and special6 follow the IANA special-purpose address registries
// (RFC 6890). What the registries call globally reachable inside of a protocol
// block (anycast for PCP, TURN, AMT) is no web or mail server and stays closed.
var (
	special4 = []block{
		{netip.MustParsePrefix("0.0.0.0/8"), "this network"},               // RFC 791, 3.2
		{netip.MustParsePrefix("10.0.0.0/8"), "private"},                   // RFC 1918
		{netip.MustParsePrefix("100.64.0.0/10"), "shared by carriers"},     // RFC 6598
		{netip.MustParsePrefix("127.0.0.0/8"), "loopback"},                 // RFC 1122, 3.2.1.3
		{netip.MustParsePrefix("169.254.0.0/16"), "link-local"},            // RFC 3927
		{netip.MustParsePrefix("172.16.0.0/12"), "private"},                // RFC 1918
		{netip.MustParsePrefix("192.0.0.0/24"), "protocol assignment"},     // RFC 6890, 2.1
		{netip.MustParsePrefix("192.0.2.0/24"), "documentation"},           // RFC 5737
		{netip.MustParsePrefix("192.88.99.0/24"), "6to4 relay"},            // RFC 7526
		{netip.MustParsePrefix("192.168.0.0/16"), "private"},               // RFC 1918
		{netip.MustParsePrefix("198.18.0.0/15"), "benchmarking"},           // RFC 2544
		{netip.MustParsePrefix("198.51.100.0/24"), "documentation"},        // RFC 5737
		{netip.MustParsePrefix("203.0.113.0/24"), "documentation"},         // RFC 5737
		{netip.MustParsePrefix("224.0.0.0/4"), "multicast"},                // RFC 5771
		{netip.MustParsePrefix("255.255.255.255/32"), "limited broadcast"}, // RFC 919, 7
		{netip.MustParsePrefix("240.0.0.0/4"), "reserved"},                 // RFC 1112, 4
	}
	special6 = []block{
		{netip.MustParsePrefix("::/128"), "unspecified"},            // RFC 4291, 2.5.2
		{netip.MustParsePrefix("::1/128"), "loopback"},              // RFC 4291, 2.5.3
		{netip.MustParsePrefix("::/96"), "IPv4-compatible"},         // RFC 4291, 2.5.5.1: deprecated
		{netip.MustParsePrefix("64:ff9b:1::/48"), "local NAT64"},    // RFC 8215
		{netip.MustParsePrefix("100::/64"), "discard-only"},         // RFC 6666
		{netip.MustParsePrefix("2001:2::/48"), "benchmarking"},      // RFC 5180
		{netip.MustParsePrefix("2001:10::/28"), "ORCHID"},           // RFC 4843
		{netip.MustParsePrefix("2001:20::/28"), "ORCHID"},           // RFC 7343
		{netip.MustParsePrefix("2001:db8::/32"), "documentation"},   // RFC 3849
		{netip.MustParsePrefix("2001::/23"), "protocol assignment"}, // RFC 2928
		{netip.MustParsePrefix("3fff::/20"), "documentation"},       // RFC 9637
		{netip.MustParsePrefix("fc00::/7"), "unique local"},         // RFC 4193
		{netip.MustParsePrefix("fe80::/10"), "link-local"},          // RFC 4291, 2.5.6
		{netip.MustParsePrefix("fec0::/10"), "site-local"},          // RFC 3879
		{netip.MustParsePrefix("ff00::/8"), "multicast"},            // RFC 4291, 2.7
	}
)
