package spf

import (
	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

// Gone is a term that leads to a name that does not exist.
type Gone struct {
	In       string // whose record the term stands in
	Term     string
	Name     string // what does not exist: the term's name, the end of its aliases, or a host of mx
	Redirect bool
	Include  bool
	// Passes reports that whoever has a record or an address at Name gets a pass for
	// Domain, or can give it to anybody.
	Passes bool

	target string // the name as the term has it, expanded
	at     place
}

// findGone looks for terms whose names do not exist. Most records have none, and then
// nothing is done.
func (w *walk) findGone() {
	denied := map[string]string{} // the end of the aliases of names that do not exist
	for q, r := range w.replies {
		if r.Answer != nil && r.Answer.RCode == dnsx.NXDomain && q.Type != dnsx.TypeNS {
			if have, ok := denied[q.Name]; !ok || r.Answer.Owner() < have { // answers to two questions may differ
				denied[q.Name] = r.Answer.Owner()
			}
		}
	}
	if len(denied) == 0 {
		return
	}
	w.a.shown, w.a.unshown = w.shown()
	passes := w.a.passing()
	for _, n := range w.a.order {
		add := func(g Gone) {
			if name, ok := denied[g.Name]; ok && !w.a.shown[name] && len(w.a.Gone) < MaxNames {
				g.In, g.Name, g.target, g.Passes = n.Name, name, g.Name, g.Passes && passes[n.Name]
				w.a.Gone = append(w.a.Gone, g)
			}
		}
		for i := range n.terms {
			t := &n.terms[i]
			g, spec := Gone{Term: t.text, at: t.at}, n.Record.Redirect
			if d := t.directive; d == nil {
				g.Redirect, g.Passes = true, true
			} else {
				if !d.asks() || d.Mechanism == PTR {
					continue
				}
				g.Include, g.Passes, spec = d.Mechanism == Include, d.Qualifier == Pass, d.Domain
			}
			name, err := target(spec, n.Name)
			if err != nil {
				continue
			}
			names := []string{name}
			if d := t.directive; d != nil && d.Mechanism == MX {
				names = append(names, w.reply(dnsx.Q(name, dnsx.TypeMX)).hosts...)
			}
			for _, g.Name = range names {
				add(g)
			}
		}
	}
}

// passing are the names whose records can give Domain's mail a pass.
func (a *Analysis) passing() map[string]bool {
	passes := map[string]bool{a.Domain: true}
	for before := 0; before < len(passes); { // a name may come first by a term that does not
		before = len(passes)
		for _, l := range a.Links {
			if passes[l.In] && l.Target != "" && (l.Redirect || l.Qualifier == Pass) {
				passes[l.Target] = true
			}
		}
	}
	return passes
}

// shown has of every name that the replies speak of whether it exists. What exists
// wins over what does not. What was asked of the names above, and failed, is beside it.
func (w *walk) shown() (shown map[string]bool, failed map[string]*dnsx.Failure) {
	shown, failed = map[string]bool{}, map[string]*dnsx.Failure{}
	exists := func(name string) {
		for ; !shown[name]; name = dnsx.Parent(name) {
			shown[name] = true
			if name == "." {
				return
			}
		}
	}
	for q, r := range w.replies {
		if q.Type == dnsx.TypeNS && r.Failure != nil {
			failed[q.Name] = r.Failure
		}
		for _, rr := range r.Chain() {
			exists(rr.Name)
		}
		a := r.Answer
		switch {
		case a == nil:
		case a.RCode != dnsx.NXDomain:
			exists(a.Owner())
		default:
			if _, ok := shown[a.Owner()]; !ok {
				shown[a.Owner()] = false
			}
			for _, rr := range a.Authority {
				if rr.Type == dnsx.TypeSOA && dnsx.Below(a.Owner(), rr.Name) {
					exists(rr.Name)
				}
			}
		}
	}
	return shown, failed
}

// Exists reports whether a name exists, as far as the answers tell: of the names above
// a Gone one they do. The gap says why it is not known.
func (a *Analysis) Exists(name string) (exists bool, gaps []check.Gap) {
	if a.shown[name] {
		return true, nil
	}
	for up := name; ; up = dnsx.Parent(up) {
		if exists, ok := a.shown[up]; ok && !exists { // nor does what is below (RFC 8020, 2)
			return false, nil
		}
		if up == "." {
			break
		}
	}
	q := dnsx.Q(name, dnsx.TypeNS)
	return false, []check.Gap{check.GapOf("", dnsx.Reply{Question: q, Failure: a.unshown[name]}.Err())}
}
