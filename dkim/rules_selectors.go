package dkim

import (
	"crypto/sha256"
	"slices"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

// selectorRules are about how selectors stand in the DNS, and to each other.
func selectorRules() []check.Rule[*Analysis] {
	return []check.Rule[*Analysis]{
		{
			Doc: check.Doc{
				ID:       "dkim.multiple-records",
				Severity: check.High,
				Title:    "A selector has more than one TXT record",
				Text: "The standard says that the result is undefined: some receivers try each record, some take one of them, " +
					"some fail the signature. Which key is used then changes from one message to the next.",
				Fix:   "Keep one record for each selector; give a second key a selector of its own.",
				Cite:  []check.Cite{check.RFC(6376, "3.6.2.2"), check.RFC(6376, "6.1.2")},
				Since: since,
			},
			Applies: (*Analysis).hasRecords,
			Check:   (*Analysis).multipleRecords,
		},
		{
			Doc: check.Doc{
				ID:       "dkim.cname-dangling",
				Severity: check.High,
				Title:    "A selector is an alias of a name that has no key",
				Text: "Receivers follow the alias and find nothing, so signatures with this selector fail. " +
					"Who can create the missing name, for example as a new customer of the same service, can sign as the domain.",
				Fix:   "Have the service publish its key again, or delete the CNAME record.",
				Cite:  []check.Cite{check.RFC(6376, "6.1.2"), check.RFC(1034, "3.6.2")},
				Since: since,
			},
			Check: (*Analysis).danglingAliases,
		},
		{
			Doc: check.Doc{
				ID:       "dkim.wildcard",
				Severity: check.Low,
				Title:    "A wildcard answers for every DKIM selector",
				Text: "A name with a wildcard answers whatever selector is asked for. With a key in it, old selectors can never be withdrawn one by one; " +
					"with other text in it, receivers get what is no key. Only an empty p= is sensible here: it says that nothing is signed.",
				Fix:   "Publish each selector under its own name, and keep a wildcard only as \"v=DKIM1; p=\".",
				Cite:  []check.Cite{check.RFC(6376, "6.1.2"), check.RFC(8552, "1.4")},
				Since: since,
			},
			Check: (*Analysis).wildcardFound,
		},
		{
			Doc: check.Doc{
				ID:       "dkim.key-shared",
				Severity: check.Low,
				Title:    "Several selectors have the same key",
				Text: "Selectors are there to tell keys apart: so that one service or server can be shut out while the others go on. " +
					"Who holds a key that stands at several selectors can sign with each of them.",
				Fix:   "Make a key pair of its own for each selector.",
				Cite:  []check.Cite{{Doc: "M3AAWG DKIM Key Rotation Best Common Practices"}},
				Since: since,
			},
			Applies: (*Analysis).hasRecords,
			Check:   (*Analysis).sharedKeys,
		},
		{
			Doc: check.Doc{
				ID:       "dkim.ed25519-only",
				Severity: check.Medium,
				Title:    "All keys are Ed25519 keys, which many receivers cannot verify",
				Text: "Verifiers must support Ed25519 since 2018, but several large receivers do not. " +
					"To them a message with an Ed25519 signature alone is unsigned.",
				Fix:   "Sign twice: with an RSA key at a selector of its own besides the Ed25519 key.",
				Cite:  []check.Cite{check.RFC(8463, "6")},
				Since: since,
			},
			Applies: func(a *Analysis) (bool, []check.Gap) {
				if len(a.Keys) > 0 {
					return true, nil
				}
				return false, a.gaps
			},
			Check: (*Analysis).onlyEd25519,
		},
		{
			Doc: check.Doc{
				ID:       "dkim.domainkeys-policy",
				Severity: check.Info,
				Title:    "An old DomainKeys policy stands at _domainkey",
				Text: "DomainKeys was the forerunner of DKIM and had a policy record at _domainkey. " +
					"Nobody reads it any more; DMARC has its place.",
				Fix:   "Delete the record.",
				Cite:  []check.Cite{{Doc: "RFC 4870 (historic)"}},
				Since: since,
			},
			Check: (*Analysis).domainKeysPolicy,
		},
	}
}

func (a *Analysis) hasRecords() (bool, []check.Gap) {
	if slices.ContainsFunc(a.published, func(s *SelectorAnalysis) bool { return s.State == StateFound }) {
		return true, nil
	}
	return false, a.hidden
}

func (a *Analysis) multipleRecords() ([]check.Finding, []check.Gap) {
	var findings []check.Finding
	for _, s := range a.published {
		n := len(s.Records) + s.Extra
		if n < 2 || !slices.ContainsFunc(s.Records, func(k *KeyRecord) bool { return k.Record != nil }) {
			continue // a wildcard above _domainkey may bring texts that mean something else
		}
		f := check.Finding{
			Subject:  s.Owner,
			Detail:   check.Textf("%d TXT records stand there", n),
			Evidence: s.evidence(texts(s)...),
		}
		if c := a.repair(s); c != nil && len(c.Old)-len(c.New) == n-1 {
			f.Fix = &check.Fix{Summary: check.Textf("Keep the key record and delete the rest."), Changes: []check.Change{*c}}
		}
		findings = append(findings, f)
	}
	return findings, a.hidden
}

func (a *Analysis) danglingAliases() ([]check.Finding, []check.Gap) {
	var findings []check.Finding
	for _, s := range a.published {
		if s.State != StateDangling {
			continue
		}
		f := check.Finding{Subject: s.Owner, Evidence: s.evidence()}
		if s.nx {
			f.Detail = check.Textf("it is an alias of %s, which does not exist", s.Target)
		} else {
			f.Detail = check.Textf("it is an alias of %s, which has no TXT record", s.Target)
		}
		findings = append(findings, f)
	}
	return findings, a.hidden
}

func (a *Analysis) wildcardFound() ([]check.Finding, []check.Gap) {
	if a.probe.State == StateUnknown {
		return nil, []check.Gap{check.GapOf("", a.probe.err)}
	}
	if a.Wildcard == nil || a.Wildcard.State == StateDangling || a.AllRevoked {
		return nil, nil
	}
	f := check.Finding{
		Subject:  a.Wildcard.Owner,
		Detail:   check.Textf("a key stands there for every selector that has no record of its own"),
		Evidence: a.Wildcard.evidence(texts(a.Wildcard)...),
	}
	if !slices.ContainsFunc(a.Wildcard.Records, liveOrPrivate) {
		f.Severity = check.Info // a signature fails with it as it would without
		f.Detail = check.Textf("text that is no key stands there for every selector that has no record of its own")
	}
	return []check.Finding{f}, nil
}

func (a *Analysis) sharedKeys() ([]check.Finding, []check.Gap) {
	var order [][sha256.Size]byte
	owners := map[[sha256.Size]byte][]string{}
	for _, r := range a.records {
		s, k := r.at, r.key
		if k.Key == nil || slices.Contains(owners[k.fingerprint], s.Owner) {
			continue
		}
		if owners[k.fingerprint] == nil {
			order = append(order, k.fingerprint)
		}
		owners[k.fingerprint] = append(owners[k.fingerprint], s.Owner)
	}
	var findings []check.Finding
	for _, key := range order {
		if at := owners[key]; len(at) > 1 {
			findings = append(findings, check.Finding{
				Subject: a.Domain,
				Detail:  check.Textf("one key stands at %d selectors: %s", len(at), strings.Join(at, ", ")),
			})
		}
	}
	return findings, a.hidden
}

func (a *Analysis) onlyEd25519() ([]check.Finding, []check.Gap) {
	for _, r := range a.records {
		k := r.key
		if k.Record != nil && k.Record.KeyType == RSA && !k.Revoked() {
			return nil, nil // even one with faults: they have rules of their own
		}
	}
	switch {
	case len(a.hidden) > 0:
		return nil, a.hidden
	case !a.Complete:
		return nil, []check.Gap{a.notListed()}
	}
	return []check.Finding{{
		Subject: a.Domain,
		Detail:  check.Textf("of the domain's %d keys none is an RSA key", len(a.Keys)),
	}}, nil
}

func (a *Analysis) domainKeysPolicy() ([]check.Finding, []check.Gap) {
	if a.node.State == StateUnknown {
		return nil, []check.Gap{check.GapOf("", a.node.err)}
	}
	var findings []check.Finding
	for _, k := range a.node.Records {
		if !isPolicy(k.Text) {
			continue
		}
		f := check.Finding{
			Subject:  a.node.Owner,
			Detail:   check.Textf("a DomainKeys policy stands there"),
			Evidence: a.node.evidence(k.Text),
		}
		if a.Wildcard == nil && dnsx.Below(a.node.end(), a.Domain) {
			f.Fix = &check.Fix{Summary: check.Textf("Delete the record."), Changes: []check.Change{
				{Name: a.node.end(), Type: dnsx.TypeTXT.String(), Old: []string{k.Text}},
			}}
		}
		findings = append(findings, f)
	}
	return findings, nil
}

// isPolicy reports whether a text is a DomainKeys policy: one of its tags is o,
// with one of the values that RFC 4870 and its drafts had.
func isPolicy(text string) bool {
	for piece := range strings.SplitSeq(text, ";") {
		name, value, _ := strings.Cut(piece, "=")
		value = strings.Trim(value, fws)
		if strings.Trim(name, fws) == "o" && len(value) == 1 && strings.Contains("~-!.^", value) {
			return true
		}
	}
	return false
}
