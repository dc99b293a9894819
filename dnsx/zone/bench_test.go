package zone_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/zone"
)

// BenchmarkLoad reads the corpus: 224 octoDNS files of 970 kB where it is there.
func BenchmarkLoad(b *testing.B) {
	dir, _ := corpus()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := zone.Load(dir); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	for _, file := range []string{"../../examples/zones/acme.example.zone", "testdata/octodns/acme.example.yaml"} {
		data, err := os.ReadFile(file)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(filepath.Base(file), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if _, err := zone.Parse(file, data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkResolve(b *testing.B) {
	z, err := zone.Load("../../examples/zones")
	if err != nil {
		b.Fatal(err)
	}
	for name, q := range map[string]dnsx.Question{
		"data":     dnsx.Q("acme.example", dnsx.TypeTXT),
		"missing":  dnsx.Q("s1._domainkey.acme.example", dnsx.TypeTXT),
		"wildcard": dnsx.Q("s1._domainkey.parked.example", dnsx.TypeTXT),
		"alias":    dnsx.Q("zendesk1._domainkey.acme.example", dnsx.TypeTXT),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := z.Resolve(b.Context(), q); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
