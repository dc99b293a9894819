package main

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/spf"
)

var classes = []class{
	{
		id: "identity", peers: []string{pyspf, mailspf, goPeer}, section: "4.3",
		why: "they ask for domains that are malformed or have one label alone, which is none",
		is:  func(t *trial, _ said) bool { return problem(t, spf.ProblemIdentity) && malformed(domainOf(t.session)) },
	},
	{
		id: "one-label-target", peers: []string{pyspf, mailspf, goPeer}, section: "4.3, 5.2, 6.1",
		why: "they evaluate records at one label for include and redirect; it is none there, so permerror",
		is: func(t *trial, x said) bool {
			return problem(t, spf.ProblemName) && strings.HasSuffix(t.ours.Problem.Reason.String(), "has one label alone")
		},
	},
	{
		id: "voids-of-hosts", peers: []string{pyspf, mailspf}, section: "4.6.4",
		both: true,
		why:  "they count each host and name of the client that has no address; the text counts terms",
		is: func(t *trial, x said) bool {
			return x.Result == "permerror" && mentions(x, "void") && t.ours.Result != spf.PermError && t.ours.Voids+voidHosts(t)*askers(t) > 2
		},
	},
	{
		id: "ptr-fails", peers: []string{pyspf, mailspf}, section: "5.5",
		why: "an error of the PTR lookup is no match, not temperror",
		is: func(t *trial, x said) bool {
			return x.Result == "temperror" && t.world.ptrs == -2 && mentions(x, ".arpa")
		},
	},
	{
		id: "faults-not-reached", peers: []string{goPeer}, section: "4.6",
		why: "it reads a record term by term, and does not see faults behind the one that decides",
		as:  without(),
	},
	{
		id: "R", peers: []string{pyspf, mailspf}, section: "7.1, RFC 5234 2.3",
		same: true,
		why:  "r may be upper case, as all letters of the grammar",
		edit: func(c *change) { c.texts(replacer(`(`+anyLabel+`[0-9]*)R`, "${1}r")) },
	},
	{
		id: "U-labels", peers: []string{pyspf, mailspf, goPeer}, section: "RFC 8616, 4",
		same: true,
		why:  "U-labels become A-labels before anything else",
		edit: func(c *change) {
			c.domain(aLabels.Replace)
			c.session.Helo = aLabels.Replace(c.session.Helo)
		},
	},
	{
		id: "local-not-ascii", peers: []string{pyspf, mailspf, goPeer}, section: "RFC 8616, 4",
		why: "terms with such a local part do not match",
		edit: func(c *change) {
			c.local(func(s string) string {
				if utf8.RuneCountInString(s) < len(s) {
					return "user"
				}
				return s
			})
		},
	},
	{
		id: "backslash", peers: []string{pyspf, mailspf, goPeer}, section: "7.1; RFC 1035, 5.1",
		why: "a backslash is an octet of a record; the escapes of master files are not known there",
		edit: func(c *change) {
			c.local(func(s string) string { return strings.ReplaceAll(s, `\`, "") })
			c.texts(func(s string) string { return strings.ReplaceAll(s, `\`, "") })
		},
	},
	{
		id: "no-local-part", peers: []string{pyspf, mailspf, goPeer}, section: "4.3",
		same: true,
		why:  "where there is no local part it is postmaster, in %{s} and %{l} too",
		edit: func(c *change) {
			s := &c.session
			switch {
			case s.Sender == "" && s.Helo != "":
				s.Sender = "postmaster@" + s.Helo
			case strings.HasPrefix(s.Sender, "@"):
				s.Sender = "postmaster" + s.Sender
			case !strings.Contains(s.Sender, "@"):
				s.Sender = "postmaster@" + s.Sender
			}
		},
	},
	{
		id: "quoted-at", peers: []string{pyspf, goPeer}, section: "4.1; RFC 5321, 4.1.2",
		why:  "the domain is behind the last @, a quoted local part may have others",
		edit: func(c *change) { c.local(func(s string) string { return strings.ReplaceAll(s, "@", "") }) },
	},
	{
		id: "dot-of-sender", peers: []string{pyspf, mailspf, goPeer}, section: "4.3",
		same: true,
		why:  "the dot of the root is no part of a domain",
		edit: func(c *change) { c.domain(func(s string) string { return strings.TrimSuffix(s, ".") }) },
	},
	{
		id: "odd-names", peers: []string{goPeer}, section: "7.3; RFC 2181, 11",
		why: "the resolver of package net refuses names that are no host names, and finds nothing",
		edit: func(c *change) {
			c.local(plainLetters)
			c.session.Helo = plainLetters(c.session.Helo)
			c.texts(ofRecords(func(s string) string {
				return plainTargets(oddLiterals(strings.NewReplacer("%{s", "%{l", "%{S", "%{L").Replace(s)))
			}))
		},
	},
	{
		id: "digits", peers: []string{goPeer}, section: "7.1",
		same: true,
		why:  "the number of parts has no bound",
		edit: func(c *change) { c.texts(replacer(`9{8,}`, "9")) },
	},
	{
		id: "p", peers: []string{pyspf, mailspf, goPeer}, section: "7.3",
		both: true,
		why:  "%{p}: blitiri has it unknown; others ask for it beforehand, count it elsewhere, or stop on errors",
		edit: func(c *change) { c.texts(replacer(`%\{[pP]`, "%{v")) },
	},
	{
		id: "capital-macros", peers: []string{mailspf}, section: "7.3",
		why: "it makes terms lower case, and does not escape what capital letters stand for",
		edit: func(c *change) {
			c.texts(ofRecords(func(s string) string {
				return capitals.ReplaceAllStringFunc(s, strings.ToLower)
			}))
		},
	},
	{
		id: "delimiters-alone", peers: []string{mailspf}, section: "7.3",
		why:  "delimiters split where neither digits nor r stand, too",
		edit: func(c *change) { c.texts(replacer(`(`+anyLabel+`)[-.+,/_=]+\}`, "${1}}")) },
	},
	{
		id: "empty-parts", peers: []string{mailspf, goPeer}, section: "7.3",
		why: "there is no special treatment of leading, trailing or consecutive delimiters",
		edit: func(c *change) {
			c.local(func(s string) string {
				if strings.HasPrefix(s, ".") || strings.HasSuffix(s, ".") || strings.Contains(s, "--") || strings.HasPrefix(s, "-") {
					return "user"
				}
				return s
			})
			c.session.Helo = strings.TrimSuffix(c.session.Helo, ".")
			c.texts(replacer(`(`+anyLabel+`[0-9]*[rR]?)[-.+,/_=]+\}`, "${1}}"))
		},
	},
	{
		id: "numbers-alone", peers: []string{pyspf, mailspf, goPeer}, section: "4.3",
		why: "four numbers are a name with four labels; resolvers take them for an address",
		is:  func(t *trial, _ said) bool { return fourNumbers.MatchString(domainOf(t.session)) },
	},
	{
		id: "hosts", peers: []string{mailspf}, section: "4.6.4",
		why: "more than ten hosts of an mx are a permerror; it takes the first ten (RFC 4408)",
		is:  func(t *trial, _ said) bool { return problem(t, spf.ProblemHosts) },
	},
	{
		id: "no-name", peers: []string{pyspf, mailspf}, section: "4.3, 4.8, 7.3",
		why: "its DNS library throws an exception at names that are none, or too long",
		is: func(t *trial, x said) bool {
			return x.Result == exception && (mentions(x, "NameTooLong") || mentions(x, "label too long") || mentions(x, "empty label") || mentions(x, "LabelTooLong") || mentions(x, "EmptyLabel"))
		},
	},
	{
		id: "client-name-fails", peers: []string{pyspf}, section: "5.5",
		why: "a name of the client of which the address lookup fails is passed over",
		is: func(t *trial, x said) bool {
			return x.Result == "temperror" && failing(t, x, dnsx.TypePTR)
		},
	},
	{
		id: "mx-host-fails", peers: []string{pyspf, mailspf, goPeer}, section: "5, 5.4",
		both: true,
		why:  "hosts have no order here: one that matches is a match although another cannot be asked; they stop",
		is: func(t *trial, x said) bool {
			matched := slices.ContainsFunc(t.ours.Trace, func(e spf.Event) bool {
				return e.Outcome == "match" && strings.HasPrefix(strings.ToLower(strings.TrimLeft(e.Term, "+-~?")), "mx")
			})
			return matched && x.Result == "temperror" && failing(t, x, dnsx.TypeMX)
		},
	},
	{
		id: "refused", peers: []string{goPeer}, section: "2.6.6, 4.4, 5",
		why: "each RCODE but 0 and 3 is a temperror; with package net REFUSED is not temporary",
		is: func(t *trial, x said) bool {
			return t.ours.Result == spf.TempError && x.Result == "permerror" && mentions(x, "misbehaving") && strings.Contains(t.ours.Problem.String(), "REFUSED")
		},
	},
	{
		id: "include-itself", peers: []string{pyspf}, section: "4.6.4, 5.2",
		why: "it refuses such a record, which only comes to the limit of lookups if nothing matches before",
		is:  func(t *trial, x said) bool { return x.Result == "permerror" && mentions(x, "trivial recursion") },
	},
	{
		id: "voids-not-counted", peers: []string{pyspf, mailspf, goPeer}, section: "4.6.4",
		why:  "they do not count PTR lookups, names that are none, and what is only behind an alias or of the other family",
		with: &spf.Checker{MaxVoids: -1},
	},
	{
		id: "explanation-octets", peers: []string{pyspf, mailspf}, section: "6.2, 7.1",
		why: "what is no visible ASCII or blank is a syntax error of an explanation",
		is: func(t *trial, x said) bool {
			return t.ours.Result == spf.Fail && x.Result == "fail" && t.ours.Explanation == "" && oddExplanation(t)
		},
	},
	{
		id: "explanation-length", peers: []string{pyspf, mailspf}, section: "6.2",
		both: true,
		why:  "an implementation may limit the length, and mailcheck does",
		is: func(t *trial, x said) bool {
			return x.Result == "fail" && len(t.ours.Explanation) == spf.MaxExplanation && len(x.Explanation) > spf.MaxExplanation &&
				strings.EqualFold(times.ReplaceAllString(x.Explanation, "1234567890")[:spf.MaxExplanation], times.ReplaceAllString(t.ours.Explanation, "1234567890"))
		},
	},
	{
		id: "macro-faults", peers: []string{pyspf, mailspf}, section: "7.1, 7.3",
		why: "they do not see all faults of a macro, or only when they come to it: 0 parts, letters among the delimiters",
		edit: func(c *change) {
			c.texts(without(spf.FaultMacro, spf.FaultMacroLetter))
			c.texts(replacer(`([^%])(%|%\{|%\{x\}|%\{d|%\(d\)|%\{d0\}|%\{\}|%\{dd\}|%\{d\.2\})$`, "$1"))
		},
	},
	{
		id: "mapped-networks", peers: []string{mailspf, goPeer}, section: "5",
		why:  "IPv4 addresses are listed with ip4 alone; they match ip6:::ffff:0:0/96 for them",
		edit: func(c *change) { c.texts(replacer(`(?i)ip6:::(ffff:[0-9a-f.:]*/[0-9]+|/0)`, "ip6:fe80::1")) },
	},
	{
		id: "names-of-modifiers", peers: []string{pyspf}, section: "4.6.1",
		same: true,
		why:  "names of modifiers have no case",
		edit: func(c *change) {
			c.texts(ofRecords(func(s string) string {
				return modifierNames.ReplaceAllStringFunc(s, strings.ToLower)
			}))
		},
	},
	{
		id: "redirect-counted", peers: []string{pyspf, mailspf}, section: "4.6.4, 6.1",
		why:  "they count redirect where a mechanism matches and it is not used",
		edit: func(c *change) { c.texts(ofRecords(replacer(`(?i) redirect=\S*`, ""))) },
	},
	{
		id: "percent-signs", peers: []string{pyspf}, section: "7.1",
		why:  "%% may end a term, and a percent sign in the name of a record is no macro",
		edit: func(c *change) { c.texts(replacer(`%[%_-]`, "x")) },
	},
	{
		id: "long-labels", peers: []string{mailspf}, section: "4.3, 4.8",
		why: "it cuts labels to 63 octets; a name with longer ones is none",
		edit: func(c *change) {
			c.local(func(s string) string {
				if len(s) >= 60 {
					return "user"
				}
				return s
			})
			c.texts(replacer(`z{60,}`, "z"))
		},
	},
	{
		id: "long-names", peers: []string{pyspf, goPeer}, section: "7.3",
		why: "labels are taken from the left until 253 octets are left; pyspf takes one, blitiri none",
		edit: func(c *change) {
			c.local(func(s string) string {
				if len(s) >= 60 {
					return "user"
				}
				return s
			})
			c.texts(replacer(`w{49}\.`, ""))
		},
	},
	{
		id: "slashes", peers: []string{goPeer}, section: "7.1",
		why: "a slash may stand in a macro-string, and among the delimiters of a macro",
		edit: func(c *change) {
			c.texts(replacer(`/%\{`, "%{"))
			c.texts(func(s string) string {
				return inMacro.ReplaceAllStringFunc(s, func(m string) string { return strings.ReplaceAll(m, "/", "") })
			})
		},
	},
	{
		id: "no-helo", peers: []string{pyspf, mailspf, goPeer}, section: "7.2",
		why: "nothing was said in HELO: Mail::SPF has it unknown, others end with an error",
		edit: func(c *change) {
			if c.session.Helo == "" {
				c.session.Helo = "mail.acme.example"
			}
		},
	},
	{
		id: "delimiters-kept", peers: []string{pyspf}, section: "7.3",
		why:  "parts are joined with dots; it does so for %{l} and %{s} alone",
		edit: func(c *change) { c.texts(replacer(`(%\{[odiphcrtvODIPHCRTV][0-9]*[rR]?)[-.+,/_=]+\}`, "${1}}")) },
	},
	{
		id: "letters-of-unknown-modifiers", peers: []string{pyspf}, section: "6",
		both: true,
		why:  "modifiers that nobody knows are ignored, whatever letters stand in them",
		is: func(t *trial, x said) bool {
			return mentions(x, "c,r,t macros allowed") && !problem(t, spf.ProblemSyntax)
		},
	},
	{
		id: "explanation-cut", peers: []string{pyspf}, section: "6.2, 7.3",
		why: "names are cut to 253 octets; it cuts explanations, too",
		is: func(t *trial, x said) bool {
			ours, theirs := times.ReplaceAllString(t.ours.Explanation, "T"), times.ReplaceAllString(x.Explanation, "T")
			_, rest, ok := strings.Cut(ours, ".")
			n := min(len(rest), len(theirs))
			return ok && len(t.ours.Explanation) > 253 && n > 100 && strings.EqualFold(rest[:n], theirs[:n])
		},
	},
	{
		id: "octets", peers: []string{pyspf}, section: "7.1",
		why:  "no control characters may stand in a record; it lets them pass in modifiers",
		edit: func(c *change) { c.texts(ofRecords(replacer(`[\x00-\x1f\x7f]`, ""))) },
	},
	{
		id: "colon-alone", peers: []string{mailspf}, section: "5.3, 5.4, 7.1",
		why:  "a colon without a name is a syntax error; it lets it pass before a slash",
		edit: func(c *change) { c.texts(ofRecords(replacer(`(?i)( [-+~?]?(?:a|mx)):/`, "$1/"))) },
	},
	{
		id: "one-family", peers: []string{goPeer}, section: "5, 5.3, 5.7",
		why: "package net asks for A and AAAA at once, and takes an error of one for none where the other has addresses",
		is: func(t *trial, x said) bool {
			for name := range t.world.nodes {
				if fails(t, name, dnsx.TypeA) != fails(t, name, dnsx.TypeAAAA) && (x.Result == "temperror" && mentions(x, name) || problem(t, spf.ProblemDNS) && strings.Contains(t.ours.Problem.String(), name)) {
					return true
				}
			}
			return false
		},
	},
	{
		id: "own-name", peers: []string{pyspf}, section: "4.8",
		why: "a term without a name means the domain, which need not be a domain-spec",
		is:  func(t *trial, x said) bool { return mentions(x, "use FQDN") && !problem(t, spf.ProblemSyntax) },
	},
	{
		id: "long-labels-of-macros", peers: []string{mailspf}, section: "4.3, 5.2",
		why: "it cuts labels to 63 octets; an include of such a name has none for a result, so it is a permerror",
		is: func(t *trial, x said) bool {
			return problem(t, spf.ProblemName) && strings.Contains(t.ours.Problem.String(), "over 63 octets") ||
				(strings.Contains(domainOf(t.session), strings.Repeat("x", 63)) || len(domainOf(t.session)) > 200) && macros(t)
		},
	},
	{
		id: "long-domain", peers: []string{pyspf, goPeer}, section: "7.3",
		why: "labels are taken from the left until 253 octets are left; pyspf takes one, blitiri none",
		is: func(t *trial, x said) bool {
			return len(domainOf(t.session)) > 200 && macros(t)
		},
	},
	{
		id: "terms-with-faults", peers: []string{goPeer}, section: "4.6, 7.1",
		why:  "it evaluates terms that the grammar does not have: names of one label, lengths with leading zeros",
		edit: func(c *change) { c.texts(without()) },
	},
	{
		id: "exists-alone", peers: []string{pyspf}, section: "5.7",
		why:  "exists has to have a name; it lets one with a qualifier and none pass",
		edit: func(c *change) { c.texts(ofRecords(replacer(`(?i) [-+~?]exists( |$)`, "$1"))) },
	},
	{
		id: "odd-names-of-records", peers: []string{goPeer}, section: "4.4; RFC 2181, 11",
		why: "the resolver of package net refuses names that are no host names: no record, where mailcheck reads one or asks in vain",
		is: func(t *trial, x said) bool {
			asked := t.ours.Problem != nil && oddName.MatchString(strings.TrimPrefix(t.ours.Problem.Reason.String(), "TXT "))
			return mentions(x, "no DNS record found") && (asked && problem(t, spf.ProblemDNS) || slices.ContainsFunc(t.ours.Trace, func(e spf.Event) bool { return oddName.MatchString(e.Name) }))
		},
	},
	{
		id: "p-unknown", peers: []string{goPeer}, section: "7.3",
		both: true,
		why:  "it never asks for the names of the client: %{p} is unknown",
		is: func(t *trial, _ said) bool {
			return slices.ContainsFunc(t.ours.Trace, func(e spf.Event) bool { return strings.Contains(strings.ToLower(e.Term), "%{p") })
		},
	},
	{
		id: "void-labels", peers: []string{goPeer}, section: "4.6.4, 4.8",
		why:  "package net does not find what is no name, which it counts as a lookup that found nothing",
		edit: func(c *change) { c.texts(replacer(`z{60,}`, "z")) },
	},
	{
		id: "masks", peers: []string{goPeer}, section: "7.1",
		why: "a slash may stand in a name; what stands behind it is a length only where it is digits at the end",
		is:  func(t *trial, x said) bool { return mentions(x, "invalid mask") && !problem(t, spf.ProblemSyntax) },
	},
}

// macros reports whether a record on the way to the result has some.
func macros(t *trial) bool {
	return slices.ContainsFunc(t.ours.Path, func(s spf.Step) bool { return strings.Contains(t.world.txt(s.Name), "%{") })
}

var (
	oddName       = mustMatch(`^[^ ]*[^ A-Za-z0-9._-]`)
	fourNumbers   = mustMatch(`^([0-9]+\.){3}[0-9]+$`)
	modifierNames = mustMatch(`(?i) (redirect|exp)=`)
)

// oddExplanation reports whether a text that is no record has octets that none may have.
func oddExplanation(t *trial) bool {
	for _, n := range t.world.nodes {
		for _, rr := range n.records[dnsx.TypeTXT] {
			if text := rr.Text(); !spf.IsRecord(text) && (strings.Contains(text, "\r") || strings.Contains(text, "\xc3")) {
				return true
			}
		}
	}
	return false
}

var (
	capitals  = mustMatch(`%\{[A-Z]`)
	notPlain  = mustMatch(`[^A-Za-z0-9.-]`)
	notTarget = mustMatch(`[^\x00A-Za-z0-9._/-]+`)
	inMacro   = mustMatch(`%\{[^}]*\}`)
	signs     = mustMatch(`%[%_-]`)
)

func plainLetters(s string) string { return notPlain.ReplaceAllString(s, "x") }

// plainTargets drops what no host name has from behind the first colon or equals sign
// of each term, but for macros.
func plainTargets(s string) string {
	terms := strings.Split(s, " ")
	for i, term := range terms {
		at := strings.IndexAny(term, ":=")
		if i == 0 || at < 0 || strings.HasPrefix(strings.ToLower(strings.TrimLeft(term, "+-~?")), "ip") {
			continue
		}
		target, kept := term[at+1:], inMacro.FindAllString(term[at+1:], -1)
		target = inMacro.ReplaceAllString(target, "\x00")
		target = strings.ReplaceAll(notTarget.ReplaceAllString(target, ""), "-.", ".")
		for _, m := range kept {
			target = strings.Replace(target, "\x00", m, 1)
		}
		terms[i] = term[:at+1] + target
	}
	return strings.Join(terms, " ")
}

// oddLiterals makes the labels plain that the generator puts into names.
func oddLiterals(s string) string {
	s = signs.ReplaceAllString(s, "")
	for _, odd := range []string{"@", "x/y.", "*.", "!.", `a"b.`, "(.", "a:b.", "a=b.", "#.", "'.", "a;b.", "a,b."} {
		s = strings.ReplaceAll(s, ":"+odd, ":q.")
		s = strings.ReplaceAll(s, "="+odd, "=q.")
	}
	return s
}

func mentions(x said, word string) bool {
	return strings.Contains(strings.ToLower(x.Reason), strings.ToLower(word))
}

// voidHosts counts the hosts of mx records and the names of the client that have no
// address of its family, and what was looked for to no purpose for a macro.
func voidHosts(t *trial) (n int) {
	family := dnsx.TypeA
	if t.world.ip.Unmap().Is6() {
		family = dnsx.TypeAAAA
	}
	w := t.world.edited(t.world.edit)
	for _, node := range t.world.nodes {
		for _, rr := range slices.Concat(node.records[dnsx.TypeMX], node.records[dnsx.TypePTR]) {
			host, _ := rr.Target()
			if rr.Type == dnsx.TypeMX {
				_, host, _ = rr.MX()
			}
			if a, err := w.Resolve(context.Background(), dnsx.Q(host, family)); err == nil && len(a.Records) == 0 {
				n++
			}
		}
	}
	return n
}

// askers counts the terms evaluated that ask for hosts or names, and an explanation,
// which may ask for names too.
func askers(t *trial) int {
	n := 1
	for _, e := range t.ours.Trace {
		term := strings.ToLower(strings.TrimLeft(e.Term, "+-~?"))
		if strings.HasPrefix(term, "mx") || strings.HasPrefix(term, "ptr") || strings.Contains(term, "%{p") {
			n++
		}
	}
	return n
}

// malformed is what RFC 7208, 4.3 has no policy for, or an address literal.
func malformed(domain string) bool {
	labels := strings.Split(strings.TrimSuffix(domain, "."), ".")
	return len(labels) < 2 || strings.ContainsAny(domain, ` "()<>[]:;@\,`) ||
		slices.ContainsFunc(labels, func(s string) bool { return s == "" || len(s) > 63 })
}
