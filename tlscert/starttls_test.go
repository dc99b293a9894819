package tlscert_test

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/tlscert"
)

func TestStartTLS(t *testing.T) {
	tests := []struct {
		name     string
		protocol tlscert.Protocol
		script   script
		greeting string
		offers   []string
		failure  *tlscert.Failure // nil: the handshake was done
	}{
		{
			"SMTP", tlscert.SMTP, `
			S: 220 mx.acme.example ESMTP
			C: EHLO mailcheck.invalid
			S: 250-mx.acme.example greets you
			S: 250-SIZE 10240000
			S: 250 StartTLS
			C: STARTTLS
			S: 220 2.0.0 Ready
			TLS
			C: QUIT`,
			"220 mx.acme.example ESMTP",
			[]string{"SIZE 10240000", "StartTLS"},
			nil,
		},
		{
			"SMTP with a greeting and a consent of several lines", tlscert.SMTP, `
			S: 220-mx.acme.example ESMTP
			S: 220-No spam here.
			S: 220
			C: EHLO mailcheck.invalid
			S: 250-mx.acme.example
			S: 250 STARTTLS
			C: STARTTLS
			S: 220-Ready
			S: 220
			TLS
			C: QUIT`,
			"220-mx.acme.example ESMTP",
			[]string{"STARTTLS"},
			nil,
		},
		{
			"SMTP without STARTTLS", tlscert.SMTP, `
			S: 220 mx.acme.example ESMTP
			C: EHLO mailcheck.invalid
			S: 250-mx.acme.example
			S: 250-XSTARTTLS
			S: 250 PIPELINING
			C: QUIT`,
			"220 mx.acme.example ESMTP",
			[]string{"XSTARTTLS", "PIPELINING"},
			&tlscert.Failure{Stage: tlscert.StartTLS, Kind: tlscert.KindNoStartTLS},
		},
		{
			"SMTP whose name is a keyword", tlscert.SMTP, `
			S: 220 mx.acme.example ESMTP
			C: EHLO mailcheck.invalid
			S: 250 STARTTLS
			C: QUIT`,
			"220 mx.acme.example ESMTP",
			nil,
			&tlscert.Failure{Stage: tlscert.StartTLS, Kind: tlscert.KindNoStartTLS},
		},
		{
			"SMTP without EHLO", tlscert.SMTP, `
			S: 220 mx.acme.example SMTP
			C: EHLO mailcheck.invalid
			S: 502 5.5.1 Not implemented
			C: QUIT`,
			"220 mx.acme.example SMTP",
			nil,
			&tlscert.Failure{Stage: tlscert.StartTLS, Kind: tlscert.KindNoStartTLS, Detail: "502 5.5.1 Not implemented"},
		},
		{
			"SMTP that does not like the name", tlscert.SMTP, `
			S: 220 mx.acme.example ESMTP
			C: EHLO mailcheck.invalid
			S: 550 5.7.1 Who?
			C: QUIT`,
			"220 mx.acme.example ESMTP",
			nil,
			&tlscert.Failure{Stage: tlscert.StartTLS, Kind: tlscert.KindRejected, Detail: "550 5.7.1 Who?"},
		},
		{
			"SMTP that turns away", tlscert.SMTP, `
			S: 554 5.7.1 192.0.2.99 is on a list
			C: QUIT`,
			"554 5.7.1 192.0.2.99 is on a list",
			nil,
			&tlscert.Failure{Stage: tlscert.Greeting, Kind: tlscert.KindRejected, Detail: "554 5.7.1 192.0.2.99 is on a list"},
		},
		{
			"SMTP that has no certificate today", tlscert.SMTP, `
			S: 220 mx.acme.example ESMTP
			C: EHLO mailcheck.invalid
			S: 250-mx.acme.example
			S: 250 STARTTLS
			C: STARTTLS
			S: 454 4.7.0 TLS not available
			C: QUIT`,
			"220 mx.acme.example ESMTP",
			[]string{"STARTTLS"},
			&tlscert.Failure{Stage: tlscert.StartTLS, Kind: tlscert.KindRejected, Detail: "454 4.7.0 TLS not available"},
		},
		{
			"SMTP with an answer before the handshake", tlscert.SMTP, `
			S: 220 mx.acme.example ESMTP
			C: EHLO mailcheck.invalid
			S: 250-mx.acme.example
			S: 250 STARTTLS
			C: STARTTLS
			S: 220 Ready
			S: 250 injected`,
			"220 mx.acme.example ESMTP",
			[]string{"STARTTLS"},
			&tlscert.Failure{Stage: tlscert.StartTLS, Kind: tlscert.KindInjected, Detail: `it sent "250 injected\r\n"`},
		},
		{
			"SMTP of two codes in one reply", tlscert.SMTP, `
			S: 220-mx.acme.example
			S: 250 STARTTLS`,
			"",
			nil,
			&tlscert.Failure{Stage: tlscert.Greeting, Kind: tlscert.KindProtocol, Detail: `it sent "250 STARTTLS"`},
		},
		{
			"no SMTP at all", tlscert.SMTP, `
			S: SSH-2.0-OpenSSH_9.2p1`,
			"",
			nil,
			&tlscert.Failure{Stage: tlscert.Greeting, Kind: tlscert.KindProtocol, Detail: `it sent "SSH-2.0-OpenSSH_9.2p1"`},
		},
		{
			"SMTP that hangs up", tlscert.SMTP, `
			S: 220 mx.acme.example ESMTP
			C: EHLO mailcheck.invalid`,
			"220 mx.acme.example ESMTP",
			nil,
			&tlscert.Failure{Stage: tlscert.StartTLS, Kind: tlscert.KindClosed},
		},
		{
			"SMTP with odd octets", tlscert.SMTP, `
			S: 220 \e\0\rmx
			C: EHLO mailcheck.invalid
			S: 250-mx.acme.example
			S: 250-X\e
			S: 250 STARTTLS
			C: STARTTLS
			S: 220 Ready
			TLS
			C: QUIT`,
			"220 \uFFFD\x00\rmx",
			[]string{"X\uFFFD", "STARTTLS"},
			nil,
		},
		{
			"IMAP", tlscert.IMAP, `
			S: * OK [CAPABILITY IMAP4rev2] ready
			C: a1 CAPABILITY
			S: * CAPABILITY IMAP4rev1 starttls LOGINDISABLED
			S: * 5 EXISTS
			S: A1 is somebody else's tag
			S: a1 OK done`,
			"* OK [CAPABILITY IMAP4rev2] ready",
			nil,
			&tlscert.Failure{Stage: tlscert.StartTLS, Kind: tlscert.KindProtocol, Detail: `it sent "A1 is somebody else's tag"`},
		},
		{
			"IMAP", tlscert.IMAP, `
			S: * OK ready
			C: a1 CAPABILITY
			S: * CAPABILITY IMAP4rev1 starttls LOGINDISABLED
			S: * 5 EXISTS
			S: a1 OK done
			C: a2 STARTTLS
			S: * OK soon
			S: a2 OK begin
			TLS
			C: a3 LOGOUT`,
			"* OK ready",
			[]string{"IMAP4rev1", "starttls", "LOGINDISABLED"},
			nil,
		},
		{
			"IMAP that has logged us in", tlscert.IMAP, `
			S: * PREAUTH welcome
			C: a3 LOGOUT`,
			"* PREAUTH welcome",
			nil,
			&tlscert.Failure{Stage: tlscert.Greeting, Kind: tlscert.KindNoStartTLS, Detail: "* PREAUTH welcome"},
		},
		{
			"IMAP that turns away", tlscert.IMAP, `
			S: * BYE too many
			C: a3 LOGOUT`,
			"* BYE too many",
			nil,
			&tlscert.Failure{Stage: tlscert.Greeting, Kind: tlscert.KindRejected, Detail: "* BYE too many"},
		},
		{
			"IMAP that gives up", tlscert.IMAP, `
			S: * OK ready
			C: a1 CAPABILITY
			S: * BYE shutdown
			C: a3 LOGOUT`,
			"* OK ready",
			nil,
			&tlscert.Failure{Stage: tlscert.StartTLS, Kind: tlscert.KindRejected, Detail: "* BYE shutdown"},
		},
		{
			"IMAP without STARTTLS", tlscert.IMAP, `
			S: * OK ready
			C: a1 CAPABILITY
			S: * CAPABILITY IMAP4rev1
			S: a1 OK done
			C: a3 LOGOUT`,
			"* OK ready",
			[]string{"IMAP4rev1"},
			&tlscert.Failure{Stage: tlscert.StartTLS, Kind: tlscert.KindNoStartTLS},
		},
		{
			"IMAP that refuses", tlscert.IMAP, `
			S: * OK ready
			C: a1 CAPABILITY
			S: * CAPABILITY IMAP4rev1 STARTTLS
			S: a1 OK done
			C: a2 STARTTLS
			S: a2 NO no certificate
			C: a3 LOGOUT`,
			"* OK ready",
			[]string{"IMAP4rev1", "STARTTLS"},
			&tlscert.Failure{Stage: tlscert.StartTLS, Kind: tlscert.KindRejected, Detail: "a2 NO no certificate"},
		},
		{
			"IMAP with an answer before the handshake", tlscert.IMAP, `
			S: * OK ready
			C: a1 CAPABILITY
			S: * CAPABILITY STARTTLS
			S: a1 OK done
			C: a2 STARTTLS
			S: a2 OK begin
			S: * OK injected`,
			"* OK ready",
			[]string{"STARTTLS"},
			&tlscert.Failure{Stage: tlscert.StartTLS, Kind: tlscert.KindInjected, Detail: `it sent "* OK injected\r\n"`},
		},
		{
			"no IMAP at all", tlscert.IMAP, `
			S: +OK ready`,
			"+OK ready",
			nil,
			&tlscert.Failure{Stage: tlscert.Greeting, Kind: tlscert.KindProtocol, Detail: `it sent "+OK ready"`},
		},
		{
			"POP3", tlscert.POP3, `
			S: +OK ready
			C: CAPA
			S: +OK
			S: UIDL
			S: ..ODD
			S: STLS
			S: .
			C: STLS
			S: +OK begin
			TLS
			C: QUIT`,
			"+OK ready",
			[]string{"UIDL", ".ODD", "STLS"},
			nil,
		},
		{
			"POP3 without CAPA", tlscert.POP3, `
			S: +OK ready
			C: CAPA
			S: -ERR what?
			C: QUIT`,
			"+OK ready",
			nil,
			&tlscert.Failure{Stage: tlscert.StartTLS, Kind: tlscert.KindNoStartTLS, Detail: "-ERR what?"},
		},
		{
			"POP3 without STLS", tlscert.POP3, `
			S: +OK ready
			C: CAPA
			S: +OK
			S: UIDL
			S: .
			C: QUIT`,
			"+OK ready",
			[]string{"UIDL"},
			&tlscert.Failure{Stage: tlscert.StartTLS, Kind: tlscert.KindNoStartTLS},
		},
		{
			"POP3 that refuses", tlscert.POP3, `
			S: +OK ready
			C: CAPA
			S: +OK
			S: STLS
			S: .
			C: STLS
			S: -ERR no certificate
			C: QUIT`,
			"+OK ready",
			[]string{"STLS"},
			&tlscert.Failure{Stage: tlscert.StartTLS, Kind: tlscert.KindRejected, Detail: "-ERR no certificate"},
		},
		{
			"POP3 that turns away", tlscert.POP3, `
			S: -ERR too many
			C: QUIT`,
			"-ERR too many",
			nil,
			&tlscert.Failure{Stage: tlscert.Greeting, Kind: tlscert.KindRejected, Detail: "-ERR too many"},
		},
		{
			"POP3 with an answer before the handshake", tlscert.POP3, `
			S: +OK ready
			C: CAPA
			S: +OK
			S: STLS
			S: .
			C: STLS
			S: +OK begin
			S: +OK injected`,
			"+OK ready",
			[]string{"STLS"},
			&tlscert.Failure{Stage: tlscert.StartTLS, Kind: tlscert.KindInjected, Detail: `it sent "+OK injected\r\n"`},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newStage(tt.script)
			e, err := s.prober().Probe(t.Context(), tlscert.Host{Name: "mx.acme.example", Protocol: tt.protocol}, somewhere)
			require.NoError(t, err)
			assert.Empty(t, s.end())

			want := tlscert.Endpoint{Addr: somewhere, Greeting: tt.greeting, Capabilities: tt.offers, Failure: tt.failure, Stages: e.Stages, TLS: e.TLS}
			assert.Equal(t, want, e)
			assert.Equal(t, tt.failure == nil, e.TLS != nil)
			passed := []tlscert.StageName{tlscert.Connect, tlscert.Greeting, tlscert.StartTLS, tlscert.Handshake}
			if tt.failure != nil {
				passed = passed[:indexOf(passed, tt.failure.Stage)]
			} else {
				assert.Empty(t, e.TLS.ALPN, "mail has none")
				assert.Equal(t, s.config.Certificates[0].Certificate, e.TLS.Chain)
			}
			assert.Equal(t, passed, names(e.Stages))

			data, err := json.Marshal(e)
			require.NoError(t, err)
			var again tlscert.Endpoint
			require.NoError(t, json.Unmarshal(data, &again))
			assert.Equal(t, e, again, "facts hold what was sent in a form that JSON keeps")
		})
	}
}

func indexOf(all []tlscert.StageName, name tlscert.StageName) int {
	for i, s := range all {
		if s == name {
			return i
		}
	}
	return -1
}

func TestEHLOName(t *testing.T) {
	s := newStage("S: 220 hi\nC: EHLO checker.acme.example\nS: 250 mx\nC: QUIT")
	p := s.prober()
	p.EHLO = "checker.acme.example"
	_, err := p.Probe(t.Context(), tlscert.Host{Name: "mx.acme.example", Port: 25}, somewhere)
	require.NoError(t, err)
	assert.Empty(t, s.end())
}

// TestHostile: whatever a server does, an attempt ends after the time of a stage, or
// sooner, and holds little.
func TestHostile(t *testing.T) {
	const (
		greet  = "S: 220 mx\nC: EHLO mailcheck.invalid\n"
		agreed = greet + "S: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\n"
		imap   = "S: * OK hi\nC: a1 CAPABILITY\n"
		pop3   = "S: +OK hi\nC: CAPA\nS: +OK\n"
	)
	tests := []struct {
		name     string
		protocol tlscert.Protocol
		script   script
		stage    tlscert.StageName
		kind     tlscert.FailureKind
	}{
		{"no greeting", tlscert.SMTP, "SILENT", tlscert.Greeting, tlscert.KindTimeout},
		{"no greeting", tlscert.IMAP, "SILENT", tlscert.Greeting, tlscert.KindTimeout},
		{"no greeting", tlscert.POP3, "SILENT", tlscert.Greeting, tlscert.KindTimeout},
		{"a greeting octet by octet", tlscert.SMTP, "DRIP: 220-mx ", tlscert.Greeting, tlscert.KindTimeout},
		{"a greeting line by line", tlscert.SMTP, `DRIP: 220-\n`, tlscert.Greeting, tlscert.KindTimeout},
		{"a greeting without end", tlscert.SMTP, `FLOOD: 220-mx\r\n`, tlscert.Greeting, tlscert.KindLimit},
		{"a line without end", tlscert.SMTP, "FLOOD: 220-mx ", tlscert.Greeting, tlscert.KindLimit},
		{"a line without end", tlscert.IMAP, "FLOOD: * OK ", tlscert.Greeting, tlscert.KindLimit},
		{"a line without end", tlscert.POP3, "FLOOD: +OK ", tlscert.Greeting, tlscert.KindLimit},
		{"no answer to EHLO", tlscert.SMTP, greet + "SILENT", tlscert.StartTLS, tlscert.KindTimeout},
		{"an answer to EHLO without end", tlscert.SMTP, greet + `FLOOD: 250-X\r\n`, tlscert.StartTLS, tlscert.KindLimit},
		{"long answers to EHLO without end", tlscert.SMTP, greet + "FLOOD: 250-" + script(strings.Repeat("x", 4000)) + `\r\n`, tlscert.StartTLS, tlscert.KindLimit},
		{"an answer to EHLO octet by octet", tlscert.SMTP, greet + "DRIP: 250-X ", tlscert.StartTLS, tlscert.KindTimeout},
		{"no answer to STARTTLS", tlscert.SMTP, greet + "S: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\nSILENT", tlscert.StartTLS, tlscert.KindTimeout},
		{"capabilities without end", tlscert.IMAP, imap + `FLOOD: * CAPABILITY X\r\n`, tlscert.StartTLS, tlscert.KindLimit},
		{"capabilities without end", tlscert.POP3, pop3 + `FLOOD: X\r\n`, tlscert.StartTLS, tlscert.KindLimit},
		{"no hello", tlscert.SMTP, agreed + "SILENT", tlscert.Handshake, tlscert.KindTimeout},
		{"no hello", tlscert.HTTPS, "SILENT", tlscert.Handshake, tlscert.KindTimeout},
		{"a hello octet by octet", tlscert.HTTPS, "DRIP: \x16", tlscert.Handshake, tlscert.KindTimeout},
		{"half a hello", tlscert.SMTP, agreed + "STALL", tlscert.Handshake, tlscert.KindTimeout},
		{"half a hello", tlscert.HTTPS, "STALL", tlscert.Handshake, tlscert.KindTimeout},
		{"text after the consent", tlscert.SMTP, agreed + "DEAF\nS: 250 late\nSILENT", tlscert.Handshake, tlscert.KindNotTLS},
		{"HTTP in the clear", tlscert.HTTPS, "DEAF\nS: HTTP/1.1 400 Bad Request\nSILENT", tlscert.Handshake, tlscert.KindNotTLS},
		{"garbage without end", tlscert.HTTPS, "DEAF\nFLOOD: " + script(strings.Repeat("garbage!", 512)), tlscert.Handshake, tlscert.KindNotTLS},
		{"empty records without end", tlscert.HTTPS, "DEAF\nFLOOD: \x16\x03\x03" + `\0\0`, tlscert.Handshake, tlscert.KindProtocol},
		{"warnings without end", tlscert.HTTPS, "DEAF\nFLOOD: \x15\x03\x03" + `\0` + "\x02\x01\x5a", tlscert.Handshake, tlscert.KindProtocol},
		{"a message of 60 KB without end", tlscert.HTTPS, "DEAF\nFLOOD: \x16\x03\x03\x40" + `\0` + "\x02" + `\0` + "\xf0" + `\0` + script(strings.Repeat("x", 16380)), tlscert.Handshake, tlscert.KindProtocol},
	}
	for _, tt := range tests {
		t.Run(string(tt.protocol)+" "+tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(tt.script)
				start := time.Now()
				e, err := s.prober().Probe(t.Context(), tlscert.Host{Name: "mx.acme.example", Protocol: tt.protocol}, somewhere)
				require.NoError(t, err)
				took := time.Since(start)
				s.end()
				require.NotNil(t, e.Failure)
				assert.Equal(t, tt.stage, e.Failure.Stage)
				assert.Equal(t, tt.kind, e.Failure.Kind, e.Failure.Detail)
				if tt.kind == tlscert.KindTimeout {
					assert.Equal(t, stageTime, took, "all stages before it took no time")
				} else {
					assert.Less(t, took, stageTime)
				}
				data, err := json.Marshal(e)
				require.NoError(t, err)
				assert.Less(t, len(data), 8<<10)
			})
		})
	}
}

// TestStagesHaveTheirOwnTime: a server that is slow everywhere is waited for longer
// than one stage may take.
func TestStagesHaveTheirOwnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage("S: 220 mx\nC: EHLO mailcheck.invalid\nS: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\nTLS\nC: QUIT")
		p := s.prober()
		const delay = 40 * time.Second // three times that is more than a stage may take
		p.Dialer = slow{s, delay}
		start := time.Now()
		e, err := p.Probe(t.Context(), tlscert.Host{Name: "mx.acme.example", Port: 25}, somewhere)
		require.NoError(t, err)
		assert.Nil(t, e.Failure)
		assert.Greater(t, time.Since(start), stageTime)
		for _, s := range e.Stages {
			assert.GreaterOrEqual(t, s.Took, delay, s.Name)
		}
		s.end()
	})
}
