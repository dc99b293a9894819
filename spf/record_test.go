package spf_test

import (
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/spf"
)

func plain(name string) spf.MacroString { return spf.MacroString{Raw: name} }

func TestParse(t *testing.T) {
	all := func(q spf.Result) spf.Directive { return spf.Directive{Qualifier: q, Mechanism: spf.All} }
	ip := func(m spf.Mechanism, p string) spf.Directive {
		return spf.Directive{Qualifier: spf.Pass, Mechanism: m, Prefix: netip.MustParsePrefix(p)}
	}
	host := func(m spf.Mechanism, name string, b4, b6 uint8) spf.Directive {
		return spf.Directive{Qualifier: spf.Pass, Mechanism: m, Domain: plain(name), Bits4: b4, Bits6: b6}
	}
	to := func(m spf.Mechanism, name string) spf.Directive {
		return spf.Directive{Qualifier: spf.Pass, Mechanism: m, Domain: plain(name)}
	}
	tests := []struct {
		name string
		txt  string
		want spf.Record
	}{
		{name: "nothing but the version is a record (4.7)", txt: "v=spf1"},
		{name: "the version in any case", txt: "V=sPf1 "},
		{name: "blanks, several and at the end (4.5)", txt: "v=spf1   -all  ", want: spf.Record{Directives: []spf.Directive{all(spf.Fail)}}},
		{
			name: "qualifiers (4.6.2)", txt: "v=spf1 +all -all ~all ?all all",
			want: spf.Record{Directives: []spf.Directive{all(spf.Pass), all(spf.Fail), all(spf.SoftFail), all(spf.Neutral), all(spf.Pass)}},
		},
		{
			name: "ip4 and ip6 (5.6)", txt: "v=spf1 ip4:192.0.2.7/24 ip4:192.0.2.1 IP6:2001:DB8::/32 ip6:::1 ip4:1.2.3.4/0",
			want: spf.Record{Directives: []spf.Directive{
				ip(spf.IP4, "192.0.2.7/24"), ip(spf.IP4, "192.0.2.1/32"), ip(spf.IP6, "2001:db8::/32"), ip(spf.IP6, "::1/128"), ip(spf.IP4, "1.2.3.4/0"),
			}},
		},
		{
			name: "an IPv4-mapped address is an IPv6 address", txt: "v=spf1 ip6:::FFFF:1.2.3.4",
			want: spf.Record{Directives: []spf.Directive{{
				Qualifier: spf.Pass, Mechanism: spf.IP6, Prefix: netip.PrefixFrom(netip.MustParseAddr("::ffff:1.2.3.4"), 128),
			}}},
		},
		{
			name: "a and mx with names and lengths (5.3, 5.4)", txt: "v=spf1 a A/24 a//64 a/24//64 a:b.example mx:b.example/0 MX:b.example//0 mx:b.example/16//48",
			want: spf.Record{Directives: []spf.Directive{
				host(spf.A, "", 32, 128), host(spf.A, "", 24, 128), host(spf.A, "", 32, 64), host(spf.A, "", 24, 64), host(spf.A, "b.example", 32, 128),
				host(spf.MX, "b.example", 0, 128), host(spf.MX, "b.example", 32, 0), host(spf.MX, "b.example", 16, 48),
			}},
		},
		{
			name: "colons and slashes belong to a name (7.1)", txt: "v=spf1 a:foo:bar/baz.example.com",
			want: spf.Record{Directives: []spf.Directive{host(spf.A, "foo:bar/baz.example.com", 32, 128)}},
		},
		{
			name: "include, ptr and exists (5.2, 5.5, 5.7)", txt: "v=spf1 include:_spf.b.example. ptr ptr:b.example exists:b.example",
			want: spf.Record{Directives: []spf.Directive{to(spf.Include, "_spf.b.example."), to(spf.PTR, ""), to(spf.PTR, "b.example"), to(spf.Exists, "b.example")}},
		},
		{
			name: "modifiers, anywhere (6)", txt: "v=spf1 Exp=b.example REDIRECT=c.example moo.cow-far_out=man:dog/cat=%{c} -all x=",
			want: spf.Record{
				Directives: []spf.Directive{all(spf.Fail)}, Redirect: plain("c.example"), Exp: plain("b.example"),
				Modifiers: []spf.Modifier{
					{Name: "moo.cow-far_out", Value: spf.MacroString{Raw: "man:dog/cat=%{c}", Parts: []spf.Macro{
						{Literal: "man:dog/cat="},
						{Letter: 'c', Delims: "."},
					}}},
					{Name: "x"},
				},
			},
		},
		{
			name: "macros (7.1)", txt: "v=spf1 exists:%{L1r+-}.%%%_%-.%{ir}._spf.%{d2}",
			want: spf.Record{Directives: []spf.Directive{{
				Qualifier: spf.Pass, Mechanism: spf.Exists,
				Domain: spf.MacroString{Raw: "%{L1r+-}.%%%_%-.%{ir}._spf.%{d2}", Parts: []spf.Macro{
					{Letter: 'l', Escape: true, Keep: 1, Reverse: true, Delims: "+-"},
					{Literal: "."},
					{Literal: "%"},
					{Literal: " "},
					{Literal: "%20"},
					{Literal: "."},
					{Letter: 'i', Reverse: true, Delims: "."},
					{Literal: "._spf."},
					{Letter: 'd', Keep: 2, Delims: "."},
				}},
			}}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := spf.Parse(tt.txt)
			require.NoError(t, err)
			assert.Equal(t, &tt.want, got)
		})
	}
}

func TestParse_isNoRecord(t *testing.T) {
	for _, txt := range []string{"", "v=spf10", "v=spf1;", "v=spf1\t-all", "v=spf1-all", " v=spf1", `"v=spf1 -all"`, "spf2.0/pra", "v=DMARC1; p=none", "v=spf"} {
		rec, err := spf.Parse(txt)
		assert.ErrorIs(t, err, spf.ErrNotSPF, "%q", txt)
		assert.Nil(t, rec, "%q", txt)
		assert.False(t, spf.IsRecord(txt), "%q", txt)
	}
}

// What can be read comes back beside the first fault; the others are in Faults.
func TestParse_faults(t *testing.T) {
	fault := func(kind spf.Fault, at int, term string) spf.SyntaxError {
		return spf.SyntaxError{Kind: kind, Offset: at, Term: term}
	}
	tests := []struct {
		name   string
		txt    string
		want   string // the record as it was read
		faults []spf.SyntaxError
	}{
		{
			name: "every kind, and all else is read", txt: "v=spf1 mx foo ip4:1.2.3 a:x a:%x.b.example a:%{c}.b.example redirect=b.example redirect=c.example all/8 ~all",
			want: "v=spf1 mx ~all redirect=b.example",
			faults: []spf.SyntaxError{
				fault(spf.FaultMechanism, 10, "foo"),
				fault(spf.FaultIP, 14, "ip4:1.2.3"),
				fault(spf.FaultDomain, 24, "a:x"),
				fault(spf.FaultMacro, 28, "a:%x.b.example"),
				fault(spf.FaultMacroLetter, 43, "a:%{c}.b.example"),
				fault(spf.FaultDuplicate, 79, "redirect=c.example"),
				fault(spf.FaultSyntax, 98, "all/8"),
			},
		},
		{
			name: "terms that something else separates are read", txt: "v=spf1 mx\ta,ip4:1.2.3.4;-all", want: "v=spf1 mx a ip4:1.2.3.4 -all",
			faults: []spf.SyntaxError{fault(spf.FaultSeparator, 7, "mx\ta,ip4:1.2.3.4;-all")},
		},
		{
			name: "a comma between what is no term separates nothing", txt: "v=spf1 mx,x=y -all", want: "v=spf1 -all",
			faults: []spf.SyntaxError{fault(spf.FaultSyntax, 7, "mx,x=y")},
		},
		{
			name: "a term with two faults has one", txt: "v=spf1 a:%x -all", want: "v=spf1 -all",
			faults: []spf.SyntaxError{fault(spf.FaultMacro, 7, "a:%x")},
		},
		{
			name: "behind all", txt: "v=spf1 -all moo", want: "v=spf1 -all",
			faults: []spf.SyntaxError{fault(spf.FaultMechanism, 12, "moo")},
		},
		{
			name: "a name with a slash is no modifier (4.6.1)", txt: "v=spf1 moo.cow/far_out=man:dog/cat -all", want: "v=spf1 -all",
			faults: []spf.SyntaxError{fault(spf.FaultMechanism, 7, "moo.cow/far_out=man:dog/cat")},
		},
		{
			name: "octets that are no visible ASCII", txt: "v=spf1 a:\xef\xbb\xbfb.example a\x01 ip4:1.2.3.4\x7f x=\x80 \x00", want: "v=spf1",
			faults: []spf.SyntaxError{
				fault(spf.FaultSyntax, 7, "a:\xef\xbb\xbfb.example"),
				fault(spf.FaultSyntax, 22, "a\x01"),
				fault(spf.FaultSyntax, 25, "ip4:1.2.3.4\x7f"),
				fault(spf.FaultSyntax, 38, "x=\x80"),
				fault(spf.FaultSyntax, 42, "\x00"),
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rec, err := spf.Parse(tt.txt)
			var first *spf.SyntaxError
			require.ErrorAs(t, err, &first)
			assert.Same(t, rec.Faults[0], first)
			assert.Equal(t, tt.want, rec.String())
			var got []spf.SyntaxError
			for _, f := range rec.Faults {
				assert.NotEmpty(t, f.Reason, f.Term)
				got = append(got, spf.SyntaxError{Kind: f.Kind, Offset: f.Offset, Term: f.Term})
			}
			assert.Equal(t, tt.faults, got)
		})
	}
}

// The records of the openspf suite for RFC 7208 whose result is permerror because of
// their grammar, and some whose is not.
func TestParse_suite(t *testing.T) {
	valid := []string{
		"v=spf1 a:mail.example...com -all", "v=spf1 a:%{H}.bar -all", "v=spf1 a:a123456789012345678901234567890123456789012345678901234567890123.example.com -all",
		"v=spf1 a:foo.example.xn--zckzah -all", "v=spf1 default=pass", "v=spf1 default=+", "v=spf1 a:macro%%percent%_%_space%-url-space.example.com -all",
		"v=spf1 ip6:::1.1.1.1/0", "v=spf1 ip6:Cafe:Babe:8000::/33", "v=spf1 exists:%{l2r+-}.user.%{d2}", "v=spf1 redirect=%{d}.d.spf.example.com.",
	}
	for _, txt := range valid {
		_, err := spf.Parse(txt)
		assert.NoError(t, err, txt)
	}
	invalid := map[string]spf.Fault{
		"v=spf1 a:foo-bar -all": spf.FaultDomain, "v=spf1 -all.": spf.FaultMechanism, "v=spf1 -all:foobar": spf.FaultSyntax, "v=spf1 -all/8": spf.FaultSyntax,
		"v=spf1 ptr/0 -all": spf.FaultSyntax, "v=spf1 ptr:": spf.FaultDomain, "v=spf1 a:111.222.33.44": spf.FaultDomain, "v=spf1 a:museum.": spf.FaultDomain,
		"v=spf1 a/33 -all": spf.FaultIP, "v=spf1 a//129 -all": spf.FaultIP, "v=spf1 a/24/64 -all": spf.FaultIP, "v=spf1 a:example.com:8080": spf.FaultDomain,
		"v=spf1 a:example.-com": spf.FaultDomain, "v=spf1 a:": spf.FaultDomain, "v=spf1 include +all": spf.FaultSyntax, "v=spf1 include:ip5.example.com/24 -all": spf.FaultDomain,
		"v=spf1 exists": spf.FaultSyntax, "v=spf1 ip4:1.2.3.4/032 -all": spf.FaultIP, "v=spf1 ip4:1.2.3.4//32": spf.FaultIP, "v=spf1 ip4:1.2.3.4:8080": spf.FaultIP,
		"v=spf1 -all ip6": spf.FaultIP, "v=spf1 ip6:::1.1.1.1//33": spf.FaultIP, "v=spf1 ip6::CAFE::BABE": spf.FaultIP, "v=spf1 1up=foo": spf.FaultSyntax,
		"v=spf1 =all": spf.FaultSyntax, "v=spf1 -all foo=%abc": spf.FaultMacro, "v=spf1 exp= -all": spf.FaultDomain, "v=spf1 exp=-all": spf.FaultDomain,
		"v=spf1 ?all redirect=": spf.FaultDomain, "v=spf1 -exists:%(ir).sbl.example.com ?all": spf.FaultMacro, "v=spf1 exists:foo%.sbl.example.com ?all": spf.FaultMacro,
		"v=spf1 -all exp=%{r}.example.com": spf.FaultMacroLetter, "v=spf1 a:%{a}.example.com -all": spf.FaultMacro, "v=spf1 ip4:1.2.3.4 redirect:t2.example.com": spf.FaultMechanism,
		"v=spf1 exp=a.example -all exp=b.example": spf.FaultDuplicate, "v=spf1 a:ctrl.example.com\rptr -all": spf.FaultSeparator, "v=spf1 -redirect=a.example": spf.FaultSyntax,
	}
	for txt, kind := range invalid {
		_, err := spf.Parse(txt)
		var fault *spf.SyntaxError
		if assert.ErrorAs(t, err, &fault, txt) {
			assert.Equal(t, kind, fault.Kind, "%s: %v", txt, err)
		}
	}
}

func TestRecord_String(t *testing.T) {
	const txt = "V=SPF1 redirect=B.example  +MX/32 A//128 IP4:192.0.2.1/32 ip6:2001:DB8:0::/32 -Exists:%{I}.b.example x=Y EXP=%{d}.c.example ~ALL"
	const want = "v=spf1 mx a ip4:192.0.2.1 ip6:2001:db8::/32 -exists:%{I}.b.example ~all redirect=B.example exp=%{d}.c.example x=Y"
	rec, err := spf.Parse(txt)
	require.NoError(t, err)
	assert.Equal(t, want, rec.String())
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"v=spf1", "v=spf1 -all", "v=spf1 a mx/24//64 ip4:192.0.2.0/24 ip6:2001:db8::/32 include:_spf.b.example ptr exists:%{l1r+-}.%{d} redirect=b.example exp=c.example x=y",
		"v=spf1 mx\ta,-all ip6:::ffff:1.2.3.4/96 a:%%.x a:b.example/24/64 %{", "v=spf1 a:foo:bar/baz.example.com/24 ip4:1.2.3.4/032",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, txt string) {
		rec, err := spf.Parse(txt)
		if errors.Is(err, spf.ErrNotSPF) {
			return
		}
		again, err := spf.Parse(rec.String())
		if err != nil {
			t.Fatalf("%q wrote %q, which does not parse: %v", txt, rec, err)
		}
		for _, fault := range rec.Faults {
			if !strings.HasPrefix(txt[fault.Offset:], fault.Term) {
				t.Fatalf("%q: %v is not there", txt, fault)
			}
		}
		rec.Faults = nil
		if !reflect.DeepEqual(again, rec) {
			t.Errorf("%q: read %+v, wrote %q, read %+v", txt, rec, rec, again)
		}
	})
}
