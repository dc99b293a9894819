package tlscert_test

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/mailcheck-go/mailcheck/tlscert"
)

// web is what certificates point to: the answer at each URL.
type web struct {
	world world
	pages []page
	mu    sync.Mutex
	asked map[string]int
}

// page answers one URL, or all that begin with it where it ends in "/".
type page struct {
	url, kind string
	words     map[string]string
}

// parseWeb reads lines like
//
//	http://crl.example/1.crl crl of=192.0.2.10 reason=1
//	https://acme.example/ari/ window start=-2d end=-1d retry=21600
//
// Kinds and their words:
//
//	crl: signer=public (or private); of=ADDR lists the certificate there, with
//	  reason=NUMBER; next=7d, from now; idp=URL, users, cas, some-reasons, indirect,
//	  delta, critical
//	ocsp: status=good (revoked, unknown); next=4d or none; signer=public, private, delegate,
//	  or leaf; refuse answers "try later"
//	issuer: public or stranger; form=der (pem, p7c)
//	directory: at=URL, none without
//	window: start=, end= from now; explained=URL; retry=
//	status=404, redirect=URL, html
func parseWeb(w world, lines string) *web {
	out := &web{world: w, asked: map[string]int{}}
	for line := range strings.Lines(lines) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0][0] == ';' {
			continue
		}
		p := page{url: fields[0], kind: fields[1], words: map[string]string{}}
		for _, field := range fields[1:] {
			key, value, _ := strings.Cut(field, "=")
			p.words[key] = value
		}
		out.pages = append(out.pages, p)
	}
	return out
}

func (p page) has(word string) bool { _, ok := p.words[word]; return ok }

// ago is a time from now, "-2d".
func (p page) ago(word, unsaid string) time.Time { return fromNow(cmpOr(p.words[word], unsaid)) }

func cmpOr(s, unsaid string) string {
	if s == "" {
		return unsaid
	}
	return s
}

func fromNow(s string) time.Time {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		return now.Add(time.Duration(must(strconv.Atoi(days))) * day)
	}
	return now.Add(must(time.ParseDuration(s)))
}

// DialContext connects to the one server that there is.
func (w *web) DialContext(_ context.Context, _, address string) (net.Conn, error) {
	to := netip.MustParseAddrPort(address)
	client, server := net.Pipe()
	l := &oneConn{conn: server, done: make(chan struct{})}
	srv := &http.Server{Handler: w, ConnState: func(_ net.Conn, s http.ConnState) {
		if s == http.StateClosed {
			l.Close()
		}
	}}
	if to.Port() == 443 {
		l.conn = tls.Server(server, &tls.Config{GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			return w.certificate(hello.ServerName), nil
		}})
	}
	go srv.Serve(l)
	return client, nil
}

var webCertificates sync.Map

func (w *web) certificate(name string) *tls.Certificate {
	if c, ok := webCertificates.Load(name); ok {
		return c.(*tls.Certificate)
	}
	leaf := testPKI().public.issue(template{cn: name, names: []string{name}, from: now.Add(-day), to: now.Add(day), eku: x509.ExtKeyUsageServerAuth})
	c := &tls.Certificate{Certificate: [][]byte{leaf.cert.Raw}, PrivateKey: leaf.key}
	webCertificates.Store(name, c)
	return c
}

// oneConn is a listener with one connection.
type oneConn struct {
	conn net.Conn
	once sync.Once
	end  sync.Once
	done chan struct{}
}

func (l *oneConn) Accept() (conn net.Conn, err error) {
	l.once.Do(func() { conn = l.conn })
	if conn == nil {
		<-l.done
		return nil, io.EOF
	}
	return conn, nil
}

func (l *oneConn) Close() error   { l.end.Do(func() { close(l.done) }); return nil }
func (l *oneConn) Addr() net.Addr { return l.conn.LocalAddr() }

func (w *web) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	asked := scheme + "://" + r.Host + r.URL.EscapedPath()
	w.mu.Lock()
	w.asked[asked]++
	w.mu.Unlock()
	for _, p := range w.pages {
		if p.url == asked || strings.HasSuffix(p.url, "/") && strings.HasPrefix(asked, p.url) {
			w.answer(rw, r, p, strings.TrimPrefix(asked, p.url))
			return
		}
	}
	http.NotFound(rw, r)
}

func (w *web) answer(rw http.ResponseWriter, r *http.Request, p page, rest string) {
	if retry := p.words["retry"]; retry != "" {
		rw.Header().Set("Retry-After", retry)
	}
	switch p.kind {
	case "crl":
		rw.Write(p.crl(w.world))
	case "ocsp":
		rw.Write(p.ocsp(must(base64.StdEncoding.DecodeString(must(url.QueryUnescape(rest))))))
	case "issuer":
		rw.Write(p.issuer())
	case "directory":
		fmt.Fprintf(rw, `{"newOrder":"https://acme.example/order","renewalInfo":%q}`, p.words["at"])
	case "window":
		fmt.Fprintf(rw, `{"suggestedWindow":{"start":%q,"end":%q},"explanationURL":%q}`,
			p.ago("start", "1d").Format(time.RFC3339), p.ago("end", "2d").Format(time.RFC3339), p.words["explained"])
	case "html":
		io.WriteString(rw, "<!DOCTYPE html><title>Moved</title>")
	default:
		if to := p.words["redirect"]; to != "" {
			http.Redirect(rw, r, to, http.StatusFound)
			return
		}
		rw.WriteHeader(must(strconv.Atoi(p.words["status"])))
	}
}

func (p page) signer() authority {
	if p.words["signer"] == "private" {
		return testPKI().privateCA
	}
	return testPKI().publicCA
}

func (p page) crl(w world) []byte {
	list := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: now.Add(-8 * day), NextUpdate: p.ago("next", "7d")}
	if of := p.words["of"]; of != "" {
		leaf := must(x509.ParseCertificate(w[netip.MustParseAddr(of)].Certificate.Certificate[0]))
		list.RevokedCertificateEntries = []x509.RevocationListEntry{
			{SerialNumber: big.NewInt(1), RevocationTime: now.Add(-5 * day)},
			{SerialNumber: leaf.SerialNumber, RevocationTime: now.Add(-2 * day), ReasonCode: must(strconv.Atoi(cmpOr(p.words["reason"], "0")))},
		}
		if p.has("entry-issuer") {
			list.RevokedCertificateEntries[1].ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 29}, Critical: true, Value: []byte{0x30, 0}}}
		}
	}
	if value := p.idp(); value != nil {
		list.ExtraExtensions = append(list.ExtraExtensions, pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 28}, Critical: true, Value: value})
	}
	if p.has("delta") {
		list.ExtraExtensions = append(list.ExtraExtensions, pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 27}, Critical: true, Value: []byte{2, 1, 1}})
	}
	if p.has("critical") {
		list.ExtraExtensions = append(list.ExtraExtensions, pkix.Extension{Id: asn1.ObjectIdentifier{1, 2, 3}, Critical: true, Value: []byte{5, 0}})
	}
	by := p.signer()
	issuer := *by.cert
	if p.has("as-public") { // in another's name
		issuer.RawSubject = testPKI().publicCA.cert.RawSubject
		issuer.Subject = testPKI().publicCA.cert.Subject
	}
	return must(x509.CreateRevocationList(rand.Reader, list, &issuer, by.key))
}

// idp is the extension's value, nil where no word asks for one.
func (p page) idp() []byte {
	var content []byte
	if u := p.words["idp"]; u != "" {
		name := must(asn1.Marshal(asn1.RawValue{Class: 2, Tag: 6, Bytes: []byte(u)}))
		full := must(asn1.Marshal(asn1.RawValue{Class: 2, Tag: 0, IsCompound: true, Bytes: name}))
		content = append(content, must(asn1.Marshal(asn1.RawValue{Class: 2, Tag: 0, IsCompound: true, Bytes: full}))...)
	}
	for _, flag := range []struct {
		word  string
		tag   int
		bytes []byte
	}{{"users", 1, []byte{0xff}}, {"cas", 2, []byte{0xff}}, {"some-reasons", 3, []byte{6, 0x40}}, {"indirect", 4, []byte{0xff}}, {"attributes", 5, []byte{0xff}}} {
		if p.has(flag.word) {
			content = append(content, must(asn1.Marshal(asn1.RawValue{Class: 2, Tag: flag.tag, Bytes: flag.bytes}))...)
		}
	}
	if content == nil {
		return nil
	}
	return must(asn1.Marshal(asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: content}))
}

func (p page) ocsp(request []byte) []byte {
	req := must(ocsp.ParseRequest(request))
	if p.has("refuse") {
		return ocsp.TryLaterErrorResponse
	}
	return p.response(req.SerialNumber)
}

func (p page) response(serial *big.Int) []byte {
	t := ocsp.Response{
		Status: ocsp.Good, SerialNumber: serial, ThisUpdate: now.Add(-3 * day),
	}
	if p.words["next"] != "none" {
		t.NextUpdate = p.ago("next", "4d")
	}
	switch p.words["status"] {
	case "revoked":
		t.Status, t.RevokedAt, t.RevocationReason = ocsp.Revoked, now.Add(-day), ocsp.KeyCompromise
	case "unknown":
		t.Status = ocsp.Unknown
	}
	if p.has("other") {
		t.SerialNumber = big.NewInt(7)
	}
	by := p.signer()
	responder := by
	switch p.words["signer"] {
	case "delegate":
		responder = by.issue(template{cn: "Responder", from: time.Unix(0, 0), to: now.Add(10000 * day), eku: x509.ExtKeyUsageOCSPSigning})
	case "leaf":
		responder = by.issue(template{cn: "acme.example", from: time.Unix(0, 0), to: now.Add(10000 * day), eku: x509.ExtKeyUsageServerAuth})
	}
	if responder != by {
		t.Certificate = responder.cert
	}
	return must(ocsp.CreateResponse(by.cert, responder.cert, t, responder.key))
}

func (p page) issuer() []byte {
	c := testPKI().publicCA.cert
	if p.has("stranger") {
		c = testPKI().stranger.cert
	}
	switch p.words["form"] {
	case "pem":
		return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
	case "p7c":
		return pkcs7(c.Raw)
	}
	return c.Raw
}

// pkcs7 is a certs-only SignedData (RFC 2315, 9.1).
func pkcs7(certs ...[]byte) []byte {
	tlv := func(class, tag int, parts ...[]byte) []byte {
		var content []byte
		for _, p := range parts {
			content = append(content, p...)
		}
		return must(asn1.Marshal(asn1.RawValue{Class: class, Tag: tag, IsCompound: true, Bytes: content}))
	}
	oid := func(last int) []byte { return must(asn1.Marshal(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, last})) }
	data := tlv(0, 16, []byte{2, 1, 1}, tlv(0, 17), tlv(0, 16, oid(1)), tlv(2, 0, certs...), tlv(0, 17))
	return tlv(0, 16, oid(2), tlv(2, 0, data))
}

// fetcher asks the web.
func (w *web) fetcher() *tlscert.Fetcher {
	return &tlscert.Fetcher{Dialer: w, Roots: testPKI().roots, Now: func() time.Time { return now }}
}
