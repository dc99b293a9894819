package real_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/internal/cli"
	"github.com/mailcheck-go/mailcheck/zendesk/zendesktest"
)

// onPort dials another port than it is told: nginx may listen on 443 as root only.
type onPort uint16

func (p onPort) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if port == "443" {
		port = strconv.Itoa(int(p))
	}
	return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort(host, port))
}

// The help centre of a brand, served by nginx with a certificate that ends in 9 days,
// and that of another, which nginx sends on to zendesk.com.
func TestAccountWithNginx(t *testing.T) {
	if !have(t, "nginx") {
		return
	}
	p := newPKI(t)
	files := openDir(t)
	ca := write(t, filepath.Join(files, "ca.pem"), pemCerts(p.root.Certificate))
	var blocks strings.Builder
	for host, with := range map[string]struct {
		cert cert
		page string
	}{
		"help.acme.example":    {cert{days: 9}, "return 200"},
		"support.shop.example": {cert{days: 60}, "return 301 https://acme-shop.zendesk.com/hc"},
	} {
		s := p.leaf(with.cert).named(t, p, host)
		base := filepath.Join(files, host)
		fmt.Fprintf(&blocks, "server { listen %s:PORT ssl; server_name %s; ssl_certificate %s; ssl_certificate_key %s; location / { %s; } }\n",
			loopback, host, write(t, base+".pem", s.chain()), write(t, base+".key", s.keyPEM), with.page)
	}
	port := startHosts(t, loopback, func(dir string, port uint16) []string {
		conf := fmt.Sprintf(`daemon off; master_process off; worker_processes 1; pid %[1]s/pid; error_log stderr; events { worker_connections 64; }
			http { access_log off; client_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s; %[2]s }`,
			dir, strings.ReplaceAll(blocks.String(), "PORT", strconv.Itoa(int(port))))
		return []string{program("nginx"), "-p", dir, "-e", "stderr", "-c", write(t, filepath.Join(dir, "nginx.conf"), []byte(conf))}
	})
	a := zendesktest.Acme()
	s := zendesktest.NewServer(a)
	defer s.Close()
	zone := dnstest.Must(`
. NS a.root.example.
acme.example.         TXT "v=spf1 include:mail.zendesk.com -all"
mail.zendesk.com.     TXT "v=spf1 ip4:203.0.113.0/24 -all"
help.acme.example.    CNAME acme.zendesk.com.
support.shop.example. CNAME acme-shop.zendesk.com.
acme.zendesk.com.     A 127.0.0.1
acme-shop.zendesk.com. A 127.0.0.1
`)
	for lang, wants := range map[string][]string{
		"en": {"expires in [89] days", "acme-shop.zendesk.com/hc", "support.shop.example"},
		"ja": {"最初に期限が切れるのは help.acme.example", "ヘルプセンターの独自ホスト名がこのアカウントを指していません"},
	} {
		var out, diag bytes.Buffer
		code := cli.Main(t.Context(), cli.Env{
			Args: []string{
				"account", s.URL, "--ca", ca, "--allow-private", "127.0.0.0/8", "--skip-mx", "--no-fetch", "--per-minute", "100000", "--lang", lang,
				"--only", "zendesk.host-mapping,zendesk.host-certificate", "--timeout", "1m",
			},
			Stdout: &out, Stderr: &diag, Stdin: strings.NewReader(""), Resolver: zone, Dialer: onPort(port), Now: time.Now,
			Getenv: func(name string) string { return map[string]string{"ZENDESK_OAUTH_TOKEN": a.Token}[name] },
		})
		require.Equal(t, cli.Found, code, diag.String())
		text := strings.Join(strings.Fields(out.String()), "")
		for _, want := range wants {
			assert.Regexp(t, strings.ReplaceAll(want, " ", ""), text, lang) // of 9 days the first may have begun
		}
	}
}
