package wire

import "time"

// Dial makes a client that connects in another way.
func Dial(c *Client, dial dialFunc) *Client {
	c.dial = dial
	return c
}

// Counts are what an engine has counted.
type Counts struct{ Sent, Strays, Links, Window, InFlight, Active int }

// CountsOf is for tests that look inside.
func CountsOf(c *Client) Counts {
	e := engineOf(c)
	e.mu.Lock()
	defer e.mu.Unlock()
	n := Counts{Sent: e.sent, Strays: e.strays, Active: len(e.active)}
	for _, u := range e.upstreams {
		n.Links += len(u.links)
		n.Window += int(u.window)
		n.InFlight += u.inflight
	}
	return n
}

// What the tests hold the client to.
const (
	Idle           = idle
	SocketMessages = socketMessages
	SocketAge      = socketAge
	SocketGuesses  = socketGuesses
	MaxSockets     = maxSockets
	StartWindow    = startWindow
	MaxDown        = time.Duration(maxDown)
)
