package dnsx_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/mailcheck-go/mailcheck/dnsx"
)

func BenchmarkCache_hit(b *testing.B) {
	c := &dnsx.Cache{Next: dnsx.ResolverFunc(hello)}
	q := txt("_dmarc.acme.example")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Resolve(b.Context(), q); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCache_hitParallel(b *testing.B) {
	c := &dnsx.Cache{Next: dnsx.ResolverFunc(hello)}
	var qs []dnsx.Question
	for i := range 1000 {
		qs = append(qs, txt(fmt.Sprintf("_dmarc.acme%d.example", i)))
	}
	c.ResolveAll(b.Context(), qs)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			if _, err := c.Resolve(context.Background(), qs[i%len(qs)]); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// One job's 35 questions: all kept, or all new.
func BenchmarkCache_ResolveAll(b *testing.B) {
	var qs []dnsx.Question
	for i := range 35 {
		qs = append(qs, txt(fmt.Sprintf("s%d._domainkey.acme.example", i)))
	}
	answers := map[dnsx.Question]*dnsx.Answer{}
	for _, q := range qs {
		answers[q], _ = hello(b.Context(), q)
	}
	next := replyAll(func(qs []dnsx.Question) []dnsx.Reply {
		replies := make([]dnsx.Reply, len(qs))
		for i, q := range qs {
			replies[i] = dnsx.Reply{Question: q, Answer: answers[q]}
		}
		return replies
	})
	run := func(c *dnsx.Cache, now func(time.Time) time.Time) func(*testing.B) {
		return func(b *testing.B) {
			at := time.Unix(0, 0)
			c.Now = func() time.Time { at = now(at); return at }
			b.ReportAllocs()
			for b.Loop() {
				for _, reply := range c.ResolveAll(b.Context(), qs) {
					if reply.Answer == nil {
						b.Fatal(reply.Err())
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(qs)), "ns/question")
		}
	}
	b.Run("kept", run(&dnsx.Cache{Next: next}, func(t time.Time) time.Time { return t }))
	b.Run("new", run(&dnsx.Cache{Next: next, MinTTL: -1, MaxTTL: time.Second}, func(t time.Time) time.Time { return t.Add(time.Second) }))
}

// replyAll is a BulkResolver that answers at once.
type replyAll func([]dnsx.Question) []dnsx.Reply

func (f replyAll) Resolve(context.Context, dnsx.Question) (*dnsx.Answer, error) {
	return nil, errors.ErrUnsupported
}

func (f replyAll) ResolveAll(_ context.Context, qs []dnsx.Question) []dnsx.Reply { return f(qs) }
