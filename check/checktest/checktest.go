// Package checktest runs rules over case files.
//
// Each rule has one file, testdata/rules/ID.txtar, named by the rule's id, with
// one section a case. The header of a section is the wanted outcome, after a
// colon the reason, and after a slash the name of a file that goes with the case:
//
//	Ten lookups are allowed, the eleventh is the error (RFC 7208, 4.6.4).
//	-- pass: exactly ten --
//	acme.example. TXT "v=spf1 a mx include:a.example -all"
//	-- fail: eleven --
//	…
//	-- fail: eleven/want --
//	11 lookups
//	-- unknown: one include timed out --
//	…
//
// The body of a section without a slash is the case's zone, as lines of package
// dnsx/dnstest; the file "want" holds one text a line that the result's details,
// evidence, fixes or gaps have to contain; other files mean what the package's
// own test makes of them. A line "; domain: NAME" in the zone names the domain
// to check, acme.example if there is none.
//
// Run demands of every rule a case that passes, one that fails (for a rule of
// severity info: gives a note), and one that is unknown because what the rule
// reads timed out. Every case is judged twice, the second time from facts that
// were written as JSON and read back; both must agree.
package checktest

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mailcheck-go/mailcheck/check"
)

// Case is one section of a case file.
type Case struct {
	Rule   string // its id, the file's name
	Want   check.Outcome
	Name   string            // what stands behind the colon
	Domain string            // to be checked
	Zone   string            // lines for dnstest
	Files  map[string]string // by name, without "want"
	want   []string
}

// Run judges every case file in dir: discover gathers facts for a case, analyze
// makes the rules' view of them. It validates the rules first.
func Run[F, V any](t *testing.T, rules []check.Rule[V], dir string, discover func(*testing.T, Case) F, analyze func(F) V) {
	t.Helper()
	if err := check.Validate(rules); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		id := strings.TrimSuffix(filepath.Base(file), ".txtar")
		if !slices.ContainsFunc(rules, func(r check.Rule[V]) bool { return r.ID == id }) {
			t.Errorf("%s: no rule has this id", file)
		}
	}
	for _, rule := range rules {
		t.Run(rule.ID, func(t *testing.T) {
			cases := Load(t, filepath.Join(dir, rule.ID+".txtar"))
			demand(t, rule.Doc, cases)
			for _, c := range cases {
				t.Run(string(c.Want)+": "+c.Name, func(t *testing.T) {
					facts := discover(t, c)
					got := check.Apply(analyze(facts), []check.Rule[V]{rule})[0]
					c.compare(t, got)
					again := check.Apply(analyze(roundTrip(t, facts)), []check.Rule[V]{rule})[0]
					if a, b := asJSON(t, got), asJSON(t, again); a != b {
						t.Errorf("facts that were saved and read back give another result:\n%s\nwant\n%s", b, a)
					}
				})
			}
		})
	}
}

func demand(t *testing.T, doc check.Doc, cases []Case) {
	t.Helper()
	bad := check.Fail
	if doc.Severity == check.Info {
		bad = check.Note
	}
	for _, want := range []check.Outcome{check.Pass, bad, check.Unknown} {
		if !slices.ContainsFunc(cases, func(c Case) bool { return c.Want == want }) {
			t.Errorf("%s: no case gives %s", doc.ID, want)
		}
	}
}

// Load reads one case file.
func Load(t *testing.T, file string) []Case {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	id := strings.TrimSuffix(filepath.Base(file), ".txtar")
	var cases []Case
	for _, s := range sections(string(data)) {
		header, extra, isFile := strings.Cut(s.name, "/")
		outcome, name, _ := strings.Cut(header, ":")
		c := Case{Rule: id, Want: check.Outcome(strings.TrimSpace(outcome)), Name: strings.TrimSpace(name), Files: map[string]string{}}
		at := slices.IndexFunc(cases, func(o Case) bool { return o.Want == c.Want && o.Name == c.Name })
		switch {
		case !isFile && at >= 0:
			t.Fatalf("%s: %q stands twice", file, s.name)
		case !isFile:
			c.Zone, c.Domain = s.body, domain(s.body)
			cases = append(cases, c)
		case at < 0:
			t.Fatalf("%s: %q stands before its case", file, s.name)
		case extra == "want":
			if cases[at].want = texts(s.body); len(cases[at].want) == 0 {
				t.Fatalf("%s: %q wants nothing", file, s.name)
			}
		default:
			cases[at].Files[extra] = s.body
		}
	}
	return cases
}

// texts are the lines of a body that are not empty.
func texts(body string) []string {
	var all []string
	for line := range strings.Lines(body) {
		if line = strings.TrimSpace(line); line != "" {
			all = append(all, line)
		}
	}
	return all
}

type section struct{ name, body string }

// sections splits a file at its "-- name --" lines; what stands before the first is comment.
func sections(data string) []section {
	var all []section
	for line := range strings.Lines(data) {
		name, ok := strings.CutPrefix(strings.TrimRight(line, "\r\n"), "-- ")
		if ok {
			if name, ok = strings.CutSuffix(name, " --"); ok {
				all = append(all, section{name: name})
				continue
			}
		}
		if n := len(all); n > 0 {
			all[n-1].body += line
		}
	}
	return all
}

func domain(zone string) string {
	for line := range strings.Lines(zone) {
		if name, ok := strings.CutPrefix(line, "; domain:"); ok {
			return strings.TrimSpace(name)
		}
	}
	return "acme.example"
}

func (c Case) compare(t *testing.T, got check.Result) {
	t.Helper()
	text := asJSON(t, got)
	if got.Outcome != c.Want {
		t.Fatalf("got %s, want %s:\n%s", got.Outcome, c.Want, text)
	}
	said := says(got)
	for _, want := range c.want {
		if !strings.Contains(said, want) {
			t.Errorf("nothing says %q:\n%s", want, text)
		}
	}
	for _, f := range got.Findings {
		if f.Subject == "" || f.Detail.IsZero() {
			t.Errorf("a finding without subject or detail:\n%s", text)
		}
		if strings.Contains(f.Detail.String(), "%!") {
			t.Errorf("the detail's arguments do not fit its format: %s", f.Detail)
		}
	}
}

// says is all text of a result, line by line.
func says(res check.Result) string {
	var b strings.Builder
	line := func(s ...string) { b.WriteString(strings.Join(s, " ") + "\n") }
	for _, f := range res.Findings {
		line(f.Severity.String(), f.Subject)
		line(f.Detail.String())
		for _, e := range f.Evidence {
			line(e.Source, e.Text)
		}
		if f.Fix != nil {
			line(f.Fix.Summary.String())
			for _, c := range f.Fix.Changes {
				line(c.Name, c.Type)
				line(c.Old...)
				line(c.New...)
			}
		}
	}
	for _, g := range res.Gaps {
		line(string(g.Why), g.Subject, g.CauseText())
	}
	return b.String()
}

func roundTrip[F any](t *testing.T, facts F) F {
	t.Helper()
	var again F
	if err := json.Unmarshal([]byte(asJSON(t, facts)), &again); err != nil {
		t.Fatal(err)
	}
	return again
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
