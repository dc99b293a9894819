package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/provider"
	"github.com/mailcheck-go/mailcheck/report"
	"github.com/mailcheck-go/mailcheck/spf"
)

// flatText writes a plan for people. What comes out of the DNS is cleaned line by line.
type flatText struct {
	strings.Builder
	plan  *spf.Flattening
	now   time.Time
	ttl   time.Duration
	width int
	color bool
}

func (a *app) flatText(o *spfFlattenOptions, plan *spf.Flattening) *flatText {
	var opts report.Options
	a.terminal(&output{noColor: o.noColor}, &opts)
	return &flatText{plan: plan, now: a.Now(), ttl: o.ttl, width: max(cmp.Or(opts.Width, 80), 40), color: opts.Color}
}

const (
	inkBold   = "1"
	inkDim    = "2"
	inkRed    = "31"
	inkGreen  = "32"
	inkYellow = "33"
)

func (t *flatText) ink(code, s string) string {
	if !t.color || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// line writes a text at an indent, wrapped at blanks, that of a list item below its first
// word; a word longer than the line stands whole.
func (t *flatText) line(indent int, code, format string, args ...any) {
	line, first := "", indent
	flush := func() {
		t.WriteString(strings.Repeat(" ", first) + t.ink(code, line) + "\n")
		line, first = "", indent
	}
	if strings.HasPrefix(format, "- ") {
		indent += 2
	}
	for word := range strings.FieldsSeq(report.Clean(fmt.Sprintf(format, args...))) {
		if line != "" && first+len([]rune(line))+1+len([]rune(word)) > t.width {
			flush()
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	if line != "" {
		flush()
	}
}

func (t *flatText) head(s string) { t.WriteString("\n" + t.ink(inkBold, s) + "\n") }

// planned is the whole plan.
func (t *flatText) planned(o *spfFlattenOptions, facts *spf.Facts) string {
	p := t.plan
	t.verdict()
	if len(p.Replaced) > 0 {
		t.costs()
	}
	if len(p.Kept) > 0 {
		t.head("Kept")
		for _, k := range p.Kept {
			t.line(2, "", "%s", k.Term)
			t.line(6, inkDim, "%s; %s%s", lookups(k.Lookups), keptText(&k), way(k.Path))
		}
	}
	if len(p.Replaced) > 0 {
		t.head("Replaced by addresses")
	}
	for _, r := range p.Replaced {
		t.line(2, "", "%s", r.Term)
		t.line(6, inkDim, "%s; %s%s%s", lookups(r.Lookups), ranges(r.Ranges), t.holds(&r.First), way(r.Path))
	}
	if len(p.Records) > 0 && len(p.Replaced) > 0 {
		t.head(t.toPublish())
		t.WriteString(zoneLines(p, t.ttl))
		t.warnings(o, facts)
	}
	return t.String()
}

func (t *flatText) toPublish() string {
	if len(t.plan.Records) > 1 {
		return "To publish: the helper records first, the domain's own when they are there"
	}
	return "To publish"
}

// verdict is what comes of it, in a sentence.
func (t *flatText) verdict() {
	p := t.plan
	switch {
	case len(p.Problems) > 0:
		t.line(0, inkRed, "%s cannot be flattened", p.Domain)
		for _, why := range p.Problems {
			t.line(2, "", "%s", why)
		}
	case len(p.Replaced) == 0:
		t.line(0, inkYellow, "%s: there is nothing to flatten; %s stay", p.Domain, lookups(p.Before.Lookups))
	case p.Unread():
		t.line(0, inkYellow, "%s: %s instead of %d, as far as it could be read; what could not stays as it is", p.Domain, lookups(p.After.Lookups), p.Before.Lookups)
	default:
		t.line(0, inkGreen, "%s: %s instead of %d", p.Domain, lookups(p.After.Lookups), p.Before.Lookups)
	}
}

func (t *flatText) costs() {
	p := t.plan
	t.WriteString("\n")
	t.bar("before", &p.Before)
	if p.After.Octets > 0 {
		t.bar("after", &p.After)
	}
}

// bar shows lookups against their limit.
func (t *flatText) bar(label string, c *spf.FlatCost) {
	const most = 30
	full := min(c.Lookups, most)
	in, over := min(full, spf.MaxLookups), max(full-spf.MaxLookups, 0)
	text := t.ink(inkGreen, strings.Repeat("■", in)) + t.ink(inkDim, strings.Repeat("·", spf.MaxLookups-in)) + t.ink(inkRed, strings.Repeat("■", over))
	helpers := ""
	if c.Helpers > 0 {
		helpers = ", " + plural(c.Helpers, "helper record")
	}
	pad := strings.Repeat(" ", min(max(t.plan.Before.Lookups, t.plan.After.Lookups, spf.MaxLookups), most)-spf.MaxLookups-over)
	fmt.Fprintf(t, "  %-6s  %s%s  %d of %d\n", label, text, pad, c.Lookups, spf.MaxLookups)
	t.line(10, inkDim, "%s, %d octets of TXT at %s%s", plural(c.Ranges, "range"), c.Octets, t.plan.Domain, helpers)
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func lookups(n int) string { return plural(n, "lookup") }

func ranges(n int) string {
	if n == 0 {
		return "no address"
	}
	return plural(n, "range")
}

// way says where a term stood.
func way(path []spf.Step) string {
	if len(path) == 0 {
		return ""
	}
	terms := make([]string, len(path))
	for i, s := range path {
		terms[i] = s.Term
	}
	return "; by way of " + strings.Join(terms, ", ")
}

func keptText(k *spf.Kept) string {
	if _, name, ok := strings.Cut(k.Term, ":"); ok && k.Reason == spf.KeptByName {
		if p := provider.Builtin().BySPF(name); p != nil && p.LiteralInclude {
			return p.Name + " looks for this include itself"
		}
	}
	return k.Text.String()
}

// holds says until when an answer may be relied on.
func (t *flatText) holds(e *spf.Expiry) string {
	if e.Question.Name == "" {
		return ""
	}
	return fmt.Sprintf(", until %s by %s", t.until(e), e.Question)
}

func (t *flatText) until(e *spf.Expiry) string {
	if e.Until.IsZero() {
		return "its TTL of " + remaining(e.TTL) + " is over"
	}
	left := e.Until.Sub(t.now)
	if left <= 0 {
		return e.Until.UTC().Format("2006-01-02 15:04:05 UTC") + " (over)"
	}
	return e.Until.UTC().Format("2006-01-02 15:04:05 UTC") + " (in " + remaining(left) + ")"
}

// remaining writes a time in one unit, rounded down.
func remaining(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d h", d/time.Hour)
	case d >= 2*time.Minute:
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	return fmt.Sprintf("%d s", d/time.Second)
}

// warnings say what flattening takes on, and what else there is.
func (t *flatText) warnings(o *spfFlattenOptions, facts *spf.Facts) {
	p := t.plan
	t.head("Before you publish")
	if len(p.Answers) > 0 {
		t.line(2, "", "- The addresses are sure until %s: then TXT, A and MX records may say something else, and %s is the first. Run this again on a schedule, or mail of your senders fails on the day they move.",
			t.until(&p.Answers[0]), p.Answers[0].Question)
	}
	if o.from == "" {
		t.line(2, "", "- Keep the record as it is now: the flattened one does not say what it was made of. Publish it as _spf-source.%s and give --from the next time.", p.Domain)
	}
	if p.Before.Lookups <= spf.MaxLookups {
		t.line(2, "", "- %s of %d: it works without being flattened.", lookups(p.Before.Lookups), spf.MaxLookups)
	} else {
		t.instead(o, facts)
	}
	if p.After.Octets > o.Size {
		t.line(2, "", "- %d octets of TXT records at %s are more than %d: answers may not fit into a UDP packet.", p.After.Octets, p.Domain, o.Size)
	}
}

// instead names a term without which the record would be within the limit, and one that
// is enough to flatten.
func (t *flatText) instead(o *spfFlattenOptions, facts *spf.Facts) {
	p := t.plan
	t.line(2, "", "- Is every sender still in use? Taking a term out, or giving its sender a subdomain as envelope sender, needs no upkeep.")
	own := slices.DeleteFunc(slices.Clone(p.Replaced), func(r spf.Replaced) bool { return len(r.Path) > 0 || !strings.Contains(r.Term, "include:") })
	slices.SortStableFunc(own, func(a, b spf.Replaced) int { return b.Lookups - a.Lookups })
	for _, r := range own[:min(len(own), 10)] {
		if p.Before.Lookups-r.Lookups <= spf.MaxLookups {
			t.line(2, "", "- Without %s alone (%s) it would be within the limit.", r.Term, lookups(r.Lookups))
			break
		}
	}
	if len(o.Only) > 0 || facts == nil || len(own) < 2 {
		return
	}
	for _, r := range own[:min(len(own), 10)] {
		_, name, _ := strings.Cut(r.Term, ":")
		some := o.FlattenOptions
		some.Only = []string{name}
		if less, err := spf.Flatten(facts, some); err == nil && len(less.Problems) == 0 && len(less.Replaced) > 0 {
			t.line(2, "", "- Less is enough: --only %s makes it %s.", name, lookups(less.After.Lookups))
			return
		}
	}
}

// compared says what is published otherwise than the plan has it.
func (t *flatText) compared(changes []check.Change) string {
	p := t.plan
	if len(changes) == 0 {
		t.line(0, inkGreen, "%s: published as flatten would write it now, %s", p.Domain, plural(len(p.Records), "record"))
		return t.String()
	}
	t.line(0, inkRed, "%s: what is published differs in %s", p.Domain, plural(len(changes), "record"))
	for _, c := range changes {
		t.head(report.Clean(c.Name))
		gone, fresh := t.terms(c.Old, c.New, "-", inkRed), t.terms(c.New, c.Old, "+", inkGreen)
		if !gone && !fresh {
			t.line(2, "", "the same terms, written otherwise")
		}
	}
	return t.String()
}

// terms lists those of the first records that are not in the others; false where there
// are none.
func (t *flatText) terms(these, others []string, sign, code string) (listed bool) {
	there := map[string]bool{}
	for _, text := range others {
		for term := range strings.FieldsSeq(text) {
			there[term] = true
		}
	}
	for _, text := range these {
		for term := range strings.FieldsSeq(text) {
			if !there[term] {
				t.line(2, code, "%s %s", sign, term)
				listed = true
			}
		}
	}
	return listed
}
