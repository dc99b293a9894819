package dkim_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/dkim"
)

// Sound keys; nobody has their private halves.
const (
	rsa2048    = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAyym3/kdfYOOJmIbl3s9CtJntypa+/m+EM8pdW+1Wd28//kOJZvYeiWAGfqanOp+JprQ8QuNMV683ly7eyym1WGYWV99FqfByUBPBJF/z/bPDZjyrTTDFM8GjmMs3MSGVPbgEFWD/bmIPmL34Y5XTJrKQwxtlldg9wK96J6/bdLhkqVbAoX5vk6gjAEpT/4jvTK+UWHtq/yRRTpuSW0S0Ne4DsfvgL4q9N8/0mbBy7mi4xvfNqgFN2HRLU93VKOa6Xk3yi9HZO1UFeSZoxHGbTKjAOrBGs/7VxXU2tJuvvMP8syhLmQcCVZCSrVS1/vGtHqh2WFBRQXlnh46uK6TF7QIDAQAB"
	other2048  = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAnb0S2PFzKXVd/ONbPCW6fgj3HVo22+vmLCVHzhFaU78mZMO++TOv6/DOe6xL/9XxAky/4I+ZrbmbG/hoT1Rijcfrhy0+rwQ7Dh/TfwejGyEpqPoMhxmiHwOXPWYWw065K6/AYrtFI8yvwZ8iNjTawuvlAPXuun3DdsYNL+sw8+R0xEhWYyZtJ94nqbNtNhODRigIRDF0Ltg6rUcgzcqlQxC0TrAfSJgUGo+QXUTa99nxf4s/JHYYz7ynVeD8o2uRWqudYmfQ1KwGXb0rzuItyX9nPo10hBTTP8KYyDMvi1gZ/xLOZI2S27Atjd+njYr65EYYdSegSYiPRLoBBViPQQIDAQAB"
	ed25519Key = "9Upxi//bW1hVGBph1XOZkilGntfLtVDR1cJZNwTKWm4="
)

func b64(b []byte, err error) string {
	if err != nil {
		panic(err)
	}
	return base64.StdEncoding.EncodeToString(b)
}

// Keys as the standard library writes them come back as they were.
func TestRecord_PublicKey(t *testing.T) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	public := &private.PublicKey
	point := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)).Public().(ed25519.PublicKey)
	type key struct {
		Type   string
		Form   dkim.Form
		Bits   int
		Public crypto.PublicKey
	}
	tests := []struct {
		name string
		rec  dkim.Record
		want key
	}{
		{
			name: "SubjectPublicKeyInfo",
			rec:  dkim.Record{KeyType: "rsa", Key: b64(x509.MarshalPKIXPublicKey(public))},
			want: key{"rsa", dkim.SPKI, 2048, public},
		},
		{
			name: "rsa is the default",
			rec:  dkim.Record{Key: b64(x509.MarshalPKIXPublicKey(public))},
			want: key{"rsa", dkim.SPKI, 2048, public},
		},
		{
			name: "RSAPublicKey",
			rec:  dkim.Record{KeyType: "rsa", Key: b64(x509.MarshalPKCS1PublicKey(public), nil)},
			want: key{"rsa", dkim.PKCS1, 2048, public},
		},
		{
			name: "the raw octets of Ed25519",
			rec:  dkim.Record{KeyType: "ed25519", Key: b64(point, nil)},
			want: key{"ed25519", dkim.Raw, 256, point},
		},
		{
			name: "without padding",
			rec:  dkim.Record{KeyType: "ed25519", Key: strings.TrimRight(b64(point, nil), "=")},
			want: key{"ed25519", dkim.Raw, 256, point},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.rec.PublicKey()
			require.NoError(t, err)
			usable, ok := got.Crypto()
			require.True(t, ok)
			assert.Equal(t, tt.want, key{got.Type, got.Form, got.Bits(), usable})
		})
	}
}

func TestRecord_PublicKey_errors(t *testing.T) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	pkcs1 := x509.MarshalPKCS1PrivateKey(private)
	armour := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs1}))
	spki, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	require.NoError(t, err)
	tests := []struct {
		name    string
		keyType string
		key     string
		want    error
	}{
		{"an empty p", "rsa", "", dkim.ErrRevoked},
		{"another type", "dsa", "AAAA", dkim.ErrKeyType},
		{"no base64", "rsa", "AA!A", dkim.ErrBase64},
		{"no base64 that is cut", "rsa", b64(spki[:100], nil) + "!", dkim.ErrBase64},
		{"no key", "rsa", "AAAA", dkim.ErrUnreadable},
		{"an empty SEQUENCE", "rsa", "MAA=", dkim.ErrUnreadable},
		{"a SEQUENCE without a length", "rsa", "MA==", dkim.ErrUnreadable},
		{"a SEQUENCE whose length is cut", "rsa", "MII=", dkim.ErrUnreadable},
		{"cut in the middle", "rsa", b64(spki[:100], nil), dkim.ErrTruncated},
		{"cut by one octet", "rsa", b64(spki[:len(spki)-1], nil), dkim.ErrTruncated},
		{"one octet too many", "rsa", b64(append(spki[:len(spki):len(spki)], 0), nil), dkim.ErrUnreadable},
		{"modulus 0", "rsa", "MAYCAQACAQM=", dkim.ErrUnreadable},
		{"PKCS #1", "rsa", b64(pkcs1, nil), dkim.ErrPrivate},
		{"PKCS #1, cut", "rsa", b64(pkcs1[:30], nil), dkim.ErrPrivate},
		{"PKCS #8", "rsa", b64(x509.MarshalPKCS8PrivateKey(private)), dkim.ErrPrivate},
		{"PKCS #8 of a curve, whatever k says", "ed25519", b64(x509.MarshalPKCS8PrivateKey(curve)), dkim.ErrPrivate},
		{"SEC 1", "rsa", b64(x509.MarshalECPrivateKey(curve)), dkim.ErrPrivate},
		{"PEM", "rsa", strings.ReplaceAll(armour, "\n", ""), dkim.ErrPrivate},
		{"an Ed25519 key with its seed", "ed25519", b64(ed25519.NewKeyFromSeed(make([]byte, 32)), nil), dkim.ErrPrivate},
		{"another 64 octets", "ed25519", b64(make([]byte, 64), nil), dkim.ErrLength},
		{"31 octets of Ed25519", "ed25519", b64(make([]byte, 31), nil), dkim.ErrLength},
		{"an RSA key that says it is Ed25519", "ed25519", b64(spki, nil), dkim.ErrUnreadable},
		{"a curve's public key", "rsa", b64(x509.MarshalPKIXPublicKey(&curve.PublicKey)), dkim.ErrUnreadable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			key, err := (&dkim.Record{KeyType: tt.keyType, Key: tt.key}).PublicKey()
			assert.Nil(t, key)
			require.ErrorIs(t, err, tt.want)
		})
	}
}

func TestPublicKey_Crypto_hugeExponent(t *testing.T) {
	rec := dkim.Record{KeyType: "rsa", Key: "MA0CBQEAAAABAgQA//8B"} // e of 24 bits and n of 33
	key, err := rec.PublicKey()
	require.NoError(t, err)
	_, ok := key.Crypto()
	assert.True(t, ok)

	rec.Key = "MAwCAwD//wIFAQAAAAE=" // e of 33 bits
	key, err = rec.PublicKey()
	require.NoError(t, err)
	_, ok = key.Crypto()
	assert.False(t, ok)
}
