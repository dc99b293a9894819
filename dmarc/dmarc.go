// Package dmarc reads what a domain and the names above it publish for DMARC,
// and judges it for receivers of both generations: those of RFC 9989, which walk
// up the DNS tree, and those of RFC 7489, which go by a public suffix list.
//
// [Discover] asks for the record of every name on the way up at once, and then
// whether the addresses for reports agree to get them. [Analyze] works out whose
// record applies and what it asks for, [Rules] judges that, [Repair] writes
// corrected records. [Check] is all of it. [Parse] reads one record, and
// [Evaluate] says what becomes of one message.
//
// Only Discover and Check talk to the network.
package dmarc

import (
	"context"
	"slices"
	"time"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

// Options bounds discovery. The zero value works.
type Options struct {
	Budget   time.Duration // for all questions together; 0 means dnsx.DefaultBudget
	WalkOnly bool          // leave out the report destinations: Evaluate does not need them
}

// Facts is what was asked and what came of it. The zero Reply was not asked.
type Facts struct {
	Domain       string        `json:"domain"`
	Apex         dnsx.Reply    `json:"apex,omitzero"`          // TXT of the domain itself: whether it exists, and a record in the wrong place
	Walk         []dnsx.Reply  `json:"walk,omitempty"`         // TXT _dmarc.NAME for the names of the tree walk and the PSL's organizational domain
	Destinations []Destination `json:"destinations,omitempty"` // hosts that the record sends reports to, at most 20
}

// Destination is a host that reports go to.
type Destination struct {
	Host string       `json:"host"`
	Auth []dnsx.Reply `json:"auth,omitempty"` // TXT OWNER._report._dmarc.HOST for the name of each record that may apply
	Walk []dnsx.Reply `json:"walk,omitempty"` // TXT _dmarc.NAME for the names of the host's tree walk
	MX   dnsx.Reply   `json:"mx,omitzero"`
	A    dnsx.Reply   `json:"a,omitzero"` // asked where there is no MX record (RFC 5321, 5.1)
	AAAA dnsx.Reply   `json:"aaaa,omitzero"`
}

// Bounds of what is asked for one domain.
const (
	maxHosts = 20 // report destinations
	maxURIs  = 20 // addresses of one tag that are looked at
)

// Questions returns what can be asked knowing the domain alone: its own TXT
// records, and those of _dmarc at each name of its tree walk.
func Questions(domain string, _ Options) []dnsx.Question {
	domain, err := dnsx.ParseName(domain)
	if err != nil {
		return nil
	}
	return append([]dnsx.Question{dnsx.Q(domain, dnsx.TypeTXT)}, walkQuestions(domain)...)
}

func walkQuestions(domain string) []dnsx.Question {
	var qs []dnsx.Question
	for _, name := range walkNames(domain) {
		if record, ok := recordName(name); ok {
			qs = append(qs, dnsx.Q(record, dnsx.TypeTXT))
		}
	}
	return qs
}

// Discover asks the DNS about domain and writes down what it hears. First come
// all Questions at once; then, at once again, what concerns the destinations of
// reports; and the addresses of those without an MX record. The error is a
// *dnsx.NameError, or that of ctx; with the latter the facts so far come back too.
func Discover(ctx context.Context, r dnsx.Resolver, domain string, o Options) (*Facts, error) {
	domain, err := dnsx.ParseName(domain)
	if err != nil {
		return nil, err
	}
	bounded, cancel := dnsx.WithBudget(ctx, o.Budget)
	defer cancel()
	replies := dnsx.Ask(bounded, r, Questions(domain, o)...)
	f := &Facts{Domain: domain, Apex: replies[0], Walk: replies[1:]}
	if !o.WalkOnly {
		f.discoverDestinations(bounded, r)
	}
	return f, ctx.Err()
}

func (f *Facts) discoverDestinations(ctx context.Context, r dnsx.Resolver) {
	a := Analyze(f)
	hosts := reportHosts(a.applied)
	if len(hosts) > maxHosts {
		hosts = hosts[:maxHosts]
	}
	known := make(map[dnsx.Question]dnsx.Reply, len(f.Walk))
	for _, reply := range f.Walk {
		known[reply.Question] = reply
	}
	var wanted []dnsx.Question
	for _, host := range hosts {
		wanted = append(wanted, authQuestions(host, a.applied)...)
		wanted = append(wanted, walkQuestions(host)...)
		wanted = append(wanted, dnsx.Q(host, dnsx.TypeMX))
	}
	ask(ctx, r, known, wanted)

	var addresses []dnsx.Question
	for _, host := range hosts {
		if mx := known[dnsx.Q(host, dnsx.TypeMX)]; mx.Absent() && mx.Answer.Exists() {
			addresses = append(addresses, dnsx.Q(host, dnsx.TypeA), dnsx.Q(host, dnsx.TypeAAAA))
		}
	}
	ask(ctx, r, known, addresses)

	for _, host := range hosts {
		f.Destinations = append(f.Destinations, Destination{
			Host: host,
			Auth: pick(known, authQuestions(host, a.applied)),
			Walk: pick(known, walkQuestions(host)),
			MX:   known[dnsx.Q(host, dnsx.TypeMX)],
			A:    known[dnsx.Q(host, dnsx.TypeA)],
			AAAA: known[dnsx.Q(host, dnsx.TypeAAAA)],
		})
	}
}

// ask puts the questions that have no reply yet, each once.
func ask(ctx context.Context, r dnsx.Resolver, known map[dnsx.Question]dnsx.Reply, wanted []dnsx.Question) {
	var qs []dnsx.Question
	for _, q := range wanted {
		if _, ok := known[q]; !ok && !slices.Contains(qs, q) {
			qs = append(qs, q)
		}
	}
	if len(qs) == 0 {
		return
	}
	for i, reply := range dnsx.Ask(ctx, r, qs...) {
		known[qs[i]] = reply
	}
}

func pick(known map[dnsx.Question]dnsx.Reply, qs []dnsx.Question) []dnsx.Reply {
	var replies []dnsx.Reply
	for _, q := range qs {
		replies = append(replies, known[q])
	}
	return replies
}

// reportHosts lists the hosts that the records send reports to, each once, in
// the order published.
func reportHosts(nodes []*Node) []string {
	var hosts []string
	for _, n := range nodes {
		for _, uris := range [][]URI{n.Record().RUA, n.Record().RUF} {
			for _, u := range uris[:min(len(uris), maxURIs)] {
				if u.Address != "" && !slices.Contains(hosts, u.Host) {
					hosts = append(hosts, u.Host)
				}
			}
		}
	}
	return hosts
}

// authQuestions asks host whether it takes reports about the nodes' records. The
// host of the record itself needs to say nothing.
func authQuestions(host string, nodes []*Node) []dnsx.Question {
	var qs []dnsx.Question
	for _, n := range nodes {
		if name, ok := authName(n.Name, host); ok && n.Name != host {
			qs = append(qs, dnsx.Q(name, dnsx.TypeTXT))
		}
	}
	return qs
}

// authName is where host authorizes reports about the record of owner (RFC 9990,
// 4); false means that the name would be too long.
func authName(owner, host string) (string, bool) {
	name, err := dnsx.ParseName(dnsx.Join(owner+"._report._dmarc", host))
	return name, err == nil
}

// Check discovers, analyzes and judges domain. The error is that of Discover;
// with one of ctx the results so far come back too.
func Check(ctx context.Context, r dnsx.Resolver, domain string, o Options, s Settings) ([]check.Result, error) {
	f, err := Discover(ctx, r, domain, o)
	if f == nil {
		return nil, err
	}
	return check.Apply(Analyze(f), Rules(s)), err
}
