package tlsrpt

import (
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

// Analysis is what follows from facts.
type Analysis struct {
	Domain string
	Name   string // _smtp._tls.DOMAIN
	Owner  string // where the records stand: Name, or the end of its alias chain

	// Texts are the records that senders count: those that begin with
	// "v=TLSRPTv1;", or where there is none, those that mean to be such records.
	// Any number but one means no TLS-RPT (RFC 8460, 3).
	Texts  []string
	Text   string  // the one; "" where there is none or several
	Record *Record // Text as far as it can be read; nil where there is none or several
	Valid  bool    // senders find Record and can read it

	Unread []check.Gap // why it is not known what stands at Name; nil where it is

	unrelated int         // TXT records at Name that mean to be something else
	faults    []fault     // of Text
	noDomain  bool        // the domain does not exist: nothing is missing there
	noApex    []check.Gap // why that is not known
	repair    []check.Change
}

// Analyze reads facts. It takes any, nil too; answers to other questions than
// those of Discover count as not asked.
func Analyze(f *Facts) *Analysis {
	if f == nil {
		f = &Facts{}
	}
	a := &Analysis{Domain: f.Domain}
	q := recordQuestion(f.Domain)
	a.Name, a.Owner = q.Name, q.Name
	reply := f.Record.To(q)
	if err := reply.Err(); err != nil {
		a.Unread = []check.Gap{check.GapOf("", err)}
		return a
	}
	a.Owner = reply.Answer.Owner()
	a.pick(reply.Answer)
	a.repair = repair(a)
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

// pick finds the record as a sender does (RFC 8460, 3).
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
	a.Valid = len(a.faults) == 0 && !a.discarded()
}

// spaced reports a blank between version and semicolon: the grammar has it, the
// filter for several TXT records does not (RFC 8460, 3).
func (a *Analysis) spaced() bool {
	return strings.HasPrefix(a.Text, version) && !strings.HasPrefix(a.Text, version+";") &&
		strings.HasPrefix(strings.TrimLeft(a.Text[len(version):], wsp), ";")
}

// discarded reports that the filter drops the record because others stand beside it.
func (a *Analysis) discarded() bool { return a.spaced() && a.unrelated > 0 }
