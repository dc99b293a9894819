package spf_test

import (
	"fmt"
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
