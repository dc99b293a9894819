package caa

import (
	"slices"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
)

func accountURIs() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "caa.accounturi",
			Severity: check.Info,
			Title:    "CA account is pinned",
			Text: "The CA may issue to one account alone, if it keeps to RFC 8657. " +
				"Whoever else asks, a hosting service for example, is refused, and so is the owner with a new account.",
			Fix:   "Keep the record in step with the account: change it before another account asks for certificates.",
			Cite:  []check.Cite{check.RFC(8657, "3"), check.RFC(8657, "5.2")},
			Since: since,
		},
		Applies: hasRecords,
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			return a.eachProperty(func(p *property) *check.Finding {
				if !p.bindsCA() {
					return nil
				}
				accounts := p.issue.Values(accountURI)
				if len(accounts) != 1 || !isURI(accounts[0]) {
					return nil
				}
				return &check.Finding{Detail: check.Textf("%s: %s may issue to the account %s alone", p.tag, clip(p.issue.Issuer), clip(accounts[0]))}
			}), nil
		},
	}
}

func accountURIDuplicate() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "caa.accounturi-duplicate",
			Severity: check.Medium,
			Title:    "Several accounturi parameters make the property unsatisfiable",
			Text: "A CA must not issue by a property that names several accounts. " +
				"If no other record names the CA, the next renewal of a certificate is refused.",
			Fix:   "Publish one record for each account.",
			Cite:  []check.Cite{check.RFC(8657, "3")},
			Since: since,
		},
		Applies: hasParam(accountURI),
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			return a.eachProperty(func(p *property) *check.Finding {
				if !p.bindsCA() || len(p.issue.Values(accountURI)) < 2 {
					return nil
				}
				return &check.Finding{
					Detail: check.Textf("%s: %d accounts of %s in one record", p.tag, len(p.issue.Values(accountURI)), clip(p.issue.Issuer)),
					Fix:    a.fix(p, check.Textf("Publish one record for each account")),
				}
			}), nil
		},
	}
}

func methods() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "caa.validationmethods",
			Severity: check.Info,
			Title:    "Validation methods are restricted",
			Text: "The CA may issue only where control over the name was shown in one of these ways, if it keeps to RFC 8657. " +
				"A client or hosting service that shows it in another way is refused.",
			Fix:   "Check that whoever asks for the certificates uses one of the methods.",
			Cite:  []check.Cite{check.RFC(8657, "4"), check.RFC(8657, "5.2")},
			Since: since,
		},
		Applies: hasRecords,
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			return a.eachProperty(func(p *property) *check.Finding {
				if !p.bindsCA() {
					return nil
				}
				lists := p.issue.Values(validationMethods)
				if len(lists) != 1 || !isMethods(lists[0]) {
					return nil
				}
				return &check.Finding{Detail: check.Textf("%s: %s may issue only after validation by %s", p.tag, clip(p.issue.Issuer), clip(lists[0]))}
			}), nil
		},
	}
}

func parameterInvalid() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "caa.parameter-invalid",
			Severity: check.Medium,
			Title:    "A parameter of CAA that no request can meet",
			Text: "The account is no URI, or the list of methods holds none that a CA could use. " +
				"A CA that keeps to RFC 8657 must not issue by such a property, and the next renewal of a certificate is refused.",
			Fix:   "Write the account's URI as the CA shows it, and methods as in validationmethods=dns-01,http-01.",
			Cite:  []check.Cite{check.RFC(8657, "3"), check.RFC(8657, "4")},
			Since: since,
		},
		Applies: func(a *Analysis) (bool, []check.Gap) {
			account, _ := hasParam(accountURI)(a)
			method, _ := hasParam(validationMethods)(a)
			return account || method, a.Unread
		},
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			return a.eachProperty(func(p *property) *check.Finding {
				if !p.bindsCA() {
					return nil
				}
				accounts, lists := p.issue.Values(accountURI), p.issue.Values(validationMethods)
				switch {
				case len(accounts) == 1 && !isURI(accounts[0]):
					return &check.Finding{Detail: check.Textf("%s: accounturi is %q, which is no URI", p.tag, clip(accounts[0]))}
				case len(lists) > 1:
					return &check.Finding{Detail: check.Textf("%s: validationmethods stands %d times; CAs may refuse, or take one of them", p.tag, len(lists))}
				case len(lists) == 1 && !isMethods(lists[0]):
					return &check.Finding{Detail: check.Textf("%s: validationmethods is %q, which is no list of methods", p.tag, clip(lists[0]))}
				case len(lists) == 1 && !slices.ContainsFunc(strings.Split(lists[0], ","), isMethod):
					return &check.Finding{
						Severity: check.Low,
						Detail:   check.Textf("%s: validationmethods is %q, and none of that is known to be a method", p.tag, clip(lists[0])),
					}
				}
				if i := slices.IndexFunc(p.issue.Params, oddCase); i >= 0 {
					return &check.Finding{
						Severity: check.Low,
						Detail:   check.Textf("%s: %s is not in lower case, and CAs may pass over it", p.tag, p.issue.Params[i].Tag),
						Fix:      a.fix(p, check.Textf("Write the parameter in lower case")),
					}
				}
				return nil
			}), nil
		},
	}
}

// isMethod reports that a label is a method by which a host name can be validated (IANA,
// ACME Validation Methods, and drafts that CAs follow), or a CA's own.
func isMethod(label string) bool {
	switch label {
	case "http-01", "dns-01", "tls-alpn-01", "dns-account-01", "dns-persist-01":
		return true
	}
	return strings.HasPrefix(label, "ca-")
}

// oddCase reports that a parameter is one of RFC 8657 but for the case of its tag. No
// standard says whether that matters; to some CAs it does.
func oddCase(p Param) bool {
	tag := lower(p.Tag)
	return tag != p.Tag && (tag == accountURI || tag == validationMethods)
}
