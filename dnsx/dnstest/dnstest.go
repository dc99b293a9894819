// Package dnstest is a dnsx.Resolver made of master-file lines, for tests: those
// of this project and those of programs that import it.
//
//	r := dnstest.Must(`
//	acme.example.         TXT "v=spf1 include:_spf.acme.example -all"
//	_spf.acme.example.    TXT !timeout
//	*.shop.acme.example.  MX  10 mx.acme.example.
//	`)
//
// A line holds one record as dnsx.ParseRR reads it, or a fault: owner, type (or
// * for any) and one of !timeout, !servfail, !refused, !network, !malformed,
// !budget, !not-asked. The owner * takes every name that no other line speaks of.
// Empty lines and lines that start with a semicolon are passed over.
//
// The lines are the whole world: a name with a record, or above one, exists;
// wildcards work as in RFC 4592; CNAME records are followed; every other name
// is NXDOMAIN.
package dnstest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/mailcheck-go/mailcheck/dnsx"
)

// Resolver answers from its lines and notes what it was asked.
type Resolver struct {
	records map[string][]dnsx.RR // by owner
	exists  map[string]bool      // owners and the names above them
	faults  map[fault]dnsx.Failure
	faulty  map[string]bool // owners of faults

	mu    sync.Mutex
	asked []dnsx.Question
}

// fault is where a fault stands: the name "" means any that no line speaks of, the type 0 any.
type fault struct {
	name string
	t    dnsx.Type
}

// Must is Parse for lines that are known to be right; it panics on others.
func Must(lines string) *Resolver {
	r, err := Parse(lines)
	if err != nil {
		panic(err)
	}
	return r
}

// Parse reads the lines. The error names the line.
func Parse(lines string) (*Resolver, error) {
	r := &Resolver{
		records: map[string][]dnsx.RR{}, exists: map[string]bool{".": true},
		faults: map[fault]dnsx.Failure{}, faulty: map[string]bool{},
	}
	n := 0
	for line := range strings.Lines(lines) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == ';' {
			continue
		}
		if err := r.add(line); err != nil {
			return nil, fmt.Errorf("dnstest: line %d: %w", n, err)
		}
	}
	return r, nil
}

func (r *Resolver) add(line string) error {
	if fields := strings.Fields(line); len(fields) == 3 && fields[2][0] == '!' {
		return r.addFault(fields[0], fields[1], fields[2][1:])
	}
	rr, err := dnsx.ParseRR(line)
	if err != nil {
		return err
	}
	r.records[rr.Name] = append(r.records[rr.Name], rr)
	for name := rr.Name; name != "."; name = dnsx.Parent(name) {
		r.exists[name] = true
	}
	return nil
}

func (r *Resolver) addFault(owner, typ, kind string) error {
	at := fault{}
	var err error
	if owner != "*" {
		if at.name, err = dnsx.ParseName(owner); err != nil {
			return err
		}
	}
	if typ != "*" {
		if at.t, err = dnsx.ParseType(typ); err != nil {
			return err
		}
	}
	f := dnsx.Failure{Server: "dnstest", Tries: 1}
	switch kind {
	case "servfail":
		f.Kind, f.RCode = dnsx.KindRCode, dnsx.ServFail
	case "refused":
		f.Kind, f.RCode = dnsx.KindRCode, dnsx.Refused
	case "timeout", "network", "malformed", "budget", "not-asked":
		f.Kind = dnsx.Kind(kind)
	default:
		return errors.New("no such fault: !" + kind)
	}
	r.faults[at] = f
	r.faulty[at.name] = true
	return nil
}

// Asked returns the questions so far, in the order in which they came.
func (r *Resolver) Asked() []dnsx.Question {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.asked)
}

// Resolve answers from the lines.
func (r *Resolver) Resolve(ctx context.Context, q dnsx.Question) (*dnsx.Answer, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r.mu.Lock()
	r.asked = append(r.asked, q)
	r.mu.Unlock()
	a := &dnsx.Answer{Question: q, Server: "dnstest", Proto: "zone"}
	name := q.Name
	for {
		if f, ok := r.fault(name, q.Type); ok {
			f.Question, f.Chain = q, a.Chain
			return nil, &f
		}
		rrs, exists := r.find(name)
		if !exists {
			a.RCode = dnsx.NXDomain
			return a, nil
		}
		var alias *dnsx.RR
		for _, rr := range rrs {
			switch rr.Name = name; rr.Type {
			case q.Type:
				a.Records = append(a.Records, rr)
			case dnsx.TypeCNAME:
				alias = &rr
			}
		}
		if len(a.Records) > 0 || alias == nil {
			return a, nil
		}
		if len(a.Chain) == dnsx.MaxChain {
			return nil, &dnsx.Failure{Question: q, Kind: dnsx.KindChain, Chain: a.Chain, Server: "dnstest", Tries: 1}
		}
		a.Chain = append(a.Chain, *alias)
		name, _ = alias.Target()
	}
}

// fault returns the fault that stands for a name: its own, or, where no line
// speaks of the name, that of the owner *.
func (r *Resolver) fault(name string, t dnsx.Type) (dnsx.Failure, bool) {
	if f, ok := r.faultAt(name, t); ok {
		return f, true
	}
	if _, exists := r.find(name); exists || r.faulty[name] {
		return dnsx.Failure{}, false
	}
	return r.faultAt("", t)
}

func (r *Resolver) faultAt(name string, t dnsx.Type) (dnsx.Failure, bool) {
	if f, ok := r.faults[fault{name, t}]; ok {
		return f, true
	}
	f, ok := r.faults[fault{name, 0}]
	return f, ok
}

// find returns the records of a name, or of the wildcard that stands for it: the
// child * of its closest encloser (RFC 4592, 3.3.1).
func (r *Resolver) find(name string) (rrs []dnsx.RR, exists bool) {
	if r.exists[name] {
		return r.records[name], true
	}
	encloser := dnsx.Parent(name)
	for !r.exists[encloser] {
		encloser = dnsx.Parent(encloser)
	}
	star := dnsx.Join("*", encloser)
	return r.records[star], r.exists[star]
}

// Listing is the same resolver as one that also lists its names (dnsx.Lister),
// as a zone file does.
func (r *Resolver) Listing() *Listing { return &Listing{r} }

// Listing is a Resolver that lists its names.
type Listing struct{ *Resolver }

// Names returns the owners of records at and below a name, sorted.
func (l *Listing) Names(below string) ([]string, error) {
	var names []string
	for name := range l.records {
		if dnsx.Below(name, below) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}
