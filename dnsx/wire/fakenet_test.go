package wire_test

import (
	"context"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/miekg/dns"

	"github.com/mailcheck-go/mailcheck/dnsx/wire"
)

// fakeNet is a network in memory: with testing/synctest its time is virtual. Only
// UDP is spoken on it.
type fakeNet struct {
	rtt time.Duration
	// handle sees every query, and replies as often as it likes. A nil handle
	// drops everything.
	handle func(server netip.AddrPort, query *dns.Msg, reply func(after time.Duration, m *dns.Msg))

	mu    sync.Mutex
	conns []*fakeConn
	asked []asked
}

// asked is one query that a server got.
type asked struct {
	at     time.Time
	server netip.AddrPort
	port   int // the socket that it came from, by number
	id     uint16
	name   string
}

func (n *fakeNet) dial(_ context.Context, network string, to netip.AddrPort) (net.Conn, error) {
	if network != "udp" {
		return nil, os.NewSyscallError("connect", syscall.ECONNREFUSED)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	c := &fakeConn{net: n, to: to, port: len(n.conns), in: make(chan []byte, 1024), gone: make(chan struct{})}
	n.conns = append(n.conns, c)
	return c, nil
}

func (n *fakeNet) queries() []asked {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.asked
}

// client makes a client of servers on the fake network.
func (n *fakeNet) client(servers ...string) *wire.Client {
	c := &wire.Client{}
	for _, s := range servers {
		server, err := wire.ParseServer(s)
		if err != nil {
			panic(err)
		}
		c.Servers = append(c.Servers, server)
	}
	return wire.Dial(c, n.dial)
}

type fakeConn struct {
	net.Conn // what is not implemented
	net      *fakeNet
	to       netip.AddrPort
	port     int
	in       chan []byte
	gone     chan struct{}
}

func (c *fakeConn) Write(b []byte) (int, error) {
	query := new(dns.Msg)
	if err := query.Unpack(b); err != nil {
		return 0, err
	}
	c.net.mu.Lock()
	c.net.asked = append(c.net.asked, asked{time.Now(), c.to, c.port, query.Id, query.Question[0].Name})
	c.net.mu.Unlock()
	if c.net.handle != nil {
		c.net.handle(c.to, query, func(after time.Duration, m *dns.Msg) { c.deliver(c.net.rtt+after, pack(m)) })
	}
	return len(b), nil
}

// deliver puts octets before whoever reads from the socket.
func (c *fakeConn) deliver(after time.Duration, b []byte) {
	time.AfterFunc(after, func() {
		select {
		case <-c.gone:
		case c.in <- b:
		default: // the buffer is full
		}
	})
}

func (c *fakeConn) Read(b []byte) (int, error) {
	select {
	case m := <-c.in:
		return copy(b, m), nil
	case <-c.gone:
		return 0, io.ErrClosedPipe
	}
}

func (c *fakeConn) Close() error {
	close(c.gone)
	return nil
}

// truth answers every query with its own name.
func truth(_ netip.AddrPort, query *dns.Msg, reply func(time.Duration, *dns.Msg)) {
	reply(0, echo(query))
}

func echo(query *dns.Msg) *dns.Msg {
	m := response{}.to(query)
	if query.Question[0].Qtype == dns.TypeTXT {
		m.Answer = []dns.RR{&dns.TXT{
			Hdr: dns.RR_Header{Name: query.Question[0].Name, Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: 60},
			Txt: []string{"right"},
		}}
	}
	return m
}
