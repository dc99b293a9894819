// Package zendesktest is a Zendesk account as an HTTP server, for tests: those of
// this project and those of programs that import it.
//
//	s := zendesktest.NewServer(&zendesktest.Account{Token: "t", Brands: zendesktest.Items(…)})
//	defer s.Close()
//	c, err := zendesk.NewClient(s.URL, zendesk.OAuthToken("t"), zendesk.ClientOptions{})
//
// An [Account] says what the server shows; [Server.Fail] makes an endpoint go
// wrong in any way that a [Fault] can say; [Server.Requests] is what was asked.
// The server grants nothing but reading: what is no GET, but for the request of
// a token, is refused and noted.
//
// [NewServer] listens on loopback. [NewPipe] uses no socket at all, so that a
// test in a bubble of testing/synctest sees its waits pass at once; its client
// needs the server as dialer.
package zendesktest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Server is a running account.
type Server struct {
	URL     string
	account *Account
	close   func()
	dial    func(ctx context.Context, network, address string) (net.Conn, error)

	mu       sync.Mutex
	requests []Request
	faults   map[string][]*Fault
	window   time.Time // when the minute of the rate limit began
	used     int
	found    map[string][]int // items that a query asks for
}

// Request is one that came.
type Request struct {
	At            time.Time
	Method        string
	Path          string
	Query         url.Values
	Authorization string // the scheme alone: "Bearer", "Basic", or ""
	Host          string
}

// NewServer starts a server on loopback, without TLS.
func NewServer(a *Account) *Server {
	s := &Server{account: a, dial: new(net.Dialer).DialContext}
	h := httptest.NewServer(s)
	s.URL, s.close = h.URL, h.Close
	return s
}

// NewTLSServer starts a server on loopback with a certificate of httptest's.
func NewTLSServer(a *Account) (*Server, *httptest.Server) {
	s := &Server{account: a, dial: new(net.Dialer).DialContext}
	h := httptest.NewTLSServer(s)
	s.URL, s.close = h.URL, h.Close
	return s, h
}

// NewPipe starts a server that only its own DialContext reaches.
func NewPipe(a *Account) *Server {
	l := &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
	s := &Server{URL: "http://127.0.0.1:1", account: a, dial: l.dial}
	h := &http.Server{Handler: s}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		_ = h.Serve(l)
	}()
	s.close = func() {
		_ = h.Close()
		<-stopped
	}
	return s
}

// Close ends the server.
func (s *Server) Close() { s.close() }

// DialContext connects to the server, whatever the address.
func (s *Server) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return s.dial(ctx, network, address)
}

// Requests are those that came so far.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Fail makes requests for a path, such as "/api/v2/brands", go wrong; "" takes
// every path below /api/. Of several faults of one path, the first that is not used up counts.
func (s *Server) Fail(path string, f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.faults == nil {
		s.faults = map[string][]*Fault{}
	}
	s.faults[path] = append(s.faults[path], &f)
}

// ServeHTTP answers as the account does.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimSuffix(r.URL.Path, ".json")
	fault, wait := s.note(path, r)
	switch {
	case wait > 0:
		w.Header().Set("Retry-After", strconv.Itoa(int(wait/time.Second)+1))
		fail(w, http.StatusTooManyRequests, "TooManyRequests")
	case fault != nil:
		s.misbehave(w, r, path, fault)
	default:
		s.answer(w, r, path)
	}
}

// note writes a request down, finds its fault, and counts it against the limit.
func (s *Server) note(path string, r *http.Request) (fault *Fault, wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	now := time.Now()
	s.requests = append(s.requests, Request{now, r.Method, path, r.URL.Query(), scheme, r.Host})
	if s.account.PerMinute > 0 && strings.HasPrefix(path, "/api/") {
		if now.Sub(s.window) >= time.Minute {
			s.window, s.used = now, 0
		}
		if s.used++; s.used > s.account.PerMinute {
			return nil, s.window.Add(time.Minute).Sub(now)
		}
	}
	find := func(key string) *Fault {
		for _, f := range s.faults[key] {
			if f.applies(r) {
				return f
			}
		}
		return nil
	}
	if fault = find(path); fault == nil && strings.HasPrefix(path, "/api/") {
		fault = find("")
	}
	return fault, 0
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request, path string) {
	switch {
	case path == "/oauth/tokens" && r.Method == http.MethodPost:
		s.grant(w, r)
	case r.Method != http.MethodGet:
		fail(w, http.StatusMethodNotAllowed, "MethodNotAllowed")
	case !s.knows(r):
		fail(w, http.StatusUnauthorized, "Couldn't authenticate you")
	default:
		s.show(w, r, path)
	}
}

func (s *Server) knows(r *http.Request) bool {
	user, password, basic := r.BasicAuth()
	a := s.account
	if basic {
		return a.APIToken != "" && user == a.Email+"/token" && password == a.APIToken
	}
	return a.Token != "" && r.Header.Get("Authorization") == "Bearer "+a.Token
}

// grant answers POST /oauth/tokens, with parameters as form or as JSON.
func (s *Server) grant(w http.ResponseWriter, r *http.Request) {
	var p struct {
		GrantType string `json:"grant_type"`
		ID        string `json:"client_id"`
		Secret    string `json:"client_secret"`
		Scope     string `json:"scope"`
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		_ = json.NewDecoder(r.Body).Decode(&p)
	} else {
		p.GrantType, p.ID, p.Secret, p.Scope = r.PostFormValue("grant_type"), r.PostFormValue("client_id"), r.PostFormValue("client_secret"), r.PostFormValue("scope")
	}
	a := s.account
	if p.GrantType != "client_credentials" || a.ClientID == "" || p.ID != a.ClientID || p.Secret != a.ClientSecret {
		write(w, http.StatusUnauthorized, Object{"error": "invalid_client", "error_description": "no such client: " + p.ID})
		return
	}
	write(w, http.StatusOK, Object{"access_token": a.Token, "token_type": "bearer", "scope": p.Scope, "expires_in": 3600})
}

// show answers a GET.
func (s *Server) show(w http.ResponseWriter, r *http.Request, path string) {
	a := s.account
	admin := a.Me["role"] == nil || a.Me["role"] == "admin"
	switch path {
	case "/api/v2/users/me":
		write(w, http.StatusOK, Object{"user": a.Me})
	case "/api/v2/account/settings":
		write(w, http.StatusOK, Object{"settings": a.Settings})
	case "/api/v2/security_settings":
		s.guarded(w, admin, Object{"security_settings": a.Security})
	case "/api/v2/users/count":
		n := s.selected(r, "/api/v2/users", lists["/api/v2/users"]).Len
		s.guarded(w, admin, Object{"count": Object{"value": n, "refreshed_at": "2026-11-01T00:00:00Z"}})
	case "/api/v2/users/show_many":
		ids := strings.Split(r.URL.Query().Get("ids"), ",")
		found := []Object{}
		for u := range a.Users.All() {
			if slices.Contains(ids, fmt.Sprint(u["id"])) {
				found = append(found, u)
			}
		}
		s.guarded(w, admin, Object{"users": found, "count": len(found), "next_page": nil})
	default:
		if id, ok := strings.CutPrefix(path, "/api/v2/brands/"); ok {
			id, _ = strings.CutSuffix(id, "/check_host_mapping")
			n, _ := strconv.ParseInt(id, 10, 64)
			if m, ok := a.HostMappings[n]; ok {
				s.guarded(w, admin, m)
				return
			}
		}
		l, ok := lists[path]
		switch {
		case !ok:
			fail(w, http.StatusNotFound, "InvalidEndpoint")
		case l.admin && !admin:
			fail(w, http.StatusForbidden, "Forbidden")
		default:
			write(w, http.StatusOK, s.page(r, path, l, s.selected(r, path, l)))
		}
	}
}

func (s *Server) guarded(w http.ResponseWriter, admin bool, body Object) {
	if !admin {
		fail(w, http.StatusForbidden, "Forbidden")
		return
	}
	write(w, http.StatusOK, body)
}

// selected are a list's items that the query asks for.
func (s *Server) selected(r *http.Request, path string, l list) List {
	all, q := l.items(s.account), r.URL.Query()
	keep := func(key string, values ...string) List {
		at := s.find(fmt.Sprint(path, key, values), func(i int) bool {
			return slices.Contains(values, fmt.Sprint(all.At(i)[key]))
		}, all.Len)
		return List{len(at), func(i int) Object { return all.At(at[i]) }}
	}
	switch {
	case path == "/api/v2/users" && q.Has("role[]"):
		return keep("role", q["role[]"]...)
	case path == "/api/v2/users" && q.Has("role"):
		return keep("role", q.Get("role"))
	case q.Has("active"):
		return keep("active", q.Get("active"))
	case q.Has("filter[source_type]"):
		return keep("source_type", q.Get("filter[source_type]"))
	}
	return all
}

// find looks once for what every page of a query is made of.
func (s *Server) find(query string, wanted func(i int) bool, n int) []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, known := s.found[query]
	if known {
		return at
	}
	for i := range n {
		if wanted(i) {
			at = append(at, i)
		}
	}
	if s.found == nil {
		s.found = map[string][]int{}
	}
	s.found[query] = at
	return at
}

// page is one answer of a list.
func (s *Server) page(r *http.Request, path string, l list, items List) Object {
	q := r.URL.Query()
	size := 100
	if s.account.PageSize > 0 {
		size = s.account.PageSize
	}
	for _, name := range []string{"page[size]", "per_page"} {
		if n, err := strconv.Atoi(q.Get(name)); err == nil && n > 0 {
			size = min(size, n)
		}
	}
	from := 0
	how := shapeOf(path, s.account, q.Has("page[size]"))
	switch how {
	case unpaged:
		size = max(items.Len, 1)
	case cursors:
		from, _ = strconv.Atoi(strings.TrimPrefix(q.Get("page[after]"), "after-"))
	case offsets:
		n, _ := strconv.Atoi(q.Get("page"))
		from = max(n-1, 0) * size
	}
	shown := []Object{}
	for i := max(from, 0); i < min(from+size, items.Len); i++ {
		shown = append(shown, items.At(i))
	}
	more := from+size < items.Len
	body := Object{l.key: shown}
	link := func(name, value string) string {
		u := url.URL{Scheme: "http", Host: r.Host, Path: path + ".json"}
		if r.TLS != nil {
			u.Scheme = "https"
		}
		next := r.URL.Query()
		next.Set(name, value)
		u.RawQuery = next.Encode()
		return u.String()
	}
	switch how {
	case unpaged:
	case cursors: // a link stands on the last page too
		after := fmt.Sprintf("after-%d", from+size)
		body["meta"] = Object{"has_more": more, "after_cursor": after}
		body["links"] = Object{"next": link("page[after]", after), "prev": nil}
	case offsets:
		body["count"], body["next_page"], body["previous_page"] = items.Len, nil, nil
		if more {
			body["next_page"] = link("page", strconv.Itoa(from/size+2))
		}
	}
	return body
}

func write(w http.ResponseWriter, status int, body any) {
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(body); err != nil {
		panic(err) // the Account holds what is no JSON
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}

func fail(w http.ResponseWriter, status int, word string) {
	write(w, status, Object{"error": word, "description": "this is what the account says of it"})
}

// pipeListener accepts the other ends of pipes.
type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (l *pipeListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-l.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }
