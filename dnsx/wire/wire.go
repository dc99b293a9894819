// Package wire is a dnsx.Resolver that talks to recursive name servers.
//
//	c, err := wire.System() // or &wire.Client{Servers: …}
//	defer c.Close()
//	reply := dnsx.ReplyOf(q)(c.Resolve(ctx, q))
//
// A question goes out over UDP with an EDNS buffer of 1232 octets, and over TCP
// at once where the answer is truncated. A reply counts only if it comes from the
// server that was asked, on the socket that asked, with the ID and the question
// that were sent (RFC 5452, 9.1), and off loopback with the same upper and lower
// case letters, which are mixed by chance; anything else is passed over and the
// wait goes on. A server that fails is followed by the next one. TCP alone, TLS and
// HTTPS are there where a Server says so; a certificate has to be valid for the
// server's name, the address is given, and no proxy, redirect or cookie has a say.
//
// What comes back is either what a server said, NOERROR or NXDOMAIN, or a
// *dnsx.Failure that says why nobody said anything. A referral from a server that
// does not resolve for others is such a failure, and no statement that there are
// no records.
//
// Names in RDATA are uncompressed and in lower case where the canonical form of
// DNSSEC has them so (RFC 4034, 6.2; RFC 6840, 5.1); all else is as it came, octet
// by octet.
//
// # Sockets
//
// Questions have no goroutine of their own, but over HTTPS, and no socket. Each
// server has up to 8 connected UDP sockets, on ports that the kernel picks, and each
// carries many questions at once. After 4,096 messages or 10 s, or where it gets 256
// guesses, a socket takes nothing new and another one is opened; no ID is used twice
// on one. A TCP connection, one a server, carries many questions at once too (RFC
// 7766, 6.2.1.1 and 6.2.2). What is idle for 3 s is closed: a Client that is not
// closed leaves nothing behind for long.
//
// # Waiting
//
// Of each server at most 64 replies are awaited at once, at first. This window
// grows by half, up to 512, as long as that brings replies faster, and is halved
// where more than a twentieth of the messages is lost. A question without reply is
// sent again after a wait that follows the round trips measured (RFC 6298): 1 s where
// there are none, then at least 250 ms, 100 ms on loopback, and at most 1 s; twice as
// long from try to try, but never longer than Timeout. The next try is on another
// socket, and goes to another server where one answers. The replies to all tries
// count until the question's time is over.
//
// A server that leaves four messages in a row without reply, or whose port is closed,
// is asked for the name servers of the root, which any server knows, and gets no new question meanwhile
// where another answers. If it does not answer that either, it is down for 2 s, 4 s,
// and so on up to 30 s: questions go to the others and, where there is none, fail
// at once. So a server that answers nothing costs one deadline, not one a question.
package wire

import (
	"cmp"
	"context"
	"crypto/x509"
	"sync/atomic"
	"time"

	"github.com/mailcheck-go/mailcheck/dnsx"
)

// Client asks name servers. It is a dnsx.BulkResolver and a dnsx.StreamResolver. The
// zero value of every field but Servers works. A Client may be used by many
// goroutines at once; its fields may not change after the first question, and it
// may not be copied.
type Client struct {
	// Servers are recursive name servers, the preferred one first.
	Servers []Server

	// TrustAD says whose word that an answer was validated is kept in Answer.AD.
	TrustAD TrustAD

	// Timeout is the longest wait for one server before the next try, over UDP or
	// TCP; 0 is 2 s. Over UDP it is shorter where the round trips are.
	Timeout time.Duration

	// Tries is how often a question is sent before it is given up, each time from
	// another socket and to the next server, the first one again after the last. 0 is
	// what is sensible: where servers fail, once for each, but at least twice; where
	// none answers, as often as Total allows, but at most four times, or twice for
	// each. The end of a CNAME chain that has to be asked for by itself is a question
	// of its own.
	Tries int

	// Total bounds the time of a question with all its tries, from the first on; 0 is
	// 2 s, or Timeout, times the number of tries where servers fail.
	Total time.Duration

	// Concurrency is the number of questions that one call of ResolveAll or
	// ResolveEach has under way at once; 0 is as many as the servers take.
	Concurrency int

	// RootCAs are the authorities that may certify servers over tls and https; nil
	// is those of the system.
	RootCAs *x509.CertPool

	engine atomic.Pointer[engine]
	dial   dialFunc // nil: dialNet
}

// TrustAD says which servers, and the paths to them, are trusted to have
// validated an answer when they say so (the AD bit; RFC 4035, 4.9.3).
type TrustAD uint8

const (
	TrustLoopback TrustAD = iota // servers on a loopback address: nobody stands between
	TrustAlways                  // all servers, as "options trust-ad" of resolv.conf(5) says
	TrustNever
)

const defaultTimeout = 2 * time.Second

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
	reply := c.ResolveAll(ctx, []dnsx.Question{q})[0]
	if reply.Answer != nil {
		return reply.Answer, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return nil, reply.Failure
}

// ResolveAll asks many questions, Concurrency of them at once. The replies stand
// in the questions' order.
func (c *Client) ResolveAll(ctx context.Context, qs []dnsx.Question) []dnsx.Reply {
	replies := make([]dnsx.Reply, len(qs))
	if len(qs) == 0 {
		return replies
	}
	e := engineOf(c)
	b := newBatch(qs, c.limit(len(qs)), replies)
	e.submit(b)
	select {
	case <-b.wake:
	case <-ctx.Done():
		e.abandon(b, ctx.Err())
	}
	return replies
}

// ResolveEach is ResolveAll for whoever can use a reply before the last has come:
// it calls each once for every question, with its place in qs, and returns after
// the last call. The calls are made one after another, and hold up nobody else's
// questions.
func (c *Client) ResolveEach(ctx context.Context, qs []dnsx.Question, each func(i int, r dnsx.Reply)) {
	if len(qs) == 0 {
		return
	}
	e := engineOf(c)
	b := newBatch(qs, c.limit(len(qs)), nil)
	e.submit(b)
	defer e.abandon(b, context.Canceled) // where each panics
	ended := ctx.Done()
	var results []result
	for left := len(qs); left > 0; left -= len(results) {
		select {
		case <-b.wake:
		case <-ended:
			e.abandon(b, ctx.Err())
			ended = nil
		}
		results = e.collect(b, results)
		for _, r := range results {
			each(r.place, r.reply)
		}
	}
}

// Close ends all sockets and connections at once, and waits until they have
// ended. Questions under way and later ones fail as canceled. The error is nil.
func (c *Client) Close() error {
	engineOf(c).close()
	return nil
}

// limit is the number of questions under way for a call that has n.
func (c *Client) limit(n int) int {
	if c.Concurrency > 0 {
		return c.Concurrency
	}
	return n
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
