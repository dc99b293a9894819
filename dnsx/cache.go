package dnsx

import (
	"cmp"
	"context"
	"encoding/binary"
	"reflect"
	"slices"
	"sync"
	"time"
)

// Cache keeps what Next answered for as long as the answer allows, and asks a
// question once for all who want to know it at the same time. Answers are
// handed out as they are, not copied, with the TTL and time that they came with.
//
// It belongs above the other wrappers, as in &Cache{Next: &Limit{Next: r}}. The
// fields may be set before the first question, not later. Whoever checks many
// domains with one Cache brackets each with Job.
type Cache struct {
	Next Resolver

	// MaxBytes bounds the memory of what is kept, counted approximately; the
	// replies that were unused longest go first. 0 means 64 MB.
	MaxBytes int

	// An answer is kept for its smallest TTL (RFC 2181, 5.2), a negative one for
	// the smaller of TTL and MINIMUM of its SOA record (RFC 2308, 5), but at least
	// MinTTL and at most MaxTTL.
	//
	// MinTTL 0 means DefaultBudget: one job is one transaction, in which even an
	// answer of TTL 0 serves (RFC 1035, 3.2.1), and so does a negative one without
	// SOA, which RFC 2308 fears for its loops between servers: this is none. A
	// negative MinTTL keeps neither.
	//
	// MaxTTL 0 means an hour.
	MinTTL, MaxTTL time.Duration

	// FailureTTL is the time for which a Failure is kept, brought to between 1 s
	// and 5 min (RFC 9520, 3.2); 0 means 5 s. Those of kind budget and canceled
	// speak of the caller, and are not kept.
	FailureTTL time.Duration

	// CutAfter lets NXDOMAIN at a name answer for all names at and below it
	// (RFC 8020, 2), once so many names below it were denied as well, or at once
	// where the denial is validated. Such an answer has the Proto ProtoCut.
	//
	// 0 means never: every question is asked. Some servers deny names that have
	// none but others below them (RFC 8020, 5), and no number of denials proves
	// that one of them spoke the truth: the larger, the rarer a name is missed that
	// exists. A server that is caught is not believed again. On correct servers
	// the answers are the same with any value.
	CutAfter int

	// ParentsFirst asks, of the questions of one batch, those about upper names
	// before those below, so that cuts can answer the latter. It costs a round trip
	// for each level of names and one for the witnesses, and is for many domains at
	// once, where the number of questions is what takes the time. Without CutAfter
	// it does nothing; without it cuts delay nothing, and use what happens to be known.
	ParentsFirst bool

	// Budget bounds the time of a question where whoever asks it first has no
	// later deadline; 0 means DefaultBudget.
	Budget time.Duration

	Now func() time.Time // nil means time.Now

	mu     sync.Mutex
	names  map[string]*name
	latest *entry // of a ring in the order of use: latest.older, …, oldest = latest.newer
	bytes  int
	turn   int // of step, the last
}

const (
	defaultMaxBytes   = 64 << 20
	defaultMaxTTL     = time.Hour // RFC 2308, 5 found one to three hours to work well
	defaultFailureTTL = 5 * time.Second
	minFailureTTL     = time.Second
	maxFailureTTL     = 5 * time.Minute
)

// entry is a reply that is kept, or a node.
type entry struct {
	name         *name
	kind         kind
	reply        Reply // not of a node
	node         *node
	until        time.Time // not of a node, which knows more than one time
	size         int
	job          *job // whose end drops it; nil for none
	slot         int  // in job.own
	newer, older *entry
}

// Resolve answers from what is kept, or waits for the flight that asks q.
func (c *Cache) Resolve(ctx context.Context, q Question) (*Answer, error) {
	reply, ok := c.kept(q)
	if !ok {
		reply = c.ResolveAll(ctx, []Question{q})[0]
	}
	if reply.Answer != nil {
		return reply.Answer, nil
	}
	if err := ctx.Err(); err != nil && !lasting(reply.Failure) {
		return nil, err
	}
	return nil, reply.Failure
}

// ResolveAll answers from what is kept, joins the flights that others started,
// and asks Next for the rest in one batch.
func (c *Cache) ResolveAll(ctx context.Context, qs []Question) []Reply {
	replies := make([]Reply, len(qs))
	if w := c.begin(ctx, qs, replies); w != nil {
		c.wait(ctx, w)
	}
	return replies
}

// Names lists what Next lists; where Next is no Lister the error wraps ErrNoList.
func (c *Cache) Names(below string) ([]string, error) { return namesOf(c.Next, below) }

func (c *Cache) now() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now()
}

func (c *Cache) kept(q Question) (Reply, bool) {
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.names[q.Name]
	return c.lookup(q, n, n.slot(q.kind()).entry, &denials{cache: c, now: now})
}

// lookup is the one place that answers a question from earlier replies, of which e is
// the one that is kept; n is its name, if there is one. Its caller holds c.mu, as do
// those of all that read or change what is kept.
func (c *Cache) lookup(q Question, n *name, e *entry, d *denials) (Reply, bool) {
	if e != nil {
		if d.now.Before(e.until) {
			c.use(e)
			return e.reply, true
		}
		c.drop(e)
	}
	if a := c.cut(q, d.of(q, n)); a != nil {
		return Reply{Question: q, Answer: a}, true
	}
	return Reply{}, false
}

// store keeps the reply to a flight in its slot, where it may be kept, until the job
// ends.
func (c *Cache) store(f *flight, r Reply, now time.Time) {
	ttl := c.ttl(r)
	if f.forgotten || ttl <= 0 || isCut(r.Answer) { // the time of a cut ran from the denial
		return
	}
	e := &entry{name: f.name, kind: f.question.kind(), reply: r, until: now.Add(ttl), size: sizeOf(r)}
	if e.size > c.most() {
		return
	}
	f.forgotten = true
	f.name.put(slot{kind: e.kind, entry: e})
	c.add(e, f.job)
}

// add takes in an entry that stands at its name, and drops the oldest where space
// is short.
func (c *Cache) add(e *entry, j *job) {
	e.name.hold()
	c.link(e)
	j.add(e)
	c.bytes += e.size
	c.trim()
}

func (c *Cache) trim() {
	for c.bytes > c.most() {
		c.drop(c.latest.newer)
	}
}

func (c *Cache) most() int { return cmp.Or(c.MaxBytes, defaultMaxBytes) }

func (c *Cache) drop(e *entry) {
	n := e.name
	if e.node != nil {
		n.nodes = slices.DeleteFunc(n.nodes, func(o *entry) bool { return o == e })
	} else {
		n.clear(e.kind)
	}
	c.bytes -= e.size
	c.unlink(e)
	e.job.remove(e)
	c.letGo(n)
}

// use makes an entry the latest.
func (c *Cache) use(e *entry) {
	if e != c.latest {
		c.unlink(e)
		c.link(e)
	}
}

func (c *Cache) link(e *entry) {
	if c.latest == nil {
		e.newer, e.older = e, e
	} else {
		e.older, e.newer = c.latest, c.latest.newer
		e.older.newer, e.newer.older = e, e
	}
	c.latest = e
}

func (c *Cache) unlink(e *entry) {
	if c.latest == e {
		c.latest = e.older
	}
	if c.latest == e { // it was alone
		c.latest = nil
	}
	e.newer.older, e.older.newer = e.older, e.newer
}

// lasting reports whether a failure says something about the question, and not
// about the time or patience of whoever asked.
func lasting(f *Failure) bool { return f.Kind != KindBudget && f.Kind != KindCanceled }

// ttl is the time for which a reply may be kept, 0 for not at all.
func (c *Cache) ttl(r Reply) time.Duration {
	switch {
	case r.Failure == nil:
		return min(max(r.Answer.lifetime(), cmp.Or(c.MinTTL, DefaultBudget)), c.maxTTL())
	case lasting(r.Failure):
		return min(max(cmp.Or(c.FailureTTL, defaultFailureTTL), minFailureTTL), maxFailureTTL)
	}
	return 0
}

func (c *Cache) maxTTL() time.Duration { return cmp.Or(c.MaxTTL, defaultMaxTTL) }

// lifetime is the time for which the records of an answer may be used, or, where
// there are none, its denial. It is 0 for a denial that does not say.
func (a *Answer) lifetime() time.Duration {
	const unbounded = 1<<31 - 1 // the largest TTL (RFC 2181, 8)
	ttl := uint32(unbounded)
	for _, rr := range a.Chain {
		ttl = min(ttl, seconds(rr.TTL))
	}
	for _, rr := range a.Records {
		ttl = min(ttl, seconds(rr.TTL))
	}
	if len(a.Records) == 0 {
		owner, denied := a.Owner(), false
		for _, rr := range a.Authority {
			if minimum, ok := minimumOf(rr); ok && Below(owner, rr.Name) {
				ttl = min(ttl, seconds(rr.TTL), seconds(minimum))
				denied = true
			}
		}
		if !denied {
			return 0
		}
	}
	return time.Duration(ttl) * time.Second
}

// minimumOf returns the last field of an SOA record, and makes no strings of its names.
func minimumOf(rr RR) (minimum uint32, ok bool) {
	if rr.Type != TypeSOA {
		return 0, false
	}
	next := 0
	for range 2 {
		if next, ok = skipName(rr.Data, next); !ok {
			return 0, false
		}
	}
	if len(rr.Data) != next+20 {
		return 0, false
	}
	return binary.BigEndian.Uint32(rr.Data[next+16:]), true
}

// skipName returns the offset behind an uncompressed name.
func skipName(wire []byte, off int) (next int, ok bool) {
	for start := off; off < len(wire) && wire[off] <= 63 && off-start < 255; {
		n := int(wire[off])
		off += 1 + n
		if n == 0 {
			return off, true
		}
	}
	return 0, false
}

// seconds reads a TTL: one with the top bit set is 0 (RFC 2181, 8).
func seconds(ttl uint32) uint32 {
	if ttl > 1<<31-1 {
		return 0
	}
	return ttl
}

// rounding is what an allocation takes on average beyond what was asked of it.
const rounding = 8

var (
	rrSize      = int(reflect.TypeFor[RR]().Size())
	answerSize  = int(reflect.TypeFor[Answer]().Size())
	failureSize = int(reflect.TypeFor[Failure]().Size())
	entrySize   = int(reflect.TypeFor[entry]().Size())
	edeSize     = int(reflect.TypeFor[EDE]().Size())
)

// sizeOf estimates the memory that keeping a reply costs.
func sizeOf(r Reply) int {
	const slot = 32 // of the map: the key, the pointer, and what is free
	n := entrySize + nameSize + slot + len(r.Question.Name) + 2*rounding
	if f := r.Failure; f != nil {
		return n + failureSize + rounding + len(f.Server) + len(f.Detail) + sizeOfEDE(f.EDE) + sizeOfRRs(f.Chain)
	}
	a := r.Answer
	if a == nil {
		return n
	}
	return n + answerSize + rounding + len(a.Server) + sizeOfEDE(a.EDE) +
		sizeOfRRs(a.Chain) + sizeOfRRs(a.Records) + sizeOfRRs(a.Authority)
}

func sizeOfRRs(rrs []RR) (n int) {
	for _, rr := range rrs {
		n += rrSize + len(rr.Name) + len(rr.Data) + 2*rounding
	}
	return n
}

func sizeOfEDE(all []EDE) (n int) {
	for _, e := range all {
		n += edeSize + len(e.Text)
	}
	return n
}
