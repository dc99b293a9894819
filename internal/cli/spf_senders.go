package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/provider"
	"github.com/mailcheck-go/mailcheck/report"
	"github.com/mailcheck-go/mailcheck/spf"
)

func (a *app) spfSendersCommand() *cobra.Command {
	var o spfDrawOptions
	cmd := &cobra.Command{
		Use:   "senders [NAME…]",
		Short: "List the addresses that may send as a domain, by provider and way",
		Long: `senders lists the address ranges that a domain's SPF record passes, largest first, by
the provider that publishes them and the includes that lead to them. Bars are
logarithmic: each cell more stands for several times the addresses.

With several names, or with none and --zone, whose zones are then taken, it has one
line for each domain, the one that lets most addresses send first.

Exit status: 0 listed, 1 there is no record or more than one, 2 wrong usage, 3 the
record could not be read. With several names the worst, in the order 1, 3, 0.`,
		Example: `  mailcheck spf senders acme.example
  mailcheck spf senders acme.example --zone zones/ --offline --all
  mailcheck spf senders --zone zones/ --offline
  mailcheck spf senders acme.example --format json`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.spfSenders(cmd.Context(), &o, args) },
	}
	o.flags(cmd)
	return cmd
}

func (a *app) spfSenders(ctx context.Context, o *spfDrawOptions, args []string) error {
	if err := o.check(); err != nil {
		return err
	}
	src, err := a.source(&o.network)
	if err != nil {
		return err
	}
	several := len(args) > 1
	if len(args) == 0 {
		if src.zones == nil {
			return errors.New("name a domain, such as: mailcheck spf senders acme.example")
		}
		if args = src.zones.Apexes(); len(args) == 0 {
			return errors.New("--zone: the files hold no whole zone: name a domain")
		}
		several = true
	} else {
		for i, arg := range args {
			if args[i], err = a.spfName(src, arg); err != nil {
				return err
			}
		}
	}
	all, err := allSenders(ctx, src, o, args)
	if err != nil {
		return err
	}
	switch {
	case o.format == "json" && several:
		err = writeJSON(a.Stdout, map[string]any{"schema": sendersSchema, "domains": all})
	case o.format == "json":
		err = writeJSON(a.Stdout, all[0])
	default:
		d := a.drawing(o.noColor)
		if several {
			drawSpaces(d, all)
		} else {
			all[0].draw(d, o.all)
		}
		_, err = fmt.Fprint(a.Stdout, d.String())
	}
	if err != nil {
		return err
	}
	var status error
	for _, s := range all {
		if code, ok := s.status.(exitStatus); ok && (status == nil || code == Found) {
			status = code
		}
	}
	return status
}

// allSenders looks at names side by side. The largest comes first.
func allSenders(ctx context.Context, src *source, o *spfDrawOptions, names []string) ([]*spfSenders, error) {
	all, errs := make([]*spfSenders, len(names)), make([]error, len(names))
	places := make(chan struct{}, domainsAtOnce)
	var wg sync.WaitGroup
	for i, name := range names {
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			an, err := analysisOf(ctx, src, o, name)
			if errs[i] = err; err == nil {
				all[i] = newSPFSenders(an)
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	slices.SortStableFunc(all, func(a, b *spfSenders) int {
		return cmp.Or(cmp.Compare(b.IPv4, a.IPv4), cmp.Compare(b.IPv6, a.IPv6), strings.Compare(a.Domain, b.Domain))
	})
	return all, nil
}

const sendersSchema = "mailcheck/spf-senders/v1"

// spfSenders is "spf senders" as JSON; docs/json.md describes it.
type spfSenders struct {
	Schema  string         `json:"schema,omitempty"`
	Domain  string         `json:"domain"`
	Record  string         `json:"record,omitempty"`
	Problem string         `json:"problem,omitempty"`
	IPv4    uint64         `json:"ipv4_addresses"`
	IPv6    uint64         `json:"ipv6_networks"`
	Groups  []*senderGroup `json:"groups"`
	Unknown []string       `json:"unknown,omitempty"`
	Default spf.Result     `json:"others_get,omitempty"`

	status error
}

type senderGroup struct {
	Name     string        `json:"name"`
	Provider string        `json:"provider,omitempty"` // its id
	IPv4     uint64        `json:"ipv4_addresses"`
	IPv6     uint64        `json:"ipv6_networks"`
	Paths    []*senderPath `json:"paths"`

	sources []spf.Source
}

type senderPath struct {
	In       string         `json:"in"`
	Path     []spf.Step     `json:"path"`
	Prefixes []senderPrefix `json:"prefixes"`
}

type senderPrefix struct {
	Prefix netip.Prefix  `json:"prefix"`
	Term   string        `json:"term"`
	Within *senderWithin `json:"within,omitempty"`
}

type senderWithin struct {
	Prefix netip.Prefix `json:"prefix"`
	In     string       `json:"in"`
}

func newSPFSenders(an *spf.Analysis) *spfSenders {
	s := &spfSenders{
		Schema: sendersSchema, Domain: an.Domain, Record: an.Text, Problem: problemOf(an.Nodes[an.Domain]),
		IPv4: an.IPv4, IPv6: an.IPv6, Groups: []*senderGroup{}, Unknown: unknowns(an), Default: an.Default, status: recordStatus(an),
	}
	if s.Problem == "" && len(an.PermErrors) > 0 {
		s.Problem = fmt.Sprintf("permerror for whoever no earlier term matches: %s", an.PermErrors[0].Text)
	}
	within := map[int]int{}
	for _, o := range an.Overlaps {
		within[o.Inner] = o.Outer
	}
	groups := map[string]*senderGroup{}
	paths := map[string]*senderPath{}
	for i := range an.Authorized {
		src := &an.Authorized[i]
		name, id := sentBy(an.Domain, src)
		g := groups[name]
		if g == nil {
			g = &senderGroup{Name: name, Provider: id}
			groups[name] = g
			s.Groups = append(s.Groups, g)
		}
		g.sources = append(g.sources, *src)
		key := name + " " + src.Name
		p := paths[key]
		if p == nil {
			p = &senderPath{In: src.Name, Path: append([]spf.Step{}, src.Path...)}
			paths[key] = p
			g.Paths = append(g.Paths, p)
		}
		line := senderPrefix{Prefix: src.Prefix, Term: src.Term}
		if outer, ok := within[i]; ok {
			o := &an.Authorized[outer]
			line.Within = &senderWithin{o.Prefix, o.Name}
		}
		p.Prefixes = append(p.Prefixes, line)
	}
	for _, g := range s.Groups {
		space := spf.SpaceOf(g.sources)
		g.IPv4, g.IPv6, g.sources = space.IPv4, space.IPv6, nil
		for _, p := range g.Paths {
			slices.SortStableFunc(p.Prefixes, func(a, b senderPrefix) int {
				return cmp.Or(cmp.Compare(a.Prefix.Addr().BitLen(), b.Prefix.Addr().BitLen()), cmp.Compare(a.Prefix.Bits(), b.Prefix.Bits()))
			})
		}
	}
	slices.SortStableFunc(s.Groups, func(a, b *senderGroup) int {
		return cmp.Or(cmp.Compare(b.IPv4, a.IPv4), cmp.Compare(b.IPv6, a.IPv6))
	})
	return s
}

// sentBy names whose senders a range holds: the first known provider on the way to it;
// else the domain, where no include leads out of it; else the first name outside.
func sentBy(domain string, s *spf.Source) (name, id string) {
	outside := ""
	for i := range s.Path {
		to := s.Name
		if i+1 < len(s.Path) {
			to = s.Path[i+1].Name
		}
		if p := provider.Builtin().BySPF(to); p != nil {
			return p.Name, p.ID
		}
		if outside == "" && !dnsx.Below(to, domain) {
			outside = to
		}
	}
	return cmp.Or(outside, domain), ""
}

const (
	prefixesShown = 10 // of one path, in text
	pathsShown    = 10 // of one group
	groupsShown   = 20
)

func (s *spfSenders) draw(d *drawing, all bool) {
	fmt.Fprintf(d, "%s  %s\n", d.ink(boldInk, d.fit(s.Domain, d.width-50)), d.ink(s.ink(), spaceText(spf.Space{IPv4: s.IPv4, IPv6: s.IPv6})+" may send"))
	if s.Problem != "" {
		d.wrapped(d.ink(redInk, "✗"), s.Problem, 2)
	}
	for i, g := range s.Groups {
		if i == groupsShown && !all {
			fmt.Fprintf(d, "\n… and %d more senders (--all)\n", len(s.Groups)-i)
			break
		}
		g.draw(d, s.Domain, all)
	}
	d.unknowns(s.Unknown, all)
	if len(s.Groups) > 0 {
		fmt.Fprintln(d, d.ink(dimInk, "\nBars are logarithmic; full is every address."))
	}
}

func (s *spfSenders) ink() string {
	if s.IPv4 > 1<<20 {
		return yellowInk
	}
	return greenInk
}

func (g *senderGroup) draw(d *drawing, domain string, all bool) {
	name := g.Name
	if name == domain {
		name = "its own ranges"
	}
	fmt.Fprintf(d, "\n%s  %s\n", d.ink(cyanInk, d.fit(name, d.width/2)), spaceText(spf.Space{IPv4: g.IPv4, IPv6: g.IPv6}))
	for i, p := range g.Paths {
		if i == pathsShown && !all {
			fmt.Fprintf(d, "  … and %d more records (--all)\n", len(g.Paths)-i)
			break
		}
		p.draw(d, all)
	}
}

func (p *senderPath) draw(d *drawing, all bool) {
	way := "in the record of " + p.In
	if len(p.Path) > 0 {
		steps := make([]string, 0, len(p.Path))
		for _, step := range p.Path {
			steps = append(steps, step.Term)
		}
		way = "by " + strings.Join(steps, " › ")
	}
	fmt.Fprintf(d, "  %s\n", d.ink(dimInk, d.fit(way, d.width-2)))
	for i, line := range p.Prefixes {
		if i == prefixesShown && !all && len(p.Prefixes)-i > 1 {
			rest := make([]spf.Source, 0, len(p.Prefixes)-i)
			for _, l := range p.Prefixes[i:] {
				rest = append(rest, spf.Source{Prefix: l.Prefix})
			}
			fmt.Fprintf(d, "    … and %d more: %s (--all)\n", len(rest), spaceText(spf.SpaceOf(rest)))
			return
		}
		line.draw(d)
	}
}

func (l *senderPrefix) draw(d *drawing) {
	bits := l.Prefix.Addr().BitLen()
	free := bits - l.Prefix.Bits()
	size := thousands(1 << min(free, 32))
	if bits == 128 {
		size = fmt.Sprintf("2^%d", free)
	}
	bar := d.bar(float64(free), float64(bits), greenInk)
	text := fmt.Sprintf("    %s %s %s", padded(l.Prefix.String(), 24), strings.Repeat(" ", max(0, 13-len(size)))+size, bar)
	var notes []string
	if !strings.HasPrefix(l.Term, "ip") {
		notes = append(notes, l.Term)
	}
	if l.Within != nil {
		notes = append(notes, fmt.Sprintf("in %s of %s", l.Within.Prefix, l.Within.In))
	}
	if len(notes) > 0 {
		note := report.Clean(strings.Join(notes, ", "))
		if used := 4 + 24 + 1 + 13 + 1 + barCells + 2; used+len([]rune(note)) > d.width {
			text += "\n      " + d.ink(dimInk, d.fit(note, d.width-6))
		} else {
			text += "  " + d.ink(dimInk, note)
		}
	}
	fmt.Fprintln(d, text)
}

// drawSpaces writes one line a domain, and how they are spread.
func drawSpaces(d *drawing, all []*spfSenders) {
	wide := len("domain")
	for _, s := range all {
		if len(s.Groups)+len(s.Unknown) > 0 {
			wide = max(wide, min(len([]rune(report.Clean(s.Domain))), 30))
		}
	}
	fmt.Fprintf(d, "%s\n", d.ink(dimInk, fmt.Sprintf("%-*s %14s %-*s %s", wide, "domain", "IPv4 addresses", barCells, "logarithmic", "senders")))
	var none, nobody, unread, open int
	var counts []uint64
	for _, s := range all {
		switch code, _ := s.status.(exitStatus); {
		case code == NotKnown:
			unread++
		case code == Found:
			none++
		case len(s.Groups) == 0 && len(s.Unknown) == 0:
			nobody++
		default:
			counts = append(counts, s.IPv4)
			if len(s.Unknown) > 0 {
				open++
			}
			d.WriteString(s.line(d, wide))
		}
	}
	fmt.Fprintf(d, "\nof %s\n", numbered(uint64(len(all)), "domain", "domains"))
	for _, row := range []struct {
		n    int
		text string
	}{{len(counts), "name senders"}, {nobody, "let nobody send"}, {none, "have no SPF record, or several"}, {unread, "could not be read"}} {
		if row.n > 0 {
			fmt.Fprintf(d, "  %5d  %s\n", row.n, row.text)
		}
	}
	if len(counts) == 0 {
		return
	}
	over := func(n uint64) (count int) {
		for _, c := range counts {
			if c > n {
				count++
			}
		}
		return count
	}
	fmt.Fprintln(d, "of those that name senders")
	for _, n := range []uint64{1e6, 1e5, 1e4, 1e3} {
		fmt.Fprintf(d, "  %5d  let more than %s addresses send\n", over(n), thousands(n))
	}
	fmt.Fprintf(d, "         the median is %s\n", thousands(counts[len(counts)/2]))
	if open > 0 {
		fmt.Fprintf(d, "  %5d  %s may let more send: not all that they lead to is known\n", open, d.ink(yellowInk, "+"))
	}
}

func (s *spfSenders) line(d *drawing, wide int) string {
	count := thousands(s.IPv4)
	more := " "
	if len(s.Unknown) > 0 {
		more = d.ink(yellowInk, "+")
	}
	names := make([]string, 0, len(s.Groups))
	for _, g := range s.Groups {
		name := g.Name
		if name == s.Domain {
			name = "own"
		}
		names = append(names, name)
	}
	return fmt.Sprintf("%s %13s%s %s %s\n", padded(d.fit(s.Domain, wide), wide), count, more,
		d.bar(bitsOf(s.IPv4), 32, s.ink()), d.fit(strings.Join(names, ", "), d.width-wide-14-barCells-3))
}
