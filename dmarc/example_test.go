package dmarc_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dmarc"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
)

func ExampleParse() {
	record, err := dmarc.Parse("v=DMARC1; p=reject; SP=quarantine; rua=dmarc@acme.example")
	var syntax *dmarc.SyntaxError
	if errors.As(err, &syntax) {
		for _, fault := range record.Faults {
			fmt.Printf("octet %d: %s\n", fault.Offset, fault.Reason)
		}
	}
	fmt.Println(record.Policy, record.SubdomainPolicy, record.NonexistentPolicy)
	fmt.Println(record)
	// Output:
	// octet 20: tag names are written in lower case
	// octet 39: the scheme is missing: an address is written mailto:user@host
	// reject quarantine quarantine
	// v=DMARC1; p=reject; sp=quarantine; rua=dmarc@acme.example
}

func ExampleDiscover() {
	zone := dnstest.Must(`
		shop.acme.example.    A   192.0.2.1
		_dmarc.acme.example.  TXT "v=DMARC1; p=reject; sp=none; np=reject"`)
	facts, err := dmarc.Discover(context.Background(), zone, "shop.acme.example", dmarc.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	a := dmarc.Analyze(facts)
	fmt.Println("record at", a.New.Owner, "for", a.New.OrganizationalDomain)
	fmt.Println("mail From shop.acme.example:", a.New.Domain.Policy)
	fmt.Println("mail From a name below that does not exist:", a.New.Missing.Policy, "or, by RFC 7489,", a.Old.Missing.Policy)
	// Output:
	// record at acme.example for acme.example
	// mail From shop.acme.example: none
	// mail From a name below that does not exist: reject or, by RFC 7489, none
}

func ExampleCheck() {
	zone := dnstest.Must(`
		shop.acme.example.    A   192.0.2.1
		acme.example.         MX  10 mx.acme.example.
		_dmarc.acme.example.  TXT "v=DMARC1; p=quarantine; rua=mailto:dmarc@acme.example"`)
	results, err := dmarc.Check(context.Background(), zone, "shop.acme.example", dmarc.Options{}, dmarc.Settings{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, res := range results {
		if res.Outcome == check.Fail || res.Outcome == check.Note {
			fmt.Println(res.Outcome, res.ID)
			fmt.Println("    " + res.Findings[0].Detail.String())
		}
	}
	// Output:
	// note dmarc.inherited
	//     the record of acme.example applies to shop.acme.example: p=quarantine
	// note dmarc.p-quarantine
	//     p=quarantine at _dmarc.acme.example applies to shop.acme.example
}

func ExampleRepair() {
	zone := dnstest.Must(`_dmarc.acme.example. TXT "v=DMARC1; p=rejct; pct=100; rua=dmarc@acme.example"`)
	facts, err := dmarc.Discover(context.Background(), zone, "acme.example", dmarc.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, change := range dmarc.Repair(dmarc.Analyze(facts)) {
		fmt.Println(change.Name, change.Type)
		fmt.Println("-", change.Old[0])
		fmt.Println("+", change.New[0])
	}
	// Output:
	// _dmarc.acme.example TXT
	// - v=DMARC1; p=rejct; pct=100; rua=dmarc@acme.example
	// + v=DMARC1; p=reject; rua=mailto:dmarc@acme.example
}

func ExampleEvaluate() {
	zone := dnstest.Must(`_dmarc.acme.example. TXT "v=DMARC1; p=reject; t=y"`)
	walk := func(domain string) *dmarc.Analysis {
		facts, err := dmarc.Discover(context.Background(), zone, domain, dmarc.Options{WalkOnly: true})
		if err != nil {
			fmt.Println(err)
		}
		return dmarc.Analyze(facts)
	}
	verdict := dmarc.Evaluate(dmarc.Evaluation{
		Author: walk("acme.example"),
		SPF:    dmarc.Identifier{Domain: "bounces.mailer.example", Result: "pass", Analysis: walk("bounces.mailer.example")},
	})
	fmt.Println(verdict.New.Result, verdict.New.Disposition.Policy)
	fmt.Println(verdict.Old.Result, verdict.Old.Disposition.Policy)
	// Output:
	// fail quarantine
	// fail reject
}
