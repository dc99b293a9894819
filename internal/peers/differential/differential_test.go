package main

import (
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The first cases of those that make differential runs, with the peers that are
// installed.
func TestFirstCases(t *testing.T) {
	table, err := run(7208, 0, 300, 2, installed(t))
	require.NoError(t, err)
	for _, x := range table.open {
		x.write(t.Output())
	}
	assert.Empty(t, table.open, "cases in no class")
	assert.Len(t, table.results, 7, "every result comes up")
}

// installed returns the peers there are.
func installed(t *testing.T) []string {
	peers := []string{goPeer}
	for _, p := range programs {
		switch {
		case p.installed():
			peers = append(peers, p.name)
		case os.Getenv("MAILCHECK_REAL") == "required":
			t.Errorf("NOT RUN: %s is not installed (%s)", p.name, p.pkg)
		default:
			t.Logf("NOT RUN: %s is not installed (%s)", p.name, p.pkg)
		}
	}
	return peers
}

// A seed and a number make one case, whatever was asked before.
func TestCasesRepeat(t *testing.T) {
	for id := range 200 {
		s1, w1 := makeCase(1, id)
		s2, w2 := makeCase(1, id)
		require.Equal(t, s1, s2)
		w2.node("other.example")
		for range 2 {
			require.Equal(t, w1.node(w1.root), w2.node(w1.root))
		}
	}
}

// docs/architecture.md has the classes as they are: go run ./differential -classes.
func TestClassesInDocs(t *testing.T) {
	docs, err := os.ReadFile("../../../docs/architecture.md")
	require.NoError(t, err)
	assert.Contains(t, string(docs), markdown())
}

// What a class says of itself is whole, and no peer is excused under two names.
func TestClasses(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range classes {
		assert.False(t, seen[c.id], c.id)
		seen[c.id] = true
		assert.NotEmpty(t, c.section, c.id)
		assert.NotEmpty(t, c.why, c.id)
		ways := 0
		for _, has := range []bool{c.is != nil, c.edit != nil, c.as != nil, c.with != nil} {
			if has {
				ways++
			}
		}
		assert.Equal(t, 1, ways, "%s: one way to show it", c.id)
		for _, p := range c.peers {
			assert.True(t, slices.Contains([]string{pyspf, mailspf, goPeer}, p), c.id)
		}
	}
}
