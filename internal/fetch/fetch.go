// Package fetch gets one URL over HTTP whose host stands in somebody else's data:
// the policy of a domain, a revocation list that a certificate names.
//
// Whoever calls it has resolved the host, and names the dialer that guards the
// addresses. A request goes out once, on a connection of its own, without proxy,
// cookies or compression; no redirect is followed, and what comes back is bounded.
package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// maxHeader bounds the head of a response, in octets.
const maxHeader = 64 << 10

// UserAgent is what every request says of its sender.
const UserAgent = "mailcheck (+https://github.com/mailcheck-go/mailcheck)"

// Dialer opens a connection; the address is always an IP and a port.
type Dialer interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// Request says what is to be got, and where.
type Request struct {
	URL    string
	Addrs  []netip.AddrPort // of its host; the first that accepts is asked
	Dialer Dialer
	TLS    *tls.Config // nil: plain HTTP
	Accept string      // media types; none if empty
	Max    int         // octets of the body that are read
}

// Response is what came back, as far as it did.
type Response struct {
	Server    string // "192.0.2.1:443", the last one tried
	Status    int    // 0: no response
	Header    http.Header
	Body      []byte // of status 200, at most Request.Max octets
	Truncated bool   // there was more
}

// Stage is a part of a request.
type Stage uint8

// The stages, in order.
const (
	Connect Stage = iota
	Handshake
	Exchange // of the request and the response
)

// Error says in which stage a request failed. Its text is that of Err.
type Error struct {
	Stage Stage
	Err   error
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// Get sends the request. Beside an error comes as much of the response as there was;
// the error is an *Error.
func Get(ctx context.Context, r Request) (Response, error) {
	var resp Response
	conn, err := resp.dial(ctx, r)
	if err != nil {
		return resp, &Error{Connect, err}
	}
	defer conn.Close()
	if r.TLS != nil {
		secure := tls.Client(conn, r.TLS)
		if err := secure.HandshakeContext(ctx); err != nil {
			return resp, &Error{Handshake, err}
		}
		conn = secure
	}
	if err := resp.get(ctx, conn, r); err != nil {
		return resp, &Error{Exchange, err}
	}
	return resp, nil
}

// dial takes the first address that accepts. Each gets its share of the time
// that is left, so that a silent one leaves some for the next.
func (resp *Response) dial(ctx context.Context, r Request) (net.Conn, error) {
	var errs []error
	for i, addr := range r.Addrs {
		resp.Server = addr.String()
		attempt, cancel := ctx, context.CancelFunc(func() {})
		if deadline, ok := ctx.Deadline(); ok {
			attempt, cancel = context.WithTimeout(ctx, time.Until(deadline)/time.Duration(len(r.Addrs)-i))
		}
		conn, err := r.Dialer.DialContext(attempt, "tcp", resp.Server)
		cancel()
		if err == nil {
			return conn, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// get asks on a connection of its own.
func (resp *Response) get(ctx context.Context, conn net.Conn, r Request) error {
	dial := func(context.Context, string, string) (net.Conn, error) { return conn, nil }
	client := http.Client{
		Transport: &http.Transport{
			DialContext:            dial,
			DialTLSContext:         dial,
			DisableKeepAlives:      true,
			DisableCompression:     true,
			MaxResponseHeaderBytes: maxHeader,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.URL, nil)
	if err != nil {
		return err
	}
	req.Header.Set("User-Agent", UserAgent)
	if r.Accept != "" {
		req.Header.Set("Accept", r.Accept)
	}
	answer, err := client.Do(req)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	resp.Status, resp.Header = answer.StatusCode, answer.Header
	if resp.Status != http.StatusOK {
		return nil
	}
	resp.Body, err = io.ReadAll(io.LimitReader(answer.Body, int64(r.Max)+1))
	if resp.Truncated = len(resp.Body) > r.Max; resp.Truncated {
		resp.Body = resp.Body[:r.Max]
	}
	return err
}
