package wire

import (
	"errors"
	"net"
	"runtime"

	"golang.org/x/net/ipv4"
)

// So many messages are taken from a socket, and so many are sent, before anything
// else is done: what one system call costs is shared by them.
const (
	maxReceive = 16
	maxSend    = 64
)

// packets is a connected UDP socket that gives and takes many messages at a time.
type packets interface {
	// read waits until there is a message, and returns how many of in it has filled.
	read(in []ipv4.Message) (n int, err error)
	// write sends messages in their order. An error may be that of a message before.
	write(out []ipv4.Message) error
	close()
}

// newPackets makes the most of a socket: Linux has system calls for many messages
// (recvmmsg, sendmmsg), which take those of IPv6 as well.
func newPackets(conn net.Conn) packets {
	if udp, ok := conn.(*net.UDPConn); ok && runtime.GOOS == "linux" {
		return &many{conn: ipv4.NewPacketConn(udp)}
	}
	return single{conn}
}

func newMessages(n, size int) []ipv4.Message {
	ms, buffers, octets := make([]ipv4.Message, n), make([][]byte, n), make([]byte, n*size)
	for i := range ms {
		buffers[i] = octets[i*size : (i+1)*size : (i+1)*size]
		ms[i].Buffers = buffers[i : i+1 : i+1]
	}
	return ms
}

// many is a socket with system calls for many messages.
type many struct{ conn *ipv4.PacketConn }

func (m *many) read(in []ipv4.Message) (n int, err error) { return m.conn.ReadBatch(in, 0) }

func (m *many) write(out []ipv4.Message) error {
	for len(out) > 0 {
		n, err := m.conn.WriteBatch(out, 0)
		if err != nil {
			return err
		}
		out = out[n:]
	}
	return nil
}

func (m *many) close() { m.conn.Close() }

// single is any socket.
type single struct{ conn net.Conn }

func (s single) read(in []ipv4.Message) (n int, err error) {
	in[0].N, err = s.conn.Read(in[0].Buffers[0])
	return 1, err
}

func (s single) write(out []ipv4.Message) error {
	for i := range out {
		if _, err := s.conn.Write(out[i].Buffers[0]); err != nil {
			return err
		}
	}
	return nil
}

func (s single) close() { s.conn.Close() }

// outbox gathers messages until they are sent.
type outbox struct {
	n        int
	flights  [maxSend]*flight
	sockets  [maxSend]*socket
	messages []ipv4.Message
}

func newOutbox() *outbox { return &outbox{messages: newMessages(maxSend, maxQuery)} }

func (o *outbox) add(f *flight, s *socket) {
	o.flights[o.n], o.sockets[o.n] = f, s
	o.n++
}

func (o *outbox) full() bool { return o.n == maxSend }

// send empties the outbox. Its caller does not hold mu.
func (o *outbox) send() {
	for i, f := range o.flights[:o.n] {
		b := o.messages[i].Buffers
		b[0] = f.query.pack(b[0][:0])
	}
	for first, end := 0, 0; first < o.n; first = end {
		s := o.sockets[first]
		for end = first; end < o.n && o.sockets[end] == s; {
			end++
		}
		if err := s.conn.write(o.messages[first:end]); err != nil && !errors.Is(err, net.ErrClosed) {
			s.broken(networkError(protoUDP, err))
		}
	}
	clear(o.flights[:o.n])
	clear(o.sockets[:o.n])
	o.n = 0
}
