package mtasts_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/mtasts"
)

func TestDiscoverAsksWhatFollows(t *testing.T) {
	const record = "_mta-sts.acme.example"
	soa, err := dnsx.ParseRR("acme.example. SOA ns.acme.example. hostmaster.acme.example. 1 2 3 4 5")
	require.NoError(t, err)
	own := dnsx.ResolverFunc(func(_ context.Context, q dnsx.Question) (*dnsx.Answer, error) {
		return &dnsx.Answer{Question: q, RCode: dnsx.NXDomain, Authority: []dnsx.RR{soa}}, nil
	})
	txt := dnsx.Q(record, dnsx.TypeTXT)
	host := []dnsx.Question{dnsx.Q("mta-sts.acme.example", dnsx.TypeA), dnsx.Q("mta-sts.acme.example", dnsx.TypeAAAA)}
	tests := []struct {
		name string
		r    dnsx.Resolver
		want []dnsx.Question // beside the record
	}{
		{name: "a record has a host", r: dnstest.Must(record + `. TXT "v=STSv1; id=1"`), want: host},
		{name: "so has a misspelled one", r: dnstest.Must(record + `. TXT "v=stsv1; id=1"`), want: host},
		{name: "another record has none", r: dnstest.Must(record + `. TXT "v=spf1 -all"`)},
		{name: "a failure leads nowhere", r: dnstest.Must(record + `. TXT !servfail`)},
		{name: "the domain's own zone denies the record", r: own},
		{name: "the domain may not exist", r: dnstest.Must(""), want: []dnsx.Question{dnsx.Q("acme.example", dnsx.TypeMX)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, err := mtasts.Discover(t.Context(), tt.r, "ACME.example.", mtasts.Options{})
			require.NoError(t, err)
			assert.Equal(t, txt, f.Record.Question)
			var got []dnsx.Question
			for _, reply := range []dnsx.Reply{f.HostA, f.HostAAAA, f.Apex} {
				if reply.Question != (dnsx.Question{}) {
					got = append(got, reply.Question)
				}
			}
			assert.Equal(t, tt.want, got)
			assert.Nil(t, f.Policy, "there is no dialer")
		})
	}
}

func TestDiscoverErrors(t *testing.T) {
	_, err := mtasts.Discover(t.Context(), dnstest.Must(""), "acme..example", mtasts.Options{})
	var name *dnsx.NameError
	require.ErrorAs(t, err, &name)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f, err := mtasts.Discover(ctx, dnstest.Must(""), "acme.example", mtasts.Options{})
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, dnsx.KindCanceled, f.Record.Failure.Kind)
	for _, res := range check.Apply(mtasts.Analyze(f), mtasts.Rules(mtasts.Settings{})) {
		assert.Equal(t, check.Unknown, res.Outcome, res.ID)
	}
}

func TestQuestions(t *testing.T) {
	assert.Equal(t, []dnsx.Question{dnsx.Q("_mta-sts.acme.example", dnsx.TypeTXT)}, mtasts.Questions("Acme.Example", mtasts.Options{}))
	assert.Nil(t, mtasts.Questions("", mtasts.Options{}))
}

func TestAnalyzeTakesAnyFacts(t *testing.T) {
	const name = "_mta-sts.acme.example"
	reply := func(q dnsx.Question, rrs ...dnsx.RR) dnsx.Reply {
		return dnsx.Reply{Question: q, Answer: &dnsx.Answer{Question: q, Records: rrs}}
	}
	txt := dnsx.Q(name, dnsx.TypeTXT)
	good := dnsx.NewTXT(name, 0, "v=STSv1;id=1")
	other := dnsx.NewTXT("other.example", 0, "v=STSv1;id=1")
	alien := dnsx.RR{Name: name, Type: dnsx.TypeSPF, Data: good.Data}
	record := reply(txt, other, alien, good)
	notAsked := []check.Gap{{Subject: "A mta-sts.acme.example", Why: check.NotAsked}, {Subject: "AAAA mta-sts.acme.example", Why: check.NotAsked}}
	tests := []struct {
		name         string
		facts        *mtasts.Facts
		texts        int
		unread       bool
		policyUnread []check.Gap // without causes; nil: not looked at
	}{
		{name: "nil", unread: true},
		{name: "zero", facts: &mtasts.Facts{}, unread: true},
		{name: "no reply", facts: &mtasts.Facts{Domain: "acme.example"}, unread: true},
		{name: "an answer to another question", facts: &mtasts.Facts{Domain: "acme.example", Record: reply(dnsx.Q(name, dnsx.TypeA), good)}, unread: true},
		{name: "records of another name and type", facts: &mtasts.Facts{Domain: "acme.example", Record: record}, texts: 1, policyUnread: notAsked},
		{
			name:  "the policy of another domain",
			facts: &mtasts.Facts{Domain: "acme.example", Record: record, Policy: &mtasts.Fetch{URL: "https://mta-sts.other.example/.well-known/mta-sts.txt", Status: 200, Body: goodPolicy}},
			texts: 1, policyUnread: notAsked,
		},
		{
			name:  "a body that no fetch reads",
			facts: &mtasts.Facts{Domain: "acme.example", Record: record, Policy: &mtasts.Fetch{URL: policyURL, Status: 200, Body: strings.Repeat("mx:a\n", mtasts.MaxPolicy)}},
			texts: 1, policyUnread: []check.Gap{{Subject: policyURL, Why: check.Limit}},
		},
		{
			name:  "a failure of a kind that nobody knows",
			facts: &mtasts.Facts{Domain: "acme.example", Record: record, Policy: &mtasts.Fetch{URL: policyURL, Failure: &mtasts.Failure{Kind: "later"}}},
			texts: 1, policyUnread: []check.Gap{{Subject: policyURL, Why: check.Failed}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := mtasts.Analyze(tt.facts)
			assert.Len(t, a.Texts, tt.texts)
			assert.Equal(t, tt.unread, a.Unread != nil)
			if tt.policyUnread != nil {
				var got []check.Gap
				for _, g := range a.PolicyUnread {
					got = append(got, check.Gap{Subject: g.Subject, Why: g.Why})
				}
				assert.Equal(t, tt.policyUnread, got)
			}
			check.Apply(a, mtasts.Rules(mtasts.Settings{})) // does not panic
		})
	}
}

func TestAnalyzeBoundsHostileTexts(t *testing.T) {
	const name = "_mta-sts.acme.example"
	q := dnsx.Q(name, dnsx.TypeTXT)
	for _, flood := range []string{";", ";x", ";id=?", ";x=1", "\n", "\nx", "\nmx: ?", "\nmode: x", "\nx: 1"} {
		body := strings.Repeat(flood, 60000/len(flood))
		answer := &dnsx.Answer{Question: q, Records: []dnsx.RR{dnsx.NewTXT(name, 0, "v=STSv1"+body)}}
		a := mtasts.Analyze(&mtasts.Facts{
			Domain: "acme.example", Record: dnsx.Reply{Question: q, Answer: answer},
			Policy: &mtasts.Fetch{URL: policyURL, Status: 200, Body: "version: STSv1" + body},
		})
		for _, res := range check.Apply(a, mtasts.Rules(mtasts.Settings{})) {
			assert.LessOrEqual(t, len(res.Findings), 40, "%s of many %q", res.ID, flood)
		}
	}
}

func TestAnalyzeValid(t *testing.T) {
	record := func(txt string) string { return "_mta-sts.acme.example. TXT \"" + txt + "\"\n" }
	tests := []struct {
		name, zone, body    string
		record, policyValid bool
	}{
		{"right", record("v=STSv1;id=1"), goodPolicy, true, true},
		{"what readers have to accept", record("v=STSv1;id=1;id=2") + record("x"), goodPolicy + "mode: none\n", true, true},
		{"what few readers mind", record("v=STSv1 ;id=1"), goodPolicy + "\n", true, true},
		{"a record that others cost", record("v=STSv1 ;id=1") + record("x"), goodPolicy, false, true},
		{"broken", record("v=STSv1;id=?"), goodPolicy + "mx a\n", false, false},
		{"a web page", record("v=STSv1;id=1"), "<html>", true, false},
		{"none", "", goodPolicy, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, err := mtasts.Discover(t.Context(), dnstest.Must(tt.zone), "acme.example", mtasts.Options{})
			require.NoError(t, err)
			f.Policy = &mtasts.Fetch{URL: policyURL, Status: 200, ContentType: "text/plain", Body: tt.body}
			a := mtasts.Analyze(f)
			assert.Equal(t, tt.record, a.Valid, "record")
			assert.Equal(t, tt.policyValid, a.PolicyValid, "policy")
		})
	}
}

func TestSettings(t *testing.T) {
	f, err := mtasts.Discover(t.Context(), dnstest.Must(`_mta-sts.acme.example. TXT "v=STSv1; id=1"`), "acme.example", mtasts.Options{})
	require.NoError(t, err)
	f.Policy = &mtasts.Fetch{URL: policyURL, Status: 200, ContentType: "text/plain", Body: goodPolicy}
	for _, res := range check.Apply(mtasts.Analyze(f), mtasts.Rules(mtasts.Settings{MinMaxAge: 14 * 24 * time.Hour})) {
		want := check.Pass
		if res.ID == "mtasts.max-age-short" {
			want = check.Fail
		}
		assert.Equal(t, want, res.Outcome, res.ID)
	}
}

func TestRepair(t *testing.T) {
	tests := []struct {
		name string
		txts []string
		want string // "" for no repair
	}{
		{name: "nothing is published"},
		{name: "nothing is wrong", txts: []string{"v=STSv1;id=1"}},
		{name: "no id is invented", txts: []string{"v=stsv1;"}},
		{name: "an id of which nothing is left", txts: []string{"v=STSv1;id=-"}},
		{name: "only the owner knows which id is the policy's", txts: []string{"v=STSv1;id=1", "v=STSv1;id=2"}},
		{name: "more records than anybody has", txts: slices.Repeat([]string{"v=STSv1 ;id=1"}, 21)},
		{name: "all faults at once", txts: []string{"V=STSv1 id = 2026-11-22;;junk;x=1;ID=7;id=8 "}, want: "v=STSv1; id=20261122; x=1"},
		{name: "an id of 33 octets and a name in upper case", txts: []string{"v=STSv1;ID=" + strings.Repeat("a", 33)}, want: "v=STSv1; id=" + strings.Repeat("a", 32)},
		{name: "records that say the same", txts: []string{"v=STSv1;id=1", "v=STSv1; id=1;"}, want: "v=STSv1; id=1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			const name = "_mta-sts.acme.example"
			q := dnsx.Q(name, dnsx.TypeTXT)
			answer := &dnsx.Answer{Question: q}
			for _, txt := range tt.txts {
				answer.Records = append(answer.Records, dnsx.NewTXT(name, 0, txt))
			}
			var want []check.Change
			if tt.want != "" {
				want = []check.Change{{Name: name, Type: "TXT", Old: tt.txts, New: []string{tt.want}}}
			}
			a := mtasts.Analyze(&mtasts.Facts{Domain: "acme.example", Record: dnsx.Reply{Question: q, Answer: answer}})
			assert.Equal(t, want, mtasts.Repair(a))
		})
	}
	assert.Nil(t, mtasts.Repair(nil))
}
