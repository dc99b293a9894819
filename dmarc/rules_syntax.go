package dmarc

import (
	"slices"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
)

// dkimTags is where DMARC's tag lists come from.
var dkimTags = []check.Cite{check.RFC(9989, "4.7"), check.RFC(6376, "3.2")}

// syntaxRules judge the text of a record that applies.
func syntaxRules() []check.Rule[*Analysis] {
	return []check.Rule[*Analysis]{
		recordRule(check.Doc{
			ID:       "dmarc.version-semicolon",
			Severity: check.Low,
			Title:    "v=DMARC1 has no semicolon after it",
			Text:     "RFC 9989 lets a record end right after its version; the grammar of RFC 7489 wants a semicolon there, and a receiver that keeps to it may pass over the record.",
			Fix:      "Write \"v=DMARC1;\".",
			Cite:     []check.Cite{check.RFC(7489, "6.4"), check.RFC(9989, "4.8")},
			Since:    since,
		}, judgeSemicolon),
		recordRule(check.Doc{
			ID:       "dmarc.syntax",
			Severity: check.High,
			Title:    "Broken tag list; the bad part is dropped",
			Text: "Receivers drop what they cannot read of a record and go on as if it was not there. What the lost part asked for does not " +
				"happen: no reports arrive, or another policy holds than the one that was meant.",
			Fix:   "Write the part named in the finding as tag=value, with a semicolon behind it.",
			Cite:  []check.Cite{check.RFC(9989, "4.8")},
			Since: since,
		}, judgeSyntax),
		recordRule(check.Doc{
			ID:       "dmarc.trailing-junk",
			Severity: check.Low,
			Title:    "Text after the last semicolon is no tag and is dropped",
			Text:     "Behind the last tag stands a text that is no tag=value. Receivers pass it over; a strict one may refuse the record.",
			Fix:      "Remove the text behind the last tag.",
			Cite:     []check.Cite{check.RFC(9989, "4.8")},
			Since:    since,
		}, judgeTrailing),
		recordRule(check.Doc{
			ID:       "dmarc.duplicate-tag",
			Severity: check.Critical,
			Title:    "Duplicate tag: parsers disagree or drop the record",
			Text: "DMARC takes its tag lists from DKIM, where a tag that occurs twice makes the whole list invalid. Strict receivers " +
				"then apply no DMARC; others take the first or the last occurrence. Which policy holds depends on the receiver.",
			Fix:   "Keep one copy of each tag.",
			Cite:  dkimTags,
			Since: since,
		}, judgeDuplicates),
		recordRule(check.Doc{
			ID:       "dmarc.tag-case",
			Severity: check.Medium,
			Title:    "Upper-case tag name is unknown to strict parsers",
			Text: "The tag lists of DKIM, which DMARC uses, have case-sensitive names. A receiver that keeps to that takes the tag for an " +
				"unknown one and ignores it; others read it.",
			Fix:   "Write tag names in lower case.",
			Cite:  append(slices.Clone(dkimTags), check.RFC(9989, "4.8")),
			Since: since,
		}, judgeCase),
		recordRule(check.Doc{
			ID:       "dmarc.unknown-tag",
			Severity: check.Low,
			Title:    "Unknown tag is ignored",
			Text:     "The record has a tag that no standard defines. Receivers ignore it, so what was meant by it does not happen.",
			Fix:      "Remove the tag, or mend its spelling.",
			Cite:     []check.Cite{check.RFC(9989, "4.7"), check.RFC(9989, "4.8")},
			Since:    since,
		}, judgeUnknown),
		recordRule(check.Doc{
			ID:       "dmarc.adkim-aspf-invalid",
			Severity: check.Low,
			Title:    "Alignment mode is not r or s; the default r is used",
			Text:     "adkim and aspf take r for relaxed and s for strict. Any other value is dropped, and relaxed alignment holds.",
			Fix:      "Write r or s, or remove the tag to get r.",
			Cite:     []check.Cite{check.RFC(9989, "4.7"), check.RFC(9989, "4.8")},
			Since:    since,
		}, valueJudge("adkim", "aspf")),
		recordRule(check.Doc{
			ID:       "dmarc.psd-invalid",
			Severity: check.Medium,
			Title:    "psd= is not y, n or u",
			Text:     "A value of psd other than y, n and u is dropped. Receivers then find the organizational domain as if the tag was not there.",
			Fix:      "Remove psd, or write n where this name is an organization's own top.",
			Cite:     []check.Cite{check.RFC(9989, "4.7"), check.RFC(9989, "4.8")},
			Since:    since,
		}, valueJudge("psd")),
		recordRule(check.Doc{
			ID:       "dmarc.fo-invalid",
			Severity: check.Low,
			Title:    "fo= value is invalid",
			Text:     "fo takes 0 or 1, and d and s, each once and with colons between. Any other value is dropped, and failure reports are asked for only where every mechanism fails.",
			Fix:      "Write 0 or 1, and d and s where wanted, with colons between.",
			Cite:     []check.Cite{check.RFC(9989, "4.7"), check.RFC(9989, "4.8")},
			Since:    since,
		}, judgeFailureOptions),
		recordRule(check.Doc{
			ID:       "dmarc.fo-without-ruf",
			Severity: check.Info,
			Title:    "fo= has no effect without ruf=",
			Text:     "fo says when failure reports are wanted. Without an address for them in ruf, receivers have to ignore it.",
			Cite:     []check.Cite{check.RFC(9989, "4.7")},
			Since:    since,
		}, judgeLoneOptions),
		recordRule(check.Doc{
			ID:       "dmarc.p-not-second",
			Severity: check.Low,
			Title:    "p= does not follow v= directly (RFC 7489 order rule)",
			Text:     "RFC 9989 lets p stand anywhere behind v. The grammar of RFC 7489 has it second, and a receiver that keeps to that may refuse the record.",
			Fix:      "Put p directly behind v.",
			Cite:     []check.Cite{check.RFC(7489, "6.3"), check.RFC(7489, "6.4")},
			Since:    since,
		}, judgeOrder),
	}
}

func judgeSemicolon(_ *Analysis, n *Node, _ *Record) []check.Finding {
	if strings.Contains(n.Records[0].Text, ";") {
		return nil
	}
	return []check.Finding{found("the record ends with its version, without a semicolon")}
}

// faults makes a finding of each fault that say has one for. A text of 64 KB can
// have very many: the first few tell the story.
func (r *Record) faults(say func(SyntaxError) (check.Finding, bool)) (fs []check.Finding) {
	const most = 10
	for _, fault := range r.Faults {
		if f, ok := say(fault); ok && len(fs) < most {
			fs = append(fs, f)
		}
	}
	return fs
}

func judgeSyntax(_ *Analysis, n *Node, r *Record) []check.Finding {
	text := n.Records[0].Text
	return r.faults(func(e SyntaxError) (check.Finding, bool) {
		f := found("octet %d: %q: %s", e.Offset, e.Term, e.Reason)
		switch e.Kind {
		case FaultEmpty:
			f = found("octet %d: %s", e.Offset, e.Reason)
			f.Severity = check.Low
		case FaultJunk:
			if name, ok := lostName(e.Term); ok {
				return found("octet %d: %q has no \"=\", so the tag %s is lost", e.Offset, e.Term, name), true
			}
			f.Severity = check.Low
			return f, !last(text, e)
		case FaultName:
			f.Severity = check.Low
		case FaultValue:
			if t, ok := r.Tag(e.Tag); e.Tag != "t" && ok && t.Known {
				return f, false // the tag has a rule of its own
			}
			f.Severity = check.Low
			if e.Tag == "t" {
				f = found("octet %d: t=%s is no value of t: %s, and n is what counts", e.Offset, e.Term, e.Reason)
				f.Severity = check.Medium
			}
		default:
			return f, false
		}
		return f, true
	})
}

// lostName tells which tag a part without "=" was meant to be.
func lostName(part string) (string, bool) {
	name := lowerASCII(part)
	if end := strings.IndexFunc(name, func(c rune) bool { return c < 'a' || c > 'z' }); end >= 0 {
		name = name[:end]
	}
	return name, name != "v" && slices.Contains(order, name)
}

// last reports whether nothing but separators follows the fault.
func last(text string, e SyntaxError) bool {
	return strings.Trim(text[min(e.Offset+len(e.Term), len(text)):], wsp+";") == ""
}

func judgeTrailing(_ *Analysis, n *Node, r *Record) []check.Finding {
	text := n.Records[0].Text
	return r.faults(func(e SyntaxError) (check.Finding, bool) {
		_, lost := lostName(e.Term)
		return found("octet %d: %q stands behind the last tag", e.Offset, e.Term), e.Kind == FaultJunk && !lost && last(text, e)
	})
}

func judgeDuplicates(_ *Analysis, n *Node, r *Record) []check.Finding {
	strict, lenient := "no DMARC", "p="+string(r.Policy)
	return r.faults(func(e SyntaxError) (check.Finding, bool) {
		f := found("%s occurs more than once: to strict receivers the record is void (%s), to those that take the first it says %s",
			e.Tag, strict, lenient)
		if !r.enforces() {
			f.Severity = check.High
		}
		return f, e.Kind == FaultDuplicate
	})
}

func judgeCase(_ *Analysis, _ *Node, r *Record) []check.Finding {
	return r.faults(func(e SyntaxError) (check.Finding, bool) {
		return found("the tag %s is written %s", e.Tag, e.Term), e.Kind == FaultCase
	})
}

func judgeUnknown(_ *Analysis, _ *Node, r *Record) (fs []check.Finding) {
	for _, t := range r.Tags {
		if t.Known || !t.Valid || len(fs) == maxURIs {
			continue
		}
		f := found("no standard defines the tag %s", t.Name)
		if near := nearTag(t.Name); near != "" {
			f = found("no standard defines the tag %s; perhaps %s is meant", t.Name, near)
		}
		fs = append(fs, f)
	}
	return fs
}

// nearTag is the one tag whose name is a typing error away.
func nearTag(name string) (near string) {
	if len(name) < 3 || len(name) > 10 {
		return ""
	}
	for _, known := range order {
		if len(known) > 2 && distance(name, known) == 1 {
			if near != "" {
				return ""
			}
			near = known
		}
	}
	return near
}

// valueJudge finds the first of each tag with a value that is none.
func valueJudge(names ...string) judge {
	return func(_ *Analysis, _ *Node, r *Record) (fs []check.Finding) {
		for _, name := range names {
			if r.invalid(name) {
				t, _ := r.Tag(name)
				fs = append(fs, found("%s=%s is dropped: %s", name, t.Value, r.reason(name)))
			}
		}
		return fs
	}
}

// reason is what is wrong with the first value of a tag.
func (r *Record) reason(tag string) string {
	for _, e := range r.Faults {
		if e.Kind == FaultValue && e.Tag == tag {
			return e.Reason
		}
	}
	return "it is not valid"
}

func judgeFailureOptions(a *Analysis, n *Node, r *Record) []check.Finding {
	if _, ok := r.Tag("ruf"); !ok {
		return nil // ignored altogether: dmarc.fo-without-ruf
	}
	return valueJudge("fo")(a, n, r)
}

func judgeLoneOptions(_ *Analysis, _ *Node, r *Record) []check.Finding {
	fo, ok := r.Tag("fo")
	if _, ruf := r.Tag("ruf"); !ok || ruf {
		return nil
	}
	return []check.Finding{found("fo=%s stands without ruf", fo.Value)}
}

func judgeOrder(_ *Analysis, _ *Node, r *Record) []check.Finding {
	if _, ok := r.Tag("p"); !ok || r.secondIsPolicy() {
		return nil
	}
	return []check.Finding{found("%s stands between v and p", r.Tags[1].Name)}
}
