package zendesk

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// authorizer makes the Authorization header. Of an OAuth client it gets a token
// and uses it while it lasts.
type authorizer struct {
	creds  Credentials
	config func() *clientcredentials.Config // nil: no token to get; a function, for it holds the secret
	http   *http.Client

	turn  chan struct{} // of those who want a token
	token func() *oauth2.Token
}

// tokenSeconds is how long a token is asked to live: an account takes 300 to
// 172,800, and none that outlives the run by much should be left behind.
const tokenSeconds = "3600"

func newAuthorizer(c Credentials, origin *url.URL, scopes []string, h *http.Client) *authorizer {
	a := &authorizer{creds: c, http: h, turn: make(chan struct{}, 1), token: func() *oauth2.Token { return nil }}
	if c.kind != KindClient {
		return a
	}
	if scopes == nil {
		scopes = []string{"read"}
	}
	a.config = func() *clientcredentials.Config {
		return &clientcredentials.Config{
			ClientID:       c.who,
			ClientSecret:   c.key(),
			TokenURL:       origin.JoinPath("/oauth/tokens").String(),
			Scopes:         scopes,
			EndpointParams: url.Values{"expires_in": {tokenSeconds}},
			AuthStyle:      oauth2.AuthStyleInParams,
		}
	}
	return a
}

func (a *authorizer) header(ctx context.Context) (string, error) {
	switch a.creds.kind {
	case KindToken:
		return "Bearer " + a.creds.key(), nil
	case KindAPIToken:
		return a.creds.basic(), nil
	}
	select {
	case a.turn <- struct{}{}:
		defer func() { <-a.turn }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if t := a.token(); t.Valid() {
		return "Bearer " + t.AccessToken, nil
	}
	t, err := a.config().Token(context.WithValue(ctx, oauth2.HTTPClient, a.http))
	if err != nil {
		return "", tokenFailure(err)
	}
	a.token = func() *oauth2.Token { return t }
	return "Bearer " + t.AccessToken, nil
}

// expired reports that there was a token, and that its time is over.
func (a *authorizer) expired() bool {
	if a.config == nil {
		return false
	}
	a.turn <- struct{}{}
	defer func() { <-a.turn }()
	t := a.token()
	return t != nil && !t.Valid()
}

// scope is what the token was given, as the account wrote it; "" where it did not.
func (a *authorizer) scope() string {
	if a.config == nil {
		return ""
	}
	a.turn <- struct{}{}
	defer func() { <-a.turn }()
	if t := a.token(); t != nil {
		s, _ := t.Extra("scope").(string)
		return clip(s)
	}
	return ""
}

// tokenFailure words why there is no token, without the answer's text: it may
// repeat what was sent.
func tokenFailure(err error) error {
	const where = "POST /oauth/tokens"
	var retrieve *oauth2.RetrieveError
	var u *url.Error
	switch {
	case errors.As(err, &retrieve) && retrieve.Response != nil:
		f := failureOfStatus(retrieve.Response, retrieve.Body)
		switch f.Status { // RFC 6749, 5.2: invalid_client, invalid_scope; 200 with an error inside
		case http.StatusOK, http.StatusBadRequest, http.StatusForbidden:
			f.Kind = FailureCredentials
		}
		f.Detail = where
		return f
	case errors.As(err, &u), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err // the request itself: failureOf words it
	}
	return &Failure{Kind: FailureNotJSON, Detail: where + " gave no token"}
}
