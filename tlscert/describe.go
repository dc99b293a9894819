package tlscert

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/mailcheck-go/mailcheck/check"
)

// describe is a certificate as evidence: what people compare, in one line.
func describe(c *x509.Certificate) string {
	return fmt.Sprintf("%s; names: %s; issuer: %s; serial %x; %s to %s; %s key, signed with %s; SHA-256 %x",
		cmp.Or(c.Subject.String(), "no subject"), few(names(c)), c.Issuer, c.SerialNumber,
		c.NotBefore.UTC().Format(time.RFC3339), c.NotAfter.UTC().Format(time.RFC3339),
		keyName(c), c.SignatureAlgorithm, sha256.Sum256(c.Raw))
}

// label is what a certificate is called: its common name, or what comes next to it.
func label(c *x509.Certificate) string {
	switch {
	case c.Subject.CommonName != "":
		return clip(c.Subject.CommonName, maxName)
	case len(c.RawSubject) > 2: // more than an empty sequence
		return clip(c.Subject.String(), maxName)
	case len(c.DNSNames) > 0:
		return clip(c.DNSNames[0], maxName)
	}
	return fmt.Sprintf("serial %x", c.SerialNumber)
}

// issuerName is what the issuer of a certificate is called.
func issuerName(c *x509.Certificate) string {
	return clip(cmp.Or(c.Issuer.CommonName, c.Issuer.String(), "an issuer without a name"), maxName)
}

// maxName bounds a name out of a certificate, in octets; one of the DNS has 253.
const maxName = 253

// names are those that a certificate is valid for.
func names(c *x509.Certificate) []string {
	all := append([]string(nil), c.DNSNames...)
	for _, ip := range c.IPAddresses {
		all = append(all, ip.String())
	}
	return all
}

// few joins the first of many names.
func few(all []string) string {
	if len(all) == 0 {
		return "none"
	}
	const most = 5
	var b strings.Builder
	for i, s := range all[:min(len(all), most)] {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(clip(s, maxName))
	}
	if n := len(all); n > most {
		fmt.Fprintf(&b, ", … (%d)", n)
	}
	return b.String()
}

func keyName(c *x509.Certificate) string {
	switch key := c.PublicKey.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA %d", key.N.BitLen())
	case *ecdsa.PublicKey:
		return key.Curve.Params().Name
	case ed25519.PublicKey:
		return "Ed25519"
	}
	return c.PublicKeyAlgorithm.String()
}

// where names the addresses that serve something, and says when others do not.
func (v view) where(addrs []netip.Addr) check.Text {
	if v.host.Protocol == File {
		return check.Textf("%s", v.host.Name)
	}
	return where(addrs, v.host.Seen)
}

func where(addrs []netip.Addr, of int) check.Text {
	if len(addrs) == of {
		return check.Textf("%s", few(texts(addrs)))
	}
	return check.Textf("%s (%d of %d addresses)", few(texts(addrs)), len(addrs), of)
}

func texts(addrs []netip.Addr) []string {
	all := make([]string, len(addrs))
	for i, a := range addrs {
		all[i] = a.String()
	}
	return all
}

// authority is what a certificate of a chain is called that is no leaf.
func authority(c *x509.Certificate) check.Text {
	if selfIssued(c) {
		return check.Textf("the root %s", label(c))
	}
	return check.Textf("the intermediate %s", label(c))
}

func date(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// span is a duration in a unit of which there are several.
func span(d time.Duration) check.Text {
	switch {
	case d >= 3*day:
		return check.Textf("%d days", int64(d/day))
	case d >= 3*time.Hour:
		return check.Textf("%d hours", int64(d/time.Hour))
	}
	return check.Textf("%d minutes", int64(d/time.Minute))
}
