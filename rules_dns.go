package mailcheck

import (
	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

// dnsRules are about the name itself and the servers that answer for it.
func dnsRules() []check.Rule[*view] {
	return []check.Rule[*view]{
		{
			Doc: check.Doc{
				ID: "dns.nxdomain", Severity: check.Critical, Since: "v0.1.0",
				Title: "Domain does not exist (NXDOMAIN)",
				Text: "The DNS says that there is no such name. No mail reaches it, and nothing that it could publish protects it; " +
					"whether others can use it in a From address is up to the policy of the domain above.",
				Fix:  "Register or delegate the domain, or correct the name that was typed.",
				Cite: []check.Cite{check.RFC(8020, "2"), check.RFC(2308, "2.1")},
			},
			Check: func(v *view) ([]check.Finding, []check.Gap) {
				exists, gaps := v.exists()
				if len(gaps) > 0 || exists {
					return nil, gaps
				}
				return []check.Finding{{
					Subject:  v.facts.Domain,
					Detail:   check.Textf("the answer is NXDOMAIN: neither %s nor any name below it exists", v.facts.Domain),
					Evidence: []check.Evidence{{Source: v.apexReplies()[0].Question.String(), Text: "NXDOMAIN"}},
				}}, nil
			},
		},
		{
			Doc: check.Doc{
				ID: "dns.servfail", Severity: check.High, Since: "v0.1.0",
				Title: "The domain's name servers fail",
				Text: "Questions about the domain end in SERVFAIL, REFUSED or the like, while other names are answered. " +
					"Receivers then cannot look up any policy: mail from the domain is delayed or refused, and mail to it waits.",
				Fix:  "Repair the authoritative servers, their delegation or the DNSSEC chain, then check again.",
				Cite: []check.Cite{check.RFC(1035, "4.1.1"), check.RFC(7208, "4.4")},
			},
			Check: faultOf(dnsx.KindRCode, "every question about the domain failed, while others were answered: %s"),
		},
		{
			Doc: check.Doc{
				ID: "dns.timeout", Severity: check.Medium, Since: "v0.1.0",
				Title: "The domain's name servers do not answer",
				Text: "Questions about the domain stay without an answer, while other names are answered. " +
					"Receivers treat that as a temporary error: they delay mail from the domain, or take it without its policy.",
				Fix:  "Check that every authoritative server can be reached over UDP and TCP, then check again.",
				Cite: []check.Cite{check.RFC(7208, "4.4"), check.RFC(7208, "4.6.4")},
			},
			Check: faultOf(dnsx.KindTimeout, "no question about the domain had an answer, while others had: %s"),
		},
	}
}

// faultOf finds that the domain's servers fail in one way. That it is theirs has to
// be shown: all questions about the domain itself failed so, a second try or server
// or an Extended DNS Error agrees, and the control question was answered.
func faultOf(kind dnsx.Kind, detail string) func(*view) ([]check.Finding, []check.Gap) {
	return func(v *view) ([]check.Finding, []check.Gap) {
		own := v.apexReplies()
		var failures []*dnsx.Failure
		var gaps []check.Gap
		for _, reply := range own {
			if reply.Answer != nil {
				return nil, nil // they do answer
			}
			gaps = append(gaps, check.GapOf("", reply.Err()))
			if f := reply.Failure; f != nil && f.Kind == kind && (f.Tries > 1 || len(f.EDE) > 0) {
				failures = append(failures, f)
			}
		}
		if len(own) == 0 {
			return nil, []check.Gap{v.notAsked(dnsx.Q(v.facts.Domain, dnsx.TypeSOA))}
		}
		if len(failures) < len(own) || v.dns().Control.Answer == nil {
			return nil, gaps
		}
		f := check.Finding{Subject: v.facts.Domain, Detail: check.Textf(detail, failures[0])}
		for _, failure := range failures {
			f.Evidence = append(f.Evidence, check.Evidence{Source: failure.Question.String(), Text: failure.Error()})
		}
		return []check.Finding{f}, nil
	}
}
