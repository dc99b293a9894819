package cli_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/internal/cli"
)

const lintLines = `
_spf.acme.example. TXT "v=spf1 ip4:192.0.2.0/24 -all"
slow.example.      TXT !timeout
`

// What is wrong stands at its place, and the record that would be right below.
func TestSPFLintGolden(t *testing.T) {
	many := "v=spf1 include:spf.protection.outlook.com ipv4:192.0.2.0/24 mx ptr include=x.example a a:mail.example.org/24 ip4:10.0.0.1 a +all ip4:198.51.100.1\n"
	long := "v=spf1 ip4:185.12.80.1 mx"
	for i := range 9 {
		long += fmt.Sprintf(" a:mail-host-%d-with-a-long-name.acme.example", i)
	}
	long += " ipv6:2001:db8::1 mx -all"
	zone := `$ORIGIN acme.example.
@    3600 IN SOA ns hostmaster 1 7200 3600 86400 3600
@    IN TXT ( "v=spf1 include:_spf.acme.example "   ; two strings
              "a ~all" )
@    TXT "google-site-verification=0123"
@    MX 10 mx
bad  TXT "v=spf1 mx include:a.example" "include:b.example ~all"
two  TXT "v=spf1 mx -all"
two  TXT "v=spf1 a -all"
`
	tests := []struct{ name, args, in string }{
		{"spf-lint.txt", "", many},
		{"spf-lint-ja.txt", "--lang ja", many},
		{"spf-lint.json", "--format json", "v=spf1 mx ipv4:192.0.2.0/24 -all"},
		{"spf-lint-long.txt", "", long},
		{"spf-lint-zone.txt", "", zone},
		{"spf-lint-clean.txt", "--require zendesk", "v=spf1 include:mail.zendesk.com -all"},
		{"spf-lint-name.txt", "--name acme.example --require zendesk", "v=spf1 include:_spf.acme.example include:slow.example mx:gone.example -all"},
		{"spf-lint-hostile.txt", "", "v=spf1 a\x1b[31m:x \u202eip4:1.2.3.4 exp=\xff -all"},
		{"spf-lint-help.txt", "--help", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := run(t, dnstest.Must(lintLines), tt.in, append([]string{"spf", "lint", "-"}, words(tt.args)...)...)
			require.NotEqual(t, cli.Usage, got.code, got.err)
			golden(t, tt.name, got.out)
		})
	}
}

func TestSPFLintExitStatus(t *testing.T) {
	const clean, broken, slow = "v=spf1 ip4:185.12.80.1 -all", "v=spf1 ipv4:185.12.80.1 -all", "v=spf1 include:slow.example -all"
	tests := []struct {
		name, args, in string
		want           int
	}{
		{"clean", "", clean, cli.Clean},
		{"a fault", "", broken, cli.Found},
		{"a fault below --fail-on", "--fail-on critical", "v=spf1include:a.example -all", cli.Clean},
		{"what nobody asked does not count", "", slow, cli.Clean},
		{"but with --strict it does", "--strict", slow, cli.NotKnown},
		{"a question that failed", "--name acme.example", slow, cli.NotKnown},
		{"a required service that is not named", "--require zendesk", clean, cli.Found},
		{"a required service that is", "--require zendesk", "v=spf1 include:mail.zendesk.com -all", cli.Clean},
		{"a rule left out", "--skip spf.unknown-mechanism", broken, cli.Clean},
		{"another rule alone", "--only spf.ptr", broken, cli.Clean},
		{"nothing", "", "", cli.Usage},
		{"blanks and comments", "", "; none\n# here\n\n  // either\n", cli.Usage},
		{"no record", "", "hello", cli.Usage},
		{"a zone without", "", "acme.example. A 192.0.2.1", cli.Usage},
		{"a quote that is not closed", "", `"v=spf1 -all`, cli.Usage},
		{"several for one name", "--name acme.example", clean + "\n" + clean, cli.Usage},
		{"a name that is none", "--name a..b", clean, cli.Usage},
		{"a zone and no name", zones, clean, cli.Usage},
		{"a service that is none", "--require frob", clean, cli.Usage},
		{"a rule that is none", "--only spf.frob", clean, cli.Usage},
		{"a format that is none", "--format xml", clean, cli.Usage},
		{"a language that is none", "--lang fr", clean, cli.Usage},
		{"two files", "spf.txt", clean, cli.Usage},
		{"too much", "", strings.Repeat("# comment\n", 200_000), cli.Usage},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := run(t, dnstest.Must(lintLines), tt.in, append([]string{"spf", "lint", "-"}, words(tt.args)...)...)
			assert.Equal(t, tt.want, got.code, got.err+got.out)
		})
	}
	got := run(t, nil, "", "spf", "lint")
	assert.Equal(t, cli.Usage, got.code)
	got = run(t, nil, "", "spf", "lint", filepath.Join(t.TempDir(), "gone.txt"))
	assert.Equal(t, cli.Usage, got.code)
}

// Whatever form the record is in, it is the same record.
func TestSPFLintForms(t *testing.T) {
	utf16 := func(s string, little bool) string {
		var b strings.Builder
		for _, c := range []byte(s) {
			if little {
				b.Write([]byte{c, 0})
			} else {
				b.Write([]byte{0, c})
			}
		}
		return b.String()
	}
	tests := []struct{ name, in, want string }{ // of each report the target and what fails
		{"bare", "v=spf1 -all", "standard input:1"},
		{"several, with comments", "# first\nv=spf1 a -all\r\n\n; second\nv=spf1 mx -all\n", "standard input:2 | standard input:5"},
		{"quoted", `"v=spf1 a -all"`, "standard input:1"},
		{"in several strings", `"v=spf1 a " "-all"`, "standard input:1"},
		{"in several lines", "\"v=spf1 a \"\n\"mx -all\"\n\"v=spf1 -all\"", "standard input:1 | standard input:3"},
		{"in parentheses", "(\"v=spf1 a \"\n  \"mx -all\")", "standard input:1"},
		{"strings that run together", `"v=spf1 a" "mx -all"`, "standard input:1 spf.string-join"},
		{"with an owner", `acme.example. IN TXT "v=spf1 a -all"`, "acme.example"},
		{"with a TTL", `acme.example. 1h30m TXT "v=spf1 a -all"`, "acme.example"},
		{"with an origin", "$TTL 300\n$ORIGIN acme.example.\n@ TXT \"v=spf1 a -all\"\nb 300 IN TXT \"v=spf1 -all\"", "acme.example | b.acme.example"},
		{"an owner inherited", "acme.example. A 192.0.2.1\n  IN TXT \"v=spf1 a -all\"", "acme.example"},
		{"of type SPF", `acme.example. SPF "v=spf1 a -all"`, "acme.example spf.missing spf.type99"},
		{"of type SPF beside the same TXT", "acme.example. SPF \"v=spf1 a -all\"\nacme.example. TXT \"v=spf1 a -all\"", "acme.example spf.type99"},
		{"two at an origin without a name", "@ TXT \"v=spf1 a -all\"\n  TXT \"v=spf1 -all\"\nwww TXT \"v=spf1 -all\"\n@ TXT \"v=spf1 mx -all\"", "standard input:1 spf.multiple | www"},
		{"two at one name", "acme.example. TXT \"v=spf1 a -all\"\nAcme.Example. TXT \"v=spf1 -all\"", "acme.example spf.multiple"},
		{"escapes", `"v=spf1 a:\095spf.acme.example \-all"`, "standard input:1"},
		{"a long string", `"v=spf1 ` + strings.Repeat("ip4:185.12.80.1 ", 20) + `-all"`, "standard input:1 spf.string-length spf.duplicate-term"},
		{"a long record without quotes", "v=spf1 " + strings.Repeat("ip4:185.12.80.1 ", 20) + "-all", "standard input:1 spf.duplicate-term"},
		{"no blank", "v=spf1include:a.example", "standard input:1 spf.version-token"},
		{"no version", "spf1 a -all", "standard input:1 spf.version-token"},
		{"in smart quotes", "\u201cv=spf1 a -all\u201d", "standard input:1 spf.version-token"},
		{"a blank in front", " v=spf1 -all", "standard input:1 spf.leading-space"},
		{"a blank in front, quoted", `" v=spf1 -all"`, "standard input:1 spf.leading-space"},
		{"a byte order mark", "\ufeffv=spf1 -all", "standard input:1 spf.leading-space"},
		{"UTF-16", utf16("v=spf1 -all", true), "standard input:1"},
		{"UTF-16 the other way round", utf16("v=spf1 -all", false), "standard input:1"},
		{"UTF-16 with its mark", "\xff\xfe" + utf16("v=spf1 -all", true), "standard input:1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := run(t, nil, tt.in, "spf", "lint", "--format", "ndjson", "-")
			var all []string
			for line := range strings.Lines(got.out) {
				var rep check.Report
				require.NoError(t, json.Unmarshal([]byte(line), &rep))
				s := rep.Target
				for _, res := range rep.Results {
					if res.Outcome == check.Fail {
						s += " " + res.ID
					}
				}
				all = append(all, s)
			}
			assert.Equal(t, tt.want, strings.Join(all, " | "), got.err)
		})
	}
}

// A zone of octoDNS is named by its file.
func TestSPFLintYAML(t *testing.T) {
	const doc = "'':\n  - type: MX\n    values: [{exchange: mx.acme.example., preference: 1}]\n  - type: TXT\n    values: [v=spf1 mx -all, other]\nbad:\n  type: TXT\n  value: v=spf1 ipv4:185.12.80.1 -all\n"
	dir := t.TempDir()
	for name, want := range map[string]struct {
		code int
		text string
	}{
		"acme.example.yaml": {cli.Found, "spf.unknown-mechanism"},
		"acme.example.YML":  {cli.Found, "bad.acme.example\n"},
		"acme.example":      {cli.Usage, "this looks like YAML"},
		"a..b.yaml":         {cli.Usage, "the file's name says no zone"},
	} {
		file := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(file, []byte(doc), 0o600))
		got := run(t, nil, "", "spf", "lint", file)
		assert.Equal(t, want.code, got.code, got.err)
		assert.Contains(t, got.out+got.err, want.text)
	}
}

// What cannot be read is said with its line and column.
func TestSPFLintErrors(t *testing.T) {
	for in, want := range map[string]string{
		"v=spf1 -all\n\nhello":                    `line 3, column 1: "hello" begins neither an SPF record`,
		"\n  \"v=spf1 -all":                       "line 2, column 3: the quote is not closed",
		"acme.example. TXT v=spf1 a -all":         "line 1, column 19: the text has to stand in quotes",
		"a. TXT ( \"v=spf1 -all\"\n":              "line 2, column 1: a parenthesis is not closed",
		"a. TXT \"v=spf1 -all\" )":                "column 22: a parenthesis is closed that was not opened",
		"\"v=spf1 a\"-all":                        "behind the closing quote stands text",
		"\"hello\"":                               `column 1: "hello" is no SPF record`,
		"( )":                                     "line 1, column 1: there is nothing between the parentheses",
		"acme.example. TXT \"one\"\nb. MX 1 c.\n": "no SPF record in it, and 2 others",
		"": "nothing in it: want an SPF record",
	} {
		got := run(t, nil, in, "spf", "lint", "-")
		assert.Equal(t, cli.Usage, got.code, in)
		assert.Contains(t, got.err, want, in)
		assert.Empty(t, got.out)
	}
}

// The report goes to a file, whole.
func TestSPFLintOutput(t *testing.T) {
	dir := t.TempDir()
	in, out := filepath.Join(dir, "spf.txt"), filepath.Join(dir, "report.txt")
	require.NoError(t, os.WriteFile(in, []byte("v=spf1 -all\n"), 0o600))
	got := run(t, nil, "", "spf", "lint", "--output", out, in)
	assert.Equal(t, result{cli.Clean, "", ""}, got)
	text, err := os.ReadFile(out)
	require.NoError(t, err)
	assert.Contains(t, string(text), in+":1\n")
}

// The shell is told the values of flags.
func TestSPFCompletions(t *testing.T) {
	for args, want := range map[string][]string{
		"spf check --format ": {"text", "json"},
		"spf check --lang ":   {"en", "ja"},
		"spf lint --format ":  {"text", "json", "ndjson"},
		"spf lint --lang ":    {"en", "ja"},
		"spf lint --fail-on ": {"critical", "low"},
		"spf lint --only ":    {"spf.*", "spf.lookup-limit"},
		"spf lint --require ": {"zendesk\tZendesk", "sendgrid\tTwilio SendGrid"},
		"domain --require ":   {"zendesk\tZendesk"},
		"judge --require ":    {"zendesk\tZendesk"},
		"spf ":                {"check\t", "lint\t", "tree\t"},
	} {
		got := run(t, nil, "", append([]string{"__complete"}, strings.Split(args, " ")...)...)
		for _, word := range want {
			assert.Contains(t, got.out, word, args)
		}
	}
}

func FuzzReadSPFInput(f *testing.F) {
	for _, in := range []string{
		"v=spf1 a -all\nv=spf1 mx -all", "\"v=spf1 a \" \"-all\"\n\"mx\"", "$ORIGIN a.\n@ 1h IN TXT ( \"v=spf1\" ; c\n\" -all\" )", "\xff\xfev\x00=\x00", "(\n)", "a TXT \\", "\"\\0",
	} {
		f.Add([]byte(in))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		texts, err := cli.ReadSPFInput(data)
		if err == nil && len(texts) == 0 {
			t.Fatal("neither a record nor an error")
		}
		for _, text := range texts {
			if len(text) > len(data)*3 { // UTF-16 to UTF-8
				t.Fatalf("%d octets of %d", len(text), len(data))
			}
		}
	})
}

// Whatever comes in, the text is fit for a terminal, and the exit status one of four.
func FuzzSPFLint(f *testing.F) {
	for _, in := range []string{"v=spf1 a -all", "v=spf1include:a.example", "\"v=spf1 a\" \"mx -all\"", "a. TXT \"v=spf1 ?include:mail.zendesk.com\\027 redirect=a.example\""} {
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		got := run(t, nil, in, "spf", "lint", "--require", "zendesk", "-")
		if got.code < cli.Clean || got.code > cli.NotKnown {
			t.Fatalf("exit status %d", got.code)
		}
		if i := strings.IndexFunc(got.out+got.err, func(r rune) bool { return r != '\n' && unicode.IsControl(r) }); i >= 0 {
			t.Fatalf("a control character in %q", got.out+got.err)
		}
	})
}
