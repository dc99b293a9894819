package zendesk

import (
	"fmt"
	"slices"
	"time"

	"github.com/mailcheck-go/mailcheck/check"
)

func users(s Settings) []rule {
	return []rule{
		devicesReviewed(s), endUserRegistration(), customRoles(s),
		guideAccess(), allowlist(), blocklist(), staleUsers(s),
	}
}

// daysAgo is the time some days before the one to judge for. Where that is not
// known there is a gap.
func daysAgo(a *Analysis, s Settings, days int) (time.Time, []check.Gap) {
	now := s.now(a)
	if now.IsZero() {
		return now, []check.Gap{{Subject: "the time of the facts", Why: check.NotAsked}}
	}
	return now.AddDate(0, 0, -days), nil
}

func devicesReviewed(s Settings) rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.devices-reviewed",
			Severity: check.Medium,
			Title:    "Devices and sessions of the team that nobody uses stay signed in",
			Text: "A device that was sold, lost or lent, and an application that somebody tried once, keep their access until it is taken away. " +
				"Nobody notices when others use it.",
			Fix:   "Have each of the team end sessions, and remove devices and applications, that they no longer use, on their own profile.",
			Cite:  []check.Cite{theList(25), reference("sessions")},
			Since: since,
		},
		question: "Has everybody of the team gone through the devices and applications on their profile, and removed what is not in use?",
		reads:    []Endpoint{EndpointSessions, EndpointTeam},
		check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			limit, gaps := daysAgo(a, s, s.SessionDays)
			if gaps != nil {
				return nil, gaps
			}
			var left []SessionAges
			for _, ages := range a.Sessions {
				if u, ok := a.User(ages.UserID); ok && isTeam(u) && !ages.OldestSeen.IsZero() && ages.OldestSeen.Before(limit) {
					left = append(left, ages)
				}
			}
			if len(left) == 0 {
				return nil, nil
			}
			return []check.Finding{{
				Subject: a.subject(),
				Detail:  check.Textf("sessions of %d of the team were not used for %d days", len(left), s.SessionDays),
				Evidence: named(EndpointSessions, left, func(ages SessionAges) string {
					return a.userPage(ages.UserID) + " " + ages.OldestSeen.Format(day)
				}),
			}}, nil
		},
	}
}

// isTeam reports whether a user is an agent or admin who can sign in.
func isTeam(u User) bool {
	return (u.Role == "admin" || u.Role == "agent") && u.Active != No && u.Suspended != Yes
}

func endUserRegistration() rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.end-user-registration",
			Severity: check.Medium,
			Title:    "Anybody may send requests without an address that was verified",
			Text: "Where end users need not register, anybody opens tickets under any address, and your own notifications go to people who never wrote to you. " +
				"Spammers use this to have help desks send their texts.",
			Fix:   "For an account that is not for the public, require end users to register and to verify their address.",
			Cite:  []check.Cite{theList(26)},
			Since: since,
		},
		question: "Do end users have to register and to verify their email address before they can send a request?",
	}
}

func customRoles(s Settings) rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.custom-roles",
			Severity: check.High,
			Title:    "More of the team than needed can change the account or see all tickets",
			Text: "Whoever takes over one admin has everything: settings, exports, all tickets, and the power to lock others out. " +
				"Roles that are cut to the work leave less to whoever takes over an agent.",
			Fix:   "Make admins of a few people only, and give the others roles that let them do their own work and no more.",
			Cite:  []check.Cite{theList(27), reference("custom_roles"), reference("users")},
			Since: since,
		},
		reads: []Endpoint{EndpointTeam},
		check: func(a *Analysis) (findings []check.Finding, gaps []check.Gap) {
			const smallTeam = 10
			admins, team := len(a.Admins), len(a.Admins)+len(a.Agents)
			who := named(EndpointTeam, a.Admins, func(u User) string { return a.userPage(u.ID) })
			switch {
			case admins > s.Admins:
				findings = append(findings, check.Finding{
					Subject: a.subject(), Evidence: who,
					Detail: check.Textf("%d of the team are admins; at most %d are wanted", admins, s.Admins),
				})
			case a.missing(EndpointTeam) == nil && team > smallTeam && admins*100 > team*s.AdminPercent:
				findings = append(findings, check.Finding{
					Subject: a.subject(), Severity: check.Medium, Evidence: who,
					Detail: check.Textf("%d of %d in the team are admins; at most %d%% are wanted", admins, team, s.AdminPercent),
				})
			}
			if open := openAgents(a); open > 0 {
				findings = append(findings, check.Finding{
					Subject: a.subject(), Severity: check.Low,
					Detail:   check.Textf("none of the %d agents is restricted to some tickets", open),
					Evidence: evidence(EndpointTeam, "restricted_agent: false"),
				})
			}
			if a.Endpoints[EndpointRoles].State != StateNotOnPlan { // then there are none
				gaps = a.Gaps(EndpointRoles)
			}
			return append(findings, wideRoles(a)...), gaps
		},
	}
}

// openAgents counts the agents where several are there and none is restricted.
func openAgents(a *Analysis) int {
	unrestricted := func(u User) bool { return u.Restricted == No }
	if len(a.Agents) < 2 || a.missing(EndpointTeam) != nil || slices.ContainsFunc(a.Agents, func(u User) bool { return !unrestricted(u) }) {
		return 0
	}
	return len(a.Agents)
}

// wideRoles finds roles of agents that see every ticket and change what the
// account does with tickets.
func wideRoles(a *Analysis) (findings []check.Finding) {
	const admin, billingAdmin = 4, 5 // role_type: their rights are what they are
	for _, r := range a.Roles {
		kind, c := r.RoleType.Value, r.Configuration
		all := c.TicketAccess.Value == "all" && (c.ManageBusinessRules == Yes || c.ManageExtensionsAndChannels == Yes)
		if members, _ := r.Members.Get(); members == 0 || kind == admin || kind == billingAdmin || !all {
			continue
		}
		findings = append(findings, check.Finding{
			Subject: fmt.Sprint("role ", r.ID), Severity: check.Medium,
			Detail: check.Textf("the role “%s”, which %d have, sees all tickets and manages rules or extensions", r.Name, r.Members.Value),
			Evidence: evidence(EndpointRoles, "ticket_access: all, manage_business_rules: %s, manage_extensions_and_channels: %s",
				c.ManageBusinessRules, c.ManageExtensionsAndChannels),
		})
	}
	findings, _ = bounded(findings, nil)
	return findings
}

func guideAccess() rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.guide-access",
			Severity: check.Low,
			Title:    "Who reads and edits the help center is not divided by user segments",
			Text: "Without segments an article is for everybody or for the whole team. " +
				"Internal instructions then stand where customers find them, or customers' knowledge where all agents may rewrite it.",
			Fix:   "In Guide, make user segments for those who may read, and management permissions for those who may edit and publish.",
			Cite:  []check.Cite{theList(28), reference("user_segments"), reference("permission_groups")},
			Since: since,
		},
		applies:  hasHelpCenter,
		question: "Has somebody gone through the user segments and permissions of the help center, so that internal articles are for the team alone?",
		reads:    []Endpoint{EndpointUserSegments, EndpointGuidePermissions},
		check: func(a *Analysis) (findings []check.Finding, gaps []check.Gap) {
			own := slices.ContainsFunc(a.UserSegments, func(u UserSegment) bool { return u.BuiltIn != Yes })
			if !own && a.Seen(EndpointUserSegments) {
				findings = append(findings, check.Finding{
					Subject: a.subject(), Detail: check.Textf("the help center has no user segment of its own"),
					Evidence: evidence(EndpointUserSegments, "built_in: true (%d)", len(a.UserSegments)),
				})
			}
			for _, g := range a.GuidePermissions {
				if g.BuiltIn != Yes && g.Edit == 0 && g.Publish == 0 {
					findings = append(findings, check.Finding{
						Subject: fmt.Sprint("permission group ", g.ID), Detail: check.Textf("the permission group “%s” lets nobody edit or publish", g.Name),
						Evidence: evidence(EndpointGuidePermissions, "edit: [], publish: []"),
						Fix:      &check.Fix{Summary: check.Textf("Give the group its user segments, or remove it")},
					})
				}
			}
			return bounded(findings, nil)
		},
		reviews: []Endpoint{EndpointUserSegments, EndpointGuidePermissions},
		reviewed: func(a *Analysis) any {
			return [][]string{
				sortedLines(a.UserSegments, func(u UserSegment) string { return fmt.Sprint(u.ID, " ", u.UserType.Value, u.BuiltIn) }),
				sortedLines(a.GuidePermissions, func(g PermissionGroup) string { return fmt.Sprint(g.ID, " ", g.Edit, " ", g.Publish) }),
			}
		},
	}
}

func allowlist() rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.allowlist",
			Severity: check.Medium,
			Title:    "No allowlist says who may sign in and send requests",
			Text: "An account for a closed circle, a company's own staff say, that lets everybody in gives strangers what is meant for that circle. " +
				"An allowlist of addresses and domains keeps them out.",
			Fix:   "Put the domains and addresses that may use the account on the allowlist.",
			Cite:  []check.Cite{theList(29)},
			Since: since,
		},
		question: "Is the allowlist of users and domains kept to those who may sign in and send requests?",
	}
}

func blocklist() rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.blocklist",
			Severity: check.Low,
			Title:    "No blocklist keeps out users who abuse the account",
			Text: "Senders of spam and forged mail come back. Without a blocklist each of their messages becomes a ticket that somebody has to read, " +
				"or lies in the suspended queue among real ones.",
			Fix:   "Put the addresses and domains that abuse the account on the blocklist, and suspend their users.",
			Cite:  []check.Cite{theList(30), theList(40)},
			Since: since,
		},
		question: "Are users who abuse the account suspended, and their addresses and domains kept on the blocklist?",
	}
}

func staleUsers(s Settings) rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.stale-users",
			Severity: check.High,
			Title:    "Users of the team who no longer sign in keep their access",
			Text: "The accounts of those who left, or changed their work, are the ones whose misuse nobody notices. " +
				"Their passwords are old, and often known elsewhere.",
			Fix:   "Suspend those who no longer need access, or make end users of them.",
			Cite:  []check.Cite{theList(31), reference("users")},
			Since: since,
		},
		reads: []Endpoint{EndpointTeam},
		check: func(a *Analysis) (findings []check.Finding, gaps []check.Gap) {
			limit, gaps := daysAgo(a, s, s.StaleDays)
			if gaps != nil {
				return nil, gaps
			}
			find := func(severity check.Severity, all []User, detail func(n int) check.Text, say func(User) string) {
				if len(all) > 0 {
					findings = append(findings, check.Finding{
						Subject: a.subject(), Severity: severity, Detail: detail(len(all)), Evidence: named(EndpointTeam, all, say),
					})
				}
			}
			last := func(u User) string {
				if at, ok := u.LastLogin.Get(); ok {
					return a.userPage(u.ID) + " " + at.Format(day)
				}
				return a.userPage(u.ID) + " never"
			}
			stale := func(u User) bool { return u.stale(limit) }
			find(0, keep(a.Admins, stale), func(n int) check.Text {
				return check.Textf("%d of the admins did not sign in for %d days", n, s.StaleDays)
			}, last)
			find(check.Medium, keep(a.Agents, stale), func(n int) check.Text {
				return check.Textf("%d of the agents did not sign in for %d days", n, s.StaleDays)
			}, last)
			team := slices.Concat(a.Admins, a.Agents)
			find(check.Medium, keep(team, func(u User) bool { return u.Outside == Yes }), func(n int) check.Text {
				return check.Textf("the address of %d of the team is outside the team's domains", n)
			}, func(u User) string { return a.userPage(u.ID) })
			if slices.ContainsFunc(team, func(u User) bool { return u.LastLogin.Is == Absent }) {
				gaps = a.absent(EndpointTeam, "last_login_at")
			}
			return findings, gaps
		},
	}
}

// stale reports that a user did not sign in since a time, and was there before it.
func (u User) stale(since time.Time) bool {
	if at, ok := u.LastLogin.Get(); ok {
		return at.Before(since)
	}
	created, known := u.CreatedAt.Get()
	return u.LastLogin.Is == Null && known && created.Before(since)
}

func keep(all []User, wanted func(User) bool) []User {
	return slices.DeleteFunc(slices.Clone(all), func(u User) bool { return !wanted(u) })
}
