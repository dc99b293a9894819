package wire_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/wire"
)

const soa = "example. 300 IN SOA ns.example. host.example. 1 2 3 4 300"

// what strips an answer of what differs from run to run.
func what(a *dnsx.Answer) dnsx.Answer {
	plain := *a
	plain.Server, plain.Size, plain.At, plain.RTT = "", 0, time.Time{}, 0
	return plain
}

// Each line is what the server sends and, read with package dnsx, what is wanted.
func TestRecordsOfEveryType(t *testing.T) {
	tests := []struct{ name, line, want string }{
		{name: "A", line: `a.example. 60 IN A 192.0.2.1`},
		{name: "AAAA", line: `a.example. 60 IN AAAA 2001:db8::1`},
		{name: "NS", line: `a.example. 60 IN NS ns1.example.`},
		{name: "CNAME is not followed where it is asked for", line: `a.example. 60 IN CNAME b.example.`},
		{name: "SOA", line: `a.example. 60 IN SOA ns.a.example. host.a.example. 1 2 3 4 5`},
		{name: "PTR", line: `1.2.0.192.in-addr.arpa. 60 IN PTR a.example.`},
		{name: "MX", line: `a.example. 60 IN MX 10 mx.a.example.`},
		{name: "MX of the root", line: `a.example. 60 IN MX 0 .`},
		{name: "letters become lower case", line: `A.Example. 60 IN MX 10 MX.A.Example.`, want: `a.example. 60 IN MX 10 mx.a.example.`},
		{name: "a dot inside a label", line: `a.example. 60 IN NS host\.master.a.example.`},
		{name: "TXT", line: `a.example. 60 IN TXT "v=spf1 -all"`},
		{name: "TXT of no octets", line: `a.example. 60 IN TXT ""`},
		{name: "TXT of odd octets", line: `a.example. 60 IN TXT "\000\009\010\"\\\;\127\128\255"`},
		{
			name: "TXT keeps its strings apart, and every octet",
			line: `a.example. 60 IN TXT "` + strings.Repeat("x", 255) + `" "" "` + strings.Repeat(`\200`, 255) + `" "UPPER lower"`,
		},
		{name: "SPF", line: `a.example. 60 IN SPF "v=spf1 -all"`},
		{name: "SRV", line: `_imaps._tcp.a.example. 60 IN SRV 1 2 993 imap.a.example.`},
		{name: "DNAME", line: `a.example. 60 IN DNAME b.example.`},
		{name: "DS", line: `a.example. 60 IN DS 12345 13 2 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f`},
		{name: "DNSKEY", line: `a.example. 60 IN DNSKEY 257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=`},
		{name: "TLSA", line: `_25._tcp.mx.example. 60 IN TLSA 3 1 1 00ff`},
		{name: "CAA", line: `a.example. 60 IN CAA 0 issue "ca.example; account=1"`},
		{name: "CAA with odd octets", line: `a.example. 60 IN CAA 128 iodef "\"\000\255"`},
		{
			name: "NSEC keeps its case (RFC 6840, 5.1)",
			line: `a.example. 60 IN NSEC B.example. A RRSIG NSEC`,
			want: `a.example. 60 IN NSEC \# 19 0142076578616d706c6500 0006400000000003`,
		},
		{
			name: "NAPTR",
			line: `a.example. 60 IN NAPTR 1 2 "S" "SIP+D2U" "" B.example.`,
			want: `a.example. 60 IN NAPTR \# 26 0001 0002 0153 075349502b443255 00 0162076578616d706c6500`,
		},
		{name: "HTTPS", line: `a.example. 60 IN HTTPS 1 . alpn=h2`, want: `a.example. 60 IN HTTPS \# 10 0001 00 0001 0003 026832`},
		{name: "a type nobody knows", line: `a.example. 60 IN TYPE65280 \# 3 00ff41`},
		{name: "no data at all", line: `a.example. 60 IN TYPE65280 \# 0`},
		{name: "TTL over 31 bits is none (RFC 2181, 8)", line: `a.example. 2147483648 IN A 192.0.2.1`, want: `a.example. 0 IN A 192.0.2.1`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := tt.want
			if want == "" {
				want = tt.line
			}
			if typ := strings.Fields(want)[3]; typ == "NAPTR" {
				want = strings.Replace(want, typ, "TYPE35", 1)
			}
			record := rrs(want)[0]
			c := closing(t, &wire.Client{Servers: []wire.Server{serve(t, always(response{answer: []string{tt.line}}))}})
			q := dnsx.Q(record.Name, record.Type)
			a, err := c.Resolve(t.Context(), q)
			require.NoError(t, err)
			assert.Equal(t, dnsx.Answer{Question: q, Records: []dnsx.RR{record}, Proto: "udp"}, what(a))
		})
	}
}

// aliases makes a chain of n CNAME records: a0 → a1 → … → an.
func aliases(n int) []string {
	var lines []string
	for i := range n {
		lines = append(lines, fmt.Sprintf("a%d.example. 60 IN CNAME a%d.example.", i, i+1))
	}
	return lines
}

func TestAnswers(t *testing.T) {
	loop := []string{"a0.example. 60 IN CNAME a1.example.", "a1.example. 60 IN CNAME a0.example."}
	one := func(name string, r response) map[string]response { return map[string]response{name: r} }
	tests := []struct {
		name      string
		responses map[string]response
		ask       dnsx.Question // A a0.example where zero
		want      dnsx.Answer   // Question and Proto are filled in
		fail      *dnsx.Failure // Tries too: 1 where zero
	}{
		{
			name:      "NXDOMAIN with its SOA",
			responses: one("a0.example.", response{rcode: dns.RcodeNameError, authority: []string{soa}}),
			want:      dnsx.Answer{RCode: dnsx.NXDomain, Authority: rrs(soa)},
		},
		{
			name:      "NXDOMAIN without",
			responses: one("a0.example.", response{rcode: dns.RcodeNameError}),
			want:      dnsx.Answer{RCode: dnsx.NXDomain},
		},
		{
			name:      "NODATA with its SOA",
			responses: one("a0.example.", response{authority: []string{soa}}),
			want:      dnsx.Answer{Authority: rrs(soa)},
		},
		{
			name:      "NODATA with SOA and NS (RFC 2308, 2.2, type 1)",
			responses: one("a0.example.", response{authority: []string{"example. 60 IN NS ns.example.", soa}}),
			want:      dnsx.Answer{Authority: rrs(soa)},
		},
		{
			name:      "NODATA with neither (type 3)",
			responses: one("a0.example.", response{}),
			want:      dnsx.Answer{},
		},
		{
			name:      "the SOA of another zone proves nothing and goes",
			responses: one("a0.example.", response{rcode: dns.RcodeNameError, authority: []string{"b.example. 300 IN SOA . . 1 2 3 4 5"}}),
			want:      dnsx.Answer{RCode: dnsx.NXDomain},
		},
		{
			name:      "a referral is no answer",
			responses: one("a0.example.", response{authority: []string{"example. 60 IN NS ns.example."}}),
			fail: &dnsx.Failure{
				Kind: dnsx.KindMalformed, Tries: 2,
				Detail: "a referral and no answer: the server does not resolve for others",
			},
		},
		{
			name: "records of other owners, types and classes are passed over",
			responses: one("a0.example.", response{
				answer: []string{
					"b.example. 60 IN A 192.0.2.2", "a0.example. 60 IN TXT x", "a0.example. 60 CH A 192.0.2.3",
					"a0.example. 60 IN A 192.0.2.1", "b.example. 60 IN CNAME c.example.", "sub.a0.example. 60 IN A 192.0.2.4",
				},
				authority: []string{soa, "example. 60 IN NS ns.example."},
			}),
			want: dnsx.Answer{Records: rrs("a0.example. 60 IN A 192.0.2.1")},
		},
		{
			name: "records that stand apart from each other",
			responses: one("a0.example.", response{answer: []string{
				"a0.example. 60 IN A 192.0.2.1", "a0.example. 60 IN A 192.0.2.2", "b.example. 60 IN A 192.0.2.9", "a0.example. 60 IN A 192.0.2.3",
			}}),
			want: dnsx.Answer{Records: rrs("a0.example. 60 IN A 192.0.2.1", "a0.example. 60 IN A 192.0.2.2", "a0.example. 60 IN A 192.0.2.3")},
		},
		{
			name: "an alias beside records of the type is passed over",
			responses: one("a0.example.", response{answer: []string{
				"a0.example. 60 IN CNAME a1.example.", "a0.example. 60 IN A 192.0.2.1", "a1.example. 60 IN A 192.0.2.2",
			}}),
			want: dnsx.Answer{Records: rrs("a0.example. 60 IN A 192.0.2.1")},
		},
		{
			name:      "NXDOMAIN with records contradicts itself",
			responses: one("a0.example.", response{rcode: dns.RcodeNameError, answer: []string{"a0.example. 60 IN A 192.0.2.1"}}),
			fail:      &dnsx.Failure{Kind: dnsx.KindMalformed, Tries: 2, Detail: "NXDOMAIN and records of that name"},
		},
		{
			name:      "one alias",
			responses: one("a0.example.", response{answer: append(aliases(1), "a1.example. 60 IN A 192.0.2.1")}),
			want:      dnsx.Answer{Chain: rrs(aliases(1)...), Records: rrs("a1.example. 60 IN A 192.0.2.1")},
		},
		{
			name: "the order of the records does not matter, upper case neither",
			responses: one("a0.example.", response{answer: []string{
				"a2.example. 60 IN A 192.0.2.1", "A1.example. 60 IN CNAME A2.Example.", "a0.example. 60 IN CNAME a1.EXAMPLE.",
			}}),
			want: dnsx.Answer{Chain: rrs(aliases(2)...), Records: rrs("a2.example. 60 IN A 192.0.2.1")},
		},
		{
			name: "an alias made by a DNAME record",
			ask:  dnsx.Q("x.old.example", dnsx.TypeA),
			responses: one("x.old.example.", response{answer: []string{
				"old.example. 60 IN DNAME new.example.", "x.old.example. 0 IN CNAME x.new.example.", "x.new.example. 60 IN A 192.0.2.1",
			}}),
			want: dnsx.Answer{Chain: rrs("x.old.example. 0 IN CNAME x.new.example."), Records: rrs("x.new.example. 60 IN A 192.0.2.1")},
		},
		{
			name:      "twelve aliases",
			responses: one("a0.example.", response{answer: append(aliases(12), "a12.example. 60 IN A 192.0.2.1")}),
			want:      dnsx.Answer{Chain: rrs(aliases(12)...), Records: rrs("a12.example. 60 IN A 192.0.2.1")},
		},
		{
			name:      "thirteen are too many",
			responses: one("a0.example.", response{answer: append(aliases(13), "a13.example. 60 IN A 192.0.2.1")}),
			fail:      &dnsx.Failure{Kind: dnsx.KindChain, Chain: rrs(aliases(12)...)},
		},
		{
			name:      "a loop",
			responses: one("a0.example.", response{answer: loop}),
			fail:      &dnsx.Failure{Kind: dnsx.KindChain, Chain: rrs(loop...)},
		},
		{
			name:      "a loop, though the server calls it SERVFAIL",
			responses: one("a0.example.", response{rcode: dns.RcodeServerFailure, answer: loop}),
			fail:      &dnsx.Failure{Kind: dnsx.KindChain, Chain: rrs(loop...)},
		},
		{
			name:      "an alias of itself",
			responses: one("a0.example.", response{answer: []string{"a0.example. 60 IN CNAME a0.example."}}),
			fail:      &dnsx.Failure{Kind: dnsx.KindChain, Chain: rrs("a0.example. 60 IN CNAME a0.example.")},
		},
		{
			name:      "the chain's end does not exist",
			responses: one("a0.example.", response{rcode: dns.RcodeNameError, answer: aliases(2), authority: []string{soa}}),
			want:      dnsx.Answer{RCode: dnsx.NXDomain, Chain: rrs(aliases(2)...), Authority: rrs(soa)},
		},
		{
			name:      "the chain's end has other records",
			responses: one("a0.example.", response{answer: aliases(2), authority: []string{soa}}),
			want:      dnsx.Answer{Chain: rrs(aliases(2)...), Authority: rrs(soa)},
		},
		{
			name: "a chain that the server leaves open is asked to its end",
			responses: map[string]response{
				"a0.example.": {answer: aliases(2)},
				"a2.example.": {answer: []string{"a2.example. 60 IN CNAME a3.example."}},
				"a3.example.": {answer: []string{"a3.example. 60 IN A 192.0.2.1"}},
			},
			want: dnsx.Answer{Chain: rrs(aliases(3)...), Records: rrs("a3.example. 60 IN A 192.0.2.1")},
		},
		{
			name:      "an open chain whose end has nothing",
			responses: map[string]response{"a0.example.": {answer: aliases(1)}, "a1.example.": {}},
			want:      dnsx.Answer{Chain: rrs(aliases(1)...)},
		},
		{
			name: "an open chain whose end does not exist",
			responses: map[string]response{
				"a0.example.": {answer: aliases(1), authority: []string{"example. 60 IN NS ns.example."}},
				"a1.example.": {rcode: dns.RcodeNameError, authority: []string{soa}},
			},
			want: dnsx.Answer{RCode: dnsx.NXDomain, Chain: rrs(aliases(1)...), Authority: rrs(soa)},
		},
		{
			name:      "an open chain whose end the server refuses",
			responses: one("a0.example.", response{answer: aliases(1)}),
			fail:      &dnsx.Failure{Kind: dnsx.KindRCode, Chain: rrs(aliases(1)...), RCode: dnsx.Refused, Tries: 3},
		},
		{
			name:      "SERVFAIL speaks of the chain's end, the aliases are answered",
			responses: one("a0.example.", response{rcode: dns.RcodeServerFailure, answer: aliases(2)}),
			fail:      &dnsx.Failure{Kind: dnsx.KindRCode, Chain: rrs(aliases(2)...), RCode: dnsx.ServFail, Tries: 2},
		},
		{
			name: "an open chain whose end gets a referral",
			responses: map[string]response{
				"a0.example.": {answer: aliases(1)},
				"a1.example.": {authority: []string{"example. 60 IN NS ns.example."}},
			},
			fail: &dnsx.Failure{
				Kind: dnsx.KindMalformed, Chain: rrs(aliases(1)...), Tries: 3,
				Detail: "a referral and no answer: the server does not resolve for others",
			},
		},
		{
			name: "a loop over several messages",
			responses: map[string]response{
				"a0.example.": {answer: loop[:1]},
				"a1.example.": {answer: loop[1:]},
			},
			fail: &dnsx.Failure{Kind: dnsx.KindChain, Chain: rrs(loop...), Tries: 2},
		},
		{
			name: "thirteen aliases over two messages",
			responses: map[string]response{
				"a0.example.": {answer: aliases(13)[:7]},
				"a7.example.": {answer: append(aliases(13)[7:], "a13.example. 60 IN A 192.0.2.1")},
			},
			fail: &dnsx.Failure{Kind: dnsx.KindChain, Chain: rrs(aliases(12)...), Tries: 2},
		},
		{
			name:      "an Extended DNS Error beside an answer",
			responses: one("a0.example.", response{rcode: dns.RcodeNameError, ede: []dns.EDNS0_EDE{{InfoCode: 19, ExtraText: "stale\x00"}, {InfoCode: 3}}}),
			want:      dnsx.Answer{RCode: dnsx.NXDomain, EDE: []dnsx.EDE{{Code: 19, Text: "stale"}, {Code: 3}}},
		},
		{
			name: "the text of an Extended DNS Error is bounded and made UTF-8",
			responses: one("a0.example.", response{
				ede: []dns.EDNS0_EDE{{InfoCode: 1, ExtraText: "\xff" + strings.Repeat("ü", 300)}},
			}),
			want: dnsx.Answer{EDE: []dnsx.EDE{{Code: 1, Text: strings.Repeat("ü", 127)}}},
		},
		{
			name:      "so is their number",
			responses: one("a0.example.", response{ede: make([]dns.EDNS0_EDE, 20)}),
			want:      dnsx.Answer{EDE: make([]dnsx.EDE, 8)},
		},
		{
			name:      "SERVFAIL with its reason",
			responses: one("a0.example.", response{rcode: dns.RcodeServerFailure, ede: []dns.EDNS0_EDE{{InfoCode: 6, ExtraText: "bogus"}}}),
			fail:      &dnsx.Failure{Kind: dnsx.KindRCode, RCode: dnsx.ServFail, EDE: []dnsx.EDE{{Code: 6, Text: "bogus"}}, Tries: 2},
		},
		{
			name:      "YXDOMAIN: a DNAME led to a name that is too long (RFC 6672, 2.2)",
			responses: one("a0.example.", response{rcode: dns.RcodeYXDomain}),
			fail:      &dnsx.Failure{Kind: dnsx.KindRCode, RCode: 6, Tries: 2},
		},
		{
			name:      "an extended response code",
			responses: one("a0.example.", response{rcode: dns.RcodeBadCookie}),
			fail:      &dnsx.Failure{Kind: dnsx.KindRCode, RCode: 23, Tries: 2},
		},
		{
			name: "a name is asked in lower case and without its dot",
			ask:  dnsx.Q("A0.Example.", dnsx.TypeA), responses: one("a0.example.", response{answer: []string{"a0.example. 60 IN A 192.0.2.1"}}),
			want: dnsx.Answer{Records: rrs("a0.example. 60 IN A 192.0.2.1")},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := serve(t, byName(tt.responses))
			c := closing(t, &wire.Client{Servers: []wire.Server{server}})
			q := tt.ask
			if q.Name == "" {
				q = dnsx.Q("a0.example", dnsx.TypeA)
			}
			a, err := c.Resolve(t.Context(), q)
			if tt.fail != nil {
				want := *tt.fail
				want.Question, want.Server, want.Tries = q, server.String(), max(1, want.Tries)
				assert.Equal(t, want, outcome(a, err))
				return
			}
			require.NoError(t, err)
			tt.want.Question, tt.want.Proto = q, "udp"
			assert.Equal(t, tt.want, what(a))
		})
	}
}

func TestProofsComeOnlyWhereDNSSECIsAsked(t *testing.T) {
	const (
		dname   = "old.example. 60 IN DNAME new.example."
		alias   = "x.old.example. 0 IN CNAME x.new.example."
		address = "x.new.example. 60 IN A 192.0.2.1"
		sig     = " 60 IN RRSIG %s 15 3 60 20300101000000 20200101000000 1 example. AAAA"
		denial  = "w.new.example. 60 IN NSEC y.new.example. A"
	)
	sign := func(owner, typ string) string { return owner + fmt.Sprintf(sig, typ) }
	server := serve(t, always(response{
		answer: []string{
			dname, sign("old.example.", "DNAME"), alias, address, sign("x.new.example.", "A"), sign("z.new.example.", "A"),
		},
		authority: []string{soa, denial, sign("w.new.example.", "NSEC"), "new.example. 60 IN NS ns.example."},
	}))
	c := closing(t, &wire.Client{Servers: []wire.Server{server}})
	authority := func(q dnsx.Question) []string {
		a, err := c.Resolve(t.Context(), q)
		require.NoError(t, err)
		assert.Equal(t, rrs(address), a.Records)
		var owners []string
		for _, rr := range a.Authority {
			owners = append(owners, rr.Type.String()+" "+rr.Name)
		}
		return owners
	}
	q := dnsx.Q("x.old.example", dnsx.TypeA)
	assert.Empty(t, authority(q))
	q.DNSSEC = true
	assert.Equal(t, []string{
		"DNAME old.example", "RRSIG old.example", "RRSIG x.new.example", "NSEC w.new.example", "RRSIG w.new.example",
	}, authority(q))
}

func TestAnswerSaysWhereItCameFrom(t *testing.T) {
	before := time.Now().Add(-time.Second)
	server := serve(t, always(response{answer: []string{"a.example. 60 IN A 192.0.2.1"}}))
	c := closing(t, &wire.Client{Servers: []wire.Server{server}})
	a, err := c.Resolve(t.Context(), dnsx.Q("a.example", dnsx.TypeA))
	require.NoError(t, err)
	assert.Equal(t, server.String(), a.Server)
	assert.Equal(t, 12+15+16+11, a.Size)
	assert.Positive(t, a.RTT)
	assert.WithinRange(t, a.At, before, time.Now().Add(time.Second))
	assert.Equal(t, a.At, a.At.Round(0).UTC(), "what JSON can hold")
}
