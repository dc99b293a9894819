package dkim_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dkim"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
)

// asked are the names asked for below _domainkey of acme.example, in their order.
func asked(qs []dnsx.Question) []string {
	var names []string
	for _, q := range qs {
		if name, ok := strings.CutSuffix(q.Name, "._domainkey.acme.example"); ok {
			names = append(names, name)
		} else {
			names = append(names, q.Type.String()+" "+q.Name)
		}
	}
	return names
}

func TestQuestions(t *testing.T) {
	const node, probe = "TXT _domainkey.acme.example", "mailcheck-no-such-selector"
	given := []dkim.Selector{{Name: "S1"}, {Name: "s1", Why: "provider:x"}, {Name: "a.b"}}
	common := asked(dkim.Questions("acme.example", dkim.Options{}))[2:]
	require.Len(t, common, 50)
	assert.Contains(t, common, "s1")
	tests := []struct {
		name    string
		domain  string
		options dkim.Options
		want    []string
	}{
		{"what is common", "Acme.Example.", dkim.Options{}, append([]string{node, probe}, common...)},
		{
			"what is given, each once, in front of what is common", "acme.example",
			dkim.Options{Selectors: given},
			append([]string{node, probe, "s1", "a.b"}, slices.DeleteFunc(slices.Clone(common), func(s string) bool { return s == "s1" })...),
		},
		{"what is given alone", "acme.example", dkim.Options{Selectors: given, OnlyGiven: true}, []string{node, probe, "s1", "a.b"}},
		{"no domain", "acme..example", dkim.Options{}, nil},
		{"no selector", "acme.example", dkim.Options{Selectors: []dkim.Selector{{Name: "a..b"}}}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.want, asked(dkim.Questions(tt.domain, tt.options)))
		})
	}
}

// A domain may be so long that a common selector has no room in front of it.
func TestQuestions_longDomain(t *testing.T) {
	label := strings.Repeat("a", 63)
	domain := strings.Join([]string{label, label, label, strings.Repeat("b", 40)}, ".")
	for _, q := range dkim.Questions(domain, dkim.Options{})[2:] {
		_, err := dnsx.ParseName(q.Name)
		require.NoError(t, err)
	}
	assert.Less(t, len(dkim.Questions(domain, dkim.Options{})), 52)
}

func TestDiscover_selectors(t *testing.T) {
	type selector struct{ name, why string }
	const zone = `
acme.example. MX 10 mx.acme.example.
s1._domainkey.acme.example. TXT "v=DKIM1; p="
a.b._domainkey.acme.example. CNAME a.b.example.
*._domainkey.acme.example. TXT "v=DKIM1; p="
*.c._domainkey.acme.example. TXT "v=DKIM1; p="
_adsp._domainkey.acme.example. TXT "dkim=all"
d._report._domainkey.acme.example. TXT "x"
_domainkey.acme.example. TXT "o=~"
s2._domainkey.shop.acme.example. TXT "v=DKIM1; p="
`
	given := dkim.Options{Selectors: []dkim.Selector{{Name: "s1"}, {Name: "x", Why: "provider:x"}}}
	onlyGiven := given
	onlyGiven.OnlyGiven = true
	lister := dnstest.Must(zone).Listing()
	tests := []struct {
		name     string
		resolver dnsx.Resolver
		options  dkim.Options
		listed   bool
		want     []selector
	}{
		{"a zone lists its selectors", lister, dkim.Options{}, true, []selector{{"a.b", "listed"}, {"s1", "listed"}}},
		{"behind a cache too", &dnsx.Cache{Next: lister}, dkim.Options{}, true, []selector{{"a.b", "listed"}, {"s1", "listed"}}},
		{"what is given is asked for besides", lister, given, true, []selector{{"s1", "given listed"}, {"x", "provider:x"}, {"a.b", "listed"}}},
		{"what is given alone", lister, onlyGiven, false, []selector{{"s1", "given"}, {"x", "provider:x"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, err := dkim.Discover(t.Context(), tt.resolver, "acme.example", tt.options)
			require.NoError(t, err)
			var got []selector
			for _, s := range f.Selectors {
				got = append(got, selector{s.Name, strings.Join(s.Why, " ")})
			}
			assert.ElementsMatch(t, tt.want, got)
			assert.Equal(t, tt.listed, f.Listed)
		})
	}
}

// brokenLister is a zone that does not know all its names.
type brokenLister struct{ dnsx.Resolver }

func (brokenLister) Names(string) ([]string, error) { return nil, errors.New("a part is missing") }

func TestDiscover_listFails(t *testing.T) {
	f, err := dkim.Discover(t.Context(), brokenLister{dnstest.Must("")}, "acme.example", dkim.Options{})
	require.NoError(t, err)
	assert.False(t, f.Listed)
	assert.Len(t, f.Selectors, 50)
}

// A server that fails at the end of an alias says nothing of the alias.
func TestDiscover_aliasThatFails(t *testing.T) {
	zone := dnstest.Must(`
acme.example. MX 10 mx.acme.example.
s1._domainkey.acme.example. CNAME s1.example.
s1._domainkey.acme.example. TXT !servfail
s2._domainkey.acme.example. TXT !servfail
s3._domainkey.acme.example. TXT !not-asked
`)
	f, err := dkim.Discover(t.Context(), zone, "acme.example", dkim.Options{
		Selectors: []dkim.Selector{{Name: "s1"}, {Name: "s2"}, {Name: "s3"}}, OnlyGiven: true,
	})
	require.NoError(t, err)
	a := dkim.Analyze(f)
	var got []string
	for _, s := range a.Selectors {
		got = append(got, fmt.Sprint(s.Name, " ", s.State, " ", s.Target))
	}
	assert.Equal(t, []string{"s1 unknown s1.example", "s2 unknown ", "s3 unknown "}, got)
	assert.NotContains(t, zone.Asked(), dnsx.Q("s3._domainkey.acme.example", dnsx.TypeCNAME))

	zone = dnstest.Must("* * !servfail")
	_, err = dkim.Discover(t.Context(), zone, "acme.example", dkim.Options{})
	require.NoError(t, err)
	assert.False(t, slices.ContainsFunc(zone.Asked(), func(q dnsx.Question) bool { return q.Type == dnsx.TypeCNAME }), "all servers fail")
}

// MX of the domain is asked for only where nothing else shows that it exists.
func TestDiscover_apex(t *testing.T) {
	for name, tt := range map[string]struct {
		zone string
		want bool
	}{
		"a selector exists":               {`s1._domainkey.acme.example. TXT "v=DKIM1; p="`, false},
		"a selector is an alias":          {"s1._domainkey.acme.example. CNAME x.example.\nx.example. TXT !timeout", false},
		"nothing below the domain exists": {"acme.example. TXT x", true},
		"nobody said anything":            {"* * !timeout", false},
	} {
		t.Run(name, func(t *testing.T) {
			zone := dnstest.Must(tt.zone)
			_, err := dkim.Discover(t.Context(), zone, "acme.example", dkim.Options{})
			require.NoError(t, err)
			assert.Equal(t, tt.want, slices.Contains(zone.Asked(), dnsx.Q("acme.example", dnsx.TypeMX)))
		})
	}
}

func TestDiscover_errors(t *testing.T) {
	zone := dnstest.Must("")
	label := strings.Repeat("a", 63)
	for name, tt := range map[string]struct {
		domain string
		o      dkim.Options
	}{
		"no domain":            {domain: "acme..example"},
		"no selector":          {domain: "acme.example", o: dkim.Options{Selectors: []dkim.Selector{{Name: ""}}}},
		"the root as selector": {domain: "acme.example", o: dkim.Options{Selectors: []dkim.Selector{{Name: "."}}}},
		"too long with domain": {domain: strings.Join([]string{label, label, label}, "."), o: dkim.Options{Selectors: []dkim.Selector{{Name: label}}}},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := dkim.Discover(t.Context(), zone, tt.domain, tt.o)
			var bad *dnsx.NameError
			require.ErrorAs(t, err, &bad)
			assert.Nil(t, f)
			_, err = dkim.Check(t.Context(), zone, tt.domain, tt.o, dkim.Settings{})
			require.ErrorAs(t, err, &bad)
		})
	}
	assert.Empty(t, zone.Asked())
}

// The budget is no error and the caller's own end is one, with the facts so far.
func TestDiscover_time(t *testing.T) {
	silent := dnsx.ResolverFunc(func(ctx context.Context, q dnsx.Question) (*dnsx.Answer, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		f, err := dkim.Discover(t.Context(), silent, "acme.example", dkim.Options{Budget: 3 * time.Second})
		require.NoError(t, err)
		assert.Equal(t, 3*time.Second, time.Since(start))
		assert.Equal(t, dnsx.KindBudget, f.Node.Failure.Kind)

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		f, err = dkim.Discover(ctx, silent, "acme.example", dkim.Options{})
		require.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, dnsx.KindCanceled, f.Node.Failure.Kind)
	})
}

// Past 200 selectors nothing is asked, nothing is said to be missing, and the gap says so.
func TestDiscover_limit(t *testing.T) {
	var zone strings.Builder
	for i := range dkim.MaxSelectors + 3 {
		fmt.Fprintf(&zone, "s%d._domainkey.acme.example. TXT \"v=DKIM1; p=\"\n", i)
	}
	f, err := dkim.Discover(t.Context(), dnstest.Must(zone.String()).Listing(), "acme.example", dkim.Options{})
	require.NoError(t, err)
	assert.Len(t, f.Selectors, dkim.MaxSelectors)
	assert.Equal(t, 3, f.Beyond)

	a := dkim.Analyze(f)
	assert.False(t, a.Complete)
	res := result(a, "dkim.none-found")
	assert.Equal(t, check.Unknown, res.Outcome)
	assert.Equal(t, check.Limit, res.Gaps[0].Why)
	assert.Equal(t, "3 selectors past the first 200 were not asked for", res.Gaps[0].CauseText())
}

func result(a *dkim.Analysis, id string) check.Result {
	for _, res := range check.Apply(a, dkim.Rules(dkim.Settings{})) {
		if res.ID == id {
			return res
		}
	}
	panic("no rule " + id)
}

// Facts are what was seen, and come back from JSON as they were.
func TestFacts_json(t *testing.T) {
	zone := dnstest.Must("s1._domainkey.acme.example. TXT \"v=DKIM1; p=\\255\"\ns2._domainkey.acme.example. CNAME x.example.\nx.example. TXT !servfail")
	f, err := dkim.Discover(t.Context(), zone, "acme.example", dkim.Options{Selectors: []dkim.Selector{{Name: "given"}}})
	require.NoError(t, err)
	b, err := json.Marshal(f)
	require.NoError(t, err)
	var again dkim.Facts
	require.NoError(t, json.Unmarshal(b, &again))
	assert.Equal(t, f, &again)
}
