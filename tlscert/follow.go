package tlscert

import (
	"context"
	"crypto/x509"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/mailcheck-go/mailcheck/dnsx"
)

// Bounds of what one Discover follows.
const (
	maxFollowed = 64 // leaves
	maxPointers = 2  // of one kind in one certificate
	maxSteps    = 4  // issuers above a leaf that are fetched
	maxFetched  = 200
	maxBodies   = 16 << 20 // octets of all answers together
)

// follow fetches what the certificates in f point to. Everything that does not wait
// for another answer is fetched side by side.
func (f *Facts) follow(ctx context.Context, r dnsx.Resolver, o Options) {
	if o.Fetcher == nil {
		return
	}
	w := &follower{ctx: ctx, resolver: r, fetcher: o.Fetcher, directory: o.ARIDirectory, got: map[fetchKey]*Fetched{}}
	seen := map[string]bool{}
	for _, h := range f.Hosts {
		for _, e := range h.Endpoints {
			if e.TLS == nil || len(e.TLS.Chain) == 0 || len(seen) == maxFollowed || seen[string(e.TLS.Chain[0])] {
				continue
			}
			seen[string(e.TLS.Chain[0])] = true
			if chain := parseChain(e.TLS.Chain); len(chain) > 0 && !f.At.After(chain[0].NotAfter) {
				w.wg.Go(func() { w.leaf(chain, len(e.TLS.OCSP) > 0) })
			}
		}
	}
	w.wg.Wait()
	for _, got := range w.got {
		f.Fetched = append(f.Fetched, *got)
	}
	slices.SortFunc(f.Fetched, func(a, b Fetched) int {
		return strings.Compare(string(a.Kind)+" "+a.URL, string(b.Kind)+" "+b.URL)
	})
}

// parseChain reads a chain up to the first certificate that cannot be read.
func parseChain(ders [][]byte) (chain []*x509.Certificate) {
	for _, der := range ders[:min(len(ders), maxChain)] {
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			break
		}
		chain = append(chain, cert)
	}
	return chain
}

// follower fetches for one Discover, each URL once.
type follower struct {
	ctx       context.Context
	resolver  dnsx.Resolver
	fetcher   *Fetcher
	directory string
	wg        sync.WaitGroup

	mu     sync.Mutex
	got    map[fetchKey]*Fetched
	octets int
}

// get returns a copy of what became of a URL. Past the bounds it is a Failure.
func (w *follower) get(kind FetchKind, link string) Fetched {
	key := fetchKey{kind, link}
	got := w.fetcher.get(w.ctx, w.resolver, kind, link)
	w.mu.Lock()
	defer w.mu.Unlock()
	if old, ok := w.got[key]; ok {
		return *old
	}
	limit := ""
	switch {
	case len(w.got) >= maxFetched:
		limit = "more URLs than are followed"
	case w.octets+len(got.Body) > maxBodies:
		limit = "more than is read for one domain"
	}
	if limit != "" {
		got.Body, got.Failure = nil, &Failure{Stage: Request, Kind: KindLimit, Detail: limit}
	}
	if len(w.got) < maxFetched {
		w.got[key] = &got
	}
	w.octets += len(got.Body)
	return got
}

// leaf follows one server certificate.
func (w *follower) leaf(chain []*x509.Certificate, stapled bool) {
	leaf := chain[0]
	if selfIssued(leaf) {
		return
	}
	lists := crlURLs(leaf)
	for _, link := range lists {
		w.wg.Go(func() { w.get(FetchCRL, link) })
	}
	w.wg.Go(func() { w.renewal(leaf) })
	issuer := servedIssuer(chain)
	if issuer == nil {
		issuer = w.issuers(leaf)
	}
	if issuer == nil || len(lists) > 0 && stapled {
		return
	}
	for _, link := range ocspURLs(leaf, issuer) {
		w.get(FetchOCSP, link)
	}
}

// servedIssuer is a certificate of the chain whose name is that of the leaf's issuer.
func servedIssuer(chain []*x509.Certificate) *x509.Certificate {
	for _, c := range chain[1:] {
		if named(c, chain[0]) {
			return c
		}
	}
	return nil
}

// issuers fetches the issuers above a leaf that comes without one, up to the root,
// and returns the first of them.
func (w *follower) issuers(leaf *x509.Certificate) (first *x509.Certificate) {
	below := leaf
	for range maxSteps {
		issuer := w.issuer(below)
		if issuer == nil {
			return first
		}
		if first == nil {
			first = issuer
		}
		if selfIssued(issuer) {
			return first
		}
		below = issuer
	}
	return first
}

func (w *follower) issuer(c *x509.Certificate) *x509.Certificate {
	for _, link := range issuerURLs(c) {
		got := w.get(FetchIssuer, link)
		for _, issuer := range got.certificates() {
			if named(issuer, c) {
				return issuer
			}
		}
	}
	return nil
}

// renewal asks the authority that issued a certificate when to renew it (RFC 9773, 4.1).
func (w *follower) renewal(leaf *x509.Certificate) {
	id, ok := renewalID(leaf)
	link, _ := directoryOf(leaf)
	if link == "" {
		link = w.directory
	}
	if !ok || link == "" {
		return
	}
	directory := w.get(FetchDirectory, link)
	if base := directory.renewalInfo(); base != "" {
		w.get(FetchRenewal, base+"/"+id)
	}
}

// crlURLs are the distribution points of a certificate that can be asked.
func crlURLs(c *x509.Certificate) []string { return first(c.CRLDistributionPoints, "http://") }

// issuerURLs are where a certificate says that its issuer's can be had.
func issuerURLs(c *x509.Certificate) []string {
	return first(c.IssuingCertificateURL, "http://", "https://")
}

// first are the first few of many that begin in one of these ways, each once.
func first(all []string, schemes ...string) (some []string) {
	for _, link := range all {
		known := slices.ContainsFunc(schemes, func(s string) bool { return len(link) > len(s) && strings.EqualFold(link[:len(s)], s) })
		if known && len(link) <= maxURL && !slices.Contains(some, link) && len(some) < maxPointers {
			some = append(some, link)
		}
	}
	return some
}

// retryAfter is how long to wait before the next look at renewal information. It is
// no more than a day and no less than a minute; six hours where the server did not say
// or its answer is of no use (RFC 9773, 4.3.2 and 4.3.3).
func (got *Fetched) retryAfter() time.Duration {
	const unsaid = 6 * time.Hour
	if got.Failure != nil || got.Status != http.StatusOK {
		return unsaid
	}
	wait := unsaid
	if n, err := strconv.ParseUint(got.RetryAfter, 10, 31); err == nil {
		wait = time.Duration(n) * time.Second
	} else if date, err := http.ParseTime(got.RetryAfter); err == nil {
		wait = date.Sub(got.At)
	}
	return max(time.Minute, min(wait, 24*time.Hour))
}
