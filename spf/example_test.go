package spf_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/spf"
)

func ExampleParse() {
	rec, err := spf.Parse("v=spf1 a:out.acme.example/30 IP4:192.0.2.0/24 include:%{d}._spf.provider.example ~all")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, d := range rec.Directives {
		fmt.Println(d.Mechanism, d.Qualifier)
	}
	fmt.Println(rec)
	// Output:
	// a pass
	// ip4 pass
	// include pass
	// all softfail
	// v=spf1 a:out.acme.example/30 ip4:192.0.2.0/24 include:%{d}._spf.provider.example ~all
}

func ExampleParse_invalid() {
	rec, err := spf.Parse("v=spf1 mx ipv4:192.0.2.1 ip4:192.0.2.300 -all")
	var fault *spf.SyntaxError
	if errors.As(err, &fault) {
		fmt.Printf("at octet %d, %s: %s\n", fault.Offset, fault.Term, fault.Reason)
	}
	fmt.Println("read all the same:", rec)
	fmt.Println("faults:", len(rec.Faults))
	// Output:
	// at octet 10, ipv4:192.0.2.1: there is no mechanism "ipv4"
	// read all the same: v=spf1 mx -all
	// faults: 2
}

func ExampleCheck() {
	zone := dnstest.Must(`
acme.example.          TXT "v=spf1 include:_spf.provider.example include:old.example +all"
_spf.provider.example. TXT "v=spf1 ip4:198.51.100.0/24 -all"
`)
	results, err := spf.Check(context.Background(), zone, "acme.example", spf.Options{}, spf.Settings{})
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
	// spf.include-unregistered critical include:old.example: the DNS has no domain old.example
	// spf.include-none low old.example does not exist: see spf.include-unregistered
	// spf.all-pass critical "all": it passes every address
}

func ExampleAnalyze() {
	zone := dnstest.Must(`
acme.example.          TXT "v=spf1 mx include:_spf.provider.example ~all"
acme.example.          MX  10 mx.acme.example.
mx.acme.example.       A   198.51.100.1
_spf.provider.example. TXT "v=spf1 ip4:203.0.113.0/24 -all"
`)
	facts, err := spf.Discover(context.Background(), zone, "acme.example", spf.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	a := spf.Analyze(facts)
	fmt.Println("lookups:", a.Lookups)
	fmt.Println("all others:", a.Default)
	for _, s := range a.Authorized {
		fmt.Println(s.Prefix, "by", s.Term, "in the record of", s.Name)
	}
	// Output:
	// lookups: 2
	// all others: softfail
	// 198.51.100.1/32 by mx in the record of acme.example
	// 203.0.113.0/24 by ip4:203.0.113.0/24 in the record of _spf.provider.example
}

// What each term costs with all that it leads to, the dearest first, and the terms that
// cost most on the way down.
func ExampleNode_costs() {
	zone := dnstest.Must(`
acme.example.          TXT "v=spf1 mx include:small.example include:_spf.provider.example ~all"
acme.example.          MX  10 mx.acme.example.
mx.acme.example.       A   198.51.100.1
small.example.         TXT "v=spf1 a:mx.acme.example -all"
_spf.provider.example. TXT "v=spf1 include:a.provider.example ip4:203.0.113.0/24 -all"
a.provider.example.    TXT "v=spf1 exists:%{i}.a.provider.example mx:acme.example -all"
`)
	facts, err := spf.Discover(context.Background(), zone, "acme.example", spf.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	a := spf.Analyze(facts)
	fmt.Println("a client that no term matches:", a.Lookups, "margin:", a.Margin())
	dear := func(x, y spf.Cost) int { return cmp.Compare(y.Lookups, x.Lookups) }
	for _, c := range slices.SortedStableFunc(slices.Values(a.Nodes[a.Domain].Costs), dear) {
		fmt.Println(c.Lookups, c.Term)
	}
	for n := a.Nodes[a.Domain]; n != nil && len(n.Costs) > 0; {
		c := slices.MinFunc(n.Costs, dear)
		fmt.Println("down:", c.Term)
		n = c.Node
	}
	// Output:
	// a client that no term matches: 7 margin: 3
	// 4 include:_spf.provider.example
	// 2 include:small.example
	// 1 mx
	// down: include:_spf.provider.example
	// down: include:a.provider.example
	// down: exists:%{i}.a.provider.example
}

func ExampleDiscover() {
	zone := dnstest.Must(`
acme.example.          TXT "v=spf1 include:_spf.provider.example -all"
_spf.provider.example. TXT !timeout
`)
	facts, err := spf.Discover(context.Background(), zone, "acme.example", spf.Options{})
	if err != nil {
		fmt.Println(err) // no domain name, or the context ended
		return
	}
	for _, reply := range facts.Replies {
		fmt.Println(reply.Question, reply.Err())
	}
	// Output:
	// TXT _spf.provider.example TXT _spf.provider.example timed out at dnstest
	// TXT acme.example <nil>
}

func ExampleRepair() {
	zone := dnstest.Must(`
acme.example. TXT "v=spf1 ipv4:198.51.100.1 a:gone.acme.example all"
acme.example. TXT "v=spf1 ip4:198.51.100.2,ip4:198.51.100.3 -all"
`)
	facts, err := spf.Discover(context.Background(), zone, "acme.example", spf.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, change := range spf.Repair(spf.Analyze(facts)) {
		fmt.Println(change.Name, change.Type, change.New)
	}
	// Output:
	// acme.example TXT [v=spf1 ip4:198.51.100.2 ip4:198.51.100.3 ip4:198.51.100.1 ~all]
}

func ExampleCheckHost() {
	zone := dnstest.Must(`
acme.example.          TXT "v=spf1 include:_spf.provider.example -all exp=why.acme.example"
_spf.provider.example. TXT "v=spf1 ip4:203.0.113.0/24 ~all"
why.acme.example.      TXT "%{i} is no mail server of %{d}"
`)
	for _, ip := range []string{"203.0.113.7", "198.51.100.7"} {
		v, err := spf.CheckHost(context.Background(), zone, spf.Session{
			IP: netip.MustParseAddr(ip), MailFrom: "news@acme.example", Helo: "out.provider.example",
		})
		if err != nil {
			fmt.Println(err) // the context ended, or there is no address
			return
		}
		fmt.Println(v.Result, "by", v.Mechanism, "in the record of", v.Path[len(v.Path)-1].Name)
		if v.Explanation != "" {
			fmt.Println(v.Domain, "explains:", v.Explanation)
		}
	}
	// Output:
	// pass by ip4:203.0.113.0/24 in the record of _spf.provider.example
	// fail by -all in the record of acme.example
	// acme.example explains: 198.51.100.7 is no mail server of acme.example
}

func ExampleChecker() {
	zone := dnstest.Must(`
acme.example. TXT "v=spf1 include:_spf.gone.example -all"
slow.example. TXT !timeout
`)
	checker := spf.Checker{Budget: 30 * time.Second} // one for all messages
	resolver := &dnsx.Cache{Next: zone}
	for _, from := range []string{"user@acme.example", "user@slow.example", "user@silent.example"} {
		v, err := checker.CheckHost(context.Background(), resolver, spf.Session{IP: netip.MustParseAddr("192.0.2.7"), MailFrom: from})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(v.Result, "because", v.Problem)
	}
	// Output:
	// permerror because include:_spf.gone.example in the record of acme.example: _spf.gone.example does not exist
	// temperror because TXT slow.example timed out at dnstest
	// none because silent.example does not exist
}

func ExampleAnalysis_Decide() {
	zone := dnstest.Must(`
acme.example.          TXT "v=spf1 -ip4:192.0.2.64/26 include:_spf.provider.example ?exists:%{i}.x.example ~all"
_spf.provider.example. TXT "v=spf1 ip4:192.0.2.0/24 -all"
`)
	facts, err := spf.Discover(context.Background(), zone, "acme.example", spf.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	d := spf.Analyze(facts).Decide([]netip.Prefix{netip.MustParsePrefix("192.0.2.0/25"), netip.MustParsePrefix("198.51.100.7/32")})
	for _, s := range d.Shares {
		last := s.Path[len(s.Path)-1]
		fmt.Println(s.Prefixes, s.Result, "by", last.Term, "in the record of", last.Name)
		if s.Open {
			fmt.Println("  unless it is decided before by", d.Open[0].Term)
		}
	}
	// Output:
	// [192.0.2.64/26] fail by -ip4:192.0.2.64/26 in the record of acme.example
	// [192.0.2.0/26] pass by ip4:192.0.2.0/24 in the record of _spf.provider.example
	// [198.51.100.7/32] softfail by ~all in the record of acme.example
	//   unless it is decided before by ?exists:%{i}.x.example
}

func ExampleFlatten() {
	zone := dnstest.Must(`
acme.example.          TXT "v=spf1 mx include:_spf.provider.example include:mail.desk.example ~all"
acme.example.          MX  10 mx.acme.example.
mx.acme.example.       A   198.51.100.1
_spf.provider.example. TXT "v=spf1 include:a.provider.example ip4:203.0.113.0/25 -all"
a.provider.example.    TXT "v=spf1 ip4:203.0.113.128/25 -all"
mail.desk.example.     TXT "v=spf1 ip4:192.0.2.0/24 -all"
`)
	facts, err := spf.Discover(context.Background(), zone, "acme.example", spf.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	plan, err := spf.Flatten(spf.Analyze(facts), spf.FlattenOptions{Keep: []string{"mail.desk.example"}})
	if err != nil {
		fmt.Println(err) // there is no record, or it could not be read
		return
	}
	fmt.Println("lookups:", plan.After.Lookups, "instead of", plan.Before.Lookups)
	for _, r := range plan.Records { // none where plan.Problems has a reason
		fmt.Println(r.Name, r.Text)
	}
	for _, k := range plan.Kept {
		fmt.Println("kept:", k.Term, k.Text)
	}
	// Output:
	// lookups: 1 instead of 4
	// acme.example v=spf1 ip4:198.51.100.1 ip4:203.0.113.0/24 include:mail.desk.example ~all
	// kept: include:mail.desk.example mail.desk.example is to be kept
}
