//go:build unix

package tlscert_test

import (
	"syscall"
	"time"
)

// cpu is the time that this process has computed.
func cpu() time.Duration {
	var r syscall.Rusage
	must(0, syscall.Getrusage(syscall.RUSAGE_SELF, &r))
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
