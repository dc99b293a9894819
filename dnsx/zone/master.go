package zone

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/mailcheck-go/mailcheck/dnsx"
)

const (
	defaultTTL = 3600
	maxTTL     = 1<<31 - 1 // RFC 2181, 8
)

// master reads one master file and what it includes.
type master struct {
	f      *file
	b      *budget
	p      parser
	dir    *folder // nil: there are no includes
	zone   string  // of the file's name, with the dot; "" if it says none
	named  bool    // and it served as origin
	soa    *record // the first one
	inside []string
}

// state is what earlier lines decide about later ones. An include starts with a
// copy, and what it changes ends with it.
type state struct {
	origin string // of $ORIGIN, with the dot; "" before the first one
	owner  string // of the last record, with the dot
	ttl    uint32 // noTTL before the first one
	fixed  bool   // ttl is of $TTL
	soaTTL uint32 // the minimum of the SOA
}

func parseMaster(f *file, data []byte, dir *folder, b *budget) error {
	m := &master{f: f, b: b, dir: dir, zone: zoneOf(filepath.Base(f.path))}
	if err := m.read(f.path, filepath.Base(f.path), data, state{ttl: noTTL, soaTTL: defaultTTL}); err != nil {
		return err
	}
	switch {
	case len(f.records) == 0:
		return &SyntaxError{File: f.path, Reason: "holds no record"}
	case m.soa != nil:
		m.trim()
	}
	return nil
}

// zoneOf is the zone that the name of a master file says, with the dot: it needs
// two labels at least, that a file called "providers.zone" is not taken for one.
func zoneOf(base string) string {
	name := strings.TrimSuffix(strings.ToLower(base), ".signed")
	name = strings.TrimPrefix(name, "db.")
	for _, ext := range []string{".zone", ".db", ".txt"} {
		if s, ok := strings.CutSuffix(name, ext); ok {
			name = s
			break
		}
	}
	canon, err := dnsx.ParseName(name)
	if err != nil || dnsx.Labels(canon) < 2 {
		return ""
	}
	return dotted(canon)
}

// trim passes over what lies outside of the zone, as name servers do.
func (m *master) trim() {
	f := m.f
	f.apex = m.soa.Name
	f.records = slices.DeleteFunc(f.records, func(r record) bool {
		if dnsx.Below(r.Name, f.apex) {
			return false
		}
		f.notes = append(f.notes, Note{
			File: r.file, Line: r.line, Name: r.Name, Type: r.Type.String(),
			Reason: "not served: it lies outside of the zone " + f.apex,
		})
		return true
	})
}

// read reads the file at path, which is name in the folder.
func (m *master) read(path, name string, data []byte, st state) error {
	text := strings.TrimPrefix(string(data), "\ufeff") // the mark that some editors put in front
	if !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	m.inside = append(m.inside, name)
	s := scanner{text: text, line: 1}
	for {
		e, ok, err := s.next()
		switch {
		case err != nil:
		case !ok:
			m.inside = m.inside[:len(m.inside)-1]
			return nil
		case e.blank():
		case e.text[0] == '$':
			err = m.directive(path, name, e, &st)
		default:
			err = m.record(path, e, &st)
		}
		if err != nil {
			return located(err, path, e.line)
		}
	}
}

// located adds the place to an error that does not say it.
func located(err error, path string, line int) error {
	if at, ok := errors.AsType[*SyntaxError](err); ok {
		return at
	}
	return &SyntaxError{File: path, Line: line, Reason: err.Error()}
}

func (m *master) directive(path, name string, e entry, st *state) error {
	words, _ := e.words(4)
	most := map[string]int{"$ORIGIN": 1, "$TTL": 1, "$INCLUDE": 2, "$GENERATE": 3}
	kind := strings.ToUpper(words[0])
	switch args := len(words) - 1; {
	case most[kind] == 0:
		return fmt.Errorf("%q is no directive", words[0])
	case args == 0 || args > most[kind]:
		return fmt.Errorf("%s has %d words behind it, want 1 to %d", kind, args, most[kind])
	}
	switch kind {
	case "$TTL":
		ttl, ok := parseTTL(words[1])
		if !ok {
			return fmt.Errorf("%q is no TTL", words[1])
		}
		st.ttl, st.fixed = ttl, true
		return nil
	case "$ORIGIN":
		return m.setOrigin(words[1], st)
	case "$GENERATE":
		return m.generate(path, e, st)
	}
	sub := *st
	if len(words) > 2 {
		if err := m.setOrigin(words[2], &sub); err != nil {
			return err
		}
	}
	return m.include(name, words[1], sub)
}

// parseTTL reads seconds, or 1w2d3h4m5s as BIND has it.
func parseTTL(s string) (uint32, bool) {
	units := map[byte]uint64{'s': 1, 'm': 60, 'h': 3600, 'd': 86400, 'w': 604800}
	if s == "" {
		return 0, false
	}
	var sum uint64
	for s != "" {
		i := strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' })
		unit := uint64(1)
		digits, rest := s, ""
		if i >= 0 {
			digits, rest = s[:i], s[i+1:]
			unit = units[s[i]|0x20]
		}
		n, err := strconv.ParseUint(digits, 10, 32)
		if err != nil || unit == 0 {
			return 0, false
		}
		if sum += n * unit; sum > maxTTL {
			sum = maxTTL
		}
		s = rest
	}
	return uint32(sum), true
}

// origin is what relative names are relative to, "" while nothing says it.
func (m *master) origin(st *state) string {
	switch {
	case st.origin != "":
		return st.origin
	case m.soa != nil:
		return dotted(m.soa.Name)
	case m.named:
		return m.zone
	}
	return ""
}

// byName takes the zone of the file's name for the origin.
func (m *master) byName() error {
	if m.zone == "" {
		return errors.New("a relative name, and nothing says of which zone: " +
			"begin the file with $ORIGIN, or name it after its zone, as in acme.example.zone")
	}
	m.named = true
	return nil
}

func (m *master) setOrigin(name string, st *state) error {
	if !absolute(name) {
		if m.origin(st) == "" {
			if err := m.byName(); err != nil {
				return err
			}
		}
		if origin := m.origin(st); name == "@" {
			name = origin
		} else {
			name = dnsx.Join(name, origin)
		}
	}
	canon, err := dnsx.ParseName(name)
	if err != nil {
		return err
	}
	st.origin = dotted(canon)
	return nil
}

// absolute reports whether a name ends in a dot that is none of its last label.
func absolute(name string) bool {
	rest, ok := strings.CutSuffix(name, ".")
	return ok && (len(rest)-len(strings.TrimRight(rest, `\`)))%2 == 0
}

// record reads the entry of one record.
func (m *master) record(path string, e entry, st *state) error {
	text := e.text
	if space(text[0]) { // the owner is the last one's
		if st.owner == "" {
			return errors.New("a record without an owner, and none before it")
		}
		text = st.owner + text
	}
	origin := m.origin(st)
	rr, err := m.p.one(text, cmp.Or(origin, noOrigin))
	if errors.Is(err, errNoOrigin) {
		if rr.Type == dnsx.TypeSOA && rr.Name != "" {
			origin = dotted(rr.Name)
		} else {
			if err := m.byName(); err != nil {
				return err
			}
			origin = m.zone
		}
		rr, err = m.p.one(text, origin)
	}
	switch {
	case err != nil:
		return err
	case len(rr.Data) == 0 && !strings.Contains(text, `\#`):
		return fmt.Errorf("%s without data", rr.Type)
	case e.long && (rr.Type == dnsx.TypeTXT || rr.Type == dnsx.TypeSPF):
		return fmt.Errorf("a string of over %d octets: cut it into several, each in quotes", maxString)
	}
	st.owner = dotted(rr.Name)
	return m.add(&record{rr, path, e.line}, st)
}

// add settles the TTL and keeps the record.
func (m *master) add(r *record, st *state) error {
	if r.Type == dnsx.TypeSOA {
		if err := m.begin(r, st); err != nil {
			return err
		}
	}
	switch {
	case r.TTL != noTTL:
		r.TTL = min(r.TTL, maxTTL)
		if !st.fixed {
			st.ttl = r.TTL
		}
	case st.ttl != noTTL:
		r.TTL = st.ttl
	default:
		r.TTL = st.soaTTL
	}
	m.f.records = append(m.f.records, *r)
	return m.b.record(len(r.Data))
}

// begin takes the SOA record: it says which zone the file is about.
func (m *master) begin(r *record, st *state) error {
	switch {
	case m.soa != nil && m.soa.Name != r.Name:
		return fmt.Errorf("a second zone, %s: the file has the SOA record of %s already", r.Name, m.soa.Name)
	case m.named && m.zone != dotted(r.Name):
		return fmt.Errorf("the SOA record is of %s, but names before it were taken to be in %s, as the file's name says: begin it with $ORIGIN",
			r.Name, m.zone)
	case m.soa == nil:
		m.soa = r
	}
	if soa, ok := r.SOA(); ok {
		st.soaTTL = min(soa.Minimum, maxTTL)
	}
	return nil
}

// generate reads $GENERATE range owner [TTL] [class] type data.
func (m *master) generate(path string, e entry, st *state) error {
	words, end := e.words(3)
	if len(words) < 3 {
		return errors.New("$GENERATE wants a range, an owner and a record")
	}
	text := e.text
	if !hasTTL(text[end:]) { // miekg/dns would make one up
		ttl := st.ttl
		if ttl == noTTL {
			ttl = st.soaTTL
		}
		text = fmt.Sprintf("%s %d%s", text[:end], ttl, text[end:])
	}
	if m.origin(st) == "" {
		if err := m.byName(); err != nil {
			return err
		}
	}
	return m.p.all(text, m.origin(st), func(rr dnsx.RR) error {
		st.owner = dotted(rr.Name)
		return m.add(&record{rr, path, e.line}, st)
	})
}

// hasTTL reports whether what follows an owner begins with a TTL, before or behind
// the class.
func hasTTL(text string) bool {
	words, _ := entry{text: text}.words(2)
	if len(words) == 2 && strings.EqualFold(words[0], "IN") {
		words = words[1:]
	}
	if len(words) == 0 {
		return false
	}
	_, ok := parseTTL(words[0])
	return ok
}

// include reads another file, as if it stood here.
func (m *master) include(from, target string, st state) error {
	if m.dir == nil {
		return errors.New("$INCLUDE: a file in memory cannot include others")
	}
	if len(m.inside) > maxDepth {
		return fmt.Errorf("$INCLUDE: over %d deep", maxDepth)
	}
	name, err := m.dir.locate(from, target)
	if err != nil {
		return fmt.Errorf("$INCLUDE %s: %w", target, err)
	}
	if slices.Contains(m.inside, name) {
		return fmt.Errorf("$INCLUDE %s: it includes itself", target)
	}
	data, err := m.dir.read(name, m.b)
	if err != nil {
		return fmt.Errorf("$INCLUDE %s: %w", target, err)
	}
	path := filepath.Join(m.dir.path, name)
	m.f.included[path] = true
	return m.read(path, name, data, st)
}
