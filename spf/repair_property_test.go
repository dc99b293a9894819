package spf_test

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/spf"
)

// grown is a made-up zone, with the facts about acme.example.
func grown(t *testing.T, seed uint64) (zone string, facts *spf.Facts) {
	t.Helper()
	w := &wood{Rand: rand.New(rand.NewPCG(seed, 7)), wild: seed%3 == 0, odd: seed%5 < 2, names: 2 + int(seed%6)}
	zone = w.zone()
	facts, err := spf.Discover(context.Background(), dnstest.Must(zone), "acme.example", spf.Options{})
	require.NoError(t, err)
	return zone, facts
}

// replant is a zone with another record for a name.
func replant(zone, name, txt string) dnsx.Resolver {
	var lines strings.Builder
	for line := range strings.Lines(zone) {
		if !strings.HasPrefix(line, name+". TXT") {
			lines.WriteString(line)
		}
	}
	lines.WriteString(dnsx.NewTXT(name, 60, txt).String() + "\n")
	return dnstest.Must(lines.String())
}

func result(t *testing.T, r dnsx.Resolver, ip netip.Addr) spf.Verdict {
	t.Helper()
	v, err := spf.CheckHost(context.Background(), r, spf.Session{IP: ip, MailFrom: "user@acme.example", Helo: "helo.example"})
	require.NoError(t, err)
	return v
}

// repairedLikeBefore repairs the record of a made-up zone and holds every client's result
// against that of before. It changes where that was a permanent error, which the repair
// is to cure, and for whom an all decided that did not say ~all or -all.
func repairedLikeBefore(t *testing.T, seed uint64) (repaired bool) {
	t.Helper()
	zone, facts := grown(t, seed)
	a := spf.Analyze(facts)
	changes := spf.Repair(a)
	if len(changes) == 0 {
		return false
	}
	require.Len(t, changes, 1)
	before, after := dnstest.Must(zone), replant(zone, "acme.example", changes[0].New[0])
	for _, ip := range clients() {
		was, is := result(t, before, ip), result(t, after, ip)
		if was.Result == is.Result || was.Result == spf.PermError {
			continue
		}
		ended := was.Mechanism == "" || strings.HasSuffix(was.Mechanism, "all")
		if is.Result == spf.SoftFail && is.Mechanism == "~all" && len(was.Path) == 1 && ended && (was.Result == spf.Neutral || was.Result == spf.Pass) {
			continue
		}
		t.Fatalf("seed %d, %s: %s became %s\nfrom %v\nto   %v\n%s", seed, ip, was.Result, is.Result, changes[0].Old, changes[0].New, zone)
	}
	f, err := spf.Discover(context.Background(), after, "acme.example", spf.Options{})
	require.NoError(t, err)
	require.Empty(t, spf.Repair(spf.Analyze(f)), "seed %d: repaired twice: %v", seed, changes[0].New)
	return true
}

func TestRepair_changesNoResult(t *testing.T) {
	repaired := 0
	for seed := range uint64(400) {
		if repairedLikeBefore(t, seed) {
			repaired++
		}
	}
	require.Greater(t, repaired, 100)
	t.Logf("%d records repaired", repaired)
}

func FuzzRepair(f *testing.F) {
	for seed := range uint64(6) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) { repairedLikeBefore(t, seed) })
}

// shadowedForNobody takes each term away of which Analyze says that it matches nobody,
// or that others behind it pass the same: for no client that comes to no error this
// changes the result.
func shadowedForNobody(t *testing.T, seed uint64) (found int) {
	t.Helper()
	zone, facts := grown(t, seed)
	a := spf.Analyze(facts)
	before := dnstest.Must(zone)
	for _, s := range spf.Shadows(a) {
		rec := *a.Nodes[s.Name].Record
		rec.Directives = append(append([]spf.Directive{}, rec.Directives[:s.Index]...), rec.Directives[s.Index+1:]...)
		after := replant(zone, s.Name, rec.String())
		for _, ip := range clients() {
			was, is := (&reference{r: before, ip: ip}).check("acme.example"), (&reference{r: after, ip: ip}).check("acme.example")
			failed := was == spf.PermError || was == spf.TempError || is == spf.PermError || is == spf.TempError
			if was != is && !failed {
				t.Fatalf("seed %d, %s: %s became %s without %v\n%s", seed, ip, was, is, s, zone)
			}
		}
		found++
	}
	return found
}

func TestShadows_matchNobody(t *testing.T) {
	found := 0
	for seed := range uint64(450) {
		found += shadowedForNobody(t, seed)
	}
	require.Greater(t, found, 100)
	t.Logf("%d terms shadowed", found)
}

func FuzzShadows(f *testing.F) {
	for seed := range uint64(6) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) { shadowedForNobody(t, seed) })
}
