package zendesktest

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
)

//go:embed acme.json
var acme []byte

// Acme is a small account with something of everything, and the credentials that
// it accepts: the token "acme-token", the OAuth client "acme-client" with the
// secret "acme-secret", and for ada@acme.example the API token "acme-api-token".
// Every call makes a new one. What in it looks like a secret contains the word
// "invented", and no name or address of a user has any other form than "… Example"
// and …@acme.example, …@elsewhere.example, …@customer.example.
func Acme() *Account {
	var j struct {
		Me           Object           `json:"me"`
		Settings     Object           `json:"settings"`
		Security     Object           `json:"security"`
		HostMappings map[int64]Object `json:"host_mappings"`
	}
	var all map[string]json.RawMessage
	for _, into := range []any{&j, &all} {
		unmarshal(acme, into)
	}
	items := func(key string) List {
		var objects []Object
		unmarshal(all[key], &objects)
		return Items(objects...)
	}
	return &Account{
		Token: "acme-token", ClientID: "acme-client", ClientSecret: "acme-secret",
		Email: "ada@acme.example", APIToken: "acme-api-token",
		Me: j.Me, Settings: j.Settings, Security: j.Security, HostMappings: j.HostMappings,
		Users:             items("users"),
		SupportAddresses:  items("support_addresses"),
		Brands:            items("brands"),
		CustomRoles:       items("custom_roles"),
		Sessions:          items("sessions"),
		Triggers:          items("triggers"),
		Automations:       items("automations"),
		Targets:           items("targets"),
		Webhooks:          items("webhooks"),
		OAuthClients:      items("oauth_clients"),
		OAuthTokens:       items("oauth_tokens"),
		GlobalClients:     items("oauth_global_clients"),
		APITokens:         items("api_tokens"),
		AuditLogs:         items("audit_logs"),
		AccessLogs:        items("access_logs"),
		SuspendedTickets:  items("suspended_tickets"),
		DeletionSchedules: items("deletion_schedules"),
		TicketFields:      items("ticket_fields"),
		UserFields:        items("user_fields"),
		TicketForms:       items("ticket_forms"),
		Workspaces:        items("workspaces"),
		SharingAgreements: items("sharing_agreements"),
		InstalledApps:     items("apps_installed"),
		OwnedApps:         items("apps_owned"),
		PhoneNumbers:      items("phone_numbers"),
		UserSegments:      items("user_segments"),
		PermissionGroups:  items("permission_groups"),
	}
}

// unmarshal keeps numbers as they are written.
func unmarshal(data []byte, into any) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		panic(fmt.Errorf("acme.json: %w", err))
	}
}

// Large is Acme grown to the size that an account can have: 3,000 support
// addresses on 800 domains, 50 brands with a host name each, 20,000 users of whom
// 2,000 are agents and 20 admins, and the rate limit of the smallest plan.
func Large() *Account {
	a := Acme()
	a.PerMinute = 200
	a.SupportAddresses = List{3000, func(i int) Object {
		return Object{
			"id": 10_000 + i, "email": fmt.Sprintf("team%d@brand%d.example", i, i%800), "name": fmt.Sprintf("Team %d", i), "brand_id": 1 + i%50,
			"default": nil, "forwarding_status": "verified", "spf_status": "verified", "cname_status": "verified",
			"domain_verification_status": "verified", "domain_verification_code": "0123456789abcdef",
			"created_at": "2024-01-01T00:00:00Z", "updated_at": "2024-01-01T00:00:00Z",
		}
	}}
	a.Brands = List{50, func(i int) Object {
		return Object{
			"id": 1 + i, "name": fmt.Sprintf("Brand %d", i), "subdomain": fmt.Sprintf("acme-%d", i), "brand_url": fmt.Sprintf("https://acme-%d.zendesk.com", i),
			"active": true, "default": i == 0, "is_deleted": false, "has_help_center": true, "help_center_state": "enabled",
			"host_mapping": fmt.Sprintf("help.brand%d.example", i),
		}
	}}
	a.HostMappings = map[int64]Object{}
	for i := range 50 {
		a.HostMappings[int64(1+i)] = Object{"is_valid": true, "cname": fmt.Sprintf("acme-%d.zendesk.com", i)}
	}
	a.Users = List{20_000, func(i int) Object {
		role := "end-user"
		switch {
		case i%1000 == 0:
			role = "admin"
		case i%10 == 0:
			role = "agent"
		}
		return Object{
			"id": 1_000_000 + i, "name": fmt.Sprintf("User %d Example", i), "email": fmt.Sprintf("user%d@acme.example", i), "alias": nil,
			"role": role, "active": true, "suspended": i%50 == 0, "verified": i%3 != 0, "restricted_agent": true, "shared_agent": false,
			"two_factor_auth_enabled": i%20 == 0, "last_login_at": "2026-11-01T00:00:00Z", "created_at": "2024-01-01T00:00:00Z",
		}
	}}
	return a
}
