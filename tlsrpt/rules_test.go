package tlsrpt_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/check/checktest"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/tlsrpt"
)

func TestRules(t *testing.T) {
	checktest.Run(t, tlsrpt.Rules(tlsrpt.Settings{}), "testdata/rules", discover, tlsrpt.Analyze)
}

func discover(t *testing.T, c checktest.Case) *tlsrpt.Facts {
	t.Helper()
	f, err := tlsrpt.Discover(t.Context(), dnstest.Must(c.Zone), c.Domain, tlsrpt.Options{})
	require.NoError(t, err)
	return f
}
