package wire

import (
	"fmt"
	"slices"
	"time"

	"github.com/mailcheck-go/mailcheck/dnsx"
)

// task is one question on its way to a reply.
type task struct {
	engine   *engine
	batch    *batch // nil for a control question
	place    int    // in the batch
	question dnsx.Question

	upstream *upstream     // the server asked last, or next
	how      how           // it is asked next
	asking   dnsx.Question // the name at which the chain is
	answer   *dnsx.Answer  // of an unfinished chain

	begun, deadline time.Duration
	retry           time.Duration // when another try is due; 0: not any more
	tries           int           // messages sent, less those that repeat a try in another way
	sends, failed   int           // of this step: tries, and those that ended in a failure
	silent          int           // of this step: waits that ended in nothing
	worst           *dnsx.Failure
	flights         []*flight  // messages that may be answered yet
	first           flight     // the first of them, and
	space           [1]*flight // room for it: most tasks have no other
	slot            int        // in engine.active
	ready, over     bool
}

// how is the way in which a question is put.
type how struct {
	proto string
	plain bool // without EDNS
	flat  bool // in lower case
	again bool // it belongs to the try before
	stale bool // a connection has gone away under it before
}

// flight is one message that was sent, and waits for its reply.
type flight struct {
	task     *task
	upstream *upstream
	link     *link  // nil once it is over
	key      uint16 // in link.pending
	cancel   func() // of a request over https
	query    query
	how      how
	sent     time.Duration
	counted  bool // it has a place in the window
}

// start prepares the first step. It concludes a task that need not be asked.
func (t *task) start() {
	e := t.engine
	t.begun = e.now()
	t.deadline = t.begun + e.client.total()
	t.slot = len(e.active)
	e.active = append(e.active, t)
	t.asking = t.question
	t.how = how{proto: t.upstream.proto}
	name, err := dnsx.ParseName(t.question.Name)
	if err != nil {
		t.end(&dnsx.Failure{Kind: dnsx.KindNotAsked, Detail: err.Error()})
		return
	}
	t.asking.Name = name
}

// send sends the next message: it returns the socket on which its caller has to
// write it, or nil where that is left to others.
func (t *task) send() (*flight, *socket) {
	e, u := t.engine, t.upstream
	now := e.now()
	f := &t.first
	if f.task != nil { // it is never used again: somebody may still read its reply
		f = new(flight)
	}
	if t.flights == nil {
		t.flights = t.space[:0]
	}
	*f = flight{task: t, upstream: u, how: t.how, sent: now, query: query{
		name: t.asking.Name, typ: t.asking.Type, dnssec: t.asking.DNSSEC, cd: t.asking.CheckingDisabled,
		ad: e.client.trusts(u.server), plain: t.how.plain, pad: u.tls != nil,
	}}
	if !t.how.again {
		t.tries++
		t.sends++
	}
	t.how.again = false
	e.sent++
	t.flights = append(t.flights, f)
	f.counted = true
	u.inflight++
	t.retry = now + e.client.timeout()
	if t.how.proto == protoUDP {
		t.retry = now + u.patience(t.silent)
	}
	e.arm(t.due())
	switch t.how.proto {
	case protoUDP:
	case protoTCP, protoTLS:
		u.stream(t.how.proto, now).add(f, now)
		return f, nil
	case protoHTTPS:
		u.https(now).add(f, now)
		return f, nil
	default:
		f.lost(fmt.Errorf("a server with the unknown Proto %q", u.proto))
		return f, nil
	}
	s, err := u.socket(t, now)
	if err != nil {
		f.lost(networkError(protoUDP, err))
		return f, nil
	}
	if !u.flat && !u.loopback && !t.how.flat {
		f.query.mix = e.random.uint64() | 1<<63 // never 0, which means none
	}
	s.add(f, now)
	return f, s
}

// due is when the task has to be looked at.
func (t *task) due() time.Duration {
	if t.retry == 0 {
		return t.deadline
	}
	return min(t.retry, t.deadline)
}

// expire does what is due by time.
func (t *task) expire(now time.Duration) {
	if t.over || now < t.due() {
		return
	}
	if f := t.latest(); f != nil {
		t.note(f.upstream, &dnsx.Failure{Kind: dnsx.KindTimeout, Chain: t.chain()})
		f.upstream.silence(f)
	}
	if now >= t.deadline {
		t.end(t.worst)
		return
	}
	t.silent++
	if t.sends < t.mostSends() {
		t.next(how{proto: t.upstream.proto, flat: t.how.flat})
	} else {
		t.retry = 0 // an answer may come until the deadline
	}
}

// latest is the message that the task waits for, not counting those whose wait
// is over.
func (t *task) latest() *flight {
	for _, f := range t.flights {
		if f.counted {
			return f
		}
	}
	return nil
}

// mostSends bounds the tries of a step where nobody answers.
func (t *task) mostSends() int {
	switch c := t.engine.client; {
	case t.batch == nil:
		return controlTries
	case c.Tries > 0:
		return c.Tries
	default:
		return max(4, 2*len(c.Servers))
	}
}

// next puts the question to the next server.
func (t *task) next(h how) {
	if t.batch != nil {
		t.upstream = t.engine.after(t.upstream)
		if t.upstream.proto != h.proto {
			h = how{proto: t.upstream.proto}
		}
	}
	t.put(h)
}

// repeat puts the question to the same server in another way.
func (t *task) repeat(u *upstream, h how) {
	t.upstream = u
	t.put(h)
}

// put has the question sent.
func (t *task) put(h how) {
	t.how, t.retry = h, 0
	if !t.ready {
		t.ready = true
		t.engine.ready.push(t)
	}
}

// note keeps the failure that says most.
func (t *task) note(u *upstream, f *dnsx.Failure) {
	f.Server = u.name
	if t.worst == nil || weight(f) >= weight(t.worst) {
		t.worst = f
	}
}

// fail ends a try.
func (t *task) fail(u *upstream, f *dnsx.Failure) {
	t.note(u, f)
	t.failed++
	switch {
	case t.latest() != nil || t.ready: // another try is under way
	case t.failed >= t.engine.client.tries() || t.sends >= t.mostSends():
		t.end(t.worst)
	default:
		t.next(how{proto: u.proto})
	}
}

// chain is what led to the name that is asked for.
func (t *task) chain() []dnsx.RR {
	if t.answer == nil {
		return nil
	}
	return t.answer.Chain
}

// end concludes the task with a failure.
func (t *task) end(f *dnsx.Failure) {
	if f == nil {
		f = &dnsx.Failure{Kind: dnsx.KindTimeout, Server: t.upstream.name, Chain: t.chain()}
	}
	f.Question, f.Tries, f.Took = t.question, t.tries, t.engine.now()-t.begun
	t.conclude(dnsx.Reply{Question: t.question, Failure: f})
}

// conclude hands over the reply and forgets the task.
func (t *task) conclude(r dnsx.Reply) {
	t.over = true
	t.land()
	e := t.engine
	last := len(e.active) - 1
	e.active[t.slot] = e.active[last]
	e.active[t.slot].slot = t.slot
	e.active[last] = nil
	e.active = e.active[:last]
	if t.batch == nil {
		t.upstream.judge(r)
		return
	}
	t.batch.active--
	t.batch.put(t.place, r)
	e.enqueue(t.batch)
}

// land ends the wait for all messages of the task.
func (t *task) land() {
	for _, f := range t.flights {
		f.upstream.release(f)
		f.link.remove(f)
	}
	t.flights = t.flights[:0]
}

// drop ends the wait for one message.
func (f *flight) drop() {
	f.upstream.release(f)
	f.link.remove(f)
	f.task.flights = slices.DeleteFunc(f.task.flights, func(g *flight) bool { return g == f })
}

// lost says that no reply can come, because the way to the server is broken.
//
// A server may close a connection that was idle while a message is on the way to
// it: that is no failure (RFC 7766, 6.2.4).
func (f *flight) lost(err error) {
	var s *stream
	if f.link != nil {
		s = f.link.stream
	}
	f.drop()
	switch {
	case s != nil && s.answered && !f.how.stale && f.task.latest() == nil && !f.task.ready:
		f.how.again, f.how.stale = true, true
		f.task.repeat(f.upstream, f.how)
		return
	case s != nil && s.conn != nil || f.how.proto == protoHTTPS: // there may be a way
		f.upstream.suspect(1)
	case f.how.proto == f.upstream.proto:
		f.upstream.suspect(suspectAfter)
	}
	f.task.fail(f.upstream, failure(err, f.task.chain()))
}

// arrival is a message that has come, and what it says to the one that it may answer.
type arrival struct {
	octets []byte
	age    uint32  // seconds that it was kept on its way
	flight *flight // nil for none
	query  query
	asking dnsx.Question
	chain  []dnsx.RR

	step    step
	failure *dnsx.Failure // of the step
	err     error         // no message: errNotOurs, errCase or a *malformedError
}

// arrived is a message that may answer f, unread.
func (f *flight) arrived(octets []byte, age uint32) arrival {
	return arrival{octets: octets, age: age, flight: f, query: f.query, asking: f.task.asking, chain: f.task.chain()}
}

// read reads the message. Its caller does not hold mu.
func (a *arrival) read() {
	m := &a.step.message
	if a.err = m.read(a.octets, &a.query); a.err != nil || m.truncated || a.query.wantsPlain(m) {
		return
	}
	m.age(a.age)
	a.failure = a.step.take(a.asking, a.chain)
}

// wantsPlain reports that the server does not understand EDNS. A question for
// DNSSEC cannot do without it.
func (q *query) wantsPlain(m *message) bool {
	return !q.plain && !q.dnssec && (m.rcode == dnsx.FormErr || m.rcode == dnsx.BadVers)
}

// receive takes in messages that have come by a link, whose octets are given. Its
// caller does not hold mu.
func (e *engine) receive(l *link, come []arrival) {
	e.mu.Lock()
	for i := range come {
		if f := l.flightOf(come[i].octets); f != nil {
			come[i] = f.arrived(come[i].octets, 0)
		}
	}
	e.mu.Unlock()
	for i := range come {
		if come[i].flight != nil {
			come[i].read()
		}
	}
	e.mu.Lock()
	for i := range come {
		switch a := &come[i]; {
		case a.flight == nil, a.err == errNotOurs:
			e.strays++
			if l.socket != nil {
				l.socket.stray(a.octets)
			}
		case a.flight.link != nil: // else it has ended in between
			a.flight.take(a)
		}
	}
	clear(come)
	e.pump()
}

// take moves the task on by what a message says.
func (f *flight) take(r *arrival) {
	t, u := f.task, f.upstream
	again := f.how
	again.again = true
	switch {
	case r.err == errCase:
		// A server that does not keep the case, or somebody's guess: he has to guess anew.
		again.flat = true
		f.drop()
		t.repeat(u, again)
		return
	case r.err != nil:
		t.note(u, failure(r.err, t.chain())) // the true reply may still come
		return
	}
	now := t.engine.now()
	u.heard(f, now-f.sent)
	if s := f.link.stream; s != nil {
		s.answered = true
	}
	f.drop()
	switch {
	case r.step.message.truncated && f.how.proto == protoUDP: // RFC 2181, 9: what came with TC set is no answer
		again.proto = protoTCP
		t.repeat(u, again)
	case r.step.message.truncated:
		t.fail(u, failure(&malformedError{What: "an answer cut short over " + f.how.proto, At: 2}, t.chain()))
	case f.query.wantsPlain(&r.step.message):
		again.plain = true
		t.repeat(u, again)
	case r.failure != nil && r.failure.Kind == dnsx.KindChain:
		r.failure.Server = u.name // that is what the zones say; no other server will say otherwise
		t.end(r.failure)
	case r.failure != nil:
		t.fail(u, r.failure)
	default:
		t.advance(f, &r.step, now)
	}
}

// advance takes a step: to the answer, or to the name at which the server left
// the chain.
func (t *task) advance(f *flight, s *step, now time.Duration) {
	u := f.upstream
	if f.how.flat && !u.loopback {
		u.flat = true
	}
	a := t.answer
	if a == nil {
		a = &dnsx.Answer{Question: t.question, AD: true}
	}
	a.RCode, a.Chain, a.Records = s.message.rcode, s.chain, s.records
	slices.SortFunc(a.Records, dnsx.CompareData)
	if a.Authority == nil {
		a.Authority = s.authority
	} else {
		a.Authority = append(a.Authority, s.authority...)
	}
	a.AD = a.AD && s.message.ad && t.engine.client.trusts(u.server)
	a.EDE = append(a.EDE, s.message.ede...)
	a.Server, a.Proto, a.Size = u.name, f.how.proto, s.message.size
	a.At, a.RTT = time.Now().UTC().Round(0), now-f.sent // Round: JSON has no monotonic clock
	if !s.open {
		t.conclude(dnsx.Reply{Question: t.question, Answer: a})
		return
	}
	t.land()
	t.answer, t.asking.Name = a, a.Owner()
	t.sends, t.failed, t.silent, t.worst = 0, 0, 0, nil
	t.put(how{proto: u.proto})
}
