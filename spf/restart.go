package spf

import (
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
)

// restart is a place within the text of a record where another begins, as where two were
// pasted into one string.
type restart struct {
	at     int    // octets into the text, of the other version
	offset int    // of what stands there between two blanks
	left   string // of that in front of the version
	term   string // left without what separates it; "" where the version is a term by itself
}

// glued reports that no blank stands in front of the version, which breaks the grammar.
func (r *restart) glued() bool { return r.at > r.offset }

// restarts looks for them.
func restarts(text string) []restart {
	var found []restart
	for i := len(version); i+len(version) <= len(text) && len(found) < maxFindings; {
		n := strings.IndexByte(text[i:], '=')
		if n < 0 {
			break
		}
		at := i + n - 1
		if i += n + 1; at < len(version) || !IsRecord(text[at:]) {
			continue
		}
		r := restart{at: at, offset: strings.LastIndexByte(text[:at], ' ') + 1}
		r.left = text[r.offset:at]
		if r.term = strings.TrimRight(r.left, quotes+",;"); r.term == "" || isDefined(r.term) {
			found = append(found, r)
		}
	}
	return found
}

// records are the texts that one was put together from.
func records(text string) (all []string) {
	start := 0
	for _, r := range restarts(text) {
		all = append(all, text[start:r.offset+len(r.term)])
		start = r.at
	}
	return append(all, text[start:])
}

func versionAgain() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "spf.version-again",
			Severity: check.Critical,
			Title:    "Another SPF record starts in the middle of this one",
			Text: "Two records were put into one text, and receivers read it as one: they evaluate nothing behind its first all, so the senders of the second record are not authorised. " +
				"Its v=spf1 itself is a modifier to them that they do not know, or a permanent error where no blank stands in front of it.",
			Fix:   `Make one record of the two: "v=spf1" once at the start, then the terms of both, and one all at the end.`,
			Cite:  []check.Cite{check.RFC(7208, "3.2"), check.RFC(7208, "5.1"), check.RFC(7208, "6")},
			Since: since,
		},
		Applies: hasRecord,
		Check: perNode(func(a *Analysis, n *Node) []check.Finding {
			var found []check.Finding
			text := n.Texts[0]
			for i := range n.pasted {
				r := &n.pasted[i]
				f := a.finding(n, place{r.at, r.at + len(version)}, check.Textf("octet %d: another record starts here, whose v=spf1 receivers ignore", r.at))
				f.Severity = check.Medium
				behind := len(strings.Fields(text[r.at+len(version):]))
				switch all := n.endsBefore(r); {
				case r.glued():
					f.Severity = check.Critical
					f.Detail = check.Textf("octet %d: another record starts here; %q is no term, and a permanent error", r.at, clip(text[r.offset:r.at+len(version)]))
				case all != "" && behind > 0:
					f.Severity = check.High
					f.Detail = check.Textf("octet %d: another record starts here; receivers never reach its terms (%d), because %s stands before it", r.at, behind, all)
				}
				f.Fix = a.fix(n, check.Textf("Make one record of the two"))
				found = append(found, f)
			}
			return found
		}),
	}
}

// endsBefore is the all in front of another version, "" where there is none.
func (n *Node) endsBefore(r *restart) string {
	i := n.Record.All()
	if i < 0 || n.places.directives[i].start >= r.offset {
		return ""
	}
	return n.Record.Directives[i].String()
}

// restarted reports that the terms behind the all of a record are those of another.
func (n *Node) restarted(all int) bool {
	return len(n.pasted) > 0 && n.places.directives[all+1].start > n.pasted[0].at
}
