package cli

import (
	"fmt"
	"time"

	"github.com/mailcheck-go/mailcheck"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/wire"
	"github.com/mailcheck-go/mailcheck/dnsx/zone"
	"github.com/mailcheck-go/mailcheck/report"
)

// checker builds what gathers facts, as the network flags say.
func (a *app) checker(n *network, jobs []*job) (*mailcheck.Checker, error) {
	if n.timeout <= 0 {
		return nil, fmt.Errorf("--timeout %s: want more than 0, such as 10s", n.timeout)
	}
	private, err := n.prefixes()
	if err != nil {
		return nil, err
	}
	resolver, err := a.resolver(n)
	if err != nil {
		return nil, err
	}
	for _, j := range jobs {
		a.noteZones(resolver, j.target.Domain)
	}
	return &mailcheck.Checker{
		Resolver: &dnsx.Cache{Next: resolver}, Budget: n.timeout, AllowPrivate: private, Offline: n.offline, Now: a.Now,
	}, nil
}

// resolver is the name servers, under the zones where there are any.
func (a *app) resolver(n *network) (dnsx.Resolver, error) {
	if n.offline && len(n.zones) == 0 {
		return nil, fmt.Errorf("--offline needs --zone: there is nothing else to ask")
	}
	if n.offline && len(n.resolvers) > 0 {
		return nil, fmt.Errorf("--offline asks no name server, and --resolver names one: leave one of them out")
	}
	var servers dnsx.Resolver
	if !n.offline {
		var err error
		if servers, err = a.servers(n); err != nil {
			return nil, err
		}
	}
	if len(n.zones) == 0 {
		return servers, nil
	}
	zones, err := zone.Load(n.zones...)
	if err != nil {
		return nil, fmt.Errorf("--zone: %w", err)
	}
	zones.Next, zones.Now = servers, a.Now
	return zones, nil
}

// noteZones says on stderr what the files have for a domain that is no record by
// itself: what rests on it is unknown.
func (a *app) noteZones(r dnsx.Resolver, domain string) {
	zones, ok := r.(*zone.Zones)
	if !ok {
		return
	}
	for _, note := range zones.Notes() {
		if dnsx.Below(note.Name, domain) {
			fmt.Fprintln(a.Stderr, "mailcheck: note:", report.Clean(note.String()))
		}
	}
}

// servers are those of --resolver, or of the system.
func (a *app) servers(n *network) (dnsx.Resolver, error) {
	if a.Resolver != nil {
		return a.Resolver, nil
	}
	client := &wire.Client{Timeout: 2 * time.Second}
	if len(n.resolvers) == 0 {
		var err error
		if client, err = wire.System(); err != nil {
			return nil, err
		}
	}
	for _, s := range n.resolvers {
		server, err := wire.ParseServer(s)
		if err != nil {
			return nil, fmt.Errorf("--resolver: %w", err)
		}
		client.Servers = append(client.Servers, server)
	}
	if n.trustAD {
		client.TrustAD = wire.TrustAlways
	}
	return client, nil
}
