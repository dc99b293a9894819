package spf

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// budget is a context that ends with the caller's, or when its time is over. The timer
// starts when somebody waits for it: most questions of a receiver are answered out of a
// cache, and then a timer would cost more than the rest of the evaluation.
type budget struct {
	caller context.Context
	start  time.Time
	time   time.Duration

	timed atomic.Pointer[timed] // nil before somebody waits
	mu    sync.Mutex            // held to set timed and over
	over  bool                  // end was called
}

type timed struct {
	context.Context
	stop context.CancelFunc
}

func (b *budget) begin(ctx context.Context, d time.Duration) {
	b.caller, b.start, b.time = ctx, time.Now(), d
}

// end releases what the budget holds; whoever still waits for it gets an error.
func (b *budget) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.over = true
	if t := b.timed.Load(); t != nil {
		t.stop()
	}
}

func (b *budget) wait() *timed {
	if t := b.timed.Load(); t != nil {
		return t
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if t := b.timed.Load(); t != nil {
		return t
	}
	t := new(timed)
	t.Context, t.stop = context.WithDeadline(b.caller, b.start.Add(b.time))
	if b.over {
		t.stop()
	}
	b.timed.Store(t)
	return t
}

// Deadline is the nearer one of the caller's and the budget's.
func (b *budget) Deadline() (time.Time, bool) {
	own := b.start.Add(b.time)
	if d, ok := b.caller.Deadline(); ok && d.Before(own) {
		return d, true
	}
	return own, true
}

// Done starts the timer.
func (b *budget) Done() <-chan struct{} { return b.wait().Done() }

// Err tells without a timer whether the time is over.
func (b *budget) Err() error {
	if b.timed.Load() == nil && b.caller.Err() == nil && time.Since(b.start) < b.time {
		return nil
	}
	return b.wait().Err()
}

// Value asks the context that Done belongs to, so that contexts made of this one hang
// on it without a goroutine each.
func (b *budget) Value(key any) any { return b.wait().Value(key) }
