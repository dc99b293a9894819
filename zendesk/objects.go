package zendesk

import (
	"encoding/json"
	"time"
)

// Me is whom the credentials are for.
type Me struct {
	Credentials  Kind       `json:"credentials"`
	Scope        string     `json:"scope,omitempty"` // of an OAuth client's token, as the account gave it
	ID           ID         `json:"id"`
	Role         string     `json:"role"` // "admin", "agent", "end-user": below admin much is not seen
	RoleType     Opt[int64] `json:"role_type,omitzero"`
	CustomRoleID ID         `json:"custom_role_id,omitzero"`
}

// SupportAddress is an address to which mail for the account is sent, and what
// Zendesk thinks of it. The states are "unknown", "verified", "failed", and of
// forwarding "waiting".
type SupportAddress struct {
	ID                 ID              `json:"id"`
	Email              string          `json:"email"`
	Name               Opt[string]     `json:"name,omitzero"`
	BrandID            ID              `json:"brand_id,omitzero"`
	Default            Bool            `json:"default,omitzero"` // null on an external address
	ForwardingStatus   Opt[string]     `json:"forwarding_status,omitzero"`
	SPFStatus          Opt[string]     `json:"spf_status,omitzero"`
	CNAMEStatus        Opt[string]     `json:"cname_status,omitzero"`
	VerificationStatus Opt[string]     `json:"domain_verification_status,omitzero"`
	VerificationCode   Opt[string]     `json:"domain_verification_code,omitzero"` // published in TXT zendeskverification.DOMAIN
	DNSResults         json.RawMessage `json:"dns_results,omitempty"`             // documented, and seen nowhere; kept up to 1,000 octets
	CreatedAt          Opt[time.Time]  `json:"created_at,omitzero"`
	UpdatedAt          Opt[time.Time]  `json:"updated_at,omitzero"`
}

// Brand is one face of the account, with its help centre.
type Brand struct {
	ID              ID          `json:"id"`
	Name            string      `json:"name"`
	Active          Bool        `json:"active,omitzero"`
	Default         Bool        `json:"default,omitzero"`
	Deleted         Bool        `json:"is_deleted,omitzero"`
	Subdomain       string      `json:"subdomain"`
	URL             Opt[string] `json:"brand_url,omitzero"`
	HasHelpCenter   Bool        `json:"has_help_center,omitzero"`
	HelpCenterState Opt[string] `json:"help_center_state,omitzero"` // enabled, disabled, restricted
	HostMapping     Opt[string] `json:"host_mapping,omitzero"`      // the help centre's own host name; null: none; absent: not shown, but to admins
}

// HostMapping is what Zendesk thinks of a brand's host name.
type HostMapping struct {
	BrandID  ID          `json:"brand_id"`
	Host     string      `json:"host"`
	Valid    Bool        `json:"is_valid,omitzero"`
	CNAME    Opt[string] `json:"cname,omitzero"`
	Expected []string    `json:"expected_cnames,omitempty"`
	Reason   Opt[string] `json:"reason,omitzero"` // not_a_cname, wrong_cname, and others
	Failure  *Failure    `json:"failure,omitempty"`
}

// User is what is kept of a user: no name and no address.
type User struct {
	ID           ID             `json:"id"`
	Role         string         `json:"role"`
	CustomRoleID ID             `json:"custom_role_id,omitzero"`
	RoleType     Opt[int64]     `json:"role_type,omitzero"`
	Active       Bool           `json:"active,omitzero"` // no: deleted
	Suspended    Bool           `json:"suspended,omitzero"`
	Restricted   Bool           `json:"restricted_agent,omitzero"`
	Shared       Bool           `json:"shared_agent,omitzero"`
	TwoFactor    Bool           `json:"two_factor_auth_enabled,omitzero"` // null, and so unknown, for many who sign in elsewhere
	LastLogin    Opt[time.Time] `json:"last_login_at,omitzero"`           // null: never
	CreatedAt    Opt[time.Time] `json:"created_at,omitzero"`
	HasAlias     Bool           `json:"has_alias,omitzero"`
	// Outside says whether the address is at none of Given.TeamDomains; unknown
	// where none are given.
	Outside Bool `json:"outside_team_domains,omitzero"`
}

// UserCounts are what is kept of end users.
type UserCounts struct {
	Total      int `json:"total"`
	Suspended  int `json:"suspended"`
	Unverified int `json:"unverified"`
	Never      int `json:"never_signed_in"`
}

// Count is a number that the account counted at some time.
type Count struct {
	Value       Opt[int64]     `json:"value,omitzero"`
	RefreshedAt Opt[time.Time] `json:"refreshed_at,omitzero"`
}

// Role is a custom role. Levels ("all", "full", "readonly", "none", …) are as
// the account has them.
type Role struct {
	ID            ID         `json:"id"`
	Name          string     `json:"name"`
	RoleType      Opt[int64] `json:"role_type,omitzero"`
	Members       Opt[int64] `json:"team_member_count,omitzero"`
	Configuration struct {
		TicketAccess                Opt[string] `json:"ticket_access,omitzero"`
		TicketDeletion              Bool        `json:"ticket_deletion,omitzero"`
		TicketRedaction             Bool        `json:"ticket_redaction,omitzero"` // undocumented
		ViewDeletedTickets          Bool        `json:"view_deleted_tickets,omitzero"`
		ManageBusinessRules         Bool        `json:"manage_business_rules,omitzero"`
		ManageExtensionsAndChannels Bool        `json:"manage_extensions_and_channels,omitzero"`
		ManageRoles                 Opt[string] `json:"manage_roles,omitzero"`
		EndUserProfileAccess        Opt[string] `json:"end_user_profile_access,omitzero"`
		EndUserListAccess           Opt[string] `json:"end_user_list_access,omitzero"`
		UserViewAccess              Opt[string] `json:"user_view_access,omitzero"`
		GroupAccess                 Bool        `json:"group_access,omitzero"`
		LightAgent                  Bool        `json:"light_agent,omitzero"`
	} `json:"configuration,omitzero"`
}

// SessionAges are the open sessions of one user.
type SessionAges struct {
	UserID              ID        `json:"user_id"`
	Sessions            int       `json:"sessions"`
	OldestAuthenticated time.Time `json:"oldest_authenticated_at,omitzero"`
	OldestSeen          time.Time `json:"oldest_last_seen_at,omitzero"`
}

// Notification is an active trigger or automation that notifies somebody.
type Notification struct {
	ID        ID             `json:"id"`
	Title     string         `json:"title"`
	UpdatedAt Opt[time.Time] `json:"updated_at,omitzero"`
	Notifies  []Notified     `json:"notifies"`
	// Hash is of the actions and conditions: it changes when they do.
	Hash string `json:"hash"`
}

// Notified is whom one action notifies.
type Notified struct {
	Field string `json:"field"` // notification_user, notification_group, notification_target, notification_webhook, …
	// To is requester_id, requester_and_ccs, assignee_id, current_user, all_agents,
	// or the id of a user, group, target or webhook; "other" for what is none of these.
	To string `json:"to"`
}

// Target is where triggers used to send; webhooks follow them.
type Target struct {
	ID          ID          `json:"id"`
	Type        string      `json:"type"`
	Title       string      `json:"title"`
	Active      Bool        `json:"active,omitzero"`
	Origin      Opt[string] `json:"origin,omitzero"`       // of target_url: scheme, host and port; null: it has none
	EmailDomain Opt[string] `json:"email_domain,omitzero"` // of an email_target
	HasUsername Bool        `json:"has_username,omitzero"`
}

// Webhook is where triggers send.
type Webhook struct {
	ID             string      `json:"id"`
	Name           string      `json:"name"`
	Status         Opt[string] `json:"status,omitzero"`         // active, inactive
	Origin         Opt[string] `json:"origin,omitzero"`         // of endpoint: scheme, host and port
	Authentication Opt[string] `json:"authentication,omitzero"` // basic_auth, bearer_token, api_key; null: none
}

// OAuthApp is an OAuth client: the account's own, or a global one.
type OAuthApp struct {
	ID              ID             `json:"id"`
	Name            string         `json:"name"`
	Identifier      Opt[string]    `json:"identifier,omitzero"`
	Kind            Opt[string]    `json:"kind,omitzero"`              // public or confidential
	RedirectOrigins []string       `json:"redirect_origins,omitempty"` // scheme, host and port, each once
	Global          Bool           `json:"global,omitzero"`
	UserID          ID             `json:"user_id,omitzero"`
	CreatedAt       Opt[time.Time] `json:"created_at,omitzero"`
	UpdatedAt       Opt[time.Time] `json:"updated_at,omitzero"`
}

// Token is an OAuth access token, without the token.
type Token struct {
	ID               ID             `json:"id"`
	ClientID         ID             `json:"client_id"`
	UserID           ID             `json:"user_id"`
	Scopes           []string       `json:"scopes,omitempty"`
	CreatedAt        Opt[time.Time] `json:"created_at,omitzero"`
	UsedAt           Opt[time.Time] `json:"used_at,omitzero"`    // null: never
	ExpiresAt        Opt[time.Time] `json:"expires_at,omitzero"` // null: never
	RefreshExpiresAt Opt[time.Time] `json:"refresh_token_expires_at,omitzero"`
}

// AuditEntry is who did what, without names.
type AuditEntry struct {
	ID         ID             `json:"id"`
	Action     string         `json:"action"` // create, destroy, exported, login, update
	ActorID    ID             `json:"actor_id"`
	SourceType string         `json:"source_type"` // user, user_setting, apitoken, …
	SourceID   ID             `json:"source_id"`
	CreatedAt  Opt[time.Time] `json:"created_at,omitzero"`
}

// SuspendedCounts are what is kept of suspended tickets.
type SuspendedCounts struct {
	Total  int            `json:"total"`
	Oldest time.Time      `json:"oldest,omitzero"`
	Causes map[string]int `json:"causes,omitempty"` // "Detected as spam": 12; the first 50, others as "other"
	// Domains are those of authors with five or more tickets, at most 20, the
	// most tickets first.
	Domains []DomainCount `json:"domains,omitempty"`
}

// DomainCount is how many tickets came from addresses at a domain.
type DomainCount struct {
	Domain  string `json:"domain"`
	Tickets int    `json:"tickets"`
}

// DeletionSchedule says what is deleted, and when.
type DeletionSchedule struct {
	ID         ID          `json:"id"`
	Title      string      `json:"title"`
	Active     Bool        `json:"active,omitzero"`
	Default    Bool        `json:"default,omitzero"`
	Object     Opt[string] `json:"object,omitzero"` // "zen:ticket"; undocumented
	Conditions struct {
		All []Condition `json:"all,omitempty"`
	} `json:"conditions,omitzero"`
}

// Condition is one of a rule's. A value that is no string is absent.
type Condition struct {
	Field    string      `json:"field"`
	Operator string      `json:"operator"`
	Value    Opt[string] `json:"value,omitzero"`
}

// Field is a field of tickets or users.
type Field struct {
	ID               ID          `json:"id"`
	Type             string      `json:"type"` // partialcreditcard, text, regexp, …
	Key              Opt[string] `json:"key,omitzero"`
	Title            string      `json:"title"`
	RawTitle         Opt[string] `json:"raw_title,omitzero"`
	Active           Bool        `json:"active,omitzero"`
	VisibleInPortal  Bool        `json:"visible_in_portal,omitzero"`
	RequiredInPortal Bool        `json:"required_in_portal,omitzero"`
	Regexp           Opt[string] `json:"regexp_for_validation,omitzero"`
}

// TicketForm is a set of fields.
type TicketForm struct {
	ID             ID     `json:"id"`
	Name           string `json:"name"`
	Active         Bool   `json:"active,omitzero"`
	EndUserVisible Bool   `json:"end_user_visible,omitzero"`
	FieldIDs       []ID   `json:"ticket_field_ids,omitempty"`
}

// Workspace is a contextual workspace.
type Workspace struct {
	ID         ID     `json:"id"`
	Title      string `json:"title"`
	Activated  Bool   `json:"activated,omitzero"`
	Conditions int    `json:"conditions"` // how many, all and any together
}

// SharingAgreement is with whom tickets are shared.
type SharingAgreement struct {
	ID              ID             `json:"id"`
	Name            string         `json:"name"`
	PartnerName     Opt[string]    `json:"partner_name,omitzero"`
	RemoteSubdomain Opt[string]    `json:"remote_subdomain,omitzero"`
	Type            string         `json:"type"`   // inbound, outbound
	Status          string         `json:"status"` // accepted, declined, pending, inactive, failed, ssl_error, configuration_error
	CreatedAt       Opt[time.Time] `json:"created_at,omitzero"`
}

// InstalledApp is an app in use.
type InstalledApp struct {
	ID         ID             `json:"id"`
	AppID      ID             `json:"app_id"`
	Name       string         `json:"name"`
	Product    Opt[string]    `json:"product,omitzero"`
	Enabled    Bool           `json:"enabled,omitzero"`
	Restricted Bool           `json:"restricted,omitzero"` // to some roles or groups
	UpdatedAt  Opt[time.Time] `json:"updated_at,omitzero"`
}

// OwnedApp is an app that the account made.
type OwnedApp struct {
	ID         ID          `json:"id"`
	Name       string      `json:"name"`
	Visibility Opt[string] `json:"visibility,omitzero"`
	Deprecated Bool        `json:"deprecated,omitzero"`
	Obsolete   Bool        `json:"obsolete,omitzero"`
}

// PhoneNumber is a line of Talk.
type PhoneNumber struct {
	ID            ID          `json:"id"`
	Number        string      `json:"number"`
	Nickname      Opt[string] `json:"nickname,omitzero"`
	VoiceEnabled  Bool        `json:"voice_enabled,omitzero"`
	External      Bool        `json:"external,omitzero"`
	Recorded      Bool        `json:"recorded,omitzero"`
	Consent       Opt[string] `json:"call_recording_consent,omitzero"` // always, opt_in, opt_out, never
	Transcription Bool        `json:"transcription,omitzero"`
	HasFailover   Bool        `json:"has_failover,omitzero"`
	FailoverLine  ID          `json:"failover_line,omitzero"` // the line of this account that has the failover number
}

// UserSegment is who may see articles.
type UserSegment struct {
	ID       ID          `json:"id"`
	Name     string      `json:"name"`
	UserType Opt[string] `json:"user_type,omitzero"` // signed_in_users, staff
	BuiltIn  Bool        `json:"built_in,omitzero"`
}

// PermissionGroup is who may edit and publish articles.
type PermissionGroup struct {
	ID      ID     `json:"id"`
	Name    string `json:"name"`
	BuiltIn Bool   `json:"built_in,omitzero"`
	Edit    int    `json:"edit"`    // how many user segments
	Publish int    `json:"publish"` // how many user segments
}
