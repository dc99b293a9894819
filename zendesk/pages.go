package zendesk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The bounds of a list: pages, and pages in a row that are empty and still say
// that there is more.
const (
	maxPages = 1000
	maxEmpty = 5
)

// page is what a list's answer says beside the list. Both ways of paging are read
// in every answer.
type page struct {
	items []json.RawMessage
	next  string // "" on the last page
}

// readPage takes an answer apart. A list that is missing is not an empty one.
func readPage(body json.RawMessage, key string, at *url.URL) (page, *Failure) {
	var envelope map[string]json.RawMessage
	if json.Unmarshal(body, &envelope) != nil {
		return page{}, &Failure{Kind: FailureShape, Detail: "want an object"}
	}
	var p page
	list, ok := envelope[key]
	if !ok || json.Unmarshal(list, &p.items) != nil || p.items == nil {
		return page{}, &Failure{Kind: FailureShape, Detail: "want a list " + key}
	}
	var meta struct {
		HasMore Bool   `json:"has_more"`
		After   string `json:"after_cursor"`
	}
	var links struct {
		Next string `json:"next"`
	}
	var nextPage string
	tolerant(envelope["meta"], &meta)
	tolerant(envelope["links"], &links)
	tolerant(envelope["next_page"], &nextPage)
	switch {
	case meta.HasMore == No: // a link may stand there all the same
	case links.Next != "":
		p.next = links.Next
	case meta.HasMore == Yes && meta.After != "":
		u := *at
		q := u.Query()
		q.Set("page[after]", meta.After)
		u.RawQuery = q.Encode()
		p.next = u.String()
	case meta.HasMore == Yes:
		return p, &Failure{Kind: FailureShape, Detail: "there is more, and no link to it"}
	default:
		p.next = nextPage
	}
	return p, nil
}

// tolerant reads what it can; the absent and the misshapen stay zero.
func tolerant(raw json.RawMessage, into any) {
	if raw != nil {
		_ = json.Unmarshal(raw, into)
	}
}

// follow finds the next page's URL, which has to be of the account's origin and API.
func (c *Client) follow(next string, at *url.URL) (*url.URL, *Failure) {
	ref, err := url.Parse(next)
	if err != nil {
		return nil, &Failure{Kind: FailureShape, Detail: "the link to the next page cannot be read"}
	}
	u := at.ResolveReference(ref)
	if !sameOrigin(u, c.origin) || u.User != nil {
		return nil, &Failure{Kind: FailureForeignLink, Host: clip(u.Scheme + "://" + u.Host)}
	}
	if !strings.HasPrefix(u.Path, "/api/v2/") {
		return nil, &Failure{Kind: FailureForeignLink, Host: clip(u.Host + u.Path)}
	}
	u.Fragment = ""
	return u, nil
}

// list reads a list page by page and hands over its items, until keep says that
// it is enough. What was handed over stays, whatever happens on a later page.
func (c *Client) list(ctx context.Context, e Endpoint, keep func(json.RawMessage) *Failure) (items int, last time.Time, failed *Failure) {
	s := sources[e]
	at := s.url(c.origin)
	seen := map[string]bool{}
	empty := 0
	for n := 1; ; n++ {
		seen[at.String()] = true
		body, f := c.get(ctx, e, at)
		if f != nil {
			if n > 100 && f.Status == http.StatusBadRequest { // the API's own bound on offsets
				f = &Failure{Kind: FailureLimit, Status: f.Status, Detail: "the API gives 10,000 items by offset"}
			}
			return items, last, f
		}
		last = now()
		p, f := readPage(body, s.key, at)
		if f != nil {
			return items, last, f
		}
		var odd *Failure
		for _, raw := range p.items {
			items++
			if f := keep(raw); f != nil {
				if f.Kind == FailureLimit {
					return items - 1, last, f
				}
				odd = f
			}
		}
		c.report(Progress{Endpoint: e, Items: items})
		if failed == nil {
			failed = odd // the other pages are read all the same
		}
		if empty++; len(p.items) > 0 {
			empty = 0
		}
		switch {
		case p.next == "" || slices.Contains(onePage, e):
			return items, last, failed
		case n >= maxPages:
			return items, last, &Failure{Kind: FailureLimit, Detail: strconv.Itoa(maxPages) + " pages were read"}
		case empty >= maxEmpty:
			return items, last, &Failure{Kind: FailureLoop, Detail: "empty pages that go on"}
		}
		if at, f = c.follow(p.next, at); f != nil {
			return items, last, f
		}
		if seen[at.String()] {
			return items, last, &Failure{Kind: FailureLoop, Detail: fmt.Sprintf("after %d pages", n)}
		}
	}
}

// decode reads one object. What does not fit is left zero and said: a field that
// is of another shape than documented must not pass for one that is empty.
func decode(raw json.RawMessage, into any, where string) *Failure {
	if !bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) {
		return &Failure{Kind: FailureShape, Detail: "want an object " + where}
	}
	err := json.Unmarshal(raw, into)
	var shape *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &shape):
		kind, _, _ := strings.Cut(shape.Value, " ") // "number 12": not the value
		return &Failure{Kind: FailureShape, Detail: clip(fmt.Sprintf("%s.%s is a %s", where, shape.Field, kind))}
	}
	return &Failure{Kind: FailureShape, Detail: where}
}

// now has no monotonic clock, which JSON would drop.
func now() time.Time { return time.Now().UTC().Round(0) }
