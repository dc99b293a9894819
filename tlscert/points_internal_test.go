package tlscert

import (
	"crypto/ed25519"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// RFC 9773, Appendix A.
const appendixA = `-----BEGIN CERTIFICATE-----
MIIBQzCB66ADAgECAgUAh2VDITAKBggqhkjOPQQDAjAVMRMwEQYDVQQDEwpFeGFt
cGxlIENBMCIYDzAwMDEwMTAxMDAwMDAwWhgPMDAwMTAxMDEwMDAwMDBaMBYxFDAS
BgNVBAMTC2V4YW1wbGUuY29tMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeBZu
7cbpAYNXZLbbh8rNIzuOoqOOtmxA1v7cRm//AwyMwWxyHz4zfwmBhcSrf47NUAFf
qzLQ2PPQxdTXREYEnKMjMCEwHwYDVR0jBBgwFoAUaYhba4dGQEHhs3uEe6CuLN4B
yNQwCgYIKoZIzj0EAwIDRwAwRAIge09+S5TZAlw5tgtiVvuERV6cT4mfutXIlwTb
+FYN/8oCIClDsqBklhB9KAelFiYt9+6FDj3z4KGVelYM5MdsO3pK
-----END CERTIFICATE-----`

func TestRenewalID(t *testing.T) {
	block, _ := pem.Decode([]byte(appendixA))
	example, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	aki := example.AuthorityKeyId
	tests := []struct {
		name string
		cert *x509.Certificate
		want string
	}{
		{"the example of RFC 9773", example, "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE"},
		{"no leading bit, no leading octet", &x509.Certificate{AuthorityKeyId: aki, SerialNumber: big.NewInt(0x7f)}, "aYhba4dGQEHhs3uEe6CuLN4ByNQ.fw"},
		{"zero has an octet", &x509.Certificate{AuthorityKeyId: aki, SerialNumber: new(big.Int)}, "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AA"},
		{"negative", &x509.Certificate{AuthorityKeyId: aki, SerialNumber: big.NewInt(-1)}, ""},
		{"no key identifier", &x509.Certificate{SerialNumber: big.NewInt(1)}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := renewalID(tt.cert)
			assert.Equal(t, tt.want, got)
			assert.Equal(t, tt.want != "", ok)
		})
	}
}

func TestParseRenewal(t *testing.T) {
	start := time.Date(2025, time.January, 2, 4, 0, 0, 0, time.UTC)
	tests := []struct {
		name, body string
		want       *Renewal
	}{
		{"the example of RFC 9773", `{"suggestedWindow":{"start":"2025-01-02T04:00:00Z","end":"2025-01-03T04:00:00Z"},"explanationURL":"https://acme.example.com/docs/ari"}`, &Renewal{Start: start, End: start.Add(day), Explanation: "https://acme.example.com/docs/ari"}},
		{"a second is a window", `{"suggestedWindow":{"start":"2025-01-02T04:00:00Z","end":"2025-01-02T04:00:01Z"}}`, &Renewal{Start: start, End: start.Add(time.Second)}},
		{"another zone", `{"suggestedWindow":{"start":"2025-01-02T05:00:00+01:00","end":"2025-01-03T04:00:00Z"}}`, &Renewal{Start: start, End: start.Add(day)}},
		{"no time between", `{"suggestedWindow":{"start":"2025-01-02T04:00:00Z","end":"2025-01-02T04:00:00Z"}}`, nil},
		{"the wrong way round", `{"suggestedWindow":{"start":"2025-01-03T04:00:00Z","end":"2025-01-02T04:00:00Z"}}`, nil},
		{"no start", `{"suggestedWindow":{"end":"2025-01-02T04:00:00Z"}}`, nil},
		{"no window", `{}`, nil},
		{"no RFC 3339", `{"suggestedWindow":{"start":"2025-01-02","end":"2025-01-03"}}`, nil},
		{"a problem document", `{"type":"urn:ietf:params:acme:error:malformed"}`, nil},
		{"no JSON", `<html>`, nil},
		{"nothing", ``, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseRenewal([]byte(tt.body))
			assert.Equal(t, tt.want, got)
			assert.Equal(t, tt.want == nil, err != nil)
		})
	}
}

func TestRetryAfter(t *testing.T) {
	at := time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		name string
		got  Fetched
		want time.Duration
	}{
		{"in between", Fetched{Status: 200, RetryAfter: "21600"}, 6 * time.Hour},
		{"a minute at least", Fetched{Status: 200, RetryAfter: "59"}, time.Minute},
		{"a day at most", Fetched{Status: 200, RetryAfter: "86401"}, day},
		{"a date", Fetched{Status: 200, At: at, RetryAfter: "Sun, 22 Nov 2026 14:00:00 GMT"}, 2 * time.Hour},
		{"a date that is over", Fetched{Status: 200, At: at, RetryAfter: "Sun, 22 Nov 2026 10:00:00 GMT"}, time.Minute},
		{"unsaid", Fetched{Status: 200}, 6 * time.Hour},
		{"negative", Fetched{Status: 200, RetryAfter: "-5"}, 6 * time.Hour},
		{"huge", Fetched{Status: 200, RetryAfter: "99999999999999999999"}, 6 * time.Hour},
		{"a failure", Fetched{Status: 503, RetryAfter: "60"}, 6 * time.Hour},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { assert.Equal(t, tt.want, tt.got.retryAfter()) })
	}
}

// The known directories are URLs that may be asked, and no organization stands twice.
func TestDirectories(t *testing.T) {
	seen := map[string]bool{}
	for _, d := range directories {
		u, port, err := parseURL(d.url)
		require.NoError(t, err)
		assert.Equal(t, "https", u.Scheme)
		assert.EqualValues(t, 443, port)
		assert.False(t, seen[d.organization], d.organization)
		seen[d.organization] = true
	}
}

func TestParseURL(t *testing.T) {
	for link, want := range map[string]uint16{
		"http://crl.example/1.crl": 80, "https://crl.example": 443, "http://crl.example:8080/": 8080, "http://[2001:db8::1]/": 80,
		"ldap://crl.example/cn=ca": 0, "file:///etc/passwd": 0, "http://user@crl.example/": 0, "http:///1.crl": 0, "/1.crl": 0,
		"http://crl.example:0/": 0, "http://crl.example:99999/": 0, "http://crl\x00.example/": 0, "": 0,
	} {
		_, port, err := parseURL(link)
		assert.Equal(t, want, port*map[bool]uint16{true: 1}[err == nil], link)
	}
}

func FuzzParseRenewal(f *testing.F) {
	f.Add([]byte(`{"suggestedWindow":{"start":"2025-01-02T04:00:00Z","end":"2025-01-03T04:00:00Z"},"explanationURL":"https://acme.example.com/docs/ari"}`))
	f.Add([]byte(`{"suggestedWindow":{"start":"2025-01-02T04:00:00.5+01:00","end":"2025-01-02T04:00:01Z"}}`))
	f.Add([]byte(`{"suggestedWindow":null}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := parseRenewal(body)
		if err != nil {
			return
		}
		if !got.Start.Before(got.End) {
			t.Fatalf("%q: from %s to %s", body, got.Start, got.End)
		}
		window := map[string]time.Time{"start": got.Start, "end": got.End}
		written, err := json.Marshal(map[string]any{"suggestedWindow": window, "explanationURL": got.Explanation})
		if err != nil {
			t.Fatal(err)
		}
		again, err := parseRenewal(written)
		if err != nil || !reflect.DeepEqual(got, again) {
			t.Errorf("%q: read %+v, wrote %s, read %+v, %v", body, got, written, again, err)
		}
	})
}

func FuzzParsePKCS7(f *testing.F) {
	f.Add([]byte{0x30, 0x80})
	f.Add([]byte{
		0x30, 0x23, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2, 0xa0, 0x16, 0x30, 0x14, 2, 1, 1, 0x31, 0,
		0x30, 11, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1, 0xa0, 0,
	})
	f.Fuzz(func(t *testing.T, der []byte) {
		ders, err := parsePKCS7(der)
		if err != nil && ders != nil || len(ders) > maxBundle {
			t.Fatalf("%d certificates, %v", len(ders), err)
		}
		for _, d := range ders {
			if len(d) == 0 || d[0] != 0x30 || len(d) > len(der) {
				t.Errorf("%x is no part of %x", d, der)
			}
		}
	})
}

// What stands at a distribution point may be anything.
func FuzzParseCRL(f *testing.F) {
	f.Add([]byte("<html>"))
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	for _, idp := range [][]byte{{0x30, 0}, {0x30, 3, 0x84, 1, 0xff}, {0x30, 6, 0xa0, 4, 0xa0, 2, 0x86, 0}, {0x30, 4, 0x83, 2, 6, 0x40}} {
		list, err := x509.CreateRevocationList(nil, &x509.RevocationList{
			Number: big.NewInt(1), ThisUpdate: time.Unix(0, 0), NextUpdate: time.Unix(1, 0),
			RevokedCertificateEntries: []x509.RevocationListEntry{{SerialNumber: big.NewInt(1), RevocationTime: time.Unix(0, 0)}},
			ExtraExtensions:           []pkix.Extension{{Id: oidIDP, Critical: true, Value: idp}},
		}, &x509.Certificate{SubjectKeyId: []byte{1}, KeyUsage: x509.KeyUsageCRLSign}, key)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(list)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		l := parseCRL(&Fetched{Kind: FetchCRL, Status: 200, Body: body})
		leaf := &x509.Certificate{SerialNumber: big.NewInt(1), CRLDistributionPoints: []string{"http://crl.example/"}}
		if l.RevocationList != nil {
			leaf.RawIssuer = l.RawIssuer
		}
		if r := l.says("CRL", leaf, nil); r.State != RevocationUnknown || r.gap == nil {
			t.Errorf("%x says %s, signed by nobody", body, r.State)
		}
	})
}

// A list of a large authority has some 20,000 entries in a megabyte.
func BenchmarkCRL(b *testing.B) {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	issuer := &x509.Certificate{SubjectKeyId: []byte{1}, KeyUsage: x509.KeyUsageCRLSign, IsCA: true, PublicKeyAlgorithm: x509.Ed25519, PublicKey: key.Public()}
	list := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: time.Unix(0, 0), NextUpdate: time.Unix(1, 0)}
	serial := new(big.Int).Lsh(big.NewInt(1), 140)
	for range 20_000 {
		serial = new(big.Int).Add(serial, big.NewInt(1))
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: serial, RevocationTime: time.Unix(0, 0), ReasonCode: 4})
	}
	body, err := x509.CreateRevocationList(nil, list, issuer, key)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		l := parseCRL(&Fetched{Kind: FetchCRL, Status: 200, Body: body})
		leaf := &x509.Certificate{SerialNumber: big.NewInt(1), RawIssuer: l.RawIssuer}
		if r := l.says("CRL", leaf, []*x509.Certificate{issuer}); r.State != NotRevoked {
			b.Fatal(r.gap.Cause)
		}
	}
}
