package tlscert

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/binary"
	"net/netip"

	"github.com/mailcheck-go/mailcheck/check"
)

// Where a list of signed certificate timestamps stands (RFC 6962, 3.3).
var (
	oidEmbeddedSCTs = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 2} // in a certificate
	oidStapledSCTs  = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 5} // in an OCSP response
)

func (j *judge) noSCT() check.Rule[*Analysis] {
	return j.among(verified).rule(check.Doc{
		ID:       "cert.no-sct",
		Severity: check.Medium,
		Title:    "Public certificate carries too few SCTs",
		Text: "Chrome and Safari take a public certificate only with the signatures of logs that have recorded it (SCTs): two logs' for one that lives up to 180 days, three for a longer one, " +
			"or two in the handshake or the stapled response. With fewer they show a warning in place of the page. That the logs are known and their signatures right is not checked.",
		Fix:  "Have the certificate issued again by an authority that logs it, without asking it to leave the names out of the logs.",
		Cite: []check.Cite{{Doc: "RFC 6962", Section: "3.3"}, {Doc: "Chrome Certificate Transparency Policy"}},
	}, func(v view) ([]check.Finding, []check.Gap) {
		if _, gaps := j.trust(); gaps != nil {
			return nil, gaps
		}
		if !j.publiclyTrusted(v) {
			return nil, nil
		}
		embedded, want := len(logs(embeddedSCTs(v.Certificate))), 2
		if v.Lifetime() > 180*day {
			want = 3
		}
		if embedded >= want {
			return nil, nil
		}
		addrs := v.withoutSCTs()
		if len(addrs) == 0 {
			return nil, nil
		}
		f := v.finding(check.Textf("the certificate at %s has SCTs of %d logs; at a lifetime of %s it needs %d", v.where(addrs), embedded, span(v.Lifetime()), want))
		return []check.Finding{f}, nil
	})
}

// withoutSCTs are the addresses whose handshakes do not make up for SCTs that the
// certificate lacks.
func (v view) withoutSCTs() (addrs []netip.Addr) {
	const want = 2
	for _, e := range v.host.endpoints {
		if e.TLS == nil || len(e.TLS.Chain) == 0 || !bytes.Equal(e.TLS.Chain[0], v.Raw) {
			continue
		}
		if len(logs(e.TLS.SCTs)) < want && len(logs(stapledSCTs(e.TLS.OCSP))) < want {
			addrs = append(addrs, e.Addr)
		}
	}
	return addrs
}

// logs are the ids of the logs that SCTs of version 1 are from (RFC 6962, 3.2).
func logs(scts [][]byte) map[[32]byte]bool {
	ids := map[[32]byte]bool{}
	for _, sct := range scts {
		const least = 1 + 32 + 8 + 2 + 4 // version, log, time, extensions, signature
		if len(sct) >= least && sct[0] == 0 {
			ids[[32]byte(sct[1:33])] = true
		}
	}
	return ids
}

func embeddedSCTs(c *x509.Certificate) [][]byte {
	for _, e := range c.Extensions {
		if e.Id.Equal(oidEmbeddedSCTs) {
			return sctList(e.Value)
		}
	}
	return nil
}

// stapledSCTs finds the list among the extensions of an OCSP response by their type,
// wherever it stands: nothing of it is verified.
func stapledSCTs(ocsp []byte) [][]byte {
	oid, err := asn1.Marshal(oidStapledSCTs)
	if err != nil {
		return nil
	}
	_, rest, found := bytes.Cut(ocsp, oid)
	var value []byte
	if !found {
		return nil
	}
	if _, err := asn1.Unmarshal(rest, &value); err != nil {
		return nil
	}
	return sctList(value)
}

// sctList reads an OCTET STRING with a SignedCertificateTimestampList: vectors with
// their lengths in two octets each (RFC 6962, 3.3).
func sctList(der []byte) (scts [][]byte) {
	var list []byte
	if rest, err := asn1.Unmarshal(der, &list); err != nil || len(rest) > 0 {
		return nil
	}
	list, rest, ok := vector(list)
	if !ok || len(rest) > 0 {
		return nil
	}
	for len(list) > 0 {
		var sct []byte
		if sct, list, ok = vector(list); !ok {
			return nil
		}
		scts = append(scts, sct)
	}
	return scts
}

func vector(b []byte) (v, rest []byte, ok bool) {
	if len(b) < 2 {
		return nil, nil, false
	}
	n := int(binary.BigEndian.Uint16(b))
	if b = b[2:]; len(b) < n {
		return nil, nil, false
	}
	return b[:n], b[n:], true
}
