package mx_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/mailcheck-go/mailcheck/mx"
)

func TestParse(t *testing.T) {
	fault := func(at int, term, reason string) error {
		return &mx.SyntaxError{Offset: at, Term: term, Reason: reason}
	}
	const noNumber, noName = "a preference is a number from 0 to 65535", "not a host's name"
	tests := []struct {
		name string
		txt  string
		want mx.Record
		err  error
	}{
		{name: "a host", txt: "10 mx.acme.example.", want: mx.Record{Preference: 10, Host: "mx.acme.example"}},
		{name: "no dot at the end, letters in upper case, blanks", txt: "\t65535 \t MX.acme.example ", want: mx.Record{Preference: 65535, Host: "mx.acme.example"}},
		{name: "a null MX", txt: "0 .", want: mx.Record{Host: "."}},
		{name: "an address is a name like others", txt: "10 192.0.2.1", want: mx.Record{Preference: 10, Host: "192.0.2.1"}},

		{name: "nothing", txt: "", err: fault(0, "", noNumber)},
		{name: "no preference", txt: "mx.acme.example.", err: fault(0, "mx.acme.example.", noNumber)},
		{name: "a preference that is too large", txt: "65536 mx.acme.example.", want: mx.Record{Host: "mx.acme.example"}, err: fault(0, "65536", noNumber)},
		{name: "no host", txt: "10", want: mx.Record{Preference: 10}, err: fault(2, "", noName)},
		{name: "two hosts", txt: " 10  a.example b.example", want: mx.Record{Preference: 10}, err: fault(5, "a.example b.example", noName)},
		{name: "an empty label", txt: "10 mx..example", want: mx.Record{Preference: 10}, err: fault(3, "mx..example", noName)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := mx.Parse(tt.txt)
			assert.Equal(t, tt.err, err)
			assert.Equal(t, &tt.want, got)
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, txt := range []string{"10 mx.acme.example.", "0 .", " 1\tA\\.b\\032.c ", "x y", "1 a b"} {
		f.Add(txt)
	}
	f.Fuzz(func(t *testing.T, txt string) {
		rec, err := mx.Parse(txt)
		if err != nil {
			return
		}
		again, err := mx.Parse(rec.String())
		if err != nil {
			t.Fatalf("%q wrote %q, which does not parse: %v", txt, rec, err)
		}
		if *again != *rec {
			t.Errorf("%q: read %+v, wrote %q, read %+v", txt, rec, rec, again)
		}
	})
}
