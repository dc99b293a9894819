package spf

import (
	"slices"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

// topLevel is the Settings.PublicSuffix of those who name none.
func topLevel(name string) (suffix string, icann bool) {
	for up := dnsx.Parent(name); up != "."; up = dnsx.Parent(name) {
		name = up
	}
	return name, true
}

// vacancy is a domain that does not exist, and under which a term of a record stands.
type vacancy struct {
	domain  string
	private bool // an operator gives it away, not a registry: a service's customers have names there
	gaps    []check.Gap
}

// vacant finds the domain at or above a name that is gone that somebody else can get; it is
// "" where there is none. What an answer about that very domain says counts alone.
func (a *Analysis) vacant(name string, publicSuffix func(string) (string, bool)) vacancy {
	suffix, icann := publicSuffix(name)
	if name == "." || name == suffix || !dnsx.Below(name, suffix) || strings.Contains(name, `\`) {
		return vacancy{} // nobody gets a name that registries have none of, or a public suffix
	}
	v := vacancy{domain: name, private: !icann}
	for dnsx.Parent(v.domain) != suffix && v.domain != "." {
		v.domain = dnsx.Parent(v.domain)
	}
	exists, gaps := a.exists(v.domain)
	if exists || len(gaps) > 0 {
		return vacancy{gaps: gaps}
	}
	if !icann && !strings.Contains(suffix, ".") { // a top-level domain that the list does not have
		if v.private, _ = a.exists(suffix); !v.private {
			return vacancy{} // nothing shows that there is one where names could be had
		}
		v.private = false
	}
	return v
}

func includeUnregistered(publicSuffix func(string) (string, bool)) check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "spf.include-unregistered",
			Severity: check.Critical,
			Title:    "The SPF record trusts a domain that does not exist",
			Text: "A term names a domain that does not exist in the DNS: it may be free to register, expired, or on hold. " +
				"Anybody who gets it can publish a record or an address there and send mail that SPF and DMARC authenticate as this domain's.",
			Fix:   "Remove the term at once, or correct its name.",
			Cite:  []check.Cite{check.RFC(7208, "5.2"), check.RFC(7208, "5.5"), check.RFC(7208, "5.7"), check.RFC(8020, "2")},
			Since: since,
		},
		Applies: hasRecord,
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			gaps := slices.Concat(a.Gaps, unansweredOf(a.AddressGaps))
			seen := map[gone]bool{}
			found := few(len(a.gone), func(i int) (f check.Finding, ok bool) {
				g := a.gone[i]
				if !g.passes || seen[g.once()] {
					return f, false
				}
				seen[g.once()] = true
				v := a.vacant(g.name, publicSuffix)
				gaps = append(gaps, v.gaps...)
				if v.domain == "" {
					return f, false
				}
				return a.trusts(g, v), true
			})
			ends := few(len(a.ends), func(i int) (f check.Finding, ok bool) {
				g := a.ends[i]
				v := a.vacant(g.name, publicSuffix)
				if len(v.gaps) > 0 {
					if _, first := a.exists(g.name); len(first) > 0 {
						v.gaps = first // names above are asked for once this one is denied
					}
				}
				gaps = append(gaps, v.gaps...)
				if v.domain == "" || seen[g.once()] {
					return f, false
				}
				seen[g.once()] = true
				f = a.trusts(g, v)
				f.Fix.Changes = nil // Repair leaves the term: it has no list of public suffixes
				return f, true
			})
			return append(found, ends...), gaps
		},
	}
}

// once is the same for a term that stands in a record again.
func (g gone) once() gone {
	g.at = place{}
	return g
}

// trusts is the finding about a term that leads into a vacant domain.
func (a *Analysis) trusts(g gone, v vacancy) check.Finding {
	n := a.Nodes[g.in]
	f := a.finding(n, g.at, check.Textf("%s: the DNS has no domain %s", clip(g.term), v.domain))
	if v.private {
		f.Severity = check.High // its operator may keep names that were in use
		f.Detail = check.Textf("%s: the DNS has no name %s, which %s may give to anybody who asks", clip(g.term), v.domain, dnsx.Parent(v.domain))
	}
	if g.in == a.Domain {
		f.Fix = a.fix(n, check.Textf("Remove %s at once, or correct its name", clip(g.term)))
	} else {
		f.Fix = &check.Fix{Summary: check.Textf("Tell the publisher of the record of %s, and remove what leads there until it is mended", g.in)}
	}
	return f
}

// milder lowers a finding about a term whose fault is spf.include-unregistered's: there
// it is told with what can come of it.
func (a *Analysis) milder(f *check.Finding, in, name string, publicSuffix func(string) (string, bool)) {
	for _, g := range a.gone {
		if g.in == in && g.passes && g.target == name && a.vacant(g.name, publicSuffix).domain != "" {
			f.Severity = check.Low
			f.Detail = check.Textf("%s: see spf.include-unregistered", f.Detail)
			return
		}
	}
}
