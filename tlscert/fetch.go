package tlscert

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/internal/dial"
	"github.com/mailcheck-go/mailcheck/internal/fetch"
)

// Fetcher gets what certificates point to: missing issuers, revocation lists, OCSP
// responses and renewal information. The zero value works. Discover calls that share
// one share what it got, too, and never ask for the same URL twice at once. It may
// be used by many goroutines; the fields must not change once it is in use.
//
// Certificates are others' data, so it connects to public addresses and the ports 80
// and 443 only, except where AllowPrivate opens a range: there it takes any port.
type Fetcher struct {
	// Dialer takes the place of the guarded one, and of the rules about addresses and ports.
	Dialer Dialer
	// AllowPrivate opens ranges that are otherwise not dialled because they are not public.
	AllowPrivate []netip.Prefix
	// Roots are those that HTTPS servers have to be verified by; those of the system if nil.
	Roots *x509.CertPool
	// Timeout bounds one URL with its redirects; 5 s if 0.
	Timeout time.Duration
	// Size is how many octets of answers are kept for later calls; 64 MB if 0.
	Size int
	Now  func() time.Time // time.Now if nil

	mu      sync.Mutex
	kept    map[fetchKey]*fetchEntry
	octets  int
	flights map[fetchKey]*fetchFlight
	slots   chan struct{}
}

type fetchKey struct {
	kind FetchKind
	url  string
}

// fetchEntry is an answer that is kept.
type fetchEntry struct {
	fetched Fetched
	until   time.Time
}

// fetchFlight is a GET under way. It ends with the last of those who wait for it.
type fetchFlight struct {
	waiting int
	cancel  context.CancelFunc
	done    chan struct{}
	fetched Fetched
}

// Resolve is the stage in which the DNS is asked for the host of a URL.
const Resolve StageName = "resolve"

const (
	maxRedirects     = 3
	maxFetchAddrs    = 8
	maxFlights       = 64 // GETs at once
	maxURL           = 4 << 10
	defaultFetchSize = 64 << 20
)

// MaxCRL is how much of a revocation list is read, in octets.
const MaxCRL = 1 << 20

// fetchMax is how many octets of an answer are read.
var fetchMax = map[FetchKind]int{FetchIssuer: 100 << 10, FetchCRL: MaxCRL, FetchOCSP: 64 << 10, FetchDirectory: 64 << 10, FetchRenewal: 64 << 10}

// get returns what became of a URL, from what is kept where that is fresh. Failures of
// the caller's own time are not shared.
func (f *Fetcher) get(ctx context.Context, r dnsx.Resolver, kind FetchKind, link string) Fetched {
	key := fetchKey{kind, link}
	f.mu.Lock()
	if e, ok := f.kept[key]; ok {
		if f.now().Before(e.until) {
			f.mu.Unlock()
			return e.fetched
		}
		f.drop(key)
	}
	flight := f.flights[key]
	if flight == nil {
		flight = f.start(ctx, r, key)
	}
	flight.waiting++
	f.mu.Unlock()

	select {
	case <-flight.done:
		return flight.fetched
	case <-ctx.Done():
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if flight.waiting--; flight.waiting == 0 {
		flight.cancel()
		if f.flights[key] == flight {
			delete(f.flights, key)
		}
	}
	return Fetched{Kind: kind, URL: link, At: f.at(), Failure: failure(ctx, Request, nil)}
}

// start begins a flight; f.mu is held.
func (f *Fetcher) start(ctx context.Context, r dnsx.Resolver, key fetchKey) *fetchFlight {
	if f.flights == nil {
		f.flights = map[fetchKey]*fetchFlight{}
		f.kept = map[fetchKey]*fetchEntry{}
		f.slots = make(chan struct{}, maxFlights)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	flight := &fetchFlight{cancel: cancel, done: make(chan struct{})}
	f.flights[key] = flight
	go func() {
		defer cancel()
		select {
		case f.slots <- struct{}{}:
			flight.fetched = f.ask(ctx, r, key)
			<-f.slots
		case <-ctx.Done():
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.flights[key] == flight { // somebody still waits
			delete(f.flights, key)
			f.keep(key, flight.fetched)
		}
		close(flight.done)
	}()
	return flight
}

// keep stores an answer for as long as it holds, and drops others where there is no
// room: what ends first goes first. f.mu is held.
func (f *Fetcher) keep(key fetchKey, got Fetched) {
	size := len(got.Body) + len(key.url) + 500
	most := cmp.Or(f.Size, defaultFetchSize)
	if size > most {
		return
	}
	for f.octets+size > most {
		var first fetchKey
		var until time.Time
		for k, e := range f.kept {
			if until.IsZero() || e.until.Before(until) {
				first, until = k, e.until
			}
		}
		f.drop(first)
	}
	f.kept[key] = &fetchEntry{fetched: got, until: f.now().Add(got.holds())}
	f.octets += size
}

func (f *Fetcher) drop(key fetchKey) {
	f.octets -= len(f.kept[key].fetched.Body) + len(key.url) + 500
	delete(f.kept, key)
}

func (f *Fetcher) now() time.Time {
	if f.Now != nil {
		return f.Now()
	}
	return time.Now()
}

// at is the time as facts have it: JSON has no monotonic clock.
func (f *Fetcher) at() time.Time { return f.now().UTC().Round(0) }

// holds is how long an answer is worth keeping: until it is replaced at its source, an hour
// at most, and renewal information for as long as the authority asks (RFC 9773, 4.3).
func (got *Fetched) holds() time.Duration {
	const short = time.Minute
	var next time.Time
	switch {
	case got.Failure != nil || got.Status != http.StatusOK:
		return short
	case got.Kind == FetchRenewal:
		return got.retryAfter()
	case got.Kind == FetchCRL:
		if list, err := x509.ParseRevocationList(got.Body); err == nil {
			next = list.NextUpdate
		}
	case got.Kind == FetchOCSP:
		if resp, err := ocsp.ParseResponse(got.Body, nil); err == nil {
			next = resp.NextUpdate
		}
	default:
		return time.Hour
	}
	return max(short, min(time.Hour, next.Sub(got.At)))
}

// ask gets a URL, and what it redirects to where that is allowed.
func (f *Fetcher) ask(ctx context.Context, r dnsx.Resolver, key fetchKey) Fetched {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(f.Timeout, defaultTimeout))
	defer cancel()
	got := Fetched{Kind: key.kind, URL: key.url, At: f.at()}
	redirects := 0
	if key.kind == FetchIssuer || key.kind == FetchCRL {
		redirects = maxRedirects
	}
	link := key.url
	for {
		next, fail := f.once(ctx, r, link, &got)
		switch {
		case fail != nil:
			got.Failure = fail
		case next != "" && redirects > 0:
			redirects--
			link = next
			continue
		case next != "" && (key.kind == FetchIssuer || key.kind == FetchCRL):
			got.Failure = &Failure{Stage: Request, Kind: KindLimit, Detail: fmt.Sprintf("more than %d redirects", maxRedirects)}
		}
		return got
	}
}

// once gets one URL. next is where a redirect points.
func (f *Fetcher) once(ctx context.Context, r dnsx.Resolver, link string, got *Fetched) (next string, fail *Failure) {
	u, port, err := parseURL(link)
	if err != nil {
		return "", &Failure{Stage: Request, Kind: KindNotAsked, Detail: clean(err)}
	}
	addrs, fail := f.resolve(ctx, r, u.Hostname(), port)
	if fail != nil {
		return "", fail
	}
	req := fetch.Request{URL: u.String(), Addrs: addrs, Dialer: f.dialer(), Max: fetchMax[got.Kind]}
	if u.Scheme == "https" {
		req.TLS = &tls.Config{
			ServerName: u.Hostname(), RootCAs: f.Roots, Time: f.Now, NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12,
		}
	}
	resp, err := fetch.Get(ctx, req)
	got.Status = resp.Status
	got.RetryAfter = clip(resp.Header.Get("Retry-After"), 100)
	var failed *fetch.Error
	if errors.As(err, &failed) {
		return "", failure(context.Background(), stages[failed.Stage], failed.Err) // ctx is this URL's own time
	}
	if resp.Truncated {
		return "", &Failure{Stage: Request, Kind: KindLimit, Detail: fmt.Sprintf("more than %d KB", req.Max>>10)}
	}
	if len(resp.Body) > 0 { // what JSON leaves out comes back as nil
		got.Body = resp.Body
	}
	if resp.Status/100 == 3 {
		if to, err := u.Parse(resp.Header.Get("Location")); err == nil {
			return to.String(), nil
		}
	}
	return "", nil
}

var stages = [...]StageName{fetch.Connect: Connect, fetch.Handshake: Handshake, fetch.Exchange: Request}

func (f *Fetcher) dialer() Dialer {
	if f.Dialer != nil {
		return f.Dialer
	}
	return &dial.Dialer{AllowPrivate: f.AllowPrivate}
}
