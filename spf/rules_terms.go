package spf

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
)

func ptr() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "spf.ptr",
			Severity: check.Medium,
			Title:    "The SPF record uses ptr",
			Text: "ptr asks for the names of every client, which is slow and fails when somebody else's DNS does. " +
				"The standard says not to publish it, and some large receivers ignore it.",
			Fix:   "Replace ptr by ip4, ip6 or a.",
			Cite:  []check.Cite{check.RFC(7208, "5.5")},
			Since: since,
		},
		Applies: hasRecord,
		Check: perNode(func(a *Analysis, n *Node) []check.Finding {
			for i := range n.terms {
				if t := &n.terms[i]; t.directive != nil && t.directive.Mechanism == PTR {
					return []check.Finding{a.finding(n, t.at, check.Textf("the record has %s", clip(t.text)))}
				}
			}
			return nil
		}),
	}
}

func macroP() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "spf.macro-p",
			Severity: check.Low,
			Title:    "The SPF record uses the macro %{p}",
			Text: "%{p} asks for the names of every client: slow, open to failures of somebody else's DNS, and one more lookup " +
				"for each term that has it. The standard says not to publish it.",
			Fix:   "Remove the macro, for example by naming addresses with ip4 and ip6.",
			Cite:  []check.Cite{check.RFC(7208, "7.3"), check.RFC(7208, "4.6.4")},
			Since: since,
		},
		Applies: hasRecord,
		Check: perNode(func(a *Analysis, n *Node) []check.Finding {
			for i := range n.terms {
				if t := &n.terms[i]; n.spec(t).has('p') {
					return []check.Finding{a.finding(n, t.at, check.Textf("%s has %%{p}", clip(t.text)))}
				}
			}
			return nil
		}),
	}
}

func duplicateTerm() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "spf.duplicate-term",
			Severity: check.Low,
			Title:    "The same term stands in the SPF record twice",
			Text:     "The second can never match, because the first did. Where it asks the DNS, it costs a lookup all the same.",
			Fix:      "Delete the second.",
			Cite:     []check.Cite{check.RFC(7208, "4.6.2"), check.RFC(7208, "10.1.1")},
			Since:    since,
		},
		Applies: hasRecord,
		Check: perNode(func(a *Analysis, n *Node) []check.Finding {
			seen := make(map[termKey]*nodeTerm, len(n.terms))
			return few(len(n.terms), func(i int) (f check.Finding, ok bool) {
				t := &n.terms[i]
				if t.directive == nil {
					return f, false
				}
				key := t.directive.key(n.Name)
				first := seen[key]
				if first == nil {
					seen[key] = t
					return f, false
				}
				f = a.finding(n, t.at, check.Textf("%s appears again", clip(t.text)))
				f.Fix = a.fix(n, check.Textf("Delete it"))
				if t.directive.Qualifier != first.directive.Qualifier {
					f.Detail = check.Textf("%s never decides: its clients are matched before by %s", clip(t.text), clip(first.text))
					f.Fix = fixText(check.Textf("Delete %s, which changes nothing; or delete %s if %s is meant", clip(t.text), clip(first.text), clip(t.text)))
				}
				return f, true
			})
		}),
	}
}

func broadRange(ipv4, ipv6 int) check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "spf.broad-range",
			Severity: check.High,
			Title:    "The SPF record passes a very large range of addresses",
			Text: "Everybody who controls one address of the range can send mail that SPF and DMARC authenticate as this domain's. " +
				"No one sender uses so many.",
			Fix:   "Name the addresses that send, or put ? in front of a range that others share.",
			Cite:  []check.Cite{check.RFC(9989, "7.1"), check.RFC(9989, "11.1"), check.RFC(7208, "11.4")},
			Since: since,
		},
		Applies: hasRecord,
		Check: perTerm(func(a *Analysis, n *Node, t *nodeTerm) (f check.Finding, ok bool) {
			d := t.directive
			if d == nil || d.Qualifier != Pass {
				return f, false
			}
			v4, v6 := d.widths()
			open := func(g termGap) bool { return g.directive == d && g.Why != check.Undecidable }
			if (v4 == 0 || v6 == 0) && slices.ContainsFunc(n.gaps, open) { // what is known is spf.all-pass
				return a.finding(n, t.at, check.Textf("%s passes every address if the name has one", clip(t.text))), true
			}
			broad4, broad6 := v4 > 0 && v4 < ipv4, v6 > 0 && v6 < ipv6
			if !broad4 && !broad6 {
				return f, false
			}
			f = a.finding(n, t.at, check.Textf("%s passes 2^%d addresses", clip(t.text), 128-v6))
			if broad4 {
				f.Detail = check.Textf("%s passes %d addresses", clip(t.text), 1<<(32-v4))
			}
			if v4 >= 8 || !broad4 && v6 >= 16 {
				f.Severity = check.Medium
			}
			return f, true
		}),
	}
}

func includeBroad(ipv4, ipv6 int) check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "spf.include-broad",
			Severity: check.Low,
			Title:    "An included SPF record passes a very large range of addresses",
			Text: "Everybody who controls one address of the range passes SPF as this domain. " +
				"Large mailbox providers need ranges of a hundred thousand addresses; one of more than a million, such as that of a whole hosting company, is shared with strangers.",
			Fix: "Ask the publisher of the included record for one with its own senders alone, put ? in front of the include and rely on DKIM, " +
				"or send through this service from a subdomain.",
			Cite:  []check.Cite{check.RFC(9989, "7.1"), check.RFC(9989, "11.1"), check.RFC(7208, "11.4")},
			Since: since,
		},
		Applies: hasRecord,
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			seen := map[Step]bool{} // one finding a term, however many ranges it brings
			return few(len(a.Authorized), func(i int) (f check.Finding, ok bool) {
				s, most := &a.Authorized[i], ipv6
				if s.Prefix.Addr().Is4() {
					most = ipv4
				}
				if s.Prefix.Bits() == 0 || s.Prefix.Bits() >= most {
					return f, false // a length of 0 is spf.include-pass-all
				}
				link, n := a.included(s)
				if link.Term == "" || seen[link] {
					return f, false
				}
				seen[link] = true
				return a.behind(n, n.placeOf(link.Term), s.Name, check.Textf("%s: %s in the record of %s passes 2^%d addresses", clip(link.Term), clip(s.Term), s.Name, s.Prefix.Addr().BitLen()-s.Prefix.Bits())), true
			}), a.answerGaps()
		},
	}
}

// included is the include in a record of Policy that brings a range, and that record;
// zero where the range is Policy's own.
func (a *Analysis) included(s *Source) (Step, *Node) {
	for k, n := range a.Policy {
		if k >= len(s.Path) || s.Path[k].Name != n.Name {
			break
		}
		if !strings.HasPrefix(s.Path[k].Term, nameRedirect+"=") {
			return s.Path[k], n
		}
	}
	return Step{}, nil
}

func includeTwice() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "spf.include-twice",
			Severity: check.Low,
			Title:    "The same SPF record is included more than once",
			Text: "Receivers evaluate the record each time they reach it: its lookups count again, and the second time it adds no sender. " +
				"So a record can pass the limit of 10 lookups without a new sender.",
			Fix:   "Remove the include that another one brings already.",
			Cite:  []check.Cite{check.RFC(7208, "4.6.4"), check.RFC(7208, "10.1.1")},
			Since: since,
		},
		Applies: hasRecord,
		Check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			var found []check.Finding
			for _, again := range a.repeated() {
				names := make([]string, 0, len(again))
				own := false
				for _, l := range again {
					names = append(names, l.In)
					own = own || slices.ContainsFunc(a.Policy, func(n *Node) bool { return n.Name == l.In })
				}
				node := a.Nodes[again[0].Target]
				own = own && !matchesAny(a.Keep, node.Name)
				f := a.finding(a.root, place{}, check.Textf("%s is included by %s; each time after the first costs lookups (%d) for nobody",
					node.Name, strings.Join(names, ", "), 1+node.Lookups))
				switch {
				case !own:
					f.Severity = check.Info // none of them is the domain's to remove, or it is wanted
				case a.drops(node):
					f.Fix = a.fix(a.root, check.Textf("Remove the include of %s: one before it asks that record already", node.Name))
				default:
					f.Fix = fixText(check.Textf("Remove the include of %s: another one asks that record too", node.Name))
				}
				found = append(found, f)
			}
			return found, append(unansweredOf(a.Gaps), a.policyGaps()...)
		},
	}
}

// drops reports that the domain's own record includes another that a term before has
// asked, which Repair takes out.
func (a *Analysis) drops(n *Node) bool {
	for i := range a.root.again(a.Keep) {
		if a.root.terms[i].link.node == n {
			return true
		}
	}
	return false
}

// repeated are the links that lead to one record from several others, which pass those
// whom it passes. A link that stands in a record twice is spf.duplicate-term's.
func (a *Analysis) repeated() [][]Link {
	if len(a.Links) < len(a.Nodes) { // a tree: each record is reached once
		return nil
	}
	in := map[string][]Link{}
	var order []string
	for _, l := range a.Links {
		if l.Target == "" || !l.Redirect && l.Qualifier != Pass ||
			slices.ContainsFunc(in[l.Target], func(o Link) bool { return o.In == l.In }) {
			continue
		}
		if in[l.Target] = append(in[l.Target], l); len(in[l.Target]) == 2 {
			order = append(order, l.Target)
		}
	}
	var all [][]Link
	for _, name := range order {
		if n := a.Nodes[name]; n != nil && n.Record != nil && !a.circular(name) {
			all = append(all, in[name][:min(len(in[name]), maxFindings)])
		}
	}
	return all
}

func (a *Analysis) circular(name string) bool {
	return slices.ContainsFunc(a.circles, func(c circle) bool { return slices.Contains(c, name) })
}

func hostBits() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "spf.host-bits",
			Severity: check.Low,
			Title:    "A range of the SPF record does not start at its first address",
			Text: "Receivers ignore the bits of the address behind the prefix length: the term matches the whole range around the address. " +
				"Where one host was meant, everybody else in the range may send too.",
			Fix:   "Leave out the prefix length where one address is meant; write the first address of the range where all of it is.",
			Cite:  []check.Cite{check.RFC(7208, "5.6")},
			Since: since,
		},
		Applies: hasRecord,
		Check: perTerm(func(a *Analysis, n *Node, t *nodeTerm) (f check.Finding, ok bool) {
			d := t.directive
			if d == nil || !d.Prefix.IsValid() || d.Prefix == d.Prefix.Masked() || d.Prefix.Bits() == 0 {
				return f, false
			}
			one := Directive{Qualifier: d.Qualifier, Mechanism: d.Mechanism, Prefix: netip.PrefixFrom(d.Prefix.Addr(), d.Prefix.Addr().BitLen())}
			all := Directive{Qualifier: d.Qualifier, Mechanism: d.Mechanism, Prefix: d.Prefix.Masked()}
			f = a.finding(n, t.at, check.Textf("%s stands for all of %s, not for %s", t.text, d.Prefix.Masked().String(), d.Prefix.Addr().String()))
			f.Fix = a.fix(n, check.Textf("Write %s, which means the same; or %s if that one address is meant", all.String(), one.String()))
			if d.Qualifier != Pass {
				f.Severity = check.Info
			}
			return f, true
		}),
	}
}

// widths are the prefix lengths that a directive compares with; -1 for a family that
// it does not match. A length of 0 is spf.all-pass.
func (d *Directive) widths() (ipv4, ipv6 int) {
	switch d.Mechanism {
	case A, MX:
		return int(d.Bits4), int(d.Bits6)
	case IP4:
		return d.Prefix.Bits(), -1
	case IP6:
		return -1, d.Prefix.Bits()
	}
	return -1, -1
}

// privateIP is silent about included records: the domain cannot mend what others publish,
// nobody on the Internet gets a pass by it, and it costs no lookup.
func privateIP() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "spf.private-ip",
			Severity: check.Medium,
			Title:    "The SPF record lists addresses that nobody on the Internet has",
			Text: "Mail never arrives from a private, loopback or reserved address, except from inside the receiver's own network: " +
				"the term authorises nobody but strangers there.",
			Fix:   "List the public addresses that mail leaves from, and remove these.",
			Cite:  []check.Cite{check.RFC(7208, "10.1"), check.RFC(6890, "2.2.2"), check.RFC(6890, "2.2.3")},
			Since: since,
		},
		Applies: hasRecord,
		Check: perTerm(func(a *Analysis, n *Node, t *nodeTerm) (f check.Finding, ok bool) {
			d := t.directive
			if d == nil || d.Qualifier == Fail {
				return f, false
			}
			kind := reserved(d.Prefix)
			if kind == "" {
				return f, false
			}
			f = a.finding(n, t.at, check.Textf("%s is %s", t.text, check.Textf(kind)))
			if kind == documentation {
				f.Severity = check.Info // it authorises nobody anywhere
			} else if ip4, ok := d.unmapped(); ok {
				f.Fix = a.fix(n, check.Textf("Write %s", ip4.String()))
			} else {
				f.Fix = a.fix(n, check.Textf("Remove %s", t.text))
			}
			return f, true
		}),
	}
}

const documentation = "kept for examples (RFC 5737, RFC 3849)"

// unmapped is the ip4 that an ip6 of IPv4-mapped addresses was meant to be.
func (d *Directive) unmapped() (Directive, bool) {
	p, ok := unmapped(d.Prefix)
	if !ok {
		return *d, false
	}
	meant := *d
	meant.Mechanism, meant.Prefix = IP4, p
	return meant, true
}

// unmapped is the range of IPv4 that one of IPv4-mapped addresses stands for (RFC 7208, 5);
// of any other it is not ok, and the range itself.
func unmapped(p netip.Prefix) (four netip.Prefix, ok bool) {
	if !p.Addr().Is4In6() || p.Bits() < mappedRange.Bits() {
		return p, false
	}
	return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-mappedRange.Bits()), true
}

// mappedRange has the IPv4-mapped IPv6 addresses (RFC 4291, 2.5.5.2).
var mappedRange = netip.MustParsePrefix("::ffff:0:0/96")

// reservedRanges are those of RFC 6890 that are not globally reachable.
var reservedRanges = []struct {
	prefix netip.Prefix
	kind   string
}{
	{netip.MustParsePrefix("0.0.0.0/8"), "of this network"},
	{netip.MustParsePrefix("10.0.0.0/8"), "private"},
	{netip.MustParsePrefix("100.64.0.0/10"), "shared address space of carriers"},
	{netip.MustParsePrefix("127.0.0.0/8"), "loopback"},
	{netip.MustParsePrefix("169.254.0.0/16"), "link-local"},
	{netip.MustParsePrefix("172.16.0.0/12"), "private"},
	{netip.MustParsePrefix("192.0.0.0/24"), "reserved for protocols"},
	{netip.MustParsePrefix("192.0.2.0/24"), documentation},
	{netip.MustParsePrefix("192.168.0.0/16"), "private"},
	{netip.MustParsePrefix("198.18.0.0/15"), "for benchmarks"},
	{netip.MustParsePrefix("198.51.100.0/24"), documentation},
	{netip.MustParsePrefix("203.0.113.0/24"), documentation},
	{netip.MustParsePrefix("224.0.0.0/4"), "multicast"},
	{netip.MustParsePrefix("240.0.0.0/4"), "reserved"},
	{netip.MustParsePrefix("::/127"), "unspecified or loopback"},
	{mappedRange, "an IPv4 address to receivers, and never matches as ip6 (RFC 7208, 5)"},
	{netip.MustParsePrefix("100::/64"), "for discarding"},
	{netip.MustParsePrefix("2001:db8::/32"), documentation},
	{netip.MustParsePrefix("fc00::/7"), "private"},
	{netip.MustParsePrefix("fe80::/10"), "link-local"},
	{netip.MustParsePrefix("ff00::/8"), "multicast"},
}

// reserved says what a range is that lies as a whole in one that nobody has, "" for
// any other.
func reserved(p netip.Prefix) string {
	if !p.IsValid() {
		return ""
	}
	for _, r := range reservedRanges {
		if r.prefix.Bits() <= p.Bits() && r.prefix.Contains(p.Addr()) {
			return r.kind
		}
	}
	return ""
}

// termKey is the same for two directives that match the same clients, whatever their
// qualifier.
type termKey struct {
	mechanism    Mechanism
	bits4, bits6 uint8
	prefix       netip.Prefix
	domain       string
}

func (d *Directive) key(domain string) termKey {
	key := termKey{d.Mechanism, d.Bits4, d.Bits6, d.Prefix.Masked(), d.Domain.Raw}
	switch {
	case d.Prefix.IsValid() || d.Mechanism == All:
	case d.Domain.IsZero():
		key.domain = domain
	case d.Domain.Parts == nil:
		key.domain = strings.ToLower(strings.TrimSuffix(d.Domain.Raw, "."))
	}
	return key
}
