package dmarc

import "github.com/mailcheck-go/mailcheck/check"

// historicRules judge the tags that RFC 9989 took out.
func historicRules() []check.Rule[*Analysis] {
	return []check.Rule[*Analysis]{
		recordRule(check.Doc{
			ID:       "dmarc.pct-partial",
			Severity: check.High,
			Title:    "pct below 100: old receivers sample, new receivers apply 100 %",
			Text: "Receivers of RFC 7489 apply the policy to that share of failing mail and one level less to the rest, so part of the forged mail " +
				"gets through. Receivers of RFC 9989 ignore the tag and apply the policy to all of it.",
			Fix:   "Remove pct and publish the policy that you mean for all mail.",
			Cite:  []check.Cite{check.RFC(7489, "6.3"), check.RFC(7489, "6.6.4"), check.RFC(9989, "A.6")},
			Since: since,
		}, judgePartial),
		recordRule(check.Doc{
			ID:       "dmarc.pct-zero",
			Severity: check.Medium,
			Title:    "pct=0 softens the policy only for old receivers",
			Text: "pct=0 was the way to ask for one level less while testing. Receivers of RFC 9989 ignore it and apply the policy in full: " +
				"what was meant as a test is none there.",
			Fix:   "Remove pct; while still testing, publish the lower policy or t=y.",
			Cite:  []check.Cite{check.RFC(9989, "A.6"), check.RFC(7489, "6.6.4")},
			Since: since,
		}, judgeZero),
		recordRule(check.Doc{
			ID:       "dmarc.pct-removed",
			Severity: check.Low,
			Title:    "pct= is historic and ignored by current receivers",
			Text:     "RFC 9989 took pct out. Here it changes nothing for older receivers either.",
			Fix:      "Remove pct.",
			Cite:     []check.Cite{check.RFC(9989, "9.3"), check.RFC(9989, "A.6"), check.RFC(9989, "C.5.2")},
			Since:    since,
		}, judgeRemoved),
		recordRule(check.Doc{
			ID:       "dmarc.rf-ri-removed",
			Severity: check.Medium,
			Title:    "rf= and ri= are historic",
			Text: "RFC 9989 took rf and ri out, and current receivers ignore them. Of those of RFC 7489 some may ignore the whole record " +
				"where rf names another format than afrf.",
			Fix:   "Remove rf and ri.",
			Cite:  []check.Cite{check.RFC(9989, "9.3"), check.RFC(9989, "C.5.2"), check.RFC(7489, "6.3")},
			Since: since,
		}, judgeFormats),
	}
}

// samples reports whether pct makes a difference to receivers of RFC 7489.
func (r *Record) samples() bool {
	return r.Percent < 100 && r.usable(false) && (r.Policy != None || r.SubdomainPolicy != None)
}

func judgePartial(_ *Analysis, _ *Node, r *Record) []check.Finding {
	if !r.samples() || r.Percent == 0 {
		return nil
	}
	return []check.Finding{found("pct=%d: receivers of RFC 7489 apply p=%s to %d %% of failing mail and %s to the rest; those of RFC 9989 apply %s to all",
		r.Percent, r.Policy, r.Percent, r.Policy.lower(), r.Policy)}
}

func judgeZero(_ *Analysis, _ *Node, r *Record) []check.Finding {
	if !r.samples() || r.Percent != 0 || r.Test { // with t=y both generations soften
		return nil
	}
	return []check.Finding{found("pct=0: receivers of RFC 7489 apply %s, those of RFC 9989 p=%s in full", r.Policy.lower(), r.Policy)}
}

func judgeRemoved(_ *Analysis, _ *Node, r *Record) []check.Finding {
	t, ok := r.Tag("pct")
	if !ok || r.samples() && !(r.Percent == 0 && r.Test) {
		return nil
	}
	return []check.Finding{found("pct=%s has no effect at receivers of RFC 9989", t.Value)}
}

func judgeFormats(_ *Analysis, _ *Node, r *Record) (fs []check.Finding) {
	for _, name := range []string{"rf", "ri"} {
		t, ok := r.Tag(name)
		if !ok {
			continue
		}
		f := found("%s=%s is ignored", name, t.Value)
		f.Severity = check.Low
		if name == "rf" && !t.Valid {
			f = found("rf=%s: a receiver of RFC 7489 may ignore the whole record", t.Value)
		}
		fs = append(fs, f)
	}
	return fs
}
