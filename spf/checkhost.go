package spf

import (
	"cmp"
	"context"
	"errors"
	"net/netip"
	"sync"
	"time"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

// Session is what a receiver knows of a message when it was said whom it is from
// (RFC 7208, 4.1).
type Session struct {
	IP netip.Addr // of the client; an IPv4-mapped IPv6 address counts as IPv4 (RFC 7208, 5)

	// MailFrom is the reverse-path: an address, with or without angle brackets, or
	// a domain alone. Empty it stands for postmaster at Helo (RFC 7208, 2.4), and so
	// it is for a check of the HELO identity (2.3).
	MailFrom string
	Helo     string // the parameter of EHLO or HELO

	Receiver string    // %{r} in an explanation: the host that checks; "unknown" if empty
	Time     time.Time // %{t} in an explanation; now if zero

	Trace bool // fill Verdict.Trace
}

// Verdict is the result of an evaluation, and how it came about. In JSON every field
// but Trace is always there.
type Verdict struct {
	Result Result `json:"result"`
	// Domain is the one whose policy was asked for, "" where the identity has none.
	Domain string `json:"domain"`
	Sender string `json:"sender"` // <sender> of RFC 7208, 4.1: postmaster where there was no local part
	// Mechanism is the directive that matched, as published, in the record where it
	// stands; "" where none did. The record is that of the last step of Path.
	Mechanism string `json:"mechanism"`
	// Path is the way to the result, from Domain's record to the term that decided; nil
	// where no record was found.
	Path []Step `json:"path"`
	// Explanation of a Fail is what Domain has to say about it: printable US-ASCII, at
	// most MaxExplanation octets, and somebody else's words (RFC 7208, 6.2). It is ""
	// where there is none.
	Explanation string `json:"explanation"`
	Lookups     int    `json:"lookups"`      // terms that asked the DNS, and uses of %{p}; the one that passed the limit included
	Voids       int    `json:"void_lookups"` // terms of which the lookup found nothing
	VoidHosts   int    `json:"void_hosts"`   // hosts of mx and names of the client without an address, which some receivers count too
	// Problem is the reason for None, PermError and TempError; nil for others.
	Problem *Problem `json:"problem"`
	// Trace has the terms in the order in which they were done with, where
	// Session.Trace is set; at most 1,000.
	Trace []Event `json:"trace,omitempty"`
}

// Step is a term of a record, on the way from the domain's own record down the tree. A way
// to a record, or to what stands in it (Source, Visit, Kept, Replaced), has the include or
// redirect of each record above; it is empty for the domain's own. A way to an answer
// (Expiry) goes on to the term that asks, and one to a result (Verdict, Share) to the term
// that decides.
type Step struct {
	Name string `json:"name"` // whose record it is
	// Term is as it stands there in a Verdict, and as Directive.String writes it otherwise; "" where
	// no term of the last record decided.
	Term string `json:"term,omitempty"`
}

// Problem is why there is no result of a policy. Where it is a term's, Name, Record,
// Offset and Term are its place.
type Problem struct {
	Kind   ProblemKind `json:"kind"`
	Name   string      `json:"name,omitempty"`   // whose record it is about, or of ProblemSeveral who has them
	Record string      `json:"record,omitempty"` // its text; "" where none was read
	Offset int         `json:"offset"`           // octets into Record, of Term
	Term   string      `json:"term,omitempty"`
	Reason check.Text  `json:"reason"`
}

// String writes the place, as far as there is one, and the reason.
func (p Problem) String() string {
	if p.Term == "" {
		return p.Reason.String()
	}
	return clip(p.Term) + " in the record of " + p.Name + ": " + p.Reason.String()
}

// ProblemKind is a kind of Problem.
type ProblemKind string

// The kinds, each with the result that comes of it.
const (
	ProblemIdentity ProblemKind = "identity"  // None: no domain to ask about (RFC 7208, 4.3)
	ProblemNoRecord ProblemKind = "no-record" // None; PermError where include or redirect lead there (4.5, 5.2, 6.1)
	ProblemSeveral  ProblemKind = "several"   // PermError: more than one record at a name (4.5)
	ProblemSyntax   ProblemKind = "syntax"    // PermError: a record breaks the grammar (4.6)
	ProblemName     ProblemKind = "name"      // PermError: include or redirect lead to what is no domain name (5.2, 6.1)
	ProblemLookups  ProblemKind = "lookups"   // PermError: more than MaxLookups (4.6.4)
	ProblemVoids    ProblemKind = "voids"     // PermError: too many lookups that found nothing (4.6.4)
	ProblemHosts    ProblemKind = "hosts"     // PermError: an mx has more than 10 hosts (4.6.4)
	ProblemDNS      ProblemKind = "dns"       // TempError: a question failed, or the time was over (4.4, 5, 4.6.4)
)

// Event is one term that was evaluated.
type Event struct {
	Depth   int    `json:"depth"` // records that lead to this one
	Name    string `json:"name"`  // whose record it is
	Term    string `json:"term"`
	Outcome string `json:"outcome"` // match, no match, or a result
	Lookups int    `json:"lookups"` // so far, as those of a Verdict
	Voids   int    `json:"void_lookups"`
}

// MaxExplanation bounds Verdict.Explanation, so that it fits into one line of an SMTP
// reply beside what else stands there (RFC 5321, 4.5.3.1.5).
const MaxExplanation = 400

// maxTrace bounds Verdict.Trace.
const maxTrace = 1000

// ErrNoClient is the error for a Session without an address.
var ErrNoClient = errors.New("spf: the session has no client address")

// CheckHost says whether a client may send for a domain: it is check_host of RFC 7208,
// 4, with RFC 8616 for addresses that are not ASCII. It keeps nothing between calls; a
// receiver wants a [Checker].
//
// It asks at most the questions that section 4.6.4 allows, one term after the other; the
// address lookups of one mx go side by side, and are taken in the order of preference: a
// host that matches is a match although one behind it cannot be asked, and one that
// cannot be asked before it is a TempError (5, 5.4). The error is ErrNoClient, or the
// caller's own ctx.Err() beside a TempError; what the DNS does is a Result.
func CheckHost(ctx context.Context, r dnsx.Resolver, s Session) (Verdict, error) {
	var once struct { // one piece of memory costs less than three
		e     evaluation
		b     budget
		first frame
	}
	once.e.path[0] = &once.first
	return limits{}.run(ctx, r, &s, &once.e, &once.b)
}

// Checker is CheckHost for many messages: it keeps what it made of records, by their
// text, so that they are parsed once; when they change in the DNS the new text is
// another key. Answers of the DNS are kept by a dnsx.Cache. The zero value works, and may
// be used by many goroutines at once; fields may be set before the first check.
type Checker struct {
	// Budget is the time for one evaluation; 0 means 20 s, the least that RFC 7208,
	// 4.6.4 wants receivers to allow. It runs from when the resolver first looks at
	// its context, to wait or to see whether it is over.
	Budget time.Duration
	// MaxVoids is the number of lookups that may find nothing: 0 means the 2 of RFC
	// 7208, 4.6.4, less than 0 any number.
	MaxVoids int
	// CountHosts counts against it not only terms, as RFC 7208, 4.6.4 words it, but
	// also each host of an mx and each name of the client without an address.
	CountHosts bool
	// MaxBytes bounds the memory for records, counted approximately; 0 means 16 MB.
	MaxBytes int

	programs programs
	idle     sync.Pool // of *evaluation
}

// CheckHost is the function of that name with what the Checker keeps.
func (c *Checker) CheckHost(ctx context.Context, r dnsx.Resolver, s Session) (Verdict, error) {
	e, _ := c.idle.Get().(*evaluation)
	if e == nil {
		e = new(evaluation)
	}
	defer func() {
		e.reset()
		c.idle.Put(e)
	}()
	e.store, e.most = &c.programs, cmp.Or(c.MaxBytes, defaultMaxBytes)
	return limits{time: c.Budget, maxVoids: c.MaxVoids, countHosts: c.CountHosts}.run(ctx, r, &s, e, new(budget))
}

// The defaults of a Checker.
const (
	defaultBudget   = 20 * time.Second
	defaultMaxBytes = 16 << 20
)

// limits are those of a Checker.
type limits struct {
	time       time.Duration
	maxVoids   int
	countHosts bool
}

func (l limits) run(ctx context.Context, r dnsx.Resolver, s *Session, e *evaluation, b *budget) (Verdict, error) {
	if !s.IP.IsValid() {
		return Verdict{Result: None}, ErrNoClient
	}
	l.time, l.maxVoids = cmp.Or(l.time, defaultBudget), cmp.Or(l.maxVoids, MaxVoids)
	b.caller, b.time = ctx, l.time
	defer b.end()
	e.limits, e.ctx, e.resolver, e.session = l, b, r, *s
	e.ip, e.family = s.IP.Unmap().WithZone(""), dnsx.TypeAAAA
	if e.ip.Is4() {
		e.family = dnsx.TypeA
	}
	name, err := e.identify()
	if err != nil {
		e.fail(ProblemIdentity, check.Textf("%s", err))
		return Verdict{Result: None, Sender: e.sender, Problem: e.problem}, nil
	}
	result, f := e.check(name)
	v := Verdict{
		Result: result, Domain: name, Sender: e.sender, Path: e.steps(),
		Lookups: e.lookups, Voids: e.voids, VoidHosts: e.voidHosts, Problem: e.problem, Trace: e.trace,
	}
	if e.problem == nil && f.at != nil && f.at != f.prog.redirect {
		v.Mechanism = v.Path[len(v.Path)-1].Term
	}
	switch result {
	case Fail:
		v.Explanation = e.explain(f)
	case TempError:
		return v, ctx.Err()
	}
	return v, nil
}
