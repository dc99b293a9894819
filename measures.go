package mailcheck

import (
	"cmp"
	"crypto/x509"
	"strings"
	"time"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/tlscert"
)

// measures are the numbers of the report. Names are for ever, as rule ids are, and
// docs/json.md has them all.
func (v *view) measures(results []check.Result) []check.Measure {
	all := v.spfMeasures(results)
	if v.dkim != nil {
		for _, k := range v.dkim.Keys {
			all = append(all, check.Measure{Name: "dkim_key_bytes", Subject: k.Selector + "._domainkey." + v.facts.Domain, Unit: "bytes", Value: float64(k.Bits) / 8})
		}
	}
	if v.tlscert != nil {
		for i, h := range v.tlscert.Hosts {
			all = append(all, v.certMeasures(h, tried(v.facts.TLSCert, i), results)...)
		}
	}
	return all
}

func (v *view) spfMeasures(results []check.Result) []check.Measure {
	a := v.spf
	if a == nil || len(a.Texts) != 1 {
		return nil
	}
	outcome := func(id string) check.Outcome {
		for _, r := range results {
			if r.ID == id {
				return r.Outcome
			}
		}
		return ""
	}
	limit := 10.0
	o := outcome("spf.lookup-limit")
	if o == check.Pass && outcome("spf.lookup-near-limit") == check.Fail {
		o = check.Note
	}
	return []check.Measure{
		{Name: "spf_lookups", Subject: v.facts.Domain, Value: float64(a.Lookups), Limit: &limit, Crit: &limit, Outcome: o},
		{Name: "spf_void_lookups", Subject: v.facts.Domain, Value: float64(a.Voids.Terms()), Outcome: outcome("spf.void-lookups")},
		{Name: "spf_ipv4_addresses", Subject: v.facts.Domain, Value: float64(a.IPv4)},
	}
}

// certMeasures are about the certificate of a host that is the first to expire.
func (v *view) certMeasures(h *tlscert.Served, tried int, results []check.Result) []check.Measure {
	if len(h.Leaves) == 0 {
		return nil
	}
	leaf, host := h.Leaves[0], h.String()
	seconds := func(d time.Duration) float64 { return d.Truncate(time.Second).Seconds() } // certificates know no less
	left, lifetime := max(seconds(leaf.Left(v.when)), 0), seconds(leaf.Lifetime())
	warnTime, critTime := v.expiry.Limits(leaf.Lifetime())
	warn, crit := seconds(warnTime), seconds(critTime)
	all := []check.Measure{
		{Name: "cert_not_before_timestamp_seconds", Subject: host, Unit: "seconds", Value: float64(leaf.NotBefore.Unix())},
		{Name: "cert_not_after_timestamp_seconds", Subject: host, Unit: "seconds", Value: float64(leaf.NotAfter.Unix())},
		{Name: "cert_left_seconds", Subject: host, Unit: "seconds", Value: left, Limit: &lifetime, Warn: &warn, Crit: &crit, Falling: true, Outcome: expiry(results, host)},
	}
	if lifetime > 0 {
		all = append(all, check.Measure{Name: "cert_lifetime_remaining_ratio", Subject: host, Unit: "ratio", Value: min(left/lifetime, 1)})
	}
	if w := leaf.Renewal; w != nil {
		all = append(all,
			check.Measure{Name: "cert_renewal_window_start_timestamp_seconds", Subject: host, Unit: "seconds", Value: float64(w.Start.Unix())},
			check.Measure{Name: "cert_renewal_window_end_timestamp_seconds", Subject: host, Unit: "seconds", Value: float64(w.End.Unix())},
		)
	}
	return append(all,
		check.Measure{Name: "cert_addresses", Subject: host, Value: float64(tried)},
		check.Measure{Name: "cert_addresses_seen", Subject: host, Value: float64(h.Seen)},
		check.Measure{Name: "cert_info", Subject: host, Value: 1, Labels: map[string]string{"issuer": issuer(leaf.Certificate)}},
	)
}

// tried is the number of addresses of a host that were dialled.
func tried(f *tlscert.Facts, host int) int {
	n := 0
	for _, e := range f.Hosts[host].Endpoints {
		if e.TLS != nil {
			n++
		} else if e.Failure != nil {
			if _, why := e.Failure.Gap(); why != string(check.NotAsked) {
				n++
			}
		}
	}
	return n
}

// issuer is what people call it: "Let's Encrypt R13".
func issuer(c *x509.Certificate) string {
	org, name := strings.Join(c.Issuer.Organization, ", "), c.Issuer.CommonName
	if org == "" || strings.HasPrefix(name, org) {
		return cmp.Or(name, c.Issuer.String())
	}
	return strings.TrimSpace(org + " " + name)
}

// expiry is how the rules judge what is left of a host's certificate.
func expiry(results []check.Result, host string) check.Outcome {
	o := check.Pass
	for _, res := range results {
		if res.ID != "cert.expired" && res.ID != "cert.expiring" {
			continue
		}
		for _, f := range res.Findings {
			switch {
			case f.Subject != host:
			case f.Severity >= check.High:
				return check.Fail
			default:
				o = check.Note
			}
		}
	}
	return o
}
