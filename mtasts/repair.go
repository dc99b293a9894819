package mtasts

import (
	"slices"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
)

// Repair returns the one change that cures every fault of the record that can be
// cured without asking anybody: spelling and separators are set right, an id
// loses what may not stand in it, records that say the same become one. It
// returns nil where nothing is wrong, and where there is no id to keep: it
// invents none.
func Repair(a *Analysis) []check.Change {
	if a == nil {
		return nil
	}
	return slices.Clone(a.repair)
}

func repair(a *Analysis) []check.Change {
	if len(a.Texts) == 0 || len(a.Texts) > maxFindings ||
		len(a.Texts) == 1 && len(a.faults) == 0 && !a.spaced() {
		return nil
	}
	txt := ""
	for _, have := range a.Texts {
		rec, _ := parse(have)
		cured := cure(rec).String()
		if txt != "" && txt != cured {
			return nil // only its owner knows which policy is the one
		}
		txt = cured
	}
	if _, err := Parse(txt); err != nil || slices.Equal(a.Texts, []string{txt}) {
		return nil
	}
	return []check.Change{{Name: a.Owner, Type: "TXT", Old: a.Texts, New: []string{txt}}}
}

func cure(r *Record) *Record {
	cured := &Record{ID: r.ID}
	if f, ok := misspelled(r); ok && r.ID == "" {
		cured.ID = f.Value
	}
	cured.ID = strings.Map(func(c rune) rune {
		if notAlnum(c) {
			return -1
		}
		return c
	}, cured.ID)
	cured.ID = cured.ID[:min(len(cured.ID), maxID)]
	for _, f := range r.Extensions {
		if !strings.EqualFold(f.Name, "id") {
			cured.Extensions = append(cured.Extensions, f)
		}
	}
	return cured
}

// misspelled finds a field that is id but for the case of its letters, which
// makes it an unknown field.
func misspelled(r *Record) (Field, bool) {
	i := slices.IndexFunc(r.Extensions, func(f Field) bool { return strings.EqualFold(f.Name, "id") })
	if i < 0 {
		return Field{}, false
	}
	return r.Extensions[i], true
}
