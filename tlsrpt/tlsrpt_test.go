package tlsrpt_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/tlsrpt"
)

func TestDiscoverAsksOfTheDomainOnlyInDoubt(t *testing.T) {
	const record = "_smtp._tls.acme.example"
	soa := func(zone string) dnsx.RR {
		rr, err := dnsx.ParseRR(zone + ". SOA ns.acme.example. hostmaster.acme.example. 1 2 3 4 5")
		require.NoError(t, err)
		return rr
	}
	denied := func(zone string) dnsx.Resolver {
		return dnsx.ResolverFunc(func(_ context.Context, q dnsx.Question) (*dnsx.Answer, error) {
			return &dnsx.Answer{Question: q, RCode: dnsx.NXDomain, Authority: []dnsx.RR{soa(zone)}}, nil
		})
	}
	apex := dnsx.Q("acme.example", dnsx.TypeMX)
	tests := []struct {
		name string
		r    dnsx.Resolver
		want dnsx.Question // the zero Question: not asked
	}{
		{name: "the name exists", r: dnstest.Must(record + `. TXT "x"`)},
		{name: "the name failed", r: dnstest.Must(record + `. TXT !servfail`)},
		{name: "the domain's own zone denies the name", r: denied("acme.example")},
		{name: "a zone below the domain denies the name", r: denied("_tls.acme.example")},
		{name: "the zone above the domain denies the name", r: denied("example"), want: apex},
		{name: "no zone says that it denies the name", r: dnstest.Must(""), want: apex},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, err := tlsrpt.Discover(t.Context(), tt.r, "ACME.example.", tlsrpt.Options{})
			require.NoError(t, err)
			assert.Equal(t, tt.want, f.Apex.Question)
		})
	}
}

func TestDiscoverErrors(t *testing.T) {
	_, err := tlsrpt.Discover(t.Context(), dnstest.Must(""), "acme..example", tlsrpt.Options{})
	var name *dnsx.NameError
	require.ErrorAs(t, err, &name)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f, err := tlsrpt.Discover(ctx, dnstest.Must(""), "acme.example", tlsrpt.Options{})
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, dnsx.KindCanceled, f.Record.Failure.Kind)
	for _, res := range check.Apply(tlsrpt.Analyze(f), tlsrpt.Rules(tlsrpt.Settings{})) {
		assert.Equal(t, check.Unknown, res.Outcome, res.ID)
	}
}

func TestQuestions(t *testing.T) {
	assert.Equal(t, []dnsx.Question{dnsx.Q("_smtp._tls.acme.example", dnsx.TypeTXT)}, tlsrpt.Questions("Acme.Example", tlsrpt.Options{}))
	assert.Nil(t, tlsrpt.Questions("", tlsrpt.Options{}))
}

func TestAnalyzeTakesAnyFacts(t *testing.T) {
	const name = "_smtp._tls.acme.example"
	reply := func(q dnsx.Question, rrs ...dnsx.RR) dnsx.Reply {
		return dnsx.Reply{Question: q, Answer: &dnsx.Answer{Question: q, Records: rrs}}
	}
	txt := dnsx.Q(name, dnsx.TypeTXT)
	good := dnsx.NewTXT(name, 0, "v=TLSRPTv1;rua=mailto:a@b")
	other := dnsx.NewTXT("other.example", 0, "v=TLSRPTv1;rua=mailto:a@b")
	alien := dnsx.RR{Name: name, Type: dnsx.TypeSPF, Data: good.Data}
	tests := []struct {
		name   string
		facts  *tlsrpt.Facts
		texts  int
		unread bool
	}{
		{name: "nil", unread: true},
		{name: "zero", facts: &tlsrpt.Facts{}, unread: true},
		{name: "no reply", facts: &tlsrpt.Facts{Domain: "acme.example"}, unread: true},
		{name: "an answer to another question", facts: &tlsrpt.Facts{Domain: "acme.example", Record: reply(dnsx.Q(name, dnsx.TypeA), good)}, unread: true},
		{name: "records of another name and type", facts: &tlsrpt.Facts{Domain: "acme.example", Record: reply(txt, other, alien, good)}, texts: 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := tlsrpt.Analyze(tt.facts)
			assert.Len(t, a.Texts, tt.texts)
			assert.Equal(t, tt.unread, a.Unread != nil)
			check.Apply(a, tlsrpt.Rules(tlsrpt.Settings{})) // does not panic
		})
	}
}

func TestAnalyzeBoundsHostileRecords(t *testing.T) {
	const name = "_smtp._tls.acme.example"
	q := dnsx.Q(name, dnsx.TypeTXT)
	for _, flood := range []string{";", ";x", ",", ",a@b", ",a!b", ",ftp://a", ";rua=mailto:a@b", ";x=1"} {
		txt := "v=TLSRPTv1;rua=mailto:a@b" + strings.Repeat(flood, 60000/len(flood))
		answer := &dnsx.Answer{Question: q, Records: []dnsx.RR{dnsx.NewTXT(name, 0, txt)}}
		a := tlsrpt.Analyze(&tlsrpt.Facts{Domain: "acme.example", Record: dnsx.Reply{Question: q, Answer: answer}})
		for _, res := range check.Apply(a, tlsrpt.Rules(tlsrpt.Settings{})) {
			assert.LessOrEqual(t, len(res.Findings), 20, "%s of many %q", res.ID, flood)
		}
	}
}

func TestAnalyzeValid(t *testing.T) {
	const unrelated = "\n_smtp._tls.acme.example. TXT \"x\""
	tests := []struct {
		name, zone string
		want       bool
	}{
		{"right", `_smtp._tls.acme.example. TXT "v=TLSRPTv1;rua=mailto:a@b"` + unrelated, true},
		{"a blank before the semicolon, alone", `_smtp._tls.acme.example. TXT "v=TLSRPTv1 ;rua=mailto:a@b"`, true},
		{"a blank before the semicolon, beside others", `_smtp._tls.acme.example. TXT "v=TLSRPTv1 ;rua=mailto:a@b"` + unrelated, false},
		{"no rua", `_smtp._tls.acme.example. TXT "v=TLSRPTv1;"`, false},
		{"none", ``, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.want, analyze(t, tt.zone).Valid)
		})
	}
}

func TestRepair(t *testing.T) {
	many := "v=tlsrptv1;rua=" + strings.Repeat("mailto:a@b,", 20) + "mailto:c@d"
	tests := []struct {
		name string
		txts []string
		want string // "" for no repair
	}{
		{name: "nothing is published"},
		{name: "nothing is wrong", txts: []string{"v=TLSRPTv1;rua=mailto:a@b"}},
		{name: "another scheme is for its owner to choose", txts: []string{"v=TLSRPTv1;rua=http://a/"}},
		{name: "nobody knows an address", txts: []string{"v=tlsrptv1;"}},
		{name: "a blank inside an address leaves open what is meant", txts: []string{"v=TLSRPTv1;rua=mailto:a b@c"}},
		{name: "more addresses than anybody lists", txts: []string{many}},
		{
			name: "all faults at once", txts: []string{"V=TLSRPTv1 rua = a@b!10m, mailto:c,d@e ; mailto:f!@g;;junk;x=1"},
			want: "v=TLSRPTv1; rua=mailto:a@b,mailto:c%2Cd@e,mailto:f%21@g; x=1",
		},
		{
			name: "records of two providers", txts: []string{"v=TLSRPTv1;rua=mailto:a@b;x=1", "v=TLSRPTv1;x=2;rua=https://c,mailto:a@b"},
			want: "v=TLSRPTv1; rua=mailto:a@b,https://c; x=1",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			const name = "_smtp._tls.acme.example"
			q := dnsx.Q(name, dnsx.TypeTXT)
			answer := &dnsx.Answer{Question: q}
			for _, txt := range tt.txts {
				answer.Records = append(answer.Records, dnsx.NewTXT(name, 0, txt))
			}
			var want []check.Change
			if tt.want != "" {
				want = []check.Change{{Name: name, Type: "TXT", Old: tt.txts, New: []string{tt.want}}}
			}
			a := tlsrpt.Analyze(&tlsrpt.Facts{Domain: "acme.example", Record: dnsx.Reply{Question: q, Answer: answer}})
			assert.Equal(t, want, tlsrpt.Repair(a))
		})
	}
	assert.Nil(t, tlsrpt.Repair(nil))
}

func analyze(t *testing.T, zone string) *tlsrpt.Analysis {
	t.Helper()
	f, err := tlsrpt.Discover(t.Context(), dnstest.Must(zone), "acme.example", tlsrpt.Options{})
	require.NoError(t, err)
	return tlsrpt.Analyze(f)
}
