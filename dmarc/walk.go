package dmarc

import (
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/mailcheck-go/mailcheck/dnsx"
)

// A name with more labels than walkLabels is cut to so many after the first
// query, so that no walk takes more than eight (RFC 9989, 4.10).
const walkLabels = 7

// walkNames returns the names whose records decide about domain, from the longest
// to the shortest: those of the tree walk, and the organizational domain of
// RFC 7489 where it is none of them.
func walkNames(domain string) []string {
	if domain == "." {
		return nil
	}
	names := []string{domain}
	next := dnsx.Parent(domain)
	if n := dnsx.Labels(domain); n > walkLabels {
		next = tail(domain, walkLabels)
	}
	for ; next != "."; next = dnsx.Parent(next) {
		names = append(names, next)
	}
	if org := pslDomain(domain); !slices.Contains(names, org) {
		names = slices.Insert(names, 1, org) // longer than walkLabels, so before all others
	}
	return names
}

// tail is the last n labels of name.
func tail(name string, n int) string {
	for skip := dnsx.Labels(name) - n; skip > 0; skip-- {
		name = dnsx.Parent(name)
	}
	return name
}

// recordName is where name publishes its record; false means that no such name
// can exist.
func recordName(name string) (string, bool) {
	record, err := dnsx.ParseName(dnsx.Join("_dmarc", name))
	return record, err == nil
}

// pslDomain is the organizational domain of RFC 7489, 3.2, by the ICANN and the
// private part of the list. A name that is a public suffix itself has no label
// left to add; it stands for itself (RFC 9091, 3.5).
func pslDomain(name string) string {
	return tail(name, dnsx.Labels(suffixOf(name))+1)
}

// isSuffix reports whether the list has name as a public suffix. A top-level
// domain that it does not know counts as one.
func isSuffix(name string) bool { return suffixOf(name) == name }

func suffixOf(name string) string {
	if strings.Contains(name, `\`) {
		// No entry of the list has an escaped octet, and the package knows no
		// escapes: only the labels behind the last one can match.
		rest := name[strings.LastIndexByte(name, '\\')+1:]
		_, rest, ok := strings.Cut(rest[min(1, len(rest)):], ".")
		if !ok {
			return tail(name, 1)
		}
		name = rest
	}
	suffix, _ := publicsuffix.PublicSuffix(name)
	return suffix
}

// stop is a record found on a tree walk. The node is nil for a record that may be
// there: its answer is missing.
type stop struct {
	name string
	psd  PSD
	node *Node
}

// walk follows a tree walk through nodes, from the longest name to the shortest,
// and calls end with the records found (RFC 9989, 4.10). Where an answer is
// missing it goes on in each of the ways that the answer may have read: no record,
// or one with psd of u, n or y. What is the same at every end is known all the
// same, whatever the answer would have been. Eight names make at most 766 ends.
func walk(nodes []*Node, found []stop, end func([]stop)) {
	for i, n := range nodes {
		if n.Err != nil {
			may := func(psd PSD) []stop { return append(slices.Clip(found), stop{name: n.Name, psd: psd}) }
			end(may(PSDYes))
			end(may(PSDNo))
			walk(nodes[i+1:], may(PSDUnknown), end)
			walk(nodes[i+1:], slices.Clip(found), end)
			return
		}
		r := n.Record()
		if r == nil {
			continue
		}
		found = append(found, stop{n.Name, r.PSD, n})
		if r.PSD != PSDUnknown {
			break
		}
	}
	end(found)
}

// orgDomain selects the organizational domain of start (RFC 9989, 4.10.2).
func orgDomain(start string, found []stop) string {
	for _, s := range found {
		switch {
		case s.psd == PSDNo:
			return s.name
		case s.psd == PSDYes && s.name != start:
			return tail(start, dnsx.Labels(s.name)+1)
		}
	}
	if n := len(found); n > 0 {
		return found[n-1].name
	}
	return start
}

// policyStop selects the record that applies to start: its own, else that of its
// organizational domain, else that of its public suffix (RFC 9989, 4.10.1).
func policyStop(start string, found []stop) (stop, bool) {
	org := orgDomain(start, found)
	for _, want := range []func(stop) bool{
		func(s stop) bool { return s.name == start },
		func(s stop) bool { return s.name == org },
		func(s stop) bool { return s.psd == PSDYes },
	} {
		if i := slices.IndexFunc(found, want); i >= 0 {
			return found[i], true
		}
	}
	return stop{}, false
}

// same collects what several worlds say; known tells whether they all agree.
type same[T comparable] struct {
	value     T
	some, mix bool
}

func (s *same[T]) add(v T) {
	s.mix = s.mix || s.some && s.value != v
	s.value, s.some = v, true
}

func (s *same[T]) known() (v T, ok bool) {
	if s.mix || !s.some {
		return v, false
	}
	return s.value, true
}
