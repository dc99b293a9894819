package tlscert_test

import (
	"bytes"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/tlscert"
)

func TestReadFile(t *testing.T) {
	p := testPKI()
	leaf := p.publicCA.issue(template{cn: "acme.example", names: []string{"acme.example"}})
	var file bytes.Buffer
	file.WriteString("some words\n")
	for _, block := range []*pem.Block{
		{Type: "PRIVATE KEY", Bytes: []byte("passed over")},
		{Type: "CERTIFICATE", Bytes: leaf.cert.Raw},
		{Type: "CERTIFICATE", Bytes: p.publicCA.cert.Raw},
	} {
		require.NoError(t, pem.Encode(&file, block))
	}
	judge := func(data []byte, name string) []string {
		f, err := tlscert.ReadFile(bytes.NewReader(data), "acme.pem", name)
		require.NoError(t, err)
		f.At = now
		var ids []string
		for _, r := range check.Apply(tlscert.Analyze(f), tlscert.Rules(tlscert.Settings{Roots: p.roots})) {
			for _, g := range r.Gaps {
				assert.Equal(t, check.Undecidable, g.Why, "%s: %v", r.ID, g)
			}
			if r.Outcome == check.Fail {
				ids = append(ids, r.ID)
			}
		}
		return ids
	}
	assert.NotContains(t, judge(file.Bytes(), ""), "cert.name-mismatch", "a file is asked for no name")
	assert.NotContains(t, judge(file.Bytes(), "acme.example"), "cert.name-mismatch")
	assert.Contains(t, judge(file.Bytes(), "other.example"), "cert.name-mismatch")
	assert.NotContains(t, judge(file.Bytes(), ""), "cert.chain-incomplete")
	assert.Contains(t, judge(leaf.cert.Raw, ""), "cert.chain-incomplete", "DER holds one certificate")

	for data, want := range map[string]string{
		"": "neither PEM nor DER", "nothing of the kind": "neither PEM nor DER",
		"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n": "no CERTIFICATE block",
		strings.Repeat("x", tlscert.MaxFile+1):                           "over 1 MB",
	} {
		_, err := tlscert.ReadFile(strings.NewReader(data), "acme.pem", "")
		assert.ErrorContains(t, err, want)
	}
}
