package tlscert

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"encoding/hex"
	"hash"
)

// crypto/tls hands out no certificate of a chain of which it cannot read one: a
// negative serial number, an RSA key of more than 8192 bits, a slip in the DER. Such a
// chain is what somebody wants to see, so it is taken out of the octets that came.

// maxUnread bounds the certificates of such a chain.
const maxUnread = 100

// Types of records and messages (RFC 8446, 5.1 and 4).
const (
	recordHandshake   = 22
	recordApplication = 23
	messageCert       = 11
)

// unread finds the chain in what a server sent, nil where it is not there in full.
// Up to TLS 1.2 it came in the clear; the secret opens what came after the hello of a
// server of TLS 1.3.
func unread(sent, secret []byte) [][]byte {
	var messages []byte
	var opened *opener
	for len(sent) >= 5 {
		n := int(binary.BigEndian.Uint16(sent[3:]))
		if len(sent) < 5+n {
			break
		}
		head, body := sent[:5], sent[5:5+n]
		sent = sent[5+n:]
		switch head[0] {
		case recordHandshake:
			messages = append(messages, body...)
		case recordApplication:
			if opened == nil {
				if opened = newOpener(secret); opened == nil {
					return nil
				}
			}
			messages = append(messages, opened.handshake(head, body)...)
		}
	}
	for len(messages) >= 4 {
		body, rest, ok := prefixed(messages[1:], 3)
		if !ok {
			return nil
		}
		if messages[0] == messageCert {
			return certificateList(body, opened != nil)
		}
		messages = rest
	}
	return nil
}

// prefixed splits off what so many octets of length announce.
func prefixed(b []byte, size int) (body, rest []byte, ok bool) {
	n := 0
	for i := range size {
		if i == len(b) {
			return nil, nil, false
		}
		n = n<<8 | int(b[i])
	}
	b = b[size:]
	if n > len(b) {
		return nil, nil, false
	}
	return b[:n], b[n:], true
}

// certificateList reads the Certificate message of TLS 1.2 (RFC 5246, 7.4.2) or of 1.3
// (RFC 8446, 4.4.2), which has a context before the list and extensions in it.
func certificateList(b []byte, tls13 bool) (chain [][]byte) {
	ok := true
	if tls13 {
		_, b, ok = prefixed(b, 1)
	}
	if ok {
		b, _, ok = prefixed(b, 3)
	}
	for ok && len(b) > 0 && len(chain) < maxUnread {
		var der []byte
		if der, b, ok = prefixed(b, 3); !ok {
			break
		}
		chain = append(chain, bytes.Clone(der))
		if tls13 {
			_, b, ok = prefixed(b, 2)
		}
	}
	return chain
}

// opener decrypts the records of a server's handshake, in their order (RFC 8446, 5.2
// and 7.3).
type opener struct {
	aead cipher.AEAD
	iv   []byte
	next uint64
}

// newOpener is nil for suites of ChaCha20-Poly1305, which the standard library keeps
// to itself, once it has opened nothing.
func newOpener(secret []byte) *opener {
	var sum func() hash.Hash
	var size int
	switch len(secret) {
	case sha256.Size:
		sum, size = sha256.New, 16 // TLS_AES_128_GCM_SHA256
	case sha512.Size384:
		sum, size = sha512.New384, 32 // TLS_AES_256_GCM_SHA384
	default:
		return nil
	}
	key, err := expand(sum, secret, "key", size)
	if err != nil {
		return nil
	}
	iv, err := expand(sum, secret, "iv", 12)
	if err != nil {
		return nil
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil
	}
	return &opener{aead: aead, iv: iv}
}

// expand is HKDF-Expand-Label without a context (RFC 8446, 7.1).
func expand(sum func() hash.Hash, secret []byte, label string, size int) ([]byte, error) {
	label = "tls13 " + label
	info := string([]byte{0, byte(size), byte(len(label))}) + label + "\x00"
	return hkdf.Expand(sum, secret, info, size)
}

// handshake opens one record, and returns what it holds of the handshake.
func (o *opener) handshake(head, body []byte) []byte {
	nonce := bytes.Clone(o.iv)
	for i := range 8 {
		nonce[4+i] ^= byte(o.next >> (8 * (7 - i)))
	}
	o.next++
	plain, err := o.aead.Open(nil, nonce, body, head)
	if err != nil {
		return nil
	}
	plain = bytes.TrimRight(plain, "\x00") // padding
	if len(plain) == 0 || plain[len(plain)-1] != recordHandshake {
		return nil
	}
	return plain[:len(plain)-1]
}

// keyLog keeps the secret of the server's handshake out of what crypto/tls writes to
// Config.KeyLogWriter. It protects nothing but a chain that anybody may ask for.
type keyLog struct{ secret []byte }

func (k *keyLog) Write(line []byte) (int, error) {
	if rest, ok := bytes.CutPrefix(line, []byte("SERVER_HANDSHAKE_TRAFFIC_SECRET ")); ok {
		_, secret, _ := bytes.Cut(bytes.TrimSpace(rest), []byte(" "))
		k.secret, _ = hex.AppendDecode(nil, secret)
	}
	return len(line), nil
}
