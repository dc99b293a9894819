// The differential run: the same cases for package spf and for other people's SPF, over one
// DNS on loopback, and every disagreement in a class with the section that decides it. See
// "Evaluating SPF" in docs/architecture.md.
package main

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mailcheck-go/mailcheck/dnsx/wire"
	"github.com/mailcheck-go/mailcheck/spf"
)

func main() {
	seed := flag.Uint64("seed", 7208, "which cases: each has its own `number`s")
	count := flag.Int("n", 20_000, "how many cases")
	from := flag.Int("from", 0, "the first case")
	lanes := flag.Int("lanes", runtime.NumCPU()+1, "cases at once")
	names := flag.String("peers", "", "the peers to ask, with commas; all if empty")
	show := flag.Int("show", 5, "how many cases to print that are in no class")
	class := flag.String("class", "", "print cases of this `class` too, and what its peers say against what; all: of each class the latter")
	list := flag.Bool("classes", false, "print the classes for docs/architecture.md, and nothing else")
	flag.Parse()
	if *list {
		fmt.Print(markdown())
		return
	}
	peers, err := choose(*names)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	start := time.Now()
	t, err := run(*seed, *from, *count, *lanes, peers)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	t.write(os.Stdout, *show, *class)
	fmt.Printf("seed %d, %d cases in %s\n", *seed, *count, time.Since(start).Round(time.Second))
	if len(t.open) > 0 {
		os.Exit(1)
	}
}

// choose returns the peers by their names; the error says which are missing.
func choose(names string) ([]string, error) {
	all := []string{goPeer}
	for _, p := range programs {
		all = append(all, p.name)
	}
	chosen := all
	if names != "" {
		chosen = strings.Split(names, ",")
	}
	for _, name := range chosen {
		if !slices.Contains(all, name) {
			return nil, fmt.Errorf("there is no peer %q: %s", name, strings.Join(all, ", "))
		}
	}
	for _, p := range programs {
		if slices.Contains(chosen, p.name) && !p.installed() {
			return nil, fmt.Errorf("%s is not installed (Debian: %s); without it this proves nothing of it. PEERS=%s asks the others",
				p.name, p.pkg, strings.Join(slices.DeleteFunc(slices.Clone(chosen), func(s string) bool { return s == p.name }), ","))
		}
	}
	return chosen, nil
}

// lane asks everybody about one case after the other.
type lane struct {
	server *server
	client *wire.Client
	peers  map[string]peer
}

func newLane(names []string) (*lane, error) {
	s, err := listen()
	if err != nil {
		return nil, err
	}
	l := &lane{server: s, client: &wire.Client{Servers: []wire.Server{{Addr: s.addr()}}, Tries: 20, Total: patience}, peers: map[string]peer{}}
	for _, p := range programs {
		if slices.Contains(names, p.name) {
			l.peers[p.name] = &worker{program: p, server: s.addr()}
		}
	}
	if slices.Contains(names, goPeer) {
		l.peers[goPeer] = newGoWorker(s.addr())
	}
	return l, nil
}

func (l *lane) close() {
	for _, p := range l.peers {
		p.close()
	}
	l.client.Close()
	l.server.close()
}

func sessionOf(s session) spf.Session {
	return spf.Session{
		IP: netip.MustParseAddr(s.IP), MailFrom: s.Sender, Helo: s.Helo, Receiver: s.Receiver, Trace: true,
	}
}

// judge is one case: what everybody says of it.
func (l *lane) judge(seed uint64, id int) (*trial, error) {
	s, w := makeCase(seed, id)
	return l.trial(s, w, l.peers)
}

// trial asks peers about a case.
func (l *lane) trial(s session, w *world, peers map[string]peer) (*trial, error) {
	l.server.world.Store(w)
	t := &trial{session: s, world: w, peers: map[string]said{}}
	var wg sync.WaitGroup
	var mu sync.Mutex
	for name, p := range peers {
		wg.Go(func() {
			x := p.ask(s)
			mu.Lock()
			defer mu.Unlock()
			t.peers[name] = x
		})
	}
	var err error
	wg.Go(func() { t.ours, err = patient.CheckHost(context.Background(), l.client, sessionOf(s)) })
	wg.Wait()
	return t, err
}

// run judges cases, many at once, and counts them.
func run(seed uint64, from, count, lanes int, peers []string) (*table, error) {
	numbers := make(chan int)
	t := newTable(peers)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var failed error
	for range lanes {
		l, err := newLane(peers)
		if err != nil {
			return nil, err
		}
		wg.Go(func() {
			defer l.close()
			for id := range numbers {
				x, err := l.judge(seed, id)
				if err == nil {
					err = l.classify(x)
				}
				mu.Lock()
				if err != nil {
					failed = fmt.Errorf("case %d: %w", id, err)
				} else {
					t.add(x)
				}
				mu.Unlock()
			}
		})
	}
	for id := from; id < from+count; id++ {
		numbers <- id
	}
	close(numbers)
	wg.Wait()
	return t, failed
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
