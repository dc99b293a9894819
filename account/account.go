// Package account looks at what an account at some service names outside of the
// service: the domains that mail leaves under, and the hosts of its pages.
//
// What an account tells is an [Account]: package zendesk has one, and another help
// desk is one more package with this interface. What is done with it is the same for
// all: [Look] runs the whole check of every domain and host, side by side and
// bounded, and gives back what it saw, [Outside], for the account's own rules to join
// with what the account says.
//
// The facts of a domain are judged and let go, so that memory grows with the reports
// and not with the answers of hundreds of domains. Whoever wants the facts takes them
// from Options.Keep, and judges them later through a [Source] that reads them back.
package account

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mailcheck-go/mailcheck"
	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/provider"
	"github.com/mailcheck-go/mailcheck/spf"
	"github.com/mailcheck-go/mailcheck/tlscert"
)

// Account is what is known of an account once it was read. Its methods ask nobody.
type Account interface {
	// Service is the service's id in package provider.
	Service() string
	// Domains are those that mail of the account leaves under, each once.
	Domains() []Domain
	// Hosts are those of its pages that stand under names of the owner's, each once.
	Hosts() []Host
	// Judge says what the account's rules make of the account and of what was seen
	// outside; nil: nobody looked. The reports of Outside stand in the report.
	Judge(*Outside) *check.Report
}

// Domain is a domain of an account.
type Domain struct {
	Name string          // as dnsx.ParseName takes it
	Skip check.Text      // why it is not looked at; zero: it is
	Ask  []dnsx.Question // as Target.Ask
}

// Host is a host with a page of an account.
type Host struct {
	Name string // at port 443
}

// Outside is what was seen of an account's domains and hosts.
type Outside struct {
	Domains map[string]*DomainView // by name; those that were skipped are not there
	Hosts   map[string]*HostView   // by name
}

// DomainView is what is kept of a domain.
type DomainView struct {
	Report *check.Report
	Use    *mailcheck.ServiceUse // how it stands with the account's service
	Asked  []dnsx.Reply          // to Domain.Ask
	Err    error                 // the name is no domain; all else is nil
	all    *check.Report         // with the rules that the settings leave out
}

// HostView is what is kept of a host.
type HostView struct {
	Report *check.Report
	Alias  []string // where its CNAME records lead, in their order
	// Missing says that there is no such name, or that it leads to one without address.
	Missing bool
	Gaps    []check.Gap // why Alias and Missing are not known
	Err     error       // the name is no host; all else is nil
	all     *check.Report
}

// Result is that of one rule about the domain, whatever the settings leave out; nil
// where there is none.
func (d *DomainView) Result(id string) *check.Result { return result(d.all, id) }

// Results are those of all rules about the host, whatever the settings leave out.
func (h *HostView) Results() []check.Result {
	if h.all == nil {
		return nil
	}
	return h.all.Results
}

// Result is that of one rule about the host, as of a domain.
func (h *HostView) Result(id string) *check.Result { return result(h.all, id) }

func result(r *check.Report, id string) *check.Result {
	if r == nil {
		return nil
	}
	for i := range r.Results {
		if r.Results[i].ID == id {
			return &r.Results[i]
		}
	}
	return nil
}

// Reports are those of the domains by name, and after them those of the hosts, the
// soonest to expire first and last those that showed no certificate.
func (o *Outside) Reports() []*check.Report {
	if o == nil {
		return nil
	}
	var domains, hosts []*check.Report
	for _, d := range o.Domains {
		if d.Report != nil {
			domains = append(domains, d.Report)
		}
	}
	for _, h := range o.Hosts {
		if h.Report != nil {
			hosts = append(hosts, h.Report)
		}
	}
	slices.SortFunc(domains, func(a, b *check.Report) int { return cmp.Compare(a.Target, b.Target) })
	slices.SortFunc(hosts, func(a, b *check.Report) int {
		endA, endB := Expires(a), Expires(b)
		return cmp.Or(cmp.Compare(boolInt(endA.IsZero()), boolInt(endB.IsZero())), endA.Compare(endB), cmp.Compare(a.Target, b.Target))
	})
	return append(domains, hosts...)
}

// Expires is when the certificate of a host's report ends; zero where none was seen.
func Expires(r *check.Report) time.Time {
	for _, m := range r.Measures {
		if m.Name == "cert_not_after_timestamp_seconds" && m.Subject == r.Target {
			return time.Unix(int64(m.Value), 0).UTC()
		}
	}
	return time.Time{}
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Source is where facts come from: the network, or a folder of saved ones. Its errors
// are those of mailcheck.Checker; ErrAbsent says that it has none.
type Source interface {
	Domain(context.Context, Domain) (*mailcheck.Facts, error)
	Host(context.Context, Host) (*mailcheck.Facts, error)
	// Sender is the SPF tree of the name that a service wants to be included.
	Sender(ctx context.Context, name string) (*mailcheck.Facts, error)
}

// Network is a Source that asks. Its Checker's Resolver should be a *dnsx.Cache,
// which all share, as they do a Prober and a Fetcher.
type Network struct{ *mailcheck.Checker }

// Domain is Checker.Discover.
func (n Network) Domain(ctx context.Context, d Domain) (*mailcheck.Facts, error) {
	return n.Discover(ctx, mailcheck.Target{Domain: d.Name, Ask: d.Ask})
}

// Host is Checker.DiscoverHost.
func (n Network) Host(ctx context.Context, h Host) (*mailcheck.Facts, error) {
	return n.DiscoverHost(ctx, tlscert.Host{Name: h.Name, Why: "host mapping", HTTP: true})
}

// Sender discovers SPF alone.
func (n Network) Sender(ctx context.Context, name string) (*mailcheck.Facts, error) {
	f, err := spf.Discover(ctx, n.Resolver, name, spf.Options{Budget: n.Budget})
	if f == nil {
		return nil, err
	}
	now := time.Now
	if n.Now != nil {
		now = n.Now
	}
	return &mailcheck.Facts{Schema: mailcheck.FactsSchema, Tool: "mailcheck " + mailcheck.Version, Domain: f.Domain, At: now().UTC(), SPF: f}, err
}

// Kind says what facts are of.
type Kind string

// The kinds.
const (
	KindDomain Kind = "domain"
	KindHost   Kind = "host"
	KindSender Kind = "sender" // the SPF tree of the service
)

// Options say how Look looks. The zero value works.
type Options struct {
	Settings mailcheck.Settings // of the judgement of domains and hosts
	AtOnce   int                // domains side by side, and as many hosts; 16 if 0
	// Keep gets all facts, one call at a time, before they are let go; its error ends
	// the run. nil: they are not kept.
	Keep func(Kind, *mailcheck.Facts) error
	// Progress is told how many of the domains and hosts are done, one call at a time.
	Progress func(done, of int)
}

// Look looks at all domains and hosts of an account. The error is the caller's own
// ctx.Err(), beside what was seen so far, or that of Keep, or one of a Source that
// is neither about a name nor ErrAbsent.
func Look(ctx context.Context, from Source, a Account, o Options) (*Outside, error) {
	l := &look{from: from, o: o, out: &Outside{Domains: map[string]*DomainView{}, Hosts: map[string]*HostView{}}}
	caller := ctx
	ctx, l.stop = context.WithCancelCause(caller)
	defer l.stop(nil)
	l.service(ctx, a.Service())
	var domains []func()
	for _, d := range a.Domains() {
		if d.Skip.IsZero() {
			domains = append(domains, func() { l.domain(ctx, d) })
		}
	}
	var hosts []func()
	for _, h := range a.Hosts() {
		hosts = append(hosts, func() { l.host(ctx, h) })
	}
	l.of = len(domains) + len(hosts)
	var wg sync.WaitGroup
	wg.Go(func() { side(ctx, cmp.Or(o.AtOnce, 16), domains) })
	wg.Go(func() { side(ctx, cmp.Or(o.AtOnce, 16), hosts) })
	wg.Wait()
	if err := caller.Err(); err != nil {
		return l.out, err
	}
	return l.out, context.Cause(ctx) // nil where nothing stopped it
}

// side runs functions side by side, a bounded number at once.
func side(ctx context.Context, atOnce int, all []func()) {
	places := make(chan struct{}, atOnce)
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, f := range all {
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
			return
		}
		wg.Go(func() {
			defer func() { <-places }()
			f()
		})
	}
}

// look is one run.
type look struct {
	from     Source
	o        Options
	stop     context.CancelCauseFunc
	provider *provider.Provider
	sends    []netip.Prefix // where the service sends from

	mu       sync.Mutex // of the rest, and of Keep and Progress
	out      *Outside
	done, of int
}

func (l *look) providers() *provider.Set {
	if l.o.Settings.Providers != nil {
		return l.o.Settings.Providers
	}
	return provider.Builtin()
}

// service finds out where the service sends from.
func (l *look) service(ctx context.Context, id string) {
	if l.provider = l.providers().Get(id); l.provider == nil {
		l.provider = &provider.Provider{ID: id, Name: id}
	}
	if len(l.provider.SPF) == 0 || strings.HasPrefix(l.provider.SPF[0], "*.") {
		return
	}
	f, err := l.from.Sender(ctx, l.provider.SPF[0])
	if !l.usable(KindSender, f, err) {
		return
	}
	for _, s := range spf.Analyze(f.SPF).Authorized {
		l.sends = append(l.sends, s.Prefix)
	}
}

// usable passes facts on to be kept, and ends the run where that, or getting them,
// fails for a reason that is nobody's name.
func (l *look) usable(kind Kind, f *mailcheck.Facts, err error) bool {
	if err != nil && !aboutName(err) {
		l.stop(err)
		return false // facts that broke off are not kept
	}
	if f == nil {
		return false
	}
	if l.o.Keep != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		if err := l.o.Keep(kind, f); err != nil {
			l.stop(err)
		}
	}
	return true
}

func (l *look) domain(ctx context.Context, d Domain) {
	view := &DomainView{}
	f, err := l.from.Domain(ctx, d)
	if l.usable(KindDomain, f, err) {
		view.Report, view.all = l.judge(f)
		view.Use = mailcheck.UseOf(f, l.provider, l.sends)
		if f.DNS != nil {
			view.Asked = f.DNS.Asked
		}
	} else {
		view.Err = err
	}
	l.finish(func() { l.out.Domains[d.Name] = view })
}

func (l *look) host(ctx context.Context, h Host) {
	view := &HostView{}
	f, err := l.from.Host(ctx, h)
	if l.usable(KindHost, f, err) {
		view.Report, view.all = l.judge(f)
		view.alias(f)
	} else {
		view.Err = err
	}
	l.finish(func() { l.out.Hosts[h.Name] = view })
}

// judge makes the report as it is wanted, and one with all rules.
func (l *look) judge(f *mailcheck.Facts) (wanted, all *check.Report) {
	wanted = mailcheck.Judge(f, l.o.Settings)
	if len(l.o.Settings.Only)+len(l.o.Settings.Skip) == 0 {
		return wanted, wanted
	}
	whole := l.o.Settings
	whole.Only, whole.Skip = nil, nil
	return wanted, mailcheck.Judge(f, whole)
}

func (l *look) finish(put func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	put()
	l.done++
	if l.o.Progress != nil {
		l.o.Progress(l.done, l.of)
	}
}

// alias reads the way that a host's name leads.
func (v *HostView) alias(f *mailcheck.Facts) {
	var reply dnsx.Reply
	q := dnsx.Q(f.Domain, dnsx.TypeA)
	if f.TLSCert != nil && len(f.TLSCert.Hosts) > 0 {
		h := f.TLSCert.Hosts[0]
		if reply = h.A.To(q); reply.Err() != nil && len(reply.Chain()) == 0 {
			q.Type = dnsx.TypeAAAA
			reply = h.AAAA.To(q)
		}
		v.Missing = h.A.Absent() && (h.AAAA.Absent() || h.A.Answer.RCode == dnsx.NXDomain)
	}
	for _, rr := range reply.Chain() {
		if target, ok := rr.Target(); ok {
			v.Alias = append(v.Alias, target)
		}
	}
	if err := reply.To(q).Err(); err != nil && len(v.Alias) == 0 {
		v.Gaps = []check.Gap{check.GapOf("", err)}
	}
}
