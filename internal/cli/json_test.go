package cli_test

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/internal/cli"
)

// Every field of the documents that the commands of SPF write has its name in the part of
// docs/json.md about that document, and no row of a table there is about another.
func TestSPFDocumentsAreDescribed(t *testing.T) {
	data, err := os.ReadFile("../../docs/json.md")
	require.NoError(t, err)
	row := regexp.MustCompile(`(?m)^\| (.*?) \|`)
	name := regexp.MustCompile("`([a-z0-9_.\\[\\]]+)`")
	for document, value := range cli.Documents() {
		t.Run(document, func(t *testing.T) {
			doc := partOf(t, string(data), document)
			fields := map[string]bool{}
			fieldsOf(reflect.TypeOf(value), fields)
			described := map[string]bool{}
			for _, m := range name.FindAllStringSubmatch(doc, -1) {
				for part := range strings.SplitSeq(m[1], ".") {
					described[strings.TrimSuffix(part, "[]")] = true
				}
			}
			for field := range fields {
				assert.True(t, described[field], "docs/json.md does not describe %s of %s", field, document)
			}
			if document == "facts" {
				return // the table there is about other parts too
			}
			for _, line := range row.FindAllStringSubmatch(doc, -1) {
				for _, m := range name.FindAllStringSubmatch(line[1], -1) {
					for part := range strings.SplitSeq(m[1], ".") {
						assert.True(t, fields[strings.TrimSuffix(part, "[]")], "%s of %s is no field", part, document)
					}
				}
			}
		})
	}
}

// partOf is the part of the page about a document.
func partOf(t *testing.T, page, document string) string {
	t.Helper()
	from, to := "`mailcheck spf "+document+" --format json`", "`mailcheck spf "
	if document == "facts" {
		from, to = "## Facts:", "\n## "
	}
	_, part, ok := strings.Cut(page, from)
	require.True(t, ok, "docs/json.md has no part about %s", document)
	part, _, _ = strings.Cut(part, to)
	part, _, _ = strings.Cut(part, "\n## ")
	return part
}

// fieldsOf collects the names that a type has in JSON, at any depth.
func fieldsOf(typ reflect.Type, names map[string]bool) {
	switch typ.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		fieldsOf(typ.Elem(), names)
	case reflect.Struct:
		if typ == reflect.TypeFor[dnsx.Reply]() || typ.PkgPath() == "time" {
			return
		}
		for i := range typ.NumField() {
			f := typ.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			switch {
			case f.Anonymous && name == "":
				fieldsOf(f.Type, names)
			case name != "" && name != "-" && !names[name]:
				names[name] = true
				fieldsOf(f.Type, names)
			}
		}
	}
}
