package zendesk_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/zendesk"
	"github.com/mailcheck-go/mailcheck/zendesk/zendesktest"
)

func TestReadFacts(t *testing.T) {
	f, _, _ := run(t, zendesktest.Acme(), nil)
	data, err := json.Marshal(f)
	require.NoError(t, err)
	again, err := zendesk.ReadFacts(bytes.NewReader(data))
	require.NoError(t, err)
	twice, err := json.Marshal(again)
	require.NoError(t, err)
	assert.Equal(t, string(data), string(twice))

	for name, text := range map[string]string{
		"nothing": ``, "no JSON": `ZENDESK`, "another document": `{"schema":"mailcheck/facts/v1","account":"https://a.example"}`,
		"no account": `{"schema":"mailcheck/zendesk-facts/v1"}`, "another shape": `{"schema":"mailcheck/zendesk-facts/v1","account":"https://a.example","team":{}}`,
		"too many values": `{"schema":"mailcheck/zendesk-facts/v1","team":[` + strings.Repeat(`{},`, 1<<19) + `{}]}`,
		"too large":       strings.Repeat(" ", zendesk.FactsMax+1),
	} {
		_, err := zendesk.ReadFacts(strings.NewReader(text))
		assert.ErrorIs(t, err, zendesk.ErrFacts, name)
	}
}

func FuzzReadSaved(f *testing.F) {
	f.Add([]byte(`{"schema":"mailcheck/zendesk-facts/v1","account":"https://acme.zendesk.com","endpoints":{"brands":{"state":"ok"}},"brands":[{"id":1,"host_mapping":"a..b"}],"support_addresses":[{"email":"a@b"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		facts, err := zendesk.ReadFacts(bytes.NewReader(data))
		if err != nil {
			return
		}
		a := &zendesk.Account{Facts: facts}
		a.Domains()
		a.Hosts()
		a.Judge(nil)
	})
}

// The large account waits for the pace, and for the account's limit where that is lower.
func TestWaited(t *testing.T) {
	for _, perMinute := range []int{60, 100_000} {
		synctest.Test(t, func(t *testing.T) {
			a := zendesktest.Large()
			a.PerMinute = 100
			s := zendesktest.NewPipe(a)
			defer s.Close()
			c, err := zendesk.NewClient(s.URL, zendesk.OAuthToken(a.Token), zendesk.ClientOptions{Dialer: s, PerMinute: perMinute})
			require.NoError(t, err)
			began := time.Now()
			_, err = zendesk.Discover(t.Context(), c, zendesk.Options{Budget: time.Hour})
			require.NoError(t, err)
			assert.Greater(t, c.Waited(), 10*time.Second)
			assert.LessOrEqual(t, c.Waited(), time.Since(began))
		})
	}
}
