package tlscert_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/mailcheck-go/mailcheck/tlscert"
)

// script is what a server does on one connection, a line each:
//
//	S: text      sends the text; lines that follow each other leave together
//	C: text      reads a line, which has to be this one
//	TLS          shakes hands as a server
//	STALL        shakes hands, of which no more than 200 octets leave
//	DRIP: text   sends the text again and again, an octet a second
//	FLOOD: text  sends the text again and again, as fast as it is taken
//	SILENT       says nothing more until the client goes
//	DEAF         from here on drops what comes, whatever follows
//
// After the last line the server hangs up.
type script string

// stage plays scripts to whoever connects, over pipes: the first one to the first
// connection, and the last one to all that are left.
type stage struct {
	config  *tls.Config
	scripts []script

	mu    sync.Mutex
	plays int
	wrong []string // lines that clients should have sent
	wg    sync.WaitGroup
}

// DialContext connects to the next script.
func (s *stage) DialContext(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	s.mu.Lock()
	defer s.mu.Unlock()
	play := s.scripts[min(s.plays, len(s.scripts)-1)]
	s.plays++
	s.wg.Go(func() {
		defer server.Close()
		s.play(play, server)
	})
	return client, nil
}

func (s *stage) play(play script, raw net.Conn) {
	conn := raw
	r := bufio.NewReader(conn)
	lines := strings.Split(strings.TrimSpace(string(play)), "\n")
	for i := 0; i < len(lines); i++ {
		verb, text := parseLine(lines[i])
		var err error
		switch verb {
		case "S":
			for ; i+1 < len(lines) && strings.HasPrefix(strings.TrimSpace(lines[i+1]), "S:"); i++ {
				_, more := parseLine(lines[i+1])
				text += "\r\n" + more
			}
			_, err = conn.Write([]byte(text + "\r\n"))
		case "C":
			var line string
			if line, err = r.ReadString('\n'); strings.TrimSuffix(line, "\r\n") != text {
				s.mu.Lock()
				s.wrong = append(s.wrong, fmt.Sprintf("want %q, got %q (%v)", text, line, err))
				s.mu.Unlock()
			}
		case "TLS":
			server := tls.Server(raw, s.config)
			err = server.Handshake()
			conn, r = server, bufio.NewReader(server)
		case "STALL":
			err = tls.Server(&stalling{Conn: raw, left: 200}, s.config).Handshake()
		case "DRIP":
			for j := 0; err == nil; j++ {
				_, err = conn.Write([]byte{text[j%len(text)]})
				time.Sleep(time.Second)
			}
		case "FLOOD":
			for err == nil {
				_, err = conn.Write([]byte(text))
			}
		case "DEAF":
			s.wg.Go(func() { io.Copy(io.Discard, raw) })
		case "SILENT":
			for b := make([]byte, 1024); err == nil; {
				_, err = conn.Read(b)
			}
		default:
			panic("no such verb: " + verb)
		}
		if err != nil {
			return
		}
	}
}

// stalling takes everything and passes on the first octets.
type stalling struct {
	net.Conn
	left int
}

func (c *stalling) Write(b []byte) (int, error) {
	n := min(len(b), c.left)
	c.left -= n
	if n == 0 {
		return len(b), nil
	}
	_, err := c.Conn.Write(b[:n])
	return len(b), err
}

func parseLine(line string) (verb, text string) {
	verb, text, _ = strings.Cut(strings.TrimSpace(line), ":")
	return verb, unescape(strings.TrimPrefix(text, " "))
}

// unescape knows \r, \n, \0, \e (an invalid octet) and nothing else.
func unescape(s string) string {
	return strings.NewReplacer(`\r`, "\r", `\n`, "\n", `\0`, "\x00", `\e`, "\xff").Replace(s)
}

// end waits until all plays are over, and says which lines did not come.
func (s *stage) end() []string {
	s.wg.Wait()
	return s.wrong
}

func newStage(scripts ...script) *stage {
	return &stage{config: &tls.Config{Certificates: []tls.Certificate{newServer(words()).Certificate}}, scripts: scripts}
}

var (
	somewhere = netip.MustParseAddr("192.0.2.1")
	allowed   = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")}
)

// stageTime is generous where time is real.
const stageTime = time.Minute

func (s *stage) prober() *tlscert.Prober {
	return &tlscert.Prober{Dialer: s, AllowPrivate: allowed, Timeout: stageTime}
}

// names are those of the stages that were passed.
func names(stages []tlscert.Stage) []tlscert.StageName {
	var all []tlscert.StageName
	for _, s := range stages {
		all = append(all, s.Name)
	}
	return all
}

// slow is a network on which connecting takes its time, and so does what is written
// first after something was read.
type slow struct {
	tlscert.Dialer
	delay time.Duration
}

func (s slow) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	time.Sleep(s.delay)
	conn, err := s.Dialer.DialContext(ctx, network, address)
	return &slowConn{Conn: conn, delay: s.delay}, err
}

type slowConn struct {
	net.Conn
	delay time.Duration
	reads int
}

func (c *slowConn) Read(b []byte) (int, error) {
	if c.reads++; c.reads < 5 { // greeting, capabilities, consent, hello
		time.Sleep(map[int]time.Duration{1: c.delay, 2: c.delay, 4: c.delay}[c.reads])
	}
	return c.Conn.Read(b)
}
