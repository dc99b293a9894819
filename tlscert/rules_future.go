package tlscert

import (
	"crypto/x509"
	"time"

	"github.com/mailcheck-go/mailcheck/check"
)

func (j *judge) chainExpiring() check.Rule[*Analysis] {
	return j.rule(check.Doc{
		ID:       "cert.chain-expiring",
		Severity: check.High,
		Title:    "Chain breaks before the certificate expires",
		Text: "An intermediate or root certificate of the chain ends before the server's own, and takes it along: on that day clients refuse the connection although the certificate itself is valid. " +
			"As grave as a certificate that ends on that day (see cert.expiring), and low before it is urgent, or where clients can build another path: programs that do not look for one break all the same.",
		Fix:  "Serve the intermediate certificate that the authority uses today, or have the certificate issued again with its new chain.",
		Cite: []check.Cite{check.RFC(5280, "6.1.3"), check.RFC(8446, "4.4.2")},
	}, func(v view) (found []check.Finding, gaps []check.Gap) {
		if v.at.After(v.NotAfter) {
			return nil, nil // that is another rule's matter
		}
		if _, gaps := j.trust(); gaps != nil {
			return nil, gaps
		}
		for _, c := range v.Chains {
			found = append(found, j.chainEnd(v, c)...)
		}
		return found, nil
	})
}

// chainEnd says of one chain that it ends before the leaf.
func (j *judge) chainEnd(v view, c *Chain) []check.Finding {
	end := j.ends(v.Leaf, c, v.at)
	if !end.until.Before(v.NotAfter) {
		return v.servedEnd(j, c)
	}
	if end.until.Before(v.at) { // of the trusted ones cert.expired
		return nil
	}
	left := inclusive(v.at, end.until)
	f := v.chainFinding(c, end.first, check.Textf("the chain at %s breaks on %s, in %s, because %s expires, %s before the certificate itself",
		v.where(c.Addrs), date(end.until), span(left), authority(end.first), span(v.NotAfter.Sub(end.until))))
	f[0].Severity = max(j.urgency(left, v.Lifetime()), check.Low)
	if v.host.opportunistic() {
		f[0].Severity = check.Low
	}
	return f
}

// servedEnd says of a chain that holds that a served part of it does not: another
// path takes its place in clients that look for one.
func (v view) servedEnd(j *judge, c *Chain) []check.Finding {
	if w := j.verdict(c.path, v.at); w.trust != trusted || v.host.opportunistic() {
		return nil
	}
	first := earliest(c.Certificates[1:])
	if first == nil || !first.NotAfter.Before(v.NotAfter) {
		return nil
	}
	if first = earliest(link(c.Certificates)[1:]); first == nil || !first.NotAfter.Before(v.NotAfter) {
		return nil
	}
	detail := check.Textf("%s serves %s, which expires on %s, before the certificate itself; clients that look for another path find one",
		v.where(c.Addrs), authority(first), date(first.NotAfter))
	if first.NotAfter.Before(v.at) {
		detail = check.Textf("%s serves %s, which expired on %s; clients that look for another path find one",
			v.where(c.Addrs), authority(first), date(first.NotAfter))
	}
	f := v.chainFinding(c, first, detail)
	f[0].Severity = check.Low
	return f
}

// end is when and why a chain ceases to hold.
type end struct {
	until time.Time
	first *x509.Certificate // the one that expires then
}

// ends looks for the end of the path that holds longest, the leaf's own at the latest.
// Where no path leads to a trusted root, clients that know another one go by what is served.
func (j *judge) ends(l *Leaf, c *Chain, at time.Time) end {
	e := end{l.NotAfter, l.Certificate}
	switch w := j.verdict(c.path, at); w.trust {
	case trusted, outdated:
		if w.until.Before(e.until) {
			e = end{w.until, w.last}
		}
	case untrusted, incomplete:
		if first := earliest(link(c.Certificates)[1:]); first != nil && first.NotAfter.Before(e.until) {
			e = end{first.NotAfter, first}
		}
	}
	return e
}

// earliest is the certificate that ends first, nil of none.
func earliest(certs []*x509.Certificate) (first *x509.Certificate) {
	for _, c := range certs {
		if first == nil || c.NotAfter.Before(first.NotAfter) {
			first = c
		}
	}
	return first
}
