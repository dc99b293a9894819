package spf

import (
	"net/netip"
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
			for _, d := range n.Record.live() {
				if d.Mechanism == PTR {
					return []check.Finding{a.finding(n, check.Textf("the record has %s", clip(d.String())))}
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
			for _, d := range n.Record.live() {
				if d.Domain.has('p') {
					return []check.Finding{a.finding(n, check.Textf("%s has %%{p}", clip(d.String())))}
				}
			}
			if n.Record.Redirect.has('p') {
				return []check.Finding{a.finding(n, check.Textf("redirect=%s has %%{p}", clip(n.Record.Redirect.Raw)))}
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
			var found []check.Finding
			seen := map[string]bool{}
			live := n.Record.live()
			for i := range live {
				key := live[i].key(n.Name)
				if seen[key] && len(found) < maxFindings {
					f := a.finding(n, check.Textf("%s stands there again", clip(live[i].String())))
					n.markDirectives(&f, i, i)
					f.Fix = a.fix(n, check.Textf("Delete it"))
					found = append(found, f)
				}
				seen[key] = true
			}
			return found
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
			Cite:  []check.Cite{check.RFC(7208, "11.2"), {Doc: "RFC 9989", Section: "11.1"}},
			Since: since,
		},
		Applies: hasRecord,
		Check: perNode(func(a *Analysis, n *Node) []check.Finding {
			var found []check.Finding
			for _, d := range n.Record.live() {
				v4, v6 := d.widths()
				broad4, broad6 := v4 > 0 && v4 < ipv4, v6 > 0 && v6 < ipv6
				if d.Qualifier != Pass || !broad4 && !broad6 || len(found) >= maxFindings {
					continue
				}
				f := a.finding(n, check.Textf("%s passes 2^%d addresses", clip(d.String()), 128-v6))
				if broad4 {
					f.Detail = check.Textf("%s passes %d addresses", clip(d.String()), 1<<(32-v4))
				}
				if v4 >= 8 || !broad4 && v6 >= 16 {
					f.Severity = check.Medium
				}
				found = append(found, f)
			}
			return found
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

func privateIP() check.Rule[*Analysis] {
	return check.Rule[*Analysis]{
		Doc: check.Doc{
			ID:       "spf.private-ip",
			Severity: check.Medium,
			Title:    "The SPF record lists addresses that nobody on the Internet has",
			Text: "Mail never arrives from a private, loopback or reserved address, except from inside the receiver's own network: " +
				"the term authorises nobody but strangers there.",
			Fix:   "List the public addresses that mail leaves from, and remove these.",
			Cite:  []check.Cite{check.RFC(7208, "5.6"), {Doc: "RFC 6890", Section: "2.2.2"}, {Doc: "RFC 6890", Section: "2.2.3"}},
			Since: since,
		},
		Applies: hasRecord,
		Check: perNode(func(a *Analysis, n *Node) []check.Finding {
			var found []check.Finding
			for _, d := range n.Record.live() {
				kind := reserved(d.Prefix)
				if d.Qualifier == Fail || kind == "" || len(found) >= maxFindings {
					continue
				}
				f := a.finding(n, check.Textf("%s is %s", d.String(), kind))
				if kind == documentation {
					f.Severity = check.Info // it authorises nobody anywhere
				} else {
					f.Fix = a.fix(n, check.Textf("Remove %s", d.String()))
				}
				found = append(found, f)
			}
			return found
		}),
	}
}

const documentation = "kept for examples (RFC 5737, RFC 3849)"

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

// key is a text that is the same for two directives that match the same clients,
// whatever their qualifier.
func (d *Directive) key(domain string) string {
	key := *d
	key.Qualifier = Pass
	key.Prefix = d.Prefix.Masked()
	if d.Domain.IsZero() && d.Mechanism != All {
		key.Domain.Raw = domain
	} else if d.Domain.Parts == nil {
		key.Domain.Raw = strings.ToLower(strings.TrimSuffix(d.Domain.Raw, "."))
	}
	return key.String()
}
