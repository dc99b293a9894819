package zendesk

import (
	"net/netip"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
)

// The rules of line 41, about host names and their certificates, read the DNS and
// TLS too, and stand with those.
func system(s Settings) []rule {
	return []rule{contextualWorkspaces(), ipRestrictions(s)}
}

func contextualWorkspaces() rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.contextual-workspaces",
			Severity: check.Info,
			Title:    "No contextual workspace limits tools to the task",
			Text: "With contextual workspaces agents see the macros, apps and forms that fit the ticket before them. " +
				"Without, everybody has all of them at hand, and picks the wrong one sometimes.",
			Fix:   "Make a contextual workspace, with conditions, for each kind of ticket that has tools of its own.",
			Cite:  []check.Cite{theList(38), reference("workspaces")},
			Since: since,
		},
		reads: []Endpoint{EndpointWorkspaces},
		check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			for _, w := range a.Workspaces {
				if w.Activated == Yes && w.Conditions > 0 {
					return nil, nil
				}
			}
			if !a.Seen(EndpointWorkspaces) {
				return nil, nil // the gap is there
			}
			return []check.Finding{{
				Subject: a.subject(), Detail: check.Textf("none of the %d contextual workspaces is active and has conditions", len(a.Workspaces)),
			}}, nil
		},
	}
}

func ipRestrictions(s Settings) rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.ip-restrictions",
			Severity: check.Medium,
			Title:    "The account can be reached from any address",
			Text: "Restricted to the addresses of your offices and VPN, a stolen password or session is of no use elsewhere. " +
				"This program too has to run from an allowed address then.",
			Fix:   "In Admin Center, turn on IP restrictions under Account > Security > Advanced, and allow the ranges that you use and no others.",
			Cite:  []check.Cite{theList(39), guide("4408894156186"), reference("security_settings")},
			Since: since,
		},
		reads: []Endpoint{EndpointSecurity},
		check: func(a *Analysis) (findings []check.Finding, gaps []check.Gap) {
			ip := a.security().IP
			find := func(severity check.Severity, detail check.Text, format string, args ...any) {
				findings = append(findings, check.Finding{Subject: a.subject(), Severity: severity, Detail: detail, Evidence: evidence(EndpointSecurity, format, args...)})
			}
			switch ip.Enabled {
			case Unknown:
				return nil, a.absent(EndpointSecurity, "ip.ip_restriction_enabled")
			case No:
				severity := check.Low
				if s.IPRequired {
					severity = check.Medium
				}
				find(severity, check.Textf("IP restrictions are off"), "ip.ip_restriction_enabled: false")
				return findings, nil
			}
			ranges := strings.Fields(ip.Ranges.Value)
			switch {
			case ip.Ranges.Is == Absent:
				return nil, a.absent(EndpointSecurity, "ip.ip_ranges")
			case len(ranges) == 0:
				find(0, check.Textf("IP restrictions are on, and no range is allowed by name"), "ip.ip_ranges: %q", ip.Ranges.Value)
			}
			for _, r := range ranges {
				p, ok := parseRange(r)
				shortest := s.IPv4Prefix
				if ok && p.Addr().Is6() {
					shortest = s.IPv6Prefix
				}
				switch {
				case !ok:
					find(check.Low, check.Textf("“%s” is no range of addresses", r), "ip.ip_ranges: %s", r)
				case p.Bits() < shortest:
					find(0, check.Textf("the allowed range %s is wider than /%d", r, shortest), "ip.ip_ranges: %s", r)
				}
			}
			return bounded(findings, nil)
		},
	}
}

// parseRange reads an address, CIDR, or an IPv4 address with * at its end in the
// place of numbers.
func parseRange(s string) (netip.Prefix, bool) {
	if p, err := netip.ParsePrefix(s); err == nil {
		return p.Masked(), true
	}
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	parts := strings.Split(s, ".")
	if len(parts) > 4 || len(parts) < 2 && s != "*" {
		return netip.Prefix{}, false
	}
	n := 0 // numbers before the first *
	for n < len(parts) && parts[n] != "*" {
		n++
	}
	if n == len(parts) || strings.Trim(strings.Join(parts[n:], ""), "*") != "" {
		return netip.Prefix{}, false
	}
	a, err := netip.ParseAddr(strings.Join(append(parts[:n:n], []string{"0", "0", "0", "0"}[n:]...), "."))
	return netip.PrefixFrom(a, 8*n), err == nil
}
