package zone

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

const (
	maxVisits = 1_000_000 // mapping entries looked at: aliases and merge keys may repeat them
	maxMerges = 8         // merge keys inside merge keys
)

// document returns the one document of the data, nil where that is empty.
func document(data []byte) (*yaml.Node, error) {
	loader, err := yaml.NewLoader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	var doc, more yaml.Node
	if err := loader.Load(&doc); err != nil {
		if err == io.EOF {
			return nil, nil
		}
		return nil, err
	}
	if err := loader.Load(&more); err != io.EOF {
		if err == nil {
			err = errors.New("a second YAML document")
		}
		return nil, err
	}
	if len(doc.Content) != 1 || null(doc.Content[0]) {
		return nil, nil
	}
	return doc.Content[0], nil
}

// pair is an entry of a mapping.
type pair struct{ key, value *yaml.Node }

// pairs returns the entries of a mapping in their order. What a merge key (<<)
// brings stands behind, where the mapping does not say it itself.
func (o *octodns) pairs(n *yaml.Node, depth int) ([]pair, error) {
	if n = resolve(n); n.Kind != yaml.MappingNode {
		return nil, o.fail(n, "want a mapping, have %s", describe(n))
	}
	var own, merged []pair
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := resolve(n.Content[i]), resolve(n.Content[i+1])
		if o.visits++; o.visits > maxVisits {
			return nil, o.fail(key, "aliases repeat more than is read")
		}
		if key.Kind != yaml.ScalarNode || null(key) {
			return nil, o.fail(key, "want a name, have %s", describe(key))
		}
		if key.Tag == "!!merge" {
			more, err := o.merge(value, depth)
			if err != nil {
				return nil, err
			}
			merged = append(merged, more...)
			continue
		}
		if name := strings.ToLower(key.Value); seen[name] {
			return nil, o.fail(key, "%q twice in one mapping", key.Value)
		} else {
			seen[name] = true
		}
		own = append(own, pair{key, value})
	}
	for _, p := range merged {
		if name := strings.ToLower(p.key.Value); !seen[name] {
			seen[name] = true
			own = append(own, p)
		}
	}
	return own, nil
}

// merge returns what a merge key brings: a mapping, or a list of them.
func (o *octodns) merge(n *yaml.Node, depth int) ([]pair, error) {
	if depth == maxMerges {
		return nil, o.fail(n, "merge keys over %d deep", maxMerges)
	}
	var all []pair
	for _, m := range list(n) {
		more, err := o.pairs(m, depth+1)
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	return all, nil
}

// resolve returns what an alias stands for.
func resolve(n *yaml.Node) *yaml.Node {
	for range maxMerges {
		if n.Kind != yaml.AliasNode {
			break
		}
		n = n.Alias
	}
	return n
}

// list returns the items of a list, or what stands where one might.
func list(n *yaml.Node) []*yaml.Node {
	switch {
	case n == nil:
		return nil
	case n.Kind == yaml.SequenceNode:
		return n.Content
	}
	return []*yaml.Node{n}
}

func null(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

func describe(n *yaml.Node) string {
	switch {
	case n.Tag == "!include":
		return "!include, which is not read"
	case null(n):
		return "nothing"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	}
	return strconv.Quote(clip(n.Value))
}

func clip(s string) string {
	const most = 100
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

// fields is a mapping by key.
func (o *octodns) fields(n *yaml.Node) (map[string]*yaml.Node, error) {
	ps, err := o.pairs(n, 0)
	if err != nil {
		return nil, err
	}
	m := make(map[string]*yaml.Node, len(ps))
	for _, p := range ps {
		m[p.key.Value] = p.value
	}
	return m, nil
}
