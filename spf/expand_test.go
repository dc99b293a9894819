package spf_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/spf"
)

// The examples of RFC 7208, 7.4, and what its text says besides.
func TestExpand(t *testing.T) {
	letters := spf.Letters{
		's': "strong-bad@email.example.com", 'l': "strong-bad", 'o': "email.example.com", 'd': "email.example.com",
		'i': "192.0.2.3", 'v': "in-addr", 'h': "..a.b", 'p': "",
	}
	long := strings.Repeat("x", 63)
	tests := []struct{ macro, want string }{
		{"%{s}", "strong-bad@email.example.com"},
		{"%{o}", "email.example.com"},
		{"%{d}", "email.example.com"},
		{"%{d4}", "email.example.com"},
		{"%{d3}", "email.example.com"},
		{"%{d2}", "example.com"},
		{"%{d1}", "com"},
		{"%{dr}", "com.example.email"},
		{"%{d2r}", "example.email"},
		{"%{l}", "strong-bad"},
		{"%{l-}", "strong.bad"},
		{"%{lr}", "strong-bad"},
		{"%{lr-}", "bad.strong"},
		{"%{l1r-}", "strong"},
		{"%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"},
		{"%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"},
		{"%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"},
		{"%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com"},
		{"%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"},
		{"%{d127}.x.y", "email.example.com.x.y"},
		{"%{l1r-+_}.x.y", "strong.x.y"}, // several delimiters
		{"%{hr}", "b.a.."},              // empty parts are parts
		{"%{h3}|%{h2r}", ".a.b|."},      // and count
		{"%{p}%{pr}%{p1}%{P}.x", ".x"},  // a value may be empty
		{"%%%_%-%{S}", "% %20strong-bad%40email.example.com"},
		// What is too long goes label by label, from the left.
		{strings.Repeat(long+".", 4) + "%{d}", strings.Repeat(long+".", 3) + "email.example.com"},
		{"%{d}" + strings.Repeat(".abcd", 50) + ".xyz", strings.Repeat("abcd.", 49) + "abcd.xyz"},
		{"%{d}" + strings.Repeat(".abcd", 50) + ".xy.", strings.Repeat("abcd.", 50) + "xy."},
	}
	for _, tt := range tests {
		got, err := spf.Expand(tt.macro, letters)
		require.NoError(t, err, tt.macro)
		assert.Equal(t, tt.want, got, tt.macro)
		assert.Equal(t, tt.want, spf.ExpandPlainly(tt.macro, letters), "%s: the reference", tt.macro)
	}
}

// What is expanded without copies and from the right is what the text of the RFC gives.
func FuzzMacro(f *testing.F) {
	f.Add("%{ir}.%{v}.%{l1r-+,/_=}.lp._spf.%{d2}", "strong-bad", "email.example.com")
	f.Add("%{L3r.}%{d127R}%%%_%-x.y.", "..a..", strings.Repeat("abc.", 70))
	f.Add(strings.Repeat("x.", 200)+"%{d}", "", "ü.\x00")
	f.Fuzz(func(t *testing.T, macro, l, d string) {
		if len(macro) > 2000 || len(l) > 2000 || len(d) > 2000 {
			return
		}
		letters := spf.Letters{'l': l, 'd': d, 'i': "192.0.2.3", 's': l + "@" + d}
		got, err := spf.Expand(macro, letters)
		if err != nil {
			return
		}
		want := spf.ExpandPlainly(macro, letters)
		if len(strings.TrimSuffix(want, ".")) > 253 {
			return // one label that cannot be cut, and no name
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", macro, got, want)
		}
	})
}

func TestPunycode(t *testing.T) {
	for label, want := range map[string]string{ // RFC 3492, 7.1
		"他们为什么不说中文":                                "ihqwcrb4cv8a8dqg056pqjye",
		"なぜみんな日本語を話してくれないのか":                       "n8jok5ay5dzabd5bym9f0cm5685rrjetr6pdxa",
		"porquénopuedensimplementehablarenespañol": "porqunopuedensimplementehablarenespaol-fmd56a",
		"почемужеонинеговорятпорусски":             "b1abfaaepdrnnbgefbadotcwatmq2g4l",
		"3年b組金八先生":                                 "3b-ww4c5e180e575a65lsy2b",
		"bücher":                                   "bcher-kva",
	} {
		assert.Equal(t, want, spf.Punycode(label), label)
	}
}
