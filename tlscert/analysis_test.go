package tlscert_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"math/big"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/tlscert"
)

// factsOf gathers the facts of one host, acme.example, from the lines of a world.
func factsOf(t testing.TB, lines string) *tlscert.Facts {
	t.Helper()
	w := parseWorld("acme.example", lines)
	zone := ""
	for a := range w {
		kind := "A"
		if a.Is6() {
			kind = "AAAA"
		}
		zone += fmt.Sprintf("acme.example. %s %s\n", kind, a)
	}
	f, err := tlscert.Discover(t.Context(), dnstest.Must(zone), "acme.example", w.options(lines))
	require.NoError(t, err)
	return f
}

// TestAnalyzeGroups: one certificate is one leaf, however many addresses serve it
// and whatever they serve behind it.
func TestAnalyzeGroups(t *testing.T) {
	f := factsOf(t, `
		192.0.2.1 left=70d
		192.0.2.2 left=10d
		192.0.2.3 same=192.0.2.1
		2001:db8::1 same=192.0.2.1
		192.0.2.4 timeout
	`)
	short := &f.Hosts[0].Endpoints[2].TLS.Chain // 192.0.2.3 serves the leaf alone
	*short = (*short)[:1]
	h := tlscert.Analyze(f).Hosts[0]

	addr := func(s ...string) (addrs []netip.Addr) {
		for _, a := range s {
			addrs = append(addrs, netip.MustParseAddr(a))
		}
		return addrs
	}
	require.Len(t, h.Leaves, 2)
	assert.Equal(t, now.Add(10*day-time.Second), h.NotAfter())
	assert.Equal(t, addr("192.0.2.2"), h.Leaves[0].Addrs)
	assert.Equal(t, addr("192.0.2.1", "192.0.2.3", "2001:db8::1"), h.Leaves[1].Addrs)
	require.Len(t, h.Leaves[1].Chains, 2)
	assert.Equal(t, addr("192.0.2.1", "2001:db8::1"), h.Leaves[1].Chains[0].Addrs)
	assert.Equal(t, addr("192.0.2.3"), h.Leaves[1].Chains[1].Addrs)
	assert.Equal(t, 4, h.Seen)
	assert.Equal(t, 90*day, h.Leaves[0].Lifetime())
	assert.Equal(t, 10*day, h.Leaves[0].Left(now))
}

func TestSoonest(t *testing.T) {
	assert.Nil(t, tlscert.Analyze(nil).Soonest())
	f := factsOf(t, "hosts 192.0.2.1 192.0.2.2 192.0.2.3\n192.0.2.1 left=70d\n192.0.2.2 left=10d\n192.0.2.3 timeout")
	assert.Equal(t, "192.0.2.2", tlscert.Analyze(f).Soonest().String())
}

// TestJudgedAsOf: the time of the judgement is that of the settings, or of the facts.
func TestJudgedAsOf(t *testing.T) {
	f := factsOf(t, "192.0.2.1 left=60d")
	assert.Equal(t, check.Pass, result(t, f, tlscert.Settings{}, "cert.expired").Outcome)
	later := result(t, f, tlscert.Settings{At: now.Add(61 * day)}, "cert.expired")
	assert.Equal(t, check.Fail, later.Outcome)
	assert.Equal(t, "the certificate at 192.0.2.1 expired on 2027-01-21 11:59 UTC, 24 hours ago", later.Findings[0].Detail.String())
	// One analysis, two judges: each sees its own roots and time.
	a := tlscert.Analyze(f)
	for range 2 {
		for _, tt := range []struct {
			roots *x509.CertPool
			want  check.Outcome
		}{{testPKI().roots, check.Pass}, {x509.NewCertPool(), check.Fail}} {
			rules := tlscert.Rules(tlscert.Settings{Roots: tt.roots})
			at := slices.IndexFunc(rules, func(r check.Rule[*tlscert.Analysis]) bool { return r.ID == "cert.untrusted-root" })
			assert.Equal(t, tt.want, check.Apply(a, rules[at:at+1])[0].Outcome)
		}
	}
}

// TestNoRoots: a machine without root certificates must not call every
// certificate untrusted. Package x509 reads the system's once a process; no other
// test asks for them.
func TestNoRoots(t *testing.T) {
	t.Setenv("SSL_CERT_FILE", "/nonexistent")
	t.Setenv("SSL_CERT_DIR", t.TempDir())
	f := factsOf(t, "192.0.2.1 left=-1d")
	want := map[string]check.Outcome{
		"cert.expired": check.Fail, "cert.self-signed": check.Unknown, "cert.chain-incomplete": check.Unknown,
		"cert.untrusted-root": check.Unknown, "cert.chain-invalid": check.Unknown, "cert.lifetime-too-long": check.Unknown, "cert.no-sct": check.Unknown,
	}
	got := map[string]check.Outcome{}
	for _, r := range check.Apply(tlscert.Analyze(f), tlscert.Rules(tlscert.Settings{})) {
		if _, listed := want[r.ID]; listed || r.Outcome == check.Unknown && r.Gaps[0].Why != check.NotAsked {
			got[r.ID] = r.Outcome
		}
	}
	assert.Equal(t, want, got)
	assert.Zero(t, tlscert.Overview(tlscert.Analyze(f), tlscert.Settings{})[0].Breaks)
}

// TestHostileFacts: what cannot be read is a gap, and no rule says pass.
func TestHostileFacts(t *testing.T) {
	good := factsOf(t, "192.0.2.1").Hosts[0]
	chain := good.Endpoints[0].TLS.Chain
	host := func(change func(h *tlscert.HostFacts)) *tlscert.Facts {
		h := good
		h.Endpoints = []tlscert.Endpoint{{Addr: good.Endpoints[0].Addr, TLS: &tlscert.Session{Chain: chain}}}
		change(&h)
		return &tlscert.Facts{Domain: "acme.example", At: now, Hosts: []tlscert.HostFacts{h}}
	}
	serving := func(ders ...[]byte) *tlscert.Facts {
		return host(func(h *tlscert.HostFacts) { h.Endpoints[0].TLS.Chain = ders })
	}
	reply := func(name string, typ dnsx.Type) dnsx.Reply {
		q := dnsx.Q(name, typ)
		return dnsx.Reply{Question: q, Answer: &dnsx.Answer{Question: q}}
	}
	tests := []struct {
		name  string
		facts *tlscert.Facts
		want  check.Gap // its cause is not compared
	}{
		{"no facts", nil, check.Gap{Subject: "the certificates of ", Why: check.NotAsked}},
		{
			"no time", &tlscert.Facts{Domain: "acme.example", Hosts: []tlscert.HostFacts{good}},
			check.Gap{Subject: "the time of the facts", Why: check.NotAsked},
		},
		{"no hosts", &tlscert.Facts{Domain: "acme.example"}, check.Gap{Subject: "the certificates of acme.example", Why: check.NotAsked}},
		{"garbage in place of a certificate", serving([]byte("garbage")), check.Gap{Subject: "acme.example:443 at 192.0.2.1", Why: check.Failed}},
		{"a certificate that is cut off", serving(chain[0][:len(chain[0])-1]), check.Gap{Subject: "acme.example:443 at 192.0.2.1", Why: check.Failed}},
		{"a key beyond all reason", serving(hugeKey()), check.Gap{Subject: "acme.example:443 at 192.0.2.1", Why: check.Failed}},
		{"an empty chain", serving(), check.Gap{Subject: "acme.example:443 at 192.0.2.1", Why: check.Failed}},
		{"a long chain", serving(slices.Repeat(chain, 20)...), check.Gap{Subject: "acme.example:443 at 192.0.2.1", Why: check.Limit}},
		{"a large chain", serving(chain[0], make([]byte, tlscert.MaxHandshake)), check.Gap{Subject: "acme.example:443 at 192.0.2.1", Why: check.Limit}},
		{
			"an address of which nothing is said", host(func(h *tlscert.HostFacts) { h.Endpoints[0].TLS = nil }),
			check.Gap{Subject: "acme.example:443 at 192.0.2.1", Why: check.NotAsked},
		},
		{
			"an address that was not dialled", host(func(h *tlscert.HostFacts) { h.Endpoints = h.Endpoints[:0] }),
			check.Gap{Subject: "acme.example:443 at 192.0.2.1", Why: check.NotAsked},
		},
		{
			"too many addresses", host(func(h *tlscert.HostFacts) { h.Endpoints = slices.Repeat(h.Endpoints, 65) }),
			check.Gap{Subject: "acme.example", Why: check.Limit},
		},
		{
			"the answer to another question", host(func(h *tlscert.HostFacts) { h.AAAA = reply("other.example", dnsx.TypeAAAA) }),
			check.Gap{Subject: "AAAA acme.example", Why: check.NotAsked},
		},
		{
			"too many hosts", &tlscert.Facts{Domain: "acme.example", Hosts: make([]tlscert.HostFacts, 1001)},
			check.Gap{Subject: "the certificates of acme.example", Why: check.Limit},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := result(t, tt.facts, tlscert.Settings{}, "cert.wildcard-use")
			assert.Equal(t, check.Unknown, got.Outcome)
			for i := range got.Gaps {
				got.Gaps[i].Cause = nil
			}
			assert.Contains(t, got.Gaps, tt.want)
		})
	}
}

// hugeKey is a certificate for an RSA key of 8200 bits.
func hugeKey() []byte {
	p := testPKI().publicCA
	t := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"acme.example"}, NotBefore: now, NotAfter: now.Add(day)}
	key := &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 8199, 1), E: 65537}
	return must(x509.CreateCertificate(rand.Reader, t, p.cert, key, p.key))
}

// TestWithoutEnd: the year 9999 says that a certificate has no end (RFC 5280,
// 4.1.2.5), which is more than a time.Duration holds.
func TestWithoutEnd(t *testing.T) {
	p := testPKI().publicCA
	leaf := p.issue(template{cn: "acme.example", names: []string{"acme.example"}, public: true, from: now.Add(-day), to: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)})
	f := factsOf(t, "192.0.2.1")
	f.Hosts[0].Endpoints[0].TLS.Chain[0] = leaf.cert.Raw
	assert.Equal(t, check.Pass, result(t, f, tlscert.Settings{}, "cert.expired").Outcome)
	assert.Contains(t, result(t, f, tlscert.Settings{}, "cert.lifetime-too-long").Findings[0].Detail.String(), "lives 2912119 days")
	assert.Positive(t, tlscert.Analyze(f).Hosts[0].Leaves[0].Lifetime())
}

// TestManyAddresses: an address that nobody dialled is a gap wherever it stands
// among many.
func TestManyAddresses(t *testing.T) {
	f := factsOf(t, "192.0.2.1")
	h := &f.Hosts[0]
	for i := range 64 {
		a := netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 2)})
		h.A.Answer.Records = append(h.A.Answer.Records, dnsx.RR{Name: "acme.example", Type: dnsx.TypeA, Data: a.AsSlice()})
		if i < 63 {
			h.Endpoints = append(h.Endpoints, tlscert.Endpoint{Addr: a, TLS: h.Endpoints[0].TLS})
		}
	}
	got := result(t, f, tlscert.Settings{}, "cert.expired")
	assert.Equal(t, []check.Gap{{Subject: "acme.example:443 at 192.0.2.65", Why: check.NotAsked}}, got.Gaps)
}

// TestManyChains: the work that facts can make is bounded.
func TestManyChains(t *testing.T) {
	f := factsOf(t, "192.0.2.1")
	h := f.Hosts[0]
	leaf := h.Endpoints[0].TLS.Chain[0]
	h.Endpoints, h.Addrs = nil, []netip.Addr{netip.MustParseAddr("192.0.2.1")}
	f.Hosts = slices.Repeat([]tlscert.HostFacts{h}, 1000)
	for i := range 1001 {
		to := &f.Hosts[i%1000]
		to.Endpoints = append(to.Endpoints, tlscert.Endpoint{Addr: to.Addrs[0], TLS: &tlscert.Session{Chain: [][]byte{leaf, fmt.Append(nil, i)}}})
	}
	gaps := tlscert.Analyze(f).Gaps()
	require.Len(t, gaps, 1)
	assert.Equal(t, check.Limit, gaps[0].Why)
}

// TestLongNames: what others write into a certificate does not fill the report.
func TestLongNames(t *testing.T) {
	long := strings.Repeat("x", 20000)
	leaf := authority{}.issue(template{cn: long, names: []string{"a.example"}, from: now.Add(-day), to: now.Add(day)})
	f := factsOf(t, "192.0.2.1")
	f.Hosts[0].Endpoints[0].TLS.Chain = [][]byte{leaf.cert.Raw, leaf.cert.Raw}
	for _, r := range check.Apply(tlscert.Analyze(f), tlscert.Rules(tlscert.Settings{Roots: testPKI().roots})) {
		for _, finding := range r.Findings {
			assert.Less(t, len(finding.Detail.String()), 2000, r.ID)
		}
	}
}

// TestUnreadIntermediate: what stands behind the leaf and cannot be read is
// something extra; the leaf is judged.
func TestUnreadIntermediate(t *testing.T) {
	f := factsOf(t, "192.0.2.1")
	chain := &f.Hosts[0].Endpoints[0].TLS.Chain
	*chain = append(*chain, []byte("garbage"))
	got := result(t, f, tlscert.Settings{}, "cert.chain-order")
	require.Equal(t, check.Fail, got.Outcome)
	assert.Equal(t, "1 of the certificates that 192.0.2.1 serves cannot be read", got.Findings[0].Detail.String())
	assert.Equal(t, check.Pass, result(t, f, tlscert.Settings{}, "cert.chain-incomplete").Outcome)
}

// FuzzFacts judges whatever reads as facts.
func FuzzFacts(f *testing.F) {
	for _, lines := range []string{
		"192.0.2.1", "192.0.2.1 issuer=self left=-1d key=rsa1024", "192.0.2.1 chain=leaf,stranger,root,issuer\n192.0.2.2 timeout",
		"192.0.2.1 issuer=gone from=2026-11-01", "192.0.2.1 sig=sha1 names=none",
	} {
		data, err := json.Marshal(factsOf(f, lines))
		require.NoError(f, err)
		f.Add(data)
	}
	f.Add([]byte(`{"hosts":[{"name":"a","endpoints":[{"tls":{"chain":["MAA="]}},{}],"a":{"answer":{"rcode":"NOERROR"}}}]}`))
	rules := tlscert.Rules(tlscert.Settings{Roots: testPKI().roots})
	f.Fuzz(func(t *testing.T, data []byte) {
		var facts tlscert.Facts
		if json.Unmarshal(data, &facts) == nil {
			check.Apply(tlscert.Analyze(&facts), rules)
		}
	})
}

// FuzzChain judges chains of whatever octets.
func FuzzChain(f *testing.F) {
	for _, lines := range []string{"192.0.2.1", "192.0.2.1 issuer=self key=rsa1024", "192.0.2.1 issuer=sha1", "192.0.2.1 key=ed25519 critical issuer=private"} {
		chain := factsOf(f, lines).Hosts[0].Endpoints[0].TLS.Chain
		f.Add(chain[0], chain[len(chain)-1])
	}
	rules := tlscert.Rules(tlscert.Settings{Roots: testPKI().roots})
	f.Fuzz(func(t *testing.T, leaf, issuer []byte) {
		facts := &tlscert.Facts{Domain: "acme.example", At: now, Hosts: []tlscert.HostFacts{{
			Name: "acme.example", Port: 443, Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.1")},
			Endpoints: []tlscert.Endpoint{{Addr: netip.MustParseAddr("192.0.2.1"), TLS: &tlscert.Session{Chain: [][]byte{leaf, issuer, leaf}}}},
		}}}
		a := tlscert.Analyze(facts)
		results := check.Apply(a, rules)
		for _, r := range results {
			if !strings.HasPrefix(r.ID, "cert.") {
				continue
			}
			if known := a.Hosts[0].Seen == 1; (r.Outcome != check.Unknown) != known && !(known && r.Outcome == check.Unknown && r.Gaps[0].Why == check.Undecidable) {
				t.Errorf("%s is %s where the certificate is readable: %t", r.ID, r.Outcome, known)
			}
		}
	})
}
