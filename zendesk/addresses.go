package zendesk

import (
	_ "embed"
	"slices"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
)

// Address is a support address, and whose its domain is.
type Address struct {
	SupportAddress
	Domain   string // lower case; "" where the address has none
	Zendesk  bool   // at a domain of Zendesk's, which sees to its records itself
	FreeMail bool   // at a provider of mailboxes for anybody
	Brand    *Brand // nil: not shown
}

// External reports whether the address is outside Zendesk, so that its mail has to
// be forwarded into the account.
func (a Address) External() bool { return a.Domain != "" && !a.Zendesk }

// label is what findings call the address.
func (a Address) label() string {
	if a.Email != "" {
		return a.Email
	}
	return "support address"
}

func addresses(f *Facts) []Address {
	brands := map[ID]*Brand{}
	for i := range f.Brands {
		brands[f.Brands[i].ID] = &f.Brands[i]
	}
	all := make([]Address, 0, len(f.SupportAddresses))
	for _, s := range f.SupportAddresses {
		domain := domainOf(s.Email)
		all = append(all, Address{s, domain, IsZendesk(domain), IsFreeMail(domain), brands[s.BrandID]})
	}
	return all
}

// AddressDomain is a domain with support addresses, and what Zendesk saw of its
// records when it last looked: "verified", "failed", "unknown", or "" where the
// account does not say. Where the domain's addresses differ, the worst counts.
// Zendesk's look may be old, and wants the include of its SPF record literally.
type AddressDomain struct {
	Name         string
	Addresses    []SupportAddress
	FreeMail     bool // see Skipped
	SPF          string
	CNAME        string   // of its DKIM keys or mail servers: not documented which
	Verification string   // of TXT zendeskverification.NAME
	Codes        []string // that are to stand there; one, unless the account contradicts itself
}

// Skipped says why nothing can be published at the domain, where that is so.
func (d AddressDomain) Skipped() (check.Text, bool) {
	if !d.FreeMail {
		return check.Text{}, false
	}
	return check.Textf("%s gives mailboxes to anybody: only the provider can publish records there, so that no mail from Zendesk can be authenticated as from this domain", d.Name), true
}

func domains(addresses []Address) []AddressDomain {
	at := map[string]int{}
	var all []AddressDomain
	for _, a := range addresses {
		if !a.External() {
			continue
		}
		i, known := at[a.Domain]
		if !known {
			i = len(all)
			at[a.Domain] = i
			all = append(all, AddressDomain{Name: a.Domain, FreeMail: a.FreeMail})
		}
		d := &all[i]
		d.Addresses = append(d.Addresses, a.SupportAddress)
		d.SPF = worse(d.SPF, a.SPFStatus.Value)
		d.CNAME = worse(d.CNAME, a.CNAMEStatus.Value)
		d.Verification = worse(d.Verification, a.VerificationStatus.Value)
		if code := a.VerificationCode.Value; code != "" && !slices.Contains(d.Codes, code) && len(d.Codes) < 10 {
			d.Codes = append(d.Codes, code)
		}
	}
	slices.SortFunc(all, func(a, b AddressDomain) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// worse is the one of two states that is further from "verified"; any is further
// than none.
func worse(a, b string) string {
	order := []string{"", "verified", "unknown", "failed"}
	rank := func(s string) int {
		if i := slices.Index(order, s); i >= 0 {
			return i
		}
		return 2 // a word that is not documented
	}
	if rank(b) > rank(a) {
		return b
	}
	return a
}

// IsZendesk reports whether a domain is Zendesk's own, for which the account's
// owner publishes nothing.
func IsZendesk(domain string) bool {
	domain = strings.ToLower(domain)
	return domain == "zendesk.com" || strings.HasSuffix(domain, ".zendesk.com")
}

//go:embed freemail.txt
var freeMailText string

var freeMail = func() map[string]bool {
	all := map[string]bool{}
	for domain := range strings.FieldsSeq(freeMailText) {
		all[domain] = true
	}
	return all
}()

// IsFreeMail reports whether a domain is that of a well-known provider of mailboxes
// for anybody, such as gmail.com. The list cannot be complete.
func IsFreeMail(domain string) bool { return freeMail[strings.ToLower(domain)] }
