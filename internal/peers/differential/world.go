package main

import (
	"context"
	"encoding/binary"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/mailcheck-go/mailcheck/dnsx"
)

// world is the DNS of one case. What stands at a name follows from the seed, the
// case and the name alone, so that every name somebody may ask for has something to
// say, whoever asks first. The first label tells of what kind it is: "self3" has the
// client's address, "mx11" eleven hosts, "n7" anything.
type world struct {
	seed  uint64
	root  string // the domain of the identity, whose record is the richest
	seen  string // what root was before an edit: what stands there follows from that
	plan  string // its record; "" where it is made like others
	odd   string // what it is instead: absent, an alias, one of records of type SPF alone, or with another RCODE
	ip    netip.Addr
	lower bool                              // the server writes all names in small letters
	ptrs  int                               // names of the client; none, NXDOMAIN or SERVFAIL from 0 down
	edit  func(text string) string          // what a class changes in TXT records; nil for nothing
	mail  func(*world, []dnsx.RR) []dnsx.RR // and among MX records

	mu    sync.Mutex
	nodes map[string]*node
}

// node is what stands at a name.
type node struct {
	absent  bool                     // NXDOMAIN
	fault   dnsx.RCode               // of every question, if not NoError
	faults  map[dnsx.Type]dnsx.RCode // of one type
	records map[dnsx.Type][]dnsx.RR
}

func (w *world) node(name string) *node {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := w.nodes[name]
	if n == nil {
		n = w.make(name)
		w.nodes[name] = n
	}
	return n
}

// known is what was asked for up to now; somebody's late question may still add to it.
func (w *world) known() map[string]*node {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.nodes)
}

// kinds of names, with the weights of their choice at random.
var kinds = []struct {
	label  string
	weight int
}{
	{"other", 28},
	{"self", 10},
	{"near", 7},
	{"void", 5},
	{"nodata", 5},
	{"family", 3},
	{"servfail", 2},
	{"refused", 1},
	{"cname", 5},
	{"mx", 4},
	{"null", 1},
	{"leaf", 8},
	{"fan", 6},
	{"none", 2},
	{"two", 1},
	{"broken", 2},
	{"loop", 1},
	{"type", 1},
	{"why", 1},
	{"open", 2},
	{"pair", 1},
	{"odd", 1},
}

func kindOf(name string, r *rand.Rand) (kind string, number int) {
	label, _, _ := strings.Cut(name, ".")
	at := strings.IndexAny(label, "0123456789")
	if at >= 0 {
		number, _ = strconv.Atoi(label[at:])
		label = label[:at]
	}
	for _, k := range kinds {
		if k.label == label {
			return label, number
		}
	}
	total := 0
	for _, k := range kinds {
		total += k.weight
	}
	n := r.IntN(total)
	for _, k := range kinds {
		if n -= k.weight; n < 0 {
			return k.label, 1 + r.IntN(4)
		}
	}
	return "other", 0
}

func (w *world) random(name string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(name))
	return rand.New(rand.NewPCG(w.seed, h.Sum64()))
}

// again is the world with no answers yet, to be changed.
func (w *world) again() *world {
	return &world{seed: w.seed, root: w.root, seen: w.seen, plan: w.plan, odd: w.odd, ip: w.ip, ptrs: w.ptrs, lower: w.lower, edit: w.edit, mail: w.mail, nodes: map[string]*node{}}
}

// texts adds a change of TXT records, on top of those that were there.
func (w *world) texts(edit func(string) string) {
	if before := w.edit; before != nil {
		w.edit = func(text string) string { return edit(before(text)) }
		return
	}
	w.edit = edit
}

// move makes another name the root, with what stood at the one before.
func (w *world) move(domain string) {
	w.root = rootOf(domain)
}

// rootOf is the name of a domain as it was said; of one that is none, any.
func rootOf(domain string) string {
	if name, err := dnsx.ParseName(aLabels.Replace(domain)); err == nil {
		return name
	}
	return "acme.example"
}

// make makes a node. Its records are in their canonical order, so that servers that
// turn them round and resolvers that sort them see the same ones first.
func (w *world) make(name string) *node {
	n := w.fill(name)
	for t, rrs := range n.records {
		slices.SortFunc(rrs, dnsx.CompareData)
		n.records[t] = slices.CompactFunc(rrs, func(a, b dnsx.RR) bool { return dnsx.CompareData(a, b) == 0 }) // RFC 2181, 5
	}
	return n
}

func (w *world) fill(name string) *node {
	r := w.random(name)
	if name == w.root {
		r = w.random(w.seen)
	}
	n := &node{records: map[dnsx.Type][]dnsx.RR{}, faults: map[dnsx.Type]dnsx.RCode{}}
	if name == "." { // where null MX records lead (RFC 7505)
		return n
	}
	if strings.HasSuffix(name, ".arpa") {
		w.pointers(n, name, r)
		return n
	}
	if name == w.root {
		switch w.odd {
		case "absent":
			n.absent = true
			return n
		case "alias":
			w.alias(n, name, pick(r, 1, 1, 2, 3, 9), r)
			return n
		case "code":
			n.faults[dnsx.TypeTXT] = otherCode(r)
		}
		w.records(n, name, "root", 0, r)
		w.addresses(n, name, pick(r, "self", "near", "other", "other", "other"), r)
		w.hosts(n, name, r.IntN(4), r)
		return n
	}
	kind, number := kindOf(name, r)
	switch kind {
	case "void":
		n.absent = true
		return n
	case "servfail":
		n.fault = dnsx.ServFail
		if r.IntN(4) == 0 {
			n.fault = otherCode(r)
		}
		return n
	case "refused":
		n.fault = dnsx.Refused
		return n
	case "cname":
		w.alias(n, name, number, r)
		return n
	case "nodata":
		return n
	}
	w.addresses(n, name, kind, r)
	switch kind {
	case "mx":
		w.hosts(n, name, number, r)
	case "null":
		n.add(rr(name, dnsx.TypeMX, []byte{0, 0, 0}))
	default:
		if r.IntN(2) == 0 {
			w.hosts(n, name, 1+r.IntN(3), r)
		}
	}
	w.records(n, name, kind, number, r)
	if kind == "type" {
		n.faults[pick(r, dnsx.TypeA, dnsx.TypeAAAA, dnsx.TypeMX, dnsx.TypeTXT)] = dnsx.ServFail
	}
	return n
}

// otherCode is an RCODE that is no answer either (RFC 7208, 2.6.6 and 5).
func otherCode(r *rand.Rand) dnsx.RCode {
	return pick(r, dnsx.Refused, dnsx.FormErr, dnsx.NotImp, dnsx.NotAuth, dnsx.RCode(11))
}

func (n *node) add(rr dnsx.RR) { n.records[rr.Type] = append(n.records[rr.Type], rr) }

func rr(name string, t dnsx.Type, data []byte) dnsx.RR {
	return dnsx.RR{Name: name, Type: t, TTL: 300, Data: data}
}

func target(name string) []byte {
	data, err := dnsx.PackName(name)
	if err != nil { // what this program makes up is a name
		panic(err)
	}
	return data
}

// addresses gives a name those that its kind has, beside others.
func (w *world) addresses(n *node, name, kind string, r *rand.Rand) {
	ip := w.ip.Unmap()
	addrs := []netip.Addr{stranger(ip, r)}
	if r.IntN(4) == 0 {
		addrs = append(addrs, stranger(ip, r))
	}
	switch kind {
	case "self":
		addrs = append(addrs, ip)
		r.Shuffle(len(addrs), func(i, j int) { addrs[i], addrs[j] = addrs[j], addrs[i] })
	case "near":
		addrs = append(addrs, neighbour(ip, r))
	case "family": // of the client has none
		addrs = nil
	}
	if other := r.IntN(4) == 0; other || kind == "family" { // the other family's
		if ip.Is4() {
			addrs = append(addrs, netip.MustParseAddr("2001:db8:ffff::1"))
		} else {
			addrs = append(addrs, netip.MustParseAddr("203.0.113.9"))
		}
	}
	for _, addr := range addrs {
		t := dnsx.TypeA
		if addr.Is6() {
			t = dnsx.TypeAAAA
		}
		n.add(rr(name, t, addr.AsSlice()))
	}
}

// stranger is an address that no prefix longer than 8 has together with ip.
func stranger(ip netip.Addr, r *rand.Rand) netip.Addr {
	b := ip.AsSlice()
	b[0] ^= 0x80
	b[len(b)-1] = byte(r.IntN(256))
	addr, _ := netip.AddrFromSlice(b)
	return addr
}

// neighbour is an address that differs from ip in one bit.
func neighbour(ip netip.Addr, r *rand.Rand) netip.Addr {
	b := ip.AsSlice()
	bit := len(b)*8 - 1 - r.IntN(len(b)*4)
	b[bit/8] ^= 0x80 >> (bit % 8)
	addr, _ := netip.AddrFromSlice(b)
	return addr
}

func (w *world) hosts(n *node, name string, count int, r *rand.Rand) {
	for i := range count {
		host := "other" + strconv.Itoa(i) + ".mail.example"
		if r.IntN(2) == 0 {
			host = pick(r, "self", "self", "near", "near", "n", "n", "n", pick(r, "void", "nodata", "family")) + strconv.Itoa(i) + ".mail.example"
		}
		if count < 4 && r.IntN(40) == 0 {
			host = pick(r, "servfail.mail.example", "cname2.mail.example", "refused.mail.example")
		}
		n.add(rr(name, dnsx.TypeMX, append(binary.BigEndian.AppendUint16(nil, uint16(10*(i+1))), target(host)...)))
	}
}

// alias leads on to a name that leads on, number times; 9 leads to itself.
func (w *world) alias(n *node, name string, number int, r *rand.Rand) {
	_, rest, _ := strings.Cut(name, ".")
	if len(rest) > 200 {
		rest = "b.example"
	}
	to := pick(r, "n", "self", "other", "leaf", "void", "nodata") + strconv.Itoa(r.IntN(9)) + "." + rest
	switch {
	case number >= 9:
		to = name
	case number > 1:
		to = "cname" + strconv.Itoa(number-1) + "." + rest
	}
	n.add(rr(name, dnsx.TypeCNAME, target(to)))
}

// pointers gives the client its names.
func (w *world) pointers(n *node, name string, r *rand.Rand) {
	switch w.ptrs {
	case -1:
		n.absent = true
	case -2:
		n.fault = dnsx.ServFail
	}
	for i := range max(w.ptrs, 0) {
		kind := pick(r, "self", "self", "self", "other", "other", "n", "n", "cname")
		if r.IntN(8) == 0 {
			kind = pick(r, "void", "servfail", "family")
		}
		if w.ptrs > 4 {
			kind = pick(r, "other", "other", "near", "self")
		}
		parent := pick(r, w.root, w.root, "b.example", "acme.example", "notacme.example", "other.test")
		if parent == "" || len(parent) > 200 {
			parent = "b.example"
		}
		to := kind + strconv.Itoa(i) + "." + parent
		if r.IntN(12) == 0 {
			to = parent
		}
		n.add(rr(name, dnsx.TypePTR, target(to)))
	}
}

// Resolve answers without a network what the server of the case says over one.
func (w *world) Resolve(_ context.Context, q dnsx.Question) (*dnsx.Answer, error) {
	a := &dnsx.Answer{Question: q}
	for name := q.Name; ; {
		n := w.node(name)
		fault := n.fault
		if fault == dnsx.NoError {
			fault = n.faults[q.Type]
		}
		if fault != dnsx.NoError || len(a.Chain) > dnsx.MaxChain {
			return nil, &dnsx.Failure{Question: q, Kind: dnsx.KindRCode, RCode: max(fault, dnsx.ServFail)}
		}
		alias := n.records[dnsx.TypeCNAME]
		if len(alias) == 0 {
			if n.absent {
				a.RCode = dnsx.NXDomain
			}
			a.Records = n.records[q.Type]
			if q.Type == dnsx.TypeMX && w.mail != nil {
				a.Records = w.mail(w, slices.Clone(a.Records))
			}
			return a, nil
		}
		a.Chain = append(a.Chain, alias[0])
		name, _ = alias[0].Target()
	}
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }
