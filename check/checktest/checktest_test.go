package checktest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/check/checktest"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
)

// A tiny room: its facts are one reply, and a limit out of a file of the case.
type facts struct {
	TXT   dnsx.Reply `json:"txt"`
	Limit string     `json:"limit,omitempty"`
	Lost  string     `json:"-"` // a fault of the room: it is not saved
}

func discover(t *testing.T, c checktest.Case) *facts {
	return &facts{
		TXT:   dnsx.Ask(t.Context(), dnstest.Must(c.Zone), dnsx.Q(c.Domain, dnsx.TypeTXT))[0],
		Limit: strings.TrimSpace(c.Files["limit"]),
	}
}

func analyze(f *facts) *facts { return f }

// long finds a text that is longer than the case's limit of octets, 12 if there is none.
func long() check.Rule[*facts] {
	return check.Rule[*facts]{
		Doc: check.Doc{
			ID: "txt.long", Severity: check.High, Title: "The text is long", Text: "Nobody reads it.", Fix: "Write less.",
			Cite: []check.Cite{check.RFC(1035, "3.3.14")}, Since: "v0.1.0",
		},
		Check: func(f *facts) ([]check.Finding, []check.Gap) {
			if err := f.TXT.Err(); err != nil {
				return nil, []check.Gap{check.GapOf("", err)}
			}
			limit := 12
			if f.Limit == "low" {
				limit = 2
			}
			var found []check.Finding
			for _, rr := range f.TXT.Records() {
				if n := len(rr.Text()); n > limit {
					found = append(found, check.Finding{
						Subject: f.TXT.Question.Name, Detail: check.Textf("%d octets, %d over the limit", n, n-limit),
						Evidence: []check.Evidence{{Source: f.TXT.Question.String(), Text: rr.Text()}},
						Fix: &check.Fix{Summary: check.Textf("Cut it"), Changes: []check.Change{
							{Name: rr.Name, Type: "TXT", Old: []string{rr.Text()}, New: []string{rr.Text()[:limit]}},
						}},
					})
				}
			}
			return found, nil
		},
	}
}

// good is a case file that long satisfies.
const good = `What stands here is comment.
-- pass: exactly twelve --
acme.example. TXT "twelve octet"
-- fail: thirteen --
; domain: other.example
other.example. TXT "13 octets long"
-- fail: thirteen/want --
high other.example
14 octets, 2 over

TXT other.example 13 octets long
Cut it
other.example TXT
13 octets lo
-- fail: the case's own limit --
acme.example. TXT "abc"
-- fail: the case's own limit/limit --
low
-- unknown: it timed out --
acme.example. TXT !timeout
-- unknown: it timed out/want --
failed TXT acme.example TXT acme.example timed out at dnstest
`

func folder(t *testing.T, files map[string]string) string {
	dir := t.TempDir()
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return dir
}

func TestRun(t *testing.T) {
	checktest.Run(t, []check.Rule[*facts]{long()}, folder(t, map[string]string{"txt.long.txtar": good}), discover, analyze)
	t.Run("CRLF", func(t *testing.T) {
		text := strings.ReplaceAll(good, "\n", "\r\n")
		checktest.Run(t, []check.Rule[*facts]{long()}, folder(t, map[string]string{"txt.long.txtar": text}), discover, analyze)
	})
}

// Run has to see what is wrong with rules, cases and rooms.
func TestRun_faults(t *testing.T) {
	edit := func(old, to string) string {
		require.Contains(t, good, old)
		return strings.Replace(good, old, to, 1)
	}
	informs := long()
	informs.Severity = check.Info
	invalid := long()
	invalid.Cite = nil
	badFormat := long()
	badFormat.Check = func(f *facts) ([]check.Finding, []check.Gap) {
		found, gaps := long().Check(f)
		for i := range found {
			found[i].Detail = check.Textf("%d octets", "many")
		}
		return found, gaps
	}
	silent := long()
	silent.Check = func(f *facts) ([]check.Finding, []check.Gap) {
		found, gaps := long().Check(f)
		for i := range found {
			found[i].Subject = ""
		}
		return found, gaps
	}
	forgetful := func(t *testing.T, c checktest.Case) *facts {
		f := discover(t, c)
		f.Lost = "x"
		return f
	}
	lossy := long()
	lossy.Check = func(f *facts) ([]check.Finding, []check.Gap) {
		found, gaps := long().Check(f)
		for i := range found {
			found[i].Evidence[0].Source += f.Lost
		}
		return found, gaps
	}
	tests := []struct {
		name     string
		rule     check.Rule[*facts]
		discover func(*testing.T, checktest.Case) *facts
		text     string
		want     string
	}{
		{name: "the outcome is another", text: edit("twelve octet", "thirteen octets"), want: "got fail, want pass"},
		{name: "no such outcome", text: edit("-- pass:", "-- passes:"), want: "got pass, want passes"},
		{name: "no case that passes", text: edit("-- pass: exactly twelve --\nacme.example. TXT \"twelve octet\"\n", ""), want: "txt.long: no case gives pass"},
		{name: "no case that fails", text: "-- pass: x --\n-- unknown: x --\nacme.example. TXT !timeout\n", want: "txt.long: no case gives fail"},
		{name: "no case that is unknown", text: good[:strings.Index(good, "-- unknown")], want: "txt.long: no case gives unknown"},
		{name: "a rule that informs without a note", rule: informs, text: good, want: "txt.long: no case gives note"},
		{name: "a detail is not said", text: edit("14 octets", "15 octets"), want: `nothing says "15 octets, 2 over"`},
		{name: "evidence is not shown", text: edit("TXT other.example 13", "TXT other.example 12"), want: `nothing says "TXT other.example 12 octets long"`},
		{name: "a gap is not told", text: edit("failed TXT", "not-asked TXT"), want: `nothing says "not-asked TXT acme.example`},
		{name: "a file that wants nothing", text: edit("failed TXT acme.example TXT acme.example timed out at dnstest\n", "\n \n"), want: `"unknown: it timed out/want" wants nothing`},
		{name: "a file before its case", text: "-- pass: later/want --\nx\n" + good, want: `"pass: later/want" stands before its case`},
		{name: "a case twice", text: good + "-- pass: exactly twelve --\n", want: `"pass: exactly twelve" stands twice`},
		{name: "a rule that lacks something", rule: invalid, text: good, want: "no citation"},
		{name: "arguments that do not fit", rule: badFormat, text: "-- fail: x --\nacme.example. TXT \"13 octets long\"\n", want: "the detail's arguments do not fit its format: %!d(string=many) octets"},
		{name: "a finding without subject", rule: silent, text: good, want: "a finding without subject or detail"},
		{name: "facts that do not survive", rule: lossy, discover: forgetful, text: good, want: "facts that were saved and read back give another result"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.rule.Check == nil {
				tt.rule = long()
			}
			if tt.discover == nil {
				tt.discover = discover
			}
			dir := folder(t, map[string]string{"txt.long.txtar": tt.text})
			ok, out := attempt(t, func(t *testing.T) {
				checktest.Run(t, []check.Rule[*facts]{tt.rule}, dir, tt.discover, analyze)
			})
			assert.False(t, ok)
			assert.Contains(t, out, tt.want)
		})
	}

	t.Run("a file of no rule", func(t *testing.T) {
		dir := folder(t, map[string]string{"txt.long.txtar": good, "txt.lnog.txtar": good})
		ok, out := attempt(t, func(t *testing.T) { checktest.Run(t, []check.Rule[*facts]{long()}, dir, discover, analyze) })
		assert.False(t, ok)
		assert.Contains(t, out, "txt.lnog.txtar: no rule has this id")
	})
	t.Run("a rule without file", func(t *testing.T) {
		ok, out := attempt(t, func(t *testing.T) { checktest.Run(t, []check.Rule[*facts]{long()}, t.TempDir(), discover, analyze) })
		assert.False(t, ok)
		assert.Contains(t, out, "txt.long.txtar: no such file")
	})
}

// attempt runs a test that is expected to fail, and returns what it printed.
func attempt(t *testing.T, f func(*testing.T)) (ok bool, out string) {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	require.NoError(t, err)
	defer file.Close()
	stdout := os.Stdout
	os.Stdout = file
	defer func() { os.Stdout = stdout }()
	all := func(string, string) (bool, error) { return true, nil }
	ok = testing.RunTests(all, []testing.InternalTest{{Name: "Attempt", F: f}})
	text, err := os.ReadFile(file.Name())
	require.NoError(t, err)
	return ok, string(text)
}

func TestLoad(t *testing.T) {
	dir := folder(t, map[string]string{"txt.long.txtar": good})
	cases := checktest.Load(t, filepath.Join(dir, "txt.long.txtar"))
	var got []checktest.Case
	for _, c := range cases {
		got = append(got, checktest.Case{Rule: c.Rule, Want: c.Want, Name: c.Name, Domain: c.Domain, Zone: c.Zone, Files: c.Files})
	}
	none := map[string]string{}
	assert.Equal(t, []checktest.Case{
		{Rule: "txt.long", Want: check.Pass, Name: "exactly twelve", Domain: "acme.example", Zone: "acme.example. TXT \"twelve octet\"\n", Files: none},
		{
			Rule: "txt.long", Want: check.Fail, Name: "thirteen", Domain: "other.example",
			Zone: "; domain: other.example\nother.example. TXT \"13 octets long\"\n", Files: none,
		},
		{
			Rule: "txt.long", Want: check.Fail, Name: "the case's own limit", Domain: "acme.example",
			Zone: "acme.example. TXT \"abc\"\n", Files: map[string]string{"limit": "low\n"},
		},
		{Rule: "txt.long", Want: check.Unknown, Name: "it timed out", Domain: "acme.example", Zone: "acme.example. TXT !timeout\n", Files: none},
	}, got)
}
