package spf

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

// MaxNames bounds the names, beside the domain's own, that the terms of its record and of
// those behind it lead to. Of names beyond it Discover asks only about what receivers come
// to before the eleventh lookup (RFC 7208, 4.6.4), and counts the others in Facts.Beyond;
// Analyze has a Gap for them. A record within the limits of the RFC stays far below it.
const MaxNames = 100

// The other bounds of what is looked at for one domain.
const (
	maxHosts = 100       // hosts of mx terms
	mxHosts  = 10        // hosts of one mx (RFC 7208, 4.6.4)
	maxText  = 256 << 10 // octets of SPF records, all together
	maxAbove = 40        // names above those that do not exist, or depend on the message
	maxDepth = 6         // labels of such a name: no public suffix has more than 5
)

// Discover asks for the records and addresses. Macros other than %{d} depend on the
// message: names that hold one are not asked for, only whether what stands behind the
// last of them exists. The error is a *dnsx.NameError for the domain or one of o.Also, or
// the caller's own ctx.Err() beside the facts so far.
func Discover(ctx context.Context, r dnsx.Resolver, domain string, o Options) (*Facts, error) {
	name, err := dnsx.ParseName(domain)
	if err != nil {
		return nil, err
	}
	also := make([]string, len(o.Also))
	for i := range also {
		if also[i], err = dnsx.ParseName(o.Also[i]); err != nil {
			return nil, err
		}
	}
	inner, cancel := dnsx.WithBudget(ctx, o.Budget)
	defer cancel()

	d := newDiscovery(&Facts{Domain: name}, map[dnsx.Question]bool{})
	d.names[name] = true
	for _, q := range Questions(name, o) {
		d.question(q)
	}
	d.facts.Beyond = d.run(inner, r)
	// What else is asked for comes after, within bounds of its own: the domain's tree is
	// the same with it and without.
	more := newDiscovery(d.facts, d.asked)
	more.barred = d.beyond
	for _, name := range also {
		more.want(name, dnsx.TypeTXT)
	}
	d.facts.AlsoBeyond = more.run(inner, r)
	slices.SortFunc(d.facts.Replies, func(a, b dnsx.Reply) int {
		return cmp.Or(strings.Compare(a.Question.Name, b.Question.Name), cmp.Compare(a.Question.Type, b.Question.Type))
	})
	return d.facts, ctx.Err()
}

func newDiscovery(f *Facts, asked map[dnsx.Question]bool) *discovery {
	return &discovery{
		facts: f, asked: asked,
		names: map[string]bool{}, hosts: map[string]bool{}, beyond: map[string]bool{}, under: map[string]bool{},
		records: map[string]*Record{}, mx: map[string][]string{},
	}
}

// run asks until nothing is left, and returns how many names the bounds left out.
func (d *discovery) run(ctx context.Context, r dnsx.Resolver) (beyond int) {
	for len(d.next) > 0 {
		level := d.next
		d.next = nil
		replies := dnsx.Ask(ctx, r, level...)
		d.facts.Replies = append(d.facts.Replies, replies...)
		for _, reply := range replies {
			d.follow(reply)
		}
		d.explanation()
		if len(d.beyond) > 0 {
			left := MaxLookups + 1
			d.reached(d.facts.Domain, &left)
		}
	}
	return len(d.beyond) + d.unread
}

// discovery asks level by level: all that the answers of one level lead to is the next.
type discovery struct {
	facts  *Facts
	next   []dnsx.Question
	asked  map[dnsx.Question]bool
	names  map[string]bool // that terms lead to
	hosts  map[string]bool // of mx terms
	beyond map[string]bool // that the bounds leave out
	barred map[string]bool // that the bounds of the domain's own tree leave out
	text   int             // octets of SPF records read
	unread int             // names whose record is beyond maxText
	under  map[string]bool // ends of names that depend on the message
	above  int             // names above those that do not exist, and of under

	records map[string]*Record
	mx      map[string][]string // hosts of a name
}

// want asks about a name that a term leads to. The domain is one of names.
func (d *discovery) want(name string, types ...dnsx.Type) { d.ask(d.names, MaxNames+1, name, types) }

func (d *discovery) ask(set map[string]bool, most int, name string, types []dnsx.Type) {
	if !set[name] && len(set) >= most || d.barred[name] {
		d.beyond[name] = true
		return
	}
	set[name] = true
	for _, t := range types {
		d.question(dnsx.Q(name, t))
	}
}

// reached asks, whatever the bounds, about what a receiver comes to before it stops at
// the eleventh lookup (RFC 7208, 4.6.4): the bounds cut by levels, receivers go in the
// order of evaluation. What a record costs that is not known yet counts as nothing, so
// that a level of answers has at most as many names too many as there are lookups.
func (d *discovery) reached(domain string, left *int) {
	r := d.records[domain]
	if r == nil {
		return
	}
	for _, t := range r.live() {
		if t.Mechanism == All || t.Mechanism == IP4 || t.Mechanism == IP6 {
			continue
		}
		if *left--; *left < 0 {
			return
		}
		name, err := target(t.Domain, domain)
		if err != nil {
			continue
		}
		switch t.Mechanism {
		case Include:
			d.admit(d.names, name, dnsx.TypeTXT)
			d.reached(name, left)
		case A:
			d.admit(d.names, name, dnsx.TypeA, dnsx.TypeAAAA)
		case MX:
			d.admit(d.names, name, dnsx.TypeMX)
			for _, host := range d.mx[name] {
				d.admit(d.hosts, host, dnsx.TypeA, dnsx.TypeAAAA)
			}
		case Exists:
			d.admit(d.names, name, dnsx.TypeA)
		}
	}
	if r.All() >= 0 || r.Redirect.IsZero() {
		return
	}
	if name, err := target(r.Redirect, domain); err == nil && *left > 0 {
		*left--
		d.admit(d.names, name, dnsx.TypeTXT)
		d.reached(name, left)
	}
}

// admit is ask without a bound.
func (d *discovery) admit(set map[string]bool, name string, types ...dnsx.Type) {
	delete(d.beyond, name)
	d.ask(set, len(set)+1, name, types)
}

// question puts a question on the next level, unless it was asked.
func (d *discovery) question(q dnsx.Question) {
	if !d.asked[q] {
		d.asked[q] = true
		d.next = append(d.next, q)
	}
}

// follow reads an answer for names that it leads to.
func (d *discovery) follow(reply dnsx.Reply) {
	name := reply.Question.Name
	under := d.under[name] && reply.Question.Type == dnsx.TypeNS
	if !d.names[name] && !d.hosts[name] && !under { // an explanation, or above what does not exist
		return
	}
	d.parents(reply)
	switch reply.Question.Type {
	case dnsx.TypeTXT:
		for _, txt := range texts(reply) {
			if m, ok := nearMiss(txt); ok { // none to a receiver, but somebody will want to know
				txt = m.fixed
			}
			if !IsRecord(txt) {
				continue
			}
			if d.text += len(txt); d.text > maxText {
				d.unread++
				break
			}
			d.record(parse(txt), name)
		}
	case dnsx.TypeMX:
		d.mx[name] = exchanges(reply)
		for _, host := range d.mx[name] {
			d.ask(d.hosts, maxHosts, host, []dnsx.Type{dnsx.TypeA, dnsx.TypeAAAA})
		}
	}
}

// record follows the terms of a record that are evaluated, and those that would be
// if they had a colon for their equals sign. What leads to other records comes
// first, for the bounds.
func (d *discovery) record(r *Record, domain string) {
	d.records[domain] = r
	directives := slices.Clone(r.live())
	for _, m := range r.Modifiers {
		if t, ok := asMechanism(m); ok {
			directives = append(directives, t)
		}
	}
	for i := range directives {
		if directives[i].Mechanism == Include {
			d.term(directives[i].Domain, domain, dnsx.TypeTXT)
		}
	}
	if r.All() < 0 && !r.Redirect.IsZero() {
		d.term(r.Redirect, domain, dnsx.TypeTXT)
	}
	d.ends(r, domain)
	for i := range directives {
		switch directives[i].Mechanism {
		case A:
			d.term(directives[i].Domain, domain, dnsx.TypeA, dnsx.TypeAAAA)
		case MX:
			d.term(directives[i].Domain, domain, dnsx.TypeMX)
		case Exists:
			d.term(directives[i].Domain, domain, dnsx.TypeA)
		}
	}
}

// explanation asks for the text that exp leads to, as soon as it is known which exp
// holds: that of the record at the end of the redirects (RFC 7208, 6.2).
func (d *discovery) explanation() {
	name := d.facts.Domain
	for range MaxNames + 1 {
		r := d.records[name]
		if r == nil {
			return
		}
		if r.All() >= 0 || r.Redirect.IsZero() {
			if text, err := target(r.Exp, name); err == nil && !r.Exp.IsZero() {
				d.question(dnsx.Q(text, dnsx.TypeTXT))
			}
			return
		}
		next, err := target(r.Redirect, name)
		if err != nil {
			return
		}
		name = next
	}
}

// parents asks whether the names above one exist that does not: whether somebody has
// the domain that it belongs to. That the domain itself exists, and what the zone that
// denies the name proves, is known without.
func (d *discovery) parents(reply dnsx.Reply) {
	if reply.Answer == nil || reply.Answer.RCode != dnsx.NXDomain {
		return
	}
	for name := dnsx.Parent(reply.Answer.Owner()); dnsx.Labels(name) >= 2; name = dnsx.Parent(name) {
		if dnsx.Below(d.facts.Domain, name) || denier(reply, name) {
			return
		}
		if q := dnsx.Q(name, dnsx.TypeNS); dnsx.Labels(name) <= maxDepth && !d.asked[q] && d.above < maxAbove {
			d.above++
			d.question(q)
		}
	}
}

// ends asks whether the names exist that the terms of a record stand under although they
// depend on the message: whoever gets such a domain decides what they find.
func (d *discovery) ends(r *Record, domain string) {
	live := r.live()
	for i := range live {
		d.end(live[i].under(domain))
	}
	if r.All() < 0 {
		d.end(r.Redirect.under(domain))
	}
}

func (d *discovery) end(name string, ok bool) {
	if !ok || d.names[name] || related(name, d.facts.Domain) { // other answers say as much
		return
	}
	d.under[name] = true
	if q := dnsx.Q(name, dnsx.TypeNS); !d.asked[q] && d.above < maxAbove {
		d.above++
		d.question(q)
	}
}

// denier reports whether a zone that starts at name or below denies the end of a
// reply's aliases (RFC 2308, 3): then name exists.
func denier(reply dnsx.Reply, name string) bool {
	return slices.ContainsFunc(reply.Answer.Authority, func(rr dnsx.RR) bool {
		return rr.Type == dnsx.TypeSOA && dnsx.Below(rr.Name, name) && dnsx.Below(reply.Answer.Owner(), rr.Name)
	})
}

func (d *discovery) term(spec MacroString, domain string, types ...dnsx.Type) {
	if name, err := target(spec, domain); err == nil {
		d.want(name, types...)
	}
}

// errMessage means that the name depends on the message.
var errMessage = check.Errorf("its macros depend on the message")

// target is the name that a term of domain's record leads to (RFC 7208, 4.8). The
// error is errMessage, or a *dnsx.NameError where the name is none.
func target(spec MacroString, domain string) (string, error) {
	switch {
	case spec.IsZero():
		return domain, nil
	case !spec.static():
		return "", errMessage
	}
	return spec.name(onlyDomain(domain))
}

// asMechanism reads a modifier as the mechanism that it has the name of: to a
// receiver include=x is a modifier that nobody knows.
func asMechanism(m Modifier) (Directive, bool) {
	name := m.Name
	switch strings.ToLower(name) {
	case "ipv4":
		name = "ip4"
	case "ipv6":
		name = "ip6"
	}
	if mechanismOf(name) == 0 {
		return Directive{}, false
	}
	t, fault := parseTerm(name + ":" + m.Value.Raw)
	return t.directive, fault == nil
}

// texts returns the texts of the TXT records in a reply.
func texts(reply dnsx.Reply) []string {
	var all []string
	for _, rr := range answers(reply) {
		all = append(all, rr.Text())
	}
	return all
}

// answers returns the records of a reply that answer its question.
func answers(reply dnsx.Reply) []dnsx.RR {
	a := reply.Answer
	if a == nil {
		return nil
	}
	owner := a.Owner()
	wrong := func(rr dnsx.RR) bool { return rr.Type != reply.Question.Type || rr.Name != owner }
	if slices.ContainsFunc(a.Records, wrong) {
		return slices.DeleteFunc(slices.Clone(a.Records), wrong)
	}
	return a.Records
}

// exchanges returns the hosts of an MX answer, the preferred first, as many as one
// mx may lead to.
func exchanges(reply dnsx.Reply) []string {
	type mx struct {
		preference uint16
		host       string
	}
	var all []mx
	for _, rr := range answers(reply) {
		if preference, host, ok := rr.MX(); ok && host != "." {
			all = append(all, mx{preference, host})
		}
	}
	slices.SortFunc(all, func(a, b mx) int {
		return cmp.Or(cmp.Compare(a.preference, b.preference), strings.Compare(a.host, b.host))
	})
	var hosts []string
	for _, x := range all[:min(len(all), mxHosts)] {
		hosts = append(hosts, x.host)
	}
	return hosts
}
