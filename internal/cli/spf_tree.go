package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mailcheck-go/mailcheck/internal/idn"
	"github.com/mailcheck-go/mailcheck/report"
	"github.com/mailcheck-go/mailcheck/spf"
)

func (a *app) spfTreeCommand() *cobra.Command {
	var n network
	cmd := &cobra.Command{
		Use:   "tree NAME",
		Short: "Draw a domain's SPF record with all that it includes, and what each term costs",
		Long: `tree draws the SPF record of a domain and the records that it leads to. Each line has
the lookups that the term costs a client which no term matches, with all that stands
below it; receivers stop at 10 (RFC 7208, 4.6.4).

Exit status: 0 drawn, 1 there is no record or more than one, 2 wrong usage, 3 the
record could not be read.`,
		Example: `  mailcheck spf tree acme.example
  mailcheck spf tree acme.example --zone zones/ --offline`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.spfTree(cmd.Context(), &n, args[0]) },
	}
	n.flags(cmd)
	return cmd
}

func (a *app) spfTree(ctx context.Context, n *network, arg string) error {
	name, _, err := idn.Domain(arg)
	if err != nil {
		return err
	}
	src, err := a.source(n)
	if err != nil {
		return err
	}
	if err := src.knows(name); err != nil {
		return err
	}
	a.notes(src, name)
	facts, err := spf.Discover(ctx, src.Resolver, name, spf.Options{Budget: n.timeout})
	if err != nil {
		return err
	}
	tree := newSPFTree(spf.Analyze(facts))
	if _, err := fmt.Fprint(a.Stdout, tree.String()); err != nil {
		return err
	}
	switch root := tree.Nodes[name]; {
	case root.Unread != nil:
		return exitStatus(NotKnown)
	case root.Record == nil:
		return exitStatus(Found)
	}
	return nil
}

// spfTree draws an analysis.
type spfTree struct {
	*spf.Analysis
	strings.Builder
	targets map[[2]string]string // by the record's name and what stands in it
	drawn   map[string]bool
	path    map[string]bool // drawn, and what is drawn now stands below
}

func newSPFTree(a *spf.Analysis) *spfTree {
	t := &spfTree{Analysis: a, targets: map[[2]string]string{}, drawn: map[string]bool{}, path: map[string]bool{}}
	for _, l := range a.Links {
		t.targets[[2]string{l.In, l.Spec}] = l.Target
	}
	root := a.Nodes[a.Domain]
	t.line("%s: %d of %d lookups, %d of %d void at worst%s", a.Domain, a.Lookups, spf.MaxLookups, a.Voids.Terms(), spf.MaxVoids, problemOf(root))
	t.draw(root, "")
	return t
}

// line cleans what came out of the DNS.
func (t *spfTree) line(format string, args ...any) {
	t.WriteString(report.Clean(fmt.Sprintf(format, args...)) + "\n")
}

// branch is a term, or several that ask nobody.
type branch struct {
	text string
	cost int
	note string
	node *spf.Node // that it leads to; nil where it is not drawn below
}

func (t *spfTree) draw(n *spf.Node, indent string) {
	t.drawn[n.Name], t.path[n.Name] = true, true
	defer delete(t.path, n.Name)
	branches := t.branches(n)
	for i, b := range branches {
		fork, below := "├─", "│  "
		if i == len(branches)-1 {
			fork, below = "└─", "   "
		}
		again := b.node != nil && t.drawn[b.node.Name]
		if again && len(b.node.Record.Directives) > 0 {
			b.note += "  (as above)"
		}
		t.line("%s%s %2d  %s%s", indent, fork, b.cost, b.text, b.note)
		if b.node != nil && !again {
			t.draw(b.node, indent+below)
		}
	}
}

func (t *spfTree) branches(n *spf.Node) (all []branch) {
	if n.Record == nil {
		return nil
	}
	ranges := 0
	flush := func() {
		if ranges > 0 {
			all = append(all, branch{text: fmt.Sprintf("%d × ip4 or ip6", ranges)})
			ranges = 0
		}
	}
	last := n.Record.All()
	for i := range n.Record.Directives {
		d := &n.Record.Directives[i]
		switch d.Mechanism {
		case spf.IP4, spf.IP6:
			ranges++
			continue
		case spf.All:
			flush()
			all = append(all, branch{text: d.String()})
		case spf.Include:
			flush()
			all = append(all, t.link(n, d.String(), d.Domain))
		default:
			flush()
			all = append(all, branch{text: d.String(), cost: 1 + names(d.Domain)})
		}
		if i == last {
			return all // nothing behind it is evaluated (RFC 7208, 5.1)
		}
	}
	flush()
	if to := n.Record.Redirect; !to.IsZero() {
		all = append(all, t.link(n, "redirect="+to.Raw, to))
	}
	return all
}

// names is the lookup that %{p} costs besides (RFC 7208, 4.6.4).
func names(spec spf.MacroString) int {
	for _, p := range spec.Parts {
		if p.Letter == 'p' {
			return 1
		}
	}
	return 0
}

// link is a term that leads to another record.
func (t *spfTree) link(n *spf.Node, text string, spec spf.MacroString) branch {
	b := branch{text: text, cost: 1 + names(spec)}
	target := t.targets[[2]string{n.Name, spec.Raw}]
	node := t.Nodes[target]
	switch {
	case target == "":
		b.note = "  (depends on the message)"
	case node == nil:
		b.note = "  (not looked at: too many names)"
	case t.path[target]:
		b.note = "  ✗ a loop"
	default:
		b.cost += node.Lookups
		if b.note = problemOf(node); node.Record != nil {
			b.node = node
		}
	}
	return b
}

// problemOf says why a record cannot be evaluated.
func problemOf(n *spf.Node) string {
	switch {
	case n.Unread != nil:
		return fmt.Sprintf("  ? %s", n.Unread[0].Cause)
	case len(n.Texts) == 0:
		return "  ✗ no SPF record"
	case len(n.Texts) > 1:
		return fmt.Sprintf("  ✗ %d SPF records", len(n.Texts))
	case !n.Valid():
		return fmt.Sprintf("  ✗ %s: %s", n.Record.Faults[0].Term, n.Record.Faults[0].Reason)
	}
	return ""
}
