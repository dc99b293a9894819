package spf

import (
	"strings"
	"sync"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

// MaxLookups and MaxVoids are the limits of RFC 7208, 4.6.4. The first is a MUST;
// the second a SHOULD that receivers may set otherwise.
const (
	MaxLookups = 10
	MaxVoids   = 2
)

// Analysis is what follows from facts. Owner, Unread, Texts, Record, Size, Lookups and Voids
// are those of Nodes[Domain]; Default is more than there: it knows the limits.
type Analysis struct {
	Domain string
	Owner  string // where the TXT records stand: Domain, or the end of its alias chain

	Unread   []check.Gap // why the TXT records of Domain are not known; nil where they are
	NoDomain bool        // Domain does not exist
	Texts    []string    // the SPF records of Domain as receivers select them (RFC 7208, 4.5); any number but one is no policy
	Text     string      // the one; "" where there is none or several
	Record   *Record     // Text as far as it can be read; nil where there is none or several
	Size     Size

	// Nodes has Domain and every name that its record leads to by include and
	// redirect; never nil.
	Nodes map[string]*Node
	// Policy is Domain's node and those that redirect leads to from there, in this
	// order: the records that speak for Domain itself.
	Policy []*Node
	// Links has every include and redirect that can be reached, in the order of
	// evaluation; those of a record that several terms lead to stand there once.
	Links []Link
	// Gaps say what of the tree is not known: records that could not be read, and
	// names that depend on the message.
	Gaps []check.Gap
	// AddressGaps say which addresses of a, mx and exists are not known.
	AddressGaps []check.Gap

	// All is the qualifier of the all that holds in the end, Domain's own or that of
	// a redirect; "" where there is none or it is not known.
	All Result
	// Default is what a client gets that no term before that all matches: PermError
	// where PermErrors has a reason, None without a record, else All, or Neutral where
	// there is none, also where earlier terms match everybody. It is "" where it is not
	// known; Gaps may hide a permerror. Receivers that stop at MaxVoids may give PermError
	// instead: see Voids.
	Default Result
	// Senders reports that a term in Policy's records names somebody who may send:
	// not all, and with a qualifier that does not say fail.
	Senders bool
	// Open are the terms that pass everybody, at least everybody of one address family, whom
	// earlier terms leave to them: those of Policy's records, and of each that is included
	// there the first.
	Open []Opening

	Lookups    int              // terms that ask the DNS, at worst, over the whole tree; a loop is counted once
	Voids      Voids            // of these, what finds nothing
	PermErrors []PermErrorCause // the proven ones, in the order of evaluation

	// Authorized are the ranges that get a pass, in the order of evaluation, each with
	// the term that brought it; what an earlier term takes out again is not subtracted.
	// A record that several terms lead to brings its own once. ptr and names that depend
	// on the message are not in it, and AddressGaps says so.
	Authorized []Source
	// IPv4 is how many addresses get a pass, each counted once: also those of all and
	// exists, without those that an earlier term takes out and those behind an error.
	IPv4 uint64
	IPv6 uint64 // networks of 64 bits, likewise, also those held in part; math.MaxUint64 if it is all of them
	// More reports that IPv4 and IPv6 may be more: it depends on the message, or an answer
	// is missing, which is then taken for no error. Fewer reports that they may be less.
	More, Fewer bool
	Overlaps    []Overlap // those of Authorized that lie in another of it, by address

	// Keep are names whose includes stay in the record although an earlier term brings the
	// same, because a service looks for its own there: whole names, or "*." and a name for
	// all below it. It may be set before Repair and Rules are called; Analyze leaves it empty.
	Keep []string

	facts      *Facts
	repair     func() []check.Change
	redundancy func() redundancy
	root       *Node
	order      []*Node    // Nodes in the order of evaluation
	reply      dnsx.Reply // TXT of Domain
	senderID   []string   // texts at Domain of Sender ID (RFC 4406)
	type99     dnsx.Reply // SPF of Domain
	drafts     [][]string // of Facts, those of Texts
	exp        *explanation
	pass       addrSet // who gets a pass; nil where that is all of Authorized
	circles    []circle

	gone    []gone                   // the terms whose names do not exist, in the order of evaluation
	ends    []gone                   // terms under names of which no answer shows that they exist
	shown   map[string]bool          // names that exist, and such that do not; nil without gone and ends
	unshown map[string]*dnsx.Failure // names above one of gone of which it is not known
}

// Size is what the TXT records of a name take, in octets.
type Size struct {
	TXT int // the name and the text of all TXT records there: over 450, answers may not fit (RFC 7208, 3.4)
	// Reply is a message with these records and nothing else beside the question and
	// EDNS: over SmallReply, it comes over UDP only to resolvers that use EDNS, and over
	// LargeReply hardly to any; the others ask again over TCP.
	Reply int
}

// Sizes of DNS messages over UDP: the most without EDNS (RFC 1035, 4.2.1), and what
// resolvers offer with it, so that no answer is cut into fragments.
const (
	SmallReply = 512
	LargeReply = 1232
)

// Node is a name whose record is evaluated.
type Node struct {
	Name    string
	Owner   string      // where its TXT records stand: Name, or the end of its alias chain
	Unread  []check.Gap // why its TXT records are not known; nil where they are
	Texts   []string    // its SPF records as receivers select them
	Record  *Record     // the one, as far as it can be read; nil where there is none or several
	Lookups int         // what evaluating the record costs at worst, without the one for itself
	Voids   Voids
	Size    Size
	Costs   []Cost // of its terms that ask the DNS, in the order of evaluation
	Default Result // what the record gives a client that no term before its all, or that of its redirect, matches

	noName bool   // it does not exist
	strs   int    // character-strings of the record
	others int    // TXT records there that are no SPF records
	misses []miss // those of them that mean to be
	state  state
	ranged bool            // Authorized has its ranges
	glued  []glue          // terms that ran together where one string ends and another starts
	pasted []restart       // other records within the text of the one
	terms  []nodeTerm      // of Record, those that can be reached
	places places          // of the terms of Record in Texts[0]
	broken *PermErrorCause // the first proven reason for permerror, of this record or one below
	open   *Opening        // the first term that passes everybody, in this record or one below
	opened []Opening       // those in this record
	manyMX []manyMX
	dead   []deadTerm
	gaps   []termGap // addresses of its own terms that are not known
}

// nodeTerm is a term that a receiver comes to whose client no term before it matches: a
// directive up to the all, or behind them all the redirect of a record without one.
type nodeTerm struct {
	text      string     // as String writes it
	at        place      // in the record
	directive *Directive // nil: the redirect
	cost      *Cost      // nil: it asks nobody
	link      *link      // nil: neither include nor redirect
	open      bool       // not all of its addresses are known
	found     bool       // an address of it is known
}

// Valid reports whether there is one record and no fault of grammar in it.
func (n *Node) Valid() bool { return n.Record != nil && len(n.Record.Faults) == 0 }

// absent reports that an answer said there is no SPF record.
func (n *Node) absent() bool { return n.Unread == nil && len(n.Texts) == 0 }

// Link is an include or a redirect.
type Link struct {
	In        string // the name whose record it stands in
	Spec      string // the name as published, which may hold macros
	Target    string // the name; "" where it depends on the message or is none
	Redirect  bool
	Qualifier Result // of an include; Pass lets those send whom Target passes
}

// Voids counts lookups whose answer has no records (RFC 7208, 4.6.4), for a client
// with an IPv4 and for one with an IPv6 address.
type Voids struct {
	IPv4, IPv6     int // terms: a asks for A or AAAA, mx for MX, exists for A
	Hosts4, Hosts6 int // hosts of mx without such an address, which some receivers count too
	Open4, Open6   int // more that there may be: it depends on the message, or no answer came
}

// Terms is the greater number of the two families, without hosts of mx.
func (v Voids) Terms() int { return max(v.IPv4, v.IPv6) }

// strict is the greater number of the two families with hosts of mx.
func (v Voids) strict() int { return max(v.IPv4+v.Hosts4, v.IPv6+v.Hosts6) }

// AtWorst is the greater number of the two families with hosts of mx and all that there
// may be besides.
func (v Voids) AtWorst() int { return max(v.IPv4+v.Hosts4+v.Open4, v.IPv6+v.Hosts6+v.Open6) }

// maxCount is where counting ends: trees in which every record includes the next
// twice double with every level.
const maxCount = 1 << 20

func (v *Voids) add(o Voids) {
	v.IPv4 = min(v.IPv4+o.IPv4, maxCount)
	v.IPv6 = min(v.IPv6+o.IPv6, maxCount)
	v.Hosts4 = min(v.Hosts4+o.Hosts4, maxCount)
	v.Hosts6 = min(v.Hosts6+o.Hosts6, maxCount)
	v.Open4 = min(v.Open4+o.Open4, maxCount)
	v.Open6 = min(v.Open6+o.Open6, maxCount)
}

// circle is one of include and redirect: each name leads to the next, the last to the
// first.
type circle []string

// String writes "a.example, b.example, a.example".
func (c circle) String() string { return strings.Join(append(c[:len(c):len(c)], c[0]), ", ") }

// PermErrorCause is a reason for permerror, which receivers take for no authentication
// (RFC 7208, 2.6.7).
type PermErrorCause struct {
	Kind ProblemKind
	Name string     // whose record it is
	Text check.Text // what is wrong there
}

// Opening is a term that passes everybody.
type Opening struct {
	Name string     // whose record it stands in
	Term string     // as Step has it
	Text check.Text // whom it passes

	at place
}

// deadTerm is a term that can match nobody.
type deadTerm struct {
	*nodeTerm
	why check.Text
}

// manyMX is an mx term that leads to more hosts than receivers look up.
type manyMX struct {
	*nodeTerm
	name  string
	hosts int
}

// termGap is a Gap that a term leaves.
type termGap struct {
	check.Gap
	*nodeTerm
}

// Analyze reads facts. It takes any, nil too; answers to other questions than those
// of Discover count as not asked. The facts are not to be changed afterwards: Repair reads
// them again.
func Analyze(f *Facts) *Analysis {
	if f == nil {
		f = &Facts{}
	}
	a := analyze(f)
	a.repair = sync.OnceValue(func() []check.Change { return a.repaired(f) })
	a.redundancy = sync.OnceValue(a.redundant)
	return a
}

func analyze(f *Facts) *Analysis {
	a := &Analysis{facts: f, Domain: f.Domain, Nodes: make(map[string]*Node, min(len(f.Replies), MaxNames+1))}
	w := newWalk(a, f)
	root := w.visit(f.Domain)
	a.root = root
	a.Owner, a.Unread, a.Texts = root.Owner, root.Unread, root.Texts
	a.reply = w.reply(dnsx.Q(f.Domain, dnsx.TypeTXT)).Reply
	a.NoDomain = a.reply.Answer != nil && !a.reply.Answer.Exists()
	if a.Record = root.Record; a.Record != nil {
		a.Text = root.Texts[0]
	}
	a.Lookups, a.Voids, a.Default, a.Size = root.Lookups, root.Voids, root.Default, root.Size
	a.senderIDs()
	a.policy()
	w.authorized()
	a.overlap()
	w.openings(w.passes())
	w.explain()
	w.findGone()
	a.type99 = w.reply(dnsx.Q(f.Domain, dnsx.TypeSPF)).Reply
	a.findDrafts(f.Drafts)
	if len(a.PermErrors) > 0 { // whoever no term matches comes to every one of them
		a.Default = PermError
	}
	if f.Beyond > 0 {
		gap := check.Gap{
			Subject: "SPF of " + f.Domain, Why: check.Limit,
			Cause: check.Errorf("the record leads to more than %d names, or %d KiB of SPF records; %d names were left out", MaxNames, maxText>>10, f.Beyond),
		}
		a.Gaps, a.AddressGaps, a.More = append(a.Gaps, gap), append(a.AddressGaps, gap), true
	}
	return a
}

// senderIDs looks for Sender ID among the TXT records of the domain.
func (a *Analysis) senderIDs() {
	if a.root.others == 0 {
		return
	}
	for _, rr := range answers(a.reply) {
		if txt := rr.Text(); len(txt) >= 7 && strings.EqualFold(txt[:7], "spf2.0/") {
			a.senderID = append(a.senderID, txt)
		}
	}
}

// policy follows redirect from the domain, and draws together what the records on
// that way say.
func (a *Analysis) policy() {
	for n := a.root; n != nil && len(a.Policy) <= MaxNames; {
		a.Policy = append(a.Policy, n)
		if n.broken != nil {
			a.addPermError(*n.broken)
		}
		var next *Node
		if l := n.redirect(); l != nil && !l.loop {
			next = l.node
		}
		if n.Record != nil {
			a.Senders = a.Senders || namesSender(n.Record)
			if i := n.Record.All(); i >= 0 {
				a.All = n.Record.Directives[i].Qualifier
				break
			}
		}
		n = next
	}
	for _, c := range a.circles {
		a.addPermError(PermErrorCause{Kind: ProblemLookups, Name: c[0], Text: check.Textf("include and redirect run in a circle: %s", c)})
	}
	if a.Lookups > MaxLookups {
		text := check.Textf("%d lookups, %d over the limit", a.Lookups, a.Lookups-MaxLookups)
		if len(a.Gaps) > 0 {
			text = check.Textf("%d lookups or more, %d over the limit", a.Lookups, a.Lookups-MaxLookups)
		}
		a.addPermError(PermErrorCause{Kind: ProblemLookups, Name: a.Domain, Text: text})
	}
}

func (a *Analysis) addPermError(e PermErrorCause) {
	for _, have := range a.PermErrors {
		if have.Name == e.Name && have.Text.String() == e.Text.String() {
			return
		}
	}
	a.PermErrors = append(a.PermErrors, e)
}

func namesSender(r *Record) bool {
	for _, d := range r.live() {
		if d.Mechanism != All && d.Qualifier != Fail {
			return true
		}
	}
	return false
}
