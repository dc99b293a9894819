package zendesk

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/mailcheck-go/mailcheck/check"
)

func compliance(s Settings) []rule {
	return []rule{hipaa(s), creditCardField(s), regulatedData(), privacyReviewed(), trustCenterReviewed()}
}

// hipaa rests on a person's word. Where the policy says that there is health data,
// what the account shows of Zendesk's configuration for it has to be as wanted too.
func hipaa(s Settings) rule {
	r := rule{
		Doc: check.Doc{
			ID:       "zendesk.hipaa",
			Severity: check.High,
			Title:    "Health data is held without the agreement and the settings that it needs",
			Text: "Health data of patients in the United States (PHI) may be given to a service only under a Business Associate Agreement, " +
				"and the agreement asks for security settings that go with it. Without both, holding the data breaks HIPAA.",
			Fix:   "Sign the Business Associate Agreement with Zendesk, apply the security configuration that belongs to it, or keep health data out of the account.",
			Cite:  []check.Cite{theList(54), reference("security_settings"), reference("account_settings")},
			Since: since,
		},
		question: "If the account holds health data (PHI): is the Business Associate Agreement with Zendesk signed, and is the configuration applied that it asks for?",
	}
	if s.HIPAA {
		r.reads = []Endpoint{EndpointSecurity, EndpointSettings}
		r.check = func(a *Analysis) ([]check.Finding, []check.Gap) { return healthData(a, s) }
	}
	return r
}

// healthData looks for the settings that the account has to have: two factors or
// SSO, strong passwords, short sessions, known addresses, private attachments.
func healthData(a *Analysis, s Settings) (findings []check.Finding, gaps []check.Gap) {
	want := func(e Endpoint, field string, is Bool, seen any, detail check.Text) {
		f, g := a.setting(e, field, is, No, check.Finding{Detail: detail})
		for i := range f {
			f[i].Evidence = evidence(e, "%s: %v", field, seen)
		}
		findings, gaps = append(findings, f...), append(gaps, g...)
	}
	atLeast := func(n Opt[int64], min int64) Bool {
		if n.Is == Absent {
			return Unknown
		}
		return boolOf(n.Value >= min)
	}
	security := a.security()
	team := security.Authentication.Agent
	if team.EnforceSSO != Yes {
		want(EndpointSecurity, "authentication.agent.two_factor_enforce", team.TwoFactorEnforce, false,
			check.Textf("the policy says that there is health data, and the team needs neither SSO nor two factors to sign in"))
		want(EndpointSecurity, "authentication.agent.security_policy_id", atLeast(team.PolicyID, 300), team.PolicyID.Value,
			check.Textf("the policy says that there is health data, and the team's password level is below high"))
	}
	minutes := security.AgentSessionTimeout
	short := atLeast(minutes, 1)
	if minutes.Value > int64(s.SessionMinutes) {
		short = No
	}
	want(EndpointSecurity, "agent_session_timeout", short, minutes.Value,
		check.Textf("the policy says that there is health data, and the team is not signed out after %d minutes without activity", s.SessionMinutes))
	want(EndpointSecurity, "ip.ip_restriction_enabled", security.IP.Enabled, false,
		check.Textf("the policy says that there is health data, and the account may be used from any address"))
	want(EndpointSettings, "tickets.private_attachments", a.settings().Tickets.PrivateAttachments, false,
		check.Textf("the policy says that there is health data, and attachments open without sign-in"))
	return findings, gaps
}

// cardTerms are in the titles of fields that ask for a card number.
var cardTerms = regexp.MustCompile(`(?i)credit[ -]?card|card[ -]?(number|no\b)|\bcv[vc]2?\b|クレジットカード|カード番号|カードの番号|セキュリティコード`)

// freeText are the types of fields that keep whatever is written into them.
var freeText = []string{"text", "textarea", "regexp", "integer", "decimal"}

func creditCardField(s Settings) rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.credit-card-field",
			Severity: check.Medium,
			Title:    "Card numbers are kept in fields that are not made for them",
			Text: "A text field keeps the whole card number, in the ticket, in exports and in notifications, where the rules of the card industry (PCI DSS) do not allow it. " +
				"The field type for credit cards keeps the last four digits alone.",
			Fix:   "Use the credit card field on a ticket form where card data is needed, and deactivate other fields that ask for it.",
			Cite:  []check.Cite{theList(55), reference("ticket_fields"), reference("ticket_forms")},
			Since: since,
		},
		reads: []Endpoint{EndpointTicketFields},
		check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			var findings []check.Finding
			for _, f := range a.TicketFields {
				if f.Active != No && slices.Contains(freeText, f.Type) && cardTerms.MatchString(f.Title) {
					findings = append(findings, check.Finding{
						Subject:  fmt.Sprintf("ticket field %d", f.ID),
						Detail:   check.Textf("a field of type %s asks for card data: %s", f.Type, f.Title),
						Evidence: evidence(EndpointTicketFields, "%s: type %s", f.Title, f.Type),
					})
				}
			}
			if !s.PCI {
				return bounded(findings, nil)
			}
			gaps := cardForms(a)
			if gaps == nil && a.Seen(EndpointTicketFields) && !slices.ContainsFunc(a.TicketFields, func(f Field) bool { return isCardField(f) && onForm(a, f.ID) }) {
				findings = append(findings, check.Finding{Subject: a.subject(), Detail: check.Textf("the policy says that tickets may need card data, and no active ticket form has a credit card field")})
			}
			return bounded(findings, gaps)
		},
	}
}

func isCardField(f Field) bool { return f.Type == "partialcreditcard" && f.Active == Yes }

// cardForms is what is missing of the forms. A plan without them has one form, with
// all active fields.
func cardForms(a *Analysis) []check.Gap {
	if a.Endpoints[EndpointTicketForms].State == StateNotOnPlan {
		return nil
	}
	return a.Gaps(EndpointTicketForms)
}

func onForm(a *Analysis, field ID) bool {
	return len(a.TicketForms) == 0 || slices.ContainsFunc(a.TicketForms, func(f TicketForm) bool {
		return f.Active != No && slices.Contains(f.FieldIDs, field)
	})
}

func regulatedData() rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.regulated-data",
			Severity: check.Info,
			Title:    "The further controls for health or card data are not in place",
			Text: "Who has to follow HIPAA or PCI DSS needs more than the common settings: Zendesk's guide lists what else to turn on and what to leave alone. " +
				"No interface shows whether the rules hold for an account.",
			Fix:   "Go through the part of Zendesk's guide about PHI, ePHI, HIPAA and PCI DSS, and apply it.",
			Cite:  []check.Cite{theList(56)},
			Since: since,
		},
		question: "If HIPAA or PCI DSS hold for the account: are the further controls of Zendesk's guide in place?",
	}
}

func privacyReviewed() rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.privacy-reviewed",
			Severity: check.Info,
			Title:    "Nobody has gone through the privacy guide of each product in use",
			Text: "Each product of the Suite keeps and deletes personal data in its own way. " +
				"Requests of customers to see or delete their data can be answered in time only by who knows these ways.",
			Fix:   "Go through Zendesk's guide to privacy and data protection law for each product in use, once a year.",
			Cite:  []check.Cite{theList(59)},
			Since: since,
		},
		question: "Has somebody gone through Zendesk's privacy guide for each product in use, within a year?",
	}
}

func trustCenterReviewed() rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.trust-center-reviewed",
			Severity: check.Info,
			Title:    "Nobody has gone through Zendesk's Trust Center",
			Text:     "The Trust Center has the certificates, the list of subprocessors and the places of the data, which change. Contracts and notices of your own may have to follow.",
			Fix:      "Go through the Trust Center once a year, and compare it with your own contracts and notices.",
			Cite:     []check.Cite{theList(60)},
			Since:    since,
		},
		question: "Has somebody compared Zendesk's Trust Center with the contracts and privacy notices of the organisation, within a year?",
	}
}
