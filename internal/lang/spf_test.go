package lang_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck"
	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/internal/lang"
)

// Everything that package spf can say is there in Japanese, with the same arguments, and
// nothing else stands in its file.
func TestSPFInJapanese(t *testing.T) {
	data, err := os.ReadFile("spf-ja.json")
	require.NoError(t, err)
	var own check.Translation
	require.NoError(t, json.Unmarshal(data, &own))
	ja, err := lang.Load("ja")
	require.NoError(t, err)
	want := slices.Concat(formats(t, "../../spf/*.go"), said(t, "../../spf/*.go"),
		strings.Split(listed(t, "../../spf/rules_terms.go", "reservedRanges")+"\n"+listed(t, "../../spf/parse.go", "otherSeparators"), "\n"),
		[]string{"kept for examples (RFC 5737, RFC 3849)"}) // has a name there
	for _, name := range []string{"", "a..example", `\`, strings.Repeat("a", 64), strings.Repeat("a.", 200)} {
		var e *dnsx.NameError
		_, err := dnsx.PackName(name)
		require.ErrorAs(t, err, &e)
		want = append(want, e.Reason)
	}
	for _, doc := range mailcheck.Catalog() {
		if strings.HasPrefix(doc.ID, "spf.") {
			want = append(want, doc.Text, doc.Fix)
		}
	}
	inJapanese(t, ja, want)
	for format := range own {
		assert.Contains(t, want, format, "spf-ja.json has what nothing says")
	}
}

// So is what package mailcheck says above the rooms, what the commands of SPF say, and
// what becomes of a question to the DNS.
func TestCommandsInJapanese(t *testing.T) {
	ja, err := lang.Load("ja")
	require.NoError(t, err)
	var want []string
	for _, pattern := range []string{"../../*.go", "../cli/draw.go", "../cli/spf.go", "../cli/spf_*.go"} {
		want = append(want, formats(t, pattern)...)
		want = append(want, said(t, pattern)...)
	}
	require.Greater(t, len(want), 200)
	for _, kind := range []dnsx.Kind{dnsx.KindTimeout, dnsx.KindRCode, dnsx.KindNetwork, dnsx.KindMalformed, dnsx.KindChain, dnsx.KindBudget, dnsx.KindCanceled, dnsx.KindNotAsked, "another"} {
		for _, detail := range []string{"", "no zone file knows A acme.example", "no zone file knows A b.example", "other"} {
			for _, server := range []string{"", "192.0.2.53:53"} {
				for _, codes := range [][]dnsx.EDE{nil, {{Code: 6}}} {
					format, _ := (&dnsx.Failure{Question: dnsx.Q("acme.example", dnsx.TypeA), Kind: kind, Detail: detail, Server: server, EDE: codes}).Words()
					want = append(want, format)
				}
			}
		}
	}
	format, _ := (&dnsx.NameError{}).Words()
	inJapanese(t, ja, append(want, format, "MX record", "MTA-STS record", "given"))
}

func inJapanese(t *testing.T, ja check.Translation, want []string) {
	t.Helper()
	for _, format := range want {
		if !strings.ContainsFunc(verb.ReplaceAllString(format, ""), unicode.IsLetter) {
			continue // nothing to translate
		}
		if to := ja[format]; assert.NotEmpty(t, to, "no Japanese for %q", format) {
			assert.Equal(t, verbs(format), verbs(to), "the arguments of %q", to)
		}
	}
}

// said are literals that become texts behind a function of its package's own: the
// functions by name, with the places of such arguments.
func said(t *testing.T, pattern string) (all []string) {
	t.Helper()
	at := map[string][]int{
		"say": {0}, "label": {0}, "plural": {1, 2}, "term": {1}, "item": {0}, "line": {0, 1}, // drawings
		"ofKind": {2}, "ends": {1, 2}, "limitGap": {1}, // rules of SPF
		"taker": {3, 4}, "count": {1, 2}, "faultOf": {1},
	}
	each(t, pattern, func(n ast.Node) {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return
		}
		name := ""
		switch fun := call.Fun.(type) {
		case *ast.Ident:
			name = fun.Name
		case *ast.SelectorExpr:
			name = fun.Sel.Name
		}
		for _, i := range at[name] {
			if i < len(call.Args) {
				if s, ok := literal(call.Args[i]); ok && s != "" {
					all = append(all, s)
				}
			}
		}
	})
	return all
}

// listed are the words in a table of a package, each a line.
func listed(t *testing.T, file, table string) string {
	t.Helper()
	var all []string
	each(t, file, func(n ast.Node) {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || spec.Names[0].Name != table {
			return
		}
		ast.Inspect(spec.Values[0], func(n ast.Node) bool {
			if row, ok := n.(*ast.CompositeLit); ok && row.Type == nil {
				if s, ok := literal(row.Elts[len(row.Elts)-1]); ok {
					all = append(all, s)
				}
			}
			return true
		})
	})
	require.NotEmpty(t, all)
	return strings.Join(all, "\n")
}

// each goes through the syntax of files that are no tests.
func each(t *testing.T, pattern string, look func(ast.Node)) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	require.NoError(t, err)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		require.NoError(t, err)
		ast.Inspect(f, func(n ast.Node) bool {
			look(n)
			return true
		})
	}
}
