package caa_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/caa"
	"github.com/mailcheck-go/mailcheck/check/checktest"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
)

// Comments in a case's zone say more about failures than its lines can: "; tries: 2",
// "; ede: CODE", and "; unchecked" where questions without validation are answered.
// "; host" is Options.Host.
func TestRules(t *testing.T) {
	checktest.Run(t, caa.Rules(caa.Settings{}), "testdata/rules", discover, caa.Analyze)
}

func discover(t *testing.T, c checktest.Case) *caa.Facts {
	t.Helper()
	r := &failing{Resolver: dnstest.Must(c.Zone), tries: 1}
	host := false
	for line := range strings.Lines(c.Zone) {
		line = strings.TrimSpace(line)
		if n, ok := strings.CutPrefix(line, "; tries: "); ok {
			r.tries, _ = strconv.Atoi(n)
		}
		if n, ok := strings.CutPrefix(line, "; ede: "); ok {
			code, err := strconv.ParseUint(n, 10, 16)
			require.NoError(t, err)
			r.ede = []dnsx.EDE{{Code: uint16(code)}}
		}
		r.unchecked = r.unchecked || line == "; unchecked"
		host = host || line == "; host"
	}
	f, err := caa.Discover(t.Context(), r, c.Domain, caa.Options{Host: host})
	require.NoError(t, err)
	return f
}

// failing says more about its failures.
type failing struct {
	dnsx.Resolver
	tries     int
	ede       []dnsx.EDE
	unchecked bool
}

func (r *failing) Resolve(ctx context.Context, q dnsx.Question) (*dnsx.Answer, error) {
	if r.unchecked && q.CheckingDisabled {
		return &dnsx.Answer{Question: q}, nil
	}
	a, err := r.Resolver.Resolve(ctx, q)
	var f *dnsx.Failure
	if errors.As(err, &f) {
		again := *f
		again.Tries, again.EDE = r.tries, r.ede
		return nil, &again
	}
	return a, err
}
