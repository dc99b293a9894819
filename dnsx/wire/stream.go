package wire

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"time"
)

// stream is a TCP connection that carries many messages at once, whose replies
// may come in any order (RFC 7766, 6.2.1.1). A writer and a reader go with it.
type stream struct {
	*link
	proto    string
	conn     net.Conn // nil while it is being made
	out      []byte   // what is still to be written
	wake     chan struct{}
	gone     context.Context // ends when the stream is closed
	end      context.CancelFunc
	last     uint16 // the ID used last
	answered bool
}

// stream is the connection for the next message: each server has one that takes
// messages (RFC 7766, 6.2.2).
func (u *upstream) stream(proto string, now time.Duration) *stream {
	for _, l := range u.links {
		if s := l.stream; s != nil && !l.retired && s.proto == proto {
			return s
		}
	}
	e := u.engine
	s := &stream{link: u.newLink(now), proto: proto, wake: make(chan struct{}, 1), last: e.random.uint16()}
	s.link.stream = s
	s.gone, s.end = context.WithCancel(e.life)
	e.wg.Go(s.run)
	return s
}

// add has the message written, together with others that wait (RFC 7766, 8). The
// ID is no secret here, but it is not used again at once.
func (s *stream) add(f *flight, now time.Duration) {
	for s.last++; s.pending[s.last] != nil; {
		s.last++ // the window is far smaller than the number of IDs
	}
	s.carry(f, s.last, now)
	at := len(s.out)
	s.out = f.query.pack(append(s.out, 0, 0))
	binary.BigEndian.PutUint16(s.out[at:], uint16(len(s.out)-at-2))
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// shut is called once, by link.close.
func (s *stream) shut() {
	s.end()
	if secure, ok := s.conn.(*tls.Conn); ok {
		secure.NetConn().Close() // to say good-bye could take a while
	} else if s.conn != nil {
		s.conn.Close()
	}
}

// run makes the connection and writes what is to be written until it is closed.
func (s *stream) run() {
	if err := s.connect(); err != nil {
		s.broken(networkError(s.proto, err))
		return
	}
	e := s.upstream.engine
	for spare := []byte(nil); ; {
		select {
		case <-s.gone.Done():
			return
		case <-s.wake:
		}
		e.mu.Lock()
		out := s.out
		s.out = spare[:0]
		e.mu.Unlock()
		s.conn.SetWriteDeadline(time.Now().Add(e.client.timeout()))
		if _, err := s.conn.Write(out); err != nil {
			s.broken(networkError(s.proto, err))
			return
		}
		spare = out
	}
}

func (s *stream) connect() error {
	e := s.upstream.engine
	ctx, cancel := context.WithTimeout(s.gone, e.client.timeout())
	defer cancel()
	conn, err := s.upstream.connect(ctx, s.proto)
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if s.closed {
		conn.Close()
		return net.ErrClosed
	}
	s.conn = conn
	e.wg.Go(s.read)
	return nil
}

// connect makes a connection, with TLS where the server is reached so.
func (u *upstream) connect(ctx context.Context, proto string) (net.Conn, error) {
	conn, err := u.engine.dial(ctx, protoTCP, u.server.Addr)
	if err != nil || proto != protoTLS {
		return conn, err
	}
	secure := tls.Client(conn, u.tls)
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return secure, nil
}

// read takes in what comes until the connection is closed.
func (s *stream) read() {
	r := bufio.NewReader(s.conn)
	var buf []byte
	come := make([]arrival, 1)
	for {
		b, err := nextMessage(r, buf)
		if err != nil {
			s.broken(networkError(s.proto, err))
			return
		}
		come[0].octets = b
		s.upstream.engine.receive(s.link, come)
		buf = b
	}
}

// nextMessage reads a message with its length in front, into buf where it fits.
func nextMessage(r io.Reader, buf []byte) ([]byte, error) {
	var size [2]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint16(size[:]))
	if cap(buf) < n {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	_, err := io.ReadFull(r, buf)
	return buf, err
}
