package zendesktest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/zendesk/zendesktest"
)

func ask(t *testing.T, s *zendesktest.Server, method, path, token string, body url.Values) (int, http.Header, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body.Encode()))
	require.NoError(t, err)
	if body != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	transport := &http.Transport{DialContext: s.DialContext}
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	var object map[string]any
	_ = json.Unmarshal(data, &object)
	return resp.StatusCode, resp.Header, object
}

func TestWhatIsGranted(t *testing.T) {
	s := zendesktest.NewServer(zendesktest.Acme())
	defer s.Close()
	tests := []struct {
		name, method, path, token string
		body                      url.Values
		want                      int
	}{
		{"reading", "GET", "/api/v2/brands", "acme-token", nil, 200},
		{"with .json", "GET", "/api/v2/brands.json", "acme-token", nil, 200},
		{"nobody", "GET", "/api/v2/brands", "", nil, 401},
		{"somebody else", "GET", "/api/v2/brands", "acme-tokem", nil, 401},
		{"writing", "PUT", "/api/v2/brands", "acme-token", nil, 405},
		{"a verification, which sends mail", "PUT", "/api/v2/recipient_addresses/202/verify", "acme-token", nil, 405},
		{"what is not there", "GET", "/api/v2/tickets", "acme-token", nil, 404},
		{"a brand that is not there", "GET", "/api/v2/brands/9/check_host_mapping", "acme-token", nil, 404},
		{"a token", "POST", "/oauth/tokens", "", url.Values{"grant_type": {"client_credentials"}, "client_id": {"acme-client"}, "client_secret": {"acme-secret"}, "scope": {"read"}}, 200},
		{"a token for another", "POST", "/oauth/tokens", "", url.Values{"grant_type": {"client_credentials"}, "client_id": {"acme-client"}, "client_secret": {"x"}}, 401},
		{"a token of another kind", "POST", "/oauth/tokens", "", url.Values{"grant_type": {"password"}, "client_id": {"acme-client"}, "client_secret": {"acme-secret"}}, 401},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, _, _ := ask(t, s, tt.method, tt.path, tt.token, tt.body)
			assert.Equal(t, tt.want, status)
		})
	}
	last := s.Requests()[4]
	assert.Equal(t, []string{"PUT", "/api/v2/brands", "Bearer"}, []string{last.Method, last.Path, last.Authorization})
}

func TestPages(t *testing.T) {
	a := &zendesktest.Account{Token: "t", Brands: zendesktest.List{Len: 5, At: func(i int) zendesktest.Object { return zendesktest.Object{"id": i} }}}
	s := zendesktest.NewServer(a)
	defer s.Close()
	tests := []struct{ name, query, want string }{
		{"cursor, first", "?page[size]=2", "[0 1] more"},
		{"cursor, last", "?page[size]=2&page[after]=after-4", "[4]"},
		{"offset, first", "?per_page=2", "[0 1] next"},
		{"offset, last", "?per_page=2&page=3", "[4]"},
		{"beyond the end", "?per_page=2&page=9", "[]"},
		{"nothing asked", "", "[0 1 2 3 4]"},
		{"no sense", "?page[size]=-1&page[after]=x", "[0 1 2 3 4]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, body := ask(t, s, "GET", "/api/v2/brands"+strings.NewReplacer("[", "%5B", "]", "%5D").Replace(tt.query), "t", nil)
			ids := []any{}
			for _, b := range body["brands"].([]any) {
				ids = append(ids, b.(map[string]any)["id"])
			}
			got := fmt.Sprint(ids)
			if meta, ok := body["meta"].(map[string]any); ok && meta["has_more"] == true {
				got += " more"
			}
			if body["next_page"] != nil {
				got += " next"
			}
			assert.Equal(t, tt.want, got)
		})
	}
}

func TestRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zendesktest.NewPipe(&zendesktest.Account{Token: "t", PerMinute: 2})
		defer s.Close()
		get := func() (int, string) {
			status, header, _ := ask(t, s, "GET", "/api/v2/users/me", "t", nil)
			return status, header.Get("Retry-After")
		}
		for range 2 {
			status, _ := get()
			assert.Equal(t, 200, status)
		}
		time.Sleep(20 * time.Second)
		status, after := get()
		assert.Equal(t, 429, status)
		assert.Equal(t, "41", after)
		time.Sleep(41 * time.Second)
		status, _ = get()
		assert.Equal(t, 200, status)
	})
}

func TestFaultsAreUsedUp(t *testing.T) {
	s := zendesktest.NewServer(zendesktest.Acme())
	defer s.Close()
	s.Fail("/api/v2/brands", zendesktest.Unavailable(1))
	late := zendesktest.Forbidden()
	late.After = 1
	s.Fail("", late)
	var got []int
	for range 4 {
		status, _, _ := ask(t, s, "GET", "/api/v2/brands", "acme-token", nil)
		got = append(got, status)
	}
	assert.Equal(t, []int{503, 200, 403, 403}, got)
}
