// Command lint-zone checks zone files before they are published, as a step of CI:
// it writes a line for each finding of high severity or above, and exits with 1
// where there is one. It asks no name server.
//
//	go run ./examples/lint-zone examples/zones acme.example
package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/mailcheck-go/mailcheck"
	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx/zone"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: lint-zone PATH DOMAIN…")
		os.Exit(2)
	}
	clean, err := lint(context.Background(), os.Stdout, os.Args[1], os.Args[2:])
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "lint-zone:", err)
		os.Exit(2)
	case !clean:
		os.Exit(1)
	}
}

// lint judges the domains as if the zones at path were published. Names outside
// of them are not asked, so what rests on them is unknown and no finding.
func lint(ctx context.Context, w io.Writer, path string, domains []string) (clean bool, err error) {
	zones, err := zone.Load(path)
	if err != nil {
		return false, err
	}
	checker := mailcheck.Checker{Resolver: zones, Offline: true}
	clean = true
	for _, domain := range domains {
		rep, err := checker.Check(ctx, mailcheck.Target{Domain: domain}, mailcheck.Settings{})
		if err != nil {
			return false, err
		}
		for _, res := range rep.Results {
			if res.Outcome != check.Fail || res.Severity < check.High {
				continue
			}
			clean = false
			for _, f := range res.Findings {
				fmt.Fprintf(w, "%s: %s: %s (%s)\n", domain, res.Severity, f.Detail, res.ID)
			}
		}
	}
	return clean, nil
}
