package dmarc

import (
	"slices"

	"github.com/mailcheck-go/mailcheck/check"
)

// destinationRules judge whether reports arrive.
func destinationRules() []check.Rule[*Analysis] {
	return []check.Rule[*Analysis]{
		reportRule(check.Doc{
			ID:       "dmarc.rua-external-unauthorized",
			Severity: check.High,
			Title:    "External report destination has not authorised this domain",
			Text: "Reports to another organization need its consent, a TXT record under its own name. Without it receivers have to ignore " +
				"the address: the reports are never sent.",
			Fix:   "Ask whoever runs the report host to publish the TXT record named in the finding, or use an address of your own.",
			Cite:  []check.Cite{check.RFC(9990, "4"), check.RFC(9991, "5"), check.RFC(7489, "7.1")},
			Since: since,
		}, StateUnauthorized, sayUnauthorized),
		reportRule(check.Doc{
			ID:       "dmarc.rua-override-host",
			Severity: check.Medium,
			Title:    "Authorisation record redirects to another host; no report is sent at all",
			Text: "The report host agrees to get reports, but its record names an address on another host. That is forbidden, as it could be " +
				"used to flood a third party, and receivers then send to neither address.",
			Fix:   "Ask whoever runs the report host to keep the address in its authorisation record on the same host.",
			Cite:  []check.Cite{check.RFC(9990, "4"), check.RFC(7489, "7.1")},
			Since: since,
		}, StateDiverted, func(_ *Analysis, r Report) check.Finding {
			return found("%s: TXT %s sends reports for %s on to %s", r.Tag, r.Auth, r.URI.Host, r.Override)
		}),
		reportRule(check.Doc{
			ID:       "dmarc.rua-external-name-too-long",
			Severity: check.Medium,
			Title:    "Authorisation name exceeds DNS limits",
			Text:     "The name where the report host would have to agree is longer than a domain name may be. It can never agree, and receivers send no reports there.",
			Fix:      "Use a report host with a shorter name.",
			Cite:     []check.Cite{check.RFC(9990, "4")},
			Since:    since,
		}, StateNameTooLong, func(_ *Analysis, r Report) check.Finding {
			return found("%s: %s cannot exist: it would have %d characters, and a name has at most 253", r.Tag, r.Auth, len(r.Auth))
		}),
		{
			Doc: check.Doc{
				ID:       "dmarc.rua-no-mx",
				Severity: check.High,
				Title:    "Report mailbox domain cannot receive mail",
				Text:     "Reports come by mail. The host in the address takes none, so every report bounces or is lost.",
				Fix:      "Use an address on a domain that receives mail.",
				Cite:     []check.Cite{check.RFC(9990, "3.5"), check.RFC(5321, "5.1"), check.RFC(7505, "3")},
				Since:    since,
			},
			Applies: applies,
			Check:   checkMailboxes,
		},
	}
}

// reports are the addresses of both generations' records; one that is in both
// and fares the same stands there once.
func (a *Analysis) reports() []Report {
	all := slices.Clone(a.New.Reports)
	for _, r := range a.Old.Reports {
		if !slices.ContainsFunc(all, func(o Report) bool {
			return o.Tag == r.Tag && o.URI == r.URI && o.State == r.State && o.Auth == r.Auth
		}) {
			all = append(all, r)
		}
	}
	return all
}

// reportRule finds the addresses in one state.
func reportRule(doc check.Doc, state State, say func(*Analysis, Report) check.Finding) check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc:     doc,
		Applies: applies,
		Check: func(a *Analysis) (fs []check.Finding, gaps []check.Gap) {
			gaps = append(a.ownerGaps(), a.overURIs...)
			for _, r := range a.reports() {
				gaps = append(gaps, r.Gaps...)
				if r.State != state {
					continue
				}
				if state == StateUnauthorized { // a host that does not exist agrees to nothing: dmarc.rua-no-mx
					mail := a.hosts[r.URI.Host].mail
					if mail.open {
						gaps = append(gaps, mail.gaps...)
					}
					if mail.open || mail.gone {
						continue
					}
				}
				f := say(a, r)
				if r.Tag == "ruf" && f.Severity == 0 {
					f.Severity = check.Medium // few receivers would send there
				}
				f.Subject = r.Auth
				a.completeReport(&f, r)
				fs = append(fs, f)
			}
			return fs, gaps
		},
	}
}

// completeReport shows the record that has the address, and what stands where the
// host has to agree.
func (a *Analysis) completeReport(f *check.Finding, r Report) {
	for _, text := range r.consent[:min(len(r.consent), maxURIs)] {
		f.Evidence = append(f.Evidence, check.Evidence{Source: "TXT " + r.Auth, Text: text})
	}
	for _, n := range a.applied {
		record := n.Record()
		if slices.Contains(record.RUA, r.URI) || slices.Contains(record.RUF, r.URI) {
			f.Evidence = append(f.Evidence, n.evidence()...)
		}
	}
}

func sayUnauthorized(_ *Analysis, r Report) check.Finding {
	f := found("%s: %s has no record at %s, so receivers send no reports to %s", r.Tag, r.URI.Host, r.Auth, r.URI.Address)
	f.Fix = &check.Fix{
		Summary: check.Textf("Ask whoever runs %s to publish TXT %s \"v=DMARC1;\", or use an address of your own.", r.URI.Host, r.Auth),
		Changes: []check.Change{{Name: r.Auth, Type: "TXT", New: []string{"v=DMARC1;"}}},
	}
	return f
}

func checkMailboxes(a *Analysis) (fs []check.Finding, gaps []check.Gap) {
	gaps = append(a.ownerGaps(), a.overURIs...)
	aggregate := map[string]bool{} // hosts of rua
	seen := map[string]bool{}
	for _, r := range a.reports() {
		aggregate[r.URI.Host] = aggregate[r.URI.Host] || r.Tag == "rua"
	}
	for _, r := range a.reports() {
		h := a.hosts[r.URI.Host]
		if r.URI.Address == "" || h == nil || seen[h.name] {
			continue
		}
		seen[h.name] = true
		if h.over {
			gaps = append(gaps, r.Gaps...)
			continue
		}
		gaps = append(gaps, h.mail.gaps...)
		if h.mail.refuses == "" {
			continue
		}
		f := found("%s %s: reports to %s are lost", h.name, h.mail.refuses, r.URI.Address)
		f.Subject = h.name
		if !aggregate[h.name] {
			f.Severity = check.Medium
		}
		a.completeReport(&f, r)
		fs = append(fs, f)
	}
	return fs, gaps
}
