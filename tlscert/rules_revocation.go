package tlscert

import (
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/mailcheck-go/mailcheck/check"
)

// narrow makes a rule of certificates that have something into one that does not
// apply where none has it.
func narrow(r check.Rule[*Analysis], has func(*Leaf) bool) check.Rule[*Analysis] {
	r.Applies = func(a *Analysis) (bool, []check.Gap) {
		for _, h := range a.Hosts {
			if slices.ContainsFunc(h.Leaves, has) {
				return true, nil
			}
		}
		return false, a.Gaps()
	}
	return r
}

func (j *judge) revoked() check.Rule[*Analysis] {
	return narrow(j.rule(check.Doc{
		ID:       "cert.revoked",
		Severity: check.Critical,
		Title:    "Certificate is revoked",
		Text: "The authority has withdrawn it before its end. Browsers that look refuse the page, others go on until they hear of it, and an authority " +
			"revokes for a reason: the key may be in other hands.",
		Fix:  "Install a new certificate with a new key now, and find out from the authority why this one was revoked.",
		Cite: []check.Cite{check.RFC(5280, "6.3"), check.RFC(6960, "2.2"), {Doc: "CA/Browser Forum Baseline Requirements", Section: "4.9"}},
	}, sayRevoked), func(l *Leaf) bool {
		return !selfIssued(l.Certificate) && (len(l.Revocation) > 0 || !shortLived(l))
	})
}

func sayRevoked(v view) ([]check.Finding, []check.Gap) {
	var proof []check.Evidence
	var first *Revocation
	var gaps []check.Gap
	var good bool
	for i := range v.Revocation {
		r := &v.Revocation[i]
		switch err := r.stale(v.at); {
		case r.State == Revoked:
			if first == nil {
				first = r
			}
			proof = append(proof, check.Evidence{Source: r.Source, Text: r.text().String()})
		case r.State != NotRevoked && r.gap != nil:
			gaps = append(gaps, *r.gap)
		case err != nil:
			gaps = append(gaps, check.GapOf(r.Source, err))
		default:
			good = true
		}
	}
	switch {
	case first != nil: // for good, so that even an old list proves it
		f := v.finding(check.Textf("the certificate at %s was revoked: %s, says %s", v.where(v.Addrs), first.text(), first.Source))
		f.Evidence = append(f.Evidence, proof...)
		return []check.Finding{f}, nil
	case good, selfIssued(v.Certificate), v.at.After(v.NotAfter): // what has expired leaves the lists
		return nil, nil
	case len(gaps) == 0 && !shortLived(v.Leaf):
		return nil, []check.Gap{{
			Subject: "whether the certificate of " + v.host.String() + " is revoked", Why: check.Undecidable,
			Cause: errors.New("it names neither a revocation list nor a responder that can be asked"),
		}}
	}
	return nil, gaps
}

// text words what a source that says revoked has.
func (r *Revocation) text() check.Text {
	if r.Reason == "" {
		return check.Textf("since %s, without a reason", date(r.At))
	}
	return check.Textf("since %s, reason %s", date(r.At), r.Reason)
}

var (
	shortLivedSince  = time.Date(2024, time.March, 15, 0, 0, 0, 0, time.UTC)
	shorterLivedFrom = time.Date(2026, time.March, 15, 0, 0, 0, 0, time.UTC)
)

// shortLived reports whether a certificate is a Short-lived Subscriber Certificate,
// which needs no revocation data (Baseline Requirements, 1.6.1): at most 10 days, and
// 7 of those issued from 2026-03-15 on.
func shortLived(l *Leaf) bool {
	most := 10 * day
	if !l.NotBefore.Before(shorterLivedFrom) {
		most = 7 * day
	}
	return !l.NotBefore.Before(shortLivedSince) && l.Lifetime() <= most
}

func (j *judge) mustStaple() check.Rule[*Analysis] {
	return narrow(j.rule(check.Doc{
		ID:       "cert.must-staple",
		Severity: check.Low,
		Title:    "must-staple set but no stapled response",
		Text: "The certificate itself tells clients to expect a stapled OCSP response and to refuse a server that sends none. Those that take it at its word " +
			"do not connect; most others ignore it.",
		Fix:  "Turn on OCSP stapling at the server, or have the certificate issued again without must-staple.",
		Cite: []check.Cite{check.RFC(7633, "4.2")},
	}, func(v view) ([]check.Finding, []check.Gap) {
		if !mustStaple(v.Certificate) || !served(v.host) {
			return nil, nil
		}
		bare := slices.DeleteFunc(slices.Clone(v.Addrs), func(a netip.Addr) bool {
			return slices.ContainsFunc(v.staples, func(s staple) bool { return slices.Contains(s.addrs, a) })
		})
		switch {
		case len(bare) == 0:
			return nil, nil
		case len(v.OCSPServer) == 0:
			f := v.finding(check.Textf("%s staples no OCSP response, and cannot: the certificate demands one and names no responder. Clients that insist are turned away until it is replaced", v.where(bare)))
			f.Fix = &check.Fix{Summary: check.Textf("Have the certificate issued again without must-staple: its authority answers no OCSP requests, so that no response can be stapled")}
			return []check.Finding{f}, nil
		}
		return []check.Finding{v.finding(check.Textf("%s staples no OCSP response, which the certificate demands", v.where(bare)))}, nil
	}), func(l *Leaf) bool { return mustStaple(l.Certificate) })
}

func (j *judge) stapleInvalid() check.Rule[*Analysis] {
	return narrow(j.rule(check.Doc{
		ID:       "cert.staple-invalid",
		Severity: check.Medium,
		Title:    "Stapled OCSP response is of no use",
		Text: "The server staples an OCSP response that is too old, of another certificate, or not signed by the authority. Some clients refuse to connect " +
			"because of it, where they would have connected without any.",
		Fix:  "Have the server fetch a new response before the old one ends, or turn stapling off where the authority answers no OCSP requests any more.",
		Cite: []check.Cite{check.RFC(6066, "8"), check.RFC(6960, "3.2")},
	}, func(v view) (found []check.Finding, gaps []check.Gap) {
		for _, s := range v.staples {
			err := s.stale(v.at)
			if s.gap != nil {
				err = s.gap.Cause
			}
			switch {
			case errors.Is(err, errNoIssuer), s.gap != nil && s.gap.Why != check.Failed:
				gaps = append(gaps, check.Gap{Subject: v.host.at(s.addrs[0]), Why: check.Undecidable, Cause: err})
			case err != nil:
				found = append(found, v.finding(check.Textf("the OCSP response that %s staples is of no use: %s", v.where(s.addrs), err.Error())))
			}
		}
		return found, gaps
	}), func(l *Leaf) bool { return len(l.staples) > 0 })
}
