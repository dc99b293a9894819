package main

import (
	"math/rand/v2"
	"strings"
)

var badTerms = []string{
	"ip4:1.2.3", "ip4:1.2.3.4/33", "ip4:1.2.3.4/", "ip4:1.2.3.4/00", "ip4:1.2.3.4/032", "ip4:1.2.3.04", "ip4:1.2.3.256", "ip4", "ip4:", "ip4:2001:db8::1", "ip4:1.2.3.4:25", "ip4:1.2.3.4//32", "ip4/32", "ip4:a.example", "ip4=1.2.3.4",
	"ip6:1.2.3.4", "ip6:2001:db8::/129", "ip6:2001:db8:::1", "ip6:2001:db8::g", "ip6", "ip6:", "ip6:2001:db8::1%eth0", "ip6:[2001:db8::1]", "ip6:12345::", "ip6:1:2:3:4:5:6:7:8:9", "ip6:1:2:3:4:5:6:7::", "ip6:2001:db8::/0x20", "ip6:::1.2.3", "ip6:2001:db8::/064",
	"a:", "a/", "a//", "a/33", "a//129", "a/24/64", "a//64/24", "a/24//", "a/a", "a:/24", "a:b", "a:b.1", "a:1.2.3.4", "a:b.-x", "a:b.x-", "a:b.example/", "a:b.example/33", "a:b.example//x", "a:b.example:25", "a=b.example", "a:b..example", "a:.b.example", "a:b.example..", "a:b.example/024", "a.", "a:b.c_d", "a:büro.example", "a:%{d}/24/24", "a:b.example/%{d}",
	"mx:", "mx/", "mx:/24", "mx//", "mx/24//", "mx:b", "mx=b.example", "mx:b.example/-1", "mx:@b.example", "mx:b.example/33",
	"ptr:", "ptr/24", "ptr:b", "ptr:b.example/24", "ptr=b.example", "ptr:%{",
	"exists", "exists:", "exists/24", "exists:b", "exists:b.example/24", "exists:%{d", "exists:%{x}.b.example", "exists:%{d0}.b.example", "exists:%{dd}.b.example", "exists:%{d.2}.b.example", "exists:%{d2rr}.b.example", "exists:%(d).b.example", "exists:%.b.example", "exists:b.example%", "exists:%{c}.b.example", "exists:%{r}.b.example", "exists:%{t}.b.example", "exists:%{}.b.example", "exists:%{d-2}.b.example", "exists:%{l;}.b.example", "exists:%{ d}.b.example", "exists:%{d}.", "exists:%{d}.1",
	"include", "include:", "include:b", "include=b.example", "include:b.example/24", "include:%{d", "include:localhost", "include:1.2.3.4", "include:@b.example", "include:%{x}",
	"all:", "all:b.example", "all/24", "all.", "-all.", "all=", "-all:x", "al", "alll", "--all", "-+all", "- all", "~ all", "-all,", "-all;", "-all\"", "–all", "all\u00a0",
	"redirect=", "redirect:b.example", "redirect", "redirect=b", "redirect=b.example/24", "-redirect=b.example", "redirect=%{d", "redirect=a.example redirect=b.example", "redirect=leaf.b.example REDIRECT=leaf.b.example",
	"exp=", "exp:b.example", "exp", "exp=b", "exp=%{d", "exp=why.b.example exp=why.x.test", "?exp=why.b.example", "exp=b.example/24",
	"moo", "moo:x", "moo/24", "moo=%", "moo=%{x}", "moo=%{d", "1moo=x", "-moo=x", "+moo", "_x=y", "moo:x=y", "=", "=x", ":", "/", "-", "+", "?", "v=spf1", "v=spf2", "ip:1.2.3.4", "ipv4:1.2.3.4", "prt", "mail", "mx.example", "https://x.example", "a:b.example,mx", "a;mx", "a\tmx", "a\r\n", "\x00", "\x7f", "moo=\x01", "moo=é", "\"a\"", "'a'", "<a>", "ip4:1.2.3.4,5.6.7.8", "ip4:1.2.3.4;-all", "mx-all", "a-all", "+", "include:_spf.b.example-all", "MOO=%{c}", "moo=%{C}", "moo=%{p}", "moo=a b",
}

// slip breaks a record, or tries to.
func slip(text string, r *rand.Rand) string {
	if r.IntN(4) > 0 {
		terms := strings.Split(text, " ")
		bad := pick(r, badTerms...)
		if r.IntN(5) == 0 {
			bad = qualified(r, bad)
		}
		return strings.Join(insert(terms, bad, r), " ")
	}
	const alphabet = " :/=%{}.,;-+~?_@\"\\\t()<>&!*0123456789aAzZ\x00\xff"
	b := []byte(text)
	for range 1 + r.IntN(2) {
		at := len("v=spf1 ")
		if len(b) <= at {
			return string(b) + " x"
		}
		at += r.IntN(len(b) - at)
		switch r.IntN(3) {
		case 0:
			b = append(b[:at:at], b[at+1:]...)
		case 1:
			b[at] = alphabet[r.IntN(len(alphabet))]
		default:
			b = append(b[:at:at], append([]byte{alphabet[r.IntN(len(alphabet))]}, b[at:]...)...)
		}
	}
	return string(b)
}
