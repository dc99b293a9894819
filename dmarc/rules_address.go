package dmarc

import (
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
)

// addressRules judge the addresses for reports as they are written.
func addressRules() []check.Rule[*Analysis] {
	return []check.Rule[*Analysis]{
		recordRule(check.Doc{
			ID:       "dmarc.rua-missing",
			Severity: check.Medium,
			Title:    "No aggregate report address",
			Text: "Without rua no receiver reports about mail that uses the domain. Own mail that fails is then found out by those who miss it, " +
				"and forgery not at all.",
			Fix:   "Add rua=mailto: with a mailbox that somebody reads.",
			Cite:  []check.Cite{check.RFC(9989, "4.7"), check.RFC(9989, "5.1.3"), check.RFC(9989, "8")},
			Since: since,
		}, func(a *Analysis, n *Node, r *Record) []check.Finding {
			if !r.silent() || r.usable(false) && a.decides(n, r).policy == None { // then dmarc.p-none-no-rua says it
				return nil
			}
			return []check.Finding{found("the record has no rua")}
		}),
		recordRule(check.Doc{
			ID:       "dmarc.rua-invalid",
			Severity: check.Medium,
			Title:    "Report URI is not valid or lacks mailto:",
			Text:     "Addresses for reports are URIs. Receivers ignore one that is not valid, most often a mailbox without mailto: before it, and its reports go nowhere.",
			Fix:      "Write rua=mailto:user@host, with commas between several.",
			Cite:     []check.Cite{check.RFC(9989, "4.6"), check.RFC(9989, "4.8"), check.RFC(9990, "3.5")},
			Since:    since,
		}, judgeAddresses),
		addressRule(check.Doc{
			ID:       "dmarc.rua-scheme",
			Severity: check.Low,
			Title:    "Report URI scheme is not mailto",
			Text:     "Receivers have to support mailto, and next to none supports another scheme. They ignore the address.",
			Fix:      "Use mailto:.",
			Cite:     []check.Cite{check.RFC(9989, "4.7")},
			Since:    since,
		}, func(tag string, u URI) (check.Finding, bool) {
			return found("%s: %s has the scheme %s", tag, u.Text, u.Scheme), u.Fault == "" && u.Scheme != "mailto"
		}),
		addressRule(check.Doc{
			ID:       "dmarc.rua-size-limit",
			Severity: check.Low,
			Title:    "Obsolete !size suffix in a report URI",
			Text:     "RFC 7489 had a size limit behind the address. RFC 9989 has made it obsolete and wants it ignored; a receiver that does not know it may send to a wrong address.",
			Fix:      "Remove the exclamation mark and what follows.",
			Cite:     []check.Cite{check.RFC(9989, "4.8"), check.RFC(7489, "6.4")},
			Since:    since,
		}, func(tag string, u URI) (check.Finding, bool) {
			return found("%s: %s has the limit !%s", tag, u.Text, u.Size), u.Fault == "" && u.Size != ""
		}),
		recordRule(check.Doc{
			ID:       "dmarc.rua-too-many",
			Severity: check.Low,
			Title:    "More than two report URIs; old receivers may stop at two",
			Text:     "RFC 7489 asked receivers to send to at least two addresses, and RFC 9990 lets them set a limit. Those that come later in the list may get nothing.",
			Fix:      "Put the important addresses first.",
			Cite:     []check.Cite{check.RFC(7489, "6.2"), check.RFC(9990, "3.5"), check.RFC(9989, "4.6")},
			Since:    since,
		}, judgeMany),
		recordRule(check.Doc{
			ID:       "dmarc.ruf-privacy",
			Severity: check.Info,
			Title:    "Failure reports requested; few receivers send them",
			Text:     "A failure report can hold a whole message with all its personal data. Most receivers send none for that reason; who asks for them has to protect what arrives.",
			Cite:     []check.Cite{check.RFC(9989, "5.3.9"), check.RFC(9989, "10.2"), check.RFC(9991, "7")},
			Since:    since,
		}, func(_ *Analysis, _ *Node, r *Record) []check.Finding {
			for _, u := range r.RUF {
				if u.Fault == "" {
					return []check.Finding{found("the record asks for failure reports to %s", u.Text)}
				}
			}
			return nil
		}),
	}
}

// addressRule judges each address of the records that apply.
func addressRule(doc check.Doc, say func(tag string, u URI) (check.Finding, bool)) check.Rule[*Analysis] {
	return recordRule(doc, func(_ *Analysis, _ *Node, r *Record) (fs []check.Finding) {
		for _, list := range []struct {
			tag  string
			uris []URI
		}{{"rua", r.RUA}, {"ruf", r.RUF}} {
			for _, u := range list.uris {
				if f, ok := say(list.tag, u); ok && len(fs) < maxURIs {
					fs = append(fs, f)
				}
			}
		}
		return fs
	})
}

func judgeAddresses(_ *Analysis, _ *Node, r *Record) []check.Finding {
	return r.faults(func(e SyntaxError) (check.Finding, bool) {
		f := found("octet %d: %q in %s: %s", e.Offset, e.Term, e.Tag, e.Reason)
		if e.Term == "" && strings.Contains(e.Reason, "commas") {
			f = found("octet %d: in %s %s", e.Offset, e.Tag, e.Reason)
			f.Severity = check.Low
		}
		return f, e.Kind == FaultValue && (e.Tag == "rua" || e.Tag == "ruf")
	})
}

func judgeMany(_ *Analysis, _ *Node, r *Record) (fs []check.Finding) {
	for _, list := range []struct {
		tag  string
		uris []URI
	}{{"rua", r.RUA}, {"ruf", r.RUF}} {
		valid := 0
		for _, u := range list.uris {
			if u.Fault == "" {
				valid++
			}
		}
		if valid > 2 {
			fs = append(fs, found("%s has %d addresses", list.tag, valid))
		}
	}
	return fs
}
