package dkim

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/mailcheck-go/mailcheck/internal/weakkey"
)

const (
	// Below weakBits anybody can factor the modulus as it is, and nothing is added
	// by saying that it can be done in another way too.
	weakBits = 769
	// maxTestedBits bounds the cost of one key; verifiers need not take keys of over
	// 4096 bits (RFC 8301, 3.2).
	maxTestedBits = 16384
)

// weakness is what the tests of one key found. Zero means that they found nothing.
type weakness struct {
	weakkey.Weakness
	tooLarge bool   // to be tested
	known    string // where the private key was published
}

// weaknessOf tests the key with the fingerprint.
func weaknessOf(k *PublicKey, fingerprint [sha256.Size]byte) weakness {
	w := weakness{known: knownKey(fingerprint)}
	switch {
	case k.Type != RSA || k.Bits() < weakBits || w.known != "":
	case k.Bits() > maxTestedBits:
		w.tooLarge = true
	default:
		w.Weakness = weakkey.Test(k.N)
	}
	return w
}

// knownKeys are keys whose private half stands in a standard, by the SHA-256 of
// their SubjectPublicKeyInfo.
var knownKeys = map[string]string{
	"dba3f0cb69f06d70e41abc6ac5812bc3d2639a24b621ba5d241202ac89cb7b9c": "RFC 6376, C",
	"362d9a99501883f6d1ac717c53fff96582fb0a7c52464cb64b9082aa887bc7b4": "RFC 8463, A",
	"06e3fd8fda29bb60ab59557de61edb0aecdb231134be30e75b455f8e1b792fa9": "RFC 8463, A",
}

func knownKey(fingerprint [sha256.Size]byte) string {
	var digits [2 * len(fingerprint)]byte
	hex.Encode(digits[:], fingerprint[:])
	return knownKeys[string(digits[:])]
}
