package tlscert_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/check/checktest"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/tlscert"
)

// TestRules runs the case files. Beside the zone a case has a file "tls" with
// what each address serves; see parseWorld.
func TestRules(t *testing.T) {
	rules := tlscert.Rules(tlscert.Settings{Roots: testPKI().roots})
	checktest.Run(t, rules, "testdata/rules", discover, tlscert.Analyze)
}

func discover(t *testing.T, c checktest.Case) *tlscert.Facts {
	t.Helper()
	w := parseWorld(c.Domain, c.Files["tls"])
	f, err := tlscert.Discover(t.Context(), dnstest.Must(c.Zone), c.Domain, w.options(c.Files["tls"]))
	require.NoError(t, err)
	return f
}
