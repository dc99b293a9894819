// Package cli is the command mailcheck without the process: its arguments,
// streams, environment and clock are values of [Env].
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/mailcheck-go/mailcheck"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/report"
	"github.com/mailcheck-go/mailcheck/tlscert"
)

// The exit statuses.
const (
	Clean       = 0   // nothing found at or above --fail-on, and all of it is known
	Found       = 1   // a rule fails at or above --fail-on
	Usage       = 2   // wrong usage or unreadable input
	NotKnown    = 3   // a rule at or above it is unknown because a question failed
	Interrupted = 130 // the user stopped it
)

// Env is the process as the command sees it.
type Env struct {
	Args           []string // without the program's name
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Getenv         func(string) string
	Now            func() time.Time
	Resolver       dnsx.Resolver // nil: what the flags and the system say
	// Dialer connects to accounts and to hosts that are looked at, in the place of the
	// usual one; what is not public stays refused. Not to name servers.
	Dialer tlscert.Dialer
}

// Main runs one command and returns the exit status.
func Main(ctx context.Context, env Env) int {
	app := &app{Env: env}
	root := app.command()
	root.SetArgs(env.Args)
	root.SetIn(env.Stdin)
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	err := root.ExecuteContext(ctx)
	var status exitStatus
	switch {
	case isPlugin(env.Args):
		return pluginStatus(ctx, env, err)
	case ctx.Err() != nil:
		return Interrupted
	case errors.As(err, &status):
		return int(status)
	case err != nil:
		fmt.Fprintln(env.Stderr, "mailcheck:", report.Clean(err.Error()))
		return Usage
	}
	return Clean
}

// exitStatus ends a command whose output is complete.
type exitStatus int

func (s exitStatus) Error() string { return "exit status " + strconv.Itoa(int(s)) }

// app carries the Env through the commands.
type app struct{ Env }

func (a *app) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "mailcheck",
		Short: "Check what a domain publishes about its mail",
		Long: `mailcheck looks at everything a domain publishes about its mail (SPF, DKIM,
DMARC, MX, MTA-STS, TLS-RPT, certificates) and says what is wrong with it,
why, and what to change. It does the same for all domains and help centres of a
Zendesk account, and for the account's own settings.

Exit status: 0 nothing found, 1 a rule fails at or above --fail-on, 2 wrong
usage or unreadable input, 3 a rule at or above it could not be judged because
a question failed, 130 interrupted. With --format nagios Nagios' own: 0 OK,
1 WARNING, 2 CRITICAL, 3 UNKNOWN.`,
		Example: `  mailcheck domain acme.example
  mailcheck domain --zone zones/ --offline acme.example
  mailcheck account acme
  mailcheck explain dmarc.p-none`,
		Version:       mailcheck.Version,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.AddCommand(a.domainCommand(), a.certCommand(), a.accountCommand(), a.judgeCommand(), a.rulesCommand(), a.explainCommand(), a.spfCommand(), a.versionCommand())
	root.InitDefaultCompletionCmd()
	if c, _, err := root.Find([]string{"completion"}); err == nil && c != root {
		c.Args, c.RunE = cobra.NoArgs, func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	}
	return root
}

// some demands at least one argument, and says what it is.
func some(want string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return errors.New(want)
		}
		return nil
	}
}
