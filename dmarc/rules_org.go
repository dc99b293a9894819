package dmarc

import "github.com/mailcheck-go/mailcheck/check"

// organizationRules judge where the organizational domain lies, and whether the
// generations agree on it and on the record. Each divergence is told once, by the
// rule that knows its cause.
func organizationRules() []check.Rule[*Analysis] {
	return []check.Rule[*Analysis]{
		recordRule(check.Doc{
			ID:       "dmarc.psd-y",
			Severity: check.High,
			Title:    "psd=y on a normal domain breaks organizational grouping",
			Text: "psd=y says that the name is a public suffix, under which strangers register. Receivers of RFC 9989 then take each name " +
				"one level below it for an organization of its own: mail from one of them no longer aligns with another, or with the domain.",
			Fix:   "Remove psd=y unless you run a public suffix.",
			Cite:  []check.Cite{check.RFC(9989, "4.7"), check.RFC(9989, "4.10.2"), check.RFC(9989, "5.2")},
			Since: since,
		}, func(_ *Analysis, n *Node, r *Record) []check.Finding {
			if r.PSD != PSDYes || isSuffix(n.Name) {
				return nil
			}
			return []check.Finding{found("%s is no public suffix by the public suffix list, and says psd=y", n.Name)}
		}),
		recordRule(check.Doc{
			ID:       "dmarc.psd-n",
			Severity: check.Info,
			Title:    "psd=n pins this name as the organizational domain",
			Text:     "Receivers of RFC 9989 stop at this record and look no higher. Mail from names above it does not align with the names below.",
			Cite:     []check.Cite{check.RFC(9989, "4.7"), check.RFC(9989, "4.10.2")},
			Since:    since,
		}, func(_ *Analysis, n *Node, r *Record) []check.Finding {
			if r.PSD != PSDNo {
				return nil
			}
			return []check.Finding{found("%s is the organizational domain for itself and all names below it", n.Name)}
		}),
		recordRule(check.Doc{
			ID:       "dmarc.psd-y-ruf",
			Severity: check.Medium,
			Title:    "A public suffix record must not ask for failure reports",
			Text:     "Failure reports carry other people's mail. The record of a suffix that many organizations register under must not ask for them, and receivers do not send them.",
			Fix:      "Remove ruf.",
			Cite:     []check.Cite{check.RFC(9989, "10.2"), check.RFC(9991, "2")},
			Since:    since,
		}, func(_ *Analysis, n *Node, r *Record) []check.Finding {
			if _, ok := r.Tag("ruf"); !ok || r.PSD != PSDYes {
				return nil
			}
			return []check.Finding{found("the record of %s has psd=y and ruf", n.Name)}
		}),
		orgRule(check.Doc{
			ID:       "dmarc.policy-record-diverges",
			Severity: check.High,
			Title:    "The two generations apply different records",
			Text: "Receivers of RFC 9989 walk up the tree to find the policy, those of RFC 7489 go by a public suffix list. Here they end at " +
				"different records, so the same forged message is treated by different policies, or by none.",
			Fix:   "Publish a record at the exact From domain: both generations read that first.",
			Cite:  []check.Cite{check.RFC(9989, "4.10.1"), check.RFC(9989, "C.3"), check.RFC(7489, "6.6.3")},
			Since: since,
		}, otherRecord, func(a *Analysis) check.Finding {
			return found("receivers of RFC 9989 use %s, those of RFC 7489 %s", a.New.owner(), a.Old.owner())
		}),
		orgRule(check.Doc{
			ID:       "dmarc.parent-psd-without-flag",
			Severity: check.High,
			Title:    "A parent suffix publishes DMARC without psd=y",
			Text: "A record above the organization's own top lacks psd=y, so receivers of RFC 9989 take that suffix for the organizational domain. " +
				"With relaxed alignment, mail that any other domain under the suffix authenticates passes DMARC as this domain.",
			Fix:   "Add psd=n to the organizational domain's own record.",
			Cite:  []check.Cite{check.RFC(9989, "11.8"), check.RFC(9989, "4.10.2")},
			Since: since,
		}, unflagged, sayUnflagged),
		orgRule(check.Doc{
			ID:       "dmarc.no-org-record",
			Severity: check.Medium,
			Title:    "Only a subdomain has a record; siblings will not align at RFC 9989 receivers",
			Text: "The organizational domain by the public suffix list has no DMARC record. For receivers of RFC 9989 the subdomain is then an organization of its own, " +
				"and mail authenticated for another subdomain, or for the domain above, does not align. Names without a record are open to forgery.",
			Fix:   "Publish a record at the organizational domain.",
			Cite:  []check.Cite{check.RFC(9989, "4.10.2"), check.RFC(9989, "5.1.4")},
			Since: since,
		}, lonely, func(a *Analysis) check.Finding {
			return found("%s has a record and %s has none", a.New.OrganizationalDomain, a.Old.OrganizationalDomain)
		}),
		orgRule(check.Doc{
			ID:       "dmarc.org-domain-diverges",
			Severity: check.High,
			Title:    "Tree walk and public suffix list give different organizational domains",
			Text: "Relaxed alignment asks for the same organizational domain, and the two generations find another one. A message whose SPF or DKIM " +
				"domain lies elsewhere in the organization passes at some receivers and fails at others.",
			Fix:   "Publish a record at every From domain, and authenticate mail with the From domain itself.",
			Cite:  []check.Cite{check.RFC(9989, "4.10.2"), check.RFC(9989, "11.8"), check.RFC(9989, "C.3"), check.RFC(7489, "3.2")},
			Since: since,
		}, otherOrg, func(a *Analysis) check.Finding {
			f := found("%s for receivers of RFC 9989, %s for those of RFC 7489", a.New.OrganizationalDomain, a.Old.OrganizationalDomain)
			if n := a.node(a.New.OrganizationalDomain); n != nil && n.Record() != nil && n.Record().PSD == PSDNo {
				f.Severity = check.Medium // asked for, by psd=n
			}
			return f
		}),
	}
}

// owner names the record that a generation uses.
func (g *Generation) owner() string {
	if g.node == nil {
		return "none"
	}
	return g.node.subject()
}

// orgRule judges a divergence. It needs to know whose record applies, and both
// organizational domains.
func orgRule(doc check.Doc, diverges func(*Analysis) bool, say func(*Analysis) check.Finding) check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc:     doc,
		Applies: applies,
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			gaps := append(a.ownerGaps(), a.orgGaps()...)
			if len(gaps) > 0 || !diverges(a) {
				return nil, gaps
			}
			f := say(a)
			f.Subject = a.Domain
			for _, n := range a.applied {
				f.Evidence = append(f.Evidence, n.evidence()...)
			}
			return []check.Finding{f}, nil
		},
	}
}

func otherRecord(a *Analysis) bool { return a.New.node != a.Old.node && !a.fellThrough() }

func unflagged(a *Analysis) bool { return a.New.node == a.Old.node && a.unflaggedSuffix() != "" }

func sayUnflagged(a *Analysis) check.Finding {
	up := a.node(a.unflaggedSuffix())
	f := found("%s publishes a record without psd=y, so it counts as the organizational domain of %s", up.subject(), a.Domain)
	if r := a.New.Record; r.ADKIM == Strict && r.ASPF == Strict {
		f.Severity = check.Low // a stranger's domain is not the same name
	}
	f.Evidence = up.evidence()
	if org := a.node(a.Old.OrganizationalDomain); org != nil {
		a.repaired(org, &f, "Add psd=n to the organizational domain's own record.")
	}
	return f
}

// lonely: the generations agree on the record, it makes its own name the
// organizational domain, and nothing stands where the list sees the top.
func lonely(a *Analysis) bool {
	up := a.node(a.Old.OrganizationalDomain)
	return a.New.node == a.Old.node && a.New.OrganizationalDomain != a.Old.OrganizationalDomain &&
		a.unflaggedSuffix() == "" && up != nil && up.Err == nil && len(up.Records) == 0
}

// otherOrg is any divergence that no other rule tells of: not a suffix without
// its flag, not a missing or doubled record at the top, and not psd=y in the
// record that applies.
func otherOrg(a *Analysis) bool {
	up := a.node(a.Old.OrganizationalDomain)
	return a.New.node == a.Old.node && a.New.OrganizationalDomain != a.Old.OrganizationalDomain &&
		a.unflaggedSuffix() == "" && !(up != nil && up.Err == nil && len(up.Records) != 1) &&
		!(a.New.Record != nil && a.New.Record.PSD == PSDYes)
}
