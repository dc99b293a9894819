package mx

import (
	"slices"

	"github.com/mailcheck-go/mailcheck/check"
)

// Repair returns the one change of the RRset that needs no decision: of a host
// that is listed several times the most preferred record stays, and of null MX
// records alone one with preference 0. It returns nil where there is nothing of
// the kind. Whether a null MX or its neighbours are meant is not for it to say.
func Repair(a *Analysis) []check.Change {
	if a == nil {
		return nil
	}
	return slices.Clone(a.repair)
}

func repair(a *Analysis) []check.Change {
	change := check.Change{Name: a.Owner, Type: "MX"}
	if want := (Record{Preference: 0, Host: "."}); allNull(a.Records) {
		change.New = []string{want.String()}
		for _, rec := range a.Records {
			if rec == want {
				change.New = nil
				continue
			}
			change.Old = append(change.Old, rec.String())
		}
	} else {
		seen := map[string]bool{}
		for _, rec := range a.Records {
			if seen[rec.Host] && !rec.Null() {
				change.Old = append(change.Old, rec.String())
			}
			seen[rec.Host] = true
		}
	}
	if len(change.Old) == 0 {
		return nil
	}
	return []check.Change{change}
}

func allNull(recs []Record) bool {
	for _, rec := range recs {
		if !rec.Null() {
			return false
		}
	}
	return len(recs) > 0
}
