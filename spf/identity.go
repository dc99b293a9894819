package spf

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

// identify finds <sender> and <domain> (RFC 7208, 4.1 and 4.3), and returns the
// domain as a name of the DNS. The error says why there is none.
func (e *evaluation) identify() (name string, err error) {
	path := e.session.MailFrom
	local, domain := splitPath(path)
	if local == "" && domain == "" {
		domain = e.session.Helo // RFC 7208, 2.4
	}
	if local == "" {
		local = "postmaster"
	}
	if domain, err = toASCII(domain); err == nil {
		name, err = parseDomainName(domain)
	}
	if helo, err := toASCII(e.session.Helo); err == nil {
		e.session.Helo = helo // %{h} is one of the macros that RFC 8616, 4 means
	}
	if len(domain) > 1 {
		domain = strings.TrimSuffix(domain, ".")
	}
	e.local, e.domain = local, domain
	e.mute = len(local) > maxLocal || !isASCII(local)
	if e.sender = path; len(path) != len(local)+1+len(domain) || !strings.HasPrefix(path, local) || !strings.HasSuffix(path, domain) {
		e.sender = local + "@" + domain
	}
	return name, err
}

// maxLocal is more than a local part has in SMTP (RFC 5321, 4.5.3.1.1: 64). A longer one
// is not put into names: no name has room for it.
const maxLocal = 512

// splitPath takes a reverse-path apart. A source route has no meaning (RFC 5321,
// appendix C).
func splitPath(path string) (local, domain string) {
	if n := len(path); n >= 2 && path[0] == '<' && path[n-1] == '>' {
		path = path[1 : n-1]
	}
	at := strings.LastIndexByte(path, '@')
	if at < 0 {
		return "", path
	}
	local, domain = path[:at], path[at+1:]
	if strings.HasPrefix(local, "@") {
		if colon := strings.IndexByte(local, ':'); colon >= 0 {
			local = local[colon+1:]
		}
	}
	return local, domain
}

var (
	errNoDomain  = check.Errorf("there is no domain")
	errOneLabel  = check.Errorf("the domain has one label alone")
	errLiteral   = check.Errorf("an address literal is no domain")
	errNumber    = check.Errorf("the domain ends in digits alone, as an address does and no domain")
	errCharacter = check.Errorf("the domain has a character that no domain in a mail address has")
	errUTF8      = check.Errorf("the domain is neither ASCII nor UTF-8")
)

// parseDomainName reads the domain of an identity, which is one of a mail address or
// host: other names of the DNS are refused before anybody is asked.
func parseDomainName(domain string) (string, error) {
	switch {
	case domain == "":
		return "", errNoDomain
	case domain[0] == '[':
		return "", errLiteral
	case hasSpecial(domain):
		return "", errCharacter
	}
	name, err := dnsx.ParseName(domain)
	switch {
	case err != nil:
	case dnsx.Parent(name) == ".":
		err = errOneLabel
	case endsInNumber(name):
		err = errNumber
	}
	return name, err
}

// endsInNumber tells of a last label of digits alone: that is no toplabel of RFC 7208,
// 7.1, which 4.8 wants of <domain> too.
func endsInNumber(name string) bool {
	if !isDigit(name[len(name)-1]) {
		return false
	}
	last := name
	for parent := name; parent != "."; parent = dnsx.Parent(parent) {
		last = parent
	}
	return strings.Trim(last, "0123456789") == ""
}

// hasSpecial tells of an octet that no domain has in a mail address (RFC 5321, 4.1.2).
func hasSpecial(domain string) bool {
	for i := range len(domain) {
		switch c := domain[i]; {
		case isAlpha(c), isDigit(c), c == '.', c == '-':
		case c <= ' ', c > '~', strings.IndexByte(`()<>[]:;@\,"`, c) >= 0:
			return true
		}
	}
	return false
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// toASCII makes A-labels of U-labels (RFC 8616, 4). What is no U-label for want of
// another normalisation than lower case gives a name that does not exist.
func toASCII(domain string) (string, error) {
	if isASCII(domain) {
		return domain, nil
	}
	if !utf8.ValidString(domain) {
		return "", errUTF8
	}
	if len(domain) > maxLocal {
		return "", errCharacter // too long for a name, whatever it becomes
	}
	labels := strings.FieldsFunc(domain, isDot)
	if len(labels) != strings.Count(domain, ".")+strings.Count(domain, "。")+1 {
		return "", errNoDomain
	}
	for i, label := range labels {
		if !isASCII(label) {
			labels[i] = "xn--" + punycode(strings.Map(unicode.ToLower, label))
		}
	}
	return strings.Join(labels, "."), nil
}

func isDot(r rune) bool { return r == '.' || r == '。' } // the second is what a Japanese keyboard gives

// punycode encodes one label (RFC 3492, 6.3).
func punycode(label string) string {
	const base, tMin, tMax, skew, damp = 36, 1, 26, 38, 700
	var b []byte
	for _, c := range []byte(label) {
		if c < utf8.RuneSelf {
			b = append(b, c)
		}
	}
	basic := len(b)
	if basic > 0 {
		b = append(b, '-')
	}
	n, delta, bias := rune(utf8.RuneSelf), 0, 72
	for done, total := basic, utf8.RuneCountInString(label); done < total; n++ {
		next := rune(utf8.MaxRune)
		for _, c := range label {
			if c >= n && c < next {
				next = c
			}
		}
		delta += int(next-n) * (done + 1)
		n = next
		for _, c := range label {
			if c < n {
				delta++
			}
			if c != n {
				continue
			}
			q := delta
			for k := base; ; k += base {
				t := min(max(k-bias, tMin), tMax)
				if q < t {
					break
				}
				b = append(b, digit(t+(q-t)%(base-t)))
				q = (q - t) / (base - t)
			}
			b = append(b, digit(q))
			// RFC 3492, 6.1
			if done == basic {
				delta /= damp
			} else {
				delta /= 2
			}
			done++
			delta += delta / done
			bias = 0
			for delta > (base-tMin)*tMax/2 {
				delta /= base - tMin
				bias += base
			}
			bias += (base - tMin + 1) * delta / (delta + skew)
			delta = 0
		}
		delta++
	}
	return string(b)
}

func digit(d int) byte {
	if d < 26 {
		return byte('a' + d)
	}
	return byte('0' + d - 26)
}
