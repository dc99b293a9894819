package dmarc

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// ErrNotDMARC says that a text is no DMARC record at all: it does not start with
// the tag v and the value DMARC1 (RFC 9989, 4.7 and 4.8).
var ErrNotDMARC = errors.New("dmarc: the text does not start with v=DMARC1")

// Policy is what a Domain Owner asks receivers to do with mail that fails
// (RFC 9989, 4.7), or what comes of that. The zero value is "not known".
type Policy string

// From the weakest to the strongest. Off is no value of a tag: it says that
// receivers apply no DMARC at all.
const (
	Off        Policy = "off"
	None       Policy = "none"
	Quarantine Policy = "quarantine"
	Reject     Policy = "reject"
)

var policies = []Policy{Off, None, Quarantine, Reject}

// WeakerThan reports whether p protects less than q. Nothing is weaker or
// stronger than a policy that is not known.
func (p Policy) WeakerThan(q Policy) bool {
	i, j := slices.Index(policies, p), slices.Index(policies, q)
	return i >= 0 && i < j
}

// lower is the policy one level down: what t=y makes of it (RFC 9989, 4.7), and
// what mail gets that pct leaves out (RFC 7489, 6.6.4).
func (p Policy) lower() Policy {
	switch p {
	case Reject:
		return Quarantine
	case Quarantine:
		return None
	}
	return p
}

// Alignment is how near an authenticated domain has to be to the Author Domain
// (RFC 9989, 4.4).
type Alignment string

// Relaxed asks for the same organizational domain, Strict for the same name.
const (
	Relaxed Alignment = "r"
	Strict  Alignment = "s"
)

// PSD says whether a name is a public suffix (RFC 9989, 4.7).
type PSD string

// The values of the tag psd.
const (
	PSDYes     PSD = "y" // a public suffix
	PSDNo      PSD = "n" // no public suffix, and an organizational domain
	PSDUnknown PSD = "u" // no public suffix; the tree walk tells the rest
)

// Record is a parsed DMARC record (RFC 9989, 4.7; the historic tags RFC 7489,
// 6.3). A field whose tag is absent or cannot be read holds the tag's default;
// Tag tells the three cases apart. Where a tag stands more than once, the first
// counts; see Void.
type Record struct {
	Policy            Policy        // p; None if absent
	SubdomainPolicy   Policy        // sp; as p if absent
	NonexistentPolicy Policy        // np; as sp if absent
	ADKIM             Alignment     // adkim; Relaxed if absent
	ASPF              Alignment     // aspf; Relaxed if absent
	FailureOptions    []string      // fo, in the order published; "0" alone if absent
	RUA               []URI         // rua, faulty ones too; see URI.Fault
	RUF               []URI         // ruf, the same
	PSD               PSD           // psd; PSDUnknown if absent
	Test              bool          // t=y
	Percent           int           // pct, 0 to 100; 100 if absent (historic)
	Interval          time.Duration // ri, published in whole seconds; 24h if absent (historic)
	Formats           []string      // rf; "afrf" alone if absent (historic)

	Tags   []Tag         // all of them, v first, in the order published
	Faults []SyntaxError // all of them, in the order of the text
}

// Tag is one name=value of a record.
type Tag struct {
	Name  string // in lower case
	Value string // as published, without the blanks around it
	Known bool   // RFC 9989 or RFC 7489 defines it
	Valid bool   // the value has the syntax of this tag
}

// Tag returns the first tag of that name; false means that there is none.
func (r *Record) Tag(name string) (Tag, bool) {
	for _, t := range r.Tags {
		if t.Name == name {
			return t, true
		}
	}
	return Tag{}, false
}

// Void reports whether a tag name occurs twice. RFC 9989, 4.7 takes its syntax
// from DKIM, where that makes the whole list invalid (RFC 6376, 3.2); many
// receivers take the first occurrence all the same.
func (r *Record) Void() bool {
	return slices.ContainsFunc(r.Faults, func(f SyntaxError) bool { return f.Kind == FaultDuplicate })
}

// invalid reports whether the record has the tag with a value that is none.
func (r *Record) invalid(name string) bool {
	t, ok := r.Tag(name)
	return ok && !t.Valid
}

// reportable reports whether rua has at least one valid URI.
func (r *Record) reportable() bool {
	return slices.ContainsFunc(r.RUA, func(u URI) bool { return u.Fault == "" })
}

// order is the canonical one: v first, p second (RFC 7489, 6.4 asks for that),
// then policies, modes and addresses, and what no RFC defines at the end.
var order = []string{"v", "p", "sp", "np", "adkim", "aspf", "t", "psd", "pct", "fo", "rf", "ri", "rua", "ruf"}

func rank(name string) int {
	if i := slices.Index(order, name); i >= 0 {
		return i
	}
	return len(order)
}

// String writes the record's tags in one canonical form: fixed order, names and
// keywords in lower case, "; " between. It leaves out what is no tag, and keeps
// all that is, valid or not: Parse reads the same meaning out of it.
func (r *Record) String() string {
	if len(r.Tags) == 0 {
		return writeTags(nil)
	}
	return writeTags(r.Tags[1:])
}

// writeTags writes a record with these tags behind its version.
func writeTags(tags []Tag) string {
	tags = slices.Clone(tags)
	slices.SortStableFunc(tags, func(a, b Tag) int { return rank(a.Name) - rank(b.Name) })
	var b strings.Builder
	b.WriteString("v=DMARC1")
	for _, t := range tags {
		b.WriteString("; " + t.Name + "=" + t.canonical())
	}
	if b.Len() == len("v=DMARC1") {
		b.WriteByte(';') // RFC 7489, 6.4 wants the separator even then
	}
	return b.String()
}

// canonical is the value with keywords in lower case and without blanks in lists.
func (t Tag) canonical() string {
	switch t.Name {
	case "rua", "ruf":
		uris := splitURIs(t.Value)
		return strings.Join(uris, ",")
	}
	if t.Known && t.Valid && t.Name != "v" {
		return lowerASCII(t.Value)
	}
	return t.Value
}

// FaultKind sorts the faults of a text.
type FaultKind string

// The kinds of a SyntaxError. All but FaultDuplicate cost no more than the part
// they stand in (RFC 9989, 4.8).
const (
	FaultEmpty     FaultKind = "empty"     // nothing between two semicolons
	FaultJunk      FaultKind = "junk"      // a part without "="
	FaultName      FaultKind = "name"      // a tag name with other octets than a name may have
	FaultCase      FaultKind = "case"      // a tag name with upper-case letters
	FaultDuplicate FaultKind = "duplicate" // a tag name that occurred before
	FaultValue     FaultKind = "value"     // a value that the tag cannot have
)

// SyntaxError is one fault of a record's text. Parse returns the first; the
// record has them all.
type SyntaxError struct {
	Kind   FaultKind
	Offset int    // octets into the text
	Term   string // the part at fault
	Tag    string // the tag it belongs to, in lower case; "" where there is none
	Reason string
}

func (e *SyntaxError) Error() string {
	const most = 100
	term := e.Term
	if len(term) > most {
		term = term[:most] + "…"
	}
	return fmt.Sprintf("dmarc: %q at octet %d: %s", term, e.Offset, e.Reason)
}
