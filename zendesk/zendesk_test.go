package zendesk_test

import (
	"bytes"
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
