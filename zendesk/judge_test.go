package zendesk_test

import (
	"encoding/json"
	"testing"
	"time"

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

// Whoever is no admin may be shown a part of a list, as if it were the whole.
func TestRoleCapsClaims(t *testing.T) {
	f, _, _ := run(t, acmeAccount(), nil)
	f.At = judged
	for _, me := range []*zendesk.Me{nil, {Role: "agent"}} {
		f.Me = me
		if me == nil {
			f.Endpoints[zendesk.EndpointMe] = zendesk.Reply{State: zendesk.StateForbidden, Failure: &zendesk.Failure{Kind: zendesk.FailureForbidden, Status: 403}}
		} else {
			f.Endpoints[zendesk.EndpointMe] = zendesk.Reply{State: zendesk.StateOK}
		}
		for _, r := range zendesk.Rules(zendesk.Settings{}) {
			switch r.ID {
			case "zendesk.custom-roles", "zendesk.mobile-access", "zendesk.password-level":
				res := r.Apply(zendesk.Analyze(f))
				assert.Equal(t, check.Unknown, res.Outcome, r.ID)
				for _, g := range res.Gaps {
					assert.Equal(t, check.NotShown, g.Why, r.ID)
				}
			}
		}
	}
}

// Whose word it is stands where the result rests on it, and not where what was
// seen decides.
func TestWhoseWord(t *testing.T) {
	day := func(month int) time.Time { return time.Date(2026, time.Month(month), 1, 0, 0, 0, 0, time.UTC) }
	said := func(answer zendesk.Answer) zendesk.Attestations {
		return zendesk.Attestations{"zendesk.sso-mfa": {Answer: answer, Owner: "Ada", Date: day(11), Expires: day(12), Evidence: "minutes", Reason: "none signs in"}}
	}
	f, _, _ := run(t, acmeAccount(), nil)
	f.At = judged
	judge := func(said zendesk.Attestations) check.Result {
		for _, r := range zendesk.Rules(zendesk.Settings{Attestations: said}) {
			if r.ID == "zendesk.sso-mfa" {
				return r.Apply(zendesk.Analyze(f))
			}
		}
		panic("no such rule")
	}
	want := &check.Attested{By: "Ada", On: day(11), Until: day(12), Evidence: "minutes"}
	res := judge(said(zendesk.AnswerYes))
	assert.Equal(t, check.Pass, res.Outcome)
	assert.Equal(t, want, res.Attested)
	res = judge(said(zendesk.AnswerNotApplicable))
	assert.Equal(t, check.NotApplicable, res.Outcome)
	assert.Equal(t, want, res.Attested)
	assert.Nil(t, judge(said(zendesk.AnswerNo)).Attested)
	assert.Nil(t, judge(nil).Attested)
	f.Security.Authentication.Agent.RemoteLogin = zendesk.No
	res = judge(said(zendesk.AnswerYes))
	assert.Equal(t, check.NotApplicable, res.Outcome)
	assert.Nil(t, res.Attested, "no SSO: nobody was asked")
}
