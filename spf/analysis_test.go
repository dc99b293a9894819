package spf_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/spf"
)

func analyze(t *testing.T, zone string) *spf.Analysis {
	t.Helper()
	f, err := spf.Discover(t.Context(), dnstest.Must(zone), "acme.example", spf.Options{})
	require.NoError(t, err)
	return spf.Analyze(f)
}

const tree = `
acme.example.          TXT  "v=spf1 mx include:%{d1}.mail.test ?include:shared.test redirect=_spf.%{d}"
acme.example.          TXT  "google-site-verification=1"
acme.example.          MX   10 mx.acme.example.
mx.acme.example.       A    198.51.100.1
_spf.acme.example.     TXT  "v=spf1 a:out.acme.example/30 ip4:198.51.100.0/29 ~all"
out.acme.example.      A    198.51.100.9
out.acme.example.      AAAA 2001:db8::9
example.mail.test.     TXT  "v=spf1 ip4:203.0.113.0/24 include:more.mail.test -all"
more.mail.test.        TXT  "v=spf1 ip6:2001:db8:1::/48 exists:%{i}.mail.test -all"
shared.test.           TXT  "v=spf1 ip4:192.0.2.0/24 -all"
`

func TestAnalyze(t *testing.T) {
	a := analyze(t, tree)
	type summary struct {
		Record    string
		Policy    []string
		Links     []spf.Link
		All       spf.Result
		Default   spf.Result
		Senders   bool
		Lookups   int
		Voids     spf.Voids
		IPv4      uint64
		Size      spf.Size
		Broken    int
		Gaps      []check.Gap
		Addresses []string
	}
	got := summary{
		a.Record.String(), nil, a.Links, a.All, a.Default, a.Senders, a.Lookups, a.Voids, a.IPv4, a.Size, len(a.PermErrors), a.Gaps, nil,
	}
	for _, n := range a.Policy {
		got.Policy = append(got.Policy, n.Name)
	}
	for _, s := range a.Authorized {
		line := fmt.Sprint(s.Prefix)
		for _, step := range s.Path {
			line += fmt.Sprintf(" %s (%s)", step.Term, step.Name)
		}
		got.Addresses = append(got.Addresses, fmt.Sprintf("%s %s (%s)", line, s.Term, s.Name))
	}
	assert.Equal(t, summary{
		Record: "v=spf1 mx include:%{d1}.mail.test ?include:shared.test redirect=_spf.%{d}",
		Policy: []string{"acme.example", "_spf.acme.example"},
		Links: []spf.Link{
			{In: "acme.example", Spec: "%{d1}.mail.test", Target: "example.mail.test", Qualifier: spf.Pass},
			{In: "example.mail.test", Spec: "more.mail.test", Target: "more.mail.test", Qualifier: spf.Pass},
			{In: "acme.example", Spec: "shared.test", Target: "shared.test", Qualifier: spf.Neutral},
			{In: "acme.example", Spec: "_spf.%{d}", Target: "_spf.acme.example", Redirect: true},
		},
		All: spf.SoftFail, Default: spf.SoftFail, Senders: true,
		Lookups: 7, Voids: spf.Voids{Hosts6: 1, Open4: 1, Open6: 1},
		IPv4: 8 + 4 + 256, // mx.acme.example is one of the eight
		Size: spf.Size{TXT: 73 + 26 + 12, Reply: 12 + 14 + 4 + 11 + (12 + 74) + (12 + 27)},
		Addresses: []string{
			"198.51.100.1/32 mx (acme.example)",
			"203.0.113.0/24 include:%{d1}.mail.test (acme.example) ip4:203.0.113.0/24 (example.mail.test)",
			"2001:db8:1::/48 include:%{d1}.mail.test (acme.example) include:more.mail.test (example.mail.test) ip6:2001:db8:1::/48 (more.mail.test)",
			"198.51.100.8/30 redirect=_spf.%{d} (acme.example) a:out.acme.example/30 (_spf.acme.example)",
			"2001:db8::9/128 redirect=_spf.%{d} (acme.example) a:out.acme.example/30 (_spf.acme.example)",
			"198.51.100.0/29 redirect=_spf.%{d} (acme.example) ip4:198.51.100.0/29 (_spf.acme.example)",
		},
	}, got)
}

// What a client gets that no term matches.
func TestAnalyze_default(t *testing.T) {
	tests := []struct {
		name    string
		zone    string
		all     spf.Result
		def     spf.Result
		senders bool
	}{
		{name: "no record", zone: ``, def: spf.None},
		{name: "several", zone: "acme.example. TXT \"v=spf1 -all\"\nacme.example. TXT \"v=spf1 a -all\"", def: spf.PermError},
		{name: "nobody sends", zone: `acme.example. TXT "v=spf1 -all"`, all: spf.Fail, def: spf.Fail},
		{name: "terms that exclude name no sender", zone: `acme.example. TXT "v=spf1 -a -all"`, all: spf.Fail, def: spf.Fail},
		{name: "without all", zone: `acme.example. TXT "v=spf1 a"`, def: spf.Neutral, senders: true},
		{name: "+all", zone: `acme.example. TXT "v=spf1 all"`, all: spf.Pass, def: spf.Pass},
		{name: "a fault", zone: `acme.example. TXT "v=spf1 a foo -all"`, all: spf.Fail, def: spf.PermError, senders: true},
		{name: "not known", zone: `acme.example. TXT !timeout`},
		{name: "a redirect", zone: "acme.example. TXT \"v=spf1 redirect=b.example\"\nb.example. TXT \"v=spf1 a ?all\"", all: spf.Neutral, def: spf.Neutral, senders: true},
		{name: "a redirect to nothing", zone: `acme.example. TXT "v=spf1 redirect=b.example"`, def: spf.PermError},
		{name: "a redirect to itself", zone: `acme.example. TXT "v=spf1 redirect=acme.example"`, def: spf.PermError},
		{name: "an include that is broken", zone: "acme.example. TXT \"v=spf1 include:b.example -all\"", all: spf.Fail, def: spf.PermError, senders: true},
		{name: "a redirect to what is not known", zone: "acme.example. TXT \"v=spf1 redirect=b.example\"\nb.example. TXT !timeout"},
		{name: "a redirect that depends on the message", zone: `acme.example. TXT "v=spf1 redirect=%{l}.b.example"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := analyze(t, tt.zone)
			assert.Equal(t, []any{tt.all, tt.def, tt.senders}, []any{a.All, a.Default, a.Senders})
		})
	}
}

func TestAnalyze_permErrors(t *testing.T) {
	tests := []struct {
		name string
		zone string
		want []string
	}{
		{name: "none", zone: tree},
		{name: "grammar", zone: `acme.example. TXT "v=spf1 foo -all"`, want: []string{
			`acme.example: "foo" in the record of acme.example: there is no mechanism "foo"`,
		}},
		{name: "an include that is read last", zone: "acme.example. TXT \"v=spf1 a include:b.example -all\"\nb.example. TXT \"v=spf1 include:c.example\"", want: []string{
			`b.example: the record of b.example leads to c.example, which has no SPF record`,
		}},
		{name: "a circle", zone: "acme.example. TXT \"v=spf1 include:b.example -all\"\nb.example. TXT \"v=spf1 include:acme.example\"", want: []string{
			`acme.example: include and redirect run in a circle: acme.example, b.example, acme.example`,
		}},
		{name: "lookups", zone: `acme.example. TXT "v=spf1 a a a a a a a a a a a -all"`, want: []string{`acme.example: 11 lookups, 1 over the limit`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, e := range analyze(t, tt.zone).PermErrors {
				got = append(got, e.Name+": "+e.Text.String())
			}
			assert.Equal(t, tt.want, got)
		})
	}
}

// The values of RFC 7208, 7.3 and 7.4, as far as they need no message.
func TestAnalyze_macros(t *testing.T) {
	const domain = "email.example.com"
	long := strings.Repeat("%{d}.", 20)
	tests := []struct{ spec, want string }{
		{"x.test", "x.test"},
		{"x.test.", "x.test"},
		{"%{d}", "email.example.com"},
		{"%{D}", "email.example.com"},
		{"%{d4}", "email.example.com"},
		{"%{d2}", "example.com"},
		{"%{d1}.test", "com.test"},
		{"%{dr}", "com.example.email"},
		{"%{d2r}", "example.email"},
		{"%{dm}.test", ""},
		{"%{d2.}.test", "example.com.test"},
		{"%{d-}.test", "email.example.com.test"},
		{"%%.%_.%-.test", `%.\032.%20.test`},
		{`a\b.test`, `a\\b.test`},
		{"%{i}.test", ""},
		{"x..test", ""},
		{long + "test", strings.TrimPrefix(strings.Repeat("email.example.com.", 14), "email.") + "test"},
	}
	for _, tt := range tests {
		t.Run(tt.spec, func(t *testing.T) {
			rr := dnsx.NewTXT(domain, 300, "v=spf1 include:"+tt.spec)
			q := dnsx.Q(domain, dnsx.TypeTXT)
			a := spf.Analyze(&spf.Facts{Domain: domain, Replies: []dnsx.Reply{{Question: q, Answer: &dnsx.Answer{Question: q, Records: []dnsx.RR{rr}}}}})
			got := ""
			if len(a.Links) > 0 {
				got = a.Links[0].Target
			}
			assert.Equal(t, tt.want, got)
		})
	}
}

// Facts that somebody made up, or that are not whole, say nothing and do no harm.
func TestAnalyze_hostile(t *testing.T) {
	q := dnsx.Q("acme.example", dnsx.TypeTXT)
	record := dnsx.NewTXT("acme.example", 300, "v=spf1 +all")
	other := func(edit func(*dnsx.Reply, *dnsx.RR)) *spf.Facts {
		rr := record
		r := dnsx.Reply{Question: q, Answer: &dnsx.Answer{Question: q}}
		edit(&r, &rr)
		r.Answer.Records = []dnsx.RR{rr}
		return &spf.Facts{Domain: "acme.example", Replies: []dnsx.Reply{r}}
	}
	tests := []struct {
		name   string
		facts  *spf.Facts
		unread bool
	}{
		{name: "nil", unread: true},
		{name: "nothing was asked", facts: &spf.Facts{Domain: "acme.example"}, unread: true},
		{name: "a record of another name", facts: other(func(_ *dnsx.Reply, rr *dnsx.RR) { rr.Name = "evil.example" })},
		{name: "a record of another type", facts: other(func(_ *dnsx.Reply, rr *dnsx.RR) { rr.Type = dnsx.TypeSPF })},
		{name: "an answer to another question", facts: other(func(r *dnsx.Reply, _ *dnsx.RR) { r.Answer.Question.Name = "evil.example" }), unread: true},
		{name: "a record that is no TXT record", facts: other(func(_ *dnsx.Reply, rr *dnsx.RR) { rr.Data = []byte{200, 1} })},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := spf.Analyze(tt.facts)
			assert.Empty(t, a.Texts)
			assert.Equal(t, tt.unread, a.Unread != nil)
			for _, res := range check.Apply(a, spf.Rules(spf.Settings{})) {
				if tt.unread && res.ID != "spf.type99" { // which says nothing where nobody asked
					assert.Equal(t, check.Unknown, res.Outcome, res.ID)
				}
			}
			assert.Nil(t, spf.Repair(a))
		})
	}
}

func TestFacts_roundTrip(t *testing.T) {
	f, err := spf.Discover(t.Context(), dnstest.Must(tree), "acme.example", spf.Options{})
	require.NoError(t, err)
	data, err := json.Marshal(f)
	require.NoError(t, err)
	again := new(spf.Facts)
	require.NoError(t, json.Unmarshal(data, again))
	assert.Equal(t, f, again)
}

func TestAnalyze_aliases(t *testing.T) {
	a := analyze(t, `
acme.example.     CNAME spf.provider.test.
spf.provider.test. TXT  "v=spf1 include:_spf.%{d} -all"
_spf.acme.example. CNAME x.provider.test.
x.provider.test.  TXT   "v=spf1 ip4:192.0.2.1 -all"
`)
	assert.Equal(t, []string{"spf.provider.test", "x.provider.test"}, []string{a.Owner, a.Nodes["_spf.acme.example"].Owner},
		"%%{d} is the name that was asked about, not where its alias ends")
	assert.Equal(t, []spf.Source{{
		Prefix: netip.MustParsePrefix("192.0.2.1/32"), Name: "_spf.acme.example", Term: "ip4:192.0.2.1",
		Path: []spf.Step{{Name: "acme.example", Term: "include:_spf.%{d}"}},
	}}, a.Authorized)
}

func BenchmarkAnalyze(b *testing.B) {
	var zone strings.Builder
	zone.WriteString(`acme.example. TXT "v=spf1`)
	for i := range 5 {
		fmt.Fprintf(&zone, " include:p%d.test", i)
	}
	zone.WriteString(" -all\"\n")
	for i := range 5 {
		fmt.Fprintf(&zone, "p%d.test. TXT \"v=spf1 ip4:192.0.%d.0/24 ip4:198.51.%d.0/24 ip4:203.0.%d.0/24 ip6:2001:db8:%d::/48 include:q%d.test -all\"\n", i, i, i, i, i, i)
		fmt.Fprintf(&zone, "q%d.test. TXT \"v=spf1 ip4:10.0.%d.0/24 ip4:10.1.%d.0/24 ip4:10.2.%d.0/24 ip4:10.3.%d.0/24 ip4:10.4.%d.0/24 -all\"\n", i, i, i, i, i, i)
	}
	resolver := dnstest.Must(zone.String())
	f, err := spf.Discover(context.Background(), resolver, "acme.example", spf.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Run("ten includes", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if a := spf.Analyze(f); a.Lookups != 10 {
				b.Fatal(a.Lookups)
			}
		}
	})
	b.Run("discover", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := spf.Discover(context.Background(), resolver, "acme.example", spf.Options{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("rules", func(b *testing.B) {
		rules := spf.Rules(spf.Settings{})
		a := spf.Analyze(f)
		b.ReportAllocs()
		for b.Loop() {
			check.Apply(a, rules)
		}
	})
}

// A record that includes ten, each with five to fifteen ranges, as those of providers.
func BenchmarkAnalyze_large(b *testing.B) {
	var zone strings.Builder
	line := func(name, txt string) { zone.WriteString(dnsx.NewTXT(name, 300, txt).String() + "\n") }
	own := "v=spf1 ip4:8.8.4.4"
	for i := range 10 {
		name := fmt.Sprintf("_spf%d.provider.test", i)
		own += " include:" + name
		txt := "v=spf1"
		for j := range 5 + 10*i/9 {
			if j%4 == 3 {
				txt += fmt.Sprintf(" ip6:2a01:111:f4%02x:%x00::/56", 16*i+j, j)
				continue
			}
			txt += fmt.Sprintf(" ip4:%d.%d.%d.0/%d", 20+i, 17*j, 40+4*j, 22+j%4)
		}
		line(name, txt+" -all")
	}
	line("acme.example", own+" ~all")
	f, err := spf.Discover(context.Background(), dnstest.Must(zone.String()), "acme.example", spf.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Run("analyze", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if a := spf.Analyze(f); a.Lookups != 10 || len(a.Authorized) < 90 {
				b.Fatal(a.Lookups, len(a.Authorized))
			}
		}
	})
	b.Run("rules", func(b *testing.B) {
		rules := spf.Rules(spf.Settings{})
		a := spf.Analyze(f)
		b.ReportAllocs()
		for b.Loop() {
			check.Apply(a, rules)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	const txt = "v=spf1 ip4:35.190.247.0/24 ip4:64.233.160.0/19 ip4:66.102.0.0/20 ip4:66.249.80.0/20 ip4:72.14.192.0/18 ip6:2001:4860:4000::/36 include:_spf.google.com a mx/24 ~all"
	b.ReportAllocs()
	b.SetBytes(int64(len(txt)))
	for b.Loop() {
		if _, err := spf.Parse(txt); err != nil {
			b.Fatal(err)
		}
	}
}
