package mailcheck

import (
	"slices"
	"time"

	"github.com/mailcheck-go/mailcheck/caa"
	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dkim"
	"github.com/mailcheck-go/mailcheck/dmarc"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/mtasts"
	"github.com/mailcheck-go/mailcheck/mx"
	"github.com/mailcheck-go/mailcheck/provider"
	"github.com/mailcheck-go/mailcheck/spf"
	"github.com/mailcheck-go/mailcheck/tlscert"
	"github.com/mailcheck-go/mailcheck/tlsrpt"
)

// view is what the rules of this package read: each room's analysis, nil where the
// facts lack the room, and what follows from two of them.
type view struct {
	facts     *Facts
	providers *provider.Set
	given     Role      // by the operator
	require   []string  // ids of providers
	when      time.Time // what the report is for
	expiry    tlscert.Settings

	spf     *spf.Analysis
	dkim    *dkim.Analysis
	dmarc   *dmarc.Analysis
	mx      *mx.Analysis
	mtasts  *mtasts.Analysis
	tlsrpt  *tlsrpt.Analysis
	tlscert *tlscert.Analysis
	caa     *caa.Analysis
	hostCAA []*caa.Analysis

	present     bool        // the domain exists
	presentGaps []check.Gap // why that is not known; nil where it is
	senders     []sender
	stand       []standing // of services that are required; nil: not computed
	role        role
}

func newView(f *Facts, s Settings) *view {
	v := &view{facts: f, providers: s.Providers, given: s.Role, require: s.Require, when: s.At, expiry: s.TLSCert}
	if v.providers == nil {
		v.providers = provider.Builtin()
	}
	if v.given == "" {
		v.given = f.Given.Role
	}
	if v.require == nil {
		v.require = f.Given.Require
	}
	if v.when.IsZero() {
		v.when = f.At
	}
	v.analyze(&view{facts: &Facts{}})
	return v
}

// with is the view of other facts of the same domain.
func (v *view) with(f *Facts) *view {
	again := &view{facts: f, providers: v.providers, given: v.given, require: v.require, when: v.when, expiry: v.expiry}
	again.analyze(v)
	return again
}

// analyze fills in the rooms' analyses, and takes from an earlier view those whose
// facts are the same.
func (v *view) analyze(from *view) {
	f, old := v.facts, from.facts
	v.spf = analyze(f.SPF, old.SPF, from.spf, spf.Analyze)
	if v.spf != nil && v.spf != from.spf {
		for _, p := range v.providers.Literal() { // their services look for the include itself
			v.spf.Keep = append(v.spf.Keep, p.SPF...)
		}
	}
	if v.spf == from.spf {
		v.stand = from.stand
	}
	v.dkim = analyze(f.DKIM, old.DKIM, from.dkim, dkim.Analyze)
	v.dmarc = analyze(f.DMARC, old.DMARC, from.dmarc, dmarc.Analyze)
	v.mx = analyze(f.MX, old.MX, from.mx, mx.Analyze)
	v.mtasts = analyze(f.MTASTS, old.MTASTS, from.mtasts, mtasts.Analyze)
	v.tlsrpt = analyze(f.TLSRPT, old.TLSRPT, from.tlsrpt, tlsrpt.Analyze)
	v.tlscert = analyze(f.TLSCert, old.TLSCert, from.tlscert, tlscert.Analyze)
	v.caa = analyze(f.CAA, old.CAA, from.caa, caa.Analyze)
	v.hostCAA = make([]*caa.Analysis, len(f.HostCAA))
	for i, h := range f.HostCAA {
		if i < len(old.HostCAA) && h == old.HostCAA[i] {
			v.hostCAA[i] = from.hostCAA[i]
		} else {
			v.hostCAA[i] = caa.Analyze(h)
		}
	}
	v.present, v.presentGaps = v.findExists()
	v.senders = v.findSenders()
	v.role = v.findRole(v.given)
}

func analyze[F, A any](f, old *F, from *A, do func(*F) *A) *A {
	switch f {
	case nil:
		return nil
	case old:
		return from
	}
	return do(f)
}

// dns is never nil.
func (v *view) dns() *DNSFacts {
	if v.facts.DNS == nil {
		return &DNSFacts{}
	}
	return v.facts.DNS
}

func (v *view) notAsked(q dnsx.Question) check.Gap {
	return check.GapOf("", (dnsx.Reply{Question: q}).Err())
}

// apexReplies are those to questions about the domain itself that the facts have.
func (v *view) apexReplies() []dnsx.Reply {
	all := append(make([]dnsx.Reply, 0, 3), v.dns().SOA)
	if v.facts.MX != nil {
		all = append(all, v.facts.MX.MX)
	}
	if v.facts.DMARC != nil {
		all = append(all, v.facts.DMARC.Apex)
	}
	if v.facts.Host != "" && v.facts.TLSCert != nil {
		for i := range v.facts.TLSCert.Hosts {
			all = append(all, addressReplies(&v.facts.TLSCert.Hosts[i])...)
		}
	}
	return slices.DeleteFunc(all, func(r dnsx.Reply) bool {
		return r.Question.Name != v.facts.Domain || r.Answer == nil && r.Failure == nil
	})
}

// exists reports whether the domain exists; the gaps say why that is not known.
func (v *view) exists() (bool, []check.Gap) { return v.present, v.presentGaps }

func (v *view) findExists() (bool, []check.Gap) {
	var gaps []check.Gap
	for _, reply := range v.apexReplies() {
		if reply.Answer != nil {
			return reply.Answer.Exists(), nil
		}
		gaps = append(gaps, check.GapOf("", reply.Err()))
	}
	if len(gaps) == 0 {
		gaps = []check.Gap{v.notAsked(dnsx.Q(v.facts.Domain, dnsx.TypeSOA))}
	}
	return false, gaps
}

// takesMail reports whether the domain means to get mail, and whether that is known:
// its MX records say so, whatever the addresses of their hosts are. An address alone
// (the implicit MX of RFC 5321, 5.1) is a web server's more often than not.
func (v *view) takesMail() (takes, known bool) {
	if v.mx == nil || v.mx.Unread != nil {
		return false, false
	}
	return !v.mx.Null && len(v.mx.Records) > 0, true
}

// namesSenders reports whether the SPF record lets anybody send, and whether that
// is known.
func (v *view) namesSenders() (sends, known bool) {
	if v.spf == nil || v.spf.Unread != nil {
		return false, false
	}
	if v.spf.Senders || len(v.spf.Texts) > 1 {
		return true, true
	}
	return false, v.endOfSPF().Unread == nil
}

// endOfSPF is the record that speaks last for the domain: its own, or the end of the
// redirects (RFC 7208, 6.1).
func (v *view) endOfSPF() *spf.Node { return v.spf.Policy[len(v.spf.Policy)-1] }

// webGaps say which names of help centres could not be asked.
func (v *view) webGaps() []check.Gap {
	var gaps []check.Gap
	for _, reply := range v.dns().Web {
		if err := reply.Err(); err != nil {
			gaps = append(gaps, check.GapOf("", err))
		}
	}
	if n := v.dns().WebBeyond; n > 0 {
		gaps = append(gaps, check.Gap{Subject: "help centres of " + v.facts.Domain, Why: check.Limit, Cause: check.Errorf("%d names of the zone were not looked at", n)})
	}
	return gaps
}

// sender is a service that the SPF record names.
type sender struct {
	*provider.Provider
	name    string // the include's or redirect's target
	in      string // whose record has it
	literal bool   // it stands in the domain's own record
}

// findSenders goes through the includes of the domain's own records. What a known
// service includes in its turn is the service's business.
func (v *view) findSenders() []sender {
	if v.spf == nil {
		return nil
	}
	var senders []sender
	own := map[string]bool{v.facts.Domain: true}
	for _, l := range v.spf.Links {
		if !own[l.In] {
			continue
		}
		p := v.providers.BySPF(l.Spec)
		if p == nil {
			own[l.Target] = true
			continue
		}
		if !slices.ContainsFunc(senders, func(s sender) bool { return s.Provider == p }) {
			senders = append(senders, sender{p, l.Spec, l.In, l.In == v.facts.Domain})
		}
	}
	return senders
}

// signing says whether a service's DKIM keys are published for the domain.
type signing int

const (
	signingUnknown signing = iota
	signs                  // a key that receivers can use
	published              // the records stand, the key behind them is not known
	signsNot               // none of its selectors has a record
)

// signing looks for a service's keys: by the alias target where there is one, by
// the selector otherwise.
func (v *view) signing(p *provider.Provider) signing {
	if v.dkim == nil {
		return signingUnknown
	}
	owner := func(target string) *provider.Provider {
		if target == "" { // of most selectors, and there is nothing to look for
			return nil
		}
		return v.providers.ByKeyTarget(target)
	}
	through := func(by *provider.Provider) bool { return by == p || by != nil && by.SPFOf == p.ID }
	for _, k := range v.dkim.Keys {
		if by := owner(k.Target); through(by) || by == nil && k.Target == "" && slices.Contains(p.Selectors, k.Selector) {
			return signs
		}
	}
	absent, strays := 0, false
	for _, s := range v.dkim.Selectors {
		by := owner(s.Target)
		switch {
		case aliased(s) && (through(by) || by == nil && slices.Contains(p.Selectors, s.Name)):
			return published
		case slices.Contains(p.Selectors, s.Name) && (s.State == dkim.StateAbsent || s.State == dkim.StateWildcard):
			absent++
		case by == nil && !v.signedBy(s.Name) && (aliased(s) || slices.ContainsFunc(s.Records, func(k *dkim.KeyRecord) bool { return !k.Revoked() })):
			strays = true // it may be this service's: many let the customer choose the selector
		}
	}
	if v.dkim.Complete && !strays || len(p.Keys) > 0 && absent == len(p.Selectors) {
		return signsNot
	}
	return signingUnknown
}

// signedBy reports whether a service that SPF names uses the selector.
func (v *view) signedBy(selector string) bool {
	return slices.ContainsFunc(v.senders, func(s sender) bool { return slices.Contains(s.Selectors, selector) })
}

// aliased reports a selector that is published as an alias whose end did not answer.
func aliased(s *dkim.SelectorAnalysis) bool { return s.State == dkim.StateUnknown && s.Target != "" }

// aliasedKeys reports whether there is such a selector.
func (v *view) aliasedKeys() bool { return slices.ContainsFunc(v.dkim.Selectors, aliased) }

// selector is the analysis of one, nil where it was not asked for.
func (v *view) selector(name string) *dkim.SelectorAnalysis {
	if v.dkim == nil {
		return nil
	}
	for _, s := range v.dkim.Selectors {
		if s.Name == name {
			return s
		}
	}
	return nil
}
