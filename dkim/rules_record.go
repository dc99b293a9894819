package dkim

import (
	"errors"
	"slices"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
)

// recordRules are about the tag list of one record.
func recordRules() []check.Rule[*Analysis] {
	return []check.Rule[*Analysis]{
		ruleOver(anyRecord, check.Doc{
			ID:       "dkim.syntax",
			Severity: check.High,
			Title:    "A key record is no valid tag list",
			Text: "Receivers must ignore a key record that breaks the grammar, so signatures with this selector fail. " +
				"Backslashes in front of semicolons are the usual cause: zone files need them, forms of DNS providers do not.",
			Fix:  "Write the record as tag=value pairs with a semicolon between them, as in \"v=DKIM1; k=rsa; p=…\".",
			Cite: []check.Cite{check.RFC(6376, "3.2"), check.RFC(6376, "6.1.2")},
		}, judgeSyntax),
		ruleOver(anyRecord, check.Doc{
			ID:       "dkim.duplicate-tag",
			Severity: check.High,
			Title:    "A tag stands twice in a key record",
			Text:     "A tag that occurs more than once makes the whole record invalid, even with the same value. Signatures with this selector fail at receivers that follow the standard.",
			Fix:      "Remove the second tag.",
			Cite:     []check.Cite{check.RFC(6376, "3.2")},
		}, judgeFaults(FaultDuplicate)),
		ruleOver(anyRecord, check.Doc{
			ID:       "dkim.tag-case",
			Severity: check.High,
			Title:    "The name of a tag is written in capitals",
			Text:     "The names of tags are case-sensitive. Receivers take P= for an unknown tag and find no key in the record.",
			Fix:      "Write the names of tags in lower case.",
			Cite:     []check.Cite{check.RFC(6376, "3.2")},
		}, judgeFaults(FaultCase)),
		ruleOver(anyRecord, check.Doc{
			ID:       "dkim.version",
			Severity: check.High,
			Title:    "v= is not DKIM1, or is not the first tag",
			Text:     "Receivers compare the version letter by letter and discard a record with any other. A missing semicolon behind it has the same effect.",
			Fix:      "Put \"v=DKIM1;\" first, spelled exactly so.",
			Cite:     []check.Cite{check.RFC(6376, "3.6.1"), check.RFC(6376, "6.1.2")},
		}, judgeFaults(FaultVersion)),
		ruleOver(anyRecord, check.Doc{
			ID:       "dkim.version-missing",
			Severity: check.Info,
			Title:    "A key record has no v=",
			Text:     "The version may be left out, and receivers then take DKIM1. The standard recommends it, and it tells a key from other text.",
			Fix:      "Add \"v=DKIM1;\" at the start when the record is next changed.",
			Cite:     []check.Cite{check.RFC(6376, "3.6.1")},
		}, func(_ *SelectorAnalysis, k *KeyRecord) []check.Finding {
			if k.Record.Version != "" || k.void() {
				return nil
			}
			return bad("there is no v=, so DKIM1 is taken")
		}),
		ruleOver(anyRecord, check.Doc{
			ID:       "dkim.p-missing",
			Severity: check.High,
			Title:    "A key record has no p=",
			Text:     "p= holds the key and must be there. Without it the record is a syntax error and signatures with this selector fail. A key is revoked with an empty p=, not without one.",
			Fix:      "Add p= with the public key, or an empty p= if the key is revoked.",
			Cite:     []check.Cite{check.RFC(6376, "3.6.1")},
		}, judgeFaults(FaultNoKey)),
		ruleOver(anyRecord, check.Doc{
			ID:       "dkim.revoked",
			Severity: check.Info,
			Title:    "A key is revoked",
			Text:     "An empty p= says that the key is no longer valid: signatures with this selector fail, as if the record were not there. That is right for a key that is out of use.",
			Fix:      "Nothing, if nothing signs with this selector any more.",
			Cite:     []check.Cite{check.RFC(6376, "3.6.1"), check.RFC(6376, "6.1.2")},
		}, func(_ *SelectorAnalysis, k *KeyRecord) []check.Finding {
			if !k.Revoked() || k.void() {
				return nil
			}
			return bad("p= is empty")
		}),
		ruleOver(liveRecord, check.Doc{
			ID:       "dkim.base64",
			Severity: check.High,
			Title:    "p= is no valid base64",
			Text:     "Receivers that cannot decode the key fail every signature with it. A quotation mark, a hyphen or a lost character is the usual cause.",
			Fix:      "Copy the key again, as one run of letters, digits, \"+\", \"/\" and \"=\" at the end.",
			Cite:     []check.Cite{check.RFC(6376, "3.6.1")},
		}, func(_ *SelectorAnalysis, k *KeyRecord) []check.Finding {
			if errors.Is(k.KeyErr, ErrTruncated) {
				return nil
			}
			return faults(k, check.Medium, FaultBase64)
		}),
		ruleOver(liveRecord, check.Doc{
			ID:       "dkim.key-type-unknown",
			Severity: check.High,
			Title:    "k= names an unknown type of key",
			Text:     "Receivers know the types rsa and ed25519 and ignore a key of any other, so signatures with this selector fail.",
			Fix:      "Write k=rsa or k=ed25519, as the key is.",
			Cite:     []check.Cite{check.RFC(6376, "3.6.1"), check.RFC(8463, "4.2")},
		}, judgeKeyType),
		ruleOver(liveRecord, check.Doc{
			ID:       "dkim.hash-sha1-only",
			Severity: check.High,
			Title:    "h= does not allow sha256, the only hash that may be used",
			Text:     "SHA-1 signatures are forbidden since 2018, and h= allows none with SHA-256. So every signature with this key fails.",
			Fix:      "Remove h=, or write h=sha256.",
			Cite:     []check.Cite{check.RFC(8301, "3.1"), check.RFC(6376, "6.1.2")},
		}, judgeHashes),
		ruleOver(liveRecord, check.Doc{
			ID:       "dkim.hash-sha1",
			Severity: check.Low,
			Title:    "h= still allows sha1",
			Text:     "SHA-1 signatures are forbidden since 2018; receivers that are older would take one with this key, also one that somebody forged.",
			Fix:      "Write h=sha256, or remove h=.",
			Cite:     []check.Cite{check.RFC(8301, "3.1")},
		}, func(_ *SelectorAnalysis, k *KeyRecord) []check.Finding {
			if k.Record.Hashes == nil || !k.Record.Allows("sha256") || !k.Record.Allows("sha1") {
				return nil
			}
			return bad("h= is %s", strings.Join(k.Record.Hashes, ":"))
		}),
		ruleOver(liveRecord, check.Doc{
			ID:       "dkim.service-not-email",
			Severity: check.High,
			Title:    "s= leaves out email, so the key is not for mail",
			Text:     "Receivers of mail must ignore a key whose s= lists neither email nor *. Signatures with it fail. A key for TLS reports alone (s=tlsrpt) is right as it is.",
			Fix:      "Remove s=, or write s=email.",
			Cite:     []check.Cite{check.RFC(6376, "3.6.1"), check.RFC(8460, "3")},
		}, judgeServices),
		ruleOver(liveRecord, check.Doc{
			ID:       "dkim.test-mode",
			Severity: check.Medium,
			Title:    "t=y: the domain is testing DKIM",
			Text:     "Receivers must treat mail that is signed with this key like unsigned mail, whether the signature is good or not. Many do not heed it, so nobody can rely on either.",
			Fix:      "Remove t=y once signing works.",
			Cite:     []check.Cite{check.RFC(6376, "3.6.1")},
		}, func(_ *SelectorAnalysis, k *KeyRecord) []check.Finding {
			if !k.Record.Testing() {
				return nil
			}
			return bad("t= is %s", strings.Join(k.Record.Flags, ":"))
		}),
		ruleOver(liveRecord, check.Doc{
			ID:       "dkim.strict-subdomain",
			Severity: check.Info,
			Title:    "t=s: the key is for the domain itself, not for subdomains in i=",
			Text:     "A signature whose i= names a subdomain of d= fails with this key. The standard recommends the flag unless such identities are used.",
			Fix:      "Nothing, unless mail is signed with i= below the domain.",
			Cite:     []check.Cite{check.RFC(6376, "3.6.1")},
		}, func(_ *SelectorAnalysis, k *KeyRecord) []check.Finding {
			if !slices.Contains(k.Record.Flags, "s") {
				return nil
			}
			return bad("t=%s: a signature whose i= is below the domain fails", strings.Join(k.Record.Flags, ":"))
		}),
		ruleOver(anyRecord, check.Doc{
			ID:       "dkim.g-tag",
			Severity: check.Low,
			Title:    "A key record has the obsolete tag g=",
			Text:     "g= was withdrawn in 2011 and must be ignored. Verifiers older than that still read it, and an empty g= lets no address pass with them.",
			Fix:      "Remove g=.",
			Cite:     []check.Cite{check.RFC(6376, "C.1"), check.RFC(6376, "C.2")},
		}, judgeGranularity),
		ruleOver(anyRecord, check.Doc{
			ID:       "dkim.notes-public",
			Severity: check.Info,
			Title:    "n= holds a note that everybody can read",
			Text:     "The note is for administrators; no program reads it, and anybody can.",
			Fix:      "Remove n= if the note is not for everybody.",
			Cite:     []check.Cite{check.RFC(6376, "3.6.1")},
		}, func(_ *SelectorAnalysis, k *KeyRecord) []check.Finding {
			if k.Record.Notes == "" {
				return nil
			}
			return bad("n= is %q", clip(k.Record.Notes))
		}),
	}
}

// faults makes a finding of each fault of some kinds; those that common verifiers
// tolerate have the lower severity.
func faults(k *KeyRecord, tolerated check.Severity, kinds ...Fault) []check.Finding {
	var all []check.Finding
	for _, f := range k.Faults {
		if !slices.Contains(kinds, f.Kind) {
			continue
		}
		finding := bad("octet %d, %q: %s", f.Offset, clip(f.Term), f.Reason)
		if f.Tolerated {
			lower(tolerated, finding)
		}
		all = append(all, finding...)
	}
	return all
}

func judgeFaults(kinds ...Fault) judge {
	return func(_ *SelectorAnalysis, k *KeyRecord) []check.Finding { return faults(k, check.Low, kinds...) }
}

func judgeSyntax(_ *SelectorAnalysis, k *KeyRecord) []check.Finding {
	return faults(k, check.Low, FaultTagList, FaultEmpty, FaultEscape, FaultValue)
}

func judgeKeyType(_ *SelectorAnalysis, k *KeyRecord) []check.Finding {
	typ := k.Record.KeyType
	switch {
	case typ == RSA || typ == Ed25519 || !isWord(typ): // the last is a fault of syntax
		return nil
	case strings.EqualFold(typ, RSA), strings.EqualFold(typ, Ed25519):
		return lower(check.Medium, bad("k= is %q; values are case-sensitive, and receivers that compare exactly do not know it", typ))
	}
	return bad("k= is %q", typ)
}

func judgeHashes(_ *SelectorAnalysis, k *KeyRecord) []check.Finding {
	hashes := k.Record.Hashes
	switch {
	case hashes == nil || k.Record.Allows("sha256") || slices.Contains(hashes, ""): // the last is a fault of syntax
		return nil
	case slices.ContainsFunc(hashes, func(h string) bool { return strings.EqualFold(h, "sha256") }):
		return lower(check.Medium, bad("h= is %q; values are case-sensitive, and receivers that compare exactly do not find sha256 in it", strings.Join(hashes, ":")))
	}
	return bad("h= is %q", strings.Join(hashes, ":"))
}

func judgeServices(_ *SelectorAnalysis, k *KeyRecord) []check.Finding {
	services := k.Record.Services
	if k.Record.ForMail() || slices.Contains(services, "") { // the last is a fault of syntax
		return nil
	}
	list := strings.Join(services, ":")
	if list == "tlsrpt" {
		return lower(check.Info, bad("s= is tlsrpt: the key signs TLS reports alone (RFC 8460, 3)"))
	}
	return bad("s= is %q", list)
}

func judgeGranularity(_ *SelectorAnalysis, k *KeyRecord) []check.Finding {
	for _, t := range k.Record.Others {
		switch {
		case t.Name != "g":
		case t.Value == "":
			return bad("g= is empty: verifiers of RFC 4871 accept no address with it")
		default:
			return bad("g= is %q", clip(t.Value))
		}
	}
	return nil
}
