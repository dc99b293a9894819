package caa_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/caa"
	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
)

func levels(names ...string) []dnsx.Question {
	var qs []dnsx.Question
	for _, name := range names {
		qs = append(qs, dnsx.Q(name, dnsx.TypeCAA))
	}
	return qs
}

func TestQuestions(t *testing.T) {
	assert.Equal(t, levels("www.acme.example", "acme.example", "example"), caa.Questions("WWW.acme.example.", caa.Options{}))
	assert.Equal(t, levels("acme.example", "example"), caa.Questions("*.acme.example", caa.Options{}), "a wildcard name starts behind the asterisk")
	assert.Nil(t, caa.Questions(".", caa.Options{}), "the root is not asked")
	assert.Nil(t, caa.Questions("acme..example", caa.Options{}))
	assert.Len(t, caa.Questions(strings.Repeat("a.", 120)+"example", caa.Options{}), caa.MaxLevels)
}

func TestDiscoverAsksAllLevelsAtOnce(t *testing.T) {
	r := &bulk{Resolver: dnstest.Must(`acme.example. CAA 0 issue "ca.example"`)}
	_, err := caa.Discover(t.Context(), r, "www.acme.example", caa.Options{})
	require.NoError(t, err)
	assert.Equal(t, [][]dnsx.Question{levels("www.acme.example", "acme.example", "example")}, r.asked)
}

// bulk notes which questions came together.
type bulk struct {
	dnsx.Resolver
	asked [][]dnsx.Question
}

func (b *bulk) ResolveAll(ctx context.Context, qs []dnsx.Question) []dnsx.Reply {
	b.asked = append(b.asked, qs)
	return dnsx.Ask(ctx, b.Resolver, qs...)
}

func TestDiscoverAsksWithoutValidationAfterServfailOnly(t *testing.T) {
	unchecked := func(name string) dnsx.Question {
		return dnsx.Question{Name: name, Type: dnsx.TypeCAA, CheckingDisabled: true}
	}
	tests := []struct {
		name, zone string
		want       dnsx.Question // the zero Question: not asked
	}{
		{name: "answered", zone: `acme.example. A 192.0.2.1`},
		{name: "the level that counts was answered", zone: "www.acme.example. CAA 0 issue \";\"\nacme.example. CAA !servfail"},
		{name: "timed out", zone: `www.acme.example. CAA !timeout`},
		{name: "refused", zone: `www.acme.example. CAA !refused`},
		{name: "the name itself failed", zone: "www.acme.example. CAA !servfail\nacme.example. CAA !servfail", want: unchecked("www.acme.example")},
		{name: "the name above failed", zone: "www.acme.example. A 192.0.2.1\nacme.example. CAA !servfail", want: unchecked("acme.example")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, err := caa.Discover(t.Context(), dnstest.Must(tt.zone), "www.acme.example", caa.Options{})
			require.NoError(t, err)
			assert.Equal(t, tt.want, f.Unchecked.Question)
		})
	}
}

func TestDiscoverErrors(t *testing.T) {
	_, err := caa.Discover(t.Context(), dnstest.Must(""), "acme..example", caa.Options{})
	var name *dnsx.NameError
	require.ErrorAs(t, err, &name)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f, err := caa.Discover(ctx, dnstest.Must(""), "acme.example", caa.Options{})
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, dnsx.KindCanceled, f.Levels[0].Failure.Kind)
	for _, res := range check.Apply(caa.Analyze(f), caa.Rules(caa.Settings{})) {
		assert.Equal(t, check.Unknown, res.Outcome, res.ID)
	}
}

func analyze(t *testing.T, domain, zone string) *caa.Analysis {
	t.Helper()
	f, err := caa.Discover(t.Context(), dnstest.Must(zone), domain, caa.Options{})
	require.NoError(t, err)
	return caa.Analyze(f)
}

func TestAnalyzeFindsTheRRsetThatCounts(t *testing.T) {
	type want struct{ at, owner, records string }
	tests := []struct {
		name, domain, zone string
		want               want
	}{
		{
			name: "the nearest, and not merged with those above", domain: "a.b.c", // RFC 8659, 3
			zone: "a.b.c. A 192.0.2.1\nb.c. CAA 0 issue \"example.com\"\nc. CAA 0 issue \"example.net\"",
			want: want{"b.c", "b.c", `0 issue "example.com"`},
		},
		{name: "none at any level", domain: "x.y.z", zone: "x.y.z. A 192.0.2.1"},
		{
			name: "at the end of an alias", domain: "support.acme.example",
			zone: "support.acme.example. CNAME a.desk.example.\na.desk.example. CNAME b.desk.example.\nb.desk.example. CAA 0 issue \"ca.example\"",
			want: want{"support.acme.example", "b.desk.example", `0 issue "ca.example"`},
		},
		{
			name: "above an alias, and not above its end", domain: "support.acme.example", // RFC 6844 climbed there too
			zone: "support.acme.example. CNAME a.desk.example.\na.desk.example. A 192.0.2.1\ndesk.example. CAA 0 issue \"desk.example\"\nacme.example. CAA 0 issue \"ca.example\"",
			want: want{"acme.example", "acme.example", `0 issue "ca.example"`},
		},
		{
			name: "above an alias whose end does not exist", domain: "support.acme.example",
			zone: "support.acme.example. CNAME gone.desk.example.\nacme.example. CAA 0 issue \"ca.example\"",
			want: want{"acme.example", "acme.example", `0 issue "ca.example"`},
		},
		{
			name: "an alias above", domain: "www.shop.acme.example",
			zone: "www.shop.acme.example. A 192.0.2.1\nshop.acme.example. CNAME desk.example.\ndesk.example. CAA 0 issue \"ca.example\"",
			want: want{"shop.acme.example", "desk.example", `0 issue "ca.example"`},
		},
		{
			name: "sorted, each once", domain: "acme.example",
			zone: "acme.example. CAA 0 issue \"b\"\nacme.example. CAA 0 iodef \"c\"\nacme.example. CAA 0 issue \"a\"\nacme.example. CAA 0 issue \"b\"",
			want: want{"acme.example", "acme.example", `0 iodef "c"|0 issue "a"|0 issue "b"`},
		},
		{
			name: "a record with an empty tag is one", domain: "acme.example",
			zone: `acme.example. CAA \# 4 00004141` + "\nexample. CAA 0 issue \"ca.example\"",
			want: want{"acme.example", "acme.example", `\# 4 00004141`},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := analyze(t, tt.domain, tt.zone)
			var recs []string
			for _, rec := range a.Records {
				recs = append(recs, rec.String())
			}
			assert.Equal(t, tt.want, want{a.At, a.Owner, strings.Join(recs, "|")})
			assert.Nil(t, a.Unread)
		})
	}
}

func TestAllows(t *testing.T) {
	const (
		allowed   = "allowed"
		forbidden = "forbidden"
		unknown   = "unknown"
	)
	tests := []struct {
		name, zone string // of records at acme.example; "CAA !timeout" and the like
		use        caa.Use
		issuers    []string
		want       string
	}{
		{name: "no records", zone: `A 192.0.2.1`, use: caa.Names, issuers: []string{"ca.example"}, want: allowed},
		{name: "no records, a CA that is not known", zone: `A 192.0.2.1`, use: caa.Names, want: allowed},
		{name: "timed out", zone: `CAA !timeout`, use: caa.Names, issuers: []string{"ca.example"}, want: unknown},
		{name: "named", zone: `CAA 0 issue "ca.example"`, use: caa.Names, issuers: []string{"ca.example"}, want: allowed},
		{name: "named in another case", zone: `CAA 0 ISSUE "CA.example"`, use: caa.Names, issuers: []string{"ca.EXAMPLE"}, want: allowed},
		{name: "named by one of its names", zone: `CAA 0 issue "www.ca.example"`, use: caa.Names, issuers: []string{"ca.example", "www.ca.example"}, want: allowed},
		{name: "not named", zone: `CAA 0 issue "ca.example"`, use: caa.Names, issuers: []string{"other.example"}, want: forbidden},
		{name: "a name below is another", zone: `CAA 0 issue "ca.example"`, use: caa.Names, issuers: []string{"www.ca.example"}, want: forbidden},
		{name: "a CA that is not known", zone: `CAA 0 issue "ca.example"`, use: caa.Names, want: unknown},
		{name: "nobody", zone: `CAA 0 issue ";"`, use: caa.Names, issuers: []string{"ca.example"}, want: forbidden},
		{name: "nobody, a CA that is not known", zone: `CAA 0 issue ";"`, use: caa.Names, want: forbidden},
		{name: "nobody, empty", zone: `CAA 0 issue ""`, use: caa.Names, issuers: []string{""}, want: forbidden},
		{name: "nobody beside somebody", zone: "CAA 0 issue \";\"\nCAA 0 issue \"ca.example\"", use: caa.Names, issuers: []string{"ca.example"}, want: allowed},
		{name: "malformed", zone: `CAA 0 issue "%%"`, use: caa.Names, issuers: []string{"ca.example"}, want: forbidden},
		{name: "malformed, though it names the CA", zone: `CAA 0 issue "ca.example; a=b;"`, use: caa.Names, issuers: []string{"ca.example"}, want: forbidden},
		{name: "malformed beside a good one", zone: "CAA 0 issue \"%%\"\nCAA 0 issue \"ca.example\"", use: caa.Names, issuers: []string{"ca.example"}, want: allowed},
		{name: "only iodef", zone: `CAA 0 iodef "mailto:a@b"`, use: caa.Names, issuers: []string{"ca.example"}, want: allowed},
		{name: "only an unknown tag", zone: `CAA 0 tbs "x"`, use: caa.Names, issuers: []string{"ca.example"}, want: allowed},
		{name: "a critical unknown tag", zone: "CAA 0 issue \"ca.example\"\nCAA 128 tbs \"x\"", use: caa.Names, issuers: []string{"ca.example"}, want: forbidden},
		{name: "an unknown tag with reserved flags", zone: "CAA 0 issue \"ca.example\"\nCAA 1 tbs \"x\"", use: caa.Names, issuers: []string{"ca.example"}, want: allowed},
		{name: "a critical tag that not every CA knows", zone: "CAA 0 issue \"ca.example\"\nCAA 128 issuemail \";\"", use: caa.Names, issuers: []string{"ca.example"}, want: unknown},
		{name: "the same, and not named", zone: "CAA 0 issue \"ca.example\"\nCAA 128 issuemail \";\"", use: caa.Names, issuers: []string{"other.example"}, want: forbidden},
		{name: "a wildcard follows issue", zone: `CAA 0 issue "ca.example"`, use: caa.Wildcards, issuers: []string{"other.example"}, want: forbidden},
		{name: "a wildcard by issuewild", zone: "CAA 0 issue \";\"\nCAA 0 issuewild \"ca.example\"", use: caa.Wildcards, issuers: []string{"ca.example"}, want: allowed},
		{name: "issuewild is about no other name", zone: "CAA 0 issue \";\"\nCAA 0 issuewild \"ca.example\"", use: caa.Names, issuers: []string{"ca.example"}, want: forbidden},
		{name: "issuewild takes precedence", zone: "CAA 0 issue \"ca.example\"\nCAA 0 issuewild \";\"", use: caa.Wildcards, issuers: []string{"ca.example"}, want: forbidden},
		{name: "issuewild alone leaves other names free", zone: `CAA 0 issuewild ";"`, use: caa.Names, issuers: []string{"ca.example"}, want: allowed},
		{name: "a malformed issuewild forbids wildcards", zone: "CAA 0 issue \"ca.example\"\nCAA 0 issuewild \"%%\"", use: caa.Wildcards, issuers: []string{"ca.example"}, want: forbidden},
		{name: "issue is not about mail", zone: `CAA 0 issue ";"`, use: caa.Mail, issuers: []string{"ca.example"}, want: allowed},
		{name: "issuemail is", zone: `CAA 0 issuemail ";"`, use: caa.Mail, issuers: []string{"ca.example"}, want: forbidden},
		{name: "critical issuemail, asked by a CA that issues for mail", zone: `CAA 128 issuemail "ca.example"`, use: caa.Mail, issuers: []string{"ca.example"}, want: allowed},
		{name: "issuevmc", zone: `CAA 0 issuevmc "ca.example"`, use: caa.Marks, issuers: []string{"other.example"}, want: forbidden},
		{name: "an account narrows it, and leaves the CA allowed", zone: `CAA 0 issue "ca.example; accounturi=https://ca.example/1"`, use: caa.Names, issuers: []string{"ca.example"}, want: allowed},
		{name: "two accounts meet nobody", zone: `CAA 0 issue "ca.example; accounturi=https://ca.example/1; accounturi=https://ca.example/2"`, use: caa.Names, issuers: []string{"ca.example"}, want: forbidden},
		{name: "an account that is no URI meets nobody", zone: `CAA 0 issue "ca.example; accounturi=1"`, use: caa.Names, issuers: []string{"ca.example"}, want: forbidden},
		{name: "no method meets nobody", zone: `CAA 0 issue "ca.example; validationmethods="`, use: caa.Names, issuers: []string{"ca.example"}, want: forbidden},
		{name: "parameters of issuemail are the CA's own affair", zone: `CAA 0 issuemail "ca.example; accounturi=1"`, use: caa.Mail, issuers: []string{"ca.example"}, want: allowed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			zone := "acme.example. " + strings.ReplaceAll(tt.zone, "\n", "\nacme.example. ")
			ok, gaps := analyze(t, "acme.example", zone).Allows(tt.use, tt.issuers...)
			got := forbidden
			switch {
			case len(gaps) > 0:
				got = unknown
			case ok:
				got = allowed
			}
			assert.Equal(t, tt.want, got)
		})
	}
}

func TestPolicy(t *testing.T) {
	a := analyze(t, "acme.example", `
acme.example. CAA 0 issue "ca.example; accounturi=https://ca.example/1"
acme.example. CAA 0 issue "%%"
acme.example. CAA 0 iodef "mailto:a@b"
`)
	names := caa.Policy{
		Restricted: true,
		Allowed:    []caa.Issue{{Issuer: "ca.example", Params: []caa.Param{{Tag: "accounturi", Value: "https://ca.example/1"}}}},
		Records:    []caa.Record{{Tag: "issue", Value: "%%"}, {Tag: "issue", Value: "ca.example; accounturi=https://ca.example/1"}},
	}
	assert.Equal(t, names, a.Policy(caa.Names))
	assert.Equal(t, names, a.Policy(caa.Wildcards))
	assert.Equal(t, caa.Policy{}, a.Policy(caa.Mail))

	a = analyze(t, "acme.example", "acme.example. CAA 128 tbs \"x\"\nacme.example. CAA 0 issue \"ca.example\"")
	assert.Equal(t, caa.Policy{Restricted: true, Blocked: true, Records: []caa.Record{{Flags: 128, Tag: "tbs", Value: "x"}}}, a.Policy(caa.Marks))
}

func TestAnalyzeTakesAnyFacts(t *testing.T) {
	q := dnsx.Q("acme.example", dnsx.TypeCAA)
	caaRR := func(name, data string) dnsx.RR { return dnsx.RR{Name: name, Type: dnsx.TypeCAA, Data: []byte(data)} }
	reply := func(q dnsx.Question, rrs ...dnsx.RR) dnsx.Reply {
		return dnsx.Reply{Question: q, Answer: &dnsx.Answer{Question: q, Records: rrs}}
	}
	good := caaRR("acme.example", "\x00\x05issueca.example")
	tests := []struct {
		name    string
		facts   *caa.Facts
		records int
		unread  bool
	}{
		{name: "nil", unread: true},
		{name: "zero", facts: &caa.Facts{}, unread: true},
		{name: "the root", facts: &caa.Facts{Domain: "."}},
		{name: "no reply", facts: &caa.Facts{Domain: "acme.example"}, unread: true},
		{name: "fewer levels than the name has", facts: &caa.Facts{Domain: "acme.example", Levels: []dnsx.Reply{reply(q)}}, unread: true},
		{name: "levels in another order", facts: &caa.Facts{Domain: "acme.example", Levels: []dnsx.Reply{reply(dnsx.Q("example", dnsx.TypeCAA)), reply(q, good)}}, unread: true},
		{name: "an answer to another question", facts: &caa.Facts{Domain: "acme.example", Levels: []dnsx.Reply{reply(dnsx.Q("acme.example", dnsx.TypeA), good)}}, unread: true},
		{
			name:    "records of another name and type, and such that cannot be read",
			facts:   &caa.Facts{Domain: "acme.example", Levels: []dnsx.Reply{reply(q, caaRR("other.example", "\x00\x05issueca.example"), dnsx.NewTXT("acme.example", 0, "x"), caaRR("acme.example", "\x00\x05iss"), caaRR("acme.example", "\x00"), good)}},
			records: 1,
		},
		{name: "odd names", facts: &caa.Facts{Domain: strings.Repeat(".", 100000)}, unread: true},
		{name: "a name of many labels", facts: &caa.Facts{Domain: strings.Repeat("a.", 100000) + "a"}, unread: true},
		{
			name:   "a failure of another question",
			facts:  &caa.Facts{Domain: "acme.example", Levels: []dnsx.Reply{{Question: q, Failure: &dnsx.Failure{Kind: dnsx.KindRCode}}}, Unchecked: reply(dnsx.Q("x", dnsx.TypeA))},
			unread: true,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := caa.Analyze(tt.facts)
			assert.Len(t, a.Records, tt.records)
			assert.Equal(t, tt.unread, a.Unread != nil)
			check.Apply(a, caa.Rules(caa.Settings{})) // does not panic
			a.Allows(caa.Wildcards)
		})
	}
}

// An answer that was validated is no witness that validation is what failed.
func TestTheAnswerWithoutValidationHasToBeOne(t *testing.T) {
	q, top := dnsx.Q("acme.example", dnsx.TypeCAA), dnsx.Q("example", dnsx.TypeCAA)
	facts := &caa.Facts{Domain: "acme.example", Levels: []dnsx.Reply{
		{Question: q, Failure: &dnsx.Failure{Question: q, Kind: dnsx.KindRCode, RCode: dnsx.ServFail, Tries: 1}},
		{Question: top, Answer: &dnsx.Answer{Question: top}},
	}}
	outcome := func() check.Outcome {
		for _, res := range check.Apply(caa.Analyze(facts), caa.Rules(caa.Settings{})) {
			if res.ID == "caa.lookup-fails" {
				return res.Outcome
			}
		}
		return ""
	}
	facts.Unchecked = dnsx.Reply{Question: q, Answer: &dnsx.Answer{Question: q}}
	assert.Equal(t, check.Unknown, outcome())
	q.CheckingDisabled = true
	facts.Unchecked = dnsx.Reply{Question: q, Answer: &dnsx.Answer{Question: q}}
	assert.Equal(t, check.Fail, outcome())
}

func TestAnalyzeBoundsHostileRecords(t *testing.T) {
	q := dnsx.Q("acme.example", dnsx.TypeCAA)
	for _, rec := range []caa.Record{
		{Flags: 1, Tag: "issue", Value: "%"},
		{Flags: 255, Tag: "t-t", Value: "x"},
		{Tag: "issue", Value: "ca.example" + strings.Repeat("; accounturi=a:b", 10)},
		{Tag: "issue", Value: "ca.example;" + strings.Repeat(";", 60000)},
		{Tag: "issuewild", Value: "ca.example; AccountURI=a:b; validationmethods=x"},
		{Tag: "iodef", Value: strings.Repeat("x", 60000)},
	} {
		answer := &dnsx.Answer{Question: q}
		for i := range 60 {
			value := strings.Repeat(" ", i%20) + rec.Value + strings.Repeat(" ", i/20)
			data := append([]byte{rec.Flags, byte(len(rec.Tag))}, rec.Tag+value...)
			answer.Records = append(answer.Records, dnsx.RR{Name: q.Name, Type: q.Type, Data: data})
		}
		a := caa.Analyze(&caa.Facts{Domain: q.Name, Levels: []dnsx.Reply{{Question: q, Answer: answer}}})
		assert.Len(t, a.Records, 60)
		for _, res := range check.Apply(a, caa.Rules(caa.Settings{})) {
			assert.LessOrEqual(t, len(res.Findings), 20, res.ID)
			for _, f := range res.Findings {
				assert.LessOrEqual(t, len(f.Evidence), 20, res.ID)
				assert.Less(t, len(f.Detail.String()), 1000, res.ID)
			}
		}
	}
}

func TestFactsRoundTrip(t *testing.T) {
	f, err := caa.Discover(t.Context(), dnstest.Must("www.acme.example. CAA 128 \"a b\" \"\\000\"\nacme.example. CAA !servfail"), "www.acme.example", caa.Options{Host: true})
	require.NoError(t, err)
	text, err := json.Marshal(f)
	require.NoError(t, err)
	var again *caa.Facts
	require.NoError(t, json.Unmarshal(text, &again))
	assert.Equal(t, f, again)
}
