package mailcheck

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/check/checktest"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/mtasts"
)

// The rules of this package, those that read two rooms; each room tests its own.
func TestRules(t *testing.T) {
	discover := func(t *testing.T, c checktest.Case) *Facts {
		var r dnsx.Resolver = dnstest.Must(c.Zone)
		if strings.Contains(c.Zone, "; tries: 2") {
			r = twice{r}
		}
		checker := Checker{Resolver: r, Offline: true}
		f, err := checker.Discover(t.Context(), Target{Domain: c.Domain})
		require.NoError(t, err)
		if policy, ok := c.Files["policy"]; ok {
			f.MTASTS.Policy = &mtasts.Fetch{
				URL: "https://mta-sts." + c.Domain + "/.well-known/mta-sts.txt", Status: 200, ContentType: "text/plain",
				Body: policy, At: f.At,
			}
		}
		return f
	}
	checktest.Run(t, ownRules(), "testdata/rules", discover, func(f *Facts) *view { return newView(f, Settings{}) })
}

// twice is a resolver whose failures were asked a second time, as wire does.
type twice struct{ dnsx.Resolver }

func (r twice) Resolve(ctx context.Context, q dnsx.Question) (*dnsx.Answer, error) {
	a, err := r.Resolver.Resolve(ctx, q)
	var f *dnsx.Failure
	if errors.As(err, &f) {
		again := *f
		again.Tries = 2
		return nil, &again
	}
	return a, err
}

func TestAllRulesAreValid(t *testing.T) {
	require.NoError(t, check.Validate(rules(Settings{})))
}

// The bar of a certificate has the colour of its findings, whatever thresholds the
// owner set.
func TestExpiryIsJudgedByTheRules(t *testing.T) {
	results := []check.Result{
		{ID: "cert.expired", Findings: []check.Finding{{Subject: "gone.example", Severity: check.Critical}}},
		{ID: "cert.expiring", Findings: []check.Finding{{Subject: "soon.example", Severity: check.Medium}, {Subject: "sooner.example", Severity: check.High}}},
		{ID: "cert.self-signed", Findings: []check.Finding{{Subject: "fresh.example", Severity: check.High}}},
	}
	for host, want := range map[string]check.Outcome{
		"gone.example": check.Fail, "sooner.example": check.Fail, "soon.example": check.Note, "fresh.example": check.Pass,
	} {
		require.Equal(t, want, expiry(results, host), host)
	}
}
