// Package tlscert looks at the certificates that hosts serve, at every address,
// and says which of them turn visitors away today and which soon will.
//
// [Discover] resolves each host, shakes hands with each of its addresses and
// writes down what was served, valid or not: an expired certificate, one of
// another name and half a chain are facts like any other. [Analyze] parses that
// once, and [Rules] judge it against the trusted roots, and as of the time, that
// [Settings] name. [Check] is all of it.
//
// Discover judges nothing, and all the others are pure.
package tlscert

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

// Dialer opens a connection; the address is always an IP and a port.
// *net.Dialer is one.
type Dialer interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// Options say which hosts Discover looks at, and how long. The zero value works.
type Options struct {
	Budget  time.Duration // for everything together; dnsx.DefaultBudget if 0
	Timeout time.Duration // for connecting to one address, and again for its handshake; 5 s if 0
	Hosts   []Host        // empty: the domain itself at port 443
	// Dialer takes the place of the usual one. An address that is not public is
	// refused before it is asked.
	Dialer Dialer
	// AllowPrivate opens ranges that are otherwise not dialled because they are
	// not public.
	AllowPrivate []netip.Prefix
	Now          func() time.Time // time.Now if nil
}

// Host is a server whose certificate matters.
type Host struct {
	Name     string   // a domain name or the text of an IP address
	Port     uint16   // that of the protocol if 0: 443, 25, 143, 110
	Protocol Protocol // that of the port if empty, TLS for a port that no protocol has
	// ServerName is asked for in the handshake, and what the certificate has to be
	// valid for; Name if empty.
	ServerName string
	Addrs      []netip.Addr // dialled instead of those that the DNS has for Name
	Why        string       // who named it: "given", "MTA-STS record"
	// HTTP asks for the head of the page too, at the first address that answers.
	HTTP bool
	// Given says that the operator named it: it is then dialled as named, at
	// addresses that are not public too. A host out of somebody's data never is.
	Given bool
}

// HostError says why a text is no host.
type HostError struct {
	Host   string
	Reason string
}

func (e *HostError) Error() string { return strconv.Quote(e.Host) + " is no host: " + e.Reason }

// ParseHost reads HOST or HOST:PORT. HOST is a domain name or an IP address, an
// IPv6 address with a port in brackets. The error is a *dnsx.NameError or a
// *HostError.
func ParseHost(s string) (Host, error) {
	if ip, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")); err == nil {
		return Host{Name: ip.String()}.normal()
	}
	name, port, hasPort := s, "", false
	if strings.HasPrefix(s, "[") || strings.Count(s, ":") == 1 {
		var err error
		if name, port, err = net.SplitHostPort(s); err != nil {
			return Host{}, &HostError{Host: s, Reason: "want HOST, HOST:PORT or [IPv6]:PORT"}
		}
		hasPort = true
	}
	h := Host{Name: name}
	if hasPort {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return Host{}, &HostError{Host: s, Reason: "the port is no number from 1 to 65535"}
		}
		h.Port = uint16(n)
	}
	return h.normal()
}

// normal has the name in its one spelling and no zero port.
func (h Host) normal() (Host, error) {
	h.Port = cmp.Or(h.Port, 443)
	if ip, err := netip.ParseAddr(h.Name); err == nil {
		h.Name = ip.String()
		if len(h.Addrs) == 0 {
			h.Addrs = []netip.Addr{ip}
		}
		return h, nil
	}
	name, err := dnsx.ParseName(h.Name)
	if err != nil {
		return Host{}, err
	}
	h.Name = name
	return h, nil
}

// hosts are those of the options, each once: a host that two sources named with
// the same addresses, or none, is Given where one of them was the operator.
func (o Options) hosts(domain string) ([]Host, error) {
	if len(o.Hosts) == 0 {
		return []Host{{Name: domain, Port: 443, Why: "the domain itself"}}, nil
	}
	var all []Host
	at := make(map[string]int, len(o.Hosts))
	for _, h := range o.Hosts {
		h, err := h.normal()
		if err != nil {
			return nil, err
		}
		key := fmt.Sprint(h.Name, h.Port, sorted(h.Addrs))
		if i, ok := at[key]; ok {
			all[i].Given = all[i].Given || h.Given
			continue
		}
		at[key] = len(all)
		all = append(all, h)
	}
	return all, nil
}

// Questions are those that need nothing but the names of domain and hosts; nil
// where one of them is no name.
func Questions(domain string, o Options) []dnsx.Question {
	domain, err := dnsx.ParseName(domain)
	if err != nil {
		return nil
	}
	hosts, err := o.hosts(domain)
	if err != nil {
		return nil
	}
	var qs []dnsx.Question
	for _, h := range hosts {
		if len(h.Addrs) == 0 {
			qs = append(qs, dnsx.Q(h.Name, dnsx.TypeA), dnsx.Q(h.Name, dnsx.TypeAAAA))
		}
	}
	return qs
}

// Check discovers, analyzes and judges the hosts of one domain. The error is that
// of Discover.
func Check(ctx context.Context, r dnsx.Resolver, domain string, o Options, s Settings) ([]check.Result, error) {
	f, err := Discover(ctx, r, domain, o)
	if err != nil {
		return nil, err
	}
	return check.Apply(Analyze(f), Rules(s)), nil
}
