package cli

import (
	"slices"
	"strings"
	"time"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/provider"
	"github.com/mailcheck-go/mailcheck/report"
	"github.com/mailcheck-go/mailcheck/spf"
)

// flatText writes a plan for people.
type flatText struct {
	*drawing
	plan *spf.Flattening
	now  time.Time
	ttl  time.Duration
}

// planned is the whole plan.
func (t *flatText) planned(o *spfFlattenOptions, facts *spf.Facts) {
	p := t.plan
	t.verdict()
	if len(p.Replaced) > 0 {
		t.costs()
	}
	if len(p.Kept) > 0 {
		t.head(t.label("Kept"))
	}
	for i, k := range p.Kept {
		if t.folded(i, len(p.Kept)) {
			break
		}
		t.term(k.Term, "%s; %s", k.Path, lookups(k.Lookups), keptText(&k))
	}
	if len(p.Problems) > 0 {
		return
	}
	if len(p.Replaced) > 0 {
		t.head(t.label("Replaced by addresses"))
	}
	for i, r := range p.Replaced {
		if t.folded(i, len(p.Replaced)) {
			break
		}
		if r.First.Question.Name == "" {
			t.term(r.Term, "%s; %s", r.Path, lookups(r.Lookups), ranges(r.Ranges))
		} else {
			t.term(r.Term, "%s; %s, valid for %s (%s)", r.Path, lookups(r.Lookups), ranges(r.Ranges), remaining(t.left(&r.First)), r.First.Question.String())
		}
	}
	if len(p.Records) > 0 && len(p.Replaced) > 0 {
		if len(p.Records) > 1 {
			t.head(t.label("To publish: the helper records first, the domain's own when they are there"))
		} else {
			t.head(t.label("To publish"))
		}
		for line := range strings.Lines(zoneLines(p, t.ttl)) {
			name, rest, _ := strings.Cut(line, " ") // the lines are long: one sees where each begins
			t.WriteString(t.ink(boldInk, name) + " " + rest)
		}
		t.warnings(o, facts)
	}
}

// folded says that the rest of a list is left out; JSON has all of it.
func (t *flatText) folded(i, of int) bool {
	const most = 20
	if i < most || of == most+1 {
		return false
	}
	t.WriteString("  " + t.say("… and %d more", of-i) + "\n")
	return true
}

// term writes one of the record, and what is to be said of it.
func (t *flatText) term(term, format string, path []spf.Step, args ...any) {
	t.WriteString("  " + t.fit(term, t.width-2) + "\n")
	text := check.Textf(format, args...)
	if len(path) > 0 {
		text = check.Textf("%s; by way of %s", text, short(stepsText(path)))
	}
	t.para(strings.Repeat(" ", 6), 6, dimInk, t.text(text))
}

// item is one of a list.
func (t *flatText) item(format string, args ...any) { t.para("  - ", 4, "", t.say(format, args...)) }

// verdict is what comes of it, in a sentence.
func (t *flatText) verdict() {
	p := t.plan
	after, before := lookups(p.After.Lookups), p.Before.Lookups
	switch {
	case len(p.Problems) > 0:
		t.headline(p.Domain, t.ink(redInk, t.say("cannot be flattened")))
		for _, why := range p.Problems {
			t.fault(why)
		}
	case len(p.Replaced) == 0:
		t.headline(p.Domain, t.ink(lookupsInk(before), t.text(t.stays())))
	case p.Unread():
		t.headline(p.Domain, t.ink(yellowInk, t.say("%s instead of %d, as far as it could be read", after, before)))
	default:
		t.headline(p.Domain, t.ink(lookupsInk(p.After.Lookups), t.say("%s instead of %d", after, before)))
	}
	switch now, then := &p.Before, &p.After; {
	case now.Voids <= spf.MaxVoids:
	case len(p.Replaced) == 0, then.Voids > spf.MaxVoids:
		t.fault(voidsText(now.Voids4, now.Voids6))
	default:
		t.fault(check.Textf("as it is published: %s", voidsText(now.Voids4, now.Voids6)))
	}
}

func (t *flatText) costs() {
	p := t.plan
	t.WriteString("\n")
	before, after := t.label("before"), t.label("after")
	wide := max(report.Columns(before), report.Columns(after))
	t.cost(report.Pad(before, wide), &p.Before)
	if p.After.Octets > 0 {
		t.cost(report.Pad(after, wide), &p.After)
	}
}

// cost shows lookups against their limit, and what else a record costs.
func (t *flatText) cost(label string, c *spf.FlatCost) {
	rest := check.Textf("%s, %d octets of TXT", ranges(c.Ranges), c.Octets)
	if c.Helpers > 0 {
		rest = check.Textf("%s, %s", rest, plural(c.Helpers, "1 helper record", "%d helper records"))
	}
	lead := "  " + label + "  " + t.lookupsBar(c.Lookups) + "  "
	t.para(lead, report.Columns(stripInk(lead)), "", t.say("%s; %s", check.Textf("%d of %d lookups", c.Lookups, spf.MaxLookups), rest))
}

func plural(n int, one, many string) check.Text {
	if n == 1 {
		return check.Textf(one)
	}
	return check.Textf(many, n)
}

// stays says that the record is left as it is.
func (t *flatText) stays() check.Text {
	n := t.plan.Before.Lookups
	gain := slices.ContainsFunc(t.plan.Kept, func(k spf.Kept) bool { return k.Reason == spf.KeptNoGain })
	switch {
	case gain && n == 1:
		return check.Textf("nothing to gain by flattening: %s stays", lookups(n))
	case gain:
		return check.Textf("nothing to gain by flattening: %s stay", lookups(n))
	case n == 1:
		return check.Textf("there is nothing to flatten; %s stays", lookups(n))
	}
	return check.Textf("there is nothing to flatten; %s stay", lookups(n))
}

func lookups(n int) check.Text { return plural(n, "1 lookup", "%d lookups") }

func ranges(n int) check.Text {
	if n == 0 {
		return check.Textf("no address")
	}
	return plural(n, "1 range", "%d ranges")
}

func keptText(k *spf.Kept) check.Text {
	if _, name, ok := strings.Cut(k.Term, ":"); ok && k.Reason == spf.KeptByName {
		if p := provider.Builtin().BySPF(name); p != nil && p.LiteralInclude {
			return check.Textf("%s looks for this include itself", p.Name)
		}
	}
	return k.Text
}

// until says how long an answer may be relied on.
func (t *flatText) until(e *spf.Expiry) check.Text {
	if e.Until.IsZero() {
		return check.Textf("its TTL of %s is over", remaining(time.Duration(e.TTL)*time.Second))
	}
	at := e.Until.UTC().Format("2006-01-02 15:04 UTC")
	if left := t.left(e); left > 0 {
		return check.Textf("%s (in %s)", at, remaining(left))
	}
	return check.Textf("%s (over)", at)
}

// left is the time that an answer may still be relied on.
func (t *flatText) left(e *spf.Expiry) time.Duration {
	if e.Until.IsZero() {
		return time.Duration(e.TTL) * time.Second
	}
	return max(e.Until.Sub(t.now), 0)
}

// remaining writes a time in one unit, rounded down.
func remaining(d time.Duration) check.Text {
	switch {
	case d >= 48*time.Hour:
		return check.Textf("%d d", d/(24*time.Hour))
	case d >= 2*time.Hour:
		return check.Textf("%d h", d/time.Hour)
	case d >= 2*time.Minute:
		return check.Textf("%d min", d/time.Minute)
	}
	return check.Textf("%d s", d/time.Second)
}

// warnings say what flattening takes on, and what else there is.
func (t *flatText) warnings(o *spfFlattenOptions, facts *spf.Facts) {
	p := t.plan
	t.head(t.label("Before you publish"))
	if len(p.Answers) > 0 {
		t.item("The addresses are sure until %s: then TXT, A and MX records may say something else, and %s is the first. Run this again on a schedule, or mail of your senders fails on the day they move.",
			t.until(&p.Answers[0]), p.Answers[0].Question.String())
	}
	if o.from == "" {
		t.item("Keep the record as it is now: the flattened one does not say what it was made of. Publish it as _spf-source.%s and give --from the next time.", p.Domain)
	}
	if len(p.Records) > 2 {
		t.item("One range more or less moves others to the next helper record or back. When you do this again, --check says in which order to publish, so that none is missing on the way.")
	}
	switch {
	case p.Before.Lookups > spf.MaxLookups:
		t.instead(o, facts)
	case p.Before.Voids > spf.MaxVoids:
		t.item("%s of %d: it is enough to remove the terms that find nothing.", lookups(p.Before.Lookups), spf.MaxLookups)
	default:
		t.item("%s of %d: it works without being flattened.", lookups(p.Before.Lookups), spf.MaxLookups)
	}
	if p.After.Octets > o.Size {
		t.item("%d octets of TXT records at %s are more than %d: answers may not fit into a UDP packet.", p.After.Octets, p.Domain, o.Size)
	}
}

// instead names a term without which the record would be within the limit, and one that
// is enough to flatten.
func (t *flatText) instead(o *spfFlattenOptions, facts *spf.Facts) {
	p := t.plan
	t.item("Is every sender still in use? Removing a term, or giving its sender a subdomain as envelope sender, needs no upkeep.")
	own := slices.DeleteFunc(slices.Clone(p.Replaced), func(r spf.Replaced) bool { return len(r.Path) > 0 || !strings.Contains(r.Term, "include:") })
	slices.SortStableFunc(own, func(a, b spf.Replaced) int { return b.Lookups - a.Lookups })
	for _, r := range own[:min(len(own), 10)] {
		if p.Before.Lookups-r.Lookups <= spf.MaxLookups {
			t.item("Without %s alone (%s) it would be within the limit.", short(r.Term), lookups(r.Lookups))
			break
		}
	}
	if len(o.Only) > 0 || facts == nil || len(own) < 2 {
		return
	}
	a := spf.Analyze(facts)
	for _, r := range own[:min(len(own), 10)] {
		_, name, _ := strings.Cut(r.Term, ":")
		some := o.FlattenOptions
		some.Only = []string{name}
		if less, err := spf.Flatten(a, some); err == nil && len(less.Problems) == 0 && len(less.Replaced) > 0 {
			t.item("Less is enough: --only %s makes it %s.", name, lookups(less.After.Lookups))
			return
		}
	}
}

// compared says what is published otherwise than the plan has it.
func (t *flatText) compared(changes []check.Change) {
	p := t.plan
	if len(changes) == 0 {
		t.headline(p.Domain, t.ink(greenInk, t.say("published as flatten would write it now, %s", records(len(p.Records)))))
		return
	}
	t.headline(p.Domain, t.ink(redInk, t.say("what is published differs in %s", records(len(changes)))))
	if len(changes) > 1 {
		t.para("", 0, "", t.say("Publish in this order, each when the one before is there: no range is then missing on the way."))
	}
	for _, c := range changes {
		t.head(t.fit(c.Name, t.width))
		gone, fresh := t.terms(c.Old, c.New, "-", redInk), t.terms(c.New, c.Old, "+", greenInk)
		if !gone && !fresh {
			t.para("  ", 2, "", t.say("the same terms, written otherwise"))
		}
	}
}

func records(n int) check.Text { return plural(n, "1 record", "%d records") }

// terms lists those of the first records that are not in the others; false where there
// are none.
func (t *flatText) terms(these, others []string, sign, ink string) (listed bool) {
	there := termsOf(others)
	for _, text := range these {
		for term := range strings.FieldsSeq(text) {
			if !there[term] {
				t.WriteString("  " + t.ink(ink, sign+" "+t.fit(term, t.width-4)) + "\n")
				listed = true
			}
		}
	}
	return listed
}
