package cli_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/dnsx/zone"
	"github.com/mailcheck-go/mailcheck/internal/cli"
	"github.com/mailcheck-go/mailcheck/tlscert"
	"github.com/mailcheck-go/mailcheck/zendesk/zendesktest"
)

// The time at which tests of the command take place.
var accountNow = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// accountWorld is a Zendesk account, the DNS of its domains, and a server with the
// pages of its brands.
type accountWorld struct {
	*zendesktest.Server
	account  *zendesktest.Account
	resolver dnsx.Resolver
	dialer   tlscert.Dialer
	ca       string // a file
	env      map[string]string
}

func newAccountWorld(t *testing.T, a *zendesktest.Account, lines string, days map[string]int) *accountWorld {
	t.Helper()
	w := &accountWorld{Server: zendesktest.NewServer(a), account: a, resolver: dnstest.Must(lines), env: map[string]string{"ZENDESK_OAUTH_TOKEN": a.Token}}
	t.Cleanup(w.Close)
	w.serve(t, days)
	return w
}

// dialTo reaches one server, whatever the address and port.
type dialTo string

func (d dialTo) DialContext(ctx context.Context, network, _ string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, string(d))
}

// serve serves the account at acme.zendesk.com, and a page for each name, with a
// certificate that has some days left.
func (w *accountWorld) serve(t *testing.T, days map[string]int) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{Organization: []string{"Let's Encrypt"}, CommonName: "R13"},
		NotBefore: accountNow.AddDate(-10, 0, 0), NotAfter: accountNow.AddDate(50, 0, 0), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, root, root, key.Public(), key)
	require.NoError(t, err)
	w.ca = filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(w.ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	root, err = x509.ParseCertificate(der)
	require.NoError(t, err)
	certs := map[string]*tls.Certificate{}
	issue := func(name string, from, to time.Time) {
		leaf := &x509.Certificate{
			SerialNumber: big.NewInt(2), DNSNames: []string{name}, NotBefore: from, NotAfter: to,
			KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		}
		der, err := x509.CreateCertificate(rand.Reader, leaf, root, key.Public(), key)
		require.NoError(t, err)
		certs[name] = &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	}
	for name, left := range days {
		issue(name, accountNow.AddDate(0, 0, left-90), accountNow.AddDate(0, 0, left))
	}
	issue("acme.zendesk.com", accountNow.AddDate(-10, 0, 0), accountNow.AddDate(50, 0, 0)) // the real clock counts
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Host == "acme.zendesk.com" {
			w.ServeHTTP(rw, r)
		}
	}))
	server.TLS = &tls.Config{GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) { return certs[h.ServerName], nil }}
	server.StartTLS()
	t.Cleanup(server.Close)
	w.dialer = dialTo(server.Listener.Addr().String())
}

func (w *accountWorld) run(t *testing.T, args ...string) result {
	t.Helper()
	var out, diag bytes.Buffer
	code := cli.Main(t.Context(), cli.Env{
		Args: args, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &diag, Resolver: w.resolver, Dialer: w.dialer,
		Getenv: func(name string) string { return w.env[name] }, Now: func() time.Time { return accountNow },
	})
	return result{code, out.String(), diag.String()}
}

// flags look at the world and nowhere else.
func (w *accountWorld) flags() []string {
	return []string{"account", "acme", "--ca", w.ca, "--allow-private", "127.0.0.0/8", "--skip-mx", "--no-fetch", "--per-minute", "100000"}
}

func acmeWorld(t *testing.T) *accountWorld {
	t.Helper()
	lines, err := os.ReadFile("testdata/account/zone")
	require.NoError(t, err)
	return newAccountWorld(t, zendesktest.Acme(), string(lines), map[string]int{"help.acme.example": 9, "support.shop.example": 60})
}

// Keys are new in every run.
var fingerprint = regexp.MustCompile(`\b[0-9a-f]{64}\b`)

func TestAccountGolden(t *testing.T) {
	w := acmeWorld(t)
	for name, args := range map[string][]string{
		"account.txt":    {"--attestations", "testdata/account/attestations.yaml"},
		"account-ja.txt": {"--attestations", "testdata/account/attestations.yaml", "--lang", "ja"},
	} {
		got := w.run(t, append(w.flags(), args...)...)
		require.Equal(t, cli.Found, got.code, got.err)
		assert.Empty(t, got.err)
		golden(t, name, fingerprint.ReplaceAllString(got.out, strings.Repeat("0", 64)))
	}
}

// What the account says, the DNS and the certificates stand in one report.
func TestAccountJoins(t *testing.T) {
	w := acmeWorld(t)
	got := w.run(t, append(w.flags(), "--format", "json")...)
	var rep check.Report
	require.NoError(t, json.Unmarshal([]byte(got.out), &rep))
	outcomes := map[string]check.Outcome{}
	for _, res := range rep.Results {
		outcomes[res.ID] = res.Outcome
	}
	for id, want := range map[string]check.Outcome{
		"zendesk.support-spf": check.Fail, "zendesk.support-dkim": check.Fail, "zendesk.support-dmarc": check.Fail,
		"zendesk.domain-verified": check.Fail, "zendesk.host-mapping": check.Fail, "zendesk.host-certificate": check.Fail, "zendesk.host-caa": check.Pass,
	} {
		assert.Equal(t, want, outcomes[id], id)
	}
	var targets []string
	for _, sub := range rep.Reports {
		targets = append(targets, sub.Target)
	}
	assert.Equal(t, []string{"acme.example", "shop.example", "help.acme.example", "support.shop.example"}, targets, "the soonest to end first")
	assert.NotEmpty(t, rep.Sections)
}

func TestAccountSavedIsJudgedTheSame(t *testing.T) {
	w := acmeWorld(t)
	dir := filepath.Join(t.TempDir(), "acme")
	direct := w.run(t, append(w.flags(), "--format", "json", "--save", dir)...)
	for _, path := range []string{dir, filepath.Join(dir, "account.json")} {
		judged := w.run(t, "judge", "--ca", w.ca, "--format", "json", path)
		assert.Equal(t, direct.out, judged.out)
		assert.Equal(t, direct.code, judged.code)
	}
	for _, name := range []string{"account.json", "domains/acme.example.json", "hosts/help.acme.example.json", "senders/mail.zendesk.com.json"} {
		info, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode().Perm(), name)
	}
	alone := w.run(t, "judge", "--only", "dmarc.p-none", filepath.Join(dir, "domains"))
	assert.Contains(t, alone.out, "acme.example")

	require.NoError(t, os.Remove(filepath.Join(dir, "domains", "shop.example.json")))
	judged := w.run(t, "judge", "--ca", w.ca, dir)
	assert.Contains(t, judged.out, "shop.example", "what is missing is said")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "domains", "acme.example.json"), []byte("{}"), 0o600))
	assert.Equal(t, cli.Usage, w.run(t, "judge", dir).code)
}

func TestAttestTemplate(t *testing.T) {
	w := acmeWorld(t)
	got := w.run(t, append(w.flags(), "--attest-template", "--lang", "ja")...)
	assert.Equal(t, cli.Clean, got.code, got.err)
	file := filepath.Join(t.TempDir(), "attestations.yaml")
	require.NoError(t, os.WriteFile(file, []byte(got.out), 0o600))
	again := w.run(t, append(w.flags(), "--attestations", file)...)
	assert.Equal(t, cli.Found, again.code, again.err)
	assert.Contains(t, got.out, "zendesk.content-moderation:")
}

func TestAccountUsage(t *testing.T) {
	w := acmeWorld(t)
	tests := []struct {
		name string
		env  map[string]string
		args []string
		code int
		err  string
	}{
		{"no credentials", map[string]string{}, w.flags(), cli.Usage, "ZENDESK_OAUTH_CLIENT_ID"},
		{"half of them", map[string]string{"ZENDESK_OAUTH_CLIENT_ID": "x"}, w.flags(), cli.Usage, "ZENDESK_OAUTH_CLIENT_SECRET is missing"},
		{"refused", map[string]string{"ZENDESK_OAUTH_TOKEN": "other"}, w.flags(), cli.NotKnown, "the credentials were refused"},
		{"an API token", map[string]string{"ZENDESK_EMAIL": "ada@acme.example", "ZENDESK_API_TOKEN": "acme-api-token"}, w.flags(), cli.Found, "2027-04-30"},
		{"no name", nil, []string{"account"}, cli.Usage, "name one account"},
		{"a name that is none", nil, []string{"account", "a b"}, cli.Usage, "no subdomain"},
		{"offline", nil, append(w.flags(), "--offline"), cli.Usage, "--save"},
		{"a policy that is not there", nil, append(w.flags(), "--policy", "nowhere"), cli.Usage, "--policy"},
		{"a policy that is none", nil, append(w.flags(), "--policy", "testdata/acme.txt"), cli.Usage, "--policy"},
		{"answers that are none", nil, append(w.flags(), "--attestations", "testdata/acme.txt"), cli.Usage, "--attestations"},
		{"facts to standard output", nil, append(w.flags(), "--save", "-"), cli.Usage, "folder"},
		{"a folder that is a file", nil, append(w.flags(), "--save", "testdata/acme.txt"), cli.Usage, "--save"},
		{"no pace", nil, append(w.flags(), "--per-minute", "0"), cli.Usage, "--per-minute"},
		{"a rule of accounts is none of domains", nil, []string{"domain", "--only", "zendesk.sso", "acme.example"}, cli.Usage, "zendesk.sso"},
		{"a critical rule alone", nil, append(w.flags(), "--fail-on", "critical", "--only", "zendesk.content-moderation"), cli.Clean, ""},
	}
	env := w.env
	for _, tt := range tests {
		w.env = env
		if tt.env != nil {
			w.env = tt.env
		}
		got := w.run(t, tt.args...)
		assert.Equal(t, tt.code, got.code, tt.name+": "+got.err)
		assert.Contains(t, got.err, tt.err, tt.name)
		assert.NotContains(t, got.out+got.err, "acme-api-token", tt.name)
	}
}

// An account whose support address is at a domain of the corpus: its records are
// right for Zendesk, and the certificate of a help centre beside it ends in 9 days.
func TestAccountOfARealDomain(t *testing.T) {
	corpus := os.Getenv("MAILCHECK_CORPUS")
	if corpus == "" {
		t.Log("NOT RUN over a real zone: MAILCHECK_CORPUS is not set; TestAccountGolden looks at a made-up one")
		return
	}
	w := acmeWorld(t)
	zones, err := zone.Load(filepath.Join(corpus, "octodns"), filepath.Join(corpus, "providers.zone"))
	require.NoError(t, err)
	zones.Next = w.resolver
	w.resolver = zones
	w.account.SupportAddresses = zendesktest.Items(zendesktest.Object{
		"id": 1, "email": "help@paroleboard.gov.uk", "brand_id": 301, "default": nil, "forwarding_status": "verified", "spf_status": "verified",
		"cname_status": "failed", "domain_verification_status": "failed", "domain_verification_code": "0123456789abcdef",
	})
	for lang, wants := range map[string][]string{
		"en": {"are right for mail from Zendesk at 1 of 1 domains, and not known at 0", "10% of its lifetime of 90 days is left", "the code 0123456789abcdef does not stand at zendeskverification.paroleboard.gov.uk", "both DKIM records of paroleboard.gov.uk are right"},
		"ja": {"paroleboard.gov.uk", "最初に期限が切れるのは help.acme.example（2026-12-01）です", "確認コード 0123456789abcdef が zendeskverification.paroleboard.gov.uk に公開されていません"},
	} {
		got := w.run(t, append(w.flags(), "--lang", lang)...)
		assert.Equal(t, cli.Found, got.code, got.err)
		text := strings.Join(strings.Fields(got.out), " ")
		for _, want := range wants {
			assert.Contains(t, strings.ReplaceAll(text, " ", ""), strings.ReplaceAll(want, " ", ""), lang)
		}
		assert.NotContains(t, got.out, "[zendesk.support-spf]")
	}
}
