package mailcheck

import (
	"net/netip"
	"slices"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/mx"
	"github.com/mailcheck-go/mailcheck/spf"
)

func heloMissing() check.Rule[*view] {
	return check.Rule[*view]{
		Doc: check.Doc{
			ID: "spf.helo-missing", Severity: check.Low, Since: "v0.1.0",
			Title: "A mail host has no SPF record under its own name",
			Text: "A host that sends mail gives its name in HELO. Receivers may check that name too, and for bounces, whose envelope sender " +
				"is empty, it is the only one that SPF can check. It matters only where the host also sends, and under this name; " +
				"a host that only receives mail needs no record.",
			Fix:  "Publish v=spf1 a -all at the host's name, if it sends from its own address.",
			Cite: []check.Cite{check.RFC(7208, "2.3"), check.RFC(7208, "2.4"), check.RFC(7208, "10.1.2")},
		},
		Applies: func(v *view) (bool, []check.Gap) {
			if v.mx == nil {
				return false, []check.Gap{{Subject: "MX of " + v.facts.Domain, Why: check.NotAsked}}
			}
			return len(v.ownHosts()) > 0, v.mx.Unread
		},
		Check: func(v *view) ([]check.Finding, []check.Gap) {
			var faults, notes []check.Finding
			var gaps []check.Gap
			for _, h := range v.ownHosts() {
				if err := h.TXT.Err(); err != nil {
					gaps = append(gaps, check.GapOf("", err))
					continue
				}
				if h.TXT.Answer.Owner() != h.Name || hasSPF(h.TXT) {
					continue
				}
				f, open := v.withoutHELO(h)
				gaps = append(gaps, open...)
				if f.Severity == check.Info {
					notes = append(notes, f)
				} else {
					faults = append(faults, f)
				}
			}
			if len(faults) == 0 && len(gaps) > 0 { // a note may be a fault
				return nil, gaps
			}
			return append(faults, notes...), gaps
		},
	}
}

// ownHosts are the MX hosts at or below the domain's organization that may have
// addresses. The domain itself has rules of its own, and an alias publishes nothing.
func (v *view) ownHosts() []mx.Host {
	if v.mx.Implicit {
		return nil
	}
	org := organization(v.facts.Domain)
	return slices.DeleteFunc(slices.Clone(v.mx.Hosts), func(h mx.Host) bool {
		return h.Name == v.facts.Domain || !dnsx.Below(h.Name, org) || h.Canonical != h.Name || len(h.Addrs) == 0 && len(h.Unread) == 0
	})
}

func hasSPF(r dnsx.Reply) bool {
	return slices.ContainsFunc(r.Records(), func(rr dnsx.RR) bool { return spf.IsRecord(rr.Text()) })
}

// withoutHELO is a note, and a fault where the domain's SPF record says that the host
// sends: it lets the host's address pass. The gaps are those that may hide this.
func (v *view) withoutHELO(h mx.Host) (check.Finding, []check.Gap) {
	const record = "v=spf1 a -all"
	f := check.Finding{
		Subject: h.Name, Severity: check.Info,
		Detail: check.Textf("%s has no SPF record; whether it sends mail under this name is not known", h.Name),
		Fix: &check.Fix{
			Summary: check.Textf("If %s also sends, publish %s there", h.Name, record),
			Changes: []check.Change{{Name: h.Name, Type: "TXT", New: []string{record}}},
		},
	}
	if s, ok := v.authorizes(h.Addrs); ok {
		f.Severity = check.Low
		f.Detail = check.Textf("%s has no SPF record, and %s in the record of %s lets it send", h.Name, s.Term, s.Name)
		return f, nil
	}
	gaps := slices.Clone(h.Unread)
	if v.spf == nil {
		return f, append(gaps, v.spfGaps()...)
	}
	for _, g := range slices.Concat(v.spf.Unread, v.spf.Gaps, v.spf.AddressGaps) {
		if g.Why != check.Undecidable {
			gaps = append(gaps, g)
		}
	}
	return f, gaps
}

// authorizes finds the term that lets one of the addresses pass. A range that a whole
// network has says nothing about one host.
func (v *view) authorizes(addrs []netip.Addr) (spf.Source, bool) {
	if v.spf == nil {
		return spf.Source{}, false
	}
	for _, s := range v.spf.Authorized {
		narrow := s.Prefix.Bits() >= 24 && s.Prefix.Addr().Is4() || s.Prefix.Bits() >= 64
		if narrow && slices.ContainsFunc(addrs, s.Prefix.Contains) {
			return s, true
		}
	}
	return spf.Source{}, false
}

func subdomainUnprotected() check.Rule[*view] {
	return check.Rule[*view]{
		Doc: check.Doc{
			ID: "spf.subdomain-unprotected", Severity: check.Low, Since: "v0.1.0",
			Title: "A subdomain with mail has no SPF record",
			Text: "SPF is not inherited: the record of the domain says nothing about names below it. This one has MX records, so mail " +
				"from it looks real, and receivers cannot tell who may send it. Subdomains are looked for in zone files only.",
			Fix:  "Publish v=spf1 -all at the subdomain, or a record that names its senders.",
			Cite: []check.Cite{check.RFC(7208, "3.5"), check.RFC(7208, "10.1.2")},
		},
		Applies: func(v *view) (bool, []check.Gap) {
			subs := v.dns().Subdomains
			if subs == nil {
				return false, []check.Gap{{Subject: "the names below " + v.facts.Domain, Why: check.NotAsked}}
			}
			return subs.Listed, nil
		},
		Check: func(v *view) ([]check.Finding, []check.Gap) {
			subs := v.dns().Subdomains
			var findings []check.Finding
			var gaps []check.Gap
			if subs.Beyond > 0 {
				gaps = append(gaps, check.Gap{
					Subject: "the names below " + v.facts.Domain, Why: check.Limit,
					Cause: check.Errorf("%d names of the zone were not looked at", subs.Beyond),
				})
			}
			for _, s := range subs.Names[:min(len(subs.Names), subdomainMax)] {
				f, gap := v.unprotected(s)
				if gap != nil {
					gaps = append(gaps, *gap)
				}
				if f != nil && len(findings) < spfFindings {
					findings = append(findings, *f)
				}
			}
			return findings, gaps
		},
	}
}

// unprotected judges one name. A null MX is no mail (RFC 7505, 3).
func (v *view) unprotected(s Subdomain) (*check.Finding, *check.Gap) {
	name := s.MX.Question.Name
	if !dnsx.Below(name, v.facts.Domain) || name == v.facts.Domain {
		return nil, nil
	}
	mx, txt := s.MX.To(dnsx.Q(name, dnsx.TypeMX)), s.TXT.To(dnsx.Q(name, dnsx.TypeTXT))
	for _, reply := range []dnsx.Reply{mx, txt} {
		if err := reply.Err(); err != nil {
			gap := check.GapOf("", err)
			return nil, &gap
		}
		if !slices.ContainsFunc(mx.Records(), func(rr dnsx.RR) bool { _, host, ok := rr.MX(); return ok && host != "." }) {
			return nil, nil
		}
	}
	if mx.Answer.Owner() != name || txt.Answer.Owner() != name || hasSPF(txt) { // what stands at the end of an alias is that name's
		return nil, nil
	}
	f := &check.Finding{
		Subject: name,
		Detail:  check.Textf("%s has MX records and no SPF record", name),
		Fix: &check.Fix{Summary: check.Textf(`Publish "%s" at %s if nothing is sent from it, else a record that names its senders, such as "v=spf1 redirect=%s" for those of %s`,
			shutSPF, name, v.facts.Domain, v.facts.Domain)},
	}
	for _, rr := range mx.Records()[:min(len(mx.Records()), spfFindings)] {
		f.Evidence = append(f.Evidence, check.Evidence{Source: mx.Question.String(), Text: rr.DataText()})
	}
	return f, nil
}

func unalignedOnly() check.Rule[*view] {
	return check.Rule[*view]{
		Doc: check.Doc{
			ID: "spf.unaligned-only", Severity: check.Info, Since: "v0.1.0",
			Title: "A service sends with its own envelope sender, so its mail passes DMARC by DKIM alone",
			Text: "The SPF record names the service, but by default its mail has an envelope sender in the service's own domain. SPF then passes for that domain, " +
				"which does not count for DMARC: only an aligned DKIM signature makes the mail pass.",
			Fix:  "Set up the service's custom return path below this domain, and its DKIM signature in any case.",
			Cite: []check.Cite{check.RFC(9989, "4.4.2"), check.RFC(9990, "3.1.1.13")},
		},
		Applies: func(v *view) (bool, []check.Gap) {
			if v.spf == nil || v.spf.Unread != nil {
				return false, v.spfGaps()
			}
			return slices.ContainsFunc(v.senders, func(s sender) bool { return s.Bounce != nil }), v.endOfSPF().Unread
		},
		Check: func(v *view) ([]check.Finding, []check.Gap) {
			var findings []check.Finding
			var gaps []check.Gap
			for _, s := range v.senders {
				if s.Bounce == nil {
					continue
				}
				f := check.Finding{
					Subject: v.facts.Domain,
					Detail:  check.Textf("SPF names %s (%s): its mail aligns by SPF only where a custom return path is set up", s.Name, s.name),
				}
				if q, ok := bounceQuestion(s.Provider, v.facts.Domain); ok {
					reply := v.bounce(q)
					if err := reply.Err(); err != nil {
						gaps = append(gaps, check.GapOf("", err))
						continue
					}
					if !reply.Absent() {
						continue
					}
					f.Detail = check.Textf("SPF names %s (%s), and %s is no alias: bounces of its mail go to %s", s.Name, s.name, q.Name, s.Bounce.Domain)
					f.Fix = &check.Fix{
						Summary: check.Textf("Publish %s CNAME %s, and set the custom return path at %s", q.Name, s.Bounce.Domain, s.Name),
						Changes: []check.Change{{Name: q.Name, Type: "CNAME", New: []string{s.Bounce.Domain}}},
					}
				}
				findings = append(findings, f)
			}
			return findings, gaps
		},
	}
}

// bounce is the reply to a question about a return path, as nobody asked it where the
// facts have none.
func (v *view) bounce(q dnsx.Question) dnsx.Reply {
	for _, reply := range v.dns().Bounce {
		if reply.Question.Name == q.Name && reply.Question.Type == q.Type {
			return reply.To(q)
		}
	}
	return dnsx.Reply{Question: q}
}
