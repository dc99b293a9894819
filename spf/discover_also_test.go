package spf_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/spf"
)

// The records of services that are asked for too take nothing from the domain's bounds.
func TestAlsoLeavesTheDomainAlone(t *testing.T) {
	var zone strings.Builder
	zone.WriteString("acme.example. TXT \"v=spf1 include:a.example -all\"\na.example. TXT \"v=spf1 include:b.example -all\"\nb.example. TXT \"v=spf1 include:c.example -all\"\nc.example. TXT \"v=spf1 ip4:192.0.2.1 -all\"\n")
	zone.WriteString(`big.example. TXT "v=spf1`)
	for i := range 120 {
		if i%10 == 0 {
			zone.WriteString(`" "`)
		}
		fmt.Fprintf(&zone, " include:n%d.example", i)
	}
	zone.WriteString(" -all\"\n")
	for i := range 120 {
		fmt.Fprintf(&zone, "n%d.example. TXT \"v=spf1 -all\"\n", i)
	}
	r := dnstest.Must(zone.String())
	f, err := spf.Discover(context.Background(), r, "acme.example", spf.Options{Also: []string{"BIG.example."}})
	require.NoError(t, err)
	a := spf.Analyze(f)
	assert.Equal(t, []int{0, 20, 3}, []int{f.Beyond, f.AlsoBeyond, a.Lookups})
	assert.Empty(t, a.Gaps)
}

// Texts of others at an included name do not count among those of SPF records.
func TestOtherTextsDoNotCount(t *testing.T) {
	long := strings.Repeat("x", 60<<10)
	r := dnstest.Must("acme.example. TXT \"v=spf1 include:a0.example include:a1.example include:a2.example include:a3.example include:a4.example include:b.example -all\"\n" +
		"b.example. TXT \"v=spf1 include:c.example -all\"\nc.example. TXT \"v=spf1 ip4:192.0.2.1 -all\"\n")
	with := dnsx.ResolverFunc(func(ctx context.Context, q dnsx.Question) (*dnsx.Answer, error) {
		if q.Type != dnsx.TypeTXT || q.Name[0] != 'a' || q.Name == "acme.example" {
			return r.Resolve(ctx, q)
		}
		return &dnsx.Answer{Question: q, Records: []dnsx.RR{dnsx.NewTXT(q.Name, 60, "v=spf1 -all"), dnsx.NewTXT(q.Name, 60, long)}}, nil
	})
	f, err := spf.Discover(context.Background(), with, "acme.example", spf.Options{})
	require.NoError(t, err)
	assert.Empty(t, spf.Analyze(f).Gaps)
	assert.Zero(t, f.Beyond)
}

// What the bound of texts leaves unread is counted.
func TestTextsBeyond(t *testing.T) {
	long := "v=spf1 " + strings.Repeat("ip4:192.0.2.1 ", 4<<10)
	f, err := spf.Discover(context.Background(), dnsx.ResolverFunc(func(_ context.Context, q dnsx.Question) (*dnsx.Answer, error) {
		text := long + "include:c." + q.Name + " -all"
		if q.Name == "acme.example" {
			text = "v=spf1 include:a0.example include:a1.example include:a2.example include:a3.example include:a4.example -all"
		} else if q.Name[0] == 'c' {
			text = "v=spf1 -all"
		}
		return &dnsx.Answer{Question: q, Records: []dnsx.RR{dnsx.NewTXT(q.Name, 60, text)}}, nil
	}), "acme.example", spf.Options{})
	require.NoError(t, err)
	assert.Positive(t, f.Beyond)
}
