package spf

import (
	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

func missing() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "spf.missing",
			Severity: check.High,
			Title:    "No SPF record",
			Text: "Receivers cannot tell who may send mail with this domain as envelope sender, so anybody may. " +
				"Large mailbox providers refuse or distrust mail from domains without SPF.",
			Fix:   `Publish one TXT record that starts with "v=spf1", names your senders and ends in ~all; "v=spf1 -all" where the domain sends no mail.`,
			Cite:  []check.Cite{check.RFC(7208, "4.5"), check.RFC(7208, "10.1.2"), check.RFC(9989, "5.1.1"), check.RFC(9989, "8")},
			Since: since,
		},
		Applies: func(a *Analysis) (bool, []check.Gap) { return a.Unread == nil && !a.NoDomain, a.Unread },
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			if len(a.Texts) > 0 || len(a.root.misses) > 0 { // a record that is not recognised has rules of its own
				return nil, nil
			}
			detail := check.Textf("there is no TXT record at %s", a.Domain)
			if n := len(answers(a.reply)); dnsx.Parent(a.Domain) == "." {
				detail = check.Textf("%s has one label alone, and receivers look for no record there", a.Domain)
			} else if n > 0 {
				detail = check.Textf("none of the TXT records at %s (%d) starts with %s", a.Domain, n, version)
			}
			return []check.Finding{{Subject: a.Domain, Detail: detail}}, nil
		},
	}
}

func multiple() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "spf.multiple",
			Severity: check.Critical,
			Title:    "More than one SPF record",
			Text: "Receivers that find more than one SPF record stop with a permanent error and use none of them. " +
				"SPF authenticates no mail at all, and DMARC rests on DKIM alone.",
			Fix:   `Merge all mechanisms into one record that starts with "v=spf1", and delete the others.`,
			Cite:  []check.Cite{check.RFC(7208, "3.2"), check.RFC(7208, "4.5")},
			Since: since,
		},
		Applies: func(a *Analysis) (bool, []check.Gap) { return len(a.Texts) > 0, a.Unread },
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			var found []check.Finding
			for _, n := range a.Policy {
				if len(n.Texts) > 1 {
					f := a.finding(n, place{}, check.Textf("%d SPF records stand at %s", len(n.Texts), n.Owner))
					f.Fix = a.fix(n, check.Textf("Make one record of them"))
					found = append(found, f)
				}
			}
			return found, a.policyGaps()
		},
	}
}

func versionToken() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "spf.version-token",
			Severity: check.High,
			Title:    "A TXT record means to be SPF, but does not start with v=spf1 and a blank",
			Text: `Receivers take a TXT record for SPF only if it starts with "v=spf1" followed by a blank or nothing. ` +
				"They skip this one without an error, and with it the senders that it names.",
			Fix:   `Start the record with exactly "v=spf1" and one blank.`,
			Cite:  []check.Cite{check.RFC(7208, "4.5")},
			Since: since,
		},
		Applies: func(a *Analysis) (bool, []check.Gap) { return len(answers(a.reply)) > 0, a.Unread },
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			return a.missed(false, check.Textf(`Start the record with "v=spf1" and one blank`)), nil
		},
	}
}

func leadingSpace() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "spf.leading-space",
			Severity: check.High,
			Title:    "Something in front of v=spf1 that nobody sees hides the SPF record",
			Text: `Receivers take a TXT record for SPF only if its first character is the "v" of "v=spf1". ` +
				"They skip this one, which begins with a blank or the byte order mark of an editor, without an error, and with it the senders that it names.",
			Fix:   "Delete everything in front of v=spf1.",
			Cite:  []check.Cite{check.RFC(7208, "4.5")},
			Since: since,
		},
		Applies: func(a *Analysis) (bool, []check.Gap) { return len(answers(a.reply)) > 0, a.Unread },
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			return a.missed(true, check.Textf("Delete what stands in front of v=spf1")), nil
		},
	}
}

// missed makes findings of the texts that mean to be SPF records and are none. Beside
// a record they cost less.
func (a *Analysis) missed(blank bool, summary check.Text) []check.Finding {
	var found []check.Finding
	for _, m := range a.root.misses {
		if m.blank != blank {
			continue
		}
		f := check.Finding{
			Subject:  a.Domain,
			Detail:   check.Textf("receivers find no SPF record in %q", clip(m.text)),
			Evidence: []check.Evidence{{Source: "TXT " + a.Owner, Text: m.text, End: m.start()}},
			Fix:      &check.Fix{Summary: summary, Changes: Repair(a)},
		}
		if blank {
			f.Detail = check.Textf("receivers find no SPF record in %q: in front of it stands %s", clip(m.text), m.lead())
		}
		if len(a.Texts) > 0 {
			f.Severity = check.Low
			f.Detail = check.Textf("receivers use the other record and ignore %q", clip(m.text))
			f.Fix = &check.Fix{Summary: check.Textf("Move what is still wanted of it into the other record, and delete it")}
		}
		found = append(found, f)
	}
	return found
}

func recordSize(limit int) check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "spf.record-size",
			Severity: check.Low,
			Title:    "The TXT records are too large for a small DNS answer",
			Text: "Name and TXT records of the domain take more octets than surely fit an answer over UDP of 512 octets. " +
				"A larger one needs EDNS, over 1232 octets TCP. Receivers behind firewalls that drop larger answers or DNS over TCP may find no SPF record.",
			Fix:   "Shorten the SPF record, and delete TXT records that are no longer needed, such as old proofs of ownership.",
			Cite:  []check.Cite{check.RFC(7208, "3.4")},
			Since: since,
		},
		Applies: func(a *Analysis) (bool, []check.Gap) { return len(a.Texts) > 0, a.Unread },
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			if a.Size.TXT <= limit {
				return nil, nil
			}
			detail := check.Textf("the name and the text of its TXT records (%d) take %d octets, %d of them the SPF record; %d are sure to fit",
				len(answers(a.reply)), a.Size.TXT, len(a.Text), limit)
			switch size := a.Size.Reply; {
			case size > LargeReply:
				detail = check.Textf("%s; the whole answer takes %d, over %d: resolvers have to ask again over TCP", detail, size, LargeReply)
			case size > SmallReply:
				detail = check.Textf("%s; the whole answer takes %d, over %d: resolvers without EDNS have to ask again over TCP", detail, size, SmallReply)
			}
			return []check.Finding{a.finding(a.root, place{}, detail)}, nil
		},
	}
}

func spf2() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "spf.spf2",
			Severity: check.Info,
			Title:    "A record of Sender ID (spf2.0) is published",
			Text: "Sender ID was an experiment that ended in 2012 (RFC 6654); hardly anybody reads its records. " +
				"It is no SPF record, does no harm, and takes room in every TXT answer.",
			Fix:   "Delete the record.",
			Cite:  []check.Cite{check.RFC(7208, "4.5"), {Doc: "RFC 6654"}},
			Since: since,
		},
		Applies: func(a *Analysis) (bool, []check.Gap) { return len(answers(a.reply)) > 0, a.Unread },
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			return few(len(a.senderID), func(i int) (check.Finding, bool) {
				txt := a.senderID[i]
				return check.Finding{
					Subject:  a.Domain,
					Detail:   check.Textf("%q is a Sender ID record", clip(txt)),
					Evidence: []check.Evidence{{Source: "TXT " + a.Owner, Text: txt}},
					Fix: &check.Fix{
						Summary: check.Textf("Delete the record"),
						Changes: []check.Change{{Name: a.Owner, Type: "TXT", Old: []string{txt}}},
					},
				}, true
			}), nil
		},
	}
}
