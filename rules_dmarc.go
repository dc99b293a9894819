package mailcheck

import (
	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dkim"
	"github.com/mailcheck-go/mailcheck/dmarc"
)

// dmarcRules read the policy beside what it is about.
func dmarcRules() []check.Rule[*view] {
	return []check.Rule[*view]{
		{
			Doc: check.Doc{
				ID: "dmarc.reject-spf-only", Severity: check.High, Since: "v0.1.0",
				Title: "An enforced policy rests on SPF alone",
				Text: "The domain asks receivers to quarantine or reject what fails, and publishes no DKIM key. " +
					"Forwarded mail always fails SPF, and so does mail of a service that uses its own bounce domain: it is lost.",
				Fix:  "Have every service sign with DKIM for this domain, and publish the keys; until then lower the policy to none.",
				Cite: []check.Cite{check.RFC(9989, "7.4"), check.RFC(9989, "8")},
			},
			Applies: func(v *view) (bool, []check.Gap) {
				if v.role.Role == Parked || v.role.Role == Receives {
					return false, nil
				}
				if v.dmarc == nil {
					return false, []check.Gap{{Subject: "DMARC of " + v.facts.Domain, Why: check.NotAsked}}
				}
				p := v.dmarc.Effective.Domain
				if p == "" {
					return false, v.dmarcGaps()
				}
				return enforces(p), nil
			},
			Check: func(v *view) ([]check.Finding, []check.Gap) {
				known, gaps := v.noKey()
				if !known {
					return nil, gaps
				}
				policy := string(v.dmarc.Effective.Domain)
				f := check.Finding{
					Subject: v.facts.Domain,
					Detail:  check.Textf("the policy is %s, and %s has no DKIM key that receivers can use", policy, v.facts.Domain),
				}
				if v.spf != nil && v.spf.Unread == nil && len(v.spf.Texts) == 0 {
					f.Detail = check.Textf("the policy is %s, and %s has neither an SPF record nor a DKIM key that receivers can use: no mail of it passes", policy, v.facts.Domain)
					f.Fix = &check.Fix{Summary: check.Textf("If the domain sends no mail, publish v=spf1 -all; otherwise name its senders in an SPF record and have them sign with DKIM.")}
				}
				return []check.Finding{f}, nil
			},
		},
		{
			Doc: check.Doc{
				ID: "dmarc.parked-weak", Severity: check.Medium, Since: "v0.1.0",
				Title: "Domain without mail should publish p=reject",
				Text: "Nothing shows that mail is sent as this domain, so no mail of its own can be lost by rejecting all of it. " +
					"With a weaker policy forged mail under its name is delivered.",
				Fix:  "Publish v=DMARC1; p=reject; sp=reject; np=reject.",
				Cite: []check.Cite{{Doc: "M3AAWG Protecting Parked Domains"}, {Doc: "GOV.UK Protecting domains that don't send email"}},
			},
			Applies: func(v *view) (bool, []check.Gap) {
				if v.role.Role == RoleUnknown {
					return false, v.spfGaps()
				}
				if v.role.Role != Parked {
					return false, nil
				}
				if v.dmarc == nil {
					return false, []check.Gap{{Subject: "DMARC of " + v.facts.Domain, Why: check.NotAsked}}
				}
				return v.dmarc.Effective.Domain != dmarc.Off, nil // without a policy it is dmarc.missing
			},
			Check: parkedWeak,
		},
	}
}

func parkedWeak(v *view) ([]check.Finding, []check.Gap) {
	e := v.dmarc.Effective
	for _, part := range []struct {
		policy dmarc.Policy
		what   check.Text
	}{
		{e.Domain, check.Textf("the domain itself")},
		{e.Subdomain, check.Textf("names below it")},
		{e.Missing, check.Textf("names below it that do not exist")},
	} {
		if part.policy.WeakerThan(dmarc.Reject) {
			return []check.Finding{{
				Subject: v.facts.Domain,
				Detail:  check.Textf("for mail from %s the policy is %s", part.what, string(part.policy)),
			}}, nil
		}
	}
	if e.Domain == "" || e.Subdomain == "" || e.Missing == "" {
		return nil, v.dmarcGaps()
	}
	return nil, nil
}

func enforces(p dmarc.Policy) bool { return p == dmarc.Quarantine || p == dmarc.Reject }

func (v *view) dmarcGaps() []check.Gap {
	return append(v.dmarc.New.Gaps[:len(v.dmarc.New.Gaps):len(v.dmarc.New.Gaps)], v.dmarc.Old.Gaps...)
}

// noKey reports that it is proven that the domain has no usable DKIM key. False
// without a gap means that it has one.
func (v *view) noKey() (bool, []check.Gap) {
	if v.dkim == nil {
		return false, []check.Gap{{Subject: "DKIM of " + v.facts.Domain, Why: check.NotAsked}}
	}
	if len(v.dkim.Keys) > 0 {
		return false, nil
	}
	var gaps []check.Gap
	for _, s := range v.dkim.Selectors {
		if s.State == dkim.StateUnknown {
			gaps = append(gaps, check.GapOf("", v.selectorErr(s.Name)))
		}
	}
	if len(gaps) > 0 || v.dkim.Complete || v.dkim.AllRevoked {
		return len(gaps) == 0, gaps
	}
	return false, []check.Gap{{
		Subject: "DKIM selectors of " + v.facts.Domain, Why: check.Undecidable,
		Cause: check.Errorf("none of the %d selectors that were tried has a key, and the DNS does not list others; name one with --selector", len(v.dkim.Selectors)),
	}}
}

// selectorErr is why a selector's record is not known.
func (v *view) selectorErr(name string) error {
	for _, s := range v.facts.DKIM.Selectors {
		if s.Name == name {
			return s.TXT.Err()
		}
	}
	return nil
}
