package dnsx_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
)

const denialTTL = 300

// zoned gives the denials of a dnstest the SOA record of example, as servers do.
func zoned(lines string) *stream {
	world := dnstest.Must(lines)
	return &stream{server{answer: func(ctx context.Context, q dnsx.Question) (*dnsx.Answer, error) {
		a, err := world.Resolve(ctx, q)
		if err == nil && len(a.Records) == 0 {
			a.Authority = rrs(fmt.Sprintf("example. %d SOA ns.example. h.example. 1 2 3 4 %[1]d", denialTTL))
		}
		return a, err
	}}}
}

// lying makes it deny names that have none but others below.
func (s *stream) lying() *stream {
	honest := s.answer
	s.answer = func(ctx context.Context, q dnsx.Question) (*dnsx.Answer, error) {
		a, err := honest(ctx, q)
		if err == nil && len(a.Records) == 0 {
			a.RCode = dnsx.NXDomain
		}
		return a, err
	}
	return s
}

func (s *stream) questions() int {
	n := 0
	for _, batch := range s.asked() {
		n += len(batch)
	}
	return n
}

func TestCache_cut(t *testing.T) {
	const world = `acme.example. MX 10 mx.acme.example.` + "\n" + `google._domainkey.other.example. TXT "k"`
	tests := []struct {
		name     string
		cutAfter int
		ask      string // names of TXT, one after the other; "name/MX" for another type
		want     int    // questions that leave
	}{
		{"the zero value asks all", 0, "_domainkey.acme a._domainkey.acme b._domainkey.acme c._domainkey.acme", 4},
		{"one below is the witness", 1, "_domainkey.acme a._domainkey.acme b._domainkey.acme c._domainkey.acme", 2},
		{"two are", 2, "_domainkey.acme a._domainkey.acme b._domainkey.acme c._domainkey.acme", 3},
		{"one name is no two witnesses", 2, "x.acme a.x.acme a.x.acme/MX b.x.acme c.x.acme", 4},
		{"other types of the name, not before", 1, "x.acme x.acme/MX a.x.acme x.acme/A", 3},
		{"far below", 1, "x.acme a.b.x.acme c.d.x.acme b.x.acme", 2},
		{"below a witness too", 1, "x.acme a.x.acme b.a.x.acme", 2},
		{"a witness came before the denial", 1, "a.x.acme x.acme b.x.acme c.x.acme", 3},
		{"beside is not below", 1, "x.acme a.x.acme y.acme ax.acme", 4},
		{"NODATA is no denial", 1, "acme a.acme b.acme", 3},
		{"an empty non-terminal is no denial", 1, "_domainkey.other a._domainkey.other b._domainkey.other google._domainkey.other", 4},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := zoned(world)
			c := &dnsx.Cache{Next: s, CutAfter: tt.cutAfter}
			for name := range strings.FieldsSeq(tt.ask) {
				name, typ, _ := strings.Cut(name, "/")
				q := txt(name + ".example")
				if typ != "" {
					q.Type, _ = dnsx.ParseType(typ)
				}
				direct, _ := s.answer(t.Context(), q)
				got, err := c.Resolve(t.Context(), q)
				require.NoError(t, err)
				assert.Equal(t, q, got.Question)
				assert.Equal(t, direct.RCode, got.RCode)
				assert.Equal(t, direct.Records, got.Records)
				assert.Equal(t, direct.Authority, got.Authority)
				assert.NoError(t, c.Audit())
			}
			assert.Equal(t, tt.want, s.questions())
		})
	}
}

// What a cut answers can be told from what a server said.
func TestCache_cut_answer(t *testing.T) {
	at := time.Unix(1, 0)
	soa := rrs("example. 60 SOA ns.example. h.example. 1 2 3 4 50")
	c := &dnsx.Cache{CutAfter: 1, Next: &server{answer: func(_ context.Context, q dnsx.Question) (*dnsx.Answer, error) {
		return &dnsx.Answer{Question: q, RCode: dnsx.NXDomain, Authority: soa, Server: "192.0.2.53:53", Proto: "udp", Size: 99, At: at, RTT: 1}, nil
	}}}
	for _, name := range []string{"x.example", "a.x.example"} {
		got, err := c.Resolve(t.Context(), txt(name))
		require.NoError(t, err)
		assert.Equal(t, "udp", got.Proto)
	}
	q := dnsx.Q("b.x.example", dnsx.TypeMX)
	got, err := c.Resolve(t.Context(), q)
	require.NoError(t, err)
	assert.Equal(t, &dnsx.Answer{
		Question: q, RCode: dnsx.NXDomain, Authority: soa, EDE: []dnsx.EDE{{Code: 29, Text: "NXDOMAIN at x.example"}},
		Server: "192.0.2.53:53", Proto: dnsx.ProtoCut, At: at,
	}, got)
	assert.False(t, got.Exists())
	assert.Equal(t, []dnsx.Reply{{Question: q, Answer: got}}, c.ResolveAll(t.Context(), []dnsx.Question{q}))
	assert.Equal(t, 2, c.Len(), "it is not kept by itself")
}

func TestCache_cut_howLong(t *testing.T) {
	now := time.Unix(0, 0)
	s := zoned("example. TXT x")
	c := &dnsx.Cache{Next: s, CutAfter: 1, Now: func() time.Time { return now }}
	ask := func(name string) {
		_, err := c.Resolve(t.Context(), txt(name))
		require.NoError(t, err)
	}
	ask("x.example")
	now = now.Add(100 * time.Second)
	ask("a.x.example")
	now = now.Add(denialTTL*time.Second - 100*time.Second - 1)
	ask("b.x.example")
	assert.Equal(t, 2, s.questions())
	now = now.Add(1) // the witness is still kept; what it is a witness of is not
	ask("c.x.example")
	assert.Equal(t, 3, s.questions())
	ask("x.example")
	ask("d.x.example")
	ask("e.x.example")
	assert.Equal(t, 5, s.questions(), "a denial anew, and a witness anew")
	assert.NoError(t, c.Audit())
}

// The time of a cut runs from the denial: a cache above does not begin it anew.
func TestCache_cut_stacked(t *testing.T) {
	inner := &dnsx.Cache{Next: zoned("example. TXT x"), CutAfter: 1}
	outer := &dnsx.Cache{Next: inner}
	for _, name := range []string{"x.example", "a.x.example", "b.x.example"} {
		_, err := outer.Resolve(t.Context(), txt(name))
		require.NoError(t, err)
	}
	assert.Equal(t, 2, outer.Len())
}

// Denials that say neither who denies nor for how long, or that deny another name.
func TestCache_cut_poorDenial(t *testing.T) {
	soa := rrs("example. 60 SOA ns.example. h.example. 1 2 3 4 50")
	for name, denial := range map[string]dnsx.Answer{
		"no SOA":                        {},
		"the SOA of a zone elsewhere":   {Authority: rrs("other. 60 SOA ns.other. h.other. 1 2 3 4 50")},
		"the SOA of the name itself":    {Authority: rrs("x.example. 60 SOA ns.example. h.example. 1 2 3 4 50")},
		"a negative TTL of 0":           {Authority: rrs("example. 60 SOA ns.example. h.example. 1 2 3 4 0")},
		"the end of an alias is denied": {Authority: soa, Chain: rrs("x.example. 60 CNAME y.example.")},
		"it rests on a cut itself":      {Authority: soa, Proto: dnsx.ProtoCut},
	} {
		t.Run(name, func(t *testing.T) {
			s := &server{answer: func(_ context.Context, q dnsx.Question) (*dnsx.Answer, error) {
				a := dnsx.Answer{Question: q, RCode: dnsx.NXDomain, Authority: soa}
				if q.Name == "x.example" {
					a = denial
					a.Question, a.RCode = q, dnsx.NXDomain
				}
				return &a, nil
			}}
			c := &dnsx.Cache{Next: s, CutAfter: 1}
			for _, name := range []string{"x.example", "a.x.example", "b.x.example", "c.x.example"} {
				_, err := c.Resolve(t.Context(), txt(name))
				require.NoError(t, err)
			}
			assert.Len(t, s.asked(), 4)
		})
	}
}

// With DO and without, with CD and without, are questions of different worth.
func TestCache_cut_identity(t *testing.T) {
	s := zoned("example. TXT x")
	c := &dnsx.Cache{Next: s, CutAfter: 1}
	for _, q := range []dnsx.Question{{}, {DNSSEC: true}, {CheckingDisabled: true}} {
		for _, q.Name = range []string{"x.example", "a.x.example", "b.x.example"} {
			q.Type = dnsx.TypeTXT
			got, err := c.Resolve(t.Context(), q)
			require.NoError(t, err)
			assert.Equal(t, q.Name == "b.x.example", got.Proto == dnsx.ProtoCut)
		}
	}
	assert.Equal(t, 6, s.questions())
}

// A validated denial needs no witness.
func TestCache_cut_validated(t *testing.T) {
	s := zoned("example. TXT x")
	plain := s.answer
	s.answer = func(ctx context.Context, q dnsx.Question) (*dnsx.Answer, error) {
		a, err := plain(ctx, q)
		a.AD = true
		return a, err
	}
	c := &dnsx.Cache{Next: s, CutAfter: 3}
	c.Resolve(t.Context(), txt("x.example"))
	got, err := c.Resolve(t.Context(), txt("a.x.example"))
	require.NoError(t, err)
	assert.Equal(t, dnsx.ProtoCut, got.Proto)
	assert.True(t, got.AD)
	assert.Equal(t, 1, s.questions())
}

// A server that is caught denying what exists is not believed again, whatever comes first.
func TestCache_cut_liar(t *testing.T) {
	const world = `google._domainkey.acme.example. TXT "k"` + "\n" + `alias.x.acme.example. CNAME nowhere.acme.example.`
	for name, order := range map[string]string{
		"the witness exists":          "_domainkey.acme google._domainkey.acme",
		"it exists before the denial": "google._domainkey.acme _domainkey.acme",
		"an alias to nowhere exists":  "x.acme alias.x.acme",
		"a cut is believed by then":   "_domainkey.acme b._domainkey.acme x.acme alias.x.acme",
	} {
		t.Run(name, func(t *testing.T) {
			s := zoned(world).lying()
			c := &dnsx.Cache{Next: s, CutAfter: 1}
			end := c.Job("example")
			for name := range strings.FieldsSeq(order) {
				got, err := c.Resolve(t.Context(), txt(name+".example"))
				require.NoError(t, err)
				assert.NotEqual(t, dnsx.ProtoCut, got.Proto)
			}
			end() // that it lies outlives the job
			assert.Equal(t, 1, c.Nodes())
			for _, name := range []string{"y.acme", "a.y.acme", "b.y.acme", "_domainkey.acme", "b._domainkey.acme", "c._domainkey.acme"} {
				got, err := c.Resolve(t.Context(), txt(name+".example"))
				require.NoError(t, err)
				assert.NotEqual(t, dnsx.ProtoCut, got.Proto, name)
			}
			assert.NoError(t, c.Audit())
		})
	}
}

// Questions asked at once are asked at once, with cuts and without.
func TestCache_cut_delaysNothing(t *testing.T) {
	s := zoned("example. TXT x")
	c := &dnsx.Cache{Next: s, CutAfter: 1}
	qs := []dnsx.Question{txt("x.example"), txt("a.x.example"), txt("b.x.example"), txt("c.x.example")}
	for _, reply := range c.ResolveAll(t.Context(), qs) {
		assert.NotEqual(t, dnsx.ProtoCut, reply.Answer.Proto)
	}
	assert.Equal(t, [][]dnsx.Question{qs}, s.asked())
}

func TestCache_parentsFirst(t *testing.T) {
	const faults = "\nb.timeout.example. TXT !timeout\ntimeout.example. TXT !timeout"
	tests := []struct {
		name  string
		ask   string
		steps string // "|" between the batches that leave
	}{
		{"witnesses, then nothing", "x a.x b.x c.x d.x", "x|a.x b.x"},
		{"all levels", "here none.here a.none.here b.none.here c.none.here sub.here", "here|none.here sub.here|a.none.here b.none.here"},
		{"other names wait for nobody", "x y a.x b.x c.x z.y", "x y|a.x b.x z.y"},
		{"what exists", "here a.here sub.here", "here|a.here sub.here"},
		{"the same name in other types", "x x/MX a.x", "x x/MX|a.x"},
		{"the upper name was not asked for", "a.x b.x c.x", "a.x b.x c.x"},
		{"a failure: the rest at once", "timeout a.timeout b.timeout b.a.timeout", "timeout|a.timeout b.timeout b.a.timeout"},
		{"the root is above nothing", "./NS here", "./NS here"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := zoned("here.example. TXT x\nsub.here.example. TXT y" + faults)
			c := &dnsx.Cache{Next: s, CutAfter: 2, ParentsFirst: true}
			qs := questionsOf(t, tt.ask)
			for i, reply := range c.ResolveAll(t.Context(), qs) {
				assert.Equal(t, qs[i], reply.Question)
				a, err := s.answer(t.Context(), qs[i])
				want := dnsx.ReplyOf(qs[i])(a, err)
				assert.Equal(t, want.Failure, reply.Failure)
				assert.Equal(t, want.Absent(), reply.Absent())
				assert.Equal(t, want.Records(), reply.Records())
			}
			var want [][]dnsx.Question
			for step := range strings.SplitSeq(tt.steps, "|") {
				want = append(want, questionsOf(t, step))
			}
			assert.Equal(t, want, s.asked())
			assert.NoError(t, c.Audit())
		})
	}
}

func questionsOf(t *testing.T, s string) []dnsx.Question {
	var qs []dnsx.Question
	for s := range strings.FieldsSeq(s) {
		name, typ, ok := strings.Cut(s, "/")
		q := txt(name + ".example")
		if name == "." {
			q.Name = name
		}
		if ok {
			var err error
			q.Type, err = dnsx.ParseType(typ)
			require.NoError(t, err)
		}
		qs = append(qs, q)
	}
	return qs
}

// A liar whose witness exists is caught, and all is asked.
func TestCache_parentsFirst_liar(t *testing.T) {
	s := zoned("s1.x.example. TXT k\ns9.x.example. TXT k").lying()
	c := &dnsx.Cache{Next: s, CutAfter: 2, ParentsFirst: true}
	replies := c.ResolveAll(t.Context(), questionsOf(t, "x a.x s1.x b.x c.x s9.x"))
	assert.Len(t, replies[2].Records(), 1)
	assert.Len(t, replies[5].Records(), 1)
	assert.Equal(t, 6, s.questions())
}

// Other types of a denied name are no witnesses, and do not wait for one another.
func TestCache_parentsFirst_sameName(t *testing.T) {
	s := zoned("example. TXT x")
	c := &dnsx.Cache{Next: s, CutAfter: 1, ParentsFirst: true}
	c.ResolveAll(t.Context(), questionsOf(t, "x"))
	c.ResolveAll(t.Context(), questionsOf(t, "x/MX x/A a.x b.x"))
	assert.Equal(t, [][]dnsx.Question{questionsOf(t, "x"), questionsOf(t, "x/MX x/A"), questionsOf(t, "a.x")}, s.asked())
}

// A server whose denials make no witnesses gets no round trip for each name.
func TestCache_parentsFirst_poorWitnesses(t *testing.T) {
	s := zoned("example. TXT x")
	plain := s.answer
	s.answer = func(ctx context.Context, q dnsx.Question) (*dnsx.Answer, error) {
		a, err := plain(ctx, q)
		if q.Name != "x.example" {
			a.Authority = nil
		}
		return a, err
	}
	c := &dnsx.Cache{Next: s, CutAfter: 1, ParentsFirst: true}
	ask := "x"
	for i := range 30 {
		ask += fmt.Sprintf(" s%d.x", i)
	}
	for _, reply := range c.ResolveAll(t.Context(), questionsOf(t, ask)) {
		assert.Equal(t, "zone", reply.Answer.Proto)
	}
	assert.Equal(t, 31, s.questions())
	assert.Len(t, s.asked(), 7)
}

// Others join a question that waits for its turn, and get what the cut answers.
func TestCache_parentsFirst_joined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zoned("example. TXT x")
		plain := s.answer
		s.answer = func(ctx context.Context, q dnsx.Question) (*dnsx.Answer, error) {
			time.Sleep(time.Second)
			return plain(ctx, q)
		}
		c := &dnsx.Cache{Next: s, CutAfter: 1, ParentsFirst: true}
		var wg sync.WaitGroup
		var first []dnsx.Reply
		wg.Go(func() { first = c.ResolveAll(t.Context(), questionsOf(t, "x a.x b.x")) })
		synctest.Wait()
		start := time.Now()
		got, err := c.Resolve(t.Context(), txt("b.x.example"))
		assert.NoError(t, err)
		assert.Equal(t, 2*time.Second, time.Since(start))
		wg.Wait()
		assert.Same(t, first[2].Answer, got)
		assert.Equal(t, dnsx.ProtoCut, got.Proto)
		assert.Equal(t, 2, s.questions())
	})
}

// Whoever waits leaves at its own time, and steps that nobody waits for are not taken.
func TestCache_parentsFirst_abandoned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stream{server{answer: func(ctx context.Context, q dnsx.Question) (*dnsx.Answer, error) { return silent(ctx, q) }}}
		c := &dnsx.Cache{Next: s, CutAfter: 1, ParentsFirst: true}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		for _, reply := range c.ResolveAll(ctx, questionsOf(t, "x a.x b.x")) {
			assert.Equal(t, dnsx.KindBudget, reply.Failure.Kind)
		}
		assert.Equal(t, time.Second, time.Since(start))
		synctest.Wait()
		assert.NoError(t, c.Audit())
		assert.Zero(t, c.Len())
	})
}

// Whatever is asked in whatever order, by many at once: on a correct server each
// reply is what the server says, on a lying one what it says or what it denied
// above, and nothing grows without bound.
func FuzzCache_cut(f *testing.F) {
	f.Add([]byte("\x01\x02\x03\x04\x05\x06\x07\x08"), uint8(1), true, false, uint16(9000))
	f.Add([]byte("x.a.x b.x"), uint8(0), false, false, uint16(60000))
	f.Add([]byte("x.a.x b.x"), uint8(1), false, false, uint16(0))
	f.Add([]byte("x.a.x b.x"), uint8(2), true, true, uint16(700))
	f.Fuzz(func(t *testing.T, asked []byte, cutAfter uint8, parentsFirst, lies bool, most uint16) {
		s := zoned("b.example. TXT x\na.b.example. TXT y\na.b.c.example. TXT z\n*.d.example. TXT w\na.d.example. CNAME b.example.\nd.b.example. CNAME a.a.example.")
		if lies {
			s.lying()
		}
		now := time.Unix(0, 0)
		var mu sync.Mutex
		c := &dnsx.Cache{
			Next: s, CutAfter: int(cutAfter % 4), ParentsFirst: parentsFirst, MaxBytes: int(most) + 1,
			Now: func() time.Time { mu.Lock(); defer mu.Unlock(); now = now.Add(7 * time.Second); return now },
		}
		var qs []dnsx.Question
		for _, b := range asked[:min(len(asked), 200)] { // four labels of two bits, and the type
			name := "example"
			for ; b > 3; b >>= 2 {
				name = dnsx.Join(string("abcd"[b&3]), name)
			}
			qs = append(qs, dnsx.Q(name, []dnsx.Type{dnsx.TypeTXT, dnsx.TypeMX}[b&1]))
		}
		var wg sync.WaitGroup
		for len(qs) > 0 {
			n := min(1+int(qs[0].Name[0])%7, len(qs))
			batch := qs[:n]
			qs = qs[n:]
			wg.Go(func() {
				defer c.Job(batch[0].Name)()
				for i, reply := range c.ResolveAll(t.Context(), batch) {
					if lies && reply.Answer != nil && reply.Answer.Proto == dnsx.ProtoCut {
						continue
					}
					want, err := s.answer(t.Context(), batch[i])
					if err != nil || reply.Answer == nil || reply.Answer.Question != batch[i] ||
						reply.Answer.RCode != want.RCode || fmt.Sprint(reply.Records(), reply.Chain()) != fmt.Sprint(want.Records, want.Chain) {
						t.Errorf("%s: got %+v, %v, the server says %+v, %v", batch[i], reply.Answer, reply.Err(), want, err)
					}
				}
			})
			if rand.N(2) == 0 {
				wg.Wait()
			}
		}
		wg.Wait()
		if err := c.Audit(); err != nil {
			t.Error(err)
		}
		if c.Bytes() > int(most)+1 {
			t.Errorf("%d bytes are kept, %d are allowed", c.Bytes(), int(most)+1)
		}
	})
}
