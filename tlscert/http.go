package tlscert

import (
	"bufio"
	"cmp"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
)

const (
	maxHead    = 64 << 10 // octets of TLS records
	maxInterim = 5        // responses of 1xx before the response (RFC 9110, 15.2)
)

// head asks for the head of the page on a connection whose handshake is done. It
// speaks HTTP/1.1, for which handshake offered nothing else: one request and one
// response need no more than a dozen lines.
func (c *call) head(conn *tls.Conn) {
	c.conn.left = maxHead
	failed := c.e.Failure
	answer := &HTTPAnswer{}
	if err := c.stage(Request, func() error { return answer.ask(conn, c.t.authority()) }); err != nil {
		answer = &HTTPAnswer{Failure: c.e.Failure}
		c.e.Failure = failed // the handshake was none
	}
	c.e.HTTP = answer
}

// authority is the Host header's value (RFC 9110, 7.2).
func (t *target) authority() string {
	host := t.sni()
	if ip, err := netip.ParseAddr(host); err == nil && ip.Is6() {
		host = "[" + ip.WithZone("").String() + "]"
	}
	if t.Port == 443 {
		return host
	}
	return host + ":" + strconv.Itoa(int(t.Port))
}

func (a *HTTPAnswer) ask(conn net.Conn, authority string) error {
	_, err := io.WriteString(conn, "HEAD / HTTP/1.1\r\nHost: "+authority+"\r\nUser-Agent: mailcheck\r\nAccept: */*\r\nConnection: close\r\n\r\n")
	if err != nil {
		return err
	}
	from := &noting{Reader: conn}
	r := bufio.NewReader(from)
	for range maxInterim {
		// The request tells ReadResponse that no body follows.
		response, err := http.ReadResponse(r, &http.Request{Method: http.MethodHead})
		if err != nil {
			return cmp.Or(from.err, err)
		}
		response.Body.Close()
		if response.StatusCode/100 == 1 {
			continue
		}
		a.Status = response.StatusCode
		a.Location = header(response, "Location")
		a.HSTS = header(response, "Strict-Transport-Security") // the first counts (RFC 6797, 8.1)
		return nil
	}
	return errors.New("more than " + strconv.Itoa(maxInterim) + " interim responses")
}

// noting remembers why reading ended: package http takes half a line for a bad one.
type noting struct {
	io.Reader
	err error
}

func (n *noting) Read(b []byte) (int, error) {
	read, err := n.Reader.Read(b)
	n.err = err
	return read, err
}

const maxHeader = 4 << 10

func header(r *http.Response, name string) string {
	return clip(strings.ToValidUTF8(r.Header.Get(name), "\uFFFD"), maxHeader)
}
