package tlscert

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/mailcheck-go/mailcheck/check"
)

// RevocationState is what one source says of a certificate.
type RevocationState string

// The states. Unknown covers all that does not prove one of the others: a list of
// another issuer, a signature that does not hold, a responder that does not know.
const (
	NotRevoked        RevocationState = "good"
	Revoked           RevocationState = "revoked"
	RevocationUnknown RevocationState = "unknown"
)

// Revocation is what one source says of one certificate.
type Revocation struct {
	Source string // "CRL http://…", "OCSP http://…", "the stapled OCSP response"
	State  RevocationState
	At     time.Time // of Revoked: since when
	Reason string    // of Revoked: the word of RFC 5280, 5.3.1; "" where it gives none
	// From and Until are the time that the source speaks for. Until is zero where it
	// does not say.
	From, Until time.Time
	gap         *check.Gap // of RevocationUnknown
}

// unsaidLife is how long a response without an end of its own counts: authorities
// may not let one stand longer (Baseline Requirements, 4.9.10).
const unsaidLife = 10 * day

// stale is why a source does not speak for a time; nil where it does.
func (r *Revocation) stale(at time.Time) error {
	until := r.Until
	if until.IsZero() {
		until = r.From.Add(unsaidLife)
	}
	if at.After(until) {
		return fmt.Errorf("it was of use until %s", date(until))
	}
	return nil
}

// unknown is a source that says nothing of use.
func unknown(source string, err error) Revocation {
	gap := check.GapOf(source, err)
	return Revocation{Source: source, State: RevocationUnknown, gap: &gap}
}

var reasons = map[int]string{
	1: "keyCompromise", 2: "cACompromise", 3: "affiliationChanged", 4: "superseded", 5: "cessationOfOperation",
	6: "certificateHold", 9: "privilegeWithdrawn", 10: "aACompromise",
}

// crl is a list that was fetched, parsed once for all certificates.
type crl struct {
	*x509.RevocationList
	err    error // why it cannot be used for anything
	idp    issuingDistributionPoint
	signed map[*x509.Certificate]error // whether it holds, by issuer
}

// issuingDistributionPoint narrows what a list covers (RFC 5280, 5.2.5).
type issuingDistributionPoint struct {
	Point          pointName      `asn1:"optional,tag:0"`
	OnlyUsers      bool           `asn1:"optional,tag:1"`
	OnlyCAs        bool           `asn1:"optional,tag:2"`
	OnlyReasons    asn1.BitString `asn1:"optional,tag:3"`
	Indirect       bool           `asn1:"optional,tag:4"`
	OnlyAttributes bool           `asn1:"optional,tag:5"`
}

type pointName struct {
	Full     []asn1.RawValue `asn1:"optional,tag:0"`
	Relative asn1.RawValue   `asn1:"optional,tag:1"`
}

var (
	oidIDP   = asn1.ObjectIdentifier{2, 5, 29, 28}
	oidDelta = asn1.ObjectIdentifier{2, 5, 29, 27}
	// oidEntryIssuer stands in entries of indirect lists only (RFC 5280, 5.3.3).
	oidEntryIssuer = asn1.ObjectIdentifier{2, 5, 29, 29}
)

var (
	errIndirect = errors.New("the list is another authority's too (an indirect CRL), which is not followed")
	errDelta    = errors.New("the list holds changes only (a delta CRL)")
	errPart     = errors.New("the list is not of the part that the certificate is in")
	errIssuer   = errors.New("the list is not of the authority that issued the certificate")
	errReasons  = errors.New("the list is of some reasons only")
	errNoIssuer = errors.New("the issuer's certificate, which its signature has to be verified with, is not known")
)

// parseCRL reads a list as far as it is of use.
func parseCRL(got *Fetched) crl {
	if err := got.err(); err != nil {
		return crl{err: err}
	}
	list, err := x509.ParseRevocationList(got.Body)
	if err != nil {
		return crl{err: fmt.Errorf("it is no CRL: %s", reason(err))}
	}
	l := crl{RevocationList: list, signed: map[*x509.Certificate]error{}}
	for _, ext := range list.Extensions {
		switch {
		case ext.Id.Equal(oidIDP):
			if rest, err := asn1.Unmarshal(ext.Value, &l.idp); err != nil || len(rest) > 0 {
				l.err = errors.New("what the list covers cannot be read")
			}
		case ext.Id.Equal(oidDelta):
			l.err = errDelta
		case ext.Critical:
			l.err = fmt.Errorf("the list has a critical extension that is not known, %s", ext.Id)
		}
	}
	if l.idp.Indirect {
		l.err = errIndirect
	}
	return l
}

// covers is why a list does not speak of a certificate (RFC 5280, 6.3.3 b); nil where it does.
func (l *crl) covers(c *x509.Certificate) error {
	switch {
	case l.err != nil:
		return l.err
	case !bytes.Equal(l.RawIssuer, c.RawIssuer):
		return errIssuer
	case l.idp.OnlyAttributes, l.idp.OnlyCAs && !c.IsCA, l.idp.OnlyUsers && c.IsCA, len(l.idp.Point.Relative.FullBytes) > 0:
		return errPart
	}
	if names := l.idp.Point.Full; len(names) > 0 && !slices.ContainsFunc(names, func(n asn1.RawValue) bool {
		const uri = 6 // of GeneralName
		return n.Class == asn1.ClassContextSpecific && n.Tag == uri && slices.Contains(c.CRLDistributionPoints, string(n.Bytes))
	}) {
		return errPart
	}
	return nil
}

func (l *crl) signedBy(issuer *x509.Certificate) error {
	err, ok := l.signed[issuer]
	if !ok {
		err = l.CheckSignatureFrom(issuer)
		l.signed[issuer] = err
	}
	return err
}

// entry is that of a serial number, nil where there is none.
func (l *crl) entry(serial *big.Int) *x509.RevocationListEntry {
	for i := range l.RevokedCertificateEntries {
		if e := &l.RevokedCertificateEntries[i]; e.SerialNumber.Cmp(serial) == 0 {
			return e
		}
	}
	return nil
}

// says is what a list says of a certificate.
func (l *crl) says(source string, c *x509.Certificate, issuers []*x509.Certificate) Revocation {
	if err := l.covers(c); err != nil {
		return unknown(source, err)
	}
	switch err := signedBy(issuers, l.signedBy); {
	case errors.Is(err, errNoIssuer):
		return unknown(source, err)
	case err != nil:
		return unknown(source, fmt.Errorf("its signature does not hold: %s", reason(err)))
	}
	r := Revocation{Source: source, State: NotRevoked, From: l.ThisUpdate.UTC(), Until: l.NextUpdate.UTC()}
	if l.NextUpdate.IsZero() {
		r.Until = time.Time{}
	}
	e := l.entry(c.SerialNumber)
	switch {
	case e == nil && len(l.idp.OnlyReasons.Bytes) > 0:
		return unknown(source, errReasons)
	case e == nil:
		return r
	case slices.ContainsFunc(e.Extensions, func(x pkix.Extension) bool { return x.Id.Equal(oidEntryIssuer) }):
		return unknown(source, errIndirect)
	}
	r.State, r.At, r.Reason = Revoked, e.RevocationTime.UTC(), reasons[e.ReasonCode]
	return r
}

// signedBy tries the certificates that the issuer may have; the error is the last one's.
func signedBy(issuers []*x509.Certificate, verify func(*x509.Certificate) error) error {
	if len(issuers) == 0 {
		return errNoIssuer
	}
	var err error
	for _, issuer := range issuers {
		if err = verify(issuer); err == nil {
			return nil
		}
	}
	return err
}

// readOCSP is what a response says of a certificate (RFC 6960, 3.2).
func readOCSP(source string, body []byte, c *x509.Certificate, issuers []*x509.Certificate) Revocation {
	var resp *ocsp.Response
	err := signedBy(issuers, func(issuer *x509.Certificate) (err error) {
		resp, err = ocsp.ParseResponseForCert(body, c, issuer)
		if err == nil {
			err = responder(resp, issuer)
		}
		return err
	})
	var refused ocsp.ResponseError
	var parse ocsp.ParseError
	switch {
	case errors.As(err, &refused):
		return unknown(source, fmt.Errorf("the responder said: %s", refused.Status))
	case errors.As(err, &parse), errors.Is(err, errNoIssuer), errors.Is(err, errResponder):
		return unknown(source, err)
	case err != nil:
		return unknown(source, errors.New("the answer is no OCSP response"))
	}
	r := Revocation{Source: source, State: NotRevoked, From: resp.ThisUpdate.UTC()}
	if !resp.NextUpdate.IsZero() {
		r.Until = resp.NextUpdate.UTC()
	}
	switch resp.Status {
	case ocsp.Good:
		return r
	case ocsp.Revoked:
		r.State, r.At, r.Reason = Revoked, resp.RevokedAt.UTC(), reasons[resp.RevocationReason]
		return r
	}
	return unknown(source, errors.New("the responder does not know the certificate"))
}

var errResponder = errors.New("who signed the response may not do so")

// responder checks what package ocsp leaves open: that a certificate of its own
// allows the responder to answer for the issuer (RFC 6960, 4.2.2.2). Otherwise every
// certificate of that issuer could.
func responder(resp *ocsp.Response, issuer *x509.Certificate) error {
	if c := resp.Certificate; c != nil && !c.Equal(issuer) {
		if !slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageOCSPSigning) || !bytes.Equal(c.RawIssuer, issuer.RawSubject) ||
			resp.ProducedAt.Before(c.NotBefore) || resp.ProducedAt.After(c.NotAfter) {
			return errResponder
		}
	}
	return nil
}

// ocspURLs are the GET requests about a certificate (RFC 6960, A.1).
func ocspURLs(c, issuer *x509.Certificate) (links []string) {
	der, err := ocsp.CreateRequest(c, issuer, &ocsp.RequestOptions{Hash: crypto.SHA1})
	if err != nil {
		return nil
	}
	for _, base := range first(c.OCSPServer, "http://") {
		links = append(links, strings.TrimSuffix(base, "/")+"/"+url.QueryEscape(base64.StdEncoding.EncodeToString(der)))
	}
	return links
}

// mustStaple reports whether a certificate demands a stapled response: its TLS
// feature extension (RFC 7633, 4.2.3.1) lists status_request.
func mustStaple(c *x509.Certificate) bool {
	const statusRequest = 5 // of the TLS extensions (RFC 6066, 1.1)
	for _, ext := range c.Extensions {
		if ext.Id.Equal(asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 24}) {
			var features []int
			rest, err := asn1.Unmarshal(ext.Value, &features)
			return err == nil && len(rest) == 0 && slices.Contains(features, statusRequest)
		}
	}
	return false
}
