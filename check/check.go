// Package check has the words of a verdict: what a rule is, what it may find,
// and how findings and gaps become an outcome.
//
// It knows no protocol and does no I/O. A room (package spf, dkim, …) writes
// its judgement as a slice of [Rule] values over its own analysis; [Apply]
// runs them; a [Report] carries the results to people and programs.
//
// The order of words: a [Rule] yields [Finding] values and [Gap] values, Apply
// makes a [Result] with an [Outcome] of them, and nothing else decides.
package check

import "fmt"

// Severity says how much a finding matters. The zero value is no severity:
// on a Finding it means "the rule's", on a rule [Validate] refuses it.
type Severity uint8

// From least to most: Info is a neutral fact and never fails a check; Low is
// hygiene; Medium a clear weakness; High breaks protection or delivery for
// many receivers; Critical means that mail is lost or anyone can forge now.
const (
	Info Severity = iota + 1
	Low
	Medium
	High
	Critical
)

var severities = [...]string{Info: "info", Low: "low", Medium: "medium", High: "high", Critical: "critical"}

// Severities lists all severities, the gravest first: the order of reports.
func Severities() []Severity { return []Severity{Critical, High, Medium, Low, Info} }

// String returns the word that reports use, "" for the zero value.
func (s Severity) String() string {
	if int(s) < len(severities) {
		return severities[s]
	}
	return fmt.Sprintf("severity(%d)", uint8(s))
}

// ParseSeverity reads the word back.
func ParseSeverity(word string) (Severity, error) {
	for _, s := range Severities() {
		if s.String() == word {
			return s, nil
		}
	}
	return 0, fmt.Errorf("check: %q is no severity: want critical, high, medium, low or info", word)
}

// MarshalText writes the word.
func (s Severity) MarshalText() ([]byte, error) {
	if s < Info || s > Critical {
		return nil, fmt.Errorf("check: %d is no severity", uint8(s))
	}
	return []byte(s.String()), nil
}

// UnmarshalText reads the word.
func (s *Severity) UnmarshalText(word []byte) (err error) {
	*s, err = ParseSeverity(string(word))
	return err
}

// Outcome is what became of one rule on one subject.
type Outcome string

// The five outcomes. Unknown is a result like the others: the answer that the
// rule needed was not had, and the gaps say which and why.
const (
	Pass          Outcome = "pass"
	Fail          Outcome = "fail"
	Note          Outcome = "note" // something to know, nothing to mend
	NotApplicable Outcome = "not-applicable"
	Unknown       Outcome = "unknown"
)

// Cite names the text that a rule stands on.
type Cite struct {
	Doc     string `json:"doc"`               // "RFC 7208", or a publisher and title
	Section string `json:"section,omitempty"` // "4.6.4"; empty where the document has none
}

// String writes "RFC 7208, 4.6.4".
func (c Cite) String() string {
	if c.Section == "" {
		return c.Doc
	}
	return c.Doc + ", " + c.Section
}

// RFC is the citation of one section of an RFC: RFC(7208, "4.6.4").
func RFC(number int, section string) Cite {
	return Cite{Doc: fmt.Sprintf("RFC %d", number), Section: section}
}

// Text is a sentence for people, kept as format and arguments so that another
// language can word the format anew. Without arguments the format is taken as
// it stands, percent signs and all. JSON has the English.
type Text struct {
	Format string
	Args   []any // strings, numbers, errors and what has a String method
}

// Textf makes a Text in the way of fmt.Sprintf.
func Textf(format string, args ...any) Text { return Text{Format: format, Args: args} }

// IsZero reports whether there is no text.
func (t Text) IsZero() bool { return t.Format == "" }

// String is the English.
func (t Text) String() string {
	if len(t.Args) == 0 {
		return t.Format
	}
	return fmt.Sprintf(t.Format, t.Args...)
}

// MarshalText writes the English.
func (t Text) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads a finished sentence: of a Text that was written, the
// words come back, the format does not.
func (t *Text) UnmarshalText(s []byte) error {
	*t = Text{}
	if len(s) > 0 {
		*t = Textf("%s", string(s))
	}
	return nil
}

// Errorf makes an error of a Text, for what the reader of a report is told. It wraps none.
func Errorf(format string, args ...any) error { return &textError{Textf(format, args...)} }

type textError struct{ text Text }

func (e *textError) Error() string { return e.text.String() }
func (e *textError) Text() Text    { return e.text }

// texter is an error, say, that can be worded in another language.
type texter interface{ Text() Text }

// worder is one of a package that does not know this one (dnsx.Failure is): the format
// and the arguments of its words.
type worder interface {
	Words() (format string, args []any)
}

// textOf makes a Text of what can be worded in another language.
func textOf(v any) (Text, bool) {
	switch v := v.(type) {
	case Text:
		return v, true
	case texter:
		return v.Text(), true
	case worder:
		format, args := v.Words()
		return Textf(format, args...), true
	}
	return Text{}, false
}

// Translation maps an English format or title to another language's. Where an
// entry is absent, the English stands.
type Translation map[string]string

// Title returns a plain phrase in the translation's language, and whether it has one.
func (tr Translation) Title(s string) (string, bool) {
	if to, ok := tr[s]; ok {
		return to, true
	}
	return s, false
}

// Text words a Text in the translation's language, and reports whether it could.
// A translated format may name its arguments by number: "%[2]s … %[1]d".
// An argument that is itself a Text, or an error with a method Text or Words, is translated too.
func (tr Translation) Text(t Text) (string, bool) {
	format, ok := tr.Title(t.Format)
	args := make([]any, len(t.Args))
	for i, a := range t.Args {
		if inner, ok := textOf(a); ok {
			a, _ = tr.Text(inner)
		}
		args[i] = a
	}
	return Text{Format: format, Args: args}.String(), ok
}
