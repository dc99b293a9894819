// Command domain is the library in twenty lines: it checks one domain with the
// system's resolver and writes the report.
package main

import (
	"context"
	"log"
	"os"

	"github.com/mailcheck-go/mailcheck"
	"github.com/mailcheck-go/mailcheck/dnsx/wire"
	"github.com/mailcheck-go/mailcheck/report"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: domain NAME")
	}
	resolver, err := wire.System()
	if err != nil {
		log.Fatal(err)
	}
	checker := mailcheck.Checker{Resolver: resolver}
	rep, err := checker.Check(context.Background(), mailcheck.Target{Domain: os.Args[1]}, mailcheck.Settings{})
	if err != nil {
		log.Fatal(err)
	}
	if err := report.Write(os.Stdout, "text", rep, report.Options{}); err != nil {
		log.Fatal(err)
	}
}
