package check

import (
	"errors"
	"fmt"
	"regexp"
)

var (
	idForm    = regexp.MustCompile(`^[a-z][a-z0-9]*\.[a-z0-9]+(-[a-z0-9]+)*$`)
	sinceForm = regexp.MustCompile(`^v[0-9]+\.[0-9]+\.[0-9]+$`)
)

// Docs returns the documentation of rules, in their order.
func Docs[V any](rules []Rule[V]) []Doc {
	docs := make([]Doc, 0, len(rules))
	for _, r := range rules {
		docs = append(docs, r.Doc)
	}
	return docs
}

// Validate refuses rules that lack what people need of them: an id of the form
// area.name that no other has, a severity, title, text, citation and release,
// a fix unless the rule only informs, and a body. It reports all faults at once.
func Validate[V any](rules []Rule[V]) error {
	var faults []error
	seen := make(map[string]bool, len(rules))
	for i, r := range rules {
		fault := func(format string, args ...any) {
			faults = append(faults, fmt.Errorf("check: rule %d (%q): "+format, append([]any{i, r.ID}, args...)...))
		}
		if !idForm.MatchString(r.ID) {
			fault("the id is not of the form area.name")
		}
		if seen[r.ID] {
			fault("the id is taken")
		}
		seen[r.ID] = true
		if r.Severity < Info || r.Severity > Critical {
			fault("no severity")
		}
		if r.Title == "" || r.Text == "" {
			fault("no title or no text")
		}
		if r.Fix == "" && r.Severity > Info {
			fault("no fix")
		}
		if len(r.Cite) == 0 {
			fault("no citation")
		}
		for _, c := range r.Cite {
			if c.Doc == "" {
				fault("a citation names no document")
			}
		}
		if !sinceForm.MatchString(r.Since) {
			fault("since %q is no release", r.Since)
		}
		if r.Check == nil {
			fault("no body")
		}
	}
	return errors.Join(faults...)
}
