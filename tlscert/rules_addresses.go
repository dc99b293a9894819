package tlscert

import (
	"slices"
	"time"

	"github.com/mailcheck-go/mailcheck/check"
)

func (j *judge) addressesDiffer() check.Rule[*Analysis] {
	return j.among(verified).hostRule(check.Doc{
		ID:       "cert.addresses-differ",
		Severity: check.Medium,
		Title:    "Addresses of a host serve different certificates",
		Text: "Visitors reach one address or another, so what they meet is a matter of chance. After a renewal it means that the new certificate did not get to every server; " +
			"where the old one ends, some visitors are turned away and a check that looks at one address sees nothing. " +
			"Medium where a certificate is near its end or for other names, low otherwise.",
		Fix:  "Install the same, newest certificate at every address, and reload each server.",
		Cite: []check.Cite{check.RFC(5280, "4.1.2.5"), check.RFC(6125, "6.4")},
	}, showed, func(h *Served, at time.Time) (found []check.Finding, gaps []check.Gap) {
		if len(h.Leaves) < 2 {
			return nil, nil
		}
		newest := slices.MaxFunc(h.Leaves, func(a, b *Leaf) int { return a.NotBefore.Compare(b.NotBefore) })
		for _, l := range h.Leaves {
			if l != newest {
				found = append(found, j.differs(view{Leaf: l, host: h, at: at}, newest))
			}
		}
		return found, nil
	})
}

// differs compares a certificate with the newest one of the same host.
func (j *judge) differs(v view, newest *Leaf) check.Finding {
	left := v.Left(v.at)
	f := check.Finding{
		Subject: v.host.String(), Severity: check.Low,
		Evidence: append(v.evidence(v.Addrs, v.Certificate), v.evidence(newest.Addrs, newest.Certificate)...),
	}
	if left <= 0 || j.urgency(left, v.Lifetime()) != 0 || v.named() != v.host.named(newest) {
		f.Severity = check.Medium
	}
	addrs := where(v.Addrs, v.host.Seen)
	switch {
	case !v.named() || !v.host.named(newest):
		f.Detail = check.Textf("%s serves a certificate for %s, %s one for %s",
			addrs, few(names(v.Certificate)), where(newest.Addrs, v.host.Seen), few(names(newest.Certificate)))
	case !v.NotBefore.Before(newest.NotBefore):
		f.Detail = check.Textf("%s serves another certificate than %s, issued at the same time", addrs, where(newest.Addrs, v.host.Seen))
	case left <= 0:
		f.Detail = check.Textf("new certificate on %d of %d addresses; %s still serves the old one, which expired on %s",
			len(newest.Addrs), v.host.Seen, few(texts(v.Addrs)), date(v.NotAfter))
	default:
		f.Detail = check.Textf("new certificate on %d of %d addresses; %s still serves the old one, which expires in %s, on %s",
			len(newest.Addrs), v.host.Seen, few(texts(v.Addrs)), span(left), date(v.NotAfter))
	}
	return f
}
