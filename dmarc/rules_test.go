package dmarc_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/check/checktest"
	"github.com/mailcheck-go/mailcheck/dmarc"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
)

func TestRules(t *testing.T) {
	discover := func(t *testing.T, c checktest.Case) *dmarc.Facts {
		f, err := dmarc.Discover(t.Context(), dnstest.Must(c.Zone), c.Domain, dmarc.Options{})
		require.NoError(t, err)
		return f
	}
	checktest.Run(t, dmarc.Rules(dmarc.Settings{}), "testdata/rules", discover, dmarc.Analyze)
}
