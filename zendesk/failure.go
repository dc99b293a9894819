package zendesk

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
)

// FailureKind says in which way an endpoint failed to answer.
type FailureKind string

// What stopped an answer. Forbidden and NotOnPlan are answers of the account
// about us; the others say nothing about it.
const (
	FailureCredentials FailureKind = "credentials" // 401, or the answer was for nobody
	FailureForbidden   FailureKind = "forbidden"   // 403: role or scope
	FailureNotOnPlan   FailureKind = "not-on-plan" // 402, 404, or 403 with words about the plan
	FailureRateLimit   FailureKind = "rate-limit"  // 429 to the last try, or longer than we wait
	FailureStatus      FailureKind = "status"      // another status
	FailureRedirect    FailureKind = "redirect"    // to Host; not followed
	FailureForeignLink FailureKind = "foreign-link"
	FailureLoop        FailureKind = "loop"      // the next page was one that we had
	FailureNotJSON     FailureKind = "not-json"  // HTML, say: a login page, a captive portal
	FailureCut         FailureKind = "cut"       // JSON that ends early or is none
	FailureShape       FailureKind = "shape"     // JSON, but not as documented
	FailureTooLarge    FailureKind = "too-large" // over MaxPage
	FailureLimit       FailureKind = "limit"     // a bound of ours, or of the API's
	FailureTLS         FailureKind = "tls"
	FailureNetwork     FailureKind = "network" // no connection, or it broke, or no answer in time
	FailureBudget      FailureKind = "budget"
	FailureCanceled    FailureKind = "canceled"
)

// Failure is why an endpoint's answer is missing or not whole. It holds no
// content of the answer but the error's word, and never unwraps to a context's error.
type Failure struct {
	Kind   FailureKind `json:"kind"`
	Status int         `json:"status,omitempty"` // of HTTP; 0: no response
	Word   string      `json:"word,omitempty"`   // the answer's own, "RecordNotFound"
	Host   string      `json:"host,omitempty"`   // where a redirect or link of another origin points
	Detail string      `json:"detail,omitempty"`
	Tries  int         `json:"tries,omitempty"`
}

var failureTexts = map[FailureKind]check.Text{
	FailureCredentials: check.Textf("the credentials were refused"),
	FailureForbidden:   check.Textf("this was refused to the credentials"),
	FailureNotOnPlan:   check.Textf("the account does not have this"),
	FailureRateLimit:   check.Textf("the rate limit was used up"),
	FailureStatus:      check.Textf("no usable answer"),
	FailureRedirect:    check.Textf("a redirect, which is not followed"),
	FailureForeignLink: check.Textf("the next page is said to be at another origin"),
	FailureLoop:        check.Textf("the pages go round in a circle"),
	FailureNotJSON:     check.Textf("the answer is not JSON"),
	FailureCut:         check.Textf("the JSON is broken"),
	FailureShape:       check.Textf("the JSON has another shape than documented"),
	FailureTooLarge:    check.Textf("the answer is too large"),
	FailureLimit:       check.Textf("a limit was reached"),
	FailureTLS:         check.Textf("TLS failed"),
	FailureNetwork:     check.Textf("no answer"),
	FailureBudget:      check.Textf("the time was over"),
	FailureCanceled:    check.Textf("given up by the caller"),
}

func (f *Failure) Error() string { return f.Text().String() }

// Text is the failure in words.
func (f *Failure) Text() check.Text {
	text, ok := failureTexts[f.Kind]
	if !ok {
		text = check.Textf("no usable answer")
	}
	var b strings.Builder
	if f.Status != 0 {
		fmt.Fprintf(&b, " (HTTP %d", f.Status)
		if f.Word != "" {
			b.WriteString(", " + f.Word)
		}
		b.WriteString(")")
	}
	if f.Host != "" {
		b.WriteString(": " + f.Host)
	}
	if f.Detail != "" {
		b.WriteString(": " + f.Detail)
	}
	return check.Textf("%s%s", text, b.String())
}

// Gap tells package check why the answer is missing (check.GapOf reads it).
func (f *Failure) Gap() (subject, why string) {
	switch f.Kind {
	case FailureForbidden, FailureNotOnPlan:
		return "", string(check.NotShown)
	case FailureLimit:
		return "", string(check.Limit)
	}
	return "", string(check.Failed)
}

// fatal reports that no other endpoint needs to be asked.
func (f *Failure) fatal() bool {
	switch f.Kind {
	case FailureCredentials, FailureRedirect, FailureNotJSON, FailureTLS, FailureNetwork, FailureBudget, FailureCanceled:
		return true
	}
	return false
}

var (
	errBudget   = errors.New("the time was over")
	errSlow     = errors.New("no answer within the time of one request")
	errTooLarge = fmt.Errorf("over %d MB", MaxPage>>20)
	errTooLong  = errors.New("the account asks to wait longer than we do")
	errForeign  = errors.New("not the account's origin")
)

// failureOf words whatever stopped a request.
func failureOf(ctx context.Context, err error) *Failure {
	var known *Failure
	var u *url.Error
	for errors.As(err, &u) { // its text has the URL, which the endpoint's name says shorter
		err = u.Err
	}
	var cert *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &known):
		return known
	case context.Cause(ctx) == errBudget:
		return &Failure{Kind: FailureBudget}
	case ctx.Err() != nil:
		return &Failure{Kind: FailureCanceled}
	case errors.Is(err, errTooLarge):
		return &Failure{Kind: FailureTooLarge, Detail: errTooLarge.Error()}
	case errors.Is(err, errTooLong):
		return &Failure{Kind: FailureRateLimit, Status: http.StatusTooManyRequests, Detail: errTooLong.Error()}
	case errors.As(err, &cert):
		return &Failure{Kind: FailureTLS, Detail: clip(cert.Err.Error())}
	case errors.As(err, &record), strings.HasPrefix(err.Error(), "remote error: tls: "):
		return &Failure{Kind: FailureTLS, Detail: clip(err.Error())}
	}
	return &Failure{Kind: FailureNetwork, Detail: clip(err.Error())}
}

// aboutPlan finds an error body that speaks of what was bought.
var aboutPlan = regexp.MustCompile(`(?i)\b(plan|upgrade|subscription|add-?on|not (enabled|available) (for|on))\b`)

// failureOfStatus words a response that is no 200.
func failureOfStatus(resp *http.Response, body []byte) *Failure {
	f := &Failure{Kind: FailureStatus, Status: resp.StatusCode}
	isJSON := mediaIsJSON(resp.Header)
	if isJSON {
		f.Word = errorWord(body)
	}
	switch code := resp.StatusCode; {
	case code >= 300 && code < 400:
		f.Kind = FailureRedirect
		if to, err := resp.Location(); err == nil { // the host alone: the rest may hold a secret
			f.Host = clip(to.Host)
		}
	case code == http.StatusUnauthorized:
		f.Kind = FailureCredentials
	case code == http.StatusPaymentRequired:
		f.Kind = FailureNotOnPlan
	case code == http.StatusForbidden:
		f.Kind = FailureForbidden
		if isJSON && aboutPlan.Match(body[:min(len(body), 4096)]) {
			f.Kind = FailureNotOnPlan
		}
	case code == http.StatusNotFound && isJSON: // HTML: no account, or no API
		f.Kind = FailureNotOnPlan
	case code == http.StatusTooManyRequests:
		f.Kind = FailureRateLimit
	case code == http.StatusNotFound:
		f.Kind = FailureNotJSON
		f.Detail = mediaText(resp.Header)
	}
	return f
}

var word = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_. -]{0,60}$`)

// errorWord is the name that an error body gives to the error: its shape varies.
// Its description is not kept, since it could repeat what was sent.
func errorWord(body []byte) string {
	var e struct {
		Error  json.RawMessage `json:"error"`
		Errors []struct {
			Code string `json:"code"`
		} `json:"errors"`
	}
	if json.Unmarshal(body, &e) != nil {
		return ""
	}
	var text string
	var object struct {
		Title string `json:"title"`
	}
	switch {
	case json.Unmarshal(e.Error, &text) == nil:
	case json.Unmarshal(e.Error, &object) == nil:
		text = object.Title
	case len(e.Errors) > 0:
		text = e.Errors[0].Code
	}
	if !word.MatchString(text) {
		return ""
	}
	return text
}
