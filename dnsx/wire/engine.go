package wire

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/mailcheck-go/mailcheck/dnsx"
)

// engine is a Client at work. Nothing in it runs for a single question: the
// readers of the sockets, the timer and whoever asks each move on what they find.
//
// All state is guarded by mu, which is never held over a system call that can
// wait, nor while a message is read. A function says so where its caller must not
// hold it; of all others the caller does.
type engine struct {
	client    *Client
	dial      dialFunc
	epoch     time.Time
	upstreams []*upstream
	outboxes  sync.Pool // of *outbox
	wg        sync.WaitGroup
	life      context.Context // ends with Close
	end       context.CancelFunc

	mu      sync.Mutex
	closed  bool
	random  random
	waiting queue[*batch] // those with a question to begin and leave to begin one
	ready   queue[*task]  // those that have something to send
	active  []*task       // those that were begun, in no order
	timer   *time.Timer
	alarm   time.Duration // when timer fires; 0: not at all
	strays  int           // messages that nobody had asked for
	sent    int           // messages
}

type dialFunc func(ctx context.Context, network string, to netip.AddrPort) (net.Conn, error)

// dialNet connects. Connected, a UDP socket has a random port of the kernel's
// choice, gets nothing from other addresses and ports, and hears that a port is
// closed.
func dialNet(ctx context.Context, network string, to netip.AddrPort) (net.Conn, error) {
	if network == protoUDP {
		return new(net.Dialer).DialUDP(ctx, network, netip.AddrPort{}, to)
	}
	return new(net.Dialer).DialTCP(ctx, network, netip.AddrPort{}, to)
}

func newEngine(c *Client) *engine {
	e := &engine{client: c, dial: dialNet, epoch: time.Now()}
	if c.dial != nil {
		e.dial = c.dial
	}
	e.outboxes.New = func() any { return newOutbox() }
	e.life, e.end = context.WithCancel(context.Background())
	for _, s := range c.Servers {
		e.upstreams = append(e.upstreams, newUpstream(e, s))
	}
	return e
}

// now is the time since the engine began.
func (e *engine) now() time.Duration { return time.Since(e.epoch) }

// batch is the questions of one call.
type batch struct {
	questions []dnsx.Question
	limit     int // of questions under way at once

	begun, active, left int
	space               []task // for those that come next: they last about as long as one another
	listed              bool   // in engine.waiting
	over                bool   // nobody waits for it

	replies []dnsx.Reply  // all of them, where nobody wants them sooner, or else
	done    []result      // those that have come and are not collected
	wake    chan struct{} // gets a token when there is something to collect
}

// tasksAtOnce bounds the tasks that are kept alive by one of them.
const tasksAtOnce = 16

// result is a reply with its place in the batch.
type result struct {
	place int
	reply dnsx.Reply
}

func newBatch(qs []dnsx.Question, limit int, replies []dnsx.Reply) *batch {
	return &batch{questions: qs, limit: limit, left: len(qs), replies: replies, wake: make(chan struct{}, 1)}
}

// submit begins a batch. Its caller does not hold mu.
func (e *engine) submit(b *batch) {
	e.mu.Lock()
	switch {
	case e.closed:
		e.skip(b, givenUp)
	case len(e.upstreams) == 0:
		e.skip(b, unequipped)
	}
	e.enqueue(b)
	e.pump()
}

// enqueue puts a batch into the row, where it has something to begin.
func (e *engine) enqueue(b *batch) {
	if !b.listed && !b.over && b.begun < len(b.questions) && b.active < b.limit {
		b.listed = true
		e.waiting.push(b)
	}
}

// collect takes what is done; space is what an earlier collect returned. Its
// caller does not hold mu.
func (e *engine) collect(b *batch, space []result) []result {
	clear(space)
	e.mu.Lock()
	defer e.mu.Unlock()
	space, b.done = b.done, space[:0]
	return space
}

// abandon ends all questions of a batch that have no reply. Late answers find no
// one. Its caller does not hold mu.
func (e *engine) abandon(b *batch, err error) {
	e.mu.Lock()
	if b.left == 0 {
		e.mu.Unlock()
		return
	}
	b.over = true
	for _, t := range slices.Clone(e.active) {
		if t.batch == b {
			t.conclude(dnsx.ReplyOf(t.question)(nil, err))
		}
	}
	e.skip(b, func(q dnsx.Question) dnsx.Reply { return dnsx.ReplyOf(q)(nil, err) })
	e.pump()
}

// skip gives a reply to all questions of a batch that were not begun.
func (e *engine) skip(b *batch, reply func(dnsx.Question) dnsx.Reply) {
	for ; b.begun < len(b.questions); b.begun++ {
		b.put(b.begun, reply(b.questions[b.begun]))
	}
}

// put hands over a reply.
func (b *batch) put(place int, r dnsx.Reply) {
	b.left--
	if b.replies != nil {
		b.replies[place] = r
		if b.left > 0 {
			return
		}
	} else {
		b.done = append(b.done, result{place, r})
	}
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// pump sends all that may be sent. It is called after everything that can have
// changed this, and gives mu back.
func (e *engine) pump() {
	var out *outbox
	for {
		t := e.next()
		if t != nil {
			f, s := t.send()
			if s == nil {
				continue
			}
			if out == nil {
				out = e.outboxes.Get().(*outbox)
			}
			if out.add(f, s); !out.full() {
				continue
			}
		}
		e.mu.Unlock()
		switch {
		case out == nil:
			return
		case out.n == 0:
			e.outboxes.Put(out)
			return
		}
		out.send()
		e.mu.Lock()
	}
}

// next is the task that has its turn to send something, nil for none: first those
// that were begun, then a new one, where the window has room.
func (e *engine) next() *task {
	for {
		for e.ready.len() > 0 {
			t := e.ready.pop()
			if t.ready = false; !t.over {
				return t
			}
		}
		if t := e.admit(); t != nil || e.ready.len() == 0 {
			return t
		}
	}
}

// admit begins the next question of the batches in the row.
func (e *engine) admit() *task {
	for e.waiting.len() > 0 {
		b := e.waiting.first()
		u, fail := e.pick()
		switch {
		case fail != nil:
			e.skip(b, fail.about)
			e.unlist()
		case !u.hasRoom():
			return nil
		case b.over:
			e.unlist()
		default:
			if t := e.begin(b, u); !t.over {
				return t
			}
		}
	}
	return nil
}

// unlist takes the first batch out of the row.
func (e *engine) unlist() *batch {
	b := e.waiting.pop()
	b.listed = false
	return b
}

// begin makes a task of the next question of the first batch in the row, which
// goes to the row's end.
func (e *engine) begin(b *batch, u *upstream) *task {
	if len(b.space) == 0 {
		b.space = make([]task, min(tasksAtOnce, len(b.questions)-b.begun))
	}
	t := &b.space[0]
	b.space = b.space[1:]
	*t = task{engine: e, batch: b, place: b.begun, question: b.questions[b.begun], upstream: u}
	b.begun++
	b.active++
	e.unlist()
	e.enqueue(b)
	t.start()
	return t
}

// arm sees to it that the timer fires at that time or before.
func (e *engine) arm(at time.Duration) {
	if e.closed || e.alarm != 0 && e.alarm <= at {
		return
	}
	e.alarm = at
	if wait := at - e.now(); e.timer == nil {
		e.timer = time.AfterFunc(wait, e.tick)
	} else {
		e.timer.Reset(wait)
	}
}

// minTick keeps the timer from firing for each of many questions.
const minTick = 2 * time.Millisecond

// tick moves on all whose time has come. Its caller does not hold mu.
func (e *engine) tick() {
	e.mu.Lock()
	e.alarm = 0
	now := e.now()
	for i := len(e.active) - 1; i >= 0; i-- { // backwards: what ends makes room for the last one
		e.active[i].expire(now)
	}
	next := time.Duration(0)
	soonest := func(at time.Duration) {
		if next == 0 || at < next {
			next = at
		}
	}
	for _, t := range e.active {
		soonest(t.due())
	}
	for _, u := range e.upstreams {
		u.sweep(now, soonest)
	}
	if next != 0 {
		e.arm(max(next, now+minTick))
	}
	e.pump()
}

// close ends everything and waits until it has ended. Its caller does not hold mu.
func (e *engine) close() {
	e.mu.Lock()
	e.closed = true
	if e.timer != nil {
		e.timer.Stop()
	}
	for e.waiting.len() > 0 {
		b := e.unlist()
		b.over = true
		e.skip(b, givenUp)
	}
	for len(e.active) > 0 {
		t := e.active[len(e.active)-1]
		if t.batch != nil {
			t.batch.over = true
		}
		t.conclude(givenUp(t.question))
		if t.batch != nil {
			e.skip(t.batch, givenUp)
		}
	}
	for _, u := range e.upstreams {
		u.close()
	}
	e.mu.Unlock()
	e.end()
	e.wg.Wait()
}

// givenUp is the reply to a question that Close has ended.
func givenUp(q dnsx.Question) dnsx.Reply { return dnsx.ReplyOf(q)(nil, context.Canceled) }

// unequipped is the reply where there is no name server.
func unequipped(q dnsx.Question) dnsx.Reply {
	return dnsx.Reply{Question: q, Failure: &dnsx.Failure{Question: q, Kind: dnsx.KindNetwork, Detail: "no name server is configured"}}
}

// queue is first in, first out. It needs no memory for what comes and goes.
type queue[T any] struct {
	items []T
	head  int
}

func (q *queue[T]) len() int { return len(q.items) - q.head }

func (q *queue[T]) first() T { return q.items[q.head] }

func (q *queue[T]) push(v T) {
	if q.head > len(q.items)/2 {
		q.items = slices.Delete(q.items, 0, q.head)
		q.head = 0
	}
	q.items = append(q.items, v)
}

func (q *queue[T]) pop() T {
	var none T
	v := q.items[q.head]
	q.items[q.head] = none
	q.head++
	return v
}

// engineOf is the engine of a Client, which it makes where there is none yet.
func engineOf(c *Client) *engine {
	if e := c.engine.Load(); e != nil {
		return e
	}
	e := newEngine(c)
	if !c.engine.CompareAndSwap(nil, e) {
		e.end()
	}
	return c.engine.Load()
}
