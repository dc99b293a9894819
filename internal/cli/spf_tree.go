package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/internal/idn"
	"github.com/mailcheck-go/mailcheck/provider"
	"github.com/mailcheck-go/mailcheck/spf"
)

// spfDrawOptions are the flags of "spf tree" and "spf senders".
type spfDrawOptions struct {
	network
	format       string
	all, noColor bool
}

func (o *spfDrawOptions) flags(cmd *cobra.Command) {
	o.network.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&o.format, "format", "text", "how to write it: text or json")
	f.BoolVar(&o.all, "all", false, "fold nothing, however long")
	f.BoolVar(&o.noColor, "no-color", false, "no colours (also with NO_COLOR set, or when the output is no terminal)")
	complete(cmd, "format", "text", "json")
}

func (o *spfDrawOptions) check() error {
	if o.format != "text" && o.format != "json" {
		return fmt.Errorf("--format %q: want text or json", o.format)
	}
	return nil
}

func (a *app) spfTreeCommand() *cobra.Command {
	var o spfDrawOptions
	cmd := &cobra.Command{
		Use:   "tree NAME",
		Short: "Draw a domain's SPF record with all that it includes, and what each term costs",
		Long: `tree draws the SPF record of a domain and the records that it leads to, in the order
of evaluation, for a client that no term matches. Of each term that asks the DNS it has

  cost   its lookups, with all that stands below it
  spent  the lookups of the whole evaluation when it comes to the term, its own
         counted: a client that the term matches costs that and what stands below
  void   its lookups that find nothing

Receivers stop at the eleventh lookup, and at the third void one (RFC 7208, 4.6.4).

Exit status: 0 drawn, 1 there is no record or more than one, 2 wrong usage, 3 the
record could not be read.`,
		Example: `  mailcheck spf tree acme.example
  mailcheck spf tree acme.example --zone zones/ --offline
  mailcheck spf tree acme.example --format json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.spfTree(cmd.Context(), &o, args[0]) },
	}
	o.flags(cmd)
	return cmd
}

func (a *app) spfTree(ctx context.Context, o *spfDrawOptions, arg string) error {
	if err := o.check(); err != nil {
		return err
	}
	src, err := a.source(&o.network)
	if err != nil {
		return err
	}
	name, err := a.spfName(src, arg)
	if err != nil {
		return err
	}
	an, err := analysisOf(ctx, src, o, name)
	if err != nil {
		return err
	}
	tree := newSPFTree(an)
	if o.format == "json" {
		err = writeJSON(a.Stdout, tree)
	} else {
		d := a.drawing(o.noColor)
		tree.draw(d, an, o.all)
		_, err = fmt.Fprint(a.Stdout, d.String())
	}
	if err != nil {
		return err
	}
	return recordStatus(an)
}

// spfName reads a name of the command line.
func (a *app) spfName(src *source, arg string) (string, error) {
	name, _, err := idn.Domain(arg)
	if err != nil {
		return "", err
	}
	if err := src.knows(name); err != nil {
		return "", err
	}
	a.notes(src, name)
	return name, nil
}

func analysisOf(ctx context.Context, src *source, o *spfDrawOptions, name string) (*spf.Analysis, error) {
	facts, err := spf.Discover(ctx, src.Resolver, name, spf.Options{Budget: o.timeout})
	if err != nil {
		return nil, err
	}
	return spf.Analyze(facts), nil
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

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// spfTree is "spf tree" as JSON; docs/json.md describes it.
type spfTree struct {
	Schema  string     `json:"schema"`
	Domain  string     `json:"domain"`
	Record  string     `json:"record,omitempty"`
	Problem string     `json:"problem,omitempty"`
	Lookups int        `json:"lookups"`
	Limit   int        `json:"lookups_limit"`
	Margin  int        `json:"margin"`
	Voids   int        `json:"void_lookups"`
	Worst   int        `json:"void_lookups_at_worst"`
	VoidMax int        `json:"void_lookups_limit"`
	Terms   []*spfTerm `json:"terms"`
	Unknown []string   `json:"unknown,omitempty"`
}

type spfTerm struct {
	Term     string     `json:"term"`
	Lookups  int        `json:"lookups"`
	Reached  int        `json:"lookups_reached"`
	Spent    int        `json:"lookups_spent"`
	Voids    int        `json:"void_lookups"`
	Passes   bool       `json:"passes_limit,omitempty"`
	Target   string     `json:"target,omitempty"`
	Provider string     `json:"provider,omitempty"`
	Again    bool       `json:"again,omitempty"`
	Open     bool       `json:"open,omitempty"`
	Problem  string     `json:"problem,omitempty"`
	Size     int        `json:"reply_size,omitempty"`
	Terms    []*spfTerm `json:"terms,omitempty"`

	directive *spf.Directive
	link      bool
}

func newSPFTree(an *spf.Analysis) *spfTree {
	t := &spfTree{
		Schema: "mailcheck/spf-tree/v1", Domain: an.Domain, Record: an.Text, Problem: problemOf(an.Nodes[an.Domain]),
		Lookups: an.Lookups, Limit: spf.MaxLookups, Margin: an.Margin(),
		Voids: an.Voids.Terms(), Worst: an.Voids.AtWorst(), VoidMax: spf.MaxVoids, Terms: []*spfTerm{}, Unknown: unknowns(an),
	}
	if t.Problem == "" && len(an.PermErrors) > 0 {
		t.Problem = fmt.Sprintf("permerror for whoever no earlier term matches: %s", an.PermErrors[0].Text)
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
		Term: v.Term, Lookups: v.Lookups, Reached: v.Before, Spent: v.Spent, Voids: v.Voids.Terms(), Passes: v.Passes(),
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
	if !n.link {
		return n
	}
	if p := provider.Builtin().BySPF(v.Target); p != nil {
		n.Provider = p.Name
	}
	switch {
	case v.Loop:
		n.Problem = "a loop"
	case v.Target == "":
		n.Problem = "depends on the message"
	case v.Node == nil:
		n.Problem = "not looked at: too many names"
	default:
		n.Problem, n.Size = problemOf(v.Node), v.Node.Size.Reply
	}
	return n
}

// problemOf says why a record cannot be evaluated.
func problemOf(n *spf.Node) string {
	switch {
	case n.Unread != nil:
		return n.Unread[0].Cause.Error()
	case len(n.Texts) == 0:
		return "no SPF record"
	case len(n.Texts) > 1:
		return fmt.Sprintf("%d SPF records", len(n.Texts))
	case !n.Valid():
		return fmt.Sprintf("%s: %s", n.Record.Faults[0].Term, n.Record.Faults[0].Reason)
	}
	return ""
}

// unknowns say what no DNS answer tells, or none told, each once.
func unknowns(an *spf.Analysis) (all []string) {
	seen := map[string]bool{}
	for _, gaps := range [][]check.Gap{an.Unread, an.Gaps, an.AddressGaps} {
		for _, g := range gaps {
			line := g.Subject
			switch {
			case g.Cause == nil:
			case strings.HasPrefix(g.Cause.Error(), g.Subject):
				line = g.Cause.Error()
			default:
				line += ": " + g.Cause.Error()
			}
			if !seen[line] {
				seen[line] = true
				all = append(all, line)
			}
		}
	}
	return all
}

const spfTermsShown = 30 // of one record, in text

func (t *spfTree) draw(d *drawing, an *spf.Analysis, all bool) {
	fmt.Fprintf(d, "%s  %s\n", d.ink(boldInk, d.fit(t.Domain, d.width-50)), t.sum(d))
	if t.Problem != "" {
		d.wrapped(d.ink(redInk, "✗"), t.Problem, 2)
	}
	if size := an.Size.Reply; size > spf.SmallReply {
		more := "resolvers without EDNS ask again over TCP"
		if size > spf.LargeReply {
			more = "resolvers ask again over TCP"
		}
		fmt.Fprintf(d, "the TXT answer takes %s octets: %s\n", thousands(uint64(size)), more)
	}
	if len(t.Terms) > 0 {
		fmt.Fprintf(d, "\n%s\n", d.ink(dimInk, "cost spent void"))
		t.branches(d, t.Terms, "", all)
	}
	d.unknowns(t.Unknown, all)
}

// sum is the headline: what the evaluation costs, and what is left.
func (t *spfTree) sum(d *drawing) string {
	ink, left := greenInk, fmt.Sprintf("%d left", t.Margin)
	switch {
	case t.Margin < 0:
		ink, left = redInk, fmt.Sprintf("%d too many", -t.Margin)
	case t.Margin <= 2:
		ink = yellowInk
	}
	const cells = 10
	full := min(t.Lookups, cells)
	bar := d.ink(ink, strings.Repeat("█", full)) + d.ink(dimInk, strings.Repeat("░", cells-full))
	void := fmt.Sprintf("%d of %d void", t.Voids, t.VoidMax)
	if t.Voids > t.VoidMax {
		void = d.ink(redInk, void)
	}
	return fmt.Sprintf("%s %d of %d lookups, %s; %s", bar, t.Lookups, t.Limit, d.ink(ink, left), void)
}

func (t *spfTree) branches(d *drawing, terms []*spfTerm, indent string, all bool) {
	for i := 0; i < len(terms); {
		if i >= spfTermsShown && !all && len(terms)-i > 1 {
			cost := 0
			for _, n := range terms[i:] {
				cost += n.Lookups
			}
			t.line(d, indent+"└─ ", fmt.Sprintf("… and %d more terms (--all)", len(terms)-i), &spfTerm{Lookups: cost, Reached: -1})
			return
		}
		n, run := terms[i], rangeRun(terms[i:])
		i += max(run, 1)
		fork, below := "├─ ", "│  "
		if i >= len(terms) {
			fork, below = "└─ ", "   "
		}
		if run > 1 {
			t.line(d, indent+fork, rangesText(terms[i-run:i]), &spfTerm{})
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

func rangesText(terms []*spfTerm) string {
	var sources []spf.Source
	for _, n := range terms {
		sources = append(sources, spf.Source{Prefix: n.directive.Prefix.Masked()})
	}
	s := fmt.Sprintf("%d × ip4 or ip6", len(terms))
	if q := terms[0].directive.Qualifier; q != spf.Pass {
		s += " (" + string(q) + ")"
	}
	return s + ": " + spaceText(spf.SpaceOf(sources))
}

// spaceText is how many addresses there are, in words.
func spaceText(s spf.Space) string {
	v4, v6 := numbered(s.IPv4, "IPv4 address", "IPv4 addresses"), numbered(s.IPv6, "IPv6 /64", "IPv6 /64s")
	switch {
	case s.IPv6 == 0:
		return v4
	case s.IPv4 == 0:
		return v6
	}
	return v4 + ", " + v6
}

// line writes one term: its figures, the branch, the text, and what is to be said of it.
func (t *spfTree) line(d *drawing, branch, text string, n *spfTerm) {
	figures := strings.Repeat(" ", 16)
	if n.Lookups > 0 {
		spent, void := fmt.Sprintf("%5d", n.Reached), "    "
		if n.Reached < 0 {
			spent = "     "
		}
		if n.Reached > t.Limit {
			spent = d.ink(redInk, spent)
		}
		if n.Voids > 0 {
			void = d.ink(yellowInk, fmt.Sprintf("%4d", n.Voids))
		}
		figures = fmt.Sprintf("%4d %s %s ", n.Lookups, spent, void)
	}
	var notes []string
	room := min(d.width-16-len([]rune(branch))-2, 60)
	add := func(ink, note string) { notes = append(notes, d.ink(ink, d.fit(note, room))) }
	if n.Provider != "" {
		add(cyanInk, n.Provider)
	}
	if n.Again {
		add(dimInk, "(as above)")
	}
	switch {
	case n.Problem == "":
	case n.Open && n.Target == "", n.Open && n.Size == 0:
		add(yellowInk, "? "+n.Problem)
	default:
		add(redInk, "✗ "+n.Problem)
	}
	if n.Size > spf.LargeReply {
		add(yellowInk, fmt.Sprintf("(an answer of %s octets)", thousands(uint64(n.Size))))
	}
	if n.Passes {
		add(redInk, "✗ the limit is passed here")
	}
	used := 16 + len([]rune(branch))
	text = d.fit(text, d.width-used)
	line := figures + d.ink(dimInk, branch) + text
	used += len([]rune(text))
	for _, note := range notes {
		plain := stripInk(note)
		if used+2+len([]rune(plain)) > d.width { // on a line of its own, under the term
			line += "\n" + strings.Repeat(" ", 16) + d.ink(dimInk, strings.NewReplacer("├─ ", "│  ", "└─ ", "   ").Replace(branch)) + "  " + note
			used = 16 + len([]rune(branch)) + 2 + len([]rune(plain))
			continue
		}
		line += "  " + note
		used += 2 + len([]rune(plain))
	}
	d.WriteString(strings.TrimRight(line, " ") + "\n")
}
