package spf

import (
	"cmp"
	"slices"
	"time"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

// flattener finds out what the terms of a domain's tree match.
type flattener struct {
	*matcher
	o     *FlattenOptions
	again map[string]bool // kept terms, where a flattened record is read again; else nil

	nodes map[*Node]*matched

	parts []*Node        // whose terms stand in the record instead of an include
	whole map[*Node]bool // for which that is not worth it

	plan *Flattening
	seen map[dnsx.Question]bool // in plan.Answers
}

func newFlattener(a *Analysis, o *FlattenOptions) *flattener {
	return &flattener{
		matcher: newMatcher(a), o: o, nodes: map[*Node]*matched{}, whole: map[*Node]bool{},
		plan: &Flattening{}, seen: map[dnsx.Question]bool{},
	}
}

// node says whom the record of a name passes, as an include of it asks (RFC 7208, 5.2).
func (f *flattener) node(n *Node) *matched {
	if m := f.nodes[n]; m != nil {
		return m
	}
	f.nodes[n] = keep(KeptPermError, true, check.Textf("%s leads back to itself", n.Name)) // until it is known
	m := f.record(n)
	f.nodes[n] = m
	return m
}

// unusable is why a name has no record that receivers evaluate; nil where it has one.
func (n *Node) unusable() *matched {
	switch {
	case n.Unread != nil:
		return keep(KeptUnread, true, check.Textf("%s", cmp.Or(n.Unread[0].Cause, check.Errorf("it is not known"))))
	case len(n.Texts) == 0:
		return keep(KeptPermError, true, check.Textf("%s has no SPF record", n.Name))
	case !n.Valid():
		return keep(KeptPermError, true, n.broken.Text)
	}
	return nil
}

func (f *flattener) record(n *Node) *matched {
	if m := n.unusable(); m != nil {
		return m
	}
	m := &matched{}
	m.expires(f.expiry(txtOf(n), nil))
	done := map[string]bool{} // the same term again finds nobody whom the first left
	for i := range n.terms {
		t := &n.terms[i]
		_, key := cutQualifier(t.text)
		if done[key] {
			continue
		}
		done[key] = true
		one := f.match(n, t)
		if l := t.link; l != nil && !l.Redirect && one.kept == nil && f.wants(l.Target) {
			one = keep(KeptByName, one.hard, check.Textf("%s is to be kept", l.Target))
		}
		m.join(one, Step{n.Name, t.text})
	}
	if m.kept != nil {
		return m
	}
	s := survey{matcher: f.matcher, passes: func(n *Node) addrSet { return f.node(n).set }}
	if m.set = passOf(s.of(n, everybody)); s.full {
		m.kept = &cause{reason: KeptLimit, text: check.Textf("it has too many ranges")}
	}
	return m
}

// join takes over what is not known of a term, and what expires first.
func (m *matched) join(one *matched, at Step) {
	m.hard = m.hard || one.hard
	if c := one.kept; m.kept == nil && c != nil {
		if m.kept = c; !c.placed {
			m.kept = &cause{c.reason, check.Textf("%s in the record of %s: %s", clip(at.Term), at.Name, c.text), true}
		}
	}
	if one.first.Question.Name != "" {
		e := one.first
		e.Path = append([]Step{at}, e.Path...)
		m.expires(e)
	}
}

// match says whom a term of a record matches, or what a redirect leads to passes.
func (f *flattener) match(n *Node, t *nodeTerm) *matched {
	if t.link != nil {
		return f.link(t.link)
	}
	return f.term(n, t.directive)
}

// link says whom an include, or what a redirect leads to, passes.
func (f *flattener) link(l *link) *matched {
	switch {
	case l.malformed:
		return keep(KeptPermError, true, check.Textf("it leads to what is no domain name"))
	case l.Target == "":
		return keep(KeptMessage, true, check.Textf("the name of its record depends on the message"))
	case l.node == nil:
		return keep(KeptLimit, true, check.Textf("the record leads to more than %d names", MaxNames))
	}
	return f.node(l.node)
}

// expiry says how long an answer holds. It is zero where the answer does not say: a
// denial without SOA (RFC 2308, 5).
func (m *matcher) expiry(q dnsx.Question, path []Step) Expiry {
	a := m.w.reply(q).Answer
	if a == nil {
		return Expiry{}
	}
	ttl, ok := ttlOf(a)
	if !ok {
		return Expiry{}
	}
	e := Expiry{Question: q, Path: path, TTL: ttl}
	if !a.At.IsZero() {
		e.Until = a.At.Add(time.Duration(ttl) * time.Second)
	}
	return e
}

// ttlOf is the least TTL of an answer and of the aliases on the way to it, or of its
// denial (RFC 2308, 5); not ok where nothing says it.
func ttlOf(a *dnsx.Answer) (least uint32, ok bool) {
	take := func(ttl uint32) {
		if ttl > 1<<31-1 { // RFC 2181, 8
			ttl = 0
		}
		if !ok || ttl < least {
			least, ok = ttl, true
		}
	}
	for _, rr := range a.Chain {
		take(rr.TTL)
	}
	for _, rr := range a.Records {
		take(rr.TTL)
	}
	if len(a.Records) == 0 {
		for _, rr := range a.Authority {
			if soa, ok := rr.SOA(); ok {
				take(rr.TTL)
				take(soa.Minimum)
			}
		}
	}
	return least, ok
}

func (m *matched) expires(e Expiry) {
	if e.Question.Name != "" && (m.first.Question.Name == "" || e.before(&m.first)) {
		m.first = e
	}
}

// before orders by the end, or where an answer has no time, by the TTL.
func (e *Expiry) before(o *Expiry) bool {
	if !e.Until.IsZero() && !o.Until.IsZero() {
		return e.Until.Before(o.Until)
	}
	return e.TTL < o.TTL
}

// rests notes the answers that a replaced term stands on.
func (f *flattener) rests(n *Node, t *nodeTerm, path []Step) {
	if t.link != nil {
		f.restsOn(t.link.node, path)
		return
	}
	d := t.directive
	name, err := target(d.Domain, n.Name)
	if err != nil || d.Mechanism != A && d.Mechanism != MX {
		return
	}
	for _, q := range f.questions(addressTerm{name, d.Mechanism, d.Bits4, d.Bits6}) {
		f.answer(q, path)
	}
}

func (f *flattener) restsOn(n *Node, path []Step) {
	if !f.answer(dnsx.Q(n.Name, dnsx.TypeTXT), path) {
		return
	}
	for i := range n.terms {
		if t := &n.terms[i]; t.cost != nil {
			f.rests(n, t, below(path, n, t.text))
		}
	}
}

// answer is false where the question is noted already.
func (f *flattener) answer(q dnsx.Question, path []Step) bool {
	if f.seen[q] {
		return false
	}
	f.seen[q] = true
	if e := f.expiry(q, path); e.Question.Name != "" {
		f.plan.Answers = append(f.plan.Answers, e)
	}
	return true
}

// wants reports whether the caller wants a name kept.
func (f *flattener) wants(name string) bool {
	return f.again == nil && matchesAny(f.o.Keep, name)
}

// matchesAny reports whether a name is one of the patterns: a name, or "*." and a name
// for all below it.
func matchesAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		if len(p) > 2 && p[:2] == "*." {
			return name != p[2:] && dnsx.Below(name, p[2:])
		}
		return name == p
	})
}
