package dmarc

import "github.com/mailcheck-go/mailcheck/check"

// policyRules judge what the record that applies asks for.
func policyRules() []check.Rule[*Analysis] {
	return []check.Rule[*Analysis]{
		recordRule(check.Doc{
			ID:       "dmarc.p-missing",
			Severity: check.Medium,
			Title:    "p= is absent: p=none for new receivers, an error for old ones",
			Text: "Without p the record counts as p=none where it has a valid address for reports, and otherwise as no record at all. " +
				"For receivers of RFC 7489 the tag is mandatory.",
			Fix:   "Put p directly behind v.",
			Cite:  []check.Cite{check.RFC(9989, "4.7"), check.RFC(9989, "4.10.1"), check.RFC(7489, "6.3")},
			Since: since,
		}, judgeMissingPolicy),
		recordRule(check.Doc{
			ID:       "dmarc.p-invalid",
			Severity: check.Critical,
			Title:    "p= value is invalid: policy falls to none or DMARC is off",
			Text: "Receivers know none, quarantine and reject. With any other value the record counts as p=none where it has a valid " +
				"address for reports, and otherwise as no record at all: forged mail is delivered.",
			Fix:   "Write p=none, p=quarantine or p=reject.",
			Cite:  []check.Cite{check.RFC(9989, "4.10.1"), check.RFC(7489, "6.6.3")},
			Since: since,
		}, judgeInvalidPolicy),
		recordRule(check.Doc{
			ID:       "dmarc.sp-invalid",
			Severity: check.Critical,
			Title:    "Invalid sp= or np=: policy falls to none, or DMARC is off when no valid rua",
			Text: "A wrong value of sp or np does not cost that tag alone: the whole record counts as p=none, or as no record at all " +
				"where it has no valid address for reports. p=reject protects nothing then. Receivers of RFC 7489 do so for sp and ignore np.",
			Fix:   "Write none, quarantine or reject, or remove the tag.",
			Cite:  []check.Cite{check.RFC(9989, "4.10.1"), check.RFC(7489, "6.6.3")},
			Since: since,
		}, judgeInvalidBelow),
		decisionRule(check.Doc{
			ID:       "dmarc.p-none",
			Severity: check.Medium,
			Title:    "p=none asks receivers to do nothing",
			Text: "Receivers report about mail that fails, and deliver it as any other. That is the way to begin, and no protection: " +
				"anyone can still send mail as this domain.",
			Fix:   "Read the reports until all own mail passes, then move to quarantine, and where no users post to mailing lists to reject.",
			Cite:  []check.Cite{check.RFC(9989, "4.7"), check.RFC(9989, "5.1.5"), check.RFC(9989, "5.4")},
			Since: since,
		}, None, func(r *Record) bool { return !r.silent() }),
		decisionRule(check.Doc{
			ID:       "dmarc.p-none-no-rua",
			Severity: check.Medium,
			Title:    "p=none without rua: no protection and no reports",
			Text: "The record asks receivers neither to stop forged mail nor to report about it. It meets the bulk-sender rules of " +
				"large mailbox providers, and nothing more.",
			Fix:   "Add rua=mailto: with a mailbox that somebody reads, and tighten p once all own mail passes.",
			Cite:  []check.Cite{check.RFC(9989, "5.1.3"), check.RFC(9989, "5.1.4"), check.RFC(9989, "3.2.12")},
			Since: since,
		}, None, (*Record).silent),
		decisionRule(check.Doc{
			ID:       "dmarc.p-quarantine",
			Severity: check.Info,
			Title:    "Policy is quarantine",
			Text:     "Receivers are asked to treat mail that fails as suspicious, for most a spam folder. Domains whose users post to mailing lists are well served by it.",
			Cite:     []check.Cite{check.RFC(9989, "4.7"), check.RFC(9989, "7.4")},
			Since:    since,
		}, Quarantine, nil),
		decisionRule(check.Doc{
			ID:       "dmarc.p-reject",
			Severity: check.Info,
			Title:    "Policy is reject",
			Text: "Receivers are asked to refuse mail that fails. It is a request: RFC 9989 wants them to weigh it with what else they know. " +
				"Every stream of own mail needs a DKIM signature, as SPF breaks when mail is forwarded.",
			Cite:  []check.Cite{check.RFC(9989, "4.7"), check.RFC(9989, "7.4")},
			Since: since,
		}, Reject, nil),
		recordRule(check.Doc{
			ID:       "dmarc.t-y",
			Severity: check.Medium,
			Title:    "t=y lowers the policy by one level",
			Text: "The record says that it is being tested. Receivers of RFC 9989 then treat reject as quarantine and quarantine as none, " +
				"for the domain and all names below it.",
			Fix:   "Remove t=y when testing is over.",
			Cite:  []check.Cite{check.RFC(9989, "4.7"), check.RFC(9989, "A.6")},
			Since: since,
		}, judgeTest),
		recordRule(check.Doc{
			ID:       "dmarc.t-y-old-receivers",
			Severity: check.Medium,
			Title:    "RFC 7489 receivers ignore t=y and apply the full policy",
			Text:     "t came with RFC 9989. A receiver of the older generation does not know it and applies the policy as it stands, so own mail that fails is lost there during the test.",
			Fix:      "Do not rely on t=y alone: publish the policy that you mean for all receivers.",
			Cite:     []check.Cite{check.RFC(9989, "A.6"), check.RFC(7489, "6.3")},
			Since:    since,
		}, judgeTestOld),
		recordRule(check.Doc{
			ID:       "dmarc.strict-alignment",
			Severity: check.Info,
			Title:    "Strict alignment in use",
			Text:     "Mail passes only where the authenticated domain is the From domain itself; a subdomain of the same organization is not enough. Each sending service has to use the exact domain.",
			Cite:     []check.Cite{check.RFC(9989, "4.4"), check.RFC(9989, "11.8")},
			Since:    since,
		}, judgeStrict),
	}
}

// silent reports whether the record asks for no reports. One whose addresses are
// all invalid does ask: that is another fault.
func (r *Record) silent() bool {
	_, ok := r.Tag("rua")
	return !ok
}

// decisionRule tells of each record that asks for that policy for mail from the
// domain, and meets the condition.
func decisionRule(doc check.Doc, want Policy, also func(*Record) bool) check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: doc,
		Applies: func(a *Analysis) (bool, []check.Gap) {
			return len(a.applied) > 0, a.policyGaps()
		},
		Check: func(a *Analysis) (fs []check.Finding, gaps []check.Gap) {
			for _, n := range a.applied {
				r := n.Record()
				d := a.decides(n, r)
				if d.policy != want || !r.usable(want != None) || also != nil && !also(r) {
					continue
				}
				f := found("%s at %s", d, n.subject())
				if n.Name != a.Domain {
					f = found("%s at %s applies to %s", d, n.subject(), a.Domain)
				}
				n.complete(&f)
				fs = append(fs, f)
			}
			return fs, a.policyGaps()
		},
	}
}

func judgeMissingPolicy(_ *Analysis, _ *Node, r *Record) []check.Finding {
	if _, ok := r.Tag("p"); ok {
		return nil
	}
	return []check.Finding{found("the record has no p: %s", r.consequence())}
}

// consequence is what a record without valid policies comes to.
func (r *Record) consequence() string {
	if r.fallback() == None {
		return "it counts as p=none"
	}
	return "without a valid rua it does not count at all"
}

func judgeInvalidPolicy(_ *Analysis, _ *Node, r *Record) []check.Finding {
	if !r.invalid("p") {
		return nil
	}
	t, _ := r.Tag("p")
	return []check.Finding{invalidPolicy(r, t)}
}

// invalidPolicy says what a wrong value does, and what it was perhaps meant to be.
func invalidPolicy(r *Record, t Tag) check.Finding {
	p, ok := intended(t.Value)
	if !ok {
		return found("%s=%s is no policy, so %s", t.Name, t.Value, r.consequence())
	}
	f := found("%s=%s is no policy, perhaps %s is meant; so %s", t.Name, t.Value, p, r.consequence())
	if t.Name == "p" && p == None {
		f.Severity = check.Medium // nothing is lost but reports
	}
	return f
}

func judgeInvalidBelow(_ *Analysis, _ *Node, r *Record) (fs []check.Finding) {
	for _, name := range []string{"sp", "np"} {
		if t, _ := r.Tag(name); r.invalid(name) {
			f := invalidPolicy(r, t)
			if r.Policy == None {
				f.Severity = check.Medium // p protected nothing before
			}
			fs = append(fs, f)
		}
	}
	return fs
}

func judgeTest(_ *Analysis, _ *Node, r *Record) []check.Finding {
	if !r.Test || !r.enforces() || !r.usable(true) {
		return nil
	}
	return []check.Finding{found("with t=y, p=%s counts as %s for receivers of RFC 9989", r.Policy, r.Policy.lower())}
}

func judgeTestOld(_ *Analysis, _ *Node, r *Record) []check.Finding {
	if !r.Test || r.Policy == None && r.SubdomainPolicy == None || !r.usable(false) || r.Percent == 0 {
		return nil
	}
	return []check.Finding{found("receivers of RFC 7489 apply p=%s in full", r.Policy)}
}

func judgeStrict(_ *Analysis, _ *Node, r *Record) (fs []check.Finding) {
	if r.ADKIM == Strict {
		fs = append(fs, found("adkim=s: the d= of a DKIM signature has to be the From domain itself"))
	}
	if r.ASPF == Strict {
		fs = append(fs, found("aspf=s: the MAIL FROM domain has to be the From domain itself"))
	}
	return fs
}
