package real_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
)

// Zones that are signed, below a signed root that one trust anchor vouches for, and
// a resolver that validates.
func TestSigned(t *testing.T) {
	w := newWorld(t)
	if !have(t, "nsd", "unbound", "kzonesign", "keymgr") {
		return
	}
	good := slices.DeleteFunc([]string{
		"acme.example", "newsletter.example", "parked.example", "odd.example", "several.example", "one-spf.example",
		"cica.gov.uk", "hmiprisons.gov.uk", "judiciary.uk", "paroleboard.gov.uk",
	}, func(apex string) bool { return !slices.Contains(w.apexes, apex) })
	s := w.sign(t, append(good, "bogus.example", "half.example"))
	s.damage(t, "bogus.example", "DNSKEY")
	s.damage(t, "half.example", "TXT")
	nsd := startNSD(t, s.dir, w.apexes)
	c := startUnbound(t, nsd, w.apexes, s.anchor).client(t)

	t.Run("what is signed is said to be", func(t *testing.T) {
		// Whoever is on loopback is believed (wire.TrustLoopback).
		var questions []dnsx.Question
		for _, q := range w.questions(t) {
			if slices.Contains(good, w.zoneOf(q.Name)) || q.Name == "no-such-name."+w.domains()[0] {
				questions = append(questions, q)
			}
		}
		want, got := w.files.ResolveAll(t.Context(), questions), c.ResolveAll(t.Context(), questions)
		signed := 0
		for i, q := range questions {
			require.Equal(t, outline(want[i]), outline(got[i]), "%s: %v", q, got[i].Failure)
			if got[i].Answer != nil {
				require.Equal(t, s.secure(want[i].Answer), got[i].Answer.AD, "AD of %s", q)
				if got[i].Answer.AD {
					signed++
				}
			}
		}
		t.Logf("%d zones, %d questions, %d of the answers are signed", len(good), len(questions), signed)
	})
	t.Run("the reports are those of the files", func(t *testing.T) {
		compare(t, good, ordered(w.files), ordered(c))
	})
	t.Run("all signatures are broken", func(t *testing.T) {
		_, err := c.Resolve(t.Context(), dnsx.Q("bogus.example", dnsx.TypeTXT))
		requireBogus(t, err)
		r := reports(t, []string{"bogus.example"}, c)[0]
		assert.Equal(t, check.Fail, outcome(r, "dns.servfail"))
		for _, id := range []string{"dns.nxdomain", "spf.missing", "dmarc.missing", "mtasts.missing", "mx.missing"} {
			assert.Equal(t, check.Unknown, outcome(r, id), id)
		}
		assert.Equal(t, 1, r.Summary.Fail, "nothing but that is found")
	})
	t.Run("one signature is broken", func(t *testing.T) {
		_, err := c.Resolve(t.Context(), dnsx.Q("half.example", dnsx.TypeTXT))
		requireBogus(t, err)
		r := reports(t, []string{"half.example"}, c)[0]
		want := map[string]check.Outcome{
			"dns.servfail": check.Pass, "dns.nxdomain": check.Pass, "dmarc.missing": check.Pass, "mx.dangling": check.Pass,
			"spf.missing": check.Unknown, "spf.multiple": check.Unknown,
		}
		for id, want := range want {
			assert.Equal(t, want, outcome(r, id), id)
		}
	})
	t.Run("without checking the records come", func(t *testing.T) {
		for _, domain := range []string{"bogus.example", "half.example"} {
			q := dnsx.Question{Name: domain, Type: dnsx.TypeTXT, CheckingDisabled: true}
			a, err := c.Resolve(t.Context(), q)
			require.NoError(t, err)
			assert.False(t, a.AD)
			require.Len(t, a.Records, 1)
			assert.Equal(t, "v=spf1 mx -all", a.Records[0].Text())
		}
	})
	t.Run("signatures and denials come where they are asked for", func(t *testing.T) {
		for _, tt := range []struct {
			name  string
			proof dnsx.Type
		}{{"acme.example", dnsx.TypeRRSIG}, {"no-such-name.acme.example", dnsx.TypeNSEC}} {
			a, err := c.Resolve(t.Context(), dnsx.Question{Name: tt.name, Type: dnsx.TypeTXT, DNSSEC: true})
			require.NoError(t, err)
			assert.True(t, a.AD)
			assert.True(t, slices.ContainsFunc(a.Authority, func(rr dnsx.RR) bool { return rr.Type == tt.proof }), "%v", a.Authority)
		}
	})
}

// requireBogus wants SERVFAIL with one of the Extended DNS Errors about validation
// (RFC 8914, 4.6 to 4.13).
func requireBogus(t *testing.T, err error) {
	t.Helper()
	var f *dnsx.Failure
	require.ErrorAs(t, err, &f)
	require.Equal(t, dnsx.KindRCode, f.Kind)
	require.Equal(t, dnsx.ServFail, f.RCode)
	require.True(t, slices.ContainsFunc(f.EDE, func(e dnsx.EDE) bool { return 5 <= e.Code && e.Code <= 12 }), "%v", f)
}

func outcome(r *check.Report, id string) check.Outcome {
	for _, res := range r.Results {
		if res.ID == id {
			return res.Outcome
		}
	}
	return ""
}

// signed is a world of which some zones are signed, and the root.
type signed struct {
	*world
	dir    string
	zones  []string
	anchor string // a DNSKEY record
}

// sign signs a copy of the world's zones with Knot.
func (w *world) sign(t *testing.T, apexes []string) *signed {
	t.Helper()
	s := &signed{world: w, dir: t.TempDir(), zones: append(apexes, ".")}
	for _, apex := range w.apexes {
		data, err := os.ReadFile(filepath.Join(w.dir, fileOf(apex)))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(s.dir, fileOf(apex)), data, 0o600))
	}
	own := t.TempDir()
	var conf strings.Builder
	fmt.Fprintf(&conf, "database:\n  storage: %q\npolicy:\n  - id: one\n    algorithm: ecdsap256sha256\n    single-type-signing: on\n    cds-cdnskey-publish: none\nzone:\n", own)
	for _, apex := range s.zones {
		fmt.Fprintf(&conf, "  - domain: %q\n    storage: %q\n    file: %q\n    dnssec-signing: on\n    dnssec-policy: one\n", apex, s.dir, fileOf(apex))
	}
	path := filepath.Join(own, "knot.conf")
	require.NoError(t, os.WriteFile(path, []byte(conf.String()), 0o600))
	knot := func(name string, args ...string) string {
		cmd := exec.CommandContext(t.Context(), program(name), append([]string{"-c", path}, args...)...)
		var errs strings.Builder
		cmd.Stderr = &errs
		out, err := cmd.Output()
		require.NoError(t, err, "%s %v: %s", name, args, errs.String())
		return string(out)
	}
	root, err := os.OpenFile(filepath.Join(s.dir, fileOf(".")), os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	defer func() { _ = root.Close() }()
	for _, apex := range s.zones { // the root comes last, when the others' keys stand in it
		knot("kzonesign", "-o", s.dir, apex)
		if apex == "." {
			break
		}
		for line := range strings.Lines(knot("keymgr", apex, "ds")) {
			_, err := root.WriteString(strings.Replace(line, " DS ", " 3600 IN DS ", 1))
			require.NoError(t, err)
		}
	}
	s.anchor = strings.TrimSpace(knot("keymgr", ".", "dnskey"))
	return s
}

// damage changes the signature of an RRset at a zone's apex.
func (s *signed) damage(t *testing.T, apex, rrset string) {
	t.Helper()
	path := filepath.Join(s.dir, fileOf(apex))
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	sig := regexp.MustCompile(`(?m)^(` + regexp.QuoteMeta(apex) + `\.\s.*\sRRSIG\s+` + rrset + `\s.*\s)(\S)(\S+)$`)
	require.Len(t, sig.FindAll(data, -1), 1)
	data = sig.ReplaceAllFunc(data, func(line []byte) []byte {
		part := sig.FindSubmatch(line)
		other := "A"
		if string(part[2]) == other {
			other = "B"
		}
		return slices.Concat(part[1], []byte(other), part[3])
	})
	require.NoError(t, os.WriteFile(path, data, 0o600))
}

// secure says whether a validating resolver can vouch for an answer: where all of it
// comes from zones that are signed.
func (s *signed) secure(a *dnsx.Answer) bool {
	names := []string{a.Owner()}
	for _, rr := range a.Chain {
		names = append(names, rr.Name)
	}
	return !slices.ContainsFunc(names, func(name string) bool { return !slices.Contains(s.zones, s.zoneOf(name)) })
}

// zoneOf is the zone that a name lies in.
func (w *world) zoneOf(name string) string {
	for !slices.Contains(w.apexes, name) {
		name = dnsx.Parent(name)
	}
	return name
}
