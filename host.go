package mailcheck

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/mailcheck-go/mailcheck/caa"
	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/tlscert"
)

// DiscoverHost looks at the certificates of one host, and at what decides whether
// they can be renewed. [Judge] then judges the rules about certificates alone.
//
// The error is a *dnsx.NameError or *tlscert.HostError where h is no host, or that of
// ctx beside the facts so far. It panics where c has no Resolver.
func (c *Checker) DiscoverHost(ctx context.Context, h tlscert.Host) (*Facts, error) {
	if c.Resolver == nil {
		panic("mailcheck: Checker.Resolver is nil")
	}
	h, err := h.Normal()
	if err != nil {
		return nil, err
	}
	cache := c.cache()
	defer cache.Job(h.Name)()
	d := &discovery{Checker: c, resolver: cache, facts: &Facts{
		Schema: FactsSchema, Tool: "mailcheck " + Version, Domain: h.Name, Host: h.String(), At: c.now(),
	}}
	d.host(ctx, h)
	return d.facts, ctx.Err()
}

// DiscoverFile completes the facts of a file (tlscert.ReadFile) with what its
// certificates point to. The error is that of ctx.
func (c *Checker) DiscoverFile(ctx context.Context, certs *tlscert.Facts) (*Facts, error) {
	f := &Facts{
		Schema: FactsSchema, Tool: "mailcheck " + Version,
		Domain: certs.Domain, Host: certs.Hosts[0].Name, At: c.now(), TLSCert: certs,
	}
	certs.At = f.At
	if !c.Offline {
		certs.Follow(ctx, c.Resolver, tlscert.Options{Budget: c.Budget, Fetcher: c.Fetcher, ARIDirectory: c.ARIDirectory})
	}
	return f, ctx.Err()
}

// CheckHost discovers and judges, as Check does for a domain.
func (c *Checker) CheckHost(ctx context.Context, h tlscert.Host, s Settings) (*check.Report, error) {
	f, err := c.DiscoverHost(ctx, h)
	if f == nil {
		return nil, err
	}
	return Judge(f, s), err
}

// host gathers what DiscoverHost wants.
func (d *discovery) host(ctx context.Context, h tlscert.Host) {
	var wg sync.WaitGroup
	if len(h.Addrs) == 0 || h.ServerName != "" {
		name := h.Name
		if h.ServerName != "" {
			name = h.ServerName
		}
		wg.Go(func() {
			d.facts.CAA, _ = caa.Discover(ctx, d.resolver, name, caa.Options{Budget: d.Budget, Host: true})
		})
	}
	wg.Go(func() {
		job, cancel := dnsx.WithBudget(ctx, d.Budget)
		defer cancel()
		if len(h.Addrs) == 0 && h.Protocol == tlscert.HTTPS { // an alias shows in an answer that is needed anyway
			desk, _ := helpDesk(dnsx.Ask(job, d.resolver, dnsx.Q(h.Name, dnsx.TypeA))[0], d.providers())
			h.HTTP = h.HTTP || desk != nil
		}
		end, _ := job.Deadline()
		d.facts.TLSCert = d.probe(ctx, max(time.Until(end), 1), []tlscert.Host{h})
	})
	wg.Wait()
}

// fileRules are what facts of a file with certificates are judged by.
var fileRules = []string{"cert.*"}

// addressRules are what facts of an address are judged by, of which the DNS knows nothing.
var addressRules = []string{"cert.*", "tls.*", "smtp.*"}

func isAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

// about reports whether a rule has something to say about the facts.
func (f *Facts) about(id string) bool {
	switch {
	case f.Host == "":
		return true
	case f.TLSCert != nil && slices.ContainsFunc(f.TLSCert.Hosts, func(h tlscert.HostFacts) bool { return h.Protocol == tlscert.File }):
		return check.Selected(id, fileRules, nil)
	case f.CAA == nil && isAddress(f.Domain):
		return check.Selected(id, addressRules, nil)
	}
	return check.Selected(id, hostRules, nil)
}

// hostRules are what facts of one host alone are judged by: what is about its
// certificate, about whoever serves its page, and whether there is such a name.
var hostRules = []string{
	"dns.nxdomain", "provider.host-dangling", "provider.host-unmapped", "cert.*", "tls.*", "smtp.*",
	"caa.lookup-fails", "caa.malformed-issue", "caa.critical-unknown", "caa.tag-invalid", "caa.parameter-invalid",
	"caa.accounturi", "caa.accounturi-duplicate", "caa.validationmethods", "caa.cert-not-authorized", "caa.renewal-blocked",
}

func (c *Checker) now() time.Time {
	if c.Now == nil {
		return time.Now().UTC()
	}
	return c.Now().UTC()
}
