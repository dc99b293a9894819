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
	"identity":                     {12, 220},
	"target":                       {12, 27},
	"voids-of-hosts":               {12, 243},
	"voids-of-names":               {12, 175},
	"ptr-fails":                    {12, 526},
	"faults-not-reached":           {12, 9},
	"R":                            {12, 78},
	"U-labels":                     {12, 337},
	"local-not-ascii":              {12, 392},
	"backslash":                    {12, 2204},
	"backslash-left-out":           {12, 2204},
	"no-local-part":                {12, 47},
	"quoted-at":                    {12, 75},
	"dot-of-sender":                {12, 15},
	"odd-names":                    {12, 14},
	"digits":                       {12, 92},
	"p":                            {12, 117},
	"capital-macros":               {12, 171},
	"delimiters-alone":             {12, 4053},
	"empty-parts":                  {12, 333},
	"hosts":                        {12, 76},
	"no-name":                      {12, 20},
	"client-name-fails":            {12, 61},
	"mx-host-fails":                {12, 1360},
	"refused":                      {12, 169},
	"include-itself":               {12, 334},
	"voids-behind-aliases":         {12, 546},
	"voids-of-ptr":                 {12, 2442},
	"voids-not-counted":            {12, 32},
	"explanation-octets":           {12, 607},
	"explanation-length":           {12, 1119},
	"macro-faults":                 {12, 184},
	"mapped-networks":              {12, 12},
	"names-of-modifiers":           {12, 7},
	"redirect-counted":             {12, 1710},
	"unknown-modifier-twice":       {1, 870},
	"percent-names":                {12, 556},
	"digits-and-percent":           {12, 756},
	"numbers":                      {12, 419},
	"percent-signs":                {12, 54},
	"long-labels":                  {12, 555},
	"long-names":                   {12, 839},
	"slashes":                      {12, 1542},
	"no-helo":                      {12, 496},
	"delimiters-kept":              {12, 117},
	"letters-of-unknown-modifiers": {12, 2478},
	"explanation-cut":              {12, 3455},
	"octets":                       {12, 3399},
	"colon-alone":                  {12, 287},
	"one-family":                   {12, 1365},
	"own-name":                     {12, 1075},
	"terms-with-faults":            {12, 5166},
	"exists-alone":                 {12, 1382},
	"odd-names-of-records":         {12, 112},
	"p-unknown":                    {12, 480},
	"void-labels":                  {19, 15542},
	"masks":                        {12, 686},
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
