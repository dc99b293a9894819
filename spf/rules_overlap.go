package spf

import (
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
)

func shadowedTerm() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "spf.shadowed-term",
			Severity: check.Medium,
			Title:    "A term of the SPF record can never match",
			Text: "Terms are tried in order, and the first that matches decides. Earlier terms match every client that this one names: " +
				"it changes nothing, and where it asks the DNS it costs lookups. An exception behind the rule that it is an exception from has no effect.",
			Fix:   "Delete the term, or move an exception in front of the term that it is an exception from.",
			Cite:  []check.Cite{check.RFC(7208, "4.6.2"), check.RFC(7208, "4.6.4")},
			Since: since,
		},
		Applies: hasRecord,
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			var found []check.Finding
			for _, c := range a.redundancy().shadows {
				f := a.finding(c.node, c.at, c.detail())
				switch {
				case c.result == "":
					f.Fix = fixText(check.Textf("Delete %s, which changes nothing; or move it in front of those terms, which changes who passes", clip(c.text)))
				case c.result != c.directive.Qualifier:
					f.Fix = fixText(check.Textf("Move %s in front of %s, which changes who passes; or delete it, which changes nothing", clip(c.text), clip(c.by[0])))
				case c.static:
					f.Severity = check.Low
					f.Fix = a.fix(c.node, check.Textf("Delete %s", clip(c.text)))
				case c.lookups() > 0:
					f.Severity = check.Low
					f.Fix = fixText(check.Textf("Delete %s", clip(c.text)))
				default:
					f.Severity = check.Info // what others publish, or a host's address, may change
				}
				found = append(found, f)
			}
			return found, a.overlapGaps()
		},
	}
}

func overlap() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "spf.overlap",
			Severity: check.Info,
			Title:    "A term of the SPF record is not needed, because later ones pass its clients too",
			Text: "Terms behind this one would pass all of its clients too. That does no harm, " +
				"but the term has to be kept up to date, and where it asks the DNS it costs lookups.",
			Fix:   "Delete the term, if the other is there to stay.",
			Cite:  []check.Cite{check.RFC(7208, "4.6.2"), check.RFC(7208, "10.1.1")},
			Since: since,
		},
		Applies: hasRecord,
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			var found []check.Finding
			for _, c := range a.redundancy().needless {
				detail := check.Textf("%s: all it passes is passed by %s too", clip(c.text), strings.Join(c.by, ", "))
				if n := c.lookups(); n > 0 {
					detail = check.Textf("%s costs lookups (%d), and all it passes is passed by %s too", clip(c.text), n, strings.Join(c.by, ", "))
				}
				found = append(found, a.finding(c.node, c.at, detail))
			}
			return found, a.overlapGaps()
		},
	}
}

// fixText is a fix that leaves the choice to whoever reads it.
func fixText(summary check.Text) *check.Fix { return &check.Fix{Summary: summary} }

// overlapGaps are those of answerGaps, and one where not all ranges were compared.
func (a *Analysis) overlapGaps() []check.Gap {
	gaps := a.answerGaps()
	if !a.redundancy().whole {
		gaps = append(gaps, limitGap("SPF of "+a.Domain, "the ranges are too many to compare all (%d)", len(a.Authorized)))
	}
	return gaps
}

// answerGaps are those that an answer would have closed: a term whose name depends on
// the message is never shown to be needless.
func (a *Analysis) answerGaps() []check.Gap {
	return append(unansweredOf(a.Gaps, a.AddressGaps), a.policyGaps()...)
}

func unansweredOf(lists ...[]check.Gap) (gaps []check.Gap) {
	for _, all := range lists {
		for _, g := range all {
			if unanswered(g) {
				gaps = append(gaps, g)
			}
		}
	}
	return gaps
}
