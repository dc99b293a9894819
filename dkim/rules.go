package dkim

import (
	"slices"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

const since = "v0.1.0"

// Rules are the judgements about a domain's key records. One fault gives one
// finding: where several rules could speak of it, the most exact one does.
//
//   - Of an RSA modulus below 769 bits dkim.rsa-512 speaks, of one below 1024
//     dkim.rsa-too-small, of one below 2048 dkim.rsa-1024; weaknesses of the first
//     are not looked for.
//   - A missing p= that another fault swallowed or that was written P= is that
//     fault's; base64 that a cut broke is dkim.p-truncated's.
//   - Of a private key dkim.private-key-published alone speaks.
//   - That there is no key is dkim.none-found where a zone listed the selectors, and
//     dkim.no-domainkey-node where that node does not exist.
func Rules(Settings) []check.Rule[*Analysis] {
	return slices.Concat(setRules(), selectorRules(), recordRules(), keyRules(), weakRules())
}

// judge returns what is wrong with one record. Of a finding it sets Detail, and
// Severity and Fix where they differ from the rule's.
type judge func(*SelectorAnalysis, *KeyRecord) []check.Finding

// bad is one finding with no more than a detail.
func bad(format string, args ...any) []check.Finding {
	return []check.Finding{{Detail: check.Textf(format, args...)}}
}

// lower gives findings a severity below the rule's.
func lower(to check.Severity, findings []check.Finding) []check.Finding {
	for i := range findings {
		findings[i].Severity = to
	}
	return findings
}

// ruleOver makes a rule that judges each record for which wanted is true, and
// applies where there is one. A selector that was not answered may hide one.
func ruleOver(wanted func(*KeyRecord) bool, doc check.Doc, judge judge) check.Rule[*Analysis] {
	doc.Since = since
	return check.Rule[*Analysis]{
		Doc: doc,
		Applies: func(a *Analysis) (bool, []check.Gap) {
			for _, r := range a.records {
				if wanted(r.key) {
					return true, nil
				}
			}
			return false, a.hidden
		},
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			var findings []check.Finding
			for _, r := range a.records {
				s, k := r.at, r.key
				if !wanted(k) {
					continue
				}
				for _, f := range judge(s, k) {
					f.Subject, f.Evidence = s.Owner, s.evidence(k.Text)
					if f.Fix == nil {
						f.Fix = a.fix(doc, s, k, judge)
					}
					findings = append(findings, f)
				}
			}
			return findings, a.hidden
		},
	}
}

// fix is the rule's advice with the change at the selector, where that cures what
// judge found; nil where the advice alone will do.
func (a *Analysis) fix(doc check.Doc, s *SelectorAnalysis, k *KeyRecord, judge judge) *check.Fix {
	if s != a.Wildcard && !dnsx.Below(s.end(), a.Domain) {
		return &check.Fix{Summary: check.Textf("%s is an alias of %s: ask whoever runs that name to change it. %s", s.Owner, s.Target, doc.Fix)}
	}
	c := a.repair(s)
	if c == nil || len(c.New) == 0 || c.Old[0] != k.Text {
		return nil
	}
	again := readRecord(c.New[0])
	switch {
	case again.Key == nil:
	case k.Key != nil && again.fingerprint == k.fingerprint:
		again.weak = k.weak // the text is another, the key is not
	default:
		again.weak = weaknessOf(again.Key, again.fingerprint)
	}
	if len(judge(s, again)) > 0 {
		return nil
	}
	return &check.Fix{Summary: check.Textf(doc.Fix), Changes: []check.Change{*c}}
}

// evidence is a record and the aliases that lead to it.
func (s *SelectorAnalysis) evidence(texts ...string) []check.Evidence {
	var all []check.Evidence
	if s.Target != "" {
		all = append(all, check.Evidence{Source: "CNAME " + s.asked, Text: s.Target})
	}
	for _, text := range texts {
		all = append(all, check.Evidence{Source: "TXT " + s.asked, Text: text})
	}
	return all
}

// Of what a rule over records speaks. A private key is for its own rule alone.
func anyRecord(k *KeyRecord) bool { return k.Record != nil && !k.isPrivate() }

func liveRecord(k *KeyRecord) bool { return anyRecord(k) && !k.Revoked() }

func readableKey(k *KeyRecord) bool { return k.Key != nil }

func rsaKey(k *KeyRecord) bool { return k.Key != nil && k.Key.Type == RSA }
