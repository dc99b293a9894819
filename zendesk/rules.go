package zendesk

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
)

// Rules judge an Analysis, in the order of the list that docs/zendesk.md has. What
// the account does not show, a person attests: see [Attestations].
func Rules(s Settings) []check.Rule[*Analysis] {
	s = s.withDefaults()
	var all []check.Rule[*Analysis]
	for _, r := range rules(s) {
		all = append(all, r.with(s))
	}
	return all
}

// Catalog documents every rule.
func Catalog() []check.Doc { return check.Docs(Rules(Settings{})) }

// rules are those of all sections. Settings have their defaults filled in.
func rules(s Settings) []rule {
	return inOrder(slices.Concat(
		general(s), access(s), users(s), passwords(s), system(s),
		data(s), compliance(s), mail(s), api(s), monitoring(s), recovery(s), beyond(s), joined(s),
	))
}

const since = "v0.1.0"

// rule is a check.Rule that may need a person's word besides what can be seen.
type rule struct {
	check.Doc
	// reads are the endpoints that Check reads. What is missing of them becomes a
	// gap without its doing, so it sees to absent fields alone.
	reads   []Endpoint
	applies func(*Analysis) (bool, []check.Gap)
	check   func(*Analysis) ([]check.Finding, []check.Gap) // nil: only a person knows

	// question is what a person has to answer with yes for the rule to pass; ""
	// for a rule that the account's settings decide.
	question string
	// reviewed are the objects that the answer is about, if it is about any: when
	// they change, the answer counts no longer. They come out of the endpoints in
	// reviews, and hold what matters to the question and nothing that varies.
	reviewed func(*Analysis) any
	reviews  []Endpoint
}

// How says what decides a rule.
type How string

// The three ways.
const (
	Automatic How = "automatic" // the account's own settings
	Partial   How = "partial"   // they prove a part, and a person attests the rest
	Attested  How = "attested"  // a person, since no interface shows it
)

func (r *rule) how() How {
	switch {
	case r.question == "":
		return Automatic
	case r.check != nil:
		return Partial
	}
	return Attested
}

// with makes the rule that check runs.
func (r rule) with(s Settings) check.Rule[*Analysis] {
	seen := func(a *Analysis) (findings []check.Finding, gaps []check.Gap) {
		if r.check != nil {
			findings, gaps = r.check(a)
		}
		return findings, slices.Concat(a.missing(r.reads...), gaps)
	}
	made := check.Rule[*Analysis]{Doc: r.Doc, Applies: r.applies, Check: seen}
	if r.question == "" {
		return made
	}
	made.Applies = func(a *Analysis) (bool, []check.Gap) {
		switch {
		case r.ask(a, s).counts(AnswerNotApplicable):
			return false, nil
		case r.applies == nil:
			return true, nil
		}
		return r.applies(a)
	}
	made.Check = func(a *Analysis) ([]check.Finding, []check.Gap) {
		findings, gaps := seen(a)
		word := r.ask(a, s)
		return append(findings, word.findings...), append(gaps, word.gaps...)
	}
	made.Attested = func(a *Analysis) *check.Attested {
		word := r.ask(a, s)
		applies := true
		if r.applies != nil {
			applies, _ = r.applies(a)
		}
		if !word.counts(AnswerNotApplicable) && !(applies && word.counts(AnswerYes)) {
			return nil // what was seen decided
		}
		return &check.Attested{By: word.Owner, On: word.Date, Until: word.Expires, Evidence: or(word.Evidence, word.Reason)}
	}
	return made
}

// absent is the gap of a field that an endpoint's answer does not have: an account
// shows some fields only where it has the feature. Where the answer itself is
// missing, there is a gap for that already.
func (a *Analysis) absent(e Endpoint, field string) []check.Gap {
	if !a.Seen(e) {
		return nil
	}
	return []check.Gap{{Subject: e.Request(), Why: check.NotShown, Cause: &absentError{field}}}
}

// absentError says that an answer lacks a field.
type absentError struct{ field string }

func (e *absentError) Error() string { return e.Text().String() }

// Text is the error's words.
func (e *absentError) Text() check.Text {
	return check.Textf("the answer does not say %s", e.field)
}

// missing are the gaps of endpoints, also of those that show a part to a role
// below admin: what an agent does not see there may be there all the same.
func (a *Analysis) missing(endpoints ...Endpoint) []check.Gap {
	gaps := a.Gaps(endpoints...)
	for _, e := range endpoints {
		switch {
		case a.Admin || e.Needs().Role != "admin" || !a.Seen(e):
		case a.Me == nil:
			gaps = append(gaps, a.Gaps(EndpointMe)...)
		default:
			gaps = append(gaps, check.Gap{Subject: e.Request(), Why: check.NotShown, Cause: &partError{a.Me.Role}})
		}
	}
	return gaps
}

// partError says that an answer may be a part only.
type partError struct{ role string }

func (e *partError) Error() string { return e.Text().String() }

// Text is the error's words.
func (e *partError) Text() check.Text {
	return check.Textf("it was seen with the role %s, and admins may see more", check.Textf(e.role))
}

// settings are the account's, all unknown where they were not seen.
func (a *Analysis) settings() *AccountSettings {
	if a.Settings == nil {
		return &AccountSettings{}
	}
	return a.Settings
}

// security is the account's security settings, all unknown where they were not seen.
func (a *Analysis) security() *SecuritySettings {
	if a.Security == nil {
		return &SecuritySettings{}
	}
	return a.Security
}

// subject is the account's host, for findings about the whole of it.
func (a *Analysis) subject() string {
	_, host, ok := strings.Cut(a.Account, "://")
	if !ok {
		host = a.Account
	}
	return or(host, "account")
}

// page is where an object is seen in the account: page("/agent/users/%d", id).
func (a *Analysis) page(path string, args ...any) string {
	return a.Account + fmt.Sprintf(path, args...)
}

// userPage is a user's page. Findings name users by it, and never by name.
func (a *Analysis) userPage(id ID) string { return a.page("/agent/users/%d", id) }

// evidence is what a field of an endpoint's answer was.
func evidence(e Endpoint, format string, args ...any) []check.Evidence {
	return []check.Evidence{{Source: e.Request(), Text: fmt.Sprintf(format, args...)}}
}

// maxNamedHere bounds how many objects one finding names.
const maxNamedHere = 20

// named is evidence of many objects, the first of them by name.
func named[T any](e Endpoint, all []T, name func(T) string) []check.Evidence {
	var out []check.Evidence
	for i, v := range all {
		if i == maxNamedHere {
			out = append(out, check.Evidence{Source: e.Request(), Text: fmt.Sprintf("… %d more", len(all)-i)})
			break
		}
		out = append(out, check.Evidence{Source: e.Request(), Text: name(v)})
	}
	return out
}

// guide cites an article of Zendesk's help centre by its number.
func guide(article string) check.Cite { return check.Cite{Doc: "Zendesk Help " + article} }

// theList cites the list that the lines of docs/zendesk.md count, and one of them.
func theList(line int) check.Cite {
	return check.Cite{Doc: "Zendesk Help 5001315170074", Section: fmt.Sprintf("line %d", line)}
}

// reference cites a page of Zendesk's developer documentation.
func reference(page string) check.Cite { return check.Cite{Doc: "Zendesk API: " + page} }

// maxFindings bounds how many findings a rule makes; what goes beyond is a gap.
const maxFindings = 100

func bounded(findings []check.Finding, gaps []check.Gap) ([]check.Finding, []check.Gap) {
	if n := len(findings) - maxFindings; n > 0 {
		findings = findings[:maxFindings]
		gaps = append(gaps, check.Gap{Subject: fmt.Sprintf("%d more findings", n), Why: check.Limit})
	}
	return findings, gaps
}
