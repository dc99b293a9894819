package dkim_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dkim"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
)

func ExampleParse() {
	rec, err := dkim.Parse("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")
	if err != nil {
		fmt.Println(err)
		return
	}
	key, err := rec.PublicKey()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(key.Type, key.Bits(), "bits, for mail:", rec.ForMail())
	// Output:
	// ed25519 256 bits, for mail: true
}

func ExampleParse_invalid() {
	rec, err := dkim.Parse(`v=DKIM1\; k=rsa\; p=`)
	var bad *dkim.SyntaxError
	if errors.As(err, &bad) {
		fmt.Printf("at octet %d: %s\n", bad.Offset, bad.Reason)
	}
	fmt.Println("it was meant to be:", rec)
	// Output:
	// at octet 7: the backslash is part of the value; only zone files need one in front of a semicolon
	// it was meant to be: v=DKIM1; p=
}

func ExampleDiscover() {
	zone := dnstest.Must(`
s1._domainkey.acme.example. TXT "v=DKIM1; p="
s2._domainkey.acme.example. TXT !timeout
`)
	o := dkim.Options{Selectors: []dkim.Selector{{Name: "s1"}, {Name: "s2"}}, OnlyGiven: true}
	facts, err := dkim.Discover(context.Background(), zone, "acme.example", o)
	if err != nil {
		fmt.Println(err) // no domain name, or the context ended
		return
	}
	for _, s := range facts.Selectors {
		if err := s.TXT.Err(); err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(s.Name, s.TXT.Records()[0].Text())
	}
	// Output:
	// s1 v=DKIM1; p=
	// TXT s2._domainkey.acme.example timed out at dnstest
}

func ExampleCheck() {
	zone := dnstest.Must(`
s1._domainkey.acme.example. TXT "v=DKIM1; k=ed25519; t=y; p=/1ZxOR6n1jFA2EZdMyuXUQZ1dmF6nHNBkjR5zFFRHgk="
s2._domainkey.acme.example. CNAME s2.mailer.example.
`)
	results, err := dkim.Check(context.Background(), zone, "acme.example", dkim.Options{}, dkim.Settings{})
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
	// dkim.cname-dangling high it is an alias of s2.mailer.example, which does not exist
	// dkim.test-mode medium t= is y
}

func ExampleRepair() {
	zone := dnstest.Must(`s1._domainkey.acme.example. TXT "k=ed25519; v=DKIM1; P=/1ZxOR6n1jFA2EZdMyuXUQZ1dmF6nHNBkjR5zFFRHgk="`)
	facts, err := dkim.Discover(context.Background(), zone, "acme.example", dkim.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, change := range dkim.Repair(dkim.Analyze(facts)) {
		fmt.Println(change.Name, change.Type, change.New)
	}
	// Output:
	// s1._domainkey.acme.example TXT [v=DKIM1; k=ed25519; p=/1ZxOR6n1jFA2EZdMyuXUQZ1dmF6nHNBkjR5zFFRHgk=]
}
