package tlsrpt

import (
	"github.com/mailcheck-go/mailcheck/check"
)

// Rules judge an Analysis.
func Rules(Settings) []check.Rule[*Analysis] {
	return []check.Rule[*Analysis]{missing(), multiple(), syntax(), ruaMissing(), ruaScheme(), ruaUnencoded()}
}

const since = "v0.1.0"

// maxFindings bounds what one rule says about one record; the first of many
// faults is nearly always their cause.
const maxFindings = 20

func missing() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "tlsrpt.missing",
			Severity: check.Info,
			Title:    "No TLS-RPT record",
			Text: "Without it nobody tells the domain that a sender could not reach its mail servers over TLS. " +
				"With MTA-STS or DANE in force, mail can stay away unnoticed.",
			Fix:   `Publish a TXT record "v=TLSRPTv1; rua=mailto:…" at _smtp._tls with a mailbox or service that reads the reports.`,
			Cite:  []check.Cite{check.RFC(8460, "3")},
			Since: since,
		},
		Applies: func(a *Analysis) (bool, []check.Gap) {
			if a.Unread != nil {
				return false, a.Unread
			}
			return !a.noDomain && a.noApex == nil, a.noApex
		},
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			if len(a.Texts) > 0 {
				return nil, nil
			}
			detail := check.Textf("there is no TXT record at %s", a.Name)
			if a.unrelated > 0 {
				detail = check.Textf("none of the TXT records at %s (%d) begins with %s", a.Name, a.unrelated, version)
			}
			return []check.Finding{{Subject: a.Domain, Detail: detail}}, nil
		},
	}
}

func multiple() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "tlsrpt.multiple",
			Severity: check.Medium,
			Title:    "More than one TLS-RPT record",
			Text:     "Senders that find more than one record have to act as if there were none. No reports come.",
			Fix:      "Keep one record, and list all report addresses in it, separated by commas.",
			Cite:     []check.Cite{check.RFC(8460, "3")},
			Since:    since,
		},
		Applies: func(a *Analysis) (bool, []check.Gap) { return len(a.Texts) > 0, a.Unread },
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			if len(a.Texts) == 1 {
				return nil, nil
			}
			return []check.Finding{{
				Subject:  a.Domain,
				Detail:   check.Textf("%d TLS-RPT records stand at %s", len(a.Texts), a.Owner),
				Evidence: a.evidence(a.Texts...),
				Fix:      a.fix(check.Textf("Make one record of them")),
			}}, nil
		},
	}
}

func syntax() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       ruleSyntax,
			Severity: check.Medium,
			Title:    "The TLS-RPT record is not well-formed",
			Text: "Senders that read strictly drop a record that breaks the grammar, and send no reports. " +
				"Others may skip the broken part, with the address in it.",
			Fix:   `Write "v=TLSRPTv1; rua=" and the report addresses, separated by commas.`,
			Cite:  []check.Cite{check.RFC(8460, "3")},
			Since: since,
		},
		Applies: hasRecord,
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			found := a.findings(ruleSyntax)
			if !a.spaced() {
				return found, nil
			}
			f := check.Finding{
				Subject:  a.Domain,
				Severity: check.Low,
				Detail:   check.Textf("a blank stands between %s and the semicolon; the grammar allows it, but some senders look for %s; and drop the record", version, version),
				Evidence: a.evidence(a.Text),
				Fix:      a.fix(check.Textf("Remove the blank")),
			}
			if a.discarded() {
				f.Severity = 0
				f.Detail = check.Textf("a blank stands between %s and the semicolon; because other TXT records stand at %s (%d), senders drop those that do not begin with %s;", version, a.Owner, a.unrelated, version)
			}
			return append(found, f), nil
		},
	}
}

func ruaMissing() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       ruleRUAMissing,
			Severity: check.Medium,
			Title:    "The TLS-RPT record names no address for reports",
			Text:     "rua= is required. Without it senders have nowhere to send reports, and the record has no effect.",
			Fix:      "Add rua= with a mailto: or https: address that reads the reports.",
			Cite:     []check.Cite{check.RFC(8460, "3")},
			Since:    since,
		},
		Applies: hasRecord,
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			found := a.findings(ruleRUAMissing)
			if f, ok := misspelled(a.Record); ok && len(found) > 0 {
				found[0].Detail = check.Textf("there is no rua=, and %s= is another field: names are case-sensitive", f.Name)
			}
			return found, nil
		},
	}
}

func ruaScheme() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       ruleRUAScheme,
			Severity: check.Medium,
			Title:    "A TLS-RPT report address is neither mailto: nor https:",
			Text:     "Reports are delivered by mail or by HTTPS only. Nothing is ever sent to an address of another kind, or to one without a scheme.",
			Fix:      "Write mailto: in front of a mailbox, or use an https: address.",
			Cite:     []check.Cite{check.RFC(8460, "3")},
			Since:    since,
		},
		Applies: hasRecord,
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			found := a.findings(ruleRUAScheme)
			for _, uri := range a.Record.RUA {
				scheme, _ := splitScheme(uri)
				if scheme == "" || isReportURI(uri) || len(found) >= maxFindings {
					continue
				}
				found = append(found, check.Finding{
					Subject:  a.Domain,
					Detail:   check.Textf("nobody delivers to %s: the scheme is %s:", uri, scheme),
					Evidence: a.evidence(a.Text),
				})
			}
			return found, nil
		},
	}
}

func ruaUnencoded() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       ruleUnencoded,
			Severity: check.Low,
			Title:    "A TLS-RPT report address has an unencoded comma or exclamation mark",
			Text: "A comma separates addresses, so one inside an address cuts it in two. " +
				"An exclamation mark starts a size limit in DMARC and nothing in TLS-RPT: senders may refuse the address.",
			Fix:   "Write %2C for a comma, %21 for an exclamation mark and %3B for a semicolon inside an address.",
			Cite:  []check.Cite{check.RFC(8460, "3")},
			Since: since,
		},
		Applies: hasRecord,
		Check:   func(a *Analysis) ([]check.Finding, []check.Gap) { return a.findings(ruleUnencoded), nil },
	}
}

func hasRecord(a *Analysis) (bool, []check.Gap) { return a.Record != nil, a.Unread }

// findings words the faults of the record that one rule speaks of.
func (a *Analysis) findings(rule string) []check.Finding {
	var found []check.Finding
	for _, f := range a.faults {
		if f.rule != rule {
			continue
		}
		detail := check.Textf("octet %d: %s", f.Offset, check.Textf(f.Reason))
		if f.Term != "" {
			detail = check.Textf("octet %d, %q: %s", f.Offset, clip(f.Term), check.Textf(f.Reason))
		}
		found = append(found, check.Finding{
			Subject:  a.Domain,
			Detail:   detail,
			Evidence: a.evidence(a.Text),
			Fix:      a.fix(check.Textf("Publish the record in the right form")),
		})
	}
	return found
}

// fix is the repair as the fix of a finding, nil where there is none: then the
// rule's own advice stands.
func (a *Analysis) fix(summary check.Text) *check.Fix {
	changes := Repair(a)
	if changes == nil {
		return nil
	}
	return &check.Fix{Summary: summary, Changes: changes}
}

func (a *Analysis) evidence(texts ...string) []check.Evidence {
	var ev []check.Evidence
	for _, txt := range texts[:min(len(texts), maxFindings)] {
		ev = append(ev, check.Evidence{Source: "TXT " + a.Owner, Text: txt})
	}
	return ev
}

func clip(s string) string {
	const most = 100
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
