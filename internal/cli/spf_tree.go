package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/internal/idn"
	"github.com/mailcheck-go/mailcheck/provider"
	"github.com/mailcheck-go/mailcheck/report"
	"github.com/mailcheck-go/mailcheck/spf"
)

// spfDrawOptions are the flags of "spf tree" and "spf senders".
type spfDrawOptions struct {
	network
	writing
	all bool
}

func (o *spfDrawOptions) flags(cmd *cobra.Command, what string) {
	o.network.flags(cmd)
	o.writing.flags(cmd, what, "text", "json")
	cmd.Flags().BoolVar(&o.all, "all", false, "fold nothing, however long")
}

func (a *app) spfTreeCommand() *cobra.Command {
	var o spfDrawOptions
	cmd := &cobra.Command{
		Use:   "tree NAME",
		Short: "Draw a record with all that it includes, and what each term costs",
		Long: `tree draws the SPF record of a domain and the records that it leads to, in the order
of evaluation, for a client that no term matches. Of each term that asks the DNS it has

  cost   its lookups, with all that stands below it
  spent  the lookups of the whole evaluation when it comes to the term, its own
         counted: a client that the term matches costs that and what stands below
  void   its lookups that find nothing, for clients of the address family for which
         they are more: an a of an IPv4 host finds nothing for an IPv6 client

Receivers stop at the eleventh lookup, and many at the third void one (RFC 7208, 4.6.4).

Exit status: 0 drawn, 1 there is no record or more than one, 2 wrong usage, 3 the
record could not be read.`,
		Example: `  mailcheck spf tree acme.example
  mailcheck spf tree acme.example --zone zones/ --offline
  mailcheck spf tree acme.example --format json`,
		Args: exactly("name a domain, such as: mailcheck spf tree acme.example"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.spfTree(cmd.Context(), &o, args[0]) },
	}
	o.flags(cmd, "the tree")
	return cmd
}

func (a *app) spfTree(ctx context.Context, o *spfDrawOptions, arg string) error {
	d, err := a.begin(&o.writing)
	if err != nil {
		return err
	}
	src, err := a.source(&o.network)
	if err != nil {
		return err
	}
	name, err := spfName(src, arg)
	if err != nil {
		return err
	}
	an, err := a.analysisOf(ctx, src, o, name)
	if err != nil {
		return err
	}
	tree := newSPFTree(an)
	if o.format == "json" {
		err = a.putJSON(&o.writing, tree)
	} else {
		tree.draw(d, an, o.all)
		err = a.put(&o.writing, d.String())
	}
	if err != nil {
		return err
	}
	return recordStatus(an)
}

// spfName reads a name of the command line.
func spfName(src *source, arg string) (string, error) {
	name, _, err := idn.Domain(arg)
	if err != nil {
		return "", err
	}
	return name, src.knows(name)
}

func (a *app) analysisOf(ctx context.Context, src *source, o *spfDrawOptions, name string) (*spf.Analysis, error) {
	facts, err := spf.Discover(ctx, src.Resolver, name, spf.Options{Budget: o.timeout})
	if err != nil {
		return nil, err
	}
	a.spfNotes(src, facts)
	return spf.Analyze(facts), nil
}

// spfNotes says on stderr what the files have for a name that SPF leads to, where an
// answer is missing that it could have given. Other notes are no matter of SPF.
func (a *app) spfNotes(src *source, facts *spf.Facts) {
	a.notesOf(src, func(name string) bool {
		return slices.ContainsFunc(facts.Replies, func(r dnsx.Reply) bool { return r.Question.Name == name && r.Err() != nil })
	})
}

// recordStatus is the exit status where a record is drawn.
func recordStatus(an *spf.Analysis) error {
	switch {
	case an.Unread != nil:
		return exitStatus(NotKnown)
	case an.Record == nil:
		return exitStatus(Found)
	}
	return nil
}

// spfTree is "spf tree" as JSON; docs/json.md describes it.
type spfTree struct {
	Schema string `json:"schema"`
	Domain string `json:"domain"`
	Record string `json:"record,omitempty"`
	problem
	Lookups int          `json:"lookups"`
	Exact   bool         `json:"lookups_exact"` // else they may be more
	Limit   int          `json:"lookups_limit"`
	Margin  int          `json:"margin"`
	Voids   int          `json:"void_lookups"`
	Voids4  int          `json:"void_lookups_ipv4"`
	Voids6  int          `json:"void_lookups_ipv6"`
	Worst   int          `json:"void_lookups_at_worst"`
	VoidMax int          `json:"void_lookups_limit"`
	Terms   []*spfTerm   `json:"terms"`
	Unknown []check.Text `json:"unknown,omitempty"`
}

// problem is why a record cannot be evaluated.
type problem struct {
	Problem check.Text `json:"problem,omitzero"`
	// Kind is a spf.ProblemKind; "dns" may be better another time. It is "loop",
	// "message" or "bound" where a term leads to no record that was read.
	Kind spf.ProblemKind `json:"problem_kind,omitempty"`
}

type spfTerm struct {
	Term     string `json:"term"`
	Lookups  int    `json:"lookups"`
	Reached  int    `json:"lookups_reached"`
	Spent    int    `json:"lookups_spent"`
	Voids    int    `json:"void_lookups"`
	Voids4   int    `json:"void_lookups_ipv4"`
	Voids6   int    `json:"void_lookups_ipv6"`
	Passes   bool   `json:"passes_limit,omitempty"`
	Passes4  bool   `json:"passes_void_limit_ipv4,omitempty"`
	Passes6  bool   `json:"passes_void_limit_ipv6,omitempty"`
	Target   string `json:"target,omitempty"`
	Provider string `json:"provider,omitempty"`
	Again    bool   `json:"again,omitempty"`
	Open     bool   `json:"open,omitempty"`
	problem
	Size  int        `json:"reply_size,omitempty"`
	Terms []*spfTerm `json:"terms,omitempty"`

	directive *spf.Directive
	link      bool
}

func newSPFTree(an *spf.Analysis) *spfTree {
	t := &spfTree{
		Schema: "mailcheck/spf-tree/v1", Domain: an.Domain, Record: an.Text, problem: problemOfAll(an),
		Lookups: an.Lookups, Exact: len(an.Gaps) == 0, Limit: spf.MaxLookups, Margin: an.Margin(),
		Voids: an.Voids.Terms(), Voids4: an.Voids.IPv4, Voids6: an.Voids.IPv6, Worst: an.Voids.AtWorst(), VoidMax: spf.MaxVoids, Terms: []*spfTerm{}, Unknown: unknowns(an),
	}
	into := []*[]*spfTerm{&t.Terms} // by depth
	for v := range an.Walk() {
		n := newSPFTerm(&v)
		into = append(into[:len(v.Path)+1], &n.Terms)
		*into[len(v.Path)] = append(*into[len(v.Path)], n)
	}
	return t
}

func newSPFTerm(v *spf.Visit) *spfTerm {
	n := &spfTerm{
		Term: v.Term, Lookups: v.Lookups, Reached: v.Before, Spent: v.Spent, Passes: v.OverLimit(),
		Voids: v.Voids.Terms(), Voids4: v.Voids.IPv4, Voids6: v.Voids.IPv6,
		Target: v.Target, Again: v.Again, Open: v.Open, directive: v.Directive,
		link: v.Directive == nil || v.Directive.Mechanism == spf.Include,
	}
	switch {
	case v.Lookups == 0:
	case v.Node != nil:
		n.Reached += v.Lookups - v.Node.Lookups
	default:
		n.Reached += v.Lookups
	}
	if v.Node == nil || v.Again {
		const most = spf.MaxVoids
		before4, before6 := v.SpentVoids.IPv4-n.Voids4, v.SpentVoids.IPv6-n.Voids6
		n.Passes4 = before4 <= most && v.SpentVoids.IPv4 > most
		n.Passes6 = before6 <= most && v.SpentVoids.IPv6 > most
	}
	if !n.link {
		return n
	}
	if p := provider.Builtin().BySPF(v.Target); p != nil {
		n.Provider = p.Name
	}
	switch {
	case v.Loop:
		n.problem = problem{check.Textf("a loop"), "loop"}
	case v.Target == "" && !v.Open:
		n.problem = problem{check.Textf("no domain name"), spf.ProblemName}
	case v.Target == "":
		n.problem = problem{check.Textf("depends on the message"), "message"}
	case v.Node == nil:
		n.problem = problem{check.Textf("not looked at: too many names"), "bound"}
	default:
		n.problem, n.Size = problemOf(v.Node), v.Node.Size.Reply
	}
	return n
}

// problemOfAll says why the domain's record cannot be evaluated, or not by all clients.
func problemOfAll(an *spf.Analysis) problem {
	p := problemOf(an.Nodes[an.Domain])
	if voids := voidsText(an.Voids.IPv4, an.Voids.IPv6); p.Problem.IsZero() && !voids.IsZero() {
		p = problem{voids, spf.ProblemVoids}
	}
	if len(an.PermErrors) > 0 && (p.Problem.IsZero() || p.Kind == spf.ProblemVoids) {
		c := an.PermErrors[0]
		p = problem{check.Textf("permerror for every client that no earlier term matches: %s", c.Text), c.Kind}
	}
	return p
}

// problemOf says why a record cannot be evaluated.
func problemOf(n *spf.Node) problem {
	switch {
	case n.Unread != nil:
		return problem{gapText(n.Unread[0]), spf.ProblemDNS}
	case len(n.Texts) == 0:
		return problem{check.Textf("no SPF record"), spf.ProblemNoRecord}
	case len(n.Texts) > 1:
		return problem{check.Textf("%d SPF records", len(n.Texts)), spf.ProblemSeveral}
	case !n.Valid():
		return problem{check.Textf("%s: %s", short(n.Record.Faults[0].Term), n.Record.Faults[0].Text()), spf.ProblemSyntax}
	}
	return problem{}
}

// unknowns say what no DNS answer tells, or none told, each once.
func unknowns(an *spf.Analysis) (all []check.Text) {
	seen := map[string]bool{}
	for _, gaps := range [][]check.Gap{an.Unread, an.Gaps, an.AddressGaps} {
		for _, g := range gaps {
			text := gapText(g)
			if s := text.String(); !seen[s] {
				seen[s] = true
				all = append(all, text)
			}
		}
	}
	return all
}

const spfTermsShown = 30 // of one record, in text

func (t *spfTree) draw(d *drawing, an *spf.Analysis, all bool) {
	d.headline(t.Domain, t.sum(d))
	d.fault(t.Problem)
	if size := an.Size.Reply; size > spf.LargeReply {
		d.para("", 0, "", d.say("the TXT answer takes %s octets: resolvers ask again over TCP", thousands(uint64(size))))
	} else if size > spf.SmallReply {
		d.para("", 0, "", d.say("the TXT answer takes %s octets: resolvers without EDNS ask again over TCP", thousands(uint64(size))))
	}
	if len(t.Terms) > 0 {
		d.WriteString("\n" + d.ink(dimInk, d.label("cost spent void")) + "\n")
		t.branches(d, t.Terms, "", all)
	}
	d.unknowns(t.Unknown, all)
}

// sum is the headline: what the evaluation costs, and what is left.
func (t *spfTree) sum(d *drawing) string {
	count, left, ink := check.Textf("%d of %d lookups", t.Lookups, t.Limit), check.Textf("%d left", t.Margin), lookupsInk(t.Lookups)
	switch {
	case t.Lookups > t.Limit:
		left = check.Textf("%d too many", -t.Margin)
	case t.Margin < 0:
		left, ink = check.Textf("a loop"), redInk
	case !t.Exact:
		left = check.Textf("at most %d left", t.Margin)
	}
	if !t.Exact {
		count = check.Textf("%d or more of %d lookups", t.Lookups, t.Limit)
	}
	var void string
	switch {
	case t.Voids4 != t.Voids6 && !t.Exact:
		void = d.say("%d or more of %d void for IPv4 clients, %d or more for IPv6", t.Voids4, t.VoidMax, t.Voids6)
	case t.Voids4 != t.Voids6:
		void = d.say("%d of %d void for IPv4 clients, %d for IPv6", t.Voids4, t.VoidMax, t.Voids6)
	case !t.Exact:
		void = d.say("%d or more of %d void", t.Voids, t.VoidMax)
	default:
		void = d.say("%d of %d void", t.Voids, t.VoidMax)
	}
	if t.Voids > t.VoidMax {
		void = d.ink(redInk, void)
	}
	bar := d.lookupsBar(t.Lookups) + "  "
	sum := bar + fmt.Sprintf(d.label("%s, %s; %s"), d.text(count), d.ink(ink, d.text(left)), void)
	if rest, ok := strings.CutSuffix(sum, void); ok && 2+report.Columns(stripInk(sum)) > d.width {
		return strings.TrimRight(rest, " ") + "\n" + strings.Repeat(" ", 2+report.Columns(stripInk(bar))) + void
	}
	return sum
}

func (t *spfTree) branches(d *drawing, terms []*spfTerm, indent string, all bool) {
	for i := 0; i < len(terms); {
		if i >= spfTermsShown && !all && len(terms)-i > 1 {
			cost := 0
			for _, n := range terms[i:] {
				cost += n.Lookups
			}
			t.line(d, indent+"└─ ", d.say("… and %d more terms (--all)", len(terms)-i), &spfTerm{Lookups: cost, Reached: -1})
			return
		}
		n, run := terms[i], rangeRun(terms[i:])
		i += max(run, 1)
		fork, below := "├─ ", "│  "
		if i >= len(terms) {
			fork, below = "└─ ", "   "
		}
		if run > 1 {
			t.line(d, indent+fork, d.text(rangesText(terms[i-run:i])), &spfTerm{})
			continue
		}
		t.line(d, indent+fork, n.Term, n)
		t.branches(d, n.Terms, indent+below, all)
	}
}

// rangeRun counts the ip4 and ip6 terms that a list begins with, of one qualifier.
func rangeRun(terms []*spfTerm) (n int) {
	for ; n < len(terms); n++ {
		d := terms[n].directive
		if d == nil || !d.Prefix.IsValid() || d.Qualifier != terms[0].directive.Qualifier {
			break
		}
	}
	return n
}

func rangesText(terms []*spfTerm) check.Text {
	var sources []spf.Source
	for _, n := range terms {
		sources = append(sources, spf.Source{Prefix: n.directive.Prefix.Masked()})
	}
	space := spaceText(spf.SpaceOf(sources))
	if q := terms[0].directive.Qualifier; q != spf.Pass {
		return check.Textf("%d × ip4 or ip6 (%s): %s", len(terms), string(q), space)
	}
	return check.Textf("%d × ip4 or ip6: %s", len(terms), space)
}

const figureCells = 16 // of the columns in front of the tree

// figures are the columns in front of a term.
func (t *spfTree) figures(d *drawing, n *spfTerm) string {
	if n.Lookups == 0 {
		return strings.Repeat(" ", figureCells)
	}
	spent, void := "     ", "    "
	if n.Reached >= 0 {
		spent = fmt.Sprintf("%5d", n.Reached)
	}
	if n.Reached > t.Limit {
		spent = d.ink(redInk, spent)
	}
	if n.Voids > 0 {
		void = d.ink(yellowInk, fmt.Sprintf("%4d", n.Voids))
	}
	return fmt.Sprintf("%4d %s %s ", n.Lookups, spent, void)
}

// line writes one term: its figures, the branch, the text, and what is to be said of it.
func (t *spfTree) line(d *drawing, branch, text string, n *spfTerm) {
	under := strings.NewReplacer("├─ ", "│  ", "└─ ", "   ").Replace(branch)
	if len(n.Terms) > 0 {
		under += "│  "
	}
	used := figureCells + report.Columns(branch)
	text = d.fit(text, d.width-used)
	line := t.figures(d, n) + d.ink(dimInk, branch) + text
	used += report.Columns(text)
	for _, note := range t.notes(d, n) {
		indent := figureCells + report.Columns(under) + 2
		note = d.fit(note, d.width-indent)
		if used+2+report.Columns(note) > d.width { // on a line of its own, under the term
			line += "\n" + strings.Repeat(" ", figureCells) + d.ink(dimInk, under)
			used = figureCells + report.Columns(under)
		}
		line += "  " + d.ink(inkOfNote(note), note)
		used += 2 + report.Columns(note)
	}
	d.WriteString(strings.TrimRight(line, " ") + "\n")
}

// notes are what is to be said of a term.
func (t *spfTree) notes(d *drawing, n *spfTerm) (notes []string) {
	if n.Provider != "" {
		notes = append(notes, n.Provider)
	}
	switch {
	case len(n.Terms) > 0 || n.Voids4 == n.Voids6:
	case n.Voids4 == 0:
		notes = append(notes, d.say("(void for IPv6 clients)"))
	case n.Voids6 == 0:
		notes = append(notes, d.say("(void for IPv4 clients)"))
	}
	if n.Again {
		notes = append(notes, d.say("(as above)"))
	}
	switch {
	case n.Problem.IsZero():
	case n.Open && n.Target == "", n.Open && n.Size == 0:
		notes = append(notes, "? "+d.text(n.Problem))
	default:
		notes = append(notes, "✗ "+d.text(n.Problem))
	}
	if n.Size > spf.LargeReply {
		notes = append(notes, "! "+d.say("an answer of %s octets", thousands(uint64(n.Size))))
	}
	if n.Passes {
		notes = append(notes, "✗ "+d.say("the limit is passed here"))
	}
	switch {
	case n.Passes4 && n.Passes6:
		notes = append(notes, "✗ "+d.say("one void lookup too many"))
	case n.Passes4:
		notes = append(notes, "✗ "+d.say("one void lookup too many for IPv4 clients"))
	case n.Passes6:
		notes = append(notes, "✗ "+d.say("one void lookup too many for IPv6 clients"))
	}
	return notes
}

// inkOfNote goes by the mark that a note begins with.
func inkOfNote(note string) string {
	switch mark, _, _ := strings.Cut(note, " "); {
	case mark == "✗":
		return redInk
	case mark == "?":
		return magentaInk
	case mark == "!":
		return yellowInk
	case strings.HasPrefix(mark, "("), strings.HasPrefix(mark, "（"):
		return dimInk
	}
	return cyanInk
}
