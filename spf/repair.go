package spf

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

// maxRepaired is the number of terms up to which a record is repaired. It bounds the
// work on hostile records.
const maxRepaired = 500

// Repair returns the one change that cures every fault of the domain's record that
// can be cured without asking anybody: several records become one, spelling and
// separators are set right, ranges are written as what they are, terms go that can
// match nobody, that receivers never come to or whose clients an earlier term gives the
// same result, and the record ends in ~all or -all. It adds no sender that is not
// named, and takes none away that gets a pass from a term of its own; who passed
// because of +all has to be named. An exception behind the rule that it is an exception
// from stays, because nobody but its author knows whether it still holds.
//
// It returns nil where there is no record, where nothing can be cured, and where a
// fault leaves open what is meant: +all that names nobody, for one, whose mail another
// end would stop. Neither does it touch more than 20 records, or more than 500 terms.
func Repair(a *Analysis) []check.Change {
	if a == nil || a.repair == nil {
		return nil
	}
	return a.repair()
}

// repaired does the work of Repair.
func (a *Analysis) repaired(f *Facts) []check.Change {
	old, meant := a.Texts, a.Texts
	if len(a.Texts) == 0 {
		old, meant = nil, nil
		for _, m := range a.root.misses {
			old, meant = append(old, m.text), append(meant, m.fixed)
		}
	}
	if len(meant) == 0 {
		return nil
	}
	if len(meant) == 1 {
		meant = []string{a.root.unglued(meant[0])}
	}
	var texts []string
	for _, text := range slices.Sorted(slices.Values(meant)) {
		texts = append(texts, records(text)...)
	}
	if len(texts) > maxFindings {
		return nil
	}
	rec, ok := merge(texts)
	if !ok {
		return nil
	}
	// What the repaired spelling leads to shows which terms are dead. Where that is the
	// spelling of the record, as of most, it has been followed already.
	txt := rec.String()
	tree := a
	if a.Record == nil || !a.root.Valid() || a.Record.String() != txt {
		tree = analyze(withRecord(f, a.Owner, txt))
	}
	rec.prune(tree.root, a.Keep)
	if tree.exp != nil && tree.exp.node == tree.root && tree.exp.broken() {
		rec.Exp = MacroString{} // receivers do as if it were not there (RFC 7208, 6.2)
	}
	txt = rec.String()
	if _, err := Parse(txt); err != nil {
		return nil
	}
	if len(a.Texts) == 1 && len(a.root.glued) == 0 && !a.overlong() && a.root.Valid() && a.Record.String() == txt {
		return nil
	}
	return []check.Change{{Name: a.Owner, Type: "TXT", Old: old, New: []string{txt}}}
}

// unglued puts the blank back between terms that ran together.
func (n *Node) unglued(text string) string {
	for _, g := range slices.Backward(n.glued) {
		text = text[:g.at] + " " + text[g.at:]
	}
	return text
}

// withRecord returns facts in which text is the one SPF record of the domain.
func withRecord(f *Facts, owner, text string) *Facts {
	g := *f
	g.Replies = slices.Clone(f.Replies)
	for i, r := range g.Replies {
		if r.Question != dnsx.Q(f.Domain, dnsx.TypeTXT) || r.Answer == nil {
			continue
		}
		answer := *r.Answer
		answer.Records = []dnsx.RR{dnsx.NewTXT(owner, 0, text)}
		g.Replies[i].Answer = &answer
	}
	return &g
}

// merge makes one record of the terms of several, each cured as far as it can be; it
// is not ok where a term leaves open what is meant. What stands behind an all goes,
// and so does redirect beside it.
func merge(texts []string) (rec *Record, ok bool) {
	rec = &Record{}
	strict := true // every record ends in -all
	all := Result("")
	for _, txt := range texts {
		one, ok := cure(txt)
		if !ok || len(rec.Directives)+len(one.Directives) > maxRepaired {
			return nil, false
		}
		switch i := one.All(); {
		case i >= 0:
			all = one.Directives[i].Qualifier
			strict = strict && all == Fail
			one.Directives = one.Directives[:i]
		case one.Redirect.IsZero():
			strict = false
		case len(texts) == 1:
			rec.Redirect = one.Redirect
		default:
			strict = false
			one.Directives = append(one.Directives, Directive{Qualifier: Pass, Mechanism: Include, Domain: one.Redirect})
		}
		rec.Directives = append(rec.Directives, one.Directives...)
		if rec.Exp.IsZero() {
			rec.Exp = one.Exp
		}
		rec.Modifiers = append(rec.Modifiers, one.Modifiers...)
	}
	switch {
	case !rec.Redirect.IsZero():
		return rec, true
	case all == Pass && !rec.passes():
		return nil, false // whom to name instead of everybody only the author knows
	case !strict || all == "":
		all = SoftFail
	}
	rec.Directives = append(rec.Directives, Directive{Qualifier: all, Mechanism: All})
	return rec, true
}

// passes reports whether a term gives somebody a pass.
func (r *Record) passes() bool {
	return slices.ContainsFunc(r.Directives, func(d Directive) bool { return d.Qualifier == Pass })
}

// prune takes out what can match nobody, as the evaluation of the same record showed,
// and writes ranges as what they are. A term that says something else than those before
// it which match its clients stays: only its author knows which of the two is meant.
func (r *Record) prune(n *Node, keep []string) {
	dead := map[string]bool{}
	for _, d := range n.dead {
		dead[d.text] = true
	}
	for i := range n.terms {
		t := &n.terms[i]
		if l := t.link; l != nil && !l.Redirect && l.node != nil && (l.node.absent() || l.loop && l.Target == n.Name) {
			dead[t.text] = true
		}
	}
	again := n.again(keep)
	seen := map[termKey]Result{}
	var kept []Directive
	for i := range r.Directives {
		d, _ := r.Directives[i].unmapped()
		if d.Prefix.Bits() > 0 {
			d.Prefix = d.Prefix.Masked()
		}
		key := d.key(n.Name)
		kind := reserved(d.Prefix)
		private := kind != "" && kind != documentation && d.Qualifier != Fail
		if dead[d.String()] || seen[key] == d.Qualifier || private || again[i] || shadowed(kept, &d) {
			continue
		}
		if seen[key] == "" {
			seen[key] = d.Qualifier
		}
		kept = append(kept, d)
	}
	r.Directives = kept
}

// shadowed reports that ranges of earlier directives match all clients of a range, and
// say the same.
func shadowed(before []Directive, d *Directive) bool {
	if !d.Prefix.IsValid() {
		return false
	}
	left := addrSet{extentOf(d.Prefix)}
	for i := range before {
		b := &before[i]
		if !b.Prefix.IsValid() || !b.Prefix.Overlaps(d.Prefix) {
			continue
		}
		one := addrSet{extentOf(b.Prefix)}
		if b.Qualifier != d.Qualifier && left.meets(one) {
			return false
		}
		if left = left.minus(one); len(left) == 0 {
			return true
		}
	}
	return false
}

// again are the includes of a record, by their index, that pass nobody because one before
// them leads to the same record: whoever comes to them got no pass of it (RFC 7208, 5.2).
// Those of names to keep are left out.
func (n *Node) again(keep []string) map[int]bool {
	var all map[int]bool
	asked := map[*Node]bool{}
	for i := range n.terms {
		l := n.terms[i].link
		switch {
		case l == nil || l.Qualifier != Pass || l.node == nil || l.loop:
		case asked[l.node] && matchesAny(keep, l.Target):
		case asked[l.node]:
			if all == nil {
				all = map[int]bool{}
			}
			all[i] = true
		default:
			l.node.asks(asked)
		}
	}
	return all
}

// asks adds a record and those that a client is sure to have got no pass of who gets
// none of it, and no error.
func (n *Node) asks(asked map[*Node]bool) {
	if asked[n] {
		return
	}
	asked[n] = true
	if !n.Valid() {
		return
	}
	for i := range n.terms {
		t := &n.terms[i]
		if d := t.directive; d != nil && (d.Mechanism == All || d.Qualifier != Pass) {
			return // some or all of the others do not come further
		}
		if l := t.link; l != nil && l.node != nil && !l.loop {
			l.node.asks(asked)
		}
	}
}

// cure reads a record term by term and sets right what has faults.
func cure(txt string) (rec *Record, ok bool) {
	p := parser{}
	for _, token := range tokens(txt) {
		terms := []term{}
		t, fault := parseTerm(token)
		if left, right, ok := blankMissing(token); ok {
			first, _ := parseTerm(left)
			second, _ := parseTerm(right)
			terms = append(terms, first, second)
		} else if fault == nil {
			terms = append(terms, t)
		} else if terms, _ = pieces(token); terms == nil {
			terms = cureTerm(token)
		}
		if len(terms) == 0 {
			return nil, false
		}
		for _, t := range terms {
			if d, ok := asMechanism(t.modifier); ok {
				t = term{directive: d}
			}
			if t.modifier.Name == nameRedirect && p.rec.Redirect.Raw == t.modifier.Value.Raw ||
				t.modifier.Name == nameExp && p.rec.Exp.Raw == t.modifier.Value.Raw {
				continue // the same once more
			}
			p.add(&t, 0, token)
		}
	}
	return &p.rec, len(p.rec.Faults) == 0
}

// tokens splits a record at its blanks, and puts together what a blank behind a
// qualifier, a colon or an equals sign has cut apart.
func tokens(txt string) []string {
	var all []string
	open := ""
	for token := range strings.FieldsFuncSeq(txt[len(version):], func(c rune) bool { return c == ' ' }) {
		token = open + token
		open = ""
		if strings.Trim(token, "+-~?") == "" || strings.IndexByte(":=", token[len(token)-1]) >= 0 {
			open = token
			continue
		}
		all = append(all, token)
	}
	if open != "" {
		all = append(all, open)
	}
	return all
}

// spelling has what is often written for a mechanism.
var spelling = map[string]string{
	"ipv4": "ip4", "ip": "ip4", "ipv6": "ip6",
	"includes": "include", "inlcude": "include", "incude": "include", "inclue": "include", "inculde": "include", "included": "include",
	"exist": "exists",
}

// lookalikes are characters that text programs put in the place of ASCII ones, and
// those that nobody sees.
var lookalikes = strings.NewReplacer(
	"\u2010", "-", "\u2011", "-", "\u2012", "-", "\u2013", "-", "\u2014", "-", "\u2212", "-",
	"\u02dc", "~", "\u223c", "~", "\uff1a", ":", "\uff0b", "+",
	"\u200b", "", "\u200c", "", "\u200d", "", "\u2060", "", "\ufeff", "", "\u00ad", "",
)

// cureTerm returns the term that a faulty one was meant to be, nil where that cannot
// be told.
func cureTerm(token string) []term {
	token = strings.Trim(lookalikes.Replace(token), quotes+",;()<>[]")
	if token == "" {
		return nil
	}
	qualifier, body := cutQualifier(token)
	sign := token[:len(token)-len(body)]
	for _, meant := range []string{token, body, sign + respell(body)} {
		if meant == "" || meant == body && qualifier != Pass && strings.IndexByte(body, '=') < 0 {
			continue // without its sign it would mean something else
		}
		if t, ok := parseDefined(meant); ok {
			return []term{t}
		}
	}
	return nil
}

// respell sets right the name, the separator and the address of a term without its
// qualifier.
func respell(body string) string {
	if addr, _, _ := strings.Cut(body, "/"); isAddress(addr) {
		return network(body)
	}
	n := nameLength(body)
	name, arg := strings.ToLower(strings.TrimRight(body[:n], ".")), body[n:]
	if right, ok := spelling[name]; ok {
		name = right
	}
	value := strings.TrimLeft(arg, ":=")
	switch {
	case value == "":
		return name
	case name == nameRedirect || name == nameExp:
		return name + "=" + value
	case mechanismOf(name) == IP4 || mechanismOf(name) == IP6:
		return network(value)
	}
	return name + ":" + value
}

// network writes the ip4 or ip6 of an address with or without a prefix length.
func network(s string) string {
	text, length, cut := strings.Cut(s, "/")
	text = strings.Trim(text, "[]")
	name := IP4
	if strings.IndexByte(text, ':') >= 0 {
		name = IP6
	}
	if cut {
		text += "/" + strings.TrimLeft(length[:max(len(length)-1, 0)], "0") + length[max(len(length)-1, 0):]
	}
	return name.String() + ":" + text
}

func isAddress(s string) bool {
	_, err := netip.ParseAddr(strings.Trim(s, "[]"))
	return err == nil
}
