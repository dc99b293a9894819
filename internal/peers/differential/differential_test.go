package main

import (
	"maps"
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

// Every class still comes up: a change of the generator may lose none, and a class that
// nobody needs any more may not stay to excuse something else. Make differential prints
// the first case of each, which belongs into cases.
func TestEachClass(t *testing.T) {
	peers := installed(t)
	l, err := newLane(peers)
	require.NoError(t, err)
	defer l.close()
	for _, c := range classes {
		if slices.ContainsFunc(c.peers, func(p string) bool { return !slices.Contains(peers, p) }) {
			continue
		}
		first, ok := cases[c.id]
		if !assert.True(t, ok, "%s has no case", c.id) {
			continue
		}
		x, err := l.judge(first.seed, first.number)
		require.NoError(t, err)
		require.NoError(t, l.classify(x))
		assert.Contains(t, slices.Concat(slices.Collect(maps.Values(x.class))...), c.id, "case %d of seed %d", first.number, first.seed)
	}
	assert.Len(t, cases, len(classes))
}

// cases are the first of their classes.
var cases = map[string]struct {
	seed   uint64
	number int
}{
	"identity":                     {7208, 0},
	"target":                       {7208, 878},
	"voids-of-hosts":               {7208, 648},
	"voids-of-names":               {7208, 61},
	"ptr-fails":                    {7208, 297},
	"faults-not-reached":           {7208, 63},
	"R":                            {7208, 126},
	"U-labels":                     {7208, 248},
	"local-not-ascii":              {7208, 321},
	"backslash":                    {7208, 53},
	"backslash-left-out":           {7208, 4273},
	"no-local-part":                {7208, 4},
	"quoted-at":                    {7208, 46},
	"dot-of-sender":                {7208, 19},
	"odd-names":                    {7208, 1},
	"digits":                       {7208, 77},
	"p":                            {7208, 28},
	"capital-macros":               {7208, 269},
	"delimiters-alone":             {7208, 4911},
	"empty-parts":                  {12, 333},
	"hosts":                        {7208, 46},
	"no-name":                      {7208, 329},
	"client-name-fails":            {7208, 87},
	"mx-host-fails":                {7208, 1920},
	"refused":                      {7208, 9},
	"include-itself":               {7208, 130},
	"voids-behind-aliases":         {7208, 295},
	"voids-of-ptr":                 {7208, 1275},
	"voids-not-counted":            {7208, 1126},
	"octets":                       {12, 3399},
	"explanation-octets":           {7208, 27},
	"explanation-length":           {7208, 422},
	"macro-faults":                 {7208, 21},
	"mapped-networks":              {7208, 80},
	"names-of-modifiers":           {7208, 528},
	"redirect-counted":             {7208, 1866},
	"unknown-modifier-twice":       {1, 870},
	"percent-names":                {7208, 544},
	"digits-and-percent":           {12, 756},
	"names-of-clients":             {7208, 10323},
	"numbers":                      {7208, 751},
	"percent-signs":                {7208, 6},
	"long-labels":                  {7208, 295},
	"long-names":                   {12, 839},
	"slashes":                      {7208, 844},
	"no-helo":                      {7208, 3051},
	"delimiters-kept":              {7208, 2813},
	"letters-of-unknown-modifiers": {7208, 2729},
	"explanation-cut":              {7208, 422},
	"colon-alone":                  {7208, 405},
	"one-family":                   {7208, 794},
	"own-name":                     {12, 1075},
	"terms-with-faults":            {7208, 213},
	"exists-alone":                 {7208, 16472},
	"odd-names-of-records":         {7208, 56},
	"p-unknown":                    {7208, 829},
	"void-labels":                  {19, 15542},
	"masks":                        {7208, 132},
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
