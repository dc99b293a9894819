package wire

import (
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"
)

// idle is the time after which a socket or connection that carries nothing is closed.
const idle = 3 * time.Second

// link is what sockets and connections have in common: it carries messages to one
// server, and knows which replies may come on it.
type link struct {
	upstream *upstream
	socket   *socket // this or
	stream   *stream // that
	https    *https  // or that
	pending  map[uint16]*flight
	used     time.Duration // last
	opened   time.Duration
	retired  bool // it takes nothing more
	closed   bool
}

func (u *upstream) newLink(now time.Duration) *link {
	l := &link{upstream: u, pending: map[uint16]*flight{}, used: now, opened: now}
	u.links = append(u.links, l)
	u.engine.arm(now + idle)
	return l
}

// carry notes that the message with that ID is on its way.
func (l *link) carry(f *flight, id uint16, now time.Duration) {
	f.link, f.key, f.query.id = l, id, id
	l.pending[id] = f
	l.used = now
}

// flightOf is the message that a reply with this header may answer, nil for none.
func (l *link) flightOf(b []byte) *flight {
	if len(b) < 2 {
		return nil
	}
	return l.pending[uint16(b[0])<<8|uint16(b[1])]
}

func (l *link) remove(f *flight) {
	if l == nil { // it was never sent, or has ended
		return
	}
	delete(l.pending, f.key)
	f.link = nil
	if f.cancel != nil {
		f.cancel()
	}
	if l.retired && len(l.pending) == 0 {
		l.close()
	}
}

func (l *link) close() {
	if l.closed {
		return
	}
	l.closed, l.retired = true, true
	l.upstream.links = slices.DeleteFunc(l.upstream.links, func(m *link) bool { return m == l })
	switch {
	case l.socket != nil:
		l.socket.conn.close()
	case l.stream != nil:
		l.stream.shut()
	default:
		l.https.client.CloseIdleConnections()
	}
}

// broken ends the link, and the wait for all that it carries. Its caller does not
// hold mu.
func (l *link) broken(err error) {
	e := l.upstream.engine
	e.mu.Lock()
	if !l.closed {
		l.close()
		for _, f := range l.pending {
			f.lost(err)
		}
	}
	e.pump()
}

// networkError leaves out the addresses, of which the port of our side is another
// one every time, and the system call.
func networkError(proto string, err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		err = op.Err
	}
	if call, ok := errors.AsType[*os.SyscallError](err); ok {
		err = call.Err
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) {
		err = errors.New("the server closed the connection")
	}
	return &wayError{proto: proto, cause: err}
}

// wayError says what is wrong with the way to a server.
type wayError struct {
	proto string
	cause error
}

func (e *wayError) Error() string {
	return e.proto + ": " + strings.TrimPrefix(e.cause.Error(), e.proto+": ")
}

func (e *wayError) Unwrap() error { return e.cause }
