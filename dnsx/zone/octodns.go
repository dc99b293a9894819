package zone

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/mailcheck-go/mailcheck/dnsx"
)

// octodns reads one octoDNS zone.
type octodns struct {
	f      *file
	b      *budget
	p      parser
	visits int
}

func parseOctoDNS(f *file, data []byte, _ *folder, b *budget) error {
	o := &octodns{f: f, b: b}
	if len(data) > maxYAML {
		return &SyntaxError{File: f.path, Reason: fmt.Sprintf("over %d MiB of YAML", maxYAML>>20)}
	}
	doc, err := document(data)
	if at, ok := errors.AsType[*yaml.LoadError](err); ok {
		return &SyntaxError{File: f.path, Line: at.Mark.Line, Reason: "no YAML: " + at.Message}
	} else if err != nil {
		return o.fail(nil, "no YAML: %s", err)
	}
	var top []pair
	if doc != nil {
		if top, err = o.pairs(doc, 0); err != nil {
			return err
		}
	}
	if configuration(top) {
		f.skip = "an octoDNS configuration, no zone"
		return nil
	}
	if f.apex, err = o.apex(); err != nil {
		return err
	}
	for _, name := range top {
		if err := o.name(name); err != nil {
			return err
		}
	}
	types := []dnsx.Type{dnsx.TypeSOA} // the provider's
	if !slices.ContainsFunc(f.records, func(r record) bool { return r.Type == dnsx.TypeNS && r.Name == f.apex }) {
		types = append(types, dnsx.TypeNS)
	}
	f.holes = append(f.holes, hole{f.apex, types})
	return nil
}

// fail is an error at a node, or where the YAML reader says it is.
func (o *octodns) fail(at *yaml.Node, format string, args ...any) error {
	e := &SyntaxError{File: o.f.path, Reason: fmt.Sprintf(format, args...)}
	if at != nil {
		e.Line = at.Line
	}
	return e
}

// apex is the zone that the file's name says.
func (o *octodns) apex() (string, error) {
	base := filepath.Base(o.f.path)
	name := strings.TrimSuffix(base, filepath.Ext(base))
	canon, err := o.domain(name)
	if err != nil {
		return "", o.fail(nil, "the file's name says no zone: %s", err)
	}
	return canon, nil
}

// domain reads a name as octoDNS has it: absolute, and without raw octets.
func (o *octodns) domain(s string) (string, error) {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return "", fmt.Errorf("%q is not ASCII: write it in its A-label form (xn--…)", s)
		}
	}
	return dnsx.ParseName(s)
}

// configuration recognises the file that says where octoDNS reads and writes.
func configuration(top []pair) bool {
	return slices.ContainsFunc(top, func(p pair) bool {
		if p.key.Value != "providers" && p.key.Value != "zones" || p.value.Kind != yaml.MappingNode {
			return false
		}
		for i := 0; i+1 < len(p.value.Content); i += 2 {
			if p.value.Content[i].Value == "type" {
				return false // a record at that name
			}
		}
		return true
	})
}

// name reads all records of one name.
func (o *octodns) name(p pair) error {
	owner := o.f.apex
	if p.key.Value != "" {
		switch {
		case p.key.Value == "@":
			return o.fail(p.key, "octoDNS writes the apex as '', not as @")
		case strings.HasSuffix(p.key.Value, "."):
			return o.fail(p.key, "%q: names are relative to the zone, without a dot at the end", p.key.Value)
		}
		var err error
		if owner, err = o.domain(dnsx.Join(p.key.Value, o.f.apex)); err != nil {
			return o.fail(p.key, "%s", err)
		}
	}
	types := map[string]bool{}
	for _, n := range list(p.value) {
		fields, err := o.fields(n)
		if err != nil {
			return err
		}
		kind := fields["type"]
		if kind == nil || kind.Kind != yaml.ScalarNode || null(kind) {
			return o.fail(resolve(n), "a record of %s without a type", owner)
		}
		if types[kind.Value] {
			return o.fail(kind, "%s twice at %s: octoDNS wants one record with several values", kind.Value, owner)
		}
		types[kind.Value] = true
		if err := o.record(owner, kind, fields); err != nil {
			return err
		}
	}
	return nil
}

// note keeps what is no record here, and which types the name may have by it.
func (o *octodns) note(owner string, at *yaml.Node, kind, reason string, types ...dnsx.Type) {
	o.f.notes = append(o.f.notes, Note{File: o.f.path, Line: at.Line, Name: owner, Type: kind, Reason: reason})
	if len(types) > 0 {
		o.f.holes = append(o.f.holes, hole{owner, types})
	}
}

// record reads one record of octoDNS, which is an RRset.
func (o *octodns) record(owner string, kind *yaml.Node, fields map[string]*yaml.Node) error {
	dtype, known := rrTypes[kind.Value]
	if !known {
		return o.special(owner, kind, fields)
	}
	if ignored(fields["octodns"]) {
		o.note(owner, kind, kind.Value, "octoDNS leaves it to others (octodns.ignored)", dtype)
		return nil
	}
	ttl, err := o.ttl(fields["ttl"])
	if err != nil {
		return err
	}
	values := cmp.Or(fields["values"], fields["value"])
	for _, key := range []string{"dynamic", "geo", "weighted"} {
		if fields[key] == nil {
			continue
		}
		if values == nil {
			o.note(owner, kind, kind.Value, "what it answers depends on who asks ("+key+"), and it has no plain value", dtype)
			return nil
		}
		o.note(owner, kind, kind.Value, "what it answers depends on who asks ("+key+"); the plain values are taken")
	}
	if values == nil {
		return o.fail(kind, "%s of %s has neither value nor values", kind.Value, owner)
	}
	if len(list(values)) == 0 {
		return o.fail(values, "%s of %s has no values", kind.Value, owner)
	}
	for _, v := range list(values) {
		rr := dnsx.RR{Name: owner, Type: dtype, TTL: ttl}
		if rr.Data, err = o.data(kind.Value, resolve(v)); err != nil {
			if _, ok := errors.AsType[*SyntaxError](err); ok {
				return err
			}
			return o.fail(resolve(v), "%s of %s: %s", kind.Value, owner, err)
		}
		if err := o.b.record(len(rr.Data)); err != nil {
			return o.fail(v, "%s", err)
		}
		o.f.records = append(o.f.records, record{rr, o.f.path, resolve(v).Line})
	}
	return nil
}

// special notes a type that is none of the DNS. Its name has addresses by it, or
// the type that it names: which, the file does not say.
func (o *octodns) special(owner string, kind *yaml.Node, fields map[string]*yaml.Node) error {
	if upper := strings.ToUpper(kind.Value); rrTypes[upper] != 0 {
		return o.fail(kind, "type %q: octoDNS writes it %s", kind.Value, upper)
	}
	types := []dnsx.Type{dnsx.TypeA, dnsx.TypeAAAA}
	if as, err := dnsx.ParseType(kind.Value); err == nil {
		types = []dnsx.Type{as} // a type of the DNS that octoDNS does not have
	}
	for _, v := range list(cmp.Or(fields["values"], fields["value"])) {
		if v = resolve(v); v.Kind != yaml.MappingNode {
			continue
		}
		value, err := o.fields(v)
		if err != nil {
			return err
		}
		if t := value["type"]; t != nil {
			if as, err := dnsx.ParseType(t.Value); err == nil && !slices.Contains(types, as) {
				types = append(types, as)
			}
		}
	}
	o.note(owner, kind, kind.Value, "not read: the file does not say which records it becomes", types...)
	return nil
}

func ignored(octodns *yaml.Node) bool {
	if octodns == nil || octodns.Kind != yaml.MappingNode {
		return false
	}
	for i := 0; i+1 < len(octodns.Content); i += 2 {
		if octodns.Content[i].Value == "ignored" {
			return octodns.Content[i+1].Value == "true"
		}
	}
	return false
}

func (o *octodns) ttl(n *yaml.Node) (uint32, error) {
	if n == nil {
		return defaultTTL, nil
	}
	ttl, err := strconv.ParseUint(n.Value, 10, 64)
	if err != nil || n.Kind != yaml.ScalarNode {
		return 0, o.fail(n, "ttl: want a number of seconds, have %s", describe(n))
	}
	return uint32(min(ttl, maxTTL)), nil
}

// data makes RDATA of one value.
func (o *octodns) data(kind string, v *yaml.Node) ([]byte, error) {
	if layout := layouts[kind]; layout != nil {
		return o.structured(kind, layout, v)
	}
	if v.Kind != yaml.ScalarNode || null(v) || v.Tag == "!include" {
		return nil, fmt.Errorf("want a text, have %s", describe(v))
	}
	switch kind {
	case "TXT", "SPF":
		return text(v.Value)
	case "A", "AAAA":
		addr, err := netip.ParseAddr(v.Value)
		if err != nil || addr.Zone() != "" || addr.Is4() != (kind == "A") {
			return nil, fmt.Errorf("%q is no such address", clip(v.Value))
		}
		return addr.AsSlice(), nil
	case "OPENPGPKEY":
		key, err := plain(v.Value)
		if err != nil {
			return nil, err
		}
		return o.presented(kind, []string{key})
	}
	name, err := o.domain(v.Value) // CNAME, DNAME, NS, PTR
	if err != nil {
		return nil, err
	}
	return dnsx.PackName(name)
}

// text makes the strings of a TXT record as octoDNS does: quotes around the value
// and between its strings go, \; is a semicolon, and any other backslash stays.
func text(s string) ([]byte, error) {
	if strings.HasPrefix(s, `"`) {
		if len(s) < 2 || !strings.HasSuffix(s, `"`) {
			return nil, errors.New("a quote that does not end")
		}
		s = s[1 : len(s)-1]
	}
	s = strings.ReplaceAll(s, `" "`, "")
	s = strings.ReplaceAll(s, `\;`, ";")
	rr := dnsx.NewTXT("", 0, s)
	if len(rr.Data) > 65535 {
		return nil, errors.New("over 65535 octets of data")
	}
	return rr.Data, nil
}
