package dmarc

import (
	"slices"
	"sync"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

// Analysis is what follows from Facts. A policy or name that is empty is not
// known; the Gaps of its Generation say why.
type Analysis struct {
	Domain    string
	Nodes     []*Node    // the names of the walk, from the longest to the shortest
	New       Generation // receivers of RFC 9989
	Old       Generation // receivers of RFC 7489
	Effective Effective  // what holds for both
	Differ    []string   // fields in which New and Old are known to differ: "organizational-domain", "owner", "domain", "subdomain", "missing"

	exists    existence
	apexErr   error // why the answer at the domain itself is missing
	apexTexts []string
	applied   []*Node // the owners of New and Old, each once
	hosts     map[string]*host
	overURIs  []check.Gap // addresses for reports beyond the bound
	invalid   error       // the facts have no domain name
}

// Generation is what receivers of one generation make of the records.
type Generation struct {
	OrganizationalDomain string
	Owner                string   // the name whose record applies to the domain; empty too where none does
	Record               *Record  // Owner's
	Domain               Share    // for mail From the domain itself
	Subdomain            Share    // for mail From a name below it that exists and has no record of its own
	Missing              Share    // for mail From a name below it that does not exist
	Reports              []Report // what becomes of each rua and ruf of Record
	Gaps                 []check.Gap

	node       *Node
	ownerKnown bool
}

// Share is a policy and the percentage of failing mail that gets it; the rest
// gets one level less (RFC 7489, 6.6.4). In RFC 9989 the percentage is 100.
type Share struct {
	Policy  Policy
	Percent int
	Void    bool // the record has a duplicate tag: strict receivers apply no DMARC (Record.Void)
}

// Floor is the policy that all failing mail gets at least, in either reading of
// duplicate tags.
func (s Share) Floor() Policy {
	if s.Void {
		return Off
	}
	return s.lenient()
}

// lenient is the Floor at receivers that take the first of duplicate tags.
func (s Share) lenient() Policy {
	if s.Percent < 100 {
		return s.Policy.lower()
	}
	return s.Policy
}

// off is the share of names to which no record applies.
var off = Share{Policy: Off, Percent: 100}

// Effective is what receivers of both generations do at least with failing mail:
// the weaker Floor. A policy is empty where that is not known.
type Effective struct {
	Domain, Subdomain, Missing Policy
}

// existence of the domain: RFC 9989, 3.2.13 goes by NXDOMAIN alone.
type existence int

const (
	existsUnknown existence = iota
	existing
	nonexistent
)

// Analyze works out what follows from f. It takes any Facts: what is missing in
// them is a gap, and replies to other questions are passed over.
func Analyze(f *Facts) *Analysis {
	if f == nil {
		f = &Facts{}
	}
	a := &Analysis{Domain: f.Domain, hosts: map[string]*host{}}
	domain, err := dnsx.ParseName(f.Domain)
	if err != nil {
		a.invalid = err
		gap := []check.Gap{{Subject: "TXT _dmarc", Why: check.NotAsked, Cause: err}}
		a.New, a.Old = Generation{Gaps: gap}, Generation{Gaps: gap}
		return a
	}
	a.Domain = domain
	replies := index(f.Walk)
	for _, name := range walkNames(domain) {
		n := newNode(name, replies)
		n.repair = sync.OnceValues(func() (check.Change, bool) { return a.mendNode(n) })
		a.Nodes = append(a.Nodes, n)
	}
	a.readApex(f.Apex)
	a.judgeNew()
	a.judgeOld()
	for _, g := range []*Generation{&a.New, &a.Old} {
		if g.node != nil {
			g.Owner, g.Record = g.node.Name, g.node.Record()
			if !slices.Contains(a.applied, g.node) {
				a.applied = append(a.applied, g.node)
			}
		}
	}
	a.compare()
	a.judgeReports(f.Destinations)
	return a
}

func (a *Analysis) readApex(reply dnsx.Reply) {
	q := dnsx.Q(a.Domain, dnsx.TypeTXT)
	texts, _, err := answer(reply, q)
	a.apexTexts, a.apexErr = texts, err
	switch {
	case err == nil && !reply.Answer.Exists():
		a.exists = nonexistent
	case err == nil || len(a.Nodes) > 0 && a.Nodes[0].exists:
		a.exists = existing
	}
}

// treeNodes are the nodes that the walk of RFC 9989 from the domain visits; below
// says that it starts at a name under the domain.
func (a *Analysis) treeNodes(below bool) []*Node {
	var nodes []*Node
	for i, n := range a.Nodes {
		if dnsx.Labels(n.Name) <= walkLabels || i == 0 && !below {
			nodes = append(nodes, n)
		}
	}
	return nodes
}

// node is the one of that name, nil if the walk has none.
func (a *Analysis) node(name string) *Node {
	for _, n := range a.Nodes {
		if n.Name == name {
			return n
		}
	}
	return nil
}

// maybe stands for a record that could be there: its answer is missing.
var maybe = &Node{}

func (a *Analysis) judgeNew() {
	g := &a.New
	var org same[string]
	var owner same[*Node]
	var share same[Share]
	nodes := a.treeNodes(false)
	walk(nodes, nil, func(found []stop) {
		org.add(orgDomain(a.Domain, found))
		s, ok := policyStop(a.Domain, found)
		switch {
		case !ok:
			owner.add(nil)
		case s.node == nil:
			owner.add(maybe)
		default:
			owner.add(s.node)
		}
		if !ok || s.name == a.Domain || a.exists != nonexistent {
			share.add(newShare(s, ok, s.name != a.Domain, false))
		}
		if ok && s.name != a.Domain && a.exists != existing {
			share.add(newShare(s, ok, true, true))
		}
	})
	g.OrganizationalDomain, _ = org.known()
	g.node, g.ownerKnown = owner.known()
	if g.node == maybe {
		g.node, g.ownerKnown = nil, false
	}
	g.Domain, _ = share.known()
	g.Subdomain = a.newBelow(false)
	g.Missing = a.newBelow(true)

	unknown := g.OrganizationalDomain == "" || !g.ownerKnown || g.Subdomain.Policy == "" || g.Missing.Policy == ""
	for _, n := range nodes {
		if n.Err != nil && unknown {
			g.Gaps = append(g.Gaps, check.GapOf("", n.Err))
		}
		if r := n.Record(); r != nil && r.PSD != PSDUnknown {
			break // no walk goes further
		}
	}
	if g.Domain.Policy == "" && a.exists == existsUnknown {
		g.Gaps = append(g.Gaps, check.GapOf("", a.apexErr))
	}
}

// newBelow is the policy for names under the domain that have no record.
func (a *Analysis) newBelow(missing bool) Share {
	var share same[Share]
	start := dnsx.Join("*", a.Domain)
	walk(a.treeNodes(true), nil, func(found []stop) {
		s, ok := policyStop(start, found)
		share.add(newShare(s, ok, true, missing))
	})
	below, _ := share.known()
	return below
}

// newShare is what a record asks of receivers of RFC 9989, 4.10.1: for the name
// itself, or for one below it that exists or does not; then t=y takes one level
// off (4.7). It is not known for a record that only may be there.
func newShare(s stop, ok, below, missing bool) Share {
	if !ok {
		return off
	}
	if s.node == nil {
		return Share{}
	}
	r := s.node.Record()
	p := r.request(below, missing)
	if !r.usable(true) {
		p = r.fallback()
	}
	if r.Test {
		p = p.lower()
	}
	return Share{p, 100, r.Void()}
}

// request is the policy that a valid record has for a name (RFC 9989, 4.7, which
// falls back from np to sp to p).
func (r *Record) request(below, missing bool) Policy {
	switch {
	case below && missing:
		return r.NonexistentPolicy
	case below:
		return r.SubdomainPolicy
	}
	return r.Policy
}

// usable reports whether the policies count: p has to be there and valid, sp and
// np valid where they are there (RFC 9989, 4.10.1). To receivers of RFC 7489, np
// is an unknown tag (6.6.3).
func (r *Record) usable(isNew bool) bool {
	p, ok := r.Tag("p")
	return ok && p.Valid && !r.invalid("sp") && (!isNew || !r.invalid("np"))
}

// fallback is what a record comes to whose policies do not count.
func (r *Record) fallback() Policy {
	if r.reportable() {
		return None
	}
	return Off
}

func (a *Analysis) judgeOld() {
	g := &a.Old
	g.OrganizationalDomain = pslDomain(a.Domain)
	if len(a.Nodes) == 0 {
		g.ownerKnown, g.Domain, g.Subdomain, g.Missing = true, off, off, off
		return
	}
	own, org := a.Nodes[0], a.node(g.OrganizationalDomain)
	from, below := own, false
	if own.Err == nil && len(own.Records) == 0 && org != own {
		from, below = org, true
	}
	g.Domain = from.oldShare(below)
	if g.ownerKnown = from.Err == nil; !g.ownerKnown {
		g.Gaps = append(g.Gaps, check.GapOf("", from.Err))
	} else if from.Record() != nil {
		g.node = from
	}
	// Names below a public suffix are organizational domains of their own.
	g.Subdomain = off
	if !isSuffix(a.Domain) {
		g.Subdomain = org.oldShare(true)
		if org.Err != nil && org != from {
			g.Gaps = append(g.Gaps, check.GapOf("", org.Err))
		}
	}
	g.Missing = g.Subdomain
}

// oldShare is what the name's record asks of receivers of RFC 7489, 6.6.3 and
// 6.6.4. pct=0 is one level less for all mail.
func (n *Node) oldShare(below bool) Share {
	r := n.Record()
	switch {
	case n.Err != nil:
		return Share{}
	case r == nil:
		return off
	case !r.usable(false):
		return Share{r.fallback(), 100, r.Void()}
	}
	p := r.request(below, false)
	if r.Percent == 0 {
		p = p.lower()
	}
	if r.Percent == 0 || p == None {
		return Share{p, 100, r.Void()}
	}
	return Share{p, r.Percent, r.Void()}
}

// compare fills Effective and Differ.
func (a *Analysis) compare() {
	for _, c := range []struct {
		field    string
		new, old Share
		to       *Policy
	}{
		{"domain", a.New.Domain, a.Old.Domain, &a.Effective.Domain},
		{"subdomain", a.New.Subdomain, a.Old.Subdomain, &a.Effective.Subdomain},
		{"missing", a.New.Missing, a.Old.Missing, &a.Effective.Missing},
	} {
		*c.to = weaker(c.new.Floor(), c.old.Floor())
		if c.new != c.old && c.new.Policy != "" && c.old.Policy != "" {
			a.Differ = append(a.Differ, c.field)
		}
	}
	if a.New.ownerKnown && a.Old.ownerKnown && a.New.node != a.Old.node {
		a.Differ = append(a.Differ, "owner")
	}
	if org := a.New.OrganizationalDomain; org != "" && org != a.Old.OrganizationalDomain {
		a.Differ = append(a.Differ, "organizational-domain")
	}
}

// weaker is the policy that protects less. Off is the least whatever the other is.
func weaker(p, q Policy) Policy {
	switch {
	case p == Off || q == Off:
		return Off
	case p == "" || q == "":
		return ""
	case p.WeakerThan(q):
		return p
	}
	return q
}
