package dnsx

import (
	"fmt"
	"strings"
)

// NameError says why a text is no domain name, and where.
type NameError struct {
	Name   string
	Offset int // octets into Name
	Reason string
}

func (e *NameError) Error() string {
	format, args := e.Words()
	return fmt.Sprintf(format, args...)
}

// Words is the format of Error and what stands in it, as that of a Failure is.
func (e *NameError) Words() (format string, args []any) {
	return "%q is no domain name: %s at octet %d", []any{clip(e.Name), phrase(e.Reason), e.Offset}
}

// phrase is a part of an error's words that has words in other languages itself.
type phrase string

func (p phrase) Words() (format string, args []any) { return string(p), nil }

func clip(s string) string {
	const most = 300
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

// ParseName is the door for names: ASCII letters become lower case, one trailing
// dot goes, lengths are checked (63 octets a label, 255 the name on the wire;
// RFC 1035, 2.3.4), and all else stays as it is: underscores, hyphens anywhere
// and odd octets are legal in the DNS (RFC 2181, 11). The root is ".".
//
// In a name \DDD stands for the octet with that decimal value and \X for X, as in
// master files (RFC 1035, 5.1). The result has one spelling a name: printable
// ASCII stands for itself, a dot, quote, backslash, semicolon or the like inside
// a label as \X, every other octet as \DDD.
func ParseName(s string) (string, error) {
	if plain(s) {
		return s, nil
	}
	wire, err := PackName(s)
	if err != nil {
		return "", err
	}
	name, _, err := UnpackName(wire, 0)
	return name, err
}

// plain reports whether s is already in the one spelling of a name, so that the
// common case costs one pass and no allocation.
func plain(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	label := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '.':
			if label == 0 {
				return false
			}
			label = 0
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '_', c == '*':
			if label++; label > 63 {
				return false
			}
		default:
			return false
		}
	}
	return label > 0
}

// PackName writes a name in wire form, uncompressed, letters in lower case.
func PackName(s string) ([]byte, error) {
	if s == "." {
		return []byte{0}, nil
	}
	fail := func(at int, reason string) ([]byte, error) {
		return nil, &NameError{Name: s, Offset: at, Reason: reason}
	}
	if s == "" {
		return fail(0, "it is empty")
	}
	wire := make([]byte, 1, min(len(s)+2, 257))
	start := 0 // of the length octet of the label being read
	for i := 0; i < len(s); i++ {
		c, at := s[i], i
		switch {
		case c == '.':
			n := len(wire) - start - 1
			if n == 0 {
				return fail(i, "an empty label")
			}
			wire[start] = byte(n)
			start = len(wire)
			wire = append(wire, 0)
			continue
		case c == '\\':
			b, size, ok := escape(s[i:])
			if !ok {
				return fail(i, "a broken escape")
			}
			c = b
			i += size - 1
		}
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if wire = append(wire, c); len(wire)-start-1 > 63 {
			return fail(at, "a label of over 63 octets")
		}
		if len(wire) > 255 {
			return fail(at, "over 255 octets")
		}
	}
	if n := len(wire) - start - 1; n > 0 {
		wire[start] = byte(n)
		wire = append(wire, 0)
	}
	if len(wire) > 255 {
		return fail(len(s), "over 255 octets")
	}
	return wire, nil
}

// escape reads \DDD or \X at the start of s.
func escape(s string) (b byte, size int, ok bool) {
	if len(s) < 2 {
		return 0, 0, false
	}
	if s[1] < '0' || s[1] > '9' {
		return s[1], 2, true
	}
	if len(s) < 4 {
		return 0, 0, false
	}
	n := 0
	for _, d := range []byte(s[1:4]) {
		if d < '0' || d > '9' {
			return 0, 0, false
		}
		n = n*10 + int(d-'0')
	}
	return byte(n), 4, n <= 255
}

// UnpackName reads the uncompressed name at offset off of wire, and returns it
// with the offset behind it.
func UnpackName(wire []byte, off int) (name string, next int, err error) {
	var space [256]byte
	text := space[:0]
	for start := off; ; {
		if off >= len(wire) {
			return "", 0, &NameError{Name: string(wire), Offset: off, Reason: "cut off"}
		}
		n := int(wire[off])
		off++
		switch {
		case n == 0 && off-start == 1:
			return ".", off, nil
		case n == 0:
			return string(text), off, nil
		case n > 63:
			return "", 0, &NameError{Name: string(wire), Offset: off - 1, Reason: "no plain label"}
		case off+n > len(wire):
			return "", 0, &NameError{Name: string(wire), Offset: off, Reason: "cut off"}
		case off+n-start > 254:
			return "", 0, &NameError{Name: string(wire), Offset: off, Reason: "over 255 octets"}
		}
		if len(text) > 0 {
			text = append(text, '.')
		}
		text = appendLabel(text, wire[off:off+n])
		off += n
	}
}

func appendLabel(text, label []byte) []byte {
	for _, c := range label {
		switch {
		case 'A' <= c && c <= 'Z':
			text = append(text, c+'a'-'A')
		case strings.IndexByte(`."\;()@$`, c) >= 0:
			text = append(text, '\\', c)
		case c > ' ' && c < 0x7f:
			text = append(text, c)
		default:
			text = appendDDD(text, c)
		}
	}
	return text
}

// appendDDD writes an octet as the escape with its decimal value.
func appendDDD(text []byte, c byte) []byte {
	return append(text, '\\', '0'+c/100, '0'+c/10%10, '0'+c%10)
}

// Below reports whether name is parent or a name under it. Both are as
// ParseName returns them.
func Below(name, parent string) bool {
	if parent == "." || name == parent {
		return true
	}
	rest, ok := strings.CutSuffix(name, "."+parent)
	return ok && !escapedEnd(rest)
}

// escapedEnd reports whether s ends in an odd number of backslashes, which
// would make the dot behind it part of a label.
func escapedEnd(s string) bool {
	n := len(s) - len(strings.TrimRight(s, `\`))
	return n%2 == 1
}

// Parent cuts the leftmost label: the parent of "a.b" is "b", of "b" and of "." it is ".".
func Parent(name string) string {
	for i := 0; i < len(name); i++ {
		switch name[i] {
		case '\\':
			i++ // \DDD: its digits hold no dot
		case '.':
			if i+1 < len(name) {
				return name[i+1:]
			}
		}
	}
	return "."
}

// Labels counts the labels of a name; the root has none.
func Labels(name string) int {
	n := 0
	for ; name != "."; name = Parent(name) {
		n++
	}
	return n
}

// Join puts a prefix of one or more labels in front of a name. The result may be
// too long for a name; ParseName tells.
func Join(prefix, name string) string {
	if name == "." {
		return prefix
	}
	return prefix + "." + name
}
