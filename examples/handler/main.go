// Command handler serves checks over HTTP: GET /check?domain=acme.example gives
// the report as JSON. It shows what a service has to bound: the name, the time of
// one check, the checks at one time, the memory of the shared cache, and, by the
// guarded dialer inside the checker, whom a checked domain can make it connect to.
package main

import (
	"context"
	"errors"
	"log"
	"net/http"
	"time"

	"github.com/mailcheck-go/mailcheck"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/wire"
	"github.com/mailcheck-go/mailcheck/report"
)

func main() {
	resolver, err := wire.System()
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{
		Addr:              "127.0.0.1:8080",
		Handler:           newHandler(resolver),
		ReadHeaderTimeout: 5 * time.Second,
		WriteTimeout:      15 * time.Second,
	}
	log.Fatal(server.ListenAndServe())
}

const (
	budget   = 5 * time.Second // for one check
	atOnce   = 16              // checks under way; a further one is turned away
	inFlight = 200             // questions under way at the resolver
	cacheMax = 32 << 20        // octets of answers kept
)

// handler shares one cache, so that what many domains include is asked once.
type handler struct {
	checker mailcheck.Checker
	places  chan struct{}
}

func newHandler(r dnsx.Resolver) http.Handler {
	h := &handler{places: make(chan struct{}, atOnce)}
	h.checker = mailcheck.Checker{
		Resolver: &dnsx.Cache{Next: &dnsx.Limit{Next: r, Max: inFlight}, MaxBytes: cacheMax},
		Budget:   budget,
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /check", h.check)
	return mux
}

func (h *handler) check(w http.ResponseWriter, req *http.Request) {
	select {
	case h.places <- struct{}{}:
		defer func() { <-h.places }()
	default:
		w.Header().Set("Retry-After", "5")
		http.Error(w, "too many checks at once", http.StatusServiceUnavailable)
		return
	}
	// The request's context ends the check where the client goes away.
	rep, err := h.checker.Check(req.Context(), mailcheck.Target{Domain: req.FormValue("domain")}, mailcheck.Settings{})
	var name *dnsx.NameError
	switch {
	case errors.As(err, &name):
		http.Error(w, name.Error(), http.StatusBadRequest)
		return
	case errors.Is(err, context.Canceled):
		return
	case err != nil:
		http.Error(w, "the check did not end", http.StatusGatewayTimeout)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if err := report.Write(w, "json", rep, report.Options{}); err != nil {
		log.Print(err)
	}
}
