package caa

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestIssuersOf(t *testing.T) {
	assert.Equal(t, []string{"letsencrypt.org"}, IssuersOf("Let's Encrypt"))
	assert.Equal(t, []string{"pki.goog"}, IssuersOf("Google Trust Services LLC"))
	assert.Equal(t, IssuersOf("DigiCert Inc"), IssuersOf("DIGICERT,  INC."), "companies write their form now so, now so")
	assert.Contains(t, IssuersOf("Amazon"), "awstrust.com")
	assert.Nil(t, IssuersOf("Acme Trust Services"), "not known")
	assert.Nil(t, IssuersOf(""))
}

func TestIssuersData(t *testing.T) {
	var all []authority
	require.NoError(t, json.Unmarshal(issuersJSON, &all))
	seen := map[string]string{}
	for _, ca := range all {
		assert.NotEmpty(t, ca.Organizations)
		assert.NotEmpty(t, ca.Issuers, ca.Organizations)
		assert.NotEmpty(t, ca.Sources, ca.Organizations)
		assert.Contains(t, []string{"high", "medium", "low"}, ca.Confidence, ca.Organizations)
		for _, name := range ca.Issuers {
			assert.Truef(t, isDomain(name) && name == lower(name), "%s of %s", name, ca.Organizations)
		}
		own := map[string]bool{} // spellings of one organization may share a key
		for _, name := range ca.Organizations {
			key := organizationKey(name)
			if !own[key] {
				assert.Emptyf(t, seen[key], "%s stands twice", name)
			}
			own[key] = true
			seen[key] = name
		}
	}
}
