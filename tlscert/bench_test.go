package tlscert_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/tlscert"
)

const (
	benchServers = 200
	serveEnv     = "TLSCERT_TEST_SERVE"
)

// serveBench is the other side of the benchmarks, in a process of its own so that its
// CPU is not counted: a server with a certificate of its own at each of 200 addresses. It
// ends with its standard input.
func serveBench() {
	servers := map[string]func(net.Conn){}
	for i := range benchServers {
		cert := newServer(words("names", benchName(i))).Certificate
		servers[benchAddr(i)] = serveTLS(&tls.Config{Certificates: []tls.Certificate{cert}})
	}
	port := listen(&testing.B{}, servers)
	fmt.Println(port, base64.StdEncoding.EncodeToString(testPKI().public.cert.Raw))
	io.Copy(io.Discard, os.Stdin)
}

func benchName(i int) string { return fmt.Sprintf("h%d.acme.example", i) }
func benchAddr(i int) string { return fmt.Sprintf("127.0.1.%d", i+1) }

// bench is what both sides of the comparison do.
type bench struct {
	port    uint16
	roots   *x509.CertPool
	zone    *dnstest.Resolver
	options tlscert.Options
	rules   []check.Rule[*tlscert.Analysis]
}

func newBench(b *testing.B) *bench {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), serveEnv+"=1")
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	require.NoError(b, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, cmd.Start())
	b.Cleanup(func() {
		stdin.Close()
		cmd.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(b, err)
	x := &bench{roots: x509.NewCertPool()}
	var root string
	_, err = fmt.Sscan(line, &x.port, &root)
	require.NoError(b, err)
	x.roots.AddCert(must(x509.ParseCertificate(must(base64.StdEncoding.DecodeString(root)))))
	x.rules = tlscert.Rules(tlscert.Settings{Roots: x.roots})

	var zone strings.Builder
	x.options = tlscert.Options{Prober: &tlscert.Prober{AllowPrivate: loopback}, Now: func() time.Time { return now }}
	for i := range benchServers {
		fmt.Fprintf(&zone, "%s. A %s\n", benchName(i), benchAddr(i))
		x.options.Hosts = append(x.options.Hosts, tlscert.Host{Name: benchName(i), Port: x.port})
	}
	x.zone = dnstest.Must(zone.String())
	return x
}

// discover is everything: addresses, handshakes, parsing, and all rules.
func (x *bench) discover(b *testing.B) {
	f, err := tlscert.Discover(b.Context(), x.zone, "acme.example", x.options)
	require.NoError(b, err)
	a := tlscert.Analyze(f)
	for _, h := range a.Hosts {
		if h.Seen != 1 {
			b.Fatal(h.Gaps)
		}
	}
	for _, r := range check.Apply(a, x.rules) {
		if r.Outcome == check.Fail {
			b.Fatal(r.ID, r.Findings[0].Detail)
		}
	}
}

// bare is the least that it could cost: dial, shake hands, verify, close.
func (x *bench) bare(b *testing.B) {
	var wg sync.WaitGroup
	for i := range benchServers {
		wg.Go(func() {
			conn, err := tls.Dial("tcp", netip.AddrPortFrom(netip.MustParseAddr(benchAddr(i)), x.port).String(), &tls.Config{
				ServerName: benchName(i), RootCAs: x.roots, Time: func() time.Time { return now },
			})
			if err != nil {
				b.Error(err)
				return
			}
			conn.NetConn().Close()
		})
	}
	wg.Wait()
}

func benchCPU(b *testing.B, do func(*testing.B)) {
	b.ReportAllocs()
	start := cpu()
	for b.Loop() {
		do(b)
	}
	b.ReportMetric(float64(cpu()-start)/float64(b.N)/1e6, "cpu-ms/op")
}

// BenchmarkDiscover200 looks at 200 hosts, BenchmarkBareLoop200 does the least.
func BenchmarkDiscover200(b *testing.B) { benchCPU(b, newBench(b).discover) }

func BenchmarkBareLoop200(b *testing.B) { benchCPU(b, newBench(b).bare) }

// BenchmarkRatio200 does one after the other, so that what else the machine does
// weighs on both: cpu-ratio and wall-ratio are those of everything to the least.
func BenchmarkRatio200(b *testing.B) {
	x := newBench(b)
	var busy, took [2]time.Duration
	for b.Loop() {
		for i, do := range []func(*testing.B){x.bare, x.discover} {
			start, clock := cpu(), time.Now()
			do(b)
			busy[i], took[i] = busy[i]+cpu()-start, took[i]+time.Since(clock)
		}
	}
	b.ReportMetric(float64(busy[1])/float64(busy[0]), "cpu-ratio")
	b.ReportMetric(float64(took[1])/float64(took[0]), "wall-ratio")
}

func BenchmarkAnalyze(b *testing.B) {
	w := parseWorld("acme.example", "192.0.2.1\n192.0.2.2 same=192.0.2.1")
	f, err := tlscert.Discover(b.Context(), dnstest.Must("acme.example. A 192.0.2.1\nacme.example. A 192.0.2.2"), "acme.example", w.options(""))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if a := tlscert.Analyze(f); len(a.Hosts[0].Leaves) != 1 {
			b.Fatal("not one leaf")
		}
	}
}

func BenchmarkRules(b *testing.B) {
	w := parseWorld("acme.example", "192.0.2.1")
	f, err := tlscert.Discover(b.Context(), dnstest.Must("acme.example. A 192.0.2.1"), "acme.example", w.options(""))
	if err != nil {
		b.Fatal(err)
	}
	rules := tlscert.Rules(tlscert.Settings{Roots: testPKI().roots})
	b.ReportAllocs()
	for b.Loop() {
		for _, r := range check.Apply(tlscert.Analyze(f), rules) {
			if r.Outcome == check.Fail {
				b.Fatal(r.ID, r.Outcome)
			}
		}
	}
}
