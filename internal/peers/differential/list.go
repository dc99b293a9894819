package main

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/spf"
)

var classes = []class{
	{
		id: "identity", peers: []string{pyspf, mailspf, goPeer}, section: "4.3, 4.8",
		why: "they ask for domains that are malformed, end in digits alone (7.1) or have one label, which is none",
		is:  func(t *trial, _ said) bool { return t.ours.Result == spf.None && malformed(domainOf(t.session)) },
	},
	{
		id: "target", peers: []string{pyspf, mailspf, goPeer}, section: "4.3, 4.8, 5.2, 6.1",
		why: "include and redirect of one label, of what ends in digits alone (7.1) or has an empty label are a permerror; they evaluate records there, or go on",
		is: func(t *trial, _ said) bool {
			name, rest, _ := strings.Cut(reason(t), " ")
			number := digitsAlone.MatchString(name[strings.LastIndexByte(name, '.')+1:])
			return problem(t, spf.ProblemName) &&
				(rest == "has one label alone" && !strings.Contains(name, ".") || rest == "ends in digits alone" && number || emptyLabel.MatchString(reason(t)))
		},
	},
	{
		id: "voids-of-hosts", peers: []string{pyspf, mailspf}, section: "4.6.4",
		both: true,
		why:  "they count each host and name of the client that has no address; the text counts terms",
		with: &spf.Checker{CountHosts: true},
	},
	{
		id: "voids-of-names", peers: []string{pyspf, mailspf}, section: "4.6.4, 5.5",
		both: true,
		why:  "the same, and they ask for names of the client that cannot match, or a name again that had no address",
		is: func(t *trial, x said) bool {
			return x.Result == "permerror" && mentions(x, "void") && t.ours.Result != spf.PermError && askers(t) > 0 && t.ours.Voids+voidHosts(t)*askers(t) > 2
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
		as:  func(w *world) { w.texts(without()) },
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
		same: true,
		why:  "terms with such a local part do not match, as if they were not there",
		edit: func(c *change) {
			local, _, ok := strings.Cut(c.session.Sender, "@")
			if !ok || utf8.RuneCountInString(local) == len(local) {
				return
			}
			c.texts(ofRecords(replacer(` [-+~?]?(?i:a|mx|ptr|exists|include):\S*%\{[slSL]\S*`, " a:other0.mail.example"))) // a lookup, and no match
			c.texts(ofRecords(replacer(` \S*%\{[slSL]\S*`, "")))
			c.texts(func(s string) string {
				if !spf.IsRecord(s) && ofLocal.MatchString(s) {
					return ""
				}
				return s
			})
		},
	},
	{
		id: "backslash", peers: []string{pyspf, mailspf}, section: "4.8, 7.1; RFC 1035, 5.1",
		spelt: true,
		why:   "a backslash is an octet of a record, and the escapes of master files are not known there; written twice their DNS libraries take it for one",
		edit: func(c *change) {
			c.local(func(s string) string { return strings.ReplaceAll(s, `\`, `\\`) })
			c.texts(ofRecords(func(s string) string { return strings.ReplaceAll(s, `\`, `\\`) }))
		},
	},
	{
		id: "backslash-left-out", peers: []string{pyspf, mailspf, goPeer}, section: "4.8, 7.1; RFC 1035, 5.1",
		why: "the same, where it comes into explanations or names of records, or is refused",
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
		id: "dot-of-sender", peers: []string{pyspf, mailspf, goPeer}, section: "4.3, 7.3",
		both: true,
		same: true,
		why:  "a dot at the end has to be accepted; %{o} and %{s} have none here, so that names that are made of them are names",
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
		id: "hosts", peers: []string{mailspf}, section: "4.6.4",
		why: "more than ten hosts of an mx are a permerror; it takes the first ten (RFC 4408)",
		as: func(w *world) {
			w.mail = func(_ *world, hosts []dnsx.RR) []dnsx.RR { return hosts[:min(10, len(hosts))] }
		},
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
		id: "mx-host-fails", peers: []string{pyspf, goPeer}, section: "5, 5.4",
		both: true,
		why:  "they ask for all hosts before they compare; one after the other, a host that matches comes before a later one that cannot be asked",
		as: func(w *world) {
			w.mail = func(w *world, hosts []dnsx.RR) []dnsx.RR { // those that fail are preferred
				for _, rr := range hosts {
					_, host, _ := rr.MX()
					if failsIn(w, host, dnsx.TypeA) || failsIn(w, host, dnsx.TypeAAAA) {
						copy(rr.Data, []byte{0, 0})
					}
				}
				return hosts
			}
		},
	},
	{
		id: "refused", peers: []string{goPeer}, section: "2.6.6, 4.4, 5",
		why: "each RCODE but 0 and 3 is a temperror; with package net SERVFAIL alone is temporary",
		is: func(t *trial, x said) bool {
			return t.ours.Result == spf.TempError && x.Result == "permerror" && mentions(x, "misbehaving") && problem(t, spf.ProblemDNS) && !strings.Contains(t.ours.Problem.String(), " got SERVFAIL ")
		},
	},
	{
		id: "include-itself", peers: []string{pyspf}, section: "4.6.4, 5.2",
		why: "it refuses such a record, which reaches the limit of lookups only where nothing matches before",
		is:  func(t *trial, x said) bool { return x.Result == "permerror" && mentions(x, "trivial recursion") },
	},
	{
		id: "voids-behind-aliases", peers: []string{mailspf}, section: "4.6.4",
		both: true,
		why:  "an alias that leads to nothing is an answer with a record in it; the text has an answer count of 0",
		with: &spf.Checker{MaxVoids: -1},
		only: func(t *trial, _ said) bool {
			void := voidAnswers(t)
			return len(void) == t.ours.Voids && slices.ContainsFunc(void, func(a *dnsx.Answer) bool { return len(a.Chain) > 0 })
		},
	},
	{
		id: "voids-of-ptr", peers: []string{goPeer}, section: "4.6.4",
		why:  "each ptr of a client without names is a void lookup, as terms are counted; it counts the first",
		with: &spf.Checker{MaxVoids: -1},
		only: func(t *trial, _ said) bool {
			return problem(t, spf.ProblemVoids) && (t.world.ptrs == 0 || t.world.ptrs == -1) && ptrTerms(t.ours) > 1
		},
	},
	{
		id: "voids-not-counted", peers: []string{pyspf, mailspf, goPeer}, section: "4.6.4",
		why:  "they find addresses of the other family, which were not asked for, or do not count names that are none for them",
		with: &spf.Checker{MaxVoids: -1},
		only: func(t *trial, _ said) bool { return len(voidAnswers(t)) == t.ours.Voids },
	},
	{
		id: "octets", peers: []string{pyspf, goPeer}, section: "4.6, 7.1",
		why: "no control characters may stand in a record; pyspf lets them pass in modifiers, blitiri behind the term that decides",
		edit: func(c *change) {
			c.texts(ofRecords(func(s string) string { return control.ReplaceAllString(s, "") }))
		},
	},
	{
		id: "explanation-octets", peers: []string{pyspf, mailspf}, section: "6.2, 7.1",
		why: "what is no visible ASCII or blank is a syntax error of an explanation",
		edit: func(c *change) {
			c.texts(func(s string) string {
				if spf.IsRecord(s) { // which may stand where an explanation is looked for
					return control.ReplaceAllString(s, "")
				}
				return notVisible.ReplaceAllString(s, "")
			})
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
		why: "they do not see all faults of a macro, or only when they reach it: 0 parts, letters among the delimiters",
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
		only: func(t *trial, x said) bool {
			return x.Result == "permerror" && (mentions(x, "limit (10)") || mentions(x, "too many DNS lookups")) && t.ours.Result != spf.PermError
		},
	},
	{
		id: "unknown-modifier-twice", peers: []string{pyspf}, section: "6",
		same: true,
		why:  "modifiers that nobody knows are ignored, as often as they stand; only redirect and exp may not stand twice",
		edit: func(c *change) { c.texts(ofRecords(numberModifiers)) },
	},
	{
		id: "percent-names", peers: []string{pyspf}, section: "4.8, 7.1",
		why: "the name of a record is not expanded again; it takes a percent sign there for a macro",
		is: func(t *trial, x said) bool {
			return mentions(x, "invalid-macro-char") && !problem(t, spf.ProblemSyntax) &&
				slices.ContainsFunc(t.ours.Trace, func(e spf.Event) bool { return strings.Contains(e.Name, "%") })
		},
	},
	{
		id: "digits-and-percent", peers: []string{mailspf}, section: "4.8, 7.1",
		why: "its DNS library takes digits before a percent sign for an address with a zone, and asks for the name of that",
		is: func(t *trial, _ said) bool {
			asked := t.world.known()
			for name := range asked {
				if digits, _, ok := strings.Cut(name, "%"); ok && digitsAlone.MatchString(digits) && asked[digits+".in-addr.arpa"] != nil {
					return true
				}
			}
			return false
		},
	},
	{
		id: "names-of-clients", peers: []string{pyspf}, section: "5.5, 7.3; RFC 4343",
		same: true,
		why:  "names have no case; it compares those that PTR records give as they are written",
		edit: func(c *change) { c.lower = true },
		only: func(t *trial, _ said) bool { return t.world.ptrs > 0 },
	},
	{
		id: "numbers", peers: []string{mailspf, goPeer}, section: "4.8, 7.1",
		why:  "%{i} alone is a name like others, for which there is no provision but that it is one; their DNS libraries take it for an address",
		edit: func(c *change) { c.texts(ofRecords(replacer(`([:=])%\{[iI]\}`, "${1}other0.mail.example"))) },
	},
	{
		id: "percent-signs", peers: []string{pyspf}, section: "7.1",
		why:  "%%, %_ and %- are what they stand for, once, and may end a term",
		edit: func(c *change) { c.texts(replacer(`%[%_-]`, "x")) },
	},
	{
		id: "long-labels", peers: []string{mailspf}, section: "4.3, 4.8",
		why:  "it cuts labels to 63 octets; a name with longer ones is none, and includes of it a permerror (5.2)",
		edit: shortLabels,
	},
	{
		id: "long-names", peers: []string{pyspf, goPeer}, section: "7.3",
		why: "labels are taken from the left until 253 octets are left; pyspf takes one, blitiri none",
		edit: func(c *change) {
			shortLabels(c)
			c.texts(replacer(`w{49}\.`, ""))
		},
	},
	{
		id: "slashes", peers: []string{goPeer}, section: "7.1",
		why: "a slash may stand in a macro-string, and among the delimiters of a macro",
		edit: func(c *change) {
			c.texts(replacer(`/(%?\{)`, "$1"))
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
		id: "colon-alone", peers: []string{mailspf}, section: "5.3, 5.4, 7.1",
		why:  "a colon without a name is a syntax error; it lets it pass before a slash",
		edit: func(c *change) { c.texts(ofRecords(replacer(`(?i)( [-+~?]?(?:a|mx)):/`, "$1/"))) },
	},
	{
		id: "one-family", peers: []string{goPeer}, section: "5, 5.3, 5.7",
		why: "package net asks for A and AAAA at once, and takes an error of one for none where the other has addresses",
		is: func(t *trial, x said) bool {
			for name := range t.world.known() {
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
		as:   func(w *world) { w.texts(replacer(`%\{[pP][^}]*\}`, "unknown")) },
	},
	{
		id: "void-labels", peers: []string{goPeer}, section: "4.6.4, 4.8",
		why:  "package net does not find what is no name, which it counts as a lookup that found nothing",
		edit: shortLabels,
	},
	{
		id: "masks", peers: []string{goPeer}, section: "7.1",
		why: "a slash may stand in a name; what stands behind it is a length only where it is digits at the end",
		is:  func(t *trial, x said) bool { return mentions(x, "invalid mask") && !problem(t, spf.ProblemSyntax) },
	},
}
