package spf

import (
	"errors"
	"slices"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

// state of a node in the walk.
type state uint8

const (
	fresh  state = iota
	onPath       // a term on the way leads back to it: a loop
	done
)

// link is a Link with what stands at its end.
type link struct {
	Link
	node *Node // nil where the target is not known, or beyond the bounds
	loop bool

	malformed bool // the target is no domain name
}

// walk evaluates the tree at worst, depth first, each record once: what it costs
// and what is wrong with it are kept in its node.
type walk struct {
	a       *Analysis
	replies map[dnsx.Question]*reply
	path    []*Node
	text    int   // octets of records read
	ends    []int // room for terms
	room    struct {
		terms  []nodeTerm
		costs  []Cost
		links  []link
		places []place
	}
	full   bool // there is no room for more ranges
	beyond bool // Discover left names out: those that were not asked for
}

// reply is a Reply, and what it says, read once.
type reply struct {
	dnsx.Reply
	records []dnsx.RR
	hosts   []string // of MX
}

func newWalk(a *Analysis, f *Facts) *walk {
	w := &walk{a: a, replies: make(map[dnsx.Question]*reply, len(f.Replies)), beyond: f.Beyond > 0}
	all := make([]reply, 0, len(f.Replies)) // never grows
	for _, r := range f.Replies {
		q := dnsx.Q(r.Question.Name, r.Question.Type)
		if w.replies[q] != nil || r.Answer != nil && (r.Answer.Question.Name != q.Name || r.Answer.Question.Type != q.Type) {
			continue
		}
		all = append(all, reply{Reply: r, records: answers(r)})
		one := &all[len(all)-1]
		if q.Type == dnsx.TypeMX {
			one.hosts = exchanges(r)
		}
		w.replies[q] = one
	}
	return w
}

// reply returns what came of a question, which may be that nobody asked.
func (w *walk) reply(q dnsx.Question) *reply {
	if r := w.replies[q]; r != nil {
		return r
	}
	r := &reply{Reply: dnsx.Reply{Question: q}}
	w.replies[q] = r
	return r
}

// visit returns the node of a name, evaluated unless it is on the way to itself.
func (w *walk) visit(name string) *Node {
	n := w.a.Nodes[name]
	if n == nil {
		if beyond := w.beyond && w.replies[dnsx.Q(name, dnsx.TypeTXT)] == nil; len(w.a.Nodes) > MaxNames || beyond && len(w.a.Nodes) > 0 {
			return nil
		}
		n = w.read(name)
		w.a.Nodes[name] = n
		w.a.order = append(w.a.order, n)
	}
	if n.state == fresh {
		n.state = onPath
		w.path = append(w.path, n)
		w.evaluate(n)
		w.path = w.path[:len(w.path)-1]
		n.state = done
	}
	return n
}

// read selects the record of a name (RFC 7208, 4.4 and 4.5).
func (w *walk) read(name string) *Node {
	n := &Node{Name: name, Owner: name}
	r := w.reply(dnsx.Q(name, dnsx.TypeTXT))
	if err := r.Err(); err != nil {
		n.Unread = []check.Gap{check.GapOf("", err)}
		return n
	}
	n.Owner, n.noName = r.Answer.Owner(), !r.Answer.Exists()
	n.Size = sizeOf(n, r)
	if dnsx.Parent(name) == "." { // for which no receiver asks (RFC 7208, 4.3)
		n.others = len(r.records)
		return n
	}
	var one dnsx.RR
	for _, rr := range r.records {
		txt := rr.Text()
		if !IsRecord(txt) {
			n.others++
			if m, ok := nearMiss(txt); ok && len(n.misses) < maxFindings {
				n.misses = append(n.misses, m)
			}
			continue
		}
		if w.text += len(txt); w.text > maxText {
			err := check.Errorf("the SPF records have more than %d octets", maxText)
			n.Unread = []check.Gap{{Subject: r.Question.String(), Why: check.Limit, Cause: err}}
			n.Texts = nil
			return n
		}
		n.Texts = append(n.Texts, txt)
		one = rr
	}
	if len(n.Texts) == 1 {
		strs := one.TXT()
		n.Record, n.places = w.parse(n.Texts[0])
		n.glued, n.pasted = gluedTerms(n.Texts[0], strs), restarts(n.Texts[0])
		n.strs = len(strs)
	}
	return n
}

// parse reads a record and where its terms stand. The places of all records share room.
func (w *walk) parse(txt string) (*Record, places) {
	p := parser{placing: true}
	p.places.directives = take(&w.room.places, min(strings.Count(txt, " "), 64), 128)[:0]
	p.read(txt)
	rec := p.rec
	return &rec, p.places
}

// take cuts n off the room for many, which is made anew for at least so many more where
// it is too small: records are short, and to allocate for each would cost most.
func take[T any](room *[]T, n, more int) []T {
	if n > len(*room) {
		*room = make([]T, max(n, more))
	}
	taken := (*room)[:n:n]
	*room = (*room)[n:]
	return taken
}

// sizeOf is what the TXT records take. In a message the names are pointers to that of
// the question or of an alias (RFC 1035, 4.1.4).
func sizeOf(n *Node, r *reply) Size {
	const header, question, fixed, opt = 12, 4, 12, 11
	s := Size{TXT: len(n.Name), Reply: header + len(n.Name) + 2 + question + opt}
	for _, rr := range r.records {
		s.TXT += len(rr.Data)
		for i := 0; i < len(rr.Data); i += 1 + int(rr.Data[i]) {
			s.TXT-- // the length of a string
		}
		s.Reply += fixed + len(rr.Data)
	}
	for _, rr := range r.Answer.Chain {
		s.Reply += fixed + len(rr.Data)
	}
	return s
}

// evaluate goes through the terms of a node's record as a receiver does for a client
// that none of them matches.
func (w *walk) evaluate(n *Node) {
	if n.Unread != nil && n != w.path[0] {
		w.gap(n.Unread[0])
		n.Voids = unknownVoids
	}
	switch {
	case len(n.Texts) > 1:
		n.breaks(ProblemSeveral, check.Textf("there are %d SPF records at %s", len(n.Texts), n.Name))
	case n.Record == nil:
	case len(n.Record.Faults) > 0:
		fault := n.Record.Faults[0]
		n.breaks(ProblemSyntax, check.Textf("%q in the record of %s: %s", clip(fault.Term), n.Name, fault.Text()))
	}
	if n.Record != nil {
		w.terms(n)
		for i := range n.terms {
			w.term(n, &n.terms[i])
		}
	}
	n.Default = w.outcome(n)
}

func (n *Node) breaks(kind ProblemKind, why check.Text) {
	if n.broken == nil {
		n.broken = &PermErrorCause{Kind: kind, Name: n.Name, Text: why}
	}
}

// terms lists the terms of a node's record that can be reached.
func (w *walk) terms(n *Node) {
	live, to := n.Record.live(), n.Record.Redirect
	asking := 0
	var room [512]byte
	b := room[:0] // the texts of all, of which each is a piece
	w.ends = w.ends[:0]
	for i := range live {
		asking += count(live[i].asks())
		b = live[i].append(b)
		w.ends = append(w.ends, len(b))
	}
	text, start := string(b), 0
	redirect := count(n.Record.All() < 0 && !to.IsZero())
	n.terms = take(&w.room.terms, len(live)+redirect, 64)
	n.Costs = take(&w.room.costs, asking+redirect, 16)
	costs := n.Costs
	for i, end := range w.ends {
		t := &n.terms[i]
		t.text, t.at, t.directive = text[start:end], n.places.directives[i], &live[i]
		start = end
		if t.directive.asks() {
			t.cost, costs = &costs[0], costs[1:]
			t.cost.Term, t.cost.Directive = t.text, t.directive
		}
	}
	if redirect > 0 {
		t := &n.terms[len(live)]
		t.text, t.at, t.cost = nameRedirect+"="+to.Raw, n.places.redirect, &costs[0]
		t.cost.Term = t.text
	}
}

func (w *walk) term(n *Node, t *nodeTerm) {
	d := t.directive
	switch {
	case d == nil:
		to := n.Record.Redirect
		w.follow(n, t, Link{Spec: to.Raw, Redirect: true}, to)
	case d.Mechanism == All:
		if d.Qualifier == Pass {
			n.opens(t, check.Textf("it passes every address"))
		}
	case d.Mechanism == IP4 || d.Mechanism == IP6:
		if d.Qualifier == Pass && d.Prefix.Bits() == 0 {
			n.opens(t, passesEvery(d.Mechanism == IP6))
		}
	case d.Mechanism == Include:
		w.follow(n, t, Link{Spec: d.Domain.Raw, Qualifier: d.Qualifier}, d.Domain)
	default:
		w.addresses(n, t)
	}
}

// spec is the domain-spec of a term.
func (n *Node) spec(t *nodeTerm) MacroString {
	if t.directive == nil {
		return n.Record.Redirect
	}
	return t.directive.Domain
}

// placeOf is where the first term of a text stands; the same again brings nothing.
func (n *Node) placeOf(text string) place {
	i := slices.IndexFunc(n.terms, func(t nodeTerm) bool { return t.text == text })
	if i < 0 {
		return place{}
	}
	return n.terms[i].at
}

// redirect is the link of the record's redirect; nil where it is never reached.
func (n *Node) redirect() *link {
	if i := len(n.terms) - 1; i >= 0 && n.terms[i].directive == nil {
		return n.terms[i].link
	}
	return nil
}

// unknownVoids are those of a record that is not known: it may cost all lookups there are.
var unknownVoids = Voids{Open4: MaxLookups, Open6: MaxLookups}

// follow goes through the record that an include or redirect leads to.
func (w *walk) follow(n *Node, t *nodeTerm, to Link, spec MacroString) {
	l, c := &take(&w.room.links, 1, 16)[0], t.cost
	to.In = n.Name
	l.Link = to
	name, err := target(spec, n.Name)
	l.Target, c.Target = name, name
	w.a.Links = append(w.a.Links, l.Link)
	t.link = l
	if noName(err) { // RFC 7208, 4.3 with 5.2, and 6.1
		l.malformed = true
		n.breaks(ProblemName, check.Textf("%s in the record of %s leads to what is no domain name", clip(t.text), n.Name))
		n.spend(c, spec)
		return
	}
	if err != nil {
		w.gap(unknownTarget(n, t.text, err))
		c.Open, c.Voids = true, unknownVoids
		n.spend(c, spec)
		return
	}
	switch l.node = w.visit(name); {
	case l.node == nil:
		w.gap(check.Gap{
			Subject: dnsx.Q(name, dnsx.TypeTXT).String(), Why: check.Limit,
			Cause: check.Errorf("the record leads to more than %d names", MaxNames),
		})
		c.Open, c.Voids = true, unknownVoids
	case l.node.state == onPath:
		l.loop, c.Loop = true, true
		w.loop(l.node)
	default:
		c.Node, c.Lookups, c.Voids = l.node, l.node.Lookups, l.node.Voids
		c.Open = l.node.Unread != nil || slices.ContainsFunc(l.node.Costs, func(c Cost) bool { return c.Open })
		n.inherit(l)
	}
	n.spend(c, spec)
}

// inherit takes over what the record at a link's end brings (RFC 7208, 5.2 and 6.1).
func (n *Node) inherit(l *link) {
	switch {
	case l.node.absent():
		n.breaks(ProblemNoRecord, check.Textf("the record of %s leads to %s, which has no SPF record", n.Name, l.Target))
	case l.node.broken != nil && n.broken == nil:
		n.broken = l.node.broken
	}
	if n.open == nil && l.opens() {
		n.open = l.node.open
	}
}

// loop writes down the circle that ends at a node on the way.
func (w *walk) loop(first *Node) {
	var c circle
	for i := len(w.path) - 1; ; i-- {
		if w.path[i] == first {
			for _, n := range w.path[i:] {
				c = append(c, n.Name)
			}
			break
		}
	}
	if len(w.a.circles) < maxFindings {
		w.a.circles = append(w.a.circles, c)
	}
}

// outcome is what a client gets that no term before the all matches.
func (w *walk) outcome(n *Node) Result {
	switch {
	case n.Unread != nil:
		return ""
	case len(n.Texts) == 0:
		return None
	case !n.Valid():
		return PermError
	}
	if i := n.Record.All(); i >= 0 {
		return n.Record.Directives[i].Qualifier
	}
	if n.Record.Redirect.IsZero() {
		return Neutral
	}
	l := n.redirect()
	switch {
	case l.loop || l.malformed || l.node != nil && l.node.Default == None:
		return PermError
	case l.node == nil:
		return ""
	}
	return l.node.Default
}

var errReceiversDiffer = check.Errorf("it is no name, and receivers differ in what they do then")

func unknownTarget(n *Node, term string, err error) check.Gap {
	if noName(err) {
		err = errReceiversDiffer
	}
	return check.Gap{Subject: term + " in the record of " + n.Name, Why: check.Undecidable, Cause: err}
}

// noName reports that a target is no domain name, which is not that it is unknown.
func noName(err error) bool {
	var name *dnsx.NameError
	return errors.As(err, &name)
}

// maxGaps bounds what is kept of hostile facts.
const maxGaps = 100

func (w *walk) gap(g check.Gap) {
	if len(w.a.Gaps) < maxGaps {
		w.a.Gaps = append(w.a.Gaps, g)
	}
}

func (w *walk) addressGap(n *Node, t *nodeTerm, g check.Gap) {
	t.open = true
	if len(n.gaps) < maxGaps {
		n.gaps = append(n.gaps, termGap{g, t})
	}
	if len(w.a.AddressGaps) < maxGaps {
		w.a.AddressGaps = append(w.a.AddressGaps, g)
	}
}
