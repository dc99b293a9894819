package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mailcheck-go/mailcheck/check"
)

// writeHosts writes the certificates of all reports as one table, the soonest to
// expire first, and last the targets that none is known of.
func writeHosts(w io.Writer, reports []*check.Report, o Options) error {
	if len(reports) == 0 {
		return nil
	}
	p := &printer{opts: o}
	p.hostTable(reports)
	_, err := io.WriteString(w, p.b.String())
	return err
}

func (p *printer) hostTable(reports []*check.Report) {
	var seen, unseen []*hostRow
	for _, r := range reports {
		rows := p.hostRows(r)
		if len(rows) == 0 {
			unseen = append(unseen, p.unseenRow(r))
		}
		seen = append(seen, rows...)
	}
	slices.SortStableFunc(seen, func(a, b *hostRow) int { return cmp.Compare(a.end, b.end) })
	p.hosts(seen)
	if len(unseen) > 0 {
		if len(seen) > 0 {
			p.line("")
		}
		for _, row := range unseen {
			first := "  " + p.mark(row.outcome) + " "
			if strings.HasPrefix(row.reason, row.host) {
				p.block(first, row.reason, plain)
			} else {
				p.block(first+row.host+"  ", row.reason, plain)
			}
		}
	}
	p.hostsSum(append(seen, unseen...))
}

// hostRow is a line of the table. Its texts are clean.
type hostRow struct {
	host, addresses, issuer, left, lifetime, until string
	end                                            float64 // seconds since 1970
	share                                          float64 // of the lifetime that is left
	bar, outcome                                   check.Outcome
	failed                                         []*check.Result // the gravest first
	reason                                         string          // why something is not known
}

// hostRows has one for each measure of what is left of a certificate.
func (p *printer) hostRows(r *check.Report) []*hostRow {
	var rows []*hostRow
	for _, m := range r.Measures {
		if m.Name == "cert_left_seconds" && m.Limit != nil && *m.Limit > 0 && finite(m) {
			rows = append(rows, p.hostRow(r, m))
		}
	}
	return rows
}

func (p *printer) hostRow(r *check.Report, m check.Measure) *hostRow {
	row := &hostRow{
		host: Clean(clip(m.Subject)), share: min(max(m.Value / *m.Limit, 0), 1), end: float64(r.At.Unix()) + m.Value,
		bar: m.Outcome, outcome: check.Pass,
	}
	row.left, row.lifetime = spans(m.Value, *m.Limit)
	if end := measureOf(r, "cert_not_after_timestamp_seconds", m.Subject); end != nil {
		row.end = end.Value
	}
	if t, ok := moment(row.end); ok {
		row.until = t.Format(time.DateOnly)
	}
	if info := measureOf(r, "cert_info", m.Subject); info != nil {
		row.issuer = Clean(clip(info.Labels["issuer"]))
	}
	row.addresses = addressesOf(measureOf(r, "cert_addresses_seen", m.Subject), measureOf(r, "cert_addresses", m.Subject))

	alone := r.Target == m.Subject // the report is about nothing else
	for _, res := range pick(r.Results, check.Fail) {
		if alone || slices.ContainsFunc(res.Findings, func(f check.Finding) bool { return f.Subject == m.Subject }) {
			row.failed = append(row.failed, res)
		}
	}
	slices.SortStableFunc(row.failed, func(a, b *check.Result) int { return cmp.Compare(b.Severity, a.Severity) })
	for _, g := range groupGaps(unanswered(r)) {
		if row.reason == "" && g.Why == check.Failed && (alone || strings.HasPrefix(g.Subject, m.Subject)) {
			row.reason = Clean(p.gapText(g))
		}
	}
	switch {
	case len(row.failed) > 0 && row.failed[0].Severity > check.Low:
		row.outcome = check.Fail
	case row.reason != "":
		row.outcome = check.Unknown
	case len(row.failed) > 0:
		row.outcome = check.Note
	}
	return row
}

// measureOf finds a measure of a subject, nil where there is none.
func measureOf(r *check.Report, name, subject string) *check.Measure {
	i := slices.IndexFunc(r.Measures, func(m check.Measure) bool { return m.Name == name && m.Subject == subject && finite(m) })
	if i < 0 {
		return nil
	}
	return &r.Measures[i]
}

// addressesOf writes "4", and "2/4" where two of four showed a certificate.
func addressesOf(seen, tried *check.Measure) string {
	switch {
	case seen == nil:
		return ""
	case tried == nil || tried.Value <= seen.Value:
		return number(seen.Value)
	}
	return number(seen.Value) + "/" + number(tried.Value)
}

// unseenRow says why no certificate of a target is known.
func (p *printer) unseenRow(r *check.Report) *hostRow {
	row := &hostRow{host: Clean(clip(r.Target)), outcome: check.Unknown}
	groups := groupGaps(pick(r.Results, check.Unknown))
	switch failed := gravest(r); {
	case len(failed) > 0:
		row.outcome, row.failed = check.Fail, failed
		row.reason = p.title(failed[0])
		if len(failed[0].Findings) > 0 {
			row.reason = p.text(failed[0].Findings[0].Detail)
		}
	case len(groups) > 0:
		row.reason = Clean(p.gapText(groups[0]))
	default:
		row.reason = p.label("no certificate was seen")
	}
	return row
}

// hostColumns are the widths of the table's columns.
type hostColumns struct {
	host, addresses, issuer, bar, left, until int // without issuer where that is 0
	lifetime                                  bool
	alone                                     bool // every host has a line of its own
}

// layout fits the columns into the width. A host that is longer than its column gets
// a line of its own.
func (p *printer) layout(rows []*hostRow) hostColumns {
	width := p.opts.Width
	c := hostColumns{bar: min(max(width/8-2, 8), 14), lifetime: width >= 100, alone: width < 60}
	for _, r := range rows {
		c.addresses = max(c.addresses, columns(r.addresses))
		c.issuer = max(c.issuer, columns(r.issuer))
		c.left = max(c.left, columns(r.leftText(c.lifetime)))
		c.until = max(c.until, columns(r.until))
	}
	if c.alone {
		c.issuer = 0
		return c
	}
	const least = 12 // columns of an issuer that are worth having
	room := width - (4 + 2 + c.addresses + 2 + c.bar + 2 + c.left + 2 + c.until)
	for _, r := range rows {
		if n := columns(r.host); n <= room {
			c.host = max(c.host, n)
		}
	}
	if room -= c.host + 2; room < min(least, c.issuer) {
		c.issuer = 0
	} else {
		c.issuer = min(c.issuer, room, 2*least) // what is left is for findings
	}
	return c
}

func (r *hostRow) leftText(lifetime bool) string {
	if !lifetime || r.lifetime == "" {
		return r.left
	}
	return strings.TrimRight(r.left, " dh") + "/" + r.lifetime
}

func (p *printer) hosts(rows []*hostRow) {
	if len(rows) == 0 {
		return
	}
	head := &hostRow{host: p.label("host"), addresses: p.label("addr"), issuer: p.label("issuer"), left: p.label("left"), until: p.label("expires")}
	c := p.layout(append([]*hostRow{head}, rows...))
	if !c.alone {
		p.line("    " + p.ink(dim, p.hostLine(c, head, head.host, strings.Repeat(" ", c.bar))))
	}
	for _, r := range rows {
		full := int(r.share*float64(c.bar) + 0.5)
		bar := p.cells(inkOf(r.bar, 0), full, c.bar)
		mark := p.mark(r.outcome)
		if r.outcome == check.Fail {
			mark = p.ink(inkOf(check.Fail, r.failed[0].Severity), "✗")
		}
		first, host := "  "+mark+" ", r.host
		if c.alone || columns(host) > c.host {
			p.block(first, host, plain)
			first, host = "    ", ""
		}
		p.hostFindings(first+p.hostLine(c, r, host, bar), r)
	}
}

// hostLine writes one row.
func (p *printer) hostLine(c hostColumns, r *hostRow, host, bar string) string {
	right := func(s string, n int) string { return strings.Repeat(" ", max(0, n-columns(s))) + s }
	s := ""
	if !c.alone {
		s = pad(host, c.host) + "  " + right(r.addresses, c.addresses) + "  "
	}
	if c.issuer > 0 {
		s += pad(cut(r.issuer, c.issuer), c.issuer) + "  "
	}
	left := right(r.leftText(c.lifetime), c.left)
	if r.bar == check.Note || r.bar == check.Fail {
		left = p.ink(inkOf(r.bar, 0), left)
	}
	return s + bar + "  " + left + "  " + r.until
}

// hostFindingsShown bounds what is said of a row; a report of one host says all.
const hostFindingsShown = 3

// hostFindings ends a row with the first thing to mend where there is room for it; the
// others have a line each.
func (p *printer) hostFindings(line string, r *hostRow) {
	failed, more, wide := r.failed, 0, columns(p.label(check.Critical.String()))
	if len(failed) > hostFindingsShown {
		failed, more = failed[:hostFindingsShown], len(failed)-hostFindingsShown
	}
	for i, res := range failed {
		first := p.ink(inkOf(check.Fail, res.Severity), pad(p.label(res.Severity.String()), wide)) + "  "
		text := p.title(res) + " [" + res.ID + "]"
		if i == 0 && columns(stripInk(line+"  "+first))+columns(text) <= p.opts.Width {
			line += "  " + first + text
			continue
		}
		if line != "" {
			p.line(line)
			line = ""
		}
		p.block("      "+first, text, plain)
	}
	if line != "" {
		p.line(line)
	}
	if more > 0 {
		p.line("      " + fmt.Sprintf(p.label("… and %d more"), more))
	}
	if r.reason != "" {
		p.block("      "+p.ink(magenta, pad(p.label("unknown"), wide))+"  ", r.reason, plain)
	}
}

// cut shortens a text to so many columns.
func cut(s string, n int) string {
	if columns(s) <= n {
		return s
	}
	var b strings.Builder
	used := 0
	for _, r := range s {
		if used += runeColumns(r); used > n-1 {
			break
		}
		b.WriteRune(r)
	}
	return b.String() + "…"
}

// hostsSum counts the rows.
func (p *printer) hostsSum(rows []*hostRow) {
	n := map[check.Outcome]int{}
	for _, r := range rows {
		n[r.outcome]++
	}
	s := strconv.Itoa(len(rows)) + " " + p.label("hosts")
	for _, part := range []struct {
		n    int
		word string
		ink  ink
	}{{n[check.Fail], "to mend", red}, {n[check.Unknown], "not known", magenta}, {n[check.Pass] + n[check.Note], "fine", green}} {
		if part.n > 0 {
			s += " · " + p.ink(part.ink, strconv.Itoa(part.n)+" "+p.label(part.word))
		}
	}
	p.line("")
	if columns(stripInk(s))+2 <= p.opts.Width {
		p.line("  " + s)
	} else {
		p.block("  ", stripInk(s), plain)
	}
}
