// Package provider knows what sending and help-desk services need in the DNS:
// which SPF include and which MX name them, which DKIM selectors they use, where
// the CNAME of a page that they host ends.
//
// The data is providers.json, embedded; each entry names its sources and how
// sure they make it. An entry states what names a provider, never that mail
// through it is fine.
package provider

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Kinds of service that are asked for by name.
const HelpDesk = "help desk"

// Confidence in an entry: high stands on the vendor's own text or on several
// published zones, medium on one, low on a mention.
type Confidence string

const (
	High   Confidence = "high"
	Medium Confidence = "medium"
	Low    Confidence = "low"
)

// Provider is one service. A pattern is a domain name, which matches itself, or
// "*." and a name, which matches every name below it.
type Provider struct {
	ID             string            `json:"id"`
	Name           string            `json:"name"`
	Kinds          []string          `json:"kinds"`                     // "help desk", "mailbox", "marketing", …
	SPF            []string          `json:"spf,omitempty"`             // patterns of include and redirect targets
	SPFOf          string            `json:"spf_of,omitempty"`          // id of the provider whose include it uses
	MX             []string          `json:"mx,omitempty"`              // patterns of MX hosts
	Selectors      []string          `json:"selectors,omitempty"`       // DKIM selectors worth asking for
	Keys           map[string]string `json:"keys,omitempty"`            // selector to CNAME target: all of them must be published
	KeyTargets     []string          `json:"key_targets,omitempty"`     // patterns of the CNAME targets of its DKIM selectors
	Web            []string          `json:"web,omitempty"`             // patterns of the CNAME targets of pages that it hosts
	Issuers        []string          `json:"issuers,omitempty"`         // CAA names of the CAs from which it gets the certificates of these pages
	Bounce         *Bounce           `json:"bounce,omitempty"`          // where its bounces go by default is known not to be its customer's domain
	LiteralInclude bool              `json:"literal_include,omitempty"` // its own check wants the include itself, not its addresses
	Note           string            `json:"note,omitempty"`
	Confidence     Confidence        `json:"confidence"`
	Sources        []string          `json:"sources"`
}

// Bounce says how the envelope sender of a service's mail gets below its customer's
// domain, which it is not by default: SPF then aligns (RFC 9989, 4.4.2).
type Bounce struct {
	Domain string `json:"domain,omitempty"` // the envelope sender's by default, and the CNAME target of Label; "" where no source names it
	Label  string `json:"label,omitempty"`  // of the name below the customer's domain; "" where the customer chooses it
}

// Is reports whether the provider is of a kind.
func (p *Provider) Is(kind string) bool { return slices.Contains(p.Kinds, kind) }

// Set is a collection of providers with an index for each way to name one.
// It is read-only and may be shared. The Providers that it returns may not be changed.
type Set struct {
	all, literal       []*Provider
	byID               map[string]*Provider
	spf, mx, keys, web index
}

// Builtin is the embedded data, read once.
var Builtin = sync.OnceValue(func() *Set {
	s, err := Load(embedded)
	if err != nil {
		panic(err) // the build is broken, and a test says so first
	}
	return s
})

//go:embed providers.json
var embedded []byte

// Load reads a list of providers as JSON. Unknown fields, double ids and two
// providers that claim the same pattern are errors.
func Load(data []byte) (*Set, error) {
	dec := json.NewDecoder(strings.NewReader(string(data)))
	dec.DisallowUnknownFields()
	s := &Set{byID: map[string]*Provider{}, spf: index{}, mx: index{}, keys: index{}, web: index{}}
	if err := dec.Decode(&s.all); err != nil {
		return nil, fmt.Errorf("provider: %w", err)
	}
	for _, p := range s.all {
		if p.ID == "" || p.Name == "" || len(p.Kinds) == 0 || p.Confidence == "" || len(p.Sources) == 0 {
			return nil, fmt.Errorf("provider: %q: id, name, kinds, confidence and sources are needed", p.ID)
		}
		if p.Bounce != nil && p.Bounce.Label != "" && p.Bounce.Domain == "" {
			return nil, fmt.Errorf("provider: %q: bounce: a label without a domain", p.ID)
		}
		if s.byID[p.ID] != nil {
			return nil, fmt.Errorf("provider: %q stands twice", p.ID)
		}
		s.byID[p.ID] = p
		if p.LiteralInclude {
			s.literal = append(s.literal, p)
		}
		for ix, patterns := range map[*index][]string{&s.spf: p.SPF, &s.mx: p.MX, &s.keys: p.KeyTargets, &s.web: p.Web} {
			if err := ix.add(p, patterns); err != nil {
				return nil, err
			}
		}
	}
	for _, p := range s.all {
		if p.SPFOf != "" && s.byID[p.SPFOf] == nil {
			return nil, fmt.Errorf("provider: %q: spf_of: there is no %q", p.ID, p.SPFOf)
		}
	}
	return s, nil
}

// All returns every provider in the order of the data.
func (s *Set) All() []*Provider { return slices.Clone(s.all) }

// Literal returns those that want their include itself, in the order of the data.
func (s *Set) Literal() []*Provider { return slices.Clone(s.literal) }

// Get finds a provider by id, nil if there is none.
func (s *Set) Get(id string) *Provider { return s.byID[id] }

// Includer is the service whose includes let p send: p itself, or the one of SPFOf.
// It is nil where no include of either is known, so that SPF cannot tell: many services
// send with an envelope sender of their own.
func (s *Set) Includer(p *Provider) *Provider {
	if len(p.SPF) == 0 {
		p = s.byID[p.SPFOf]
	}
	if p == nil || len(p.SPF) == 0 {
		return nil
	}
	return p
}

// Includes are the names that a record can include as they are: of SPF those that are
// no patterns for many.
func (p *Provider) Includes() []string {
	return slices.DeleteFunc(slices.Clone(p.SPF), func(pattern string) bool { return strings.HasPrefix(pattern, "*.") })
}

// BySPF names the provider behind the target of an include or redirect, nil if
// none is known. A target with macros is known by what follows them.
func (s *Set) BySPF(target string) *Provider {
	if i := strings.LastIndexByte(target, '}'); i >= 0 {
		target = strings.TrimPrefix(target[i+1:], ".")
	}
	return s.spf.find(target)
}

// ByMX names the provider that runs an MX host.
func (s *Set) ByMX(host string) *Provider { return s.mx.find(host) }

// ByKeyTarget names the provider that publishes the DKIM key at the end of a CNAME.
// A selector's name alone proves nothing: several services use s1, k1 or mail.
func (s *Set) ByKeyTarget(target string) *Provider { return s.keys.find(target) }

// ByWeb names the provider that hosts the page whose name is an alias of target.
func (s *Set) ByWeb(target string) *Provider { return s.web.find(target) }

// index finds a provider by name or by the longest "*." pattern above it.
type index map[string]*Provider

func (ix index) add(p *Provider, patterns []string) error {
	for _, pattern := range patterns {
		if name := strings.TrimPrefix(pattern, "*."); name == "" || strings.ContainsAny(name, "*<> ") || name != strings.ToLower(name) {
			return fmt.Errorf("provider: %q: %q is no pattern", p.ID, pattern)
		}
		if other := ix[pattern]; other != nil {
			return fmt.Errorf("provider: %q and %q both claim %q", p.ID, other.ID, pattern)
		}
		ix[pattern] = p
	}
	return nil
}

func (ix index) find(name string) *Provider {
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	if p := ix[name]; p != nil {
		return p
	}
	for {
		_, parent, ok := strings.Cut(name, ".")
		if !ok {
			return nil
		}
		if p := ix["*."+parent]; p != nil {
			return p
		}
		name = parent
	}
}
