package mailcheck

import (
	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/spf"
)

// spfRules read more than the SPF record.
func spfRules() []check.Rule[*view] {
	return []check.Rule[*view]{{
		Doc: check.Doc{
			ID: "spf.nonsending-not-empty", Severity: check.Medium, Since: "v0.1.0",
			Title: "Domain without mail should publish v=spf1 -all",
			Text: "Nothing shows that mail is sent as this domain, and its SPF record does not say so: " +
				"receivers may take mail from anybody under its name. v=spf1 -all says that there is no such mail.",
			Fix:  "Publish v=spf1 -all.",
			Cite: []check.Cite{check.RFC(7208, "10.1.2"), check.RFC(7505, "4.2")},
		},
		Applies: func(v *view) (bool, []check.Gap) {
			if v.spf == nil || v.spf.Unread != nil || v.role.Role == RoleUnknown {
				return false, v.spfGaps()
			}
			// Without a record it is spf.missing, with senders the domain sends.
			return v.role.Role == Parked && v.spf.Record != nil && !v.spf.Senders, nil
		},
		Check: func(v *view) ([]check.Finding, []check.Gap) {
			if v.spf.Default == spf.Fail {
				return nil, nil
			}
			if v.spf.Default == "" {
				return nil, v.spf.Gaps
			}
			return []check.Finding{{
				Subject:  v.facts.Domain,
				Detail:   check.Textf("mail from anybody gets the result %s", string(v.spf.Default)),
				Evidence: []check.Evidence{{Source: "TXT " + v.spf.Owner, Text: v.spf.Text}},
				Fix: &check.Fix{
					Summary: check.Textf("Publish v=spf1 -all."),
					Changes: []check.Change{{Name: v.spf.Owner, Type: "TXT", Old: []string{v.spf.Text}, New: []string{"v=spf1 -all"}}},
				},
			}}, nil
		},
	}}
}

// spfGaps say why the SPF record, or the role, is not known.
func (v *view) spfGaps() []check.Gap {
	if v.spf == nil {
		return []check.Gap{{Subject: "SPF of " + v.facts.Domain, Why: check.NotAsked}}
	}
	gaps := v.spf.Unread
	if v.mx != nil {
		gaps = append(gaps[:len(gaps):len(gaps)], v.mx.Unread...)
	}
	return gaps
}
