package caa_test

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/mailcheck-go/mailcheck/caa"
)

func TestParse(t *testing.T) {
	tests := []struct {
		name, txt string
		want      *caa.Record
		text      string // of the record; txt if empty
		err       error
	}{
		{name: "quoted", txt: `0 issue "letsencrypt.org"`, want: &caa.Record{Tag: "issue", Value: "letsencrypt.org"}},
		{name: "bare", txt: `128 tbs Unknown`, want: &caa.Record{Flags: 128, Tag: "tbs", Value: "Unknown"}, text: `128 tbs "Unknown"`},
		{name: "any octets", txt: `0 iodef "\"\000\255"`, want: &caa.Record{Tag: "iodef", Value: "\"\x00\xff"}},
		{name: "an empty value", txt: `0 issue ""`, want: &caa.Record{Tag: "issue"}},
		{name: "an empty tag", txt: `\# 4 00004141`, want: &caa.Record{Value: "AA"}},
		{name: "a tag that has to be quoted", txt: `0 "a b" "x"`, want: &caa.Record{Tag: "a b", Value: "x"}, text: `\# 6 000361206278`},
		{name: "a semicolon outside of quotes starts a comment", txt: `0 issue ;`, err: &caa.SyntaxError{Offset: 8, Term: ";", Reason: "want a value"}},
		{name: "flags over 255", txt: `256 issue "x"`, err: &caa.SyntaxError{Term: `256 issue "x"`, Reason: `want a number of 8 bits, have "256"`}},
		{name: "two values", txt: `0 issue a b`, err: &caa.SyntaxError{Offset: 10, Term: "b", Reason: "more than the type holds"}},
		{name: "empty", txt: ``, err: &caa.SyntaxError{Reason: "want data"}},
		{name: "a tag longer than the record", txt: `\# 3 000241`, err: &caa.SyntaxError{Term: `\# 3 000241`, Reason: "the tag is longer than the record"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := caa.Parse(tt.txt)
			assert.Equal(t, tt.want, got)
			assert.Equal(t, tt.err, err)
			if got == nil {
				return
			}
			if tt.text == "" {
				tt.text = tt.txt
			}
			assert.Equal(t, tt.text, got.String())
		})
	}
}

func TestCriticalIsTheHighestBitAlone(t *testing.T) {
	for flags, want := range map[uint8]bool{0: false, 1: false, 127: false, 128: true, 255: true} {
		assert.Equal(t, want, caa.Record{Flags: flags}.Critical(), flags)
	}
}

func TestParseIssue(t *testing.T) {
	params := func(pairs ...string) []caa.Param {
		var ps []caa.Param
		for i := 0; i < len(pairs); i += 2 {
			ps = append(ps, caa.Param{Tag: pairs[i], Value: pairs[i+1]})
		}
		return ps
	}
	tests := []struct {
		name, value string
		want        caa.Issue
		text        string // of want
		err         error
	}{
		{name: "nobody, nothing", value: "", text: ";"},
		{name: "nobody, a semicolon", value: ";", text: ";"},
		{name: "nobody, blanks", value: " \t; ", text: ";"},
		{name: "nobody, with parameters", value: "; policy=ev", want: caa.Issue{Params: params("policy", "ev")}, text: "; policy=ev"},
		{name: "a CA", value: "ca1.example.net", want: caa.Issue{Issuer: "ca1.example.net"}, text: "ca1.example.net"},
		{name: "the case of a domain name says nothing", value: "CA1.Example.NET", want: caa.Issue{Issuer: "ca1.example.net"}, text: "ca1.example.net"},
		{name: "blanks around", value: "\t ca.example \t", want: caa.Issue{Issuer: "ca.example"}, text: "ca.example"},
		{name: "one label", value: "none", want: caa.Issue{Issuer: "none"}, text: "none"},
		{name: "hyphens inside", value: "xn--ca-1.e-x.example", want: caa.Issue{Issuer: "xn--ca-1.e-x.example"}, text: "xn--ca-1.e-x.example"},
		{name: "a semicolon behind", value: "ca.example ; ", want: caa.Issue{Issuer: "ca.example"}, text: "ca.example"},
		{
			name: "a parameter", value: "ca1.example.net; account=230123",
			want: caa.Issue{Issuer: "ca1.example.net", Params: params("account", "230123")}, text: "ca1.example.net; account=230123",
		},
		{
			name: "blanks wherever they may stand", value: " ca.example\t;\ta\t=\tb ; c-d = e=f ",
			want: caa.Issue{Issuer: "ca.example", Params: params("a", "b", "c-d", "e=f")}, text: "ca.example; a=b; c-d=e=f",
		},
		{name: "an empty value", value: "ca.example;a=", want: caa.Issue{Issuer: "ca.example", Params: params("a", "")}, text: "ca.example; a="},

		{
			name: "percent signs", value: "%%%%%", want: caa.Issue{Issuer: "%%%%%"}, text: "%%%%%",
			err: &caa.SyntaxError{Term: "%%%%%", Reason: "not the domain name of a CA"},
		},
		{
			name: "a dot at the end", value: " ca.example.", want: caa.Issue{Issuer: "ca.example."}, text: "ca.example.",
			err: &caa.SyntaxError{Offset: 11, Term: ".", Reason: "no dot may stand at the end of the CA's name"},
		},
		{
			name: "an underscore", value: "c_a.example", want: caa.Issue{Issuer: "c_a.example"}, text: "c_a.example",
			err: &caa.SyntaxError{Term: "c_a.example", Reason: "not the domain name of a CA"},
		},
		{
			name: "a hyphen at the start", value: "-ca.example", want: caa.Issue{Issuer: "-ca.example"}, text: "-ca.example",
			err: &caa.SyntaxError{Term: "-ca.example", Reason: "not the domain name of a CA"},
		},
		{
			name: "two names", value: "a.example b.example", want: caa.Issue{Issuer: "a.example b.example"}, text: "a.example b.example",
			err: &caa.SyntaxError{Term: "a.example b.example", Reason: "not the domain name of a CA"},
		},
		{
			name: "not ASCII", value: "CA.éxample", want: caa.Issue{Issuer: "ca.éxample"}, text: "ca.éxample",
			err: &caa.SyntaxError{Term: "CA.éxample", Reason: "not the domain name of a CA"},
		},
		{
			name: "a semicolon behind the last parameter", value: "ca.example; a=b; ", want: caa.Issue{Issuer: "ca.example", Params: params("a", "b")}, text: "ca.example; a=b",
			err: &caa.SyntaxError{Offset: 17, Reason: "a parameter has to stand behind the semicolon"},
		},
		{
			name: "two semicolons", value: "ca.example;; a=b", want: caa.Issue{Issuer: "ca.example", Params: params("a", "b")}, text: "ca.example; a=b",
			err: &caa.SyntaxError{Offset: 11, Reason: "a parameter has to stand behind the semicolon"},
		},
		{
			name: "no value", value: "ca.example; a", want: caa.Issue{Issuer: "ca.example"}, text: "ca.example",
			err: &caa.SyntaxError{Offset: 12, Term: "a", Reason: "not of the form tag=value"},
		},
		{
			name: "a tag with an underscore", value: "ca.example; a_b=c; d=e", want: caa.Issue{Issuer: "ca.example", Params: params("d", "e")}, text: "ca.example; d=e",
			err: &caa.SyntaxError{Offset: 12, Term: "a_b", Reason: "a parameter's tag has letters, digits and, inside, hyphens"},
		},
		{
			name: "a blank in a value", value: "ca.example; a= b c", want: caa.Issue{Issuer: "ca.example"}, text: "ca.example",
			err: &caa.SyntaxError{Offset: 16, Term: " c", Reason: "a parameter's value has neither blanks nor anything that is not printable ASCII"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := caa.ParseIssue(tt.value)
			assert.Equal(t, &tt.want, got)
			assert.Equal(t, tt.err, err)
			assert.Equal(t, tt.text, got.String())
		})
	}
}

func TestValues(t *testing.T) {
	issue, err := caa.ParseIssue("ca.example; a=1; b=2; A=3")
	assert.NoError(t, err)
	assert.Equal(t, []string{"1", "3"}, issue.Values("a"))
	assert.Nil(t, issue.Values("c"))
}

func FuzzParse(f *testing.F) {
	for _, txt := range []string{`0 issue "letsencrypt.org"`, `128 tbs x`, `0 issue ;`, `\# 4 00004141`, `0 "a b" "\000"`, `\# 3 000241`} {
		f.Add(txt)
	}
	f.Fuzz(func(t *testing.T, txt string) {
		rec, err := caa.Parse(txt)
		if err != nil {
			return
		}
		again, err := caa.Parse(rec.String())
		if err != nil {
			t.Fatalf("%q wrote %q, which does not parse: %v", txt, rec, err)
		}
		if *again != *rec {
			t.Errorf("%q: read %+v, wrote %q, read %+v", txt, rec, rec, again)
		}
	})
}

func FuzzParseIssue(f *testing.F) {
	for _, value := range []string{
		"", ";", " ; ", "ca.example", "CA.example;", "ca.example; a=b", "ca.example; a = b ; c-d=", "; a=b",
		"%%%%%", "ca.example.", "ca.example; a=b;", "ca.example;;", "ca.example; a", "ca.example; a=b c", "é;é=é", "\xff; \x00=\x7f",
		"letsencrypt.org; accounturi=https://ca.example/1; validationmethods=dns-01,http-01",
	} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		issue, err := caa.ParseIssue(value)
		if err != nil {
			bad := err.(*caa.SyntaxError)
			if bad.Offset < 0 || bad.Offset > len(value) || bad.Reason == "" {
				t.Fatalf("%q: %v", value, bad)
			}
			return
		}
		again, err := caa.ParseIssue(issue.String())
		if err != nil {
			t.Fatalf("%q wrote %q, which does not parse: %v", value, issue, err)
		}
		if !reflect.DeepEqual(again, issue) {
			t.Errorf("%q: read %+v, wrote %q, read %+v", value, issue, issue, again)
		}
	})
}

func BenchmarkParseIssue(b *testing.B) {
	const value = "letsencrypt.org; accounturi=https://acme-v02.api.letsencrypt.org/acme/acct/1234; validationmethods=dns-01"
	b.ReportAllocs()
	b.SetBytes(int64(len(value)))
	for b.Loop() {
		if _, err := caa.ParseIssue(value); err != nil {
			b.Fatal(err)
		}
	}
}
