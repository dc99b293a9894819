package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLint(t *testing.T) {
	var out bytes.Buffer
	clean, err := lint(t.Context(), &out, "../zones", []string{"parked.example", "acme.example"})
	require.NoError(t, err)
	assert.False(t, clean)
	assert.Equal(t, "acme.example: critical: _spf.newsletter.example does not exist (spf.include-none)\n", out.String())

	out.Reset()
	clean, err = lint(t.Context(), &out, "../zones", []string{"parked.example"})
	require.NoError(t, err)
	assert.True(t, clean)
	assert.Empty(t, out.String())

	_, err = lint(t.Context(), &out, "nowhere", []string{"parked.example"})
	require.Error(t, err)
}
