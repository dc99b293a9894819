package mtasts_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/check/checktest"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/mtasts"
)

func TestRules(t *testing.T) {
	checktest.Run(t, mtasts.Rules(mtasts.Settings{}), "testdata/rules", discover, mtasts.Analyze)
}

// discover takes the fetched policy from a case's files: "policy" is the body of
// a response that is as it should be, "fetch" has the fields of a Fetch as JSON
// that differ from that.
func discover(t *testing.T, c checktest.Case) *mtasts.Facts {
	t.Helper()
	f, err := mtasts.Discover(t.Context(), dnstest.Must(c.Zone), c.Domain, mtasts.Options{})
	require.NoError(t, err)
	body, fetched := c.Files["policy"]
	change, changed := c.Files["fetch"]
	if !fetched && !changed {
		return f
	}
	f.Policy = &mtasts.Fetch{
		URL: "https://mta-sts." + c.Domain + "/.well-known/mta-sts.txt", Server: "192.0.2.1:443",
		Status: 200, ContentType: "text/plain", Body: body,
	}
	if changed {
		require.NoError(t, json.Unmarshal([]byte(change), f.Policy))
	}
	return f
}
