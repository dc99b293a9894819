package caa

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mailcheck-go/mailcheck/dnsx"
)

// Record is a CAA record: one property of a name (RFC 8659, 4.1).
type Record struct {
	Flags uint8  // 128 makes it critical; the other bits are reserved, and ignored
	Tag   string // as published; matched in any case
	Value string // any octets; see ParseIssue for those that name a CA
}

const critical = 0x80 // bit 0, counted from the most significant (RFC 8659, 4.1)

// Critical reports that a CA that does not know the tag must not issue.
func (r Record) Critical() bool { return r.Flags&critical != 0 }

// String writes the data of the record as it stands in a zone file.
func (r Record) String() string {
	data := append([]byte{r.Flags, byte(len(r.Tag))}, r.Tag...)
	return dnsx.RR{Type: dnsx.TypeCAA, Data: append(data, r.Value...)}.DataText()
}

// SyntaxError says why a text is no CAA record or no value of one, and where.
type SyntaxError struct {
	Offset int    // octets into the text
	Term   string // what stands there; may be empty
	Reason string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("caa: octet %d, %q: %s", e.Offset, e.Term, e.Reason)
}

// Parse reads the data of one CAA record as it stands in a zone file: flags, tag and
// value (RFC 8659, 4.1.1). Any tag and any value will do, as they do in the DNS. The
// record is nil beside a *SyntaxError. A semicolon outside of quotes starts a
// comment.
func Parse(txt string) (*Record, error) {
	const owner = ". CAA "
	rr, err := dnsx.ParseRR(owner + txt)
	if err != nil {
		fault := &SyntaxError{Reason: err.Error()}
		var line *dnsx.SyntaxError
		if errors.As(err, &line) {
			fault.Offset = max(0, line.Offset-len(owner))
			fault.Term, fault.Reason = txt[min(fault.Offset, len(txt)):], line.Reason
		}
		return nil, fault
	}
	rec, ok := recordOf(rr)
	if !ok {
		return nil, &SyntaxError{Term: txt, Reason: "the tag is longer than the record"}
	}
	return &rec, nil
}

// recordOf reads a CAA record. One whose tag is empty is against the standard, but
// CAs find it all the same, and then there is an RRset.
func recordOf(rr dnsx.RR) (Record, bool) {
	if c, ok := rr.CAA(); ok {
		return Record(c), true
	}
	if rr.Type == dnsx.TypeCAA && len(rr.Data) >= 2 && rr.Data[1] == 0 {
		return Record{Flags: rr.Data[0], Value: string(rr.Data[2:])}, true
	}
	return Record{}, false
}

// records are the CAA records of an answer, sorted, each once.
func records(a *dnsx.Answer) []Record {
	var recs []Record
	owner := a.Owner()
	for _, rr := range a.Records {
		if rec, ok := recordOf(rr); ok && rr.Name == owner {
			recs = append(recs, rec)
		}
	}
	slices.SortFunc(recs, func(a, b Record) int {
		return cmp.Or(strings.Compare(a.Tag, b.Tag), strings.Compare(a.Value, b.Value), cmp.Compare(a.Flags, b.Flags))
	})
	return slices.Compact(recs)
}
