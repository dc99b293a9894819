package spf

import (
	"slices"
	"strconv"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
)

func lookupLimit() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "spf.lookup-limit",
			Severity: check.Critical,
			Title:    "SPF needs more than 10 DNS lookups",
			Text: "Receivers stop with a permanent error at the eleventh term that asks the DNS, those of included records counted. " +
				"Clients that an earlier term matches still pass; mail from all others fails SPF, among it that of the senders named last.",
			Fix:   "Remove includes that no longer send for you, replace a and mx by ip4 and ip6, or give a sender a subdomain of its own.",
			Cite:  []check.Cite{check.RFC(7208, "4.6.4")},
			Since: since,
		},
		Applies: hasRecord,
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			if a.Lookups <= MaxLookups {
				return nil, a.Gaps
			}
			detail := check.Textf("the record costs %d lookups, %d over the limit of %d: %s",
				a.Lookups, a.Lookups-MaxLookups, MaxLookups, a.root.costs())
			if a.Lookups == maxCount {
				detail = check.Textf("the record costs more than %d lookups; the limit is %d", maxCount-1, MaxLookups)
			}
			at := place{}
			if v, ok := a.stop(); ok {
				if v.Name == a.Domain {
					at = v.at
				}
				detail = check.Textf("%s; receivers stop at %s in the record of %s", detail, clip(v.Term), v.Name)
			}
			f := a.finding(a.root, at, detail)
			f.Fix = &check.Fix{Summary: check.Textf("Save at least %d lookups: begin with the terms that cost most", a.Lookups-MaxLookups)}
			if a.Lookups == MaxLookups+1 {
				f.Fix.Summary = check.Textf("Save at least 1 lookup: begin with the terms that cost most")
			}
			return []check.Finding{f}, a.Gaps
		},
	}
}

// stop is the term at which the limit is passed.
func (a *Analysis) stop() (Visit, bool) {
	for v := range a.Walk() {
		if v.OverLimit() {
			return v, true
		}
	}
	return Visit{}, false
}

// costs lists the terms of a record by what they cost, the dearest first.
func (n *Node) costs() string {
	const most = 12
	terms := slices.Clone(n.Costs)
	slices.SortStableFunc(terms, func(a, b Cost) int { return b.Lookups - a.Lookups })
	var parts []string
	for _, t := range terms[:min(len(terms), most)] {
		parts = append(parts, clip(t.Term)+" "+strconv.Itoa(t.Lookups))
	}
	if len(terms) > most {
		parts = append(parts, "…")
	}
	return strings.Join(parts, ", ")
}

func lookupNearLimit(from int) check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "spf.lookup-near-limit",
			Severity: check.Low,
			Title:    "SPF is close to the limit of 10 DNS lookups",
			Text: "Providers change the records that you include, without asking. One more lookup there can push the domain " +
				"over the limit, and its mail fails SPF from one hour to the next.",
			Fix:   "Remove includes that are no longer needed, before a provider adds one more.",
			Cite:  []check.Cite{check.RFC(7208, "4.6.4"), check.RFC(7208, "10.1.1")},
			Since: since,
		},
		Applies: hasRecord,
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			// With a record that could not be read the count may be over the limit, and is
			// spf.lookup-limit's then (RFC 7208, 4.6.4).
			if a.Lookups < from || a.Lookups > MaxLookups || slices.ContainsFunc(a.Gaps, unanswered) {
				return nil, a.Gaps
			}
			return []check.Finding{
				a.finding(a.root, place{}, check.Textf("the record costs %d of %d lookups: %s", a.Lookups, MaxLookups, a.root.costs())),
			}, a.Gaps
		},
	}
}

// unanswered reports a gap that an answer would have closed.
func unanswered(g check.Gap) bool { return g.Why != check.Undecidable }

func voidLookups() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "spf.void-lookups",
			Severity: check.High,
			Title:    "More than two SPF lookups find nothing",
			Text: "Many receivers stop with a permanent error at the third name that does not exist or has no records of the wanted type. " +
				"For a client with an IPv6 address, a host that has IPv4 addresses only counts too.",
			Fix:   "Remove terms whose names do not exist or have no records; name hosts of one address family by ip4 or ip6.",
			Cite:  []check.Cite{check.RFC(7208, "4.6.4"), check.RFC(7208, "11.1")},
			Since: since,
		},
		Applies: hasRecord,
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			v := a.Voids
			unread := slices.Concat(a.Gaps, a.AddressGaps)
			if v.strict() <= MaxVoids {
				if len(a.Gaps) == 0 && v.AtWorst() <= MaxVoids { // even if all of them were void
					return nil, nil
				}
				return nil, unread
			}
			f := a.finding(a.root, place{}, check.Textf("%d terms find nothing for a client with an IPv4 address, %d for one with an IPv6 address; receivers allow %d%s",
				v.IPv4, v.IPv6, MaxVoids, a.deadTerms()))
			f.Fix = a.fix(a.root, check.Textf("Remove or correct the terms that find nothing"))
			switch {
			case v.IPv4 > MaxVoids:
			case v.Terms() <= MaxVoids:
				f.Severity = check.Low
				f.Detail = check.Textf("%d lookups find nothing if addresses of MX hosts are counted, as some receivers do; they allow %d", v.strict(), MaxVoids)
			case a.passesIPv6():
				f.Severity = check.Medium
			default:
				f.Severity = check.Low // nobody who may send comes over IPv6
			}
			return []check.Finding{f}, unread
		},
	}
}

func (a *Analysis) passesIPv6() bool {
	return slices.ContainsFunc(a.Authorized, func(s Source) bool { return s.Prefix.Addr().Is6() })
}

// deadTerms lists the terms of Policy that can match nobody.
func (a *Analysis) deadTerms() string {
	var terms []string
	for _, n := range a.Policy {
		for _, d := range n.dead {
			terms = append(terms, clip(d.text))
		}
	}
	if len(terms) == 0 {
		return ""
	}
	return ": " + strings.Join(terms, ", ")
}

func voidLookup(publicSuffix func(string) (string, bool)) check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "spf.void-lookup",
			Severity: check.Medium,
			Title:    "A term of the SPF record finds nothing",
			Text: "The name has no address, or no mail host, so the term matches nobody and costs a lookup. " +
				"Receivers stop with a permanent error at the third such term. A name that can be registered would let a stranger send as you.",
			Fix:   "Remove the term, or correct its name.",
			Cite:  []check.Cite{check.RFC(7208, "4.6.4")},
			Since: since,
		},
		Applies: hasRecord,
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			var found []check.Finding
			gaps := a.policyGaps()
			open := map[*nodeTerm]bool{} // they may be such terms
			for _, n := range a.Policy {
				for _, d := range n.dead {
					f := a.finding(n, d.at, check.Textf("%s: %s", clip(d.text), d.why))
					f.Fix = a.fix(n, check.Textf("Remove the term, or correct its name"))
					if name, err := target(d.directive.Domain, n.Name); err == nil {
						a.milder(&f, n.Name, name, publicSuffix)
					}
					found = append(found, f)
				}
				for _, g := range n.gaps {
					if g.Why != check.Undecidable && !g.found { // a name that a message decides is not a dead one
						gaps = append(gaps, g.Gap)
						open[g.nodeTerm] = true
					}
				}
			}
			// Of more than two spf.void-lookups speaks: it is not known which of the rules
			// does while answers are missing that make so many (RFC 7208, 4.6.4).
			if len(found)+len(open) > MaxVoids || slices.ContainsFunc(a.policyGaps(), unanswered) {
				return nil, gaps
			}
			return found, gaps
		},
	}
}

func mxTooMany() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "spf.mx-too-many",
			Severity: check.High,
			Title:    "An mx term leads to more than 10 hosts",
			Text: "Receivers look up at most 10 hosts of one mx and then stop with a permanent error. " +
				"Mail that no term before it matches fails SPF.",
			Fix:   "Name the sending hosts by ip4 and ip6 instead of mx.",
			Cite:  []check.Cite{check.RFC(7208, "4.6.4")},
			Since: since,
		},
		Applies: hasRecord,
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			var found []check.Finding
			gaps := a.policyGaps()
			for _, n := range a.Policy {
				for _, m := range n.manyMX {
					found = append(found, a.finding(n, m.at, check.Textf("%s: %s has %d MX hosts; receivers look up %d", clip(m.text), m.name, m.hosts, mxHosts)))
				}
				for _, g := range n.gaps {
					if g.directive.Mechanism == MX && (g.Why == check.Undecidable || strings.HasPrefix(g.Subject, "MX ")) {
						gaps = append(gaps, g.Gap)
					}
				}
			}
			return found, gaps
		},
	}
}
