package tlscert

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/mailcheck-go/mailcheck/check"
)

// Points is what became of what a leaf points to, where it was fetched.
type Points struct {
	// Revocation has what each source says; empty where the leaf names none.
	Revocation []Revocation
	// Renewal is nil where the authority said nothing, or was not asked.
	Renewal *Renewal

	staples    []staple
	issuers    []*x509.Certificate // that signed the leaf, served or fetched
	fetched    []fetchedIssuer     // above the leaf, that were fetched
	renewalGap *check.Gap          // why Renewal is not known
}

// staple is a stapled response, and who serves it.
type staple struct {
	Revocation
	addrs []netip.Addr
}

// fetchedIssuer is an issuer's certificate that a chain lacks.
type fetchedIssuer struct {
	*x509.Certificate
	url string
}

// lacks names the intermediates that a leaf without an issuer lacks, and where the
// first of them is to be had; none where they were not fetched.
func (p *Points) lacks() (names []string, from string) {
	for _, c := range p.fetched {
		if !selfIssued(c.Certificate) {
			names = append(names, label(c.Certificate))
		}
	}
	if len(names) > 0 {
		from = clip(p.fetched[0].url, 300)
	}
	return names, from
}

// Bounds of what is read out of facts that may come from anybody.
const (
	maxReads  = 2000     // signatures, and kilobytes of OCSP responses
	maxParsed = 64 << 20 // octets of lists
	// maxOCSP is an OCSP response's size, in octets: it comes with keys of its own to verify
	// it with, and a large key takes seconds. Responses have 500 to 6,000.
	maxOCSP = 16 << 10
)

// pointReader joins leaves with what was fetched for them.
type pointReader struct {
	facts  *Facts
	at     map[fetchKey]*Fetched
	crls   map[string]*crl // by URL
	certs  map[string][]*x509.Certificate
	left   int // of maxReads
	octets int // of CRLs to parse
}

// points fills in the Points of every leaf.
func (a *Analysis) points(f *Facts) {
	r := &pointReader{
		facts: f, at: map[fetchKey]*Fetched{}, crls: map[string]*crl{}, certs: map[string][]*x509.Certificate{},
		left: maxReads, octets: maxParsed,
	}
	for i := range f.Fetched[:min(len(f.Fetched), maxReads)] {
		got := &f.Fetched[i]
		if key := (fetchKey{got.Kind, got.URL}); r.at[key] == nil && len(got.Body) <= max(fetchMax[got.Kind], 1) {
			r.at[key] = got
		}
	}
	for i, h := range a.Hosts {
		for _, l := range h.Leaves {
			r.leaf(h, l, &f.Hosts[i])
		}
	}
}

func (r *pointReader) leaf(h *Served, l *Leaf, f *HostFacts) {
	if selfIssued(l.Certificate) {
		return
	}
	// Who signed it matters to answers alone, and a signature costs more than all the rest.
	if len(r.facts.Fetched) > 0 || slices.ContainsFunc(f.Endpoints, stapled) {
		r.issuers(l)
	}
	r.staples(l, f)
	for _, link := range crlURLs(l.Certificate) {
		l.Revocation = append(l.Revocation, r.crl(l, link))
	}
	r.ocsp(l)
	r.renewal(l)
}

func stapled(e Endpoint) bool { return e.TLS != nil && len(e.TLS.OCSP) > 0 }

// spend reports whether there is as much left.
func (r *pointReader) spend(n int) bool {
	r.left -= n
	return r.left >= 0
}

// issuers collects who signed the leaf: what any chain of it has, and what was
// fetched for it.
func (r *pointReader) issuers(l *Leaf) {
	for _, c := range l.Chains {
		for _, issuer := range c.Certificates[1:] {
			r.issuer(l, issuer)
		}
	}
	below := l.Certificate
	for range maxSteps {
		above := r.above(below)
		if above == nil {
			return
		}
		l.fetched = append(l.fetched, *above)
		if below == l.Certificate {
			r.issuer(l, above.Certificate)
		}
		if selfIssued(above.Certificate) {
			return
		}
		below = above.Certificate
	}
}

func (r *pointReader) issuer(l *Leaf, issuer *x509.Certificate) {
	if named(issuer, l.Certificate) && !slices.ContainsFunc(l.issuers, issuer.Equal) && r.spend(1) && signs(issuer, l.Certificate) {
		l.issuers = append(l.issuers, issuer)
	}
}

// above is the issuer of a certificate, among what was fetched for it.
func (r *pointReader) above(c *x509.Certificate) *fetchedIssuer {
	for _, link := range issuerURLs(c) {
		got := r.at[fetchKey{FetchIssuer, link}]
		if got == nil {
			continue
		}
		if _, ok := r.certs[link]; !ok {
			r.certs[link] = got.certificates()
		}
		for _, issuer := range r.certs[link] {
			if named(issuer, c) && tolerable(issuer) && r.spend(1) && signs(issuer, c) {
				return &fetchedIssuer{issuer, link}
			}
		}
	}
	return nil
}

// staples groups what the addresses of a leaf staple.
func (r *pointReader) staples(l *Leaf, f *HostFacts) {
	at := map[[32]byte]int{}
	for i := range f.Endpoints[:min(len(f.Endpoints), maxEndpoints)] {
		e := &f.Endpoints[i]
		if e.TLS == nil || len(e.TLS.OCSP) == 0 || !bytes.Equal(firstOf(e.TLS.Chain), l.Raw) {
			continue
		}
		sum := sha256.Sum256(e.TLS.OCSP)
		n, ok := at[sum]
		if !ok {
			n = len(l.staples)
			at[sum] = n
			l.staples = append(l.staples, staple{Revocation: r.response("the stapled OCSP response", e.TLS.OCSP, l)})
			l.Revocation = append(l.Revocation, l.staples[n].Revocation)
		}
		l.staples[n].addrs = append(l.staples[n].addrs, e.Addr)
	}
}

func firstOf(chain [][]byte) []byte {
	if len(chain) == 0 {
		return nil
	}
	return chain[0]
}

func (r *pointReader) response(source string, body []byte, l *Leaf) Revocation {
	if len(body) > maxOCSP || !r.spend(1+len(body)>>10) {
		return unknown(source, &boundError{"what it says"})
	}
	return readOCSP(source, body, l.Certificate, l.issuers)
}

func (r *pointReader) crl(l *Leaf, link string) Revocation {
	source := "CRL " + clip(link, 300)
	got := r.at[fetchKey{FetchCRL, link}]
	if got == nil {
		return r.notAsked(source)
	}
	list := r.crls[link]
	if list == nil {
		if r.octets -= len(got.Body); r.octets < 0 {
			return unknown(source, &boundError{"what was fetched"})
		}
		parsed := parseCRL(got)
		list = &parsed
		r.crls[link] = list
	}
	if !r.spend(1) {
		return unknown(source, &boundError{"what was fetched"})
	}
	return list.says(source, l.Certificate, l.issuers)
}

// ocsp adds what the responders said, where they were asked: they need not be where
// a list and a staple say the same.
func (r *pointReader) ocsp(l *Leaf) {
	bases := first(l.OCSPServer, "http://")
	if len(bases) == 0 {
		return
	}
	said := false
	for _, issuer := range l.issuers {
		for i, link := range ocspURLs(l.Certificate, issuer) {
			got := r.at[fetchKey{FetchOCSP, link}]
			if got == nil {
				continue
			}
			said = true
			source := "OCSP " + clip(bases[i], 300)
			if err := got.err(); err != nil {
				l.Revocation = append(l.Revocation, unknown(source, err))
				continue
			}
			l.Revocation = append(l.Revocation, r.response(source, got.Body, l))
		}
	}
	if said || len(l.Revocation) > 0 {
		return
	}
	source := "OCSP " + clip(bases[0], 300)
	if len(l.issuers) == 0 && len(r.facts.Fetched) > 0 {
		l.Revocation = append(l.Revocation, unknown(source, errNoIssuer))
		return
	}
	l.Revocation = append(l.Revocation, r.notAsked(source))
}

// notAsked is a source that nobody asked.
func (r *pointReader) notAsked(source string) Revocation {
	return Revocation{Source: source, State: RevocationUnknown, gap: &check.Gap{Subject: source, Why: check.NotAsked}}
}

// renewal finds the answer about a leaf by the certificate's name for the authority.
// What an authority does not know (404) it says nothing about: that is an answer.
func (r *pointReader) renewal(l *Leaf) {
	id, ok := renewalID(l.Certificate)
	if !ok {
		return
	}
	link, known := directoryOf(l.Certificate)
	var directory *Fetched
	for i := range r.facts.Fetched[:min(len(r.facts.Fetched), maxReads)] {
		got := &r.facts.Fetched[i]
		switch {
		case got.Kind == FetchRenewal && strings.HasSuffix(got.URL, "/"+id):
			l.Renewal, l.renewalGap = renewalOf(got)
			return
		case got.Kind == FetchDirectory && (got.URL == link || !known && !listed(got.URL)):
			directory = got
		}
	}
	subject := "the renewal information of " + issuerName(l.Certificate)
	switch {
	case directory != nil && directory.err() != nil:
		gap := check.GapOf(subject, directory.err())
		l.renewalGap = &gap
	case directory == nil && known:
		l.renewalGap = &check.Gap{Subject: subject, Why: check.NotAsked}
	}
}

func listed(link string) bool {
	return slices.ContainsFunc(directories, func(d directory) bool { return d.url == link })
}

func renewalOf(got *Fetched) (*Renewal, *check.Gap) {
	if got.Failure == nil && (got.Status == http.StatusNotFound || got.Status == http.StatusGone) {
		return nil, nil
	}
	var info *Renewal
	err := got.err()
	if err == nil && len(got.Body) <= fetchMax[FetchRenewal] {
		info, err = parseRenewal(got.Body)
	}
	if info == nil {
		gap := check.GapOf("the renewal information at "+clip(got.URL, 300), err)
		return nil, &gap
	}
	info.URL, info.At, info.RetryAfter = got.URL, got.At, got.retryAfter()
	return info, nil
}

// NextCheck is when it is worth looking again: after a day, a twentieth of the
// shortest lifetime, or when an authority wants to be asked again about a renewal,
// whichever is first. It is no sooner than a minute after the facts; whoever looks at
// many domains spreads the looks. Zero where the facts have no time.
func (a *Analysis) NextCheck() time.Time {
	if a.At.IsZero() {
		return time.Time{}
	}
	next := a.At.Add(24 * time.Hour)
	sooner := func(t time.Time) {
		if t.Before(next) {
			next = t
		}
	}
	for _, h := range a.Hosts {
		for _, l := range h.Leaves {
			sooner(a.At.Add(l.Lifetime() / 20))
			if l.Renewal != nil {
				sooner(l.Renewal.At.Add(l.Renewal.RetryAfter))
			}
		}
	}
	if soonest := a.At.Add(time.Minute); next.Before(soonest) {
		return soonest
	}
	return next
}
