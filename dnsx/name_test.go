package dnsx_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/dnsx"
)

var (
	label63 = strings.Repeat("a", 63)
	name253 = strings.Join([]string{label63, label63, label63, strings.Repeat("b", 61)}, ".") // 255 octets on the wire
)

func TestParseName(t *testing.T) {
	tests := []struct {
		name string
		in   string
		want string // "" where an error is wanted
		at   int
		why  string
	}{
		{name: "as it is", in: "acme.example", want: "acme.example"},
		{name: "letters become lower case", in: "ACME.Example", want: "acme.example"},
		{name: "one trailing dot goes", in: "acme.example.", want: "acme.example"},
		{name: "one label", in: "localhost", want: "localhost"},
		{name: "the root", in: ".", want: "."},
		{name: "underscores are legal (RFC 2181, 11)", in: "_dmarc._x_.acme.example", want: "_dmarc._x_.acme.example"},
		{name: "hyphens are legal anywhere", in: "-a-.r3---sn.xn--.example", want: "-a-.r3---sn.xn--.example"},
		{name: "a wildcard", in: "*.acme.example", want: "*.acme.example"},
		{name: "digits alone", in: "192.0.2.1", want: "192.0.2.1"},
		{name: "printable octets stand for themselves", in: "a/b+c=d!e:f,g#h'i.example", want: "a/b+c=d!e:f,g#h'i.example"},
		{name: "a blank is written as a number", in: "a b.example", want: `a\032b.example`},
		{name: "a blank already written so", in: `a\032b.example`, want: `a\032b.example`},
		{name: "octets over 127", in: "b\xc3\xbccher.example", want: `b\195\188cher.example`},
		{name: "control characters and NUL", in: "a\x00\n\x7f.example", want: `a\000\010\127.example`},
		{name: "an escaped dot stays in its label", in: `a\.b.example`, want: `a\.b.example`},
		{name: "a dot written as a number", in: `a\046b.example`, want: `a\.b.example`},
		{name: "a letter written as a number", in: `\065.example`, want: "a.example"},
		{name: "an escape that is not needed", in: `\a\-\_.example`, want: "a-_.example"},
		{name: "an escaped backslash before a dot", in: `a\\.example`, want: `a\\.example`},
		{name: "what means something in a master file is escaped", in: `"();@$.example`, want: `\"\(\)\;\@\$.example`},
		{name: "an escaped dot at the end is no trailing dot", in: `a.example\.`, want: `a.example\.`},
		{name: "63 octets in a label", in: label63 + ".example", want: label63 + ".example"},
		{name: "63 escaped octets in a label", in: strings.Repeat(`\001`, 63), want: strings.Repeat(`\001`, 63)},
		{name: "255 octets on the wire", in: name253, want: name253},
		{name: "255 octets on the wire with a trailing dot", in: name253 + ".", want: name253},
		{name: "255 octets on the wire in upper case", in: strings.ToUpper(name253), want: name253},
		{name: "127 labels", in: strings.Repeat("a.", 127), want: strings.Repeat("a.", 126) + "a"},

		{name: "nothing", in: "", why: "it is empty"},
		{name: "two dots", in: "acme..example", at: 5, why: "an empty label"},
		{name: "two dots at the end", in: "acme.example..", at: 13, why: "an empty label"},
		{name: "a dot in front", in: ".example", why: "an empty label"},
		{name: "dots alone", in: "..", why: "an empty label"},
		{name: "64 octets in a label", in: "x." + label63 + "a.example", at: 65, why: "a label of over 63 octets"},
		{name: "64 escaped octets in a label", in: strings.Repeat(`\001`, 64), at: 252, why: "a label of over 63 octets"},
		{name: "256 octets on the wire", in: name253 + "b", at: 254, why: "over 255 octets"},
		{name: "256 octets on the wire with a trailing dot", in: name253 + "b.", at: 255, why: "over 255 octets"},
		{name: "128 labels", in: strings.Repeat("a.", 128), at: 254, why: "over 255 octets"},
		{name: "a megabyte", in: strings.Repeat("a.", 1<<19), at: 254, why: "over 255 octets"},
		{name: "a backslash at the end", in: `acme\`, at: 4, why: "a broken escape"},
		{name: "two digits", in: `a.\25`, at: 2, why: "a broken escape"},
		{name: "two digits and a letter", in: `a.\25x`, at: 2, why: "a broken escape"},
		{name: "a number over 255", in: `a.\256.example`, at: 2, why: "a broken escape"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := dnsx.ParseName(tt.in)
			if tt.want == "" {
				assert.Equal(t, &dnsx.NameError{Name: tt.in, Offset: tt.at, Reason: tt.why}, err)
			} else {
				require.NoError(t, err)
			}
			assert.Equal(t, tt.want, got)
		})
	}
}

func TestNameError_clips(t *testing.T) {
	_, err := dnsx.ParseName(strings.Repeat("a.", 1<<19))
	assert.Less(t, len(err.Error()), 400)
	_, err = dnsx.ParseName("a\x1b[31m..\u202e")
	assert.EqualError(t, err, `"a\x1b[31m..\u202e" is no domain name: an empty label at octet 7`)
}

func TestUnpackName(t *testing.T) {
	tests := []struct {
		name string
		wire string
		off  int
		want string // "" where an error is wanted
		next int
		why  string
	}{
		{name: "a name", wire: "\x04acme\x07example\x00", want: "acme.example", next: 14},
		{name: "upper case", wire: "\x04ACME\x00", want: "acme", next: 6},
		{name: "the root", wire: "\x00", want: ".", next: 1},
		{name: "one after another", wire: "\x01a\x00\x01b\x00", off: 3, want: "b", next: 6},
		{name: "any octets", wire: "\x04a.\x00\xff\x00", want: `a\.\000\255`, next: 6},
		{name: "nothing", wire: "", why: "cut off"},
		{name: "no end", wire: "\x01a", why: "cut off"},
		{name: "a label cut off", wire: "\x05acme", why: "cut off"},
		{name: "a pointer, which is compression", wire: "\xc0\x00", why: "no plain label"},
		{name: "a label of 64 octets", wire: "\x40" + strings.Repeat("a", 64) + "\x00", why: "no plain label"},
		{name: "255 octets", wire: strings.Repeat("\x01a", 127) + "\x00", want: strings.Repeat("a.", 126) + "a", next: 255},
		{name: "256 octets", wire: strings.Repeat("\x01a", 126) + "\x02aa\x00", why: "over 255 octets"},
		{name: "255 octets further on", wire: "\x00" + strings.Repeat("\x01a", 127) + "\x00", off: 1, want: strings.Repeat("a.", 126) + "a", next: 256},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, next, err := dnsx.UnpackName([]byte(tt.wire), tt.off)
			if tt.why != "" {
				var e *dnsx.NameError
				require.ErrorAs(t, err, &e)
				assert.Equal(t, tt.why, e.Reason)
			} else {
				require.NoError(t, err)
			}
			assert.Equal(t, tt.want, got)
			assert.Equal(t, tt.next, next)
		})
	}
}

func TestBelow(t *testing.T) {
	tests := []struct {
		name, parent string
		want         bool
	}{
		{"acme.example", "acme.example", true},
		{"a.acme.example", "acme.example", true},
		{"b.a.acme.example", "acme.example", true},
		{"acme.example", ".", true},
		{".", ".", true},
		{".", "example", false},
		{"example", "acme.example", false},
		{"notacme.example", "acme.example", false},
		{`a\.acme.example`, "acme.example", false}, // the dot is part of the label "a.acme"
		{`a\\.acme.example`, "acme.example", true}, // the label ends in a backslash
		{`a\\\.acme.example`, "acme.example", false},
		{`b.a\.acme.example`, `a\.acme.example`, true},
	}
	for _, tt := range tests {
		assert.Equal(t, tt.want, dnsx.Below(tt.name, tt.parent), "%s below %s", tt.name, tt.parent)
	}
}

func TestParentAndLabels(t *testing.T) {
	tests := []struct {
		name, parent string
		labels       int
	}{
		{".", ".", 0},
		{"example", ".", 1},
		{"acme.example", "example", 2},
		{`a\.b.example`, "example", 2},
		{`a\\.b.example`, "b.example", 3},
		{`\046\.\\.example`, "example", 2},
		{`a.example\.`, `example\.`, 2},
		{strings.Repeat("a.", 126) + "a", strings.Repeat("a.", 125) + "a", 127},
		{"", ".", 1}, // no name, but nobody may hang on it
		{"a..b.", ".b.", 3},
	}
	for _, tt := range tests {
		assert.Equal(t, tt.parent, dnsx.Parent(tt.name), "parent of %q", tt.name)
		assert.Equal(t, tt.labels, dnsx.Labels(tt.name), "labels of %q", tt.name)
	}
}

func TestJoin(t *testing.T) {
	assert.Equal(t, "_dmarc.acme.example", dnsx.Join("_dmarc", "acme.example"))
	assert.Equal(t, "s1._domainkey.acme.example", dnsx.Join("s1._domainkey", "acme.example"))
	assert.Equal(t, "_dmarc", dnsx.Join("_dmarc", "."))
}

func ExampleParseName() {
	name, err := dnsx.ParseName("_DMARC.Acme.Example.")
	fmt.Println(name, err)

	_, err = dnsx.ParseName("acme..example")
	var bad *dnsx.NameError
	if errors.As(err, &bad) {
		fmt.Println(bad.Reason, bad.Offset)
	}
	// Output:
	// _dmarc.acme.example <nil>
	// an empty label 5
}

// A name has one spelling, and its text and wire forms say the same.
func FuzzParseName(f *testing.F) {
	for _, s := range []string{
		"acme.example", "ACME.example.", ".", "", "a..b", `a\.b`, `a\\.b`, `\000\255\046`, `\25`, "b\xfccher.example",
		"a b", name253, name253 + "b", strings.Repeat(`\001`, 64), "*._domainkey.$@;()\"",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, err := dnsx.ParseName(s)
		wire, packErr := dnsx.PackName(s)
		if (err == nil) != (packErr == nil) {
			t.Fatalf("%q: ParseName says %v, PackName %v", s, err, packErr)
		}
		if err != nil {
			var e *dnsx.NameError
			if !errors.As(err, &e) || e.Name != s || e.Offset < 0 || e.Offset > len(s) {
				t.Fatalf("%q: %#v", s, err)
			}
			return
		}
		if again, err := dnsx.ParseName(name); again != name || err != nil {
			t.Errorf("%q gives %q, which gives %q, %v", s, name, again, err)
		}
		if again, err := dnsx.PackName(name); !bytes.Equal(again, wire) || err != nil {
			t.Errorf("%q packs to %q, %q to %q, %v", s, wire, name, again, err)
		}
		if again, next, err := dnsx.UnpackName(wire, 0); again != name || next != len(wire) || err != nil {
			t.Errorf("%q unpacks to %q, %d, %v, want %q", wire, again, next, err, name)
		}
		if len(wire) > 255 || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' || 'A' <= r && r <= 'Z' }) {
			t.Errorf("%q gives %q", s, name)
		}
		labels := 0
		for at := 0; wire[at] != 0; at += 1 + int(wire[at]) {
			labels++
		}
		if got := dnsx.Labels(name); got != labels {
			t.Errorf("%q has %d labels, want %d", name, got, labels)
		}
		parent := dnsx.Parent(name)
		if !dnsx.Below(name, parent) || name != "." && dnsx.Below(parent, name) {
			t.Errorf("%q is not the parent of %q", parent, name)
		}
		if again, err := dnsx.ParseName(parent); again != parent || err != nil {
			t.Errorf("the parent %q of %q is no name: %q, %v", parent, name, again, err)
		}
	})
}

func FuzzUnpackName(f *testing.F) {
	for _, s := range []string{"\x04acme\x07example\x00", "\x00", "", "\xc0\x00", "\x04A.\\\xff\x00", "\x01a", strings.Repeat("\x01a", 128)} {
		f.Add([]byte(s), 0)
	}
	f.Fuzz(func(t *testing.T, wire []byte, off int) {
		if off < 0 {
			return
		}
		name, next, err := dnsx.UnpackName(wire, off)
		if err != nil {
			return
		}
		if again, err := dnsx.PackName(name); !bytes.Equal(again, lower(wire[off:next])) || err != nil {
			t.Errorf("%q gives %q, which packs to %q, %v", wire, name, again, err)
		}
	})
}

// lower returns a name in wire form in lower case; a length octet is under 64, no letter.
func lower(wire []byte) []byte {
	out := bytes.Clone(wire)
	for i, c := range out {
		if 'A' <= c && c <= 'Z' {
			out[i] += 'a' - 'A'
		}
	}
	return out
}

func BenchmarkParseName(b *testing.B) {
	for _, name := range []string{"selector1._domainkey.acme.example", "Selector1._domainkey.Acme.Example."} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := dnsx.ParseName(name); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
