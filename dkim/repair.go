package dkim

import (
	"regexp"
	"slices"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

// Repair returns one change for each record that can be made right without a new
// key: the layout of the tag list, the names and values of tags, the encoding of
// the key. A private key that was published becomes a revoked one; it could not
// be verified with before either. Records that stand outside the domain, at the
// end of a CNAME, are for others to change.
func Repair(a *Analysis) []check.Change {
	var changes []check.Change
	for _, r := range a.records {
		if c := a.repair(r.at); c != nil && !slices.ContainsFunc(changes, func(o check.Change) bool { return o.Name == c.Name }) {
			changes = append(changes, *c)
		}
	}
	return changes
}

// repair is the change at one selector, nil where none can be computed.
func (a *Analysis) repair(s *SelectorAnalysis) *check.Change {
	if s.Extra > 0 || !a.owns(s) {
		return nil
	}
	var keys []*KeyRecord
	var others []string
	for _, k := range s.Records {
		if k.Record != nil {
			keys = append(keys, k)
		} else {
			others = append(others, k.Text)
		}
	}
	if len(keys) != 1 { // nobody can tell which key is in use
		return nil
	}
	change := &check.Change{Name: s.end(), Type: dnsx.TypeTXT.String(), Old: others}
	if text, ok := mend(keys[0]); ok {
		change.Old = append([]string{keys[0].Text}, others...)
		change.New = []string{text}
	}
	if len(change.Old) == 0 {
		return nil
	}
	return change
}

// owns reports whether the records at a selector stand in the domain, at a name
// that is known. Where in the tree a wildcard stands is not.
func (a *Analysis) owns(s *SelectorAnalysis) bool {
	return s != a.Wildcard && dnsx.Below(s.end(), a.Domain)
}

// end is the name where the records stand.
func (s *SelectorAnalysis) end() string {
	if s.Target != "" {
		return s.Target
	}
	return s.Owner
}

// mend returns the text that a record was meant to have, where that can be told and
// is another one. A difference of layout that verifiers take is no reason.
func mend(old *KeyRecord) (string, bool) {
	if old.isPrivate() {
		return (&Record{Version: version}).String(), true
	}
	if !mendable(old) {
		return "", false
	}
	rec, ok := reread(old.Text)
	if !ok {
		return "", false
	}
	again := readRecord(rec.String())
	return again.Text, !mendable(again)
}

// mendable reports whether something about a record can be wrong that needs no new key.
func mendable(k *KeyRecord) bool {
	switch {
	case len(k.Faults) > 0, k.Key == nil && !k.Revoked():
		return true
	case k.Key != nil && k.Key.Form == PKCS1:
		return true
	case k.Record.Hashes != nil && (!k.Record.Allows("sha256") || k.Record.Allows("sha1")):
		return true
	}
	capitals := func(s string) bool { return strings.EqualFold(s, "email") }
	return k.Record.hasTag("g") || !k.Record.ForMail() && slices.ContainsFunc(k.Record.Services, capitals)
}

func (r *Record) hasTag(name string) bool {
	return slices.ContainsFunc(r.Others, func(t Tag) bool { return t.Name == name })
}

var (
	// marks that get into records with copy and paste: quotes, white space that is
	// not ASCII, octets without width.
	pasted = strings.NewReplacer(`"`, "", "“", "", "”", "", "\u00a0", " ", "\u200b", "", "\ufeff", "", `\;`, ";")
	// A tag that has no semicolon in front of it. Base64 may end like one, in "=".
	missing = regexp.MustCompile(`[\s,]+([vhkpst])\s*=\s*([^=\s])`)
)

// reread reads a text as it was meant: it is false where two readings are possible.
func reread(text string) (*Record, bool) {
	if bareKey(text) {
		text = "p=" + squeeze(text)
	}
	rec := &Record{Version: version, KeyType: RSA}
	seen := map[string]string{}
	for piece := range strings.SplitSeq(pasted.Replace(text), ";") {
		if !strings.HasPrefix(strings.TrimLeft(piece, fws), "n=") {
			piece = missing.ReplaceAllString(piece, ";$1=$2")
		}
		for term := range strings.SplitSeq(piece, ";") {
			name, value, ok := strings.Cut(strings.Trim(term, fws), "=")
			name, value = strings.TrimRight(name, fws), strings.TrimLeft(value, fws)
			if low := strings.ToLower(name); isKeyTag(low) {
				name = low
			}
			switch other, twice := seen[name]; {
			case strings.Trim(term, fws) == "":
				continue
			case !ok && strings.EqualFold(name, version):
				continue
			case !ok || !isTagName(name) || twice && other != value:
				return nil, false
			case !twice:
				seen[name] = value
				rec.set(name, value)
			}
		}
	}
	if _, ok := seen["p"]; !ok {
		return nil, false
	}
	return rec, rec.setKey()
}

// set takes one tag; v and g are known without looking.
func (r *Record) set(name, value string) {
	switch name {
	case "v", "g":
	case "k":
		r.KeyType = strings.ToLower(value)
	case "h":
		for _, hash := range words(value) {
			if hash != "sha1" && isWord(hash) {
				r.Hashes = append(r.Hashes, hash)
			}
		}
		if !r.Allows("sha256") {
			r.Hashes = nil
		}
	case "s":
		r.Services = words(value)
	case "t":
		if value != "" {
			r.Flags = words(value)
		}
	case "n":
		r.Notes = value
	case "p":
		r.Key = value
	default:
		r.Others = append(r.Others, Tag{name, value})
	}
}

func words(list string) []string { return strings.Split(squeeze(strings.ToLower(list)), ":") }

// setKey writes the key as it should be; the octets decide its type. It is false
// where they hold none.
func (r *Record) setKey() bool {
	if squeeze(r.Key) == "" {
		r.Key = ""
		return true
	}
	plain := Record{Key: squeeze(r.Key), KeyType: r.KeyType}
	key, err := plain.PublicKey()
	if err != nil {
		der := decodeLoose(r.Key)
		if n := derLength(der); 0 < n && n < len(der) { // what follows the key is no part of it
			der = der[:n]
		}
		if key, err = readKey(der); err != nil {
			return false
		}
	}
	r.KeyType, r.Key = key.Type, key.base64()
	return true
}
