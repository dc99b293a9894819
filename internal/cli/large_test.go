package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck"
	"github.com/mailcheck-go/mailcheck/account"
	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/internal/cli"
	"github.com/mailcheck-go/mailcheck/zendesk"
	"github.com/mailcheck-go/mailcheck/zendesk/zendesktest"
)

// largeZone is the DNS of zendesktest.Large: 800 domains, and the names of 50 brands.
func largeZone() dnsx.Resolver {
	var b strings.Builder
	b.WriteString(`. NS a.root.example.
mail.zendesk.com. TXT "v=spf1 ip4:203.0.113.0/24 ~all"
zendesk1._domainkey.zendesk.com. TXT "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
zendesk2._domainkey.zendesk.com. TXT "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
`)
	for i := range 800 {
		fmt.Fprintf(&b, `brand%[1]d.example. MX 10 mx.brand%[1]d.example.
brand%[1]d.example. TXT "v=spf1 mx include:mail.zendesk.com -all"
_dmarc.brand%[1]d.example. TXT "v=DMARC1; p=reject"
zendesk1._domainkey.brand%[1]d.example. CNAME zendesk1._domainkey.zendesk.com.
zendesk2._domainkey.brand%[1]d.example. CNAME zendesk2._domainkey.zendesk.com.
zendeskverification.brand%[1]d.example. TXT "0123456789abcdef"
`, i)
	}
	for i := range 50 {
		fmt.Fprintf(&b, "help.brand%[1]d.example. CNAME acme-%[1]d.zendesk.com.\nacme-%[1]d.zendesk.com. A 203.0.113.10\n", i)
	}
	return dnstest.Must(b.String())
}

// The largest account takes the time that its rate limit asks for, says so, and what
// is kept of 800 domains fits into memory.
func TestLargeAccount(t *testing.T) {
	resolver := largeZone()
	var out, diag bytes.Buffer
	var took time.Duration
	var requests int
	synctest.Test(t, func(t *testing.T) {
		a := zendesktest.Large()
		s := zendesktest.NewPipe(a)
		defer s.Close()
		began := time.Now()
		code := cli.Main(t.Context(), cli.Env{
			Args: []string{"account", s.URL, "--format", "json", "--timeout", "2s"}, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &diag, Resolver: resolver, Dialer: s,
			Getenv: func(name string) string { return map[string]string{"ZENDESK_OAUTH_TOKEN": a.Token}[name] }, Now: time.Now,
		})
		took, requests = time.Since(began), len(s.Requests())
		assert.Equal(t, cli.Found, code, diag.String())
	})
	assert.GreaterOrEqual(t, took, time.Duration(requests-50)*time.Minute/120, "%d requests", requests)
	assert.Less(t, took, 10*time.Minute)
	assert.Contains(t, diag.String(), "waiting for the rate limit (120 requests a minute)")
	var rep check.Report
	require.NoError(t, json.Unmarshal(out.Bytes(), &rep))
	assert.Len(t, rep.Reports, 850)
	t.Logf("%d requests in %s; %d MB of JSON", requests, took, out.Len()>>20)
}

// What is kept of a domain is its report: the facts are let go.
func TestLargeReportsInMemory(t *testing.T) {
	live := func() int64 {
		runtime.GC() // twice: pools let go at the second
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	resolver := largeZone()
	before := live()
	out := lookAtLarge(t.Context(), t, resolver)
	kept := live() - before
	require.Len(t, out.Reports(), 250)
	t.Logf("%d KB a domain or host", kept/250>>10)
	assert.Less(t, kept/250, int64(200<<10))
	runtime.KeepAlive(out)
}

// lookAtLarge looks at a quarter of the domains.
func lookAtLarge(ctx context.Context, t *testing.T, r dnsx.Resolver) *account.Outside {
	t.Helper()
	f := &zendesk.Facts{}
	for i := range 200 {
		f.SupportAddresses = append(f.SupportAddresses, zendesk.SupportAddress{Email: fmt.Sprintf("help@brand%d.example", i)})
	}
	for i := range 50 {
		f.Brands = append(f.Brands, zendesk.Brand{ID: zendesk.ID(i + 1), Subdomain: fmt.Sprintf("acme-%d", i), HostMapping: zendesk.Some(fmt.Sprintf("help.brand%d.example", i))})
	}
	checker := &mailcheck.Checker{Resolver: &dnsx.Cache{Next: r}, Offline: true}
	out, err := account.Look(ctx, account.Network{Checker: checker}, &zendesk.Account{Facts: f}, account.Options{})
	require.NoError(t, err)
	return out
}
