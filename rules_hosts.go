package mailcheck

import (
	"net/url"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/provider"
	"github.com/mailcheck-go/mailcheck/tlscert"
)

// hostMappingRules hold the names of help centres against the services that serve them.
func hostMappingRules() []check.Rule[*view] {
	return []check.Rule[*view]{
		{
			Doc: check.Doc{
				ID: "provider.host-dangling", Severity: check.High, Since: "v0.1.0",
				Title: "A help centre's name is an alias of a name that does not exist",
				Text: "The name points to a page at a help desk that is not there any more. Visitors get nothing, and whoever " +
					"takes that name at the help desk serves a page, with a valid certificate, under the name of the domain.",
				Fix:  "Remove the CNAME record, or take the name at the help desk again.",
				Cite: []check.Cite{check.RFC(1034, "3.6.2"), check.RFC(8020, "2")},
			},
			Applies: mapped,
			Check:   hostDangling,
		},
		{
			Doc: check.Doc{
				ID: "provider.host-unmapped", Severity: check.High, Since: "v0.1.0",
				Title: "The help desk does not serve the help centre under its name",
				Text: "The name is an alias of the help desk, and the help desk sends visitors on to a name of its own: the mapping was " +
					"removed, or never made. Zendesk removes a mapping whose CNAME or CAA records are wrong when its certificate is due for renewal.",
				Fix:  "Correct the CNAME and CAA records of the name, then set the mapping again in the help desk's brand settings.",
				Cite: []check.Cite{{Doc: "Zendesk Help 4408846660250"}, check.RFC(9110, "15.4")},
			},
			Applies: mapped,
			Check:   hostUnmapped,
		},
	}
}

// mapping is a host that is an alias of a name at a help desk.
type mapping struct {
	host   *tlscert.HostFacts
	desk   *provider.Provider
	target string     // the name at the help desk
	reply  dnsx.Reply // has the alias
}

// mappings are those among the hosts whose certificates are looked at.
func (v *view) mappings() []mapping {
	if v.facts.TLSCert == nil {
		return nil
	}
	var all []mapping
	for i := range v.facts.TLSCert.Hosts {
		h := &v.facts.TLSCert.Hosts[i]
		if h.Protocol != tlscert.HTTPS {
			continue
		}
		for _, reply := range addressReplies(h) {
			if desk, target := helpDesk(reply, v.providers); desk != nil {
				all = append(all, mapping{h, desk, target, reply})
				break
			}
		}
	}
	return all
}

// addressReplies are those to the questions for the addresses of a host.
func addressReplies(h *tlscert.HostFacts) []dnsx.Reply {
	if len(h.Addrs) > 0 {
		return nil
	}
	return []dnsx.Reply{h.A.To(dnsx.Q(h.Name, dnsx.TypeA)), h.AAAA.To(dnsx.Q(h.Name, dnsx.TypeAAAA))}
}

// mapped reports whether there is a mapping, with what may hide one.
func mapped(v *view) (bool, []check.Gap) {
	if v.facts.TLSCert == nil {
		return false, []check.Gap{{Subject: "help centres of " + v.facts.Domain, Why: check.NotAsked}}
	}
	if len(v.mappings()) > 0 {
		return true, nil
	}
	gaps := v.webGaps()
	for i := range v.facts.TLSCert.Hosts {
		h := &v.facts.TLSCert.Hosts[i]
		replies := addressReplies(h)
		if h.Protocol == tlscert.HTTPS && len(replies) > 0 && replies[0].Err() != nil && replies[1].Err() != nil {
			gaps = append(gaps, check.GapOf("", replies[0].Err()))
		}
	}
	return false, gaps
}

func hostDangling(v *view) (found []check.Finding, gaps []check.Gap) {
	gaps = v.webGaps()
	for _, m := range v.mappings() {
		switch {
		case m.reply.Answer == nil:
			gaps = append(gaps, check.GapOf("", m.reply.Err()))
		case m.reply.Answer.RCode == dnsx.NXDomain:
			old := []string{m.reply.Chain()[0].DataText()}
			found = append(found, check.Finding{
				Subject:  m.host.Name,
				Detail:   check.Textf("it is an alias of %s at %s, which does not exist", m.target, m.desk.Name),
				Evidence: []check.Evidence{{Source: m.reply.Question.String(), Text: "CNAME " + m.target + ": NXDOMAIN"}},
				Fix: &check.Fix{
					Summary: check.Textf("Remove the CNAME record of %s, or take %s at %s again.", m.host.Name, m.target, m.desk.Name),
					Changes: []check.Change{{Name: m.host.Name, Type: "CNAME", Old: old}},
				},
			})
		}
	}
	return found, gaps
}

func hostUnmapped(v *view) (found []check.Finding, gaps []check.Gap) {
	gaps = v.webGaps()
	for _, m := range v.mappings() {
		page := pageOf(m.host)
		switch {
		case page == nil && m.reply.Answer != nil && m.reply.Answer.RCode == dnsx.NXDomain:
			// nobody serves it: that is provider.host-dangling
		case page == nil:
			gaps = append(gaps, check.Gap{Subject: "https://" + m.host.Name + "/", Why: check.NotAsked})
		case page.Failure != nil:
			gaps = append(gaps, check.GapOf("https://"+m.host.Name+"/", page.Failure))
		case v.sendsAway(m, page):
			found = append(found, check.Finding{
				Subject:  m.host.Name,
				Detail:   check.Textf("%s answers with status %d and sends visitors to %s", m.desk.Name, page.Status, page.Location),
				Evidence: []check.Evidence{{Source: "HEAD https://" + m.host.Name + "/", Text: "Location: " + page.Location}},
			})
		}
	}
	return found, gaps
}

// sendsAway reports a redirect from the host to a name of the help desk's own.
func (v *view) sendsAway(m mapping, page *tlscert.HTTPAnswer) bool {
	to, err := url.Parse(page.Location)
	if err != nil || page.Status < 300 || page.Status > 399 {
		return false
	}
	return v.providers.ByWeb(strings.ToLower(to.Hostname())) == m.desk
}

// pageOf is the answer to the request for a host's page, nil where none was made.
func pageOf(h *tlscert.HostFacts) *tlscert.HTTPAnswer {
	for _, e := range h.Endpoints {
		if e.HTTP != nil {
			return e.HTTP
		}
	}
	return nil
}
