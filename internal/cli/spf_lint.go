package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mailcheck-go/mailcheck"
	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/zone"
	"github.com/mailcheck-go/mailcheck/internal/idn"
	"github.com/mailcheck-go/mailcheck/report"
	"github.com/mailcheck-go/mailcheck/spf"
)

// spfLintOptions are the flags of "spf lint".
type spfLintOptions struct {
	output
	judging
	network
	name string
}

func (a *app) spfLintCommand() *cobra.Command {
	var o spfLintOptions
	cmd := &cobra.Command{
		Use:   "lint FILE|-",
		Short: "Check records before they are published",
		Long: `lint reads SPF records from a file or standard input and says what is wrong with
each, where, and what it should be. It takes bare records (v=spf1 …), one a line;
a record in quoted strings, as DNS hosters show it; and the lines of a zone file or
the YAML of octoDNS (ZONE.yaml), of which it passes over what is not SPF.

It asks nobody. With --name NAME the one record that is read is laid over the DNS
as that of NAME, and all rules of SPF are judged as "domain" does: includes,
lookups, void lookups. --zone and --offline then mean the same as there.

Exit status: 0 nothing found, 1 a rule fails at or above --fail-on, 2 wrong usage or
what cannot be read, 3 a rule at or above it could not be judged because a question
failed.`,
		Example: `  mailcheck spf lint spf.txt
  echo 'v=spf1 include:_spf.acme.example ~all' | mailcheck spf lint -
  mailcheck spf lint --name acme.example --require zendesk spf.txt
  mailcheck spf lint --format json acme.example.zone`,
		Args: exactly("name a file with SPF records, or - for standard input"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.spfLint(cmd, &o, args[0]) },
	}
	o.output.flags(cmd)
	o.judging.pickFlags(cmd)
	o.judging.requireFlag(cmd)
	o.network.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&o.name, "name", "", "judge the record as that of this domain, with all that it leads to in the DNS")
	return cmd
}

// exactly demands one argument, and says what it is.
func exactly(want string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return errors.New(want)
		}
		return nil
	}
}

func (a *app) spfLint(cmd *cobra.Command, o *spfLintOptions, file string) error {
	settings, err := o.settings()
	if err != nil {
		return err
	}
	if settings.Only == nil {
		settings.Only = []string{"spf.*", requireRule}
	}
	if o.name == "" {
		for _, flag := range []string{"zone", "offline", "resolver", "timeout", "trust-ad", "allow-private"} {
			if cmd.Flags().Changed(flag) {
				return fmt.Errorf("--%s is about the DNS, which is asked with --name alone: --name acme.example", flag)
			}
		}
	}
	in, err := a.openSPFInput(file)
	if err != nil {
		return fmt.Errorf("%s: %w", inputName(file), err)
	}
	for _, note := range in.notes {
		fmt.Fprintln(a.Stderr, "mailcheck: note:", report.Clean(note))
	}
	if in.passed > 0 {
		fmt.Fprintf(a.Stderr, "mailcheck: %d other records were passed over\n", in.passed)
	}
	units := lintUnits(in.records, file)
	if o.name != "" && len(units) > 1 {
		return fmt.Errorf("%s: --name takes one record, and there are %d", inputName(file), len(units))
	}
	doc, err := a.lintDocument(o)
	if err != nil {
		return err
	}
	defer doc.discard()
	for _, u := range units {
		rep, err := a.lint(cmd.Context(), o, u, settings)
		if err != nil {
			return err
		}
		if err := doc.Add(rep); err != nil {
			return err
		}
	}
	if err := doc.Close(); err != nil {
		return err
	}
	return doc.exit(false)
}

// lintDocument is the report, whose text shows places.
func (a *app) lintDocument(o *spfLintOptions) (*document, error) {
	return a.open(&o.output, "spf lint", func(r *report.Options) {
		if r.Lint = true; o.name == "" {
			r.Ask = check.Textf("--name NAME asks it for the domain NAME.")
		}
	})
}

func inputName(file string) string {
	if file == "-" {
		return "standard input"
	}
	return file
}

// lintUnit is what is judged together: one record, or all of one owner.
type lintUnit struct {
	target  string
	domain  string
	owner   string // as the input has it where that is no name; "" where it names none
	records []spfText
}

// nobody stands for the domain of a record of which the input does not say it (RFC 2606, 2).
const nobody = "your-domain.invalid"

func lintUnits(records []spfText, file string) []*lintUnit {
	var units []*lintUnit
	for _, rec := range records {
		place := fmt.Sprintf("%s:%d", inputName(file), rec.line)
		domain, err := dnsx.ParseName(rec.owner)
		if rec.owner == "" {
			units = append(units, &lintUnit{place, nobody, "", []spfText{rec}})
			continue
		}
		owner := domain
		switch {
		case rec.owner == atOrigin:
			owner, domain = rec.owner, nobody
		case err != nil:
			owner, domain, place = rec.owner, nobody, rec.owner
		case dnsx.Parent(domain) == ".": // relative to an origin that the input does not name
			place, domain = domain, nobody
		default:
			place = domain
		}
		i := slices.IndexFunc(units, func(u *lintUnit) bool { return u.owner == owner })
		if i < 0 {
			units = append(units, &lintUnit{place, domain, owner, nil})
			i = len(units) - 1
		}
		units[i].records = append(units[i].records, rec)
	}
	return units
}

// drafts are the strings of the records that the input has cut into strings itself.
func (u *lintUnit) drafts() [][]string {
	var all [][]string
	for _, rec := range u.records {
		if rec.kind == dnsx.TypeTXT && !rec.bare {
			all = append(all, rec.strings)
		}
	}
	return all
}

// rrs are the records of a domain that the unit would publish.
func (u *lintUnit) rrs(domain string) []dnsx.RR {
	var all []dnsx.RR
	for _, rec := range u.records {
		rr := dnsx.RR{Name: domain, Type: rec.kind, TTL: 3600}
		for _, s := range rec.strings {
			for len(s) > 255 { // spf.string-length
				rr.Data = append(append(rr.Data, 255), s[:255]...)
				s = s[255:]
			}
			rr.Data = append(append(rr.Data, byte(len(s))), s...)
		}
		all = append(all, rr)
	}
	return all
}

// lint judges a unit: what its text decides, or with --name all.
func (a *app) lint(ctx context.Context, o *spfLintOptions, u *lintUnit, s mailcheck.Settings) (*check.Report, error) {
	facts, err := a.lintFacts(ctx, o, u, s)
	if err != nil {
		return nil, err
	}
	if o.name == "" && s.Role == "" {
		s.Role = mailcheck.Sends // what else it is for the text cannot say
	}
	rep := mailcheck.Judge(facts, s)
	rep.Answers = slices.DeleteFunc(rep.Answers, func(a check.Answer) bool { return !strings.HasPrefix(a.ID, "authorized:") })
	rep.Role = nil
	if o.name == "" {
		rep.Target, rep.Overview, rep.Measures = u.target, nil, nil
		if u.domain == nobody { // which stands for no domain, and needs no mention beside the place
			for i := range rep.Results {
				for k := range rep.Results[i].Findings {
					if f := &rep.Results[i].Findings[k]; f.Subject == nobody {
						f.Subject = u.target
					}
				}
			}
		}
	} else {
		rep.Overview = slices.DeleteFunc(rep.Overview, func(o check.Overview) bool { return o.Area != "spf" })
		rep.Measures = slices.DeleteFunc(rep.Measures, func(m check.Measure) bool { return !strings.HasPrefix(m.Name, "spf_") })
	}
	return rep, nil
}

func (a *app) lintFacts(ctx context.Context, o *spfLintOptions, u *lintUnit, s mailcheck.Settings) (*mailcheck.Facts, error) {
	if o.name == "" {
		rrs := u.rrs(u.domain)
		var replies []dnsx.Reply
		for _, t := range []dnsx.Type{dnsx.TypeTXT, dnsx.TypeSPF} {
			of := slices.DeleteFunc(slices.Clone(rrs), func(rr dnsx.RR) bool { return rr.Type != t })
			if q := dnsx.Q(u.domain, t); t == dnsx.TypeTXT || len(of) > 0 {
				replies = append(replies, dnsx.Reply{Question: q, Answer: &dnsx.Answer{Question: q, Records: of, At: a.Now()}})
			}
		}
		return &mailcheck.Facts{
			Schema: mailcheck.FactsSchema, Tool: "mailcheck " + mailcheck.Version, Domain: u.domain, At: a.Now(),
			SPF: &spf.Facts{Domain: u.domain, Replies: replies, Drafts: u.drafts()},
		}, nil
	}
	name, _, err := idn.Domain(o.name)
	if err != nil {
		return nil, fmt.Errorf("--name: %w", err)
	}
	src, err := a.source(&o.network)
	if err != nil {
		return nil, err
	}
	a.notes(src, name)
	var lines strings.Builder
	for _, rr := range u.rrs(name) {
		lines.WriteString(rr.String() + "\n")
	}
	over, err := zone.Parse("spf lint", []byte(lines.String()))
	if err != nil {
		return nil, err
	}
	over.Next, over.Now = src.Resolver, a.Now
	src.Resolver, src.Offline, src.SkipMX = &dnsx.Cache{Next: over}, true, true // the certificates are no matter of SPF
	facts, err := src.Discover(ctx, mailcheck.Target{Domain: name, Role: s.Role, Require: s.Require})
	if facts != nil && facts.SPF != nil {
		facts.SPF.Drafts = u.drafts()
	}
	return facts, err
}
