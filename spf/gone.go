package spf

import (
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

// gone is a term that leads to a name that does not exist.
type gone struct {
	in     string // whose record the term stands in
	term   string
	at     place
	target string // the name as the term has it, expanded
	name   string // what does not exist: the target, the end of its aliases, or a host of mx
	passes bool   // whoever has a record or an address at name gets a pass for Domain, or can give it to anybody
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
	ends := false
	for _, n := range w.a.order {
		for i := range n.terms {
			_, ok := n.under(&n.terms[i])
			ends = ends || ok
		}
	}
	if len(denied) == 0 && !ends {
		return
	}
	w.a.shown, w.a.unshown = w.shown()
	passes := w.a.passing()
	for _, n := range w.a.order {
		add := func(g gone) {
			if name, ok := denied[g.target]; ok && !w.a.shown[name] && len(w.a.gone) < MaxNames {
				g.name, g.passes = name, g.passes && passes[n.Name]
				w.a.gone = append(w.a.gone, g)
			}
		}
		for i := range n.terms {
			t := &n.terms[i]
			if name, ok := n.under(t); ok && passes[n.Name] && !w.a.shown[name] && !related(name, w.a.Domain) && len(w.a.ends) < MaxNames {
				w.a.ends = append(w.a.ends, gone{in: n.Name, term: t.text, at: t.at, name: name, passes: true})
			}
			d := t.directive
			if d != nil && (!d.asks() || d.Mechanism == PTR) {
				continue
			}
			g := gone{in: n.Name, term: t.text, at: t.at, passes: d == nil || d.Qualifier == Pass}
			name, err := target(n.spec(t), n.Name)
			if err != nil {
				continue
			}
			names := []string{name}
			if d != nil && d.Mechanism == MX {
				names = append(names, w.reply(dnsx.Q(name, dnsx.TypeMX)).hosts...)
			}
			for _, g.target = range names {
				add(g)
			}
		}
	}
}

// under is the end of the name of a term that passes, and that Discover cannot ask for.
func (n *Node) under(t *nodeTerm) (name string, ok bool) {
	if t.directive != nil {
		return t.directive.under(n.Name)
	}
	return n.Record.Redirect.under(n.Name)
}

// under is the end of the name of a directive that passes, and that Discover cannot ask for.
// Below the name of a ptr that of the client is to be (RFC 7208, 5.5).
func (d *Directive) under(domain string) (name string, ok bool) {
	if d.Qualifier != Pass {
		return "", false
	}
	if d.Mechanism == PTR && !d.Domain.IsZero() && d.Domain.static() {
		name, err := target(d.Domain, domain)
		return name, err == nil && ownable(name, domain)
	}
	return d.Domain.under(domain)
}

// under is what is known without a message of a name that depends on it: the labels behind
// the last macro other than %{d}.
func (m MacroString) under(domain string) (name string, ok bool) {
	last := len(m.Parts) - 1
	for last >= 0 && (m.Parts[last].Letter == 0 || m.Parts[last].Letter == 'd') {
		last--
	}
	if last < 0 || last == len(m.Parts)-1 {
		return "", false
	}
	m.Parts = m.Parts[last+1:]
	var room [maxName + 3]byte
	_, text, _ := strings.Cut(string(m.tail(onlyDomain(domain), room[:])), ".") // the first label starts in the macro
	name, err := dnsx.ParseName(strings.ReplaceAll(text, `\`, `\\`))
	return name, err == nil && ownable(name, domain)
}

// ownable reports that somebody else than whoever has domain may have a name.
func ownable(name, domain string) bool { return dnsx.Labels(name) >= 2 && !related(name, domain) }

// related reports that one of two names is at or below the other: where one has a record,
// nobody else gets the other.
func related(a, b string) bool { return dnsx.Below(a, b) || dnsx.Below(b, a) }

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

// exists reports whether a name exists, as far as the answers tell: of the names above
// one that is gone they do. The gap says why it is not known.
func (a *Analysis) exists(name string) (exists bool, gaps []check.Gap) {
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
