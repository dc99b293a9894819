package dnsx_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
)

func TestType_text(t *testing.T) {
	types := map[dnsx.Type]string{
		1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 12: "PTR", 15: "MX", 16: "TXT", 28: "AAAA", 33: "SRV", 39: "DNAME",
		43: "DS", 46: "RRSIG", 47: "NSEC", 48: "DNSKEY", 50: "NSEC3", 52: "TLSA", 64: "SVCB", 65: "HTTPS", 99: "SPF",
		257: "CAA", 0: "TYPE0", 3: "TYPE3", 65535: "TYPE65535",
	}
	for typ, text := range types {
		assert.Equal(t, text, typ.String())
		got, err := dnsx.ParseType(text)
		assert.NoError(t, err)
		assert.Equal(t, typ, got)
	}
	for text, typ := range map[string]dnsx.Type{"txt": dnsx.TypeTXT, "type16": dnsx.TypeTXT, "TYPE001": dnsx.TypeA} {
		got, err := dnsx.ParseType(text)
		assert.NoError(t, err)
		assert.Equal(t, typ, got)
	}
	for _, text := range []string{"", "TYPE", "TYPE65536", "TYPE-1", "TYPE1x", "ANY", "TXT ", "16"} {
		_, err := dnsx.ParseType(text)
		assert.EqualError(t, err, fmt.Sprintf("dnsx: %q is no RR type", text))
	}
}

func TestRCode_text(t *testing.T) {
	codes := map[dnsx.RCode]string{
		0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED", 9: "NOTAUTH", 16: "BADVERS",
		6: "RCODE6", 65535: "RCODE65535",
	}
	for code, text := range codes {
		assert.Equal(t, text, code.String())
		var got dnsx.RCode
		assert.NoError(t, got.UnmarshalText([]byte(text)))
		assert.Equal(t, code, got)
	}
	for _, text := range []string{"", "RCODE", "RCODE65536", "RCODE-1", "2"} {
		assert.EqualError(t, new(dnsx.RCode).UnmarshalText([]byte(text)), fmt.Sprintf("dnsx: %q is no response code", text))
	}
}

func TestAnswer_existsAndOwner(t *testing.T) {
	chain := rrs("acme.example. CNAME a.example.", "a.example. CNAME b.example.")
	tests := []struct {
		name   string
		answer dnsx.Answer
		exists bool
		owner  string
	}{
		{name: "NODATA", answer: dnsx.Answer{}, exists: true, owner: "acme.example"},
		{name: "NXDOMAIN", answer: dnsx.Answer{RCode: dnsx.NXDomain}, owner: "acme.example"},
		{name: "an alias", answer: dnsx.Answer{Chain: chain}, exists: true, owner: "b.example"},
		{name: "an alias to nowhere exists (RFC 6604, 3)", answer: dnsx.Answer{Chain: chain, RCode: dnsx.NXDomain}, exists: true, owner: "b.example"},
		{name: "an unreadable alias", answer: dnsx.Answer{Chain: rrs(`acme.example. CNAME \# 1 ff`)}, exists: true, owner: "acme.example"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.answer.Question = txt("acme.example")
			assert.Equal(t, tt.exists, tt.answer.Exists())
			assert.Equal(t, tt.owner, tt.answer.Owner())
		})
	}
}

func TestFailure_Error(t *testing.T) {
	q := txt("_dmarc.acme.example")
	tests := []struct {
		failure dnsx.Failure
		want    string
	}{
		{dnsx.Failure{Kind: dnsx.KindTimeout, Server: "192.0.2.53:53"}, "timed out at 192.0.2.53:53"},
		{dnsx.Failure{Kind: dnsx.KindTimeout}, "timed out"},
		{
			dnsx.Failure{Kind: dnsx.KindRCode, RCode: dnsx.ServFail, Server: "s", EDE: []dnsx.EDE{{Code: 6, Text: "bogus"}, {Code: 22}}},
			"got SERVFAIL at s (EDE 6 bogus) (EDE 22)",
		},
		{dnsx.Failure{Kind: dnsx.KindNetwork, Detail: "connection refused"}, "could not be asked: connection refused"},
		{dnsx.Failure{Kind: dnsx.KindMalformed, Server: "s", Detail: "cut off"}, "got an unreadable answer at s: cut off"},
		{dnsx.Failure{Kind: dnsx.KindChain}, "leads through a CNAME loop or more than 12 aliases"},
		{dnsx.Failure{Kind: dnsx.KindBudget}, "had no answer when the time was over"},
		{dnsx.Failure{Kind: dnsx.KindCanceled}, "was given up"},
		{dnsx.Failure{Kind: dnsx.KindNotAsked}, "was not asked"},
		{dnsx.Failure{Kind: "new"}, "failed (new)"},
	}
	for _, tt := range tests {
		tt.failure.Question = q
		assert.EqualError(t, &tt.failure, "TXT _dmarc.acme.example "+tt.want)
	}
}

// What package check makes of a failure.
func TestFailure_gap(t *testing.T) {
	timeout := &dnsx.Failure{Question: txt("acme.example"), Kind: dnsx.KindTimeout}
	assert.Equal(t, check.Gap{Subject: "TXT acme.example", Why: check.Failed, Cause: timeout}, check.GapOf("", timeout))
	for _, err := range []error{
		&dnsx.Failure{Question: txt("acme.example"), Kind: dnsx.KindNotAsked},
		dnsx.Reply{Question: txt("acme.example")}.Err(),
	} {
		assert.Equal(t, check.Gap{Subject: "TXT acme.example", Why: check.NotAsked, Cause: err}, check.GapOf("", err))
	}
}

func TestReplyOf(t *testing.T) {
	q := txt("acme.example")
	answer := &dnsx.Answer{Question: q}
	failure := &dnsx.Failure{Question: q, Kind: dnsx.KindRCode, RCode: dnsx.Refused}
	tests := []struct {
		name   string
		answer *dnsx.Answer
		err    error
		want   dnsx.Reply
	}{
		{name: "an answer", answer: answer, want: dnsx.Reply{Question: q, Answer: answer}},
		{name: "a failure", err: failure, want: dnsx.Reply{Question: q, Failure: failure}},
		{name: "a failure in an error", err: fmt.Errorf("at home: %w", failure), want: dnsx.Reply{Question: q, Failure: failure}},
		{name: "an error goes before an answer", answer: answer, err: failure, want: dnsx.Reply{Question: q, Failure: failure}},
		{
			name: "a deadline", err: fmt.Errorf("at home: %w", context.DeadlineExceeded),
			want: dnsx.Reply{Question: q, Failure: &dnsx.Failure{Question: q, Kind: dnsx.KindBudget}},
		},
		{name: "given up", err: context.Canceled, want: dnsx.Reply{Question: q, Failure: &dnsx.Failure{Question: q, Kind: dnsx.KindCanceled}}},
		{
			name: "any other error", err: io.ErrUnexpectedEOF,
			want: dnsx.Reply{Question: q, Failure: &dnsx.Failure{Question: q, Kind: dnsx.KindNetwork, Detail: "unexpected EOF"}},
		},
		{
			name: "neither",
			want: dnsx.Reply{Question: q, Failure: &dnsx.Failure{Question: q, Kind: dnsx.KindMalformed, Detail: "the resolver returned neither answer nor error"}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := dnsx.ReplyOf(q)(tt.answer, tt.err)
			assert.Equal(t, tt.want, got)
			for _, ended := range []error{context.DeadlineExceeded, context.Canceled} {
				assert.NotErrorIs(t, got.Err(), ended, "a failure is no order to stop")
			}
		})
	}
}

func TestReply_views(t *testing.T) {
	q := txt("acme.example")
	records := rrs(`acme.example. TXT "a"`)
	chain := rrs("acme.example. CNAME a.example.")
	failure := &dnsx.Failure{Question: q, Kind: dnsx.KindTimeout, Chain: chain}
	tests := []struct {
		name    string
		reply   dnsx.Reply
		absent  bool
		records []dnsx.RR
		chain   []dnsx.RR
		err     error
	}{
		{name: "records", reply: dnsx.Reply{Question: q, Answer: &dnsx.Answer{Records: records, Chain: chain}}, records: records, chain: chain},
		{name: "NODATA", reply: dnsx.Reply{Question: q, Answer: &dnsx.Answer{}}, absent: true},
		{name: "NXDOMAIN", reply: dnsx.Reply{Question: q, Answer: &dnsx.Answer{RCode: dnsx.NXDomain}}, absent: true},
		{name: "a failure is not absence", reply: dnsx.Reply{Question: q, Failure: failure}, chain: chain, err: failure},
		{name: "not asked is not absence", reply: dnsx.Reply{Question: q}, err: &dnsx.Failure{Question: q, Kind: dnsx.KindNotAsked}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.absent, tt.reply.Absent())
			assert.Equal(t, tt.records, tt.reply.Records())
			assert.Equal(t, tt.chain, tt.reply.Chain())
			assert.Equal(t, tt.err, tt.reply.Err())
		})
	}
}

func TestReply_JSON(t *testing.T) {
	q := dnsx.Question{Name: `a\.b.acme.example`, Type: dnsx.TypeTXT, DNSSEC: true, CheckingDisabled: true}
	full := &dnsx.Answer{
		Question: q, RCode: dnsx.NXDomain, AD: true, Server: "192.0.2.53:53", Proto: "udp", Size: 512,
		Chain: rrs(`a\.b.acme.example. 60 CNAME c.example.`), Records: rrs(`c.example. 60 TXT "\000\255"`),
		Authority: rrs("example. 60 SOA . . 1 2 3 4 5"), EDE: []dnsx.EDE{{Code: 22, Text: "no reachable authority"}},
		At: time.Date(2026, 11, 22, 10, 0, 0, 123456789, time.UTC), RTT: 1234567 * time.Nanosecond,
	}
	failed := &dnsx.Failure{
		Question: q, Kind: dnsx.KindRCode, RCode: dnsx.ServFail, EDE: []dnsx.EDE{{Code: 6}}, Server: "s", Tries: 3,
		Took: time.Second, Detail: "d", Chain: rrs("acme.example. 1 CNAME c.example."),
	}
	tests := []struct {
		name  string
		reply dnsx.Reply
		want  string
	}{
		{
			name: "an answer with everything", reply: dnsx.Reply{Question: q, Answer: full},
			want: `{"answer":{"question":{"name":"a\\.b.acme.example","type":"TXT","dnssec":true,"checking_disabled":true},"rcode":"NXDOMAIN",` +
				`"chain":["a\\.b.acme.example. 60 IN CNAME c.example."],"records":["c.example. 60 IN TXT \"\\000\\255\""],` +
				`"authority":["example. 60 IN SOA . . 1 2 3 4 5"],"ad":true,"ede":[{"code":22,"text":"no reachable authority"}],` +
				`"server":"192.0.2.53:53","proto":"udp","size":512,"at":"2026-11-22T10:00:00.123456789Z","rtt_ns":1234567}}`,
		},
		{
			name: "an answer with nothing", reply: dnsx.Reply{Question: txt("a"), Answer: &dnsx.Answer{Question: txt("a")}},
			want: `{"answer":{"question":{"name":"a","type":"TXT"},"rcode":"NOERROR"}}`,
		},
		{
			name: "a failure with everything", reply: dnsx.Reply{Question: q, Failure: failed},
			want: `{"failure":{"question":{"name":"a\\.b.acme.example","type":"TXT","dnssec":true,"checking_disabled":true},"kind":"rcode",` +
				`"chain":["acme.example. 1 IN CNAME c.example."],"rcode":"SERVFAIL","ede":[{"code":6}],"server":"s","tries":3,"took_ns":1000000000,"detail":"d"}}`,
		},
		{
			name: "not asked", reply: dnsx.Reply{Question: txt("a")},
			want: `{"question":{"name":"a","type":"TXT"}}`,
		},
		{
			name: "an answer to another question", reply: dnsx.Reply{Question: txt("b"), Answer: &dnsx.Answer{Question: txt("a")}},
			want: `{"question":{"name":"b","type":"TXT"},"answer":{"question":{"name":"a","type":"TXT"},"rcode":"NOERROR"}}`,
		},
		{
			name: "a failure of another question", reply: dnsx.Reply{Question: txt("b"), Failure: &dnsx.Failure{Question: txt("a"), Kind: dnsx.KindTimeout}},
			want: `{"question":{"name":"b","type":"TXT"},"failure":{"question":{"name":"a","type":"TXT"},"kind":"timeout"}}`,
		},
		{name: "nothing at all", reply: dnsx.Reply{}, want: `{"question":{"name":"","type":"TYPE0"}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text, err := json.Marshal(tt.reply)
			require.NoError(t, err)
			assert.Equal(t, tt.want, string(text))
			again := dnsx.Reply{Question: txt("what stood here before"), Answer: full, Failure: failed}
			require.NoError(t, json.Unmarshal(text, &again))
			assert.Equal(t, tt.reply, again)
		})
	}
	for _, bad := range []string{`[]`, `{"answer":{"rcode":"X"}}`, `{"question":{"type":"X"}}`, `{"answer":{"records":["x"]}}`} {
		assert.Error(t, json.Unmarshal([]byte(bad), new(dnsx.Reply)), bad)
	}
}

func TestAsk(t *testing.T) {
	world := func() *dnstest.Resolver {
		return dnstest.Must(`
			a.example. TXT "a"
			b.example. TXT !servfail
		`)
	}
	qs := []dnsx.Question{txt("b.example"), txt("a.example"), txt("c.example"), txt("a.example")}
	for name, r := range map[string]dnsx.Resolver{
		"one by one": world(),
		"bulk":       &bulk{server{answer: world().Resolve}},
		"stream":     &stream{server{answer: world().Resolve}},
		"wrapped":    &dnsx.Cache{Next: &dnsx.Limit{Max: 1, Next: &dnsx.Trace{Next: world()}}},
		"bulk below": &dnsx.Limit{Max: 3, Next: &dnsx.Trace{Next: &bulk{server{answer: world().Resolve}}}},
	} {
		t.Run(name, func(t *testing.T) {
			replies := dnsx.Ask(t.Context(), r, qs...)
			require.Len(t, replies, len(qs))
			for i, reply := range replies {
				assert.Equal(t, qs[i], reply.Question)
			}
			assert.Equal(t, dnsx.ServFail, replies[0].Failure.RCode)
			assert.Equal(t, "a", replies[1].Records()[0].Text())
			assert.True(t, replies[2].Absent())
			assert.Equal(t, replies[1], replies[3])

			assert.Equal(t, replies[1:2], dnsx.Ask(t.Context(), r, qs[1]))
			assert.Empty(t, dnsx.Ask(t.Context(), r))
		})
	}
}

func TestAsk_contextEnded(t *testing.T) {
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	for kind, ctx := range map[dnsx.Kind]context.Context{dnsx.KindCanceled: canceled, dnsx.KindBudget: late} {
		var want []dnsx.Reply
		qs := []dnsx.Question{txt("a.example"), txt("b.example")}
		for _, q := range qs {
			want = append(want, dnsx.Reply{Question: q, Failure: &dnsx.Failure{Question: q, Kind: kind}})
		}
		for name, r := range map[string]dnsx.Resolver{
			"one by one": dnstest.Must(""),
			"cache":      &dnsx.Cache{Next: dnstest.Must("")},
			"limit":      &dnsx.Limit{Next: dnstest.Must("")},
			"trace":      &dnsx.Trace{Next: dnstest.Must("")},
		} {
			assert.Equal(t, want, dnsx.Ask(ctx, r, qs...), name)
			assert.Equal(t, want[:1], dnsx.Ask(ctx, r, qs[0]), name)
			_, err := r.Resolve(ctx, qs[0])
			assert.Equal(t, ctx.Err(), err, name)
		}
	}
}

// A quick reply does not wait for a slow one.
func TestAskEach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		took := map[string]time.Duration{"quick.example": time.Second, "slow.example": 5 * time.Second}
		answer := func(ctx context.Context, q dnsx.Question) (*dnsx.Answer, error) {
			time.Sleep(took[q.Name])
			return hello(ctx, q)
		}
		qs := []dnsx.Question{txt("slow.example"), txt("quick.example")}
		for name, tt := range map[string]struct {
			r    dnsx.Resolver
			want []time.Duration
		}{
			"one by one": {&server{answer: answer}, []time.Duration{5 * time.Second, time.Second}},
			"stream":     {&stream{server{answer: answer}}, []time.Duration{5 * time.Second, time.Second}},
			"bulk":       {&bulk{server{answer: answer}}, []time.Duration{5 * time.Second, 5 * time.Second}},
		} {
			start := time.Now()
			got := make([]time.Duration, len(qs))
			dnsx.AskEach(t.Context(), tt.r, qs, func(i int, r dnsx.Reply) {
				assert.Equal(t, qs[i], r.Question)
				got[i] = time.Since(start)
			})
			assert.Equal(t, tt.want, got, name)
		}
	})
}

func TestWithBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for set, want := range map[time.Duration]time.Duration{0: dnsx.DefaultBudget, time.Minute: time.Minute} {
			ctx, cancel := dnsx.WithBudget(t.Context(), set)
			defer cancel()
			end, ok := ctx.Deadline()
			assert.True(t, ok)
			assert.Equal(t, want, time.Until(end))
		}
	})
}

func ExampleAsk() {
	r := dnstest.Must(`
		acme.example.        TXT "v=spf1 -all"
		_dmarc.acme.example. TXT !timeout
	`)
	for _, reply := range dnsx.Ask(context.Background(), r,
		dnsx.Q("acme.example", dnsx.TypeTXT), dnsx.Q("_dmarc.acme.example", dnsx.TypeTXT), dnsx.Q("acme.example", dnsx.TypeMX)) {
		switch {
		case reply.Err() != nil:
			fmt.Println("unknown:", reply.Err())
		case reply.Absent():
			fmt.Println("absent: ", reply.Question)
		default:
			fmt.Println("present:", reply.Records()[0].Text())
		}
	}
	// Output:
	// present: v=spf1 -all
	// unknown: TXT _dmarc.acme.example timed out at dnstest
	// absent:  MX acme.example
}

func ExampleCache() {
	questions := 0
	world := dnstest.Must(`acme.example. 300 TXT "v=spf1 -all"`)
	r := &dnsx.Cache{Next: &dnsx.Trace{Next: world, Done: func(dnsx.Reply, time.Duration) { questions++ }}}
	for range 3 {
		_, err := r.Resolve(context.Background(), dnsx.Q("acme.example", dnsx.TypeTXT))
		var f *dnsx.Failure
		if errors.As(err, &f) {
			fmt.Println("no answer:", f.Kind)
		}
	}
	fmt.Println(questions, "question")
	// Output: 1 question
}

func TestReplyTo(t *testing.T) {
	q := dnsx.Q("acme.example", dnsx.TypeTXT)
	other := dnsx.Q("acme.example", dnsx.TypeMX)
	signed := dnsx.Question{Name: q.Name, Type: q.Type, DNSSEC: true}
	answered := func(q dnsx.Question) dnsx.Reply { return dnsx.Reply{Question: q, Answer: &dnsx.Answer{Question: q}} }
	nobody := dnsx.Reply{Question: q}
	tests := []struct {
		name     string
		in, want dnsx.Reply
	}{
		{"the question itself", answered(q), answered(q)},
		{"the DNSSEC bits do not count", answered(signed), answered(signed)},
		{"another type", answered(other), nobody},
		{"an answer to another question", dnsx.Reply{Question: q, Answer: &dnsx.Answer{Question: other}}, nobody},
		{"nothing", dnsx.Reply{}, nobody},
	}
	for _, tt := range tests {
		assert.Equal(t, tt.want, tt.in.To(q), tt.name)
	}
}

func TestReplyProves(t *testing.T) {
	q := dnsx.Q("_dmarc.acme.example", dnsx.TypeTXT)
	soa := func(zone string) dnsx.RR { return dnsx.RR{Name: zone, Type: dnsx.TypeSOA} }
	alias := dnsx.RR{Name: q.Name, Type: dnsx.TypeCNAME, Data: []byte("\x01x\x00")}
	tests := []struct {
		name string
		in   dnsx.Reply
		want bool
	}{
		{"the name below exists", dnsx.Reply{Answer: &dnsx.Answer{Question: q}}, true},
		{"denied by the domain's own zone", dnsx.Reply{Answer: &dnsx.Answer{Question: q, RCode: dnsx.NXDomain, Authority: []dnsx.RR{soa("acme.example")}}}, true},
		{"denied by a zone above", dnsx.Reply{Answer: &dnsx.Answer{Question: q, RCode: dnsx.NXDomain, Authority: []dnsx.RR{soa("example")}}}, false},
		{"denied by nobody in particular", dnsx.Reply{Answer: &dnsx.Answer{Question: q, RCode: dnsx.NXDomain}}, false},
		{"failed behind an alias", dnsx.Reply{Failure: &dnsx.Failure{Question: q, Chain: []dnsx.RR{alias}}}, true},
		{"failed", dnsx.Reply{Failure: &dnsx.Failure{Question: q}}, false},
		{"not asked", dnsx.Reply{}, false},
	}
	for _, tt := range tests {
		assert.Equal(t, tt.want, tt.in.Proves("acme.example"), tt.name)
	}
}
