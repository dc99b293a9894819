package zone_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/dnsx/zone"
)

func TestOctoDNS(t *testing.T) {
	long := strings.Repeat("x", 300)
	tests := []struct {
		name string
		text string
		ask  string
		want []string // without "acme.example. 3600 IN TYPE "
	}{
		{name: "a value, the default TTL", text: "'': {type: A, value: 192.0.2.1}", ask: "A acme.example", want: []string{"acme.example. 3600 IN A 192.0.2.1"}},
		{name: "values, a TTL", text: "www:\n  ttl: 60\n  type: AAAA\n  values: ['2001:db8::1', '2001:DB8::0002']", ask: "AAAA www.acme.example", want: []string{"www.acme.example. 60 IN AAAA 2001:db8::1", "www.acme.example. 60 IN AAAA 2001:db8::2"}},
		{name: "values that are one mapping", text: "'': {type: MX, values: {exchange: mx.test., preference: 10}}", ask: "MX acme.example", want: []string{"acme.example. 3600 IN MX 10 mx.test."}},
		{name: "a value that is a list", text: "'': {type: A, value: [192.0.2.1]}", ask: "A acme.example", want: []string{"acme.example. 3600 IN A 192.0.2.1"}},
		{name: "several records at a name", text: "'':\n- {type: A, value: 192.0.2.1}\n- {type: TXT, value: x}\n", ask: "TXT acme.example", want: []string{`acme.example. 3600 IN TXT "x"`}},
		{name: "the TTL that Route 53's aliases have", text: "'': {ttl: 942942942, type: A, value: 192.0.2.1}", ask: "A acme.example", want: []string{"acme.example. 942942942 IN A 192.0.2.1"}},
		{name: "a TTL of over 31 bits", text: "'': {ttl: 9429429420, type: A, value: 192.0.2.1}", ask: "A acme.example", want: []string{"acme.example. 2147483647 IN A 192.0.2.1"}},
		{name: "names are relative, targets absolute without a dot too", text: "a.b: {type: CNAME, value: Www.acme}", ask: "CNAME a.b.acme.example", want: []string{"a.b.acme.example. 3600 IN CNAME www.acme."}},
		{name: "a wildcard", text: "'*': {type: CNAME, value: www.test.}", ask: "CNAME x.y.acme.example", want: []string{"x.y.acme.example. 3600 IN CNAME www.test."}},
		{name: "a name that YAML takes for a number", text: "19: {type: PTR, value: www.test.}", ask: "PTR 19.acme.example", want: []string{"19.acme.example. 3600 IN PTR www.test."}},
		{name: "a name that YAML takes for a truth", text: "on: {type: PTR, values: [a.test., b.test.]}", ask: "PTR on.acme.example", want: []string{"on.acme.example. 3600 IN PTR a.test.", "on.acme.example. 3600 IN PTR b.test."}},
		{name: "names have any case", text: "WWW: {type: A, value: 192.0.2.1}", ask: "A www.acme.example", want: []string{"www.acme.example. 3600 IN A 192.0.2.1"}},
		{name: "an alias of YAML, and merge keys", text: "a: &a {ttl: 60, type: A, value: 192.0.2.1}\nb: *a\nc: {<<: *a, value: 192.0.2.3}\nd: {<<: [{value: 192.0.2.4}, *a]}\n", ask: "A d.acme.example", want: []string{"d.acme.example. 60 IN A 192.0.2.4"}},
		{name: "the mapping's own goes before what is merged", text: "a: &a {ttl: 60, type: A, value: 192.0.2.1}\nc: {<<: *a, value: 192.0.2.3}\n", ask: "A c.acme.example", want: []string{"c.acme.example. 60 IN A 192.0.2.3"}},
		{name: "octodns: what providers are told", text: "'': {octodns: {excluded: [test], lenient: true}, type: A, value: 192.0.2.1}", ask: "A acme.example", want: []string{"acme.example. 3600 IN A 192.0.2.1"}},

		{name: "TXT: semicolons with and without a backslash", text: `'': {type: TXT, values: ['v=DMARC1\; p=none; x', "a\\; b"]}`, ask: "TXT acme.example", want: []string{`acme.example. 3600 IN TXT "v=DMARC1; p=none; x"`, `acme.example. 3600 IN TXT "a; b"`}},
		{name: "TXT: any other backslash stays", text: `'': {type: TXT, value: 'a\b\\c\"d\065'}`, ask: "TXT acme.example", want: []string{`acme.example. 3600 IN TXT "a\\b\\\\c\\\"d\\065"`}},
		{name: "TXT: quotes inside", text: `'': {type: TXT, value: 'say "hi"'}`, ask: "TXT acme.example", want: []string{`acme.example. 3600 IN TXT "say \"hi\""`}},
		{name: "TXT: quoted strings are one text", text: `'': {type: TXT, value: '"v=DKIM1\; " "p=abc"'}`, ask: "TXT acme.example", want: []string{`acme.example. 3600 IN TXT "v=DKIM1; p=abc"`}},
		{name: "TXT: a long text", text: `'': {type: TXT, value: ` + long + `}`, ask: "TXT acme.example", want: []string{`acme.example. 3600 IN TXT "` + long[:255] + `" "` + long[255:] + `"`}},
		{name: "TXT: a number", text: `'': {type: TXT, value: 0123}`, ask: "TXT acme.example", want: []string{`acme.example. 3600 IN TXT "0123"`}},
		{name: "TXT: nothing", text: `'': {type: TXT, value: ''}`, ask: "TXT acme.example", want: []string{`acme.example. 3600 IN TXT ""`}},
		{name: "TXT: folded over lines", text: "'':\n  type: TXT\n  value: >-\n    v=spf1\n    -all\n", ask: "TXT acme.example", want: []string{`acme.example. 3600 IN TXT "v=spf1 -all"`}},
		{name: "TXT: not ASCII", text: "'': {type: TXT, value: ü}", ask: "TXT acme.example", want: []string{`acme.example. 3600 IN TXT "\195\188"`}},

		{name: "CAA", text: "'': {type: CAA, values: [{tag: issue, value: ca.test}, {flags: 128, tag: iodef, value: 'a\"bü'}]}", ask: "CAA acme.example", want: []string{`acme.example. 3600 IN CAA 0 issue "ca.test"`, `acme.example. 3600 IN CAA 128 iodef "a\"b\195\188"`}},
		{name: "DNAME", text: "old: {type: DNAME, value: new.test.}", ask: "DNAME old.acme.example", want: []string{"old.acme.example. 3600 IN DNAME new.test."}},
		{name: "DS", text: "x: {type: DS, value: {key_tag: 1, algorithm: 8, digest_type: 2, digest: ABCD}}", ask: "DS x.acme.example", want: []string{"x.acme.example. 3600 IN DS 1 8 2 abcd"}},
		{name: "MX: value and priority", text: "'': {type: MX, value: {value: mx.test, priority: 0}}", ask: "MX acme.example", want: []string{"acme.example. 3600 IN MX 0 mx.test."}},
		{name: "MX: a null MX", text: "'': {type: MX, value: {exchange: ., preference: 0}}", ask: "MX acme.example", want: []string{"acme.example. 3600 IN MX 0 ."}},
		{name: "NS", text: "'': {type: NS, values: [ns1.test., ns2.test]}", ask: "NS acme.example", want: []string{"acme.example. 3600 IN NS ns1.test.", "acme.example. 3600 IN NS ns2.test."}},
		{name: "SPF", text: "'': {type: SPF, value: v=spf1 -all}", ask: "SPF acme.example", want: []string{`acme.example. 3600 IN SPF "v=spf1 -all"`}},
		{name: "SRV", text: "_sip._udp: {type: SRV, value: {priority: 1, weight: 2, port: 3, target: .}}", ask: "SRV _sip._udp.acme.example", want: []string{"_sip._udp.acme.example. 3600 IN SRV 1 2 3 ."}},
		{name: "TLSA", text: "_25._tcp: {type: TLSA, value: {certificate_usage: 3, selector: 1, matching_type: 1, certificate_association_data: ABCD}}", ask: "TLSA _25._tcp.acme.example", want: []string{"_25._tcp.acme.example. 3600 IN TLSA 3 1 1 abcd"}},
		{name: "SSHFP", text: "'': {type: SSHFP, value: {algorithm: 4, fingerprint_type: 2, fingerprint: abcd}}", ask: "TYPE44 acme.example", want: []string{`acme.example. 3600 IN TYPE44 \# 4 0402abcd`}},
		{name: "NAPTR", text: `'': {type: NAPTR, value: {order: 1, preference: 2, flags: U, service: SIP, regexp: '!\d!', replacement: .}}`, ask: "TYPE35 acme.example", want: []string{`acme.example. 3600 IN TYPE35 \# 16 00010002` + "0155" + "03534950" + `04215c6421` + "00"}},
		{name: "LOC", text: "'': {type: LOC, value: {lat_degrees: 31, lat_minutes: 58, lat_seconds: 52.1, lat_direction: S, long_degrees: 115, long_minutes: 49, long_seconds: 11.7, long_direction: E, altitude: 20, size: 10, precision_horz: 10, precision_vert: 2}}", ask: "TYPE29 acme.example", want: []string{`acme.example. 3600 IN TYPE29 \# 16 00131322` + "7923393c" + "98da2d94" + "00989e50"}},
		{name: "URI", text: "'': {type: URI, value: {priority: 1, weight: 2, target: 'https://x'}}", ask: "TYPE256 acme.example", want: []string{`acme.example. 3600 IN TYPE256 \# 13 00010002` + "68747470733a2f2f78"}},
		{name: "OPENPGPKEY", text: "'': {type: OPENPGPKEY, value: q80=}", ask: "TYPE61 acme.example", want: []string{`acme.example. 3600 IN TYPE61 \# 2 abcd`}},
		{name: "HTTPS", text: "'': {type: HTTPS, value: {svcpriority: 1, targetname: ., svcparams: {alpn: [h2, h3], port: 8443, no-default-alpn: }}}", ask: "HTTPS acme.example", want: []string{`acme.example. 3600 IN HTTPS \# 23 000100` + "00010006026832026833" + "00020000" + "0003000220fb"}},
		{name: "SVCB without parameters", text: "_dns: {type: SVCB, value: {svcpriority: 0, targetname: x.}}", ask: "SVCB _dns.acme.example", want: []string{`_dns.acme.example. 3600 IN SVCB \# 5 00000178` + "00"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			z := mustParse(t, "acme.example.yaml", "---\n"+tt.text)
			assert.Equal(t, tt.want, lines(t, z, tt.ask))
			assert.Empty(t, z.Notes())
		})
	}
}

func TestOctoDNS_notes(t *testing.T) {
	z := mustParse(t, "zones/acme.example.yml", `---
'':
  - ttl: 942942942
    type: Route53Provider/ALIAS
    value: {hosted-zone-id: Z2, name: d1.cloudfront.net., type: A}
  - type: TXT
    value: v=spf1 -all
alias: {type: ALIAS, value: lb.test.}
api: {type: Route53Provider/ALIAS, values: [{name: '', type: AAAA}]}
dyn: {type: CNAME, dynamic: {pools: {}}}
dyn2: {type: A, dynamic: {pools: {}}, value: 192.0.2.1}
fwd: {type: URLFWD, value: {code: 301}}
geo: {type: A, geo: {AF: [192.0.2.9]}, values: [192.0.2.1]}
ignored: {octodns: {ignored: true}, type: TXT, value: x}
key: {type: DNSKEY, value: x}
mail: {type: Route53Provider/ALIAS, values: [{name: mx.acme.example., type: MX}, {name: mx.acme.example., type: A}]}
'*.wild': {type: ALIAS, value: lb.test.}
`)
	const unread = "not read: the file does not say which records it becomes"
	assert.Equal(t, []string{
		"acme.example.yml:4: acme.example Route53Provider/ALIAS: " + unread,
		"acme.example.yml:8: alias.acme.example ALIAS: " + unread,
		"acme.example.yml:9: api.acme.example Route53Provider/ALIAS: " + unread,
		"acme.example.yml:10: dyn.acme.example CNAME: what it answers depends on who asks (dynamic), and it has no plain value",
		"acme.example.yml:11: dyn2.acme.example A: what it answers depends on who asks (dynamic); the plain values are taken",
		"acme.example.yml:12: fwd.acme.example URLFWD: " + unread,
		"acme.example.yml:13: geo.acme.example A: what it answers depends on who asks (geo); the plain values are taken",
		"acme.example.yml:14: ignored.acme.example TXT: octoDNS leaves it to others (octodns.ignored)",
		"acme.example.yml:15: key.acme.example DNSKEY: " + unread,
		"acme.example.yml:16: mail.acme.example Route53Provider/ALIAS: " + unread,
		"acme.example.yml:17: *.wild.acme.example ALIAS: " + unread,
	}, notes(z))
	table{
		{"an alias of the provider", "A acme.example", "not-asked"},
		{"an alias of the provider", "AAAA acme.example", "not-asked"},
		{"beside it", "TXT acme.example", `"v=spf1 -all"`},
		{"beside it", "MX acme.example", "NODATA"},
		{"the provider's", "SOA acme.example", "not-asked"},
		{"the provider's", "NS acme.example", "not-asked"},
		{"the name exists", "TXT alias.acme.example", "NODATA"},
		{"its address is not known", "A alias.acme.example", "not-asked"},
		{"an unknown alias hides all", "TXT dyn.acme.example", "not-asked"},
		{"plain values", "A dyn2.acme.example", "192.0.2.1"},
		{"plain values", "A geo.acme.example", "192.0.2.1"},
		{"a redirection", "A fwd.acme.example", "not-asked"},
		{"somebody else's", "TXT ignored.acme.example", "not-asked"},
		{"but that", "A ignored.acme.example", "NODATA"},
		{"an alias to another type", "MX mail.acme.example", "not-asked"},
		{"by a wildcard", "A x.wild.acme.example", "not-asked"},
		{"by a wildcard", "MX x.wild.acme.example", "NODATA"},
		{"no such name", "A nosuch.acme.example", "NXDOMAIN"},
	}.run(t, z)
}

func TestOctoDNS_empty(t *testing.T) {
	for _, text := range []string{"", "---\n", "# nothing\n", "{}"} {
		z := mustParse(t, "acme.example.yaml", text)
		assert.Equal(t, []string{"acme.example"}, z.Apexes())
		assert.Equal(t, "NODATA", ask(t, z, "TXT acme.example"))
		assert.Equal(t, "NXDOMAIN", ask(t, z, "TXT www.acme.example"))
	}
}

func TestOctoDNS_errors(t *testing.T) {
	const config = "providers:\n  config: {class: x}\nzones:\n  '*': {}\n"
	tests := []struct {
		name string
		file string // acme.example.yaml if empty
		text string
		want string // without "zone: " and the file
	}{
		{name: "no YAML", text: "a:\n  b: [\n", want: "3: no YAML: did not find expected node content"},
		{name: "an unknown alias", text: "\na: *b\n", want: "2: no YAML: unknown anchor 'b' referenced"},
		{name: "an escape that YAML does not have", text: `a: "\;"`, want: "1: no YAML: found unknown escape character"},
		{name: "two documents", text: "a: {type: A, value: 192.0.2.1}\n---\nb: 1\n", want: " no YAML: a second YAML document"},
		{name: "a list", text: "- a\n", want: "1: want a mapping, have a list"},
		{name: "a text", text: "hello\n", want: `1: want a mapping, have "hello"`},
		{name: "a configuration", text: config, want: " an octoDNS configuration, no zone"},
		{name: "no zone's name", file: "a..yaml.yaml", text: "", want: ` the file's name says no zone: "a..yaml" is no domain name: an empty label at octet 2`},
		{name: "a zone's name that is not ASCII", file: "bücher.example.yaml", text: "", want: ` the file's name says no zone: "bücher.example" is not ASCII: write it in its A-label form (xn--…)`},
		{name: "a name", text: "\na..b: {type: A, value: 192.0.2.1}\n", want: `2: "a..b.acme.example" is no domain name: an empty label at octet 2`},
		{name: "@", text: "'@': {type: A, value: 192.0.2.1}\n", want: "1: octoDNS writes the apex as '', not as @"},
		{name: "an absolute name", text: "www.acme.example.: {type: A, value: 192.0.2.1}\n", want: `1: "www.acme.example.": names are relative to the zone, without a dot at the end`},
		{name: "a name twice", text: "www: {type: A, value: 192.0.2.1}\nWWW: {type: TXT, value: x}\n", want: `2: "WWW" twice in one mapping`},
		{name: "a type twice", text: "www:\n- {type: TXT, value: x}\n- {type: TXT, value: y}\n", want: "3: TXT twice at www.acme.example: octoDNS wants one record with several values"},
		{name: "no name", text: "? [a]\n: {type: A}\n", want: "1: want a name, have a list"},
		{name: "null for a name", text: "~: {type: A}\n", want: "1: want a name, have nothing"},
		{name: "no record", text: "www:\n", want: "1: want a mapping, have nothing"},
		{name: "no type", text: "www: {value: x}\n", want: "1: a record of www.acme.example without a type"},
		{name: "a type in lower case", text: "www: {type: txt, value: x}\n", want: `1: type "txt": octoDNS writes it TXT`},
		{name: "no value", text: "www: {type: TXT}\n", want: "1: TXT of www.acme.example has neither value nor values"},
		{name: "no values", text: "www: {type: TXT, values: []}\n", want: "1: TXT of www.acme.example has no values"},
		{name: "null", text: "www:\n  type: TXT\n  value:\n", want: "3: TXT of www.acme.example: want a text, have nothing"},
		{name: "null among others", text: "www:\n  type: TXT\n  values:\n  - x\n  -\n", want: "5: TXT of www.acme.example: want a text, have nothing"},
		{name: "a mapping for a text", text: "www: {type: A, value: {x: y}}\n", want: "1: A of www.acme.example: want a text, have a mapping"},
		{name: "a text for a mapping", text: "www: {type: MX, value: mx.test.}\n", want: `1: want a mapping, have "mx.test."`},
		{name: "an address", text: "www: {type: A, value: '2001:db8::1'}\n", want: `1: A of www.acme.example: "2001:db8::1" is no such address`},
		{name: "an address with a zone", text: "www: {type: AAAA, value: 'fe80::1%eth0'}\n", want: `1: AAAA of www.acme.example: "fe80::1%eth0" is no such address`},
		{name: "a target", text: "www: {type: CNAME, value: a..b}\n", want: `1: CNAME of www.acme.example: "a..b" is no domain name: an empty label at octet 2`},
		{name: "a target that is not ASCII", text: "www: {type: CNAME, value: bücher.example.}\n", want: `1: CNAME of www.acme.example: "bücher.example." is not ASCII: write it in its A-label form (xn--…)`},
		{name: "two targets", text: "www:\n  type: CNAME\n  values: [a., b.]\n", want: "3: a second CNAME record at www.acme.example"},
		{name: "CNAME and other data", text: "www:\n- {type: CNAME, value: a.}\n- {type: TXT, value: b}\n", want: "3: TXT beside CNAME at www.acme.example: a CNAME record stands alone"},
		{name: "a TTL", text: "www: {type: A, value: 192.0.2.1, ttl: 1h}\n", want: `1: ttl: want a number of seconds, have "1h"`},
		{name: "a negative TTL", text: "www: {type: A, value: 192.0.2.1, ttl: -1}\n", want: `1: ttl: want a number of seconds, have "-1"`},
		{name: "a quote", text: "www: {type: TXT, value: '\"x'}\n", want: "1: TXT of www.acme.example: a quote that does not end"},
		{name: "a text that fits in no record", text: "www: {type: TXT, value: " + strings.Repeat("x", 65535) + "}\n", want: "1: TXT of www.acme.example: over 65535 octets of data"},
		{name: "a field is missing", text: "www: {type: MX, value: {exchange: mx.}}\n", want: "1: MX of www.acme.example: the value has no preference or priority"},
		{name: "a field is no number", text: "www:\n  type: MX\n  value:\n    exchange: mx.\n    preference: '10 evil. ;'\n", want: `5: MX: preference|priority: want a number, have "10 evil. ;"`},
		{name: "a number that is too large", text: "www: {type: MX, value: {exchange: mx., preference: 65536}}\n", want: `1: MX of www.acme.example: MX: cannot read "65536"`},
		{name: "a field of several words", text: "www: {type: CAA, value: {tag: 'issue x', value: y}}\n", want: `1: CAA: tag: "issue x" is not one plain word`},
		{name: "an empty field", text: "www: {type: CAA, value: {tag: '', value: y}}\n", want: `1: CAA: tag: it is empty`},
		{name: "a field that is a list", text: "www: {type: CAA, value: {tag: [x], value: y}}\n", want: `1: CAA: tag: want a text, have a list`},
		{name: "a parameter of HTTPS", text: "www: {type: HTTPS, value: {svcpriority: 1, targetname: ., svcparams: {'a b': c}}}\n", want: `1: HTTPS: svcparams: "a b" is not one plain word`},
		{name: "a long text in an error", text: "www: {type: A, value: " + strings.Repeat("x", 200) + "}\n", want: "1: A of www.acme.example: \"" + strings.Repeat("x", 100) + `…" is no such address`},
		{name: "a key that is no key", text: "www: {type: OPENPGPKEY, value: 'a b'}\n", want: `1: OPENPGPKEY of www.acme.example: "a b" is not one plain word`},
		{name: "!include", text: "www: !include www.yaml\n", want: "1: want a mapping, have !include, which is not read"},
		{name: "!include of a value", text: "www: {type: TXT, value: !include x}\n", want: "1: TXT of www.acme.example: want a text, have !include, which is not read"},
		{name: "a merge of itself", text: "a: &a {<<: *a, type: A}\n", want: "1: merge keys over 8 deep"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.file == "" {
				tt.file = "acme.example.yaml"
			}
			z, err := zone.Parse(tt.file, []byte(tt.text))
			assert.Nil(t, z)
			assert.EqualError(t, err, "zone: "+tt.file+":"+tt.want)
			var at *zone.SyntaxError
			assert.ErrorAs(t, err, &at)
		})
	}
}

// A zone may have a name that configurations have.
func TestOctoDNS_noConfiguration(t *testing.T) {
	z := mustParse(t, "acme.example.yaml", "zones: {type: A, value: 192.0.2.1}\nproviders: [{type: A, value: 192.0.2.2}]\n")
	assert.Equal(t, []string{"zones.acme.example. 3600 IN A 192.0.2.1", "providers.acme.example. 3600 IN A 192.0.2.2"},
		lines(t, z, "A zones.acme.example", "A providers.acme.example"))
}

// What repeats by aliases is bounded.
func TestOctoDNS_bomb(t *testing.T) {
	var b strings.Builder
	b.WriteString("a: &a\n  type: A\n  value: 192.0.2.1\n")
	for i := range 1_000 {
		fmt.Fprintf(&b, "  k%d: x\n", i)
	}
	for i := range 2_000 {
		fmt.Fprintf(&b, "n%d: {<<: *a}\n", i)
	}
	_, err := zone.Parse("acme.example.yaml", []byte(b.String()))
	require.Error(t, err)
	assert.Contains(t, err.Error(), "aliases repeat more than is read")
}
