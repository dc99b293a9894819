package tlscert

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"

	"golang.org/x/crypto/cryptobyte"
	cryptobyte_asn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// maxBundle is how many certificates of one answer are read.
const maxBundle = 16

// certificates are those that an answer about an issuer holds, none where it is not
// one: as DER, the form that RFC 5280 (4.2.2.1) asks for, as a certs-only PKCS #7, which
// it allows, or as PEM, which some authorities publish instead.
func (got *Fetched) certificates() []*x509.Certificate {
	if got.err() != nil {
		return nil
	}
	if c, err := x509.ParseCertificate(got.Body); err == nil {
		return []*x509.Certificate{c}
	}
	if ders, err := parsePKCS7(got.Body); err == nil {
		return parseEach(ders)
	}
	var ders [][]byte
	rest := got.Body
	for range maxBundle {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		switch block.Type {
		case "CERTIFICATE":
			ders = append(ders, block.Bytes)
		case "PKCS7":
			if more, err := parsePKCS7(block.Bytes); err == nil {
				ders = append(ders, more...)
			}
		}
	}
	return parseEach(ders)
}

// tolerable reports whether a signature of the certificate's key can be verified in
// reasonable time.
func tolerable(c *x509.Certificate) bool {
	key, isRSA := c.PublicKey.(*rsa.PublicKey)
	return !isRSA || key.N.BitLen() <= maxRSA
}

// parseEach leaves out what is no certificate.
func parseEach(ders [][]byte) (certs []*x509.Certificate) {
	for _, der := range ders[:min(len(ders), maxBundle)] {
		if c, err := x509.ParseCertificate(der); err == nil {
			certs = append(certs, c)
		}
	}
	return certs
}

var (
	errPKCS7      = errors.New("tlscert: no PKCS #7 of certificates")
	oidSignedData = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
)

// parsePKCS7 returns the certificates, as DER, of a SignedData (RFC 2315, 9.1), of
// which nothing else is looked at.
func parsePKCS7(der []byte) ([][]byte, error) {
	var (
		oid                       asn1.ObjectIdentifier
		info, content, data, sets cryptobyte.String
		version                   int
		has                       bool
		tag0                      = cryptobyte_asn1.Tag(0).ContextSpecific().Constructed()
	)
	in := cryptobyte.String(der)
	if !in.ReadASN1(&info, cryptobyte_asn1.SEQUENCE) || !in.Empty() ||
		!info.ReadASN1ObjectIdentifier(&oid) || !oid.Equal(oidSignedData) ||
		!info.ReadASN1(&content, tag0) || !content.ReadASN1(&data, cryptobyte_asn1.SEQUENCE) ||
		!data.ReadASN1Integer(&version) ||
		!data.SkipASN1(cryptobyte_asn1.SET) || // digestAlgorithms
		!data.SkipASN1(cryptobyte_asn1.SEQUENCE) || // contentInfo
		!data.ReadOptionalASN1(&sets, &has, tag0) || !has {
		return nil, errPKCS7
	}
	var ders [][]byte
	for !sets.Empty() && len(ders) < maxBundle {
		var cert cryptobyte.String
		if !sets.ReadASN1Element(&cert, cryptobyte_asn1.SEQUENCE) {
			return nil, errPKCS7
		}
		ders = append(ders, bytes.Clone(cert))
	}
	return ders, nil
}
