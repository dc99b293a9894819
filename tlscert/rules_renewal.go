package tlscert

import (
	"time"

	"github.com/mailcheck-go/mailcheck/check"
)

func (j *judge) ariNow() check.Rule[*Analysis] {
	return j.renewalRule(check.Doc{
		ID:       "cert.ari-now",
		Severity: check.High,
		Title:    "CA asks for renewal now (ARI window open)",
		Text: "Authorities publish, for each certificate, when it should be renewed, and clients that follow this renew at a time within. " +
			"A window that is over with the old certificate still in place shows that nobody renews it, weeks before it expires.",
		Fix:  "Renew the certificate and see that the new one is served; then find out why this did not happen by itself.",
		Cite: []check.Cite{check.RFC(9773, "4.2")},
	}, func(v view, w *Renewal) []check.Finding {
		if w.early(v.Leaf) {
			return nil
		}
		if v.at.Before(w.End) {
			f := v.renewalFinding(w, check.Textf("the authority asks to renew the certificate at %s between %s and %s", v.where(v.Addrs), date(w.Start), date(w.End)))
			f[0].Severity = check.Info // this is how it should be
			return f
		}
		late := v.at.Sub(w.End)
		f := v.renewalFinding(w, check.Textf("renewal of the certificate at %s is overdue since %s, for %s: it expires on %s", v.where(v.Addrs), date(w.End), span(late), date(v.NotAfter)))
		if late < v.Lifetime()/20 { // a renewal may take a few tries
			f[0].Severity = check.Medium
		}
		return f
	})
}

func (j *judge) ariRevocation() check.Rule[*Analysis] {
	return j.renewalRule(check.Doc{
		ID:       "cert.ari-revocation",
		Severity: check.High,
		Title:    "CA asks for renewal long before it is due: revocation is near",
		Text: "An authority that has to revoke certificates first moves their renewal window into the past, so that clients replace them in time. " +
			"Once it has revoked this one, browsers turn visitors away; that may be a matter of hours.",
		Fix:  "Renew the certificate now, with a new key, and serve it. Read the authority's explanation where it gives one.",
		Cite: []check.Cite{check.RFC(9773, "4.2")},
	}, func(v view, w *Renewal) []check.Finding {
		if !w.early(v.Leaf) {
			return nil
		}
		return v.renewalFinding(w, check.Textf("the authority wants the certificate at %s renewed between %s and %s, when %d%% of its lifetime had passed: it is about to be revoked, or is already",
			v.where(v.Addrs), date(w.Start), date(w.End), max(0, int64(100*w.End.Sub(v.NotBefore).Seconds()/v.Lifetime().Seconds()))))
	})
}

// renewalRule is rule for certificates whose window has begun.
func (j *judge) renewalRule(doc check.Doc, say func(v view, w *Renewal) []check.Finding) check.Rule[*Analysis] {
	return narrow(j.rule(doc, func(v view) ([]check.Finding, []check.Gap) {
		switch {
		case v.at.After(v.NotAfter), v.Lifetime() <= 0: // nobody asks any more (RFC 9773, 4.3)
			return nil, nil
		case v.renewalGap != nil:
			return nil, []check.Gap{*v.renewalGap}
		case v.Renewal == nil || v.at.Before(v.Renewal.Start):
			return nil, nil
		}
		return say(v, v.Renewal), nil
	}), func(l *Leaf) bool { return l.Renewal != nil || l.renewalGap != nil })
}

// early reports whether a window is not where an authority puts it by itself. That
// is at two thirds of the lifetime, or at half of a short one, and some hundredths of
// it long; a window that asks for renewal at once ended before half of it, or is a
// matter of minutes.
func (w *Renewal) early(l *Leaf) bool {
	fifth := l.Lifetime() / 5
	end := w.End.Sub(l.NotBefore)
	return end < 2*fifth || end < 3*fifth && w.End.Sub(w.Start) < fifth/20
}

// renewalFinding has the window, and what the authority says of it, as evidence.
func (v view) renewalFinding(w *Renewal, detail check.Text) []check.Finding {
	f := v.finding(detail)
	text := "window from " + w.Start.Format(time.RFC3339) + " to " + w.End.Format(time.RFC3339)
	if w.Explanation != "" {
		page := clip(w.Explanation, 300)
		text += "; explained at " + page
		f.Fix = &check.Fix{Summary: check.Textf("Renew the certificate and serve the new one; the authority explains why at %s", page)}
	}
	f.Evidence = append(f.Evidence, check.Evidence{Source: clip(w.URL, 300), Text: text})
	return []check.Finding{f}
}
