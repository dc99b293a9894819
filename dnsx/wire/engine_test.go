package wire_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/wire"
)

const (
	near = "127.0.0.1"
	far  = "192.0.2.53"
	far2 = "192.0.2.54"
)

func many(n int) []dnsx.Question {
	qs := make([]dnsx.Question, n)
	for i := range qs {
		qs[i] = dnsx.Q(fmt.Sprintf("n%d.example", i), dnsx.TypeTXT)
	}
	return qs
}

// took is the time that all questions take, and how many failed.
func took(t *testing.T, c *wire.Client, qs []dnsx.Question) (d time.Duration, failures int) {
	start := time.Now()
	for i, r := range c.ResolveAll(t.Context(), qs) {
		require.Equal(t, qs[i], r.Question)
		if r.Failure != nil {
			failures++
		}
	}
	return time.Since(start), failures
}

func TestLossCostsLittle(t *testing.T) {
	const n = 20_000
	run := func(server string, every int) (d time.Duration, sent, failures int) {
		synctest.Test(t, func(t *testing.T) {
			seen := 0
			world := &fakeNet{rtt: 20 * time.Millisecond}
			world.handle = func(s netip.AddrPort, query *dns.Msg, reply func(time.Duration, *dns.Msg)) {
				world.mu.Lock()
				seen++
				drop := every > 0 && seen%every == 0
				world.mu.Unlock()
				if !drop {
					truth(s, query, reply)
				}
			}
			c := world.client(server)
			start := time.Now()
			replies := 0
			c.ResolveEach(t.Context(), many(n), func(_ int, r dnsx.Reply) {
				if replies++; replies == n*19/20 {
					d = time.Since(start) // the last ones wait for their tries, not for room
				}
				if r.Failure != nil {
					failures++
				}
			})
			sent = wire.CountsOf(c).Sent
			c.Close()
		})
		return d, sent, failures
	}
	for _, server := range []string{near, far} {
		clean, _, _ := run(server, 0)
		var lossy time.Duration
		var sent, failures int
		const runs = 4 // which message is lost when depends on the order of goroutines: the mean counts
		for range runs {
			d, s, f := run(server, 97)
			lossy, sent, failures = lossy+d/runs, max(sent, s), failures+f
		}
		assert.Zero(t, failures)
		assert.LessOrEqual(t, lossy, clean*4/3, "%s: 1 %% of loss may cost a third of the time, not more (clean %s)", server, clean)
		assert.LessOrEqual(t, sent, n+n/97+n/500, "what was not lost is not sent twice")
	}
}

func TestSilentServerCostsOneDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		world := &fakeNet{}
		c := world.client(far)
		defer c.Close()
		d, failures := took(t, c, many(1000))
		assert.Equal(t, 1000, failures)
		assert.Equal(t, 4*time.Second, d)
		assert.Less(t, len(world.queries()), 4*wire.StartWindow)

		start := time.Now()
		for _, q := range many(100) { // one after another: they fail at once while it is down
			_, err := c.Resolve(t.Context(), q)
			assert.Equal(t, dnsx.KindTimeout, err.(*dnsx.Failure).Kind)
			assert.Equal(t, far+":53", err.(*dnsx.Failure).Server)
		}
		assert.Zero(t, time.Since(start))

		world.handle = truth
		time.Sleep(wire.MaxDown)
		d, failures = took(t, c, many(1000))
		assert.Zero(t, failures, "it is asked again when it is back")
		assert.Less(t, d, time.Second)
	})
}

func TestSilentServerBesideAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dead := netip.MustParseAddrPort(far + ":53")
		world := &fakeNet{rtt: 10 * time.Millisecond}
		world.handle = func(s netip.AddrPort, query *dns.Msg, reply func(time.Duration, *dns.Msg)) {
			if s != dead {
				truth(s, query, reply)
			}
		}
		c := world.client(far, far2)
		defer c.Close()
		d, failures := took(t, c, many(5000))
		assert.Zero(t, failures)
		assert.Less(t, d, 3*time.Second, "one wait of a second, then the other server")
		toDead := 0
		for _, q := range world.queries() {
			if q.server == dead {
				toDead++
			}
		}
		assert.LessOrEqual(t, toDead, wire.StartWindow+2)

		d, failures = took(t, c, many(64))
		assert.Zero(t, failures)
		assert.Less(t, d, 100*time.Millisecond, "the dead one is remembered")
	})
}

// Names of which a server says nothing do not make it a dead server.
func TestSilenceAboutSomeNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		world := &fakeNet{rtt: 10 * time.Millisecond}
		world.handle = func(s netip.AddrPort, query *dns.Msg, reply func(time.Duration, *dns.Msg)) {
			if !strings.HasPrefix(strings.ToLower(query.Question[0].Name), "n") {
				truth(s, query, reply)
			}
		}
		c := world.client(far)
		defer c.Close()
		_, failures := took(t, c, many(600))
		assert.Equal(t, 600, failures)
		assert.GreaterOrEqual(t, wire.CountsOf(c).Window, wire.StartWindow, "nothing was lost")
		a, err := c.Resolve(t.Context(), question)
		require.NoError(t, err)
		assert.Equal(t, 10*time.Millisecond, a.RTT)
	})
}

// A server that takes forty messages at a time and drops the others.
func TestWindowFindsWhatTheServerTakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		world := &fakeNet{rtt: 20 * time.Millisecond}
		under := 0
		world.handle = func(s netip.AddrPort, query *dns.Msg, reply func(time.Duration, *dns.Msg)) {
			world.mu.Lock()
			defer world.mu.Unlock()
			if under < 40 {
				under++
				time.AfterFunc(world.rtt, func() {
					world.mu.Lock()
					under--
					world.mu.Unlock()
				})
				truth(s, query, reply)
			}
		}
		c := world.client(far)
		defer c.Close()
		d, failures := took(t, c, many(5000))
		// Before the window fits, a few may lose all of their tries.
		assert.Less(t, failures, 50, "hardly any goes without an answer")
		assert.Less(t, wire.CountsOf(c).Sent, 6000, "little is lost")
		assert.Less(t, d, 10*time.Second, "it could be done in 2.5 s")
	})
}

func TestRetryTimer(t *testing.T) {
	tests := []struct {
		name   string
		server string
		rtt    time.Duration // 0: nothing was measured before
		want   []time.Duration
	}{
		{name: "a second where nothing is known", server: far, want: []time.Duration{0, 1000, 3000}},
		{name: "not below a quarter of a second", server: far, rtt: 5, want: []time.Duration{0, 250, 750, 1750}},
		{name: "a tenth on loopback", server: near, rtt: 5, want: []time.Duration{0, 100, 300, 700}},
		{name: "the round trip and what it varied", server: far, rtt: 600, want: []time.Duration{0, 720, 2160}},
		{name: "at most a second", server: far, rtt: 1500, want: []time.Duration{0, 1000, 3000}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				world := &fakeNet{rtt: tt.rtt * time.Millisecond}
				c := world.client(tt.server)
				defer c.Close()
				if tt.rtt != 0 {
					world.handle = truth
					for _, q := range many(9) {
						_, err := c.Resolve(t.Context(), q)
						require.NoError(t, err)
					}
					world.handle = nil
				}
				before, start := len(world.queries()), time.Now()
				_, err := c.Resolve(t.Context(), question)
				assert.Equal(t, 4*time.Second, time.Since(start))
				assert.Equal(t, len(tt.want), err.(*dnsx.Failure).Tries)
				var sent []time.Duration
				ports := map[int]bool{}
				for _, q := range world.queries()[before:] {
					if strings.EqualFold(q.name, "a.example.") {
						sent = append(sent, q.at.Sub(start).Truncate(time.Millisecond)/time.Millisecond)
						ports[q.port] = true
					}
				}
				assert.Equal(t, tt.want, sent)
				assert.Len(t, ports, len(sent), "each try is on a socket of its own")
			})
		})
	}
}

// A recursive server may need seconds. The tries meanwhile do not make its answer late.
func TestSlowAnswerCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		world := &fakeNet{rtt: 3900 * time.Millisecond, handle: truth}
		c := world.client(far)
		defer c.Close()
		a, err := c.Resolve(t.Context(), question)
		require.NoError(t, err)
		assert.Equal(t, 3900*time.Millisecond, a.RTT)
	})
}

func TestCanceledQuestionLeavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		world := &fakeNet{rtt: time.Second / 2, handle: truth}
		c := world.client(far)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		start := time.Now()
		for i, r := range c.ResolveAll(ctx, many(200)) {
			assert.Equal(t, dnsx.Reply{Question: many(200)[i], Failure: &dnsx.Failure{Question: many(200)[i], Kind: dnsx.KindBudget}}, r)
		}
		assert.Equal(t, 10*time.Millisecond, time.Since(start))
		time.Sleep(time.Second)
		assert.Equal(t, wire.StartWindow, wire.CountsOf(c).Strays, "late answers are passed over")
		_, failures := took(t, c, many(200))
		assert.Zero(t, failures)
		used := map[string]bool{}
		for _, q := range world.queries() {
			key := fmt.Sprint(q.port, q.id)
			assert.False(t, used[key], "no ID is used twice on a socket")
			used[key] = true
		}
		time.Sleep(2 * wire.Idle)
		assert.Zero(t, wire.CountsOf(c).Links, "idle sockets close by themselves")
	}) // which would not end if a goroutine were left
}

func TestSocketsAreReplaced(t *testing.T) {
	ports := func(n int, pause time.Duration) (used int) {
		synctest.Test(t, func(t *testing.T) {
			world := &fakeNet{rtt: time.Millisecond, handle: truth}
			c := world.client(far)
			defer c.Close()
			for _, q := range many(n) {
				_, err := c.Resolve(t.Context(), q)
				require.NoError(t, err)
				time.Sleep(pause)
			}
			used = len(world.conns)
		})
		return used
	}
	assert.Equal(t, 1, ports(100, 0))
	assert.Equal(t, 2, ports(wire.SocketMessages+1, 0), "after so many messages")
	assert.Equal(t, 3, ports(2*int(wire.SocketAge/time.Second)+2, time.Second), "after so long a time")
	assert.Equal(t, 3, ports(3, wire.Idle+time.Second), "after idleness")

	synctest.Test(t, func(t *testing.T) {
		world := &fakeNet{rtt: 20 * time.Millisecond, handle: truth}
		c := world.client(far)
		defer c.Close()
		_, failures := took(t, c, many(2000))
		assert.Zero(t, failures)
		assert.Len(t, world.conns, wire.MaxSockets, "many questions are spread over many ports")
	})
}

func TestGuessesAreOfNoUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		world := &fakeNet{rtt: 200 * time.Millisecond, handle: truth}
		c := world.client(far)
		defer c.Close()
		_, err := c.Resolve(t.Context(), question)
		require.NoError(t, err)
		q := world.queries()[0]
		forged := echo(new(dns.Msg).SetQuestion(q.name, dns.TypeTXT))
		for i := range wire.SocketGuesses + 1 {
			forged.Id = q.id + uint16(i)
			world.conns[0].deliver(0, pack(forged))
			time.Sleep(time.Millisecond)
		}
		assert.Equal(t, wire.SocketGuesses+1, wire.CountsOf(c).Strays)
		_, err = c.Resolve(t.Context(), question)
		require.NoError(t, err)
		assert.Len(t, world.conns, 2, "a socket that gets guesses is given up")

		// The right ID and question, on a socket that did not ask.
		replies := make(chan dnsx.Reply, 1)
		go func() { replies <- dnsx.Ask(t.Context(), c, question)[0] }()
		synctest.Wait()
		last := world.queries()[2]
		forged = echo(new(dns.Msg).SetQuestion(last.name, dns.TypeTXT))
		forged.Id, forged.Answer[0].(*dns.TXT).Txt[0] = last.id, "wrong"
		world.conns[0].deliver(0, pack(forged))
		assert.Equal(t, "right", (<-replies).Records()[0].Text())
	})
}

func TestMixedCase(t *testing.T) {
	long := dnsx.Q("a-name-with-letters-enough-to-mix.example", dnsx.TypeTXT)
	lower := func(_ netip.AddrPort, query *dns.Msg, reply func(time.Duration, *dns.Msg)) {
		m := echo(query)
		m.Question[0].Name = strings.ToLower(m.Question[0].Name)
		reply(0, m)
	}
	tests := []struct {
		name   string
		server string
		handle func(netip.AddrPort, *dns.Msg, func(time.Duration, *dns.Msg))
		want   []bool // whether the query was mixed
	}{
		{name: "not on loopback", server: near, handle: truth, want: []bool{false, false}},
		{name: "off loopback", server: far, handle: truth, want: []bool{true, true}},
		{name: "a server that changes it is asked again, and remembered", server: far, handle: lower, want: []bool{true, false, false}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				world := &fakeNet{handle: tt.handle}
				c := world.client(tt.server)
				defer c.Close()
				for range 2 {
					a, err := c.Resolve(t.Context(), long)
					require.NoError(t, err)
					assert.Equal(t, long.Name, a.Records[0].Name)
				}
				var mixed []bool
				for _, q := range world.queries() {
					mixed = append(mixed, q.name != long.Name+".")
				}
				assert.Equal(t, tt.want, mixed)
			})
		})
	}
}

// Whatever a network does, a reply is about its question, and nothing is left.
func TestMuchAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		world := &fakeNet{rtt: 5 * time.Millisecond}
		world.handle = func(_ netip.AddrPort, query *dns.Msg, reply func(time.Duration, *dns.Msg)) {
			m := echo(query)
			late := time.Duration(rand.IntN(40)) * time.Millisecond
			switch rand.IntN(20) {
			case 0: // lost
				return
			case 1:
				late = 3 * time.Second
			case 2:
				m.Id++
			case 3:
				m.Question[0].Name = "x" + m.Question[0].Name
			case 4:
				m.Rcode, m.Answer = dns.RcodeServerFailure, nil
			case 5:
				m.Truncated = true // and nobody listens on TCP
			case 6:
				m.Question[0].Name = strings.ToUpper(m.Question[0].Name)
			case 7:
				reply(2*late, m)
			}
			reply(late, m)
		}
		c := world.client(far, far2, near)
		answers := 0
		var wg sync.WaitGroup
		var mu sync.Mutex
		for i := range 20 {
			wg.Go(func() {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if i%4 == 0 {
					time.AfterFunc(time.Duration(i)*10*time.Millisecond, cancel)
				}
				qs := many(300)
				seen := make([]bool, len(qs))
				c.ResolveEach(ctx, qs, func(at int, r dnsx.Reply) {
					assert.Equal(t, qs[at], r.Question)
					assert.False(t, seen[at], "one reply each")
					seen[at] = true
					if r.Answer != nil {
						assert.Equal(t, qs[at].Name, r.Answer.Records[0].Name)
						mu.Lock()
						answers++
						mu.Unlock()
					}
				})
				assert.NotContains(t, seen, false)
			})
		}
		wg.Wait()
		assert.Greater(t, answers, 15*300*9/10)
		time.Sleep(10 * time.Second)
		left := wire.CountsOf(c)
		assert.Zero(t, left.Links+left.InFlight+left.Active, "%+v", left)
	})
}

func TestCloseEndsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		world := &fakeNet{}
		c := world.client(far)
		c.Concurrency = 10
		done := make(chan []dnsx.Reply)
		go func() { done <- c.ResolveAll(t.Context(), many(100)) }()
		synctest.Wait()
		require.NoError(t, c.Close())
		canceled := func(q dnsx.Question) *dnsx.Failure {
			return &dnsx.Failure{Question: q, Kind: dnsx.KindCanceled}
		}
		for _, r := range <-done {
			assert.Equal(t, canceled(r.Question), r.Failure)
		}
		_, err := c.Resolve(t.Context(), question)
		assert.Equal(t, canceled(question), err)
		require.NoError(t, c.Close(), "twice does no harm")
	})
}
