package spf_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/spf"
)

const (
	client4 = "192.0.2.7"
	client6 = "2001:db8::7"
)

func session(ip, from, helo string) spf.Session {
	return spf.Session{IP: netip.MustParseAddr(ip), MailFrom: from, Helo: helo, Receiver: "mx.receiver.example", Time: time.Unix(1_800_000_000, 0)}
}

// checked is what the tests compare of a Verdict.
type checked struct {
	result        spf.Result
	mechanism     string
	lookups, void int
	problem       string
	explanation   string
}

func checkedOf(v spf.Verdict) checked {
	c := checked{result: v.Result, mechanism: v.Mechanism, lookups: v.Lookups, void: v.Voids, explanation: v.Explanation}
	if v.Problem != nil {
		c.problem = string(v.Problem.Kind) + ": " + v.Problem.String()
	}
	return c
}

func TestCheckHost(t *testing.T) {
	const record = "acme.example. TXT "
	many := func(n int, line string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, strings.ReplaceAll(line, "#", "%[1]d")+"\n", i)
		}
		return b.String()
	}
	tests := []struct {
		name string
		zone string // lines; what starts with a quote is acme.example's record
		ip   string // client4 if empty
		from string // user@acme.example if empty
		helo string
		want checked
	}{
		// 2.4, 4.1, 4.3: the identity
		{name: "the null reverse-path is postmaster at HELO (2.4)", zone: `"v=spf1 exists:%{l}.ok.example -all"` + "\npostmaster.ok.example. A 127.0.0.2", from: "<>", helo: "acme.example", want: checked{result: spf.Pass, mechanism: "exists:%{l}.ok.example", lookups: 1}},
		{name: "no local part is postmaster (4.3)", zone: `"v=spf1 -all exp=e.example"` + "\ne.example. TXT %{s}", from: "@acme.example", want: checked{result: spf.Fail, mechanism: "-all", explanation: "postmaster@acme.example"}},
		{name: "a source route has no meaning", zone: `"v=spf1 +all"`, from: "<@relay.example,@b.example:user@acme.example>", want: checked{result: spf.Pass, mechanism: "+all"}},
		{name: "a label alone (4.3)", from: "user@localhost", want: checked{result: spf.None, problem: "identity: the domain has one label alone"}},
		{name: "an empty label (4.3)", from: "user@acme..example", want: checked{result: spf.None, problem: `identity: "acme..example" is no domain name: an empty label at octet 5`}},
		{name: "an address literal (2.3)", from: "<>", helo: "[192.0.2.7]", want: checked{result: spf.None, problem: "identity: an address literal is no domain"}},
		{name: "what no mail address holds is not asked for", from: `user@acme example.org`, want: checked{result: spf.None, problem: "identity: the domain has a character that no domain in a mail address has"}},
		{name: "the root's dot (4.3)", zone: `"v=spf1 ?all"`, from: "user@acme.example.", want: checked{result: spf.Neutral, mechanism: "?all"}},

		// 4.4, 4.5: the record
		{name: "a name that does not exist (4.3)", zone: "b.example. A 192.0.2.1", want: checked{result: spf.None, problem: "no-record: acme.example does not exist"}},
		{name: "no record among others (4.5)", zone: `"v=spf10 +all"` + "\n" + record + `"v=spf1; all"` + "\n" + `acme.example. SPF "v=spf1 +all"`, want: checked{result: spf.None, problem: "no-record: acme.example has no SPF record"}},
		{name: "a failure (4.4)", zone: "acme.example. TXT !servfail", want: checked{result: spf.TempError, problem: "dns: TXT acme.example got SERVFAIL at dnstest"}},
		{name: "a time-out (4.4)", zone: "acme.example. TXT !timeout", want: checked{result: spf.TempError, problem: "dns: TXT acme.example timed out at dnstest"}},
		{name: "two records (4.5)", zone: `"v=spf1 +all"` + "\n" + record + `"V=SPF1"`, want: checked{result: spf.PermError, problem: "several: acme.example has 2 SPF records"}},
		{name: "strings are joined with nothing between (3.3)", zone: record + `"v=s" "pf1 ip4:192.0.2" ".7 -" "all"`, want: checked{result: spf.Pass, mechanism: "ip4:192.0.2.7"}},
		{name: "an alias is followed", zone: "acme.example. CNAME b.example.\n" + `b.example. TXT "v=spf1 a -all"` + "\nb.example. A 192.0.2.7", want: checked{result: spf.Pass, mechanism: "a", lookups: 1}},
		{name: "terms set apart by commas (4.6)", zone: `"v=spf1 ip4:1.2.3.4,ip4:1.2.3.5,ip4:1.2.3.6,ip4:1.2.3.7,a -all"`, want: checked{result: spf.PermError, problem: "syntax: ip4:1.2.3.4,ip4:1.2.3.5,ip4:1.2.3.6,ip4:1.2.3.7,a in the record of acme.example: terms are separated by blanks alone, and here stands a comma"}},
		{name: "a fault behind all (4.6)", zone: `"v=spf1 +all moo"`, want: checked{result: spf.PermError, problem: `syntax: moo in the record of acme.example: there is no mechanism "moo"`}},
		{name: "nothing but the version is neutral (4.7)", zone: `"v=spf1"`, want: checked{result: spf.Neutral}},
		{name: "unknown modifiers are ignored (6)", zone: `"v=spf1 default=- moo=x moo=y"`, want: checked{result: spf.Neutral}},

		// 4.6.2, 5.1, 5.6: what asks nobody
		{name: "ip4 (5.6)", zone: `"v=spf1 -ip4:192.0.2.8 ~IP4:192.0.2.0/29 -all"`, want: checked{result: spf.SoftFail, mechanism: "~IP4:192.0.2.0/29"}},
		{name: "an IPv4-mapped client is an IPv4 client (5)", zone: `"v=spf1 ip6:::ffff:0:0/96 ?ip4:192.0.2.7 -all"`, ip: "::ffff:192.0.2.7", want: checked{result: spf.Neutral, mechanism: "?ip4:192.0.2.7"}},
		{name: "ip4 does not match IPv6, not even /0", zone: `"v=spf1 ip4:0.0.0.0/0 ip6:2001:db8::/32 -all"`, ip: client6, want: checked{result: spf.Pass, mechanism: "ip6:2001:db8::/32"}},
		{name: "redirect is ignored beside all (5.1)", zone: `"v=spf1 redirect=b.example ~all"`, want: checked{result: spf.SoftFail, mechanism: "~all"}},

		// 5.2, 6.1: other records
		{name: "a pass of an include matches (5.2)", zone: `"v=spf1 -include:b.example +all"` + "\n" + `b.example. TXT "v=spf1 ip4:192.0.2.7"`, want: checked{result: spf.Fail, mechanism: "ip4:192.0.2.7", lookups: 1}},
		{name: "a fail of an include does not (5.2)", zone: `"v=spf1 include:b.example ?all"` + "\n" + `b.example. TXT "v=spf1 -all"`, want: checked{result: spf.Neutral, mechanism: "?all", lookups: 1}},
		{name: "include without a record (5.2)", zone: `"v=spf1 include:b.example +all"`, want: checked{result: spf.PermError, lookups: 1, problem: "no-record: include:b.example in the record of acme.example: b.example does not exist"}},
		{name: "include that fails (5.2)", zone: `"v=spf1 include:b.example +all"` + "\nb.example. TXT !refused", want: checked{result: spf.TempError, lookups: 1, problem: "dns: include:b.example in the record of acme.example: TXT b.example got REFUSED at dnstest"}},
		{name: "include of a broken record (5.2)", zone: `"v=spf1 include:b.example +all"` + "\n" + `b.example. TXT "v=spf1 ip4:1.2.3"`, want: checked{result: spf.PermError, lookups: 1, problem: "syntax: ip4:1.2.3 in the record of b.example: an IPv4 address has four numbers from 0 to 255 without leading zeros"}},
		{name: "include of no name", zone: `"v=spf1 include:b..example.org +all"`, want: checked{result: spf.PermError, lookups: 1, problem: `name: include:b..example.org in the record of acme.example: it leads to what is no domain name: "b..example.org" is no domain name: an empty label at octet 2`}},
		{name: "include of one label by a macro (4.3)", zone: `"v=spf1 include:%{h} +all"`, helo: "mail", want: checked{result: spf.PermError, lookups: 1, problem: "name: include:%{h} in the record of acme.example: mail has one label alone"}},
		{name: "include of what ends in digits alone, by a macro (4.3, 4.8)", zone: `"v=spf1 include:%{i} +all"` + "\n" + `192.0.2.7. TXT "v=spf1 +all"`, want: checked{result: spf.PermError, lookups: 1, problem: "name: include:%{i} in the record of acme.example: 192.0.2.7 ends in digits alone"}},
		{name: "redirect (6.1)", zone: `"v=spf1 redirect=b.example"` + "\n" + `b.example. TXT "v=spf1 a -all"` + "\nb.example. A 192.0.2.7", want: checked{result: spf.Pass, mechanism: "a", lookups: 2}},
		{name: "redirect without a record (6.1)", zone: `"v=spf1 redirect=b.example"`, want: checked{result: spf.PermError, lookups: 1, problem: "no-record: redirect=b.example in the record of acme.example: b.example does not exist"}},
		{name: "redirect in an include", zone: `"v=spf1 include:b.example -all"` + "\n" + `b.example. TXT "v=spf1 redirect=c.example"` + "\n" + `c.example. TXT "v=spf1 ip4:192.0.2.0/24"`, want: checked{result: spf.Pass, mechanism: "ip4:192.0.2.0/24", lookups: 2}},

		// 5.3, 5.4, 5.5, 5.7: what asks for addresses
		{name: "a asks for the family of the client (5)", zone: `"v=spf1 a/8//8 -all"` + "\nacme.example. A 192.0.2.7", ip: client6, want: checked{result: spf.Fail, mechanism: "-all", lookups: 1, void: 1}},
		{name: "a with lengths (5.3)", zone: `"v=spf1 a:b.example/16//32 -all"` + "\nb.example. AAAA 2001:db8:ffff::1", ip: client6, want: checked{result: spf.Pass, mechanism: "a:b.example/16//32", lookups: 1}},
		{name: "a that fails (5)", zone: `"v=spf1 a +all"` + "\nacme.example. A !servfail", want: checked{result: spf.TempError, lookups: 1, problem: "dns: a in the record of acme.example: A acme.example got SERVFAIL at dnstest"}},
		{name: "a name that is none does not match (4.8)", zone: `"v=spf1 a:b..example.org ~all"`, want: checked{result: spf.SoftFail, mechanism: "~all", lookups: 1}},
		{name: "mx (5.4)", zone: `"v=spf1 mx -all"` + "\nacme.example. MX 10 m.example.\nacme.example. MX 20 n.example.\nm.example. A 192.0.2.1\nn.example. A 192.0.2.7", want: checked{result: spf.Pass, mechanism: "mx", lookups: 1}},
		{name: "a host of mx that matches before one that fails (5, 5.4)", zone: `"v=spf1 mx -all"` + "\nacme.example. MX 20 n.example.\nacme.example. MX 10 m.example.\nm.example. A 192.0.2.7\nn.example. A !timeout", want: checked{result: spf.Pass, mechanism: "mx", lookups: 1}},
		{name: "and one that fails before one that matches (5, 5.4)", zone: `"v=spf1 mx -all"` + "\nacme.example. MX 20 n.example.\nacme.example. MX 10 m.example.\nm.example. A !timeout\nn.example. A 192.0.2.7", want: checked{result: spf.TempError, lookups: 1, problem: "dns: mx in the record of acme.example: A m.example timed out at dnstest"}},
		{name: "mx of which one host fails and none matches (5)", zone: `"v=spf1 mx -all"` + "\nacme.example. MX 10 m.example.\nacme.example. MX 20 n.example.\nm.example. A !timeout\nn.example. A 192.0.2.8", want: checked{result: spf.TempError, lookups: 1, problem: "dns: mx in the record of acme.example: A m.example timed out at dnstest"}},
		{name: "no implicit MX (5.4)", zone: `"v=spf1 mx -all"` + "\nacme.example. A 192.0.2.7", want: checked{result: spf.Fail, mechanism: "-all", lookups: 1, void: 1}},
		{name: "a null MX has no host", zone: `"v=spf1 mx -all"` + "\nacme.example. MX 0 .", want: checked{result: spf.Fail, mechanism: "-all", lookups: 1}},
		{name: "ten hosts of mx (4.6.4)", zone: `"v=spf1 mx -all"` + "\n" + many(10, "acme.example. MX 1 m#.example.\nm#.example. A 192.0.2.#"), want: checked{result: spf.Pass, mechanism: "mx", lookups: 1}},
		{name: "eleven (4.6.4)", zone: `"v=spf1 mx -all"` + "\n" + many(11, "acme.example. MX 1 m#.example.\nm#.example. A 192.0.2.#"), want: checked{result: spf.PermError, lookups: 1, problem: "hosts: mx in the record of acme.example: it has 11 hosts, 1 over the limit"}},
		{name: "exists asks for A whatever the client (5.7)", zone: `"v=spf1 exists:e.example -all"` + "\ne.example. A 127.0.0.1", ip: client6, want: checked{result: spf.Pass, mechanism: "exists:e.example", lookups: 1}},
		{name: "exists that fails", zone: `"v=spf1 exists:e.example -all"` + "\ne.example. A !refused", want: checked{result: spf.TempError, lookups: 1, problem: "dns: exists:e.example in the record of acme.example: A e.example got REFUSED at dnstest"}},
		{name: "ptr (5.5)", zone: `"v=spf1 ptr -all"` + "\n7.2.0.192.in-addr.arpa. PTR out.acme.example.\nout.acme.example. A 192.0.2.7", want: checked{result: spf.Pass, mechanism: "ptr", lookups: 1}},
		{name: "ptr that leads elsewhere", zone: `"v=spf1 ptr -all"` + "\n7.2.0.192.in-addr.arpa. PTR out.bad-acme.example.\nout.bad-acme.example. A 192.0.2.7", want: checked{result: spf.Fail, mechanism: "-all", lookups: 1}},
		{name: "ptr that is not confirmed", zone: `"v=spf1 ptr:acme.example -all"` + "\n7.2.0.192.in-addr.arpa. PTR out.acme.example.\nout.acme.example. A 192.0.2.8", want: checked{result: spf.Fail, mechanism: "-all", lookups: 1}},
		{name: "ptr and a failure (5.5)", zone: `"v=spf1 ptr -all"` + "\n7.2.0.192.in-addr.arpa. PTR !servfail", want: checked{result: spf.Fail, mechanism: "-all", lookups: 1}},
		{name: "ptr and a failure of one name (5.5)", zone: `"v=spf1 ptr -all"` + "\n7.2.0.192.in-addr.arpa. PTR a.acme.example.\n7.2.0.192.in-addr.arpa. PTR b.acme.example.\na.acme.example. A !servfail\nb.acme.example. A 192.0.2.7", want: checked{result: spf.Pass, mechanism: "ptr", lookups: 1}},
		{name: "ptr of IPv6", zone: `"v=spf1 ptr -all"` + "\n7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. PTR acme.example.\nacme.example. AAAA 2001:db8::7", ip: client6, want: checked{result: spf.Pass, mechanism: "ptr", lookups: 1}},
		{name: "ten names of ptr, others are ignored (4.6.4)", zone: `"v=spf1 ptr -all"` + "\n" + many(10, "7.2.0.192.in-addr.arpa. PTR m#.example.") + "7.2.0.192.in-addr.arpa. PTR acme.example.\nacme.example. A 192.0.2.7", want: checked{result: spf.Fail, mechanism: "-all", lookups: 1}},

		// 4.6.4: limits
		{name: "ten lookups", zone: `"v=spf1 a a a a a include:b.example ?all"` + "\nacme.example. A 192.0.2.1\n" + `b.example. TXT "v=spf1 a a a redirect=c.example"` + "\nb.example. A 192.0.2.1\n" + `c.example. TXT "v=spf1 -all"`, want: checked{result: spf.Neutral, mechanism: "?all", lookups: 10}},
		{name: "eleven, over includes and redirects", zone: `"v=spf1 a a a a a include:b.example a ?all"` + "\nacme.example. A 192.0.2.1\n" + `b.example. TXT "v=spf1 a a a redirect=c.example"` + "\nb.example. A 192.0.2.1\n" + `c.example. TXT "v=spf1 -all"`, want: checked{result: spf.PermError, lookups: 11, problem: "lookups: a in the record of acme.example: it is past the limit of 10 lookups"}},
		{name: "a match before the eleventh", zone: `"v=spf1 a a a a a a a a a a ip4:192.0.2.7 a -all"` + "\nacme.example. A 192.0.2.1", want: checked{result: spf.Pass, mechanism: "ip4:192.0.2.7", lookups: 10}},
		{name: "an include of itself", zone: `"v=spf1 include:acme.example -all"`, want: checked{result: spf.PermError, lookups: 11, problem: "lookups: include:acme.example in the record of acme.example: it is past the limit of 10 lookups"}},
		{name: "a redirect to itself", zone: `"v=spf1 redirect=acme.example"`, want: checked{result: spf.PermError, lookups: 11, problem: "lookups: redirect=acme.example in the record of acme.example: it is past the limit of 10 lookups"}},
		{name: "%{p} costs a lookup of its own", zone: `"v=spf1 a a a a a a a a a exists:%{p}.b.example -all"` + "\nacme.example. A 192.0.2.1", want: checked{result: spf.PermError, lookups: 11, problem: "lookups: exists:%{p}.b.example in the record of acme.example: it is past the limit of 10 lookups"}},
		{name: "two void lookups", zone: `"v=spf1 a mx ~all"`, want: checked{result: spf.SoftFail, mechanism: "~all", lookups: 2, void: 2}},
		{name: "three", zone: `"v=spf1 a mx ptr ~all"`, want: checked{result: spf.PermError, lookups: 3, void: 3, problem: "voids: ptr in the record of acme.example: it is past the limit of 2 lookups that find nothing"}},
		{name: "hosts of mx are no terms", zone: `"v=spf1 mx ~all"` + "\n" + many(5, "acme.example. MX 1 m#.example."), want: checked{result: spf.SoftFail, mechanism: "~all", lookups: 1}},
		{name: "exp counts nowhere", zone: `"v=spf1 a mx -all exp=gone.example"`, want: checked{result: spf.Fail, mechanism: "-all", lookups: 2, void: 2}},

		// 7, and RFC 8616, 4: macros
		{name: "%{p} prefers the domain, then names below (7.3)", zone: `"v=spf1 exists:%{p}.b.example -all"` + "\n7.2.0.192.in-addr.arpa. PTR other.example.\n7.2.0.192.in-addr.arpa. PTR x.acme.example.\nother.example. A 192.0.2.7\nx.acme.example. A 192.0.2.7\nx.acme.example.b.example. A 127.0.0.2", want: checked{result: spf.Pass, mechanism: "exists:%{p}.b.example", lookups: 2}},
		{name: "%{p} takes any (7.3)", zone: `"v=spf1 exists:%{p}.b.example -all"` + "\n7.2.0.192.in-addr.arpa. PTR other.example.\nother.example. A 192.0.2.7\nother.example.b.example. A 127.0.0.2", want: checked{result: spf.Pass, mechanism: "exists:%{p}.b.example", lookups: 2}},
		{name: "%{p} is unknown where none is valid (7.3)", zone: `"v=spf1 exists:%{p}.b.example -all"` + "\nunknown.b.example. A 127.0.0.2", want: checked{result: spf.Pass, mechanism: "exists:%{p}.b.example", lookups: 2}},
		{name: "a name from a macro that is none does not match", zone: `"v=spf1 exists:%{l}.b.example ~all"`, from: strings.Repeat("x", 64) + "@acme.example", want: checked{result: spf.SoftFail, mechanism: "~all", lookups: 1}},
		{name: "a local part that is not ASCII matches no term (RFC 8616)", zone: `"v=spf1 exists:%{l}.b.example include:%{s} exists:%{d} redirect=%{l}.example"`, from: "jürgen@acme.example", want: checked{result: spf.Neutral, lookups: 4, void: 1}},
		{name: "U-labels become A-labels (RFC 8616)", zone: `xn--bcher-kva.example. TXT "v=spf1 include:_spf.%{o} -all"` + "\n" + `_spf.xn--bcher-kva.example. TXT "v=spf1 +all"`, from: "user@Bücher.example", want: checked{result: spf.Pass, mechanism: "+all", lookups: 1}},
		{name: "in %{h}, too (RFC 8616)", zone: `"v=spf1 include:_spf.%{h} -all"` + "\n" + `_spf.xn--bcher-kva.example. TXT "v=spf1 +all"`, helo: "Bücher.example", want: checked{result: spf.Pass, mechanism: "+all", lookups: 1}},
		{name: "odd octets in a name (4.8)", zone: `"v=spf1 exists:a\\b%_c:d/%-.example -all"` + "\n" + `a\\b\032c:d/%20.example. A 127.0.0.2`, want: checked{result: spf.Pass, mechanism: `exists:a\b%_c:d/%-.example`, lookups: 1}},
		{name: "%{d} with odd octets", zone: `"v=spf1 include:a%_b.example.org -all"` + "\n" + `a\032b.example.org. TXT "v=spf1 exists:%{d}.x.example"` + "\n" + `a\032b.example.org.x.example. A 127.0.0.2`, want: checked{result: spf.Pass, mechanism: "exists:%{d}.x.example", lookups: 2}},
		{name: "a name that is too long without a macro (7.3)", zone: record + `"v=spf1 a:` + strings.Repeat("abcd.", 40) + `" "` + strings.Repeat("abcd.", 15) + `example -all"` + "\n" + strings.Repeat("abcd.", 49) + "example. A 192.0.2.7", want: checked{result: spf.Pass, mechanism: "a:" + strings.Repeat("abcd.", 55) + "example", lookups: 1}},
		{name: "%{p} passes over names that a macro cannot write", zone: `"v=spf1 exists:%{p}.b.example -all"` + "\n" + `7.2.0.192.in-addr.arpa. PTR a\.b.acme.example.` + "\n" + `a\.b.acme.example. A 192.0.2.7` + "\nunknown.b.example. A 127.0.0.2", want: checked{result: spf.Pass, mechanism: "exists:%{p}.b.example", lookups: 2}},
		{name: "redirect by a macro to what is no name (6.1)", zone: `"v=spf1 redirect=%{l}.example"`, from: "a..b@acme.example", want: checked{result: spf.PermError, lookups: 1, problem: `name: redirect=%{l}.example in the record of acme.example: it leads to what is no domain name: "a..b.example" is no domain name: an empty label at octet 2`}},
		{name: "the dots of a Japanese keyboard", zone: `xn--wgv71a119e.example. TXT "v=spf1 +all"`, from: "user@日本語。example", want: checked{result: spf.Pass, mechanism: "+all"}},
		{name: "four numbers are no domain (4.3, 4.8, 7.1)", from: "user@192.0.2.7", want: checked{result: spf.None, problem: "identity: the domain ends in digits alone, as an address does and no domain"}},
		{name: "numbers before a top-level domain are some", zone: `1.2.3.4.example. TXT "v=spf1 +all"`, from: "user@1.2.3.4.example", want: checked{result: spf.Pass, mechanism: "+all"}},
		{name: "an empty U-label", from: "user@日本語..example", want: checked{result: spf.None, problem: "identity: there is no domain"}},
		{name: "octets that are no characters", from: "user@b\xfccher.example", want: checked{result: spf.None, problem: "identity: the domain is neither ASCII nor UTF-8"}},
		{name: "a local part that SMTP cannot carry matches no term", zone: `"v=spf1 exists:%{l1}.b.example ~all"`, from: strings.Repeat("x.", 300) + "y@acme.example", want: checked{result: spf.SoftFail, mechanism: "~all", lookups: 1}},

		// 6.2: explanations
		{name: "all letters in an explanation (7.2)", zone: `"v=spf1 -all exp=%{ir}.e.example"` + "\n" + `7.2.0.192.e.example. TXT "%{s} %{l} %{o} %{d} %{i} %{v} %{h} " "%{c} %{r} %{t} %{p}%%%_%-%{D2R}"`, from: "A.b+c@acme.example", helo: "out.example", want: checked{result: spf.Fail, mechanism: "-all", explanation: "A.b+c@acme.example A.b+c acme.example acme.example 192.0.2.7 in-addr out.example 192.0.2.7 mx.receiver.example 1800000000 unknown% %20example.acme"}},
		{name: "URL-escaping (7.3)", zone: `"v=spf1 -all exp=e.example"` + "\n" + `e.example. TXT "https://%{d}/why?s=%{S}&h=%{H}"`, from: "a&b=c/~d_@acme.example", helo: "x y", want: checked{result: spf.Fail, mechanism: "-all", explanation: "https://acme.example/why?s=a%26b%3Dc%2F~d_%40acme.example&h=x%20y"}},
		{name: "IPv6 for people and for names (7.3)", zone: `"v=spf1 -all exp=e.example"` + "\n" + `e.example. TXT "%{c} %{i4r} %{v}"`, ip: client6, want: checked{result: spf.Fail, mechanism: "-all", explanation: "2001:db8::7 1.0.0.2 ip6"}},
		{name: "the explanation of a redirect's end (6.2)", zone: `"v=spf1 redirect=b.example exp=e.example"` + "\n" + `b.example. TXT "v=spf1 -all"` + "\ne.example. TXT no", want: checked{result: spf.Fail, mechanism: "-all", lookups: 1}},
		{name: "not that of an include (6.2)", zone: `"v=spf1 -include:b.example exp=e.example"` + "\n" + `b.example. TXT "v=spf1 +all exp=f.example"` + "\ne.example. TXT yes\nf.example. TXT no", want: checked{result: spf.Fail, mechanism: "+all", lookups: 1, explanation: "yes"}},
		{name: "none for a softfail", zone: `"v=spf1 ~all exp=e.example"` + "\ne.example. TXT no", want: checked{result: spf.SoftFail, mechanism: "~all"}},
		{name: "two texts (6.2)", zone: `"v=spf1 -all exp=e.example"` + "\ne.example. TXT a\ne.example. TXT b", want: checked{result: spf.Fail, mechanism: "-all"}},
		{name: "a failure (6.2)", zone: `"v=spf1 -all exp=e.example"` + "\ne.example. TXT !servfail", want: checked{result: spf.Fail, mechanism: "-all"}},
		{name: "a fault in the text (6.2)", zone: `"v=spf1 -all exp=e.example"` + "\ne.example. TXT \"100% %{x}\"", want: checked{result: spf.Fail, mechanism: "-all"}},
		{name: "a text that is not ASCII (6.2)", zone: `"v=spf1 -all exp=e.example"` + "\ne.example. TXT \"nein\\195\\182\"", want: checked{result: spf.Fail, mechanism: "-all"}},
		{name: "line breaks of the client stay out of the reply", zone: `"v=spf1 -all exp=e.example"` + "\ne.example. TXT \"%{h}\"", helo: "x\r\n250 ok", want: checked{result: spf.Fail, mechanism: "-all"}},
		{name: "an explanation has a length", zone: `"v=spf1 -all exp=e.example"` + "\ne.example. TXT \"" + strings.Repeat("%{d}", 60) + "\"", want: checked{result: spf.Fail, mechanism: "-all", explanation: strings.Repeat("acme.example", 40)[:spf.MaxExplanation]}},
		{name: "exp whose name is none", zone: `"v=spf1 -all exp=%{l}.example"`, from: "a..b@acme.example", want: checked{result: spf.Fail, mechanism: "-all"}},
		{name: "exp by a local part that is not ASCII", zone: `"v=spf1 -all exp=%{l}.example"`, from: "ü@acme.example", want: checked{result: spf.Fail, mechanism: "-all"}},
	}
	var kept spf.Checker
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			lines := tt.zone
			if strings.HasPrefix(lines, `"`) {
				lines = record + lines
			}
			from, ip := tt.from, tt.ip
			if from == "" {
				from = "user@acme.example"
			}
			if ip == "" {
				ip = client4
			}
			s := session(ip, from, tt.helo)
			v, err := spf.CheckHost(t.Context(), dnstest.Must(lines), s)
			require.NoError(t, err)
			assert.Equal(t, tt.want, checkedOf(v))
			for range 2 {
				again, err := kept.CheckHost(t.Context(), dnstest.Must(lines), s)
				require.NoError(t, err)
				assert.Equal(t, v, again, "by a Checker")
			}
		})
	}
}

// The path leads to the record that decided, and the problem has its place in it.
func TestVerdict(t *testing.T) {
	zone := dnstest.Must(`
acme.example. TXT "v=spf1 x=y a  include:b.example -all"
acme.example. A 192.0.2.1
b.example. TXT "v=spf1 a:gone.example  redirect=c.example"
c.example. TXT "v=spf1 exp=e.example ip4:192.0.2.7 include:d.example -all"
d.example. TXT "v=spf1  a:b..c.example ip4:1.2.3.4/99"
`)
	s := session(client4, "user@acme.example", "")
	s.Trace = true
	v, err := spf.CheckHost(t.Context(), zone, s)
	require.NoError(t, err)
	assert.Equal(t, spf.Verdict{
		Result: spf.Pass, Domain: "acme.example", Sender: "user@acme.example", Mechanism: "ip4:192.0.2.7", Lookups: 4, Voids: 1,
		Path: []spf.Step{{"acme.example", "include:b.example"}, {"b.example", "redirect=c.example"}, {"c.example", "ip4:192.0.2.7"}},
		Trace: []spf.Event{
			{0, "acme.example", "a", "no match", 1, 0},
			{1, "b.example", "a:gone.example", "no match", 3, 1},
			{1, "b.example", "redirect=c.example", "redirect", 4, 1},
			{2, "c.example", "ip4:192.0.2.7", "match", 4, 1},
			{0, "acme.example", "include:b.example", "match", 4, 1},
		},
	}, v)

	v, err = spf.CheckHost(t.Context(), zone, session(client6, "user@acme.example", ""))
	require.NoError(t, err)
	require.NotNil(t, v.Problem)
	assert.Equal(t, spf.PermError, v.Result)
	assert.Len(t, v.Path, 4)
	assert.Equal(t, "ip4:1.2.3.4/99", v.Problem.Record[v.Problem.Offset:])
}

// Receivers differ in what they count as void (RFC 7208, 4.6.4).
func TestChecker_voids(t *testing.T) {
	zone := dnstest.Must(`
acme.example. TXT "v=spf1 a mx ptr ~all"
acme.example. MX 10 m.example.
acme.example. MX 20 n.example.
7.2.0.192.in-addr.arpa. PTR out.acme.example.
`)
	tests := []struct {
		name    string
		checker *spf.Checker
		want    checked
	}{
		{"terms", &spf.Checker{}, checked{result: spf.SoftFail, mechanism: "~all", lookups: 3, void: 1}},
		{"hosts too", &spf.Checker{CountHosts: true}, checked{result: spf.PermError, lookups: 2, void: 1, problem: "voids: mx in the record of acme.example: it is past the limit of 2 lookups that find nothing"}},
		{"hosts too, and four allowed", &spf.Checker{CountHosts: true, MaxVoids: 4}, checked{result: spf.SoftFail, mechanism: "~all", lookups: 3, void: 1}},
		{"any number", &spf.Checker{CountHosts: true, MaxVoids: -1}, checked{result: spf.SoftFail, mechanism: "~all", lookups: 3, void: 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v, err := tt.checker.CheckHost(t.Context(), zone, session(client4, "user@acme.example", ""))
			require.NoError(t, err)
			assert.Equal(t, tt.want, checkedOf(v))
		})
	}
}

// silent never answers.
var silent = dnsx.ResolverFunc(func(ctx context.Context, _ dnsx.Question) (*dnsx.Answer, error) {
	inner, cancel := context.WithTimeout(ctx, time.Hour) // as a client with a time of its own does
	defer cancel()
	<-inner.Done()
	return nil, ctx.Err()
})

func TestCheckHost_time(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		v, err := spf.CheckHost(t.Context(), silent, session(client4, "user@acme.example", ""))
		require.NoError(t, err, "the budget is no error of the caller's")
		assert.Equal(t, 20*time.Second, time.Since(start))
		assert.Equal(t, "dns: TXT acme.example had no answer when the time was over", checkedOf(v).problem)
		assert.Equal(t, spf.TempError, v.Result)

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		v, err = (&spf.Checker{Budget: time.Minute}).CheckHost(ctx, silent, session(client4, "user@acme.example", ""))
		assert.ErrorIs(t, err, context.DeadlineExceeded, "the caller's is")
		assert.Equal(t, spf.TempError, v.Result)
		assert.Equal(t, 21*time.Second, time.Since(start))
	})
}

// A resolver that looks at ctx.Err alone, and has a time of its own for each question, is
// not asked on and on.
func TestCheckHost_polled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		zone := dnstest.Must(`acme.example. TXT "v=spf1 a:b.example a:b.example a:b.example a:b.example a:b.example a:b.example a:b.example a:b.example -all"
b.example. A 192.0.2.200
`)
		slow := dnsx.ResolverFunc(func(ctx context.Context, q dnsx.Question) (*dnsx.Answer, error) {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			time.Sleep(5 * time.Second)
			return zone.Resolve(context.WithoutCancel(ctx), q)
		})
		start := time.Now()
		v, err := spf.CheckHost(t.Context(), slow, session(client4, "user@acme.example", ""))
		require.NoError(t, err)
		assert.Equal(t, "dns: a:b.example in the record of acme.example: A b.example had no answer when the time was over", checkedOf(v).problem)
		assert.Equal(t, 20*time.Second, time.Since(start), "the clock starts at the first question, and the fifth finds the time over")

		v, err = spf.CheckHost(t.Context(), dnsx.ResolverFunc(func(ctx context.Context, q dnsx.Question) (*dnsx.Answer, error) {
			end, ok := ctx.Deadline()
			assert.True(t, ok)
			time.Sleep(time.Until(end) + time.Second)
			return nil, ctx.Err()
		}), session(client4, "user@acme.example", ""))
		require.NoError(t, err)
		assert.Equal(t, "dns: TXT acme.example had no answer when the time was over", checkedOf(v).problem)
		assert.Equal(t, 41*time.Second, time.Since(start))
	})
}

func TestCheckHost_noClient(t *testing.T) {
	_, err := spf.CheckHost(t.Context(), silent, spf.Session{MailFrom: "user@acme.example"})
	assert.ErrorIs(t, err, spf.ErrNoClient)
}

// A Checker that has room for few records still judges all of them, from many
// goroutines.
func TestChecker_bounded(t *testing.T) {
	var lines strings.Builder
	for i := range 50 {
		fmt.Fprintf(&lines, "d%d.example. TXT \"v=spf1 ip4:192.0.2.%d -all\"\n", i, i)
	}
	zone := dnstest.Must(lines.String())
	checker := spf.Checker{MaxBytes: 10_000}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 200 {
				from := fmt.Sprintf("user@d%d.example", i%50)
				v, err := checker.CheckHost(t.Context(), zone, session(fmt.Sprintf("192.0.2.%d", i%50), from, ""))
				if err != nil || v.Result != spf.Pass {
					t.Errorf("%s: %v %v", from, v, err)
				}
			}
		})
	}
	wg.Wait()
	assert.Less(t, checker.Kept(), 20_000)
}
