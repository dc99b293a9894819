package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync/atomic"

	"github.com/mailcheck-go/mailcheck/dnsx"
)

// server is a recursive name server on loopback that knows one world at a time.
type server struct {
	world atomic.Pointer[world]
	udp   *net.UDPConn
	tcp   net.Listener
}

func listen() (*server, error) {
	for {
		udp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			return nil, err
		}
		tcp, err := net.Listen("tcp4", udp.LocalAddr().String())
		if err != nil { // somebody else has that port
			udp.Close()
			continue
		}
		s := &server{udp: udp, tcp: tcp}
		go s.serveUDP()
		go s.serveTCP()
		return s, nil
	}
}

func (s *server) addr() netip.AddrPort { return s.udp.LocalAddr().(*net.UDPAddr).AddrPort() }

func (s *server) close() {
	s.udp.Close()
	s.tcp.Close()
}

func (s *server) serveUDP() {
	var buf [4096]byte
	for {
		n, from, err := s.udp.ReadFromUDPAddrPort(buf[:])
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if reply := s.answer(buf[:max(n, 0)], false); err == nil && reply != nil {
			_, _ = s.udp.WriteToUDPAddrPort(reply, from)
		}
	}
}

func (s *server) serveTCP() {
	for {
		c, err := s.tcp.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			for {
				var size [2]byte
				if _, err := io.ReadFull(c, size[:]); err != nil {
					return
				}
				q := make([]byte, binary.BigEndian.Uint16(size[:]))
				if _, err := io.ReadFull(c, q); err != nil {
					return
				}
				reply := s.answer(q, true)
				if _, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...)); err != nil {
					return
				}
			}
		}()
	}
}

// soa stands in negative answers, whoever asked.
var soa = append(make([]byte, 2), make([]byte, 20)...)

// answer packs a reply; nil where there is nothing to reply to. To a question that cannot
// be read it is FORMERR, so that nobody waits.
func (s *server) answer(q []byte, stream bool) []byte {
	if len(q) < 12 {
		return nil
	}
	unreadable := []byte{q[0], q[1], 0x80 | q[2]&1, 0x80 | byte(dnsx.FormErr), 0, 0, 0, 0, 0, 0, 0, 0}
	if q[5] != 1 {
		return unreadable
	}
	name, at, err := dnsx.UnpackName(q, 12)
	if err != nil || at+4 > len(q) {
		return unreadable
	}
	qtype := dnsx.Type(binary.BigEndian.Uint16(q[at:]))
	at += 4
	room, edns := 512, false
	if opt := q[at:]; q[11] == 1 && len(opt) >= 11 && opt[0] == 0 && opt[2] == 41 {
		room, edns = max(512, int(binary.BigEndian.Uint16(opt[3:]))), true
	}
	reply := append([]byte{q[0], q[1], 0x80 | q[2]&1, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, q[12:at]...)
	w := s.world.Load()
	a, err := w.Resolve(context.Background(), dnsx.Q(name, qtype))
	var failure *dnsx.Failure
	switch {
	case errors.As(err, &failure):
		reply[3] |= byte(failure.RCode)
	default:
		reply[3] |= byte(a.RCode)
		for _, rr := range append(a.Chain[:len(a.Chain):len(a.Chain)], a.Records...) {
			reply = appendRecord(reply, rr, name, w.lower)
			reply[7]++
		}
		if len(a.Records) == 0 {
			reply = appendRecord(reply, dnsx.RR{Name: ".", Type: dnsx.TypeSOA, Data: soa}, name, true)
			reply[9]++
		}
	}
	if !stream && len(reply) > room {
		reply = reply[:at]
		reply[2] |= 2 // TC
		reply[7], reply[9] = 0, 0
	}
	if edns {
		reply = append(reply, 0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0)
		reply[11]++
	}
	return reply
}

// appendRecord packs a record; that of the name asked for has its spelling,
// and some names in RDATA are in capital letters.
func appendRecord(b []byte, rr dnsx.RR, asked string, lower bool) []byte {
	if rr.Name == asked {
		b = append(b, 0xc0, 12)
	} else {
		b = append(b, target(rr.Name)...)
	}
	b = binary.BigEndian.AppendUint16(b, uint16(rr.Type))
	b = append(b, 0, 1)
	b = binary.BigEndian.AppendUint32(b, rr.TTL)
	b = binary.BigEndian.AppendUint16(b, uint16(len(rr.Data)))
	at := len(b)
	b = append(b, rr.Data...)
	switch rr.Type {
	case dnsx.TypeMX:
		at += 2
	case dnsx.TypeCNAME, dnsx.TypePTR:
	default:
		return b
	}
	if !lower && len(b)%4 == 0 { // the octets of lengths are no letters
		copy(b[at:], bytes.ToUpper(b[at:]))
	}
	return b
}
