package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
)

func get(h http.Handler, url string) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, url, nil))
	return rec
}

func TestHandler(t *testing.T) {
	h := newHandler(dnstest.Must("acme.example. MX 0 .\nacme.example. TXT \"v=spf1 -all\""))

	rec := get(h, "/check?domain=acme.example")
	require.Equal(t, http.StatusOK, rec.Code)
	var rep check.Report
	require.NoError(t, json.Unmarshal(rec.Body.Bytes(), &rep))
	assert.Equal(t, "acme.example", rep.Target)

	assert.Equal(t, http.StatusBadRequest, get(h, "/check?domain=acme..example").Code)
	assert.Equal(t, http.StatusBadRequest, get(h, "/check").Code)
}

// One check more than there are places is turned away at once.
func TestHandlerIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHandler(dnsx.ResolverFunc(func(ctx context.Context, _ dnsx.Question) (*dnsx.Answer, error) {
			<-ctx.Done() // until the budget is spent
			return nil, ctx.Err()
		}))
		done := make(chan int, atOnce)
		for i := range atOnce {
			go func() { done <- get(h, fmt.Sprintf("/check?domain=d%d.example", i)).Code }()
		}
		synctest.Wait()
		assert.Equal(t, http.StatusServiceUnavailable, get(h, "/check?domain=one-too-many.example").Code)
		for range atOnce {
			assert.Equal(t, http.StatusOK, <-done)
		}
		assert.Equal(t, http.StatusOK, get(h, "/check?domain=next.example").Code)
	})
}
