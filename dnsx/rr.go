package dnsx

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"strings"
)

// RR is one resource record of class IN. Its text form, in JSON too, is one line
// of a master file; see ParseRR.
type RR struct {
	Name string // the owner, as ParseName returns it
	Type Type
	TTL  uint32 // seconds
	Data []byte // RDATA in wire form, names in it uncompressed and in lower case
}

// CompareData orders the records of one RRset by their data, as the canonical order
// does (RFC 4034, 6.3). The order in which a server gives them has no meaning, and
// changes from answer to answer (RFC 1034, 3.6); wire.Client sorts by this one, so
// that what rests on an answer does not change with it.
func CompareData(a, b RR) int { return bytes.Compare(a.Data, b.Data) }

// TXT returns the character-strings of a TXT or SPF record as they stand in it,
// nil for any other.
func (r RR) TXT() [][]byte {
	if r.Type != TypeTXT && r.Type != TypeSPF {
		return nil
	}
	var strs [][]byte
	for d := r.Data; len(d) > 0; {
		n := int(d[0])
		if 1+n > len(d) {
			return nil
		}
		strs = append(strs, d[1:1+n:1+n])
		d = d[1+n:]
	}
	return strs
}

// Text joins the strings of a TXT record with nothing between, as every mail
// standard asks (RFC 7208, 3.3; RFC 6376, 3.6.2.2; RFC 8461, 3.1). The octets
// may be anything.
func (r RR) Text() string {
	strs := r.TXT()
	if len(strs) == 1 {
		return string(strs[0])
	}
	var b strings.Builder
	for _, s := range strs {
		b.Write(s)
	}
	return b.String()
}

// MX returns preference and exchange of an MX record.
func (r RR) MX() (preference uint16, host string, ok bool) {
	if r.Type != TypeMX || len(r.Data) < 3 {
		return 0, "", false
	}
	host, ok = wholeName(r.Data[2:])
	return binary.BigEndian.Uint16(r.Data), host, ok
}

// Addr returns the address of an A or AAAA record.
func (r RR) Addr() (netip.Addr, bool) {
	switch {
	case r.Type == TypeA && len(r.Data) == 4:
		return netip.AddrFrom4([4]byte(r.Data)), true
	case r.Type == TypeAAAA && len(r.Data) == 16:
		return netip.AddrFrom16([16]byte(r.Data)), true
	}
	return netip.Addr{}, false
}

// Target returns the name that a CNAME, NS, PTR or DNAME record holds.
func (r RR) Target() (string, bool) {
	switch r.Type {
	case TypeCNAME, TypeNS, TypePTR, TypeDNAME:
		return wholeName(r.Data)
	}
	return "", false
}

func wholeName(wire []byte) (string, bool) {
	name, next, err := UnpackName(wire, 0)
	return name, err == nil && next == len(wire)
}

// SOA is the data of an SOA record (RFC 1035, 3.3.13). Times are in seconds.
type SOA struct {
	MName, RName                            string
	Serial, Refresh, Retry, Expire, Minimum uint32
}

// SOA returns the data of an SOA record.
func (r RR) SOA() (SOA, bool) {
	var s SOA
	if r.Type != TypeSOA {
		return s, false
	}
	var next int
	var err error
	if s.MName, next, err = UnpackName(r.Data, 0); err != nil {
		return s, false
	}
	if s.RName, next, err = UnpackName(r.Data, next); err != nil || len(r.Data) != next+20 {
		return s, false
	}
	for i, to := range []*uint32{&s.Serial, &s.Refresh, &s.Retry, &s.Expire, &s.Minimum} {
		*to = binary.BigEndian.Uint32(r.Data[next+4*i:])
	}
	return s, true
}

// CAA is the data of a CAA record (RFC 8659, 4.1). Value may be any octets.
type CAA struct {
	Flags uint8
	Tag   string
	Value string
}

// CAA returns the data of a CAA record.
func (r RR) CAA() (CAA, bool) {
	if r.Type != TypeCAA || len(r.Data) < 2 {
		return CAA{}, false
	}
	n := int(r.Data[1])
	if n == 0 || 2+n > len(r.Data) {
		return CAA{}, false
	}
	return CAA{Flags: r.Data[0], Tag: string(r.Data[2 : 2+n]), Value: string(r.Data[2+n:])}, true
}

// TLSA is the data of a TLSA record (RFC 6698, 2.1).
type TLSA struct {
	Usage, Selector, MatchingType uint8
	Data                          []byte
}

// TLSA returns the data of a TLSA record.
func (r RR) TLSA() (TLSA, bool) {
	if r.Type != TypeTLSA || len(r.Data) < 3 {
		return TLSA{}, false
	}
	return TLSA{r.Data[0], r.Data[1], r.Data[2], r.Data[3:]}, true
}

// NewTXT makes a TXT record of a text of any length, cut into strings of 255 octets.
func NewTXT(name string, ttl uint32, text string) RR {
	data := make([]byte, 0, len(text)+len(text)/255+1)
	for first := true; first || len(text) > 0; first = false {
		n := min(len(text), 255)
		data = append(data, byte(n))
		data = append(data, text[:n]...)
		text = text[n:]
	}
	return RR{Name: name, Type: TypeTXT, TTL: ttl, Data: data}
}
