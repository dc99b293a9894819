package idn

import (
	"errors"
	"net/netip"
	"strings"

	"github.com/mailcheck-go/mailcheck/dnsx"
)

// What a domain was taken from.
const (
	Address = "address"
	URL     = "URL"
)

// Domain returns the domain of what a person typed: of a domain; of a mail
// address, bare, behind a display name or in a mailto: URL; of a URL, whose
// scheme may be left out. From says what it was taken from: Address, URL, or ""
// where it stood alone. An IP address is refused.
func Domain(arg string) (name, from string, err error) {
	p := part{arg, 0, len(arg)}.trim()
	const mailto = "mailto:"
	switch text := p.text(); {
	case text == "":
		return "", "", p.fail(0, "it is empty, "+wanted)
	case len(text) >= len(mailto) && strings.EqualFold(text[:len(mailto)], mailto):
		from = Address
		p, err = p.cut(len(mailto), p.before("?")).address()
	case strings.Contains(text, "://"):
		from = URL
		p, err = p.url()
	case find(text, "@<") >= 0:
		from = Address
		p, err = p.address()
	default:
		if host := p.host(); host != p {
			p, from = host, URL
		}
	}
	if err == nil {
		name, err = p.domain()
	}
	if err != nil {
		return "", "", err
	}
	return name, from, nil
}

const wanted = "want a domain, a mail address or a URL"

// part is a stretch of what was typed. It knows where it stands, so that an
// error can show the place.
type part struct {
	whole  string
	lo, hi int
}

func (p part) text() string { return p.whole[p.lo:p.hi] }

// cut is the stretch from one offset into p to another.
func (p part) cut(from, to int) part { return part{p.whole, p.lo + from, p.lo + to} }

// before is the offset of the first of some characters, the length where there is none.
func (p part) before(chars string) int {
	if at := strings.IndexAny(p.text(), chars); at >= 0 {
		return at
	}
	return p.hi - p.lo
}

func (p part) trim() part {
	left := len(p.text()) - len(strings.TrimLeft(p.text(), " \t\r\n"))
	return p.cut(left, left+len(strings.Trim(p.text(), " \t\r\n")))
}

func (p part) fail(at int, reason string) error {
	return &dnsx.NameError{Name: p.whole, Offset: p.lo + at, Reason: reason}
}

// find returns the offset of the first of some characters that no backslash
// escapes, -1 where there is none.
func find(s, chars string) int {
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' {
			i++
		} else if strings.IndexByte(chars, s[i]) >= 0 {
			return i
		}
	}
	return -1
}

// address returns the part behind the @ of a mail address (RFC 5321, 4.1.2).
func (p part) address() (part, error) {
	if open := strings.LastIndexByte(p.text(), '<'); open >= 0 {
		end := len(p.text()) - 1
		if p.text()[end] != '>' {
			return p, p.fail(end+1, "want > behind the address")
		}
		p = p.cut(open+1, max(open+1, end)).trim()
	}
	at := strings.LastIndexByte(p.text(), '@')
	if at < 0 {
		return p, p.fail(len(p.text()), "want a mail address, with an @")
	}
	local := p.text()[:at]
	if local == "" {
		return p, p.fail(0, "want a name before the @")
	}
	quoted := len(local) >= 2 && local[0] == '"' && local[at-1] == '"'
	if bad := find(local, "@,; \t"); bad >= 0 && !quoted {
		return p, p.fail(bad, "want one mail address")
	}
	return p.cut(at+1, len(p.text())), nil
}

// url returns the host of a URL (RFC 3986, 3.2.2).
func (p part) url() (part, error) {
	colon := strings.Index(p.text(), "://")
	if bad := strings.IndexFunc(p.text()[:colon], notInScheme); bad >= 0 || colon == 0 {
		return p, p.fail(max(bad, 0), "want a scheme, such as https, before ://")
	}
	p = p.cut(colon+len("://"), len(p.text()))
	p = p.cut(0, p.before("/?#"))
	p = p.cut(strings.LastIndexByte(p.text(), '@')+1, len(p.text()))
	host := p.host()
	if host.text() == "" {
		return p, p.fail(0, "want a host behind ://")
	}
	return host, nil
}

func notInScheme(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("+-.", r)
}

// host is p without path and port. A slash behind a label alone is no path: the
// names of RFC 2317 have one, "0/25.2.0.192.in-addr.arpa".
func (p part) host() part {
	if slash := p.before("/"); strings.Contains(p.text()[:slash], ".") {
		p = p.cut(0, slash)
	}
	if _, err := netip.ParseAddr(p.text()); err == nil {
		return p // the colons of an IPv6 address are no port's
	}
	colon := strings.LastIndexByte(p.text(), ':')
	if colon < 0 || strings.Trim(p.text()[colon+1:], "0123456789") != "" {
		return p
	}
	return p.cut(0, colon)
}

// domain returns the name that stands there.
func (p part) domain() (string, error) {
	text := p.text()
	if text == "" {
		return "", p.fail(0, "want a domain")
	}
	if text[0] == '[' || isIP(text) {
		return "", p.fail(0, "an IP address, "+wanted)
	}
	if bad := find(text, slips); bad >= 0 {
		return "", p.fail(bad, "want a domain (a backslash goes before an octet that is meant)")
	}
	name, err := ToASCII(text)
	var inside *dnsx.NameError
	if errors.As(err, &inside) && inside.Name == text {
		return "", p.fail(inside.Offset, inside.Reason)
	}
	if err == nil && isIP(name) { // in the digits of another script
		return "", p.fail(0, "an IP address, "+wanted)
	}
	return name, err
}

// slips are octets that are legal in a name, but rather a mistake where a person
// types them.
const slips = "\x00\x01\x02\x03\x04\x05\x06\a\b\t\n\v\f\r\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17" +
	"\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f \x7f<>[](),;:@\"%"

func isIP(s string) bool {
	_, err := netip.ParseAddr(strings.TrimSuffix(s, "."))
	return err == nil
}
