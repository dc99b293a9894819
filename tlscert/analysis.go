package tlscert

import (
	"cmp"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/internal/weakkey"
)

// Bounds of what is read out of facts that may come from anybody.
const (
	maxHosts     = 1000
	maxEndpoints = 64 // of a host
	maxChain     = 16 // certificates at one address
	maxPaths     = 1000
	maxRSA       = 8192 // bits; crypto/tls takes no more either
	minRSA       = 1024 // bits: what is shorter anybody factors as it is
)

// Analysis is what follows from Facts.
type Analysis struct {
	Domain string
	At     time.Time // when the facts were gathered
	Hosts  []*Served // in the order of the facts
	// NoIPv6 says that the machine which gathered the facts has no way to IPv6
	// addresses; what they serve is left out where IPv4 addresses of the host answered.
	NoIPv6 bool
	// NoSMTP says that no connection to port 25 of a mail exchanger came about, and
	// nobody refused one: many networks let nobody do that, so it says nothing about them.
	NoSMTP bool
	gaps   []check.Gap // about no host in particular
}

// Served is one host, and the certificates that its addresses serve.
type Served struct {
	Name       string
	ServerName string // what the certificate has to be valid for, where that is not Name
	Port       uint16
	Protocol   Protocol
	Why        string
	Given      bool
	Leaves     []*Leaf     // the soonest to expire first; several where addresses differ
	Seen       int         // addresses that showed a certificate
	Plain      int         // addresses of an SMTP server that offer no STARTTLS, and so have no certificate
	Missing    bool        // the DNS says that it has no address
	Gaps       []check.Gap // what is not known of it: addresses, and certificates at them
	endpoints  []Endpoint
}

// Leaf is a server's own certificate, at all addresses of one host that serve it.
type Leaf struct {
	*x509.Certificate
	Addrs  []netip.Addr
	Chains []*Chain // as served; several where addresses differ
	Points
	weak weakkey.Weakness
}

// Chain is what some addresses of a host serve.
type Chain struct {
	Addrs        []netip.Addr
	Certificates []*x509.Certificate // in the order in which they came, the leaf first; those that can be read
	Unread       int                 // those that cannot
	path         *path
}

// String is the host's name, with the port where that is not 443.
func (h *Served) String() string { return hostText(h.Name, h.Port) }

func hostText(name string, port uint16) string {
	if port == 443 || port == 0 { // a file has none
		return name
	}
	return net.JoinHostPort(name, strconv.Itoa(int(port)))
}

// NotAfter is the time until which all certificates of the host are valid; zero
// where none was seen.
func (h *Served) NotAfter() time.Time {
	if len(h.Leaves) == 0 {
		return time.Time{}
	}
	return h.Leaves[0].Certificate.NotAfter
}

// wants is the name that the certificate has to be valid for.
func (h *Served) wants() string { return cmp.Or(h.ServerName, h.Name) }

// opportunistic reports whether h is a mail exchanger that a domain names: whoever
// delivers mail there takes any certificate, unless MTA-STS or DANE asks for more
// (RFC 7435, 3). What the operator named is judged in full.
func (h *Served) opportunistic() bool { return h.relay() && !h.Given }

// relay reports whether mail from other servers comes in there.
func (h *Served) relay() bool { return h.Protocol == SMTP && h.Port == 25 }

// Soonest is the host whose certificate is the first to expire, nil where none
// was seen.
func (a *Analysis) Soonest() *Served {
	var first *Served
	for _, h := range a.Hosts {
		if t := h.NotAfter(); !t.IsZero() && (first == nil || t.Before(first.NotAfter())) {
			first = h
		}
	}
	return first
}

// Lifetime is the time for which the certificate is valid, both ends included
// (RFC 5280, 4.1.2.5).
func (l *Leaf) Lifetime() time.Duration { return inclusive(l.NotBefore, l.NotAfter) }

// Left is what remains of Lifetime; negative once it is over.
func (l *Leaf) Left(at time.Time) time.Duration { return inclusive(at, l.NotAfter) }

// inclusive is the time between two seconds with the last of them. A certificate
// without end (the year 9999) has more than a Duration can say.
func inclusive(from, to time.Time) time.Duration {
	d := to.Sub(from)
	if d > math.MaxInt64-time.Second {
		return d
	}
	return d + time.Second
}

// Analyze reads the certificates. It is pure, and takes facts of any origin: what
// cannot be read is a gap.
func Analyze(f *Facts) *Analysis {
	if f == nil {
		f = &Facts{}
	}
	a := &Analysis{Domain: f.Domain, At: f.At, NoIPv6: noIPv6(f), NoSMTP: noSMTP(f)}
	if f.Hosts == nil {
		a.gaps = append(a.gaps, check.Gap{Subject: "the certificates of " + f.Domain, Why: check.NotAsked})
	}
	if n := len(f.Hosts); n > maxHosts {
		a.gaps = append(a.gaps, limit("the certificates of "+f.Domain, n, "hosts", maxHosts))
	}
	r := &reader{certs: map[[32]byte]parsed{}, paths: map[[32]byte]*path{}, weak: map[*x509.Certificate]weakkey.Weakness{}}
	for i := range f.Hosts[:min(len(f.Hosts), maxHosts)] {
		a.Hosts = append(a.Hosts, r.host(&f.Hosts[i], a))
	}
	a.points(f)
	return a
}

func limit(subject string, have int, what string, most int) check.Gap {
	return check.Gap{Subject: subject, Why: check.Limit, Cause: fmt.Errorf("%d %s, of which %d are looked at", have, what, most)}
}

// noIPv6 reports whether every attempt at an IPv6 address ended on the machine
// that made it: that says nothing about the hosts.
func noIPv6(f *Facts) bool {
	var noRoute, elsewhere bool
	for _, h := range f.Hosts {
		for _, e := range h.Endpoints {
			switch {
			case !e.Addr.Is6() || e.Failure != nil && (e.Failure.Kind == KindNotPublic || e.Failure.Kind == KindNotAsked):
			case e.Failure != nil && e.Failure.Kind == KindNoRoute:
				noRoute = true
			default:
				elsewhere = true
			}
		}
	}
	return noRoute && !elsewhere
}

// noSMTP reports whether every attempt at port 25 of a host that a domain names
// ended without a word from the other side.
func noSMTP(f *Facts) bool {
	silent := false
	for _, h := range f.Hosts {
		for _, e := range h.Endpoints {
			switch {
			case h.Protocol != SMTP || h.Port != 25 || h.Given || e.Failure != nil && (e.Failure.Kind == KindNotPublic || e.Failure.Kind == KindNotAsked):
			case e.Failure != nil && e.Failure.Stage == Connect && slices.Contains(wordless, e.Failure.Kind):
				silent = true
			default:
				return false
			}
		}
	}
	return silent
}

// wordless are the failures that a network on the way brings about as well as the host.
var wordless = []FailureKind{KindTimeout, KindUnreachable, KindNoRoute, KindBudget}

var errNoSMTP = errors.New("no connection to port 25 came about, which many networks do not allow")

// Gaps are all things that are not known, of every host.
func (a *Analysis) Gaps() []check.Gap {
	gaps := slices.Clone(a.gaps)
	for _, h := range a.Hosts {
		gaps = append(gaps, h.Gaps...)
	}
	return gaps
}

// reader parses every certificate once, however many addresses serve it.
type reader struct {
	certs map[[32]byte]parsed
	paths map[[32]byte]*path
	weak  map[*x509.Certificate]weakkey.Weakness
}

type parsed struct {
	cert *x509.Certificate
	err  error
}

func (r *reader) parse(der []byte) (*x509.Certificate, error) {
	sum := sha256.Sum256(der)
	p, ok := r.certs[sum]
	if !ok {
		p.cert, p.err = x509.ParseCertificate(der)
		// Signatures of a key that no client takes would cost seconds.
		if p.err == nil {
			if key, isRSA := p.cert.PublicKey.(*rsa.PublicKey); isRSA && key.N.BitLen() > maxRSA {
				p.cert, p.err = nil, fmt.Errorf("an RSA key of %d bits", key.N.BitLen())
			}
		}
		r.certs[sum] = p
	}
	return p.cert, p.err
}

// weakness is what can be found out about the key of a leaf. The authorities look
// after their own.
func (r *reader) weakness(c *x509.Certificate) weakkey.Weakness {
	key, isRSA := c.PublicKey.(*rsa.PublicKey)
	if !isRSA || key.N.BitLen() < minRSA {
		return weakkey.Weakness{}
	}
	w, ok := r.weak[c]
	if !ok {
		w = weakkey.Test(key.N)
		r.weak[c] = w
	}
	return w
}

func (r *reader) host(f *HostFacts, a *Analysis) *Served {
	h := &Served{Name: f.Name, ServerName: f.ServerName, Port: f.Port, Protocol: f.Protocol, Why: f.Why, Given: f.Given}
	tried := make(map[netip.Addr]bool, len(f.Endpoints))
	endpoints := f.Endpoints
	if n := len(endpoints); n > maxEndpoints {
		h.Gaps = append(h.Gaps, limit(h.String(), n, "addresses", maxEndpoints))
		endpoints = endpoints[:maxEndpoints]
	}
	h.endpoints = endpoints
	for i := range endpoints {
		tried[endpoints[i].Addr] = true
		h.take(r, &endpoints[i])
	}
	for i := range endpoints {
		e := &endpoints[i]
		switch {
		case e.Failure == nil:
		case a.NoIPv6 && h.Seen > 0 && e.Failure.Kind == KindNoRoute:
		case h.Protocol == SMTP && e.Failure.Kind == KindNoStartTLS:
			h.Plain++ // an answer: there is no certificate. smtp.no-starttls says so.
		case a.NoSMTP && h.opportunistic():
			h.Gaps = append(h.Gaps, check.Gap{Subject: h.at(e.Addr), Why: check.NotAsked, Cause: errNoSMTP})
		default:
			h.Gaps = append(h.Gaps, check.GapOf(h.at(e.Addr), e.Failure))
		}
	}
	h.unasked(f, tried)
	slices.SortStableFunc(h.Leaves, func(a, b *Leaf) int { return a.NotAfter.Compare(b.NotAfter) })
	return h
}

// at names one address of the host.
func (h *Served) at(a netip.Addr) string {
	if !a.IsValid() {
		return h.Name
	}
	return net.JoinHostPort(h.Name, strconv.Itoa(int(h.Port))) + " at " + a.String()
}

// take adds what one address serves.
func (h *Served) take(r *reader, e *Endpoint) {
	if e.TLS == nil {
		if e.Failure == nil {
			h.Gaps = append(h.Gaps, check.Gap{Subject: h.at(e.Addr), Why: check.NotAsked})
		}
		return
	}
	p, err := r.path(e.TLS.Chain)
	if err != nil {
		h.Gaps = append(h.Gaps, check.GapOf(h.at(e.Addr), err))
		return
	}
	h.Seen++
	at := slices.IndexFunc(h.Leaves, func(l *Leaf) bool { return l.Certificate == p.certs[0] })
	if at < 0 {
		at = len(h.Leaves)
		h.Leaves = append(h.Leaves, &Leaf{Certificate: p.certs[0], weak: r.weakness(p.certs[0])})
	}
	l := h.Leaves[at]
	l.Addrs = append(l.Addrs, e.Addr)
	if i := slices.IndexFunc(l.Chains, func(c *Chain) bool { return c.path == p }); i >= 0 {
		l.Chains[i].Addrs = append(l.Chains[i].Addrs, e.Addr)
		return
	}
	l.Chains = append(l.Chains, &Chain{Addrs: []netip.Addr{e.Addr}, Certificates: p.certs, Unread: p.unread, path: p})
}

var errNoCertificate = errors.New("the handshake showed no certificate")

// path returns the parsed chain, the same one for the same octets. The error says
// why the leaf cannot be read; another certificate that cannot is left out and counted.
func (r *reader) path(ders [][]byte) (*path, error) {
	if len(ders) == 0 {
		return nil, errNoCertificate
	}
	if len(ders) > maxChain {
		return nil, &boundError{fmt.Sprintf("a chain of %d certificates", len(ders))}
	}
	size, hash := 0, sha256.New()
	for _, der := range ders {
		size += len(der)
		fmt.Fprintf(hash, "%d:", len(der))
		hash.Write(der)
	}
	if size > MaxHandshake {
		return nil, &boundError{fmt.Sprintf("a chain of %d octets", size)}
	}
	sum := [32]byte(hash.Sum(nil))
	if p, ok := r.paths[sum]; ok {
		return p, nil
	}
	if len(r.paths) == maxPaths {
		return nil, &boundError{fmt.Sprintf("one more than %d chains", maxPaths)}
	}
	leaf, err := r.parse(ders[0])
	if err != nil {
		return nil, fmt.Errorf("the certificate cannot be read: %w", err)
	}
	p := &path{certs: []*x509.Certificate{leaf}}
	for _, der := range ders[1:] {
		cert, err := r.parse(der)
		if err != nil {
			p.unread++
			continue
		}
		p.certs = append(p.certs, cert)
	}
	r.paths[sum] = p
	return p, nil
}

// boundError is something larger than what is looked at.
type boundError struct{ what string }

func (e *boundError) Error() string              { return e.what + " is more than is looked at" }
func (e *boundError) Gap() (subject, why string) { return "", string(check.Limit) }

// unasked adds the addresses that are not known, and those that are and were not
// dialled.
func (h *Served) unasked(f *HostFacts, tried map[netip.Addr]bool) {
	if f.Protocol == File {
		return
	}
	var addrs []netip.Addr
	if addrs = f.Addrs; len(addrs) == 0 {
		for _, reply := range []dnsx.Reply{f.A.To(dnsx.Q(f.Name, dnsx.TypeA)), f.AAAA.To(dnsx.Q(f.Name, dnsx.TypeAAAA))} {
			if err := reply.Err(); err != nil {
				h.Gaps = append(h.Gaps, check.GapOf("", err))
			}
			addrs = append(addrs, addresses(reply)...)
		}
		h.Missing = f.A.Answer != nil && f.AAAA.Answer != nil && len(addrs) == 0 && len(h.Gaps) == 0
	}
	if f.Limited {
		h.Gaps = append(h.Gaps, limit(h.String(), len(addrs), "addresses", MaxAddrs))
		return
	}
	untried := slices.DeleteFunc(slices.Clone(addrs), func(a netip.Addr) bool { return tried[a] })
	for _, a := range untried[:min(len(untried), maxEndpoints)] {
		h.Gaps = append(h.Gaps, check.Gap{Subject: h.at(a), Why: check.NotAsked})
	}
}
