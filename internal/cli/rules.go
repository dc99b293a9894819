package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mailcheck-go/mailcheck"
	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/internal/lang"
	"github.com/mailcheck-go/mailcheck/report"
	"github.com/mailcheck-go/mailcheck/zendesk"
)

func (a *app) rulesCommand() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "rules [AREA…]",
		Short: "List the rules, of all areas or of some",
		Example: `  mailcheck rules
  mailcheck rules dmarc spf
  mailcheck rules --format markdown`,
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return areas(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, areas []string) error {
			docs, err := inAreas(catalog(), areas)
			if err != nil {
				return err
			}
			switch format {
			case "text":
				return rulesText(a.Stdout, docs)
			case "markdown":
				return rulesMarkdown(a.Stdout, docs)
			case "json":
				enc := json.NewEncoder(a.Stdout)
				enc.SetEscapeHTML(false)
				enc.SetIndent("", "  ")
				return enc.Encode(docs)
			}
			return fmt.Errorf("--format %q: want text, json or markdown", format)
		},
	}
	cmd.Flags().StringVar(&format, "format", "text", "how to write the list: text, json or markdown")
	complete(cmd, "format", "text", "json", "markdown")
	return cmd
}

// catalog documents every rule, of domains and of accounts.
func catalog() []check.Doc { return slices.Concat(mailcheck.Catalog(), zendesk.Catalog()) }

// areas are the first parts of the ids, in the order of reports.
func areas() []string {
	var all []string
	for _, doc := range catalog() {
		if area, _, _ := strings.Cut(doc.ID, "."); !slices.Contains(all, area) {
			all = append(all, area)
		}
	}
	return all
}

func inAreas(docs []check.Doc, want []string) ([]check.Doc, error) {
	if len(want) == 0 {
		return docs, nil
	}
	var kept []check.Doc
	for _, area := range want {
		n := len(kept)
		for _, doc := range docs {
			if strings.HasPrefix(doc.ID, area+".") {
				kept = append(kept, doc)
			}
		}
		if len(kept) == n {
			return nil, fmt.Errorf("no area %q: want %s", area, strings.Join(areas(), ", "))
		}
	}
	return kept, nil
}

func rulesText(w io.Writer, docs []check.Doc) error {
	wide := 0
	for _, doc := range docs {
		wide = max(wide, len(doc.ID))
	}
	for _, doc := range docs {
		if _, err := fmt.Fprintf(w, "%-*s  %-8s  %s\n", wide, doc.ID, doc.Severity, doc.Title); err != nil {
			return err
		}
	}
	return nil
}

func rulesMarkdown(w io.Writer, docs []check.Doc) error {
	var b strings.Builder
	b.WriteString("# Rules\n\nWritten by `mailcheck rules --format markdown`; do not edit by hand.\n\n")
	fmt.Fprintf(&b, "%d rules. The severity is the gravest that a finding of the rule may have.\n", len(docs))
	area := ""
	for _, doc := range docs {
		if a, _, _ := strings.Cut(doc.ID, "."); a != area {
			area = a
			fmt.Fprintf(&b, "\n## %s\n", area)
		}
		var cites []string
		for _, c := range doc.Cite {
			cites = append(cites, c.String())
		}
		fmt.Fprintf(&b, "\n### %s\n\n**%s** · %s · since %s · %s\n\n%s\n", doc.ID, markdown(doc.Title), doc.Severity, doc.Since,
			markdown(strings.Join(cites, "; ")), markdown(doc.Text))
		if doc.Fix != "" {
			fmt.Fprintf(&b, "\n*Fix:* %s\n", markdown(doc.Fix))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// markdown escapes what would be markup in the rules' own texts.
func markdown(s string) string {
	return strings.NewReplacer("\\", "\\\\", "*", "\\*", "_", "\\_", "<", "\\<", "`", "\\`", "[", "\\[", "|", "\\|").Replace(s)
}

func (a *app) explainCommand() *cobra.Command {
	var language string
	cmd := &cobra.Command{
		Use:   "explain ID…",
		Short: "Explain a rule: what it means, what to do, where it is written",
		Long: `explain says of a rule what it means, what to do, and where that is written. Of an
area, such as spf or 'spf.*', it lists the rules.`,
		Example: `  mailcheck explain spf.lookup-limit
  mailcheck explain spf`,
		Args: some("name a rule, such as: mailcheck explain dmarc.p-none"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var ids []string
			for _, doc := range catalog() {
				ids = append(ids, doc.ID+"\t"+doc.Title)
			}
			return ids, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			tr, err := lang.Load(language)
			if err != nil {
				return fmt.Errorf("--lang: %w", err)
			}
			for i, id := range args {
				docs := catalog()
				if area := strings.TrimSuffix(strings.ToLower(id), ".*"); slices.Contains(areas(), area) {
					if i > 0 {
						fmt.Fprintln(a.Stdout)
					}
					if err := listArea(a.Stdout, area, tr); err != nil {
						return err
					}
					continue
				}
				at := slices.IndexFunc(docs, func(d check.Doc) bool { return strings.EqualFold(d.ID, id) })
				if at < 0 {
					return fmt.Errorf("no rule %q%s", id, near(id))
				}
				if i > 0 {
					fmt.Fprintln(a.Stdout)
				}
				if err := a.explain(docs[at], tr); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&language, "lang", "en", "language: en or ja")
	complete(cmd, "lang", "en", "ja")
	return cmd
}

// listArea lists the rules of an area, in the reader's language.
func listArea(w io.Writer, area string, tr check.Translation) error {
	docs, err := inAreas(catalog(), []string{area})
	if err != nil {
		return err
	}
	for i := range docs {
		if title, ok := tr.Title(docs[i].ID); ok {
			docs[i].Title = title
		}
	}
	return rulesText(w, docs)
}

func (a *app) explain(doc check.Doc, tr check.Translation) error {
	var opts report.Options
	a.terminal(&writing{}, &opts)
	fill := func(s string) string {
		return strings.Join(report.Wrap(s, max(cmp.Or(opts.Width, 80), 40)), "\n")
	}
	title := doc.Title
	if s, ok := tr.Title(doc.ID); ok {
		title = s
	}
	text, _ := tr.Title(doc.Text)
	var b strings.Builder
	fmt.Fprintf(&b, "%s  (%s, since %s)\n%s\n\n%s\n", doc.ID, doc.Severity, doc.Since, fill(title), fill(text))
	if doc.Fix != "" {
		fix, _ := tr.Title(doc.Fix)
		label, _ := tr.Title("Fix:")
		fmt.Fprintf(&b, "\n%s\n", fill(label+" "+fix))
	}
	b.WriteString("\n")
	for _, c := range doc.Cite {
		label, _ := tr.Title("Source:")
		fmt.Fprintf(&b, "%s %s\n", label, c)
	}
	_, err := io.WriteString(a.Stdout, b.String())
	return err
}

// near suggests what may be meant: an area's pattern, or the rules of a like name.
func near(id string) string {
	if slices.Contains(areas(), id) {
		return fmt.Sprintf(": did you mean %s.*?", id)
	}
	_, name, ok := strings.Cut(id, ".")
	if !ok {
		name = id
	}
	var alike []string
	for _, doc := range catalog() {
		if _, n, _ := strings.Cut(doc.ID, "."); name != "" && (strings.Contains(n, name) || strings.Contains(name, n)) {
			alike = append(alike, doc.ID)
		}
	}
	switch {
	case len(alike) == 0:
		return ": see mailcheck rules"
	case len(alike) > 8:
		alike = append(alike[:8], "…")
	}
	return ": did you mean " + strings.Join(alike, ", ") + "?"
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			s := "mailcheck " + mailcheck.Version
			if info, ok := debug.ReadBuildInfo(); ok {
				for _, kv := range info.Settings {
					if kv.Key == "vcs.revision" && len(kv.Value) >= 12 {
						s += " (" + kv.Value[:12] + ")"
					}
				}
			}
			_, err := fmt.Fprintf(a.Stdout, "%s %s %s/%s, %d rules\n", s, runtime.Version(), runtime.GOOS, runtime.GOARCH, len(catalog()))
			return err
		},
	}
}
