package real_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/internal/cli"
)

const scheduling = "../../docs/scheduling/"

// promtool finds nothing to say about our metrics, nor in those of a hostile report.
func TestMetrics(t *testing.T) {
	if !have(t, "promtool") {
		return
	}
	file := filepath.Join(t.TempDir(), "mailcheck.prom")
	var diag bytes.Buffer
	code := cli.Main(t.Context(), cli.Env{
		Args:   strings.Fields("domain --offline --zone ../../examples/zones --format prometheus --output " + file + " acme.example parked.example nowhere.acme.example"),
		Stdout: &diag, Stderr: &diag, Stdin: strings.NewReader(""),
		Getenv: func(string) string { return "" }, Now: func() time.Time { return noon },
	})
	require.Equal(t, cli.Found, code, diag.String())
	golden, err := filepath.Glob("../../report/testdata/*.prometheus.golden")
	require.NoError(t, err)
	require.NotEmpty(t, golden)
	for _, name := range append(golden, file) {
		metrics, err := os.ReadFile(name)
		require.NoError(t, err)
		cmd := exec.Command(program("promtool"), "check", "metrics")
		cmd.Stdin = bytes.NewReader(metrics)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s: %s", name, out)
		assert.Empty(t, string(out), name)
	}
}

// The alerts of docs/scheduling do what their tests say.
func TestAlerts(t *testing.T) {
	if !have(t, "promtool") {
		return
	}
	for _, args := range []string{"check rules mailcheck.rules.yml", "test rules mailcheck.rules.test.yml"} {
		out, err := command(t, scheduling+"prometheus", program("promtool"), strings.Fields(args)...).CombinedOutput()
		require.NoError(t, err, "%s: %s", args, out)
		assert.Contains(t, string(out), "SUCCESS")
	}
}

// systemd knows every line of the units.
func TestUnits(t *testing.T) {
	if !have(t, "systemd-analyze") {
		return
	}
	dir := t.TempDir()
	for _, unit := range []string{"mailcheck-cert.service", "mailcheck-cert.timer"} {
		text, err := os.ReadFile(scheduling + "systemd/" + unit)
		require.NoError(t, err)
		installed := strings.ReplaceAll(string(text), "/usr/local/bin/mailcheck", "/bin/true")
		require.NoError(t, os.WriteFile(filepath.Join(dir, unit), []byte(installed), 0o644))
	}
	for _, unit := range []string{"mailcheck-cert.service", "mailcheck-cert.timer"} {
		out, err := exec.Command(program("systemd-analyze"), "verify", "--man=no", filepath.Join(dir, unit)).CombinedOutput()
		require.NoError(t, err, "%s: %s", unit, out)
		assert.Empty(t, string(out), unit)
	}
}

// The cron script speaks only where there is something to do, and keeps the status.
func TestCron(t *testing.T) {
	if !have(t, "flock") {
		return
	}
	dir := t.TempDir()
	fake := "#!/bin/sh\necho \"report on $*\"\necho diagnosis >&2\nexit $STATUS\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "mailcheck"), []byte(fake), 0o755))
	script, err := filepath.Abs(scheduling + "cron/mailcheck-cron")
	require.NoError(t, err)
	run := func(status string) (string, int) {
		cmd := command(t, dir, script, "cert", "--file", "a list")
		cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "MAILCHECK_LOCK="+filepath.Join(dir, "lock"), "STATUS="+status)
		out, _ := cmd.CombinedOutput()
		return string(out), cmd.ProcessState.ExitCode()
	}
	const report = "\n\nreport on cert --file a list\ndiagnosis\n"
	tests := []struct {
		status, out string
		code        int
	}{
		{"0", "", 0},
		{"1", "Something has to be mended." + report, 1},
		{"2", "mailcheck could not do its work (exit status 2)." + report, 2},
		{"3", "Something could not be known, because a question failed." + report, 3},
	}
	for _, tt := range tests {
		out, code := run(tt.status)
		assert.Equal(t, tt.out, out, tt.status)
		assert.Equal(t, tt.code, code, tt.status)
	}

	// The run before holds the lock.
	holder := command(t, dir, program("flock"), filepath.Join(dir, "lock"), "sh", "-c", "echo held; exec cat")
	stdin, err := holder.StdinPipe()
	require.NoError(t, err)
	stdout, err := holder.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, holder.Start())
	_, err = io.ReadFull(stdout, make([]byte, len("held\n")))
	require.NoError(t, err)
	out, code := run("0")
	assert.Equal(t, "mailcheck-cron: the run before is not over\n", out)
	assert.Equal(t, 2, code)
	require.NoError(t, stdin.Close())
	require.NoError(t, holder.Wait())
	out, code = run("0")
	assert.Empty(t, out)
	assert.Zero(t, code)
}

func command(t *testing.T, dir, name string, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	return cmd
}
