package spf

import (
	"slices"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

// voids is what every fault of grammar does.
const voids = "Receivers read the whole record before they use any of it, and stop with a permanent error at the first fault, wherever it stands. " +
	"SPF authenticates no mail at all until it is mended."

// ofKind is a rule about one kind of fault.
func ofKind(doc check.Doc, kind Fault, summary string) check.Rule[*Analysis] {
	doc.Severity, doc.Since = check.Critical, since
	return check.Rule[*Analysis]{
		Doc:     doc,
		Applies: hasRecord,
		Check: perNode(func(a *Analysis, n *Node) []check.Finding {
			return a.faults(n, kind, check.Textf(summary))
		}),
	}
}

func syntax() check.Rule[*Analysis] {
	return ofKind(check.Doc{
		ID:    "spf.syntax",
		Title: "The SPF record is not well-formed",
		Text:  voids,
		Fix:   "Correct the term that is named.",
		Cite:  []check.Cite{check.RFC(7208, "4.6"), check.RFC(7208, "12")},
	}, FaultSyntax, "Correct the term, or remove it")
}

func unknownMechanism() check.Rule[*Analysis] {
	return ofKind(check.Doc{
		ID:    "spf.unknown-mechanism",
		Title: "The SPF record uses a mechanism that does not exist",
		Text:  "The mechanisms are all, include, a, mx, ip4, ip6, exists and ptr. " + voids,
		Fix:   "Correct the spelling (ip4, not ipv4), or remove the term.",
		Cite:  []check.Cite{check.RFC(7208, "4.6.1"), check.RFC(7208, "12")},
	}, FaultMechanism, "Correct the spelling of the mechanism, or remove the term")
}

func badIP() check.Rule[*Analysis] {
	return ofKind(check.Doc{
		ID:    "spf.bad-ip",
		Title: "Invalid IP address or prefix length in the SPF record",
		Text:  voids,
		Fix:   "Write all four numbers of an IPv4 address, and prefix lengths from 0 to 32 (IPv6: 128) without leading zeros.",
		Cite:  []check.Cite{check.RFC(7208, "5.6"), check.RFC(7208, "4.6")},
	}, FaultIP, "Correct the address or the prefix length")
}

func macroSyntax() check.Rule[*Analysis] {
	return ofKind(check.Doc{
		ID:    "spf.macro-syntax",
		Title: "Invalid macro in the SPF record",
		Text:  "A percent sign starts a macro, such as %{i}. " + voids,
		Fix:   "Write macros as %{letter}, and a percent sign that stands for itself as %%.",
		Cite:  []check.Cite{check.RFC(7208, "7.1"), check.RFC(7208, "7.3")},
	}, FaultMacro, "Correct the macro")
}

func macroExpOnly() check.Rule[*Analysis] {
	return ofKind(check.Doc{
		ID:    "spf.macro-exp-only",
		Title: "A macro letter that only explanations may have stands in the SPF record",
		Text: "c, r and t have a value only in the text that exp leads to. In the record itself the common implementations " +
			"treat them as a fault and stop with a permanent error, so SPF authenticates no mail.",
		Fix:  "Remove the macro from the record.",
		Cite: []check.Cite{check.RFC(7208, "7.2")},
	}, FaultMacroLetter, "Remove the macro")
}

func duplicateModifier() check.Rule[*Analysis] {
	return ofKind(check.Doc{
		ID:    "spf.duplicate-modifier",
		Title: "redirect or exp stands in the SPF record twice",
		Text:  "Each of the two may stand in a record once. " + voids,
		Fix:   "Keep one of them.",
		Cite:  []check.Cite{check.RFC(7208, "6")},
	}, FaultDuplicate, "Keep one of them")
}

func tabSeparator() check.Rule[*Analysis] {
	return ofKind(check.Doc{
		ID:    "spf.tab-separator",
		Title: "Terms of the SPF record are separated by something else than a blank",
		Text:  "Only the blank (octet 32) separates terms: no tab, comma, semicolon or line break. " + voids,
		Fix:   "Put one blank between terms, and nothing else.",
		Cite:  []check.Cite{check.RFC(7208, "4.6.1"), check.RFC(7208, "12")},
	}, FaultSeparator, "Separate the terms by blanks")
}

func domainSpec() check.Rule[*Analysis] {
	r := ofKind(check.Doc{
		ID:    "spf.domain-spec",
		Title: "A term of the SPF record names no valid domain",
		Text: "The name in a term needs at least two labels, and the last may not be a number. " + voids +
			" A name with an empty or overlong label is worse than it looks: in include and redirect it is a permanent error for all mail that reaches the term; in others some receivers skip it and others stop.",
		Fix:  "Write a full host or domain name; for an address use ip4 or ip6.",
		Cite: []check.Cite{check.RFC(7208, "7.1"), check.RFC(7208, "4.3"), check.RFC(7208, "6.1"), check.RFC(7208, "4.8")},
	}, FaultDomain, "Correct the domain name")
	faults := r.Check
	names := perTerm(badName)
	r.Check = func(a *Analysis) ([]check.Finding, []check.Gap) {
		found, gaps := faults(a)
		more, _ := names(a)
		return append(found, more...), gaps
	}
	return r
}

// badName finds a name that fits the grammar and is no name of the DNS.
func badName(a *Analysis, n *Node, t *nodeTerm) (f check.Finding, ok bool) {
	if _, right, ok := blankMissing(t.text); ok {
		f = a.finding(n, t.at, check.Textf("%s: is a blank missing in front of %s?", clip(t.text), right))
		f.Fix = a.fix(n, check.Textf("Put a blank in front of %s", right))
		return f, true
	}
	spec := n.spec(t)
	_, err := target(spec, n.Name)
	if local, host, ok := strings.Cut(spec.Raw, "@"); ok && spec.Parts == nil && (err == nil || t.link == nil) {
		f = a.finding(n, t.at, check.Textf("%s: there is an @ in it, as in a mail address, and no host has such a name", clip(t.text)))
		f.Fix = fixText(check.Textf("Leave out %s, if %s is meant", clip(local+"@"), clip(host)))
		f.Severity = check.Medium
		return f, true
	}
	if err == nil || err == errMessage {
		return f, false
	}
	f = a.finding(n, t.at, check.Textf("%s: %s; receivers that reach the term stop with a permanent error", clip(t.text), reasonOf(err)))
	if t.link == nil { // RFC 7208, 4.8
		f.Severity = check.Medium
		f.Detail = check.Textf("%s: %s; receivers differ in what they do then", clip(t.text), reasonOf(err))
	}
	return f, true
}

func reasonOf(err error) check.Text {
	if name, ok := err.(*dnsx.NameError); ok {
		return check.Textf(name.Reason)
	}
	return check.Textf("%s", err)
}

func stringJoin() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "spf.string-join",
			Severity: check.Critical,
			Title:    "Strings of the SPF record join without a blank and run two terms together",
			Text: "The strings of one TXT record are joined with nothing between them. Two terms became one here, " +
				"which is a fault that voids the record, or names a sender that does not exist.",
			Fix:   "End a string with the blank that separates its last term from the next, or start the next with it.",
			Cite:  []check.Cite{check.RFC(7208, "3.3")},
			Since: since,
		},
		Applies: hasRecord,
		Check: withGaps(perNode(func(a *Analysis, n *Node) []check.Finding {
			var found []check.Finding
			for _, g := range n.glued {
				f := a.finding(n, place{g.offset, g.offset + len(g.token)}, check.Textf("%q and %q run together as %q", clip(g.left), clip(g.right), clip(g.left+g.right)))
				f.Fix = a.fix(n, check.Textf("Put a blank between the two terms"))
				found = append(found, f)
			}
			return found
		}), func(a *Analysis) (gaps []check.Gap) {
			for _, n := range a.Policy {
				if n.strs > maxJoins+1 {
					gaps = append(gaps, limitGap("SPF of "+n.Name, "the record has more than %d strings", maxJoins+1))
				}
			}
			return gaps
		}),
	}
}

func mechanismAsModifier() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "spf.mechanism-as-modifier",
			Severity: check.High,
			Title:    "A mechanism is written with = and therefore ignored",
			Text: "A term with = behind its name is a modifier, and receivers ignore modifiers that they do not know. " +
				"The sender that this term means to name is not authorised at all, and no error says so.",
			Fix:   "Write a colon instead of the equals sign: include:x, ip4:x.",
			Cite:  []check.Cite{check.RFC(7208, "4.6.1"), check.RFC(7208, "6")},
			Since: since,
		},
		Applies: hasRecord,
		Check: perNode(func(a *Analysis, n *Node) []check.Finding {
			return few(len(n.Record.Modifiers), func(i int) (f check.Finding, ok bool) {
				m := n.Record.Modifiers[i]
				if !namesMechanism(m.Name) {
					return f, false
				}
				f = a.finding(n, n.places.modifiers[i], check.Textf("%s=%s is an unknown modifier to receivers", m.Name, clip(m.Value.Raw)))
				if d, ok := asMechanism(m); ok {
					f.Fix = a.fix(n, check.Textf("Write %s", d.String()))
				}
				return f, true
			})
		}),
	}
}

// namesMechanism reports whether a modifier has a mechanism's name, or one that is
// often written for it.
func namesMechanism(name string) bool {
	return mechanismOf(name) != 0 || strings.EqualFold(name, "ipv4") || strings.EqualFold(name, "ipv6")
}

func unknownModifier() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "spf.unknown-modifier",
			Severity: check.Info,
			Title:    "The SPF record has a modifier that receivers ignore",
			Text: "Receivers ignore modifiers that they do not know. That does no harm by itself; " +
				"often such a term is a misspelling, or means something that SPF cannot say.",
			Fix:   "Remove it unless another specification asks for it.",
			Cite:  []check.Cite{check.RFC(7208, "6")},
			Since: since,
		},
		Applies: hasRecord,
		Check: perNode(func(a *Analysis, n *Node) []check.Finding {
			return few(len(n.Record.Modifiers), func(i int) (f check.Finding, ok bool) {
				m := n.Record.Modifiers[i]
				known := slices.ContainsFunc(reportModifiers, func(s string) bool { return strings.EqualFold(s, m.Name) })
				again := strings.EqualFold(m.Name+"="+m.Value.Raw, version) // spf.version-again
				if known || again || namesMechanism(m.Name) {
					return f, false
				}
				return a.finding(n, n.places.modifiers[i], check.Textf("%s=%s has no effect", clip(m.Name), clip(m.Value.Raw))), true
			})
		}),
	}
}

// reportModifiers are those of RFC 6652, 3, which ask for reports.
var reportModifiers = []string{"ra", "rp", "rr"}
