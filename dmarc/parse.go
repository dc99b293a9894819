package dmarc

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

const wsp = " \t"

// Parse reads a DMARC record: the strings of one TXT record, joined. A text that
// does not start with v=DMARC1 gives ErrNotDMARC. Any other gives a Record; where
// a part of it cannot be read, that part counts as absent (RFC 9989, 4.8), the
// Record lists it, and the first such fault comes back beside it as a *SyntaxError.
//
// Two readings are lenient where receivers are: tag names are read in any case,
// and of a tag that occurs twice the first counts. Both are Faults.
func Parse(txt string) (*Record, error) {
	v, ok := version(txt)
	if !ok {
		return nil, ErrNotDMARC
	}
	p := parser{
		seen: map[string]bool{"v": true},
		r: &Record{
			ADKIM: Relaxed, ASPF: Relaxed, PSD: PSDUnknown, FailureOptions: []string{"0"},
			Percent: 100, Interval: 24 * time.Hour, Formats: []string{"afrf"},
			Tags: make([]Tag, 1, 8),
		},
	}
	p.r.Tags[0] = Tag{Name: "v", Value: "DMARC1", Known: true, Valid: true}
	if txt[0] == 'V' {
		p.fault(FaultCase, 0, "V", "v", "tag names are written in lower case")
	}
	for at := v; at < len(txt); {
		part, _, more := strings.Cut(txt[at:], ";")
		p.part(at, part, more)
		at += len(part) + 1
	}
	p.defaults()
	if len(p.r.Faults) > 0 {
		return p.r, &p.r.Faults[0]
	}
	return p.r, nil
}

// version reads the first tag and returns the offset behind its semicolon. The
// name is a plain ABNF string and may be upper case, the value may not
// (RFC 9989, 4.8).
func version(txt string) (next int, ok bool) {
	first, _, more := strings.Cut(txt, ";")
	name, value, ok := strings.Cut(first, "=")
	if !ok || name == "" || lowerASCII(strings.TrimRight(name, wsp)) != "v" || strings.Trim(value, wsp) != "DMARC1" {
		return 0, false
	}
	if !more {
		return len(txt), true
	}
	return len(first) + 1, true
}

type parser struct {
	r    *Record
	seen map[string]bool
}

func (p *parser) fault(kind FaultKind, offset int, term, tag, reason string) {
	p.r.Faults = append(p.r.Faults, SyntaxError{Kind: kind, Offset: offset, Term: term, Tag: tag, Reason: reason})
}

// part reads what stands between two semicolons; more says that one follows.
func (p *parser) part(at int, raw string, more bool) {
	text := strings.TrimLeft(raw, wsp)
	at += len(raw) - len(text)
	text = strings.TrimRight(text, wsp)
	if text == "" {
		if more {
			p.fault(FaultEmpty, at, "", "", "there is nothing between two semicolons")
		}
		return
	}
	published, value, ok := strings.Cut(text, "=")
	if !ok {
		p.fault(FaultJunk, at, text, "", "this is no tag=value")
		return
	}
	valueAt := at + len(published) + 1
	published = strings.TrimRight(published, wsp)
	if !isTagName(published) {
		p.fault(FaultName, at, text, "", "this is no name of a tag")
		return
	}
	valueAt += len(value) - len(strings.TrimLeft(value, wsp))
	value = strings.Trim(value, wsp)

	t := Tag{Name: lowerASCII(published), Value: value}
	if t.Name != published {
		p.fault(FaultCase, at, published, t.Name, "tag names are written in lower case")
	}
	if p.seen[t.Name] {
		p.fault(FaultDuplicate, at, text, t.Name, "the tag "+t.Name+" occurred before")
	}
	t.Known = rank(t.Name) < len(order)
	if reason := p.value(&t, valueAt); reason != "" {
		p.fault(FaultValue, valueAt, value, t.Name, reason)
	}
	p.seen[t.Name] = true
	p.r.Tags = append(p.r.Tags, t)
}

// isTagName takes DKIM's tag names (RFC 6376, 3.2). RFC 9989, 4.8 has letters
// only, but a name with a digit is ignored in either reading.
func isTagName(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i] | 0x20
		if letter := 'a' <= c && c <= 'z'; !letter && (i == 0 || s[i] != '_' && (s[i] < '0' || s[i] > '9')) {
			return false
		}
	}
	return s != ""
}

// value checks the value of t, and takes it over where t is the first of its
// name. It returns why the value is not valid, "" where the fault is told already.
func (p *parser) value(t *Tag, at int) (reason string) {
	if t.Value == "" {
		return "the value is empty"
	}
	if strings.ContainsFunc(t.Value, func(c rune) bool { return c < ' ' || c > '~' }) {
		reason = "the value has other than printing ASCII characters"
	}
	first := !p.seen[t.Name]
	switch t.Name {
	case "rua", "ruf":
		t.Valid = p.uris(t, at, first)
		return ""
	}
	if reason == "" && t.Known {
		reason = p.keyword(t.Name, lowerASCII(t.Value), first)
	}
	t.Valid = reason == ""
	return reason
}

// keyword reads a value other than a list of addresses.
func (p *parser) keyword(name, value string, take bool) (reason string) {
	r := p.r
	if !take { // syntax only: a duplicate changes nothing
		r = &Record{}
	}
	switch name {
	case "p":
		return policyValue(&r.Policy, value)
	case "sp":
		return policyValue(&r.SubdomainPolicy, value)
	case "np":
		return policyValue(&r.NonexistentPolicy, value)
	case "adkim":
		return oneOf(&r.ADKIM, value, Relaxed, Strict)
	case "aspf":
		return oneOf(&r.ASPF, value, Relaxed, Strict)
	case "psd":
		return oneOf(&r.PSD, value, PSDYes, PSDNo, PSDUnknown)
	case "t":
		var t string
		reason = oneOf(&t, value, "y", "n")
		r.Test = t == "y"
		return reason
	case "fo":
		options := strings.Split(value, ":")
		if reason = failureOptions(options); reason == "" {
			r.FailureOptions = options
		}
		return reason
	case "pct":
		n, ok := digits(value, 3)
		if !ok || n > 100 {
			return "want a whole number from 0 to 100"
		}
		r.Percent = int(n)
	case "ri":
		n, ok := digits(value, 10)
		if !ok || n > 1<<32-1 {
			return "want a whole number of seconds of 32 bits"
		}
		r.Interval = time.Duration(n) * time.Second
	case "rf":
		formats := strings.Split(strings.ReplaceAll(value, " ", ""), ":")
		if slices.ContainsFunc(formats, func(s string) bool { return s != "afrf" }) {
			return "afrf is the only format that was ever defined"
		}
		r.Formats = formats
	}
	return ""
}

func policyValue(to *Policy, value string) (reason string) {
	return oneOf(to, value, None, Quarantine, Reject)
}

func oneOf[T ~string](to *T, value string, allowed ...T) (reason string) {
	if slices.Contains(allowed, T(value)) {
		*to = T(value)
		return ""
	}
	words := make([]string, len(allowed))
	for i, a := range allowed {
		words[i] = string(a)
	}
	last := len(words) - 1
	return fmt.Sprintf("want %s or %s", strings.Join(words[:last], ", "), words[last])
}

// failureOptions checks the parts of fo: 0 or 1, d, s, each at most once, in any
// order (RFC 9989, 4.7 and 4.8).
func failureOptions(options []string) (reason string) {
	seen := map[string]bool{}
	for _, o := range options {
		switch {
		case o != "0" && o != "1" && o != "d" && o != "s":
			return "want 0 or 1, and d, s, with colons between"
		case seen[o]:
			return o + " occurs twice"
		}
		seen[o] = true
	}
	if seen["0"] && seen["1"] {
		return "0 and 1 exclude each other"
	}
	return ""
}

func digits(s string, most int) (n uint64, ok bool) {
	if len(s) > most || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 64)
	return n, err == nil
}

// uris reads a list of addresses; each faulty one is a fault of its own.
func (p *parser) uris(t *Tag, at int, take bool) (valid bool) {
	valid = true
	var all []URI
	for part := range strings.SplitSeq(t.Value, ",") {
		text := strings.Trim(part, wsp)
		u := parseURI(text)
		all = append(all, u)
		if u.Fault != "" {
			valid = false
			lead := len(part) - len(strings.TrimLeft(part, wsp))
			p.fault(FaultValue, at+lead, text, t.Name, u.Fault)
		}
		at += len(part) + 1
	}
	if take && t.Name == "rua" {
		p.r.RUA = all
	} else if take {
		p.r.RUF = all
	}
	return valid
}

// defaults fills the policies that stand for others (RFC 9989, 4.7: p, sp, np).
func (p *parser) defaults() {
	r := p.r
	if r.Policy == "" {
		r.Policy = None
	}
	if r.SubdomainPolicy == "" {
		r.SubdomainPolicy = r.Policy
	}
	if r.NonexistentPolicy == "" {
		r.NonexistentPolicy = r.SubdomainPolicy
	}
}

// lowerASCII leaves octets alone that strings.ToLower would take for letters or
// for broken UTF-8.
func lowerASCII(s string) string {
	for i := 0; i < len(s); i++ {
		if 'A' <= s[i] && s[i] <= 'Z' {
			b := []byte(s)
			for j := i; j < len(b); j++ {
				if 'A' <= b[j] && b[j] <= 'Z' {
					b[j] += 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}
