package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/internal/idn"
	"github.com/mailcheck-go/mailcheck/provider"
	"github.com/mailcheck-go/mailcheck/report"
	"github.com/mailcheck-go/mailcheck/spf"
)

// spfFlattenOptions are the flags of "spf flatten".
type spfFlattenOptions struct {
	network
	writing
	spf.FlattenOptions
	from  string
	ttl   time.Duration
	check bool
}

func (a *app) spfFlattenCommand() *cobra.Command {
	var o spfFlattenOptions
	cmd := &cobra.Command{
		Use:   "flatten NAME",
		Short: "Write a record with addresses in the place of its lookups",
		Long: `flatten replaces a, mx, include and redirect by the addresses that they stand for
now, merged and spread over helper records (_spf1.NAME, …) so that each answer fits
and all of it stays within the 10 lookups of RFC 7208, 4.6.4. Every client gets the
result that it gets now, or where that is a permerror (too many lookups, or too many
that find nothing) the one that was meant. Terms of which that cannot be known stay
(macros, exists, ptr, what could not be read), and so do includes that their service
wants to see, such as Zendesk's.

A flattened record is right until the addresses change, and senders do that without
notice. First see that it is needed: remove what nobody uses, and give senders
subdomains of their own. Else keep the record with the includes somewhere, name it
with --from (a name with a TXT record of it that receivers do not look at, such as
_spf-source.NAME, or the text itself), and run flatten from it on a schedule: --check
says whether what is published is still what it would write.

Exit status: 0 written, left as it is because nothing can be replaced or saved, or with
--check published so, 1 there is no record, it cannot be flattened, or --check finds a
difference, 2 wrong usage, 3 something could not be read.`,
		Example: `  mailcheck spf flatten acme.example
  mailcheck spf flatten acme.example --only _spf.provider.example
  mailcheck spf flatten acme.example --from _spf-source.acme.example --format zone
  mailcheck spf flatten acme.example --from "$(cat spf.txt)" --check`,
		Args: exactly("name a domain, such as: mailcheck spf flatten acme.example"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.spfFlatten(cmd.Context(), &o, args[0]) },
	}
	o.network.flags(cmd)
	o.writing.flags(cmd, "the plan", "text", "json", "zone")
	f := cmd.Flags()
	f.Lookup("format").Usage += " (zone: only the records)"
	f.StringArrayVar(&o.Keep, "keep", nil, "keep what leads to this name, or below it: NAME or *.NAME (repeatable)")
	f.StringArrayVar(&o.Only, "only", nil, "replace only what leads to this name: NAME or *.NAME (repeatable)")
	f.StringVar(&o.from, "from", "", "the record to flatten: its text, or a name where it stands (default: NAME's own)")
	f.StringVar(&o.Prefix, "prefix", "_spf", "helper records are PREFIX1.NAME, PREFIX2.NAME …")
	f.IntVar(&o.Size, "size", 450, "octets of a name and its TXT records together (RFC 7208, 3.4)")
	f.DurationVar(&o.ttl, "ttl", 5*time.Minute, "TTL of the records that are written")
	f.BoolVar(&o.check, "check", false, "compare with what is published, and exit with 1 where it differs (needs --from)")
	return cmd
}

// usage refuses flags that do not fit.
func (o *spfFlattenOptions) usage() error {
	switch {
	case o.check && o.from == "":
		return errors.New("--check needs --from: a flattened record does not say what it was made of")
	case o.check && o.format == "zone":
		return errors.New("--check writes a comparison: use --format text or json")
	case o.Size < 100 || o.Size > 4000:
		return fmt.Errorf("--size %d: want 100 to 4000 octets", o.Size)
	case o.ttl < 0 || o.ttl > 7*24*time.Hour || o.ttl%time.Second != 0:
		return fmt.Errorf("--ttl %s: want whole seconds, at most 168h", o.ttl)
	}
	if name, err := dnsx.ParseName(o.Prefix + "1.example"); err != nil || dnsx.Labels(name) != 2 || name != o.Prefix+"1.example" {
		return fmt.Errorf("--prefix %q: want the start of a label, such as _spf", o.Prefix)
	}
	for flag, patterns := range map[string][]string{"--keep": o.Keep, "--only": o.Only} {
		for i, p := range patterns {
			star, plain := "", p
			if rest, ok := strings.CutPrefix(p, "*."); ok {
				star, plain = "*.", rest
			}
			name, _, err := idn.Domain(plain)
			if err != nil {
				return fmt.Errorf("%s: %w", flag, err)
			}
			patterns[i] = star + name
		}
	}
	return nil
}

func (a *app) spfFlatten(ctx context.Context, o *spfFlattenOptions, arg string) error {
	name, _, err := idn.Domain(arg)
	if err != nil {
		return err
	}
	if err := o.usage(); err != nil {
		return err
	}
	d, err := a.begin(&o.writing)
	if err != nil {
		return err
	}
	t := &flatText{drawing: d, now: a.Now(), ttl: o.ttl}
	src, err := a.source(&o.network)
	if err != nil {
		return err
	}
	if err := src.knows(name); err != nil {
		return err
	}
	facts, err := a.flattenFacts(ctx, o, src, name)
	if err != nil {
		return err
	}
	o.keepLiteral()
	a.spfNotes(src, facts)
	plan, err := flattenBeside(ctx, src.Resolver, facts, o)
	if err != nil {
		return a.notFlattened(err)
	}
	t.plan = plan
	if o.check {
		return a.flattenCheck(ctx, o, src.Resolver, t)
	}
	if err := a.writeFlattening(o, t, facts); err != nil {
		return err
	}
	return flatStatus(plan)
}

// flattenFacts are those of the record that is to be flattened: the domain's own, or the
// one of --from as if it stood there.
func (a *app) flattenFacts(ctx context.Context, o *spfFlattenOptions, src *source, name string) (*spf.Facts, error) {
	from, err := a.flattenFrom(ctx, o, src.Resolver)
	var place *spf.SyntaxError
	switch {
	case errors.As(err, &place), errors.Is(err, errNoFrom):
		return nil, err
	case err != nil:
		return nil, a.notFlattened(err)
	}
	resolver := src.Resolver
	if from != "" {
		resolver = withRecord(resolver, name, from)
	}
	return spf.Discover(ctx, resolver, name, spf.Options{Budget: o.timeout})
}

// keepLiteral keeps includes that their services look for in the record.
func (o *spfFlattenOptions) keepLiteral() {
	for _, p := range provider.Builtin().Literal() {
		for _, pattern := range p.SPF {
			if !slices.Contains(o.Only, pattern) {
				o.Keep = append(o.Keep, pattern)
			}
		}
	}
}

// flattenBeside makes a plan whose helper records take no name where something stands
// that flatten did not write.
func flattenBeside(ctx context.Context, r dnsx.Resolver, facts *spf.Facts, o *spfFlattenOptions) (*spf.Flattening, error) {
	ctx, cancel := dnsx.WithBudget(ctx, o.timeout)
	defer cancel()
	const rounds = 10 // each has the names of one plan; a wildcard takes every name
	for range rounds {
		plan, err := spf.Flatten(spf.Analyze(facts), o.FlattenOptions)
		if err != nil {
			return nil, err
		}
		var qs []dnsx.Question
		for _, rec := range plan.Records[min(1, len(plan.Records)):] {
			q := dnsx.Q(rec.Name, dnsx.TypeTXT)
			if !slices.ContainsFunc(facts.Replies, func(r dnsx.Reply) bool { return r.Question == q }) {
				qs = append(qs, q)
			}
		}
		if len(qs) == 0 {
			return plan, nil
		}
		for _, reply := range dnsx.Ask(ctx, r, qs...) {
			if err := reply.Err(); err != nil {
				return nil, fmt.Errorf("is a helper record in the way? %w", err)
			}
			facts.Replies = append(facts.Replies, reply)
		}
	}
	return nil, fmt.Errorf("names such as %s1.%s are taken: choose another --prefix", o.Prefix, facts.Domain)
}

func flatStatus(plan *spf.Flattening) error {
	switch {
	case plan.Unread():
		return exitStatus(NotKnown)
	case len(plan.Records) == 0:
		return exitStatus(Found)
	}
	return nil
}

func (a *app) notFlattened(err error) error {
	fmt.Fprintln(a.Stderr, "mailcheck:", report.Clean(err.Error()))
	if errors.Is(err, spf.ErrNoRecord) {
		return exitStatus(Found)
	}
	return exitStatus(NotKnown)
}

var errNoFrom = errors.New("neither a name nor a record that starts with v=spf1 and a blank")

// flattenFrom reads the record of --from.
func (a *app) flattenFrom(ctx context.Context, o *spfFlattenOptions, r dnsx.Resolver) (string, error) {
	text := strings.TrimSpace(o.from)
	if o.from == "" {
		return "", nil
	}
	if spf.IsRecord(text) {
		if _, err := spf.Parse(text); err != nil {
			return "", fmt.Errorf("--from: %w", err)
		}
		return text, nil
	}
	from, _, err := idn.Domain(text)
	if err != nil {
		return "", fmt.Errorf("--from: %q: %w: %w", short(text), errNoFrom, err)
	}
	ctx, cancel := dnsx.WithBudget(ctx, o.timeout)
	defer cancel()
	answer, err := r.Resolve(ctx, dnsx.Q(from, dnsx.TypeTXT))
	if err != nil {
		return "", fmt.Errorf("--from: %w", err)
	}
	var records []string
	for _, rr := range answer.Records {
		if spf.IsRecord(rr.Text()) {
			records = append(records, rr.Text())
		}
	}
	if len(records) != 1 {
		return "", fmt.Errorf("--from: %w: %s has %d", spf.ErrNoRecord, from, len(records))
	}
	if _, err := spf.Parse(records[0]); err != nil {
		return "", fmt.Errorf("--from: %w: the one of %s is in error: %s", spf.ErrNoRecord, from, err)
	}
	return records[0], nil
}

// withRecord answers as if the record stood at the domain already.
func withRecord(r dnsx.Resolver, domain, text string) dnsx.Resolver {
	return dnsx.ResolverFunc(func(ctx context.Context, q dnsx.Question) (*dnsx.Answer, error) {
		answer, err := r.Resolve(ctx, q)
		if err != nil || q.Name != domain || q.Type != dnsx.TypeTXT {
			return answer, err
		}
		changed := *answer
		changed.RCode, changed.Authority = dnsx.NoError, nil
		changed.Records = slices.DeleteFunc(slices.Clone(answer.Records), func(rr dnsx.RR) bool { return spf.IsRecord(rr.Text()) })
		changed.Records = append(changed.Records, dnsx.NewTXT(answer.Owner(), 0, text))
		return &changed, nil
	})
}

// flattenCheck holds the plan against what is published.
func (a *app) flattenCheck(ctx context.Context, o *spfFlattenOptions, r dnsx.Resolver, t *flatText) error {
	plan := t.plan
	if err := flatStatus(plan); err != nil { // nothing to compare with, or not for sure
		if werr := a.writeFlattening(o, t, nil); werr != nil {
			return werr
		}
		return err
	}
	ctx, cancel := dnsx.WithBudget(ctx, o.timeout)
	defer cancel()
	changes, err := plan.Changes(o.published(ctx, r, plan))
	if err != nil {
		return a.notFlattened(fmt.Errorf("what is published is not known: %w", err))
	}
	changes = inOrder(changes)
	if o.format == "json" {
		err = a.putJSON(&o.writing, flattenJSON{Schema: flattenSchema, Flattening: plan, Changes: &changes})
	} else {
		t.compared(changes)
		err = a.put(&o.writing, t.String())
	}
	if err != nil {
		return err
	}
	if len(changes) > 0 {
		return exitStatus(Found)
	}
	return nil
}

// published asks what stands at the names of the plan, and at those of helper records that
// the published record includes besides.
func (o *spfFlattenOptions) published(ctx context.Context, r dnsx.Resolver, plan *spf.Flattening) []dnsx.Reply {
	qs := []dnsx.Question{dnsx.Q(plan.Domain, dnsx.TypeTXT)}
	for _, rec := range plan.Records[1:] {
		qs = append(qs, dnsx.Q(rec.Name, dnsx.TypeTXT))
	}
	replies := dnsx.Ask(ctx, r, qs...)
	var more []dnsx.Question
	for _, rr := range replies[0].Records() {
		rec, _ := spf.Parse(rr.Text())
		for i := 0; rec != nil && i < len(rec.Directives); i++ {
			q := dnsx.Q(rec.Directives[i].Domain.Raw, dnsx.TypeTXT)
			if o.helper(q.Name, plan.Domain) && !slices.Contains(qs, q) && !slices.Contains(more, q) && len(qs)+len(more) < spf.MaxNames {
				more = append(more, q)
			}
		}
	}
	return append(replies, dnsx.Ask(ctx, r, more...)...)
}

// helper reports whether a name is one that flatten gives.
func (o *spfFlattenOptions) helper(name, domain string) bool {
	number, ok := strings.CutSuffix(name, "."+domain)
	number, has := strings.CutPrefix(number, o.Prefix)
	return ok && has && number != "" && strings.Trim(number, "0123456789") == ""
}

const flattenSchema = "mailcheck/spf-flatten/v1"

// flattenJSON is "spf flatten" as JSON; docs/json.md describes it.
type flattenJSON struct {
	Schema string `json:"schema"`
	*spf.Flattening
	Changes *[]check.Change `json:"changes,omitempty"` // with --check: a list, be it empty
}

func (a *app) writeFlattening(o *spfFlattenOptions, t *flatText, facts *spf.Facts) error {
	switch o.format {
	case "json":
		return a.putJSON(&o.writing, flattenJSON{Schema: flattenSchema, Flattening: t.plan})
	case "zone":
		if status := flatStatus(t.plan); status != nil { // whoever publishes it would publish less than there is to know
			fmt.Fprintln(a.Stderr, "mailcheck:", report.Clean(whyNot(t.plan)))
			return nil
		}
		return a.put(&o.writing, zoneLines(t.plan, o.ttl))
	}
	t.planned(o, facts)
	return a.put(&o.writing, t.String())
}

// whyNot says why there are no records to publish.
func whyNot(plan *spf.Flattening) string {
	for _, p := range plan.Problems {
		return plan.Domain + " cannot be flattened: " + p.String()
	}
	for _, k := range plan.Kept {
		if k.Reason == spf.KeptUnread {
			return fmt.Sprintf("%s: %s could not be read: %s", plan.Domain, k.Term, k.Text)
		}
	}
	return ""
}

func zoneLines(plan *spf.Flattening, ttl time.Duration) string {
	var b strings.Builder
	for _, r := range slices.Concat(plan.Records[min(1, len(plan.Records)):], plan.Records[:min(1, len(plan.Records))]) {
		b.WriteString(r.RR(uint32(ttl/time.Second)).String() + "\n")
	}
	return b.String()
}

// inOrder puts changes in an order in which nothing is missing on the way.
func inOrder(changes []check.Change) []check.Change {
	ordered := make([]check.Change, 0, len(changes))
	for left := slices.Clone(changes); len(left) > 0; {
		at := slices.IndexFunc(left, func(c check.Change) bool {
			return !slices.ContainsFunc(left, func(other check.Change) bool { return other.Name != c.Name && goesBefore(other, c) })
		})
		at = max(at, 0) // a circle has no such order
		ordered, left = append(ordered, left[at]), slices.Delete(left, at, at+1)
	}
	return ordered
}

// goesBefore reports whether a record gets a term that the other one loses, is one that
// the other begins to include, or stops to include the other.
func goesBefore(c, other check.Change) bool {
	had, has := termsOf(c.Old), termsOf(c.New)
	lost, gets := termsOf(other.Old), termsOf(other.New)
	for term := range has {
		if !had[term] && lost[term] && !gets[term] {
			return true
		}
	}
	to, by := "include:"+c.Name, "include:"+other.Name
	return gets[to] && !lost[to] || had[by] && !has[by]
}

func termsOf(texts []string) map[string]bool {
	all := map[string]bool{}
	for _, text := range texts {
		for term := range strings.FieldsSeq(text) {
			all[term] = true
		}
	}
	return all
}
