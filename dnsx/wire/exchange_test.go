package wire_test

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/wire"
)

var (
	question = dnsx.Q("a.example", dnsx.TypeTXT)
	right    = response{answer: []string{`a.example. 60 IN TXT "right"`}}
)

// closed has a port where nobody listens and that the kernel gives to no one.
var closed = wire.Server{Addr: netip.MustParseAddrPort("127.0.0.1:1")}

// patience is for waits that end by time.
const patience = 50 * time.Millisecond

// patiently resolves with ever longer timeouts until the outcome is the wanted
// one: on a busy machine a short one may pass before a server that does answer
// had its turn. What is wrong stays wrong.
func patiently(t *testing.T, want any, tries int, servers ...wire.Server) {
	t.Helper()
	for timeout := patience; ; timeout *= 4 {
		c := closing(t, &wire.Client{Servers: servers, Timeout: timeout, Tries: tries})
		got := outcome(c.Resolve(t.Context(), question))
		if timeout > 10*time.Second || assert.ObjectsAreEqual(want, got) {
			assert.Equal(t, want, got)
			return
		}
	}
}

// outcome is the answer as text, or the failure without its time.
func outcome(a *dnsx.Answer, err error) any {
	if f, failed := err.(*dnsx.Failure); failed {
		plain := *f
		plain.Took = 0
		return plain
	}
	if err != nil {
		return err
	}
	return a.Proto + " " + a.Records[0].Text()
}

// forever is for waits that must end in another way than by time.
const forever = time.Hour

// wrongs are replies that must not be taken for the right one.
var wrongs = []struct {
	name  string
	wrong func(m *dns.Msg) []byte
	alone string // what the failure says where nothing better comes; "": that no answer came in time
}{
	{name: "another ID", wrong: func(m *dns.Msg) []byte { m.Id++; return pack(m) }},
	{name: "another name", wrong: func(m *dns.Msg) []byte { m.Question[0].Name = "b.example."; return pack(m) }},
	{name: "another type", wrong: func(m *dns.Msg) []byte { m.Question[0].Qtype = dns.TypeMX; return pack(m) }},
	{name: "another class", wrong: func(m *dns.Msg) []byte { m.Question[0].Qclass = dns.ClassCHAOS; return pack(m) }},
	{name: "no question", wrong: func(m *dns.Msg) []byte { m.Question = nil; return pack(m) }},
	{name: "two questions", wrong: func(m *dns.Msg) []byte {
		m.Question = append(m.Question, m.Question[0])
		return pack(m)
	}},
	{name: "a query", wrong: func(m *dns.Msg) []byte { m.Response = false; return pack(m) }},
	{name: "another opcode", wrong: func(m *dns.Msg) []byte { m.Opcode = dns.OpcodeNotify; return pack(m) }},
	{name: "less than a header", alone: "a header that is cut off at octet 11", wrong: func(m *dns.Msg) []byte { return pack(m)[:11] }},
	{name: "cut off in the question", alone: "a question that is cut off at octet 23", wrong: func(m *dns.Msg) []byte { return pack(m)[:24] }},
	{name: "cut off in the answer", alone: "RDATA that is cut off at octet 39", wrong: func(m *dns.Msg) []byte { return pack(m)[:40] }},
	{name: "garbage behind the header", alone: "a compression pointer that leads astray at octet 12", wrong: func(m *dns.Msg) []byte {
		return append(pack(m)[:12], "\xff\xff\xff\xff\xff\xff\xff\xff"...)
	}},
}

func pack(m *dns.Msg) []byte {
	b, err := m.Pack()
	if err != nil {
		panic(err)
	}
	return b
}

func TestWrongReplyIsPassedOver(t *testing.T) {
	for _, proto := range []string{"udp", "tcp"} {
		for _, tt := range wrongs {
			t.Run(proto+"/"+tt.name, func(t *testing.T) {
				server := serve(t, func(w dns.ResponseWriter, query *dns.Msg) {
					if proto == "tcp" && !overTCP(w) {
						w.WriteMsg(response{tc: true}.to(query))
						return
					}
					w.Write(tt.wrong(response{answer: []string{`a.example. 60 IN TXT "wrong"`}}.to(query)))
					w.WriteMsg(right.to(query))
				})
				c := closing(t, &wire.Client{Servers: []wire.Server{server}, Timeout: forever})
				assert.Equal(t, proto+" right", outcome(c.Resolve(t.Context(), question)))
			})
		}
	}
}

func TestWrongReplyAlone(t *testing.T) {
	for _, tt := range wrongs {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, func(w dns.ResponseWriter, query *dns.Msg) {
				w.Write(tt.wrong(response{answer: []string{`a.example. 60 IN TXT "wrong"`}}.to(query)))
			})
			want := dnsx.Failure{Question: question, Kind: dnsx.KindTimeout, Server: server.String(), Tries: 1}
			if tt.alone != "" {
				want.Kind, want.Detail = dnsx.KindMalformed, tt.alone
			}
			patiently(t, want, 1, server)
		})
	}
}

func TestReplyFromElsewhereIsPassedOver(t *testing.T) {
	server := serve(t, func(w dns.ResponseWriter, query *dns.Msg) {
		for _, from := range []string{"127.0.0.1:0", "127.0.0.9:0"} { // another port, another address
			conn, err := net.ListenPacket("udp", from)
			if err != nil {
				continue // not all systems have all of 127/8
			}
			conn.WriteTo(pack(response{answer: []string{`a.example. 60 IN TXT "wrong"`}}.to(query)), w.RemoteAddr())
			conn.Close()
		}
		w.WriteMsg(right.to(query))
	})
	c := closing(t, &wire.Client{Servers: []wire.Server{server}, Timeout: forever})
	assert.Equal(t, "udp right", outcome(c.Resolve(t.Context(), question)))
}

func TestCaseOfTheQuestionDoesNotMatter(t *testing.T) {
	server := serve(t, func(w dns.ResponseWriter, query *dns.Msg) {
		m := right.to(query)
		m.Question[0].Name = "A.eXaMpLe."
		w.WriteMsg(m)
	})
	c := closing(t, &wire.Client{Servers: []wire.Server{server}, Timeout: forever})
	assert.Equal(t, "udp right", outcome(c.Resolve(t.Context(), question)))
}

func TestTruncatedAnswer(t *testing.T) {
	tests := []struct {
		name    string
		overTCP func(w dns.ResponseWriter, query *dns.Msg)
		want    any
	}{
		{
			name:    "is had over TCP",
			overTCP: func(w dns.ResponseWriter, query *dns.Msg) { w.WriteMsg(right.to(query)) },
			want:    "tcp right",
		},
		{
			name: "is not used where TCP cuts it short too",
			overTCP: func(w dns.ResponseWriter, query *dns.Msg) {
				w.WriteMsg(response{tc: true, answer: right.answer}.to(query))
				w.Close()
			},
			want: dnsx.Failure{Kind: dnsx.KindMalformed, Detail: "an answer cut short over tcp at octet 2"},
		},
		{
			name:    "is not used where the connection is closed",
			overTCP: func(w dns.ResponseWriter, _ *dns.Msg) { w.Close() },
			want:    dnsx.Failure{Kind: dnsx.KindNetwork, Detail: "tcp: the server closed the connection"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := serve(t, func(w dns.ResponseWriter, query *dns.Msg) {
				if overTCP(w) {
					tt.overTCP(w, query)
					return
				}
				m := pack(response{tc: true, answer: right.answer}.to(query))
				w.Write(m[:len(m)-20]) // what stands behind the question may be cut anywhere
			})
			c := closing(t, &wire.Client{Servers: []wire.Server{server}, Timeout: forever})
			if f, failed := tt.want.(dnsx.Failure); failed {
				f.Question, f.Server, f.Tries = question, server.String(), 2
				tt.want = f
			}
			assert.Equal(t, tt.want, outcome(c.Resolve(t.Context(), question)))
		})
	}
}

func TestTruncatedAnswerAndNobodyListensOnTCP(t *testing.T) {
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	stop := run(&dns.Server{PacketConn: pc, Handler: always(response{tc: true})})
	defer stop()
	server := wire.Server{Addr: netip.MustParseAddrPort(pc.LocalAddr().String())}
	c := closing(t, &wire.Client{Servers: []wire.Server{server}, Timeout: forever})
	assert.Equal(t, dnsx.Failure{
		Question: question, Kind: dnsx.KindNetwork, Server: server.String(), Tries: 2,
		Detail: "tcp: connection refused",
	}, outcome(c.Resolve(t.Context(), question)))
}

// header is what a server sees of a query.
type header struct {
	RD, AD, CD, DO, EDNS bool
	Buffer               uint16
}

func TestQueryAsTheServerSeesIt(t *testing.T) {
	tests := []struct {
		name  string
		q     dnsx.Question
		trust wire.TrustAD
		want  header
	}{
		{name: "plain, on loopback", want: header{RD: true, AD: true, EDNS: true, Buffer: 1232}},
		{name: "the AD bit is of no use", trust: wire.TrustNever, want: header{RD: true, EDNS: true, Buffer: 1232}},
		{name: "DO", q: dnsx.Question{DNSSEC: true}, want: header{RD: true, AD: true, DO: true, EDNS: true, Buffer: 1232}},
		{name: "CD", q: dnsx.Question{CheckingDisabled: true}, want: header{RD: true, AD: true, CD: true, EDNS: true, Buffer: 1232}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			seen := make(chan header, 1)
			server := serve(t, func(w dns.ResponseWriter, query *dns.Msg) {
				h := header{RD: query.RecursionDesired, AD: query.AuthenticatedData, CD: query.CheckingDisabled}
				if opt := query.IsEdns0(); opt != nil {
					h.EDNS, h.DO, h.Buffer = true, opt.Do(), opt.UDPSize()
				}
				seen <- h
				w.WriteMsg(right.to(query))
			})
			c := closing(t, &wire.Client{Servers: []wire.Server{server}, TrustAD: tt.trust})
			q := tt.q
			q.Name, q.Type = question.Name, question.Type
			_, err := c.Resolve(t.Context(), q)
			require.NoError(t, err)
			assert.Equal(t, tt.want, <-seen)
		})
	}
}

func TestADBit(t *testing.T) {
	chain := byName(map[string]response{
		"a.example.": {ad: true, answer: []string{"a.example. 60 IN CNAME b.example."}},
		"b.example.": {answer: []string{"b.example. 60 IN TXT x"}},
	})
	tests := []struct {
		name   string
		handle dns.HandlerFunc
		trust  wire.TrustAD
		want   bool
	}{
		{name: "a server on loopback is believed", handle: always(response{ad: true}), want: true},
		{name: "a server may be trusted", handle: always(response{ad: true}), trust: wire.TrustAlways, want: true},
		{name: "or not", handle: always(response{ad: true}), trust: wire.TrustNever},
		{name: "the server says nothing", handle: always(response{})},
		{name: "every message of a chain has to say it", handle: chain},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := closing(t, &wire.Client{Servers: []wire.Server{serve(t, tt.handle)}, TrustAD: tt.trust})
			a, err := c.Resolve(t.Context(), question)
			require.NoError(t, err)
			assert.Equal(t, tt.want, a.AD)
		})
	}
}

func TestServerWithoutEDNS(t *testing.T) {
	dnssec := question
	dnssec.DNSSEC = true
	bare := func(w dns.ResponseWriter, query *dns.Msg) { // the header alone
		w.Write(pack(&dns.Msg{MsgHdr: dns.MsgHdr{Id: query.Id, Response: true, Rcode: dns.RcodeFormatError}}))
	}
	rcode := func(code int) dns.HandlerFunc { return always(response{rcode: code}) }
	tests := []struct {
		name   string
		toEDNS dns.HandlerFunc
		q      dnsx.Question
		want   any
	}{
		{name: "FORMERR", toEDNS: rcode(dns.RcodeFormatError), q: question, want: "udp right"},
		{name: "FORMERR without the question", toEDNS: bare, q: question, want: "udp right"},
		{name: "BADVERS", toEDNS: rcode(dns.RcodeBadVers), q: question, want: "udp right"},
		{
			name: "DNSSEC cannot be asked without it", toEDNS: rcode(dns.RcodeFormatError), q: dnssec,
			want: dnsx.Failure{Question: dnssec, Kind: dnsx.KindRCode, RCode: dnsx.FormErr, Tries: 2},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := serve(t, func(w dns.ResponseWriter, query *dns.Msg) {
				if query.IsEdns0() != nil {
					tt.toEDNS(w, query)
					return
				}
				w.WriteMsg(right.to(query))
			})
			c := closing(t, &wire.Client{Servers: []wire.Server{server}, Timeout: forever})
			got := outcome(c.Resolve(t.Context(), tt.q))
			if f, failed := got.(dnsx.Failure); failed {
				f.Server = ""
				got = f
			}
			assert.Equal(t, tt.want, got)
		})
	}
}
