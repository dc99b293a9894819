package real_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/acme"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/tlscert"
)

// pointed discovers a host that serves a chain, with what its certificate points to.
func pointed(t *testing.T, chain [][]byte, key any, f *tlscert.Fetcher, directory string) (*tlscert.Analysis, map[string]check.Result) {
	t.Helper()
	l, err := tls.Listen("tcp", loopback+":0", &tls.Config{Certificates: []tls.Certificate{{Certificate: chain, PrivateKey: key}}})
	require.NoError(t, err)
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_ = conn.(*tls.Conn).HandshakeContext(context.Background())
			_ = conn.Close()
		}
	}()
	f.AllowPrivate = loopbackRange
	facts, err := tlscert.Discover(t.Context(), dnstest.Must("acme.example. A "+loopback), "acme.example", tlscert.Options{
		Budget:  time.Minute,
		Hosts:   []tlscert.Host{{Name: "acme.example", Port: uint16(l.Addr().(*net.TCPAddr).Port)}},
		Prober:  &tlscert.Prober{AllowPrivate: loopbackRange, Timeout: time.Minute},
		Fetcher: f, ARIDirectory: directory,
	})
	require.NoError(t, err)
	a := tlscert.Analyze(facts)
	results := map[string]check.Result{}
	for _, r := range check.Apply(a, tlscert.Rules(tlscert.Settings{Roots: x509.NewCertPool()})) {
		results[r.ID] = r
	}
	require.NotEmpty(t, a.Hosts[0].Leaves, "%v", a.Gaps())
	return a, results
}

// TestOpenSSLRevokes: a list and OCSP responses that OpenSSL makes.
func TestOpenSSLRevokes(t *testing.T) {
	if !have(t, "openssl") {
		return
	}
	dir := t.TempDir()
	run := func(args ...string) {
		t.Helper()
		cmd := exec.Command(program("openssl"), args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s: %s", strings.Join(args, " "), out)
	}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/ca.crl" {
			http.ServeFile(w, r, filepath.Join(dir, "ca.crl"))
			return
		}
		encoded, err := url.PathUnescape(strings.TrimPrefix(r.URL.EscapedPath(), "/ocsp/"))
		if assert.NoError(t, err) {
			request, err := base64.StdEncoding.DecodeString(encoded)
			assert.NoError(t, err)
			assert.NoError(t, os.WriteFile(filepath.Join(dir, "request.der"), request, 0o600))
			cmd := exec.Command(program("openssl"), "ocsp", "-index", "index.txt", "-CA", "ca.pem", "-rsigner", "ca.pem", "-rkey", "ca.key",
				"-ndays", "1", "-reqin", "request.der", "-respout", "response.der")
			cmd.Dir = dir
			out, err := cmd.CombinedOutput()
			assert.NoError(t, err, string(out))
			http.ServeFile(w, r, filepath.Join(dir, "response.der"))
		}
	}))
	defer web.Close()

	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Lab CA"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(100 * day),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature,
	}
	leaf := &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes([]byte{0x87, 0x65, 0x43, 0x21}), Subject: pkix.Name{CommonName: "acme.example"}, DNSNames: []string{"acme.example"},
		NotBefore: ca.NotBefore, NotAfter: time.Now().Add(80 * day), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		CRLDistributionPoints: []string{web.URL + "/ca.crl"}, OCSPServer: []string{web.URL + "/ocsp"},
	}
	caKey, leafKey := ecKey(t), ecKey(t)
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey)
	require.NoError(t, err)
	ca, err = x509.ParseCertificate(caDER)
	require.NoError(t, err)
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, ca, leafKey.Public(), caKey)
	require.NoError(t, err)
	caKeyDER, err := x509.MarshalPKCS8PrivateKey(caKey)
	require.NoError(t, err)
	writePEM(t, filepath.Join(dir, "ca.pem"), "CERTIFICATE", caDER)
	writePEM(t, filepath.Join(dir, "ca.key"), "PRIVATE KEY", caKeyDER)
	writePEM(t, filepath.Join(dir, "leaf.pem"), "CERTIFICATE", leafDER)
	write(t, filepath.Join(dir, "index.txt"), nil)
	write(t, filepath.Join(dir, "ca.conf"), []byte("[ca]\ndefault_ca=lab\n[lab]\ndatabase=index.txt\ndefault_md=sha256\ndefault_crl_days=7\ncrlnumber=number\n"))
	write(t, filepath.Join(dir, "number"), []byte("01\n")) // a list of version 2 has one
	openssl := func(args ...string) {
		run(append([]string{"ca", "-batch", "-config", "ca.conf", "-cert", "ca.pem", "-keyfile", "ca.key"}, args...)...)
	}
	publish := func() {
		openssl("-gencrl", "-out", "crl.pem")
		run("crl", "-in", "crl.pem", "-outform", "DER", "-out", "ca.crl")
	}
	states := func(a *tlscert.Analysis) (all []string) {
		for _, r := range a.Hosts[0].Leaves[0].Revocation {
			kind, _, _ := strings.Cut(r.Source, " ")
			all = append(all, strings.TrimSpace(fmt.Sprint(kind, " ", r.State, " ", r.Reason)))
		}
		return all
	}
	openssl("-valid", "leaf.pem")
	publish()
	chain := [][]byte{leafDER, caDER}
	a, results := pointed(t, chain, leafKey, new(tlscert.Fetcher), "")
	assert.Equal(t, []string{"CRL good", "OCSP good"}, states(a))
	assert.Equal(t, check.Pass, results["cert.revoked"].Outcome)

	openssl("-revoke", "leaf.pem", "-crl_reason", "keyCompromise")
	publish()
	a, results = pointed(t, chain, leafKey, new(tlscert.Fetcher), "")
	assert.Equal(t, []string{"CRL revoked keyCompromise", "OCSP revoked keyCompromise"}, states(a))
	assert.Equal(t, check.Fail, results["cert.revoked"].Outcome)
}

// TestPebbleRenewal: the window that an ACME server suggests for certificates that it
// issued, read by somebody else than their owner, and what becomes of it when one is revoked.
func TestPebbleRenewal(t *testing.T) {
	if !have(t, "pebble") {
		return
	}
	webKey := ecKey(t)
	web := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(day), IPAddresses: []net.IP{net.ParseIP(loopback)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
	}
	webDER, err := x509.CreateCertificate(rand.Reader, web, web, webKey.Public(), webKey)
	require.NoError(t, err)
	web, err = x509.ParseCertificate(webDER)
	require.NoError(t, err)
	roots := x509.NewCertPool()
	roots.AddCert(web)
	keyDER, err := x509.MarshalPKCS8PrivateKey(webKey)
	require.NoError(t, err)
	port := startHosts(t, loopback, func(dir string, port uint16) []string {
		writePEM(t, filepath.Join(dir, "web.pem"), "CERTIFICATE", webDER)
		writePEM(t, filepath.Join(dir, "web.key"), "PRIVATE KEY", keyDER)
		config := write(t, filepath.Join(dir, "pebble.json"), fmt.Appendf(nil, `{"pebble": {"listenAddress": "%s:%d", "managementListenAddress": "",
			"certificate": %q, "privateKey": %q, "httpPort": 5002, "tlsPort": 5001, "keyAlgorithm": "ecdsa", "retryAfter": {"authz": 1, "order": 1},
			"profiles": {"default": {"description": "90 days", "validityPeriod": 7776000}, "shortlived": {"description": "6 days", "validityPeriod": 518400}}}}`,
			loopback, port, filepath.Join(dir, "web.pem"), filepath.Join(dir, "web.key")))
		// It asks no host whether it holds the name.
		return []string{"env", "PEBBLE_VA_ALWAYS_VALID=1", "PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0", program("pebble"), "-config", config}
	})
	directory := fmt.Sprintf("https://%s:%d/dir", loopback, port)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	defer transport.CloseIdleConnections()
	client := &acme.Client{Key: ecKey(t), DirectoryURL: directory, HTTPClient: &http.Client{Transport: transport}}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err = client.Register(ctx, &acme.Account{}, acme.AcceptTOS)
	require.NoError(t, err)

	for _, profile := range []struct {
		name string
		life time.Duration
		next time.Duration // of the facts
	}{{"default", 90 * day, 6 * time.Hour}, {"shortlived", 6 * day, 6 * time.Hour}} {
		t.Run(profile.name, func(t *testing.T) {
			key := ecKey(t)
			chain := fromPebble(t, client, key, acme.WithOrderIssuanceProfile(acme.ProfileName(profile.name)))
			a, results := pointed(t, chain, key, &tlscert.Fetcher{Roots: roots}, directory)
			leaf := a.Hosts[0].Leaves[0]
			require.NotNil(t, leaf.Renewal, "%v", results["cert.ari-now"].Gaps)
			assert.InDelta(t, profile.life, leaf.Lifetime(), float64(2*time.Hour))
			// Two days around two thirds of the lifetime (Pebble's core/types.go).
			middle := leaf.Renewal.Start.Add(leaf.Renewal.End.Sub(leaf.Renewal.Start) / 2)
			assert.InDelta(t, leaf.Lifetime()*2/3, middle.Sub(leaf.NotBefore), float64(time.Hour))
			assert.Equal(t, check.Pass, results["cert.ari-now"].Outcome)
			assert.Equal(t, check.Pass, results["cert.ari-revocation"].Outcome)
			assert.InDelta(t, profile.next, a.NextCheck().Sub(a.At), float64(time.Minute))

			require.NoError(t, client.RevokeCert(ctx, nil, chain[0], acme.CRLReasonUnspecified))
			a, results = pointed(t, chain, key, &tlscert.Fetcher{Roots: roots}, directory)
			renewal := a.Hosts[0].Leaves[0].Renewal
			require.NotNil(t, renewal, "a window of a second is one: %v", results["cert.ari-now"].Gaps)
			assert.True(t, renewal.End.Before(a.At), "it has moved into the past: %s", renewal.End)
			assert.Equal(t, check.Fail, results["cert.ari-revocation"].Outcome)
			assert.Equal(t, check.Pass, results["cert.ari-now"].Outcome, "that is the other rule's")
		})
	}
}

// fromPebble has a certificate for acme.example issued.
func fromPebble(t *testing.T, client *acme.Client, key *ecdsa.PrivateKey, options ...acme.OrderOption) [][]byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	order, err := client.AuthorizeOrder(ctx, acme.DomainIDs("acme.example"), options...)
	require.NoError(t, err)
	for _, link := range order.AuthzURLs {
		auth, err := client.GetAuthorization(ctx, link)
		require.NoError(t, err)
		if auth.Status != acme.StatusPending {
			continue
		}
		_, err = client.Accept(ctx, auth.Challenges[0]) // it takes any
		require.NoError(t, err)
		_, err = client.WaitAuthorization(ctx, link)
		require.NoError(t, err)
	}
	order, err = client.WaitOrder(ctx, order.URI)
	require.NoError(t, err)
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: []string{"acme.example"}}, key)
	require.NoError(t, err)
	chain, _, err := client.CreateCertFromOrder(ctx, order, csr, true)
	require.NoError(t, err)
	return chain
}

func ecKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return key
}

func writePEM(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	write(t, path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}
