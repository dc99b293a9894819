package dkim_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dkim"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
)

// txt writes a TXT record as a line of a zone, in strings of 255 octets.
func txt(owner, text string) string { return dnsx.NewTXT(owner, 0, text).String() + "\n" }

func analyze(t testing.TB, zone string, o dkim.Options) *dkim.Analysis {
	t.Helper()
	f, err := dkim.Discover(t.Context(), dnstest.Must(zone), "acme.example", o)
	require.NoError(t, err)
	return dkim.Analyze(f)
}

func TestAnalyze_keys(t *testing.T) {
	const domain = "._domainkey.acme.example"
	rsaRecord, other := "v=DKIM1; p="+rsa2048, "v=DKIM1; p="+other2048
	tests := []struct {
		name string
		zone string
		want []dkim.Key
	}{
		{"of both types, one behind an alias", txt("s1"+domain, rsaRecord) + "s2" + domain + ". CNAME k.example.\n" + txt("k.example", "k=ed25519; t=y; p="+ed25519Key), []dkim.Key{
			{Selector: "s1", Type: "rsa", Bits: 2048}, {Selector: "s2", Type: "ed25519", Bits: 256, Target: "k.example", Testing: true},
		}},
		{"a wildcard's", txt("*"+domain, rsaRecord), []dkim.Key{{Selector: "*", Type: "rsa", Bits: 2048}}},
		{"one beside a wildcard that revokes", txt("*"+domain, "v=DKIM1; p=") + txt("s1"+domain, rsaRecord), []dkim.Key{{Selector: "s1", Type: "rsa", Bits: 2048}}},
		{"none where receivers may take either", txt("s1"+domain, rsaRecord) + txt("s1"+domain, other), nil},
		{"none that is void", txt("s1"+domain, rsaRecord+"; x=1; x=1"), nil},
		{"one with a fault that is tolerated", txt("s1"+domain, rsaRecord+";;"), []dkim.Key{{Selector: "s1", Type: "rsa", Bits: 2048}}},
		{"none for another service", txt("s1"+domain, rsaRecord+"; s=tlsrpt"), nil},
		{"none for another hash", txt("s1"+domain, rsaRecord+"; h=sha1"), nil},
		{"none that is revoked", txt("s1"+domain, "v=DKIM1; p="), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.want, analyze(t, tt.zone, dkim.Options{}).Keys)
		})
	}
}

func TestAnalyze_states(t *testing.T) {
	const domain = "._domainkey.acme.example"
	given := dkim.Options{OnlyGiven: true, Selectors: []dkim.Selector{{Name: "a"}, {Name: "b"}, {Name: "c"}}}
	tests := []struct {
		name string
		zone string
		want string // the states of a, b and c
	}{
		{"absent, found, unknown", "acme.example. TXT x\n" + txt("b"+domain, "x") + "c" + domain + ". TXT !servfail", "absent found unknown"},
		{"an alias of nothing", "a" + domain + ". CNAME x.example.\nb" + domain + ". A 192.0.2.1", "dangling absent absent"},
		{"an alias whose end nobody knows", "a" + domain + ". CNAME x.example.\nx.example. TXT !not-asked", "unknown absent absent"},
		{"the wildcard's record and one of its own", txt("*"+domain, "v=DKIM1; p=") + txt("b"+domain, "v=DKIM1; p="+rsa2048), "wildcard found wildcard"},
		{"the wildcard's two records, in any order", txt("*"+domain, "x") + txt("*"+domain, "y") + txt("b"+domain, "y") + txt("b"+domain, "x"), "wildcard wildcard wildcard"},
		{"the wildcard's alias", "*" + domain + ". CNAME x.example.\nb" + domain + ". CNAME y.example.", "wildcard dangling wildcard"},
		{"a wildcard above _domainkey", "acme.example. TXT x\n*.acme.example. CNAME acme.example.", "wildcard wildcard wildcard"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := analyze(t, tt.zone, given)
			var got []string
			for _, s := range a.Selectors {
				got = append(got, string(s.State))
			}
			assert.Equal(t, tt.want, strings.Join(got, " "))
		})
	}
}

// Whether all selectors are known, and whether the domain says that it signs nothing.
func TestAnalyze_set(t *testing.T) {
	type set struct{ complete, allRevoked bool }
	revoking := `*._domainkey.acme.example. TXT "v=DKIM1; p="` + "\n"
	tests := []struct {
		name   string
		zone   string
		listed bool
		want   set
	}{
		{"guesses prove nothing", `s1._domainkey.acme.example. TXT "v=DKIM1; p="`, false, set{}},
		{"a zone lists them", `s1._domainkey.acme.example. TXT "v=DKIM1; p="`, true, set{complete: true}},
		{"_domainkey does not exist", "acme.example. TXT x", false, set{complete: true}},
		{"a server that denies what has names below it", "s1._domainkey.acme.example. TXT x\n_domainkey.acme.example. TXT !timeout", false, set{}},
		{"a wildcard revokes", revoking, false, set{allRevoked: true}},
		{"a wildcard has two records", revoking + "*._domainkey.acme.example. TXT x", false, set{}},
		{"a wildcard that revokes has a fault", `*._domainkey.acme.example. TXT "v=DKIM1; p=; p="`, false, set{}},
		{"a wildcard has a key", txt("*._domainkey.acme.example", "v=DKIM1; p="+rsa2048), false, set{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			zone := dnstest.Must(tt.zone)
			var r dnsx.Resolver = zone
			if tt.listed {
				r = zone.Listing()
			}
			f, err := dkim.Discover(t.Context(), r, "acme.example", dkim.Options{})
			require.NoError(t, err)
			a := dkim.Analyze(f)
			assert.Equal(t, tt.want, set{a.Complete, a.AllRevoked})
		})
	}
}

func answer(name string, rcode dnsx.RCode, chain ...dnsx.RR) dnsx.Reply {
	q := dnsx.Q(name, dnsx.TypeTXT)
	return dnsx.Reply{Question: q, Answer: &dnsx.Answer{Question: q, RCode: rcode, Chain: chain}}
}

func alias(t *testing.T, from, to string) dnsx.RR {
	t.Helper()
	rr, err := dnsx.ParseRR(from + ". CNAME " + to + ".")
	require.NoError(t, err)
	return rr
}

// Servers that answer NXDOMAIN at _domainkey although there are names below it
// are believed where nothing contradicts them.
func TestAnalyze_nodeDenied(t *testing.T) {
	f := &dkim.Facts{
		Domain: "acme.example",
		Node:   answer("_domainkey.acme.example", dnsx.NXDomain),
		Probe:  answer("mailcheck-no-such-selector._domainkey.acme.example", dnsx.NXDomain),
		Selectors: []dkim.SelectorFacts{
			{Name: "s1", TXT: answer("s1._domainkey.acme.example", dnsx.NXDomain)},
			{Name: "s2", TXT: answer("s2._domainkey.acme.example", dnsx.NoError)},
		},
	}
	assert.False(t, dkim.Analyze(f).Complete)
	f.Selectors = f.Selectors[:1]
	assert.True(t, dkim.Analyze(f).Complete)
}

// A DNAME record at _domainkey renames every selector. That the new name does not
// exist says nothing about a selector nobody named.
func TestAnalyze_dname(t *testing.T) {
	const node, other = "_domainkey.acme.example", "_domainkey.provider.example"
	renamed := func(selector string, rcode dnsx.RCode) dnsx.Reply {
		return answer(selector+"."+node, rcode, alias(t, selector+"."+node, selector+"."+other))
	}
	key := renamed("s2", dnsx.NoError)
	key.Answer.Records = []dnsx.RR{dnsx.NewTXT("s2."+other, 0, "v=DKIM1; p="+rsa2048)}
	a := dkim.Analyze(&dkim.Facts{
		Domain: "acme.example",
		Node:   answer(node, dnsx.NoError),
		Probe:  renamed("mailcheck-no-such-selector", dnsx.NXDomain),
		Selectors: []dkim.SelectorFacts{
			{Name: "s1", TXT: renamed("s1", dnsx.NXDomain)}, {Name: "s2", TXT: key},
		},
	})
	assert.Equal(t, dkim.StateAbsent, a.Selectors[0].State)
	assert.Equal(t, []dkim.Key{{Selector: "s2", Type: "rsa", Bits: 2048, Target: "s2." + other}}, a.Keys)
	assert.Equal(t, check.Pass, result(a, "dkim.cname-dangling").Outcome)
}

// Facts may come from anywhere: no panic, and nothing is believed that is no answer
// to the question.
func TestAnalyze_hostile(t *testing.T) {
	strange := answer("other.example", dnsx.NoError)
	strange.Answer.Records = []dnsx.RR{dnsx.NewTXT("other.example", 0, "v=DKIM1; p="+rsa2048)}
	wrongOwner := answer("s1._domainkey.acme.example", dnsx.NoError)
	wrongOwner.Answer.Records = strange.Answer.Records
	wrongType := answer("s1._domainkey.acme.example", dnsx.NoError)
	wrongType.Answer.Records = []dnsx.RR{{Name: "s1._domainkey.acme.example", Type: dnsx.TypeSPF, Data: dnsx.NewTXT("", 0, "p=").Data}}
	many := make([]dkim.SelectorFacts, 10_000)
	for i := range many {
		many[i].Name = fmt.Sprint("s", i)
	}
	for name, f := range map[string]*dkim.Facts{
		"nil":                            nil,
		"nothing":                        {},
		"no domain":                      {Domain: "..", Selectors: []dkim.SelectorFacts{{Name: "s1", TXT: strange}}},
		"no selector":                    {Domain: "acme.example", Selectors: []dkim.SelectorFacts{{Name: "a..b"}, {}}},
		"answers to other questions":     {Domain: "acme.example", Node: strange, Probe: strange, Apex: strange, Selectors: []dkim.SelectorFacts{{Name: "s1", TXT: strange}}},
		"records of another name":        {Domain: "acme.example", Selectors: []dkim.SelectorFacts{{Name: "s1", TXT: wrongOwner}}},
		"records of another type":        {Domain: "acme.example", Selectors: []dkim.SelectorFacts{{Name: "s1", TXT: wrongType}}},
		"one selector many times":        {Domain: "acme.example", Selectors: []dkim.SelectorFacts{{Name: "s1"}, {Name: "s1"}, {Name: "s1"}}},
		"many selectors":                 {Domain: "acme.example", Selectors: many},
		"fewer selectors past it than 0": {Domain: "acme.example", Beyond: -1 << 62},
	} {
		t.Run(name, func(t *testing.T) {
			a := dkim.Analyze(f)
			assert.LessOrEqual(t, len(a.Selectors), dkim.MaxSelectors)
			assert.Empty(t, a.Keys)
			for _, res := range check.Apply(a, dkim.Rules(dkim.Settings{})) {
				assert.NotEqual(t, check.Fail, res.Outcome, res.ID)
			}
			assert.Empty(t, dkim.Repair(a))
		})
	}
}

// Keys that are too large to be tested leave a gap, not a verdict.
func TestRules_keyTooLarge(t *testing.T) {
	der := append([]byte{0x30, 0x82, 0x08, 0x0a, 0x02, 0x82, 0x08, 0x01}, make([]byte, 2049)...)
	der[8], der[len(der)-1] = 1, 1
	der = append(der, 0x02, 0x03, 1, 0, 1)
	a := analyze(t, txt("s1._domainkey.acme.example", "v=DKIM1; p="+b64(der, nil)), dkim.Options{})
	require.Equal(t, []dkim.Key{{Selector: "s1", Type: "rsa", Bits: 16385}}, a.Keys)
	res := result(a, "dkim.weak-fermat")
	assert.Equal(t, check.Unknown, res.Outcome)
	assert.Equal(t, check.Limit, res.Gaps[0].Why)
	assert.Equal(t, "its modulus has 16385 bits, and keys of over 16384 are not tested", res.Gaps[0].CauseText())
	assert.Equal(t, check.Fail, result(a, "dkim.rsa-over-4096").Outcome)
}

func BenchmarkAnalyze(b *testing.B) {
	var zone strings.Builder
	for _, q := range dkim.Questions("acme.example", dkim.Options{})[2:] {
		zone.WriteString(txt(q.Name, "v=DKIM1; k=rsa; p="+rsa2048))
	}
	f, err := dkim.Discover(b.Context(), dnstest.Must(zone.String()), "acme.example", dkim.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if a := dkim.Analyze(f); len(a.Keys) != 50 {
			b.Fatal(len(a.Keys), "keys")
		}
	}
}
