package dmarc_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/dmarc"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
)

func analyze(t testing.TB, zone, domain string) *dmarc.Analysis {
	t.Helper()
	f, err := dmarc.Discover(t.Context(), dnstest.Must(zone), domain, dmarc.Options{})
	require.NoError(t, err)
	return dmarc.Analyze(f)
}

func share(p dmarc.Policy) dmarc.Share { return dmarc.Share{Policy: p, Percent: 100} }

// reading is what the vectors fix of one generation.
type reading struct {
	org, owner string
	domain     dmarc.Share
}

func read(g dmarc.Generation) reading {
	return reading{g.OrganizationalDomain, g.Owner, g.Domain}
}

// TestVectors has a zone and an Author Domain for each way in which the two
// generations find, or do not find, the same record. A name that has to exist
// without a record has an A record.
func TestVectors(t *testing.T) {
	const deep = "mail.a.b.c.d.e.f.g.example.com"
	none, quarantine, reject, off := share(dmarc.None), share(dmarc.Quarantine), share(dmarc.Reject), share(dmarc.Off)
	tests := []struct {
		name, zone, author string
		new, old           reading
		effective          dmarc.Policy
	}{
		{
			name:   "V1: sp of the organizational domain holds for a name that exists",
			zone:   `_dmarc.example.com. TXT "v=DMARC1; p=reject; sp=none"` + "\n" + `a.b.example.com. A 192.0.2.1`,
			author: "a.b.example.com",
			new:    reading{"example.com", "example.com", none}, old: reading{"example.com", "example.com", none}, effective: dmarc.None,
		},
		{
			name:   "V2: np holds for a name that does not exist, at new receivers",
			zone:   `_dmarc.example.com. TXT "v=DMARC1; p=none; np=reject"`,
			author: "x.example.com",
			new:    reading{"example.com", "example.com", reject}, old: reading{"example.com", "example.com", none}, effective: dmarc.None,
		},
		{
			name:   "V3: a record in between is no source of policy",
			zone:   `_dmarc.b.example.com. TXT "v=DMARC1; p=none"` + "\n" + `_dmarc.example.com. TXT "v=DMARC1; p=reject"` + "\n" + `a.b.example.com. A 192.0.2.1`,
			author: "a.b.example.com",
			new:    reading{"example.com", "example.com", reject}, old: reading{"example.com", "example.com", reject}, effective: dmarc.Reject,
		},
		{
			name:   "V4: a subdomain's record is all that the walk finds",
			zone:   `_dmarc.mail.example.com. TXT "v=DMARC1; p=reject"` + "\n" + `a.mail.example.com. A 192.0.2.1`,
			author: "a.mail.example.com",
			new:    reading{"mail.example.com", "mail.example.com", reject}, old: reading{"example.com", "", off}, effective: dmarc.Off,
		},
		{
			name:   "V5: the walk stops at psd=n",
			zone:   `_dmarc.b.example.com. TXT "v=DMARC1; p=none; psd=n"` + "\n" + `_dmarc.example.com. TXT "v=DMARC1; p=reject"` + "\n" + `a.b.example.com. A 192.0.2.1`,
			author: "a.b.example.com",
			new:    reading{"b.example.com", "b.example.com", none}, old: reading{"example.com", "example.com", reject}, effective: dmarc.None,
		},
		{
			name:   "V6: psd=y by mistake: the name below is the organizational domain, the record a suffix's",
			zone:   `_dmarc.example.com. TXT "v=DMARC1; p=reject; psd=y"` + "\n" + `shop.example.com. A 192.0.2.1`,
			author: "shop.example.com",
			new:    reading{"shop.example.com", "example.com", reject}, old: reading{"example.com", "example.com", reject}, effective: dmarc.Reject,
		},
		{
			name: "V7: two records cancel each other, and only the new generation goes on",
			zone: `_dmarc.a.example.com. TXT "v=DMARC1; p=none"` + "\n" + `_dmarc.a.example.com. TXT "v=DMARC1; p=reject"` + "\n" +
				`_dmarc.example.com. TXT "v=DMARC1; p=reject"` + "\n" + `a.example.com. A 192.0.2.1`,
			author: "a.example.com",
			new:    reading{"example.com", "example.com", reject}, old: reading{"example.com", "", off}, effective: dmarc.Off,
		},
		{
			name:   "V8: a suffix without its flag becomes the organizational domain",
			zone:   `_dmarc.tld. TXT "v=DMARC1; p=none"` + "\n" + `_dmarc.example.tld. TXT "v=DMARC1; p=reject"`,
			author: "example.tld",
			new:    reading{"tld", "example.tld", reject}, old: reading{"example.tld", "example.tld", reject}, effective: dmarc.Reject,
		},
		{
			name:   "V9: psd=n keeps it out",
			zone:   `_dmarc.tld. TXT "v=DMARC1; p=none"` + "\n" + `_dmarc.example.tld. TXT "v=DMARC1; p=reject; psd=n"`,
			author: "example.tld",
			new:    reading{"example.tld", "example.tld", reject}, old: reading{"example.tld", "example.tld", reject}, effective: dmarc.Reject,
		},
		{
			name:   "V10: without a record above, each subdomain is an organization of its own",
			zone:   `_dmarc.a.example.com. TXT "v=DMARC1; p=reject"` + "\n" + `b.example.com. A 192.0.2.1`,
			author: "a.example.com",
			new:    reading{"a.example.com", "a.example.com", reject}, old: reading{"example.com", "a.example.com", reject}, effective: dmarc.Reject,
		},
		{
			name:   "V11: the usual case",
			zone:   `_dmarc.example.com. TXT "v=DMARC1; p=reject"`,
			author: "example.com",
			new:    reading{"example.com", "example.com", reject}, old: reading{"example.com", "example.com", reject}, effective: dmarc.Reject,
		},
		{
			name:   "V12: t=y takes one level off at new receivers",
			zone:   `_dmarc.example.com. TXT "v=DMARC1; p=reject; t=y"`,
			author: "example.com",
			new:    reading{"example.com", "example.com", quarantine}, old: reading{"example.com", "example.com", reject}, effective: dmarc.Quarantine,
		},
		{
			name:   "V13: pct=0 takes one level off at old receivers",
			zone:   `_dmarc.example.com. TXT "v=DMARC1; p=reject; pct=0"`,
			author: "example.com",
			new:    reading{"example.com", "example.com", reject}, old: reading{"example.com", "example.com", quarantine}, effective: dmarc.Quarantine,
		},
		{
			name:   "V14: pct=50 lets half through at old receivers",
			zone:   `_dmarc.example.com. TXT "v=DMARC1; p=quarantine; pct=50"`,
			author: "example.com",
			new:    reading{"example.com", "example.com", quarantine},
			old:    reading{"example.com", "example.com", dmarc.Share{Policy: dmarc.Quarantine, Percent: 50}}, effective: dmarc.None,
		},
		{
			name:   "V15: a wrong sp disables p",
			zone:   `_dmarc.example.com. TXT "v=DMARC1; p=reject; sp=foo; rua=mailto:x@example.com"` + "\n" + `example.com. MX 10 mx.example.com.`,
			author: "example.com",
			new:    reading{"example.com", "example.com", none}, old: reading{"example.com", "example.com", none}, effective: dmarc.None,
		},
		{
			name:   "V16: no p, but an address for reports",
			zone:   `_dmarc.example.com. TXT "v=DMARC1; rua=mailto:x@example.com"` + "\n" + `example.com. MX 10 mx.example.com.`,
			author: "example.com",
			new:    reading{"example.com", "example.com", none}, old: reading{"example.com", "example.com", none}, effective: dmarc.None,
		},
		{
			name:   "V17: neither",
			zone:   `_dmarc.example.com. TXT "v=DMARC1;"`,
			author: "example.com",
			new:    reading{"example.com", "example.com", off}, old: reading{"example.com", "example.com", off}, effective: dmarc.Off,
		},
		{
			name: "V18: psd=n at an eighth label is never read",
			zone: `_dmarc.b.c.d.e.f.g.example.com. TXT "v=DMARC1; p=reject; psd=n"` + "\n" +
				`_dmarc.example.com. TXT "v=DMARC1; p=none"` + "\n" + deep + `. A 192.0.2.1`,
			author: deep,
			new:    reading{"example.com", "example.com", none}, old: reading{"example.com", "example.com", none}, effective: dmarc.None,
		},
		{
			name:   "V19: a suffix of two labels",
			zone:   `_dmarc.example.co.uk. TXT "v=DMARC1; p=reject"`,
			author: "example.co.uk",
			new:    reading{"example.co.uk", "example.co.uk", reject}, old: reading{"example.co.uk", "example.co.uk", reject}, effective: dmarc.Reject,
		},
		{
			name:   "V20: nothing anywhere",
			zone:   `a.example.com. A 192.0.2.1`,
			author: "a.example.com",
			new:    reading{"a.example.com", "", off}, old: reading{"example.com", "", off}, effective: dmarc.Off,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := analyze(t, tt.zone, tt.author)
			assert.Equal(t, [3]any{tt.new, tt.old, tt.effective}, [3]any{read(a.New), read(a.Old), a.Effective.Domain})
		})
	}
}
