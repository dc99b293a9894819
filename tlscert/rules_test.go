package tlscert_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/check/checktest"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/tlscert"
)

// TestRules runs the case files. Beside the zone a case has a file "tls" with
// what each address serves, see parseWorld, and where something is fetched a file
// "web" with what stands at each URL, see parseWeb.
func TestRules(t *testing.T) {
	rules := tlscert.Rules(tlscert.Settings{Roots: testPKI().roots})
	checktest.Run(t, rules, "testdata/rules", discover, tlscert.Analyze)
}

func discover(t *testing.T, c checktest.Case) *tlscert.Facts {
	t.Helper()
	w := parseWorld(c.Domain, c.Files["tls"])
	o := w.options(c.Files["tls"])
	if lines, ok := c.Files["web"]; ok {
		o.Fetcher = parseWeb(w, lines).fetcher()
		o.ARIDirectory = "https://acme.example/directory"
	}
	f, err := tlscert.Discover(t.Context(), dnstest.Must(c.Zone), c.Domain, o)
	require.NoError(t, err)
	return f
}
