package cli

import (
	"slices"
	"strings"

	"github.com/mailcheck-go/mailcheck/report"
)

// spaces sorts domains by whom they let send. Of those that let somebody it keeps the
// numbers of addresses, which descend.
type spaces struct {
	counts                     []uint64
	open, nobody, none, unread int // open: of counts, how many are bounds
}

// add puts a domain where it belongs, and reports whether it lets somebody send.
func (t *spaces) add(s *spfSenders) bool {
	switch code, _ := s.status.(exitStatus); {
	case code == NotKnown:
		t.unread++
	case code == Found:
		t.none++
	case s.IPv4+s.IPv6 == 0 && s.Exact:
		t.nobody++
	default:
		t.counts = append(t.counts, s.IPv4)
		if !s.Exact {
			t.open++
		}
		return true
	}
	return false
}

// over counts the domains with more addresses.
func (t *spaces) over(n uint64) int {
	over, _ := slices.BinarySearchFunc(t.counts, n, func(c, n uint64) int {
		if c > n {
			return -1
		}
		return 1
	})
	return over
}

// drawSpaces writes one line a domain, and how they are spread.
func drawSpaces(d *drawing, all []*spfSenders) {
	head, figure := d.label("domain"), d.label("IPv4 addresses")
	wide := report.Columns(head)
	for _, s := range all {
		if s.IPv4+s.IPv6 > 0 || !s.Exact {
			wide = max(wide, min(report.Columns(report.Clean(s.Domain)), max(30, d.width/3)))
		}
	}
	d.WriteString(d.ink(dimInk, report.Pad(head, wide)+" "+padLeft(figure, 14)+"  "+report.Pad(d.fit(d.label("logarithm"), sumsCells), sumsCells)+"  "+d.label("senders")) + "\n")
	var t spaces
	for _, s := range all {
		if t.add(s) {
			d.WriteString(s.line(d, wide))
		}
	}
	of := d.say("of %d domains", len(all))
	if len(all) == 1 {
		of = d.say("of 1 domain")
	}
	d.head(of)
	t.draw(d)
}

// draw writes how many domains there are of each kind.
func (t *spaces) draw(d *drawing) {
	row := func(n int, text string) {
		if n > 0 {
			d.para(padLeft(thousands(uint64(n)), 7)+"  ", 9, "", text)
		}
	}
	row(len(t.counts), d.plural(len(t.counts), "names senders", "name senders"))
	row(t.nobody, d.plural(t.nobody, "lets nobody send", "let nobody send"))
	row(t.none, d.plural(t.none, "has no SPF record, or several", "have no SPF record, or several"))
	row(t.unread, d.say("could not be read"))
	if len(t.counts) == 0 {
		return
	}
	d.head(d.say("of those that name senders"))
	for _, n := range []uint64{1e6, 1e5, 1e4, 1e3} {
		over := t.over(n)
		if over == 1 {
			row(over, d.say("lets more than %s addresses send", thousands(n)))
		} else {
			row(over, d.say("let more than %s addresses send", thousands(n)))
		}
	}
	d.para(strings.Repeat(" ", 9), 9, "", d.say("the median is %s", thousands(t.counts[len(t.counts)/2])))
	row(t.open, d.say("may let others send than counted (+ more, − fewer): not all that they lead to is known"))
}

func (s *spfSenders) line(d *drawing, wide int) string {
	more := " "
	switch {
	case s.More && s.Fewer:
		more = d.ink(magentaInk, "±")
	case s.More:
		more = d.ink(magentaInk, "+")
	case s.Fewer:
		more = d.ink(magentaInk, "−")
	}
	figure := thousands(s.IPv4)
	if s.All {
		figure = d.say("everybody")
	}
	names := make([]string, 0, 1+len(s.Groups))
	if s.Open != "" {
		names = append(names, d.text(s.open))
	}
	for _, g := range s.Groups {
		name := g.Name
		if name == s.Domain {
			name = d.say("own")
		}
		names = append(names, name)
	}
	line := report.Pad(d.fit(s.Domain, wide), wide) + " " + padLeft(figure, 13) + more + "  " +
		d.bar(bitsOf(s.IPv4), 32, sumsCells, s.ink()) + "  " + d.fit(strings.Join(names, ", "), d.width-wide-15-sumsCells-4)
	return strings.TrimRight(line, " ") + "\n"
}
