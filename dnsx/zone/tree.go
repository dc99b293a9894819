package zone

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mailcheck-go/mailcheck/dnsx"
)

// Types that package dnsx has no name for.
const (
	typeOPT        dnsx.Type = 41
	typeNSEC3PARAM dnsx.Type = 51
	typeCDS        dnsx.Type = 59
	typeCDNSKEY    dnsx.Type = 60
)

// signing reports whether a type is one that signing adds to a zone (RFC 4034,
// RFC 5155, RFC 7344).
func signing(t dnsx.Type) bool {
	switch t {
	case dnsx.TypeRRSIG, dnsx.TypeNSEC, dnsx.TypeDNSKEY, dnsx.TypeNSEC3, typeNSEC3PARAM, typeCDS, typeCDNSKEY:
		return true
	}
	return false
}

// meta reports whether a type can only be asked for (RFC 6895, 3.1).
func meta(t dnsx.Type) bool { return t == 0 || t == typeOPT || t >= 128 && t <= 255 }

// node is a name that exists. One without sets and holes is an empty
// non-terminal (RFC 4592, 2.2.2).
type node struct {
	sets  []rrset
	holes []dnsx.Type
	star  *node // its child *
}

// rrset holds the records of one type.
type rrset struct {
	dtype dnsx.Type
	path  string // of the file, as errors name it
	file  string // its base name, as answers name it
	size  int    // octets in a message
	rrs   []dnsx.RR
}

func (n *node) set(t dnsx.Type) *rrset {
	for i := range n.sets {
		if n.sets[i].dtype == t {
			return &n.sets[i]
		}
	}
	return nil
}

// unknown reports whether the name may have the type all the same. An alias that
// is unknown hides all types.
func (n *node) unknown(t dnsx.Type) bool {
	return slices.Contains(n.holes, t) || slices.Contains(n.holes, dnsx.TypeCNAME)
}

// add puts a record in its set. One that is there already is passed over
// (RFC 2181, 5).
func (n *node) add(r *record) error {
	s := n.set(r.Type)
	if s == nil {
		if err := n.besides(r); err != nil {
			return err
		}
		n.sets = append(n.sets, rrset{dtype: r.Type, path: r.file, file: filepath.Base(r.file)})
		s = &n.sets[len(n.sets)-1]
	}
	for i := range s.rrs {
		if bytes.Equal(s.rrs[i].Data, r.Data) {
			return nil
		}
	}
	const rest = 12 // octets of a record beside its data: owner (a pointer), type, class, TTL, length
	s.size += rest + len(r.Data)
	switch {
	case len(s.rrs) == 0:
	case s.path != r.file:
		return r.fail("%s %s is in %s too, with other data", r.Name, r.Type, s.path)
	case r.Type == dnsx.TypeCNAME || r.Type == dnsx.TypeDNAME || r.Type == dnsx.TypeSOA:
		return r.fail("a second %s record at %s", r.Type, r.Name)
	case s.size > 65535:
		return r.fail("%s has more %s records than a DNS message holds", r.Name, r.Type)
	}
	s.rrs = append(s.rrs, r.RR)
	return nil
}

// besides refuses a CNAME with other data beside it, as name servers do (RFC 1034,
// 3.6.2). What signing adds may stand there (RFC 4034, 2.3 and 4).
func (n *node) besides(r *record) error {
	if signing(r.Type) {
		return nil
	}
	for _, s := range n.sets {
		if !signing(s.dtype) && (r.Type == dnsx.TypeCNAME || s.dtype == dnsx.TypeCNAME) {
			return r.fail("%s beside %s at %s: a CNAME record stands alone", r.Type, s.dtype, r.Name)
		}
	}
	return nil
}

// tree is a zone that is known as a whole.
type tree struct {
	apex   string
	file   string // base name
	nodes  map[string]*node
	soa    []dnsx.RR // for negative answers
	signed bool
	added  []*record // until finish
}

func newTree(f *file) (*tree, error) {
	t := &tree{
		apex: f.apex, file: filepath.Base(f.path),
		nodes: make(map[string]*node, len(f.records)/2+1), added: make([]*record, 0, len(f.records)),
	}
	t.nodes[t.apex] = &node{}
	for i := range f.records {
		if err := t.add(&f.records[i]); err != nil {
			return nil, err
		}
	}
	for _, h := range f.holes {
		n := t.at(h.name)
		n.holes = append(n.holes, h.types...)
	}
	return t, nil
}

// at returns the node of a name in the zone, and makes it and those above it
// where they are not there.
func (t *tree) at(name string) *node {
	if n := t.nodes[name]; n != nil {
		return n
	}
	n := &node{}
	t.nodes[name] = n
	for up := dnsx.Parent(name); t.nodes[up] == nil; up = dnsx.Parent(up) {
		t.nodes[up] = &node{}
	}
	return n
}

func (t *tree) add(r *record) error {
	t.added = append(t.added, r)
	return t.at(r.Name).add(r)
}

// cover returns the delegation at or above a name, or the DNAME above it, that
// takes it out of the zone's data, the topmost of several (RFC 1034, 4.3.2 step 3b;
// RFC 6672, 2.4).
func (t *tree) cover(name string) (owner string, by dnsx.Type) {
	for at := name; ; at = dnsx.Parent(at) {
		if n := t.nodes[at]; n != nil {
			switch {
			case at != t.apex && n.set(dnsx.TypeNS) != nil:
				owner, by = at, dnsx.TypeNS
			case at != name && n.set(dnsx.TypeDNAME) != nil:
				owner, by = at, dnsx.TypeDNAME
			}
		}
		if at == t.apex {
			return owner, by
		}
	}
}

// holds reports whether a record of this name and type belongs to the zone's own
// data. At a delegation NS and DS do.
func (t *tree) holds(name string, dtype dnsx.Type) bool {
	owner, _ := t.cover(name)
	return owner == "" || owner == name && (dtype == dnsx.TypeNS || dtype == dnsx.TypeDS)
}

// finish takes out what delegations and DNAMEs cover, and prepares answers.
func (t *tree) finish() []Note {
	var notes []Note
	for _, r := range t.added {
		owner, by := t.cover(r.Name)
		if owner == "" {
			continue
		}
		note := Note{File: r.file, Line: r.line, Name: r.Name, Type: r.Type.String()}
		switch {
		case by == dnsx.TypeDNAME:
			note.Reason = fmt.Sprintf("not served: it is below the DNAME record of %s", owner)
			notes = append(notes, note)
		case !signing(r.Type) && !slices.Contains([]dnsx.Type{dnsx.TypeNS, dnsx.TypeDS, dnsx.TypeA, dnsx.TypeAAAA}, r.Type):
			note.Reason = fmt.Sprintf("not served: %s is delegated", owner)
			notes = append(notes, note)
		}
	}
	t.added = nil
	for name, n := range t.nodes {
		if owner, _ := t.cover(name); owner != "" && owner != name {
			delete(t.nodes, name)
			continue
		}
		if up := t.nodes[dnsx.Parent(name)]; up != nil && (name == "*" || strings.HasPrefix(name, "*.")) {
			up.star = n
		}
	}
	apex := t.nodes[t.apex]
	t.signed = apex.set(dnsx.TypeDNSKEY) != nil || apex.set(dnsx.TypeRRSIG) != nil
	if s := apex.set(dnsx.TypeSOA); s != nil {
		rr := s.rrs[0]
		if soa, ok := rr.SOA(); ok {
			rr.TTL = min(rr.TTL, soa.Minimum)
		}
		t.soa = []dnsx.RR{rr}
	}
	return notes
}

// relation is how a name stands to a zone.
type relation int

const (
	held    relation = iota // the node is there, or a wildcard stands for it
	missing                 // the zone says that it does not exist
	outside                 // behind a delegation
	renamed                 // below a DNAME
)

// find looks a name up in a finished zone that holds it or a name above it
// (RFC 1034, 4.3.2 step 3, as in RFC 6672, 3.2). The node is the name's own, the
// wildcard's with star true, the delegation's, or the DNAME's.
func (t *tree) find(name string) (n *node, how relation, star bool) {
	at := name
	for n = t.nodes[at]; n == nil; n = t.nodes[at] {
		at = dnsx.Parent(at)
	}
	switch {
	case at != t.apex && n.set(dnsx.TypeNS) != nil:
		return n, outside, false
	case at == name:
		return n, held, false
	case n.set(dnsx.TypeDNAME) != nil:
		return n, renamed, false
	case n.star == nil:
		return nil, missing, false
	case n.star.set(dnsx.TypeNS) != nil || n.star.set(dnsx.TypeDNAME) != nil:
		// What such wildcards mean is not defined (RFC 4592, 4.2 and 4.4).
		return n.star, outside, true
	}
	return n.star, held, true
}
