package tlscert

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"slices"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/internal/weakkey"
)

// certRule is rule for what every certificate of a chain is asked that clients
// judge: the leaf, self-signed or not, and the intermediates.
func (j *judge) certRule(doc check.Doc, bad func(c *x509.Certificate) bool, detail func(c *x509.Certificate) check.Text) check.Rule[*Analysis] {
	return j.rule(doc, func(v view) (found []check.Finding, gaps []check.Gap) {
		var seen []*x509.Certificate
		for _, chain := range v.Chains {
			for i, c := range chain.Certificates {
				if slices.Contains(seen, c) || i > 0 && selfIssued(c) {
					continue
				}
				seen = append(seen, c)
				if bad(c) {
					found = append(found, v.chainFinding(chain, c, detail(c))...)
				}
			}
		}
		return found, nil
	})
}

func (j *judge) rsaSmall() check.Rule[*Analysis] {
	return j.certRule(check.Doc{
		ID:       "cert.rsa-small",
		Severity: check.High,
		Title:    "RSA key below 2048 bits",
		Text:     "Keys of this size can be broken by whoever can pay for it, and then anybody can pose as the server. Browsers refuse them.",
		Fix:      "Have the certificate issued again with an ECDSA P-256 key, or an RSA key of 2048 bits or more.",
		Cite:     []check.Cite{check.RFC(9325, "4.5"), {Doc: baseline, Section: "6.1.5"}},
	}, func(c *x509.Certificate) bool {
		key, ok := c.PublicKey.(*rsa.PublicKey)
		return ok && key.N.BitLen() < 2048
	}, func(c *x509.Certificate) check.Text {
		return check.Textf("the key of %s is %s", label(c), keyName(c))
	})
}

func (j *judge) rsaBelow3072() check.Rule[*Analysis] {
	return j.leafRule(check.Doc{
		ID:       "cert.rsa-below-3072",
		Severity: check.Info,
		Title:    "RSA key below 3072 bits",
		Text:     "2048 bits hold today, and every client takes them. Who plans for many years asks for 3072 bits or an elliptic key, which is faster too: the Dutch NCSC counts less among what is to be phased out.",
		Cite:     []check.Cite{{Doc: "internet.nl, cert-pubkey"}, {Doc: "NCSC-NL, IT Security Guidelines for TLS 2025-05"}},
	}, func(v view) bool {
		key, ok := v.PublicKey.(*rsa.PublicKey)
		return ok && 2048 <= key.N.BitLen() && key.N.BitLen() < 3072
	}, func(v view) check.Text {
		return check.Textf("the key of %s is %s", label(v.Certificate), keyName(v.Certificate))
	})
}

func (j *judge) ecCurve() check.Rule[*Analysis] {
	return j.certRule(check.Doc{
		ID:       "cert.ec-curve",
		Severity: check.High,
		Title:    "Key is not on P-256, P-384 or P-521",
		Text:     "Public certificates may have elliptic keys of these three curves only, because no others work in every client. Many cannot connect at all.",
		Fix:      "Have the certificate issued again with an ECDSA P-256 key.",
		Cite:     []check.Cite{{Doc: baseline, Section: "6.1.5"}},
	}, func(c *x509.Certificate) bool {
		switch key := c.PublicKey.(type) {
		case *ecdsa.PublicKey:
			return key.Curve != elliptic.P256() && key.Curve != elliptic.P384() && key.Curve != elliptic.P521()
		case ed25519.PublicKey:
			return true
		}
		return false
	}, func(c *x509.Certificate) check.Text {
		return check.Textf("the key of %s is %s", label(c), keyName(c))
	})
}

func (j *judge) sha1() check.Rule[*Analysis] {
	return j.certRule(check.Doc{
		ID:       "cert.sha1",
		Severity: check.High,
		Title:    "Certificate is signed with SHA-1 or MD5",
		Text:     "Two certificates with the same SHA-1 hash can be made on purpose, so such a signature proves nothing. Clients refuse the chain.",
		Fix:      "Have the certificate issued again; every authority signs with SHA-256 or better today. For an intermediate certificate, serve the authority's current one.",
		Cite:     []check.Cite{check.RFC(9325, "4.5"), {Doc: baseline, Section: "7.1.3.2.1"}},
	}, weakSignature, func(c *x509.Certificate) check.Text {
		return check.Textf("%s, issued by %s, is signed with %s", label(c), issuerName(c), c.SignatureAlgorithm)
	})
}

func (j *judge) weakKey() check.Rule[*Analysis] {
	return j.rule(check.Doc{
		ID:       "cert.weak-key",
		Severity: check.Critical,
		Title:    "Private key can be computed from the certificate",
		Text: "The RSA key is large enough and was made in a way that lets anybody compute its private half: by a generator with the fault CVE-2017-15361 (ROCA), from primes that are close together, or with a small factor. " +
			"Whoever does so can pose as the server. A public exponent below 65537 alone is of low severity.",
		Fix:  "Make a new key with other software, have the certificate issued for it, and have this one revoked.",
		Cite: []check.Cite{{Doc: baseline, Section: "6.1.1.3"}, {Doc: baseline, Section: "6.1.6"}, {Doc: "CVE-2017-15361"}},
	}, func(v view) (found []check.Finding, gaps []check.Gap) {
		say := func(severity check.Severity, detail check.Text) {
			f := v.finding(check.Textf("the key of %s, %s, %s", label(v.Certificate), keyName(v.Certificate), detail))
			f.Severity = severity
			found = append(found, f)
		}
		switch w := v.weak; {
		case w.Factor != 0:
			say(check.Critical, check.Textf("is divided by %d", w.Factor))
		case w.Close:
			say(check.Critical, check.Textf("is factored by at most %d rounds of Fermat's method", weakkey.FermatRounds))
		case w.ROCA:
			say(check.Critical, check.Textf("has the form of those of the broken generator: a power of 65537 modulo the product of the primes up to 167"))
		}
		if key, ok := v.PublicKey.(*rsa.PublicKey); ok {
			switch {
			case key.E < 3 || key.E%2 == 0:
				say(check.Critical, check.Textf("has the exponent %d, with which nothing is kept secret", key.E))
			case key.E < 65537:
				say(check.Low, check.Textf("has the exponent %d; 65537 is the smallest that is advised", key.E))
			}
		}
		return found, nil
	})
}
