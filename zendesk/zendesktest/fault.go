package zendesktest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"time"
)

// Fault is one way of going wrong. What is set of it is done to what the server
// would have answered.
type Fault struct {
	Times int // how many requests it takes; 0: all
	After int // how many requests it lets pass before

	Delay  time.Duration     // before the answer
	Status int               // instead of 200, with Body
	Header map[string]string // besides
	Body   string            // instead of the account's
	Drop   bool              // the connection ends instead of an answer
	Cut    int               // the answer ends after so many octets, as if it were whole
	Break  bool              // with Cut: the connection ends there
	Pad    int               // so many octets of blanks are put before the body
	Next   string            // the link to the next page; "self": to the page itself
}

// Forbidden is a 403 for want of a role or scope.
func Forbidden() Fault {
	return Fault{Status: http.StatusForbidden, Body: `{"error":"Forbidden","description":"You do not have access to this page."}`}
}

// Unauthorized is a 401.
func Unauthorized() Fault {
	return Fault{Status: http.StatusUnauthorized, Body: `{"error":"Couldn't authenticate you"}`}
}

// NotOnPlan is the 404 of an account that lacks the endpoint.
func NotOnPlan() Fault {
	return Fault{Status: http.StatusNotFound, Body: `{"error":"RecordNotFound","description":"Not found"}`}
}

// RateLimited is a 429 to the next requests, with Retry-After where it is not "".
func RateLimited(times int, retryAfter string) Fault {
	f := Fault{Times: times, Status: http.StatusTooManyRequests, Body: `{"error":"TooManyRequests"}`}
	if retryAfter != "" {
		f.Header = map[string]string{"Retry-After": retryAfter}
	}
	return f
}

// Unavailable is a 503 to the next requests.
func Unavailable(times int) Fault {
	return Fault{Times: times, Status: http.StatusServiceUnavailable, Body: `{"error":"Unavailable"}`}
}

// HTML is a 200 that is a web page.
func HTML() Fault {
	return Fault{Header: map[string]string{"Content-Type": "text/html"}, Body: "<!doctype html><title>Sign in</title>"}
}

// RedirectTo is a 302.
func RedirectTo(link string) Fault {
	return Fault{Status: http.StatusFound, Header: map[string]string{"Location": link}, Body: "{}"}
}

// applies counts the request; the caller holds the lock.
func (f *Fault) applies(*http.Request) bool {
	if f.After > 0 {
		f.After--
		return false
	}
	switch {
	case f.Times < 0: // used up
		return false
	case f.Times == 1:
		f.Times = -1
	case f.Times > 1:
		f.Times--
	}
	return true
}

func (s *Server) misbehave(w http.ResponseWriter, r *http.Request, path string, f *Fault) {
	if f.Delay > 0 {
		select {
		case <-time.After(f.Delay):
		case <-r.Context().Done():
			return
		}
	}
	if f.Drop {
		panic(http.ErrAbortHandler)
	}
	right := httptest.NewRecorder()
	s.answer(right, r, path)
	body, status := right.Body.String(), right.Code
	if f.Body != "" {
		body, status = f.Body, http.StatusOK
	}
	if f.Status != 0 {
		status = f.Status
	}
	if f.Next != "" {
		body = f.relink(r, body)
	}
	body = strings.Repeat(" ", f.Pad) + body
	whole := len(body)
	if f.Cut > 0 {
		body = body[:min(f.Cut, len(body))]
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	for name, value := range f.Header {
		w.Header().Set(name, value)
	}
	if f.Break {
		w.Header().Set("Content-Length", strconv.Itoa(whole))
	}
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body))
	if f.Break {
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// relink says that there is more, at Next.
func (f *Fault) relink(r *http.Request, body string) string {
	var page Object
	if json.Unmarshal([]byte(body), &page) != nil {
		return body
	}
	next := f.Next
	if next == "self" {
		next = r.URL.RequestURI()
	}
	page["meta"] = Object{"has_more": true}
	page["links"] = Object{"next": next}
	changed, err := json.Marshal(page)
	if err != nil {
		return body
	}
	return string(changed)
}
