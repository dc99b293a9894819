package tlscert

import (
	"context"
	"crypto/tls"
	"net/netip"
	"slices"
)

// form is how a handshake differs from the usual one.
type form struct {
	version uint16 // the only one that is offered; 0: all
	weak    bool   // no other suites than those of weakSuites
	noSNI   bool
}

// furtherForms are the handshakes of Options.Deep.
var furtherForms = []form{{version: tls.VersionTLS10}, {version: tls.VersionTLS11}, {weak: true}, {noSNI: true}}

// worthMore reports whether a server spoke TLS: one that does not, or stays silent,
// will not say more to another form of the same question.
func worthMore(e *Endpoint) bool {
	if e.Failure == nil || e.TLS != nil {
		return true
	}
	return e.Failure.Stage == Handshake && slices.Contains([]FailureKind{KindAlert, KindProtocol, KindClosed}, e.Failure.Kind)
}

// further tries the other forms, one connection after the other.
func (p *Prober) further(ctx context.Context, t *target, e *Endpoint) {
	plain := *t
	plain.page = nil
	for _, f := range furtherForms {
		if _, err := netip.ParseAddr(t.sni()); f.noSNI && err == nil {
			continue // no server name was sent in the first place
		}
		var other Endpoint
		p.attempt(ctx, &plain, f, &other)
		try := Try{WeakSuites: f.weak, NoSNI: f.noSNI, Failure: other.Failure, TLS: other.TLS}
		if f.version != 0 {
			try.Version = tls.VersionName(f.version)
		}
		e.Tries = append(e.Tries, try)
	}
}

// weakSuites are those of RC4 (RFC 7465) and of 3DES (RFC 9325, 4.1: less than 128
// bits of security) that crypto/tls knows.
var weakSuites = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_RC4_128_SHA, tls.TLS_ECDHE_RSA_WITH_RC4_128_SHA, tls.TLS_RSA_WITH_RC4_128_SHA,
	tls.TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA, tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA,
}
