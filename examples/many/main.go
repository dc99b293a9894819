// Command many checks a list of domains side by side with one shared cache, and
// writes a line for each as it is done: what a survey of many names starts from.
//
//	many -resolver 127.0.0.1 names.txt
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"github.com/mailcheck-go/mailcheck"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/wire"
)

func main() {
	var (
		address = flag.String("resolver", "", "name server to ask (default: the system's)")
		atOnce  = flag.Int("at-once", 64, "domains under way at once")
		offline = flag.Bool("no-dial", false, "look at no certificates and policies: DNS alone")
	)
	flag.Parse()
	debug.SetGCPercent(400) // much is made and dropped at once: a third of the time for twice the memory
	err := func() error {
		client, err := resolver(*address)
		if err != nil {
			return err
		}
		names, err := os.Open(flag.Arg(0))
		if err != nil {
			return err
		}
		defer names.Close()
		// Below a name that is denied nothing is asked, once two answers agree on it:
		// half of the questions, for a round trip more.
		cache := &dnsx.Cache{Next: client, CutAfter: 2, ParentsFirst: true}
		checker := &mailcheck.Checker{Resolver: cache, Offline: *offline}
		return many(context.Background(), os.Stdout, names, checker, *atOnce)
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, "many:", err)
		os.Exit(2)
	}
}

func resolver(address string) (*wire.Client, error) {
	if address == "" {
		return wire.System()
	}
	server, err := wire.ParseServer(address)
	if err != nil {
		return nil, err
	}
	return &wire.Client{Servers: []wire.Server{server}}, nil
}

// many checks the names that it reads, a line each, and writes in the order in
// which they are done.
func many(ctx context.Context, w io.Writer, names io.Reader, c *mailcheck.Checker, atOnce int) error {
	out := bufio.NewWriter(w)
	lines := make(chan string)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range atOnce {
		wg.Go(func() {
			for name := range lines {
				s := one(ctx, c, name)
				mu.Lock()
				out.WriteString(s)
				mu.Unlock()
			}
		})
	}
	began := time.Now()
	n := 0
	in := bufio.NewScanner(names)
	for in.Scan() {
		lines <- in.Text()
		n++
	}
	close(lines)
	wg.Wait()
	if err := in.Err(); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%d domains in %s\n", n, time.Since(began).Round(time.Millisecond))
	return out.Flush()
}

func one(ctx context.Context, c *mailcheck.Checker, name string) string {
	rep, err := c.Check(ctx, mailcheck.Target{Domain: name}, mailcheck.Settings{})
	if err != nil {
		return fmt.Sprintf("%q\terror\t%v\n", name, err)
	}
	s := fmt.Sprintf("%s\t%s\t%d failed\t%d unknown", rep.Target, rep.Role.Word, rep.Summary.Fail, rep.Summary.Unknown)
	for _, a := range rep.Answers {
		s += "\t" + a.ID + "=" + a.Answer
	}
	return s + "\n"
}
