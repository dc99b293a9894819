package mtasts

import (
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/mailcheck-go/mailcheck/check"
)

// Rules judge an Analysis.
func Rules(s Settings) []check.Rule[*Analysis] {
	if s.MinMaxAge == 0 {
		s.MinMaxAge = 7 * 24 * time.Hour
	}
	return []check.Rule[*Analysis]{
		missing(), recordMultiple(), recordSyntax(), idMissing(), idInvalid(),
		recordWithoutPolicy(), httpsCert(), redirect(), httpStatus(), contentType(), policySize(),
		policySyntax(), policyVersion(), modeInvalid(), modeTesting(), modeNone(),
		maxAgeInvalid(), maxAgeShort(s.MinMaxAge), mxMissing(), mxPattern(), duplicateField(),
	}
}

const since = "v0.1.0"

// maxFindings bounds what one rule says about one text; the first of many
// faults is nearly always their cause.
const maxFindings = 20

func missing() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "mtasts.missing",
			Severity: check.Low,
			Title:    "No MTA-STS policy",
			Text: "Mail servers use TLS only if both sides happen to offer it and do not check certificates. " +
				"Without MTA-STS or DANE, somebody on the path can switch TLS off and read mail to the domain.",
			Fix: "Serve a policy at https://mta-sts.DOMAIN/.well-known/mta-sts.txt, then publish the _mta-sts TXT record. " +
				"Begin with mode testing. DANE is the alternative where the MX hosts' zones are signed.",
			Cite:  []check.Cite{check.RFC(8461, "3.1")},
			Since: since,
		},
		Applies: func(a *Analysis) (bool, []check.Gap) {
			if a.Unread != nil {
				return false, a.Unread
			}
			return !a.noDomain && a.noApex == nil, a.noApex
		},
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			if len(a.Texts) > 0 {
				return nil, nil
			}
			detail := check.Textf("there is no TXT record at %s", a.Name)
			if a.unrelated > 0 {
				detail = check.Textf("none of the TXT records at %s (%d) begins with %s", a.Name, a.unrelated, version)
			}
			return []check.Finding{{Subject: a.Domain, Detail: detail}}, nil
		},
	}
}

func recordMultiple() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "mtasts.record-multiple",
			Severity: check.High,
			Title:    "More than one MTA-STS record",
			Text:     "Senders that find more than one record have to act as if the domain had no MTA-STS. The policy protects nothing.",
			Fix:      "Keep the record whose id belongs to the policy that is served now.",
			Cite:     []check.Cite{check.RFC(8461, "3.1")},
			Since:    since,
		},
		Applies: func(a *Analysis) (bool, []check.Gap) { return len(a.Texts) > 0, a.Unread },
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			if len(a.Texts) == 1 {
				return nil, nil
			}
			return []check.Finding{{
				Subject:  a.Domain,
				Detail:   check.Textf("%d MTA-STS records stand at %s", len(a.Texts), a.Owner),
				Evidence: a.evidence(a.Texts...),
				Fix:      a.fix(check.Textf("Make one record of them: they say the same")),
			}}, nil
		},
	}
}

func recordSyntax() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       ruleSyntax,
			Severity: check.High,
			Title:    "The MTA-STS record is not well-formed",
			Text:     "Senders have to act on a record that breaks the grammar as if the domain had no MTA-STS. The policy protects nothing.",
			Fix:      `Write "v=STSv1; id=" and 1 to 32 letters and digits, and nothing else.`,
			Cite:     []check.Cite{check.RFC(8461, "3.1")},
			Since:    since,
		},
		Applies: hasRecord,
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			found := a.recordFindings(ruleSyntax)
			if !a.spaced() {
				return found, nil
			}
			f := check.Finding{
				Subject:  a.Domain,
				Severity: check.Low,
				Detail:   check.Textf("a blank stands between %s and the semicolon; the grammar allows it, but some senders look for %s; and drop the record", version, version),
				Evidence: a.evidence(a.Text),
				Fix:      a.fix(check.Textf("Remove the blank")),
			}
			if a.discarded() {
				f.Severity = 0
				f.Detail = check.Textf("a blank stands between %s and the semicolon; because other TXT records stand at %s (%d), senders drop those that do not begin with %s;", version, a.Owner, a.unrelated, version)
			}
			return append(found, f), nil
		},
	}
}

func idMissing() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       ruleIDMissing,
			Severity: check.High,
			Title:    "The MTA-STS record has no id",
			Text: "id= is required: by its change senders learn that the policy is a new one. " +
				"They have to act on a record without it as if the domain had no MTA-STS.",
			Fix:   "Add id= with 1 to 32 letters and digits, the time of the last change for instance, and change it whenever the policy changes.",
			Cite:  []check.Cite{check.RFC(8461, "3.1")},
			Since: since,
		},
		Applies: hasRecord,
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			found := a.recordFindings(ruleIDMissing)
			if f, ok := misspelled(a.Record); ok && len(found) > 0 {
				found[0].Detail = check.Textf("there is no id=, and %s= is another field: names are case-sensitive", f.Name)
			}
			return found, nil
		},
	}
}

func idInvalid() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       ruleIDInvalid,
			Severity: check.High,
			Title:    "The MTA-STS record's id has illegal characters or is too long",
			Text: "An id is 1 to 32 letters and digits, without hyphens, dots or colons. " +
				"Senders have to act on a record with another one as if the domain had no MTA-STS.",
			Fix:   "Write an id of 1 to 32 letters and digits.",
			Cite:  []check.Cite{check.RFC(8461, "3.1")},
			Since: since,
		},
		Applies: hasRecord,
		Check:   func(a *Analysis) ([]check.Finding, []check.Gap) { return a.recordFindings(ruleIDInvalid), nil },
	}
}

func recordWithoutPolicy() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "mtasts.record-without-policy",
			Severity: check.High,
			Title:    "There is an MTA-STS record, but the policy cannot be fetched",
			Text: "Senders that have no copy of the policy yet deliver as if the domain had no MTA-STS. " +
				"Those that have one apply it until it expires, even where the MX hosts have changed since.",
			Fix:   "Serve the policy at https://mta-sts.DOMAIN/.well-known/mta-sts.txt, or end MTA-STS: mode none first, the record last.",
			Cite:  []check.Cite{check.RFC(8461, "3.3"), check.RFC(8461, "8.3")},
			Since: since,
		},
		Applies: func(a *Analysis) (bool, []check.Gap) {
			// A certificate and a status have rules of their own.
			otherwise := a.failed(FailureCertificate) || a.responded() && a.fetch.Status != http.StatusOK
			return len(a.Texts) > 0 && !otherwise, a.Unread
		},
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			switch {
			case a.responded():
				return nil, nil
			case a.noHost:
				return []check.Finding{{
					Subject:  a.Host,
					Detail:   check.Textf("%s has neither an A nor an AAAA record", a.Host),
					Evidence: a.evidence(a.Texts...),
				}}, nil
			case a.failed(FailureTLS):
				return []check.Finding{{
					Subject:  a.Host,
					Detail:   check.Textf("no TLS connection with %s: %s", a.fetch.Server, a.fetch.Failure.Detail),
					Evidence: a.evidence(a.Texts...),
				}}, nil
			}
			return nil, a.PolicyUnread
		},
	}
}

func httpsCert() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "mtasts.https-cert",
			Severity: check.High,
			Title:    "The certificate of the MTA-STS policy's host is not valid",
			Text: "Senders take the policy only from a host that proves by a trusted certificate that it is mta-sts.DOMAIN. " +
				"Without one they deliver as if the domain had no MTA-STS, or by the copy that they still have.",
			Fix:   "Install a publicly trusted certificate that names mta-sts.DOMAIN, and renew it in time.",
			Cite:  []check.Cite{check.RFC(8461, "3.3")},
			Since: since,
		},
		Applies: func(a *Analysis) (bool, []check.Gap) {
			return a.failed(FailureCertificate) || a.responded(), a.PolicyUnread
		},
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			if !a.failed(FailureCertificate) {
				return nil, nil
			}
			return []check.Finding{{
				Subject:  a.Host,
				Detail:   check.Textf("the certificate that %s presents is not valid: %s", a.fetch.Server, a.fetch.Failure.Detail),
				Evidence: []check.Evidence{{Source: a.fetch.Server, Text: a.fetch.Failure.Detail}},
			}}, nil
		},
	}
}

func redirect() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "mtasts.redirect",
			Severity: check.High,
			Title:    "The MTA-STS policy's URL redirects",
			Text:     "Senders must not follow a redirect, not even to HTTPS on the same host. For them there is no policy.",
			Fix:      "Serve the policy itself, with status 200, at exactly https://mta-sts.DOMAIN/.well-known/mta-sts.txt; proxy it from where it is.",
			Cite:     []check.Cite{check.RFC(8461, "3.3")},
			Since:    since,
		},
		Applies: hasResponse,
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			if !a.redirects() {
				return nil, nil
			}
			return []check.Finding{{
				Subject:  a.URL,
				Detail:   check.Textf("the answer has status %d and points to %q", a.fetch.Status, a.fetch.Location),
				Evidence: []check.Evidence{{Source: a.URL, Text: "Location: " + a.fetch.Location}},
			}}, nil
		},
	}
}

func httpStatus() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "mtasts.http-status",
			Severity: check.High,
			Title:    "The MTA-STS policy's URL does not answer with status 200",
			Text:     "A policy is valid only with status 200. With another senders deliver as if the domain had no MTA-STS, or by the copy that they still have.",
			Fix:      "Serve the policy with status 200 at https://mta-sts.DOMAIN/.well-known/mta-sts.txt.",
			Cite:     []check.Cite{check.RFC(8461, "3.3")},
			Since:    since,
		},
		Applies: hasResponse,
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			if a.fetch.Status == http.StatusOK || a.redirects() {
				return nil, nil
			}
			return []check.Finding{{Subject: a.URL, Detail: check.Textf("the answer has status %d", a.fetch.Status)}}, nil
		},
	}
}

func contentType() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "mtasts.content-type",
			Severity: check.Low,
			Title:    "The MTA-STS policy is not served as text/plain",
			Text: "Senders should check the media type, because on some servers anybody can put files of other types. " +
				"Those that do find no policy.",
			Fix:   "Serve the file with Content-Type: text/plain.",
			Cite:  []check.Cite{check.RFC(8461, "3.2")},
			Since: since,
		},
		Applies: hasPage,
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			sent := a.fetch.ContentType
			media, _, err := mime.ParseMediaType(sent)
			if err != nil { // parameters do not count, not even broken ones
				media, _, _ = strings.Cut(sent, ";")
			}
			if strings.EqualFold(strings.TrimSpace(media), "text/plain") {
				return nil, nil
			}
			detail := check.Textf("the media type is %q", sent)
			if sent == "" {
				detail = check.Textf("the answer has no Content-Type")
			}
			return []check.Finding{{Subject: a.URL, Detail: detail}}, nil
		},
	}
}

func policySize() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "mtasts.policy-size",
			Severity: check.Low,
			Title:    "The MTA-STS policy is larger than 64 KB",
			Text:     "Senders may limit what they read, and 64 KB is the size that the standard suggests. Those that do find no policy.",
			Fix:      "Remove what does not belong there; a policy has a few lines.",
			Cite:     []check.Cite{check.RFC(8461, "3.3")},
			Since:    since,
		},
		Applies: hasPage,
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			if !a.tooLarge() {
				return nil, nil
			}
			return []check.Finding{{Subject: a.URL, Detail: check.Textf("the file has more than %d octets", MaxPolicy)}}, nil
		},
	}
}

func hasAnyRecord(a *Analysis) (bool, []check.Gap) { return len(a.Texts) > 0, a.Unread }

func hasRecord(a *Analysis) (bool, []check.Gap) { return a.Record != nil, a.Unread }

func hasResponse(a *Analysis) (bool, []check.Gap) { return a.responded(), a.PolicyUnread }

func hasPage(a *Analysis) (bool, []check.Gap) {
	return a.responded() && a.fetch.Status == http.StatusOK, a.PolicyUnread
}

func (a *Analysis) failed(kind FailureKind) bool {
	return a.fetch != nil && a.fetch.Failure != nil && a.fetch.Failure.Kind == kind
}

func (a *Analysis) responded() bool { return a.fetch != nil && a.fetch.Failure == nil }

func (a *Analysis) redirects() bool { return a.fetch.Status >= 300 && a.fetch.Status < 400 }

// recordFindings words the faults of the record that one rule speaks of.
func (a *Analysis) recordFindings(rule string) []check.Finding {
	var found []check.Finding
	for _, f := range a.faults {
		if f.rule != rule {
			continue
		}
		detail := check.Textf("octet %d: %s", f.Offset, check.Textf(f.Reason))
		if f.Term != "" {
			detail = check.Textf("octet %d, %q: %s", f.Offset, short(f.Term), check.Textf(f.Reason))
		}
		found = append(found, check.Finding{
			Subject:  a.Domain,
			Detail:   detail,
			Evidence: a.evidence(a.Text),
			Fix:      a.fix(check.Textf("Publish the record in the right form")),
		})
	}
	return found
}

// fix is the repair as the fix of a finding, nil where there is none: then the
// rule's own advice stands.
func (a *Analysis) fix(summary check.Text) *check.Fix {
	changes := Repair(a)
	if changes == nil {
		return nil
	}
	return &check.Fix{Summary: summary, Changes: changes}
}

func (a *Analysis) evidence(texts ...string) []check.Evidence {
	var ev []check.Evidence
	for _, txt := range texts[:min(len(texts), maxFindings)] {
		ev = append(ev, check.Evidence{Source: "TXT " + a.Owner, Text: txt})
	}
	return ev
}

func short(s string) string {
	const most = 100
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
