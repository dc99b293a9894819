package mx

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

// Rules judge an Analysis.
func Rules(s Settings) []check.Rule[*Analysis] {
	if s.PublicSuffix == nil {
		s.PublicSuffix = topLevel
	}
	return []check.Rule[*Analysis]{
		missing(), null(), nullWithOthers(), nullPreference(),
		targetIP(), targetInvalid(), targetCNAME(), targetNoAddress(s.PublicSuffix), dangling(s.PublicSuffix), targetPrivate(),
		duplicate(), single(), noIPv6(),
	}
}

const since = "v0.1.0"

// maxFindings bounds what one rule says about records, of which there may be
// thousands.
const maxFindings = 20

func topLevel(name string) string {
	for parent := dnsx.Parent(name); parent != "."; parent = dnsx.Parent(name) {
		name = parent
	}
	return name
}

func missing() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "mx.missing",
			Severity: check.Info,
			Title:    "No MX record",
			Text: "Without an MX record senders try the domain's own addresses, which are mostly those of a web server. " +
				"If nothing answers there, mail to the domain stays in queues for days before it comes back.",
			Fix:   "Publish MX records, or a null MX (0 .) if the domain takes no mail.",
			Cite:  []check.Cite{check.RFC(5321, "5.1"), check.RFC(7505, "1")},
			Since: since,
		},
		Applies: func(a *Analysis) (bool, []check.Gap) { return a.Unread == nil && !a.noDomain, a.Unread },
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			if len(a.Records) > 0 {
				return nil, nil
			}
			detail := check.Textf("there is no MX record")
			switch {
			case a.Implicit:
				detail = check.Textf("there is no MX record, so mail goes to the domain's own addresses: %s", list(a.Hosts[0].Addrs))
			case len(a.apexUnread) == 0:
				detail = check.Textf("there is neither an MX record nor an address: mail cannot be delivered")
			}
			return []check.Finding{{Subject: a.Domain, Detail: detail}}, a.apexUnread
		},
	}
}

func null() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "mx.null",
			Severity: check.Info,
			Title:    "Null MX: the domain takes no mail",
			Text:     "A null MX tells senders at once that no mail is taken here. It is right for a domain that neither receives nor sends.",
			Cite:     []check.Cite{check.RFC(7505, "3")},
			Since:    since,
		},
		Applies: hasRecords,
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			if !a.Null {
				return nil, nil
			}
			return []check.Finding{{
				Subject:  a.Domain,
				Detail:   check.Textf("the only MX record is a null MX"),
				Evidence: a.evidence(a.Records...),
			}}, nil
		},
	}
}

func nullWithOthers() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "mx.null-with-others",
			Severity: check.High,
			Title:    "A null MX stands beside other MX records",
			Text:     "A domain either takes no mail or names hosts that do. Of both together some senders make that mail is refused, and return it.",
			Fix:      "Remove the null MX if the domain takes mail, all others if it does not.",
			Cite:     []check.Cite{check.RFC(7505, "3")},
			Since:    since,
		},
		Applies: hasRecords,
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			nulls := 0
			for _, rec := range a.Records {
				if rec.Null() {
					nulls++
				}
			}
			if nulls == 0 || len(a.Records) == 1 {
				return nil, nil
			}
			f := check.Finding{
				Subject:  a.Domain,
				Detail:   check.Textf("a null MX stands among %d MX records", len(a.Records)),
				Evidence: a.evidence(a.Records...),
			}
			if nulls == len(a.Records) {
				f.Severity = check.Low // they agree
				f.Fix = a.fix(check.Textf("Keep one null MX"))
			}
			return []check.Finding{f}, nil
		},
	}
}

func nullPreference() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "mx.null-preference",
			Severity: check.Low,
			Title:    "The null MX has a preference other than 0",
			Text:     "A null MX is defined with preference 0. A sender that looks for exactly that takes the record for a broken one, and retries for days.",
			Fix:      "Write the null MX as 0 and a dot.",
			Cite:     []check.Cite{check.RFC(7505, "3")},
			Since:    since,
		},
		Applies: func(a *Analysis) (bool, []check.Gap) { return a.Null, a.Unread },
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			if a.Records[0].Preference == 0 {
				return nil, nil
			}
			return []check.Finding{{
				Subject:  a.Domain,
				Detail:   check.Textf("the null MX has preference %d", int(a.Records[0].Preference)),
				Evidence: a.evidence(a.Records...),
				Fix:      a.fix(check.Textf("Set the preference to 0")),
			}}, nil
		},
	}
}

func duplicate() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "mx.duplicate",
			Severity: check.Low,
			Title:    "An MX host is listed twice",
			Text:     "Trying the same host again after it failed gains nothing. The second record looks like a reserve and is none.",
			Fix:      "Keep the record with the lower preference.",
			Cite:     []check.Cite{check.RFC(5321, "5.1")},
			Since:    since,
		},
		Applies: hasTargets,
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			seen := map[string]bool{".": true}
			return a.eachRecord(func(rec Record) *check.Finding {
				if !seen[rec.Host] {
					seen[rec.Host] = true
					return nil
				}
				if rec.Null() {
					return nil // mx.null-with-others
				}
				return &check.Finding{
					Subject: rec.Host,
					Detail:  check.Textf("%s is listed before, and again with preference %d", rec.Host, int(rec.Preference)),
					Fix:     a.fix(check.Textf("Remove the second record")),
				}
			}), nil
		},
	}
}

func single() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "mx.single",
			Severity: check.Low,
			Title:    "All mail depends on a single host",
			Text:     "While the only host is down, all mail to the domain waits at its senders. Most retry for days; some give up within hours.",
			Fix:      "Add a second MX host, or further addresses to the one there is, if mail may not wait.",
			Cite:     []check.Cite{check.RFC(5321, "5.1")},
			Since:    since,
		},
		Applies: hasTargets,
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			hosts := a.mailHosts()
			if len(hosts) != 1 || hosts[0].absent() { // none at all has other rules
				return nil, nil
			}
			h := &hosts[0]
			v4, v6 := families(h.Addrs)
			if v4 > 1 || v6 > 1 {
				return nil, nil
			}
			if len(h.Unread) > 0 {
				return nil, h.Unread
			}
			return []check.Finding{{
				Subject:  a.Domain,
				Detail:   check.Textf("%s is the only MX host, and all that it has is %s", h.Name, list(h.Addrs)),
				Evidence: a.evidence(a.Records...),
			}}, nil
		},
	}
}

func noIPv6() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "mx.no-ipv6",
			Severity: check.Info,
			Title:    "No MX host has an IPv6 address",
			Text:     "Senders without IPv4 cannot deliver. They are few, and national checks ask for IPv6 all the same.",
			Fix:      "Ask the mail provider for hosts with AAAA records.",
			Cite:     []check.Cite{check.RFC(5321, "5.2"), {Doc: "Internet.nl, email test: IPv6 addresses for mail servers"}},
			Since:    since,
		},
		Applies: func(a *Analysis) (bool, []check.Gap) {
			reached := false // by anybody
			for _, h := range a.mailHosts() {
				reached = reached || !h.absent()
			}
			return reached, a.Unread
		},
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			gaps := a.beyond
			for _, h := range a.mailHosts() {
				if _, v6 := families(h.Addrs); v6 > 0 {
					return nil, nil
				}
				gaps = append(gaps[:len(gaps):len(gaps)], h.noIPv6...)
			}
			if len(gaps) > 0 {
				return nil, gaps
			}
			return []check.Finding{{
				Subject:  a.Domain,
				Detail:   check.Textf("none of the MX hosts (%d) has an AAAA record", len(a.Hosts)),
				Evidence: a.evidence(a.Records...),
			}}, nil
		},
	}
}

func hasRecords(a *Analysis) (bool, []check.Gap) { return len(a.Records) > 0, a.Unread }

// hasTargets reports that a record names a host, or something in its place.
func hasTargets(a *Analysis) (bool, []check.Gap) {
	for _, rec := range a.Records {
		if !rec.Null() {
			return true, nil
		}
	}
	return false, a.Unread
}

// eachRecord gathers the findings about single records, with the record as evidence.
func (a *Analysis) eachRecord(judge func(Record) *check.Finding) []check.Finding {
	var found []check.Finding
	for _, rec := range a.Records {
		if len(found) == maxFindings {
			break
		}
		if f := judge(rec); f != nil {
			f.Evidence = a.evidence(rec)
			found = append(found, *f)
		}
	}
	return found
}

// eachHost gathers the findings about single hosts, and what could not be known.
func (a *Analysis) eachHost(judge func(*Host) (*check.Finding, []check.Gap)) ([]check.Finding, []check.Gap) {
	var found []check.Finding
	gaps := a.beyond
	for _, h := range a.mailHosts() {
		f, more := judge(&h)
		gaps = append(gaps[:len(gaps):len(gaps)], more...)
		if f == nil {
			continue
		}
		if f.Evidence == nil {
			f.Evidence = a.evidence(Record{h.Preference, h.Name})
		}
		found = append(found, *f)
	}
	return found, gaps
}

// fix is the repair as the fix of a finding.
func (a *Analysis) fix(summary check.Text) *check.Fix {
	return &check.Fix{Summary: summary, Changes: Repair(a)}
}

func (a *Analysis) evidence(recs ...Record) []check.Evidence {
	var ev []check.Evidence
	for _, rec := range recs[:min(len(recs), maxFindings)] {
		ev = append(ev, check.Evidence{Source: "MX " + a.Owner, Text: rec.String()})
	}
	return ev
}

func families(addrs []netip.Addr) (v4, v6 int) {
	for _, addr := range addrs {
		if addr.Is4() {
			v4++
		} else {
			v6++
		}
	}
	return v4, v6
}

// list writes a few values, and how many more there are.
func list[T any](values []T) string {
	const most = 5
	var words []string
	for _, v := range values[:min(len(values), most)] {
		words = append(words, fmt.Sprint(v))
	}
	s := strings.Join(words, ", ")
	if more := len(values) - most; more > 0 {
		s += fmt.Sprintf(" and %d more", more)
	}
	return s
}
