package tlscert

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/internal/dial"
)

// MaxHandshake is the number of octets that a server may send until its handshake
// is done. A chain of four certificates takes some 6 KB.
const MaxHandshake = 100 << 10

// probe connects to e.Addr and shakes hands. What it saw stands in e.
func (p *prober) probe(ctx context.Context, h *HostFacts, e *Endpoint) {
	dialer := p.open
	if !h.Given {
		var refused *dial.NotPublicError
		if errors.As(p.guard.Check(e.Addr), &refused) {
			e.Failure = &Failure{Stage: Connect, Kind: KindNotPublic, Detail: refused.Reason}
			return
		}
		dialer = p.guarded
	}
	conn, err := p.connect(ctx, dialer, netip.AddrPortFrom(e.Addr, h.Port), e)
	if err != nil {
		e.Failure = failure(ctx, Connect, err)
		return
	}
	defer conn.Close()
	limited := &limitedConn{Conn: conn, left: MaxHandshake}
	if err := p.handshake(ctx, limited, h.Name, e); err != nil {
		e.Failure = failure(ctx, Handshake, err)
	}
}

// stage runs one part of an attempt in the time that it has.
func (p *prober) stage(ctx context.Context, name StageName, e *Endpoint, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	start := time.Now()
	if err := do(ctx); err != nil {
		return err
	}
	e.Stages = append(e.Stages, Stage{Name: name, Took: time.Since(start)})
	return nil
}

func (p *prober) connect(ctx context.Context, dialer Dialer, to netip.AddrPort, e *Endpoint) (conn net.Conn, err error) {
	err = p.stage(ctx, Connect, e, func(ctx context.Context) error {
		conn, err = dialer.DialContext(ctx, "tcp", to.String())
		return err
	})
	return conn, err
}

func (p *prober) handshake(ctx context.Context, conn net.Conn, name string, e *Endpoint) error {
	return p.stage(ctx, Handshake, e, func(ctx context.Context) error {
		client := tls.Client(conn, clientConfig(name))
		if err := client.HandshakeContext(ctx); err != nil {
			return err
		}
		e.TLS = session(client.ConnectionState())
		return nil
	})
}

// clientConfig offers all that crypto/tls can, so that an old server too shows
// its certificate, and verifies nothing: that is judged later, from the facts.
func clientConfig(name string) *tls.Config {
	return &tls.Config{
		ServerName:         name,
		InsecureSkipVerify: true,
		MinVersion:         tls.VersionTLS10,
		CipherSuites:       allSuites,
		NextProtos:         []string{"h2", "http/1.1"},
	}
}

var allSuites = func() (ids []uint16) {
	for _, s := range tls.CipherSuites() {
		ids = append(ids, s.ID)
	}
	for _, s := range tls.InsecureCipherSuites() {
		ids = append(ids, s.ID)
	}
	return ids
}()

func session(s tls.ConnectionState) *Session {
	t := &Session{
		Version:     tls.VersionName(s.Version),
		CipherSuite: tls.CipherSuiteName(s.CipherSuite),
		ALPN:        s.NegotiatedProtocol,
		OCSP:        s.OCSPResponse,
		SCTs:        s.SignedCertificateTimestamps,
	}
	if s.CurveID != 0 {
		t.Group = s.CurveID.String()
	}
	for _, cert := range s.PeerCertificates {
		t.Chain = append(t.Chain, cert.Raw)
	}
	return t
}

// failure puts an error of one stage into the words of facts. ctx is that of the
// whole job.
func failure(ctx context.Context, stage StageName, err error) *Failure {
	f := &Failure{Stage: stage, Kind: KindNetwork}
	switch ctx.Err() {
	case context.Canceled:
		f.Kind = KindCanceled
		return f
	case context.DeadlineExceeded:
		f.Kind = KindBudget
		return f
	}
	var (
		refused   *dial.NotPublicError
		teller    gapTeller
		timeout   interface{ Timeout() bool }
		notTLS    tls.RecordHeaderError
		operation *net.OpError
		errno     syscall.Errno
	)
	switch {
	case errors.As(err, &refused):
		f.Kind, f.Detail = KindNotPublic, refused.Reason
	case errors.As(err, &teller) && notAsked(teller):
		f.Kind, f.Detail = KindNotAsked, clean(err)
	case errors.Is(err, errTooLong):
		f.Kind = KindLimit
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		f.Kind = KindTimeout
	case errors.As(err, &notTLS):
		f.Kind, f.Detail = KindNotTLS, fmt.Sprintf("it sent %q", notTLS.RecordHeader)
	case errors.As(err, &operation) && operation.Op == "remote error":
		f.Kind, f.Detail = KindAlert, clean(operation.Err)
	case errors.As(err, &errno) && errnoKinds[errno] != "":
		f.Kind = errnoKinds[errno]
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		f.Kind = KindClosed
	case stage == Handshake:
		f.Kind, f.Detail = KindProtocol, clean(err)
	default:
		f.Detail = clean(err)
	}
	return f
}

// gapTeller is an error that says itself what it leaves unknown; see check.GapOf.
type gapTeller interface{ Gap() (subject, why string) }

func notAsked(err gapTeller) bool {
	_, why := err.Gap()
	return why == string(check.NotAsked)
}

// errnoKinds has the numbers of Windows Sockets beside those of the system that
// the program is built for: package syscall does not map them.
var errnoKinds = map[syscall.Errno]FailureKind{
	syscall.ECONNREFUSED: KindRefused, 10061: KindRefused,
	syscall.EHOSTUNREACH: KindUnreachable, 10065: KindUnreachable,
	syscall.ENETUNREACH: KindNoRoute, 10051: KindNoRoute,
	syscall.EADDRNOTAVAIL: KindNoRoute, 10049: KindNoRoute,
	syscall.EAFNOSUPPORT: KindNoRoute, 10047: KindNoRoute,
	syscall.ECONNRESET: KindClosed, 10054: KindClosed,
	syscall.EPIPE: KindClosed, syscall.ETIMEDOUT: KindTimeout, 10060: KindTimeout,
}

// clean is an error's text for people: without the prefix of the package, and cut.
func clean(err error) string { return clip(strings.TrimPrefix(err.Error(), "tls: "), 300) }

// clip cuts a text that somebody else chose to so many octets.
func clip(s string, most int) string {
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

var errTooLong = errors.New("tlscert: the handshake is too long")

// limitedConn is a connection that gives no more than left octets.
type limitedConn struct {
	net.Conn
	left int
}

func (c *limitedConn) Read(b []byte) (int, error) {
	if c.left <= 0 {
		return 0, errTooLong
	}
	n, err := c.Conn.Read(b[:min(len(b), c.left)])
	c.left -= n
	return n, err
}
