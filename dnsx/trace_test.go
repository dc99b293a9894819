package dnsx_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/dnsx"
)

func TestTrace(t *testing.T) {
	type seen struct {
		Question dnsx.Question
		Failed   bool
		Took     time.Duration
	}
	answer := func(ctx context.Context, q dnsx.Question) (*dnsx.Answer, error) {
		if q.Name == "b.example" {
			time.Sleep(2 * time.Second)
			return nil, &dnsx.Failure{Question: q, Kind: dnsx.KindTimeout}
		}
		time.Sleep(time.Second)
		return hello(ctx, q)
	}
	a := seen{Question: txt("a.example"), Took: time.Second}
	b := seen{Question: txt("b.example"), Failed: true, Took: 2 * time.Second}
	for name, tt := range map[string]struct {
		next dnsx.Resolver
		want []seen
	}{
		"one by one": {&server{answer: answer}, []seen{a, b}},
		"stream":     {&stream{server{answer: answer}}, []seen{a, b}},
		"bulk, which has no time of its own for each": {
			&bulk{server{answer: answer}}, []seen{{a.Question, false, b.Took}, b},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				var got []seen
				trace := &dnsx.Trace{Next: tt.next, Done: func(r dnsx.Reply, took time.Duration) {
					mu.Lock()
					defer mu.Unlock()
					got = append(got, seen{r.Question, r.Err() != nil, took})
				}}
				replies := dnsx.Ask(t.Context(), trace, a.Question, b.Question)
				assert.Equal(t, dnsx.Ask(t.Context(), tt.next, a.Question, b.Question), replies)
				assert.ElementsMatch(t, tt.want, got)

				got = nil
				_, err := trace.Resolve(t.Context(), b.Question)
				assert.Equal(t, &dnsx.Failure{Question: b.Question, Kind: dnsx.KindTimeout}, err)
				assert.Equal(t, []seen{b}, got)
			})
		})
	}
}

func TestTrace_withoutHook(t *testing.T) {
	trace := &dnsx.Trace{Next: dnsx.ResolverFunc(hello)}
	got, err := trace.Resolve(t.Context(), txt("acme.example"))
	require.NoError(t, err)
	assert.Equal(t, "hello", got.Records[0].Text())
	assert.Len(t, trace.ResolveAll(t.Context(), questions(3)), 3)
}
