package mtasts

import (
	"strings"
	"time"

	"github.com/mailcheck-go/mailcheck/check"
)

func policySyntax() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       rulePolicySyntax,
			Severity: check.High,
			Title:    "The MTA-STS policy is not well-formed",
			Text: "Every line is a key, a colon and a value. Senders that read strictly drop a policy with any other line; " +
				"the rest skip the line and what it was meant to say.",
			Fix:   "Serve nothing but lines of the form key: value, with the keys version, mode, mx and max_age.",
			Cite:  []check.Cite{check.RFC(8461, "3.2")},
			Since: since,
		},
		Applies: func(a *Analysis) (bool, []check.Gap) {
			ok, gaps := hasPage(a)
			return ok && !a.tooLarge(), gaps
		},
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			if a.Policy == nil {
				return []check.Finding{{
					Subject:  a.URL,
					Detail:   check.Textf("the file is no policy: no line has one of the keys version, mode, mx and max_age"),
					Evidence: []check.Evidence{{Source: a.URL, Text: a.fetch.Body}},
				}}, nil
			}
			found := a.policyFindings(rulePolicySyntax)
			for i := range found {
				if found[i].Severity == 0 {
					found[i].Severity = check.Medium // lenient senders read on
				}
			}
			return found, nil
		},
	}
}

func policyVersion() check.Rule[*Analysis] {
	return policyRule(check.Doc{
		ID:       ruleVersion,
		Severity: check.High,
		Title:    "The MTA-STS policy's version is missing or not STSv1",
		Text:     "Without the version the file is no policy. Senders deliver as if the domain had no MTA-STS.",
		Fix:      "Write the line version: STSv1.",
		Cite:     []check.Cite{check.RFC(8461, "3.2")},
		Since:    since,
	})
}

func modeInvalid() check.Rule[*Analysis] {
	return policyRule(check.Doc{
		ID:       ruleMode,
		Severity: check.High,
		Title:    "The MTA-STS policy's mode is missing or unknown",
		Text:     "Without a mode that they know, senders have no policy to apply, and deliver as if the domain had no MTA-STS.",
		Fix:      "Write the line mode: enforce, or testing or none in place of enforce.",
		Cite:     []check.Cite{check.RFC(8461, "3.2")},
		Since:    since,
	})
}

func modeTesting() check.Rule[*Analysis] {
	return modeRule(Testing, check.Doc{
		ID:       "mtasts.mode-testing",
		Severity: check.Low,
		Title:    "The MTA-STS policy is in mode testing",
		Text:     "Senders report failures and deliver all the same, so the policy protects nothing yet. That is how to begin, not how to stay.",
		Fix:      "Switch to mode enforce, and change the record's id, once TLS reports show no failures of your own hosts.",
		Cite:     []check.Cite{check.RFC(8461, "5")},
		Since:    since,
	}, "the mode is testing: senders report failures and deliver all the same")
}

func modeNone() check.Rule[*Analysis] {
	return modeRule(None, check.Doc{
		ID:       "mtasts.mode-none",
		Severity: check.Low,
		Title:    "The MTA-STS policy is in mode none",
		Text: "Senders act as if the domain had no MTA-STS. The mode exists to end a policy cleanly; " +
			"after the old policy's max_age has passed, record and file have no more use.",
		Fix:   "Remove the record and the file once earlier policies have expired everywhere, or serve a policy that protects.",
		Cite:  []check.Cite{check.RFC(8461, "5"), check.RFC(8461, "8.3")},
		Since: since,
	}, "the mode is none: senders act as if there were no policy")
}

func modeRule(mode Mode, doc check.Doc, detail string) check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc:     doc,
		Applies: hasPolicy,
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			if a.Policy.Mode != mode {
				return nil, nil
			}
			return []check.Finding{{
				Subject:  a.URL,
				Detail:   check.Textf(detail),
				Evidence: a.policyEvidence(),
			}}, nil
		},
	}
}

func maxAgeInvalid() check.Rule[*Analysis] {
	return policyRule(check.Doc{
		ID:       ruleMaxAge,
		Severity: check.High,
		Title:    "The MTA-STS policy's max_age is missing, no number or too large",
		Text:     "max_age says for how many seconds senders keep the policy. Without a number from 0 to 31557600 the file is no policy.",
		Fix:      "Write the line max_age: with a number of seconds, 604800 (a week) or more.",
		Cite:     []check.Cite{check.RFC(8461, "3.2")},
		Since:    since,
	})
}

func maxAgeShort(least time.Duration) check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "mtasts.max-age-short",
			Severity: check.Low,
			Title:    "The MTA-STS policy's max_age is short",
			Text: "A sender whose copy has expired has to fetch the policy again, and an attacker who prevents that switches MTA-STS off. " +
				"Weeks or more are what the standard expects.",
			Fix:   "Set max_age to 604800 seconds (a week) or more once the policy is stable.",
			Cite:  []check.Cite{check.RFC(8461, "3.2"), check.RFC(8461, "10.2")},
			Since: since,
		},
		Applies: func(a *Analysis) (bool, []check.Gap) {
			ok, gaps := hasPolicy(a)
			// A policy that is tried out, or on its way out, is better short (RFC 8461, 8.3).
			return ok && a.Policy.Mode == Enforce && len(a.policyFindings(ruleMaxAge)) == 0, gaps
		},
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			if a.Policy.MaxAge >= least {
				return nil, nil
			}
			return []check.Finding{{
				Subject:  a.URL,
				Detail:   check.Textf("max_age is %d seconds, and %d are the least that is advised", int64(a.Policy.MaxAge/time.Second), int64(least/time.Second)),
				Evidence: a.policyEvidence(),
			}}, nil
		},
	}
}

func mxMissing() check.Rule[*Analysis] {
	return policyRule(check.Doc{
		ID:       ruleMXMissing,
		Severity: check.High,
		Title:    "The MTA-STS policy names no MX host",
		Text: "A policy that is not in mode none needs at least one mx line. " +
			"Senders take the file for no policy, or find that no MX host is allowed and hold the mail back.",
		Fix:   "List every MX host, or a pattern such as *.acme.example that covers it, on an mx: line of its own.",
		Cite:  []check.Cite{check.RFC(8461, "3.2")},
		Since: since,
	})
}

func mxPattern() check.Rule[*Analysis] {
	return policyRule(check.Doc{
		ID:       ruleMXPattern,
		Severity: check.High,
		Title:    "An mx pattern of the MTA-STS policy is not valid",
		Text: "A pattern is a host name, or *. and a host name. Another one matches nothing, so that in mode enforce mail to " +
			"the host that it was meant for is held back; strict senders drop the whole policy.",
		Fix:   "Write host.example or *.host.example, in ASCII, without a dot at the end.",
		Cite:  []check.Cite{check.RFC(8461, "3.2"), check.RFC(8461, "4.1")},
		Since: since,
	})
}

func duplicateField() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       ruleDuplicate,
			Severity: check.Low,
			Title:    "A field of the MTA-STS record or policy occurs twice",
			Text:     "Of any field but mx only the first counts. Whoever edits the second changes nothing.",
			Fix:      "Keep one of them.",
			Cite:     []check.Cite{check.RFC(8461, "3.2")},
			Since:    since,
		},
		Applies: hasAnyRecord,
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			return append(a.recordFindings(ruleDuplicate), a.policyFindings(ruleDuplicate)...), a.PolicyUnread
		},
	}
}

func hasPolicy(a *Analysis) (bool, []check.Gap) { return a.Policy != nil, a.PolicyUnread }

// policyRule finds the faults of the policy that carry the rule's id.
func policyRule(doc check.Doc) check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc:     doc,
		Applies: hasPolicy,
		Check:   func(a *Analysis) ([]check.Finding, []check.Gap) { return a.policyFindings(doc.ID), nil },
	}
}

func (a *Analysis) policyFindings(rule string) []check.Finding {
	var found []check.Finding
	for _, f := range a.policyFaults {
		if f.rule != rule {
			continue
		}
		line := 1 + strings.Count(a.fetch.Body[:f.Offset], "\n")
		detail := check.Textf("line %d, %q: %s", line, short(f.Term), check.Textf(f.Reason))
		if f.Offset == len(a.fetch.Body) {
			detail = check.Textf(f.Reason)
		}
		finding := check.Finding{Subject: a.URL, Detail: detail, Evidence: a.policyEvidence()}
		if f.small {
			finding.Severity = check.Low
		}
		found = append(found, finding)
	}
	return found
}

func (a *Analysis) policyEvidence() []check.Evidence {
	return []check.Evidence{{Source: a.URL, Text: a.fetch.Body}}
}
