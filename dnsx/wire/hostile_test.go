package wire_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/wire"
)

// hostile is a server that sends whatever octets it likes.
type hostile struct {
	udp func(query *dns.Msg, send func([]byte)) // nil: silence
	tcp func(conn net.Conn)                     // nil: nobody listens
}

func (h hostile) start(t *testing.T) (s wire.Server, stop func()) {
	var pc net.PacketConn
	var l net.Listener
	var err error
	for range 20 { // the TCP port of the same number may be taken
		pc, err = net.ListenPacket("udp", "127.0.0.1:0")
		require.NoError(t, err)
		if l, err = net.Listen("tcp", pc.LocalAddr().String()); err == nil {
			break
		}
		pc.Close()
	}
	require.NoError(t, err)
	var wg sync.WaitGroup
	wg.Go(func() { h.answer(pc) })
	if h.tcp == nil {
		l.Close()
	} else {
		wg.Go(func() { h.accept(l) })
	}
	return wire.Server{Addr: netip.MustParseAddrPort(pc.LocalAddr().String())}, func() {
		pc.Close()
		l.Close()
		wg.Wait()
	}
}

func (h hostile) answer(pc net.PacketConn) {
	buf := make([]byte, 4096)
	for {
		n, from, err := pc.ReadFrom(buf)
		if err != nil {
			return
		}
		query := new(dns.Msg)
		if query.Unpack(buf[:n]) == nil && h.udp != nil {
			h.udp(query, func(b []byte) { pc.WriteTo(b, from) })
		}
	}
}

// accept serves connections until the listener is closed, which closes them too.
func (h hostile) accept(l net.Listener) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		wg.Go(func() {
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(time.Minute)) // should the client never hang up
			h.tcp(conn)
		})
	}
}

// says answers with a response, however often it is asked.
func says(r response) func(*dns.Msg, func([]byte)) {
	return func(query *dns.Msg, send func([]byte)) { send(pack(r.to(query))) }
}

// before sends octets, and then the right answer.
func before(junk func(query *dns.Msg) [][]byte) func(*dns.Msg, func([]byte)) {
	return func(query *dns.Msg, send func([]byte)) {
		for _, b := range junk(query) {
			send(b)
		}
		send(pack(echo(query)))
	}
}

// forged is what would be a wrong answer, if it were taken.
func forged(query *dns.Msg, change func(m *dns.Msg)) [][]byte {
	m := echo(query)
	for _, rr := range m.Answer {
		rr.(*dns.TXT).Txt = []string{"wrong"}
	}
	change(m)
	return [][]byte{pack(m)}
}

var truncated = says(response{tc: true})

// converse answers each query on a connection with octets as they are.
func converse(reply func(query *dns.Msg) []byte) func(net.Conn) {
	return func(conn net.Conn) {
		for {
			query, err := readTCP(conn)
			if err != nil {
				return
			}
			if _, err := conn.Write(reply(query)); err != nil {
				return
			}
		}
	}
}

// rawReply is a reply to the query with octets behind the question that count as so
// many answers.
func rawReply(query *dns.Msg, answers int, behind string) []byte {
	m := new(dns.Msg).SetReply(query)
	m.Extra = nil
	b := pack(m)
	binary.BigEndian.PutUint16(b[6:], uint16(answers))
	return append(b, behind...)
}

func raw(answers int, behind string) func(*dns.Msg, func([]byte)) {
	return func(query *dns.Msg, send func([]byte)) { send(rawReply(query, answers, behind)) }
}

// verdict is an outcome in a line.
func verdict(r dnsx.Reply) string {
	if f := r.Failure; f != nil {
		s := string(f.Kind)
		if f.Kind == dnsx.KindRCode {
			s += " " + f.RCode.String()
		}
		for _, e := range f.EDE {
			s += " " + e.String()
		}
		if f.Detail != "" && f.Kind != dnsx.KindTimeout {
			s += ": " + f.Detail
		}
		return s
	}
	s := r.Answer.Proto + " " + r.Answer.RCode.String()
	if n := len(r.Answer.Records); n > 0 {
		text := r.Answer.Records[0].Text()
		if len(text) > 20 {
			text = fmt.Sprintf("%.1s… of %d", text, len(text))
		}
		s += fmt.Sprintf(" %d %q", n, text)
	}
	return s
}

const (
	rightUDP = `udp NOERROR 1 "right"`
	rightTCP = `tcp NOERROR 1 "right"`
)

func TestHostileServer(t *testing.T) {
	bits := func(query *dns.Msg) []byte { return pack(echo(query)) }
	soaOnly := response{authority: []string{soa}}
	tests := []struct {
		name   string
		server hostile
		beside *hostile // a second server
		short  bool     // what is wanted is that time passes: give little of it
		ask    int      // questions; 0 is one
		want   string   // of every question
		most   int      // messages that may be sent for it; 0 is 3 a question
	}{
		{name: "another ID first", server: hostile{udp: before(func(q *dns.Msg) [][]byte {
			return forged(q, func(m *dns.Msg) { m.Id ^= 1 })
		})}, want: rightUDP},
		{name: "another name first", server: hostile{udp: before(func(q *dns.Msg) [][]byte {
			return forged(q, func(m *dns.Msg) { m.Question[0].Name = "evil.example." })
		})}, want: rightUDP},
		{name: "another type first", server: hostile{udp: before(func(q *dns.Msg) [][]byte {
			return forged(q, func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeA })
		})}, want: rightUDP},
		{name: "another class first", server: hostile{udp: before(func(q *dns.Msg) [][]byte {
			return forged(q, func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassCHAOS })
		})}, want: rightUDP},
		{name: "the query itself first", server: hostile{udp: before(func(q *dns.Msg) [][]byte { return [][]byte{pack(q)} })}, want: rightUDP},
		{name: "another opcode first", server: hostile{udp: before(func(q *dns.Msg) [][]byte {
			return forged(q, func(m *dns.Msg) { m.Opcode = dns.OpcodeUpdate })
		})}, want: rightUDP},
		{name: "no octet first", server: hostile{udp: before(func(*dns.Msg) [][]byte { return [][]byte{{}, {0}} })}, want: rightUDP},
		{name: "a bare header that says NOERROR first", server: hostile{udp: before(func(q *dns.Msg) [][]byte {
			return forged(q, func(m *dns.Msg) { m.Question, m.Answer = nil, nil })
		})}, want: rightUDP},
		{name: "the answer cut off at every offset first", ask: 4, server: hostile{udp: func(query *dns.Msg, send func([]byte)) {
			b := bits(query)
			for i := range b {
				send(b[:i])
			}
			send(b)
		}}, want: rightUDP},
		{name: "cut off and nothing else", short: true, server: hostile{udp: func(query *dns.Msg, send func([]byte)) {
			b := bits(query)
			send(b[:len(b)-5]) // half an OPT record
		}}, want: "malformed: a record that is cut off at octet 47"},
		{name: "a pointer to itself", short: true, server: hostile{udp: raw(1, "\xc0\x1c\x00\x10\x00\x01")}, want: "malformed: a compression pointer that leads astray at octet 28"},
		{name: "two pointers to each other", short: true, server: hostile{udp: raw(1, "\xc0\x1e\xc0\x1c")}, want: "malformed: a compression pointer that leads astray at octet 28"},
		{name: "65,535 records that are not there", short: true, server: hostile{udp: raw(65535, "")}, want: "malformed: a name that is cut off at octet 28"},
		{
			name: "a name of over 255 octets", short: true,
			server: hostile{udp: raw(1, strings.Repeat("\x3f"+strings.Repeat("a", 63), 5))}, want: "malformed: a name of over 255 octets at octet 220",
		},
		{name: "an answer of 4,000 octets", server: hostile{udp: says(response{answer: []string{"n0.example. 60 IN TXT" + strings.Repeat(` "`+strings.Repeat("x", 199)+`"`, 20)}})}, want: `udp NOERROR 1 "x… of 3980"`},
		{
			name: "of 60,000", short: true, server: hostile{udp: func(query *dns.Msg, send func([]byte)) {
				send(rawReply(query, 1, "\xc0\x0c\x00\x10\x00\x01\x00\x00\x00\x3c\xea\x60"+strings.Repeat("\x00", 60000)))
			}}, want: "malformed: RDATA that is cut off at octet 40",
		},
		{name: "truncated, and nobody listens on TCP", server: hostile{udp: truncated}, want: "network: tcp: connection refused", most: 6},
		{name: "truncated, and TCP stalls", short: true, server: hostile{udp: truncated, tcp: func(conn net.Conn) { io.Copy(io.Discard, conn) }}, want: "timeout", most: 12},
		{name: "truncated, and TCP comes octet by octet", server: hostile{udp: truncated, tcp: func(conn net.Conn) {
			query, err := readTCP(conn)
			if err != nil {
				return
			}
			for _, b := range framed(bits(query)) {
				conn.Write([]byte{b})
			}
			io.Copy(io.Discard, conn)
		}}, want: rightTCP},
		{name: "truncated, and TCP hangs up", server: hostile{udp: truncated, tcp: func(net.Conn) {}}, want: "network: tcp: the server closed the connection", most: 6},
		{name: "truncated, and TCP hangs up in the middle", server: hostile{udp: truncated, tcp: func(conn net.Conn) {
			if query, err := readTCP(conn); err == nil {
				conn.Write(framed(bits(query))[:20])
			}
		}}, want: "network: tcp: the server closed the connection", most: 6},
		{name: "truncated, and so over TCP", server: hostile{udp: truncated, tcp: converse(func(query *dns.Msg) []byte {
			return framed(pack(response{tc: true}.to(query)))
		})}, want: "malformed: an answer cut short over tcp at octet 2", most: 6},
		{name: "messages of no octet over TCP first", server: hostile{udp: truncated, tcp: converse(func(query *dns.Msg) []byte {
			return append(make([]byte, 2000), framed(bits(query))...)
		})}, want: rightTCP},
		{name: "replies that nobody asked for over TCP first", server: hostile{udp: truncated, tcp: converse(func(query *dns.Msg) []byte {
			var b []byte
			for range 1000 {
				query.Id += 7
				b = append(b, framed(bits(query))...)
			}
			query.Id -= 7000
			return append(b, framed(bits(query))...)
		})}, want: rightTCP},
		{name: "64 KB of TXT", server: hostile{udp: truncated, tcp: converse(func(query *dns.Msg) []byte {
			m := echo(query)
			m.Answer[0].(*dns.TXT).Txt = slicesOf(strings.Repeat("x", 255), 255)
			return framed(pack(m))
		})}, want: `tcp NOERROR 1 "x… of 65025"`},
		{name: "5,000 records", server: hostile{udp: truncated, tcp: converse(func(query *dns.Msg) []byte {
			return framed(rawReply(query, 5000, strings.Repeat("\xc0\x0c\x00\x10\x00\x01\x00\x00\x00\x3c\x00\x01\x00", 5000)))
		})}, want: `tcp NOERROR 5000 ""`},
		{name: "octets that are no UTF-8", server: hostile{udp: says(response{answer: []string{`n0.example. 60 IN TXT "\255\254\000"`}})}, want: `udp NOERROR 1 "\xff\xfe\x00"`},
		{name: "a CNAME loop", server: hostile{udp: says(response{answer: []string{"n0.example. 60 IN CNAME b.example.", "b.example. 60 IN CNAME n0.example."}})}, want: "chain"},
		{name: "a chain of 10,000 aliases, one a message", server: hostile{udp: func(query *dns.Msg, send func([]byte)) {
			var n int
			name := strings.ToLower(query.Question[0].Name)
			fmt.Sscanf(name, "n%d.", &n)
			send(pack(response{answer: []string{fmt.Sprintf("%s 60 IN CNAME n%d.example.", name, (n+1)%10_000)}}.to(query)))
		}}, want: "chain", most: dnsx.MaxChain + 2},
		{name: "a chain of 2,500 aliases in a message", server: hostile{udp: truncated, tcp: converse(func(query *dns.Msg) []byte {
			m := new(dns.Msg).SetReply(query)
			m.Compress = true
			for i := range 2500 {
				m.Answer = append(m.Answer, mustRR(fmt.Sprintf("n%d.example. 60 IN CNAME n%d.example.", i, i+1)))
			}
			return framed(pack(m))
		})}, want: "chain"},
		{name: "records of other names", server: hostile{udp: says(response{
			answer: []string{"evil.example. 60 IN TXT evil", "sub.n0.example. 60 IN TXT evil", "example. 60 IN TXT evil"}, authority: []string{soa},
		})}, want: "udp NOERROR"},
		{name: "SERVFAIL with its reason", server: hostile{udp: says(response{
			rcode: dns.RcodeServerFailure, ede: []dns.EDNS0_EDE{{InfoCode: 6, ExtraText: "bogus"}},
		})}, want: "rcode SERVFAIL EDE 6 bogus"},
		{name: "REFUSED", server: hostile{udp: says(response{rcode: dns.RcodeRefused})}, want: "rcode REFUSED"},
		{name: "FORMERR, for it does not know EDNS", server: hostile{udp: func(query *dns.Msg, send func([]byte)) {
			if query.IsEdns0() != nil {
				send(pack(new(dns.Msg).SetRcode(query, dns.RcodeFormatError)))
				return
			}
			send(bits(query))
		}}, want: rightUDP},
		{name: "FORMERR to everything", server: hostile{udp: says(response{rcode: dns.RcodeFormatError})}, want: "rcode FORMERR", most: 4},
		{name: "two OPT records", short: true, server: hostile{udp: func(query *dns.Msg, send func([]byte)) {
			m := echo(query)
			m.Extra = append(m.Extra, m.Extra[0])
			send(pack(m))
		}}, want: "malformed: a second OPT record at octet 57"},
		{name: "silence", short: true, want: "timeout"},
		{name: "silence, asked much", short: true, ask: 500, want: "timeout", most: 4 * 500},
		{name: "silence beside a server that answers", ask: 100, beside: &hostile{udp: before(func(*dns.Msg) [][]byte { return nil })}, want: rightUDP},
		{name: "SERVFAIL beside a server that answers", ask: 100, server: hostile{udp: says(response{rcode: dns.RcodeServerFailure})}, beside: &hostile{udp: before(func(*dns.Msg) [][]byte { return nil })}, want: rightUDP},
		{name: "every answer five times", ask: 100, server: hostile{udp: func(query *dns.Msg, send func([]byte)) {
			for range 5 {
				send(bits(query))
			}
		}}, want: rightUDP},
		{name: "another case", server: hostile{udp: func(query *dns.Msg, send func([]byte)) {
			m := echo(query)
			m.Question[0].Name, m.Answer[0].Header().Name = "N0.Example.", "n0.EXAMPLE."
			send(pack(m))
		}}, want: rightUDP},
		{name: "a flood of junk", server: hostile{udp: before(func(query *dns.Msg) [][]byte {
			var junk [][]byte
			for i := range 50 {
				junk = append(junk, bytes.Repeat([]byte{byte(i), byte(i * 7)}, 30))
			}
			return junk
		})}, ask: 20, want: rightUDP},
		{name: "NXDOMAIN with records", server: hostile{udp: says(response{rcode: dns.RcodeNameError, answer: []string{"n0.example. 60 IN TXT x"}})}, want: "malformed: NXDOMAIN and records of that name"},
		{name: "a referral", server: hostile{udp: says(response{authority: []string{"example. 60 IN NS ns.example."}})}, want: "malformed: a referral and no answer: the server does not resolve for others"},
		{name: "no such type", server: hostile{udp: says(soaOnly)}, want: "udp NOERROR"},
		{name: "no such name", server: hostile{udp: says(response{rcode: dns.RcodeNameError})}, want: "udp NXDOMAIN"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server, stop := tt.server.start(t)
			stopOther := func() {}
			servers := []wire.Server{server}
			if tt.beside != nil {
				var other wire.Server
				other, stopOther = tt.beside.start(t)
				servers = append(servers, other)
			}
			c := &wire.Client{Servers: servers, Timeout: time.Second, Total: time.Minute}
			if tt.short {
				c.Timeout, c.Total = patience, 6*patience
			}
			n := max(1, tt.ask)
			var was, is runtime.MemStats
			runtime.ReadMemStats(&was)
			for i, r := range c.ResolveAll(t.Context(), many(n)) {
				assert.Equal(t, tt.want, verdict(r), "question %d", i)
				if tt.short {
					assert.Less(t, r.Failure.Took, 30*time.Second)
				}
			}
			runtime.ReadMemStats(&is)
			assert.Less(t, is.TotalAlloc-was.TotalAlloc, uint64(64<<20), "with what the server allocates")
			most := tt.most
			if most == 0 {
				most = 4*n + 4 // a few tries on a busy machine
			}
			assert.LessOrEqual(t, wire.CountsOf(c).Sent, most+2*len(servers)*4, "control questions beside")
			c.Close()
			left := wire.CountsOf(c)
			assert.Zero(t, left.Links+left.InFlight+left.Active, "%+v", left)
			stop()
			stopOther()
			goleak.VerifyNone(t)
		})
	}
}

func slicesOf(s string, n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = s
	}
	return all
}

// A late answer finds nobody, and does no harm to the questions after it.
func TestAnswerAfterTheDeadline(t *testing.T) {
	late := make(chan func(), 100)
	server, stop := hostile{udp: func(query *dns.Msg, send func([]byte)) {
		if strings.HasPrefix(query.Question[0].Name, "a.") {
			late <- func() { send(pack(echo(query))) }
			return
		}
		send(pack(echo(query)))
	}}.start(t)
	defer stop()
	c := closing(t, &wire.Client{Servers: []wire.Server{server}, Timeout: patience, Tries: 1})
	_, err := c.Resolve(t.Context(), question)
	assert.Equal(t, dnsx.KindTimeout, err.(*dnsx.Failure).Kind)
	strays := wire.CountsOf(c).Strays
	(<-late)()
	for wire.CountsOf(c).Strays == strays {
		time.Sleep(time.Millisecond)
	}
	c2 := closing(t, &wire.Client{Servers: []wire.Server{server}, Timeout: forever})
	assert.Equal(t, rightUDP, verdict(dnsx.Ask(t.Context(), c2, many(1)[0])[0]))
}
