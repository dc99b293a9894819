# make test runs all tests; make check is what a change has to pass besides.
# Nothing but Go is needed: tools are built into bin/ at the versions named here.
# Tests against real name servers run where these are installed (internal/real).

GO          ?= go
STATICCHECK  = honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOFUMPT      = mvdan.cc/gofumpt@v0.12.0
FUZZTIME    ?= 5s
FUZZ        ?= ^Fuzz(Parse|Read|Unpack|RR|Threshold|Domain|ToASCII)
export GOBIN := $(CURDIR)/bin

.PHONY: all build test real-parts race vet fmt staticcheck fuzz bench bench-spf docs check clean

all: build

build:
	$(GO) build -o bin/mailcheck ./cmd/mailcheck

test: real-parts
	$(GO) test ./...
	cd internal/peers && $(GO) test ./...
	@internal/real/parts.sh missing

# The servers of internal/real: installed where that may be done, and said where not.
real-parts:
	@internal/real/parts.sh

race:
	$(GO) test -race ./...

vet:
	$(GO) vet ./...
	cd internal/peers && $(GO) vet ./...

fmt: bin/gofumpt
	@out=$$(bin/gofumpt -l .); if [ -n "$$out" ]; then echo "not formatted by gofumpt:"; echo "$$out"; exit 1; fi

staticcheck: bin/staticcheck
	bin/staticcheck ./...

bin/staticcheck:
	$(GO) install $(STATICCHECK)

bin/gofumpt:
	$(GO) install $(GOFUMPT)

# Each fuzz target that FUZZ matches for FUZZTIME, from its seeds and what it found
# before: make fuzz FUZZ=Fuzz FUZZTIME=5m runs them all, what is no parser too. A
# change is held up by parsers only, since the others search larger spaces at random
# (their seeds are tests like any other); the weekly workflow runs all. Now and then go
# test takes the end of the time for a failure, with no input that fails: that is none
# (golang/go#75804, mended in Go 1.27).
fuzz:
	@set -e; for pkg in $$($(GO) list ./...); do \
	  for target in $$($(GO) test -list '$(FUZZ)' $$pkg | grep '^Fuzz' || true); do \
	    echo "fuzz $$pkg $$target"; \
	    out=$$($(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$pkg 2>&1) || case $$out in \
	      *"Failing input"*) echo "$$out"; exit 1;; \
	      *"context deadline exceeded"*) ;; \
	      *) echo "$$out"; exit 1;; \
	    esac; \
	    echo "$$out" | tail -n 1; \
	  done; \
	done

# spf against pyspf, Mail::SPF and blitiri.com.ar/go/spf, over one DNS on loopback: the
# fixed cases, a table of what the others see otherwise and why, and status 1 where a
# case is in no class or a peer is not installed. PEERS=blitiri,pyspf asks fewer,
# SEED=1 takes other cases, CASES=1000 so many.
SEED  ?= 7208
CASES ?= 20000
differential: real-parts
	cd internal/peers && $(GO) run ./differential -seed $(SEED) -n $(CASES) -peers '$(PEERS)'

bench:
	$(GO) test -run '^$$' -bench . -benchmem ./...

# How CheckHost compares with its peer: so many times as fast, so many times fewer
# allocations, by case, by the sum of the times and by the geometric mean.
bench-spf:
	cd internal/peers && $(GO) test -run '^$$' -bench SPFRatio -benchtime 200x -cpu 1

# docs/rules.md is written from the rules; a test refuses a stale one.
docs:
	$(GO) run ./cmd/mailcheck rules --format markdown > docs/rules.md

check: vet fmt staticcheck race fuzz

clean:
	rm -rf bin
