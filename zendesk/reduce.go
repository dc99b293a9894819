package zendesk

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// The functions here make of an answer's object what facts keep of it. What is
// secret or personal goes here and nowhere later.

// originOf is the scheme, host and port of a URL. The rest may hold a secret:
// credentials, a query, and in the URLs of chat services the path.
func originOf(s Opt[string]) Opt[string] {
	link, ok := s.Get()
	if !ok {
		return s
	}
	if strings.TrimSpace(link) == "" {
		return Opt[string]{Is: Null}
	}
	u, err := url.Parse(strings.TrimSpace(link))
	if err != nil || u.Scheme == "" || u.Host == "" {
		return Opt[string]{}
	}
	return Some(strings.ToLower(u.Scheme) + "://" + originHost(u))
}

// domainOf is the part of an address behind the last @, in lower case.
func domainOf(address string) string {
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return ""
	}
	return strings.ToLower(strings.TrimSpace(address[at+1:]))
}

type userJSON struct {
	User
	Email    Opt[string] `json:"email"`
	Alias    Opt[string] `json:"alias"`
	Verified Bool        `json:"verified"`
	// As facts call it, so that no answer can set it.
	HasAlias Bool `json:"has_alias"`
	Outside  Bool `json:"outside_team_domains"`
}

func (u userJSON) reduce(teamDomains []string) User {
	kept := u.User
	switch kept.Role { // constants, so that the page is let go
	case "agent":
		kept.Role = "agent"
	case "admin":
		kept.Role = "admin"
	case "end-user":
		kept.Role = "end-user"
	}
	if u.Alias.Is != Absent {
		kept.HasAlias = boolOf(strings.TrimSpace(u.Alias.Value) != "")
	}
	if domain := domainOf(u.Email.Value); domain != "" && len(teamDomains) > 0 {
		kept.Outside = boolOf(!slices.Contains(teamDomains, domain))
	}
	return kept
}

type ruleJSON struct {
	ID        ID             `json:"id"`
	Title     string         `json:"title"`
	Active    Bool           `json:"active"`
	UpdatedAt Opt[time.Time] `json:"updated_at"`
	Actions   []struct {
		Field string          `json:"field"`
		Value json.RawMessage `json:"value"`
	} `json:"actions"`
	Conditions json.RawMessage `json:"conditions"`
}

// reduce reports whether the rule is active and notifies anybody.
func (r ruleJSON) reduce() (Notification, bool) {
	n := Notification{ID: r.ID, Title: clip(r.Title), UpdatedAt: r.UpdatedAt}
	sum := sha256.New()
	for _, a := range r.Actions {
		sum.Write([]byte(a.Field + "\x00"))
		sum.Write(compact(a.Value))
		if strings.HasPrefix(a.Field, "notification_") {
			n.Notifies = append(n.Notifies, Notified{Field: clip(a.Field), To: recipient(a.Value)})
		}
	}
	sum.Write(compact(r.Conditions))
	n.Hash = hex.EncodeToString(sum.Sum(nil)[:16])
	return n, r.Active != No && len(n.Notifies) > 0
}

func compact(raw json.RawMessage) []byte {
	var b bytes.Buffer
	_ = json.Compact(&b, raw)
	return b.Bytes()
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_]{1,64}$`)

// recipient is the first value of an action's, where it names somebody; texts and
// what else there is are not kept.
func recipient(value json.RawMessage) string {
	var list []json.RawMessage
	if json.Unmarshal(value, &list) == nil && len(list) > 0 {
		value = list[0]
	}
	var text string
	if json.Unmarshal(value, &text) != nil {
		text = string(bytes.TrimSpace(value)) // a number
	}
	if !plainWord.MatchString(text) || text == "null" {
		return "other"
	}
	return text
}

type targetJSON struct {
	Target
	Origin   json.RawMessage `json:"origin"`
	URL      Opt[string]     `json:"target_url"`
	Email    Opt[string]     `json:"email"`
	Username Opt[string]     `json:"username"`
}

func (t targetJSON) reduce() (Target, bool) {
	kept := t.Target
	kept.Title = clip(kept.Title)
	kept.Origin, kept.EmailDomain, kept.HasUsername = originOf(t.URL), Opt[string]{}, Unknown
	if domain := domainOf(t.Email.Value); domain != "" {
		kept.EmailDomain = Some(domain)
	}
	if t.Username.Is != Absent {
		kept.HasUsername = boolOf(t.Username.Value != "")
	}
	return kept, true
}

type webhookJSON struct {
	ID             string      `json:"id"`
	Name           string      `json:"name"`
	Status         Opt[string] `json:"status"`
	Endpoint       Opt[string] `json:"endpoint"`
	Authentication *struct {
		Type Opt[string] `json:"type"`
	} `json:"authentication"`
}

func (w webhookJSON) reduce() (Webhook, bool) {
	kept := Webhook{ID: clip(w.ID), Name: clip(w.Name), Status: w.Status, Origin: originOf(w.Endpoint)}
	kept.Authentication.Is = Null // the documentation leaves it out where there is none
	if w.Authentication != nil {
		kept.Authentication = w.Authentication.Type
	}
	return kept, true
}

type oauthAppJSON struct {
	OAuthApp
	RedirectOrigins json.RawMessage `json:"redirect_origins"`
	RedirectURI     json.RawMessage `json:"redirect_uri"` // a list, or lines
}

func (o oauthAppJSON) reduce() (OAuthApp, bool) {
	kept := o.OAuthApp
	kept.RedirectOrigins = nil
	var lines string
	var list []string
	if json.Unmarshal(o.RedirectURI, &list) != nil && json.Unmarshal(o.RedirectURI, &lines) == nil {
		list = strings.Fields(lines)
	}
	for _, link := range list {
		origin := originOf(Some(link))
		if v, ok := origin.Get(); ok && !slices.Contains(kept.RedirectOrigins, v) {
			kept.RedirectOrigins = append(kept.RedirectOrigins, v)
		}
	}
	return kept, true
}

type workspaceJSON struct {
	ID         ID     `json:"id"`
	Title      string `json:"title"`
	Activated  Bool   `json:"activated"`
	Conditions struct {
		All []json.RawMessage `json:"all"`
		Any []json.RawMessage `json:"any"`
	} `json:"conditions"`
}

func (w workspaceJSON) reduce() (Workspace, bool) {
	return Workspace{w.ID, clip(w.Title), w.Activated, len(w.Conditions.All) + len(w.Conditions.Any)}, true
}

type installedJSON struct {
	InstalledApp
	Restricted json.RawMessage `json:"restricted"`
	Settings   struct {        // other settings may be secrets
		Name  Opt[string] `json:"name"`
		Title Opt[string] `json:"title"`
	} `json:"settings"`
	Roles  []json.RawMessage `json:"role_restrictions"`
	Groups []json.RawMessage `json:"group_restrictions"`
}

func (i installedJSON) reduce() (InstalledApp, bool) {
	kept := i.InstalledApp
	kept.Name = or(i.Settings.Title.Value, i.Settings.Name.Value)
	kept.Restricted = boolOf(len(i.Roles)+len(i.Groups) > 0)
	return kept, true
}

type permissionJSON struct {
	ID      ID                `json:"id"`
	Name    string            `json:"name"`
	BuiltIn Bool              `json:"built_in"`
	Edit    []json.RawMessage `json:"edit"`
	Publish []json.RawMessage `json:"publish"`
}

func (p permissionJSON) reduce() (PermissionGroup, bool) {
	return PermissionGroup{p.ID, clip(p.Name), p.BuiltIn, len(p.Edit), len(p.Publish)}, true
}

type phoneJSON struct {
	PhoneNumber
	HasFailover  json.RawMessage `json:"has_failover"`
	FailoverLine json.RawMessage `json:"failover_line"`
	Failover     Opt[string]     `json:"failover_number"`
}

// reducePhones forgets the failover numbers, which may be people's own, once it
// is known which are lines of the account.
func reducePhones(lines []phoneJSON) []PhoneNumber {
	kept := make([]PhoneNumber, len(lines))
	byNumber := map[string]ID{}
	for _, l := range lines {
		byNumber[l.Number] = l.ID
	}
	for i, l := range lines {
		kept[i] = l.PhoneNumber
		kept[i].HasFailover, kept[i].FailoverLine = Unknown, 0
		if l.Failover.Is != Absent {
			kept[i].HasFailover = boolOf(l.Failover.Value != "")
			kept[i].FailoverLine = byNumber[l.Failover.Value]
		}
	}
	return kept
}

type suspendedJSON struct {
	Cause  Opt[string] `json:"cause"`
	Author struct {
		Email Opt[string] `json:"email"`
	} `json:"author"`
	CreatedAt Opt[time.Time] `json:"created_at"`
}

// The bounds of what is counted of suspended tickets.
const (
	maxCauses      = 50
	maxDomains     = 10_000 // while counting
	keptDomains    = 20
	minDomainCount = 5 // fewer tell of a person rather than of a sender of spam
)

type suspendedCounter struct {
	counts  SuspendedCounts
	domains map[string]int
}

func (c *suspendedCounter) add(t suspendedJSON) {
	c.counts.Total++
	if at, ok := t.CreatedAt.Get(); ok && (c.counts.Oldest.IsZero() || at.Before(c.counts.Oldest)) {
		c.counts.Oldest = at
	}
	cause := or(t.Cause.Value, "other")
	if c.counts.Causes == nil {
		c.counts.Causes, c.domains = map[string]int{}, map[string]int{}
	}
	if _, known := c.counts.Causes[cause]; !known && len(c.counts.Causes) >= maxCauses {
		cause = "other"
	}
	c.counts.Causes[cause]++
	if domain := domainOf(t.Author.Email.Value); domain != "" {
		if _, known := c.domains[domain]; known || len(c.domains) < maxDomains {
			c.domains[domain]++
		}
	}
}

func (c *suspendedCounter) result() *SuspendedCounts {
	for domain, n := range c.domains {
		if n >= minDomainCount {
			c.counts.Domains = append(c.counts.Domains, DomainCount{domain, n})
		}
	}
	slices.SortFunc(c.counts.Domains, func(a, b DomainCount) int {
		if a.Tickets != b.Tickets {
			return b.Tickets - a.Tickets
		}
		return strings.Compare(a.Domain, b.Domain)
	})
	c.counts.Domains = c.counts.Domains[:min(len(c.counts.Domains), keptDomains)]
	return &c.counts
}

type sessionJSON struct {
	UserID          ID             `json:"user_id"`
	AuthenticatedAt Opt[time.Time] `json:"authenticated_at"`
	LastSeenAt      Opt[time.Time] `json:"last_seen_at"`
}

func (a *SessionAges) add(s sessionJSON) {
	a.Sessions++
	if at, ok := s.AuthenticatedAt.Get(); ok && (a.OldestAuthenticated.IsZero() || at.Before(a.OldestAuthenticated)) {
		a.OldestAuthenticated = at
	}
	if at, ok := s.LastSeenAt.Get(); ok && (a.OldestSeen.IsZero() || at.Before(a.OldestSeen)) {
		a.OldestSeen = at
	}
}
