package wire_test

import (
	"context"
	"fmt"
	"log"

	"github.com/miekg/dns"

	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/wire"
)

// world is the server of the examples.
var world = byName(map[string]response{
	"acme.example.": {answer: []string{
		`acme.example. 300 IN TXT "v=spf1 include:_spf.acme.example -all"`,
		`acme.example. 300 IN TXT "a text of \"several\" " "strings"`,
	}},
	"nobody.example.": {rcode: dns.RcodeNameError, authority: []string{soa}},
	"broken.example.": {rcode: dns.RcodeServerFailure, ede: []dns.EDNS0_EDE{{InfoCode: 6, ExtraText: "signature expired"}}},
})

func ExampleClient_Resolve() {
	addr, stop, err := start(world) // a name server on loopback
	if err != nil {
		log.Fatal(err)
	}
	defer stop()
	c := &wire.Client{Servers: []wire.Server{{Addr: addr}}}
	defer c.Close()
	for _, name := range []string{"acme.example", "nobody.example", "broken.example"} {
		a, err := c.Resolve(context.Background(), dnsx.Q(name, dnsx.TypeTXT))
		switch f, failed := err.(*dnsx.Failure); {
		case failed:
			fmt.Println(f.Kind, f.RCode, f.EDE[0].Text)
		case err != nil:
			log.Fatal(err) // the context's
		case !a.Exists():
			fmt.Println(name, "does not exist")
		default:
			for _, rr := range a.Records {
				fmt.Println(rr.Text())
			}
		}
	}
	// Output:
	// a text of "several" strings
	// v=spf1 include:_spf.acme.example -all
	// nobody.example does not exist
	// rcode SERVFAIL signature expired
}

func ExampleClient_ResolveAll() {
	addr, stop, err := start(world)
	if err != nil {
		log.Fatal(err)
	}
	defer stop()
	c := &wire.Client{Servers: []wire.Server{{Addr: addr}}}
	defer c.Close()
	replies := dnsx.Ask(context.Background(), c, // uses ResolveAll
		dnsx.Q("acme.example", dnsx.TypeTXT), dnsx.Q("nobody.example", dnsx.TypeMX))
	for _, reply := range replies {
		fmt.Println(reply.Question, len(reply.Records()), "records, absent:", reply.Absent())
	}
	// Output:
	// TXT acme.example 2 records, absent: false
	// MX nobody.example 0 records, absent: true
}

func ExampleParseServer() {
	for _, text := range []string{"192.0.2.53", "[2001:db8::53]:5353", "tls://192.0.2.53#dns.example", "dns.example"} {
		s, err := wire.ParseServer(text)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(s)
	}
	// Output:
	// 192.0.2.53:53
	// [2001:db8::53]:5353
	// tls://192.0.2.53:853#dns.example
	// wire: name server "dns.example": "dns.example" is no IP address: want IP, IP:port, [IPv6]:port, tcp://IP, tls://IP#name or https://host/path#IP
}
