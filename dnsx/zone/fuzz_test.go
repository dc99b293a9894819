package zone_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/zone"
)

func FuzzParse_master(f *testing.F) {
	for _, pattern := range []string{"../../examples/zones/*.zone", "testdata/*.zone"} {
		addFiles(f, pattern)
	}
	f.Add([]byte(rfc4592))
	f.Add([]byte(rfc1034))
	f.Add([]byte(soa + "$GENERATE 1-3/2 h${0,3,x} A 192.0.2.$\nold DNAME new\ncut NS ns\n"))
	f.Fuzz(func(t *testing.T, data []byte) { tryParse(t, "acme.example.zone", data) })
}

func FuzzParse_octodns(f *testing.F) {
	addFiles(f, "testdata/octodns/*.yaml")
	f.Add([]byte("a: &a {ttl: 60, type: A, value: 192.0.2.1}\nb: {<<: [*a], values: ['::1']}\n'*': {type: DNAME, value: x.}\n"))
	f.Add([]byte(`'': {type: HTTPS, value: {svcpriority: 1, targetname: ., svcparams: {alpn: [h2, h3]}}}`))
	f.Add([]byte(`'': {type: NAPTR, value: {order: 1, preference: 2, flags: U, service: SIP, regexp: '!\d!', replacement: .}}`))
	f.Fuzz(func(t *testing.T, data []byte) { tryParse(t, "acme.example.yaml", data) })
}

func addFiles(f *testing.F, pattern string) {
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		f.Fatal(pattern, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
}

// tryParse reads a file: it is refused with a place, or every name in it can be
// asked for, and every answer says what a record's text can say.
func tryParse(t *testing.T, file string, data []byte) {
	if len(data) > 1<<16 {
		return
	}
	z, err := zone.Parse(file, data)
	if err != nil {
		var at *zone.SyntaxError
		require.ErrorAs(t, err, &at)
		require.Equal(t, file, at.File)
		require.NotEmpty(t, at.Reason)
		return
	}
	for _, apex := range z.Apexes() {
		names, err := z.Names(apex)
		require.NoError(t, err)
		for i, name := range names {
			if i > 100 {
				return
			}
			again, err := dnsx.ParseName(name)
			require.NoError(t, err)
			require.Equal(t, name, again)
			for _, q := range []dnsx.Question{
				dnsx.Q(name, dnsx.TypeTXT), dnsx.Q(name, dnsx.TypeMX), dnsx.Q(name, dnsx.TypeHTTPS), dnsx.Q(dnsx.Join("x", name), dnsx.TypeA),
			} {
				a, err := z.Resolve(t.Context(), q)
				if err != nil {
					continue
				}
				if q.Name == name {
					require.True(t, a.Exists())
				}
				for _, rr := range a.Records {
					back, err := dnsx.ParseRR(rr.String())
					require.NoError(t, err)
					require.Equal(t, rr, back)
				}
			}
		}
	}
}
