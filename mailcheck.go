// Package mailcheck looks at everything a domain publishes about its mail,
// and says what is wrong with it, why, and what to change.
//
// A check runs in two steps that never mix. [Checker.Discover] asks the
// network and writes down what it saw, as [Facts]. [Judge] reads Facts and
// returns a report; it asks nobody anything, so facts can be saved, judged
// again by a newer release, or as of another time.
//
// [Checker.Check] does both:
//
//	resolver, err := wire.System()
//	…
//	checker := mailcheck.Checker{Resolver: resolver}
//	rep, err := checker.Check(ctx, mailcheck.Target{Domain: "acme.example"}, mailcheck.Settings{})
//
// Each protocol has a package of its own with the same doors (spf, dkim, dmarc,
// mx, mtasts, tlsrpt, tlscert); whoever needs one of them imports that alone.
//
// Within a major version exported names stay, rule ids are never reused or
// renamed, and JSON fields are only added.
package mailcheck

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"time"

	"github.com/mailcheck-go/mailcheck/caa"
	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dkim"
	"github.com/mailcheck-go/mailcheck/dmarc"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/mtasts"
	"github.com/mailcheck-go/mailcheck/mx"
	"github.com/mailcheck-go/mailcheck/provider"
	"github.com/mailcheck-go/mailcheck/spf"
	"github.com/mailcheck-go/mailcheck/tlscert"
	"github.com/mailcheck-go/mailcheck/tlsrpt"
)

// Version is the release that this source becomes. It stands in facts and reports.
const Version = "v0.1.0"

// Target is what is to be checked, and what the operator knows about it.
type Target struct {
	Domain    string   // as dnsx.ParseName takes it
	Selectors []string // DKIM selectors in use; others are listed or tried besides
	Hosts     []string // HOST or HOST:PORT whose certificates matter; port 443 if none
	Role      Role     // empty: found out from the facts
	// Ask are further questions, whose replies stand in Facts.DNS.Asked. No rule of
	// this package reads them; at most 16 are asked.
	Ask []dnsx.Question
	// Require are services that the domain has to let send, as ids of Providers: what
	// their includes lead to is asked for as well. See Settings.Require.
	Require []string
}

// Checker gathers facts. Only Resolver is needed. It may be used by many
// goroutines at once.
type Checker struct {
	// Resolver is asked. A *dnsx.Cache is used as it is and so shared between
	// checks, and each check is a Job of it; any other resolver gets a cache for the
	// time of each check.
	Resolver dnsx.Resolver
	// Budget bounds one Discover; dnsx.DefaultBudget if 0. What has no answer by
	// then is a Failure of kind budget in the facts.
	Budget time.Duration
	// AllowPrivate opens address ranges that are otherwise not dialled because
	// they are not public: those of an intranet, or loopback for tests.
	AllowPrivate []netip.Prefix
	// Fetcher gets what certificates point to: missing issuers, revocation lists,
	// renewal information. Checks that share one share what it got. Nobody is asked if nil.
	Fetcher *tlscert.Fetcher
	// Offline dials nobody. It says nothing about the Resolver.
	Offline bool
	// SkipMX leaves out the certificates of MX hosts. Many networks let nobody connect
	// to port 25 elsewhere; each check then waits for connections in vain.
	SkipMX bool
	// Prober connects to hosts, and bounds the connections of all checks that share
	// it. A check has one of its own, with AllowPrivate, if nil.
	Prober *tlscert.Prober
	// ARIDirectory is that of an ACME server to ask for renewal information about
	// certificates whose issuer is not known to offer it.
	ARIDirectory string
	// Deep shakes hands several times more with each address: with old versions of
	// TLS, and without a server name. It also asks for records of the obsolete type SPF,
	// which some servers do not answer.
	Deep bool
	// Providers is provider.Builtin() if nil.
	Providers *provider.Set
	// Now is time.Now if nil.
	Now func() time.Time
}

// Settings is what the owner of the judgement wants; the zero value has the
// defaults that the rules' documentation names.
type Settings struct {
	Only []string  // rule ids, or "area.*": nothing else is judged
	Skip []string  // rule ids, or "area.*": not judged
	Role Role      // overrides the role that the facts show
	At   time.Time // judge as of this time; zero: when the facts were gathered
	// Require are services that the domain has to let send, as ids of Providers:
	// whether its SPF record does is then judged (provider.not-authorized), and answered
	// for each. nil: those that the facts were gathered for.
	Require []string
	// Providers is provider.Builtin() if nil.
	Providers *provider.Set

	SPF     spf.Settings
	DKIM    dkim.Settings
	DMARC   dmarc.Settings
	MX      mx.Settings
	CAA     caa.Settings
	MTASTS  mtasts.Settings
	TLSRPT  tlsrpt.Settings
	TLSCert tlscert.Settings
}

// Check discovers and judges. The report comes back with an error too, where
// ctx ended: it then rests on the facts so far.
func (c *Checker) Check(ctx context.Context, t Target, s Settings) (*check.Report, error) {
	f, err := c.Discover(ctx, t)
	if f == nil {
		return nil, err
	}
	return Judge(f, s), err
}

// Judge turns facts into a report. It is pure: the same facts and settings give
// the same report, with one exception: where Settings.TLSCert.Roots is nil, chains
// are verified with the roots of the system, and these differ by machine. Facts that lack a part, because an older release or somebody
// else wrote them, make the rules about that part unknown.
func Judge(f *Facts, s Settings) *check.Report {
	v := newView(f, s)
	r := &check.Report{Schema: check.ReportSchema, Tool: "mailcheck " + Version, Target: cmp.Or(f.Host, f.Domain), At: v.when}
	rules := selected(rules(s), s)
	if f.Host != "" {
		rules = slices.DeleteFunc(slices.Clone(rules), func(r check.Rule[*view]) bool { return !f.about(r.ID) })
	}
	r.Results = check.Apply(v, rules)
	if f.Host == "" {
		r.Role = v.role.report()
	}
	r.Answers = v.answers(r.Results)
	r.Overview = v.overview()
	r.Measures = v.measures(r.Results)
	r.Repairs = v.repairs(r.Results, rules)
	r.Count()
	return r
}

// Catalog documents every rule, in the order of reports.
func Catalog() []check.Doc { return check.Docs(rules(Settings{})) }

// selected keeps the rules that the settings want.
func selected(all []check.Rule[*view], s Settings) []check.Rule[*view] {
	return slices.DeleteFunc(all, func(r check.Rule[*view]) bool { return !check.Selected(r.ID, s.Only, s.Skip) })
}
