package dmarc

import (
	"fmt"
	"strings"
)

// Miss is a text that is meant as a DMARC record and is none.
type Miss struct {
	Text   string
	Reason string
	Meant  string // the record it was meant to be; "" where that cannot be told
}

// readMiss tells a broken record from a text of another kind that happens to
// stand at the name, which is no fault (RFC 9989, 4.10, step 2).
func readMiss(text string) (Miss, bool) {
	const around = "\ufeff\u200b\u00a0 \t\r\n\"'\u201c\u201d\u2018\u2019" // what copying leaves behind
	clean := strings.Trim(text, around)
	unescaped := strings.ReplaceAll(clean, `\;`, ";")
	var (
		rest           []string // the tags without v
		version        string
		at             = -1 // where v stands
		policy, report bool // a value that is no other protocol's
	)
	for i, part := range strings.Split(unescaped, ";") {
		name, value, _ := strings.Cut(part, "=")
		name, value = lowerASCII(strings.TrimSpace(name)), strings.TrimSpace(value)
		switch name {
		case "v":
			if at < 0 {
				version, at = value, i
				continue
			}
		case "p":
			policy = policy || policyValue(new(Policy), lowerASCII(value)) == ""
		case "rua":
			report = report || strings.HasPrefix(lowerASCII(value), "mailto:")
		}
		rest = append(rest, part)
	}
	m := Miss{Text: text}
	upper := strings.ToUpper(version)
	switch {
	case at < 0 && (policy || report):
		m.Reason = "v=DMARC1 is missing"
	case at < 0 || !policy && !strings.HasPrefix(upper, "DMARC"):
		return m, false
	case version == "DMARC1" && at > 0:
		m.Reason = "v=DMARC1 is not the first tag"
	case version == "DMARC1" && clean != text:
		m.Reason = "something stands before v=DMARC1"
	case version == "DMARC1":
		m.Reason = "backslashes stand before the semicolons"
	case upper == "DMARC1":
		m.Reason = "DMARC1 is not written in upper case"
	case strings.HasPrefix(upper, "DMARC1") && strings.IndexByte(", \t", upper[6]) >= 0:
		m.Reason = "no semicolon follows v=DMARC1"
		rest = append([]string{strings.TrimLeft(version[6:], ", \t")}, rest...)
	default:
		m.Reason = fmt.Sprintf("the version is %.40q", version)
		return m, true
	}
	m.Meant = "v=DMARC1; " + strings.Trim(strings.Join(rest, ";"), "; \t")
	return m, true
}
