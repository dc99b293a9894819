package tlscert

import (
	"bytes"
	"crypto/x509"
	"slices"
	"strings"
	"sync/atomic"
	"time"
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

// verdict is the trust in one path, by one judge. A path belongs to one Analysis, so
// that the judge's time for it is always the same.
type verdict struct {
	by     *judge
	trust  trust
	until  time.Time         // of trusted and outdated: when the path ends, or ended, without the leaf's own end
	last   *x509.Certificate // where the path ends that can be built of what is served; of outdated the one that expired
	served bool              // of untrusted: last is the root itself
	err    error             // of invalid
}

// verdict builds the path once for all rules that ask. Expiry of the leaf is left
// to its own rules: the path is judged at the time nearest to at when the leaf was valid.
func (j *judge) verdict(p *path, at time.Time) *verdict {
	if v := p.memo.Load(); v != nil && v.by == j {
		return v
	}
	v := j.build(p.certs, at)
	v.by = j
	p.memo.Store(v)
	return v
}

func (j *judge) build(certs []*x509.Certificate, at time.Time) *verdict {
	roots, _ := j.trust()
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
		until, last := longest(chains)
		return &verdict{trust: trusted, until: until, last: last}
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
	return j.classify(linked, at, err)
}

// classify says why linked certificates make no path to a trusted root. Its
// question is whether the last of them alone does: then the fault lies between.
func (j *judge) classify(linked []*x509.Certificate, at time.Time, err error) *verdict {
	roots, _ := j.trust()
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

// unhandled reports whether a certificate demands what package x509 does not know.
func unhandled(c *x509.Certificate) bool { return len(c.UnhandledCriticalExtensions) > 0 }

// reason is an error of package x509 without its prefix.
func reason(err error) string { return clip(strings.TrimPrefix(err.Error(), "x509: "), 300) }
