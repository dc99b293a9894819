package wire

import (
	"cmp"
	"crypto/tls"
	"slices"
	"time"

	"github.com/mailcheck-go/mailcheck/dnsx"
)

// The window of a server: so many messages may wait for its reply. It grows by half
// as long as that brings replies faster; where it does not, the messages would only
// stand in a queue, and fall out of it where that is full. It is halved where more
// than a twentieth is lost: less is chance, and at 1 % of loss by chance a window
// that shrinks at each would hardly hold a dozen.
const (
	startWindow = 64
	minWindow   = 4
	maxWindow   = 512 // 64 answers of 1232 octets fill the usual receive buffer of a socket by two thirds
	growth      = 1.5
	worthwhile  = 1.25 // the gain in replies that makes it grow again
	restTurns   = 32   // before growth is tried anew
)

// The wait before another try is the smoothed round trip and four times its
// variation (RFC 6298, 2), between these bounds; it doubles from try to try.
const (
	minWaitLoopback = 100 * time.Millisecond
	minWait         = 250 * time.Millisecond
	maxWait         = time.Second // also where nothing was measured yet
)

// A server that has not answered so many messages in a row gets no new question
// where another server answers, and is asked a control question. Where that stays
// without reply too, it is down: for a while nobody asks it, and where no other
// is left, questions fail at once.
const (
	suspectAfter = 4
	controlTries = 2
	controlTime  = 2 * time.Second
	minDown      = 2 * time.Second // doubled at each time in a row
	maxDown      = 30 * time.Second
)

// control is a question that every server for recursion can answer.
var control = dnsx.Q(".", dnsx.TypeNS)

// upstream is one server as it is known by now.
type upstream struct {
	engine   *engine
	server   Server
	name     string
	proto    string      // of a question's first message
	tls      *tls.Config // of tls and https
	loopback bool
	flat     bool // it does not keep the case of names

	window     float64
	inflight   int
	good, lost int           // of the present turn
	full       bool          // the window was full in the present turn
	turned     time.Duration // when it began
	best       float64       // replies a second before the window grew
	rest       int           // turns in which it does not grow
	cut        time.Duration // when it was halved

	srtt, rttvar time.Duration

	silent    int // messages without reply since the last reply
	control   *task
	down      bool
	downUntil time.Duration
	downTime  time.Duration
	reason    *dnsx.Failure // why it is down

	links   []*link // sockets and connections that are open
	present *socket // that has the run
	run     int     // messages that are still to leave by it
}

func newUpstream(e *engine, s Server) *upstream {
	u := &upstream{
		engine: e, server: s, name: s.String(), proto: cmp.Or(s.Proto, protoUDP), loopback: s.Addr.Addr().IsLoopback(), window: startWindow,
	}
	if u.proto == protoTLS || u.proto == protoHTTPS {
		u.tls = &tls.Config{
			ServerName: cmp.Or(s.Name, s.Addr.Addr().WithZone("").String()), RootCAs: e.client.RootCAs, MinVersion: tls.VersionTLS12,
			ClientSessionCache: tls.NewLRUClientSessionCache(0),
		}
	}
	return u
}

// hasRoom reports whether one more message may wait for its reply.
func (u *upstream) hasRoom() bool {
	if u.inflight < int(u.window) {
		return true
	}
	u.full = true
	return false
}

// release gives back a place in the window.
func (u *upstream) release(f *flight) {
	if f.counted {
		f.counted = false
		u.inflight--
	}
}

// turn counts what became of a message, and sets the window after a window of them,
// but not of so few that chance would decide.
func (u *upstream) turn(good, lost int) {
	u.good += good
	u.lost += lost
	n := u.good + u.lost
	if n < max(startWindow, int(u.window)) {
		return
	}
	now := u.engine.now()
	rate := float64(u.good) / max(now-u.turned, 1).Seconds()
	switch {
	case u.lost > 1 && u.lost*20 > n:
		u.window, u.best, u.rest, u.cut = max(minWindow, u.window/2), 0, 1, now
	case !u.full:
	case u.rest > 0: // the first turn of a new window is half one of the old
		u.rest--
	case rate > worthwhile*u.best:
		u.window, u.best, u.rest = min(maxWindow, u.window*growth), rate, 1
	default:
		// Two steps back, since one of them forward may have been luck.
		u.window, u.best, u.rest = max(min(startWindow, u.window), u.window/growth/growth), 0, restTurns
	}
	u.good, u.lost, u.full, u.turned = 0, 0, false, now
}

// heard notes a reply and its round trip. The message had an ID of its own, so
// that it is clear which one was answered, though it was not the first. Messages
// that the server got before, about the same, are lost: had it got them, it would
// have answered them sooner. Where none is answered, the question may be at fault.
func (u *upstream) heard(f *flight, rtt time.Duration) {
	u.silent, u.down, u.downTime = 0, false, 0
	lost := 0
	for _, g := range f.task.flights {
		if g.upstream == u && g.sent < f.sent && g.sent > u.cut { // what the former window lost is paid for
			lost++
		}
	}
	u.turn(1, lost)
	if f.how.proto != protoUDP {
		return
	}
	if u.srtt == 0 {
		u.srtt, u.rttvar = max(rtt, 1), rtt/2
		return
	}
	u.rttvar += ((u.srtt - rtt).Abs() - u.rttvar) / 4
	u.srtt += (rtt - u.srtt) / 8
}

// patience is the wait before another try, after so many that got no reply.
func (u *upstream) patience(silent int) time.Duration {
	wait := maxWait
	if u.srtt != 0 {
		floor := minWait
		if u.loopback {
			floor = minWaitLoopback
		}
		wait = min(max(u.srtt+4*u.rttvar, floor), maxWait)
	}
	return min(wait<<min(silent, 10), u.engine.client.timeout())
}

// silence notes that no reply has come in time.
func (u *upstream) silence(f *flight) {
	if !f.counted {
		return
	}
	u.release(f)
	if f.how.proto != protoUDP {
		f.link.retired = true // the next try has a connection of its own
	}
	u.suspect(1)
}

// suspect counts what speaks for a server that is dead: a message without reply,
// or, as much as suspectAfter of them, that there is no way to it.
func (u *upstream) suspect(n int) {
	if u.silent += n; u.silent >= suspectAfter && !u.down {
		u.ask()
	}
}

// ask puts the control question.
func (u *upstream) ask() {
	e := u.engine
	if u.control != nil || e.closed {
		return
	}
	t := &task{engine: e, question: control, upstream: u}
	u.control = t
	t.start()
	t.deadline = min(t.deadline, t.begun+controlTime)
	t.put(t.how)
}

// judge takes the reply to the control question, of which it only matters whether
// there is one.
func (u *upstream) judge(r dnsx.Reply) {
	u.control = nil
	f := r.Failure
	if f == nil || u.silent == 0 || f.Kind == dnsx.KindCanceled {
		return
	}
	u.downTime = min(max(2*u.downTime, minDown), maxDown)
	u.down, u.downUntil, u.reason = true, u.engine.now()+u.downTime, f
	u.window = max(minWindow, u.window/2)
}

// about makes the failure of a question that is not put to a server that is down.
func (u *upstream) about(q dnsx.Question) dnsx.Reply {
	f := *u.reason
	f.Question, f.Tries, f.Took = q, 0, 0
	if f.Kind == dnsx.KindTimeout {
		f.Detail = "the server answers nothing, and was not asked again"
	}
	return dnsx.Reply{Question: q, Failure: &f}
}

// pick is the server for a new question: the first that answers. Where all are
// down it returns one of them as second result.
func (e *engine) pick() (u, down *upstream) {
	now := e.now()
	for _, v := range e.upstreams {
		switch {
		case v.down && now < v.downUntil:
			down = v
			continue
		case v.down:
			v.ask()
		case v.silent < suspectAfter:
			return v, nil
		}
		if u == nil || u.down && !v.down {
			u = v
		}
	}
	if u != nil {
		down = nil
	}
	return u, down
}

// after is the server for another try: the next that answers, or the next.
func (e *engine) after(u *upstream) *upstream {
	n := len(e.upstreams)
	at := 0
	for i, v := range e.upstreams {
		if v == u {
			at = i
		}
	}
	for i := range n {
		if v := e.upstreams[(at+1+i)%n]; !v.down && v.silent < suspectAfter {
			return v
		}
	}
	return e.upstreams[(at+1)%n]
}

// sweep closes what was idle for long, and tells when to look again.
func (u *upstream) sweep(now time.Duration, again func(time.Duration)) {
	for _, l := range slices.Clone(u.links) {
		switch {
		case len(l.pending) > 0:
			again(now + idle)
		case now >= l.used+idle:
			l.close()
		default:
			again(l.used + idle)
		}
	}
}

func (u *upstream) close() {
	for len(u.links) > 0 {
		u.links[0].close()
	}
}
