package mailcheck

import (
	"maps"
	"slices"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dkim"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/provider"
)

// providerRules hold what a sending service needs against what is published.
func providerRules() []check.Rule[*view] {
	return []check.Rule[*view]{
		{
			Doc: check.Doc{
				ID: "provider.dkim-missing", Severity: check.High, Since: "v0.1.0",
				Title: "A service that SPF names lacks its DKIM records",
				Text: "The SPF record lets the service send, and the DKIM records that it needs are not all there. " +
					"Its mail is then signed with its own domain or not at all: under an enforced DMARC policy it is lost, " +
					"and after a key rotation too where only some of the records stand.",
				Fix:  "Publish the CNAME records that the service names, then turn signing on in its settings.",
				Cite: []check.Cite{check.RFC(9989, "4.4.1"), {Doc: "Zendesk Help 4408822303386, 115015746187"}},
			},
			Applies: func(v *view) (bool, []check.Gap) {
				if v.spf == nil || v.spf.Unread != nil {
					return false, v.spfGaps()
				}
				// A record at the end of an alias was written for another name.
				return v.spf.Owner == v.facts.Domain && slices.ContainsFunc(v.senders, func(s sender) bool { return len(s.Keys) > 0 }), nil
			},
			Check: dkimMissing,
		},
		{
			Doc: check.Doc{
				ID: "provider.spf-missing", Severity: check.Medium, Since: "v0.1.0",
				Title: "A service with DKIM records is not in the SPF record",
				Text: "The DKIM records of a help desk are published, so mail is meant to go through it, and the SPF record does not name it. " +
					"The service's own check of the domain fails, and receivers see mail from addresses that the record does not list.",
				Fix:  "Add the include of the service to the SPF record; or remove its DKIM records if it no longer sends.",
				Cite: []check.Cite{check.RFC(7208, "5.2"), {Doc: "Zendesk Help 115015746187"}},
			},
			Applies: func(v *view) (bool, []check.Gap) {
				if v.dkim == nil {
					return false, []check.Gap{{Subject: "DKIM of " + v.facts.Domain, Why: check.NotAsked}}
				}
				if len(v.signedFor()) > 0 {
					return true, nil
				}
				var gaps []check.Gap
				for _, p := range v.providers.Literal() {
					gaps = append(gaps, v.keyGaps(p)...)
				}
				return false, gaps
			},
			Check: spfMissing,
		},
		notAuthorized(),
	}
}

func dkimMissing(v *view) ([]check.Finding, []check.Gap) {
	var findings []check.Finding
	var gaps []check.Gap
	for _, s := range v.senders {
		var missing []check.Change
		for _, selector := range slices.Sorted(maps.Keys(s.Keys)) {
			a := v.selector(selector)
			name := dnsx.Join(selector, dnsx.Join("_domainkey", v.facts.Domain))
			switch {
			case a == nil:
				gaps = append(gaps, v.notAsked(dnsx.Q(name, dnsx.TypeTXT)))
			case a.State == dkim.StateUnknown && a.Target == "":
				gaps = append(gaps, check.GapOf("", v.selectorErr(selector)))
			case a.State == dkim.StateAbsent, a.State == dkim.StateWildcard:
				missing = append(missing, check.Change{Name: name, Type: "CNAME", New: []string{s.Keys[selector]}})
			}
		}
		if len(missing) == 0 {
			continue
		}
		f := check.Finding{
			Subject: missing[0].Name,
			Detail:  check.Textf("SPF names %s (%s), and %d of its %d DKIM records are missing: %s", s.Name, s.name, len(missing), len(s.Keys), strings.Join(names(missing), ", ")),
			Fix:     &check.Fix{Summary: check.Textf("Publish %s, then turn on the domain's own DKIM signature at %s.", cnames(missing), s.Name), Changes: missing},
		}
		if len(missing) < len(s.Keys) {
			f.Severity = check.Medium // some mail is signed, until the keys rotate
		}
		findings = append(findings, f)
	}
	return findings, gaps
}

func names(changes []check.Change) []string {
	var all []string
	for _, c := range changes {
		all = append(all, c.Name)
	}
	return all
}

func cnames(changes []check.Change) string {
	var all []string
	for _, c := range changes {
		all = append(all, c.Name+" CNAME "+c.New[0])
	}
	return strings.Join(all, " and ")
}

// signedFor are those services that want to be named in the SPF record itself, and whose
// DKIM records are published. Of those that are required another rule speaks.
func (v *view) signedFor() []*provider.Provider {
	return slices.DeleteFunc(v.providers.Literal(), func(p *provider.Provider) bool {
		s := v.signing(p)
		return v.requires(p) || s != signs && s != published
	})
}

// keyGaps say which of a service's selectors stayed without an answer.
func (v *view) keyGaps(p *provider.Provider) []check.Gap {
	var gaps []check.Gap
	for _, name := range p.Selectors {
		if a := v.selector(name); a != nil && a.State == dkim.StateUnknown {
			gaps = append(gaps, check.GapOf("", v.selectorErr(name)))
		}
	}
	return gaps
}

func spfMissing(v *view) ([]check.Finding, []check.Gap) {
	if v.spf == nil || v.spf.Unread != nil {
		return nil, v.spfGaps()
	}
	var findings []check.Finding
	for _, p := range v.signedFor() {
		i := slices.IndexFunc(v.senders, func(s sender) bool { return s.Provider == p })
		switch {
		case i >= 0 && v.senders[i].literal:
			continue
		case i >= 0:
			findings = append(findings, check.Finding{
				Subject: v.facts.Domain, Severity: check.Low,
				Detail: check.Textf("%s is named in the record of %s, not in the domain's own: its check looks for the include itself", p.Name, v.senders[i].in),
				Fix:    &check.Fix{Summary: check.Textf("Move include:%s into the record of %s.", p.SPF[0], v.facts.Domain)},
			})
		case len(v.spf.Gaps) > 0 && len(v.spf.Texts) == 1:
			return findings, v.spf.Gaps // a record that could not be read may name it
		default:
			f := check.Finding{
				Subject: v.facts.Domain,
				Detail:  check.Textf("the DKIM records of %s are published, and the SPF record does not include %s", p.Name, p.SPF[0]),
				Fix:     &check.Fix{Summary: check.Textf("Add include:%s to the SPF record.", p.SPF[0])},
			}
			if v.spf.Text != "" {
				f.Evidence = []check.Evidence{{Source: "TXT " + v.spf.Owner, Text: v.spf.Text}}
			}
			findings = append(findings, f)
		}
	}
	return findings, nil
}
