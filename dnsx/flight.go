package dnsx

import (
	"cmp"
	"context"
	"time"
)

// A flight is a question that is being asked, for all who wait for it. Flights
// that one caller starts form a batch, which is one Ask with a context of its
// own: whoever started it may leave, and it flies on for those who joined. When
// nobody waits for any flight of the batch, its context is cancelled.
type flight struct {
	question Question
	batch    *batch
	job      *job // whose name it asks about; nil for none
	waiters  int
	landed   bool
	reply    Reply         // set before done is closed
	done     chan struct{} // closed when it has landed
}

type batch struct {
	flights []*flight
	waiters int // of all its flights that are in the air
	cancel  context.CancelFunc
}

// waiting is a flight whose reply goes to a place.
type waiting struct {
	place  int
	flight *flight
}

// begin puts the replies that are kept into their places, and returns the flights
// that the others have to wait for.
func (c *Cache) begin(ctx context.Context, qs []Question, replies []Reply) []waiting {
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	var waits []waiting
	var b *batch
	var space []flight // in one piece: they last about as long as one another
	for i, q := range qs {
		var ok bool
		if replies[i], ok = c.lookup(q, now); ok {
			continue
		}
		if err := ctx.Err(); err != nil {
			replies[i] = ReplyOf(q)(nil, err)
			continue
		}
		f := c.flights[q]
		if f == nil {
			if b == nil {
				b = &batch{flights: make([]*flight, 0, len(qs)-i)}
				space = make([]flight, len(qs)-i)
			}
			f, space = &space[0], space[1:]
			*f = flight{question: q, batch: b, job: c.jobOf(q.Name), done: make(chan struct{})}
			b.flights = append(b.flights, f)
			if c.flights == nil {
				c.flights = map[Question]*flight{}
			}
			c.flights[q] = f
		}
		f.waiters++
		f.batch.waiters++
		if waits == nil {
			waits = make([]waiting, 0, len(qs)-i)
		}
		waits = append(waits, waiting{i, f})
	}
	if b != nil {
		var own context.Context
		own, b.cancel = context.WithTimeout(context.WithoutCancel(ctx), c.budget(ctx))
		go c.fly(own, b)
	}
	return waits
}

// budget is the time for a batch that a caller with ctx starts.
func (c *Cache) budget(ctx context.Context) time.Duration {
	budget := cmp.Or(c.Budget, DefaultBudget)
	if end, ok := ctx.Deadline(); ok {
		budget = max(budget, time.Until(end))
	}
	return budget
}

func (c *Cache) fly(ctx context.Context, b *batch) {
	if c.CutAfter > 0 && c.ParentsFirst {
		c.flyInSteps(ctx, b)
		return
	}
	c.ask(ctx, b.flights)
}

// ask asks Next, and returns when all have landed.
func (c *Cache) ask(ctx context.Context, flights []*flight) {
	if len(flights) == 0 {
		return
	}
	qs := make([]Question, len(flights))
	for i, f := range flights {
		qs[i] = f.question
	}
	AskEach(ctx, c.Next, qs, func(i int, r Reply) { c.land(flights[i], r) })
}

// land hands the reply to all who wait for it.
func (c *Cache) land(f *flight, r Reply) {
	r.Question = f.question
	if r.Answer == nil && r.Failure == nil {
		r = ReplyOf(f.question)(nil, nil)
	}
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !f.job.ended() {
		c.store(r, f.job, now)
		c.learn(r, now)
	}
	c.deliver(f, r)
}

// deliver hands over a reply. Its caller holds c.mu.
func (c *Cache) deliver(f *flight, r Reply) {
	f.reply, f.landed = r, true
	close(f.done)
	c.forget(f)
	f.batch.waiters -= f.waiters
	c.release(f.batch)
}

// wait returns the reply of a flight, or what the end of ctx makes of it.
func (c *Cache) wait(ctx context.Context, f *flight) Reply {
	select {
	case <-f.done:
		return f.reply
	case <-ctx.Done():
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.landed { // in the same moment
		return f.reply
	}
	f.waiters--
	f.batch.waiters--
	c.release(f.batch)
	return ReplyOf(f.question)(nil, ctx.Err())
}

// release cancels a batch that nobody waits for: whoever asks now starts anew.
// Its caller holds c.mu, as does that of forget.
func (c *Cache) release(b *batch) {
	if b.waiters > 0 {
		return
	}
	b.cancel()
	for _, f := range b.flights {
		c.forget(f)
	}
}

func (c *Cache) forget(f *flight) {
	if c.flights[f.question] == f {
		delete(c.flights, f.question)
	}
}
