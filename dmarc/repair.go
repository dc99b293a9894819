package dmarc

import (
	"regexp"
	"slices"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

// Repair writes one corrected record for each name whose record applies to the
// domain and has a fault that a program can mend. Policies stay as they were
// meant: a typing error is mended where one word alone can have been meant, p is
// never raised, and nothing protects less than before. Records behind an alias
// and those of a public suffix are left to their owners.
func Repair(a *Analysis) []check.Change {
	var changes []check.Change
	for _, n := range a.relevant() {
		if c, ok := n.repair(); ok {
			changes = append(changes, c)
		}
	}
	return append(changes, a.repairPlace()...)
}

// mendNode mends what one name publishes.
func (a *Analysis) mendNode(n *Node) (check.Change, bool) {
	name, ok := recordName(n.Name)
	if !ok || n.Err != nil || len(n.Alias) > 0 || isSuffix(n.Name) && n.Name != a.Domain {
		return check.Change{}, false
	}
	var old []string
	var fixed []string // what each text comes to
	change := len(n.Records) != 1
	for _, p := range n.Records {
		text, mended := a.mend(n, p)
		old, fixed = append(old, p.Text), append(fixed, text)
		change = change || mended
	}
	for _, m := range n.Misses {
		old = append(old, m.Text)
		if len(n.Records) > 0 {
			change = true // beside a good record, a broken one just goes
			continue
		}
		r, _ := Parse(m.Meant)
		if r == nil {
			return check.Change{}, false
		}
		text, _ := a.mend(n, Published{m.Meant, r})
		fixed = append(fixed, text)
	}
	if fixed = slices.Compact(fixed); !change || len(fixed) != 1 {
		return check.Change{}, false // nothing to mend, or the records contradict each other
	}
	return check.Change{Name: name, Type: "TXT", Old: old, New: fixed}, true
}

// repairPlace moves a record from the domain itself to _dmarc below it.
func (a *Analysis) repairPlace() []check.Change {
	name, ok := recordName(a.Domain)
	if !ok || len(a.Nodes) == 0 {
		return nil
	}
	own := a.Nodes[0]
	var found []string
	for _, text := range a.apexTexts {
		if r, _ := Parse(text); r != nil {
			found = append(found, text)
		}
	}
	if len(found) != 1 || own.Err != nil || len(own.Records)+len(own.Misses)+len(own.Alias) > 0 {
		return nil
	}
	r, _ := Parse(found[0])
	text, _ := a.mend(own, Published{found[0], r})
	return []check.Change{
		{Name: a.Domain, Type: "TXT", Old: found},
		{Name: name, Type: "TXT", New: []string{text}},
	}
}

// mend corrects one record. Where that leaves nothing better it returns the
// canonical text of what is published, and false.
//
// It starts from the canonical text, so that the order in which the owner wrote the
// tags does not decide what is mended; and it goes on until nothing changes, since a
// tag that goes may show that another of its name was lost in a value.
func (a *Analysis) mend(n *Node, p Published) (string, bool) {
	const most = 64 // tags; no honest record comes near
	canonical := p.Record.String()
	best, _ := Parse(canonical)
	if len(p.Record.Tags) > most || a.worse(n, best, p.Record) {
		return canonical, false
	}
	text := canonical
	for range 8 { // the second round hardly ever finds anything
		next := writeTags(a.mendTags(n, best))
		r, _ := Parse(next)
		if next == text || a.worse(n, r, p.Record) {
			break
		}
		text, best = next, r
	}
	better := text != canonical || len(best.Faults) < len(p.Record.Faults) ||
		!p.Record.secondIsPolicy() || !strings.Contains(p.Text, ";")
	return text, better && text != p.Text
}

// worse reports whether a record that was mended is void, or protects less, where
// the published one was not, or did.
func (a *Analysis) worse(n *Node, mended, published *Record) bool {
	return mended.Void() && !published.Void() || loosened(published, mended, a.ignoresSubdomains(n))
}

// mendTags corrects every tag once, and adds those that are missing.
func (a *Analysis) mendTags(n *Node, r *Record) []Tag {
	r, _ = Parse(splitLost(r))
	var tags []Tag
	for _, t := range r.Tags {
		t, ok := a.mendTag(n, r, t)
		twin := slices.ContainsFunc(tags, func(o Tag) bool { return o.Name == t.Name && o.canonical() == t.canonical() })
		if ok && !twin {
			tags = append(tags, t)
		}
	}
	add := func(name, value string) { tags = append(tags, Tag{Name: name, Value: value, Known: true, Valid: true}) }
	if _, ok := r.Tag("p"); !ok {
		add("p", string(None)) // what it comes to already (RFC 9989, 4.7)
	}
	if _, ok := r.Tag("psd"); !ok && a.underUnflagged(n) {
		add("psd", string(PSDNo))
	}
	return tags
}

// lostTag finds a tag that a missing semicolon made part of another's value.
var lostTag = regexp.MustCompile(`[ ,\t]+(adkim|aspf|fo|np|p|pct|psd|rf|ri|rua|ruf|sp|t)[ \t]*=`)

// splitLost puts semicolons where they are missing in values that are not valid,
// unless the record has the tag already.
func splitLost(r *Record) string {
	parts := []string{"v=DMARC1"}
	there := map[string]bool{}
	for _, t := range r.Tags {
		there[t.Name] = true
	}
	for _, t := range r.Tags[1:] {
		value := t.Value
		if t.Known && !t.Valid {
			value = lostTag.ReplaceAllStringFunc(value, func(found string) string {
				name := strings.Trim(found, " ,\t=")
				if there[name] {
					return found
				}
				there[name] = true
				return "; " + name + "="
			})
		}
		parts = append(parts, t.Name+"="+value)
	}
	return strings.Join(parts, "; ")
}

// mendTag corrects one tag; false takes it out. What only its owner can tell
// stays as it is.
func (a *Analysis) mendTag(n *Node, r *Record, t Tag) (Tag, bool) {
	switch t.Name {
	case "p", "sp", "np":
		ignored := t.Name != "p" && t.Valid && a.ignoresSubdomains(n)
		switch {
		case t.Value == "" && t.Name == "p":
			t.Value, t.Valid = string(None), true
		case !t.Valid:
			if p, ok := intended(t.Value); ok {
				t.Value, t.Valid = string(p), true
			}
		}
		return t, !ignored && t.Value != ""
	case "rua", "ruf":
		return mendURIs(t)
	case "fo":
		ruf, _ := r.Tag("ruf")
		if options := failureSet(t.Value); !t.Valid && options != "" {
			t.Value, t.Valid = options, true
		}
		return t, ruf.Value != "" && t.Valid
	case "psd":
		return t, t.Valid && (lowerASCII(t.Value) != string(PSDYes) || isSuffix(n.Name))
	case "adkim", "aspf", "t":
		return t, t.Valid // the default is what holds already
	}
	return t, false // v is written anyway; the rest no RFC defines any more, or ever did
}

// intended is the policy that a wrong value was meant to be: the one word that
// is at most two typing errors away. A shorter word than "none" says nothing.
func intended(value string) (Policy, bool) {
	word := lowerASCII(strings.Trim(value, "\"' \t"))
	if i := strings.IndexAny(word, " ,\t"); i > 0 {
		word = word[:i]
	}
	var best Policy
	found, nearest := 0, 2
	if len(word) < 3 || len(word) > 20 {
		return "", false
	}
	for _, p := range []Policy{None, Quarantine, Reject} {
		switch d := distance(word, string(p)); {
		case d < nearest, d == nearest && found == 0:
			best, nearest, found = p, d, 1
		case d == nearest:
			found++
		}
	}
	return best, found == 1
}

// distance counts the insertions, deletions, substitutions and swaps of
// neighbours between two words.
func distance(a, b string) int {
	var before []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		next := make([]int, len(b)+1)
		next[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			next[j] = min(row[j]+1, next[j-1]+1, row[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				next[j] = min(next[j], before[j-2]+1)
			}
		}
		before, row = row, next
	}
	return row[len(b)]
}

// mendURIs corrects a list of addresses. What cannot be corrected goes where
// another address is left; a list of such alone stays for its owner to see.
func mendURIs(t Tag) (Tag, bool) {
	var good []string
	for _, text := range splitURIs(t.Value) {
		text, _ = cutSize(text)
		u := parseURI(text)
		if u.Fault != "" {
			bare := strings.TrimLeft(text, " \t")
			if scheme, rest, ok := strings.Cut(bare, ":"); ok && lowerASCII(scheme) == "mailto" {
				bare = strings.TrimLeft(rest, "/ \t")
			}
			if u = parseURI("mailto:" + bare); u.Fault != "" {
				continue
			}
		}
		if !slices.Contains(good, u.Text) {
			good = append(good, u.Text)
		}
	}
	if len(good) > 0 {
		t.Value, t.Valid = strings.Join(good, ","), true
	}
	return t, t.Value != ""
}

// failureSet writes the options of fo that can be told, each once; of 0 and 1 the
// one that asks for more.
func failureSet(value string) string {
	var options []string
	for o := range strings.SplitSeq(lowerASCII(value), ":") {
		if o = strings.Trim(o, wsp); o != "0" && failureOptions([]string{o}) == "" && !slices.Contains(options, o) {
			options = append(options, o)
		}
	}
	return strings.Join(options, ":")
}

// loosened reports whether any receiver does less for any name with the new
// record than with the old one. The policies for names below may not count.
func loosened(old, mended *Record, ownOnly bool) bool {
	was, is := &Node{Records: []Published{{Record: old}}}, &Node{Records: []Published{{Record: mended}}}
	for _, role := range []struct{ below, missing bool }{{false, false}, {true, false}, {true, true}} {
		if role.below && ownOnly {
			break
		}
		before := newShare(stop{node: was}, true, role.below, role.missing)
		after := newShare(stop{node: is}, true, role.below, role.missing)
		if after.lenient().WeakerThan(before.lenient()) ||
			is.oldShare(role.below).lenient().WeakerThan(was.oldShare(role.below).lenient()) {
			return true
		}
	}
	return false
}

// secondIsPolicy reports whether p stands where RFC 7489, 6.4 wants it.
func (r *Record) secondIsPolicy() bool { return len(r.Tags) > 1 && r.Tags[1].Name == "p" }

// relevant are the nodes whose faults are the domain's: its own, those whose
// record applies, and while it has no record of its own, all that it could
// inherit one from up to its organizational domain.
func (a *Analysis) relevant() []*Node {
	if len(a.Nodes) == 0 {
		return nil
	}
	own := a.Nodes[0]
	inherits := own.Err == nil && own.Record() == nil
	return slices.DeleteFunc(slices.Clone(a.Nodes), func(n *Node) bool {
		return n != own && !slices.Contains(a.applied, n) &&
			!(inherits && dnsx.Below(n.Name, a.Old.OrganizationalDomain))
	})
}
