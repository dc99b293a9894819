package spf_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/spf"
)

// reference is check_host as RFC 7208, 4 words it, without limits: whatever a record
// means that costs too much.
type reference struct {
	r     dnsx.Resolver
	ip    netip.Addr
	depth int
}

func (e *reference) records(name string, t dnsx.Type) ([]dnsx.RR, bool) {
	a, err := e.r.Resolve(context.Background(), dnsx.Q(name, t))
	if err != nil {
		return nil, false
	}
	return a.Records, true
}

func (e *reference) target(spec spf.MacroString, domain string) (string, bool) {
	if spec.IsZero() {
		return domain, true
	}
	letters := spf.Letters{'d': domain, 'l': "user", 'o': "acme.example", 's': "user@acme.example", 'h': "helo.example", 'v': "in-addr", 'i': e.ip.String()}
	if e.ip.Is6() {
		letters['v'] = "ip6"
	}
	if strings.Contains(spec.Raw, "%{p") {
		letters['p'] = e.nameOf(domain)
	}
	text, err := spf.Expand(spec.Raw, letters)
	if err != nil {
		return "", false
	}
	name, err := dnsx.ParseName(text)
	return name, err == nil
}

// names are the validated domain names of the client (5.5).
func (e *reference) names() (valid []string) {
	rrs, _ := e.records(reverse(e.ip), dnsx.TypePTR)
	for _, rr := range rrs[:min(len(rrs), 10)] {
		name, _ := rr.Target()
		if match, _ := e.host(name, &spf.Directive{Bits4: 32, Bits6: 128}); match {
			valid = append(valid, name)
		}
	}
	return valid
}

// nameOf is %{p} (7.3).
func (e *reference) nameOf(domain string) string {
	valid := e.names()
	for _, fits := range []func(string) bool{
		func(name string) bool { return name == domain },
		func(name string) bool { return strings.HasSuffix(name, "."+domain) },
		func(string) bool { return true },
	} {
		if i := slices.IndexFunc(valid, fits); i >= 0 {
			return valid[i]
		}
	}
	return "unknown"
}

// reverse is the name where those of a client stand.
func reverse(ip netip.Addr) string {
	if ip.Is4() {
		b := ip.As4()
		return fmt.Sprintf("%d.%d.%d.%d.in-addr.arpa", b[3], b[2], b[1], b[0])
	}
	var name strings.Builder
	for _, b := range slices.Backward(ip.AsSlice()) {
		fmt.Fprintf(&name, "%x.%x.", b&15, b>>4)
	}
	return name.String() + "ip6.arpa"
}

func (e *reference) check(domain string) spf.Result {
	if e.depth++; e.depth > 30 {
		return spf.PermError
	}
	defer func() { e.depth-- }()
	rrs, ok := e.records(domain, dnsx.TypeTXT)
	if !ok {
		return spf.TempError
	}
	var texts []string
	for _, rr := range rrs {
		if spf.IsRecord(rr.Text()) {
			texts = append(texts, rr.Text())
		}
	}
	if len(texts) != 1 {
		return map[bool]spf.Result{true: spf.None, false: spf.PermError}[len(texts) == 0]
	}
	rec, err := spf.Parse(texts[0])
	if err != nil {
		return spf.PermError
	}
	for i := range rec.Directives {
		d := &rec.Directives[i]
		match, result := e.match(d, domain)
		switch {
		case result != "":
			return result
		case match:
			return d.Qualifier
		}
	}
	if rec.Redirect.IsZero() {
		return spf.Neutral
	}
	name, ok := e.target(rec.Redirect, domain)
	if !ok {
		return spf.PermError
	}
	if result := e.check(name); result != spf.None {
		return result
	}
	return spf.PermError
}

func (e *reference) match(d *spf.Directive, domain string) (bool, spf.Result) {
	switch d.Mechanism {
	case spf.All:
		return true, ""
	case spf.IP4, spf.IP6:
		return d.Prefix.Contains(e.ip), ""
	}
	name, ok := e.target(d.Domain, domain)
	if !ok {
		if d.Mechanism == spf.Include {
			return false, spf.PermError
		}
		return false, ""
	}
	switch d.Mechanism {
	case spf.PTR:
		return slices.ContainsFunc(e.names(), func(n string) bool { return n == name || strings.HasSuffix(n, "."+name) }), ""
	case spf.Include:
		switch result := e.check(name); result {
		case spf.None, spf.PermError:
			return false, spf.PermError
		case spf.TempError:
			return false, result
		default:
			return result == spf.Pass, ""
		}
	case spf.Exists:
		rrs, ok := e.records(name, dnsx.TypeA)
		if !ok {
			return false, spf.TempError
		}
		return len(rrs) > 0, ""
	case spf.A:
		return e.host(name, d)
	}
	mx, ok := e.records(name, dnsx.TypeMX)
	if !ok {
		return false, spf.TempError
	}
	if len(mx) > 10 {
		return false, spf.PermError
	}
	var failed spf.Result
	for _, rr := range mx {
		if _, host, ok := rr.MX(); ok && host != "." {
			match, result := e.host(host, d)
			if match {
				return true, ""
			}
			failed = max(failed, result)
		}
	}
	return false, failed
}

func (e *reference) host(name string, d *spf.Directive) (bool, spf.Result) {
	t, bits := dnsx.TypeAAAA, int(d.Bits6)
	if e.ip.Is4() {
		t, bits = dnsx.TypeA, int(d.Bits4)
	}
	rrs, ok := e.records(name, t)
	if !ok {
		return false, spf.TempError
	}
	for _, rr := range rrs {
		if addr, ok := rr.Addr(); ok && netip.PrefixFrom(addr, bits).Contains(e.ip) {
			return true, ""
		}
	}
	return false, ""
}

// wood makes up zones with trees of records, in a small space of addresses so that
// their ranges meet.
type wood struct {
	*rand.Rand
	b     strings.Builder
	wild  bool // faults, macros, loops, everything
	odd   bool // many terms that have to be kept, in records that pass only
	names int
}

func (w *wood) pick(all ...string) string { return all[w.IntN(len(all))] }

func (w *wood) addr4() string { return fmt.Sprintf("192.0.2.%d", w.IntN(64)) }

func (w *wood) addr6() string { return fmt.Sprintf("2001:db8::%x", w.IntN(64)) }

func (w *wood) name(from int) string {
	if w.wild && w.IntN(30) == 0 {
		return w.pick("gone.example", "slow.example", "two.example", "bad.example", "n0.example", "no.example")
	}
	if from >= w.names {
		return "flat.example"
	}
	return fmt.Sprintf("n%d.example", from+w.IntN(w.names-from))
}

func (w *wood) host() string {
	if w.wild && w.IntN(25) == 0 {
		return w.pick("slow.example", "gone.example")
	}
	return fmt.Sprintf("h%d.example", w.IntN(6))
}

func (w *wood) term(level int) string {
	q := w.pick("", "", "", "", "", "", "+", "-", "~", "?")
	if w.odd && w.IntN(5) > 0 {
		q = ""
	}
	n := w.IntN(20)
	switch {
	case w.odd && n < 3:
		n = 17
	case !w.wild && n >= 18:
		n = 0
	}
	switch {
	case n < 5:
		return fmt.Sprintf("%sip4:%s/%d", q, w.addr4(), 26+w.IntN(7))
	case n < 7:
		return fmt.Sprintf("%sip6:%s/%d", q, w.addr6(), 122+w.IntN(7))
	case n < 9:
		return q + w.pick("a:"+w.host(), "a:"+w.host()+"/29", "a:"+w.host()+"//125", "a", "a/30//126")
	case n < 11:
		return q + w.pick("mx:"+w.host(), "mx", "mx:"+w.host()+"/30//126")
	case n < 17:
		return q + "include:" + w.name(level+1)
	case n < 18:
		return q + w.pick("exists:%{i}.x.example", "exists:x.example", "exists:y.example", "exists:%{i}.%{d}", "exists:%{p}.x.example", "exists:%{v}.x.example", "ptr", "ptr:"+w.name(level+1), "ptr:%{o1}")
	}
	return q + w.pick("ptr", "ptr:x.example", "include:%{p}", "a:%{p}", "a:%{d}", "a:%{l}.h1.example", "include:%{l}.example", "include:%{d2}", "exists:%{d}.x.example", "ip4:0.0.0.0/0", "ip6:::/0", "mx:many.example", "mx:%{l}.example", "all")
}

// moving is a record whose terms are worth to stand elsewhere, with one among them that
// may have its own idea of where it stands. What it leads to is known.
func (w *wood) moving(level int) string {
	terms := []string{
		"include:" + w.name(level+1), "a:" + w.pick("h0.example", "h1.example", "h2.example"), "mx:h3.example",
		w.pick("exists:%{i}.%{d}", "exists:%{p}.x.example", "exists:%{p}.x.example", "ptr", "ptr:"+w.name(level+1), "exists:%{i}.x.example", "a/0"),
	}
	w.Shuffle(len(terms), func(i, j int) { terms[i], terms[j] = terms[j], terms[i] })
	return "v=spf1 " + strings.Join(terms, " ") + w.pick(" -all", " ~all", " ?all", "", " redirect="+w.name(level+1), " redirect=r.%{d}")
}

func (w *wood) record(level int) string {
	if w.odd && w.IntN(2) == 0 {
		return w.moving(level)
	}
	terms := []string{"v=spf1"}
	for range 1 + w.IntN(5) {
		terms = append(terms, w.term(level))
	}
	switch w.IntN(8) {
	case 0:
	case 1, 2:
		to := w.name(level + 1)
		if w.IntN(10) == 0 {
			to = w.pick("%{p}", "%{d2}")
		}
		terms = append(terms, "redirect="+to)
	case 3:
		terms = append(terms, "exp=e.example", "-all")
	default:
		terms = append(terms, w.pick("-all", "~all", "?all", "-all", "~all"))
	}
	if w.wild && w.IntN(10) == 0 {
		terms = append(terms, "x=y")
	}
	return strings.Join(terms, " ")
}

func (w *wood) zone() string {
	line := func(format string, args ...any) { fmt.Fprintf(&w.b, format+"\n", args...) }
	line(`flat.example. TXT "v=spf1 ip4:192.0.2.48/30 ip6:2001:db8::30/124 -all"`)
	line(`two.example. TXT "v=spf1 -all"` + "\n" + `two.example. TXT "v=spf1 ~all"`)
	line(`bad.example. TXT "v=spf1 ip4:1.2.3 -all"`)
	line(`slow.example. * !timeout`)
	line(`no.example. TXT "nothing"`)
	line(`e.example. TXT "why %%{d}"`)
	line("x.example. A 127.0.0.2")
	for i := range 9 {
		line("192.0.2.%d.x.example. A 127.0.0.2", i*7)
	}
	for i := range 12 {
		line("many.example. MX %d m%d.example.", i, i)
	}
	for i := range 6 {
		for range w.IntN(3) {
			line("h%d.example. A %s", i, w.addr4())
		}
		for range w.IntN(2) {
			line("h%d.example. AAAA %s", i, w.addr6())
		}
		for range w.IntN(3) {
			line("h%d.example. MX 10 h%d.example.", i, w.IntN(6))
		}
	}
	line(`acme.example. TXT "%s"`, w.record(-1))
	line("acme.example. A %s", w.addr4())
	line("acme.example. MX 10 h0.example.")
	for i := range w.names {
		line(`n%d.example. TXT "%s"`, i, w.record(i))
		line(`r.n%d.example. TXT "v=spf1 a:h1.example exists:%%{i}.%%{d2} ?all"`, i)
		if w.IntN(2) == 0 {
			line("n%d.example. A %s\nn%d.example. MX 5 h1.example.", i, w.addr4(), i)
			line("192.0.2.%d.n%d.example. A 127.0.0.2", w.IntN(64), i)
		}
	}
	for range 40 { // who the clients say they are; not all of it is true
		name, other := "", fmt.Sprintf("n%d.example", w.IntN(w.names))
		name = w.pick("acme.example", "m.acme.example", other, other, "m."+other, "m."+other, "h0.example", "out.example")
		ip, t := w.addr4(), "A"
		if w.IntN(3) == 0 {
			ip, t = w.addr6(), "AAAA"
		}
		line("%s. PTR %s.", reverse(netip.MustParseAddr(ip)), name)
		if w.IntN(5) > 0 {
			line("%s. %s %s", name, t, ip)
		}
		if w.IntN(2) == 0 {
			line("%s.x.example. A 127.0.0.2", name)
		}
	}
	return w.b.String()
}

// clients are all addresses of the small space, and some outside.
func clients() (all []netip.Addr) {
	for i := range 80 {
		all = append(all, netip.MustParseAddr(fmt.Sprintf("192.0.2.%d", i)), netip.MustParseAddr(fmt.Sprintf("2001:db8::%x", i)))
	}
	for _, s := range []string{"192.0.1.255", "0.0.0.0", "255.255.255.255", "::", "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "127.0.0.1"} {
		all = append(all, netip.MustParseAddr(s))
	}
	return all
}

// flattenedLikeBefore flattens the record of a made-up zone and holds every client's result
// against that of before.
func flattenedLikeBefore(t *testing.T, seed uint64) (replaced, kept, helpers int) {
	t.Helper()
	w := &wood{Rand: rand.New(rand.NewPCG(seed, 7)), wild: seed%3 == 0, odd: seed%5 < 2, names: 2 + int(seed%6)}
	zone := w.zone()
	before := dnstest.Must(zone)
	facts, err := spf.Discover(context.Background(), before, "acme.example", spf.Options{})
	require.NoError(t, err)
	o := spf.FlattenOptions{Size: []int{450, 110, 70}[seed%3]}
	if seed%4 == 0 {
		o.Keep = []string{"n1.example", "*.h1.example", "h2.example"}
	}
	if seed%7 == 0 {
		o.Only = []string{"n0.example", "n2.example", "acme.example"}
	}
	plan, err := spf.Flatten(spf.Analyze(facts), o)
	require.NoError(t, err, zone)
	for _, p := range plan.Problems {
		require.NotContains(t, p.String(), "would not mean the same", zone)
	}
	var lines strings.Builder
	own := plan.Draft()
	if own == nil {
		return 0, 0, 0
	}
	for line := range strings.Lines(zone) {
		if !strings.HasPrefix(line, "acme.example. TXT") {
			lines.WriteString(line)
		}
	}
	for _, r := range own {
		lines.WriteString(dnsx.NewTXT(r.Name, 60, r.Text).String() + "\n")
		require.True(t, r.Name == "acme.example" || r.Octets <= o.Size, "%s has %d octets", r.Name, r.Octets)
	}
	after := dnstest.Must(lines.String())
	for _, ip := range clients() {
		was, is := (&reference{r: before, ip: ip}).check("acme.example"), (&reference{r: after, ip: ip}).check("acme.example")
		if was != is {
			t.Fatalf("seed %d, %s: %s became %s\nfrom %s\nto   %v\n%s", seed, ip, was, is, plan.Source, own, zone)
		}
		s := spf.Session{IP: ip, MailFrom: "user@acme.example", Helo: "helo.example"}
		checker := spf.Checker{MaxVoids: -1}
		v, err := checker.CheckHost(context.Background(), after, s)
		require.NoError(t, err)
		if v.Result != was && (v.Problem == nil || v.Problem.Kind != spf.ProblemLookups) {
			t.Fatalf("seed %d, %s: %s became %s, evaluated\nfrom %s\nto   %v\n%s", seed, ip, was, v.Result, plan.Source, own, zone)
		}
		if v.Result == spf.Fail && was == spf.Fail {
			old, err := checker.CheckHost(context.Background(), before, s)
			require.NoError(t, err)
			if old.Result == spf.Fail && old.Explanation != v.Explanation {
				t.Fatalf("seed %d, %s: %q became %q", seed, ip, old.Explanation, v.Explanation)
			}
		}
	}
	return len(plan.Replaced), len(plan.Kept), len(own) - 1
}

func TestFlattenChangesNoResult(t *testing.T) {
	replaced, kept, helpers := 0, 0, 0
	for seed := range uint64(150) {
		r, k, h := flattenedLikeBefore(t, seed)
		replaced, kept, helpers = replaced+r, kept+k, helpers+h
	}
	require.Positive(t, helpers)
	t.Logf("%d terms replaced, %d kept, %d helper records", replaced, kept, helpers)
}

func FuzzFlatten(f *testing.F) {
	for seed := range uint64(6) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) { flattenedLikeBefore(t, seed) })
}
