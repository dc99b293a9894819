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
	for i := range n.terms {
		t := &n.terms[i]
		d := t.directive
		switch {
		case d == nil:
			f.ownRedirect(p, n, t, path)
		case d.Mechanism == All:
			if !inside {
				p.all = d.Qualifier
			}
		case d.Prefix.IsValid():
			p.items = append(p.items, item{qualifier: d.Qualifier, set: addrSet{extentOf(d.Prefix)}})
		default:
			f.ownTerm(p, n, t, path)
		}
	}
}

// ownTerm replaces a term by its addresses, or keeps it.
func (f *flattener) ownTerm(p *flat, n *Node, t *nodeTerm, path []Step) {
	d, m := t.directive, f.match(n, t)
	why := m.kept
	if chosen := f.choice(n, t, len(path) > 0); chosen != nil {
		why = chosen
	} else if why == nil && m.set.wholeFamily() {
		why = &cause{reason: KeptEverybody, text: check.Textf("it matches every address")}
	} else if why != nil && f.apart(p, n, t, m, path) {
		return
	}
	if why == nil && !f.spend(len(m.set)) {
		why = &cause{reason: KeptLimit, text: check.Textf("it has too many addresses")}
	}
	if why == nil {
		p.items = append(p.items, item{qualifier: d.Qualifier, set: m.set})
		f.rests(n, t, below(path, n, t.text))
		prefixes, _ := m.set.prefixes(maxSources)
		f.spend(len(prefixes))
		f.replaced(t.text, path, t.cost.Lookups, len(prefixes), m.first, Step{n.Name, t.text})
		return
	}
	kept := *d
	if kept.Domain.IsZero() && len(path) > 0 {
		kept.Domain = MacroString{Raw: n.Name}
	}
	p.items = append(p.items, item{qualifier: d.Qualifier, kept: &kept, hard: m.hard})
	f.plan.Kept = append(f.plan.Kept, Kept{
		Term: kept.String(), Path: path, Reason: why.reason, Text: why.text, Lookups: t.cost.Lookups, target: t.link,
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
func (f *flattener) choice(n *Node, t *nodeTerm, inside bool) *cause {
	if f.again != nil {
		if f.again[t.text] {
			return &cause{reason: KeptByName}
		}
		return nil
	}
	name := ""
	if t.link != nil {
		name = t.link.Target
	} else if target, err := target(t.directive.Domain, n.Name); err == nil {
		name = target
	}
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
func (f *flattener) apart(p *flat, n *Node, t *nodeTerm, m *matched, path []Step) bool {
	l := t.link
	if l == nil || l.Qualifier != Pass || m.hard || len(path) >= maxApart || f.whole[l.node] || !l.node.passing() {
		return false
	}
	replaced, kept, items, answers, parts := len(f.plan.Replaced), len(f.plan.Kept), len(p.items), len(f.plan.Answers), len(f.parts)
	f.replaced(t.text, path, t.cost.Lookups, 0, f.expiry(txtOf(l.node), nil), Step{n.Name, t.text})
	if slices.Contains(f.parts, l.node) {
		return true // who comes here matched none of its terms where they stand
	}
	f.parts = append(f.parts, l.node)
	to := below(path, n, t.text)
	fresh := f.answer(txtOf(l.node), to)
	f.own(p, l.node, to, true)
	rest := 0
	for _, k := range f.plan.Kept[kept:] {
		rest += k.Lookups
	}
	if t.cost.Lookups-rest >= 2 {
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
func (f *flattener) ownRedirect(p *flat, n *Node, t *nodeTerm, path []Step) {
	l, m := t.link, f.link(t.link)
	why := m.kept
	switch chosen := f.choice(n, t, len(path) > 0); {
	case chosen != nil:
		why = chosen
	case l.node == nil || m.hard || len(path) >= maxApart:
	case !l.node.Valid():
	case !n.Record.Exp.IsZero() || !l.node.Record.Exp.IsZero():
		why = &cause{reason: KeptExplanation, text: check.Textf("a record on this way has an explanation of its own")}
	case !l.node.movable():
		why = &cause{reason: KeptMessage, text: check.Textf("its terms mean something else in the record of another domain")}
	default:
		to := below(path, n, t.text)
		f.answer(txtOf(l.node), to)
		f.replaced(t.text, path, 1, plainRanges(l.node), f.expiry(txtOf(l.node), nil), Step{n.Name, t.text})
		f.own(p, l.node, to, false)
		return
	}
	if why == nil {
		why = &cause{reason: KeptLimit, text: check.Textf("the redirects are nested too deeply")}
	}
	p.redirect = n.Record.Redirect
	f.plan.Kept = append(f.plan.Kept, Kept{Term: t.text, Path: path, Reason: why.reason, Text: why.text, Lookups: t.cost.Lookups, target: l})
}

func txtOf(n *Node) dnsx.Question { return dnsx.Q(n.Name, dnsx.TypeTXT) }
