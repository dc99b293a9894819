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
	// Fetched is what the certificates themselves point to, each URL once: the
	// issuers that chains lack, CRLs, OCSP responses and renewal information.
	Fetched []Fetched `json:"fetched,omitempty"`
}

// HostFacts are what one host served at each of its addresses.
type HostFacts struct {
	Name     string   `json:"name"`
	Port     uint16   `json:"port"`
	Protocol Protocol `json:"protocol"`
	// ServerName is what was asked for in the handshake (SNI, RFC 6066, 3) and what
	// the certificate has to be valid for, where that is not Name.
	ServerName string `json:"server_name,omitempty"`
	Why        string `json:"why,omitempty"`
	Given      bool   `json:"given,omitempty"`
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

// The protocols.
const (
	HTTPS Protocol = "https" // TLS from the first octet on, then HTTP
	TLS   Protocol = "tls"   // TLS from the first octet on, then anything
	SMTP  Protocol = "smtp"  // STARTTLS (RFC 3207)
	IMAP  Protocol = "imap"  // STARTTLS (RFC 9051, 6.2.1)
	POP3  Protocol = "pop3"  // STLS (RFC 2595, 4)
)

// Endpoint is one address of a host. Failure says what ended the attempt, and TLS
// what the handshake showed; one of them is there once it was tried, and both where the
// handshake failed after the server had shown its certificates.
type Endpoint struct {
	Addr   netip.Addr `json:"addr"`
	Stages []Stage    `json:"stages,omitempty"` // those that were passed, in order
	// Greeting is the first line of a server that speaks first, and Capabilities what
	// it offered before the handshake: the keywords of EHLO, CAPABILITY or CAPA.
	Greeting     string   `json:"greeting,omitempty"`
	Capabilities []string `json:"capabilities,omitempty"`
	Failure      *Failure `json:"failure,omitempty"`
	TLS          *Session `json:"tls,omitempty"`
	// HTTP is the answer to HEAD / on the same connection, where it was wanted.
	HTTP *HTTPAnswer `json:"http,omitempty"`
	// Tries are further handshakes that Options.Deep asks for.
	Tries []Try `json:"tries,omitempty"`
}

// HTTPAnswer is the head of an HTTP response. A redirect was not followed.
type HTTPAnswer struct {
	Status   int      `json:"status,omitempty"` // 0: no response, and Failure says why
	Location string   `json:"location,omitempty"`
	HSTS     string   `json:"hsts,omitempty"` // Strict-Transport-Security (RFC 6797, 6.1)
	Failure  *Failure `json:"failure,omitempty"`
}

// Try is one more handshake with an endpoint, of another form than the first.
type Try struct {
	Version    string   `json:"version,omitempty"`     // the only one that was offered: "TLS 1.0"
	WeakSuites bool     `json:"weak_suites,omitempty"` // no suites but those of RC4 and 3DES were offered
	NoSNI      bool     `json:"no_sni,omitempty"`      // no server name was sent
	Failure    *Failure `json:"failure,omitempty"`
	TLS        *Session `json:"tls,omitempty"`
}

// FetchKind is what a certificate points to.
type FetchKind string

// The kinds of Fetched.
const (
	FetchIssuer    FetchKind = "issuer"       // caIssuers (RFC 5280, 4.2.2.1)
	FetchCRL       FetchKind = "crl"          // CRL distribution point (RFC 5280, 4.2.1.13)
	FetchOCSP      FetchKind = "ocsp"         // OCSP over GET (RFC 6960, A.1)
	FetchDirectory FetchKind = "directory"    // of an ACME server (RFC 8555, 7.1.1)
	FetchRenewal   FetchKind = "renewal-info" // RFC 9773, 4.1
)

// Fetched is what became of one GET.
type Fetched struct {
	Kind FetchKind `json:"kind"`
	URL  string    `json:"url"`
	At   time.Time `json:"at"`
	// Status is that of the last response; 0: there was none, and Failure says why.
	Status     int      `json:"status,omitempty"`
	RetryAfter string   `json:"retry_after,omitempty"` // RFC 9110, 10.2.3
	Body       []byte   `json:"body,omitempty"`        // of status 200
	Failure    *Failure `json:"failure,omitempty"`
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
	Greeting  StageName = "greeting"  // what a server says that speaks first
	StartTLS  StageName = "starttls"  // what it offers, and its consent to TLS
	Handshake StageName = "handshake" // TLS, up to the end of the client's part
	Request   StageName = "request"   // HTTP
)

// Session is what a handshake showed. Nothing of it was verified. Of one that failed
// half-way there is the chain, and what else was settled by then.
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
	KindProtocol    FailureKind = "protocol"    // what came is not what the protocol of the stage wants, or a certificate could not be read
	KindNoStartTLS  FailureKind = "no-starttls" // the server offers no STARTTLS
	KindRejected    FailureKind = "rejected"    // the server refused in words of its protocol
	KindInjected    FailureKind = "injected"    // octets came between the consent to TLS and the handshake (CVE-2011-0411)
	KindLimit       FailureKind = "limit"       // the server sent more than it may
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
	KindClosed:      "the server closed the connection",
	KindNotTLS:      "the server does not speak TLS",
	KindAlert:       "the server refused the handshake",
	KindNoStartTLS:  "the server does not offer STARTTLS",
	KindRejected:    "the server refused",
	KindInjected:    "the server sent more before the handshake",
	KindLimit:       "the server sent more than it may",
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
	switch {
	case f.Kind == KindLimit && f.Stage == Handshake:
		s = fmt.Sprintf("the server sent more than %d KB in the handshake", MaxHandshake>>10)
	case f.Kind == KindClosed && f.Stage == Handshake:
		s += " during the handshake"
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
