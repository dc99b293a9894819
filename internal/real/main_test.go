package real_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// programs are those that the tests start, and the Debian packages they come in.
var programs = map[string]string{
	"nsd": "nsd", "unbound": "unbound", "kzonesign": "knot-dnssecutils or knot", "keymgr": "knot",
	"nginx": "nginx-light", "postfix": "postfix", "dovecot": "dovecot-imapd", "pop3-login": "dovecot-pop3d",
	"promtool": "prometheus", "systemd-analyze": "systemd", "flock": "util-linux",
	"openssl": "openssl", "pebble": "none: parts.sh builds it",
}

// have reports whether all of these programs are there. Where one is not, the log
// says so, and with MAILCHECK_REAL=required the test fails.
func have(t *testing.T, names ...string) bool {
	t.Helper()
	all := true
	for _, name := range names {
		if program(name) != "" {
			continue
		}
		all = false
		notRun(t, name+" is not installed (package "+programs[name]+")")
	}
	return all
}

// notRun says what was not tested, and why.
func notRun(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("MAILCHECK_REAL") == "required" {
		t.Error("NOT RUN: " + why)
	} else {
		t.Log("NOT RUN: " + why)
	}
}

// program finds a program in PATH, where Debian keeps servers, which is not in
// everybody's PATH, and where parts.sh puts what it builds.
func program(name string) string {
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin", "/usr/lib/dovecot", "../../bin"} {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			path, _ = filepath.Abs(path) // servers run in folders of their own
			return path
		}
	}
	return ""
}
