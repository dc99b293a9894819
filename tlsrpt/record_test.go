package tlsrpt_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/mailcheck-go/mailcheck/tlsrpt"
)

func TestParse(t *testing.T) {
	rua := func(uris ...string) *tlsrpt.Record { return &tlsrpt.Record{RUA: uris} }
	fault := func(at int, term, reason string) error {
		return &tlsrpt.SyntaxError{Offset: at, Term: term, Reason: reason}
	}
	tests := []struct {
		name string
		txt  string
		want *tlsrpt.Record
		err  error
	}{
		{name: "the example of RFC 8460, 3.1.1", txt: "v=TLSRPTv1;rua=mailto:reports@example.com", want: rua("mailto:reports@example.com")},
		{
			name: "the example of RFC 8460, 3.1.2", txt: "v=TLSRPTv1; rua=https://reporting.example.com/v1/tlsrpt",
			want: rua("https://reporting.example.com/v1/tlsrpt"),
		},
		{
			name: "the order is free and unknown fields stay", txt: "v=TLSRPTv1;a.b-c_9=x<y;rua=mailto:a@b;",
			want: &tlsrpt.Record{RUA: []string{"mailto:a@b"}, Extensions: []tlsrpt.Field{{Name: "a.b-c_9", Value: "x<y"}}},
		},
		{name: "blanks and tabs around delimiters", txt: "v=TLSRPTv1 \t;\trua=mailto:a@b \t,\thttps://c ;\t", want: rua("mailto:a@b", "https://c")},
		{name: "a scheme that nobody delivers to is grammatical", txt: "v=TLSRPTv1;rua=ftp://a", want: rua("ftp://a")},
		{name: "an IPv6 host", txt: "v=TLSRPTv1;rua=https://[2001:db8::1]:8443/", want: rua("https://[2001:db8::1]:8443/")},

		{name: "nothing", txt: "", err: tlsrpt.ErrNotTLSRPT},
		{name: "another protocol's record", txt: "v=STSv1; id=1", err: tlsrpt.ErrNotTLSRPT},
		{name: "another version", txt: "v=TLSRPTv12; rua=mailto:a@b", err: tlsrpt.ErrNotTLSRPT},
		{name: "the version stands elsewhere", txt: "rua=mailto:a@b; v=TLSRPTv1", err: tlsrpt.ErrNotTLSRPT},
		{name: "the version is cut off", txt: "v=TLSRPTv", err: tlsrpt.ErrNotTLSRPT},

		{
			name: "the version is case-sensitive", txt: "v=TLSRPTV1;rua=mailto:a@b", want: rua("mailto:a@b"),
			err: fault(0, "v=TLSRPTV1", "a record has to start with v=TLSRPTv1, to the letter"),
		},
		{
			name: "a blank in front", txt: " v=TLSRPTv1;rua=mailto:a@b", want: rua("mailto:a@b"),
			err: fault(0, " v=TLSRPTv1", "a record has to start with v=TLSRPTv1, to the letter"),
		},
		{
			name: "quotes that no master file has taken off", txt: "“v=TLSRPTv1;rua=mailto:a@b", want: rua("mailto:a@b"),
			err: fault(0, "“v=TLSRPTv1", "a record has to start with v=TLSRPTv1, to the letter"),
		},
		{name: "no field", txt: "v=TLSRPTv1;", want: rua(), err: fault(11, "", "there is no rua=")},
		{
			name: "no semicolon", txt: "v=TLSRPTv1 rua=mailto:a@b", want: rua("mailto:a@b"),
			err: fault(11, "", "a semicolon has to stand behind the version"),
		},
		{
			name: "a blank beside the =", txt: "v=TLSRPTv1;rua = mailto:a@b", want: rua("mailto:a@b"),
			err: fault(11, "rua = mailto:a@b", `no blank may stand beside the "="`),
		},
		{name: "no =", txt: "v=TLSRPTv1; rua; rua=mailto:a@b", want: rua("mailto:a@b"), err: fault(12, "rua", "not of the form name=value")},
		{
			name: "a name of 33 octets", txt: "v=TLSRPTv1;" + strings.Repeat("a", 33) + "=1;rua=mailto:a@b", want: rua("mailto:a@b"),
			err: fault(11, strings.Repeat("a", 33)+"=1", `a field's name has 1 to 32 letters, digits, "_", "-" and ".", and starts with a letter or digit`),
		},
		{
			name: "an unknown field without a value", txt: "v=TLSRPTv1;x=;rua=mailto:a@b", want: rua("mailto:a@b"),
			err: fault(11, "x=", `a field's value is printable ASCII without "=", and not empty`),
		},
		{
			name: "the offset is of the octet in the URI", txt: "v=TLSRPTv1;rua=mailto:ä@b", want: rua("mailto:ä@b"),
			err: fault(22, "mailto:ä@b", "an octet that no URI may have here (RFC 3986, 2)"),
		},
		{
			name: "a comma that should have been encoded is the one fault", txt: "v=TLSRPTv1;rua=mailto:a,b@c", want: rua("mailto:a", "b@c"),
			err: fault(24, "b@c", "the comma in front of this belongs to the URI and has to be written as %2C"),
		},
		{
			name: "a percent sign that encodes nothing", txt: "v=TLSRPTv1;rua=mailto:a%4@b", want: rua("mailto:a%4@b"),
			err: fault(23, "mailto:a%4@b", "an octet that no URI may have here (RFC 3986, 2)"),
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tlsrpt.Parse(tt.txt)
			assert.Equal(t, tt.err, err)
			assert.Equal(t, tt.want, got)
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, txt := range []string{
		"v=TLSRPTv1; rua=mailto:a@b,https://c/?d=e%2C; x=1", "v=TLSRPTv1 ;rua=mailto:a@b", "v=tlsrptv1 rua = a,b@c!10m;;",
		"v=TLSRPTv1;rua=mailto:a,b@c;https://d;RUA=e", "\"v=TLSRPTv1\"", "v=TLSRPTv1;;=;a=;",
	} {
		f.Add(txt)
	}
	f.Fuzz(func(t *testing.T, txt string) {
		rec, err := tlsrpt.Parse(txt)
		if (rec == nil) != (err == tlsrpt.ErrNotTLSRPT) {
			t.Fatalf("%q: record %v beside error %v", txt, rec, err)
		}
		if err != nil {
			return
		}
		again, err := tlsrpt.Parse(rec.String())
		if err != nil {
			t.Fatalf("%q wrote %q, which does not parse: %v", txt, rec, err)
		}
		if !reflect.DeepEqual(again, rec) {
			t.Errorf("%q: read %+v, wrote %q, read %+v", txt, rec, rec, again)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	const txt = "v=TLSRPTv1;rua=mailto:tls-rua@mailcheck.service.ncsc.gov.uk"
	b.ReportAllocs()
	b.SetBytes(int64(len(txt)))
	for b.Loop() {
		if _, err := tlsrpt.Parse(txt); err != nil {
			b.Fatal(err)
		}
	}
}
