package tlscert

import (
	"net/netip"
	"strings"
	"time"

	"github.com/mailcheck-go/mailcheck/check"
)

func (j *judge) smtpNoStartTLS() check.Rule[*Analysis] {
	return j.among(func(h *Served) bool { return h.Protocol == SMTP }).hostRule(check.Doc{
		ID:       "smtp.no-starttls",
		Severity: check.High,
		Title:    "Mail server does not offer STARTTLS",
		Text:     "Mail to it crosses the network in the clear, for everybody on the way to read and to change. Senders that demand TLS, by MTA-STS, DANE or a rule of their own, cannot deliver at all.",
		Fix:      "Install a certificate on the mail server and turn STARTTLS on.",
		Cite:     []check.Cite{check.RFC(3207, "4"), check.RFC(8461, "4.2"), {Doc: "internet.nl, starttls-exists"}},
	}, func(h *Served) bool { return h.Seen+h.Plain > 0 }, func(h *Served, _ time.Time) ([]check.Finding, []check.Gap) {
		var addrs []netip.Addr
		var evidence []check.Evidence
		for _, e := range h.endpoints {
			if e.Failure != nil && e.Failure.Kind == KindNoStartTLS {
				addrs = append(addrs, e.Addr)
				evidence = append(evidence, check.Evidence{Source: h.at(e.Addr), Text: e.Greeting + "\n" + strings.Join(e.Capabilities, "\n")})
			}
		}
		if len(addrs) == 0 {
			return nil, nil
		}
		return []check.Finding{{
			Subject: h.String(), Evidence: evidence[:1],
			Detail: check.Textf("%s does not offer STARTTLS after EHLO", where(addrs, h.Seen+h.Plain)),
		}}, nil
	})
}

func (j *judge) smtpTLSOld() check.Rule[*Analysis] {
	return j.among(relay).hostRule(check.Doc{
		ID:       "smtp.tls-old",
		Severity: check.Medium,
		Title:    "Mail server accepts TLS 1.0 or 1.1",
		Text: "Both versions are broken and forbidden since 2021; whoever stands between two servers can make them fall back to the worst that both take. Hardly any sender is left that knows nothing better. " +
			"A server that speaks better shows this only in handshakes of its own, which are made on request.",
		Fix:  "Allow TLS 1.2 and 1.3 only, once the logs show no sender that needs less.",
		Cite: []check.Cite{check.RFC(8996, "4"), check.RFC(8996, "5"), check.RFC(9325, "3.1.1")},
	}, handshaken, oldVersion)
}

func (j *judge) smtpTLSNo13() check.Rule[*Analysis] {
	return j.among(relay).hostRule(check.Doc{
		ID:       "smtp.tls-no-13",
		Severity: check.Info,
		Title:    "Mail server has no TLS 1.3",
		Text:     "TLS 1.2 is safe when it is set up with care. 1.3 leaves nothing to set up wrongly, and the key exchanges that withstand quantum computers need it.",
		Cite:     []check.Cite{check.RFC(9325, "3.1.1")},
	}, showed, without13)
}

func (j *judge) smtpCertName() check.Rule[*Analysis] {
	return j.among(opportunistic).leafRule(check.Doc{
		ID:       "smtp.cert-name",
		Severity: check.Low,
		Title:    "Certificate of the mail server is for other names",
		Text:     "Most senders deliver all the same, as they do with any certificate. Those that follow an MTA-STS policy, or want a verified connection, do not.",
		Fix:      "Have the certificate issued with the name that the MX record has.",
		Cite:     []check.Cite{check.RFC(8461, "4.2"), check.RFC(6125, "6.4")},
	}, func(v view) bool { return !v.named() }, func(v view) check.Text {
		if v.commonNamed() {
			return check.Textf("the certificate at %s has the common name %s; its alternative names are %s", v.where(v.Addrs), v.Subject.CommonName, few(names(v.Certificate)))
		}
		return v.otherNames()
	})
}

func (j *judge) smtpCertUntrusted() check.Rule[*Analysis] {
	return j.among(opportunistic).trustRule(check.Doc{
		ID:       "smtp.cert-untrusted",
		Severity: check.Low,
		Title:    "Certificate of the mail server is not publicly trusted",
		Text:     "Most senders deliver all the same, as they do with any certificate. Those that follow an MTA-STS policy do not; for DANE it is fine.",
		Fix:      "Install a certificate of a public authority, with its chain. MTA-STS needs one.",
		Cite:     []check.Cite{check.RFC(8461, "4.2"), check.RFC(7435, "3")},
	}, func(v view, c *Chain, w *verdict) ([]check.Finding, []check.Gap) {
		if w.trust == outdated { // that is smtp.cert-expired
			return nil, nil
		}
		detail := v.distrust(c, w)
		if detail.IsZero() {
			return nil, nil
		}
		return v.chainFinding(c, w.last, detail), nil
	})
}

func (j *judge) smtpCertExpired() check.Rule[*Analysis] {
	return j.among(opportunistic).rule(check.Doc{
		ID:       "smtp.cert-expired",
		Severity: check.Medium,
		Title:    "Certificate of the mail server is expired",
		Text:     "Most senders deliver all the same, as they do with any certificate. Those that follow an MTA-STS policy do not, and mail waits with them until it is returned. An expired certificate also tells that nobody looks after the server's TLS.",
		Fix:      "Renew the certificate, install it with its chain at every address, and reload the mail server.",
		Cite:     []check.Cite{check.RFC(8461, "4.2"), check.RFC(5280, "4.1.2.5")},
	}, func(v view) ([]check.Finding, []check.Gap) { return j.pastEnd(v), nil })
}

func (j *judge) smtpBannerName() check.Rule[*Analysis] {
	return j.among(relay).hostRule(check.Doc{
		ID:       "smtp.banner-name",
		Severity: check.Low,
		Title:    "Greeting of the mail server has no full name",
		Text:     "A mail server greets with its own name, a domain name with all its labels or an address in brackets. Another word there is a server that was never given its name, or a firewall that rewrites SMTP; some of these break STARTTLS. Whether the name can be resolved is not looked at.",
		Fix:      "Set the mail server's host name, and turn off the SMTP inspection of firewalls in front of it.",
		Cite:     []check.Cite{check.RFC(5321, "4.2"), check.RFC(5321, "4.1.3")},
	}, func(h *Served) bool { return h.Seen+h.Plain > 0 }, func(h *Served, _ time.Time) (found []check.Finding, gaps []check.Gap) {
		for _, e := range h.endpoints {
			switch name, ok := greeter(e.Greeting); {
			case ok:
			case e.Greeting != "":
				found = append(found, check.Finding{
					Subject: h.String(), Detail: check.Textf("%s greets as %q", e.Addr.String(), clip(name, maxName)),
					Evidence: []check.Evidence{{Source: h.at(e.Addr), Text: e.Greeting}},
				})
			case e.Failure == nil:
				gaps = append(gaps, check.Gap{Subject: "the greeting of " + h.at(e.Addr), Why: check.NotAsked})
			}
		}
		return found, gaps
	})
}

// greeter is the name in a greeting, and whether it is a domain name of two labels
// or more, or an address literal (RFC 5321, 4.1.2 and 4.2).
func greeter(greeting string) (name string, ok bool) {
	if len(greeting) < 4 {
		return "", false
	}
	if fields := strings.Fields(greeting[4:]); len(fields) > 0 { // after "220 " or "220-"
		name = fields[0]
	}
	if literal, is := strings.CutPrefix(name, "["); is {
		literal, is = strings.CutSuffix(strings.TrimPrefix(literal, "IPv6:"), "]")
		return name, is && isAddr(literal)
	}
	if isAddr(name) {
		return name, false
	}
	labels := strings.Split(strings.TrimSuffix(name, "."), ".")
	for _, label := range labels {
		if !isLabel(label) {
			return name, false
		}
	}
	return name, len(labels) > 1
}

// isLabel reports whether a label is one of a host: letters, digits and inner
// hyphens, and the underscores that some servers have in their names.
func isLabel(label string) bool {
	return 0 < len(label) && len(label) <= 63 && label[0] != '-' && label[len(label)-1] != '-' &&
		!strings.ContainsFunc(label, func(r rune) bool {
			return r != '-' && r != '_' && (r < '0' || '9' < r) && (r < 'a' || 'z' < r) && (r < 'A' || 'Z' < r)
		})
}
