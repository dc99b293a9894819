package zendesk_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/zendesk"
	"github.com/mailcheck-go/mailcheck/zendesk/zendesktest"
)

var update = flag.Bool("update", false, "write the golden files")

// run discovers an account in a bubble, where waiting takes no time and it is the
// year 2000. prepare may be nil.
func run(t *testing.T, a *zendesktest.Account, prepare func(*zendesktest.Server, *zendesk.ClientOptions, *zendesk.Options)) (f *zendesk.Facts, requests []zendesktest.Request, took time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := zendesktest.NewPipe(a)
		defer s.Close()
		co, o := zendesk.ClientOptions{Dialer: s}, zendesk.Options{}
		if prepare != nil {
			prepare(s, &co, &o)
		}
		c, err := zendesk.NewClient(s.URL, zendesk.OAuthToken("acme-token"), co)
		require.NoError(t, err)
		start := time.Now()
		f, err = zendesk.Discover(t.Context(), c, o)
		require.NoError(t, err)
		took, requests = time.Since(start), s.Requests()
	})
	return f, requests, took
}

func asJSON(t testing.TB, v any) string {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	require.NoError(t, e.Encode(v))
	return b.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), got)
}

func everything(_ *zendesktest.Server, _ *zendesk.ClientOptions, o *zendesk.Options) {
	o.EndUsers = true
	o.TeamDomains = []string{"Acme.example"}
}

func TestFactsOfAnAccount(t *testing.T) {
	f, requests, _ := run(t, zendesktest.Acme(), everything)
	golden(t, "acme.golden.json", asJSON(t, withoutTimes(f)))
	for _, e := range zendesk.Endpoints() {
		assert.True(t, f.Seen(e), "%s: %v", e, f.Endpoints[e])
	}
	for _, r := range requests {
		assert.Equal(t, "GET", r.Method, r.Path)
		assert.Equal(t, "Bearer", r.Authorization, r.Path)
	}
}

func TestFactsHoldNothingSecretOrPersonal(t *testing.T) {
	f, _, _ := run(t, zendesktest.Acme(), everything)
	saved := asJSON(t, f)
	for _, never := range []string{"invented", "acme-token", "Ada", "Cy Example", "ada@", "bo@", "@elsewhere", "@customer", "@partner", "@spam", "private.example", "192.0.2.1\"", "+15550199"} {
		assert.NotContains(t, saved, never)
	}
}

func TestFactsRoundTrip(t *testing.T) {
	f, _, _ := run(t, zendesktest.Acme(), everything)
	var again zendesk.Facts
	require.NoError(t, json.Unmarshal([]byte(asJSON(t, f)), &again))
	assert.Equal(t, f, &again)
}

// However an account pages, the facts are the same.
func TestPagingShapes(t *testing.T) {
	want, _, _ := run(t, zendesktest.Acme(), everything)
	for name, change := range map[string]func(*zendesktest.Account){
		"cursors, two items a page": func(a *zendesktest.Account) { a.PageSize = 2 },
		"offsets, two items a page": func(a *zendesktest.Account) { a.PageSize, a.Offset = 2, true },
		"offsets on one page":       func(a *zendesktest.Account) { a.Offset = true },
	} {
		t.Run(name, func(t *testing.T) {
			a := zendesktest.Acme()
			change(a)
			got, _, _ := run(t, a, everything)
			assert.Equal(t, withoutTimes(want), withoutTimes(got))
		})
	}
}

func withoutTimes(f *zendesk.Facts) *zendesk.Facts {
	for e, r := range f.Endpoints {
		r.At = time.Time{}
		f.Endpoints[e] = r
	}
	return f
}

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

// Users whom triggers, tokens and clients name are looked for where the team does
// not have them.
func TestNamedUsers(t *testing.T) {
	notify := func(n, from int) zendesktest.List {
		actions := []any{}
		for i := range n {
			actions = append(actions, zendesktest.Object{"field": "notification_user", "value": []any{from + i, "s", "t"}})
		}
		return zendesktest.Items(zendesktest.Object{"id": 1, "title": "x", "active": true, "actions": actions})
	}
	t.Run("some", func(t *testing.T) {
		a := zendesktest.Acme()
		a.Triggers, a.Automations = notify(5, 101), notify(1, 104)
		f, requests, _ := run(t, a, nil)
		require.Len(t, f.NamedUsers, 2)
		assert.Equal(t, zendesk.User{ID: 104, Role: "end-user", Active: zendesk.Yes, Suspended: zendesk.No, TwoFactor: zendesk.No, LastLogin: zendesk.Opt[time.Time]{Is: zendesk.Null}, CreatedAt: f.NamedUsers[0].CreatedAt}, f.NamedUsers[0])
		assert.Equal(t, zendesk.Yes, f.NamedUsers[1].Suspended)
		assert.Equal(t, "104,105,998", requests[len(requests)-1].Query.Get("ids"))
	})
	t.Run("too many", func(t *testing.T) {
		a := zendesktest.Acme()
		a.Triggers = notify(1200, 5000)
		f, requests, _ := run(t, a, nil)
		assert.Equal(t, zendesk.StateLimit, f.Endpoints[zendesk.EndpointNamedUsers].State)
		assert.Len(t, strings.Split(requests[len(requests)-1].Query.Get("ids"), ","), 100)
	})
	for name, fault := range map[string]zendesktest.Fault{"refused": zendesktest.Forbidden(), "misshapen": {Body: `{"users":{}}`}, "an odd user": {Body: `{"users":[{"id":1,"role":{}}]}`}} {
		t.Run(name, func(t *testing.T) {
			f, _, _ := run(t, zendesktest.Acme(), func(s *zendesktest.Server, _ *zendesk.ClientOptions, _ *zendesk.Options) {
				s.Fail("/api/v2/users/show_many", fault)
			})
			assert.False(t, f.Seen(zendesk.EndpointNamedUsers))
		})
	}
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
		require.LessOrEqual(t, n, zendesk.DefaultPerMinute+10)
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

func TestAnalyzeTakesAnything(t *testing.T) {
	for _, text := range []string{`{}`, `{"endpoints":{"me":{"state":"not-asked","because":"me"}}}`, `{"endpoints":{"brands":{"state":"odd"},"x":{}},"brands":[{},{}],"team":[{},{"role":"admin"}],"support_addresses":[{"email":"@"},{"email":"a@b@C.example"}]}`} {
		var f zendesk.Facts
		require.NoError(t, json.Unmarshal([]byte(text), &f))
		a := zendesk.Analyze(&f)
		for _, e := range append(zendesk.Endpoints(), "x") {
			assert.False(t, a.Seen(e))
		}
	}
	a := zendesk.Analyze(nil)
	assert.Len(t, a.Gaps(zendesk.EndpointMe, zendesk.EndpointTeam), 2)
	assert.Equal(t, 1, len((*zendesk.Facts)(nil).Gaps(zendesk.EndpointMe)))
}

func TestAnalysis(t *testing.T) {
	f, _, _ := run(t, zendesktest.Acme(), nil)
	a := zendesk.Analyze(f)
	var names []string
	for _, d := range a.Domains {
		names = append(names, d.Name)
	}
	for _, h := range a.Hosts {
		names = append(names, h.Name+" "+h.Mapping.Valid.String())
	}
	for _, u := range slices.Concat(a.Admins, a.Agents) {
		names = append(names, u.Role)
	}
	assert.Equal(t, "acme.example shop.example help.acme.example yes support.shop.example no admin agent", strings.Join(names, " "))
	_, known := a.User(103)
	assert.True(t, known, "suspended, and still one of the team")
	_, known = a.User(999)
	assert.False(t, known, "the account does not have that user any more")
}
