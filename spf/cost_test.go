package spf_test

import (
	"fmt"
	"math"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/mailcheck-go/mailcheck/spf"
)

// visits writes a walk: lookups before, own and behind of each term.
func visits(a *spf.Analysis) (all []string) {
	for v := range a.Walk() {
		line := fmt.Sprintf("%s%s %d+%d=%d", strings.Repeat("  ", len(v.Path)), v.Term, v.Before, v.Lookups, v.Spent)
		for _, note := range []struct {
			text string
			is   bool
		}{{"void", v.Voids.AtWorst() > 0}, {"open", v.Open}, {"loop", v.Loop}, {"again", v.Again}, {"passes", v.OverLimit()}} {
			if note.is {
				line += " " + note.text
			}
		}
		all = append(all, line)
	}
	return all
}

func TestAnalysis_walk(t *testing.T) {
	tests := []struct {
		name, zone string
		want       []string
		margin     int
	}{
		{name: "no record", margin: 10},
		{name: "not known", zone: `acme.example. TXT !timeout`, margin: 10},
		{name: "in the order of evaluation", zone: tree, margin: 3, want: []string{
			"mx 0+1=1 void",
			"include:%{d1}.mail.test 1+3=4 void",
			"  ip4:203.0.113.0/24 2+0=2",
			"  include:more.mail.test 2+2=4 void",
			"    ip6:2001:db8:1::/48 3+0=3",
			"    exists:%{i}.mail.test 3+1=4 void",
			"    -all 4+0=4",
			"  -all 4+0=4",
			"?include:shared.test 4+1=5",
			"  ip4:192.0.2.0/24 5+0=5",
			"  -all 5+0=5",
			"redirect=_spf.%{d} 5+2=7",
			"  a:out.acme.example/30 6+1=7",
			"  ip4:198.51.100.0/29 7+0=7",
			"  ~all 7+0=7",
		}},
		{name: "what is not known, void, or runs in a circle", margin: -1, zone: `
acme.example. TXT "v=spf1 include:%{l}.b.example include:b.example a:gone.example include:acme.example exists:%{p}.c.example"
b.example. TXT !timeout`, want: []string{
			"include:%{l}.b.example 0+1=1 void open",
			"include:b.example 1+1=2 void open",
			"a:gone.example 2+1=3 void",
			"include:acme.example 3+1=4 loop",
			"exists:%{p}.c.example 4+2=6 void",
		}},
		{name: "ten", zone: `acme.example. TXT "v=spf1 a a a a a a a a a a -all"`, want: append(count10, "-all 10+0=10")},
		{name: "eleven", zone: `acme.example. TXT "v=spf1 a a a a a a a a a a a -all"`, margin: -1, want: append(count10, "a 10+1=11 void passes", "-all 11+0=11")},
		{name: "the limit is passed within a repetition", margin: -2, zone: `
acme.example. TXT "v=spf1 include:b.example include:c.example a -all"
b.example. TXT "v=spf1 a a a a -all"
c.example. TXT "v=spf1 include:b.example"`, want: []string{
			"include:b.example 0+5=5 void",
			"  a 1+1=2 void", "  a 2+1=3 void", "  a 3+1=4 void", "  a 4+1=5 void", "  -all 5+0=5",
			"include:c.example 5+6=11 void",
			"  include:b.example 6+5=11 void again passes",
			"a 11+1=12 void",
			"-all 12+0=12",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := analyze(t, tt.zone)
			assert.Equal(t, tt.want, visits(a))
			assert.Equal(t, tt.margin, a.Margin())
			for range a.Walk() {
				break // which ends it
			}
		})
	}
}

var count10 = func() []string {
	all := make([]string, 0, 10)
	for i := range 10 {
		all = append(all, fmt.Sprintf("a %d+1=%d void", i, i+1))
	}
	return all[:10:10]
}()

func TestSpaceOf(t *testing.T) {
	tests := []struct {
		name, prefixes string
		want           spf.Space
	}{
		{name: "none"},
		{name: "apart", prefixes: "192.0.2.0/24 198.51.100.1/32 2001:db8::/48 2001:db8:1::/63", want: spf.Space{IPv4: 257, IPv6: 1<<16 + 2}},
		{name: "twice, and one in the other", prefixes: "192.0.2.0/24 192.0.2.0/24 192.0.2.128/25 192.0.2.7/32", want: spf.Space{IPv4: 256}},
		{name: "hosts of one network", prefixes: "2001:db8::1/128 2001:db8::2/128 2001:db8:0:1::/96", want: spf.Space{IPv6: 2}},
		{name: "the first network of all", prefixes: "::1/128 ::2/128 0.0.0.1/32", want: spf.Space{IPv4: 1, IPv6: 1}},
		{name: "everybody", prefixes: "0.0.0.0/0 ::/0", want: spf.Space{IPv4: 1 << 32, IPv6: math.MaxUint64}},
		{name: "everybody in two halves", prefixes: "8000::/1 ::/1 0.0.0.0/1 128.0.0.0/1", want: spf.Space{IPv4: 1 << 32, IPv6: math.MaxUint64}},
		{name: "IPv4 in IPv6 is IPv6", prefixes: "::ffff:192.0.2.1/128 192.0.2.1/32", want: spf.Space{IPv4: 1, IPv6: 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var sources []spf.Source
			for p := range strings.FieldsSeq(tt.prefixes) {
				sources = append(sources, spf.Source{Prefix: netip.MustParsePrefix(p)})
			}
			assert.Equal(t, tt.want, spf.SpaceOf(sources))
		})
	}
	assert.Equal(t, spf.Space{}, spf.SpaceOf([]spf.Source{{}}), "no range")
}

func TestAnalyze_overlaps(t *testing.T) {
	a := analyze(t, `
acme.example. TXT "v=spf1 ip4:198.51.100.7 include:b.example ip4:198.51.100.0/25 ip4:192.0.2.1 ip4:192.0.2.1 ip6:2001:db8::1 ip6:2001:db8::/32 -all"
b.example. TXT "v=spf1 ip4:198.51.100.0/24 -all"`)
	var got []string
	for _, o := range a.Overlaps {
		got = append(got, fmt.Sprint(a.Authorized[o.Inner].Prefix, " in ", a.Authorized[o.Outer].Prefix))
	}
	assert.Equal(t, []string{
		"192.0.2.1/32 in 192.0.2.1/32",
		"198.51.100.0/25 in 198.51.100.0/24",
		"198.51.100.7/32 in 198.51.100.0/24",
		"2001:db8::1/128 in 2001:db8::/32",
	}, got)
	assert.Equal(t, []uint64{257, 1 << 32}, []uint64{a.IPv4, a.IPv6})
}
