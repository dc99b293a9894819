package caa_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/mailcheck-go/mailcheck/caa"
	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

func TestRepair(t *testing.T) {
	const two = `0 issue "ca.example; accounturi=https://ca.example/1; accounturi=https://ca.example/2"`
	tests := []struct {
		name     string
		records  []string
		old, new []string // none: no repair
	}{
		{name: "nothing is published"},
		{name: "nothing is wrong", records: []string{`0 issue "ca.example"`, `128 iodef "mailto:a@b"`}},
		{name: "what is meant is open", records: []string{`0 issue "%%"`, `128 tbs "x"`, `0 issue-wild "x"`, `0 iodef "tel:1"`, `0 issue "ca.example; accounturi=1"`}},
		{
			name:    "reserved flags go, and others stay as they are",
			records: []string{`1 issue "ca.example"`, `0 issue "%%"`, `255 tbs "x"`},
			old:     []string{`1 issue "ca.example"`, `255 tbs "x"`}, new: []string{`0 issue "ca.example"`, `128 tbs "x"`},
		},
		{
			name:    "a record that stands there already is not added",
			records: []string{`1 issue "ca.example"`, `0 issue "ca.example"`},
			old:     []string{`1 issue "ca.example"`},
		},
		{
			name:    "all that people put around a name",
			records: []string{`0 issue "https://CA.example/"`, `0 issuewild "'ca.example.'; a=b;;"`, `0 issuemail "\";\""`, `0 issuevmc "ca.example."`},
			old:     []string{`0 issue "https://CA.example/"`, `0 issuemail "\";\""`, `0 issuevmc "ca.example."`, `0 issuewild "'ca.example.'; a=b;;"`},
			new:     []string{`0 issue "ca.example"`, `0 issuemail ";"`, `0 issuevmc "ca.example"`, `0 issuewild "ca.example; a=b"`},
		},
		{name: "a bare mailbox", records: []string{`0 iodef "a@b"`}, old: []string{`0 iodef "a@b"`}, new: []string{`0 iodef "mailto:a@b"`}},
		{
			name: "several accounts", records: []string{two}, old: []string{two},
			new: []string{`0 issue "ca.example; accounturi=https://ca.example/1"`, `0 issue "ca.example; accounturi=https://ca.example/2"`},
		},
		{
			name:    "all faults of one record",
			records: []string{`129 ISSUE "\"CA.example.; AccountURI=a:b; c=d; ACCOUNTURI=a:b;\""`},
			old:     []string{`129 ISSUE "\"CA.example.; AccountURI=a:b; c=d; ACCOUNTURI=a:b;\""`},
			new:     []string{`128 ISSUE "ca.example; accounturi=a:b; c=d"`},
		},
		{name: "accounts of issuemail are the CA's own affair", records: []string{`0 issuemail "ca.example; accounturi=a:b; accounturi=a:c"`}},
		{name: "a value longer than anybody writes", records: []string{`0 issue "ca.example.; a=` + strings.Repeat("x", 1000) + `"`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := caa.Analyze(factsOf(t, tt.records))
			var want []check.Change
			if tt.old != nil {
				want = []check.Change{{Name: "acme.example", Type: "CAA", Old: tt.old, New: tt.new}}
			}
			got := caa.Repair(a)
			assert.Equal(t, want, got)
			if got == nil {
				return
			}
			after := slices.DeleteFunc(slices.Clone(tt.records), func(s string) bool { return slices.Contains(tt.old, s) })
			assert.Nil(t, caa.Repair(caa.Analyze(factsOf(t, append(after, tt.new...)))), "one repair is enough")
		})
	}
	assert.Nil(t, caa.Repair(nil))

	var many []string
	for i := range 51 {
		many = append(many, caa.Record{Flags: 1, Tag: "issue", Value: strings.Repeat("a", i+1)}.String())
	}
	assert.Nil(t, caa.Repair(caa.Analyze(factsOf(t, many))), "more records than anybody publishes")
}

// A finding that offers the repair is gone when that is published.
func TestRepairCuresWhatOffersIt(t *testing.T) {
	records := []string{
		`1 issue "ca.example."`, `3 tbs "x"`, `2 iodef "a@b"`, `0 issue "ca.example; AccountURI=a:b"`, `0 issuewild "%%"`,
		`0 issuewild "ca.example; accounturi=a:b; accounturi=a:c"`, `0 issuewild "ca.example; accounturi=1"`,
	}
	offers := func(facts *caa.Facts) []string {
		var ids []string
		for _, res := range check.Apply(caa.Analyze(facts), caa.Rules(caa.Settings{})) {
			for _, f := range res.Findings {
				if f.Fix != nil && f.Fix.Changes != nil {
					ids = append(ids, res.ID)
				}
			}
		}
		return ids
	}
	facts := factsOf(t, records)
	assert.Equal(t, []string{
		"caa.malformed-issue", "caa.flags-value", "caa.flags-value", "caa.flags-value", "caa.iodef-scheme", "caa.accounturi-duplicate", "caa.parameter-invalid",
	}, offers(facts))
	change := caa.Repair(caa.Analyze(facts))[0]
	after := slices.DeleteFunc(slices.Clone(records), func(s string) bool { return slices.Contains(change.Old, s) })
	assert.Empty(t, offers(factsOf(t, append(after, change.New...))))
}

// FuzzRepair: what is mended needs no more mending.
func FuzzRepair(f *testing.F) {
	f.Add(uint8(1), "issue", `"CA.example."; AccountURI=a:b; accounturi=c:d;`)
	f.Add(uint8(0), "iodef", "a@b")
	f.Fuzz(func(t *testing.T, flags uint8, tag, value string) {
		if len(tag) > 255 || len(value) > 60000 {
			return
		}
		changes := caa.Repair(caa.Analyze(factsOf(t, []string{caa.Record{Flags: flags, Tag: tag, Value: value}.String()})))
		if changes == nil {
			return
		}
		if again := caa.Repair(caa.Analyze(factsOf(t, changes[0].New))); again != nil {
			t.Errorf("%v is mended again: %v", changes, again)
		}
	})
}

func factsOf(t *testing.T, records []string) *caa.Facts {
	t.Helper()
	q := dnsx.Q("acme.example", dnsx.TypeCAA)
	answer := &dnsx.Answer{Question: q}
	for _, rec := range records {
		rr, err := dnsx.ParseRR("acme.example. CAA " + rec)
		if err != nil {
			t.Fatal(err)
		}
		answer.Records = append(answer.Records, rr)
	}
	top := dnsx.Q("example", dnsx.TypeCAA)
	return &caa.Facts{Domain: q.Name, Levels: []dnsx.Reply{{Question: q, Answer: answer}, {Question: top, Answer: &dnsx.Answer{Question: top}}}}
}
