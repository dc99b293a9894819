package main

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/spf"
)

// shortLabels makes the long ones short that the generator puts into names.
func shortLabels(c *change) {
	c.local(func(s string) string {
		if len(s) >= 60 {
			return "user"
		}
		return s
	})
	c.domain(func(s string) string { return longLabels.ReplaceAllString(s, "$1") })
	c.texts(replacer(`z{8,}`, "z"))
}

// numberModifiers gives modifiers that nobody knows names of their own.
func numberModifiers(s string) string {
	n := 0
	return modifiers.ReplaceAllStringFunc(s, func(m string) string {
		if modifierNames.MatchString(m) {
			return m
		}
		n++
		return m[:len(m)-1] + strconv.Itoa(n) + "="
	})
}

var (
	oddName       = mustMatch(`^[^ ]*[^ A-Za-z0-9._-]`)
	emptyLabel    = mustMatch(`^it leads to what is no domain name: "(\.|[^ ]*\.\.)`)
	digitsAlone   = mustMatch(`^[0-9]+$`)
	longLabels    = mustMatch(`([xy])[xy]{58,}`)
	modifiers     = mustMatch(` [A-Za-z][A-Za-z0-9_.-]*=`)
	modifierNames = mustMatch(`(?i) (redirect|exp)=`)
)

var (
	control    = mustMatch(`[\x00-\x1f\x7f]`)
	notVisible = mustMatch(`[^ -~]+`)
	ofLocal    = mustMatch(`%\{[sl]`)
	capitals   = mustMatch(`%\{[A-Z]`)
	notPlain   = mustMatch(`[^A-Za-z0-9.-]`)
	notTarget  = mustMatch(`[^\x00A-Za-z0-9._/-]+`)
	inMacro    = mustMatch(`%\{[^}]*\}`)
	signs      = mustMatch(`%[%_-]`)
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

// voidAnswers are those without a record that mailcheck was given for its terms: all but
// those for hosts and names of the client.
func voidAnswers(t *trial) (void []*dnsx.Answer) {
	w, below := t.world.again(), map[string]bool{}
	var mu sync.Mutex
	var names *dnsx.Answer // of the client, asked for once
	v, _ := patient.CheckHost(context.Background(), dnsx.ResolverFunc(func(ctx context.Context, q dnsx.Question) (*dnsx.Answer, error) {
		a, err := w.Resolve(ctx, q)
		if err != nil || q.Type == dnsx.TypeTXT {
			return a, err
		}
		mu.Lock()
		defer mu.Unlock()
		if q.Type == dnsx.TypePTR {
			names = a
		} else if len(a.Records) == 0 && !below[q.Name] {
			void = append(void, a)
		}
		for _, rr := range a.Records {
			if _, host, ok := rr.MX(); ok {
				below[host] = true
			} else if name, ok := rr.Target(); ok {
				below[name] = true
			}
		}
		return a, nil
	}), sessionOf(t.session))
	if names != nil && len(names.Records) == 0 {
		void = append(void, slices.Repeat([]*dnsx.Answer{names}, ptrTerms(v))...)
	}
	return void
}

// ptrTerms counts those that were evaluated.
func ptrTerms(v spf.Verdict) (n int) {
	for _, e := range v.Trace {
		if term := strings.ToLower(strings.TrimLeft(e.Term, "+-~?")); term == "ptr" || strings.HasPrefix(term, "ptr:") {
			n++
		}
	}
	return n
}

// voidHosts counts the hosts of mx records and the names of the client that have no
// address of its family, and what was looked for to no purpose for a macro.
func voidHosts(t *trial) (n int) {
	family := dnsx.TypeA
	if t.world.ip.Unmap().Is6() {
		family = dnsx.TypeAAAA
	}
	w := t.world.again()
	for _, node := range t.world.known() {
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
func askers(t *trial) (n int) {
	if t.ours.Result == spf.Fail {
		n++
	}
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
	return len(labels) < 2 || digitsAlone.MatchString(labels[len(labels)-1]) || strings.ContainsAny(domain, ` "()<>[]:;@\,`) ||
		slices.ContainsFunc(labels, func(s string) bool { return s == "" || len(s) > 63 })
}
