package idn_test

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/internal/idn"
)

func TestToASCII(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"ASCII passes", "_DMARC.r3---sn.-a-.xn--zz.Acme.example.", "_dmarc.r3---sn.-a-.xn--zz.acme.example"},
		{"escapes pass", `a\.b\255.example`, `a\.b\255.example`},
		{"the root", ".", "."},
		{"a U-label", "bücher.example", "xn--bcher-kva.example"},
		{"upper case", "BÜCHER.Example", "xn--bcher-kva.example"},
		{"letter and accent apart (NFC)", "bu\u0308cher.example", "xn--bcher-kva.example"},
		{"sharp s stays (non-transitional)", "straße.example", "xn--strae-oqa.example"},
		{"final sigma stays", "βόλος.example", "xn--nxasmm1c.example"},
		{"a joiner that means something", "\u0dc1\u0dca\u200d\u0dbb\u0dd3.example", "xn--10cl1a0b660p.example"},
		{"Japanese, with its own dots", "日本語。ｅｘａｍｐｌｅ．jp｡", "xn--wgv71a119e.example.jp"},
		{"right to left", "אתר.example", "xn--4db2cf.example"},
		{"full width becomes ASCII", "ＡＣＭＥ.example", "acme.example"},
		{"what is not seen goes", "acme\u200b.example\ufeff", "acme.example"},
		{"an underscore beside a U-label", "_dmarc.bücher.example", "_dmarc.xn--bcher-kva.example"},
		{"escapes beside a U-label", `a\.b\\.bücher.example`, `a\.b\\.xn--bcher-kva.example`},
		{"a wildcard of a U-label", "*.bücher.example", "*.xn--bcher-kva.example"},
		{"an emoji", "💩.example", "xn--ls8h.example"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := idn.ToASCII(tt.in)
			require.NoError(t, err)
			assert.Equal(t, tt.want, got)
		})
	}
}

func TestToASCII_faults(t *testing.T) {
	tests := []struct {
		name string
		in   string
		want string
	}{
		{"nothing", "", `"" is no domain name: it is empty at octet 0`},
		{"ASCII, as ParseName says", "a..b", `"a..b" is no domain name: an empty label at octet 2`},
		{"an empty label", "bücher..example", `"xn--bcher-kva..example" is no domain name: an empty label at octet 14`},
		{"nothing that is seen", "\u200b", `"" is no domain name: it is empty at octet 0`},
		{"a blank", "a.bü cher.example", `"a.bü cher.example" is no domain name: no internationalized label (disallowed rune U+0020) at octet 2`},
		{"an underscore in a U-label", "a._bücher.example", `"a._bücher.example" is no domain name: no internationalized label (disallowed rune U+005F) at octet 2`},
		{"an escaped dot in a U-label", `a\.bü.example`, `"a\\.bü.example" is no domain name: no internationalized label (disallowed rune U+005C) at octet 0`},
		{"a mark in front", "a.\u0308x.example", "\"a.\u0308x.example\" is no domain name: no internationalized label (invalid label \"\u0308x\") at octet 2"},
		{"against the Bidi rule", "אa.example", `"אa.example" is no domain name: no internationalized label (invalid label "אa") at octet 0`},
		{"no UTF-8", "a.b\xfccher.example", `"a.b\xfccher.example" is no domain name: a label that is not UTF-8 (write such an octet as \DDD) at octet 2`},
		{"a label too long", strings.Repeat("ü", 63) + ".example", fmt.Sprintf("%q is no domain name: a label of over 63 octets at octet 63", "xn--"+"tda"+strings.Repeat("a", 62)+".example")},
		{"a name far too long", strings.Repeat("ü.", 400), fmt.Sprintf("%q is no domain name: over 255 octets at octet 1024", strings.Repeat("ü.", 100)+"…")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := idn.ToASCII(tt.in)
			var e *dnsx.NameError
			require.ErrorAs(t, err, &e)
			assert.EqualError(t, err, tt.want)
		})
	}
}

func TestDomain(t *testing.T) {
	tests := []struct{ name, in, want, from string }{
		{"a domain", "acme.example", "acme.example", ""},
		{"blanks around", " \tacme.example\r\n", "acme.example", ""},
		{"upper case and a trailing dot", "Acme.Example.", "acme.example", ""},
		{"a U-label", "bücher.example", "xn--bcher-kva.example", ""},
		{"underscores and hyphens", "_x.r3---sn.acme.example", "_x.r3---sn.acme.example", ""},
		{"one label", "localhost", "localhost", ""},
		{"the root", ".", ".", ""},
		{"escapes", `a\@b\058\.\032c.example`, `a\@b:\.\032c.example`, ""},
		{"a slash of RFC 2317", "0/25.2.0.192.in-addr.arpa", "0/25.2.0.192.in-addr.arpa", ""},

		{"an address", "support@acme.example", "acme.example", "address"},
		{"an address in upper case with a dot", "Support@ACME.example.", "acme.example", "address"},
		{"a subaddress", "support+id42@acme.example", "acme.example", "address"},
		{"an address in angle brackets", "<support@acme.example>", "acme.example", "address"},
		{"a display name", `"Acme Support" <support@acme.example>`, "acme.example", "address"},
		{"a display name with what an address has", `"a@b, <c>; d" < support@acme.example >`, "acme.example", "address"},
		{"a display name without quotes", "Büro Süd <büro@bücher.example>", "xn--bcher-kva.example", "address"},
		{"a quoted local part", `"a@b c"@acme.example`, "acme.example", "address"},
		{"an escape in the local part", `a\@b@acme.example`, "acme.example", "address"},
		{"mailto", "mailto:support@acme.example", "acme.example", "address"},
		{"mailto with a subject", "MailTo:support@acme.example?subject=a@b", "acme.example", "address"},

		{"a URL", "https://help.acme.example/hc/en-us", "help.acme.example", "URL"},
		{"a URL without path", "https://help.acme.example", "help.acme.example", "URL"},
		{"a URL with a port", "HTTPS://Help.Acme.Example:8443/", "help.acme.example", "URL"},
		{"a URL with an empty port", "https://help.acme.example:/", "help.acme.example", "URL"},
		{"a URL with a user", "https://user:a:b@help.acme.example:443/x", "help.acme.example", "URL"},
		{"a URL with a query", "https://help.acme.example?a=http://b.example/@c", "help.acme.example", "URL"},
		{"a URL with a fragment", "https://help.acme.example#a/b@c:d", "help.acme.example", "URL"},
		{"a URL with a U-label", "https://hilfe.bücher.example/ü", "hilfe.xn--bcher-kva.example", "URL"},
		{"another scheme", "git+ssh://acme.example/x", "acme.example", "URL"},
		{"a URL of one label", "http://localhost:3000/", "localhost", "URL"},
		{"a URL without scheme", "help.acme.example/hc/en-us", "help.acme.example", "URL"},
		{"host and port", "help.acme.example:443", "help.acme.example", "URL"},
		{"host, port and path", "help.acme.example:443/a:b/c", "help.acme.example", "URL"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			name, from, err := idn.Domain(tt.in)
			require.NoError(t, err)
			assert.Equal(t, tt.want, name)
			assert.Equal(t, tt.from, from)
		})
	}
}

func TestDomain_faults(t *testing.T) {
	const (
		ip   = "an IP address, want a domain, a mail address or a URL"
		slip = "want a domain (a backslash goes before an octet that is meant)"
	)
	tests := []struct {
		in   string
		at   int
		want string
	}{
		{"", 0, "it is empty, want a domain, a mail address or a URL"},
		{" \n ", 3, "it is empty, want a domain, a mail address or a URL"},

		{"192.0.2.1", 0, ip},
		{"192.0.2.1.", 0, ip},
		{" 192.0.2.1:25", 1, ip},
		{"192.0.2.0/24", 0, ip},
		{"１９２.０.２.１", 0, ip},
		{"2001:db8::1", 0, ip},
		{"2001:db8::1:443", 0, ip},
		{"fe80::1%eth0", 0, ip},
		{"[2001:db8::1]", 0, ip},
		{"[2001:db8::1]:443", 0, ip},
		{"https://192.0.2.1/", 8, ip},
		{"https://user@[2001:db8::1]:443/", 13, ip},
		{"support@192.0.2.1", 8, ip},
		{"support@[192.0.2.1]", 8, ip},
		{"support@[IPv6:2001:db8::1]", 8, ip},

		{"acme example", 4, slip},
		{"acme.example,b.example", 12, slip},
		{"acme\x1b[0m.example", 4, slip},
		{"acme\x00.example", 4, slip},
		{"acme.example:https", 12, slip},
		{"acme:1:2", 4, slip},
		{"acme.example>", 12, slip},
		{"acme..example", 5, "an empty label"},
		{"x " + strings.Repeat("a", 64), 1, slip},
		{strings.Repeat("a", 64) + ".example", 63, "a label of over 63 octets"},
		{"a.b\xfccher.example", 2, `a label that is not UTF-8 (write such an octet as \DDD)`},
		{"support@a.bü_cher.example", 10, "no internationalized label (disallowed rune U+005F)"},

		{"@acme.example", 0, "want a name before the @"},
		{"support@", 8, "want a domain"},
		{"@", 0, "want a name before the @"},
		{"<>", 1, "want a mail address, with an @"},
		{"<", 1, "want > behind the address"},
		{"Acme <acme.example>", 18, "want a mail address, with an @"},
		{"Acme <support@acme.example", 26, "want > behind the address"},
		{"a@acme.example, b@acme.example", 1, "want one mail address"},
		{"Acme Support support@acme.example", 4, "want one mail address"},
		{"a;b@acme.example", 1, "want one mail address"},
		{"support@acme..example", 13, "an empty label"},
		{"support@acme.example:25", 20, slip},
		{"support@acme.example/x y", 22, slip},
		{"mailto:", 7, "want a mail address, with an @"},
		{"mailto:acme.example?to=a@b", 19, "want a mail address, with an @"},
		{"mailto:a@acme.example,b@acme.example", 8, "want one mail address"},

		{"://acme.example", 0, "want a scheme, such as https, before ://"},
		{"ht tp://acme.example", 2, "want a scheme, such as https, before ://"},
		{"https:///path", 8, "want a host behind ://"},
		{"https://:443/", 8, "want a host behind ://"},
		{"https://user@/", 13, "want a host behind ://"},
		{"https://acme.example:https/", 20, slip},
		{"https://acme example/", 12, slip},
		{"https://b%C3%BCcher.example/", 9, slip},
		{"https://acme..example/", 13, "an empty label"},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			name, from, err := idn.Domain(tt.in)
			assert.Empty(t, name+from)
			assert.Equal(t, &dnsx.NameError{Name: tt.in, Offset: tt.at, Reason: tt.want}, err)
		})
	}
}

func ExampleDomain() {
	for _, arg := range []string{"Bücher.example", `"Acme Support" <support@acme.example>`, "https://help.acme.example/hc/en-us", "192.0.2.1"} {
		name, from, err := idn.Domain(arg)
		fmt.Printf("%q %q %v\n", name, from, err)
	}
	// Output:
	// "xn--bcher-kva.example" "" <nil>
	// "acme.example" "address" <nil>
	// "help.acme.example" "URL" <nil>
	// "" "" "192.0.2.1" is no domain name: an IP address, want a domain, a mail address or a URL at octet 0
}

// Whatever is typed: a name as ParseName returns it, or an error that shows the place.
func FuzzDomain(f *testing.F) {
	for _, s := range []string{
		"acme.example", "bücher.example", "日本語。jp", "a@acme.example", `"A" <a@acme.example>`, "mailto:a@b?c", "https://u@h.example:1/p?q#f",
		"h.example:443", "[::1]:1", "192.0.2.1", "١٩٢.٠.٢.١", "１９２.０.２.１", "a\\.b", "\xff", "://", "<", "@", "\u200b", "xn--a", "⒈.example", "a․b", "ß",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, arg string) {
		name, from, err := idn.Domain(arg)
		if err != nil {
			var e *dnsx.NameError
			if !errors.As(err, &e) || e.Offset < 0 || e.Offset > len(e.Name) || name+from != "" {
				t.Fatalf("%q: %q, %q, %#v", arg, name, from, err)
			}
			return
		}
		if again, err := dnsx.ParseName(name); again != name || err != nil {
			t.Errorf("%q gives %q, which ParseName makes %q, %v", arg, name, again, err)
		}
		if _, err := netip.ParseAddr(name); err == nil {
			t.Errorf("%q gives the address %q", arg, name)
		}
		if from != "" && from != idn.Address && from != idn.URL {
			t.Errorf("%q was taken from %q", arg, from)
		}
		if strings.ContainsAny(name, "<>[],:%/") {
			return // legal, but to be typed with a backslash
		}
		if again, from, err := idn.Domain(name); again != name || from != "" || err != nil {
			t.Errorf("%q gives %q, which gives %q, %q, %v", arg, name, again, from, err)
		}
	})
}

func FuzzToASCII(f *testing.F) {
	for _, s := range []string{"acme.example", "bücher.example", "_x.ü", "。", "a\\.ü", "\xff", "xn--ü", "⒈", "ﷺ", "ß", "\u00ad", strings.Repeat("ü", 70)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, err := idn.ToASCII(s)
		if err != nil {
			var e *dnsx.NameError
			if !errors.As(err, &e) || e.Offset < 0 || e.Offset > len(e.Name) || name != "" {
				t.Fatalf("%q: %q, %#v", s, name, err)
			}
			return
		}
		if again, err := idn.ToASCII(name); again != name || err != nil {
			t.Errorf("%q gives %q, which gives %q, %v", s, name, again, err)
		}
	})
}
