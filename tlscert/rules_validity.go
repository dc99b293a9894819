package tlscert

import (
	"slices"
	"time"

	"github.com/mailcheck-go/mailcheck/check"
)

const baseline = "CA/Browser Forum Baseline Requirements"

func (j *judge) expired() check.Rule[*Analysis] {
	return j.among(verified).rule(check.Doc{
		ID:       "cert.expired",
		Severity: check.Critical,
		Title:    "Certificate is expired",
		Text: "Browsers show a warning in place of the page, and clients that verify certificates refuse to connect. " +
			"An expired intermediate certificate does the same to every certificate below it.",
		Fix:  "Renew the certificate now, install it with its chain at every address, and reload the server.",
		Cite: []check.Cite{check.RFC(5280, "4.1.2.5")},
	}, func(v view) ([]check.Finding, []check.Gap) { return j.pastEnd(v), nil })
}

// pastEnd says what has expired: the leaf, or its chain.
func (j *judge) pastEnd(v view) (found []check.Finding) {
	if v.at.After(v.NotAfter) {
		f := v.finding(v.expiredText())
		f.Fix = v.newer()
		return []check.Finding{f}
	}
	for _, c := range v.Chains {
		if w := j.known(c, v.at); w != nil && w.trust == outdated {
			found = append(found, v.chainFinding(c, w.last, v.distrust(c, w))...)
		}
	}
	return found
}

func (v view) expiredText() check.Text {
	return check.Textf("the certificate at %s expired on %s, %s ago", v.where(v.Addrs), date(v.NotAfter), span(v.at.Sub(v.NotAfter)))
}

func (v view) earlyText() check.Text {
	return check.Textf("the certificate at %s is valid from %s on, in %s", v.where(v.Addrs), date(v.NotBefore), span(v.NotBefore.Sub(v.at)))
}

// known is the verdict on a chain, nil where there are no roots to judge by.
func (j *judge) known(c *Chain, at time.Time) *verdict {
	if _, gaps := j.trust(); gaps != nil {
		return nil
	}
	return j.verdict(c.path, at)
}

func (j *judge) notYetValid() check.Rule[*Analysis] {
	return j.leafRule(check.Doc{
		ID:       "cert.not-yet-valid",
		Severity: check.High,
		Title:    "Certificate is not yet valid",
		Text:     "Clients refuse a certificate before its first day as they do after its last. The usual cause is one that was installed too early, or a clock that is wrong where it was issued.",
		Fix:      "Serve the previous certificate until then, or have it issued again from today on; check the clocks.",
		Cite:     []check.Cite{check.RFC(5280, "4.1.2.5")},
	}, func(v view) bool { return v.at.Before(v.NotBefore) }, view.earlyText)
}

func (j *judge) expiring() check.Rule[*Analysis] {
	return j.rule(check.Doc{
		ID:       "cert.expiring",
		Severity: check.High,
		Title:    "Certificate expires soon",
		Text: "Automatic renewal takes place when a third of the lifetime is left. Less than that means that it did not run or that the new certificate was not installed; " +
			"on the last day, browsers begin to show a warning in place of the page. " +
			"Medium below a third of the lifetime, high below a sixth or in the last week of one that lives 30 days or longer.",
		Fix:  "Find out why it was not renewed, renew it, and install it at every address. Automate that with ACME and renewal information (ARI).",
		Cite: []check.Cite{check.RFC(9773, "4.2"), {Doc: baseline, Section: "6.3.2"}},
	}, func(v view) ([]check.Finding, []check.Gap) {
		left := v.Left(v.at)
		if left <= 0 || v.at.Before(v.NotBefore) {
			return nil, nil // other rules' matter
		}
		severity := j.urgency(left, v.Lifetime())
		if severity == 0 {
			return nil, nil
		}
		f := v.finding(check.Textf("the certificate at %s expires in %s, on %s; %d%% of its lifetime of %s is left",
			v.where(v.Addrs), span(left), date(v.NotAfter), int(100*float64(left)/float64(v.Lifetime())), span(v.Lifetime())))
		f.Severity, f.Fix = severity, v.newer()
		return []check.Finding{f}, nil
	})
}

// urgency is the severity of so much time left, 0 where there is enough of it.
func (j *judge) urgency(left, lifetime time.Duration) check.Severity {
	switch warn, crit := j.settings.Limits(lifetime); {
	case left < crit:
		return check.High
	case left < warn:
		return check.Medium
	}
	return 0
}

// newer is the cure where another address of the host already serves the next
// certificate; nil where none does.
func (v view) newer() *check.Fix {
	for _, l := range v.host.Leaves {
		if l.NotAfter.After(v.NotAfter) && !v.at.Before(l.NotBefore) && v.at.Before(l.NotAfter) && v.host.named(l) {
			return &check.Fix{Summary: check.Textf("Install the certificate that %s serves, valid until %s, at %s too",
				l.Addrs[0].String(), date(l.NotAfter), v.where(v.Addrs))}
		}
	}
	return nil
}

// periods has the longest validity of public certificates by their first day
// (Baseline Requirements, 6.3.2), the newest first. What is older is not judged:
// none of it is valid today.
var periods = []struct {
	from time.Time
	days int64
}{
	{time.Date(2029, time.March, 15, 0, 0, 0, 0, time.UTC), 47},
	{time.Date(2027, time.March, 15, 0, 0, 0, 0, time.UTC), 100},
	{time.Date(2026, time.March, 15, 0, 0, 0, 0, time.UTC), 200},
	{time.Date(2020, time.September, 1, 0, 0, 0, 0, time.UTC), 398},
	{time.Date(2018, time.March, 1, 0, 0, 0, 0, time.UTC), 825},
}

// publiclyTrusted reports whether browsers ask of the certificate what they ask of
// those of public authorities.
func (j *judge) publiclyTrusted(v view) bool {
	return public(v.Certificate) && slices.ContainsFunc(v.Chains, func(c *Chain) bool {
		w := j.known(c, v.at)
		return w != nil && (w.trust == trusted || w.trust == outdated)
	})
}

func (j *judge) lifetimeTooLong() check.Rule[*Analysis] {
	return j.among(verified).rule(check.Doc{
		ID:       "cert.lifetime-too-long",
		Severity: check.High,
		Title:    "Lifetime is longer than public certificates may have",
		Text: "Browsers reject a certificate of a public authority that lives longer than the limit of the day when it was issued: 398 days, 200 from 15 March 2026, " +
			"100 from 15 March 2027 and 47 from 15 March 2029. Only certificates of public authorities are judged.",
		Fix:  "Have the certificate issued again with a shorter lifetime.",
		Cite: []check.Cite{{Doc: baseline, Section: "6.3.2"}},
	}, func(v view) ([]check.Finding, []check.Gap) {
		if _, gaps := j.trust(); gaps != nil {
			return nil, gaps
		}
		if !j.publiclyTrusted(v) {
			return nil, nil
		}
		for _, p := range periods {
			if v.NotBefore.Before(p.from) {
				continue
			}
			const dayInSeconds = 24 * 60 * 60
			days := (v.NotAfter.Unix() - v.NotBefore.Unix() + dayInSeconds) / dayInSeconds // a second over is a day over, by the same section
			if days <= p.days {
				break
			}
			return []check.Finding{v.finding(check.Textf("the certificate at %s lives %d days; issued on or after %s it may live %d",
				v.where(v.Addrs), days, p.from.Format(time.DateOnly), p.days))}, nil
		}
		return nil, nil
	})
}
