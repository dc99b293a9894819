package wire_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"testing"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/wire"
)

func TestSeveralServers(t *testing.T) {
	refused := always(response{rcode: dns.RcodeRefused})
	servfail := always(response{rcode: dns.RcodeServerFailure})
	bogus := always(response{rcode: dns.RcodeServerFailure, ede: []dns.EDNS0_EDE{{InfoCode: 6}}})
	ede := []dnsx.EDE{{Code: 6}}
	garbage := func(w dns.ResponseWriter, query *dns.Msg) { w.Write(pack(right.to(query))[:40]) }
	tests := []struct {
		name    string
		handles []dns.HandlerFunc // nil: nobody listens
		tries   int
		want    dnsx.Failure // Server by its number, from 1; none: the right answer comes
		at      int
	}{
		{name: "REFUSED, then the next", handles: []dns.HandlerFunc{refused, always(right)}},
		{name: "SERVFAIL, then the next", handles: []dns.HandlerFunc{servfail, always(right)}},
		{name: "NOTIMP, then the next", handles: []dns.HandlerFunc{always(response{rcode: dns.RcodeNotImplemented}), always(right)}},
		{name: "silence, then the next", handles: []dns.HandlerFunc{silent, always(right)}},
		{name: "nobody listens, then the next", handles: []dns.HandlerFunc{nil, always(right)}},
		{name: "what cannot be read, then the next", handles: []dns.HandlerFunc{garbage, always(right)}},
		{name: "the third", handles: []dns.HandlerFunc{refused, refused, always(right)}},
		{
			name: "no third try", handles: []dns.HandlerFunc{refused, refused, always(right)}, tries: 2,
			want: dnsx.Failure{Kind: dnsx.KindRCode, RCode: dnsx.Refused, Tries: 2}, at: 2,
		},
		{
			name: "one server is asked twice", handles: []dns.HandlerFunc{silent}, tries: 2,
			want: dnsx.Failure{Kind: dnsx.KindTimeout, Tries: 2}, at: 1,
		},
		{
			name: "round again", handles: []dns.HandlerFunc{refused, silent}, tries: 3,
			want: dnsx.Failure{Kind: dnsx.KindRCode, RCode: dnsx.Refused, Tries: 3}, at: 1,
		},
		{
			name: "a response code says more than silence", handles: []dns.HandlerFunc{refused, silent}, tries: 2,
			want: dnsx.Failure{Kind: dnsx.KindRCode, RCode: dnsx.Refused, Tries: 2}, at: 1,
		},
		{
			name: "SERVFAIL says more than REFUSED", handles: []dns.HandlerFunc{servfail, refused},
			want: dnsx.Failure{Kind: dnsx.KindRCode, RCode: dnsx.ServFail, Tries: 2}, at: 1,
		},
		{
			name: "SERVFAIL with its reason says most", handles: []dns.HandlerFunc{bogus, servfail},
			want: dnsx.Failure{Kind: dnsx.KindRCode, RCode: dnsx.ServFail, EDE: ede, Tries: 2}, at: 1,
		},
		{
			name: "what cannot be read says more than silence", handles: []dns.HandlerFunc{garbage, silent}, tries: 2,
			want: dnsx.Failure{
				Kind: dnsx.KindMalformed, Tries: 2, Detail: "RDATA that is cut off at octet 39",
			}, at: 1,
		},
		{
			name: "silence says more than a closed port", handles: []dns.HandlerFunc{silent, nil}, tries: 2,
			want: dnsx.Failure{Kind: dnsx.KindTimeout, Tries: 2}, at: 1,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var servers []wire.Server
			for _, handle := range tt.handles {
				server := closed
				if handle != nil {
					server = serve(t, handle)
				}
				servers = append(servers, server)
			}
			if tt.at == 0 {
				patiently(t, "udp right", tt.tries, servers...)
				return
			}
			tt.want.Question, tt.want.Server = question, servers[tt.at-1].String()
			patiently(t, tt.want, tt.tries, servers...)
		})
	}
}

func TestClosedPortFailsAtOnce(t *testing.T) {
	c := closing(t, &wire.Client{Servers: []wire.Server{closed}, Timeout: forever})
	assert.Equal(t, dnsx.Failure{
		Question: question, Kind: dnsx.KindNetwork, Server: closed.String(), Tries: 2,
		Detail: "udp: connection refused",
	}, outcome(c.Resolve(t.Context(), question)))
}

func TestWhatCannotBeAsked(t *testing.T) {
	assert.Equal(t, dnsx.Failure{
		Question: question, Kind: dnsx.KindNetwork, Detail: "no name server is configured",
	}, outcome(new(wire.Client).Resolve(t.Context(), question)))

	empty := dnsx.Q("a..example", dnsx.TypeTXT)
	c := closing(t, &wire.Client{Servers: []wire.Server{closed}})
	assert.Equal(t, dnsx.Failure{
		Question: empty, Kind: dnsx.KindNotAsked,
		Detail: `"a..example" is no domain name: an empty label at octet 2`,
	}, outcome(c.Resolve(t.Context(), empty)))
}

func TestTotalBoundsAllTries(t *testing.T) {
	server := serve(t, silent)
	c := closing(t, &wire.Client{Servers: []wire.Server{server}, Timeout: forever, Total: patience})
	assert.Equal(t, dnsx.Failure{
		Question: question, Kind: dnsx.KindTimeout, Server: server.String(), Tries: 1,
	}, outcome(c.Resolve(t.Context(), question)))
}

// Each wait would last for hours if the context did not end it.
func TestCancellationEndsTheWait(t *testing.T) {
	for _, proto := range []string{"udp", "tcp"} {
		t.Run(proto, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			server := serve(t, func(w dns.ResponseWriter, query *dns.Msg) {
				if proto == "tcp" && !overTCP(w) {
					w.WriteMsg(response{tc: true}.to(query))
					return
				}
				cancel()
			})
			c := closing(t, &wire.Client{Servers: []wire.Server{server}, Timeout: forever})
			_, err := c.Resolve(ctx, question)
			assert.Equal(t, context.Canceled, err)
			_, err = c.Resolve(ctx, question)
			assert.Equal(t, context.Canceled, err, "a context that ended before")
		})
	}
}

func TestDeadlineOfTheCallerIsTheBudget(t *testing.T) {
	c := closing(t, &wire.Client{Servers: []wire.Server{serve(t, silent)}, Timeout: forever})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	replies := dnsx.Ask(ctx, c, question, dnsx.Q("b.example", dnsx.TypeMX))
	for _, reply := range replies {
		assert.Equal(t, &dnsx.Failure{Question: reply.Question, Kind: dnsx.KindBudget}, reply.Failure)
	}
}

func TestResolveAllKeepsOrderAndBound(t *testing.T) {
	const bound = 3
	var mu sync.Mutex
	under, most := 0, 0
	full := make(chan struct{}) // closed when the bound has been reached once
	server := serve(t, func(w dns.ResponseWriter, query *dns.Msg) {
		mu.Lock()
		if under++; under > most {
			if most = under; most == bound {
				close(full)
			}
		}
		mu.Unlock()
		<-full
		mu.Lock()
		under--
		mu.Unlock()
		w.WriteMsg(response{answer: []string{query.Question[0].Name + " 60 IN TXT " + query.Question[0].Name}}.to(query))
	})
	c := closing(t, &wire.Client{Servers: []wire.Server{server}, Timeout: forever, Concurrency: bound})
	var qs []dnsx.Question
	for _, label := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		qs = append(qs, dnsx.Q(label+".example", dnsx.TypeTXT))
	}
	for i, reply := range dnsx.Ask(t.Context(), c, qs...) {
		require.NoError(t, reply.Err())
		assert.Equal(t, qs[i], reply.Question)
		assert.Equal(t, qs[i].Name+".", reply.Records()[0].Text())
	}
	mu.Lock()
	defer mu.Unlock()
	assert.Equal(t, bound, most)
	assert.Empty(t, c.ResolveAll(t.Context(), nil))
}

// The server answers the second question only when the reply to the first is there.
func TestResolveEachWaitsForNoOther(t *testing.T) {
	first := make(chan struct{})
	server := serve(t, func(w dns.ResponseWriter, query *dns.Msg) {
		if query.Question[0].Name == "b.example." {
			<-first
		}
		w.WriteMsg(right.to(query))
	})
	c := closing(t, &wire.Client{Servers: []wire.Server{server}, Timeout: forever})
	qs := []dnsx.Question{question, dnsx.Q("b.example", dnsx.TypeTXT)}
	replies := make([]dnsx.Reply, len(qs))
	dnsx.AskEach(t.Context(), c, qs, func(i int, r dnsx.Reply) {
		replies[i] = r
		if i == 0 {
			close(first)
		}
	})
	for i, reply := range replies {
		require.NoError(t, reply.Err())
		assert.Equal(t, qs[i], reply.Question)
	}
}

func TestResolveEachEndsWithTheContext(t *testing.T) {
	server := serve(t, byName(map[string]response{"n0.example.": {}}))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c := closing(t, &wire.Client{Servers: []wire.Server{server, serve(t, silent)}, Timeout: forever, Concurrency: 10})
	kinds := map[dnsx.Kind]int{}
	c.ResolveEach(ctx, many(100), func(i int, r dnsx.Reply) {
		assert.Equal(t, many(100)[i], r.Question)
		cancel()
		if r.Failure != nil {
			kinds[r.Failure.Kind]++
		}
	})
	assert.Equal(t, map[dnsx.Kind]int{dnsx.KindCanceled: 99}, kinds)
}

func TestResolveEachWhosePanicEndsIt(t *testing.T) {
	c := closing(t, &wire.Client{Servers: []wire.Server{serve(t, always(right))}, Timeout: forever})
	assert.Panics(t, func() {
		c.ResolveEach(t.Context(), []dnsx.Question{question, question, question}, func(int, dnsx.Reply) { panic("enough") })
	})
	assert.Equal(t, "udp right", outcome(c.Resolve(t.Context(), question)))
}

func TestServersOfSeveralKinds(t *testing.T) {
	both := serve(t, always(right))
	tcp, closedTCP, odd := both, closed, both
	tcp.Proto, closedTCP.Proto, odd.Proto = "tcp", "tcp", "dot"
	tests := []struct {
		name    string
		servers []wire.Server
		want    any
	}{
		{name: "TCP where it is asked for", servers: []wire.Server{tcp}, want: "tcp right"},
		{name: "UDP fails, then TCP", servers: []wire.Server{closed, tcp}, want: "tcp right"},
		{name: "TCP fails, then UDP", servers: []wire.Server{closedTCP, both}, want: "udp right"},
		{name: "a protocol that nobody knows", servers: []wire.Server{odd}, want: dnsx.Failure{
			Question: question, Kind: dnsx.KindNetwork, Server: odd.String(), Tries: 2, Detail: `a server with the unknown Proto "dot"`,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := closing(t, &wire.Client{Servers: tt.servers, Timeout: forever})
			assert.Equal(t, tt.want, outcome(c.Resolve(t.Context(), question)))
		})
	}
}

func TestNoWayToTheServer(t *testing.T) {
	server, err := wire.ParseServer("192.0.2.53")
	require.NoError(t, err)
	c := closing(t, wire.Dial(&wire.Client{Servers: []wire.Server{server}}, func(context.Context, string, netip.AddrPort) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ENETUNREACH)}
	}))
	assert.Equal(t, dnsx.Failure{
		Question: question, Kind: dnsx.KindNetwork, Server: server.String(), Tries: 2, Detail: "udp: network is unreachable",
	}, outcome(c.Resolve(t.Context(), question)))
}

func TestEveryQueryHasItsOwnID(t *testing.T) {
	const n = 200
	var mu sync.Mutex
	asked := map[string]int{}
	server := serve(t, func(w dns.ResponseWriter, query *dns.Msg) {
		mu.Lock()
		asked[fmt.Sprint(query.Id, w.RemoteAddr())]++
		mu.Unlock()
		w.WriteMsg(right.to(query))
	})
	c := closing(t, &wire.Client{Servers: []wire.Server{server}})
	for range n {
		_, err := c.Resolve(t.Context(), question)
		require.NoError(t, err)
	}
	mu.Lock()
	defer mu.Unlock()
	assert.Len(t, asked, n, "an ID is used once on a socket")
}
