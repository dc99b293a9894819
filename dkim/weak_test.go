package dkim

import (
	"crypto/ed25519"
	"math/big"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/mailcheck-go/mailcheck/internal/weakkey"
)

func rsaKeyOf(n *big.Int) *PublicKey {
	return &PublicKey{Type: RSA, Form: SPKI, N: n, E: big.NewInt(65537)}
}

// Package weakkey tests the tests; here are the bounds of what is tested.
func TestWeaknessOf(t *testing.T) {
	even := weakness{Weakness: weakkey.Weakness{Factor: 2}}
	tests := []struct {
		name string
		key  *PublicKey
		want weakness
	}{
		{"a key that anybody can factor is not tested", rsaKeyOf(new(big.Int).Lsh(big.NewInt(1), weakBits-2)), weakness{}},
		{"the smallest that is", rsaKeyOf(new(big.Int).Lsh(big.NewInt(1), weakBits-1)), even},
		{"the largest that is", rsaKeyOf(new(big.Int).Lsh(big.NewInt(1), maxTestedBits-1)), even},
		{"one that is too large", rsaKeyOf(new(big.Int).Lsh(big.NewInt(1), maxTestedBits)), weakness{tooLarge: true}},
		{"Ed25519", &PublicKey{Type: Ed25519, Form: Raw, Ed25519: ed25519.NewKeyFromSeed(make([]byte, 32)).Public().(ed25519.PublicKey)}, weakness{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { assert.Equal(t, tt.want, weaknessOf(tt.key, tt.key.fingerprint())) })
	}
}

// The known keys are those that the standards print.
func TestKnownKeys(t *testing.T) {
	for txt, want := range map[string]string{
		"v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB":        "RFC 6376, C",
		"v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB": "RFC 8463, A",
		"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=": "RFC 8463, A",
	} {
		k := readRecord(txt)
		assert.Equal(t, weakness{known: want}, weaknessOf(k.Key, k.fingerprint))
	}
}
