// Package mtasts reads and judges MTA-STS (RFC 8461): the TXT record by which a
// domain says that it has a policy, and the policy file, which says that mail to
// it has to come over verified TLS, and to which hosts.
//
// [Parse] reads a record, [ParsePolicy] a policy file. [Discover] asks for the
// record and, given a [Dialer], fetches the file; [Analyze] says what senders
// make of both, and [Rules] judge that; [Check] is all of it. [Repair] is the
// record that would be right.
//
// Discover judges nothing, and all the others are pure. Whether the policy lets
// mail reach the domain's MX hosts is not judged here: it needs those hosts, and
// [Policy.Matches] for each.
package mtasts

import (
	"context"
	"crypto/x509"
	"net"
	"strings"
	"time"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

// Dialer connects to the policy's host, whose address the checked domain chose:
// it has to refuse addresses that are nobody's business. An error with a method
// Gap() (subject, why string) is such a refusal where why is "not-asked".
type Dialer interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// Options bound Discover. The zero value works, and fetches no policy.
type Options struct {
	Budget time.Duration    // for all questions and the policy together; dnsx.DefaultBudget if 0
	Dialer Dialer           // gets "tcp" and "IP:443"; nil: the policy is not fetched
	Roots  *x509.CertPool   // whom to trust for the policy's host; nil: the system's
	Now    func() time.Time // the time of the fetch, for which certificates have to be valid; time.Now if nil
}

// Settings are thresholds of the rules. The zero value has the defaults.
type Settings struct {
	// MinMaxAge is the shortest max_age of a policy in mode enforce that is not
	// called short; 7 days if 0. RFC 8461, 3.2 expects "weeks or greater".
	MinMaxAge time.Duration
}

// Facts are what was asked and what came back.
type Facts struct {
	Domain string     `json:"domain"`
	Record dnsx.Reply `json:"record"` // TXT _mta-sts.DOMAIN
	// Apex is MX DOMAIN. It is asked only where the answer to Record leaves
	// open whether the domain exists at all.
	Apex dnsx.Reply `json:"apex,omitzero"`
	// HostA and HostAAAA are the addresses of mta-sts.DOMAIN. They are asked
	// only where there is a record.
	HostA    dnsx.Reply `json:"host_a,omitzero"`
	HostAAAA dnsx.Reply `json:"host_aaaa,omitzero"`
	Policy   *Fetch     `json:"policy,omitempty"` // nil: not asked
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
	return dnsx.Q(dnsx.Join("_mta-sts", domain), dnsx.TypeTXT)
}

func apexQuestion(domain string) dnsx.Question { return dnsx.Q(domain, dnsx.TypeMX) }

// policyHost is the Policy Host of RFC 8461, 3.2.
func policyHost(domain string) string { return dnsx.Join("mta-sts", domain) }

func policyURL(domain string) string {
	return "https://" + policyHost(domain) + "/.well-known/mta-sts.txt"
}

// Discover asks for the record, and where there is one for the policy. The error
// is a *dnsx.NameError, or the caller's own ctx.Err() beside the facts so far.
func Discover(ctx context.Context, r dnsx.Resolver, domain string, o Options) (*Facts, error) {
	name, err := dnsx.ParseName(domain)
	if err != nil {
		return nil, err
	}
	inner, cancel := dnsx.WithBudget(ctx, o.Budget)
	defer cancel()

	f := &Facts{Domain: name}
	f.Record = dnsx.Ask(inner, r, recordQuestion(name))[0]
	switch answer := f.Record.Answer; {
	case answer == nil:
	case meansSTS(answer):
		host := policyHost(name)
		replies := dnsx.Ask(inner, r, dnsx.Q(host, dnsx.TypeA), dnsx.Q(host, dnsx.TypeAAAA))
		f.HostA, f.HostAAAA = replies[0], replies[1]
		if addrs := f.addrs(); o.Dialer != nil && len(addrs) > 0 {
			f.Policy = get(inner, o, name, addrs)
		}
	case !f.Record.Proves(name):
		f.Apex = dnsx.Ask(inner, r, apexQuestion(name))[0]
	}
	return f, ctx.Err()
}

// meansSTS reports whether any record means to be an MTA-STS record, be it
// misspelled.
func meansSTS(a *dnsx.Answer) bool {
	for _, rr := range a.Records {
		if _, ok := findVersion(rr.Text()); ok {
			return true
		}
	}
	return false
}

// Check discovers, analyzes and judges one domain. The error is that of Discover.
func Check(ctx context.Context, r dnsx.Resolver, domain string, o Options, s Settings) ([]check.Result, error) {
	f, err := Discover(ctx, r, domain, o)
	if err != nil {
		return nil, err
	}
	return check.Apply(Analyze(f), Rules(s)), nil
}

// clip bounds what somebody else sent, and makes it text that JSON keeps.
func clip(s string) string {
	const most = 1000
	if len(s) > most {
		s = s[:most] + "…"
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
