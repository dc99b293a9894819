package wire

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/dnsx"
)

// The query that the raw replies of these tests answer: its name is at octet 12,
// records begin at octet 27.
var asked = query{id: 0x0102, name: "a.example", typ: dnsx.TypeA}

// raw makes a reply of records in wire form, all in one section: answer (0),
// authority (1) or additional (2).
func raw(section int, records ...string) []byte {
	b := []byte("\x01\x02\x81\x80\x00\x01\x00\x00\x00\x00\x00\x00\x01a\x07example\x00\x00\x01\x00\x01")
	binary.BigEndian.PutUint16(b[6+2*section:], uint16(len(records)))
	return append(b, strings.Join(records, "")...)
}

// rec makes a record of class IN and TTL 60 whose owner is the question's name.
func rec(t dnsx.Type, data string) string { return "\xc0\x0c" + tail(t, data) }

func tail(t dnsx.Type, data string) string {
	b := binary.BigEndian.AppendUint16(nil, uint16(t))
	b = append(b, "\x00\x01\x00\x00\x00\x3c"...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(data)))
	return string(b) + data
}

func readMessage(b []byte, q *query) (*message, error) {
	m := new(message)
	if err := m.read(b, q); err != nil {
		return nil, err
	}
	return m, nil
}

func TestReadMessageRefuses(t *testing.T) {
	const opt = 41
	long := strings.Repeat("\x3f"+strings.Repeat("x", 63), 4) + "\x00"
	pointers := "" // each leads to the one before
	for i := range 200 {
		to := 39 + 2*i
		pointers += string([]byte{0xc0 | byte(to>>8), byte(to)})
	}
	tests := []struct {
		name  string
		reply []byte
		want  string
	}{
		{name: "a count without records", reply: raw(0, ""), want: "a name that is cut off at octet 27"},
		{name: "a record without its data", reply: raw(0, rec(dnsx.TypeA, "\x01\x02\x03\x04")[:14]), want: "RDATA that is cut off at octet 39"},
		{name: "a record without its head", reply: raw(0, "\xc0\x0c\x00\x01"), want: "a record that is cut off at octet 29"},
		{name: "half a pointer", reply: raw(0, "\xc0"), want: "a name that is cut off at octet 27"},
		{name: "a pointer to itself", reply: raw(0, "\xc0\x1b"+tail(dnsx.TypeA, "1234")), want: "a compression pointer that leads astray at octet 27"},
		{name: "a pointer forward", reply: raw(0, "\xc0\x30"+tail(dnsx.TypeA, "1234")), want: "a compression pointer that leads astray at octet 27"},
		{name: "a pointer to the name that it ends", reply: raw(0, "\x01b\xc0\x1b"+tail(dnsx.TypeA, "1234")), want: "a compression pointer that leads astray at octet 29"},
		{
			name:  "pointers to pointers without end",
			reply: raw(0, rec(65280, "\x00\x00"+pointers), "\xc1\x55"+tail(dnsx.TypeA, "1234")),
			want:  "a compression pointer that leads astray at octet 89", // the 128th
		},
		{name: "half a label", reply: raw(0, "\x05abc"), want: "a name that is cut off at octet 27"},
		{name: "a label of kind 01", reply: raw(0, "\x41a\x00"+tail(dnsx.TypeA, "1234")), want: "a label of unknown kind at octet 27"},
		{name: "a name of 257 octets", reply: raw(0, long+tail(dnsx.TypeA, "1234")), want: "a name of over 255 octets at octet 219"},
		{name: "an address of 3 octets", reply: raw(0, rec(dnsx.TypeA, "123")), want: "A data that is cut off at octet 39"},
		{name: "an address of 5 octets", reply: raw(0, rec(dnsx.TypeA, "12345")), want: "A data with octets left over at octet 43"},
		{name: "no address", reply: raw(0, rec(dnsx.TypeAAAA, "")), want: "AAAA data that is cut off at octet 39"},
		{name: "a TXT record without a string", reply: raw(0, rec(dnsx.TypeTXT, "")), want: "TXT data that is cut off at octet 39"},
		{name: "a string longer than its record", reply: raw(0, rec(dnsx.TypeTXT, "\x01x\x05abc")), want: "TXT data that is cut off at octet 39"},
		{name: "a preference without an exchange", reply: raw(0, rec(dnsx.TypeMX, "\x00\x0a")), want: "a name that is cut off at octet 41"},
		{
			name:  "a name that ends in the next record",
			reply: raw(0, rec(dnsx.TypeNS, "\x01"), "a\x00"+tail(dnsx.TypeA, "1234")),
			want:  "NS data that is cut off at octet 39",
		},
		{name: "octets behind a name", reply: raw(0, rec(dnsx.TypeCNAME, "\xc0\x0c\x00")), want: "CNAME data with octets left over at octet 41"},
		{name: "an SOA record without its numbers", reply: raw(1, rec(dnsx.TypeSOA, "\xc0\x0c\xc0\x0c1234")), want: "SOA data that is cut off at octet 39"},
		{name: "a CAA tag longer than its record", reply: raw(0, rec(dnsx.TypeCAA, "\x00\x05iss")), want: "CAA data that is cut off at octet 39"},
		{name: "a CAA record of one octet", reply: raw(0, rec(dnsx.TypeCAA, "\x00")), want: "CAA data that is cut off at octet 39"},
		{name: "a key of no octets", reply: raw(0, rec(dnsx.TypeDNSKEY, "\x01\x00\x03\x0d")), want: "DNSKEY data that is cut off at octet 39"},
		{name: "a broken additional section", reply: raw(2, "\x00\x00"), want: "a record that is cut off at octet 28"},
		{name: "two OPT records", reply: raw(2, "\x00"+tail(opt, ""), "\x00"+tail(opt, "")), want: "a second OPT record at octet 38"},
		{name: "half an option", reply: raw(2, "\x00"+tail(opt, "\x00\x0f\x00")), want: "an EDNS option that is cut off at octet 38"},
		{name: "an option longer than its record", reply: raw(2, "\x00"+tail(opt, "\x00\x0f\x00\x03\x00\x06")), want: "an EDNS option that is cut off at octet 42"},
		{name: "half a question", reply: raw(0)[:25], want: "a question that is cut off at octet 23"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := readMessage(tt.reply, &asked)
			require.Error(t, err)
			assert.True(t, isMalformed(err))
			assert.Equal(t, tt.want, err.Error())
		})
	}
}

func TestReadMessageTakes(t *testing.T) {
	const opt = 41
	a := dnsx.RR{Name: "a.example", Type: dnsx.TypeA, TTL: 60, Data: []byte("1234")}
	tests := []struct {
		name  string
		reply []byte
		want  message
	}{
		{name: "octets behind the message", reply: append(raw(0, rec(dnsx.TypeA, "1234")), "more"...), want: message{answer: []dnsx.RR{a}}},
		{name: "a pointer into a name that ends in one", reply: raw(0, "\x01B\xc0\x0e"+tail(dnsx.TypeA, "1234"), "\xc0\x1b"+tail(dnsx.TypeA, "5678")), want: message{
			answer: []dnsx.RR{
				{Name: "b.example", Type: dnsx.TypeA, TTL: 60, Data: []byte("1234")},
				{Name: "b.example", Type: dnsx.TypeA, TTL: 60, Data: []byte("5678")},
			},
		}},
		{
			name:  "additional records that make no sense, but an OPT record too",
			reply: raw(2, rec(dnsx.TypeA, "123"), "\x00"+tail(opt, "\x00\x0a\x00\x01x\x00\x0f\x00\x01y\x00\x0f\x00\x02\x00\x06")),
			want:  message{ede: []dnsx.EDE{{Code: 6}}},
		},
		{name: "an OPT record outside of the additional section is of another class", reply: raw(0, "\x00\x00\x29\x04\xd0\x01\x00\x00\x00\x00\x00")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := readMessage(tt.reply, &asked)
			require.NoError(t, err)
			tt.want.size = len(tt.reply)
			assert.Equal(t, &tt.want, m)
		})
	}
}

// FuzzQuery holds what is packed against the reader of miekg/dns.
func FuzzQuery(f *testing.F) {
	f.Add("acme.example", uint16(16), uint64(0), uint8(0))
	f.Add(`odd\.\000\255"\\.EXAMPLE`, uint16(257), ^uint64(0), uint8(0x1f))
	f.Add(".", uint16(2), uint64(1), uint8(3))
	f.Add(strings.Repeat("a", 63)+strings.Repeat("."+strings.Repeat("b", 60), 3)+".c", uint16(1), uint64(5), uint8(0x10))
	f.Fuzz(func(t *testing.T, text string, typ uint16, mix uint64, bits uint8) {
		name, err := dnsx.ParseName(text)
		if err != nil {
			return
		}
		bit := func(n int) bool { return bits>>n&1 != 0 }
		q := query{id: typ ^ 0x5555, name: name, typ: dnsx.Type(typ), dnssec: bit(0), cd: bit(1), ad: bit(2), plain: bit(3), pad: bit(4), mix: mix}
		b := q.pack(nil)
		assert.LessOrEqual(t, len(b), maxQuery)
		if q.pad && !q.plain {
			assert.Zero(t, len(b)%padBlock)
		}
		m := new(dns.Msg)
		require.NoError(t, m.Unpack(b))
		got, err := dnsx.ParseName(m.Question[0].Name)
		require.NoError(t, err)
		opt := m.IsEdns0()
		type seen struct {
			id                       uint16
			name                     string
			typ                      dnsx.Type
			rd, dnssec, cd, ad, edns bool
		}
		assert.Equal(t, seen{q.id, name, q.typ, true, q.dnssec && !q.plain, q.cd, q.ad, !q.plain}, seen{
			m.Id, got, dnsx.Type(m.Question[0].Qtype), m.RecursionDesired, opt != nil && opt.Do(), m.CheckingDisabled, m.AuthenticatedData, opt != nil,
		})
		b[2] |= 0x80 // a reply without answers
		_, err = readMessage(b, &q)
		require.NoError(t, err)
		if mix == 0 {
			return
		}
		q.mix = ^mix
		if _, err = readMessage(b, &q); err != nil {
			assert.Equal(t, errCase, err)
		}
	})
}

// sample is a reply with all that a message can have, compressed.
func sample(tb testing.TB) []byte {
	m := new(dns.Msg)
	require.NoError(tb, m.Unpack(asked.pack(nil)))
	m.Id, m.Response, m.Compress = asked.id, true, true
	for _, line := range []string{
		"a.example. 60 IN CNAME b.Example.", "b.example. 60 IN A 192.0.2.1", "b.example. 60 IN MX 10 mx.b.example.",
		`b.example. 60 IN TXT "\000\255" ""`, "b.example. 60 IN SRV 1 2 3 c.example.", `b.example. 60 IN CAA 0 issue "ca.example"`,
		"b.example. 60 IN RRSIG A 15 2 60 20300101000000 20200101000000 1 example. AAAA", `b.example. 60 IN NAPTR 1 2 "S" "SIP" "" c.example.`,
		"b.example. 60 IN RP a.example. b.example.", `b.example. 60 IN TLSA 3 1 1 00ff`, `b.example. 60 IN TYPE65280 \# 2 0001`,
	} {
		rr, err := dns.NewRR(line)
		require.NoError(tb, err)
		m.Answer = append(m.Answer, rr)
	}
	soa, err := dns.NewRR("example. 60 IN SOA ns.example. host.example. 1 2 3 4 5")
	require.NoError(tb, err)
	m.Ns = append(m.Ns, soa)
	m.IsEdns0().Option = append(m.IsEdns0().Option, &dns.EDNS0_EDE{InfoCode: 6, ExtraText: "bogus"})
	b, err := m.Pack()
	require.NoError(tb, err)
	return b
}

// FuzzReadMessage holds what is read against the reader of miekg/dns, and follows
// the answer to its end.
func FuzzReadMessage(f *testing.F) {
	f.Add(sample(f))
	f.Add(raw(0, rec(dnsx.TypeCNAME, "\x01b\xc0\x0e"), "\x01b\xc0\x0e"+tail(dnsx.TypeCNAME, "\xc0\x0c")))
	f.Add(raw(0, rec(dnsx.TypeTXT, "\x01x\x00"), rec(dnsx.TypeMX, "\x00\x0a\xc0\x0c")))
	f.Add(raw(1, "\xc0\x0e"+tail(dnsx.TypeSOA, "\xc0\x0e\xc0\x0e12345678901234567890")))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := readMessage(b, &asked)
		if err != nil {
			assert.True(t, err == errNotOurs || isMalformed(err))
			return
		}
		for _, rr := range append(m.answer, m.authority...) {
			again, err := dnsx.ParseRR(rr.String())
			require.NoError(t, err)
			assert.Equal(t, rr, again)
		}
		if !m.truncated {
			compare(t, b, m)
		}
		for _, q := range []dnsx.Question{
			{Name: "a.example", Type: dnsx.TypeA}, {Name: "a.example", Type: dnsx.TypeTXT, DNSSEC: true},
		} {
			s := &step{message: *m}
			end, err := s.walk(q, nil)
			if err == nil {
				err = s.settle(q, end, len(s.chain) > 0)
			}
			sound(t, q, s)
			if err != nil {
				assert.Contains(t, []error{errChain, errReferral, errContradiction}, err)
			}
		}
	})
}

// compare reads the message with miekg/dns too. That refuses some messages, and
// takes others that are none.
func compare(t *testing.T, b []byte, m *message) {
	var ref dns.Msg
	if ref.Unpack(b) != nil {
		return
	}
	for i, section := range [][]dns.RR{ref.Answer, ref.Ns} {
		ours := [][]dnsx.RR{m.answer, m.authority}[i]
		for _, rr := range section {
			h := rr.Header()
			if h.Class != dns.ClassINET {
				continue
			}
			require.NotEmpty(t, ours)
			got := ours[0]
			ours = ours[1:]
			name, err := dnsx.ParseName(h.Name)
			require.NoError(t, err)
			assert.Equal(t, dnsx.RR{Name: name, Type: dnsx.Type(h.Rrtype), TTL: got.TTL, Data: got.Data}, got)
			if _, known := layouts[got.Type]; !known {
				continue // for types of its own it makes other bytes of odd data
			}
			wire := make([]byte, 1<<17)
			end, err := dns.PackRR(rr, wire, 0, nil, false)
			if err != nil {
				continue
			}
			theirs := wire[end-int(h.Rdlength) : end]
			assert.Equal(t, lower(theirs), lower(got.Data))
		}
		assert.Empty(t, ours)
	}
}

// lower is for ASCII alone.
func lower(b []byte) []byte {
	b = bytes.Clone(b)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return b
}

// sound reports what every step has to hold.
func sound(t *testing.T, q dnsx.Question, s *step) {
	name := q.Name
	for _, rr := range s.chain {
		require.Equal(t, name, rr.Name)
		name, _ = rr.Target()
	}
	assert.LessOrEqual(t, len(s.chain), dnsx.MaxChain)
	for _, rr := range s.records {
		assert.Equal(t, name, rr.Name)
		assert.Equal(t, q.Type, rr.Type)
	}
	assert.False(t, s.open && (len(s.records) > 0 || len(s.chain) == 0))
}

func BenchmarkReadMessage(b *testing.B) {
	reply := sample(b)
	b.ReportAllocs()
	b.SetBytes(int64(len(reply)))
	for b.Loop() {
		if _, err := readMessage(reply, &asked); err != nil {
			b.Fatal(err)
		}
	}
}
