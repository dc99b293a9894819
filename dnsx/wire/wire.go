// Package wire is a dnsx.Resolver that talks to recursive name servers.
//
//	c, err := wire.System() // or &wire.Client{Servers: …}
//	reply := dnsx.ReplyOf(q)(c.Resolve(ctx, q))
//
// A question goes out over UDP with an EDNS buffer of 1232 octets, and over TCP
// at once where the answer is truncated. A reply counts only if it comes from the
// server that was asked, on the socket that asked, with the ID and the question
// that were sent (RFC 5452, 9.1); anything else is passed over and the wait goes
// on. A server that fails is followed by the next one.
//
// What comes back is either what a server said, NOERROR or NXDOMAIN, or a
// *dnsx.Failure that says why nobody said anything. A referral from a server that
// does not resolve for others is such a failure, and no statement that there are
// no records.
//
// Names in RDATA are uncompressed and in lower case where the canonical form of
// DNSSEC has them so (RFC 4034, 6.2; RFC 6840, 5.1); all else is as it came, octet
// by octet.
package wire

import (
	"cmp"
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mailcheck-go/mailcheck/dnsx"
)

// Client asks name servers. It is a dnsx.BulkResolver and a dnsx.StreamResolver. The zero value of every
// field but Servers works. A Client may be used by many goroutines at once; its
// fields may not change after the first question, and it may not be copied then.
type Client struct {
	// Servers are recursive name servers, the preferred one first.
	Servers []Server

	// TrustAD says whose word that an answer was validated is kept in Answer.AD.
	TrustAD TrustAD

	// Timeout bounds one exchange with one server, over UDP or TCP; 0 is 2 s.
	Timeout time.Duration

	// Tries is how often a question is put before it is given up, each time from
	// a new socket and to the next server, the first one again after the last; 0 is
	// once for each server, but at least twice. The end of a CNAME chain that has to
	// be asked for by itself is a question of its own.
	Tries int

	// Total bounds one call of Resolve with all its tries; 0 is Timeout times Tries.
	Total time.Duration

	// Concurrency is the number of questions that one call of ResolveAll or
	// ResolveEach has under way at once; 0 is 64.
	Concurrency int
}

// TrustAD says which servers, and the paths to them, are trusted to have
// validated an answer when they say so (the AD bit; RFC 4035, 4.9.3).
type TrustAD uint8

const (
	TrustLoopback TrustAD = iota // servers on a loopback address: nobody stands between
	TrustAlways                  // all servers, as "options trust-ad" of resolv.conf(5) says
	TrustNever
)

const (
	defaultTimeout     = 2 * time.Second
	defaultConcurrency = 64
)

// Resolve asks one question. CNAME records are followed, and where a server
// leaves a chain unfinished the rest is asked for. The error is a *dnsx.Failure,
// or the error of ctx where that ended first; a wait ends with ctx at once. Where
// servers failed in different ways the Failure speaks of the one that said most.
//
// A server that does not understand EDNS (FORMERR, BADVERS) is asked again
// without it, unless the question is for DNSSEC: an answer to a question without
// the DO bit says nothing about signatures.
func (c *Client) Resolve(ctx context.Context, q dnsx.Question) (*dnsx.Answer, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	start := time.Now()
	bounded, cancel := context.WithTimeout(ctx, c.total())
	defer cancel()
	l := lookup{client: c, question: q}
	a, fail := l.run(bounded)
	if fail == nil {
		return a, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	fail.Question, fail.Tries, fail.Took = q, l.tries, time.Since(start)
	return nil, fail
}

// ResolveAll asks many questions, Concurrency of them at once. The replies stand
// in the questions' order.
func (c *Client) ResolveAll(ctx context.Context, qs []dnsx.Question) []dnsx.Reply {
	replies := make([]dnsx.Reply, len(qs))
	c.ResolveEach(ctx, qs, func(i int, r dnsx.Reply) { replies[i] = r })
	return replies
}

// ResolveEach is ResolveAll for whoever can use a reply before the last has come:
// it calls each once for every question, with its place in qs, and returns after
// the last call. Calls are made by several goroutines at once.
func (c *Client) ResolveEach(ctx context.Context, qs []dnsx.Question, each func(i int, r dnsx.Reply)) {
	var taken atomic.Int64
	var wg sync.WaitGroup
	for range min(cmp.Or(c.Concurrency, defaultConcurrency), len(qs)) {
		wg.Go(func() {
			for {
				i := int(taken.Add(1)) - 1
				if i >= len(qs) {
					return
				}
				each(i, dnsx.ReplyOf(qs[i])(c.Resolve(ctx, qs[i])))
			}
		})
	}
	wg.Wait()
}

func (c *Client) timeout() time.Duration { return cmp.Or(c.Timeout, defaultTimeout) }

func (c *Client) tries() int { return cmp.Or(c.Tries, max(2, len(c.Servers))) }

func (c *Client) total() time.Duration {
	return cmp.Or(c.Total, c.timeout()*time.Duration(c.tries()))
}

// trusts reports whether the AD bit of a server's answers is kept.
func (c *Client) trusts(s Server) bool {
	return c.TrustAD == TrustAlways || c.TrustAD == TrustLoopback && s.Addr.Addr().IsLoopback()
}
