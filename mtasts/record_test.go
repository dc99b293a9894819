package mtasts_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/mailcheck-go/mailcheck/mtasts"
)

func fault(at int, term, reason string) error {
	return &mtasts.SyntaxError{Offset: at, Term: term, Reason: reason}
}

func TestParse(t *testing.T) {
	id := func(id string) *mtasts.Record { return &mtasts.Record{ID: id} }
	letters := strings.Repeat("a", 33)
	tests := []struct {
		name string
		txt  string
		want *mtasts.Record
		err  error
	}{
		{name: "the example of RFC 8461, 3.1", txt: "v=STSv1; id=20160831085700Z;", want: id("20160831085700Z")},
		{
			name: "the order is free and unknown fields stay", txt: "v=STSv1;a.b-c_9=x<y;id=1",
			want: &mtasts.Record{ID: "1", Extensions: []mtasts.Field{{Name: "a.b-c_9", Value: "x<y"}}},
		},
		{name: "blanks and tabs around delimiters", txt: "v=STSv1 \t;\tid=1 ;\t", want: id("1")},
		{name: "the first of two ids counts", txt: "v=STSv1;id=1;id=?", want: id("1")},
		{
			name: "the first of two unknown fields counts", txt: "v=STSv1;id=1;x=1;x=2",
			want: &mtasts.Record{ID: "1", Extensions: []mtasts.Field{{Name: "x", Value: "1"}}},
		},

		{name: "nothing", txt: "", err: mtasts.ErrNotMTASTS},
		{name: "another protocol's record", txt: "v=TLSRPTv1; rua=mailto:a@b", err: mtasts.ErrNotMTASTS},
		{name: "another version", txt: "v=STSv10; id=1", err: mtasts.ErrNotMTASTS},
		{name: "the version stands elsewhere", txt: "id=1; v=STSv1", err: mtasts.ErrNotMTASTS},
		{name: "the version is cut off", txt: "v=STSv", err: mtasts.ErrNotMTASTS},

		{
			name: "the version is case-sensitive", txt: "v=STSV1;id=1", want: id("1"),
			err: fault(0, "v=STSV1", "a record has to start with v=STSv1, to the letter"),
		},
		{
			name: "a blank in front", txt: " v=STSv1;id=1", want: id("1"),
			err: fault(0, " v=STSv1", "a record has to start with v=STSv1, to the letter"),
		},
		{name: "no field", txt: "v=STSv1;", want: id(""), err: fault(8, "", "there is no id=")},
		{name: "no semicolon", txt: "v=STSv1 id=1", want: id("1"), err: fault(8, "", "a semicolon has to stand behind the version")},
		{name: "blanks beside the =", txt: "v=STSv1;id = 1", want: id("1"), err: fault(8, "id = 1", `no blank may stand beside the "="`)},
		{name: "no =", txt: "v=STSv1; id; id=1", want: id("1"), err: fault(9, "id", "not of the form name=value")},
		{name: "an id without octets", txt: "v=STSv1;id=", want: id(""), err: fault(8, "id=", "id= is empty")},
		{name: "an id of 33 octets", txt: "v=STSv1;id=" + letters, want: id(letters), err: fault(8, "id="+letters, "an id has at most 32 octets")},
		{name: "an id that is not ASCII", txt: "v=STSv1;id=ä", want: id("ä"), err: fault(8, "id=ä", "an id has letters and digits only")},
		{
			name: "a name of 33 octets", txt: "v=STSv1;id=1;" + letters + "=1", want: id("1"),
			err: fault(13, letters+"=1", `a field's name has 1 to 32 letters, digits, "_", "-" and ".", and starts with a letter or digit`),
		},
		{
			name: "an = in the value of an unknown field", txt: "v=STSv1;id=1;x=a=b", want: id("1"),
			err: fault(13, "x=a=b", `a field's value is printable ASCII without "=", and not empty`),
		},
		{name: "an empty field", txt: "v=STSv1; ;id=1", want: id("1"), err: fault(9, "", "an empty field")},
		{name: "a blank at the end", txt: "v=STSv1;id=1\t", want: id("1"), err: fault(12, "\t", "a blank at the end")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := mtasts.Parse(tt.txt)
			assert.Equal(t, tt.err, err)
			assert.Equal(t, tt.want, got)
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, txt := range []string{
		"v=STSv1; id=1; x=<>", "v=STSv1 ;id=1;id=2", "v=stsv1 id = 1;;", "v=STSv1;ID=1", "\"v=STSv1\"", "v=STSv1;;=;a=;",
	} {
		f.Add(txt)
	}
	f.Fuzz(func(t *testing.T, txt string) {
		rec, err := mtasts.Parse(txt)
		if (rec == nil) != (err == mtasts.ErrNotMTASTS) {
			t.Fatalf("%q: record %v beside error %v", txt, rec, err)
		}
		if err != nil {
			return
		}
		again, err := mtasts.Parse(rec.String())
		if err != nil {
			t.Fatalf("%q wrote %q, which does not parse: %v", txt, rec, err)
		}
		if !reflect.DeepEqual(again, rec) {
			t.Errorf("%q: read %+v, wrote %q, read %+v", txt, rec, rec, again)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	const txt = "v=STSv1; id=fc97333e0f757720f68cd18bcc560ec6"
	b.ReportAllocs()
	b.SetBytes(int64(len(txt)))
	for b.Loop() {
		if _, err := mtasts.Parse(txt); err != nil {
			b.Fatal(err)
		}
	}
}
