package dial

import (
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWhy(t *testing.T) {
	tests := []struct{ addrs, want string }{
		{"1.1.1.1 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 172.15.255.255 172.32.0.0", ""},
		{"192.0.1.0 192.0.3.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 223.255.255.255", ""},
		{"0.0.0.0 0.255.255.255", "this network"},
		{"10.0.0.0 10.255.255.255 172.16.0.0 172.31.255.255 192.168.0.0 192.168.255.255", "private"},
		{"100.64.0.0 100.127.255.255", "shared by carriers"},
		{"127.0.0.1 127.255.255.255", "loopback"},
		{"169.254.0.0 169.254.169.254", "link-local"},
		{"192.0.0.1 192.0.0.255", "protocol assignment"},
		{"192.0.2.1 198.51.100.255 203.0.113.0", "documentation"},
		{"192.88.99.1", "6to4 relay"},
		{"198.18.0.0 198.19.255.255", "benchmarking"},
		{"224.0.0.1 239.255.255.255", "multicast"},
		{"240.0.0.0 255.255.255.254", "reserved"},
		{"255.255.255.255", "limited broadcast"},

		{"2606:4700::1111 2001:200:: 2000:: 3ffe::1 3fff:1000::", ""},
		{"::", "unspecified"},
		{"::1", "loopback"},
		{"::8.8.8.8 ::127.0.0.1", "IPv4-compatible"},
		{"::ffff:8.8.8.8 2002:808:808::1 64:ff9b::8.8.8.8", ""},
		{"::ffff:127.0.0.1", "loopback"},
		{"::ffff:10.1.2.3", "private"},
		{"64:ff9b::10.0.0.1 2002:a00:1::1", "private inside of an IPv6 address"},
		{"64:ff9b::127.0.0.1 2002:7f00:1::1", "loopback inside of an IPv6 address"},
		{"64:ff9b:1::8.8.8.8 64:ff9b:1:ffff::", "local NAT64"},
		{"64:ff9b:0:0:0:1::", "outside of 2000::/3"},
		{"2001:0:808:808:0:0:f7f7:f7f7", ""},                                                // Teredo: server 8.8.8.8, client 8.8.8.8
		{"2001:0:808:808:0:0:f5ff:fffe", "private inside of an IPv6 address"},               // Teredo: client 10.0.0.1
		{"2001:0:a00:1:0:0:f7f7:f7f7", "private inside of an IPv6 address"},                 // Teredo: server 10.0.0.1
		{"2001:1::1 2001:3::1 2001:4:112::1 2001:30::1 2001:1ff::1", "protocol assignment"}, // anycast too
		{"2001:2::1", "benchmarking"},
		{"2001:10::1 2001:2f::1", "ORCHID"},
		{"2001:db8::1 3fff::1 3fff:fff::1", "documentation"},
		{"100::1", "discard-only"},
		{"fc00::1 fdff::1", "unique local"},
		{"fe80::1 febf::1", "link-local"},
		{"fec0::1 feff::1", "site-local"},
		{"ff02::1", "multicast"},
		{"1fff:: 4000:: 5f00::1 100:0:0:1::1 fe00::1", "outside of 2000::/3"},
		{"fe80::1%eth0 2606:4700::1111%eth0 ::ffff:8.8.8.8%1", "has a zone"},
	}
	for _, tt := range tests {
		for addr := range strings.FieldsSeq(tt.addrs) {
			assert.Equal(t, tt.want, Why(netip.MustParseAddr(addr)), addr)
		}
	}
	assert.Equal(t, "no address", Why(netip.Addr{}))
}

func TestDialerLooksWhenItConnects(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	port := netip.MustParseAddrPort(l.Addr().String()).Port()

	for _, addr := range []string{"127.0.0.1", "::ffff:127.0.0.1", "0.0.0.0"} {
		conn, err := new(Dialer).DialContext(t.Context(), "tcp", netip.AddrPortFrom(netip.MustParseAddr(addr), port).String())
		var refused *NotPublicError
		require.ErrorAs(t, err, &refused, addr)
		assert.Nil(t, conn)
	}

	// The refusals above are the hook's: with the range open the same call connects.
	open := &Dialer{AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	for _, addr := range []string{"127.0.0.1", "::ffff:127.0.0.1"} {
		conn, err := open.DialContext(t.Context(), "tcp", netip.AddrPortFrom(netip.MustParseAddr(addr), port).String())
		require.NoError(t, err)
		conn.Close()
	}
}

func TestDialerWantsLiterals(t *testing.T) {
	for _, address := range []string{"localhost:443", "127.0.0.1", "127.0.0.1:https", ":443", ""} {
		_, err := new(Dialer).DialContext(t.Context(), "tcp", address)
		var bad *net.AddrError
		assert.ErrorAs(t, err, &bad, address)
	}
	_, err := new(Dialer).DialContext(t.Context(), "unix", "127.0.0.1:443")
	assert.Equal(t, net.UnknownNetworkError("unix"), err)
}

func TestAllowPrivate(t *testing.T) {
	d := &Dialer{AllowPrivate: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fe80::/10")}}
	assert.NoError(t, d.Check(netip.MustParseAddr("10.1.2.3")))
	assert.NoError(t, d.Check(netip.MustParseAddr("fe80::1")))
	assert.Error(t, d.Check(netip.MustParseAddr("fe80::1%eth0")), "a zone is in no range")
	assert.Error(t, d.Check(netip.MustParseAddr("192.168.0.1")))
	assert.Error(t, d.Check(netip.MustParseAddr("64:ff9b::10.1.2.3")), "the translator is not the range that was opened")
}

func TestNotPublicErrorIsAGap(t *testing.T) {
	err := error(&net.OpError{Op: "dial", Net: "tcp", Err: new(Dialer).Check(netip.MustParseAddr("10.0.0.1"))})
	gap := check.GapOf("", err)
	assert.Equal(t, check.Gap{Subject: "10.0.0.1", Why: check.NotAsked, Cause: err}, gap)
	assert.Equal(t, "dial tcp: 10.0.0.1: address is not public (private)", gap.CauseText())
}

func FuzzPublic(f *testing.F) {
	for _, s := range []string{"8.8.8.8", "::ffff:10.0.0.1", "2002:a00:1::", "64:ff9b::1", "2001::1", "fe80::1"} {
		b := netip.MustParseAddr(s).As16()
		f.Add(b[:])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		a, ok := netip.AddrFromSlice(b)
		if !ok || !Public(a) {
			return
		}
		if u := a.Unmap(); !u.IsGlobalUnicast() || u.IsPrivate() || u.IsLoopback() || u.IsLinkLocalUnicast() || u.IsMulticast() {
			t.Errorf("%s is not public", a)
		}
		if a.Is4() && (!Public(netip.AddrFrom16(a.As16()))) {
			t.Errorf("%s is judged otherwise than its mapped form", a)
		}
		var refused *NotPublicError
		if errors.As(new(Dialer).Check(a.WithZone("eth0")), &refused) == a.Is4() {
			t.Errorf("%s: a zone makes an IPv6 address not public, and an IPv4 address has none", a)
		}
	})
}
