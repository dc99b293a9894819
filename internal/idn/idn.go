// Package idn makes domain names, as package dnsx takes them, of what people
// type: of internationalized names, and of the mail addresses and URLs that a
// name is a part of. Every error is a *dnsx.NameError.
package idn

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"github.com/mailcheck-go/mailcheck/dnsx"
)

// lookup is the conversion that a client makes before it asks (RFC 5891, 5, with
// the mapping of UTS 46): "ß" stays a letter of its own.
var lookup = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.BidiRule())

// maxName bounds the octets of an internationalized name. A label of 63 octets
// stands for at most 59 letters of 4 octets, and a name holds four such labels.
const maxName = 1024

// ToASCII returns a name as dnsx.ParseName does, and makes A-labels of its
// U-labels before that. Labels in ASCII pass untouched: underscores, hyphens
// anywhere and the escapes of master files are legal in the DNS.
func ToASCII(name string) (string, error) {
	if ascii(name) {
		return dnsx.ParseName(name)
	}
	if len(name) > maxName {
		return "", &dnsx.NameError{Name: name, Offset: maxName, Reason: "over 255 octets"}
	}
	var out strings.Builder
	for at := 0; ; {
		size, dot := label(name[at:])
		u := name[at : at+size]
		a, reason := aLabel(u)
		if reason != "" {
			return "", &dnsx.NameError{Name: name, Offset: at, Reason: reason}
		}
		out.WriteString(a)
		if dot == 0 {
			return dnsx.ParseName(out.String())
		}
		out.WriteByte('.')
		at += size + dot
	}
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// label returns the octets of the first label of s and of the dot behind it, 0
// where there is none. The dots of other scripts are dots too (RFC 3490, 3.1;
// UTS 46 maps them).
func label(s string) (size, dot int) {
	escaped := false
	for i, r := range s {
		switch {
		case escaped:
			escaped = false
		case r == '\\':
			escaped = true
		case r == '.', r == '\u3002', r == '\uff0e', r == '\uff61':
			return i, utf8.RuneLen(r)
		}
	}
	return len(s), 0
}

// aLabel converts one label, or says why it cannot.
func aLabel(u string) (a, reason string) {
	if ascii(u) {
		return u, ""
	}
	if !utf8.ValidString(u) {
		return "", `a label that is not UTF-8 (write such an octet as \DDD)`
	}
	a, err := lookup.ToASCII(u)
	if err != nil {
		return "", "no internationalized label (" + strings.TrimPrefix(err.Error(), "idna: ") + ")"
	}
	return a, ""
}
