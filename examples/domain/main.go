// Command domain is the library in twenty lines: it checks one domain with the
// system's resolver and writes the report.
package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/mailcheck-go/mailcheck"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/wire"
	"github.com/mailcheck-go/mailcheck/report"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: domain NAME")
		os.Exit(2)
	}
	resolver, err := wire.System()
	if err == nil {
		err = domain(context.Background(), os.Stdout, resolver, os.Args[1])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "domain:", err)
		os.Exit(1)
	}
}

func domain(ctx context.Context, w io.Writer, r dnsx.Resolver, name string) error {
	checker := mailcheck.Checker{Resolver: r}
	rep, err := checker.Check(ctx, mailcheck.Target{Domain: name}, mailcheck.Settings{})
	if err != nil {
		return err
	}
	return report.Write(w, "text", rep, report.Options{})
}
