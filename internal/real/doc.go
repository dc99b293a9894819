// Package real holds tests of whole checks against real servers: NSD serves
// the zones, Unbound resolves them and validates what Knot has signed; nginx, Postfix
// and Dovecot serve certificates, good and bad, which OpenSSL revokes and Pebble, an
// ACME server, wants renewed. The tests start these servers
// themselves, on loopback, and nothing else is ever asked.
//
// What a resolver on the wire says has to be what the zone files say: the same
// answers, the same reports. The zones are those in examples/zones, some odd ones in
// testdata and, where MAILCHECK_CORPUS names a folder, those in its octodns folder.
//
// The files of docs/scheduling are read by the programs that they are for: promtool,
// systemd, a shell.
//
// parts.sh installs all of these where it may, Pebble by building it. Where one is missing its tests run
// without it as far as they can and log what was not run; with
// MAILCHECK_REAL=required they fail.
package real
