package zone_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/dnsx/zone"
)

var (
	_ dnsx.BulkResolver   = (*zone.Zones)(nil)
	_ dnsx.StreamResolver = (*zone.Zones)(nil)
	_ dnsx.Lister         = (*zone.Zones)(nil)
)

// The zone of RFC 4592, 2.2.1, with the data that it leaves out.
const rfc4592 = `
$ORIGIN example.
example.                 3600 IN  SOA   ns.example.com. hostmaster.example.com. 1 7200 900 1209600 300
example.                 3600     NS    ns.example.com.
example.                 3600     NS    ns.example.net.
*.example.               3600     TXT   "this is a wildcard"
*.example.               3600     MX    10 host1.example.
sub.*.example.           3600     TXT   "this is not a wildcard"
host1.example.           3600     A     192.0.2.1
_ssh._tcp.host1.example. 3600     SRV   0 0 22 host1.example.
_ssh._tcp.host2.example. 3600     SRV   0 0 22 host1.example.
subdel.example.          3600     NS    ns.example.com.
subdel.example.          3600     NS    ns.example.net.
`

func TestResolve_rfc4592(t *testing.T) {
	table{
		{"synthesised", "MX host3.example", "10 host1.example."},
		{"there is no A at the wildcard", "A host3.example", "NODATA (SOA example 300)"},
		{"bar.example does not exist, the wildcard does", "TXT foo.bar.example", `"this is a wildcard"`},
		{"host1 exists", "MX host1.example", "NODATA (SOA example 300)"},
		{"sub.* exists", "MX sub.*.example", "NODATA (SOA example 300)"},
		{"_tcp.host1 exists without data", "SRV _telnet._tcp.host1.example", "NXDOMAIN (SOA example 300)"},
		{"a zone cut", "A host.subdel.example", "not-asked"},
		{"*.example exists", "MX ghost.*.example", "NXDOMAIN (SOA example 300)"},
		{"an empty non-terminal", "A _tcp.host1.example", "NODATA (SOA example 300)"},
		{"an empty non-terminal", "TXT host2.example", "NODATA (SOA example 300)"},
		{"the wildcard itself", "TXT *.example", `"this is a wildcard"`},
		{"sub of the wildcard", "TXT sub.*.example", `"this is not a wildcard"`},
		{"the cut itself", "NS subdel.example", "not-asked"},
		{"DS at a cut is the parent's", "DS subdel.example", "NODATA (SOA example 300)"},
		{"the apex", "NS example", "ns.example.com. | ns.example.net."},
		{"the parent's", "DS example", "not-asked"},
		{"another zone", "A example.com", "not-asked"},
	}.run(t, mustParse(t, "rfc4592.zone", rfc4592))
}

// What the C.ISI.EDU of RFC 1034, 6 knows of EDU, ISI.EDU left out, and answers
// by 4.3.2; in the words of 6.2.1 to 6.2.8.
const rfc1034 = `
$TTL 86400
EDU.      IN SOA SRI-NIC.ARPA. HOSTMASTER.SRI-NIC.ARPA. 870729 1800 300 604800 86400
EDU.      NS SRI-NIC.ARPA.
EDU.      NS C.ISI.EDU.
UCI       172800 NS ICS.UCI
          172800 NS ROME.UCI
ICS.UCI   172800 A 192.5.19.1
ROME.UCI  172800 A 192.5.19.31
ISI       172800 NS VAXA.ISI
          172800 NS A.ISI
          172800 NS VENERA.ISI.EDU.
UDEL.EDU. 172800 NS LOUIE.UDEL.EDU.
          172800 NS UMN-REI-UC.ARPA.
YALE.EDU. 172800 NS YALE.ARPA.
          172800 NS YALE-BULLDOG.ARPA.
MIT.EDU.  43200 NS XX.LCS.MIT.EDU.
          43200 NS ACHILLES.MIT.EDU.
XX.LCS.MIT.EDU. 43200 A 10.0.0.44
ACHILLES.MIT.EDU. 43200 A 18.72.0.8
USC-ISIC  CNAME C.ISI.EDU.
`

func TestResolve_rfc1034(t *testing.T) {
	z := mustLoad(t, "edu.zone", rfc1034, "isi.zone", `
$ORIGIN ISI.EDU.
$TTL 86400
@  SOA VENERA.ISI.EDU. ACTION\.DOMAINS.ISI.EDU. 20 7200 600 3600000 60
   NS VENERA
   NS VAXA
C  A 10.0.0.52
   MX 10 VENERA
`)
	table{
		{"(a) the node", "A c.isi.edu", "10.0.0.52"},
		{"(a) no such type", "TXT c.isi.edu", "NODATA (SOA isi.edu 60)"},
		{"(a) CNAME, followed into another zone", "A usc-isic.edu", "-> c.isi.edu 10.0.0.52"},
		{"(a) CNAME asked for", "CNAME usc-isic.edu", "c.isi.edu."},
		{"(a) the alias exists, its end has no such type", "AAAA usc-isic.edu", "-> c.isi.edu NODATA (SOA isi.edu 60)"},
		{"(b) a referral, and glue is no data", "A ics.uci.edu", "not-asked"},
		{"(c) no such name", "A nosuch.edu", "NXDOMAIN (SOA edu 86400)"},
		{"upper case", "A C.ISI.EDU", "10.0.0.52"},
		{"an escaped dot", "SOA isi.edu", `venera.isi.edu. action\.domains.isi.edu. 20 7200 600 3600000 60`},
		{"the most specific zone", "NS isi.edu", "venera.isi.edu. | vaxa.isi.edu."},
	}.run(t, z)
}

func TestResolve_aliases(t *testing.T) {
	var long strings.Builder
	for i := range dnsx.MaxChain + 1 {
		fmt.Fprintf(&long, "c%d CNAME c%d\n", i, i+1)
	}
	long.WriteString("c13 A 192.0.2.1\n")
	z := mustLoad(t, "acme.example.zone", `
@ SOA ns hostmaster 1 2 3 4 300
a CNAME b
b CNAME c
c A 192.0.2.1
self CNAME self
ping CNAME pong
pong CNAME ping
gone CNAME nosuch
nodata CNAME @
held CNAME mail.zendesk.com.
away CNAME elsewhere.test.
*.w CNAME a
`+long.String(), "providers.zone", `mail.zendesk.com. TXT "v=spf1 -all"
b.zendesk.com. CNAME a.acme.example.`)
	loop := strings.TrimSpace(strings.Repeat("-> self.acme.example ", dnsx.MaxChain))
	all := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "-> c%d.acme.example ", 13-n+i+1)
		}
		return b.String()
	}
	table{
		{"a chain", "A a.acme.example", "-> b.acme.example -> c.acme.example 192.0.2.1"},
		{"of an alias the type", "CNAME a.acme.example", "b.acme.example."},
		{"a wildcard alias", "A x.w.acme.example", "-> a.acme.example -> b.acme.example -> c.acme.example 192.0.2.1"},
		{"twelve are followed", "A c1.acme.example", all(12) + "192.0.2.1"},
		{"not thirteen", "A c0.acme.example", strings.ReplaceAll("-> c1.acme.example "+all(12), " -> c13.acme.example ", " chain")},
		{"a loop", "A self.acme.example", loop + " chain"},
		{"the end does not exist", "A gone.acme.example", "-> nosuch.acme.example NXDOMAIN (SOA acme.example 300)"},
		{"the end has no such type", "A nodata.acme.example", "-> acme.example NODATA (SOA acme.example 300)"},
		{"into a file without SOA", "TXT held.acme.example", `-> mail.zendesk.com "v=spf1 -all"`},
		{"out of a file without SOA", "A b.zendesk.com", "-> a.acme.example -> b.acme.example -> c.acme.example 192.0.2.1"},
		{"to where nobody knows", "A away.acme.example", "-> elsewhere.test not-asked"},
	}.run(t, z)

	_, err := z.Resolve(t.Context(), dnsx.Q("away.acme.example", dnsx.TypeA))
	var f *dnsx.Failure
	require.ErrorAs(t, err, &f)
	assert.Equal(t, "no zone file knows A elsewhere.test", f.Detail)
	assert.Equal(t, "acme.example.zone", f.Server)
}

func TestResolve_dname(t *testing.T) {
	label := strings.Repeat("x", 63)
	z := mustLoad(t, "acme.example.zone", `
@ SOA ns hostmaster 1 2 3 4 300
old 60 DNAME new
old TXT "the owner is not renamed"
hidden.old TXT "not served"
a.new A 192.0.2.1
long DNAME `+label+"."+label+"."+label+`.new
out DNAME shop.test.
*.w DNAME new
`, "apex.example.zone", `
@ SOA ns hostmaster 1 2 3 4 300
@ DNAME acme.example.
@ MX 10 mx
`)
	table{
		{"renamed", "A a.old.acme.example", "-> a.new.acme.example 192.0.2.1"},
		{"the alias itself", "CNAME a.old.acme.example", "a.new.acme.example."},
		{"renamed to what does not exist", "A b.old.acme.example", "-> b.new.acme.example NXDOMAIN (SOA acme.example 300)"},
		{"the owner", "TXT old.acme.example", `"the owner is not renamed"`},
		{"the record", "DNAME old.acme.example", "new.acme.example."},
		{"what stands below is not served", "TXT hidden.old.acme.example", "-> hidden.new.acme.example NXDOMAIN (SOA acme.example 300)"},
		{"the name gets too long (RFC 6672, 2.2)", "A " + label + ".long.acme.example", "rcode RCODE6"},
		{"out of the files", "A www.out.acme.example", "-> www.shop.test not-asked"},
		{"a wildcard DNAME is not defined (RFC 4592, 4.4)", "A a.b.w.acme.example", "not-asked"},
		{"at an apex", "A a.new.apex.example", "-> a.new.acme.example 192.0.2.1"},
		{"of the apex", "MX apex.example", "10 mx.apex.example."},
	}.run(t, z)
	assert.Equal(t, []string{
		"acme.example.zone:5: hidden.old.acme.example TXT: not served: it is below the DNAME record of old.acme.example",
	}, notes(z))
	cname, err := z.Resolve(t.Context(), dnsx.Q("a.old.acme.example", dnsx.TypeA))
	require.NoError(t, err)
	assert.Equal(t, uint32(60), cname.Chain[0].TTL, "RFC 6672, 3.1")
}

func notes(z *zone.Zones) []string {
	var all []string
	for _, n := range z.Notes() {
		n.File = n.File[strings.LastIndexByte(n.File, '/')+1:]
		all = append(all, n.String())
	}
	return all
}

func TestResolve_delegation(t *testing.T) {
	parent := `
@ SOA ns hostmaster 1 2 3 4 300
sub NS ns.sub
sub DS 1 8 2 0000000000000000000000000000000000000000000000000000000000000000
ns.sub A 192.0.2.53
sub MX 10 mx
x.sub TXT "not served"
y.sub NS ns
y.sub DS 1 8 2 0000000000000000000000000000000000000000000000000000000000000000
*.wild NS ns
`
	child := `
@ SOA ns hostmaster 1 2 3 4 60
@ NS ns
ns A 192.0.2.54
`
	const ds = "1 8 2 0000000000000000000000000000000000000000000000000000000000000000"
	t.Run("without the child", func(t *testing.T) {
		z := mustLoad(t, "acme.example.zone", parent)
		table{
			{"the cut", "MX sub.acme.example", "not-asked"},
			{"glue", "A ns.sub.acme.example", "not-asked"},
			{"below", "A nosuch.sub.acme.example", "not-asked"},
			{"the parent's part", "DS sub.acme.example", ds},
			{"DS below", "DS x.sub.acme.example", "not-asked"},
			{"a delegation below is the child's", "DS y.sub.acme.example", "not-asked"},
			{"a wildcard delegation is not defined (RFC 4592, 4.2)", "DS a.wild.acme.example", "not-asked"},
		}.run(t, z)
		assert.Equal(t, []string{
			"acme.example.zone:6: sub.acme.example MX: not served: sub.acme.example is delegated",
			"acme.example.zone:7: x.sub.acme.example TXT: not served: sub.acme.example is delegated",
		}, notes(z))
		names, err := z.Names("acme.example")
		require.NoError(t, err)
		assert.Equal(t, []string{"*.wild.acme.example", "acme.example", "sub.acme.example"}, names)
	})
	t.Run("with the child", func(t *testing.T) {
		z := mustLoad(t, "acme.example.zone", parent, "sub.acme.example.zone", child)
		table{
			{"the child's apex", "NS sub.acme.example", "ns.sub.acme.example."},
			{"the child's data", "A ns.sub.acme.example", "192.0.2.54"},
			{"the child's word", "A nosuch.sub.acme.example", "NXDOMAIN (SOA sub.acme.example 60)"},
			{"the parent's part (RFC 4035, 3.1.4.1)", "DS sub.acme.example", ds},
		}.run(t, z)
		assert.Equal(t, []string{"acme.example", "sub.acme.example"}, z.Apexes())
	})
}

func TestResolve_signing(t *testing.T) {
	const plain = "@ SOA ns hostmaster 1 2 3 4 300\n"
	table{
		{"a name server may sign it", "DNSKEY acme.example", "not-asked"},
		{"a name server may sign it", "RRSIG acme.example", "not-asked"},
		{"no name, no signature", "RRSIG nosuch.acme.example", "NXDOMAIN (SOA acme.example 300)"},
		{"a meta type", "TYPE255 acme.example", "not-asked"},
	}.run(t, mustParse(t, "acme.example.zone", plain))
	table{
		{"signed", "DNSKEY acme.example", "257 3 8 AwEAAQ=="},
		{"signed", "NSEC acme.example", "NODATA (SOA acme.example 300)"},
	}.run(t, mustParse(t, "acme.example.zone", plain+"@ DNSKEY 257 3 8 AwEAAQ==\n"))
}

func TestResolve_root(t *testing.T) {
	z := mustLoad(t, "root.zone", `
. 86400 SOA a.root. nstld.root. 1 2 3 4 300
. 86400 NS a.root.
a.root. 3600 A 192.0.2.1
test. DNAME .
org. NS ns.org.
`)
	table{
		{"the apex", "NS .", "a.root."},
		{"a name", "A a.root", "192.0.2.1"},
		{"no name", "A nosuch", "NXDOMAIN (SOA . 300)"},
		{"a delegation", "A www.org", "not-asked"},
		{"a DNAME to the root", "A a.root.test", "-> a.root 192.0.2.1"},
		{"nothing is above", "DS .", "NODATA (SOA . 300)"},
	}.run(t, z)
	all := mustLoad(t, "root.zone", ". 60 SOA a. b. 1 2 3 4 5\n. 60 DNAME new.\n")
	assert.Equal(t, "a.b.new.", lines(t, all, "CNAME a.b")[0][len("a.b. 60 IN CNAME "):], "a DNAME of the root")
	names, err := z.Names(".")
	require.NoError(t, err)
	assert.Equal(t, []string{".", "a.root", "org", "test"}, names)
}

// A file without SOA only adds.
func TestResolve_withoutSOA(t *testing.T) {
	loose := `
mail.zendesk.com.    TXT "v=spf1 -all"
alias.zendesk.com.   CNAME mail.zendesk.com.
*.wild.example.      TXT "only itself"
`
	t.Run("alone", func(t *testing.T) {
		table{
			{"what it holds", "TXT mail.zendesk.com", `"v=spf1 -all"`},
			{"another type", "A mail.zendesk.com", "not-asked"},
			{"a CNAME answers for all types", "TXT alias.zendesk.com", `-> mail.zendesk.com "v=spf1 -all"`},
			{"another name", "TXT zendesk.com", "not-asked"},
			{"below", "TXT x.mail.zendesk.com", "not-asked"},
			{"a wildcard is no synthesis", "TXT a.wild.example", "not-asked"},
			{"the wildcard", "TXT *.wild.example", `"only itself"`},
		}.run(t, mustParse(t, "providers.zone", loose))
	})
	t.Run("over another resolver", func(t *testing.T) {
		z := mustParse(t, "providers.zone", loose)
		z.Next = dnstest.Must(`
			mail.zendesk.com. TXT "published"
			www.zendesk.com.  A   192.0.2.1`)
		table{
			{"the file wins", "TXT mail.zendesk.com", `"v=spf1 -all"`},
			{"another type goes on", "A mail.zendesk.com", "NODATA"},
			{"another name goes on", "A www.zendesk.com", "192.0.2.1"},
			{"it exists by the file", "A *.wild.example", "NODATA"},
			{"so does what is above it (RFC 8020)", "A wild.example", "NODATA"},
			{"what no file holds", "A nosuch.example", "NXDOMAIN"},
		}.run(t, z)
	})
	t.Run("within a zone", func(t *testing.T) {
		z := mustLoad(t, "acme.example.zone", `
@ SOA ns hostmaster 1 2 3 4 300
@ TXT "v=spf1 -all"
cut NS ns.test.
`, "more.db", `
a.b.acme.example.   TXT "joins"
acme.example.       MX 10 mx.acme.example.
acme.example.       TXT "v=spf1 -all"
x.cut.acme.example. TXT "beyond the cut"
new.acme.example.   NS ns.test.
y.new.acme.example. TXT "beyond a cut of this file"
`)
		table{
			{"its records join", "TXT a.b.acme.example", `"joins"`},
			{"and the zone knows the rest", "A a.b.acme.example", "NODATA (SOA acme.example 300)"},
			{"an empty non-terminal", "A b.acme.example", "NODATA (SOA acme.example 300)"},
			{"another type at a name", "MX acme.example", "10 mx.acme.example."},
			{"the same record", "TXT acme.example", `"v=spf1 -all"`},
			{"beyond the zone's cut", "TXT x.cut.acme.example", `"beyond the cut"`},
			{"beyond its own cut", "TXT y.new.acme.example", `"beyond a cut of this file"`},
			{"beyond its own cut, another type", "MX y.new.acme.example", "not-asked"},
			{"its own cut", "MX new.acme.example", "not-asked"},
		}.run(t, z)
		names, err := z.Names("acme.example")
		require.NoError(t, err)
		assert.Equal(t, []string{
			"a.b.acme.example", "acme.example", "cut.acme.example", "new.acme.example", "x.cut.acme.example", "y.new.acme.example",
		}, names)
	})
}

func TestResolve_next(t *testing.T) {
	z := mustLoad(t, "acme.example.zone", `
@ SOA ns hostmaster 1 2 3 4 300
www A 192.0.2.1
out CNAME www.shop.test.
bad CNAME bad.test.
far CNAME far1.test.
cut NS ns.test.
cut2 NS ns.test.
`, "brand.example.yaml", `
'': {type: ALIAS, value: lb.test.}
`)
	next := dnstest.Must(`
		www.shop.test.       A     203.0.113.1
		bad.test.            A     !timeout
		home.test.           CNAME www.acme.example.
		far1.test.           CNAME far2.test.
		far2.test.           CNAME out.acme.example.
		x.cut.acme.example.  A     203.0.113.2
		acme.example.        TXT   "never asked"
	`)
	z.Next = next
	table{
		{"the file's word", "A www.acme.example", "192.0.2.1"},
		{"the file's word that there is none", "TXT acme.example", "NODATA (SOA acme.example 300)"},
		{"no file knows it", "A www.shop.test", "203.0.113.1"},
		{"no file knows it", "A nosuch.test", "NXDOMAIN"},
		{"an alias leads out", "A out.acme.example", "-> www.shop.test 203.0.113.1"},
		{"an alias leads to a failure", "A bad.acme.example", "-> bad.test timeout"},
		{"an alias leads in", "A home.test", "-> www.acme.example 192.0.2.1"},
		{"out, in, and out again", "A far.acme.example", "-> far1.test -> far2.test -> out.acme.example -> www.shop.test 203.0.113.1"},
		{"beyond a cut", "A x.cut.acme.example", "203.0.113.2"},
		{"a delegation that is not published yet", "A cut2.acme.example", "not-asked"},
		{"an alias of the provider: what is published now may change", "A brand.example", "not-asked"},
		{"the provider's", "SOA brand.example", "not-asked"},
		{"a name of the file's that is not published yet", "A .", "NODATA"},
	}.run(t, z)

	var asked []string
	for _, q := range next.Asked() {
		asked = append(asked, q.String())
	}
	assert.NotContains(t, asked, "TXT acme.example")

	t.Run("all at once, with the same words", func(t *testing.T) {
		qs := []dnsx.Question{
			dnsx.Q("far.acme.example", dnsx.TypeA), dnsx.Q("www.acme.example", dnsx.TypeA), dnsx.Q("bad.acme.example", dnsx.TypeA),
			dnsx.Q("bad..name", dnsx.TypeA), dnsx.Q("nosuch.test", dnsx.TypeA), dnsx.Q("home.test", dnsx.TypeA),
		}
		bulk := &bulkOnly{next: next}
		z.Next = bulk
		var got []string
		for i, r := range dnsx.Ask(t.Context(), z, qs...) {
			assert.Equal(t, qs[i], r.Question)
			got = append(got, tell(t, r))
		}
		assert.Equal(t, []string{
			"-> far1.test -> far2.test -> out.acme.example -> www.shop.test 203.0.113.1",
			"192.0.2.1", "-> bad.test timeout", "malformed", "NXDOMAIN", "-> www.acme.example 192.0.2.1",
		}, got)
		var names [][]string
		for _, b := range bulk.batches {
			var batch []string
			for _, q := range b {
				batch = append(batch, q.Name)
			}
			names = append(names, batch)
		}
		assert.Equal(t, [][]string{{"far1.test", "bad.test", "nosuch.test", "home.test"}, {"www.shop.test"}}, names)
	})
}

// What Next says of the zone that the file takes the place of.
func TestResolve_published(t *testing.T) {
	z := mustParse(t, "acme.example.zone", `
@ SOA ns hostmaster 1 2 3 4 300
cut NS ns.test.
`)
	soa, err := dnsx.ParseRR("acme.example. 300 SOA ns. h. 1 2 3 4 300")
	require.NoError(t, err)
	z.Next = dnsx.ResolverFunc(func(_ context.Context, q dnsx.Question) (*dnsx.Answer, error) {
		return &dnsx.Answer{Question: q, RCode: dnsx.NXDomain, Authority: []dnsx.RR{soa}, AD: true, Server: "192.0.2.53:53", Proto: "udp"}, nil
	})
	assert.Equal(t, "not-asked", ask(t, z, "A x.cut.acme.example"), "the parent's denial of today")
	assert.Equal(t, "NXDOMAIN (SOA acme.example 300)", ask(t, z, "A other.test"))
	assert.Equal(t, "NXDOMAIN (SOA acme.example 300)", ask(t, z, "DNSKEY acme.example"), "signing is as published")
}

// What Next may get wrong.
func TestResolve_badNext(t *testing.T) {
	z := mustParse(t, "acme.example.zone", soa+"www A 192.0.2.1\nout CNAME x.test.\n")
	loop, err := dnsx.ParseRR("x.test. CNAME x.test.")
	require.NoError(t, err)
	broken, err := dnsx.ParseRR(`x.test. CNAME \# 1 ff`)
	require.NoError(t, err)
	chain := func(rrs ...dnsx.RR) dnsx.Resolver {
		return dnsx.ResolverFunc(func(_ context.Context, q dnsx.Question) (*dnsx.Answer, error) {
			return &dnsx.Answer{Question: q, Chain: rrs}, nil
		})
	}
	z.Next = chain(slices.Repeat([]dnsx.RR{loop}, dnsx.MaxChain)...)
	assert.Equal(t, "-> x.test"+strings.Repeat(" -> x.test", dnsx.MaxChain)+" NODATA", "-> x.test "+ask(t, z, "A x.test"))
	assert.Equal(t, "-> x.test"+strings.Repeat(" -> x.test", dnsx.MaxChain-1)+" chain", ask(t, z, "A out.acme.example"), "with the file's own it is one more")
	z.Next = chain(broken)
	assert.Equal(t, "malformed", ask(t, z, "A x.test"))
	z.Next = silent{}
	assert.Equal(t, "-> x.test not-asked", tell(t, dnsx.Ask(t.Context(), z, dnsx.Q("out.acme.example", dnsx.TypeA))[0]))
	assert.Equal(t, "malformed", ask(t, z, "A a..b"))
}

// silent gives replies that say nothing.
type silent struct{ dnsx.Resolver }

func (silent) ResolveAll(_ context.Context, qs []dnsx.Question) []dnsx.Reply {
	return make([]dnsx.Reply, len(qs))
}

func TestResolve_answer(t *testing.T) {
	z, err := zone.Load(folder(t, "acme.example.zone", "@ SOA ns hostmaster 1 2 3 4 300\nwww A 192.0.2.1\nout CNAME x.test.\n") + "/acme.example.zone")
	require.NoError(t, err)
	z.Now = func() time.Time { return noon }
	rr := func(line string) dnsx.RR {
		rr, err := dnsx.ParseRR(line)
		require.NoError(t, err)
		return rr
	}
	q := dnsx.Question{Name: "www.acme.example", Type: dnsx.TypeA, DNSSEC: true}
	got, err := z.Resolve(t.Context(), q)
	require.NoError(t, err)
	assert.Equal(t, &dnsx.Answer{
		Question: q, Records: []dnsx.RR{rr("www.acme.example. 300 A 192.0.2.1")}, Server: "acme.example.zone", Proto: "zone", At: noon,
	}, got)

	missing := dnsx.Q("nosuch.acme.example", dnsx.TypeA)
	got, err = z.Resolve(t.Context(), missing)
	require.NoError(t, err)
	assert.Equal(t, &dnsx.Answer{
		Question: missing, RCode: dnsx.NXDomain, Server: "acme.example.zone", Proto: "zone", At: noon,
		Authority: []dnsx.RR{rr("acme.example. 300 SOA ns.acme.example. hostmaster.acme.example. 1 2 3 4 300")},
	}, got)

	var asked dnsx.Question
	z.Next = dnsx.ResolverFunc(func(_ context.Context, q dnsx.Question) (*dnsx.Answer, error) {
		asked = q
		return &dnsx.Answer{Question: q, Records: []dnsx.RR{rr("x.test. 60 A 203.0.113.1")}, AD: true, Server: "192.0.2.53:53", Proto: "udp", Size: 60}, nil
	})
	out := dnsx.Question{Name: "out.acme.example", Type: dnsx.TypeA, CheckingDisabled: true}
	got, err = z.Resolve(t.Context(), out)
	require.NoError(t, err)
	assert.Equal(t, dnsx.Question{Name: "x.test", Type: dnsx.TypeA, CheckingDisabled: true}, asked)
	assert.Equal(t, &dnsx.Answer{
		Question: out, Chain: []dnsx.RR{rr("out.acme.example. 300 CNAME x.test.")}, Records: []dnsx.RR{rr("x.test. 60 A 203.0.113.1")},
		Server: "192.0.2.53:53", Proto: "udp", Size: 60,
	}, got, "no AD: nobody validated the alias")
}

func TestResolve_context(t *testing.T) {
	z := mustParse(t, "acme.example.zone", "@ SOA ns hostmaster 1 2 3 4 300\nout CNAME x.test.\n")
	z.Next = dnstest.Must("x.test. A 203.0.113.1")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := z.Resolve(ctx, dnsx.Q("x.test", dnsx.TypeA))
	assert.ErrorIs(t, err, context.Canceled)
	_, err = z.Resolve(ctx, dnsx.Q("acme.example", dnsx.TypeA))
	assert.NoError(t, err, "the file's word costs no time")

	got := dnsx.Ask(ctx, z, dnsx.Q("out.acme.example", dnsx.TypeA), dnsx.Q("acme.example", dnsx.TypeA))
	assert.Equal(t, "-> x.test canceled", tell(t, got[0]))
	assert.Equal(t, "NODATA (SOA acme.example 300)", tell(t, got[1]))
}

func TestZero(t *testing.T) {
	var z zone.Zones
	assert.Equal(t, "not-asked", ask(t, &z, "A acme.example"))
	_, err := z.Names("acme.example")
	assert.ErrorIs(t, err, dnsx.ErrNoList)
	assert.Empty(t, z.Apexes())
	assert.Empty(t, z.Notes())
	z.Next = dnstest.Must("acme.example. A 192.0.2.1")
	assert.Equal(t, "192.0.2.1", ask(t, &z, "A acme.example"))
}

func TestNames(t *testing.T) {
	z := mustLoad(t, "acme.example.zone", `
@ SOA ns hostmaster 1 2 3 4 300
s2._domainkey CNAME s2.test.
s1._domainkey TXT "v=DKIM1; p="
a\.b._domainkey TXT "a dot in a label"
x_domainkey TXT "another label"
*.shop A 192.0.2.1
cut NS ns.cut
ns.cut A 192.0.2.53
old DNAME new
`, "held.cut.acme.example.zone", "@ SOA ns h 1 2 3 4 5\nwww A 192.0.2.1\n",
		"brand.example.yaml", "'': {type: ALIAS, value: lb.test.}\nwww: {type: A, value: 192.0.2.1}\n",
		"providers.zone", "mail.zendesk.com. TXT x\n")
	tests := []struct {
		name, below string
		want        []string
		err         string
	}{
		{name: "selectors", below: "_domainkey.acme.example", want: []string{`a\.b._domainkey.acme.example`, "s1._domainkey.acme.example", "s2._domainkey.acme.example"}},
		{name: "any case", below: "S1._DomainKey.Acme.Example.", want: []string{"s1._domainkey.acme.example"}},
		{name: "no such name", below: "nosuch.acme.example", want: nil},
		{name: "a wildcard is one name", below: "shop.acme.example", want: []string{"*.shop.acme.example"}},
		{name: "a whole zone, and what files hold beyond its cuts", below: "acme.example", want: []string{
			"*.shop.acme.example", `a\.b._domainkey.acme.example`, "acme.example", "cut.acme.example", "held.cut.acme.example", "old.acme.example",
			"s1._domainkey.acme.example", "s2._domainkey.acme.example", "www.held.cut.acme.example", "x_domainkey.acme.example",
		}},
		{name: "a name with an alias of the provider only", below: "brand.example", want: []string{"brand.example", "www.brand.example"}},
		{name: "delegated", below: "cut.acme.example", err: "zone: no file has all names below cut.acme.example: dnsx: the resolver does not list names"},
		{name: "renamed", below: "x.old.acme.example", err: "zone: no file has all names below x.old.acme.example: dnsx: the resolver does not list names"},
		{name: "above the zone", below: "example", err: "zone: no file has all names below example: dnsx: the resolver does not list names"},
		{name: "of a file without SOA", below: "zendesk.com", err: "zone: no file has all names below zendesk.com: dnsx: the resolver does not list names"},
		{name: "no name", below: "a..b", err: `"a..b" is no domain name: an empty label at octet 2`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := z.Names(tt.below)
			if tt.err != "" {
				assert.EqualError(t, err, tt.err)
			} else {
				assert.NoError(t, err)
			}
			assert.Equal(t, tt.want, got)
		})
	}
	z.Next = dnstest.Must("s3._domainkey.cut.acme.example. TXT x").Listing()
	got, err := z.Names("cut.acme.example")
	require.NoError(t, err)
	assert.Equal(t, []string{"s3._domainkey.cut.acme.example"}, got, "from Next")
}
