package spf

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

// group is what stands together in the flattened record: one kept term, or the ranges of
// terms that have the same qualifier.
type group struct {
	item
	terms []string // the ranges
	away  bool     // they stand in helper records
	names []string // of these
}

// groups puts terms together as far as no client gets another result: ranges move up
// over ranges of another qualifier that have no address in common with them, and over
// kept terms of the same qualifier that cannot end in an error.
func (p *flat) groups() []group {
	var all []group
	var batch []extent
	for i, it := range p.items {
		if it.kept != nil {
			all = append(all, group{item: it})
			continue
		}
		batch = append(batch, it.set...)
		if i+1 < len(p.items) && p.items[i+1].kept == nil && p.items[i+1].qualifier == it.qualifier {
			continue
		}
		it.set = setOf(batch)
		batch = nil
		if at := above(all, &it); at >= 0 {
			all[at].set = all[at].set.or(it.set)
		} else if len(it.set) > 0 {
			all = append(all, group{item: it})
		}
	}
	return all
}

// above returns the group that ranges may join, -1 where there is none.
func above(all []group, it *item) int {
	for i, g := range slices.Backward(all) {
		switch {
		case g.kept == nil && g.qualifier == it.qualifier:
			return i
		case g.kept == nil && g.set.meets(it.set):
			return -1
		case g.kept != nil && (g.hard || g.qualifier != it.qualifier):
			return -1
		}
	}
	return -1
}

// write spells the ranges of all groups; false where there are too many.
func write(groups []group) bool {
	most := maxSources
	for i := range groups {
		g := &groups[i]
		prefixes, ok := g.set.prefixes(most)
		if !ok {
			return false
		}
		most -= len(prefixes)
		for _, p := range prefixes {
			g.terms = append(g.terms, rangeTerm(g.qualifier, p))
		}
	}
	return true
}

func rangeTerm(q Result, p netip.Prefix) string {
	d := Directive{Qualifier: q, Mechanism: IP6, Prefix: p}
	if p.Addr().Is4() {
		d.Mechanism = IP4
	}
	return d.String()
}

// packing distributes the ranges over records.
type packing struct {
	*flat
	groups  []group
	domain  string
	prefix  string
	size    int               // octets of one TXT RRset
	beside  int               // octets of other TXT records at the domain
	taken   func(string) bool // names that are not free for helper records
	helpers []FlatRecord
}

const helperEnd = " -all"

// pack moves ranges to helper records until the domain's record has its size: the longest
// group first, so that the record itself changes seldom. It is false where no helper
// record can be made.
func (p *packing) pack() bool {
	for len(p.text()) > p.room() {
		longest, most := -1, 2*len(Include.String()+":"+p.prefix+"1."+p.domain)
		for i := range p.groups {
			g := &p.groups[i]
			if n := len(strings.Join(g.terms, " ")); !g.away && n > most {
				longest, most = i, n
			}
		}
		if longest < 0 {
			break
		}
		p.groups[longest].away = true
		if !p.spread() {
			return false
		}
	}
	for p.takeIn(0) { // what is no longer than the include that would lead to it
	}
	return true
}

// room is for the text of the domain's record.
func (p *packing) room() int { return p.size - len(p.domain) - p.beside }

// spread makes the helper records of the groups that are to have some.
func (p *packing) spread() bool {
	next := 1
	p.helpers = nil
	for i := range p.groups {
		g := &p.groups[i]
		if !g.away {
			continue
		}
		g.names = nil
		for terms := g.terms; len(terms) > 0; next++ {
			name := fmt.Sprintf("%s%d.%s", p.prefix, next, p.domain)
			if p.taken(name) {
				continue
			}
			if parsed, err := dnsx.ParseName(name); err != nil || parsed != name || len(p.helpers) > maxHelpers {
				return false
			}
			text := version
			for len(terms) > 0 && len(name)+len(text)+1+len(unsigned(terms[0]))+len(helperEnd) <= p.size {
				text += " " + unsigned(terms[0])
				terms = terms[1:]
			}
			if text == version {
				return false
			}
			text += helperEnd
			g.names = append(g.names, name)
			p.helpers = append(p.helpers, FlatRecord{Name: name, Text: text, Octets: len(name) + len(text)})
		}
	}
	return true
}

// maxHelpers bounds the helper records, far above what the limit on lookups lets be
// published: the number is for saying by how much it is too many.
const maxHelpers = 1000

func unsigned(term string) string {
	_, rest := cutQualifier(term)
	return rest
}

// text is the domain's record.
func (p *packing) text() string {
	var b strings.Builder
	b.WriteString(version)
	put := func(term string) { b.WriteString(" " + term) }
	for i := range p.groups {
		g := &p.groups[i]
		switch {
		case g.kept != nil:
			put(g.kept.String())
		case !g.away:
			for _, t := range g.terms {
				put(t)
			}
		}
		for _, name := range g.names {
			put((&Directive{Qualifier: g.qualifier, Mechanism: Include, Domain: MacroString{Raw: name}}).String())
		}
	}
	if p.all != "" {
		put((&Directive{Qualifier: p.all, Mechanism: All}).String())
	}
	tail := Record{Redirect: p.redirect, Exp: p.exp, Modifiers: p.others}
	return b.String() + strings.TrimPrefix(tail.String(), version)
}

// takeIn moves the last helper record of a group into the domain's record where that has
// room for so many octets more. It costs a lookup less, and the record changes oftener.
func (p *packing) takeIn(room int) bool {
	for i := range p.groups {
		g := &p.groups[i]
		if !g.away {
			continue
		}
		last := g.names[len(g.names)-1]
		at := slices.IndexFunc(p.helpers, func(r FlatRecord) bool { return r.Name == last })
		text := p.helpers[at].Text
		body := strings.TrimSuffix(strings.TrimPrefix(text, version), helperEnd)
		count := strings.Count(body, " ")
		own := len(g.terms) - count
		if len(strings.Join(g.terms[own:], " ")) > room+len(" "+Include.String()+":"+last) {
			continue
		}
		// The group becomes two, of which the first stands in the record itself.
		inline := group{item: g.item, terms: g.terms[own:]}
		g.terms, g.names = g.terms[:own], g.names[:len(g.names)-1]
		p.helpers = slices.Delete(p.helpers, at, at+1)
		if len(g.names) == 0 {
			*g = inline
		} else {
			p.groups = slices.Insert(p.groups, i, inline)
		}
		return true
	}
	return false
}

// judge holds the packed record against the one that was flattened: every client must
// get the same result, within the limits.
func (f *flattener) judge(before *Analysis, old *flat, p *packing) (after *Analysis, problems []check.Text) {
	text := p.text()
	g := withRecord(before.facts, before.Owner, text)
	for _, h := range p.helpers {
		q := dnsx.Q(h.Name, dnsx.TypeTXT)
		g.Replies = slices.DeleteFunc(g.Replies, func(r dnsx.Reply) bool { return r.Question == q })
		g.Replies = append(g.Replies, dnsx.Reply{Question: q, Answer: &dnsx.Answer{
			Question: q, RCode: dnsx.NoError, Records: []dnsx.RR{dnsx.NewTXT(h.Name, 0, h.Text)},
		}})
	}
	after = analyze(g)
	if n := after.Lookups - MaxLookups; n > 0 {
		problems = append(problems, check.Textf(
			"%d helper records of %d octets and %d lookups of the terms that are kept make %d lookups, %d over the limit",
			len(p.helpers), p.size, after.Lookups-len(p.helpers), after.Lookups, n))
		return after, problems
	}
	for _, e := range after.PermErrors {
		problems = append(problems, check.Textf("%s: receivers answer with permerror, and flattening does not change that", e.Text))
	}
	if after.Record == nil || !after.root.Valid() || !f.same(after, old) {
		problems = append(problems, check.Textf("the flattened record would not mean the same; the record cannot be flattened"))
	}
	return after, problems
}

// same reads the flattened record again and compares what it says of all clients.
func (f *flattener) same(after *Analysis, old *flat) bool {
	re := newFlattener(after, f.o)
	re.again = map[string]bool{}
	for _, k := range f.plan.Kept {
		re.again[k.Term] = true
	}
	fresh := re.flattened(after.root)
	if fresh.all != old.all || fresh.redirect.Raw != old.redirect.Raw || fresh.exp.Raw != old.exp.Raw || len(fresh.others) != len(old.others) {
		return false
	}
	a, lastA := old.decisions()
	b, lastB := fresh.decisions()
	return lastA.equal(&lastB, "") && slices.EqualFunc(a, b, func(a, b decision) bool {
		return a.term == b.term && (!a.hard || a.equal(&b, "")) && a.equal(&b, b.qualifier)
	})
}

// decision is who has a result when a kept term is reached.
type decision struct {
	item
	term                      string
	pass, fail, soft, neutral addrSet
}

func (d *decision) of(q Result) *addrSet {
	switch q {
	case Pass:
		return &d.pass
	case Fail:
		return &d.fail
	case SoftFail:
		return &d.soft
	}
	return &d.neutral
}

// equal compares all results but one.
func (d *decision) equal(o *decision, but Result) bool {
	for _, q := range []Result{Pass, Fail, SoftFail, Neutral} {
		if q != but && !slices.Equal(*d.of(q), *o.of(q)) {
			return false
		}
	}
	return true
}

// decisions goes through the record for all clients at once: who has a result before
// each kept term, and in the end. A kept term leaves everybody where he is.
func (p *flat) decisions() (kept []decision, end decision) {
	for _, g := range p.runs() {
		if g.kept != nil {
			d := end
			d.item, d.term = g, g.kept.String()
			kept = append(kept, d)
			continue
		}
		set := g.set
		for _, q := range []Result{Pass, Fail, SoftFail, Neutral} {
			if q != g.qualifier {
				set = set.minus(*end.of(q))
			}
		}
		*end.of(g.qualifier) = end.of(g.qualifier).or(set)
	}
	return kept, end
}

// runs joins neighbours of one qualifier, and moves nothing.
func (p *flat) runs() (all []item) {
	var batch []extent
	for i, it := range p.items {
		if it.kept == nil {
			batch = append(batch, it.set...)
			if i+1 < len(p.items) && p.items[i+1].kept == nil && p.items[i+1].qualifier == it.qualifier {
				continue
			}
			it.set, batch = setOf(batch), nil
		}
		all = append(all, it)
	}
	return all
}
