package spf

import (
	"strings"

	"github.com/mailcheck-go/mailcheck/dnsx"
)

// values gives what a macro letter stands for (RFC 7208, 7.2).
type values interface{ value(letter byte) string }

// onlyDomain knows what %{d} is, which is all that can be known without a message.
type onlyDomain string

func (d onlyDomain) value(byte) string { return plainName(string(d)) }

// maxName is the length of an expanded name; labels beyond it go, from the left
// (RFC 7208, 7.3).
const maxName = 253

// name returns the name that a domain-spec stands for. The error is a
// *dnsx.NameError.
func (m MacroString) name(v values) (string, error) {
	text := m.Raw
	if m.Parts != nil || len(text) > maxName {
		var room [maxName + 3]byte
		text = string(m.tail(v, room[:]))
	}
	if strings.IndexByte(text, '\\') >= 0 {
		// A backslash is an octet like others in an SPF record, an escape in a name.
		text = strings.ReplaceAll(text, `\`, `\\`)
	}
	return dnsx.ParseName(text)
}

// tail expands from the right until room is full, and cuts the result to the length
// of a name. What stands further to the left would be cut off whatever it is, so the
// work is bounded by the room, not by what a record of 64 KB expands to.
func (m MacroString) tail(v values, room []byte) []byte {
	at := len(room)
	if m.Parts == nil {
		at = prepend(room, at, m.Raw)
	}
	var scratch [2 * maxName]byte
	for i := len(m.Parts) - 1; i >= 0 && at > 0; i-- {
		if p := &m.Parts[i]; p.Letter == 0 {
			at = prepend(room, at, p.Literal)
		} else {
			at = prepend(room, at, p.append(scratch[:0], v.value(p.Letter)))
		}
	}
	return cutLeft(room[at:])
}

// prepend puts the end of s, as much as fits, in front of room[at:].
func prepend[T string | []byte](room []byte, at int, s T) int {
	if len(s) > at {
		s = s[len(s)-at:]
	}
	at -= len(s)
	copy(room[at:], s)
	return at
}

// cutLeft removes labels and their dots from the left until the name fits.
func cutLeft(name []byte) []byte {
	n := len(name)
	if n > 0 && name[n-1] == '.' {
		n-- // the dot of the root is no part of the length
	}
	for from := n - maxName - 1; from >= 0 && from < len(name); from++ {
		if name[from] == '.' {
			return name[from+1:]
		}
	}
	return name
}

// append transforms a value: splits, reverses, cuts, joins with dots, and escapes
// (RFC 7208, 7.3). The parts that are cut off are not looked at twice.
func (p *Macro) append(b []byte, value string) []byte {
	switch {
	case p.Reverse:
		value = p.first(value)
		for value != "" {
			i := strings.LastIndexAny(value, p.Delims)
			b = p.appendPart(b, value[i+1:])
			if i < 0 {
				return b
			}
			b = append(b, '.')
			value = value[:i]
		}
		return b
	case p.Keep > 0:
		value = p.last(value)
	}
	if p.Delims == "." {
		return p.appendPart(b, value)
	}
	for {
		i := strings.IndexAny(value, p.Delims)
		if i < 0 {
			return p.appendPart(b, value)
		}
		b = append(p.appendPart(b, value[:i]), '.')
		value = value[i+1:]
	}
}

// first returns what Keep leaves of a value that is to be reversed: the right-hand
// parts of the reversed value are the left-hand ones of the value.
func (p *Macro) first(value string) string {
	end := 0
	for n := 0; p.Keep > 0; n++ {
		i := strings.IndexAny(value[end:], p.Delims)
		switch {
		case i < 0:
			return value
		case n == p.Keep-1:
			return value[:end+i]
		}
		end += i + 1
	}
	return value
}

// last returns the right-hand parts that Keep leaves.
func (p *Macro) last(value string) string {
	start := len(value)
	for range p.Keep {
		i := strings.LastIndexAny(value[:start], p.Delims)
		if i < 0 {
			return value
		}
		start = i
	}
	return value[start+1:]
}

// appendPart writes a part, with all but the unreserved set escaped (RFC 3986, 2.3)
// where that is wanted.
func (p *Macro) appendPart(b []byte, part string) []byte {
	if !p.Escape {
		return append(b, part...)
	}
	const hexDigits = "0123456789ABCDEF"
	for _, c := range []byte(part) {
		if isAlpha(c) || isDigit(c) || strings.IndexByte("-._~", c) >= 0 {
			b = append(b, c)
		} else {
			b = append(b, '%', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return b
}

// plainName writes the octets of a name as they are, without the escapes of master
// files: macros know none (RFC 7208, 4.8).
func plainName(name string) string {
	if strings.IndexByte(name, '\\') < 0 {
		return name
	}
	wire, err := dnsx.PackName(name)
	if err != nil {
		return name
	}
	var b strings.Builder
	for at := 0; wire[at] != 0; at += 1 + int(wire[at]) {
		if at > 0 {
			b.WriteByte('.')
		}
		b.Write(wire[at+1 : at+1+int(wire[at])])
	}
	return b.String()
}
