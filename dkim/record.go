package dkim

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrNotKey means that a text does not even mean to be a key record.
var ErrNotKey = errors.New("dkim: not a key record")

const version = "DKIM1"

// Types of keys (RFC 6376, 3.6.1; RFC 8463, 4.2).
const (
	RSA     = "rsa"
	Ed25519 = "ed25519"
)

// Record is a key record (RFC 6376, 3.6.1).
type Record struct {
	Version  string   // v; "" where absent, which means DKIM1
	Hashes   []string // h; nil where absent, which allows every hash
	KeyType  string   // k; Parse has "rsa" where it is absent
	Notes    string   // n, still quoted-printable
	Key      string   // p, base64 without white space; "" where the key is revoked
	Services []string // s; nil where absent, which means every service
	Flags    []string // t
	Others   []Tag    // tags that RFC 6376 does not define, in their order; g of RFC 4871 is one
}

// Tag is one name=value of a record.
type Tag struct{ Name, Value string }

// ForMail reports whether s= lets the key sign mail.
func (r *Record) ForMail() bool {
	return r.Services == nil || slices.Contains(r.Services, "*") || slices.Contains(r.Services, "email")
}

// Allows reports whether h= lets the key sign with a hash: "sha256".
func (r *Record) Allows(hash string) bool { return r.Hashes == nil || slices.Contains(r.Hashes, hash) }

// Testing reports the flag y: the domain is testing DKIM, and its signatures
// count for nothing (RFC 6376, 3.6.1).
func (r *Record) Testing() bool { return slices.Contains(r.Flags, "y") }

// String writes the record with v first and p last, and leaves defaults out.
func (r *Record) String() string {
	var b strings.Builder
	put := func(name, value string) {
		if b.Len() > 0 {
			b.WriteString("; ")
		}
		b.WriteString(name + "=" + value)
	}
	if r.Version != "" {
		put("v", r.Version)
	}
	if r.KeyType != "" && r.KeyType != RSA {
		put("k", r.KeyType)
	}
	if r.Hashes != nil {
		put("h", strings.Join(r.Hashes, ":"))
	}
	if r.Services != nil {
		put("s", strings.Join(r.Services, ":"))
	}
	if len(r.Flags) > 0 {
		put("t", strings.Join(r.Flags, ":"))
	}
	if r.Notes != "" {
		put("n", r.Notes)
	}
	for _, t := range r.Others {
		put(t.Name, t.Value)
	}
	put("p", r.Key)
	return b.String()
}

// Fault is a kind of SyntaxError.
type Fault string

const (
	FaultTagList   Fault = "tag-list"  // a piece is no tag=value
	FaultEmpty     Fault = "empty-tag" // nothing between two semicolons
	FaultEscape    Fault = "escape"    // a backslash in front of a semicolon, as zone files have it
	FaultValue     Fault = "value"     // a value that its tag does not allow
	FaultDuplicate Fault = "duplicate" // a tag stands twice
	FaultCase      Fault = "case"      // a tag's name in capitals, which is another tag's
	FaultVersion   Fault = "version"   // v is not DKIM1, or not the first tag
	FaultNoKey     Fault = "no-key"    // there is no p
	FaultBase64    Fault = "base64"    // p is no base64
)

// SyntaxError says where a record departs from the grammar of RFC 6376, 3.2 and
// 3.6.1.
type SyntaxError struct {
	Kind      Fault
	Offset    int    // octets into the text
	Term      string // what stands there; may be empty
	Reason    string
	Tolerated bool // common verifiers use the record all the same
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("dkim: octet %d, %q: %s", e.Offset, clip(e.Term), e.Reason)
}

func clip(s string) string {
	const most = 60
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

// Parse reads the text of one TXT record, its strings joined. It returns
// ErrNotKey where the text is no tag list or another protocol's record. Where the
// text breaks the grammar it returns the record as it was meant, as far as that
// can be told, with a *SyntaxError: the first fault for which a verifier must
// ignore the record, else the first that common verifiers tolerate.
//
// The key itself is not read: see [Record.PublicKey].
func Parse(txt string) (*Record, error) {
	p := parse(txt)
	if p == nil {
		return nil, ErrNotKey
	}
	if fault := p.worst(); fault != nil {
		return &p.rec, fault
	}
	return &p.rec, nil
}
