package spf_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/publicsuffix"

	"github.com/mailcheck-go/mailcheck/check/checktest"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/spf"
)

func TestRules(t *testing.T) {
	checktest.Run(t, spf.Rules(spf.Settings{PublicSuffix: publicsuffix.PublicSuffix}), "testdata/rules", discover, spf.Analyze)
}

func discover(t *testing.T, c checktest.Case) *spf.Facts {
	t.Helper()
	f, err := spf.Discover(t.Context(), dnstest.Must(c.Zone), c.Domain, spf.Options{Type99: !strings.Contains(c.Zone, "; type99: no")})
	require.NoError(t, err)
	return f
}
