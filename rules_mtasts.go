package mailcheck

import (
	"slices"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/mtasts"
	"github.com/mailcheck-go/mailcheck/tlscert"
)

// mtastsRules hold the policy against the MX hosts, and want reports beside it.
func mtastsRules() []check.Rule[*view] {
	return []check.Rule[*view]{
		{
			Doc: check.Doc{
				ID: "mtasts.mx-mismatch", Severity: check.Critical, Since: "v0.1.0",
				Title: "An MX host matches no pattern of the MTA-STS policy",
				Text: "Senders that honour the policy do not deliver to a host that it does not name. " +
					"In mode enforce mail is delayed and returned where no host is named, and takes a detour where some are.",
				Fix:  "Add the MX host to the policy, then change the id of the record.",
				Cite: []check.Cite{check.RFC(8461, "4.1"), check.RFC(8461, "5")},
			},
			Applies: policyForHosts,
			Check:   mxMismatch,
		},
		{
			Doc: check.Doc{
				ID: "mtasts.mx-cert", Severity: check.Critical, Since: "v0.1.0",
				Title: "An MX host's certificate does not satisfy the MTA-STS policy",
				Text: "Senders that honour the policy deliver only over TLS, to a host whose certificate is valid, trusted and for its name. " +
					"In mode enforce mail is delayed and returned where no host satisfies that, and takes a detour where some do.",
				Fix:  "Install a certificate of a public CA for the host's name at every MX host, with its whole chain.",
				Cite: []check.Cite{check.RFC(8461, "4.2"), check.RFC(8461, "5")},
			},
			Applies: func(v *view) (bool, []check.Gap) {
				if v.tlscert == nil {
					return false, []check.Gap{{Subject: "certificates of the MX hosts of " + v.facts.Domain, Why: check.NotAsked}}
				}
				return policyForHosts(v)
			},
			Check: mxCert,
		},
		{
			Doc: check.Doc{
				ID: "mtasts.tlsrpt-missing", Severity: check.Low, Since: "v0.1.0",
				Title: "MTA-STS without TLS reporting",
				Text: "The domain asks senders to insist on TLS, and gives them no address to tell when that fails: " +
					"a wrong policy or an expired certificate shows only as mail that does not come.",
				Fix:  "Publish v=TLSRPTv1; rua=mailto:… at _smtp._tls.",
				Cite: []check.Cite{check.RFC(8460, "3"), check.RFC(8461, "5")},
			},
			Applies: func(v *view) (bool, []check.Gap) {
				if v.mtasts == nil || v.tlsrpt == nil {
					return false, []check.Gap{{Subject: "MTA-STS and TLS-RPT of " + v.facts.Domain, Why: check.NotAsked}}
				}
				return v.mtasts.Valid, v.mtasts.Unread
			},
			Check: func(v *view) ([]check.Finding, []check.Gap) {
				if v.tlsrpt.Unread != nil || len(v.tlsrpt.Texts) > 0 {
					return nil, v.tlsrpt.Unread // a faulty record has rules of its own
				}
				return []check.Finding{{
					Subject:  v.tlsrpt.Name,
					Detail:   check.Textf("%s has an MTA-STS record, and %s has no TLS-RPT record", v.mtasts.Name, v.tlsrpt.Name),
					Evidence: []check.Evidence{{Source: "TXT " + v.mtasts.Owner, Text: v.mtasts.Text}},
				}}, nil
			},
		},
	}
}

// policyForHosts reports whether a policy asks something of the MX hosts.
func policyForHosts(v *view) (bool, []check.Gap) {
	switch {
	case v.mtasts == nil || v.mx == nil:
		return false, []check.Gap{{Subject: "MTA-STS and MX of " + v.facts.Domain, Why: check.NotAsked}}
	case v.mtasts.Unread != nil:
		return false, v.mtasts.Unread
	case v.mtasts.PolicyUnread != nil:
		return false, v.mtasts.PolicyUnread
	case v.mx.Unread != nil:
		return false, v.mx.Unread
	}
	return v.mtasts.PolicyValid && v.mtasts.Policy.Mode != mtasts.None && len(v.mx.Hosts) > 0, nil
}

// mxCert: severity as for mxMismatch. A host that the policy does not name is not
// delivered to whatever its certificate is.
func mxCert(v *view) (found []check.Finding, gaps []check.Gap) {
	fine := 0
	status := tlscert.Overview(v.tlscert, v.expiry)
	for _, h := range v.mx.Hosts {
		i := slices.IndexFunc(status, func(s tlscert.Status) bool {
			return s.Host.Name == h.Name && s.Host.Protocol == tlscert.SMTP && s.Host.Port == 25
		})
		switch {
		case !v.mtasts.Policy.Matches(h.Name):
		case i < 0:
			gaps = append(gaps, check.Gap{Subject: "the certificate of " + h.Name, Why: check.NotAsked})
		case status[i].Host.Plain > 0:
			found = append(found, check.Finding{Subject: h.Name, Detail: check.Textf("it offers no STARTTLS")})
		case !status[i].Refused.IsZero():
			found = append(found, check.Finding{Subject: h.Name, Detail: check.Textf("%s", status[i].Refused)})
		case status[i].Breaks.IsZero():
			gaps = append(gaps, status[i].Host.Gaps...)
		default:
			fine++
			gaps = append(gaps, status[i].Host.Gaps...)
		}
	}
	for i := range found {
		switch {
		case v.mtasts.Policy.Mode == mtasts.Testing:
			found[i].Severity = check.Medium
		case fine > 0:
			found[i].Severity = check.High
		}
	}
	return found, gaps
}

// mxMismatch: critical only where senders must not deliver at all; where another
// host is named they go on to that (RFC 8461, 5.1), and in mode testing they
// deliver and report.
func mxMismatch(v *view) ([]check.Finding, []check.Gap) {
	var strangers []string
	for _, h := range v.mx.Hosts {
		if !v.mtasts.Policy.Matches(h.Name) {
			strangers = append(strangers, h.Name)
		}
	}
	if len(strangers) == 0 {
		return nil, nil
	}
	f := check.Finding{
		Subject:  v.facts.Domain,
		Detail:   check.Textf("in mode %s %d of %d MX hosts match no mx pattern: %s", string(v.mtasts.Policy.Mode), len(strangers), len(v.mx.Hosts), strings.Join(strangers, ", ")),
		Evidence: []check.Evidence{{Source: v.mtasts.URL, Text: "mx: " + strings.Join(v.mtasts.Policy.MX, ", mx: ")}},
	}
	switch {
	case v.mtasts.Policy.Mode == mtasts.Testing:
		f.Severity = check.Medium
	case len(strangers) < len(v.mx.Hosts):
		f.Severity = check.High
	}
	return []check.Finding{f}, nil
}
