package zendesk

import (
	"slices"
	"strings"
	"time"

	"github.com/mailcheck-go/mailcheck/check"
)

func access(s Settings) []rule {
	return []rule{
		passwordLevel(s), sessionExpiry(s), socialLogin(s),
		sso(s), ssoMFA(), ssoPassword(s), accountAssumption(s),
	}
}

// levelNames are the names of password levels by id; a higher id is stricter, but
// for custom, which is what the owner made it.
var levelNames = map[int64]string{100: "low", 200: "medium", 300: "high", 350: "recommended", 400: "custom"}

// level is the password level's id, 0 where it is not known.
func (auth *Authentication) level() int64 {
	id, ok := auth.PolicyID.Get()
	if !ok {
		id = levelOf(auth.PolicyName.Value)
	}
	if levelNames[id] == "" {
		return 0
	}
	return id
}

func levelOf(name string) int64 {
	for id, n := range levelNames {
		if n == name {
			return id
		}
	}
	return 0
}

// nativeLogin reports whether the team can sign in with passwords of Zendesk's own.
func nativeLogin(a *Analysis) (bool, []check.Gap) {
	login := a.security().Authentication.Agent.ZendeskLogin
	if login == Unknown {
		return false, append(a.Gaps(EndpointSecurity), a.absent(EndpointSecurity, "authentication.agent.zendesk_login")...)
	}
	return login == Yes, nil
}

func passwordLevel(s Settings) rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.password-level",
			Severity: check.High,
			Title:    "The team's passwords may be weaker than the policy",
			Text: "Whoever guesses one password of the team reads what customers wrote, and answers in your name. " +
				"The level that Zendesk recommends is the strictest of the ready-made ones.",
			Fix:   "In Admin Center, choose the level “Recommended” under Account > Security > Team member authentication.",
			Cite:  []check.Cite{theList(15), guide("4408822149018"), reference("security_settings")},
			Since: since,
		},
		applies: nativeLogin,
		reads:   []Endpoint{EndpointSecurity},
		check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			auth := &a.security().Authentication.Agent
			const custom, weak = 400, 300
			level, want := auth.level(), levelOf(s.PasswordLevel)
			switch {
			case level == 0:
				return nil, a.absent(EndpointSecurity, "authentication.agent.security_policy_id")
			case level == custom:
				return customPassword(a, s)
			case level >= want:
				return nil, nil
			}
			f := check.Finding{
				Subject:  a.subject(),
				Detail:   check.Textf("the password level of the team is “%s”; at least “%s” is wanted", levelNames[level], s.PasswordLevel),
				Evidence: evidence(EndpointSecurity, "authentication.agent.security_policy_id: %d", level),
			}
			if level >= weak {
				f.Severity = check.Low
			}
			return []check.Finding{f}, nil
		},
	}
}

// customPassword judges a level that the owner made.
func customPassword(a *Analysis, s Settings) (findings []check.Finding, gaps []check.Gap) {
	const mostAttempts = 10
	find := func(detail check.Text, format string, args ...any) {
		findings = append(findings, check.Finding{Subject: a.subject(), Severity: check.Medium, Detail: detail, Evidence: evidence(EndpointSecurity, format, args...)})
	}
	p := a.security().Authentication.Agent.Password
	switch n, ok := p.Length.Get(); {
	case !ok:
		gaps = a.absent(EndpointSecurity, "authentication.agent.password.password_length")
	case n < int64(s.PasswordLength):
		find(check.Textf("the team's passwords may have %d characters; at least %d are wanted", n, s.PasswordLength), "password_length: %d", n)
	}
	if p.MixedCase == No {
		find(check.Textf("the team's passwords need not have upper and lower case letters"), "password_in_mixed_case: false")
	}
	if n, ok := p.FailedAttempts.Get(); ok && n > mostAttempts {
		find(check.Textf("%d wrong passwords may be tried before an account is locked; at most %d are wanted", n, mostAttempts), "failed_attempts_allowed: %d", n)
	}
	return findings, gaps
}

func sessionExpiry(s Settings) rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.session-expiry",
			Severity: check.Medium,
			Title:    "Sessions of the team last longer than they need",
			Text: "A session that stays open on an unattended or stolen computer, or whose cookie was copied, gives access without a password or second factor. " +
				"The shorter sessions are, the less such a cookie is worth.",
			Fix:   "In the security settings, shorten the time without activity after which the team is signed out, and set a longest duration of sessions.",
			Cite:  []check.Cite{theList(16), reference("security_settings")},
			Since: since,
		},
		reads: []Endpoint{EndpointSecurity},
		check: func(a *Analysis) (findings []check.Finding, gaps []check.Gap) {
			const farTooLong = 3 // times the policy
			security := a.security()
			find := func(severity check.Severity, detail check.Text, format string, args ...any) {
				findings = append(findings, check.Finding{Subject: a.subject(), Severity: severity, Detail: detail, Evidence: evidence(EndpointSecurity, format, args...)})
			}
			minutes, ok := security.AgentSessionTimeout.Get()
			switch want := int64(s.SessionMinutes); {
			case !ok && security.AgentSessionTimeout.Is == Absent:
				gaps = a.absent(EndpointSecurity, "agent_session_timeout")
			case minutes <= 0:
				find(0, check.Textf("the team is never signed out for want of activity"), "agent_session_timeout: %d", minutes)
			case minutes > want:
				severity := check.Low
				if minutes > farTooLong*want {
					severity = check.Medium
				}
				find(severity, check.Textf("the team is signed out after %d minutes without activity; at most %d are wanted", minutes, want), "agent_session_timeout: %d", minutes)
			}
			switch security.MaximumSessionDurationEnabled {
			case Unknown:
				gaps = append(gaps, a.absent(EndpointSecurity, "maximum_session_duration_enabled")...)
			case No:
				find(check.Low, check.Textf("a session that is in use never ends: there is no longest duration"), "maximum_session_duration_enabled: false")
			}
			return findings, gaps
		},
	}
}

func socialLogin(s Settings) rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.social-login",
			Severity: check.Low,
			Title:    "End users may sign in with accounts of other services that are not wanted",
			Text: "Whoever takes over a customer's account at such a service reads the customer's tickets. " +
				"Each way to sign in that nobody needs is one more to attack.",
			Fix:   "Turn off the social logins of end users that are not needed; name those that are in the policy, under social_logins.",
			Cite:  []check.Cite{theList(17), reference("security_settings"), reference("account_settings")},
			Since: since,
		},
		check: func(a *Analysis) (findings []check.Finding, gaps []check.Gap) {
			endUser, features := &a.security().Authentication.EndUser, &a.settings().ActiveFeatures
			for _, l := range []struct {
				name     string
				on       Bool
				fallback Bool // from account/settings, which all agents see
				optional bool // shown by some accounts only
			}{
				{"google", endUser.GoogleLogin, features.GoogleLogin, false},
				{"facebook", endUser.FacebookLogin, features.FacebookLogin, false},
				{"office_365", endUser.Office365Login, Unknown, false},
				{"twitter", endUser.TwitterLogin, features.TwitterLogin, true},
			} {
				from, field := EndpointSecurity, "authentication.end_user."+l.name+"_login"
				if l.on == Unknown && l.fallback != Unknown {
					l.on, from, field = l.fallback, EndpointSettings, "active_features."+l.name+"_login"
				}
				switch {
				case slices.Contains(s.SocialLogins, l.name) || l.on == No:
				case l.on == Yes:
					findings = append(findings, check.Finding{
						Subject: a.subject(), Detail: check.Textf("end users may sign in with %s", l.name),
						Evidence: evidence(from, "%s: true", field),
					})
				case !a.Seen(EndpointSecurity):
					gaps = append(gaps, a.Gaps(EndpointSecurity)...)
				case !l.optional:
					gaps = append(gaps, a.absent(EndpointSecurity, field)...)
				}
			}
			return findings, gaps
		},
	}
}

// ssoOn reports whether the team can sign in through SSO.
func ssoOn(a *Analysis) (bool, []check.Gap) {
	auth := &a.security().Authentication.Agent
	all := []Bool{auth.RemoteLogin, auth.GoogleLogin, auth.Office365Login}
	switch {
	case slices.Contains(all, Yes):
		return true, nil
	case !slices.Contains(all, Unknown):
		return false, nil
	}
	return false, append(a.Gaps(EndpointSecurity), a.absent(EndpointSecurity, "authentication.agent.remote_login, google_login, office_365_login")...)
}

func sso(s Settings) rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.sso",
			Severity: check.High,
			Title:    "The team does not have to sign in through SSO",
			Text: "With single sign-on the company's own directory decides who gets in, with its second factor, and whoever leaves is locked out everywhere at once. " +
				"Beside SSO, passwords that are forgotten in Zendesk stay valid.",
			Fix:   "Set up SAML, JWT, Google or Microsoft sign-in for team members, and turn off their passwords.",
			Cite:  []check.Cite{theList(20), reference("security_settings")},
			Since: since,
		},
		reads: []Endpoint{EndpointSecurity},
		check: func(a *Analysis) (findings []check.Finding, gaps []check.Gap) {
			auth := &a.security().Authentication.Agent
			find := func(severity check.Severity, detail check.Text, text string) {
				if s.SSORequired {
					severity = 0
				}
				findings = append(findings, check.Finding{Subject: a.subject(), Severity: severity, Detail: detail, Evidence: evidence(EndpointSecurity, "%s", text)})
			}
			on, gaps := ssoOn(a)
			switch {
			case gaps != nil:
				return nil, gaps
			case !on:
				find(check.Info, check.Textf("the team signs in without SSO"), "authentication.agent: remote_login, google_login and office_365_login are false")
				return findings, nil
			}
			switch {
			case auth.EnforceSSO == Yes || auth.ZendeskLogin == No:
			case auth.EnforceSSO == No:
				find(check.Medium, check.Textf("the team may sign in through SSO, and with passwords too"), "authentication.agent.enforce_sso: false")
			default:
				gaps = a.absent(EndpointSecurity, "authentication.agent.enforce_sso")
			}
			if auth.Office365Login == Yes && auth.Office365EnforceTID == No {
				find(check.Medium, check.Textf("Microsoft sign-in is not limited to your own tenant"), "authentication.agent.office_365_enforce_tid: false")
			}
			return findings, gaps
		},
	}
}

func ssoMFA() rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.sso-mfa",
			Severity: check.High,
			Title:    "Sign-in through SSO may need no second factor",
			Text: "SSO hands the question of who somebody is to the identity provider. If that asks for a password alone, " +
				"one password that was stolen opens the help desk with everything else.",
			Fix:   "Have the identity provider ask for a second factor for Zendesk; where passwords stay beside SSO, require two-factor authentication in Zendesk too.",
			Cite:  []check.Cite{theList(21), reference("security_settings")},
			Since: since,
		},
		applies:  ssoOn,
		question: "Does the identity provider ask everybody of the team for a second factor when they sign in to Zendesk?",
		reads:    []Endpoint{EndpointSecurity},
		check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			auth := &a.security().Authentication.Agent
			switch {
			case auth.EnforceSSO == Yes || auth.ZendeskLogin == No || auth.TwoFactorEnforce == Yes:
				return nil, nil
			case auth.EnforceSSO == Unknown || auth.ZendeskLogin == Unknown || auth.TwoFactorEnforce == Unknown:
				return nil, a.absent(EndpointSecurity, "authentication.agent.enforce_sso, zendesk_login, two_factor_enforce")
			}
			return []check.Finding{{
				Subject:  a.subject(),
				Detail:   check.Textf("beside SSO the team may sign in with a password, and without a second factor"),
				Evidence: evidence(EndpointSecurity, "authentication.agent: enforce_sso: false, zendesk_login: true, two_factor_enforce: false"),
			}}, nil
		},
	}
}

func ssoPassword(s Settings) rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.sso-password",
			Severity: check.Medium,
			Title:    "Passwords beside SSO are not what the policy says",
			Text: "Passwords beside SSO let the team in while SSO is down, and let others in who know one. Both can be right; it should be a decision. " +
				"The policy's sso_password says which it is: disabled, or fallback.",
			Fix:   "Turn off the team's passwords, and let the owner alone pass by SSO; or say in the policy that they are the fallback.",
			Cite:  []check.Cite{theList(22), reference("security_settings")},
			Since: since,
		},
		applies: ssoOn,
		reads:   []Endpoint{EndpointSecurity},
		check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			const allAdmins = 2
			auth := &a.security().Authentication.Agent
			f := check.Finding{Subject: a.subject()}
			switch {
			case s.SSOPassword == "disabled" && auth.ZendeskLogin == No:
				return nil, nil
			case auth.EnforceSSO == Unknown:
				return nil, a.absent(EndpointSecurity, "authentication.agent.enforce_sso")
			case s.SSOPassword == "disabled" && auth.EnforceSSO == No:
				f.Detail = check.Textf("the team may sign in with passwords beside SSO, and the policy does not want that")
				f.Evidence = evidence(EndpointSecurity, "authentication.agent.enforce_sso: false")
			case s.SSOPassword == "fallback" && auth.EnforceSSO == Yes && auth.RemoteBypass.Value == allAdmins:
				f.Severity = check.Low
				f.Detail = check.Textf("all admins may pass by SSO with a password; for a fallback the owner is enough")
				f.Evidence = evidence(EndpointSecurity, "authentication.agent.remote_bypass: %d", allAdmins)
			default:
				return nil, nil
			}
			return []check.Finding{f}, nil
		},
	}
}

func accountAssumption(s Settings) rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.account-assumption",
			Severity: check.High,
			Title:    "Zendesk's staff may sign in as the team",
			Text: "While account assumption is on, Zendesk's support can act in the account as one of its users. " +
				"It is meant for the days of a support case; left on, whoever gets at Zendesk's own tools gets at the account.",
			Fix:   "Turn account assumption off, and on again only for as long as a support case needs it.",
			Cite:  []check.Cite{theList(23), reference("security_settings")},
			Since: since,
		},
		reads: []Endpoint{EndpointSecurity},
		check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			security := a.security()
			duration := strings.ToLower(security.AssumptionDuration.Value)
			until, ends := security.AssumptionExpiration.Get()
			now := s.now(a)
			f := check.Finding{
				Subject:  a.subject(),
				Detail:   check.Textf("account assumption is on, and no end is set"),
				Evidence: evidence(EndpointSecurity, "assumable: %s, assumption_duration: %q", security.Assumable, duration),
			}
			switch {
			case security.AssumableAccountType == Yes:
				f.Severity = check.Info
				f.Detail = check.Textf("account assumption cannot be turned off for this kind of account, such as a trial")
				return []check.Finding{f}, nil
			case security.Assumable == No || duration == "off" || ends && until.Before(now):
				return nil, nil
			case security.Assumable == Unknown && duration == "":
				return nil, a.absent(EndpointSecurity, "assumable")
			case ends && until.Sub(now) <= time.Duration(s.AssumptionHours)*time.Hour:
				return nil, nil
			case ends:
				f.Detail = check.Textf("account assumption is on until %s", until.Format(day))
			}
			if duration == "day" || duration == "week" {
				f.Severity = check.Medium
			}
			return []check.Finding{f}, nil
		},
	}
}
