package mailcheck

import (
	"fmt"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/spf"
)

// Role is what a domain is used for. It decides what is expected of it.
type Role string

const (
	Sends       Role = "sends"    // mail is sent as the domain
	Receives    Role = "receives" // it gets mail and says that it sends none
	Parked      Role = "parked"   // it has nothing to do with mail
	RoleUnknown Role = "unknown"  // answers that would tell are missing

	// Infrastructure is found for names that nobody writes from: those under arpa,
	// where nothing of mail is published (RFC 3172, 2). Nothing is expected of them.
	Infrastructure Role = "infrastructure"
)

// ParseRole reads a role as an operator gives it; the empty text is no role.
func ParseRole(s string) (Role, error) {
	switch r := Role(s); r {
	case "", Sends, Receives, Parked:
		return r, nil
	}
	return "", fmt.Errorf("%q is no role: want sends, receives or parked", s)
}

// role is the Role of a view with its reason.
type role struct {
	Role
	given bool
	why   check.Text
}

func (r role) report() *check.Role {
	return &check.Role{Word: string(r.Role), Given: r.given, Why: r.why, Short: r.Role == Parked || r.Role == Infrastructure}
}

// findRole concludes from what is published. A domain is parked where nothing
// names a sender, nothing signs and no MX record names a host for its mail; the SPF
// record that says so may be missing, which is then a fault of a parked domain.
func (v *view) findRole(given Role) role {
	if given != "" && given != RoleUnknown {
		return role{given, true, check.Textf("as the operator says")}
	}
	if exists, gaps := v.exists(); len(gaps) == 0 && !exists {
		return role{RoleUnknown, false, check.Textf("the domain does not exist")}
	}
	takes, takesKnown := v.takesMail()
	sends, sendsKnown := v.namesSenders()
	everybody := v.spf != nil && v.spf.All == spf.Pass // that names nobody, and it forbids nobody
	signs := v.dkim != nil && (len(v.dkim.Keys) > 0 || v.aliasedKeys())
	switch {
	case sends:
		return role{Sends, false, check.Textf("its SPF record names senders")}
	case signs:
		return role{Sends, false, check.Textf("it publishes DKIM keys")}
	case everybody && takesKnown && takes:
		return role{Sends, false, check.Textf("it has MX hosts, and its SPF record lets everybody send")}
	case everybody && takesKnown && !v.mx.Null:
		return role{RoleUnknown, false, check.Textf("its SPF record lets everybody send, and names nobody")}
	case takesKnown && takes && sendsKnown && v.spf.Record != nil:
		return role{Receives, false, check.Textf("it has MX hosts, and its SPF record names no sender")}
	case takesKnown && takes && sendsKnown:
		return role{Sends, false, check.Textf("it has MX hosts, and no SPF record says that it sends nothing")}
	case takesKnown && !takes && sendsKnown && dnsx.Below(v.facts.Domain, "arpa"):
		return role{Infrastructure, false, check.Textf("names under arpa serve lookups, not mail")}
	case takesKnown && !takes && sendsKnown:
		return role{Parked, false, check.Textf("it has no MX host, and nothing names a sender")}
	}
	return role{RoleUnknown, false, check.Textf("the answers that would tell are missing")}
}
