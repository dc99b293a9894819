package tlscert_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/mailcheck-go/mailcheck/tlscert"
)

// now is when the facts of a world are gathered.
var now = time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

// authority issues certificates.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// pki has a public hierarchy, whose root is trusted, and a private one.
type pki struct {
	public, private       authority // roots
	publicCA, privateCA   authority // intermediates
	publicOld, publicSHA1 authority // intermediates: expires in 10 days, is signed with SHA-1
	publicGone, future    authority // intermediates: has expired, is not valid yet
	stranger              authority // intermediate of the private root that signs nothing
	encrypt               authority // intermediate: Let's Encrypt, by its name
	other, cross          authority // a root that is trusted too, and the public root with its signature, for 10 days
	crossed               authority // intermediate of a root that is trusted only by cross2's signature
	crossRoot, cross2     authority // that root, and its certificate signed by the other one
	roots                 *x509.CertPool
}

var testPKI = sync.OnceValue(func() *pki {
	root := func(cn string) authority {
		return authority{}.issue(template{cn: cn, from: now.Add(-3000 * day), to: now.Add(3000 * day), ca: true})
	}
	p := &pki{public: root("Public Root"), private: root("Private Root")}
	sub := func(by authority, cn string, t template) authority {
		t.cn, t.ca = cn, true
		if t.from.IsZero() {
			t.from = now.Add(-1000 * day)
		}
		if t.to.IsZero() {
			t.to = now.Add(1000 * day)
		}
		return by.issue(t)
	}
	p.publicCA = sub(p.public, "Public CA", template{})
	p.privateCA = sub(p.private, "Private CA", template{})
	p.publicOld = sub(p.public, "Old CA", template{to: now.Add(10 * day)})
	p.publicGone = sub(p.public, "Gone CA", template{to: now.Add(-day)})
	p.future = sub(p.public, "Future CA", template{from: now.Add(10 * day)})
	p.publicSHA1 = sub(p.public, "SHA-1 CA", template{sig: x509.ECDSAWithSHA1})
	p.stranger = sub(p.private, "Stranger CA", template{})
	p.encrypt = sub(p.public, "E9", template{org: "Let's Encrypt"})
	p.other = root("Other Root")
	p.cross = sub(p.other, "Public Root", template{key: p.public.key, to: now.Add(10 * day)})
	p.crossRoot = root("New Root")
	p.crossed = sub(p.crossRoot, "New CA", template{})
	p.cross2 = sub(p.other, "New Root", template{key: p.crossRoot.key, to: now.Add(20 * day)})
	p.roots = x509.NewCertPool()
	p.roots.AddCert(p.public.cert)
	p.roots.AddCert(p.other.cert)
	return p
})

// template is what a certificate is to be.
type template struct {
	cn       string
	names    []string
	from, to time.Time
	ca       bool
	key      crypto.Signer // a new P-256 key if nil
	sig      x509.SignatureAlgorithm
	eku      x509.ExtKeyUsage
	critical bool // with an extension that nobody knows
	org      string
	crls     []string
	ocsp     []string
	staple   bool // demands a stapled response
	bare     bool // does not say where its issuer's certificate is
	public   bool // as public authorities issue them
	scts     int  // that many logs' timestamps
}

// issue signs a certificate; the zero authority lets it sign itself.
func (a authority) issue(t template) authority {
	if t.key == nil {
		t.key = must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	}
	c := &x509.Certificate{
		SerialNumber: must(rand.Int(rand.Reader, big.NewInt(1<<62))),
		Subject:      pkix.Name{CommonName: t.cn},
		NotBefore:    t.from, NotAfter: t.to,
		SignatureAlgorithm:    t.sig,
		BasicConstraintsValid: true, IsCA: t.ca,
	}
	if t.ca {
		c.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	} else {
		c.ExtKeyUsage = []x509.ExtKeyUsage{t.eku}
	}
	if t.critical {
		c.ExtraExtensions = []pkix.Extension{{Id: []int{1, 2, 3, 4}, Critical: true, Value: []byte{5, 0}}}
	}
	if t.org != "" {
		c.Subject.Organization = []string{t.org}
	}
	if t.staple { // RFC 7633, 4.2.3.1: a sequence of one feature, 5
		c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: []int{1, 3, 6, 1, 5, 5, 7, 1, 24}, Value: []byte{0x30, 3, 2, 1, 5}})
	}
	c.CRLDistributionPoints, c.OCSPServer = t.crls, t.ocsp
	if t.public {
		c.Policies = []x509.OID{must(x509.OIDFromInts([]uint64{2, 23, 140, 1, 2, 1}))}
	}
	if t.scts > 0 {
		c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: []int{1, 3, 6, 1, 4, 1, 11129, 2, 4, 2}, Value: sctList(scts(t.scts)...)})
	}
	for _, name := range t.names {
		if ip := net.ParseIP(name); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, name)
		}
	}
	if a.cert == nil {
		a = authority{cert: c, key: t.key}
	} else if !t.ca && !t.bare {
		c.IssuingCertificateURL = []string{"http://ca.example/" + strings.ReplaceAll(a.cert.Subject.CommonName, " ", "-") + ".cer"}
	}
	der := must(x509.CreateCertificate(rand.Reader, c, a.cert, t.key.Public(), a.key))
	return authority{cert: must(x509.ParseCertificate(der)), key: t.key}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// scts are timestamps of that many logs. Nobody verifies them.
func scts(n int) (all [][]byte) {
	for i := range n {
		sct := make([]byte, 1+32+8+2+4)
		sct[1] = byte(i)
		all = append(all, sct)
	}
	return all
}

// sctList is an OCTET STRING with a SignedCertificateTimestampList (RFC 6962, 3.3).
func sctList(scts ...[]byte) []byte {
	var list []byte
	for _, sct := range scts {
		list = append(binary.BigEndian.AppendUint16(list, uint16(len(sct))), sct...)
	}
	return must(asn1.Marshal(append(binary.BigEndian.AppendUint16(nil, uint16(len(list))), list...)))
}

// server is what stands at one address: a chain and its key, or a fault.
type server struct {
	tls.Certificate
	fault   string
	tls12   bool
	garbage []byte // sent in place of a handshake
}

// world is a network: what each address serves.
type world map[netip.Addr]server

// parseWorld reads lines like
//
//	192.0.2.10 names=support.acme.example lifetime=90d left=9d issuer=public
//	192.0.2.11 timeout
//
// Words and their defaults: names=DOMAIN; cn= the first name; lifetime=90d;
// left=60d, as of now, or from=DATE instead; key=p256 (p224, p384, ed25519,
// rsa1024, rsa2040, rsa2048, rsa3064, rsa3072); sig=sha1; eku=client; critical (an unknown
// extension); issuer=public (private, self, public-root, old, gone, future, sha1, encrypt,
// new); corporate (none of a public authority's policies); scts=3 (from so many logs);
// chain=leaf,issuer (also root, stranger, cross, cross2; "new" needs cross2); crl=URL,
// ocsp=URL, aia=none: what it points to; must-staple=yes; staple= an OCSP response, with
// the words of parseWeb's ocsp. A server named by same=ADDR
// serves the very same. Faults: timeout, refused, no-route, reset, plain, silent.
func parseWorld(domain, lines string) world {
	w := world{}
	for line := range strings.Lines(lines) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] == "hosts" || fields[0][0] == ';' {
			continue
		}
		addr := netip.MustParseAddr(fields[0])
		words := map[string]string{
			"names": domain, "lifetime": "90d", "left": "60d", "key": "p256", "issuer": "public", "chain": "leaf,issuer", "scts": "3",
		}
		var s server
		for _, field := range fields[1:] {
			key, value, ok := strings.Cut(field, "=")
			if !ok && key != "critical" && key != "corporate" {
				s.fault = key
			}
			words[key] = value
		}
		switch same := words["same"]; {
		case same != "":
			s = w[netip.MustParseAddr(same)]
		case s.fault == "":
			s = newServer(words)
		case s.fault == "plain":
			s.garbage = []byte("220 mx.acme.example ESMTP\r\n")
		}
		w[addr] = s
	}
	return w
}

func newServer(words map[string]string) server {
	lifetime := must(tlscert.ParseThreshold(words["lifetime"])).Left
	left, past := strings.CutPrefix(words["left"], "-")
	to := must(tlscert.ParseThreshold(left)).Left
	if past {
		to = -to
	}
	t := template{eku: x509.ExtKeyUsageServerAuth, to: now.Add(to - time.Second)}
	t.from = t.to.Add(time.Second - lifetime)
	if from := words["from"]; from != "" {
		t.from = must(time.Parse(time.DateOnly, from))
		t.to = t.from.Add(lifetime - time.Second)
	}
	if words["names"] != "none" {
		t.names = strings.Split(words["names"], ",")
		t.cn = t.names[0]
	}
	if cn, ok := words["cn"]; ok {
		t.cn = cn
	}
	if words["eku"] == "client" {
		t.eku = x509.ExtKeyUsageClientAuth
	}
	_, t.critical = words["critical"]
	if _, corporate := words["corporate"]; !corporate && words["issuer"] != "self" {
		t.public = true
		fmt.Sscan(words["scts"], &t.scts)
	}
	t.key = newKey(words["key"])
	if link := words["crl"]; link != "" {
		t.crls = strings.Split(link, ",")
	}
	if link := words["ocsp"]; link != "" {
		t.ocsp = []string{link}
	}
	t.staple, t.bare = words["must-staple"] != "", words["aia"] == "none"
	if words["sig"] == "sha1" {
		t.sig = x509.ECDSAWithSHA1
	}
	p := testPKI()
	issuer, ok := map[string]authority{
		"public": p.publicCA, "private": p.privateCA, "public-root": p.public, "self": {},
		"old": p.publicOld, "gone": p.publicGone, "future": p.future, "sha1": p.publicSHA1,
		"encrypt": p.encrypt, "new": p.crossed,
	}[words["issuer"]]
	if !ok {
		panic("no such issuer: " + words["issuer"])
	}
	root := p.public
	if words["issuer"] == "private" {
		root = p.private
	}
	leaf := issuer.issue(t)
	s := server{tls12: words["key"] == "p224", Certificate: tls.Certificate{PrivateKey: leaf.key}}
	if staple, ok := words["staple"]; ok {
		p := page{words: map[string]string{}}
		for word := range strings.SplitSeq(staple, ",") {
			key, value, _ := strings.Cut(word, ":")
			p.words[key] = value
		}
		if s.Certificate.OCSPStaple = p.response(leaf.cert.SerialNumber); p.has("garbage") {
			s.Certificate.OCSPStaple = []byte("no response")
		}
	}
	for part := range strings.SplitSeq(words["chain"], ",") {
		switch part {
		case "leaf":
			s.Certificate.Certificate = append(s.Certificate.Certificate, leaf.cert.Raw)
		case "issuer":
			if issuer.cert != nil {
				s.Certificate.Certificate = append(s.Certificate.Certificate, issuer.cert.Raw)
			}
		case "root":
			s.Certificate.Certificate = append(s.Certificate.Certificate, root.cert.Raw)
		case "stranger":
			s.Certificate.Certificate = append(s.Certificate.Certificate, p.stranger.cert.Raw)
		case "cross":
			s.Certificate.Certificate = append(s.Certificate.Certificate, p.cross.cert.Raw)
		case "cross2":
			s.Certificate.Certificate = append(s.Certificate.Certificate, p.cross2.cert.Raw)
		default:
			panic("no such part of a chain: " + part)
		}
	}
	return s
}

var rsaKeys = map[string]func() crypto.Signer{
	"rsa1024": sync.OnceValue(func() crypto.Signer { return must(rsa.GenerateKey(rand.Reader, 1024)) }),
	"rsa2040": sync.OnceValue(func() crypto.Signer { return must(rsa.GenerateKey(rand.Reader, 2040)) }),
	"rsa2048": sync.OnceValue(func() crypto.Signer { return must(rsa.GenerateKey(rand.Reader, 2048)) }),
	"rsa3064": sync.OnceValue(func() crypto.Signer { return must(rsa.GenerateKey(rand.Reader, 3064)) }),
	"rsa3072": sync.OnceValue(func() crypto.Signer { return must(rsa.GenerateKey(rand.Reader, 3072)) }),
}

func newKey(kind string) crypto.Signer {
	switch kind {
	case "p224":
		return must(ecdsa.GenerateKey(elliptic.P224(), rand.Reader))
	case "p256":
		return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	case "p384":
		return must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	case "ed25519":
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return must(key, err)
	}
	return rsaKeys[kind]()
}

// DialContext connects to a server of the world over a pipe.
func (w world) DialContext(_ context.Context, network, address string) (net.Conn, error) {
	fault := func(err error) (net.Conn, error) { return nil, &net.OpError{Op: "dial", Net: network, Err: err} }
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, err
	}
	s, ok := w[to.Addr()]
	if !ok {
		return nil, fmt.Errorf("the world has nothing at %s", to.Addr())
	}
	switch s.fault {
	case "timeout":
		return fault(os.ErrDeadlineExceeded)
	case "refused":
		return fault(os.NewSyscallError("connect", syscall.ECONNREFUSED))
	case "no-route":
		return fault(os.NewSyscallError("connect", syscall.ENETUNREACH))
	}
	client, conn := net.Pipe()
	go s.serve(conn)
	return client, nil
}

func (s server) serve(conn net.Conn) {
	defer conn.Close()
	switch {
	case s.fault == "reset":
		conn.Read(make([]byte, 64<<10))
	case s.fault == "silent", s.fault == "plain":
		go conn.Write(s.garbage)
		for b := make([]byte, 1024); ; {
			if _, err := conn.Read(b); err != nil {
				return
			}
		}
	default:
		c := &tls.Config{Certificates: []tls.Certificate{s.Certificate}}
		if s.tls12 {
			c.MaxVersion = tls.VersionTLS12
		}
		tls.Server(conn, c).Handshake()
	}
}

// options look at the hosts that a "hosts" line names, or at the domain.
func (w world) options(lines string) tlscert.Options {
	o := tlscert.Options{
		Prober: &tlscert.Prober{
			Dialer:       w,
			AllowPrivate: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")},
		},
		Now: func() time.Time { return now },
	}
	for line := range strings.Lines(lines) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] != "hosts" {
			continue
		}
		for _, s := range fields[1:] {
			o.Hosts = append(o.Hosts, must(tlscert.ParseHost(s)))
		}
	}
	return o
}
