package caa_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/mailcheck-go/mailcheck/caa"
	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
)

func ExampleParse() {
	rec, err := caa.Parse(`128 issue "letsencrypt.org; validationmethods=dns-01"`)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(rec.Tag, rec.Critical())
	fmt.Println(rec.Value)
	// Output:
	// issue true
	// letsencrypt.org; validationmethods=dns-01
}

func ExampleParseIssue() {
	issue, err := caa.ParseIssue("LetsEncrypt.org; validationmethods=dns-01")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(issue.Issuer, issue.Values("validationmethods"))
	// Output: letsencrypt.org [dns-01]
}

func ExampleParseIssue_invalid() {
	_, err := caa.ParseIssue("letsencrypt.org.")
	var bad *caa.SyntaxError
	if errors.As(err, &bad) {
		fmt.Printf("at octet %d: %s\n", bad.Offset, bad.Reason)
	}
	fmt.Println(err)
	// Output:
	// at octet 15: no dot may stand at the end of the CA's name
	// caa: octet 15, ".": no dot may stand at the end of the CA's name
}

// Will the certificate of a help centre be renewed? Its service uses Let's Encrypt.
func ExampleAnalysis_Allows() {
	zone := dnstest.Must(`
acme.example.         CAA   0 issue "pki.goog"
support.acme.example. CNAME acme.desk.example.
acme.desk.example.    A     192.0.2.1
`)
	facts, err := caa.Discover(context.Background(), zone, "support.acme.example", caa.Options{Host: true})
	if err != nil {
		fmt.Println(err) // no domain name, or the context ended
		return
	}
	a := caa.Analyze(facts)
	allowed, gaps := a.Allows(caa.Names, caa.IssuersOf("Let's Encrypt")...)
	switch {
	case len(gaps) > 0:
		fmt.Println("not known:", gaps[0].Subject)
	case !allowed:
		fmt.Println("no: the records of", a.At, "allow only", a.Policy(caa.Names).Allowed[0].Issuer)
	}
	// Output: no: the records of acme.example allow only pki.goog
}

func ExampleDiscover() {
	zone := dnstest.Must(`
www.acme.example. A   192.0.2.1
acme.example.     CAA !timeout
`)
	facts, err := caa.Discover(context.Background(), zone, "www.acme.example", caa.Options{})
	if err != nil {
		fmt.Println(err) // no domain name, or the context ended
		return
	}
	for _, level := range facts.Levels {
		fmt.Println(level.Question, level.Absent(), level.Err())
	}
	// Output:
	// CAA www.acme.example true <nil>
	// CAA acme.example false CAA acme.example timed out at dnstest
	// CAA example true <nil>
}

func ExampleCheck() {
	zone := dnstest.Must(`acme.example. CAA 1 issue "letsencrypt.org."`)
	results, err := caa.Check(context.Background(), zone, "acme.example", caa.Options{}, caa.Settings{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, res := range results {
		if res.Outcome == check.Fail {
			fmt.Println(res.ID, res.Severity, res.Findings[0].Detail)
		}
	}
	// Output:
	// caa.malformed-issue high issue, octet 15, ".": no dot may stand at the end of the CA's name; so no CA may issue certificates
	// caa.flags-value low flags are 1, which CAs read as 0
}

func ExampleRepair() {
	zone := dnstest.Must(`acme.example. CAA 1 issue "letsencrypt.org."`)
	facts, err := caa.Discover(context.Background(), zone, "acme.example", caa.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, change := range caa.Repair(caa.Analyze(facts)) {
		fmt.Println(change.Name, change.Type, change.Old, "becomes", change.New)
	}
	// Output:
	// acme.example CAA [1 issue "letsencrypt.org."] becomes [0 issue "letsencrypt.org"]
}
