package spf

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

// evaluation is one run of check_host with all that it calls for include and
// redirect.
type evaluation struct {
	limits
	ctx      *budget
	resolver dnsx.Resolver
	store    *programs // nil: nothing is kept
	most     int       // octets of the store
	session  Session

	ip                    netip.Addr
	family                dnsx.Type // A or AAAA, of ip
	local, domain, sender string    // <sender>
	mute                  bool      // the local part can stand in no name (RFC 8616, 4)

	// path leads to the record under evaluation. Each step but the first costs a
	// lookup, which bounds it.
	path  [MaxLookups + 1]*frame // nil where none was needed so far
	depth int
	used  int // of path

	lookups, voids, voidHosts int
	client                    client
	problem                   *Problem
	trace                     []Event

	question [1]dnsx.Question // room for one, which is most of the time enough
	reply    [1]dnsx.Reply
}

// frame is a record under evaluation.
type frame struct {
	e     *evaluation
	name  string
	prog  *program
	depth int          // of path
	at    *instruction // of prog; nil at its end
	own   program      // room for prog where it is not kept
}

// check evaluates the record of name and those that it redirects to. The frame is that
// of the record that decided; nil where there was none.
func (e *evaluation) check(name string) (Result, *frame) {
	start := e.depth
	for {
		prog, result := e.read(name)
		if prog == nil {
			if result == None && e.depth > start {
				result = PermError // RFC 7208, 6.1
			}
			return result, nil
		}
		f := e.push(name, prog)
		if prog.fault != nil {
			return e.broken(f), f
		}
		for i := range prog.code {
			d := &prog.code[i]
			if d.Prefix.IsValid() && !e.session.Trace && !d.Prefix.Contains(e.ip) {
				continue // as most terms of most records; with a trace they are events
			}
			f.at = d
			if result := e.directive(f); result != "" {
				return result, f
			}
		}
		if f.at = prog.redirect; f.at == nil {
			return Neutral, f // RFC 7208, 4.7
		}
		next, result := e.redirect(f)
		if result != "" {
			f.note(string(result))
			return result, f
		}
		f.note("redirect")
		name = next
	}
}

// next is the frame that push takes.
func (e *evaluation) next() *frame {
	if e.path[e.depth] == nil {
		e.path[e.depth] = new(frame)
	}
	return e.path[e.depth]
}

func (e *evaluation) push(name string, prog *program) *frame {
	f := e.next()
	f.e, f.name, f.prog, f.depth, f.at = e, name, prog, e.depth, nil
	e.depth++
	e.used = max(e.used, e.depth)
	return f
}

// reset leaves nothing of a message but room for the next.
func (e *evaluation) reset() {
	for _, f := range e.path[:e.used] {
		*f = frame{}
	}
	path := e.path
	*e = evaluation{}
	e.path = path
}

// redirect returns the name that the record redirects to (RFC 7208, 6.1).
func (e *evaluation) redirect(f *frame) (name string, result Result) {
	if !e.spend(f.at) {
		return "", PermError
	}
	if f.at.local && e.mute { // RFC 8616, 4: as if the term were not there
		return "", Neutral
	}
	name, err := f.target(f.at)
	if err != nil {
		return "", e.fail(ProblemName, check.Textf("it leads to what is no domain name: %s", err))
	}
	return name, ""
}

// read asks for the record of a name and selects it (RFC 7208, 4.3 to 4.5).
func (e *evaluation) read(name string) (*program, Result) {
	switch { // RFC 7208, 4.3
	case dnsx.Parent(name) == ".":
		e.fail(ProblemName, check.Textf("%s has one label alone", name))
		return nil, None
	case endsInNumber(name):
		e.fail(ProblemName, check.Textf("%s ends in digits alone", name))
		return nil, None
	}
	a := e.ask(name, dnsx.TypeTXT)
	if a == nil {
		return nil, TempError
	}
	var one dnsx.RR
	found := 0
	for _, rr := range a.Records {
		if isRecordData(rr.Data) {
			one = rr
			found++
		}
	}
	switch {
	case found == 1:
		return e.program(one), ""
	case found > 1:
		result := e.fail(ProblemSeveral, check.Textf("%s has %d SPF records", name, found))
		e.problem.Name = cmp.Or(e.problem.Name, name)
		return nil, result
	case !a.Exists():
		e.fail(ProblemNoRecord, check.Textf("%s does not exist", name))
	default:
		e.fail(ProblemNoRecord, check.Textf("%s has no SPF record", name))
	}
	return nil, None
}

// program reads a record, or finds it among those that are kept.
func (e *evaluation) program(rr dnsx.RR) *program {
	if e.store != nil {
		return e.store.get(rr, e.most)
	}
	client := e.ip
	if e.session.Trace { // which wants every term
		client = netip.Addr{}
	}
	own := &e.next().own
	*own = compile(textOf(rr.Data), client)
	return own
}

// ask returns an answer, or nil where the result is TempError.
func (e *evaluation) ask(name string, t dnsx.Type) *dnsx.Answer {
	a, err := e.resolve(dnsx.Q(name, t))
	if err != nil {
		e.failed(err)
	}
	return a
}

// resolve puts one question. What is of another type is no answer to it.
func (e *evaluation) resolve(q dnsx.Question) (*dnsx.Answer, error) {
	a, err := e.resolver.Resolve(e.ctx, q)
	if err != nil || a == nil {
		return nil, dnsx.ReplyOf(q)(nil, err).Err()
	}
	odd := func(rr dnsx.RR) bool { return rr.Type != q.Type }
	if slices.ContainsFunc(a.Records, odd) {
		mended := *a
		mended.Records = slices.DeleteFunc(slices.Clone(a.Records), odd)
		a = &mended
	}
	return a, nil
}

func (e *evaluation) failed(err error) Result {
	e.fail(ProblemDNS, check.Textf("%s", err))
	return TempError
}

// broken is the result of a record with a fault of grammar.
func (e *evaluation) broken(f *frame) Result {
	fault := f.prog.fault
	e.problem = &Problem{
		Kind: ProblemSyntax, Name: f.name, Record: f.prog.text, Offset: fault.Offset, Term: fault.Term,
		Reason: fault.Text(),
	}
	return PermError
}

// fail writes down what is wrong with the term under evaluation, before there is one
// with the domain.
func (e *evaluation) fail(kind ProblemKind, reason check.Text) Result {
	p := &Problem{Kind: kind, Reason: reason}
	if e.depth > 0 {
		f := e.path[e.depth-1]
		p.Name, p.Record, p.Term = f.name, f.prog.text, f.text()
		if f.at != nil {
			p.Offset = f.at.start
		}
	}
	e.problem = p
	return PermError
}

// text is the term as published.
func (f *frame) text() string {
	if f.at == nil {
		return ""
	}
	return f.prog.text[f.at.start:f.at.end]
}

// steps is the path as others see it.
func (e *evaluation) steps() []Step {
	if e.depth == 0 {
		return nil
	}
	steps := make([]Step, e.depth)
	for i := range steps {
		f := e.path[i]
		steps[i] = Step{Name: f.name, Term: f.text()}
	}
	return steps
}

// note adds to the trace.
func (f *frame) note(outcome string) {
	if e := f.e; e.session.Trace && len(e.trace) < maxTrace {
		e.trace = append(e.trace, Event{
			Depth: f.depth, Name: f.name, Term: f.text(), Outcome: outcome, Lookups: e.lookups, Voids: e.voids,
		})
	}
}
