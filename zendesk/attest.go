package zendesk

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/mailcheck-go/mailcheck/check"
)

// Attestations are a person's answers to what no interface shows, by rule id.
type Attestations map[string]Attestation

// Attestation is the answer to one rule's question.
//
// Yes lets the rule pass, as far as nothing that can be seen speaks against it; no
// fails it; not-applicable sets the whole rule aside. An answer counts from its
// day to Expires, and only for the objects that it was given for: where a rule has
// such objects, Hash is of them, and the answer ends when they change.
type Attestation struct {
	Answer   Answer
	Owner    string    // who says so, and whom to ask
	Date     time.Time // the day of the answer
	Expires  time.Time // the last day on which it counts
	Evidence string    // where it can be looked up: a URL, a document, a ticket
	Reason   string    // of an answer that is not yes
	Hash     string    // of the reviewed objects; "" where the rule has none
}

// Answer is what a person says.
type Answer string

// The answers. An entry without one, as Template writes it, counts as none.
const (
	AnswerYes           Answer = "yes"
	AnswerNo            Answer = "no"
	AnswerNotApplicable Answer = "not-applicable"
)

const day = "2006-01-02"

// ParseAttestations reads an attestation file: YAML, a mapping of rule ids to
// mappings of answer, owner, date, expires, evidence, reason and hash. An entry
// whose answer is empty is skipped. What is not known, missing or no date is a
// *[FileError]: yes needs evidence, the others a reason, all an owner and dates.
func ParseAttestations(r io.Reader) (Attestations, error) {
	entries, err := readMapping(r)
	if err != nil {
		return nil, err
	}
	asks := map[string]bool{} // by rule id: whether a person is asked
	for _, r := range rules(Settings{}.withDefaults()) {
		asks[r.ID] = r.question != ""
	}
	all := Attestations{}
	for _, e := range entries {
		asked, known := asks[e.key]
		switch {
		case !known:
			return nil, e.fault("no rule has this id")
		case !asked:
			return nil, e.fault("the account's own settings decide this rule, and nobody's word")
		}
		a, err := parseAttestation(e)
		if err != nil {
			return nil, err
		}
		if a.Answer != "" {
			all[e.key] = a
		}
	}
	return all, nil
}

func parseAttestation(rule entry) (a Attestation, err error) {
	entries, err := entriesOf(rule.value, rule.key)
	if err != nil {
		return a, err
	}
	texts := map[string]*string{"owner": &a.Owner, "evidence": &a.Evidence, "reason": &a.Reason, "hash": &a.Hash, "answer": (*string)(&a.Answer)}
	dates := map[string]*time.Time{"date": &a.Date, "expires": &a.Expires}
	for _, e := range entries {
		value := strings.TrimSpace(e.scalar())
		switch {
		case e.value.Kind != yaml.ScalarNode:
			return a, e.fault("want a text")
		case texts[e.key] != nil:
			*texts[e.key] = value
		case dates[e.key] == nil:
			return a, e.fault("want answer, owner, date, expires, evidence, reason or hash")
		case value != "":
			if *dates[e.key], err = time.Parse(day, value); err != nil {
				return a, e.fault("want a day, as in 2026-11-30")
			}
		}
	}
	switch {
	case a.Answer == "":
		return a, nil
	case a.Answer != AnswerYes && a.Answer != AnswerNo && a.Answer != AnswerNotApplicable:
		return a, rule.fault(fmt.Sprintf("the answer is %q: want yes, no or not-applicable", clip(string(a.Answer))))
	case a.Owner == "":
		return a, rule.fault("who says so is missing: owner")
	case a.Date.IsZero():
		return a, rule.fault("the day of the answer is missing: date")
	case a.Expires.IsZero():
		return a, rule.fault("the last day on which it counts is missing: expires")
	case a.Expires.Before(a.Date):
		return a, rule.fault("it expires before its date")
	case a.Answer == AnswerYes && a.Evidence == "":
		return a, rule.fault("where it can be looked up is missing: evidence")
	case a.Answer != AnswerYes && a.Reason == "":
		return a, rule.fault("why is missing: reason")
	}
	return a, nil
}

// response is what became of a rule's question.
type response struct {
	Attestation
	findings []check.Finding
	gaps     []check.Gap
}

// counts reports that the answer is this one, and still good.
func (w response) counts(answer Answer) bool {
	return w.Answer == answer && len(w.findings) == 0 && len(w.gaps) == 0
}

// ask looks for the answer to the rule's question.
func (r *rule) ask(a *Analysis, s Settings) (w response) {
	subject := "attestation " + r.ID
	ask := func(cause error) response {
		w.gaps = []check.Gap{{Subject: subject, Why: check.Person, Cause: cause}}
		return w
	}
	find := func(severity check.Severity, detail, fix check.Text) response {
		w.findings = []check.Finding{{Subject: a.subject(), Severity: severity, Detail: detail, Fix: &check.Fix{Summary: fix}}}
		return w
	}
	given, ok := s.Attestations[r.ID]
	now := s.now(a)
	switch w.Attestation = given; {
	case !ok:
		return ask(&question{r.question})
	case given.Answer == AnswerNo:
		return find(0, check.Textf("%s says that this is not so: %s", given.Owner, given.Reason), check.Textf(r.Fix))
	case now.IsZero():
		w.gaps = []check.Gap{{Subject: "the time of the facts", Why: check.NotAsked}}
		return w
	case !now.Before(given.Expires.AddDate(0, 0, 1)):
		return find(check.Medium, check.Textf("the attestation of %s ran out on %s", given.Owner, given.Expires.Format(day)),
			check.Textf("Answer again, with a new date: %s", check.Textf(r.question)))
	case r.reviewed == nil:
		return w
	}
	if w.gaps = a.missing(r.reviews...); len(w.gaps) > 0 {
		return w
	}
	switch hash := r.hash(a); given.Hash {
	case hash:
		return w
	case "":
		return ask(&question{"the attestation has no hash of what was reviewed: write the file anew"})
	default:
		return find(check.Medium, check.Textf("what %s reviewed on %s has changed since", given.Owner, given.Date.Format(day)),
			check.Textf("Review it again, and answer with a new date and the hash %s: %s", hash, check.Textf(r.question)))
	}
}

// hash is of the objects that a person reviews: 16 hexadecimal digits, the same
// for the same objects in any order of the account's.
func (r *rule) hash(a *Analysis) string {
	data, err := json.Marshal(r.reviewed(a))
	if err != nil {
		panic(err) // what rules review are plain values
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}

// sortedLines are objects as a rule reviews them: one text each, in order.
func sortedLines[T any](all []T, text func(T) string) []string {
	lines := make([]string, 0, len(all))
	for _, v := range all {
		lines = append(lines, text(v))
	}
	slices.Sort(lines)
	return lines
}

// question is what a person has to answer; as an error, it is why a rule is unknown.
type question struct{ format string }

func (q *question) Error() string { return q.format }

// Text is the question.
func (q *question) Text() check.Text { return check.Textf(q.format) }

// Template writes an attestation file to fill in, with an entry for every rule
// that asks a person, its question in English and, where tr is not nil, in that
// language, and the hash of what is to be reviewed as far as it was seen.
func Template(a *Analysis, tr check.Translation) []byte {
	var b bytes.Buffer
	b.WriteString(`# Answers to what no interface shows. An entry counts from date to expires.
# answer: yes (with evidence), no or not-applicable (with reason); empty: not answered.
`)
	for _, r := range rules(Settings{}.withDefaults()) {
		if r.question == "" {
			continue
		}
		fmt.Fprintf(&b, "\n%s:\n  # %s\n", r.ID, r.question)
		if q, ok := tr.Title(r.question); ok {
			fmt.Fprintf(&b, "  # %s\n", q)
		}
		b.WriteString("  answer: \"\"\n  owner: \"\"\n  date: \"\" # 2006-01-02\n  expires: \"\"\n  evidence: \"\" # a URL, a document\n  reason: \"\"\n")
		if r.reviewed != nil && a.missing(r.reviews...) == nil {
			fmt.Fprintf(&b, "  hash: %q # of what is reviewed; leave it\n", r.hash(a))
		}
	}
	return b.Bytes()
}
