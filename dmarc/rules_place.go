package dmarc

import (
	"slices"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

// placeRules judge whether there is a record, and whether it stands where
// receivers find it.
func placeRules() []check.Rule[*Analysis] {
	return []check.Rule[*Analysis]{
		{
			Doc: check.Doc{
				ID:       "dmarc.missing",
				Severity: check.High,
				Title:    "No DMARC record at the domain or above it",
				Text: "Without a DMARC record anyone can put the domain into the From line of a message, and receivers have no " +
					"instruction to stop it. Nobody reports such mail either, and large mailbox providers do not take bulk mail without a record.",
				Fix:   "Publish a TXT record at _dmarc below the domain, first \"v=DMARC1; p=none; rua=mailto:…\", and tighten p once the reports show that all own mail passes.",
				Cite:  []check.Cite{check.RFC(9989, "4.10.1"), check.RFC(9989, "5.1.4"), check.RFC(9989, "8")},
				Since: since,
			},
			Applies: missingApplies,
			Check:   checkMissing,
		},
		{
			Doc: check.Doc{
				ID:       "dmarc.inherited",
				Severity: check.Info,
				Title:    "Policy is inherited from a parent name",
				Text:     "The domain has no DMARC record of its own; the one of a name above it applies. That is normal for subdomains: changes there take effect here.",
				Cite:     []check.Cite{check.RFC(9989, "4.10.1"), check.RFC(7489, "6.6.3")},
				Since:    since,
			},
			Applies: applies,
			Check:   checkInherited,
		},
		{
			Doc: check.Doc{
				ID:       "dmarc.multiple",
				Severity: check.Critical,
				Title:    "More than one DMARC record at one name: all are discarded",
				Text: "A receiver that finds two DMARC records at a name uses neither. The domain is as open to forgery as without any " +
					"record, although each of them looks right.",
				Fix:   "Keep one DMARC record at the name and remove the others.",
				Cite:  []check.Cite{check.RFC(9989, "4.10"), check.RFC(7489, "6.6.3")},
				Since: since,
			},
			Check: checkMultiple,
		},
		{
			Doc: check.Doc{
				ID:       "dmarc.multiple-diverges",
				Severity: check.High,
				Title:    "Receivers of the two generations differ on duplicated records",
				Text: "The domain has several DMARC records, so none of them counts. Receivers of RFC 9989 then go on to a parent's record; " +
					"those of RFC 7489 stop and apply no DMARC at all.",
				Fix:   "Keep one DMARC record at the name, or remove all to inherit the parent's.",
				Cite:  []check.Cite{check.RFC(9989, "4.10"), check.RFC(7489, "6.6.3")},
				Since: since,
			},
			Check: checkMultipleDiverges,
		},
		{
			Doc: check.Doc{
				ID:       "dmarc.version",
				Severity: check.Critical,
				Title:    "Record ignored: v=DMARC1 must be first and exact",
				Text: "Receivers take a text for a DMARC record only where it begins with v=DMARC1, in upper case and with a semicolon behind. " +
					"This one does not, so it is passed over whole, and its policy protects nothing.",
				Fix:   "Start the record with \"v=DMARC1;\", exactly so.",
				Cite:  []check.Cite{check.RFC(9989, "4.7"), check.RFC(9989, "4.8"), check.RFC(7489, "6.3")},
				Since: since,
			},
			Check: checkVersion,
		},
		{
			Doc: check.Doc{
				ID:       "dmarc.wrong-place",
				Severity: check.High,
				Title:    "DMARC text found at the domain itself, not at _dmarc",
				Text:     "Receivers look for the policy at _dmarc below the domain and nowhere else. A record at the domain itself is never read.",
				Fix:      "Move the record to _dmarc below the domain.",
				Cite:     []check.Cite{check.RFC(9989, "4.1"), check.RFC(9989, "4.5")},
				Since:    since,
			},
			Check: checkWrongPlace,
		},
		{
			Doc: check.Doc{
				ID:       "dmarc.cname",
				Severity: check.Info,
				Title:    "_dmarc is a CNAME to another name",
				Text:     "The policy is published under another name, often a service's. Whoever controls that name controls the domain's policy.",
				Cite:     []check.Cite{check.RFC(1034, "3.6.2"), check.RFC(9989, "4.5")},
				Since:    since,
			},
			Check: checkCNAME,
		},
		{
			Doc: check.Doc{
				ID:       "dmarc.record-unreachable",
				Severity: check.Medium,
				Title:    "Record has 8 or more labels: used only for mail From exactly this name, never for names below it",
				Text: "A receiver's walk up the tree jumps from a long name to the last seven labels. A record at a name of eight or more " +
					"labels is read for mail from exactly that name; for names below it, it does not exist.",
				Fix:   "Publish a record at each name below that mail is sent from.",
				Cite:  []check.Cite{check.RFC(9989, "4.10"), check.RFC(9989, "5.1.8")},
				Since: since,
			},
			Applies: func(a *Analysis) (bool, []check.Gap) {
				return dnsx.Labels(a.Domain) > walkLabels, a.noName()
			},
			Check: checkUnreachable,
		},
	}
}

// explained reports whether a broken, doubled or misplaced record is there in
// place of the missing one: another rule's finding.
func (a *Analysis) explained() bool {
	for _, n := range a.relevant() {
		if len(n.Records) > 1 || len(n.Misses) > 0 {
			return true
		}
	}
	return len(a.misplaced()) > 0
}

// misplaced are the DMARC texts at the domain itself.
func (a *Analysis) misplaced() (texts []string) {
	for _, text := range a.apexTexts {
		r, _ := Parse(text)
		if _, miss := readMiss(text); r != nil || miss {
			texts = append(texts, text)
		}
	}
	return texts
}

func missingApplies(a *Analysis) (bool, []check.Gap) {
	switch {
	case a.invalid != nil:
		return false, a.New.Gaps
	case len(a.applied) > 0:
		return true, nil
	case a.exists == nonexistent || a.explained():
		return false, nil
	case a.exists == existsUnknown:
		return false, []check.Gap{check.GapOf("", a.apexErr)}
	}
	return true, nil
}

func checkMissing(a *Analysis) ([]check.Finding, []check.Gap) {
	if len(a.applied) > 0 {
		return nil, nil
	}
	var none, open []string
	for _, n := range a.Nodes {
		switch {
		case n.Err == nil && n.Record() == nil:
			none = append(none, n.subject())
		case n.Err != nil && a.aboveOrg(n):
			open = append(open, n.subject())
		default: // it may apply
			return nil, a.ownerGaps()
		}
	}
	f := found("there is no DMARC record at %s", strings.Join(none, ", "))
	if len(open) > 0 {
		f = found("there is no DMARC record at %s; what stands at %s is not known, and receivers of RFC 7489 do not look there",
			strings.Join(none, ", "), strings.Join(open, ", "))
	}
	f.Subject = dnsx.Join("_dmarc", a.Domain)
	return []check.Finding{f}, a.ownerGaps()
}

// aboveOrg reports a name above the organizational domain of RFC 7489, so a public
// suffix or what is above one: its record, if any, speaks to receivers of RFC 9989 alone.
func (a *Analysis) aboveOrg(n *Node) bool {
	return !isSuffix(a.Domain) && !dnsx.Below(n.Name, a.Old.OrganizationalDomain)
}

func checkInherited(a *Analysis) (fs []check.Finding, gaps []check.Gap) {
	for _, n := range a.applied {
		if n.Name == a.Domain {
			continue
		}
		f := found("the record of %s applies to %s: %s", n.Name, a.Domain, a.decides(n, n.Record()))
		f.Subject = a.Domain
		n.complete(&f)
		fs = append(fs, f)
	}
	return fs, a.ownerGaps()
}

// fellThrough reports whether receivers of RFC 9989 find another record in place
// of the domain's own several.
func (a *Analysis) fellThrough() bool {
	own := a.own()
	return own != nil && len(own.Records) > 1 && a.New.node != nil
}

func checkMultiple(a *Analysis) (fs []check.Finding, gaps []check.Gap) {
	nodes := a.relevant()
	if org := a.node(a.Old.OrganizationalDomain); a.ownRecord() != nil && org != a.own() && org != nil {
		nodes = append(nodes, org) // it groups the names below, though its policy is not used here
	}
	for _, n := range nodes {
		if len(n.Records) < 2 || n == a.own() && a.fellThrough() {
			continue
		}
		if n == a.own() && !a.New.ownerKnown {
			// With a record above, receivers of RFC 9989 go on to it (4.10), and
			// dmarc.multiple-diverges says so.
			gaps = append(gaps, a.New.Gaps...)
			continue
		}
		f := found("%d records at %s start with v=DMARC1", len(n.Records), n.subject())
		if a.ownRecord() != nil {
			f.Severity = check.Medium
		}
		a.repaired(n, &f, "Keep one DMARC record at the name and remove the others.")
		fs = append(fs, f)
	}
	return fs, slices.Concat(gaps, nodeGaps(nodes), a.noName())
}

// repaired completes a finding about n with the repair of it, if there is one.
func (a *Analysis) repaired(n *Node, f *check.Finding, summary string) {
	n.complete(f)
	if c, ok := n.repair(); ok {
		f.Fix = &check.Fix{Summary: check.Textf(summary), Changes: []check.Change{c}}
	}
}

// noName is the gap of facts without a domain name.
func (a *Analysis) noName() []check.Gap {
	if a.invalid != nil {
		return a.New.Gaps
	}
	return nil
}

func checkMultipleDiverges(a *Analysis) ([]check.Finding, []check.Gap) {
	own := a.own()
	switch {
	case own == nil:
		return nil, a.noName()
	case own.Err != nil:
		return nil, nodeGaps(a.Nodes[:1])
	case !a.fellThrough():
		if len(own.Records) > 1 {
			return nil, a.ownerGaps()
		}
		return nil, nil
	}
	f := found("%d records at %s cancel each other: receivers of RFC 9989 use %s (%s), those of RFC 7489 apply no DMARC",
		len(own.Records), own.subject(), a.New.node.subject(), a.decides(a.New.node, a.New.Record))
	a.repaired(own, &f, "Keep one DMARC record at the name.")
	return []check.Finding{f}, nil
}

func checkVersion(a *Analysis) (fs []check.Finding, gaps []check.Gap) {
	nodes := a.relevant()
	for _, n := range nodes {
		for _, m := range n.Misses[:min(len(n.Misses), maxURIs)] {
			f := found("a text at %s is no DMARC record: %s", n.subject(), m.Reason)
			if len(n.Records) > 0 {
				f.Severity = check.Low
			}
			f.Evidence = []check.Evidence{{Source: "TXT " + n.subject(), Text: m.Text}}
			a.repaired(n, &f, "Start the record with \"v=DMARC1;\", exactly so.")
			fs = append(fs, f)
		}
	}
	return fs, append(nodeGaps(nodes), a.noName()...)
}

func checkWrongPlace(a *Analysis) (fs []check.Finding, gaps []check.Gap) {
	if a.invalid != nil {
		return nil, a.noName()
	}
	if a.apexErr != nil {
		return nil, []check.Gap{check.GapOf("", a.apexErr)}
	}
	texts := a.misplaced()
	changes := a.repairPlace()
	for _, text := range texts[:min(len(texts), maxURIs)] {
		f := found("a DMARC record stands at %s, where no receiver looks for it", a.Domain)
		f.Subject = a.Domain
		f.Evidence = []check.Evidence{{Source: "TXT " + a.Domain, Text: text}}
		if own := a.own(); own != nil && len(own.Records) > 0 {
			f.Severity = check.Low
			f.Fix = &check.Fix{Summary: check.Textf("Remove it: %s has a record.", own.subject())}
		} else if len(changes) > 0 {
			f.Fix = &check.Fix{Summary: check.Textf("Move the record to _dmarc below the domain."), Changes: changes}
		}
		fs = append(fs, f)
	}
	return fs, nil
}

func checkCNAME(a *Analysis) (fs []check.Finding, gaps []check.Gap) {
	nodes := a.relevant()
	for _, n := range nodes {
		if len(n.Alias) == 0 {
			continue
		}
		f := found("%s is an alias of %s", n.subject(), n.Alias[len(n.Alias)-1])
		n.complete(&f)
		fs = append(fs, f)
	}
	return fs, append(nodeGaps(nodes), a.noName()...)
}

func checkUnreachable(a *Analysis) ([]check.Finding, []check.Gap) {
	own := a.own()
	if own == nil || own.Record() == nil {
		return nil, append(a.noName(), nodeGaps(a.Nodes[:min(1, len(a.Nodes))])...)
	}
	f := found("%s has %d labels: no receiver of RFC 9989 reads its record for names below it", a.Domain, dnsx.Labels(a.Domain))
	if _, ok := own.Record().Tag("sp"); !ok && own.Record().PSD == PSDUnknown {
		f.Severity = check.Low // nothing in it speaks of names below
	}
	own.complete(&f)
	return []check.Finding{f}, nil
}
