package cli

import (
	"context"
	"fmt"
	"os"

	"golang.org/x/term"

	"github.com/mailcheck-go/mailcheck"
	"github.com/mailcheck-go/mailcheck/check"
)

// job is one name of the command line on its way to a report.
type job struct {
	discover func(context.Context) (*mailcheck.Facts, error)
	done     chan struct{}
	report   *check.Report
	err      error
}

func newJob(discover func(context.Context) (*mailcheck.Facts, error)) *job {
	return &job{discover: discover, done: make(chan struct{})}
}

// run makes the reports, a bounded number at once, in their order. A list may be long
// and its first name the slowest: of those that wait for it no facts are kept.
func run(ctx context.Context, jobs []*job, atOnce int, settings mailcheck.Settings, save func(*mailcheck.Facts) error) {
	places := make(chan struct{}, atOnce)
	for _, j := range jobs {
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
			return
		}
		go func() {
			defer func() { <-places; close(j.done) }()
			facts, err := j.discover(ctx)
			if err == nil {
				err = save(facts)
			}
			if j.err = err; err == nil {
				j.report = mailcheck.Judge(facts, settings)
			}
		}()
	}
}

// report runs the jobs and writes what they found, in their order.
func (a *app) report(ctx context.Context, jobs []*job, atOnce int, settings mailcheck.Settings, save func(*mailcheck.Facts) error, doc *document) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go run(ctx, jobs, atOnce, settings, save)
	for i, j := range jobs {
		a.progress(i, len(jobs))
		select {
		case <-j.done:
		case <-ctx.Done():
			a.progress(len(jobs), len(jobs))
			return ctx.Err()
		}
		a.progress(len(jobs), len(jobs)) // off, for what is written now
		if j.err != nil {
			return j.err // a selector or host that is none, or a file that cannot be written
		}
		if err := doc.Add(j.report); err != nil {
			return err
		}
		j.report = nil
	}
	return doc.Close()
}

// progress tells a person how far a long list is; nothing where stderr is no terminal.
func (a *app) progress(done, of int) {
	file, ok := a.Stderr.(*os.File)
	if !ok || of < 4 || !term.IsTerminal(int(file.Fd())) {
		return
	}
	fmt.Fprint(a.Stderr, "\r\x1b[K")
	if done < of {
		fmt.Fprintf(a.Stderr, "%d of %d", done, of)
	}
}
