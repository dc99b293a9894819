package zendesk_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck"
	"github.com/mailcheck-go/mailcheck/account"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/tlscert"
)

// savedOutside is an account.Source of facts that were kept, by kind and name.
type savedOutside map[string]*mailcheck.Facts

func (s savedOutside) get(kind account.Kind, name string) (*mailcheck.Facts, error) {
	if f := s[string(kind)+" "+name]; f != nil {
		return f, nil
	}
	return nil, account.ErrAbsent
}

func (s savedOutside) Domain(_ context.Context, d account.Domain) (*mailcheck.Facts, error) {
	return s.get(account.KindDomain, d.Name)
}

func (s savedOutside) Host(_ context.Context, h account.Host) (*mailcheck.Facts, error) {
	return s.get(account.KindHost, h.Name)
}

func (s savedOutside) Sender(_ context.Context, name string) (*mailcheck.Facts, error) {
	return s.get(account.KindSender, name)
}

func (s savedOutside) look(a account.Account) *account.Outside {
	settings := mailcheck.Settings{TLSCert: tlscert.Settings{Roots: authority().roots}}
	out, err := account.Look(context.Background(), s, a, account.Options{Settings: settings})
	if err != nil {
		panic(err)
	}
	return out
}

// lookOutside keeps what a zone says, and puts certificates in the place of hosts
// that nobody dials.
func lookOutside(t *testing.T, a account.Account, zone, served string) savedOutside {
	t.Helper()
	kept := savedOutside{}
	checker := &mailcheck.Checker{Resolver: dnstest.Must(zone), Offline: true, Now: func() time.Time { return judged }}
	_, err := account.Look(t.Context(), account.Network{Checker: checker}, a, account.Options{
		Keep: func(kind account.Kind, f *mailcheck.Facts) error {
			kept[string(kind)+" "+f.Domain] = f
			return nil
		},
	})
	require.NoError(t, err)
	for line := range strings.Lines(served) {
		var host, name string
		var days int
		_, err := fmt.Sscan(line, &host, &days, &name)
		require.NoError(t, err, line)
		f := kept["host "+host]
		require.NotNil(t, f, host)
		require.NotEmpty(t, f.TLSCert.Hosts[0].Endpoints, host)
		f.TLSCert.Hosts[0].Endpoints[0] = tlscert.Endpoint{
			Addr: netip.MustParseAddr("203.0.113.10"),
			TLS:  &tlscert.Session{Version: "TLS 1.3", CipherSuite: "TLS_AES_128_GCM_SHA256", Chain: [][]byte{authority().issue(t, name, days)}},
			HTTP: &tlscert.HTTPAnswer{Status: 200},
		}
		if strings.HasSuffix(strings.TrimSpace(line), "away") {
			f.TLSCert.Hosts[0].Endpoints[0].HTTP = &tlscert.HTTPAnswer{Status: 302, Location: "https://acme.zendesk.com/hc"}
		}
	}
	return kept
}

// ca issues certificates as Let's Encrypt would.
type ca struct {
	key   *ecdsa.PrivateKey
	cert  *x509.Certificate
	roots *x509.CertPool
}

var authority = sync.OnceValue(func() *ca {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{Organization: []string{"Let's Encrypt"}, CommonName: "R13"},
		NotBefore: judged.AddDate(-1, 0, 0), NotAfter: judged.AddDate(3, 0, 0), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	c := &ca{key: key, roots: x509.NewCertPool()}
	if c.cert, err = x509.ParseCertificate(der); err != nil {
		panic(err)
	}
	c.roots.AddCert(c.cert)
	return c
})

func (c *ca) issue(t *testing.T, name string, days int) []byte {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), DNSNames: []string{name},
		NotBefore: judged.AddDate(0, 0, days-90), NotAfter: judged.AddDate(0, 0, days),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, c.cert, c.key.Public(), c.key)
	require.NoError(t, err)
	return der
}
