package mtasts

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

// Analysis is what follows from facts.
type Analysis struct {
	Domain string
	Name   string // _mta-sts.DOMAIN
	Owner  string // where the records stand: Name, or the end of its alias chain

	// Texts are the records that senders count: those that begin with
	// "v=STSv1;", or where there is none, those that mean to be such records.
	// Any number but one means no MTA-STS (RFC 8461, 3.1).
	Texts  []string
	Text   string      // the one; "" where there is none or several
	Record *Record     // Text as far as it can be read; nil where there is none or several
	Valid  bool        // senders find Record and can read it
	Unread []check.Gap // why it is not known what stands at Name; nil where it is

	Host         string      // mta-sts.DOMAIN
	URL          string      // of the policy
	Policy       *Policy     // as far as it can be read; nil where there is none, or no record
	PolicyValid  bool        // senders can fetch Policy and read it
	PolicyUnread []check.Gap // why it is not known whether there is a policy; nil where it is

	unrelated    int         // TXT records at Name that mean to be something else
	faults       []fault     // of Text
	noDomain     bool        // the domain does not exist: nothing is missing there
	noApex       []check.Gap // why that is not known
	noHost       bool        // Host has no address
	fetch        *Fetch      // nil: not asked, or there is no record
	policyFaults []fault     // of fetch.Body
	repair       []check.Change
}

// Analyze reads facts. It takes any, nil too; answers to other questions than
// those of Discover count as not asked.
func Analyze(f *Facts) *Analysis {
	if f == nil {
		f = &Facts{}
	}
	q := recordQuestion(f.Domain)
	a := &Analysis{
		Domain: f.Domain, Name: q.Name, Owner: q.Name,
		Host: policyHost(f.Domain), URL: policyURL(f.Domain),
	}
	reply := f.Record.To(q)
	if err := reply.Err(); err != nil {
		a.Unread = []check.Gap{check.GapOf("", err)}
		a.PolicyUnread = a.Unread
		return a
	}
	a.Owner = reply.Answer.Owner()
	a.pick(reply.Answer)
	a.repair = repair(a)
	if len(a.Texts) > 0 {
		a.readFetch(f)
		return a
	}
	if !reply.Proves(f.Domain) {
		apex := f.Apex.To(apexQuestion(f.Domain))
		if err := apex.Err(); err != nil {
			a.noApex = []check.Gap{check.GapOf("", err)}
		} else {
			a.noDomain = !apex.Answer.Exists()
		}
	}
	return a
}

// pick finds the record as a sender does (RFC 8461, 3.1).
func (a *Analysis) pick(answer *dnsx.Answer) {
	var exact, meant []string
	for _, rr := range answer.Records {
		if rr.Type != dnsx.TypeTXT || rr.Name != a.Owner {
			continue
		}
		txt := rr.Text()
		_, ok := findVersion(txt)
		switch {
		case strings.HasPrefix(txt, version+";"):
			exact = append(exact, txt)
		case ok:
			meant = append(meant, txt)
		default:
			a.unrelated++
		}
	}
	a.Texts = exact
	if len(exact) == 0 {
		a.Texts = meant
	}
	if len(a.Texts) != 1 {
		return
	}
	a.Text = a.Texts[0]
	a.Record, a.faults = parse(a.Text)
	a.Valid = !a.discarded() && !slices.ContainsFunc(a.faults, fault.grave)
}

// spaced reports a blank between version and semicolon: the grammar has it, the
// filter for several TXT records does not (RFC 8461, 3.1).
func (a *Analysis) spaced() bool {
	return strings.HasPrefix(a.Text, version) && !strings.HasPrefix(a.Text, version+";") &&
		strings.HasPrefix(strings.TrimLeft(a.Text[len(version):], wsp), ";")
}

// discarded reports that the filter drops the record because others stand beside it.
func (a *Analysis) discarded() bool { return a.spaced() && a.unrelated > 0 }

// readFetch finds out what there is where the policy should be.
func (a *Analysis) readFetch(f *Facts) {
	if f.Policy == nil || f.Policy.URL != a.URL {
		a.readHost(f)
		return
	}
	a.fetch = f.Policy
	switch failure := a.fetch.Failure; {
	case failure != nil && failure.proven():
	case failure != nil:
		a.PolicyUnread = []check.Gap{check.GapOf(a.URL, failure)}
	case a.fetch.Status != http.StatusOK:
	case a.tooLarge():
		a.PolicyUnread = []check.Gap{{Subject: a.URL, Why: check.Limit, Cause: errors.New("it is larger than 64 KB")}}
	default:
		a.Policy, a.policyFaults = parsePolicy(a.fetch.Body)
		a.PolicyValid = a.Policy != nil && !slices.ContainsFunc(a.policyFaults, fault.grave)
	}
}

// tooLarge bounds facts of any origin: U+FFFD may have made three octets of one.
func (a *Analysis) tooLarge() bool { return a.fetch.Truncated || len(a.fetch.Body) > 3*MaxPolicy }

// readHost finds out what the addresses tell where nobody asked for the policy.
func (a *Analysis) readHost(f *Facts) {
	var gaps []check.Gap
	found := false
	for _, reply := range []dnsx.Reply{
		f.HostA.To(dnsx.Q(a.Host, dnsx.TypeA)),
		f.HostAAAA.To(dnsx.Q(a.Host, dnsx.TypeAAAA)),
	} {
		if err := reply.Err(); err != nil {
			gaps = append(gaps, check.GapOf("", err))
		}
		found = found || len(reply.Records()) > 0
	}
	switch {
	case found:
		a.PolicyUnread = []check.Gap{{Subject: a.URL, Why: check.NotAsked}}
	case len(gaps) > 0:
		a.PolicyUnread = gaps
	default:
		a.noHost = true
	}
}
