package tlscert

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Renewal is what the authority that issued a certificate says about its renewal
// (RFC 9773, 4.2).
type Renewal struct {
	URL         string // where it says so
	Start, End  time.Time
	Explanation string        // the URL of a page that explains the window; "" for none. It is others' text.
	At          time.Time     // when it was asked
	RetryAfter  time.Duration // after that it is to be asked again; a minute to a day
}

// renewalID names a certificate to its authority (RFC 9773, 4.1). The serial number
// is written as in DER: a leading bit of 1 has an octet of zeros before it.
func renewalID(c *x509.Certificate) (id string, ok bool) {
	if len(c.AuthorityKeyId) == 0 || c.SerialNumber == nil || c.SerialNumber.Sign() < 0 {
		return "", false
	}
	serial := c.SerialNumber.Bytes()
	if len(serial) == 0 || serial[0]&0x80 != 0 {
		serial = slices.Concat([]byte{0}, serial)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	return b64(c.AuthorityKeyId) + "." + b64(serial), true
}

// renewalInfo is the URL below which an ACME server has renewal information
// (RFC 9773, 3), "" where it has none or is none.
func (got *Fetched) renewalInfo() string {
	var directory struct {
		RenewalInfo string `json:"renewalInfo"`
	}
	if got.err() != nil || json.Unmarshal(got.Body, &directory) != nil {
		return ""
	}
	if _, _, err := parseURL(directory.RenewalInfo); err != nil {
		return ""
	}
	return strings.TrimSuffix(directory.RenewalInfo, "/")
}

var errWindow = errors.New("the window has no start before its end")

// parseRenewal reads a RenewalInfo object. A window that ends before or when it
// starts is none (RFC 9773, 4.2); one of a second is.
func parseRenewal(body []byte) (*Renewal, error) {
	var info struct {
		SuggestedWindow struct {
			Start time.Time `json:"start"`
			End   time.Time `json:"end"`
		} `json:"suggestedWindow"`
		ExplanationURL string `json:"explanationURL"`
	}
	if err := json.Unmarshal(body, &info); err != nil {
		return nil, fmt.Errorf("it is no renewal information: %s", clip(err.Error(), 200))
	}
	w := info.SuggestedWindow
	if w.Start.IsZero() || !w.Start.Before(w.End) {
		return nil, errWindow
	}
	return &Renewal{Start: w.Start.UTC(), End: w.End.UTC(), Explanation: info.ExplanationURL}, nil
}

// directory is the ACME server of an authority that publishes renewal information.
type directory struct {
	organization string // of the issuer's name
	url          string
}

// directories are those that are known to have renewalInfo. An authority whose
// customers have servers of their own (DigiCert, Sectigo's enterprise accounts) cannot
// be in it; Options.ARIDirectory is for these. One more costs a GET where it errs, since
// a server without renewalInfo is asked no further.
//
//   - Let's Encrypt, production and staging: announced 2023-03-23, and renewalInfo in
//     the directories as published in 2025. Certain.
//   - Google Trust Services: announced 2023-05-25; named as an implementation in
//     draft-ietf-acme-ari-08. Certain. It knows the certificates of its ACME customers only.
//   - ZeroSSL: renewalInfo in its directory as an ACME library's example quotes it
//     (mholt/acmez), and named by users of Let's Encrypt's forum. Likely.
var directories = []directory{
	{"Let's Encrypt", "https://acme-v02.api.letsencrypt.org/directory"},
	{"(STAGING) Let's Encrypt", "https://acme-staging-v02.api.letsencrypt.org/directory"},
	{"Google Trust Services", "https://dv.acme-v02.api.pki.goog/directory"},
	{"Google Trust Services LLC", "https://dv.acme-v02.api.pki.goog/directory"},
	{"ZeroSSL", "https://acme.zerossl.com/v2/DV90"},
	{"ZeroSSL GmbH", "https://acme.zerossl.com/v2/DV90"},
}

// directoryOf is the ACME server of the authority that issued a certificate.
func directoryOf(c *x509.Certificate) (link string, known bool) {
	for _, d := range directories {
		if slices.Contains(c.Issuer.Organization, d.organization) {
			return d.url, true
		}
	}
	return "", false
}
