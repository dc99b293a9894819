package zendesk

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/mailcheck-go/mailcheck/check"
)

func api(s Settings) []rule {
	return []rule{apiPassword(), apiToken(s), oauthClients(s), apiTokenStorage()}
}

func apiPassword() rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.api-password",
			Severity: check.High,
			Title:    "The API can be used with passwords",
			Text: "Where the API takes passwords, a guessed or stolen one gives all that its owner may do, without a second factor and without SSO. " +
				"Zendesk ended this for agents and admins in January 2026; end users of closed help centers may still be allowed it.",
			Fix:   "In Admin Center, under Apps and integrations > APIs > API configuration, turn off password access.",
			Cite:  []check.Cite{theList(70), guide("8662004958746"), guide("9941874259354"), reference("account_settings")},
			Since: since,
		},
		reads: []Endpoint{EndpointSettings},
		check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			of := a.settings().API
			if of.PasswordAccess == Unknown && of.PasswordAccessEndUsers == Unknown {
				return nil, a.absent(EndpointSettings, "api.api_password_access, api_password_access_end_users")
			}
			// Accounts show the one, the other or both: newer ones have no field for the team.
			findings, _ := a.setting(EndpointSettings, "api.api_password_access", of.PasswordAccess, Yes,
				check.Finding{Detail: check.Textf("the API takes passwords")})
			endUsers, _ := a.setting(EndpointSettings, "api.api_password_access_end_users", of.PasswordAccessEndUsers, Yes,
				check.Finding{Severity: check.Medium, Detail: check.Textf("the API takes the passwords of end users")})
			return append(findings, endUsers...), nil
		},
	}
}

// noAPITokens is the day from which API tokens do not work any more, and
// migrationDays how long before it their use is grave.
var noAPITokens = time.Date(2027, time.April, 30, 0, 0, 0, 0, time.UTC)

const migrationDays = 90

func apiToken(s Settings) rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.api-token",
			Severity: check.High,
			Title:    "The API can be used with API tokens",
			Text: "An API token has no scope and no end: whoever has one may do through the API whatever any user of the account may. " +
				"Zendesk gives out no new ones since 2026-10-27, turns off those that are not used for 30 days, and all of them on 2027-04-30; what still uses one then stops.",
			Fix:   "Move what uses API tokens to OAuth clients with narrow scopes; then turn off token access in Admin Center, under Apps and integrations > APIs > API configuration.",
			Cite:  []check.Cite{theList(71), guide("8662004958746"), guide("10840968198042"), reference("account_settings")},
			Since: since,
		},
		reads: []Endpoint{EndpointSettings},
		check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			findings, gaps := a.setting(EndpointSettings, "api.api_token_access", a.settings().API.TokenAccess, Yes, check.Finding{})
			if len(findings) == 0 {
				return nil, gaps
			}
			f := &findings[0]
			f.Severity, f.Detail, gaps = tokensUntil(s.now(a))
			if a.Seen(EndpointAPITokens) {
				f.Evidence = append(f.Evidence, evidence(EndpointAPITokens, "%d tokens", a.Endpoints[EndpointAPITokens].Items)...)
			}
			return findings, gaps
		},
	}
}

// tokensUntil judges that API tokens are allowed at a time.
func tokensUntil(now time.Time) (check.Severity, check.Text, []check.Gap) {
	end := noAPITokens.Format(day)
	switch left := noAPITokens.Sub(now); {
	case now.IsZero():
		return check.Medium, check.Textf("API tokens are allowed; all of them stop working on %s", end), []check.Gap{{Subject: "the time of the facts", Why: check.NotAsked}}
	case left <= 0:
		return check.Low, check.Textf("API tokens are allowed, though none of them works since %s", end), nil
	case left <= migrationDays*24*time.Hour:
		return check.High, check.Textf("API tokens are allowed, and all of them stop working on %s, in %d days", end, daysIn(left)), nil
	default:
		return check.Medium, check.Textf("API tokens are allowed; all of them stop working on %s, in %d days", end, daysIn(left)), nil
	}
}

// daysIn rounds up: what is left of a day counts.
func daysIn(d time.Duration) int { return int((d + 24*time.Hour - 1) / (24 * time.Hour)) }

func oauthClients(s Settings) rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.oauth-clients",
			Severity: check.High,
			Title:    "OAuth tokens and clients may do more, and for longer, than they need",
			Text: "An OAuth token acts as the user who owns it, within its scopes, until it runs out or somebody revokes it. " +
				"One that nobody uses, that never ends, or that was handed over an unencrypted redirect is a way in that nobody watches.",
			Fix:   "In Admin Center, under Apps and integrations > APIs > OAuth clients, delete clients and tokens that are not in use, limit the scopes, and let tokens expire.",
			Cite:  []check.Cite{theList(71), guide("8889508417946"), guide("11093380955674"), reference("oauth_clients"), reference("oauth_tokens")},
			Since: since,
		},
		reads: []Endpoint{EndpointOAuthClients, EndpointOAuthTokens, EndpointTeam, EndpointNamedUsers},
		check: func(a *Analysis) ([]check.Finding, []check.Gap) {
			limit, gaps := daysAgo(a, s, s.StaleDays)
			t := tokens{Analysis: a, since: limit}
			t.sort(s.now(a))
			if t.silent {
				gaps = append(gaps, a.absent(EndpointOAuthTokens, "tokens[].expires_at, used_at")...)
			}
			return slices.Concat(t.redirects(), t.findings(s)), gaps
		},
	}
}

// tokens are the account's OAuth tokens that work, by what is wrong with them.
type tokens struct {
	*Analysis
	since  time.Time // unused before it; zero: not known
	silent bool      // some do not show when they were used or run out

	endless, unused, unusedAdmin, impersonate, write, orphaned []Token
}

func (t *tokens) sort(now time.Time) {
	all := len(t.missing(EndpointTeam, EndpointNamedUsers)) == 0
	for _, token := range t.OAuthTokens {
		if end, ok := token.ExpiresAt.Get(); ok && end.Before(now) {
			continue
		}
		user, found := t.User(token.UserID)
		unused, shown := token.unused(t.since)
		t.silent = t.silent || !shown || token.ExpiresAt.Is == Absent
		add := func(to *[]Token, is bool) {
			if is {
				*to = append(*to, token)
			}
		}
		add(&t.endless, token.ExpiresAt.Is == Null)
		add(&t.unusedAdmin, unused && user.Role == "admin" && token.may("write"))
		add(&t.unused, unused && !(user.Role == "admin" && token.may("write")))
		add(&t.impersonate, token.may("impersonate"))
		add(&t.write, token.may("write"))
		gone := !found && token.UserID != 0 && all
		add(&t.orphaned, gone || user.Suspended == Yes || user.Active == No)
	}
}

// may reports whether a token has a scope for all resources.
func (t Token) may(scope string) bool {
	return slices.ContainsFunc(t.Scopes, func(s string) bool { return slices.Contains(strings.Fields(s), scope) })
}

// unused reports that nobody used a token since a time, and whether that is shown.
func (t Token) unused(since time.Time) (unused, shown bool) {
	if at, ok := t.UsedAt.Get(); ok {
		return at.Before(since), true
	}
	created, known := t.CreatedAt.Get()
	return t.UsedAt.Is == Null && known && created.Before(since), t.UsedAt.Is == Null && known
}

func (t *tokens) findings(s Settings) (findings []check.Finding) {
	for _, of := range []struct {
		tokens   []Token
		severity check.Severity
		detail   check.Text
	}{
		{t.unusedAdmin, check.High, check.Textf("tokens of admins that may write, and that nobody used for %d days: %d", s.StaleDays, len(t.unusedAdmin))},
		{t.orphaned, check.Medium, check.Textf("tokens of users who are suspended or gone: %d", len(t.orphaned))},
		{t.unused, check.Medium, check.Textf("tokens that nobody used for %d days: %d", s.StaleDays, len(t.unused))},
		{t.endless, check.Medium, check.Textf("tokens that never run out: %d", len(t.endless))},
		{t.impersonate, check.Medium, check.Textf("tokens that may act as any user (impersonate): %d", len(t.impersonate))},
		{t.write, check.Low, check.Textf("tokens that may write everything (write), and not one kind of object alone: %d", len(t.write))},
	} {
		if len(of.tokens) > 0 {
			findings = append(findings, check.Finding{
				Subject: t.subject(), Severity: of.severity, Detail: of.detail,
				Evidence: named(EndpointOAuthTokens, of.tokens, t.name),
			})
		}
	}
	return findings
}

func (t *tokens) name(token Token) string {
	i := slices.IndexFunc(t.OAuthClients, func(c OAuthApp) bool { return c.ID == token.ClientID })
	client := fmt.Sprintf("client %d", token.ClientID)
	if i >= 0 {
		client += " " + t.OAuthClients[i].Name
	}
	return fmt.Sprintf("token %d, %s, %s, scopes %s", token.ID, client, t.userPage(token.UserID), strings.Join(token.Scopes, " "))
}

// redirects finds clients to which tokens are handed over without encryption.
func (t *tokens) redirects() []check.Finding {
	var open []OAuthApp
	for _, c := range t.OAuthClients {
		if slices.ContainsFunc(c.RedirectOrigins, unencrypted) {
			open = append(open, c)
		}
	}
	if len(open) == 0 {
		return nil
	}
	return []check.Finding{{
		Subject: t.subject(),
		Detail:  check.Textf("clients with a redirect URL without encryption (http), so that whoever is on the way can take the token: %d", len(open)),
		Evidence: named(EndpointOAuthClients, open, func(c OAuthApp) string {
			return fmt.Sprintf("client %d %s: %s", c.ID, c.Name, strings.Join(c.RedirectOrigins, " "))
		}),
	}}
}

// unencrypted reports that an origin is plain HTTP, and not on the user's own machine.
func unencrypted(origin string) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Scheme != "http" {
		return false
	}
	host := u.Hostname()
	return host != "localhost" && !strings.HasSuffix(host, ".localhost") && !strings.HasPrefix(host, "127.") && host != "::1"
}

func apiTokenStorage() rule {
	return rule{
		Doc: check.Doc{
			ID:       "zendesk.api-token-storage",
			Severity: check.Medium,
			Title:    "API tokens are kept where others can read them",
			Text: "A token in source code, in a build log or in a script on somebody's machine is read by everybody who gets there, and an API token opens the whole account. " +
				"No interface shows where tokens are kept.",
			Fix:   "Keep tokens in a secret manager, outside the applications that use them; prefer OAuth clients; replace what was ever written elsewhere.",
			Cite:  []check.Cite{theList(72), guide("10840968198042")},
			Since: since,
		},
		applies:  func(a *Analysis) (bool, []check.Gap) { return a.settings().API.TokenAccess != No, nil },
		question: "Are all API tokens kept in a secret manager, outside the applications that use them?",
	}
}
