package dmarc

import "github.com/mailcheck-go/mailcheck/check"

// subdomainRules judge what the domain's own record asks for names below it.
func subdomainRules() []check.Rule[*Analysis] {
	return []check.Rule[*Analysis]{
		ownRule(check.Doc{
			ID:       "dmarc.sp-weaker",
			Severity: check.Medium,
			Title:    "Subdomain policy is weaker than p",
			Text: "sp holds for all names below the domain that exist and have no record of their own. Mail that forges one of them is " +
				"treated more kindly than mail that forges the domain itself, and looks as good to a reader.",
			Fix:   "Set sp to the level of p, or remove it.",
			Cite:  []check.Cite{check.RFC(9989, "4.7"), check.RFC(7489, "6.3")},
			Since: since,
		}, judgeSubdomains),
		ownRule(check.Doc{
			ID:       "dmarc.np-weaker",
			Severity: check.Medium,
			Title:    "Non-existent subdomain policy is weaker than p",
			Text:     "np holds for names below the domain that do not exist. No honest mail comes from them, so a forger loses nothing by taking one.",
			Fix:      "Set np=reject.",
			Cite:     []check.Cite{check.RFC(9989, "4.7"), check.RFC(9989, "A.4")},
			Since:    since,
		}, judgeNonexistent),
		ownRule(check.Doc{
			ID:       "dmarc.np-missing",
			Severity: check.Info,
			Title:    "np= absent: non-existent names use sp, then p",
			Text:     "Without np the policy for names that do not exist is that of sp, and without sp that of p. np=reject, usually safe, would refuse mail from invented names before p is as strict; first check that no mail uses subdomains that do not exist.",
			Cite:     []check.Cite{check.RFC(9989, "4.7")},
			Since:    since,
		}, judgeNoNonexistent),
		ownRule(check.Doc{
			ID:       "dmarc.np-old-receivers",
			Severity: check.Info,
			Title:    "np= is ignored by RFC 7489 receivers",
			Text:     "np is an unknown tag to receivers of RFC 7489. For names that do not exist they go by sp, or p where that is absent.",
			Cite:     []check.Cite{check.RFC(9989, "9.3"), check.RFC(9091, "3.2"), check.RFC(7489, "6.3")},
			Since:    since,
		}, judgeOldNonexistent),
		{
			Doc: check.Doc{
				ID:       "dmarc.sp-ignored",
				Severity: check.Low,
				Title:    "sp= on a subdomain record has no effect",
				Text: "Only the record of the organizational domain decides about names without a record. What a record further down says in sp " +
					"or np is never read.",
				Fix:   "Remove sp and np, or move them to the organizational domain's record.",
				Cite:  []check.Cite{check.RFC(9989, "4.7"), check.RFC(7489, "6.3")},
				Since: since,
			},
			Applies: ownApplies,
			Check:   checkIgnored,
		},
	}
}

// ownRule judges the domain's own record as the one that speaks for names below
// it. A record that no such name reads is another rule's.
func ownRule(doc check.Doc, j judge) check.Rule[*Analysis] {
	rule := recordRule(doc, j)
	inner := rule.Check
	rule.Applies = ownApplies
	rule.Check = func(a *Analysis) ([]check.Finding, []check.Gap) {
		if a.ignoresSubdomains(a.own()) {
			return nil, nil
		}
		fs, _ := inner(a)
		if len(fs) == 0 {
			return nil, nil
		}
		if a.New.OrganizationalDomain == "" && a.Old.OrganizationalDomain != a.Domain {
			return nil, a.orgGaps() // perhaps nobody reads it
		}
		return fs, nil
	}
	return rule
}

// ownApplies asks for a record of the domain itself.
func ownApplies(a *Analysis) (bool, []check.Gap) {
	own := a.own()
	if own == nil {
		return false, a.noName()
	}
	return own.Record() != nil, nodeGaps(a.Nodes[:1])
}

func judgeSubdomains(_ *Analysis, _ *Node, r *Record) []check.Finding {
	if t, ok := r.Tag("sp"); !ok || !t.Valid || !r.usable(false) || !r.SubdomainPolicy.WeakerThan(r.Policy) {
		return nil
	}
	return []check.Finding{found("sp=%s is weaker than p=%s", r.SubdomainPolicy, r.Policy)}
}

func judgeNonexistent(_ *Analysis, _ *Node, r *Record) []check.Finding {
	if t, ok := r.Tag("np"); !ok || !t.Valid || !r.usable(true) || !r.NonexistentPolicy.WeakerThan(r.Policy) {
		return nil
	}
	return []check.Finding{found("np=%s is weaker than p=%s", r.NonexistentPolicy, r.Policy)}
}

func judgeNoNonexistent(a *Analysis, n *Node, r *Record) []check.Finding {
	if _, ok := r.Tag("np"); ok || !r.usable(true) || r.NonexistentPolicy == Reject {
		return nil
	}
	return []check.Finding{found("names below %s that do not exist get %s=%s", n.Name, r.present("sp", "p"), r.NonexistentPolicy)}
}

func judgeOldNonexistent(_ *Analysis, _ *Node, r *Record) []check.Finding {
	if t, ok := r.Tag("np"); !ok || !t.Valid || !r.usable(true) || r.NonexistentPolicy == r.SubdomainPolicy {
		return nil
	}
	return []check.Finding{found("np=%s for receivers of RFC 9989, %s=%s for those of RFC 7489", r.NonexistentPolicy, r.present("sp", "p"), r.SubdomainPolicy)}
}

func checkIgnored(a *Analysis) (fs []check.Finding, gaps []check.Gap) {
	n := a.own()
	if a.Old.OrganizationalDomain == a.Domain {
		return nil, nil
	}
	j := func(_ *Analysis, _ *Node, r *Record) (fs []check.Finding) {
		for _, name := range []string{"sp", "np"} {
			if t, ok := r.Tag(name); ok && t.Valid {
				fs = append(fs, found("%s=%s is not read: %s is no organizational domain", name, t.Value, n.Name))
			}
		}
		return fs
	}
	fs = j(a, n, n.Record())
	if len(fs) == 0 {
		return nil, nil
	}
	if gaps := a.orgGaps(); len(gaps) > 0 {
		return nil, gaps
	}
	if !a.ignoresSubdomains(n) {
		return nil, nil
	}
	a.offerRepair(check.Doc{Fix: "Remove sp and np, or move them to the organizational domain's record."}, n, fs, j)
	return fs, nil
}
