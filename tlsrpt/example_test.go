package tlsrpt_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/tlsrpt"
)

func ExampleParse() {
	rec, err := tlsrpt.Parse("v=TLSRPTv1;rua=mailto:tls@acme.example,https://reports.example/acme;")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(rec.RUA)
	fmt.Println(rec)
	// Output:
	// [mailto:tls@acme.example https://reports.example/acme]
	// v=TLSRPTv1; rua=mailto:tls@acme.example,https://reports.example/acme
}

func ExampleParse_invalid() {
	rec, err := tlsrpt.Parse("v=TLSRPTv1; rua=mailto:a@acme.example; mailto:b@acme.example")
	var bad *tlsrpt.SyntaxError
	if errors.As(err, &bad) {
		fmt.Printf("at octet %d: %s\n", bad.Offset, bad.Reason)
	}
	fmt.Println("read all the same:", rec.RUA)
	// Output:
	// at octet 39: a URI where a field has to stand; URIs are separated by commas
	// read all the same: [mailto:a@acme.example mailto:b@acme.example]
}

func ExampleCheck() {
	zone := dnstest.Must(`_smtp._tls.acme.example. TXT "v=TLSRPTv1; rua=tls@acme.example"`)
	results, err := tlsrpt.Check(context.Background(), zone, "acme.example", tlsrpt.Options{}, tlsrpt.Settings{})
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
	// tlsrpt.rua-scheme medium octet 16, "tls@acme.example": no URI: it has no scheme
}

func ExampleDiscover() {
	zone := dnstest.Must(`_smtp._tls.acme.example. TXT !timeout`)
	facts, err := tlsrpt.Discover(context.Background(), zone, "acme.example", tlsrpt.Options{})
	if err != nil {
		fmt.Println(err) // no domain name, or the context ended
		return
	}
	fmt.Println(facts.Record.Err())
	// Output:
	// TXT _smtp._tls.acme.example timed out at dnstest
}

func ExampleRepair() {
	zone := dnstest.Must(`
_smtp._tls.acme.example. TXT "v=TLSRPTv1; rua=mailto:tls@acme.example"
_smtp._tls.acme.example. TXT "v=TLSRPTv1; rua=mailto:acme@reports.example"
`)
	facts, err := tlsrpt.Discover(context.Background(), zone, "acme.example", tlsrpt.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, change := range tlsrpt.Repair(tlsrpt.Analyze(facts)) {
		fmt.Println(change.Name, change.Type, change.New)
	}
	// Output:
	// _smtp._tls.acme.example TXT [v=TLSRPTv1; rua=mailto:tls@acme.example,mailto:acme@reports.example]
}
