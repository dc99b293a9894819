package dnsx

import (
	"context"
	"reflect"
	"slices"
	"time"
)

// ProtoCut is the Proto of an answer that nobody gave: NXDOMAIN at a name above
// stands for it (RFC 8020, 2; see Cache.CutAfter). Server, Authority, AD and At
// are those of that denial, and an EDE of code 29 (Synthesized, IANA) names it.
const ProtoCut = "cut"

const edeSynthesized = 29

func isCut(a *Answer) bool { return a != nil && a.Proto == ProtoCut }

// node is what the cuts know of a name.
type node struct {
	denial    *Answer   // NXDOMAIN for the name; nil: none
	denied    time.Time // until when that holds
	zone      *name     // that denied it
	ede       []EDE     // of the answers that rest on it, once there are any
	witnesses int       // names below that were denied too
	witness   string    // the last of them

	exists time.Time // until when some name at or below is known to exist
	lies   time.Time // until when this zone is known to deny names that exist
}

var nodeSize = int(reflect.TypeFor[node]().Size())

// plainly is the mode of the node that says whether a zone lies.
var plainly = kind{}

// cut answers a question from the denial that was found for it, if that is believed.
func (c *Cache) cut(q Question, e *entry) *Answer {
	if e == nil || c.wanting(e.node) > 0 {
		return nil
	}
	c.use(e)
	n := e.node
	if n.ede == nil {
		n.ede = []EDE{{Code: edeSynthesized, Text: "NXDOMAIN at " + e.name.text}}
	}
	d := n.denial
	return &Answer{
		Question: q, RCode: NXDomain, Authority: d.Authority, AD: d.AD, EDE: n.ede,
		Server: d.Server, Proto: ProtoCut, At: d.At,
	}
}

// denialOf returns the node of the uppermost name at or above n which a zone denied
// that is not known to lie.
func (n *name) denialOf(mode kind, now time.Time) (denial *entry) {
	for ; n != nil && n.above != nil; n = n.above {
		if e := n.denialAt(mode, now); e != nil {
			denial = e
		}
	}
	return denial
}

func (n *name) denialAt(mode kind, now time.Time) *entry {
	if e := n.node(mode); e != nil && now.Before(e.node.denied) && !e.node.zone.lies(now) {
		return e
	}
	return nil
}

// denials is denialOf for questions one after another, while c.mu is held: most of a
// batch have the same parent, and what was found for that serves again.
type denials struct {
	cache  *Cache
	now    time.Time
	parent string
	mode   kind
	above  *entry // its denialOf
}

// of returns the denial for a question about n, which is nil where there is no such name.
func (d *denials) of(q Question, n *name) *entry {
	c := d.cache
	if c.CutAfter <= 0 {
		return nil
	}
	mode := q.mode()
	if parent := Parent(q.Name); d.parent != parent || d.mode != mode {
		d.parent, d.mode = parent, mode
		d.above = c.nearest(parent).denialOf(mode, d.now)
	}
	if d.above != nil || n == nil {
		return d.above
	}
	return n.denialAt(mode, d.now)
}

// wanting is the number of witnesses that a denial lacks. A validated one needs none:
// the zone's own signature denies all names below (RFC 8020, 2), and AD is not set
// where that leaves out unsigned delegations (RFC 5155, 9.2).
func (c *Cache) wanting(n *node) int {
	if n.denial.AD {
		return 0
	}
	return max(c.CutAfter-n.witnesses, 0)
}

func (n *name) lies(now time.Time) bool {
	e := n.node(plainly)
	return e != nil && now.Before(e.node.lies)
}

// learn takes from a reply about n what cuts rest on.
func (c *Cache) learn(n *name, r Reply, now time.Time) {
	switch {
	case c.CutAfter <= 0 || isCut(r.Answer):
	case r.Answer != nil && !r.Answer.Exists():
		c.learnDenial(n, r, now)
	case r.Answer != nil || len(r.Chain()) > 0:
		c.learnExists(n, r, now)
	}
}

// learnDenial notes that a name was denied, or makes a witness of it where one above
// was. What has no SOA record of a zone above says neither who denies nor for how
// long (RFC 2308, 5).
func (c *Cache) learnDenial(n *name, r Reply, now time.Time) {
	a, mode := r.Answer, r.Question.mode()
	zone := zoneAbove(n, a)
	until := now.Add(min(a.lifetime(), c.maxTTL()))
	if zone == nil || !until.After(now) {
		return
	}
	if above := n.denialOf(mode, now); above != nil && above.name != n {
		if w := above.node; w.witness != n.text { // else it was asked for another type
			w.witness = n.text
			w.witnesses++
		}
		return
	}
	e := c.nodeAt(n, mode)
	if e == nil {
		return
	}
	d := e.node
	if !now.Before(d.denied) {
		d.witnesses, d.witness = 0, ""
	}
	d.denial, d.zone, d.ede, d.denied = a, zone, nil, until
	size := sizeOfNode(e)
	c.bytes += size - e.size
	e.size = size
	if now.Before(d.exists) {
		c.mark(zone, now)
	}
	c.trim()
}

// zoneAbove is the zone that denies n, nil where none above n says that it does.
func zoneAbove(n *name, a *Answer) *name {
	for _, rr := range a.Authority {
		for zone := n.above; zone != nil && rr.Type == TypeSOA; zone = zone.above {
			if zone.text == rr.Name {
				return zone
			}
		}
	}
	return nil
}

// learnExists notes that a name exists, and so all above it. Whoever denied one of
// them lies, or did not know of the name yet.
func (c *Cache) learnExists(n *name, r Reply, now time.Time) {
	until := now.Add(c.ttl(r))
	for ; n.above != nil; n = n.above {
		e := c.nodeAt(n, r.Question.mode())
		if e == nil {
			return
		}
		if until.After(e.node.exists) {
			e.node.exists = until
		}
		if now.Before(e.node.denied) {
			c.mark(e.node.zone, now)
		}
	}
}

// mark notes that a zone denied what exists. That outlives the job that found it.
func (c *Cache) mark(zone *name, now time.Time) {
	e := c.nodeAt(zone, plainly)
	if e == nil {
		return
	}
	e.job.remove(e)
	e.node.lies = now.Add(c.maxTTL())
}

// nodeAt returns the node of a name, a new one where there is none, nil where it would
// take more than all the space. Its caller has hold of the name.
func (c *Cache) nodeAt(n *name, mode kind) *entry {
	if e := n.node(mode); e != nil {
		c.use(e)
		return e
	}
	space := &struct { // in one piece
		entry
		node
	}{}
	e := &space.entry
	e.name, e.kind, e.node = n, mode, &space.node
	if e.size = sizeOfNode(e); e.size > c.most() {
		return nil
	}
	n.nodes = append(n.nodes, e)
	c.add(e, n.owner())
	return e
}

func sizeOfNode(e *entry) int {
	n := nodeSize + rounding
	if d := e.node.denial; d != nil { // which the reply may hold alive no more
		n += sizeOf(Reply{Question: d.Question, Answer: d})
	}
	return n + sizeOf(e.reply) + len(e.name.text)
}

// maxSteps bounds the round trips that a batch may take beyond one, whatever servers say.
const maxSteps = 6

// flyInSteps asks first what has no name above it in the batch. What is below a name
// that was denied waits for the witnesses, and is then answered by the cut. Where an
// answer fails to come, the rest waits for no other.
func (c *Cache) flyInSteps(ctx context.Context, b *batch) {
	failed := false
	for steps, rest := 0, slices.Clone(b.flights); len(rest) > 0; steps++ {
		step, later := c.step(rest)
		if failed || steps == maxSteps {
			step, later = append(step, later...), nil
		}
		c.ask(ctx, step)
		failed = slices.ContainsFunc(step, func(f *flight) bool { return f.failed })
		rest = later
	}
}

// step delivers what the cuts can answer, and parts the rest into what is to be asked
// now and what that may answer, for which it takes the space of flights.
func (c *Cache) step(flights []*flight) (step, later []*flight) {
	d := denials{cache: c, now: c.now()}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.turn++
	rest := flights[:0]
	for _, f := range flights {
		f.denial = d.of(f.question, f.name)
		if a := c.cut(f.question, f.denial); a != nil {
			c.deliver(f, Reply{Question: f.question, Answer: a})
			continue
		}
		rest = append(rest, f)
		f.name.turn = c.turn
	}
	step, later = make([]*flight, 0, len(rest)), rest[:0]
	witnesses := map[*entry]int{}
	var parent *name // most of a batch have the same one
	above := false
	for _, f := range rest {
		if p := f.name.above; p != parent {
			parent, above = p, c.asks(p)
		}
		switch denial := f.denial; {
		case above, denial != nil && witnesses[denial] == c.wanting(denial.node):
			later = append(later, f)
			continue
		case denial != nil && denial.name != f.name:
			witnesses[denial]++
		}
		step = append(step, f)
	}
	return step, later
}

// asks reports whether this step asks about n or a name above it but the root.
func (c *Cache) asks(n *name) bool {
	for ; n != nil && n.above != nil; n = n.above {
		if n.turn == c.turn {
			return true
		}
	}
	return false
}
