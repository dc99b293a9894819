package mailcheck_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/dnsx/zone"
)

func FuzzJudge(f *testing.F) {
	files, err := filepath.Glob("testdata/facts/*.json")
	require.NoError(f, err)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(data)
	}
	f.Add([]byte(`{"schema":"mailcheck/facts/v1","domain":"a.example","mx":{"mx":{"answer":{"question":{"name":"a.example","type":"MX"},"rcode":"NOERROR","records":["a.example. 0 IN MX 0 ."]}}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		facts, err := mailcheck.ReadFacts(bytes.NewReader(data))
		if err != nil {
			return
		}
		rep := mailcheck.Judge(facts, mailcheck.Settings{})
		if len(rep.Results) == 0 {
			t.Error("no rule was judged")
		}
	})
}

func ExampleChecker_Check() {
	checker := mailcheck.Checker{
		Resolver: dnstest.Must(`
acme.example.         MX  10 mx.acme.example.
acme.example.         TXT "v=spf1 mx include:_spf.acme.example -all"
_spf.acme.example.    TXT !timeout
mx.acme.example.      A   185.12.80.1
_dmarc.acme.example.  TXT "v=DMARC1; p=none; rua=mailto:dmarc@acme.example"
`),
		Offline: true,
	}
	rep, err := checker.Check(context.Background(), mailcheck.Target{Domain: "acme.example"}, mailcheck.Settings{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, a := range rep.Answers[:2] {
		fmt.Printf("%s %s\n", a.Question, a.Answer)
	}
	for _, res := range rep.Results {
		if res.ID == "dmarc.p-none" || res.ID == "spf.lookup-limit" {
			fmt.Println(res.ID, res.Outcome, res.Reason)
		}
	}
	// Output:
	// Can others forge this domain? yes
	// Will your own mail pass? unknown
	// spf.lookup-limit unknown TXT _spf.acme.example could not be known: TXT _spf.acme.example timed out at dnstest
	// dmarc.p-none fail
}

func BenchmarkDiscoverAndJudge(b *testing.B) {
	z, err := zone.Load("examples/zones")
	require.NoError(b, err)
	c := mailcheck.Checker{Resolver: z, Offline: true}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Check(b.Context(), mailcheck.Target{Domain: "acme.example"}, mailcheck.Settings{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkJudge(b *testing.B) {
	z, err := zone.Load("examples/zones")
	require.NoError(b, err)
	f := discover(b, z, "acme.example")
	b.ReportAllocs()
	for b.Loop() {
		mailcheck.Judge(f, mailcheck.Settings{})
	}
}

// BenchmarkJudge_bulk has what those who survey many names judge: answers of name
// servers, which list no selectors, so that nearly all that were asked for are absent.
func BenchmarkJudge_bulk(b *testing.B) {
	r := dnstest.Must(`
acme.example.          SOA ns1.acme.example. hostmaster.acme.example. 1 7200 3600 1209600 3600
acme.example.          MX  1 aspmx.mail.example.
acme.example.          MX  5 alt1.aspmx.mail.example.
acme.example.          TXT "v=spf1 include:_spf.mail.example include:_spf.news.example ip4:198.51.100.7 a mx ~all"
acme.example.          A   198.51.100.1
acme.example.          TXT "google-site-verification=2f6c1a"
_spf.mail.example.     TXT "v=spf1 include:_n1.mail.example include:_n2.mail.example ~all"
_n1.mail.example.      TXT "v=spf1 ip4:185.12.80.0/22 ip4:185.12.84.0/24 ip4:192.161.144.0/20 ip6:2001:67c::/32 ~all"
_n2.mail.example.      TXT "v=spf1 ip4:216.198.0.0/18 ip4:185.90.20.0/22 ip6:2001:67d::/32 ~all"
_spf.news.example.     TXT "v=spf1 ip4:167.89.0.0/17 ip4:208.117.48.0/20 ~all"
aspmx.mail.example.    A   185.12.80.1
aspmx.mail.example.    AAAA 2001:67c::1
alt1.aspmx.mail.example. A 185.12.80.2
_dmarc.acme.example.   TXT "v=DMARC1; p=none; rua=mailto:dmarc@acme.example"
google._domainkey.acme.example. TXT "v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAyym3/kdfYOOJmIbl3s9CtJntypa+/m+EM8pdW+1Wd28//kOJZvYeiWAGfqanOp+JprQ8QuNMV683ly7eyym1WGYWV99FqfByUBPBJF/z/bPDZjyrTTDFM8GjmMs3MSGVPbgEFWD/bmIPmL34Y5XTJrKQwxtl" "ldg9wK96J6/bdLhkqVbAoX5vk6gjAEpT/4jvTK+UWHtq/yRRTpuSW0S0Ne4DsfvgL4q9N8/0mbBy7mi4xvfNqgFN2HRLU93VKOa6Xk3yi9HZO1UFeSZoxHGbTKjAOrBGs/7VxXU2tJuvvMP8syhLmQcCVZCSrVS1/vGtHqh2WFBRQXlnh46uK6TF7QIDAQAB"
parked.example.        SOA ns1.parked.example. hostmaster.parked.example. 1 7200 3600 1209600 3600
parked.example.        A   198.51.100.2
`)
	for _, bench := range []struct{ name, domain string }{
		{"sends", "acme.example"},
		{"parked", "parked.example"},
		{"does not exist", "absent.example"},
	} {
		f := discover(b, r, bench.domain)
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				mailcheck.Judge(f, mailcheck.Settings{})
			}
		})
	}
}
