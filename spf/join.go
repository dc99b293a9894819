package spf

import "strings"

// glue is two terms that ran together, because the strings of a TXT record are
// joined with nothing between (RFC 7208, 3.3).
type glue struct {
	offset      int // octets into the text, of the left term
	left, right string
}

// gluedTerms looks for them at the ends of the strings that make up a text.
func gluedTerms(text string, strs [][]byte) []glue {
	var found []glue
	at := 0
	for i, s := range strs {
		if at > len(version) && i > 0 && len(found) < maxFindings {
			start := strings.LastIndexByte(text[:at], ' ') + 1
			end := len(text)
			if n := strings.IndexByte(text[at:], ' '); n >= 0 {
				end = at + n
			}
			if start < at && at < end && ranTogether(text[start:at], text[at:end]) {
				found = append(found, glue{start, text[start:at], text[at:end]})
			}
		}
		at += len(s)
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

func isDefined(text string) bool {
	_, ok := parseDefined(text)
	return ok
}
