package dnsx_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/dnsx"
)

func TestParseRR(t *testing.T) {
	const acme = "\x04acme\x07example\x00"
	tests := []struct {
		name string
		line string
		want dnsx.RR
		text string // what String writes; "" where it is line
	}{
		{
			name: "A", line: "acme.example. 300 IN A 192.0.2.1",
			want: dnsx.RR{Name: "acme.example", Type: dnsx.TypeA, TTL: 300, Data: []byte{192, 0, 2, 1}},
		},
		{
			name: "AAAA", line: "acme.example. 0 IN AAAA 2001:db8::1",
			want: dnsx.RR{Name: "acme.example", Type: dnsx.TypeAAAA, Data: []byte("\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01")},
		},
		{
			name: "AAAA that maps an IPv4 address", line: "acme.example. 0 IN AAAA ::ffff:192.0.2.1",
			want: dnsx.RR{Name: "acme.example", Type: dnsx.TypeAAAA, Data: []byte("\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xc0\x00\x02\x01")},
		},
		{
			name: "NS at the root", line: ". 0 IN NS acme.example.",
			want: dnsx.RR{Name: ".", Type: dnsx.TypeNS, Data: []byte(acme)},
		},
		{
			name: "CNAME, in upper case", line: "www.ACME.example. 0 IN CNAME Acme.Example.",
			want: dnsx.RR{Name: "www.acme.example", Type: dnsx.TypeCNAME, Data: []byte(acme)},
			text: "www.acme.example. 0 IN CNAME acme.example.",
		},
		{
			name: "PTR to the root", line: "1.2.0.192.in-addr.arpa. 0 IN PTR .",
			want: dnsx.RR{Name: "1.2.0.192.in-addr.arpa", Type: dnsx.TypePTR, Data: []byte{0}},
		},
		{
			name: "DNAME", line: "acme.example. 0 IN DNAME acme.example.",
			want: dnsx.RR{Name: "acme.example", Type: dnsx.TypeDNAME, Data: []byte(acme)},
		},
		{
			name: "MX", line: "acme.example. 0 IN MX 65535 acme.example.",
			want: dnsx.RR{Name: "acme.example", Type: dnsx.TypeMX, Data: []byte("\xff\xff" + acme)},
		},
		{
			name: "MX that says no mail (RFC 7505)", line: "acme.example. 0 IN MX 0 .",
			want: dnsx.RR{Name: "acme.example", Type: dnsx.TypeMX, Data: []byte{0, 0, 0}},
		},
		{
			name: "SRV", line: "_imaps._tcp.acme.example. 0 IN SRV 1 2 993 acme.example.",
			want: dnsx.RR{Name: "_imaps._tcp.acme.example", Type: dnsx.TypeSRV, Data: []byte("\x00\x01\x00\x02\x03\xe1" + acme)},
		},
		{
			name: "SOA", line: "acme.example. 0 IN SOA acme.example. x.acme.example. 4294967295 2 3 4 5",
			want: dnsx.RR{Name: "acme.example", Type: dnsx.TypeSOA, Data: []byte(acme + "\x01x" + acme + "\xff\xff\xff\xff\x00\x00\x00\x02\x00\x00\x00\x03\x00\x00\x00\x04\x00\x00\x00\x05")},
		},
		{
			name: "SOA whose mailbox has a dot", line: `acme.example. 0 IN SOA . a\.b.acme.example. 1 2 3 4 5`,
			want: dnsx.RR{Name: "acme.example", Type: dnsx.TypeSOA, Data: []byte("\x00\x03a.b" + acme + "\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03\x00\x00\x00\x04\x00\x00\x00\x05")},
		},
		{
			name: "TXT of several strings, one empty", line: `acme.example. 0 IN TXT "v=spf1 " "" "-all"`,
			want: dnsx.RR{Name: "acme.example", Type: dnsx.TypeTXT, Data: []byte("\x07v=spf1 \x00\x04-all")},
		},
		{
			name: "TXT of any octets", line: `acme.example. 0 IN TXT "\"\\;\000\009\127\255"`,
			want: dnsx.RR{Name: "acme.example", Type: dnsx.TypeTXT, Data: []byte("\x07\"\\;\x00\t\x7f\xff")},
		},
		{
			name: "TXT without quotes", line: `acme.example. 0 IN TXT v=DKIM1\; p=\032x\"`,
			want: dnsx.RR{Name: "acme.example", Type: dnsx.TypeTXT, Data: []byte("\x08v=DKIM1;\x05p= x\"")},
			text: `acme.example. 0 IN TXT "v=DKIM1;" "p= x\""`,
		},
		{
			name: "TXT with octets that need no escape", line: "acme.example. 0 IN TXT \"b\xc3\xbccher\"",
			want: dnsx.RR{Name: "acme.example", Type: dnsx.TypeTXT, Data: []byte("\x07b\xc3\xbccher")},
			text: `acme.example. 0 IN TXT "b\195\188cher"`,
		},
		{
			name: "SPF, the type that RFC 7208 took back", line: `acme.example. 0 IN SPF "v=spf1 -all"`,
			want: dnsx.RR{Name: "acme.example", Type: dnsx.TypeSPF, Data: []byte("\x0bv=spf1 -all")},
		},
		{
			name: "CAA", line: `acme.example. 0 IN CAA 128 issue "letsencrypt.org; validationmethods=dns-01"`,
			want: dnsx.RR{Name: "acme.example", Type: dnsx.TypeCAA, Data: []byte("\x80\x05issueletsencrypt.org; validationmethods=dns-01")},
		},
		{
			name: "CAA with an empty value", line: `acme.example. 0 IN CAA 0 issue ""`,
			want: dnsx.RR{Name: "acme.example", Type: dnsx.TypeCAA, Data: []byte("\x00\x05issue")},
		},
		{
			name: "CAA whose tag must be quoted", line: `acme.example. 0 IN CAA 0 "a b" "x"`,
			want: dnsx.RR{Name: "acme.example", Type: dnsx.TypeCAA, Data: []byte("\x00\x03a bx")},
			text: `acme.example. 0 IN CAA \# 6 0003612062` + "78",
		},
		{
			name: "TLSA", line: "_25._tcp.mx.acme.example. 0 IN TLSA 3 1 1 0a0b",
			want: dnsx.RR{Name: "_25._tcp.mx.acme.example", Type: dnsx.TypeTLSA, Data: []byte{3, 1, 1, 10, 11}},
		},
		{
			name: "TLSA, its data in pieces", line: "acme.example. 0 IN TLSA 3 1 1 0A 0b0 c",
			want: dnsx.RR{Name: "acme.example", Type: dnsx.TypeTLSA, Data: []byte{3, 1, 1, 10, 11, 12}},
			text: "acme.example. 0 IN TLSA 3 1 1 0a0b0c",
		},
		{
			name: "TLSA without data", line: "acme.example. 0 IN TLSA 3 1 1",
			want: dnsx.RR{Name: "acme.example", Type: dnsx.TypeTLSA, Data: []byte{3, 1, 1}},
			text: `acme.example. 0 IN TLSA \# 3 030101`,
		},
		{
			name: "DS", line: "acme.example. 0 IN DS 257 13 2 00ff",
			want: dnsx.RR{Name: "acme.example", Type: dnsx.TypeDS, Data: []byte{1, 1, 13, 2, 0, 255}},
		},
		{
			name: "DNSKEY", line: "acme.example. 0 IN DNSKEY 257 3 13 AQID",
			want: dnsx.RR{Name: "acme.example", Type: dnsx.TypeDNSKEY, Data: []byte{1, 1, 3, 13, 1, 2, 3}},
		},
		{
			name: "a type without a form of its own", line: `acme.example. 0 IN RRSIG \# 2 0102`,
			want: dnsx.RR{Name: "acme.example", Type: dnsx.TypeRRSIG, Data: []byte{1, 2}},
		},
		{
			name: "an unknown type (RFC 3597)", line: `acme.example. 0 IN TYPE65280 \# 0`,
			want: dnsx.RR{Name: "acme.example", Type: 65280, Data: []byte{}},
		},
		{
			name: "a known type in the form of an unknown", line: `acme.example. 0 IN TYPE1 \# 4 C0 00 02 01`,
			want: dnsx.RR{Name: "acme.example", Type: dnsx.TypeA, Data: []byte{192, 0, 2, 1}},
			text: "acme.example. 0 IN A 192.0.2.1",
		},
		{
			name: "data that does not fit its type", line: `acme.example. 0 IN A \# 3 c00002`,
			want: dnsx.RR{Name: "acme.example", Type: dnsx.TypeA, Data: []byte{192, 0, 2}},
		},
		{
			name: "MX with more than its fields", line: `acme.example. 0 IN MX \# 4 000a0000`,
			want: dnsx.RR{Name: "acme.example", Type: dnsx.TypeMX, Data: []byte{0, 10, 0, 0}},
		},
		{
			name: "TXT whose last string is cut off", line: `acme.example. 0 IN TXT \# 2 0561`,
			want: dnsx.RR{Name: "acme.example", Type: dnsx.TypeTXT, Data: []byte{5, 'a'}},
		},
		{
			name: "TTL and class left out, no dot, lower case, a comment", line: "  acme.example\ta 192.0.2.1 ; the web server",
			want: dnsx.RR{Name: "acme.example", Type: dnsx.TypeA, Data: []byte{192, 0, 2, 1}},
			text: "acme.example. 0 IN A 192.0.2.1",
		},
		{
			name: "class before TTL", line: "acme.example. in 4294967295 A 192.0.2.1;",
			want: dnsx.RR{Name: "acme.example", Type: dnsx.TypeA, TTL: 4294967295, Data: []byte{192, 0, 2, 1}},
			text: "acme.example. 4294967295 IN A 192.0.2.1",
		},
		{
			name: "an owner with escapes", line: `a\.b\032\"\;.example. 0 IN A 192.0.2.1`,
			want: dnsx.RR{Name: `a\.b\032\"\;.example`, Type: dnsx.TypeA, Data: []byte{192, 0, 2, 1}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := dnsx.ParseRR(tt.line)
			require.NoError(t, err)
			assert.Equal(t, tt.want, got)
			text := tt.text
			if text == "" {
				text = tt.line
			}
			assert.Equal(t, text, got.String())
			again, err := dnsx.ParseRR(text)
			require.NoError(t, err)
			assert.Equal(t, tt.want, again)
		})
	}
}

func TestParseRR_faults(t *testing.T) {
	tests := []struct {
		line string
		at   int
		why  string
	}{
		{"", 0, "want an owner name"},
		{" ; a comment", 1, "want an owner name"},
		{"acme.example.", 13, "want a type"},
		{"acme.example. 300 IN", 20, "want a type"},
		{"acme..example. A 192.0.2.1", 0, `"acme..example." is no domain name: an empty label at octet 5`},
		{"acme.example. CH A 192.0.2.1", 14, `"CH" is no type`},
		{"acme.example. 4294967296 A 192.0.2.1", 14, `"4294967296" is no type`},
		{"acme.example. -1 A 192.0.2.1", 14, `"-1" is no type`},
		{"acme.example. A", 15, "want data"},
		{"acme.example. A ; 192.0.2.1", 16, "want data"},
		{"acme.example. A 192.0.2.256", 16, `"192.0.2.256" is no such address`},
		{"acme.example. A 2001:db8::1", 16, `"2001:db8::1" is no such address`},
		{"acme.example. AAAA 192.0.2.1", 19, `"192.0.2.1" is no such address`},
		{"acme.example. AAAA fe80::1%eth0", 19, `"fe80::1%eth0" is no such address`},
		{"acme.example. A 192.0.2.1 192.0.2.2", 26, "more than the type holds"},
		{"acme.example. MX 65536 mx.acme.example.", 17, `want a number of 16 bits, have "65536"`},
		{"acme.example. MX 10", 19, "want a field"},
		{"acme.example. MX 10 mx..example", 20, `"mx..example" is no domain name: an empty label at octet 3`},
		{"acme.example. CAA 256 issue x", 18, `want a number of 8 bits, have "256"`},
		{`acme.example. TXT "v=spf1`, 18, "a quote that does not end"},
		{`acme.example. TXT "v=spf1\`, 18, "a quote that does not end"},
		{`acme.example. TXT "a\25"`, 20, "a broken escape"},
		{`acme.example. TXT a\256`, 19, "a broken escape"},
		{`acme.example. TXT a\`, 19, "a broken escape"},
		{"acme.example. TXT " + strings.Repeat("x", 256), 18, "a string of over 255 octets"},
		{"acme.example. TLSA 3 1 1 0g", 24, "encoding/hex: invalid byte: U+0067 'g'"},
		{"acme.example. TLSA 3 1 1 0", 24, "encoding/hex: odd length hex string"},
		{"acme.example. DNSKEY 257 3 13 AQI", 29, "illegal base64 data at input byte 0"},
		{"acme.example. RRSIG A 13", 20, `data of type RRSIG must have the form \# LENGTH HEX`},
		{`acme.example. A \#`, 18, "want a length"},
		{`acme.example. A \# x`, 19, "want a length from 0 to 65535"},
		{`acme.example. A \# 65536 00`, 19, "want a length from 0 to 65535"},
		{`acme.example. A \# 4 c00002`, 19, "the length is 4 and the data has 3 octets"},
		{"acme.example. TXT" + strings.Repeat(" "+strings.Repeat("x", 255), 256) + " x", 65555, "over 65535 octets of data"},
	}
	for _, tt := range tests {
		_, err := dnsx.ParseRR(tt.line)
		assert.Equal(t, &dnsx.SyntaxError{Line: tt.line, Offset: tt.at, Reason: tt.why}, err)
	}
	_, err := dnsx.ParseRR("acme.example. A 192.0.2.256")
	assert.EqualError(t, err, `"192.0.2.256" is no such address at octet 16 of "acme.example. A 192.0.2.256"`)
}

func TestRR_JSON(t *testing.T) {
	in := rrs(`acme.example. 60 TXT "\000\"<&>\255" "b"`, "a\\.b.example. MX 10 mx.acme.example.", `x. TYPE999 \# 1 ff`)
	text, err := json.Marshal(in)
	require.NoError(t, err)
	var out []dnsx.RR
	require.NoError(t, json.Unmarshal(text, &out))
	assert.Equal(t, in, out)

	var syntax *dnsx.SyntaxError
	assert.ErrorAs(t, json.Unmarshal([]byte(`["acme.example. A"]`), &out), &syntax)
}

func ExampleParseRR() {
	rr, err := dnsx.ParseRR(`_dmarc.acme.example. 3600 IN TXT "v=DMARC1; " "p=reject"`)
	fmt.Println(rr.Name, rr.TTL, rr.Text(), err)

	_, err = dnsx.ParseRR("acme.example. MX mx.acme.example.")
	fmt.Println(err)
	// Output:
	// _dmarc.acme.example 3600 v=DMARC1; p=reject <nil>
	// want a number of 16 bits, have "mx.acme.example." at octet 17 of "acme.example. MX mx.acme.example."
}
