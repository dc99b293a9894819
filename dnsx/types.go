package dnsx

import (
	"fmt"
	"strconv"
	"strings"
)

// Type is an RR type (IANA DNS Parameters, Resource Record TYPEs).
type Type uint16

const (
	TypeA      Type = 1
	TypeNS     Type = 2
	TypeCNAME  Type = 5
	TypeSOA    Type = 6
	TypePTR    Type = 12
	TypeMX     Type = 15
	TypeTXT    Type = 16
	TypeAAAA   Type = 28
	TypeSRV    Type = 33
	TypeDNAME  Type = 39
	TypeDS     Type = 43
	TypeRRSIG  Type = 46
	TypeNSEC   Type = 47
	TypeDNSKEY Type = 48
	TypeNSEC3  Type = 50
	TypeTLSA   Type = 52
	TypeSVCB   Type = 64
	TypeHTTPS  Type = 65
	TypeSPF    Type = 99
	TypeCAA    Type = 257
)

var typeNames = map[Type]string{
	TypeA: "A", TypeNS: "NS", TypeCNAME: "CNAME", TypeSOA: "SOA", TypePTR: "PTR", TypeMX: "MX", TypeTXT: "TXT",
	TypeAAAA: "AAAA", TypeSRV: "SRV", TypeDNAME: "DNAME", TypeDS: "DS", TypeRRSIG: "RRSIG", TypeNSEC: "NSEC",
	TypeDNSKEY: "DNSKEY", TypeNSEC3: "NSEC3", TypeTLSA: "TLSA", TypeSVCB: "SVCB", TypeHTTPS: "HTTPS",
	TypeSPF: "SPF", TypeCAA: "CAA",
}

var typesByName = func() map[string]Type {
	m := make(map[string]Type, len(typeNames))
	for t, name := range typeNames {
		m[name] = t
	}
	return m
}()

// String is the mnemonic, or TYPEnnn (RFC 3597, 5).
func (t Type) String() string {
	if s, ok := typeNames[t]; ok {
		return s
	}
	return "TYPE" + strconv.Itoa(int(t))
}

// ParseType reads a mnemonic or TYPEnnn, in any case.
func ParseType(s string) (Type, error) {
	upper := strings.ToUpper(s)
	if t, ok := typesByName[upper]; ok {
		return t, nil
	}
	if digits, ok := strings.CutPrefix(upper, "TYPE"); ok {
		if n, err := strconv.ParseUint(digits, 10, 16); err == nil {
			return Type(n), nil
		}
	}
	return 0, fmt.Errorf("dnsx: %q is no RR type", s)
}

// MarshalText writes the mnemonic.
func (t Type) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads it.
func (t *Type) UnmarshalText(s []byte) (err error) {
	*t, err = ParseType(string(s))
	return err
}

// RCode is a response code (RFC 1035, 4.1.1; RFC 6895, 2.3).
type RCode uint16

const (
	NoError  RCode = 0
	FormErr  RCode = 1
	ServFail RCode = 2
	NXDomain RCode = 3
	NotImp   RCode = 4
	Refused  RCode = 5
	NotAuth  RCode = 9
	BadVers  RCode = 16
)

var rcodeNames = map[RCode]string{
	NoError: "NOERROR", FormErr: "FORMERR", ServFail: "SERVFAIL", NXDomain: "NXDOMAIN",
	NotImp: "NOTIMP", Refused: "REFUSED", NotAuth: "NOTAUTH", BadVers: "BADVERS",
}

// String is the mnemonic, or RCODEnnn.
func (c RCode) String() string {
	if s, ok := rcodeNames[c]; ok {
		return s
	}
	return "RCODE" + strconv.Itoa(int(c))
}

// MarshalText writes the mnemonic.
func (c RCode) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads it.
func (c *RCode) UnmarshalText(s []byte) error {
	for code, name := range rcodeNames {
		if name == string(s) {
			*c = code
			return nil
		}
	}
	if digits, ok := strings.CutPrefix(string(s), "RCODE"); ok {
		if n, err := strconv.ParseUint(digits, 10, 16); err == nil {
			*c = RCode(n)
			return nil
		}
	}
	return fmt.Errorf("dnsx: %q is no response code", s)
}
