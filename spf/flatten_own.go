package spf

import (
	"slices"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

// flat is the domain's record, of which each term is either known by its addresses or
// kept.
type flat struct {
	items    []item
	all      Result // "" where there is none
	redirect MacroString
	exp      MacroString
	others   []Modifier
}

// item is a term, or what several of the same meaning became.
type item struct {
	qualifier Result
	set       addrSet // of those that are not kept
	kept      *Directive
	hard      bool // nothing may be moved over it
}

// flattened reads the domain's own record.
func (f *flattener) flattened(root *Node) *flat {
	p := &flat{exp: root.Record.Exp, others: root.Record.Modifiers}
	f.own(p, root, nil, false)
	return p
}

// own goes through a record that speaks for the domain: its own, one that it redirects
// to, or one that it includes and that is taken apart. Inside reports the last.
func (f *flattener) own(p *flat, n *Node, path []Step, inside bool) {
	links, costs := n.links, n.Costs
	live := n.Record.live()
	for i := range live {
		d := &live[i]
		switch d.Mechanism {
		case All:
			if !inside {
				p.all = d.Qualifier
			}
			return
		case IP4, IP6:
			p.items = append(p.items, item{qualifier: d.Qualifier, set: addrSet{extentOf(d.Prefix)}})
			continue
		}
		var l *link
		if d.Mechanism == Include {
			l, links = links[0], links[1:]
		}
		cost := costs[0]
		costs = costs[1:]
		f.ownTerm(p, n, d, l, cost, path)
	}
	if len(links) > 0 {
		f.ownRedirect(p, n, links[0], costs[0], path)
	}
}

// ownTerm replaces a term by its addresses, or keeps it.
func (f *flattener) ownTerm(p *flat, n *Node, d *Directive, l *link, cost Cost, path []Step) {
	m := f.term(n, d, l)
	why := m.kept
	if chosen := f.choice(n, d, l, len(path) > 0); chosen != nil {
		why = chosen
	} else if why == nil && m.set.wholeFamily() {
		why = &cause{reason: KeptEverybody, text: check.Textf("it matches every address")}
	} else if why != nil && f.apart(p, n, d, l, m, cost, path) {
		return
	}
	if why == nil && !f.spend(len(m.set)) {
		why = &cause{reason: KeptLimit, text: check.Textf("it has too many addresses")}
	}
	if why == nil {
		p.items = append(p.items, item{qualifier: d.Qualifier, set: m.set})
		f.rests(n, d, l, below(path, n, cost.Term))
		prefixes, _ := m.set.prefixes(maxSources)
		f.spend(len(prefixes))
		f.replaced(cost.Term, path, cost.Lookups, len(prefixes), m.first, Step{n.Name, cost.Term})
		return
	}
	kept := *d
	if kept.Domain.IsZero() && len(path) > 0 {
		kept.Domain = MacroString{Raw: n.Name}
	}
	p.items = append(p.items, item{qualifier: d.Qualifier, kept: &kept, hard: m.hard})
	f.plan.Kept = append(f.plan.Kept, Kept{
		Term: kept.String(), Path: path, Reason: why.reason, Text: why.text, Lookups: cost.Lookups, target: l,
	})
}

func (f *flattener) replaced(term string, path []Step, lookups, ranges int, first Expiry, at Step) {
	if first.Question.Name != "" {
		first.Path = append(append(path[:len(path):len(path)], at), first.Path...)
	}
	f.plan.Replaced = append(f.plan.Replaced, Replaced{Term: term, Path: path, Lookups: lookups, Ranges: ranges, First: first})
}

// choice says why the caller wants a term kept; nil where he does not. What stands in a
// record that was chosen is chosen.
func (f *flattener) choice(n *Node, d *Directive, l *link, inside bool) *cause {
	if f.again != nil {
		if f.again[d.String()] {
			return &cause{reason: KeptByName}
		}
		return nil
	}
	name := ""
	if l != nil {
		name = l.Target
	} else if target, err := target(d.Domain, n.Name); err == nil {
		name = target
	}
	return f.chosen(name, inside)
}

func (f *flattener) chosen(name string, inside bool) *cause {
	switch {
	case matchesAny(f.o.Keep, name):
		return &cause{reason: KeptByName, text: check.Textf("%s is to be kept", name)}
	case len(f.o.Only) > 0 && !inside && !matchesAny(f.o.Only, name):
		return &cause{reason: KeptNotChosen, text: check.Textf("%s was not chosen", name)}
	}
	return nil
}

// apart takes an include apart of which a part has to be kept: where its record does
// nothing but pass, to include it is to have its terms (RFC 7208, 5.2). It is worth it
// where that saves more than the include's own lookup. A record is taken apart once, and
// tried once where it is not worth it: trees may have it any number of times.
func (f *flattener) apart(p *flat, n *Node, d *Directive, l *link, m *matched, cost Cost, path []Step) bool {
	if l == nil || d.Qualifier != Pass || m.hard || len(path) >= maxApart || f.whole[l.node] || !l.node.passing() {
		return false
	}
	replaced, kept, items, answers, parts := len(f.plan.Replaced), len(f.plan.Kept), len(p.items), len(f.plan.Answers), len(f.parts)
	f.replaced(cost.Term, path, cost.Lookups, 0, f.expiry(txtOf(l.node), nil), Step{n.Name, cost.Term})
	if slices.Contains(f.parts, l.node) {
		return true // who comes here matched none of its terms where they stand
	}
	f.parts = append(f.parts, l.node)
	to := below(path, n, cost.Term)
	fresh := f.answer(txtOf(l.node), to)
	f.own(p, l.node, to, true)
	rest := 0
	for _, k := range f.plan.Kept[kept:] {
		rest += k.Lookups
	}
	if cost.Lookups-rest >= 2 {
		r := &f.plan.Replaced[replaced]
		r.Lookups, r.Ranges = 1, plainRanges(l.node)
		return true
	}
	for _, e := range f.plan.Answers[answers:] {
		delete(f.seen, e.Question)
	}
	if fresh {
		delete(f.seen, txtOf(l.node))
	}
	f.plan.Replaced, f.plan.Kept, p.items = f.plan.Replaced[:replaced], f.plan.Kept[:kept], p.items[:items]
	f.plan.Answers, f.parts = f.plan.Answers[:answers], f.parts[:parts]
	f.whole[l.node] = true
	return false
}

// maxApart is how deep includes are taken apart.
const maxApart = 8

func plainRanges(n *Node) (count int) {
	for _, d := range n.Record.live() {
		if d.Mechanism == IP4 || d.Mechanism == IP6 {
			count++
		}
	}
	return count
}

// passing reports whether a record's terms may stand in another record instead of an
// include of it: they mean the same there, nothing but pass comes of them, and whoever
// matches none gets no pass.
func (n *Node) passing() bool {
	if !n.movable() {
		return false
	}
	for _, d := range n.Record.live() {
		switch {
		case d.Mechanism == All:
			return d.Qualifier != Pass
		case d.Qualifier != Pass:
			return false
		}
	}
	return n.Record.Redirect.IsZero()
}

// movable reports whether a record's terms mean the same in the record of another
// domain. %{d} is the domain itself, and %{p} of the client's names best one of the
// domain's (RFC 7208, 7.2 and 7.3); s, l, o, i, h and v are the same everywhere. A term
// without a name means the domain (4.8), and can be given the name if that is one that
// a record can hold.
func (n *Node) movable() bool {
	named, problem := parseDomain(n.Name)
	for _, d := range n.Record.live() {
		switch {
		case d.Domain.dependsOnDomain():
			return false
		case d.Domain.IsZero() && (d.Mechanism == A || d.Mechanism == MX || d.Mechanism == PTR) && (problem != nil || named.Parts != nil):
			return false
		}
	}
	return !n.Record.Redirect.dependsOnDomain()
}

// dependsOnDomain reports whether the text means something else in the record of
// another domain.
func (m MacroString) dependsOnDomain() bool { return m.has('d') || m.has('p') }

// ownRedirect puts the record in the place that a redirect leads to (RFC 7208, 6.1), or
// keeps the redirect.
func (f *flattener) ownRedirect(p *flat, n *Node, l *link, cost Cost, path []Step) {
	m := f.link(l)
	why := m.kept
	switch chosen := f.choiceOfRedirect(cost.Term, l, len(path) > 0); {
	case chosen != nil:
		why = chosen
	case l.node == nil || m.hard || len(path) >= maxApart:
	case !l.node.Valid():
	case !n.Record.Exp.IsZero() || !l.node.Record.Exp.IsZero():
		why = &cause{reason: KeptExplanation, text: check.Textf("a record on this way has an explanation of its own")}
	case !l.node.movable():
		why = &cause{reason: KeptMessage, text: check.Textf("its terms mean something else in the record of another domain")}
	default:
		to := below(path, n, cost.Term)
		f.answer(txtOf(l.node), to)
		f.replaced(cost.Term, path, 1, plainRanges(l.node), f.expiry(txtOf(l.node), nil), Step{n.Name, cost.Term})
		f.own(p, l.node, to, false)
		return
	}
	if why == nil {
		why = &cause{reason: KeptLimit, text: check.Textf("the redirects are nested too deeply")}
	}
	p.redirect = n.Record.Redirect
	f.plan.Kept = append(f.plan.Kept, Kept{Term: cost.Term, Path: path, Reason: why.reason, Text: why.text, Lookups: cost.Lookups, target: l})
}

func (f *flattener) choiceOfRedirect(term string, l *link, inside bool) *cause {
	if f.again != nil {
		if f.again[term] {
			return &cause{reason: KeptByName}
		}
		return nil
	}
	return f.chosen(l.Target, inside)
}

func txtOf(n *Node) dnsx.Question { return dnsx.Q(n.Name, dnsx.TypeTXT) }
