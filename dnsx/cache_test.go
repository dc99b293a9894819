package dnsx_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
)

const soa = "acme.example. %d IN SOA ns.acme.example. hostmaster.acme.example. 1 2 3 4 %d"

func TestCache_howLong(t *testing.T) {
	positive := func(lines ...string) dnsx.Reply {
		return dnsx.Reply{Answer: &dnsx.Answer{Records: rrs(lines...)}}
	}
	denial := func(rcode dnsx.RCode, authority ...string) dnsx.Reply {
		return dnsx.Reply{Answer: &dnsx.Answer{RCode: rcode, Authority: rrs(authority...)}}
	}
	failure := func(kind dnsx.Kind) dnsx.Reply { return dnsx.Reply{Failure: &dnsx.Failure{Kind: kind}} }
	aliased := func(r dnsx.Reply, chain ...string) dnsx.Reply {
		r.Answer.Chain = rrs(chain...)
		return r
	}
	tests := []struct {
		name  string
		cache dnsx.Cache
		reply dnsx.Reply
		want  time.Duration // 0: not at all
	}{
		{name: "an answer, for its TTL", reply: positive(`acme.example. 300 TXT "a"`), want: 300 * time.Second},
		{
			name:  "records of different TTL, for the smallest (RFC 2181, 5.2)",
			reply: positive(`acme.example. 300 TXT "a"`, `acme.example. 200 TXT "b"`), want: 200 * time.Second,
		},
		{
			name:  "an alias, for the smallest TTL on the way",
			reply: aliased(positive(`b.example. 300 TXT "a"`), "acme.example. 100 CNAME a.example.", "a.example. 200 CNAME b.example."),
			want:  100 * time.Second,
		},
		{
			name: "a TTL with the top bit set is 0 (RFC 2181, 8)", cache: dnsx.Cache{MinTTL: -1},
			reply: positive(`acme.example. 2147483648 TXT "a"`),
		},
		{
			name: "the largest TTL", cache: dnsx.Cache{MaxTTL: 1 << 62},
			reply: positive(`acme.example. 2147483647 TXT "a"`), want: 2147483647 * time.Second,
		},
		{name: "TTL 0, for the time of one job", reply: positive(`acme.example. 0 TXT "a"`), want: dnsx.DefaultBudget},
		{name: "TTL 0, not at all", cache: dnsx.Cache{MinTTL: -1}, reply: positive(`acme.example. 0 TXT "a"`)},
		{name: "at least MinTTL", cache: dnsx.Cache{MinTTL: time.Minute}, reply: positive(`acme.example. 59 TXT "a"`), want: time.Minute},
		{name: "at most an hour", reply: positive(`acme.example. 3601 TXT "a"`), want: time.Hour},
		{name: "at most MaxTTL", cache: dnsx.Cache{MaxTTL: time.Minute}, reply: positive(`acme.example. 61 TXT "a"`), want: time.Minute},
		{
			name: "MaxTTL goes before MinTTL", cache: dnsx.Cache{MaxTTL: 5 * time.Second},
			reply: positive(`acme.example. 1 TXT "a"`), want: 5 * time.Second,
		},

		{name: "NXDOMAIN, for the TTL of the SOA (RFC 2308, 5)", reply: denial(dnsx.NXDomain, fmt.Sprintf(soa, 60, 90)), want: time.Minute},
		{name: "NXDOMAIN, for the MINIMUM of the SOA", reply: denial(dnsx.NXDomain, fmt.Sprintf(soa, 90, 60)), want: time.Minute},
		{name: "NODATA, for the same", reply: denial(dnsx.NoError, fmt.Sprintf(soa, 90, 60)), want: time.Minute},
		{
			name: "a MINIMUM with the top bit set is 0", cache: dnsx.Cache{MinTTL: -1},
			reply: denial(dnsx.NXDomain, fmt.Sprintf(soa, 90, uint32(1<<31))),
		},
		{name: "no SOA, for the time of one job", reply: denial(dnsx.NXDomain), want: dnsx.DefaultBudget},
		{name: "no SOA, not at all (RFC 2308, 5)", cache: dnsx.Cache{MinTTL: -1}, reply: denial(dnsx.NXDomain)},
		{
			name: "the SOA of a zone that has no say", cache: dnsx.Cache{MinTTL: -1},
			reply: denial(dnsx.NXDomain, strings.ReplaceAll(fmt.Sprintf(soa, 60, 60), "acme.", "other.")),
		},
		{
			name: "an unreadable SOA", cache: dnsx.Cache{MinTTL: -1},
			reply: denial(dnsx.NXDomain, `acme.example. 60 SOA \# 1 00`),
		},
		{
			name: "an alias to nowhere, for the SOA where it ends", cache: dnsx.Cache{MinTTL: -1},
			reply: aliased(denial(dnsx.NXDomain, "other. 60 SOA ns.other. h.other. 1 2 3 4 50"), "acme.example. 300 CNAME x.other."),
			want:  50 * time.Second,
		},
		{
			name: "an alias to nowhere, for the alias's own TTL", cache: dnsx.Cache{MinTTL: -1},
			reply: aliased(denial(dnsx.NXDomain, "other. 60 SOA ns.other. h.other. 1 2 3 4 50"), "acme.example. 40 CNAME x.other."),
			want:  40 * time.Second,
		},

		{name: "a failure, for seconds", reply: failure(dnsx.KindRCode), want: 5 * time.Second},
		{name: "a time-out", reply: failure(dnsx.KindTimeout), want: 5 * time.Second},
		{name: "not asked", reply: failure(dnsx.KindNotAsked), want: 5 * time.Second},
		{
			name: "a failure, for FailureTTL whatever MinTTL says", cache: dnsx.Cache{FailureTTL: 7 * time.Second, MinTTL: time.Minute},
			reply: failure(dnsx.KindRCode), want: 7 * time.Second,
		},
		{
			name: "a failure, for a second at least (RFC 9520, 3.2)", cache: dnsx.Cache{FailureTTL: time.Millisecond},
			reply: failure(dnsx.KindRCode), want: time.Second,
		},
		{
			name: "a failure, for five minutes at most (RFC 9520, 3.2)", cache: dnsx.Cache{FailureTTL: time.Hour},
			reply: failure(dnsx.KindRCode), want: 5 * time.Minute,
		},
		{name: "the time was over: nobody else's business", reply: failure(dnsx.KindBudget)},
		{name: "given up: nobody else's business", reply: failure(dnsx.KindCanceled)},
	}
	for i := range tests {
		tt := &tests[i]
		t.Run(tt.name, func(t *testing.T) {
			q := txt("acme.example")
			now, asked := time.Unix(0, 0), 0
			c := &tt.cache
			c.Now = func() time.Time { return now }
			c.Next = dnsx.ResolverFunc(func(context.Context, dnsx.Question) (*dnsx.Answer, error) {
				asked++
				if tt.reply.Failure != nil {
					return nil, tt.reply.Failure
				}
				tt.reply.Answer.Question = q
				return tt.reply.Answer, nil
			})
			var counts []int
			for _, at := range []time.Duration{0, max(tt.want-1, 0), max(tt.want, 1)} {
				now = time.Unix(0, 0).Add(at)
				got, err := c.Resolve(t.Context(), q)
				if tt.reply.Failure != nil {
					assert.Equal(t, tt.reply.Failure, err)
				} else {
					assert.Same(t, tt.reply.Answer, got)
				}
				counts = append(counts, asked)
			}
			want := []int{1, 1, 2}
			if tt.want == 0 {
				want = []int{1, 2, 3}
			}
			assert.Equal(t, want, counts, "questions to Next: at first, just before the end, at the end")
			assert.NoError(t, c.Audit())
		})
	}
}

func TestCache_identity(t *testing.T) {
	s := &server{answer: hello}
	c := &dnsx.Cache{Next: s}
	for range 2 {
		for _, q := range []dnsx.Question{
			{Name: "acme.example", Type: dnsx.TypeTXT},
			{Name: "b.example", Type: dnsx.TypeTXT},
			{Name: "acme.example", Type: dnsx.TypeMX},
			{Name: "acme.example", Type: dnsx.TypeTXT, DNSSEC: true},
			{Name: "acme.example", Type: dnsx.TypeTXT, CheckingDisabled: true},
		} {
			got, err := c.Resolve(t.Context(), q)
			require.NoError(t, err)
			assert.Equal(t, q, got.Question)
		}
	}
	assert.Len(t, s.asked(), 5)
}

func TestCache_contextEnded(t *testing.T) {
	s := &server{answer: func(ctx context.Context, q dnsx.Question) (*dnsx.Answer, error) {
		if q.Name == "bad.example" {
			return nil, &dnsx.Failure{Question: q, Kind: dnsx.KindTimeout}
		}
		return hello(ctx, q)
	}}
	c := &dnsx.Cache{Next: s}
	kept, err := c.Resolve(t.Context(), txt("kept.example"))
	require.NoError(t, err)
	_, bad := c.Resolve(t.Context(), txt("bad.example"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()

	got, err := c.Resolve(ctx, txt("kept.example"))
	assert.NoError(t, err, "what is known costs no time")
	assert.Same(t, kept, got)
	_, err = c.Resolve(ctx, txt("bad.example"))
	assert.Equal(t, bad, err)
	_, err = c.Resolve(ctx, txt("new.example"))
	assert.Equal(t, context.Canceled, err)
	assert.Equal(t, []dnsx.Reply{
		{Question: txt("kept.example"), Answer: kept},
		{Question: txt("new.example"), Failure: &dnsx.Failure{Question: txt("new.example"), Kind: dnsx.KindCanceled}},
	}, c.ResolveAll(ctx, []dnsx.Question{txt("kept.example"), txt("new.example")}))
	assert.Len(t, s.asked(), 2)
}

func TestCache_neitherAnswerNorError(t *testing.T) {
	for _, next := range []dnsx.Resolver{
		dnsx.ResolverFunc(func(context.Context, dnsx.Question) (*dnsx.Answer, error) { return nil, nil }),
		replyAll(func(qs []dnsx.Question) []dnsx.Reply { return make([]dnsx.Reply, len(qs)) }),
	} {
		c := &dnsx.Cache{Next: next}
		_, err := c.Resolve(t.Context(), txt("acme.example"))
		var f *dnsx.Failure
		require.ErrorAs(t, err, &f)
		assert.Equal(t, dnsx.KindMalformed, f.Kind)
	}
}

// The reply that was unused longest goes first.
func TestCache_bounded(t *testing.T) {
	s := &server{answer: func(_ context.Context, q dnsx.Question) (*dnsx.Answer, error) {
		size := 1000
		if q.Name == "huge.example" {
			size = 20000
		}
		return &dnsx.Answer{Question: q, Records: []dnsx.RR{dnsx.NewTXT(q.Name, 60, strings.Repeat("x", size))}}, nil
	}}
	c := &dnsx.Cache{Next: s, MaxBytes: 5000}
	ask := func(names ...string) {
		for _, name := range names {
			_, err := c.Resolve(t.Context(), txt(name+".example"))
			require.NoError(t, err)
			require.NoError(t, c.Audit())
		}
	}
	ask("a", "b", "c", "a", "d")
	assert.Equal(t, 3, c.Len())
	ask("a", "c", "d")
	assert.Len(t, s.asked(), 4, "b went, the oldest in use")
	ask("huge")
	assert.Equal(t, 3, c.Len(), "what is larger than all of the space drives out nothing")
	ask("b", "a")
	assert.Len(t, s.asked(), 7, "b was asked again, and a had to go for it")
}

// A reply that goes because its time is over leaves the order of the others.
func TestCache_orderAfterExpiry(t *testing.T) {
	s := &server{answer: func(_ context.Context, q dnsx.Question) (*dnsx.Answer, error) {
		ttl := uint32(600)
		if q.Name == "short.example" {
			ttl = 20
		}
		return &dnsx.Answer{Question: q, Records: []dnsx.RR{dnsx.NewTXT(q.Name, ttl, strings.Repeat("x", 1000))}}, nil
	}}
	now := time.Unix(0, 0)
	c := &dnsx.Cache{Next: s, MaxBytes: 5000, Now: func() time.Time { return now }}
	ask := func(names ...string) {
		for _, name := range names {
			_, err := c.Resolve(t.Context(), txt(name+".example"))
			require.NoError(t, err)
			require.NoError(t, c.Audit())
		}
	}
	ask("a", "b", "short")
	now = now.Add(time.Minute)
	ask("short", "d") // a is the oldest, and goes
	assert.Len(t, s.asked(), 5)
	ask("b")
	assert.Len(t, s.asked(), 5)
}

// The count of bytes is near what the cache really holds.
func TestCache_countsHonestly(t *testing.T) {
	kinds := map[string]func(q dnsx.Question) (*dnsx.Answer, error){
		"a short answer": func(q dnsx.Question) (*dnsx.Answer, error) {
			return &dnsx.Answer{Question: q, Records: []dnsx.RR{dnsx.NewTXT(q.Name, 60, "v=spf1 -all")}}, nil
		},
		"a long answer": func(q dnsx.Question) (*dnsx.Answer, error) {
			a := &dnsx.Answer{Question: q}
			for range 10 {
				a.Records = append(a.Records, dnsx.NewTXT(strings.Clone(q.Name), 60, strings.Repeat("v=spf1 -all", 20)))
			}
			return a, nil
		},
		"a denial": func(q dnsx.Question) (*dnsx.Answer, error) {
			return &dnsx.Answer{Question: q, RCode: dnsx.NXDomain, Authority: rrs(fmt.Sprintf(soa, 60, 60))}, nil
		},
		"a failure": func(q dnsx.Question) (*dnsx.Answer, error) {
			ede := []dnsx.EDE{{Code: 23, Text: strings.Repeat("network error ", 3)}}
			return nil, &dnsx.Failure{Question: q, Kind: dnsx.KindNetwork, EDE: ede, Detail: strings.Clone("connection refused")}
		},
	}
	for name, answer := range kinds {
		t.Run(name, func(t *testing.T) {
			const most = 8 << 20
			c := &dnsx.Cache{MaxBytes: most, Next: dnsx.ResolverFunc(func(_ context.Context, q dnsx.Question) (*dnsx.Answer, error) { return answer(q) })}
			before := heap()
			full := 0
			for i := 0; c.Len() == i; i++ {
				c.Resolve(t.Context(), txt(fmt.Sprintf("a-name-of-some-length-%d.example", i)))
				full = i
			}
			used := heap() - before
			t.Logf("%d replies: %d bytes counted, %d used, %d each", full, most, used, used/int64(full))
			assert.InDelta(t, 1, float64(used)/most, 0.3)
			runtime.KeepAlive(c)
		})
	}
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestListerOf(t *testing.T) {
	zone := dnstest.Must(`s1._domainkey.acme.example. TXT "p="`)
	wrap := func(r dnsx.Resolver) dnsx.Resolver {
		return &dnsx.Cache{Next: &dnsx.Limit{Next: &dnsx.Trace{Next: r}}}
	}
	lister, ok := dnsx.ListerOf(wrap(zone.Listing()))
	require.True(t, ok)
	names, err := lister.Names("acme.example")
	assert.NoError(t, err)
	assert.Equal(t, []string{"s1._domainkey.acme.example"}, names)

	_, ok = dnsx.ListerOf(wrap(zone))
	assert.False(t, ok)

	for _, r := range []dnsx.Resolver{&dnsx.Cache{Next: zone}, &dnsx.Limit{Next: zone}, &dnsx.Trace{Next: zone}} {
		_, err = r.(dnsx.Lister).Names("acme.example")
		assert.ErrorIs(t, err, dnsx.ErrNoList)
		assert.EqualError(t, err, "names below acme.example: dnsx: the resolver does not list names")
	}
	for _, r := range []dnsx.Resolver{
		&dnsx.Cache{Next: zone.Listing()}, &dnsx.Limit{Next: zone.Listing()}, &dnsx.Trace{Next: zone.Listing()},
	} {
		names, err = r.(dnsx.Lister).Names(".")
		assert.NoError(t, err)
		assert.Len(t, names, 1)
	}
}
