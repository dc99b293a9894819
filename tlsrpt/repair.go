package tlsrpt

import (
	"slices"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
)

// maxURIs is the longest list of addresses that is worth setting right. It bounds
// the work on hostile records.
const maxURIs = 20

// Repair returns the one change that cures every fault of the record that can be
// cured without asking anybody: several records become one with all addresses,
// spelling and separators are set right, a bare mailbox gets mailto:. It returns
// nil where nothing is wrong, where the faults leave open what is meant, and
// where no address is known.
func Repair(a *Analysis) []check.Change {
	if a == nil {
		return nil
	}
	return slices.Clone(a.repair)
}

func repair(a *Analysis) []check.Change {
	if len(a.Texts) == 0 || len(a.Texts) == 1 && len(a.faults) == 0 && !a.spaced() {
		return nil
	}
	if len(a.Texts) > maxURIs {
		return nil
	}
	merged := &Record{}
	for _, txt := range a.Texts {
		rec, _ := parse(txt)
		if len(merged.RUA)+len(rec.RUA) > maxURIs || len(merged.Extensions)+len(rec.Extensions) > maxURIs {
			return nil
		}
		merged.merge(rec)
	}
	txt := merged.String()
	if _, err := Parse(txt); err != nil || slices.Equal(a.Texts, []string{txt}) {
		return nil
	}
	return []check.Change{{Name: a.Owner, Type: "TXT", Old: a.Texts, New: []string{txt}}}
}

// merge adds what another record says, cured.
func (r *Record) merge(o *Record) {
	uris := o.RUA
	if f, ok := misspelled(o); ok && len(uris) == 0 {
		uris = strings.Split(f.Value, ",")
	}
	for _, uri := range uris {
		if scheme, _ := splitScheme(uri); scheme == "" && len(r.RUA) > 0 && continues(r.RUA[len(r.RUA)-1], uri) {
			r.RUA[len(r.RUA)-1] += "%2C" + cure(uri)
			continue
		}
		uri = cure(uri)
		if scheme, _ := splitScheme(uri); scheme == "" && isMailbox(uri) {
			uri = "mailto:" + uri
		}
		if !slices.Contains(r.RUA, uri) {
			r.RUA = append(r.RUA, uri)
		}
	}
	for _, f := range o.Extensions {
		same := func(have Field) bool { return have.Name == f.Name }
		if !strings.EqualFold(f.Name, "rua") && !slices.ContainsFunc(r.Extensions, same) {
			r.Extensions = append(r.Extensions, f)
		}
	}
}

// cure takes away what DMARC would read as a size limit ("!10m"; RFC 7489, 6.2),
// and encodes every other exclamation mark.
func cure(uri string) string {
	if address, limit, ok := strings.Cut(uri, "!"); ok && isSizeLimit(limit) {
		return address
	}
	return strings.ReplaceAll(uri, "!", "%21")
}

func isSizeLimit(s string) bool {
	digits := strings.TrimRight(s, "kmgtKMGT")
	return digits != "" && len(s)-len(digits) <= 1 && strings.Trim(digits, "0123456789") == ""
}

// misspelled finds a field that is rua but for the case of its letters, which
// makes it an unknown field.
func misspelled(r *Record) (Field, bool) {
	i := slices.IndexFunc(r.Extensions, func(f Field) bool { return f.Name != "rua" && strings.EqualFold(f.Name, "rua") })
	if i < 0 {
		return Field{}, false
	}
	return r.Extensions[i], true
}
