package mailcheck

import (
	"github.com/mailcheck-go/mailcheck/check"
)

// mxRules read where mail goes beside what is said of mail that is sent.
func mxRules() []check.Rule[*view] {
	return []check.Rule[*view]{{
		Doc: check.Doc{
			ID: "mx.null-but-sends", Severity: check.Medium, Since: "v0.1.0",
			Title: "Domain with a null MX sends mail",
			Text: "The null MX says that the domain takes no mail, so no reply and no bounce can reach it. " +
				"Receivers may refuse mail from such a domain with 550 5.7.27.",
			Fix:  "Publish MX hosts that take the replies, or send from another domain.",
			Cite: []check.Cite{check.RFC(7505, "4.1"), check.RFC(7505, "4.2")},
		},
		Applies: func(v *view) (bool, []check.Gap) {
			if v.mx == nil {
				return false, []check.Gap{{Subject: "MX of " + v.facts.Domain, Why: check.NotAsked}}
			}
			return v.mx.Null, v.mx.Unread
		},
		Check: func(v *view) ([]check.Finding, []check.Gap) {
			sends, known := v.namesSenders()
			if !known {
				return nil, v.spfGaps()
			}
			if !sends {
				return nil, nil
			}
			return []check.Finding{{
				Subject:  v.facts.Domain,
				Detail:   check.Textf("MX 0 . stands beside an SPF record that names senders"),
				Evidence: []check.Evidence{{Source: "TXT " + v.spf.Owner, Text: v.spf.Text}},
			}}, nil
		},
	}}
}
