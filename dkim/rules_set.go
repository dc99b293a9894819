package dkim

import (
	"fmt"
	"slices"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

// setRules are about whether there is a key: at all, and where somebody says so.
func setRules() []check.Rule[*Analysis] {
	return []check.Rule[*Analysis]{
		{
			Doc: check.Doc{
				ID:       "dkim.none-found",
				Severity: check.Medium,
				Title:    "The domain publishes no DKIM key",
				Text: "Without a key nobody can verify a DKIM signature of the domain. Its mail then rests on SPF alone, " +
					"which forwarding breaks, and large receivers ask bulk senders for both.",
				Fix:   "Turn on DKIM signing where the domain's mail is sent, and publish the key that the service names.",
				Cite:  []check.Cite{check.RFC(6376, "3.6.2.1")},
				Since: since,
			},
			Applies: (*Analysis).expectsKeys,
			Check:   (*Analysis).noneFound,
		},
		{
			Doc: check.Doc{
				ID:       "dkim.no-domainkey-node",
				Severity: check.Medium,
				Title:    "_domainkey does not exist, so the domain has no DKIM key at any selector",
				Text: "Every DKIM key stands below _domainkey. Where that name does not exist, nothing below it does, " +
					"so no signature of the domain can be verified and its mail rests on SPF alone.",
				Fix:   "Turn on DKIM signing where the domain's mail is sent, and publish the key that the service names.",
				Cite:  []check.Cite{check.RFC(8020, "2"), check.RFC(6376, "3.6.2.1")},
				Since: since,
			},
			Applies: (*Analysis).expectsNode,
			Check:   (*Analysis).noNodeFound,
		},
		{
			Doc: check.Doc{
				ID:       "dkim.selector-missing",
				Severity: check.High,
				Title:    "A selector that is in use has no key record",
				Text: "A receiver that finds no key at the selector of a signature counts the signature as failed for good. " +
					"All mail that is signed with this selector is as good as unsigned.",
				Fix:   "Publish the key at this selector, or stop signing with it.",
				Cite:  []check.Cite{check.RFC(6376, "6.1.2")},
				Since: since,
			},
			Applies: func(a *Analysis) (bool, []check.Gap) {
				if a.gone || !slices.ContainsFunc(a.Selectors, (*SelectorAnalysis).isNamed) {
					return false, nil
				}
				return true, nil
			},
			Check: (*Analysis).missingSelectors,
		},
	}
}

// expectsKeys is false where the domain says that it signs nothing, where it does
// not exist, and where dkim.no-domainkey-node says it all.
func (a *Analysis) expectsKeys() (bool, []check.Gap) {
	switch {
	case a.gone || a.AllRevoked || a.noNode && !a.listed:
		return false, nil
	case a.apex != nil:
		return false, []check.Gap{check.GapOf("", a.apex)}
	}
	return true, nil
}

// noneFound is certain only where a zone listed the selectors: the DNS does not.
func (a *Analysis) noneFound() ([]check.Finding, []check.Gap) {
	published, revoked := a.published, 0
	for _, s := range published {
		if s.State == StateDangling || slices.ContainsFunc(s.Records, liveOrPrivate) {
			return nil, nil // a key, or what was meant to be one: other rules speak of its faults
		}
		if slices.ContainsFunc(s.Records, (*KeyRecord).Revoked) {
			revoked++
		}
	}
	if len(a.hidden) > 0 {
		return nil, a.hidden
	}
	if a.Complete {
		detail := check.Textf("the zone has no selector below %s", nodeOf(a.Domain))
		if n := len(published); n > 0 {
			detail = check.Textf("no key stands at any of the %d selectors that the zone has; %d of them are revoked", n, revoked)
		}
		return []check.Finding{{Subject: a.Domain, Detail: detail}}, nil
	}
	return nil, []check.Gap{a.notListed()}
}

func liveOrPrivate(k *KeyRecord) bool { return k.Record != nil && !k.Revoked() }

// notListed is the gap that guessing leaves.
func (a *Analysis) notListed() check.Gap {
	return check.Gap{
		Subject: "DKIM selectors of " + a.Domain, Why: check.Undecidable,
		Cause: fmt.Errorf("%d selectors were tried and the DNS does not list selectors; "+
			"name one with --selector, or take it from s= in a DKIM-Signature header of the domain's own mail", len(a.Selectors)),
	}
}

func (a *Analysis) expectsNode() (bool, []check.Gap) {
	switch {
	case a.gone || a.AllRevoked || a.listed:
		return false, nil
	case a.noNode && a.apex != nil:
		return false, []check.Gap{check.GapOf("", a.apex)}
	}
	return true, nil
}

// noNodeFound believes NXDOMAIN at _domainkey. Some servers say so of names that
// have names below them but no data; a selector that somebody named and that was
// not answered may show it.
func (a *Analysis) noNodeFound() ([]check.Finding, []check.Gap) {
	if a.node.State == StateUnknown {
		return nil, []check.Gap{check.GapOf("", a.node.err)}
	}
	if !a.noNode {
		return nil, nil
	}
	var gaps []check.Gap
	denied := 0
	for _, s := range a.Selectors {
		switch {
		case s.nx:
			denied++
		case !slices.Equal(s.Why, []string{WhyCommon}):
			gaps = append(gaps, check.GapOf("", s.err))
		}
	}
	if len(gaps) > 0 {
		return nil, gaps
	}
	node := nodeOf(a.Domain)
	return []check.Finding{{
		Subject:  node,
		Detail:   check.Textf("%s does not exist, and none of the %d selectors that were answered does", node, denied),
		Evidence: []check.Evidence{{Source: txtQuestion(node).String(), Text: dnsx.NXDomain.String()}},
	}}, nil
}

// isNamed reports whether somebody named the selector: the caller, as one that is
// in use, or the zone.
func (s *SelectorAnalysis) isNamed() bool {
	return slices.Contains(s.Why, WhyGiven) || slices.Contains(s.Why, WhyListed)
}

func (a *Analysis) missingSelectors() (findings []check.Finding, gaps []check.Gap) {
	for _, s := range a.Selectors {
		if !s.isNamed() {
			continue
		}
		f := check.Finding{Subject: s.Owner, Evidence: s.evidence()}
		switch given := slices.Contains(s.Why, WhyGiven); {
		case s.State == StateUnknown:
			gaps = append(gaps, check.GapOf("", s.err))
			continue
		case s.State == StateAbsent && s.nx:
			f.Detail = check.Textf("%s does not exist", s.Owner)
		case s.State == StateAbsent:
			f.Detail = check.Textf("%s exists and has no TXT record", s.Owner)
		case s.State == StateFound && !slices.ContainsFunc(s.Records, func(k *KeyRecord) bool { return k.Record != nil }):
			f.Detail = check.Textf("what stands at %s is no key record", s.Owner)
			f.Evidence = s.evidence(s.Records[0].Text)
		case s.State == StateWildcard && given && !slices.ContainsFunc(a.Wildcard.Records, liveOrPrivate):
			f.Detail = check.Textf("%s has no record of its own, and what the wildcard has is no key", s.Owner)
			f.Evidence = a.Wildcard.evidence(texts(a.Wildcard)...)
		default:
			continue
		}
		if !slices.Contains(s.Why, WhyGiven) { // nobody says that it is in use
			f.Severity = check.Low
		}
		if a.apex != nil {
			gaps = append(gaps, check.GapOf("", a.apex))
			continue
		}
		findings = append(findings, f)
	}
	return findings, gaps
}
