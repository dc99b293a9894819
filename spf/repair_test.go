package spf_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/spf"
)

func TestRepair(t *testing.T) {
	const good = `
good.example. TXT "v=spf1 ip4:8.8.8.0/24 -all"
host.example. A   8.8.4.4
`
	tests := []struct {
		name string
		txt  string // as in a zone file; without the domain
		more string
		want string // "" for no change
	}{
		{name: "nothing is wrong", txt: `"v=spf1 a:host.example include:good.example ptr -all"`},
		{name: "~all is right", txt: `"v=spf1 a:host.example ~all"`},
		{name: "spelling that means the same", txt: `"V=SPF1  +A:host.example/32   -ALL "`},
		{name: "no record", txt: `"google-site-verification=1"`},
		{name: "not known", txt: `!timeout`},
		{name: "a term that says too little", txt: `"v=spf1 ip4:8.8.8 mail +all"`},
		{name: "a quote that stands alone", txt: `"v=spf1 \" all"`},
		{name: "a name that is none", txt: `"v=spf1 include:localhost +all"`},
		{name: "two different redirects", txt: `"v=spf1 redirect=good.example redirect=host.example"`},
		{name: "an address with leading zeros may be octal", txt: `"v=spf1 ip4:8.8.8.010 all"`},
		{name: "whom +all stands for only the author knows", txt: `"v=spf1 +all"`},
		{name: "and nobody else passes", txt: `"v=spf1 -ip4:8.8.8.8 ?include:good.example all"`},
		{name: "who passes because of a range stays", txt: `"v=spf1 ip4:0.0.0.0/0 -all"`},

		{name: "all", txt: `"v=spf1 a:host.example all"`, want: "v=spf1 a:host.example ~all"},
		{name: "?all", txt: `"v=spf1 a:host.example ?all"`, want: "v=spf1 a:host.example ~all"},
		{name: "no all", txt: `"v=spf1 a:host.example"`, want: "v=spf1 a:host.example ~all"},
		{name: "redirect needs no all", txt: `"v=spf1 ipv4:8.8.8.8 redirect=good.example"`, want: "v=spf1 ip4:8.8.8.8 redirect=good.example"},
		{name: "terms behind all", txt: `"v=spf1 -all include:good.example exp=why.example x=y"`, more: "why.example. TXT \"no\"", want: "v=spf1 -all exp=why.example x=y"},
		{name: "an explanation that nobody gets", txt: `"v=spf1 a:host.example -all exp=host.example"`, want: "v=spf1 a:host.example -all"},
		{name: "an explanation that may be there stays", txt: `"v=spf1 a:host.example all exp=why.example"`, more: "why.example. TXT !timeout", want: "v=spf1 a:host.example ~all exp=why.example"},
		{name: "redirect beside all", txt: `"v=spf1 redirect=good.example -all"`, want: "v=spf1 -all"},
		{name: "the same terms", txt: `"v=spf1 ip4:8.8.8.8 ip4:8.8.8.8/32 include:good.example include:Good.example. -all"`, want: "v=spf1 ip4:8.8.8.8 include:good.example -all"},
		{name: "the same redirect and exp", txt: `"v=spf1 redirect=good.example exp=host.example redirect=good.example exp=host.example"`, want: "v=spf1 redirect=good.example exp=host.example"},
		{name: "names without records", txt: `"v=spf1 a mx a:host.example exists:x.example include:y.example -include:good.example -all"`, want: "v=spf1 a:host.example -include:good.example -all"},
		{name: "a name that may have records stays", txt: `"v=spf1 a mx a:x.example -all"`, more: "acme.example. A !timeout\nacme.example. MX !timeout", want: "v=spf1 a mx -all"},
		{name: "nobody is left", txt: `"v=spf1 mx -all"`, want: "v=spf1 -all"},
		{name: "itself", txt: `"v=spf1 a:host.example include:acme.example -all"`, want: "v=spf1 a:host.example -all"},
		{name: "private addresses", txt: `"v=spf1 ip4:10.0.0.1 ip4:8.8.8.8 ip6:fd00::1 ip4:192.0.2.1 -ip4:10.0.0.0/8 -all"`, want: "v=spf1 ip4:8.8.8.8 ip4:192.0.2.1 -ip4:10.0.0.0/8 -all"},

		{name: "host bits", txt: `"v=spf1 ip4:8.8.8.9/24 -ip4:8.8.9.1/31 ip6:2600::1/64 -all"`, want: "v=spf1 ip4:8.8.8.0/24 -ip4:8.8.9.0/31 ip6:2600::/64 -all"},
		{name: "ranges in ranges", txt: `"v=spf1 ip4:8.8.8.0/24 a:host.example ip4:8.8.8.9 ip6:2600::/32 ip6:2600::1/64 -all"`, want: "v=spf1 ip4:8.8.8.0/24 a:host.example ip6:2600::/32 -all"},
		{name: "ranges in several together", txt: `"v=spf1 ip4:8.8.8.128/25 ip4:8.8.8.0/25 ip4:8.8.8.0/24 -all"`, want: "v=spf1 ip4:8.8.8.128/25 ip4:8.8.8.0/25 -all"},
		{name: "a range that is not whole before it stays", txt: `"v=spf1 ip4:8.8.8.128/25 ip4:8.8.8.0/26 ip4:8.8.8.0/24 -all"`},
		{name: "exceptions behind their rule stay, and what they are", txt: `"v=spf1 ip4:8.8.8.0/24 -ip4:8.8.8.9 ?ip4:8.8.8.8 -all"`},
		{name: "a sender behind its exception stays", txt: `"v=spf1 -ip4:8.8.8.0/25 ip4:8.8.8.0/24 ip4:8.8.8.9 -all"`},
		{name: "the same with another sign stays", txt: `"v=spf1 ip4:8.8.8.8 -ip4:8.8.8.8 ?include:good.example include:good.example -all"`},
		{name: "who passes by an include stays", txt: `"v=spf1 include:good.example ip4:8.8.8.9 -all"`},
		{name: "an include that was asked before", txt: `"v=spf1 include:more.example a:host.example include:good.example -all"`, more: `more.example. TXT "v=spf1 include:less.example -all"` + "\n" + `less.example. TXT "v=spf1 a:host.example redirect=good.example"`, want: "v=spf1 include:more.example a:host.example -all"},
		{name: "an include that may not have been asked before", txt: `"v=spf1 include:more.example include:good.example -all"`, more: `more.example. TXT "v=spf1 ?ip4:8.8.8.8 include:good.example -all"`},
		{name: "an include that passes nobody before stays", txt: `"v=spf1 ?include:more.example include:good.example -all"`, more: `more.example. TXT "v=spf1 include:good.example -all"`},
		{name: "an include that is asked again", txt: `"v=spf1 include:good.example include:more.example -all"`, more: `more.example. TXT "v=spf1 include:good.example -all"`},
		{name: "an include behind all, or in a circle", txt: `"v=spf1 include:more.example include:good.example -all"`, more: `more.example. TXT "v=spf1 include:less.example ~all include:good.example"` + "\n" + `less.example. TXT "v=spf1 include:more.example a:host.example ~all"`},

		{name: "= for a colon", txt: `"v=spf1 include=good.example ip4=8.8.8.8 IPV6=2600::1 x=y -all"`, want: "v=spf1 include:good.example ip4:8.8.8.8 ip6:2600::1 -all x=y"},
		{name: "a colon for =", txt: `"v=spf1 redirect:good.example"`, want: "v=spf1 redirect=good.example"},
		{name: "names", txt: `"v=spf1 ipv4:8.8.8.8 -ipv6:2600::1 ip:8.8.4.4 ?inlcude:good.example -all."`, want: "v=spf1 ip4:8.8.8.8 -ip6:2600::1 ip4:8.8.4.4 ?include:good.example -all"},
		{name: "addresses", txt: `"v=spf1 8.8.8.8 2600::/64 ip4:2601::2 ip6:8.8.4.4 ip6:[2602::3] ip4:9.9.9.0/024 -all"`, want: "v=spf1 ip4:8.8.8.8 ip6:2600::/64 ip6:2601::2 ip4:8.8.4.4 ip6:2602::3 ip4:9.9.9.0/24 -all"},
		{name: "blanks too many", txt: `"v=spf1 include: good.example ip4: 8.8.8.8 - all"`, want: "v=spf1 include:good.example ip4:8.8.8.8 -all"},
		{name: "blanks too few", txt: `"v=spf1 ip4:8.8.8.8" "ip4:8.8.4.4" "-all"`, want: "v=spf1 ip4:8.8.8.8 ip4:8.8.4.4 -all"},
		{name: "other separators", txt: `"v=spf1 ip4:8.8.8.8, a:host.example;include:good.example\009-all\010"`, want: "v=spf1 ip4:8.8.8.8 a:host.example include:good.example -all"},
		{name: "quotes and dashes of a text program", txt: `"v=spf1 a:host.example \226\128\147all]\""`, want: "v=spf1 a:host.example -all"},
		{name: "a sign in front of redirect", txt: `"v=spf1 +redirect=good.example"`, want: "v=spf1 redirect=good.example"},
		{name: "the version", txt: `"\"v=spf1; a:host.example -all\""`, want: "v=spf1 a:host.example -all"},
		{name: "a blank in front", txt: `" v=spf1 -all"`, want: "v=spf1 -all"},

		{name: "two records", txt: `"v=spf1 a:host.example -all"`, more: `acme.example. TXT "v=spf1 a:host.example include:good.example ~all"`, want: "v=spf1 a:host.example include:good.example ~all"},
		{name: "two strict records", txt: `"v=spf1 a:host.example -all"`, more: `acme.example. TXT "v=spf1 ip4:8.8.8.8 -all x:"`, want: ""},
		{name: "two records, one a redirect", txt: `"v=spf1 a:host.example -all"`, more: `acme.example. TXT "v=spf1 redirect=good.example"`, want: "v=spf1 a:host.example include:good.example ~all"},
		{name: "two records, one that nobody finds", txt: `"v=spf1 a:host.example"`, more: `acme.example. TXT "v=spf1; a:x.example -all"`, want: "v=spf1 a:host.example ~all"},
		{name: "two records with dead terms", txt: `"v=spf1 a:host.example a -all"`, more: `acme.example. TXT "v=spf1 a:host.example mx include:y.example -all"`, want: "v=spf1 a:host.example -all"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			zone := dnstest.Must(good + "acme.example. TXT " + tt.txt + "\n" + tt.more)
			f, err := spf.Discover(t.Context(), zone, "acme.example", spf.Options{})
			require.NoError(t, err)
			changes := spf.Repair(spf.Analyze(f))
			if tt.want == "" {
				require.Empty(t, changes)
				return
			}
			require.Len(t, changes, 1)
			assert.Equal(t, []string{tt.want}, changes[0].New)

			publish(f, changes[0])
			again := spf.Analyze(f)
			assert.Empty(t, spf.Repair(again), "a repaired record needs no repair")
			for _, res := range check.Apply(again, spf.Rules(spf.Settings{})) {
				if res.Severity == check.Critical {
					assert.NotEqual(t, check.Fail, res.Outcome, res.ID)
				}
			}
		})
	}
}

// publish makes a change in facts.
func publish(f *spf.Facts, c check.Change) {
	for i := range f.Replies {
		a := f.Replies[i].Answer
		if a == nil || f.Replies[i].Question != dnsx.Q(f.Domain, dnsx.TypeTXT) {
			continue
		}
		a.Records = slices.DeleteFunc(a.Records, func(rr dnsx.RR) bool { return slices.Contains(c.Old, rr.Text()) })
		for _, txt := range c.New {
			a.Records = append(a.Records, dnsx.NewTXT(c.Name, 300, txt))
		}
	}
}

// What a service looks for stays, and no rule says that it is to go.
func TestAnalysis_keep(t *testing.T) {
	const zone = `
acme.example.   TXT "v=spf1 ip4:8.8.8.0/24 include:b.example include:mail.example include:mail.example include:x.mail.example -all"
b.example.      TXT "v=spf1 include:x.mail.example include:mail.example -all"
mail.example.   TXT "v=spf1 ip4:8.8.8.0/25 -all"
x.mail.example. TXT "v=spf1 ip4:8.8.4.0/25 -all"`
	tests := []struct {
		name string
		keep []string
		want string
		ids  []string
	}{
		{name: "nothing", want: "v=spf1 ip4:8.8.8.0/24 include:b.example -all", ids: []string{"spf.duplicate-term", "spf.include-twice"}},
		{name: "a name, once", keep: []string{"mail.example"}, want: "v=spf1 ip4:8.8.8.0/24 include:b.example include:mail.example -all", ids: []string{"spf.duplicate-term", "spf.include-twice"}},
		{name: "all", keep: []string{"mail.example", "*.mail.example"}, want: "v=spf1 ip4:8.8.8.0/24 include:b.example include:mail.example include:x.mail.example -all", ids: []string{"spf.duplicate-term"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := analyze(t, zone)
			a.Keep = tt.keep
			changes := spf.Repair(a)
			require.Len(t, changes, 1)
			assert.Equal(t, []string{tt.want}, changes[0].New)
			var ids []string
			for _, res := range check.Apply(a, spf.Rules(spf.Settings{})) {
				if res.Outcome == check.Fail {
					ids = append(ids, res.ID)
				}
			}
			assert.Equal(t, tt.ids, ids)
		})
	}
	a := analyze(t, `
acme.example. TXT "v=spf1 ip4:8.8.8.0/24 include:mail.example -all"
mail.example. TXT "v=spf1 ip4:8.8.8.0/25 -all"`)
	a.Keep = []string{"mail.example"}
	for _, res := range check.Apply(a, spf.Rules(spf.Settings{})) {
		assert.NotEqual(t, check.Fail, res.Outcome, res.ID)
	}
}

func TestRepair_change(t *testing.T) {
	a := analyze(t, `
acme.example.     CNAME apex.acme.example.
apex.acme.example. TXT "v=spf1 ip4:192.0.2.1 -all"
apex.acme.example. TXT "v=spf1 ip4:192.0.2.2 -all"
apex.acme.example. TXT "google-site-verification=1"
`)
	assert.Equal(t, []check.Change{{
		Name: "apex.acme.example", Type: "TXT",
		Old: []string{"v=spf1 ip4:192.0.2.1 -all", "v=spf1 ip4:192.0.2.2 -all"},
		New: []string{"v=spf1 ip4:192.0.2.1 ip4:192.0.2.2 -all"},
	}}, spf.Repair(a))
	assert.Nil(t, spf.Repair(nil))
	assert.Nil(t, spf.Repair(&spf.Analysis{}))
}
