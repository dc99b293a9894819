package dkim_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/check/checktest"
	"github.com/mailcheck-go/mailcheck/dkim"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
)

// TestRules takes from a case's zone, as comments, "; listed" where the resolver
// lists its names, and selectors after "; given:" and "; provider:".
func TestRules(t *testing.T) {
	checktest.Run(t, dkim.Rules(dkim.Settings{}), "testdata/rules", discover, dkim.Analyze)
}

func discover(t *testing.T, c checktest.Case) *dkim.Facts {
	t.Helper()
	zone := dnstest.Must(c.Zone)
	var r dnsx.Resolver = zone
	var o dkim.Options
	for line := range strings.Lines(c.Zone) {
		word, names, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch word {
		case "; listed":
			r = zone.Listing()
		case "; given":
			for _, name := range strings.Fields(names) {
				o.Selectors = append(o.Selectors, dkim.Selector{Name: name})
			}
		case "; provider":
			for _, name := range strings.Fields(names) {
				o.Selectors = append(o.Selectors, dkim.Selector{Name: name, Why: "provider:example"})
			}
		}
	}
	f, err := dkim.Discover(t.Context(), r, c.Domain, o)
	require.NoError(t, err)
	return f
}
