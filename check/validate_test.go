package check_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/mailcheck-go/mailcheck/check"
)

func TestValidate(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(*check.Rule[view])
		want  string // "" for none
	}{
		{name: "a good rule", spoil: func(*check.Rule[view]) {}},
		{name: "a rule that only informs needs no fix", spoil: func(r *check.Rule[view]) { r.Severity, r.Fix = check.Info, "" }},
		{name: "digits and hyphens in the id", spoil: func(r *check.Rule[view]) { r.ID = "dns2.name-2-far" }},
		{name: "a citation without section", spoil: func(r *check.Rule[view]) { r.Cite[0].Section = "" }},
		{name: "no id", spoil: func(r *check.Rule[view]) { r.ID = "" }, want: "the id is not of the form area.name"},
		{name: "no area", spoil: func(r *check.Rule[view]) { r.ID = "limit" }, want: "the id is not of the form area.name"},
		{name: "three parts", spoil: func(r *check.Rule[view]) { r.ID = "spf.a.b" }, want: "the id is not of the form area.name"},
		{name: "upper case", spoil: func(r *check.Rule[view]) { r.ID = "spf.Limit" }, want: "the id is not of the form area.name"},
		{name: "an underscore", spoil: func(r *check.Rule[view]) { r.ID = "spf.lookup_limit" }, want: "the id is not of the form area.name"},
		{name: "a hyphen at the end", spoil: func(r *check.Rule[view]) { r.ID = "spf.limit-" }, want: "the id is not of the form area.name"},
		{name: "a hyphen in the area", spoil: func(r *check.Rule[view]) { r.ID = "mta-sts.x" }, want: "the id is not of the form area.name"},
		{name: "a newline", spoil: func(r *check.Rule[view]) { r.ID = "spf.limit\n" }, want: "the id is not of the form area.name"},
		{name: "no severity", spoil: func(r *check.Rule[view]) { r.Severity = 0 }, want: "no severity"},
		{name: "too grave a severity", spoil: func(r *check.Rule[view]) { r.Severity = check.Critical + 1 }, want: "no severity"},
		{name: "no title", spoil: func(r *check.Rule[view]) { r.Title = "" }, want: "no title or no text"},
		{name: "no text", spoil: func(r *check.Rule[view]) { r.Text = "" }, want: "no title or no text"},
		{name: "no fix", spoil: func(r *check.Rule[view]) { r.Severity, r.Fix = check.Low, "" }, want: "no fix"},
		{name: "no citation", spoil: func(r *check.Rule[view]) { r.Cite = nil }, want: "no citation"},
		{name: "a citation of nothing", spoil: func(r *check.Rule[view]) { r.Cite[0].Doc = "" }, want: "a citation names no document"},
		{name: "no release", spoil: func(r *check.Rule[view]) { r.Since = "" }, want: `since "" is no release`},
		{name: "half a release", spoil: func(r *check.Rule[view]) { r.Since = "v0.1" }, want: `since "v0.1" is no release`},
		{name: "no body", spoil: func(r *check.Rule[view]) { r.Check = nil }, want: "no body"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bad := rule(doc("spf.x", check.High))
			tt.spoil(&bad)
			err := check.Validate([]check.Rule[view]{rule(doc("spf.first", check.High)), bad})
			if tt.want == "" {
				assert.NoError(t, err)
			} else {
				assert.EqualError(t, err, fmt.Sprintf("check: rule 1 (%q): %s", bad.ID, tt.want))
			}
		})
	}
	assert.NoError(t, check.Validate[view](nil))

	twice := rule(doc("spf.first", check.High))
	twice.Title, twice.Since = "", "soon"
	assert.EqualError(t, check.Validate([]check.Rule[view]{rule(doc("spf.first", check.High)), twice}), strings.Join([]string{
		`check: rule 1 ("spf.first"): the id is taken`,
		`check: rule 1 ("spf.first"): no title or no text`,
		`check: rule 1 ("spf.first"): since "soon" is no release`,
	}, "\n"))
}
