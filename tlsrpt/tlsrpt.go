// Package tlsrpt reads and judges a domain's TLS-RPT record (RFC 8460, 3): the
// addresses that sending servers report to when TLS to the domain's mail
// servers fails.
//
// [Parse] reads one record. [Discover] asks for it and writes down what came
// back, [Analyze] says which record is in force, and [Rules] judge that;
// [Check] is all of it. [Repair] is the record that would be right.
//
// Discover judges nothing, and all the others are pure.
package tlsrpt

import (
	"context"
	"time"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

// Options bound Discover. The zero value works.
type Options struct {
	Budget time.Duration // for all questions together; dnsx.DefaultBudget if 0
}

// Settings are thresholds of the rules: there are none yet.
type Settings struct{}

// Facts are what was asked and what came back.
type Facts struct {
	Domain string     `json:"domain"`
	Record dnsx.Reply `json:"record"` // TXT _smtp._tls.DOMAIN
	// Apex is MX DOMAIN. It is asked only where the answer to Record leaves
	// open whether the domain exists at all.
	Apex dnsx.Reply `json:"apex,omitzero"`
}

// Questions are those that need nothing but the domain's name; nil where that is
// no name.
func Questions(domain string, _ Options) []dnsx.Question {
	name, err := dnsx.ParseName(domain)
	if err != nil {
		return nil
	}
	return []dnsx.Question{recordQuestion(name)}
}

func recordQuestion(domain string) dnsx.Question {
	return dnsx.Q(dnsx.Join("_smtp._tls", domain), dnsx.TypeTXT)
}

func apexQuestion(domain string) dnsx.Question { return dnsx.Q(domain, dnsx.TypeMX) }

// Discover asks for the record. The error is a *dnsx.NameError, or the caller's
// own ctx.Err() beside the facts so far.
func Discover(ctx context.Context, r dnsx.Resolver, domain string, o Options) (*Facts, error) {
	name, err := dnsx.ParseName(domain)
	if err != nil {
		return nil, err
	}
	inner, cancel := dnsx.WithBudget(ctx, o.Budget)
	defer cancel()

	f := &Facts{Domain: name}
	f.Record = dnsx.Ask(inner, r, recordQuestion(name))[0]
	if f.Record.Answer != nil && !f.Record.Proves(name) {
		f.Apex = dnsx.Ask(inner, r, apexQuestion(name))[0]
	}
	return f, ctx.Err()
}

// Check discovers, analyzes and judges one domain. The error is that of Discover.
func Check(ctx context.Context, r dnsx.Resolver, domain string, o Options, s Settings) ([]check.Result, error) {
	f, err := Discover(ctx, r, domain, o)
	if err != nil {
		return nil, err
	}
	return check.Apply(Analyze(f), Rules(s)), nil
}
