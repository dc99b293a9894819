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
	zone      string    // that denied it
	ede       []EDE     // of the answers that rest on it, once there are any
	witnesses int       // names below that were denied too
	witness   string    // the last of them

	exists time.Time // until when some name at or below is known to exist
	lies   time.Time // until when this zone is known to deny names that exist
}

var nodeSize = int(reflect.TypeFor[node]().Size())

// nodeOf makes the key of a node. Denials that were asked for in another way differ:
// without DO they lack the records that prove them, with CD they may be forged.
func nodeOf(q Question, name string) Question {
	return Question{Name: name, DNSSEC: q.DNSSEC, CheckingDisabled: q.CheckingDisabled}
}

// zoneOf makes the key of the node that says whether a zone lies.
func zoneOf(name string) Question { return Question{Name: name} }

// cut answers a question from the denial that was found for it, if that is believed.
func (c *Cache) cut(q Question, e *entry) *Answer {
	if e == nil || c.wanting(e.node) > 0 {
		return nil
	}
	c.use(e)
	n := e.node
	if n.ede == nil {
		n.ede = []EDE{{Code: edeSynthesized, Text: "NXDOMAIN at " + e.reply.Question.Name}}
	}
	d := n.denial
	return &Answer{
		Question: q, RCode: NXDomain, Authority: d.Authority, AD: d.AD, EDE: n.ede,
		Server: d.Server, Proto: ProtoCut, At: d.At,
	}
}

// denialOf returns the node of the uppermost name at or above that of q which a zone
// denied that is not known to lie.
func (c *Cache) denialOf(q Question, now time.Time) (denial *entry) {
	for name := q.Name; name != "."; name = Parent(name) {
		if e := c.denialAt(nodeOf(q, name), now); e != nil {
			denial = e
		}
	}
	return denial
}

func (c *Cache) denialAt(key Question, now time.Time) *entry {
	if e := c.nodes[key]; e != nil && now.Before(e.node.denied) && !c.lies(e.node.zone, now) {
		return e
	}
	return nil
}

// denials is denialOf for questions one after another, while c.mu is held: most of a
// batch have the same parent, and what was found for that serves again.
type denials struct {
	cache  *Cache
	now    time.Time
	parent Question // the key of its node
	above  *entry   // its denialOf
}

func (d *denials) of(q Question) *entry {
	c := d.cache
	if c.CutAfter <= 0 {
		return nil
	}
	if parent := nodeOf(q, Parent(q.Name)); d.parent != parent {
		d.parent, d.above = parent, c.denialOf(parent, d.now)
	}
	if d.above != nil {
		return d.above
	}
	return c.denialAt(nodeOf(q, q.Name), d.now)
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

func (c *Cache) lies(zone string, now time.Time) bool {
	e := c.nodes[zoneOf(zone)]
	return e != nil && now.Before(e.node.lies)
}

// learn takes from a reply what cuts rest on.
func (c *Cache) learn(r Reply, now time.Time) {
	switch {
	case c.CutAfter <= 0 || isCut(r.Answer):
	case r.Answer != nil && !r.Answer.Exists():
		c.learnDenial(r, now)
	case r.Answer != nil || len(r.Chain()) > 0:
		c.learnExists(r, now)
	}
}

// learnDenial notes that a name was denied, or makes a witness of it where one above
// was. What has no SOA record of a zone above says neither who denies nor for how
// long (RFC 2308, 5).
func (c *Cache) learnDenial(r Reply, now time.Time) {
	a, q := r.Answer, r.Question
	soa := slices.IndexFunc(a.Authority, func(rr RR) bool {
		return rr.Type == TypeSOA && rr.Name != q.Name && Below(q.Name, rr.Name)
	})
	until := now.Add(min(a.lifetime(), c.maxTTL()))
	if soa < 0 || !until.After(now) {
		return
	}
	if above := c.denialOf(q, now); above != nil && above.reply.Question.Name != q.Name {
		if n := above.node; n.witness != q.Name { // else it was asked for another type
			n.witness = q.Name
			n.witnesses++
		}
		return
	}
	e := c.nodeAt(nodeOf(q, q.Name))
	if e == nil {
		return
	}
	n := e.node
	if !now.Before(n.denied) {
		n.witnesses, n.witness = 0, ""
	}
	n.denial, n.zone, n.ede, n.denied = a, a.Authority[soa].Name, nil, until
	size := sizeOfNode(e)
	c.bytes += size - e.size
	e.size = size
	if now.Before(n.exists) {
		c.mark(n.zone, now)
	}
	c.trim()
}

// learnExists notes that a name exists, and so all above it. Whoever denied one of
// them lies, or did not know of the name yet.
func (c *Cache) learnExists(r Reply, now time.Time) {
	until := now.Add(c.ttl(r))
	for name := r.Question.Name; name != "."; name = Parent(name) {
		e := c.nodeAt(nodeOf(r.Question, name))
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
func (c *Cache) mark(zone string, now time.Time) {
	e := c.nodeAt(zoneOf(zone))
	if e == nil {
		return
	}
	e.job.remove(e)
	e.node.lies = now.Add(c.maxTTL())
}

// nodeAt returns the node of a key, a new one where there is none, nil where it would
// take more than all the space.
func (c *Cache) nodeAt(key Question) *entry {
	if e := c.nodes[key]; e != nil {
		c.use(e)
		return e
	}
	e := &entry{reply: Reply{Question: key}, node: &node{}}
	if e.size = sizeOfNode(e); e.size > c.most() {
		return nil
	}
	if c.nodes == nil {
		c.nodes = map[Question]*entry{}
	}
	c.nodes[key] = e
	c.add(e, c.jobOf(key.Name))
	return e
}

func sizeOfNode(e *entry) int {
	n := nodeSize + rounding
	if d := e.node.denial; d != nil { // which the reply may hold alive no more
		n += sizeOf(Reply{Question: d.Question, Answer: d})
	}
	return n + sizeOf(e.reply)
}

// maxSteps bounds the round trips that a batch may take beyond one, whatever servers say.
const maxSteps = 6

// flyInSteps asks first what has no name above it in the batch. What is below a name
// that was denied waits for the witnesses, and is then answered by the cut. Where an
// answer fails to come, the rest waits for no other.
func (c *Cache) flyInSteps(ctx context.Context, b *batch) {
	failed := false
	for steps, rest := 0, b.flights; len(rest) > 0; steps++ {
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
// now and what that may answer.
func (c *Cache) step(flights []*flight) (step, later []*flight) {
	d := denials{cache: c, now: c.now()}
	c.mu.Lock()
	defer c.mu.Unlock()
	rest := make([]*flight, 0, len(flights))
	found := make([]*entry, 0, len(flights)) // for the rest
	names := make(map[string]bool, len(flights))
	for _, f := range flights {
		denial := d.of(f.question)
		if a := c.cut(f.question, denial); a != nil {
			c.deliver(f, Reply{Question: f.question, Answer: a})
			continue
		}
		rest, found = append(rest, f), append(found, denial)
		names[f.question.Name] = true
	}
	witnesses := map[*entry]int{}
	parent, above := ".", false // most of a batch have the same parent
	for i, f := range rest {
		name, denial := f.question.Name, found[i]
		if p := Parent(name); p != parent {
			parent, above = p, anyOf(names, p)
		}
		switch {
		case above, denial != nil && witnesses[denial] == c.wanting(denial.node):
			later = append(later, f)
			continue
		case denial != nil && denial.reply.Question.Name != name:
			witnesses[denial]++
		}
		step = append(step, f)
	}
	return step, later
}

// anyOf reports whether a name, or one above it but the root, is among names.
func anyOf(names map[string]bool, name string) bool {
	for ; name != "."; name = Parent(name) {
		if names[name] {
			return true
		}
	}
	return false
}
