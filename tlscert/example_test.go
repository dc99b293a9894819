package tlscert_test

import (
	"context"
	"fmt"
	"log"
	"net/netip"
	"time"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/tlscert"
)

func ExampleCheck() {
	resolver := dnstest.Must(`
		support.acme.example. CNAME acme.helpdesk.example.
		acme.helpdesk.example. A 192.0.2.10
		acme.helpdesk.example. A 192.0.2.11
	`)
	network := parseWorld("support.acme.example", `
		192.0.2.10 lifetime=90d left=84d
		192.0.2.11 lifetime=90d left=9d
	`)
	options := network.options("hosts support.acme.example")
	results, err := tlscert.Check(context.Background(), resolver, "acme.example", options, tlscert.Settings{Roots: testPKI().roots})
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range results {
		if r.Outcome == check.Fail {
			fmt.Println(r.Outcome, r.ID, r.Severity)
			fmt.Println(r.Findings[0].Detail)
			fmt.Println(r.Findings[0].Fix.Summary)
		}
	}
	// Output:
	// fail cert.expiring high
	// the certificate at 192.0.2.11 (1 of 2 addresses) expires in 9 days, on 2026-12-01 11:59 UTC; 10% of its lifetime of 90 days is left
	// Install the certificate that 192.0.2.10 serves, valid until 2027-02-14 11:59 UTC, at 192.0.2.11 (1 of 2 addresses) too
	// fail cert.addresses-differ medium
	// new certificate on 1 of 2 addresses; 192.0.2.11 still serves the old one, which expires in 9 days, on 2026-12-01 11:59 UTC
	// Install the same, newest certificate at every address, and reload each server.
}

// What is served is written down whether it is valid or not; which addresses
// stayed silent, too.
func ExampleDiscover() {
	resolver := dnstest.Must("acme.example. A 192.0.2.10\nacme.example. A 192.0.2.11")
	network := parseWorld("acme.example", "192.0.2.10 issuer=self left=-3d\n192.0.2.11 refused")

	facts, err := tlscert.Discover(context.Background(), resolver, "acme.example", network.options(""))
	if err != nil {
		log.Fatal(err)
	}
	for _, e := range facts.Hosts[0].Endpoints {
		if e.TLS == nil {
			fmt.Println(e.Addr, e.Failure)
			continue
		}
		fmt.Println(e.Addr, e.TLS.Version, len(e.TLS.Chain), "certificate")
	}
	fmt.Println(tlscert.Analyze(facts).Soonest().NotAfter())
	// Output:
	// 192.0.2.10 TLS 1.3 1 certificate
	// 192.0.2.11 connection refused
	// 2026-11-19 11:59:59 +0000 UTC
}

// A certificate that is valid for long is of no use once its chain breaks.
func ExampleOverview() {
	resolver := dnstest.Must("acme.example. A 192.0.2.10")
	network := parseWorld("acme.example", "192.0.2.10 left=60d issuer=old")

	facts, err := tlscert.Discover(context.Background(), resolver, "acme.example", network.options(""))
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range tlscert.Overview(tlscert.Analyze(facts), tlscert.Settings{Roots: testPKI().roots}) {
		fmt.Println(s.Host, "by", s.Issuer, "until", s.Host.NotAfter().Format(time.DateOnly))
		fmt.Println("breaks on", s.Breaks.Format(time.DateOnly), "because", s.Reason)
	}
	// Output:
	// acme.example by Old CA until 2027-01-21
	// breaks on 2026-12-02 because the intermediate Old CA expires
}

func ExampleParseThreshold() {
	for _, text := range []string{"21d", "1/4", "30%", "soon"} {
		threshold, err := tlscert.ParseThreshold(text)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(threshold)
	}
	// Output:
	// 21d
	// 25%
	// 30%
	// tlscert: "soon" is no threshold: want a time as 21d or 12h, or a share of the lifetime as 1/3 or 30%
}

func ExampleParseHost() {
	host, err := tlscert.ParseHost("Support.Acme.Example:8443")
	fmt.Println(host.Name, host.Port, err)
	// Output: support.acme.example 8443 <nil>
}

// One host at one address, here a mail server over STARTTLS.
func ExampleProber_Probe() {
	network := newStage(`
		S: 220 mx.acme.example ESMTP
		C: EHLO checker.acme.example
		S: 250-mx.acme.example
		S: 250 STARTTLS
		C: STARTTLS
		S: 454 4.7.0 TLS not available
		C: QUIT`)
	prober := &tlscert.Prober{EHLO: "checker.acme.example", Dialer: network, AllowPrivate: allowed}

	host, err := tlscert.ParseHost("mx.acme.example:25")
	if err != nil {
		log.Fatal(err)
	}
	endpoint, err := prober.Probe(context.Background(), host, netip.MustParseAddr("192.0.2.1"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(endpoint.Capabilities)
	fmt.Println(endpoint.Failure)
	// Output:
	// [STARTTLS]
	// the server refused: 454 4.7.0 TLS not available
}

// With a Fetcher, what the certificates point to is looked at too: here a revocation
// list, for which nothing but the resolver and the fetcher is asked.
func ExampleFetcher() {
	resolver := dnstest.Must("acme.example. A 192.0.2.10\nca.example. A 192.0.2.80")
	network := parseWorld("acme.example", "192.0.2.10 crl=http://ca.example/1.crl")
	options := network.options("")
	options.Fetcher = &tlscert.Fetcher{
		Dialer: parseWeb(network, "http://ca.example/1.crl crl of=192.0.2.10 reason=4"),
	}
	results, err := tlscert.Check(context.Background(), resolver, "acme.example", options, tlscert.Settings{Roots: testPKI().roots})
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range results {
		if r.Outcome == check.Fail {
			fmt.Println(r.ID, r.Severity)
			fmt.Println(r.Findings[0].Detail)
		}
	}
	// Output:
	// cert.revoked critical
	// the certificate at 192.0.2.10 was revoked: since 2026-11-20 12:00 UTC, reason superseded, says CRL http://ca.example/1.crl
}
