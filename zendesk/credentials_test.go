package zendesk_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/zendesk"
)

func TestCredentialsFromEnv(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		return path
	}
	secret, empty := file("secret", "  s3cr3t\n"), file("empty", "\n")
	tests := []struct {
		name string
		env  map[string]string
		want string // of String, or of the error
	}{
		{"nothing", nil, zendesk.ErrNoCredentials.Error()},
		{"an OAuth client", map[string]string{"ZENDESK_OAUTH_CLIENT_ID": "acme", "ZENDESK_OAUTH_CLIENT_SECRET": "s3cr3t"}, "oauth-client acme"},
		{"a token", map[string]string{"ZENDESK_OAUTH_TOKEN": "s3cr3t"}, "oauth-token"},
		{"an API token", map[string]string{"ZENDESK_EMAIL": "a@acme.example", "ZENDESK_API_TOKEN": "s3cr3t"}, "api-token a@acme.example"},
		{"files", map[string]string{"ZENDESK_OAUTH_CLIENT_ID": "acme", "ZENDESK_OAUTH_CLIENT_SECRET_FILE": secret}, "oauth-client acme"},
		{"all: the client wins", map[string]string{"ZENDESK_OAUTH_CLIENT_ID": "acme", "ZENDESK_OAUTH_CLIENT_SECRET": "s3cr3t", "ZENDESK_OAUTH_TOKEN": "s3cr3t", "ZENDESK_EMAIL": "a@acme.example", "ZENDESK_API_TOKEN": "s3cr3t"}, "oauth-client acme"},
		{"a token before an API token", map[string]string{"ZENDESK_OAUTH_TOKEN": "s3cr3t", "ZENDESK_EMAIL": "a@acme.example"}, "oauth-token"},
		{"half a client, and a token", map[string]string{"ZENDESK_OAUTH_CLIENT_SECRET": "s3cr3t", "ZENDESK_OAUTH_TOKEN": "s3cr3t"}, "zendesk: credentials: ZENDESK_OAUTH_CLIENT_ID is missing, without which the others of ZENDESK_OAUTH_CLIENT_ID, ZENDESK_OAUTH_CLIENT_SECRET are no use"},
		{"an address without a token", map[string]string{"ZENDESK_EMAIL": "a@acme.example"}, "zendesk: credentials: ZENDESK_API_TOKEN is missing, without which the others of ZENDESK_EMAIL, ZENDESK_API_TOKEN are no use"},
		{"a value and a file", map[string]string{"ZENDESK_OAUTH_TOKEN": "s3cr3t", "ZENDESK_OAUTH_TOKEN_FILE": secret}, "zendesk: credentials: ZENDESK_OAUTH_TOKEN and ZENDESK_OAUTH_TOKEN_FILE are both set"},
		{"an empty file", map[string]string{"ZENDESK_OAUTH_TOKEN_FILE": empty}, "zendesk: credentials: ZENDESK_OAUTH_TOKEN_FILE: " + empty + " is empty"},
		{"no file", map[string]string{"ZENDESK_OAUTH_TOKEN_FILE": "/nonexistent"}, "zendesk: credentials: ZENDESK_OAUTH_TOKEN_FILE: open /nonexistent: no such file or directory"},
		{"a folder", map[string]string{"ZENDESK_OAUTH_TOKEN_FILE": dir}, "zendesk: credentials: ZENDESK_OAUTH_TOKEN_FILE: read " + dir + ": is a directory"},
		{"a line break inside", map[string]string{"ZENDESK_OAUTH_TOKEN": "s3\r\ncr3t"}, "zendesk: credentials: the secret of the oauth-token has a blank, a control character or one outside of ASCII"},
		{"no address", map[string]string{"ZENDESK_EMAIL": "acme", "ZENDESK_API_TOKEN": "s3cr3t"}, "zendesk: credentials: an API token needs the e-mail address of its user"},
		{"an identifier with a blank", map[string]string{"ZENDESK_OAUTH_CLIENT_ID": "acme mail", "ZENDESK_OAUTH_CLIENT_SECRET": "s3cr3t"}, "zendesk: credentials: an OAuth client needs its identifier"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := zendesk.CredentialsFromEnv(func(name string) string { return tt.env[name] })
			got := c.String()
			if err != nil {
				got = err.Error()
			}
			assert.Equal(t, tt.want, got)
			assert.NotContains(t, got, "cr3t")
		})
	}
}

// However a value that holds a secret is printed, the secret does not show.
func TestSecretsAreNotPrinted(t *testing.T) {
	for _, c := range []zendesk.Credentials{
		zendesk.OAuthClient("acme", "s3cr3t"), zendesk.OAuthToken("s3cr3t"), zendesk.APIToken("a@acme.example", "s3cr3t"), {},
	} {
		values := []any{c, &c, struct{ C zendesk.Credentials }{c}, struct{ c zendesk.Credentials }{c}, []zendesk.Credentials{c}, map[string]any{"c": c}}
		if c.Kind() != "" {
			client, err := zendesk.NewClient("acme", c, zendesk.ClientOptions{})
			require.NoError(t, err)
			values = append(values, client, struct{ C *zendesk.Client }{client}, struct{ c *zendesk.Client }{client})
		}
		for _, v := range values {
			var log bytes.Buffer
			slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v)
			slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v)
			j, err := json.Marshal(v)
			require.NoError(t, err)
			all := log.String() + string(j) + fmt.Sprintf("%v %+v %#v %s %q %x %d", v, v, v, v, v, v, v)
			for _, never := range []string{"s3cr3t", "733363723374", "[115 51"} { // as text, %x and %d write it
				assert.NotContains(t, all, never)
			}
		}
	}
	client, err := zendesk.NewClient("acme", zendesk.OAuthClient("acme-check", "s3cr3t"), zendesk.ClientOptions{})
	require.NoError(t, err)
	assert.Equal(t, "https://acme.zendesk.com (oauth-client acme-check)", fmt.Sprintf("%+v", client))
	assert.Equal(t, "zendesk.Credentials(oauth-token)", fmt.Sprintf("%#v", zendesk.OAuthToken("s3cr3t")))
}

func TestWarning(t *testing.T) {
	token := zendesk.APIToken("a@acme.example", "s3cr3t")
	for at, want := range map[string]string{
		"2026-10-26": "Zendesk ends API tokens: no new ones from 2026-10-27",
		"2026-10-27": "Zendesk deactivates all API tokens on 2027-04-30, one that is not used",
		"2027-04-29": "Zendesk deactivates all API tokens on 2027-04-30, one that is not used",
		"2027-04-30": "Zendesk deactivated all API tokens on 2027-04-30",
	} {
		day, err := time.Parse(time.DateOnly, at)
		require.NoError(t, err)
		got := token.Warning(day)
		assert.True(t, strings.HasPrefix(got, want), "%s: %s", at, got)
		assert.Contains(t, got, "ZENDESK_OAUTH_CLIENT_ID")
		assert.Empty(t, zendesk.OAuthToken("x").Warning(day))
	}
}
