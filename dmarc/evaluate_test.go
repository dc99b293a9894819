package dmarc_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/mailcheck-go/mailcheck/dmarc"
)

func TestEvaluate(t *testing.T) {
	none, quarantine, reject := share(dmarc.None), share(dmarc.Quarantine), share(dmarc.Reject)
	pass := func(domains ...string) dmarc.Outcome {
		return dmarc.Outcome{Result: dmarc.ResultPass, Aligned: domains, Disposition: none}
	}
	fail := func(s dmarc.Share) dmarc.Outcome { return dmarc.Outcome{Result: dmarc.ResultFail, Disposition: s} }
	other := func(r dmarc.Result) dmarc.Outcome { return dmarc.Outcome{Result: r, Disposition: none} }
	unsure := dmarc.Outcome{Result: dmarc.ResultTempError}

	const org = `_dmarc.example.com. TXT "v=DMARC1; p=reject"`
	tests := []struct {
		name, zone, author string
		spf                [2]string // domain, result
		dkim               [][2]string
		new, old           dmarc.Outcome
	}{
		{
			name: "RFC 9989, B.1.1: SPF in relaxed alignment", zone: org, author: "example.com",
			spf: [2]string{"child.example.com", "pass"}, new: pass("child.example.com"), old: pass("child.example.com"),
		},
		{
			name: "RFC 9989, B.1.2: DKIM in relaxed alignment", zone: org, author: "child.example.com",
			dkim: [][2]string{{"Example.Com", "pass"}}, new: pass("Example.Com"), old: pass("Example.Com"),
		},
		{
			name: "RFC 9989, B.1.2: another organization", zone: org, author: "example.com",
			spf: [2]string{"example.net", "pass"}, dkim: [][2]string{{"example.net", "pass"}}, new: fail(reject), old: fail(reject),
		},
		{
			name: "one aligned signature is enough", zone: org, author: "example.com",
			spf: [2]string{"example.net", "pass"}, dkim: [][2]string{{"example.com", "fail"}, {"example.com", "pass"}},
			new: pass("example.com"), old: pass("example.com"),
		},
		{
			name: "softfail, neutral and permerror are all no pass", zone: org, author: "example.com",
			spf: [2]string{"example.com", "softfail"}, dkim: [][2]string{{"example.com", "neutral"}, {"example.com", "permerror"}},
			new: fail(reject), old: fail(reject),
		},
		{
			name: "strict alignment asks for the name itself", zone: `_dmarc.example.com. TXT "v=DMARC1; p=reject; adkim=s; aspf=s"`, author: "example.com",
			spf: [2]string{"mail.example.com", "pass"}, dkim: [][2]string{{"mail.example.com", "pass"}}, new: fail(reject), old: fail(reject),
		},
		{
			name: "V8: a stranger under an unflagged suffix is aligned at new receivers", author: "example.tld",
			zone: `_dmarc.tld. TXT "v=DMARC1; p=none"` + "\n" + `_dmarc.example.tld. TXT "v=DMARC1; p=reject"`,
			dkim: [][2]string{{"evil.tld", "pass"}}, new: pass("evil.tld"), old: fail(reject),
		},
		{
			name: "V9: psd=n keeps the stranger out", author: "example.tld",
			zone: `_dmarc.tld. TXT "v=DMARC1; p=none"` + "\n" + `_dmarc.example.tld. TXT "v=DMARC1; p=reject; psd=n"`,
			dkim: [][2]string{{"evil.tld", "pass"}}, new: fail(reject), old: fail(reject),
		},
		{
			name: "V10: siblings without a record above", zone: `_dmarc.a.example.com. TXT "v=DMARC1; p=reject"`, author: "a.example.com",
			dkim: [][2]string{{"b.example.com", "pass"}}, new: fail(reject), old: pass("b.example.com"),
		},
		{
			name: "V11: a subdomain signs for the domain", zone: org, author: "example.com",
			dkim: [][2]string{{"mail.example.com", "pass"}}, new: pass("mail.example.com"), old: pass("mail.example.com"),
		},
		{
			name: "V12: t=y", zone: `_dmarc.example.com. TXT "v=DMARC1; p=reject; t=y"`, author: "example.com",
			new: fail(quarantine), old: fail(reject),
		},
		{
			name: "V14: pct", zone: `_dmarc.example.com. TXT "v=DMARC1; p=quarantine; pct=50"`, author: "example.com",
			new: fail(quarantine), old: fail(dmarc.Share{Policy: dmarc.Quarantine, Percent: 50}),
		},
		{
			name: "RFC 9989, B.4.3: a public suffix between siblings", author: "giant.bank.example",
			zone: `_dmarc.bank.example. TXT "v=DMARC1; p=none; psd=y"` + "\n" + `_dmarc.giant.bank.example. TXT "v=DMARC1; p=reject"`,
			spf:  [2]string{"mail.giant.bank.example", "fail"}, dkim: [][2]string{{"mail.mega.bank.example", "pass"}},
			new: fail(reject), old: pass("mail.mega.bank.example"),
		},
		{name: "no record", zone: "", author: "example.com", spf: [2]string{"example.com", "pass"}, new: other(dmarc.ResultNone), old: other(dmarc.ResultNone)},
		{
			name: "a record that does not count", zone: `_dmarc.example.com. TXT "v=DMARC1; p=foo"`, author: "example.com",
			new: other(dmarc.ResultPermError), old: other(dmarc.ResultPermError),
		},
		{
			name: "the record timed out", zone: `_dmarc.example.com. TXT !timeout`, author: "example.com",
			spf: [2]string{"example.com", "pass"}, new: unsure, old: unsure,
		},
		{
			name: "an aligned mechanism could not be evaluated", zone: org, author: "example.com",
			spf: [2]string{"mail.example.com", "temperror"}, new: unsure, old: unsure,
		},
		{
			name: "another's makes no difference", zone: org, author: "example.com",
			spf: [2]string{"example.net", "temperror"}, new: fail(reject), old: fail(reject),
		},
		{
			name: "the signer's walk timed out", zone: org + "\n_dmarc.mail.example.com. TXT !timeout", author: "example.com",
			dkim: [][2]string{{"mail.example.com", "pass"}}, new: unsure, old: pass("mail.example.com"),
		},
		{
			name: "a domain that is none", zone: org, author: "example.com",
			dkim: [][2]string{{"example..com", "pass"}}, new: fail(reject), old: fail(reject),
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			identifier := func(of [2]string) dmarc.Identifier {
				id := dmarc.Identifier{Domain: of[0], Result: of[1]}
				if of[0] != "" && of[0] != "example..com" {
					id.Analysis = analyze(t, tt.zone, of[0])
				}
				return id
			}
			e := dmarc.Evaluation{Author: analyze(t, tt.zone, tt.author), SPF: identifier(tt.spf)}
			for _, id := range tt.dkim {
				e.DKIM = append(e.DKIM, identifier(id))
			}
			assert.Equal(t, dmarc.Verdict{New: tt.new, Old: tt.old}, dmarc.Evaluate(e))
		})
	}
	assert.Equal(t, dmarc.Verdict{New: unsure, Old: unsure}, dmarc.Evaluate(dmarc.Evaluation{}))
}
