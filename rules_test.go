package mailcheck

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/caa"
	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/check/checktest"
	"github.com/mailcheck-go/mailcheck/dkim"
	"github.com/mailcheck-go/mailcheck/dmarc"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/mtasts"
	"github.com/mailcheck-go/mailcheck/mx"
	"github.com/mailcheck-go/mailcheck/spf"
	"github.com/mailcheck-go/mailcheck/tlscert"
	"github.com/mailcheck-go/mailcheck/tlsrpt"
)

// The rules of this package, those that read two rooms; each room tests its own.
func TestRules(t *testing.T) {
	discover := func(t *testing.T, c checktest.Case) *Facts {
		var r dnsx.Resolver = dnstest.Must(c.Zone)
		if strings.Contains(c.Zone, "; tries: 2") {
			r = twice{r}
		}
		if strings.Contains(c.Zone, "; listed: yes") {
			r = dnstest.Must(c.Zone).Listing()
		}
		checker := Checker{Resolver: r, Offline: true}
		f, err := checker.Discover(t.Context(), Target{Domain: c.Domain, Require: strings.Fields(c.Files["require"])})
		require.NoError(t, err)
		serve(t, f, c.Files["served"])
		if policy, ok := c.Files["policy"]; ok {
			f.MTASTS.Policy = &mtasts.Fetch{
				URL: "https://mta-sts." + c.Domain + "/.well-known/mta-sts.txt", Status: 200, ContentType: "text/plain",
				Body: policy, At: f.At,
			}
		}
		return f
	}
	checktest.Run(t, ownRules(), "testdata/rules", discover, func(f *Facts) *view {
		return newView(f, Settings{TLSCert: tlscert.Settings{Roots: testRoots}})
	})
}

// serve makes facts of what hosts serve. A line has an address and what it is:
//
//	192.0.2.10 issuer=Let's_Encrypt names=help.acme.example,*.acme.example
//	192.0.2.11 status=302 location=https://acme.zendesk.com/hc
//	192.0.2.25 plain                         no STARTTLS
//	192.0.2.25 issuer=nobody                 a CA that is not trusted
func serve(t *testing.T, f *Facts, lines string) {
	served := map[string]map[string]string{}
	for line := range strings.Lines(lines) {
		fields := strings.Fields(line)
		served[fields[0]] = map[string]string{}
		for _, field := range fields[1:] {
			key, value, _ := strings.Cut(field, "=")
			served[fields[0]][key] = strings.ReplaceAll(value, "_", " ")
		}
	}
	for i := range f.TLSCert.Hosts {
		h := &f.TLSCert.Hosts[i]
		for j := range h.Endpoints {
			e := &h.Endpoints[j]
			s, ok := served[e.Addr.String()]
			if !ok {
				continue
			}
			if _, plain := s["plain"]; plain {
				e.Failure = &tlscert.Failure{Stage: tlscert.StartTLS, Kind: tlscert.KindNoStartTLS}
				continue
			}
			e.Failure, e.TLS = nil, &tlscert.Session{Version: "TLS 1.3"}
			e.TLS.Chain = [][]byte{certificate(t, s["issuer"], cmp.Or(s["names"], h.Name))}
			if s["status"] != "" {
				status, err := strconv.Atoi(s["status"])
				require.NoError(t, err)
				e.HTTP = &tlscert.HTTPAnswer{Status: status, Location: s["location"]}
			}
		}
	}
}

// certificate is one for some names, by a CA of an organization.
func certificate(t *testing.T, organization, names string) []byte {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "R13", Organization: []string{organization}},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, key.Public(), key)
	require.NoError(t, err)
	if root, err := x509.ParseCertificate(der); organization != "nobody" {
		require.NoError(t, err)
		testRoots.AddCert(root)
	}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), DNSNames: strings.Split(names, ","), NotBefore: ca.NotBefore, NotAfter: ca.NotAfter}
	der, err = x509.CreateCertificate(rand.Reader, leaf, ca, key.Public(), key)
	require.NoError(t, err)
	return der
}

// testRoots are the CAs of certificate, but "nobody".
var testRoots = x509.NewCertPool()

// twice is a resolver whose failures were asked a second time, as wire does.
type twice struct{ dnsx.Resolver }

func (r twice) Resolve(ctx context.Context, q dnsx.Question) (*dnsx.Answer, error) {
	a, err := r.Resolver.Resolve(ctx, q)
	var f *dnsx.Failure
	if errors.As(err, &f) {
		again := *f
		again.Tries = 2
		return nil, &again
	}
	return a, err
}

func TestAllRulesAreValid(t *testing.T) {
	require.NoError(t, check.Validate(rules(Settings{})))
}

// The bar of a certificate has the colour of its findings, whatever thresholds the
// owner set.
func TestExpiryIsJudgedByTheRules(t *testing.T) {
	results := []check.Result{
		{ID: "cert.expired", Findings: []check.Finding{{Subject: "gone.example", Severity: check.Critical}}},
		{ID: "cert.expiring", Findings: []check.Finding{{Subject: "soon.example", Severity: check.Medium}, {Subject: "sooner.example", Severity: check.High}}},
		{ID: "cert.self-signed", Findings: []check.Finding{{Subject: "fresh.example", Severity: check.High}}},
	}
	for host, want := range map[string]check.Outcome{
		"gone.example": check.Fail, "sooner.example": check.Fail, "soon.example": check.Note, "fresh.example": check.Pass,
	} {
		require.Equal(t, want, expiry(results, host), host)
	}
}

// What (*view).alike says of a rule by its area holds only where the rule stands in that
// area's room.
func TestAlikeKnowsTheRooms(t *testing.T) {
	rooms := map[string][]check.Doc{
		"spf": check.Docs(spf.Rules(spf.Settings{})), "dkim": check.Docs(dkim.Rules(dkim.Settings{})),
		"dmarc": check.Docs(dmarc.Rules(dmarc.Settings{})), "mx": check.Docs(mx.Rules(mx.Settings{})),
		"mtasts": check.Docs(mtasts.Rules(mtasts.Settings{})), "tlsrpt": check.Docs(tlsrpt.Rules(tlsrpt.Settings{})),
		"cert": check.Docs(tlscert.Rules(tlscert.Settings{})), "tls": check.Docs(tlscert.Rules(tlscert.Settings{})),
		"smtp": check.Docs(tlscert.Rules(tlscert.Settings{})), "caa": check.Docs(caa.Rules(caa.Settings{})),
	}
	same := &view{facts: &Facts{}}
	n := 0
	for _, doc := range Catalog() {
		if !same.alike(same, doc.ID) {
			continue
		}
		n++
		area, _, _ := strings.Cut(doc.ID, ".")
		in := func(d check.Doc) bool { return d.ID == doc.ID }
		assert.True(t, slices.ContainsFunc(rooms[area], in), "%s reads more than the room of %s", doc.ID, area)
	}
	assert.Greater(t, n, len(Catalog())/2)
}

// Rules that are not judged again for a repair would have said the same.
func TestAlikeSaysTheSame(t *testing.T) {
	c := Checker{Offline: true, Resolver: dnstest.Must(`
acme.example.              MX  10 mx.acme.example.
acme.example.              MX  20 mx.acme.example.
mx.acme.example.           A   185.12.80.1
acme.example.              TXT "v=spf1 mx ipv4:185.12.80.2 mx +all"
_dmarc.acme.example.       TXT "v=DMARC1; p=rejct; pct=50; rua=mailto:d@acme.example"
_mta-sts.acme.example.     TXT "v=STSv1; id=1"
_smtp._tls.acme.example.   TXT "v=TLSRPTv1; rua=tls@acme.example"
s1._domainkey.acme.example. TXT "v=DKIM1; k=ed25519; p=9Upxi//bW1hVGBph1XOZkilGntfLtVDR1cJZNwTKWm4=; p=9Upxi//bW1hVGBph1XOZkilGntfLtVDR1cJZNwTKWm4="
`)}
	f, err := c.Discover(t.Context(), Target{Domain: "acme.example"})
	require.NoError(t, err)
	v, all := newView(f, Settings{}), rules(Settings{})
	results := check.Apply(v, all)
	changes := v.changes(results)
	require.Greater(t, len(changes), 3)
	for _, change := range changes {
		facts, err := withChange(f, change)
		require.NoError(t, err)
		after := v.with(facts)
		for i := range all {
			if after.alike(v, all[i].ID) {
				require.Equal(t, results[i], all[i].Apply(after), "%s after %v", all[i].ID, change)
			}
		}
	}
}
