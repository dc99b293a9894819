// Package dkim reads and judges the DKIM keys that a domain publishes, one TXT
// record a selector at SELECTOR._domainkey.DOMAIN (RFC 6376, 3.6; RFC 8301;
// RFC 8463).
//
// [Parse] reads one record, and [Record.PublicKey] the key in it. [Discover] asks
// for the selectors, [Analyze] says what stands at each of them, and [Rules]
// judge that; [Check] is all of it. [Repair] writes the records that would be
// right, as far as that needs no new key.
//
// The DNS does not list selectors. Discover asks for those that the caller
// names and for some that are common; where the resolver lists names, as a zone
// file does, it asks for all there are. So a key that was found is a fact, and
// "none was found" is one only where the set is complete; elsewhere it is unknown.
package dkim

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

// MaxSelectors is the number of selectors of one domain that are looked at.
const MaxSelectors = 200

// Why a selector is asked for. A selector of a provider has "provider:" and the
// provider's id.
const (
	WhyGiven  = "given"  // somebody says that it is in use
	WhyListed = "listed" // the zone has it
	WhyCommon = "common" // many domains have it
)

// Selector is a selector to ask for.
type Selector struct {
	Name string // "s1"; "s1.news" has two labels (RFC 6376, 3.1)
	Why  string // WhyGiven if empty
}

// Options bound Discover. The zero value works.
type Options struct {
	Budget    time.Duration // for all questions together; dnsx.DefaultBudget if 0
	Selectors []Selector    // asked for besides those that Discover knows of
	OnlyGiven bool          // ask for Selectors alone
}

// Settings are thresholds of the rules: there are none yet.
type Settings struct{}

// Facts are what was asked and what came back.
type Facts struct {
	Domain string     `json:"domain"`
	Node   dnsx.Reply `json:"node,omitzero"`  // TXT _domainkey.DOMAIN
	Probe  dnsx.Reply `json:"probe,omitzero"` // TXT at a selector that nobody has: a wildcard answers
	// Apex is MX DOMAIN. It is asked only where the other answers leave open
	// whether the domain exists at all.
	Apex      dnsx.Reply      `json:"apex,omitzero"`
	Listed    bool            `json:"listed,omitempty"` // Selectors has every selector of the zone
	Selectors []SelectorFacts `json:"selectors,omitempty"`
	Beyond    int             `json:"beyond,omitempty"` // selectors past MaxSelectors, which were not asked for
}

// SelectorFacts is one selector and what came back for it.
type SelectorFacts struct {
	Name string     `json:"name"`
	Why  []string   `json:"why"` // all reasons to ask for it
	TXT  dnsx.Reply `json:"txt"`
}

// probe is the selector that nobody has.
const probe = "mailcheck-no-such-selector"

func nodeOf(domain string) string { return dnsx.Join("_domainkey", domain) }

func ownerOf(selector, domain string) string { return dnsx.Join(selector, nodeOf(domain)) }

func txtQuestion(name string) dnsx.Question { return dnsx.Q(name, dnsx.TypeTXT) }

func apexQuestion(domain string) dnsx.Question { return dnsx.Q(domain, dnsx.TypeMX) }

// Questions are those that need nothing but the domain's name and the options;
// nil where either holds what is no name.
func Questions(domain string, o Options) []dnsx.Question {
	name, err := dnsx.ParseName(domain)
	if err != nil {
		return nil
	}
	p := newPlan(name)
	if err := p.given(o.Selectors); err != nil {
		return nil
	}
	if !o.OnlyGiven {
		p.common()
	}
	return p.asked
}

// Discover asks for the selectors. The error is a *dnsx.NameError for the domain
// or a selector of the options, or the caller's own ctx.Err() beside the facts
// so far.
func Discover(ctx context.Context, r dnsx.Resolver, domain string, o Options) (*Facts, error) {
	name, err := dnsx.ParseName(domain)
	if err != nil {
		return nil, err
	}
	p := newPlan(name)
	if err := p.given(o.Selectors); err != nil {
		return nil, err
	}
	inner, cancel := dnsx.WithBudget(ctx, o.Budget)
	defer cancel()

	f := &Facts{Domain: name}
	if !o.OnlyGiven {
		if names, ok := list(r, nodeOf(name)); ok {
			f.Listed = true
			p.listed(names)
		} else {
			p.common()
		}
	}
	replies := dnsx.Ask(inner, r, p.asked...)
	f.Node, f.Probe = replies[0], replies[1]
	if f.Node.Answer != nil {
		findAliases(inner, r, replies[2:])
	}
	f.Beyond = p.beyond
	for i, reply := range replies[2:] {
		p.selectors[i].TXT = reply
	}
	f.Selectors = p.selectors
	proven := slices.ContainsFunc(replies, func(r dnsx.Reply) bool { return r.Proves(name) })
	if f.Node.Answer != nil && !proven {
		f.Apex = dnsx.Ask(inner, r, apexQuestion(name))[0]
	}
	return f, ctx.Err()
}

// findAliases completes the failures of selectors. A server that fails at the end of
// an alias does not say that there is one, SERVFAIL bears no records: so the alias is
// asked for by itself. The domain's own servers answer that.
func findAliases(ctx context.Context, r dnsx.Resolver, replies []dnsx.Reply) {
	var failed []int
	var qs []dnsx.Question
	for i, reply := range replies {
		if f := reply.Failure; f != nil && len(f.Chain) == 0 && (f.Kind == dnsx.KindRCode || f.Kind == dnsx.KindTimeout) {
			failed, qs = append(failed, i), append(qs, dnsx.Q(reply.Question.Name, dnsx.TypeCNAME))
		}
	}
	for k, alias := range dnsx.Ask(ctx, r, qs...) {
		if len(alias.Records()) > 0 {
			f := *replies[failed[k]].Failure // it may be others' too
			f.Chain = alias.Records()
			replies[failed[k]].Failure = &f
		}
	}
}

// list returns the names at and below the node, where the resolver knows all names.
func list(r dnsx.Resolver, node string) ([]string, bool) {
	lister, ok := dnsx.ListerOf(r)
	if !ok {
		return nil, false
	}
	names, err := lister.Names(node)
	return names, err == nil
}

// plan collects the selectors to ask for, each once, with all reasons for it.
type plan struct {
	node      string
	selectors []SelectorFacts
	asked     []dnsx.Question // about the node, the probe, and then each selector
	beyond    int
}

func newPlan(domain string) *plan {
	node := nodeOf(domain)
	p := &plan{
		node:      node,
		selectors: make([]SelectorFacts, 0, len(commonSelectors)),
		asked:     make([]dnsx.Question, 0, 2+len(commonSelectors)),
	}
	p.asked = append(p.asked, txtQuestion(node), txtQuestion(dnsx.Join(probe, node)))
	return p
}

func (p *plan) given(selectors []Selector) error {
	for _, s := range selectors {
		name, err := dnsx.ParseName(s.Name)
		if err != nil {
			return err
		}
		owner := dnsx.Join(name, p.node)
		if _, err := dnsx.ParseName(owner); err != nil {
			return err
		}
		why := s.Why
		if why == "" {
			why = WhyGiven
		}
		p.add(name, owner, []string{why})
	}
	return nil
}

func (p *plan) common() {
	why := []string{WhyCommon}
	for _, name := range commonSelectors {
		owner := dnsx.Join(name, p.node)
		if fits(owner) {
			p.add(name, owner, why)
		}
	}
}

// fits reports whether a very long domain has room for a selector. What is no longer as
// text than a name may be needs no closer look: its parts are names.
func fits(owner string) bool {
	const longest = 253
	if len(owner) <= longest {
		return true
	}
	_, err := dnsx.ParseName(owner)
	return err == nil
}

// listed takes the selectors from the names of a zone. Labels of a selector are
// those of host names (RFC 6376, 3.1): a label that starts with an underscore is
// another protocol's, such as _adsp (RFC 5617), and * is what the probe asks about.
func (p *plan) listed(names []string) {
	why := []string{WhyListed}
	for _, name := range names {
		if name == p.node || !dnsx.Below(name, p.node) {
			continue
		}
		selector := strings.TrimSuffix(name, "."+p.node)
		if labels := "." + selector; !strings.Contains(labels, "._") && !strings.Contains(labels, ".*") {
			p.add(selector, name, why)
		}
	}
}

// add takes a selector for a reason. Many may have the same: whoever adds to it copies it.
func (p *plan) add(name, owner string, why []string) {
	at := slices.IndexFunc(p.selectors, func(s SelectorFacts) bool { return s.Name == name })
	switch {
	case at >= 0:
		if s := &p.selectors[at]; !slices.Contains(s.Why, why[0]) {
			s.Why = slices.Concat(s.Why, why)
		}
	case len(p.selectors) == MaxSelectors:
		p.beyond++
	default:
		p.selectors = append(p.selectors, SelectorFacts{Name: name, Why: why})
		p.asked = append(p.asked, txtQuestion(owner))
	}
}

// Check discovers, analyzes and judges one domain. The error is that of Discover.
func Check(ctx context.Context, r dnsx.Resolver, domain string, o Options, s Settings) ([]check.Result, error) {
	f, err := Discover(ctx, r, domain, o)
	if err != nil {
		return nil, err
	}
	return check.Apply(Analyze(f), Rules(s)), nil
}
