// Package mx reads and judges where mail to a domain goes: its MX records, the
// hosts that they name and the addresses of those (RFC 5321, 5.1), or the null
// MX that says that it goes nowhere (RFC 7505).
//
// [Parse] reads one record. [Discover] asks for the records and addresses and
// writes down what came back, [Analyze] says which hosts take the domain's mail,
// and [Rules] judge that; [Check] is all of it. [Repair] is the RRset that would
// be right.
//
// Discover judges nothing and connects to nobody; all the others are pure.
// Whether the domain ought to receive mail is not judged here.
package mx

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

// MaxHosts is how many MX hosts are looked at, the most preferred first.
const MaxHosts = 20

// Options bound Discover. The zero value works.
type Options struct {
	Budget time.Duration // for all questions together; dnsx.DefaultBudget if 0
	// Organization is the domain whose hosts are the owner's own: those at and below it
	// are asked for TXT too. The checked domain if empty.
	Organization string
}

// Settings are what the rules cannot know by themselves. The zero value works.
type Settings struct {
	// PublicSuffix returns the public suffix of a name, "co.uk" of
	// "mx.acme.co.uk"; PublicSuffix of golang.org/x/net/publicsuffix.List is one.
	// mx.dangling needs it to tell a name that anybody can register. If nil, top-level
	// domains are the only public suffixes.
	PublicSuffix func(name string) string
}

// Facts are what was asked and what came back.
type Facts struct {
	Domain string     `json:"domain"`
	MX     dnsx.Reply `json:"mx"`
	// A and AAAA are the domain's own addresses. They are asked only where there
	// is no MX record, because only then they count (RFC 5321, 5.1).
	A    dnsx.Reply `json:"a,omitzero"`
	AAAA dnsx.Reply `json:"aaaa,omitzero"`
	// Hosts are the hosts of the MX records in order of preference, each once, at
	// most MaxHosts; neither the root nor an address is one.
	Hosts []HostFacts `json:"hosts,omitempty"`
}

// HostFacts is what was asked about one MX host.
type HostFacts struct {
	Name string     `json:"name"`
	A    dnsx.Reply `json:"a"`
	AAAA dnsx.Reply `json:"aaaa"`
	// TXT is asked only of the owner's own hosts (Options.Organization), where the host
	// is not the domain itself.
	TXT dnsx.Reply `json:"txt,omitzero"`
	// Parent is NS of the name above. It is asked only of a host outside of the
	// domain that does not exist.
	Parent dnsx.Reply `json:"parent,omitzero"`
}

// Questions are those that need nothing but the domain's name; nil where that is
// no name.
func Questions(domain string, _ Options) []dnsx.Question {
	name, err := dnsx.ParseName(domain)
	if err != nil {
		return nil
	}
	return []dnsx.Question{dnsx.Q(name, dnsx.TypeMX)}
}

// Discover asks for the records, then for all addresses side by side. The error
// is a *dnsx.NameError, or the caller's own ctx.Err() beside the facts so far.
func Discover(ctx context.Context, r dnsx.Resolver, domain string, o Options) (*Facts, error) {
	name, err := dnsx.ParseName(domain)
	if err != nil {
		return nil, err
	}
	inner, cancel := dnsx.WithBudget(ctx, o.Budget)
	defer cancel()

	f := &Facts{Domain: name}
	f.MX = dnsx.Ask(inner, r, dnsx.Q(name, dnsx.TypeMX))[0]
	switch {
	case f.MX.Answer == nil || !f.MX.Answer.Exists():
	case f.MX.Absent():
		replies := dnsx.Ask(inner, r, addressQuestions(name)...)
		f.A, f.AAAA = replies[0], replies[1]
	default:
		names := hostNames(records(f.MX.Answer))
		f.Hosts = discoverHosts(inner, r, name, names[:min(len(names), MaxHosts)], cmp.Or(o.Organization, name))
	}
	return f, ctx.Err()
}

func addressQuestions(name string) []dnsx.Question {
	return []dnsx.Question{dnsx.Q(name, dnsx.TypeA), dnsx.Q(name, dnsx.TypeAAAA)}
}

// hostNames are the names in records that can have addresses, each once.
func hostNames(recs []Record) []string {
	var names []string
	seen := map[string]bool{}
	for _, rec := range recs {
		if _, literal := addressOf(rec.Host); !rec.Null() && !literal && !seen[rec.Host] {
			seen[rec.Host] = true
			names = append(names, rec.Host)
		}
	}
	return names
}

func discoverHosts(ctx context.Context, r dnsx.Resolver, domain string, names []string, owner string) []HostFacts {
	var questions []dnsx.Question
	for _, name := range names {
		questions = append(questions, addressQuestions(name)...)
	}
	for _, name := range names {
		if name != domain && dnsx.Below(name, owner) {
			questions = append(questions, dnsx.Q(name, dnsx.TypeTXT))
		}
	}
	replies := dnsx.Ask(ctx, r, questions...)
	own := replies[2*len(names):]
	hosts := make([]HostFacts, len(names))
	var parents []dnsx.Question
	for i, name := range names {
		hosts[i] = HostFacts{Name: name, A: replies[2*i], AAAA: replies[2*i+1]}
		if len(own) > 0 && own[0].Question.Name == name {
			hosts[i].TXT, own = own[0], own[1:]
		}
		if q := parentQuestion(name); hosts[i].denied() && !dnsx.Below(name, domain) && !slices.Contains(parents, q) {
			parents = append(parents, q)
		}
	}
	for _, reply := range dnsx.Ask(ctx, r, parents...) {
		for i := range hosts {
			if h := &hosts[i]; h.denied() && parentQuestion(h.Name) == reply.Question {
				h.Parent = reply
			}
		}
	}
	return hosts
}

func parentQuestion(host string) dnsx.Question { return dnsx.Q(dnsx.Parent(host), dnsx.TypeNS) }

// denied reports that an answer said that the host does not exist.
func (h *HostFacts) denied() bool {
	no := func(r dnsx.Reply) bool { return r.Answer != nil && !r.Answer.Exists() }
	return no(h.A) || no(h.AAAA)
}

// Check discovers, analyzes and judges one domain. The error is that of Discover.
func Check(ctx context.Context, r dnsx.Resolver, domain string, o Options, s Settings) ([]check.Result, error) {
	f, err := Discover(ctx, r, domain, o)
	if err != nil {
		return nil, err
	}
	return check.Apply(Analyze(f), Rules(s)), nil
}
