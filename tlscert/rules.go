package tlscert

import (
	"cmp"
	"crypto/x509"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/mailcheck-go/mailcheck/check"
)

// Settings are what the judgement rests on besides the facts. The zero value works.
type Settings struct {
	// Roots are the trusted roots; nil: those of the system, read once, when the first
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
		j.noAddress(), j.expired(), j.notYetValid(), j.expiring(), j.chainExpiring(),
		j.nameMismatch(), j.cnOnly(), j.wildcardUse(),
		j.selfSigned(), j.chainIncomplete(), j.chainOrder(), j.untrustedRoot(), j.chainInvalid(), j.addressesDiffer(),
		j.lifetimeTooLong(), j.noSCT(), j.rsaSmall(), j.rsaBelow3072(), j.ecCurve(), j.sha1(), j.weakKey(),
		j.revoked(), j.mustStaple(), j.stapleInvalid(), j.ariNow(), j.ariRevocation(),
		j.tlsVersionOld(), j.tlsNo13(), j.tlsWeakCipher(), j.tlsSNIRequired(),
		j.smtpNoStartTLS(), j.smtpTLSOld(), j.smtpTLSNo13(),
		j.smtpCertName(), j.smtpCertUntrusted(), j.smtpCertExpired(), j.smtpBannerName(),
	}
}

const since = "v0.1.0"

// judge is what the rules share.
type judge struct {
	trust    func() (*x509.CertPool, []check.Gap) // the roots, or why there are none
	hosts    func(*Served) bool                   // those that a rule looks at
	at       time.Time
	settings Settings
}

func newJudge(s Settings) *judge {
	j := &judge{at: s.At, settings: s, trust: systemRoots, hosts: func(*Served) bool { return true }}
	if s.Roots != nil {
		j.trust = func() (*x509.CertPool, []check.Gap) { return s.Roots, nil }
	}
	return j
}

// among is the judge of some hosts.
func (j *judge) among(hosts func(*Served) bool) *judge {
	some := *j
	some.hosts = hosts
	return &some
}

// The hosts that rules look at.
func verified(h *Served) bool      { return !h.opportunistic() }
func opportunistic(h *Served) bool { return h.opportunistic() }
func relay(h *Served) bool         { return h.relay() }
func noRelay(h *Served) bool       { return !h.relay() && served(h) }
func served(h *Served) bool        { return h.Protocol != File }

// systemRoots takes some 10 ms the first time, so it is left until a chain has to
// be verified.
var systemRoots = sync.OnceValues(func() (*x509.CertPool, []check.Gap) {
	roots, err := x509.SystemCertPool()
	if err == nil && roots.Equal(x509.NewCertPool()) {
		err = errors.New("this machine has none")
	}
	if err != nil {
		return nil, []check.Gap{{Subject: "the trusted root certificates", Why: check.Failed, Cause: err}}
	}
	return roots, nil
})

// view is one certificate of one host, at the time for which it is judged.
type view struct {
	*Leaf
	host *Served
	at   time.Time
}

// rule makes a rule out of what is to be said of one certificate of one host.
// What addresses hide leaves the other hosts' and addresses' findings standing.
// Of a mail exchanger, whose certificate hardly anybody verifies, nothing is worse
// than medium.
func (j *judge) rule(doc check.Doc, say func(v view) ([]check.Finding, []check.Gap)) check.Rule[*Analysis] {
	return j.hostRule(doc, showed, func(h *Served, at time.Time) (found []check.Finding, gaps []check.Gap) {
		for _, l := range h.Leaves {
			f, g := say(view{Leaf: l, host: h, at: at})
			found, gaps = append(found, f...), append(gaps, g...)
		}
		if h.opportunistic() {
			for i := range found {
				found[i].Severity = min(cmp.Or(found[i].Severity, doc.Severity), check.Medium)
			}
		}
		return found, gaps
	})
}

// showed reports whether a certificate of the host was seen.
func showed(h *Served) bool { return h.Seen > 0 }

// hostRule makes a rule out of what is to be said of one host to which it applies.
func (j *judge) hostRule(doc check.Doc, applies func(*Served) bool, say func(*Served, time.Time) ([]check.Finding, []check.Gap)) check.Rule[*Analysis] {
	doc.Since = since
	return check.Rule[*Analysis]{
		Doc: doc,
		Applies: func(a *Analysis) (bool, []check.Gap) {
			if slices.ContainsFunc(a.Hosts, func(h *Served) bool { return j.hosts(h) && applies(h) }) {
				return true, nil
			}
			return false, j.gaps(a)
		},
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			gaps := j.gaps(a)
			at := j.at
			if at.IsZero() {
				at = a.At
			}
			if at.IsZero() {
				return nil, append(gaps, check.Gap{Subject: "the time of the facts", Why: check.NotAsked})
			}
			var found []check.Finding
			for _, h := range a.Hosts {
				if j.hosts(h) && applies(h) {
					f, g := say(h, at)
					found, gaps = append(found, f...), append(gaps, g...)
				}
			}
			return found, gaps
		},
	}
}

// gaps are what is not known of the hosts that the judge looks at.
func (j *judge) gaps(a *Analysis) []check.Gap {
	gaps := slices.Clone(a.gaps)
	for _, h := range a.Hosts {
		if j.hosts(h) {
			gaps = append(gaps, h.Gaps...)
		}
	}
	return gaps
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
