package spf

import (
	"net/netip"
	"strings"
)

// Decision is what a record gives the clients of some ranges.
type Decision struct {
	Shares []Share // each client is in one of them
	// Open are the terms of which it is not known whom they match: macros, ptr, answers
	// that are missing.
	Open []Step
	// Full reports that the bounds of this package were reached: shares without a result
	// are not decided.
	Full bool
}

// Share is clients that get the same result by the same term.
type Share struct {
	Result Result // "" where it is not known
	// Path leads from the domain's record to the term that decides, which is its last step:
	// the one that matches, that leads to a record in error, or at which receivers stop for
	// the limits. Its Term is "" where none matched (RFC 7208, 4.7).
	Path []Step
	// Open reports that the result holds only if no term of Decision.Open decides before.
	Open     bool
	Prefixes []netip.Prefix // ascending
}

// Decide evaluates the record for all clients of some ranges at once: each gets what
// CheckHost gives it, with the limits of RFC 7208, 4.6.4. A range of IPv4-mapped addresses is
// one of IPv4, and so it stands in the Shares (RFC 7208, 5). It is bounded in what it looks at:
// at most a few million ranges.
func (a *Analysis) Decide(prefixes []netip.Prefix) Decision {
	extents := make([]extent, 0, len(prefixes))
	for _, p := range prefixes {
		if p.IsValid() {
			p, _ = unmapped(p)
			extents = append(extents, extentOf(p))
		}
	}
	s := survey{matcher: newMatcher(a), each: true}
	d := Decision{}
	var sets [][]extent // of Shares
	index := map[string]int{}
	for _, one := range s.of(a.root, setOf(extents)) {
		if len(one.path) == 0 {
			one.path = []Step{{Name: a.Domain}}
		}
		key := one.key()
		i, ok := index[key]
		if !ok {
			i = len(sets)
			index[key] = i
			d.Shares, sets = append(d.Shares, Share{Result: one.result, Path: one.path, Open: one.open}), append(sets, nil)
		}
		sets[i] = append(sets[i], one.set...)
	}
	for i := range sets {
		d.Shares[i].Prefixes, _ = setOf(sets[i]).prefixes(maxWork)
	}
	d.Open, d.Full = s.unknown, s.full
	return d
}

// key is the same for shares that differ in who they are, and what that cost, alone.
func (s *share) key() string {
	var b strings.Builder
	b.WriteString(string(s.result))
	if s.open {
		b.WriteByte('?')
	}
	for _, at := range s.path {
		b.WriteByte('\n') // in no name, and in no term
		b.WriteString(at.Name)
		b.WriteByte(' ')
		b.WriteString(at.Term)
	}
	return b.String()
}
