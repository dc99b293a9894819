package zendesk_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/zendesk"
	"github.com/mailcheck-go/mailcheck/zendesk/zendesktest"
)

// What one endpoint's fault makes of its reply, and that the others stand.
func TestFaults(t *testing.T) {
	brands := zendesk.EndpointBrands
	tests := []struct {
		name  string
		fault zendesktest.Fault
		want  zendesk.State
		cause string
		items int
	}{
		{"a role or scope that is not enough", zendesktest.Forbidden(), zendesk.StateForbidden, "this was refused to the credentials (HTTP 403, Forbidden): it needs the role admin, the OAuth scope read", 0},
		{"401 of one endpoint", zendesktest.Unauthorized(), zendesk.StateForbidden, "the credentials were refused (HTTP 401)", 0},
		{"a plan that lacks it", zendesktest.NotOnPlan(), zendesk.StateNotOnPlan, "the account does not have this (HTTP 404, RecordNotFound): it needs the role admin, the OAuth scope read", 0},
		{"403 that speaks of the plan", zendesktest.Fault{Status: 403, Body: `{"error":{"title":"Forbidden","message":"Upgrade your plan"}}`}, zendesk.StateNotOnPlan, "the account does not have this (HTTP 403, Forbidden): it needs the role admin, the OAuth scope read", 0},
		{"429 to the end", zendesktest.RateLimited(0, ""), zendesk.StateFailed, "the rate limit was used up (HTTP 429, TooManyRequests)", 0},
		{"a wait longer than ours", zendesktest.RateLimited(1, "86400"), zendesk.StateFailed, "the rate limit was used up (HTTP 429): the account asks to wait longer than we do", 0},
		{"503 to the end", zendesktest.Unavailable(0), zendesk.StateFailed, "no usable answer (HTTP 503, Unavailable)", 0},
		{"503 twice", zendesktest.Unavailable(2), zendesk.StateOK, "", 3},
		{"500, which nobody tries again", zendesktest.Fault{Status: 500, Body: "oops"}, zendesk.StateFailed, "no usable answer (HTTP 500)", 0},
		{"a connection that ends, twice", zendesktest.Fault{Drop: true, Times: 2}, zendesk.StateOK, "", 3},
		{"a body that breaks off, twice", zendesktest.Fault{Cut: 20, Break: true, Times: 2}, zendesk.StateOK, "", 3},
		{"a body that breaks off", zendesktest.Fault{Cut: 20, Break: true}, zendesk.StateFailed, "no answer: unexpected EOF", 0},
		{"slower than a try may be", zendesktest.Fault{Delay: time.Hour}, zendesk.StateFailed, "no answer: no answer within the time of one request", 0},
		{"slow, and in time", zendesktest.Fault{Delay: 29 * time.Second}, zendesk.StateOK, "", 3},
		{"JSON that ends early", zendesktest.Fault{Cut: 20}, zendesk.StateFailed, "the JSON is broken (HTTP 200): 20 octets", 0},
		{"a web page", zendesktest.HTML(), zendesk.StateFailed, "the answer is not JSON (HTTP 200): text/html", 0},
		{"no content type", zendesktest.Fault{Header: map[string]string{"Content-Type": ""}}, zendesk.StateFailed, "the answer is not JSON (HTTP 200): no content type", 0},
		{"404 that is a web page", zendesktest.Fault{Status: 404, Header: map[string]string{"Content-Type": "text/html"}, Body: "<p>"}, zendesk.StateFailed, "the answer is not JSON (HTTP 404): text/html", 0},
		{"a huge page", zendesktest.Fault{Pad: zendesk.MaxPage}, zendesk.StateFailed, "the answer is too large: over 16 MB", 0},
		{"a redirect", zendesktest.RedirectTo("https://login.example/?return=x"), zendesk.StateFailed, "a redirect, which is not followed (HTTP 302): login.example", 0},
		{"a redirect within the host", zendesktest.RedirectTo("/access/login?x"), zendesk.StateFailed, "a redirect, which is not followed (HTTP 302): 127.0.0.1:1", 0},
		{"a redirect to nowhere", zendesktest.Fault{Status: 304}, zendesk.StateFailed, "a redirect, which is not followed (HTTP 304)", 0},
		{"errors in a list", zendesktest.Fault{Status: 422, Body: `{"errors":[{"code":"Unprocessable"}]}`}, zendesk.StateFailed, "no usable answer (HTTP 422, Unprocessable)", 0},
		{"what could be a secret", zendesktest.Fault{Status: 500, Body: `{"error":"Bearer acme-token!"}`}, zendesk.StateFailed, "no usable answer (HTTP 500)", 0},
		{"an account that has not paid", zendesktest.Fault{Status: 402, Body: `{}`}, zendesk.StateNotOnPlan, "the account does not have this (HTTP 402): it needs the role admin, the OAuth scope read", 0},
		{"a loop of next links", zendesktest.Fault{Next: "self"}, zendesk.StateFailed, "the pages go round in a circle: after 1 pages", 3},
		{"a next link to another host", zendesktest.Fault{Next: "https://evil.example/api/v2/brands"}, zendesk.StateFailed, "the next page is said to be at another origin: https://evil.example", 3},
		{"a next link to another port", zendesktest.Fault{Next: "http://127.0.0.1:2/api/v2/brands"}, zendesk.StateFailed, "the next page is said to be at another origin: http://127.0.0.1:2", 3},
		{"a next link to another scheme", zendesktest.Fault{Next: "https://127.0.0.1:1/api/v2/brands"}, zendesk.StateFailed, "the next page is said to be at another origin: https://127.0.0.1:1", 3},
		{"a next link to another application", zendesktest.Fault{Next: "/hc/en-us"}, zendesk.StateFailed, "the next page is said to be at another origin: 127.0.0.1:1/hc/en-us", 3},
		{"a next link with credentials", zendesktest.Fault{Next: "http://a:b@127.0.0.1:1/api/v2/brands"}, zendesk.StateFailed, "the next page is said to be at another origin: http://127.0.0.1:1", 3},
		{"a next link that is none", zendesktest.Fault{Next: "http://%zz"}, zendesk.StateFailed, "the JSON has another shape than documented: the link to the next page cannot be read", 3},
		{"more without a link", zendesktest.Fault{Body: `{"brands":[],"meta":{"has_more":true}}`}, zendesk.StateFailed, "the JSON has another shape than documented: there is more, and no link to it", 0},
		{"no list where one should be", zendesktest.Fault{Body: `{"brands":{"id":1}}`}, zendesk.StateFailed, "the JSON has another shape than documented: want a list brands", 0},
		{"null for a list", zendesktest.Fault{Body: `{"brands":null}`}, zendesk.StateFailed, "the JSON has another shape than documented: want a list brands", 0},
		{"an array", zendesktest.Fault{Body: `[1]`}, zendesk.StateFailed, "the JSON has another shape than documented: want an object", 0},
		{"null among the items", zendesktest.Fault{Body: `{"brands":[null]}`}, zendesk.StateFailed, "the JSON has another shape than documented: want an object brands", 1},
		{"a field of another type", zendesktest.Fault{Body: `{"brands":[{"id":1,"name":{"secret":"x"}},{"id":2}]}`}, zendesk.StateFailed, "the JSON has another shape than documented: brands.name is a object", 2},
		{"an empty list", zendesktest.Fault{Body: `{"brands":[]}`}, zendesk.StateOK, "", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, requests, _ := run(t, zendesktest.Acme(), func(s *zendesktest.Server, _ *zendesk.ClientOptions, _ *zendesk.Options) {
				s.Fail("/api/v2/brands", tt.fault)
			})
			got := f.Endpoints[brands]
			assert.Equal(t, tt.want, got.State)
			assert.Equal(t, tt.items, got.Items)
			cause := ""
			for _, g := range f.Gaps(brands) {
				assert.Equal(t, "GET /api/v2/brands", g.Subject)
				cause = g.CauseText()
			}
			assert.Equal(t, tt.cause, cause)
			for e, r := range f.Endpoints {
				if e != brands && e != zendesk.EndpointHostMappings && r.State != zendesk.StateOK {
					t.Errorf("%s is %+v, though another endpoint failed", e, r)
				}
			}
			tries := 0
			for _, r := range requests {
				if r.Path == "/api/v2/brands" {
					tries++
				}
			}
			assert.LessOrEqual(t, tries, 5)
		})
	}
}

// Where whom the credentials are for cannot be known, nothing else is asked.
func TestFirstAnswer(t *testing.T) {
	nobody := zendesktest.Fault{Body: `{"user":{"id":null,"name":"Anonymous user","role":"end-user"}}`}
	tests := []struct {
		name  string
		fault zendesktest.Fault
		stops bool
		cause string // of every rule's gap
	}{
		{"refused", zendesktest.Unauthorized(), true, "the credentials were refused (HTTP 401)"},
		{"taken for nobody", nobody, true, "the credentials were refused: the account answered as to nobody"},
		{"a redirect", zendesktest.RedirectTo("https://renamed.zendesk.com/"), true, "a redirect, which is not followed (HTTP 301): renamed.zendesk.com"},
		{"a web page", zendesktest.HTML(), true, "the answer is not JSON (HTTP 200): text/html"},
		{"no connection", zendesktest.Fault{Drop: true}, true, "no answer: EOF"},
		{"a scope without users", zendesktest.Forbidden(), false, ""},
		{"404", zendesktest.NotOnPlan(), false, ""},
		{"no object", zendesktest.Fault{Body: `{}`}, false, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.name == "a redirect" {
				tt.fault.Status = 301
			}
			f, _, _ := run(t, zendesktest.Acme(), func(s *zendesktest.Server, _ *zendesk.ClientOptions, _ *zendesk.Options) {
				s.Fail("/api/v2/users/me", tt.fault)
			})
			assert.Nil(t, f.Me)
			settings := f.Endpoints[zendesk.EndpointSettings]
			if !tt.stops {
				assert.Equal(t, zendesk.StateOK, settings.State)
				assert.NotNil(t, f.Settings)
				return
			}
			assert.Equal(t, zendesk.Reply{State: zendesk.StateNotAsked, Because: zendesk.EndpointMe}, settings)
			gaps := f.Gaps(zendesk.EndpointSettings)
			require.Len(t, gaps, 1)
			assert.Equal(t, tt.cause, gaps[0].CauseText())
			assert.Equal(t, "GET /api/v2/users/me", gaps[0].Subject)
		})
	}
}

func TestRoleBelowAdmin(t *testing.T) {
	a := zendesktest.Acme()
	a.Me["role"] = "agent"
	f, _, _ := run(t, a, nil)
	analysis := zendesk.Analyze(f)
	assert.Equal(t, "agent", f.Me.Role)
	assert.False(t, analysis.Admin)
	var seen []zendesk.Endpoint
	for _, e := range zendesk.Endpoints() {
		if f.Seen(e) {
			seen = append(seen, e)
		}
	}
	assert.Equal(t, []zendesk.Endpoint{
		"account-settings", "automations", "custom-roles", "me", "sharing-agreements", "support-addresses",
		"ticket-fields", "ticket-forms", "triggers", "user-fields", "workspaces",
	}, seen)
	assert.Equal(t, zendesk.Needs{Role: "admin", Scope: "security:read or read"}, f.Endpoints[zendesk.EndpointSecurity].Needs)
	assert.Nil(t, f.Security)
	gaps := f.Gaps(zendesk.EndpointHostMappings, zendesk.EndpointSettings)
	require.Len(t, gaps, 1, "nobody asked about hosts, since the brands were refused")
	assert.Equal(t, "GET /api/v2/brands", gaps[0].Subject)
}

func TestSkip(t *testing.T) {
	f, requests, _ := run(t, zendesktest.Acme(), func(_ *zendesktest.Server, _ *zendesk.ClientOptions, o *zendesk.Options) {
		o.Skip = []zendesk.Endpoint{zendesk.EndpointBrands, zendesk.EndpointSuspended}
	})
	for _, r := range requests {
		assert.NotContains(t, []string{"/api/v2/brands", "/api/v2/suspended_tickets"}, r.Path)
	}
	gaps := f.Gaps(zendesk.EndpointSuspended, zendesk.EndpointHostMappings)
	require.Len(t, gaps, 2)
	assert.EqualValues(t, "not-asked", gaps[0].Why)
	assert.EqualValues(t, "not-asked", gaps[1].Why)
}

func TestTextsAreBounded(t *testing.T) {
	long := strings.Repeat("é", 100_000)
	a := zendesktest.Acme()
	a.Brands = zendesktest.Items(zendesktest.Object{"id": 1, "name": long, "host_mapping": long})
	a.OAuthTokens = zendesktest.Items(zendesktest.Object{"id": 1, "scopes": []any{long}})
	a.Settings = zendesktest.Object{"email": zendesktest.Object{"email_sender_authentication_profile": long}}
	a.CustomRoles = zendesktest.Items(zendesktest.Object{"id": 1, "configuration": zendesktest.Object{"ticket_access": long}})
	f, _, _ := run(t, a, nil)
	const most = 1000 + len("…")
	assert.Equal(t, []int{most, most, most, most}, []int{len(f.Brands[0].Name), len(f.Brands[0].HostMapping.Value), len(f.OAuthTokens[0].Scopes[0]), len(f.Roles[0].Configuration.TicketAccess.Value)})
	assert.Less(t, len(f.Settings.Email.SenderAuthenticationProfile.Value), 17<<10)
}

// One brand whose host could not be asked leaves the others, and a gap.
func TestHostMappingFails(t *testing.T) {
	f, _, _ := run(t, zendesktest.Acme(), func(s *zendesktest.Server, _ *zendesk.ClientOptions, _ *zendesk.Options) {
		s.Fail("/api/v2/brands/301/check_host_mapping", zendesktest.HTML())
	})
	require.Len(t, f.HostMappings, 2)
	assert.Equal(t, zendesk.FailureNotJSON, f.HostMappings[0].Failure.Kind)
	assert.Equal(t, zendesk.No, f.HostMappings[1].Valid)
	assert.False(t, f.Seen(zendesk.EndpointHostMappings))
}

// Beyond a bound of ours, or the API's, there is a gap and never silence.
func TestBounds(t *testing.T) {
	many := func(n int) zendesktest.List {
		return zendesktest.List{Len: n, At: func(i int) zendesktest.Object { return zendesktest.Object{"id": i + 1, "name": "x", "role": "agent"} }}
	}
	t.Run("items of a list", func(t *testing.T) {
		a := zendesktest.Acme()
		a.Brands = many(10)
		f, _, _ := run(t, a, func(_ *zendesktest.Server, _ *zendesk.ClientOptions, o *zendesk.Options) { o.MaxItems = 4 })
		assert.Len(t, f.Brands, 4)
		gaps := f.Gaps(zendesk.EndpointBrands)
		require.Len(t, gaps, 1)
		assert.EqualValues(t, "limit", gaps[0].Why)
		assert.Equal(t, "a limit was reached: 4 were kept", gaps[0].CauseText())
	})
	t.Run("pages", func(t *testing.T) {
		a := zendesktest.Acme()
		a.Brands, a.PageSize = many(1200), 1
		f, requests, _ := run(t, a, func(_ *zendesktest.Server, co *zendesk.ClientOptions, o *zendesk.Options) {
			co.PerMinute, o.Budget = 100_000, time.Hour
			for _, e := range zendesk.Endpoints() {
				if e != zendesk.EndpointBrands && e != zendesk.EndpointMe {
					o.Skip = append(o.Skip, e)
				}
			}
		})
		assert.Len(t, requests, 1001)
		assert.Equal(t, zendesk.StateLimit, f.Endpoints[zendesk.EndpointBrands].State)
	})
	t.Run("offsets beyond what the API gives", func(t *testing.T) {
		a := zendesktest.Acme()
		a.Brands, a.Offset = many(10_050), true
		f, _, _ := run(t, a, func(s *zendesktest.Server, co *zendesk.ClientOptions, o *zendesk.Options) {
			co.PerMinute = 100_000
			s.Fail("/api/v2/brands", zendesktest.Fault{After: 100, Status: 400, Body: `{"error":"InvalidPaginationDepth"}`})
		})
		assert.Len(t, f.Brands, 10_000)
		assert.Equal(t, zendesk.StateLimit, f.Endpoints[zendesk.EndpointBrands].State)
	})
	t.Run("empty pages that go on", func(t *testing.T) {
		f, requests, _ := run(t, zendesktest.Acme(), func(s *zendesktest.Server, _ *zendesk.ClientOptions, _ *zendesk.Options) {
			for i := range 10 {
				s.Fail("/api/v2/brands", zendesktest.Fault{Times: 1, Body: `{"brands":[],"meta":{"has_more":true,"after_cursor":"c` + string(rune('0'+i)) + `"},"links":{"next":null}}`})
			}
		})
		assert.Equal(t, zendesk.FailureLoop, f.Endpoints[zendesk.EndpointBrands].Failure.Kind)
		n := 0
		for _, r := range requests {
			if r.Path == "/api/v2/brands" {
				n++
			}
		}
		assert.Equal(t, 5, n)
	})
}

func TestCallerGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zendesktest.NewPipe(zendesktest.Acme())
		defer s.Close()
		s.Fail("/api/v2/brands", zendesktest.Fault{Delay: time.Hour})
		c, err := zendesk.NewClient(s.URL, zendesk.OAuthToken("acme-token"), zendesk.ClientOptions{Dialer: s, Timeout: 2 * time.Hour})
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		f, err := zendesk.Discover(ctx, c, zendesk.Options{})
		assert.Equal(t, context.DeadlineExceeded, err)
		assert.Equal(t, zendesk.FailureCanceled, f.Endpoints[zendesk.EndpointBrands].Failure.Kind)
		assert.Equal(t, zendesk.StateOK, f.Endpoints[zendesk.EndpointSettings].State)
		assert.NotErrorIs(t, f.Endpoints[zendesk.EndpointBrands].Failure, context.DeadlineExceeded)
	})
}

func TestBudgetIsNoError(t *testing.T) {
	f, _, took := run(t, zendesktest.Acme(), func(s *zendesktest.Server, co *zendesk.ClientOptions, o *zendesk.Options) {
		s.Fail("/api/v2/brands", zendesktest.Fault{Delay: time.Hour})
		co.Timeout, o.Budget = 2*time.Hour, time.Minute
	})
	assert.Equal(t, zendesk.FailureBudget, f.Endpoints[zendesk.EndpointBrands].Failure.Kind)
	assert.Equal(t, zendesk.StateOK, f.Endpoints[zendesk.EndpointTeam].State)
	assert.Equal(t, time.Minute, took)
}
