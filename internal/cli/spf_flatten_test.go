package cli_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/internal/cli"
)

// flatZone has a domain over the limit, and others that cannot be flattened.
func flatZone() string {
	var b strings.Builder
	b.WriteString(`$ORIGIN flat.example.
$TTL 600
@ SOA ns h 1 7200 3600 1209600 300
@ TXT "v=spf1 mx a:web.flat.example include:_a include:_b include:_c include:mail.zendesk.com include:_m.flat.example ?ip4:198.51.100.0/24 ~all"
@ TXT "other=1"
@ MX 10 mx
mx A 198.51.100.10
web 60 A 198.51.100.11
_m TXT "v=spf1 exists:%{i}._m.flat.example -all"
_spf-source TXT "v=spf1 include:_l0.flat.example include:_m.flat.example ~all"
gone TXT "v=spf1 include:nobody.flat.example include:_m.flat.example a -all"
taken TXT "v=spf1 a:web.flat.example include:_a.flat.example include:_b.flat.example -all"
_spf1.taken TXT "v=spf1 include:_l0.flat.example -all"
_spf2.taken TXT "some=thing"
_spf3.taken CNAME web
_spf4.taken TXT "v=spf1 ip4:192.0.2.1 -all"
*.wild TXT "v=spf1 include:_l0.flat.example -all"
wild TXT "v=spf1 include:_a.flat.example include:_b.flat.example -all"
wrong TXT "v=spf1 include:_l0.flat.example ipv4:192.0.2.1 -all"
near TXT "v=spf1 include:_l0.flat.example -all"
plain TXT "v=spf1 ip4:192.0.2.1 -all"
gain TXT "v=spf1 include:_wide.flat.example -all"
`)
	b.WriteString("_wide TXT \"v=spf1\"")
	for i := range 40 {
		fmt.Fprintf(&b, " \" ip4:203.0.113.%d\"", 4*i)
	}
	b.WriteString(" \" -all\"\n")
	for i := range 12 {
		fmt.Fprintf(&b, "_l%d TXT \"v=spf1 ip4:100.64.%d.0/24 ip4:100.65.%d.0/26 ip6:2001:db8:%d::/48 ip4:203.0.113.%d -all\"\n", i, 2*i, 2*i, 2*i, i)
	}
	for i, name := range []string{"_a", "_b", "_c"} {
		fmt.Fprintf(&b, "%s TXT \"v=spf1 include:_l%d.flat.example include:_l%d.flat.example include:_l%d.flat.example include:_l%d.flat.example -all\"\n", name, 4*i, 4*i+1, 4*i+2, 4*i+3)
	}
	b.WriteString("mail.zendesk.com. TXT \"v=spf1 ip4:192.0.2.128/25 ~all\"\n")
	return strings.NewReplacer("include:_a ", "include:_a.flat.example ", "include:_b ", "include:_b.flat.example ", "include:_c ", "include:_c.flat.example ").Replace(b.String())
}

func flatFile(t *testing.T, zone string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "flat.example.zone")
	require.NoError(t, os.WriteFile(path, []byte(zone), 0o600))
	return "--zone " + path + " --offline "
}

func TestSPFFlattenGolden(t *testing.T) {
	tests := []struct{ name, args string }{
		{"spf-flatten.txt", "flat.example"},
		{"spf-flatten.zone", "flat.example --format zone --ttl 1h"},
		{"spf-flatten.json", "near.flat.example --format json"},
		{"spf-flatten-gone.txt", "gone.flat.example"},
		{"spf-flatten-gain.txt", "gain.flat.example"},
		{"spf-flatten-unread.txt", "flat.example --from v=spf1,include:_l0.flat.example,include:_spf.provider.example,-all"},
		{"spf-flatten-differs.txt", "flat.example --from _spf-source.flat.example --check"},
		{"spf-flatten-ja.txt", "flat.example --lang ja"},
		{"spf-flatten-differs-ja.txt", "flat.example --from _spf-source.flat.example --check --lang ja"},
		{"spf-flatten-help.txt", "--help"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := run(t, nil, "", flattenArgs(flatFile(t, flatZone())+tt.args)...)
			require.NotEqual(t, cli.Usage, got.code, got.err)
			golden(t, tt.name, got.out)
		})
	}
}

// flattenArgs makes words of arguments; a comma stands for a blank in a record.
func flattenArgs(args string) []string {
	all := words("spf flatten " + args)
	for i := range all {
		all[i] = strings.ReplaceAll(all[i], ",", " ")
	}
	return all
}

func TestSPFFlattenExitStatus(t *testing.T) {
	tests := []struct {
		name, args string
		want       int
	}{
		{"written", "flat.example", cli.Clean},
		{"nothing to do", "plain.flat.example", cli.Clean},
		{"nothing to gain", "gain.flat.example", cli.Clean},
		{"nothing to gain and published so", "gain.flat.example --from v=spf1,include:_wide.flat.example,-all --check", cli.Clean},
		{"no record", "web.flat.example", cli.Found},
		{"a record in error", "gone.flat.example", cli.Found},
		{"a record in error as zone", "gone.flat.example --format zone", cli.Found},
		{"an answer is missing", "flat.example --from v=spf1,include:a.provider.example,-all", cli.NotKnown},
		{"an answer is missing as zone", "flat.example --from v=spf1,include:a.provider.example,-all --format zone", cli.NotKnown},
		{"the source is missing", "flat.example --from _spf.provider.example", cli.NotKnown},
		{"the source is none", "flat.example --from web.flat.example", cli.Found},
		{"the source is in error", "flat.example --from wrong.flat.example", cli.Found},
		{"a source in error", "flat.example --from v=spf1,ipv4:192.0.2.1,-all", cli.Usage},
		{"neither a name nor a record", "flat.example --from v=spf1include:_a.flat.example", cli.Usage},
		{"every helper name is taken", "wild.flat.example", cli.NotKnown},
		{"a language that is none", "flat.example --lang fr", cli.Usage},
		{"published otherwise", "flat.example --check --from _spf-source.flat.example", cli.Found},
		{"published so", "plain.flat.example --check --from v=spf1,ip4:192.0.2.1,-all", cli.Clean},
		{"check without source", "flat.example --check", cli.Usage},
		{"check as zone", "flat.example --check --from _spf-source.flat.example --format zone", cli.Usage},
		{"a format that is none", "flat.example --format yaml", cli.Usage},
		{"no size", "flat.example --size 20", cli.Usage},
		{"half a second", "flat.example --ttl 500ms", cli.Usage},
		{"a prefix with a dot", "flat.example --prefix a.b", cli.Usage},
		{"a name that is none", "flat.example --keep a..b", cli.Usage},
		{"in no zone", "other.example", cli.Usage},
		{"nobody", "", cli.Usage},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := run(t, nil, "", flattenArgs(flatFile(t, flatZone())+tt.args)...)
			assert.Equal(t, tt.want, got.code, got.err+got.out)
			if strings.HasSuffix(tt.args, "zone") {
				assert.Empty(t, got.out, "half of a plan is not published by mistake")
			}
		})
	}
}

// What flatten writes is what --check wants to find.
func TestSPFFlattenRound(t *testing.T) {
	zone := flatZone()
	const from = " --from v=spf1,include:_a.flat.example,include:_b.flat.example,include:_m.flat.example,~all"
	plan := run(t, nil, "", flattenArgs(flatFile(t, zone)+"flat.example --format zone"+from)...)
	require.Equal(t, cli.Clean, plan.code, plan.err)
	var kept []string
	for line := range strings.Lines(zone) {
		if !strings.HasPrefix(line, `@ TXT "v=spf1`) {
			kept = append(kept, line)
		}
	}
	published := strings.Join(kept, "") + plan.out
	args := flattenArgs(flatFile(t, published) + "flat.example --check" + from)
	got := run(t, nil, "", args...)
	assert.Equal(t, cli.Clean, got.code, got.out+got.err)
	moved := strings.Replace(published, "ip4:100.64.2.0/24 ip4:100.65", "ip4:100.64.3.0/24 ip4:100.65", 1)
	got = run(t, nil, "", flattenArgs(flatFile(t, moved)+"flat.example --check"+from)...)
	assert.Equal(t, cli.Found, got.code)
	assert.Contains(t, got.out, "- ip4:100.64.2.0/24\n  + ip4:100.64.3.0/24\n")
	got = run(t, dnstest.Must("flat.example. TXT !timeout"), "", flattenArgs("flat.example --check"+from)...)
	assert.Equal(t, cli.NotKnown, got.code, got.out+got.err)
}

func TestSPFFlattenSaysWhereTheSourceIsWrong(t *testing.T) {
	got := run(t, nil, "", flattenArgs(flatFile(t, flatZone())+"flat.example --from v=spf1,mx,ipv4:192.0.2.1,-all")...)
	assert.Equal(t, cli.Usage, got.code)
	assert.Equal(t, "mailcheck: --from: spf: octet 10, \"ipv4:192.0.2.1\": there is no mechanism \"ipv4\"\n", got.err)
}

func TestSPFFlattenRefusesAFromThatIsNothing(t *testing.T) {
	for _, from := range []string{"a..b", "v=spf2,-all"} {
		got := run(t, nil, "", append(flattenArgs(flatFile(t, flatZone())+"flat.example --from"), strings.ReplaceAll(from, ",", " "))...)
		assert.Equal(t, cli.Usage, got.code, from)
		assert.Contains(t, got.err, "neither a name nor a record that starts with v=spf1 and a blank")
		assert.Empty(t, got.out)
	}
}

// A helper record does not replace what somebody else published, and does replace one
// of flatten's own.
func TestSPFFlattenLeavesRecordsOfOthers(t *testing.T) {
	got := run(t, nil, "", flattenArgs(flatFile(t, flatZone())+"taken.flat.example --format zone")...)
	require.Equal(t, cli.Clean, got.code, got.err)
	var names []string
	for line := range strings.Lines(got.out) {
		names = append(names, strings.Fields(line)[0])
	}
	assert.Equal(t, []string{"_spf4.taken.flat.example.", "_spf5.taken.flat.example.", "taken.flat.example."}, names)
	got = run(t, dnstest.Must("_spf1.a.example. TXT !timeout\n"+strings.Replace(flatLong, "NAME", "a.example", 1)), "", "spf", "flatten", "a.example")
	assert.Equal(t, cli.NotKnown, got.code, got.out)
	assert.Contains(t, got.err, "is a helper record in the way? TXT _spf1.a.example timed out")
}

// flatLong is a record whose ranges need helper records.
var flatLong = func() string {
	var a, b strings.Builder
	for i := range 30 {
		fmt.Fprintf(&a, " ip4:100.64.%d.0/24", 2*i)
		fmt.Fprintf(&b, " ip4:100.65.%d.0/24", 2*i)
	}
	text := func(name, s string) string { return dnsx.NewTXT(name, 60, "v=spf1"+s+" -all").String() + "\n" }
	return text("NAME", " include:p.example include:q.example include:r.example include:s.example include:t.example") + text("p.example", a.String()) + text("q.example", b.String()) +
		text("r.example", " ip4:192.0.2.1") + text("s.example", " ip4:192.0.2.3") + text("t.example", " ip4:192.0.2.5")
}()

// Records that move ranges to one another are to be published in an order in which no
// range is missing on the way.
func TestSPFFlattenOrder(t *testing.T) {
	zone := flatZone()
	const from = " --from v=spf1,include:_a.flat.example,include:_b.flat.example,include:_c.flat.example,-all"
	plan := run(t, nil, "", flattenArgs(flatFile(t, zone)+"flat.example --format zone"+from)...)
	require.Equal(t, cli.Clean, plan.code, plan.err)
	var kept []string
	for line := range strings.Lines(zone) {
		if !strings.HasPrefix(line, `@ TXT "v=spf1`) {
			kept = append(kept, line)
		}
	}
	// one range more in front of all others
	published := strings.Replace(strings.Join(kept, ""), `_l0 TXT "v=spf1 `, `_l0 TXT "v=spf1 ip4:1.2.3.0/24 ip4:1.2.5.0/24 `, 1) + plan.out
	got := run(t, nil, "", flattenArgs(flatFile(t, published)+"flat.example --check"+from)...)
	require.Equal(t, cli.Found, got.code, got.err)
	var names []string
	for line := range strings.Lines(got.out) {
		if strings.HasPrefix(line, "_spf") {
			names = append(names, strings.TrimSpace(line))
		}
	}
	require.Greater(t, len(names), 1, got.out)
	assert.True(t, slices.IsSortedFunc(names, func(a, b string) int { return strings.Compare(b, a) }), "the last first: %s", names)
}

// What is published is asked for once, and where that is not known nothing is compared.
func TestSPFFlattenCheckAsksOnce(t *testing.T) {
	zone := dnstest.Must(`
flat.example.       TXT "v=spf1 ip4:192.0.2.1 include:_spf1.flat.example include:_spf9.flat.example -all"
_spf1.flat.example. TXT "v=spf1 ip4:192.0.2.2 -all"
_spf9.flat.example. TXT !timeout
`)
	var asked sync.Map // how often, by question
	counting := dnsx.ResolverFunc(func(ctx context.Context, q dnsx.Question) (*dnsx.Answer, error) {
		n, _ := asked.LoadOrStore(q.String(), new(atomic.Int32))
		n.(*atomic.Int32).Add(1)
		return zone.Resolve(ctx, q)
	})
	got := run(t, counting, "", flattenArgs("flat.example --check --from v=spf1,ip4:192.0.2.1,-all")...)
	assert.Equal(t, cli.NotKnown, got.code, got.out)
	assert.Equal(t, "mailcheck: what is published is not known: spf: TXT _spf9.flat.example timed out at dnstest\n", got.err)
	asked.Range(func(q, n any) bool {
		assert.LessOrEqual(t, n.(*atomic.Int32).Load(), int32(1), q)
		return true
	})
}
