package dmarc_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dmarc"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

// published is the facts of acme.example with TXT records, by owner.
func published(txt map[string][]string) *dmarc.Facts {
	reply := func(name string) dnsx.Reply {
		q := dnsx.Q(name, dnsx.TypeTXT)
		a := &dnsx.Answer{Question: q}
		for _, text := range txt[name] {
			a.Records = append(a.Records, dnsx.NewTXT(name, 300, text))
		}
		return dnsx.Reply{Question: q, Answer: a}
	}
	return &dmarc.Facts{
		Domain: "acme.example", Apex: reply("acme.example"),
		Walk: []dnsx.Reply{reply("_dmarc.acme.example"), reply("_dmarc.example")},
	}
}

// apply makes the changes.
func apply(txt map[string][]string, changes []check.Change) map[string][]string {
	after := map[string][]string{}
	for name, texts := range txt {
		after[name] = slices.Clone(texts)
	}
	for _, c := range changes {
		after[c.Name] = slices.DeleteFunc(after[c.Name], func(text string) bool { return slices.Contains(c.Old, text) })
		after[c.Name] = append(after[c.Name], c.New...)
	}
	return after
}

func TestRepair(t *testing.T) {
	tests := []struct{ name, txt, want string }{ // want "" where nothing is to mend
		{"a good record, however it is written", "v=DMARC1;p=reject;sp=none;rua=mailto:d@acme.example;", ""},
		{"what only the owner can tell", "v=DMARC1; p=block", ""},
		{"tags that contradict each other", "v=DMARC1; p=none; p=reject", ""},
		{"too many tags to be a record", "v=DMARC1; p=rejct" + string(slices.Repeat([]byte("; x=1"), 64)), ""},
		{"everything at once", "V=DMARC1; SP=quarantne; p=Rejct; pct=50; rf=afrf; ri=1; x=y; junk; rua=d@acme.example!10m, mailto:e@acme.example,; fo=0:1:d", "v=DMARC1; p=reject; sp=quarantine; rua=mailto:d@acme.example,mailto:e@acme.example"},
		{"fo stays beside ruf", "v=DMARC1; p=reject; fo=0:1:d; ruf=f@acme.example", "v=DMARC1; p=reject; fo=1:d; ruf=mailto:f@acme.example"},
		{"equal duplicates", "v=DMARC1; p=reject; p=REJECT; v=DMARC1", "v=DMARC1; p=reject"},
		{"p only moves", "v=DMARC1; sp=none; p=quarantine", "v=DMARC1; p=quarantine; sp=none"},
		{"an absent p is none", "v=DMARC1; rua=mailto:d@acme.example", "v=DMARC1; p=none; rua=mailto:d@acme.example"},
		{"an empty p is none", "v=DMARC1; p=; rua=mailto:d@acme.example", "v=DMARC1; p=none; rua=mailto:d@acme.example"},
		{"an empty sp goes", "v=DMARC1; p=reject; sp=", "v=DMARC1; p=reject"},
		{"a tag that would come twice stays lost", "v=DMARC1; p=reject; rua=mailto:d@acme.example, p=none", "v=DMARC1; p=reject; rua=mailto:d@acme.example"},
		{"tags behind a comma or a blank", "v=DMARC1; p=reject,sp=none; rua=mailto:d@acme.example ruf=mailto:d@acme.example", "v=DMARC1; p=reject; sp=none; rua=mailto:d@acme.example; ruf=mailto:d@acme.example"},
		{"a tag that would take away protection stays lost", "v=DMARC1; p=reject; adkim=r sp=none", ""},
		{"an address that cannot be told goes where another is left", "v=DMARC1; p=reject; rua=mailto:,mailto:d@acme.example", "v=DMARC1; p=reject; rua=mailto:d@acme.example"},
		{"an address that cannot be told stays alone", "v=DMARC1; p=reject; rua=nobody", ""},
		{"psd=y of a normal domain", "v=DMARC1; p=reject; psd=y", "v=DMARC1; p=reject"},
		{"a mode that is none", "v=DMARC1; p=reject; adkim=strict; t=yes; psd=no", "v=DMARC1; p=reject"},
		{"a broken version", "v=dmarc1 ; p=rejct ; pct=100", "v=DMARC1; p=reject"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var want []check.Change
			if tt.want != "" {
				want = []check.Change{{Name: "_dmarc.acme.example", Type: "TXT", Old: []string{tt.txt}, New: []string{tt.want}}}
			}
			a := dmarc.Analyze(published(map[string][]string{"_dmarc.acme.example": {tt.txt}}))
			assert.Equal(t, want, dmarc.Repair(a))
		})
	}
}

func TestRepairSeveral(t *testing.T) {
	const own, apex = "_dmarc.acme.example", "acme.example"
	tests := []struct {
		name string
		txt  map[string][]string
		want []check.Change
	}{
		{
			"a broken record beside a good one goes",
			map[string][]string{own: {"v=DMARC1; p=reject", "v=dmarc1; p=none", "another text"}},
			[]check.Change{{Name: own, Type: "TXT", Old: []string{"v=DMARC1; p=reject", "v=dmarc1; p=none"}, New: []string{"v=DMARC1; p=reject"}}},
		},
		{
			"records that mean the same become one",
			map[string][]string{own: {"v=DMARC1;p=reject", "v=DMARC1; p=rejct"}},
			[]check.Change{{Name: own, Type: "TXT", Old: []string{"v=DMARC1;p=reject", "v=DMARC1; p=rejct"}, New: []string{"v=DMARC1; p=reject"}}},
		},
		{"records that differ are their owner's to choose from", map[string][]string{own: {"v=DMARC1; p=reject", "v=DMARC1; p=none"}}, nil},
		{
			"a record at the domain itself moves",
			map[string][]string{apex: {"v=spf1 -all", "v=DMARC1; p=rejct"}},
			[]check.Change{
				{Name: apex, Type: "TXT", Old: []string{"v=DMARC1; p=rejct"}},
				{Name: own, Type: "TXT", New: []string{"v=DMARC1; p=reject"}},
			},
		},
		{"not over a record that is there", map[string][]string{apex: {"v=DMARC1; p=none"}, own: {"v=DMARC1; p=reject"}}, nil},
		{
			"psd=n under a suffix without its flag",
			map[string][]string{own: {"v=DMARC1; p=reject"}, "_dmarc.example": {"v=DMARC1; p=none; pct=1"}},
			[]check.Change{{Name: own, Type: "TXT", Old: []string{"v=DMARC1; p=reject"}, New: []string{"v=DMARC1; p=reject; psd=n"}}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.want, dmarc.Repair(dmarc.Analyze(published(tt.txt))))
		})
	}
}

// FuzzRepair: with all repairs made no receiver does less than before, and there
// is nothing left to repair.
func FuzzRepair(f *testing.F) {
	f.Add("v=DMARC1; p=rejct; sp=; x=y; rua=a@b!1m", "", "")
	f.Add("v=DMARC1; p=reject; adkim=r sp=none; np=reject, t=y", "v=dmarc1; p=none", "v=spf1 -all")
	f.Add("p=reject; v=DMARC1", "v=DMARC1; p=none", "v=DMARC1; p=none; sp=reject; t=y; pct=0")
	f.Add("v=DMARC1; p=quarantine; psd=y; p=quarantine; fo=0:1:1; ruf=mailto://a@b", "", "v=DMARC1\\; p=none")
	f.Add("p=quarantine;fo=1 ruf=", "v=dmarc1;v=", "")
	f.Add("\x7f", "", "v=DMARC1; p=n pct=sp=reject; t=y; pct=0")
	f.Add("v=DMARC1;p=reject;adkim=r sp=one;np=reject, sp=", "v=dmarc; p=none", "")
	f.Fuzz(func(t *testing.T, first, second, apex string) {
		txt := map[string][]string{"acme.example": {apex}, "_dmarc.acme.example": {first}}
		if second != "" {
			txt["_dmarc.acme.example"] = append(txt["_dmarc.acme.example"], second)
		}
		before := dmarc.Analyze(published(txt))
		changes := dmarc.Repair(before)
		txt = apply(txt, changes)
		after := dmarc.Analyze(published(txt))
		for _, c := range []struct {
			field         string
			before, after dmarc.Share
		}{
			{"new domain", before.New.Domain, after.New.Domain},
			{"new subdomain", before.New.Subdomain, after.New.Subdomain},
			{"new missing", before.New.Missing, after.New.Missing},
			{"old domain", before.Old.Domain, after.Old.Domain},
			{"old subdomain", before.Old.Subdomain, after.Old.Subdomain},
		} {
			if c.after.Floor().WeakerThan(c.before.Floor()) {
				t.Errorf("%q: %s was %v and is %v after %v", first, c.field, c.before, c.after, changes)
			}
		}
		if again := dmarc.Repair(after); len(again) > 0 {
			t.Errorf("%q: after %v there is %v", first, changes, again)
		}
	})
}
