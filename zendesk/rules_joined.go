package zendesk

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mailcheck-go/mailcheck"
	"github.com/mailcheck-go/mailcheck/account"
	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dmarc"
)

// joined are the rules that hold what the account says against what the DNS and
// hosts say: Analysis.Outside. What receivers see counts; that Zendesk's own check
// sees something else is a finding of low severity, or a note.
func joined(Settings) []rule {
	return []rule{
		{
			Doc: check.Doc{
				ID: "zendesk.support-spf", Severity: check.High, Since: since,
				Title: "The SPF record of a support address's domain does not let Zendesk send",
				Text: "Zendesk sends replies with the support address as their author. Where the domain's SPF record does not name Zendesk, " +
					"receivers count them as failed, and Zendesk writes an address of its own in the place of yours. " +
					"Zendesk's check looks for the include itself; receivers go by the addresses that it brings.",
				Fix:  "Add include:mail.zendesk.com to the SPF record of the domain.",
				Cite: []check.Cite{theList(65), guide("115015746187"), check.RFC(7208, "5.2")},
			},
			reads: []Endpoint{EndpointSupportAddresses}, applies: ownDomains,
			check: eachDomain((*Analysis).supportSPF),
		},
		{
			Doc: check.Doc{
				ID: "zendesk.support-dmarc", Severity: check.High, Since: since,
				Title: "DMARC of a support address's domain is not enforced, or breaks mail from Zendesk",
				Text: "Without an enforced policy anybody can write to your customers as your support team. With one, mail from Zendesk " +
					"has to carry a signature of the domain: that SPF alone is aligned is not certain, and it does not survive forwarding.",
				Fix:  "Have Zendesk sign for the domain first, then move the policy to quarantine and to reject.",
				Cite: []check.Cite{theList(65), check.RFC(9989, "4.7"), check.RFC(9989, "4.4")},
			},
			reads: []Endpoint{EndpointSupportAddresses}, applies: ownDomains,
			check: eachDomain((*Analysis).supportDMARC),
		},
		{
			Doc: check.Doc{
				ID: "zendesk.support-dkim", Severity: check.High, Since: since,
				Title: "Zendesk does not sign mail for a support address's domain",
				Text: "Zendesk signs with its own domain until two CNAME records stand and the custom domain for DKIM is turned on. " +
					"Under an enforced DMARC policy such mail is lost; and where one of the two records is missing, mail stops passing when Zendesk changes keys.",
				Fix:  "Publish both CNAME records, then turn on Admin Center > Channels > Talk and email > Email > Custom domain for DKIM.",
				Cite: []check.Cite{theList(66), guide("4408822303386"), check.RFC(9989, "4.4.1")},
			},
			reads: []Endpoint{EndpointSupportAddresses}, applies: ownDomains,
			check: supportDKIM,
		},
		{
			Doc: check.Doc{
				ID: "zendesk.domain-verified", Severity: check.Low, Since: since,
				Title: "The text that shows Zendesk whose a domain is does not stand in the DNS",
				Text: "Zendesk gives every domain of a support address a code to publish. It advises to do so and makes no use of it yet: " +
					"nothing breaks without it, until Zendesk asks for it.",
				Fix:  "Publish the code as TXT at zendeskverification below the domain.",
				Cite: []check.Cite{theList(66), guide("4867238761626")},
			},
			reads: []Endpoint{EndpointSupportAddresses}, applies: ownDomains,
			check: eachDomain((*Analysis).domainVerified),
		},
		{
			Doc: check.Doc{
				ID: "zendesk.host-mapping", Severity: check.High, Since: since,
				Title: "A help centre's own name does not lead to this account",
				Text: "The brand has a host name, and the name's CNAME record does not end at the brand's name below zendesk.com, or Zendesk sends " +
					"visitors on to its own name. Zendesk removes a mapping whose records are wrong when its certificate is due for renewal.",
				Fix:  "Point the CNAME record of the host to the brand's name below zendesk.com, then set the mapping again.",
				Cite: []check.Cite{theList(41), guide("4408838571930"), guide("4408846660250")},
			},
			reads: []Endpoint{EndpointBrands, EndpointHostMappings}, applies: mappedHosts,
			check: eachHost((*Analysis).hostMapping),
		},
		{
			Doc: check.Doc{
				ID: "zendesk.host-certificate", Severity: check.High, Since: since,
				Title: "The certificate of a help centre is wrong, or ends soon",
				Text: "Browsers turn visitors away from a help centre whose certificate is over, or that they do not trust. Zendesk renews the " +
					"certificates that it provides; those that you uploaded are yours to renew, and nobody tells you.",
				Fix:  "Upload a new certificate, or let Zendesk provide it.",
				Cite: []check.Cite{theList(41), guide("4408832106522"), check.RFC(5280, "6.1")},
			},
			reads: []Endpoint{EndpointBrands}, applies: mappedHosts,
			check: eachHost((*Analysis).hostCertificate),
		},
		{
			Doc: check.Doc{
				ID: "zendesk.host-caa", Severity: check.Medium, Since: since,
				Title: "CAA records keep the certificate of a help centre from being renewed",
				Text: "CAA records say which authorities may issue for a name. Where they leave out the one that Zendesk takes, the next renewal " +
					"fails, and Zendesk removes the host mapping.",
				Fix:  "Add an issue record for the authority of the certificate.",
				Cite: []check.Cite{theList(41), guide("4408846660250"), check.RFC(8659, "4.2")},
			},
			reads: []Endpoint{EndpointBrands}, applies: mappedHosts,
			check: eachHost((*Analysis).hostCAA),
		},
	}
}

// inOrder puts rules into the order of the list.
func inOrder(all []rule) []rule {
	at := func(r rule) int {
		return slices.IndexFunc(lines, func(l Line) bool { return l.Rule == r.ID })
	}
	slices.SortStableFunc(all, func(a, b rule) int { return at(a) - at(b) })
	return all
}

// ownDomains reports whether there are support addresses at domains of the owner's.
func ownDomains(a *Analysis) (bool, []check.Gap) {
	own := slices.ContainsFunc(a.Domains, func(d AddressDomain) bool { return !d.FreeMail })
	return own, a.Gaps(EndpointSupportAddresses)
}

// mappedHosts reports whether there are brands with a host name.
func mappedHosts(a *Analysis) (bool, []check.Gap) {
	if len(a.Hosts) > 0 {
		return true, nil
	}
	gaps := a.Gaps(EndpointBrands)
	if !a.Admin && len(gaps) == 0 && a.Me != nil { // host_mapping is shown to admins only
		gaps = a.absent(EndpointBrands, "brands.host_mapping")
	}
	return false, gaps
}

type verdict struct {
	findings []check.Finding
	gaps     []check.Gap
}

func (v *verdict) find(subject string, severity check.Severity, detail check.Text, fix *check.Fix, evidence ...check.Evidence) {
	v.findings = append(v.findings, check.Finding{Subject: subject, Severity: severity, Detail: detail, Fix: fix, Evidence: evidence})
}

func eachDomain(judge func(*Analysis, *verdict, AddressDomain, *account.DomainView)) func(*Analysis) ([]check.Finding, []check.Gap) {
	return func(a *Analysis) ([]check.Finding, []check.Gap) {
		v := &verdict{}
		for _, d := range a.Domains {
			if d.FreeMail {
				continue
			}
			seen, gaps := a.domain(d)
			v.gaps = append(v.gaps, gaps...)
			if seen != nil {
				judge(a, v, d, seen)
			}
		}
		return v.findings, v.gaps
	}
}

func eachHost(judge func(*Analysis, *verdict, Host, *account.HostView)) func(*Analysis) ([]check.Finding, []check.Gap) {
	return func(a *Analysis) ([]check.Finding, []check.Gap) {
		v := &verdict{}
		for _, h := range a.Hosts {
			seen, gaps := a.host(h)
			v.gaps = append(v.gaps, gaps...)
			if seen != nil {
				judge(a, v, h, seen)
			}
		}
		return v.findings, v.gaps
	}
}

const senderName = "mail.zendesk.com"

func (a *Analysis) supportSPF(v *verdict, d AddressDomain, seen *account.DomainView) {
	u := seen.Use
	evidence := []check.Evidence{d.said("spf_status", d.SPF)}
	if u.Record != "" {
		evidence = append([]check.Evidence{{Source: "TXT " + d.Name, Text: u.Record}}, evidence...)
	}
	find := func(severity check.Severity, detail check.Text, fix *check.Fix) {
		v.find(d.Name, severity, detail, fix, evidence...)
	}
	switch {
	case u.NoDomain:
		find(0, check.Textf("the domain does not exist: replies to mail from its addresses are lost, and whoever registers it gets them"),
			&check.Fix{Summary: check.Textf("Remove the support addresses at %s, or get the domain back.", d.Name)})
	case u.Covered == mailcheck.CoveredUnknown:
		v.gaps = append(v.gaps, u.SPFGaps...)
	case !u.SPFError.IsZero():
		find(0, check.Textf("receivers take nothing from the SPF record, since it is in error: %s", u.SPFError),
			&check.Fix{Summary: check.Textf("Mend the record first: mailcheck domain %s says how.", d.Name)})
	case u.Covered == mailcheck.CoveredNone && d.SPF == "verified":
		find(0, check.Textf("the SPF record does not let Zendesk send any more; Zendesk saw the include when it last looked"), addInclude(d.Name, u))
	case u.Covered == mailcheck.CoveredNone:
		find(0, check.Textf("the SPF record does not let Zendesk send; support addresses at the domain: %d", len(d.Addresses)), addInclude(d.Name, u))
	case u.Covered == mailcheck.CoveredSome:
		find(0, check.Textf("the SPF record lists a part of the addresses that Zendesk sends from, and does not include %s", senderName), addInclude(d.Name, u))
	case u.Include == "":
		find(check.Medium, check.Textf("the SPF record lists the addresses that Zendesk sends from now: mail passes until Zendesk changes them, and Zendesk's own check fails, which looks for %s", "include:"+senderName), addInclude(d.Name, u))
	case !u.Literal:
		find(check.Low, check.Textf("mail from Zendesk passes, by the record of %s; Zendesk's own check fails, which looks for the include in the record of the domain itself", u.In), addInclude(d.Name, u))
	case d.SPF == "failed":
		find(check.Low, check.Textf("the record includes %s and mail passes; Zendesk did not see that when it last looked", senderName), lookAgain(d))
	}
}

// lookAgain is what to do where Zendesk has not noticed yet.
func lookAgain(d AddressDomain) *check.Fix {
	return &check.Fix{Summary: check.Textf("Have Zendesk look again: Admin Center > Channels > Talk and email > Email > Support addresses, %s, verify.", d.first())}
}

// addInclude adds the include before the term that ends the record; where there is
// none, or several, it says what to do in words.
func addInclude(domain string, u *mailcheck.ServiceUse) *check.Fix {
	fix := &check.Fix{Summary: check.Textf("Add %s to the SPF record of %s.", "include:"+senderName, domain)}
	terms := strings.Fields(u.Record)
	if len(terms) == 0 {
		return fix
	}
	at := slices.IndexFunc(terms, func(term string) bool {
		term = strings.ToLower(term)
		return strings.TrimLeft(term, "+-~?") == "all" || strings.HasPrefix(term, "redirect=")
	})
	if at < 0 {
		at = len(terms)
	}
	changed := strings.Join(slices.Insert(terms, at, "include:"+senderName), " ")
	fix.Changes = []check.Change{{Name: domain, Type: "TXT", Old: []string{u.Record}, New: []string{changed}}}
	return fix
}

func supportDKIM(a *Analysis) ([]check.Finding, []check.Gap) {
	v := &verdict{}
	switch a.CustomDKIM {
	case No:
		v.find(a.subject(), 0, check.Textf("the custom domain for DKIM is off: Zendesk signs with a domain of its own"), nil,
			evidence(EndpointSettings, "email.custom_dkim_domain: false")...)
	case Unknown:
		v.gaps = slices.Concat(a.Gaps(EndpointSettings), a.absent(EndpointSettings, "email.custom_dkim_domain"))
	}
	findings, gaps := eachDomain((*Analysis).domainKeys)(a)
	return append(v.findings, findings...), append(v.gaps, gaps...)
}

func (a *Analysis) domainKeys(v *verdict, d AddressDomain, seen *account.DomainView) {
	if seen.Use.NoDomain {
		return // zendesk.support-spf says so
	}
	evidence := []check.Evidence{d.said("cname_status", d.CNAME)}
	var missing []check.Change
	usable, unknown := 0, false
	for _, k := range seen.Use.Keys {
		switch k.State {
		case mailcheck.KeyUsable:
			usable++
			continue
		case mailcheck.KeyUnknown:
			v.gaps = append(v.gaps, k.Gaps...)
			unknown = true
			continue
		case mailcheck.KeyAbsent:
			evidence = append(evidence, check.Evidence{Source: "CNAME " + k.Name, Text: "no record"})
			missing = append(missing, check.Change{Name: k.Name, Type: "CNAME", New: []string{k.Want}})
			continue
		}
		evidence = append(evidence, check.Evidence{Source: "CNAME " + k.Name, Text: fmt.Sprintf("%s (%s)", or(k.Target, "-"), k.State)})
		change := check.Change{Name: k.Name, Type: "CNAME", New: []string{k.Want}}
		if k.Target != "" {
			change.Old = []string{k.Target}
		}
		missing = append(missing, change)
	}
	switch wrong := len(missing); {
	case wrong > 0:
		severity := check.Severity(0)
		if usable > 0 || unknown {
			severity = check.Medium // some mail is signed, until the keys change
		}
		v.find(d.Name, severity, check.Textf("DKIM records that do not lead to a key of Zendesk's: %d of %d, %s", wrong, len(seen.Use.Keys), changed(missing)),
			&check.Fix{Summary: check.Textf("Publish %s, then turn on the custom domain for DKIM.", cnames(missing)), Changes: missing}, evidence...)
	case d.CNAME == "failed" && !unknown:
		v.find(d.Name, check.Info, check.Textf("both DKIM records of %s are right; the account's cname_status is failed, which may be about other records", d.Name), lookAgain(d), evidence...)
	}
}

func changed(all []check.Change) string {
	var names []string
	for _, c := range all {
		names = append(names, c.Name)
	}
	return strings.Join(names, ", ")
}

func cnames(all []check.Change) string {
	var texts []string
	for _, c := range all {
		texts = append(texts, c.Name+" CNAME "+c.New[0])
	}
	return strings.Join(texts, ", ")
}

func (a *Analysis) supportDMARC(v *verdict, d AddressDomain, seen *account.DomainView) {
	u := seen.Use
	var evidence []check.Evidence
	if u.PolicyRecord != "" {
		evidence = []check.Evidence{{Source: "TXT _dmarc." + u.PolicyOwner, Text: u.PolicyRecord}}
	}
	switch {
	case u.NoDomain:
		return
	case u.Policy == "":
		v.gaps = append(v.gaps, u.DMARCGaps...)
		return
	case u.Policy == dmarc.Off:
		v.find(d.Name, 0, check.Textf("there is no DMARC policy: anybody can write as %s", d.first()), nil, evidence...)
		return
	case u.Policy == dmarc.None:
		v.find(d.Name, check.Medium, check.Textf("the DMARC policy is none: anybody can write as %s", d.first()), nil, evidence...)
		return
	}
	signed, known := u.Signed()
	switch {
	case a.CustomDKIM == No || known && !signed:
		v.find(d.Name, 0, check.Textf("the policy is %s, and nothing that Zendesk sends is signed for the domain: receivers may throw it away", string(u.Policy)),
			&check.Fix{Summary: check.Textf("Mend zendesk.support-dkim before anything else; until then p=none keeps mail from being lost.")}, evidence...)
	case !known:
		for _, k := range u.Keys {
			v.gaps = append(v.gaps, k.Gaps...)
		}
	case a.CustomDKIM == Unknown:
		v.gaps = slices.Concat(v.gaps, a.Gaps(EndpointSettings), a.absent(EndpointSettings, "email.custom_dkim_domain"))
	}
}

func (a *Analysis) domainVerified(v *verdict, d AddressDomain, seen *account.DomainView) {
	if seen.Use.NoDomain {
		return
	}
	if len(d.Codes) == 0 {
		v.gaps = append(v.gaps, a.absent(EndpointSupportAddresses, "domain_verification_code")...)
		return
	}
	q := verification(outsideName(d.Name))
	i := slices.IndexFunc(seen.Asked, func(r dnsReply) bool { return r.Question.Name == q.Name })
	if i < 0 {
		v.gaps = append(v.gaps, check.Gap{Subject: q.String(), Why: check.NotAsked})
		return
	}
	reply := seen.Asked[i].To(q)
	if err := reply.Err(); err != nil {
		v.gaps = append(v.gaps, check.GapOf("", err))
		return
	}
	evidence := []check.Evidence{d.said("domain_verification_status", d.Verification)}
	var old []string
	for _, rr := range reply.Records() {
		old = append(old, rr.Text())
		evidence = append(evidence, check.Evidence{Source: "TXT " + q.Name, Text: rr.Text()})
	}
	right := slices.ContainsFunc(d.Codes, func(code string) bool { return slices.Contains(old, code) })
	switch {
	case !right:
		v.find(d.Name, 0, check.Textf("the code %s does not stand at %s", d.Codes[0], q.Name), &check.Fix{
			Summary: check.Textf("Publish TXT %s with %s.", q.Name, d.Codes[0]),
			Changes: []check.Change{{Name: q.Name, Type: "TXT", Old: old, New: []string{d.Codes[0]}}},
		}, evidence...)
	case d.Verification == "failed":
		v.find(d.Name, check.Info, check.Textf("the code stands at %s; Zendesk did not see it when it last looked", q.Name), lookAgain(d), evidence...)
	}
}
