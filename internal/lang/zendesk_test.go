package lang_test

import (
	"encoding/json"
	"go/ast"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/zendesk"
)

// Everything that package zendesk can say is there in Japanese, with the same
// arguments, and nothing else stands in the file.
func TestZendeskInJapanese(t *testing.T) {
	data, err := os.ReadFile("zendesk-ja.json")
	require.NoError(t, err)
	var ja check.Translation
	require.NoError(t, json.Unmarshal(data, &ja))
	want := formats(t, "../../zendesk/*.go")
	for _, doc := range zendesk.Catalog() {
		want = append(want, doc.ID, doc.Text, doc.Fix)
	}
	for _, e := range zendesk.Endpoints() {
		want = append(want, e.Needs().Role, e.Needs().Plan)
	}
	slices.Sort(want)
	want = slices.DeleteFunc(slices.Compact(want), func(s string) bool { return !strings.ContainsFunc(verb.ReplaceAllString(s, ""), unicode.IsLetter) })
	for _, format := range want {
		if to := ja[format]; assert.NotEmpty(t, to, "zendesk-ja.json lacks %q", format) {
			assert.Equal(t, verbs(format), verbs(to), "the arguments of %q", to)
		}
	}
	for format := range ja {
		assert.Contains(t, want, format, "zendesk-ja.json has what nothing says")
	}
}

var verb = regexp.MustCompile(`%#?[0-9]*(\[\d+\])?[a-z]`)

// verbs are a format's, each argument once: numbered ones in their place.
func verbs(format string) []string {
	var all []string
	for i, v := range verb.FindAllStringSubmatch(strings.ReplaceAll(format, "%%", ""), -1) {
		at := strconv.Itoa(i + 1)
		if v[1] != "" {
			at = strings.Trim(v[1], "[]")
		}
		all = append(all, at+v[0][len(v[0])-1:])
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// formats are those of a package's texts: the first argument of check.Textf and
// check.Errorf where it is a literal, the questions that rules ask, and question{…}.
func formats(t *testing.T, pattern string) []string {
	t.Helper()
	var all []string
	add := func(e ast.Expr) {
		if s, ok := literal(e); ok {
			all = append(all, s)
		}
	}
	each(t, pattern, func(n ast.Node) {
		switch n := n.(type) {
		case *ast.CallExpr:
			if s, ok := n.Fun.(*ast.SelectorExpr); ok && (s.Sel.Name == "Textf" || s.Sel.Name == "Errorf") {
				if of, ok := s.X.(*ast.Ident); ok && of.Name == "check" {
					add(n.Args[0])
				}
			}
		case *ast.KeyValueExpr:
			if key, ok := n.Key.(*ast.Ident); ok && key.Name == "question" {
				add(n.Value)
			}
		case *ast.CompositeLit:
			if name, ok := n.Type.(*ast.Ident); ok && name.Name == "question" && len(n.Elts) == 1 {
				add(n.Elts[0])
			}
		}
	})
	return all
}

// literal is the text of a string literal, or of several that are added.
func literal(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		s, err := strconv.Unquote(e.Value)
		return s, err == nil
	case *ast.BinaryExpr:
		a, okA := literal(e.X)
		b, okB := literal(e.Y)
		return a + b, okA && okB
	}
	return "", false
}
