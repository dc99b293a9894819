package tlscert

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/mailcheck-go/mailcheck/dnsx"
)

// Discover resolves the hosts and shakes hands with each of their addresses, as
// soon as it is known and side by side. What stays unanswered is a Failure in
// the facts. The error is a *dnsx.NameError or *HostError, or the caller's own
// ctx.Err() beside the facts so far.
func Discover(ctx context.Context, r dnsx.Resolver, domain string, o Options) (*Facts, error) {
	domain, err := dnsx.ParseName(domain)
	if err != nil {
		return nil, err
	}
	hosts, err := o.hosts(domain)
	if err != nil {
		return nil, err
	}
	now := o.Now
	if now == nil {
		now = time.Now
	}
	f := &Facts{Domain: domain, At: now().UTC(), Hosts: make([]HostFacts, len(hosts))}

	inner, cancel := dnsx.WithBudget(ctx, o.Budget)
	defer cancel()
	end, _ := inner.Deadline()
	d := &discovery{ctx: ctx, prober: o.Prober, deep: o.Deep, budget: end, end: end}
	if d.prober == nil {
		d.prober = new(Prober)
	}
	var qs []dnsx.Question
	jobs := map[string][]*hostJob{} // by the name that they wait for
	for i, h := range hosts {
		f.Hosts[i] = HostFacts{
			Name: h.Name, Port: h.Port, Protocol: h.Protocol, ServerName: h.ServerName,
			Why: h.Why, Given: h.Given, Addrs: h.Addrs,
		}
		j := &hostJob{discovery: d, host: h, facts: &f.Hosts[i]}
		if len(h.Addrs) > 0 {
			j.dialNamed(h.Addrs)
			continue
		}
		if jobs[h.Name] == nil {
			qs = append(qs, dnsx.Q(h.Name, dnsx.TypeA), dnsx.Q(h.Name, dnsx.TypeAAAA))
		}
		jobs[h.Name] = append(jobs[h.Name], j)
	}
	if len(qs) > 0 {
		dnsx.AskEach(inner, r, qs, func(i int, reply dnsx.Reply) {
			for _, j := range jobs[qs[i].Name] {
				j.answered(qs[i].Type, reply)
			}
		})
	}
	d.wg.Wait()
	for i := range f.Hosts {
		slices.SortFunc(f.Hosts[i].Endpoints, func(a, b Endpoint) int { return a.Addr.Compare(b.Addr) })
	}
	last, cancel := context.WithDeadline(ctx, d.end)
	defer cancel()
	f.follow(last, r, o)
	return f, ctx.Err()
}

// discovery is one run.
type discovery struct {
	ctx    context.Context // the caller's
	prober *Prober
	deep   bool
	budget time.Time // its end
	wg     sync.WaitGroup

	mu  sync.Mutex
	end time.Time // the same, later by the longest wait for a place
}

// hostJob gathers what is known of one host, from both of its questions.
type hostJob struct {
	*discovery
	host  Host
	page  sync.Once // who asks for it
	mu    sync.Mutex
	facts *HostFacts
	v4    family
	v6    family
}

// family is the addresses of one kind.
type family struct {
	known   bool
	addrs   []netip.Addr
	started int // so many of addrs are being dialled
}

func (j *hostJob) dialNamed(addrs []netip.Addr) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, a := range sorted(addrs) {
		if a.Is4() {
			j.v4.addrs = append(j.v4.addrs, a)
		} else {
			j.v6.addrs = append(j.v6.addrs, a)
		}
	}
	j.v4.known, j.v6.known = true, true
	j.start()
}

func (j *hostJob) answered(t dnsx.Type, reply dnsx.Reply) {
	j.mu.Lock()
	defer j.mu.Unlock()
	to, family := &j.facts.A, &j.v4
	if t == dnsx.TypeAAAA {
		to, family = &j.facts.AAAA, &j.v6
	}
	*to = reply
	family.known, family.addrs = true, addresses(reply)
	j.start()
}

// start dials what may be dialled by now. Until both answers are in, half of the
// places are kept for the other family, so that which addresses are taken does
// not depend on which answer is first.
func (j *hostJob) start() {
	v4, v6 := &j.v4, &j.v6
	v4.run(j, v6)
	v6.run(j, v4)
	j.facts.Limited = len(v4.addrs)+len(v6.addrs) > MaxAddrs
}

func (f *family) run(j *hostJob, other *family) {
	const half = MaxAddrs / 2
	most := half
	if other.known {
		most = MaxAddrs - min(len(other.addrs), half)
	}
	for f.started < min(len(f.addrs), most) {
		a := f.addrs[f.started]
		f.started++
		j.wg.Go(func() { j.dial(a) })
	}
}

func (j *hostJob) dial(a netip.Addr) {
	t := &target{Host: j.host, addr: a, deep: j.deep, page: j.firstPage, end: j.budget}
	e := j.prober.probe(j.ctx, t)
	j.discovery.mu.Lock()
	if t.end.After(j.end) {
		j.end = t.end
	}
	j.discovery.mu.Unlock()
	j.mu.Lock()
	defer j.mu.Unlock()
	j.facts.Endpoints = append(j.facts.Endpoints, e)
}

// firstPage lets one address ask for the page.
func (j *hostJob) firstPage() (first bool) {
	if j.host.HTTP {
		j.page.Do(func() { first = true })
	}
	return first
}

// addresses are those of an answer, each once, in their own order: a server that
// turns its answers round must not make other facts.
func addresses(reply dnsx.Reply) []netip.Addr {
	if reply.Answer == nil {
		return nil
	}
	var addrs []netip.Addr
	owner := reply.Answer.Owner()
	for _, rr := range reply.Answer.Records {
		if a, ok := rr.Addr(); ok && rr.Type == reply.Question.Type && rr.Name == owner {
			addrs = append(addrs, a)
		}
	}
	return sorted(addrs)
}

func sorted(addrs []netip.Addr) []netip.Addr {
	addrs = slices.Clone(addrs)
	slices.SortFunc(addrs, netip.Addr.Compare)
	return slices.Compact(addrs)
}
