package caa

import (
	"fmt"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

// Rules judge an Analysis.
func Rules(Settings) []check.Rule[*Analysis] {
	return []check.Rule[*Analysis]{
		missing(), inherited(), onlyIodef(), lookupFails(),
		malformedIssue(), criticalUnknown(), flagsValue(), tagInvalid(), iodefScheme(),
		accountURIs(), accountURIDuplicate(), methods(), parameterInvalid(),
		issuewildMissing(), issuemailMissing(), issuemailNoIssue(), issuevmcMissing(),
	}
}

const since = "v0.1.0"

// maxFindings bounds what one rule says about records, of which there may be
// thousands.
const maxFindings = 20

func baseline(section string) check.Cite {
	return check.Cite{Doc: "CA/Browser Forum, TLS Baseline Requirements", Section: section}
}

func missing() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "caa.missing",
			Severity: check.Low,
			Title:    "No CAA record",
			Text: "Without CAA records every certificate authority may issue certificates for the name. " +
				"Whoever deceives the weakest of them gets one.",
			Fix:   `Publish a CAA record 0 issue "…" for each certificate authority that you use, those of your hosting services too.`,
			Cite:  []check.Cite{check.RFC(8659, "3")},
			Since: since,
		},
		Applies: func(a *Analysis) (bool, []check.Gap) {
			return a.Unread == nil && !a.noDomain && len(a.levels) > 0, a.Unread
		},
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			if a.At != "" {
				return nil, nil
			}
			detail := check.Textf("there are no CAA records, neither here nor at a name above")
			return []check.Finding{{Subject: a.Domain, Detail: detail}}, nil
		},
	}
}

func inherited() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "caa.inherited",
			Severity: check.Info,
			Title:    "CAA found at a parent name",
			Text: "The name has no CAA records of its own, so those of the nearest name above it count. " +
				"The first CAA record at the name itself would replace all of them.",
			Cite:  []check.Cite{check.RFC(8659, "3")},
			Since: since,
		},
		Applies: hasRecords,
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			if a.At == a.Domain {
				return nil, nil
			}
			return []check.Finding{{
				Subject:  a.Domain,
				Detail:   check.Textf("the CAA records of %s count", a.At),
				Evidence: a.evidence(a.Records...),
			}}, nil
		},
	}
}

func onlyIodef() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "caa.only-iodef",
			Severity: check.Low,
			Title:    "The CAA records let every CA issue",
			Text: "Only the property issue restricts who may issue certificates for host names. " +
				"CAA records without it look like a restriction and are none, or one for wildcard names alone.",
			Fix:   `Add a CAA record 0 issue "…" for each certificate authority that you use, or 0 issue ";" for none.`,
			Cite:  []check.Cite{check.RFC(8659, "3"), check.RFC(8659, "4.3")},
			Since: since,
		},
		Applies: func(a *Analysis) (bool, []check.Gap) { return a.At != "" && len(a.blockers()) == 0, a.Unread },
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			if len(a.with(Names)) > 0 {
				return nil, nil
			}
			detail := check.Textf("none of the CAA records (%d) holds the property issue", len(a.Records))
			if len(a.with(Wildcards)) > 0 {
				detail = check.Textf("the property issuewild restricts wildcard names alone: every CA may issue for all others")
			}
			return []check.Finding{{Subject: a.At, Detail: detail, Evidence: a.evidence(a.Records...)}}, nil
		},
	}
}

func lookupFails() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "caa.lookup-fails",
			Severity: check.High,
			Title:    "The CAA lookup fails",
			Text: "A certificate authority has to know the CAA records before it issues. Where validation with DNSSEC fails it must refuse; " +
				"where a server fails it may go on only if it tried again and the zone is not signed. The next renewal of a certificate is lost.",
			Fix: "Make every name server of the zone answer CAA questions, with an empty answer where there is no record. " +
				"Where the zone is signed, repair its signatures and those of its denials.",
			Cite:  []check.Cite{check.RFC(8659, "3"), check.RFC(8659, "6"), baseline("3.2.2.8"), baseline("3.2.2.8.1")},
			Since: since,
		},
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			f := a.end.failure()
			if f == nil || !a.proves(f) {
				return nil, a.Unread
			}
			found := check.Finding{
				Subject:  a.end.reply.Question.Name,
				Detail:   check.Textf("the name servers fail to answer, while others answer: %s", f),
				Evidence: []check.Evidence{{Source: a.end.reply.Question.String(), Text: f.Error()}},
			}
			switch {
			case a.validation:
				found.Detail = check.Textf("validation with DNSSEC fails: without it there is an answer, and with it %s", f)
			case !bogus(f):
				found.Severity = check.Medium // a CA that finds the zone unsigned may issue all the same
			}
			return []check.Finding{found}, nil
		},
	}
}

// proves reports that a failure is shown to be that of the name: another level was
// answered in the same run, and a second try, an Extended DNS Error, the alias chain or
// the answer without validation agrees.
func (a *Analysis) proves(f *dnsx.Failure) bool {
	switch f.Kind {
	case dnsx.KindRCode, dnsx.KindTimeout, dnsx.KindMalformed, dnsx.KindChain:
		return a.answered && (f.Tries > 1 || len(f.EDE) > 0 || len(f.Chain) > 0 && f.Kind == dnsx.KindChain || a.validation)
	}
	return false
}

// bogus reports that the server says that validation failed (RFC 8914, 4.7 to 4.13).
func bogus(f *dnsx.Failure) bool {
	for _, e := range f.EDE {
		if e.Code >= 6 && e.Code <= 12 {
			return true
		}
	}
	return false
}

func issuewildMissing() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "caa.issuewild-missing",
			Severity: check.Info,
			Title:    "Wildcard issuance follows issue",
			Text: "Without the property issuewild the CAs named by issue may issue wildcard certificates too. " +
				"One that is stolen works for every host of the domain.",
			Fix:   `Add 0 issuewild ";" if no wildcard certificate is wanted.`,
			Cite:  []check.Cite{check.RFC(8659, "4.3")},
			Since: since,
		},
		Applies: func(a *Analysis) (bool, []check.Gap) { return len(a.with(Names)) > 0, a.Unread },
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			p := a.Policy(Wildcards)
			if len(a.with(Wildcards)) > 0 || len(p.Allowed) == 0 {
				return nil, nil
			}
			return []check.Finding{{
				Subject:  a.At,
				Detail:   check.Textf("there is no issuewild, so those that issue names may issue wildcard certificates: %s", listIssuers(p.Allowed)),
				Evidence: a.evidence(p.Records...),
			}}, nil
		},
	}
}

func issuemailMissing() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "caa.issuemail-missing",
			Severity: check.Info,
			Title:    "No issuemail: any CA may issue S/MIME certificates",
			Text: "Nothing restricts who may issue certificates for the domain's mail addresses. " +
				"Whoever gets one can sign mail as such an address, and readers see it as genuine.",
			Fix:   `Add 0 issuemail "…" for the CA of your S/MIME certificates, or 0 issuemail ";" if you use none.`,
			Cite:  []check.Cite{check.RFC(9495, "4")},
			Since: since,
		},
		Applies: func(a *Analysis) (bool, []check.Gap) { return a.forMail() && len(a.with(Names)) == 0, a.Unread },
		Check:   func(a *Analysis) ([]check.Finding, []check.Gap) { return a.lacks(Mail, a.Records), nil },
	}
}

func issuemailNoIssue() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "caa.issuemail-no-issue",
			Severity: check.Info,
			Title:    "issue does not restrict S/MIME certificates",
			Text: "The property issue is about certificates for host names alone, even where it forbids all. " +
				"Every CA may still issue certificates for the domain's mail addresses.",
			Fix:   `Add 0 issuemail "…" for the CA of your S/MIME certificates, or 0 issuemail ";" if you use none.`,
			Cite:  []check.Cite{check.RFC(9495, "4")},
			Since: since,
		},
		Applies: func(a *Analysis) (bool, []check.Gap) { return a.forMail() && len(a.with(Names)) > 0, a.Unread },
		Check:   func(a *Analysis) ([]check.Finding, []check.Gap) { return a.lacks(Mail, a.Policy(Names).Records), nil },
	}
}

func issuevmcMissing() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "caa.issuevmc-missing",
			Severity: check.Info,
			Title:    "No issuevmc: any mark-certificate CA may issue a VMC",
			Text: "The CAA records restrict other certificates, and not those that prove a logo for BIMI. " +
				"Any CA for such certificates may issue one for the domain, whether it publishes BIMI or not.",
			Fix:   `Add 0 issuevmc "…" for the CA of your mark certificate, or 0 issuevmc ";" if you use none.`,
			Cite:  []check.Cite{{Doc: "IANA, Certification Authority Restriction Properties"}, {Doc: "AuthIndicators Working Group, VMC Requirements"}},
			Since: since,
		},
		Applies: func(a *Analysis) (bool, []check.Gap) {
			return a.forMail() && (len(a.with(Names)) > 0 || len(a.with(Mail)) > 0), a.Unread
		},
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) { return a.lacks(Marks, a.Records), nil },
	}
}

func hasRecords(a *Analysis) (bool, []check.Gap) { return a.At != "", a.Unread }

// forMail reports that the name may stand in mail addresses, and that it is known what
// its CAA records are.
func (a *Analysis) forMail() bool {
	return a.Unread == nil && !a.host && !a.noDomain && len(a.levels) > 0
}

// lacks finds that a property is absent from records that restrict other certificates.
func (a *Analysis) lacks(use Use, seen []Record) []check.Finding {
	if len(a.with(use)) > 0 {
		return nil
	}
	f := check.Finding{Subject: a.Domain, Detail: check.Textf("there are no CAA records, neither here nor at a name above")}
	if a.At != "" {
		f.Detail = check.Textf("none of the CAA records of %s holds the property %s", a.At, string(use))
		f.Evidence = a.evidence(seen...)
	}
	return []check.Finding{f}
}

// eachProperty gathers the findings about single properties, with the record as
// evidence.
func (a *Analysis) eachProperty(judge func(*property) *check.Finding) []check.Finding {
	var found []check.Finding
	for i := range a.properties {
		if len(found) == maxFindings {
			break
		}
		p := &a.properties[i]
		f := judge(p)
		if f == nil {
			continue
		}
		f.Subject = a.At
		f.Evidence = a.evidence(p.Record)
		found = append(found, *f)
	}
	return found
}

func (a *Analysis) evidence(recs ...Record) []check.Evidence {
	var ev []check.Evidence
	for _, rec := range recs[:min(len(recs), maxFindings)] {
		ev = append(ev, check.Evidence{Source: "CAA " + a.Owner, Text: rec.String()})
	}
	return ev
}

// listIssuers writes who is allowed.
func listIssuers(allowed []Issue) string {
	const most = 5
	var names []string
	seen := map[string]bool{}
	for _, i := range allowed {
		if !seen[i.Issuer] {
			seen[i.Issuer] = true
			names = append(names, clip(i.Issuer))
		}
	}
	s := strings.Join(names[:min(len(names), most)], ", ")
	if more := len(names) - most; more > 0 {
		s += fmt.Sprintf(" and %d more", more)
	}
	return s
}

func clip(s string) string {
	const most = 100
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
