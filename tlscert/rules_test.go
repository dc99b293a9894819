package tlscert_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"math/big"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/check/checktest"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/internal/weakkey"
	"github.com/mailcheck-go/mailcheck/tlscert"
)

// TestRules runs the case files. Beside the zone a case has a file "tls" with
// what each address serves, see parseWorld; where something is fetched a file "web"
// with what stands at each URL, see parseWeb; and where the facts say something else a
// file "facts" with that, see change.
func TestRules(t *testing.T) {
	rules := tlscert.Rules(tlscert.Settings{Roots: testPKI().roots})
	checktest.Run(t, rules, "testdata/rules", discover, tlscert.Analyze)
}

func discover(t *testing.T, c checktest.Case) *tlscert.Facts {
	t.Helper()
	w := parseWorld(c.Domain, c.Files["tls"])
	o := w.options(c.Files["tls"])
	if lines, ok := c.Files["web"]; ok {
		o.Fetcher = parseWeb(w, lines).fetcher()
		o.ARIDirectory = "https://acme.example/directory"
	}
	f, err := tlscert.Discover(t.Context(), dnstest.Must(c.Zone), c.Domain, o)
	require.NoError(t, err)
	for line := range strings.Lines(c.Files["facts"]) {
		if fields := strings.Fields(line); len(fields) > 0 {
			change(f, fields)
		}
	}
	return f
}

// change edits the facts of the first host: what a world of HTTPS servers does not
// show. Lines begin with "host" or an address:
//
//	host mx                                  a mail exchanger out of the DNS
//	host given-mx                            one that the operator named
//	host given                               any other that the operator named
//	host server-name help.acme.example
//	192.0.2.10 greeting 220 mx.acme.example ESMTP
//	192.0.2.10 no-starttls                   instead of a handshake
//	192.0.2.10 version TLS 1.2
//	192.0.2.10 suite TLS_RSA_WITH_AES_128_GCM_SHA256
//	192.0.2.10 scts 2                        in the handshake
//	192.0.2.10 staple 2                      SCTs in the stapled response
//	192.0.2.10 try 1.0 alert                 a further handshake: 1.0, 1.1, weak, no-sni; alert, timeout, ok or a suite
//	192.0.2.10 deep                          all further handshakes that no line above has: refused, but without a name fine
//	192.0.2.10 rsa roca                      a certificate for such a key: close, factor, roca, or an exponent
func change(f *tlscert.Facts, fields []string) {
	h := &f.Hosts[0]
	rest := strings.Join(fields[2:], " ")
	if fields[0] == "host" {
		switch fields[1] {
		case "mx", "given-mx":
			h.Port, h.Protocol, h.Given = 25, tlscert.SMTP, fields[1] == "given-mx"
		case "given":
			h.Given = true
		case "server-name":
			h.ServerName = rest
		default:
			panic("no such change of a host: " + fields[1])
		}
		return
	}
	for i := range h.Endpoints {
		if h.Endpoints[i].Addr == netip.MustParseAddr(fields[0]) {
			changeEndpoint(&h.Endpoints[i], fields[1], rest)
			return
		}
	}
	panic("no such endpoint: " + fields[0])
}

func changeEndpoint(e *tlscert.Endpoint, what, rest string) {
	switch what {
	case "greeting":
		e.Greeting = rest
	case "no-starttls":
		e.TLS, e.Failure = nil, &tlscert.Failure{Stage: tlscert.StartTLS, Kind: tlscert.KindNoStartTLS}
		e.Greeting, e.Capabilities = "220 mx.acme.example ESMTP", []string{"PIPELINING", "SIZE 1000"}
	case "version":
		e.TLS.Version = rest
	case "suite":
		e.TLS.CipherSuite = rest
	case "scts":
		e.TLS.SCTs = scts(int(rest[0] - '0'))
	case "staple":
		oid := must(asn1.Marshal(asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 5}))
		e.TLS.OCSP = append(oid, must(asn1.Marshal(sctList(scts(int(rest[0]-'0'))...)))...)
	case "try":
		form, outcome, _ := strings.Cut(rest, " ")
		e.Tries = append(e.Tries, newTry(e, form, outcome))
	case "deep":
		for _, form := range []string{"1.0 alert", "1.1 alert", "weak alert", "no-sni ok"} {
			changeEndpoint(e, "try", form)
		}
	case "rsa":
		e.TLS.Chain[0] = weakLeaf(rest)
	default:
		panic("no such change of an endpoint: " + what)
	}
}

func newTry(e *tlscert.Endpoint, form, outcome string) tlscert.Try {
	t := tlscert.Try{}
	switch form {
	case "weak":
		t.WeakSuites = true
	case "no-sni":
		t.NoSNI = true
	default:
		t.Version = "TLS " + form
	}
	switch outcome {
	case "alert":
		t.Failure = &tlscert.Failure{Stage: tlscert.Handshake, Kind: tlscert.KindAlert}
	case "timeout":
		t.Failure = &tlscert.Failure{Stage: tlscert.Connect, Kind: tlscert.KindTimeout}
	case "ok":
		s := *e.TLS
		s.Version = t.Version
		t.TLS = &s
	default:
		t.TLS = &tlscert.Session{Version: "TLS 1.2", CipherSuite: outcome, Chain: e.TLS.Chain}
	}
	return t
}

// weakLeaf is a certificate of acme.example for a key with a fault.
func weakLeaf(fault string) []byte {
	good := newKey("rsa2048").Public().(*rsa.PublicKey)
	key := &rsa.PublicKey{N: good.N, E: 65537}
	switch fault {
	case "close":
		p := must(rand.Prime(rand.Reader, 1024))
		q := new(big.Int).Add(p, big.NewInt(2))
		for !q.ProbablyPrime(10) {
			q.Add(q, big.NewInt(2))
		}
		key.N = new(big.Int).Mul(p, q)
	case "factor":
		key.N = new(big.Int).Mul(big.NewInt(5), new(big.Int).SetBit(big.NewInt(1), 2046, 1))
	case "roca":
		m, _ := new(big.Int).SetString("924CBA6AE99DFA084537FACC54948DF0C23DA044D8CABE0EDD75BC6", 16)
		power := new(big.Int).Exp(big.NewInt(65537), big.NewInt(123456789), m)
		key.N = new(big.Int).Lsh(m, 2047-uint(m.BitLen()))
		for key.N.Add(key.N, power); weakkey.Test(key.N).Factor != 0; {
			key.N.Add(key.N, m)
		}
	default:
		must(fmt.Sscan(fault, &key.E))
	}
	ca := testPKI().publicCA
	t := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"acme.example"}, NotBefore: now.Add(-30 * day), NotAfter: now.Add(60*day - time.Second)}
	return must(x509.CreateCertificate(rand.Reader, t, ca.cert, key, ca.key))
}
