package zendesk

import (
	"github.com/mailcheck-go/mailcheck/check"
)

func passwords(Settings) []rule {
	return []rule{twoFactorEnforced(), twoFactorEnrolled(), passwordLevelSplit(), passwordUnique(), newDeviceAlert()}
}

// passwordsCount reports whether the team's passwords open the account: they are
// allowed, and SSO does not take their place.
func passwordsCount(a *Analysis) (bool, []check.Gap) {
	auth := &a.security().Authentication.Agent
	switch {
	case auth.EnforceSSO == Yes:
		return false, nil
	case auth.EnforceSSO == Unknown && auth.ZendeskLogin == Yes && a.Seen(EndpointSecurity):
		return false, a.absent(EndpointSecurity, "authentication.agent.enforce_sso")
	}
	return nativeLogin(a)
}

func twoFactorEnforced() rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.two-factor-enforced",
			Severity: check.Critical,
			Title:    "The team may sign in without a second factor",
			Text: "A password that was guessed, reused or typed into a forged page is then enough to read and answer every ticket. " +
				"This is how most help desks are taken over.",
			Fix:   "Require two-factor authentication of team members in the security settings.",
			Cite:  []check.Cite{theList(33), reference("security_settings")},
			Since: since,
		},
		applies: func(a *Analysis) (bool, []check.Gap) {
			auth := &a.security().Authentication.Agent
			if auth.EnforceSSO == Yes && auth.RemoteBypass.Is == Present && auth.ZendeskLogin != No {
				return true, nil // for those who may pass by SSO
			}
			return passwordsCount(a)
		},
		reads: []Endpoint{EndpointSecurity},
		check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			const field = "authentication.agent.two_factor_enforce"
			auth := &a.security().Authentication.Agent
			switch auth.TwoFactorEnforce {
			case Unknown:
				return nil, a.absent(EndpointSecurity, field)
			case Yes:
				return nil, nil
			}
			f := check.Finding{
				Subject: a.subject(), Detail: check.Textf("two-factor authentication is not required of team members"),
				Evidence: evidence(EndpointSecurity, "%s: false", field),
			}
			if auth.EnforceSSO == Yes {
				f.Severity = check.Medium
				f.Detail = check.Textf("those who may pass by SSO with a password need no second factor for it")
			}
			return []check.Finding{f}, nil
		},
	}
}

func twoFactorEnrolled() rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.two-factor-enrolled",
			Severity: check.Critical,
			Title:    "Some of the team have no second factor",
			Text: "Whoever learns the password of one of them gets in. " +
				"Of an admin that means the whole account, with all settings and exports.",
			Fix:   "Have these users set up two-factor authentication; then require it of all.",
			Cite:  []check.Cite{theList(33), reference("users")},
			Since: since,
		},
		applies: passwordsCount,
		reads:   []Endpoint{EndpointTeam},
		check: func(a *Analysis) (findings []check.Finding, gaps []check.Gap) {
			without := func(u User) bool { return u.TwoFactor == No }
			page := func(u User) string { return a.userPage(u.ID) }
			if all := keep(a.Admins, without); len(all) > 0 {
				findings = append(findings, check.Finding{
					Subject: a.subject(), Detail: check.Textf("%d of the admins did not set up a second factor", len(all)), Evidence: named(EndpointTeam, all, page),
				})
			}
			if all := keep(a.Agents, without); len(all) > 0 {
				findings = append(findings, check.Finding{
					Subject: a.subject(), Severity: check.High, Detail: check.Textf("%d of the agents did not set up a second factor", len(all)),
					Evidence: named(EndpointTeam, all, page),
				})
			}
			open := func(u User) bool { return u.TwoFactor == Unknown }
			if len(keep(a.Admins, open))+len(keep(a.Agents, open)) > 0 {
				gaps = a.absent(EndpointTeam, "two_factor_auth_enabled")
			}
			return findings, gaps
		},
	}
}

func passwordLevelSplit() rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.password-level-split",
			Severity: check.Medium,
			Title:    "The team's passwords are held to no more than those of end users",
			Text: "An end user's password opens that user's own tickets; one of the team opens everybody's. " +
				"Levels are set for each side, so the team's can be stricter without troubling customers.",
			Fix:   "Set a stricter password level for team members than for end users, or “Recommended” for both.",
			Cite:  []check.Cite{theList(34), guide("4408822149018"), reference("security_settings")},
			Since: since,
		},
		applies: func(a *Analysis) (bool, []check.Gap) {
			switch a.security().Authentication.EndUser.ZendeskLogin {
			case No:
				return false, nil
			case Unknown:
				return false, append(a.Gaps(EndpointSecurity), a.absent(EndpointSecurity, "authentication.end_user.zendesk_login")...)
			}
			return nativeLogin(a)
		},
		reads: []Endpoint{EndpointSecurity},
		check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			const recommended = 350
			auth := &a.security().Authentication
			team, endUsers := auth.Agent.level(), auth.EndUser.level()
			f := check.Finding{
				Subject:  a.subject(),
				Evidence: evidence(EndpointSecurity, "authentication.agent.security_policy_id: %d, authentication.end_user.security_policy_id: %d", team, endUsers),
			}
			switch {
			case team == 0 || endUsers == 0:
				return nil, a.absent(EndpointSecurity, "security_policy_id")
			case team < endUsers:
				f.Detail = check.Textf("the password level of the team is “%s”, below that of end users, “%s”", levelNames[team], levelNames[endUsers])
			case team == endUsers && team < recommended:
				f.Severity = check.Low
				f.Detail = check.Textf("the password level of the team is that of end users, “%s”", levelNames[team])
			default:
				return nil, nil
			}
			return []check.Finding{f}, nil
		},
	}
}

func passwordUnique() rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.password-unique",
			Severity: check.Low,
			Title:    "Passwords for Zendesk may be in use elsewhere too",
			Text: "A password that is used in two places is lost in both when one of them is broken into. " +
				"Lists of such passwords are tried against every help desk.",
			Fix:   "Have the team use a password manager with a password for Zendesk alone, and let no admin set other people's passwords.",
			Cite:  []check.Cite{theList(35), reference("security_settings")},
			Since: since,
		},
		applies:  nativeLogin,
		question: "Is the team held to passwords that are used for Zendesk and nowhere else, by a password manager say?",
	}
}

func newDeviceAlert() rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.new-device-alert",
			Severity: check.Low,
			Title:    "A sign-in from a new device may go unnoticed",
			Text: "The mail about a sign-in from a device that was not seen before is often the first sign that somebody else has the password. " +
				"Each user turns it on for themselves.",
			Fix:   "Have each of the team turn on mails about sign-ins from new devices, on their own profile.",
			Cite:  []check.Cite{theList(36)},
			Since: since,
		},
		question: "Has everybody of the team turned on email alerts for sign-ins from a new device?",
	}
}
