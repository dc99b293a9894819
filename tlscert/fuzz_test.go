package tlscert

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

// fuzzServer is what it sends; what it is told does not matter to it.
type fuzzServer struct{ io.Reader }

func (fuzzServer) Write(b []byte) (int, error) { return len(b), nil }

// FuzzReadReply: a dialogue with any server ends, keeps little, and agrees on TLS only
// where nothing is left over.
func FuzzReadReply(f *testing.F) {
	for _, s := range []string{
		"220 mx\r\n250-mx\r\n250-SIZE 1\r\n250 STARTTLS\r\n220 go\r\n",
		"220-mx\r\n220\r\n250 mx\r\n", "554 no\r\n", "220 mx\n250-mx\n250 STARTTLS\n220 go\n250 injected\n",
		"* OK hi\r\n* CAPABILITY STARTTLS\r\na1 OK\r\na2 OK\r\n", "* PREAUTH\r\n", "* BYE\r\n", "* OK\r\na1 BAD\r\n",
		"+OK\r\n+OK\r\nSTLS\r\n.\r\n+OK\r\n", "-ERR\r\n", "+OK\r\n-ERR\r\n", "\xff\x00", "",
	} {
		f.Add([]byte(s), false)
	}
	f.Fuzz(func(t *testing.T, sent []byte, slow bool) {
		for protocol, talk := range talks {
			var from io.Reader = bytes.NewReader(sent)
			if slow {
				from = iotest.OneByteReader(from)
			}
			e := &Endpoint{}
			d := &dialogue{conn: fuzzServer{from}, e: e}
			err := talk.greeting(d)
			if err == nil {
				err = talk.startTLS(d)
			}
			var said *wrong
			switch {
			case err == nil && len(d.buf) > 0:
				t.Errorf("%s: %q left over", protocol, d.buf)
			case errors.As(err, &said) && (said.kind == "" || len(said.detail) > 2*maxSaid):
				t.Errorf("%s: %q", protocol, said)
			case len(e.Greeting) > 2*maxSaid || len(e.Capabilities) > maxLines:
				t.Errorf("%s: keeps %d octets and %d capabilities", protocol, len(e.Greeting), len(e.Capabilities))
			}
		}
	})
}

// FuzzReadUnread: whatever came and whatever the secret is, no more certificates are
// taken out of it than were sent.
func FuzzReadUnread(f *testing.F) {
	f.Add([]byte("\x16\x03\x03\x00\x0e\x0b\x00\x00\x0a\x00\x00\x07\x00\x00\x04cert"), []byte(nil))
	f.Add([]byte("\x17\x03\x03\x00\x12sixteen octets and"), bytes.Repeat([]byte{1}, 32))
	f.Add([]byte("\x17\x03\x03\x00\x12sixteen octets and"), bytes.Repeat([]byte{1}, 48))
	f.Fuzz(func(t *testing.T, sent, secret []byte) {
		total := 0
		chain := unread(sent, secret)
		for _, der := range chain {
			total += len(der)
		}
		if total > len(sent) || len(chain) > maxUnread {
			t.Errorf("%d certificates with %d octets out of %d octets", len(chain), total, len(sent))
		}
	})
}

func TestUnreadInTheClear(t *testing.T) {
	message := []byte("\x16\x03\x03\x00\x12\x0b\x00\x00\x0e\x00\x00\x0b\x00\x00\x04cert\x00\x00\x01c")
	got := unread(message, nil)
	if len(got) != 2 || string(got[0]) != "cert" || string(got[1]) != "c" {
		t.Errorf("got %q", got)
	}
	for n := range message {
		if got := unread(message[:n], nil); got != nil {
			t.Errorf("the first %d octets: got %q", n, got)
		}
	}
}
