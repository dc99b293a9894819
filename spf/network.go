package spf

import (
	"net/netip"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
)

// network reads ":" address [ "/" length ].
func (d *Directive) network(arg string) *SyntaxError {
	if len(arg) < 2 || arg[0] != ':' {
		return newFault(FaultIP, check.Textf("%s needs a colon and an address", d.Mechanism.String()))
	}
	addr, length, ok := netip.Addr{}, "", false
	if d.Mechanism == IP4 {
		addr, length, ok = cutIPv4(arg[1:])
	} else {
		addr, length, ok = cutIPv6(arg[1:])
	}
	if !ok || length != "" && length[0] != '/' {
		return d.badAddress(arg[1:])
	}
	bits := uint8(addr.BitLen())
	if length != "" && !number(length[1:], bits, &bits) {
		if at := notVisible(length); at >= 0 {
			return newFault(FaultSyntax, octetReason(length[at]))
		}
		return badLength(length[1:], addr.BitLen())
	}
	d.Prefix = netip.PrefixFrom(addr, int(bits))
	return nil
}

// cutIPv4 takes an address off the start of s. It is netip.ParseAddr for what records
// hold most, and their parsing would else spend most of its time there.
func cutIPv4(s string) (addr netip.Addr, rest string, ok bool) {
	var a [4]byte
	for i := range a {
		if i > 0 {
			if s == "" || s[0] != '.' {
				return addr, s, false
			}
			s = s[1:]
		}
		n := 0
		for n < len(s) && isDigit(s[n]) {
			n++
		}
		if !number(s[:n], 255, &a[i]) {
			return addr, s, false
		}
		s = s[n:]
	}
	return netip.AddrFrom4(a), s, true
}

func cutIPv6(s string) (addr netip.Addr, rest string, ok bool) {
	n := strings.IndexByte(s, '/')
	if n < 0 {
		n = len(s)
	}
	addr, err := netip.ParseAddr(s[:n])
	return addr, s[n:], err == nil && addr.Is6() && addr.Zone() == ""
}

// badAddress says what is wrong with what stands behind the colon of ip4 or ip6.
func (d *Directive) badAddress(arg string) *SyntaxError {
	if at := notVisible(arg); at >= 0 {
		return newFault(FaultSyntax, octetReason(arg[at]))
	}
	text, _, _ := strings.Cut(arg, "/")
	addr, err := netip.ParseAddr(text)
	reason := check.Textf("this is no IPv6 address")
	switch {
	case d.Mechanism == IP4 && err == nil && addr.Zone() == "":
		reason = check.Textf("this is an IPv6 address: write ip6:")
	case d.Mechanism == IP4:
		reason = check.Textf("an IPv4 address has four numbers from 0 to 255 without leading zeros")
	case err == nil && addr.Is4():
		reason = check.Textf("this is an IPv4 address: write ip4:")
	}
	return newFault(FaultIP, reason)
}

// number reads one without leading zeros.
func number(s string, most uint8, to *uint8) bool {
	if s == "" || len(s) > 3 || len(s) > 1 && s[0] == '0' {
		return false
	}
	n := 0
	for _, c := range []byte(s) {
		if !isDigit(c) {
			return false
		}
		n = 10*n + int(c-'0')
	}
	if n > int(most) {
		return false
	}
	*to = uint8(n)
	return true
}

func badLength(s string, most int) *SyntaxError {
	return newFault(FaultIP, check.Textf("%q is no prefix length: a number from 0 to %d without leading zeros", clip(s), most))
}

func cutDigits(s string) (rest, digits string) {
	i := len(s)
	for i > 0 && isDigit(s[i-1]) {
		i--
	}
	return s[:i], s[i:]
}
