package zendesk_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/zendesk"
	"github.com/mailcheck-go/mailcheck/zendesk/zendesktest"
)

// All requests wait when one was told to, and the caller hears until when.
func TestRateLimit(t *testing.T) {
	tests := []struct {
		name  string
		fault zendesktest.Fault
		wait  time.Duration // at the first 429
	}{
		{"seconds", zendesktest.RateLimited(1, "42"), 42 * time.Second},
		{"a date", zendesktest.RateLimited(1, "Sat, 01 Jan 2000 00:01:30 GMT"), 90 * time.Second},
		{"the header of the rate limit", zendesktest.Fault{Times: 1, Status: 429, Header: map[string]string{"ratelimit-reset": "17"}}, 17 * time.Second},
		{"a date there", zendesktest.Fault{Times: 1, Status: 429, Header: map[string]string{"ratelimit-reset": "2000-01-01T00:00:50Z"}}, 50 * time.Second},
		{"the header of the endpoint's limit", zendesktest.Fault{Times: 1, Status: 429, Header: map[string]string{"Zendesk-RateLimit-users": "total=100; remaining=0; resets=43"}}, 43 * time.Second},
		{"nothing", zendesktest.RateLimited(1, ""), 10 * time.Second},
		{"no sense", zendesktest.RateLimited(1, "soon"), 10 * time.Second},
		{"no time at all", zendesktest.RateLimited(1, "0"), time.Second},
		{"503 that says when", zendesktest.Fault{Times: 1, Status: 503, Header: map[string]string{"Retry-After": "20"}}, 20 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var waits []time.Duration
			start := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
			f, requests, _ := run(t, zendesktest.Acme(), func(s *zendesktest.Server, co *zendesk.ClientOptions, _ *zendesk.Options) {
				s.Fail("/api/v2/users/me", tt.fault)
				co.Progress = func(p zendesk.Progress) {
					if !p.Wait.IsZero() {
						waits = append(waits, p.Wait.Sub(start).Round(time.Second))
					}
				}
			})
			assert.Equal(t, zendesk.StateOK, f.Endpoints[zendesk.EndpointMe].State)
			require.GreaterOrEqual(t, len(requests), 2)
			assert.InDelta(t, tt.wait.Seconds(), requests[1].At.Sub(requests[0].At).Seconds(), 0.6)
			assert.Equal(t, []time.Duration{tt.wait}, waits)
		})
	}
}

func TestTokenOfAnOAuthClient(t *testing.T) {
	discover := func(secret string, budget time.Duration, prepare func(*zendesktest.Server)) (f *zendesk.Facts, requests []zendesktest.Request) {
		synctest.Test(t, func(t *testing.T) {
			s := zendesktest.NewPipe(zendesktest.Acme())
			defer s.Close()
			if prepare != nil {
				prepare(s)
			}
			c, err := zendesk.NewClient(s.URL, zendesk.OAuthClient("acme-client", secret), zendesk.ClientOptions{Dialer: s, Timeout: 3 * time.Hour})
			require.NoError(t, err)
			f, err = zendesk.Discover(t.Context(), c, zendesk.Options{Budget: budget})
			require.NoError(t, err)
			requests = s.Requests()
		})
		return f, requests
	}
	posts := func(requests []zendesktest.Request) (n int) {
		for _, r := range requests {
			if r.Method == "POST" {
				n++
				assert.Empty(t, r.Query, "the secret stands in no URL")
				assert.Equal(t, "/oauth/tokens", r.Path)
			}
		}
		return n
	}
	t.Run("one for all", func(t *testing.T) {
		f, requests := discover("acme-secret", 0, nil)
		assert.Equal(t, zendesk.KindClient, f.Me.Credentials)
		assert.Equal(t, "read", f.Me.Scope)
		assert.Equal(t, 1, posts(requests))
	})
	t.Run("another when the first is over", func(t *testing.T) {
		f, requests := discover("acme-secret", 5*time.Hour, func(s *zendesktest.Server) {
			s.Fail("/api/v2/brands", zendesktest.Fault{Times: 1, Delay: 2 * time.Hour})
		})
		assert.True(t, f.Seen(zendesk.EndpointHostMappings))
		assert.Equal(t, 2, posts(requests))
	})
	t.Run("another when the first ended on its way", func(t *testing.T) {
		f, requests := discover("acme-secret", 5*time.Hour, func(s *zendesktest.Server) {
			f := zendesktest.Unauthorized()
			f.Times, f.Delay = 1, 2*time.Hour
			s.Fail("/api/v2/brands", f)
		})
		assert.True(t, f.Seen(zendesk.EndpointBrands))
		assert.Equal(t, 2, posts(requests))
	})
	t.Run("a wrong secret", func(t *testing.T) {
		f, requests := discover("acme-other", 0, nil)
		assert.Equal(t, &zendesk.Failure{Kind: zendesk.FailureCredentials, Status: 401, Word: "invalid_client", Detail: "POST /oauth/tokens", Tries: 1}, f.Endpoints[zendesk.EndpointMe].Failure)
		assert.Len(t, requests, 1, "nothing else is asked")
		assert.NotContains(t, asJSON(t, f), "acme-other")
	})
	for name, tt := range map[string]struct {
		fault zendesktest.Fault
		want  zendesk.Failure
	}{
		"a scope that is not allowed": {
			zendesktest.Fault{Status: 400, Body: `{"error":"invalid_scope","error_description":"acme-secret"}`},
			zendesk.Failure{Kind: zendesk.FailureCredentials, Status: 400, Word: "invalid_scope", Detail: "POST /oauth/tokens", Tries: 1},
		},
		"a 200 that is an error": {
			zendesktest.Fault{Body: `{"error":"acme-secret was wrong!"}`},
			zendesk.Failure{Kind: zendesk.FailureCredentials, Status: 200, Detail: "POST /oauth/tokens", Tries: 1},
		},
		"a web page": {
			zendesktest.HTML(),
			zendesk.Failure{Kind: zendesk.FailureNotJSON, Detail: "POST /oauth/tokens gave no token", Tries: 1},
		},
		"a redirect": {
			zendesktest.RedirectTo("https://evil.example/oauth/tokens"),
			zendesk.Failure{Kind: zendesk.FailureRedirect, Status: 302, Host: "evil.example", Detail: "POST /oauth/tokens", Tries: 1},
		},
		"no connection": {
			zendesktest.Fault{Drop: true},
			zendesk.Failure{Kind: zendesk.FailureNetwork, Detail: "EOF", Tries: 5},
		},
	} {
		t.Run(name, func(t *testing.T) {
			f, _ := discover("acme-secret", 0, func(s *zendesktest.Server) { s.Fail("/oauth/tokens", tt.fault) })
			assert.Equal(t, &tt.want, f.Endpoints[zendesk.EndpointMe].Failure)
			assert.NotContains(t, asJSON(t, f), "acme-secret")
		})
	}
}

func TestAPITokenIsBasic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zendesktest.NewPipe(zendesktest.Acme())
		defer s.Close()
		c, err := zendesk.NewClient(s.URL, zendesk.APIToken("ada@acme.example", "acme-api-token"), zendesk.ClientOptions{Dialer: s})
		require.NoError(t, err)
		f, err := zendesk.Discover(t.Context(), c, zendesk.Options{})
		require.NoError(t, err)
		assert.Equal(t, zendesk.KindAPIToken, f.Me.Credentials)
		assert.NotContains(t, asJSON(t, f), "ada@")
		assert.True(t, slices.ContainsFunc(s.Requests(), func(r zendesktest.Request) bool { return r.Authorization == "Basic" }))
	})
}

// An account at its largest: bounded facts, at the pace of the smallest plan.
func TestLargeAccount(t *testing.T) {
	var steps []zendesk.Progress
	f, requests, took := run(t, zendesktest.Large(), func(_ *zendesktest.Server, co *zendesk.ClientOptions, o *zendesk.Options) {
		o.EndUsers = true
		co.Progress = func(p zendesk.Progress) { steps = append(steps, p) }
	})
	for _, e := range zendesk.Endpoints() {
		assert.True(t, f.Seen(e), "%s: %v", e, f.Endpoints[e])
	}
	assert.Len(t, f.SupportAddresses, 3000)
	assert.Len(t, f.Brands, 50)
	assert.Len(t, f.HostMappings, 50)
	assert.Len(t, f.Team, 2000, "of 20,000 users the team alone is kept")
	assert.Equal(t, &zendesk.UserCounts{Total: 18_000, Suspended: 0, Unverified: 6000, Never: 0}, f.EndUsers)
	a := zendesk.Analyze(f)
	assert.Len(t, a.Domains, 800)
	assert.Len(t, a.Hosts, 50)

	saved := asJSON(t, f)
	assert.Less(t, len(saved), 3<<20, "octets of facts")
	assert.NotContains(t, saved, "User 1")
	assert.NotContains(t, saved, "@acme.example", "of users")

	t.Logf("%d requests in %v, %d octets of facts", len(requests), took, len(saved))
	assert.Equal(t, 311, len(requests))
	assert.Greater(t, took, 2*time.Minute)
	assert.Less(t, took, 3*time.Minute, "at 120 a minute")
	at := func(i int) time.Time { return requests[i].At }
	for i := range requests { // no minute has more than the plan allows
		n := 0
		for j := i; j < len(requests) && at(j).Sub(at(i)) < time.Minute; j++ {
			n++
		}
		require.Less(t, n, 200, "of the smallest plan")
	}

	read := map[zendesk.Endpoint][]int{}
	for _, p := range steps {
		assert.Zero(t, p.Wait, "the pace keeps below the account's limit")
		read[p.Endpoint] = append(read[p.Endpoint], p.Items)
	}
	addresses := read[zendesk.EndpointSupportAddresses]
	assert.Len(t, addresses, 32, "a start, 30 pages, an end")
	assert.True(t, slices.IsSorted(addresses))
	assert.Equal(t, 3000, addresses[31])
}

// Faster than the account allows: everybody waits, and all comes all the same.
func TestLargeAccountBeyondItsLimit(t *testing.T) {
	waits := map[time.Time]bool{}
	a := zendesktest.Large()
	a.PerMinute = 60
	f, requests, took := run(t, a, func(_ *zendesktest.Server, co *zendesk.ClientOptions, _ *zendesk.Options) {
		co.PerMinute, co.Parallel = 6000, 8
		co.Progress = func(p zendesk.Progress) {
			if !p.Wait.IsZero() {
				assert.False(t, waits[p.Wait], "one word for each wait")
				waits[p.Wait] = true
			}
		}
	})
	for _, e := range zendesk.Endpoints() {
		if e != zendesk.EndpointEndUsers {
			assert.True(t, f.Seen(e), "%s: %v", e, f.Endpoints[e])
		}
	}
	t.Logf("%d requests in %v", len(requests), took)
	assert.NotEmpty(t, waits)
	assert.Less(t, took, 3*time.Minute)
	assert.Less(t, len(requests), 131+3*8, "few are refused: those under way")
}
