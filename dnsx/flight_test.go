package dnsx_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/dnsx"
)

func TestCache_sharesFlights(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: func(ctx context.Context, q dnsx.Question) (*dnsx.Answer, error) {
			time.Sleep(time.Second)
			return hello(ctx, q)
		}}
		c := &dnsx.Cache{Next: s}
		answers := make([]*dnsx.Answer, 100)
		var wg sync.WaitGroup
		for i := range answers {
			wg.Go(func() {
				time.Sleep(time.Duration(i) * time.Millisecond)
				answers[i], _ = c.Resolve(t.Context(), txt("acme.example"))
			})
		}
		wg.Wait()
		assert.Len(t, s.asked(), 1)
		for _, a := range answers {
			assert.Same(t, answers[0], a)
		}
		assert.NoError(t, c.Audit())
	})
}

// Who starts a flight may leave: the others wait on, and nothing is cancelled.
func TestCache_firstCallerLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &dnsx.Cache{Next: &server{answer: func(ctx context.Context, q dnsx.Question) (*dnsx.Answer, error) {
			select {
			case <-time.After(time.Second):
				return hello(ctx, q)
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}}}
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := c.Resolve(ctx, txt("acme.example"))
			assert.Equal(t, context.DeadlineExceeded, err)
			assert.Equal(t, 100*time.Millisecond, time.Since(start), "it leaves at its own deadline")
		})
		synctest.Wait()
		got, err := c.Resolve(t.Context(), txt("acme.example"))
		assert.NoError(t, err)
		assert.Equal(t, "hello", got.Records[0].Text())
		assert.Equal(t, time.Second, time.Since(start))
		wg.Wait()
	})
}

func TestCache_allCallersLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stopped atomic.Int32
		s := &bulk{server{answer: func(ctx context.Context, _ dnsx.Question) (*dnsx.Answer, error) {
			<-ctx.Done()
			time.Sleep(time.Second) // slow to notice
			stopped.Add(1)
			return nil, ctx.Err()
		}}}
		c := &dnsx.Cache{Next: s}
		first, leaveFirst := context.WithCancel(t.Context())
		second, leaveSecond := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			for _, reply := range c.ResolveAll(first, []dnsx.Question{txt("a.example"), txt("b.example")}) {
				assert.Equal(t, dnsx.KindCanceled, reply.Failure.Kind)
			}
		})
		synctest.Wait()
		wg.Go(func() {
			_, err := c.Resolve(second, txt("b.example"))
			assert.Equal(t, context.Canceled, err)
		})
		synctest.Wait()

		leaveFirst()
		time.Sleep(2 * time.Second)
		assert.Zero(t, stopped.Load(), "b.example has a caller, and its batch goes on")

		leaveSecond()
		wg.Wait()
		third, leaveThird := context.WithTimeout(t.Context(), 5*time.Second)
		defer leaveThird()
		for range 2 {
			wg.Go(func() {
				_, err := c.Resolve(third, txt("b.example"))
				assert.Equal(t, context.DeadlineExceeded, err)
			})
			time.Sleep(2 * time.Second)
			assert.EqualValues(t, 2, stopped.Load(), "the first batch is over")
			assert.Len(t, s.asked(), 2, "whoever comes after joins no cancelled flight, but one another's")
		}
		wg.Wait()

		time.Sleep(2 * time.Second)
		assert.EqualValues(t, 3, stopped.Load())
		assert.NoError(t, c.Audit())
		assert.Zero(t, c.Len())
	})
}

// A question that landed holds no batch in the air for a caller who waits for another.
func TestCache_abandonedBesideLanded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stopped atomic.Bool
		c := &dnsx.Cache{Next: &stream{server{answer: func(ctx context.Context, q dnsx.Question) (*dnsx.Answer, error) {
			switch q.Name {
			case "quick.example":
				time.Sleep(time.Second)
				return hello(ctx, q)
			case "other.example":
				time.Sleep(9 * time.Second)
				return hello(ctx, q)
			}
			<-ctx.Done()
			stopped.Store(true)
			return nil, ctx.Err()
		}}}}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() { c.ResolveAll(ctx, []dnsx.Question{txt("quick.example"), txt("silent.example")}) })
		synctest.Wait()
		wg.Go(func() { c.ResolveAll(t.Context(), []dnsx.Question{txt("other.example"), txt("quick.example")}) })
		time.Sleep(4 * time.Second)
		assert.True(t, stopped.Load())
		wg.Wait()
	})
}

// Nobody set a deadline: the flight has its own.
func TestCache_flightBudget(t *testing.T) {
	for _, tt := range []struct{ set, want time.Duration }{{0, dnsx.DefaultBudget}, {time.Minute, time.Minute}} {
		synctest.Test(t, func(t *testing.T) {
			c := &dnsx.Cache{Next: &server{answer: silent}, Budget: tt.set}
			start := time.Now()
			_, err := c.Resolve(context.Background(), txt("acme.example"))
			assert.Equal(t, &dnsx.Failure{Question: txt("acme.example"), Kind: dnsx.KindBudget}, err)
			assert.Equal(t, tt.want, time.Since(start))
			assert.Zero(t, c.Len())
		})
	}
}

// A caller with more patience than that has it for the flight that it starts.
func TestCache_laterDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &dnsx.Cache{Next: &server{answer: func(ctx context.Context, q dnsx.Question) (*dnsx.Answer, error) {
			select {
			case <-time.After(time.Minute):
				return hello(ctx, q)
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		_, err := c.Resolve(ctx, txt("acme.example"))
		assert.NoError(t, err)
	})
}

func TestCache_ResolveAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &bulk{server{answer: func(ctx context.Context, q dnsx.Question) (*dnsx.Answer, error) {
			time.Sleep(time.Second)
			if q.Name == "bad.example" {
				return nil, &dnsx.Failure{Question: q, Kind: dnsx.KindRCode, RCode: dnsx.ServFail}
			}
			return hello(ctx, q)
		}}}
		c := &dnsx.Cache{Next: s}
		kept, err := c.Resolve(t.Context(), txt("kept.example"))
		require.NoError(t, err)
		var wg sync.WaitGroup
		var flown *dnsx.Answer
		wg.Go(func() { flown, _ = c.Resolve(t.Context(), txt("flying.example")) })
		synctest.Wait()

		qs := []dnsx.Question{
			txt("new.example"), txt("kept.example"), txt("flying.example"), txt("bad.example"),
			txt("new.example"), dnsx.Q("new.example", dnsx.TypeMX),
		}
		replies := c.ResolveAll(t.Context(), qs)
		wg.Wait()

		require.Len(t, replies, len(qs))
		for i, reply := range replies {
			assert.Equal(t, qs[i], reply.Question)
		}
		assert.Same(t, kept, replies[1].Answer)
		assert.Same(t, flown, replies[2].Answer)
		assert.Same(t, replies[0].Answer, replies[4].Answer)
		assert.Equal(t, dnsx.ServFail, replies[3].Failure.RCode)
		assert.Equal(t, [][]dnsx.Question{
			{txt("kept.example")},
			{txt("flying.example")},
			{txt("new.example"), txt("bad.example"), dnsx.Q("new.example", dnsx.TypeMX)},
		}, s.asked(), "what is not known is one batch, each question once")

		again := dnsx.Ask(t.Context(), c, qs...)
		assert.Equal(t, replies, again)
		assert.Len(t, s.asked(), 3)
		assert.Empty(t, c.ResolveAll(t.Context(), nil))
		assert.NoError(t, c.Audit())
	})
}

// A server that says nothing must not hold up those who wait for its neighbours.
func TestCache_quickBesideSilent(t *testing.T) {
	answer := func(ctx context.Context, q dnsx.Question) (*dnsx.Answer, error) {
		if q.Name == "silent.example" {
			return silent(ctx, q)
		}
		time.Sleep(time.Second)
		return hello(ctx, q)
	}
	for name, next := range map[string]dnsx.Resolver{
		"one by one": &server{answer: answer},
		"stream":     &stream{server{answer: answer}},
		"limited":    &dnsx.Limit{Next: &dnsx.Trace{Next: &stream{server{answer: answer}}}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &dnsx.Cache{Next: next}
				start := time.Now()
				var wg sync.WaitGroup
				wg.Go(func() {
					c.ResolveAll(t.Context(), []dnsx.Question{txt("silent.example"), txt("shared.example")})
					assert.Equal(t, dnsx.DefaultBudget, time.Since(start))
				})
				synctest.Wait()
				_, err := c.Resolve(t.Context(), txt("shared.example"))
				assert.NoError(t, err)
				assert.Equal(t, time.Second, time.Since(start))
				wg.Wait()
			})
		})
	}
}

// What has landed is delivered, whatever else the caller waited for in vain.
func TestCache_landedBeforeTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &dnsx.Cache{Next: &stream{server{answer: func(ctx context.Context, q dnsx.Question) (*dnsx.Answer, error) {
			if q.Name == "0.example" {
				return silent(ctx, q)
			}
			return hello(ctx, q)
		}}}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		replies := c.ResolveAll(ctx, questions(50))
		assert.Equal(t, dnsx.KindBudget, replies[0].Failure.Kind)
		for _, reply := range replies[1:] {
			assert.NoError(t, reply.Err())
		}
	})
}

// Callers of all kinds at once: everybody gets the reply to its question or its
// own context's end, and nothing stays behind.
func TestCache_storm(t *testing.T) {
	answer := func(ctx context.Context, q dnsx.Question) (*dnsx.Answer, error) {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(rand.N(2 * time.Millisecond)):
		}
		if rand.N(4) == 0 {
			return nil, &dnsx.Failure{Question: q, Kind: dnsx.KindTimeout}
		}
		return &dnsx.Answer{Question: q, Records: []dnsx.RR{dnsx.NewTXT(q.Name, rand.N(uint32(2)), "x")}}, nil
	}
	c := &dnsx.Cache{MinTTL: -1, MaxBytes: 4000, Next: &dnsx.Limit{Max: 5, Next: &stream{server{answer: answer}}}}
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 100 {
				ctx, cancel := context.WithTimeout(t.Context(), rand.N(4*time.Millisecond))
				qs := make([]dnsx.Question, 1+rand.N(5))
				for i := range qs {
					qs[i] = txt(fmt.Sprintf("%d.example", rand.N(20)))
				}
				for i, reply := range c.ResolveAll(ctx, qs) {
					assert.Equal(t, qs[i], reply.Question)
					assert.True(t, (reply.Answer == nil) != (reply.Failure == nil))
				}
				cancel()
			}
		})
	}
	wg.Wait()
	assert.Eventually(t, func() bool { return c.Audit() == nil }, 5*time.Second, time.Millisecond)
}
