package mtasts_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/mtasts"
)

func ExampleParse() {
	rec, err := mtasts.Parse("v=STSv1;id=20261122T090000;")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(rec.ID)
	fmt.Println(rec)
	// Output:
	// 20261122T090000
	// v=STSv1; id=20261122T090000
}

func ExampleParse_invalid() {
	rec, err := mtasts.Parse("v=STSv1; id=2026-11-22")
	var bad *mtasts.SyntaxError
	if errors.As(err, &bad) {
		fmt.Printf("%q at octet %d: %s\n", bad.Term, bad.Offset, bad.Reason)
	}
	fmt.Println("read all the same:", rec.ID)
	// Output:
	// "id=2026-11-22" at octet 9: an id has letters and digits only
	// read all the same: 2026-11-22
}

func ExampleParsePolicy() {
	policy, err := mtasts.ParsePolicy("version: STSv1\nmode: enforce\nmx: *.acme.example\nmax_age: 604800\n")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(policy.Mode, policy.MX, policy.MaxAge)
	// Output: enforce [*.acme.example] 168h0m0s
}

func ExamplePolicy_Matches() {
	policy := &mtasts.Policy{MX: []string{"*.acme.example"}}
	for _, host := range []string{"mx.acme.example", "acme.example", "a.mx.acme.example"} {
		fmt.Println(host, policy.Matches(host))
	}
	// Output:
	// mx.acme.example true
	// acme.example false
	// a.mx.acme.example false
}

func ExampleCheck() {
	zone := dnstest.Must(`_mta-sts.acme.example. TXT "v=STSv1; id=1"`) // and no mta-sts.acme.example
	results, err := mtasts.Check(context.Background(), zone, "acme.example", mtasts.Options{}, mtasts.Settings{})
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
	// mtasts.record-without-policy high mta-sts.acme.example has neither an A nor an AAAA record
}

func ExampleDiscover() {
	zone := dnstest.Must(`
_mta-sts.acme.example. TXT "v=STSv1; id=1"
mta-sts.acme.example.  A   192.0.2.1
`)
	// Options.Dialer is nil, so nobody connects to 192.0.2.1.
	facts, err := mtasts.Discover(context.Background(), zone, "acme.example", mtasts.Options{})
	if err != nil {
		fmt.Println(err) // no domain name, or the context ended
		return
	}
	for _, gap := range mtasts.Analyze(facts).PolicyUnread {
		fmt.Println(gap.Why, gap.Subject)
	}
	// Output:
	// not-asked https://mta-sts.acme.example/.well-known/mta-sts.txt
}

func ExampleRepair() {
	zone := dnstest.Must(`_mta-sts.acme.example. TXT "v=STSv1 id=2026-11-22"`)
	facts, err := mtasts.Discover(context.Background(), zone, "acme.example", mtasts.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, change := range mtasts.Repair(mtasts.Analyze(facts)) {
		fmt.Println(change.Name, change.Type, change.New)
	}
	// Output:
	// _mta-sts.acme.example TXT [v=STSv1; id=20261122]
}
