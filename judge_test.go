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
