package mailcheck

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mailcheck-go/mailcheck/caa"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/mx"
	"github.com/mailcheck-go/mailcheck/provider"
	"github.com/mailcheck-go/mailcheck/tlscert"
)

// certificates finds the hosts whose certificates matter, then looks at them: those
// that were given, help centres that a help desk hosts, the MTA-STS policy host and the
// MX hosts.
func (d *discovery) certificates(ctx context.Context) {
	domain := d.facts.Domain
	hosts := slices.Clone(d.given)
	sts := dnsx.Q(dnsx.Join("_mta-sts", domain), dnsx.TypeTXT)
	var wg sync.WaitGroup
	wg.Go(func() { d.facts.DNS.Web, d.facts.DNS.WebBeyond = d.web(ctx) })
	var published bool
	wg.Go(func() {
		for _, rr := range dnsx.Ask(ctx, d.resolver, sts)[0].Records() {
			published = published || strings.HasPrefix(rr.Text(), "v=STSv1")
		}
	})
	var exchangers []tlscert.Host
	wg.Go(func() { exchangers = d.exchangers(ctx) })
	wg.Wait()
	for _, reply := range d.facts.DNS.Web {
		if desk, _ := helpDesk(reply, d.providers()); desk != nil {
			hosts = append(hosts, tlscert.Host{Name: reply.Question.Name, Why: "CNAME to " + desk.Name, HTTP: true})
		}
	}
	if published {
		hosts = append(hosts, tlscert.Host{Name: dnsx.Join("mta-sts", domain), Why: "MTA-STS record"})
	}
	var web []string
	for _, h := range hosts {
		if h.Name != domain {
			web = append(web, h.Name)
		}
	}
	wg.Go(func() { d.facts.HostCAA = d.hostCAA(ctx, web) })
	d.facts.TLSCert = d.probe(ctx, d.Budget, append(hosts, exchangers...))
	wg.Wait()
}

// probe shakes hands with the hosts. Waiting for a place of a Prober that others share
// does not count in the budget, and ends with ctx.
func (d *discovery) probe(ctx context.Context, budget time.Duration, hosts []tlscert.Host) *tlscert.Facts {
	if len(hosts) == 0 { // nil would be the domain itself
		return &tlscert.Facts{Domain: d.facts.Domain, At: d.facts.At, Hosts: []tlscert.HostFacts{}}
	}
	o := tlscert.Options{
		Budget: budget, Hosts: hosts, Now: d.Now,
		Prober: d.Prober, Fetcher: d.Fetcher, ARIDirectory: d.ARIDirectory, Deep: d.Deep,
	}
	switch {
	case d.Offline:
		o.Prober, o.Fetcher = &tlscert.Prober{Dialer: nobody{}, AllowPrivate: everywhere}, nil
	case o.Prober == nil:
		o.Prober = &tlscert.Prober{AllowPrivate: d.AllowPrivate}
	}
	f, _ := tlscert.Discover(ctx, d.resolver, d.facts.Domain, o)
	return f
}

// everywhere is what an offline check may dial: then that it is offline is the reason
// that is said, not the address.
var everywhere = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}

// exchangers are the domain's MX hosts.
func (d *discovery) exchangers(ctx context.Context) []tlscert.Host {
	if d.SkipMX {
		return nil
	}
	var hosts []tlscert.Host
	for _, rr := range dnsx.Ask(ctx, d.resolver, dnsx.Q(d.facts.Domain, dnsx.TypeMX))[0].Records() {
		if _, host, ok := rr.MX(); ok && host != "." && len(hosts) < mx.MaxHosts {
			hosts = append(hosts, tlscert.Host{Name: host, Port: 25, Protocol: tlscert.SMTP, Why: "MX record"})
		}
	}
	return hosts
}

// hostCAA asks for the CAA records of hosts that are not the domain itself, side by
// side: their names share most of the questions.
func (d *discovery) hostCAA(ctx context.Context, names []string) []*caa.Facts {
	slices.Sort(names)
	names = slices.Compact(names)
	all := make([]*caa.Facts, min(len(names), caaMax))
	var wg sync.WaitGroup
	for i := range all {
		wg.Go(func() { all[i], _ = caa.Discover(ctx, d.resolver, names[i], caa.Options{Budget: d.Budget, Host: true}) })
	}
	wg.Wait()
	return slices.DeleteFunc(all, func(f *caa.Facts) bool { return f == nil })
}

// caaMax bounds the hosts of a domain whose CAA records are asked for.
const caaMax = 100

// webNames are the names below a domain where help centres usually stand.
var webNames = []string{"support", "help", "helpcenter", "helpdesk", "desk"}

// webMax bounds the names of a zone that are looked through for help centres.
const webMax = 5000

// web asks for the aliases among the names where a help centre may stand: of a
// listed zone every name, otherwise the usual ones. It returns how many names past
// webMax were not asked for, too.
func (d *discovery) web(ctx context.Context) (replies []dnsx.Reply, beyond int) {
	names, listed := d.names()
	if !listed {
		names = nil
		for _, label := range webNames {
			names = append(names, dnsx.Join(label, d.facts.Domain))
		}
	}
	var qs []dnsx.Question
	for _, name := range names {
		if strings.HasPrefix(name, "_") || strings.HasPrefix(name, "*") || strings.Contains(name, "._") {
			continue
		}
		if len(qs) == webMax {
			beyond++
			continue
		}
		qs = append(qs, dnsx.Q(name, dnsx.TypeCNAME))
	}
	replies = dnsx.Ask(ctx, d.resolver, qs...)
	if listed { // of a whole zone only what is an alias is worth keeping
		replies = slices.DeleteFunc(replies, func(r dnsx.Reply) bool { return r.Absent() || delegated(r) })
	}
	return replies, beyond
}

// delegated reports that a zone file does not answer for a name that it has: another
// zone begins there, and the top of a zone is no alias (RFC 1034, 3.6.2: it has a SOA).
func delegated(r dnsx.Reply) bool {
	return r.Failure != nil && r.Failure.Kind == dnsx.KindNotAsked && len(r.Chain()) == 0
}

// helpDesk is the help desk that hosts the page at an alias, and its name there; nil
// where none does. The alias is what was asked for, or led to the answer.
func helpDesk(reply dnsx.Reply, set *provider.Set) (desk *provider.Provider, target string) {
	for _, rr := range slices.Concat(reply.Chain(), reply.Records()) {
		if target, ok := rr.Target(); ok {
			if p := set.ByWeb(target); p != nil && p.Is(provider.HelpDesk) {
				return p, target
			}
		}
	}
	return nil, ""
}

func parseHosts(hosts []string) ([]tlscert.Host, error) {
	var parsed []tlscert.Host
	for _, s := range hosts {
		h, err := tlscert.ParseHost(s)
		if err != nil {
			return nil, err
		}
		h.Why, h.Given = "given", true
		parsed = append(parsed, h)
	}
	return parsed, nil
}
