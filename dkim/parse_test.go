package dkim_test

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/dkim"
)

func TestParse(t *testing.T) {
	type fault struct {
		kind      dkim.Fault
		offset    int
		tolerated bool
	}
	tests := []struct {
		name  string
		txt   string
		want  *dkim.Record
		fault *fault // nil where the record is without fault
	}{
		{
			name: "all tags, in any order behind v",
			txt:  "v=DKIM1; p=AAAA; h=sha256:sha1; k=ed25519; n=a note; s=email:*; t=y:s; x=1",
			want: &dkim.Record{
				Version: "DKIM1", Hashes: []string{"sha256", "sha1"}, KeyType: "ed25519", Notes: "a note", Key: "AAAA",
				Services: []string{"email", "*"}, Flags: []string{"y", "s"}, Others: []dkim.Tag{{Name: "x", Value: "1"}},
			},
		},
		{
			name: "only p is required (K03)",
			txt:  "p=AAAA",
			want: &dkim.Record{KeyType: "rsa", Key: "AAAA"},
		},
		{
			name: "an empty p revokes the key (K04)",
			txt:  "v=DKIM1; p=",
			want: &dkim.Record{Version: "DKIM1", KeyType: "rsa"},
		},
		{
			name: "folding white space around tags, colons and in base64 (K05)",
			txt:  " v\t=\r\n DKIM1 ; h = sha1 : sha256;p = AA\r\n AA\t; ",
			want: &dkim.Record{Version: "DKIM1", KeyType: "rsa", Hashes: []string{"sha1", "sha256"}, Key: "AAAA"},
		},
		{
			name: "white space inside a value stays",
			txt:  "n=two  blanks; p=AAAA",
			want: &dkim.Record{KeyType: "rsa", Notes: "two  blanks", Key: "AAAA"},
		},
		{
			name: "values are case-sensitive",
			txt:  "k=RSA; h=SHA256; t=Y; p=AAAA",
			want: &dkim.Record{KeyType: "RSA", Hashes: []string{"SHA256"}, Flags: []string{"Y"}, Key: "AAAA"},
		},
		{
			name:  "the first of two tags stands, and the list is void (K01)",
			txt:   "v=DKIM1; p=AAAA; p=BBBB",
			want:  &dkim.Record{Version: "DKIM1", KeyType: "rsa", Key: "AAAA"},
			fault: &fault{kind: dkim.FaultDuplicate, offset: 17},
		},
		{
			name:  "P is read as p where there is no p (K02)",
			txt:   "v=DKIM1; P=AAAA",
			want:  &dkim.Record{Version: "DKIM1", KeyType: "rsa", Key: "AAAA"},
			fault: &fault{kind: dkim.FaultCase, offset: 11},
		},
		{
			name:  "P beside p is an unknown tag",
			txt:   "p=AAAA; P=BBBB",
			want:  &dkim.Record{KeyType: "rsa", Key: "AAAA", Others: []dkim.Tag{{Name: "P", Value: "BBBB"}}},
			fault: &fault{kind: dkim.FaultCase, offset: 10, tolerated: true},
		},
		{
			name:  "P in front of p gives way",
			txt:   "P=BBBB; p=AAAA",
			want:  &dkim.Record{KeyType: "rsa", Key: "AAAA"},
			fault: &fault{kind: dkim.FaultCase, offset: 2, tolerated: true},
		},
		{
			name:  "K=ed25519 is what was meant, and no verifier knows",
			txt:   "K=ed25519; p=AAAA",
			want:  &dkim.Record{KeyType: "ed25519", Key: "AAAA"},
			fault: &fault{kind: dkim.FaultCase, offset: 2},
		},
		{
			name:  "the fault that costs the record goes before one that is tolerated",
			txt:   ";v=DKIM1; k=; p=AAAA",
			want:  &dkim.Record{Version: "DKIM1", Key: "AAAA"},
			fault: &fault{kind: dkim.FaultValue, offset: 12},
		},
		{
			name:  "a semicolon too many is tolerated",
			txt:   "v=DKIM1;; p=AAAA",
			want:  &dkim.Record{Version: "DKIM1", KeyType: "rsa", Key: "AAAA"},
			fault: &fault{kind: dkim.FaultEmpty, offset: 8, tolerated: true},
		},
		{
			name:  "the backslash is part of the value, and read past",
			txt:   `v=DKIM1\; k=rsa\; n=a\; x=b\; p=AAAA`,
			want:  &dkim.Record{Version: "DKIM1", KeyType: "rsa", Notes: `a\`, Key: "AAAA", Others: []dkim.Tag{{Name: "x", Value: `b\`}}},
			fault: &fault{kind: dkim.FaultEscape, offset: 7},
		},
		{
			name:  "no p",
			txt:   "v=DKIM1; k=rsa;",
			want:  &dkim.Record{Version: "DKIM1", KeyType: "rsa"},
			fault: &fault{kind: dkim.FaultNoKey, offset: 15},
		},
		{
			name:  "octets past ASCII are in nobody's way in a note",
			txt:   "n=caf\u00e9; p=AAAA",
			want:  &dkim.Record{KeyType: "rsa", Notes: "caf\u00e9", Key: "AAAA"},
			fault: &fault{kind: dkim.FaultValue, offset: 5, tolerated: true},
		},
		{
			name:  "an invisible octet in the version",
			txt:   "v=DKIM1\u200b; p=AAAA",
			want:  &dkim.Record{Version: "DKIM1\u200b", KeyType: "rsa", Key: "AAAA"},
			fault: &fault{kind: dkim.FaultVersion, offset: 2},
		},
		{
			name:  "an empty list of services lists none",
			txt:   "s=; p=AAAA",
			want:  &dkim.Record{KeyType: "rsa", Services: []string{""}, Key: "AAAA"},
			fault: &fault{kind: dkim.FaultValue, offset: 2},
		},
		{
			name:  "an empty list of flags sets none",
			txt:   "t=; p=AAAA",
			want:  &dkim.Record{KeyType: "rsa", Key: "AAAA"},
			fault: &fault{kind: dkim.FaultValue, offset: 2, tolerated: true},
		},
		{
			name:  "a star is no hash",
			txt:   "h=*; p=AAAA",
			want:  &dkim.Record{KeyType: "rsa", Hashes: []string{"*"}, Key: "AAAA"},
			fault: &fault{kind: dkim.FaultValue, offset: 2},
		},
		{
			name:  "a word does not end in a hyphen",
			txt:   "s=email : tls-; p=AAAA",
			want:  &dkim.Record{KeyType: "rsa", Services: []string{"email", "tls-"}, Key: "AAAA"},
			fault: &fault{kind: dkim.FaultValue, offset: 10},
		},
		{
			name:  "padding may be too short",
			txt:   "p=AAA",
			want:  &dkim.Record{KeyType: "rsa", Key: "AAA"},
			fault: &fault{kind: dkim.FaultBase64, offset: 2, tolerated: true},
		},
		{
			name:  "padding alone is no base64",
			txt:   "p==",
			want:  &dkim.Record{KeyType: "rsa", Key: "="},
			fault: &fault{kind: dkim.FaultBase64, offset: 2},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := dkim.Parse(tt.txt)
			assert.Equal(t, tt.want, got)
			if tt.fault == nil {
				require.NoError(t, err)
				return
			}
			var bad *dkim.SyntaxError
			require.ErrorAs(t, err, &bad)
			assert.Equal(t, *tt.fault, fault{bad.Kind, bad.Offset, bad.Tolerated}, bad.Error())
		})
	}
}

func TestParse_notKey(t *testing.T) {
	for name, txt := range map[string]string{
		"nothing":                 "",
		"blanks and semicolons":   " ;; ",
		"SPF":                     "v=spf1 include:_spf.acme.example -all",
		"DMARC, which has p= too": "v=DMARC1; p=none",
		"TLS-RPT":                 "v=TLSRPTv1; rua=mailto:a@acme.example",
		"MTA-STS":                 "v=STSv1; id=1",
		"ADSP":                    "dkim=all",
		"a verification token":    "google-site-verification=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"a key of something else": "k=1",
		"a word":                  "parked",
	} {
		t.Run(name, func(t *testing.T) {
			rec, err := dkim.Parse(txt)
			assert.Nil(t, rec)
			require.ErrorIs(t, err, dkim.ErrNotKey)
		})
	}
}

func TestRecord_methods(t *testing.T) {
	type answers struct{ mail, sha256, testing bool }
	for txt, want := range map[string]answers{
		"p=AAAA":                           {mail: true, sha256: true},
		"s=*; h=sha256; t=s:y; p=AAAA":     {mail: true, sha256: true, testing: true},
		"s=tlsrpt:email; h=sha1; p=AAAA":   {mail: true},
		"s=tlsrpt; h=x:sha256; t=; p=AAAA": {sha256: true},
	} {
		t.Run(txt, func(t *testing.T) {
			rec, _ := dkim.Parse(txt)
			assert.Equal(t, want, answers{rec.ForMail(), rec.Allows("sha256"), rec.Testing()})
		})
	}
}

// What String writes is read as the same record, and has no fault.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
		"v=DKIM1; p=AAAA; h=sha256:sha1; n=a note; s=email:*; t=y:s; x=1; g=",
		" v\t=\r\n DKIM1 ;p = AA\r\n AA\t; ",
		`v=DKIM1\; k=rsa\; p=AAAA\;`, "v=DKIM1;; p=", "P=AAAA", "k=rsa p=AAAA", "n=caf\u00e9; p=AAA", `"v=DKIM1; p=AAAA"`,
		"v=spf1 -all", "-----BEGIN PRIVATE KEY-----AAAA", "t=y; o=~",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, txt string) {
		rec, err := dkim.Parse(txt)
		if rec == nil {
			return
		}
		_, _ = rec.PublicKey() // whatever it holds
		if err != nil {
			return
		}
		again, err := dkim.Parse(rec.String())
		if err != nil {
			t.Fatalf("%q wrote %q, which does not parse: %v", txt, rec, err)
		}
		if !reflect.DeepEqual(again, rec) {
			t.Errorf("%q: read %+v, wrote %q, read %+v", txt, rec, rec, again)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	txt := "v=DKIM1; k=rsa; p=" + rsa2048
	b.ReportAllocs()
	b.SetBytes(int64(len(txt)))
	for b.Loop() {
		rec, err := dkim.Parse(txt)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := rec.PublicKey(); err != nil {
			b.Fatal(err)
		}
	}
}
