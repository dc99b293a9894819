package tlscert

import (
	"bytes"
	"crypto/x509"
	"slices"

	"github.com/mailcheck-go/mailcheck/check"
)

func (j *judge) selfSigned() check.Rule[*Analysis] {
	return j.trustRule(check.Doc{
		ID:       "cert.self-signed",
		Severity: check.High,
		Title:    "Certificate is self-signed",
		Text:     "Nobody but the server itself vouches for it. Browsers show a warning in place of the page, and clients that verify certificates refuse to connect.",
		Fix:      "Install a certificate of a public authority. For SMTP with DANE-EE records a self-signed one is fine.",
		Cite:     []check.Cite{check.RFC(5280, "6.1")},
	}, func(v view, c *Chain, w *verdict) ([]check.Finding, []check.Gap) {
		if w.trust != selfSigned {
			return nil, nil
		}
		return v.chainFinding(c, v.Certificate, check.Textf("the certificate at %s is signed with its own key and is no trusted root", v.where(c.Addrs))), nil
	})
}

func (j *judge) chainIncomplete() check.Rule[*Analysis] {
	return j.trustRule(check.Doc{
		ID:       "cert.chain-incomplete",
		Severity: check.High,
		Title:    "Intermediate certificate is missing",
		Text: "A server has to send the certificates between its own and the root. Some browsers fetch or remember what is missing, so the page opens for its owner; " +
			"other programs, phones and mail servers refuse to connect.",
		Fix:  "Serve the full chain: the certificate, then its issuers' certificates in order, without the root.",
		Cite: []check.Cite{check.RFC(8446, "4.4.2")},
	}, func(v view, c *Chain, w *verdict) ([]check.Finding, []check.Gap) {
		switch {
		case w.trust == incomplete:
			f := v.chainFinding(c, v.Certificate, check.Textf("the certificate at %s comes without that of its issuer, %s", v.where(c.Addrs), issuerName(v.Certificate)))
			if lacks, from := v.lacks(); len(lacks) > 0 {
				f[0].Detail = check.Textf("the certificate at %s comes without that of its issuer: missing %s, fetched from %s; browsers may pass, servers fail", v.where(c.Addrs), few(lacks), from)
			}
			if urls := v.IssuingCertificateURL; len(urls) > 0 {
				f[0].Fix = &check.Fix{Summary: check.Textf("Serve the issuer's certificate after the server's own; the authority has it at %s", clip(urls[0], 300))}
			}
			return f, nil
		case w.trust == untrusted && !w.served:
			return nil, v.undecidable(c, "the issuer of the last certificate is neither served nor trusted: it may be an intermediate or a root")
		case w.trust == weak:
			return nil, v.undecidable(c, weakPath)
		}
		return nil, nil
	})
}

const weakPath = "the chain rests on a SHA-1 or MD5 signature, beyond which nobody looks"

func (j *judge) untrustedRoot() check.Rule[*Analysis] {
	return j.trustRule(check.Doc{
		ID:       "cert.untrusted-root",
		Severity: check.High,
		Title:    "Chain ends at an untrusted root",
		Text:     "The chain is there, but its root is not among those that clients trust: a private authority, or a public one that was removed. Visitors without that root get a warning in place of the page.",
		Fix:      "Install a certificate of a public authority that browsers trust.",
		Cite:     []check.Cite{check.RFC(5280, "6.1")},
	}, func(v view, c *Chain, w *verdict) ([]check.Finding, []check.Gap) {
		switch {
		case w.trust == untrusted && w.served:
			return v.chainFinding(c, w.last, check.Textf("the chain at %s ends at %s, which is no trusted root", v.where(c.Addrs), label(w.last))), nil
		case w.trust == untrusted:
			return v.chainFinding(c, w.last, check.Textf("the chain at %s ends at %s; its issuer %s is neither served nor a trusted root", v.where(c.Addrs), label(w.last), issuerName(w.last))), nil
		case w.trust == incomplete:
			return nil, v.undecidable(c, "the issuer's certificate is not served, so the root is not known")
		case w.trust == weak:
			return nil, v.undecidable(c, weakPath)
		}
		return nil, nil
	})
}

func (j *judge) chainInvalid() check.Rule[*Analysis] {
	return j.trustRule(check.Doc{
		ID:       "cert.chain-invalid",
		Severity: check.High,
		Title:    "Chain breaks a rule of path validation",
		Text: "The chain leads to a trusted root, but a certificate in it is not allowed to do what it does there: one that is not for servers, " +
			"an issuer that may not sign, or a name that the issuer may not vouch for. Clients refuse to connect.",
		Fix:  "Have the certificate issued anew for this use, and serve it with the chain that came with it.",
		Cite: []check.Cite{check.RFC(5280, "6.1")},
	}, func(v view, c *Chain, w *verdict) ([]check.Finding, []check.Gap) {
		if w.trust != invalid {
			return nil, nil
		}
		return v.chainFinding(c, v.Certificate, check.Textf("the chain at %s does not hold: %s", v.where(c.Addrs), reason(w.err))), nil
	})
}

func (j *judge) chainOrder() check.Rule[*Analysis] {
	return j.rule(check.Doc{
		ID:       "cert.chain-order",
		Severity: check.Low,
		Title:    "Chain is out of order or has extra certificates",
		Text:     "Each certificate that a server sends should certify the one before it. Most clients sort them; old ones stop at the first that does not fit, and what does not belong there costs every visitor time.",
		Fix:      "Serve the server's certificate first, then its issuers' in order, and nothing else.",
		Cite:     []check.Cite{check.RFC(8446, "4.4.2")},
	}, func(v view) (found []check.Finding, gaps []check.Gap) {
		for _, c := range v.Chains {
			if detail := v.disorder(c); !detail.IsZero() {
				found = append(found, v.chainFinding(c, v.Certificate, detail)...)
			}
		}
		return found, nil
	})
}

// disorder says what is wrong with the order of a chain.
func (v view) disorder(c *Chain) check.Text {
	if c.Unread > 0 {
		return check.Textf("%d of the certificates that %s serves cannot be read", c.Unread, v.where(c.Addrs))
	}
	certs := c.Certificates
	inOrder := true
	for i := range certs[1:] {
		inOrder = inOrder && named(certs[i+1], certs[i]) && certs[i+1] != certs[i]
	}
	if inOrder {
		return check.Text{}
	}
	linked := link(certs)
	var extra, order []string
	for i, cert := range certs {
		order = append(order, label(cert))
		if !slices.Contains(linked, cert) || slices.Contains(certs[:i], cert) {
			extra = append(extra, label(cert))
		}
	}
	if len(extra) > 0 {
		return check.Textf("%s serves certificates that are not part of the chain: %s", v.where(c.Addrs), few(extra))
	}
	return check.Textf("%s serves the chain in another order: %s", v.where(c.Addrs), few(order))
}

// selfIssued reports whether a certificate is a root, of which clients have their
// own copy and do not judge what is served.
func selfIssued(c *x509.Certificate) bool { return bytes.Equal(c.RawSubject, c.RawIssuer) }
