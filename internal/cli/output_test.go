package cli_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/internal/cli"
	"github.com/mailcheck-go/mailcheck/report"
)

func TestNagios(t *testing.T) {
	silent := dnstest.Must("* * !timeout\n. NS !timeout")
	tests := []struct {
		name string
		r    dnsx.Resolver
		args string
		want int
		line string // begins the output
	}{
		{"a rule of high severity fails", nil, "domain " + zones + "acme.example", report.NagiosCritical, "MAILCHECK DOMAIN CRITICAL - acme.example: _spf.newsletter.example does not exist [spf.include-none] (and 3 more)|'spf_lookups'=3;;10;0;10"},
		{"one of medium severity", nil, "domain " + zones + "--only dmarc.* acme.example", report.NagiosWarning, "MAILCHECK DOMAIN WARNING - p=none at _dmarc.acme.example [dmarc.p-none]"},
		{"whatever --fail-on says", nil, "domain " + zones + "--fail-on critical --only dmarc.* acme.example", report.NagiosWarning, "MAILCHECK DOMAIN WARNING"},
		{"none", nil, "domain " + zones + "--only mx.* acme.example", report.NagiosOK, "MAILCHECK DOMAIN OK - acme.example: "},
		{"no answer", silent, "domain acme.example", report.NagiosUnknown, "MAILCHECK DOMAIN UNKNOWN - acme.example: "},
		{"a name that is none", nil, "domain " + zones + "acme..example --only mx.* acme.example", report.NagiosUnknown, "MAILCHECK DOMAIN UNKNOWN - 1 unknown, 1 ok; acme..example: "},
		{"a file that is none", nil, "judge nowhere.json", report.NagiosUnknown, "MAILCHECK JUDGE UNKNOWN - nowhere.json: "},
		{"saved facts", nil, "judge --only mx.* ../../testdata/facts/v0.1.0-acme.json", report.NagiosOK, "MAILCHECK JUDGE OK - acme.example: "},
		{"no name", nil, "domain", report.NagiosUnknown, "MAILCHECK DOMAIN UNKNOWN - name a domain"},
		{"a flag that is none", nil, "domain --frob acme.example", report.NagiosUnknown, "MAILCHECK DOMAIN UNKNOWN - unknown flag: --frob"},
		{"help", nil, "domain --help", report.NagiosOK, "domain checks"},
	}
	for _, tt := range tests {
		for _, flag := range []string{"--format nagios", "--format=nagios"} {
			t.Run(tt.name+" "+flag, func(t *testing.T) {
				got := run(t, tt.r, "", words(tt.args+" "+flag)...)
				assert.Equal(t, tt.want, got.code, got.err)
				assert.True(t, strings.HasPrefix(got.out, tt.line), got.out)
			})
		}
	}
}

func TestNagios_stopped(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, diag strings.Builder
	code := cli.Main(ctx, cli.Env{
		Args: words("domain --format nagios acme.example"), Stdout: &out, Stderr: &diag, Stdin: strings.NewReader(""),
		Resolver: dnstest.Must(""), Getenv: func(string) string { return "" },
	})
	assert.Equal(t, report.NagiosUnknown, code)
	assert.Equal(t, "MAILCHECK DOMAIN UNKNOWN - it was stopped before the end\n", out.String())
}

func TestOutput(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "mailcheck.prom")
	for _, format := range report.Formats() {
		args := words("domain " + zones + "acme.example --format " + format)
		direct := run(t, nil, "", args...)
		got := run(t, nil, "", append(args, "--output", file)...)
		assert.Equal(t, direct.code, got.code, format)
		assert.Empty(t, got.out, format)
		written, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.Equal(t, direct.out, string(written), format)
		info, err := os.Stat(file)
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o644), info.Mode().Perm(), "others collect it")
	}

	before, err := os.ReadFile(file)
	require.NoError(t, err)
	for _, wrong := range []string{"--offline --zone nowhere", zones + "--host a..b"} {
		got := run(t, nil, "", append(words("domain acme.example "+wrong), "--output", file)...)
		assert.Equal(t, cli.Usage, got.code, wrong)
	}
	after, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, before, after, "without a report the file stays as it was")
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, entries, 1, "nothing is left beside it")

	assert.NotEmpty(t, run(t, nil, "", words("domain "+zones+"acme.example --output -")...).out)
	for _, path := range []string{os.DevNull, dir, filepath.Join(dir, "nowhere", "file")} {
		got := run(t, nil, "", append(words("domain "+zones+"acme.example"), "--output", path)...)
		assert.Equal(t, cli.Usage, got.code, path)
		assert.Contains(t, got.err, "--output: ", path)
	}
}
