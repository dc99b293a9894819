package tlscert

import "github.com/mailcheck-go/mailcheck/check"

// noAddress looks at the hosts that the operator named: those that a domain names are
// judged by the rules about what named them.
func (j *judge) noAddress() check.Rule[*Analysis] {
	named := func(h *Served) bool { return h.Given && h.Protocol != File }
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID: "cert.no-address", Severity: check.High, Since: since,
			Title: "Host has no address",
			Text:  "The DNS has neither an A nor an AAAA record for the host, so nobody reaches it, and no certificate can be seen.",
			Fix:   "Publish the addresses of the host, or correct the name.",
			Cite:  []check.Cite{check.RFC(1034, "3.6"), check.RFC(2308, "2.2")},
		},
		Applies: func(a *Analysis) (bool, []check.Gap) {
			for _, h := range a.Hosts {
				if named(h) {
					return true, nil
				}
			}
			return false, a.gaps
		},
		Check: func(a *Analysis) (found []check.Finding, gaps []check.Gap) {
			gaps = a.gaps
			for _, h := range a.Hosts {
				switch {
				case !named(h):
				case h.Missing:
					found = append(found, check.Finding{Subject: h.String(), Detail: check.Textf("%s has neither an A nor an AAAA record", h.Name)})
				case len(h.endpoints) == 0:
					gaps = append(gaps, h.Gaps...)
				}
			}
			return found, gaps
		},
	}
}
