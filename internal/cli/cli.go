// Package cli is the command mailcheck without the process: its arguments,
// streams, environment and clock are values of [Env].
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/mailcheck-go/mailcheck"
	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/internal/lang"
	"github.com/mailcheck-go/mailcheck/report"
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
why, and what to change.

Exit status: 0 nothing found, 1 a rule fails at or above --fail-on, 2 wrong
usage or unreadable input, 3 a rule at or above it could not be judged because
a question failed, 130 interrupted.`,
		Example: `  mailcheck domain acme.example
  mailcheck domain --zone zones/ --offline acme.example
  mailcheck explain dmarc.p-none`,
		Version:       mailcheck.Version,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.AddCommand(a.domainCommand(), a.judgeCommand(), a.rulesCommand(), a.explainCommand(), a.versionCommand())
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

// output has the flags that say how a report is written and what it means.
type output struct {
	format  string
	lang    string
	noColor bool
	failOn  string
	strict  bool
}

func (o *output) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.format, "format", "text", "how to write the report: text, json or ndjson")
	f.StringVar(&o.lang, "lang", "en", "language of the text report: en or ja (titles and labels)")
	f.BoolVar(&o.noColor, "no-color", false, "no colours (also with NO_COLOR set, or when the output is no terminal)")
	f.StringVar(&o.failOn, "fail-on", "high", "exit with 1 where a rule fails at this severity or above: critical, high, medium, low")
	f.BoolVar(&o.strict, "strict", false, "exit with 3 for every rule that could not be judged, also where nobody asked")
	complete(cmd, "format", report.Formats()...)
	complete(cmd, "lang", "en", "ja")
	complete(cmd, "fail-on", "critical", "high", "medium", "low")
}

func complete(cmd *cobra.Command, flag string, words ...string) {
	if err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // the flag does not exist: a fault of this package
	}
}

// open checks the flags and begins the report on stdout.
func (a *app) open(o *output) (*report.Stream, check.Severity, error) {
	failOn, err := check.ParseSeverity(o.failOn)
	if err != nil || failOn == check.Info {
		return nil, 0, fmt.Errorf("--fail-on %q: want critical, high, medium or low", o.failOn)
	}
	tr, err := lang.Load(o.lang)
	if err != nil {
		return nil, 0, fmt.Errorf("--lang: %w", err)
	}
	opts := report.Options{Lang: tr}
	if file, ok := a.Stdout.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		opts.Color = !o.noColor && a.Getenv("NO_COLOR") == "" && a.Getenv("TERM") != "dumb"
		if w, _, err := term.GetSize(int(file.Fd())); err == nil {
			opts.Width = min(w, 160) // longer lines are hard to read
		}
	}
	if n, err := strconv.Atoi(a.Getenv("COLUMNS")); err == nil && n > 0 && opts.Width == 0 {
		opts.Width = min(n, 160)
	}
	stream, err := report.NewStream(a.Stdout, o.format, opts)
	if err != nil {
		return nil, 0, fmt.Errorf("--format: %w", err)
	}
	return stream, failOn, nil
}

func exit(s check.Status) error {
	switch s {
	case check.Found:
		return exitStatus(Found)
	case check.NotKnown:
		return exitStatus(NotKnown)
	}
	return nil
}
