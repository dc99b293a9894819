package zendesk

import (
	"encoding/json"
	"fmt"
	"go/parser"
	"go/token"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func parsed(t *testing.T, link string) *url.URL {
	t.Helper()
	u, err := url.Parse(link)
	require.NoError(t, err)
	return u
}

func TestBool(t *testing.T) {
	for text, want := range map[string]Bool{
		`true`: Yes, `"true"`: Yes, `"True"`: Yes, `1`: Yes, `"1"`: Yes,
		`false`: No, `"false"`: No, `0`: No, `"0"`: No,
		`null`: Unknown, `"maybe"`: Unknown, `2`: Unknown, `{}`: Unknown, `[true]`: Unknown, `""`: Unknown,
	} {
		var v struct {
			B Bool `json:"b,omitzero"`
		}
		require.NoError(t, json.Unmarshal([]byte(`{"b":`+text+`}`), &v), text)
		assert.Equal(t, want, v.B, text)
	}
	var absent struct{ B Bool }
	require.NoError(t, json.Unmarshal([]byte(`{}`), &absent))
	assert.Equal(t, Unknown, absent.B)
}

func TestOpt(t *testing.T) {
	type all struct {
		N Opt[int64]     `json:"n,omitzero"`
		S Opt[string]    `json:"s,omitzero"`
		T Opt[time.Time] `json:"t,omitzero"`
	}
	at := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	tests := []struct {
		name, text string
		want       all
		again      string // as it is written
	}{
		{"absent", `{}`, all{}, `{}`},
		{"null", `{"n":null,"s":null,"t":null}`, all{Opt[int64]{Is: Null}, Opt[string]{Is: Null}, Opt[time.Time]{Is: Null}}, `{"n":null,"s":null,"t":null}`},
		{"values", `{"n":0,"s":"","t":"2026-11-22T09:00:00+09:00"}`, all{Some[int64](0), Some(""), Some(at)}, `{"n":0,"s":"","t":"2026-11-22T00:00:00Z"}`},
		{"a number as a string", `{"n":"480"}`, all{N: Some[int64](480)}, `{"n":480}`},
		{"a number with a point", `{"n":480.0}`, all{N: Some[int64](480)}, `{"n":480}`},
		{"values of other types", `{"n":"many","s":{"x":1},"t":12}`, all{}, `{}`},
		{"numbers that are none of these", `{"n":1.5,"t":""}`, all{}, `{}`},
		{"a number that is too large", `{"n":1e300}`, all{}, `{}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got all
			require.NoError(t, json.Unmarshal([]byte(tt.text), &got))
			assert.Equal(t, tt.want, got)
			again, err := json.Marshal(got)
			require.NoError(t, err)
			assert.Equal(t, tt.again, string(again))
		})
	}
}

func TestOriginOfALink(t *testing.T) {
	for link, want := range map[string]string{
		"https://user:pw@Hooks.example/services/T0/SECRET?k=v#f": "https://hooks.example",
		"http://a.example:8080/x":                                "http://a.example:8080",
		"https://a.example:443/x":                                "https://a.example",
		" https://a.example ":                                    "https://a.example",
		"https://[2001:db8::1]:99/":                              "https://[2001:db8::1]:99",
		"/relative?secret":                                       "",
		"mailto:a@b.example":                                     "",
		"https://{{host}}/x":                                     "",
		"::":                                                     "",
	} {
		assert.Equal(t, want, originOf(Some(link)).Value, link)
	}
	assert.Equal(t, Null, originOf(Some("")).Is)
	assert.Equal(t, Null, originOf(Opt[string]{Is: Null}).Is)
	assert.Equal(t, Absent, originOf(Opt[string]{}).Is)
}

func TestRecipient(t *testing.T) {
	for value, want := range map[string]string{
		`["all_agents","subject","text"]`: "all_agents",
		`"requester_id"`:                  "requester_id",
		`[6130871991962,"s"]`:             "6130871991962",
		`12`:                              "12",
		`["person@acme.example","s"]`:     "other",
		`["a b"]`:                         "other",
		`[]`:                              "other",
		`null`:                            "other",
		`{"a":1}`:                         "other",
		`[["a"]]`:                         "other",
		``:                                "other",
	} {
		assert.Equal(t, want, recipient(json.RawMessage(value)), value)
	}
}

// The hash of a trigger follows what it does, and not how it is written.
func TestHash(t *testing.T) {
	hash := func(text string) string {
		var r ruleJSON
		require.NoError(t, json.Unmarshal([]byte(text), &r))
		n, _ := r.reduce()
		return n.Hash
	}
	base := hash(`{"id":1,"title":"a","actions":[{"field":"status","value":["open"]}],"conditions":{"all":[]}}`)
	assert.Equal(t, base, hash(`{"id":1,"title":"b","updated_at":"2026-01-01T00:00:00Z","actions":[{"field":"status","value": [ "open" ]}],"conditions":{"all": []}}`))
	assert.NotEqual(t, base, hash(`{"id":1,"title":"a","actions":[{"field":"status","value":["solved"]}],"conditions":{"all":[]}}`))
	assert.NotEqual(t, base, hash(`{"id":1,"title":"a","actions":[{"field":"status","value":["open"]}],"conditions":{"any":[]}}`))
}

func TestRedirectURIsAsLines(t *testing.T) {
	var o oauthAppJSON
	require.Nil(t, decode(json.RawMessage(`{"id":1,"redirect_uri":"https://a.example/x\nhttp://b.example/y\nhttps://a.example/z"}`), &o, "clients"))
	kept, _ := o.reduce()
	assert.Equal(t, []string{"https://a.example", "http://b.example"}, kept.RedirectOrigins)
}

// What an answer calls as facts do does not get into facts.
func TestAnswersCannotSetFacts(t *testing.T) {
	var target targetJSON
	require.Nil(t, decode(json.RawMessage(`{"id":1,"origin":"https://x:secret@y.example/","email_domain":"secret","has_username":true}`), &target, "targets"))
	kept, _ := target.reduce()
	assert.Equal(t, Target{ID: 1}, kept)
	var u userJSON
	require.Nil(t, decode(json.RawMessage(`{"id":1,"has_alias":true,"outside_team_domains":true}`), &u, "users"))
	assert.Equal(t, User{ID: 1}, u.reduce(nil))
	var app oauthAppJSON
	require.Nil(t, decode(json.RawMessage(`{"id":1,"redirect_origins":["secret"]}`), &app, "clients"))
	appKept, _ := app.reduce()
	assert.Equal(t, OAuthApp{ID: 1}, appKept)
	var phone phoneJSON
	require.Nil(t, decode(json.RawMessage(`{"id":1,"has_failover":true,"failover_line":9}`), &phone, "phone_numbers"))
	assert.Equal(t, []PhoneNumber{{ID: 1}}, reducePhones([]phoneJSON{phone}))
}

// What is counted of suspended tickets has bounds of its own.
func TestSuspendedCounterIsBounded(t *testing.T) {
	var c suspendedCounter
	add := func(cause, domain string) {
		var s suspendedJSON
		s.Cause, s.Author.Email = Some(cause), Some("a@"+domain)
		c.add(s)
	}
	for i := range 2 * maxDomains {
		add(fmt.Sprintf("cause %d", i), fmt.Sprintf("d%d.example", i))
	}
	for i := range 3 * keptDomains {
		for range i {
			add("cause 1", fmt.Sprintf("d%d.example", i))
		}
	}
	got := c.result()
	assert.Len(t, got.Causes, maxCauses+1, "and other")
	assert.Len(t, c.domains, maxDomains)
	assert.Len(t, got.Domains, keptDomains)
	assert.Equal(t, DomainCount{"d59.example", 60}, got.Domains[0])
}

func TestNeedsOfEveryEndpoint(t *testing.T) {
	for _, e := range Endpoints() {
		assert.True(t, strings.HasPrefix(e.Request(), "GET /api/v2/"), e)
		assert.NotEmpty(t, e.Needs().Scope, e)
	}
	assert.Empty(t, Endpoint("x").Request())
	assert.Equal(t, "the role admin, the OAuth scope auditlogs:read or read, the plan Enterprise", EndpointAuditLog.Needs().String())
}

// The table of the package comment has every endpoint.
func TestPackageComment(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "zendesk.go", nil, parser.ParseComments|parser.PackageClauseOnly)
	require.NoError(t, err)
	doc := file.Doc.Text()
	for _, e := range Endpoints() {
		path := strings.TrimPrefix(sources[e].path, "/api/v2/")
		assert.Regexp(t, `(?m)[\s,]`+regexp.QuoteMeta(path)+`[\s,?]`, doc)
	}
}

// What was saved reads back to the same.
func FuzzReadFacts(f *testing.F) {
	f.Add(`{"schema":"x","endpoints":{"me":{"state":"ok","because":"brands"}},"me":{"id":1},"team":[{"id":"7","last_login_at":null}]}`)
	f.Add(`{"support_addresses":[{"email":"a@b","dns_results":{"a":[1, 2]}}],"brands":[{"host_mapping":null}]}`)
	f.Add(`{"sessions":[{"oldest_authenticated_at":"2026-01-01T00:00:00+09:00"}],"triggers":[{"notifies":[{"field":"notification_user","to":"1"}]}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		var facts Facts
		if json.Unmarshal([]byte(text), &facts) != nil {
			return
		}
		first, err := json.Marshal(&facts)
		if err != nil {
			return // a year beyond 9999
		}
		a := Analyze(&facts)
		a.Gaps(Endpoints()...)
		var again Facts
		if err := json.Unmarshal(first, &again); err != nil {
			t.Fatalf("%s does not read back: %v", first, err)
		}
		second, err := json.Marshal(&again)
		if err != nil || string(first) != string(second) {
			t.Fatalf("%s became %s (%v)", first, second, err)
		}
	})
}

// No page makes the reader panic, or go to another origin.
func FuzzReadPage(f *testing.F) {
	f.Add(`{"brands":[{}],"meta":{"has_more":true},"links":{"next":"/api/v2/brands?x"}}`)
	f.Add(`{"brands":[],"next_page":"https://acme.zendesk.com:443/api/v2/brands.json?page=2"}`)
	f.Add(`{"brands":[],"meta":{"has_more":"true","after_cursor":"x"}}`)
	f.Add(`{"brands":[],"next_page":"//evil.example/api/v2/brands"}`)
	origin := &url.URL{Scheme: "https", Host: "acme.zendesk.com"}
	c := &Client{origin: origin}
	f.Fuzz(func(t *testing.T, body string) {
		if !json.Valid([]byte(body)) {
			return
		}
		at := sources[EndpointBrands].url(origin)
		p, failure := readPage(json.RawMessage(body), "brands", at)
		if failure != nil || p.next == "" {
			return
		}
		if u, failure := c.follow(p.next, at); failure == nil && (u.Hostname() != "acme.zendesk.com" || u.Scheme != "https" || u.User != nil) {
			t.Errorf("%s leads to %s", body, u)
		}
	})
}
