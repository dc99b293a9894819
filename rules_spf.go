package mailcheck

import (
	"slices"

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
				Severity: v.unsentSeverity(),
				Detail:   check.Textf("mail from anybody gets the result %s", string(v.spf.Default)),
				Evidence: []check.Evidence{{Source: "TXT " + v.spf.Owner, Text: v.spf.Text}},
				Fix: &check.Fix{
					Summary: check.Textf("Publish %s.", shutSPF),
					Changes: []check.Change{{Name: v.spf.Owner, Type: "TXT", Old: []string{v.spf.Text}, New: []string{shutSPF}}},
				},
			}}, nil
		},
	}, allFailBeforeDMARC(), spfTemperror(), spfIncludeTemperror(), heloMissing(), subdomainUnprotected(), unalignedOnly()}
}

// spfGaps say why the SPF record, or the role, is not known.
func (v *view) spfGaps() []check.Gap {
	if v.spf == nil {
		return []check.Gap{{Subject: "SPF of " + v.facts.Domain, Why: check.NotAsked}}
	}
	gaps := slices.Clip(v.endOfSPF().Unread)
	if v.mx == nil {
		return append(gaps, check.Gap{Subject: "MX of " + v.facts.Domain, Why: check.NotAsked})
	}
	return append(gaps, v.mx.Unread...)
}

func allFailBeforeDMARC() check.Rule[*view] {
	return check.Rule[*view]{
		Doc: check.Doc{
			ID: "spf.all-fail-before-dmarc", Severity: check.Info, Since: "v0.1.0",
			Title: "-all may reject mail before DMARC sees an aligned DKIM signature",
			Text: "Some receivers act on SPF as soon as they know the envelope sender, and refuse mail at -all. " +
				"Forwarded mail that would pass DMARC by its DKIM signature is then lost before DMARC is looked at, and no aggregate report counts it. " +
				"Beside a DMARC policy of quarantine or reject ~all is enough.",
			Fix:  "Accept that knowingly, or end the SPF record in ~all for as long as the DMARC policy is quarantine or reject.",
			Cite: []check.Cite{check.RFC(9989, "7.1"), check.RFC(7489, "10.1")},
		},
		Applies: func(v *view) (bool, []check.Gap) {
			switch {
			case v.role.Role == Parked || v.role.Role == Receives:
				return false, nil // -all is what such a domain should say
			case v.spf == nil || v.spf.Unread != nil || v.role.Role == RoleUnknown:
				return false, v.spfGaps()
			}
			return v.spf.Record != nil, nil
		},
		Check: failBeforeDMARC,
	}
}

func failBeforeDMARC(v *view) ([]check.Finding, []check.Gap) {
	if v.spf.Default != spf.Fail && v.spf.Default != "" {
		return nil, nil
	}
	if v.dmarc == nil {
		return nil, []check.Gap{{Subject: "DMARC of " + v.facts.Domain, Why: check.NotAsked}}
	}
	policy := v.dmarc.Effective.Domain
	switch {
	case policy != "" && !enforces(policy):
		return nil, nil
	case policy == "":
		return nil, v.dmarcGaps()
	case v.spf.Default == "":
		return nil, v.spf.Gaps
	}
	f := check.Finding{
		Subject: v.facts.Domain,
		Detail:  check.Textf("the SPF record ends in -all, and the DMARC policy is %s", string(policy)),
	}
	last := v.spf.Policy[len(v.spf.Policy)-1] // Domain's record, or the one that it redirects to
	for _, text := range last.Texts {
		f.Evidence = append(f.Evidence, check.Evidence{Source: "TXT " + last.Owner, Text: text})
	}
	for _, n := range v.dmarc.Nodes {
		if n.Name == v.dmarc.New.Owner {
			for _, r := range n.Records {
				f.Evidence = append(f.Evidence, check.Evidence{Source: "TXT _dmarc." + n.Name, Text: r.Text})
			}
		}
	}
	return []check.Finding{f}, nil
}
