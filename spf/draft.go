package spf

import (
	"slices"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
)

// maxString is the most that a character-string of the DNS holds (RFC 1035, 3.3).
const maxString = 255

// findDrafts keeps the drafts of those records that are selected.
func (a *Analysis) findDrafts(drafts [][]string) {
	for _, strs := range drafts[:min(len(drafts), maxFindings)] {
		if slices.Contains(a.Texts, strings.Join(strs, "")) {
			a.drafts = append(a.drafts, strs)
		}
	}
}

// overlong reports whether a draft of the domain's record has a string that is too long.
func (a *Analysis) overlong() bool {
	return slices.ContainsFunc(a.drafts, func(strs []string) bool {
		return slices.ContainsFunc(strs, func(s string) bool { return len(s) > maxString })
	})
}

func stringLength() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "spf.string-length",
			Severity: check.High,
			Title:    "A string of the SPF record has more than 255 octets",
			Text: "A string of a TXT record holds at most 255 octets. Name servers refuse the whole zone for a longer one, " +
				"and forms of DNS hosters refuse it or cut it off: what is published is the old record, half of the new one, or nothing.",
			Fix:   "Cut the text into several strings of at most 255 octets, each in quotes. They are joined with nothing between, so the blank between two terms has to stand in one of them.",
			Cite:  []check.Cite{check.RFC(7208, "3.3"), check.RFC(1035, "3.3")},
			Since: since,
		},
		// What is published keeps to it, or could not be.
		Applies: func(a *Analysis) (bool, []check.Gap) { return len(a.drafts) > 0, a.Unread },
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			var found []check.Finding
			for _, strs := range a.drafts {
				text, at := strings.Join(strs, ""), 0
				for i, s := range strs {
					if len(s) > maxString && len(found) < maxFindings {
						found = append(found, check.Finding{
							Subject:  a.Domain,
							Detail:   check.Textf("string %d of the record has %d octets, %d too many", i+1, len(s), len(s)-maxString),
							Evidence: []check.Evidence{{Source: "TXT " + a.Owner, Text: text, Start: at + maxString, End: at + len(s)}},
							Fix:      a.fix(a.root, check.Textf("Cut it at blanks into strings of at most 255 octets, each in quotes and with the blank at its end")),
						})
					}
					at += len(s)
				}
			}
			return found, nil
		},
	}
}
