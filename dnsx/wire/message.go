package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/mailcheck-go/mailcheck/dnsx"
)

// The header's second 16 bits (RFC 1035, 4.1.1; RFC 4035, 3.1.6 and 3.2).
const (
	flagQR = 1 << 15
	flagTC = 1 << 9
	flagRD = 1 << 8
	flagAD = 1 << 5
	flagCD = 1 << 4

	headerSize = 12
	classIN    = 1
)

// The OPT record (RFC 6891, 6.1) and the option for errors (RFC 8914).
const (
	typeOPT    = 41
	flagDO     = 1 << 15
	bufferSize = 1232 // fits any path: 1280 octets less the headers of IPv6 and UDP
	optionEDE  = 15

	optionPadding = 12 // RFC 7830
	padBlock      = 128

	maxEDE     = 8   // entries kept
	maxEDEText = 256 // octets kept
)

// maxQuery holds every query: header, name, type and class, OPT record, padding.
const maxQuery = headerSize + 255 + 4 + 11 + 4 + padBlock

// query is a question as it is sent, and what its reply has to match.
type query struct {
	id     uint16
	name   string // as dnsx.ParseName returns it
	typ    dnsx.Type
	dnssec bool
	cd     bool
	ad     bool   // ask for the AD bit (RFC 6840, 5.7); without it, or DO, a resolver need not set it
	plain  bool   // without EDNS
	pad    bool   // the path is encrypted
	mix    uint64 // the letters of the name that are sent in upper case, by their number; 0: none
}

// pack appends the message to b.
func (q *query) pack(b []byte) []byte {
	flags := uint16(flagRD)
	if q.ad {
		flags |= flagAD
	}
	if q.cd {
		flags |= flagCD
	}
	additional := uint16(1)
	if q.plain {
		additional = 0
	}
	start := len(b)
	put := func(v uint16) { b = binary.BigEndian.AppendUint16(b, v) }
	put(q.id)
	put(flags)
	put(1) // question
	put(0) // answer
	put(0) // authority
	put(additional)
	b = q.packName(b)
	put(uint16(q.typ))
	put(classIN)
	if !q.plain {
		b = append(b, 0) // the root
		put(typeOPT)
		put(bufferSize)
		put(0) // extended RCODE, version
		if q.dnssec {
			put(flagDO)
		} else {
			put(0)
		}
		options := 0
		if q.pad { // RFC 8467, 4.1: to a multiple of 128 octets
			options = padBlock - (len(b)-start+2)%padBlock
			if options < 4 {
				options += padBlock
			}
		}
		put(uint16(options))
		if options > 0 {
			put(optionPadding)
			put(uint16(options - 4))
			b = append(b, make([]byte, options-4)...)
		}
	}
	return b
}

// packName appends the name in wire form, with its letters mixed.
func (q *query) packName(b []byte) []byte {
	start := len(b)
	if q.name == "." || strings.IndexByte(q.name, '\\') >= 0 {
		name, _ := dnsx.PackName(q.name) // no error: task.start has parsed it
		b = append(b, name...)
	} else {
		b = append(b, 0)
		length := start
		for i := range len(q.name) {
			if c := q.name[i]; c != '.' {
				b = append(b, c)
				b[length]++
			} else {
				length = len(b)
				b = append(b, 0)
			}
		}
		b = append(b, 0)
	}
	if q.mix != 0 {
		letters := 0
		for i, c := range b[start:] { // a label's length is no letter
			if 'a' <= c && c <= 'z' {
				if q.mix>>(letters%64)&1 != 0 {
					b[start+i] = c - 'a' + 'A'
				}
				letters++
			}
		}
	}
	return b
}

// message is a reply that matches its query.
type message struct {
	rcode     dnsx.RCode
	truncated bool // nothing behind the question was read
	ad        bool
	answer    []dnsx.RR // of class IN
	authority []dnsx.RR // of class IN
	ede       []dnsx.EDE
	size      int // octets
}

var (
	// errNotOurs says that a message is no reply to the query.
	errNotOurs = errors.New("no reply to this query")
	// errCase says that a message would be a reply, had it the letters that were sent.
	errCase = errors.New("a reply with other upper and lower case")
)

// malformedError says what is wrong with a message, and where.
type malformedError struct {
	What string
	At   int // octets into the message
}

func (e *malformedError) Error() string { return fmt.Sprintf("%s at octet %d", e.What, e.At) }

func isMalformed(err error) bool {
	_, ok := errors.AsType[*malformedError](err)
	return ok
}

// read reads the reply to q out of b, of which it keeps nothing. The error is
// errNotOurs, errCase or a *malformedError.
func (m *message) read(b []byte, q *query) error {
	if len(b) < headerSize {
		return &malformedError{"a header that is cut off", len(b)}
	}
	flags := binary.BigEndian.Uint16(b[2:])
	opcode := flags >> 11 & 0xf
	if binary.BigEndian.Uint16(b) != q.id || flags&flagQR == 0 || opcode != 0 {
		return errNotOurs
	}
	*m = message{
		rcode: dnsx.RCode(flags & 0xf), truncated: flags&flagTC != 0, ad: flags&flagAD != 0, size: len(b),
	}
	r := reader{msg: b, off: headerSize, query: q}
	if err := r.matchQuestion(m.rcode); err != nil || m.truncated {
		return err
	}
	return r.sections(m)
}

// reader walks through a message.
type reader struct {
	msg   []byte
	off   int
	query *query
	asked bool // the message repeats the question, its name uncompressed
}

// matchQuestion reads the question section and compares it.
func (r *reader) matchQuestion(rcode dnsx.RCode) error {
	q := r.query
	switch count := binary.BigEndian.Uint16(r.msg[4:]); {
	case count == 0 && rcode != dnsx.NoError && rcode != dnsx.NXDomain:
		return nil // a server that refuses, or cannot read the query, may send the bare header
	case count != 1:
		return errNotOurs
	}
	var space, spaceToo [255]byte
	sent := q.packName(space[:0])
	exact := bytes.HasPrefix(r.msg[r.off:], sent)
	same, off := exact, r.off+len(sent)
	if !exact {
		name, next, err := appendName(spaceToo[:0], r.msg, r.off)
		if err != nil {
			return err
		}
		lower := query{name: q.name}
		same, off = bytes.Equal(name, lower.packName(space[:0])), next
	}
	if off+4 > len(r.msg) {
		return &malformedError{"a question that is cut off", off}
	}
	typ, class := binary.BigEndian.Uint16(r.msg[off:]), binary.BigEndian.Uint16(r.msg[off+2:])
	switch {
	case !same || dnsx.Type(typ) != q.typ || class != classIN:
		return errNotOurs
	case !exact && q.mix != 0:
		return errCase
	}
	r.off, r.asked = off+4, off == r.off+len(sent)
	return nil
}

// record is one record as it stands in the message.
type record struct {
	name       string
	typ        dnsx.Type
	class      uint16
	ttl        uint32
	start, end int // of the RDATA
}

// sections reads the records. Those of other classes are passed over, and so is
// the additional section but for its OPT record.
func (r *reader) sections(m *message) error {
	for i, to := range []*[]dnsx.RR{&m.answer, &m.authority} {
		count := int(binary.BigEndian.Uint16(r.msg[6+2*i:]))
		for range count {
			rec, err := r.record()
			if err != nil {
				return err
			}
			if rec.class != classIN {
				continue
			}
			data, err := r.rdata(rec)
			if err != nil {
				return err
			}
			if rec.ttl > math.MaxInt32 {
				rec.ttl = 0 // RFC 2181, 8
			}
			if *to == nil {
				*to = make([]dnsx.RR, 0, min(count, 1+(len(r.msg)-r.off)/minRecord))
			}
			*to = append(*to, dnsx.RR{Name: rec.name, Type: rec.typ, TTL: rec.ttl, Data: data})
		}
	}
	edns := false
	for range binary.BigEndian.Uint16(r.msg[10:]) {
		at := r.off
		rec, err := r.record()
		if err != nil {
			return err
		}
		if rec.typ != typeOPT {
			continue
		}
		if edns {
			return &malformedError{"a second OPT record", at} // RFC 6891, 6.1.1
		}
		edns = true
		m.rcode |= dnsx.RCode(rec.ttl>>24) << 4
		if m.ede, err = r.extendedErrors(rec.start, rec.end); err != nil {
			return err
		}
	}
	return nil
}

// minRecord is the size of the smallest record: the root and no data.
const minRecord = 1 + 10

// record reads the head of the next record and steps over its RDATA.
func (r *reader) record() (record, error) {
	name, off, err := r.owner()
	if err != nil {
		return record{}, err
	}
	if off+10 > len(r.msg) {
		return record{}, &malformedError{"a record that is cut off", off}
	}
	head := r.msg[off:]
	rec := record{
		name:  name,
		typ:   dnsx.Type(binary.BigEndian.Uint16(head)),
		class: binary.BigEndian.Uint16(head[2:]),
		ttl:   binary.BigEndian.Uint32(head[4:]),
		start: off + 10,
	}
	rec.end = rec.start + int(binary.BigEndian.Uint16(head[8:]))
	if rec.end > len(r.msg) {
		return record{}, &malformedError{"RDATA that is cut off", rec.start}
	}
	r.off = rec.end
	return rec, nil
}

// owner reads the name of a record: nearly always a pointer to the one that was asked,
// or to a name above it.
func (r *reader) owner() (name string, next int, err error) {
	if r.asked && r.off+2 <= len(r.msg) {
		if at := int(binary.BigEndian.Uint16(r.msg[r.off:])) - 0xc000 - headerSize; r.query.hasLabelAt(at) {
			return r.query.name[at:], r.off + 2, nil
		}
	}
	var space [255]byte
	wire, next, err := appendName(space[:0], r.msg, r.off)
	if err != nil {
		return "", 0, err
	}
	name, _, _ = dnsx.UnpackName(wire, 0) // no error: appendName has checked it
	return name, next, nil
}

// hasLabelAt reports whether a label of the name begins there, in its text as in wire
// form: without escapes the two have the same lengths.
func (q *query) hasLabelAt(at int) bool {
	return at == 0 || at > 0 && at < len(q.name) && q.name[at-1] == '.' && strings.IndexByte(q.name, '\\') < 0
}

// extendedErrors reads the options of an OPT record.
func (r *reader) extendedErrors(off, end int) ([]dnsx.EDE, error) {
	var ede []dnsx.EDE
	for off < end {
		if off+4 > end {
			return nil, &malformedError{"an EDNS option that is cut off", off}
		}
		code, size := binary.BigEndian.Uint16(r.msg[off:]), int(binary.BigEndian.Uint16(r.msg[off+2:]))
		off += 4
		if off+size > end {
			return nil, &malformedError{"an EDNS option that is cut off", off}
		}
		if option := r.msg[off : off+size]; code == optionEDE && size >= 2 && len(ede) < maxEDE {
			ede = append(ede, dnsx.EDE{Code: binary.BigEndian.Uint16(option), Text: edeText(option[2:])})
		}
		off += size
	}
	return ede, nil
}

// edeText makes valid UTF-8 of a text that may end in a NUL (RFC 8914, 2), so that
// it can be saved as JSON and read back.
func edeText(b []byte) string {
	s := string(bytes.TrimRight(b, "\x00"))
	if len(s) > maxEDEText {
		s = s[:maxEDEText]
	}
	return strings.ToValidUTF8(s, "")
}
