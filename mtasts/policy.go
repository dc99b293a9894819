package mtasts

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mailcheck-go/mailcheck/dnsx"
)

// MaxAge is the largest max_age, about a year (RFC 8461, 3.2).
const MaxAge = 31557600 * time.Second

// ErrNotPolicy means that a text has none of a policy's fields.
var ErrNotPolicy = errors.New("mtasts: not an MTA-STS policy")

// Mode is what a policy wants of senders (RFC 8461, 5).
type Mode string

const (
	Enforce Mode = "enforce" // deliver over verified TLS or not at all
	Testing Mode = "testing" // deliver, and report what would have failed
	None    Mode = "none"    // as if there were no policy
)

// Policy is a policy file (RFC 8461, 3.2).
type Policy struct {
	Version    string        // "STSv1"
	Mode       Mode          // "" where the file has none that counts
	MaxAge     time.Duration // how long senders keep the policy; whole seconds, 0 to MaxAge
	MX         []string      // patterns in lower case: "mx.acme.example", "*.acme.example"
	Extensions []Field       // fields that RFC 8461 does not know; senders ignore them
}

// String writes the policy as RFC 8461 shows it, with CRLF behind every line.
func (p *Policy) String() string {
	var b strings.Builder
	line := func(key, value string) { b.WriteString(key + ": " + value + "\r\n") }
	line("version", p.Version)
	line("mode", string(p.Mode))
	for _, mx := range p.MX {
		line("mx", mx)
	}
	line("max_age", strconv.FormatInt(int64(p.MaxAge/time.Second), 10))
	for _, f := range p.Extensions {
		line(f.Name, f.Value)
	}
	return b.String()
}

// Matches reports whether any pattern covers the name of an MX host. A pattern's
// "*" is one whole label: *.acme.example covers mx.acme.example, and neither
// acme.example nor a.mx.acme.example (RFC 8461, 4.1). The case of letters and one
// trailing dot do not count.
func (p *Policy) Matches(host string) bool {
	name, err := dnsx.ParseName(host)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(p.MX, func(pattern string) bool { return covers(pattern, name) })
}

func covers(pattern, name string) bool {
	if suffix, ok := strings.CutPrefix(pattern, "*."); ok {
		return dnsx.Parent(name) == suffix
	}
	return name == pattern
}

// ParsePolicy reads a policy file. It returns ErrNotPolicy where no line has a
// field of a policy, and the policy as far as it can be read with a
// *SyntaxError, the first one, where it breaks the grammar. A line may end in LF
// or CRLF; of a field that occurs twice, mx apart, the first counts, and that is
// no error (RFC 8461, 3.2).
func ParsePolicy(body string) (*Policy, error) {
	policy, faults := parsePolicy(body)
	if policy == nil {
		return nil, ErrNotPolicy
	}
	return policy, firstError(faults)
}

// parsePolicy returns the faults, in the order of the text. The policy is nil
// where the text is something else.
func parsePolicy(body string) (*Policy, []fault) {
	p := &policyParser{seen: map[string]bool{}}
	at := 0
	for line := range strings.Lines(body) {
		text, ended := strings.CutSuffix(line, "\n")
		if ended {
			text = strings.TrimSuffix(text, "\r")
		}
		p.line(at, text)
		at += len(line)
	}
	if !p.known {
		return nil, nil
	}
	p.required(len(body))
	return &p.policy, p.faults
}

type policyParser struct {
	collector
	policy Policy
	seen   map[string]bool // the keys so far
	known  bool            // one of them is a policy's, in any case
}

// line reads sts-policy-field *WSP.
func (p *policyParser) line(at int, line string) {
	key, value, ok := strings.Cut(line, ":")
	name := strings.Trim(key, wsp)
	if isPolicyKey(strings.ToLower(name)) {
		p.known = true
	}
	_, value = trim(0, value)
	switch {
	case strings.Trim(line, wsp) == "":
		p.low(rulePolicySyntax, at, line, "an empty line")
	case !ok:
		p.fail(rulePolicySyntax, at, line, "not of the form key: value")
	case isPolicyKey(name):
		if name != key {
			p.fail(rulePolicySyntax, at, line, "no blank may stand before a key or between it and the colon")
		}
		p.field(at, line, name, value)
	case !isExtName(key):
		p.fail(rulePolicySyntax, at, line, `a key has 1 to 32 letters, digits, "_", "-" and ".", and starts with a letter or digit`)
	case !isPolicyValue(value):
		p.fail(rulePolicySyntax, at, line, "a value is printable UTF-8, and not empty")
	default:
		p.field(at, line, name, value)
	}
}

// field reads one field whose key is well-formed.
func (p *policyParser) field(at int, line, key, value string) {
	if key != "mx" && p.seen[key] {
		p.tolerate(ruleDuplicate, at, line, "the field stands above already; only its first value counts")
		return
	}
	p.seen[key] = true
	switch key {
	case "version":
		if p.policy.Version = value; value != "STSv1" {
			p.fail(ruleVersion, at, line, "the version has to be STSv1, to the letter")
		}
	case "mode":
		switch mode := Mode(value); mode {
		case Enforce, Testing, None:
			p.policy.Mode = mode
		default:
			p.fail(ruleMode, at, line, "the mode has to be enforce, testing or none, in lower case")
		}
	case "max_age":
		n, err := strconv.ParseUint(value, 10, 64)
		if err != nil || len(value) > 10 || n > uint64(MaxAge/time.Second) {
			p.fail(ruleMaxAge, at, line, "max_age has to be a number of seconds from 0 to 31557600")
			return
		}
		p.policy.MaxAge = time.Duration(n) * time.Second
	case "mx":
		if reason := badPattern(value); reason != "" {
			p.fail(ruleMXPattern, at, line, reason)
			return
		}
		p.policy.MX = append(p.policy.MX, strings.ToLower(value))
	default:
		p.policy.Extensions = append(p.policy.Extensions, Field{key, value})
	}
}

// required finds what has to be there and is not.
func (p *policyParser) required(end int) {
	for _, want := range []struct{ rule, key string }{{ruleVersion, "version"}, {ruleMode, "mode"}, {ruleMaxAge, "max_age"}} {
		if !p.seen[want.key] {
			p.fail(want.rule, end, "", "there is no "+want.key+" field")
		}
	}
	if mode := p.policy.Mode; !p.seen["mx"] && (mode == Enforce || mode == Testing) {
		p.fail(ruleMXMissing, end, "", fmt.Sprintf("there is no mx field, and the mode is %s", mode))
	}
}

func isPolicyKey(s string) bool {
	return s == "version" || s == "mode" || s == "max_age" || s == "mx"
}

// isPolicyValue is sts-policy-ext-value. U+FFFD is what a fetched body has in
// place of octets that are not UTF-8.
func isPolicyValue(s string) bool {
	for _, r := range s {
		if r < ' ' || r == 0x7f || r == utf8.RuneError {
			return false
		}
	}
	return s != ""
}

// badPattern says what is wrong with an mx pattern: ["*."] Domain, a Domain
// being that of RFC 5321, 4.1.2. It returns "" where nothing is.
func badPattern(pattern string) string {
	name := strings.TrimPrefix(pattern, "*.")
	if _, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		return "an address; MX hosts have names"
	}
	if strings.HasSuffix(name, ".") {
		return "no dot may stand at the end"
	}
	if strings.Contains(name, "*") {
		return `"*" may stand for the whole first label only`
	}
	for _, c := range []byte(name) {
		if c >= 0x80 {
			return "an internationalized name has to be written in its xn-- form"
		}
	}
	if _, err := dnsx.ParseName(name); err != nil {
		return "no domain name"
	}
	for label := range strings.SplitSeq(name, ".") {
		if strings.Trim(strings.ToLower(label), letdig+"-") != "" || strings.Trim(label, "-") != label {
			return "a host name's labels have letters, digits and, inside, hyphens"
		}
	}
	return ""
}

const letdig = "abcdefghijklmnopqrstuvwxyz0123456789"
