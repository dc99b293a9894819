package mx_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/check/checktest"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/mx"
)

func TestRules(t *testing.T) {
	settings := mx.Settings{PublicSuffix: func(name string) string {
		if name == "mx.gone.co.uk" || name == "mx.mail.gone.co.uk" {
			return "co.uk"
		}
		return "example"
	}}
	checktest.Run(t, mx.Rules(settings), "testdata/rules", discover, mx.Analyze)
}

func discover(t *testing.T, c checktest.Case) *mx.Facts {
	t.Helper()
	f, err := mx.Discover(t.Context(), dnstest.Must(c.Zone), c.Domain, mx.Options{})
	require.NoError(t, err)
	return f
}
