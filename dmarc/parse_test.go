package dmarc_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/dmarc"
)

// defaults is the record of a text that says nothing but its version.
func defaults() dmarc.Record {
	return dmarc.Record{
		Policy: dmarc.None, SubdomainPolicy: dmarc.None, NonexistentPolicy: dmarc.None,
		ADKIM: dmarc.Relaxed, ASPF: dmarc.Relaxed, FailureOptions: []string{"0"}, PSD: dmarc.PSDUnknown,
		Percent: 100, Interval: 24 * time.Hour, Formats: []string{"afrf"},
		Tags: []dmarc.Tag{{Name: "v", Value: "DMARC1", Known: true, Valid: true}},
	}
}

func known(name, value string) dmarc.Tag {
	return dmarc.Tag{Name: name, Value: value, Known: true, Valid: true}
}

func wrong(name, value string) dmarc.Tag { return dmarc.Tag{Name: name, Value: value, Known: true} }

func mailto(address, host string) dmarc.URI {
	return dmarc.URI{Text: "mailto:" + address, Scheme: "mailto", Address: address, Host: host}
}

func TestParse(t *testing.T) {
	tests := []struct {
		name string
		txt  string
		edit func(r *dmarc.Record) // of the defaults
	}{
		{"a bare version", "v=DMARC1", func(*dmarc.Record) {}},
		{"a trailing semicolon", "v=DMARC1;", func(*dmarc.Record) {}},
		{"blanks around everything", "v \t=\t DMARC1 \t; p = reject \t;  ", func(r *dmarc.Record) {
			r.Policy, r.SubdomainPolicy, r.NonexistentPolicy = dmarc.Reject, dmarc.Reject, dmarc.Reject
			r.Tags = append(r.Tags, known("p", "reject"))
		}},
		{"values are case-insensitive", "v=DMARC1; p=Reject; adkim=S; psd=N; t=Y; rf=AFRF", func(r *dmarc.Record) {
			r.Policy, r.SubdomainPolicy, r.NonexistentPolicy = dmarc.Reject, dmarc.Reject, dmarc.Reject
			r.ADKIM, r.PSD, r.Test = dmarc.Strict, dmarc.PSDNo, true
			r.Tags = append(r.Tags, known("p", "Reject"), known("adkim", "S"), known("psd", "N"), known("t", "Y"), known("rf", "AFRF"))
		}},
		{"np falls back to sp", "v=DMARC1; p=none; sp=quarantine", func(r *dmarc.Record) {
			r.SubdomainPolicy, r.NonexistentPolicy = dmarc.Quarantine, dmarc.Quarantine
			r.Tags = append(r.Tags, known("p", "none"), known("sp", "quarantine"))
		}},
		{"all the rest", "v=DMARC1; np=reject; aspf=s; fo=1:d:s; pct=7; ri=3600; x=y z", func(r *dmarc.Record) {
			r.NonexistentPolicy, r.ASPF, r.FailureOptions = dmarc.Reject, dmarc.Strict, []string{"1", "d", "s"}
			r.Percent, r.Interval = 7, time.Hour
			r.Tags = append(r.Tags, known("np", "reject"), known("aspf", "s"), known("fo", "1:d:s"), known("pct", "7"),
				known("ri", "3600"), dmarc.Tag{Name: "x", Value: "y z", Valid: true})
		}},
		{"addresses", "v=DMARC1;rua=mailto:a@acme.example , mailto:b@rep.example;ruf=mailto:c@acme.example", func(r *dmarc.Record) {
			r.RUA = []dmarc.URI{mailto("a@acme.example", "acme.example"), mailto("b@rep.example", "rep.example")}
			r.RUF = []dmarc.URI{mailto("c@acme.example", "acme.example")}
			r.Tags = append(r.Tags, known("rua", "mailto:a@acme.example , mailto:b@rep.example"), known("ruf", "mailto:c@acme.example"))
		}},
		{"a text without a semicolon belongs to the value before it", "v=DMARC1; p=reject rua=mailto:a@acme.example", func(r *dmarc.Record) {
			r.Tags = append(r.Tags, wrong("p", "reject rua=mailto:a@acme.example"))
			r.Faults = []dmarc.SyntaxError{{
				Kind: dmarc.FaultValue, Offset: 12, Term: "reject rua=mailto:a@acme.example", Tag: "p",
				Reason: "want none, quarantine or reject",
			}}
		}},
		{"of duplicates the first counts", "v=DMARC1; p=reject; p=none", func(r *dmarc.Record) {
			r.Policy, r.SubdomainPolicy, r.NonexistentPolicy = dmarc.Reject, dmarc.Reject, dmarc.Reject
			r.Tags = append(r.Tags, known("p", "reject"), known("p", "none"))
			r.Faults = []dmarc.SyntaxError{{Kind: dmarc.FaultDuplicate, Offset: 20, Term: "p=none", Tag: "p", Reason: "the tag p occurred before"}}
		}},
		{"every other kind of fault", "V=DMARC1;; junk; a-b=c; P=none; sp=; rua=x", func(r *dmarc.Record) {
			r.RUA = []dmarc.URI{{Text: "x", Fault: "the scheme is missing: an address is written mailto:user@host"}}
			r.Tags = append(r.Tags, known("p", "none"), wrong("sp", ""), wrong("rua", "x"))
			r.Faults = []dmarc.SyntaxError{
				{Kind: dmarc.FaultCase, Offset: 0, Term: "V", Tag: "v", Reason: "tag names are written in lower case"},
				{Kind: dmarc.FaultEmpty, Offset: 9, Reason: "there is nothing between two semicolons"},
				{Kind: dmarc.FaultJunk, Offset: 11, Term: "junk", Reason: "this is no tag=value"},
				{Kind: dmarc.FaultName, Offset: 17, Term: "a-b=c", Reason: "this is no name of a tag"},
				{Kind: dmarc.FaultCase, Offset: 24, Term: "P", Tag: "p", Reason: "tag names are written in lower case"},
				{Kind: dmarc.FaultValue, Offset: 35, Term: "", Tag: "sp", Reason: "the value is empty"},
				{Kind: dmarc.FaultValue, Offset: 41, Term: "x", Tag: "rua", Reason: "the scheme is missing: an address is written mailto:user@host"},
			}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := defaults()
			tt.edit(&want)
			got, err := dmarc.Parse(tt.txt)
			require.NotNil(t, got)
			assert.Equal(t, want, *got)
			var syntax *dmarc.SyntaxError
			assert.Equal(t, len(want.Faults) > 0, errors.As(err, &syntax))
			if syntax != nil {
				assert.Equal(t, want.Faults[0], *syntax)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	tests := []struct{ name, txt string }{
		{"nothing", ""},
		{"another protocol's record", "v=spf1 -all"},
		{"the version is case-sensitive", "v=dmarc1; p=none"},
		{"a blank stands before", " v=DMARC1; p=none"},
		{"a byte order mark stands before", "\ufeffv=DMARC1; p=none"},
		{"v is not first", "p=none; v=DMARC1"},
		{"another version", "v=DMARC10; p=none"},
		{"no semicolon behind", "v=DMARC1 p=none"},
		{"a NUL behind", "v=DMARC1\x00; p=none"},
		{"a semicolon that was escaped", `v=DMARC1\; p=none`},
		{"no value", "v; p=none"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := dmarc.Parse(tt.txt)
			assert.Nil(t, got)
			assert.ErrorIs(t, err, dmarc.ErrNotDMARC)
		})
	}
}

func TestParseValues(t *testing.T) {
	tests := []struct {
		tag   string
		value string
		valid bool
	}{
		{"fo", "0", true},
		{"fo", "1", true},
		{"fo", "d", true},
		{"fo", "s:d", true},
		{"fo", "0:d:s", true},
		{"fo", "d:1:s", true},
		{"fo", "d:s:1", true},
		{"fo", "1:0", false},
		{"fo", "d:d", false},
		{"fo", "0:", false},
		{"fo", "0 :d", false},
		{"pct", "0", true},
		{"pct", "100", true},
		{"pct", "101", false},
		{"pct", "0100", false},
		{"pct", "-1", false},
		{"pct", "5%", false},
		{"ri", "0", true},
		{"ri", "4294967295", true},
		{"ri", "4294967296", false},
		{"ri", "1h", false},
		{"rf", "afrf", true},
		{"rf", "afrf:afrf", true},
		{"rf", "iodef", false},
		{"t", "y", true},
		{"t", "yes", false},
		{"psd", "u", true},
		{"psd", "x", false},
		{"adkim", "r", true},
		{"adkim", "relaxed", false},
		{"p", "none", true},
		{"p", "off", false},
		{"p", "n\x00ne", false},
		{"p", "no\tne", false},
		{"x", "caf\xc3\xa9", false},
		{"x", "~!", true},
	}
	for _, tt := range tests {
		t.Run(tt.tag+"="+tt.value, func(t *testing.T) {
			r, _ := dmarc.Parse("v=DMARC1; " + tt.tag + "=" + tt.value)
			got, ok := r.Tag(tt.tag)
			assert.True(t, ok)
			assert.Equal(t, tt.valid, got.Valid)
		})
	}
}

func TestURI(t *testing.T) {
	const (
		scheme = "the scheme is missing: an address is written mailto:user@host"
		blank  = "a URI has no blanks; several are separated by commas"
		mark   = "an exclamation mark in a URI is written %21"
		odd    = "a character that a URI cannot have"
		user   = "mailto: is followed by user@host"
		host   = "the part behind @ is no host name"
	)
	tests := []struct {
		txt  string
		want dmarc.URI // Text is txt
	}{
		{"mailto:a@acme.example", dmarc.URI{Scheme: "mailto", Address: "a@acme.example", Host: "acme.example"}},
		{"MAILTO:A@Acme.Example.", dmarc.URI{Scheme: "mailto", Address: "A@Acme.Example.", Host: "acme.example"}},
		{"mailto:a%2Cb%21@acme.example?subject=x", dmarc.URI{Scheme: "mailto", Address: "a,b!@acme.example", Host: "acme.example"}},
		{"mailto:a@acme.example!10M", dmarc.URI{Scheme: "mailto", Address: "a@acme.example", Host: "acme.example", Size: "10M"}},
		{"mailto:a@acme.example!10", dmarc.URI{Scheme: "mailto", Address: "a@acme.example", Host: "acme.example", Size: "10"}},
		{"https://acme.example:8443/r", dmarc.URI{Scheme: "https", Host: "acme.example"}},
		{"https://[2001:db8::1]/r", dmarc.URI{Scheme: "https"}},
		{"mailto:a@acme.example!10x", dmarc.URI{Fault: mark}},
		{"mailto:a@acme.example!", dmarc.URI{Fault: mark}},
		{"mailto:a!b@acme.example!10m", dmarc.URI{Size: "10m", Fault: mark}},
		{"a@acme.example", dmarc.URI{Fault: scheme}},
		{"1x:a@acme.example", dmarc.URI{Fault: scheme}},
		{":a@acme.example", dmarc.URI{Fault: scheme}},
		{"mailto:a@acme.example mailto:b@acme.example", dmarc.URI{Fault: blank}},
		{"mailto:a%4@acme.example", dmarc.URI{Fault: "a percent sign in a URI is followed by two hexadecimal digits"}},
		{"mailto:a%", dmarc.URI{Fault: "a percent sign in a URI is followed by two hexadecimal digits"}},
		{"mailto:<a@acme.example>", dmarc.URI{Fault: odd}},
		{"mailto:a@caf\xc3\xa9.example", dmarc.URI{Fault: odd}},
		{"mailto:", dmarc.URI{Scheme: "mailto", Fault: user}},
		{"mailto:acme.example", dmarc.URI{Scheme: "mailto", Fault: user}},
		{"mailto:@acme.example", dmarc.URI{Scheme: "mailto", Fault: user}},
		{"mailto://a@acme.example", dmarc.URI{Scheme: "mailto", Fault: "mailto: is not followed by //"}},
		{"mailto:a@", dmarc.URI{Scheme: "mailto", Fault: host}},
		{"mailto:a@.", dmarc.URI{Scheme: "mailto", Fault: host}},
		{"mailto:a@acme..example", dmarc.URI{Scheme: "mailto", Fault: host}},
		{"mailto:a@[192.0.2.1]", dmarc.URI{Scheme: "mailto", Fault: host}},
		{"mailto:a@b@acme.example", dmarc.URI{Scheme: "mailto", Fault: "the part before @ is no mailbox name"}},
		{"mailto:%22a@b%22@acme.example", dmarc.URI{Scheme: "mailto", Address: `"a@b"@acme.example`, Host: "acme.example"}},
		{"https://%zz", dmarc.URI{Fault: "a percent sign in a URI is followed by two hexadecimal digits"}},
		{"https://a:b:c", dmarc.URI{Scheme: "https", Fault: "this is no URI"}},
	}
	for _, tt := range tests {
		t.Run(tt.txt, func(t *testing.T) {
			tt.want.Text = tt.txt
			r, _ := dmarc.Parse("v=DMARC1; rua=" + tt.txt)
			assert.Equal(t, []dmarc.URI{tt.want}, r.RUA)
		})
	}
}

func TestString(t *testing.T) {
	tests := []struct{ name, txt, want string }{
		{"a bare version gets its semicolon", "v=DMARC1", "v=DMARC1;"},
		{
			"one order, one case, one spacing", "V = DMARC1;x=Y ;RUA=mailto:A@acme.example , mailto:b@acme.example;T=Y;p=REJECT;;",
			"v=DMARC1; p=reject; t=y; rua=mailto:A@acme.example,mailto:b@acme.example; x=Y",
		},
		{"what is wrong stays, what is no tag goes", "v=DMARC1; p=Rejct; junk; sp=; p=none", "v=DMARC1; p=Rejct; p=none; sp="},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, _ := dmarc.Parse(tt.txt)
			assert.Equal(t, tt.want, r.String())
		})
	}
}

func TestStringOfNothing(t *testing.T) {
	assert.Equal(t, "v=DMARC1;", new(dmarc.Record).String())
}

func TestSyntaxErrorCutsTheTerm(t *testing.T) {
	_, err := dmarc.Parse("v=DMARC1; " + strings.Repeat("x", 1000))
	assert.Equal(t, fmt.Sprintf("dmarc: %q at octet 10: this is no tag=value", strings.Repeat("x", 100)+"…"), err.Error())
}

// meaning is what has to survive writing and reading again: all but the places
// and kinds of faults, and the order and spelling of the tags.
func meaning(r *dmarc.Record) dmarc.Record {
	m := *r
	m.Tags, m.Faults = nil, nil
	return m
}

func FuzzParse(f *testing.F) {
	for _, txt := range []string{
		"v=DMARC1", "v=DMARC1; p=none", "V = DMARC1 ; P=Reject; sp=; rua=mailto:a@b!10m,,x; fo=0:1", "v=DMARC1;;p=reject;junk;p=none;v=x;np=\x00",
		"v=DMARC1; rf= afrf : afrf; ri=1; pct=007; rua= , ;ruf=,", "v=spf1 -all", "v=DMARC1; a_1=2; \xff=1; =; ==",
	} {
		f.Add(txt)
	}
	f.Fuzz(func(t *testing.T, txt string) {
		r, err := dmarc.Parse(txt)
		if r == nil {
			if !errors.Is(err, dmarc.ErrNotDMARC) {
				t.Fatalf("%q: no record and the error %v", txt, err)
			}
			return
		}
		for _, fault := range r.Faults {
			if fault.Offset < 0 || !strings.HasPrefix(txt[fault.Offset:], fault.Term) {
				t.Errorf("%q: octet %d is not %q", txt, fault.Offset, fault.Term)
			}
		}
		written := r.String()
		again, _ := dmarc.Parse(written)
		if again == nil {
			t.Fatalf("%q wrote %q, which is no record", txt, written)
		}
		if got, want := meaning(again), meaning(r); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: read %+v, wrote %q, read %+v", txt, want, written, got)
		}
		if again.String() != written || again.Void() != r.Void() {
			t.Errorf("%q wrote %q, and that %q", txt, written, again.String())
		}
	})
}

func BenchmarkParse(b *testing.B) {
	const txt = "v=DMARC1; p=reject; sp=none; rua=mailto:dmarc@acme.example,mailto:x@rep.example; ruf=mailto:f@acme.example; fo=1; adkim=s"
	b.ReportAllocs()
	b.SetBytes(int64(len(txt)))
	for b.Loop() {
		if _, err := dmarc.Parse(txt); err != nil {
			b.Fatal(err)
		}
	}
}
