package zendesk

import (
	"fmt"
	"slices"
	"time"

	"github.com/mailcheck-go/mailcheck/check"
)

// What the DNS of the support addresses' domains says is judged where the DNS is
// asked; see Analysis.Domains.
func mail(s Settings) []rule {
	return []rule{
		mailArchive(s), chatMail(), richContent(s), inboundAuthentication(),
		personalisedReplies(), unusedAddresses(s), wildcardAddresses(s),
	}
}

func mailArchive(s Settings) rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.mail-archive",
			Severity: check.Low,
			Title:    "Outgoing mail is not archived outside Zendesk",
			Text: "Where law or policy asks for an archive of the correspondence with customers, tickets are no archive: they can be changed, redacted and deleted. " +
				"Email archiving sends a copy of every outgoing mail to an address of yours.",
			Fix:   "Turn on email archiving, to an address of an archive of your own.",
			Cite:  []check.Cite{theList(62), reference("account_settings")},
			Since: since,
		},
		reads: []Endpoint{EndpointSettings},
		check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			f := check.Finding{Severity: check.Info, Detail: check.Textf("email archiving is off; the policy does not ask for it")}
			if s.ArchiveRequired {
				f = check.Finding{Detail: check.Textf("the policy asks for an archive of outgoing mail, and email archiving is off")}
			}
			archives := either(a.settings().ActiveFeatures.BCCArchiving, a.settings().Tickets.BCCArchivingEnabled)
			return a.setting(EndpointSettings, "active_features.bcc_archiving", archives, No, f)
		},
	}
}

func chatMail() rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.chat-mail",
			Severity: check.Low,
			Title:    "Chat transcripts are piped to mail",
			Text: "Email piping sends every chat to a mailbox, where neither the roles nor the deletion schedules of the account hold for it. " +
				"Whoever reads the mailbox reads all chats.",
			Fix:   "Turn off email piping in the settings of Chat, unless a task needs it.",
			Cite:  []check.Cite{theList(63), reference("account_settings")},
			Since: since,
		},
		applies: func(a *Analysis) (bool, []check.Gap) {
			chat := []Bool{a.settings().Chat.Enabled, a.settings().ActiveFeatures.Chat}
			switch {
			case slices.Contains(chat, Yes):
				return true, nil
			case slices.Contains(chat, No):
				return false, nil
			}
			return false, append(a.Gaps(EndpointSettings), a.absent(EndpointSettings, "chat.enabled")...)
		},
		question: "Is the email piping of Chat off, or is there a task that needs it?",
		reads:    []Endpoint{EndpointSettings},
		check:    func(*Analysis) ([]check.Finding, []check.Gap) { return nil, nil }, // the account shows whether there is a chat, no more
	}
}

func richContent(s Settings) rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.rich-content",
			Severity: check.Low,
			Title:    "Incoming mail is shown with its rich content",
			Text: "Formatted mail can hide where a link leads, and look like a page that the agent knows. " +
				"Agents open mail of strangers all day, and this is the way in which forged sign-in pages reach them.",
			Fix:   "Turn off rich content in incoming emails, unless a task needs it.",
			Cite:  []check.Cite{theList(64), reference("account_settings")},
			Since: since,
		},
		reads: []Endpoint{EndpointSettings},
		check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			if s.RichContent {
				return nil, nil
			}
			features := a.settings().ActiveFeatures
			is := either(a.settings().Email.RichContentInEmails, features.RichContentInEmails, features.RichContentInEmail)
			return a.setting(EndpointSettings, "rich_content_in_emails", is, Yes,
				check.Finding{Detail: check.Textf("rich content in incoming mail is on, and the policy does not say that it is needed")})
		},
	}
}

func inboundAuthentication() rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.inbound-authentication",
			Severity: check.High,
			Title:    "Senders of incoming mail are not authenticated",
			Text: "Without the check of SPF, DKIM and DMARC anybody can write into the ticket of a customer or an agent by forging the From address, and is believed. " +
				"Mail that fails waits among the suspended tickets. Zendesk can hold mail to its own addresses to it, forwarded mail as well, or a minimum of both.",
			Fix:   "In Admin Center, under Channels > Talk and email > Email, turn on “Authenticate emails received with SPF, DKIM, and DMARC alignment”, for more than the minimum; then watch the suspended tickets.",
			Cite:  []check.Cite{theList(65), guide("4408821985818"), guide("9611518490650"), reference("account_settings")},
			Since: since,
		},
		reads: []Endpoint{EndpointSettings},
		check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			email := a.settings().Email
			findings, gaps := a.setting(EndpointSettings, "email.email_sender_authentication", email.SenderAuthentication, No,
				check.Finding{Detail: check.Textf("incoming mail is not authenticated with SPF, DKIM and DMARC")})
			if email.SenderAuthentication != Yes {
				return findings, gaps
			}
			profile, ok := email.SenderAuthenticationProfile.Get()
			switch {
			case ok && profile == "enhanced":
				return nil, nil
			case ok && profile == "default":
				return []check.Finding{{
					Subject: a.subject(), Severity: check.Medium,
					Detail:   check.Textf("incoming mail is authenticated with the profile %s, which holds back less than the profile enhanced", profile),
					Evidence: evidence(EndpointSettings, "email.email_sender_authentication_profile: %s", profile),
				}}, nil
			}
			return nil, a.absent(EndpointSettings, "email.email_sender_authentication_profile: default or enhanced")
		},
	}
}

func personalisedReplies() rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.personalised-replies",
			Severity: check.Info,
			Title:    "Customers do not see who answers them, or see more of the name than they need",
			Text: "A reply under the agent's name lets customers know whom they write with. " +
				"An alias in its place keeps the agent's full name out of the mail.",
			Fix:   "Turn on personalized email replies, and give each agent an alias.",
			Cite:  []check.Cite{theList(67), reference("account_settings"), reference("users")},
			Since: since,
		},
		reads: []Endpoint{EndpointSettings, EndpointTeam},
		check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			personal := a.settings().Email.PersonalizedReplies
			findings, gaps := a.setting(EndpointSettings, "email.personalized_replies", personal, No,
				check.Finding{Detail: check.Textf("replies do not carry the agent's name")})
			if personal != Yes {
				return findings, gaps
			}
			team := slices.Concat(a.Admins, a.Agents)
			if slices.ContainsFunc(team, func(u User) bool { return u.HasAlias == Unknown }) {
				gaps = a.absent(EndpointTeam, "users[].alias")
			}
			if full := keep(team, func(u User) bool { return u.HasAlias == No }); len(full) > 0 {
				findings = append(findings, check.Finding{
					Subject:  a.subject(),
					Detail:   check.Textf("replies carry the agent's name; team members without an alias, whose full names go out: %d", len(full)),
					Evidence: named(EndpointTeam, full, func(u User) string { return a.userPage(u.ID) }),
				})
			}
			return findings, gaps
		},
	}
}

func unusedAddresses(s Settings) rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.unused-addresses",
			Severity: check.Medium,
			Title:    "Support addresses are broken or not in use",
			Text: "Mail to an address whose forwarding is broken reaches nobody, and customers wait. " +
				"From an address that nobody reads any more, and whose domain may have run out, others can write as you.",
			Fix:   "In Admin Center, under Channels > Talk and email > Email > Support addresses, repair the forwarding, or remove the address.",
			Cite:  []check.Cite{theList(68), guide("203663266"), reference("support_addresses")},
			Since: since,
		},
		question: "Has somebody gone through the support addresses, and is each of them in use and needed?",
		reads:    []Endpoint{EndpointSupportAddresses},
		check: func(a *Analysis) (findings []check.Finding, gaps []check.Gap) {
			limit, none := daysAgo(a, s, s.ForwardingDays)
			silent := false
			for _, address := range a.Addresses {
				status, ok := address.ForwardingStatus.Get()
				if !address.External() || address.Default == Yes {
					continue
				}
				switch {
				case status == "waiting" && none != nil:
					gaps = none
				case status == "failed", status == "waiting" && address.settled().Before(limit):
					findings = append(findings, address.broken(s))
				}
				silent = silent || !ok
			}
			if silent {
				gaps = append(gaps, a.absent(EndpointSupportAddresses, "recipient_addresses[].forwarding_status")...)
			}
			return bounded(findings, gaps)
		},
		reviews: []Endpoint{EndpointSupportAddresses},
		reviewed: func(a *Analysis) any {
			return sortedLines(a.SupportAddresses, func(s SupportAddress) string { return fmt.Sprint(s.ID, " ", s.BrandID, " ", s.Email) })
		},
	}
}

// settled is when an address was last changed.
func (a Address) settled() time.Time { return or(a.UpdatedAt.Value, a.CreatedAt.Value) }

// broken is the finding of an address whose forwarding does not work.
func (a Address) broken(s Settings) check.Finding {
	f := check.Finding{
		Subject:  a.label(),
		Detail:   check.Textf("mail to the address is not forwarded into the account: Zendesk's test failed"),
		Evidence: evidence(EndpointSupportAddresses, "%s: forwarding_status: %s", a.Email, a.ForwardingStatus.Value),
	}
	if a.ForwardingStatus.Value == "waiting" {
		f.Severity = check.Low
		f.Detail = check.Textf("nobody has seen mail to the address forwarded into the account for more than %d days", s.ForwardingDays)
		f.Evidence[0].Text += ", updated_at: " + a.settled().Format(day)
	}
	return f
}

func wildcardAddresses(s Settings) rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.wildcard-addresses",
			Severity: check.Low,
			Title:    "Mail to any name at the account's domain becomes a ticket",
			Text: "With wildcard emails, whatever is sent to any name at the account's zendesk.com domain becomes a ticket. " +
				"Senders of spam need not even guess an address.",
			Fix:   "In Admin Center, under Channels > Talk and email > Email, turn off “Accept wildcard emails”, unless a task needs it.",
			Cite:  []check.Cite{theList(68), guide("5318946039578"), reference("account_settings")},
			Since: since,
		},
		reads: []Endpoint{EndpointSettings},
		check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			if s.WildcardAllowed {
				return nil, nil
			}
			return a.setting(EndpointSettings, "email.accept_wildcard_emails", a.settings().Email.AcceptWildcardEmails, Yes,
				check.Finding{Detail: check.Textf("mail to any name at the account's domain is taken, and the policy does not say that it is needed")})
		},
	}
}
