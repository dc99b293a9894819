package report

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mailcheck-go/mailcheck/check"
)

// writeICS writes a calendar (RFC 5545) with two events for each certificate: its end,
// and when it has to be renewed at the latest so that no rule finds it.
func writeICS(w io.Writer, frame *check.Report) error {
	c := &calendar{seen: map[string]bool{}}
	c.line("BEGIN", "VCALENDAR")
	c.line("VERSION", "2.0")
	c.line("PRODID", "-//mailcheck//mailcheck//EN")
	c.line("METHOD", "PUBLISH")
	c.line("NAME", "mailcheck") // RFC 7986, 5.1
	c.line("X-WR-CALNAME", "mailcheck")
	c.line("REFRESH-INTERVAL;VALUE=DURATION", "P1D") // RFC 7986, 5.7
	for _, r := range frame.Reports {
		for _, m := range r.Measures {
			c.measure(r, m)
		}
	}
	if len(c.seen) == 0 { // a calendar has at least one component (RFC 5545, 3.6)
		for _, l := range [][2]string{
			{"BEGIN", "VTIMEZONE"},
			{"TZID", "Etc/UTC"},
			{"BEGIN", "STANDARD"},
			{"DTSTART", "19700101T000000"},
			{"TZOFFSETFROM", "+0000"},
			{"TZOFFSETTO", "+0000"},
			{"END", "STANDARD"},
			{"END", "VTIMEZONE"},
		} {
			c.line(l[0], l[1])
		}
	}
	c.line("END", "VCALENDAR")
	_, err := io.WriteString(w, c.b.String())
	return err
}

type calendar struct {
	b    strings.Builder
	seen map[string]bool // UIDs
}

// event is a moment of a subject.
type event struct {
	kind, summary, about string
	at                   time.Time
	alarm                time.Duration // before; 0: none
}

func (c *calendar) measure(r *check.Report, m check.Measure) {
	of := func(name string) *check.Measure { return measureOf(r, name, m.Subject) }
	at, ok := moment(m.Value)
	if !ok {
		return
	}
	host := Clean(clip(m.Subject))
	switch m.Name {
	case "cert_not_after_timestamp_seconds":
		about := "On " + at.Format("2006-01-02 at 15:04 MST") + "."
		if info := of("cert_info"); info != nil && info.Labels["issuer"] != "" {
			about += " Issued by " + Clean(clip(info.Labels["issuer"])) + "."
		}
		end := event{kind: m.Name, summary: "Certificate of " + host + " expires", about: about, at: at}
		left := of("cert_left_seconds")
		if left != nil && left.Crit != nil {
			end.alarm = seconds(*left.Crit)
		}
		c.event(r, m.Subject, end)
		if left == nil || left.Warn == nil || of("cert_renewal_window_start_timestamp_seconds") != nil {
			return
		}
		if by, ok := moment(m.Value - *left.Warn); ok {
			c.event(r, m.Subject, event{
				kind: "cert_renew", summary: "Renew the certificate of " + host, at: by,
				about: "From now on mailcheck finds that it expires soon. It expires on " + at.Format("2006-01-02 at 15:04 MST") + ".",
			})
		}
	case "cert_renewal_window_start_timestamp_seconds":
		c.event(r, m.Subject, event{
			kind: "cert_renew", summary: "Renew the certificate of " + host, at: at,
			about: "The time that its issuer suggests for the renewal (RFC 9773) begins.",
		})
	}
}

// moment is a time that a calendar can hold; its years have four digits.
func moment(v float64) (time.Time, bool) {
	if !(v >= 0 && v < 253402300800) { // 10000-01-01; NaN is neither
		return time.Time{}, false
	}
	return time.Unix(int64(v), 0).UTC(), true
}

// seconds is a time before an event, at most a year.
func seconds(v float64) time.Duration {
	if !(v > 0) {
		return 0
	}
	return time.Duration(min(v, 366*86400)) * time.Second
}

// event writes one. Its UID is made of what and whose it is, so that a renewal moves
// the event; SEQUENCE grows with time, so that a later calendar wins over an
// earlier one (RFC 5545, 3.8.7.4).
func (c *calendar) event(r *check.Report, subject string, e event) {
	sum := sha256.Sum256([]byte(e.kind + "\x00" + subject))
	uid := hex.EncodeToString(sum[:16]) + "@mailcheck"
	if c.seen[uid] {
		return
	}
	c.seen[uid] = true
	const stamp = "20060102T150405Z"
	at := r.At.UTC()
	if y := at.Year(); y < 1970 || y > 9999 {
		at = time.Unix(0, 0).UTC()
	}
	c.line("BEGIN", "VEVENT")
	c.line("UID", uid)
	c.line("DTSTAMP", at.Format(stamp))
	c.line("SEQUENCE", strconv.FormatInt(min(at.Unix()/60, 1<<31-1), 10))
	c.line("DTSTART", e.at.Format(stamp))
	c.line("SUMMARY", calendarText(e.summary))
	c.line("DESCRIPTION", calendarText(e.about))
	c.line("CATEGORIES", "mailcheck")
	c.line("TRANSP", "TRANSPARENT")
	if e.alarm > 0 {
		c.line("BEGIN", "VALARM")
		c.line("ACTION", "DISPLAY")
		c.line("TRIGGER", "-PT"+strconv.FormatInt(int64(e.alarm/time.Second), 10)+"S")
		c.line("DESCRIPTION", calendarText(e.summary))
		c.line("END", "VALARM")
	}
	c.line("END", "VEVENT")
}

// calendarText escapes a TEXT value (RFC 5545, 3.3.11).
func calendarText(s string) string {
	return strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\n", `\n`).Replace(Clean(s))
}

// line writes a content line, folded into lines of at most 75 octets without their
// end, never inside a character (RFC 5545, 3.1).
func (c *calendar) line(name, value string) {
	rest := name + ":" + value
	for limit := 75; len(rest) > limit; limit = 74 { // the blank of a folded line counts
		end := limit
		for !utf8.RuneStart(rest[end]) {
			end--
		}
		c.b.WriteString(rest[:end] + "\r\n ")
		rest = rest[end:]
	}
	c.b.WriteString(rest + "\r\n")
}
