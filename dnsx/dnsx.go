// Package dnsx is one question asked of the DNS, and what became of it.
//
// A [Resolver] takes a [Question] and returns an [Answer] or a [*Failure]. The
// two never mix: that a name does not exist is an answer; that nobody said so
// in time is a failure. [Ask] puts many questions side by side and writes each
// outcome down as a [Reply], which is what facts are made of and what can be
// saved as JSON.
//
// Package dnsx/wire has a Resolver that talks to name servers, dnsx/zone one
// that reads zone files, dnsx/dnstest one for tests. [Cache], [Limit] and
// [Trace] wrap any of them.
package dnsx

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Question is what is asked. All four fields together are its identity.
type Question struct {
	Name             string `json:"name"` // as ParseName returns it
	Type             Type   `json:"type"`
	DNSSEC           bool   `json:"dnssec,omitempty"`            // set DO: signatures are wanted (RFC 3225)
	CheckingDisabled bool   `json:"checking_disabled,omitempty"` // set CD: no validation by the resolver (RFC 4035, 3.2.2)
}

// String writes "TXT _dmarc.acme.example".
func (q Question) String() string { return q.Type.String() + " " + q.Name }

// Q makes the plain question: no DNSSEC, checking enabled.
func Q(name string, t Type) Question { return Question{Name: name, Type: t} }

// Resolver answers one question. The error is a *Failure, or the error of the
// context where that ended. An Answer is shared: nobody may change it.
// A Resolver may be used by many goroutines at once.
type Resolver interface {
	Resolve(context.Context, Question) (*Answer, error)
}

// BulkResolver is a Resolver that takes many questions without a goroutine for
// each. The replies stand in the questions' order, one for each.
type BulkResolver interface {
	Resolver
	ResolveAll(context.Context, []Question) []Reply
}

// StreamResolver is a Resolver that takes many questions and hands over each
// reply when it comes in, so that nobody waits for the slowest of them.
type StreamResolver interface {
	Resolver
	// ResolveEach calls each once for every question, with its place in qs, and
	// returns after the last call. Calls may be made by several goroutines at once.
	ResolveEach(ctx context.Context, qs []Question, each func(i int, r Reply))
}

// Lister is what a Resolver may have besides: it knows all names, as a zone
// file does, and lists those below one. An error means that it does not know
// them all. [ListerOf] finds it.
type Lister interface {
	Names(below string) ([]string, error)
}

// ErrNoList is the error of Names where the resolver that is wrapped is no Lister.
var ErrNoList = errors.New("dnsx: the resolver does not list names")

// ListerOf returns the Lister that r is, or that r wraps as a Cache, a Limit or a Trace.
func ListerOf(r Resolver) (Lister, bool) {
	switch w := r.(type) {
	case *Cache:
		return ListerOf(w.Next)
	case *Limit:
		return ListerOf(w.Next)
	case *Trace:
		return ListerOf(w.Next)
	}
	l, ok := r.(Lister)
	return l, ok
}

// namesOf is Names for what wraps next.
func namesOf(next Resolver, below string) ([]string, error) {
	l, ok := ListerOf(next)
	if !ok {
		return nil, fmt.Errorf("names below %s: %w", below, ErrNoList)
	}
	return l.Names(below)
}

// ResolverFunc makes a Resolver of a function.
type ResolverFunc func(context.Context, Question) (*Answer, error)

// Resolve calls f.
func (f ResolverFunc) Resolve(ctx context.Context, q Question) (*Answer, error) { return f(ctx, q) }

// Answer is what a server said, whether the name exists or not.
type Answer struct {
	Question  Question      `json:"question"`
	RCode     RCode         `json:"rcode"`               // NoError or NXDomain; others are Failures
	Chain     []RR          `json:"chain,omitempty"`     // the CNAME records followed, in their order
	Records   []RR          `json:"records,omitempty"`   // of the type asked, at the chain's end
	Authority []RR          `json:"authority,omitempty"` // the SOA of a negative answer, signatures and denials
	AD        bool          `json:"ad,omitempty"`        // the server says it validated the answer, and the path to it is trusted
	EDE       []EDE         `json:"ede,omitempty"`
	Server    string        `json:"server,omitempty"` // "192.0.2.53:53", or the zone file's name
	Proto     string        `json:"proto,omitempty"`  // udp, tcp, tls, https, zone; ProtoCut
	Size      int           `json:"size,omitempty"`   // octets of the message
	At        time.Time     `json:"at,omitzero"`
	RTT       time.Duration `json:"rtt_ns,omitempty"`
}

// Exists reports whether the name that was asked for exists. With a CNAME chain
// NXDOMAIN speaks of the chain's end, and the name itself exists (RFC 6604, 3).
func (a *Answer) Exists() bool { return a.RCode != NXDomain || len(a.Chain) > 0 }

// Owner is the name at the end of the chain: where the records stand or would stand.
func (a *Answer) Owner() string {
	if n := len(a.Chain); n > 0 {
		if target, ok := a.Chain[n-1].Target(); ok {
			return target
		}
	}
	return a.Question.Name
}

// EDE is an Extended DNS Error (RFC 8914).
type EDE struct {
	Code uint16 `json:"code"`
	Text string `json:"text,omitempty"`
}

// String writes "EDE 6 signature expired".
func (e EDE) String() string {
	if e.Text == "" {
		return fmt.Sprintf("EDE %d", e.Code)
	}
	return fmt.Sprintf("EDE %d %s", e.Code, e.Text)
}

// Kind says in which way a question stayed without an answer.
type Kind string

const (
	KindTimeout   Kind = "timeout"   // no server answered in the time it had
	KindRCode     Kind = "rcode"     // a server answered SERVFAIL, REFUSED, …
	KindNetwork   Kind = "network"   // no server could be reached at all
	KindMalformed Kind = "malformed" // what came back could not be read
	KindChain     Kind = "chain"     // the CNAME chain loops or is longer than MaxChain
	KindBudget    Kind = "budget"    // the time for the whole job was over first
	KindCanceled  Kind = "canceled"  // whoever asked gave up
	KindNotAsked  Kind = "not-asked" // nobody was asked: offline, and no zone holds the name
)

// MaxChain is the number of CNAME records that are followed (the design's own
// bound; RFC 1034, 3.6.2 asks for robustness against loops and long chains).
const MaxChain = 12

// Failure is a question without an answer. It never unwraps to an error of a
// context: a deadline is a fact about the question, not an order to stop.
type Failure struct {
	Question Question      `json:"question"`
	Kind     Kind          `json:"kind"`
	Chain    []RR          `json:"chain,omitempty"` // the CNAME records seen before it failed: these are answered
	RCode    RCode         `json:"rcode,omitempty"` // where Kind is rcode
	EDE      []EDE         `json:"ede,omitempty"`
	Server   string        `json:"server,omitempty"` // the one whose failure this is
	Tries    int           `json:"tries,omitempty"`
	Took     time.Duration `json:"took_ns,omitempty"`
	Detail   string        `json:"detail,omitempty"` // what went wrong, where Kind does not say it all
}

// Error says what was asked, what happened, and where.
func (f *Failure) Error() string {
	format, args := f.Words()
	return fmt.Sprintf(format, args...)
}

// Words is the format of Error and what stands in it, for catalogues of other languages
// (check.Translation reads it).
func (f *Failure) Words() (format string, args []any) {
	format, args = f.words()
	if f.Server != "" && f.Kind != KindBudget && f.Kind != KindCanceled && f.Kind != KindNotAsked {
		format, args = format+" at %s", append(args, f.Server)
	}
	switch zone, unknown := strings.CutPrefix(f.Detail, "no zone file knows "); { // package zone's
	case unknown && f.Kind == KindNotAsked && zone == f.Question.String():
		return format + ": no zone file knows %[1]s", args
	case unknown && f.Kind == KindNotAsked: // that of an alias
		return format + ": no zone file knows %s", append(args, zone)
	case f.Detail != "" && (f.Kind == KindNetwork || f.Kind == KindMalformed || f.Kind == KindNotAsked):
		return format + ": %s", append(args, f.Detail)
	case len(f.EDE) > 0 && f.Kind == KindRCode:
		codes := make([]string, len(f.EDE))
		for i, e := range f.EDE {
			codes[i] = e.String()
		}
		return format + " (%s)", append(args, strings.Join(codes, ") ("))
	}
	return format, args
}

// words are without the server, and what went wrong in detail.
func (f *Failure) words() (format string, args []any) {
	q := f.Question.String()
	switch f.Kind {
	case KindTimeout:
		return "%s timed out", []any{q}
	case KindRCode:
		return "%s got %s", []any{q, f.RCode.String()}
	case KindNetwork:
		return "%s could not be asked", []any{q}
	case KindMalformed:
		return "%s got an unreadable answer", []any{q}
	case KindChain:
		return "%s leads through a CNAME loop or more than %d aliases", []any{q, MaxChain}
	case KindBudget:
		return "%s had no answer when the time was over", []any{q}
	case KindCanceled:
		return "%s was given up", []any{q}
	case KindNotAsked:
		return "%s was not asked", []any{q}
	}
	return "%s failed (%s)", []any{q, string(f.Kind)}
}

// Gap tells package check what is missing and why (check.GapOf reads it).
func (f *Failure) Gap() (subject, why string) {
	if f.Kind == KindNotAsked {
		return f.Question.String(), "not-asked"
	}
	return f.Question.String(), "failed"
}

// Reply is a question with what became of it: an Answer, a Failure, or neither,
// which means that nobody asked (yet).
type Reply struct {
	Question Question
	Answer   *Answer
	Failure  *Failure
}

// Err is nil where there is an answer. A Reply that nobody asked for gives a
// Failure of kind not-asked.
func (r Reply) Err() error {
	switch {
	case r.Answer != nil:
		return nil
	case r.Failure != nil:
		return r.Failure
	}
	return &Failure{Question: r.Question, Kind: KindNotAsked}
}

// To returns r where it is a reply to q, whatever its DNSSEC bits; else q as nobody
// asked it. Facts may come from anybody: what they hold in the place of a question
// counts only if it is about that question.
func (r Reply) To(q Question) Reply {
	same := func(o Question) bool { return o.Name == q.Name && o.Type == q.Type }
	if !same(r.Question) || r.Answer != nil && !same(r.Answer.Question) {
		return Reply{Question: q}
	}
	return r
}

// Proves reports whether a reply about a name at or below domain shows that the
// domain exists: the name does, or the zone that denies it starts at the domain or
// below (RFC 2308, 3: the SOA record's owner is the zone).
func (r Reply) Proves(domain string) bool {
	switch {
	case r.Answer == nil:
		return len(r.Chain()) > 0
	case r.Answer.Exists():
		return true
	}
	return slices.ContainsFunc(r.Answer.Authority, func(rr RR) bool { return rr.Type == TypeSOA && Below(rr.Name, domain) })
}

// Absent reports that an answer said there are no such records: NXDOMAIN or
// NODATA. A failure is not absence.
func (r Reply) Absent() bool { return r.Answer != nil && len(r.Answer.Records) == 0 }

// Chain returns the CNAME records that were followed, whatever came of the question at
// their end.
func (r Reply) Chain() []RR {
	switch {
	case r.Answer != nil:
		return r.Answer.Chain
	case r.Failure != nil:
		return r.Failure.Chain
	}
	return nil
}

// Records returns the records of the answer, none for a failure.
func (r Reply) Records() []RR {
	if r.Answer == nil {
		return nil
	}
	return r.Answer.Records
}

// Ask puts the questions side by side and returns the replies in their order.
// It does not fail: where ctx ends first, the replies that are missing are
// Failures of kind budget (a deadline) or canceled.
func Ask(ctx context.Context, r Resolver, qs ...Question) []Reply {
	if bulk, ok := r.(BulkResolver); ok {
		return bulk.ResolveAll(ctx, qs)
	}
	return askAll(ctx, r, qs)
}

// askAll gathers what AskEach hands over.
func askAll(ctx context.Context, r Resolver, qs []Question) []Reply {
	replies := make([]Reply, len(qs))
	AskEach(ctx, r, qs, func(i int, reply Reply) { replies[i] = reply })
	return replies
}

// AskEach is Ask for whoever can use a reply before the last has come: it calls
// each once for every question, with its place in qs, and returns after the last
// call. Calls may be made by several goroutines at once.
func AskEach(ctx context.Context, r Resolver, qs []Question, each func(i int, r Reply)) {
	switch r := r.(type) {
	case StreamResolver:
		r.ResolveEach(ctx, qs, each)
		return
	case BulkResolver:
		for i, reply := range r.ResolveAll(ctx, qs) {
			each(i, reply)
		}
		return
	}
	if len(qs) == 1 {
		each(0, ReplyOf(qs[0])(r.Resolve(ctx, qs[0])))
		return
	}
	var wg sync.WaitGroup
	for i, q := range qs {
		wg.Go(func() { each(i, ReplyOf(q)(r.Resolve(ctx, q))) })
	}
	wg.Wait()
}

// ReplyOf makes the Reply to q from what Resolve returned:
//
//	reply := dnsx.ReplyOf(q)(r.Resolve(ctx, q))
func ReplyOf(q Question) func(*Answer, error) Reply {
	return func(a *Answer, err error) Reply {
		if err == nil && a != nil {
			return Reply{Question: q, Answer: a}
		}
		return Reply{Question: q, Failure: failureOf(q, err)}
	}
}

func failureOf(q Question, err error) *Failure {
	var f *Failure
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, context.DeadlineExceeded):
		return &Failure{Question: q, Kind: KindBudget}
	case errors.Is(err, context.Canceled):
		return &Failure{Question: q, Kind: KindCanceled}
	case err == nil:
		return &Failure{Question: q, Kind: KindMalformed, Detail: "the resolver returned neither answer nor error"}
	}
	return &Failure{Question: q, Kind: KindNetwork, Detail: err.Error()}
}

// DefaultBudget is the time for one name, all its questions together.
const DefaultBudget = 10 * time.Second

// WithBudget bounds ctx to the time of one job, DefaultBudget where d is 0.
func WithBudget(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if d == 0 {
		d = DefaultBudget
	}
	return context.WithTimeout(ctx, d)
}
