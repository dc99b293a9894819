package lang_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/check"
)

// What the commands of SPF say, and the plan of spf.Flatten, is there in Japanese, with
// the same arguments.
func TestSPFInJapanese(t *testing.T) {
	data, err := os.ReadFile("ja.json")
	require.NoError(t, err)
	var ja check.Translation
	require.NoError(t, json.Unmarshal(data, &ja))
	var want []string
	for _, pattern := range []string{"../../spf/flatten*.go", "../cli/draw.go", "../cli/spf.go", "../cli/spf_tree.go", "../cli/spf_senders.go", "../cli/spf_flatten*.go"} {
		want = append(want, formats(t, pattern)...)
		want = append(want, said(t, pattern)...)
	}
	require.Greater(t, len(want), 100)
	for _, format := range want {
		if len(verbs(format)) > 0 && verb.ReplaceAllString(format, "") == "" || format == "%s: %s" {
			continue // nothing to translate
		}
		if to := ja[format]; assert.NotEmpty(t, to, "ja.json lacks %q", format) {
			assert.Equal(t, verbs(format), verbs(to), "the arguments of %q", to)
		}
	}
}

// said are the literals that a drawing words: the formats of say, plural and the like.
func said(t *testing.T, pattern string) (all []string) {
	t.Helper()
	at := map[string][]int{"say": {0}, "label": {0}, "plural": {1, 2}, "term": {1}, "item": {0}, "line": {0, 1}}
	files, err := filepath.Glob(pattern)
	require.NoError(t, err)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		require.NoError(t, err)
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
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
			return true
		})
	}
	return all
}
