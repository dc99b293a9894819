package mailcheck

import (
	"slices"
	"strings"
	"time"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dmarc"
)

// answers are the headline: what whoever pays for the domain asks first.
func (v *view) answers(results []check.Result) []check.Answer {
	if exists, gaps := v.exists(); len(gaps) == 0 && !exists {
		return nil // dns.nxdomain says all there is to say
	}
	if v.role.Role == Infrastructure {
		return nil
	}
	var all []check.Answer
	if v.facts.Host == "" {
		all = append(all, v.forge(results))
		if v.role.Role != Parked && v.role.Role != Receives {
			all = append(all, v.ownMail())
		}
	}
	if v.facts.Host != "" || v.role.Role != Parked {
		all = append(all, v.certificates(results))
	}
	all = append(all, v.authorization()...)
	for i := range all {
		all[i].Rules = known(all[i].Rules, results)
	}
	// Where the owner left out every rule that an answer rests on, nobody asked it.
	return slices.DeleteFunc(all, func(a check.Answer) bool { return len(a.Rules) == 0 })
}

// known keeps the ids of rules that were judged.
func known(ids []string, results []check.Result) []string {
	return slices.DeleteFunc(ids, func(id string) bool { return find(results, id) == nil })
}

// find is the result of a rule, nil where it was not judged.
func find(results []check.Result, id string) *check.Result {
	for i := range results {
		if results[i].ID == id {
			return &results[i]
		}
	}
	return nil
}

// forge: can others send mail as the domain? Only DMARC ties the From address to
// anything, so its policy answers, unless SPF itself lets everybody pass.
func (v *view) forge(results []check.Result) check.Answer {
	a := check.Answer{
		ID: "forge", Question: check.Textf("Can others forge this domain?"), Answer: "unknown", Outcome: check.Unknown,
		Rules: []string{"dmarc.missing", "dmarc.p-none", "dmarc.parked-weak", "dmarc.sp-weaker", "spf.all-pass", "spf.include-pass-all", "spf.include-unregistered"},
	}
	yes := func(t check.Text) check.Answer {
		a.Answer, a.Outcome, a.Text = "yes", check.Fail, t
		return a
	}
	if v.spf != nil && len(v.spf.Open) > 0 {
		return yes(check.Textf("The SPF record lets everybody pass: %s in the record of %s.", v.spf.Open[0].Term, v.spf.Open[0].Name))
	}
	if v.dmarc == nil {
		a.Text = check.Textf("DMARC was not asked for.")
		return a
	}
	e := v.dmarc.Effective
	switch {
	case e.Domain == dmarc.Off:
		return yes(check.Textf("There is no DMARC policy, so receivers let mail pass that fails SPF and DKIM."))
	case e.Domain == dmarc.None:
		return yes(check.Textf("The DMARC policy is none: receivers are asked to do nothing about mail that fails."))
	case e.Domain == "":
		a.Text = check.Textf("The DMARC policy is not known.")
		if gaps := v.dmarcGaps(); len(gaps) > 0 {
			a.Text = check.Textf("The DMARC policy is not known: %s.", causeOf(gaps[0]))
		}
		return a
	case !enforces(e.Subdomain) && e.Subdomain != "":
		return yes(check.Textf("The domain itself is protected (%s), the names below it are not (%s).", string(e.Domain), string(e.Subdomain)))
	case !enforces(e.Missing) && e.Missing != "":
		return yes(check.Textf("The domain itself is protected (%s), made-up names below it are not (%s).", string(e.Domain), string(e.Missing)))
	}
	if r := find(results, "spf.include-unregistered"); r != nil && r.Outcome == check.Fail {
		// It may be on hold, and then nobody gets it.
		a.Text = check.Textf("DMARC asks receivers to refuse what fails, but the SPF record trusts a domain that does not exist: anybody who can get that domain can.")
		return a
	}
	a.Answer, a.Outcome = "no", check.Pass
	a.Text = check.Textf("DMARC asks receivers to reject mail that fails SPF and DKIM.")
	if e.Domain == dmarc.Quarantine {
		a.Text = check.Textf("DMARC asks receivers to put mail that fails SPF and DKIM into the spam folder.")
	}
	if v.spf != nil && v.spf.More && v.spf.Unread == nil {
		a.Text = check.Textf("%s Whom SPF passes is not all known: part of it depends on the message, or was not answered.", a.Text)
	}
	return a
}

func causeOf(g check.Gap) check.Text {
	if cause := g.Words(); !cause.IsZero() {
		return cause
	}
	return g.About()
}

// ownMail: will mail of the domain's own services be authenticated?
func (v *view) ownMail() check.Answer {
	a := check.Answer{
		ID: "own-mail", Question: check.Textf("Will your own mail pass?"), Answer: "unknown", Outcome: check.Unknown,
		Rules: []string{"spf.missing", "spf.multiple", "spf.syntax", "spf.lookup-limit", "provider.dkim-missing", "dmarc.reject-spf-only"},
	}
	say := func(answer string, o check.Outcome, t check.Text) check.Answer {
		a.Answer, a.Outcome, a.Text = answer, o, t
		return a
	}
	if v.spf == nil || v.dkim == nil || v.dmarc == nil {
		a.Text = check.Textf("SPF, DKIM and DMARC were not all asked for.")
		return a
	}
	if v.spf.Unread != nil {
		a.Text = check.Textf("The SPF record is not known: %s.", causeOf(v.spf.Unread[0]))
		return a
	}
	services, unsigned, unsure := v.services(len(v.spf.PermErrors) == 0)
	enforced := enforces(v.dmarc.Effective.Domain)
	switch {
	case len(v.spf.PermErrors) > 0:
		c := v.spf.PermErrors[0]
		return say("no", check.Fail, check.Textf("The SPF record is in error (%s), so mail that is not signed with DKIM fails.%s", c.Text, services))
	case len(v.spf.Texts) == 0 && len(v.dkim.Keys) == 0 && v.dkim.Complete && !v.aliasedKeys():
		return say("no", check.Fail, check.Textf("There is neither an SPF record nor a DKIM key."))
	case len(unsigned) > 0 && enforced:
		return say("no", check.Fail, check.Textf("Mail through %s is not signed for the domain, and the DMARC policy is %s.%s", strings.Join(unsigned, ", "), string(v.dmarc.Effective.Domain), services))
	case len(v.spf.Gaps) > 0:
		a.Text = check.Textf("Part of the SPF record is not known: %s.%s", causeOf(v.spf.Gaps[0]), services)
		return a
	case len(unsure) > 0:
		a.Text = check.Textf("Whether mail through %s is signed is not known.%s", strings.Join(unsure, ", "), services)
		return a
	case len(unsigned) > 0:
		return say("yes", check.Note, check.Textf("By SPF alone through %s: forwarded mail fails.%s", strings.Join(unsigned, ", "), services))
	case len(v.spf.Texts) == 0:
		return say("no", check.Fail, check.Textf("There is no SPF record: only mail signed with DKIM passes.%s", services))
	case len(v.dkim.Keys) == 0 && v.aliasedKeys():
		a.Text = check.Textf("DKIM records are published, and whether receivers can use their keys is not known.%s", services)
		return a
	case len(v.dkim.Keys) == 0:
		noKey, _ := v.noKey()
		if noKey {
			return say("yes", check.Note, check.Textf("By SPF alone: there is no DKIM key, so forwarded mail fails."))
		}
		return say("yes", check.Note, check.Textf("By SPF; no DKIM key was found at the selectors that were tried, so forwarded mail may fail."))
	}
	return say("yes", check.Pass, check.Textf("SPF is valid and DKIM keys are published.%s", services))
}

// services says how each service that SPF names is authenticated; bySPF says that
// the record can be evaluated.
func (v *view) services(bySPF bool) (all check.Text, unsigned, unsure []string) {
	var parts []check.Text
	for _, s := range v.senders {
		how := check.Textf("DKIM not known")
		switch v.signing(s.Provider) {
		case signs:
			how = check.Textf("DKIM")
		case published:
			how = check.Textf("DKIM records published")
			unsure = append(unsure, s.Name)
		case signsNot:
			how = check.Textf("no DKIM")
			unsigned = append(unsigned, s.Name)
		}
		if bySPF {
			how = check.Textf("SPF, %s", how)
		}
		parts = append(parts, check.Textf("%s: %s", s.Name, how))
	}
	if len(parts) == 0 {
		return check.Textf(""), nil, nil
	}
	return check.Textf(" %s.", list("%s; %s", parts)), unsigned, unsure
}

// list joins texts, of which there is one at least, by a format of two.
func list(format string, texts []check.Text) check.Text {
	all := texts[0]
	for _, t := range texts[1:] {
		all = check.Textf(format, all, t)
	}
	return all
}

// certificates: until when do those that were seen hold?
func (v *view) certificates(results []check.Result) check.Answer {
	a := check.Answer{
		ID: "certificates", Question: check.Textf("Are the certificates valid, and until when?"), Answer: "unknown", Outcome: check.Unknown,
		Rules: []string{"cert.expired", "cert.not-yet-valid", "cert.expiring", "cert.name-mismatch", "cert.self-signed", "cert.untrusted-root", "cert.chain-incomplete", "cert.chain-invalid"},
	}
	if v.tlscert == nil || len(v.tlscert.Hosts) == 0 {
		a.Text = check.Textf("No host was looked at: no help centre was found. Name one with --host.")
		return a
	}
	var unseen []string
	for _, h := range v.tlscert.Hosts {
		if h.Seen == 0 {
			unseen = append(unseen, h.String())
		}
	}
	for i := range results {
		res := &results[i]
		if strings.HasPrefix(res.ID, "cert.") && res.Outcome == check.Fail && res.Severity >= check.High {
			a.Answer, a.Outcome = "no", check.Fail
			f := res.Findings[0]
			a.Text = check.Textf("%s: %s.", f.Subject, f.Detail)
			return a
		}
	}
	soonest := v.tlscert.Soonest()
	if soonest == nil {
		a.Text = check.Textf("No certificate was seen: %s.", causeOf(firstGap(v.tlscert.Hosts[0].Gaps, unseen[0])))
		return a
	}
	until := soonest.NotAfter()
	days := int(soonest.Leaves[0].Left(v.when) / (24 * time.Hour))
	a.Text = check.Textf("The first to expire is that of %s, on %s (in %d days).", soonest.String(), until.Format(time.DateOnly), days)
	if len(unseen) > 0 {
		a.Text = check.Textf("%s Not seen: %s.", a.Text, strings.Join(unseen, ", "))
		return a
	}
	a.Answer, a.Outcome = "yes", check.Pass
	return a
}

func firstGap(gaps []check.Gap, subject string) check.Gap {
	if len(gaps) > 0 {
		return gaps[0]
	}
	return check.Gap{Subject: subject}
}
