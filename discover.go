package mailcheck

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mailcheck-go/mailcheck/caa"
	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dkim"
	"github.com/mailcheck-go/mailcheck/dmarc"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/internal/dial"
	"github.com/mailcheck-go/mailcheck/mtasts"
	"github.com/mailcheck-go/mailcheck/mx"
	"github.com/mailcheck-go/mailcheck/provider"
	"github.com/mailcheck-go/mailcheck/spf"
	"github.com/mailcheck-go/mailcheck/tlscert"
	"github.com/mailcheck-go/mailcheck/tlsrpt"
)

// Discover asks the network about a domain and writes down what it saw. What
// stays without an answer within the budget is a Failure in the facts. Where the
// domain's servers answer no question about the domain itself, what else was asked
// of them is given up; with a Cache that asks ParentsFirst it is not even asked.
//
// The error is a *dnsx.NameError or *tlscert.HostError where the domain, a selector
// or a host is none, or the error of ctx where that ended; the facts so far come
// back with the latter alone. It panics where c has no Resolver.
func (c *Checker) Discover(ctx context.Context, t Target) (*Facts, error) {
	if c.Resolver == nil {
		panic("mailcheck: Checker.Resolver is nil") // here, where the caller can see it, and not in a goroutine
	}
	domain, err := dnsx.ParseName(t.Domain)
	if err != nil {
		return nil, err
	}
	for _, s := range t.Selectors {
		if _, err := dnsx.ParseName(dnsx.Join(s, "_domainkey.example")); err != nil {
			return nil, fmt.Errorf("selector %q: %w", s, err)
		}
	}
	given, err := parseHosts(t.Hosts)
	if err != nil {
		return nil, err
	}
	job, cancel := dnsx.WithBudget(ctx, c.Budget)
	defer cancel()
	cache := c.cache()
	defer cache.Job(domain)() // a shared cache keeps what other domains may ask for too
	d := &discovery{
		Checker: c, given: given, resolver: cache, inSteps: cache.CutAfter > 0 && cache.ParentsFirst,
		facts: &Facts{
			Schema: FactsSchema, Tool: "mailcheck " + Version, Domain: domain, At: c.now(),
			Given: Given{Selectors: t.Selectors, Hosts: t.Hosts, Role: t.Role, Require: t.Require},
		},
	}
	d.names = sync.OnceValues(d.list)
	d.run(job, t)
	return d.facts, ctx.Err()
}

func (c *Checker) cache() *dnsx.Cache {
	if cache, ok := c.Resolver.(*dnsx.Cache); ok {
		return cache
	}
	return &dnsx.Cache{Next: c.Resolver}
}

func (c *Checker) providers() *provider.Set {
	if c.Providers != nil {
		return c.Providers
	}
	return provider.Builtin()
}

// discovery is one run. The rooms share a cache, so each asks what it needs and
// no question leaves twice; what two rooms need together goes as plain values.
type discovery struct {
	*Checker
	resolver dnsx.Resolver
	inSteps  bool // the resolver asks about the domain before it asks about names below
	given    []tlscert.Host
	facts    *Facts

	// names are all names at and below the domain, where the resolver knows them.
	names func() (names []string, listed bool)
}

// run starts everything at once, but in steps looks first whether the domain's servers
// answer: with 50 selectors a domain, those few that fail would else be asked the most.
// CAA is asked all the same, since there a failure has a meaning of its own (RFC 8659, 3).
//
// The rooms' errors are the context's alone, and the caller's context is looked at by
// Discover.
func (d *discovery) run(job context.Context, t Target) {
	ctx, giveUp := context.WithCancel(job)
	defer giveUp()
	rest, leave := context.WithCancel(ctx)
	defer leave()
	if d.inSteps && d.fault(ctx) != "" {
		leave()
	}
	f, r, domain := d.facts, d.resolver, d.facts.Domain
	f.DNS = &DNSFacts{}
	selectors := make([]dkim.Selector, 0, len(t.Selectors))
	for _, s := range t.Selectors {
		selectors = append(selectors, dkim.Selector{Name: s, Why: "given"})
	}
	var wg sync.WaitGroup
	wg.Go(func() { d.ahead(rest, dkim.Options{Selectors: selectors}) })
	wg.Go(func() { d.plain(ctx) })
	wg.Go(func() { f.DNS.Asked = dnsx.Ask(rest, r, t.Ask[:min(len(t.Ask), askMax)]...) })
	wg.Go(func() { f.SPF, _ = spf.Discover(rest, r, domain, d.spfOptions()) })
	wg.Go(func() { f.DNS.Subdomains = d.subdomains(rest) })
	wg.Go(func() { f.DNS.Bounce = d.bounces(rest) })
	wg.Go(func() { f.DMARC, _ = dmarc.Discover(rest, r, domain, dmarc.Options{Budget: d.Budget}) })
	wg.Go(func() {
		f.MX, _ = mx.Discover(rest, r, domain, mx.Options{Budget: d.Budget, Organization: organization(domain)})
	})
	wg.Go(func() { f.MTASTS, _ = mtasts.Discover(rest, r, domain, d.mtastsOptions()) })
	wg.Go(func() { f.CAA, _ = caa.Discover(ctx, r, domain, caa.Options{Budget: d.Budget}) })
	wg.Go(func() { f.TLSRPT, _ = tlsrpt.Discover(rest, r, domain, tlsrpt.Options{Budget: d.Budget}) })
	wg.Go(func() {
		o := dkim.Options{Budget: d.Budget, Selectors: append(selectors, d.providerSelectors(rest)...)}
		f.DKIM, _ = dkim.Discover(rest, r, domain, o)
	})
	wg.Go(func() {
		if len(d.given) > 0 { // their names may be elsewhere
			d.certificates(job)
			return
		}
		d.certificates(rest)
	})
	wg.Go(func() {
		if d.fault(ctx) == dnsx.KindTimeout {
			// Those that were asked in the same moment end in the same way by themselves.
			select {
			case <-time.After(100 * time.Millisecond):
			case <-ctx.Done():
			}
			giveUp()
		}
	})
	wg.Wait()
}

// fault is the way in which the domain's servers fail, KindTimeout or KindRCode, where
// all questions about the domain itself ended in it. What is asked of silent ones one
// after the other would cost the time of a question each, up to the whole budget, and
// nothing would be known of it.
func (d *discovery) fault(ctx context.Context) dnsx.Kind {
	domain := d.facts.Domain
	var kind dnsx.Kind
	for _, reply := range dnsx.Ask(ctx, d.resolver, dnsx.Q(domain, dnsx.TypeSOA), dnsx.Q(domain, dnsx.TypeTXT), dnsx.Q(domain, dnsx.TypeMX)) {
		f := reply.Failure
		if f == nil || f.Kind != dnsx.KindTimeout && f.Kind != dnsx.KindRCode || kind != "" && kind != f.Kind {
			return ""
		}
		kind = f.Kind
	}
	return kind
}

// ahead asks all questions that the domain alone names, in one go, so that the
// rooms find their answers under way.
func (d *discovery) ahead(ctx context.Context, selectors dkim.Options) {
	if _, listed := d.names(); listed { // zones answer at once, and DKIM selectors are not guessed
		return
	}
	domain := d.facts.Domain
	dnsx.Ask(ctx, d.resolver, slices.Concat(
		spf.Questions(domain, d.spfOptions()), mx.Questions(domain, mx.Options{}), dmarc.Questions(domain, dmarc.Options{}),
		dkim.Questions(domain, selectors), mtasts.Questions(domain, mtasts.Options{}), tlsrpt.Questions(domain, tlsrpt.Options{}),
		caa.Questions(domain, caa.Options{})[:1], // those of the names above are not the domain's to wait for
	)...)
}

// askMax bounds Target.Ask.
const askMax = 16

func (d *discovery) list() (names []string, listed bool) {
	lister, ok := dnsx.ListerOf(d.resolver)
	if !ok {
		return nil, false
	}
	names, err := lister.Names(d.facts.Domain)
	return names, err == nil
}

// plain asks about the name itself, and whether the resolver answers at all.
func (d *discovery) plain(ctx context.Context) {
	replies := dnsx.Ask(ctx, d.resolver, dnsx.Q(d.facts.Domain, dnsx.TypeSOA), dnsx.Q(".", dnsx.TypeNS))
	d.facts.DNS.SOA, d.facts.DNS.Control = replies[0], replies[1]
}

// providerSelectors are those of the services that the SPF record's text and the
// MX hosts name: both are in after one round trip.
func (d *discovery) providerSelectors(ctx context.Context) []dkim.Selector {
	var selectors []dkim.Selector
	seen := map[string]bool{}
	add := func(p *provider.Provider) {
		if p == nil || seen[p.ID] {
			return
		}
		seen[p.ID] = true
		for _, name := range p.Selectors {
			selectors = append(selectors, dkim.Selector{Name: name, Why: "provider:" + p.ID})
		}
	}
	for _, p := range d.included(ctx) {
		add(p)
	}
	for _, rr := range dnsx.Ask(ctx, d.resolver, dnsx.Q(d.facts.Domain, dnsx.TypeMX))[0].Records() {
		if _, host, ok := rr.MX(); ok {
			add(d.providers().ByMX(host))
		}
	}
	return selectors
}

// included are the services that the text of the domain's SPF record names.
func (d *discovery) included(ctx context.Context) []*provider.Provider {
	var named []*provider.Provider
	for _, rr := range dnsx.Ask(ctx, d.resolver, dnsx.Q(d.facts.Domain, dnsx.TypeTXT))[0].Records() {
		text := rr.Text()
		if !spf.IsRecord(text) {
			continue
		}
		for _, term := range strings.Fields(text) {
			if i := strings.IndexAny(term, ":="); i >= 0 {
				if p := d.providers().BySPF(term[i+1:]); p != nil && !slices.Contains(named, p) {
					named = append(named, p)
				}
			}
		}
	}
	return named
}

// spfOptions ask for the obsolete type where all is wanted that can be known, and of
// zones, which answer at once and drop nothing.
func (d *discovery) spfOptions() spf.Options {
	_, listed := d.names()
	return spf.Options{Budget: d.Budget, Type99: d.Deep || listed, Also: d.includes(d.facts.Given.Require)}
}

func (d *discovery) mtastsOptions() mtasts.Options {
	o := mtasts.Options{Budget: d.Budget}
	if !d.Offline {
		o.Dialer = &dial.Dialer{AllowPrivate: d.AllowPrivate}
	}
	return o
}

// nobody is the dialer of an offline check.
type nobody struct{}

func (nobody) DialContext(context.Context, string, string) (net.Conn, error) {
	return nil, errOffline{}
}

type errOffline struct{}

func (errOffline) Error() string { return "the check is offline" }

// Gap tells package check that nobody was asked (check.GapOf reads it).
func (errOffline) Gap() (subject, why string) { return "", string(check.NotAsked) }
