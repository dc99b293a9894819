package mx

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/mailcheck-go/mailcheck/dnsx"
)

// Record is an MX record (RFC 1035, 3.3.9).
type Record struct {
	Preference uint16 // the lowest is tried first
	Host       string // as dnsx.ParseName returns it; "." in a null MX
}

// SyntaxError says why a text is no MX record, and where.
type SyntaxError struct {
	Offset int // octets into the text
	Term   string
	Reason string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("mx: octet %d, %q: %s", e.Offset, e.Term, e.Reason)
}

// Null reports that the record names no host: alone and with preference 0 it
// says that the domain takes no mail (RFC 7505, 3).
func (r Record) Null() bool { return r.Host == "." }

// String writes the data of the record as it stands in a zone file.
func (r Record) String() string {
	host := r.Host
	if !r.Null() {
		host += "."
	}
	return strconv.Itoa(int(r.Preference)) + " " + host
}

// Parse reads the data of one MX record as it stands in a zone file, preference
// and absolute host name; the dot at the name's end may be left out. Any domain
// name will do, as it does in the DNS. The record as far as it could be read
// comes back with a *SyntaxError.
func Parse(txt string) (*Record, error) {
	rec := &Record{}
	at := len(txt) - len(strings.TrimLeft(txt, wsp))
	pref, host, _ := strings.Cut(strings.Map(blank, txt[at:]), " ")
	hostAt := at + len(pref) + len(host) - len(strings.TrimLeft(host, wsp)) + 1
	host = strings.Trim(host, wsp)

	var fault error
	if n, err := strconv.ParseUint(pref, 10, 16); err != nil {
		fault = &SyntaxError{at, pref, "a preference is a number from 0 to 65535"}
	} else {
		rec.Preference = uint16(n)
	}
	name, err := dnsx.ParseName(host)
	if err != nil || strings.ContainsAny(host, wsp) {
		return rec, cmp.Or(fault, error(&SyntaxError{min(hostAt, len(txt)), host, "not a host's name"}))
	}
	rec.Host = name
	return rec, fault
}

const wsp = " \t"

// blank makes one kind of blank of two.
func blank(r rune) rune {
	if r == '\t' {
		return ' '
	}
	return r
}

// records are the MX records of an answer, the most preferred first, each once.
func records(a *dnsx.Answer) []Record {
	var recs []Record
	owner := a.Owner()
	for _, rr := range a.Records {
		if pref, host, ok := rr.MX(); ok && rr.Name == owner {
			recs = append(recs, Record{pref, host})
		}
	}
	slices.SortFunc(recs, func(a, b Record) int {
		return cmp.Or(cmp.Compare(a.Preference, b.Preference), strings.Compare(a.Host, b.Host))
	})
	return slices.Compact(recs)
}

// addressOf reads a name that is the text of an address: "192.0.2.1", or an
// address literal as in mail addresses, "[192.0.2.1]" or "[ipv6:2001:db8::1]".
func addressOf(name string) (netip.Addr, bool) {
	if inner, ok := strings.CutPrefix(name, "["); ok {
		name = strings.TrimPrefix(strings.TrimSuffix(inner, "]"), "ipv6:")
	}
	addr, err := netip.ParseAddr(name)
	return addr, err == nil
}

// badHost says why a name is no host's (RFC 5321, 4.1.2; RFC 1123, 2.1). It
// returns "" where it is one, or the text of an address.
func badHost(name string) string {
	if _, ok := addressOf(name); ok {
		return ""
	}
	last := ""
	for label := range strings.SplitSeq(name, ".") {
		if strings.Trim(label, letdig+"-_") != "" || strings.Trim(label, "-") != label {
			return "a host name has letters, digits and, inside of labels, hyphens"
		}
		last = label
	}
	if strings.Trim(last, "0123456789") == "" {
		return "the last label of a host name has a letter"
	}
	if strings.Contains(name, "_") {
		return underscore
	}
	return ""
}

const (
	letdig     = "abcdefghijklmnopqrstuvwxyz0123456789"
	underscore = "a host name has no underscore"
)
