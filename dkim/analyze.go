package dkim

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

// maxRecords bounds the records that are read at one selector, where one may stand.
const maxRecords = 8

// Analysis is what follows from Facts.
type Analysis struct {
	Domain    string
	Selectors []*SelectorAnalysis // in the order of the facts
	// Wildcard is what stands for every selector that has no record of its own, with
	// the name "*"; nil where nothing does, or where that is not known.
	Wildcard *SelectorAnalysis
	Keys     []Key // those that receivers can verify mail with
	// Complete means that no selector exists beside Selectors: a zone listed them,
	// or _domainkey does not exist.
	Complete bool
	// AllRevoked means that a wildcard with an empty p= stands for every selector
	// that has no record of its own: how a domain says that it signs nothing.
	AllRevoked bool

	listed bool
	noNode bool // NXDOMAIN at _domainkey, and nothing found below it
	node   *SelectorAnalysis
	probe  *SelectorAnalysis
	exists bool        // an answer proves that the domain exists
	gone   bool        // an answer says that it does not
	apex   error       // why neither is known
	gaps   []check.Gap // what may hide a record of its own at a selector
	hidden []check.Gap // what may hide any record: gaps, and that it is not known what a wildcard has

	published []*SelectorAnalysis // those that have something of their own, and the wildcard
	records   []published         // all of theirs
}

// published is a record and the selector where it stands.
type published struct {
	at  *SelectorAnalysis
	key *KeyRecord
}

// Key is a key that receivers can verify mail with.
type Key struct {
	Selector string // "*" for a wildcard's
	Type     string // RSA or Ed25519
	Bits     int
	Target   string // where the selector's CNAME records end; "" where it has none
	Testing  bool   // t=y: signatures with it count for nothing
}

// State says what stands at a selector.
type State string

const (
	StateAbsent   State = "absent"   // nothing: NXDOMAIN or no data
	StateFound    State = "found"    // TXT records, which may be no keys
	StateDangling State = "dangling" // a CNAME record, and nothing at its end
	StateWildcard State = "wildcard" // what the wildcard has, and nothing of its own
	StateUnknown  State = "unknown"  // no answer
)

// SelectorAnalysis is one selector and what stands there.
type SelectorAnalysis struct {
	Name    string
	Why     []string // reasons to ask for it
	Owner   string   // NAME._domainkey.DOMAIN: where a record of its own would stand
	State   State
	Target  string       // where its CNAME records end; "" where it has none
	Records []*KeyRecord // its own; at most 8
	Extra   int          // records past these

	asked string // the name that was asked for; the wildcard's is not its Owner
	first string // what the first of its CNAME records names, with * for the selector
	err   error  // of StateUnknown
	nx    bool   // NXDOMAIN
}

// KeyRecord is one TXT record at a selector.
type KeyRecord struct {
	Text   string
	Record *Record        // nil where the text is no key record
	Faults []*SyntaxError // all of them, in the order of the text
	Key    *PublicKey     // nil where there is none that can be read
	KeyErr error          // why Key is nil; see the errors of Record.PublicKey

	weak        weakness
	fingerprint [sha256.Size]byte
}

// Revoked reports an empty p=.
func (k *KeyRecord) Revoked() bool { return errors.Is(k.KeyErr, ErrRevoked) }

// Usable reports whether receivers can verify mail with the key (RFC 6376, 6.1.2;
// RFC 8301, 3).
func (k *KeyRecord) Usable() bool {
	return k.Key != nil && !k.void() && k.Record.ForMail() && k.Record.Allows("sha256") &&
		(k.Key.Type != RSA || k.Key.Bits() >= leastBits && k.Key.validExponent())
}

// void reports a fault for which verifiers must ignore the record.
func (k *KeyRecord) void() bool {
	return slices.ContainsFunc(k.Faults, func(f *SyntaxError) bool { return !f.Tolerated })
}

func (k *KeyRecord) isPrivate() bool { return errors.Is(k.KeyErr, ErrPrivate) }

// Analyze reads the records and says what follows from them. It takes any Facts,
// nil too; answers to other questions than those that the facts are about are
// passed over.
func Analyze(f *Facts) *Analysis {
	if f == nil {
		f = &Facts{}
	}
	a := &Analysis{Domain: f.Domain, listed: f.Listed}
	node := nodeOf(f.Domain)
	a.node, a.probe = new(SelectorAnalysis), new(SelectorAnalysis)
	a.lookUp(a.node, "", node, f.Node)
	a.lookUp(a.probe, "*", dnsx.Join(probe, node), f.Probe)
	a.probe.Owner = ownerOf("*", f.Domain)
	if a.probe.State == StateFound || a.probe.State == StateDangling && !strings.HasPrefix(a.probe.first, "*.") {
		a.Wildcard = a.probe
	}
	beyond := max(f.Beyond, 0)
	n := min(len(f.Selectors), MaxSelectors)
	seen := make(map[string]bool, n)
	a.Selectors = make([]*SelectorAnalysis, 0, n)
	room := make([]SelectorAnalysis, n) // for all of them: most are absent, and many
	for i := range f.Selectors {
		s := &f.Selectors[i]
		if seen[s.Name] {
			continue
		}
		if len(a.Selectors) == MaxSelectors {
			beyond++
			continue
		}
		seen[s.Name] = true
		a.add(s, &room[len(a.Selectors)])
	}
	if beyond > 0 {
		a.gaps = append(a.gaps, check.Gap{
			Subject: "DKIM selectors of " + a.Domain, Why: check.Limit,
			Cause: fmt.Errorf("%d selectors past the first %d were not asked for", beyond, MaxSelectors),
		})
	}
	a.doubt()
	if a.hidden = slices.Clip(a.gaps); a.probe.State == StateUnknown {
		a.hidden = slices.Clip(append(a.hidden, check.GapOf("", a.probe.err)))
	}
	a.conclude(beyond)
	a.judgeDomain(f.Apex)
	return a
}

// manyAlike selectors with one answer look like a wildcard.
const manyAlike = 4

// doubt takes back, where the probe for a wildcard stayed without an answer, what
// many selectors that nobody listed have in common: it may be the wildcard's alone.
func (a *Analysis) doubt() {
	if a.probe.State != StateUnknown {
		return
	}
	alike := map[string][]*SelectorAnalysis{}
	for _, s := range a.Selectors {
		if s.State == StateFound && !slices.Contains(s.Why, WhyListed) {
			key := s.first + "\x00" + strings.Join(texts(s), "\x00")
			alike[key] = append(alike[key], s)
		}
	}
	for _, group := range alike {
		if len(group) < manyAlike {
			continue
		}
		for _, s := range group {
			s.State, s.Records, s.Extra, s.err = StateUnknown, nil, 0, a.probe.err
		}
		a.gaps = append(a.gaps, check.GapOf("", a.probe.err))
	}
}

// lookUp reads one reply. What is no answer to the question counts as not asked.
func (a *Analysis) lookUp(s *SelectorAnalysis, name, owner string, reply dnsx.Reply) {
	*s = SelectorAnalysis{Name: name, Owner: owner, asked: owner, State: StateUnknown}
	switch {
	case reply.Answer != nil && reply.Answer.Question.Name == owner && reply.Answer.Question.Type == dnsx.TypeTXT:
	case reply.Failure != nil && reply.Failure.Question.Name == owner && reply.Failure.Question.Type == dnsx.TypeTXT:
		s.err = reply.Failure
	default:
		s.err = &dnsx.Failure{Question: txtQuestion(owner), Kind: dnsx.KindNotAsked}
		return
	}
	a.exists = a.exists || reply.Proves(a.Domain)
	for _, rr := range reply.Chain() {
		if target, ok := rr.Target(); ok && rr.Type == dnsx.TypeCNAME {
			if s.Target == "" {
				s.first = starred(target, owner)
			}
			s.Target = target
		}
	}
	if s.err != nil {
		return
	}
	end := cmp.Or(s.Target, owner)
	for _, rr := range reply.Answer.Records {
		switch {
		case rr.Type != dnsx.TypeTXT || rr.Name != end:
		case len(s.Records) == maxRecords:
			s.Extra++
		default:
			s.Records = append(s.Records, readRecord(rr.Text()))
		}
	}
	s.nx = reply.Answer.RCode == dnsx.NXDomain
	switch {
	case len(s.Records) > 0:
		s.State = StateFound
	case s.Target != "":
		s.State = StateDangling
	default:
		s.State = StateAbsent
	}
}

// starred puts * for the first label of a target that is the owner's. A DNAME
// record (RFC 6672) makes such aliases, which are the same then at every selector.
func starred(target, owner string) string {
	label := strings.TrimSuffix(owner, "."+dnsx.Parent(owner))
	if rest, ok := strings.CutPrefix(target, label+"."); ok {
		return "*." + rest
	}
	return target
}

func readRecord(text string) *KeyRecord {
	k := &KeyRecord{Text: text}
	p := parse(text)
	if p == nil {
		k.KeyErr = ErrNotKey
		return k
	}
	k.Record, k.Faults = &p.rec, p.faults
	if p.rec.Key == "" && !p.seen["p"] && p.caps["p"] == nil {
		k.KeyErr = p.worst()
		return k
	}
	if k.Key, k.KeyErr = p.rec.PublicKey(); k.Key != nil {
		k.fingerprint = k.Key.fingerprint()
	}
	return k
}

// add takes one selector of the facts, and has s for it.
func (a *Analysis) add(f *SelectorFacts, s *SelectorAnalysis) {
	owner := f.TXT.Question.Name
	if !isJoined(owner, f.Name, a.node.Owner) {
		owner = dnsx.Join(f.Name, a.node.Owner)
	}
	owner, err := dnsx.ParseName(owner)
	if err != nil {
		return
	}
	a.lookUp(s, f.Name, owner, f.TXT)
	s.Why = f.Why
	switch {
	case s.State == StateUnknown:
		a.gaps = append(a.gaps, check.GapOf("", s.err))
	case slices.Contains(f.Why, WhyListed) || !s.sameAs(a.probe): // it has something of its own, or nothing
	case a.Wildcard != nil:
		s.State, s.Records, s.Extra = StateWildcard, nil, 0
	case s.State == StateDangling: // a DNAME record makes aliases of names that nobody named
		s.State = StateAbsent
	}
	a.Selectors = append(a.Selectors, s)
}

// isJoined reports whether name is dnsx.Join(prefix, parent), which so need not be
// made again: of an honest selector it is the name that was asked for.
func isJoined(name, prefix, parent string) bool {
	rest, ok := strings.CutPrefix(name, prefix)
	return ok && len(rest) == len(parent)+1 && rest[0] == '.' && rest[1:] == parent
}

// sameAs reports whether a selector's answer is the one that any selector gets.
func (s *SelectorAnalysis) sameAs(probe *SelectorAnalysis) bool {
	return s.State == probe.State && s.first == probe.first && s.Extra == probe.Extra && slices.Equal(texts(s), texts(probe))
}

func texts(s *SelectorAnalysis) []string {
	var all []string
	for _, k := range s.Records {
		all = append(all, k.Text)
	}
	slices.Sort(all)
	return all
}

// conclude says what follows from all selectors together.
func (a *Analysis) conclude(beyond int) {
	for _, s := range a.Selectors {
		if s.State == StateFound || s.State == StateDangling {
			a.published = append(a.published, s)
		}
	}
	if a.Wildcard != nil {
		a.published = append(a.published, a.Wildcard)
	}
	a.noNode = a.node.nx && a.node.Target == "" && a.Wildcard == nil &&
		!slices.ContainsFunc(a.Selectors, func(s *SelectorAnalysis) bool { return s.nameExists() })
	a.Complete = a.noNode || a.listed && beyond == 0
	a.AllRevoked = a.Wildcard != nil && len(a.Wildcard.Records) == 1 &&
		a.Wildcard.Records[0].Revoked() && !a.Wildcard.Records[0].void()
	for _, s := range a.published {
		for _, k := range s.Records {
			a.records = append(a.records, published{s, k})
		}
	}
	weak := make(map[[sha256.Size]byte]weakness, len(a.records))
	for _, r := range a.records {
		s, k := r.at, r.key
		if k.Key == nil {
			continue
		}
		w, known := weak[k.fingerprint]
		if !known {
			w = weaknessOf(k.Key, k.fingerprint)
			weak[k.fingerprint] = w
		}
		k.weak = w
		if k.Usable() && len(s.Records) == 1 && s.Extra == 0 {
			a.Keys = append(a.Keys, Key{s.Name, k.Key.Type, k.Key.Bits(), s.Target, k.Record.Testing()})
		}
	}
}

// nameExists reports whether the selector's name is known to exist, be it without data.
func (s *SelectorAnalysis) nameExists() bool {
	return s.Target != "" || s.State != StateUnknown && !s.nx
}

// judgeDomain says whether the domain exists, where the answers about names below
// it left that open.
func (a *Analysis) judgeDomain(apex dnsx.Reply) {
	q := apexQuestion(a.Domain)
	switch {
	case a.exists:
	case apex.Answer != nil && apex.Answer.Question.Name == q.Name:
		a.exists = apex.Answer.Exists()
		a.gone = !a.exists
	case apex.Failure != nil && apex.Failure.Question.Name == q.Name:
		a.apex = apex.Failure
	default:
		a.apex = &dnsx.Failure{Question: q, Kind: dnsx.KindNotAsked}
	}
}
