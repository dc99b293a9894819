package dmarc

import (
	"net/url"
	"strings"

	"github.com/mailcheck-go/mailcheck/dnsx"
)

// URI is one address of rua or ruf (RFC 9989, 4.6 and 4.8).
type URI struct {
	Text    string // as published, with the size limit
	Scheme  string // in lower case; "" where there is none
	Address string // of mailto: the mailbox, percent-decoded
	Host    string // the address's domain, or the authority's host, as dnsx.ParseName returns it
	Size    string // the obsolete size limit, "10m" of "!10m" (RFC 7489, 6.4); "" for none
	Fault   string // why it is no valid URI; "" for a valid one
}

// String returns the text as published.
func (u URI) String() string { return u.Text }

// splitURIs cuts a list at its commas: one inside a URI is encoded (RFC 9989, 4.8).
func splitURIs(list string) []string {
	parts := strings.Split(list, ",")
	for i, part := range parts {
		parts[i] = strings.Trim(part, wsp)
	}
	return parts
}

func parseURI(text string) URI {
	u := URI{Text: text}
	if text == "" {
		u.Fault = "there is nothing between two commas"
		return u
	}
	text, u.Size = cutSize(text)
	if reason := unlikeURI(text); reason != "" {
		u.Fault = reason
		return u
	}
	scheme, rest, ok := strings.Cut(text, ":")
	if !ok || !isScheme(scheme) {
		u.Fault = "the scheme is missing: an address is written mailto:user@host"
		return u
	}
	if u.Scheme = lowerASCII(scheme); u.Scheme == "mailto" {
		u.Fault = u.mailto(rest)
		return u
	}
	parsed, err := url.Parse(text)
	if err != nil {
		u.Fault = "this is no URI"
		return u
	}
	u.Host, _ = hostName(parsed.Hostname())
	return u
}

// cutSize takes off the obsolete limit: "!", digits and one of k, m, g, t. Any
// other exclamation mark should have been encoded and stays.
func cutSize(text string) (rest, size string) {
	i := strings.LastIndexByte(text, '!')
	if i < 0 {
		return text, ""
	}
	size = text[i+1:]
	number := strings.TrimRight(size, "kmgtKMGT")
	if number == "" || len(size)-len(number) > 1 || strings.Trim(number, "0123456789") != "" {
		return text, ""
	}
	return text[:i], size
}

// unlikeURI names the first octet that no URI may have (RFC 3986, 2), the
// exclamation mark included (RFC 9989, 4.8).
func unlikeURI(text string) (reason string) {
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '!':
			return "an exclamation mark in a URI is written %21"
		case c == '%' && (i+2 >= len(text) || !isHex(text[i+1]) || !isHex(text[i+2])):
			return "a percent sign in a URI is followed by two hexadecimal digits"
		case c <= ' ':
			return "a URI has no blanks; several are separated by commas"
		case c >= 0x7f || strings.IndexByte("\"<>\\^`{|}", c) >= 0:
			return "a character that a URI cannot have"
		}
	}
	return ""
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

func isScheme(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i] | 0x20
		if letter := 'a' <= c && c <= 'z'; !letter && (i == 0 || strings.IndexByte("0123456789+-.", s[i]) < 0) {
			return false
		}
	}
	return s != ""
}

// mailto reads what follows "mailto:" (RFC 6068, 2): one address, as a comma
// would start the next URI, and perhaps header fields, which nobody uses here.
func (u *URI) mailto(rest string) (reason string) {
	if strings.HasPrefix(rest, "//") {
		return "mailto: is not followed by //"
	}
	rest, _, _ = strings.Cut(rest, "?")
	address, _ := url.PathUnescape(rest) // unlikeURI has seen to the percent signs
	at := strings.LastIndexByte(address, '@')
	if at <= 0 {
		return "mailto: is followed by user@host"
	}
	local := address[:at]
	if quoted := len(local) > 2 && local[0] == '"' && local[len(local)-1] == '"'; !quoted && strings.ContainsAny(local, "\x00\t\r\n @<>\"") {
		return "the part before @ is no mailbox name"
	}
	host, ok := hostName(address[at+1:])
	if !ok {
		return "the part behind @ is no host name"
	}
	u.Address, u.Host = address, host
	return ""
}

// hostName takes names of letters, digits, hyphens and underscores: a name in
// other scripts stands in the DNS as A-labels, and an address literal has no
// name that could authorize reports.
func hostName(s string) (string, bool) {
	name, err := dnsx.ParseName(s)
	if err != nil || name == "." || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" {
		return "", false
	}
	return name, true
}
