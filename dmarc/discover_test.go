package dmarc_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/dmarc"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
)

func TestQuestions(t *testing.T) {
	long := strings.Repeat("a.", 123) + "example" // 253 characters: no room for _dmarc
	tests := []struct {
		name, domain string
		want         []string // names; the first is the domain, the others follow _dmarc
	}{
		{"a plain domain", "Acme.Example.", []string{"acme.example", "acme.example", "example"}},
		{"seven labels", "1.2.3.4.5.acme.example", []string{
			"1.2.3.4.5.acme.example", "1.2.3.4.5.acme.example", "2.3.4.5.acme.example", "3.4.5.acme.example", "4.5.acme.example",
			"5.acme.example", "acme.example", "example",
		}},
		{"RFC 9989, 4.10: more than eight labels are cut to seven", "a.b.c.d.e.f.g.h.i.j.mail.example.com", []string{
			"a.b.c.d.e.f.g.h.i.j.mail.example.com", "a.b.c.d.e.f.g.h.i.j.mail.example.com", "g.h.i.j.mail.example.com", "h.i.j.mail.example.com",
			"i.j.mail.example.com", "j.mail.example.com", "mail.example.com", "example.com", "com",
		}},
		{"a top-level domain", "example", []string{"example", "example"}},
		{"no room for _dmarc", long, []string{
			long, "a.a.a.a.a.a.example", "a.a.a.a.a.example", "a.a.a.a.example", "a.a.a.example", "a.a.example", "a.example", "example",
		}},
		{"the root", ".", []string{"."}},
		{"no name", "a..b", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var want []dnsx.Question
			for i, name := range tt.want {
				if i > 0 {
					name = "_dmarc." + name
				}
				want = append(want, dnsx.Q(name, dnsx.TypeTXT))
			}
			assert.Equal(t, want, dmarc.Questions(tt.domain, dmarc.Options{}))
		})
	}
}

func TestDiscoverAsks(t *testing.T) {
	tests := []struct {
		name, zone string
		options    dmarc.Options
		want       []string // behind Questions
	}{
		{"no record", "acme.example. A 192.0.2.1", dmarc.Options{}, nil},
		{
			"reports to itself: no consent is needed, and the walk is known",
			"_dmarc.acme.example. TXT \"v=DMARC1; p=none; rua=mailto:d@acme.example\"\nacme.example. MX 10 mx.acme.example.",
			dmarc.Options{},
			[]string{"MX acme.example"},
		},
		{
			"without an MX record the addresses count",
			"_dmarc.acme.example. TXT \"v=DMARC1; p=none; rua=mailto:d@acme.example\"\nacme.example. A 192.0.2.1",
			dmarc.Options{},
			[]string{"MX acme.example", "A acme.example", "AAAA acme.example"},
		},
		{
			"a host that does not exist has none",
			"_dmarc.acme.example. TXT \"v=DMARC1; p=none; rua=mailto:d@rep.test\"",
			dmarc.Options{},
			[]string{"TXT acme.example._report._dmarc.rep.test", "TXT _dmarc.rep.test", "TXT _dmarc.test", "MX rep.test"},
		},
		{
			"each host once, and only those of valid addresses",
			"_dmarc.acme.example. TXT \"v=DMARC1; p=none; rua=mailto:a@rep.test,mailto:b@rep.test,c@else.test; ruf=mailto:d@rep.test,https://web.test\"\nrep.test. MX 10 mx.rep.test.",
			dmarc.Options{},
			[]string{"TXT acme.example._report._dmarc.rep.test", "TXT _dmarc.rep.test", "TXT _dmarc.test", "MX rep.test"},
		},
		{
			"the walk alone",
			"_dmarc.acme.example. TXT \"v=DMARC1; p=none; rua=mailto:d@rep.test\"",
			dmarc.Options{WalkOnly: true},
			nil,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := dnstest.Must(tt.zone)
			_, err := dmarc.Discover(t.Context(), r, "acme.example", tt.options)
			require.NoError(t, err)
			var got []string
			for _, q := range r.Asked() {
				got = append(got, q.String())
			}
			want := append([]string{"TXT acme.example", "TXT _dmarc.acme.example", "TXT _dmarc.example"}, tt.want...)
			assert.ElementsMatch(t, want, got)
		})
	}
}

// batches counts how often it is asked: how many round trips depend on another.
type batches struct {
	dnsx.Resolver
	n int
}

func (b *batches) ResolveAll(ctx context.Context, qs []dnsx.Question) []dnsx.Reply {
	b.n++
	return dnsx.Ask(ctx, b.Resolver, qs...)
}

func TestDiscoverDepth(t *testing.T) {
	tests := []struct {
		name, zone string
		want       int
	}{
		{"no reports", `_dmarc.acme.example. TXT "v=DMARC1; p=none"`, 1},
		{"reports", "_dmarc.acme.example. TXT \"v=DMARC1; p=none; rua=mailto:a@rep.test,mailto:b@other.test\"\nrep.test. MX 10 mx.rep.test.", 2},
		{"a host without MX", "_dmarc.acme.example. TXT \"v=DMARC1; p=none; rua=mailto:a@rep.test\"\nrep.test. A 192.0.2.1", 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := &batches{Resolver: dnstest.Must(tt.zone)}
			_, err := dmarc.Discover(t.Context(), b, "acme.example", dmarc.Options{})
			require.NoError(t, err)
			assert.Equal(t, tt.want, b.n)
		})
	}
}

// TestDiscoverBothOwners: where the generations use different records, each owner
// needs the host's consent.
func TestDiscoverBothOwners(t *testing.T) {
	f, err := dmarc.Discover(t.Context(), dnstest.Must(`
a.shop.acme.example. A 192.0.2.1
_dmarc.shop.acme.example. TXT "v=DMARC1; p=none; psd=n; rua=mailto:a@rep.test"
_dmarc.acme.example. TXT "v=DMARC1; p=reject; rua=mailto:b@rep.test"
acme.example._report._dmarc.rep.test. TXT "v=DMARC1;"
rep.test. MX 10 mx.rep.test.`), "a.shop.acme.example", dmarc.Options{})
	require.NoError(t, err)
	a := dmarc.Analyze(f)
	state := func(g dmarc.Generation) (s []string) {
		for _, r := range g.Reports {
			s = append(s, fmt.Sprint(r.URI, " ", r.State, " ", r.Auth))
		}
		return s
	}
	assert.Equal(t, []string{"mailto:a@rep.test unauthorized shop.acme.example._report._dmarc.rep.test"}, state(a.New))
	assert.Equal(t, []string{"mailto:b@rep.test sent acme.example._report._dmarc.rep.test"}, state(a.Old))
}

func TestDiscoverBounds(t *testing.T) {
	list := func(from, to int) string {
		var uris []string
		for i := from; i < to; i++ {
			uris = append(uris, fmt.Sprintf("mailto:d@h%d.test", i))
		}
		return strings.Join(uris, ",")
	}
	record := dnsx.NewTXT("_dmarc.acme.example", 300, "v=DMARC1; p=none; rua="+list(0, 17)+"; ruf="+list(16, 26))
	f, err := dmarc.Discover(t.Context(), dnstest.Must(record.String()), "acme.example", dmarc.Options{})
	require.NoError(t, err)
	assert.Len(t, f.Destinations, 20)
	a := dmarc.Analyze(f)
	states := map[dmarc.State]int{}
	for _, r := range a.New.Reports {
		states[r.State]++
	}
	assert.Equal(t, map[dmarc.State]int{dmarc.StateUnauthorized: 21, "": 6}, states)
}

func TestDiscoverErrors(t *testing.T) {
	var name *dnsx.NameError
	_, err := dmarc.Discover(t.Context(), dnstest.Must(""), "a..b", dmarc.Options{})
	assert.ErrorAs(t, err, &name)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f, err := dmarc.Discover(ctx, dnstest.Must(""), "acme.example", dmarc.Options{})
	assert.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, dnsx.KindCanceled, f.Walk[0].Failure.Kind)

	results, err := dmarc.Check(t.Context(), dnstest.Must(""), "a..b", dmarc.Options{}, dmarc.Settings{})
	assert.ErrorAs(t, err, &name)
	assert.Nil(t, results)
}

func TestDiscoverBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		deaf := dnsx.ResolverFunc(func(ctx context.Context, _ dnsx.Question) (*dnsx.Answer, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		start := time.Now()
		f, err := dmarc.Discover(t.Context(), deaf, "acme.example", dmarc.Options{Budget: 3 * time.Second})
		require.NoError(t, err)
		assert.Equal(t, 3*time.Second, time.Since(start))
		kinds := []dnsx.Kind{f.Apex.Failure.Kind, f.Walk[0].Failure.Kind, f.Walk[1].Failure.Kind}
		assert.Equal(t, slices.Repeat([]dnsx.Kind{dnsx.KindBudget}, 3), kinds)
	})
}

func TestFactsRoundTrip(t *testing.T) {
	f, err := dmarc.Discover(t.Context(), dnstest.Must(`
acme.example. TXT !timeout
_dmarc.acme.example. TXT "v=DMARC1; p=none; rua=mailto:d@rep.test,mailto:d@mail.acme.example\255"
mail.acme.example. A 192.0.2.1
_dmarc.rep.test. CNAME else.test.
rep.test. MX !servfail`), "acme.example", dmarc.Options{})
	require.NoError(t, err)
	text, err := json.Marshal(f)
	require.NoError(t, err)
	var again dmarc.Facts
	require.NoError(t, json.Unmarshal(text, &again))
	assert.Equal(t, f, &again)
}
