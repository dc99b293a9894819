package zendesk

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/mailcheck-go/mailcheck/check"
)

func monitoring(s Settings) []rule {
	return []rule{auditLog(s), accessLog(), suspendedTickets(s)}
}

// quietDays without an entry make an audit log doubtful: sign-ins are in it too.
const quietDays = 30

func auditLog(s Settings) rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.audit-log",
			Severity: check.Medium,
			Title:    "Nobody looks at the audit log",
			Text: "The audit log says who changed settings, roles, rules and tokens, and who signed in. " +
				"What an intruder changes stands there first; it helps only if somebody reads it before the harm is done.",
			Fix:   "Go through the audit log at least once a month, or send it to a system that raises alerts on changes of sign-in settings, roles and tokens.",
			Cite:  []check.Cite{theList(73), guide("4408828001434"), reference("audit_logs")},
			Since: since,
		},
		question: "Does somebody, or a system that raises alerts, go through the audit log at least once a month?",
		reads:    []Endpoint{EndpointAuditLog},
		check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			if len(a.missing(EndpointAuditLog)) > 0 {
				return nil, nil // reads has the gap
			}
			limit, gaps := daysAgo(a, s, quietDays)
			var newest time.Time
			for _, e := range a.AuditLog {
				if e.CreatedAt.Value.After(newest) {
					newest = e.CreatedAt.Value
				}
			}
			f := check.Finding{Subject: a.subject(), Severity: check.Low}
			switch {
			case gaps != nil || !newest.Before(limit):
				return nil, gaps
			case newest.IsZero():
				f.Detail = check.Textf("the audit log is empty, though sign-ins are to stand in it")
			default:
				f.Detail = check.Textf("the newest entry of the audit log is from %s, more than %d days ago, though sign-ins are to stand in it", newest.Format(day), quietDays)
			}
			f.Evidence = evidence(EndpointAuditLog, "%d entries", len(a.AuditLog))
			return []check.Finding{f}, nil
		},
	}
}

func accessLog() rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.access-log",
			Severity: check.Low,
			Title:    "Who read which data is not known",
			Text: "The access log has every request of agents and API clients, also those that only read. " +
				"After a break-in it is the only record of whose data was seen, which those people may have to be told.",
			Fix:   "Where the plan has the access log, copy it to a store of your own before it is deleted, and look for unusual reading.",
			Cite:  []check.Cite{theList(73), reference("access_logs")},
			Since: since,
		},
		question: "Is the access log copied to a store of your own, and is it looked at for unusual reading?",
		reads:    []Endpoint{EndpointAccessLog},
		check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			if len(a.missing(EndpointAccessLog)) > 0 || a.Endpoints[EndpointAccessLog].Items > 0 {
				return nil, nil
			}
			return []check.Finding{{Subject: a.subject(), Detail: check.Textf("the access log can be read, and has no entry"), Evidence: evidence(EndpointAccessLog, "0 entries")}}, nil
		},
	}
}

func suspendedTickets(s Settings) rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.suspended-tickets",
			Severity: check.Low,
			Title:    "Nobody watches the suspended tickets",
			Text: "Mail that looks like spam or fails its authentication waits among the suspended tickets, and is deleted after 14 days. " +
				"Among it are customers who get no answer, and the traces of those who forge senders.",
			Fix:   "Turn on the notifications of suspended tickets, and go through the queue at least once a week.",
			Cite:  []check.Cite{theList(73), guide("4408889141146"), reference("suspended_tickets"), reference("account_settings")},
			Since: since,
		},
		reads: []Endpoint{EndpointSuspended, EndpointSettings},
		check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			findings, gaps := a.setting(EndpointSettings, "active_features.suspended_ticket_notification", a.settings().ActiveFeatures.SuspendedTicketNotification, No,
				check.Finding{Detail: check.Textf("nobody is notified of suspended tickets")})
			if a.Suspended == nil || a.Suspended.Oldest.IsZero() {
				return findings, gaps
			}
			limit, unknown := daysAgo(a, s, s.SuspendedDays)
			if unknown == nil && a.Suspended.Oldest.Before(limit) {
				findings = append(findings, check.Finding{
					Subject:  a.subject(),
					Detail:   check.Textf("suspended tickets: %d, the oldest since %s, more than %d days ago", a.Suspended.Total, a.Suspended.Oldest.Format(day), s.SuspendedDays),
					Evidence: causes(a.Suspended),
				})
			}
			return findings, append(gaps, unknown...)
		},
	}
}

// causes are the reasons of suspended tickets, the most frequent first.
func causes(s *SuspendedCounts) []check.Evidence {
	all := slices.SortedFunc(maps.Keys(s.Causes), func(a, b string) int {
		if n := s.Causes[b] - s.Causes[a]; n != 0 {
			return n
		}
		return strings.Compare(a, b)
	})
	return named(EndpointSuspended, all, func(cause string) string { return fmt.Sprintf("%s: %d", cause, s.Causes[cause]) })
}
