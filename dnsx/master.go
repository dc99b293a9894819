package dnsx

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// SyntaxError says where a line of master-file text cannot be read.
type SyntaxError struct {
	Line   string
	Offset int // octets into Line
	Reason string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s at octet %d of %q", e.Reason, e.Offset, clip(e.Line))
}

// layouts has the fields of RDATA whose text form is not the generic one of
// RFC 3597: n name, 1 2 4 numbers of so many octets, a and A addresses, s one
// character-string that is written bare, t strings to the end, v octets to the
// end as one quoted string, x and b octets to the end as hexadecimal and base64.
var layouts = map[Type]string{
	TypeA: "a", TypeAAAA: "A",
	TypeNS: "n", TypeCNAME: "n", TypePTR: "n", TypeDNAME: "n",
	TypeMX: "2n", TypeSRV: "222n", TypeSOA: "nn44444",
	TypeTXT: "t", TypeSPF: "t", TypeCAA: "1sv",
	TypeTLSA: "111x", TypeDS: "211x", TypeDNSKEY: "211b",
}

// String writes the record as one line of a master file: ASCII only, every other
// octet as \DDD, data that does not fit its type in the form of RFC 3597.
// ParseRR reads it back without loss.
func (r RR) String() string {
	owner := r.Name
	if owner != "." {
		owner += "."
	}
	return fmt.Sprintf("%s %d IN %s %s", owner, r.TTL, r.Type, r.DataText())
}

// DataText writes the RDATA alone.
func (r RR) DataText() string {
	if layout, ok := layouts[r.Type]; ok {
		if fields, ok := showFields(layout, r.Data); ok {
			return strings.Join(fields, " ")
		}
	}
	if len(r.Data) == 0 {
		return `\# 0`
	}
	return fmt.Sprintf(`\# %d %x`, len(r.Data), r.Data)
}

func showFields(layout string, d []byte) (fields []string, ok bool) {
	show := func(s string) { fields = append(fields, s) }
	for _, kind := range []byte(layout) {
		if size := fixedSize(kind); size > len(d) {
			return nil, false
		} else if size > 0 {
			show(showFixed(kind, d[:size]))
			d = d[size:]
			continue
		}
		switch kind {
		case 'n':
			name, next, err := UnpackName(d, 0)
			if err != nil {
				return nil, false
			}
			if name != "." {
				name += "."
			}
			show(name)
			d = d[next:]
		case 's':
			if len(d) == 0 || 1+int(d[0]) > len(d) || !bare(d[1:1+d[0]]) {
				return nil, false
			}
			show(string(d[1 : 1+d[0]]))
			d = d[1+d[0]:]
		case 't':
			if len(d) == 0 {
				return nil, false
			}
			for len(d) > 0 {
				n := int(d[0])
				if 1+n > len(d) {
					return nil, false
				}
				show(quote(d[1 : 1+n]))
				d = d[1+n:]
			}
		case 'v':
			show(quote(d))
			d = nil
		case 'x', 'b':
			if len(d) == 0 {
				return nil, false
			}
			if kind == 'x' {
				show(hex.EncodeToString(d))
			} else {
				show(base64.StdEncoding.EncodeToString(d))
			}
			d = nil
		}
	}
	return fields, len(d) == 0
}

func fixedSize(kind byte) int {
	switch kind {
	case '1', '2', '4':
		return int(kind - '0')
	case 'a':
		return 4
	case 'A':
		return 16
	}
	return 0
}

func showFixed(kind byte, d []byte) string {
	switch kind {
	case '1':
		return strconv.Itoa(int(d[0]))
	case '2':
		return strconv.Itoa(int(binary.BigEndian.Uint16(d)))
	case '4':
		return strconv.FormatUint(uint64(binary.BigEndian.Uint32(d)), 10)
	}
	addr, _ := netip.AddrFromSlice(d)
	return addr.String()
}

func bare(d []byte) bool {
	for _, c := range d {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"\;()`, c) >= 0 {
			return false
		}
	}
	return len(d) > 0
}

func quote(d []byte) string {
	text := append(make([]byte, 0, len(d)+2), '"')
	for _, c := range d {
		switch {
		case c == '"' || c == '\\':
			text = append(text, '\\', c)
		case ' ' <= c && c < 0x7f:
			text = append(text, c)
		default:
			text = appendDDD(text, c)
		}
	}
	return string(append(text, '"'))
}

// ParseRR reads one record in master-file text: an absolute owner (the trailing
// dot may be left out), TTL (0 if absent) and class IN in either order, type,
// data. A comment may follow. The data may have its type's own form or the one of
// RFC 3597, 5. The error is a *SyntaxError.
func ParseRR(line string) (RR, error) {
	p := &lineParser{line: line}
	var rr RR
	owner := p.word("an owner name")
	var err error
	if p.err == nil {
		if rr.Name, err = ParseName(owner.text); err != nil {
			p.fail(owner.at, err.Error())
		}
	}
	kind := p.word("a type")
	for range 2 { // TTL and class, both may be left out
		if ttl, err := strconv.ParseUint(kind.text, 10, 32); err == nil {
			rr.TTL = uint32(ttl)
			kind = p.word("a type")
		} else if strings.EqualFold(kind.text, "IN") {
			kind = p.word("a type")
		}
	}
	if p.err == nil {
		if rr.Type, err = ParseType(kind.text); err != nil {
			p.fail(kind.at, fmt.Sprintf("%q is no type", kind.text))
		}
	}
	rr.Data = p.data(rr.Type)
	if p.err == nil && p.more() {
		p.fail(p.at, "more than the type holds")
	}
	if p.err == nil && len(rr.Data) > 65535 {
		p.fail(p.at, "over 65535 octets of data")
	}
	if p.err != nil {
		return RR{}, p.err
	}
	return rr, nil
}

// MarshalText writes the line of String.
func (r RR) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads it.
func (r *RR) UnmarshalText(line []byte) (err error) {
	*r, err = ParseRR(string(line))
	return err
}

// lineParser takes the words of one line; the first fault stays.
type lineParser struct {
	line string
	at   int
	err  error
}

type word struct {
	text string // as written, without the quotes
	at   int
}

func (p *lineParser) fail(at int, reason string) {
	if p.err == nil {
		p.err = &SyntaxError{Line: p.line, Offset: at, Reason: reason}
	}
}

func (p *lineParser) more() bool {
	for p.at < len(p.line) && (p.line[p.at] == ' ' || p.line[p.at] == '\t') {
		p.at++
	}
	return p.at < len(p.line) && p.line[p.at] != ';'
}

// word returns the next word, escapes still in it.
func (p *lineParser) word(want string) word {
	if p.err != nil {
		return word{}
	}
	if !p.more() {
		p.fail(p.at, "want "+want)
		return word{}
	}
	start := p.at
	if p.line[p.at] == '"' {
		for p.at++; p.at < len(p.line); p.at++ {
			switch p.line[p.at] {
			case '\\':
				p.at++
			case '"':
				w := word{p.line[start+1 : p.at], start + 1}
				p.at++
				return w
			}
		}
		p.fail(start, "a quote that does not end")
		return word{}
	}
	for ; p.at < len(p.line); p.at++ {
		switch p.line[p.at] {
		case ' ', '\t', ';', '"':
			return word{p.line[start:p.at], start}
		case '\\':
			p.at++
		}
	}
	p.at = min(p.at, len(p.line))
	return word{p.line[start:p.at], start}
}

// octets resolves the escapes of a word.
func (p *lineParser) octets(w word) []byte {
	if strings.IndexByte(w.text, '\\') < 0 {
		return []byte(w.text)
	}
	b := make([]byte, 0, len(w.text))
	for i := 0; i < len(w.text); i++ {
		c := w.text[i]
		if c == '\\' {
			e, size, ok := escape(w.text[i:])
			if !ok {
				p.fail(w.at+i, "a broken escape")
				return nil
			}
			c = e
			i += size - 1
		}
		b = append(b, c)
	}
	return b
}

func (p *lineParser) data(t Type) []byte {
	if p.err != nil || !p.more() {
		p.fail(p.at, "want data")
		return nil
	}
	if rest := p.line[p.at:]; strings.HasPrefix(rest, `\#`) && (len(rest) == 2 || rest[2] == ' ' || rest[2] == '\t') {
		return p.generic()
	}
	layout, ok := layouts[t]
	if !ok {
		p.fail(p.at, fmt.Sprintf(`data of type %s must have the form \# LENGTH HEX`, t))
		return nil
	}
	d := []byte{}
	for _, kind := range []byte(layout) {
		d = p.field(kind, d)
	}
	return d
}

// generic reads \# LENGTH HEX… (RFC 3597, 5).
func (p *lineParser) generic() []byte {
	p.word(`\#`)
	length := p.word("a length")
	n, err := strconv.ParseUint(length.text, 10, 16)
	if err != nil {
		p.fail(length.at, "want a length from 0 to 65535")
	}
	d := p.rest(hex.DecodeString)
	if p.err == nil && len(d) != int(n) {
		p.fail(length.at, fmt.Sprintf("the length is %d and the data has %d octets", n, len(d)))
	}
	return d
}

// rest decodes all words that are left as one.
func (p *lineParser) rest(decode func(string) ([]byte, error)) []byte {
	start := p.at
	var all strings.Builder
	for p.err == nil && p.more() {
		all.WriteString(p.word("data").text)
	}
	d, err := decode(all.String())
	if err != nil {
		p.fail(start, err.Error())
	}
	return d
}

// field reads one field of a layout and appends it to d.
func (p *lineParser) field(kind byte, d []byte) []byte {
	switch kind {
	case 't':
		for first := true; p.err == nil && (first || p.more()); first = false {
			d = p.charString(d)
		}
		return d
	case 's':
		return p.charString(d)
	case 'v':
		return append(d, p.octets(p.word("a value"))...)
	case 'x':
		return append(d, p.rest(hex.DecodeString)...)
	case 'b':
		return append(d, p.rest(base64.StdEncoding.DecodeString)...)
	}
	w := p.word("a field")
	if p.err != nil {
		return d
	}
	switch kind {
	case 'n':
		name, err := PackName(w.text)
		if err != nil {
			p.fail(w.at, err.Error())
		}
		return append(d, name...)
	case 'a', 'A':
		addr, err := netip.ParseAddr(w.text)
		if err != nil || addr.Zone() != "" || addr.Is4() != (kind == 'a') {
			p.fail(w.at, fmt.Sprintf("%q is no such address", w.text))
			return d
		}
		return append(d, addr.AsSlice()...)
	}
	n, err := strconv.ParseUint(w.text, 10, 8*fixedSize(kind))
	if err != nil {
		p.fail(w.at, fmt.Sprintf("want a number of %d bits, have %q", 8*fixedSize(kind), w.text))
	}
	switch kind {
	case '1':
		return append(d, byte(n))
	case '2':
		return binary.BigEndian.AppendUint16(d, uint16(n))
	}
	return binary.BigEndian.AppendUint32(d, uint32(n))
}

func (p *lineParser) charString(d []byte) []byte {
	w := p.word("a string")
	s := p.octets(w)
	if len(s) > 255 {
		p.fail(w.at, "a string of over 255 octets")
		return d
	}
	return append(append(d, byte(len(s))), s...)
}
