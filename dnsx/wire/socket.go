package wire

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"net"
	"time"
)

// A server has so many sockets, each with a port of its own, and another one as
// soon as those that are open carry so many messages on average. After so many
// messages, so long a time or so many guesses, a socket takes nothing more: what
// was learned about its port is worth nothing then.
const (
	maxSockets     = 8
	perSocket      = 8
	socketMessages = 4096
	socketAge      = 10 * time.Second
	socketGuesses  = 256
)

// socket is a connected UDP socket. The kernel drops what comes from elsewhere;
// the port makes some 15 bits to guess, the ID 16 (RFC 5452, 9.2).
type socket struct {
	*link
	conn    net.Conn
	carried int
	guesses int
	spent   [1 << 16 / 64]uint64 // the IDs that were used: none is used twice on one socket
}

// socket is a socket for the next message of a task, another one than it had before.
func (u *upstream) socket(t *task, now time.Duration) (*socket, error) {
	fit, load := 0, 0
	for _, l := range u.links {
		if l.fits(t, now) {
			fit++
			load += len(l.pending)
		}
	}
	if fit == 0 || fit < maxSockets && load >= perSocket*fit {
		return u.open(now)
	}
	at := int(u.engine.random.uint16()) % fit
	for _, l := range u.links {
		if l.fits(t, now) {
			if at--; at < 0 {
				return l.socket, nil
			}
		}
	}
	return u.open(now)
}

// fits reports whether a link is a socket that may carry the next message of a task.
// What is not open to new messages any more is closed with its last one, or for
// idleness.
func (l *link) fits(t *task, now time.Duration) bool {
	s := l.socket
	if s == nil || l.retired {
		return false
	}
	if s.carried >= socketMessages || s.guesses >= socketGuesses || now >= l.opened+socketAge {
		l.retired = true
		return false
	}
	for _, f := range t.flights {
		if f.link == l {
			return false
		}
	}
	return true
}

func (u *upstream) open(now time.Duration) (*socket, error) {
	e := u.engine
	conn, err := e.dial(e.life, protoUDP, u.server.Addr)
	if err != nil {
		return nil, err
	}
	s := &socket{link: u.newLink(now), conn: conn}
	s.link.socket = s
	e.wg.Go(s.read)
	return s, nil
}

// add gives the message an ID, which is a secret (RFC 5452, 4.3).
func (s *socket) add(f *flight, now time.Duration) {
	id := s.upstream.engine.random.uint16()
	for s.knows(id) {
		id++ // at most socketMessages are taken
	}
	s.spent[id/64] |= 1 << (id % 64)
	s.carried++
	s.carry(f, id, now)
}

func (s *socket) knows(id uint16) bool { return s.spent[id/64]&(1<<(id%64)) != 0 }

// write sends a message. An error may be that of a message before.
func (s *socket) write(packet []byte) error {
	if _, err := s.conn.Write(packet); err != nil && !errors.Is(err, net.ErrClosed) {
		return networkError(protoUDP, err)
	}
	return nil
}

// read takes in what comes until the socket is closed.
func (s *socket) read() {
	e := s.upstream.engine
	buf := make([]byte, 4096) // more than is offered, for servers that overdo it
	for {
		n, err := s.conn.Read(buf)
		if err != nil {
			s.broken(networkError(protoUDP, err))
			return
		}
		if !e.receive(s.link, buf[:n]) {
			s.stray(buf[:n])
		}
	}
}

// stray counts the guesses among the messages that nobody waited for: those with
// an ID that was never used here. Others are late or come twice.
func (s *socket) stray(b []byte) {
	e := s.upstream.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(b) >= headerSize && !s.knows(binary.BigEndian.Uint16(b)) {
		s.guesses++
	}
}

// random is a store of octets that nobody can foresee.
type random struct {
	octets [512]byte
	left   int
}

func (r *random) take(n int) []byte {
	if r.left < n {
		rand.Read(r.octets[:]) // it never fails
		r.left = len(r.octets)
	}
	r.left -= n
	return r.octets[r.left : r.left+n]
}

func (r *random) uint16() uint16 { return binary.NativeEndian.Uint16(r.take(2)) }
func (r *random) uint64() uint64 { return binary.NativeEndian.Uint64(r.take(8)) }
