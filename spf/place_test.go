package spf_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/spf"
)

// marked writes which part of the domain's record the findings of a rule mark, as
// "OFFSET TEXT".
func marked(a *spf.Analysis, id string) (all []string) {
	for _, res := range check.Apply(a, spf.Rules(spf.Settings{})) {
		for _, f := range res.Findings {
			if res.ID == id {
				e := f.Evidence[0]
				all = append(all, fmt.Sprint(e.Start, " ", e.Text[e.Start:e.End]))
			}
		}
	}
	return all
}

// The evidence of a finding marks the term that it is about, also where others look alike.
func TestRules_places(t *testing.T) {
	const b = "\nb.example. TXT \"v=spf1 foo\""
	tests := []struct {
		rule, record, zone string
		want               []string
	}{
		{rule: "spf.include-none", record: "include:gone.example a:gone.example", want: []string{"7 include:gone.example"}},
		{rule: "spf.void-lookup", record: "include:gone.example a:gone.example", want: []string{"28 a:gone.example"}},
		{rule: "spf.include-permerror", record: "include:b.example ?include:b.example", zone: b, want: []string{"7 include:b.example", "25 ?include:b.example"}},
		{rule: "spf.redirect-none", record: "a:gone.example redirect=gone.example", want: []string{"22 redirect=gone.example"}},
		{rule: "spf.include-self", record: "a:acme.example INCLUDE:acme.example mx", want: []string{"22 INCLUDE:acme.example"}},
		{rule: "spf.duplicate-term", record: "a A -all", want: []string{"9 A"}},
		{rule: "spf.terms-after-all", record: "-all a x=y mx", want: []string{"12 a x=y mx"}},
		{rule: "spf.terms-after-all", record: "-all foo a mx", want: []string{"16 a mx"}},
		{rule: "spf.redirect-ignored", record: "redirect=b.example a:b.example -all", want: []string{"7 redirect=b.example"}},
		{rule: "spf.all-soft", record: "a ~ALL ~all", want: []string{"9 ~ALL"}},
		{rule: "spf.all-pass", record: "ip4:0.0.0.0/0 all", want: []string{"7 ip4:0.0.0.0/0", "21 all"}},
		{rule: "spf.exp-broken", record: "include:b.example -all exp=b.example", want: []string{"30 exp=b.example"}},
		{rule: "spf.unknown-modifier", record: "x=1 y=2", want: []string{"7 x=1", "11 y=2"}},
		{rule: "spf.host-bits", record: "?ip4:10.0.0.1/24 +IP4:10.0.0.1/24 -all", want: []string{"7 ?ip4:10.0.0.1/24", "24 +IP4:10.0.0.1/24"}},
		{rule: "spf.ptr", record: "a:ptr.example ?PTR:ptr.example", want: []string{"21 ?PTR:ptr.example"}},
		{rule: "spf.macro-p", record: "x=%{p}.b.example redirect=%{p}.b.example", want: []string{"24 redirect=%{p}.b.example"}},
		{rule: "spf.lookup-limit", record: "a a a a a a a a a a mx -all", want: []string{"27 mx"}},
		{rule: "spf.no-all", record: "a", want: []string{"0 "}},
	}
	for _, tt := range tests {
		t.Run(tt.rule+" in "+tt.record, func(t *testing.T) {
			assert.Equal(t, tt.want, marked(analyze(t, `acme.example. TXT "v=spf1 `+tt.record+`"`+tt.zone), tt.rule))
		})
	}
}
