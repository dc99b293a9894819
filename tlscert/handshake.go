package tlscert

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/internal/dial"
)

// MaxHandshake is the number of octets that a server may send until its handshake
// is done. A chain of four certificates takes some 6 KB.
const MaxHandshake = 100 << 10

// handshake shakes hands. What the server showed stands in c.e.TLS even where the
// handshake then failed.
func (c *call) handshake(f form) (*tls.Conn, error) {
	kept, _ := c.kept.Get().(*[]byte)
	if kept == nil {
		kept = new([]byte)
	}
	c.conn.left, c.conn.kept = MaxHandshake, kept
	config, secret := clientConfig(c.t, f), new(keyLog)
	config.KeyLogWriter = secret
	client := tls.Client(c.conn, config)
	err := c.stage(Handshake, client.Handshake)
	state := client.ConnectionState()
	chain := make([][]byte, 0, len(state.PeerCertificates))
	for _, cert := range state.PeerCertificates {
		chain = append(chain, cert.Raw)
	}
	if err != nil && len(chain) == 0 {
		chain = unread(*kept, secret.secret)
	}
	c.conn.kept, *kept = nil, (*kept)[:0]
	c.kept.Put(kept)
	if err == nil || len(chain) > 0 {
		c.e.TLS = session(state, chain)
	}
	return client, err
}

// clientConfig offers all that crypto/tls can, so that an old server too shows
// its certificate, and verifies nothing: that is judged later, from the facts.
func clientConfig(t *target, f form) *tls.Config {
	c := &tls.Config{
		ServerName:         t.sni(), // crypto/tls sends no IP address
		InsecureSkipVerify: true,
		MinVersion:         tls.VersionTLS10,
		CipherSuites:       allSuites,
	}
	switch {
	case t.Protocol != HTTPS:
	case t.HTTP: // see head
		c.NextProtos = []string{"http/1.1"}
	default:
		c.NextProtos = []string{"h2", "http/1.1"}
	}
	if f.version != 0 {
		c.MinVersion, c.MaxVersion = f.version, f.version
	}
	if f.weak {
		c.CipherSuites, c.MaxVersion = weakSuites, tls.VersionTLS12 // suites of TLS 1.3 are no choice, nor weak
	}
	if f.noSNI {
		c.ServerName = ""
	}
	return c
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

// session is what stands fixed of a handshake, all of it where that was finished.
func session(s tls.ConnectionState, chain [][]byte) *Session {
	t := &Session{
		ALPN:  s.NegotiatedProtocol,
		Chain: chain,
		OCSP:  s.OCSPResponse,
		SCTs:  s.SignedCertificateTimestamps,
	}
	if s.Version != 0 {
		t.Version = tls.VersionName(s.Version)
	}
	if s.CipherSuite != 0 {
		t.CipherSuite = tls.CipherSuiteName(s.CipherSuite)
	}
	if s.CurveID != 0 {
		t.Group = s.CurveID.String()
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
		said      *wrong
		refused   *dial.NotPublicError
		teller    gapTeller
		timeout   interface{ Timeout() bool }
		notTLS    tls.RecordHeaderError
		operation *net.OpError
		errno     syscall.Errno
	)
	switch {
	case errors.As(err, &said):
		f.Kind, f.Detail = said.kind, said.detail
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
	case stage == Handshake, stage != Connect && operation == nil:
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

var errTooLong = errors.New("tlscert: the server sent more than it may")

// limitedConn is a connection that gives no more than left octets, and may keep them.
type limitedConn struct {
	net.Conn
	left int
	kept *[]byte // nil: nothing is
}

func (c *limitedConn) Read(b []byte) (int, error) {
	if c.left <= 0 {
		return 0, errTooLong
	}
	n, err := c.Conn.Read(b[:min(len(b), c.left)])
	c.left -= n
	if c.kept != nil {
		*c.kept = append(*c.kept, b[:n]...)
	}
	return n, err
}
