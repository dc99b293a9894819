package zendesk

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mailcheck-go/mailcheck"
	"github.com/mailcheck-go/mailcheck/account"
	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/internal/idn"
)

// Account is an account that was read, for package account to look at the domains
// and hosts that it names.
type Account struct {
	Facts      *Facts
	Settings   Settings
	Only, Skip []string // rule ids, or "area.*": as mailcheck.Settings has them
}

var _ account.Account = (*Account)(nil)

// Service is "zendesk".
func (*Account) Service() string { return "zendesk" }

// Domains are those of the support addresses. Those at Zendesk's own are not among
// them, and those of providers of mailboxes are skipped.
func (c *Account) Domains() []account.Domain {
	var all []account.Domain
	for _, d := range Analyze(c.Facts).Domains {
		name := outsideName(d.Name)
		if slices.ContainsFunc(all, func(o account.Domain) bool { return o.Name == name }) {
			continue
		}
		why, _ := d.Skipped()
		all = append(all, account.Domain{Name: name, Skip: why, Ask: []dnsx.Question{verification(name)}})
	}
	return all
}

// Hosts are those of active brands.
func (c *Account) Hosts() []account.Host {
	var all []account.Host
	for _, h := range Analyze(c.Facts).Hosts {
		host := account.Host{Name: outsideName(h.Name)}
		if !slices.Contains(all, host) {
			all = append(all, host)
		}
	}
	return all
}

// outsideName is a name as the DNS has it: with A-labels where it can be so written.
func outsideName(name string) string {
	ascii, _, err := idn.Domain(name)
	if err != nil {
		return name
	}
	return ascii
}

// verification is the question for the text that shows Zendesk whose a domain is.
func verification(domain string) dnsx.Question {
	return dnsx.Q(dnsx.Join("zendeskverification", domain), dnsx.TypeTXT)
}

// Judge makes the account's report. Where nobody looked outside, what needs that is
// unknown.
func (c *Account) Judge(out *account.Outside) *check.Report {
	a := Analyze(c.Facts)
	a.Outside = out
	r := &check.Report{
		Schema: check.ReportSchema, Tool: "mailcheck " + mailcheck.Version,
		Target: a.subject(), At: c.Settings.now(a), Sections: listSections(), Reports: out.Reports(),
	}
	rules := slices.DeleteFunc(Rules(c.Settings), func(r check.Rule[*Analysis]) bool { return !check.Selected(r.ID, c.Only, c.Skip) })
	r.Results = check.Apply(a, rules)
	r.Overview = a.overview()
	r.Answers = a.answers(r)
	r.Count()
	return r
}

// listSections are the lines of the list.
func listSections() []check.Section {
	var all []check.Section
	for _, l := range lines {
		if len(all) == 0 || all[len(all)-1].Title != l.Section.Title {
			all = append(all, check.Section{Title: l.Section.Title})
		}
		s := &all[len(all)-1]
		s.Lines = append(s.Lines, check.Line{Number: l.Number, Title: l.Title, Rules: []string{l.Rule}})
	}
	return all
}

// overview says what was read, and with whose eyes.
func (a *Analysis) overview() []check.Overview {
	var all []check.Overview
	add := func(title string, text check.Text) {
		all = append(all, check.Overview{Area: "account", Title: title, Text: text})
	}
	if a.Me != nil {
		add("Credentials", check.Textf("%s, as %s", string(a.Me.Credentials), check.Textf(a.Me.Role)))
	}
	if len(a.Addresses) > 0 {
		add("Addresses", check.Textf("support addresses: %d; domains besides Zendesk's own: %d", len(a.Addresses), len(a.Domains)))
	}
	if a.Seen(EndpointBrands) {
		add("Brands", check.Textf("brands: %d; with a host name of their own: %d", len(a.Brands), len(a.Hosts)))
	}
	if a.Seen(EndpointTeam) {
		add("Team", check.Textf("admins: %d; agents: %d", len(a.Admins), len(a.Agents)))
	}
	for _, d := range a.Domains {
		if why, skipped := d.Skipped(); skipped {
			add("Not checked", why)
		}
	}
	return all
}

// answers are the headline: the list, the mail, the certificates.
func (a *Analysis) answers(r *check.Report) []check.Answer {
	var list, mail, certs []string
	for _, res := range r.Results {
		switch {
		case slices.Contains(mailRules, res.ID):
			mail = append(mail, res.ID)
		case slices.Contains(certRules, res.ID):
			certs = append(certs, res.ID)
		default:
			list = append(list, res.ID)
		}
	}
	var all []check.Answer
	add := func(id string, question, text check.Text, rules []string) {
		if len(rules) == 0 {
			return
		}
		answer, outcome := verdictOf(r.Results, rules)
		all = append(all, check.Answer{ID: id, Question: question, Answer: answer, Outcome: outcome, Text: text, Rules: rules})
	}
	add("account", check.Textf("Is the account set up as Zendesk advises?"), tally(r.Results, list), list)
	if len(a.Domains) > 0 {
		add("account-mail", check.Textf("Will mail from the support addresses pass?"), a.mailText(), mail)
	}
	if len(a.Hosts) > 0 {
		add("account-certificates", check.Textf("Are the help centres' certificates valid, and until when?"), a.certText(), certs)
	}
	return all
}

var (
	mailRules = []string{"zendesk.support-spf", "zendesk.support-dkim", "zendesk.support-dmarc"}
	certRules = []string{"zendesk.host-mapping", "zendesk.host-certificate", "zendesk.host-caa"}
)

// verdictOf answers for some rules: no where one fails at medium severity or above, and
// else not known where one is not. What is low is worth a mark, and no more.
func verdictOf(results []check.Result, ids []string) (answer string, outcome check.Outcome) {
	answer, outcome = "yes", check.Pass
	for _, res := range results {
		switch {
		case !slices.Contains(ids, res.ID):
		case res.Outcome == check.Fail && res.Severity >= check.Medium:
			return "no", check.Fail
		case res.Outcome == check.Unknown:
			answer, outcome = "unknown", check.Unknown
		case (res.Outcome == check.Fail || res.Outcome == check.Note) && outcome == check.Pass:
			outcome = check.Note
		}
	}
	return answer, outcome
}

// tally counts what became of some rules.
func tally(results []check.Result, ids []string) check.Text {
	var pass, fail, unknown, person int
	for _, res := range results {
		if !slices.Contains(ids, res.ID) {
			continue
		}
		switch res.Outcome {
		case check.Pass, check.Note:
			pass++
		case check.Fail:
			fail++
		case check.Unknown:
			if unknown++; asksPerson(&res) {
				person++
			}
		}
	}
	return check.Textf("%d settings are as advised, %d are not, %d are not known: of these %d wait for a person's answer.", pass, fail, unknown, person)
}

// asksPerson reports that nothing but a person's word is missing.
func asksPerson(res *check.Result) bool {
	return !slices.ContainsFunc(res.Gaps, func(g check.Gap) bool { return g.Why != check.Person })
}

// mailText counts the domains at which all is right.
func (a *Analysis) mailText() check.Text {
	checked, fine, open := 0, 0, 0
	for _, d := range a.Domains {
		if _, skipped := d.Skipped(); skipped {
			continue
		}
		checked++
		seen, _ := a.domain(d)
		if seen == nil {
			open++
			continue
		}
		v := &verdict{}
		for _, judge := range []func(*verdict, AddressDomain, *account.DomainView){a.supportSPF, a.domainKeys, a.supportDMARC} {
			judge(v, d, seen)
		}
		switch bad := slices.ContainsFunc(v.findings, func(f check.Finding) bool { return f.Severity == 0 || f.Severity >= check.Medium }); {
		case bad:
		case len(v.gaps) > 0:
			open++
		default:
			fine++
		}
	}
	if a.CustomDKIM == No {
		return check.Textf("Zendesk does not sign with the domains of the support addresses: the custom domain for DKIM is off.")
	}
	return check.Textf("SPF, DKIM and DMARC are right for mail from Zendesk at %d of %d domains, and not known at %d.", fine, checked, open)
}

// certText says which certificate is the first to end.
func (a *Analysis) certText() check.Text {
	if a.Outside == nil {
		return check.Textf("Nobody looked.")
	}
	seen := 0
	var first *check.Report
	for _, h := range a.Outside.Hosts {
		if h.Report == nil {
			continue
		}
		if end := account.Expires(h.Report); !end.IsZero() {
			if seen++; first == nil || end.Before(account.Expires(first)) {
				first = h.Report
			}
		}
	}
	if first == nil {
		return check.Textf("No certificate of the %d help centres was seen.", len(a.Hosts))
	}
	return check.Textf("The first to end is that of %s, on %s; %d of %d were seen.", first.Target, account.Expires(first).Format(day), seen, len(a.Hosts))
}

// domain is what was seen of a domain; gaps where it was not.
func (a *Analysis) domain(d AddressDomain) (*account.DomainView, []check.Gap) {
	if a.Outside != nil {
		v := a.Outside.Domains[outsideName(d.Name)]
		switch {
		case v == nil:
		case v.Err != nil:
			return nil, []check.Gap{unseen(d.Name, v.Err)}
		default:
			return v, nil
		}
	}
	return nil, []check.Gap{{Subject: "DNS " + d.Name, Why: check.NotAsked}}
}

// unseen is the gap of a name that is none, or whose facts were not saved.
func unseen(name string, err error) check.Gap {
	if errors.Is(err, account.ErrAbsent) {
		return check.Gap{Subject: name, Why: check.NotAsked}
	}
	return check.Gap{Subject: name, Why: check.Failed, Cause: err}
}

// host is what was seen of a host; gaps where it was not.
func (a *Analysis) host(h Host) (*account.HostView, []check.Gap) {
	if a.Outside != nil {
		v := a.Outside.Hosts[outsideName(h.Name)]
		switch {
		case v == nil:
		case v.Err != nil:
			return nil, []check.Gap{unseen(h.Name, v.Err)}
		default:
			return v, nil
		}
	}
	return nil, []check.Gap{{Subject: "https://" + h.Name + "/", Why: check.NotAsked}}
}

// said is what the account's own answer about a domain's addresses was.
func (d AddressDomain) said(field, state string) check.Evidence {
	first := d.first()
	if n := len(d.Addresses); n > 1 {
		first = fmt.Sprintf("%s, … %d addresses", first, n)
	}
	return check.Evidence{Source: EndpointSupportAddresses.Request(), Text: fmt.Sprintf("%s: %s %s", first, field, cmp.Or(state, "-"))}
}

// first is one of the domain's addresses.
func (d AddressDomain) first() string { return strings.ToLower(d.Addresses[0].Email) }
