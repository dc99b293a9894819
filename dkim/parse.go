package dkim

import (
	"fmt"
	"slices"
	"strings"
)

const fws = " \t\r\n"

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// parser reads a tag list. Its faults stand in the order of the text.
type parser struct {
	rec    Record
	faults []*SyntaxError
	seen   map[string]bool         // names of tags
	caps   map[string]*SyntaxError // of a K= that was read as k=, by "k"
}

// parse returns nil where the text is no key record.
func parse(txt string) *parser {
	p := &parser{rec: Record{KeyType: RSA}, seen: map[string]bool{}, caps: map[string]*SyntaxError{}}
	switch {
	case isTagList(txt):
	case bareKey(txt):
		p.rec.Key = squeeze(txt)
		p.fail(FaultTagList, 0, txt, "a key alone, without p= in front of it")
		return p
	default:
		return nil
	}
	at, rest := 0, txt
	for more := true; more; {
		var piece string
		piece, rest, more = strings.Cut(rest, ";")
		start, term := trim(at, piece)
		switch {
		case term != "":
			p.tag(start, term, more)
		case more:
			p.tolerate(FaultEmpty, start, ";", "a semicolon with no tag in front of it")
		}
		at += len(piece) + 1
	}
	p.finish(len(txt))
	return p
}

// finish judges what only the whole list shows.
func (p *parser) finish(end int) {
	for _, name := range []string{"p", "k"} {
		if caps := p.caps[name]; caps != nil && !p.seen[name] {
			caps.Tolerated = name == "k" && p.rec.KeyType == RSA
		}
	}
	if !p.seen["p"] && (p.worst() == nil || p.worst().Tolerated) { // else a fault may have swallowed it
		p.fail(FaultNoKey, end, "", "there is no p=")
	}
}

// worst is the first fault that is not tolerated, else the first.
func (p *parser) worst() *SyntaxError {
	if len(p.faults) == 0 {
		return nil
	}
	if i := slices.IndexFunc(p.faults, func(f *SyntaxError) bool { return !f.Tolerated }); i >= 0 {
		return p.faults[i]
	}
	return p.faults[0]
}

func (p *parser) fail(kind Fault, at int, term, reason string) *SyntaxError {
	f := &SyntaxError{Kind: kind, Offset: at, Term: term, Reason: reason}
	p.faults = append(p.faults, f)
	return f
}

func (p *parser) tolerate(kind Fault, at int, term, reason string) *SyntaxError {
	f := p.fail(kind, at, term, reason)
	f.Tolerated = true
	return f
}

// tag reads one tag-spec, of which blanks at both ends are cut. There are more
// where a semicolon follows it.
func (p *parser) tag(at int, term string, more bool) {
	name, value, ok := strings.Cut(term, "=")
	name = strings.TrimRight(name, fws)
	switch {
	case !ok:
		p.fail(FaultTagList, at, term, "not of the form tag=value")
		return
	case !isTagName(name):
		p.fail(FaultTagList, at, term, "a tag's name has letters, digits and underscores, and starts with a letter")
		return
	case p.seen[name]:
		p.fail(FaultDuplicate, at, term, "the tag stands twice, which voids the whole list")
		return
	}
	first := len(p.seen) == 0
	p.seen[name] = true
	at, value = trim(at+len(term)-len(value), value)
	meant := name
	if capital := strings.ToLower(name); capital != name && isKeyTag(capital) {
		meant = p.capitals(at, name, value)
	}
	if !isKeyTag(meant) {
		p.rec.Others = append(p.rec.Others, Tag{name, value})
		p.octets(at, value)
		return
	}
	if cut, escaped := strings.CutSuffix(value, `\`); escaped && more && meant != "n" {
		value = strings.TrimRight(cut, fws)
		if !slices.ContainsFunc(p.faults, func(f *SyntaxError) bool { return f.Kind == FaultEscape }) {
			p.fail(FaultEscape, at+len(value), `\;`, "the backslash is part of the value; only zone files need one in front of a semicolon")
		}
	}
	p.value(meant, at, value, first)
}

// capitals reads K= as the k= that it was meant to be, unless there is a k= before
// it. To a verifier it is an unknown tag; finish says whether that costs the record.
func (p *parser) capitals(at int, name, value string) (meant string) {
	meant = strings.ToLower(name)
	fault := p.tolerate(FaultCase, at, name+"="+value, "the names of tags are case-sensitive: "+name+" is another tag than "+meant)
	if p.seen[meant] || meant == "v" {
		return name
	}
	p.caps[meant] = fault
	return meant
}

func (p *parser) value(name string, at int, value string, first bool) {
	switch name {
	case "v":
		p.rec.Version = value
		switch {
		case value != version:
			p.fail(FaultVersion, at, value, "the version has to be DKIM1, to the letter")
		case !first:
			p.fail(FaultVersion, at, "v="+value, "the version has to be the first tag")
		}
	case "k":
		p.rec.KeyType = value
		p.word(at, value)
	case "h":
		p.rec.Hashes = p.list(at, value, "", false)
	case "s":
		p.rec.Services = p.list(at, value, "*", false)
	case "t":
		if value != "" {
			p.rec.Flags = p.list(at, value, "", true)
		} else {
			p.tolerate(FaultValue, at, "t=", "the list of flags is empty")
		}
	case "n":
		p.rec.Notes = value
		p.octets(at, value)
	case "p":
		p.rec.Key = squeeze(value)
		p.base64(at, value)
	}
}

// word wants a hyphenated-word (RFC 6376, 2.10).
func (p *parser) word(at int, s string) {
	if !isWord(s) {
		p.fail(FaultValue, at, s, "the value has to be a word of letters, digits and hyphens")
	}
}

// list reads words with colons between (RFC 6376, 3.6.1); extra may stand where a
// word does.
func (p *parser) list(at int, value, extra string, tolerated bool) []string {
	words := []string{}
	for more := true; more; {
		var piece string
		piece, value, more = strings.Cut(value, ":")
		start, word := trim(at, piece)
		if !isWord(word) && (word == "" || word != extra) {
			f := p.fail(FaultValue, start, word, "the value has to be words of letters, digits and hyphens with colons between them")
			f.Tolerated = tolerated
		}
		words = append(words, word)
		at += len(piece) + 1
	}
	return words
}

// octets wants printable ASCII and blanks (RFC 6376, 3.2) in a value that no
// verifier uses.
func (p *parser) octets(at int, value string) {
	for i, c := range []byte(value) {
		if (c < ' ' || c >= 0x7f) && !isBlank(c) {
			p.tolerate(FaultValue, at+i, value[i:], "an octet that is not printable ASCII")
			return
		}
	}
}

// base64 wants a base64string (RFC 6376, 2.10), whose padding the grammar leaves
// open and decoders do not.
func (p *parser) base64(at int, value string) {
	digits, padding := 0, 0
	for i, c := range []byte(value) {
		switch {
		case isBlank(c):
		case c == '=':
			padding++
		case !isBase64(c):
			p.fail(FaultBase64, at+i, value[i:], "the octet is not of the base64 alphabet")
			return
		case padding > 0:
			p.fail(FaultBase64, at+i, value[i:], `"=" may only stand at the end`)
			return
		default:
			digits++
		}
	}
	switch {
	case digits%4 == 1 || padding > 2 || digits == 0 && padding > 0:
		p.fail(FaultBase64, at, value, fmt.Sprintf("%d digits and %d of padding are no base64", digits, padding))
	case (digits+padding)%4 != 0:
		p.tolerate(FaultBase64, at, value, `the "=" at the end do not fill up the last group of four, which some decoders refuse`)
	}
}

// isTagList reports whether a text means to be the tag list of a key: its version
// starts like DKIM's, or it has a p= or a k= of a known type and no other protocol's
// version.
func isTagList(txt string) bool {
	first := true
	for piece := range strings.SplitSeq(txt, ";") {
		name, value, _ := strings.Cut(strings.Trim(piece, fws+`"`), "=")
		name, value = strings.TrimRight(name, fws), strings.TrimLeft(value, fws)
		switch {
		case strings.EqualFold(name, "p"):
			return true
		case strings.EqualFold(name, "k") && startsWith(value, RSA, Ed25519):
			return true
		case strings.EqualFold(name, "v") && startsWith(value, "dkim"):
			return true
		case first && strings.EqualFold(name, "v") && startsWith(value, "spf", "dmarc", "bimi", "sts", "tlsrpt"):
			return false
		}
		first = false
	}
	return false
}

// startsWith reports whether s starts with one of the words, in any case.
func startsWith(s string, words ...string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return len(s) >= len(w) && strings.EqualFold(s[:len(w)], w) })
}

// bareKey reports whether a text is a key and nothing else: the base64 of DER, or PEM.
func bareKey(txt string) bool {
	if strings.HasPrefix(strings.Trim(txt, fws+`"`), "-----BEGIN ") {
		return true
	}
	der, err := decodeStrict(squeeze(txt))
	return err == nil && len(der) > 32 && der[0] == derSequence && der[1]&0x80 != 0 && derLength(der) == len(der)
}

func isKeyTag(name string) bool { return len(name) == 1 && strings.Contains("vhknpst", name) }

func isTagName(s string) bool {
	for i, c := range []byte(s) {
		if !isAlpha(c) && (i == 0 || !isDigit(c) && c != '_') {
			return false
		}
	}
	return s != ""
}

func isWord(s string) bool {
	if s == "" || !isAlpha(s[0]) || s[len(s)-1] == '-' {
		return false
	}
	for _, c := range []byte(s) {
		if !isAlpha(c) && !isDigit(c) && c != '-' {
			return false
		}
	}
	return true
}

func isBase64(c byte) bool { return isAlpha(c) || isDigit(c) || c == '+' || c == '/' }

func isAlpha(c byte) bool { c |= 0x20; return 'a' <= c && c <= 'z' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// trim cuts the blanks around a piece, and returns where the rest starts.
func trim(at int, piece string) (int, string) {
	right := strings.TrimLeft(piece, fws)
	return at + len(piece) - len(right), strings.TrimRight(right, fws)
}

// squeeze takes all white space out.
func squeeze(s string) string {
	if !strings.ContainsAny(s, fws) {
		return s
	}
	b := make([]byte, 0, len(s))
	for _, c := range []byte(s) {
		if !isBlank(c) {
			b = append(b, c)
		}
	}
	return string(b)
}
