package mailcheck

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/tlscert"
)

func TestCertMeasures(t *testing.T) {
	const day = 24 * time.Hour
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	leaf := &tlscert.Leaf{Certificate: &x509.Certificate{
		NotBefore: at.Add(-60 * day), NotAfter: at.Add(30*day - time.Second),
		Issuer: pkix.Name{Organization: []string{"Let's Encrypt"}, CommonName: "R13"},
	}}
	leaf.Renewal = &tlscert.Renewal{Start: at.Add(-2 * day), End: at.Add(-day)}
	later := &tlscert.Leaf{Certificate: &x509.Certificate{NotBefore: at, NotAfter: at.Add(90 * day)}}
	v := &view{when: at}
	host := &tlscert.Served{Name: "help.acme.example", Port: 8443, Leaves: []*tlscert.Leaf{leaf, later}, Seen: 2}
	limit, warn, crit := (90 * day).Seconds(), (30 * day).Seconds(), (15 * day).Seconds()
	const name = "help.acme.example:8443"
	assert.Equal(t, []check.Measure{
		{Name: "cert_not_before_timestamp_seconds", Subject: name, Unit: "seconds", Value: 1790157600},
		{Name: "cert_not_after_timestamp_seconds", Subject: name, Unit: "seconds", Value: 1797933599},
		{Name: "cert_left_seconds", Subject: name, Unit: "seconds", Value: warn, Limit: &limit, Warn: &warn, Crit: &crit, Falling: true, Outcome: check.Pass},
		{Name: "cert_lifetime_remaining_ratio", Subject: name, Unit: "ratio", Value: 1.0 / 3},
		{Name: "cert_renewal_window_start_timestamp_seconds", Subject: name, Unit: "seconds", Value: 1795168800},
		{Name: "cert_renewal_window_end_timestamp_seconds", Subject: name, Unit: "seconds", Value: 1795255200},
		{Name: "cert_addresses", Subject: name, Value: 3},
		{Name: "cert_addresses_seen", Subject: name, Value: 2},
		{Name: "cert_info", Subject: name, Value: 1, Labels: map[string]string{"issuer": "Let's Encrypt R13"}},
	}, v.certMeasures(host, 3, nil))

	assert.Empty(t, v.certMeasures(&tlscert.Served{Name: "gone.acme.example"}, 3, nil), "of what was not seen nothing is measured")

	v.when, v.expiry = at.Add(40*day), tlscert.Settings{Warn: tlscert.Threshold{Left: 21 * day}, Crit: tlscert.Threshold{Share: 0.1}}
	expired := v.certMeasures(host, 3, nil)[2]
	assert.Zero(t, expired.Value, "less than nothing is nothing")
	assert.Equal(t, (21 * day).Seconds(), *expired.Warn)
	assert.Equal(t, (9 * day).Seconds(), *expired.Crit)
}

func TestTriedAddresses(t *testing.T) {
	failed := func(kind tlscert.FailureKind) tlscert.Endpoint {
		return tlscert.Endpoint{Addr: netip.MustParseAddr("192.0.2.1"), Failure: &tlscert.Failure{Kind: kind}}
	}
	f := &tlscert.Facts{Hosts: []tlscert.HostFacts{{Endpoints: []tlscert.Endpoint{
		{TLS: &tlscert.Session{}}, failed(tlscert.KindTimeout), failed(tlscert.KindNoRoute), failed(tlscert.KindNotPublic), {},
	}}}}
	assert.Equal(t, 2, tried(f, 0), "one answered and one did not; the others were not dialled")
}

func TestIssuer(t *testing.T) {
	for want, name := range map[string]pkix.Name{
		"Let's Encrypt R13":  {Organization: []string{"Let's Encrypt"}, CommonName: "R13"},
		"DigiCert Global G2": {Organization: []string{"DigiCert"}, CommonName: "DigiCert Global G2"},
		"step-ca":            {CommonName: "step-ca"},
		"Acme Corp":          {Organization: []string{"Acme Corp"}},
		"OU=machines":        {OrganizationalUnit: []string{"machines"}},
	} {
		assert.Equal(t, want, issuer(&x509.Certificate{Issuer: name}))
	}
}
