package zendesk

import (
	"context"
	"encoding/json"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// discovery is one run of Discover. Every endpoint writes fields of facts of its
// own, so only the replies need a lock.
type discovery struct {
	client  *Client
	options Options
	facts   *Facts

	mu sync.Mutex // of facts.Endpoints
}

// ask reads one endpoint: how many items, and when.
type ask func(ctx context.Context, e Endpoint) (items int, at time.Time, f *Failure)

func (d *discovery) run(ctx context.Context, e Endpoint, read ask) {
	if slices.Contains(d.options.Skip, e) {
		return
	}
	d.client.report(Progress{Endpoint: e})
	items, at, f := read(ctx, e)
	d.client.report(Progress{Endpoint: e, Items: items, Done: true})
	d.mu.Lock()
	defer d.mu.Unlock()
	d.facts.Endpoints[e] = replyOf(e, at, items, f)
}

// all asks everything but users/me. How many requests are under way at once, the
// client decides.
func (d *discovery) all(ctx context.Context) {
	f := d.facts
	asks := map[Endpoint]ask{
		EndpointSettings:         object(d, &f.Settings),
		EndpointSecurity:         object(d, &f.Security),
		EndpointSupportAddresses: list(d, &f.SupportAddresses, address),
		EndpointTeam:             list(d, &f.Team, d.member),
		EndpointEndUserCount:     object(d, &f.EndUserCount),
		EndpointRoles:            list(d, &f.Roles, same),
		EndpointSessions:         d.sessions,
		EndpointTriggers:         list(d, &f.Triggers, ruleJSON.reduce),
		EndpointAutomations:      list(d, &f.Automations, ruleJSON.reduce),
		EndpointTargets:          list(d, &f.Targets, targetJSON.reduce),
		EndpointWebhooks:         list(d, &f.Webhooks, webhookJSON.reduce),
		EndpointOAuthClients:     list(d, &f.OAuthClients, oauthAppJSON.reduce),
		EndpointGlobalClients:    list(d, &f.GlobalClients, oauthAppJSON.reduce),
		EndpointOAuthTokens:      list(d, &f.OAuthTokens, same),
		EndpointAPITokens:        d.count,
		EndpointAuditLog:         list(d, &f.AuditLog, same),
		EndpointAPITokenEvents:   list(d, &f.APITokenEvents, same),
		EndpointAccessLog:        d.count,
		EndpointSuspended:        d.suspended,
		EndpointDeletion:         list(d, &f.DeletionSchedules, same),
		EndpointTicketFields:     list(d, &f.TicketFields, same),
		EndpointUserFields:       list(d, &f.UserFields, same),
		EndpointTicketForms:      list(d, &f.TicketForms, same),
		EndpointWorkspaces:       list(d, &f.Workspaces, workspaceJSON.reduce),
		EndpointSharing:          list(d, &f.Sharing, same),
		EndpointInstalledApps:    list(d, &f.InstalledApps, installedJSON.reduce),
		EndpointOwnedApps:        list(d, &f.OwnedApps, same),
		EndpointPhoneNumbers:     d.phones,
		EndpointUserSegments:     list(d, &f.UserSegments, same),
		EndpointGuidePermissions: list(d, &f.GuidePermissions, permissionJSON.reduce),
	}
	if d.options.EndUsers {
		asks[EndpointEndUsers] = d.endUsers
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		d.run(ctx, EndpointBrands, list(d, &f.Brands, same))
		d.afterBrands(ctx)
	})
	for _, e := range Endpoints() {
		if read, ok := asks[e]; ok {
			wg.Go(func() { d.run(ctx, e, read) })
		}
	}
	wg.Wait()
	d.run(ctx, EndpointNamedUsers, d.namedUsers)
}

// afterBrands asks about host names, where the brands are known.
func (d *discovery) afterBrands(ctx context.Context) {
	d.mu.Lock()
	brands, asked := d.facts.Endpoints[EndpointBrands]
	if none := asked && brands.Failure != nil && len(d.facts.Brands) == 0; none && !slices.Contains(d.options.Skip, EndpointHostMappings) {
		d.facts.Endpoints[EndpointHostMappings] = Reply{State: StateNotAsked, Because: EndpointBrands}
		asked = false
	}
	d.mu.Unlock()
	if asked {
		d.run(ctx, EndpointHostMappings, d.hostMappings)
	}
}

// same keeps an item as it is.
func same[T any](v T) (T, bool) { return v, true }

// object reads an endpoint that gives one object, under the endpoint's key.
func object[T any](d *discovery, into **T) ask {
	return func(ctx context.Context, e Endpoint) (int, time.Time, *Failure) {
		s := sources[e]
		body, f := d.client.get(ctx, e, s.url(d.client.origin))
		if f != nil {
			return 0, time.Time{}, f
		}
		var envelope map[string]json.RawMessage
		tolerant(body, &envelope)
		if _, ok := envelope[s.key]; !ok {
			return 0, now(), &Failure{Kind: FailureShape, Detail: "want an object " + s.key}
		}
		v := new(T)
		f = decode(envelope[s.key], v, s.key)
		*into = v
		return 0, now(), f
	}
}

// list reads a list, and keeps what reduce makes of its items, up to MaxItems.
func list[W, T any](d *discovery, into *[]T, reduce func(W) (T, bool)) ask {
	return func(ctx context.Context, e Endpoint) (int, time.Time, *Failure) {
		return d.client.list(ctx, e, each(sources[e].key, func(w W) *Failure {
			v, ok := reduce(w)
			if !ok {
				return nil
			}
			if len(*into) >= d.options.MaxItems {
				return d.full()
			}
			shorten(reflect.ValueOf(&v).Elem())
			*into = append(*into, v)
			return nil
		}))
	}
}

// nameMax is how many octets are kept of a name, title or other text in a list.
const nameMax = 1000

// shorten bounds the texts of an item, so that a list's memory is bounded by its
// number of items.
func shorten(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		if s := v.String(); len(s) > nameMax {
			v.SetString(strings.ToValidUTF8(s[:nameMax], "") + "…")
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for i := range v.NumField() {
			shorten(v.Field(i))
		}
	case reflect.Slice:
		for i := range v.Len() {
			shorten(v.Index(i))
		}
	}
}

func (d *discovery) full() *Failure {
	return &Failure{Kind: FailureLimit, Detail: strconv.Itoa(d.options.MaxItems) + " were kept"}
}

// each decodes an item and hands it over. An item of an odd shape counts as far as
// it could be read, and is said.
func each[W any](key string, keep func(W) *Failure) func(json.RawMessage) *Failure {
	return func(raw json.RawMessage) *Failure {
		var w W
		odd := decode(raw, &w, key)
		if f := keep(w); f != nil {
			return f
		}
		return odd
	}
}

func (d *discovery) me(ctx context.Context, e Endpoint) (int, time.Time, *Failure) {
	var user *User
	_, at, f := object(d, &user)(ctx, e)
	switch {
	case user == nil && f.Kind == FailureNotOnPlan: // nobody lacks this
		f.Kind = FailureStatus
		return 0, at, f
	case user == nil:
		return 0, at, f
	case user.ID == 0: // a 200 for nobody: the endpoint is open to anonymous users
		return 0, at, &Failure{Kind: FailureCredentials, Detail: "the account answered as to nobody"}
	}
	d.facts.Me = &Me{
		Credentials: d.client.creds.Kind(), Scope: d.client.auth.scope(),
		ID: user.ID, Role: clip(user.Role), RoleType: user.RoleType, CustomRoleID: user.CustomRoleID,
	}
	return 0, at, f
}

func address(a SupportAddress) (SupportAddress, bool) {
	a.DNSResults = compact(a.DNSResults)
	if len(a.DNSResults) > 1000 || string(a.DNSResults) == "null" {
		a.DNSResults = nil
	}
	return a, true
}

// member keeps the team, also where the account does not heed the role asked for.
func (d *discovery) member(u userJSON) (User, bool) {
	return u.reduce(d.facts.Given.TeamDomains), u.Role != "end-user"
}

func (d *discovery) endUsers(ctx context.Context, e Endpoint) (int, time.Time, *Failure) {
	counts := &UserCounts{}
	d.facts.EndUsers = counts
	return d.client.list(ctx, e, each(sources[e].key, func(u userJSON) *Failure {
		if u.Role != "end-user" {
			return nil
		}
		counts.Total++
		if u.Suspended == Yes {
			counts.Suspended++
		}
		if u.Verified == No {
			counts.Unverified++
		}
		if u.LastLogin.Is == Null {
			counts.Never++
		}
		return nil
	}))
}

// count reads a list of which only the length is kept.
func (d *discovery) count(ctx context.Context, e Endpoint) (int, time.Time, *Failure) {
	return d.client.list(ctx, e, func(json.RawMessage) *Failure { return nil })
}

func (d *discovery) suspended(ctx context.Context, e Endpoint) (int, time.Time, *Failure) {
	var c suspendedCounter
	items, at, f := d.client.list(ctx, e, each(sources[e].key, func(t suspendedJSON) *Failure {
		c.add(t)
		return nil
	}))
	if f == nil || items > 0 {
		d.facts.Suspended = c.result()
	}
	return items, at, f
}

func (d *discovery) sessions(ctx context.Context, e Endpoint) (int, time.Time, *Failure) {
	byUser := map[ID]int{}
	kept := &d.facts.Sessions
	return d.client.list(ctx, e, each(sources[e].key, func(s sessionJSON) *Failure {
		i, known := byUser[s.UserID]
		if !known {
			if len(*kept) >= d.options.MaxItems {
				return d.full()
			}
			i = len(*kept)
			byUser[s.UserID] = i
			*kept = append(*kept, SessionAges{UserID: s.UserID})
		}
		(*kept)[i].add(s)
		return nil
	}))
}

func (d *discovery) phones(ctx context.Context, e Endpoint) (int, time.Time, *Failure) {
	var lines []phoneJSON
	items, at, f := list(d, &lines, same)(ctx, e)
	d.facts.PhoneNumbers = reducePhones(lines)
	return items, at, f
}

// hostMappings asks what Zendesk thinks of every brand's host name. Its failures
// stand beside the brands; the first is the endpoint's.
func (d *discovery) hostMappings(ctx context.Context, e Endpoint) (items int, at time.Time, first *Failure) {
	d.mu.Lock()
	brands := d.facts.Endpoints[EndpointBrands]
	d.mu.Unlock()
	first = brands.Failure
	for _, b := range d.facts.Brands {
		host, _ := b.HostMapping.Get()
		if host == "" || b.Deleted == Yes {
			continue
		}
		m := HostMapping{BrandID: b.ID, Host: host}
		u := d.client.origin.JoinPath(strings.Replace(sources[e].path, "ID", strconv.FormatInt(int64(b.ID), 10), 1))
		body, f := d.client.get(ctx, e, u)
		if f == nil {
			at = now()
			f = decode(body, &m, "check_host_mapping")
			m.BrandID, m.Host = b.ID, host
		}
		if m.Failure = f; f != nil && first == nil {
			first = f
		}
		d.facts.HostMappings = append(d.facts.HostMappings, m)
		items++
		d.client.report(Progress{Endpoint: e, Items: items})
	}
	return items, at, first
}

// The bounds of show_many: ids in one request, and in all.
const (
	idsAtOnce = 100
	maxNamed  = 1000
)

// namedUsers asks for the users that rules, tokens and clients name and that are
// not of the team: deleted ones, and end users.
func (d *discovery) namedUsers(ctx context.Context, e Endpoint) (items int, at time.Time, failed *Failure) {
	ids := d.named()
	if len(ids) > maxNamed {
		ids = ids[:maxNamed]
		failed = &Failure{Kind: FailureLimit, Detail: strconv.Itoa(maxNamed) + " were asked for"}
	}
	for some := range slices.Chunk(ids, idsAtOnce) {
		words := make([]string, len(some))
		for i, id := range some {
			words[i] = strconv.FormatInt(int64(id), 10)
		}
		u := d.client.origin.JoinPath(sources[e].path)
		u.RawQuery = url.Values{"ids": {strings.Join(words, ",")}}.Encode()
		body, f := d.client.get(ctx, e, u)
		if f != nil {
			return items, at, f
		}
		at = now()
		p, f := readPage(body, sources[e].key, u)
		if f != nil {
			return items, at, f
		}
		for _, raw := range p.items[:min(len(p.items), idsAtOnce)] {
			items++
			if f := each(sources[e].key, func(w userJSON) *Failure {
				d.facts.NamedUsers = append(d.facts.NamedUsers, w.reduce(d.facts.Given.TeamDomains))
				return nil
			})(raw); f != nil {
				failed = f
			}
		}
	}
	return items, at, failed
}

func (d *discovery) named() []ID {
	team := map[ID]bool{0: true}
	for _, u := range d.facts.Team {
		team[u.ID] = true
	}
	var ids []ID
	add := func(id ID) {
		if !team[id] {
			team[id] = true
			ids = append(ids, id)
		}
	}
	for _, n := range slices.Concat(d.facts.Triggers, d.facts.Automations) {
		for _, to := range n.Notifies {
			if id, ok := to.UserID(); ok {
				add(id)
			}
		}
	}
	for _, t := range d.facts.OAuthTokens {
		add(t.UserID)
	}
	for _, c := range d.facts.OAuthClients {
		add(c.UserID)
	}
	return ids
}

// UserID is the user that is named, if it is one by number.
func (n Notified) UserID() (ID, bool) {
	if n.Field != "notification_user" && n.Field != "notification_sms_user" {
		return 0, false
	}
	id, err := strconv.ParseInt(n.To, 10, 64)
	return ID(id), err == nil && id > 0
}
