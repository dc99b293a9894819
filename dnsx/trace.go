package dnsx

import (
	"context"
	"time"
)

// Trace tells a hook of every question that goes through it to Next.
type Trace struct {
	Next Resolver
	// Done is called after each question with what became of it and the time
	// from the asking, for a batch the asking of the batch, to the reply. It is
	// called by many goroutines at once, and the question waits for it. Nil does
	// nothing.
	Done func(r Reply, took time.Duration)
}

// Resolve asks Next.
func (t *Trace) Resolve(ctx context.Context, q Question) (*Answer, error) {
	start := time.Now()
	a, err := t.Next.Resolve(ctx, q)
	t.done(ReplyOf(q)(a, err), start)
	return a, err
}

// ResolveAll asks Next side by side.
func (t *Trace) ResolveAll(ctx context.Context, qs []Question) []Reply { return askAll(ctx, t, qs) }

// ResolveEach asks Next side by side and hands over each reply when it comes in.
func (t *Trace) ResolveEach(ctx context.Context, qs []Question, each func(i int, r Reply)) {
	start := time.Now()
	AskEach(ctx, t.Next, qs, func(i int, r Reply) {
		t.done(r, start)
		each(i, r)
	})
}

func (t *Trace) done(r Reply, start time.Time) {
	if t.Done != nil {
		t.Done(r, time.Since(start))
	}
}

// Names lists what Next lists; where Next is no Lister the error wraps ErrNoList.
func (t *Trace) Names(below string) ([]string, error) { return namesOf(t.Next, below) }
