package dkim

import (
	"errors"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
)

// The sizes of RSA keys at which rules change (RFC 8301, 3.2).
const (
	leastBits       = 1024 // below it receivers must not accept a signature
	recommendedBits = 2048
	mostBits        = 4096 // above it receivers need not accept one
)

// keyRules are about the key in one record: whether it can be read, and its size.
func keyRules() []check.Rule[*Analysis] {
	return []check.Rule[*Analysis]{
		ruleOver(liveRecord, check.Doc{
			ID:       "dkim.p-truncated",
			Severity: check.High,
			Title:    "The key is cut off",
			Text: "The key says how long it is, and the end is missing, so receivers cannot read it and every signature fails. " +
				"One string of a TXT record holds 255 octets; DNS forms that know one string only cut what is longer.",
			Fix:  "Publish the whole key, as several strings in one TXT record.",
			Cite: []check.Cite{check.RFC(6376, "3.6.2.2"), check.RFC(1035, "3.3.14")},
		}, func(_ *SelectorAnalysis, k *KeyRecord) []check.Finding {
			switch {
			case !errors.Is(k.KeyErr, ErrTruncated):
				return nil
			case len(k.Text)%255 == 0:
				return bad("%s; the record has %d octets, which is where strings of 255 end", reason(k.KeyErr), len(k.Text))
			}
			return bad("%s; the record has %d octets", reason(k.KeyErr), len(k.Text))
		}),
		ruleOver(liveRecord, check.Doc{
			ID:       "dkim.key-unparseable",
			Severity: check.High,
			Title:    "p= holds no public key of the type that k= names",
			Text:     "Receivers that cannot read the key fail every signature with this selector.",
			Fix:      "Publish the base64 of the SubjectPublicKeyInfo for RSA, of the raw 32 octets for Ed25519.",
			Cite:     []check.Cite{check.RFC(6376, "3.6.1"), check.RFC(6376, "6.1.2"), check.RFC(8463, "4.2")},
		}, func(_ *SelectorAnalysis, k *KeyRecord) []check.Finding {
			if !errors.Is(k.KeyErr, ErrUnreadable) {
				return nil
			}
			return bad("%s", reason(k.KeyErr))
		}),
		ruleOver(func(k *KeyRecord) bool { return k.Record != nil && !k.Revoked() }, check.Doc{
			ID:       "dkim.private-key-published",
			Severity: check.Critical,
			Title:    "A private key is published in the DNS",
			Text: "Anybody can read the key and sign mail as whoever uses it. The record itself does not work either, " +
				"because receivers look for the public key there.",
			Fix:  "Revoke this selector now and sign with a new key at another; the published key is lost for good.",
			Cite: []check.Cite{check.RFC(6376, "3.6.1"), check.RFC(6376, "8.3")},
		}, func(_ *SelectorAnalysis, k *KeyRecord) []check.Finding {
			if !k.isPrivate() {
				return nil
			}
			return bad("%s", reason(k.KeyErr))
		}),
		ruleOver(readableKey, check.Doc{
			ID:       "dkim.pkcs1-encoding",
			Severity: check.Low,
			Title:    "The RSA key is a bare RSAPublicKey, not a SubjectPublicKeyInfo",
			Text:     "The standard's text and its example differ in how an RSA key is written. Nearly all records follow the example, and some verifiers read nothing else.",
			Fix:      "Publish the key as SubjectPublicKeyInfo, as \"openssl rsa -pubout\" writes it.",
			Cite:     []check.Cite{check.RFC(6376, "3.6.1"), check.RFC(6376, "C")},
		}, func(_ *SelectorAnalysis, k *KeyRecord) []check.Finding {
			if k.Key.Form != PKCS1 {
				return nil
			}
			return bad("p= holds the %d-bit key as RSAPublicKey (PKCS #1)", k.Key.Bits())
		}),
		ruleOver(liveRecord, check.Doc{
			ID:       "dkim.ed25519-length",
			Severity: check.High,
			Title:    "The Ed25519 key is not the raw 32 octets",
			Text:     "An Ed25519 key stands in p= as its 32 octets, 44 characters of base64. Most verifiers read no other form, and signatures with this selector fail.",
			Fix:      "Publish the base64 of the raw 32 octets, without the DER around them.",
			Cite:     []check.Cite{check.RFC(8463, "4.2")},
		}, func(_ *SelectorAnalysis, k *KeyRecord) []check.Finding {
			if !errors.Is(k.KeyErr, ErrLength) {
				return nil
			}
			return bad("%s", reason(k.KeyErr))
		}),
		sizeRule(check.Doc{
			ID:       "dkim.rsa-512",
			Severity: check.Critical,
			Title:    "The RSA key can be factored by anyone",
			Text: "A modulus of 512 bits is factored in hours on rented machines, and one of 768 bits was factored in 2009. " +
				"Whoever does so has the private key and can sign as the domain; receivers must not accept such keys, and some still do.",
			Fix:  "Revoke this selector now and sign with a new 2048-bit key at another.",
			Cite: []check.Cite{check.RFC(8301, "3.2"), check.RFC(8301, "4")},
		}, 0, weakBits),
		sizeRule(check.Doc{
			ID:       "dkim.rsa-too-small",
			Severity: check.Critical,
			Title:    "The RSA key is below 1024 bits, so no signature with it is valid",
			Text:     "Receivers must not accept a signature by an RSA key of less than 1024 bits. All mail that is signed with this selector is as good as unsigned.",
			Fix:      "Sign with a new 2048-bit key at another selector.",
			Cite:     []check.Cite{check.RFC(8301, "3.2")},
		}, weakBits, leastBits),
		sizeRule(check.Doc{
			ID:       "dkim.rsa-1024",
			Severity: check.Medium,
			Title:    "The RSA key is below the recommended 2048 bits",
			Text:     "Receivers accept keys from 1024 bits, but signers should use 2048. A 1024-bit key is within reach of those with much money and time.",
			Fix:      "Sign with a new 2048-bit key at another selector.",
			Cite:     []check.Cite{check.RFC(8301, "3.2")},
		}, leastBits, recommendedBits),
		sizeRule(check.Doc{
			ID:       "dkim.rsa-over-4096",
			Severity: check.Low,
			Title:    "The RSA key is above 4096 bits, which receivers need not support",
			Text:     "Receivers must support RSA keys up to 4096 bits. With a larger one some cannot verify, and the record makes for large DNS answers.",
			Fix:      "Use a key of 2048 bits, or 4096 at most.",
			Cite:     []check.Cite{check.RFC(8301, "3.2")},
		}, mostBits+1, 1<<31),
		ruleOver(rsaKey, check.Doc{
			ID:       "dkim.rsa-exponent",
			Severity: check.Low,
			Title:    "The RSA exponent is unusual",
			Text:     "Nearly every RSA key has the exponent 65537. Small ones have made mistakes of verifiers fatal, and some libraries refuse large ones.",
			Fix:      "Make a new key with the exponent 65537.",
			Cite:     []check.Cite{check.RFC(8017, "3.1"), {Doc: "CA/Browser Forum Baseline Requirements", Section: "6.1.6"}},
		}, judgeExponent),
		ruleOver(rsaKey, check.Doc{
			ID:       "dkim.rsa-even-or-tiny-e",
			Severity: check.Critical,
			Title:    "The RSA exponent is invalid",
			Text: "An RSA exponent is odd, at least 3 and below the modulus. With any other the key either cannot be used at all, " +
				"or, with the exponent 1, anybody can sign.",
			Fix:  "Make a new key with the exponent 65537; the software that made this one is broken.",
			Cite: []check.Cite{check.RFC(8017, "3.1"), {Doc: "CA/Browser Forum Baseline Requirements", Section: "6.1.6"}},
		}, func(_ *SelectorAnalysis, k *KeyRecord) []check.Finding {
			if k.Key.validExponent() {
				return nil
			}
			if k.Key.E.BitLen() > 64 {
				return bad("the exponent has %d bits and the modulus %d", k.Key.E.BitLen(), k.Key.Bits())
			}
			return bad("the exponent is %s", k.Key.E)
		}),
	}
}

// reason is the text of an error without the package's name.
func reason(err error) string { return strings.TrimPrefix(err.Error(), "dkim: ") }

// sizeRule speaks of RSA keys with at least min and fewer than limit bits.
func sizeRule(doc check.Doc, minimum, limit int) check.Rule[*Analysis] {
	return ruleOver(rsaKey, doc, func(_ *SelectorAnalysis, k *KeyRecord) []check.Finding {
		if bits := k.Key.Bits(); bits >= minimum && bits < limit {
			return bad("the modulus has %d bits", bits)
		}
		return nil
	})
}

func judgeExponent(_ *SelectorAnalysis, k *KeyRecord) []check.Finding {
	e := k.Key.E
	switch {
	case !k.Key.validExponent() || e.IsInt64() && e.Int64() == 65537:
		return nil
	case e.BitLen() > 64:
		return bad("the exponent has %d bits", e.BitLen())
	}
	return bad("the exponent is %s", e)
}

// validExponent follows RFC 8017, 3.1.
func (k *PublicKey) validExponent() bool {
	return k.E.Bit(0) == 1 && k.E.BitLen() > 1 && k.E.Cmp(k.N) < 0
}
