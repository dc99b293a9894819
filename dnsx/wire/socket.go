package wire

import (
	"crypto/rand"
	"encoding/binary"
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
	socketRun      = 16 // messages that leave by one socket in a row, in one system call if they may leave at once
)

// socket is a connected UDP socket. The kernel drops what comes from elsewhere;
// the port makes some 15 bits to guess, the ID 16 (RFC 5452, 9.2).
type socket struct {
	*link
	conn    packets
	carried int
	guesses int
	spent   [1 << 16 / 64]uint64 // the IDs that were used: none is used twice on one socket
}

// socket is a socket for the next message of a task, another one than it had before.
func (u *upstream) socket(t *task, now time.Duration) (s *socket, err error) {
	if u.run > 0 && u.present.fits(t, now) {
		u.run--
		return u.present, nil
	}
	if s, err = u.pick(t, now); err == nil {
		u.present, u.run = s, socketRun-1
	}
	return s, err
}

// pick picks a socket by chance, or opens one.
func (u *upstream) pick(t *task, now time.Duration) (*socket, error) {
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
	s := &socket{link: u.newLink(now), conn: newPackets(conn)}
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

// read takes in what comes until the socket is closed.
func (s *socket) read() {
	e := s.upstream.engine
	in, come := newMessages(maxReceive, 4096), make([]arrival, maxReceive) // more octets than are offered, for servers that overdo it
	for {
		n, err := s.conn.read(in)
		if err != nil {
			s.broken(networkError(protoUDP, err))
			return
		}
		for i := range n {
			come[i].octets = in[i].Buffers[0][:in[i].N]
		}
		e.receive(s.link, come[:n])
	}
}

// stray counts the guesses among the messages that nobody waited for: those with
// an ID that was never used here. Others are late or come twice.
func (s *socket) stray(b []byte) {
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
