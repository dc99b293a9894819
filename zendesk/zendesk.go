// Package zendesk reads what a Zendesk account shows of its configuration, so
// that it can be judged: who may sign in and how, which addresses and hosts the
// account has, what may use its API, and what happens to its data.
//
// [NewClient] makes a client of an account and [Credentials]; [Discover] asks
// everything that they show and writes it down as [Facts]; [Analyze] looks at facts
// from the sides that rules need, and [Rules] judge it: by what the owner wants, as
// [Settings] have it, and where no API shows something, by a person's word, as
// [Attestations] have it. [Lines] says which rule stands for which line of Zendesk's
// own list of advice. Nothing is ever changed in the account: the
// client sends GET requests, and for an OAuth client one POST to /oauth/tokens.
// [Account] hands the domains and hosts that an account names to package account, and
// joins what was seen of them with what the account says.
//
// # What is asked
//
// Everybody who is named in the third column sees the fields; an OAuth token needs
// the scope read, or the narrower one in brackets.
//
//	endpoint                               fields that are kept                          who sees it
//	users/me                               id, role, custom role                         anybody (users:read)
//	account/settings                       see AccountSettings                           agents
//	security_settings                      see SecuritySettings                          admins (security:read)
//	recipient_addresses                    all                                           agents
//	brands                                 all but logo and templates                    admins; host_mapping: admins only
//	brands/ID/check_host_mapping           all; for brands with a host name              admins
//	users?role[]=agent&role[]=admin        see User: no name, no address                 admins (users:read)
//	users/count?role=end-user              number                                        admins (users:read)
//	users?role=end-user                    counts; only with Options.EndUsers            admins (users:read)
//	users/show_many                        as the team; of ids that rules or tokens name admins (users:read)
//	custom_roles                           name, members, permissions                    agents; plan Enterprise
//	sessions                               oldest of each user                           admins
//	triggers, automations                  active ones that notify: whom                 agents (triggers:read, automations:read)
//	targets, webhooks                      origin, kind of authentication                admins (targets:read, webhooks:read)
//	oauth/clients, oauth/global_clients    name, identifier, kind, redirect origins      admins
//	oauth/tokens                           owner, scopes, times                          admins
//	api_tokens                             whether and how many; undocumented            admins
//	audit_logs                             newest 100, and 100 about API tokens          admins (auditlogs:read); plan Enterprise
//	access_logs                            whether there is one                          admins; add-on
//	suspended_tickets                      counts by cause, oldest, authors' domains     admins
//	deletion_schedules                     all                                           admins
//	ticket_fields, ticket_forms,           type, title, where shown                      agents
//	user_fields
//	workspaces                             title, activated, number of conditions        agents
//	sharing_agreements                     all                                           agents
//	apps/installations, apps/owned         name, enabled, restricted, deprecated         admins (apps:read)
//	channels/voice/phone_numbers           recording, failover                           admins; with Talk
//	help_center/user_segments,             name, kind, sizes                             Guide admins (hc:read); with Guide
//	guide/permission_groups
//
// # Memory
//
// Lists are read page by page (100 items) and each page is let go. Of a user some
// 150 octets are kept, and of the team alone; end users are counted. Every list is
// cut at Options.MaxItems with a Reply of [StateLimit], never in silence.
package zendesk

import (
	"context"
	"slices"
	"strings"
	"time"
)

// Options say what Discover asks. The zero value works.
type Options struct {
	// Budget is the time for everything; 15 min if 0. At 120 requests a minute
	// that is enough for 150,000 items of lists.
	Budget time.Duration
	// MaxItems is how many of one list are kept; 25,000 if 0. An account has at
	// most 3,000 support addresses.
	MaxItems int
	// TeamDomains are the domains of the team's own addresses. Where they are
	// given, facts say of each agent whether its address is at one of them.
	TeamDomains []string
	// EndUsers counts the end users one by one: a request for each hundred.
	EndUsers bool
	// Skip are endpoints that are not asked.
	Skip []Endpoint
}

// Discover asks an account for everything that rules need, side by side within
// the client's rate. It asks first whom the credentials are for, and nothing else
// where they are refused or the account cannot be reached. The error is the
// caller's own ctx.Err(), beside the facts so far; all else is in the facts.
func Discover(ctx context.Context, c *Client, o Options) (*Facts, error) {
	inner, cancel := context.WithTimeoutCause(ctx, or(o.Budget, 15*time.Minute), errBudget)
	defer cancel()
	o.MaxItems = or(o.MaxItems, 25_000)
	f := &Facts{Schema: Schema, Account: c.Origin(), At: now(), Endpoints: map[Endpoint]Reply{}}
	for _, domain := range o.TeamDomains {
		f.Given.TeamDomains = append(f.Given.TeamDomains, strings.ToLower(strings.TrimSpace(domain)))
	}
	d := &discovery{client: c, options: o, facts: f}
	d.run(inner, EndpointMe, d.me)
	if first := f.Endpoints[EndpointMe]; first.Failure != nil && first.Failure.fatal() {
		for _, e := range Endpoints() {
			if e != EndpointMe && !slices.Contains(o.Skip, e) && (e != EndpointEndUsers || o.EndUsers) {
				f.Endpoints[e] = Reply{State: StateNotAsked, Because: EndpointMe}
			}
		}
		return f, ctx.Err()
	}
	d.all(inner)
	return f, ctx.Err()
}
