package zendesktest

import "iter"

// Object is a JSON object as the API has it.
type Object = map[string]any

// List is the objects of a list, made when a page of it is asked for.
type List struct {
	Len int
	At  func(i int) Object // for i from 0 to Len-1
}

// Items is a List of objects.
func Items(objects ...Object) List {
	return List{len(objects), func(i int) Object { return objects[i] }}
}

// All goes through the list.
func (l List) All() iter.Seq[Object] {
	return func(yield func(Object) bool) {
		for i := range l.Len {
			if !yield(l.At(i)) {
				return
			}
		}
	}
}

// Account is what a Server shows. Objects and lists are as the API writes them,
// without the envelope; what is left zero is an empty object or list. It must not
// be changed while a Server uses it.
type Account struct {
	// What is accepted: a bearer token, an OAuth client that gets that token, an
	// API token of a user. Those that are empty are refused.
	Token                  string
	ClientID, ClientSecret string
	Email, APIToken        string

	Me                Object // users/me; a role below "admin" gets 403 from what admins see
	Settings          Object // account/settings
	Security          Object // security_settings
	Users             List   // users, filtered by role; users/count; users/show_many
	SupportAddresses  List   // recipient_addresses
	Brands            List
	HostMappings      map[int64]Object // check_host_mapping, by the brand's id
	CustomRoles       List
	Sessions          List
	Triggers          List // all; active=true is heeded, as of the next
	Automations       List
	Targets           List
	Webhooks          List
	OAuthClients      List
	OAuthTokens       List
	GlobalClients     List
	APITokens         List
	AuditLogs         List // filter[source_type] is heeded
	AccessLogs        List
	SuspendedTickets  List
	DeletionSchedules List
	TicketFields      List
	UserFields        List
	TicketForms       List
	Workspaces        List
	SharingAgreements List
	InstalledApps     List
	OwnedApps         List
	PhoneNumbers      List
	UserSegments      List
	PermissionGroups  List

	// Offset makes lists page by offset (count, next_page), though cursors are
	// asked for: accounts do that.
	Offset bool
	// PageSize is the most items of a page; 100 if 0.
	PageSize int
	// PerMinute is the rate limit of the account; 0: none.
	PerMinute int
}

// A path's list.
type list struct {
	key   string
	admin bool
	items func(*Account) List
}

var lists = map[string]list{
	"/api/v2/users":                        {"users", true, func(a *Account) List { return a.Users }},
	"/api/v2/recipient_addresses":          {"recipient_addresses", false, func(a *Account) List { return a.SupportAddresses }},
	"/api/v2/brands":                       {"brands", true, func(a *Account) List { return a.Brands }},
	"/api/v2/custom_roles":                 {"custom_roles", false, func(a *Account) List { return a.CustomRoles }},
	"/api/v2/sessions":                     {"sessions", true, func(a *Account) List { return a.Sessions }},
	"/api/v2/triggers":                     {"triggers", false, func(a *Account) List { return a.Triggers }},
	"/api/v2/automations":                  {"automations", false, func(a *Account) List { return a.Automations }},
	"/api/v2/targets":                      {"targets", true, func(a *Account) List { return a.Targets }},
	"/api/v2/webhooks":                     {"webhooks", true, func(a *Account) List { return a.Webhooks }},
	"/api/v2/oauth/clients":                {"clients", true, func(a *Account) List { return a.OAuthClients }},
	"/api/v2/oauth/tokens":                 {"tokens", true, func(a *Account) List { return a.OAuthTokens }},
	"/api/v2/oauth/global_clients":         {"global_clients", true, func(a *Account) List { return a.GlobalClients }},
	"/api/v2/api_tokens":                   {"api_tokens", true, func(a *Account) List { return a.APITokens }},
	"/api/v2/audit_logs":                   {"audit_logs", true, func(a *Account) List { return a.AuditLogs }},
	"/api/v2/access_logs":                  {"access_logs", true, func(a *Account) List { return a.AccessLogs }},
	"/api/v2/suspended_tickets":            {"suspended_tickets", true, func(a *Account) List { return a.SuspendedTickets }},
	"/api/v2/deletion_schedules":           {"deletion_schedules", true, func(a *Account) List { return a.DeletionSchedules }},
	"/api/v2/ticket_fields":                {"ticket_fields", false, func(a *Account) List { return a.TicketFields }},
	"/api/v2/user_fields":                  {"user_fields", false, func(a *Account) List { return a.UserFields }},
	"/api/v2/ticket_forms":                 {"ticket_forms", false, func(a *Account) List { return a.TicketForms }},
	"/api/v2/workspaces":                   {"workspaces", false, func(a *Account) List { return a.Workspaces }},
	"/api/v2/sharing_agreements":           {"sharing_agreements", false, func(a *Account) List { return a.SharingAgreements }},
	"/api/v2/apps/installations":           {"installations", true, func(a *Account) List { return a.InstalledApps }},
	"/api/v2/apps/owned":                   {"apps", true, func(a *Account) List { return a.OwnedApps }},
	"/api/v2/channels/voice/phone_numbers": {"phone_numbers", true, func(a *Account) List { return a.PhoneNumbers }},
	"/api/v2/help_center/user_segments":    {"user_segments", true, func(a *Account) List { return a.UserSegments }},
	"/api/v2/guide/permission_groups":      {"permission_groups", true, func(a *Account) List { return a.PermissionGroups }},
}

// The shapes of a list's answer.
type shape uint8

const (
	cursors shape = iota
	offsets
	unpaged
)

// shapeOf is how a path's lists are paged, whatever is asked for.
func shapeOf(path string, a *Account, asksCursor bool) shape {
	switch path {
	case "/api/v2/custom_roles", "/api/v2/deletion_schedules", "/api/v2/api_tokens", "/api/v2/apps/installations", "/api/v2/apps/owned":
		return unpaged
	case "/api/v2/targets", "/api/v2/workspaces", "/api/v2/sharing_agreements":
		return offsets
	}
	if a.Offset || !asksCursor {
		return offsets
	}
	return cursors
}
