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
	name     *name
	denial   *entry // what its cut would rest on, as of the present step
	batch    *batch
	job      *job // whose name it asks about; nil for none
	waiters  int
	waiting  *waiting // those who wait, or waited and left
	landed   bool
	failed   bool // it has landed with a Failure

	forgotten bool // its slot is not its own any more
}

type batch struct {
	flights []*flight
	waiters int // of all its flights that are in the air
	cancel  context.CancelFunc
}

// caller waits for flights. Each puts its reply into its place, and the last wakes
// the caller: that is once, however many there are.
type caller struct {
	replies []Reply // nil once it left
	waits   []waiting
	missing int
	done    chan struct{} // closed when none is missing
}

// waiting is a flight whose reply goes to a place.
type waiting struct {
	place  int
	flight *flight
	caller *caller
	next   *waiting // of the same flight
}

// begin puts the replies that are kept into their places, and returns the caller as
// one who waits for the others; nil where there are none.
func (c *Cache) begin(ctx context.Context, qs []Question, replies []Reply) *caller {
	d := denials{cache: c, now: c.now()}
	c.mu.Lock()
	defer c.mu.Unlock()
	var w *caller
	var b *batch
	var space []flight // in one piece: they last about as long as one another
	for i, q := range qs {
		n := c.names[q.Name]
		s := n.slot(q.kind())
		f := s.flight
		if f == nil {
			var ok bool
			if replies[i], ok = c.lookup(q, n, s.entry, &d); ok {
				continue
			}
		}
		if err := ctx.Err(); err != nil {
			replies[i] = ReplyOf(q)(nil, err)
			continue
		}
		if f == nil {
			if b == nil {
				b = &batch{flights: make([]*flight, 0, len(qs)-i)}
				space = make([]flight, len(qs)-i)
			}
			f, space = &space[0], space[1:]
			n = c.nameOf(q.Name) // not what it was before: lookup may have dropped the last of it
			*f = flight{question: q, name: n, batch: b, job: n.owner()}
			b.flights = append(b.flights, f)
			n.hold()
			n.put(slot{kind: q.kind(), flight: f})
		}
		if w == nil {
			w = &caller{replies: replies, waits: make([]waiting, 0, len(qs)-i), done: make(chan struct{})}
		}
		w.join(f, i)
	}
	if b != nil {
		var own context.Context
		own, b.cancel = context.WithTimeout(context.WithoutCancel(ctx), c.budget(ctx))
		go c.fly(own, b)
	}
	return w
}

// join makes the caller wait for a flight. There is room for all of its waits, which
// stay where they are.
func (w *caller) join(f *flight, place int) {
	w.waits = append(w.waits, waiting{place: place, flight: f, caller: w, next: f.waiting})
	f.waiting = &w.waits[len(w.waits)-1]
	w.missing++
	f.waiters++
	f.batch.waiters++
}

// take puts a reply into its place.
func (w *caller) take(place int, r Reply) {
	if w.replies == nil {
		return
	}
	w.replies[place] = r
	if w.missing--; w.missing == 0 {
		close(w.done)
	}
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
		c.store(f, r, now)
		c.learn(f.name, r, now)
	}
	c.deliver(f, r)
}

// deliver hands over a reply. Its caller holds c.mu.
func (c *Cache) deliver(f *flight, r Reply) {
	f.landed, f.failed = true, r.Failure != nil
	for w := f.waiting; w != nil; w = w.next {
		w.caller.take(w.place, r)
	}
	f.waiting = nil
	c.forget(f)
	c.letGo(f.name)
	f.batch.waiters -= f.waiters
	c.release(f.batch)
}

// wait returns when all flights of a caller have landed. Where ctx ends first, the
// caller leaves with what that makes of the rest.
func (c *Cache) wait(ctx context.Context, w *caller) {
	select {
	case <-w.done:
		return
	case <-ctx.Done():
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, wait := range w.waits {
		f := wait.flight
		if f.landed {
			continue
		}
		w.replies[wait.place] = ReplyOf(f.question)(nil, ctx.Err())
		f.waiters--
		f.batch.waiters--
		c.release(f.batch)
	}
	w.replies = nil
}

// release cancels a batch that nobody waits for: whoever asks now starts anew.
// Its caller holds c.mu, as does that of forget.
func (c *Cache) release(b *batch) {
	if b.waiters > 0 {
		return
	}
	b.cancel()
	for _, f := range b.flights {
		if !f.landed { // else it is forgotten
			c.forget(f)
		}
	}
}

func (c *Cache) forget(f *flight) {
	if !f.forgotten {
		f.forgotten = true
		f.name.clear(f.question.kind())
	}
}
