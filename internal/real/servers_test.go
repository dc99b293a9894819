package real_test

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/wire"
)

// loopback is where all servers listen, and all that they may ask.
const loopback = "127.0.0.1"

// untilGone runs a program until its standard input ends. That input is a pipe from
// the test: it ends with the test, however the test ends. A program that does not end
// when it is told to has five seconds.
const untilGone = `exec 3<&0
"$@" 3<&- &
pid=$!
{
	read -r _ <&3
	kill "$pid" 2>/dev/null
	n=0
	while [ $n -lt 50 ] && kill -0 "$pid" 2>/dev/null; do sleep 0.1; n=$((n+1)); done
	kill -9 "$pid" 2>/dev/null
} &
exec 3<&-
wait "$pid"`

// server is a name server that runs.
type server struct {
	addr netip.AddrPort
	log  string // path
	done chan struct{}
}

// start runs a name server on a free port, and waits until it answers. The
// configuration is made for a port and a folder of its own. A port that somebody took meanwhile costs a try.
func start(t *testing.T, name string, configure func(own string, port uint16) string, args ...string) *server {
	t.Helper()
	var s *server
	for range 3 {
		dir := t.TempDir()
		s = &server{addr: freePort(t), log: filepath.Join(dir, name+".log"), done: make(chan struct{})}
		conf := filepath.Join(dir, name+".conf")
		require.NoError(t, os.WriteFile(conf, []byte(configure(dir, s.addr.Port())), 0o600))
		s.run(t, append([]string{program(name), "-d", "-c", conf}, args...))
		if s.answers(t) {
			return s
		}
	}
	log, _ := os.ReadFile(s.log)
	require.FailNow(t, name+" does not start", string(log))
	return nil
}

func (s *server) run(t *testing.T, command []string) {
	t.Helper()
	log, err := os.Create(s.log)
	require.NoError(t, err)
	cmd := exec.Command("sh", append([]string{"-c", untilGone, "sh"}, command...)...)
	cmd.Stdout, cmd.Stderr, cmd.Dir = log, log, filepath.Dir(s.log)
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	go func() {
		_ = cmd.Wait() // a server that was told to end may end as it likes
		close(s.done)
	}()
	t.Cleanup(func() {
		_ = stdin.Close()
		<-s.done
		_ = log.Close()
	})
}

// answers waits until the server answers for the root, which each of them does here.
func (s *server) answers(t *testing.T) bool {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		// A client that found nobody waits before it asks there again: take a new one.
		c := &wire.Client{Servers: []wire.Server{{Addr: s.addr}}, Timeout: time.Second, Tries: 1}
		_, err := c.Resolve(t.Context(), dnsx.Q(".", dnsx.TypeNS))
		_ = c.Close()
		if err == nil {
			return true
		}
		select {
		case <-s.done:
			return false
		case <-time.After(10 * time.Millisecond):
		}
	}
	return false
}

// client asks this server, no more at a time than its sockets hold: a resolver that
// loses packets doubts that the other side knows EDNS, and then nothing validates.
func (s *server) client(t *testing.T) *dnsx.Limit {
	t.Helper()
	c := &wire.Client{Servers: []wire.Server{{Addr: s.addr}}}
	t.Cleanup(func() { _ = c.Close() })
	return &dnsx.Limit{Next: c, Max: 64}
}

// freePort finds a port that is free over UDP and TCP.
func freePort(t *testing.T) netip.AddrPort {
	t.Helper()
	for range 20 {
		tcp, err := net.Listen("tcp4", loopback+":0")
		require.NoError(t, err)
		addr := tcp.Addr().(*net.TCPAddr).AddrPort()
		udp, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(addr))
		_ = tcp.Close()
		if err == nil {
			_ = udp.Close()
			return addr
		}
	}
	require.FailNow(t, "no port is free")
	return netip.AddrPort{}
}

// startNSD serves the zones of a folder that world.write has written.
func startNSD(t *testing.T, dir string, apexes []string) *server {
	t.Helper()
	return start(t, "nsd", func(own string, port uint16) string {
		var b strings.Builder
		// As whoever runs the tests; with no other files than the configuration and the
		// zones; as fast as it is asked.
		fmt.Fprintf(&b, `server:
  ip-address: %s@%d
  do-ip6: no
  server-count: 1
  username: ""
  chroot: ""
  zonesdir: %q
  database: ""
  pidfile: ""
  zonelistfile: %q
  xfrdfile: ""
  rrl-ratelimit: 0
  rrl-whitelist-ratelimit: 0
remote-control:
  control-enable: no
`, loopback, port, dir, filepath.Join(own, "zone.list"))
		for _, apex := range apexes {
			fmt.Fprintf(&b, "zone:\n  name: %q\n  zonefile: %q\n", apex, fileOf(apex))
		}
		return b.String()
	})
}

// startUnbound resolves the zones, for which it asks the authority alone. The root is
// one of them, so there is nobody else to ask: who a zone delegates to is not
// reached, on any address but loopback. With a trust anchor it validates.
//
// What is below an alias to a name that does not exist is asked for (harden-below-nxdomain):
// NSD serves the target's zone too, and says NXDOMAIN with the alias. Unbound would
// take that for the alias and what is below it, against RFC 8020, 2, with the wrong SOA.
func startUnbound(t *testing.T, authority *server, apexes []string, anchor string) *server {
	t.Helper()
	return start(t, "unbound", func(_ string, port uint16) string {
		var b strings.Builder
		fmt.Fprintf(&b, `server:
  interface: %[1]s
  port: %[2]d
  outgoing-interface: %[1]s
  do-ip6: no
  access-control: %[1]s allow
  do-not-query-localhost: no
`, loopback, port)
		for _, block := range notLoopback {
			fmt.Fprintf(&b, "  do-not-query-address: %s\n", block)
		}
		b.WriteString(`  username: ""
  chroot: ""
  directory: ""
  pidfile: ""
  use-syslog: no
  logfile: ""
  num-threads: 1
  outgoing-range: 1024
  num-queries-per-thread: 2048
  unblock-lan-zones: yes
  insecure-lan-zones: yes
  target-fetch-policy: "0 0 0 0 0"
  rrset-roundrobin: yes
  harden-below-nxdomain: no
  ede: yes
  val-log-level: 2
`)
		if anchor == "" {
			b.WriteString("  module-config: \"iterator\"\n")
		} else {
			fmt.Fprintf(&b, "  module-config: \"validator iterator\"\n  trust-anchor: %q\n", anchor)
		}
		b.WriteString("remote-control:\n  control-enable: no\n")
		for _, apex := range apexes {
			fmt.Fprintf(&b, "stub-zone:\n  name: %q\n  stub-addr: %s@%d\n", apex, loopback, authority.addr.Port())
		}
		return b.String()
	})
}

// notLoopback is every address but 127.0.0.0/8.
var notLoopback = []string{
	"0.0.0.0/2", "64.0.0.0/3", "96.0.0.0/4", "112.0.0.0/5", "120.0.0.0/6", "124.0.0.0/7", "126.0.0.0/8", "128.0.0.0/1", "::/0",
}
