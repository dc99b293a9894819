package main

import (
	"cmp"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/spf"
)

// trial is a case that was judged.
type trial struct {
	session session
	world   *world
	ours    spf.Verdict
	peers   map[string]said
	class   map[string][]string // by peer that disagrees, the classes that explain it together
}

// times are Unix times, which peers take when they come to it.
var times = regexp.MustCompile(`1[789][0-9]{8}`)

// agrees compares result, and explanation where both give one.
func (t *trial) agrees(name string) bool {
	x := t.peers[name]
	if x.Result != string(t.ours.Result) {
		return false
	}
	if x.Result != "fail" || name == goPeer {
		return true
	}
	theirs, ours := x.Explanation, t.ours.Explanation
	if theirs == "DEFAULT" || theirs == "" || ours == "" {
		return (theirs == "DEFAULT" || theirs == "") == (ours == "")
	}
	// Names have no case, and nobody says in which one they are written.
	return strings.EqualFold(times.ReplaceAllString(theirs, "TIME"), times.ReplaceAllString(ours, "TIME"))
}

// write prints a case in full.
func (t *trial) write(w io.Writer) {
	s := t.session
	fmt.Fprintf(w, "case %d: client %s, MAIL FROM %q, HELO %q\n", s.ID, s.IP, s.Sender, s.Helo)
	for _, name := range sorted(t.world.known()) {
		n := t.world.known()[name]
		if n.absent || n.fault != dnsx.NoError || len(n.records) == 0 {
			fmt.Fprintf(w, "  %s ; NXDOMAIN %v, %v, or no data\n", name, n.absent, n.fault)
		}
		for typ, code := range n.faults {
			fmt.Fprintf(w, "  %s %s ; %s\n", name, typ, code)
		}
		for _, typ := range []dnsx.Type{dnsx.TypeCNAME, dnsx.TypeTXT, dnsx.TypeSPF, dnsx.TypeMX, dnsx.TypeA, dnsx.TypeAAAA, dnsx.TypePTR} {
			for _, rr := range n.records[typ] {
				fmt.Fprintf(w, "  %s\n", rr)
			}
		}
	}
	v := t.ours
	fmt.Fprintf(w, "  mailcheck: %s, %d lookups, %d void, %d hosts void, explanation %q\n", v.Result, v.Lookups, v.Voids, v.VoidHosts, v.Explanation)
	if v.Problem != nil {
		fmt.Fprintf(w, "    %s: %s\n", v.Problem.Kind, v.Problem)
	}
	for _, e := range v.Trace {
		fmt.Fprintf(w, "    %d %s %s: %s (%d lookups, %d void)\n", e.Depth, e.Name, e.Term, e.Outcome, e.Lookups, e.Voids)
	}
	for _, name := range sorted(t.peers) {
		x := t.peers[name]
		mark := ""
		if class, ok := t.class[name]; ok {
			mark = " <- " + strings.Join(class, ", ")
			if class == nil {
				mark = " <- IN NO CLASS"
			}
		}
		fmt.Fprintf(w, "  %s: %s (%s), explanation %q%s\n", name, x.Result, x.Reason, x.Explanation, mark)
	}
}

// table counts trials.
type table struct {
	peers   []string
	cases   int
	results map[string]int
	agree   map[string]int // by peer
	classes map[string]int
	first   map[string]int // case of each class
	open    []*trial
	all     map[string][]*trial       // some of each class
	pairs   map[string]map[string]int // by class: who says what against what
}

func newTable(peers []string) *table {
	return &table{peers: peers, results: map[string]int{}, agree: map[string]int{}, classes: map[string]int{}, first: map[string]int{}, all: map[string][]*trial{}, pairs: map[string]map[string]int{}}
}

func (t *table) add(x *trial) {
	t.cases++
	t.results[string(x.ours.Result)]++
	open := false
	for _, name := range t.peers {
		class, differs := x.class[name]
		switch {
		case !differs:
			t.agree[name]++
		case class == nil:
			open = true
		default:
			for _, id := range class {
				t.classes[id]++
				if n, ok := t.first[id]; !ok || x.session.ID < n {
					t.first[id] = x.session.ID
				}
				if t.pairs[id] == nil {
					t.pairs[id] = map[string]int{}
				}
				t.pairs[id][fmt.Sprintf("mailcheck %s, %s %s", x.ours.Result, name, x.peers[name].Result)]++
				if len(t.all[id]) < 20 {
					t.all[id] = append(t.all[id], x)
				}
			}
		}
	}
	if open {
		t.open = append(t.open, x)
	}
}

func (t *table) write(w io.Writer, show int, class string) {
	// Those first in which peers agree against us.
	slices.SortFunc(t.open, func(a, b *trial) int { return cmp.Or(b.against()-a.against(), a.session.ID-b.session.ID) })
	for _, x := range t.open[:min(len(t.open), show)] {
		x.write(w)
	}
	for _, x := range t.all[class] {
		x.write(w)
	}
	for _, id := range sorted(t.pairs) {
		if id != class && class != "all" {
			continue
		}
		for _, pair := range sorted(t.pairs[id]) {
			fmt.Fprintf(w, "%6d  %s: %s\n", t.pairs[id][pair], id, pair)
		}
	}
	fmt.Fprint(w, "results:")
	for _, result := range sorted(t.results) {
		fmt.Fprintf(w, " %s %d", result, t.results[result])
	}
	fmt.Fprintln(w)
	for _, name := range t.peers {
		fmt.Fprintf(w, "%s agrees in %d of %d cases, %.1f%%\n", name, t.agree[name], t.cases, 100*float64(t.agree[name])/float64(max(t.cases, 1)))
	}
	for _, c := range classes {
		if n := t.classes[c.id]; n > 0 {
			fmt.Fprintf(w, "%6d  %-28s first %-6d %-22s %s\n", n, c.id, t.first[c.id], c.section, c.why)
		}
	}
	fmt.Fprintf(w, "%6d  in no class\n", len(t.open))
	tally := map[string]int{}
	for _, x := range t.open {
		for name, class := range x.class {
			if class == nil {
				tally[name+": "+string(x.ours.Result)+" and "+x.peers[name].Result+" "+firstWords(x.peers[name].Reason)]++
			}
		}
	}
	keys := sorted(tally)
	slices.SortStableFunc(keys, func(a, b string) int { return tally[b] - tally[a] })
	for _, k := range keys[:min(len(keys), 90)] {
		fmt.Fprintf(w, "%8d %s\n", tally[k], k)
	}
}

// against is how many peers that are in no class say the same.
func (t *trial) against() (most int) {
	votes := map[string]int{}
	for name, class := range t.class {
		if class == nil {
			votes[t.peers[name].Result]++
			most = max(most, votes[t.peers[name].Result])
		}
	}
	return most
}

func firstWords(s string) string {
	words := strings.Fields(s)
	for i, w := range words {
		if strings.ContainsAny(w, "':=%/") || strings.ContainsAny(w, "0123456789") {
			words[i] = "#"
		}
	}
	return strings.Join(words[:min(len(words), 9)], " ")
}

// markdown is the table of classes in docs/architecture.md.
func markdown() string {
	var b strings.Builder
	b.WriteString("| class | who | section | right | what |\n|---|---|---|---|---|\n")
	for _, c := range classes {
		right := "mailcheck"
		if c.both {
			right = "both"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", c.id, strings.Join(c.peers, ", "), c.section, right, c.why)
	}
	return b.String()
}
