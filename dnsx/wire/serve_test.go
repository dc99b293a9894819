package wire_test

import (
	"io"
	"log"
	"net"
	"net/netip"
	"os"
	"testing"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/wire"
)

func TestMain(m *testing.M) {
	if os.Getenv(responderEnv) != "" {
		respond()
		return
	}
	goleak.VerifyTestMain(m)
}

// closing closes a client when the test ends.
func closing(t testing.TB, c *wire.Client) *wire.Client {
	t.Cleanup(func() { c.Close() })
	return c
}

// serve starts a name server on one port of loopback, UDP and TCP, and stops it
// when the test ends.
func serve(t testing.TB, handle dns.HandlerFunc) wire.Server {
	t.Helper()
	addr, stop, err := start(handle)
	require.NoError(t, err)
	t.Cleanup(stop)
	return wire.Server{Addr: addr}
}

func start(handle dns.HandlerFunc) (addr netip.AddrPort, stop func(), err error) {
	var pc net.PacketConn
	var l net.Listener
	for range 20 { // the TCP port of the same number may be taken
		if pc, err = net.ListenPacket("udp", "127.0.0.1:0"); err != nil {
			return addr, nil, err
		}
		if l, err = net.Listen("tcp", pc.LocalAddr().String()); err == nil {
			break
		}
		pc.Close()
	}
	if err != nil {
		return addr, nil, err
	}
	stop = run(&dns.Server{PacketConn: pc, Handler: handle}, &dns.Server{Listener: l, Handler: handle})
	return netip.MustParseAddrPort(pc.LocalAddr().String()), stop, nil
}

func run(servers ...*dns.Server) (stop func()) {
	for _, s := range servers {
		started := make(chan struct{})
		s.NotifyStartedFunc = func() { close(started) }
		go s.ActivateAndServe()
		<-started
	}
	return func() {
		for _, s := range servers {
			s.Shutdown()
		}
	}
}

// response is what a test server says.
type response struct {
	rcode     int
	answer    []string // master-file lines
	authority []string
	ad        bool
	tc        bool
	ede       []dns.EDNS0_EDE
}

func (r response) to(query *dns.Msg) *dns.Msg {
	m := new(dns.Msg).SetRcode(query, r.rcode)
	m.RecursionAvailable, m.AuthenticatedData, m.Truncated, m.Compress = true, r.ad, r.tc, true
	for _, line := range r.answer {
		m.Answer = append(m.Answer, mustRR(line))
	}
	for _, line := range r.authority {
		m.Ns = append(m.Ns, mustRR(line))
	}
	if opt := query.IsEdns0(); opt != nil {
		m.SetEdns0(1232, opt.Do())
		for _, e := range r.ede {
			m.IsEdns0().Option = append(m.IsEdns0().Option, &e)
		}
	}
	return m
}

func mustRR(line string) dns.RR {
	rr, err := dns.NewRR(line)
	if err != nil {
		panic(err)
	}
	return rr
}

// always answers every query alike.
func always(r response) dns.HandlerFunc {
	return func(w dns.ResponseWriter, query *dns.Msg) { w.WriteMsg(r.to(query)) }
}

// byName answers by the name asked, REFUSED where there is none.
func byName(responses map[string]response) dns.HandlerFunc {
	return func(w dns.ResponseWriter, query *dns.Msg) {
		r, ok := responses[query.Question[0].Name]
		if !ok {
			r.rcode = dns.RcodeRefused
		}
		w.WriteMsg(r.to(query))
	}
}

// quiet keeps the servers of the tests from writing to the screen.
var quiet = log.New(io.Discard, "", 0)

func silent(dns.ResponseWriter, *dns.Msg) {}

func overTCP(w dns.ResponseWriter) bool { return w.RemoteAddr().Network() == "tcp" }

// rrs reads lines with the reader of package dnsx.
func rrs(lines ...string) []dnsx.RR {
	var all []dnsx.RR
	for _, line := range lines {
		rr, err := dnsx.ParseRR(line)
		if err != nil {
			panic(err)
		}
		all = append(all, rr)
	}
	return all
}
