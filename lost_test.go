package mailcheck_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck"
	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/dnsx/zone"
)

// TestLostAnswer takes one answer after another away from facts: a question that timed
// out may leave a rule unknown, and never makes one fail, nor pass one that failed.
func TestLostAnswer(t *testing.T) {
	z, err := zone.Load("examples/zones")
	require.NoError(t, err)
	tests := []struct {
		name, domain string
		resolver     dnsx.Resolver
	}{
		{"a help desk's customer", "acme.example", z},
		{"a newsletter", "newsletter.example", z},
		{"parked", "parked.example", z},
		{"faults in every room", "acme.example", dnstest.Must(`
acme.example.                 MX    10 mx.acme.example.
acme.example.                 MX    20 mx.gone.example.
acme.example.                 MX    30 alias.acme.example.
mx.acme.example.              A     185.12.80.1
alias.acme.example.           CNAME mx.acme.example.
acme.example.                 TXT   "v=spf1 a mx a:void.acme.example exists:gone.acme.example include:_spf.acme.example include:none.acme.example"
_spf.acme.example.            TXT   "v=spf1 ip4:185.12.80.0/24 ?all"
_dmarc.acme.example.          TXT   "v=DMARC1; p=none; sp=none; rua=mailto:a@reports.example,mailto:b@other.example,mailto:c@nobody.example; ruf=mailto:d@reports.example"
other.example.                MX    10 mx.other.example.
mx.other.example.             A     185.12.80.2
reports.example.              MX    10 mx.reports.example.
acme.example._report._dmarc.reports.example. TXT "v=DMARC1"
_mta-sts.acme.example.        TXT   "v=STSv1; id=1;"
_smtp._tls.acme.example.      TXT   "v=TLSRPTv1; rua=mailto:tls@acme.example"
zendesk1._domainkey.acme.example. CNAME zendesk1._domainkey.zendesk.com.
default._domainkey.acme.example.  TXT "v=DKIM1; p="
`)},
		{"below an organization that has two records", "shop.acme.example", dnstest.Must(`
shop.acme.example.    MX  10 mx.acme.example.
mx.acme.example.      AAAA 2001:67c::1
shop.acme.example.    TXT "v=spf1 ?all"
_dmarc.acme.example.  TXT "v=DMARC1; p=none"
_dmarc.acme.example.  TXT "v=DMARC1; p=reject"
`)},
		{"below an organization that has one", "shop.acme.example", dnstest.Must(`
shop.acme.example.    A   185.12.80.1
shop.acme.example.    TXT "v=spf1 a:shop.acme.example ip4:185.12.80.0/24"
_dmarc.acme.example.  TXT "v=DMARC1; p=reject; sp=none; np=none"
`)},
		{"two records of everything", "acme.example", dnstest.Must(`
acme.example.         TXT "v=spf1 ?all"
acme.example.         TXT "v=spf1 mx -all"
_dmarc.acme.example.  TXT "v=DMARC1; p=none"
_dmarc.acme.example.  TXT "v=DMARC1; p=reject"
_dmarc.example.       TXT "v=DMARC1; p=reject; psd=y"
*._domainkey.acme.example. TXT "v=DKIM1; p="
`)},
		{"nothing but an address", "acme.example", dnstest.Must(`
acme.example.         A   185.12.80.1
acme.example.         TXT "v=spf1 ?all"
`)},
		{"a redirect", "acme.example", dnstest.Must(`
acme.example.         MX  0 .
acme.example.         TXT "v=spf1 redirect=_spf.acme.example"
_spf.acme.example.    TXT "v=spf1 mx:gone.acme.example a"
`)},
		{"reports go to a host that does not exist", "acme.example", dnstest.Must(`
acme.example.         MX  10 mx.acme.example.
mx.acme.example.      A   185.12.80.1
_dmarc.acme.example.  TXT "v=DMARC1; p=none; rua=mailto:a@nobody.example"
`)},
		{"reports go to a host that has not agreed", "acme.example", dnstest.Must(`
acme.example.         MX  10 mx.acme.example.
_dmarc.acme.example.  TXT "v=DMARC1; p=none; rua=mailto:a@other.example"
other.example.        A   185.12.80.2
`)},
		{"two lookups below the limit, and over it", "acme.example", dnstest.Must(`
acme.example.         MX  10 mx.acme.example.
acme.example.         TXT "v=spf1 a mx include:one.example include:two.example include:three.example ~all"
one.example.          TXT "v=spf1 a mx a:mx.acme.example ~all"
two.example.          TXT "v=spf1 a mx ~all"
three.example.        TXT "v=spf1 a ~all"
mx.acme.example.      A   185.12.80.1
`)},
		{"names that nobody has", "acme.example", dnstest.Must(`
acme.example.         MX  10 mx.acme.example.
acme.example.         TXT "v=spf1 mx a:mail.gone.test include:_spf.gone.example include:_spf.b.example include:spf.mtasv.net ?all exp=why.acme.example"
_spf.b.example.       TXT "v=spf1 exists:x.lost.example -all"
spf.mtasv.net.        TXT "v=spf1 ip4:198.51.100.0/24 -all"
mx.acme.example.      A   185.12.80.1
`)},
		{"a whole zone", "acme.example", dnstest.Must(`
acme.example.         MX  10 mx.acme.example.
acme.example.         MX  20 mx2.acme.example.
acme.example.         TXT "v=spf1 ip4:185.12.80.2 include:_spf.b.example ~all"
acme.example.         SPF "v=spf1 mx -all"
_spf.b.example.       TXT "v=spf1 a:mx.acme.example -all"
mx.acme.example.      A   185.12.80.1
mx2.acme.example.     A   185.12.80.2
shop.acme.example.    MX  10 mx.acme.example.
news.acme.example.    MX  10 mx.acme.example.
news.acme.example.    TXT "v=spf1 -all"
`).Listing()},
		{"a name for lookups", "80.12.185.in-addr.arpa", dnstest.Must(`
80.12.185.in-addr.arpa.  NS  ns1.acme.example.
`)},
		{"no such domain", "absent.acme.example", dnstest.Must(`
_dmarc.acme.example.  TXT "v=DMARC1; p=reject; np=none"
`)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := discover(t, tt.resolver, tt.domain)
			before := mailcheck.Judge(f, mailcheck.Settings{}).Results
			var wrong []string
			lose := func(replies ...*dnsx.Reply) {
				q, answer := replies[0].Question, replies[0].Answer
				for _, r := range replies {
					r.Answer, r.Failure = nil, &dnsx.Failure{Question: q, Kind: dnsx.KindTimeout, Server: "192.0.2.53", Tries: 3}
				}
				for i, res := range mailcheck.Judge(f, mailcheck.Settings{}).Results {
					was, now := before[i].Outcome, res.Outcome
					if slices.Contains(aboutLoss, res.ID) {
						continue
					}
					if now != was && (now == check.Fail || was == check.Fail && now != check.Unknown) {
						wrong = append(wrong, fmt.Sprintf("%s: %s becomes %s without %s", res.ID, was, now, q))
					}
				}
				for _, r := range replies {
					r.Failure.Tries = 1
				}
				for _, res := range mailcheck.Judge(f, mailcheck.Settings{Only: aboutLoss}).Results {
					if res.Outcome == check.Fail {
						wrong = append(wrong, fmt.Sprintf("%s fails after one try of %s", res.ID, q))
					}
				}
				for _, r := range replies {
					r.Answer, r.Failure = answer, nil
				}
			}
			answers := map[dnsx.Question][]*dnsx.Reply{} // several rooms may have one
			eachReply(reflect.ValueOf(f), func(r *dnsx.Reply) {
				if r.Answer != nil {
					answers[r.Question] = append(answers[r.Question], r)
					lose(r)
				}
			})
			for _, replies := range answers {
				lose(replies...)
			}
			slices.Sort(wrong)
			assert.Empty(t, slices.Compact(wrong))
			assert.Equal(t, before, mailcheck.Judge(f, mailcheck.Settings{}).Results, "the facts are whole again")
		})
	}
}

// aboutLoss are the rules about lost answers, which fail where one was asked for several
// times while others came.
var aboutLoss = []string{"caa.lookup-fails", "spf.temperror", "spf.include-temperror"}

// eachReply hands over every Reply below v, in the place where it stands.
func eachReply(v reflect.Value, do func(*dnsx.Reply)) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			eachReply(v.Elem(), do)
		}
	case reflect.Struct:
		if r, ok := v.Addr().Interface().(*dnsx.Reply); ok {
			do(r)
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				eachReply(v.Field(i), do)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			eachReply(v.Index(i), do)
		}
	}
}
