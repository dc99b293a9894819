package zendesk

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mailcheck-go/mailcheck/account"
	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

type dnsReply = dnsx.Reply

// names are those of this account below zendesk.com.
func (a *Analysis) names() []string {
	names := []string{a.subject()}
	for _, b := range a.Brands {
		if b.Subdomain != "" {
			names = append(names, strings.ToLower(b.Subdomain)+".zendesk.com")
		}
	}
	return names
}

func (a *Analysis) hostMapping(v *verdict, h Host, seen *account.HostView) {
	want := strings.ToLower(h.Brand.Subdomain) + ".zendesk.com"
	var evidence []check.Evidence
	if len(seen.Alias) > 0 {
		evidence = append(evidence, check.Evidence{Source: "CNAME " + h.Name, Text: strings.Join(seen.Alias, " → ")})
	}
	invalid := h.Mapping != nil && h.Mapping.Valid == No
	if h.Mapping != nil && h.Mapping.Failure == nil {
		evidence = append(evidence, check.Evidence{Source: EndpointHostMappings.Request(), Text: fmt.Sprintf("is_valid %s %s", h.Mapping.Valid, or(h.Mapping.Reason.Value, "-"))})
	}
	find := func(severity check.Severity, detail check.Text, fix *check.Fix) {
		v.find(h.Name, severity, detail, fix, evidence...)
	}
	ours := slices.ContainsFunc(seen.Alias, func(target string) bool { return slices.Contains(a.names(), target) })
	switch {
	case len(seen.Gaps) > 0:
		v.gaps = append(v.gaps, seen.Gaps...)
		return
	case seen.Missing && len(seen.Alias) == 0:
		find(0, check.Textf("the name of the help centre of brand %s does not exist", h.Brand.Name), h.point(nil, want))
		return
	case len(seen.Alias) == 0:
		find(check.Medium, check.Textf("the name is no alias, and Zendesk wants one: the addresses behind it change, and the certificate is not renewed"), h.point(nil, want))
		return
	case !ours && slices.ContainsFunc(seen.Alias, IsZendesk):
		find(0, check.Textf("the name leads to %s, which is no brand of this account", seen.Alias[len(seen.Alias)-1]), h.point(seen.Alias, want))
		return
	case !ours:
		find(0, check.Textf("the name leads to %s, and not to %s", seen.Alias[len(seen.Alias)-1], want), h.point(seen.Alias, want))
		return
	}
	for _, id := range []string{"provider.host-dangling", "provider.host-unmapped"} {
		v.carry(h.Name, seen.Result(id), 0, ourFix)
	}
	if invalid && !slices.ContainsFunc(v.findings, func(f check.Finding) bool { return f.Subject == h.Name }) {
		find(check.Low, check.Textf("the records are right; Zendesk held the mapping for wrong when it was asked"), nil)
	}
}

// point is the change of the CNAME record.
func (h Host) point(alias []string, want string) *check.Fix {
	change := check.Change{Name: h.Name, Type: "CNAME", New: []string{want}}
	if len(alias) > 0 {
		change.Old = alias[:1]
	}
	return &check.Fix{Summary: check.Textf("Publish %s CNAME %s.", h.Name, want), Changes: []check.Change{change}}
}

// Whose advice a finding that is taken over has: its own, or that of the rule that
// takes it.
func itsFix(f check.Finding) *check.Fix { return f.Fix }
func ourFix(check.Finding) *check.Fix   { return nil }

// carry takes over what another room's rule found about a host, and what it could not
// know because a question failed, or nobody asked.
func (v *verdict) carry(subject string, res *check.Result, least check.Severity, fix func(check.Finding) *check.Fix) {
	if res == nil {
		return
	}
	switch res.Outcome {
	case check.Fail:
		for _, f := range res.Findings {
			if f.Severity < least {
				continue
			}
			v.findings = append(v.findings, check.Finding{
				Subject: subject, Severity: f.Severity, Evidence: f.Evidence, Fix: fix(f),
				Detail: check.Textf("found by %s: %s", check.Textf(res.ID), f.Detail), // an id is translated as its title
			})
		}
	case check.Unknown:
		v.gaps = append(v.gaps, res.Gaps...)
	}
}

// hostCertificate takes over what package tlscert finds.
func (a *Analysis) hostCertificate(v *verdict, h Host, seen *account.HostView) {
	for i, res := range seen.Results() {
		if !strings.HasPrefix(res.ID, "cert.") {
			continue
		}
		if res.Outcome == check.Unknown && !slices.Contains(certBasics, res.ID) {
			continue // lists of revoked certificates and the like: the host's own report says so
		}
		v.carry(h.Name, &seen.Results()[i], check.Medium, ourFix)
	}
}

// certBasics are the rules without which nothing is known of a certificate.
var certBasics = []string{"cert.expired", "cert.expiring", "cert.name-mismatch", "cert.untrusted-root", "cert.chain-incomplete", "cert.not-yet-valid", "cert.self-signed"}

func (a *Analysis) hostCAA(v *verdict, h Host, seen *account.HostView) {
	for _, id := range []string{"caa.renewal-blocked", "caa.cert-not-authorized"} {
		v.carry(h.Name, seen.Result(id), 0, itsFix)
	}
}
