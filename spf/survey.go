package spf

import "slices"

// crowd is clients of one address family for whom the evaluation has gone the same way.
type crowd struct {
	set            addrSet
	lookups, voids int  // that it has cost
	maybe          int  // lookups of these that may find nothing besides
	open           bool // a term before may have decided for them: whom it matches is not known
	doubt          bool // and given something else than a pass
}

// like reports that two crowds differ in who they are alone.
func (c *crowd) like(o *crowd) bool {
	return c.lookups == o.lookups && c.voids == o.voids && c.maybe == o.maybe && c.open == o.open && c.doubt == o.doubt
}

// share is a crowd that has its result.
type share struct {
	crowd
	result Result // "" where it is not known
	path   []Step // as Share.Path
}

// survey is check_host for all clients of a set at once (RFC 7208, 4.6): the first term
// that matches decides, of an include only a pass matches (5.2), and who passes the limits
// gets permerror (4.6.4). These bound it too: an include or redirect costs each crowd
// one lookup more, so that none is followed further than eleven times.
type survey struct {
	*matcher
	each    bool      // every ip4 and ip6 has shares of its own; else those that follow each other have them by qualifier
	without *nodeTerm // it is not there
	// passes says whom a record passes, where limits do not count and results other than a
	// pass are all the same; nil where they do.
	passes func(*Node) addrSet

	v6        bool
	includes  int // around
	excluding int // of these, those whose match is no pass

	unknown []Step // terms of which it is not known whom they match
	more    bool   // who gets no pass may get one by these
	full    bool   // maxWork was reached; who was left then has no result
}

// of evaluates a record for a set of clients. The families go one after the other, since
// other lookups of theirs find nothing.
func (s *survey) of(n *Node, clients addrSet) (all []share) {
	four, six := clients.families()
	for i, set := range []addrSet{four, six} {
		if len(set) > 0 {
			s.v6 = i == 1
			all = append(all, s.record(n, []crowd{{set: set}}, nil)...)
		}
	}
	return all
}

// record evaluates the record of a name; path are the terms that lead to it.
func (s *survey) record(n *Node, in []crowd, path []Step) (out []share) {
	switch {
	case n.Unread != nil:
		return shares("", s.opens(in, Pass, path), path)
	case len(n.Texts) == 0:
		return shares(None, in, path)
	case !n.Valid():
		return shares(PermError, in, path)
	}
	for i := 0; i < len(n.terms) && len(in) > 0 && !s.full; i++ {
		t := &n.terms[i]
		if t == s.without {
			continue
		}
		d := t.directive
		if t.cost != nil && s.passes == nil {
			var stopped []crowd
			in, stopped = s.cost(in, t)
			out = append(out, shares(PermError, stopped, below(path, n, t.text))...)
		}
		var some []share
		switch {
		case d == nil:
			return append(out, s.redirect(t.link, in, below(path, n, t.text))...)
		case d.Mechanism == Include:
			some, in = s.include(t.link, in, below(path, n, t.text))
		case d.Prefix.IsValid():
			run := s.run(n.terms[i:])
			some, in = s.ranges(n, run, in, path)
			i += len(run) - 1
		default:
			some, in = s.addresses(n, t, in, below(path, n, t.text))
		}
		out = append(out, some...)
	}
	if s.full {
		return append(out, shares("", in, path)...)
	}
	return append(out, shares(Neutral, in, below(path, n, ""))...) // RFC 7208, 4.7
}

func shares(r Result, some []crowd, path []Step) []share {
	all := make([]share, 0, len(some))
	for _, c := range some {
		all = append(all, share{c, r, path})
	}
	return all
}

// cost counts the lookups of a term, without those of what it leads to, and returns apart
// whom the limits stop there.
func (s *survey) cost(in []crowd, t *nodeTerm) (left, stopped []crowd) {
	voids, maybe := 0, 0
	switch v := &t.cost.Voids; {
	case t.link != nil:
	case s.v6:
		voids, maybe = v.IPv6, min(v.Open6, 1)
	default:
		voids, maybe = v.IPv4, min(v.Open4, 1)
	}
	for _, c := range in {
		c.lookups, c.voids, c.maybe = c.lookups+t.cost.own(), c.voids+voids, min(c.maybe+maybe, MaxVoids+1)
		if c.lookups > MaxLookups || c.voids > MaxVoids {
			stopped = append(stopped, c)
		} else {
			left = append(left, c)
		}
	}
	return left, stopped
}

// behind evaluates what an include or redirect leads to.
func (s *survey) behind(l *link, q Result, in []crowd, path []Step) []share {
	switch {
	case len(in) == 0:
		return nil
	case l.malformed: // RFC 7208, 4.3 with 5.2, and 6.1
		return shares(PermError, in, path)
	case l.node == nil || l.node.Unread != nil:
		in = s.opens(in, q, path)
		for i := range in {
			in[i].doubt = in[i].doubt || l.Target == "" // what the message makes of it may be an error
		}
		return shares("", in, path)
	case s.passes != nil:
		yes, no := s.split(in, s.passes(l.node))
		return append(shares(Pass, yes, path), shares(Neutral, no, path)...)
	}
	return s.record(l.node, in, path)
}

// redirect gives what the record at its end gives (RFC 7208, 6.1).
func (s *survey) redirect(l *link, in []crowd, path []Step) []share {
	out := s.behind(l, Pass, in, path)
	for i := range out {
		if out[i].result == None {
			out[i].result = PermError
		}
	}
	return out
}

// include matches whom the record at its end passes (RFC 7208, 5.2).
func (s *survey) include(l *link, in []crowd, path []Step) (out []share, left []crowd) {
	s.includes++
	defer func() { s.includes-- }()
	if l.Qualifier != Pass {
		s.excluding++
		defer func() { s.excluding-- }()
	}
	for _, one := range s.behind(l, l.Qualifier, in, path) {
		switch one.result {
		case Pass:
			one.result = l.Qualifier
		case None, PermError:
			one.result = PermError
		default:
			left = s.join(left, one.crowd)
			continue
		}
		out = append(out, one)
	}
	for i := range left {
		left[i].set = setOf(left[i].set)
	}
	return out, left
}

// join brings crowds together that differ in who they are alone. Their sets are not in order
// until all are there.
func (s *survey) join(all []crowd, c crowd) []crowd {
	s.full = s.full || !s.spend(len(c.set))
	if i := slices.IndexFunc(all, func(have crowd) bool { return have.like(&c) }); i >= 0 {
		all[i].set = append(all[i].set, c.set...)
		return all
	}
	c.set = slices.Clone(c.set)
	return append(all, c)
}

// run is the ranges that a record starts with. Where they are to have shares together, one
// that holds all addresses is apart.
func (s *survey) run(terms []nodeTerm) []nodeTerm {
	whole := func(t *nodeTerm) bool { return !s.each && t.directive.Prefix.Bits() == 0 }
	n := 1
	for ; n < len(terms) && !whole(&terms[0]) && &terms[n] != s.without; n++ {
		if d := terms[n].directive; d == nil || !d.Prefix.IsValid() || whole(&terms[n]) {
			break
		}
	}
	return terms[:n]
}

func (s *survey) ranges(n *Node, run []nodeTerm, in []crowd, path []Step) (out []share, left []crowd) {
	if s.full = s.full || !s.spend(len(run)); s.full {
		return nil, in
	}
	var extents []extent
	var terms []*nodeTerm
	for i := range run {
		e := extentOf(run[i].directive.Prefix)
		if slices.ContainsFunc(in, func(c crowd) bool { return c.set.touches(e) }) {
			extents, terms = append(extents, e), append(terms, &run[i])
		}
	}
	if len(terms) == 0 {
		return nil, in
	}
	hit, left := s.split(in, setOf(slices.Clone(extents)))
	all := firsts(extents)
	if !s.each {
		all.by(func(i int) Result { return terms[i].directive.Qualifier })
	}
	for _, c := range hit {
		sets := make([]addrSet, len(terms))
		for _, p := range all.and(c.set) {
			sets[p.of] = append(sets[p.of], p.extent)
		}
		for i, t := range terms {
			if c.set = setOf(sets[i]); len(c.set) > 0 {
				out = append(out, share{c, t.directive.Qualifier, below(path, n, t.text)})
			}
		}
	}
	return out, left
}

// addresses evaluates all, a, mx, exists and ptr.
func (s *survey) addresses(n *Node, t *nodeTerm, in []crowd, path []Step) (out []share, left []crowd) {
	d, m := t.directive, s.term(n, t.directive)
	if m.fails {
		return shares(PermError, in, path), nil
	}
	hit, left := s.split(in, m.set)
	if m.open {
		left = s.opens(left, d.Qualifier, path)
		for i := range left { // that it has too many hosts may be
			left[i].doubt = left[i].doubt || d.Mechanism == MX && m.kept.reason == KeptMessage
		}
	}
	return shares(d.Qualifier, hit, path), left
}

// opens is what a term of which it is not known whom it matches does to all who come to it.
func (s *survey) opens(in []crowd, q Result, path []Step) []crowd {
	if len(in) == 0 {
		return nil
	}
	// Whom it takes out of an included record goes on behind the include, and may do so with
	// fewer lookups than the others.
	s.more = s.more || q == Pass || s.includes > 0
	for i := range in {
		in[i].open, in[i].doubt = true, in[i].doubt || q != Pass || s.excluding > 0
	}
	if n := len(path); n > 0 && len(s.unknown) < maxGaps && !slices.Contains(s.unknown, path[n-1]) {
		s.unknown = append(s.unknown, path[n-1])
	}
	return in
}

// split takes those apart whom a set matches.
func (s *survey) split(in []crowd, set addrSet) (matched, left []crowd) {
	for _, c := range in {
		if s.full = s.full || !s.spend(len(c.set)+len(set)); s.full {
			left = append(left, c)
			continue
		}
		hit := c
		if hit.set = c.set.and(set); len(hit.set) == 0 {
			left = append(left, c)
			continue
		}
		matched = append(matched, hit)
		if c.set = c.set.minus(set); len(c.set) > 0 {
			left = append(left, c)
		}
	}
	return matched, left
}
