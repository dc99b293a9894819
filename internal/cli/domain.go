package cli

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mailcheck-go/mailcheck"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/internal/idn"
	"github.com/mailcheck-go/mailcheck/report"
	"github.com/mailcheck-go/mailcheck/tlscert"
)

// domainOptions are the flags of "domain".
type domainOptions struct {
	output
	judging
	network
	probing
	skipMX    bool
	selectors []string
	hosts     []string
	save      string
}

func (a *app) domainCommand() *cobra.Command {
	var o domainOptions
	cmd := &cobra.Command{
		Use:   "domain NAME…",
		Short: "Check domains: SPF, DKIM, DMARC, MX, MTA-STS, TLS-RPT, certificates",
		Long: `domain checks everything that each NAME publishes about its mail. NAME may be a
domain, a support address or a URL, whose domain is then taken.

With --zone the zone files count as if they were already published; with
--offline nothing else is asked and nobody is dialled, and what rests on names
outside of them is unknown.

With --format nagios it is a plugin: the status is CRITICAL where a rule fails at
high severity or above, WARNING at medium, and UNKNOWN where none does and one
could not be judged because a question failed. --fail-on and --strict do not
apply. --format prometheus with --output FILE serves node_exporter's textfile
collector, --format ics calendars.`,
		Example: `  mailcheck domain acme.example
  mailcheck domain support@acme.example --selector mail2026 --host help.acme.example
  mailcheck domain --zone zones/ --offline acme.example
  mailcheck domain --format prometheus --output /var/lib/prometheus/node-exporter/mailcheck.prom acme.example
  mailcheck domain --require zendesk --require sendgrid acme.example
  mailcheck domain --format json --save facts.json acme.example`,
		Args: some("name a domain, such as: mailcheck domain acme.example"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.domain(cmd.Context(), &o, args) },
	}
	o.output.flags(cmd)
	o.judging.flags(cmd)
	o.network.flags(cmd)
	o.probing.flags(cmd)
	cmd.Flag("deep").Usage += "; ask for the obsolete type SPF too"
	f := cmd.Flags()
	f.BoolVar(&o.skipMX, "skip-mx", false, "do not connect to port 25 of the MX hosts: many networks let nobody do that")
	f.StringArrayVar(&o.selectors, "selector", nil, "a DKIM selector in use, from s= of a DKIM-Signature (repeatable)")
	f.StringArrayVar(&o.hosts, "host", nil, "a HOST or HOST:PORT whose certificate matters (repeatable)")
	f.StringVar(&o.save, "save", "", "write what was seen to this file, for judge; with several names to this folder")
	return cmd
}

// domainsAtOnce bounds the names that are checked side by side.
const domainsAtOnce = 16

func (a *app) domain(ctx context.Context, o *domainOptions, args []string) error {
	doc, err := a.open(&o.output, "domain")
	if err != nil {
		return err
	}
	defer doc.discard()
	settings, err := o.settings()
	if err != nil {
		return err
	}
	save, err := saver(o.save, len(args))
	if err != nil {
		return err
	}
	src, err := a.source(&o.network)
	if err != nil {
		return err
	}
	o.probing.apply(src.Checker, a.Dialer)
	src.SkipMX = o.skipMX
	jobs, bad, err := a.jobs(args, o, src, doc)
	if err != nil {
		return err
	}
	if err := a.report(ctx, jobs, domainsAtOnce, settings, save, doc); err != nil {
		return err
	}
	return doc.exit(bad)
}

// jobs reads the names. A bad one is reported and passed over.
func (a *app) jobs(args []string, o *domainOptions, src *source, doc *document) (jobs []*job, bad bool, err error) {
	for _, arg := range args {
		name, from, err := idn.Domain(arg)
		if err == nil && strings.Contains(name, "*") {
			err = fmt.Errorf("%q stands for many names: name one", arg)
		}
		if err == nil {
			err = src.knows(name)
		}
		if err != nil {
			fmt.Fprintln(a.Stderr, "mailcheck:", report.Clean(err.Error()))
			bad = true
			if err := doc.refuse(arg, err); err != nil {
				return nil, bad, err
			}
			continue
		}
		if from != "" {
			fmt.Fprintf(a.Stderr, "mailcheck: of the %s %s the domain %s is checked\n", from, report.Clean(arg), report.Clean(name))
		}
		a.notes(src, name)
		target := mailcheck.Target{Domain: name, Selectors: o.selectors, Hosts: o.hosts, Role: mailcheck.Role(o.role), Require: o.require}
		jobs = append(jobs, newJob(func(ctx context.Context) (*mailcheck.Facts, error) { return src.Discover(ctx, target) }))
	}
	return jobs, bad, nil
}

// judging has the flags that say what is judged, and as what.
type judging struct {
	only, skip []string
	require    []string
	role       string
	warn, crit string
	ca         string
	accounts   bool // rules about accounts are known too
}

func (j *judging) flags(cmd *cobra.Command) {
	j.ruleFlags(cmd)
	j.requireFlag(cmd)
	cmd.Flags().StringVar(&j.role, "role", "", "what the domain is for: sends, receives or parked (default: found out)")
	complete(cmd, "role", "sends", "receives", "parked")
}

func (j *judging) ruleFlags(cmd *cobra.Command) {
	j.pickFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&j.warn, "warn", "", "a certificate is due with this left: 21d, 12h, or 1/3 or 30% of its lifetime")
	f.StringVar(&j.crit, "crit", "", "and overdue with this left")
	f.StringVar(&j.ca, "ca", "", "trust the certificates of this PEM file, in place of the system's")
}

// pickFlags are those that say which rules are judged.
func (j *judging) pickFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringSliceVar(&j.only, "only", nil, "judge only these rules: ids or area.* (repeatable)")
	f.StringSliceVar(&j.skip, "skip", nil, "do not judge these rules: ids or area.* (repeatable)")
	ids := func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return j.patterns(), cobra.ShellCompDirectiveNoFileComp
	}
	for _, flag := range []string{"only", "skip"} {
		if err := cmd.RegisterFlagCompletionFunc(flag, ids); err != nil {
			panic(err) // the flag does not exist: a fault of this package
		}
	}
}

// patterns lists what --only and --skip take: ids, and area.* for each area.
func (j *judging) patterns() []string {
	docs := mailcheck.Catalog()
	if j.accounts {
		docs = catalog()
	}
	var all []string
	for _, doc := range docs {
		area, _, _ := strings.Cut(doc.ID, ".")
		if !slices.Contains(all, area+".*") {
			all = append(all, area+".*")
		}
		all = append(all, doc.ID)
	}
	return all
}

func (j *judging) settings() (mailcheck.Settings, error) {
	known := j.patterns()
	for _, p := range slices.Concat(j.only, j.skip) {
		if !slices.Contains(known, p) {
			return mailcheck.Settings{}, fmt.Errorf("no rule %q%s", p, near(p))
		}
	}
	if slices.ContainsFunc(j.only, func(p string) bool { return slices.Contains(j.skip, p) }) {
		return mailcheck.Settings{}, errors.New("--only and --skip name the same rule: nothing would be judged")
	}
	role, err := mailcheck.ParseRole(j.role)
	if err != nil {
		return mailcheck.Settings{}, fmt.Errorf("--role: %w", err)
	}
	if err := j.required(); err != nil {
		return mailcheck.Settings{}, err
	}
	s := mailcheck.Settings{Only: j.only, Skip: j.skip, Role: role, Require: j.require}
	if len(j.require) > 0 && len(j.only) > 0 { // asked for by another flag
		s.Only = append(slices.Clone(j.only), requireRule)
	}
	s.TLSCert, err = j.certificates()
	return s, err
}

// certificates reads --warn, --crit and --ca.
func (j *judging) certificates() (s tlscert.Settings, err error) {
	for _, t := range []struct {
		flag, text string
		to         *tlscert.Threshold
	}{{"--warn", j.warn, &s.Warn}, {"--crit", j.crit, &s.Crit}} {
		if t.text == "" {
			continue
		}
		if *t.to, err = tlscert.ParseThreshold(t.text); err != nil {
			return s, fmt.Errorf("%s: %w", t.flag, err)
		}
	}
	const long = 400 * 24 * time.Hour // a lifetime: shares of it are compared, and times
	if s.Warn != (tlscert.Threshold{}) && s.Crit != (tlscert.Threshold{}) && (s.Warn.Left > 0) == (s.Crit.Left > 0) {
		if warn, crit := s.Limits(long); crit > warn {
			return s, fmt.Errorf("--crit %s is more than --warn %s", j.crit, j.warn)
		}
	}
	if j.ca == "" {
		return s, nil
	}
	data, err := os.ReadFile(j.ca)
	if err != nil {
		return s, fmt.Errorf("--ca: %w", err)
	}
	s.Roots = x509.NewCertPool()
	if !s.Roots.AppendCertsFromPEM(data) {
		return s, fmt.Errorf("--ca: %s holds no certificate in PEM form", j.ca)
	}
	return s, nil
}

// saver returns what writes the facts of one name: nothing, one file, or a file
// a name in a folder.
func saver(path string, names int) (func(*mailcheck.Facts) error, error) {
	switch path {
	case "":
		return func(*mailcheck.Facts) error { return nil }, nil
	case "-":
		return nil, errors.New("--save - : the report goes to standard output; name a file")
	}
	info, err := os.Stat(path)
	folder := strings.HasSuffix(path, string(filepath.Separator)) || err == nil && info.IsDir()
	if !folder && names > 1 {
		return nil, fmt.Errorf("--save %s: with several names it has to be a folder, such as %s/", path, path)
	}
	if !folder && err == nil && !info.Mode().IsRegular() { // known before anything is asked
		return nil, fmt.Errorf("--save: %w", notPlain(path))
	}
	if !folder {
		return func(f *mailcheck.Facts) error { return saveFacts(path, f) }, nil
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("--save: %w", err)
	}
	return func(f *mailcheck.Facts) error {
		return saveFacts(filepath.Join(path, fileName(cmp.Or(f.Host, f.Domain))), f)
	}, nil
}

// fileName makes a file's name of a domain: whatever is not plain becomes %XX.
func fileName(domain string) string {
	var b strings.Builder
	for _, c := range []byte(domain) {
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '_', c == '.':
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	if strings.HasPrefix(b.String(), ".") { // the root
		return "root.json"
	}
	return b.String() + ".json"
}

// network has the flags that say whom to ask and what may be dialled.
type network struct {
	resolvers []string
	trustAD   bool
	zones     []string
	offline   bool
	timeout   time.Duration
	private   []string
}

func (n *network) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringSliceVar(&n.resolvers, "resolver", nil, "name servers to ask: ADDR[:PORT], tls://ADDR#NAME or https://HOST/PATH#ADDR (default: the system's)")
	f.BoolVar(&n.trustAD, "trust-ad", false, "trust the resolver's AD bit (default: only on loopback, or with \"options trust-ad\" in resolv.conf)")
	f.StringArrayVar(&n.zones, "zone", nil, "a zone file or a folder of them, as if already published (repeatable)")
	f.BoolVar(&n.offline, "offline", false, "ask nothing but the zones, and dial nobody")
	f.DurationVar(&n.timeout, "timeout", dnsx.DefaultBudget, "time for one name, all its questions together")
	f.StringSliceVar(&n.private, "allow-private", nil, "address ranges (CIDR) that may be dialled although they are not public")
}

// prefixes reads --allow-private.
func (n *network) prefixes() ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, s := range n.private {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, fmt.Errorf("--allow-private: %q is no address range such as 10.0.0.0/8", s)
		}
		all = append(all, p)
	}
	return all, nil
}
