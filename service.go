package mailcheck

import (
	"maps"
	"net/netip"
	"slices"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dkim"
	"github.com/mailcheck-go/mailcheck/dmarc"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/provider"
)

// ServiceUse is how a domain lets one service send its mail, for whoever knows that
// the domain's mail goes through it: an account there, say.
type ServiceUse struct {
	NoDomain bool   // the domain does not exist
	Record   string // the domain's SPF record; "" where it has none, or several
	// Include is what names the service in an SPF record, In whose record that is;
	// Literal says that it is the domain's own. "" where none does.
	Include string
	In      string
	Literal bool
	// Covered says how much of what the service sends from gets a pass, whatever term
	// brings it: that is what receivers go by.
	Covered Coverage
	// SPFError is why receivers take nothing from the record (permerror); zero: nothing.
	SPFError check.Text
	SPFGaps  []check.Gap // what is not known of the SPF record, and of its tree

	Keys []ServiceKey // the service's DKIM records, by selector
	// Policy is what receivers do at least with mail of the domain that fails DMARC;
	// "" where that is not known, and DMARCGaps say why.
	Policy       dmarc.Policy
	PolicyRecord string // the record, "" where there is none
	PolicyOwner  string // where it stands
	DMARCGaps    []check.Gap
}

// Coverage is how much of a set of addresses a record lets pass.
type Coverage string

// The coverages. It is unknown where a part of the record, or the addresses, are.
const (
	CoveredAll     Coverage = "all"
	CoveredSome    Coverage = "some"
	CoveredNone    Coverage = "none"
	CoveredUnknown Coverage = "unknown"
)

// ServiceKey is a DKIM record that a service wants at a domain.
type ServiceKey struct {
	Name   string // "zendesk1._domainkey.acme.example"
	Want   string // the target of its CNAME
	Target string // where its CNAME ends; "" where it has none
	State  KeyState
	Gaps   []check.Gap // of KeyUnknown
}

// KeyState is what stands at a ServiceKey's name.
type KeyState string

// The states.
const (
	KeyUsable   KeyState = "usable"   // it leads to the service, and receivers can use the key there
	KeyAbsent   KeyState = "absent"   // nothing
	KeyOther    KeyState = "other"    // something that is not the service's
	KeyDangling KeyState = "dangling" // it leads to a name where there is nothing
	KeyBroken   KeyState = "broken"   // it leads to the service, and no usable key is there
	KeyUnknown  KeyState = "unknown"
)

// Signed reports whether mail through the service can be signed for the domain: at
// least one key is usable; known is false where an answer is missing for that.
func (u *ServiceUse) Signed() (signed, known bool) {
	known = true
	for _, k := range u.Keys {
		switch k.State {
		case KeyUsable:
			return true, true
		case KeyUnknown:
			known = false
		}
	}
	return false, known
}

// UseOf reads from a domain's facts how it stands with a service that sends from
// some addresses. Without these, an include of the service's stands for them.
func UseOf(f *Facts, p *provider.Provider, from []netip.Prefix) *ServiceUse {
	v := newView(f, Settings{})
	u := &ServiceUse{Covered: CoveredUnknown}
	exists, gaps := v.exists()
	u.NoDomain = !exists && len(gaps) == 0
	v.spfUse(u, p, from)
	v.keyUse(u, p)
	v.policyUse(u)
	return u
}

func (v *view) spfUse(u *ServiceUse, p *provider.Provider, from []netip.Prefix) {
	if v.spf == nil || v.spf.Unread != nil {
		u.SPFGaps = v.spfGaps()
		return
	}
	u.Record = v.spf.Text
	for _, s := range v.senders {
		if s.Provider == p && (u.Include == "" || s.literal) {
			u.Include, u.In, u.Literal = s.name, s.in, s.literal
		}
	}
	if len(v.spf.PermErrors) > 0 {
		u.SPFError, u.Covered = v.spf.PermErrors[0].Text, CoveredNone
		return
	}
	if u.Include != "" { // what the service publishes there is its own business
		u.Covered = CoveredAll
		return
	}
	d := v.spf.Decide(from)
	if u.Covered = covered(&d); u.Covered == CoveredAll {
		return
	}
	if u.Covered == CoveredUnknown { // without any to compare with, nothing is covered
		u.Covered = CoveredNone
	}
	if u.SPFGaps = slices.Concat(v.spf.Gaps, v.spf.AddressGaps); len(u.SPFGaps) > 0 {
		u.Covered = CoveredUnknown
	}
}

func (v *view) keyUse(u *ServiceUse, p *provider.Provider) {
	for _, name := range slices.Sorted(maps.Keys(p.Keys)) {
		want := p.Keys[name]
		k := ServiceKey{Name: dnsx.Join(name, dnsx.Join("_domainkey", v.facts.Domain)), Want: want, State: KeyUnknown}
		v.keyAt(&k, name, p)
		u.Keys = append(u.Keys, k)
	}
}

func (v *view) keyAt(k *ServiceKey, selector string, p *provider.Provider) {
	s := v.selector(selector)
	if s == nil {
		if v.dkim != nil && v.dkim.Complete {
			k.State = KeyAbsent
			return
		}
		k.Gaps = []check.Gap{v.notAsked(dnsx.Q(k.Name, dnsx.TypeTXT))}
		return
	}
	k.Target = s.Target
	switch s.State {
	case dkim.StateUnknown:
		k.Gaps = []check.Gap{check.GapOf("", v.selectorErr(selector))}
	case dkim.StateAbsent, dkim.StateWildcard:
		k.State = KeyAbsent
	case dkim.StateDangling:
		k.State = KeyDangling
	case dkim.StateFound:
		k.State = KeyBroken
		switch {
		case s.Target == "" || v.providers.ByKeyTarget(s.Target) != p:
			k.State = KeyOther
		case slices.ContainsFunc(v.dkim.Keys, func(k dkim.Key) bool { return k.Selector == selector }):
			k.State = KeyUsable
		}
	}
}

func (v *view) policyUse(u *ServiceUse) {
	if v.dmarc == nil {
		u.DMARCGaps = []check.Gap{{Subject: "DMARC of " + v.facts.Domain, Why: check.NotAsked}}
		return
	}
	g := &v.dmarc.New
	if g.Record == nil && v.dmarc.Old.Record != nil {
		g = &v.dmarc.Old
	}
	if g.Record != nil {
		u.PolicyRecord, u.PolicyOwner = g.Record.String(), g.Owner
	}
	if u.Policy = v.dmarc.Effective.Domain; u.Policy == "" {
		u.DMARCGaps = v.dmarcGaps()
		if len(u.DMARCGaps) == 0 {
			u.DMARCGaps = []check.Gap{{Subject: "the DMARC policy of " + v.facts.Domain, Why: check.Failed}}
		}
	}
}
