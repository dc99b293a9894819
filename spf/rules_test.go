package spf_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/publicsuffix"

	"github.com/mailcheck-go/mailcheck/check/checktest"
	"github.com/mailcheck-go/mailcheck/dnsx"
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
	for line := range strings.Lines(c.Zone) {
		if lengths, ok := strings.CutPrefix(line, "; draft:"); ok {
			draft(t, f, strings.Fields(lengths))
		}
	}
	return f
}

// draft puts a record into the facts that is still in a file, in strings of such lengths.
func draft(t *testing.T, f *spf.Facts, lengths []string) {
	t.Helper()
	text, strs := "v=spf1 mx", []string(nil)
	for _, length := range lengths {
		n, err := strconv.Atoi(length)
		require.NoError(t, err)
		strs = append(strs, text+strings.Repeat(" ", n-len(text)))
		text = " "
	}
	f.Drafts = [][]string{strs}
	i := slices.IndexFunc(f.Replies, func(r dnsx.Reply) bool { return r.Question == dnsx.Q(f.Domain, dnsx.TypeTXT) })
	f.Replies[i].Answer.Records = []dnsx.RR{dnsx.NewTXT(f.Domain, 300, strings.Join(strs, ""))}
}
