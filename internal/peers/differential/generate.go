package main

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"strings"

	"github.com/mailcheck-go/mailcheck/dnsx"
)

// session is what all are asked about.
type session struct {
	ID       int    `json:"id"`
	IP       string `json:"ip"`
	Sender   string `json:"sender"` // "" is the null reverse-path
	Helo     string `json:"helo"`
	Receiver string `json:"receiver"`
}

// makeCase makes a case of nothing but a seed and its number.
func makeCase(seed uint64, id int) (session, *world) {
	r := rand.New(rand.NewPCG(seed, uint64(id)))
	w := &world{seed: r.Uint64(), nodes: map[string]*node{}}
	w.ip = client(r)
	w.ptrs = pick(r, -1, 0, 1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 9, 10, 11, 12)
	if r.IntN(40) == 0 {
		w.ptrs = -2
	}
	domain := senderDomain(r)
	w.root = rootOf(domain)
	w.seen = w.root
	s := session{ID: id, IP: w.ip.String(), Helo: helo(r), Receiver: "mx.receiver.test"}
	switch n := r.IntN(100); {
	case n < 6:
		s.Helo = domain
	case n < 7:
		s.Sender = "@" + domain
	case n < 8:
		s.Sender = domain
	default:
		s.Sender = local(r) + "@" + domain
	}
	if r.IntN(6) == 0 {
		w.plan = limits(r)
	}
	if r.IntN(40) == 0 {
		w.odd = pick(r, "absent", "alias", "type", "code")
	}
	return s, w
}

func client(r *rand.Rand) netip.Addr {
	v4 := netip.AddrFrom4([4]byte{192, 0, 2, byte(r.IntN(256))})
	switch r.IntN(10) {
	case 0:
		return netip.AddrFrom16(v4.As16()) // IPv4-mapped
	case 1, 2, 3:
		b := netip.MustParseAddr("2001:db8:1:2::").As16()
		b[15], b[9], b[14] = byte(r.IntN(256)), byte(r.IntN(256)), byte(r.IntN(2))
		return netip.AddrFrom16(b)
	}
	return v4
}

func senderDomain(r *rand.Rand) string {
	switch n := r.IntN(200); {
	case n < 160:
		return pick(r, "acme.example", "mail.acme.example", "acme.example", "b.example", "a.b.c.d.e.acme.example")
	case n < 176:
		return pick(r, "ACME.Example", "Mail.aCME.example", "_x.acme.example", "123.acme.example", "xn--bcher-kva.example", "a-b.acme.example")
	case n < 178:
		return "acme.example."
	case n < 180:
		return strings.Repeat("x", 63) + ".acme.example"
	case n < 181: // 241 octets and 12 of ".example" and so on
		return strings.Repeat(strings.Repeat("y", 59)+".", 4) + pick(r, "example", "acme.example", "abcd.example", "abcde.example")
	case n < 183:
		return pick(r, "localhost", "example", "acme..example", ".acme.example", "acme.example..", strings.Repeat("x", 64)+".example")
	case n < 184:
		return pick(r, "bücher.example", "例え.example", "Bücher.example")
	case n < 185:
		return pick(r, "[192.0.2.7]", "[IPv6:2001:db8::7]", "192.0.2.7", "1.2.3.4")
	}
	return kindName(r)
}

// aLabels are those of the U-labels of senderDomain (RFC 5890, 2.3.2.1).
var aLabels = strings.NewReplacer("bücher", "xn--bcher-kva", "Bücher", "xn--bcher-kva", "例え", "xn--r8jz45g")

func local(r *rand.Rand) string {
	switch n := r.IntN(100); {
	case n < 78:
		return pick(r, "user", "strong-bad", "a.b.c", "first.last+tag", "User_Name", "x", "postmaster")
	case n < 88:
		return pick(r, "a-b+c,d/e_f=g", "..a..", ".user", "user.", "a--b", "-a-", "o'neil", "100%", "a%{d}b", "a~b!c#d$e", strings.Repeat("long.", 12)+"x")
	case n < 92:
		return pick(r, `"a b"`, `"a.b"`, `"a@b"`, `"a\"b"`, `"<x>"`)
	case n < 94:
		return pick(r, "用户", "jürgen", "jü.rgen")
	case n < 95:
		return strings.Repeat("a", 64)
	case n < 96:
		return strings.Repeat("ab.", 90) + "c"
	}
	return strconv.Itoa(r.IntN(1000))
}

func helo(r *rand.Rand) string {
	if r.IntN(4) > 0 {
		return pick(r, "mail.acme.example", "out.b.example", "OUT.b.example")
	}
	return pick(r, "localhost", "[192.0.2.7]", "a_b", "", "x.example.", "a b", "bücher.example", "%{d}")
}

var bases = []string{"acme.example", "b.example", "x.test"}

func base(r *rand.Rand) string { return pick(r, bases...) }

// kindName is a name that the world has something to say about.
func kindName(r *rand.Rand) string {
	kind, n := kindOf("n", r)
	if r.IntN(3) == 0 {
		kind = "n"
	}
	if kind == "mx" && r.IntN(5) == 0 {
		n = pick(r, 9, 10, 10, 11, 12)
	}
	if kind == "cname" && r.IntN(4) == 0 {
		n = pick(r, 5, 6, 9)
	}
	return kind + strconv.Itoa(n) + "." + base(r)
}

// records gives a name its TXT records.
func (w *world) records(n *node, name, kind string, number int, r *rand.Rand) {
	split := w.random(name + " strings")
	if name == w.root {
		split = w.random(w.seen + " strings")
	}
	one := func(text string) {
		if w.edit != nil {
			text = w.edit(text)
		}
		n.add(rr(name, dnsx.TypeTXT, characterStrings(text, split)))
	}
	if r.IntN(8) == 0 || kind == "two" && r.IntN(2) == 0 {
		one(pick(r, "some-verification=abc", "v=spf10 -all", "v=spf2.0/pra -all", "v=spf1;-all", "v=spf1\t-all", " v=spf1 -all", "v=spf", "caf\xe9", "v=DMARC1; p=none", ""))
	}
	switch kind {
	case "root":
		if w.odd == "type" { // that nobody asks for any more (RFC 7208, 3.1)
			n.add(rr(name, dnsx.TypeSPF, characterStrings("v=spf1 +all", r)))
			return
		}
		text := w.plan
		if text == "" {
			text = record(r, 6)
			if r.IntN(10) == 0 {
				text = slip(text, r)
			}
		}
		switch r.IntN(60) {
		case 0:
			return
		case 1:
			one("v=spf1 -all")
		case 2:
			n.faults[dnsx.TypeTXT] = dnsx.ServFail
		case 3:
			n.add(rr(name, dnsx.TypeSPF, characterStrings("v=spf1 +all", r)))
		}
		one(text)
	case "none":
	case "two":
		one("v=spf1 " + pick(r, "-all", "+all"))
		one(pick(r, "v=spf1 -all", "V=SPF1 ?all", "v=spf1"))
	case "open":
		one("v=spf1 +all")
	case "loop":
		to := name
		if strings.Contains(name, `\`) {
			to = "loop1.b.example" // a record has no escapes
		}
		one(pick(r, "v=spf1 include:"+to+" -all", "v=spf1 redirect="+to, "v=spf1 a:other.x.test include:%{d} -all", "v=spf1 redirect=%{d}"))
	case "leaf", "other", "near", "family":
		one("v=spf1 " + networks(r) + pick(r, "-all", "-all", "~all", "?all", "", "+all"))
	case "fan":
		var b strings.Builder
		for i := range number {
			fmt.Fprintf(&b, "%s:other%d.%s ", pick(r, "a", "a", "exists", "mx"), i, base(r))
		}
		one("v=spf1 " + strings.ReplaceAll(b.String(), "exists:other", "a:other") + pick(r, "-all", "~all", ""))
	case "why":
		one(explanation(r))
		if r.IntN(12) == 0 {
			one("more")
		}
	case "broken":
		one(slip(record(r, 2), r))
	case "odd":
		one(pick(r, "v=spf1", "V=SPF1 +ALL", "v=spf1   -all  ", "v=spf1 ", "v=SPF1 ?ALL exp=none.x.test"))
	default:
		one(record(r, 3))
	}
}

// characterStrings splits a text at random places; most stay whole.
func characterStrings(text string, r *rand.Rand) []byte {
	var data []byte
	for {
		n := min(len(text), 255)
		if n > 0 && r.IntN(12) == 0 {
			n = r.IntN(n + 1)
		}
		data = append(append(data, byte(n)), text[:n]...)
		if text = text[n:]; text == "" {
			return data
		}
	}
}

func networks(r *rand.Rand) string {
	var b strings.Builder
	for range r.IntN(3) {
		b.WriteString(network(r) + " ")
	}
	return b.String()
}

func network(r *rand.Rand) string {
	switch r.IntN(12) {
	case 0:
		return fmt.Sprintf("ip4:192.0.2.%d/%d", r.IntN(256), 24+r.IntN(9))
	case 1:
		return fmt.Sprintf("ip6:2001:db8:1:2::/%d", 60+r.IntN(69))
	case 2:
		return pick(r, "ip4:0.0.0.0/0", "ip4:192.0.2.0", "ip6:2001:DB8:1:2:0::1", "ip4:192.0.2.7/0", "ip6:2001:db8::192.0.2.1/32")
	case 3:
		if r.IntN(3) == 0 {
			return pick(r, "ip6:::/0", "ip6:::ffff:192.0.2.0/120", "ip6:::ffff:c000:200/120", "ip6:::ffff:0:0/96")
		}
	}
	return pick(r, "ip4:198.51.100.0/24", "ip4:10.0.0.1", "ip6:2001:db8:ff::/48", "IP4:203.0.113.7", "ip6:fe80::1")
}

func qualified(r *rand.Rand, term string) string {
	return pick(r, "", "", "", "", "", "+", "-", "~", "?") + term
}

func record(r *rand.Rand, most int) string {
	terms := []string{pick(r, "v=spf1", "v=spf1", "v=spf1", "V=spf1", "v=SPF1")}
	for range r.IntN(most + 1) {
		terms = append(terms, qualified(r, mechanism(r)))
	}
	switch n := r.IntN(20); {
	case n < 13:
		terms = append(terms, pick(r, "-", "-", "-", "-", "~", "?", "+", "")+pick(r, "all", "all", "all", "ALL", "aLl"))
	case n < 16:
		terms = append(terms, capital(r, "redirect")+"="+domainSpec(r))
	}
	if r.IntN(3) == 0 {
		terms = insert(terms, capital(r, "exp")+"="+pick(r, "why"+strconv.Itoa(r.IntN(9))+"."+base(r), "why"+strconv.Itoa(r.IntN(9))+"."+base(r), "why1.%{d}", domainSpec(r)), r)
	}
	if r.IntN(12) == 0 {
		terms = insert(terms, pick(r, "moo=x", "moo=", "x-y_z.1=%{d}/%%", "default=-all", "op=auth", "accredit=%{s}", "match.sub=a:b", "ra=postmaster", "moo=x:y/z"), r)
	}
	if r.IntN(15) == 0 {
		terms = insert(terms, pick(r, "redirect=leaf1.b.example", "all", "?all", "-all"), r)
	}
	return strings.Join(terms, pick(r, " ", " ", " ", "  "))
}

// capital writes a few names otherwise.
func capital(r *rand.Rand, name string) string {
	if r.IntN(12) > 0 {
		return name
	}
	return pick(r, strings.ToUpper(name), strings.ToUpper(name[:1])+name[1:])
}

func insert(terms []string, term string, r *rand.Rand) []string {
	at := 1 + r.IntN(len(terms))
	return append(terms[:at:at], append([]string{term}, terms[at:]...)...)
}

func mechanism(r *rand.Rand) string {
	switch n := r.IntN(100); {
	case n < 22:
		return network(r)
	case n < 42:
		return pick(r, "a", "a", "a", "A") + optional(r) + lengths(r)
	case n < 54:
		return pick(r, "mx", "mx", "mx", "MX") + optional(r) + lengths(r)
	case n < 64:
		return pick(r, "ptr", "ptr", "PTR") + optional(r)
	case n < 78:
		return pick(r, "exists", "exists", "Exists") + ":" + domainSpec(r)
	}
	return pick(r, "include", "include", "Include") + ":" + domainSpec(r)
}

func optional(r *rand.Rand) string {
	if r.IntN(4) == 0 {
		return ""
	}
	return ":" + domainSpec(r)
}

func lengths(r *rand.Rand) string {
	switch r.IntN(10) {
	case 0:
		return fmt.Sprintf("/%d", 8+r.IntN(25))
	case 1:
		return fmt.Sprintf("//%d", 60+r.IntN(69))
	case 2:
		return fmt.Sprintf("/%d//%d", 16+r.IntN(17), 48+r.IntN(81))
	case 3:
		return pick(r, "/0", "//0", "/0//0", "/32", "//128")
	}
	return ""
}

func domainSpec(r *rand.Rand) string {
	name := kindName(r)
	switch n := r.IntN(200); {
	case n < 142:
		return name
	case n < 146:
		return name + "."
	case n < 152:
		return strings.ToUpper(name)
	case n < 155:
		return pick(r, "_spf.", "a_b.", "x/y.", "1.", "%%.", "a%_b.", "%-.", "*.", "!.", "a\"b.", "(.", "a\\b.", "a\\.b.", "a:b.", "a=b.", "#.", "'.", "a;b.", "a,b.") + name
	case n < 157:
		return strings.Repeat("z", pick(r, 62, 63, 64)) + "." + name
	case n < 160:
		return strings.Repeat("%{l}.", r.IntN(6)) + strings.Repeat(strings.Repeat("w", 49)+".", r.IntN(5)) + strings.Repeat("q", r.IntN(50)) + "." + name
	case n < 168:
		return pick(r, "%{d}", "%{o}", "%{d2}", "%{o1r}.x.test", "%{h}", "%{D}", "%{i}")
	case n < 171:
		return macroText(r, false) + "." + name + pick(r, "%{d}", "%{d1}", "%{dr}", "%%", "%_", "%-")
	}
	return macroText(r, false) + "." + pick(r, name, "x.test", "_spf.%{d}", "b.example", "%{d2}", "%{o}")
}

func macroText(r *rand.Rand, exp bool) string {
	var b strings.Builder
	for i := range 1 + r.IntN(3) {
		if i > 0 {
			b.WriteString(pick(r, ".", ".", ".", "-", "_"))
		}
		b.WriteString(macro(r, exp))
	}
	return b.String()
}

func macro(r *rand.Rand, exp bool) string {
	letters := "slodivhslodivhslodivhslodivhslodivhslodivhp"
	if exp {
		letters += "crtpcrtp"
	}
	letter := letters[r.IntN(len(letters)):][:1]
	if r.IntN(6) == 0 {
		letter = strings.ToUpper(letter)
	}
	b := "%{" + letter
	if r.IntN(3) == 0 {
		b += pick(r, "1", "1", "2", "2", "3", "3", "4", "9", "02", "128")
		if r.IntN(40) == 0 {
			b += "99999999999999999999"
		}
	}
	switch n := r.IntN(60); {
	case n < 20:
		b += "r"
	case n < 21:
		b += "R"
	}
	if r.IntN(8) == 0 {
		for range 1 + r.IntN(3) {
			b += pick(r, ".", "-", "+", ",", "/", "_", "=")
		}
	}
	return b + "}"
}

func explanation(r *rand.Rand) string {
	var b strings.Builder
	for range 1 + r.IntN(4) {
		b.WriteString(pick(r, "See http://", "not ", "%%", "%_", "%-", "a, b.", "(", "?s=", "/", " ", "%{d}", "%{S}", "%{I}", "%{c}"))
		b.WriteString(macro(r, true))
	}
	switch r.IntN(40) {
	case 0:
		return b.String() + pick(r, "%", "%{", "%{x}", "%{d", "%(d)", "%{d0}", "%{}", "%{dd}", "%{d.2}")
	case 1:
		return "caf\xc3\xa9 " + b.String()
	case 2:
		return ""
	case 3:
		return b.String() + "\r\nX: y"
	case 4:
		return strings.Repeat(b.String()+" ", 40)
	}
	return b.String()
}

// limits makes a record that comes near those of RFC 7208, 4.6.4, or to them, or past them.
func limits(r *rand.Rand) string {
	terms := []string{"v=spf1"}
	n := 0
	name := func(kind string) string { n++; return fmt.Sprintf("%s%d.%s", kind, n, base(r)) }
	switch r.IntN(4) {
	case 0: // lookups
		for want := 8 + r.IntN(5); want > 0; {
			switch r.IntN(6) {
			case 0:
				terms = append(terms, "mx:"+name("other"))
			case 1:
				if want > 3 {
					k := 1 + r.IntN(3)
					terms = append(terms, fmt.Sprintf("include:fan%d.%s", k, base(r)))
					want -= k
				}
			case 2:
				terms = append(terms, "include:"+name("leaf"))
			case 3:
				terms = append(terms, "exists:%{l}."+name("n"))
			default:
				terms = append(terms, "a:"+name("other"))
			}
			want--
		}
	case 1: // void lookups
		for range 1 + r.IntN(4) {
			term := pick(r, "a", "mx", "exists", "a") + ":" + name(pick(r, "void", "nodata"))
			if r.IntN(6) == 0 {
				term = pick(r, "a:", "exists:") + "%{l}." + name("void")
			}
			if r.IntN(8) == 0 {
				term = "ptr"
			}
			if r.IntN(8) == 0 {
				term = "mx:" + name("n")
			}
			terms = append(terms, term)
		}
	case 2: // hosts and names
		for range 1 + r.IntN(2) {
			terms = append(terms, pick(r, "ptr", "ptr:b.example", "mx:mx9.b.example", "mx:mx10.x.test", "mx:mx11.b.example", "mx:mx12.b.example"))
		}
	default: // chains
		terms = append(terms, pick(r, "include:cname1.b.example", "include:cname5.b.example", "a:cname9.b.example", "include:loop.b.example", "mx:cname3.b.example", "include:cname9.x.test", "a:cname2.x.test", "exists:cname4.b.example"))
	}
	terms = append(terms, pick(r, "-all", "-all", "~all", "?all", "+all", "redirect=leaf1.b.example", "redirect=n2.b.example"))
	return strings.Join(terms, " ")
}
