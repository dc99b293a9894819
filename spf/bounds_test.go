package spf_test

import (
	"context"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/spf"
)

// mostQuestions is the worst that RFC 7208, 4.6.4 allows: the record, and ten terms, of
// which none costs more than an mx with its ten hosts (ptr costs as much, but once: the
// names of the client are asked for and validated a single time); then the text of exp,
// and with %{p} in it the names of the client and their addresses.
const mostQuestions = 1 + 10*(1+10) + 1 + (1 + 10)

// mostMemory bounds what one evaluation may ask of the memory: a record of 64 KB has
// room for 16,000 macros, of which each is some 60 octets once it is read.
const mostMemory = 8 << 20

// What is known to kill others ends early here, and costs little.
func TestCheckHost_killers(t *testing.T) {
	const size = 60_000 // nearly all that a TXT record has room for
	fill := func(head, what, tail string) string {
		return head + strings.Repeat(what, (size-len(head)-len(tail))/len(what)) + tail
	}
	lines := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format+"\n", i)
		}
		return b.String()
	}
	long := strings.Repeat("x.", 100)
	tests := []struct {
		name      string
		record    string
		zone      string
		texts     map[string]string // long ones, by name
		want      spf.Result
		questions int
	}{
		{name: "a redirect to itself", record: "v=spf1 redirect=acme.example", want: spf.PermError, questions: 11},
		{name: "an include of itself", record: "v=spf1 include:acme.example -all", want: spf.PermError, questions: 11},
		{name: "includes of each other", record: "v=spf1 include:b.example -all", zone: `b.example. TXT "v=spf1 include:acme.example -all"`, want: spf.PermError, questions: 11},
		{name: "an include of itself by a macro", record: "v=spf1 include:%{o} include:%{d} -all", want: spf.PermError, questions: 11},
		{name: "a hundred includes side by side", record: fill("v=spf1", " include:b.example", ""), zone: `b.example. TXT "v=spf1 -all"`, want: spf.PermError, questions: 11},
		{name: "includes that double at each level", record: "v=spf1 include:b.example include:b.example", zone: `b.example. TXT "v=spf1 include:c.example include:c.example"` + "\n" + `c.example. TXT "v=spf1 include:d.example include:d.example"` + "\n" + `d.example. TXT "v=spf1 include:e.example include:e.example"` + "\n" + `e.example. TXT "v=spf1 ?all"`, want: spf.PermError, questions: 11},
		{name: "an mx of 200 hosts", record: "v=spf1 mx -all", zone: lines(200, "acme.example. MX 1 h%d.example."), want: spf.PermError, questions: 2},
		{name: "ten of ten hosts, and an explanation", record: "v=spf1" + strings.Repeat(" mx", 10) + " -all exp=e.example", zone: lines(10, "acme.example. MX 1 h%d.example.") + lines(10, "h%d.example. A 192.0.2.1") + lines(1000, "7.2.0.192.in-addr.arpa. PTR p%d.example.") + `e.example. TXT "%{p}%{P}"`, want: spf.Fail, questions: mostQuestions},
		{name: "a client of 1,000 names", record: "v=spf1" + strings.Repeat(" ptr:example", 10) + " -all", zone: lines(1000, "7.2.0.192.in-addr.arpa. PTR p%d.example."), want: spf.PermError, questions: 1},
		{name: "a client of 1,000 names, all asked for", record: "v=spf1 ptr:b.example ptr:c.example exists:%{p}.x.example -all", zone: lines(1000, "7.2.0.192.in-addr.arpa. PTR p%d.b.example."), want: spf.Fail, questions: 1 + 1 + 10 + 1},
		{name: "an explanation that explodes", record: "v=spf1 -all exp=e.example", texts: map[string]string{"e.example": fill("", "%{S}", "")}, want: spf.Fail, questions: 2},
		{name: "an explanation of nothing, many times", record: "v=spf1 -all exp=e.example", texts: map[string]string{"e.example": fill("", "%{hr.-+,/_=}", "")}, want: spf.Fail, questions: 2},
		{name: "a name that explodes", record: fill("v=spf1 exists:", "%{s127r.-+,/_=}%{P}", " -all"), want: spf.Fail, questions: 3},
		{name: "thousands of terms that ask nobody", record: fill("v=spf1", " ip4:1.2.3.4", " -all"), want: spf.Fail, questions: 1},
		{name: "thousands of terms that ask", record: fill("v=spf1", " a", " -all"), zone: "acme.example. A 192.0.2.1", want: spf.PermError, questions: 11},
		{name: "thousands of modifiers", record: fill("v=spf1", " x=y", " -all"), want: spf.Fail, questions: 1},
		{name: "thousands of faults", record: fill("v=spf1", " !", " -all"), want: spf.PermError, questions: 1},
		{name: "thousands of terms between commas", record: fill("v=spf1 a", ",a", " -all"), want: spf.PermError, questions: 1},
		{name: "one term of 60 KB", record: fill("v=spf1 a:", "x", ".example -all"), want: spf.Fail, questions: 2},
		{name: "a record of blanks", record: fill("v=spf1", " ", ""), want: spf.Neutral, questions: 1},
		{name: "400 strings", record: "v=spf1" + strings.Repeat(" ip4:192.0.2.1", 400*255/14), want: spf.Neutral, questions: 1},
		{name: "400 other records", record: "v=spf1 ip4:192.0.2.7", zone: lines(400, `acme.example. TXT "google-site-verification=%d"`), want: spf.Pass, questions: 1},
		{name: "400 records", record: "v=spf1 ip4:192.0.2.7", zone: lines(400, `acme.example. TXT "v=spf1 ip4:192.0.2.%d"`), want: spf.PermError, questions: 1},
		{name: "a loop of aliases", record: "v=spf1 include:b.example -all", zone: "b.example. CNAME c.example.\nc.example. CNAME b.example.", want: spf.TempError, questions: 2},
		{name: "a long name, as often as can be", record: "v=spf1" + strings.Repeat(" exists:%{d}"+long+"%{d}", 11), want: spf.PermError, questions: 1 + 3},
	}
	var kept spf.Checker
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			zone := dnstest.Must(tt.zone)
			texts := map[dnsx.Question]dnsx.RR{dnsx.Q("acme.example", dnsx.TypeTXT): dnsx.NewTXT("acme.example", 300, tt.record)}
			for name, text := range tt.texts {
				texts[dnsx.Q(name, dnsx.TypeTXT)] = dnsx.NewTXT(name, 300, text)
			}
			asked := 0
			r := serial{dnsx.ResolverFunc(func(ctx context.Context, q dnsx.Question) (*dnsx.Answer, error) {
				asked++
				a, err := zone.Resolve(ctx, q)
				if rr, ok := texts[q]; ok {
					a = &dnsx.Answer{Question: q, Records: append([]dnsx.RR{rr}, a.Records...)}
				}
				return a, err
			})}
			for _, check := range []func(context.Context, dnsx.Resolver, spf.Session) (spf.Verdict, error){spf.CheckHost, kept.CheckHost, kept.CheckHost} {
				asked = 0
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				v, err := check(t.Context(), r, session(client4, "a.b-c.d@acme.example", ""))
				runtime.ReadMemStats(&after)
				require.NoError(t, err)
				assert.Equal(t, tt.want, v.Result, "%v", v.Problem)
				assert.Equal(t, tt.questions, asked, "questions")
				assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(mostMemory))
			}
		})
	}
}

// A trace ends somewhere, whatever the record.
func TestCheckHost_traceEnds(t *testing.T) {
	record := dnsx.NewTXT("acme.example", 300, "v=spf1"+strings.Repeat(" ip4:1.2.3.4", 1001)+" -all")
	r := dnsx.ResolverFunc(func(_ context.Context, q dnsx.Question) (*dnsx.Answer, error) {
		return &dnsx.Answer{Question: q, Records: []dnsx.RR{record}}, nil
	})
	s := session(client4, "user@acme.example", "")
	s.Trace = true
	v, err := spf.CheckHost(t.Context(), r, s)
	require.NoError(t, err)
	assert.Equal(t, spf.Fail, v.Result)
	assert.Len(t, v.Trace, 1000)
}

// What a broken resolver answers leads to no panic, and without a record to no policy.
func TestCheckHost_garbage(t *testing.T) {
	zone := dnstest.Must(`
acme.example. TXT "v=spf1 a mx ptr exists:e.example -all exp=e.example"
acme.example. A 192.0.2.7
`)
	record, err := zone.Resolve(t.Context(), dnsx.Q("acme.example", dnsx.TypeTXT))
	require.NoError(t, err)
	one := func(rr string) []dnsx.RR {
		parsed, err := dnsx.ParseRR(rr)
		require.NoError(t, err)
		return []dnsx.RR{parsed}
	}
	tests := []struct {
		name   string
		answer func(q dnsx.Question) *dnsx.Answer
		want   spf.Result
	}{
		{"nothing, and no error", func(dnsx.Question) *dnsx.Answer { return nil }, spf.TempError},
		{"an empty answer", func(dnsx.Question) *dnsx.Answer { return new(dnsx.Answer) }, spf.PermError}, // voids
		{"records of another type", func(q dnsx.Question) *dnsx.Answer {
			return &dnsx.Answer{Question: q, Records: one("acme.example. 300 IN SRV 0 0 25 acme.example.")}
		}, spf.PermError},
		{"data that is cut off", func(q dnsx.Question) *dnsx.Answer {
			return &dnsx.Answer{Question: q, Records: []dnsx.RR{{Name: q.Name, Type: q.Type, Data: []byte{1}}}}
		}, spf.Pass}, // exists wants a record of type A, whatever is in it (5.7)
		{"no data", func(q dnsx.Question) *dnsx.Answer {
			return &dnsx.Answer{Question: q, Records: []dnsx.RR{{Name: q.Name, Type: q.Type}}}
		}, spf.Pass},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := serial{dnsx.ResolverFunc(func(_ context.Context, q dnsx.Question) (*dnsx.Answer, error) {
				if q.Type == dnsx.TypeTXT && q.Name == "acme.example" {
					return record, nil
				}
				return tt.answer(q), nil
			})}
			v, err := spf.CheckHost(t.Context(), r, session(client4, "user@acme.example", ""))
			require.NoError(t, err)
			assert.Equal(t, tt.want, v.Result, "%v", v.Problem)

			broken := dnsx.ResolverFunc(func(_ context.Context, q dnsx.Question) (*dnsx.Answer, error) { return tt.answer(q), nil })
			v, err = spf.CheckHost(t.Context(), broken, session(client4, "user@acme.example", ""))
			require.NoError(t, err)
			assert.Contains(t, []spf.Result{spf.None, spf.TempError}, v.Result, "no record, no policy")
		})
	}
}

func FuzzCheckHost(f *testing.F) {
	f.Add([]byte("include:b a mx include:c -all|a:a mx:b exists:c|redirect=a ip4:1.2.3.4/0"), "user@a.example", "b.example")
	f.Add([]byte("include:a|ptr exists:%{p}.%{l1r-+}.%{d} mx mx mx mx mx mx mx mx mx -all exp=c|%{s} %{p}%{t}"), "ü@a.example", "x y")
	f.Add([]byte("redirect=a exp=a"), "<@x:@a.example>", "")
	f.Add([]byte("mx mx mx mx mx mx mx mx mx mx -all exp=b|%{P}"), "", "a.example")
	f.Fuzz(func(t *testing.T, data []byte, from, helo string) {
		zone := hostile(data)
		asked := 0
		r := serial{dnsx.ResolverFunc(func(ctx context.Context, q dnsx.Question) (*dnsx.Answer, error) {
			asked++
			if name, err := dnsx.ParseName(q.Name); err != nil || name != q.Name {
				t.Fatalf("asked for %q", q.Name)
			}
			a, err := zone.Resolve(ctx, q)
			if q.Type == dnsx.TypeMX && len(a.Records) > 10 {
				a.Records = a.Records[:10]
			}
			if q.Type == dnsx.TypePTR {
				for i := range 12 {
					rr, _ := dnsx.ParseRR(fmt.Sprintf("%s. 300 IN PTR h%d.a.example.", q.Name, i))
					a.Records = append(a.Records, rr)
				}
			}
			return a, err
		})}
		s := session(client4, from, helo)
		s.Trace = true
		v, err := spf.CheckHost(t.Context(), r, s)
		if err != nil {
			t.Fatal(err)
		}
		if asked > mostQuestions {
			t.Errorf("%d questions", asked)
		}
		same := v
		s.Trace, same.Trace = false, nil
		var kept spf.Checker
		for _, check := range []func(context.Context, dnsx.Resolver, spf.Session) (spf.Verdict, error){spf.CheckHost, kept.CheckHost, kept.CheckHost} {
			if got, err := check(t.Context(), r, s); err != nil || !reflect.DeepEqual(got, same) {
				t.Errorf("%+v %v, traced %+v", got, err, same)
			}
		}
		if len(v.Path) > spf.MaxLookups+1 || v.Lookups > spf.MaxLookups+2 || v.Voids > spf.MaxVoids+1 || len(v.Explanation) > spf.MaxExplanation {
			t.Errorf("%+v", v)
		}
		switch v.Result {
		case spf.None, spf.PermError, spf.TempError:
			if v.Problem == nil || v.Mechanism != "" {
				t.Errorf("%+v", v)
			}
		default:
			if v.Problem != nil || len(v.Path) == 0 {
				t.Errorf("%+v", v)
			}
		}
		if p := v.Problem; p != nil && p.Term != "" && !strings.HasPrefix(p.Record[p.Offset:], p.Term) {
			t.Errorf("%+v", p)
		}
	})
}
