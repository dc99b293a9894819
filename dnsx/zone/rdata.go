package zone

import (
	"errors"
	"reflect"
	"strings"

	"github.com/miekg/dns"

	"github.com/mailcheck-go/mailcheck/dnsx"
)

const (
	noOrigin = `\000no-origin.` // stands in for the origin while nothing says it
	noTTL    = 1<<32 - 1        // stands in for the TTL of a record that has none
)

// errNoOrigin means that a record has a relative name, and nothing says of which
// zone.
var errNoOrigin = errors.New("a relative name without an origin")

// parser reads single records by way of miekg/dns.
type parser struct{ buf []byte }

// one reads the one record of text, which ends in a newline. With errNoOrigin the
// record has its type, and its owner if that is absolute.
func (p *parser) one(text, origin string) (dnsx.RR, error) {
	var first *dnsx.RR
	err := p.all(text, origin, func(rr dnsx.RR) error {
		if first != nil {
			return errors.New("several records on one line")
		}
		first = &rr
		return nil
	})
	switch {
	case first == nil && err == nil:
		return dnsx.RR{}, errors.New("no record")
	case first == nil:
		return dnsx.RR{}, err
	}
	return *first, err
}

// all reads the records of text: a record's line, or $GENERATE.
func (p *parser) all(text, origin string, yield func(dnsx.RR) error) error {
	zp := dns.NewZoneParser(strings.NewReader(text), origin, "")
	zp.SetDefaultTTL(noTTL)
	for {
		got, ok := zp.Next()
		if !ok {
			return reason(zp.Err())
		}
		rr, bad := p.convert(got)
		if bad != nil && !errors.Is(bad, errNoOrigin) {
			return bad
		}
		if err := yield(rr); err != nil {
			return err
		}
		if bad != nil {
			return bad
		}
	}
}

// reason words an error of miekg/dns anew: without the position, which is one in
// text, and without the names of its fields.
func reason(err error) error {
	if err == nil {
		return nil
	}
	s := strings.TrimPrefix(err.Error(), "dns: ")
	if i := strings.LastIndex(s, " at line: "); i >= 0 {
		s = s[:i]
	}
	i := strings.LastIndex(s, `: "`)
	if i < 0 {
		return errors.New(s)
	}
	what, token := s[:i], s[i+2:]
	if token == `"\n"` || token == `" "` {
		token = "the end of the line"
	}
	switch words := strings.Fields(what); {
	case what == "not a TTL":
		what = "want a TTL, a class or a type, have"
	case what == "bad owner name":
		what = "not a domain name:"
	case len(words) > 2 && words[0] == "bad" && words[1] == strings.ToUpper(words[1]): // "bad MX Pref"
		what = words[1] + ": cannot read"
	default:
		what += ":"
	}
	return errors.New(what + " " + token)
}

// convert makes our kind of record of one of miekg/dns.
func (p *parser) convert(got dns.RR) (dnsx.RR, error) {
	h := got.Header()
	rr := dnsx.RR{Type: dnsx.Type(h.Rrtype), TTL: h.Ttl}
	switch {
	case h.Class != dns.ClassINET:
		return rr, errors.New("class " + dns.Class(h.Class).String() + ": only IN is read")
	case meta(rr.Type):
		return rr, errors.New("records of type " + rr.Type.String() + " cannot stand in a zone")
	}
	var err error
	if rr.Name, err = canonical(h.Name); err != nil {
		return rr, err
	}
	if err = lowerNames(got); err != nil {
		return rr, err
	}
	if p.buf == nil {
		p.buf = make([]byte, 1<<16+16)
	}
	h.Name = "."
	const start = 11 // one octet of name, type, class, TTL, length
	end, err := dns.PackRR(got, p.buf, 0, nil, false)
	if err != nil {
		return rr, errors.New(strings.TrimPrefix(err.Error(), "dns: "))
	}
	rr.Data = append([]byte{}, p.buf[start:end]...)
	return rr, nil
}

// canonical is dnsx.ParseName that knows noOrigin.
func canonical(s string) (string, error) {
	name, err := dnsx.ParseName(s)
	if err == nil && dnsx.Below(name, noOrigin[:len(noOrigin)-1]) {
		return "", errNoOrigin
	}
	return name, err
}

// lowerNames brings the names in a record's data into the form that dnsx.RR asks
// for. miekg/dns marks them with a tag.
func lowerNames(rr dns.RR) error {
	switch rr.(type) {
	case *dns.A, *dns.AAAA, *dns.TXT, *dns.CAA, *dns.TLSA:
		return nil // frequent, and without names
	}
	return lowerFields(reflect.ValueOf(rr).Elem())
}

func lowerFields(v reflect.Value) error {
	for i := range v.NumField() {
		field, info := v.Field(i), v.Type().Field(i)
		switch {
		case field.Kind() == reflect.Struct && info.Name != "Hdr": // HTTPS is made of SVCB
			if err := lowerFields(field); err != nil {
				return err
			}
		case field.Kind() == reflect.String && strings.Contains(info.Tag.Get("dns"), "domain-name"):
			name, err := canonical(field.String())
			if err != nil {
				return err
			}
			field.SetString(dotted(name))
		}
	}
	return nil
}

// dotted writes an absolute name with its trailing dot.
func dotted(name string) string {
	if name == "." {
		return name
	}
	return name + "."
}
