package zone_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/zone"
)

func ExampleLoad() {
	z, err := zone.Load("../../examples/zones")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, q := range []dnsx.Question{
		dnsx.Q("mail.zendesk.com", dnsx.TypeTXT),
		dnsx.Q("support.acme.example", dnsx.TypeA),
		dnsx.Q("zendesk2._domainkey.acme.example", dnsx.TypeTXT),
		dnsx.Q("autodiscover.acme.example", dnsx.TypeA),
	} {
		a, err := z.Resolve(context.Background(), q)
		switch {
		case err != nil:
			fmt.Println(err) // outlook.com is in no file, and Next is nil
		case !a.Exists():
			fmt.Println(q, "does not exist, says", a.Server)
		default:
			fmt.Println(q, a.Records[0].DataText())
		}
	}
	// Output:
	// TXT mail.zendesk.com "v=spf1 ip4:203.0.113.0/24 ~all"
	// A support.acme.example 203.0.113.10
	// TXT zendesk2._domainkey.acme.example does not exist, says acme.example.zone
	// A autodiscover.acme.example was not asked: no zone file knows A autodiscover.outlook.com
}

func ExampleParse() {
	z, err := zone.Parse("acme.example.yaml", []byte(`
_dmarc:
  type: TXT
  value: v=DMARC1\; p=none
www:
  type: ALIAS
  value: lb.example.net.
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	a, err := z.Resolve(context.Background(), dnsx.Q("_dmarc.acme.example", dnsx.TypeTXT))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(a.Records[0].Text())
	for _, n := range z.Notes() {
		fmt.Println(n)
	}
	// Output:
	// v=DMARC1; p=none
	// acme.example.yaml:6: www.acme.example ALIAS: not read: the file does not say which records it becomes
}

func ExampleParse_invalid() {
	_, err := zone.Parse("acme.example.zone", []byte("@ SOA ns hostmaster 1 7200 900 1209600 300\nwww A 192.0.2.256\n"))
	var at *zone.SyntaxError
	if errors.As(err, &at) {
		fmt.Println(at.Line, at.Reason)
	}
	// Output: 2 A: cannot read "192.0.2.256"
}

func ExampleZones_Names() {
	z, err := zone.Load("../../examples/zones")
	if err != nil {
		fmt.Println(err)
		return
	}
	names, err := z.Names("_domainkey.acme.example")
	fmt.Println(names, err)
	// Output: [selector1._domainkey.acme.example selector2._domainkey.acme.example zendesk1._domainkey.acme.example] <nil>
}
