package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
)

func TestDomain(t *testing.T) {
	r := dnstest.Must(`
acme.example. MX 0 .
acme.example. TXT "v=spf1 -all"
_dmarc.acme.example. TXT "v=DMARC1; p=reject"
`)
	var out bytes.Buffer
	require.NoError(t, domain(t.Context(), &out, r, "acme.example"))
	assert.Contains(t, out.String(), "acme.example  parked")
	require.Error(t, domain(t.Context(), &out, r, "acme..example"))
}
