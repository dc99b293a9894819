package tlscert

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/mailcheck-go/mailcheck/dnsx"
)

// Facts are what the hosts of one domain served.
type Facts struct {
	Domain string      `json:"domain"`
	At     time.Time   `json:"at"` // when Discover began
	Hosts  []HostFacts `json:"hosts"`
}

// HostFacts are what one host served at each of its addresses.
type HostFacts struct {
	Name     string   `json:"name"`
	Port     uint16   `json:"port"`
	Protocol Protocol `json:"protocol"`
	Why      string   `json:"why,omitempty"`
	Given    bool     `json:"given,omitempty"`
	// Addrs were named beside the host; A and AAAA were then not asked.
	Addrs     []netip.Addr `json:"addrs,omitempty"`
	A         dnsx.Reply   `json:"a,omitzero"`
	AAAA      dnsx.Reply   `json:"aaaa,omitzero"`
	Limited   bool         `json:"limited,omitempty"` // it has more addresses than MaxAddrs
	Endpoints []Endpoint   `json:"endpoints"`         // sorted by address
}

// MaxAddrs is the number of addresses of a host that are dialled, where there are
// more at least half of it for IPv4 and half for IPv6.
const MaxAddrs = 16

// Protocol is what is spoken before the handshake.
type Protocol string

// HTTPS is TLS from the first octet on.
const HTTPS Protocol = "https"

// Endpoint is one address of a host. Failure says what ended the attempt, and TLS
// what the handshake showed; one of them is there once it was tried.
type Endpoint struct {
	Addr    netip.Addr `json:"addr"`
	Stages  []Stage    `json:"stages,omitempty"` // those that were passed, in order
	Failure *Failure   `json:"failure,omitempty"`
	TLS     *Session   `json:"tls,omitempty"`
}

// Stage is a part of an attempt, and the time it took.
type Stage struct {
	Name StageName     `json:"name"`
	Took time.Duration `json:"took_ns"`
}

// StageName is the word for a Stage.
type StageName string

// The stages, in order.
const (
	Connect   StageName = "connect"   // the TCP connection
	Handshake StageName = "handshake" // TLS, up to the end of the client's part
)

// Session is what a finished handshake showed. Nothing of it was verified.
type Session struct {
	Version     string   `json:"version"`         // "TLS 1.3"
	CipherSuite string   `json:"cipher_suite"`    // the IANA name
	Group       string   `json:"group,omitempty"` // of the key exchange: "X25519MLKEM768"
	ALPN        string   `json:"alpn,omitempty"`  // RFC 7301: "h2"
	Chain       [][]byte `json:"chain"`           // the certificates as DER, in the order in which they came
	OCSP        []byte   `json:"ocsp,omitempty"`  // the stapled response as DER (RFC 6066, 8)
	SCTs        [][]byte `json:"scts,omitempty"`  // those of the TLS extension (RFC 6962, 3.3)
}

// FailureKind says in which way an attempt failed.
type FailureKind string

const (
	KindTimeout     FailureKind = "timeout"     // no answer in the time that the stage had
	KindRefused     FailureKind = "refused"     // nobody listens at the port
	KindUnreachable FailureKind = "unreachable" // the network or the host could not be reached
	KindNoRoute     FailureKind = "no-route"    // this machine has no way to the address's network
	KindClosed      FailureKind = "closed"      // the server ended the connection without a word
	KindNotTLS      FailureKind = "not-tls"     // the server spoke, and it was no TLS
	KindAlert       FailureKind = "alert"       // the server ended the handshake with an alert (RFC 8446, 6)
	KindProtocol    FailureKind = "protocol"    // the handshake broke a rule of TLS, or a certificate could not be read
	KindLimit       FailureKind = "limit"       // the server sent more than MaxHandshake
	KindNotPublic   FailureKind = "not-public"  // the address is not public, and was not dialled
	KindNotAsked    FailureKind = "not-asked"   // nobody was dialled: offline
	KindBudget      FailureKind = "budget"      // the time for the whole job was over first
	KindCanceled    FailureKind = "canceled"    // the caller gave up
	KindNetwork     FailureKind = "network"     // any other error of the network
)

// Failure is what ended an attempt before the handshake was done.
type Failure struct {
	Stage  StageName   `json:"stage"`
	Kind   FailureKind `json:"kind"`
	Detail string      `json:"detail,omitempty"`
}

var failureTexts = map[FailureKind]string{
	KindRefused:     "connection refused",
	KindUnreachable: "unreachable",
	KindNoRoute:     "this machine has no route there",
	KindClosed:      "the server closed the connection during the handshake",
	KindNotTLS:      "the server does not speak TLS",
	KindAlert:       "the server refused the handshake",
	KindLimit:       fmt.Sprintf("the server sent more than %d KB in the handshake", MaxHandshake>>10),
	KindNotPublic:   "the address is not public",
	KindNotAsked:    "nobody was dialled",
	KindBudget:      "the time was over",
	KindCanceled:    "it was given up",
}

// Error says what happened, in words that follow "could not be known: ".
func (f *Failure) Error() string {
	s, ok := failureTexts[f.Kind]
	if !ok {
		stage := "the " + string(f.Stage)
		if f.Stage == Connect {
			stage = "connecting"
		}
		if s = stage + " failed"; f.Kind == KindTimeout {
			s = stage + " timed out"
		}
	}
	if f.Detail != "" {
		s += ": " + f.Detail
	}
	return s
}

// Gap tells package check why the certificate is not known (check.GapOf reads it).
func (f *Failure) Gap() (subject, why string) {
	switch f.Kind {
	case KindNotPublic, KindNotAsked, KindNoRoute:
		return "", "not-asked"
	case KindLimit:
		return "", "limit"
	}
	return "", "failed"
}
