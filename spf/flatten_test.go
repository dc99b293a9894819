package spf_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/spf"
)

// flatten discovers and flattens acme.example.
func flatten(t testing.TB, zone string, o spf.FlattenOptions) (*spf.Flattening, error) {
	t.Helper()
	return spf.Flatten(spf.Analyze(factsOf(t, zone)), o)
}

// factsOf discovers acme.example in a zone in which texts may be of any length.
func factsOf(t testing.TB, zone string) *spf.Facts {
	t.Helper()
	var lines strings.Builder
	for line := range strings.Lines(zone) {
		if name, txt, ok := strings.Cut(line, ` TXT "`); ok && len(txt) > 255 {
			line = dnsx.NewTXT(strings.TrimSuffix(name, "."), 60, strings.TrimSuffix(txt, "\"\n")).String() + "\n"
		}
		lines.WriteString(line)
	}
	facts, err := spf.Discover(context.Background(), dnstest.Must(lines.String()), "acme.example", spf.Options{})
	require.NoError(t, err)
	return facts
}

// summary is what the table compares.
func summary(p *spf.Flattening) string {
	var lines []string
	for _, r := range p.Records {
		lines = append(lines, r.Name+": "+strings.TrimPrefix(r.Text, "v=spf1 "))
	}
	for _, k := range p.Kept {
		lines = append(lines, fmt.Sprintf("kept %s: %s", k.Term, k.Reason))
	}
	for _, why := range p.Problems {
		lines = append(lines, "problem: "+why.String())
	}
	return strings.Join(lines, "\n")
}

func TestFlatten(t *testing.T) {
	const others = `
p.example.    TXT "v=spf1 ip4:198.51.100.0/25 ip4:198.51.100.128/25 ip6:2001:db8::/33 -all"
q.example.    TXT "v=spf1 ip4:203.0.113.7 ~all"
part.example. TXT "v=spf1 ip4:203.0.113.0/24 include:p.example a:h.example exists:%{i}.x.example ptr -all"
cut.example.  TXT "v=spf1 -ip4:198.51.100.1 ?ip4:198.51.100.2 ip4:198.51.100.0/29 -all"
open.example. TXT "v=spf1 +all"
macro.example. TXT "v=spf1 include:p.example include:q.example a:%{d} -all"
names.example. TXT "v=spf1 include:p.example include:q.example a:h.example exists:%{i}.%{d}.x.example -all"
renames.example. TXT "v=spf1 include:p.example redirect=_r.%{d}"
_r.renames.example. TXT "v=spf1 ip4:192.0.2.77 -all"
own.example.  TXT "v=spf1 a mx ptr include:p.example include:q.example -all"
slow.example. * !timeout
bad.example.  TXT "v=spf1 ip4:1.2.3 -all"
loop.example. TXT "v=spf1 include:loop.example -all"
to.example.   TXT "v=spf1 a:h.example include:q.example ?all"
exp.example.  TXT "v=spf1 ip4:192.0.2.9 -all exp=e.example"
next.example. TXT "v=spf1 ip4:192.0.2.9 redirect=to.example"
h.example.    A 192.0.2.1
h.example.    A 192.0.2.0
h.example.    AAAA 2001:db8:8000::1
own.example.  A 192.0.2.8
acme.example. MX 10 h.example.
acme.example. MX 20 gone.example.
`
	tests := []struct {
		name, txt, more string
		o               spf.FlattenOptions
		want            string
	}{
		{name: "a, mx and include, merged", txt: "v=spf1 mx a:h.example/31//33 include:p.example include:q.example -all", want: "acme.example: ip4:192.0.2.0/31 ip4:198.51.100.0/24 ip4:203.0.113.7 ip6:2001:db8::/32 -all"},
		{name: "nothing asks", txt: "v=spf1 ip4:192.0.2.1 ip4:192.0.2.0 -all", want: "acme.example: ip4:192.0.2.1 ip4:192.0.2.0 -all"},
		{name: "a term that matches nobody", txt: "v=spf1 a:gone.example mx:gone.example ip4:192.0.2.1 -all x=y", want: "acme.example: ip4:192.0.2.1 -all x=y"},
		{name: "what stands behind all", txt: "v=spf1 include:q.example ~all include:p.example redirect=to.example", want: "acme.example: ip4:203.0.113.7 ~all"},
		{name: "other qualifiers stay where they are", txt: "v=spf1 include:q.example ~a:h.example -include:p.example ?all", want: "acme.example: ip4:203.0.113.7 ~ip4:192.0.2.0/31 ~ip6:2001:db8:8000::1 -ip4:198.51.100.0/24 -ip6:2001:db8::/33 ?all"},
		{name: "ranges move up over others that they do not meet", txt: "v=spf1 include:q.example ?ip4:192.0.2.1 include:p.example -all", want: "acme.example: ip4:198.51.100.0/24 ip4:203.0.113.7 ip6:2001:db8::/33 ?ip4:192.0.2.1 -all"},
		{name: "and not over those that they meet", txt: "v=spf1 include:q.example ?ip4:198.51.100.1 include:p.example -all", want: "acme.example: ip4:203.0.113.7 ?ip4:198.51.100.1 ip4:198.51.100.0/24 ip6:2001:db8::/33 -all"},
		{name: "who gets no pass inside an include is cut out", txt: "v=spf1 include:cut.example -all", want: "acme.example: ip4:198.51.100.0 ip4:198.51.100.3 ip4:198.51.100.4/30 -all"},

		{name: "macros, exists and ptr stay", txt: "v=spf1 a:%{l}.example exists:%{i}.x.example ptr include:q.example -all", want: "acme.example: a:%{l}.example exists:%{i}.x.example ptr ip4:203.0.113.7 -all\n" +
			"kept a:%{l}.example: message\nkept exists:%{i}.x.example: message\nkept ptr: message"},
		{name: "ranges move over what only passes", txt: "v=spf1 include:q.example exists:%{i}.x.example include:p.example -all", want: "acme.example: ip4:198.51.100.0/24 ip4:203.0.113.7 ip6:2001:db8::/33 exists:%{i}.x.example -all\nkept exists:%{i}.x.example: message"},
		{name: "and not over another result", txt: "v=spf1 include:q.example -exists:%{i}.x.example include:p.example -all", want: "acme.example: ip4:203.0.113.7 -exists:%{i}.x.example ip4:198.51.100.0/24 ip6:2001:db8::/33 -all\nkept -exists:%{i}.x.example: message"},
		{name: "and not over what may be an error", txt: "v=spf1 include:q.example include:slow.example include:p.example -all", want: "acme.example: ip4:203.0.113.7 include:slow.example ip4:198.51.100.0/24 ip6:2001:db8::/33 -all\nkept include:slow.example: unread"},
		{name: "an a of which one family is not known", txt: "v=spf1 include:q.example a:f.example -all", more: "f.example. A 192.0.2.1\nf.example. AAAA !timeout", want: "acme.example: ip4:203.0.113.7 a:f.example -all\nkept a:f.example: unread"},
		{name: "an include of which a part has to stay", txt: "v=spf1 include:part.example -all", want: "acme.example: ip4:192.0.2.0/31 ip4:198.51.100.0/24 ip4:203.0.113.0/24 ip6:2001:db8::/33 ip6:2001:db8:8000::1 exists:%{i}.x.example ptr:part.example -all\n" +
			"kept exists:%{i}.x.example: message\nkept ptr:part.example: message"},
		{name: "not for ?include, of which only the whole is neutral", txt: "v=spf1 include:q.example ?include:part.example -all", want: "acme.example: ip4:203.0.113.7 ?include:part.example -all\nkept ?include:part.example: message"},
		{name: "nor where its domain stands in a macro", txt: "v=spf1 include:q.example include:macro.example -all", more: "macro.example. A !timeout", want: "acme.example: ip4:203.0.113.7 include:macro.example -all\nkept include:macro.example: unread"},
		{name: "nor where a term that would move names it", txt: "v=spf1 include:q.example include:names.example -all", want: "acme.example: ip4:203.0.113.7 include:names.example -all\nkept include:names.example: message"},
		{name: "nor a redirect to a record with such a term", txt: "v=spf1 include:q.example redirect=names.example", want: "acme.example: ip4:203.0.113.7 redirect=names.example\nkept redirect=names.example: message"},
		{name: "or with such a redirect", txt: "v=spf1 include:q.example redirect=renames.example", o: spf.FlattenOptions{Keep: []string{"_r.renames.example"}}, want: "acme.example: ip4:203.0.113.7 redirect=renames.example\nkept redirect=renames.example: message"},
		{name: "nor where %{p} prefers its domain (7.3)", txt: "v=spf1 include:q.example include:named.example -all", more: `named.example. TXT "v=spf1 include:p.example a:h.example exists:%{p}.x.example -all"`, want: "acme.example: ip4:203.0.113.7 include:named.example -all\nkept include:named.example: message"},
		{name: "other letters are the same everywhere", txt: "v=spf1 include:same.example -all", more: `same.example. TXT "v=spf1 include:p.example a:h.example exists:%{s}.%{l}.%{o}.%{i}.%{h}.%{v}.x.example -all"`, want: "acme.example: ip4:192.0.2.0/31 ip4:198.51.100.0/24 ip6:2001:db8::/33 ip6:2001:db8:8000::1 exists:%{s}.%{l}.%{o}.%{i}.%{h}.%{v}.x.example -all\n" +
			"kept exists:%{s}.%{l}.%{o}.%{i}.%{h}.%{v}.x.example: message"},
		{name: "a domain of one label has no record", txt: "v=spf1 include:q.example include:%{d1} -all", more: `example. TXT "v=spf1 include:p.example include:cut.example ptr -all"`, want: "kept include:%{d1}: permerror\nproblem: the record of acme.example leads to example, which has no SPF record: receivers answer with permerror, and flattening does not change that"},
		{name: "a domain that would be a macro cannot be written", txt: "v=spf1 include:q.example include:%%{d}.example -all", more: `%{d}.example. TXT "v=spf1 include:p.example include:cut.example ptr -all"`, want: "acme.example: ip4:203.0.113.7 include:%%{d}.example -all\nkept include:%%{d}.example: message"},
		{name: "a term without a name means the included domain", txt: "v=spf1 include:own.example -all", want: "acme.example: ip4:192.0.2.8 ip4:198.51.100.0/24 ip4:203.0.113.7 ip6:2001:db8::/33 ptr:own.example -all\nkept ptr:own.example: message"},
		{name: "an include that passes everybody", txt: "v=spf1 include:q.example include:open.example -all", want: "acme.example: ip4:203.0.113.7 include:open.example -all\nkept include:open.example: everybody"},

		{name: "a name to keep", txt: "v=spf1 include:p.example include:q.example -all", o: spf.FlattenOptions{Keep: []string{"p.example"}}, want: "acme.example: include:p.example ip4:203.0.113.7 -all\nkept include:p.example: name"},
		{name: "names to keep below one", txt: "v=spf1 include:p.example a:h.example -all", o: spf.FlattenOptions{Keep: []string{"*.example"}}, want: "acme.example: include:p.example a:h.example -all\nkept include:p.example: name\nkept a:h.example: name"},
		{name: "a name to keep in an included record", txt: "v=spf1 include:part.example -all", o: spf.FlattenOptions{Keep: []string{"p.example"}}, want: "acme.example: ip4:192.0.2.0/31 ip4:203.0.113.0/24 ip6:2001:db8:8000::1 include:p.example exists:%{i}.x.example ptr:part.example -all\n" +
			"kept include:p.example: name\nkept exists:%{i}.x.example: message\nkept ptr:part.example: message"},
		{name: "one name alone", txt: "v=spf1 mx include:p.example include:q.example -all", o: spf.FlattenOptions{Only: []string{"q.example"}}, want: "acme.example: mx include:p.example ip4:203.0.113.7 -all\nkept mx: not-chosen\nkept include:p.example: not-chosen"},

		{name: "redirect", txt: "v=spf1 ip4:192.0.2.9 redirect=to.example", want: "acme.example: ip4:192.0.2.0/31 ip4:192.0.2.9 ip4:203.0.113.7 ip6:2001:db8:8000::1 ?all"},
		{name: "terms without a name mean the domain that the redirect leads to", txt: "v=spf1 redirect=own.example", more: "own.example. MX 5 h.example.", want: "acme.example: ip4:192.0.2.0/31 ip4:192.0.2.8 ip4:198.51.100.0/24 ip4:203.0.113.7 ip6:2001:db8::/33 ip6:2001:db8:8000::1 ptr:own.example -all\nkept ptr:own.example: message"},
		{name: "and so do those that are kept", txt: "v=spf1 redirect=all.example", more: "all.example. TXT \"v=spf1 ptr a/0 mx//0 include:q.example -all\"\nall.example. A 192.0.2.1\nall.example. MX 5 h.example.", want: "acme.example: ptr:all.example a:all.example/0 mx:all.example//0 ip4:203.0.113.7 -all\nkept ptr:all.example: message\nkept a:all.example/0: everybody\nkept mx:all.example//0: everybody"},
		{name: "a redirect to %{p}", txt: "v=spf1 include:q.example redirect=named.example", more: `named.example. TXT "v=spf1 include:p.example exists:%{p}.x.example -all"`, want: "acme.example: ip4:203.0.113.7 redirect=named.example\nkept redirect=named.example: message"},
		{name: "a redirect to a redirect by %{p}", txt: "v=spf1 include:q.example redirect=named.example", more: `named.example. TXT "v=spf1 include:p.example redirect=%{p}.x.example"`, want: "acme.example: ip4:203.0.113.7 redirect=named.example\nkept redirect=named.example: message"},
		{name: "redirects in a row", txt: "v=spf1 redirect=next.example", want: "acme.example: ip4:192.0.2.0/31 ip4:192.0.2.9 ip4:203.0.113.7 ip6:2001:db8:8000::1 ?all"},
		{name: "a redirect with an explanation behind it (6.2)", txt: "v=spf1 include:q.example redirect=exp.example", want: "acme.example: ip4:203.0.113.7 redirect=exp.example\nkept redirect=exp.example: explanation"},
		{name: "a redirect beside an explanation", txt: "v=spf1 include:q.example -ip4:192.0.2.7 redirect=to.example exp=e.example", want: "acme.example: ip4:203.0.113.7 -ip4:192.0.2.7 redirect=to.example exp=e.example\nkept redirect=to.example: explanation"},
		{name: "a redirect to keep", txt: "v=spf1 include:q.example redirect=to.example", o: spf.FlattenOptions{Keep: []string{"to.example"}}, want: "acme.example: ip4:203.0.113.7 redirect=to.example\nkept redirect=to.example: name"},

		{name: "a record that nobody can evaluate", txt: "v=spf1 include:q.example include:bad.example -all", want: "kept include:bad.example: permerror\n" +
			`problem: "ip4:1.2.3" in the record of bad.example: an IPv4 address has four numbers from 0 to 255 without leading zeros: receivers answer with permerror, and flattening does not change that`},
		{name: "a loop", txt: "v=spf1 include:q.example include:loop.example -all", want: "kept include:loop.example: permerror\n" +
			"problem: include and redirect run in a circle: loop.example, loop.example: receivers answer with permerror, and flattening does not change that"},
		{name: "what saves nothing", txt: "v=spf1 include:cut.example -all", o: spf.FlattenOptions{Size: 63}, want: "acme.example: include:cut.example -all\nkept include:cut.example: no-gain"},
		{name: "too little room for any", txt: "v=spf1 include:p.example include:q.example -all", o: spf.FlattenOptions{Size: 30}, want: "problem: no helper records of 30 octets can have names such as _spf1.acme.example"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := flatten(t, others+`acme.example. TXT "`+tt.txt+"\"\n"+tt.more, tt.o)
			require.NoError(t, err)
			assert.Equal(t, tt.want, summary(p))
		})
	}
}

func TestFlattenHasNoRecord(t *testing.T) {
	tests := []struct {
		name, zone string
		none       bool
		want       string
	}{
		{"none", "b.example. A 192.0.2.1", true, "spf: no record to flatten: acme.example has none"},
		{"two", "acme.example. TXT \"v=spf1 -all\"\nacme.example. TXT \"v=spf1 ~all\"", true, "spf: no record to flatten: acme.example has 2"},
		{"a fault", `acme.example. TXT "v=spf1 ip4:1.2.3 -all"`, true, `spf: no record to flatten: acme.example: spf: octet 7, "ip4:1.2.3": an IPv4 address has four numbers from 0 to 255 without leading zeros`},
		{"no answer", `acme.example. TXT !timeout`, false, "spf: TXT acme.example timed out at dnstest"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := flatten(t, tt.zone, spf.FlattenOptions{})
			assert.EqualError(t, err, tt.want)
			assert.Equal(t, tt.none, errors.Is(err, spf.ErrNoRecord))
		})
	}
	for _, a := range []*spf.Analysis{nil, {}, spf.Analyze(nil)} {
		_, err := spf.Flatten(a, spf.FlattenOptions{})
		assert.Error(t, err)
	}
}

// wide is a zone in which an include has n ranges that cannot be merged, none with a
// length of its own, 17 octets each with the blank.
func wide(n int, own string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "acme.example. TXT \"v=spf1 %s include:s.example -all\"\n", own)
	const each = 4
	b.WriteString(`s.example. TXT "v=spf1`)
	for i := 0; i < n; i += each {
		fmt.Fprintf(&b, " include:s%d.example", i/each)
	}
	b.WriteString(" -all\"\n")
	for i := range n {
		if i%each == 0 {
			fmt.Fprintf(&b, `s%d.example. TXT "v=spf1`, i/each)
		}
		fmt.Fprintf(&b, " ip4:100.%d.%d.10", 64+i/50, 100+i%50*2)
		if i%each == each-1 || i == n-1 {
			b.WriteString(" -all\"\n")
		}
	}
	return b.String()
}

func TestFlattenLimits(t *testing.T) {
	kept := func(n int) string {
		terms := []string{}
		for i := range n {
			terms = append(terms, fmt.Sprintf("exists:%%{i}.x%d.example", i))
		}
		return strings.Join(terms, " ")
	}
	// A helper record has room for 450 - 18 octets of name - 6 of version - 5 of -all, which is
	// 421; a range with its blank takes 18.
	tests := []struct {
		name    string
		ranges  int
		own     string
		want    string // records, lookups
		problem string
	}{
		{"the domain's record takes it", 23, "", "1 records, 0 lookups", ""},
		{"one range more than that and a helper record", 24, "", "2 records, 1 lookups", ""},
		{"two", 25, "", "3 records, 2 lookups", ""},
		{"a helper record is full", 46, "", "3 records, 2 lookups", ""},
		{"one range more stands where the include of it would", 47, "", "3 records, 2 lookups", ""},
		{"and two more in a helper record", 48, "", "4 records, 3 lookups", ""},
		{"three helper records", 69, "", "4 records, 3 lookups", ""},
		{"ten", 230, "", "11 records, 10 lookups", ""},
		{"the eleventh goes into the domain's record", 238, "", "11 records, 10 lookups", ""},
		{"as far as there is room", 239, "", "0 records, 11 lookups", "11 helper records of 450 octets and 0 lookups of the terms that are kept make 11 lookups, 1 over the limit"},
		{"kept terms count", 69, kept(7), "4 records, 10 lookups", ""},
		{"one too many", 92, kept(7), "0 records, 11 lookups", "4 helper records of 450 octets and 7 lookups of the terms that are kept make 11 lookups, 1 over the limit"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := flatten(t, wide(tt.ranges, tt.own), spf.FlattenOptions{})
			require.NoError(t, err)
			assert.Equal(t, tt.want, fmt.Sprintf("%d records, %d lookups", len(p.Records), p.After.Lookups))
			if tt.problem != "" {
				assert.Equal(t, "["+tt.problem+"]", fmt.Sprint(p.Problems))
			}
			for _, r := range p.Records {
				assert.LessOrEqual(t, r.Octets, 450)
				for _, s := range r.RR(300).TXT() {
					assert.LessOrEqual(t, len(s), 255)
				}
				assert.Equal(t, r.Text, r.RR(300).Text())
			}
		})
	}
}

func TestFlattenNames(t *testing.T) {
	const owns = "\n_spf1.acme.example. TXT \"v=spf1 include:s0.example -all\"\n_spf2.acme.example. TXT \"v=spf1 ip4:192.0.2.1 -all\"\n"
	p, err := flatten(t, wide(40, "include:_spf1.acme.example include:_spf2.acme.example")+owns, spf.FlattenOptions{})
	require.NoError(t, err)
	var names []string
	for _, r := range p.Records {
		names = append(names, r.Name)
	}
	assert.Equal(t, []string{"acme.example", "_spf2.acme.example", "_spf3.acme.example"}, names, "_spf1 has a record that may serve others")
}

func TestFlattenAgainIsTheSame(t *testing.T) {
	zone := wide(60, "exists:%{i}.x.example")
	first, err := flatten(t, zone, spf.FlattenOptions{})
	require.NoError(t, err)
	lines := ""
	for _, r := range first.Records {
		lines += fmt.Sprintf("%s. TXT \"%s\"\n", r.Name, r.Text)
	}
	again, err := flatten(t, lines, spf.FlattenOptions{Only: []string{"*.acme.example"}})
	require.NoError(t, err)
	assert.Empty(t, again.Problems)
	assert.Equal(t, first.Records[:1], again.Records, "nothing is gained")
}

func TestFlattenExpiry(t *testing.T) {
	const zone = `
acme.example. TXT "v=spf1 include:p.example mx -all"
acme.example. MX 10 mx.acme.example.
acme.example. MX 20 old.acme.example.
mx.acme.example. A 192.0.2.1
old.acme.example. A 192.0.2.2
p.example. TXT "v=spf1 include:q.example -all"
q.example. TXT "v=spf1 ip4:192.0.2.3 -all"
`
	facts, err := spf.Discover(context.Background(), dnstest.Must(zone), "acme.example", spf.Options{})
	require.NoError(t, err)
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	ttls := map[string]uint32{"TXT acme.example": 5, "TXT p.example": 600, "TXT q.example": 1 << 31, "MX acme.example": 3600, "A mx.acme.example": 300, "A old.acme.example": 900}
	for i := range facts.Replies {
		a := facts.Replies[i].Answer
		a.At = at
		for j := range a.Records {
			a.Records[j].TTL = ttls[a.Question.String()]
		}
		if a.Question.String() == "A old.acme.example" { // an alias on the way ends first
			chain, err := dnsx.ParseRR("old.acme.example. 60 CNAME new.acme.example.")
			require.NoError(t, err)
			a.Chain = []dnsx.RR{chain}
			a.Records[0].Name = "new.acme.example"
		}
	}
	p, err := spf.Flatten(spf.Analyze(facts), spf.FlattenOptions{})
	require.NoError(t, err)
	var got []string
	for _, e := range p.Answers {
		var way []string
		for _, s := range e.Path {
			way = append(way, s.Term)
		}
		got = append(got, fmt.Sprintf("%s %d %s by %s", e.Until.Format(time.TimeOnly), e.TTL, e.Question, strings.Join(way, ", ")))
	}
	assert.Equal(t, []string{
		"12:00:00 0 TXT q.example by include:p.example, include:q.example", // RFC 2181, 8
		"12:01:00 60 A old.acme.example by mx",
		"12:05:00 300 A mx.acme.example by mx",
		"12:10:00 600 TXT p.example by include:p.example",
		"13:00:00 3600 MX acme.example by mx",
	}, got, "without the domain's own record, which it replaces")
	assert.Equal(t, at, p.Until())
	assert.Equal(t, "A old.acme.example", p.Replaced[1].First.Question.String())
	_, err = json.Marshal(p)
	assert.NoError(t, err)
}

func TestFlatteningChanges(t *testing.T) {
	p, err := flatten(t, wide(40, ""), spf.FlattenOptions{})
	require.NoError(t, err)
	reply := func(name string, texts ...string) dnsx.Reply {
		q := dnsx.Q(name, dnsx.TypeTXT)
		a := &dnsx.Answer{Question: q}
		for _, txt := range texts {
			a.Records = append(a.Records, dnsx.NewTXT(name, 60, txt))
		}
		return dnsx.Reply{Question: q, Answer: a}
	}
	own, one, two := p.Records[0], p.Records[1], p.Records[2]
	failed := dnsx.Reply{Question: dnsx.Q(two.Name, dnsx.TypeTXT), Failure: &dnsx.Failure{Question: dnsx.Q(two.Name, dnsx.TypeTXT), Kind: dnsx.KindTimeout, Server: "192.0.2.53"}}
	addresses := dnsx.Reply{Question: dnsx.Q(one.Name, dnsx.TypeA)}
	tests := []struct {
		name      string
		published []dnsx.Reply
		want      []check.Change
		err       string
	}{
		{name: "all is as planned", published: []dnsx.Reply{reply(own.Name, "other", own.Text), addresses, reply(one.Name, one.Text), reply(two.Name, two.Text), reply("_spf3.acme.example")}},
		{name: "some is not", published: []dnsx.Reply{reply(own.Name, "v=spf1 -all"), reply(one.Name, one.Text), reply(one.Name, "v=spf1 ?all"), reply(two.Name), reply("_spf3.acme.example", "v=spf1 ip4:192.0.2.1 -all")}, want: []check.Change{
			{Name: own.Name, Type: "TXT", Old: []string{"v=spf1 -all"}, New: []string{own.Text}},
			{Name: two.Name, Type: "TXT", New: []string{two.Text}},
			{Name: "_spf3.acme.example", Type: "TXT", Old: []string{"v=spf1 ip4:192.0.2.1 -all"}},
		}},
		{name: "a time-out is no absence", published: []dnsx.Reply{reply(own.Name, own.Text), reply(one.Name, "v=spf1 -all"), failed}, err: "spf: TXT _spf2.acme.example timed out at 192.0.2.53"},
		{name: "nor is what nobody asked", published: []dnsx.Reply{reply(own.Name, own.Text), reply(two.Name, two.Text)}, err: "spf: TXT _spf1.acme.example was not asked"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := p.Changes(tt.published)
			assert.Equal(t, tt.want, got)
			if tt.err == "" {
				assert.NoError(t, err)
				return
			}
			assert.EqualError(t, err, tt.err)
			var failure *dnsx.Failure
			assert.ErrorAs(t, err, &failure)
		})
	}
	none, err := (&spf.Flattening{}).Changes(nil)
	assert.NoError(t, err)
	assert.Nil(t, none, "no plan, no change")
}

func TestFlatteningUnread(t *testing.T) {
	for txt, want := range map[string]bool{
		"v=spf1 include:q.example include:slow.example -all": true,
		"v=spf1 include:q.example exists:slow.example -all":  false, // whatever the answer is, it stays
		"v=spf1 include:q.example ptr -all":                  false,
	} {
		p, err := flatten(t, "q.example. TXT \"v=spf1 ip4:192.0.2.1 -all\"\nslow.example. * !timeout\nacme.example. TXT \""+txt+"\"\n", spf.FlattenOptions{})
		require.NoError(t, err)
		assert.Equal(t, want, p.Unread(), txt)
	}
}

// Hostile records must not cost more than their bounds.
func TestFlattenHostile(t *testing.T) {
	var doubling, dozens, thousands, holes, many strings.Builder
	doubling.WriteString("acme.example. TXT \"v=spf1 include:d0.example -all\"\n")
	for i := range 18 {
		fmt.Fprintf(&doubling, "d%d.example. TXT \"v=spf1 include:d%d.example a:x%d.example include:d%d.example exists:%%{i}.e -all\"\nx%d.example. A 192.0.2.7\n", i, i+1, i, i+1, i)
	}
	doubling.WriteString("d18.example. TXT \"v=spf1 ip4:192.0.2.1 exists:%{i}.e.example -all\"\n")
	dozens.WriteString("acme.example. TXT \"v=spf1 include:d0.example -all\"\n")
	for i := range 7 {
		fmt.Fprintf(&dozens, "d%d.example. TXT \"v=spf1%s ip4:192.0.2.%d -all\"\n", i, strings.Repeat(fmt.Sprintf(" include:d%d.example", i+1), 12), 2*i)
	}
	dozens.WriteString("d7.example. TXT \"v=spf1 a:x.example exists:%{i}.e.example -all\"\nx.example. A 192.0.2.100\n")
	many.WriteString("acme.example. TXT \"v=spf1" + strings.Repeat(" a:x.example", 2500) + " -all\"\n")
	for i := range 2000 {
		fmt.Fprintf(&many, "x.example. A 192.%d.%d.1\n", i/200, i%200)
	}
	thousands.WriteString("acme.example. TXT \"v=spf1 include:s.example -all\"\ns.example. TXT \"v=spf1")
	holes.WriteString("acme.example. TXT \"v=spf1 include:s.example -all\"\ns.example. TXT \"v=spf1")
	for i := range 1800 {
		fmt.Fprintf(&thousands, " -ip4:10.%d.%d.1 ip4:10.%d.%d.3", i/200, i%200, i/200, i%200)
		fmt.Fprintf(&holes, " -ip6:2001:db8:%x::1", i)
	}
	thousands.WriteString(" -all\"\n")
	holes.WriteString(" ip6:2001:db8::/32 -all\"\n")
	tests := []struct{ name, zone, want string }{
		{"every record includes the next twice", doubling.String(), "kept include:d8.example: message\nkept exists:%{i}.e: message\nproblem: 0 helper records of 450 octets and 10242 lookups of the terms that are kept make 10242 lookups, 10232 over the limit"},
		{"every record includes the next twelve times", dozens.String(), "acme.example: ip4:192.0.2.0 ip4:192.0.2.2 ip4:192.0.2.4 ip4:192.0.2.6 ip4:192.0.2.8 ip4:192.0.2.10 ip4:192.0.2.12 ip4:192.0.2.100 exists:%{i}.e.example -all\nkept exists:%{i}.e.example: message"},
		{"a name of thousands of addresses, thousands of times", many.String(), "kept a:x.example: limit\nproblem: more than 20000 ranges"},
		{"thousands of turns", thousands.String(), "problem: 63 helper records of 450 octets and 0 lookups of the terms that are kept make 63 lookups, 53 over the limit"},
		{"thousands of holes", holes.String(), "problem: more than 20000 ranges"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := flatten(t, tt.zone, spf.FlattenOptions{})
			require.NoError(t, err)
			assert.Equal(t, tt.want, strings.Join(slices.Compact(strings.Split(summary(p), "\n")), "\n"))
		})
	}
}

func BenchmarkFlatten(b *testing.B) {
	a := spf.Analyze(factsOf(b, wide(100, "exists:%{i}.x.example")))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := spf.Flatten(a, spf.FlattenOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}

// Helper records take no name where the facts have something else, and may take that of
// a record of ranges alone.
func TestFlatten_namesOfOthers(t *testing.T) {
	var ranges strings.Builder
	for i := range 30 {
		fmt.Fprintf(&ranges, " ip4:10.%d.0.0/17", i)
	}
	facts := factsOf(t, `acme.example. TXT "v=spf1 include:long.example include:mid.example -all"
mid.example. TXT "v=spf1 include:q.example -all"
q.example. TXT "v=spf1 ip4:192.0.2.1 -all"
long.example. TXT "v=spf1`+ranges.String()+` -all"
`)
	q := dnsx.Q("_spf1.acme.example", dnsx.TypeTXT)
	reply := func(text string) dnsx.Reply {
		return dnsx.Reply{Question: q, Answer: &dnsx.Answer{Question: q, Records: []dnsx.RR{dnsx.NewTXT(q.Name, 60, text)}}}
	}
	own := facts.Replies
	for text, want := range map[string]string{
		"v=spf1 ip4:192.0.2.7 -all":     "_spf1.acme.example",
		"v=spf1 include:q.example -all": "_spf2.acme.example",
		"v=spf1 ip4:192.0.2 -all":       "_spf2.acme.example",
		"v=spf1 redirect=q.example":     "_spf2.acme.example",
		"some=thing":                    "_spf2.acme.example",
	} {
		facts.Replies = append(own[:len(own):len(own)], reply(text))
		plan, err := spf.Flatten(spf.Analyze(facts), spf.FlattenOptions{})
		require.NoError(t, err)
		require.Greater(t, len(plan.Records), 1, plan.Problems)
		assert.Equal(t, want, plan.Records[1].Name, text)
	}
	facts.Replies = append(own[:len(own):len(own)], dnsx.Reply{Question: q, Failure: &dnsx.Failure{Question: q, Kind: dnsx.KindTimeout}})
	plan, err := spf.Flatten(spf.Analyze(facts), spf.FlattenOptions{})
	require.NoError(t, err)
	assert.Equal(t, "_spf2.acme.example", plan.Records[1].Name, "what is not known is not free")
}
