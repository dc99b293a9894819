package mailcheck_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// An importer of one room gets that room and the standard library, nothing else.
func TestImporterOfOneRoom(t *testing.T) {
	here, err := os.Getwd()
	require.NoError(t, err)
	dir := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	write("go.mod", "module importer.example\n\ngo 1.26\n\nrequire "+module+" v0.0.0\n\nreplace "+module+" => "+here+"\n")
	write("main.go", `package main

import (
	"fmt"

	"github.com/mailcheck-go/mailcheck/spf"
)

func main() {
	rec, err := spf.Parse("v=spf1 include:_spf.acme.example -all")
	fmt.Println(rec, err)
}
`)
	run := func(args ...string) string {
		cmd := exec.Command("go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
		return string(out)
	}
	require.Equal(t, "v=spf1 include:_spf.acme.example -all <nil>\n", run("run", "."))
	require.NotContains(t, run("list", "-deps", "."), "miekg")
}
