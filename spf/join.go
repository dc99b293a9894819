package spf

import "strings"

// glue is two terms that ran together, because the strings of a TXT record are
// joined with nothing between (RFC 7208, 3.3).
type glue struct {
	token       string // all that stands between two blanks
	offset      int    // octets into the text, of the token
	at          int    // where the second term starts
	left, right string
}

// Bounds of the search for them: the strings of a record may have one octet each.
const (
	maxJoins = 300   // of one text; strings of 255 octets, which fill the largest TXT record, have fewer
	maxToken = 1_000 // octets around a join
)

// gluedTerms looks for them at the ends of the strings that make up a text, as many as
// the bounds let it.
func gluedTerms(text string, strs [][]byte) []glue {
	if len(strs) < 2 {
		return nil
	}
	var joins []int
	at := 0
	for _, s := range strs[:len(strs)-1] {
		at += len(s)
		joins = append(joins, at)
	}
	var found []glue
	start := 0 // of the term that a join may cut off
	for i, at := range joins[:min(len(joins), maxJoins)] {
		if at <= len(version) || len(found) == maxFindings {
			continue
		}
		first := strings.LastIndexByte(text[:at], ' ') + 1
		last := len(text)
		if n := strings.IndexByte(text[at:], ' '); n >= 0 {
			last = at + n
		}
		if last-first > maxToken {
			continue
		}
		start = max(start, first)
		ends := []int{last}
		if i+1 < len(joins) && joins[i+1] < last {
			ends = append(ends, joins[i+1]) // where the next is cut off too
		}
		for _, end := range ends {
			if start < at && at < end && ranTogether(text[start:at], text[at:end]) {
				found = append(found, glue{text[first:last], first, at, text[start:at], text[at:end]})
				start = at
				break
			}
		}
	}
	return found
}

// ranTogether reports whether two pieces of one word are two terms. Where the word
// is a term too, the right piece has to say clearly that it is another.
func ranTogether(left, right string) bool {
	if !isDefined(left) || !isDefined(right) {
		return false
	}
	if !isDefined(left + right) {
		return true
	}
	_, name := cutQualifier(right)
	return name != right || len(name) > nameLength(name)
}

// isDefined reports whether a text is a term that RFC 7208 defines, without fault.
func isDefined(text string) bool {
	_, ok := parseDefined(text)
	return ok
}

// blankMissing cuts a token in two terms where a sign within it begins one, as in
// "include:a.example+all". A name may hold hyphens: only one that ends in -all, where a
// top-level domain should stand, is taken for two terms although it is one (RFC 3696, 2).
func blankMissing(token string) (left, right string, ok bool) {
	const most = 512 // octets of a token that somebody wrote: it bounds the work
	if len(token) > most {
		return "", "", false
	}
	for at := len(token) - 1; at > 0; at-- {
		if strings.IndexByte("+-~?", token[at]) < 0 || !isDefined(token[at:]) || !isDefined(token[:at]) {
			continue
		}
		label := token[strings.LastIndexByte(token[:at], '.')+1 : at]
		if isDefined(token) && (!strings.EqualFold(token[at:], "-all") || strings.ContainsAny(label, "-:/}")) {
			return "", "", false
		}
		return token[:at], token[at:], true
	}
	return "", "", false
}

// endsInAll reports that a blank is missing in front of the all at the end of a token.
func endsInAll(token string) bool {
	_, right, ok := blankMissing(token)
	return ok && strings.EqualFold(right[1:], All.String())
}
