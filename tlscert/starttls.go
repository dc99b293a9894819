package tlscert

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Bounds of what a server may say before the handshake.
const (
	maxTalk  = 64 << 10 // octets in all
	maxLine  = 8 << 10  // octets
	maxLines = 200
	maxSaid  = 1000 // octets of a line that are kept
)

// talk is what is said before a handshake, and instead of more after it.
type talk struct {
	greeting func(*dialogue) error
	startTLS func(*dialogue) error
	bye      string
}

var talks = map[Protocol]talk{
	SMTP: {(*dialogue).smtpGreeting, (*dialogue).smtpStartTLS, "QUIT"},
	IMAP: {(*dialogue).imapGreeting, (*dialogue).imapStartTLS, "a3 LOGOUT"},
	POP3: {(*dialogue).pop3Greeting, (*dialogue).pop3StartTLS, "QUIT"},
}

// dialogue speaks in lines until both sides agree on TLS.
type dialogue struct {
	conn  io.ReadWriter
	e     *Endpoint
	ehlo  string
	buf   []byte // read and not used yet
	lines int
}

// wrong is what a server does that ends a dialogue.
type wrong struct {
	kind   FailureKind
	detail string
}

func (w *wrong) Error() string { return string(w.kind) + ": " + w.detail }

func refusal(line string) error { return &wrong{KindRejected, said(line)} }
func garbled(line string) error { return &wrong{KindProtocol, "it sent " + quoted(line)} }

// said is a line as it may stand in facts: JSON has no other octets than those of UTF-8.
func said(line string) string { return clip(strings.ToValidUTF8(line, "\uFFFD"), maxSaid) }

func quoted(s string) string { return fmt.Sprintf("%q", clip(s, 100)) }

// line reads up to the next line feed.
func (d *dialogue) line() (string, error) {
	for {
		end := bytes.IndexByte(d.buf, '\n')
		if end > maxLine || end < 0 && len(d.buf) > maxLine || d.lines == maxLines {
			return "", errTooLong
		}
		if end >= 0 {
			line := string(d.buf[:end])
			d.buf = d.buf[end+1:]
			d.lines++
			return strings.TrimSuffix(line, "\r"), nil
		}
		var chunk [1024]byte
		n, err := d.conn.Read(chunk[:])
		d.buf = append(d.buf, chunk[:n]...)
		if err != nil && n == 0 {
			return "", err
		}
	}
}

func (d *dialogue) say(line string) error {
	_, err := io.WriteString(d.conn, line+"\r\n")
	return err
}

// byeTime is enough to hand a line to the system.
const byeTime = 100 * time.Millisecond

// bye leaves as the protocol wants it, so that the server's log has no broken
// connection. Nobody waits for the answer.
func (c *call) bye(w io.Writer, line string) {
	if c.conn.SetWriteDeadline(time.Now().Add(byeTime)) == nil {
		_, _ = io.WriteString(w, line+"\r\n")
	}
}

// offers adds to the capabilities and reports whether one of all is the keyword.
func (d *dialogue) offers(keyword string, lines []string) bool {
	for _, line := range lines {
		d.e.Capabilities = append(d.e.Capabilities, said(line))
	}
	return slices.ContainsFunc(lines, func(line string) bool {
		word, _, _ := strings.Cut(line, " ")
		return strings.EqualFold(word, keyword)
	})
}

// agreed ends the dialogue. What came together with the server's consent came
// unprotected, and a careless client takes it for a part of what TLS protects.
func (d *dialogue) agreed() error {
	if len(d.buf) > 0 {
		return &wrong{KindInjected, "it sent " + quoted(string(d.buf))}
	}
	return nil
}

// reply reads one SMTP reply (RFC 5321, 4.2.1): a code of three digits in each line,
// and a hyphen behind it in all but the last.
func (d *dialogue) reply() (code string, lines []string, err error) {
	for {
		line, err := d.line()
		if err != nil {
			return "", nil, err
		}
		if len(line) < 3 || strings.Trim(line[:3], "0123456789") != "" || len(line) > 3 && line[3] != ' ' && line[3] != '-' ||
			code != "" && line[:3] != code {
			return "", nil, garbled(line)
		}
		code = line[:3]
		lines = append(lines, line)
		if len(line) == 3 || line[3] == ' ' {
			return code, lines, nil
		}
	}
}

// smtpGreeting takes 220. 554 is that of a server that serves nobody (RFC 5321, 3.1),
// 421 of one that shuts down (3.8).
func (d *dialogue) smtpGreeting() error {
	code, lines, err := d.reply()
	if err != nil {
		return err
	}
	d.e.Greeting = said(lines[0])
	if code != "220" {
		return refusal(lines[0])
	}
	return nil
}

// smtpStartTLS is RFC 3207, 4. HELO is no way round a server without EHLO: it has no
// extensions, so no STARTTLS.
func (d *dialogue) smtpStartTLS() error {
	code, lines, err := d.command("EHLO " + cmp.Or(d.ehlo, defaultEHLO))
	switch {
	case err != nil:
		return err
	case code == "500" || code == "502": // RFC 5321, 4.1.4
		return &wrong{KindNoStartTLS, said(lines[0])}
	case code != "250":
		return refusal(lines[0])
	}
	keywords := lines[1:] // the first line is the server's name
	for i, line := range keywords {
		keywords[i] = line[min(4, len(line)):]
	}
	if !d.offers("STARTTLS", keywords) {
		return &wrong{kind: KindNoStartTLS}
	}
	if code, lines, err = d.command("STARTTLS"); err != nil {
		return err
	}
	if code != "220" {
		return refusal(lines[0])
	}
	return d.agreed()
}

func (d *dialogue) command(line string) (code string, lines []string, err error) {
	if err := d.say(line); err != nil {
		return "", nil, err
	}
	return d.reply()
}

// imapGreeting takes OK and PREAUTH (RFC 9051, 7.1).
func (d *dialogue) imapGreeting() error {
	line, err := d.line()
	if err != nil {
		return err
	}
	d.e.Greeting = said(line)
	switch status := untagged(line); {
	case isWord(status, "OK"):
		return nil
	case isWord(status, "PREAUTH"): // RFC 9051, 11.1: STARTTLS is for who is not logged in
		return &wrong{KindNoStartTLS, said(line)}
	case isWord(status, "BYE"):
		return refusal(line)
	}
	return garbled(line)
}

// imapStartTLS is RFC 9051, 6.2.1.
func (d *dialogue) imapStartTLS() error {
	more, err := d.tagged("a1", "CAPABILITY")
	if err != nil {
		return err
	}
	var words []string
	for _, line := range more {
		if isWord(line, "CAPABILITY") {
			words = append(words, strings.Fields(line)[1:]...)
		}
	}
	if !d.offers("STARTTLS", words[:min(len(words), maxLines)]) {
		return &wrong{kind: KindNoStartTLS}
	}
	if _, err := d.tagged("a2", "STARTTLS"); err != nil {
		return err
	}
	return d.agreed()
}

// tagged gives a command and reads until its tag comes back with OK. The lines are
// the untagged ones before it.
func (d *dialogue) tagged(tag, command string) (more []string, err error) {
	if err := d.say(tag + " " + command); err != nil {
		return nil, err
	}
	for {
		line, err := d.line()
		if err != nil {
			return nil, err
		}
		status, done := strings.CutPrefix(line, tag+" ")
		switch rest := untagged(line); {
		case done && isWord(status, "OK"):
			return more, nil
		case done, isWord(rest, "BYE"):
			return nil, refusal(line)
		case rest == "":
			return nil, garbled(line)
		default:
			more = append(more, rest)
		}
	}
}

// untagged is what follows the asterisk of an untagged response.
func untagged(line string) string {
	rest, _ := strings.CutPrefix(line, "* ")
	if rest == line {
		return ""
	}
	return rest
}

// isWord reports whether a line begins with this word, in any case.
func isWord(line, word string) bool {
	first, _, _ := strings.Cut(line, " ")
	return strings.EqualFold(first, word)
}

// pop3Greeting takes +OK (RFC 1939, 4).
func (d *dialogue) pop3Greeting() error {
	line, err := d.line()
	if err != nil {
		return err
	}
	d.e.Greeting = said(line)
	return status(line)
}

func status(line string) error {
	switch {
	case isWord(line, "+OK"):
		return nil
	case isWord(line, "-ERR"):
		return refusal(line)
	}
	return garbled(line)
}

// pop3StartTLS is RFC 2595, 4.
func (d *dialogue) pop3StartTLS() error {
	line, err := d.ask("CAPA")
	if err != nil {
		return err
	}
	if isWord(line, "-ERR") { // RFC 2449, 5: it has no capabilities
		return &wrong{KindNoStartTLS, said(line)}
	}
	if err := status(line); err != nil {
		return err
	}
	var lines []string
	for {
		line, err := d.line()
		if err != nil {
			return err
		}
		if line == "." {
			break
		}
		lines = append(lines, strings.TrimPrefix(line, ".")) // RFC 1939, 3
	}
	if !d.offers("STLS", lines) {
		return &wrong{kind: KindNoStartTLS}
	}
	if line, err = d.ask("STLS"); err != nil {
		return err
	}
	if err := status(line); err != nil {
		return err
	}
	return d.agreed()
}

func (d *dialogue) ask(command string) (line string, err error) {
	if err := d.say(command); err != nil {
		return "", err
	}
	return d.line()
}
