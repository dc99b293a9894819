package spf

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// budget is a context that ends with the caller's, or when its time is over. The time runs
// from when somebody asks for it: most questions of a receiver are answered out of a cache, and
// then a timer would cost more than the rest of the evaluation, and clocks a good part of it.
type budget struct {
	caller context.Context
	time   time.Duration

	polls atomic.Uint32         // of Err, while there is no timer
	over  atomic.Bool           // end was called
	timed atomic.Pointer[timed] // nil before somebody waits
	mu    sync.Mutex            // held to set timed and start
	start time.Time             // zero before the clock was looked at
}

type timed struct {
	context.Context
	stop context.CancelFunc
}

// end releases what the budget holds; whoever still waits for it gets an error.
func (b *budget) end() {
	b.over.Store(true)
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
	t.Context, t.stop = context.WithDeadline(b.caller, b.began().Add(b.time))
	b.timed.Store(t)
	if b.over.Load() { // end may have come too early to see t
		t.stop()
	}
	return t
}

// began is when the time starts to run. The caller holds b.mu.
func (b *budget) began() time.Time {
	if b.start.IsZero() {
		b.start = time.Now()
	}
	return b.start
}

// Deadline starts the timer: whoever asks is about to wait.
func (b *budget) Deadline() (time.Time, bool) { return b.wait().Deadline() }

// Done starts the timer.
func (b *budget) Done() <-chan struct{} { return b.wait().Done() }

// polled is how many calls of Err there are to one look at the clock, the first among them,
// where nobody called Done or Deadline: who does not wait for either has the answer at
// hand, or a limit of its own to each wait.
const polled = 4

// Err tells without a timer whether the time is over.
func (b *budget) Err() error {
	if b.timed.Load() != nil || b.over.Load() || b.caller.Err() != nil || b.spent() {
		return b.wait().Err()
	}
	return nil
}

func (b *budget) spent() bool {
	if b.polls.Add(1)%polled != 1 {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return time.Since(b.began()) >= b.time
}

// Value asks the context that Done belongs to, so that contexts made of this one hang
// on it without a goroutine each.
func (b *budget) Value(key any) any { return b.wait().Value(key) }
