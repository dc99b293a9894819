package tlscert

import (
	"time"

	"github.com/mailcheck-go/mailcheck/check"
)

// Status is what trust in its chains says of one host, for a table or a headline
// beside what Served has.
type Status struct {
	Host   *Served
	Issuer string // who issued the certificate that is the first to expire
	Key    string // its key: "P-256", "RSA 2048"
	Names  string // the first of those that it is for
	// Breaks is when the first address ceases to serve a chain that holds: the host's
	// NotAfter, or earlier where an intermediate or root certificate ends first. Zero
	// where no certificate was seen or there are no trusted roots to judge by.
	Breaks time.Time
	Reason check.Text // why then
	// Refused says why clients that verify refuse what an address serves, for the first
	// reason that was found; zero where none does, or that is not known as for Breaks.
	// It is what MTA-STS asks of a mail exchanger (RFC 8461, 4.2).
	Refused check.Text
}

// Overview says of every host of an analysis until when its certificates hold.
// It verifies nothing again that rules with the same roots and time have verified.
func Overview(a *Analysis, s Settings) []Status {
	j := newJudge(s)
	at := s.At
	if at.IsZero() {
		at = a.At
	}
	all := make([]Status, 0, len(a.Hosts))
	for _, h := range a.Hosts {
		all = append(all, j.status(h, at))
	}
	return all
}

func (j *judge) status(h *Served, at time.Time) Status {
	st := Status{Host: h}
	if len(h.Leaves) == 0 {
		return st
	}
	first := h.Leaves[0].Certificate
	st.Issuer, st.Key, st.Names = issuerName(first), keyName(first), few(names(first))
	if _, gaps := j.trust(); gaps != nil {
		return st
	}
	for _, l := range h.Leaves {
		if st.Refused.IsZero() {
			st.Refused = j.refusal(view{Leaf: l, host: h, at: at})
		}
		for _, c := range l.Chains {
			e := j.ends(l, c, at)
			if !st.Breaks.IsZero() && !e.until.Before(st.Breaks) {
				continue
			}
			st.Breaks, st.Reason = e.until, check.Textf("the certificate expires")
			if e.first != l.Certificate {
				st.Reason = check.Textf("%s expires", authority(e.first))
			}
		}
	}
	return st
}

// refusal says why clients that verify refuse a certificate; zero where they do not.
func (j *judge) refusal(v view) check.Text {
	switch {
	case v.at.Before(v.NotBefore):
		return v.earlyText()
	case v.at.After(v.NotAfter):
		return v.expiredText()
	case !v.named():
		return v.otherNames()
	}
	for _, c := range v.Chains {
		if why := v.distrust(c, j.verdict(c.path, v.at)); !why.IsZero() {
			return why
		}
	}
	return check.Text{}
}
