package caa

import (
	"slices"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
)

func malformedIssue() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "caa.malformed-issue",
			Severity: check.High,
			Title:    "A malformed CAA value names nobody",
			Text: "CAs have to read a value that breaks the grammar as one that names nobody. " +
				"If no other record names a CA, none may issue, and the next renewal of a certificate is refused.",
			Fix:   `Write the CA's domain name alone, as in "letsencrypt.org", or ";" for nobody.`,
			Cite:  []check.Cite{check.RFC(8659, "4.2"), check.RFC(9495, "4")},
			Since: since,
		},
		Applies: func(a *Analysis) (bool, []check.Gap) {
			names := func(p property) bool { return p.issue != nil }
			return slices.ContainsFunc(a.properties, names), a.Unread
		},
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			return a.eachProperty(func(p *property) *check.Finding {
				if p.err == nil {
					return nil
				}
				f := &check.Finding{Detail: check.Textf("%s, octet %d, %q: %s; so no CA may issue %s",
					p.tag, p.err.Offset, clip(p.err.Term), check.Textf(p.err.Reason), certificates(Use(p.tag)))}
				if cured(p) {
					f.Fix = a.fix(p, check.Textf("Write the value in the right form"))
				}
				switch {
				case a.wellFormed(Use(p.tag)):
					f.Severity = check.Low
					f.Detail = check.Textf("%s, octet %d, %q: %s; beside the other records the value changes nothing",
						p.tag, p.err.Offset, clip(p.err.Term), check.Textf(p.err.Reason))
				case Use(p.tag) != Names:
					f.Severity = check.Medium
				}
				return f
			}), nil
		},
	}
}

// cured reports that the repair of a malformed value is well-formed.
func cured(p *property) bool {
	_, err := ParseIssue(p.mend()[0].Value)
	return err == nil
}

// wellFormed reports that a property with the tag says by itself who may issue, be it nobody.
func (a *Analysis) wellFormed(use Use) bool {
	return slices.ContainsFunc(a.with(use), func(p property) bool { return p.err == nil })
}

func certificates(use Use) check.Text {
	switch use {
	case Wildcards:
		return check.Textf("wildcard certificates")
	case Mail:
		return check.Textf("certificates for mail addresses")
	case Marks:
		return check.Textf("mark certificates")
	}
	return check.Textf("certificates")
}

func criticalUnknown() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "caa.critical-unknown",
			Severity: check.High,
			Title:    "Critical flag on an unknown tag blocks all CAs",
			Text: "A CA must not issue while there is a critical property that it does not know. " +
				"The next renewal of a certificate is refused, whatever the other records say.",
			Fix:   "Remove the record, or write its flags as 0.",
			Cite:  []check.Cite{check.RFC(8659, "4.1"), check.RFC(8659, "4.5"), baseline("3.2.2.8")},
			Since: since,
		},
		Applies: hasRecords,
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			return a.eachProperty(func(p *property) *check.Finding {
				switch {
				case !p.Critical():
					return nil
				case !known(p.tag):
					return &check.Finding{Detail: check.Textf("the tag %q is critical, and no CA knows it: none may issue", clip(p.Tag))}
				case optional(p.tag):
					return &check.Finding{
						Severity: check.Low,
						Detail:   check.Textf("%s is critical, and CAs need not know it: those that do not must refuse", p.tag),
					}
				}
				return nil
			}), nil
		},
	}
}

func flagsValue() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "caa.flags-value",
			Severity: check.Low,
			Title:    "Flags is not 0 or 128",
			Text: "Only the highest bit has a meaning: 128 makes a property critical. " +
				"CAs ignore the others, so 1 does not make it critical, as some instructions say.",
			Fix:   "Write 0, or 128 for a critical property.",
			Cite:  []check.Cite{check.RFC(8659, "4.1")},
			Since: since,
		},
		Applies: hasRecords,
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			return a.eachProperty(func(p *property) *check.Finding {
				if p.Flags&^critical == 0 {
					return nil
				}
				return &check.Finding{
					Detail: check.Textf("flags are %d, which CAs read as %d", int(p.Flags), int(p.Flags&critical)),
					Fix:    a.fix(p, check.Textf("Write flags as CAs read them")),
				}
			}), nil
		},
	}
}

func tagInvalid() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "caa.tag-invalid",
			Severity: check.Medium,
			Title:    "Tag has illegal characters or is unknown",
			Text: "CAs pass over a property whose tag they do not know. " +
				"If it was meant to restrict who may issue, it does not.",
			Fix:   "Use issue, issuewild, issuemail, issuevmc, iodef, contactemail or contactphone.",
			Cite:  []check.Cite{check.RFC(8659, "4.1"), {Doc: "IANA, Certification Authority Restriction Properties"}},
			Since: since,
		},
		Applies: hasRecords,
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			return a.eachProperty(func(p *property) *check.Finding {
				switch {
				case p.tag == "":
					return &check.Finding{Detail: check.Textf("a tag has one letter or digit at least, and this one is empty")}
				case strings.Trim(p.tag, letdig) != "":
					return &check.Finding{Detail: check.Textf("a tag has letters and digits only, and this one is %q", clip(p.Tag))}
				case !known(p.tag) && !p.Critical(): // a critical one is caa.critical-unknown
					return &check.Finding{Severity: check.Info, Detail: check.Textf("the tag %q is not registered, and CAs pass over it", clip(p.Tag))}
				}
				return nil
			}), nil
		},
	}
}

func iodefScheme() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "caa.iodef-scheme",
			Severity: check.Low,
			Title:    "iodef is not mailto, http or https",
			Text: "CAs report requests that the records forbid to an address of these kinds and to no other. " +
				"Nobody tells the domain's owner that somebody tried.",
			Fix:   "Write mailto: and a mailbox, or an https: address.",
			Cite:  []check.Cite{check.RFC(8659, "4.4"), baseline("3.2.2.8")},
			Since: since,
		},
		Applies: func(a *Analysis) (bool, []check.Gap) { return len(a.with("iodef")) > 0, a.Unread },
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			return a.eachProperty(func(p *property) *check.Finding {
				if p.tag != "iodef" || isReportURI(p.Value) {
					return nil
				}
				f := &check.Finding{Detail: check.Textf("%q is no address that CAs report to", clip(p.Value))}
				if isReportURI(p.mend()[0].Value) {
					f.Fix = a.fix(p, check.Textf("Write mailto: in front of the mailbox"))
				}
				return f
			}), nil
		},
	}
}

func isReportURI(s string) bool {
	scheme, rest, _ := strings.Cut(s, ":")
	switch lower(scheme) {
	case "mailto":
		return isMailbox(rest)
	case "http", "https":
		host, ok := strings.CutPrefix(rest, "//")
		return ok && badOctet(host) < 0 && host != "" && !strings.Contains("/?#:", host[:1])
	}
	return false
}

func isMailbox(s string) bool {
	s, _, _ = strings.Cut(s, "?")
	local, domain, ok := strings.Cut(s, "@")
	return ok && local != "" && domain != "" && badOctet(s) < 0
}

// bindsCA reports that RFC 8657 is about the property: it names a CA for host names.
func (p *property) bindsCA() bool {
	return p.err == nil && p.issue != nil && p.issue.Issuer != "" && (p.tag == string(Names) || p.tag == string(Wildcards))
}

// hasParam is for rules about a parameter of RFC 8657.
func hasParam(tag string) func(*Analysis) (bool, []check.Gap) {
	return func(a *Analysis) (bool, []check.Gap) {
		has := func(p property) bool { return p.bindsCA() && len(p.issue.Values(tag)) > 0 }
		return slices.ContainsFunc(a.properties, has), a.Unread
	}
}
