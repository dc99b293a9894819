package zendesk

import (
	"fmt"

	"github.com/mailcheck-go/mailcheck/check"
)

func recovery(s Settings) []rule {
	return []rule{disasterRecovery(), talkFailover(), ssoFallback(s), exportCopy(), externalForwarding(), exportDelta()}
}

func disasterRecovery() rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.disaster-recovery",
			Severity: check.Low,
			Title:    "It is not decided whether the account needs Enhanced Disaster Recovery",
			Text: "Enhanced Disaster Recovery has the account's data replicated in real time and the account restored before others when a region fails. " +
				"Without it support can be down for longer than your own promises allow. The contract alone says whether you have it.",
			Fix:   "Ask Zendesk for Enhanced Disaster Recovery, or write down that the common recovery is enough.",
			Cite:  []check.Cite{theList(76), theList(81)},
			Since: since,
		},
		question: "Is Enhanced Disaster Recovery part of the contract, or is it written down that the common recovery is enough?",
	}
}

func talkFailover() rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.talk-failover",
			Severity: check.Medium,
			Title:    "A voice line has no failover number",
			Text: "When Talk is down, calls to a line without a failover number reach nobody. " +
				"A failover number that is itself a line of Talk is down at the same time.",
			Fix:   "Give each line a failover number that does not depend on Talk.",
			Cite:  []check.Cite{theList(77), reference("phone_numbers")},
			Since: since,
		},
		applies: talk,
		reads:   []Endpoint{EndpointPhoneNumbers},
		check: func(a *Analysis) (findings []check.Finding, gaps []check.Gap) {
			for _, p := range a.PhoneNumbers {
				f := check.Finding{Subject: p.label()}
				switch {
				case p.VoiceEnabled == No || p.External == Yes:
					continue
				case p.HasFailover == Unknown:
					gaps = append(gaps, a.absent(EndpointPhoneNumbers, "phone_numbers[].failover_number")...)
					continue
				case p.HasFailover == No:
					f.Detail = check.Textf("the line has no failover number")
				case p.FailoverLine != 0:
					f.Severity = check.Low
					f.Detail = check.Textf("the failover number is the line %d of the same account, which is down when Talk is", p.FailoverLine)
				default:
					continue
				}
				f.Evidence = evidence(EndpointPhoneNumbers, "%s: failover_number: %s", p.label(), p.HasFailover)
				findings = append(findings, f)
			}
			return bounded(findings, gaps)
		},
	}
}

func ssoFallback(s Settings) rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.sso-fallback",
			Severity: check.Medium,
			Title:    "When the SSO system is down, nobody can sign in",
			Text: "Where passwords are off and nobody may pass by SSO, a failure of the SSO system, or of its certificate, locks the whole team out, " +
				"also those who could change the setting.",
			Fix:   "Let the account owner pass by SSO, or keep passwords as the fallback and say so in the policy (sso_password: fallback).",
			Cite:  []check.Cite{theList(78), reference("security_settings")},
			Since: since,
		},
		applies: ssoOn,
		reads:   []Endpoint{EndpointSecurity},
		check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			team := a.security().Authentication.Agent
			bypass := team.RemoteBypass
			switch {
			case team.EnforceSSO == No && team.ZendeskLogin == Yes, bypass.Value == 1 || bypass.Value == 2:
				return nil, nil
			case team.EnforceSSO == Unknown || team.EnforceSSO == No && team.ZendeskLogin == Unknown:
				return nil, a.absent(EndpointSecurity, "authentication.agent.enforce_sso, zendesk_login")
			case bypass.Is == Absent:
				return nil, a.absent(EndpointSecurity, "authentication.agent.remote_bypass")
			}
			f := check.Finding{
				Subject:  a.subject(),
				Detail:   check.Textf("the team signs in through SSO alone, and nobody may pass by it"),
				Evidence: evidence(EndpointSecurity, "authentication.agent.remote_bypass: %d", bypass.Value),
			}
			if s.SSOPassword == "disabled" { // a decision, though the owner's way in belongs to it
				f.Severity = check.Low
			}
			return []check.Finding{f}, nil
		},
	}
}

func exportCopy() rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.export-copy",
			Severity: check.Medium,
			Title:    "No copy of the account's data is kept outside that nobody can change",
			Text: "What is deleted or overwritten in the account, by mistake or by an intruder, is gone for good unless there is a copy elsewhere. " +
				"One in a store that allows no changes brings it back, and proves what was there.",
			Fix:   "Export the account's data on a schedule, through the incremental export API or the bulk download, into a store that allows no changes.",
			Cite:  []check.Cite{theList(79), reference("incremental_exports")},
			Since: since,
		},
		question: "Is the account's data exported on a schedule into a store of your own that allows no changes, and has restoring from it been tried?",
	}
}

func externalForwarding() rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.external-forwarding",
			Severity: check.Low,
			Title:    "Incoming mail has no copy outside Zendesk",
			Text: "Mail that customers send to an address at zendesk.com exists in Zendesk alone. " +
				"Where it comes to a mailbox of your own and is forwarded, a copy stays there, and customers can still write when Zendesk is down.",
			Fix:   "In Admin Center, under Channels > Talk and email > Email > Support addresses, add an address of your own domain, and forward its mail to Zendesk with a copy kept.",
			Cite:  []check.Cite{theList(80), guide("203663266"), reference("support_addresses")},
			Since: since,
		},
		reads: []Endpoint{EndpointSupportAddresses, EndpointBrands},
		check: func(a *Analysis) (findings []check.Finding, gaps []check.Gap) {
			if !a.Seen(EndpointSupportAddresses) {
				return nil, nil // an address that was not seen may be the one
			}
			for _, b := range a.Brands {
				if b.Deleted == Yes || b.Active == No {
					continue
				}
				f, g := forwarded(a, b)
				findings, gaps = append(findings, f...), append(gaps, g...)
			}
			return bounded(findings, gaps)
		},
	}
}

// forwarded judges the addresses of one brand; one that works is enough.
func forwarded(a *Analysis, b Brand) ([]check.Finding, []check.Gap) {
	var of, external []Address
	silent := false
	for _, address := range a.Addresses {
		if address.BrandID != b.ID && (address.BrandID != 0 || b.Default != Yes) {
			continue
		}
		of = append(of, address)
		if !address.External() {
			continue
		}
		status, shown := address.ForwardingStatus.Get()
		if status == "verified" {
			return nil, nil
		}
		silent = silent || !shown || status == "unknown"
		external = append(external, address)
	}
	f := check.Finding{
		Subject: fmt.Sprintf("brand %s", b.Name),
		Detail:  check.Textf("mail comes in at Zendesk's own addresses alone; addresses: %d", len(of)),
		Evidence: named(EndpointSupportAddresses, of, func(s Address) string {
			return s.Email + ": forwarding_status: " + or(s.ForwardingStatus.Value, "not said")
		}),
	}
	switch {
	case len(of) == 0: // nothing comes in by mail
		return nil, nil
	case silent:
		return nil, a.absent(EndpointSupportAddresses, "recipient_addresses[].forwarding_status")
	case len(external) > 0:
		f.Detail = check.Textf("no address outside Zendesk has a forwarding that works; addresses outside: %d", len(external))
	}
	return []check.Finding{f}, nil
}

func exportDelta() rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.export-delta",
			Severity: check.Low,
			Title:    "Changes since the last export are not fetched",
			Text: "An export of everything takes hours and soon falls behind. The incremental export gives what changed since the last call, if the cursor of that call was kept; " +
				"what changed between two exports is otherwise lost with the account's data.",
			Fix:   "Have the export job keep the cursor (after_cursor) of each call, and go on from there at least once a day.",
			Cite:  []check.Cite{theList(82), reference("incremental_exports")},
			Since: since,
		},
		question: "Does an export job fetch what changed since its last call, at least once a day, with the cursor that it kept?",
	}
}
