package spf

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
)

// Kept is how many octets a Checker counts for the records that it has.
func (c *Checker) Kept() int {
	n := 0
	for _, generation := range []map[string]*program{c.programs.young, c.programs.old} {
		for key, p := range generation {
			n += p.size() + len(key)
		}
	}
	return n
}

// Letters gives the values of macros by their letters.
type Letters map[byte]string

func (l Letters) value(letter byte) string { return l[letter] }

// Expand expands a macro-string as the name of a term, before it is read as a name.
func Expand(s string, l Letters) (string, error) {
	m, problem := parseMacros(s, true)
	if problem != nil {
		return "", newFault(problem.kind, problem.reason).in(s, 0)
	}
	var room [maxName + 3]byte
	return string(m.tail(l, room[:])), nil
}

// ExpandPlainly does it as RFC 7208, 7.3 words it, without thought of the cost.
func ExpandPlainly(s string, l Letters) string {
	m, _ := parseMacros(s, true)
	text := m.Raw
	if m.Parts != nil {
		text = ""
		for _, p := range m.Parts {
			if p.Letter == 0 {
				text += p.Literal
				continue
			}
			parts := []string{""}
			for _, c := range []byte(l[p.Letter]) {
				if strings.IndexByte(p.Delims, c) >= 0 {
					parts = append(parts, "")
				} else {
					parts[len(parts)-1] += string([]byte{c})
				}
			}
			if p.Reverse {
				slices.Reverse(parts)
			}
			if p.Keep > 0 && p.Keep < len(parts) {
				parts = parts[len(parts)-p.Keep:]
			}
			value := strings.Join(parts, ".")
			if p.Escape {
				value = string(p.appendPart(nil, value))
			}
			text += value
		}
	}
	for len(strings.TrimSuffix(text, ".")) > maxName {
		_, rest, ok := strings.Cut(text, ".")
		if !ok {
			break
		}
		text = rest
	}
	return text
}

// Punycode encodes a label.
func Punycode(label string) string { return punycode(label) }

// Draft is the text of Records also where Problems speaks against them.
func (p *Flattening) Draft() []FlatRecord { return p.draft }

// Shadow is a term that decides nothing that others would not.
type Shadow struct {
	Name  string
	Index int
}

// Shadows are what spf.shadowed-term and spf.overlap find.
func Shadows(a *Analysis) (all []Shadow) {
	r := a.redundancy()
	for _, c := range slices.Concat(r.shadows, r.needless) {
		all = append(all, Shadow{c.node.Name, c.index})
	}
	return all
}

// GoneOf are the names that the terms lead to and that do not exist.
func GoneOf(a *Analysis) (names []string) {
	for _, g := range a.gone {
		names = append(names, g.name)
	}
	return names
}

// ExistsOf reports whether a name exists, as far as the answers tell.
func ExistsOf(a *Analysis, name string) (bool, []check.Gap) { return a.exists(name) }

// Passes reports whether an address is counted in IPv4 or IPv6.
func (a *Analysis) Passes(ip netip.Addr) bool {
	one := addrSet{{ip, ip}}
	if a.pass != nil {
		return a.pass.meets(one)
	}
	return slices.ContainsFunc(a.Authorized, func(s Source) bool { return s.Prefix.Contains(ip) })
}
