package dmarc

import (
	"slices"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

// State is what becomes of an address for reports.
type State string

// An empty State is not known.
const (
	StateSent         State = "sent"          // reports go there
	StateInvalid      State = "invalid"       // it is no valid URI
	StateUnsupported  State = "unsupported"   // receivers need to support mailto alone (RFC 9989, 4.7)
	StateBarred       State = "barred"        // failure reports about a public suffix are not sent (RFC 9991, 2)
	StateUnauthorized State = "unauthorized"  // it is external and does not agree (RFC 9990, 4)
	StateDiverted     State = "diverted"      // it agrees, but names another host: nobody gets a report (RFC 9990, 4)
	StateNameTooLong  State = "name-too-long" // the name where it would agree cannot exist (RFC 9990, 4)
)

// Report is one address of the record that applies, with what becomes of it.
type Report struct {
	Tag      string // rua or ruf
	URI      URI
	External bool   // it has another organizational domain than the record, or may have
	Auth     string // external: the name that has to agree
	State    State
	To       []URI       // where the reports go: URI itself, or what the host replaced it by
	Override string      // Diverted: the other host
	Gaps     []check.Gap // of an empty State

	consent []string // the texts found at Auth
}

// host is one destination, read.
type host struct {
	name  string
	nodes []*Node // of its tree walk
	auth  map[dnsx.Question]dnsx.Reply
	mail  mailbox
	over  bool // beyond the bound: it was not asked
}

// mailbox says whether a host takes mail (RFC 5321, 5.1; RFC 7505, 3).
type mailbox struct {
	refuses string // why no mail arrives; "" where it does, or where that is not known
	gone    bool   // the host does not exist
	open    bool   // whether it does is not known
	gaps    []check.Gap
}

// judgeReports follows each address of both generations' records.
func (a *Analysis) judgeReports(found []Destination) {
	for _, d := range found[:min(len(found), maxHosts)] {
		if name, err := dnsx.ParseName(d.Host); err == nil && name == d.Host && a.hosts[name] == nil {
			a.hosts[name] = readHost(d)
		}
	}
	hosts := reportHosts(a.applied)
	for _, name := range hosts[min(len(hosts), maxHosts):] {
		if a.hosts[name] == nil {
			a.hosts[name] = &host{name: name, over: true}
		}
	}
	for _, g := range []*Generation{&a.New, &a.Old} {
		if g.node == nil {
			continue
		}
		a.judgeURIs(g, "rua", g.Record.RUA)
		a.judgeURIs(g, "ruf", g.Record.RUF)
	}
}

func (a *Analysis) judgeURIs(g *Generation, tag string, uris []URI) {
	if len(uris) > maxURIs {
		uris = uris[:maxURIs]
		a.overURIs = append(a.overURIs, check.Gap{Subject: tag + " of " + g.Owner + " beyond its first addresses", Why: check.Limit})
	}
	for _, uri := range uris {
		g.Reports = append(g.Reports, a.report(g, tag, uri))
	}
}

func readHost(d Destination) *host {
	h := &host{name: d.Host, auth: index(d.Auth), mail: readMailbox(d)}
	replies := index(d.Walk)
	for _, name := range walkNames(d.Host) {
		if n := newNode(name, replies); dnsx.Labels(name) <= walkLabels || name == d.Host {
			h.nodes = append(h.nodes, n)
		}
	}
	return h
}

func readMailbox(d Destination) mailbox {
	q := dnsx.Q(d.Host, dnsx.TypeMX)
	mx, err := records(d.MX, q)
	switch {
	case err != nil:
		return mailbox{open: true, gaps: []check.Gap{check.GapOf("", err)}}
	case len(mx) == 1:
		if _, target, ok := mx[0].MX(); ok && target == "." {
			return mailbox{refuses: "has a null MX record"}
		}
		return mailbox{}
	case len(mx) > 1:
		return mailbox{}
	case !d.MX.Answer.Exists():
		return mailbox{refuses: "does not exist", gone: true}
	}
	var gaps []check.Gap
	for _, addr := range []struct {
		reply dnsx.Reply
		t     dnsx.Type
	}{{d.A, dnsx.TypeA}, {d.AAAA, dnsx.TypeAAAA}} {
		found, err := records(addr.reply, dnsx.Q(d.Host, addr.t))
		if len(found) > 0 {
			return mailbox{}
		}
		if err != nil {
			gaps = append(gaps, check.GapOf("", err))
		}
	}
	if len(gaps) > 0 {
		return mailbox{gaps: gaps}
	}
	return mailbox{refuses: "has neither MX nor address records"}
}

// report says what becomes of one address at receivers of one generation.
func (a *Analysis) report(g *Generation, tag string, uri URI) Report {
	rep := Report{Tag: tag, URI: uri}
	switch {
	case uri.Fault != "":
		rep.State = StateInvalid
		return rep
	case uri.Scheme != "mailto":
		rep.State = StateUnsupported
		return rep
	case g == &a.New && tag == "ruf" && g.Record.PSD == PSDYes:
		rep.State = StateBarred
		return rep
	}
	h := a.hosts[uri.Host]
	if h == nil {
		h = readHost(Destination{Host: uri.Host})
		a.hosts[uri.Host] = h
	}
	if h.over {
		rep.External = true
		rep.Gaps = []check.Gap{{Subject: "report destination " + h.name, Why: check.Limit}}
		return rep
	}
	external, gaps := a.external(g, h)
	if !external {
		rep.State, rep.To = StateSent, []URI{uri}
		return rep
	}
	rep.External = true
	a.authorize(&rep, g.Owner, h)
	if len(gaps) > 0 && (rep.State != StateSent || rep.To[0] != uri) {
		// Perhaps it is not external, and nobody has to agree.
		rep.State, rep.To, rep.Override = "", nil, ""
		rep.Gaps = append(rep.Gaps, gaps...)
	}
	return rep
}

// external tells whether the host has another organizational domain than the
// record's owner. With gaps that is not known, and it may be so.
func (a *Analysis) external(g *Generation, h *host) (bool, []check.Gap) {
	if h.name == g.Owner {
		return false, nil
	}
	if g == &a.Old {
		return pslDomain(h.name) != pslDomain(g.Owner), nil
	}
	owner := slices.DeleteFunc(a.treeNodes(false), func(n *Node) bool { return len(n.Name) > len(g.Owner) })
	home, homeGaps := organization(g.Owner, owner)
	theirs, theirGaps := organization(h.name, h.nodes)
	if home == "" || theirs == "" {
		return true, append(homeGaps, theirGaps...)
	}
	return home != theirs, nil
}

// organization is the organizational domain by the tree walk, empty with gaps
// where an answer that matters is missing.
func organization(start string, nodes []*Node) (string, []check.Gap) {
	var org same[string]
	walk(nodes, nil, func(found []stop) { org.add(orgDomain(start, found)) })
	if name, ok := org.known(); ok {
		return name, nil
	}
	var gaps []check.Gap
	for _, n := range nodes {
		if n.Err != nil {
			gaps = append(gaps, check.GapOf("", n.Err))
		}
	}
	return "", gaps
}

// authorize asks whether the host agreed to reports about owner (RFC 9990, 4,
// steps 1 to 9). One record that does is enough; one that names another host
// ends it for both addresses.
func (a *Analysis) authorize(rep *Report, owner string, h *host) {
	name, ok := authName(owner, h.name)
	if rep.Auth = name; !ok {
		rep.Auth = dnsx.Join(owner+"._report._dmarc", h.name)
		rep.State = StateNameTooLong
		return
	}
	q := dnsx.Q(name, dnsx.TypeTXT)
	texts, _, err := answer(h.auth[q], q)
	if err != nil {
		rep.Gaps = append(rep.Gaps, check.GapOf("", err))
		return
	}
	rep.State, rep.consent = StateUnauthorized, texts
	for _, text := range texts {
		r, _ := Parse(text)
		if r == nil {
			continue
		}
		if rep.State == StateUnauthorized {
			rep.State, rep.To = StateSent, []URI{rep.URI}
		}
		override := r.RUA
		if rep.Tag == "ruf" {
			override = r.RUF
		}
		var to []URI
		for _, u := range override[:min(len(override), maxURIs)] {
			if u.Address == "" {
				continue
			}
			if u.Host != h.name {
				rep.State, rep.Override, rep.To = StateDiverted, u.Host, nil
				return
			}
			to = append(to, u)
		}
		if len(to) > 0 {
			rep.To = to
		}
	}
}
