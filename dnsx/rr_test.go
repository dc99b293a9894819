package dnsx_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/mailcheck-go/mailcheck/dnsx"
)

func TestRR_accessors(t *testing.T) {
	type all struct {
		TXT      [][]byte
		Text     string
		MX       string
		Addr     netip.Addr
		Target   string
		SOA      dnsx.SOA
		CAA      dnsx.CAA
		TLSA     dnsx.TLSA
		Readable bool // by one of those that can tell
	}
	read := func(r dnsx.RR) all {
		a := all{TXT: r.TXT(), Text: r.Text()}
		pref, host, mx := r.MX()
		if mx {
			a.MX = fmt.Sprint(pref, " ", host)
		}
		var addr, target, soa, caa, tlsa bool
		a.Addr, addr = r.Addr()
		a.Target, target = r.Target()
		a.SOA, soa = r.SOA()
		a.CAA, caa = r.CAA()
		a.TLSA, tlsa = r.TLSA()
		a.Readable = mx || addr || target || soa || caa || tlsa
		if !soa {
			a.SOA = dnsx.SOA{}
		}
		if !target {
			a.Target = ""
		}
		return a
	}
	bytesOf := func(s ...string) (b [][]byte) {
		for _, s := range s {
			b = append(b, []byte(s))
		}
		return b
	}
	tests := []struct {
		line string
		want all
	}{
		{`a. TXT "v=spf1 " "" "-all"`, all{TXT: bytesOf("v=spf1 ", "", "-all"), Text: "v=spf1 -all"}},
		{`a. TXT "one"`, all{TXT: bytesOf("one"), Text: "one"}},
		{`a. SPF "one"`, all{TXT: bytesOf("one"), Text: "one"}},
		{`a. TXT \# 0`, all{}},
		{`a. TXT \# 4 01610561`, all{}}, // the second string is cut off: none is believed
		{`a. MX 10 mx.acme.example.`, all{MX: "10 mx.acme.example", Readable: true}},
		{`a. MX 0 .`, all{MX: "0 .", Readable: true}},
		{`a. MX \# 2 000a`, all{}},
		{`a. MX \# 4 000a0000`, all{}},
		{`a. A 192.0.2.1`, all{Addr: netip.MustParseAddr("192.0.2.1"), Readable: true}},
		{`a. AAAA ::ffff:192.0.2.1`, all{Addr: netip.MustParseAddr("::ffff:192.0.2.1"), Readable: true}},
		{`a. A \# 16 20010db8000000000000000000000001`, all{}},
		{`a. AAAA \# 4 c0000201`, all{}},
		{`a. CNAME b.example.`, all{Target: "b.example", Readable: true}},
		{`a. NS b.example.`, all{Target: "b.example", Readable: true}},
		{`a. PTR b.example.`, all{Target: "b.example", Readable: true}},
		{`a. DNAME b.example.`, all{Target: "b.example", Readable: true}},
		{`a. CNAME \# 2 c000`, all{}},
		{`a. CNAME \# 2 0000`, all{}},
		{`a. SOA ns. x\.y.z. 1 2 3 4 5`, all{SOA: dnsx.SOA{
			MName: "ns", RName: `x\.y.z`, Serial: 1, Refresh: 2, Retry: 3, Expire: 4, Minimum: 5,
		}, Readable: true}},
		{`a. SOA \# 3 000000`, all{}},
		{`a. SOA \# 1 00`, all{}},
		{`a. SOA \# 1 c0`, all{}},
		{`a. CAA 128 issue "ca.example; x=y"`, all{CAA: dnsx.CAA{Flags: 128, Tag: "issue", Value: "ca.example; x=y"}, Readable: true}},
		{`a. CAA 0 issue ""`, all{CAA: dnsx.CAA{Tag: "issue"}, Readable: true}},
		{`a. CAA \# 2 0000`, all{}}, // RFC 8659, 4.1: a tag has one octet at least
		{`a. CAA \# 3 000261`, all{}},
		{`a. CAA \# 1 00`, all{}},
		{`a. TLSA 3 1 1 00ff`, all{TLSA: dnsx.TLSA{Usage: 3, Selector: 1, MatchingType: 1, Data: []byte{0, 255}}, Readable: true}},
		{`a. TLSA \# 3 030101`, all{TLSA: dnsx.TLSA{Usage: 3, Selector: 1, MatchingType: 1, Data: []byte{}}, Readable: true}},
		{`a. TLSA \# 2 0301`, all{}},
		{`a. HTTPS \# 3 000100`, all{}},
	}
	for _, tt := range tests {
		assert.Equal(t, tt.want, read(rr(tt.line)), tt.line)
	}
}

func TestNewTXT(t *testing.T) {
	for _, size := range []int{0, 1, 255, 256, 510, 511, 65000} {
		text := strings.Repeat("x", size)
		r := dnsx.NewTXT("acme.example", 60, text)
		assert.Equal(t, text, r.Text())
		assert.Len(t, r.TXT(), max(1, (size+254)/255))
		again, err := dnsx.ParseRR(r.String())
		assert.NoError(t, err)
		assert.Equal(t, r, again)
	}
}
