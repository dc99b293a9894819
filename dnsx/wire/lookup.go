package wire

import (
	"errors"
	"slices"

	"github.com/mailcheck-go/mailcheck/dnsx"
)

// weight orders failures by how much they say about the question, rather than
// about a server or the way to it.
func weight(f *dnsx.Failure) int {
	switch {
	case f.Kind == dnsx.KindRCode && f.RCode == dnsx.ServFail && len(f.EDE) > 0:
		return 5
	case f.Kind == dnsx.KindRCode && f.RCode == dnsx.ServFail:
		return 4
	case f.Kind == dnsx.KindRCode:
		return 3
	case f.Kind == dnsx.KindMalformed:
		return 2
	case f.Kind == dnsx.KindTimeout:
		return 1
	}
	return 0
}

// step is what one message says on the way from a name to its answer.
type step struct {
	message   message
	chain     []dnsx.RR // the whole chain so far
	records   []dnsx.RR
	authority []dnsx.RR
	open      bool // the chain ends at a name of which the message says nothing
}

// take reads a message as the reply to q, to which the chain has led.
func (s *step) take(q dnsx.Question, chain []dnsx.RR) *dnsx.Failure {
	m := &s.message
	end, err := s.walk(q, chain)
	if err != nil {
		return failure(err, s.chain)
	}
	if m.rcode != dnsx.NoError && m.rcode != dnsx.NXDomain {
		// The code speaks of the chain's end (RFC 6604, 3).
		return &dnsx.Failure{Kind: dnsx.KindRCode, Chain: s.chain, RCode: m.rcode, EDE: m.ede}
	}
	if err := s.settle(q, end, len(s.chain) > len(chain)); err != nil {
		return failure(err, s.chain)
	}
	return nil
}

func failure(err error, chain []dnsx.RR) *dnsx.Failure {
	switch {
	case errors.Is(err, errChain):
		return &dnsx.Failure{Kind: dnsx.KindChain, Chain: chain}
	case isMalformed(err), errors.Is(err, errReferral), errors.Is(err, errContradiction):
		return &dnsx.Failure{Kind: dnsx.KindMalformed, Chain: chain, Detail: err.Error()}
	}
	return &dnsx.Failure{Kind: dnsx.KindNetwork, Chain: chain, Detail: err.Error()}
}

var (
	errChain         = errors.New("the CNAME chain loops or is too long")
	errReferral      = errors.New("a referral and no answer: the server does not resolve for others")
	errContradiction = errors.New("NXDOMAIN and records of that name")
)

// walk follows the CNAME records of the message from q.Name to the records of the
// type, or to the chain's end. The chain is what led to q.Name; it is not changed.
// Records of other owners and types are passed over.
func (s *step) walk(q dnsx.Question, chain []dnsx.RR) (end string, err error) {
	s.chain = slices.Clip(chain)
	for end = q.Name; ; {
		s.records = pickRecords(s.message.answer, end, q.Type)
		alias := slices.IndexFunc(s.message.answer, func(rr dnsx.RR) bool {
			return rr.Name == end && rr.Type == dnsx.TypeCNAME
		})
		if len(s.records) > 0 || alias < 0 {
			return end, nil
		}
		if len(s.chain) == dnsx.MaxChain {
			return end, errChain
		}
		s.chain = append(s.chain, s.message.answer[alias])
		end, _ = s.message.answer[alias].Target() // no error: readMessage has checked it
		if slices.ContainsFunc(s.chain, func(rr dnsx.RR) bool { return rr.Name == end }) {
			return end, errChain
		}
	}
}

// pickRecords returns the records of that name and type. Where they stand
// together, as they nearly always do, it does not copy them.
func pickRecords(rrs []dnsx.RR, name string, t dnsx.Type) []dnsx.RR {
	ours := func(rr dnsx.RR) bool { return rr.Name == name && rr.Type == t }
	first := slices.IndexFunc(rrs, ours)
	if first < 0 {
		return nil
	}
	end := first + 1
	for end < len(rrs) && ours(rrs[end]) {
		end++
	}
	picked := rrs[first:end:end]
	for _, rr := range rrs[end:] {
		if ours(rr) {
			picked = append(picked, rr)
		}
	}
	return picked
}

// settle decides what the message says of the chain's end: that there are
// records, that the name or the type does not exist, or nothing. Moved tells that
// the message led on to the end.
func (s *step) settle(q dnsx.Question, end string, moved bool) error {
	m := &s.message
	if len(s.records) > 0 && m.rcode == dnsx.NXDomain {
		return errContradiction
	}
	s.prove(q, end)
	if len(s.records) > 0 || m.rcode == dnsx.NXDomain || holds(m.authority, end, dnsx.TypeSOA) {
		return nil
	}
	// NOERROR without records and SOA. RFC 2308, 2.2: NODATA, unless there are NS records.
	s.open = moved
	if !moved && slices.ContainsFunc(m.authority, func(rr dnsx.RR) bool { return rr.Type == dnsx.TypeNS }) {
		return errReferral
	}
	return nil
}

// holds reports whether there is a record of that type at the name or above it.
func holds(rrs []dnsx.RR, name string, t dnsx.Type) bool {
	return slices.ContainsFunc(rrs, func(rr dnsx.RR) bool { return rr.Type == t && dnsx.Below(name, rr.Name) })
}

// prove collects the authority of the step: the SOA of a negative answer and, of
// a question for DNSSEC, what proves the answer, whichever section it stood in:
// signatures, denials, and the DNAME records that made unsigned aliases
// (RFC 6672, 5.3.1).
func (s *step) prove(q dnsx.Question, end string) {
	if q.DNSSEC {
		for _, rr := range s.message.answer {
			proof := rr.Type == dnsx.TypeRRSIG || rr.Type == dnsx.TypeDNAME
			if proof && rr.Type != q.Type && s.speaksOf(rr.Name, end) {
				s.authority = append(s.authority, rr)
			}
		}
	}
	for _, rr := range s.message.authority {
		switch rr.Type {
		case dnsx.TypeSOA:
			if len(s.records) == 0 && dnsx.Below(end, rr.Name) {
				s.authority = append(s.authority, rr)
			}
		case dnsx.TypeRRSIG, dnsx.TypeNSEC, dnsx.TypeNSEC3:
			if q.DNSSEC {
				s.authority = append(s.authority, rr)
			}
		}
	}
}

// speaksOf reports whether an owner is a name of the chain, its end, or above one of them.
func (s *step) speaksOf(owner, end string) bool {
	return dnsx.Below(end, owner) ||
		slices.ContainsFunc(s.chain, func(rr dnsx.RR) bool { return dnsx.Below(rr.Name, owner) })
}
