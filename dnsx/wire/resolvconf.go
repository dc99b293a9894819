package wire

import (
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"
)

// Bounds of resolv.conf(5); a larger value is cut to them.
const (
	maxServers  = 3
	maxTimeout  = 30 // seconds
	maxAttempts = 5
)

// System makes a Client of /etc/resolv.conf: its nameserver lines, and of its
// options timeout, attempts and trust-ad; search lists are not used. The error
// says that there is no such file or no name server in it.
func System() (*Client, error) { return fromFile("/etc/resolv.conf") }

func fromFile(path string) (*Client, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("wire: the system names no name server (%w): give one with --resolver", err)
	}
	c := parseConf(string(text))
	if len(c.Servers) == 0 {
		return nil, fmt.Errorf("wire: no nameserver line with an IP address in %s: give one with --resolver", path)
	}
	return c, nil
}

// parseConf passes over what it does not know, as resolvers do.
func parseConf(text string) *Client {
	c := &Client{}
	attempts := 0
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		switch fields[0] {
		case "nameserver":
			if ip, err := netip.ParseAddr(fields[1]); err == nil && len(c.Servers) < maxServers {
				c.Servers = append(c.Servers, Server{Addr: netip.AddrPortFrom(ip.Unmap(), defaultPort)})
			}
		case "options":
			for _, option := range fields[1:] {
				name, value, _ := strings.Cut(option, ":")
				n, err := strconv.Atoi(value)
				switch {
				case name == "trust-ad":
					c.TrustAD = TrustAlways
				case err != nil || n <= 0:
				case name == "timeout":
					c.Timeout = time.Duration(min(n, maxTimeout)) * time.Second
				case name == "attempts":
					attempts = min(n, maxAttempts)
				}
			}
		}
	}
	c.Tries = attempts * len(c.Servers) // one attempt asks every server once
	return c
}
