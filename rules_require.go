package mailcheck

import (
	"slices"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/provider"
	"github.com/mailcheck-go/mailcheck/spf"
)

const notAuthorizedID = "provider.not-authorized"

// notAuthorized holds the SPF record against the services that have to send.
func notAuthorized() check.Rule[*view] {
	return check.Rule[*view]{
		Doc: check.Doc{
			ID: notAuthorizedID, Severity: check.High, Since: "v0.1.0",
			Title: "A required service is not authorised as it should be",
			Text: "The owner says that the service sends mail for the domain (--require), and the SPF record gives that mail no pass: " +
				"no term names the service or its addresses, or one does and what stands around it undoes that. " +
				"Receivers treat the service's mail as they treat a stranger's.",
			Fix:  "Add the include of the service in front of the all, with no qualifier.",
			Cite: []check.Cite{check.RFC(7208, "5.2"), check.RFC(7208, "4.6.2")},
		},
		Applies: func(v *view) (bool, []check.Gap) { return len(v.require) > 0, nil },
		Check: func(v *view) ([]check.Finding, []check.Gap) {
			var findings []check.Finding
			missing, gaps := v.lacking()
			if len(missing) == 0 {
				return nil, gaps
			}
			fix := v.authorize(missing)
			for i := range missing {
				findings = append(findings, v.notAuthorized(&missing[i], fix))
			}
			for _, text := range v.spf.Texts { // once for all of them
				findings[0].Evidence = append(findings[0].Evidence, check.Evidence{Source: "TXT " + v.spf.Owner, Text: text})
			}
			return findings, gaps
		},
	}
}

// lacking are the services that the record does not let send as they should be.
func (v *view) lacking() (missing []standing, gaps []check.Gap) {
	for _, s := range v.standings() {
		switch {
		case s.state == unknownStanding:
			gaps = append(gaps, s.gaps...)
		case s.state != named && s.state != listed || s.picky():
			missing = append(missing, s)
		}
	}
	return missing, gaps
}

func (v *view) notAuthorized(s *standing, fix *check.Fix) check.Finding {
	f := check.Finding{Subject: v.facts.Domain, Detail: check.Textf("%s: %s", s.Name, s.text(v)), Fix: fix}
	switch {
	case s.state == hindered, s.state == listed:
		f.Severity = check.Medium
	case s.picky():
		f.Severity = check.Low
	}
	return f
}

// authorize says how the record comes to let all services send that it has to.
func (v *view) authorize(missing []standing) *check.Fix {
	var add, ask []string
	for _, s := range missing {
		switch includes := s.by.Includes(); {
		case s.broken:
		case len(includes) == 0:
			ask = append(ask, s.Name)
		default:
			add = append(add, "include:"+includes[0])
		}
	}
	switch {
	case len(ask) > 0:
		return &check.Fix{Summary: check.Textf("Add the include that %s shows for the account.", strings.Join(ask, ", "))}
	case len(add) == 0:
		return &check.Fix{Summary: check.Textf("Mend the error; the include is there."), Changes: v.letting(missing)}
	}
	terms := strings.Join(add, " and ")
	changes := v.letting(missing)
	if len(changes) == 0 {
		return &check.Fix{Summary: check.Textf("Add %s to the SPF record, in front of its all.", terms)}
	}
	facts, err := withChange(v.facts, changes[0])
	if err != nil {
		return &check.Fix{Summary: check.Textf("Add %s to the SPF record, in front of its all.", terms)}
	}
	switch after := spf.Analyze(facts.SPF); {
	case after.Lookups > spf.MaxLookups:
		return &check.Fix{Summary: check.Textf("Add %s to the SPF record. It then costs %d lookups, and receivers stop at %d: remove others first, or list their addresses instead.", terms, after.Lookups, spf.MaxLookups)}
	case len(after.Gaps) > 0:
		return &check.Fix{Summary: check.Textf("Add %s to the SPF record.", terms), Changes: changes}
	default:
		return &check.Fix{Summary: check.Textf("Add %s to the SPF record, which then costs %d of %d lookups.", terms, after.Lookups, spf.MaxLookups), Changes: changes}
	}
}

// letting is the record that lets the services send, with whatever else can be cured
// in it.
func (v *view) letting(missing []standing) []check.Change {
	change := check.Change{Name: v.spf.Owner, Type: "TXT", Old: v.spf.Texts, New: []string{v.spf.Text}}
	if repair := spf.Repair(v.spf); len(repair) == 1 {
		change = repair[0]
	}
	if len(change.New) != 1 || !dnsx.Below(change.Name, v.facts.Domain) {
		return nil
	}
	rec, err := spf.Parse(change.New[0])
	if err != nil {
		return nil
	}
	for i := range missing {
		include(rec, &missing[i], v.providers)
	}
	if change.New = []string{rec.String()}; change.New[0] == v.spf.Text {
		return nil
	}
	return []check.Change{change}
}

// include puts the include of a service into a record, in front of its all and of all
// that may take addresses out.
func include(rec *spf.Record, s *standing, providers *provider.Set) {
	includes := s.by.Includes()
	if s.broken || len(includes) == 0 {
		return
	}
	rec.Directives = slices.DeleteFunc(rec.Directives, func(d spf.Directive) bool {
		return d.Mechanism == spf.Include && providers.BySPF(d.Domain.Raw) == s.by
	})
	at := slices.IndexFunc(rec.Directives, func(d spf.Directive) bool { return d.Mechanism == spf.All || d.Qualifier != spf.Pass })
	if at < 0 {
		at = len(rec.Directives)
	}
	rec.Directives = slices.Insert(rec.Directives, at, spf.Directive{
		Qualifier: spf.Pass, Mechanism: spf.Include, Domain: spf.MacroString{Raw: includes[0]},
	})
}

// requires reports that a service is required: that it is not named is then said by
// provider.not-authorized.
func (v *view) requires(p *provider.Provider) bool { return slices.Contains(v.require, p.ID) }
