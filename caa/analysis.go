package caa

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

// Use is a kind of certificate. Each has a property of its own, whose tag it is.
type Use string

const (
	Names     Use = "issue"     // for host names (RFC 8659, 4.2)
	Wildcards Use = "issuewild" // for wildcard names; without such a property those of Names count (RFC 8659, 4.3)
	Mail      Use = "issuemail" // for mail addresses: S/MIME (RFC 9495)
	Marks     Use = "issuevmc"  // for logos: mark certificates, which BIMI uses
)

// Analysis is what follows from facts.
type Analysis struct {
	Domain  string
	At      string      // the name whose RRset counts: Domain or one above; "" where none has one, or it is not known
	Owner   string      // where that RRset stands: At, or the end of its alias chain
	Records []Record    // of that RRset, sorted, each once
	Unread  []check.Gap // why it is not known which RRset counts; nil where it is

	host       bool
	properties []property
	noDomain   bool     // the name does not exist: nothing is missing there
	levels     []string // the names that were looked at, up to At
	end        level    // where the climb ended
	answered   bool     // another level was answered
	validation bool     // that at end was answered too, once nobody validated it
	repair     []check.Change
}

// property is a record as CAs read it.
type property struct {
	Record
	tag   string       // in lower case
	issue *Issue       // of a property that names a CA, as far as it can be read
	err   *SyntaxError // why it names nobody
}

// Analyze reads facts. It takes any, nil too; answers to other questions than
// those of Discover count as not asked.
//
// The RRset that counts is the first one on the way from the name up to the root.
// At each step an alias is followed, and what its end holds counts as if it stood
// there; the names above that end are not asked, as they were under RFC 6844
// (RFC 8659, 7). So the policy of a hosting service counts for the names that are
// aliases of its hosts only where it stands at those very hosts.
func Analyze(f *Facts) *Analysis {
	if f == nil {
		f = &Facts{}
	}
	a := &Analysis{Domain: f.Domain, host: f.Host}
	a.end = climb(f)
	for i, q := range questions(f.Domain)[:a.end.steps] {
		a.levels = append(a.levels, q.Name)
		if answer := replyTo(f, i, q).Answer; i == 0 {
			a.noDomain = answer != nil && !answer.Exists()
		}
	}
	switch end := a.end; {
	case end.records != nil:
		a.At, a.Owner, a.Records = end.reply.Question.Name, end.reply.Answer.Owner(), end.records
		a.readProperties()
		a.repair = repair(a)
	case end.reply.Question.Type != 0:
		a.Unread = []check.Gap{check.GapOf("", end.reply.Err())}
		a.readFailure(f)
	case dnsx.Labels(f.Domain) > MaxLevels:
		a.Unread = []check.Gap{{
			Subject: "CAA " + f.Domain, Why: check.Limit,
			Cause: fmt.Errorf("the name has %d labels, and %d levels were looked at", dnsx.Labels(f.Domain), MaxLevels),
		}}
	}
	return a
}

// level is where a climb ended.
type level struct {
	steps   int        // levels that were looked at, this one too
	reply   dnsx.Reply // the one that has the records, or the one that tells nothing; zero where all were answered and empty
	records []Record
}

// failure is the one that ended the climb, nil if none did.
func (l *level) failure() *dnsx.Failure {
	if l.reply.Answer != nil {
		return nil
	}
	return l.reply.Failure
}

// climb looks at the levels from the name itself upwards (RFC 8659, 3).
func climb(f *Facts) level {
	qs := questions(f.Domain)
	for i, q := range qs {
		reply := replyTo(f, i, q)
		if reply.Answer == nil {
			return level{steps: i + 1, reply: reply}
		}
		if recs := records(reply.Answer); len(recs) > 0 {
			return level{steps: i + 1, reply: reply, records: recs}
		}
	}
	return level{steps: len(qs)}
}

func replyTo(f *Facts, i int, q dnsx.Question) dnsx.Reply {
	if i >= len(f.Levels) {
		return dnsx.Reply{Question: q}
	}
	return f.Levels[i].To(q)
}

// readFailure gathers what shows whose fault it is that the climb ended.
func (a *Analysis) readFailure(f *Facts) {
	for i, q := range questions(f.Domain) {
		if i != a.end.steps-1 && replyTo(f, i, q).Answer != nil {
			a.answered = true
		}
	}
	unchecked := f.Unchecked.To(a.end.reply.Question)
	a.validation = unchecked.Question.CheckingDisabled && unchecked.Answer != nil
}

func (a *Analysis) readProperties() {
	for _, rec := range a.Records {
		p := property{Record: rec, tag: lower(rec.Tag)}
		if namesCA(p.tag) {
			var err error
			if p.issue, err = ParseIssue(rec.Value); err != nil {
				errors.As(err, &p.err)
			}
		}
		a.properties = append(a.properties, p)
	}
}

func namesCA(tag string) bool {
	switch Use(tag) {
	case Names, Wildcards, Mail, Marks:
		return true
	}
	return false
}

// known reports that a tag is registered (IANA, Certification Authority Restriction
// Properties), but for those that are only reserved, which nobody reads.
func known(tag string) bool { return namesCA(tag) || tag == "iodef" || optional(tag) }

// optional reports that a tag is registered, and that a CA need not know it
// (CA/Browser Forum, TLS Baseline Requirements, 3.2.2.8).
func optional(tag string) bool {
	switch tag {
	case string(Mail), string(Marks), "contactemail", "contactphone":
		return true
	}
	return false
}

// grants reports that a property names a CA that may issue by it.
func (p *property) grants() bool {
	return p.issue != nil && p.err == nil && p.issue.Issuer != "" && !p.unsatisfiable()
}

// unsatisfiable reports that no request meets the parameters (RFC 8657, 3 and 4).
func (p *property) unsatisfiable() bool {
	if p.tag != string(Names) && p.tag != string(Wildcards) {
		return false
	}
	accounts, methods := p.issue.Values(accountURI), p.issue.Values(validationMethods)
	return len(accounts) > 1 || len(accounts) == 1 && !isURI(accounts[0]) || len(methods) == 1 && !isMethods(methods[0])
}

// with are the properties with a tag.
func (a *Analysis) with(use Use) []property {
	var found []property
	for _, p := range a.properties {
		if p.tag == string(use) {
			found = append(found, p)
		}
	}
	return found
}

// blockers are the properties that no CA knows and that no CA may pass over.
func (a *Analysis) blockers() []property {
	var found []property
	for _, p := range a.properties {
		if p.Critical() && !known(p.tag) {
			found = append(found, p)
		}
	}
	return found
}

// Policy is what the RRset that counts says about one kind of certificate.
type Policy struct {
	Restricted bool     // false: every CA may issue
	Blocked    bool     // a critical property that no CA knows: none may issue
	Allowed    []Issue  // who may where Restricted, each on the terms of its parameters; none: nobody
	Records    []Record // that say so
}

// Policy returns what the RRset says about a kind of certificate. A value that is
// malformed (RFC 8659, 4.2), or has parameters that no request can meet (RFC 8657, 3),
// allows nobody. While the RRset is not known, Unread has gaps, and the Policy says
// nothing.
func (a *Analysis) Policy(use Use) Policy {
	if found := a.blockers(); len(found) > 0 {
		return Policy{Restricted: true, Blocked: true, Records: recordsOf(found)}
	}
	found := a.with(use)
	if use == Wildcards && len(found) == 0 {
		found = a.with(Names)
	}
	p := Policy{Restricted: len(found) > 0, Records: recordsOf(found)}
	for _, prop := range found {
		if prop.grants() {
			p.Allowed = append(p.Allowed, *prop.issue)
		}
	}
	return p
}

func recordsOf(props []property) []Record {
	var recs []Record
	for _, p := range props {
		recs = append(recs, p.Record)
	}
	return recs
}

// Allows reports whether a CA may issue a kind of certificate for the name. A CA
// goes by one name or several: issuers are all of them, as IssuersOf returns them. Gaps
// say what could make the answer another one: where there are any, it is not known.
//
// Parameters narrow it further, to one account or to some methods of validation;
// Policy has them.
func (a *Analysis) Allows(use Use, issuers ...string) (allowed bool, gaps []check.Gap) {
	if a.Unread != nil {
		return false, a.Unread
	}
	p := a.Policy(use)
	switch {
	case p.Blocked:
		return false, nil
	case !p.Restricted:
		allowed = true
	case len(p.Allowed) == 0:
		return false, nil
	case len(issuers) == 0:
		return false, []check.Gap{{Subject: "CAA " + a.Owner, Why: check.Undecidable, Cause: errNoIssuer}}
	default:
		allowed = slices.ContainsFunc(p.Allowed, func(i Issue) bool {
			return slices.ContainsFunc(issuers, func(name string) bool { return strings.EqualFold(name, i.Issuer) })
		})
	}
	for _, prop := range a.properties {
		if allowed && prop.Critical() && optional(prop.tag) && prop.tag != string(use) {
			gaps = append(gaps, check.Gap{
				Subject: "CAA " + a.Owner, Why: check.Undecidable,
				Cause: fmt.Errorf("a CA that does not know the critical property %s must not issue", prop.tag),
			})
		}
	}
	return allowed, gaps
}

var errNoIssuer = errors.New("it is not known by which name the CA goes in CAA records")
