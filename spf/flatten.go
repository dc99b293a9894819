package spf

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

// FlattenOptions say what Flatten leaves alone and how large its records may be. The
// zero value works. A pattern is a name, or "*." and a name for all names below it; it is
// held against the name that an include, redirect, a or mx leads to.
type FlattenOptions struct {
	Keep   []string // patterns of what stays as it is, in included records too
	Only   []string // patterns of what may be replaced; none means everything
	Prefix string   // helper records are PREFIX1.DOMAIN, PREFIX2.DOMAIN …; "_spf" if empty
	Size   int      // octets of a name and its TXT records, all together; 0 means the 450 of RFC 7208, 3.4
}

// Flattening is a plan: records without the lookups of those that they replace, that
// mean the same for every client for as long as the answers hold on which they stand.
type Flattening struct {
	Domain string `json:"domain"`
	Source string `json:"source"` // the record that was flattened
	// Records are what to publish: the domain's own first, then the helper records that
	// it includes. There are none where Problems has a reason, and only the own one, as
	// it is, where nothing can be replaced, or would save a lookup.
	Records  []FlatRecord `json:"records,omitempty"`
	Problems []check.Text `json:"problems,omitempty"`

	Before FlatCost `json:"before"`
	After  FlatCost `json:"after"`

	Replaced []Replaced `json:"replaced,omitempty"` // the terms that addresses stand for now, in the order of evaluation
	Kept     []Kept     `json:"kept,omitempty"`     // the terms that still ask the DNS, in the order of evaluation
	// Answers are all on which the addresses stand, those that end first at the front. The
	// plan holds until the first of them ends.
	Answers []Expiry `json:"answers,omitempty"`

	draft []FlatRecord // the packed ones, also where Problems or KeptNoGain have a reason against them
}

// FlatRecord is one TXT record.
type FlatRecord struct {
	Name   string `json:"name"`
	Text   string `json:"text"`
	Octets int    `json:"octets"` // of the name and all TXT records there
}

// FlatCost is what a record costs at worst.
type FlatCost struct {
	Lookups int `json:"lookups"`
	Voids   int `json:"void_lookups"` // for clients of the family for which they are more
	Voids4  int `json:"void_lookups_ipv4"`
	Voids6  int `json:"void_lookups_ipv6"`
	Octets  int `json:"octets"`  // of the domain's name and all TXT records there
	Helpers int `json:"helpers"` // helper records
	Ranges  int `json:"ranges"`  // that get a pass, by whatever term
}

// Replaced is a term that is not in the flattened record.
type Replaced struct {
	Term    string `json:"term"`
	Path    []Step `json:"path,omitempty"` // to the record where it stands; none for the domain's own
	Lookups int    `json:"lookups"`        // that it cost
	Ranges  int    `json:"ranges"`         // of addresses that stand for it; 0 where it matched nobody
	First   Expiry `json:"first,omitzero"` // the answer below it that ends first; zero where none says
}

// Kept is a term that is left as it is.
type Kept struct {
	Term    string     `json:"term"`
	Path    []Step     `json:"path,omitempty"` // to the record where it stood; none for the domain's own
	Reason  KeepReason `json:"reason"`
	Text    check.Text `json:"text"`
	Lookups int        `json:"lookups"`

	target *link
}

// KeepReason is a kind of reason to keep a term.
type KeepReason string

// The reasons, none of which is a fault of the record but KeptPermError.
const (
	KeptByName      KeepReason = "name"        // FlattenOptions.Keep has it
	KeptNotChosen   KeepReason = "not-chosen"  // FlattenOptions.Only does not have it
	KeptMessage     KeepReason = "message"     // macros, exists, ptr: whom it matches is no matter of addresses
	KeptUnread      KeepReason = "unread"      // an answer is missing: it may be there the next time
	KeptPermError   KeepReason = "permerror"   // receivers cannot evaluate it
	KeptEverybody   KeepReason = "everybody"   // it matches every address
	KeptExplanation KeepReason = "explanation" // a redirect to or from a record with exp (RFC 7208, 6.2)
	KeptLimit       KeepReason = "limit"       // a bound of this package
	KeptNoGain      KeepReason = "no-gain"     // addresses need as many lookups, for their helper records
)

// Expiry is how long one answer holds: the least TTL of its records and of the aliases
// that lead to them, or of the denial.
type Expiry struct {
	Question dnsx.Question `json:"question"`
	Path     []Step        `json:"path,omitempty"` // from the domain's record to the term that asks; none for that record itself
	TTL      uint32        `json:"ttl"`            // seconds
	Until    time.Time     `json:"until,omitzero"` // zero where the answer has no time
}

// Until is when the first of Answers ends; zero where none says it.
func (p *Flattening) Until() time.Time {
	if len(p.Answers) == 0 {
		return time.Time{}
	}
	return p.Answers[0].Until
}

// Unread reports that a term was kept for an answer that is missing. The plan is right,
// and another one when the answer is there.
func (p *Flattening) Unread() bool {
	return slices.ContainsFunc(p.Kept, func(k Kept) bool { return k.Reason == KeptUnread })
}

const defaultRecordSize = 450 // RFC 7208, 3.4

// ErrNoRecord means that a domain has no record that could be flattened: there is none,
// there are several, or the one breaks the grammar.
var ErrNoRecord = errors.New("spf: no record to flatten")

// Flatten replaces the terms of a domain's record that ask the DNS by the addresses that
// they stand for, a redirect by the terms of its record. What it cannot know from addresses
// stays, and so does an include of which another result than pass or no match may
// come. Neither a result nor an explanation changes for any client, except that a
// permerror for too many lookups, or for too many that find nothing, becomes the result
// that was meant.
//
// Senders change their addresses without notice: who publishes a flattened record has
// to do it again when Until is over, from the record that still names them. See that
// to flatten is needed: a term that nobody needs can go, and a sender may have a
// subdomain of its own.
//
// Helper records take no name where another record stands. Discover asks for the names
// of the tree alone: who adds TXT replies for the names of Records to the facts, and
// flattens what Analyze makes of them, learns of others.
//
// The error says that there is nothing to flatten: ErrNoRecord, wrapped, or why the record
// could not be read, mostly a *dnsx.Failure; a record that can be read has a plan, with
// either Records to publish or Problems that say why there are none.
func Flatten(a *Analysis, o FlattenOptions) (*Flattening, error) {
	if a == nil || a.root == nil {
		a = Analyze(nil)
	}
	o.Prefix, o.Size = cmp.Or(o.Prefix, "_spf"), cmp.Or(o.Size, defaultRecordSize)
	switch {
	case a.Unread != nil:
		return nil, fmt.Errorf("spf: %w", cmp.Or(a.Unread[0].Cause, errors.New(string(a.Unread[0].Why))))
	case len(a.Texts) == 0:
		return nil, fmt.Errorf("%w: %s has none", ErrNoRecord, a.Domain)
	case len(a.Texts) > 1:
		return nil, fmt.Errorf("%w: %s has %d", ErrNoRecord, a.Domain, len(a.Texts))
	case !a.root.Valid():
		return nil, fmt.Errorf("%w: %s: %w", ErrNoRecord, a.Domain, a.Record.Faults[0])
	}
	fl := newFlattener(a, &o)
	fl.run(a)
	return fl.plan, nil
}

func (f *flattener) run(a *Analysis) {
	p := f.plan
	p.Domain, p.Source = a.Domain, a.Text
	p.Before = costOf(a, 0)
	old := f.flattened(a.root)
	slices.SortStableFunc(p.Answers, func(a, b Expiry) int {
		switch {
		case a.before(&b):
			return -1
		case b.before(&a):
			return 1
		}
		return 0
	})
	switch {
	case len(p.Replaced) == 0:
		f.asItIs(a)
	case f.work > maxWork:
		p.Problems = []check.Text{check.Textf("more than %d ranges", maxSources)}
	default:
		f.packed(a, old)
	}
}

// asItIs plans the record of which nothing can be replaced.
func (f *flattener) asItIs(a *Analysis) {
	p := f.plan
	p.After = p.Before
	for _, e := range a.PermErrors {
		p.Problems = append(p.Problems, check.Textf("%s: receivers answer with permerror, and there is nothing to flatten", e.Text))
	}
	if p.Problems == nil {
		p.Records = []FlatRecord{{Name: a.Owner, Text: a.Text, Octets: a.Size.TXT}}
		p.draft = p.Records
	}
}

// packed plans records for what the terms became.
func (f *flattener) packed(a *Analysis, old *flat) {
	p := f.plan
	pack := &packing{
		flat: old, groups: old.groups(), domain: a.Domain, prefix: f.o.Prefix, size: f.o.Size,
		beside: a.Size.TXT - len(a.Domain) - len(a.Text), taken: f.taken(a),
	}
	if !write(pack.groups) {
		p.Problems = []check.Text{check.Textf("more than %d ranges", maxSources)}
		return
	}
	if !pack.pack() {
		p.Problems = []check.Text{check.Textf("no helper records of %d octets can have names such as %s1.%s", f.o.Size, f.o.Prefix, a.Domain)}
		return
	}
	after, problems := f.judge(a, old, pack)
	for after.Lookups > MaxLookups && after.Lookups-len(pack.helpers) < MaxLookups && pack.takeIn(pack.room()-len(pack.text())) {
		after, problems = f.judge(a, old, pack)
	}
	p.Problems, p.After = problems, costOf(after, len(pack.helpers))
	p.After.Octets = len(a.Domain) + pack.beside + len(after.Text)
	own := FlatRecord{Name: a.Owner, Text: pack.text(), Octets: p.After.Octets}
	p.draft = append([]FlatRecord{own}, pack.helpers...)
	switch {
	case problems != nil:
	case after.Lookups < a.Lookups || after.Voids.Terms() <= MaxVoids && a.Voids.Terms() > MaxVoids:
		p.Records = p.draft
	default:
		f.gainsNothing(a)
	}
}

// gainsNothing plans a record as it is whose addresses need as many lookups.
func (f *flattener) gainsNothing(a *Analysis) {
	p, kept, draft := f.plan, f.plan.Kept, f.plan.draft
	p.Kept, p.Replaced, p.Answers, p.Problems = nil, nil, nil, nil
	for _, c := range a.root.Costs {
		own := func(k Kept) bool { return len(k.Path) == 0 && k.Term == c.Term }
		if i := slices.IndexFunc(kept, own); i >= 0 {
			p.Kept = append(p.Kept, kept[i])
			continue
		}
		p.Kept = append(p.Kept, Kept{Term: c.Term, Reason: KeptNoGain, Text: check.Textf("its addresses would need as many lookups"), Lookups: c.Lookups})
		for _, k := range kept { // with what an answer may change
			if len(k.Path) > 0 && k.Path[0].Term == c.Term && k.Reason == KeptUnread {
				p.Kept = append(p.Kept, k)
			}
		}
	}
	f.asItIs(a)
	p.draft = draft
}

func costOf(a *Analysis, helpers int) FlatCost {
	return FlatCost{
		Lookups: a.Lookups, Voids: a.Voids.Terms(), Voids4: a.Voids.IPv4, Voids6: a.Voids.IPv6, Octets: a.Size.TXT, Helpers: helpers, Ranges: len(a.Authorized),
	}
}

// taken tells names that helper records may not have: those of the tree, and others
// whose TXT records are among the facts, except where a record of ranges alone stands
// there, as this function leaves it.
func (f *flattener) taken(a *Analysis) func(string) bool {
	used := map[*Node]bool{}
	var use func(n *Node)
	use = func(n *Node) {
		if n == nil || used[n] {
			return
		}
		used[n] = true
		for i := range n.terms {
			if l := n.terms[i].link; l != nil {
				use(l.node)
			}
		}
	}
	for _, k := range f.plan.Kept {
		if k.target != nil {
			use(k.target.node)
		}
	}
	beside := map[string]bool{}
	for _, r := range a.facts.Replies {
		if r.Question.Type == dnsx.TypeTXT && a.Nodes[r.Question.Name] == nil && !free(r) {
			beside[r.Question.Name] = true
		}
	}
	return func(name string) bool {
		n := a.Nodes[name]
		return beside[name] || n != nil && (used[n] || !n.Valid() || plainRanges(n) < len(n.Record.Directives)-1 || n.Record.All() < 0)
	}
}

// free reports whether nothing stands at a name but what a helper record may replace.
func free(r dnsx.Reply) bool {
	if r.Answer == nil || len(r.Chain()) > 0 {
		return false
	}
	for _, txt := range texts(r) {
		rec, err := Parse(txt)
		if err != nil || rec.All() < 0 {
			return false
		}
		for _, d := range rec.live() {
			if d.Mechanism != IP4 && d.Mechanism != IP6 && d.Mechanism != All {
				return false
			}
		}
	}
	return true
}

// RR is the record to publish. Its strings end behind a blank, so that none of the terms
// is cut in two by whoever joins them wrongly.
func (r *FlatRecord) RR(ttl uint32) dnsx.RR {
	const most = 255 // octets of a string (RFC 1035, 3.3)
	rr := dnsx.RR{Name: r.Name, Type: dnsx.TypeTXT, TTL: ttl}
	for text := r.Text; text != ""; {
		n := len(text)
		if n > most {
			if n = strings.LastIndexByte(text[:most], ' ') + 1; n == 0 {
				n = most
			}
		}
		rr.Data = append(append(rr.Data, byte(n)), text[:n]...)
		text = text[n:]
	}
	return rr
}

// Changes compares the plan with what is published: replies to TXT questions for the names
// of Records, and for others that had helper records, whose SPF records then go. The error
// is why a reply is missing: mostly a *dnsx.Failure. What is published there is then not
// known, and neither is what would change.
func (p *Flattening) Changes(published []dnsx.Reply) ([]check.Change, error) {
	if len(p.Records) == 0 {
		return nil, nil
	}
	old := map[string][]string{}
	var names []string // in the order of the replies
	for _, r := range published {
		name := r.Question.Name
		if name == p.Domain {
			name = p.Records[0].Name
		}
		if r.Question.Type != dnsx.TypeTXT || slices.Contains(names, name) {
			continue
		}
		if err := r.Err(); err != nil {
			return nil, fmt.Errorf("spf: %w", err)
		}
		names = append(names, name)
		for _, txt := range texts(r) {
			if IsRecord(txt) {
				old[name] = append(old[name], txt)
			}
		}
	}
	var changes []check.Change
	for _, r := range p.Records {
		at := slices.Index(names, r.Name)
		if at < 0 {
			return nil, fmt.Errorf("spf: %w", dnsx.Reply{Question: dnsx.Q(r.Name, dnsx.TypeTXT)}.Err())
		}
		names = slices.Delete(names, at, at+1)
		if have := old[r.Name]; len(have) != 1 || have[0] != r.Text {
			changes = append(changes, check.Change{Name: r.Name, Type: "TXT", Old: have, New: []string{r.Text}})
		}
	}
	for _, name := range names {
		if old[name] != nil {
			changes = append(changes, check.Change{Name: name, Type: "TXT", Old: old[name]})
		}
	}
	return changes, nil
}
