package mx

import (
	"fmt"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/internal/dial"
)

func targetIP() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "mx.target-ip",
			Severity: check.High,
			Title:    "An MX record names an IP address in place of a host",
			Text:     "An MX record holds a host name. Senders look for the addresses of a host that is called like the address, find none, and do not deliver.",
			Fix:      "Give the mail host a name with A and AAAA records, and name that in the MX record.",
			Cite:     []check.Cite{check.RFC(1035, "3.3.9"), check.RFC(5321, "5.1")},
			Since:    since,
		},
		Applies: hasTargets,
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			return a.eachRecord(func(rec Record) *check.Finding {
				if _, ok := addressOf(rec.Host); !ok {
					return nil
				}
				return &check.Finding{Subject: a.Domain, Detail: check.Textf("%s is an address, not a host's name", rec.Host)}
			}), nil
		},
	}
}

func targetInvalid() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "mx.target-invalid",
			Severity: check.High,
			Title:    "An MX record's target is no valid host name",
			Text:     "Host names have letters, digits and hyphens. Senders that check this do not deliver, and no certificate can name the host.",
			Fix:      "Give the mail host a valid name, and name that in the MX record.",
			Cite:     []check.Cite{check.RFC(5321, "4.1.2"), check.RFC(1123, "2.1")},
			Since:    since,
		},
		Applies: hasTargets,
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			return a.eachRecord(func(rec Record) *check.Finding {
				reason := ""
				if !rec.Null() {
					reason = badHost(rec.Host)
				}
				if reason == "" {
					return nil
				}
				f := &check.Finding{Subject: rec.Host, Detail: check.Textf("%s: %s", rec.Host, check.Textf(reason))}
				if reason == underscore {
					f.Severity = check.Medium // most senders take it
				}
				return f
			}), nil
		},
	}
}

func targetCNAME() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "mx.target-cname",
			Severity: check.Medium,
			Title:    "An MX record's target is an alias",
			Text: "The name in an MX record must have its addresses itself. Most senders follow the alias, some do not deliver, " +
				"and the certificate that is expected is the alias's.",
			Fix:   "Name the host itself in the MX record, or replace the CNAME record by A and AAAA records.",
			Cite:  []check.Cite{check.RFC(2181, "10.3"), check.RFC(5321, "5.1")},
			Since: since,
		},
		Applies: hasTargets,
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			return a.eachHost(func(h *Host) (*check.Finding, []check.Gap) {
				switch {
				case h.Canonical != h.Name:
					return &check.Finding{
						Subject:  h.Name,
						Detail:   check.Textf("%s is an alias of %s", h.Name, h.Canonical),
						Evidence: []check.Evidence{{Source: "CNAME " + h.Name, Text: h.Canonical}},
						Fix:      &check.Fix{Summary: check.Textf("Name %s in the MX record, after making sure that its certificate and the MTA-STS policy have that name", h.Canonical)},
					}, nil
				case len(h.Unread) == 2: // one answer is enough: an alias is one for every type
					return nil, h.Unread
				}
				return nil, nil
			})
		},
	}
}

func targetNoAddress(publicSuffix func(string) string) check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "mx.target-no-address",
			Severity: check.High,
			Title:    "An MX record's target has no address",
			Text:     "A host without A and AAAA records takes no mail. If there is no other host, mail to the domain is returned; else it is late whenever this one is tried first.",
			Fix:      "Give the host A and AAAA records, or remove its MX record.",
			Cite:     []check.Cite{check.RFC(5321, "5.1"), check.RFC(2181, "10.3")},
			Since:    since,
		},
		Applies: hasTargets,
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			return a.eachHost(func(h *Host) (*check.Finding, []check.Gap) {
				if domain, _ := h.dangling(publicSuffix); domain != "" || len(h.Addrs) > 0 {
					return nil, nil
				}
				if !h.absent() {
					return nil, h.Unread
				}
				if len(h.parentUnread) > 0 { // it may be mx.dangling's: RFC 8020, 2 tells by the name above
					return nil, h.parentUnread
				}
				f := &check.Finding{Subject: h.Name, Detail: check.Textf("%s has neither an A nor an AAAA record", h.Name)}
				if h.gone {
					f.Detail = check.Textf("%s does not exist", h.Name)
				}
				if a.Receives == Yes {
					f.Severity = check.Medium
				}
				if relative, ok := strings.CutSuffix(h.Name, "."+a.Domain); ok {
					f.Fix = a.misread(relative)
				}
				return f, nil
			})
		},
	}
}

// misread finds the mistakes by which the domain gets behind a name that was not
// meant to be below it.
func (a *Analysis) misread(relative string) *check.Fix {
	switch _, literal := addressOf(relative); {
	case literal:
		return &check.Fix{Summary: check.Textf("Name a host in the MX record; %s is an address", relative)}
	case dnsx.Below(relative, a.Domain):
		return &check.Fix{Summary: check.Textf("Put a dot behind the name in the zone file: without one, %s was added to it", a.Domain)}
	}
	return nil
}

func dangling(publicSuffix func(string) string) check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "mx.dangling",
			Severity: check.High,
			Title:    "An MX record points into a domain that nobody owns",
			Text: "Whoever registers that domain gets the mail that is sent to this host: password resets and invoices among it. " +
				"With it they can also obtain certificates in this domain's name.",
			Fix:   "Remove the MX record at once, or correct the host's name.",
			Cite:  []check.Cite{check.RFC(5321, "5.1"), check.RFC(8020, "2")},
			Since: since,
		},
		Applies: hasTargets,
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			return a.eachHost(func(h *Host) (*check.Finding, []check.Gap) {
				domain, gaps := h.dangling(publicSuffix)
				if domain == "" {
					return nil, gaps
				}
				f := &check.Finding{Subject: h.Name, Detail: check.Textf("%s does not exist, and neither does the domain %s", h.Name, domain)}
				if domain == h.Name {
					f.Detail = check.Textf("the domain %s does not exist", domain)
				}
				return f, nil
			})
		},
	}
}

func targetPrivate() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "mx.target-private",
			Severity: check.High,
			Title:    "An MX host has an address that is not public",
			Text: "Private, loopback and reserved addresses lead senders elsewhere: to themselves, or to a machine in their own network, " +
				"which may take the mail.",
			Fix:   "Publish the host's public address, and keep internal addresses in internal zones.",
			Cite:  []check.Cite{check.RFC(6890, "2.2.2"), check.RFC(6890, "2.2.3"), check.RFC(5321, "5.1")},
			Since: since,
		},
		Applies: hasTargets,
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			return a.eachHost(func(h *Host) (*check.Finding, []check.Gap) {
				var bad []string
				for _, addr := range h.Addrs {
					if why := dial.Why(addr); why != "" {
						bad = append(bad, fmt.Sprintf("%s (%s)", addr, why))
					}
				}
				if len(bad) == 0 {
					return nil, h.Unread
				}
				f := &check.Finding{Subject: h.Name, Detail: check.Textf("%s has %s", h.Name, list(bad))}
				if len(bad) < len(h.Addrs) {
					f.Severity = check.Medium // senders try the next one (RFC 5321, 5.1)
				}
				return f, h.Unread
			})
		},
	}
}
