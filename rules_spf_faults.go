package mailcheck

import (
	"errors"
	"slices"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

// A question that stays without an answer makes SPF end in temperror at a receiver
// (RFC 7208, 4.4 and 5). Ours may have been lost on our own way; that the fault is the
// name's has to be shown.

func spfTemperror() check.Rule[*view] {
	return check.Rule[*view]{
		Doc: check.Doc{
			ID: "spf.temperror", Severity: check.Medium, Since: "v0.1.0",
			Title: "SPF cannot be evaluated because name servers fail",
			Text: "The name servers of a name that SPF has to look up do not answer, or answer with an error; those of other names do. " +
				"Receivers that reach it stop with a temporary error: they delay the mail, or take it without SPF.",
			Fix:  "Repair the name servers of that name, or remove the term that leads there.",
			Cite: []check.Cite{check.RFC(7208, "2.6.6"), check.RFC(7208, "4.4"), check.RFC(7208, "5")},
		},
		Applies: func(v *view) (bool, []check.Gap) {
			if v.spf == nil {
				return false, v.spfGaps()
			}
			return v.spf.Unread != nil || v.spf.Record != nil, nil
		},
		Check: func(v *view) ([]check.Finding, []check.Gap) {
			gaps := slices.Concat(v.spf.Unread, v.spf.AddressGaps)
			if v.silent() { // of all of the domain's questions dns.timeout and dns.servfail speak
				return nil, gaps
			}
			return v.faults(gaps, func(f *dnsx.Failure) check.Text {
				return check.Textf("receivers get a temporary error: %s, while other names are answered", f)
			})
		},
	}
}

func spfIncludeTemperror() check.Rule[*view] {
	return check.Rule[*view]{
		Doc: check.Doc{
			ID: "spf.include-temperror", Severity: check.Medium, Since: "v0.1.0",
			Title: "An included SPF record cannot be read",
			Text: "The name servers of a record that include or redirect leads to do not answer, or answer with an error; others do. " +
				"Receivers that reach it stop with a temporary error: they delay the mail, or take it without SPF.",
			Fix:  "Check again later. If it stays, tell the publisher of the record, or remove the term that leads there.",
			Cite: []check.Cite{check.RFC(7208, "5.2"), check.RFC(7208, "6.1"), check.RFC(7208, "2.6.6")},
		},
		Applies: func(v *view) (bool, []check.Gap) {
			if v.spf == nil || v.spf.Unread != nil {
				return false, v.spfGaps()
			}
			return v.spf.Record != nil, nil
		},
		Check: func(v *view) ([]check.Finding, []check.Gap) {
			return v.faults(v.spf.Gaps, func(f *dnsx.Failure) check.Text {
				return check.Textf("the record cannot be read: %s, while other names are answered", f)
			})
		},
	}
}

// silent reports that no question about the domain itself was answered.
func (v *view) silent() bool {
	return !slices.ContainsFunc(v.apexReplies(), func(r dnsx.Reply) bool { return r.Answer != nil })
}

// faults makes findings of those gaps that are failures of the names that were asked for.
// What depends on the message is no gap here: nothing failed.
func (v *view) faults(gaps []check.Gap, detail func(*dnsx.Failure) check.Text) (findings []check.Finding, open []check.Gap) {
	seen := map[dnsx.Question]bool{}
	for _, gap := range gaps {
		var f *dnsx.Failure
		switch {
		case gap.Why == check.Undecidable:
		case !errors.As(gap.Cause, &f) || !v.shown(f):
			open = append(open, gap)
		case !seen[f.Question] && len(findings) < spfFindings:
			seen[f.Question] = true
			findings = append(findings, check.Finding{
				Subject: f.Question.Name, Detail: detail(f),
				Evidence: []check.Evidence{{Source: f.Question.String(), Text: f.Error()}},
			})
		}
	}
	return findings, open
}

// spfFindings bounds what one rule says about one domain.
const spfFindings = 20

// shown reports that a failure is shown to be that of the name: the control question was
// answered in the same run, and a second try or server, an Extended DNS Error or the
// alias chain agrees.
func (v *view) shown(f *dnsx.Failure) bool {
	if v.dns().Control.Answer == nil || slices.ContainsFunc(f.EDE, blamesRule) {
		return false
	}
	switch f.Kind {
	case dnsx.KindTimeout, dnsx.KindRCode:
		return f.Tries > 1 || slices.ContainsFunc(f.EDE, blamesName)
	case dnsx.KindChain:
		return len(f.Chain) > 0
	}
	return false
}

// blamesName reports that an Extended DNS Error speaks of the name or its servers: of
// validation, or of servers that cannot be used (RFC 8914, 4.7 to 4.13, 4.23 to 4.25).
func blamesName(e dnsx.EDE) bool {
	return e.Code >= 6 && e.Code <= 12 || e.Code >= 22 && e.Code <= 24
}

// blamesRule reports that the resolver does not want to answer (RFC 8914, 4.16 to 4.19).
func blamesRule(e dnsx.EDE) bool { return e.Code >= 15 && e.Code <= 18 }
