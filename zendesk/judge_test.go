package zendesk_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/zendesk"
	"github.com/mailcheck-go/mailcheck/zendesk/zendesktest"
)

func acmeAccount() *zendesktest.Account { return zendesktest.Acme() }

// Of nothing, nothing can be said.
func TestJudgingNothing(t *testing.T) {
	for _, f := range []*zendesk.Facts{nil, {}} {
		for _, res := range check.Apply(zendesk.Analyze(f), zendesk.Rules(zendesk.Settings{})) {
			assert.Equal(t, check.Unknown, res.Outcome, res.ID)
		}
	}
}

// A lost answer makes results unknown, and never turns one into its opposite.
func TestLostAnswers(t *testing.T) {
	judge := func(f *zendesk.Facts) []check.Result {
		f.At = judged
		return check.Apply(zendesk.Analyze(f), zendesk.Rules(zendesk.Settings{}))
	}
	whole, _, _ := run(t, acmeAccount(), nil)
	want := judge(whole)
	for _, e := range zendesk.Endpoints() {
		f, _, _ := run(t, acmeAccount(), func(s *zendesktest.Server, _ *zendesk.ClientOptions, _ *zendesk.Options) {
			s.Fail(pathOf(t, string(e)), zendesktest.Fault{Status: 500, Body: "{}"})
		})
		for i, res := range judge(f) {
			if res.Outcome != want[i].Outcome && res.Outcome != check.Unknown {
				t.Errorf("%s lost: %s is %s, and would be %s", e, res.ID, res.Outcome, want[i].Outcome)
			}
		}
	}
}

// Whatever facts say, judging them ends and keeps the promises of results.
func FuzzJudge(f *testing.F) {
	facts := func(a *zendesktest.Account) []byte {
		s := zendesktest.NewServer(a)
		defer s.Close()
		client, err := zendesk.NewClient(s.URL, zendesk.OAuthToken(a.Token), zendesk.ClientOptions{PerMinute: 1_000_000})
		require.NoError(f, err)
		facts, err := zendesk.Discover(f.Context(), client, zendesk.Options{})
		require.NoError(f, err)
		data, err := json.Marshal(facts)
		require.NoError(f, err)
		return data
	}
	f.Add(facts(acmeAccount()))
	f.Add([]byte(`{"endpoints":{"team":{"state":"ok"}},"team":[{"id":-1,"role":"admin","last_login_at":"0001-01-01T00:00:00Z"}]}`))
	f.Add([]byte(`{"endpoints":{"security-settings":{"state":"ok"}},"security_settings":{"ip":{"ip_restriction_enabled":true,"ip_ranges":"* ** 1.*.*.* ::/0 300.*"}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var facts zendesk.Facts
		if json.Unmarshal(data, &facts) != nil {
			return
		}
		a := zendesk.Analyze(&facts)
		for _, res := range check.Apply(a, zendesk.Rules(zendesk.Settings{})) {
			if (res.Outcome == check.Unknown) != (len(res.Gaps) > 0 && len(res.Findings) == 0) {
				t.Errorf("%s is %s with %d findings and %d gaps", res.ID, res.Outcome, len(res.Findings), len(res.Gaps))
			}
			for _, f := range res.Findings {
				if f.Subject == "" || f.Detail.IsZero() {
					t.Errorf("%s: %+v", res.ID, f)
				}
			}
		}
		zendesk.Template(a, nil)
	})
}
