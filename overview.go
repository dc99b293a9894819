package mailcheck

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mailcheck-go/mailcheck/caa"
	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dkim"
	"github.com/mailcheck-go/mailcheck/dmarc"
	"github.com/mailcheck-go/mailcheck/mx"
	"github.com/mailcheck-go/mailcheck/spf"
	"github.com/mailcheck-go/mailcheck/tlscert"
)

// overview says in a line an area what is published, whatever is right or wrong with it.
func (v *view) overview() []check.Overview {
	if exists, gaps := v.exists(); v.role.Role == Infrastructure || len(gaps) == 0 && !exists {
		return nil
	}
	var all []check.Overview
	add := func(area, title string, asked bool, text func() check.Text) {
		if asked {
			all = append(all, check.Overview{Area: area, Title: title, Text: text()})
		}
	}
	add("spf", "SPF", v.spf != nil, v.spfLine)
	add("dkim", "DKIM", v.dkim != nil, v.dkimLine)
	add("dmarc", "DMARC", v.dmarc != nil, v.dmarcLine)
	add("mx", "MX", v.mx != nil, v.mxLine)
	if v.role.Role == Parked {
		return all
	}
	add("mtasts", "MTA-STS", v.mtasts != nil, v.mtastsLine)
	add("tlsrpt", "TLS-RPT", v.tlsrpt != nil, v.tlsrptLine)
	if v.facts.Host != "" {
		return append(all, v.hostLines()...)
	}
	add("cert", "Certificates", v.tlscert != nil && len(v.tlscert.Hosts) > 0, v.certLine)
	add("caa", "CAA", v.caa != nil, v.caaLine)
	return all
}

func notKnown(gaps []check.Gap) check.Text { return check.Textf("not known: %s", causeOf(gaps[0])) }

func (v *view) spfLine() check.Text {
	a := v.spf
	switch {
	case a.Unread != nil:
		return notKnown(a.Unread)
	case len(a.Texts) == 0:
		return check.Textf("no record")
	case len(a.Texts) > 1:
		return check.Textf("%d records, of which receivers take none", len(a.Texts))
	case v.role.Role == Parked:
		return check.Textf("%s", a.Text)
	}
	var who []string
	for _, s := range v.senders {
		who = append(who, s.Name)
	}
	text := check.Textf("%d of 10 lookups, %s", a.Lookups, ending(a.All))
	if len(a.Gaps) > 0 {
		text = check.Textf("%d of 10 lookups or more, %s", a.Lookups, ending(a.All))
	}
	switch addresses := count(a.IPv4, "1 IPv4 address", "%s IPv4 addresses"); {
	case a.Everybody():
		text = check.Textf("%s; everybody may send", text)
	case a.Exact():
		text = check.Textf("%s; %s may send", text, addresses)
	case a.IPv4 == 0: // what is known says nothing of who may
	case !a.More:
		text = check.Textf("%s; at most %s may send", text, addresses)
	case !a.Fewer:
		text = check.Textf("%s; at least %s may send", text, addresses)
	default:
		text = check.Textf("%s; about %s may send", text, addresses)
	}
	if len(who) > 0 {
		text = check.Textf("%s; names %s", text, strings.Join(who, ", "))
	}
	return text
}

// count writes a number of things.
func count(n uint64, one, many string) check.Text {
	if n == 1 {
		return check.Textf(one)
	}
	return check.Textf(many, thousands(n))
}

// thousands writes 1234567 as 1,234,567.
func thousands(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// ending is the all of a record, whose result it is.
func ending(all spf.Result) check.Text {
	switch all {
	case spf.Fail:
		return check.Textf("ends in %s", "-all")
	case spf.SoftFail:
		return check.Textf("ends in %s", "~all")
	case spf.Neutral:
		return check.Textf("ends in %s", "?all")
	case spf.Pass:
		return check.Textf("ends in %s", "+all")
	}
	return check.Textf("no all")
}

func (v *view) dkimLine() check.Text {
	a := v.dkim
	var parts []check.Text
	revoked, unknown := 0, 0
	for _, s := range a.Selectors {
		switch {
		case s.State == dkim.StateUnknown && s.Target != "":
			parts = append(parts, check.Textf("%s key not known", v.keyOf(s.Name, s.Target)))
		case s.State == dkim.StateUnknown:
			unknown++
		case s.State == dkim.StateDangling:
			parts = append(parts, check.Textf("%s dangling", s.Name))
		case s.State == dkim.StateFound:
			i := slices.IndexFunc(a.Keys, func(k dkim.Key) bool { return k.Selector == s.Name })
			switch {
			case i >= 0:
				k := a.Keys[i]
				parts = append(parts, check.Textf("%s %s %d", v.keyOf(s.Name, k.Target), string(k.Type), k.Bits))
			case len(s.Records) > 0 && s.Records[0].Revoked():
				revoked++
			default:
				parts = append(parts, check.Textf("%s no usable key", s.Name))
			}
		}
	}
	if revoked > 0 {
		parts = append(parts, check.Textf("%d revoked", revoked))
	}
	switch {
	case a.AllRevoked && len(parts) == 0:
		return check.Textf("every key is revoked by a wildcard")
	case len(parts) > 0:
		return check.Textf("%s: %s", count(uint64(len(parts)), "1 selector", "%s selectors"), list("%s, %s", parts))
	case unknown == len(a.Selectors) && unknown > 0:
		return check.Textf("not known: %d questions for selectors stayed without an answer", unknown)
	case a.Complete:
		return check.Textf("no selector exists")
	}
	return check.Textf("no key at the %d selectors that were tried; others may exist", len(a.Selectors))
}

// keyOf is a selector, and whose key it leads to.
func (v *view) keyOf(selector, target string) string {
	if p := v.providers.ByKeyTarget(target); p != nil {
		return selector + " (" + p.Name + ")"
	}
	return selector
}

func (v *view) dmarcLine() check.Text {
	a, g := v.dmarc, &v.dmarc.New
	if g.Record == nil && a.Old.Record != nil {
		g = &a.Old
	}
	switch {
	case a.Effective.Domain == "" && g.Record == nil:
		return notKnown(append(v.dmarcGaps(), check.Gap{Subject: "the DMARC policy"}))
	case g.Record == nil:
		return check.Textf("no policy")
	case a.Effective.Domain == dmarc.Off:
		return check.Textf("a record without a policy that receivers take")
	}
	rec := g.Record
	parts := []string{"p=" + string(rec.Policy)}
	for _, tag := range []string{"sp", "np", "t", "pct"} {
		if t, ok := rec.Tag(tag); ok {
			parts = append(parts, tag+"="+t.Value)
		}
	}
	text := check.Textf("%s", strings.Join(parts, ", "))
	if g.Owner != v.facts.Domain {
		text = check.Textf("inherited from %s: %s", g.Owner, text)
	}
	var to []check.Text
	for _, r := range g.Reports {
		if r.Tag == "rua" {
			to = append(to, reportsTo(r))
		}
	}
	if len(to) == 0 {
		return check.Textf("%s; no aggregate reports", text)
	}
	return check.Textf("%s; reports to %s", text, list("%s, %s", to))
}

// reportsTo is an address for reports, and whether it wants them.
func reportsTo(r dmarc.Report) check.Text {
	switch to := r.URI.Address; {
	case !r.External:
		return check.Textf("%s", to)
	case r.State == "":
		return check.Textf("%s (external, consent not known)", to)
	case r.State == dmarc.StateSent:
		return check.Textf("%s (external, consents)", to)
	default:
		return check.Textf("%s (external, %s)", to, string(r.State))
	}
}

func (v *view) mxLine() check.Text {
	a := v.mx
	switch {
	case a.Unread != nil:
		return notKnown(a.Unread)
	case a.Null:
		return check.Textf("null MX: no mail is taken")
	case a.Implicit:
		return check.Textf("no record; the domain's own address stands in for one")
	case len(a.Records) == 0:
		return check.Textf("no record")
	}
	var who, hosts []string
	for _, h := range a.Hosts {
		hosts = append(hosts, h.Name)
		if p := v.providers.ByMX(h.Name); p != nil && !slices.Contains(who, p.Name) {
			who = append(who, p.Name)
		}
	}
	text := check.Textf("%s", strings.Join(hosts, ", "))
	const shown = 4
	if n := len(hosts); n > shown {
		text = check.Textf("%s and %d more", strings.Join(hosts[:shown], ", "), n-shown)
	}
	if len(who) > 0 {
		text = check.Textf("%s (%s)", text, strings.Join(who, ", "))
	}
	if a.Receives == mx.No {
		text = check.Textf("%s; none has an address", text)
	}
	return text
}

func (v *view) mtastsLine() check.Text {
	a := v.mtasts
	switch {
	case a.Unread != nil:
		return notKnown(a.Unread)
	case len(a.Texts) == 0:
		return check.Textf("no record")
	case !a.Valid:
		return check.Textf("a record that senders cannot read")
	case a.PolicyUnread != nil:
		return check.Textf("record with id %s; policy not known: %s", a.Record.ID, causeOf(a.PolicyUnread[0]))
	case a.Policy == nil || !a.PolicyValid:
		return check.Textf("record with id %s; no policy that senders can read", a.Record.ID)
	}
	return check.Textf("mode %s for %s, kept for %d days", string(a.Policy.Mode), strings.Join(a.Policy.MX, ", "), int(a.Policy.MaxAge/(24*time.Hour)))
}

func (v *view) tlsrptLine() check.Text {
	a := v.tlsrpt
	switch {
	case a.Unread != nil:
		return notKnown(a.Unread)
	case len(a.Texts) == 0:
		return check.Textf("no record")
	case !a.Valid:
		return check.Textf("a record that senders cannot read")
	}
	return check.Textf("reports to %s", strings.Join(a.Record.RUA, ", "))
}

func (v *view) certLine() check.Text {
	var parts []check.Text
	for _, h := range v.tlscert.Hosts {
		part := check.Textf("%s (%s) not seen", h.String(), because(h.Why))
		if t := h.NotAfter(); !t.IsZero() {
			part = check.Textf("%s (%s) until %s", h.String(), because(h.Why), t.Format(time.DateOnly))
		}
		parts = append(parts, part)
	}
	return list("%s; %s", parts)
}

// because words why a host is looked at.
func because(why string) check.Text {
	if desk, ok := strings.CutPrefix(why, "CNAME to "); ok {
		return check.Textf("CNAME to %s", desk)
	}
	return check.Textf(why)
}

// caaLine says who may issue certificates for the name.
func (v *view) caaLine() check.Text {
	a := v.caa
	p := a.Policy(caa.Names)
	switch {
	case a.Unread != nil:
		return notKnown(a.Unread)
	case len(a.Records) == 0:
		return check.Textf("no record: any CA may issue certificates")
	case p.Blocked:
		return check.Textf("nobody may issue: the records at %s have a critical property that no CA knows", a.At)
	case !p.Restricted:
		return check.Textf("any CA may issue: the records at %s restrict nobody", a.At)
	case len(p.Allowed) == 0:
		return check.Textf("nobody may issue certificates, say the records at %s", a.At)
	}
	var who []string
	for _, i := range p.Allowed {
		who = append(who, i.Issuer)
	}
	return check.Textf("%s may issue, say the records at %s", strings.Join(who, ", "), a.At)
}

// hostLines are the overview of a host, whose certificate is the whole matter.
func (v *view) hostLines() []check.Overview {
	var all []check.Overview
	add := func(area, title string, text check.Text) {
		all = append(all, check.Overview{Area: area, Title: title, Text: text})
	}
	if v.tlscert == nil || len(v.tlscert.Hosts) == 0 {
		return nil
	}
	h, st := v.tlscert.Hosts[0], tlscert.Overview(v.tlscert, v.expiry)[0]
	add("cert", "Certificate", v.hostLine(h, st))
	if text := v.sessionLine(); !text.IsZero() {
		add("tls", "TLS", text)
	}
	if v.caa != nil {
		add("caa", "CAA", v.caaLine())
	}
	return all
}

// hostLine is about the certificate of a host that is the first to expire.
func (v *view) hostLine(h *tlscert.Served, st tlscert.Status) check.Text {
	switch {
	case len(h.Leaves) == 0 && len(h.Gaps) == 0:
		return check.Textf("none was seen")
	case len(h.Leaves) == 0:
		return check.Textf("none was seen: %s", causeOf(h.Gaps[0]))
	}
	leaf := h.Leaves[0]
	text := check.Textf("for %s; key %s; issued by %s; until %s", st.Names, st.Key, issuer(leaf.Certificate), leaf.NotAfter.UTC().Format("2006-01-02 15:04 MST"))
	switch {
	case !st.Refused.IsZero():
		text = check.Textf("%s; clients refuse it", text)
	case !st.Breaks.IsZero() && st.Breaks.Before(leaf.NotAfter):
		text = check.Textf("%s; its chain holds until %s, when %s", text, st.Breaks.UTC().Format(time.DateOnly), st.Reason)
	}
	if r := leaf.Renewal; r != nil {
		text = check.Textf("%s; the CA asks to renew it between %s and %s", text, r.Start.UTC().Format(time.DateOnly), r.End.UTC().Format(time.DateOnly))
	}
	return text
}

// sessionLine says what was negotiated with the addresses of a host.
func (v *view) sessionLine() check.Text {
	var kinds []string
	addrs := map[string]int{}
	for _, e := range v.facts.TLSCert.Hosts[0].Endpoints {
		if e.TLS == nil || e.TLS.Version == "" {
			continue
		}
		kind := e.TLS.Version
		if e.TLS.Group != "" {
			kind += " with " + e.TLS.Group
		}
		if addrs[kind]++; addrs[kind] == 1 {
			kinds = append(kinds, kind)
		}
	}
	if len(kinds) == 0 {
		return check.Text{}
	}
	parts := make([]check.Text, len(kinds))
	for i, kind := range kinds {
		parts[i] = check.Textf("%s at %s", kind, count(uint64(addrs[kind]), "1 address", "%s addresses"))
	}
	return list("%s, %s", parts)
}
