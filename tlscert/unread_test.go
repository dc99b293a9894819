package tlscert_test

import (
	"bytes"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"math/big"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/tlscert"
)

// negative is a copy of a certificate with another first octet of the serial number,
// so that this is below zero (RFC 5280, 4.1.2.2 forbids it).
func negative(tb testing.TB, der []byte) []byte {
	tb.Helper()
	c := must(x509.ParseCertificate(der))
	at := bytes.Index(der, must(asn1.Marshal(c.SerialNumber))) + 2 // behind tag and length
	der = bytes.Clone(der)
	der[at] = 0x80
	_, err := x509.ParseCertificate(der)
	require.ErrorContains(tb, err, "serial")
	return der
}

// TestCertificatesThatCannotBeRead: what crypto/tls refuses to look at is in the
// facts all the same, and says there why it was refused.
func TestCertificatesThatCannotBeRead(t *testing.T) {
	good := newServer(words())
	leaf, issuer := good.Certificate.Certificate[0], good.Certificate.Certificate[1]
	huge := &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 9000, 1), E: 65537}
	template := must(x509.ParseCertificate(leaf))
	long := must(x509.CreateCertificate(nil, template, testPKI().publicCA.cert, huge, testPKI().publicCA.key))
	many := [][]byte{[]byte("no certificate")}
	for range 3000 {
		many = append(many, []byte{0})
	}
	tests := []struct {
		name   string
		chain  [][]byte
		detail string
	}{
		{"a negative serial number", [][]byte{negative(t, leaf), issuer}, "failed to parse certificate from server: x509: negative serial number"},
		{"an issuer that cannot be read", [][]byte{leaf, negative(t, issuer)}, "failed to parse certificate from server: x509: negative serial number"},
		{"a key of 9001 bits", [][]byte{long}, "server sent certificate containing RSA key larger than 8192 bits"},
		{"no certificate at all", [][]byte{[]byte("nothing")}, "failed to parse certificate from server: x509: malformed certificate"},
		{"three thousand", many, "failed to parse certificate from server: x509: malformed certificate"},
	}
	configs := []struct {
		name    string
		config  *tls.Config
		version string
	}{
		{"TLS 1.3", &tls.Config{}, "TLS 1.3"},
		{"TLS 1.3 after another hello", &tls.Config{CurvePreferences: []tls.CurveID{tls.CurveP521}}, "TLS 1.3"},
		{"TLS 1.2", &tls.Config{MaxVersion: tls.VersionTLS12}, "TLS 1.2"},
		{"TLS 1.0", &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10}, "TLS 1.0"},
	}
	for _, tt := range tests {
		for _, c := range configs {
			t.Run(tt.name+" over "+c.name, func(t *testing.T) {
				config := c.config.Clone()
				config.Certificates = []tls.Certificate{{Certificate: tt.chain, PrivateKey: good.PrivateKey}}
				port := listen(t, map[string]func(net.Conn){"127.0.0.2": serveTLS(config)})
				e, err := (&tlscert.Prober{Timeout: time.Minute}).Probe(t.Context(), tlscert.Host{Name: "acme.example", Port: port, Given: true}, netip.MustParseAddr("127.0.0.2"))
				require.NoError(t, err)
				assert.Equal(t, &tlscert.Failure{Stage: tlscert.Handshake, Kind: tlscert.KindProtocol, Detail: tt.detail}, e.Failure)
				require.NotNil(t, e.TLS)
				assert.Equal(t, tt.chain[:min(len(tt.chain), 100)], e.TLS.Chain)
				assert.Equal(t, c.version, e.TLS.Version)
			})
		}
	}
}

// TestChainOfAFailedHandshake: a server that cannot prove that the certificate is its
// own still shows it. What is wrong with it is found; that the rest is right is not known.
func TestChainOfAFailedHandshake(t *testing.T) {
	s := newStage("TLS\nSILENT")
	mine, other := newServer(words("left", "-3d")), newServer(words())
	s.config.Certificates = []tls.Certificate{{Certificate: mine.Certificate.Certificate, PrivateKey: other.PrivateKey}}
	s.config.MaxVersion = tls.VersionTLS12
	e, err := s.prober().Probe(t.Context(), tlscert.Host{Name: "acme.example"}, somewhere)
	require.NoError(t, err)
	s.end()
	require.NotNil(t, e.TLS)
	assert.Equal(t, mine.Certificate.Certificate, e.TLS.Chain)
	assert.Equal(t, "invalid signature by the server certificate: ECDSA verification failure", e.Failure.Detail)

	f := &tlscert.Facts{Domain: "acme.example", At: now, Hosts: []tlscert.HostFacts{{Name: "acme.example", Port: 443, Endpoints: []tlscert.Endpoint{e}}}}
	for _, r := range check.Apply(tlscert.Analyze(f), tlscert.Rules(tlscert.Settings{Roots: testPKI().roots})) {
		switch r.ID {
		case "cert.expired":
			assert.Equal(t, check.Fail, r.Outcome)
		case "cert.name-mismatch":
			assert.Equal(t, check.Unknown, r.Outcome)
		}
	}
}
