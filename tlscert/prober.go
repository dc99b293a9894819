package tlscert

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/mailcheck-go/mailcheck/internal/dial"
)

// Dialer opens a connection; the address is always an IP and a port.
// *net.Dialer is one.
type Dialer interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// Prober connects to hosts, speaks their protocol and shakes hands. The zero value
// works. One Prober may serve any number of Discover calls at once, and then bounds
// them together: so a scan of many thousand names that few addresses serve is no
// attack on these. The fields must not change once it is in use.
type Prober struct {
	// Dialer takes the place of the usual one. An address that is not public is
	// refused before it is asked.
	Dialer Dialer
	// AllowPrivate opens ranges that are otherwise not dialled because they are
	// not public.
	AllowPrivate []netip.Prefix
	// Timeout is what each stage of an attempt may take; 5 s if 0. Waiting for one of
	// the places below does not count. Nor does it count in the budget of Discover, as
	// long as the address answers those who have the places.
	Timeout time.Duration
	// EHLO is the name with which it greets SMTP servers (RFC 5321, 4.1.1.1);
	// "mailcheck.invalid" if empty. A server may turn away who gives no name of its own.
	EHLO string
	// MaxOpen is the number of connections that are open at once; 256 if 0. It is
	// large because nearly all of them wait: a host that answers nothing must not
	// delay the others.
	MaxOpen int
	// MaxPerAddr is the number of connections that are open at once to one address,
	// whatever the port; 4 if 0.
	MaxPerAddr int

	places places
	kept   sync.Pool // of *[]byte: what servers sent in their handshakes
}

const (
	defaultTimeout    = 5 * time.Second
	defaultEHLO       = "mailcheck.invalid"
	defaultMaxOpen    = 256
	defaultMaxPerAddr = 4
)

func (p *Prober) timeout() time.Duration { return cmp.Or(p.Timeout, defaultTimeout) }

// Probe tries one host at one address; h.Addrs does not count. What it saw, and what
// ended it, stands in the Endpoint. The error is a *dnsx.NameError or *HostError where
// h is no host, or the caller's own ctx.Err() beside the Endpoint so far.
func (p *Prober) Probe(ctx context.Context, h Host, addr netip.Addr) (Endpoint, error) {
	h, err := h.Normal()
	if err != nil {
		return Endpoint{Addr: addr}, err
	}
	e := p.probe(ctx, &target{Host: h, addr: addr, page: func() bool { return h.HTTP }})
	return e, ctx.Err()
}

// target is a host at one address.
type target struct {
	Host
	addr   netip.Addr
	dialer Dialer
	deep   bool
	page   func() bool // whether to ask for the page, now that the handshake is done
	end    time.Time   // of the budget, which waiting for a place puts off; zero without one
}

// probe makes all attempts at one target, one after the other in one place.
func (p *Prober) probe(ctx context.Context, t *target) (e Endpoint) {
	e.Addr = t.addr
	if t.dialer, e.Failure = p.dialerFor(t); e.Failure != nil {
		return e
	}
	began := time.Now()
	leave, err := p.enter(ctx, t.addr, t.end)
	if err != nil {
		e.Failure = failure(ctx, Connect, err)
		if err == errNoPlace {
			e.Failure.Kind = KindBudget
		}
		return e
	}
	defer func() { leave(e.TLS != nil || e.Greeting != "") }()
	if !t.end.IsZero() {
		t.end = t.end.Add(time.Since(began))
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, t.end)
		defer cancel()
	}
	p.attempt(ctx, t, form{}, &e)
	if t.deep && worthMore(&e) {
		p.further(ctx, t, &e)
	}
	return e
}

var everywhere = []netip.Prefix{netip.PrefixFrom(netip.IPv4Unspecified(), 0), netip.PrefixFrom(netip.IPv6Unspecified(), 0)}

// dialerFor guards the way to hosts out of data. Those that the operator named are
// dialled as named.
func (p *Prober) dialerFor(t *target) (Dialer, *Failure) {
	guard := &dial.Dialer{AllowPrivate: p.AllowPrivate}
	if t.Given {
		guard.AllowPrivate = everywhere
	}
	var refused *dial.NotPublicError
	if !t.Given && errors.As(guard.Check(t.addr), &refused) {
		return nil, &Failure{Stage: Connect, Kind: KindNotPublic, Detail: refused.Reason}
	}
	if p.Dialer != nil {
		return p.Dialer, nil
	}
	return guard, nil
}

// attempt is one connection, up to the end of the handshake and what follows it on
// the same connection. What it saw, and what ended it, stands in e.
func (p *Prober) attempt(ctx context.Context, t *target, f form, e *Endpoint) {
	conn, err := p.connect(ctx, t, e)
	if err != nil {
		e.Failure = failure(ctx, Connect, err)
		return
	}
	defer conn.Close()
	c := &call{Prober: p, ctx: ctx, t: t, e: e, conn: &limitedConn{Conn: conn, left: maxTalk}}
	// The end of the job ends whatever waits. A stage sets its deadline first and asks
	// for that end second, so none is overwritten.
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	c.run(f)
}

func (p *Prober) connect(ctx context.Context, t *target, e *Endpoint) (net.Conn, error) {
	start := time.Now()
	ctx, cancel := context.WithTimeout(ctx, p.timeout())
	defer cancel()
	conn, err := t.dialer.DialContext(ctx, "tcp", netip.AddrPortFrom(t.addr, t.Port).String())
	if err == nil {
		e.Stages = append(e.Stages, Stage{Name: Connect, Took: time.Since(start)})
	}
	return conn, err
}

// call is what happens on one connection.
type call struct {
	*Prober
	ctx  context.Context // of the job
	t    *target
	e    *Endpoint
	conn *limitedConn
}

func (c *call) run(f form) {
	talk, inLines := talks[c.t.Protocol]
	if inLines {
		if err := c.agree(talk); err != nil {
			return
		}
	}
	client, err := c.handshake(f)
	switch {
	case err != nil:
	case inLines:
		c.bye(client, talk.bye)
	case c.t.Protocol == HTTPS && c.t.page != nil && c.t.page():
		c.head(client)
	}
}

// agree speaks in lines until both sides agree on TLS.
func (c *call) agree(t talk) error {
	d := &dialogue{conn: c.conn, e: c.e, ehlo: c.EHLO}
	err := c.stage(Greeting, func() error { return t.greeting(d) })
	if err == nil {
		err = c.stage(StartTLS, func() error { return t.startTLS(d) })
	}
	if f := c.e.Failure; f != nil && (f.Kind == KindNoStartTLS || f.Kind == KindRejected) {
		c.bye(c.conn, t.bye)
	}
	return err
}

// stage runs one part of a call in the time that it has. Its error is the call's
// Failure.
func (c *call) stage(name StageName, do func() error) error {
	start := time.Now()
	err := c.conn.SetDeadline(start.Add(c.timeout()))
	if err == nil {
		err = c.ctx.Err()
	}
	if err == nil {
		err = do()
	}
	if err != nil {
		c.e.Failure = failure(c.ctx, name, err)
		return err
	}
	c.e.Stages = append(c.e.Stages, Stage{Name: name, Took: time.Since(start)})
	return nil
}

// places bound what is open at once, in all and at each address.
type places struct {
	mu  sync.Mutex
	all chan struct{}
	at  map[netip.Addr]*addrPlaces // those with users
}

type addrPlaces struct {
	taken    chan struct{}
	users    int       // who have a place or wait for one
	answered time.Time // when somebody there last said something
}

var errNoPlace = errors.New("no place became free")

// enter waits for a place at the address, and only then for one of all: who waits for
// a busy address holds nobody else up.
//
// Thousands of names may stand at one address that answers, and the last of them is no
// less worth than the first: so the end is put off while it answers those before. Where
// it is silent each of them would cost a deadline, and the end counts.
func (p *Prober) enter(ctx context.Context, addr netip.Addr, end time.Time) (leave func(answered bool), err error) {
	addr = addr.Unmap()
	s := &p.places
	s.mu.Lock()
	if s.all == nil {
		s.all = make(chan struct{}, max(1, cmp.Or(p.MaxOpen, defaultMaxOpen)))
		s.at = map[netip.Addr]*addrPlaces{}
	}
	at := s.at[addr]
	if at == nil {
		at = &addrPlaces{taken: make(chan struct{}, max(1, cmp.Or(p.MaxPerAddr, defaultMaxPerAddr)))}
		s.at[addr] = at
	}
	at.users++
	s.mu.Unlock()

	if err := p.wait(ctx, at.taken, at, end); err != nil {
		s.leave(addr, at, false)
		return nil, err
	}
	if err := p.wait(ctx, s.all, at, end); err != nil {
		<-at.taken
		s.leave(addr, at, false)
		return nil, err
	}
	return func(answered bool) {
		<-s.all
		<-at.taken
		s.leave(addr, at, answered)
	}, nil
}

// wait takes one of the places. The end is the end once the address has answered
// nobody for the time of a stage.
func (p *Prober) wait(ctx context.Context, places chan struct{}, at *addrPlaces, end time.Time) error {
	select {
	case places <- struct{}{}:
		return nil
	default:
	}
	for {
		var over <-chan time.Time // nil: never
		if !end.IsZero() {
			over = time.After(time.Until(end))
		}
		select {
		case places <- struct{}{}:
			if end.IsZero() || time.Now().Before(end) {
				return nil
			}
			<-places // both at once
		case <-ctx.Done():
			return ctx.Err()
		case <-over:
		}
		p.places.mu.Lock()
		later := at.answered.Add(p.timeout())
		p.places.mu.Unlock()
		if !later.After(end) {
			return errNoPlace
		}
		end = later
	}
}

func (s *places) leave(addr netip.Addr, at *addrPlaces, answered bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if answered {
		at.answered = time.Now()
	}
	if at.users--; at.users == 0 {
		delete(s.at, addr)
	}
}
