package tlscert

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/mailcheck-go/mailcheck/check"
)

// oldVersions are those that nobody may offer any more (RFC 8996, 4 and 5).
var oldVersions = []string{"TLS 1.0", "TLS 1.1"}

func (j *judge) tlsVersionOld() check.Rule[*Analysis] {
	return j.among(noRelay).hostRule(check.Doc{
		ID:       "tls.version-old",
		Severity: check.Medium,
		Title:    "Server accepts TLS 1.0 or 1.1",
		Text: "Both rest on SHA-1 and on ciphers that are broken, and are forbidden since 2021. Current clients do not use them; somebody in between gains by every version that a server still takes. " +
			"A server that speaks better shows this only in handshakes of its own, which are made on request.",
		Fix:  "Allow TLS 1.2 and 1.3 only.",
		Cite: []check.Cite{check.RFC(8996, "4"), check.RFC(8996, "5"), check.RFC(9325, "3.1.1")},
	}, handshaken, oldVersion)
}

// oldVersion says which old versions a host accepts.
func oldVersion(h *Served, _ time.Time) (found []check.Finding, gaps []check.Gap) {
	for _, version := range oldVersions {
		var by sessions
		for i := range h.endpoints {
			e := &h.endpoints[i]
			switch {
			case !e.spoke():
			case e.TLS != nil && e.TLS.Version == version:
				by.add(e, e.TLS)
			default:
				s, gap := h.tried(e, version+" of ", func(t *Try) bool { return t.Version == version })
				gaps = append(gaps, gap...)
				by.add(e, s)
			}
		}
		if len(by.addrs) > 0 {
			found = append(found, by.finding(h, check.Textf("%s accepts %s", where(by.addrs, h.Seen), version)))
		}
	}
	return found, gaps
}

// spoke reports whether a server showed a certificate in any handshake.
func (e *Endpoint) spoke() bool {
	return e.TLS != nil || slices.ContainsFunc(e.Tries, func(t Try) bool { return t.TLS != nil })
}

// handshaken reports whether a server of the host showed a certificate in any handshake.
func handshaken(h *Served) bool {
	return slices.ContainsFunc(h.endpoints, func(e Endpoint) bool { return e.spoke() })
}

// sessions are handshakes with some addresses of a host that show the same.
type sessions struct {
	addrs []netip.Addr
	first *Session
}

// add takes a session, or nil for none.
func (s *sessions) add(e *Endpoint, t *Session) {
	switch {
	case t == nil || slices.Contains(s.addrs, e.Addr):
		return
	case s.first == nil:
		s.first = t
	}
	s.addrs = append(s.addrs, e.Addr)
}

func (s *sessions) finding(h *Served, detail check.Text) check.Finding {
	return check.Finding{
		Subject: h.String(), Detail: detail,
		Evidence: []check.Evidence{{Source: h.at(s.addrs[0]), Text: s.first.describe()}},
	}
}

// tried returns what a further handshake of one form showed, nil where the server
// refused it. The gap says why that is not known.
func (h *Served) tried(e *Endpoint, what string, form func(*Try) bool) (*Session, []check.Gap) {
	for i := range e.Tries {
		t := &e.Tries[i]
		switch {
		case !form(t) || t.TLS == nil && t.Failure == nil:
		case t.TLS != nil:
			return t.TLS, nil
		case refused(t.Failure):
			return nil, nil
		default:
			return nil, []check.Gap{check.GapOf(what+h.at(e.Addr), t.Failure)}
		}
	}
	if len(e.Tries) == 0 { // one gap for all forms: nobody wanted them
		what = "a further handshake with "
	}
	return nil, []check.Gap{{Subject: what + h.String(), Why: check.NotAsked}}
}

// refused reports whether a server answered to what it was offered, and said no.
func refused(f *Failure) bool {
	return f.Stage == Handshake && (f.Kind == KindAlert || f.Kind == KindClosed || f.Kind == KindProtocol || f.Kind == KindNotTLS)
}

// describe is a session as evidence.
func (s *Session) describe() string {
	parts := []string{"negotiated " + clip(s.Version, maxName), clip(s.CipherSuite, maxName)}
	if s.Group != "" {
		parts = append(parts, clip(s.Group, maxName))
	}
	return strings.Join(parts, ", ")
}

func (j *judge) tlsNo13() check.Rule[*Analysis] {
	return j.among(noRelay).hostRule(check.Doc{
		ID:       "tls.no-13",
		Severity: check.Info,
		Title:    "Server has no TLS 1.3",
		Text:     "TLS 1.2 is safe when it is set up with care. 1.3 leaves nothing to set up wrongly, saves a round trip and hides the certificate from onlookers; the key exchanges that withstand quantum computers need it.",
		Cite:     []check.Cite{check.RFC(9325, "3.1.1")},
	}, showed, without13)
}

// without13 finds the addresses that chose an older version although 1.3 was offered.
func without13(h *Served, _ time.Time) ([]check.Finding, []check.Gap) {
	var by sessions
	for i := range h.endpoints {
		if e := &h.endpoints[i]; e.TLS != nil && e.Failure == nil && e.TLS.Version != "TLS 1.3" {
			by.add(e, e.TLS)
		}
	}
	if len(by.addrs) == 0 {
		return nil, nil
	}
	return []check.Finding{by.finding(h, check.Textf("%s chose %s although TLS 1.3 was offered", where(by.addrs, h.Seen), clip(by.first.Version, maxName)))}, nil
}

func (j *judge) tlsWeakCipher() check.Rule[*Analysis] {
	return j.among(served).hostRule(check.Doc{
		ID:       "tls.weak-cipher",
		Severity: check.Medium,
		Title:    "Server accepts a weak cipher suite",
		Text: "NULL, export-grade, RC4 and DES suites keep nothing secret; 3DES (low) falls to whoever records much of one connection, and without an ephemeral key exchange (low) whoever gets the key later reads what was recorded before. " +
			"What a server takes beside its first choice shows only in handshakes of its own, which are made on request.",
		Fix:  "Allow suites with ECDHE and AES-GCM or ChaCha20-Poly1305 only.",
		Cite: []check.Cite{check.RFC(9325, "4.1"), check.RFC(9325, "4.2")},
	}, handshaken, weakCipher)
}

func weakCipher(h *Served, _ time.Time) (found []check.Finding, gaps []check.Gap) {
	suites := map[string]*sessions{}
	add := func(e *Endpoint, s *Session) {
		if s == nil || weakSuite(s.CipherSuite) == 0 {
			return
		}
		if suites[s.CipherSuite] == nil {
			suites[s.CipherSuite] = new(sessions)
		}
		suites[s.CipherSuite].add(e, s)
	}
	for i := range h.endpoints {
		e := &h.endpoints[i]
		if !e.spoke() {
			continue
		}
		_, gap := h.tried(e, "the weak cipher suites of ", func(t *Try) bool { return t.WeakSuites })
		gaps = append(gaps, gap...)
		add(e, e.TLS)
		for i := range e.Tries {
			add(e, e.Tries[i].TLS)
		}
	}
	for _, suite := range slices.Sorted(maps.Keys(suites)) {
		by := suites[suite]
		f := by.finding(h, check.Textf("%s accepts %s", where(by.addrs, h.Seen), clip(suite, maxName)))
		f.Severity = weakSuite(suite)
		found = append(found, f)
	}
	return found, gaps
}

// weakSuite is how grave it is to accept a suite (RFC 9325, 4.1): those with less
// than 112 bits must not be, those with less than 128, and those without forward
// secrecy, should not.
func weakSuite(name string) check.Severity {
	has := func(s string) bool { return strings.Contains(name, s) }
	switch {
	case has("_NULL"), has("_EXPORT"), has("_RC4_"), has("_anon_"), has("_WITH_DES_"):
		return check.Medium
	case has("_3DES_"), strings.HasPrefix(name, "TLS_RSA_"):
		return check.Low
	}
	return 0
}

func (j *judge) tlsSNIRequired() check.Rule[*Analysis] {
	return j.among(served).hostRule(check.Doc{
		ID:       "tls.sni-required",
		Severity: check.Low,
		Title:    "Server fails without a server name",
		Text: "Clients that do not say whose server they want get no certificate at all. Some mail servers do not say it, and then deliver without TLS. Of a web page (info) it is usual: browsers always say it. " +
			"It shows only in a handshake of its own, which is made on request.",
		Fix:  "Configure a default certificate.",
		Cite: []check.Cite{check.RFC(7672, "8.1"), check.RFC(6066, "3")},
	}, func(h *Served) bool { return showed(h) && !isAddr(h.wants()) }, func(h *Served, _ time.Time) ([]check.Finding, []check.Gap) {
		var by sessions
		var gaps []check.Gap
		for i := range h.endpoints {
			e := &h.endpoints[i]
			if e.TLS == nil {
				continue
			}
			s, gap := h.tried(e, "a handshake without server name with ", func(t *Try) bool { return t.NoSNI })
			if gaps = append(gaps, gap...); gap == nil && s == nil {
				by.add(e, e.TLS)
			}
		}
		if len(by.addrs) == 0 {
			return nil, gaps
		}
		f := by.finding(h, check.Textf("%s refuses a handshake that names no server", where(by.addrs, h.Seen)))
		if h.Protocol == HTTPS {
			f.Severity = check.Info
		}
		return []check.Finding{f}, gaps
	})
}

// isAddr reports whether a name is an address, which is never sent as server name
// (RFC 6066, 3).
func isAddr(name string) bool {
	_, err := netip.ParseAddr(name)
	return err == nil
}
