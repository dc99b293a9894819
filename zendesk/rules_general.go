package zendesk

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
)

func general(s Settings) []rule {
	return []rule{sandbox(), mobileAccess(s), contentModeration(), notificationsReviewed(s)}
}

func sandbox() rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.sandbox",
			Severity: check.Low,
			Title:    "Changes are not tried out in a sandbox",
			Text: "Triggers, roles and sign-in settings that are tried out in production act on real customers and their data at once. " +
				"A sandbox is a copy of the configuration in which a mistake reaches nobody.",
			Fix:   "Create a sandbox, and try changes there first.",
			Cite:  []check.Cite{theList(7), reference("account_settings")},
			Since: since,
		},
		question: "Are changes of the configuration tried out in a sandbox before they reach the production account?",
		reads:    []Endpoint{EndpointSettings},
		check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			const field = "active_features.sandbox"
			switch a.settings().ActiveFeatures.Sandbox {
			case Unknown:
				return nil, a.absent(EndpointSettings, field)
			case No:
				return []check.Finding{{
					Subject:  a.subject(),
					Detail:   check.Textf("the account has no sandbox"),
					Evidence: evidence(EndpointSettings, "%s: false", field),
				}}, nil
			}
			return nil, nil
		},
	}
}

func mobileAccess(s Settings) rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.mobile-access",
			Severity: check.Medium,
			Title:    "The mobile app gives access to the account",
			Text: "Who finds or steals a phone on which the app is signed in reads and writes tickets as its owner. " +
				"Phones are often private, and no address range holds for them.",
			Fix:   "Turn off access with the Zendesk Support mobile app where it is not needed; else have it sign out after a short time without activity.",
			Cite:  []check.Cite{theList(8), reference("security_settings")},
			Since: since,
		},
		reads: []Endpoint{EndpointSecurity},
		check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			security := a.security()
			switch security.MobileAppAccess {
			case Unknown:
				return nil, a.absent(EndpointSecurity, "mobile_app_access")
			case No:
				return nil, nil
			}
			f := check.Finding{Subject: a.subject()}
			minutes, ok := security.MobileAppSessionTimeout.Get()
			switch known := ok || security.MobileAppSessionTimeout.Is == Null; {
			case !known && s.MobileAllowed:
				return nil, a.absent(EndpointSecurity, "mobile_app_session_timeout")
			case !known:
				f.Severity = check.Low
				f.Detail = check.Textf("the mobile app may be used")
				f.Evidence = evidence(EndpointSecurity, "mobile_app_access: true")
				return []check.Finding{f}, a.absent(EndpointSecurity, "mobile_app_session_timeout")
			case minutes <= 0:
				f.Detail = check.Textf("the mobile app may be used, and never signs out")
			case minutes > int64(s.MobileMinutes):
				f.Detail = check.Textf("the mobile app may be used, and signs out after %d minutes without activity; at most %d are wanted", minutes, s.MobileMinutes)
			case s.MobileAllowed:
				return nil, nil
			default:
				f.Severity = check.Low
				f.Detail = check.Textf("the mobile app may be used; it signs out after %d minutes without activity", minutes)
			}
			f.Evidence = evidence(EndpointSecurity, "mobile_app_access: true, mobile_app_session_timeout: %d", minutes)
			return []check.Finding{f}, nil
		},
	}
}

// hasHelpCenter reports whether any brand has a help centre that is open to anybody.
func hasHelpCenter(a *Analysis) (bool, []check.Gap) {
	gaps := a.missing(EndpointBrands)
	for _, b := range a.Brands {
		state, _ := b.HelpCenterState.Get()
		switch {
		case b.Deleted == Yes || b.Active == No || state == "disabled" || b.HasHelpCenter == No:
		case b.HasHelpCenter == Yes:
			return true, nil
		case gaps == nil:
			gaps = a.absent(EndpointBrands, "has_help_center")
		}
	}
	return false, gaps
}

func contentModeration() rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.content-moderation",
			Severity: check.Medium,
			Title:    "What end users write in the help center is shown without being looked at",
			Text: "Comments and community posts can carry spam, links to forged sign-in pages and other people's personal data, " +
				"under the name of your help center. Moderation holds them back until somebody has read them.",
			Fix:   "Turn on content moderation in the settings of Guide, or take away the right to comment and post.",
			Cite:  []check.Cite{theList(9)},
			Since: since,
		},
		applies:  hasHelpCenter,
		question: "Is what end users write in the help center and community moderated before it is shown?",
	}
}

func notificationsReviewed(s Settings) rule {
	r := &notifications{settings: s}
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.notifications-reviewed",
			Severity: check.Medium,
			Title:    "Automated notifications may reach the wrong people",
			Text: "A trigger or automation sends ticket texts to whomever it names, also to somebody who has left, to every agent, or to a system outside. " +
				"Nobody sees these messages in the ticket.",
			Fix:   "Go through the triggers and automations that notify, and leave only those whose recipients need the message.",
			Cite:  []check.Cite{theList(10), reference("triggers"), reference("automations")},
			Since: since,
		},
		question: "Has somebody gone through the triggers and automations that send notifications, and do these reach the right people alone?",
		reads:    []Endpoint{EndpointTriggers, EndpointAutomations},
		check:    r.check,
		reviews:  []Endpoint{EndpointTriggers, EndpointAutomations, EndpointTargets, EndpointWebhooks},
		reviewed: func(a *Analysis) any {
			rules := func(all []Notification) []string {
				return sortedLines(all, func(n Notification) string { return fmt.Sprint(n.ID, " ", n.Hash) })
			}
			return [][]string{
				rules(a.Triggers), rules(a.Automations),
				sortedLines(a.Targets, func(t Target) string { return fmt.Sprint(t.ID, t.Active, t.Origin.Value, " ", t.EmailDomain.Value) }),
				sortedLines(a.Webhooks, func(w Webhook) string { return fmt.Sprint(w.ID, " ", w.Status.Value, " ", w.Origin.Value) }),
			}
		},
	}
}

// notifications judges whom triggers and automations notify. Whether the way there
// is safe is the matter of zendesk.webhook-endpoints.
type notifications struct{ settings Settings }

func (r *notifications) check(a *Analysis) (findings []check.Finding, gaps []check.Gap) {
	for _, of := range []struct {
		kind     string
		endpoint Endpoint
		all      []Notification
	}{{"trigger", EndpointTriggers, a.Triggers}, {"automation", EndpointAutomations, a.Automations}} {
		for _, n := range of.all {
			for _, to := range n.Notifies {
				severity, detail, g := r.judge(a, to)
				gaps = append(gaps, g...)
				if detail.IsZero() {
					continue
				}
				findings = append(findings, check.Finding{
					Subject: of.kind + " " + strconv.FormatInt(int64(n.ID), 10), Severity: severity, Detail: detail,
					Evidence: evidence(of.endpoint, "%s: %s %s", n.Title, to.Field, to.To),
				})
			}
		}
	}
	return bounded(findings, gaps)
}

func (r *notifications) judge(a *Analysis, to Notified) (severity check.Severity, detail check.Text, gaps []check.Gap) {
	switch {
	case to.To == "all_agents":
		return check.Low, check.Textf("it notifies all agents"), nil
	case to.Field == "notification_user" || to.Field == "notification_sms_user":
		id, ok := to.UserID()
		if !ok {
			return 0, check.Text{}, nil // by part, as requester_id
		}
		user, found := a.User(id)
		switch {
		case !found:
			if gaps = a.missing(EndpointTeam, EndpointNamedUsers); gaps == nil {
				detail = check.Textf("it notifies %s, whom the account does not have any longer", a.userPage(id))
			}
		case user.Active == No:
			detail = check.Textf("it notifies %s, who is deleted", a.userPage(id))
		case user.Suspended == Yes:
			detail = check.Textf("it notifies %s, who is suspended", a.userPage(id))
		}
		return 0, detail, gaps
	case to.Field == "notification_target":
		i := slices.IndexFunc(a.Targets, func(t Target) bool { return strconv.FormatInt(int64(t.ID), 10) == to.To })
		if i < 0 {
			return check.Low, check.Text{}, a.missing(EndpointTargets) // one that is gone notifies nobody
		}
		t := a.Targets[i]
		switch domain, mails := t.EmailDomain.Get(); {
		case t.Active == No:
			return check.Low, check.Textf("it notifies the target %d, which is not active", t.ID), nil
		case mails && !r.own(a, domain):
			return check.Low, check.Textf("it mails to an address at %s, which is not among the domains that may be notified", domain), nil
		}
		return r.outside(a.Targets[i].Origin)
	case to.Field == "notification_webhook":
		i := slices.IndexFunc(a.Webhooks, func(w Webhook) bool { return w.ID == to.To })
		if i < 0 {
			return check.Low, check.Text{}, a.missing(EndpointWebhooks)
		}
		if a.Webhooks[i].Status.Value == "inactive" {
			return check.Low, check.Textf("it notifies the webhook %s, which is not active", to.To), nil
		}
		return r.outside(a.Webhooks[i].Origin)
	}
	return 0, check.Text{}, nil
}

// own reports whether a mail domain is the account's, the team's, or one that the
// owner names.
func (r *notifications) own(a *Analysis, domain string) bool {
	return IsZendesk(domain) || slices.ContainsFunc(a.Domains, func(d AddressDomain) bool { return d.Name == domain }) ||
		below(domain, slices.Concat(r.settings.NotifyDomains, r.settings.TeamDomains, a.Given.TeamDomains))
}

// outside judges an origin, where the owner names domains at all: webhooks are
// there to reach other systems.
func (r *notifications) outside(origin Opt[string]) (check.Severity, check.Text, []check.Gap) {
	_, host, ok := strings.Cut(origin.Value, "://")
	host, _, _ = strings.Cut(host, ":")
	if !ok || len(r.settings.NotifyDomains) == 0 || IsZendesk(host) || below(host, r.settings.NotifyDomains) {
		return 0, check.Text{}, nil
	}
	return check.Low, check.Textf("it sends to %s, which is not among the domains that may be notified", origin.Value), nil
}

// below reports whether a name is one of some domains, or below one.
func below(name string, domains []string) bool {
	return slices.ContainsFunc(domains, func(d string) bool { return name == d || strings.HasSuffix(name, "."+d) })
}
