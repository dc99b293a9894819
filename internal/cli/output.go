package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/internal/lang"
	"github.com/mailcheck-go/mailcheck/report"
	"github.com/mailcheck-go/mailcheck/zendesk"
)

// writing has the flags that say how and where something is written.
type writing struct {
	format  string
	formats []string
	lang    string
	noColor bool
	path    string
}

// flags are the same for every command; what is written says "the report".
func (w *writing) flags(cmd *cobra.Command, what string, formats ...string) {
	w.formats = formats
	f := cmd.Flags()
	f.StringVar(&w.format, "format", formats[0], "how to write "+what+": "+orList(formats))
	f.StringVar(&w.path, "output", "", "write "+what+" to this file, which is replaced when "+what+" is whole")
	f.StringVar(&w.lang, "lang", "en", "language of the text: en or ja")
	f.BoolVar(&w.noColor, "no-color", false, "no colours (also with NO_COLOR set, or when the output is no terminal)")
	complete(cmd, "format", formats...)
	complete(cmd, "lang", "en", "ja")
}

// orList is "text, json or zone".
func orList(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// begin checks the flags, and makes the drawing for what is written as text.
func (a *app) begin(w *writing) (*drawing, error) {
	if !slices.Contains(w.formats, w.format) {
		return nil, fmt.Errorf("--format %q: want %s", w.format, orList(w.formats))
	}
	tr, err := translation(w.lang)
	if err != nil {
		return nil, err
	}
	var opts report.Options
	a.terminal(w, &opts)
	return &drawing{tr: tr, color: opts.Color, width: max(cmp.Or(opts.Width, 80), 40), piped: opts.Width == 0}, nil
}

// put writes a text that is whole to where the flags want it.
func (a *app) put(w *writing, text string) error {
	if w.path == "" || w.path == "-" {
		_, err := io.WriteString(a.Stdout, text)
		return err
	}
	out, err := create(w.path, 0o644)
	if err != nil {
		return fmt.Errorf("--output: %w", err)
	}
	defer out.discard()
	_, err = io.WriteString(out, text)
	if err == nil {
		err = out.commit()
	}
	if err != nil {
		return fmt.Errorf("--output: %w", err)
	}
	return nil
}

func (a *app) putJSON(w *writing, v any) error {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return err
	}
	return a.put(w, b.String())
}

// output has the flags that say how a report is written and what it means.
type output struct {
	writing
	failOn string // "high" where the command sets no other before the flags are made
	strict bool
}

func (o *output) flags(cmd *cobra.Command) {
	o.writing.flags(cmd, "the report", report.Formats()...)
	f := cmd.Flags()
	f.Lookup("lang").Usage = "language of the text report: en or ja (titles and labels)"
	f.StringVar(&o.failOn, "fail-on", cmp.Or(o.failOn, "high"), "exit with 1 where a rule fails at this severity or above: critical, high, medium, low")
	f.BoolVar(&o.strict, "strict", false, "exit with 3 for every rule that could not be judged, also where nobody asked")
	complete(cmd, "fail-on", "critical", "high", "medium", "low")
}

func complete(cmd *cobra.Command, flag string, words ...string) {
	if err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // the flag does not exist: a fault of this package
	}
}

// document is a report on its way to where the flags want it.
type document struct {
	*report.Stream
	out    *pending // nil: standard output
	nagios bool
	failOn check.Severity
	strict bool
	status check.Status
}

// open checks the flags and begins the report. What says what is checked: "domain";
// more sets further options of the report.
func (a *app) open(o *output, what string, more ...func(*report.Options)) (*document, error) {
	d := &document{nagios: o.format == "nagios", strict: o.strict}
	var err error
	if d.failOn, err = check.ParseSeverity(o.failOn); err != nil || d.failOn == check.Info {
		return nil, fmt.Errorf("--fail-on %q: want critical, high, medium or low", o.failOn)
	}
	opts := report.Options{What: what, Hosts: what == "cert"}
	if opts.Lang, err = translation(o.lang); err != nil {
		return nil, err
	}
	a.terminal(&o.writing, &opts)
	for _, set := range more {
		set(&opts)
	}
	if d.Stream, err = report.NewStream(a.Stdout, o.format, opts); err != nil {
		return nil, fmt.Errorf("--format: %w", err)
	}
	if o.path == "" || o.path == "-" {
		return d, nil
	}
	if d.out, err = create(o.path, 0o644); err != nil { // for whoever collects it
		return nil, fmt.Errorf("--output: %w", err)
	}
	d.Stream, err = report.NewStream(d.out, o.format, opts)
	return d, err
}

// translation is that of --lang, with the lines of the list that accounts are held
// against.
func translation(name string) (check.Translation, error) {
	tr, err := lang.Load(name)
	if err != nil {
		return nil, fmt.Errorf("--lang: %w", err)
	}
	if tr != nil {
		for _, l := range zendesk.Lines() {
			tr[l.Title], tr[l.Section.Title] = l.TitleJA, l.Section.TitleJA
		}
	}
	return tr, nil
}

// terminal says how wide and how colourful text may be.
func (a *app) terminal(o *writing, opts *report.Options) {
	file, ok := a.Stdout.(*os.File)
	if ok && o.path == "" && term.IsTerminal(int(file.Fd())) {
		opts.Color = !o.noColor && a.Getenv("NO_COLOR") == "" && a.Getenv("TERM") != "dumb"
		if w, _, err := term.GetSize(int(file.Fd())); err == nil {
			opts.Width = min(w, 160) // longer lines are hard to read
		}
	}
	if n, err := strconv.Atoi(a.Getenv("COLUMNS")); err == nil && n > 0 && opts.Width == 0 {
		opts.Width = min(n, 160)
	}
}

// Add writes a report, and counts it for the exit status.
func (d *document) Add(r *check.Report) error {
	d.status = max(d.status, r.Status(d.failOn, d.strict))
	return d.Stream.Add(r)
}

// refuse notes a name or file that cannot be checked. It was said on stderr, which
// Nagios does not read.
func (d *document) refuse(name string, err error) error {
	if !d.nagios {
		return nil
	}
	gap := check.Gap{Subject: name, Why: check.Failed, Cause: err}
	return d.Stream.Add(&check.Report{Target: name, Results: []check.Result{
		{ID: "input", Outcome: check.Unknown, Severity: check.Medium, Gaps: []check.Gap{gap}},
	}})
}

// Close ends the report and puts it in its place.
func (d *document) Close() error {
	if err := d.Stream.Close(); err != nil || d.out == nil {
		return err
	}
	if err := d.out.commit(); err != nil {
		return fmt.Errorf("--output: %w", err)
	}
	return nil
}

// discard removes what is not whole.
func (d *document) discard() {
	if d.out != nil {
		d.out.discard()
	}
}

// exit is the exit status: bad says that a name or file could not be read.
func (d *document) exit(bad bool) error {
	switch {
	case d.nagios:
		return exitStatus(d.NagiosStatus())
	case bad:
		return exitStatus(Usage)
	case d.status == check.Found:
		return exitStatus(Found)
	case d.status == check.NotKnown:
		return exitStatus(NotKnown)
	}
	return nil
}
