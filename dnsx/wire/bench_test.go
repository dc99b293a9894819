package wire_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/dnsx/wire"
)

// responderEnv makes the test program a server, for the benchmarks: in a process of
// its own, so that its time is not counted.
const responderEnv = "WIRE_RESPONDER"

// respond answers every query over UDP and TCP with one TXT record, until its
// input ends.
func respond() {
	pc, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		panic(err)
	}
	l, err := net.Listen("tcp", pc.LocalAddr().String())
	if err != nil {
		panic(err)
	}
	for range 2 {
		go respondUDP(pc)
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go respondTCP(conn)
		}
	}()
	fmt.Println(pc.LocalAddr())
	io.Copy(io.Discard, os.Stdin)
}

func respondUDP(pc *net.UDPConn) {
	buf := make([]byte, 512)
	for {
		n, from, err := pc.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		pc.WriteToUDPAddrPort(respondTo(buf[:n]), from)
	}
}

func respondTCP(conn net.Conn) {
	defer conn.Close()
	r, w := bufio.NewReader(conn), bufio.NewWriter(conn)
	buf := make([]byte, 514)
	for {
		if _, err := io.ReadFull(r, buf[:2]); err != nil {
			return
		}
		query := buf[2 : 2+binary.BigEndian.Uint16(buf)]
		if _, err := io.ReadFull(r, query); err != nil {
			return
		}
		reply := respondTo(query)
		binary.BigEndian.PutUint16(buf, uint16(len(reply)))
		w.Write(buf[:2])
		w.Write(reply)
		if r.Buffered() == 0 {
			w.Flush()
		}
	}
}

// respondTo makes a reply of a query, in its place.
func respondTo(query []byte) []byte {
	end := 12
	for query[end] != 0 {
		end += 1 + int(query[end])
	}
	binary.BigEndian.PutUint16(query[2:], 0x8180)
	binary.BigEndian.PutUint16(query[6:], 1)
	binary.BigEndian.PutUint16(query[10:], 0)
	return append(query[:end+5], "\xc0\x0c\x00\x10\x00\x01\x00\x00\x00\x3c\x00\x0c\x0bv=spf1 -all"...)
}

func responder(b *testing.B) wire.Server {
	b.Helper()
	path, err := os.Executable()
	require.NoError(b, err)
	cmd := exec.Command(path)
	cmd.Env = append(os.Environ(), responderEnv+"=1")
	in, err := cmd.StdinPipe()
	require.NoError(b, err)
	out, err := cmd.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, cmd.Start())
	b.Cleanup(func() {
		in.Close()
		cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(b, err)
	return wire.Server{Addr: netip.MustParseAddrPort(line[:len(line)-1])}
}

func TestAllocations(t *testing.T) {
	const n = 200
	pc, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		respondUDP(pc) // which allocates nothing
	}()
	c := &wire.Client{Servers: []wire.Server{{Addr: pc.LocalAddr().(*net.UDPAddr).AddrPort()}}, Timeout: forever}
	qs := many(n)
	all := testing.AllocsPerRun(10, func() {
		for _, r := range c.ResolveAll(t.Context(), qs) {
			if r.Failure != nil {
				t.Error(r.Failure)
			}
		}
	})
	assert.Less(t, all/n, 6.0, "allocations a question")
	c.Close()
	pc.Close()
	<-done
}

// measure reports the processor time of the client for each of n questions that a
// round asks.
func measure(b *testing.B, n int, round func()) {
	b.ReportAllocs()
	round() // sockets are open, the window has grown
	start := cpuTime()
	for b.Loop() {
		round()
	}
	used := cpuTime() - start
	b.ReportMetric(float64(used.Nanoseconds())/float64(b.N*n), "cpu-ns/question")
	b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "questions/s")
}

// BenchmarkResolveAll is for 1,000 questions at once, beside the usual way to put
// so many.
func BenchmarkResolveAll(b *testing.B) {
	const n = 1000
	server := responder(b)
	qs := many(n)
	for _, proto := range []string{"udp", "tcp"} {
		b.Run(proto, func(b *testing.B) {
			server := server
			server.Proto = proto
			c := closing(b, &wire.Client{Servers: []wire.Server{server}})
			rounds := 0
			measure(b, n, func() {
				rounds++
				for _, r := range c.ResolveAll(b.Context(), qs) {
					if r.Failure != nil {
						b.Fatal(r.Failure)
					}
				}
			})
			b.ReportMetric(float64(wire.CountsOf(c).Sent)/float64(rounds*n), "messages/question")
		})
	}
	b.Run("miekg-64-workers", func(b *testing.B) {
		c := new(dns.Client)
		measure(b, n, func() {
			var next atomic.Int64
			var wg sync.WaitGroup
			for range 64 {
				wg.Go(func() {
					for i := next.Add(1) - 1; i < n; i = next.Add(1) - 1 {
						m := new(dns.Msg).SetQuestion(dns.Fqdn(qs[i].Name), uint16(qs[i].Type)).SetEdns0(1232, false)
						if _, _, err := c.Exchange(m, server.Addr.String()); err != nil {
							b.Error(err)
						}
					}
				})
			}
			wg.Wait()
		})
	})
}

// BenchmarkResolve is for one question after another.
func BenchmarkResolve(b *testing.B) {
	server := responder(b)
	b.Run("udp", func(b *testing.B) {
		c := closing(b, &wire.Client{Servers: []wire.Server{server}})
		measure(b, 1, func() {
			if _, err := c.Resolve(context.Background(), question); err != nil {
				b.Fatal(err)
			}
		})
	})
	b.Run("miekg", func(b *testing.B) {
		c := new(dns.Client)
		m := new(dns.Msg).SetQuestion(dns.Fqdn(question.Name), uint16(question.Type)).SetEdns0(1232, false)
		measure(b, 1, func() {
			if _, _, err := c.Exchange(m, server.Addr.String()); err != nil {
				b.Fatal(err)
			}
		})
	})
}
