package zone

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/mailcheck-go/mailcheck/dnsx"
)

// rcodeYXDomain is the answer where a DNAME makes a name too long (RFC 6672, 2.2).
const rcodeYXDomain dnsx.RCode = 6

// hit is what the files know about one name and type.
type hit struct {
	is   verdict
	rrs  []dnsx.RR // of data; of alias the one CNAME record
	file string    // base name
	soa  []dnsx.RR // of noData and nxDomain
}

type verdict int

const (
	unknown verdict = iota
	data
	alias
	noData
	nxDomain
	tooLong // a DNAME makes a name that is none
)

// treeOf returns the most specific zone that a name lies in, nil for none. DS
// records belong to the zone above (RFC 4035, 3.1.4.1).
func (z *Zones) treeOf(name string, t dnsx.Type) *tree {
	at := name
	if t == dnsx.TypeDS && name != "." {
		at = dnsx.Parent(name)
	}
	for {
		if tr := z.whole[at]; tr != nil {
			return tr
		}
		if at == "." {
			return nil
		}
		at = dnsx.Parent(at)
	}
}

// look says what the files know.
func (z *Zones) look(name string, t dnsx.Type) hit {
	if tr := z.treeOf(name, t); tr != nil {
		if h := tr.look(name, t); h.is != unknown {
			return h
		}
	}
	if n := z.loose[name]; n != nil {
		if s := n.set(t); s != nil {
			return hit{is: data, rrs: s.rrs, file: s.file}
		}
		if s := n.set(dnsx.TypeCNAME); s != nil {
			return hit{is: alias, rrs: s.rrs, file: s.file}
		}
	}
	return hit{}
}

func (t *tree) look(name string, dtype dnsx.Type) hit {
	n, how, star := t.find(name)
	switch how {
	case missing:
		return hit{is: nxDomain, file: t.file, soa: t.soa}
	case renamed:
		return t.rename(n.set(dnsx.TypeDNAME), name)
	case outside:
		if star || dtype != dnsx.TypeDS || t.nodes[name] != n {
			return hit{}
		}
	}
	s, is := n.set(dtype), data
	if s == nil && (dtype != dnsx.TypeCNAME) {
		s, is = n.set(dnsx.TypeCNAME), alias
	}
	switch {
	case s == nil && (n.unknown(dtype) || meta(dtype) || signing(dtype) && !t.signed):
		return hit{}
	case s == nil:
		return hit{is: noData, file: t.file, soa: t.soa}
	}
	h := hit{is: is, rrs: s.rrs, file: s.file}
	if star {
		h.rrs = slices.Clone(s.rrs)
		for i := range h.rrs {
			h.rrs[i].Name = name
		}
	}
	return h
}

// rename makes the CNAME record that a DNAME stands for (RFC 6672, 2.2 and 3.1).
func (t *tree) rename(s *rrset, name string) hit {
	dname := s.rrs[0]
	target, _ := dname.Target()
	to := dnsx.Join(name[:len(name)-len(dname.Name)-1], target)
	if dname.Name == "." {
		to = dnsx.Join(name, target)
	}
	wire, err := dnsx.PackName(to)
	if err != nil {
		return hit{is: tooLong, file: s.file}
	}
	cname := dnsx.RR{Name: name, Type: dnsx.TypeCNAME, TTL: dname.TTL, Data: wire}
	return hit{is: alias, rrs: []dnsx.RR{cname}, file: s.file}
}

// walk is a question on its way along its aliases.
type walk struct {
	q     dnsx.Question
	name  string // where it is
	chain []dnsx.RR
	file  string // that had the last alias
}

func newWalk(q dnsx.Question) (*walk, *dnsx.Failure) {
	name, err := dnsx.ParseName(q.Name)
	if err != nil {
		return nil, &dnsx.Failure{Question: q, Kind: dnsx.KindMalformed, Detail: err.Error()}
	}
	return &walk{q: q, name: name}, nil
}

// fail makes the failure of the question, with what was known before.
func (w *walk) fail(f dnsx.Failure) *dnsx.Failure {
	f.Question = w.q
	f.Chain = append(slices.Clip(w.chain), f.Chain...)
	return &f
}

// follow goes as far as the files know. With neither answer nor failure Next has
// to be asked for what the walk needs.
func (z *Zones) follow(w *walk) (*dnsx.Answer, *dnsx.Failure) {
	for {
		h := z.look(w.name, w.q.Type)
		switch {
		case h.is == unknown && z.Next == nil:
			return nil, w.notAsked("no zone file knows %s")
		case h.is == unknown:
			return nil, nil
		case h.is == tooLong:
			return nil, w.fail(dnsx.Failure{Kind: dnsx.KindRCode, RCode: rcodeYXDomain, Server: h.file})
		case h.is == alias && w.q.Type == dnsx.TypeCNAME: // made of a DNAME
			return z.answer(w, hit{is: data, rrs: h.rrs, file: h.file}), nil
		case h.is != alias:
			return z.answer(w, h), nil
		}
		if f := w.alias(h.rrs[0], h.file); f != nil {
			return nil, f
		}
	}
}

// alias takes one step.
func (w *walk) alias(cname dnsx.RR, file string) *dnsx.Failure {
	if len(w.chain) == dnsx.MaxChain {
		return w.fail(dnsx.Failure{Kind: dnsx.KindChain, Server: file})
	}
	target, ok := cname.Target()
	if !ok {
		return w.fail(dnsx.Failure{Kind: dnsx.KindMalformed, Server: file, Detail: "a CNAME record without target"})
	}
	w.chain, w.name, w.file = append(w.chain, cname), target, file
	return nil
}

func (z *Zones) answer(w *walk, h hit) *dnsx.Answer {
	a := &dnsx.Answer{Question: w.q, Chain: w.chain, Records: h.rrs, Authority: h.soa, Server: h.file, Proto: "zone"}
	if h.is == nxDomain {
		a.RCode = dnsx.NXDomain
	}
	if z.Now != nil {
		a.At = z.Now()
	} else {
		a.At = time.Now()
	}
	return a
}

// needs is the question that the files leave open.
func (w *walk) needs() dnsx.Question {
	q := w.q
	q.Name = w.name
	return q
}

// notAsked is the failure where there is nobody to ask.
func (w *walk) notAsked(why string) *dnsx.Failure {
	return w.fail(dnsx.Failure{Kind: dnsx.KindNotAsked, Server: w.file, Detail: fmt.Sprintf(why, w.needs())})
}

// join takes what Next answered to what the walk needs. Where that leads back
// into the files, the walk goes on from there and there is neither answer nor failure.
func (z *Zones) join(w *walk, a *dnsx.Answer) (*dnsx.Answer, *dnsx.Failure) {
	began := len(w.chain) > 0
	for _, cname := range a.Chain {
		if f := w.alias(cname, a.Server); f != nil {
			return nil, f
		}
		if z.look(w.name, w.q.Type).is != unknown {
			return nil, nil
		}
	}
	if z.stale(w, a) {
		return nil, w.notAsked("what is published now does not have %s, and the file does not say it")
	}
	denied := a.RCode == dnsx.NXDomain && z.exists[w.name]
	if !began && !denied && a.Question == w.q {
		return a, nil
	}
	whole := *a
	whole.Question, whole.Chain = w.q, w.chain
	if began || denied {
		whole.AD = false // the part of the files is nobody's to validate
	}
	if denied {
		whole.RCode = dnsx.NoError
	}
	return &whole, nil
}

// stale reports whether a negative answer comes from the zone that the file will
// take the place of: it says nothing about what the file leaves open. What signing
// adds is as published.
func (z *Zones) stale(w *walk, a *dnsx.Answer) bool {
	t := z.treeOf(w.name, w.q.Type)
	if t == nil || len(a.Records) > 0 || signing(w.q.Type) {
		return false
	}
	if _, how, _ := t.find(w.name); how == held || a.RCode == dnsx.NXDomain && t.nodes[w.name] != nil {
		return true
	}
	return slices.ContainsFunc(a.Authority, func(rr dnsx.RR) bool { return rr.Type == dnsx.TypeSOA && z.whole[rr.Name] != nil })
}

// take is join for a reply of Next. Without an outcome the walk goes on.
func (z *Zones) take(w *walk, r dnsx.Reply) (*dnsx.Answer, *dnsx.Failure) {
	switch {
	case r.Answer != nil:
		return z.join(w, r.Answer)
	case r.Failure != nil:
		return nil, w.fail(*r.Failure)
	}
	return nil, w.notAsked("nobody answered %s")
}

// Resolve answers one question. A deadline does not matter to what the files know.
func (z *Zones) Resolve(ctx context.Context, q dnsx.Question) (*dnsx.Answer, error) {
	w, f := newWalk(q)
	if f != nil {
		return nil, f
	}
	for {
		a, f := z.follow(w)
		if a == nil && f == nil {
			got, err := z.Next.Resolve(ctx, w.needs())
			if _, failed := errors.AsType[*dnsx.Failure](err); err != nil && !failed {
				return nil, err
			}
			a, f = z.take(w, dnsx.ReplyOf(w.needs())(got, err))
		}
		switch {
		case f != nil:
			return nil, f
		case a != nil:
			return a, nil
		}
	}
}

// ResolveAll answers many questions: what the files know at once, the rest side
// by side at Next.
func (z *Zones) ResolveAll(ctx context.Context, qs []dnsx.Question) []dnsx.Reply {
	replies := make([]dnsx.Reply, len(qs))
	z.ResolveEach(ctx, qs, func(i int, r dnsx.Reply) { replies[i] = r })
	return replies
}

// ResolveEach is ResolveAll that hands over each reply when it comes in.
func (z *Zones) ResolveEach(ctx context.Context, qs []dnsx.Question, each func(i int, r dnsx.Reply)) {
	walks := make([]*walk, len(qs))
	open := make([]int, 0, len(qs)) // what has no outcome yet
	for i, q := range qs {
		w, f := newWalk(q)
		if f != nil {
			each(i, dnsx.Reply{Question: q, Failure: f})
			continue
		}
		walks[i], open = w, append(open, i)
	}
	for len(open) > 0 {
		var ask []dnsx.Question
		asked := open[:0]
		for _, i := range open {
			w := walks[i]
			if a, f := z.follow(w); a != nil || f != nil {
				each(i, dnsx.Reply{Question: w.q, Answer: a, Failure: f})
				continue
			}
			asked, ask = append(asked, i), append(ask, w.needs())
		}
		if len(ask) == 0 {
			return
		}
		// Whose answer leads back into the files waits for the next round: Next may
		// not be asked from within its own call.
		var mu sync.Mutex
		var back []int
		dnsx.AskEach(ctx, z.Next, ask, func(k int, r dnsx.Reply) {
			i := asked[k]
			a, f := z.take(walks[i], r)
			if a != nil || f != nil {
				each(i, dnsx.Reply{Question: qs[i], Answer: a, Failure: f})
				return
			}
			mu.Lock()
			back = append(back, i)
			mu.Unlock()
		})
		open = back
	}
}

// Names lists the owners of records at and below a name, sorted, if a file with
// the whole truth covers it. Where a part is delegated, the names below the
// delegation are listed as far as files hold them. Where no file covers the name,
// Next is asked; if that is no Lister, the error wraps dnsx.ErrNoList.
func (z *Zones) Names(below string) ([]string, error) {
	name, err := dnsx.ParseName(below)
	if err != nil {
		return nil, err
	}
	t := z.treeOf(name, dnsx.TypeA)
	if t == nil || !t.holds(name, dnsx.TypeA) {
		if l, ok := dnsx.ListerOf(z.Next); ok {
			return l.Names(name)
		}
		return nil, fmt.Errorf("zone: no file has all names below %s: %w", name, dnsx.ErrNoList)
	}
	owners := map[string]bool{}
	collect := func(nodes map[string]*node) {
		for at, n := range nodes {
			if len(n.sets)+len(n.holes) > 0 && dnsx.Below(at, name) {
				owners[at] = true
			}
		}
	}
	collect(t.nodes)
	for apex, child := range z.whole {
		if child != t && dnsx.Below(apex, name) {
			collect(child.nodes)
		}
	}
	collect(z.loose)
	return slices.Sorted(maps.Keys(owners)), nil
}
