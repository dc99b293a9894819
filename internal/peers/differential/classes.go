package main

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/spf"
)

// class is one reason for which peers disagree, and the section that decides it.
//
// What a class takes has to be shown: with edit the peer agrees once the case has
// no longer what it takes another way; with as, mailcheck says of the edited case what
// the peer says of the case as it is; with is, the peer's own words and our trace name
// the place, or the domain alone has but one result by the text.
type class struct {
	id      string
	peers   []string
	section string
	why     string
	both    bool // the text leaves room for both; else mailcheck is right
	is      func(t *trial, x said) bool
	edit    func(c *change)
	same    bool // the edit changes nothing of what the standards say, so mailcheck has to say the same
	spelt   bool // the edit writes for the peer what mailcheck reads: of it the peer says what mailcheck says of the case
	as      func(w *world)
	with    *spf.Checker                // as mailcheck would say with other limits
	only    func(t *trial, x said) bool // what has to hold beside that; nil for nothing
}

// change is what an edit makes of a case.
type change struct {
	session session
	text    func(string) string // of TXT records
	lower   bool                // no name in capital letters
}

func (c *change) texts(edit func(string) string) {
	before := c.text
	c.text = func(text string) string { return edit(before(text)) }
}

func (c *class) of(peer string) bool { return slices.Contains(c.peers, peer) }

// classify finds the classes of each peer that disagrees.
func (l *lane) classify(t *trial) error {
	t.class = map[string][]string{}
	for name := range t.peers {
		if t.agrees(name) {
			continue
		}
		ids, err := l.classOf(t, name)
		if err != nil {
			return err
		}
		t.class[name] = ids
	}
	return nil
}

// plain returns the class that needs no edit.
func (l *lane) plain(t *trial, name string) (string, error) {
	x := t.peers[name]
	for i := range classes {
		c := &classes[i]
		switch {
		case !c.of(name), c.only != nil && !c.only(t, x):
		case c.is != nil && c.is(t, x):
			return c.id, nil
		case c.as != nil:
			w := t.world.again()
			c.as(w)
			v, err := patient.CheckHost(context.Background(), w, sessionOf(t.session))
			if err != nil {
				return "", err
			}
			if string(v.Result) == x.Result && v.Result != t.ours.Result {
				return c.id, nil
			}
		case c.with != nil:
			v, err := c.with.CheckHost(context.Background(), t.world.again(), sessionOf(t.session))
			if err != nil {
				return "", err
			}
			if string(v.Result) == x.Result && v.Result != t.ours.Result {
				return c.id, nil
			}
		}
	}
	return "", nil
}

// classOf returns the fewest edits after which the peer agrees, or disagrees for
// another reason that has a class.
func (l *lane) classOf(t *trial, name string) ([]string, error) {
	id, err := l.plain(t, name)
	if id != "" || err != nil {
		return ids(id), err
	}
	var edits []*class
	for i := range classes {
		if c := &classes[i]; c.edit != nil && c.of(name) && (c.only == nil || c.only(t, t.peers[name])) && c.changes(t) {
			edits = append(edits, c)
		}
	}
	if len(edits) == 0 {
		return nil, nil
	}
	for _, c := range edits { // one is enough mostly
		if ok, rest, err := l.explain(t, name, []*class{c}); ok || err != nil {
			return ids(c.id, rest), err
		}
	}
	for i, c := range edits {
		for _, d := range edits[:i] {
			if ok, rest, err := l.explain(t, name, []*class{d, c}); ok || err != nil {
				return ids(d.id, c.id, rest), err
			}
		}
	}
	if ok, _, err := l.explain(t, name, edits); err != nil {
		return nil, err
	} else if !ok {
		return l.beyond(t, name, edits)
	}
	for i := 0; i < len(edits); {
		fewer := slices.Delete(slices.Clone(edits), i, i+1)
		ok, _, err := l.explain(t, name, fewer)
		switch {
		case err != nil:
			return nil, err
		case ok:
			edits = fewer
		default:
			i++
		}
	}
	_, rest, err := l.explain(t, name, edits)
	found := ids(rest)
	for _, c := range edits {
		found = append(found, c.id)
	}
	return found, err
}

func ids(all ...string) []string {
	return slices.DeleteFunc(all, func(id string) bool { return id == "" })
}

// beyond looks for a class of what an edit, or two, lead to: other names have other
// records, about which peers may disagree too.
func (l *lane) beyond(t *trial, name string, edits []*class) ([]string, error) {
	var sets [][]*class
	for i, c := range edits {
		sets = append(sets, []*class{c})
		for _, d := range edits[:i] {
			sets = append(sets, []*class{d, c})
		}
	}
	for _, set := range sets {
		again, err := l.edited(t, name, set)
		if err != nil {
			return nil, err
		}
		if again == nil {
			continue
		}
		for i := range classes {
			c := &classes[i]
			if c.edit == nil || !c.of(name) || slices.Contains(set, c) || c.only != nil && !c.only(again, again.peers[name]) || !c.changes(again) {
				continue
			}
			ok, rest, err := l.explain(again, name, []*class{c})
			if err != nil {
				return nil, err
			}
			if ok {
				found := ids(c.id, rest)
				for _, d := range set {
					found = append(found, d.id)
				}
				return found, nil
			}
		}
	}
	return nil, nil
}

// explain says whether a peer agrees on the edited case, or what class is left.
func (l *lane) explain(t *trial, name string, edits []*class) (ok bool, rest string, err error) {
	again, err := l.edited(t, name, edits)
	if again == nil || err != nil {
		return false, "", err
	}
	if again.agrees(name) {
		return true, "", nil
	}
	rest, err = l.plain(again, name)
	return rest != "", rest, err
}

// edited is a case once more, with edits; nil where we are wrong: an edit changes
// nothing of what the standards say, and mailcheck says something else.
func (l *lane) edited(t *trial, name string, edits []*class) (*trial, error) {
	c := change{session: t.session, text: func(text string) string { return text }}
	for _, e := range edits {
		e.edit(&c)
	}
	w := t.world.again()
	w.texts(c.text)
	w.move(domainOf(c.session))
	w.lower = w.lower || c.lower
	again, err := l.trial(c.session, w, map[string]peer{name: l.peers[name]})
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(edits, func(c *class) bool { return !c.spelt }) {
		again.ours = t.ours
	}
	if !slices.ContainsFunc(edits, func(c *class) bool { return !c.same }) && !t.alike(again) {
		return nil, nil
	}
	return again, nil
}

// alike reports whether mailcheck says the same of two cases.
func (t *trial) alike(o *trial) bool {
	plain := func(v spf.Verdict) string { return strings.ToLower(times.ReplaceAllString(v.Explanation, "TIME")) }
	return t.ours.Result == o.ours.Result && plain(t.ours) == plain(o.ours)
}

// changes reports whether an edit changes anything that was asked for.
func (c *class) changes(t *trial) bool {
	edited := change{session: t.session, text: func(text string) string { return text }}
	c.edit(&edited)
	if edited.session != t.session || edited.lower && !t.world.lower {
		return true
	}
	for _, n := range t.world.known() {
		for _, rr := range n.records[dnsx.TypeTXT] {
			if text := rr.Text(); edited.text(text) != text {
				return true
			}
		}
	}
	return false
}

// ofRecords applies an edit to SPF records alone.
func ofRecords(edit func(string) string) func(string) string {
	return func(text string) string {
		if !spf.IsRecord(text) {
			return text
		}
		return edit(text)
	}
}

func mustMatch(pattern string) *regexp.Regexp { return regexp.MustCompile(pattern) }

func replacer(pattern, with string) func(string) string {
	re := regexp.MustCompile(pattern)
	return func(text string) string { return re.ReplaceAllString(text, with) }
}

// local replaces the local part.
func (c *change) local(edit func(string) string) {
	if at := strings.LastIndexByte(c.session.Sender, '@'); at >= 0 {
		c.session.Sender = edit(c.session.Sender[:at]) + c.session.Sender[at:]
	}
}

// domain replaces the domain.
func (c *change) domain(edit func(string) string) {
	s := &c.session
	if s.Sender == "" {
		s.Helo = edit(s.Helo)
		return
	}
	at := strings.LastIndexByte(s.Sender, '@') + 1
	s.Sender = s.Sender[:at] + edit(s.Sender[at:])
}

// reason is what mailcheck says of a problem; "" where there is none.
func reason(t *trial) string {
	if t.ours.Problem == nil {
		return ""
	}
	return t.ours.Problem.Reason.String()
}

func problem(t *trial, kinds ...spf.ProblemKind) bool {
	return t.ours.Problem != nil && slices.Contains(kinds, t.ours.Problem.Kind)
}

// without drops the terms of records that have a fault of one of the kinds; of any if
// none is named.
func without(kinds ...spf.Fault) func(string) string {
	return func(text string) string {
		r, _ := spf.Parse(text)
		if r == nil {
			return text
		}
		for _, f := range slices.Backward(r.Faults) {
			if len(kinds) == 0 || slices.Contains(kinds, f.Kind) {
				text = text[:f.Offset] + text[f.Offset+len(f.Term):]
			}
		}
		return text
	}
}

// domainOf is the domain of a session's identity, as it was said.
func domainOf(s session) string {
	if s.Sender == "" {
		return s.Helo
	}
	return s.Sender[strings.LastIndexByte(s.Sender, '@')+1:]
}

// failing reports whether a peer stopped at the address lookup of a host to which
// records of a type lead.
func failing(t *trial, x said, typ dnsx.Type) bool {
	for _, n := range t.world.known() {
		for _, rr := range n.records[typ] {
			host, _ := rr.Target()
			if typ == dnsx.TypeMX {
				_, host, _ = rr.MX()
			}
			if strings.Contains(strings.ToLower(x.Reason), host) && (fails(t, host, dnsx.TypeA) || fails(t, host, dnsx.TypeAAAA)) {
				return true
			}
		}
	}
	return false
}

// fails reports whether a question has no answer in the world.
func fails(t *trial, name string, typ dnsx.Type) bool { return failsIn(t.world.again(), name, typ) }

func failsIn(w *world, name string, typ dnsx.Type) bool {
	_, err := w.Resolve(context.Background(), dnsx.Q(name, typ))
	return err != nil
}

const (
	pyspf    = "pyspf"
	mailspf  = "Mail::SPF"
	anyLabel = "%(?i:\\{[slodipvhcrt])"
)
