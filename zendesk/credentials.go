package zendesk

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"
)

// Credentials are how a Client shows who it is. However they are printed, as
// text, as JSON or in a log, they show their kind and whose they are, and no
// secret. The zero value is none.
type Credentials struct {
	kind Kind
	who  string        // the OAuth client's identifier, or an e-mail address
	key  func() string // a function, because fmt prints what unexported fields hold
}

// Kind is the kind of credentials.
type Kind string

// KindClient is what Zendesk advises. KindAPIToken is on its way out: see
// [Credentials.Warning].
const (
	KindClient   Kind = "oauth-client" // a confidential OAuth client, grant type client_credentials
	KindToken    Kind = "oauth-token"  // an OAuth access token, as bearer
	KindAPIToken Kind = "api-token"    // an API token, as "EMAIL/token:TOKEN"
)

// ErrNoCredentials says that the environment has none.
var ErrNoCredentials = errors.New("zendesk: no credentials: set ZENDESK_OAUTH_CLIENT_ID and ZENDESK_OAUTH_CLIENT_SECRET, or ZENDESK_OAUTH_TOKEN")

// OAuthClient are the credentials of a confidential OAuth client: the identifier
// (not the numeric id) and the secret.
func OAuthClient(identifier, secret string) Credentials {
	return Credentials{KindClient, identifier, func() string { return secret }}
}

// OAuthToken is an OAuth access token.
func OAuthToken(token string) Credentials {
	return Credentials{KindToken, "", func() string { return token }}
}

// APIToken is an API token, and the e-mail address of the user that it acts for.
func APIToken(email, token string) Credentials {
	return Credentials{KindAPIToken, email, func() string { return token }}
}

// CredentialsFromEnv reads, through getenv (os.Getenv, say), the first of
//
//	ZENDESK_OAUTH_CLIENT_ID and ZENDESK_OAUTH_CLIENT_SECRET
//	ZENDESK_OAUTH_TOKEN
//	ZENDESK_EMAIL and ZENDESK_API_TOKEN
//
// Each name may instead end in _FILE and name a file with the value; white space
// around it is dropped. The first line of which anything is set is what is meant:
// the lines below it are not looked at, and where half of it is missing that is
// an error, as are a name and its _FILE form together, and an empty file. An
// empty variable counts as not set. No error holds a secret.
func CredentialsFromEnv(getenv func(string) string) (Credentials, error) {
	pairs := []struct {
		names []string
		make  func(v []string) Credentials
	}{
		{[]string{"ZENDESK_OAUTH_CLIENT_ID", "ZENDESK_OAUTH_CLIENT_SECRET"}, func(v []string) Credentials { return OAuthClient(v[0], v[1]) }},
		{[]string{"ZENDESK_OAUTH_TOKEN"}, func(v []string) Credentials { return OAuthToken(v[0]) }},
		{[]string{"ZENDESK_EMAIL", "ZENDESK_API_TOKEN"}, func(v []string) Credentials { return APIToken(v[0], v[1]) }},
	}
	for _, p := range pairs {
		values, missing := []string{}, ""
		for _, name := range p.names {
			v, err := env(getenv, name)
			if err != nil {
				return Credentials{}, err
			}
			if v == "" {
				missing = name
				continue
			}
			values = append(values, v)
		}
		switch {
		case len(values) == 0:
		case missing != "":
			return Credentials{}, fmt.Errorf("zendesk: credentials: %s is missing, without which the others of %s are no use", missing, strings.Join(p.names, ", "))
		default:
			c := p.make(values)
			return c, c.check()
		}
	}
	return Credentials{}, ErrNoCredentials
}

// secretMax is far above the length of any secret.
const secretMax = 64 << 10

func env(getenv func(string) string, name string) (string, error) {
	value, path := getenv(name), getenv(name+"_FILE")
	switch {
	case path == "":
		return value, nil
	case value != "":
		return "", fmt.Errorf("zendesk: credentials: %s and %s_FILE are both set", name, name)
	}
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("zendesk: credentials: %s_FILE: %w", name, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, secretMax))
	if err != nil {
		return "", fmt.Errorf("zendesk: credentials: %s_FILE: %w", name, err)
	}
	if value = strings.TrimSpace(string(data)); value == "" {
		return "", fmt.Errorf("zendesk: credentials: %s_FILE: %s is empty", name, path)
	}
	return value, nil
}

// check refuses what cannot stand in a header.
func (c Credentials) check() error {
	if c.key == nil {
		return errors.New("zendesk: no credentials")
	}
	secret := c.key()
	odd := func(r rune) bool { return r <= ' ' || r > '~' }
	switch {
	case secret == "":
		return fmt.Errorf("zendesk: credentials: the secret of the %s is empty", c.kind)
	case strings.ContainsFunc(secret, odd):
		return fmt.Errorf("zendesk: credentials: the secret of the %s has a blank, a control character or one outside of ASCII", c.kind)
	case c.kind == KindAPIToken && (!strings.Contains(c.who, "@") || strings.ContainsFunc(c.who, odd) || strings.Contains(c.who, ":")):
		return errors.New("zendesk: credentials: an API token needs the e-mail address of its user")
	case c.kind == KindClient && (c.who == "" || strings.ContainsFunc(c.who, odd)):
		return errors.New("zendesk: credentials: an OAuth client needs its identifier")
	}
	return nil
}

// Kind returns the kind, "" for none.
func (c Credentials) Kind() Kind { return c.kind }

// Warning says what an operator should know about credentials of this kind at a
// time, "" for nothing. Zendesk ends API tokens in steps: since 2026-07-28 one
// that is not used for 30 days is deactivated, since 2026-10-27 none can be
// created, and on 2027-04-30 all stop.
func (c Credentials) Warning(at time.Time) string {
	if c.kind != KindAPIToken {
		return ""
	}
	const instead = "; use an OAuth client (ZENDESK_OAUTH_CLIENT_ID and ZENDESK_OAUTH_CLIENT_SECRET) instead"
	day := func(year int, month time.Month, day int) time.Time {
		return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	}
	switch {
	case !at.Before(day(2027, time.April, 30)):
		return "Zendesk deactivated all API tokens on 2027-04-30" + instead
	case !at.Before(day(2026, time.October, 27)):
		return "Zendesk deactivates all API tokens on 2027-04-30, one that is not used for 30 days before that, and no new ones can be created" + instead
	}
	return "Zendesk ends API tokens: no new ones from 2026-10-27, all are deactivated on 2027-04-30" + instead
}

// String says of what kind the credentials are, and whose.
func (c Credentials) String() string {
	switch {
	case c.kind == "":
		return "no credentials"
	case c.who == "":
		return string(c.kind)
	}
	return string(c.kind) + " " + c.who
}

// GoString is String.
func (c Credentials) GoString() string { return "zendesk.Credentials(" + c.String() + ")" }

// Format prints String, whatever the verb.
func (c Credentials) Format(f fmt.State, verb rune) {
	if verb == 'v' && f.Flag('#') {
		io.WriteString(f, c.GoString())
		return
	}
	io.WriteString(f, c.String())
}

// MarshalText writes String, for JSON and others.
func (c Credentials) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// LogValue is String.
func (c Credentials) LogValue() slog.Value { return slog.StringValue(c.String()) }

// basic is the Authorization of an API token.
func (c Credentials) basic() string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(c.who+"/token:"+c.key()))
}
