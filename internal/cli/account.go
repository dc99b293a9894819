package cli

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/mailcheck-go/mailcheck"
	"github.com/mailcheck-go/mailcheck/account"
	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/report"
	"github.com/mailcheck-go/mailcheck/zendesk"
)

// accountOptions are the flags of "account".
type accountOptions struct {
	output
	judging
	network
	probing
	wishes
	skipMX    bool
	template  bool
	perMinute int
	budget    time.Duration
	endUsers  bool
	save      string
}

func (a *app) accountCommand() *cobra.Command {
	o := accountOptions{judging: judging{accounts: true}}
	cmd := &cobra.Command{
		Use:   "account SUBDOMAIN|URL",
		Short: "Check a Zendesk account: its settings, its domains, its help centres",
		Long: `account reads the settings of a Zendesk account and holds them against Zendesk's
list of security best practices. Every domain of a support address is checked as
"domain" does, and every help centre under a name of its own as "cert" does.
Nothing is changed in the account, and no mail is sent.

The credentials come from the environment, the first of which anything is set:

  ZENDESK_OAUTH_CLIENT_ID and ZENDESK_OAUTH_CLIENT_SECRET
  ZENDESK_OAUTH_TOKEN
  ZENDESK_EMAIL and ZENDESK_API_TOKEN (Zendesk ends API tokens on 2027-04-30)

Each name may end in _FILE instead and name a file with the value. An admin sees
everything; whoever has a lesser role or scope sees a part, and what rests on the
rest is unknown, with the role, scope or plan that would show it.

What no interface shows, a person answers: --attest-template writes a file with the
questions, and --attestations takes it back.`,
		Example: `  mailcheck account acme
  mailcheck account acme --attest-template > attestations.yaml
  mailcheck account acme --policy policy.yaml --attestations attestations.yaml
  mailcheck account acme --lang ja --save acme/
  mailcheck judge acme/`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("name one account, such as: mailcheck account acme")
			}
			return nil
		},
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.account(cmd.Context(), &o, args[0]) },
	}
	o.output.flags(cmd)
	o.judging.ruleFlags(cmd)
	o.network.flags(cmd)
	o.probing.flags(cmd)
	o.wishes.flags(cmd)
	f := cmd.Flags()
	f.BoolVar(&o.template, "attest-template", false, "write the file of questions to standard output, for --attestations, and nothing else")
	f.BoolVar(&o.skipMX, "skip-mx", false, "do not connect to port 25 of the MX hosts: many networks let nobody do that")
	f.IntVar(&o.perMinute, "per-minute", zendesk.DefaultPerMinute, "requests to the account a minute; its limit, from 200 on, is shared with all else that uses its API")
	f.DurationVar(&o.budget, "account-timeout", 15*time.Minute, "time for reading the account; --timeout is for each domain and host")
	f.BoolVar(&o.endUsers, "end-users", false, "count the end users one by one: a request for each hundred")
	f.StringVar(&o.save, "save", "", "write what was seen to this folder, for judge")
	return cmd
}

// wishes has the flags that say what the owner wants of the account.
type wishes struct{ policy, attestations string }

func (w *wishes) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&w.policy, "policy", "", "what is wanted of the account, as YAML (see docs/zendesk.md)")
	f.StringVar(&w.attestations, "attestations", "", "answers to what no interface shows, as YAML")
}

func (w *wishes) settings() (s zendesk.Settings, err error) {
	if w.policy != "" {
		if s, err = readFile(w.policy, zendesk.ParsePolicy); err != nil {
			return s, fmt.Errorf("--policy: %w", err)
		}
	}
	if w.attestations != "" {
		if s.Attestations, err = readFile(w.attestations, zendesk.ParseAttestations); err != nil {
			return s, fmt.Errorf("--attestations: %w", err)
		}
	}
	return s, nil
}

func readFile[T any](path string, parse func(io.Reader) (T, error)) (v T, err error) {
	f, err := os.Open(path)
	if err != nil {
		return v, err
	}
	defer f.Close()
	if v, err = parse(f); err != nil {
		return v, fmt.Errorf("%s: %w", path, err)
	}
	return v, nil
}

func (a *app) account(ctx context.Context, o *accountOptions, name string) error {
	if o.offline {
		return errors.New("--offline: an account is read over the network; save it with --save, and judge it offline")
	}
	doc, err := a.open(&o.output, "account")
	if err != nil {
		return err
	}
	defer doc.discard()
	settings, err := o.judging.settings()
	if err != nil {
		return err
	}
	wanted, err := o.wishes.settings()
	if err != nil {
		return err
	}
	show := &accountProgress{out: a.Stderr}
	client, err := a.client(o, name, settings.TLSCert.Roots, show)
	if err != nil {
		return err
	}
	folder, err := newAccountFolder(o.save)
	if err != nil {
		return err
	}
	src, err := a.source(&o.network)
	if err != nil {
		return err
	}
	o.probing.apply(src.Checker, a.Dialer)
	src.SkipMX = o.skipMX

	facts, err := a.readAccount(ctx, o, client, wanted, show)
	if err != nil {
		return err
	}
	if o.template {
		return a.template(facts, &o.output)
	}
	if err := folder.keepAccount(facts); err != nil {
		return err
	}
	acct := &zendesk.Account{Facts: facts, Settings: wanted, Only: settings.Only, Skip: settings.Skip}
	out, err := account.Look(ctx, account.Network{Checker: src.Checker}, acct, account.Options{
		Settings: settings, AtOnce: domainsAtOnce, Keep: folder.keep, Progress: show.outside,
	})
	show.off()
	if err != nil {
		return err
	}
	if err := doc.Add(acct.Judge(out)); err != nil {
		return err
	}
	if !facts.Seen(zendesk.EndpointMe) {
		doc.status = max(doc.status, check.NotKnown)
	}
	if err := doc.Close(); err != nil {
		return err
	}
	return doc.exit(false)
}

// client reads the credentials, which come from the environment alone: arguments
// can be read by everybody on the machine.
func (a *app) client(o *accountOptions, name string, trusted *x509.CertPool, show *accountProgress) (*zendesk.Client, error) {
	creds, err := zendesk.CredentialsFromEnv(a.Getenv)
	if err != nil {
		return nil, err
	}
	if o.perMinute < 1 {
		return nil, fmt.Errorf("--per-minute %d: want 1 or more", o.perMinute)
	}
	client, err := zendesk.NewClient(name, creds, zendesk.ClientOptions{PerMinute: o.perMinute, Roots: trusted, Progress: show.account, Dialer: a.Dialer})
	if err != nil {
		return nil, err
	}
	if warning := creds.Warning(a.Now()); warning != "" {
		fmt.Fprintln(a.Stderr, "mailcheck: warning:", warning)
	}
	return client, nil
}

func (a *app) readAccount(ctx context.Context, o *accountOptions, client *zendesk.Client, wanted zendesk.Settings, show *accountProgress) (*zendesk.Facts, error) {
	at, began := a.Now().UTC(), time.Now()
	facts, err := zendesk.Discover(ctx, client, zendesk.Options{Budget: o.budget, TeamDomains: wanted.TeamDomains, EndUsers: o.endUsers})
	show.off()
	if err != nil {
		return nil, err
	}
	facts.At, facts.Tool = at, "mailcheck "+mailcheck.Version
	for _, gap := range facts.Gaps(zendesk.EndpointMe) {
		fmt.Fprintln(a.Stderr, "mailcheck:", report.Clean(facts.Account+": "+gap.CauseText()))
	}
	if waited := client.Waited().Round(time.Second); waited > 0 {
		fmt.Fprintf(a.Stderr, "mailcheck: the account was read in %s, of which %s were spent waiting for the rate limit (%d requests a minute)\n",
			time.Since(began).Round(time.Second), waited, o.perMinute)
	}
	return facts, nil
}

// template writes the questions.
func (a *app) template(facts *zendesk.Facts, o *output) error {
	tr, err := translation(o.lang)
	if err != nil {
		return err
	}
	_, err = a.Stdout.Write(zendesk.Template(zendesk.Analyze(facts), tr))
	return err
}

// accountProgress is a line on a terminal; nothing is written where stderr is none.
type accountProgress struct {
	out   io.Writer
	shown bool
}

func (p *accountProgress) line(format string, args ...any) {
	if file, ok := p.out.(*os.File); !ok || !term.IsTerminal(int(file.Fd())) {
		return
	}
	p.shown = true
	fmt.Fprintf(p.out, "\r\x1b[K"+format, args...)
}

func (p *accountProgress) account(step zendesk.Progress) {
	switch {
	case !step.Wait.IsZero():
		p.line("the rate limit is used up: waiting until %s", step.Wait.Local().Format(time.TimeOnly))
	case !step.Done && step.Items > 0:
		p.line("reading %s: %d", step.Endpoint, step.Items)
	case !step.Done:
		p.line("reading %s", step.Endpoint)
	}
}

func (p *accountProgress) outside(done, of int) {
	p.line("%d of %d domains and help centres", done, of)
}

func (p *accountProgress) off() {
	if p.shown {
		fmt.Fprint(p.out, "\r\x1b[K")
		p.shown = false
	}
}
