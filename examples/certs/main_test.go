package main

import (
	"bytes"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/tlscert"
)

func TestCerts(t *testing.T) {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	host := strings.Replace(server.Listener.Addr().String(), "127.0.0.1", "help.acme.example", 1)
	c := &certs{resolver: dnstest.Must("help.acme.example. A 127.0.0.1"), prober: &tlscert.Prober{}, fetcher: &tlscert.Fetcher{}}
	var out bytes.Buffer
	require.NoError(t, c.run(t.Context(), &out, []string{"nowhere.acme.example", host}))
	end := server.Certificate().NotAfter.Format("2006-01-02")
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Len(t, lines, 3)
	assert.Equal(t, "nowhere.acme.example: no certificate was seen (0 things are not known)", lines[0])
	assert.Contains(t, lines[1], host+": until "+end+", at 1 addresses; look again at ")
	assert.Equal(t, "The first to expire is that of "+host+", on "+end+".", lines[2])

	require.Error(t, c.run(t.Context(), &out, []string{"a..example"}))
}
