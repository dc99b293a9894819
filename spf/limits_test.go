package spf_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/spf"
)

// published are the facts about one TXT record, whose strings are as they are given.
func published(strs ...string) *spf.Facts {
	rr := dnsx.RR{Name: "acme.example", Type: dnsx.TypeTXT}
	for _, s := range strs {
		rr.Data = append(append(rr.Data, byte(len(s))), s...)
	}
	q := dnsx.Q(rr.Name, rr.Type)
	return &spf.Facts{Domain: q.Name, Replies: []dnsx.Reply{{Question: q, Answer: &dnsx.Answer{Question: q, Records: []dnsx.RR{rr}}}}}
}

func resultOf(a *spf.Analysis, id string) check.Result {
	for _, res := range check.Apply(a, spf.Rules(spf.Settings{})) {
		if res.ID == id {
			return res
		}
	}
	return check.Result{}
}

// withinBounds holds what is kept and said of any facts against what the package promises,
// and what it says of them in two ways against each other.
func withinBounds(t *testing.T, a *spf.Analysis) {
	t.Helper()
	bound := func(most, got int, what string) { t.Helper(); assert.LessOrEqual(t, got, most, what) }
	bound(1+spf.MaxNames, len(a.Nodes), "names")
	bound(1+spf.MaxNames, len(a.Policy), "records that speak for the domain")
	bound(101, len(a.Gaps), "gaps")
	bound(101, len(a.AddressGaps), "gaps of addresses")
	bound(20_000, len(a.Authorized), "ranges")
	bound(len(a.Authorized), len(a.Overlaps), "ranges in others")
	bound(1<<20, a.Lookups, "lookups")
	bound(3<<20, a.Voids.AtWorst(), "void lookups, of terms and of hosts, and those that there may be")
	bound(1+spf.MaxNames+20+1, len(a.PermErrors), "permerrors: of those records, of circles, of lookups")

	text, terms := 0, 0
	for _, n := range a.Nodes {
		if n.Record != nil {
			text += len(n.Texts[0])
			terms += len(n.Record.Directives) + 1
		}
	}
	bound(256<<10, text, "octets of records")
	visits, spent := 0, 0
	for v := range a.Walk() {
		if visits++; len(v.Path) == 0 {
			spent = v.Spent
		}
	}
	bound(terms, visits, "terms that the walk comes to")
	assert.Equal(t, a.Lookups, spent, "lookups of the walk")

	broken := false
	for _, res := range check.Apply(a, spf.Rules(spf.Settings{})) {
		bound(20, len(res.Findings), "findings of "+res.ID)
		bound(101, len(res.Gaps), "gaps of "+res.ID)
		broken = broken || res.Outcome == check.Fail && (res.Severity == check.Critical || res.Severity == check.High)
		if res.ID == "spf.lookup-limit" {
			assert.Equal(t, a.Lookups > spf.MaxLookups, res.Outcome == check.Fail, res.ID)
		}
	}
	if len(a.PermErrors) > 0 {
		assert.True(t, broken, "no rule tells what is wrong: %v", a.PermErrors)
		assert.Equal(t, spf.PermError, a.Default)
	}
}

// linked are facts about 150 names, each with a record of 60 terms: the first leads to the next
// name, the second to the one behind that, and so on.
func linked(link func(i, j int) string) *spf.Facts {
	const names = 150
	f := &spf.Facts{Domain: "n0.example"}
	add := func(name string, typ dnsx.Type, rrs ...dnsx.RR) {
		q := dnsx.Q(name, typ)
		f.Replies = append(f.Replies, dnsx.Reply{Question: q, Answer: &dnsx.Answer{Question: q, Records: rrs}})
	}
	var addresses []dnsx.RR
	for i := range 4000 {
		addresses = append(addresses, dnsx.RR{Name: "host.example", Type: dnsx.TypeA, Data: []byte{198, 51, byte(i >> 8), byte(i)}})
	}
	add("host.example", dnsx.TypeA, addresses...)
	for i := range names {
		var b strings.Builder
		b.WriteString("v=spf1")
		for j := range 60 {
			b.WriteString(" " + link((i+j+1)%names, j))
		}
		name := fmt.Sprintf("n%d.example", i)
		add(name, dnsx.TypeTXT, dnsx.NewTXT(name, 300, b.String()))
	}
	return f
}

// Records that fill a DNS message, names that lead to each other in all ways, and answers as
// large as they come are read up to the bounds, and no further.
func TestAnalyze_bounds(t *testing.T) {
	type size struct {
		Names, Read, Policy, Lookups, Gaps, AddressGaps, Ranges, PermErrors int
		Voids                                                               spf.Voids
	}
	tests := []struct {
		name string
		link func(to, j int) string
		want size
	}{
		{
			"long records, of which 75 are as much text as is read", func(to, j int) string {
				return fmt.Sprintf("include:n%d.example a:host.example/%d mx:host.example foo", to, j%33)
			},
			size{Names: 101, Read: 75, Policy: 1, Lookups: 1 << 20, Gaps: 100, AddressGaps: 100, Ranges: 20_000, PermErrors: 2, Voids: spf.Voids{Open4: 1 << 20, Open6: 1 << 20}},
		},
		{
			"circles", func(to, _ int) string { return fmt.Sprintf("include:n%d.example", to) },
			size{Names: 101, Read: 101, Policy: 1, Lookups: 1 << 20, Gaps: 100, PermErrors: 21, Voids: spf.Voids{Open4: 1 << 20, Open6: 1 << 20}},
		},
		{
			"redirects one after the other", func(to, j int) string {
				if j == 0 {
					return fmt.Sprintf("redirect=n%d.example", to)
				}
				return fmt.Sprintf("a:h%d.example", to)
			},
			size{Names: 101, Read: 101, Policy: 101, Lookups: 101*59 + 101, Gaps: 1, AddressGaps: 100, PermErrors: 1, Voids: spf.Voids{Open4: 101*59 + 10, Open6: 101*59 + 10}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := spf.Analyze(linked(tt.link))
			withinBounds(t, a)
			got := size{len(a.Nodes), 0, len(a.Policy), a.Lookups, len(a.Gaps), len(a.AddressGaps), len(a.Authorized), len(a.PermErrors), a.Voids}
			for _, n := range a.Nodes {
				if n.Record != nil {
					got.Read++
				}
			}
			assert.Equal(t, tt.want, got)
			assert.Equal(t, check.Limit, a.Gaps[len(a.Gaps)-1].Why)
		})
	}
}

// Rules about terms that others make needless stay bounded where ranges repeat, lie in each
// other, and are excepted, as many as a record has room for.
func TestRules_overlapBounds(t *testing.T) {
	ids := []string{"spf.duplicate-term", "spf.shadowed-term", "spf.overlap"}
	tests := []struct {
		name string
		term func(i int) string
		want string // outcomes and numbers of findings of these
	}{
		{"each twice", func(i int) string { return fmt.Sprintf("ip4:10.0.%d.%d", i%4000>>8, i%4000&255) }, "fail 20, pass 0, pass 0"},
		{"each in all before", func(i int) string { return fmt.Sprintf("ip4:10.0.0.0/%d", 8+i%25) }, "fail 20, fail 20, pass 0"},
		{"each in all behind", func(i int) string { return fmt.Sprintf("ip4:10.0.0.0/%d", 32-i%25) }, "fail 20, pass 0, note 20"},
		{"exceptions", func(i int) string { return fmt.Sprintf("-ip4:10.%d.%d.1", i>>8, i&255) }, "pass 0, pass 0, pass 0"},
		{"exceptions behind what passes", func(i int) string {
			if i < 4000 {
				return fmt.Sprintf("ip4:10.%d.%d.0/24", i>>8, i&255)
			}
			return fmt.Sprintf("-ip4:10.%d.%d.1", (i-4000)>>8, (i-4000)&255)
		}, "pass 0, fail 20, pass 0"},
		{"exceptions from what passes", func(i int) string {
			return fmt.Sprintf("%sip4:10.%d.%d.0/24", []string{"", "-"}[i&1], i>>9, i>>1&255)
		}, "fail 20, pass 0, pass 0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b strings.Builder
			b.WriteString("v=spf1")
			for i := range 8000 {
				b.WriteString(" " + tt.term(i))
			}
			a := spf.Analyze(published(chunks(b.String())...))
			withinBounds(t, a)
			var got []string
			for _, id := range ids {
				res := resultOf(a, id)
				got = append(got, fmt.Sprintf("%s %d", res.Outcome, len(res.Findings)))
			}
			assert.Equal(t, tt.want, strings.Join(got, ", "))
		})
	}
}

// A rule makes no more findings than it tells, and a finding shows no more records than are
// of use: what is made allocates, so allocations count it.
func TestRules_fewFindings(t *testing.T) {
	rules := spf.Rules(spf.Settings{})
	for _, term := range []string{"ip4:10.0.0.1/24", "x=y", "include=y", "a:x..y"} {
		a := spf.Analyze(published(chunks("v=spf1" + strings.Repeat(" "+term, 3000))...))
		assert.Less(t, testing.AllocsPerRun(1, func() { check.Apply(a, rules) }), 3_000.0, term)
	}
	many := published("v=spf1 a -all")
	records := &many.Replies[0].Answer.Records
	*records = slices.Repeat(*records, 30)
	res := resultOf(spf.Analyze(many), "spf.multiple")
	assert.Equal(t, []int{1, 20}, []int{len(res.Findings), len(res.Findings[0].Evidence)})
}

// Records of up to 500 terms are repaired, and up to 20 records are made one.
func TestRepair_bound(t *testing.T) {
	terms := func(n int) *spf.Facts {
		var b strings.Builder
		b.WriteString("v=spf1")
		for i := range n - 1 {
			fmt.Fprintf(&b, " ip4:198.51.%d.%d", i>>8, i&255)
		}
		return published(chunks(b.String() + " ?all")...)
	}
	assert.Len(t, spf.Repair(spf.Analyze(terms(500))), 1)
	assert.Empty(t, spf.Repair(spf.Analyze(terms(501))))
	for n, want := range map[int]int{20: 1, 21: 0} {
		f := published("v=spf1 a ?all")
		f.Replies[0].Answer.Records = slices.Repeat(f.Replies[0].Answer.Records, n)
		assert.Len(t, spf.Repair(spf.Analyze(f)), want, "%d records", n)
	}
}

// Of names that do not exist only so many are kept, and fewer are told.
func TestAnalyze_goneBounds(t *testing.T) {
	text := "v=spf1"
	for i := range 150 {
		text += fmt.Sprintf(" a:n%d.test", i)
	}
	f := published(chunks(text)...)
	for i := range 150 {
		for _, typ := range []dnsx.Type{dnsx.TypeA, dnsx.TypeAAAA} {
			q := dnsx.Q(fmt.Sprintf("n%d.test", i), typ)
			f.Replies = append(f.Replies, dnsx.Reply{Question: q, Answer: &dnsx.Answer{Question: q, RCode: dnsx.NXDomain}})
		}
	}
	a := spf.Analyze(f)
	assert.Len(t, spf.GoneOf(a), 100)
	assert.Equal(t, 20, strings.Count(resultOf(a, "spf.void-lookups").Findings[0].Detail.String(), "a:n"))
}

// A zone in which every name leads to others is neither asked for without end nor judged
// without bounds, and what Repair makes of it is a record.
func FuzzAnalyze(f *testing.F) {
	f.Add([]byte("include:b a mx include:c -all|a:a mx:b exists:c|redirect=a ip4:1.2.3.4/0"))
	f.Add([]byte("include:a include:a include:b|include:c include:c|include:a redirect=b"))
	f.Add([]byte("include=b ,ipv4:1.2.3.4\t-all|foo %{d}|v=spf1; +all"))
	f.Add([]byte("include:x@y..z"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := hostile(data)
		asked := 0
		counting := dnsx.ResolverFunc(func(ctx context.Context, q dnsx.Question) (*dnsx.Answer, error) {
			asked++
			return r.Resolve(ctx, q)
		})
		facts, err := spf.Discover(t.Context(), serial{counting}, "a.example", spf.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if asked > mostDiscovered {
			t.Fatalf("%d questions", asked)
		}
		a := spf.Analyze(facts)
		withinBounds(t, a)
		for _, c := range spf.Repair(a) {
			if _, err := spf.Parse(c.New[0]); err != nil {
				t.Fatalf("%q was repaired to %q: %v", c.Old, c.New, err)
			}
		}
	})
}

// A record cut into strings of one octet each makes no work for every octet and every
// other: what is read allocates, so allocations count it.
func TestAnalyze_manyStrings(t *testing.T) {
	allocs := func(octets int) float64 {
		text := "v=spf1 " + strings.Repeat("a:b.c,", octets/6) + " -all"
		f := published(strings.Split(text, "")...)
		return testing.AllocsPerRun(1, func() { spf.Analyze(f) })
	}
	assert.Less(t, allocs(20_000), 10_000.0)

	many := strings.Split("v=spf1 "+strings.Repeat("a ", 400)+"-all", "")
	assert.Equal(t, check.Unknown, resultOf(spf.Analyze(published(many...)), "spf.string-join").Outcome, "not all was looked at")
	assert.Equal(t, check.Pass, resultOf(spf.Analyze(published(many[:300]...)), "spf.string-join").Outcome)
}

// A name that is none is an error of include and redirect, as CheckHost has it, and not
// something that a message would tell (RFC 7208, 4.3, 5.2 and 6.1).
func TestAnalyze_noName(t *testing.T) {
	for _, term := range []string{"redirect=x..y.example", "include:x..y.example -all", "include:%{d1} -all"} {
		t.Run(term, func(t *testing.T) {
			zone := "acme.example. TXT \"v=spf1 " + term + "\"\nexample. TXT \"v=spf1 +all\""
			a := analyze(t, zone)
			assert.Equal(t, spf.PermError, a.Default)
			assert.Len(t, a.PermErrors, 1)
			assert.Empty(t, a.Gaps)
			v, err := spf.CheckHost(t.Context(), serial{dnstest.Must(zone)}, session(client4, "user@acme.example", ""))
			require.NoError(t, err)
			assert.Equal(t, spf.PermError, v.Result)
		})
	}
	a := analyze(t, `acme.example. TXT "v=spf1 a:x..y.example ~all"`)
	assert.Equal(t, spf.SoftFail, a.Default, "4.8 leaves open what other terms do")
}

func TestAnalyze_oneLabel(t *testing.T) {
	zone := dnstest.Must(`example. TXT "v=spf1 -all"`)
	f, err := spf.Discover(t.Context(), zone, "example", spf.Options{})
	require.NoError(t, err)
	a := spf.Analyze(f)
	v, err := spf.CheckHost(t.Context(), serial{zone}, session(client4, "user@example", ""))
	require.NoError(t, err)
	assert.Equal(t, []any{spf.None, spf.None, 0}, []any{a.Default, v.Result, len(a.Texts)})
	assert.Equal(t, check.Fail, resultOf(a, "spf.missing").Outcome)
}

func TestAnalysis_marginOfLoop(t *testing.T) {
	a := analyze(t, `acme.example. TXT "v=spf1 a include:acme.example -all"`)
	assert.Equal(t, []int{2, -1}, []int{a.Lookups, a.Margin()})
}

// The gaps of one rule are bounded, and one more says that there are others.
func TestRules_fewGaps(t *testing.T) {
	var b strings.Builder
	b.WriteString("v=spf1")
	for i := range 400 {
		fmt.Fprintf(&b, " include:%%{l}.n%d.example exists:n%d.example", i, i)
	}
	for _, res := range check.Apply(spf.Analyze(published(chunks(b.String())...)), spf.Rules(spf.Settings{})) {
		assert.LessOrEqual(t, len(res.Gaps), 101, res.ID)
		if len(res.Gaps) == 101 {
			assert.Equal(t, check.Limit, res.Gaps[100].Why, res.ID)
		}
	}
	assert.Len(t, resultOf(spf.Analyze(published(chunks(b.String())...)), "spf.include-none").Gaps, 101)
}

func chunks(text string) (all []string) {
	for len(text) > 255 {
		all, text = append(all, text[:255]), text[255:]
	}
	return append(all, text)
}

// What the bounds leave out of a comparison is not said to be well.
func TestRules_overlapsBeyondBounds(t *testing.T) {
	outcome := func(n int) check.Outcome {
		var b strings.Builder
		b.WriteString("v=spf1")
		for i := range n {
			fmt.Fprintf(&b, " ip4:10.%d.%d.0/31", i/250, i%250)
		}
		f := published(chunks(b.String() + " include:b.example -all")...)
		q := dnsx.Q("b.example", dnsx.TypeTXT)
		rr := dnsx.NewTXT(q.Name, 60, "v=spf1 -exists:%{i}.b.example ip4:10.0.0.0/8 -all")
		f.Replies = append(f.Replies, dnsx.Reply{Question: q, Answer: &dnsx.Answer{Question: q, Records: []dnsx.RR{rr}}})
		return resultOf(spf.Analyze(f), "spf.overlap").Outcome
	}
	assert.Equal(t, check.Pass, outcome(100))
	assert.Equal(t, check.Unknown, outcome(3000))
}

// Only records matter to whether one is included twice.
func TestRules_includeTwiceWithoutAddresses(t *testing.T) {
	a := analyze(t, "acme.example. TXT \"v=spf1 a ~all\"\nacme.example. A !timeout")
	assert.Equal(t, check.Pass, resultOf(a, "spf.include-twice").Outcome)
}

// Receivers take an IPv4-mapped address for the IPv4 one (RFC 7208, 5).
func TestRules_mappedAddress(t *testing.T) {
	a := analyze(t, `acme.example. TXT "v=spf1 ip6:::ffff:198.18.0.1 ip6:::ffff:203.1.0.0/112 ~all"`)
	assert.Len(t, resultOf(a, "spf.private-ip").Findings, 2)
	require.Len(t, spf.Repair(a), 1)
	assert.Equal(t, []string{"v=spf1 ip4:203.1.0.0/16 ~all"}, spf.Repair(a)[0].New)
}

func TestDirective_printed(t *testing.T) {
	rec, err := spf.Parse("v=spf1 ~a:b.example/24 -all")
	require.NoError(t, err)
	assert.Equal(t, "~a:b.example/24 [~a:b.example/24 -all]", fmt.Sprint(rec.Directives[0], rec.Directives))
}
