package mailcheck

import (
	"reflect"
	"slices"
	"strings"
	"sync"

	"golang.org/x/net/publicsuffix"

	"github.com/mailcheck-go/mailcheck/caa"
	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dkim"
	"github.com/mailcheck-go/mailcheck/dmarc"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/mtasts"
	"github.com/mailcheck-go/mailcheck/mx"
	"github.com/mailcheck-go/mailcheck/spf"
	"github.com/mailcheck-go/mailcheck/tlscert"
	"github.com/mailcheck-go/mailcheck/tlsrpt"
)

// rules are all rules in the order of reports. Those for settings that leave every
// room its defaults are made once: making them costs as much as applying them. They
// are all callers', who copy them only where they leave some out.
func rules(s Settings) []check.Rule[*view] {
	switch {
	case !s.defaults():
		return allRules(s)
	case len(s.Only)+len(s.Skip) > 0:
		return slices.Clone(defaultRules())
	}
	return defaultRules()
}

var defaultRules = sync.OnceValue(func() []check.Rule[*view] { return allRules(Settings{}) })

// defaults reports whether the settings change nothing in any rule.
func (s Settings) defaults() bool {
	return s.At.IsZero() && reflect.ValueOf(s.SPF).IsZero() && s.DKIM == dkim.Settings{} && s.DMARC == dmarc.Settings{} &&
		s.MX.PublicSuffix == nil && s.MTASTS == mtasts.Settings{} && s.TLSRPT == tlsrpt.Settings{} && s.TLSCert == tlscert.Settings{}
}

// allRules has a line a room, and those that read two rooms beside the room that
// they are about.
func allRules(s Settings) []check.Rule[*view] {
	if s.MX.PublicSuffix == nil {
		s.MX.PublicSuffix = publicsuffix.List.PublicSuffix
	}
	if s.SPF.PublicSuffix == nil {
		s.SPF.PublicSuffix = publicsuffix.PublicSuffix
	}
	if s.TLSCert.At.IsZero() {
		s.TLSCert.At = s.At
	}
	return withoutMail(slices.Concat(
		dnsRules(),
		lift(spf.Rules(s.SPF), "SPF", func(v *view) *spf.Analysis { return v.spf }), own(spfRules),
		lift(dkim.Rules(s.DKIM), "DKIM", func(v *view) *dkim.Analysis { return v.dkim }),
		lift(dmarc.Rules(s.DMARC), "DMARC", func(v *view) *dmarc.Analysis { return v.dmarc }), own(dmarcRules),
		own(providerRules), own(hostMappingRules),
		lift(mx.Rules(s.MX), "MX", func(v *view) *mx.Analysis { return v.mx }), own(mxRules),
		lift(mtasts.Rules(s.MTASTS), "MTA-STS", func(v *view) *mtasts.Analysis { return v.mtasts }), own(mtastsRules),
		lift(tlsrpt.Rules(s.TLSRPT), "TLS-RPT", func(v *view) *tlsrpt.Analysis { return v.tlsrpt }),
		certRules(s),
		lift(caa.Rules(s.CAA), "CAA", func(v *view) *caa.Analysis { return v.caa }), own(caaRules),
	))
}

// ownRules are those of this package.
func ownRules() []check.Rule[*view] {
	return slices.Concat(dnsRules(), own(spfRules), own(dmarcRules), own(providerRules), own(hostMappingRules), own(mxRules), own(mtastsRules), own(caaRules))
}

// lift makes a room's rules into rules of the whole. They do not apply where the
// domain does not exist, or where its role expects nothing of them.
func lift[A any](rules []check.Rule[*A], name string, part func(*view) *A) []check.Rule[*view] {
	lifted := check.Lift(rules, func(v *view) (*A, []check.Gap) {
		a := part(v)
		if a == nil {
			return nil, []check.Gap{{Subject: name + " of " + v.facts.Domain, Why: check.NotAsked}}
		}
		return a, nil
	})
	return expected(lifted)
}

// own are rules of this package, narrowed in the same way.
func own(rules func() []check.Rule[*view]) []check.Rule[*view] { return expected(rules()) }

// expected narrows rules to the domains that they have anything to say about.
func expected(rules []check.Rule[*view]) []check.Rule[*view] {
	for i, r := range rules {
		expects := expects(r.ID)
		rules[i].Applies = func(v *view) (bool, []check.Gap) {
			switch {
			case !expects(v):
				return false, nil
			case r.Applies == nil:
				return true, nil
			}
			return r.Applies(v)
		}
		rules[i].Check = func(v *view) ([]check.Finding, []check.Gap) {
			findings, gaps := r.Check(v)
			if open := v.unproven(r.ID); len(findings) > 0 && len(open) > 0 {
				return nil, append(gaps[:len(gaps):len(gaps)], open...)
			}
			return findings, gaps
		}
	}
	return rules
}

// certRules are those of tlscert, where there are hosts to look at.
func certRules(s Settings) []check.Rule[*view] {
	rules := lift(tlscert.Rules(s.TLSCert), "certificates", func(v *view) *tlscert.Analysis { return v.tlscert })
	for i, r := range rules {
		applies := r.Applies
		rules[i].Applies = func(v *view) (bool, []check.Gap) {
			if v.tlscert != nil && len(v.tlscert.Hosts) == 0 {
				return false, v.webGaps()
			}
			return applies(v)
		}
	}
	return rules
}

// unexpected lists the rules that ask for what a domain of a role does not need.
// What a parked domain must say instead is asked by spf.nonsending-not-empty and
// dmarc.parked-weak.
var unexpected = map[Role][]string{
	Parked: {
		"spf.all-soft", "spf.all-neutral", "spf.no-all",
		"dkim.none-found", "dkim.no-domainkey-node",
		"dmarc.p-none", "dmarc.p-none-no-rua", "dmarc.p-quarantine", "dmarc.sp-weaker", "dmarc.np-weaker", "dmarc.np-missing",
		"dmarc.rua-missing", "dmarc.t-y",
		"mx.missing", "mtasts.missing", "tlsrpt.missing", "mtasts.tlsrpt-missing",
	},
	Receives: {"dkim.none-found", "dkim.no-domainkey-node"},
}

// needless reports whether a domain of a role does not need what a rule asks for. Who
// may issue certificates for it matters where somebody is to be reached; for a host
// that has one it matters always.
func needless(role Role, id string) bool {
	ofHost := id == "caa.cert-not-authorized" || id == "caa.renewal-blocked"
	return slices.Contains(unexpected[role], id) || role == Parked && strings.HasPrefix(id, "caa.") && !ofHost
}

// faultless are the rules whose finding is no fault of a domain that sends nothing,
// whether it gets mail or not.
var faultless = []string{"dkim.none-found", "dkim.no-domainkey-node", "dmarc.reject-spf-only"}

// unproven says what would have to be known for a finding of the rule to be a fault.
// While answers that would tell the role are missing, the domain may have one that
// expects nothing of it, or of which another rule speaks.
func (v *view) unproven(id string) []check.Gap {
	takes, known := v.takesMail()
	switch {
	case v.facts.Host != "": // a host has no role
		return nil
	case v.role.Role == RoleUnknown && slices.Contains(faultless, id),
		v.role.Role == RoleUnknown && !takes && needless(Parked, id),
		v.role.Role == RoleUnknown && !takes && dnsx.Below(v.facts.Domain, "arpa"):
		return v.spfGaps()
	case !slices.Contains(transport, id):
		return nil
	case known && !takes && v.mx.Receives == mx.Unknown: // without MX records the domain's own addresses count
		var gaps []check.Gap
		for _, r := range []dnsx.Reply{v.facts.MX.A, v.facts.MX.AAAA} {
			if err := r.Err(); err != nil {
				gaps = append(gaps, check.GapOf("", err))
			}
		}
		return gaps
	case known:
		return nil
	case v.mx == nil:
		return []check.Gap{{Subject: "MX of " + v.facts.Domain, Why: check.NotAsked}}
	}
	return v.mx.Unread
}

// transport are the rules that ask for protection of mail to the domain.
var transport = []string{"mtasts.missing", "tlsrpt.missing", "mtasts.tlsrpt-missing"}

// expects returns whether a rule has anything to say about a domain: one that does
// not exist lacks nothing, and a role may have no use for what the rule asks for.
func expects(id string) func(*view) bool {
	without := []Role{Infrastructure}
	for _, role := range []Role{Parked, Receives} {
		if needless(role, id) {
			without = append(without, role)
		}
	}
	protects := slices.Contains(transport, id)
	return func(v *view) bool {
		exists, gaps := v.exists()
		return (exists || len(gaps) > 0) && !slices.Contains(without, v.role.Role) &&
			(!protects || v.mx == nil || v.mx.Receives != mx.No)
	}
}
