package check

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Doc is what is known of a rule before it is run: `mailcheck explain`,
// docs/rules.md and SARIF's rule table are written from it.
type Doc struct {
	ID       string   `json:"id"`       // area.name in lower case; for ever
	Severity Severity `json:"severity"` // the ceiling: a finding may be lower, never higher
	Title    string   `json:"title"`    // the fault in one line, as a heading
	Text     string   `json:"text"`     // why it matters, for whoever has to mend it
	Fix      string   `json:"fix"`      // what to do, where a finding has no better advice of its own
	Cite     []Cite   `json:"cite"`     // at least one
	Since    string   `json:"since"`    // the release that brought it, "v0.1.0"
}

// Rule is one check, as a value: pure, and a stranger to whoever runs it.
type Rule[V any] struct {
	Doc
	// Applies reports whether there is anything to judge; nil means always.
	// False with a gap means that even this could not be known. Gaps beside
	// true are dropped: Check says which of them matter to it.
	Applies func(V) (bool, []Gap)
	// Check returns what is wrong, and what it could not know. It sets of a
	// Finding the Subject, Detail, Evidence and Fix, and a Severity only to
	// lower the rule's.
	Check func(V) ([]Finding, []Gap)
	// Attested is whose word a pass or not-applicable rests on; nil, or a nil
	// result, means that it rests on what was seen alone.
	Attested func(V) *Attested
}

// Attested is a person's word for what no interface shows.
type Attested struct {
	By       string    `json:"by"`
	On       time.Time `json:"on"`       // the day of it
	Until    time.Time `json:"until"`    // the last day on which it counts
	Evidence string    `json:"evidence"` // where it is written, or why the rule does not apply
}

// Finding is one thing that is wrong, or with severity Info one thing to know.
type Finding struct {
	Subject  string     `json:"subject"`  // the name, host or object it is about
	Severity Severity   `json:"severity"` // stamped by Apply
	Detail   Text       `json:"detail"`   // what was seen
	Evidence []Evidence `json:"evidence,omitempty"`
	Fix      *Fix       `json:"fix,omitempty"`
}

// Evidence is what a finding rests on, as it was seen.
type Evidence struct {
	Source string `json:"source"` // "TXT _dmarc.acme.example", a URL, "host:443"
	Text   string `json:"text"`   // as it was seen; Apply cuts it to EvidenceMax characters, writers escape it
	// Start and End are the octets of Text that the finding is about, from 0, End not
	// included. Both are 0 where it is about all of it, or about what was cut off.
	Start int `json:"start,omitempty"`
	End   int `json:"end,omitempty"`
}

// EvidenceMax is the number of characters of an Evidence that are kept. What is
// longer ends in an ellipsis and its length in octets.
const EvidenceMax = 1000

// Fix says what to do.
type Fix struct {
	Summary Text     `json:"summary"`
	Changes []Change `json:"changes,omitempty"`
}

// Change is an edit of one RRset: the records in Old go, those in New come,
// others at the name stay. Values are one record's text each; a TXT value is
// the joined text, without quotes.
type Change struct {
	Name string   `json:"name"`
	Type string   `json:"type"`
	Old  []string `json:"old,omitempty"`
	New  []string `json:"new,omitempty"`
}

// Why is the reason of a Gap.
type Why string

const (
	Failed      Why = "failed"      // it was asked, and no usable answer came
	NotAsked    Why = "not-asked"   // nobody asked: offline, not wanted, or facts older than the rule
	NotShown    Why = "not-shown"   // the answer was that these credentials, or this plan, do not see it
	Limit       Why = "limit"       // a bound of ours was reached
	Undecidable Why = "undecidable" // it depends on what only a message shows, such as an SPF macro
	Person      Why = "person"      // no interface shows it: a person has to attest it
)

// Gap is something that a rule needed and could not know.
type Gap struct {
	Subject string // what is missing: "TXT _dmarc.acme.example", a URL, "host:443"
	Why     Why
	Cause   error // nil where Why says it all
}

// GapOf makes the gap that an error leaves. An error that knows its subject and
// kind (dnsx.Failure does) says so with a method Gap; any other is Failed.
func GapOf(subject string, err error) Gap {
	g := Gap{Subject: subject, Why: Failed, Cause: err}
	var teller interface{ Gap() (subject, why string) }
	if errors.As(err, &teller) {
		s, why := teller.Gap()
		g.Why = Why(why)
		g.Subject = cmp.Or(subject, s)
	}
	return g
}

type gapJSON struct {
	Subject string `json:"subject"`
	Why     Why    `json:"why"`
	Cause   string `json:"cause,omitempty"`
}

// MarshalJSON writes the cause as its text.
func (g Gap) MarshalJSON() ([]byte, error) {
	return json.Marshal(gapJSON{g.Subject, g.Why, g.CauseText()})
}

// UnmarshalJSON reads a cause back as a plain error.
func (g *Gap) UnmarshalJSON(b []byte) error {
	var j gapJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	*g = Gap{Subject: j.Subject, Why: j.Why}
	if j.Cause != "" {
		g.Cause = errors.New(j.Cause)
	}
	return nil
}

// Words is the cause as a Text, which a cause with a method Text or Words words itself;
// none for none.
func (g Gap) Words() Text {
	if g.Cause == nil {
		return Text{}
	}
	if t, ok := textOf(g.Cause); ok {
		return t
	}
	return Textf("%s", g.Cause)
}

// About is the subject as a Text: "SPF of acme.example" can be worded in another language.
func (g Gap) About() Text {
	for _, between := range []string{" in the record of ", " of ", " below "} {
		head, name, ok := strings.Cut(g.Subject, between)
		switch {
		case !ok:
		case between == " in the record of ": // a term, whatever it is
			return Textf("%s in the record of %s", head, name)
		case !strings.Contains(head, "%"):
			return Textf(head+between+"%s", name)
		}
	}
	return Textf("%s", g.Subject)
}

// CauseText is the cause in words, "" for none.
func (g Gap) CauseText() string {
	if g.Cause == nil {
		return ""
	}
	return g.Cause.Error()
}

// Result is what became of one rule.
type Result struct {
	ID       string    `json:"id"`
	Outcome  Outcome   `json:"outcome"`
	Severity Severity  `json:"severity"` // of the gravest finding; without findings the rule's
	Title    string    `json:"title"`
	Reason   Text      `json:"reason,omitzero"` // of unknown: what could not be known
	Cite     []Cite    `json:"cite"`
	Gaps     []Gap     `json:"gaps,omitempty"`
	Findings []Finding `json:"findings,omitempty"`
	Attested *Attested `json:"attested,omitempty"` // of pass and not-applicable: the word that it rests on
}

// Selected reports whether a rule is wanted: named by only, where that names any, and
// not by skip. Both hold ids, and "area.*" for all of an area.
func Selected(id string, only, skip []string) bool {
	named := func(patterns []string) bool {
		return slices.ContainsFunc(patterns, func(p string) bool {
			area, all := strings.CutSuffix(p, ".*")
			return p == id || all && strings.HasPrefix(id, area+".")
		})
	}
	return (len(only) == 0 || named(only)) && !named(skip)
}

// Apply runs rules over one view. The results stand in the rules' order.
func Apply[V any](view V, rules []Rule[V]) []Result {
	results := make([]Result, 0, len(rules))
	for i := range rules {
		results = append(results, rules[i].Apply(view))
	}
	return results
}

// Apply runs the rule over a view and decides the outcome: a finding proves fail
// whatever else is missing; no finding and a gap is unknown; neither is pass.
func (r *Rule[V]) Apply(view V) Result {
	res := Result{ID: r.ID, Severity: r.Severity, Title: r.Title, Cite: r.Cite}
	if r.Applies != nil {
		if ok, gaps := r.Applies(view); !ok {
			res.Outcome = NotApplicable
			if len(gaps) > 0 {
				res.unknown(gaps)
				return res
			}
			return r.attest(view, res)
		}
	}
	findings, gaps := r.Check(view)
	if len(findings) == 0 {
		res.Outcome = Pass
		if len(gaps) > 0 {
			res.unknown(gaps)
			return res
		}
		return r.attest(view, res)
	}
	res.Gaps = distinct(gaps)
	res.Findings = slices.Clone(findings)
	res.Severity = Info
	for i := range res.Findings {
		f := &res.Findings[i]
		if f.Severity == 0 || f.Severity > r.Severity {
			f.Severity = r.Severity
		}
		if f.Fix == nil && r.Fix != "" {
			f.Fix = &Fix{Summary: Textf(r.Fix)}
		}
		res.Severity = max(res.Severity, f.Severity)
		f.Evidence = cut(f.Evidence)
	}
	res.Outcome = Fail
	if res.Severity == Info {
		res.Outcome = Note
	}
	return res
}

func (r *Rule[V]) attest(view V, res Result) Result {
	if r.Attested != nil {
		res.Attested = r.Attested(view)
	}
	return res
}

// cut bounds the evidence: what others publish may be 64 KB a record.
func cut(evidence []Evidence) []Evidence {
	kept := slices.Clone(evidence)
	for i := range kept {
		n := 0
		for at := range kept[i].Text {
			if n++; n > EvidenceMax {
				kept[i].Text = fmt.Sprintf("%s… (%d octets)", kept[i].Text[:at], len(kept[i].Text))
				if kept[i].End > at {
					kept[i].Start, kept[i].End = 0, 0
				}
				break
			}
		}
	}
	return kept
}

func (res *Result) unknown(gaps []Gap) {
	res.Outcome = Unknown
	res.Gaps = distinct(gaps)
	first := res.Gaps[0]
	switch {
	case first.Why == NotAsked:
		res.Reason = Textf("%s was not asked", first.Subject)
	case first.Cause == nil:
		res.Reason = Textf("%s could not be known", first.Subject)
	case first.Why == Person:
		res.Reason = Textf("a person has to answer: %s", first.Cause)
	default: // in words only when somebody reads them: many rules fail for one question
		res.Reason = Textf("%s could not be known: %s", first.Subject, first.Cause)
	}
}

// distinct drops gaps that say the same thing again. Causes are put into words only
// where gaps agree in all else.
func distinct(gaps []Gap) []Gap {
	if len(gaps) < 2 {
		return append([]Gap(nil), gaps...)
	}
	kept := make([]Gap, 0, len(gaps))
	const few = 8 // up to here comparing each with each is quicker than a map
	if len(gaps) <= few {
		for _, g := range gaps {
			same := func(o Gap) bool { return o.Subject == g.Subject && o.Why == g.Why && o.CauseText() == g.CauseText() }
			if !slices.ContainsFunc(kept, same) {
				kept = append(kept, g)
			}
		}
		return kept
	}
	first := make(map[gapJSON]int, len(gaps)) // in kept, by all but the cause
	seen := map[gapJSON]bool{}                // those that came after the first
	for _, g := range gaps {
		key := gapJSON{Subject: g.Subject, Why: g.Why}
		at, again := first[key]
		if again {
			key.Cause = g.CauseText()
			if key.Cause == kept[at].CauseText() || seen[key] {
				continue
			}
			seen[key] = true
		} else {
			first[key] = len(kept)
		}
		kept = append(kept, g)
	}
	return kept
}

// Lift makes rules over a part into rules over the whole. Where view returns
// gaps instead of the part, every lifted rule is unknown for them.
func Lift[W, P any](rules []Rule[P], view func(W) (P, []Gap)) []Rule[W] {
	lifted := make([]Rule[W], 0, len(rules))
	for _, r := range rules {
		whole := Rule[W]{
			Doc: r.Doc,
			Applies: func(w W) (bool, []Gap) {
				part, gaps := view(w)
				if len(gaps) > 0 {
					return false, gaps
				}
				if r.Applies == nil {
					return true, nil
				}
				return r.Applies(part)
			},
			Check: func(w W) ([]Finding, []Gap) {
				part, _ := view(w)
				return r.Check(part)
			},
		}
		if r.Attested != nil {
			whole.Attested = func(w W) *Attested {
				part, _ := view(w)
				return r.Attested(part)
			}
		}
		lifted = append(lifted, whole)
	}
	return lifted
}
