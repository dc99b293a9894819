// Command certs looks at the certificates of a list of hosts, side by side, and says
// which is the first to expire.
//
//	certs help.acme.example mx1.acme.example:25 imap.acme.example:143
//
// All hosts share one Prober and one Fetcher: however many names stand at an address,
// no more than a few connections to it are open at once, and a revocation list that a
// thousand certificates name is fetched once.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/wire"
	"github.com/mailcheck-go/mailcheck/tlscert"
)

func main() {
	err := func() error {
		client, err := wire.System()
		if err != nil {
			return err
		}
		defer client.Close()
		c := &certs{resolver: &dnsx.Cache{Next: client}, prober: &tlscert.Prober{}, fetcher: &tlscert.Fetcher{}}
		return c.run(context.Background(), os.Stdout, os.Args[1:])
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, "certs:", err)
		os.Exit(2)
	}
}

// certs has what all hosts share.
type certs struct {
	resolver dnsx.Resolver
	prober   *tlscert.Prober
	fetcher  *tlscert.Fetcher
}

// run writes a line a host, in the order of the list, and the first to expire.
func (c *certs) run(ctx context.Context, w io.Writer, list []string) error {
	hosts := make([]tlscert.Host, len(list))
	for i, text := range list {
		var err error
		if hosts[i], err = tlscert.ParseHost(text); err != nil {
			return err
		}
		hosts[i].Given = true // by whoever started the program: addresses that are not public are dialled too
	}
	seen := make([]*tlscert.Analysis, len(hosts))
	var wg sync.WaitGroup
	for i, h := range hosts {
		wg.Go(func() {
			facts, err := tlscert.Discover(ctx, c.resolver, h.Name, tlscert.Options{
				Hosts: []tlscert.Host{h}, Prober: c.prober, Fetcher: c.fetcher,
			})
			if err == nil {
				seen[i] = tlscert.Analyze(facts)
			}
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return err
	}
	var first *tlscert.Served
	for _, a := range seen {
		h := a.Hosts[0]
		end := h.NotAfter()
		if end.IsZero() {
			fmt.Fprintf(w, "%s: no certificate was seen (%d things are not known)\n", h, len(h.Gaps))
			continue
		}
		fmt.Fprintf(w, "%s: until %s, at %d addresses; look again at %s\n",
			h, end.Format(time.DateOnly), h.Seen, a.NextCheck().Format(time.RFC3339))
		if first == nil || end.Before(first.NotAfter()) {
			first = h
		}
	}
	if first != nil {
		fmt.Fprintf(w, "The first to expire is that of %s, on %s.\n", first, first.NotAfter().Format(time.DateOnly))
	}
	return nil
}
