package idn

import (
	"net/netip"
	"strings"
)

// Host makes HOST or HOST:PORT of what people type for a server: that, with U-labels,
// or a URL. Whether it is one is for tlscert.ParseHost to say.
func Host(arg string) (string, error) {
	p := part{arg, 0, len(arg)}.trim()
	if i := strings.Index(p.text(), "://"); i >= 0 {
		p = p.cut(i+len("://"), p.hi-p.lo)
		p = p.cut(0, p.before("/?#"))
		if at := strings.LastIndex(p.text(), "@"); at >= 0 {
			p = p.cut(at+1, p.hi-p.lo)
		}
	} else if slash := p.before("/"); strings.Contains(p.text()[:slash], ".") {
		p = p.cut(0, slash)
	}
	text := p.text()
	if _, err := netip.ParseAddr(text); err == nil || strings.HasPrefix(text, "[") {
		return text, nil
	}
	name, port := text, ""
	if i := strings.LastIndex(text, ":"); i >= 0 {
		name, port = text[:i], text[i:]
	}
	if bad := find(name, slips); bad >= 0 {
		return "", p.fail(bad, "want HOST or HOST:PORT (a backslash goes before an octet that is meant)")
	}
	name, err := ToASCII(name)
	return name + port, err
}
