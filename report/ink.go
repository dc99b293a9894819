package report

import (
	"regexp"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
)

// ink is an ANSI graphic rendition (ECMA-48, 8.3.117).
type ink string

const (
	plain   ink = ""
	bold    ink = "1"
	dim     ink = "2"
	red     ink = "31"
	green   ink = "32"
	yellow  ink = "33"
	magenta ink = "35"
	cyan    ink = "36"
	alarm   ink = "1;31"
)

func (p *printer) ink(i ink, s string) string {
	if !p.opts.Color || i == plain || s == "" {
		return s
	}
	return "\x1b[" + string(i) + "m" + s + "\x1b[0m"
}

var inked = regexp.MustCompile("\x1b\\[[0-9;]*m")

func stripInk(s string) string { return inked.ReplaceAllString(s, "") }

func inkOf(o check.Outcome, s check.Severity) ink {
	switch o {
	case check.Pass:
		return green
	case check.Unknown:
		return magenta
	case check.Note:
		return yellow
	}
	switch s {
	case check.Low:
		return cyan
	case check.Medium:
		return yellow
	case check.Critical:
		return alarm
	}
	return red
}

// mark is readable without colour.
func (p *printer) mark(o check.Outcome) string {
	switch o {
	case check.Pass:
		return p.ink(green, "✓")
	case check.Fail:
		return p.ink(red, "✗")
	case check.Note:
		return p.ink(yellow, "!")
	case check.Unknown:
		return p.ink(magenta, "?")
	}
	return " "
}

// Bar is a bar of so many cells: the full ones, which take the colour of what they
// measure, and the rest, which is dim.
func Bar(full, cells int) (filled, rest string) {
	full = min(max(full, 0), cells)
	return strings.Repeat("█", full), strings.Repeat("░", cells-full)
}

func (p *printer) cells(i ink, full, cells int) string {
	filled, rest := Bar(full, cells)
	return p.ink(i, filled) + p.ink(dim, rest)
}
