package mailcheck

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/provider"
	"github.com/mailcheck-go/mailcheck/tlscert"
)

// certificates finds the hosts whose certificates matter, then looks at them: those
// that were given, help centres that a help desk hosts, and the MTA-STS policy host.
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
	wg.Wait()
	for _, reply := range d.facts.DNS.Web {
		if p := helpDesk(reply, d.providers()); p != nil {
			hosts = append(hosts, tlscert.Host{Name: reply.Question.Name, Why: "CNAME to " + p.Name})
		}
	}
	if published {
		hosts = append(hosts, tlscert.Host{Name: dnsx.Join("mta-sts", domain), Why: "MTA-STS record"})
	}
	if len(hosts) == 0 {
		d.facts.TLSCert = &tlscert.Facts{Domain: domain, At: d.facts.At, Hosts: []tlscert.HostFacts{}}
		return
	}
	d.facts.TLSCert, _ = tlscert.Discover(ctx, d.resolver, domain, tlscert.Options{
		Budget: d.Budget, Hosts: hosts, Now: d.Now,
		Prober:  &tlscert.Prober{Dialer: d.dialer(), AllowPrivate: d.allowed()},
		Fetcher: d.fetcher(),
	})
}

// fetcher is nil offline.
func (d *discovery) fetcher() *tlscert.Fetcher {
	if d.Offline {
		return nil
	}
	return d.Fetcher
}

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

// helpDesk is the help desk that hosts the page at an alias, nil where none does.
func helpDesk(reply dnsx.Reply, set *provider.Set) *provider.Provider {
	for _, rr := range reply.Records() {
		if target, ok := rr.Target(); ok {
			if p := set.ByWeb(target); p != nil && p.Is(provider.HelpDesk) {
				return p
			}
		}
	}
	return nil
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
