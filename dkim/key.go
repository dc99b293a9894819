package dkim

import (
	"cmp"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"strings"
)

// Why a record holds no public key. The errors of Record.PublicKey wrap one of
// these.
var (
	ErrRevoked    = errors.New("dkim: the key is revoked")
	ErrKeyType    = errors.New("dkim: the key type is unknown")
	ErrBase64     = errors.New("dkim: the key is not base64")
	ErrTruncated  = errors.New("dkim: the key is cut off")
	ErrPrivate    = errors.New("dkim: the key is a private one")
	ErrLength     = errors.New("dkim: an Ed25519 key has 32 octets")
	ErrUnreadable = errors.New("dkim: the key cannot be read")
)

// Form is how a public key is written in p=.
type Form string

const (
	SPKI  Form = "SubjectPublicKeyInfo" // what openssl rsa -pubout writes, and RFC 6376, C has
	PKCS1 Form = "RSAPublicKey"         // what the text of RFC 6376, 3.6.1 names
	Raw   Form = "raw"                  // the 32 octets of an Ed25519 key (RFC 8463, 4.2)
)

// PublicKey is the key that p= holds. It may be weak, and too large to be of use.
type PublicKey struct {
	Type    string // RSA or Ed25519
	Form    Form
	N, E    *big.Int          // modulus and exponent of an RSA key, both above 0
	Ed25519 ed25519.PublicKey // of an Ed25519 key: 32 octets
}

// Bits is the length of the modulus, leading zeros not counted; 256 for Ed25519.
func (k *PublicKey) Bits() int {
	if k.Type == Ed25519 {
		return 8 * ed25519.PublicKeySize
	}
	return k.N.BitLen()
}

// Crypto returns the *rsa.PublicKey or ed25519.PublicKey to verify with. It is
// false for an RSA exponent that package crypto/rsa has no room for.
func (k *PublicKey) Crypto() (crypto.PublicKey, bool) {
	if k.Type == Ed25519 {
		return k.Ed25519, true
	}
	if k.E.BitLen() > 31 {
		return nil, false
	}
	return &rsa.PublicKey{N: k.N, E: int(k.E.Int64())}, true
}

// fingerprint is the SHA-256 of the SubjectPublicKeyInfo.
func (k *PublicKey) fingerprint() [sha256.Size]byte { return sha256.Sum256(k.spki()) }

// base64 is the key as p= should have it.
func (k *PublicKey) base64() string {
	if k.Type == Ed25519 {
		return base64.StdEncoding.EncodeToString(k.Ed25519)
	}
	return base64.StdEncoding.EncodeToString(k.spki())
}

var (
	oidRSA     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1} // RFC 8017, C
	oidEd25519 = asn1.ObjectIdentifier{1, 3, 101, 112}             // RFC 8410, 3
)

type spki struct {
	Algorithm struct {
		OID        asn1.ObjectIdentifier
		Parameters asn1.RawValue `asn1:"optional"`
	}
	Key asn1.BitString
}

type rsaPublicKey struct{ N, E *big.Int }

func (k *PublicKey) spki() []byte {
	var info spki
	if k.Type == Ed25519 {
		info.Algorithm.OID = oidEd25519
		info.Key = bitString(k.Ed25519)
	} else {
		info.Algorithm.OID = oidRSA
		info.Algorithm.Parameters = asn1.NullRawValue
		der, _ := asn1.Marshal(rsaPublicKey{k.N, k.E}) // two integers: nothing can fail
		info.Key = bitString(der)
	}
	der, _ := asn1.Marshal(info)
	return der
}

func bitString(b []byte) asn1.BitString { return asn1.BitString{Bytes: b, BitLength: 8 * len(b)} }

// PublicKey decodes p= as the type that k= names. The error wraps one of the Err
// values above.
func (r *Record) PublicKey() (*PublicKey, error) {
	if r.Key == "" {
		return nil, ErrRevoked
	}
	typ := cmp.Or(r.KeyType, RSA)
	strict, err := decodeStrict(r.Key)
	if typ == Ed25519 && len(strict) == ed25519.PublicKeySize && err == nil {
		return &PublicKey{Type: Ed25519, Form: Raw, Ed25519: strict}, nil
	}
	// A private key has to be seen whatever else is wrong with the record, and that
	// a key is cut off before the base64 that the cut broke.
	der := decodeLoose(r.Key)
	if kind := privateKey(r.Key, der); kind != "" {
		return nil, fmt.Errorf("%w: %s", ErrPrivate, kind)
	}
	if typ != RSA && typ != Ed25519 {
		return nil, fmt.Errorf("%w: %q", ErrKeyType, typ)
	}
	if want := derLength(der); want > len(der) && onlyBase64(r.Key) {
		return nil, fmt.Errorf("%w: it says that it has %d octets and has %d", ErrTruncated, want, len(der))
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBase64, err)
	}
	key, err := readKey(strict)
	switch {
	case typ == Ed25519 && (err != nil || key.Type == Ed25519):
		return nil, fmt.Errorf("%w: p= has %d", ErrLength, len(strict))
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	case key.Type != typ:
		return nil, fmt.Errorf("%w: it is of type %s, and k= says %s", ErrUnreadable, key.Type, typ)
	}
	return key, nil
}

// readKey reads DER, SubjectPublicKeyInfo first.
func readKey(der []byte) (*PublicKey, error) {
	var info spki
	rest, err := asn1.Unmarshal(der, &info)
	if err == nil && len(rest) > 0 {
		return nil, fmt.Errorf("%d octets follow it", len(rest))
	}
	form := SPKI
	switch {
	case err != nil:
		form, info.Key.Bytes = PKCS1, der
	case info.Algorithm.OID.Equal(oidEd25519) && len(info.Key.Bytes) == ed25519.PublicKeySize:
		return &PublicKey{Type: Ed25519, Form: SPKI, Ed25519: info.Key.Bytes}, nil
	case !info.Algorithm.OID.Equal(oidRSA):
		return nil, fmt.Errorf("its algorithm is %s", info.Algorithm.OID)
	}
	var key rsaPublicKey
	rest, err = asn1.Unmarshal(info.Key.Bytes, &key)
	switch {
	case err != nil && len(der) == ed25519.PublicKeySize:
		return nil, errors.New("32 octets are an Ed25519 key, and there is no k=ed25519")
	case err != nil:
		return nil, errors.New("it is no DER of a public key")
	case len(rest) > 0:
		return nil, fmt.Errorf("%d octets follow it", len(rest))
	case key.N.Sign() <= 0 || key.E.Sign() <= 0:
		return nil, errors.New("modulus and exponent have to be above 0")
	}
	return &PublicKey{Type: RSA, Form: form, N: key.N, E: key.E}, nil
}

// decodeStrict wants the alphabet and whole groups. Of the padding it takes any:
// that is for Parse to judge.
func decodeStrict(s string) ([]byte, error) {
	return base64.RawStdEncoding.DecodeString(strings.TrimRight(s, "="))
}

// decodeLoose takes what is there: the armour of PEM, quotes and other octets are
// passed over, the alphabet for URLs is read, and a group cut short is dropped.
func decodeLoose(s string) []byte {
	if _, armour, ok := strings.Cut(s, "-----BEGIN"); ok {
		_, s, _ = strings.Cut(armour, "-----") // the end of the label
		s, _, _ = strings.Cut(s, "-----END")
	}
	digits := make([]byte, 0, len(s))
	for _, c := range []byte(s) {
		switch {
		case isBase64(c):
			digits = append(digits, c)
		case c == '-':
			digits = append(digits, '+')
		case c == '_':
			digits = append(digits, '/')
		}
	}
	if len(digits)%4 == 1 {
		digits = digits[:len(digits)-1]
	}
	der, _ := base64.RawStdEncoding.DecodeString(string(digits)) // the alphabet's digits in groups: nothing can fail
	return der
}

func onlyBase64(s string) bool {
	for _, c := range []byte(strings.TrimRight(s, "=")) {
		if !isBase64(c) {
			return false
		}
	}
	return true
}

// Tags of DER (X.690).
const (
	derInteger     = 0x02
	derOctetString = 0x04
	derSequence    = 0x30
)

// derLength is the length that the SEQUENCE at the start of der says it has, its
// header included; 0 where no SEQUENCE starts there.
func derLength(der []byte) int {
	content, header := derHeader(der)
	return content + header
}

func derHeader(der []byte) (content, header int) {
	if len(der) < 2 || der[0] != derSequence {
		return 0, 0
	}
	size := int(der[1] & 0x7f)
	switch {
	case der[1] < 0x80:
		return size, 2
	case size == 0 || size > 3 || len(der) < 2+size:
		return 0, 0
	}
	for _, b := range der[2 : 2+size] {
		content = content<<8 | int(b)
	}
	return content, 2 + size
}

// privateKey says which kind of private key p= starts with, "" for none. Private
// keys begin with a version of 0 or 1 (RFC 8017, A.1.2; RFC 5958, 2; RFC 5915, 3),
// which no public key does, so one that is cut off is recognised too.
func privateKey(p string, der []byte) string {
	if strings.Contains(p, "PRIVATEKEY-----") || strings.Contains(p, "PRIVATE KEY-----") {
		return "PEM"
	}
	if len(der) == ed25519.PrivateKeySize && ed25519.NewKeyFromSeed(der[:ed25519.SeedSize]).Equal(ed25519.PrivateKey(der)) {
		return "Ed25519 seed and public key"
	}
	content, header := derHeader(der)
	if content < 16 || len(der) < header+4 {
		return ""
	}
	body := der[header:]
	if body[0] != derInteger || body[1] != 1 || body[2] > 1 {
		return ""
	}
	switch body[3] {
	case derInteger:
		return "PKCS #1"
	case derSequence:
		return "PKCS #8"
	case derOctetString:
		return "SEC 1"
	}
	return ""
}
