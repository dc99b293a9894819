// Command many checks a list of domains side by side with one shared cache, and
// writes a line for each as it is done: what a survey of many names starts from.
//
//	many -resolver 127.0.0.1 names.txt
//	many -resolver 127.0.0.1 -facts names.txt >facts.ndjson
//
// With -facts it judges nothing: a line is what was seen of a domain, as JSON that
// mailcheck.Judge takes later, and again with other settings.
package main

import (
	"bufio"
	"context"
	"encoding/json"
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
	"github.com/mailcheck-go/mailcheck/tlscert"
)

func main() {
	var (
		address = flag.String("resolver", "", "name server to ask (default: the system's)")
		atOnce  = flag.Int("at-once", 64, "domains under way at once")
		offline = flag.Bool("no-dial", false, "look at no certificates and policies: DNS alone")
		facts   = flag.Bool("facts", false, "write facts, and judge nothing")
		timeout = flag.Duration("timeout", time.Second, "longest wait for the name server before another try; twice as long for a question")
	)
	flag.Parse()
	debug.SetGCPercent(400) // much is made and dropped at once: a third of the time for twice the memory
	err := func() error {
		client, err := resolver(*address, *timeout)
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
		checker := &mailcheck.Checker{
			Resolver: cache, Offline: *offline,
			SkipMX: true,              // who scans has no business at port 25 of everybody
			Prober: &tlscert.Prober{}, // one for all, so that no address that many names share is flooded
		}
		one := judged
		if *facts {
			one = seen
		}
		return many(context.Background(), os.Stdout, names, checker, *atOnce, one)
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, "many:", err)
		os.Exit(2)
	}
}

// resolver makes a client. Of many domains some have name servers that are dead, and
// the last of them ends the run: a wait of 2 s for what a resolver could not find out
// is enough for most that are slow. The others are unknown, and can be asked again.
func resolver(address string, timeout time.Duration) (*wire.Client, error) {
	if address == "" {
		client, err := wire.System()
		if err == nil {
			client.Timeout = timeout
		}
		return client, err
	}
	server, err := wire.ParseServer(address)
	if err != nil {
		return nil, err
	}
	return &wire.Client{Servers: []wire.Server{server}, Timeout: timeout}, nil
}

// lineFunc makes the line of a name.
type lineFunc func(ctx context.Context, c *mailcheck.Checker, name string) string

// many checks the names that it reads, a line each, and writes in the order in
// which they are done.
func many(ctx context.Context, w io.Writer, names io.Reader, c *mailcheck.Checker, atOnce int, one lineFunc) error {
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

// seen is the facts about a name.
func seen(ctx context.Context, c *mailcheck.Checker, name string) string {
	facts, err := c.Discover(ctx, mailcheck.Target{Domain: name})
	if err == nil {
		var b []byte
		if b, err = json.Marshal(facts); err == nil {
			return string(b) + "\n"
		}
	}
	b, _ := json.Marshal(map[string]string{"domain": name, "error": err.Error()})
	return string(b) + "\n"
}

// judged is the verdict about a name.
func judged(ctx context.Context, c *mailcheck.Checker, name string) string {
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
