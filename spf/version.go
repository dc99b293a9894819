package spf

import (
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
)

// miss is a text that means to be an SPF record and is none, because of how it
// starts (RFC 7208, 4.5).
type miss struct {
	text  string // as published
	fixed string // with the version set right: IsRecord holds
	blank bool   // white space in front of the version is all that is wrong
}

// start is the length of what stands in the place of the version: of the blanks in front
// of it, where these are all that is wrong.
func (m *miss) start() int {
	if m.blank {
		return len(m.text) - len(m.fixed)
	}
	_, rest, _ := strings.Cut(m.fixed, " ")
	if i := strings.Index(m.text, rest); i > 0 && rest != "" {
		return len(strings.TrimRight(m.text[:i], blanks))
	}
	return len(m.text)
}

// lead says what stands in front of the version, if it is nothing that people see.
func (m *miss) lead() check.Text {
	switch lead := m.text[:m.start()]; {
	case strings.HasPrefix(lead, "\ufeff"):
		return check.Textf("a byte order mark")
	case strings.HasPrefix(lead, "\u00a0"):
		return check.Textf("a no-break space")
	case strings.Trim(lead, " ") == "":
		return check.Textf("a blank")
	case strings.Trim(lead, "\t") == "":
		return check.Textf("a tab")
	case strings.Trim(lead, blanks[:6]) == "":
		return check.Textf("white space")
	}
	return check.Textf("a character that takes no room")
}

// NearMiss reports whether a text means to be an SPF record and is none because of how it
// starts (RFC 7208, 4.5), and returns the text that it was meant to be.
func NearMiss(txt string) (meant string, ok bool) {
	m, ok := nearMiss(txt)
	return m.fixed, ok
}

// What people put in front of a version: what nobody sees, and quotes.
const (
	blanks = " \t\r\n\v\f\u00a0\ufeff\u200b\u200c\u200d\u2060"
	quotes = "\"'`\\\u00b4\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u00ab\u00bb"
)

// nearMiss looks for a misspelled version at the start of a text.
func nearMiss(txt string) (m miss, ok bool) {
	if txt == "" || IsRecord(txt) {
		return miss{}, false
	}
	if s := strings.TrimLeft(txt, blanks); IsRecord(s) {
		return miss{text: txt, fixed: s, blank: true}, true
	}
	s := strings.TrimLeft(txt, blanks+quotes)
	if len(s) < len(txt) {
		s = strings.TrimRight(s, blanks+quotes)
	}
	rest, ok := cutVersion(s)
	if !ok {
		return miss{}, false
	}
	return miss{text: txt, fixed: strings.TrimRight(version+" "+rest, " ")}, true
}

// cutVersion takes what is meant to be "v=spf1" off the start of s, and what is
// meant to be the blank behind it.
func cutVersion(s string) (rest string, ok bool) {
	rest, named := cutFold(s, "v")
	if named {
		rest = strings.TrimLeft(rest, blanks)
		rest, ok = strings.CutPrefix(rest, "=")
		if !ok {
			rest, ok = strings.CutPrefix(rest, ":")
		}
		if !ok {
			return "", false
		}
		rest = strings.TrimLeft(rest, blanks)
	}
	if rest, ok = cutFold(rest, "spf"); !ok {
		return "", false
	}
	number := strings.TrimLeft(rest, "0123456789")
	switch n := rest[:len(rest)-len(number)]; {
	case !named && n != "1", len(n) > 2: // spf2.0/pra is Sender ID
		return "", false
	case n == "": // v=spf, v=spfl
		if i := strings.IndexByte(rest, ' '); i > 1 || i < 0 && len(rest) > 1 {
			return "", false
		}
		number = strings.TrimLeft(rest, "lIi|")
	}
	if !named && number != "" && strings.IndexByte(blanks, number[0]) < 0 {
		return "", false
	}
	return strings.TrimLeft(number, blanks+quotes+";,.:="), true
}

func cutFold(s, prefix string) (rest string, ok bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}
