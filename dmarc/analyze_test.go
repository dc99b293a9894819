package dmarc_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dmarc"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
)

// TestMissingAnswers takes answers away and demands that what is still said to be
// known is what the whole answers say: states of four names, with every choice of
// answers that are missing. Every seventh of the states keeps the test short.
func TestMissingAnswers(t *testing.T) {
	const domain = "a.b.example.com"
	names := []string{domain, "b.example.com", "example.com", "com"}
	states := [][]string{
		nil,
		{"v=DMARC1; p=reject; sp=quarantine; np=none"},
		{"v=DMARC1; p=quarantine; psd=n"},
		{"v=DMARC1; p=reject; psd=y"},
		{"v=DMARC1; p=none", "v=DMARC1; p=reject"},
	}
	for world := 0; world < 5*5*5*5*2; world += 7 {
		f := &dmarc.Facts{Domain: domain}
		q := dnsx.Q(domain, dnsx.TypeTXT)
		f.Apex = dnsx.Reply{Question: q, Answer: &dnsx.Answer{Question: q, RCode: []dnsx.RCode{dnsx.NoError, dnsx.NXDomain}[world%2]}}
		for i, rest := 0, world/2; i < len(names); i, rest = i+1, rest/5 {
			q := dnsx.Q("_dmarc."+names[i], dnsx.TypeTXT)
			a := &dnsx.Answer{Question: q, RCode: dnsx.NXDomain}
			for _, txt := range states[rest%5] {
				a.RCode, a.Records = dnsx.NoError, append(a.Records, dnsx.NewTXT(q.Name, 300, txt))
			}
			f.Walk = append(f.Walk, dnsx.Reply{Question: q, Answer: a})
		}
		if f.Walk[0].Answer.RCode == dnsx.NoError && f.Apex.Answer.RCode == dnsx.NXDomain {
			continue // a name with something below it exists
		}
		whole := dmarc.Analyze(f)
		for lost := range 1 << 5 {
			part := &dmarc.Facts{Domain: domain, Apex: f.Apex, Walk: slices.Clone(f.Walk)}
			for i := range part.Walk {
				if lost&(1<<i) != 0 {
					part.Walk[i].Answer = nil
				}
			}
			if lost&(1<<4) != 0 {
				part.Apex.Answer = nil
			}
			a := dmarc.Analyze(part)
			if fault := contradicts(a.New, whole.New) + contradicts(a.Old, whole.Old); fault != "" {
				t.Fatalf("state %d without %05b: %s", world, lost, fault)
			}
		}
	}
}

// contradicts names what is known in part and otherwise in whole, or not known
// although nothing is missing, or not known without a gap.
func contradicts(part, whole dmarc.Generation) (fault string) {
	unknown := false
	for _, f := range []struct {
		field       string
		part, whole any
		unknown     bool
	}{
		{"organizational domain", part.OrganizationalDomain, whole.OrganizationalDomain, part.OrganizationalDomain == ""},
		{"owner", part.Owner, whole.Owner, part.Owner == ""},
		{"domain", part.Domain, whole.Domain, part.Domain.Policy == ""},
		{"subdomain", part.Subdomain, whole.Subdomain, part.Subdomain.Policy == ""},
		{"missing", part.Missing, whole.Missing, part.Missing.Policy == ""},
	} {
		if !f.unknown && f.part != f.whole {
			fault += fmt.Sprintf("%s is said to be %v and is %v; ", f.field, f.part, f.whole)
		}
		unknown = unknown || f.unknown && f.field != "owner"
	}
	if unknown != (len(part.Gaps) > 0) && (unknown || part.Owner != "") {
		fault += fmt.Sprintf("unknown %t with the gaps %v", unknown, part.Gaps)
	}
	return fault
}

// TestKnownInPart has the cases in which missing answers must not hide what is known.
func TestKnownInPart(t *testing.T) {
	reject, off, unknown := share(dmarc.Reject), share(dmarc.Off), dmarc.Share{}
	type known struct {
		org, owner                 string
		domain, subdomain, missing dmarc.Share
	}
	tests := []struct {
		name, zone, domain string
		new, old           known
	}{
		{
			name:   "the domain's own record decides for itself whatever stands above",
			zone:   "_dmarc.acme.example. TXT \"v=DMARC1; p=reject\"\n_dmarc.example. TXT !timeout",
			domain: "acme.example",
			new:    known{"", "acme.example", reject, unknown, unknown},
			old:    known{"acme.example", "acme.example", reject, reject, reject},
		},
		{
			name:   "with psd=n for all",
			zone:   "_dmarc.acme.example. TXT \"v=DMARC1; p=reject; psd=n\"\n_dmarc.example. TXT !timeout",
			domain: "acme.example",
			new:    known{"acme.example", "acme.example", reject, reject, reject},
			old:    known{"acme.example", "acme.example", reject, reject, reject},
		},
		{
			name:   "nothing above: the domain is its own organization, whatever its record says",
			zone:   "acme.example. A 192.0.2.1\n_dmarc.acme.example. TXT !timeout",
			domain: "acme.example",
			new:    known{"acme.example", "", unknown, unknown, unknown},
			old:    known{"acme.example", "", unknown, unknown, unknown},
		},
		{
			name:   "sp and np agree: whether the name exists does not matter",
			zone:   "_dmarc.acme.example. TXT \"v=DMARC1; p=reject\"\nshop.acme.example. TXT !timeout",
			domain: "shop.acme.example",
			new:    known{"acme.example", "acme.example", reject, reject, reject},
			old:    known{"acme.example", "acme.example", reject, reject, reject},
		},
		{
			name:   "names below a public suffix are organizations of their own to the old generation",
			zone:   "_dmarc.co.uk. TXT \"v=DMARC1; p=reject; psd=y\"\n_dmarc.uk. TXT !timeout",
			domain: "co.uk",
			new:    known{"co.uk", "co.uk", reject, reject, reject},
			old:    known{"co.uk", "co.uk", reject, off, off},
		},
		{
			name:   "no answer at all",
			zone:   "* * !timeout",
			domain: "acme.example",
			new:    known{},
			old:    known{org: "acme.example"},
		},
	}
	of := func(g dmarc.Generation) known {
		return known{g.OrganizationalDomain, g.Owner, g.Domain, g.Subdomain, g.Missing}
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := analyze(t, tt.zone, tt.domain)
			assert.Equal(t, [2]known{tt.new, tt.old}, [2]known{of(a.New), of(a.Old)})
		})
	}
}

func TestEffectiveAndDiffer(t *testing.T) {
	tests := []struct {
		name, zone string
		want       dmarc.Effective
		differ     []string
	}{
		{
			"both agree", `_dmarc.acme.example. TXT "v=DMARC1; p=reject; sp=quarantine"`,
			dmarc.Effective{Domain: dmarc.Reject, Subdomain: dmarc.Quarantine, Missing: dmarc.Quarantine},
			nil,
		},
		{
			"np is the new generation's alone", `_dmarc.acme.example. TXT "v=DMARC1; p=none; np=reject"`,
			dmarc.Effective{Domain: dmarc.None, Subdomain: dmarc.None, Missing: dmarc.None},
			[]string{"missing"},
		},
		{
			"a wrong np breaks the record for the new generation alone", `_dmarc.acme.example. TXT "v=DMARC1; p=reject; np=x"`,
			dmarc.Effective{Domain: dmarc.Off, Subdomain: dmarc.Off, Missing: dmarc.Off},
			[]string{"domain", "subdomain", "missing"},
		},
		{
			"a duplicate tag voids the record in the strict reading", `_dmarc.acme.example. TXT "v=DMARC1; p=reject; p=reject"`,
			dmarc.Effective{Domain: dmarc.Off, Subdomain: dmarc.Off, Missing: dmarc.Off},
			nil,
		},
		{
			"a suffix above without its flag decides about names below",
			`_dmarc.acme.example. TXT "v=DMARC1; p=reject"` + "\n" + `_dmarc.example. TXT "v=DMARC1; p=none"`,
			dmarc.Effective{Domain: dmarc.Reject, Subdomain: dmarc.None, Missing: dmarc.None},
			[]string{"subdomain", "missing", "organizational-domain"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := analyze(t, tt.zone, "acme.example")
			assert.Equal(t, tt.want, a.Effective)
			assert.Equal(t, tt.differ, a.Differ)
		})
	}
}

// TestForeignAnswers: what answers another question, or belongs to another name
// or type, is no answer.
func TestForeignAnswers(t *testing.T) {
	q, other := dnsx.Q("_dmarc.acme.example", dnsx.TypeTXT), dnsx.Q("_dmarc.else.example", dnsx.TypeTXT)
	record := dnsx.NewTXT(q.Name, 300, "v=DMARC1; p=reject")
	foreign := dnsx.NewTXT(other.Name, 300, "v=DMARC1; p=reject")
	odd := record
	odd.Type = dnsx.TypeSPF
	tests := []struct {
		name  string
		reply dnsx.Reply
		want  dmarc.Policy
	}{
		{"the right one", dnsx.Reply{Question: q, Answer: &dnsx.Answer{Question: q, Records: []dnsx.RR{record}}}, dmarc.Reject},
		{"to another question", dnsx.Reply{Question: other, Answer: &dnsx.Answer{Question: other, Records: []dnsx.RR{record}}}, ""},
		{"of another question", dnsx.Reply{Question: q, Answer: &dnsx.Answer{Question: other, Records: []dnsx.RR{record}}}, ""},
		{"a record of another name", dnsx.Reply{Question: q, Answer: &dnsx.Answer{Question: q, Records: []dnsx.RR{foreign}}}, dmarc.Off},
		{"a record of another type", dnsx.Reply{Question: q, Answer: &dnsx.Answer{Question: q, Records: []dnsx.RR{odd}}}, dmarc.Off},
		{"nothing", dnsx.Reply{}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := dmarc.Analyze(&dmarc.Facts{Domain: "acme.example", Walk: []dnsx.Reply{tt.reply}})
			assert.Equal(t, tt.want, a.Old.Domain.Policy)
		})
	}
}

func TestPublicSuffixDomain(t *testing.T) {
	tests := []struct{ name, domain, want string }{
		{"ICANN part", "a.b.example.co.uk", "example.co.uk"},
		{"private part", "a.b.github.io", "b.github.io"},
		{"a wildcard of the list", "a.b.c.ck", "b.c.ck"},
		{"a suffix itself", "co.uk", "co.uk"},
		{"a top-level domain that the list does not know", "a.acme.example", "acme.example"},
		{"a dot inside a label is none of the name's", `x\.co.uk`, `x\.co.uk`},
		{"nor further down", `y.x\.co.uk`, `x\.co.uk`},
		{"an escaped octet below the suffix", `\255.example.co.uk`, "example.co.uk"},
		{"an escaped top-level domain", `a.b.c\.d`, `b.c\.d`},
		{"an escape at the end", `a.b.c\.`, `b.c\.`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.want, dmarc.Analyze(&dmarc.Facts{Domain: tt.domain}).Old.OrganizationalDomain)
		})
	}
}

// TestPoorFacts: facts without a name, or without anything, leave every rule
// without a finding, and none says that it passed.
func TestPoorFacts(t *testing.T) {
	for _, f := range []*dmarc.Facts{nil, {}, {Domain: "a..b"}, {Domain: "acme.example"}} {
		a := dmarc.Analyze(f)
		for _, res := range check.Apply(a, dmarc.Rules(dmarc.Settings{})) {
			if res.Outcome != check.Unknown && res.ID != "dmarc.record-unreachable" { // that is about long names alone
				t.Errorf("%+v: %s is %s", f, res.ID, res.Outcome)
			}
		}
		assert.Empty(t, dmarc.Repair(a))
		assert.Equal(t, dmarc.Effective{}, a.Effective)
	}
}

func FuzzAnalyze(f *testing.F) {
	for _, zone := range []string{
		`_dmarc.acme.example. TXT "v=DMARC1; p=reject; rua=mailto:a@rep.example,mailto:b@acme.example!1m,x; ruf=mailto:c@acme.example"`,
		"_dmarc.acme.example. TXT \"v=DMARC1; p=none; p=rejct; psd=y; t=y; pct=3; fo=0:1\"\n_dmarc.acme.example. TXT \"v=dmarc1\"\n_dmarc.example. TXT !timeout",
		"acme.example. TXT \"v=DMARC1; p=rejct sp=none\"\n_dmarc.acme.example. CNAME acme.example.",
		"* * !servfail",
	} {
		facts, err := dmarc.Discover(f.Context(), dnstest.Must(zone), "acme.example", dmarc.Options{})
		require.NoError(f, err)
		text, err := json.Marshal(facts)
		require.NoError(f, err)
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var facts dmarc.Facts
		if json.Unmarshal(text, &facts) != nil {
			return
		}
		a := dmarc.Analyze(&facts)
		for _, res := range check.Apply(a, dmarc.Rules(dmarc.Settings{})) {
			for _, finding := range res.Findings {
				if finding.Subject == "" || strings.Contains(finding.Detail.String(), "%!") {
					t.Errorf("%s: %+v", res.ID, finding)
				}
			}
		}
		for _, c := range dmarc.Repair(a) {
			if c.Name == "" || len(c.Old)+len(c.New) == 0 || slices.Equal(c.Old, c.New) {
				t.Errorf("the repair %+v", c)
			}
		}
		dmarc.Evaluate(dmarc.Evaluation{
			Author: a, SPF: dmarc.Identifier{Domain: "mail." + facts.Domain, Result: "pass", Analysis: a},
		})
	})
}

func BenchmarkAnalyze(b *testing.B) {
	facts, err := dmarc.Discover(b.Context(), dnstest.Must(`
acme.example. TXT "v=spf1 -all"
_dmarc.acme.example. TXT "v=DMARC1; p=reject; rua=mailto:dmarc@acme.example,mailto:x@rep.example"
acme.example. MX 10 mx.acme.example.
rep.example. MX 10 mx.rep.example.
acme.example._report._dmarc.rep.example. TXT "v=DMARC1;"`), "acme.example", dmarc.Options{})
	require.NoError(b, err)
	rules := dmarc.Rules(dmarc.Settings{})
	b.Run("Analyze", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			dmarc.Analyze(facts)
		}
	})
	b.Run("Analyze and judge", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			check.Apply(dmarc.Analyze(facts), rules)
		}
	})
	b.Run("all answers missing", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			dmarc.Analyze(&dmarc.Facts{Domain: "a.b.c.d.e.f.g.h.acme.example"})
		}
	})
}
