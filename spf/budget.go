package spf

import (
	"context"
	"sync"
	"time"
)

// budget is a context that ends with the caller's, or at a deadline. Its timer starts
// when somebody waits for it: most questions of a receiver are answered out of a
// cache, and then a timer would cost more than the rest of the evaluation.
type budget struct {
	caller   context.Context
	deadline time.Time

	mu    sync.Mutex
	timed context.Context // nil before somebody waits
	stop  context.CancelFunc
	over  bool // end was called
}

func (b *budget) begin(ctx context.Context, d time.Duration) {
	b.caller, b.deadline = ctx, time.Now().Add(d)
}

// end releases what the budget holds; whoever still waits for it gets an error.
func (b *budget) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.over = true
	if b.stop != nil {
		b.stop()
	}
}

func (b *budget) wait() context.Context {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.timed == nil {
		b.timed, b.stop = context.WithDeadline(b.caller, b.deadline)
		if b.over {
			b.stop()
		}
	}
	return b.timed
}

// Deadline is the nearer one of the caller's and the budget's.
func (b *budget) Deadline() (time.Time, bool) {
	if d, ok := b.caller.Deadline(); ok && d.Before(b.deadline) {
		return d, true
	}
	return b.deadline, true
}

// Done starts the timer.
func (b *budget) Done() <-chan struct{} { return b.wait().Done() }

// Err tells without a timer whether the time is over.
func (b *budget) Err() error {
	b.mu.Lock()
	idle := b.timed == nil && !b.over
	b.mu.Unlock()
	if idle && b.caller.Err() == nil && time.Now().Before(b.deadline) {
		return nil
	}
	return b.wait().Err()
}

// Value asks the context that Done belongs to, so that contexts made of this one hang
// on it without a goroutine each.
func (b *budget) Value(key any) any { return b.wait().Value(key) }
