package mtasts_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/mailcheck-go/mailcheck/mtasts"
)

func TestParsePolicy(t *testing.T) {
	const week = 7 * 24 * time.Hour
	good := &mtasts.Policy{Version: "STSv1", Mode: mtasts.Enforce, MX: []string{"mx.acme.example"}, MaxAge: week}
	tests := []struct {
		name string
		body string
		want *mtasts.Policy
		err  error
	}{
		{
			name: "the example of RFC 8461, 3.2",
			body: "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmx: backupmx.example.com\r\nmax_age: 604800\r\n",
			want: &mtasts.Policy{
				Version: "STSv1", Mode: mtasts.Enforce, MaxAge: week,
				MX: []string{"mail.example.com", "*.example.net", "backupmx.example.com"},
			},
		},
		{name: "LF, and no line end at the end", body: "version: STSv1\nmode: enforce\nmx: mx.acme.example\nmax_age: 604800", want: good},
		{name: "any order, blanks behind colon and value", body: "max_age:604800\r\nmx:\tMX.acme.example \t\r\nmode:enforce\r\nversion:  STSv1\r\n", want: good},
		{name: "the first of two values counts", body: goodPolicy + "mode: none\nversion: STSv2\nmax_age: x\n", want: good},
		{
			name: "no mx is needed in mode none", body: "version: STSv1\nmode: none\nmax_age: 0\n",
			want: &mtasts.Policy{Version: "STSv1", Mode: mtasts.None},
		},
		{
			name: "unknown fields stay", body: goodPolicy + "x-1: ä: b\n",
			want: &mtasts.Policy{
				Version: "STSv1", Mode: mtasts.Enforce, MX: []string{"mx.acme.example"}, MaxAge: week,
				Extensions: []mtasts.Field{{Name: "x-1", Value: "ä: b"}},
			},
		},

		{name: "nothing", body: "", err: mtasts.ErrNotPolicy},
		{name: "a web page", body: "<html>\n<a href=\"https://acme.example/\">\n", err: mtasts.ErrNotPolicy},

		{name: "an empty line at the end", body: goodPolicy + "\r\n", want: good, err: fault(len(goodPolicy), "", "an empty line")},
		{
			name: "CR alone ends no line", body: "version: STSv1\rmode: enforce",
			want: &mtasts.Policy{Version: "STSv1\rmode: enforce"},
			err:  fault(0, "version: STSv1\rmode: enforce", "the version has to be STSv1, to the letter"),
		},
		{
			name: "a control character in an unknown field", body: goodPolicy + "x: a\x00\n", want: good,
			err: fault(len(goodPolicy), "x: a\x00", "a value is printable UTF-8, and not empty"),
		},
		{
			name: "an unknown field that is not UTF-8", body: goodPolicy + "x: \xff\n", want: good,
			err: fault(len(goodPolicy), "x: \xff", "a value is printable UTF-8, and not empty"),
		},
		{
			name: "a blank before the colon hides nothing", body: "version : STSv1" + goodPolicy[len("version: STSv1"):], want: good,
			err: fault(0, "version : STSv1", "no blank may stand before a key or between it and the colon"),
		},
		{
			name: "all that is missing", body: "mode: testing", want: &mtasts.Policy{Mode: mtasts.Testing},
			err: fault(13, "", "there is no version field"),
		},
		{
			name: "a broken pattern is left out", body: goodPolicy + "mx: mx2.acme.example.\n", want: good,
			err: fault(len(goodPolicy), "mx: mx2.acme.example.", "no dot may stand at the end"),
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := mtasts.ParsePolicy(tt.body)
			assert.Equal(t, tt.err, err)
			assert.Equal(t, tt.want, got)
		})
	}
}

func TestPolicyMatches(t *testing.T) {
	policy := &mtasts.Policy{MX: []string{"mail.example.com", "*.example.net"}}
	tests := []struct {
		name, host string
		want       bool
	}{
		{"the name itself", "mail.example.com", true},
		{"letters have no case, and a final dot does not count", "Mail.Example.COM.", true},
		{"a name below", "a.mail.example.com", false},
		{"a name that ends alike", "notmail.example.com", false},
		{"one label for the wildcard", "mx.example.net", true},
		{"two labels for the wildcard", "foo.bar.example.net", false},
		{"none for the wildcard", "example.net", false},
		{"a dot inside a label is no dot", `foo\.bar.example.net`, true},
		{"a label that ends like the suffix", `mx\.example.net`, false},
		{"no name", "", false},
		{"the root", ".", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { assert.Equal(t, tt.want, policy.Matches(tt.host)) })
	}
}

func FuzzParsePolicy(f *testing.F) {
	for _, body := range []string{
		goodPolicy, "version: STSv1\nmode: none\nmax_age: 0", "mode : testing\n\nmx:*.a.b\nmx: a.\nmax_age:99999999999\n",
		"Mode: x\nmx: \xff\n\r\n: \n", "version: STSv1\rmode: enforce\r\n", "\ufeffversion: STSv1\nx: \u00a0\n",
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		policy, err := mtasts.ParsePolicy(body)
		if (policy == nil) != (err == mtasts.ErrNotPolicy) {
			t.Fatalf("%q: policy %v beside error %v", body, policy, err)
		}
		if err != nil {
			return
		}
		again, err := mtasts.ParsePolicy(policy.String())
		if err != nil {
			t.Fatalf("%q wrote %q, which does not parse: %v", body, policy, err)
		}
		if !reflect.DeepEqual(again, policy) {
			t.Errorf("%q: read %+v, wrote %q, read %+v", body, policy, policy, again)
		}
	})
}

func BenchmarkParsePolicy(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(int64(len(goodPolicy)))
	for b.Loop() {
		if _, err := mtasts.ParsePolicy(goodPolicy); err != nil {
			b.Fatal(err)
		}
	}
}
