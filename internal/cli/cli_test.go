package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck"
	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/internal/cli"
	"github.com/mailcheck-go/mailcheck/internal/lang"
	"github.com/mailcheck-go/mailcheck/zendesk"
)

var update = flag.Bool("update", false, "write the golden files anew")

const zones = "--offline --zone ../../examples/zones "

type result struct {
	code     int
	out, err string
}

func run(t *testing.T, r dnsx.Resolver, stdin string, args ...string) result {
	t.Helper()
	var out, diag bytes.Buffer
	code := cli.Main(t.Context(), cli.Env{
		Args: args, Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &diag, Resolver: r,
		Getenv: func(string) string { return "" },
		Now:    func() time.Time { return time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC) },
	})
	return result{code, out.String(), diag.String()}
}

func words(s string) []string { return strings.Fields(s) }

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, string(want), got, "%s: read the difference, then run with -update", file)
}

func TestGolden(t *testing.T) {
	tests := []struct{ name, args string }{
		{"acme.txt", "domain " + zones + "acme.example"},
		{"acme-ja.txt", "domain " + zones + "--lang ja acme.example"},
		{"acme.json", "domain " + zones + "--format json acme.example"},
		{"parked.txt", "domain " + zones + "parked.example"},
		{"several.txt", "domain " + zones + "parked.example nowhere.acme.example acme.example --only dns.*,spf.*"},
		{"explain.txt", "explain spf.lookup-limit"},
		{"explain-area.txt", "explain caa.* --lang ja"},
		{"help.txt", "domain --help"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := run(t, nil, "", words(tt.args)...)
			require.NotEqual(t, cli.Usage, got.code, got.err)
			golden(t, tt.name, got.out)
		})
	}
}

func TestExitStatus(t *testing.T) {
	healthy := dnstest.Must(`
acme.example. MX 10 mx.acme.example.
acme.example. TXT "v=spf1 mx -all"
mx.acme.example. A 185.12.80.1
_dmarc.acme.example. TXT "v=DMARC1; p=reject; rua=mailto:dmarc@acme.example"
default._domainkey.acme.example. TXT "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
`)
	silent := dnstest.Must("* * !timeout\n. NS !timeout")
	tests := []struct {
		name string
		r    dnsx.Resolver
		args string
		want int
	}{
		{"a finding of high severity", nil, "domain " + zones + "acme.example", cli.Found},
		{"no finding at or above critical", nil, "domain " + zones + "--fail-on critical --skip spf.* acme.example", cli.Clean},
		{"not asked does not count", nil, "domain " + zones + "parked.example", cli.Clean},
		{"but with --strict it does", nil, "domain " + zones + "--strict --fail-on low parked.example", cli.NotKnown},
		{"nothing is known", silent, "domain acme.example", cli.NotKnown},
		{"what is known is clean", healthy, "domain --only spf.*,dmarc.* --fail-on medium acme.example", cli.Clean},
		{"found is worse than not known", silent, "domain " + zones + "acme.example parked.example", cli.Found},
		{"a bad name, and the others still run", nil, "domain " + zones + "acme..example parked.example", cli.Usage},
		{"offline, and a name in no zone", nil, "domain " + zones + "unknown.example", cli.Usage},
		{"a wildcard", nil, "domain " + zones + "*.acme.example", cli.Usage},
		{"only and skip are the same", nil, "domain " + zones + "--only spf.* --skip spf.* acme.example", cli.Usage},
		{"facts to standard output", nil, "domain " + zones + "--save - acme.example", cli.Usage},
		{"a day that is none", nil, "judge --at tomorrow ../../testdata/facts/v0.1.0-acme.json", cli.Usage},
		{"a folder of facts", nil, "judge --at 2027-01-31 --only mx.* ../../testdata/facts", cli.Clean},
		{"a folder without", nil, "judge testdata", cli.Usage},
		{"no name", nil, "domain", cli.Usage},
		{"an unknown command", nil, "domian acme.example", cli.Usage},
		{"an unknown flag", nil, "domain --frob acme.example", cli.Usage},
		{"a severity that is none", nil, "domain " + zones + "--fail-on worst acme.example", cli.Usage},
		{"info is nothing to fail on", nil, "domain " + zones + "--fail-on info acme.example", cli.Usage},
		{"a format that is none", nil, "domain " + zones + "--format xml acme.example", cli.Usage},
		{"a language that is none", nil, "domain " + zones + "--lang fr acme.example", cli.Usage},
		{"a rule that is none", nil, "domain " + zones + "--only spf.frob acme.example", cli.Usage},
		{"a service that is not authorised", nil, "domain " + zones + "--only dns.* --require zendesk parked.example", cli.Found},
		{"a service that is none", nil, "domain " + zones + "--require frob acme.example", cli.Usage},
		{"a role that is none", nil, "domain " + zones + "--role sleeps acme.example", cli.Usage},
		{"a zone that is not there", nil, "domain --offline --zone nowhere acme.example", cli.Usage},
		{"offline without a zone", nil, "domain --offline acme.example", cli.Usage},
		{"offline with a resolver", nil, "domain " + zones + "--resolver 127.0.0.1 acme.example", cli.Usage},
		{"a resolver that is none", nil, "domain --resolver resolver.example acme.example", cli.Usage},
		{"a range that is none", nil, "domain " + zones + "--allow-private 10.0.0.1 acme.example", cli.Usage},
		{"a host that is none", nil, "domain " + zones + "--host a..b acme.example", cli.Usage},
		{"a selector that is none", nil, "domain " + zones + "--selector a..b acme.example", cli.Usage},
		{"no time at all", nil, "domain " + zones + "--timeout 0s acme.example", cli.Usage},
		{"facts that are not there", nil, "judge nowhere.json", cli.Usage},
		{"a rule to explain that is none", nil, "explain spf.frob", cli.Usage},
		{"an area that is none", nil, "rules frob", cli.Usage},
		{"help is no error", nil, "--help", cli.Clean},
		{"rules", nil, "rules spf", cli.Clean},
		{"version", nil, "version", cli.Clean},
		{"version as a flag", nil, "--version", cli.Clean},
		{"several rules to explain, in any case", nil, "explain spf.missing DMARC.missing", cli.Clean},
		{"completions", nil, "completion bash", cli.Clean},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := run(t, tt.r, "", words(tt.args)...)
			assert.Equal(t, tt.want, got.code, got.err+got.out)
			if tt.want == cli.Usage {
				assert.Contains(t, got.err, "mailcheck: ", "an error is said on stderr")
			}
		})
	}
}

// A file of records alone is not said to be a zone without a name.
func TestRecordsAreNoZone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "records")
	require.NoError(t, os.WriteFile(path, []byte("acme.example. 60 TXT \"v=spf1 -all\"\n"), 0o600))
	got := run(t, nil, "", "domain", "--offline", "--zone", path, "acme.example")
	assert.Equal(t, cli.Usage, got.code)
	assert.Contains(t, got.err, "a zone starts at its SOA record, and there is none")
}

// An id that is misspelled comes back with the one that is meant.
func TestServicesHaveNearSpellings(t *testing.T) {
	for id, want := range map[string]string{
		"zendsek": "zendesk", "Send-Grid": "", "sendgrd": "sendgrid", "microsoft": "microsoft365", "Google Workspace": "google", "frob": "want one of zendesk,",
	} {
		got := run(t, nil, "", "judge", "--require", id, "../../testdata/facts/v0.1.0-acme.json")
		if want == "" {
			want = "did you mean sendgrid?"
		}
		assert.Equal(t, cli.Usage, got.code)
		assert.Contains(t, got.err, want)
	}
	got := run(t, nil, "", "judge", "--require", "Zendesk,SES", "../../testdata/facts/v0.1.0-acme.json")
	assert.NotEqual(t, cli.Usage, got.code, got.err)
	assert.Contains(t, got.out, "May Zendesk send for this domain?")
}

func TestTheOtherNamesStillRun(t *testing.T) {
	got := run(t, nil, "", words("domain "+zones+"acme..example parked.example")...)
	assert.Contains(t, got.err, "acme..example")
	assert.Contains(t, got.out, "parked.example")
}

func TestAddressesAndURLsGiveTheirDomain(t *testing.T) {
	for _, arg := range []string{"support@parked.example", "https://parked.example/hc/en-us", "Parked.Example."} {
		got := run(t, nil, "", append(words("domain "+zones), arg)...)
		assert.True(t, strings.HasPrefix(got.out, "parked.example"), "%s: %s", arg, got.out)
	}
	got := run(t, nil, "", words("domain "+zones+"support@parked.example")...)
	assert.Contains(t, got.err, "the domain parked.example is checked")
}

func TestSavedFactsGiveTheSameReport(t *testing.T) {
	file := filepath.Join(t.TempDir(), "facts.json")
	direct := run(t, nil, "", words("domain "+zones+"--format json acme.example --save "+file)...)
	info, err := os.Stat(file)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	judged := run(t, nil, "", "judge", "--format", "json", file)
	assert.Equal(t, direct.out, judged.out)
	assert.Equal(t, direct.code, judged.code)

	facts, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, direct.out, run(t, nil, string(facts), "judge", "--format", "json", "-").out, "from standard input")
}

func TestSaveSeveral(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "[facts") // no pattern
	require.NoError(t, os.Mkdir(dir, 0o700))
	got := run(t, nil, "", words("domain "+zones+"acme.example parked.example --save "+dir)...)
	require.Equal(t, cli.Found, got.code, got.err)
	for _, name := range []string{"acme.example.json", "parked.example.json"} {
		assert.FileExists(t, filepath.Join(dir, name))
	}
	judged := run(t, nil, "", "judge", dir)
	assert.Equal(t, got.out, judged.out)
	assert.Equal(t, got.code, judged.code, judged.err)
	got = run(t, nil, "", words("domain "+zones+"acme.example parked.example --save "+filepath.Join(dir, "one.json"))...)
	assert.Equal(t, cli.Usage, got.code)
	assert.Contains(t, got.err, "folder")
}

// A rename onto /dev/null would put a file in its place.
func TestSaveReplacesPlainFilesOnly(t *testing.T) {
	got := run(t, nil, "", words("domain "+zones+"--save "+os.DevNull+" parked.example")...)
	assert.Equal(t, cli.Usage, got.code)
	assert.Contains(t, got.err, "plain file")
	info, err := os.Stat(os.DevNull)
	require.NoError(t, err)
	assert.False(t, info.Mode().IsRegular())
}

func TestTheOtherFilesAreStillJudged(t *testing.T) {
	const facts = "../../testdata/facts/v0.1.0-acme.json"
	for _, format := range []string{"text", "json", "ndjson"} {
		got := run(t, nil, "", "judge", "--format", format, "nowhere.json", facts)
		assert.Equal(t, cli.Usage, got.code, format)
		assert.Contains(t, got.err, "nowhere.json", format)
		assert.Contains(t, got.out, "acme.example", format)
	}
}

func TestJudgeRefusesWhatIsNoFacts(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"nothing", "", "unexpected end"},
		{"no JSON", "v=spf1 -all", "octet 1"},
		{"another document", `{"schema":"mailcheck/report/v1"}`, "mailcheck/facts/v1"},
		{"no domain", `{"schema":"mailcheck/facts/v1"}`, "domain"},
		{"a part of another shape", `{"schema":"mailcheck/facts/v1","domain":"a.example","spf":[]}`, "spf"},
	}
	for _, tt := range tests {
		got := run(t, nil, tt.in, "judge", "-")
		assert.Equal(t, cli.Usage, got.code, tt.name)
		assert.Contains(t, got.err, tt.want, tt.name)
	}
}

func TestBareFactsAreUnknown(t *testing.T) {
	got := run(t, nil, `{"schema":"mailcheck/facts/v1","domain":"a.example"}`, "judge", "--format", "json", "--require", "zendesk", "-")
	var rep check.Report
	require.NoError(t, json.Unmarshal([]byte(got.out), &rep))
	for _, res := range rep.Results {
		assert.Equal(t, check.Unknown, res.Outcome, res.ID)
	}
	assert.Equal(t, cli.Clean, got.code, "nobody asked, so no question failed")
}

// A resolver that never answers costs the budget and no more, and leaves everything
// unknown.
func TestSilenceCostsTheBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		silent := dnsx.ResolverFunc(func(ctx context.Context, _ dnsx.Question) (*dnsx.Answer, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		began := time.Now()
		got := run(t, silent, "", words("domain --format json --timeout 7s acme.example")...)
		assert.Equal(t, 7*time.Second, time.Since(began))
		assert.Equal(t, cli.NotKnown, got.code)
		var rep check.Report
		require.NoError(t, json.Unmarshal([]byte(got.out), &rep))
		require.Greater(t, len(rep.Results), 100)
		for _, res := range rep.Results {
			// Some rules do not apply to the name or to what was given, whatever the answer.
			assert.Contains(t, []check.Outcome{check.Unknown, check.NotApplicable}, res.Outcome, res.ID)
		}
		assert.Greater(t, rep.Summary.Unknown, 190)
	})
}

func TestInterrupt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	stuck := dnsx.ResolverFunc(func(ctx context.Context, _ dnsx.Question) (*dnsx.Answer, error) {
		cancel() // as the user does while a question is open
		<-ctx.Done()
		return nil, ctx.Err()
	})
	var out, diag bytes.Buffer
	code := cli.Main(ctx, cli.Env{
		Args: words("domain acme.example"), Stdout: &out, Stderr: &diag, Stdin: strings.NewReader(""), Resolver: stuck,
		Getenv: func(string) string { return "" }, Now: time.Now,
	})
	assert.Equal(t, cli.Interrupted, code)
}

// docs/rules.md is what the rules say.
func TestRulesDocIsFresh(t *testing.T) {
	want := run(t, nil, "", "rules", "--format", "markdown").out
	have, err := os.ReadFile("../../docs/rules.md")
	require.NoError(t, err)
	assert.True(t, want == string(have), "docs/rules.md is stale: run make docs")
}

// Japanese readers get every rule's title in their language.
func TestEveryRuleHasAJapaneseTitle(t *testing.T) {
	ja, err := lang.Load("ja")
	require.NoError(t, err)
	ids := map[string]bool{}
	for _, doc := range slices.Concat(mailcheck.Catalog(), zendesk.Catalog()) {
		ids[doc.ID] = true
		_, ok := ja.Title(doc.ID)
		assert.True(t, ok, "%s has no title in internal/lang", doc.ID)
	}
	id := regexp.MustCompile(`^[a-z0-9]+\.[a-z0-9-]+$`)
	for key := range ja {
		assert.True(t, ids[key] || !id.MatchString(key), "internal/lang/ja.json: no rule %s", key)
	}
}

// README shows what its commands print.
func TestReadmeIsFresh(t *testing.T) {
	for fence, args := range map[string]string{
		"```text\n":      "domain " + zones + "acme.example",
		"```text cert\n": "judge " + saved,
		"```text spf\n":  "spf tree " + zones + "acme.example",
	} {
		readme, err := os.ReadFile("../../README.md")
		require.NoError(t, err)
		want := fence + run(t, nil, "", words(args)...).out + "```"
		_, block, found := strings.Cut(string(readme), fence)
		require.True(t, found, fence)
		block, _, _ = strings.Cut(block, "```")
		block = fence + block + "```"
		if *update {
			require.NoError(t, os.WriteFile("../../README.md", []byte(strings.Replace(string(readme), block, want, 1)), 0o644))
			continue
		}
		assert.Equal(t, want, block, "README.md is stale: run with -update")
	}
}
