package mailcheck

import (
	"slices"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dmarc"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

const (
	shutSPF   = "v=spf1 -all"
	shutDMARC = "v=DMARC1; p=reject; sp=reject; np=reject"
)

// withoutMail has the rules about missing records say to a parked domain what it
// should publish: not what a domain that sends begins with.
func withoutMail(rules []check.Rule[*view]) []check.Rule[*view] {
	for i, r := range rules {
		advise := adviceParked[r.ID]
		if advise == nil {
			continue
		}
		rules[i].Check = func(v *view) ([]check.Finding, []check.Gap) {
			findings, gaps := r.Check(v)
			if v.role.Role == Parked {
				findings = slices.Clone(findings)
				for i := range findings {
					advise(v, &findings[i])
				}
			}
			return findings, gaps
		}
	}
	return rules
}

var adviceParked = map[string]func(*view, *check.Finding){
	"spf.missing": func(v *view, f *check.Finding) {
		f.Severity = v.unsentSeverity()
		f.Fix = &check.Fix{Summary: check.Textf("Publish %s.", shutSPF)}
	},
	"dmarc.missing": func(v *view, f *check.Finding) {
		f.Fix = &check.Fix{Summary: check.Textf("Publish %s at %s.", shutDMARC, dnsx.Join("_dmarc", v.facts.Domain))}
	},
}

// unsentSeverity is how grave it is that SPF does not speak for a domain without
// mail: no mail of its own is refused for it, and DMARC alone can stop what is forged.
func (v *view) unsentSeverity() check.Severity {
	if v.dmarc != nil && v.dmarc.Effective.Domain == dmarc.Reject {
		return check.Low
	}
	return check.Medium
}
