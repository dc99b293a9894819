package cli

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/mailcheck-go/mailcheck"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/wire"
	"github.com/mailcheck-go/mailcheck/dnsx/zone"
	"github.com/mailcheck-go/mailcheck/report"
)

// source is what is asked: a checker, and the zones under it where there are any.
type source struct {
	*mailcheck.Checker
	zones *zone.Zones
}

// source is built as the network flags say.
func (a *app) source(n *network) (*source, error) {
	if n.timeout <= 0 {
		return nil, fmt.Errorf("--timeout %s: want more than 0, such as 10s", n.timeout)
	}
	private, err := n.prefixes()
	if err != nil {
		return nil, err
	}
	resolver, zones, err := a.resolver(n)
	if err != nil {
		return nil, err
	}
	return &source{
		Checker: &mailcheck.Checker{
			Resolver: &dnsx.Cache{Next: resolver}, Budget: n.timeout, AllowPrivate: private, Offline: n.offline, Now: a.Now,
		},
		zones: zones,
	}, nil
}

// resolver is the name servers, under the zones where there are any.
func (a *app) resolver(n *network) (dnsx.Resolver, *zone.Zones, error) {
	if n.offline && len(n.zones) == 0 {
		return nil, nil, errors.New("--offline needs --zone: there is nothing else to ask")
	}
	if n.offline && len(n.resolvers) > 0 {
		return nil, nil, errors.New("--offline asks no name server, and --resolver names one: leave one of them out")
	}
	var servers dnsx.Resolver
	if !n.offline {
		var err error
		if servers, err = a.servers(n); err != nil {
			return nil, nil, err
		}
	}
	if len(n.zones) == 0 {
		return servers, nil, nil
	}
	zones, err := zone.Load(n.zones...)
	if err != nil {
		return nil, nil, fmt.Errorf("--zone: %w", err)
	}
	zones.Next, zones.Now = servers, a.Now
	return zones, zones, nil
}

// knows refuses a name of which nothing can be found out: offline, and in no zone.
// Said as a report it would be all unknown, and pass for a check in CI.
func (s *source) knows(domain string) error {
	if s.zones == nil || !s.Offline {
		return nil
	}
	apexes := s.zones.Apexes()
	for _, apex := range apexes {
		if dnsx.Below(domain, apex) {
			return nil
		}
	}
	if len(apexes) == 0 {
		return fmt.Errorf("%s: no zone file holds it, and --offline asks nobody else; a zone starts at its SOA record, and there is none", domain)
	}
	const shown = 5
	have := strings.Join(apexes[:min(len(apexes), shown)], ", ")
	if len(apexes) > shown {
		have = fmt.Sprintf("%s and %d more", have, len(apexes)-shown)
	}
	return fmt.Errorf("%s: no zone file holds it, and --offline asks nobody else; the zones are %s", domain, have)
}

// notes says on stderr what the files have for a domain that is no record by itself:
// what rests on it is unknown.
func (a *app) notes(s *source, domain string) {
	a.notesOf(s, func(name string) bool { return dnsx.Below(name, domain) })
}

func (a *app) notesOf(s *source, about func(name string) bool) {
	if s.zones == nil {
		return
	}
	for _, note := range s.zones.Notes() {
		if about(note.Name) {
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
