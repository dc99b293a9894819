package tlscert

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
)

// gate is a web server behind pipes that answers once it is opened.
type gate struct {
	open  chan struct{}
	dials atomic.Int32
	ended atomic.Int32
	body  string
}

func (g *gate) DialContext(context.Context, string, string) (net.Conn, error) {
	g.dials.Add(1)
	client, server := net.Pipe()
	go func() {
		defer g.ended.Add(1)
		defer server.Close()
		if _, err := http.ReadRequest(bufio.NewReader(server)); err != nil {
			return
		}
		gone := make(chan struct{})
		go func() {
			_, _ = io.Copy(io.Discard, server)
			close(gone)
		}()
		select {
		case <-g.open:
			fmt.Fprintf(server, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", len(g.body), g.body)
		case <-gone:
		}
	}()
	return client, nil
}

var anyName dnsx.Resolver = dnstest.Must("a.example. A 192.0.2.1\nb.example. A 192.0.2.1\nc.example. A 192.0.2.1")

func TestFetcherSharesWhatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{}), body: "ok"}
		f := &Fetcher{Dialer: g, Timeout: time.Hour}
		first, giveUp := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		got := make([]Fetched, 3)
		for i, ctx := range []context.Context{first, t.Context(), t.Context()} {
			wg.Go(func() { got[i] = f.get(ctx, anyName, FetchIssuer, "http://a.example/") })
			synctest.Wait()
		}
		giveUp()
		synctest.Wait()
		close(g.open)
		wg.Wait()
		assert.Equal(t, &Failure{Stage: Request, Kind: KindCanceled}, got[0].Failure, "the first gave up, for itself alone")
		assert.Equal(t, "ok", string(got[1].Body))
		assert.Equal(t, got[1], got[2])
		assert.EqualValues(t, 1, g.dials.Load())
		assert.Equal(t, "ok", string(f.get(t.Context(), anyName, FetchIssuer, "http://a.example/").Body))
		assert.EqualValues(t, 1, g.dials.Load(), "it is kept")
	})
}

// Nobody waits for it any more: it ends, and the next who asks begins anew.
func TestFetcherEndsWhatNobodyWaitsFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{}), body: "ok"}
		f := &Fetcher{Dialer: g, Timeout: time.Hour}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		got := f.get(ctx, anyName, FetchIssuer, "http://a.example/")
		assert.Equal(t, KindBudget, got.Failure.Kind)
		synctest.Wait()
		assert.EqualValues(t, 1, g.ended.Load())
		close(g.open)
		assert.Nil(t, f.get(t.Context(), anyName, FetchIssuer, "http://a.example/").Failure)
		assert.EqualValues(t, 2, g.dials.Load(), "a failure of the caller's own time is not kept")
	})
}

func TestFetcherTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &Fetcher{Dialer: &gate{open: make(chan struct{})}}
		start := time.Now()
		got := f.get(t.Context(), anyName, FetchIssuer, "http://a.example/")
		assert.Equal(t, &Failure{Stage: Request, Kind: KindTimeout}, got.Failure)
		assert.Equal(t, defaultTimeout, time.Since(start))
	})
}

// How long an answer is kept, by what it is.
func TestFetcherKeeps(t *testing.T) {
	tests := []struct {
		name string
		kind FetchKind
		link string
		kept time.Duration
	}{
		{"an issuer", FetchIssuer, "http://a.example/", time.Hour},
		{"a directory", FetchDirectory, "http://a.example/", time.Hour},
		{"renewal information that does not say", FetchRenewal, "http://a.example/", 6 * time.Hour},
		{"what is no CRL", FetchCRL, "http://a.example/", time.Minute},
		{"a failure", FetchIssuer, "http://no-such-name.example/", time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := &gate{open: make(chan struct{}), body: "ok"}
				close(g.open)
				f := &Fetcher{Dialer: g}
				at := f.get(t.Context(), anyName, tt.kind, tt.link).At
				time.Sleep(tt.kept - time.Second)
				assert.Equal(t, at, f.get(t.Context(), anyName, tt.kind, tt.link).At)
				time.Sleep(time.Second)
				assert.NotEqual(t, at, f.get(t.Context(), anyName, tt.kind, tt.link).At)
			})
		})
	}
}

func TestFetcherIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{}), body: strings.Repeat("x", 10<<10)}
		close(g.open)
		f := &Fetcher{Dialer: g, Size: 25 << 10}
		for i, link := range []string{"http://a.example/", "http://b.example/", "http://c.example/", "http://b.example/", "http://a.example/"} {
			time.Sleep(time.Second)
			f.get(t.Context(), anyName, FetchIssuer, link)
			assert.LessOrEqual(t, f.octets, f.Size)
			assert.Len(t, f.kept, min(i+1, 2))
		}
		assert.EqualValues(t, 4, g.dials.Load(), "a.example had to go for c.example")
		f = &Fetcher{Dialer: g, Size: 5 << 10}
		f.get(t.Context(), anyName, FetchIssuer, "http://a.example/")
		assert.Empty(t, f.kept, "larger than all that may be kept")
	})
}
