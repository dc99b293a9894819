package cli

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/zone"
	"github.com/mailcheck-go/mailcheck/spf"
)

// Bounds of what "spf lint" reads. A record has at most 64 KB, and most are a line.
const (
	lintMaxInput   = 1 << 20
	lintMaxRecords = 1000
	lintMaxText    = 64_000 // of the TXT records of one name
)

// spfText is one TXT record of the input.
type spfText struct {
	owner   string // "" where the input does not say
	line    int    // from 1
	kind    dnsx.Type
	bare    bool // stands without quotes, and is cut into strings when it is published
	strings []string
}

// text joins the strings (RFC 7208, 3.3).
func (t *spfText) text() string { return strings.Join(t.strings, "") }

// spfInput is what was read.
type spfInput struct {
	records []spfText
	passed  int      // other records
	notes   []string // what is no fault of a record, and worth knowing
}

// inputError says where the input cannot be read. Line and column count from 1, columns
// in characters.
type inputError struct {
	line, column int
	reason       string
}

func (e *inputError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.line, e.column, e.reason)
}

// openSPFInput reads a file, or standard input for "-".
func (a *app) openSPFInput(file string) (*spfInput, error) {
	in := a.Stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	data, err := io.ReadAll(io.LimitReader(in, lintMaxInput+1))
	if err != nil {
		return nil, err
	}
	if ext := strings.ToLower(filepath.Ext(file)); ext == ".yaml" || ext == ".yml" {
		return readSPFYAML(file, data)
	}
	return readSPFInput(data)
}

// readSPFYAML reads a zone of octoDNS, which the name of the file names.
func readSPFYAML(file string, data []byte) (*spfInput, error) {
	zones, err := zone.Parse(file, data)
	if err != nil {
		return nil, err
	}
	in := &spfInput{}
	for _, apex := range zones.Apexes() {
		for _, rr := range zones.Records(apex) {
			if rr.Type != dnsx.TypeTXT && rr.Type != dnsx.TypeSPF {
				in.passed++
				continue
			}
			t := spfText{owner: rr.Name, kind: rr.Type, bare: true, line: 1} // octoDNS cuts it into strings
			for _, s := range rr.TXT() {
				t.strings = append(t.strings, string(s))
			}
			in.keep(t)
		}
	}
	return in.check()
}

// keep takes a record if it is one of SPF, or means to be, and reports whether.
func (in *spfInput) keep(t spfText) bool {
	text := t.text()
	_, near := spf.NearMiss(text)
	if near = near || spf.IsRecord(text); near {
		in.records = append(in.records, t)
	}
	return near
}

// check refuses an input without records.
func (in *spfInput) check() (*spfInput, error) {
	switch {
	case len(in.records) > lintMaxRecords:
		return nil, fmt.Errorf("over %d records", lintMaxRecords)
	case len(in.records) > 0:
		return in, nil
	case in.passed > 0:
		return nil, fmt.Errorf("no SPF record in it, and %d others", in.passed)
	}
	return nil, errors.New("nothing in it: want an SPF record such as v=spf1 include:_spf.acme.example -all")
}

// readSPFInput reads records as people have them at hand: bare ones, one a line; in
// quoted strings, as hosters show them; and the lines of a zone file.
func readSPFInput(data []byte) (*spfInput, error) {
	if len(data) > lintMaxInput {
		return nil, fmt.Errorf("over %d KB: is that SPF records?", lintMaxInput>>10)
	}
	r := &inputReader{in: &spfInput{}, line: 1}
	if text, ok := decodeUTF16(data); ok {
		r.in.notes = append(r.in.notes, "the input is UTF-16, and was read so: DNS tools want ASCII")
		data = []byte(strings.TrimPrefix(text, "\ufeff")) // the mark is the encoding's
	}
	r.rest = string(data)
	for r.rest != "" {
		if err := r.entry(); err != nil {
			return nil, err
		}
		if len(r.in.records) > lintMaxRecords {
			return nil, fmt.Errorf("over %d records", lintMaxRecords)
		}
	}
	return r.in.check()
}

// decodeUTF16 reads what an editor saved so: with a byte order mark, or with zeros where
// UTF-16 has them in ASCII.
func decodeUTF16(data []byte) (string, bool) {
	little := bytes.HasPrefix(data, []byte{0xff, 0xfe}) || len(data) > 3 && data[0] != 0 && data[1] == 0 && data[3] == 0
	big := bytes.HasPrefix(data, []byte{0xfe, 0xff}) || len(data) > 3 && data[0] == 0 && data[1] != 0 && data[2] == 0
	if !little && !big {
		return "", false
	}
	units := make([]uint16, 0, len(data)/2)
	for i := 0; i+1 < len(data); i += 2 {
		unit := uint16(data[i])<<8 | uint16(data[i+1])
		if little {
			unit = uint16(data[i+1])<<8 | uint16(data[i])
		}
		units = append(units, unit)
	}
	return string(utf16.Decode(units)), true
}

// inputReader goes through the input entry by entry.
type inputReader struct {
	in     *spfInput
	rest   string
	line   int
	owner  string // of the last record of a zone file
	origin string
}

func (r *inputReader) fail(before string, reason string) error {
	return &inputError{r.line, 1 + utf8.RuneCountInString(before), reason}
}

// takeLine takes a line off the rest, without its end.
func (r *inputReader) takeLine() string {
	line, rest, _ := strings.Cut(r.rest, "\n")
	r.rest = rest
	r.line++
	return strings.TrimRight(line, "\r")
}

const inputBlanks = " \t\r"

// entry reads what begins at the start of a line.
func (r *inputReader) entry() error {
	line, _, _ := strings.Cut(r.rest, "\n")
	line = strings.TrimRight(line, inputBlanks)
	body := strings.TrimLeft(line, inputBlanks)
	_, near := spf.NearMiss(line)
	switch {
	case body == "", strings.HasPrefix(body, ";"), strings.HasPrefix(body, "#"), strings.HasPrefix(body, "//"):
		r.takeLine()
	case body[0] == '"' || strings.HasPrefix(body, `("`):
		return r.zoneEntry(true)
	case spf.IsRecord(line), near:
		r.in.records = append(r.in.records, spfText{line: r.line, kind: dnsx.TypeTXT, bare: true, strings: []string{line}})
		r.takeLine()
	default:
		return r.zoneEntry(false)
	}
	return nil
}

// inputWord is a word of a zone file.
type inputWord struct {
	text   string
	quoted bool
	line   int
	column int
}

func (w inputWord) fail(reason string) error { return &inputError{w.line, w.column, reason} }

// unreadable says that a word begins nothing that can be read.
func (w inputWord) unreadable() error {
	if w.text == "---" || w.text == "?" || strings.HasSuffix(w.text, ":") {
		return w.fail("this looks like YAML: a zone of octoDNS is read from a file whose name says which it is, such as acme.example.yaml")
	}
	return w.fail(fmt.Sprintf("%q begins neither an SPF record (v=spf1 …) nor a line of a zone file (acme.example. TXT \"v=spf1 …\")", short(w.text)))
}

// zoneEntry reads an entry of a zone file, or quoted strings alone: these go on in the
// next line where that begins with a quote and no new record.
func (r *inputReader) zoneEntry(bare bool) error {
	owned := strings.IndexByte(inputBlanks, r.rest[0]) < 0
	start := r.line
	words, err := r.words()
	if err != nil {
		return err
	}
	if len(words) == 0 {
		return &inputError{start, 1, "there is nothing between the parentheses"}
	}
	if bare {
		for r.continues() {
			more, err := r.words()
			if err != nil {
				return err
			}
			words = append(words, more...)
		}
		return r.add(spfText{line: words[0].line, kind: dnsx.TypeTXT}, words)
	}
	first := words[0]
	if strings.HasPrefix(first.text, "$") && !first.quoted {
		if strings.EqualFold(first.text, "$ORIGIN") && len(words) > 1 {
			r.origin = strings.TrimSuffix(words[1].text, ".")
		}
		return nil
	}
	if owned {
		r.owner = r.absolute(first.text)
		words = words[1:]
	}
	for len(words) > 0 && !words[0].quoted && (isTTL(words[0].text) || isClass(words[0].text)) {
		words = words[1:]
	}
	if len(words) == 0 || words[0].quoted {
		return first.unreadable()
	}
	kind, err := dnsx.ParseType(words[0].text)
	if err != nil && !isTypeName(words[0].text) {
		return first.unreadable()
	}
	if kind != dnsx.TypeTXT && kind != dnsx.TypeSPF {
		r.in.passed++
		return nil
	}
	return r.add(spfText{owner: r.owner, line: first.line, kind: kind}, words[1:])
}

// continues reports whether the next line goes on with the strings of this record.
func (r *inputReader) continues() bool {
	line, _, _ := strings.Cut(r.rest, "\n")
	line = strings.TrimLeft(line, inputBlanks)
	if !strings.HasPrefix(line, `"`) {
		return false
	}
	text, _, _ := strings.Cut(line[1:], `"`)
	_, near := spf.NearMiss(text)
	return !spf.IsRecord(text) && !near
}

// add keeps a TXT record if it is one of SPF, or means to be.
func (r *inputReader) add(t spfText, words []inputWord) error {
	size := 0
	for _, w := range words {
		t.strings = append(t.strings, w.text)
		size += len(w.text) + 1 + len(w.text)/255
		if !w.quoted && len(words) > 1 && spf.IsRecord(words[0].text) {
			return w.fail("the text has to stand in quotes: without them a name server takes each word for a string, and joins them with no blank between")
		}
	}
	if size > lintMaxText {
		return words[0].fail(fmt.Sprintf("a record of over %d octets", lintMaxText))
	}
	if r.in.keep(t) {
		return nil
	}
	if t.owner == "" && len(words) > 0 {
		return words[0].fail(fmt.Sprintf("%q is no SPF record: one begins with v=spf1 and a blank", short(t.text())))
	}
	r.in.passed++
	return nil
}

// words takes the words of one entry: to the end of the line, or of the parentheses.
func (r *inputReader) words() ([]inputWord, error) {
	var all []inputWord
	depth := 0
	line, at := r.rest, 0 // at: octets into line
	next := func() { r.takeLine(); line, at = r.rest, 0 }
	for {
		if at >= len(line) {
			if depth > 0 {
				return nil, r.fail(lineOf(line), "a parenthesis is not closed")
			}
			r.rest = ""
			return all, nil
		}
		switch c := line[at]; {
		case c == '\n' || c == ';':
			next()
			if depth == 0 {
				return all, nil
			}
		case c == ' ' || c == '\t' || c == '\r':
			at++
		case c == '(':
			depth, at = depth+1, at+1
		case c == ')' && depth == 0:
			return nil, r.fail(line[:at], "a parenthesis is closed that was not opened")
		case c == ')':
			depth, at = depth-1, at+1
		default:
			text, n, err := word(line[at:])
			if err != nil {
				return nil, r.fail(line[:at], err.Error())
			}
			all = append(all, inputWord{text, c == '"', r.line, 1 + utf8.RuneCountInString(line[:at])})
			at += n
		}
	}
}

func lineOf(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// word reads one, quoted or not, and returns how many octets it takes.
func word(s string) (text string, n int, err error) {
	quoted := s[0] == '"'
	var b strings.Builder
	i := 0
	if quoted {
		i++
	}
	for ; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' && quoted:
			if end := i + 1; end < len(s) && strings.IndexByte(" \t\r\n;()\"", s[end]) < 0 {
				return "", 0, errors.New("behind the closing quote stands text without a blank between")
			}
			return b.String(), i + 1, nil
		case c == '\n' && quoted:
			return "", 0, errors.New("the quote is not closed in this line")
		case !quoted && strings.IndexByte(" \t\r\n;()", c) >= 0:
			return b.String(), i, nil
		case c == '\\' && i+1 < len(s) && s[i+1] != '\n':
			value, size := escape(s[i+1:])
			b.WriteByte(value)
			i += size
		default:
			b.WriteByte(c)
		}
	}
	if quoted {
		return "", 0, errors.New("the quote is not closed")
	}
	return b.String(), i, nil
}

// escape reads what stands behind a backslash: three digits, or one character
// (RFC 1035, 5.1).
func escape(s string) (value byte, size int) {
	if len(s) >= 3 {
		n := 0
		for _, c := range []byte(s[:3]) {
			if c < '0' || c > '9' {
				return s[0], 1
			}
			n = 10*n + int(c-'0')
		}
		if n < 256 {
			return byte(n), 3
		}
	}
	return s[0], 1
}

// atOrigin is the owner of records at an origin that the input does not name.
const atOrigin = "@"

// absolute is an owner with the origin, where that is known.
func (r *inputReader) absolute(owner string) string {
	switch {
	case owner == atOrigin:
		return cmp.Or(r.origin, atOrigin)
	case strings.HasSuffix(owner, ".") || r.origin == "":
		return strings.TrimSuffix(owner, ".")
	}
	return owner + "." + r.origin
}

func isClass(s string) bool {
	for _, class := range []string{"IN", "CH", "HS"} {
		if strings.EqualFold(s, class) {
			return true
		}
	}
	return false
}

// isTTL takes seconds, and BIND's 1h30m.
func isTTL(s string) bool {
	return s != "" && s[0] >= '0' && s[0] <= '9' && strings.Trim(strings.ToLower(s), "0123456789smhdw") == ""
}

// isTypeName takes the names of types that dnsx does not know.
func isTypeName(s string) bool {
	return s != "" && s == strings.ToUpper(s) && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == "" && s[0] >= 'A'
}

func short(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
