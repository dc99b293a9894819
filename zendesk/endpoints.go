package zendesk

import (
	"net/url"
	"slices"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
)

// Endpoint names one thing that is asked of an account, and the key of its Reply
// in Facts.
type Endpoint string

// The endpoints, as the table in the package comment has them.
const (
	EndpointMe               Endpoint = "me"
	EndpointSettings         Endpoint = "account-settings"
	EndpointSecurity         Endpoint = "security-settings"
	EndpointSupportAddresses Endpoint = "support-addresses"
	EndpointBrands           Endpoint = "brands"
	EndpointHostMappings     Endpoint = "host-mappings"
	EndpointTeam             Endpoint = "team"
	EndpointEndUsers         Endpoint = "end-users"
	EndpointEndUserCount     Endpoint = "end-user-count"
	EndpointNamedUsers       Endpoint = "named-users"
	EndpointRoles            Endpoint = "custom-roles"
	EndpointSessions         Endpoint = "sessions"
	EndpointTriggers         Endpoint = "triggers"
	EndpointAutomations      Endpoint = "automations"
	EndpointTargets          Endpoint = "targets"
	EndpointWebhooks         Endpoint = "webhooks"
	EndpointOAuthClients     Endpoint = "oauth-clients"
	EndpointOAuthTokens      Endpoint = "oauth-tokens"
	EndpointGlobalClients    Endpoint = "oauth-global-clients"
	EndpointAPITokens        Endpoint = "api-tokens"
	EndpointAuditLog         Endpoint = "audit-log"
	EndpointAPITokenEvents   Endpoint = "api-token-events"
	EndpointAccessLog        Endpoint = "access-log"
	EndpointSuspended        Endpoint = "suspended-tickets"
	EndpointDeletion         Endpoint = "deletion-schedules"
	EndpointTicketFields     Endpoint = "ticket-fields"
	EndpointTicketForms      Endpoint = "ticket-forms"
	EndpointUserFields       Endpoint = "user-fields"
	EndpointWorkspaces       Endpoint = "workspaces"
	EndpointSharing          Endpoint = "sharing-agreements"
	EndpointInstalledApps    Endpoint = "apps-installed"
	EndpointOwnedApps        Endpoint = "apps-owned"
	EndpointPhoneNumbers     Endpoint = "phone-numbers"
	EndpointUserSegments     Endpoint = "user-segments"
	EndpointGuidePermissions Endpoint = "guide-permissions"
)

// Needs says who sees an endpoint's data. An empty field asks for nothing special.
type Needs struct {
	Role  string `json:"role,omitempty"`  // "admin", "Guide admin" or "agent"
	Scope string `json:"scope,omitempty"` // of an OAuth token; any that is named does
	Plan  string `json:"plan,omitempty"`
}

func (n Needs) String() string { return n.Text().String() }

// Text is what is needed, in words.
func (n Needs) Text() check.Text {
	var parts []check.Text
	if n.Role != "" {
		parts = append(parts, check.Textf("the role %s", check.Textf(n.Role)))
	}
	if n.Scope != "" {
		parts = append(parts, check.Textf("the OAuth scope %s", n.Scope))
	}
	if n.Plan != "" {
		parts = append(parts, check.Textf("the plan %s", check.Textf(n.Plan)))
	}
	var all check.Text
	for i, p := range parts {
		if all = check.Textf("%s, %s", all, p); i == 0 {
			all = p
		}
	}
	return all
}

// paging is how a list is asked for. What comes back decides how it goes on:
// accounts answer requests for cursors with offsets.
type paging uint8

const (
	whole  paging = iota // one answer
	cursor               // page[size]=100
	offset               // per_page=100
)

// source is how an endpoint is asked.
type source struct {
	path  string
	query string
	key   string // the JSON key of the object or list
	pages paging
	needs Needs
}

// query strings are written with the characters as they stand; see url.
var sources = map[Endpoint]source{
	EndpointMe:               {"/api/v2/users/me", "", "user", whole, Needs{"", "users:read or read", ""}},
	EndpointSettings:         {"/api/v2/account/settings", "", "settings", whole, Needs{"agent", "read", ""}},
	EndpointSecurity:         {"/api/v2/security_settings", "", "security_settings", whole, Needs{"admin", "security:read or read", ""}},
	EndpointSupportAddresses: {"/api/v2/recipient_addresses", "", "recipient_addresses", cursor, Needs{"agent", "read", ""}},
	EndpointBrands:           {"/api/v2/brands", "", "brands", cursor, Needs{"admin", "read", ""}},
	EndpointHostMappings:     {"/api/v2/brands/ID/check_host_mapping", "", "", whole, Needs{"admin", "read", ""}},
	EndpointTeam:             {"/api/v2/users", "role[]=agent&role[]=admin", "users", cursor, Needs{"admin", "users:read or read", ""}},
	EndpointEndUsers:         {"/api/v2/users", "role=end-user", "users", cursor, Needs{"admin", "users:read or read", ""}},
	EndpointEndUserCount:     {"/api/v2/users/count", "role=end-user", "count", whole, Needs{"admin", "users:read or read", ""}},
	EndpointNamedUsers:       {"/api/v2/users/show_many", "", "users", whole, Needs{"admin", "users:read or read", ""}},
	EndpointRoles:            {"/api/v2/custom_roles", "", "custom_roles", whole, Needs{"agent", "read", "Enterprise"}},
	EndpointSessions:         {"/api/v2/sessions", "", "sessions", cursor, Needs{"admin", "read", ""}},
	EndpointTriggers:         {"/api/v2/triggers", "active=true", "triggers", cursor, Needs{"agent", "triggers:read or read", ""}},
	EndpointAutomations:      {"/api/v2/automations", "active=true", "automations", cursor, Needs{"agent", "automations:read or read", ""}},
	EndpointTargets:          {"/api/v2/targets", "", "targets", offset, Needs{"admin", "targets:read or read", ""}},
	EndpointWebhooks:         {"/api/v2/webhooks", "", "webhooks", cursor, Needs{"admin", "webhooks:read or read", ""}},
	EndpointOAuthClients:     {"/api/v2/oauth/clients", "", "clients", cursor, Needs{"admin", "read", ""}},
	EndpointOAuthTokens:      {"/api/v2/oauth/tokens", "all=true", "tokens", cursor, Needs{"admin", "read", ""}},
	EndpointGlobalClients:    {"/api/v2/oauth/global_clients", "", "global_clients", cursor, Needs{"admin", "read", ""}},
	EndpointAPITokens:        {"/api/v2/api_tokens", "", "api_tokens", whole, Needs{"admin", "read", ""}},
	EndpointAuditLog:         {"/api/v2/audit_logs", "sort=-created_at", "audit_logs", cursor, Needs{"admin", "auditlogs:read or read", "Enterprise"}},
	EndpointAPITokenEvents:   {"/api/v2/audit_logs", "filter[source_type]=apitoken&sort=-created_at", "audit_logs", cursor, Needs{"admin", "auditlogs:read or read", "Enterprise"}},
	EndpointAccessLog:        {"/api/v2/access_logs", "page[size]=1", "access_logs", whole, Needs{"admin", "read", "with the add-on Advanced Data Privacy and Protection"}},
	EndpointSuspended:        {"/api/v2/suspended_tickets", "", "suspended_tickets", cursor, Needs{"admin", "read", ""}},
	EndpointDeletion:         {"/api/v2/deletion_schedules", "", "deletion_schedules", whole, Needs{"admin", "read", ""}},
	EndpointTicketFields:     {"/api/v2/ticket_fields", "", "ticket_fields", cursor, Needs{"agent", "read", ""}},
	EndpointTicketForms:      {"/api/v2/ticket_forms", "", "ticket_forms", cursor, Needs{"agent", "read", ""}},
	EndpointUserFields:       {"/api/v2/user_fields", "", "user_fields", cursor, Needs{"agent", "read", ""}},
	EndpointWorkspaces:       {"/api/v2/workspaces", "", "workspaces", offset, Needs{"agent", "read", ""}},
	EndpointSharing:          {"/api/v2/sharing_agreements", "", "sharing_agreements", offset, Needs{"agent", "read", ""}},
	EndpointInstalledApps:    {"/api/v2/apps/installations", "", "installations", whole, Needs{"admin", "apps:read or read", ""}},
	EndpointOwnedApps:        {"/api/v2/apps/owned", "", "apps", whole, Needs{"admin", "apps:read or read", ""}},
	EndpointPhoneNumbers:     {"/api/v2/channels/voice/phone_numbers", "", "phone_numbers", cursor, Needs{"admin", "read", "with Talk"}},
	EndpointUserSegments:     {"/api/v2/help_center/user_segments", "", "user_segments", cursor, Needs{"Guide admin", "hc:read or read", "with Guide"}},
	EndpointGuidePermissions: {"/api/v2/guide/permission_groups", "", "permission_groups", cursor, Needs{"Guide admin", "hc:read or read", "with Guide"}},
}

// onePage are lists of which the first page is enough.
var onePage = []Endpoint{EndpointAuditLog, EndpointAPITokenEvents}

// Endpoints lists all endpoints in the order of their names.
func Endpoints() []Endpoint {
	all := make([]Endpoint, 0, len(sources))
	for e := range sources {
		all = append(all, e)
	}
	slices.Sort(all)
	return all
}

// Request is what is sent, "GET /api/v2/brands", "" for no endpoint.
func (e Endpoint) Request() string {
	s, ok := sources[e]
	if !ok {
		return ""
	}
	return "GET " + strings.TrimSuffix(s.path+"?"+s.query, "?")
}

// Needs says who sees the endpoint's data.
func (e Endpoint) Needs() Needs { return sources[e].needs }

// url is the first page's.
func (s source) url(origin *url.URL) *url.URL {
	u := origin.JoinPath(s.path)
	q, err := url.ParseQuery(s.query)
	if err != nil {
		panic(err) // the table is wrong
	}
	switch s.pages {
	case cursor:
		q.Set("page[size]", "100")
	case offset:
		q.Set("per_page", "100")
	}
	u.RawQuery = q.Encode()
	return u
}
