package dkim_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dkim"
)

// Each text is turned into the record that it was meant to be, "" where that
// cannot be told or is the same one.
func TestRepair(t *testing.T) {
	const plain = "v=DKIM1; p=" + rsa2048
	for name, tt := range map[string]struct{ txt, want string }{
		"nothing is wrong":                 {"v=DKIM1; k=rsa; p=" + rsa2048, ""},
		"another layout is no fault":       {" p=" + rsa2048 + " ; k=rsa;", ""},
		"a revoked key":                    {"v=DKIM1; p=", ""},
		"testing is for people to end":     {"v=DKIM1; t=y; p=" + rsa2048, ""},
		"for TLS reports alone":            {"v=DKIM1; s=tlsrpt; p=" + rsa2048, ""},
		"several faults at once":           {`K=RSA\; V=dkim1\; H=sha1:sha256\;; g=*\; t=s\; p=` + rsa2048, "v=DKIM1; h=sha256; t=s; p=" + rsa2048},
		"typographic quotes":               {"“v=DKIM1; p=" + rsa2048 + "”", plain},
		"no-break spaces and no width":     {"v=DKIM1;\u00a0p=\u200b" + rsa2048, plain},
		"a semicolon in a note":            {"v=DKIM1; n=ask k=joe; k=rsa p=" + rsa2048, "v=DKIM1; n=ask k=joe; p=" + rsa2048},
		"what else stands there stays":     {"v=DKIM1;; s=email:*; t=s; n=a note; x=1; p=" + rsa2048, "v=DKIM1; s=email:*; t=s; n=a note; x=1; p=" + rsa2048},
		"base64 that ends like a tag":      {"v=DKIM1;; p=" + rsa2048[:60] + " k==", ""},
		"the version without its tag":      {"DKIM1; k=rsa; p=" + rsa2048, plain},
		"other text between":               {"v=DKIM1; hello; p=" + rsa2048, ""},
		"tags that contradict each other":  {"v=DKIM1; k=rsa; k=ed25519; p=" + rsa2048, ""},
		"two keys":                         {"v=DKIM1; p=" + rsa2048 + "; p=" + other2048, ""},
		"the type follows from the key":    {"v=DKIM1; k=ed25519; p=" + rsa2048, plain},
		"32 octets may be anything":        {"v=DKIM1; p=" + ed25519Key, ""},
		"a key that is cut off":            {"v=DKIM1; p=" + rsa2048[:200], ""},
		"a lost character":                 {"v=DKIM1; p=" + rsa2048[:99] + "?" + rsa2048[100:], ""},
		"no key":                           {"v=DKIM1; k=rsa", ""},
		"a flag that is no word":           {"v=DKIM1; t=y,s; p=" + rsa2048, ""},
		"an empty list of hashes":          {"v=DKIM1; h=; p=" + rsa2048, plain},
		"a private key is as good as lost": {"v=DKIM1; p=MIIBVAIBADANBgkqhkiG9w0BAQEFAAAA", "v=DKIM1; p="},
		"a record of another protocol":     {"v=spf1 -all", ""},
	} {
		t.Run(name, func(t *testing.T) {
			const owner = "s1._domainkey.acme.example"
			var want []check.Change
			if tt.want != "" {
				want = []check.Change{{Name: owner, Type: "TXT", Old: []string{tt.txt}, New: []string{tt.want}}}
			}
			changes := dkim.Repair(analyze(t, txt(owner, tt.txt), dkim.Options{}))
			assert.Equal(t, want, changes)
			if len(changes) == 1 { // what was repaired is a record without fault, and needs no repair
				_, err := dkim.Parse(changes[0].New[0])
				require.NoError(t, err)
				assert.Empty(t, dkim.Repair(analyze(t, txt(owner, changes[0].New[0]), dkim.Options{})))
			}
		})
	}
}

// Changes stand where the records do, one for each name, and only in the domain.
func TestRepair_places(t *testing.T) {
	const broken, mended = "v=dkim1; p=" + rsa2048, "v=DKIM1; p=" + rsa2048
	zone := txt("s1._domainkey.acme.example", broken) + txt("s1._domainkey.acme.example", "another text") +
		"s2._domainkey.acme.example. CNAME keys.acme.example.\n" +
		"k1._domainkey.acme.example. CNAME keys.acme.example.\n" +
		"k2._domainkey.acme.example. CNAME keys.example.\n" +
		txt("keys.acme.example", broken) + txt("keys.example", broken) +
		txt("default._domainkey.acme.example", broken) + txt("default._domainkey.acme.example", broken+";") +
		txt("mail._domainkey.acme.example", mended) + txt("mail._domainkey.acme.example", "another text") +
		txt("*._domainkey.acme.example", broken)
	assert.ElementsMatch(t, []check.Change{
		{Name: "s1._domainkey.acme.example", Type: "TXT", Old: []string{broken, "another text"}, New: []string{mended}},
		{Name: "keys.acme.example", Type: "TXT", Old: []string{broken}, New: []string{mended}},
		{Name: "mail._domainkey.acme.example", Type: "TXT", Old: []string{"another text"}},
	}, dkim.Repair(analyze(t, zone, dkim.Options{})))
}
