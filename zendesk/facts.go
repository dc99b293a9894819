package zendesk

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/internal/jsonsize"
)

// Schema is the value of Facts.Schema. Within it fields are only added.
const Schema = "mailcheck/zendesk-facts/v1"

// Facts are what was seen of an account, without any conclusion. They hold no
// secret: of URLs of others (webhooks, targets, redirects) only the origin, of
// tokens all but the token, of log entries who did what, by number. Of users they
// hold no name and no address. Support addresses and brands are there in full.
//
// Whether a part was seen at all, Endpoints says: an empty list beside a Reply
// that is not "ok" is no empty list. [Facts.Gaps] makes check's gaps of it.
type Facts struct {
	Schema  string    `json:"schema"`
	Tool    string    `json:"tool,omitempty"` // for the caller to set: "mailcheck v0.1.0"
	Account string    `json:"account"`        // "https://acme.zendesk.com"
	At      time.Time `json:"at"`             // when Discover began
	Given   Given     `json:"given,omitzero"`

	Endpoints map[Endpoint]Reply `json:"endpoints"` // an endpoint that is absent was not asked

	Me       *Me               `json:"me,omitempty"`
	Settings *AccountSettings  `json:"account_settings,omitempty"`
	Security *SecuritySettings `json:"security_settings,omitempty"`

	SupportAddresses []SupportAddress `json:"support_addresses,omitempty"`
	Brands           []Brand          `json:"brands,omitempty"`
	HostMappings     []HostMapping    `json:"host_mappings,omitempty"`

	Team         []User        `json:"team,omitempty"`      // agents and admins, suspended ones too
	EndUsers     *UserCounts   `json:"end_users,omitempty"` // where Options.EndUsers asks for it
	EndUserCount *Count        `json:"end_user_count,omitempty"`
	NamedUsers   []User        `json:"named_users,omitempty"` // whom other facts name and the team does not have
	Roles        []Role        `json:"custom_roles,omitempty"`
	Sessions     []SessionAges `json:"sessions,omitempty"` // one a user

	Triggers    []Notification `json:"triggers,omitempty"`    // active ones that notify somebody
	Automations []Notification `json:"automations,omitempty"` // the same
	Targets     []Target       `json:"targets,omitempty"`
	Webhooks    []Webhook      `json:"webhooks,omitempty"`

	OAuthClients   []OAuthApp       `json:"oauth_clients,omitempty"`
	GlobalClients  []OAuthApp       `json:"oauth_global_clients,omitempty"`
	OAuthTokens    []Token          `json:"oauth_tokens,omitempty"`
	AuditLog       []AuditEntry     `json:"audit_log,omitempty"`        // the newest 100
	APITokenEvents []AuditEntry     `json:"api_token_events,omitempty"` // the newest 100
	Suspended      *SuspendedCounts `json:"suspended_tickets,omitempty"`

	DeletionSchedules []DeletionSchedule `json:"deletion_schedules,omitempty"`
	TicketFields      []Field            `json:"ticket_fields,omitempty"`
	UserFields        []Field            `json:"user_fields,omitempty"`
	TicketForms       []TicketForm       `json:"ticket_forms,omitempty"`
	Workspaces        []Workspace        `json:"workspaces,omitempty"`
	Sharing           []SharingAgreement `json:"sharing_agreements,omitempty"`
	InstalledApps     []InstalledApp     `json:"apps_installed,omitempty"`
	OwnedApps         []OwnedApp         `json:"apps_owned,omitempty"`
	PhoneNumbers      []PhoneNumber      `json:"phone_numbers,omitempty"`
	UserSegments      []UserSegment      `json:"user_segments,omitempty"`
	GuidePermissions  []PermissionGroup  `json:"guide_permissions,omitempty"`
}

// ErrFacts is wrapped by every error of ReadFacts about what was read.
var ErrFacts = errors.New("zendesk: no facts of an account")

// The bounds of ReadFacts. The largest account takes some 3 MB and 100,000 values.
const (
	FactsMax  = 64 << 20 // octets
	valuesMax = 1 << 19
)

// ReadFacts reads saved facts. They may come from anybody: size and number of values
// are bounded, and what does not look like facts is an error that wraps ErrFacts.
func ReadFacts(r io.Reader) (*Facts, error) {
	data, err := io.ReadAll(io.LimitReader(r, FactsMax+1))
	switch {
	case err != nil:
		return nil, err
	case len(data) > FactsMax:
		return nil, fmt.Errorf("%w: over %d MB", ErrFacts, FactsMax>>20)
	case jsonsize.Values(data) > valuesMax:
		return nil, fmt.Errorf("%w: over %d values", ErrFacts, valuesMax)
	}
	var f Facts
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrFacts, err)
	}
	if f.Schema != Schema {
		return nil, fmt.Errorf("%w: schema is %q, want %q", ErrFacts, clip(f.Schema), Schema)
	}
	if u, err := url.Parse(f.Account); err != nil || u.Host == "" {
		return nil, fmt.Errorf("%w: account is no URL", ErrFacts)
	}
	return &f, nil
}

// Given is what the operator said.
type Given struct {
	TeamDomains []string `json:"team_domains,omitempty"`
}

// State says how much of an endpoint was seen.
type State string

// Only StateOK lets a rule say that something is not there.
const (
	StateOK        State = "ok"
	StateForbidden State = "forbidden"   // 401 or 403: role or scope
	StateNotOnPlan State = "not-on-plan" // 402, 404, or 403 that speaks of the plan
	StateFailed    State = "failed"      // no usable answer, or a list that broke off
	StateLimit     State = "limit"       // a list that is longer than was read
	StateNotAsked  State = "not-asked"
)

// Reply is what became of one endpoint.
type Reply struct {
	State   State     `json:"state"`
	At      time.Time `json:"at,omitzero"`       // of the last answer
	Items   int       `json:"items,omitempty"`   // of a list: how many the answers held
	Failure *Failure  `json:"failure,omitempty"` // why not StateOK
	Because Endpoint  `json:"because,omitempty"` // of StateNotAsked: the endpoint that failed before
	Needs   Needs     `json:"needs,omitzero"`    // who would see it, where role, scope or plan is in the way
}

// Gaps are what is missing of some endpoints; nil where all were seen whole.
func (f *Facts) Gaps(endpoints ...Endpoint) []check.Gap {
	var gaps []check.Gap
	for _, e := range endpoints {
		if g, ok := f.gap(e); ok {
			gaps = append(gaps, g)
		}
	}
	return gaps
}

// Seen reports whether an endpoint was seen whole.
func (f *Facts) Seen(e Endpoint) bool {
	_, missing := f.gap(e)
	return !missing
}

func (f *Facts) gap(e Endpoint) (check.Gap, bool) {
	notAsked := check.Gap{Subject: e.Request(), Why: check.NotAsked}
	if f == nil {
		return notAsked, true
	}
	r, ok := f.Endpoints[e]
	if before, failed := f.Endpoints[r.Because]; failed && r.State == StateNotAsked && before.Failure != nil {
		e, r = r.Because, before // not followed further: facts may be hostile
	}
	switch {
	case r.State == StateOK:
		return check.Gap{}, false
	case !ok, r.State == StateNotAsked:
		return notAsked, true
	case r.Failure == nil:
		return check.Gap{Subject: e.Request(), Why: check.Failed}, true
	}
	g := check.GapOf(e.Request(), r.Failure)
	if r.State == StateForbidden || r.State == StateNotOnPlan {
		g.Cause = &NotVisibleError{Failure: r.Failure, Needs: r.Needs}
	}
	return g, true
}

// NotVisibleError is a Failure, with who would have seen the answer.
type NotVisibleError struct {
	*Failure
	Needs Needs
}

func (e *NotVisibleError) Error() string { return e.Text().String() }

// Text is the error in words.
func (e *NotVisibleError) Text() check.Text {
	if e.Needs == (Needs{}) {
		return e.Failure.Text()
	}
	return check.Textf("%s: it needs %s", e.Failure.Text(), e.Needs.Text())
}

// replyOf makes the reply of an endpoint that was asked.
func replyOf(e Endpoint, at time.Time, items int, f *Failure) Reply {
	r := Reply{State: StateOK, At: at, Items: items, Failure: f}
	if f == nil {
		return r
	}
	switch f.Kind {
	case FailureCredentials:
		r.State = StateForbidden
	case FailureForbidden:
		r.State, r.Needs = StateForbidden, e.Needs()
	case FailureNotOnPlan:
		r.State, r.Needs = StateNotOnPlan, e.Needs()
	case FailureLimit:
		r.State = StateLimit
	default:
		r.State = StateFailed
	}
	return r
}
