package cli_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/internal/cli"
)

// saved is what was seen of help.acme.example: one of its two addresses still serves a
// certificate with 9 of 90 days left.
const saved = "--ca ../../examples/facts/root.pem ../../examples/facts/help.acme.example.json"

func TestCertGolden(t *testing.T) {
	tests := []struct{ name, args string }{
		{"cert.txt", "judge " + saved},
		{"cert-ja.txt", "judge --lang ja " + saved},
		{"cert.json", "judge --format json " + saved},
		{"cert.ndjson", "judge --format ndjson " + saved},
		{"cert.nagios", "judge --format nagios " + saved},
		{"cert.prom", "judge --format prometheus " + saved},
		{"cert.ics", "judge --format ics " + saved},
		{"cert-expired.prom", "judge --format prometheus --at 2026-12-01T10:00:00Z " + saved},
		{"cert-expired.txt", "judge --at 2026-12-01T10:00:00Z " + saved},
		{"cert-file.txt", "cert --offline --zone ../../examples/zones --ca ../../examples/facts/root.pem ../../examples/facts/chain.pem"},
		{"cert-help.txt", "cert --help"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := run(t, nil, "", words(tt.args)...)
			require.Empty(t, got.err)
			golden(t, tt.name, got.out)
		})
	}
}

// clock is the time of run.
var clock = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// lab is an authority, and a server on loopback with a certificate of it.
type lab struct {
	dir  string
	ca   string // file
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newLab(t *testing.T) *lab {
	t.Helper()
	l := &lab{dir: t.TempDir()}
	l.cert, l.key = l.issue(t, "Lab CA", 1000, nil)
	l.ca = l.write(t, "ca.pem", l.cert)
	return l
}

// issue makes a certificate with so many of 90 days left.
func (l *lab) issue(t *testing.T, name string, days int, by *lab) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	end := clock.AddDate(0, 0, days)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(int64(days) + 1000), Subject: pkix.Name{CommonName: name}, NotBefore: end.AddDate(0, 0, -90), NotAfter: end.Add(-time.Second),
		BasicConstraintsValid: true,
	}
	parent, signer := c, key
	if by == nil {
		c.IsCA, c.KeyUsage, c.NotBefore = true, x509.KeyUsageCertSign, clock.AddDate(-2, 0, 0)
	} else {
		c.DNSNames, c.IPAddresses = []string{name}, []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), signer)
	require.NoError(t, err)
	c, err = x509.ParseCertificate(der)
	require.NoError(t, err)
	return c, key
}

func (l *lab) write(t *testing.T, name string, certs ...*x509.Certificate) string {
	t.Helper()
	file := filepath.Join(l.dir, name)
	var data []byte
	for _, c := range certs {
		if strings.HasSuffix(name, ".der") {
			data = append(data, c.Raw...)
		} else {
			data = append(data, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
		}
	}
	require.NoError(t, os.WriteFile(file, data, 0o600))
	return file
}

// serve shakes hands at addr, after a dialogue where there is one: what the server says
// first, and then for each line of the client.
func (l *lab) serve(t *testing.T, addr, name string, days int, dialogue ...string) (port string) {
	t.Helper()
	cert, key := l.issue(t, name, days, l)
	config := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{cert.Raw}, PrivateKey: key}}}
	listener, err := net.Listen("tcp", net.JoinHostPort(addr, "0"))
	require.NoError(t, err)
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				r := bufio.NewReader(conn)
				for i, line := range dialogue {
					if i > 0 {
						if _, err := r.ReadString('\n'); err != nil {
							return
						}
					}
					fmt.Fprint(conn, line+"\r\n")
				}
				server := tls.Server(conn, config)
				if server.Handshake() == nil {
					_, _ = server.Read(make([]byte, 1024)) // until the client has gone
				}
			}()
		}
	}()
	_, port, err = net.SplitHostPort(listener.Addr().String())
	require.NoError(t, err)
	return port
}

// refused is a port of loopback where nobody listens.
func refused(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	return port
}

const labZone = `
good.acme.example. A 127.0.0.1
late.acme.example. A 127.0.0.1
xn--bcher-kva.example. A 127.0.0.1
silent.acme.example. A !timeout
silent.acme.example. AAAA !timeout
mail.acme.example. A 127.0.0.1
`

func TestCert(t *testing.T) {
	l := newLab(t)
	good, late := l.serve(t, "127.0.0.1", "good.acme.example", 80), l.serve(t, "127.0.0.1", "late.acme.example", 9)
	umlaut, v6 := l.serve(t, "127.0.0.1", "xn--bcher-kva.example", 80), l.serve(t, "::1", "good.acme.example", 80)
	smtp := l.serve(t, "127.0.0.1", "mail.acme.example", 80, "220 mail.acme.example ESMTP", "250-mail.acme.example\r\n250 STARTTLS", "220 go ahead")
	imap := l.serve(t, "127.0.0.1", "mail.acme.example", 80, "* OK ready", "* CAPABILITY IMAP4rev1 STARTTLS\r\na1 OK done", "a2 OK go ahead")
	pop3 := l.serve(t, "127.0.0.1", "mail.acme.example", 80, "+OK ready", "+OK\r\nSTLS\r\n.", "+OK go ahead")
	leaf, _ := l.issue(t, "good.acme.example", 80, l)
	old, _ := l.issue(t, "good.acme.example", -1, l)
	chain, der, expired := l.write(t, "chain.pem", leaf, l.cert), l.write(t, "leaf.der", leaf), l.write(t, "expired.crt", old)
	empty := l.write(t, "empty.pem")
	closed := refused(t)

	tests := []struct {
		name string
		args string
		want int
		out  string // part of the output
		err  string // part of the diagnostics
	}{
		{"all is well", "good.acme.example:" + good, cli.Clean, "✓ Are the certificates valid, and until when?  yes", ""},
		{"9 of 90 days", "late.acme.example:" + late, cli.Found, "[cert.expiring]", ""},
		{"9 of 90 days are no fault below high with --crit 1d", "--fail-on high --crit 1d late.acme.example:" + late, cli.Clean, "[cert.expiring]", ""},
		{"and none at all with --warn 5d", "--warn 5d --crit 1d late.acme.example:" + late, cli.Clean, "yes", ""},
		{"an address", "127.0.0.1:" + good, cli.Clean, "yes", ""},
		{"an IPv6 address", "[::1]:" + v6, cli.Clean, "yes", ""},
		{"U-labels", "Bücher.example:" + umlaut, cli.Clean, "xn--bcher-kva.example:" + umlaut, ""},
		{"a URL", "https://good.acme.example:" + good + "/hc/en-us", cli.Clean, "good.acme.example:" + good, ""},
		{"another name in the handshake", "--server-name late.acme.example good.acme.example:" + good, cli.Found, "[cert.name-mismatch]", ""},
		{"without the authority", "--skip cert.self-signed good.acme.example:" + good + " --ca " + chain, cli.Clean, "yes", ""},
		{"an address that is given", "--resolve nowhere.example=127.0.0.1 nowhere.example:" + good, cli.Found, "[cert.name-mismatch]", ""},
		{"given with U-labels", "--resolve BÜCHER.example=127.0.0.1 bücher.example:" + umlaut, cli.Clean, "yes", ""},
		{"SMTP", "--starttls smtp mail.acme.example:" + smtp, cli.Clean, "yes", ""},
		{"IMAP", "--starttls imap mail.acme.example:" + imap, cli.Clean, "yes", ""},
		{"POP3", "--starttls pop3 mail.acme.example:" + pop3, cli.Clean, "yes", ""},
		{"the port of the protocol", "--offline --zone ../../examples/zones --starttls imap support.acme.example", cli.Clean, "support.acme.example:143", ""},
		{"PEM", chain, cli.Clean, "yes", ""},
		{"DER", der, cli.Clean, "yes", ""},
		{"a file that has expired", expired, cli.Found, "[cert.expired]", ""},
		{"a file and a host", chain + " late.acme.example:" + late, cli.Found, "2 hosts · 1 to mend · 1 fine", ""},
		{"a host twice", "good.acme.example:" + good + " GOOD.acme.example:" + good, cli.Clean, "good.acme.example:" + good + "\n\n", ""},
		{"no such name", "nowhere.example", cli.Found, "[dns.nxdomain]", ""},
		{"a name server that is silent", "silent.acme.example", cli.NotKnown, "timed out", ""},
		{"nobody listens", "good.acme.example:" + closed, cli.NotKnown, "connection refused", ""},
		{"what is found is worse than what is not known", "late.acme.example:" + late + " good.acme.example:" + closed, cli.Found, "connection refused", ""},

		{"nothing", "", cli.Usage, "", "name a host"},
		{"no host, and the other is checked", "a..example late.acme.example:" + late, cli.Usage, "[cert.expiring]", "a..example"},
		{"a mail address", "support@acme.example", cli.Usage, "", "HOST:PORT"},
		{"no port", "good.acme.example:65536", cli.Usage, "", "1 to 65535"},
		{"no protocol", "--starttls ftp good.acme.example", cli.Usage, "", "ftp"},
		{"no list", "--file " + filepath.Join(l.dir, "nowhere"), cli.Usage, "", "--file"},
		{"no file", filepath.Join(l.dir, "nowhere.pem"), cli.Usage, "", "nowhere.pem"},
		{"a file without certificates", empty, cli.Usage, "", "empty.pem"},
		{"--resolve without an address", "--resolve good.acme.example good.acme.example", cli.Usage, "", "HOST=ADDR"},
		{"--resolve with a name", "--resolve good.acme.example=a.example good.acme.example", cli.Usage, "", "a.example"},
		{"--resolve of no host", "--resolve a..b=127.0.0.1 good.acme.example", cli.Usage, "", "a..b"},
		{"--resolve of another host", "--resolve b.example=127.0.0.1 good.acme.example", cli.Usage, "", "b.example is none of the hosts"},
		{"--warn of nothing", "--warn 0d good.acme.example", cli.Usage, "", "--warn"},
		{"--crit before --warn", "--warn 7d --crit 30d good.acme.example", cli.Usage, "", "--crit 30d is more than --warn 7d"},
		{"shares the wrong way round", "--warn 1/6 --crit 1/3 good.acme.example", cli.Usage, "", "--crit 1/3 is more than --warn 1/6"},
		{"--ca without a certificate", "--ca cert_test.go good.acme.example", cli.Usage, "", "--ca"},
		{"--save of several to one file", "--save " + filepath.Join(l.dir, "one.json") + " good.acme.example late.acme.example", cli.Usage, "", "folder"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			args := "cert --ca " + l.ca + " --no-fetch " + tt.args
			got := run(t, dnstest.Must(labZone), "", words(args)...)
			assert.Equal(t, tt.want, got.code, got.err+got.out)
			assert.Contains(t, got.out, tt.out)
			assert.Contains(t, got.err, tt.err)
			if tt.err == "" {
				assert.Empty(t, got.err)
			}
		})
	}
}

// TestCertLists: one host a line, from a file and from standard input. A line that is
// none is named by its place, and the others are checked.
func TestCertLists(t *testing.T) {
	l := newLab(t)
	good, late := l.serve(t, "127.0.0.1", "good.acme.example", 80), l.serve(t, "127.0.0.1", "late.acme.example", 9)
	list := "# ours\n\n  good.acme.example:" + good + "  # the help centre\nnot a host\nlate.acme.example:" + late + "\n"
	file := filepath.Join(l.dir, "hosts")
	require.NoError(t, os.WriteFile(file, []byte(list), 0o600))
	for place, args := range map[string]string{file: "--file " + file, "standard input": "-"} {
		got := run(t, dnstest.Must(labZone), list, words("cert --no-fetch --ca "+l.ca+" "+args)...)
		assert.Equal(t, cli.Usage, got.code, place)
		assert.Contains(t, got.err, place+", line 4: ", place)
		assert.Contains(t, got.out, "2 hosts · 1 to mend · 1 fine", place)
		assert.Less(t, strings.Index(got.out, "late."), strings.Index(got.out, "good."), "the soonest first")

		got = run(t, dnstest.Must(labZone), list, words("cert --no-fetch --format nagios --ca "+l.ca+" "+args)...)
		assert.Equal(t, 2, got.code, "what is proven outranks a line that is none")
		assert.Contains(t, got.out, "not a host")
	}
	require.NoError(t, os.WriteFile(file, []byte("# nothing yet\n"), 0o600))
	got := run(t, dnstest.Must(labZone), "", "cert", "--file", file)
	assert.Equal(t, cli.Usage, got.code, "an empty list is a mistake, and would be a success for ever")
	assert.Contains(t, got.err, file)
}

// TestCertSaved: what is saved gives the same report, of each host in a folder.
func TestCertSaved(t *testing.T) {
	l := newLab(t)
	good, late := l.serve(t, "127.0.0.1", "good.acme.example", 80), l.serve(t, "127.0.0.1", "late.acme.example", 9)
	dir := filepath.Join(l.dir, "facts") + "/"
	direct := run(t, dnstest.Must(labZone), "", words("cert --no-fetch --format ndjson --ca "+l.ca+" --save "+dir+" good.acme.example:"+good+" late.acme.example:"+late)...)
	require.Equal(t, cli.Found, direct.code, direct.err)
	assert.FileExists(t, filepath.Join(dir, "good.acme.example%3A"+good+".json"))
	judged := run(t, nil, "", words("judge --format ndjson --fail-on medium --ca "+l.ca+" "+dir)...)
	assert.Equal(t, direct.out, judged.out)
	assert.Equal(t, direct.code, judged.code)

	later := run(t, nil, "", words("judge --at 2027-03-01 --only cert.expired --format json --ca "+l.ca+" "+dir)...)
	var rep check.Report
	require.NoError(t, json.Unmarshal([]byte(later.out), &rep))
	require.Len(t, rep.Reports, 2)
	for _, r := range rep.Reports {
		assert.Equal(t, check.Fail, r.Results[0].Outcome, r.Target)
	}
}

// TestCertOutput: a file is replaced by a whole one or not at all.
func TestCertOutput(t *testing.T) {
	l := newLab(t)
	late := l.serve(t, "127.0.0.1", "late.acme.example", 9)
	file := filepath.Join(l.dir, "mailcheck.prom")
	got := run(t, dnstest.Must(labZone), "", words("cert --no-fetch --format prometheus --output "+file+" --ca "+l.ca+" late.acme.example:"+late+" silent.acme.example")...)
	assert.Equal(t, cli.Found, got.code, got.err)
	assert.Empty(t, got.out)
	metrics, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Contains(t, string(metrics), `mailcheck_cert_left_seconds{command="cert",target="late.acme.example:`+late)
	assert.NotRegexp(t, `mailcheck_cert_[a-z_]+\{[^}]*silent`, string(metrics), "what is not known has no series")
	assert.NotContains(t, string(metrics), `last_success_timestamp_seconds{command="cert",target="silent.acme.example"}`)

	got = run(t, dnstest.Must(labZone), "", words("cert --format prometheus --output "+file+" --warn 0d late.acme.example")...)
	assert.Equal(t, cli.Usage, got.code)
	after, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, metrics, after)
	entries, err := os.ReadDir(l.dir)
	require.NoError(t, err)
	for _, e := range entries {
		assert.False(t, strings.HasPrefix(e.Name(), "."), "%s is left over", e.Name())
	}
}
