package dnsx_test

import (
	"context"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/mailcheck-go/mailcheck/dnsx"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rr reads one line of a master file.
func rr(line string) dnsx.RR {
	r, err := dnsx.ParseRR(line)
	if err != nil {
		panic(err)
	}
	return r
}

func rrs(lines ...string) []dnsx.RR {
	var all []dnsx.RR
	for _, line := range lines {
		all = append(all, rr(line))
	}
	return all
}

func txt(name string) dnsx.Question { return dnsx.Q(name, dnsx.TypeTXT) }

// server is a Resolver that notes the batches in which it is asked; one question
// alone is a batch too. It is told how to answer one question.
type server struct {
	answer func(context.Context, dnsx.Question) (*dnsx.Answer, error)

	mu      sync.Mutex
	batches [][]dnsx.Question
}

func (s *server) note(qs ...dnsx.Question) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.batches = append(s.batches, qs)
}

// asked returns the batches so far.
func (s *server) asked() [][]dnsx.Question {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([][]dnsx.Question(nil), s.batches...)
}

func (s *server) Resolve(ctx context.Context, q dnsx.Question) (*dnsx.Answer, error) {
	s.note(q)
	return s.answer(ctx, q)
}

// bulk is a server that takes batches.
type bulk struct{ server }

func (b *bulk) ResolveAll(ctx context.Context, qs []dnsx.Question) []dnsx.Reply {
	b.note(qs...)
	return dnsx.Ask(ctx, dnsx.ResolverFunc(b.answer), qs...)
}

// stream is a server that takes batches and hands over each reply by itself.
type stream struct{ server }

func (s *stream) ResolveEach(ctx context.Context, qs []dnsx.Question, each func(int, dnsx.Reply)) {
	s.note(qs...)
	dnsx.AskEach(ctx, dnsx.ResolverFunc(s.answer), qs, each)
}

// hello answers every question with one TXT record of a minute.
func hello(_ context.Context, q dnsx.Question) (*dnsx.Answer, error) {
	return &dnsx.Answer{Question: q, Records: []dnsx.RR{dnsx.NewTXT(q.Name, 60, "hello")}}, nil
}

// silent answers nothing until it is told to stop.
func silent(ctx context.Context, _ dnsx.Question) (*dnsx.Answer, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}
