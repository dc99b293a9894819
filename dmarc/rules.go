package dmarc

import (
	"fmt"
	"slices"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

// Settings is what the owner may set for the rules. There is nothing to set yet.
type Settings struct{}

// Rules returns the rules of this package, in a slice of the caller's own.
func Rules(_ Settings) []check.Rule[*Analysis] {
	return slices.Concat(placeRules(), syntaxRules(), historicRules(), policyRules(), subdomainRules(),
		organizationRules(), addressRules(), destinationRules())
}

const since = "v0.1.0"

// found makes a finding; what it leaves out is filled in by whoever runs it.
func found(format string, args ...any) check.Finding {
	return check.Finding{Detail: check.Textf(format, args...)}
}

func (n *Node) subject() string { return dnsx.Join("_dmarc", n.Name) }

// evidence is what the name publishes, as far as a reader can take it.
func (n *Node) evidence() []check.Evidence {
	const most = 10
	var all []check.Evidence
	for _, p := range n.Records {
		all = append(all, check.Evidence{Source: "TXT " + n.subject(), Text: p.Text})
	}
	for _, m := range n.Misses {
		all = append(all, check.Evidence{Source: "TXT " + n.subject(), Text: m.Text})
	}
	return all[:min(len(all), most)]
}

// complete fills in what a finding about n leaves out.
func (n *Node) complete(f *check.Finding) {
	if f.Subject == "" {
		f.Subject = n.subject()
	}
	if f.Evidence == nil {
		f.Evidence = n.evidence()
	}
}

// judge looks at one record that applies to the domain.
type judge func(a *Analysis, n *Node, r *Record) []check.Finding

// recordRule judges each record that applies to the domain. Where the repaired
// record would pass, a finding carries the repair.
func recordRule(doc check.Doc, j judge) check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc:     doc,
		Applies: applies,
		Check: func(a *Analysis) (findings []check.Finding, gaps []check.Gap) {
			for _, n := range a.applied {
				fs := j(a, n, n.Record())
				a.offerRepair(doc, n, fs, j)
				findings = append(findings, fs...)
			}
			return findings, a.ownerGaps()
		},
	}
}

func (a *Analysis) offerRepair(doc check.Doc, n *Node, fs []check.Finding, j judge) {
	if len(fs) == 0 {
		return
	}
	c, ok := n.repair()
	if ok {
		r, _ := Parse(c.New[0])
		mended := &Node{Name: n.Name, Records: []Published{{c.New[0], r}}}
		ok = len(j(a, mended, r)) == 0
	}
	for i := range fs {
		f := &fs[i]
		n.complete(f)
		if !ok {
			continue
		}
		if f.Fix == nil {
			f.Fix = &check.Fix{Summary: check.Textf(doc.Fix)}
		}
		f.Fix.Changes = append(f.Fix.Changes, c)
	}
}

// applies asks for a record that applies to the domain.
func applies(a *Analysis) (bool, []check.Gap) {
	return len(a.applied) > 0, a.ownerGaps()
}

// ownerGaps is why it is not known whose record applies; none where it is.
func (a *Analysis) ownerGaps() (gaps []check.Gap) {
	for _, g := range []*Generation{&a.New, &a.Old} {
		if !g.ownerKnown {
			gaps = append(gaps, g.Gaps...)
		}
	}
	return gaps
}

// orgGaps is why the organizational domain of RFC 9989 is not known.
func (a *Analysis) orgGaps() []check.Gap {
	if a.New.OrganizationalDomain == "" {
		return a.New.Gaps
	}
	return nil
}

// policyGaps is why the policy for the domain itself is not known.
func (a *Analysis) policyGaps() (gaps []check.Gap) {
	for _, g := range []*Generation{&a.New, &a.Old} {
		if g.Domain.Policy == "" {
			gaps = append(gaps, g.Gaps...)
		}
	}
	return gaps
}

// nodeGaps are the answers that are missing from the nodes.
func nodeGaps(nodes []*Node) (gaps []check.Gap) {
	for _, n := range nodes {
		if n.Err != nil {
			gaps = append(gaps, check.GapOf("", n.Err))
		}
	}
	return gaps
}

// own is the node of the domain itself; nil where the facts have no domain name.
func (a *Analysis) own() *Node {
	if len(a.Nodes) == 0 {
		return nil
	}
	return a.Nodes[0]
}

// ownRecord is the single record of the domain itself, nil if there is none.
func (a *Analysis) ownRecord() *Record {
	if own := a.own(); own != nil {
		return own.Record()
	}
	return nil
}

// ignoresSubdomains reports whether n is the domain with a record of its own, and
// not the organizational domain of either generation: nothing below it reads its
// sp and np (RFC 9989, 4.7; RFC 7489, 6.3).
func (a *Analysis) ignoresSubdomains(n *Node) bool {
	org := a.New.OrganizationalDomain
	return n.Name == a.Domain && a.ownRecord() != nil && org != "" && org != a.Domain && a.Old.OrganizationalDomain != a.Domain
}

// underUnflagged reports whether n is the organizational domain by the public
// suffix list, has a record, and a suffix above it passes for the organizational
// domain because its record lacks psd=y (RFC 9989, 11.8).
func (a *Analysis) underUnflagged(n *Node) bool {
	return n.Name == a.Old.OrganizationalDomain && a.unflaggedSuffix() != ""
}

// unflaggedSuffix is that suffix, empty for none.
func (a *Analysis) unflaggedSuffix() string {
	up, org := a.New.OrganizationalDomain, a.Old.OrganizationalDomain
	if up == org || !dnsx.Below(org, up) {
		return ""
	}
	if n := a.node(up); n == nil || n.Record() == nil {
		return ""
	}
	return up
}

// decision is the tag that decides what a record asks for mail from the domain.
type decision struct {
	tag    string
	policy Policy
}

// decides tells which tag of n's record that is: p for the name itself, sp or np
// for the names below (RFC 9989, 4.7 and 4.10.1; RFC 7489, 6.6.3). Where the
// generations use different ones, it is the weaker.
func (a *Analysis) decides(n *Node, r *Record) decision {
	if n.Name == a.Domain {
		return decision{"p", r.Policy}
	}
	d := decision{r.present("sp", "p"), r.SubdomainPolicy}
	if n == a.New.node && a.exists == nonexistent {
		np := decision{r.present("np", "sp", "p"), r.NonexistentPolicy}
		if n != a.Old.node || np.policy.WeakerThan(d.policy) {
			return np
		}
	}
	return d
}

// present is the first of the tags that the record has, else the last of them.
func (r *Record) present(names ...string) string {
	for _, name := range names {
		if _, ok := r.Tag(name); ok {
			return name
		}
	}
	return names[len(names)-1]
}

// String writes "sp=none".
func (d decision) String() string { return fmt.Sprintf("%s=%s", d.tag, d.policy) }

// enforces reports whether any of the record's policies is more than none.
func (r *Record) enforces() bool {
	return r.Policy != None || r.SubdomainPolicy != None || r.NonexistentPolicy != None
}
