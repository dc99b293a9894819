package wire_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/wire"
)

// serveTCP starts a server that gives each connection to converse, with its number
// from 0, and closes it afterwards.
func serveTCP(t *testing.T, converse func(n int, conn net.Conn)) wire.Server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for n := 0; ; n++ {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				converse(n, conn)
			}()
		}
	}()
	return wire.Server{Addr: netip.MustParseAddrPort(l.Addr().String()), Proto: "tcp"}
}

func readTCP(conn io.Reader) (*dns.Msg, error) {
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return nil, err
	}
	b := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(conn, b); err != nil {
		return nil, err
	}
	m := new(dns.Msg)
	return m, m.Unpack(b)
}

func framed(b []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...)
}

// The server answers when all questions are there, the last one first.
func TestConnectionCarriesManyQuestions(t *testing.T) {
	const n = 50
	var conns atomic.Int32
	server := serveTCP(t, func(_ int, conn net.Conn) {
		conns.Add(1)
		var queries []*dns.Msg
		for range n {
			query, err := readTCP(conn)
			if err != nil {
				return
			}
			queries = append(queries, query)
		}
		for i := range queries {
			conn.Write(framed(pack(echo(queries[n-1-i]))))
		}
		io.Copy(io.Discard, conn)
	})
	c := closing(t, &wire.Client{Servers: []wire.Server{server}, Timeout: forever})
	for i, r := range c.ResolveAll(t.Context(), many(n)) {
		require.NoError(t, r.Err())
		assert.Equal(t, fmt.Sprintf("n%d.example", i), r.Records()[0].Name)
		assert.Equal(t, "tcp", r.Answer.Proto)
		assert.Equal(t, server.String(), r.Answer.Server)
	}
	assert.EqualValues(t, 1, conns.Load())
}

func TestConnectionThatWasClosed(t *testing.T) {
	tests := []struct {
		name    string
		answers func(conn int) int // how many questions each connection answers
		ask     int                // one after another
		conns   int
		fails   int
	}{
		{name: "after an answer is no failure", answers: func(int) int { return 1 }, ask: 5, conns: 5},
		{name: "before any answer is one, and the question tried again", answers: func(conn int) int { return conn }, ask: 1, conns: 2},
		{name: "each time", answers: func(int) int { return 0 }, ask: 1, conns: 2, fails: 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var conns atomic.Int32
			server := serveTCP(t, func(n int, conn net.Conn) {
				conns.Add(1)
				for range tt.answers(n) {
					query, err := readTCP(conn)
					if err != nil {
						return
					}
					conn.Write(framed(pack(echo(query))))
				}
				readTCP(conn) // and the next question finds it closed
			})
			c := closing(t, &wire.Client{Servers: []wire.Server{server}, Timeout: forever})
			fails := 0
			for _, q := range many(tt.ask) {
				if _, err := c.Resolve(t.Context(), q); err != nil {
					fails++
					assert.Equal(t, "tcp: the server closed the connection", err.(*dnsx.Failure).Detail)
				}
			}
			assert.Equal(t, tt.fails, fails)
			assert.EqualValues(t, tt.conns, conns.Load())
		})
	}
}

func TestConnectionThatStalls(t *testing.T) {
	server := serveTCP(t, func(n int, conn net.Conn) {
		for n > 0 {
			query, err := readTCP(conn)
			if err != nil {
				return
			}
			conn.Write(framed(pack(echo(query))))
		}
		io.Copy(io.Discard, conn)
	})
	c := closing(t, &wire.Client{Servers: []wire.Server{server}, Timeout: patience, Total: time.Minute})
	assert.Equal(t, "tcp right", outcome(c.Resolve(t.Context(), question)), "the next try has a connection of its own")
}
