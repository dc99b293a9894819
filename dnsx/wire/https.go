package wire

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/mailcheck-go/mailcheck/dnsx"
)

const (
	maxMessage = 1<<16 - 1
	mediaType  = "application/dns-message" // RFC 8484, 6
)

// https puts questions to a server over HTTP/2 (RFC 8484), each by a goroutine of
// its own.
type https struct {
	*link
	client *http.Client
	url    string
	get    bool
	last   uint16 // the key used last
}

// https is the link for the next message.
func (u *upstream) https(now time.Duration) *https {
	for _, l := range u.links {
		if l.https != nil && !l.retired {
			return l.https
		}
	}
	e := u.engine
	var protocols http.Protocols
	protocols.SetHTTP2(true)
	h := &https{link: u.newLink(now)}
	h.link.https = h
	h.url, h.get = strings.CutSuffix(u.server.url(), getSuffix)
	h.client = &http.Client{
		Transport: &http.Transport{ // without a Proxy
			DialContext:     func(ctx context.Context, _, _ string) (net.Conn, error) { return e.dial(ctx, protoTCP, u.server.Addr) },
			TLSClientConfig: u.tls, Protocols: &protocols, DisableCompression: true,
			TLSHandshakeTimeout: e.client.timeout(), IdleConnTimeout: idle, MaxResponseHeaderBytes: 1 << 14,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return h
}

// add sends a message. Its ID is 0, so that caches on the way know it again
// (RFC 8484, 4.1).
func (h *https) add(f *flight, now time.Duration) {
	for h.last++; h.pending[h.last] != nil; {
		h.last++
	}
	h.carry(f, h.last, now)
	f.query.id = 0
	e := h.upstream.engine
	ctx, cancel := context.WithTimeout(e.life, e.client.total())
	f.cancel = cancel
	packet := f.query.pack(nil)
	e.wg.Go(func() {
		b, age, err := h.exchange(ctx, packet)
		e.mu.Lock()
		if f.link != nil && err == nil {
			a := f.arrived(b, age)
			e.mu.Unlock()
			a.read()
			e.mu.Lock()
			if f.link != nil && a.err != errNotOurs {
				f.take(&a)
			}
		}
		if f.link != nil { // no better reply can come
			if err == nil {
				err = errors.New("a reply that cannot be used")
			}
			f.lost(networkError(protoHTTPS, err))
		}
		e.pump()
	})
}

// exchange puts one message to the server, and returns the reply with its age in
// seconds.
func (h *https) exchange(ctx context.Context, packet []byte) (reply []byte, age uint32, err error) {
	method, url, body := http.MethodPost, h.url, io.Reader(bytes.NewReader(packet))
	if h.get {
		method, url, body = http.MethodGet, h.url+"?dns="+base64.RawURLEncoding.EncodeToString(packet), nil
	}
	request, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return nil, 0, err
	}
	request.Header.Set("Accept", mediaType)
	request.Header.Set("User-Agent", "") // it says nothing that the server has to know
	if !h.get {
		request.Header.Set("Content-Type", mediaType)
	}
	response, err := h.client.Do(request)
	if err != nil {
		return nil, 0, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, 0, fmt.Errorf("status %d", response.StatusCode)
	}
	if media, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type")); media != mediaType {
		return nil, 0, fmt.Errorf("media type %.50q", response.Header.Get("Content-Type"))
	}
	reply, err = io.ReadAll(io.LimitReader(response.Body, maxMessage+1))
	if err == nil && len(reply) > maxMessage {
		err = errors.New("a reply of over 65535 octets")
	}
	seconds, _ := strconv.ParseUint(response.Header.Get("Age"), 10, 31)
	return reply, uint32(seconds), err
}

// age takes from the TTLs the time that the reply was kept on its way (RFC 8484, 5.1).
func (m *message) age(seconds uint32) {
	for _, rrs := range [][]dnsx.RR{m.answer, m.authority} {
		for i := range rrs {
			rrs[i].TTL -= min(seconds, rrs[i].TTL)
		}
	}
}
