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

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/provider"
	"github.com/mailcheck-go/mailcheck/report"
	"github.com/mailcheck-go/mailcheck/spf"
)

func (a *app) spfSendersCommand() *cobra.Command {
	var o spfDrawOptions
	cmd := &cobra.Command{
		Use:   "senders [NAME…]",
		Short: "List the addresses that may send, by provider and way",
		Long: `senders lists the address ranges that a domain's SPF record passes, largest first, by
the provider that publishes them and the includes that lead to them. Bars are
logarithmic: each cell more stands for several times the addresses.

With several names, or with none and --zone, whose zones are then taken, it has one
line for each domain, the one that lets most addresses send first.

Exit status: 0 listed, 1 there is no record or more than one, 2 wrong usage, 3 the
record could not be read. With several names the worst, in the order 2, 1, 3, 0; those
that can be listed are.`,
		Example: `  mailcheck spf senders acme.example
  mailcheck spf senders acme.example --zone zones/ --offline --all
  mailcheck spf senders --zone zones/ --offline
  mailcheck spf senders acme.example --format json`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.spfSenders(cmd.Context(), &o, args) },
	}
	o.flags(cmd, "the list")
	return cmd
}

func (a *app) spfSenders(ctx context.Context, o *spfDrawOptions, args []string) error {
	d, err := a.begin(&o.writing)
	if err != nil {
		return err
	}
	src, err := a.source(&o.network)
	if err != nil {
		return err
	}
	d.whole = d.piped || o.all // for those who search in it
	names, bad, err := a.senderNames(src, args)
	if err != nil {
		return err
	}
	all, err := a.allSenders(ctx, src, o, names)
	if err != nil {
		return err
	}
	several := len(args) != 1
	switch {
	case len(all) == 0: // no name is one
	case o.format == "json" && several:
		err = a.putJSON(&o.writing, map[string]any{"schema": sendersSchema, "domains": all})
	case o.format == "json":
		err = a.putJSON(&o.writing, all[0])
	default:
		if several {
			drawSpaces(d, all)
		} else {
			all[0].draw(d, o.all)
		}
		err = a.put(&o.writing, d.String())
	}
	switch {
	case err != nil:
		return err
	case bad:
		return exitStatus(Usage)
	}
	var status error
	for _, s := range all {
		if code, ok := s.status.(exitStatus); ok && (status == nil || code == Found) {
			status = code
		}
	}
	return status
}

// senderNames reads the names. A bad one is reported and passed over.
func (a *app) senderNames(src *source, args []string) (names []string, bad bool, err error) {
	if len(args) == 0 && src.zones == nil {
		return nil, false, errors.New("name a domain, such as: mailcheck spf senders acme.example")
	}
	if len(args) == 0 {
		if names = src.zones.Apexes(); len(names) == 0 {
			return nil, false, errors.New("--zone: the files hold no whole zone: name a domain")
		}
		return names, false, nil
	}
	for _, arg := range args {
		name, err := spfName(src, arg)
		if err != nil {
			fmt.Fprintln(a.Stderr, "mailcheck:", report.Clean(err.Error()))
			bad = true
			continue
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names, bad, nil
}

// allSenders looks at names side by side. The largest comes first.
func (a *app) allSenders(ctx context.Context, src *source, o *spfDrawOptions, names []string) ([]*spfSenders, error) {
	facts, errs := make([]*spf.Facts, len(names)), make([]error, len(names))
	places := make(chan struct{}, domainsAtOnce)
	var wg sync.WaitGroup
	for i, name := range names {
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			facts[i], errs[i] = spf.Discover(ctx, src.Resolver, name, spf.Options{Budget: o.timeout})
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	all := make([]*spfSenders, len(names))
	for i, f := range facts {
		a.spfNotes(src, f)
		all[i], facts[i] = newSPFSenders(spf.Analyze(f)), nil
	}
	slices.SortStableFunc(all, func(a, b *spfSenders) int {
		return cmp.Or(cmp.Compare(b.IPv4, a.IPv4), cmp.Compare(b.IPv6, a.IPv6), strings.Compare(a.Domain, b.Domain))
	})
	return all, nil
}

const sendersSchema = "mailcheck/spf-senders/v1"

// spfSenders is "spf senders" as JSON; docs/json.md describes it.
type spfSenders struct {
	Schema string `json:"schema,omitempty"`
	Domain string `json:"domain"`
	Record string `json:"record,omitempty"`
	problem
	IPv4    uint64         `json:"ipv4_addresses"`
	IPv6    uint64         `json:"ipv6_networks"`
	All     bool           `json:"everybody"`
	Open    string         `json:"everybody_by,omitempty"`
	open    check.Text     // Open, to be translated
	Exact   bool           `json:"exact"`
	More    bool           `json:"may_be_more,omitempty"`
	Fewer   bool           `json:"may_be_fewer,omitempty"`
	Groups  []*senderGroup `json:"groups"`
	Unknown []check.Text   `json:"unknown,omitempty"`
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

	folded spf.Space // what of the prefixes that text leaves out gets a pass
}

type senderPrefix struct {
	Prefix netip.Prefix  `json:"prefix"`
	Term   string        `json:"term"`
	Left   *senderLeft   `json:"passing,omitempty"` // where not all of it gets a pass
	Within *senderWithin `json:"within,omitempty"`
}

type senderLeft struct {
	IPv4 uint64 `json:"ipv4_addresses"`
	IPv6 uint64 `json:"ipv6_networks"`
}

type senderWithin struct {
	Prefix netip.Prefix `json:"prefix"`
	In     string       `json:"in"`
}

func newSPFSenders(an *spf.Analysis) *spfSenders {
	s := &spfSenders{
		Schema: sendersSchema, Domain: an.Domain, Record: an.Text, problem: problemOfAll(an),
		IPv4: an.IPv4, IPv6: an.IPv6, Groups: []*senderGroup{}, Unknown: unknowns(an), Default: an.Default, status: recordStatus(an),
	}
	s.All, s.Exact, s.More, s.Fewer = an.Everybody(), an.Exact(), an.More, an.Fewer
	if len(an.Open) > 0 && s.IPv4+s.IPv6 > 0 {
		s.open = check.Textf("%s in the record of %s", an.Open[0].Term, an.Open[0].Name)
		s.Open = s.open.String()
	}
	s.group(an)
	for _, g := range s.Groups {
		g.sum(an)
	}
	slices.SortStableFunc(s.Groups, func(a, b *senderGroup) int {
		return cmp.Or(cmp.Compare(b.IPv4, a.IPv4), cmp.Compare(b.IPv6, a.IPv6))
	})
	return s
}

// group puts the ranges of a record into groups, by whose they are and the way to them.
func (s *spfSenders) group(an *spf.Analysis) {
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
		one := an.Authorized[i : i+1]
		if left := an.SpaceOf(one); left != spf.SpaceOf(one) {
			line.Left = &senderLeft{left.IPv4, left.IPv6}
		}
		if outer, ok := within[i]; ok {
			o := &an.Authorized[outer]
			line.Within = &senderWithin{o.Prefix, o.Name}
		}
		p.Prefixes = append(p.Prefixes, line)
	}
}

// sum puts the largest ranges first, and counts what gets a pass.
func (g *senderGroup) sum(an *spf.Analysis) {
	space := an.SpaceOf(g.sources)
	g.IPv4, g.IPv6, g.sources = space.IPv4, space.IPv6, nil
	for _, p := range g.Paths {
		slices.SortStableFunc(p.Prefixes, func(a, b senderPrefix) int {
			return cmp.Or(cmp.Compare(a.Prefix.Addr().BitLen(), b.Prefix.Addr().BitLen()), cmp.Compare(a.Prefix.Bits(), b.Prefix.Bits()))
		})
		var rest []spf.Source
		for _, l := range p.Prefixes[min(prefixesShown, len(p.Prefixes)):] {
			rest = append(rest, spf.Source{Prefix: l.Prefix})
		}
		p.folded = an.SpaceOf(rest)
	}
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
	prefixesShown = 6  // of one path, in text
	pathsShown    = 10 // of one group
	groupsShown   = 20
)

func (s *spfSenders) draw(d *drawing, all bool) {
	d.headline(s.Domain, d.ink(s.ink(), d.text(s.sum())))
	d.fault(s.Problem)
	if s.Open != "" {
		d.fault(check.Textf("it lets everybody pass: %s", s.open))
	}
	if len(s.Groups) > 1 {
		s.summary(d, all)
	}
	for i, g := range s.Groups {
		if i == groupsShown && !all {
			d.WriteString("\n" + d.text(plural(len(s.Groups)-i, "… and 1 more sender (--all)", "… and %d more senders (--all)")) + "\n")
			break
		}
		g.draw(d, s.Domain, all)
	}
	d.unknowns(s.Unknown, all)
	if len(s.Groups) > 0 {
		d.WriteString("\n")
		d.para("", 0, dimInk, d.say("Bars are logarithmic; full is every address."))
	}
}

// summary has a line for each group.
func (s *spfSenders) summary(d *drawing, all bool) {
	d.WriteString("\n")
	shown := s.Groups
	if !all {
		shown = shown[:min(len(shown), groupsShown)]
	}
	wide := 0
	for _, g := range shown {
		wide = max(wide, report.Columns(d.fit(g.title(d, s.Domain), 24)))
	}
	for _, g := range shown {
		const cells = 2 + 2 + sumsCells + 2
		d.para("  "+report.Pad(d.fit(g.title(d, s.Domain), 24), wide)+"  "+d.bar(bitsOf(g.IPv4), 32, sumsCells, greenInk)+"  ", wide+cells, "",
			d.text(spaceText(spf.Space{IPv4: g.IPv4, IPv6: g.IPv6})))
	}
}

// sum is how many may send, in words.
func (s *spfSenders) sum() check.Text {
	if s.All {
		return check.Textf("everybody may send")
	}
	return check.Textf("%s may send", boundText(spaceText(spf.Space{IPv4: s.IPv4, IPv6: s.IPv6}), s.More, s.Fewer))
}

func (s *spfSenders) ink() string {
	if s.All {
		return redInk
	}
	if s.IPv4 > 1<<20 || !s.Problem.IsZero() {
		return yellowInk
	}
	return greenInk
}

func (g *senderGroup) title(d *drawing, domain string) string {
	if g.Name == domain {
		return d.say("its own ranges")
	}
	return g.Name
}

func (g *senderGroup) draw(d *drawing, domain string, all bool) {
	d.WriteString("\n" + d.ink(cyanInk, d.fit(g.title(d, domain), d.width)) + "\n")
	for i, p := range g.Paths {
		if i == pathsShown && !all {
			d.WriteString("  " + d.text(plural(len(g.Paths)-i, "… and 1 more record (--all)", "… and %d more records (--all)")) + "\n")
			break
		}
		p.draw(d, all)
	}
}

func (p *senderPath) draw(d *drawing, all bool) {
	way := d.say("in the record of %s", p.In)
	if len(p.Path) > 0 {
		way = d.say("by way of %s", stepsText(p.Path))
	}
	d.WriteString("  " + d.ink(dimInk, d.fit(way, d.width-2)) + "\n")
	for i, line := range p.Prefixes {
		if i == prefixesShown && !all && len(p.Prefixes)-i > 1 {
			d.WriteString("    " + d.say("… and %d more: %s (--all)", len(p.Prefixes)-i, spaceText(p.folded)) + "\n")
			return
		}
		line.draw(d)
	}
}

func (l *senderPrefix) draw(d *drawing) {
	bits := l.Prefix.Addr().BitLen()
	free := bits - l.Prefix.Bits()
	size := thousands(1 << min(free, 32))
	switch {
	case bits == 32:
	case free <= 64:
		size = "1 /64"
	case free > 64+20:
		size = fmt.Sprintf("2^%d /64s", free-64)
	default:
		size = thousands(1<<(free-64)) + " /64s"
	}
	const prefixCells, sizeCells = 24, 13
	prefix := report.Pad(l.Prefix.String(), prefixCells)
	size = padLeft(size, max(0, prefixCells+1+sizeCells-len(prefix)))
	d.WriteString("    " + prefix + size + "  " + d.bar(float64(free), float64(bits), barCells, greenInk))
	if note := l.note(d); note != "" {
		if used := 4 + prefixCells + 1 + sizeCells + 2 + barCells + 2; used+report.Columns(note) > d.width {
			d.WriteString("\n      " + d.ink(dimInk, d.fit(note, d.width-6)))
		} else {
			d.WriteString("  " + d.ink(dimInk, note))
		}
	}
	d.WriteString("\n")
}

// note is the term where it does not say the range itself, and what the range lies in.
func (l *senderPrefix) note(d *drawing) string {
	var notes []string
	if !l.literal() {
		notes = append(notes, report.Clean(l.Term))
	}
	switch {
	case l.Left == nil:
	case l.Left.IPv4+l.Left.IPv6 == 0:
		notes = append(notes, d.say("nobody of it passes"))
	case l.Prefix.Addr().Is4():
		notes = append(notes, d.say("%s of it pass", thousands(l.Left.IPv4)))
	default:
		notes = append(notes, d.say("%s of it pass", thousands(l.Left.IPv6)+" /64s"))
	}
	if l.Within != nil {
		notes = append(notes, d.say("in %s of %s", l.Within.Prefix.String(), l.Within.In))
	}
	return strings.Join(notes, ", ")
}

// literal reports that the term says the range itself.
func (l *senderPrefix) literal() bool {
	mechanism, value, _ := strings.Cut(strings.TrimPrefix(l.Term, "+"), ":")
	if !strings.HasPrefix(strings.ToLower(mechanism), "ip") {
		return false
	}
	if prefix, err := netip.ParsePrefix(value); err == nil {
		return prefix == l.Prefix
	}
	return true
}
