package main

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
)

func TestMany(t *testing.T) {
	r := dnstest.Must(`
a.example. MX 0 .
a.example. TXT "v=spf1 -all"
_dmarc.a.example. TXT "v=DMARC1; p=reject"
b.example. MX 0 .
b.example. TXT "v=spf1 -all"
`)
	var out bytes.Buffer
	c := &mailcheck.Checker{Resolver: &dnsx.Cache{Next: r}, Offline: true}
	require.NoError(t, many(t.Context(), &out, strings.NewReader("a.example\nb.example\nc..example\n"), c, 2, judged))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	slices.Sort(lines)
	require.Len(t, lines, 3)
	assert.Contains(t, lines[0], `"c..example"`)
	assert.Contains(t, lines[1], "a.example\tparked")
	assert.Contains(t, lines[1], "forge=no")
	assert.Contains(t, lines[2], "forge=yes")
}

// What -facts writes can be judged later.
func TestFacts(t *testing.T) {
	r := dnstest.Must(`
a.example. MX 0 .
a.example. TXT "v=spf1 -all"
_dmarc.a.example. TXT "v=DMARC1; p=reject"
`)
	var out bytes.Buffer
	c := &mailcheck.Checker{Resolver: &dnsx.Cache{Next: r}, Offline: true}
	require.NoError(t, many(t.Context(), &out, strings.NewReader("a.example\nc..example\n"), c, 1, seen))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Len(t, lines, 2)
	var facts mailcheck.Facts
	require.NoError(t, json.Unmarshal([]byte(lines[0]), &facts))
	rep := mailcheck.Judge(&facts, mailcheck.Settings{})
	assert.Equal(t, "parked", rep.Role.Word)
	assert.Contains(t, lines[1], `"domain":"c..example","error":`)
}
