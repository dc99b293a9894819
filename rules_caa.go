package mailcheck

import (
	"cmp"
	"crypto/x509"
	"slices"
	"strings"

	"github.com/mailcheck-go/mailcheck/caa"
	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/provider"
)

// caaRules hold the CAA records of hosts against who issues their certificates.
func caaRules() []check.Rule[*view] {
	return []check.Rule[*view]{
		{
			Doc: check.Doc{
				ID: "caa.cert-not-authorized", Severity: check.Medium, Since: "v0.1.0",
				Title: "The certificate comes from a CA that CAA does not allow",
				Text: "The CAA records of the name let other CAs issue, and not the one whose certificate is in use. It stays valid, " +
					"and that CA must refuse the next one: on the day of the renewal there is no certificate.",
				Fix:  "Add an issue record for the CA that is used, or have the next certificate issued by one that is allowed.",
				Cite: []check.Cite{check.RFC(8659, "3"), check.RFC(8659, "4.2")},
			},
			Applies: anyLeaf,
			Check:   certNotAuthorized,
		},
		{
			Doc: check.Doc{
				ID: "caa.renewal-blocked", Severity: check.High, Since: "v0.1.0",
				Title: "CAA keeps the help desk from renewing its certificate",
				Text: "The help desk serves this name with certificates that it gets itself, and the CAA records of the name do not let " +
					"its CA issue. At the next renewal there is none: Zendesk then removes the mapping, and the help centre is gone from that name.",
				Fix:  "Add an issue record for the CA of the help desk.",
				Cite: []check.Cite{check.RFC(8659, "4.2"), {Doc: "Zendesk Help 4408846660250"}, {Doc: "Salesforce Help 000395604"}},
			},
			Applies: func(v *view) (bool, []check.Gap) {
				if slices.ContainsFunc(v.mappings(), func(m mapping) bool { return len(m.desk.Issuers) > 0 }) {
					return true, nil
				}
				_, gaps := mapped(v)
				return false, gaps
			},
			Check: renewalBlocked,
		},
	}
}

// anyLeaf reports whether a certificate was seen whose issuer CAA speaks to.
func anyLeaf(v *view) (bool, []check.Gap) {
	if v.tlscert == nil {
		return false, []check.Gap{{Subject: "certificates of " + v.facts.Domain, Why: check.NotAsked}}
	}
	for _, h := range v.tlscert.Hosts {
		if len(h.Leaves) > 0 && v.caaOf(cmp.Or(h.ServerName, h.Name)) != nil {
			return true, nil
		}
	}
	return false, v.tlscert.Gaps()
}

func certNotAuthorized(v *view) (found []check.Finding, gaps []check.Gap) {
	mapped := v.mappings()
	for _, h := range v.tlscert.Hosts {
		a := v.caaOf(cmp.Or(h.ServerName, h.Name))
		if a == nil || len(h.Leaves) == 0 {
			continue
		}
		m := slices.IndexFunc(mapped, func(m mapping) bool { return m.host.Name == h.Name && m.host.Port == h.Port })
		for _, leaf := range h.Leaves {
			if m >= 0 && renewsItself(mapped[m].desk, leaf.Certificate) {
				continue // the help desk's own: caa.renewal-blocked
			}
			issuers := issuersOf(leaf.Certificate)
			allowed, open := a.Allows(useOf(leaf.Certificate, a.Domain), issuers...)
			if len(open) > 0 {
				gaps = append(gaps, open...)
			} else if !allowed {
				found = append(found, check.Finding{
					Subject:  h.String(),
					Detail:   check.Textf("%s issued the certificate, and the CAA records at %s do not name it", issuer(leaf.Certificate), a.At),
					Evidence: caaEvidence(a),
					Fix:      allowFix(a, issuers, issuer(leaf.Certificate)),
				})
			}
		}
	}
	return found, append(gaps, v.tlscert.Gaps()...)
}

func renewalBlocked(v *view) (found []check.Finding, gaps []check.Gap) {
	gaps = v.webGaps()
	for _, m := range v.mappings() {
		a := v.caaOf(m.host.Name)
		if len(m.desk.Issuers) == 0 || v.uploaded(m) {
			continue
		}
		if a == nil {
			gaps = append(gaps, check.Gap{Subject: "CAA " + m.host.Name, Why: check.NotAsked})
			continue
		}
		allowed, open := a.Allows(caa.Names, m.desk.Issuers...)
		switch {
		case len(open) > 0:
			gaps = append(gaps, open...)
		case !allowed:
			found = append(found, check.Finding{
				Subject:  m.host.Name,
				Detail:   check.Textf("%s gets its certificates from %s, which the CAA records at %s do not name", m.desk.Name, strings.Join(m.desk.Issuers, ", "), a.At),
				Evidence: caaEvidence(a),
				Fix:      allowFix(a, m.desk.Issuers, m.desk.Name),
			})
		}
	}
	return found, gaps
}

// uploaded reports that every certificate which was seen at a mapping came from
// another CA than the help desk's: the owner put it there, and renews it.
func (v *view) uploaded(m mapping) bool {
	seen := false
	for _, h := range v.tlscert.Hosts {
		if h.Name != m.host.Name || h.Port != m.host.Port {
			continue
		}
		for _, leaf := range h.Leaves {
			if seen = true; renewsItself(m.desk, leaf.Certificate) {
				return false
			}
		}
	}
	return seen
}

// renewsItself reports whether a certificate is one that the help desk got.
func renewsItself(desk *provider.Provider, leaf *x509.Certificate) bool {
	return slices.ContainsFunc(issuersOf(leaf), func(ca string) bool { return slices.Contains(desk.Issuers, ca) })
}

// issuersOf are the names by which the CA of a certificate goes in CAA records.
func issuersOf(leaf *x509.Certificate) []string {
	for _, org := range leaf.Issuer.Organization {
		if issuers := caa.IssuersOf(org); issuers != nil {
			return issuers
		}
	}
	return nil
}

// useOf is the kind of certificate that covers a name: a wildcard's where nothing else
// in it does.
func useOf(leaf *x509.Certificate, name string) caa.Use {
	for _, san := range leaf.DNSNames {
		if strings.EqualFold(san, name) {
			return caa.Names
		}
	}
	return caa.Wildcards
}

// caaOf is the analysis of the CAA records for one name, nil where nobody asked.
func (v *view) caaOf(name string) *caa.Analysis {
	if v.caa != nil && v.caa.Domain == name {
		return v.caa
	}
	for _, a := range v.hostCAA {
		if a.Domain == name {
			return a
		}
	}
	return nil
}

func caaEvidence(a *caa.Analysis) []check.Evidence {
	var all []check.Evidence
	for _, r := range a.Records {
		all = append(all, check.Evidence{Source: "CAA " + a.Owner, Text: r.String()})
	}
	return all
}

// allowFix adds a CA to the RRset that counts. Where that stands at the end of an
// alias it is somebody else's, and where it forbids everybody it was meant to.
func allowFix(a *caa.Analysis, issuers []string, who string) *check.Fix {
	if len(issuers) == 0 || a.Owner != a.At {
		return nil
	}
	var old []string
	for _, r := range a.Records {
		old = append(old, r.String())
	}
	added := `0 issue "` + issuers[0] + `"`
	return &check.Fix{
		Summary: check.Textf("Let the CA of %s issue: add CAA %s at %s.", who, added, a.Owner),
		Changes: []check.Change{{Name: a.Owner, Type: "CAA", Old: old, New: append(slices.Clone(old), added)}},
	}
}
