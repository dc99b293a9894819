// Package report writes a check.Report for people and for programs. It knows no
// protocol: what it says about one stands in the report.
//
// Every format escapes what others published for where it goes: see [Clean] for
// text. Nothing but the report decides what is written, so the same report
// gives the same bytes.
package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/mailcheck-go/mailcheck/check"
)

// Options says how a report is written. The zero value is plain English text, 80
// columns wide.
type Options struct {
	Width int               // columns of text; 0 means 80, less than 40 counts as 40
	Color bool              // ANSI colours in text
	Lang  check.Translation // nil: English. Titles are looked up by rule id, texts by their English format
	// Hosts makes the text of several reports one table of their certificates, the
	// soonest to expire first, in the place of a report each.
	Hosts bool
	// Lint is for reports about one record each: text shows the record with the places of
	// the findings, and Ask, a sentence on how to judge what nobody asked for.
	Lint bool
	Ask  check.Text
	// What was checked: "cert", in Nagios' status line and as the label command of metrics.
	What string
}

// Formats lists the names that NewStream takes.
func Formats() []string { return []string{"text", "json", "ndjson", "nagios", "prometheus", "ics"} }

// Stream writes reports one after the other, as they are ready.
type Stream struct {
	w      io.Writer
	format string
	opts   Options
	frame  check.Report
}

// NewStream begins a document of a format. Text and ndjson are written report by
// report; the others, and a table of hosts, are one document that Close writes.
func NewStream(w io.Writer, format string, o Options) (*Stream, error) {
	if !slices.Contains(Formats(), format) {
		return nil, fmt.Errorf("report: no format %q: want %s", format, strings.Join(Formats(), ", "))
	}
	o.Width = max(cmp.Or(o.Width, 80), 40)
	return &Stream{w: w, format: format, opts: o, frame: check.Report{Schema: check.ReportSchema}}, nil
}

// Add writes one report, or keeps it for Close.
func (s *Stream) Add(r *check.Report) error {
	if s.format == "ndjson" { // nothing sums them up, and a list may be long
		return writeJSON(s.w, r, "")
	}
	if len(r.Reports) > 0 && slices.Contains([]string{"nagios", "prometheus", "ics"}, s.format) { // they know targets, and no frames
		alone := *r
		alone.Reports = nil
		s.frame.Reports = append(append(s.frame.Reports, &alone), r.Reports...)
		return nil
	}
	s.frame.Reports = append(s.frame.Reports, r)
	if s.format != "text" || s.opts.Hosts {
		return nil
	}
	if len(s.frame.Reports) > 1 {
		if _, err := io.WriteString(s.w, "\n"); err != nil {
			return err
		}
	}
	if s.opts.Lint {
		return writeLint(s.w, r, s.opts)
	}
	return writeText(s.w, r, s.opts)
}

// Close ends the document: with what sums up several reports, or with the document
// itself. That of json is the report where there was only one.
func (s *Stream) Close() error {
	reports := s.frame.Reports
	switch {
	case s.format == "nagios":
		return writeNagios(s.w, &s.frame, s.opts)
	case s.format == "prometheus":
		return writePrometheus(s.w, &s.frame, s.opts)
	case s.format == "ics":
		return writeICS(s.w, &s.frame)
	case s.format == "json" && len(reports) == 1:
		return writeJSON(s.w, reports[0], "  ")
	case s.format == "json":
		s.frame.Tool, s.frame.At = common(reports)
		s.frame.Count()
		return writeJSON(s.w, &s.frame, "  ")
	case s.format == "text" && s.opts.Hosts && len(reports) == 1:
		return writeText(s.w, reports[0], s.opts)
	case s.format == "text" && s.opts.Hosts:
		return writeHosts(s.w, reports, s.opts)
	case s.format == "text" && len(reports) > 1:
		return writeTable(s.w, reports, s.opts)
	}
	return nil
}

// NagiosStatus is that of all reports which were added. Not of ndjson: its reports
// are not kept.
func (s *Stream) NagiosStatus() int { return NagiosStatus(&s.frame) }

// Write writes one report, or of a frame each report in it.
func Write(w io.Writer, format string, r *check.Report, o Options) error {
	s, err := NewStream(w, format, o)
	if err != nil {
		return err
	}
	parts := r.Reports
	if len(parts) == 0 || r.Target != "" {
		parts = []*check.Report{r}
	}
	for _, part := range parts {
		if err := s.Add(part); err != nil {
			return err
		}
	}
	return s.Close()
}

// common takes the tool of the first report, and the latest time.
func common(reports []*check.Report) (tool string, at time.Time) {
	for _, r := range reports {
		tool = cmp.Or(tool, r.Tool)
		if r.At.After(at) {
			at = r.At
		}
	}
	return tool, at
}

func writeJSON(w io.Writer, r *check.Report, indent string) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	return enc.Encode(r)
}
