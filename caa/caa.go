// Package caa reads and judges which certificate authorities (CAs) may issue
// certificates for a name: its CAA records, or those of the names above it
// (RFC 8659).
//
// [Parse] reads one record, [ParseIssue] the value of one that names a CA.
// [Discover] asks for the records of the name and of all names above it and writes
// down what came back, [Analyze] says which RRset counts and what it allows, and
// [Rules] judge that; [Check] is all of it. [Repair] is the RRset that would be
// right. [IssuersOf] says by which names a CA goes in CAA records.
//
// Discover judges nothing, and all the others are pure. CAA speaks to CAs at the
// moment of issuance: it says whether the next certificate can be had, and nothing
// about whether one that exists is valid (RFC 8659, 1).
package caa

import (
	"context"
	"strings"
	"time"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

// MaxLevels is how many names are asked: the name itself and those above it.
const MaxLevels = 20

// Options bound Discover. The zero value works.
type Options struct {
	Budget time.Duration // for all questions together; dnsx.DefaultBudget if 0
	// Host says that the name is that of a host and in no mail address: the rules
	// about certificates for mail addresses and logos do not apply.
	Host bool
}

// Settings are thresholds of the rules: there are none yet.
type Settings struct{}

// Facts are what was asked and what came back.
type Facts struct {
	Domain string `json:"domain"`
	Host   bool   `json:"host,omitempty"` // as given in Options
	// Levels are CAA of Domain and of each name above it, without the root, at most
	// MaxLevels.
	Levels []dnsx.Reply `json:"levels"`
	// Unchecked is the question of the first level that stands in the way of an
	// answer, asked again without validation. It is asked only after SERVFAIL: an
	// answer to it shows that validation is what failed.
	Unchecked dnsx.Reply `json:"unchecked,omitzero"`
}

// Questions are those that need nothing but the name; nil where that is none.
func Questions(domain string, _ Options) []dnsx.Question {
	name, err := parseName(domain)
	if err != nil {
		return nil
	}
	return questions(name)
}

// parseName is dnsx.ParseName for what stands in certificates: the search for the
// wildcard name *.X starts at X (RFC 8659, 3).
func parseName(domain string) (string, error) {
	name, err := dnsx.ParseName(domain)
	return strings.TrimPrefix(name, "*."), err
}

func questions(name string) []dnsx.Question {
	var qs []dnsx.Question
	for ; name != "." && len(qs) < MaxLevels; name = dnsx.Parent(name) {
		qs = append(qs, dnsx.Q(name, dnsx.TypeCAA))
	}
	return qs
}

// Discover asks for the CAA records of a name and of all names above it, side by
// side; a leading "*." is taken off. The error is a *dnsx.NameError, or the caller's
// own ctx.Err() beside the facts so far.
func Discover(ctx context.Context, r dnsx.Resolver, domain string, o Options) (*Facts, error) {
	name, err := parseName(domain)
	if err != nil {
		return nil, err
	}
	inner, cancel := dnsx.WithBudget(ctx, o.Budget)
	defer cancel()

	f := &Facts{Domain: name, Host: o.Host}
	f.Levels = dnsx.Ask(inner, r, questions(name)...)
	if end := climb(f); end.failure() != nil && end.failure().RCode == dnsx.ServFail {
		f.Unchecked = dnsx.Ask(inner, r, uncheckedQuestion(end.reply.Question))[0]
	}
	return f, ctx.Err()
}

func uncheckedQuestion(q dnsx.Question) dnsx.Question {
	q.CheckingDisabled = true
	return q
}

// Check discovers, analyzes and judges one name. The error is that of Discover.
func Check(ctx context.Context, r dnsx.Resolver, domain string, o Options, s Settings) ([]check.Result, error) {
	f, err := Discover(ctx, r, domain, o)
	if err != nil {
		return nil, err
	}
	return check.Apply(Analyze(f), Rules(s)), nil
}
