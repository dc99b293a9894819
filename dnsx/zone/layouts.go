package zone

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/mailcheck-go/mailcheck/dnsx"
)

// rrTypes has octoDNS's types that are types of the DNS.
var rrTypes = map[string]dnsx.Type{
	"A": dnsx.TypeA, "AAAA": dnsx.TypeAAAA, "CAA": dnsx.TypeCAA, "CNAME": dnsx.TypeCNAME, "DNAME": dnsx.TypeDNAME,
	"DS": dnsx.TypeDS, "HTTPS": dnsx.TypeHTTPS, "LOC": 29, "MX": dnsx.TypeMX, "NAPTR": 35, "NS": dnsx.TypeNS,
	"OPENPGPKEY": 61, "PTR": dnsx.TypePTR, "SPF": dnsx.TypeSPF, "SRV": dnsx.TypeSRV, "SSHFP": 44,
	"SVCB": dnsx.TypeSVCB, "TLSA": dnsx.TypeTLSA, "TXT": dnsx.TypeTXT, "URI": 256,
}

// layouts has the values that are mappings: their fields in master-file order.
var layouts = map[string][]field{
	"CAA":   {{form: number, keys: "flags", or: "0"}, {keys: "tag"}, {form: quoted, keys: "value"}},
	"DS":    {{form: number, keys: "key_tag"}, {form: number, keys: "algorithm"}, {form: number, keys: "digest_type"}, {keys: "digest"}},
	"HTTPS": {{form: number, keys: "svcpriority"}, {form: target, keys: "targetname"}, {form: params, keys: "svcparams", or: " "}},
	"LOC": {
		{form: number, keys: "lat_degrees"},
		{form: number, keys: "lat_minutes"},
		{keys: "lat_seconds"},
		{keys: "lat_direction"},
		{form: number, keys: "long_degrees"},
		{form: number, keys: "long_minutes"},
		{keys: "long_seconds"},
		{keys: "long_direction"},
		{form: metres, keys: "altitude"},
		{form: metres, keys: "size"},
		{form: metres, keys: "precision_horz"},
		{form: metres, keys: "precision_vert"},
	},
	"MX": {{form: number, keys: "preference|priority"}, {form: target, keys: "exchange|value"}},
	"NAPTR": {
		{form: number, keys: "order"},
		{form: number, keys: "preference"},
		{form: quoted, keys: "flags"},
		{form: quoted, keys: "service"},
		{form: quoted, keys: "regexp"},
		{form: target, keys: "replacement"},
	},
	"SRV":   {{form: number, keys: "priority"}, {form: number, keys: "weight"}, {form: number, keys: "port"}, {form: target, keys: "target"}},
	"SSHFP": {{form: number, keys: "algorithm"}, {form: number, keys: "fingerprint_type"}, {keys: "fingerprint"}},
	"SVCB":  {{form: number, keys: "svcpriority"}, {form: target, keys: "targetname"}, {form: params, keys: "svcparams", or: " "}},
	"TLSA": {
		{form: number, keys: "certificate_usage", or: "0"},
		{form: number, keys: "selector", or: "0"},
		{form: number, keys: "matching_type", or: "0"},
		{keys: "certificate_association_data"},
	},
	"URI": {{form: number, keys: "priority"}, {form: number, keys: "weight"}, {form: quoted, keys: "target"}},
}

// field is one field of a value that is a mapping.
type field struct {
	form form
	keys string // with | between: the first that is there counts
	or   string // stands in where none is there; "": one has to be
}

// form says how a field is written in a master file.
type form int

const (
	word   form = iota // as it is: digits, hexadecimal, base64
	number             // a whole number
	metres             // a number of LOC
	quoted             // a string
	target             // a name
	params             // of SVCB and HTTPS
)

// structured makes RDATA of a value that is a mapping.
func (o *octodns) structured(kind string, layout []field, v *yaml.Node) ([]byte, error) {
	fields, err := o.fields(v)
	if err != nil {
		return nil, err
	}
	words := make([]string, 0, len(layout))
	for _, f := range layout {
		at := f.pick(fields)
		if at == nil {
			if f.or == "" {
				return nil, fmt.Errorf("the value has no %s", strings.ReplaceAll(f.keys, "|", " or "))
			}
			words = append(words, f.or)
			continue
		}
		w, err := o.show(f.form, at)
		if err != nil {
			return nil, o.fail(at, "%s: %s: %s", kind, f.keys, err)
		}
		words = append(words, w)
	}
	return o.presented(kind, words)
}

func (f field) pick(fields map[string]*yaml.Node) *yaml.Node {
	for key := range strings.SplitSeq(f.keys, "|") {
		if n := fields[key]; n != nil {
			return n
		}
	}
	return nil
}

// show writes a field as a master file has it.
func (o *octodns) show(as form, n *yaml.Node) (string, error) {
	if as == params && n.Kind == yaml.MappingNode {
		return o.svcParams(n)
	}
	if n.Kind != yaml.ScalarNode || null(n) {
		return "", fmt.Errorf("want a text, have %s", describe(n))
	}
	switch s := n.Value; as {
	case number:
		if _, err := strconv.ParseUint(s, 10, 32); err != nil {
			return "", fmt.Errorf("want a number, have %q", clip(s))
		}
		return s, nil
	case metres:
		return plain(s + "m")
	case quoted:
		return quote(s), nil
	case target:
		name, err := o.domain(s)
		return dotted(name), err
	default:
		return plain(s)
	}
}

// svcParams writes key, key=value and key=value,value (RFC 9460, 2.1).
func (o *octodns) svcParams(n *yaml.Node) (string, error) {
	ps, err := o.pairs(n, 0)
	if err != nil {
		return "", err
	}
	var words []string
	for _, p := range ps {
		key, err := plain(p.key.Value)
		if err != nil {
			return "", err
		}
		var values []string
		switch v := p.value; {
		case null(v):
			words = append(words, key)
			continue
		case v.Kind == yaml.ScalarNode:
			values = []string{v.Value}
		case v.Kind == yaml.SequenceNode:
			for _, item := range v.Content {
				values = append(values, resolve(item).Value)
			}
		}
		words = append(words, key+"="+quote(strings.Join(values, ",")))
	}
	return strings.Join(words, " "), nil
}

// plain lets a word pass that stays one in a master file.
func plain(s string) (string, error) {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(`"\;()`, c) >= 0 {
			return "", fmt.Errorf("%q is not one plain word", clip(s))
		}
	}
	if s == "" {
		return "", errors.New("it is empty")
	}
	return s, nil
}

// quote writes a string in quotes.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c >= 0x7f:
			fmt.Fprintf(&b, `\%03d`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// presented makes RDATA of the words that a master file would have.
func (o *octodns) presented(kind string, words []string) ([]byte, error) {
	rr, err := o.p.one(". 0 IN "+kind+" "+strings.Join(words, " ")+"\n", ".")
	if err == nil && len(rr.Data) == 0 {
		err = errors.New("no data")
	}
	return rr.Data, err
}
