package wire

import (
	"encoding/binary"

	"github.com/mailcheck-go/mailcheck/dnsx"
)

// The fields of RDATA. A positive number is so many octets.
const (
	domain  = -1 // a name: it may be compressed, and its case means nothing
	str     = -2 // one character-string
	strs    = -3 // character-strings to the end, at least one
	rest    = -4 // octets to the end, at least one
	restOr0 = -5 // octets to the end
)

// layouts has the types whose RDATA is checked. A record that does not fit would
// read as "no such record" further up, so it makes the message unreadable.
//
// The types with names are those that RFC 4034, 6.2 brings into lower case, less
// NSEC (RFC 6840, 5.1); of all others RFC 3597, 4 forbids compression.
var layouts = map[dnsx.Type][]int{
	dnsx.TypeA:      {4},
	dnsx.TypeAAAA:   {16},
	dnsx.TypeNS:     {domain},
	3:               {domain}, // MD
	4:               {domain}, // MF
	dnsx.TypeCNAME:  {domain},
	dnsx.TypeSOA:    {domain, domain, 20},
	7:               {domain}, // MB
	8:               {domain}, // MG
	9:               {domain}, // MR
	dnsx.TypePTR:    {domain},
	14:              {domain, domain}, // MINFO
	dnsx.TypeMX:     {2, domain},
	dnsx.TypeTXT:    {strs},
	17:              {domain, domain},    // RP
	18:              {2, domain},         // AFSDB
	21:              {2, domain},         // RT
	24:              {18, domain, rest},  // SIG
	26:              {2, domain, domain}, // PX
	30:              {domain, rest},      // NXT
	dnsx.TypeSRV:    {6, domain},
	35:              {4, str, str, str, domain}, // NAPTR
	36:              {2, domain},                // KX
	dnsx.TypeDNAME:  {domain},
	dnsx.TypeDS:     {4, rest},
	dnsx.TypeRRSIG:  {18, domain, rest},
	dnsx.TypeDNSKEY: {4, rest},
	dnsx.TypeTLSA:   {3, restOr0},
	dnsx.TypeSPF:    {strs},
	dnsx.TypeCAA:    {1, str, restOr0},
}

// rdata returns a record's RDATA with its names uncompressed and in lower case.
func (r *reader) rdata(rec record) ([]byte, error) {
	layout, ok := layouts[rec.typ]
	if !ok {
		layout = []int{restOr0}
	}
	data := make([]byte, 0, rec.end-rec.start)
	off := rec.start
	for _, field := range layout {
		size := 0
		switch field {
		case domain:
			var err error
			if data, off, err = appendName(data, r.msg, off); err != nil {
				return nil, err
			}
		case str:
			size = r.stringSize(off, rec.end)
		case strs:
			for size = r.stringSize(off, rec.end); off+size < rec.end; {
				size += r.stringSize(off+size, rec.end)
			}
		case rest:
			size = max(1, rec.end-off)
		case restOr0:
			size = max(0, rec.end-off)
		default:
			size = field
		}
		if off+size > rec.end {
			return nil, &malformedError{rec.typ.String() + " data that is cut off", rec.start}
		}
		data = append(data, r.msg[off:off+size]...)
		off += size
	}
	if off != rec.end {
		return nil, &malformedError{rec.typ.String() + " data with octets left over", off}
	}
	return data, nil
}

// stringSize is the size of the character-string at off with its length octet.
func (r *reader) stringSize(off, end int) int {
	if off >= end {
		return 1 // which is not there: the caller finds the data cut off
	}
	return 1 + int(r.msg[off])
}

// maxPointers bounds the work that one name can make: it has at most 127 labels,
// and a pointer with no label behind it serves nobody.
const maxPointers = 127

// appendName reads the name at off of a message, follows its compression pointers
// (RFC 1035, 4.1.4), and appends it to data in lower case. It returns the offset
// behind the name where that stands.
func appendName(data, msg []byte, off int) (_ []byte, next int, err error) {
	size, pointers := 0, 0
	for lowest := off; ; { // a pointer leads to before all that has been read of the name
		if off >= len(msg) {
			return nil, 0, &malformedError{"a name that is cut off", off}
		}
		n := int(msg[off])
		switch {
		case n >= 0xc0:
			if off+2 > len(msg) {
				return nil, 0, &malformedError{"a name that is cut off", off}
			}
			to := int(binary.BigEndian.Uint16(msg[off:]) & 0x3fff)
			if pointers++; to >= lowest || pointers > maxPointers {
				return nil, 0, &malformedError{"a compression pointer that leads astray", off}
			}
			if pointers == 1 {
				next = off + 2
			}
			off, lowest = to, to
			continue
		case n > 63:
			return nil, 0, &malformedError{"a label of unknown kind", off}
		case off+1+n > len(msg):
			return nil, 0, &malformedError{"a name that is cut off", off}
		}
		if size += 1 + n; size > 255 {
			return nil, 0, &malformedError{"a name of over 255 octets", off}
		}
		for _, c := range msg[off : off+1+n] { // a label's length is no letter
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			data = append(data, c)
		}
		off += 1 + n
		if n == 0 {
			if pointers == 0 {
				next = off
			}
			return data, next, nil
		}
	}
}
