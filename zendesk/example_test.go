package zendesk_test

import (
	"context"
	"fmt"
	"log"

	"github.com/mailcheck-go/mailcheck/zendesk"
	"github.com/mailcheck-go/mailcheck/zendesk/zendesktest"
)

func ExampleDiscover() {
	account := zendesktest.Acme()
	account.Me["role"] = "agent" // not the role that an account should be checked with
	server := zendesktest.NewServer(account)
	defer server.Close()

	// os.Getenv in a program; and "acme" for https://acme.zendesk.com.
	env := map[string]string{"ZENDESK_OAUTH_CLIENT_ID": "acme-client", "ZENDESK_OAUTH_CLIENT_SECRET": "acme-secret"}
	credentials, err := zendesk.CredentialsFromEnv(func(name string) string { return env[name] })
	if err != nil {
		log.Fatal(err)
	}
	client, err := zendesk.NewClient(server.URL, credentials, zendesk.ClientOptions{PerMinute: 6000})
	if err != nil {
		log.Fatal(err)
	}
	facts, err := zendesk.Discover(context.Background(), client, zendesk.Options{})
	if err != nil {
		log.Fatal(err) // given up; the facts so far are there
	}
	analysis := zendesk.Analyze(facts)
	for _, d := range analysis.Domains {
		fmt.Println(d.Name, len(d.Addresses))
	}
	for _, gap := range facts.Gaps(zendesk.EndpointSupportAddresses, zendesk.EndpointSecurity) {
		fmt.Println(gap.Subject+":", gap.CauseText())
	}
	// Output:
	// acme.example 1
	// shop.example 1
	// GET /api/v2/security_settings: this was refused to the credentials (HTTP 403, Forbidden): it needs the role admin, the OAuth scope security:read or read
}

func ExampleCredentials() {
	c := zendesk.OAuthClient("mailcheck", "a secret")
	fmt.Printf("%v, %+v, %q\n", c, c, c)
	// Output: oauth-client mailcheck, oauth-client mailcheck, oauth-client mailcheck
}

func ExampleNewClient() {
	_, err := zendesk.NewClient("http://acme.zendesk.com", zendesk.OAuthToken("a secret"), zendesk.ClientOptions{})
	fmt.Println(err)
	// Output: zendesk: plain http is for loopback only, and acme.zendesk.com is not
}
