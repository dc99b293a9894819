package spf

import (
	"errors"
	"net/netip"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

// maxWork bounds the extents that are joined and taken apart for one question. It stands
// against records that say the same thousands of times.
const maxWork = 4 << 20

// matcher finds out whom the terms of a domain's tree match.
type matcher struct {
	w     *walk
	terms map[addressTerm]*matched
	work  int
}

// addressTerm is what the addresses of an a or mx depend on.
type addressTerm struct {
	name         string
	mechanism    Mechanism
	bits4, bits6 uint8
}

// matched is whom a term, or the record that it leads to, matches.
type matched struct {
	set   addrSet
	open  bool   // others may be matched too
	fails bool   // everybody gets permerror
	kept  *cause // why addresses cannot stand for it; nil where they can
	// hard reports that the evaluation may end in an error there, so that nothing may
	// be moved from behind it to before it.
	hard  bool
	first Expiry
}

// cause is why something is kept.
type cause struct {
	reason KeepReason
	text   check.Text
	placed bool // the text says in which record
}

func newMatcher(a *Analysis) *matcher { return newWalk(a, a.facts).matcher() }

func (w *walk) matcher() *matcher { return &matcher{w: w, terms: map[addressTerm]*matched{}} }

func keep(reason KeepReason, hard bool, text check.Text) *matched {
	return &matched{open: true, kept: &cause{reason: reason, text: text}, hard: hard}
}

// spend counts work, and is false when there has been too much.
func (m *matcher) spend(n int) bool {
	m.work += n
	return m.work <= maxWork
}

// term says whom a term matches that leads to no other record.
func (m *matcher) term(n *Node, d *Directive) *matched {
	switch {
	case d.Mechanism == All:
		return &matched{set: everybody}
	case d.Prefix.IsValid():
		return &matched{set: addrSet{extentOf(d.Prefix)}}
	case d.Mechanism == PTR:
		return keep(KeptMessage, false, check.Textf("ptr goes by the name of the client"))
	}
	name, err := target(d.Domain, n.Name)
	switch {
	case errors.Is(err, errMessage):
		return keep(KeptMessage, d.Mechanism == MX, check.Textf("its name depends on the message"))
	case err != nil:
		return keep(KeptPermError, true, check.Textf("%s", err))
	case d.Mechanism == Exists:
		return m.exists(name)
	}
	key := addressTerm{name, d.Mechanism, d.Bits4, d.Bits6}
	one := m.terms[key]
	if one == nil {
		one = m.hosts(key)
		m.terms[key] = one
	}
	return one
}

// exists matches everybody, or nobody (RFC 7208, 5.7).
func (m *matcher) exists(name string) *matched {
	r := m.w.reply(dnsx.Q(name, dnsx.TypeA))
	one := keep(KeptMessage, r.Err() != nil, check.Textf("exists is no matter of addresses"))
	one.open = r.Err() != nil
	if len(r.records) > 0 {
		one.set = everybody
	}
	return one
}

// hosts finds the addresses of an a or mx (RFC 7208, 5.3 and 5.4).
func (m *matcher) hosts(t addressTerm) *matched {
	one := &matched{}
	hosts := []string{t.name}
	if t.mechanism == MX {
		q := dnsx.Q(t.name, dnsx.TypeMX)
		mx := m.w.reply(q)
		switch {
		case mx.Err() != nil:
			return keep(KeptUnread, true, check.Textf("%s", mx.Err()))
		case len(mx.records) > mxHosts:
			one = keep(KeptPermError, true, check.Textf("%s has %d MX hosts, and receivers take %d", t.name, len(mx.records), mxHosts))
			one.fails = true
			return one
		}
		hosts = mx.hosts
		one.expires(m.expiry(q, nil))
	}
	var extents []extent
	for _, host := range hosts {
		for _, q := range []dnsx.Question{dnsx.Q(host, dnsx.TypeA), dnsx.Q(host, dnsx.TypeAAAA)} {
			bits := t.bits4
			if q.Type == dnsx.TypeAAAA {
				bits = t.bits6
			}
			r := m.w.reply(q)
			if err := r.Err(); err != nil {
				if one.kept == nil {
					one.kept = &cause{reason: KeptUnread, text: check.Textf("%s", err)}
				}
				one.open, one.hard = true, true
				continue
			}
			one.expires(m.expiry(q, nil))
			if !m.spend(len(r.records)) {
				return keep(KeptLimit, true, check.Textf("it has too many addresses"))
			}
			for _, rr := range r.records {
				if addr, ok := rr.Addr(); ok {
					extents = append(extents, extentOf(netip.PrefixFrom(addr, int(bits))))
				}
			}
		}
	}
	one.set = setOf(extents)
	return one
}

// questions are those whose answers an a or mx stands on.
func (m *matcher) questions(t addressTerm) []dnsx.Question {
	hosts := []string{t.name}
	var qs []dnsx.Question
	if t.mechanism == MX {
		q := dnsx.Q(t.name, dnsx.TypeMX)
		qs, hosts = append(qs, q), m.w.reply(q).hosts
	}
	for _, host := range hosts {
		qs = append(qs, dnsx.Q(host, dnsx.TypeA), dnsx.Q(host, dnsx.TypeAAAA))
	}
	return qs
}
