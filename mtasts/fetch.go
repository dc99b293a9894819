package mtasts

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/internal/fetch"
)

// MaxPolicy is how much of a policy is read, in octets (RFC 8461, 3.3 suggests
// it as a sender's limit).
const MaxPolicy = 64 << 10

// maxAddrs is how many addresses of the policy's host are tried.
const maxAddrs = 16

// Fetch is what became of one GET of the policy: an HTTP response, or a Failure
// and as much of the response as had come by then.
type Fetch struct {
	URL         string    `json:"url"`
	At          time.Time `json:"at,omitzero"`
	Server      string    `json:"server,omitempty"` // "192.0.2.1:443", the last one tried
	Status      int       `json:"status,omitempty"` // 0: no response
	ContentType string    `json:"content_type,omitempty"`
	Location    string    `json:"location,omitempty"`  // where a redirect points; it was not followed
	Body        string    `json:"body,omitempty"`      // of status 200, at most MaxPolicy octets; U+FFFD for what is not UTF-8
	Truncated   bool      `json:"truncated,omitempty"` // there was more
	Failure     *Failure  `json:"failure,omitempty"`
}

// FailureKind says in which way a Fetch failed.
type FailureKind string

// The first two are the host's own doing, whoever asks; the others may be the
// asker's or the network's.
const (
	FailureCertificate FailureKind = "certificate" // the host's certificate does not verify
	FailureTLS         FailureKind = "tls"         // the host refused the handshake or speaks no TLS
	FailureNetwork     FailureKind = "network"     // no connection, or it broke
	FailureBudget      FailureKind = "budget"      // the time was over
	FailureCanceled    FailureKind = "canceled"    // the caller gave up
	FailureNotDialed   FailureKind = "not-dialed"  // the Dialer refused the address
)

// Failure is why there is no response. It never unwraps to a context's error.
type Failure struct {
	Kind   FailureKind `json:"kind"`
	Detail string      `json:"detail,omitempty"`
}

func (f *Failure) Error() string {
	switch f.Kind {
	case FailureBudget:
		return "the policy had not come when the time was over"
	case FailureCanceled:
		return "the policy was given up"
	}
	return f.Detail
}

// Gap tells package check why the policy is missing (check.GapOf reads it).
func (f *Failure) Gap() (subject, why string) {
	if f.Kind == FailureNotDialed {
		return "", "not-asked"
	}
	return "", "failed"
}

// proven reports that the failure is the host's own.
func (f *Failure) proven() bool { return f.Kind == FailureCertificate || f.Kind == FailureTLS }

// addrs are the addresses that the answers have for the policy's host.
func (f *Facts) addrs() []netip.Addr {
	var addrs []netip.Addr
	for _, reply := range []dnsx.Reply{f.HostA, f.HostAAAA} {
		for _, rr := range reply.Records() {
			if addr, ok := rr.Addr(); ok {
				addrs = append(addrs, addr)
			}
		}
	}
	return addrs
}

// get fetches the policy as a sender does (RFC 8461, 3.3): over verified TLS with
// SNI (7.1), no redirect followed, nothing cached; and here without proxy,
// cookies or compression.
func get(ctx context.Context, o Options, domain string, addrs []netip.Addr) *Fetch {
	now := o.Now
	if now == nil {
		now = time.Now
	}
	f := &Fetch{URL: policyURL(domain), At: now().UTC().Round(0)} // Round: JSON has no monotonic clock
	r := fetch.Request{URL: f.URL, Dialer: o.Dialer, Max: MaxPolicy, TLS: &tls.Config{
		ServerName: policyHost(domain),
		RootCAs:    o.Roots,
		Time:       now,
		NextProtos: []string{"http/1.1"},
		MinVersion: tls.VersionTLS12, // what senders must have (RFC 8461, 7.2)
	}}
	for _, addr := range addrs[:min(len(addrs), maxAddrs)] {
		r.Addrs = append(r.Addrs, netip.AddrPortFrom(addr, 443))
	}
	resp, err := fetch.Get(ctx, r)
	f.Server, f.Status, f.Truncated = resp.Server, resp.Status, resp.Truncated
	f.ContentType = clip(resp.Header.Get("Content-Type"))
	f.Location = clip(resp.Header.Get("Location"))
	f.Body = strings.ToValidUTF8(string(resp.Body), "\uFFFD")
	var failed *fetch.Error
	switch {
	case errors.As(err, &failed) && failed.Stage == fetch.Handshake:
		f.Failure = handshakeFailure(failed.Err)
	case err != nil:
		f.Failure = failureOf(err)
	}
	return f
}

// handshakeFailure tells a host that cannot or will not do TLS for its name from
// a connection that broke.
func handshakeFailure(err error) *Failure {
	var cert *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var op *net.OpError
	switch {
	case errors.As(err, &cert):
		return &Failure{Kind: FailureCertificate, Detail: clip(cert.Err.Error())}
	case errors.As(err, &record),
		errors.As(err, &op) && op.Op == "remote error", // an alert
		strings.HasPrefix(err.Error(), "tls: "):        // what the host chose is not acceptable
		return &Failure{Kind: FailureTLS, Detail: clip(err.Error())}
	}
	return failureOf(err)
}

// failureOf words an error that may have any cause.
func failureOf(err error) *Failure {
	var refusal interface{ Gap() (subject, why string) }
	var op *net.OpError
	f := &Failure{Kind: FailureNetwork, Detail: clip(err.Error())}
	if errors.As(err, &refusal) {
		if _, why := refusal.Gap(); why == "not-asked" {
			f.Kind = FailureNotDialed
			return f
		}
	}
	switch dialing := errors.As(err, &op) && op.Op == "dial"; {
	case errors.Is(err, context.Canceled):
		f.Kind = FailureCanceled
	case errors.Is(err, context.DeadlineExceeded) && !dialing: // connecting has a time of its own
		f.Kind = FailureBudget
	}
	return f
}
