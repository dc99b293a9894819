package zendesk

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// transport makes one try of one request: it waits for its turn, asks, and reads
// the whole answer, so that one which breaks off is tried again like a connection
// that was refused. All requests, and all their tries, pass here.
type transport struct {
	origin  *url.URL
	pace    *pacer
	workers chan struct{}
	timeout time.Duration
	waiting func(Endpoint, time.Time)
	next    http.RoundTripper
}

func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if !sameOrigin(req.URL, t.origin) { // nobody gets here; if ever somebody does, the secret does not leave
		return nil, errForeign
	}
	ctx := req.Context()
	at, _ := ctx.Value(callKey{}).(*call)
	if at == nil {
		at = &call{}
	}
	select {
	case t.workers <- struct{}{}:
		defer func() { <-t.workers }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err := t.pace.wait(ctx, func(until time.Time) { t.waiting(at.endpoint, until) }); err != nil {
		return nil, err
	}
	at.tries++
	ctx, cancel := context.WithTimeoutCause(ctx, t.timeout, errSlow)
	defer cancel()
	resp, err := t.ask(req.WithContext(ctx))
	if err != nil && context.Cause(ctx) == errSlow {
		return nil, errSlow
	}
	if resp != nil && (resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusServiceUnavailable) {
		wait, told := retryAfter(resp.Header, time.Now())
		switch {
		case told && wait > t.pace.maxWait: // of this endpoint, it may be: the others may be asked
			return nil, errTooLong
		case told:
			t.pace.hold(max(wait, time.Second))
		case resp.StatusCode == http.StatusTooManyRequests: // the limit is by the minute
			t.pace.hold(min(10*time.Second<<(at.tries-1), time.Minute))
		}
	}
	return resp, err
}

func (t *transport) ask(req *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, MaxPage+1))
	switch {
	case err != nil:
		return nil, err
	case len(body) > MaxPage:
		return nil, errTooLarge
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// retryAfter reads how long an answer asks to wait: Retry-After in seconds or as
// a date, and where there is none what the rate limit's own headers say.
func retryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	values := []string{h.Get("Retry-After"), h.Get("Ratelimit-Reset")}
	for name, v := range h {
		if strings.HasPrefix(name, "Zendesk-Ratelimit-") { // total=100; remaining=0; resets=43
			if _, reset, ok := strings.Cut(v[0], "resets="); ok && strings.Contains(v[0], "remaining=0") {
				values = append(values, reset)
			}
		}
	}
	for _, v := range values {
		v = strings.TrimSpace(v)
		if seconds, err := strconv.ParseFloat(v, 64); err == nil && seconds >= 0 {
			return time.Duration(min(seconds, 1e6) * float64(time.Second)), true
		}
		if at, err := http.ParseTime(v); err == nil {
			return at.Sub(now), true
		}
		if at, err := time.Parse(time.RFC3339, v); err == nil {
			return at.Sub(now), true
		}
	}
	return 0, false
}

// checkRetry says what is worth another try. An answer that is too large, a wait
// that is too long, and TLS that fails would be the same again.
func checkRetry(ctx context.Context, resp *http.Response, err error) (bool, error) {
	switch {
	case ctx.Err() != nil:
		return false, ctx.Err()
	case errors.Is(err, errTooLarge), errors.Is(err, errTooLong), errors.Is(err, errForeign):
		return false, nil
	case err != nil:
		again, _ := retryablehttp.DefaultRetryPolicy(ctx, resp, err)
		return again, nil
	}
	switch resp.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true, nil
	}
	return false, nil
}

// backoff doubles from try to try, with jitter over half of it. What a 429
// asks for is waited for in the pacer, for everybody.
func backoff(least, most time.Duration, try int, resp *http.Response) time.Duration {
	if resp != nil && resp.StatusCode == http.StatusTooManyRequests {
		return 0
	}
	wait := most
	if try < 16 {
		wait = min(least<<try, most)
	}
	return wait/2 + rand.N(wait/2)
}

// pacer spaces requests evenly, after a burst, and holds all of them back when
// one was told to wait.
type pacer struct {
	every   time.Duration
	maxWait time.Duration

	mu   sync.Mutex
	next time.Time // the next free turn
	held time.Time // nobody asks before
	told time.Time // the hold that was reported

	waits  time.Time     // until when the waits lead that count in waited
	waited time.Duration // in which somebody waited for a turn or a hold
}

// burst is how many requests go at once: most accounts need no more, and with it the
// first minute stays below the smallest plan's limit.
const burst = 50

func newPacer(perMinute int, maxWait time.Duration) *pacer {
	return &pacer{every: time.Minute / time.Duration(max(perMinute, 1)), maxWait: maxWait}
}

// wait takes a turn and waits for it. A hold that began meanwhile counts too.
func (p *pacer) wait(ctx context.Context, waiting func(until time.Time)) error {
	p.mu.Lock()
	if earliest := time.Now().Add(-burst * p.every); p.next.Before(earliest) {
		p.next = earliest
	}
	p.next = p.next.Add(p.every)
	turn := p.next
	p.mu.Unlock()
	for {
		now, until := time.Now(), turn
		p.mu.Lock()
		held := p.held
		holds := held.After(now) && held.After(turn)
		first := holds && !held.Equal(p.told)
		if first {
			p.told = held
		}
		p.mu.Unlock()
		if holds {
			until = held
			if first {
				waiting(until)
			}
		}
		if !until.After(now) {
			return nil
		}
		if deadline, ok := ctx.Deadline(); ok && holds && until.After(deadline) {
			return errTooLong // rather than wait for nothing
		}
		p.count(now, until)
		timer := time.NewTimer(until.Sub(now))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

// count adds a wait, as far as nobody else waits at the same time.
func (p *pacer) count(from, until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if from.Before(p.waits) {
		from = p.waits
	}
	if until.After(from) {
		p.waited += until.Sub(from)
		p.waits = until
	}
}

// hold lets nobody ask for a while.
func (p *pacer) hold(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if until := time.Now().Add(d); until.After(p.held) {
		p.held = until
	}
}
