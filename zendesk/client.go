package zendesk

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// Client reads one account. It sends GET requests, and a POST to /oauth/tokens
// for credentials that are an OAuth client, and nothing else; all to the one
// origin that it was made for. It follows no redirect. It may be used by many
// goroutines at once; they share its rate.
type Client struct {
	pace    *pacer
	origin  *url.URL
	creds   Credentials
	auth    *authorizer
	http    *retryablehttp.Client
	perform func(Progress)
	mu      sync.Mutex // of perform
}

// ClientOptions change how a Client asks. The zero value works.
type ClientOptions struct {
	// PerMinute is how many requests are sent in a minute, at an even pace after
	// the first fifty; DefaultPerMinute if 0. The account's limit, which all its API
	// users share, is 200 for Team, 400 for Growth and Professional, 700 for
	// Enterprise, 2,500 for Enterprise Plus.
	PerMinute int
	Parallel  int           // requests under way at once; 4 if 0
	Tries     int           // of each request, for 429, 502, 503, 504 and broken connections; 5 if 0
	Timeout   time.Duration // of one try; 30 s if 0
	MaxWait   time.Duration // the longest wait that a 429 may ask for; 5 min if 0
	// Scopes are asked for an OAuth client's token; "read" if nil. Others show less.
	Scopes []string
	// Dialer connects to the account's host, which the operator named; a
	// net.Dialer if nil.
	Dialer Dialer
	// Roots are whom to trust for the host; nil: the system's.
	Roots *x509.CertPool
	// Proxy chooses a proxy, http.ProxyFromEnvironment say; nil: none, whatever
	// the environment has.
	Proxy func(*http.Request) (*url.URL, error)
	// Progress is told what is going on, one call at a time; nil: nobody is.
	Progress func(Progress)
}

// Dialer connects to a host.
type Dialer interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// DefaultPerMinute stays below the smallest plan's 200 and leaves others some.
const DefaultPerMinute = 120

// MaxPage is the most that is read of one answer, in octets.
const MaxPage = 16 << 20

// Progress is one step of reading an account.
type Progress struct {
	Endpoint Endpoint  // what is being read
	Items    int       // how many of a list were read so far
	Done     bool      // nothing more comes of this endpoint
	Wait     time.Time // set: nothing is asked until then, since the account's rate limit is used up
}

var subdomain = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)

// NewClient makes a Client of an account: the subdomain ("acme"), its host
// ("acme.zendesk.com"), or a URL, of which scheme, host and port count. A host
// that is not Zendesk's has to be given as a URL, since it gets the secret. Plain
// http is for loopback only.
func NewClient(account string, c Credentials, o ClientOptions) (*Client, error) {
	origin, err := parseOrigin(account)
	if err != nil {
		return nil, err
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	if o.Dialer == nil {
		o.Dialer = &net.Dialer{}
	}
	client := &Client{origin: origin, creds: c, perform: o.Progress, pace: newPacer(or(o.PerMinute, DefaultPerMinute), or(o.MaxWait, 5*time.Minute))}
	t := &transport{
		origin:  origin,
		pace:    client.pace,
		workers: make(chan struct{}, or(o.Parallel, 4)),
		timeout: or(o.Timeout, 30*time.Second),
		waiting: func(e Endpoint, until time.Time) { client.report(Progress{Endpoint: e, Wait: until}) },
		next: &http.Transport{
			DialContext:            o.Dialer.DialContext,
			Proxy:                  o.Proxy,
			TLSClientConfig:        &tls.Config{RootCAs: o.Roots, MinVersion: tls.VersionTLS12},
			ForceAttemptHTTP2:      true,
			MaxIdleConnsPerHost:    or(o.Parallel, 4),
			IdleConnTimeout:        90 * time.Second,
			MaxResponseHeaderBytes: 256 << 10,
		},
	}
	noRedirect := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	client.http = &retryablehttp.Client{
		HTTPClient:   &http.Client{Transport: t, CheckRedirect: noRedirect},
		RetryMax:     or(o.Tries, 5) - 1,
		RetryWaitMin: 500 * time.Millisecond,
		RetryWaitMax: 30 * time.Second,
		CheckRetry:   checkRetry,
		Backoff:      backoff,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	client.auth = newAuthorizer(c, origin, o.Scopes, &http.Client{
		Transport:     &retryablehttp.RoundTripper{Client: client.http},
		CheckRedirect: noRedirect,
	})
	return client, nil
}

func or[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// Origin is where the account is, "https://acme.zendesk.com".
func (c *Client) Origin() string { return c.origin.String() }

// Waited is for how long requests waited for their turn: for the pace of
// ClientOptions.PerMinute, and for the account's rate limit.
func (c *Client) Waited() time.Duration {
	c.pace.mu.Lock()
	defer c.pace.mu.Unlock()
	return c.pace.waited
}

// String names the account and the kind of credentials.
func (c *Client) String() string { return c.Origin() + " (" + c.creds.String() + ")" }

// Format prints String, whatever the verb.
func (c *Client) Format(f fmt.State, _ rune) { io.WriteString(f, c.String()) }

// MarshalText writes String, for JSON and others.
func (c *Client) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

func (c *Client) report(p Progress) {
	if c.perform == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.perform(p)
}

func parseOrigin(account string) (*url.URL, error) {
	s := strings.TrimSpace(account)
	if !strings.Contains(s, "://") {
		label, zendesk := strings.CutSuffix(strings.ToLower(strings.TrimSuffix(s, "/")), ".zendesk.com")
		if !subdomain.MatchString(label) || len(label) > 63 {
			if zendesk || !strings.Contains(label, ".") {
				return nil, errors.New("zendesk: that is no subdomain: want letters, digits and hyphens, as in acme of acme.zendesk.com")
			}
			return nil, errors.New("zendesk: that host is not below zendesk.com: write it as a URL, https://…, if it shall get the credentials")
		}
		return &url.URL{Scheme: "https", Host: label + ".zendesk.com"}, nil
	}
	u, err := url.Parse(s)
	switch {
	case err != nil: // its text repeats the URL, and with it what may be a password
		return nil, errors.New("zendesk: that URL cannot be read")
	case u.User != nil:
		return nil, errors.New("zendesk: a URL may not hold credentials")
	case u.Hostname() == "":
		return nil, errors.New("zendesk: that URL has no host")
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return nil, fmt.Errorf("zendesk: plain http is for loopback only, and %s is not", u.Hostname())
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("zendesk: want a URL with https")
	}
	return &url.URL{Scheme: u.Scheme, Host: originHost(u)}, nil
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// originHost is the host of a URL in one spelling: lower case, no default port.
func originHost(u *url.URL) string {
	host := strings.ToLower(u.Host)
	switch {
	case u.Scheme == "https":
		host = strings.TrimSuffix(host, ":443")
	case u.Scheme == "http":
		host = strings.TrimSuffix(host, ":80")
	}
	return strings.TrimSuffix(host, ":")
}

// sameOrigin compares scheme, host and port (RFC 6454, 4).
func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && originHost(a) == originHost(b)
}

// call is one request on its way: who asks, and how often it was tried.
type call struct {
	endpoint Endpoint
	tries    int
}

type callKey struct{}

// get asks once, with retries, and returns the JSON of a 200.
func (c *Client) get(ctx context.Context, e Endpoint, u *url.URL) (json.RawMessage, *Failure) {
	at := &call{endpoint: e}
	body, err := c.try(context.WithValue(ctx, callKey{}, at), u)
	if err == nil {
		return body, nil
	}
	f := *failureOf(ctx, err)
	f.Tries = at.tries
	return nil, &f
}

func (c *Client) try(ctx context.Context, u *url.URL) (json.RawMessage, error) {
	for again := false; ; again = true {
		header, err := c.auth.header(ctx)
		if err != nil {
			return nil, err
		}
		req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
		if err != nil {
			return nil, err
		}
		req.Header.Set("Authorization", header)
		req.Header.Set("Accept", "application/json")
		req.Header.Set("User-Agent", userAgent)
		resp, err := c.http.Do(req)
		if err != nil {
			return nil, err
		}
		body, err := io.ReadAll(resp.Body) // bounded and in memory: see transport
		resp.Body.Close()
		switch {
		case err != nil:
			return nil, err
		case resp.StatusCode == http.StatusUnauthorized && !again && c.auth.expired():
			continue // the token ended while the request waited for its turn
		case resp.StatusCode != http.StatusOK:
			return nil, failureOfStatus(resp, body)
		case !mediaIsJSON(resp.Header):
			return nil, &Failure{Kind: FailureNotJSON, Status: resp.StatusCode, Detail: mediaText(resp.Header)}
		case !json.Valid(body):
			return nil, &Failure{Kind: FailureCut, Status: resp.StatusCode, Detail: fmt.Sprintf("%d octets", len(body))}
		}
		return bytes.TrimSpace(body), nil
	}
}

const userAgent = "mailcheck (+https://github.com/mailcheck-go/mailcheck)"

func mediaIsJSON(h http.Header) bool {
	media, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	return err == nil && (media == "application/json" || strings.HasSuffix(media, "+json"))
}

func mediaText(h http.Header) string {
	media, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil || media == "" {
		return "no content type"
	}
	return clip(media)
}
