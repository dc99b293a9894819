package wire

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	"github.com/mailcheck-go/mailcheck/dnsx"
)

// errTimeout says that the time of an exchange was over.
var errTimeout = errors.New("no reply in time")

// exchange puts a question to one server: over UDP, over TCP where the answer
// does not fit, without EDNS where the server does not know it.
func (c *Client) exchange(ctx context.Context, s Server, q dnsx.Question) (*message, error) {
	m, err := c.send(ctx, s, q, true)
	if err == nil && (m.rcode == dnsx.FormErr || m.rcode == dnsx.BadVers) && !q.DNSSEC {
		return c.send(ctx, s, q, false)
	}
	return m, err
}

func (c *Client) send(ctx context.Context, s Server, q dnsx.Question, edns bool) (*message, error) {
	m, err := c.roundTrip(ctx, udp, s, newQuery(q, edns, c.trusts(s)))
	if err == nil && m.truncated {
		// RFC 2181, 9: what came with TC set is no answer.
		m, err = c.roundTrip(ctx, tcp, s, newQuery(q, edns, c.trusts(s)))
	}
	return m, err
}

// transport is a way to carry messages.
type transport struct {
	name string
	dial func(context.Context, netip.AddrPort) (net.Conn, error)
	send func(net.Conn, []byte) error
	next func(net.Conn) ([]byte, error) // the next message that comes in
}

var (
	// Every try has a new socket. It is connected: the kernel picks a random port
	// for it, drops what comes from other addresses and ports, and reports a port
	// that is closed. Together with the ID that makes some 30 bits to guess (RFC
	// 5452, 9.2).
	udp = transport{
		name: "udp",
		dial: func(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
			return new(net.Dialer).DialUDP(ctx, "udp", netip.AddrPort{}, to)
		},
		send: func(conn net.Conn, b []byte) error { _, err := conn.Write(b); return err },
		next: func(conn net.Conn) ([]byte, error) {
			b := make([]byte, 4096) // more than was offered, for servers that overdo it
			n, err := conn.Read(b)
			return b[:n], err
		},
	}

	// A message has its length in front, both in one segment (RFC 7766, 8).
	tcp = transport{
		name: "tcp",
		dial: func(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
			return new(net.Dialer).DialTCP(ctx, "tcp", netip.AddrPort{}, to)
		},
		send: func(conn net.Conn, b []byte) error {
			_, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...))
			return err
		},
		next: func(conn net.Conn) ([]byte, error) {
			var size [2]byte
			if _, err := io.ReadFull(conn, size[:]); err != nil {
				return nil, err
			}
			b := make([]byte, binary.BigEndian.Uint16(size[:]))
			_, err := io.ReadFull(conn, b)
			return b, err
		},
	}
)

// roundTrip sends one query and waits for the reply to it. The error is
// errTimeout where ctx or the time for an exchange ended, a *malformedError where
// nothing better came than what cannot be read, or says what the network did.
func (c *Client) roundTrip(ctx context.Context, t transport, s Server, q *query) (*message, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout())
	defer cancel()
	start := time.Now()
	m, err := t.converse(ctx, s.Addr, q)
	switch {
	case err == nil:
		m.proto, m.at, m.rtt = t.name, time.Now().UTC().Round(0), time.Since(start) // Round: JSON has no monotonic clock
	case isMalformed(err):
	case ctx.Err() != nil:
		err = errTimeout
	default:
		err = networkError(t.name, err)
	}
	return m, err
}

func (t transport) converse(ctx context.Context, to netip.AddrPort, q *query) (*message, error) {
	conn, err := t.dial(ctx, to)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	// A deadline in the past wakes whoever reads or writes.
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := t.send(conn, q.packed); err != nil {
		return nil, err
	}
	var unreadable error
	for {
		b, err := t.next(conn)
		if err != nil {
			return nil, cmp.Or(unreadable, err)
		}
		m, err := readMessage(b, q)
		switch {
		case errors.Is(err, errNotOurs): // somebody's guess: the true reply may still come
		case err != nil:
			unreadable = err
		case m.truncated && t.name == "tcp":
			unreadable = &malformedError{What: "an answer cut short over TCP", At: 2}
		default:
			return m, nil
		}
	}
}

// networkError leaves out the addresses: the port of our side is another one every time.
func networkError(proto string, err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		err = op.Err
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("the server closed the connection")
	}
	return fmt.Errorf("%s: %w", proto, err)
}
