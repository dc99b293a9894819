package zendesk

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
)

func data(s Settings) []rule {
	return []rule{dataMinimised(), deletionSchedules(s), callRecording(s), automaticRedaction(), manualRedaction()}
}

// setting judges one setting: unknown where it was not shown, a finding where it is
// bad. The finding's subject and evidence are filled in.
func (a *Analysis) setting(e Endpoint, field string, is, bad Bool, f check.Finding) ([]check.Finding, []check.Gap) {
	switch is {
	case Unknown:
		return nil, a.absent(e, field)
	case bad:
		f.Subject = a.subject()
		f.Evidence = evidence(e, "%s: %t", field, bad == Yes)
		return []check.Finding{f}, nil
	}
	return nil, nil
}

func dataMinimised() rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.data-minimised",
			Severity: check.Low,
			Title:    "Fields ask for more data than is needed",
			Text: "What a field asks for, customers write down, and every agent who sees the ticket reads it. " +
				"Data that nobody needed is lost all the same when an account is broken into, and has to be found and deleted on request.",
			Fix:   "Deactivate ticket and user fields that no task needs, and do not ask for numbers of passports, cards or health insurance in free text.",
			Cite:  []check.Cite{theList(45), reference("ticket_fields"), reference("user_fields")},
			Since: since,
		},
		question: "Has somebody gone through the active ticket and user fields, and is the data that each asks for needed?",
		reviews:  []Endpoint{EndpointTicketFields, EndpointUserFields},
		reviewed: func(a *Analysis) any {
			active := func(all []Field) []string {
				kept := slices.DeleteFunc(slices.Clone(all), func(f Field) bool { return f.Active == No })
				return sortedLines(kept, func(f Field) string {
					return fmt.Sprintf("%d %s %q portal %s required %s", f.ID, f.Type, f.Title, f.VisibleInPortal, f.RequiredInPortal)
				})
			}
			return [][]string{active(a.TicketFields), active(a.UserFields)}
		},
	}
}

func deletionSchedules(s Settings) rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.deletion-schedules",
			Severity: check.Medium,
			Title:    "Tickets are kept for ever, or deleted by hand",
			Text: "Without a schedule every ticket stays, with the personal data in it, longer than privacy laws or your own promises may allow. " +
				"Where agents may delete tickets, one mistake or one stolen sign-in removes them.",
			Fix:   "Make a deletion schedule for tickets that follows your retention policy, and leave deleting to it.",
			Cite:  []check.Cite{theList(48), guide("8301879320474"), reference("deletion_schedules"), reference("account_settings")},
			Since: since,
		},
		reads: []Endpoint{EndpointDeletion, EndpointSettings},
		check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			findings, gaps := a.setting(EndpointSettings, "tickets.agent_ticket_deletion", a.settings().Tickets.AgentTicketDeletion, Yes,
				check.Finding{Severity: check.Low, Detail: check.Textf("agents may delete tickets")})
			if len(a.missing(EndpointDeletion)) > 0 || slices.ContainsFunc(a.DeletionSchedules, deletesTickets) {
				return findings, gaps
			}
			f := check.Finding{
				Subject: a.subject(), Severity: check.Low,
				Detail:   check.Textf("no active deletion schedule is about tickets; schedules in all: %d", len(a.DeletionSchedules)),
				Evidence: named(EndpointDeletion, a.DeletionSchedules, func(d DeletionSchedule) string { return fmt.Sprintf("%s: active %s", d.Title, d.Active) }),
			}
			if s.RetentionRequired {
				f.Severity = check.Medium
			}
			return append(findings, f), gaps
		},
	}
}

// deletesTickets reports whether a schedule is active and about tickets, as all are
// that do not say otherwise.
func deletesTickets(d DeletionSchedule) bool {
	object, says := d.Object.Get() // others are about users, attachments, conversations
	return d.Active == Yes && (!says || strings.TrimPrefix(object, "zen:") == "ticket")
}

// talk reports whether the account has a voice channel.
func talk(a *Analysis) (bool, []check.Gap) {
	switch either(a.settings().Voice.Enabled, a.settings().ActiveFeatures.Voice) {
	case Yes:
		return true, nil
	case No:
		return false, nil
	}
	return false, append(a.Gaps(EndpointSettings), a.absent(EndpointSettings, "voice.enabled")...)
}

// label is what findings call a line: with its nickname, without its number.
func (p PhoneNumber) label() string {
	return strings.TrimSpace(fmt.Sprintf("Talk line %d %s", p.ID, p.Nickname.Value))
}

func callRecording(s Settings) rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.call-recording",
			Severity: check.Medium,
			Title:    "Calls are recorded against the rules that hold for them",
			Text: "In many countries a call may be recorded only if the caller agrees, and a recording may hold card numbers and health data that no redaction finds. " +
				"Public recordings can be heard by whoever has the link.",
			Fix:   "Turn recording off on lines that do not need it, let callers choose on the others, require sign-in for recordings, and have them deleted automatically.",
			Cite:  []check.Cite{theList(49), reference("phone_numbers"), reference("account_settings")},
			Since: since,
		},
		applies: func(a *Analysis) (bool, []check.Gap) {
			if ok, gaps := talk(a); !ok {
				return false, gaps
			}
			if a.settings().Voice.RecordingsPublic == Yes || slices.ContainsFunc(a.PhoneNumbers, func(p PhoneNumber) bool { return p.VoiceEnabled != No && p.Recorded != No }) {
				return true, nil
			}
			return false, a.missing(EndpointPhoneNumbers)
		},
		question: "Are recordings of calls deleted automatically, as early as law and policy ask for?",
		reads:    []Endpoint{EndpointSettings, EndpointPhoneNumbers},
		check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			findings, gaps := a.setting(EndpointSettings, "voice.recordings_public", a.settings().Voice.RecordingsPublic, Yes,
				check.Finding{Detail: check.Textf("recordings are public: whoever has the link hears the call")})
			for _, p := range a.PhoneNumbers {
				if p.VoiceEnabled == No {
					continue
				}
				f, g := recorded(a, s, p)
				findings, gaps = append(findings, f...), append(gaps, g...)
			}
			return bounded(findings, gaps)
		},
	}
}

// recorded judges one line.
func recorded(a *Analysis, s Settings, p PhoneNumber) ([]check.Finding, []check.Gap) {
	consent, known := p.Consent.Get()
	chosen := consent == "opt_in" || consent == "opt_out"
	f := check.Finding{Subject: p.label(), Evidence: evidence(EndpointPhoneNumbers, "recorded: true, call_recording_consent: %s", or(consent, "not said"))}
	switch {
	case p.Recorded == Unknown:
		return nil, a.absent(EndpointPhoneNumbers, "phone_numbers[].recorded")
	case p.Recorded == No:
		return nil, nil
	case known && !chosen:
		f.Detail = check.Textf("the line records calls, and the caller cannot choose: the consent is set to %s", consent)
	case !s.RecordingAllowed:
		f.Severity = check.Low
		f.Detail = check.Textf("the line records calls, and the policy has no recording")
	case !known:
		return nil, a.absent(EndpointPhoneNumbers, "phone_numbers[].call_recording_consent")
	default:
		return nil, nil
	}
	return []check.Finding{f}, nil
}

func automaticRedaction() rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.automatic-redaction",
			Severity: check.High,
			Title:    "Card numbers in tickets and chats are not redacted automatically",
			Text: "Customers write their card numbers into tickets whether they are asked to or not. " +
				"Automatic redaction blanks most digits of what passes the Luhn check; without it the whole number stays in the ticket, in notifications and in exports.",
			Fix:   "Turn on automatic redaction of credit card numbers, for tickets and for chats.",
			Cite:  []check.Cite{theList(50)},
			Since: since,
		},
		question: "Is the automatic redaction of credit card numbers turned on, for tickets and for chats?",
	}
}

func manualRedaction() rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.manual-redaction",
			Severity: check.Info,
			Title:    "Nobody is there to redact what automatic redaction leaves",
			Text: "Automatic redaction finds card numbers alone. Other secrets in a ticket have to be redacted by an agent who may do so and knows how; " +
				"what was redacted can stay in logs for up to 30 days.",
			Fix:   "Give the right to redact to those roles that handle such tickets, and to no others, and tell them how.",
			Cite:  []check.Cite{theList(51), reference("custom_roles")},
			Since: since,
		},
		question: "Do the agents who need it, and no others, have the right to redact tickets by hand, and do they know when to?",
	}
}
