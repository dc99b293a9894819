package tlscert

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/mailcheck-go/mailcheck/check"
)

// path is a chain as it is served: the same one wherever the same octets are.
type path struct {
	certs  []*x509.Certificate // the leaf first; those that can be read
	unread int                 // those that cannot
	memo   atomic.Pointer[verdict]
}

// trust says what became of building a path to a trusted root (RFC 5280, 6.1).
type trust uint8

const (
	trusted    trust = iota
	outdated         // there is one, and a certificate of it other than the leaf has expired
	selfSigned       // the leaf signs itself and is no root
	incomplete       // the leaf's issuer is not served
	untrusted        // it ends at an issuer that is no trusted root
	invalid          // it ends at a trusted root and breaks another rule
	weak             // it rests on a signature of SHA-1 or MD5, which nobody follows
)

// verdict is the trust in one path, with certain roots and at a certain time.
type verdict struct {
	roots  *x509.CertPool
	at     time.Time
	trust  trust
	until  time.Time             // of trusted and outdated: when the path ends, or ended, without the leaf's own end
	last   *x509.Certificate     // where the path ends that can be built of what is served; of trusted and outdated the one that expires at until
	chains [][]*x509.Certificate // of trusted: all that clients can build now, each from the leaf to a root
	served bool                  // of untrusted: last is the root itself
	err    error                 // of invalid
}

// verdict builds the path once for all rules that ask. Expiry of the leaf is left
// to its own rules: the path is judged at the time nearest to at when the leaf was valid.
func (j *judge) verdict(p *path, at time.Time) *verdict {
	roots, _ := j.trust()
	if v := p.memo.Load(); v != nil && v.roots == roots && v.at.Equal(at) {
		return v
	}
	v := build(p.certs, roots, at)
	v.roots, v.at = roots, at
	p.memo.Store(v)
	return v
}

// maxTakeovers bounds the times when one path takes over from another.
const maxTakeovers = 8

func build(certs []*x509.Certificate, roots *x509.CertPool, at time.Time) *verdict {
	leaf := certs[0]
	at = clamp(at, leaf.NotBefore, leaf.NotAfter)
	pool := x509.NewCertPool()
	for _, c := range certs[1:] {
		pool.AddCert(c)
	}
	verify := func(at time.Time) ([][]*x509.Certificate, error) {
		return leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: pool, CurrentTime: at})
	}
	chains, err := verify(at)
	if err == nil {
		v := &verdict{trust: trusted, chains: chains}
		v.until, v.last = longest(chains)
		// Where all paths end, one that is not valid yet may take over.
		for n := 0; n < maxTakeovers && v.until.Before(leaf.NotAfter); n++ {
			chains, err := verify(v.until.Add(time.Second))
			if err != nil {
				break
			}
			v.until, v.last = longest(chains)
		}
		return v
	}
	// What was valid together once tells an expired path from none at all.
	linked := link(certs)
	from, to := common(linked)
	for _, earlier := range []time.Time{clamp(at, from, to), leaf.NotBefore} {
		if chains, err := verify(earlier); err == nil {
			if until, last := longest(chains); until.Before(at) {
				return &verdict{trust: outdated, until: until, last: last}
			}
		}
	}
	return classify(linked, roots, at, err)
}

// classify says why linked certificates make no path to a trusted root. Its
// question is whether the last of them alone does: then the fault lies between.
func classify(linked []*x509.Certificate, roots *x509.CertPool, at time.Time, err error) *verdict {
	last := linked[len(linked)-1]
	v := &verdict{last: last, served: signs(last, last), err: err}
	_, alone := last.Verify(x509.VerifyOptions{
		Roots: roots, CurrentTime: clamp(at, last.NotBefore, last.NotAfter), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	switch {
	case slices.ContainsFunc(linked, weakSignature):
		v.trust = weak
	case alone == nil || slices.ContainsFunc(linked, unhandled):
		v.trust = invalid
	case len(linked) == 1 && v.served:
		v.trust = selfSigned
	case len(linked) == 1:
		v.trust = incomplete
	default:
		v.trust = untrusted
	}
	return v
}

// distrust says why clients do not trust a chain; zero where they do.
func (v view) distrust(c *Chain, w *verdict) check.Text {
	addrs := v.where(c.Addrs)
	switch w.trust {
	case trusted:
		return check.Text{}
	case outdated:
		return check.Textf("the chain at %s rests on %s, which expired on %s", addrs, authority(w.last), date(w.until))
	case selfSigned:
		return check.Textf("the certificate at %s is signed with its own key", addrs)
	case incomplete:
		return check.Textf("the certificate at %s comes without that of its issuer, %s", addrs, issuerName(v.Certificate))
	case untrusted:
		return check.Textf("the chain at %s ends at %s, and leads to no trusted root", addrs, label(w.last))
	case weak:
		return check.Textf("the chain at %s rests on a SHA-1 or MD5 signature", addrs)
	}
	return check.Textf("the chain at %s does not hold: %s", addrs, reason(w.err))
}

// longest returns the end of the path that holds longest, without the leaf's own
// end, and the certificate that ends it.
func longest(chains [][]*x509.Certificate) (until time.Time, last *x509.Certificate) {
	for _, chain := range chains {
		first := slices.MinFunc(chain[min(1, len(chain)-1):], func(a, b *x509.Certificate) int { return a.NotAfter.Compare(b.NotAfter) })
		if first.NotAfter.After(until) {
			until, last = first.NotAfter, first
		}
	}
	return until, last
}

// common is the time in which all of the certificates are valid.
func common(certs []*x509.Certificate) (from, to time.Time) {
	from, to = certs[0].NotBefore, certs[0].NotAfter
	for _, c := range certs[1:] {
		if c.NotBefore.After(from) {
			from = c.NotBefore
		}
		if c.NotAfter.Before(to) {
			to = c.NotAfter
		}
	}
	return from, to
}

func clamp(t, from, to time.Time) time.Time {
	if t.Before(from) {
		return from
	}
	if t.After(to) {
		return to
	}
	return t
}

// maxSignatures bounds the signatures that link verifies.
const maxSignatures = 50

// link follows the signatures from the leaf through what is served, in whatever
// order it is. The first element is the leaf.
func link(certs []*x509.Certificate) []*x509.Certificate {
	linked := certs[:1:1]
	left := maxSignatures
	for {
		last := linked[len(linked)-1]
		next := slices.IndexFunc(certs, func(c *x509.Certificate) bool {
			if slices.Contains(linked, c) || !named(c, last) || left == 0 {
				return false
			}
			left--
			return signs(c, last)
		})
		if next < 0 {
			return linked
		}
		linked = append(linked, certs[next])
	}
}

// named reports whether the names, and the key identifiers where both have one,
// say that issuer signed c (RFC 5280, 4.2.1.1).
func named(issuer, c *x509.Certificate) bool {
	return bytes.Equal(issuer.RawSubject, c.RawIssuer) &&
		(len(issuer.SubjectKeyId) == 0 || len(c.AuthorityKeyId) == 0 || bytes.Equal(issuer.SubjectKeyId, c.AuthorityKeyId))
}

// signs reports whether issuer signed c. Unlike Certificate.CheckSignatureFrom it
// takes SHA-1 and an issuer that may not sign: who signed is one thing, whether
// that counts another.
func signs(issuer, c *x509.Certificate) bool {
	return named(issuer, c) && issuer.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) == nil
}

// weakSignature reports whether others sign a certificate with SHA-1 or MD5. The
// signature of a root on itself proves nothing and is not looked at.
func weakSignature(c *x509.Certificate) bool {
	switch c.SignatureAlgorithm {
	case x509.SHA1WithRSA, x509.ECDSAWithSHA1, x509.DSAWithSHA1, x509.MD5WithRSA, x509.MD2WithRSA:
		return !bytes.Equal(c.RawSubject, c.RawIssuer)
	}
	return false
}

// public reports whether a trusted certificate is one of a public authority, to which
// the Baseline Requirements and the rules of browsers apply: it says so itself, with one
// of the policies that they reserve (7.1.6.1). An authority that a machine's owner added
// to its roots does as it likes.
func public(c *x509.Certificate) bool {
	return slices.ContainsFunc(c.PolicyIdentifiers, func(id asn1.ObjectIdentifier) bool {
		return len(id) >= 4 && id[:4].Equal(asn1.ObjectIdentifier{2, 23, 140, 1})
	})
}

// unhandled reports whether a certificate demands what package x509 does not know.
func unhandled(c *x509.Certificate) bool { return len(c.UnhandledCriticalExtensions) > 0 }

// reason is an error of package x509 without its prefix.
func reason(err error) string { return clip(strings.TrimPrefix(err.Error(), "x509: "), 300) }
