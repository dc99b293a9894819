// Package dial opens TCP connections to addresses that came out of somebody
// else's data: an MX record, a CNAME, a URL inside a certificate.
//
// [Dialer] connects to public addresses only. It looks at the address when the
// socket connects, after all resolving is done, so that a name which changes
// its answer between the check and the use (DNS rebinding) gains nothing.
package dial

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// Dialer connects to public addresses, and to those of AllowPrivate. The zero
// value works. It may be used by many goroutines at once.
type Dialer struct {
	// AllowPrivate opens ranges that are not public, for intranets and tests.
	// An IPv6 address with a zone is in no range.
	AllowPrivate []netip.Prefix
	// Timeout bounds one attempt to connect; 0 leaves it to the context.
	Timeout time.Duration
}

// NotPublicError is the refusal to connect to an address.
type NotPublicError struct {
	Addr   netip.Addr
	Reason string // "loopback", as Why has it
}

func (e *NotPublicError) Error() string {
	return fmt.Sprintf("%s: address is not public (%s)", e.Addr, e.Reason)
}

// Gap tells package check what is missing and why (check.GapOf reads it): nobody
// asked there, and nobody will.
func (e *NotPublicError) Gap() (subject, why string) { return e.Addr.String(), "not-asked" }

// Check returns a *NotPublicError for an address to which d does not connect.
func (d *Dialer) Check(a netip.Addr) error {
	why := Why(a)
	if why == "" {
		return nil
	}
	for _, p := range d.AllowPrivate {
		if p.Contains(a.Unmap()) {
			return nil
		}
	}
	return &NotPublicError{Addr: a, Reason: why}
}

// DialContext connects to "IP:port" over tcp, tcp4 or tcp6. A name instead of
// the IP is refused: whoever resolves it must see all of its addresses. Where
// the address is not public the error holds a *NotPublicError.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	switch network {
	case "tcp", "tcp4", "tcp6":
	default:
		return nil, net.UnknownNetworkError(network)
	}
	if _, err := netip.ParseAddrPort(address); err != nil {
		return nil, &net.AddrError{Err: "want a literal IP and port", Addr: address}
	}
	nd := net.Dialer{
		Timeout:   d.Timeout,
		KeepAlive: -1, // connections here live for seconds
		ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
			ap, err := netip.ParseAddrPort(address)
			if err != nil {
				return err
			}
			return d.Check(ap.Addr())
		},
	}
	return nd.DialContext(ctx, network, address)
}
