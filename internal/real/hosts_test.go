package real_test

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/tlscert"
)

var loopbackRange = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

// startHosts runs a server that is no name server until it accepts connections at
// addr, whose port is chosen for it.
func startHosts(t *testing.T, addr string, configure func(dir string, port uint16) (command []string)) (port uint16) {
	t.Helper()
	var log []byte
	for range 3 {
		dir := openDir(t)
		s := &server{addr: freePort(t), log: filepath.Join(dir, "log"), done: make(chan struct{})}
		port := s.addr.Port()
		s.run(t, configure(dir, port))
		for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
			conn, err := net.Dial("tcp", net.JoinHostPort(addr, strconv.Itoa(int(port))))
			if err == nil {
				_ = conn.Close()
				return port
			}
			if s.gone() {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		log, _ = os.ReadFile(s.log)
	}
	require.FailNow(t, "the server does not start", string(log))
	return 0
}

func (s *server) gone() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// openDir is a folder into which servers can look that give up being root.
func openDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} {
		require.NoError(t, os.Chmod(d, 0o755))
	}
	return dir
}

func write(t *testing.T, path string, data []byte) string {
	t.Helper()
	require.NoError(t, os.WriteFile(path, data, 0o644))
	return path
}

// seen is what a host showed at each address: a failure, or so many certificates.
func seen(h tlscert.HostFacts) (all []string) {
	for _, e := range h.Endpoints {
		switch {
		case e.Failure != nil && e.TLS != nil:
			all = append(all, fmt.Sprintf("%s, %d certificates and %s", e.TLS.Version, len(e.TLS.Chain), e.Failure.Kind))
		case e.Failure != nil:
			all = append(all, string(e.Failure.Stage)+" "+string(e.Failure.Kind))
		default:
			all = append(all, fmt.Sprintf("%s, %d certificates", e.TLS.Version, len(e.TLS.Chain)))
		}
	}
	return all
}

// TestNginx: nginx shows whatever it is given, and all of it comes back.
func TestNginx(t *testing.T) {
	if !have(t, "nginx") {
		return
	}
	p := newPKI(t)
	tests := []struct {
		name   string
		serve  []served // one an address
		config string   // of the server block
		seen   []string
		found  []string
	}{
		{name: "good", serve: []served{p.good()}},
		{name: "expired", serve: []served{p.leaf(cert{days: -1})}, found: []string{"cert.expired"}},
		{name: "early", serve: []served{p.leaf(cert{from: 2 * day})}, found: []string{"cert.not-yet-valid"}},
		{name: "other", serve: []served{p.leaf(cert{name: "elsewhere.example"})}, found: []string{"cert.name-mismatch"}},
		{name: "incomplete", serve: []served{p.good().first(1)}, seen: []string{"TLS 1.3, 1 certificates"}, found: []string{"cert.chain-incomplete"}},
		{name: "order", serve: []served{p.good().swapped()}, found: []string{"cert.chain-order"}},
		{name: "self", serve: []served{p.selfSigned()}, seen: []string{"TLS 1.3, 1 certificates"}, found: []string{"cert.self-signed"}},
		{
			name: "weak", serve: []served{p.leaf(cert{key: rsaKey(t, 1024), sha1: true})},
			config: "ssl_protocols TLSv1.2; ssl_ciphers DEFAULT:@SECLEVEL=0;",
			seen:   []string{"TLS 1.2, 3 certificates"}, found: []string{"cert.rsa-small", "cert.sha1"},
		},
		{
			name: "weaker", serve: []served{p.leaf(cert{key: rsaKey(t, 512)})},
			config: "ssl_protocols TLSv1.2; ssl_ciphers AES128-SHA:@SECLEVEL=0;",
			seen:   []string{"TLS 1.2, 3 certificates and protocol"}, found: []string{"cert.rsa-small"},
		},
		{
			name: "old", serve: []served{p.leaf(cert{key: rsaKey(t, 2048)})},
			config: "ssl_protocols TLSv1; ssl_ciphers DEFAULT:@SECLEVEL=0;",
			seen:   []string{"TLS 1.0, 3 certificates"},
		},
		{
			name: "static", serve: []served{p.leaf(cert{key: rsaKey(t, 2048)})},
			config: "ssl_protocols TLSv1.2; ssl_ciphers AES128-SHA;",
			seen:   []string{"TLS 1.2, 3 certificates"},
		},
		{
			name: "demanding", serve: []served{p.good()},
			config: "ssl_protocols TLSv1.2; ssl_verify_client on; ssl_client_certificate %s;",
			seen:   []string{"TLS 1.2, 3 certificates"},
		},
		{name: "staple", serve: []served{p.leaf(cert{staple: true})}},
		{
			name: "two", serve: []served{p.good(), p.leaf(cert{days: -1})},
			seen: []string{"TLS 1.3, 3 certificates", "TLS 1.3, 3 certificates"}, found: []string{"cert.expired"},
		},
	}
	files := openDir(t)
	ca := write(t, filepath.Join(files, "ca.pem"), pemCerts(p.root.Certificate))
	var zone, blocks strings.Builder
	var hosts []tlscert.Host
	want := map[string]served{} // by address
	next := 2
	for i, tt := range tests {
		host := tt.name + ".acme.example"
		hosts = append(hosts, tlscert.Host{Name: host, Protocol: tlscert.HTTPS, HTTP: true})
		if tt.seen == nil {
			tests[i].seen = []string{"TLS 1.3, 3 certificates"}
		}
		config := tt.config
		if strings.Contains(config, "%s") {
			config = fmt.Sprintf(config, ca)
		}
		for _, s := range tt.serve {
			addr := fmt.Sprintf("127.0.3.%d", next)
			next++
			if s.name == "" {
				s = s.named(t, p, host)
			}
			want[addr] = s
			base := filepath.Join(files, addr)
			fmt.Fprintf(&zone, "%s. A %s\n", host, addr)
			fmt.Fprintf(&blocks, `server { listen %s:PORT ssl http2; %s ssl_certificate %s; ssl_certificate_key %s;
				location / { add_header Strict-Transport-Security "max-age=300" always; return 301 https://acme.helpdesk.example/; } }
			`, addr, config, write(t, base+".pem", s.chain()), write(t, base+".key", s.keyPEM))
		}
	}
	port := startHosts(t, "127.0.3.2", func(dir string, port uint16) []string {
		conf := fmt.Sprintf(`daemon off; master_process off; worker_processes 1; pid %[1]s/pid; error_log stderr;
			events { worker_connections 512; }
			http { access_log off; ssl_protocols TLSv1.2 TLSv1.3; client_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p; fastcgi_temp_path %[1]s/f;
			uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s; ssl_session_cache off;
			%s }`, dir, strings.ReplaceAll(blocks.String(), "PORT", strconv.Itoa(int(port))))
		return []string{program("nginx"), "-p", dir, "-e", "stderr", "-c", write(t, filepath.Join(dir, "nginx.conf"), []byte(conf))}
	})
	for i := range hosts {
		hosts[i].Port = port
	}
	f, err := tlscert.Discover(t.Context(), dnstest.Must(zone.String()), "acme.example", tlscert.Options{
		Hosts: hosts, Budget: time.Minute, Deep: true,
		Prober: &tlscert.Prober{AllowPrivate: loopbackRange, Timeout: time.Minute},
	})
	require.NoError(t, err)

	interest := []string{
		"cert.expired", "cert.not-yet-valid", "cert.name-mismatch", "cert.chain-incomplete", "cert.chain-order",
		"cert.self-signed", "cert.untrusted-root", "cert.rsa-small", "cert.sha1",
	}
	found := map[string][]string{}
	for _, r := range check.Apply(tlscert.Analyze(f), tlscert.Rules(tlscert.Settings{Roots: p.roots()})) {
		for _, finding := range r.Findings {
			if host, _, _ := net.SplitHostPort(finding.Subject); slices.Contains(interest, r.ID) && !slices.Contains(found[host], r.ID) {
				found[host] = append(found[host], r.ID)
			}
		}
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := f.Hosts[i]
			assert.Equal(t, tt.seen, seen(h))
			slices.Sort(found[h.Name])
			assert.Equal(t, tt.found, found[h.Name])
			pages := 0
			for _, e := range h.Endpoints {
				require.NotNil(t, e.TLS)
				assert.Equal(t, want[e.Addr.String()].ders, e.TLS.Chain)
				assert.Nil(t, e.TLS.OCSP, "nothing was stapled, and nothing is not an answer")
				assert.Len(t, e.Tries, 4)
				if e.HTTP != nil {
					pages++
				}
				if e.HTTP != nil && e.HTTP.Failure == nil && tt.name != "demanding" {
					assert.Equal(t, &tlscert.HTTPAnswer{Status: 301, Location: "https://acme.helpdesk.example/", HSTS: "max-age=300"}, e.HTTP)
				}
				assert.Equal(t, tt.name == "old", e.Tries[0].TLS != nil, "TLS 1.0")
				assert.Nil(t, e.Tries[2].TLS, "OpenSSL has no RC4 and no 3DES any more")
			}
			assert.Equal(t, tt.name != "weaker", pages == 1)
		})
	}
}

// mail is one mail server, looked at in one way.
func mail(t *testing.T, h tlscert.Host, p *pki) tlscert.Endpoint {
	t.Helper()
	prober := &tlscert.Prober{AllowPrivate: loopbackRange, Timeout: time.Minute}
	h.Name = "mx.acme.example"
	e, err := prober.Probe(t.Context(), h, netip.MustParseAddr(loopback))
	require.NoError(t, err)
	require.Nil(t, e.Failure)
	require.NotNil(t, e.TLS)
	assert.Equal(t, "TLS 1.3", e.TLS.Version)
	assert.Len(t, e.TLS.Chain, 3)
	f := &tlscert.Facts{Domain: "acme.example", At: time.Now(), Hosts: []tlscert.HostFacts{{
		Name: h.Name, Port: h.Port, Protocol: h.Protocol, Addrs: []netip.Addr{e.Addr}, Endpoints: []tlscert.Endpoint{e},
	}}}
	for _, r := range check.Apply(tlscert.Analyze(f), tlscert.Rules(tlscert.Settings{Roots: p.roots()})) {
		if r.ID == "cert.untrusted-root" || r.ID == "cert.name-mismatch" || r.ID == "cert.expired" {
			assert.Equal(t, check.Pass, r.Outcome, r.ID)
		}
	}
	return e
}

func TestPostfix(t *testing.T) {
	if !have(t, "postfix") {
		return
	}
	if os.Getuid() != 0 {
		notRun(t, "Postfix, which starts as root only")
		return
	}
	p := newPKI(t)
	files := openDir(t)
	s := p.good().named(t, p, "mx.acme.example")
	chain, key := write(t, filepath.Join(files, "chain.pem"), s.chain()), write(t, filepath.Join(files, "key.pem"), s.keyPEM)
	owner, err := user.Lookup("postfix")
	require.NoError(t, err)
	uid, err := strconv.Atoi(owner.Uid)
	require.NoError(t, err)
	port := startHosts(t, loopback, func(dir string, port uint16) []string {
		for _, sub := range []string{"queue", "data"} {
			require.NoError(t, os.Mkdir(filepath.Join(dir, sub), 0o755))
		}
		require.NoError(t, os.Chown(filepath.Join(dir, "data"), uid, -1))
		// inet_interfaces = 127.0.0.1 would do, and on a machine whose only interface is
		// the loopback it finds none.
		write(t, filepath.Join(dir, "main.cf"), fmt.Appendf(nil, `compatibility_level = 3.6
queue_directory = %[1]s/queue
data_directory = %[1]s/data
maillog_file = /dev/stdout
inet_interfaces = all
inet_protocols = ipv4
myhostname = mx.acme.example
mydestination =
alias_maps =
alias_database =
smtpd_tls_security_level = may
smtpd_tls_cert_file = %[2]s
smtpd_tls_key_file = %[3]s
smtpd_relay_restrictions = reject
`, dir, chain, key))
		write(t, filepath.Join(dir, "master.cf"), fmt.Appendf(nil, `%s:%d inet n - n - - smtpd
anvil unix - - n - 1 anvil
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
`, loopback, port))
		// start-fg leaves the session, and so whoever waits for it. As the leader of its
		// own session master ends those that it started.
		const run = `"$1" -c "$2" check && exec setsid "$("$3" -c "$2" -h daemon_directory)/master" -c "$2" -d`
		return []string{"sh", "-c", run, "sh", program("postfix"), dir, program("postconf")}
	})
	e := mail(t, tlscert.Host{Port: port, Protocol: tlscert.SMTP}, p)
	assert.Equal(t, s.ders, e.TLS.Chain)
	assert.Equal(t, "220 mx.acme.example ESMTP Postfix (Debian/GNU)", cutVersion(e.Greeting))
	assert.Contains(t, e.Capabilities, "STARTTLS")
	assert.Contains(t, e.Capabilities, "PIPELINING")
}

// cutVersion makes all distributors of Postfix one.
func cutVersion(greeting string) string {
	before, _, _ := strings.Cut(greeting, " (")
	return before + " (Debian/GNU)"
}

func TestDovecot(t *testing.T) {
	if !have(t, "dovecot", "pop3-login") {
		return
	}
	version, err := exec.Command(program("dovecot"), "--version").Output()
	require.NoError(t, err)
	if !bytes.HasPrefix(version, []byte("2.3.")) {
		notRun(t, "Dovecot "+strings.TrimSpace(string(version))+", whose configuration is another than that of 2.3")
		return
	}
	if os.Getuid() != 0 {
		notRun(t, "Dovecot, which is started as root here")
		return
	}
	p := newPKI(t)
	files := openDir(t)
	s := p.good().named(t, p, "mx.acme.example")
	chain, key := write(t, filepath.Join(files, "chain.pem"), s.chain()), write(t, filepath.Join(files, "key.pem"), s.keyPEM)
	pop3 := freePort(t).Port()
	imap := startHosts(t, loopback, func(dir string, port uint16) []string {
		return []string{program("dovecot"), "-F", "-c", write(t, filepath.Join(dir, "dovecot.conf"), fmt.Appendf(nil, `base_dir = %[1]s/run
state_dir = %[1]s/state
log_path = /dev/stderr
protocols = imap pop3
listen = %[2]s
ssl = yes
ssl_cert = <%[3]s
ssl_key = <%[4]s
service imap-login {
  inet_listener imap {
    port = %[5]d
  }
  inet_listener imaps {
    port = 0
  }
}
service pop3-login {
  inet_listener pop3 {
    port = %[6]d
  }
  inet_listener pop3s {
    port = 0
  }
}
passdb {
  driver = static
  args = password=none
}
userdb {
  driver = static
  args = uid=nobody gid=nogroup home=/nonexistent
}
`, dir, loopback, chain, key, port, pop3))}
	})
	e := mail(t, tlscert.Host{Port: imap, Protocol: tlscert.IMAP}, p)
	assert.Equal(t, s.ders, e.TLS.Chain)
	assert.Contains(t, e.Greeting, "* OK [CAPABILITY IMAP4rev1")
	assert.Contains(t, e.Capabilities, "STARTTLS")
	e = mail(t, tlscert.Host{Port: pop3, Protocol: tlscert.POP3}, p)
	assert.Equal(t, s.ders, e.TLS.Chain)
	assert.Equal(t, "+OK Dovecot", strings.Join(strings.Fields(e.Greeting)[:2], " "))
	assert.Contains(t, e.Capabilities, "STLS")
}
