package real_test

import (
	"bytes"
	"context"
	"encoding/json"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck"
	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/zone"
)

// Every domain has the same report, whoever answers: Unbound or the files.
func TestReports(t *testing.T) {
	w := newWorld(t)
	if !have(t, "nsd", "unbound") {
		return
	}
	nsd := startNSD(t, w.dir, w.apexes)
	c := startUnbound(t, nsd, w.apexes, "").client(t)

	t.Run("selectors are guessed", func(t *testing.T) {
		compare(t, w.domains(), ordered(w.files), ordered(c))
	})
	t.Run("names are listed", func(t *testing.T) {
		compare(t, w.domains(), listing{ordered(w.files), w.files}, listing{unasked(ordered(c)), w.files})
	})
}

// What the files say as they were given, they say too when they are served, but that
// what the provider adds to them is known then.
func TestReports_sources(t *testing.T) {
	w := newWorld(t)
	compared := 0
	given, served := reports(t, w.domains(), w.sources), reports(t, w.domains(), w.files)
	for i, domain := range w.domains() {
		if slices.ContainsFunc(w.sources.Notes(), func(n zone.Note) bool { return n.Name == domain }) {
			continue // an alias of the provider, which is served by nobody
		}
		compared++
		for k, res := range given[i].Results {
			if res.Outcome != check.Unknown {
				assert.Equal(t, asJSON(t, res), asJSON(t, served[i].Results[k]), domain)
			}
		}
	}
	t.Logf("%d domains", compared)
}

// listing lists the names of zones that somebody else answers for.
type listing struct {
	dnsx.StreamResolver
	dnsx.Lister
}

// changed changes what a resolver replies, and lists no names.
type changed struct {
	dnsx.StreamResolver
	change func(dnsx.Reply) dnsx.Reply
}

func (c changed) Resolve(ctx context.Context, q dnsx.Question) (*dnsx.Answer, error) {
	r := c.change(dnsx.ReplyOf(q)(c.StreamResolver.Resolve(ctx, q)))
	return r.Answer, r.Err()
}

func (c changed) ResolveEach(ctx context.Context, qs []dnsx.Question, each func(int, dnsx.Reply)) {
	c.StreamResolver.ResolveEach(ctx, qs, func(i int, r dnsx.Reply) { each(i, c.change(r)) })
}

// ordered puts the records of every set in canonical order (RFC 4034, 6.3). The order
// has no meaning (RFC 1034, 3.6), and Unbound turns it from answer to answer.
func ordered(r dnsx.StreamResolver) dnsx.StreamResolver {
	return changed{r, func(r dnsx.Reply) dnsx.Reply {
		if r.Answer != nil {
			a := *r.Answer
			a.Records = slices.Clone(a.Records)
			slices.SortFunc(a.Records, func(a, b dnsx.RR) int { return bytes.Compare(a.Data, b.Data) })
			r.Answer = &a
		}
		return r
	}}
}

// unasked makes the failures of aliases, and of MX records, those of questions that
// nobody was asked. That is what the files say of delegations, which stand in a list of
// names too: each of these is asked whether it is an alias, and whether it takes mail.
func unasked(r dnsx.StreamResolver) dnsx.StreamResolver {
	return changed{r, func(r dnsx.Reply) dnsx.Reply {
		if r.Failure != nil && (r.Question.Type == dnsx.TypeCNAME || r.Question.Type == dnsx.TypeMX) {
			f := *r.Failure
			f.Kind = dnsx.KindNotAsked
			r.Failure = &f
		}
		return r
	}}
}

func compare(t *testing.T, domains []string, zone, wire dnsx.Resolver) {
	t.Helper()
	want, got := reports(t, domains, zone), reports(t, domains, wire)
	count := map[check.Outcome]int{}
	for i, domain := range domains {
		zone, wire := parts(t, want[i]), parts(t, got[i])
		for part := range zone {
			assert.Equal(t, zone[part], wire[part], "%s, %s", domain, part)
		}
		assert.Len(t, wire, len(zone), domain)
		for _, res := range want[i].Results {
			count[res.Outcome]++
		}
	}
	t.Logf("%d domains: %v", len(domains), count)
}

// noon is when all reports are for.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// reports checks the domains, some of them at the same time.
func reports(t *testing.T, domains []string, r dnsx.Resolver) []*check.Report {
	t.Helper()
	c := mailcheck.Checker{Resolver: r, Offline: true, Budget: 30 * time.Second, Now: func() time.Time { return noon }}
	all := make([]*check.Report, len(domains))
	errs := make([]error, len(domains))
	next := make(chan int)
	var wg sync.WaitGroup
	for range 4 * runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := range next {
				all[i], errs[i] = c.Check(context.Background(), mailcheck.Target{Domain: domains[i]}, mailcheck.Settings{})
			}
		})
	}
	for i := range domains {
		next <- i
	}
	close(next)
	wg.Wait()
	for i, err := range errs {
		require.NoError(t, err, domains[i])
	}
	return all
}

// cause is why something is not known: nobody was asked for what the files do not
// know, and Unbound failed.
var cause = regexp.MustCompile(`(was not asked: no zone file knows \S+ \S+|got SERVFAIL at [0-9.:]+)([ .,;]|$)`)

// parts takes a report apart, without such causes.
func parts(t *testing.T, r *check.Report) map[string]string {
	t.Helper()
	m := map[string]string{"role": asJSON(t, r.Role), "repairs": asJSON(t, r.Repairs), "measures": asJSON(t, r.Measures)}
	for _, a := range r.Answers {
		a.Text = check.Textf("%s", cause.ReplaceAllString(a.Text.String(), "is not known$2"))
		m["answer "+a.ID] = asJSON(t, a)
	}
	for _, o := range r.Overview {
		m["overview "+o.Area] = asJSON(t, o)
	}
	for _, res := range r.Results {
		if strings.HasSuffix(res.ID, "temperror") {
			continue // a server that fails is what no file tells
		}
		if res.Outcome == check.Unknown {
			res.Reason = check.Text{}
		}
		res.Gaps = slices.Clone(res.Gaps)
		for i := range res.Gaps {
			res.Gaps[i].Why, res.Gaps[i].Cause = "", nil
		}
		m["result "+res.ID] = asJSON(t, res)
	}
	return m
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	data, err := json.MarshalIndent(v, "", " ")
	require.NoError(t, err)
	return string(data)
}
