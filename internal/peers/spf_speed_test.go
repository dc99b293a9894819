//go:build unix

package peers_test

import (
	"math"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"

	peer "blitiri.com.ar/go/spf"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/spf"
)

// BenchmarkSPFRatio says how many times as fast as blitiri.com.ar/go/spf CheckHost is,
// with kept records and cold: case by case, by the sum of their times, and by the
// geometric mean of the ratios. The three take turns, so that a busy machine is the
// same to all, and what counts is the processor time of the process, in which the
// collection of their garbage is.
func BenchmarkSPFRatio(b *testing.B) {
	m := newMemory(b)
	var kept spf.Checker
	var all []speed
	for _, c := range spfCases {
		s := spf.Session{IP: netip.MustParseAddr(c.ip), MailFrom: "postmaster@" + c.domain, Helo: "out.example"}
		ip := net.ParseIP(c.ip)
		sides := [...]func(){
			func() { _, _ = peer.CheckHostWithSender(ip, s.Helo, s.MailFrom, peer.WithResolver(m)) },
			func() { _, _ = kept.CheckHost(background, m, s) },
			func() { _, _ = spf.CheckHost(background, m, s) },
		}
		b.Run(strings.ReplaceAll(c.name, " ", "-"), func(b *testing.B) {
			var used, allocs speed
			for b.Loop() {
				for i, check := range sides {
					const turn = 200
					start := processorTime(b)
					for range turn {
						check()
					}
					used[i] += float64(processorTime(b)-start) / turn
				}
			}
			for i, check := range sides {
				used[i] /= float64(b.N)
				allocs[i] = testing.AllocsPerRun(100, check)
			}
			b.ReportMetric(used[0], "blitiri-ns")
			b.ReportMetric(allocs[0]/allocs[1], "kept-fewer-allocs")
			b.ReportMetric(allocs[0]/allocs[2], "cold-fewer-allocs")
			used.report(b)
			all = append(all, used)
		})
	}
	var sum, logs speed
	for _, used := range all {
		for i, ns := range used {
			sum[i] += ns
			logs[i] += math.Log(ns) / float64(len(all))
		}
	}
	b.Run("sum", sum.report)
	b.Run("geometric-mean", speed{math.Exp(logs[0]), math.Exp(logs[1]), math.Exp(logs[2])}.report)
}

// speed is the time of one check: theirs, ours with kept records, ours cold.
type speed [3]float64

func (ns speed) report(b *testing.B) {
	b.ReportMetric(ns[0]/ns[1], "kept-times")
	b.ReportMetric(ns[0]/ns[2], "cold-times")
	b.ReportMetric(0, "ns/op")
}

func processorTime(tb testing.TB) int64 {
	var used syscall.Rusage
	require.NoError(tb, syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	return used.Utime.Nano() + used.Stime.Nano()
}
