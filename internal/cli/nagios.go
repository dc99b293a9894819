package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/mailcheck-go/mailcheck/report"
)

// isPlugin reports whether the arguments want Nagios' format. They are looked at as
// they came, since wrong ones have to be answered in it too.
func isPlugin(args []string) bool {
	at := slices.Index(args, "--format")
	return slices.Contains(args, "--format=nagios") || at >= 0 && at+1 < len(args) && args[at+1] == "nagios"
}

// pluginStatus ends a plugin: with the status of its report, or UNKNOWN and the reason
// on standard output, the only stream that Nagios reads.
func pluginStatus(ctx context.Context, env Env, err error) int {
	var status exitStatus
	switch {
	case ctx.Err() != nil:
		err = errors.New("it was stopped before the end")
	case errors.As(err, &status):
		return int(status)
	case err == nil: // help
		return report.NagiosOK
	}
	fmt.Fprint(env.Stdout, report.NagiosProblem(env.Args[0], err.Error()))
	return report.NagiosUnknown
}
