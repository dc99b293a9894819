package dnsx_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/mailcheck-go/mailcheck/dnsx"
)

// load is the questions that checks ask about many domains, and a server for them:
// of 100 domains 4 do not exist, 30 have a DKIM key, the rest no _domainkey; half
// have a policy; each uses one of 20 services for its mail.
type load struct{ asked atomic.Int64 }

var loadSelectors = strings.Fields("mailcheck-no-such-selector default mail dkim google selector1 selector2 s1 s2 k1 k2 k3 mandrill zendesk1 zendesk2 fm1")

// check asks as a check does: at once what the domain alone names, then what the
// answers name, level by level, and some of the former again by another room.
func (l *load) check(ctx context.Context, r dnsx.Resolver, i int) (questions int) {
	domain := fmt.Sprintf("d%d.example", i)
	ask := func(qs ...dnsx.Question) []dnsx.Reply {
		questions += len(qs)
		return dnsx.Ask(ctx, r, qs...)
	}
	ahead := []dnsx.Question{
		txt(domain), dnsx.Q(domain, dnsx.TypeMX), dnsx.Q(domain, dnsx.TypeSOA), txt("_dmarc." + domain), txt("_mta-sts." + domain),
		txt("_smtp._tls." + domain), dnsx.Q("mta-sts."+domain, dnsx.TypeA), txt("_domainkey." + domain),
	}
	for _, s := range loadSelectors {
		ahead = append(ahead, txt(s+"._domainkey."+domain))
	}
	for _, s := range []string{"support", "help", "helpcenter", "helpdesk", "desk"} {
		ahead = append(ahead, dnsx.Q(s+"."+domain, dnsx.TypeCNAME))
	}
	first := ask(ahead...)
	ask(ahead[7:]...)
	ask(dnsx.Q(domain, dnsx.TypeMX), txt(domain))
	if !first[0].Answer.Exists() {
		return questions
	}
	service := fmt.Sprintf("service%d.test", i%20)
	ask(txt("_spf."+service), dnsx.Q("mx1."+service, dnsx.TypeA), dnsx.Q("mx1."+service, dnsx.TypeAAAA),
		dnsx.Q("mx2."+service, dnsx.TypeA), dnsx.Q("mx2."+service, dnsx.TypeAAAA), txt("z1._domainkey."+domain), txt("z2._domainkey."+domain))
	ask(txt("a._spf."+service), txt("b._spf."+service), txt("c._spf."+service))
	return questions
}

var loadSOA = rrs("example. 900 SOA ns.example. h.example. 1 2 3 4 900")

func (l *load) answer(q dnsx.Question) *dnsx.Answer {
	l.asked.Add(1)
	a := &dnsx.Answer{Question: q, Server: "192.0.2.53:53", Proto: "udp"}
	var n int
	at := strings.LastIndexByte(strings.TrimSuffix(q.Name, ".example"), '.') + 1
	if !strings.HasSuffix(q.Name, ".example") { // a service
		a.Records = []dnsx.RR{dnsx.NewTXT(q.Name, 3600, "v=spf1 ip4:192.0.2.0/24 ip4:198.51.100.0/24 -all")}
		return a
	}
	fmt.Sscanf(q.Name[at:], "d%d", &n)
	sub := strings.TrimSuffix(q.Name[:at], ".")
	key := n%100 < 34
	switch {
	case n%100 < 4:
		a.RCode = dnsx.NXDomain
	case sub == "" && q.Type != dnsx.TypeSOA, sub == "_dmarc" && n%2 == 0, sub == "google._domainkey" && key:
		a.Records = []dnsx.RR{dnsx.NewTXT(q.Name, 300, "v=spf1 include:_spf.service.test -all")}
	case sub == "", sub == "_domainkey" && key:
	default:
		a.RCode = dnsx.NXDomain
	}
	if len(a.Records) == 0 { // each answer from the network has its own
		a.Authority = []dnsx.RR{{Name: "example", Type: dnsx.TypeSOA, TTL: 900, Data: append([]byte(nil), loadSOA[0].Data...)}}
	}
	return a
}

func (l *load) Resolve(_ context.Context, q dnsx.Question) (*dnsx.Answer, error) {
	return l.answer(q), nil
}

func (l *load) ResolveEach(_ context.Context, qs []dnsx.Question, each func(int, dnsx.Reply)) {
	for i, q := range qs {
		each(i, dnsx.Reply{Question: q, Answer: l.answer(q)})
	}
}

// What 2,000 domains cost, 16 at a time: questions that leave, and bytes that are
// held at the end.
func BenchmarkCache_load(b *testing.B) {
	b.Run("all_kept", func(b *testing.B) { benchmarkLoad(b, false, 0, false) })
	b.Run("jobs", func(b *testing.B) { benchmarkLoad(b, true, 0, false) })
	b.Run("jobs_cuts", func(b *testing.B) { benchmarkLoad(b, true, 2, false) })
	b.Run("jobs_cuts_parents_first", func(b *testing.B) { benchmarkLoad(b, true, 2, true) })
}

func benchmarkLoad(b *testing.B, jobs bool, cutAfter int, parentsFirst bool) {
	const domains = 2000
	var asked, questions, held, counted, allocs int64
	for b.Loop() {
		l := &load{}
		c := &dnsx.Cache{Next: l, CutAfter: cutAfter, ParentsFirst: parentsFirst}
		b.StopTimer()
		before, objects := heap(), mallocs()
		b.StartTimer()
		var next, total atomic.Int64
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				for i := next.Add(1) - 1; i < domains; i = next.Add(1) - 1 {
					end := func() {}
					if jobs {
						end = c.Job(fmt.Sprintf("d%d.example", i))
					}
					total.Add(int64(l.check(b.Context(), c, int(i))))
					end()
				}
			})
		}
		wg.Wait()
		b.StopTimer()
		allocs += mallocs() - objects
		held += heap() - before
		counted += int64(c.Bytes())
		asked += l.asked.Load()
		questions += total.Load()
		runtime.KeepAlive(c)
		b.StartTimer()
	}
	n := float64(b.N)
	b.ReportMetric(float64(asked)/n/domains, "asked/domain")
	b.ReportMetric(float64(questions)/n/domains, "questions/domain")
	b.ReportMetric(float64(held)/n/1024, "held-KB")
	b.ReportMetric(float64(counted)/n/1024, "counted-KB")
	b.ReportMetric(float64(allocs)/float64(questions), "allocs/question")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(questions), "ns/question")
}

func mallocs() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.Mallocs)
}
