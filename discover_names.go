package mailcheck

import (
	"context"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/provider"
)

// organization is the domain that was registered, at or above a name; the name itself
// where it is a public suffix.
func organization(name string) string {
	if org, err := publicsuffix.EffectiveTLDPlusOne(name); err == nil {
		return org
	}
	return name
}

// subdomainMax bounds the names with MX records that facts keep.
const subdomainMax = 100

// subdomains looks for names below the domain that mail is delivered to, where the
// resolver lists them: they cannot be found by asking.
func (d *discovery) subdomains(ctx context.Context) *Subdomains {
	names, listed := d.names()
	found := &Subdomains{Listed: listed}
	var mx []dnsx.Question
	for _, name := range names {
		switch {
		case name == d.facts.Domain || strings.HasPrefix(name, "_") || strings.Contains(name, "._"):
		case len(mx) == webMax:
			found.Beyond++
		default:
			mx = append(mx, dnsx.Q(name, dnsx.TypeMX))
		}
	}
	var txt []dnsx.Question
	for _, reply := range dnsx.Ask(ctx, d.resolver, mx...) {
		switch {
		case reply.Absent() || delegated(reply) || len(reply.Chain()) > 0:
		case len(found.Names) == subdomainMax:
			found.Beyond++
		default:
			found.Names = append(found.Names, Subdomain{MX: reply})
			txt = append(txt, dnsx.Q(reply.Question.Name, dnsx.TypeTXT))
		}
	}
	for i, reply := range dnsx.Ask(ctx, d.resolver, txt...) {
		found.Names[i].TXT = reply
	}
	return found
}

// bounces asks for the names where services that the SPF record names take the
// domain's bounces.
func (d *discovery) bounces(ctx context.Context) []dnsx.Reply {
	var qs []dnsx.Question
	for _, p := range d.included(ctx) {
		if q, ok := bounceQuestion(p, d.facts.Domain); ok {
			qs = append(qs, q)
		}
	}
	return dnsx.Ask(ctx, d.resolver, qs...)
}

func bounceQuestion(p *provider.Provider, domain string) (q dnsx.Question, ok bool) {
	if p.Bounce == nil || p.Bounce.Label == "" {
		return q, false
	}
	return dnsx.Q(dnsx.Join(p.Bounce.Label, domain), dnsx.TypeCNAME), true
}
