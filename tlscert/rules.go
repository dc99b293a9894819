package tlscert

import (
	"crypto/x509"
	"errors"
	"net/netip"
	"sync"
	"time"

	"github.com/mailcheck-go/mailcheck/check"
)

// Settings are what the judgement rests on besides the facts. The zero value works.
type Settings struct {
	// Roots are the trusted roots; nil: those of the system, read when the first
	// chain is verified. On macOS and Windows the system's own verifier then judges, which
	// may fetch a certificate that a server does not serve.
	Roots *x509.CertPool
	At    time.Time // judge as of this time; zero: when the facts were gathered
	// Warn is how much may be left of a certificate until cert.expiring finds it;
	// a third of its lifetime if zero.
	Warn Threshold
	// Crit is how much may be left until that is of high severity: a sixth of the
	// lifetime if zero, or seven days where the lifetime is 30 days or more, and
	// not before Warn.
	Crit Threshold
}

// Rules judge an Analysis. The slice may be used for any number of them, by many
// goroutines at once.
func Rules(s Settings) []check.Rule[*Analysis] {
	j := newJudge(s)
	return []check.Rule[*Analysis]{
		j.expired(), j.notYetValid(), j.expiring(),
		j.nameMismatch(), j.cnOnly(), j.wildcardUse(),
		j.selfSigned(), j.chainIncomplete(), j.chainOrder(), j.untrustedRoot(), j.chainInvalid(),
		j.lifetimeTooLong(), j.rsaSmall(), j.ecCurve(), j.sha1(),
		j.revoked(), j.mustStaple(), j.stapleInvalid(), j.ariNow(), j.ariRevocation(),
	}
}

const since = "v0.1.0"

// judge is what the rules share.
type judge struct {
	trust    func() (*x509.CertPool, []check.Gap) // the roots, or why there are none
	at       time.Time
	settings Settings
}

func newJudge(s Settings) *judge {
	j := &judge{at: s.At, settings: s}
	j.trust = sync.OnceValues(func() (*x509.CertPool, []check.Gap) { return s.Roots, nil })
	if s.Roots == nil {
		j.trust = sync.OnceValues(systemRoots)
	}
	return j
}

// systemRoots takes some 10 ms the first time, so it is left until a chain has to
// be verified.
func systemRoots() (*x509.CertPool, []check.Gap) {
	roots, err := x509.SystemCertPool()
	if err == nil && roots.Equal(x509.NewCertPool()) {
		err = errors.New("this machine has none")
	}
	if err != nil {
		return nil, []check.Gap{{Subject: "the trusted root certificates", Why: check.Failed, Cause: err}}
	}
	return roots, nil
}

// view is one certificate of one host, at the time for which it is judged.
type view struct {
	*Leaf
	host *Served
	at   time.Time
}

// rule makes a rule out of what is to be said of one certificate of one host.
// What addresses hide leaves the other hosts' and addresses' findings standing.
func (j *judge) rule(doc check.Doc, say func(v view) ([]check.Finding, []check.Gap)) check.Rule[*Analysis] {
	doc.Since = since
	return check.Rule[*Analysis]{
		Doc: doc,
		Applies: func(a *Analysis) (bool, []check.Gap) {
			for _, h := range a.Hosts {
				if h.Seen > 0 {
					return true, nil
				}
			}
			return false, a.Gaps()
		},
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			gaps := a.Gaps()
			at := j.at
			if at.IsZero() {
				at = a.At
			}
			if at.IsZero() {
				return nil, append(gaps, check.Gap{Subject: "the time of the facts", Why: check.NotAsked})
			}
			var found []check.Finding
			for _, h := range a.Hosts {
				for _, l := range h.Leaves {
					f, g := say(view{Leaf: l, host: h, at: at})
					found, gaps = append(found, f...), append(gaps, g...)
				}
			}
			return found, gaps
		},
	}
}

// leafRule is rule for what the leaf alone decides.
func (j *judge) leafRule(doc check.Doc, bad func(v view) bool, detail func(v view) check.Text) check.Rule[*Analysis] {
	return j.rule(doc, func(v view) ([]check.Finding, []check.Gap) {
		if !bad(v) {
			return nil, nil
		}
		return []check.Finding{v.finding(detail(v))}, nil
	})
}

// trustRule is rule for what the trust in a chain decides.
func (j *judge) trustRule(doc check.Doc, say func(v view, c *Chain, w *verdict) ([]check.Finding, []check.Gap)) check.Rule[*Analysis] {
	return j.rule(doc, func(v view) (found []check.Finding, gaps []check.Gap) {
		if _, gaps := j.trust(); gaps != nil {
			return nil, gaps
		}
		for _, c := range v.Chains {
			f, g := say(v, c, j.verdict(c.path, v.at))
			found, gaps = append(found, f...), append(gaps, g...)
		}
		return found, gaps
	})
}

// finding is about the leaf, wherever it is served.
func (v view) finding(detail check.Text) check.Finding {
	return check.Finding{Subject: v.host.String(), Detail: detail, Evidence: v.evidence(v.Addrs, v.Certificate)}
}

// chainFinding is about one chain of the leaf, and a certificate of it.
func (v view) chainFinding(c *Chain, about *x509.Certificate, detail check.Text) []check.Finding {
	certs := []*x509.Certificate{v.Certificate}
	if about != v.Certificate {
		certs = append(certs, about)
	}
	return []check.Finding{{Subject: v.host.String(), Detail: detail, Evidence: v.evidence(c.Addrs, certs...)}}
}

func (v view) evidence(addrs []netip.Addr, certs ...*x509.Certificate) []check.Evidence {
	source := v.host.at(addrs[0])
	evidence := make([]check.Evidence, 0, len(certs))
	for _, c := range certs {
		evidence = append(evidence, check.Evidence{Source: source, Text: describe(c)})
	}
	return evidence
}

// undecidable is the gap of a rule that another rule's finding keeps from judging.
func (v view) undecidable(c *Chain, why string) []check.Gap {
	return []check.Gap{{Subject: v.host.at(c.Addrs[0]), Why: check.Undecidable, Cause: errors.New(why)}}
}
