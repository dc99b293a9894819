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

// Options say which hosts Discover looks at, and how long. The zero value works.
type Options struct {
	Budget time.Duration // for everything together; dnsx.DefaultBudget if 0
	Hosts  []Host        // empty: the domain itself at port 443
	// Prober connects; one of this call alone, with its defaults, if nil. Many calls
	// that share one are bounded together.
	Prober *Prober
	// Deep asks for further handshakes with each address (Endpoint.Tries), one after
	// the other: with TLS 1.0 only, with TLS 1.1 only, with RC4 and 3DES only, and without
	// a server name.
	Deep bool
	Now  func() time.Time // time.Now if nil
	// Fetcher gets what the certificates point to (Facts.Fetched). Nothing is fetched if nil.
	Fetcher *Fetcher
	// ARIDirectory is the directory of the ACME server to ask for renewal information
	// about certificates of authorities that are not known to have one.
	ARIDirectory string
}

// Host is a server whose certificate matters.
type Host struct {
	Name     string   // a domain name or the text of an IP address
	Port     uint16   // that of the protocol if 0: 443, 25, 143 or 110
	Protocol Protocol // that of the port if empty, see ParseHost
	// ServerName is asked for in the handshake, and what the certificate has to be
	// valid for; Name if empty.
	ServerName string
	Addrs      []netip.Addr // dialled instead of those that the DNS has for Name
	Why        string       // who named it: "given", "MTA-STS record"
	// HTTP asks for the head of the page too, at the address whose handshake is the
	// first to be done. No redirect is followed. HTTP/1.1 is then the only offer (ALPN).
	HTTP bool
	// Given says that the operator named it: it is then dialled as named, at
	// addresses that are not public too. A host out of somebody's data never is.
	Given bool
}

// String is HOST, with the port where that is not 443.
func (h Host) String() string { return hostText(h.Name, h.Port) }

// HostError says why a text is no host.
type HostError struct {
	Host   string
	Reason string
}

func (e *HostError) Error() string { return strconv.Quote(e.Host) + " is no host: " + e.Reason }

// ParseHost reads HOST or HOST:PORT. HOST is a domain name or an IP address, an
// IPv6 address with a port in brackets. The protocol is that of the port: HTTPS at
// 443 and 8443, SMTP at 25 and 587, IMAP at 143, POP3 at 110, TLS at any other. The
// error is a *dnsx.NameError or a *HostError.
func ParseHost(s string) (Host, error) {
	if ip, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")); err == nil {
		return Host{Name: ip.String()}.Normal()
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
	return h.Normal()
}

// protocolOf is what is spoken at a port, TLS where it is none of these.
var protocolOf = map[uint16]Protocol{443: HTTPS, 8443: HTTPS, 25: SMTP, 587: SMTP, 143: IMAP, 110: POP3}

// portOf is where a protocol is spoken.
var portOf = map[Protocol]uint16{HTTPS: 443, TLS: 443, SMTP: 25, IMAP: 143, POP3: 110}

// Normal returns the host with its names in their one spelling, a port and a protocol.
// The error is that of ParseHost.
func (h Host) Normal() (Host, error) {
	if h.Protocol == "" {
		h.Protocol = cmp.Or(protocolOf[cmp.Or(h.Port, 443)], TLS)
	}
	port, ok := portOf[h.Protocol]
	if !ok {
		return Host{}, &HostError{Host: h.Name, Reason: fmt.Sprintf("%q is no protocol", h.Protocol)}
	}
	h.Port = cmp.Or(h.Port, port)
	name, ip, err := oneSpelling(h.Name)
	if err != nil {
		return Host{}, err
	}
	if h.Name = name; ip.IsValid() && len(h.Addrs) == 0 {
		h.Addrs = []netip.Addr{ip}
	}
	if h.ServerName != "" {
		if h.ServerName, _, err = oneSpelling(h.ServerName); err != nil {
			return Host{}, err
		}
	}
	if h.ServerName == name {
		h.ServerName = ""
	}
	return h, nil
}

// oneSpelling is that of a domain name or an IP address.
func oneSpelling(s string) (string, netip.Addr, error) {
	if ip, err := netip.ParseAddr(s); err == nil {
		return ip.String(), ip, nil
	}
	name, err := dnsx.ParseName(s)
	return name, netip.Addr{}, err
}

// sni is what is asked for in the handshake.
func (h *Host) sni() string { return cmp.Or(h.ServerName, h.Name) }

// hosts are those of the options, each once. A host that two sources named with
// the same addresses, or none, is Given where one of them was the operator.
func (o Options) hosts(domain string) ([]Host, error) {
	if len(o.Hosts) == 0 {
		return []Host{{Name: domain, Port: 443, Protocol: HTTPS, Why: "the domain itself"}}, nil
	}
	var all []Host
	at := make(map[string]int, len(o.Hosts))
	for _, h := range o.Hosts {
		h, err := h.Normal()
		if err != nil {
			return nil, err
		}
		key := fmt.Sprintf("%q %d %s %q %v", h.Name, h.Port, h.Protocol, h.ServerName, sorted(h.Addrs))
		if i, ok := at[key]; ok {
			all[i].Given = all[i].Given || h.Given
			all[i].HTTP = all[i].HTTP || h.HTTP
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
	seen := map[string]bool{}
	for _, h := range hosts {
		if len(h.Addrs) == 0 && !seen[h.Name] {
			seen[h.Name] = true
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
