package zone_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/zone"
)

const soa = "@ SOA ns hostmaster 1 2 3 4 300\n"

// lines returns the records of the questions' answers as lines of a master file.
func lines(t *testing.T, z *zone.Zones, questions ...string) []string {
	t.Helper()
	var all []string
	for _, s := range questions {
		a, err := z.Resolve(t.Context(), question(t, s))
		require.NoError(t, err, s)
		for _, rr := range a.Records {
			all = append(all, rr.String())
		}
	}
	return all
}

func TestMaster(t *testing.T) {
	long := strings.Repeat("x", 255)
	tests := []struct {
		name string
		file string // acme.example.zone if empty
		text string
		ask  string
		want []string
	}{
		{
			name: "parentheses, comments, classes, TTLs",
			text: "$TTL 1h\n@ IN 60 SOA ns.acme.example. (\n hostmaster ; who\n 1 2 3 4 ; and so on (\n 300 )\n",
			ask:  "SOA acme.example",
			want: []string{"acme.example. 60 IN SOA ns.acme.example. hostmaster.acme.example. 1 2 3 4 300"},
		},
		{name: "the owner of the line before", text: soa + "www A 192.0.2.1\n\tA 192.0.2.2\n", ask: "A www.acme.example", want: []string{"www.acme.example. 300 IN A 192.0.2.1", "www.acme.example. 300 IN A 192.0.2.2"}},
		{name: "an owner with an odd label before", text: soa + `a\.b\;\"\(\@ A 192.0.2.1` + "\n\tA 192.0.2.2\n", ask: `A a\.b\;\"\(\@.acme.example`, want: []string{`a\.b\;\"\(\@.acme.example. 300 IN A 192.0.2.1`, `a\.b\;\"\(\@.acme.example. 300 IN A 192.0.2.2`}},
		{name: "CRLF", text: "@ SOA ns hostmaster 1 2 3 4 300\r\nwww TXT \"a\"\r\n  TXT b\r\n", ask: "TXT www.acme.example", want: []string{`www.acme.example. 300 IN TXT "a"`, `www.acme.example. 300 IN TXT "b"`}},
		{name: "a byte order mark, no newline at the end", text: "\ufeff" + soa + "www A 192.0.2.1", ask: "A www.acme.example", want: []string{"www.acme.example. 300 IN A 192.0.2.1"}},
		{name: "strings", text: soa + `@ TXT "a;b" c\;d "e\"f\092\200" ""` + "\n", ask: "TXT acme.example", want: []string{`acme.example. 300 IN TXT "a;b" "c;d" "e\"f\\\200" ""`}},
		{name: "a string of 255 octets", text: soa + `@ TXT "` + long[1:] + `\120" ` + long + "\n", ask: "TXT acme.example", want: []string{`acme.example. 300 IN TXT "` + long + `" "` + long + `"`}},
		{name: "names in data get lower case", text: soa + "@ MX 10 MX1.Acme.EXAMPLE.\n", ask: "MX acme.example", want: []string{"acme.example. 300 IN MX 10 mx1.acme.example."}},
		{name: "the same record twice (RFC 2181, 5)", text: soa + "@ MX 10 mx\n@ MX 10 MX\n", ask: "MX acme.example", want: []string{"acme.example. 300 IN MX 10 mx.acme.example."}},
		{name: "a type by number (RFC 3597, 5)", text: soa + `@ TYPE65280 \# 2 ab cd` + "\n", ask: "TYPE65280 acme.example", want: []string{`acme.example. 300 IN TYPE65280 \# 2 abcd`}},
		{name: "no data (RFC 3597, 5)", text: soa + `@ TYPE65280 \# 0` + "\n", ask: "TYPE65280 acme.example", want: []string{`acme.example. 300 IN TYPE65280 \# 0`}},
		{name: "a known type in that form", text: soa + `@ MX \# 6 000a 02 4D58 00` + "\n", ask: "MX acme.example", want: []string{"acme.example. 300 IN MX 10 mx."}},
		{name: "names in types that dnsx does not know", text: soa + `@ NAPTR 1 2 "S" "SIP+D2U" "" _Sip._Udp` + "\n", ask: "TYPE35 acme.example", want: []string{`acme.example. 300 IN TYPE35 \# 39 000100020153075349502b44325500` + `045f736970045f756470` + `0461636d65076578616d706c6500`}},
		{name: "names in HTTPS", text: soa + "@ HTTPS 1 CDN alpn=h2\n", ask: "HTTPS acme.example", want: []string{`acme.example. 300 IN HTTPS \# 27 0001` + `0363646e0461636d65076578616d706c6500` + `00010003026832`}},

		{name: "TTL: the last one written", text: "a 60 A 192.0.2.1\nb A 192.0.2.2\n" + soa, ask: "A b.acme.example", want: []string{"b.acme.example. 60 IN A 192.0.2.2"}},
		{name: "TTL: of $TTL, whatever was written", text: "$TTL 1d\n" + soa + "a 60 A 192.0.2.1\nb A 192.0.2.2\n", ask: "A b.acme.example", want: []string{"b.acme.example. 86400 IN A 192.0.2.2"}},
		{name: "TTL: the SOA's minimum", text: soa + "b A 192.0.2.2\n", ask: "A b.acme.example", want: []string{"b.acme.example. 300 IN A 192.0.2.2"}},
		{name: "TTL: nothing says it", file: "x", text: "b.test. A 192.0.2.2\n", ask: "A b.test", want: []string{"b.test. 3600 IN A 192.0.2.2"}},
		{name: "TTL: 31 bits (RFC 2181, 8)", text: soa + "b 4294967295 A 192.0.2.1\nc 4294967294 A 192.0.2.1\n", ask: "A c.acme.example", want: []string{"c.acme.example. 2147483647 IN A 192.0.2.1"}},
		{name: "TTL: BIND's units", text: "$TTL 1w2D3h4m5\n" + soa, ask: "SOA acme.example", want: []string{"acme.example. 788645 IN SOA ns.acme.example. hostmaster.acme.example. 1 2 3 4 300"}},

		{name: "TTL: units that are too many", text: "$TTL 9999w\n" + soa, ask: "SOA acme.example", want: []string{"acme.example. 2147483647 IN SOA ns.acme.example. hostmaster.acme.example. 1 2 3 4 300"}},

		{name: "origin: of the SOA, for itself too", file: "x", text: "acme.example. SOA ns h 1 2 3 4 5\nwww A 192.0.2.1\n", ask: "A www.acme.example", want: []string{"www.acme.example. 5 IN A 192.0.2.1"}},
		{name: "origin: of the SOA, not the file's name", file: "other.example.zone", text: "acme.example. SOA ns h 1 2 3 4 5\nwww A 192.0.2.1\n", ask: "A www.acme.example", want: []string{"www.acme.example. 5 IN A 192.0.2.1"}},
		{name: "origin: relative to the one before", file: "x", text: "$ORIGIN example.\n$origin acme\n" + soa + "$ORIGIN sub ; a comment\nwww A 192.0.2.1\n@ A 192.0.2.2\n", ask: "A www.sub.acme.example", want: []string{"www.sub.acme.example. 300 IN A 192.0.2.1"}},
		{name: "origin: @ is the one before", text: soa + "$ORIGIN @\nwww A 192.0.2.1\n", ask: "A www.acme.example", want: []string{"www.acme.example. 300 IN A 192.0.2.1"}},
		{name: "origin: the root", file: "x", text: "$ORIGIN .\nacme.example SOA ns h 1 2 3 4 5\nwww.acme.example A 192.0.2.1\n", ask: "A www.acme.example", want: []string{"www.acme.example. 5 IN A 192.0.2.1"}},
		{name: "origin: db.acme.example", file: "db.acme.example", text: soa, ask: "SOA acme.example", want: []string{"acme.example. 300 IN SOA ns.acme.example. hostmaster.acme.example. 1 2 3 4 300"}},
		{name: "origin: acme.example", file: "dir/ACME.example", text: soa, ask: "SOA acme.example", want: []string{"acme.example. 300 IN SOA ns.acme.example. hostmaster.acme.example. 1 2 3 4 300"}},
		{name: "origin: acme.example.db.signed", file: "acme.example.db.signed", text: soa, ask: "SOA acme.example", want: []string{"acme.example. 300 IN SOA ns.acme.example. hostmaster.acme.example. 1 2 3 4 300"}},
		{name: "origin: acme.example.txt, without SOA", file: "acme.example.txt", text: "www A 192.0.2.1\n", ask: "A www.acme.example", want: []string{"www.acme.example. 3600 IN A 192.0.2.1"}},

		{name: "$GENERATE", text: soa + "$GENERATE 8-12/2 host-${0,3,d} A 192.0.2.$\n", ask: "A host-010.acme.example", want: []string{"host-010.acme.example. 300 IN A 192.0.2.10"}},
		{name: "$GENERATE with $TTL", text: "$TTL 60\n" + soa + "$generate 1-2 h$ MX 10 mx$\n", ask: "MX h2.acme.example", want: []string{"h2.acme.example. 60 IN MX 10 mx2.acme.example."}},
		{name: "$GENERATE with a TTL", text: soa + "$GENERATE 1-2 h$ IN 30 A 192.0.2.$\n", ask: "A h2.acme.example", want: []string{"h2.acme.example. 30 IN A 192.0.2.2"}},
		{name: "an SOA at the end too, as a transfer has it", text: soa + "www A 192.0.2.1\n" + soa, ask: "SOA acme.example", want: []string{"acme.example. 300 IN SOA ns.acme.example. hostmaster.acme.example. 1 2 3 4 300"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.file == "" {
				tt.file = "acme.example.zone"
			}
			assert.Equal(t, tt.want, lines(t, mustParse(t, tt.file, tt.text), tt.ask))
		})
	}
}

func TestMaster_errors(t *testing.T) {
	tests := []struct {
		name string
		file string // acme.example.zone if empty
		text string
		want string // without "zone: " and the file
	}{
		{name: "nothing", text: "; nothing\n", want: " holds no record"},
		{name: "no type", text: soa + "www 192.0.2.1\n", want: `2: want a TTL, a class or a type, have "192.0.2.1"`},
		{name: "no data", text: soa + "\nwww A\n", want: "3: A without data"},
		{name: "no data, at the end", text: soa + "www TXT", want: "2: TXT without data"},
		{name: "an address", text: soa + "www A 192.0.2.256\n", want: `2: A: cannot read "192.0.2.256"`},
		{name: "data that ends too soon", text: soa + "www MX 10\n", want: "2: MX: cannot read the end of the line"},
		{name: "the line where a record begins", text: soa + "\n;\nmx MX (\n 10\n mx extra )\n", want: `4: garbage after rdata: "extra"`},
		{name: "a label", text: soa + strings.Repeat("x", 64) + " A 192.0.2.1\n", want: "2: not a domain name: \"" + strings.Repeat("x", 64) + `"`},
		{name: "a quote", text: soa + "@ TXT \"v=spf1\n-all\"\n", want: "2: a quote that does not end on its line"},
		{name: "a quote in parentheses", text: soa + "@ TXT (\n\"v=spf1\n-all\" )\n", want: "3: a quote that does not end on its line"},
		{name: "a parenthesis", text: soa + "\n@ TXT (\n\"v=spf1\"\n-all\n", want: "3: a parenthesis that is never closed"},
		{name: "another parenthesis", text: soa + "@ TXT a\n b )\n", want: "3: a closing parenthesis without an opening one"},
		{name: "a string of 256 octets", text: soa + `@ TXT "` + strings.Repeat("x", 256) + "\"\n", want: "2: a string of over 255 octets: cut it into several, each in quotes"},
		{name: "so without quotes", text: soa + `@ TXT ` + strings.Repeat(`\120`, 256) + "\n", want: "2: a string of over 255 octets: cut it into several, each in quotes"},
		{name: "a class", text: soa + "@ CH TXT x\n", want: "2: class CH: only IN is read"},
		{name: "a meta type", text: soa + "@ ANY\n", want: "2: records of type TYPE255 cannot stand in a zone"},
		{name: "no owner", text: "\tA 192.0.2.1\n", want: "1: a record without an owner, and none before it"},
		{name: "a directive", text: "$ORIGN acme.example.\n", want: `1: "$ORIGN" is no directive`},
		{name: "a directive without argument", text: "$TTL ; 60\n", want: `1: $TTL has 0 words behind it, want 1 to 1`},
		{name: "a directive with too many", text: "$ORIGIN a. b.\n", want: `1: $ORIGIN has 2 words behind it, want 1 to 1`},
		{name: "a TTL", text: "$TTL 1y\n", want: `1: "1y" is no TTL`},
		{name: "an empty TTL", text: "$TTL \"\"\n", want: `1: "" is no TTL`},
		{name: "an origin", text: "$ORIGIN a..b.\n", want: `1: "a..b." is no domain name: an empty label at octet 2`},
		{name: "a directive in hiding", text: soa + "($ORIGIN test.)\n", want: `2: no record`},
		{name: "an include in hiding", text: soa + "($INCLUDE /etc/passwd)\n", want: `2: $INCLUDE directive not allowed: "/etc/passwd"`},
		{name: "an include out of $GENERATE", text: soa + "$GENERATE 1-2 \\$INCLUDE /etc/passwd\n", want: `2: $INCLUDE directive not allowed: "300"`},
		{name: "$GENERATE in hiding", text: soa + "($GENERATE 1-2 h$ A 192.0.2.$)\n", want: `2: several records on one line`},
		{name: "an origin of an include", text: "$INCLUDE other.db a..b\n", want: `1: "a..b.acme.example." is no domain name: an empty label at octet 2`},
		{name: "a backslash at the end of a line", text: soa + "www A \\\n", want: `2: A: cannot read "\\"`},
		{name: "an include in memory", text: "$INCLUDE other.db\n", want: "1: $INCLUDE: a file in memory cannot include others"},
		{name: "$GENERATE: too many", text: soa + "$GENERATE 0-65536 h$ A 192.0.2.1\n", want: `2: bad range in $GENERATE range: "0-65536"`},
		{name: "$GENERATE: too little", text: soa + "$GENERATE 0-1\n", want: "2: $GENERATE wants a range, an owner and a record"},
		{name: "no origin", file: "providers.zone", text: "mail.zendesk.com. TXT x\nmail.zendesk.com A 192.0.2.1\n", want: "2: a relative name, and nothing says of which zone: begin the file with $ORIGIN, or name it after its zone, as in acme.example.zone"},
		{name: "no origin in data", file: "providers.zone", text: "mail.zendesk.com. MX 10 mx\n", want: "1: a relative name, and nothing says of which zone: begin the file with $ORIGIN, or name it after its zone, as in acme.example.zone"},
		{name: "no origin for $ORIGIN", file: "providers.zone", text: "$ORIGIN acme\n", want: "1: a relative name, and nothing says of which zone: begin the file with $ORIGIN, or name it after its zone, as in acme.example.zone"},
		{name: "no origin for $GENERATE", file: "providers.zone", text: "$GENERATE 1-2 h$ A 192.0.2.$\n", want: "1: a relative name, and nothing says of which zone: begin the file with $ORIGIN, or name it after its zone, as in acme.example.zone"},
		{name: "two origins", text: "www A 192.0.2.1\nbrand.example. SOA ns h 1 2 3 4 5\n", want: "2: the SOA record is of brand.example, but names before it were taken to be in acme.example., as the file's name says: begin it with $ORIGIN"},
		{name: "two zones", text: soa + "brand.example. SOA ns h 1 2 3 4 5\n", want: "2: a second zone, brand.example: the file has the SOA record of acme.example already"},
		{name: "two SOA records", text: soa + "@ SOA ns h 2 2 3 4 5\n", want: "2: a second SOA record at acme.example"},
		{name: "two aliases", text: soa + "www CNAME a\nwww CNAME b\n", want: "3: a second CNAME record at www.acme.example"},
		{name: "CNAME and other data (RFC 1034, 3.6.2)", text: soa + "www CNAME a\nwww TXT b\n", want: "3: TXT beside CNAME at www.acme.example: a CNAME record stands alone"},
		{name: "other data and CNAME", text: soa + "@ CNAME a\n", want: "2: CNAME beside SOA at acme.example: a CNAME record stands alone"},
		{name: "a set that fits in no message", text: soa + "$GENERATE 0-6000 @ A 10.${0,1,d}.0.1\n", want: "2: A: cannot read \"10.256.0.1\""},
		{name: "a set that fits in no message", text: soa + "$GENERATE 0-6000 @ MX $ .\n", want: "2: acme.example has more MX records than a DNS message holds"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.file == "" {
				tt.file = "acme.example.zone"
			}
			z, err := zone.Parse(tt.file, []byte(tt.text))
			assert.Nil(t, z)
			assert.EqualError(t, err, "zone: "+tt.file+":"+tt.want)
			var at *zone.SyntaxError
			assert.ErrorAs(t, err, &at)
		})
	}
}

func TestMaster_notes(t *testing.T) {
	z := mustParse(t, "acme.example.zone", soa+"www.brand.example. A 192.0.2.1\nwww A 192.0.2.2\n")
	assert.Equal(t, []zone.Note{{
		File: "acme.example.zone", Line: 2, Name: "www.brand.example", Type: "A", Reason: "not served: it lies outside of the zone acme.example",
	}}, z.Notes())
	assert.Equal(t, "not-asked", ask(t, z, "A www.brand.example"))
}

func TestInclude(t *testing.T) {
	dir := folder(t, "zones/acme.example.zone", `
$TTL 60
@ SOA ns hostmaster 1 2 3 4 300
$INCLUDE "parts/mail.db" ; beside this file
	TXT "the owner is again the apex"
$INCLUDE parts/mail.db shop
www A 192.0.2.1
`, "zones/parts/mail.db", `
$TTL 30
@ MX 10 mx
$ORIGIN sub
$INCLUDE more.inc
last A 192.0.2.3
`, "zones/parts/more.inc", "more A 192.0.2.2\n", "zones/db.parts", "$INCLUDE parts/more.inc acme.example.\n")
	z, err := zone.Load(filepath.Join(dir, "zones", "acme.example.zone"))
	require.NoError(t, err)
	assert.Equal(t, []string{
		`acme.example. 60 IN TXT "the owner is again the apex"`,
		"acme.example. 30 IN MX 10 mx.acme.example.",
		"shop.acme.example. 30 IN MX 10 mx.shop.acme.example.",
		"more.sub.acme.example. 30 IN A 192.0.2.2",
		"last.sub.shop.acme.example. 30 IN A 192.0.2.3",
		"www.acme.example. 60 IN A 192.0.2.1",
	}, lines(t, z, "TXT acme.example", "MX acme.example", "MX shop.acme.example", "A more.sub.acme.example", "A last.sub.shop.acme.example", "A www.acme.example"))

	t.Run("by its whole path", func(t *testing.T) {
		file := filepath.Join(dir, "zones", "whole.example.zone")
		require.NoError(t, os.WriteFile(file, []byte(soa+"$INCLUDE "+filepath.Join(dir, "zones/parts/more.inc")+"\n"), 0o666))
		z, err := zone.Load(file)
		require.NoError(t, err)
		assert.Equal(t, "192.0.2.2", ask(t, z, "A more.whole.example"))
	})
}

func TestInclude_errors(t *testing.T) {
	dir := folder(t,
		"secret", "root:x:0:0\n",
		"zones/up.example.zone", soa+"$INCLUDE ../secret\n",
		"zones/abs.example.zone", soa+"$INCLUDE /etc/passwd\n",
		"zones/link.example.zone", soa+"$INCLUDE link\n",
		"zones/sub.example.zone", soa+"\n$INCLUDE sub/up\n",
		"zones/sub/up", "\n$INCLUDE ../../secret\n",
		"zones/gone.example.zone", soa+"$INCLUDE gone\n",
		"zones/dir.example.zone", soa+"$INCLUDE sub\n",
		"zones/loop.example.zone", soa+"$INCLUDE loop\n",
		"zones/loop", "$INCLUDE loop.example.zone\n",
		"zones/deep.example.zone", soa+"$INCLUDE deep1\n",
		"zones/bad.example.zone", soa+"$INCLUDE bad\n",
		"zones/bad", "\nwww A bad\n",
	)
	for i := range 10 {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "zones", "deep"+string(rune('0'+i))), []byte("$INCLUDE deep"+string(rune('1'+i))+"\n"), 0o666))
	}
	require.NoError(t, os.Symlink("../secret", filepath.Join(dir, "zones", "link")))
	for name, want := range map[string]string{
		"up":   "up.example.zone:2: $INCLUDE ../secret: path escapes from parent",
		"abs":  "abs.example.zone:2: $INCLUDE /etc/passwd: path escapes from parent",
		"link": "link.example.zone:2: $INCLUDE link: path escapes from parent",
		"sub":  "sub/up:2: $INCLUDE ../../secret: path escapes from parent",
		"gone": "gone.example.zone:2: $INCLUDE gone: no such file or directory",
		"dir":  "dir.example.zone:2: $INCLUDE sub: no regular file",
		"loop": "loop:1: $INCLUDE loop.example.zone: it includes itself",
		"deep": "deep8:1: $INCLUDE: over 8 deep",
		"bad":  `bad:2: A: cannot read "bad"`,
	} {
		_, err := zone.Load(filepath.Join(dir, "zones", name+".example.zone"))
		assert.EqualError(t, err, "zone: "+dir+"/zones/"+want)
	}
}

// What miekg/dns reads of a file, the resolver answers with.
func TestMaster_besideMiekg(t *testing.T) {
	files, err := filepath.Glob("../../examples/zones/*.zone")
	require.NoError(t, err)
	more, err := filepath.Glob("testdata/*.zone")
	require.NoError(t, err)
	files = append(files, more...)
	if dir := os.Getenv("MAILCHECK_CORPUS"); dir != "" {
		files = append(files, filepath.Join(dir, "providers.zone"))
	}
	require.GreaterOrEqual(t, len(files), 5)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			z, err := zone.Load(file)
			require.NoError(t, err)
			sets := plainly(t, file)
			total := 0
			for q, want := range sets {
				a, err := z.Resolve(t.Context(), q)
				require.NoError(t, err, q)
				var got []dns.RR
				for _, rr := range a.Records {
					back, err := dns.NewRR(rr.String())
					require.NoError(t, err, rr)
					got = append(got, back)
				}
				require.Len(t, got, len(want), q)
				for i := range want {
					assert.True(t, dns.IsDuplicate(overTheWire(t, want[i]), overTheWire(t, got[i])), "%s\n%s", want[i], got[i])
					assert.Equal(t, want[i].Header().Ttl, got[i].Header().Ttl, q)
				}
				total += len(want)
			}
			t.Logf("%d records in %d sets", total, len(sets))
		})
	}
}

// plainly reads a file with miekg/dns alone.
func plainly(t *testing.T, file string) map[dnsx.Question][]dns.RR {
	t.Helper()
	r, err := os.Open(file)
	require.NoError(t, err)
	defer r.Close()
	zp := dns.NewZoneParser(r, "", file)
	sets := map[dnsx.Question][]dns.RR{}
	for rr, ok := zp.Next(); ok; rr, ok = zp.Next() {
		name, err := dnsx.ParseName(rr.Header().Name)
		require.NoError(t, err)
		q := dnsx.Q(name, dnsx.Type(rr.Header().Rrtype))
		sets[q] = append(sets[q], rr)
	}
	require.NoError(t, zp.Err())
	return sets
}

// overTheWire brings a record into the one spelling that miekg/dns has for it.
func overTheWire(t *testing.T, rr dns.RR) dns.RR {
	t.Helper()
	buf := make([]byte, 1<<16)
	n, err := dns.PackRR(rr, buf, 0, nil, false)
	require.NoError(t, err)
	back, _, err := dns.UnpackRR(buf[:n], 0)
	require.NoError(t, err)
	return back
}

func TestSyntaxError(t *testing.T) {
	_, err := zone.Load(folder(t, "a.example.zone", "x\n", "b.example.yaml", "- x\n"))
	var at *zone.SyntaxError
	require.True(t, errors.As(err, &at))
	assert.Equal(t, 1, at.Line)
	assert.Len(t, strings.Split(err.Error(), "\n"), 2, "one for each file")
}
