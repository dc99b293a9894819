package tlscert

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/mailcheck-go/mailcheck/dnsx"
)

// parseURL takes what a certificate may name: http or https, without a user.
func parseURL(link string) (u *url.URL, port uint16, err error) {
	if len(link) > maxURL {
		return nil, 0, fmt.Errorf("a URL of %d octets", len(link))
	}
	if u, err = url.Parse(link); err != nil {
		return nil, 0, errors.New("the URL cannot be read")
	}
	port = map[string]uint16{"http": 80, "https": 443}[u.Scheme]
	if port == 0 || u.Host == "" || u.User != nil {
		return nil, 0, errors.New("the URL is none of a web server")
	}
	if p := u.Port(); p != "" {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil || n == 0 {
			return nil, 0, errors.New("the URL's port is no number from 1 to 65535")
		}
		port = uint16(n)
	}
	u.Fragment = ""
	return u, port, nil
}

// resolve asks the resolver of the check for the addresses of a host, IPv4 first.
func (f *Fetcher) resolve(ctx context.Context, r dnsx.Resolver, host string, port uint16) ([]netip.AddrPort, *Failure) {
	addrs, fail := addressesOf(ctx, r, host)
	if fail != nil {
		return nil, fail
	}
	var at []netip.AddrPort
	for _, a := range addrs {
		if port == 80 || port == 443 || f.Dialer != nil || slices.ContainsFunc(f.AllowPrivate, func(p netip.Prefix) bool { return p.Contains(a) }) {
			at = append(at, netip.AddrPortFrom(a, port))
		}
	}
	if len(at) == 0 {
		return nil, &Failure{Stage: Connect, Kind: KindNotAsked, Detail: fmt.Sprintf("port %d is neither 80 nor 443", port)}
	}
	return at[:min(len(at), maxFetchAddrs)], nil
}

func addressesOf(ctx context.Context, r dnsx.Resolver, host string) ([]netip.Addr, *Failure) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a.Unmap()}, nil
	}
	name, err := dnsx.ParseName(host)
	if err != nil {
		return nil, &Failure{Stage: Resolve, Kind: KindNotAsked, Detail: clean(err)}
	}
	var addrs []netip.Addr
	for _, reply := range dnsx.Ask(ctx, r, dnsx.Q(name, dnsx.TypeA), dnsx.Q(name, dnsx.TypeAAAA)) {
		if e := reply.Err(); e != nil && err == nil {
			err = e
		}
		addrs = append(addrs, addresses(reply)...)
	}
	switch {
	case len(addrs) > 0:
		return addrs, nil
	case err == nil:
		return nil, &Failure{Stage: Resolve, Kind: KindNetwork, Detail: name + " has no address"}
	case ctx.Err() != nil:
		return nil, &Failure{Stage: Resolve, Kind: KindTimeout}
	}
	f := &Failure{Stage: Resolve, Kind: KindNetwork, Detail: clean(err)}
	var teller gapTeller
	if errors.As(err, &teller) && notAsked(teller) {
		f.Kind = KindNotAsked
	}
	return nil, f
}

// fetchTexts are the words for kinds that mean something else of a GET than of the
// handshake that Failure.Error speaks of.
var fetchTexts = map[FailureKind]string{
	KindClosed:   "the server closed the connection",
	KindProtocol: "its HTTPS server cannot be trusted",
	KindLimit:    "the answer was not read",
	KindNotAsked: "nobody was asked",
}

// fetchError is why a GET gave nothing of use.
type fetchError struct{ *Fetched }

func (e fetchError) Error() string {
	f := e.Failure
	switch {
	case f == nil && e.Status == http.StatusOK:
		return "its answer is of no use"
	case f == nil:
		return strings.TrimSpace(fmt.Sprintf("HTTP status %d %s", e.Status, http.StatusText(e.Status)))
	case f.Stage == Resolve && f.Kind == KindTimeout:
		return "the DNS lookup timed out"
	case f.Stage == Request && f.Kind == KindProtocol:
		return "it does not speak HTTP: " + f.Detail
	}
	text, ok := fetchTexts[f.Kind]
	switch {
	case ok && f.Detail != "":
		return text + ": " + f.Detail
	case ok:
		return text
	case f.Stage == Resolve:
		return f.Detail
	}
	return f.Error()
}

func (e fetchError) Gap() (subject, why string) {
	if e.Failure == nil {
		return "", "failed"
	}
	return e.Failure.Gap()
}

// err is why there is no body; nil where there is one.
func (got *Fetched) err() error {
	if got.Failure != nil || got.Status != http.StatusOK {
		return fetchError{got}
	}
	return nil
}
