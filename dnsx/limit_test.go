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

	"github.com/mailcheck-go/mailcheck/dnsx"
)

// gauge counts the questions that are in flight at once.
type gauge struct{ now, most atomic.Int32 }

func (g *gauge) watch(next dnsx.ResolverFunc) dnsx.ResolverFunc {
	return func(ctx context.Context, q dnsx.Question) (*dnsx.Answer, error) {
		n := g.now.Add(1)
		defer g.now.Add(-1)
		for m := g.most.Load(); n > m && !g.most.CompareAndSwap(m, n); m = g.most.Load() {
		}
		return next(ctx, q)
	}
}

func questions(n int) []dnsx.Question {
	qs := make([]dnsx.Question, n)
	for i := range qs {
		qs[i] = txt(fmt.Sprintf("%d.example", i))
	}
	return qs
}

func TestLimit(t *testing.T) {
	second := func(ctx context.Context, q dnsx.Question) (*dnsx.Answer, error) {
		time.Sleep(time.Second)
		return hello(ctx, q)
	}
	for _, tt := range []struct {
		max, ask int
		most     int32
		took     time.Duration
	}{
		{max: 3, ask: 10, most: 3, took: 4 * time.Second},
		{max: 10, ask: 10, most: 10, took: time.Second},
		{max: 1, ask: 5, most: 1, took: 5 * time.Second},
		{ask: 257, most: 256, took: 2 * time.Second},
		{max: -1, ask: 257, most: 256, took: 2 * time.Second},
	} {
		for name, ask := range map[string]func(t *testing.T, r dnsx.Resolver, qs []dnsx.Question){
			"one by one": func(t *testing.T, r dnsx.Resolver, qs []dnsx.Question) {
				var wg sync.WaitGroup
				for _, q := range qs {
					wg.Go(func() {
						_, err := r.Resolve(t.Context(), q)
						assert.NoError(t, err)
					})
				}
				wg.Wait()
			},
			"as a batch": func(t *testing.T, r dnsx.Resolver, qs []dnsx.Question) {
				for i, reply := range dnsx.Ask(t.Context(), r, qs...) {
					assert.Equal(t, qs[i], reply.Question)
					assert.NotNil(t, reply.Answer)
				}
			},
		} {
			t.Run(fmt.Sprintf("%d of %d %s", tt.ask, tt.max, name), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var g gauge
					start := time.Now()
					ask(t, &dnsx.Limit{Next: &stream{server{answer: g.watch(second)}}, Max: tt.max}, questions(tt.ask))
					assert.Equal(t, tt.most, g.most.Load())
					assert.Equal(t, tt.took, time.Since(start))
				})
			})
		}
	}
}

// One dead name holds one place, not those of its batch.
func TestLimit_slowQuestionHoldsOnePlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &dnsx.Limit{Max: 2, Next: &stream{server{answer: func(ctx context.Context, q dnsx.Question) (*dnsx.Answer, error) {
			if q.Name == "0.example" {
				time.Sleep(time.Minute)
			} else {
				time.Sleep(time.Second)
			}
			return hello(ctx, q)
		}}}}
		start := time.Now()
		var last time.Duration
		l.ResolveEach(t.Context(), questions(10), func(i int, _ dnsx.Reply) {
			if i == 9 {
				last = time.Since(start)
			}
		})
		assert.Equal(t, 9*time.Second, last)
		assert.Equal(t, time.Minute, time.Since(start))
	})
}

func TestLimit_firstComeFirstServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: func(ctx context.Context, q dnsx.Question) (*dnsx.Answer, error) {
			time.Sleep(time.Second)
			return hello(ctx, q)
		}}
		l := &dnsx.Limit{Max: 1, Next: s}
		var want [][]dnsx.Question
		var wg sync.WaitGroup
		for _, q := range questions(20) {
			want = append(want, []dnsx.Question{q})
			wg.Go(func() { l.Resolve(t.Context(), q) })
			synctest.Wait()
		}
		wg.Wait()
		assert.Equal(t, want, s.asked())
	})
}

// A caller whose context ends leaves the queue at once, and takes no place with it.
func TestLimit_leavesTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: func(ctx context.Context, q dnsx.Question) (*dnsx.Answer, error) {
			time.Sleep(10 * time.Second)
			return hello(ctx, q)
		}}
		l := &dnsx.Limit{Max: 1, Next: s}
		var wg sync.WaitGroup
		wg.Go(func() { l.Resolve(t.Context(), txt("first.example")) })
		synctest.Wait()
		start := time.Now()
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err := l.Resolve(ctx, txt("second.example"))
			assert.Equal(t, context.DeadlineExceeded, err)
			assert.Equal(t, time.Second, time.Since(start))
		})
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			for _, reply := range l.ResolveAll(ctx, questions(3)) {
				assert.Equal(t, dnsx.KindBudget, reply.Failure.Kind)
			}
			assert.Equal(t, 2*time.Second, time.Since(start))
		})
		time.Sleep(5 * time.Second)
		_, err := l.Resolve(t.Context(), txt("last.example"))
		assert.NoError(t, err)
		assert.Equal(t, 20*time.Second, time.Since(start))
		wg.Wait()
		assert.Equal(t, [][]dnsx.Question{{txt("first.example")}, {txt("last.example")}}, s.asked())
	})
}

// As many as may go, go as one batch.
func TestLimit_batches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stream{server{answer: func(ctx context.Context, q dnsx.Question) (*dnsx.Answer, error) {
			time.Sleep(time.Second)
			return hello(ctx, q)
		}}}
		l := &dnsx.Limit{Max: 5, Next: s}
		qs := questions(8)
		var wg sync.WaitGroup
		wg.Go(func() { l.ResolveAll(t.Context(), qs[:2]) })
		synctest.Wait()
		wg.Go(func() { l.ResolveAll(t.Context(), qs[2:]) })
		synctest.Wait()
		assert.Equal(t, [][]dnsx.Question{qs[:2], qs[2:5]}, s.asked())
		wg.Wait()
	})
}

func TestLimit_contextEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := &server{answer: hello}
	l := &dnsx.Limit{Next: s}
	for range 50 {
		_, err := l.Resolve(ctx, txt("acme.example"))
		assert.Equal(t, context.Canceled, err)
	}
	assert.Empty(t, s.asked())
}

// However callers come and go, no place is lost and none is given twice.
func TestLimit_storm(t *testing.T) {
	var g gauge
	l := &dnsx.Limit{Max: 4, Next: g.watch(func(ctx context.Context, q dnsx.Question) (*dnsx.Answer, error) {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(rand.N(200 * time.Microsecond)):
			return hello(ctx, q)
		}
	})}
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			for range 50 {
				ctx, cancel := context.WithTimeout(t.Context(), rand.N(2*time.Millisecond))
				qs := questions(1 + rand.N(6))
				for i, reply := range l.ResolveAll(ctx, qs) {
					assert.Equal(t, qs[i], reply.Question)
				}
				cancel()
			}
		})
	}
	wg.Wait()
	assert.LessOrEqual(t, g.most.Load(), int32(4))
	for _, reply := range l.ResolveAll(t.Context(), questions(20)) {
		assert.NoError(t, reply.Err(), "the places are all free again")
	}
}

func BenchmarkLimit(b *testing.B) {
	l := &dnsx.Limit{Next: dnsx.ResolverFunc(func(context.Context, dnsx.Question) (*dnsx.Answer, error) { return nil, nil })}
	b.ReportAllocs()
	for b.Loop() {
		l.Resolve(b.Context(), dnsx.Question{})
	}
}
