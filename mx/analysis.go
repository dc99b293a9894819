package mx

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

// Receives says whether mail to a domain can be delivered to anybody.
type Receives string

const (
	Yes     Receives = "yes"     // a host has an address
	No      Receives = "no"      // a null MX says so, or no host has an address
	Unknown Receives = "unknown" // an answer that would tell is missing, or an MX record has an address in place of a name
)

// Analysis is what follows from facts.
type Analysis struct {
	Domain  string
	Owner   string   // where the MX records stand: Domain, or the end of its alias chain
	Records []Record // the most preferred first

	Null     bool   // the only record is a null MX
	Implicit bool   // there is no record, and the domain's own address stands in for one
	Hosts    []Host // those that senders try, the most preferred first, each once; at most MaxHosts
	Receives Receives
	Unread   []check.Gap // why the records are not known; nil where they are

	noDomain   bool        // the domain does not exist
	apexUnread []check.Gap // why its own addresses are not known, where they count
	beyond     []check.Gap // hosts that were not looked at
	repair     []check.Change
}

// Host is one mail host.
type Host struct {
	Name       string
	Preference uint16       // the lowest of its records
	Canonical  string       // Name, or the end of its alias chain
	Addrs      []netip.Addr // sorted, IPv4 first
	Unread     []check.Gap  // why Addrs may lack some; nil where it lacks none

	// TXT are the host's own TXT records, asked for where it is of the owner's domain;
	// an alias has none.
	TXT dnsx.Reply

	noIPv6       []check.Gap // why it is not known whether there is an AAAA record
	gone         bool        // an answer said that the host does not exist
	parentUnread []check.Gap // of such a host: why it is not known whether the name above exists
	deadParent   string      // the name above, where that does not exist either
	denier       string      // the zone that said so; "" where the answer does not tell
}

// Analyze reads facts. It takes any, nil too; answers to other questions than
// those of Discover count as not asked.
func Analyze(f *Facts) *Analysis {
	if f == nil {
		f = &Facts{}
	}
	a := &Analysis{Domain: f.Domain, Owner: f.Domain, Receives: Unknown}
	reply := f.MX.To(dnsx.Q(f.Domain, dnsx.TypeMX))
	if err := reply.Err(); err != nil {
		a.Unread = []check.Gap{check.GapOf("", err)}
		return a
	}
	a.Owner = reply.Answer.Owner()
	a.noDomain = !reply.Answer.Exists()
	a.Records = records(reply.Answer)
	a.Null = len(a.Records) == 1 && a.Records[0].Null()
	switch {
	case a.noDomain:
	case len(a.Records) == 0:
		a.readApex(f)
	default:
		a.readHosts(f)
	}
	a.Receives = a.receives()
	a.repair = repair(a)
	return a
}

// readApex makes a host of the domain itself (RFC 5321, 5.1: the implicit MX).
func (a *Analysis) readApex(f *Facts) {
	host := readHost(HostFacts{Name: a.Domain, A: f.A, AAAA: f.AAAA})
	a.apexUnread = host.Unread
	if a.Implicit = len(host.Addrs) > 0; a.Implicit {
		a.Hosts = []Host{host}
	}
}

func (a *Analysis) readHosts(f *Facts) {
	asked := make(map[string]HostFacts, min(len(f.Hosts), MaxHosts))
	for _, h := range f.Hosts[:min(len(f.Hosts), MaxHosts)] {
		asked[h.Name] = h
	}
	preference := map[string]uint16{}
	for _, rec := range a.Records {
		if _, seen := preference[rec.Host]; !seen {
			preference[rec.Host] = rec.Preference
		}
	}
	names := hostNames(a.Records)
	if n := len(names); n > MaxHosts {
		a.beyond = []check.Gap{{
			Subject: "MX " + a.Domain, Why: check.Limit,
			Cause: fmt.Errorf("there are %d MX hosts, and the first %d were looked at", n, MaxHosts),
		}}
		names = names[:MaxHosts]
	}
	for _, name := range names {
		facts := asked[name]
		facts.Name = name
		h := readHost(facts)
		h.Preference = preference[name]
		if h.gone && !dnsx.Below(name, a.Domain) {
			h.readParent(facts.Parent)
		}
		a.Hosts = append(a.Hosts, h)
	}
}

func readHost(f HostFacts) Host {
	h := Host{Name: f.Name, Canonical: f.Name, TXT: f.TXT.To(dnsx.Q(f.Name, dnsx.TypeTXT))}
	for _, reply := range []dnsx.Reply{
		f.A.To(dnsx.Q(f.Name, dnsx.TypeA)), f.AAAA.To(dnsx.Q(f.Name, dnsx.TypeAAAA)),
	} {
		if err := reply.Err(); err != nil {
			gap := check.GapOf("", err)
			h.Unread = append(h.Unread, gap)
			if reply.Question.Type == dnsx.TypeAAAA {
				h.noIPv6 = []check.Gap{gap}
			}
		}
		if chain := reply.Chain(); len(chain) > 0 && chain[0].Name == f.Name {
			if target, ok := chain[len(chain)-1].Target(); ok {
				h.Canonical = target
			}
		}
		for _, rr := range reply.Records() {
			if addr, ok := rr.Addr(); ok && rr.Type == reply.Question.Type && rr.Name == reply.Answer.Owner() {
				h.Addrs = append(h.Addrs, addr)
			}
		}
		h.gone = h.gone || reply.Answer != nil && !reply.Answer.Exists()
	}
	slices.SortFunc(h.Addrs, netip.Addr.Compare) // servers turn the order, and it says nothing (RFC 1034, 3.6)
	return h
}

// readParent finds out whether the name above a host exists, and if not, who says so.
func (h *Host) readParent(r dnsx.Reply) {
	parent := r.To(parentQuestion(h.Name))
	if err := parent.Err(); err != nil {
		h.parentUnread = []check.Gap{check.GapOf("", err)}
		return
	}
	if parent.Answer.Exists() {
		return
	}
	h.deadParent = parent.Question.Name
	for _, rr := range parent.Answer.Authority {
		if rr.Type == dnsx.TypeSOA {
			h.denier = rr.Name
		}
	}
}

func (a *Analysis) receives() Receives {
	if a.noDomain || a.Null {
		return No
	}
	unread := len(a.beyond) > 0 || len(a.apexUnread) > 0
	for _, h := range a.Hosts {
		if len(h.Addrs) > 0 {
			return Yes
		}
		unread = unread || !h.absent()
	}
	for _, rec := range a.Records {
		_, literal := addressOf(rec.Host) // some senders connect to it all the same
		unread = unread || literal
	}
	if unread {
		return Unknown
	}
	return No
}

// mailHosts are the hosts that MX records name.
func (a *Analysis) mailHosts() []Host {
	if a.Implicit {
		return nil
	}
	return a.Hosts
}

// absent reports that a host has no address, and that this is known: of a name
// that does not exist one answer tells (RFC 8020, 2).
func (h *Host) absent() bool { return len(h.Addrs) == 0 && (h.gone || len(h.Unread) == 0) }

// dangling returns the domain at or above the host that anybody may register,
// where answers prove that it does not exist: one about that very name, or the
// denial of a name below it by a zone above it, which has not delegated it then.
func (h *Host) dangling(publicSuffix func(string) string) (domain string, gaps []check.Gap) {
	suffix := publicSuffix(h.Name)
	switch {
	case !h.gone && len(h.Unread) == 2: // one answer is enough: existence is that of every type
		return "", h.Unread
	case !h.gone:
		return "", nil
	case dnsx.Parent(h.Name) == suffix:
		return h.Name, nil
	case h.deadParent == "":
		return "", h.parentUnread
	}
	for domain = h.deadParent; dnsx.Parent(domain) != suffix; domain = dnsx.Parent(domain) {
		if domain == "." { // the public suffix itself does not exist: nobody can register there
			return "", nil
		}
	}
	switch {
	case domain == h.deadParent, h.denier != "" && h.denier != domain && dnsx.Below(domain, h.denier):
		return domain, nil
	case h.denier == "":
		return "", []check.Gap{{Subject: parentQuestion(h.Name).String(), Why: check.Undecidable, Cause: errNoDenier}}
	}
	return "", nil
}

var errNoDenier = errors.New("the answer does not say which zone denies the name")
