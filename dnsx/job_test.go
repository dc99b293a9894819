package dnsx_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
)

func TestCache_Job(t *testing.T) {
	s := &server{answer: hello}
	c := &dnsx.Cache{Next: s}
	ask := func(names ...string) {
		for _, name := range names {
			_, err := c.Resolve(t.Context(), txt(name))
			require.NoError(t, err)
			require.NoError(t, c.Audit())
		}
	}
	ask("_spf.acme.example")
	first, second := c.Job("acme.example"), c.Job("acme.example")
	sub := c.Job("shop.acme.example")
	ask("acme.example", "_dmarc.acme.example", "_dmarc.shop.acme.example", "notacme.example", "example", "_spf.mail.example")
	assert.Equal(t, 7, c.Len())

	first()
	first()
	assert.Equal(t, 7, c.Len(), "a second job has use for them, and an end counts once")
	second()
	require.NoError(t, c.Audit())
	asked := len(s.asked())
	ask("_spf.acme.example", "notacme.example", "example", "_spf.mail.example", "_dmarc.shop.acme.example")
	assert.Len(t, s.asked(), asked, "what was kept before, other names, and those of a job that goes on")
	ask("acme.example", "_dmarc.acme.example")
	assert.Len(t, s.asked(), asked+2)

	sub()
	assert.Equal(t, 6, c.Len(), "a job's names go with the nearest job")
	for range 2 {
		end := c.Job("acme.example")
		ask("a.acme.example", "b.acme.example")
		end()
		assert.Equal(t, 6, c.Len())
	}
	assert.NoError(t, c.Audit())
}

// A job for the root would own what all others share.
func TestCache_Job_root(t *testing.T) {
	c := &dnsx.Cache{Next: &server{answer: hello}}
	end := c.Job(".")
	c.ResolveAll(t.Context(), []dnsx.Question{txt("_spf.mail.example"), dnsx.Q(".", dnsx.TypeNS)})
	end()
	assert.Equal(t, 2, c.Len())
}

// Names that were pushed out or ran out are gone from the job too.
func TestCache_Job_bounded(t *testing.T) {
	now := time.Unix(0, 0)
	c := &dnsx.Cache{Next: &server{answer: hello}, MaxBytes: 2000, Now: func() time.Time { return now }}
	end := c.Job("acme.example")
	for i := range 100 {
		c.Resolve(t.Context(), txt(fmt.Sprintf("%d.acme.example", i)))
		require.NoError(t, c.Audit())
	}
	assert.Less(t, c.Len(), 20)
	now = now.Add(time.Hour)
	c.Resolve(t.Context(), txt("99.acme.example"))
	require.NoError(t, c.Audit())
	end()
	assert.Zero(t, c.Len())
	assert.Zero(t, c.Bytes())
}

// What comes in after the end is handed to who waits for it, and not kept.
func TestCache_Job_late(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &dnsx.Cache{Next: &server{answer: func(ctx context.Context, q dnsx.Question) (*dnsx.Answer, error) {
			time.Sleep(time.Second)
			return hello(ctx, q)
		}}}
		end := c.Job("acme.example")
		var wg sync.WaitGroup
		wg.Go(func() {
			for _, reply := range c.ResolveAll(t.Context(), []dnsx.Question{txt("acme.example"), txt("_spf.mail.example")}) {
				assert.NoError(t, reply.Err())
			}
		})
		synctest.Wait()
		end()
		next := c.Job("acme.example") // another one, which did not ask
		wg.Wait()
		assert.Equal(t, 1, c.Len())
		_, err := c.Resolve(t.Context(), txt("acme.example"))
		assert.NoError(t, err)
		assert.Equal(t, 2, c.Len())
		next()
		assert.Equal(t, 1, c.Len())
		assert.NoError(t, c.Audit())
	})
}

func ExampleCache_Job() {
	servers := dnstest.Must(`
acme.example.       TXT "v=spf1 include:_spf.mail.example -all"
other.example.      TXT "v=spf1 include:_spf.mail.example -all"
_spf.mail.example.  TXT "v=spf1 ip4:192.0.2.0/24 -all"`)
	cache := &dnsx.Cache{Next: servers}
	check := func(domain string) {
		defer cache.Job(domain)()
		dnsx.Ask(context.Background(), cache, dnsx.Q(domain, dnsx.TypeTXT), dnsx.Q("_spf.mail.example", dnsx.TypeTXT))
	}
	check("acme.example")
	check("other.example")
	check("acme.example") // asks anew about itself, not about what it shares
	for _, q := range servers.Asked() {
		if q.Name != "_spf.mail.example" {
			fmt.Println(q)
		}
	}
	fmt.Println(len(servers.Asked()), "questions in all")
	// Output:
	// TXT acme.example
	// TXT other.example
	// TXT acme.example
	// 4 questions in all
}
