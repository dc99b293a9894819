package dnsx_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/mailcheck-go/mailcheck/dnsx"
)

// Any data of any type is written as one line of ASCII that reads as the same
// record, but that names in it become lower case where the type's own form is used.
func FuzzRR_String(f *testing.F) {
	for _, t := range []dnsx.Type{
		dnsx.TypeA, dnsx.TypeAAAA, dnsx.TypeNS, dnsx.TypeMX, dnsx.TypeSRV, dnsx.TypeSOA, dnsx.TypeTXT, dnsx.TypeCAA,
		dnsx.TypeTLSA, dnsx.TypeDS, dnsx.TypeDNSKEY, dnsx.TypeRRSIG, 0, 65535,
	} {
		for _, data := range []string{
			"", "\x00", "\xc0\x00\x02\x01", "\x00\x0a\x01A\x00", "\x05hello\x02\"\\", "\x00\x05issue;\x00\xff",
			"\x01a\x00\x01B\x00\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03\x00\x00\x00\x04\x00\x00\x00\x05",
			"\x00\x01\x00\x02\x00\x03\x01a\x00", strings.Repeat("x", 300),
		} {
			f.Add(uint16(t), uint32(300), "acme.example", []byte(data))
		}
	}
	f.Fuzz(func(t *testing.T, typ uint16, ttl uint32, owner string, data []byte) {
		name, err := dnsx.ParseName(owner)
		if err != nil || len(data) > 65535 {
			return
		}
		in := dnsx.RR{Name: name, Type: dnsx.Type(typ), TTL: ttl, Data: data}
		line := in.String()
		if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("%+v: the line %q is not printable ASCII", in, line)
		}
		out, err := dnsx.ParseRR(line)
		if err != nil {
			t.Fatalf("%+v: the line %q cannot be read: %v", in, line, err)
		}
		want := in.Data
		if !strings.HasPrefix(in.DataText(), `\#`) {
			want = lowerNames(in)
		}
		if out.Name != in.Name || out.Type != in.Type || out.TTL != in.TTL || !bytes.Equal(out.Data, want) {
			t.Errorf("%+v: the line %q is read as %+v", in, line, out)
		}
	})
}

// lowerNames returns the data with its names in lower case.
func lowerNames(r dnsx.RR) []byte {
	at, names := 0, 0
	switch r.Type {
	case dnsx.TypeNS, dnsx.TypeCNAME, dnsx.TypePTR, dnsx.TypeDNAME:
		names = 1
	case dnsx.TypeMX:
		at, names = 2, 1
	case dnsx.TypeSRV:
		at, names = 6, 1
	case dnsx.TypeSOA:
		names = 2
	}
	data := bytes.Clone(r.Data)
	for range names {
		_, next, err := dnsx.UnpackName(data, at)
		if err != nil {
			panic(err)
		}
		copy(data[at:next], lower(data[at:next]))
		at = next
	}
	return data
}

// Whatever is read is written as a line that reads the same.
func FuzzParseRR(f *testing.F) {
	for _, line := range []string{
		`acme.example. 300 IN TXT "v=spf1 " "-all" ; comment`, `a TXT a\`, `a TXT "a`, `a TXT "a\`, `a \# 1 00`, `a A \#`, `a A \# 4 c0000201`,
		"a MX 10 b.", "a SOA a. b. 1 2 3 4 5", "a CAA 0 issue x", "a TLSA 3 1 1 00 ff", "a DNSKEY 257 3 13 AQ ID", `"a b" IN 5 AAAA ::1`,
		"a TYPE65535 \\# 2\t00\tff", "; comment", "a A;", "a 1 2 A 192.0.2.1",
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		r, err := dnsx.ParseRR(line)
		if err != nil {
			var e *dnsx.SyntaxError
			if !errors.As(err, &e) || e.Line != line || e.Offset < 0 || e.Offset > len(line) || !assert.ObjectsAreEqual(r, dnsx.RR{}) {
				t.Fatalf("%q: %+v, %#v", line, r, err)
			}
			return
		}
		text := r.String()
		again, err := dnsx.ParseRR(text)
		if err != nil {
			t.Fatalf("%q wrote %q, which cannot be read: %v", line, text, err)
		}
		if again.Name != r.Name || again.Type != r.Type || again.TTL != r.TTL || !bytes.Equal(again.Data, r.Data) {
			t.Errorf("%q: read %+v, wrote %q, read %+v", line, r, text, again)
		}
		if next := again.String(); next != text {
			t.Errorf("%q: wrote %q, then %q", line, text, next)
		}
		r.TXT()
		r.Text()
		r.MX()
		r.SOA()
		r.CAA()
		r.TLSA()
	})
}

func BenchmarkParseRR(b *testing.B) {
	line := dnsx.NewTXT("s1._domainkey.acme.example", 3600, "v=DKIM1; k=rsa; p="+hex.EncodeToString(make([]byte, 196))).String()
	b.ReportAllocs()
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		if _, err := dnsx.ParseRR(line); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRR_String(b *testing.B) {
	r := dnsx.NewTXT("s1._domainkey.acme.example", 3600, "v=DKIM1; k=rsa; p="+hex.EncodeToString(make([]byte, 196)))
	b.ReportAllocs()
	for b.Loop() {
		if r.String() == "" {
			b.Fatal("nothing")
		}
	}
}
