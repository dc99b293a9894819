package mailcheck

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/provider"
	"github.com/mailcheck-go/mailcheck/spf"
)

// requireMax bounds the services that are required of one domain: facts may be hostile.
const requireMax = 32

// includes are the names by which records include the services.
func (d *discovery) includes(ids []string) []string {
	var all []string
	for _, id := range ids[:min(len(ids), requireMax)] {
		if p := d.providers().Get(id); p != nil {
			if by := d.providers().Includer(p); by != nil {
				all = append(all, by.Includes()...)
			}
		}
	}
	return slices.DeleteFunc(all, func(name string) bool { // the data may be the caller's own
		_, err := dnsx.ParseName(name)
		return err != nil
	})
}

// standing is how the domain's SPF record stands with a service that has to send.
type standing struct {
	*provider.Provider
	by    *provider.Provider // whose includes let it send
	state standingState
	// way leads from the domain's own record to the term that names the service. Of
	// listed and listedPartly it has the terms that pass its addresses.
	way    []spf.Step
	why    check.Text // of refused and hindered: what is in the way
	broken bool       // that is an error in the record
	// literal reports that its include stands in the domain's own record, whatever it gives.
	literal bool
	asked   bool // what the service's includes lead to is known
	gaps    []check.Gap
}

type standingState int

const (
	unknownStanding standingState = iota
	named                         // a term names it, and gives its mail a pass
	listed                        // no term names it, and all of its addresses pass
	listedPartly                  // no term names it, and some of its addresses pass
	hindered                      // a term names it, and an earlier one takes some of its addresses
	refused                       // a term names it, and its mail gets no pass by that
	absent
)

// standings has those of all services that are required, each once.
func (v *view) standings() []standing {
	if v.stand == nil {
		v.stand = []standing{}
		for _, id := range v.require[:min(len(v.require), requireMax)] {
			if !slices.ContainsFunc(v.stand, func(s standing) bool { return s.ID == id }) {
				v.stand = append(v.stand, v.standing(id))
			}
		}
	}
	return v.stand
}

func (v *view) standing(id string) standing {
	s := standing{Provider: v.providers.Get(id)}
	if s.Provider == nil {
		s.Provider = &provider.Provider{ID: id, Name: id}
		s.gaps = []check.Gap{{Subject: id, Why: check.Undecidable, Cause: check.Errorf("no service of this id is known")}}
		return s
	}
	if s.by = v.providers.Includer(s.Provider); s.by == nil {
		s.gaps = []check.Gap{{Subject: s.Name, Why: check.Undecidable, Cause: check.Errorf("no SPF include of it is known: it sends with an envelope sender of its own, or each account has an include of its own")}}
		return s
	}
	switch {
	case v.spf == nil:
		s.gaps = []check.Gap{{Subject: "SPF of " + v.facts.Domain, Why: check.NotAsked}}
		return s
	case v.spf.Unread != nil:
		s.gaps = v.spf.Unread
		return s
	}
	ranges, gaps := v.rangesOf(s.by)
	s.asked = len(ranges) > 0
	d := v.spf.Decide(ranges)
	if m := v.mentions(s.by); len(m) > 0 {
		s.mentioned(v, m, ranges, &d)
		return s
	}
	s.unnamed(v, &d, gaps)
	return s
}

// mentioned is the standing of a service that terms name: what its addresses get decides,
// and where these are not known, the terms alone.
func (s *standing) mentioned(v *view, all []mention, ranges []netip.Prefix, d *spf.Decision) {
	best := all[0]
	for _, m := range all[1:] {
		if m.rank(d) > best.rank(d) || m.rank(d) == best.rank(d) && len(m.way) < len(best.way) {
			best = m
		}
	}
	s.way, s.why, s.state = best.way, best.why, named
	s.literal = slices.ContainsFunc(all, func(m mention) bool { return len(m.way) == 1 })
	if len(v.spf.PermErrors) > 0 && best.passes() {
		s.broken = true
		s.state, s.why = refused, check.Textf("receivers take nothing from a record in error: %s", v.spf.PermErrors[0].Text)
		return
	}
	switch covered(d) {
	case CoveredUnknown: // the terms decide
		if !best.passes() {
			s.state = refused
		}
	case CoveredAll:
		if !best.passes() {
			s.state, s.way = listed, passing(d)
		}
	case CoveredSome:
		s.state = hindered
		if !best.passes() {
			s.state = refused
			return
		}
		if s.why = stopped(d); s.why.IsZero() {
			s.why = v.taker(best.way, ranges, d,
				"%s in the record of %s comes before it and excludes some of its addresses", "a term before it excludes some of its addresses")
		}
	case CoveredNone:
		s.state = refused
		if open(d) {
			s.state, s.gaps, s.way = unknownStanding, slices.Concat(v.spf.Gaps, v.spf.AddressGaps), nil
			if len(s.gaps) == 0 {
				s.gaps = []check.Gap{{Subject: "SPF of " + v.facts.Domain, Why: check.Limit}}
			}
		} else if best.passes() {
			if s.why = stopped(d); s.why.IsZero() {
				s.why = v.taker(best.way, ranges, d,
					"%s in the record of %s comes before it and excludes its addresses", "a term before it excludes its addresses")
			}
		}
	}
}

// stopped says at which term receivers stop for a limit; zero where they do not.
func stopped(d *spf.Decision) check.Text {
	for _, s := range d.Shares {
		if s.Result == spf.PermError {
			return check.Textf("receivers stop at %s, which stands before it", s.Path[len(s.Path)-1].Term)
		}
	}
	return check.Text{}
}

// taker says which term gives something else than a pass to addresses of a service, in
// the first record on the way to the term that names it in which one does; unnamed says
// it where none is found.
func (v *view) taker(way []spf.Step, ranges []netip.Prefix, d *spf.Decision, named, unnamed string) check.Text {
	for _, step := range way {
		if step.Name != v.facts.Domain {
			in := spf.Analyze(&spf.Facts{Domain: step.Name, Replies: v.facts.SPF.Replies}).Decide(ranges)
			d = &in
		}
		for _, s := range d.Shares {
			for _, at := range s.Path {
				qualifier, all := termOf(at.Term)
				if s.Result != spf.Pass && qualifier && !all {
					return check.Textf(named, at.Term, at.Name)
				}
			}
		}
	}
	return check.Textf(unnamed)
}

// termOf reports whether a term has a qualifier other than that of a pass, and is an all.
func termOf(term string) (qualifier, all bool) {
	rest := strings.TrimLeft(term, "-~?")
	return rest != term, rest == "all"
}

// unnamed is the standing of a service that no term names.
func (s *standing) unnamed(v *view, d *spf.Decision, gaps []check.Gap) {
	s.state = absent
	if len(v.spf.PermErrors) > 0 {
		return
	}
	switch covered(d) {
	case CoveredAll:
		s.state, s.way = listed, passing(d)
		return
	case CoveredSome:
		s.state, s.way = listedPartly, passing(d)
	}
	if s.asked && !open(d) && len(gaps) == 0 {
		return
	}
	// What is not known of the record may name it, or pass its addresses.
	for _, g := range v.spf.Gaps {
		if !v.ofService(g) {
			s.gaps = append(s.gaps, g)
		}
	}
	asked := func(g check.Gap) bool { return g.Why != check.NotAsked }
	for _, g := range slices.Concat(v.spf.AddressGaps, gaps) {
		if asked(g) { // where nobody asked for addresses, terms alone decide
			s.gaps = append(s.gaps, g)
		}
	}
	if len(s.gaps) > 0 {
		s.state, s.way = unknownStanding, nil
	}
}

// ofService reports that what is missing is the record of a known service, which names
// no other.
func (v *view) ofService(g check.Gap) bool {
	return slices.ContainsFunc(v.spf.Links, func(l spf.Link) bool {
		return g.Subject == dnsx.Q(l.Target, dnsx.TypeTXT).String() && v.providers.BySPF(l.Spec) != nil
	})
}

// pending reports that what is missing is the record of a service, for which nobody asked:
// a change may have brought its include.
func (v *view) pending(g check.Gap) bool {
	return g.Why == check.NotAsked && v.spf != nil && v.ofService(g)
}

// rangesOf are the addresses that a service's includes pass, none where nobody asked.
func (v *view) rangesOf(p *provider.Provider) (ranges []netip.Prefix, gaps []check.Gap) {
	for _, name := range p.Includes() {
		a := spf.Analyze(&spf.Facts{Domain: name, Replies: v.facts.SPF.Replies})
		gaps = slices.Concat(gaps, a.Unread, a.Gaps)
		var all []netip.Prefix
		for _, s := range a.Authorized {
			all = append(all, s.Prefix)
		}
		for _, s := range a.Decide(all).Shares {
			if s.Result == spf.Pass {
				ranges = append(ranges, s.Prefixes...)
			}
		}
	}
	return ranges, gaps
}

// covered is how much of what was decided on gets a pass; it is not known where that is
// nothing.
func covered(d *spf.Decision) Coverage {
	passes := 0
	for _, s := range d.Shares {
		if s.Result == spf.Pass {
			passes++
		}
	}
	switch {
	case len(d.Shares) == 0:
		return CoveredUnknown
	case passes == len(d.Shares):
		return CoveredAll
	case passes == 0:
		return CoveredNone
	}
	return CoveredSome
}

// open reports that those who get no pass may get one by what is not known.
func open(d *spf.Decision) bool {
	return slices.ContainsFunc(d.Shares, func(s spf.Share) bool { return s.Open && s.Result != spf.Pass })
}

// passing are the terms that pass addresses.
func passing(d *spf.Decision) []spf.Step {
	const most = 10
	var steps []spf.Step
	for _, s := range d.Shares {
		if s.Result != spf.Pass || len(s.Path) == 0 {
			continue
		}
		if step := s.Path[len(s.Path)-1]; len(steps) < most && !slices.Contains(steps, step) {
			steps = append(steps, step)
		}
	}
	return steps
}

// mention is a term that names a service.
type mention struct {
	way []spf.Step
	why check.Text // why it gives no pass; zero: it does
}

// rank is higher for a term that passes addresses of the service than for one that only
// could.
func (m *mention) rank(d *spf.Decision) int {
	switch {
	case !m.passes():
		return 0
	case slices.ContainsFunc(d.Shares, func(s spf.Share) bool {
		return s.Result == spf.Pass && len(s.Path) >= len(m.way) && slices.Equal(s.Path[:len(m.way)], m.way)
	}):
		return 2
	}
	return 1
}

func (m *mention) passes() bool { return m.why.IsZero() }

// mentions goes through the tree for terms that name a service.
func (v *view) mentions(p *provider.Provider) []mention {
	w := mentionWalk{view: v, provider: p, targets: map[[2]string]string{}, seen: map[visit]bool{}}
	for _, l := range v.spf.Links {
		w.targets[[2]string{l.In, l.Spec}] = l.Target
	}
	w.record(v.facts.Domain, mention{})
	return w.found
}

// mentionWalk says only which terms name the service; what comes of it spf decides.
type mentionWalk struct {
	*view
	provider *provider.Provider
	targets  map[[2]string]string // by the record's name and what stands in it
	seen     map[visit]bool
	found    []mention
}

// visit is a way to come to a record: what it passes counts or not.
type visit struct {
	name string
	pass bool
}

// record looks at the record of a name; so is how it was come to.
func (w *mentionWalk) record(name string, so mention) {
	n := w.spf.Nodes[name]
	key := visit{name, so.passes()}
	if n == nil || n.Record == nil || w.seen[key] {
		return
	}
	w.seen[key] = true
	all := n.Record.All()
	for i := range n.Record.Directives {
		if d := &n.Record.Directives[i]; d.Mechanism == spf.Include {
			w.follow(n, so, d.String(), d.Domain.Raw, reasonAt(n.Record, i, all, so.why))
		}
	}
	if to := n.Record.Redirect; !to.IsZero() {
		why := so.why
		if all >= 0 && why.IsZero() {
			why = check.Textf("receivers ignore it beside %s", n.Record.Directives[all].String())
		}
		w.follow(n, so, "redirect="+to.Raw, to.Raw, why)
	}
}

// reasonAt says why an include gives no pass, zero where it does.
func reasonAt(r *spf.Record, i, all int, so check.Text) check.Text {
	d := &r.Directives[i]
	switch {
	case !so.IsZero():
		return so
	case all >= 0 && i > all:
		return check.Textf("receivers stop at %s, which stands before it", r.Directives[all].String())
	case d.Qualifier != spf.Pass:
		return check.Textf("%s gives %s, which is no pass", d.String(), string(d.Qualifier))
	}
	return check.Text{}
}

// follow notes a term that names the service, and looks behind any other.
func (w *mentionWalk) follow(n *spf.Node, so mention, term, spec string, why check.Text) {
	so.way = append(so.way[:len(so.way):len(so.way)], spf.Step{Name: n.Name, Term: term})
	so.why = why
	switch target := w.targets[[2]string{n.Name, spec}]; {
	case w.providers.BySPF(spec) == w.provider:
		const most = 20
		if len(w.found) < most {
			w.found = append(w.found, so)
		}
	case target != "":
		w.record(target, so)
	}
}

// authorization answers for each service that is required whether it may send.
func (v *view) authorization() []check.Answer {
	var all []check.Answer
	for _, s := range v.standings() {
		a := check.Answer{
			ID: "authorized:" + s.ID, Question: check.Textf("May %s send for this domain?", s.Name),
			Answer: "no", Outcome: check.Fail, Rules: []string{notAuthorizedID},
		}
		for _, step := range s.way {
			a.Evidence = append(a.Evidence, check.Evidence{Source: "TXT " + step.Name, Text: step.Term})
		}
		switch s.state {
		case named, listed, hindered:
			a.Answer, a.Outcome = "yes", check.Pass
			if s.picky() || s.state == hindered {
				a.Outcome = check.Note
			}
		case unknownStanding:
			a.Answer, a.Outcome = "unknown", check.Unknown
		}
		a.Text = check.Textf("%s.", s.text(v))
		all = append(all, a)
	}
	return all
}

// picky reports that receivers let the service send and its own check does not.
func (s *standing) picky() bool {
	return s.by.LiteralInclude && !s.literal && (s.state == listed || s.state == named && len(s.way) > 1)
}

// text says it in a sentence without its full stop.
func (s *standing) text(v *view) check.Text {
	switch s.state {
	case named:
		if s.picky() {
			return check.Textf("By %s; its own check looks for the include in the domain's own record", wayText(s.way))
		}
		return check.Textf("By %s", wayText(s.way))
	case listed:
		if s.picky() {
			return check.Textf("By its addresses: %s; its own check looks for include:%s", wayText(s.way), s.by.SPF[0])
		}
		return check.Textf("By its addresses: %s", wayText(s.way))
	case listedPartly:
		return check.Textf("No term names it, and only a part of its addresses pass: %s", wayText(s.way))
	case hindered:
		return check.Textf("By %s; but %s", wayText(s.way), s.why)
	case refused:
		return check.Textf("%s names it, but %s", wayText(s.way), s.why)
	case absent:
		return s.absence(v)
	}
	switch g := s.gaps[0]; {
	case g.Cause == nil:
		return check.Textf("%s was not asked", g.About())
	case strings.Contains(g.CauseText(), g.Subject):
		return check.Textf("%s", g.Cause)
	default:
		return check.Textf("%s: %s", g.About(), g.Cause)
	}
}

func (s *standing) absence(v *view) check.Text {
	switch {
	case len(v.spf.Texts) == 0:
		return check.Textf("There is no SPF record")
	case len(v.spf.Texts) > 1:
		return check.Textf("There are %d SPF records, of which receivers take none", len(v.spf.Texts))
	case !s.asked:
		return check.Textf("No term of the SPF record names it; nobody asked for its addresses")
	}
	return check.Textf("No term of the SPF record names it, and none passes its addresses")
}

// wayText writes "include:a.example in the record of acme.example, …".
func wayText(way []spf.Step) check.Text {
	if len(way) == 0 {
		return check.Textf("")
	}
	var all []check.Text
	for _, s := range way {
		all = append(all, check.Textf("%s in the record of %s", s.Term, s.Name))
	}
	return list("%s, %s", all)
}
