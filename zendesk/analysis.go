package zendesk

import (
	"slices"
	"strings"

	"github.com/mailcheck-go/mailcheck/account"
)

// Analysis is what follows from facts, for rules to read. The fields of Facts
// stand in it too; what is missing of them, Gaps says.
type Analysis struct {
	*Facts
	Admin  bool   // the credentials are an administrator's: what is not shown is not hidden by the role
	Admins []User // of the team: neither deleted nor suspended, as far as is known
	Agents []User // the same, but for admins
	// CustomDKIM says whether Zendesk signs mail with the domain of the support
	// address. That the account has the feature does not say that it is on.
	CustomDKIM Bool
	Addresses  []Address       // all support addresses, in the account's order
	Domains    []AddressDomain // of support addresses, but for Zendesk's own; by name
	Hosts      []Host          // of active brands with a host name of their own; by name
	// Outside is what was seen of Domains and Hosts, for the caller to set; nil:
	// nobody looked.
	Outside *account.Outside
	users   map[ID]User
}

// Host is the help centre of a brand under its own name.
type Host struct {
	Name    string // lower case
	Brand   Brand
	Mapping *HostMapping // nil: not asked
}

// Analyze looks at facts. It takes hostile, half-empty and nil facts.
func Analyze(f *Facts) *Analysis {
	if f == nil {
		f = &Facts{}
	}
	a := &Analysis{Facts: f, Admin: f.Me != nil && f.Me.Role == "admin", users: map[ID]User{}}
	for _, u := range slices.Concat(f.NamedUsers, f.Team) {
		a.users[u.ID] = u
	}
	for _, u := range f.Team {
		switch {
		case u.Active == No || u.Suspended == Yes:
		case u.Role == "admin":
			a.Admins = append(a.Admins, u)
		case u.Role == "agent":
			a.Agents = append(a.Agents, u)
		}
	}
	if a.CustomDKIM = a.settings().Email.CustomDKIMDomain; a.CustomDKIM == Unknown && a.settings().ActiveFeatures.CustomDKIMDomain == No {
		a.CustomDKIM = No
	}
	a.Addresses = addresses(f)
	a.Domains = domains(a.Addresses)
	a.Hosts = hosts(f)
	return a
}

// User finds one of the team, or one that other facts name.
func (a *Analysis) User(id ID) (User, bool) {
	u, ok := a.users[id]
	return u, ok
}

func hosts(f *Facts) []Host {
	mappings := map[ID]*HostMapping{}
	for i := range f.HostMappings {
		mappings[f.HostMappings[i].BrandID] = &f.HostMappings[i]
	}
	var all []Host
	for _, b := range f.Brands {
		if name, _ := b.HostMapping.Get(); name != "" && b.Deleted != Yes && b.Active != No {
			all = append(all, Host{strings.ToLower(strings.TrimSpace(name)), b, mappings[b.ID]})
		}
	}
	slices.SortStableFunc(all, func(a, b Host) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// either is the first of some settings that was shown: the same one stands in
// several places of an answer.
func either(settings ...Bool) Bool {
	for _, b := range settings {
		if b != Unknown {
			return b
		}
	}
	return Unknown
}
