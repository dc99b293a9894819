package report_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/report"
)

// The carets stand under what a finding is about, whatever the record holds and wherever
// a line of it ends.
func TestLintPlaces(t *testing.T) {
	tests := []struct {
		name, text string
		places     [][2]int
		width      int
		want       string
	}{
		{"one", "abc def", [][2]int{{4, 7}}, 80, "abc def\n    ^^^\n    1"},
		{"two in one line", "abc def ghi", [][2]int{{8, 11}, {0, 3}}, 80, "abc def ghi\n^^^     ^^^\n1       2"},
		{"two at one place", "abc def", [][2]int{{4, 7}, {4, 7}}, 80, "abc def\n    ^^^\n    1,2"},
		{"behind wide characters", "会社 def", [][2]int{{7, 10}}, 80, "会社 def\n     ^^^\n     1"},
		{"what hides takes the room that it is shown in", "a\x1b[m def", [][2]int{{5, 8}}, 80, "a\\x1b[m def\n        ^^^\n        1"},
		{"octets that are no characters", "\xff\xfe def", [][2]int{{0, 2}}, 80, "\\xff\\xfe def\n^^^^^^^^\n1"},
		{"a blank in front", " abc", [][2]int{{0, 1}}, 80, " abc\n^\n1"},
		{"folded at a blank", strings.Repeat("abcdefgh ", 5) + "xyz", [][2]int{{45, 48}}, 40, strings.Repeat("abcdefgh ", 4) + "\nabcdefgh xyz\n         ^^^\n         1"},
		{"longer than a line", strings.Repeat("x", 40), [][2]int{{0, 40}}, 40, strings.Repeat("x", 36) + "\n" + strings.Repeat("^", 36) + "\n1\nxxxx\n^^^^\n1"},
		{"no place", "abc", [][2]int{{0, 0}}, 80, "abc"},
		{"a place behind the end", "abc", [][2]int{{2, 9}}, 80, "abc"},
		{"a place of nothing", "abc", [][2]int{{2, 1}}, 80, "abc"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res := check.Result{ID: "spf.syntax", Outcome: check.Fail, Severity: check.High, Title: "T"}
			for _, p := range tt.places {
				res.Findings = append(res.Findings, check.Finding{
					Subject: "a.example", Severity: check.High, Detail: check.Textf("d"),
					Evidence: []check.Evidence{{Source: "TXT a.example", Text: tt.text, Start: p[0], End: p[1]}},
				})
			}
			var b strings.Builder
			r := &check.Report{Target: "a.example", Results: []check.Result{res}}
			require.NoError(t, report.Write(&b, "text", r, report.Options{Lint: true, Width: tt.width}))
			_, excerpt, _ := strings.Cut(b.String(), "a.example\n\n")
			excerpt, _, _ = strings.Cut(excerpt, "\n\n")
			var lines []string
			for line := range strings.Lines(excerpt + "\n") {
				line = strings.TrimPrefix(strings.TrimPrefix(line, "  │ "), "    ")
				lines = append(lines, strings.TrimSuffix(line, "\n"))
			}
			want := strings.Split(tt.want, "\n")
			for i := range want {
				want[i] = strings.TrimRight(want[i], " ")
			}
			for i := range lines {
				lines[i] = strings.TrimRight(lines[i], " ")
			}
			assert.Equal(t, want, lines)
		})
	}
}

// A record goes out in strings of 255 octets that join to what it is.
func TestLintPublishes(t *testing.T) {
	long := "v=spf1" + strings.Repeat(" ip4:192.0.2.1", 30) + " -all"
	for _, text := range []string{"v=spf1 -all", long, strings.Repeat("x", 600), `say "\"`} {
		var b strings.Builder
		r := &check.Report{Target: "a.example", Repairs: []check.Repair{{Change: check.Change{Name: "a.example", Type: "TXT", New: []string{text}}}}}
		require.NoError(t, report.Write(&b, "text", r, report.Options{Lint: true}))
		joined := ""
		for line := range strings.Lines(b.String()) {
			line = strings.TrimSpace(line)
			if s, ok := strings.CutPrefix(line, `"`); ok {
				s = strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(strings.TrimSuffix(s, `"`))
				assert.LessOrEqual(t, len(s), 255)
				joined += s
			}
		}
		assert.Equal(t, text, joined)
	}
}

// A record of another name, as that of a mail host, is not taken for the one that was read.
func TestLintNamesWhatBelongsElsewhere(t *testing.T) {
	repair := func(name string) check.Repair {
		return check.Repair{Change: check.Change{Name: name, Type: "TXT", New: []string{"v=spf1 a -all"}}, Cures: []string{"spf.helo-missing"}}
	}
	for _, tt := range []struct {
		name    string
		repairs []check.Repair
		want    string
	}{
		{"its own", []check.Repair{repair("a.example")}, "To publish\n    \"v=spf1 a -all\"\n    cures spf.helo-missing\n"},
		{"the input names none", []check.Repair{repair("your-domain.invalid")}, "To publish\n    \"v=spf1 a -all\"\n    cures spf.helo-missing\n"},
		{
			"both",
			[]check.Repair{repair("a.example"), repair("m1.a.example")},
			"To publish\n  a.example TXT\n    \"v=spf1 a -all\"\n    cures spf.helo-missing\n  m1.a.example TXT\n    \"v=spf1 a -all\"\n    cures spf.helo-missing\n",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var b strings.Builder
			require.NoError(t, report.Write(&b, "text", &check.Report{Target: "a.example", Repairs: tt.repairs}, report.Options{Lint: true}))
			_, published, _ := strings.Cut(b.String(), "To publish\n")
			published, _, _ = strings.Cut(published, "\n\n")
			assert.Equal(t, tt.want, "To publish\n"+published+"\n")
		})
	}
}
