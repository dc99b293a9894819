package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mailcheck-go/mailcheck"
	"github.com/mailcheck-go/mailcheck/account"
	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/report"
	"github.com/mailcheck-go/mailcheck/zendesk"
)

type judgeOptions struct {
	output
	judging
	wishes
	at string
}

func (a *app) judgeCommand() *cobra.Command {
	o := judgeOptions{judging: judging{accounts: true}}
	cmd := &cobra.Command{
		Use:   "judge FILE…|FOLDER|-",
		Short: "Judge facts that were saved with --save",
		Long: `judge reads facts that "domain --save" or "cert --save" wrote and judges them
with the rules of this release. It asks nobody. A folder that "account --save"
wrote is judged as an account, with --policy and --attestations. --at judges as
of another time, such as a day on
which a certificate will have expired.`,
		Example: `  mailcheck judge facts.json
  mailcheck judge --at 2027-01-31T00:00:00Z facts.json`,
		Args: some("name a file that --save wrote, a folder of them, or - for standard input"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.judge(cmd.Context(), &o, args) },
	}
	o.output.flags(cmd)
	o.judging.flags(cmd)
	o.wishes.flags(cmd)
	cmd.Flags().StringVar(&o.at, "at", "", "judge as of this time or date, RFC 3339 (default: when the facts were gathered)")
	return cmd
}

func (a *app) judge(ctx context.Context, o *judgeOptions, files []string) error {
	doc, err := a.open(&o.output, "judge")
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
	if o.at != "" {
		if settings.At, err = parseTime(o.at); err != nil {
			return err
		}
	}
	if files, err = savedFiles(files); err != nil {
		return err
	}
	bad := false
	for _, file := range files {
		if err := ctx.Err(); err != nil {
			return err
		}
		rep, err := a.judgeSaved(ctx, file, settings, wanted)
		if err != nil { // the others are judged nevertheless, as with domain
			fmt.Fprintln(a.Stderr, "mailcheck:", report.Clean(fmt.Sprintf("%s: %v", file, err)))
			bad = true
			if err := doc.refuse(file, err); err != nil {
				return err
			}
			continue
		}
		if err := doc.Add(rep); err != nil {
			return err
		}
	}
	if err := doc.Close(); err != nil {
		return err
	}
	return doc.exit(bad)
}

// judgeSaved judges a file, or the folder of an account.
func (a *app) judgeSaved(ctx context.Context, file string, settings mailcheck.Settings, wanted zendesk.Settings) (*check.Report, error) {
	folder, ok := accountAt(file)
	if !ok {
		facts, err := a.readFacts(file)
		if err != nil {
			return nil, err
		}
		return mailcheck.Judge(facts, settings), nil
	}
	facts, err := folder.readAccount()
	if err != nil {
		return nil, err
	}
	wanted.At = settings.At
	acct := &zendesk.Account{Facts: facts, Settings: wanted, Only: settings.Only, Skip: settings.Skip}
	out, err := account.Look(ctx, folder, acct, account.Options{Settings: settings, AtOnce: 1})
	if err != nil {
		return nil, err
	}
	return acct.Judge(out), nil
}

// parseTime reads a time or a date.
func parseTime(s string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("--at %q: want a time such as 2027-01-31T00:00:00Z, or a date", s)
}

// savedFiles puts in the place of a folder the files that --save wrote there.
func savedFiles(paths []string) ([]string, error) {
	var files []string
	for _, path := range paths {
		info, err := os.Stat(path)
		if _, account := accountAt(path); account || path == "-" || err != nil || !info.IsDir() {
			files = append(files, path)
			continue
		}
		entries, err := os.ReadDir(path)
		if err != nil {
			return nil, err
		}
		n := len(files)
		for _, e := range entries {
			if strings.HasSuffix(e.Name(), ".json") {
				files = append(files, filepath.Join(path, e.Name()))
			}
		}
		if len(files) == n {
			return nil, fmt.Errorf("%s: no facts in this folder", path)
		}
	}
	return files, nil
}

func (a *app) readFacts(file string) (*mailcheck.Facts, error) {
	var in io.Reader = a.Stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	return mailcheck.ReadFacts(in)
}

// saveFacts writes facts so that the file is there whole or not at all, and for
// its owner only.
func saveFacts(path string, f any) error {
	out, err := create(path, 0o600)
	if err != nil {
		return fmt.Errorf("--save: %w", err)
	}
	defer out.discard()
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(f); err != nil {
		return fmt.Errorf("--save: %w", err)
	}
	if err := out.commit(); err != nil {
		return fmt.Errorf("--save: %w", err)
	}
	return nil
}
