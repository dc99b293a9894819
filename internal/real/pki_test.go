package real_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const day = 24 * time.Hour

// pki is a root and two certification authorities, one below the other.
type pki struct {
	root, upper, lower *authority
}

type authority struct {
	*x509.Certificate
	key crypto.Signer
}

func newPKI(t *testing.T) *pki {
	t.Helper()
	p := &pki{}
	p.root = issue(t, nil, "Root", func(c *x509.Certificate) {})
	p.upper = issue(t, p.root, "Upper CA", func(c *x509.Certificate) {})
	p.lower = issue(t, p.upper, "Lower CA", func(c *x509.Certificate) {})
	return p
}

func (p *pki) roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(p.root.Certificate)
	return pool
}

func issue(t *testing.T, by *authority, name string, change func(*x509.Certificate)) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return sign(t, by, name, key.Public(), key, change)
}

func sign(t *testing.T, by *authority, name string, public crypto.PublicKey, key crypto.Signer, change func(*x509.Certificate)) *authority {
	t.Helper()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	require.NoError(t, err)
	c := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-30 * day), NotAfter: time.Now().Add(60 * day),
		BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageCertSign,
	}
	change(c)
	parent, signer := c, key
	if by != nil {
		parent, signer = by.Certificate, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, public, signer)
	require.NoError(t, err)
	parsed, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return &authority{parsed, key}
}

// cert is what is odd about a certificate of a server.
type cert struct {
	name   string        // another one than the host's
	days   int           // until it expires; 60 if 0
	from   time.Duration // when it begins to be valid
	key    *weakRSA      // P-256 if nil
	sha1   bool
	staple bool // a response has to be stapled (RFC 7633)
}

// served is what a server is given. Without a name it is made when the host's is known.
type served struct {
	name   string
	make   func(*testing.T, *pki, string) served
	ders   [][]byte
	keyPEM []byte
}

func (s served) named(t *testing.T, p *pki, host string) served {
	t.Helper()
	s = s.make(t, p, host)
	s.name = host
	return s
}

func (s served) chain() []byte {
	var b bytes.Buffer
	for _, der := range s.ders {
		_ = pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: der})
	}
	return b.Bytes()
}

// then changes what was made.
func (s served) then(change func(*served)) served {
	made := s.make
	s.make = func(t *testing.T, p *pki, host string) served {
		s := made(t, p, host)
		change(&s)
		return s
	}
	return s
}

func (s served) first(n int) served {
	return s.then(func(s *served) { s.ders = s.ders[:n] })
}

// swapped has the authorities the wrong way round.
func (s served) swapped() served {
	return s.then(func(s *served) { slices.Reverse(s.ders[1:]) })
}

func (p *pki) good() served { return p.leaf(cert{}) }

// leaf is served with both authorities.
func (p *pki) leaf(want cert) served {
	return served{make: func(t *testing.T, p *pki, host string) served {
		t.Helper()
		change := func(c *x509.Certificate) {
			c.IsCA, c.KeyUsage, c.ExtKeyUsage = false, 0, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
			c.DNSNames = []string{host}
			if want.name != "" {
				c.DNSNames, c.Subject.CommonName = []string{want.name}, want.name
			}
			if want.days != 0 {
				c.NotAfter = time.Now().Add(time.Duration(want.days) * day)
			}
			if want.from != 0 {
				c.NotBefore = time.Now().Add(want.from)
			}
			if want.sha1 {
				c.SignatureAlgorithm = x509.ECDSAWithSHA1
			}
			if want.staple {
				c.ExtraExtensions = []pkix.Extension{{Id: []int{1, 3, 6, 1, 5, 5, 7, 1, 24}, Value: []byte{0x30, 3, 2, 1, 5}}}
			}
		}
		var a *authority
		var keyPEM []byte
		if want.key != nil {
			a, keyPEM = sign(t, p.lower, host, want.key.public(), nil, change), want.key.pem(t)
		} else {
			a = issue(t, p.lower, host, change)
			keyPEM = keyOf(t, a)
		}
		return served{ders: [][]byte{a.Raw, p.lower.Raw, p.upper.Raw}, keyPEM: keyPEM}
	}}
}

func (p *pki) selfSigned() served {
	return served{make: func(t *testing.T, _ *pki, host string) served {
		t.Helper()
		a := issue(t, nil, host, func(c *x509.Certificate) { c.DNSNames = []string{host} })
		return served{ders: [][]byte{a.Raw}, keyPEM: keyOf(t, a)}
	}}
}

func keyOf(t *testing.T, a *authority) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(a.key)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func pemCerts(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}

// weakRSA is a key of any size: crypto/rsa makes none below 1024 bits.
type weakRSA struct{ p, q, n, d *big.Int }

func rsaKey(t *testing.T, bits int) *weakRSA {
	t.Helper()
	one, e := big.NewInt(1), big.NewInt(65537)
	for {
		p, err := rand.Prime(rand.Reader, bits/2)
		require.NoError(t, err)
		q, err := rand.Prime(rand.Reader, bits/2)
		require.NoError(t, err)
		phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
		n, d := new(big.Int).Mul(p, q), new(big.Int).ModInverse(e, phi)
		if d != nil && n.BitLen() == bits && p.Cmp(q) > 0 {
			return &weakRSA{p, q, n, d}
		}
	}
}

func (k *weakRSA) public() *rsa.PublicKey { return &rsa.PublicKey{N: k.n, E: 65537} }

// pem is RFC 8017, A.1.2.
func (k *weakRSA) pem(t *testing.T) []byte {
	t.Helper()
	one := big.NewInt(1)
	der, err := asn1.Marshal(struct {
		Version                   int
		N                         *big.Int
		E                         int
		D, P, Q, DP, DQ, QInverse *big.Int
	}{
		0, k.n, 65537, k.d, k.p, k.q,
		new(big.Int).Mod(k.d, new(big.Int).Sub(k.p, one)), new(big.Int).Mod(k.d, new(big.Int).Sub(k.q, one)), new(big.Int).ModInverse(k.q, k.p),
	})
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: der})
}
