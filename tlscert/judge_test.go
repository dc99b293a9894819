package tlscert_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/tlscert"
)

// TestLifetimes: without any setting cert.expiring is right for all lifetimes that
// certificates have, had and will have.
func TestLifetimes(t *testing.T) {
	tests := []struct {
		name       string
		lifetime   time.Duration
		warn, crit time.Duration // the least that is well, and that is not high
	}{
		{"6 days", 160 * time.Hour, 160 * time.Hour / 3, 160 * time.Hour / 6},
		{"29 days: no week", 29 * day, 29 * day / 3, 29 * day / 6},
		{"30 days: the last week is high", 30 * day, 10 * day, 7 * day},
		{"47 days", 47 * day, 47 * day / 3, 47 * day / 6},
		{"64 days", 64 * day, 64 * day / 3, 64 * day / 6},
		{"90 days", 90 * day, 30 * day, 15 * day},
		{"100 days", 100 * day, 100 * day / 3, 100 * day / 6},
		{"200 days", 200 * day, 200 * day / 3, 200 * day / 6},
		{"398 days", 398 * day, 398 * day / 3, 398 * day / 6},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := factsOf(t, fmt.Sprintf("192.0.2.1 lifetime=%s left=%s", tt.lifetime, tt.lifetime))
			second := func(d time.Duration) time.Duration { return d.Truncate(time.Second) }
			for _, left := range []struct {
				left time.Duration
				want check.Severity // 0: no finding
			}{
				{tt.lifetime, 0},
				{second(tt.warn) + time.Second, 0},
				{second(tt.warn) - time.Second, check.Medium},
				{second(tt.crit) + time.Second, check.Medium},
				{second(tt.crit) - time.Second, check.High},
				{time.Second, check.High},
				{0, 0}, // expired
			} {
				got := result(t, f, tlscert.Settings{At: now.Add(tt.lifetime - left.left)}, "cert.expiring")
				if left.want == 0 {
					assert.Equal(t, check.Pass, got.Outcome, left.left)
				} else {
					require.Equal(t, check.Fail, got.Outcome, left.left)
					assert.Equal(t, left.want, got.Severity, left.left)
				}
			}
		})
	}
}

// TestMailExchangers: what senders of mail do not verify is judged by smtp.*, and what
// the operator named by cert.* alone.
func TestMailExchangers(t *testing.T) {
	tests := []struct {
		name, lines string
		mx, named   map[string]check.Severity
	}{
		{
			"good", "192.0.2.1",
			map[string]check.Severity{},
			map[string]check.Severity{},
		},
		{
			"self-signed, of another name and by a weak key", "192.0.2.1 issuer=self names=other.example key=rsa1024",
			map[string]check.Severity{"smtp.cert-name": check.Low, "smtp.cert-untrusted": check.Low, "cert.rsa-small": check.Medium},
			map[string]check.Severity{"cert.name-mismatch": check.High, "cert.self-signed": check.High, "cert.rsa-small": check.High},
		},
		{
			"expired", "192.0.2.1 left=-3d",
			map[string]check.Severity{"smtp.cert-expired": check.Medium},
			map[string]check.Severity{"cert.expired": check.Critical},
		},
		{
			"near its end", "192.0.2.1 left=2d",
			map[string]check.Severity{"cert.expiring": check.Medium},
			map[string]check.Severity{"cert.expiring": check.High},
		},
		{
			"not valid yet", "192.0.2.1 left=100d",
			map[string]check.Severity{"cert.not-yet-valid": check.Medium},
			map[string]check.Severity{"cert.not-yet-valid": check.High},
		},
		{
			"without its issuer and SCTs, with something else", "192.0.2.1 chain=leaf,stranger scts=0",
			map[string]check.Severity{"smtp.cert-untrusted": check.Low},
			map[string]check.Severity{"cert.chain-incomplete": check.High, "cert.chain-order": check.Low},
		},
	}
	for _, tt := range tests {
		for given, want := range map[bool]map[string]check.Severity{false: tt.mx, true: tt.named} {
			t.Run(fmt.Sprintf("%s, named: %t", tt.name, given), func(t *testing.T) {
				f := factsOf(t, tt.lines)
				h := &f.Hosts[0]
				h.Port, h.Protocol, h.Given = 25, tlscert.SMTP, given
				got := map[string]check.Severity{}
				for _, r := range check.Apply(tlscert.Analyze(f), tlscert.Rules(tlscert.Settings{Roots: testPKI().roots})) {
					if r.Outcome == check.Fail {
						got[r.ID] = r.Severity
					}
				}
				assert.Equal(t, want, got)
			})
		}
	}
}

// TestNoStartTLS: an address without STARTTLS has no certificate, and that is an
// answer, not a gap.
func TestNoStartTLS(t *testing.T) {
	f := factsOf(t, "192.0.2.1")
	change(f, []string{"host", "given-mx"})
	change(f, []string{"192.0.2.1", "no-starttls"})
	a := tlscert.Analyze(f)
	assert.Equal(t, 1, a.Hosts[0].Plain)
	assert.Empty(t, a.Gaps())
	assert.Equal(t, check.NotApplicable, result(t, f, tlscert.Settings{}, "cert.expired").Outcome)
	assert.Equal(t, check.Fail, result(t, f, tlscert.Settings{}, "smtp.no-starttls").Outcome)
	f.Hosts[0].Protocol = tlscert.IMAP // of which no rule says that it lacks STARTTLS
	assert.Equal(t, check.Unknown, result(t, f, tlscert.Settings{}, "cert.expired").Outcome)
}

func TestMD5(t *testing.T) {
	ca := authority{}.issue(template{cn: "Old Root", from: now.Add(-day), to: now.Add(day), ca: true, key: newKey("rsa2048")})
	leaf := ca.issue(template{cn: "acme.example", from: now.Add(-day), to: now.Add(day)})
	sha256, md5 := []byte{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11}, []byte{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 4}
	f := factsOf(t, "192.0.2.1")
	f.Hosts[0].Endpoints[0].TLS.Chain = [][]byte{bytes.ReplaceAll(leaf.cert.Raw, sha256, md5)}
	got := result(t, f, tlscert.Settings{}, "cert.sha1")
	require.Equal(t, check.Fail, got.Outcome)
	assert.Equal(t, "acme.example, issued by Old Root, is signed with MD5-RSA", got.Findings[0].Detail.String())
}

// TestSCTLists: what is no list of SCTs counts as none.
func TestSCTLists(t *testing.T) {
	list := sctList(scts(2)...)
	oid := []byte{6, 10, 0x2b, 6, 1, 4, 1, 0xd6, 0x79, 2, 4, 5}
	staple := func(value []byte) []byte {
		return slices.Concat([]byte("anything"), oid, []byte{4, byte(len(value))}, value, []byte("and more"))
	}
	version2 := scts(2)
	version2[1][0] = 1
	same := scts(2)
	same[1][1] = 0
	tests := []struct {
		name   string
		scts   [][]byte
		staple []byte
		want   check.Outcome
	}{
		{"two in the handshake", scts(2), nil, check.Pass},
		{"two of one log", same, nil, check.Fail},
		{"one of another version", version2, nil, check.Fail},
		{"one is cut off", [][]byte{scts(2)[0], scts(2)[1][:46]}, nil, check.Fail},
		{"two in the stapled response", nil, staple(list), check.Pass},
		{"a list that is cut off", nil, staple(list[:len(list)-1]), check.Fail},
		{"a list with something behind it", nil, staple(append(list, 0)), check.Fail},
		{"a length that is too large", nil, staple(append([]byte{4, byte(len(list) - 2), 0, byte(len(list) - 3)}, list[4:]...)), check.Fail},
		{"an entry that is too large", nil, staple([]byte{4, 5, 0, 3, 0, 9, 1}), check.Fail},
		{"no octets of a list", nil, staple([]byte{4, 1, 0}), check.Fail},
		{"another type", nil, staple([]byte{5, 0}), check.Fail},
		{"nothing behind the name of the extension", nil, oid, check.Fail},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := factsOf(t, "192.0.2.1 scts=0")
			f.Hosts[0].Endpoints[0].TLS.SCTs, f.Hosts[0].Endpoints[0].TLS.OCSP = tt.scts, tt.staple
			assert.Equal(t, tt.want, result(t, f, tlscert.Settings{}, "cert.no-sct").Outcome)
		})
	}
}

// TestOverview: when a host breaks and why, over all of its addresses.
func TestOverview(t *testing.T) {
	type broken struct{ issuer, on, why, refused string }
	tests := []struct {
		name, lines string
		want        broken
	}{
		{"by its own end", "192.0.2.1 left=60d", broken{"Public CA", "2027-01-21", "the certificate expires", ""}},
		{"by an intermediate", "192.0.2.1 issuer=old left=60d", broken{"Old CA", "2026-12-02", "the intermediate Old CA expires", ""}},
		{"not by what another path makes up for", "192.0.2.1 chain=leaf,issuer,cross", broken{"Public CA", "2027-01-21", "the certificate expires", ""}},
		{"by a cross-signed root", "192.0.2.1 issuer=new chain=leaf,issuer,cross2", broken{"New CA", "2026-12-12", "the intermediate New Root expires", ""}},
		{"at another address than the first to expire", "192.0.2.1 left=20d\n192.0.2.2 issuer=old left=60d", broken{"Public CA", "2026-12-02", "the intermediate Old CA expires", ""}},
		{"already", "192.0.2.1 issuer=gone from=2026-11-01", broken{"Gone CA", "2026-11-21", "the intermediate Gone CA expires", "the chain at 192.0.2.1 rests on the intermediate Gone CA, which expired on 2026-11-21 12:00 UTC"}},
		{"self-signed", "192.0.2.1 issuer=self left=9d", broken{"acme.example", "2026-12-01", "the certificate expires", "the certificate at 192.0.2.1 is signed with its own key"}},
		{"for other names", "192.0.2.1 names=other.example", broken{"Public CA", "2027-01-21", "the certificate expires", "the certificate at 192.0.2.1 is for other.example"}},
		{"at one of two addresses", "192.0.2.1 left=-3d\n192.0.2.2", broken{"Public CA", "2026-11-19", "the certificate expires", "the certificate at 192.0.2.1 (1 of 2 addresses) expired on 2026-11-19 11:59 UTC, 3 days ago"}},
		{"not valid yet", "192.0.2.1 left=100d", broken{"Public CA", "2027-03-02", "the certificate expires", "the certificate at 192.0.2.1 is valid from 2026-12-02 12:00 UTC on, in 10 days"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := tlscert.Analyze(factsOf(t, tt.lines))
			all := tlscert.Overview(a, tlscert.Settings{Roots: testPKI().roots})
			require.Len(t, all, 1)
			assert.Equal(t, tt.want, broken{all[0].Issuer, all[0].Breaks.Format(time.DateOnly), all[0].Reason.String(), all[0].Refused.String()})
		})
	}
	silent := tlscert.Overview(tlscert.Analyze(factsOf(t, "192.0.2.1 timeout")), tlscert.Settings{At: now})
	assert.Zero(t, silent[0].Breaks)
}

// TestPathTakesOver: a path that is not valid yet may follow one that ends.
func TestPathTakesOver(t *testing.T) {
	p := testPKI()
	ca := authority{}.issue(template{cn: "Twice Signed CA", from: now, to: now.Add(day), ca: true})
	sign := func(from, to time.Duration) []byte {
		return p.public.issue(template{cn: "Twice Signed CA", from: now.Add(from), to: now.Add(to), ca: true, key: ca.key}).cert.Raw
	}
	leaf := ca.issue(template{cn: "acme.example", names: []string{"acme.example"}, from: now.Add(-30 * day), to: now.Add(60 * day)}).cert.Raw
	breaks := func(chain ...[]byte) string {
		f := factsOf(t, "192.0.2.1")
		f.Hosts[0].Endpoints[0].TLS.Chain = chain
		return tlscert.Overview(tlscert.Analyze(f), tlscert.Settings{Roots: p.roots})[0].Breaks.Format(time.DateOnly)
	}
	first, second, late := sign(-100*day, 10*day), sign(5*day, 40*day), sign(11*day, 40*day)
	assert.Equal(t, "2026-12-02", breaks(leaf, first))
	assert.Equal(t, "2027-01-01", breaks(leaf, first, second))
	assert.Equal(t, "2026-12-02", breaks(leaf, first, late), "a day lies between")
}

// TestOldServerBehindAlert: a server that refuses the usual handshake shows in
// further ones what it takes.
func TestOldServerBehindAlert(t *testing.T) {
	f := factsOf(t, "192.0.2.1")
	e := &f.Hosts[0].Endpoints[0]
	changeEndpoint(e, "try", "1.0 ok")
	e.TLS, e.Failure = nil, &tlscert.Failure{Stage: tlscert.Handshake, Kind: tlscert.KindAlert}
	assert.Equal(t, check.Fail, result(t, f, tlscert.Settings{}, "tls.version-old").Outcome)
	assert.Equal(t, check.Unknown, result(t, f, tlscert.Settings{}, "tls.no-13").Outcome)
}
