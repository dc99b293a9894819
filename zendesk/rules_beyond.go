package zendesk

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
)

func beyond(Settings) []rule {
	return []rule{privateAttachments(), webhookEndpoints(), appsReviewed(), ticketSharing(), contentSecurityPolicy()}
}

func privateAttachments() rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.private-attachments",
			Severity: check.Medium,
			Title:    "Attachments open without sign-in",
			Text: "Whoever has the link of an attachment opens it: from a forwarded mail, a browser's history or a log. " +
				"Attachments hold identity papers, contracts and pictures of screens.",
			Fix:   "Require sign-in for attachments, and do not attach them to outgoing mail.",
			Cite:  []check.Cite{reference("account_settings")},
			Since: since,
		},
		reads: []Endpoint{EndpointSettings},
		check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			tickets := a.settings().Tickets
			findings, gaps := a.setting(EndpointSettings, "tickets.private_attachments", tickets.PrivateAttachments, No,
				check.Finding{Detail: check.Textf("attachments open without sign-in")})
			if tickets.PrivateAttachments != Yes {
				return findings, gaps
			}
			return a.setting(EndpointSettings, "tickets.email_attachments", tickets.EmailAttachments, Yes,
				check.Finding{Severity: check.Low, Detail: check.Textf("attachments need sign-in, and are sent in mails all the same")})
		},
	}
}

func webhookEndpoints() rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.webhook-endpoints",
			Severity: check.High,
			Title:    "Webhooks or targets send ticket data unprotected",
			Text: "What a webhook sends to an http address can be read and changed by everybody on the way. " +
				"Where it does not authenticate itself, the receiver cannot tell its requests from forged ones.",
			Fix:   "Give each webhook an https address and an authentication; replace targets with webhooks; delete what is not in use.",
			Cite:  []check.Cite{reference("webhooks"), reference("targets")},
			Since: since,
		},
		reads: []Endpoint{EndpointWebhooks, EndpointTargets},
		check: func(a *Analysis) (findings []check.Finding, gaps []check.Gap) {
			for _, w := range a.Webhooks {
				if w.Status.Value == "inactive" {
					continue
				}
				open := w.Authentication.Is == Null || w.Authentication.Value == "none"
				findings = append(findings, sendsTo("webhook "+w.ID, EndpointWebhooks, w.Name, w.Origin, open)...)
				if w.Origin.Is == Absent {
					gaps = a.absent(EndpointWebhooks, "webhooks[].endpoint")
				}
			}
			for _, t := range a.Targets {
				if t.Active == No || !strings.HasPrefix(t.Type, "url_target") {
					continue
				}
				findings = append(findings, sendsTo(fmt.Sprintf("target %d", t.ID), EndpointTargets, t.Title, t.Origin, t.HasUsername == No)...)
				if t.Origin.Is == Absent {
					gaps = append(gaps, a.absent(EndpointTargets, "targets[].target_url")...)
				}
			}
			return bounded(findings, gaps)
		},
	}
}

// sendsTo judges where one webhook or target sends, the graver fault first.
func sendsTo(subject string, e Endpoint, name string, to Opt[string], open bool) []check.Finding {
	origin, ok := to.Get()
	f := check.Finding{Subject: subject, Evidence: evidence(e, "%s: %s", name, origin)}
	switch {
	case !ok:
		return nil
	case unencrypted(origin):
		f.Detail = check.Textf("it sends to %s, without encryption", origin)
	case open:
		f.Severity = check.Low
		f.Detail = check.Textf("it sends to %s without authenticating itself", origin)
	default:
		return nil
	}
	return []check.Finding{f}
}

func appsReviewed() rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.apps-reviewed",
			Severity: check.Medium,
			Title:    "Apps are installed that nobody has gone through",
			Text: "An app runs in the agent's browser with the agent's rights: it reads the tickets that are open, and may send them to its maker. " +
				"An app that its maker has given up gets no repairs.",
			Fix:   "Remove apps that are not in use or are deprecated, and limit the others to the roles and groups that need them.",
			Cite:  []check.Cite{reference("apps")},
			Since: since,
		},
		question: "Has somebody gone through the installed apps, and is each of them needed, and its maker trusted with the tickets?",
		reads:    []Endpoint{EndpointInstalledApps, EndpointOwnedApps},
		check: func(a *Analysis) (findings []check.Finding, gaps []check.Gap) {
			for _, app := range a.InstalledApps {
				i := slices.IndexFunc(a.OwnedApps, func(o OwnedApp) bool { return o.ID == app.AppID })
				if i < 0 || app.Enabled == No || a.OwnedApps[i].Deprecated != Yes && a.OwnedApps[i].Obsolete != Yes {
					continue
				}
				findings = append(findings, check.Finding{
					Subject: "app " + or(app.Name, a.OwnedApps[i].Name), Severity: check.Low,
					Detail:   check.Textf("the app is deprecated or obsolete, and still in use"),
					Evidence: evidence(EndpointOwnedApps, "app %d: deprecated %s, obsolete %s", app.AppID, a.OwnedApps[i].Deprecated, a.OwnedApps[i].Obsolete),
				})
			}
			return bounded(findings, gaps)
		},
		reviews: []Endpoint{EndpointInstalledApps},
		reviewed: func(a *Analysis) any {
			on := slices.DeleteFunc(slices.Clone(a.InstalledApps), func(app InstalledApp) bool { return app.Enabled == No })
			return sortedLines(on, func(app InstalledApp) string {
				return fmt.Sprint(app.ID, " ", app.AppID, " restricted ", app.Restricted)
			})
		},
	}
}

func ticketSharing() rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.ticket-sharing",
			Severity: check.Low,
			Title:    "Tickets are shared with other accounts",
			Text: "A sharing agreement gives another account copies of tickets, with all comments and attachments that are shared, and that account's own roles decide who reads them. " +
				"One that is broken loses answers on the way.",
			Fix:   "End agreements that are not needed any more, and repair those that fail.",
			Cite:  []check.Cite{reference("sharing_agreements")},
			Since: since,
		},
		reads: []Endpoint{EndpointSharing},
		check: func(a *Analysis) (findings []check.Finding, gaps []check.Gap) {
			for _, g := range a.Sharing {
				partner := or(g.RemoteSubdomain.Value, or(g.PartnerName.Value, g.Name))
				f := check.Finding{Subject: fmt.Sprintf("sharing agreement %d", g.ID), Evidence: evidence(EndpointSharing, "%s: type %s, status %s", g.Name, g.Type, g.Status)}
				switch g.Status {
				case "failed", "ssl_error", "configuration_error":
					f.Detail = check.Textf("sharing of tickets with %s does not work: %s", partner, g.Status)
				case "accepted":
					f.Severity = check.Info
					f.Detail = check.Textf("tickets are shared with %s (%s)", partner, g.Type)
				default:
					continue
				}
				findings = append(findings, f)
			}
			return bounded(findings, gaps)
		},
	}
}

func contentSecurityPolicy() rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.content-security-policy",
			Severity: check.Low,
			Title:    "The Content Security Policy does not block",
			Text: "A Content Security Policy tells agents' browsers which servers scripts and pictures may come from. " +
				"Where it does not block, a script that got into a page runs with the agent's session.",
			Fix:   "Turn on the blocking of the Content Security Policy in the security settings, after seeing that the apps in use still work.",
			Cite:  []check.Cite{reference("security_settings")},
			Since: since,
		},
		reads: []Endpoint{EndpointSecurity},
		check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			return a.setting(EndpointSecurity, "csp_blocking_enabled", a.security().CSPBlockingEnabled, No,
				check.Finding{Detail: check.Textf("the Content Security Policy does not block anything")})
		},
	}
}
