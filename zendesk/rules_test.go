package zendesk_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/check/checktest"
	"github.com/mailcheck-go/mailcheck/zendesk"
	"github.com/mailcheck-go/mailcheck/zendesk/zendesktest"
)

// The cases of a rule are changes of the account of zendesktest.Acme, which the
// fake server then shows to Discover. A line is one of
//
//	security: {"agent_session_timeout": 1440}   into an object, key by key; a list takes the place of the old one
//	users: [{"id": 1, …}]                       in the place of the account's
//	absent: security.mobile_app_access          the answer lacks the field
//	fails: security-settings timeout            the endpoint's answer: timeout, 403, 404
//	team domains: acme.example                  as Options has them
//
// The names are those of zendesktest/acme.json. The files "policy" and
// "attestations" are what the owner wrote. It is judged as of 2026-11-22.
//
// The file "zone" is what the DNS says of the account's domains and hosts, as lines
// of package dnsx/dnstest; without it nobody looked. "served" has a line for each
// host that showed a certificate: HOST, days that it has left, the name in it.
func TestRules(t *testing.T) {
	checktest.Run(t, caseRules(), "testdata/rules", discoverCase, analyzeCase)
}

var judged = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// caseFacts are facts, with what the owner of the account wrote.
type caseFacts struct {
	Facts                *zendesk.Facts
	Policy, Attestations string
	Outside              savedOutside // nil: nobody looked
}

type caseView struct {
	*zendesk.Analysis
	settings zendesk.Settings
}

// caseRules are the rules, each under the settings of its case.
func caseRules() []check.Rule[caseView] {
	var all []check.Rule[caseView]
	for i, r := range zendesk.Rules(zendesk.Settings{}) {
		at := func(v caseView) check.Rule[*zendesk.Analysis] { return zendesk.Rules(v.settings)[i] }
		all = append(all, check.Rule[caseView]{
			Doc: r.Doc,
			Applies: func(v caseView) (bool, []check.Gap) {
				if r := at(v); r.Applies != nil {
					return r.Applies(v.Analysis)
				}
				return true, nil
			},
			Check: func(v caseView) ([]check.Finding, []check.Gap) { return at(v).Check(v.Analysis) },
			Attested: func(v caseView) *check.Attested {
				if r := at(v); r.Attested != nil {
					return r.Attested(v.Analysis)
				}
				return nil
			},
		})
	}
	return all
}

func analyzeCase(f caseFacts) caseView {
	settings, err := zendesk.ParsePolicy(strings.NewReader(f.Policy))
	if err != nil {
		panic(err)
	}
	if settings.Attestations, err = zendesk.ParseAttestations(strings.NewReader(f.Attestations)); err != nil {
		panic(err)
	}
	a := zendesk.Analyze(f.Facts)
	if f.Outside != nil {
		a.Outside = f.Outside.look(&zendesk.Account{Facts: f.Facts})
	}
	return caseView{a, settings}
}

func discoverCase(t *testing.T, c checktest.Case) caseFacts {
	t.Helper()
	a := zendesktest.Acme()
	var options zendesk.Options
	faults := map[string]zendesktest.Fault{}
	for line := range strings.Lines(c.Zone) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), ": ")
		switch {
		case key == "" || strings.HasPrefix(key, ";"):
		case !ok:
			t.Fatalf("%q: want key: value", line)
		case key == "absent":
			forget(t, a, strings.Split(value, "."))
		case key == "fails":
			endpoint, how, _ := strings.Cut(value, " ")
			faults[pathOf(t, endpoint)] = faultOf(t, how)
		case key == "team domains":
			options.TeamDomains = strings.Fields(value)
		default:
			change(t, a, key, value)
		}
	}
	var f *zendesk.Facts
	synctest.Test(t, func(t *testing.T) {
		s := zendesktest.NewPipe(a)
		defer s.Close()
		for path, fault := range faults {
			s.Fail(path, fault)
		}
		client, err := zendesk.NewClient(s.URL, zendesk.OAuthToken(a.Token), zendesk.ClientOptions{Dialer: s, PerMinute: 10_000})
		require.NoError(t, err)
		f, err = zendesk.Discover(t.Context(), client, options)
		require.NoError(t, err)
	})
	f.At, f.Account = judged, "https://acme.zendesk.com"
	facts := caseFacts{Facts: f, Policy: c.Files["policy"], Attestations: c.Files["attestations"]}
	if zone, looked := c.Files["zone"]; looked {
		facts.Outside = lookOutside(t, &zendesk.Account{Facts: f}, zone, c.Files["served"])
	}
	return facts
}

func pathOf(t *testing.T, endpoint string) string {
	t.Helper()
	path, _, _ := strings.Cut(strings.TrimPrefix(zendesk.Endpoint(endpoint).Request(), "GET "), "?")
	require.NotEmpty(t, path, "no endpoint %q", endpoint)
	return path
}

func faultOf(t *testing.T, how string) zendesktest.Fault {
	t.Helper()
	switch how {
	case "timeout":
		return zendesktest.Fault{Delay: time.Hour}
	case "403":
		return zendesktest.Forbidden()
	case "404":
		return zendesktest.NotOnPlan()
	}
	t.Fatalf("no fault %q", how)
	panic("unreachable")
}

func objectsOf(a *zendesktest.Account) map[string]zendesktest.Object {
	return map[string]zendesktest.Object{"me": a.Me, "settings": a.Settings, "security": a.Security}
}

func listsOf(a *zendesktest.Account) map[string]*zendesktest.List {
	return map[string]*zendesktest.List{
		"users": &a.Users, "support_addresses": &a.SupportAddresses, "brands": &a.Brands, "custom_roles": &a.CustomRoles, "sessions": &a.Sessions,
		"triggers": &a.Triggers, "automations": &a.Automations, "targets": &a.Targets, "webhooks": &a.Webhooks, "oauth_clients": &a.OAuthClients,
		"oauth_tokens": &a.OAuthTokens, "oauth_global_clients": &a.GlobalClients, "api_tokens": &a.APITokens, "audit_logs": &a.AuditLogs,
		"access_logs": &a.AccessLogs, "suspended_tickets": &a.SuspendedTickets, "deletion_schedules": &a.DeletionSchedules,
		"ticket_fields": &a.TicketFields, "user_fields": &a.UserFields, "ticket_forms": &a.TicketForms, "workspaces": &a.Workspaces,
		"sharing_agreements": &a.SharingAgreements, "apps_installed": &a.InstalledApps, "apps_owned": &a.OwnedApps,
		"phone_numbers": &a.PhoneNumbers, "user_segments": &a.UserSegments, "permission_groups": &a.PermissionGroups,
	}
}

func change(t *testing.T, a *zendesktest.Account, key, value string) {
	t.Helper()
	if object, ok := objectsOf(a)[key]; ok {
		var with zendesktest.Object
		decodeJSON(t, value, &with)
		merge(object, with)
		return
	}
	list, ok := listsOf(a)[key]
	if !ok {
		t.Fatalf("no part %q of an account", key)
	}
	var objects []zendesktest.Object
	decodeJSON(t, value, &objects)
	*list = zendesktest.Items(objects...)
}

func decodeJSON(t *testing.T, s string, into any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	require.NoError(t, d.Decode(into), s)
}

func merge(into, with zendesktest.Object) {
	for k, v := range with {
		inner, isObject := v.(zendesktest.Object)
		old, wasObject := into[k].(zendesktest.Object)
		if isObject && wasObject {
			merge(old, inner)
			continue
		}
		into[k] = v
	}
}

func forget(t *testing.T, a *zendesktest.Account, path []string) {
	t.Helper()
	object := objectsOf(a)[path[0]]
	for _, key := range path[1 : len(path)-1] {
		object, _ = object[key].(zendesktest.Object)
	}
	last := path[len(path)-1]
	require.Contains(t, object, last)
	delete(object, last)
}

// Every case of a rule that asks a person is answered somewhere, so that it can pass.
func TestCasesForAllRules(t *testing.T) {
	for _, doc := range zendesk.Catalog() {
		_, err := os.Stat(filepath.Join("testdata/rules", doc.ID+".txtar"))
		assert.NoError(t, err)
	}
}

// docs/zendesk.md, Lines and Rules say the same of every line.
func TestLines(t *testing.T) {
	table, err := os.ReadFile("../docs/zendesk.md")
	require.NoError(t, err)
	var want, got []string
	for row := range strings.Lines(string(table)) {
		if strings.Contains(row, "| `zendesk.") {
			cells := strings.Split(strings.Trim(strings.TrimSpace(row), "|"), "|")
			for i := range cells {
				cells[i] = strings.Trim(strings.TrimSpace(cells[i]), "`")
			}
			want = append(want, strings.Join(cells, "; "))
		}
	}
	severities := map[string]check.Severity{}
	var ids []string
	for _, doc := range zendesk.Catalog() {
		severities[doc.ID] = doc.Severity
		ids = append(ids, doc.ID)
	}
	var order []string
	for i, l := range zendesk.Lines() {
		number := json.Number("–")
		if l.Number > 0 {
			b, _ := json.Marshal(l.Number)
			number = json.Number(b)
		}
		severity, built := severities[l.Rule]
		if !built { // joined with DNS and TLS elsewhere
			cells := strings.Split(want[i], "; ")
			severity, err = check.ParseSeverity(cells[len(cells)-1])
			require.NoError(t, err)
		} else if !slices.Contains(order, l.Rule) {
			order = append(order, l.Rule)
		}
		got = append(got, strings.Join([]string{string(number), l.Title, l.Rule, string(l.How), severity.String()}, "; "))
		assert.Contains(t, zendesk.Sections(), l.Section)
		assert.NotEmpty(t, l.TitleJA)
	}
	assert.Equal(t, want, got)
	assert.Equal(t, order, ids, "rules stand in the order of the list")
}
