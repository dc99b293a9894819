package mx_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/mx"
)

func ExampleParse() {
	rec, err := mx.Parse("10 MX1.acme.example.")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(rec.Preference, rec.Host)
	fmt.Println(rec)
	// Output:
	// 10 mx1.acme.example
	// 10 mx1.acme.example.
}

func ExampleParse_invalid() {
	_, err := mx.Parse("mx1.acme.example.")
	var bad *mx.SyntaxError
	if errors.As(err, &bad) {
		fmt.Println(bad.Reason)
	}
	// Output: a preference is a number from 0 to 65535
}

func ExampleDiscover() {
	zone := dnstest.Must(`
acme.example.     MX 10 mx1.acme.example.
acme.example.     MX 20 mx2.acme.example.
mx1.acme.example. A  192.0.2.1
mx2.acme.example. *  !timeout
`)
	facts, err := mx.Discover(context.Background(), zone, "acme.example", mx.Options{})
	if err != nil {
		fmt.Println(err) // no domain name, or the context ended
		return
	}
	a := mx.Analyze(facts)
	fmt.Println("takes mail:", a.Receives)
	for _, host := range a.Hosts {
		fmt.Println(host.Preference, host.Name, host.Addrs, len(host.Unread), "answers missing")
	}
	// Output:
	// takes mail: yes
	// 10 mx1.acme.example [192.0.2.1] 0 answers missing
	// 20 mx2.acme.example [] 2 answers missing
}

func ExampleCheck() {
	zone := dnstest.Must(`
acme.example.     MX 10 mx1.acme.example.
acme.example.     MX 20 mx.gone.example.
mx1.acme.example. A  1.1.1.1
`)
	results, err := mx.Check(context.Background(), zone, "acme.example", mx.Options{}, mx.Settings{})
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
	// mx.dangling high mx.gone.example does not exist, and neither does the domain gone.example
}

func ExampleRepair() {
	zone := dnstest.Must(`acme.example. MX 10 .`)
	facts, err := mx.Discover(context.Background(), zone, "acme.example", mx.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, change := range mx.Repair(mx.Analyze(facts)) {
		fmt.Println(change.Name, change.Type, change.Old, "becomes", change.New)
	}
	// Output:
	// acme.example MX [10 .] becomes [0 .]
}
