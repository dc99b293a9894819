package spf_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/publicsuffix"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/spf"
)

func TestDiscover_asks(t *testing.T) {
	tests := []struct {
		name string
		zone string
		want string // questions besides TXT acme.example, in the order of the facts
	}{
		{name: "no record"},
		{name: "terms without questions", zone: `acme.example. TXT "v=spf1 ip4:192.0.2.1 ptr ?ptr:b.example ptr:acme.example exists:%{i}._spf.%{d} -all"`},
		{name: "the name that ptr leads below, and what stands behind macros", zone: `acme.example. TXT "v=spf1 ptr:gone.test exists:%{i}.x.gone.test exists:%{l}.%{i}.x.gone.test -all"`, want: "NS gone.test, NS x.gone.test"},
		{name: "the explanation", zone: `acme.example. TXT "v=spf1 include:b.example -all exp=why.%{d}"
b.example. TXT "v=spf1 -all exp=why.b.example"
why.acme.example. TXT "v=spf1 include:c.example -all"`, want: "TXT b.example, TXT why.acme.example"},
		{name: "the explanation of the record at the end of the redirects", zone: `acme.example. TXT "v=spf1 redirect=b.example exp=why.acme.example"
b.example. TXT "v=spf1 -all exp=why.%{d}"`, want: "TXT b.example, TXT why.b.example"},
		{name: "not an explanation that depends on the message", zone: `acme.example. TXT "v=spf1 -all exp=%{o}.why.example"`},
		{
			name: "the names above one that does not exist, of a registry's size", zone: `acme.example. TXT "v=spf1 include:_spf.a.b.gone.test a:1.2.3.4.5.6.7.deep.test exists:gone.test -all"`,
			want: "A 1.2.3.4.5.6.7.deep.test, AAAA 1.2.3.4.5.6.7.deep.test, NS 4.5.6.7.deep.test, NS 5.6.7.deep.test, NS 6.7.deep.test, NS 7.deep.test, " +
				"TXT _spf.a.b.gone.test, NS a.b.gone.test, NS b.gone.test, NS deep.test, A gone.test, NS gone.test",
		},
		{
			name: "the names above the end of an alias", zone: "acme.example. TXT \"v=spf1 include:b.example -all\"\nb.example. CNAME _spf.gone.test.",
			want: "TXT b.example, NS gone.test",
		},
		{name: "not those above the domain", zone: `shop.acme.example. TXT "v=spf1 -all"
acme.example. TXT "v=spf1 include:_spf.x.acme.example -all"`, want: "TXT _spf.x.acme.example, NS x.acme.example"},
		{
			name: "each question once", zone: `acme.example. TXT "v=spf1 a a/24 mx mx:acme.example exists:b.example a:b.example include:c.example include:c.example -all"
c.example. TXT "v=spf1 a:b.example include:c.example include:acme.example -all"`,
			want: "A acme.example, MX acme.example, AAAA acme.example, A b.example, AAAA b.example, TXT c.example",
		},
		{
			name: "the hosts of an mx", zone: `acme.example. TXT "v=spf1 mx -all"
acme.example. MX 10 m1.acme.example.
acme.example. MX 10 m2.acme.example.`,
			want: "MX acme.example, A m1.acme.example, AAAA m1.acme.example, A m2.acme.example, AAAA m2.acme.example",
		},
		{name: "a null MX has no host", zone: "acme.example. TXT \"v=spf1 mx -all\"\nacme.example. MX 0 .", want: "MX acme.example"},
		{
			name: "%{d} alone is expanded, in the record that has it", zone: `acme.example. TXT "v=spf1 include:_spf.%{d} include:%{o}.b.example a:%{i}.c.example exists:%{l}.d.example redirect=%{h}.e.example"
_spf.acme.example. TXT "v=spf1 a:%{d2} -all"`,
			want: "TXT _spf.acme.example, A acme.example, AAAA acme.example, NS b.example, NS c.example, NS d.example, NS e.example",
		},
		{
			name: "a record with a fault is followed", zone: `acme.example. TXT "v=spf1 foo include:b.example,include:c.example a:x redirect=d.example"`,
			want: "TXT b.example,include:c.example, TXT d.example, NS example,include:c.example", // the grammar takes the comma for a part of the name
		},
		{
			name: "several records are followed", zone: "acme.example. TXT \"v=spf1 include:b.example -all\"\nacme.example. TXT \"v=spf1 redirect=c.example\"",
			want: "TXT b.example, TXT c.example",
		},
		{name: "a misspelled version is followed", zone: `acme.example. TXT "v=spf1; include:b.example -all"`, want: "TXT b.example"},
		{name: "a mechanism as modifier is followed", zone: `acme.example. TXT "v=spf1 include=b.example -all"`, want: "TXT b.example"},
		{name: "what all ends is not", zone: `acme.example. TXT "v=spf1 -all a include:b.example redirect=c.example"`},
		{name: "what is no name is not", zone: `acme.example. TXT "v=spf1 a:x..b.example include:%{d}..c.example -all"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := dnstest.Must(tt.zone)
			f, err := spf.Discover(t.Context(), r, "ACME.example.", spf.Options{})
			require.NoError(t, err)
			var got []string
			for _, reply := range f.Replies {
				if reply.Question != dnsx.Q("acme.example", dnsx.TypeTXT) {
					got = append(got, reply.Question.String())
				}
			}
			assert.Equal(t, tt.want, strings.Join(got, ", "))
			assert.Len(t, r.Asked(), len(f.Replies))
		})
	}
}

func TestDiscover_bounds(t *testing.T) {
	var zone strings.Builder
	for i := range 300 {
		fmt.Fprintf(&zone, "n%d.example. TXT \"v=spf1 include:n%d.example include:n%d.example mx:m%d.example a:a%d.example -all\"\n", i, 2*i+1, 2*i+2, i, i)
		for j := range 20 {
			fmt.Fprintf(&zone, "m%d.example. MX %d h%d.m%d.example.\n", i, j, j, i)
		}
	}
	r := dnstest.Must(zone.String())
	f, err := spf.Discover(t.Context(), r, "n0.example", spf.Options{})
	require.NoError(t, err)
	asked := map[dnsx.Type]int{}
	for _, q := range r.Asked() {
		asked[q.Type]++
	}
	const first = 2*(spf.MaxLookups+1) + 10 // past the bounds: two levels of what receivers come to first, hosts of one mx
	assert.Equal(t, asked[dnsx.TypeA], asked[dnsx.TypeAAAA])
	assert.LessOrEqual(t, asked[dnsx.TypeTXT]+asked[dnsx.TypeMX]+asked[dnsx.TypeA], 1+spf.MaxNames+mostHosts+first)
	assert.Positive(t, f.Beyond)
	a := spf.Analyze(f)
	assert.Equal(t, check.Limit, a.Gaps[len(a.Gaps)-1].Why)
}

func TestDiscover_errors(t *testing.T) {
	_, err := spf.Discover(t.Context(), dnstest.Must(""), "a..b", spf.Options{})
	var name *dnsx.NameError
	require.ErrorAs(t, err, &name)
	assert.Nil(t, spf.Questions("a..b", spf.Options{}))
	assert.Equal(t, []dnsx.Question{dnsx.Q("acme.example", dnsx.TypeTXT)}, spf.Questions("ACME.example.", spf.Options{}))
	_, err = spf.Check(t.Context(), dnstest.Must(""), "a..b", spf.Options{}, spf.Settings{})
	require.ErrorAs(t, err, &name)
	_, err = spf.Discover(t.Context(), dnstest.Must(""), "acme.example", spf.Options{Also: []string{"b.example", "c..d"}})
	require.ErrorAs(t, err, &name)
	assert.Equal(t, "c..d", name.Name)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f, err := spf.Discover(ctx, dnstest.Must(tree), "acme.example", spf.Options{})
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, dnsx.KindCanceled, f.Replies[0].Failure.Kind)
}

// A deadline of the job is no error: what came in time stays, the rest is a Failure.
func TestDiscover_budget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		zone := dnstest.Must(tree)
		slow := dnsx.ResolverFunc(func(ctx context.Context, q dnsx.Question) (*dnsx.Answer, error) {
			if q.Name == "shared.test" {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return zone.Resolve(ctx, q)
		})
		start := time.Now()
		f, err := spf.Discover(t.Context(), slow, "acme.example", spf.Options{Budget: time.Second})
		require.NoError(t, err)
		assert.Equal(t, time.Second, time.Since(start))
		a := spf.Analyze(f)
		assert.NotNil(t, a.Record)
		var missing []string
		for _, g := range a.Gaps {
			missing = append(missing, g.Subject+" "+string(g.Why))
		}
		assert.Equal(t, []string{"TXT more.mail.test failed", "TXT shared.test failed"}, missing)
	})
}

// mostDiscovered is what Discover asks at most for the terms: TXT, MX, A and AAAA of the
// domain and each name, as include, mx and a may all lead to it, and the addresses of each host.
const (
	mostHosts      = 100
	mostDiscovered = 4*(1+spf.MaxNames) + 2*mostHosts
)

func TestDiscover_bounded(t *testing.T) {
	record := "v=spf1 a mx"
	var zone strings.Builder
	for i := range 150 {
		record += fmt.Sprintf(" include:n%[1]d.example a:n%[1]d.example mx:n%[1]d.example", i)
		for j := range 12 {
			fmt.Fprintf(&zone, "n%d.example. MX 1 h%d.n%d.example.\n", i, j, i)
		}
	}
	names := dnstest.Must(zone.String())
	const above = 10 // NS of the names above hosts that do not exist: those of ten names fill the bound
	asked := 0
	r := serial{dnsx.ResolverFunc(func(ctx context.Context, q dnsx.Question) (*dnsx.Answer, error) {
		asked++
		if q == dnsx.Q("acme.example", dnsx.TypeTXT) {
			return &dnsx.Answer{Question: q, Records: []dnsx.RR{dnsx.NewTXT(q.Name, 300, record)}}, nil
		}
		return names.Resolve(ctx, q)
	})}
	f, err := spf.Discover(t.Context(), r, "acme.example", spf.Options{})
	require.NoError(t, err)
	assert.Equal(t, mostDiscovered+above, asked)
	assert.Len(t, f.Replies, asked)
	assert.Positive(t, f.Beyond)
}

// hostile makes a zone of the records that bars separate: the first is a.example's,
// the second b.example's, and so on. A name of one letter is one of these.
func hostile(data []byte) dnsx.Resolver {
	records := map[dnsx.Question][]dnsx.RR{}
	for i, text := range strings.Split(string(data), "|") {
		if i >= 20 {
			break
		}
		name := string(rune('a'+i)) + ".example"
		words := strings.Split(text, " ")
		for j, w := range words {
			if n := len(w); n > 1 && strings.IndexByte(":=", w[n-2]) >= 0 {
				words[j] = w + ".example"
			}
		}
		text = strings.Join(words, " ")
		if !strings.HasPrefix(text, "v=") {
			text = "v=spf1 " + text
		}
		records[dnsx.Q(name, dnsx.TypeTXT)] = []dnsx.RR{dnsx.NewTXT(name, 300, text)}
		records[dnsx.Q(name, dnsx.TypeA)] = []dnsx.RR{{Name: name, Type: dnsx.TypeA, Data: []byte{192, 0, 2, byte(i)}}}
		for j := range 12 {
			mx, _ := dnsx.ParseRR(fmt.Sprintf("%s 300 IN MX %d h%d.%s", name, i, j, name))
			records[dnsx.Q(name, dnsx.TypeMX)] = append(records[dnsx.Q(name, dnsx.TypeMX)], mx)
		}
	}
	return dnsx.ResolverFunc(func(_ context.Context, q dnsx.Question) (*dnsx.Answer, error) {
		return &dnsx.Answer{Question: q, Records: records[q]}, nil
	})
}

// serial asks one question after the other.
type serial struct{ dnsx.Resolver }

func (s serial) ResolveAll(ctx context.Context, qs []dnsx.Question) []dnsx.Reply {
	var replies []dnsx.Reply
	for _, q := range qs {
		replies = append(replies, dnsx.ReplyOf(q)(s.Resolve(ctx, q)))
	}
	return replies
}

// However many names do not exist, and however deep they lie, no more than 40 names
// above them are asked for.
func TestDiscover_boundsWhatIsAbove(t *testing.T) {
	record := "v=spf1"
	for i := range 80 {
		record += fmt.Sprintf(" a:h.a.b.c.d.e.n%d.test", i)
	}
	nothing := dnstest.Must("acme.example. A 192.0.2.1")
	asked := map[dnsx.Type]int{}
	f, err := spf.Discover(t.Context(), serial{dnsx.ResolverFunc(func(ctx context.Context, q dnsx.Question) (*dnsx.Answer, error) {
		asked[q.Type]++
		if q == dnsx.Q("acme.example", dnsx.TypeTXT) {
			return &dnsx.Answer{Question: q, Records: []dnsx.RR{dnsx.NewTXT(q.Name, 300, record)}}, nil
		}
		return nothing.Resolve(ctx, q)
	})}, "acme.example", spf.Options{})
	require.NoError(t, err)
	assert.Equal(t, map[dnsx.Type]int{dnsx.TypeTXT: 1, dnsx.TypeA: 80, dnsx.TypeAAAA: 80, dnsx.TypeNS: 40}, asked)
	assert.Len(t, spf.GoneOf(spf.Analyze(f)), 80)
}

// The zone that denies a name exists, and so does what is above it: nobody has to be
// asked for that.
func TestDiscover_believesTheDenyingZone(t *testing.T) {
	soa, err := dnsx.ParseRR("b.gone.test. 300 IN SOA ns1.b.gone.test. hostmaster.b.gone.test. 1 2 3 4 5")
	require.NoError(t, err)
	zone := dnstest.Must(`acme.example. TXT "v=spf1 include:_spf.x.b.gone.test -all"`)
	var asked []string
	f, err := spf.Discover(t.Context(), serial{dnsx.ResolverFunc(func(ctx context.Context, q dnsx.Question) (*dnsx.Answer, error) {
		asked = append(asked, q.String())
		a, err := zone.Resolve(ctx, q)
		if err == nil && dnsx.Below(q.Name, soa.Name) {
			a.Authority = []dnsx.RR{soa}
		}
		return a, err
	})}, "acme.example", spf.Options{})
	require.NoError(t, err)
	assert.Equal(t, []string{"TXT acme.example", "TXT _spf.x.b.gone.test", "NS x.b.gone.test"}, asked)

	a := spf.Analyze(f)
	assert.Equal(t, []string{"_spf.x.b.gone.test"}, spf.GoneOf(a))
	for name, want := range map[string]bool{"gone.test": true, "b.gone.test": true, "x.b.gone.test": false, "y.x.b.gone.test": false} {
		exists, gaps := spf.ExistsOf(a, name)
		assert.Equal(t, want, exists, name)
		assert.Empty(t, gaps, name)
	}
	_, gaps := spf.ExistsOf(a, "other.test")
	assert.Len(t, gaps, 1, "nobody asked")
	for _, res := range check.Apply(a, spf.Rules(spf.Settings{})) {
		switch res.ID {
		case "spf.include-unregistered":
			assert.Equal(t, check.Pass, res.Outcome)
		case "spf.include-none":
			assert.Equal(t, check.Critical, res.Severity)
		}
	}
}

// An alias to the root that is denied is nonsense, and must not stop the judgement.
func TestRules_deniedRoot(t *testing.T) {
	q := dnsx.Q("b.example", dnsx.TypeTXT)
	alias, err := dnsx.ParseRR("b.example. 300 IN CNAME .")
	require.NoError(t, err)
	f := &spf.Facts{Domain: "acme.example", Replies: []dnsx.Reply{
		{Question: dnsx.Q("acme.example", dnsx.TypeTXT), Answer: &dnsx.Answer{
			Question: dnsx.Q("acme.example", dnsx.TypeTXT), Records: []dnsx.RR{dnsx.NewTXT("acme.example", 300, "v=spf1 include:b.example -all")},
		}},
		{Question: q, Answer: &dnsx.Answer{Question: q, RCode: dnsx.NXDomain, Chain: []dnsx.RR{alias}}},
	}}
	for _, s := range []spf.Settings{{}, {PublicSuffix: publicsuffix.PublicSuffix}} {
		for _, res := range check.Apply(spf.Analyze(f), spf.Rules(s)) {
			if res.ID == "spf.include-unregistered" {
				assert.Equal(t, check.Pass, res.Outcome)
			}
		}
	}
}

// A tree wider than the bound, of which the first branch goes deepest.
func TestDiscoverGoesFirstWhereReceiversGo(t *testing.T) {
	var zone strings.Builder
	line := func(name string, terms ...string) {
		zone.WriteString(dnsx.NewTXT(name, 60, "v=spf1 "+strings.Join(terms, " ")+" -all").String() + "\n")
	}
	var grow func(name string, depth int)
	grow = func(name string, depth int) {
		if depth == 0 {
			line(name, "ip4:192.0.2.1")
			return
		}
		var terms []string
		for i := range 5 {
			below := fmt.Sprintf("%c%s", 'a'+i, name)
			terms = append(terms, "include:"+below)
			grow(below, depth-1)
		}
		line(name, terms...)
	}
	grow("t.example", 4)
	f, err := spf.Discover(context.Background(), dnstest.Must(zone.String()), "t.example", spf.Options{})
	require.NoError(t, err)
	a := spf.Analyze(f)
	lookups := 0
	for v := range a.Walk() {
		if v.Directive.Mechanism == spf.Include && lookups < spf.MaxLookups+1 {
			lookups++
			require.NotNil(t, v.Node, "%s", v.Target)
			assert.Nil(t, v.Node.Unread, "%s", v.Target)
		}
	}
	assert.Equal(t, spf.MaxLookups+1, lookups)
	// 1, 5, 25 and 70 of 125 records are within the bound, the 55 others and what the 70 lead
	// to are not, except the seven that eleven lookups come to.
	assert.Equal(t, []int{101 + 7, 55 + 5*70 - 7}, []int{len(f.Replies), f.Beyond})
	assert.NotEmpty(t, a.Gaps)
	for _, g := range a.Gaps {
		assert.Equal(t, check.Limit, g.Why, "%s", g.Subject)
	}
}
