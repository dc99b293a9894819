package cli

import (
	"context"
	"encoding/json"
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
	spf.FlattenOptions
	from    string
	ttl     time.Duration
	format  string
	check   bool
	noColor bool
}

func (a *app) spfFlattenCommand() *cobra.Command {
	var o spfFlattenOptions
	cmd := &cobra.Command{
		Use:   "flatten NAME",
		Short: "Write an SPF record with addresses in the place of its lookups",
		Long: `flatten replaces a, mx, include and redirect by the addresses that they stand for
now, merged and spread over helper records (_spf1.NAME, …) so that each answer fits
and all of it stays within the 10 lookups of RFC 7208, 4.6.4. No client gets another
result: terms of which that cannot be known stay (macros, exists, ptr, what could not
be read), and so do includes that their service wants to see, such as Zendesk's.

A flattened record is right until the addresses change, and senders do that without
notice. First see that it is needed: take out what nobody uses, and give senders
subdomains of their own. Else keep the record with the includes somewhere, name it
with --from (a name with a TXT record of it that receivers do not look at, such as
_spf-source.NAME, or the text itself), and run flatten from it on a schedule: --check
says whether what is published is still what it would write.

Exit status: 0 written, or with --check published so, 1 there is no record, it cannot
be flattened, or --check finds a difference, 2 wrong usage, 3 something could not be
read.`,
		Example: `  mailcheck spf flatten acme.example
  mailcheck spf flatten acme.example --only _spf.provider.example
  mailcheck spf flatten acme.example --from _spf-source.acme.example --format zone
  mailcheck spf flatten acme.example --from "$(cat spf.txt)" --check`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.spfFlatten(cmd.Context(), &o, args[0]) },
	}
	o.network.flags(cmd)
	f := cmd.Flags()
	f.StringArrayVar(&o.Keep, "keep", nil, "keep what leads to this name, or below it: NAME or *.NAME (repeatable)")
	f.StringArrayVar(&o.Only, "only", nil, "replace only what leads to this name: NAME or *.NAME (repeatable)")
	f.StringVar(&o.from, "from", "", "the record to flatten: its text, or a name where it stands (default: NAME's own)")
	f.StringVar(&o.Prefix, "prefix", "_spf", "helper records are PREFIX1.NAME, PREFIX2.NAME …")
	f.IntVar(&o.Size, "size", 450, "octets of a name and its TXT records together (RFC 7208, 3.4)")
	f.DurationVar(&o.ttl, "ttl", 5*time.Minute, "TTL of the records that are written")
	f.BoolVar(&o.check, "check", false, "compare with what is published, and exit with 1 where it differs (needs --from)")
	f.StringVar(&o.format, "format", "text", "how to write the plan: text, zone (only the records) or json")
	f.BoolVar(&o.noColor, "no-color", false, "no colours (also with NO_COLOR set, or when the output is no terminal)")
	complete(cmd, "format", "text", "zone", "json")
	return cmd
}

// usage refuses flags that do not fit.
func (o *spfFlattenOptions) usage() error {
	switch {
	case !slices.Contains([]string{"text", "zone", "json"}, o.format):
		return fmt.Errorf("--format %q: want text, zone or json", o.format)
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
	src, err := a.source(&o.network)
	if err != nil {
		return err
	}
	if err := src.knows(name); err != nil {
		return err
	}
	a.notes(src, name)
	resolver, err := a.flattenFrom(ctx, o, src.Resolver, name)
	if err != nil {
		return a.notFlattened(err)
	}
	facts, err := spf.Discover(ctx, resolver, name, spf.Options{Budget: o.timeout})
	if err != nil {
		return err
	}
	for _, p := range provider.Builtin().Literal() { // their services look for the include itself
		for _, pattern := range p.SPF {
			if !slices.Contains(o.Only, pattern) {
				o.Keep = append(o.Keep, pattern)
			}
		}
	}
	plan, err := spf.Flatten(facts, o.FlattenOptions)
	if err != nil {
		return a.notFlattened(err)
	}
	if o.check {
		return a.flattenCheck(ctx, o, src.Resolver, plan)
	}
	if err := a.writeFlattening(o, plan, facts); err != nil {
		return err
	}
	return flatStatus(plan)
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

// flattenFrom answers as if the record of --from stood at the domain already.
func (a *app) flattenFrom(ctx context.Context, o *spfFlattenOptions, r dnsx.Resolver, domain string) (dnsx.Resolver, error) {
	if o.from == "" {
		return r, nil
	}
	text := strings.TrimSpace(o.from)
	var records []dnsx.RR
	ctx, cancel := dnsx.WithBudget(ctx, o.timeout)
	defer cancel()
	if !spf.IsRecord(text) {
		from, _, err := idn.Domain(text)
		if err != nil {
			return nil, fmt.Errorf("--from: %w: neither a name nor a record that starts with v=spf1: %w", spf.ErrNoRecord, err)
		}
		answer, err := r.Resolve(ctx, dnsx.Q(from, dnsx.TypeTXT))
		if err != nil {
			return nil, fmt.Errorf("--from: %w", err)
		}
		for _, rr := range answer.Records {
			if spf.IsRecord(rr.Text()) {
				records = append(records, rr)
			}
		}
		if len(records) != 1 {
			return nil, fmt.Errorf("--from: %w: %s has %d", spf.ErrNoRecord, from, len(records))
		}
		text = records[0].Text()
	}
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
	}), nil
}

// flattenCheck holds the plan against what is published.
func (a *app) flattenCheck(ctx context.Context, o *spfFlattenOptions, r dnsx.Resolver, plan *spf.Flattening) error {
	if err := flatStatus(plan); err != nil { // nothing to compare with, or not for sure
		if werr := a.writeFlattening(o, plan, nil); werr != nil {
			return werr
		}
		return err
	}
	ctx, cancel := dnsx.WithBudget(ctx, o.timeout)
	defer cancel()
	published := dnsx.Ask(ctx, r, o.published(ctx, r, plan)...)
	for _, reply := range published {
		if err := reply.Err(); err != nil {
			return a.notFlattened(err)
		}
	}
	changes := plan.Changes(published)
	if o.format == "json" {
		if err := a.writeJSON(struct {
			*spf.Flattening
			Changes []check.Change `json:"changes"`
		}{plan, slices.Concat([]check.Change{}, changes)}); err != nil {
			return err
		}
	} else if _, err := fmt.Fprint(a.Stdout, a.flatText(o, plan).compared(changes)); err != nil {
		return err
	}
	if len(changes) > 0 {
		return exitStatus(Found)
	}
	return nil
}

// published are the names to look at: those of the plan, and of helper records that the
// published record includes besides.
func (o *spfFlattenOptions) published(ctx context.Context, r dnsx.Resolver, plan *spf.Flattening) []dnsx.Question {
	names := []string{plan.Domain}
	for _, rec := range plan.Records[1:] {
		names = append(names, rec.Name)
	}
	if answer, err := r.Resolve(ctx, dnsx.Q(plan.Domain, dnsx.TypeTXT)); err == nil {
		for _, rr := range answer.Records {
			rec, _ := spf.Parse(rr.Text())
			for i := 0; rec != nil && i < len(rec.Directives); i++ {
				name := rec.Directives[i].Domain.Raw
				if o.helper(name, plan.Domain) && !slices.Contains(names, name) && len(names) < spf.MaxNames {
					names = append(names, name)
				}
			}
		}
	}
	var qs []dnsx.Question
	for _, name := range names {
		qs = append(qs, dnsx.Q(name, dnsx.TypeTXT))
	}
	return qs
}

// helper reports whether a name is one that flatten gives.
func (o *spfFlattenOptions) helper(name, domain string) bool {
	number, ok := strings.CutSuffix(name, "."+domain)
	number, has := strings.CutPrefix(number, o.Prefix)
	return ok && has && number != "" && strings.Trim(number, "0123456789") == ""
}

func (a *app) writeFlattening(o *spfFlattenOptions, plan *spf.Flattening, facts *spf.Facts) error {
	var err error
	switch o.format {
	case "json":
		err = a.writeJSON(plan)
	case "zone":
		if status := flatStatus(plan); status != nil { // whoever publishes it would publish less than there is to know
			fmt.Fprintln(a.Stderr, "mailcheck:", report.Clean(whyNot(plan)))
			return nil
		}
		_, err = fmt.Fprint(a.Stdout, zoneLines(plan, o.ttl))
	default:
		t := a.flatText(o, plan)
		_, err = fmt.Fprint(a.Stdout, t.planned(o, facts))
	}
	return err
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

func (a *app) writeJSON(v any) error {
	enc := json.NewEncoder(a.Stdout)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
