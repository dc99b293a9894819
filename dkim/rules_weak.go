package dkim

import (
	"fmt"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/internal/weakkey"
)

// weakRules are about keys whose size is good and whose private half can be had
// all the same.
func weakRules() []check.Rule[*Analysis] {
	const baseline = "CA/Browser Forum Baseline Requirements"
	return []check.Rule[*Analysis]{
		weakRule(check.Doc{
			ID:       "dkim.weak-fermat",
			Severity: check.Critical,
			Title:    "The primes of the RSA key are so close together that it is easily factored",
			Text: "Fermat's method finds two primes that are close together in a moment, whatever their size. " +
				"Whoever does so has the private key and can sign as the domain.",
			Fix:  "Revoke this selector now and sign with a new key at another, made by other software.",
			Cite: []check.Cite{{Doc: baseline, Section: "6.1.1.3"}},
		}, func(k *KeyRecord) []check.Finding {
			if !k.weak.Close {
				return nil
			}
			return bad("the %d-bit modulus is factored by at most %d rounds of Fermat's method", k.Key.Bits(), weakkey.FermatRounds)
		}),
		weakRule(check.Doc{
			ID:       "dkim.weak-small-factor",
			Severity: check.Critical,
			Title:    "The RSA modulus has a small factor",
			Text: "A modulus is the product of two large primes. One that a small number divides was mistyped or made by broken software: " +
				"either nobody can sign with it, or anybody may find out how.",
			Fix:  "Copy the key again; if it is as it was made, sign with a new key at another selector.",
			Cite: []check.Cite{{Doc: baseline, Section: "6.1.6"}},
		}, func(k *KeyRecord) []check.Finding {
			if k.weak.Factor == 0 {
				return nil
			}
			return bad("the %d-bit modulus is divided by %d", k.Key.Bits(), k.weak.Factor)
		}),
		weakRule(check.Doc{
			ID:       "dkim.weak-roca",
			Severity: check.Critical,
			Title:    "The RSA key was made by a broken generator (ROCA)",
			Text: "The modulus has the form of keys from Infineon chips with the fault CVE-2017-15361. " +
				"Such keys are factored with a known method at a price that falls; who does so can sign as the domain.",
			Fix:  "Revoke this selector and sign with a new key at another, made by other software.",
			Cite: []check.Cite{{Doc: "CVE-2017-15361"}, {Doc: baseline, Section: "6.1.1.3"}},
		}, func(k *KeyRecord) []check.Finding {
			if !k.weak.ROCA {
				return nil
			}
			return bad("the %d-bit modulus is a power of 65537 modulo the product of the primes up to 167", k.Key.Bits())
		}),
		weakRule(check.Doc{
			ID:       "dkim.weak-known-key",
			Severity: check.Critical,
			Title:    "The private key is known to everybody",
			Text:     "The key is one whose private half was published as an example. Anybody can sign as the domain with it.",
			Fix:      "Revoke this selector now and sign with a new key of your own at another.",
			Cite:     []check.Cite{check.RFC(6376, "C"), check.RFC(8463, "A")},
		}, func(k *KeyRecord) []check.Finding {
			if k.weak.known == "" {
				return nil
			}
			return bad("it is the example of %s", k.weak.known)
		}),
	}
}

// weakRule is a rule over keys that knows nothing of those too large to be tested.
func weakRule(doc check.Doc, judge func(*KeyRecord) []check.Finding) check.Rule[*Analysis] {
	rule := ruleOver(readableKey, doc, func(_ *SelectorAnalysis, k *KeyRecord) []check.Finding { return judge(k) })
	inner := rule.Check
	rule.Check = func(a *Analysis) ([]check.Finding, []check.Gap) {
		findings, gaps := inner(a)
		for _, r := range a.records {
			if s, k := r.at, r.key; k.weak.tooLarge {
				gaps = append(gaps, check.Gap{
					Subject: "the key of " + s.Owner, Why: check.Limit,
					Cause: fmt.Errorf("its modulus has %d bits, and keys of over %d are not tested", k.Key.Bits(), maxTestedBits),
				})
			}
		}
		return findings, gaps
	}
	return rule
}
