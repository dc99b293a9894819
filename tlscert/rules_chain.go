package tlscert

import (
	"bytes"
	"crypto/x509"
	"slices"
	"time"

	"github.com/mailcheck-go/mailcheck/check"
)

func (j *judge) selfSigned() check.Rule[*Analysis] {
	return j.among(verified).trustRule(check.Doc{
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
	return j.among(verified).trustRule(check.Doc{
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
	return j.among(verified).trustRule(check.Doc{
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
	return j.among(verified).trustRule(check.Doc{
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
	return j.among(verified).rule(check.Doc{
		ID:       "cert.chain-order",
		Severity: check.Low,
		Title:    "Chain is out of order or has extra certificates",
		Text: "Each certificate that a server sends should certify the one before it. Most clients sort them; old ones stop at the first that does not fit, and what does not belong there costs every visitor time. " +
			"The root is one to know, not a fault: clients have their own, and only DANE with usage 2 needs it in the chain.",
		Fix:  "Serve the server's certificate first, then its issuers' in order, and nothing else.",
		Cite: []check.Cite{check.RFC(8446, "4.4.2"), check.RFC(7672, "3.1.2")},
	}, func(v view) (found []check.Finding, gaps []check.Gap) {
		for _, c := range v.Chains {
			if detail, severity := j.disorder(v, c); severity != 0 {
				f := v.chainFinding(c, v.Certificate, detail)
				f[0].Severity = severity
				found = append(found, f...)
			}
		}
		return found, nil
	})
}

// disorder says what is wrong with the order of a chain, and how grave that is; 0
// where all is well.
func (j *judge) disorder(v view, c *Chain) (check.Text, check.Severity) {
	if c.Unread > 0 {
		return check.Textf("%d of the certificates that %s serves cannot be read", c.Unread, v.where(c.Addrs)), check.Low
	}
	certs := c.Certificates
	if inOrder(certs) {
		return v.rootServed(c)
	}
	linked := link(certs)
	var twice, extra, order []string
	for i, cert := range certs {
		order = append(order, label(cert))
		switch {
		case slices.Contains(certs[:i], cert):
			twice = append(twice, label(cert))
		case !slices.Contains(linked, cert) && !j.used(c, cert, v.at):
			extra = append(extra, label(cert))
		}
	}
	switch {
	case len(extra) > 0:
		return check.Textf("%s serves certificates that are not part of the chain: %s", v.where(c.Addrs), few(append(extra, twice...))), check.Low
	case len(twice) > 0:
		return check.Textf("%s serves certificates more than once: %s", v.where(c.Addrs), few(twice)), check.Low
	case !slices.IsSortedFunc(linked, func(a, b *x509.Certificate) int { return slices.Index(certs, a) - slices.Index(certs, b) }):
		return check.Textf("%s serves the chain in another order: %s", v.where(c.Addrs), few(order)), check.Low
	}
	return v.rootServed(c)
}

// rootServed tells of a root at the end of what is served.
func (v view) rootServed(c *Chain) (check.Text, check.Severity) {
	if last := c.Certificates[len(c.Certificates)-1]; len(c.Certificates) > 1 && selfIssued(last) {
		return check.Textf("%s serves the root %s too, %d octets that clients have already", v.where(c.Addrs), label(last), len(last.Raw)), check.Info
	}
	return check.Text{}, 0
}

// inOrder reports whether each certificate is named as the issuer of the one before it.
func inOrder(certs []*x509.Certificate) bool {
	for i, next := range certs[1:] {
		if next == certs[i] || !named(next, certs[i]) {
			return false
		}
	}
	return true
}

// used reports whether clients can build a path over the certificate: a root with
// several signatures is served with each of them.
func (j *judge) used(c *Chain, cert *x509.Certificate, at time.Time) bool {
	w := j.known(c, at)
	return w != nil && slices.ContainsFunc(w.chains, func(chain []*x509.Certificate) bool { return slices.ContainsFunc(chain, cert.Equal) })
}

// selfIssued reports whether a certificate is a root, of which clients have their
// own copy and do not judge what is served.
func selfIssued(c *x509.Certificate) bool { return bytes.Equal(c.RawSubject, c.RawIssuer) }
